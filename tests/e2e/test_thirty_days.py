"""Do many days of the service run in one command, and does the record of them fill? `skyscape demo
--days 30` is the whole of it.

Here two days of two sites run for the sake of time, each issued two days ahead and without the
light path of the glow, through the very same command. The made-up weather of many days is held to
its word: the same date has the same weather in every run, and runs know it the worse the further
ahead it lies.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.__main__ import main
from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.sample.region import Region
from forecast.sample.scenario import EPISODE, PIECES, Scenario, episode_of, known, truth
from forecast.sample.timetable import LOCAL
from tests.e2e.conftest import settings_file, some_sites

RUN = datetime(2026, 11, 22, tzinfo=UTC)
SMALL = Region(40.25, 39.75, 115.25, 116.0)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("days") / "site"
    few = settings_file(
        folder.parent,
        sites=some_sites("lingshan", "zhaojiawa"),
        forecast={"days": 2},
        source={"light_path_km": 0},
    )
    command = ["demo", "--days", "2", "--now", "2026-11-22T04:30:00Z", "--out", str(folder)]
    assert main([*command, "--config", str(few)]) == 0
    return folder


def test_each_day_is_verified_by_later_runs_and_the_record_fills(site: Path) -> None:
    archive = Archive(f"sqlite:///{site.with_name('site-backstage') / 'archive.db'}")

    forecasts = PastForecasts(archive).issued_forecasts()

    assert Outcomes(archive).count()["analysis"] > 0
    assert {each.day for each in forecasts} <= {date(2026, 11, 21), date(2026, 11, 22)}
    assert all(each.issued <= each.window_start for each in forecasts)
    record = json.loads(
        (site.with_name("site-backstage") / "models" / "verification.json").read_text()
    )
    assert record["cases"] == len([each for each in forecasts if np.isfinite(each.probability)]) > 0


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("verification", "模拟天气"),
        ("en/verification", "simulated weather"),
        ("models", "未经训练"),
        ("en/models", "not measured"),
    ],
)
def test_the_pages_of_the_record_and_of_the_models_say_what_they_are(
    site: Path, page: str, words: str
) -> None:
    text = (site / "current" / page / "index.html").read_text(encoding="utf-8")

    assert words in text
    assert ("演示数据" in text) or ("DEMONSTRATION" in text.upper())


def test_each_forecast_leads_to_its_model(site: Path) -> None:
    text = (site / "current" / "sites" / "lingshan" / "index.html").read_text(encoding="utf-8")

    assert 'href="../../models/index.html#' in text


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "letter.txt").write_text("keep me")

    assert main(["demo", "--days", "2", "--out", str(tmp_path / "site")]) == 3

    assert (tmp_path / "site" / "letter.txt").read_text() == "keep me"


def test_runs_know_the_weather_the_worse_the_further_ahead_it_lies() -> None:
    starts = [datetime(2026, 1, 1, tzinfo=LOCAL) + timedelta(days=EPISODE * n) for n in range(120)]
    episodes = [
        (episode_of(start), datetime.combine(episode_of(start), datetime.min.time(), LOCAL))
        for start in starts
    ]

    def error(lead: float) -> float:
        """How far runs are from the truth of the deck's top [m], on the mean over many episodes."""
        runs = [
            (first, begin + timedelta(hours=PIECES["deck_top"] - lead)) for first, begin in episodes
        ]
        # a run that knows all of it
        after = [(first, begin + timedelta(hours=72)) for first, begin in episodes]
        return float(
            np.mean(
                [
                    abs(known(*one).deck_top - known(*late).deck_top)
                    for one, late in zip(runs, after, strict=True)
                ]
            )
        )

    assert error(0) < error(24) < error(48)
    assert truth(episodes[0][0]) == pytest.approx(truth(episodes[0][0]), abs=0)


def test_the_same_run_has_the_same_weather_and_two_runs_nearly_the_same_hour() -> None:
    later = RUN + timedelta(hours=6)

    once, twice = (Scenario(RUN, SMALL).fields(6)["air_temperature"] for _ in range(2))
    fresh = Scenario(later, SMALL).fields(0)["air_temperature"]

    assert np.array_equal(once, twice)
    assert np.abs(fresh - once).max() < 2.0  # [K] six hours of lead move the front by minutes


def test_rain_adds_up_across_the_midnight_between_two_episodes() -> None:
    begin = datetime.combine(episode_of(RUN) + timedelta(days=EPISODE), datetime.min.time(), LOCAL)
    past = Scenario(begin - timedelta(hours=30), SMALL)

    parts = sum(past.fallen(hour, hour + 6) for hour in range(0, 48, 6))

    assert past.fallen(0, 48) == pytest.approx(parts, abs=1e-9)
    assert (past.fallen(0, 48) >= 0).all()
