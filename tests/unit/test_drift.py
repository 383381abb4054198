"""Is what moved named, with its counts, and nothing else?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.learning import monitor
from models.drift import DriftFinding, feature_shifts, frequency_shifts, stability
from tests.past_issues import fill_archive, issued_on, keep_issue
from tests.unit.test_scorecard import made


def test_the_index_by_hand() -> None:
    """Usual values one to ten, a bin each; now half of them below the first edge and half above the
    last: 2 bins of (.5 - .1) ln 5 and 8 of (.001 - .1) ln(.001 / .1), with an empty bin counted as
    .001.
    """
    usual, now = np.repeat(np.arange(1.0, 11.0), 10), np.repeat([0.0, 11.0], 50)

    assert stability(now, usual) == pytest.approx(
        2 * 0.4 * np.log(5) + 8 * 0.099 * np.log(100), abs=1e-6
    )
    assert stability(usual, usual) == 0.0


def test_the_same_weather_is_no_shift() -> None:
    """20 features of pure chance: at one in a thousand and an index of 0.25 none is named."""
    random = np.random.default_rng(4)

    assert (
        list(
            feature_shifts(
                "rime",
                [f"f{k}" for k in range(20)],
                random.normal(size=(60, 20)),
                random.normal(size=(300, 20)),
            )
        )
        == []
    )


def test_a_shifted_feature_and_one_that_went_missing_are_named() -> None:
    random = np.random.default_rng(4)
    now, before = random.normal(size=(60, 3)), random.normal(size=(300, 3))
    now[:, 0] += 2
    now[:40, 2] = np.nan

    found = list(feature_shifts("rime", ["gust", "temperature", "visibility"], now, before))

    assert [(each.kind, each.what, each.cases) for each in found] == [
        ("distribution", "gust", 60),
        ("missing", "visibility", 60),
    ]
    assert found[1].line == "rime: visibility is missing in 67% of 60 forecasts, before in 0%"


def test_few_cases_give_no_finding() -> None:
    assert list(feature_shifts("rime", ["gust"], np.full((29, 1), 9.0), np.zeros((300, 1)))) == []
    assert list(frequency_shifts(made(20, probability=np.full(20, 0.99)))) == []


def test_overforecasting_is_a_finding_and_true_probabilities_are_not() -> None:
    """The mean chance of beta(0.7, 1.3) is 0.35. With a level of 99 % two of 100 true sets may be
    named, rarely five.
    """
    [found] = frequency_shifts(made(60, probability=np.full(60, 0.8)))
    named = sum(len(list(frequency_shifts(made(90, seed)))) for seed in range(100))

    assert (found.kind, found.cases, found.before) == ("frequency", 60, pytest.approx(0.8))
    assert "forecast 80% on average" in found.line
    assert named <= 8  # few blocks make the interval a little narrow


def test_a_broken_input_in_the_archive_is_shown_by_status(config: Config, tmp_path: Path) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    fill_archive(archive, 60)
    for k in range(60, 95):
        day = date(2026, 1, 1) + timedelta(days=k)
        row = {
            "site": "jinding",
            "phenomenon": "sunset_glow",
            "day": day,
            "probability": 0.3,
            "values": {},
        }
        keep_issue(archive, issued_on(day), [row])
    now = datetime(2026, 4, 5, tzinfo=UTC)

    found = monitor.findings(archive, config, now)
    monitor.keep(found, now, tmp_path)

    assert [(each.kind, each.phenomenon, each.what) for each in found] == [
        ("missing", "sunset_glow", "low_cloud")
    ]
    assert monitor.lines(tmp_path) == [f"2026-04-05  {found[0].line}"]


@pytest.mark.parametrize("damage", ["", "[]", '{"at": 3, "moved": []}', '{"moved": 1}'])
def test_a_damaged_note_is_no_error(tmp_path: Path, damage: str) -> None:
    assert monitor.lines(tmp_path) == []
    (tmp_path / "drift.json").write_text(damage, encoding="utf-8")

    assert monitor.lines(tmp_path) == []


def test_every_kind_of_finding_reads_as_a_line() -> None:
    assert all(
        "rime" in DriftFinding(kind, "rime", "gust", 0.3, 0.1, 40).line
        for kind in ("frequency", "missing", "distribution")
    )
