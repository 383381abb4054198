"""Reports from phones as outcomes: which event they mean, when they count, and for whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.archive.reports import ACCEPTED, HELD, REFUSED, FieldReport, ReportLink, Reports
from forecast.config import Config, read_config
from forecast.domain import Outcome
from forecast.errors import Conflict
from forecast.learning.outcome_cells import Refused
from forecast.learning.outcome_days import NIGHTS, SUN_EVENTS, read_moment
from forecast.learning.truth_from_phones import (
    AGREEMENT,
    ANSWERS,
    Decision,
    decide,
    forget_early,
    plain_remark,
    read_report,
    row_reader,
    settle,
)
from forecast.learning.truth_from_reports import OutcomeReader, parse

CONFIG = read_config()
DAYS = OutcomeReader(CONFIG.all_sites(), date(2027, 12, 31), CONFIG.zone).days
# 07:42 in Beijing: the sun has risen at Jinding, the window of its sea of clouds is still open
MORNING = datetime(2026, 11, 30, 23, 42, tzinfo=UTC)
NOON = datetime(2026, 12, 1, 4, tzinfo=UTC)
TODAY = date(2026, 12, 1)
READER = row_reader(CONFIG, NOON)


def report(id: str = "a", **more: Any) -> FieldReport:
    return replace(
        FieldReport(
            id, "link", "observer", "Li", "jinding", MORNING, MORNING, {"sea_of_clouds": "sea"}
        ),
        **more,
    )


def visitor(id: str, sender: str, answer: str = "sea") -> FieldReport:
    return report(
        id, link="", kind="visitor", reporter=f"visitor {id}", state=HELD, sender=sender,
        says={"sea_of_clouds": answer},
    )  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return Archive(f"sqlite:///{tmp_path_factory.mktemp('phones') / 'archive.db'}")


@pytest.fixture
def empty(opened: Archive) -> Archive:
    from forecast.archive.schema import outcome_table, report_table

    with opened.transaction() as connection:
        for table in (outcome_table, report_table):
            connection.execute(table.delete())
    return opened


def outcomes(archive: Archive) -> list[Outcome]:
    return [each.outcome for found in Outcomes(archive).reports().values() for each in found]


@settings(max_examples=200)
@given(minutes=st.integers(0, 57 * 1440), phenomenon=st.sampled_from([*SUN_EVENTS, *NIGHTS]))
def test_a_report_means_the_event_that_the_same_time_means_in_a_table(
    minutes: int, phenomenon: str
) -> None:
    site, seen = "lingshan", datetime(2026, 5, 2, tzinfo=UTC) + timedelta(minutes=minutes)
    written = seen.astimezone(CONFIG.zone).strftime("%Y-%m-%dT%H:%M+08:00")
    try:
        of_table = DAYS.day(read_moment(written), site, phenomenon)
    except Refused:  # a table must not say so; a report means the last event
        return

    begun = DAYS.begun(seen, site, phenomenon)

    assert begun is not None
    assert begun[0] == of_table


@pytest.mark.parametrize(
    ("local", "phenomenon", "day"),
    [
        # sunset of 1 December at 16:51, sunrise at 07:17 (Beijing)
        ("2026-12-01T02:30", "starry_sky", date(2026, 11, 30)),
        ("2026-12-01T08:00", "starry_sky", date(2026, 11, 30)),
        ("2026-12-01T20:00", "starry_sky", date(2026, 12, 1)),
        ("2026-12-01T08:00", "sunset_glow", date(2026, 11, 30)),
        ("2026-12-01T16:40", "sunset_glow", date(2026, 12, 1)),
        ("2026-12-01T22:00", "sunset_glow", date(2026, 12, 1)),
        ("2026-12-01T02:30", "sea_of_clouds", date(2026, 11, 30)),
        ("2026-12-01T06:30", "sea_of_clouds", date(2026, 12, 1)),
        ("2026-12-01T00:10", "rime", date(2026, 12, 1)),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_began(
    local: str, phenomenon: str, day: date
) -> None:
    seen = datetime.fromisoformat(local).replace(tzinfo=CONFIG.zone)

    begun = DAYS.begun(seen, "lingshan", phenomenon)

    assert begun is not None
    assert begun[0] == day


def test_where_the_sun_does_not_set_no_night_has_begun() -> None:
    north = replace(CONFIG.all_sites()[0], latitude=78.2, longitude=15.6)
    days = OutcomeReader([north], date(2026, 6, 21), CONFIG.zone).days
    seen = datetime(2026, 6, 20, 23, tzinfo=UTC)

    begun = {name: days.begun(seen, north.id, name) for name in ("starry_sky", "sunrise", "rime")}

    assert {name: found and found[0] for name, found in begun.items()} == {
        "starry_sky": None, "sunrise": None, "rime": date(2026, 6, 21),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("site", "phenomenon", "answer", "cells"),
    [
        ("jinding", "sea_of_clouds", "sea", "1,sea,,"),
        ("jinding", "sea_of_clouds", "in_cloud", "0,in_cloud,,"),
        ("jinding", "sunrise_glow", "none", "none,,,"),
        ("jinding", "sunrise_glow", "faint", "partial,,0.5,"),
        ("jinding", "sunrise_glow", "great", "full,,2,"),
        ("jinding", "sunrise", "full", "full,,,"),
        ("lingshan", "rime", "partial", "partial,,,"),
        ("jiangshuihe", "snow_cover", "12.5", "full,,,12.5"),
        ("jiangshuihe", "snow_cover", "0", "none,,,0"),
        ("jiangshuihe", "snowfall", "partial", "partial,,,"),
    ],
)
def test_an_answer_is_the_outcome_of_the_same_row_in_a_table(
    site: str, phenomenon: str, answer: str, cells: str
) -> None:
    head = "site,phenomenon,day,degree,state,vividness,amount_cm,reporter\n"
    table = f"{head}{site},{phenomenon},{TODAY},{cells},Li\n".encode()
    [expected] = parse(table, "x.csv", CONFIG.all_sites(), TODAY, (), CONFIG.zone).outcomes

    found = read_report(report(site=site, says={phenomenon: answer}), READER)

    assert found.refused == {}
    assert repr(found.outcomes[phenomenon]) == repr(expected)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ({"snowfall": "blue"}, "expected one of none, partial"),
        ({"sea_of_clouds": "sea"}, "is not forecast for jiangshuihe"),
        ({"snow_cover": "1e9"}, "not a number"),
        ({"snow_cover": "-3"}, "not a number"),
        ({"snowmaking": "full"}, "is not asked"),
        ({"<script>": "full"}, "is not asked"),
    ],
)
def test_an_answer_that_is_none_is_refused_and_costs_no_other(
    says: dict[str, str], reason: str
) -> None:
    found = read_report(report(site="jiangshuihe", says={**says, "rime": "full"}), READER)

    assert list(found.outcomes) == ["rime"]
    assert reason in found.refused[next(iter(says))]


def test_every_phenomenon_that_can_be_seen_is_asked() -> None:
    from forecast.domain import PHENOMENA

    assert set(PHENOMENA) - set(ANSWERS) == {"snowmaking"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  很美\n\t云海  ", "很美 云海"),
        ("=HYPERLINK(1)", "HYPERLINK(1)"),
        (" ＝＋-@x", "x"),
        ("a\u202eb\u200dc\x00", "abc"),
        ("<b>&", "<b>&"),
        ("雪" * 400, "雪" * 300),
    ],
)
def test_a_remark_is_one_plain_line_and_never_costs_the_report(text: str, kept: str) -> None:
    assert plain_remark(text) == kept
    assert read_report(report(remark=text), READER).outcomes["sea_of_clouds"].detail == kept


def test_a_report_counts_once_its_event_is_over_and_only_once(empty: Archive) -> None:
    Reports(empty).add(report(says={"sea_of_clouds": "sea", "sunrise": "full"}))

    # the sunrise is over at 07:42, the sea of clouds at 10:14
    counted = [settle(empty, CONFIG, now) for now in (MORNING, MORNING, NOON, NOON)]

    assert counted == [1, 0, 1, 0]
    assert {(o.phenomenon, o.degree, o.source, o.reporter, o.day) for o in outcomes(empty)} == {
        ("sea_of_clouds", 1.0, "observer", "Li", TODAY),
        ("sunrise", 1.0, "observer", "Li", TODAY),
    }


def test_a_process_killed_between_outcome_and_note_counts_it_once(
    empty: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    Reports(empty).add(report())

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Reports, "mark_kept", killed)
        with pytest.raises(KeyboardInterrupt):
            settle(empty, CONFIG, NOON)
    settle(empty, CONFIG, NOON)

    kept = Reports(empty).get("a")
    assert kept is not None
    assert kept.kept == ("sea_of_clouds",)
    assert [o.state for o in outcomes(empty)] == ["sea"]


def test_the_same_id_is_kept_once(archive: Archive) -> None:
    reports = Reports(archive)

    assert [reports.add(report()), reports.add(report(says={"sunrise": "none"}))] == [True, False]
    kept = reports.get("a")
    assert kept is not None
    assert (kept.says, kept.seen) == ({"sea_of_clouds": "sea"}, MORNING)
    reports.add_link(ReportLink("l", "", "Li", MORNING, "zhao"))
    reports.revoke("l", NOON)
    reports.revoke("l", NOON + timedelta(days=1))
    assert [link.revoked for link in reports.links()] == [NOON]


def test_a_visitor_waits_until_three_addresses_agree(empty: Archive) -> None:
    reports = Reports(empty)
    for id, sender, answer in (("a", "x", "sea"), ("b", "y", "sea"), ("c", "y", "sea"),
                               ("d", "z", "open")):  # fmt: skip
        reports.add(visitor(id, sender, answer))
    settle(empty, CONFIG, NOON)
    assert {each.state for each in map(reports.get, "abcd") if each} == {HELD}
    assert outcomes(empty) == []

    reports.add(visitor("e", "w"))
    settle(empty, CONFIG, NOON)

    states = {each.id: (each.state, each.decided_by) for each in map(reports.get, "abcde") if each}
    assert states["d"] == (HELD, "")
    assert {states[id] for id in "abce"} == {(ACCEPTED, AGREEMENT)}
    [verified] = Outcomes(empty).resolved().values()
    assert (verified.outcome.source, verified.outcome.state) == ("visitor", "sea")


def test_one_answer_that_nobody_shares_keeps_a_visitors_report_waiting(empty: Archive) -> None:
    reports = Reports(empty)
    for id in "abc":
        reports.add(visitor(id, id))
    reports.add(replace(visitor("d", "d"), says={"sea_of_clouds": "sea", "sunrise": "none"}))

    settle(empty, CONFIG, NOON)

    kept = {id: found.state for id in "abcd" if (found := reports.get(id))}
    assert kept == {"a": ACCEPTED, "b": ACCEPTED, "c": ACCEPTED, "d": HELD}


def test_an_address_is_forgotten_after_a_day(empty: Archive) -> None:
    reports = Reports(empty)
    reports.add(visitor("a", "x"))

    settle(empty, CONFIG, MORNING + timedelta(hours=23))
    before = reports.get("a")
    settle(empty, CONFIG, MORNING + timedelta(hours=25))
    after = reports.get("a")

    assert before is not None
    assert after is not None
    assert (before.sender, after.sender) == ("x", "")


def test_visitors_never_outvote_an_observer_or_a_station(empty: Archive) -> None:
    said = Outcome("sea_of_clouds", "jinding", TODAY, 0.0, "station", "open", reporter="54511")
    Outcomes(empty).keep([said], NOON)
    for id in "abc":
        Reports(empty).add(visitor(id, id))

    settle(empty, CONFIG, NOON)

    [verified] = Outcomes(empty).resolved().values()
    assert (verified.outcome.source, verified.happened, verified.reports) == ("station", False, 4)


def test_a_refused_report_leaves_the_truth_and_an_earlier_one_counts_again(empty: Archive) -> None:
    reports = Reports(empty)
    reports.add(report("a", says={"sea_of_clouds": "open"}))
    later = MORNING + timedelta(minutes=20)
    reports.add(report("b", seen=later, received=later))
    settle(empty, CONFIG, NOON)
    assert [o.state for o in outcomes(empty)] == ["sea"]

    decided = decide(empty, CONFIG, "b", Decision(REFUSED, "wang", NOON, "photo shows fog"))

    assert [o.state for o in outcomes(empty)] == ["open"]
    assert (decided.state, decided.reason, decided.decided_by) == (
        REFUSED, "photo shows fog", "wang",
    )  # fmt: skip
    with pytest.raises(Conflict, match="refused already, by wang"):
        decide(empty, CONFIG, "b", Decision(REFUSED, "li", NOON, "again"))
    decide(empty, CONFIG, "b", Decision(ACCEPTED, "wang", NOON))
    assert [o.state for o in outcomes(empty)] == ["sea"]


def test_a_held_report_that_is_accepted_counts_even_after_weeks(empty: Archive) -> None:
    Reports(empty).add(visitor("a", "x"))
    late = NOON + timedelta(days=40)

    decide(empty, CONFIG, "a", Decision(ACCEPTED, "wang", late))

    assert [(o.source, o.state) for o in outcomes(empty)] == [("visitor", "sea")]


def test_a_report_from_a_site_that_is_no_longer_in_the_settings_stops_nobody(
    empty: Archive, config: Config, tmp_path: Path
) -> None:
    Reports(empty).add(report("a", site="gone"))
    Reports(empty).add(report("b"))

    settle(empty, config, NOON)

    assert [(o.site, o.state) for o in outcomes(empty)] == [("jinding", "sea")]


def test_what_was_kept_of_an_answer_too_early_is_forgotten_and_a_later_one_counts(
    empty: Archive,
) -> None:
    """An earlier version kept before sunrise that no sea of clouds came."""
    says = {"sea_of_clouds": "open"}
    early = report("early", seen=MORNING - timedelta(hours=1), says=says)
    for each in (early, report("later")):
        Reports(empty).add(each)
        Reports(empty).mark_kept(each.id, ("sea_of_clouds",))
    wrong = read_report(replace(early, seen=MORNING), READER).outcomes["sea_of_clouds"]
    Outcomes(empty).keep([wrong], NOON)

    assert forget_early(empty, CONFIG, NOON) == 1
    assert outcomes(empty) == []
    settle(empty, CONFIG, NOON)

    assert [each.state for each in outcomes(empty)] == ["sea"]
    assert forget_early(empty, CONFIG, NOON) == 0
    assert [each.state for each in outcomes(empty)] == ["sea"]
