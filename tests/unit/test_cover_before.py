"""Do rows from past runs have the night's cover of the run of the day before, as issued ones do?"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.archive.hindcasts import Hindcasts
from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.config import Config
from forecast.domain import Outcome
from forecast.learning.train import cases_of
from tests.past_issues import START, keep_issue, window_start

COVER, BEFORE = "night_sky_cover", "sky_cover_before"
NIGHT = window_start(START)
HOUR = timedelta(hours=1)


def hindcast(run: datetime, cover: float, model: str = "gfs") -> dict[str, object]:
    return {
        "cycle": f"{model}-{run:%Y%m%d%H}", "site": "lingshan", "phenomenon": "starry_sky",
        "day": START.isoformat(), "model": model, "run": run, "window_start": NIGHT, "digest": "d",
        "probability": 0.5, "states": {}, "values": {COVER: cover}, "missing": [],
    }  # fmt: skip


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(f"sqlite:///{tmp_path / 'sky.db'}")
    Outcomes(made).keep([Outcome("starry_sky", "lingshan", START, 1.0, "observer")], NIGHT)
    return made


def covers_before(config: Config, archive: Archive) -> dict[float, float]:
    """Return for each training row, known by its own cover, that of the run of the day before."""
    data, _ = cases_of(config, archive, "starry_sky", lambda _: math.nan)
    own, before = data.columns((COVER, BEFORE)).T
    return dict(zip(own.tolist(), before.tolist(), strict=True))


def test_a_past_run_gets_the_cover_of_the_model_s_run_nearest_to_a_day_before(
    config: Config, archive: Archive
) -> None:
    run = NIGHT - 34 * HOUR
    Hindcasts(archive).keep(
        [
            hindcast(run, 0.1),
            hindcast(run - 24 * HOUR, 0.2),
            hindcast(run - 30 * HOUR, 0.3),  # a day before the run of six hours earlier
            hindcast(run - 6 * HOUR, 0.4),
            hindcast(run - 24 * HOUR, 0.9, "ifs"),
        ]
    )

    found = covers_before(config, archive)

    assert found[0.1] == 0.2
    assert found[0.4] == 0.3
    assert [math.isnan(found[own]) for own in (0.2, 0.3, 0.9)] == [True] * 3  # none before them


def test_an_issued_run_serves_as_the_run_before_and_keeps_what_it_was_issued_with(
    config: Config, archive: Archive
) -> None:
    issued = NIGHT - 53 * HOUR  # of the run 6 h before: the last whole six hours
    row = {"site": "lingshan", "phenomenon": "starry_sky", "day": START, "probability": 0.5}
    keep_issue(archive, issued, [{**row, "values": {COVER: 0.7, BEFORE: 0.6}}])
    (run,) = {each.run for each in PastForecasts(archive).run_forecasts("starry_sky")}
    Hindcasts(archive).keep([hindcast(run + 24 * HOUR, 0.5), hindcast(run - 24 * HOUR, 0.8)])

    found = covers_before(config, archive)

    assert found[0.5] == 0.7
    assert found[0.7] == 0.6  # as issued, not .8
    assert np.isnan(found[0.8])
