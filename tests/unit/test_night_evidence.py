"""Does a run get the night's cover of the run of the day before, as it was published?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.domain import Cycle
from forecast.issue import night_evidence
from forecast.phenomena import star_night
from forecast.science.interpolation import Scene
from tests.skies import SITES, atmosphere, night, steps

LINGSHAN = SITES["lingshan"]
NIGHT = night(LINGSHAN, "2026-11-08T10:34", "2026-11-08T21:20")
RUN = datetime(2026, 11, 7, 12, tzinfo=UTC)


def test_the_run_nearest_to_a_day_before_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def found(_archive, events, model, span, name):  # type: ignore[no-untyped-def]
        asked.update(model=model, span=span, name=name)
        before = RUN - timedelta(days=1)
        return {
            events[0].key: {
                before - timedelta(hours=6): 0.9,
                before + timedelta(hours=1): 0.4,
                before + timedelta(hours=6): 0.1,
            }
        }

    monkeypatch.setattr(night_evidence, "earlier_feature", found)

    cover = night_evidence.cover_before(SimpleNamespace(), (NIGHT,), Cycle(RUN, "gfs"))  # type: ignore[arg-type]

    assert cover == {NIGHT.key: 0.4}
    assert asked["model"] == "gfs"
    assert asked["name"] == "night_sky_cover"
    assert asked["span"] == (RUN - timedelta(hours=30), RUN - timedelta(hours=18))


def test_too_few_members_give_no_rain_probability() -> None:
    run = SimpleNamespace(atmospheres=(None,) * 4)

    assert night_evidence.rain_probabilities((NIGHT,), [run]) == {}  # type: ignore[list-item]


def test_members_without_precipitation_leave_it_unknown() -> None:
    scene = Scene(atmosphere(steps("2026-11-08T00:00", 48)), (LINGSHAN,))

    found = star_night.rain_probabilities((NIGHT,), [scene] * 5)

    assert set(found) == {f"{part}_rain_probability" for part in star_night.PARTS}
    if not scene.has("precipitation_amount"):
        assert all(np.isnan(values).all() for values in found.values())
    else:
        assert all((values == 0).all() for values in found.values())
