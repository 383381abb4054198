"""What `skyscape status` shows of the service: whether it lives, alerts, backups, and why the issue
in force is no fresh one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from forecast.config import Config
from forecast.service.alerting.conditions import Assessment
from forecast.service.alerting.ledger import read_ledger, recipients_of
from forecast.service.backup_record import newest, read_record
from forecast.service.state import ServiceState


def why_stale(
    config: Config, state: ServiceState, issues: list[dict[str, Any]] | None, now: datetime
) -> list[str]:
    """Return why the issue in force is no fresh one. issues: of the archive; None: not known."""
    issue = state.issue
    if issue is None:
        return ["no issue is in force"]
    why = []
    if issue.expired(now):
        why.append(f"expired at {issue.valid_until.astimezone(config.zone).isoformat()}")
    if issues is not None and not any(each["id"] == issue.id for each in issues):
        later = next(
            (i["id"] for i in issues if datetime.fromisoformat(i["issued"]) > issue.issued), None
        )
        text = f"the archive knows a later one, {later}" if later else "the archive has none such"
        why.append(text)
    return why


def problems(config: Config, state: ServiceState, now: datetime) -> list[str]:
    """Return why the service fails, in words: as `check --alive`, once it was started.

    Also that its process has ended, however short ago.
    """
    if state.beat is None:
        return []
    from forecast.commands import alive

    named = [each.detail for each in alive.findings(config, now) if each.grade == "fault"]
    if state.beat.ended() and not state.silent(now):
        named.append(f"the service has ended: process {state.beat.process} is gone")
    return named


def service(state: ServiceState, now: datetime) -> dict[str, Any]:
    """Return how the scheduler lives: its last heartbeat, its process and its version."""
    beat = state.beat
    ended = beat is not None and beat.ended()
    return {
        "alive": not state.silent(now) and not ended,
        "ended": ended,
        "at": beat.at.isoformat() if beat else None,
        "started": beat.started.isoformat() if beat else None,
        "process": beat.process if beat else None,
        "version": beat.version if beat else None,
    }


def alerts(config: Config, assessment: Assessment) -> list[dict[str, Any]]:
    """Return the open alerts, with who was sent each; ending: what it says is over by now."""
    ledger = read_ledger(config.private_folder)
    true_now = {condition.key for condition in assessment.conditions}
    return [
        {
            "key": alert.key,
            "level": alert.level,
            "since": alert.since.isoformat(),
            "text": alert.texts,
            "gone": alert.gone.isoformat() if alert.gone else None,
            "ending": alert.gone is not None
            or (alert.kind in assessment.known and alert.key not in true_now),
            "sent_to": sorted(recipients_of(alert)),
        }
        for alert in (ledger.alerts.values() if ledger else ())
        if alert.reported is not None and alert.resolved is None
    ]


def backup(config: Config, now: datetime) -> dict[str, Any]:
    """Return when the newest whole backup was made, and whether that of the day is missing."""
    folder, record = config.backup.folder, read_record(config)
    made = record.made if record else newest(folder) if folder else None
    failed = record.failed if record else None
    return {
        "folder": str(folder.absolute()) if folder else None,
        "made": made.isoformat() if made else None,
        "missing": record is not None and record.missing_since(now) is not None,
        "failed": failed.isoformat() if failed else None,
        "reason": record.reason if record else "",
    }


def _backup_line(found: dict[str, Any]) -> str:
    if not found["folder"]:
        return "backup     none is made: backup.folder is not set"
    last = f"last good one {found['made']}" if found["made"] else "no good one yet"
    state = " (that of the day is missing)" if found["missing"] else ""
    failed = f"; failed {found['failed']}: {found['reason']}" if found["failed"] else ""
    return f"backup     {last}{state}, in {found['folder']}{failed}"


def _ending(alert: dict[str, Any]) -> str:
    """Return what says that an alert is no longer true and waits for its end; "" where it is."""
    if not alert["ending"]:
        return ""
    since = f" since {alert['gone']}" if alert["gone"] else " now"
    return f"ending, not true{since}; it said: "


def lines(found: dict[str, Any]) -> list[str]:
    """Return the lines on the scheduler, on open alerts and on backups."""
    service = found["service"]
    if service["at"] is None:
        first = "service    no heartbeat: `run` was never started, or not with these settings"
    else:
        silent = f"silent since {service['at']}"
        state = "alive" if service["alive"] else "ended" if service["ended"] else silent
        first = (
            f"service    {state}  process {service['process']}, version {service['version']}, "
            f"started {service['started']}"
        )
    return [first, *(
        f"alert      {alert['since']}  {alert['key']}  {alert['level']}  {_ending(alert)}"
        f"{alert['text'].get('en')}"
        for alert in found["alerts"]
    ), _backup_line(found["backup"])]  # fmt: skip
