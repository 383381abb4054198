"""Does what people review go out at its hour, by the rules, once, never with an old signature?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast import pipeline
from forecast.archive.drafts import Drafts
from forecast.archive.issues import Attempt
from forecast.commands import status
from forecast.config import Config
from forecast.domain import Atmosphere, Cycle
from forecast.errors import CycleNotReady, NotReleased
from forecast.ingest.grib import reader
from forecast.issue.hours import last_hour, next_hour
from forecast.issue.lifecycle import Lifecycle
from forecast.review import Account, Draft
from forecast.service import scheduler as scheduling
from forecast.service.journal import Journal
from forecast.service.open_hour import IssueHours, OpenHour
from forecast.service.review_jobs import ReviewJobs
from forecast.service.web.alerts import alerts
from products.wording import Words
from tests.faults.one_site import RUN, decoded, small
from tests.web_world import NOW, WebWorld, web_world

READY = RUN + timedelta(hours=7, minutes=40)  # 15:40 in Beijing
HOUR = RUN + timedelta(hours=8, minutes=10)  # 16:10, an hour of issue of config.yaml
WANG = Account("wang", "王一", "forecaster")


@pytest.fixture(scope="module")
def atmosphere(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Atmosphere:
    folder = tmp_path_factory.mktemp("cycle")
    return decoded(small(config, folder), folder / "bucket")


class Jobs(ReviewJobs):
    """The jobs at a moment; how the hours of issue stand lasts from one moment to the next."""

    def __init__(self, duty: Duty) -> None:
        super().__init__(duty.world, duty.lifecycle, lambda: duty.now)
        self._duty = duty

    def start(self) -> int:
        """Start the service anew, and return the worst exit code."""
        self._duty.hours = None
        return self.release()

    def release(self) -> int:
        """Look at the hours of issue, as the scheduler does, and return the worst exit code."""
        duty, before = self._duty, len(self._attempts.journal.last())
        schedule = IssueHours(duty.world.config, self, self._attempts, lambda: duty.now)
        schedule.open = duty.hours
        schedule.look()
        duty.hours = schedule.open
        new = self._attempts.journal.last()
        return max((entry.exit_code for entry in new[: len(new) - before]), default=0)


class Duty(WebWorld):
    """The jobs of a service whose clock a test sets."""

    hours: OpenHour | None = None

    def at(self, now: datetime) -> Jobs:
        self.now = now
        return Jobs(self)

    @property
    def drafts(self) -> Drafts:
        return Drafts(self.world.archive)

    @property
    def numbers(self) -> list[int]:
        return [issue.number for issue in self.world.archive.issues()]


@pytest.fixture
def duty(
    request: pytest.FixtureRequest,
    config: Config,
    atmosphere: Atmosphere,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Duty:
    monkeypatch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
    return Duty(web_world(config, tmp_path, getattr(request, "param", "optional")).world)


required = pytest.mark.parametrize("duty", ["required"], indirect=True)


def test_hours_follow_the_local_clock(config: Config) -> None:
    at, zone = config.schedule.issue_at, config.zone

    # 04:20, 06:40 and 16:10 in Beijing are 20:20, 22:40 and 08:10 UTC
    assert next_hour(at, zone, HOUR - timedelta(seconds=1)) == HOUR
    assert next_hour(at, zone, HOUR) == RUN + timedelta(hours=20, minutes=20)
    assert last_hour(at, zone, HOUR) == HOUR
    assert last_hour(at, zone, HOUR - timedelta(seconds=1)) == RUN - timedelta(hours=1, minutes=20)


def test_a_draft_is_made_before_each_hour_and_goes_out_at_it_unsigned(duty: Duty) -> None:
    assert duty.at(READY).draft() == 0
    draft = duty.drafts.of_hour(HOUR)
    assert draft is not None
    assert (draft.state, draft.hour, duty.numbers) == ("draft", HOUR, [])
    assert duty.at(READY + timedelta(minutes=10)).draft() == 0
    assert duty.drafts.of_hour(HOUR) == draft  # no new data, the same draft

    assert duty.at(HOUR).release() == 0

    [issue] = duty.world.archive.issues()
    assert duty.drafts.review_of(issue.id)["unreviewed"] is True
    assert duty.world.archive.attempts()[0].issue == issue.id


@pytest.mark.parametrize("job", ["watch", "release"])
def test_a_draft_that_is_signed_at_the_desk_meanwhile_is_no_error(
    duty: Duty, job: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    duty.at(READY).draft()
    draft = duty.drafts.of_hour(HOUR)
    assert draft is not None
    release = Lifecycle.release

    def signed_first(self: Lifecycle, world: pipeline.World, seen: Draft, now: datetime) -> object:
        monkeypatch.setattr(Lifecycle, "release", release)
        duty.lifecycle.sign(world, draft, draft.version, WANG, now)
        return release(self, world, replace(seen, state="reviewed"), now)

    monkeypatch.setattr(Lifecycle, "release", signed_first)
    signed = replace(draft, state="reviewed")
    monkeypatch.setattr(Drafts, "open_ones", lambda *_: [signed])

    assert getattr(duty.at(HOUR), job)() == 0

    assert len(duty.numbers) == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert all(attempt.exit_code == 0 for attempt in duty.world.archive.attempts())


def test_what_was_signed_before_its_hour_does_not_go_out_again_at_it(duty: Duty) -> None:
    duty.at(READY).draft()
    draft = duty.drafts.of_hour(HOUR)
    assert draft is not None
    early = HOUR - timedelta(minutes=10)
    duty.lifecycle.sign(duty.world, draft, draft.version, WANG, early)

    assert duty.at(early + timedelta(minutes=5)).draft() == 0  # the look for new data goes on
    assert duty.drafts.open_ones(duty.now) == ()
    duty.lifecycle.make_draft(duty.world, duty.now, HOUR)  # somebody looks at a further one
    assert duty.at(HOUR).release() == 0
    assert duty.at(HOUR + timedelta(minutes=5)).start() == 0

    assert duty.numbers == [1]
    [issue] = duty.world.archive.issues()
    assert duty.drafts.review_of(issue.id)["person"] == "王一"


def test_what_was_signed_long_before_its_hour_is_an_issue_of_its_own(duty: Duty) -> None:
    duty.now = READY - timedelta(hours=2)
    draft = duty.lifecycle.make_draft(duty.world, duty.now, HOUR)
    duty.lifecycle.sign(duty.world, draft, draft.version, WANG, duty.now)

    assert duty.at(READY).draft() == 0
    assert duty.at(HOUR).release() == 0

    assert duty.numbers == [2, 1]


@pytest.mark.parametrize("duty", ["optional", "required"], indirect=True)
@pytest.mark.parametrize("made", [HOUR - timedelta(hours=3), READY])
def test_what_is_signed_in_the_last_minutes_is_the_issue_of_the_hour(
    duty: Duty, made: datetime
) -> None:
    """However early its draft was made: what a person signed at 16:05 stands at 16:10."""
    duty.now = made
    draft = duty.lifecycle.make_draft(duty.world, made, HOUR)
    signed = HOUR - timedelta(minutes=5)
    duty.lifecycle.sign(duty.world, draft, draft.version, WANG, signed)

    assert duty.at(signed + timedelta(minutes=2)).draft() == 0
    assert duty.drafts.open_ones(duty.now) == ()
    assert duty.at(HOUR).release() == 0
    assert duty.at(HOUR + timedelta(minutes=5)).start() == 0

    [issue] = duty.world.archive.issues()
    assert duty.drafts.review_of(issue.id)["person"] == "王一"


def test_a_correction_signed_in_the_last_minutes_is_the_issue_of_the_hour(duty: Duty) -> None:
    duty.at(RUN + timedelta(hours=4)).start()
    [first] = duty.world.archive.issues()
    duty.at(READY).draft()
    signed = HOUR - timedelta(minutes=5)
    correction = duty.lifecycle.correct(duty.world, first.id, WANG, "fog lifts", signed)
    duty.lifecycle.sign(duty.world, correction, correction.version, WANG, signed)

    assert duty.at(HOUR).release() == 0

    assert duty.numbers == [2, 1]
    assert duty.drafts.review_of(duty.world.archive.issues()[0].id)["person"] == "王一"


@required
def test_what_nobody_signed_stays_and_everybody_learns_why(
    duty: Duty, caplog: pytest.LogCaptureFixture
) -> None:
    duty.at(READY).draft()

    assert duty.at(HOUR).release() == 6

    [said] = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "nobody signed it" in said.getMessage()
    archive = duty.world.archive
    assert alerts(archive, None, HOUR, Words("zh", duty.world.config.zone)) == (
        "16:10未能正常发布：无人签发",
    )

    [kept] = duty.world.archive.attempts()
    assert (kept.exit_code, kept.issue) == (6, None)
    assert "nobody signed it" in kept.detail
    assert duty.numbers == []
    shown = "\n".join(status.lines(status.found(duty.world.config, HOUR)))
    assert "draft, signed by nobody, 0 changes  goes out at 2026-11-22T16:10:00+08:00" in shown
    assert "exit 6  NotReleased: " in shown

    draft = duty.drafts.of_hour(HOUR)
    assert draft is not None
    late = HOUR + timedelta(minutes=20)
    duty.lifecycle.sign(duty.world, draft, draft.version, WANG, late)
    assert duty.numbers == [1]
    [issue] = archive.issues()
    assert (archive.attempts()[0].exit_code, archive.attempts()[0].issue) == (0, issue.id)
    english = Words("en", duty.world.config.zone)
    assert alerts(archive, issue, late, english) == ()
    [expired] = alerts(archive, issue, issue.valid_until, english)
    assert "expired" in expired


@pytest.mark.parametrize(
    ("attempt", "cause"),
    [
        (Attempt(HOUR, None, 4, "CycleNotReady: x"), "没有可用的模式资料"),
        (Attempt(HOUR, None, 5, "ArchiveError: x"), "档案库无法读写"),
        (Attempt(HOUR, None, 6, "PublishError: x"), "各渠道均未发布成功"),
        (Attempt(HOUR, "gfs-1", 6, "x"), "部分渠道未发布成功"),
        (Attempt(HOUR, None, 1, "defect: x"), "系统故障"),
    ],
)
def test_the_desk_says_why_nothing_went_out(duty: Duty, attempt: Attempt, cause: str) -> None:
    duty.world.archive.keep_attempt(attempt)

    [said] = alerts(duty.world.archive, None, HOUR, Words("zh", duty.world.config.zone))

    assert cause in said


def test_a_withdrawn_issue_of_the_hour_leaves_a_draft_that_goes_out_only_signed(duty: Duty) -> None:
    """The machine must not put out within minutes what a person took back."""
    duty.at(READY).draft()
    draft = duty.drafts.of_hour(HOUR)
    assert draft is not None
    duty.lifecycle.sign(duty.world, draft, draft.version, WANG, READY)
    [issue] = duty.world.archive.issues()
    duty.lifecycle.withdraw(duty.world, issue.id, WANG, "资料有误", READY + timedelta(minutes=5))

    assert duty.at(READY + timedelta(minutes=6)).watch() == 0
    [again] = duty.drafts.open_ones(duty.now)
    assert (again.hour, again.state, again.id != draft.id) == (HOUR, "draft", True)
    assert duty.at(READY + timedelta(minutes=11)).draft() == 0
    assert duty.drafts.open_ones(duty.now) == (again,)
    assert duty.at(HOUR).release() == 0
    assert duty.at(HOUR + timedelta(minutes=5)).watch() == 0
    assert duty.numbers == [1]

    duty.lifecycle.sign(duty.world, again, again.version, WANG, duty.now)
    assert duty.numbers == [2, 1]


@required
def test_a_command_does_not_go_around_the_signature(duty: Duty) -> None:
    with pytest.raises(NotReleased, match="wants a person to sign"):
        pipeline.run(duty.world, NOW)

    assert duty.numbers == []


def test_what_a_command_publishes_says_that_nobody_reviewed_it(duty: Duty) -> None:
    pipeline.run(duty.world, NOW)

    [issue] = duty.world.archive.issues()
    assert duty.drafts.review_of(issue.id)["unreviewed"] is True


@required
def test_at_the_first_start_a_required_signature_is_waited_for(duty: Duty) -> None:
    assert duty.at(READY).start() == 6

    [draft] = duty.drafts.open_ones(READY)
    assert (draft.state, duty.numbers) == ("draft", [])


def test_at_the_first_start_readers_get_an_issue_at_once_where_that_may_be(duty: Duty) -> None:
    assert duty.at(READY - timedelta(hours=2)).start() == 0

    assert duty.numbers == [1]


def test_a_signed_draft_that_a_crash_kept_back_goes_out_at_the_start(duty: Duty) -> None:
    duty.at(READY).draft()
    draft = duty.drafts.of_hour(HOUR)
    assert draft is not None
    duty.drafts.sign(draft.id, draft.version, WANG.id, WANG.name, READY)  # and the machine dies

    shown = "\n".join(status.lines(status.found(duty.world.config, READY)))
    assert "reviewed, signed by 王一" in shown
    assert duty.at(READY + timedelta(minutes=2)).start() == 0

    [issue] = duty.world.archive.issues()
    assert duty.drafts.review_of(issue.id)["person"] == "王一"


def test_after_a_restart_the_draft_is_ready_for_the_desk(duty: Duty) -> None:
    duty.at(RUN + timedelta(hours=4)).start()
    duty.at(READY).draft()
    draft = duty.drafts.of_hour(HOUR)
    assert draft is not None
    duty.lifecycle = Lifecycle()  # the service began anew

    assert duty.at(READY + timedelta(minutes=5)).start() == 0

    assert list(duty.lifecycle._prepared) == [draft.id]


def test_after_a_restart_on_other_data_a_new_draft_stands_there(
    duty: Duty, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    duty.at(RUN + timedelta(hours=4)).start()
    duty.at(READY).draft()
    draft = duty.drafts.of_hour(HOUR)
    assert draft is not None
    duty.lifecycle = Lifecycle()
    monkeypatch.setattr(Drafts, "numbers", lambda *_: "of other data")

    assert duty.at(READY + timedelta(minutes=5)).start() == 0

    assert "its data have changed" in caplog.text
    assert duty.drafts.of_hour(HOUR) != draft
    assert duty.drafts.get(draft.id).state == "expired"  # type: ignore[union-attr]


def test_an_hour_that_was_missed_is_made_up_for_at_the_start(duty: Duty) -> None:
    duty.at(RUN + timedelta(hours=4)).start()
    duty.at(READY).draft()

    assert duty.at(HOUR + timedelta(minutes=3)).start() == 0

    assert duty.numbers == [2, 1]
    assert duty.drafts.open_ones(duty.now) == ()


def test_a_start_long_after_an_hour_makes_no_draft_for_it_that_has_expired(duty: Duty) -> None:
    source: Any = duty.world.source
    source.cycle = Cycle(RUN - timedelta(hours=6))
    duty.at(HOUR).start()
    assert duty.numbers == [1]
    source.cycle = Cycle(RUN)  # the run that was due comes late

    assert duty.at(HOUR + timedelta(hours=4)).start() == 0

    assert duty.numbers == [1]


def test_a_signature_of_yesterday_never_stands_on_an_issue_of_today(duty: Duty) -> None:
    duty.at(READY).draft()
    draft = duty.drafts.of_hour(HOUR)
    assert draft is not None
    duty.drafts.sign(draft.id, draft.version, WANG.id, WANG.name, READY)

    duty.at(HOUR + timedelta(hours=14)).start()

    assert duty.drafts.get(draft.id).state == "expired"  # type: ignore[union-attr]
    for issue in duty.world.archive.issues():
        assert duty.drafts.review_of(issue.id)["person"] == ""


def test_a_correction_that_waits_for_its_signature_hinders_no_issue(duty: Duty) -> None:
    duty.at(RUN + timedelta(hours=4)).start()
    [first] = duty.world.archive.issues()
    duty.at(READY).draft()
    duty.lifecycle.correct(duty.world, first.id, WANG, "the fog lifts earlier", READY)

    assert duty.at(HOUR).release() == 0

    assert duty.numbers == [2, 1]


def test_without_a_usable_run_the_start_is_tried_again(
    duty: Duty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> object:
        raise CycleNotReady("not there yet")

    monkeypatch.setattr(duty.world.source, "acquire", nothing)
    now = [READY]
    scheduler = scheduling.build_scheduler(duty.world, lambda: now[0], duty.lifecycle)
    job = scheduler.get_job("hours")

    for minute in (0, 1, 10):
        now[0] = READY + timedelta(minutes=minute)
        job.func(*job.args)

    entries = Journal(duty.world.config.private_folder).last()
    assert {entry.outcome for entry in entries} == {"not_ready"}
    # the first start, long after the last hour, and the hour without a draft
    assert {entry.hour for entry in entries} == {READY, HOUR}
    assert {entry.at for entry in entries} == {READY, READY + timedelta(minutes=10)}
    assert {kept.exit_code for kept in duty.world.archive.attempts()} == {4}


def test_the_scheduler_has_a_draft_before_each_hour(duty: Duty) -> None:
    now = [READY - timedelta(seconds=1)]
    scheduler = scheduling.build_scheduler(duty.world, lambda: now[0], duty.lifecycle)
    job = scheduler.get_job("hours")

    job.func(*job.args)
    assert duty.drafts.of_hour(HOUR) is None
    now[0] = READY
    job.func(*job.args)

    assert duty.drafts.of_hour(HOUR) is not None


def test_the_coming_hour_is_in_hand_and_one_that_has_its_issue_is_gone(duty: Duty) -> None:
    duty.add_people("wang")
    duty.at(READY).draft()
    past = duty.drafts.of_hour(HOUR)
    desk = duty.client("wang")
    coming = duty.lifecycle.make_draft(duty.world, READY, HOUR + timedelta(minutes=40))
    assert past is not None
    assert f'name="draft" value="{past.id}"' in desk.get("/desk/").text

    duty.now = HOUR + timedelta(minutes=2)

    page = desk.get("/desk/").text
    assert f'name="draft" value="{coming.id}"' in page
    assert f'href="/desk/?draft={past.id}"' in page  # nobody signed it: it may go out yet
    duty.lifecycle.release(duty.world, past, duty.now)
    again = duty.lifecycle.make_draft(duty.world, duty.now, HOUR)
    assert again.id not in desk.get("/desk/").text
    assert duty.drafts.get(again.id).state == "expired"  # type: ignore[union-attr]
