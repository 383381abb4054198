"""What `skyscape status` shows: what is in force, what was issued last and what failed, what the
stations send, what has moved of late. What needs no archive is shown without one, too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from forecast.archive.drafts import Drafts
from forecast.archive.intake_report import IntakeCounts, IntakeReason
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations, StationActivity
from forecast.archive.rebuilding import older_copy
from forecast.commands import delivery_status, service_status
from forecast.commands import world as setup
from forecast.config import Config, masked
from forecast.errors import ArchiveError, command_message
from forecast.learning import monitor
from forecast.observations.doubts import recent_doubts
from forecast.observations.formats.collector import sanitised
from forecast.service.alerting.conditions import assess
from forecast.service.alerting.facts import small_facts
from forecast.service.alerting.notices import texts_of
from forecast.service.journal import SERVICE, Journal, JournalEntry
from forecast.service.state import read_service_state
from forecast.settings import StationSettings
from models.refusals import refused_models
from products.publish import Publisher

DAY = timedelta(days=1)
# keys of the document
TIMES = (
    "issued", "valid_until", "at", "time", "last", "hour", "expires", "started", "since", "gone",
    "made", "failed",
)  # fmt: skip
STALE, EMPTY = 8, 9  # exit codes: the issue in force has expired; none is in force
WIDTH = 11  # [character] of the first word of a line
LAST = 10  # entries of the journal, issues and attempts
OF_ARCHIVE = ("issues", "drafts", "attempts", "delivery", "observations")
# files and senders that the text names, those with refused lines first; the JSON names all
MOST_LINES = 50


def found(config: Config, now: datetime, everything: bool = False) -> dict[str, Any]:
    """Return what is known at `now`, as JSON holds it; of files and senders the last day, or
    everything kept.

    What stands in the archive (OF_ARCHIVE) is None where that cannot be read: archive_fault says
    why.
    """
    publisher, state = Publisher(config), read_service_state(config)
    current, fault = publisher.current(), ""
    kept: dict[str, Any] = dict.fromkeys(OF_ARCHIVE)
    try:
        kept = _kept(config, now, everything)
    except ArchiveError as error:
        fault = command_message(error)
    assessment = assess(small_facts(config, now))
    why = service_status.why_stale(config, state, kept["issues"], now)
    older = kept.pop("older", "")
    known = {
        "zone": config.service.timezone,
        "archive": masked(config.archive.url),
        "output": str(config.output.folder.absolute()),
        "in_force": current or None,
        "withdrawn": publisher.is_withdrawn(),
        "whole": publisher.holds(current) if current else False,
        "stale": bool(why),
        "stale_because": why,
        "behind": next(
            (texts_of(c, config)["en"] for c in assessment.conditions if c.kind == "no_new_run"),
            None,
        ),
        "service": service_status.service(state, now),
        "problems": [*([older] if older else []), *service_status.problems(config, state, now)],
        "alerts": service_status.alerts(config, assessment),
        "backup": service_status.backup(config, now),
        "review": config.issue.review,
        "models_refused": refused_models(config.learning.folder),
        "journal_fault": Journal(config.private_folder).fault() or None,
        "journal": [_entry(entry) for entry in state.journal[:LAST]],
        "moved": monitor.lines(config.learning.folder),
        "archive_fault": fault or None,
        **kept,
    }
    return {key: _in_zone(value, config.zone) for key, value in known.items()}


def _kept(config: Config, now: datetime, everything: bool) -> dict[str, Any]:
    """Return what stands in the archive, by OF_ARCHIVE, and as `older` the fault of a copy.

    Raises: ArchiveError.
    """
    archive = setup.open_archive(config)
    return {
        "older": older_copy(archive, Publisher(config).current()),
        "issues": [
            {
                "id": i.id,
                "number": i.number,
                "issued": i.issued.isoformat(),
                "valid_until": i.valid_until.isoformat(),
                "channels": {r.channel: r.outcome for r in archive.receipts(i)},
            }
            for i in archive.issues(LAST)
        ],
        "drafts": _drafts(archive, now),
        "attempts": [
            {"at": a.at.isoformat(), "exit_code": a.exit_code, "detail": a.detail}
            for a in archive.attempts(LAST)
        ],
        "delivery": delivery_status.found(archive, now),
        "observations": _observed(config, archive, now, everything),
    }


def exit_code(found: dict[str, Any]) -> int:
    """Return 0 where readers see a forecast that holds and the service does its work.

    That of the archive where it cannot be read, STALE where the service or the forecast fails,
    EMPTY where nothing is in force.
    """
    if found.get("archive_fault"):
        return ArchiveError.exit_code
    if not found["in_force"]:
        return EMPTY
    return STALE if found["stale"] or found["problems"] else 0


def _entry(entry: JournalEntry) -> dict[str, Any]:
    """Return an entry of the journal as JSON holds it."""
    return {
        "at": entry.at.isoformat(), "hour": entry.hour.isoformat(), "attempt": entry.attempt,
        "outcome": entry.outcome, "issue": entry.issue, "exit_code": entry.exit_code,
        "detail": entry.detail, "by": entry.by,
    }  # fmt: skip


def _drafts(archive: Archive, now: datetime) -> list[dict[str, Any]]:
    """Return the open drafts, each with its state and who signed it."""
    drafts = Drafts(archive)
    found = []
    for draft in drafts.open_ones(now):
        signature = drafts.signature(draft.id)
        found.append({
            "id": draft.id, "state": draft.state, "version": draft.version,
            "edits": len(drafts.edits(draft.id)), "hour": draft.hour.isoformat(),
            "expires": draft.expires.isoformat(), "corrects": draft.corrects or None,
            "signed_by": signature.get("name") or None,
        })  # fmt: skip
    return found


def _in_zone(value: Any, zone: ZoneInfo) -> Any:
    """Return a part of the document with its times (TIMES) in local time, with the offset."""
    if isinstance(value, dict):
        return {
            key: datetime.fromisoformat(each).astimezone(zone).isoformat(timespec="seconds")
            if key in TIMES and isinstance(each, str)
            else _in_zone(each, zone)
            for key, each in value.items()
        }
    return [_in_zone(each, zone) for each in value] if isinstance(value, list) else value


def lines(found: dict[str, Any], everything: bool = False) -> list[str]:
    """Return it as text; with `everything` each file, and every reason of each."""
    current = found["in_force"]
    age = "withdrawn" if found["withdrawn"] else "stale" if found["stale"] else "fresh"
    if age == "stale":
        age = f"stale: {'; '.join(found['stale_because'])}"
    elif found["behind"]:
        age = f"{age}; {found['behind']}"
    state = f"{current} ({age}{'' if found['whole'] else ', damaged'})" if current else "none"
    lines_out = [
        f"times      in {found['zone']}, with the offset from UTC",
        f"archive    {found['archive']}",
        f"output     {found['output']}",
        f"in force   {state}",
        *service_status.lines(found),
        *(f"problem    {problem}" for problem in found["problems"]),
        *(f"model      refused: {reason}" for reason in found["models_refused"]),
    ]
    if found["archive_fault"] is None:
        lines_out += _lines_of_archive(found)
    if found["journal_fault"]:
        lines_out.append(f"journal    {found['journal_fault']}")
    lines_out += [
        f"journal    {made['at']}  {made['outcome']}  hour {made['hour']}  "
        f"exit {made['exit_code']}  {made['attempt']}  {_by(made)}{made['detail']}"
        for made in found["journal"]
    ]
    moved = [f"moved      {line}" for line in found["moved"]]
    if found["archive_fault"] is not None:
        return [
            *lines_out, *moved, f"fault      {found['archive_fault']}",
            "unknown    what stands in the archive: issues and their channels, drafts, messages, "
            "reports of stations",
        ]  # fmt: skip
    lines_out += delivery_status.lines(found["delivery"])
    return [*lines_out, *moved, *_observation_lines(found["observations"], everything)]


def _by(made: dict[str, Any]) -> str:
    """Return what names the command that made an attempt; "" for the service."""
    return "" if made["by"] == SERVICE else f"by {made['by']}: "


def _lines_of_archive(found: dict[str, Any]) -> list[str]:
    """Return the lines on issues, drafts and attempts."""
    lines_out = []
    for issue in found["issues"]:
        channels = ", ".join(
            f"{channel} {outcome}" for channel, outcome in issue["channels"].items()
        )
        lines_out.append(
            f"issued     {issue['issued']}  {issue['id']}  no. {issue['number']}  {channels}"
        )
    lines_out += [_draft_line(draft) for draft in found["drafts"]]
    if not found["drafts"] and found["review"] != "off":
        lines_out.append(f"draft      none now; issues are reviewed: {found['review']}")
    lines_out += [
        f"attempt    {made['at']}  exit {made['exit_code']}  {made['detail']}"
        for made in found["attempts"]
    ]
    return lines_out


def _draft_line(draft: dict[str, Any]) -> str:
    signed = f"signed by {draft['signed_by']}" if draft["signed_by"] else "signed by nobody"
    corrects = f"  corrects {draft['corrects']}" if draft["corrects"] else ""
    return (
        f"draft      {draft['id']}  {draft['state']}, {signed}, {draft['edits']} changes  goes out "
        f"at {draft['hour']}{corrects}"
    )


def _observed(config: Config, archive: Archive, now: datetime, everything: bool) -> dict[str, Any]:
    """Return what is known of each station, what came of each file and sender, and why lines were
    set aside, each reason once a file.
    """
    settings, counts = config.observations, IntakeCounts(archive)
    last_report = Observations(archive).last_reports(
        [station.id for station in settings.stations], now - DAY
    )
    flagged: dict[str, dict[str, dict[str, int]]] = {}
    for of in counts.flagged(now - DAY):
        flagged.setdefault(of.station, {})[of.element] = {
            "values": of.values,
            "inconsistent": of.inconsistent,
            "doubtful": of.doubtful,
            "wrong": of.wrong,
        }
    since = None if everything else now - DAY
    reasons = counts.reasons(since)
    return {
        "stations": [_station(station, last_report.get(station.id), now,
                              settings.old_minutes) for station in settings.stations],
        "flagged_in_24_h": flagged,
        "doubts": [
            {"station": d.station, "time": d.time.isoformat(timespec="minutes"),
             "element": d.element, "reason": d.reason}
            for d in recent_doubts(archive, [s.as_station() for s in settings.stations], now)
        ],
        "files": _files(counts, since, reasons),
        "set_aside": [
            {"last": r.last.isoformat(timespec="seconds"), "times": r.times, "file": r.first.where,
             "line": r.first.line,
             "reason": r.first.reason}
            for r in reasons
        ],
    }  # fmt: skip


def _station(
    station: StationSettings, last_report: StationActivity | None, now: datetime, old_minutes: float
) -> dict[str, Any]:
    silent = last_report is None or now - last_report.last > timedelta(minutes=old_minutes)
    return {
        "id": station.id,
        "name": station.name.en or station.name.zh,
        "last": last_report.last.isoformat() if last_report else None,
        "records_in_24_h": last_report.records if last_report else 0,
        "silent": silent,
    }


def _files(
    counts: IntakeCounts, since: datetime | None, reasons: tuple[IntakeReason, ...]
) -> list[dict[str, Any]]:
    """Return each file and sender with its counts and the first reason for which something of it
    was refused.
    """
    first: dict[str, IntakeReason] = {}
    for reason in reasons:
        first.setdefault(reason.first.where, reason)
    files = []
    for source in counts.sources(since):
        why = first.get(sanitised(source.name.rpartition("/")[2], 120)) or first.get(source.name)
        files.append({
            "at": source.last.isoformat(timespec="seconds"), "name": source.name,
            "form": source.form, "times": source.times,
            "kept": source.kept, "refused": source.refused,
            "reason": why.first.reason if why and source.refused else "",
            "line": why.first.line if why and source.refused else 0,
        })  # fmt: skip
    return files


def _observation_lines(found: dict[str, Any], everything: bool) -> list[str]:
    """Return the lines of `status` on observations."""
    lines = []
    for station in found["stations"]:
        last = (
            "no data ever"
            if station["last"] is None
            else f"{'no data since' if station['silent'] else 'last'} {station['last']}"
        )
        lines.append(
            f"station    {station['id']}  {station['name']}  {last}  {station['records_in_24_h']} "
            "records in 24 h"
        )
    for station, elements in found["flagged_in_24_h"].items():
        for element, counts in elements.items():
            flags = ", ".join(
                f"{counts[flag]} {flag}"
                for flag in ("wrong", "doubtful", "inconsistent")
                if counts[flag]
            )
            lines.append(f"flagged    {station}  {element}  {flags} of {counts['values']} in 24 h")
    lines += [
        f"doubtful   {' '.join(filter(None, (doubt['station'], doubt['time'])))}  {doubt['reason']}"
        for doubt in found["doubts"]
    ]
    files = found["files"] if everything else found["files"][:MOST_LINES]
    for file in files:
        often = f" in {file['times']} readings" if file["times"] > 1 else ""
        place = f"line {file['line']}: " if file["line"] else ""
        why = f"  {place}{file['reason']}" if file["reason"] else ""
        lines.append(
            f"read       {file['at']}  {file['name']}  {file['form']}  {file['kept']} kept, "
            f"{file['refused']} refused{often}{why}"
        )
    if left := found["files"][len(files) :]:
        bad = sum(file["refused"] > 0 for file in left)
        lines.append(
            f"read       {len(left)} further files in 24 h, {bad} of them with refused lines: "
            "status --all names them"
        )
    for fault in found["set_aside"] if everything else ():
        place = f"{fault['file']} line {fault['line']}" if fault["line"] else fault["file"]
        times = f" ({fault['times']} times)" if fault["times"] > 1 else ""
        lines.append(f"set aside  {fault['last']}  {place}  {fault['reason']}{times}")
    return lines
