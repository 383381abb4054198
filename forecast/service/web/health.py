"""Whether the service works, for whoever watches it: `/health`."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from forecast.domain import as_utc
from forecast.errors import ArchiveError
from forecast.service.web.context import context

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """Return 200 where the archive answers, else 503; whether an issue is in force; how the last
    attempt to issue ended (6: not released, or in part). `skyscape status` says why.
    """
    now = as_utc(context().clock())
    try:
        issues, attempts = context().archive.issues(1), context().archive.attempts(1)
    except ArchiveError:
        return jsonify(status="failing", archive=False), HTTPStatus.SERVICE_UNAVAILABLE
    fresh = bool(issues) and issues[0].valid_until > now
    return jsonify(
        status="ok" if fresh else "stale",
        archive=True,
        issue=issues[0].id if issues else None,
        valid_until=issues[0].valid_until.isoformat() if issues else None,
        last_attempt=attempts[0].at.isoformat() if attempts else None,
        exit_code=attempts[0].exit_code if attempts else None,
    )
