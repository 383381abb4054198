"""What `skyscape status` says: what is in force, what was issued last and failed, what the stations send, what has moved of late."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from forecast import drifting
from forecast.archive import Archive
from forecast.archive_observations import Observations
from forecast.config import Config
from models.prediction import open_models
from products.publish import Publisher


def found(config: Config, now: datetime) -> dict[str, Any]:
    """Return what is known at `now`, as JSON holds it. Raises: ArchiveError."""
    archive, publisher = Archive(config.archive.url), Publisher(config)
    current, issues, attempts = publisher.current(), archive.issues(10), archive.attempts(10)
    in_force = next((issue for issue in issues if issue.id == current), None)
    return {
        "in_force": current or None,
        "whole": publisher.holds(current) if current else False,
        "stale": in_force is None or in_force.valid_until <= now,
        "issues": [
            {"id": i.id, "number": i.number, "issued": i.issued.isoformat(), "valid_until": i.valid_until.isoformat(),
             "channels": {r.channel: r.outcome for r in archive.receipts(i)}} for i in issues
        ],
        "models_refused": open_models(config.learning.folder).refused,
        "attempts": [{"at": a.at.isoformat(), "exit_code": a.exit_code, "detail": a.detail} for a in attempts],
        "observations": _observed(config, archive, now),
        "moved": drifting.lines(config.learning.folder),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return it as text."""
    current = found["in_force"]
    state = "none" if not current else f"{current} ({'stale' if found['stale'] else 'fresh'}{'' if found['whole'] else ', damaged'})"
    told = [f"in force   {state}", *(f"model      refused: {reason}" for reason in found["models_refused"])]
    for issue in found["issues"]:
        channels = ", ".join(f"{channel} {outcome}" for channel, outcome in issue["channels"].items())
        told.append(f"issued     {issue['issued']}  {issue['id']}  no. {issue['number']}  {channels}")
    told += [f"attempt    {made['at']}  exit {made['exit_code']}  {made['detail']}" for made in found["attempts"]]
    told += [f"moved      {line}" for line in found["moved"]]
    return [*told, *_told_of_observations(found["observations"])]


def _observed(config: Config, archive: Any, now: datetime) -> dict[str, Any]:
    """Return what is known of each station, which files were read last, and why lines were set aside, each reason once."""
    kept, settings = Observations(archive), config.observations
    heard = kept.heard([station.id for station in settings.stations], now - timedelta(days=1))
    old = timedelta(minutes=settings.old_minutes)
    stations: list[dict[str, Any]] = []
    for station in settings.stations:
        of = heard.get(station.id)
        silent = of is None or now - of.last > old
        stations.append({"id": station.id, "name": station.name.en or station.name.zh, "last": of.last.isoformat() if of else None,
                         "records_in_24_h": of.records if of else 0, "silent": silent})  # fmt: skip
    return {
        "stations": stations,
        "files": [
            {"at": r.at.isoformat(timespec="seconds"), "name": r.name, "form": r.form, "kept": r.kept, "refused": r.refused}
            for r in kept.readings(5)
        ],
        "set_aside": [
            {"last": c.last.isoformat(timespec="seconds"), "times": c.times, "file": c.where.where, "line": c.where.line,
             "reason": c.reason}
            for c in kept.complaints(10)
        ],
    }


def _told_of_observations(found: dict[str, Any]) -> list[str]:
    """Return the lines of `status` on observations."""
    lines = []
    for station in found["stations"]:
        last = "no data ever" if station["last"] is None else f"{'no data since' if station['silent'] else 'last'} {station['last']}"
        lines.append(f"station    {station['id']}  {station['name']}  {last}  {station['records_in_24_h']} records in 24 h")
    lines += [f"read       {r['at']}  {r['name']}  {r['form']}  {r['kept']} kept, {r['refused']} refused" for r in found["files"]]
    for fault in found["set_aside"]:
        place = f"{fault['file']} line {fault['line']}" if fault["line"] else fault["file"]
        times = f" ({fault['times']} times)" if fault["times"] > 1 else ""
        lines.append(f"set aside  {fault['last']}  {place}  {fault['reason']}{times}")
    return lines
