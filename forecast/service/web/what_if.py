"""The forecaster asks the model in force: the answer in words, with the chart where it is new."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from forecast.domain import Forecast
from forecast.errors import Conflict
from forecast.issue.world import World
from forecast.quantities import published_probability
from forecast.service.web.desk_material import question
from forecast.service.web.desk_view import EventView, Why

PREFIX = "k."  # of a knob's name among the fields of a form


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model says: before and after in words, the grade after, the reasons after."""

    before: str
    after: str
    grade: int
    reasons: tuple[Why, ...]
    texts: Mapping[str, str]
    chart: Markup | None

    def document(self) -> dict[str, object]:
        """Return it as JSON; the chart is SVG made here."""
        return {
            "before": self.before,
            "after": self.after,
            "grade": self.grade,
            "reasons": [
                {"text": why.text, "effect": round(why.effect, 2), "width": why.width}
                for why in self.reasons
            ],
            "texts": dict(self.texts),
            "chart": str(self.chart) if self.chart else "",
        }


def changes_of(view: EventView, form: Mapping[str, str]) -> dict[str, float]:
    """Return the knobs that a form moved away from their values in the draft (SI).

    Raises: Conflict for a knob that is no number.
    """
    changes = {}
    for slider in view.sliders():
        text = form.get(PREFIX + slider.knob.name)
        if text is None:
            continue
        try:
            value = float(text)
        except ValueError:
            raise Conflict(f"{slider.knob.name}: {text:.20} is no number", "knob") from None
        if not math.isfinite(value):
            raise Conflict(f"{slider.knob.name}: {text:.20} is no number", "knob")
        if abs(value - slider.value) > slider.knob.step / 2:
            changes[slider.knob.name] = min(max(value, slider.knob.low), slider.knob.high)
    return changes


def reply(view: EventView, form: Mapping[str, str], world: World) -> ModelAnswer:
    """Return what the model in force says with the knobs of a form. Raises: Conflict."""
    changes = changes_of(view, form)
    answer = question(view.desk, view.key).answer(
        changes, world.models, world.config.forecast.grades
    )
    return ModelAnswer(
        _percent(view, answer.before),
        _percent(view, answer.after),
        view.grade(answer.after.probability),
        tuple(view.reasons(answer.after)),
        {name: view.knob_text(name, value) for name, value in changes.items()},
        view.drawn(answer.after, answer.evidence),
    )


def _percent(view: EventView, forecast: Forecast) -> str:
    return view.words.percent(published_probability(forecast.probability))
