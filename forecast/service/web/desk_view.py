"""What the desk's page shows of a draft: the grid of all events, and the chosen one beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import url_for
from markupsafe import Markup

from forecast.domain import Forecast
from forecast.issue.what_if import Knob
from forecast.quantities import grade_of, published_probability
from forecast.review import EventKey
from forecast.service.web.desk_material import Desk, question
from products import charts
from products.agreement import agreement
from products.confidence import as_usual
from products.evidence import Evidence
from products.pages.phrases import Phrases
from products.sections import Entry, Section, SiteDay
from products.wording import Words

PERCENT_KNOBS = ("cloud_far",)  # without a feature of their own


@dataclass(frozen=True, slots=True)
class Cell:
    """An event in the grid. beside: the machine's chance where a person changed it, else the last
    issue's where it differs. marks: of edited, hidden, differ, usual, hazard, far, unknown.
    """

    key: EventKey
    url: str
    number: str
    beside: str
    grade: int
    marks: tuple[str, ...]
    label: str
    selected: bool


@dataclass(frozen=True, slots=True)
class GridRow:
    """A phenomenon at a site over the days; None where there is no event. first: of its site."""

    section: Section
    phenomenon: str
    cells: tuple[Cell | None, ...]
    first: bool
    rows_of_site: int


@dataclass(frozen=True, slots=True)
class Bar:
    """The probability of a run, or the usual one (`usual`), with its weight in the blend [%]."""

    name: str
    percent: str
    width: float
    note: str
    usual: bool = False


@dataclass(frozen=True, slots=True)
class Why:
    """A reason in words; effect: its change of the log-odds. width: of its bar [%]."""

    text: str
    effect: float
    width: float


@dataclass(frozen=True, slots=True)
class Slider:
    """A knob as a slider: its value in SI, and the same in words."""

    knob: Knob
    label: str
    value: float
    text: str


class DeskView:
    """A draft in the language of `words`; selected: the event that is shown beside the grid."""

    def __init__(self, desk: Desk, words: Words, selected: EventKey | None) -> None:
        self.desk = desk
        self.words = words
        self.phrases = Phrases(desk.machine, words.language)
        self.entries = {entry.forecast.event.key: entry for entry in desk.machine.entries}
        self.selected = selected if selected in self.entries else self._first()

    def _first(self) -> EventKey | None:
        best = [*self.desk.machine.best, *self.desk.machine.entries]
        return best[0].forecast.event.key if best else None

    # -- the grid

    def rows(self) -> list[GridRow]:
        """Return a row for each phenomenon of each site, in the order of the settings."""
        rows = []
        for section in self.desk.machine.sections:
            of_site = {
                (e.forecast.event.phenomenon, day.day): (e, day)
                for day in section.days
                for e in day.entries
            }
            there = [p for p in section.site.phenomena if any(q == p for q, _ in of_site)]
            for phenomenon in there:
                cells = tuple(
                    self._cell(*of_site[phenomenon, day]) if (phenomenon, day) in of_site else None
                    for day in self.desk.machine.days
                )
                first = phenomenon == there[0]
                rows.append(GridRow(section, phenomenon, cells, first, len(there)))
        return rows

    def _cell(self, entry: Entry, day: SiteDay) -> Cell:
        key = entry.forecast.event.key
        forecast, words = self.desk.forecasts[key], self.words
        last = self.desk.last_probabilities.get(key, math.nan)
        marks = self._marks(entry, forecast)
        percent, before = _percent(forecast.probability, words), _percent(last, words)
        machine = words.percent(entry.forecast.probability)
        changed = "probability" in self.desk.edits_of(key)
        parts = [percent]
        if changed:
            parts.append(words("desk.machine_says", value=machine))
        if math.isfinite(last):
            parts.append(words("desk.last", percent=before))
        beside = machine if changed else before if math.isfinite(last) and before != percent else ""
        parts += [words(f"desk.mark.{mark}") for mark in marks]
        spot = words.spot(entry.forecast.event.site, entry.forecast.event.phenomenon)
        return Cell(
            key,
            event_url(key),
            percent.removesuffix("%"),
            beside.removesuffix("%"),
            forecast.grade,
            marks,
            words("desk.cell", spot=spot, day=words.day(entry.forecast.event.day),
                  says=words.clauses(parts)),
            key == self.selected,
        )  # fmt: skip

    def _marks(self, entry: Entry, forecast: Forecast) -> tuple[str, ...]:
        key, found = forecast.event.key, agreement(forecast)
        fields = self.desk.edits_of(key)
        there = {
            "edited": any(name != "hidden" for name in fields),
            "hidden": key in self.desk.hidden,
            "differ": found is not None and found.level == "differ",
            "hazard": entry.dangerous,
            "usual": as_usual(forecast),
            "far": forecast.known and forecast.confidence == 1 and not as_usual(forecast),
            "unknown": not forecast.known,
        }
        return tuple(name for name, holds in there.items() if holds)

    def comment_was(self) -> str:
        """Return what the form of the comment shows, for the form to carry."""
        comment = self.desk.draft.comment
        fields = {"comment_zh": comment.zh, "comment_en": comment.en}
        return json.dumps(fields, ensure_ascii=False)

    # -- the chosen event

    @property
    def event(self) -> EventView | None:
        return None if self.selected is None else EventView(self, self.selected)


class EventView:
    """The chosen event: what the machine says of it and why, and what the forecaster makes of it.

    Its form shows what is in force; `given` (the fields of a form that was refused) before that.
    """

    def __init__(self, view: DeskView, key: EventKey) -> None:
        self.view, self.key, self.desk, self.words = view, key, view.desk, view.words
        self.entry = view.entries[key]
        self.machine = self.entry.forecast
        self.forecast = self.desk.forecasts[key]
        self.edits = self.desk.edits_of(key)
        self.site = self.machine.event.site
        self.hidden = key in self.desk.hidden

    @property
    def title(self) -> str:
        event = self.machine.event
        return self.words(
            "desk.event", spot=self.words.spot(event.site, event.phenomenon),
            day=self.words.day_week(event.day),
            when=self.words(f"phenomenon.{event.phenomenon}.when"),
        )  # fmt: skip

    @property
    def percent(self) -> str:
        return self.words.percent(published_probability(self.forecast.probability))

    @property
    def machine_percent(self) -> str:
        return self.words.percent(self.machine.probability)

    def why(self) -> str:
        """Return the sentence that readers see where nobody writes another one."""
        return self.view.phrases.why(self.machine)

    def machine_window(self) -> str:
        best = self.machine.best
        return self.words.window(best, self.machine.event.day) if best else self.words("time.none")

    def value(self, field: str, given: Mapping[str, str]) -> str:
        """Return what a field of the form shows."""
        return given[field] if field in given else self.shown().get(field, "")

    def shown(self) -> dict[str, str]:
        """Return every field of the form as it stands in the draft.

        Reason and note are empty: each change has its own.
        """
        window = self.forecast.best
        sentence = self.forecast.change.sentence if self.forecast.change else None
        recommended = self.forecast.change.recommended if self.forecast.change else None
        return {
            "probability": _whole(self.forecast.probability),
            "window_start": self.clock(window.start) if window else "",
            "window_end": self.clock(window.end) if window else "",
            "sentence_zh": sentence.zh if sentence else "",
            "sentence_en": sentence.en if sentence else "",
            "hidden": "1" if self.hidden else "0",
            "recommended": {None: "auto", True: "yes", False: "no"}[recommended],
            "reason": "",
            "note": "",
        }

    def was(self) -> str:
        """Return what the form shows, for the form to carry."""
        return json.dumps(self.shown(), ensure_ascii=False)

    def clock(self, moment: datetime) -> str:
        """Return a local time to the nearest minute."""
        return f"{self.words.local(moment + timedelta(seconds=30)):%H:%M}"

    @property
    def recommended(self) -> bool:
        """Whether the machine recommends it."""
        return any(e.forecast.event.key == self.key for e in self.desk.machine.best)

    # -- what stands behind it

    @property
    def usual_width(self) -> float | None:
        """The usual frequency [%] of the month; None where it is not known."""
        usual = self.machine.usual
        return round(100 * usual, 1) if math.isfinite(usual) else None

    def bars(self) -> list[Bar]:
        """Return the month's usual frequency and each run's probability."""
        names, words = self.desk.machine.model_names, self.words
        bars = []
        if self.usual_width is not None:
            month = words("desk.usual", month=words(f"month_name.{self.machine.event.day.month}"))
            percent = words.percent(self.machine.usual)
            bars.append(Bar(month, percent, self.usual_width, "", usual=True))
        for run in self.machine.contributing_runs:
            model = run.cycle.model
            name = words.name(names[model]) if model in names else model.upper()
            note = words("desk.weight", percent=words.share(run.weight))
            if run.members > 1:
                note += words("desk.members", count=run.members)
            bars.append(
                Bar(
                    words("desk.run", model=name, time=words.stamp(run.cycle.run, "desk.run_time")),
                    words.percent(published_probability(run.probability)),
                    round(100 * run.probability, 1),
                    note,
                )
            )
        return bars

    def reasons(self, forecast: Forecast | None = None) -> list[Why]:
        """Return the reasons in words with their effects, the strongest first."""
        forecast = forecast or self.machine
        values = {**self.entry.values, **forecast.quantities}
        most = max((abs(r.effect) for r in forecast.reasons), default=1.0)
        found = [
            Why(text, reason.effect, round(46 * abs(reason.effect) / max(most, 2.0), 1))
            for reason in forecast.reasons
            if (text := self.words.reason(reason, forecast.event.phenomenon, values))
        ]
        return sorted(found, key=lambda why: -abs(why.effect))

    def sliders(self) -> list[Slider]:
        """Return what may be changed to ask the model."""
        sliders = []
        for setting in question(self.desk, self.key).settings():
            knob, value = setting.knob, setting.value
            shown = value if math.isfinite(value) else knob.low
            text = self.knob_text(knob.name, value)
            sliders.append(Slider(knob, self.knob_label(knob.name), shown, text))
        return sliders

    def knob_label(self, name: str) -> str:
        own = f"desk.knob.{name}"
        return self.words(own) if own in self.words else self.words.label(name)

    def knob_text(self, name: str, value: float) -> str:
        if not math.isfinite(value):
            return self.words("probability.unknown")
        if name in PERCENT_KNOBS:
            return self.words.share(value)
        return self.words.quantity(name, value)

    def chart(self) -> Markup | None:
        """Draw the chart that readers see."""
        return self.drawn(self.machine, self.entry.evidence)

    def drawn(self, forecast: Forecast, evidence: Evidence | None) -> Markup | None:
        """Draw the evidence of a forecast of this event, with the window of a forecaster who
        changed it; None where there is none.
        """
        if "window" in self.edits:
            forecast = replace(forecast, best=self.forecast.best)
        almanac = self.desk.prepared.derived.almanacs.get((self.site.id, forecast.event.day))
        if almanac is None or evidence is None or not forecast.known:
            return None
        return charts.chart(
            forecast, evidence, almanac, self.words, self.words.language, self.words.zone, "desk"
        )

    def grade(self, probability: float) -> int:
        return grade_of(published_probability(probability), self.desk.machine.grades)

    def hazards(self) -> str:
        """Return the hazards of the event's days in words; "" where there are none."""
        return self.view.phrases.risk(self.entry) if self.entry.hazards else ""


def event_url(key: EventKey) -> str:
    """Return the address of an event at the desk."""
    site, phenomenon, day = key
    return url_for("desk.event", site=site, phenomenon=phenomenon, day=day)


def _percent(probability: float, words: Words) -> str:
    return words.percent(published_probability(probability))


def _whole(probability: float) -> str:
    """Return a probability in whole percents as a field of the form has it."""
    return "" if math.isnan(probability) else str(round(100 * published_probability(probability)))
