"""Do cases hold nothing from after their issue, and is each forecast compared with fair rivals?"""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.domain import Outcome
from forecast.quantities import features_of
from forecast.verification import (
    IssuedForecast,
    OutcomeReport,
    RunForecast,
    VerifiedOutcome,
    resolve,
)
from models.cases import cases, climatology, independent, shares_scores, training_set
from models.climatology import PRIOR_CASES
from models.rule_model import LEAD, USUAL, PhysicsRule
from models.training_set import TRUST
from tests.past_issues import HOUR, START, issued_on, keep_issue, window_start

DAY = date(2026, 1, 10)
KEY = ("lingshan", "sunset_glow", DAY.isoformat())


def outcome(
    day: date = DAY, degree: float = 1.0, source: str = "observer", site: str = "lingshan"
) -> Outcome:
    return Outcome("sunset_glow", site, day, degree, source)


def forecast(day: date = DAY, probability: float = 0.4, **more: object) -> IssuedForecast:
    issued = more.pop("issued", issued_on(day))
    made = IssuedForecast(
        "gfs-1",
        issued,
        issued - 6 * HOUR,
        "lingshan",
        "sunset_glow",
        day,
        window_start(day),
        probability,
        3,
        "rule-1",
    )  # type: ignore[arg-type,operator]
    return replace(made, **more)  # type: ignore[arg-type]


def verified(*outcomes: Outcome) -> dict[tuple[str, str, str], VerifiedOutcome]:
    found = {
        (o.site, o.phenomenon, o.day.isoformat()): resolve(
            [OutcomeReport(o, issued_on(o.day) + 24 * HOUR)]
        )
        for o in outcomes
    }
    return {key: one for key, one in found.items() if one is not None}


def reports_of(
    *outcomes: Outcome, after: timedelta = 24 * HOUR
) -> dict[tuple[str, str, str], tuple[OutcomeReport, ...]]:
    return {
        (o.site, o.phenomenon, o.day.isoformat()): (OutcomeReport(o, issued_on(o.day) + after),)
        for o in outcomes
    }


def test_rows_of_one_event_share_its_weight_by_trust() -> None:
    runs = [
        RunForecast(
            f"gfs-{k}",
            issued_on(DAY - k * 24 * HOUR),
            "gfs",
            issued_on(DAY) - 99 * HOUR,
            "lingshan",
            "sunset_glow",
            DAY,
            window_start(DAY),
            {"low_cloud": 0.1 * k},
        )
        for k in range(3)
    ]

    data = training_set("sunset_glow", runs, verified(outcome(source="camera")))

    assert data.names == features_of("sunset_glow")
    assert data.columns(["low_cloud"]).ravel().tolist() == pytest.approx([0.0, 0.1, 0.2])
    assert data.weight.sum() == pytest.approx(TRUST["camera"])
    # 06:40 to 18:00 is 11 h 20 min
    assert data.lead.tolist() == pytest.approx([11 + 1 / 3, 35 + 1 / 3, 59 + 1 / 3])
    assert data.observed.all()


def test_only_runs_of_the_phenomenon_with_an_outcome_of_their_own_are_learnt_from() -> None:
    """Of four runs one has no outcome, one is of another phenomenon and one may be the analysis."""
    usual = RunForecast(
        "gfs-1", issued_on(DAY), "gfs", issued_on(DAY) - 9 * HOUR, "lingshan", "sunset_glow", DAY,
        window_start(DAY), {"low_cloud": 0.3},
    )  # fmt: skip
    unknown = replace(usual, site="jinding")
    other = replace(usual, phenomenon="sunrise_glow")
    same_run = replace(usual, run=window_start(DAY) - 6 * HOUR, values={"low_cloud": 0.9})
    outcomes = verified(
        outcome(source="analysis"), replace(outcome(source="camera"), phenomenon="sunrise_glow")
    )

    data = training_set("sunset_glow", [usual, unknown, other, same_run], outcomes)

    assert data.columns(["low_cloud"]).ravel().tolist() == [0.3]
    assert data.source.tolist() == ["analysis"]


def test_an_unknown_feature_is_missing_and_not_zero() -> None:
    """But the lead of a run is known even where it was not kept: 9 h to issue, 11 h 20 min on."""
    run = RunForecast(
        "gfs-1",
        issued_on(DAY),
        "gfs",
        issued_on(DAY) - 9 * HOUR,
        "lingshan",
        "sunset_glow",
        DAY,
        window_start(DAY),
        {},
    )

    data = training_set("sunset_glow", [run], verified(outcome()))

    unknown = [name for name in data.names if name != LEAD]
    assert np.isnan(data.columns(unknown)).all()
    assert data.columns([LEAD]).item() == pytest.approx(20 + 1 / 3)


def test_runs_are_trained_on_with_the_usual_frequency_that_will_serve_and_their_own_lead() -> None:
    """Not that of their issue, which stays only where none is known today (a site of the past)."""
    kept = {LEAD: 21.0, USUAL: 0.3, "low_cloud": 0.1}
    old = RunForecast(
        "gfs-1", issued_on(DAY), "gfs", issued_on(DAY) - 9 * HOUR, "lingshan", "sunset_glow", DAY,
        window_start(DAY), {"low_cloud": 0.5},
    )  # fmt: skip
    for today, expected in ((0.17, [0.17, 0.17]), (math.nan, [math.nan, 0.3])):
        data = training_set(
            "sunset_glow",
            [old, replace(old, values=kept)],
            verified(outcome()),
            usual=lambda key, value=today: value if key == KEY else 1.0,
        )

        assert data.columns([LEAD, "low_cloud"]) == pytest.approx(
            np.array([[20 + 1 / 3, 0.5], [21.0, 0.1]])
        )
        assert data.columns([USUAL])[:, 0] == pytest.approx(expected, nan_ok=True)


def test_the_rule_is_a_reference_for_forecasts_archived_without_their_lead() -> None:
    values = {name: 0.5 for name in PhysicsRule("sunset_glow").columns if name != LEAD}
    old = forecast(values=values)

    found = cases([old], {KEY: (OutcomeReport(outcome(), issued_on(DAY) + 48 * HOUR),)})

    assert 0 < found.rule[0] < 1


def test_an_analysis_verifies_no_forecast_that_could_be_of_the_same_run() -> None:
    near, far = (
        forecast(run=window_start(DAY) - 6 * HOUR),
        forecast(run=window_start(DAY) - 7 * HOUR),
    )
    [analysis], [camera] = (
        verified(outcome(source="analysis")).values(),
        verified(outcome(source="camera")).values(),
    )

    assert [independent(near, analysis), independent(far, analysis), independent(near, camera)] == [
        False,
        True,
        True,
    ]


def test_the_rule_gets_the_features_of_the_issue() -> None:
    rule = PhysicsRule("sunset_glow").ready()
    values = dict.fromkeys(rule.columns, 0.5)

    found = cases([forecast(values=values), forecast(values={})], reports_of(outcome()))

    assert found.rule[0] == pytest.approx(
        rule.predict_proba(np.full((1, len(rule.columns)), 0.5))[0, 1]
    )
    assert math.isnan(found.rule[1])


def days(month: int, count: int = 10) -> list[date]:
    return [date(2026, month, d) for d in range(1, count + 1)]


def test_climatology_never_uses_the_month_of_the_case() -> None:
    """By hand: one site; ten days of each month from January to April, all seen in January, none
    after: the other months of a day of January saw none of 30; those of a day of February 10 of 30:
    the site's 1/3, its winter (10 + 10 / 3) / (10 + 10) = 2/3.
    """
    whole = [outcome(d, float(month == 1)) for month in (1, 2, 3, 4) for d in days(month)]

    usual = climatology(verified(*whole))

    assert [value for key, (value, _) in usual.items() if "-01-" in key[2]] == pytest.approx(
        [0.0] * 10
    )
    assert [value for key, (value, _) in usual.items() if "-02-" in key[2]] == pytest.approx(
        [2 / 3] * 10
    )


def test_climatology_shrinks_a_site_towards_all_sites() -> None:
    """By hand: for lingshan in January the other months hold 30 of its own, none seen, and 30 of
    jinding, all seen: 60 cases at 1/2; the site is drawn to (0 + 10 / 2) / (30 + 10) = 1/8, its
    winter, of which February holds 10, to (0 + 10 / 8) / (10 + 10) = 1/16.
    """
    later = [d for month in (2, 3, 4) for d in days(month)]
    others = [outcome(d, 0.0) for d in later] + [outcome(d, 1.0, site="jinding") for d in later]

    usual = climatology(verified(outcome(), *others))

    assert PRIOR_CASES == 10
    assert usual[KEY][0] == pytest.approx(1 / 16)


def test_a_first_autumn_is_not_compared_with_its_other_month_alone() -> None:
    """October seen on 9 days of 10, November on 1 of 10: the other month's frequency errs
    by .70, the base rate by .25.
    """
    first = [
        outcome(
            date(2026, 10, 1) + timedelta(days=k), float(k % 10 != 0 if k < 31 else k % 10 == 0)
        )
        for k in range(61)
    ]
    outcomes = verified(*first)

    usual = climatology(outcomes)

    came = np.array([outcomes[key].happened for key in usual], dtype=float)
    honest = ((came - came.mean()) ** 2).mean()
    for rival in zip(*usual.values(), strict=True):
        assert ((np.array(rival) - came) ** 2).mean() < 1.2 * honest


def test_a_base_rate_does_not_use_the_five_days_of_the_case() -> None:
    """By hand: 1970-01-01 begins a span; of two spans, one seen on all 5 days and one on 2 of 5,
    each has the other's frequency.
    """
    spans = [outcome(date(1970, 1, 1) + timedelta(days=k), float(k < 7)) for k in range(10)]

    assert [base for _, base in climatology(verified(*spans)).values()] == pytest.approx(
        [2 / 5] * 5 + [1.0] * 5
    )
    assert all(
        math.isnan(value) for pair in climatology(verified(*spans[:5])).values() for value in pair
    )


def test_persistence_uses_only_outcomes_received_before_the_issue() -> None:
    yesterday, before = outcome(DAY - timedelta(days=1), 0.0), outcome(DAY - timedelta(days=2), 1.0)

    in_time = cases([forecast()], reports_of(outcome(), yesterday, before, after=23 * HOUR))
    too_late = cases([forecast()], reports_of(outcome(), yesterday, before, after=30 * HOUR))
    never = cases([forecast()], reports_of(outcome(), yesterday, before, after=2000 * HOUR))

    assert (in_time.persistence[0], too_late.persistence[0]) == (0.0, 1.0)
    assert math.isnan(never.persistence[0])


@pytest.mark.parametrize(("minutes", "counts"), [(-1, True), (0, True), (1, False)])
def test_an_issue_at_the_moment_its_event_begins_is_trained_on_and_a_later_one_is_not(
    tmp_path: Path, minutes: int, counts: bool
) -> None:
    """A window is half-open: what goes out as it opens knows nothing of what lies in it."""
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    row = {"site": "lingshan", "phenomenon": "sunset_glow", "day": DAY, "probability": 0.3}
    keep_issue(archive, window_start(DAY) + timedelta(minutes=minutes), [row])
    Outcomes(archive).keep([outcome()], window_start(DAY) + 48 * HOUR)

    runs = PastForecasts(archive).run_forecasts("sunset_glow")
    data = training_set("sunset_glow", runs, Outcomes(archive).resolved())

    assert len(data.degree) == counts


@pytest.mark.parametrize(
    ("source", "hours", "free"),
    [("analysis", 6, False), ("analysis", 6.1, True), ("observer", 0, True), ("station", 1, True)],
)
def test_an_analysis_is_no_truth_for_the_run_it_may_come_from(
    source: str, hours: float, free: bool
) -> None:
    """An analysis is made of the first six hours of a run."""
    late = replace(forecast(), run=window_start(DAY) - hours * HOUR)

    assert independent(late, verified(outcome(source=source))[KEY]) == free


def test_models_are_compared_on_what_all_of_them_forecast() -> None:
    """By hand: both forecast two observed events with 0.8 and 0.6: 0.04 and 0.16; what one alone
    forecast does not count.
    """
    both = [
        forecast(DAY + timedelta(days=k), contributing_runs={"gfs": 0.8, "ifs": 0.6})
        for k in range(2)
    ]
    alone = forecast(DAY + timedelta(days=2), contributing_runs={"gfs": 0.0})
    outcomes = verified(*(outcome(DAY + timedelta(days=k)) for k in range(3)))

    assert shares_scores([*both, alone], outcomes) == {
        "sunset_glow": {"gfs": (pytest.approx(0.04), 2), "ifs": (pytest.approx(0.16), 2)}
    }


ISSUES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 23), st.booleans(),
              st.lists(st.integers(0, 8), min_size=1, max_size=3, unique=True)),
    min_size=1, max_size=6, unique_by=lambda issue: issue[:2],
)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ISSUES, st.integers(0, 6))
def test_nothing_from_after_an_issue_gets_into_its_rows(
    issues: list[tuple[int, int, bool, list[int]]], cut: int
) -> None:
    """Rows of issues up to a moment are the same whatever is issued, and whatever comes in,
    afterwards.
    """
    moment = issued_on(START + timedelta(days=cut)) + 12 * HOUR

    def rows(everything: bool) -> list[tuple[object, ...]]:
        with tempfile.TemporaryDirectory() as folder:
            archive = Archive(f"sqlite:///{folder}/archive.db")
            for day, hour, published, ahead in issues:
                issued = issued_on(START + timedelta(days=day)) + hour * HOUR
                if everything or issued <= moment:
                    forecasts_of = [
                        {
                            "site": "lingshan",
                            "phenomenon": "sunset_glow",
                            "day": START + timedelta(days=k),
                            "probability": 0.3,
                            "values": {
                                "low_cloud": (
                                    issued - datetime(2026, 1, 1, tzinfo=UTC)
                                ).total_seconds()
                            },
                        }
                        for k in ahead
                    ]
                    keep_issue(archive, issued, forecasts_of, published)
            # what is seen of a day does not change: a row's outcome is all it takes from later
            Outcomes(archive).keep(
                [outcome(START + timedelta(days=k), float(k % 2)) for k in range(9)],
                moment + 999 * HOUR,
            )
            runs = PastForecasts(archive).run_forecasts("sunset_glow")
            published = {
                issued_on(START + timedelta(days=d)) + h * HOUR for d, h, out, _ in issues if out
            }
            assert all(v.issued in published and v.run <= v.issued <= v.window_start for v in runs)
            rows_then = [v for v in runs if v.issued <= moment]
            data = training_set("sunset_glow", rows_then, Outcomes(archive).resolved())
            of_issue = data.columns(["low_cloud"]).ravel()
            assert of_issue.tolist() == [
                (v.issued - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds() for v in rows_then
            ]
            return [(*row,) for row in zip(of_issue, data.lead, data.day, data.degree, strict=True)]

    assert rows(True) == rows(False)


def test_what_was_issued_after_the_event_began_or_never_published_is_not_read(
    archive: Archive,
) -> None:
    row = {"site": "lingshan", "phenomenon": "sunset_glow", "day": DAY, "probability": 0.3}
    keep_issue(archive, window_start(DAY) - HOUR, [row])
    keep_issue(archive, window_start(DAY) + HOUR, [row])
    keep_issue(archive, window_start(DAY) - 2 * HOUR, [row], published=False)
    Outcomes(archive).keep([outcome()], window_start(DAY) + 24 * HOUR)

    assert [t.issued for t in PastForecasts(archive).issued_forecasts()] == [
        window_start(DAY) - HOUR
    ]
    assert [h.issued for h in PastForecasts(archive).run_forecasts("sunset_glow")] == [
        window_start(DAY) - HOUR
    ]
    assert PastForecasts(archive).issued_forecasts(DAY + timedelta(days=1)) == []
