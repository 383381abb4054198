"""What must be true after each kill, and of a whole season."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast.config import Config
from forecast.issue.hours import hours_between
from forecast.service.journal import Journal
from products.publish import Publisher

OPEN = 65 * 60.0  # [s] without a fault in which an hour must get its issue: two looks
LEGAL = {
    ("released",), ("released", "superseded"), ("released", "withdrawn"),
    ("released", "superseded", "withdrawn"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A span of the wall clock [s]; sound: the service lived and nothing was in its way."""

    begin: float
    end: float
    sound: bool


@dataclass(frozen=True, slots=True)
class Row:
    """An issue as the archive has it."""

    id: str
    number: int
    run: datetime
    issued: datetime
    state: str
    published: bool


def rows(database: Path) -> list[Row]:
    """Return the issues of an archive, in the order of their issue."""
    query = "SELECT id, number, run, issued, state, published FROM issue ORDER BY issued, id"
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        found = connection.execute(query).fetchall()
    return [
        Row(id, number, _utc(run), _utc(issued), state, published is not None)
        for id, number, run, issued, state, published in found
    ]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def after_kill(config: Config, database: Path) -> list[str]:
    """Return what a killed service left that is not whole."""
    found = list[str]()
    if database.exists():
        with closing(sqlite3.connect(database, timeout=20)) as connection:
            [answer] = connection.execute("PRAGMA quick_check").fetchone()
        if answer != "ok":
            found.append(f"archive: {answer}")
    publisher = Publisher(config)
    current = publisher.current()
    if publisher.link.is_symlink() and not (current and publisher.holds(current)):
        found.append(f"current: {current or 'nothing'} is not whole")
    return found


def after_start(config: Config, database: Path) -> list[str]:
    """Return what a service that has started again did not bring in order."""
    found, publisher = list[str](), Publisher(config)
    issues = [row for row in rows(database) if row.published]
    in_force = publisher.current()
    if not issues and not in_force:
        return []
    current = [row.id for row in issues if row.state == "released"]
    expected = [] if publisher.is_withdrawn() else [in_force]
    if current != expected:
        found.append(f"released: {current}, readers see {expected or 'a withdrawal'}")
    if in_force not in {row.id for row in issues}:
        found.append(f"{in_force} is in force and not in the archive")
    return found + wrong_numbers(issues, config) + wrong_states(database, issues)


def wrong_numbers(issues: list[Row], config: Config) -> list[str]:
    """Return the years whose numbers have a gap or a double."""
    years: dict[int, list[int]] = {}
    for row in issues:
        years.setdefault(row.issued.astimezone(config.zone).year, []).append(row.number)
    return [
        f"numbers of {year}: {sorted(numbers)}"
        for year, numbers in years.items()
        if sorted(numbers) != list(range(1, len(numbers) + 1))
    ]


def wrong_states(database: Path, issues: list[Row]) -> list[str]:
    """Return the issues whose steps do not lead to their one state."""
    query = "SELECT subject, after FROM transition ORDER BY id"
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        steps: dict[str, list[str]] = {}
        for subject, after in connection.execute(query):
            steps.setdefault(subject, []).append(after)
    return [
        f"{row.id}: {row.state} by {steps.get(row.id)}"
        for row in issues
        if (found := tuple(steps.get(row.id, []))) not in LEGAL or found[-1] != row.state
    ]


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of issue of a season: with an issue, without one, and without need."""

    issued: int
    excused: int
    lost: tuple[str, ...]
    attempts: Counter[str]


def hours(config: Config, database: Path, spans: list[Span], runs: dict[datetime, float]) -> Hours:
    """Return what became of every hour of issue that began and ended in the spans.

    runs: the run -> when it was there [s]. An hour is owed an issue where the service had OPEN
    seconds for it in which nothing was in its way, and a run that no issue before had.
    """
    journal, issues = Journal(config.private_folder).last(100_000), rows(database)
    by_journal = {e.hour for e in journal if e.outcome in ("issued", "partial")}
    misfire = timedelta(minutes=config.schedule.misfire_minutes)
    early = timedelta(minutes=config.issue.draft_minutes)
    first, last = (datetime.fromtimestamp(at, UTC) for at in (spans[0].begin, spans[-1].end))
    every = hours_between(config.schedule.issue_at, config.zone, first, last - misfire)
    issued, excused, lost = 0, 0, list[str]()
    for hour, following in zip(every, [*every[1:], last], strict=True):
        of_hour = [r for r in issues if r.published and hour - early <= r.issued < following]
        if hour in by_journal or of_hour:
            issued += 1
            continue
        out = {r.run for r in issues if r.published and r.issued < hour}
        if _owed(hour, hour + misfire, spans, runs, max(out, default=None)):
            lost.append(f"{hour:%Y-%m-%d %H:%M}")
        else:
            excused += 1
    return Hours(issued, excused, tuple(lost), Counter(entry.outcome for entry in journal))


def _owed(
    begin: datetime,
    end: datetime,
    spans: list[Span],
    runs: dict[datetime, float],
    newest: datetime | None,
) -> bool:
    for stretch in _stretches(spans, begin.timestamp(), end.timestamp()):
        there = [run for run, at in runs.items() if at <= stretch.end - OPEN]
        if (
            stretch.end - stretch.begin >= OPEN
            and there
            and (newest is None or max(there) > newest)
        ):
            return True
    return False


def _stretches(spans: list[Span], begin: float, end: float) -> list[Span]:
    """Return the sound stretches within a time, spans that touch being one."""
    found = list[Span]()
    for span in spans:
        cut = Span(max(span.begin, begin), min(span.end, end), span.sound)
        if not cut.sound or cut.end <= cut.begin:
            continue
        if found and abs(found[-1].end - cut.begin) < 1:
            found[-1] = Span(found[-1].begin, cut.end, True)
        else:
            found.append(cut)
    return found
