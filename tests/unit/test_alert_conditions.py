"""Is each condition of an alert true exactly where it should be, by the facts of one moment?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.config import Config
from forecast.domain import Cycle, Issue
from forecast.errors import ConfigError, RunNotKept
from forecast.service.alerting import conditions
from forecast.service.alerting.conditions import KINDS, Condition, assess
from forecast.service.alerting.facts import (
    ArchiveFacts,
    DiskSpace,
    Facts,
    LearningFacts,
    disks,
    small_facts,
)
from forecast.service.alerting.ledger import Ledger
from forecast.service.alerting.notices import texts_of
from forecast.service.attempts import failed
from forecast.service.heartbeat import Heartbeat, beat
from forecast.service.journal import JournalEntry
from forecast.service.state import ServiceState
from forecast.settings.alerts import OperatorAlertSettings
from products.wording import LANGUAGES, read_words
from tests.station_data import with_stations

HOUR = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)  # 16:10 in Beijing
NOW = HOUR + timedelta(minutes=30)
HOURS, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
ALIVE = Heartbeat(NOW, 77, NOW - 9 * DAY, "0.1.0")
RUN = HOUR.replace(hour=0, minute=0)
ISSUE = Issue("gfs-2026112200", 7, HOUR + MINUTE, Cycle(RUN), HOUR + 16 * HOURS, published=True)
WELL = ServiceState(ALIVE, (), ISSUE)
QUIET = ArchiveFacts({}, {}, {}, ())


def entry(
    outcome: Any, at: datetime = HOUR, exit_code: int = 0, detail: str = "why"
) -> JournalEntry:
    return JournalEntry(at, HOUR, "a1", outcome, None, exit_code, detail)


def facts(config: Config, now: datetime = NOW, **service: Any) -> Facts:
    """Return facts at which all is well but for what is given."""
    return Facts(config, now, replace(WELL, beat=replace(ALIVE, at=now), **service))


def found(function: Any, given: Facts) -> list[Condition]:
    result = function(given)
    assert result is not None
    return list(result)


def test_nothing_is_wrong_where_all_is_well(config: Config) -> None:
    settings = config.model_copy(update={"models": ()})
    whole = replace(
        facts(settings), archive=QUIET, learning=LearningFacts((), ()), added_runs={},
        archive_bytes=10**6, disks=(DiskSpace(Path("/var"), 10**11, 10**12),),
    )  # fmt: skip

    assessment = assess(whole)

    assert assessment.conditions == ()
    assert assessment.known == {kind for kinds in KINDS.values() for kind in kinds}


def test_what_was_not_looked_at_is_unknown_and_not_well(config: Config) -> None:
    known = assess(facts(config)).known

    assert {"scheduler", "no_issue", "expired", "disk", "no_new_run"} <= known
    assert not known & {"archive", "station", "model", "model_refused", "skill", "archive_growth"}


@pytest.mark.parametrize(
    ("minutes", "issued", "journal", "overdue"),
    [
        (9, -9 * 60, (), False),  # not yet
        (10, -9 * 60, (), True),
        (30, 1, (), False),
        (30, -9 * 60, ("waiting",), True),
        (30, -9 * 60, ("missed", "waiting"), True),
        (30, -9 * 60, ("partial",), False),
        # nothing newer could have been issued, and what is in force has the newest run
        (30, -9 * 60, ("unchanged",), False),
        (30, -9 * 60, ("older",), False),
        (30, -9 * 60, (), True),
    ],
)
def test_an_hour_is_overdue_ten_minutes_after_it_unless_it_has_its_issue(
    config: Config, minutes: int, issued: int, journal: tuple[str, ...], overdue: bool
) -> None:
    issue = replace(ISSUE, issued=HOUR + issued * MINUTE)
    entries = tuple(entry(outcome) for outcome in journal)

    given = facts(config, HOUR + minutes * MINUTE, issue=issue, journal=entries)

    assert [each.since for each in found(conditions.no_issue, given)] == [HOUR] * overdue


@pytest.mark.parametrize("outcome", ["unchanged", "older"])
def test_nothing_newer_is_no_issue_where_a_newer_run_was_due(config: Config, outcome: str) -> None:
    behind = replace(ISSUE, issued=HOUR - 9 * HOURS, cycle=Cycle(RUN - 6 * HOURS))

    given = facts(config, issue=behind, journal=(entry(outcome),))

    assert found(conditions.no_issue, given)


def test_an_hour_that_was_missed_stays_overdue_until_an_issue_comes(config: Config) -> None:
    old = replace(ISSUE, issued=HOUR - 9 * HOURS)
    next_hour = HOUR + 12 * HOURS + 10 * MINUTE  # 04:20

    for now in (next_hour - MINUTE, next_hour + 5 * MINUTE, next_hour + 11 * MINUTE):
        assert found(conditions.no_issue, facts(config, now, issue=old)), now
    new = replace(ISSUE, issued=HOUR + 3 * HOURS)
    assert not found(conditions.no_issue, facts(config, next_hour - MINUTE, issue=new))


def test_a_service_that_starts_after_an_hour_has_ten_minutes_for_it(config: Config) -> None:
    old = replace(ISSUE, issued=HOUR - 9 * HOURS)
    started = replace(ALIVE, started=HOUR + 3 * HOURS)

    def at(minutes: int) -> Facts:
        now = started.started + minutes * MINUTE
        return Facts(config, now, ServiceState(replace(started, at=now), (), old))

    assert not found(conditions.no_issue, at(9))
    assert found(conditions.no_issue, at(10))


def test_no_hour_before_the_first_start_is_alerted_unless_there_was_an_issue(
    config: Config,
) -> None:
    started = replace(ALIVE, started=HOUR + 3 * HOURS)
    now = HOUR + 4 * HOURS
    alive = replace(started, at=now)
    refused = replace(entry("refused", HOUR - HOURS, 5), by="once")
    ours = replace(entry("waiting", HOUR - HOURS), hour=HOUR - HOURS)

    def alerts(*journal: JournalEntry, issue: Issue | None = None) -> list[Condition]:
        state = ServiceState(alive, journal, issue)
        return found(conditions.no_issue, Facts(config, now, state))

    assert alerts() == alerts(refused) == []
    assert alerts(ours)
    assert alerts(issue=replace(ISSUE, issued=HOUR - 9 * HOURS))


def test_an_issue_of_the_future_is_a_wrong_clock_and_makes_no_hour_an_issued_one(
    config: Config,
) -> None:
    ahead = replace(ISSUE, issued=NOW + 40 * MINUTE, cycle=Cycle(RUN - 6 * HOURS))
    given = facts(config, issue=ahead)

    [wrong] = found(conditions.clock, given)

    assert (wrong.key, wrong.level) == ("clock", "critical")
    assert found(conditions.no_issue, given)
    assert not found(conditions.clock, facts(config, issue=replace(ISSUE, issued=NOW + MINUTE)))


def test_a_run_that_nobody_could_have_is_not_missed_but_a_late_one_is(config: Config) -> None:
    def of(run: datetime) -> list[Condition]:
        return found(conditions.no_new_run, facts(config, issue=replace(ISSUE, cycle=Cycle(run))))

    # at 08:10 UTC the run of 00 UTC is due since 03:36, with three hours to spare
    assert of(RUN) == []
    assert of(RUN + 6 * HOURS) == []
    [late] = of(RUN - 6 * HOURS)
    assert late.blanks["due"] == RUN
    assert late.since == RUN + timedelta(hours=3.6)


def test_the_archive_failed_by_an_issue_without_it_or_by_attempts_that_last(config: Config) -> None:
    def at(now: datetime, *journal: JournalEntry, archive: ArchiveFacts | None = QUIET) -> int:
        given = replace(facts(config, now, journal=journal), archive=archive)
        return len(conditions.archive(given) or ())

    without = entry("issued", HOUR, 5, "archive unavailable: the file is gone")
    locked = entry("waiting", HOUR, 5, "database is locked")

    assert at(HOUR, without) == at(HOUR, without, archive=None) == 1
    assert [at(HOUR + n * MINUTE, locked) for n in (1, 3)] == [0, 1]
    assert at(NOW, entry("issued"), without) == 0
    # a service that was started since then says itself how its archive is
    started = facts(config, journal=(without,))
    beat = replace(ALIVE, started=NOW)
    assert not conditions.archive(replace(started, service=replace(started.service, beat=beat)))


def test_what_a_command_met_is_no_failure_of_the_service(config: Config) -> None:
    locked = replace(entry("waiting", HOUR, 5, "database is locked"), by="once")
    away = replace(entry("waiting", HOUR, 4, "no answer"), by="once")
    given = replace(facts(config, journal=(locked, away)), archive=QUIET)

    assert not conditions.archive(given)
    assert not found(conditions.source, given)
    ours = replace(away, by="service")
    assert found(conditions.source, facts(config, journal=(locked, ours)))


def test_a_source_is_away_once_every_attempt_of_late_says_so(config: Config) -> None:
    away = [entry("waiting", HOUR + n * 10 * MINUTE, 4) for n in range(3)][::-1]

    [condition] = found(conditions.source, facts(config, journal=tuple(away)))

    assert condition.since == HOUR
    assert not found(conditions.source, facts(config, journal=tuple(away[-1:]), now=HOUR + MINUTE))
    locked = entry("waiting", NOW, 5, "database is locked")
    assert not found(conditions.source, facts(config, journal=(locked, *away)))
    assert not found(conditions.source, facts(config, journal=(entry("issued"), *away)))
    late = entry("not_ready", NOW, 4, "no whole run is newer")
    assert not found(conditions.source, facts(config, journal=(late, *away)))


def test_a_full_disk_here_is_no_fault_of_the_source(config: Config) -> None:
    """By the detail that the journal has of such an error."""
    full = failed(RunNotKept("var/cycles: cannot be written (No space left on device)"))
    kept = [entry("waiting", HOUR + n * 10 * MINUTE, full.exit_code, full.detail) for n in range(3)]

    assert (full.outcome, full.exit_code, full.retry) == ("waiting", 4, "later")
    assert not found(conditions.source, facts(config, journal=tuple(kept[::-1])))


def test_the_disk_of_model_runs_is_looked_at_and_the_archive_grows_on_its_own(
    config: Config,
) -> None:
    """The archive's disk is told by its folder, wherever it stands in the list."""
    config = config.model_copy(
        update={"source": config.source.model_copy(update={"cycles": Path("/proc")})}
    )
    assert disks(config)[-1].folder == config.source.cycles  # of a disk of its own
    small = DiskSpace(config.private_folder, 10 * 10**9, 2 * 10**10)
    runs = DiskSpace(config.source.cycles, 0, 10**12)
    output = DiskSpace(config.output.folder, 500 * 10**9, 10**12)
    sizes = {(NOW - 10 * DAY).date().isoformat(): 10**9}
    given = replace(
        facts(config), archive_bytes=5 * 10**9, sizes=sizes, disks=(output, small, runs)
    )

    assert [each.subject for each in found(conditions.disk, given)] == [str(config.source.cycles)]
    [soon] = found(conditions.archive_growth, given)
    assert soon.blanks["days"] == 26


def test_an_issue_that_expired_and_none_at_all_are_two_alerts(config: Config) -> None:
    [expired] = found(conditions.expired, facts(config, ISSUE.valid_until))
    [nothing] = found(conditions.expired, facts(config, issue=None))

    assert (expired.kind, expired.since) == ("expired", ISSUE.valid_until)
    assert (nothing.kind, nothing.after) == ("nothing", 10 * MINUTE)


def test_a_model_that_gives_nothing_for_a_day_is_away_and_aerosol_by_its_age(
    config: Config,
) -> None:
    archive = replace(QUIET, contributions={"ifs": NOW - HOURS, "aifs": NOW - 25 * HOURS})
    given = replace(facts(config), archive=archive, added_runs={"gefs_aerosol": None})

    away = found(conditions.models, given)
    fresh = replace(given, added_runs={"gefs_aerosol": NOW - 30 * HOURS})
    just_started = replace(given, service=replace(WELL, beat=replace(ALIVE, started=NOW)))

    assert [each.subject for each in away] == ["aifs", "gefs_aerosol"]
    assert [each.subject for each in found(conditions.models, fresh)] == ["aifs"]
    assert [each.subject for each in found(conditions.models, just_started)] == ["aifs"]


def test_a_station_is_silent_after_three_hours_each_for_itself(config: Config) -> None:
    settings = with_stations(config)
    reports = {"A1201": NOW - 2 * HOURS, "ION01": NOW - 4 * HOURS}
    given = replace(facts(settings), archive=replace(QUIET, reports=reports))

    silent = found(conditions.stations, given)

    assert [(each.key, each.since) for each in silent] == [
        ("station/ION01", NOW - 4 * HOURS),
        ("station/ION02", None),
    ]
    assert "灵山氧吧1号（ION01）" in texts_of(silent[0], settings)["zh"]


def test_a_sender_is_silent_or_refused(config: Config) -> None:
    senders = {
        "good": (NOW - HOURS, NOW - HOURS),
        "silent": (NOW - 5 * HOURS, NOW - 5 * HOURS),
        "wrong": (NOW - HOURS, NOW - 5 * HOURS),
        "never": (NOW - HOURS, None),
    }

    given = replace(facts(config), archive=replace(QUIET, senders=senders))

    assert [each.key for each in found(conditions.senders, given)] == [
        "sender/silent", "sender_refused/wrong", "sender_refused/never",
    ]  # fmt: skip


def test_a_disk_is_nearly_full_by_bytes_or_by_share(config: Config) -> None:
    def of(free: float, total: float) -> int:
        space = DiskSpace(Path("/srv"), int(free * 1e9), int(total * 1e9))
        return len(found(conditions.disk, replace(facts(config), disks=(space,))))

    assert [of(100, 1000), of(1.9, 20), of(40, 1000), of(2.1, 20)] == [0, 1, 1, 0]
    space = DiskSpace(Path("/srv"), 22_000_000, 40_000_000)
    [small] = found(conditions.disk, replace(facts(config), disks=(space,)))
    assert texts_of(small, config)["en"] == "22 MB are free on the disk of /srv, 55 % of its 40 MB"


def test_an_archive_grows_towards_a_full_disk(config: Config) -> None:
    space = (DiskSpace(Path("/srv"), 10 * 10**9, 10**12),)
    given = replace(facts(config), disks=space, archive_bytes=5 * 10**9)

    def days(first: int, before: int) -> list[Condition]:
        day = (NOW - before * DAY).date().isoformat()
        return found(conditions.archive_growth, replace(given, sizes={day: first}))

    [soon] = days(10**9, 10)  # 4 GB in 10.36 days, 10 GB are free
    assert days(5 * 10**9, 10) == []
    assert days(10**9, 3) == []  # too few days
    assert days(10**9, 40) == []
    large = replace(given, archive_bytes=21 * 10**9)
    assert [each.kind for each in found(conditions.archive_growth, large)] == ["archive_large"]
    assert soon.blanks["days"] == 26
    assert conditions.archive_growth(facts(config)) is None


def test_sizes_of_sixty_days_are_kept_one_a_day() -> None:
    ledger = Ledger()
    for hour in range(24 * 70):
        ledger.note_size(NOW + hour * HOURS, hour)

    assert len(ledger.sizes) == 60
    assert ledger.sizes[(NOW + 69 * DAY).date().isoformat()] == 24 * 69 - 8


def test_findings_of_the_monitor_and_refused_models_are_alerts(config: Config) -> None:
    learning = LearningFacts(
        (("frequency", "sunset_glow"), ("missing", "sunset_glow"), ("distribution", "sunset_glow")),
        ("sunset_glow: another hash",),
    )
    given = replace(facts(config), learning=learning)

    keys = [each.key for each in (*conditions.shifts(given), *conditions.models_refused(given))]

    assert keys == ["skill/sunset_glow", "drift/sunset_glow", "model_refused"]


def test_a_draft_waits_for_its_signature_only_where_one_is_needed(config: Config) -> None:
    from forecast.review import Draft

    draft = Draft.__new__(Draft)
    for name, value in {
        "id": "d1", "hour": NOW + 14 * MINUTE, "prepared": NOW - 20 * MINUTE, "state": "draft",
        "corrects": "",
    }.items():  # fmt: skip
        object.__setattr__(draft, name, value)

    def waiting(review: str, unsigned: str = "release", **changes: Any) -> list[str]:
        issue = config.issue.model_copy(update={"review": review, "unsigned": unsigned})
        for name, value in changes.items():
            object.__setattr__(draft, name, value)
        settings = config.model_copy(update={"issue": issue})
        given = replace(facts(settings), archive=replace(QUIET, drafts=(draft,)))
        return [each.key for each in found(conditions.review, given)]

    assert waiting("off") == waiting("optional") == []
    assert waiting("required") == waiting("optional", "hold") == ["review/d1"]
    assert waiting("required", hour=NOW + 16 * MINUTE) == []
    assert waiting("required", hour=NOW - 16 * MINUTE) == ["review/d1"]
    assert waiting("required", state="reviewed") == []


def test_every_kind_has_words_in_each_language_and_a_section_of_the_handbook() -> None:
    handbook = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
    kinds = [kind for found in KINDS.values() for kind in found]

    for kind in kinds:
        for language in LANGUAGES:
            assert {f"alerts.{kind}.what", f"alerts.{kind}.do"} <= read_words(language).keys()
        assert f"### {kind}\n" in handbook
    assert len(kinds) == len(set(kinds)) == handbook.count("\n### ")


def test_facts_of_the_watchdog_come_from_files_that_may_be_absent(
    config: Config, tmp_path: Path
) -> None:
    settings = config.model_copy(update={
        "archive": config.archive.model_copy(update={"url": f"sqlite:///{tmp_path}/a/archive.db"}),
        "output": config.output.model_copy(update={"folder": tmp_path / "site"}),
    })  # fmt: skip

    empty = small_facts(settings, NOW)
    beat(settings.private_folder, NOW, NOW, "0.1.0")

    assert [each.kind for each in assess(empty).conditions][:3] == [
        "scheduler", "no_issue", "nothing",
    ]  # fmt: skip
    assert small_facts(settings, NOW).service.beat is not None
    assert len(disks(settings)) == 1
    assert disks(settings)[0].free > 0


def test_recipients_that_cannot_be_reached_stop_the_start(config: Config) -> None:
    from forecast.config import build_config

    values = config.model_dump(mode="json")
    values["alerts"]["first"] = {"email": ["ops"], "webhook": ["town"], "wecom": ["duty"]}

    with pytest.raises(ConfigError) as wrong:
        build_config(values, {})

    assert "ops is neither an address nor a list of delivery.email" in str(wrong.value)
    assert "town is neither an address nor a target of delivery.webhook" in str(wrong.value)
    assert "no server sends it: set alerts.mail or delivery.email" in str(wrong.value)
    assert OperatorAlertSettings().faults(config.delivery) == []
