"""Whether the service works, for whoever watches it: `/healthz`, and its two halves.

    /healthz         200 where the scheduler lives, no hour is overdue, the issue in force holds and
                     the archive worked at the last attempt and its file is whole
    /healthz/live    200 where the scheduler lives: for what starts a dead service again
    /healthz/ready   200 where an issue is in force and holds: for what sends readers here

Else 503; `degraded` is a fault of the archive alone: issues go on without it. All is read from
small files, so it is known with the archive locked or lost, too.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from forecast.domain import as_utc
from forecast.service.alerting import conditions
from forecast.service.alerting.facts import small_facts
from forecast.service.state import overdue_hour
from forecast.service.web.context import context

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@blueprint.get("/healthz/<any(live, ready):half>")
def health(half: str = "") -> ResponseReturnValue:
    """Return how the service is as JSON, with 503 where it does not work."""
    config, now = context().config, as_utc(context().clock())
    facts = small_facts(config, now)
    state = facts.service
    archive_fault = bool(conditions.archive(facts)) or state.archive_failed_last()
    beat, issue = state.beat, state.issue
    overdue = overdue_hour(state, config, now)
    live, ready = not state.silent(now), not state.expired(now)
    works = live and ready and overdue is None
    whole = {"live": live, "ready": ready}.get(half, works and not archive_fault)
    last = state.journal[0] if state.journal else None
    answer = jsonify(
        status="ok" if whole else "degraded" if works else "failing",
        live=live,
        ready=ready,
        heartbeat=_text(beat.at if beat else None),
        started=_text(beat.started if beat else None),
        version=beat.version if beat else None,
        issue=issue.id if issue else None,
        withdrawn=state.withdrawn,
        valid_until=_text(issue.valid_until if issue else None),
        overdue_hour=_text(overdue),
        archive_fault=archive_fault,
        backup_fault=bool(conditions.backup(facts)),
        last_attempt=_text(last.at if last else None),
        outcome=last.outcome if last else None,
        exit_code=last.exit_code if last else None,
    )
    return answer, HTTPStatus.OK if whole else HTTPStatus.SERVICE_UNAVAILABLE


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
