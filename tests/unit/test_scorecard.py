"""Are the scores those of the textbook, ranked with their counts, and absent for too few cases?"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scores.categorical import BinaryContingencyManager
from scores.probability import brier_score, roc_curve_data

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.config import Config
from forecast.domain import PHENOMENA, Outcome
from forecast.learning.train import cases_of
from forecast.learning.verify import keep, kept, shares, verification
from forecast.verification import ScoreLine
from models import score_document, scorecard
from models.bootstrap import resampled_sums
from models.cases import Cases
from models.scores import brier, parts_of_brier, roc_points
from tests.past_issues import START, fill_archive, issued_on, keep_issue

TODAY = date(2026, 6, 15)


def made(
    count: int = 400, seed: int = 3, probability: np.ndarray | None = None, **more: np.ndarray
) -> Cases:
    """Cases of one site and phenomenon, one a day, whose probabilities are true unless given."""
    random = np.random.default_rng(seed)
    chance = random.beta(0.7, 1.3, count)
    observed = random.uniform(size=count) < chance
    issued = chance if probability is None else probability
    day = np.datetime64(TODAY - timedelta(days=count)) + np.arange(count).astype("timedelta64[D]")
    columns: dict[str, np.ndarray] = {
        "phenomenon": np.full(count, "sunset_glow"), "site": np.full(count, "lingshan"),
        "source": np.full(count, "observer"), "day": day,
        "lead": np.full(count, 11.0), "probability": issued, "rule": np.full(count, 0.5),
        "climatology": np.full(count, observed.mean()),
        "base_rate": np.full(count, observed.mean()),
        "persistence": np.concatenate([[np.nan], observed[:-1].astype(float)]),
        "yes": issued >= 0.3,
        "observed": observed, "event": np.arange(count),
        "last": np.ones(count, dtype=bool),
    }  # fmt: skip
    return Cases(**{**columns, **more})


def line_of(cases: Cases) -> ScoreLine:
    return scorecard.score_line("phenomenon", "sunset_glow", "sunset_glow", cases)


def test_the_table_of_hits_and_the_brier_score_are_those_of_the_scores_library() -> None:
    cases = made()
    manager = BinaryContingencyManager(
        *(xr.DataArray(v.astype(float), dims="case") for v in (cases.yes, cases.observed))
    )

    line = line_of(cases)

    assert line.pod == pytest.approx(float(manager.probability_of_detection()))
    assert line.far == pytest.approx(float(manager.false_alarm_ratio()))
    assert line.ts == pytest.approx(float(manager.threat_score()))
    assert line.hits + line.misses + line.false_alarms + line.correct_negatives == line.cases == 400
    issued, observed = (
        xr.DataArray(v.astype(float), dims="case") for v in (cases.probability, cases.observed)
    )
    assert line.brier.value == pytest.approx(float(brier_score(issued, observed)))


def test_the_roc_curve_is_that_of_the_scores_library() -> None:
    cases = made(60)
    issued, observed = (
        xr.DataArray(v.astype(float), dims="case") for v in (cases.probability, cases.observed)
    )
    theirs = roc_curve_data(issued, observed, sorted({0.0, *cases.probability.tolist(), 1.0}))

    points = roc_points(cases.probability, cases.observed, most=1000)

    known = set(
        zip(
            theirs["POFD"].values.round(9).tolist(),
            theirs["POD"].values.round(9).tolist(),
            strict=True,
        )
    )
    assert {(round(f, 9), round(d, 9)) for f, d in points} <= known
    assert line_of(cases).auc == pytest.approx(float(theirs["AUC"]))
    assert roc_points([0.2, 0.4], [1, 1]) == ()


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_parts_of_a_brier_score_add_up_to_it(cases: list[tuple[float, bool]]) -> None:
    issued, observed = np.array(cases, dtype=float).T
    parts = parts_of_brier(issued, observed)

    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(
        brier(issued, observed), abs=1e-12
    )
    assert parts.reliability >= -1e-12
    assert parts.resolution >= -1e-12


def test_the_parts_by_hand() -> None:
    """Two probabilities, 0.2 (1 of 4 observed) and 0.8 (1 of 1).

    Brier (3 * .04 + .64 + .04) / 5 = .16; calibrated to 1/4 and 1 it is (3 / 16 + 9 / 16) / 5 =
    .15; the base rate is 2/5, its uncertainty .24.
    """
    parts = parts_of_brier([0.2] * 4 + [0.8], [1, 0, 0, 0, 1])

    assert (parts.reliability, parts.resolution, parts.uncertainty) == pytest.approx(
        (0.01, 0.09, 0.24)
    )


def test_a_forecasters_changes_are_compared_with_the_machine_where_there_are_any() -> None:
    """The forecaster moved 100 of 400 forecasts halfway to what happened: by hand, a quarter of the
    machine's loss is left.
    """
    machine = np.full(400, np.nan)
    cases = made()
    machine[:100] = cases.probability[:100]
    changed = np.where(
        np.isfinite(machine), (cases.probability + cases.observed) / 2, cases.probability
    )

    line = line_of(made(probability=changed, machine=machine))
    found = scorecard.verify(made(probability=changed, machine=machine), 0.3, TODAY)

    assert line.skills["machine"].value == pytest.approx(0.75)
    assert line.skills["machine"].cases == 100
    assert "machine" not in line_of(made()).skills
    read = score_document.read_document(json.loads(json.dumps(score_document.document(found))))
    assert read.lines[0].skills["machine"].cases == 100
    assert "mach +0.750" in score_document.text(found)


def test_the_likelier_of_the_two_is_right_as_often_as_counted() -> None:
    cases = made(100)

    line = line_of(cases)

    right = (cases.probability >= 0.5) == cases.observed
    assert line.right.value == pytest.approx(np.mean(right))
    # 100 independent days: 1.645 sqrt(p (1 - p) / 100) on each side
    half = 1.645 * np.sqrt(np.mean(right) * (1 - np.mean(right)) / 100)
    assert line.right.high - line.right.low == pytest.approx(2 * half, rel=0.25)
    assert line.usual_right == pytest.approx(max(cases.observed.mean(), 1 - cases.observed.mean()))


def test_the_number_of_tables_is_said_beside_how_many_differ_by_chance() -> None:
    """Ninety sites of forecasts without skill: about one interval in ten excludes zero."""
    random, nights = np.random.default_rng(5), 60
    count = 90 * nights
    observed = random.uniform(size=count) < 0.4
    day = np.tile(np.datetime64(TODAY) - np.arange(nights).astype("timedelta64[D]"), 90)
    noise = 0.4 + random.normal(0, 0.01, count)
    cases = made(
        count,
        probability=noise,
        site=np.repeat(np.arange(90), nights).astype(str),
        day=day,
        observed=observed,
        climatology=np.full(count, 0.4),
        base_rate=np.full(count, 0.4),
        persistence=np.full(count, np.nan),
        rule=np.full(count, np.nan),
    )
    sites = scorecard.verify(cases, 0.3, TODAY)
    several = replace(sites, lines=sites.of("site")).comparisons

    assert several.groups == 180  # over all phenomena together, and for the one
    assert several.by_chance == pytest.approx(18.0)
    assert several.better + several.worse < 4 * several.by_chance
    assert f"of {sites.comparisons.groups} groups" in score_document.text(sites)


def test_skill_against_each_reference_is_on_the_cases_it_knows() -> None:
    """Of 1 - mean loss / mean loss of the reference, by hand."""
    cases = made()
    loss = (cases.probability - cases.observed) ** 2

    skills = line_of(cases).skills

    assert set(skills) == {"climatology", "persistence", "rule"}
    assert skills["rule"].value == pytest.approx(1 - loss.mean() / 0.25)
    assert skills["persistence"].cases == 399
    assert skills["persistence"].value == pytest.approx(
        1 - loss[1:].mean() / (cases.observed[1:] != cases.observed[:-1]).mean()
    )
    assert not line_of(made(rule=np.full(400, np.nan))).skills["rule"].known


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """True probabilities, days independent: the expected Brier score of beta(0.7, 1.3) chances is E
    p(1-p) = ab / ((a+b)(a+b+1)).
    """
    truth = 0.7 * 1.3 / (2.0 * 3.0)

    held = [
        (figure := line_of(made(200, seed)).brier).low <= truth <= figure.high
        for seed in range(100)
    ]

    # 90 % less a little, for 40 blocks are few; its own error is 0.03
    assert 0.80 <= np.mean(held) <= 0.97


def test_skill_is_against_the_harder_of_climatology_and_base_rate() -> None:
    """A climatology that errs by 0.9 throughout is no rival; the base rate, wrong by one half
    throughout, is.
    """
    cases = made()
    absurd = np.where(cases.observed, 0.1, 0.9)
    loss = ((cases.probability - cases.observed) ** 2).mean()

    for half in (
        {"climatology": absurd, "base_rate": np.full(400, 0.5)},
        {"climatology": np.full(400, 0.5), "base_rate": absurd},
    ):
        assert line_of(made(**half)).skills["climatology"].value == pytest.approx(1 - loss / 0.25)


def test_an_interval_of_few_spells_is_widened_and_of_fewer_absent() -> None:
    """As above with eight or nine spans of five days, and with at most seven."""
    truth = 0.7 * 1.3 / (2.0 * 3.0)

    held = [
        (figure := line_of(made(40, seed)).brier).low <= truth <= figure.high for seed in range(100)
    ]

    assert np.mean(held) >= 0.85
    assert math.isnan(line_of(made(30)).brier.low)


def test_days_of_one_spell_widen_the_interval() -> None:
    """Five copies of a case on the days of one block have the information of one.

    The spread of the mean stays that of the blocks.
    """
    blocks = np.repeat(np.arange(40), 5)
    alike = np.repeat(np.random.default_rng(1).normal(size=40), 5)[:, None]

    by_block, single = (
        resampled_sums(alike, blocks)[:, 0] / 200,
        resampled_sums(alike, np.arange(200))[:, 0] / 200,
    )

    assert by_block.std() > 1.8 * single.std()  # sqrt(5) = 2.2
    assert by_block.mean() == pytest.approx(alike.mean(), abs=0.03)


def test_groups_are_ranked_best_first_and_too_few_cases_stand_last() -> None:
    good, bad, few = made(200, 1), made(200, 2, np.full(200, 0.5)), made(12, 3)
    sites = (np.full(200, "good"), np.full(200, "bad"), np.full(12, "few"))
    parts = [part.take(np.arange(len(part))) for part in (good, bad, few)]
    names = [name for name in good.__dataclass_fields__ if name not in ("site", "event")]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    whole = Cases(**columns, site=np.concatenate(sites), event=np.arange(412))

    found = scorecard.verify(whole, 0.3, TODAY)

    ranked = [line for line in found.of("site") if line.phenomenon == ""]
    assert [(line.name, line.enough) for line in ranked] == [
        ("good", True),
        ("bad", True),
        ("few", False),
    ]
    kept = set(scorecard.DIMENSIONS) - {"confidence"}  # these forecasts have none
    assert {line.dimension for line in found.lines} == kept
    assert sum(line.cases for line in ranked) == found.cases == 412


def test_the_last_month_is_counted_in_whole_events() -> None:
    """May 2026: forecast on the odd days, observed on the first ten.

    5 hits, 5 misses, 11 false alarms, 10 correct negatives.
    """
    count, day = 45, np.datetime64("2026-05-01") + np.arange(45).astype("timedelta64[D]")
    odd, first = np.arange(count) % 2 == 0, np.arange(count) < 10

    [record] = scorecard.verify(made(count, day=day, yes=odd, observed=first), 0.3, TODAY).records

    month = record.month
    assert (month.since, month.until) == (date(2026, 5, 1), date(2026, 5, 31))
    assert (month.hits, month.misses, month.false_alarms, month.correct_negatives) == (5, 5, 11, 10)
    assert month.forecasts == 16
    assert {mark.day for mark in record.marks} == {
        date(2026, 5, 16) + timedelta(days=k) for k in range(30)
    }


def test_few_cases_show_neither_reliability_nor_roc() -> None:
    [few] = scorecard.verify(made(20), 0.3, TODAY).records
    [enough] = scorecard.verify(made(60), 0.3, TODAY).records

    assert (few.line.enough, few.bins, few.roc) == (False, (), ())
    assert enough.line.enough
    assert sum(each.cases for each in enough.bins) == 60


def test_no_case_is_no_error() -> None:
    none = made(1).take(np.zeros(1, dtype=bool))

    found = scorecard.verify(none, 0.3, TODAY)

    assert (found.cases, found.records, found.lines) == (0, (), ())
    assert json.loads(json.dumps(score_document.document(found), allow_nan=False))["cases"] == 0
    assert line_of(none).cases == 0


def test_json_has_no_nan_and_the_text_names_every_group() -> None:
    found = scorecard.verify(made(40), 0.3, TODAY)

    dumped = json.dumps(score_document.document(found), allow_nan=False)
    text = score_document.text(found)

    assert json.loads(dumped)["lines"][0]["skills"]["climatology"]["cases"] == 40
    assert len(text.splitlines()) == 2 + len(found.lines)
    assert "sunset_glow site lingshan" in text


def test_what_is_kept_for_the_bulletins_comes_back_as_it_was(tmp_path: Path) -> None:
    found = scorecard.verify(made(60), 0.3, TODAY)
    assert kept(tmp_path) is None

    keep(found, tmp_path)

    assert score_document.document(
        kept(tmp_path) or scorecard.verify(made(1), 0.3, TODAY)
    ) == score_document.document(found)


@pytest.mark.parametrize(
    "damage", ["", "[]", "{", '{"records": 3}', '{"since": "x"}', "[" * 100_000]
)
def test_a_damaged_file_shows_nothing_rather_than_something_wrong(
    tmp_path: Path, damage: str
) -> None:
    (tmp_path / "verification.json").write_text(damage, encoding="utf-8")

    assert kept(tmp_path) is None


# -- out of an archive


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = Archive(f"sqlite:///{tmp_path_factory.mktemp('past') / 'archive.db'}")
    fill_archive(archive, 120)
    return archive


def test_true_probabilities_show_skill_and_are_reliable(past: Archive, config: Config) -> None:
    found = verification(past, config, datetime(2026, 5, 2, tzinfo=UTC))

    [record] = found.records
    assert (record.phenomenon, record.line.events) == ("sunset_glow", 240)
    # three leads a day and site; the first two days were forecast less often
    assert found.cases == 2 * (3 * 120 - 3)
    assert record.line.skills["climatology"].low > 0
    assert record.line.skills["persistence"].low > 0
    assert record.line.reliability < 0.02
    assert (
        sum(each.low <= each.frequency <= each.high for each in record.bins) >= len(record.bins) - 1
    )
    assert [line.name for line in found.of("lead") if line.phenomenon] == sorted(
        "012", key=lambda k: -_clim(found.of("lead"), k)
    )


def _clim(lines: tuple[ScoreLine, ...], name: str) -> float:
    return next(
        line.skills["climatology"].value for line in lines if line.name == name and line.phenomenon
    )


def test_only_the_requested_days_are_verified(past: Archive, config: Config) -> None:
    since = START + timedelta(days=100)

    found = verification(past, config, datetime(2026, 5, 2, tzinfo=UTC), since=since)

    assert (found.since, found.events) == (since, 40)
    # it knows the outcomes of the months before
    assert found.records[0].line.skills["climatology"].cases == 40


def test_half_for_everything_has_no_skill(config: Config, tmp_path: Path) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    fill_archive(archive, 70, probabilities="half")

    line = verification(archive, config, datetime(2026, 3, 20, tzinfo=UTC)).records[0].line

    assert line.skills["climatology"].value < 0.02
    assert line.resolution == pytest.approx(0.0)
    assert line.brier.value == pytest.approx(0.25)


def test_training_cases_come_from_the_archive(config: Config, past: Archive) -> None:
    sets = {
        phenomenon: cases_of(config, past, phenomenon, lambda _: math.nan)[0]
        for phenomenon in PHENOMENA
    }
    [(phenomenon, data)] = [(name, data) for name, data in sets.items() if len(data)]

    assert phenomenon in PHENOMENA
    assert len(data) == 2 * (3 * 120 - 3)
    assert data.weight.sum() == pytest.approx(240)  # observers: one an event


def test_the_better_model_gets_the_greater_share(config: Config, tmp_path: Path) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    fill_archive(archive, 1)
    assert shares(archive, datetime(2026, 1, 9, tzinfo=UTC)) == {}

    for k in range(3, 43):
        day, observed = START + timedelta(days=k), k % 2
        row = {
            "site": "jinding",
            "phenomenon": "rime",
            "day": day,
            "probability": 0.2 + 0.6 * observed,
            "voices": [["ifs-2026010100", 0.4 + 0.2 * observed, 0.5, 1]],
        }
        keep_issue(archive, issued_on(day), [row])
        Outcomes(archive).keep(
            [Outcome("rime", "jinding", day, float(observed), "observer")], issued_on(day)
        )

    found = shares(archive, datetime(2026, 3, 9, tzinfo=UTC))["rime"]

    assert found["gfs"] > found["ifs"] > 0  # Brier 0.04 against 0.16
    assert not math.isnan(found["gfs"])


def test_the_seasons_of_the_south_are_half_a_year_away() -> None:
    # boreal winter is the austral summer
    days = np.array(["2026-01-15", "2026-04-15", "2026-07-15", "2026-10-15"], dtype="datetime64[D]")
    north = replace(made(count=4), day=days)
    south = replace(north, southern=np.array([True, True, True, False]))

    assert north.season.tolist() == ["winter", "spring", "summer", "autumn"]
    assert south.season.tolist() == ["summer", "autumn", "winter", "autumn"]
    assert south.take(np.array([2, 3])).season.tolist() == ["winter", "autumn"]
    assert north.take(np.array([2, 3])).season.tolist() == ["summer", "autumn"]
