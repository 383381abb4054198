"""The conditions of which operators are alerted, each one function of the facts at one moment.

A function returns what is wrong, an empty tuple where nothing is, and None where that is unknown.
The words stand in templates/text under `alerts.<kind>`; docs/alerts.md says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from forecast.archive.database import file_of
from forecast.domain import Name
from forecast.errors import RunNotKept, SourceError, shortened
from forecast.issue.hours import last_hour
from forecast.service.alerting.facts import Facts
from forecast.service.heartbeat import SILENT
from forecast.service.journal import ONCE
from forecast.service.state import ARCHIVE_PATIENCE, overdue_hour, run_due

Level = Literal["critical", "warning"]
LEVELS: tuple[str, ...] = get_args(Level)
# Readers get nothing, or what is old, or soon will. Only these are escalated.
CRITICAL = frozenset({
    "scheduler", "clock", "no_issue", "nothing", "expired", "archive", "review", "disk",
})  # fmt: skip
RESTART = timedelta(minutes=1)  # in which a process that is gone may have a successor
LEAST_DAYS = 7  # of sizes known before a growth is concluded from them


@dataclass(frozen=True, slots=True)
class WordKey:
    """A blank whose text stands in the tables of words."""

    key: str


Blank = str | int | datetime | Name | WordKey


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong.

    kind: of KINDS, which names its words. subject: of what it is; "" where there is only one.
    since: None where it is not known. after: it is reported only once it has lasted so long.
    """

    kind: str
    since: datetime | None
    blanks: Mapping[str, Blank] = field(default_factory=dict)
    subject: str = ""
    after: timedelta = timedelta(0)

    @property
    def level(self) -> Level:
        """Return whether it is critical: only such an alert is escalated."""
        return "critical" if self.kind in CRITICAL else "warning"

    @property
    def key(self) -> str:
        """By which it is known from one look to the next."""
        return f"{self.kind}/{self.subject}" if self.subject else self.kind


Found = tuple[Condition, ...] | None


def scheduler(facts: Facts) -> Found:
    """The scheduler does not live: no heartbeat, an old one, one of the future, or of a process
    that is gone. Of such a process nobody is told before the heartbeat is old: a restart is no
    alert.
    """
    if not facts.service.silent(facts.now):
        return ()
    beat = facts.service.beat
    if beat is None or beat.silent(facts.now):
        return (Condition("scheduler", beat.at if beat else None),)
    return (Condition("scheduler", beat.at, after=max(beat.at + SILENT - facts.now, RESTART)),)


def clock(facts: Facts) -> Found:
    """The issue in force is dated in the future: the clock was wrong then, or is now."""
    issue = facts.service.issue
    if issue is None or not facts.service.ahead(facts.now):
        return ()
    return (Condition("clock", None, {"at": issue.issued, "number": issue.number}),)


def no_issue(facts: Facts) -> Found:
    """An hour of issue passed by `late_minutes` without an issue."""
    hour = overdue_hour(facts.service, facts.config, facts.now)
    if hour is None:
        return ()
    reason = next((e.detail for e in facts.service.journal if e.hour == hour), "-")
    return (Condition("no_issue", hour, {"hour": hour, "reason": shortened(reason, 200)}),)


def expired(facts: Facts) -> Found:
    """The issue that readers see has expired, or there is none."""
    issue = facts.service.issue
    if not facts.service.expired(facts.now):
        return ()
    if issue is None:
        late = timedelta(minutes=facts.config.alerts.late_minutes)
        return (Condition("nothing", None, after=late),)
    return (Condition("expired", issue.valid_until, {"number": issue.number}),)


def archive(facts: Facts) -> Found:
    """The archive can be neither read nor written: by a look at it, or by the last attempts."""
    failed = facts.service.archive_failure(facts.now)
    if failed is not None:
        blanks = {"reason": shortened(failed.detail, 300)}
        return (Condition("archive", failed.at, blanks),)
    if facts.archive_error:
        blanks = {"reason": shortened(facts.archive_error, 300)}
        return (Condition("archive", None, blanks, after=ARCHIVE_PATIENCE),)
    return () if facts.archive is not None else None


def archive_older(facts: Facts) -> Found:
    """The archive does not know the issue that readers see, or did not within the last day: it was
    replaced by an older copy.
    """
    if facts.archive is not None and facts.archive.lacks:
        return (Condition("archive_older", None, {"issue": facts.archive.lacks}),)
    if facts.entered is not None:
        at, issue = facts.entered
        return (Condition("archive_older", at, {"issue": issue}),)
    return () if facts.archive is not None else None


def source(facts: Facts) -> Found:
    """The source of the leading model fails: every attempt of late says so.

    A source that answers that a run is not there yet works; an old run has its own alert. A disk
    here that does not take the run is no fault of the source.
    """
    failed = None
    ours = [e for e in facts.service.journal if e.by != ONCE or not e.exit_code]
    for entry in ours:
        if entry.outcome != "waiting" or entry.exit_code != SourceError.exit_code:
            break
        if f"{RunNotKept.__name__}: " in entry.detail:
            break
        failed = entry
    late = timedelta(minutes=facts.config.alerts.late_minutes)
    if failed is None or facts.now - failed.at < late:
        return ()
    detail = shortened(ours[0].detail, 200)
    model = facts.config.source.name.as_name(facts.config.source.model)
    return (Condition("source", failed.at, {"model": model, "reason": detail}),)


def no_new_run(facts: Facts) -> Found:
    """The issue of the last hour is made from an older run than that hour could have had."""
    config, issue = facts.config, facts.service.issue
    if issue is None or issue.cycle.model != config.source.model:
        return ()
    late = timedelta(minutes=config.alerts.late_minutes)
    hour = last_hour(config.schedule.issue_at, config.zone, facts.now - late)
    due = run_due(config, hour, timedelta(hours=config.alerts.run_margin_hours))
    if issue.cycle.run >= due:
        return ()
    since = due + timedelta(hours=config.source.delay_hours)
    name = config.source.name.as_name(config.source.model)
    blanks: dict[str, Blank] = {"model": name, "run": issue.cycle.run, "due": due}
    return (Condition("no_new_run", since, blanks),)


def models(facts: Facts) -> Found:
    """A further model had no part in any issue for long; one that only adds has no fresh run."""
    if facts.archive is None or facts.added_runs is None:
        return None
    found, started = [], _started(facts)
    for model in (each for each in facts.config.models if each.enabled):
        name = model.name.as_name(model.id)
        if not model.adds:
            last = facts.archive.contributions.get(model.id)
            longest = timedelta(hours=facts.config.alerts.model_hours)
        elif model.id in facts.added_runs:
            last = facts.added_runs[model.id]
            longest = timedelta(hours=model.maximum_age_hours)
        else:
            continue
        if facts.now - (last or started) > longest:
            found.append(Condition("model", last, {"model": name}, model.id))
    return tuple(found)


def stations(facts: Facts) -> Found:
    """A station of the settings is silent."""
    if facts.archive is None:
        return None
    longest, started = timedelta(minutes=facts.config.alerts.station_minutes), _started(facts)
    found = []
    for station in facts.config.observations.stations:
        last = facts.archive.reports.get(station.id)
        if facts.now - (last or started) > longest:
            name = station.name.as_name(station.id)
            blanks: dict[str, Blank] = {"station": name, "id": station.id}
            found.append(Condition("station", last, blanks, station.id))
    return tuple(found)


def senders(facts: Facts) -> Found:
    """A sender that pushed records of late pushes none any more, or none that is good."""
    if facts.archive is None:
        return None
    longest = timedelta(minutes=facts.config.alerts.sender_minutes)
    found = []
    for sender, (last, good) in facts.archive.senders.items():
        if facts.now - last > longest:
            found.append(Condition("sender", last, {"sender": sender}, sender))
        elif good is None or facts.now - good > longest:
            blanks = {"sender": sender}
            found.append(Condition("sender_refused", good, blanks, sender))
    return tuple(found)


def disk(facts: Facts) -> Found:
    """Little is free on a disk that the service writes to."""
    alerts, found = facts.config.alerts, []
    for each in facts.disks:
        percent = 100 * each.free / each.total if each.total else 0.0
        if each.free < alerts.disk_free_gb * 1e9 or percent < alerts.disk_free_percent:
            blanks: dict[str, Blank] = {
                "folder": str(each.folder), "free": _size(each.free), "total": _size(each.total),
                "percent": f"{percent:.0f}",
            }  # fmt: skip
            found.append(Condition("disk", None, blanks, str(each.folder)))
    return tuple(found)


def backup(facts: Facts) -> Found:
    """The daily backup failed, its folder cannot be written, or the newest is older than 26 h."""
    if facts.config.backup.folder is None:
        return ()
    record = facts.backup
    if record is None:
        return None
    since = record.missing_since(facts.now)
    if since is None:
        return ()
    blanks: dict[str, Blank] = {
        "folder": str(record.folder), "last": record.made or WordKey("alerts.backup.never"),
        "reason": record.reason[:300] or "-",
    }  # fmt: skip
    return (Condition("backup", since, blanks),)


def settings(facts: Facts) -> Found:
    """The settings file cannot be read or used, or a reload was refused; old settings serve on.

    The watchdog tells it by those with which the service started or was reloaded last.
    """
    if facts.refusal is None:
        return ()
    blanks = {"reason": facts.refusal.reason[:300]}
    return (Condition("settings", facts.refusal.at, blanks),)


def _size(size: float) -> str:
    """Return a size [byte] with its unit: GB, below one MB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def archive_growth(facts: Facts) -> Found:
    """The archive is larger than its limit, or its file would fill its disk soon."""
    size, alerts = facts.archive_bytes, facts.config.alerts
    if size is None:
        return None
    shown: dict[str, Blank] = {"size": f"{size / 1e9:.2f}"}
    if size > alerts.archive_gb * 1e9:
        limit: dict[str, Blank] = {**shown, "limit": f"{alerts.archive_gb:g}"}
        return (Condition("archive_large", None, limit),)
    left = _days_until_full(facts, size)
    if left is None or left >= alerts.days_until_full:
        return ()
    return (Condition("archive_growth", None, {**shown, "days": max(0, round(left))}),)


def _days_until_full(facts: Facts, size: int) -> float | None:
    """Return in how many days the archive fills its disk; None where it does not grow, is not known
    for long enough, or lies on a server, whose disk is not known here.
    """
    if not facts.sizes or not facts.disks or file_of(facts.config.archive.url) is None:
        return None
    first = min(facts.sizes)
    days = (facts.now - datetime.fromisoformat(f"{first}T00:00+00:00")) / timedelta(days=1)
    growth = (size - facts.sizes[first]) / days if days >= LEAST_DAYS else 0.0
    # one that has no entry of its own shares the first: that of the output folder
    private = facts.config.private_folder
    disk = next((each for each in facts.disks if each.folder == private), facts.disks[0])
    return disk.free / growth if growth > 0 else None


def shifts(facts: Facts) -> Found:
    """Forecasts come true more or less often than forecast (skill), or features have shifted."""
    if facts.learning is None:
        return None
    found = {}
    for kind, phenomenon in facts.learning.shifts:
        name = WordKey(f"phenomenon.{phenomenon}.name")
        of = "skill" if kind == "frequency" else "drift"
        condition = Condition(of, None, {"phenomenon": name}, phenomenon)
        found[condition.key] = condition
    return tuple(found.values())


def models_refused(facts: Facts) -> Found:
    """A trained model is refused; the one before it serves."""
    if facts.learning is None:
        return None
    refused = facts.learning.refused
    if not refused:
        return ()
    blanks: dict[str, Blank] = {"count": len(refused), "reason": shortened(refused[0], 200)}
    return (Condition("model_refused", None, blanks),)


def review(facts: Facts) -> Found:
    """A draft that goes out only signed is unsigned shortly before its hour, or after it."""
    config = facts.config
    needed = config.issue.review == "required" or (
        config.issue.review == "optional" and config.issue.unsigned == "hold"
    )
    if not needed:
        return ()
    if facts.archive is None:
        return None
    soon = timedelta(minutes=config.alerts.review_minutes)
    return tuple(
        Condition("review", draft.prepared, {"hour": draft.hour}, draft.id)
        for draft in facts.archive.drafts
        if draft.state == "draft" and not draft.corrects and draft.hour - facts.now <= soon
    )


def _started(facts: Facts) -> datetime:
    """Return since when the service runs: what it never had is missed only after a while."""
    return facts.service.beat.started if facts.service.beat else facts.now


# Function -> the kinds of its conditions, in the order in which they are listed.
KINDS: Mapping[Callable[[Facts], Found], tuple[str, ...]] = {
    scheduler: ("scheduler",),
    clock: ("clock",),
    no_issue: ("no_issue",),
    expired: ("nothing", "expired"),
    archive: ("archive",),
    archive_older: ("archive_older",),
    review: ("review",),
    disk: ("disk",),
    settings: ("settings",),
    backup: ("backup",),
    source: ("source",),
    no_new_run: ("no_new_run",),
    models: ("model",),
    stations: ("station",),
    senders: ("sender", "sender_refused"),
    archive_growth: ("archive_large", "archive_growth"),
    models_refused: ("model_refused",),
    shifts: ("skill", "drift"),
}


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that is wrong at one moment, and the kinds of which that is known."""

    conditions: tuple[Condition, ...]
    known: frozenset[str]


def assess(facts: Facts) -> Assessment:
    """Return what is wrong by the facts."""
    conditions: list[Condition] = []
    known: set[str] = set()
    for function, kinds in KINDS.items():
        found = function(facts)
        if found is not None:
            conditions += found
            known.update(kinds)
    return Assessment(tuple(conditions), frozenset(known))
