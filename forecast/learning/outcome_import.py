"""Import of outcome tables into the archive: `skyscape outcomes`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from forecast import phenomena
from forecast.archive.issues import Archive
from forecast.archive.observations import Reading
from forecast.archive.outcomes import Outcomes
from forecast.config import Config
from forecast.domain import Fault, Site
from forecast.errors import FileUnreadable, PublishError
from forecast.learning.truth_from_reports import LIMITS, parse, site_names
from forecast.observations.formats.collector import sanitised
from forecast.science import almanac
from forecast.verification import EventKey

PARTLY = PublishError.exit_code  # the code of what is done only in part


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of one file."""

    name: str
    known: bool  # imported before: nothing was changed
    kept: int
    repeated: int
    faults: tuple[Fault, ...]
    refused: int = 0  # rows, a file that cannot be read counting as one
    unreadable: bool = False  # no row of it can be read

    @property
    def exit_code(self) -> int:
        """Return 0 where every row was kept, PARTLY where rows were refused, one or all.

        That of FileUnreadable where the file is no table of outcomes.
        """
        if self.unreadable:
            return FileUnreadable.exit_code
        return PARTLY if self.refused else 0

    @property
    def lines(self) -> list[str]:
        """Return the result as lines of text."""
        if self.known:
            again = f"; {self.refused} rows are still refused" if self.refused else ""
            return [f"{self.name}: was read before, nothing changed{again}"]
        return [
            f"{self.name}: {self.kept} kept, {len(self.faults)} remarks, {self.repeated} repeated, "
            f"{self.refused} refused",
            *(f"  line {fault.line}: {fault.reason}" for fault in self.faults),
        ]


def import_file(path: Path, archive: Archive, config: Config, now: datetime) -> Imported:
    """Import one table into the archive, once.

    Raises: FileUnreadable, ArchiveError.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LIMITS.size + 1)
    except OSError as error:
        raise FileUnreadable(f"{path}: {error.strerror}; give a CSV file of outcomes") from error
    sites, today, pending = (
        config.all_sites(),
        now.astimezone(config.zone).date(),
        pending_events(config, config.all_sites(), now),
    )
    read = parse(data, path.name, sites, today, pending, config.zone)
    # A file with refused rows is read again when what they depend on has changed.
    depends_on = (
        repr(
            (
                sorted(site_names(sites).items()),
                [site.phenomena for site in sites],
                today,
                sorted(pending),
            )
        ).encode()
        if read.faults
        else b""
    )
    digest = hashlib.sha256(b"outcomes\0" + data + depends_on).hexdigest()
    reading = Reading(
        digest, sanitised(path.name, 120), "outcomes", now, len(read.outcomes), len(read.faults)
    )
    fresh = Outcomes(archive).keep_file(reading, read.outcomes, read.faults)
    return Imported(
        reading.name,
        not fresh,
        len(read.outcomes),
        read.repeated,
        read.faults,
        read.refused,
        read.unreadable,
    )


def pending_events(config: Config, sites: Sequence[Site], now: datetime) -> set[EventKey]:
    """Return the events at `sites` of the last two local days that are not over at `now`.

    A night goes on after midnight.
    """
    today = now.astimezone(config.zone).date()
    days = (today - timedelta(days=1), today)
    events = phenomena.events(
        sites, days, almanac.almanacs(sites, days, config.zone), config.phenomena, now
    )
    return {(event.site.id, event.phenomenon, event.day.isoformat()) for event in events}


def _import_files(
    paths: Sequence[Path], archive: Archive, config: Config, now: datetime
) -> tuple[str, int]:
    """Return the results of all files as text, and the exit code.

    Raises: FileUnreadable where none can be read, ArchiveError.
    """
    lines: list[str] = []
    codes, unread = [0], 0
    for path in paths:
        try:
            imported = import_file(path, archive, config, now)
        except FileUnreadable as error:
            lines.append(str(error))
            codes.append(error.exit_code)
            unread += 1
            continue
        lines += imported.lines
        codes.append(imported.exit_code)
    if unread == len(paths):
        raise FileUnreadable("\n".join(lines))
    return "\n".join(lines), max(codes)


def run(
    action: str, files: Sequence[Path], archive: Archive, config: Config, now: datetime
) -> tuple[str, int]:
    """Return what `skyscape outcomes` prints, and its exit code.

    Raises: FileUnreadable where none of the files can be read, ArchiveError.
    """
    if action == "import":
        return _import_files(files, archive, config, now)
    outcomes = Outcomes(archive)
    lines = [f"{source:<10} {count} reports" for source, count in outcomes.count().items()]
    for chosen, reports in outcomes.disagreements()[:50]:
        each = "; ".join(
            f"{r.outcome.source} {r.outcome.reporter or '-'}: "
            f"{r.outcome.state or f'{r.outcome.degree:g}'}"
            for r in sorted(reports, key=lambda r: (r.outcome.source, r.outcome.reporter))
        )
        outcome = chosen.outcome
        tie = "not agreed, a tie: it counts as observed" if chosen.tied else ""
        lines.append(
            f"differ     {outcome.day}  {outcome.site} {outcome.phenomenon}: "
            f"{each}; {tie or f'{outcome.source} counts'}"
        )
    return "\n".join(lines), 0
