"""Can models be scored on an unfitted mountain from a file of labels and a file of forecasts?"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from forecast.config import Config
from forecast.errors import SourceCorrupt
from forecast.learning.transfer_test import ANY_MOUNTAIN, mountain, read_labels, transfer_test
from models.bootstrap import site_weeks
from models.learned import learned_rule
from models.score_table import mean_interval, table
from tests.science import sea

CLOCK = ZoneInfo("Asia/Shanghai")


def test_labelled_mornings_are_scored_as_in_the_science_run(shared: Path, config: Config) -> None:
    places = {one: sea.MOUNTAINS[name] for one, name in sea.IDS.items() if name == "wunvshan"}
    unlabelled = learned_rule("sea_of_clouds")
    unlabelled.fit(np.empty((0, len(unlabelled.columns))), np.empty(0, dtype=int))

    result = transfer_test(
        shared / "cloud_sea" / "labels.csv",
        shared / "cloud_sea" / "forecast_days.json.gz",
        places,
        {"unlabelled": unlabelled},
        config.phenomena,
        CLOCK,
    )

    rule, ours = result.tables["wunvshan"]
    known = sea.mornings(shared)
    here = known.mountain == "wunvshan"
    assert rule.scores.cases == ours.scores.cases == here.sum()
    assert rule.scores.brier == pytest.approx(
        np.mean((known.probability[here] - known.seen[here]) ** 2)
    )
    assert rule.scores.auc == pytest.approx(
        roc_auc_score(known.seen[here], known.probability[here])
    )
    assert rule.brier[0] < rule.scores.brier < rule.brier[1]
    assert "wunvshan 2026-06-26" in result.without_forecast
    # the other mountains of the file
    assert any("no such place" in reason for reason in result.refused)
    assert "persistence" in "\n".join(result.lines())


def test_bad_lines_are_refused_one_by_one_and_the_good_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    lines = (
        "date,status",
        "2026-05-17,full",
        "17.5.2026,full",
        "2026-05-18,perhaps",
        "2026-05-17,none",
        "2026-05-19,None",
    )
    path.write_text("\n".join(lines), encoding="utf-8")

    good, bad = read_labels(path)

    assert [(one.mountain, one.day.isoformat(), one.degree) for one in good] == [
        (ANY_MOUNTAIN, "2026-05-17", 1.0),
        (ANY_MOUNTAIN, "2026-05-19", 0.0),
    ]
    assert [reason.split(":")[0] for reason in bad] == ["line 3", "line 4", "line 5"]


def test_a_file_that_holds_no_labels_is_refused_with_advice(tmp_path: Path) -> None:
    for content in (b"", b"a,b\n1,2\n", b"\xff\xfe\x00"):
        (tmp_path / "labels.csv").write_bytes(content)
        with pytest.raises(SourceCorrupt, match=r"CSV|header"):
            read_labels(tmp_path / "labels.csv")


def test_a_valley_above_the_viewpoint_is_refused() -> None:
    with pytest.raises(ValueError, match="below the viewpoint"):
        mountain("upside down", 40.0, 115.0, 500.0, 800.0)


def test_fewer_than_six_weeks_have_no_interval() -> None:
    observed = (np.arange(42) % 3 == 0).astype(float)
    result = {"one": np.full(42, 0.3), "other": np.where(observed > 0, 0.6, 0.2)}
    weeks = np.arange(42) // 7

    few, enough = (
        table({who: p[rows] for who, p in result.items()}, observed[rows], weeks[rows])
        for rows in (weeks < 5, weeks < 6)
    )

    assert np.isnan([*few[1].brier, *few[1].auc, *few[1].gain[1:]]).all()
    assert few[1].line().count("[under 6 weeks]") == 3
    assert np.isfinite([*enough[1].brier, *enough[1].gain]).all()
    assert mean_interval(np.ones(35), weeks[:35]) is None
    assert mean_interval(np.ones(42), weeks) == (1.0, 1.0)


def test_mornings_that_are_all_alike_tell_nothing_apart() -> None:
    weeks = np.arange(40) // 5
    for outcome, word in ((0.0, "no"), (1.0, "yes")):
        (row,) = table({"rule": np.linspace(0, 1, 40)}, np.full(40, outcome), weeks)
        assert f"AUC none: all outcomes {word}" in row.line()
        assert "AUC nan" not in row.line()


def test_intervals_of_a_gain_hold_nought_where_two_are_alike() -> None:
    random = np.random.default_rng(1)
    day = np.datetime64("2026-01-01") + np.arange(200)
    observed = (random.uniform(size=200) < 0.4).astype(float)
    noise = [np.clip(0.4 + random.normal(0, 0.1, 200), 0, 1) for _ in range(2)]
    skilled = np.where(observed > 0, 0.8, 0.2)

    rows = table(
        {"one": noise[0], "other": noise[1], "skilled": skilled},
        observed,
        site_weeks(np.full(200, "a"), day),
    )

    assert rows[1].gain[1] < 0 < rows[1].gain[2]
    assert 0 < rows[2].gain[1] < rows[2].gain[0] < rows[2].gain[2]
    assert rows[2].auc == (1.0, 1.0)
    assert rows[0].scores.cases == 200
