"""What stands before a view: who may enter, from where a change may come, how much may be sent."""

from __future__ import annotations

import functools
import hmac
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask import abort, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from forecast.archive.accounts import LOGOUT, SESSION, Accounts, Audit
from forecast.domain import as_utc
from forecast.errors import ArchiveError
from forecast.review import Account
from forecast.service.web.context import account, context
from forecast.service.web.throttle import Limit, Throttle, network_of

View = TypeVar("View", bound=Callable[..., Any])

SAFE = ("GET", "HEAD", "OPTIONS")
CSRF_FIELD, CSRF_HEADER = "csrf", "X-CSRF-Token"
FORGED = "forged"  # of app.extensions: a Throttle of rows of the audit by address
NOTED = Limit(1, 60.0)  # changes without their token that the audit keeps
RATES = "rates"  # of app.extensions: a Throttle of requests by address
REQUESTS = Limit(600, 0.05)  # at once, then twenty a second
CLOCK_BACK = 3600  # [s] by which a clock may be set back before it ends sessions
LARGEST_BODY = 262_144  # [byte] of a request, where its view says nothing else


def needs(permission: str) -> Callable[[View], View]:
    """Let only accounts into a view whose role has a permission of review.PERMISSIONS.

    Without an account a page leads to the login and anything else gets 401; with one whose role
    lacks the permission the answer is 403, and the audit keeps it.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(*arguments: Any, **named: Any) -> ResponseReturnValue:
            found = account()
            if found is None:
                if request.method in SAFE and not wants_json():
                    return redirect(url_for("session.login", next=request.full_path.rstrip("?")))
                abort(HTTPStatus.UNAUTHORIZED)
            if not found.may(permission):
                note("refused", f"{permission} is needed for {request.path}")
                abort(HTTPStatus.FORBIDDEN)
            result: ResponseReturnValue = view(*arguments, **named)
            return result

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def without_csrf(view: View) -> View:
    """Let a view be changed without a token: its callers are known by something else than a cookie.

    Only for views that carry their own proof, such as a signed link or a token in a header.
    """
    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def body_limit(size: int) -> Callable[[View], View]:
    """Set how large [byte] a body of a view may be."""

    def decorate(view: View) -> View:
        view.largest_body = size  # type: ignore[attr-defined]
        return view

    return decorate


def wants_json() -> bool:
    """Return whether the sender asks for JSON rather than for a page."""
    found = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return found == "application/json"


def csrf() -> str:
    """Return the token that every change from this session must carry."""
    token = session.get("csrf")
    if not isinstance(token, str):
        token = session["csrf"] = secrets.token_urlsafe(32)
    return token


def note(what: str, detail: str = "", person: str = "") -> None:
    """Keep something of matter for security; where the archive fails, the log has it."""
    found = account()
    who = person or (found.id if found else "")
    where = request.remote_addr or ""
    try:
        Audit(context().archive).note(what, who, where, detail, context().clock())
    except ArchiveError as error:
        current_app.logger.error("%s of %r from %s is not kept: %s", what, who, where, error)


def admit() -> None:
    """Before each request: bound its body and rate, load who sends it, refuse a forged change."""
    view = current_app.view_functions.get(request.endpoint or "")
    request.max_content_length = getattr(view, "largest_body", LARGEST_BODY)
    if request.endpoint == "static":
        return
    rates: Throttle = current_app.extensions[RATES]
    own = request.endpoint == "push.receive"  # its senders have limits of their own
    if not own and rates.take(network_of(request.remote_addr or "")) > 0:
        abort(HTTPStatus.TOO_MANY_REQUESTS)
    g.account = _account_of_session()
    if request.method in SAFE or view is None or getattr(view, "csrf_exempt", False):
        return
    given = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    expected = session.get("csrf")
    if not isinstance(expected, str) or not hmac.compare_digest(
        given.encode("utf-8", "replace"), expected.encode()
    ):
        if not current_app.extensions[FORGED].take(network_of(request.remote_addr or "")):
            note("forged", f"a change without its token: {request.path}")
        abort(HTTPStatus.BAD_REQUEST, "csrf")


def _account_of_session() -> Account | None:
    """Return the account of the session; None where it has ended or never was.

    A session holds `valid_from` of its account: a new password or a disabled account ends it,
    whatever the clocks say. A logout is kept in the audit for as long as the session could live.
    """
    from forecast.service.web.session import ended_as

    found = {name: session.get(name) for name in ("account", "id", "of")}
    began = session.get("began")
    if not all(isinstance(each, str) for each in found.values()) or not isinstance(began, float):
        return None
    now = as_utc(context().clock())
    if not -CLOCK_BACK <= now.timestamp() - began < SESSION.total_seconds():
        return None
    kept = Accounts(context().archive).get(str(found["account"]))
    if kept is None or kept.disabled or kept.valid_from is None:
        return None
    if kept.valid_from.isoformat() != found["of"]:
        return None
    if Audit(context().archive).holds(LOGOUT, ended_as(str(found["id"])), now - SESSION):
        return None
    return kept
