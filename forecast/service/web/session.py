"""Entering and leaving the desk: `/desk/login`, `/desk/logout`."""

from __future__ import annotations

import hashlib
import secrets
import threading
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer

from forecast.archive.accounts import LOGOUT, Accounts
from forecast.domain import as_utc
from forecast.review import Account
from forecast.service.web.context import account, context
from forecast.service.web.guards import note
from forecast.service.web.throttle import Limit, Throttle, network_of

blueprint = Blueprint("session", __name__)

DEVICE = "skyscape_device"  # cookie of a device on which somebody has entered before
DEVICE_DAYS = 180

# Wrong passwords are counted: strictly by the account, generously by the address, which a whole
# bureau may share. A device on which the account was entered before has a count of its own in place
# of both, so that neither a stranger nor a neighbour can lock its owner out.
# Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies.
# Of all logins: a password costs much time on purpose, and threads are for those who are in.
AT_ONCE, BUSY = 4, 2.0  # [s] to wait for the others
BY_ACCOUNT, BY_DEVICE, BY_ADDRESS = Limit(10, 60.0), Limit(10, 30.0), Limit(60, 3.0)


class LoginLimits:
    """The wrong passwords of each account, device and address."""

    def __init__(self) -> None:
        self.account, self.device = Throttle(BY_ACCOUNT), Throttle(BY_DEVICE)
        self.address = Throttle(BY_ADDRESS)
        self.noted = Throttle(Limit(1, 60.0))  # rows of the audit for who is slowed
        self.at_once = threading.BoundedSemaphore(AT_ONCE)

    def wait(self, name: str, address: str, device: str) -> float:
        """Return for how long [s] to wait before the next try; 0 where it may be now."""
        return max(limit.wait(key) for limit, key in self._of(name, address, device))

    def failed(self, name: str, address: str, device: str) -> None:
        """Count a wrong password."""
        for limit, key in self._of(name, address, device):
            limit.take(key)

    def _of(self, name: str, address: str, device: str) -> tuple[tuple[Throttle, str], ...]:
        if device:
            return ((self.device, device),)
        return (self.address, network_of(address)), (self.account, name.casefold()[:60])


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Lead to the desk."""
    return redirect(url_for("session.login"))


@blueprint.get("/desk/login")
def login() -> ResponseReturnValue:
    """Show the form."""
    if account() is not None:
        return _onward(request.args.get("next", ""))
    return _form("", HTTPStatus.OK)


@blueprint.post("/desk/login")
def enter() -> ResponseReturnValue:
    """Begin a new session for whoever knows an account and its password."""
    name = request.form.get("account", "").strip()[:60]
    password = request.form.get("password", "")[:1000]
    limits: LoginLimits = current_app.extensions["login limits"]
    address, device = request.remote_addr or "", _device_of(name)
    wait = limits.wait(name, address, device)
    if wait > 0:
        if not limits.noted.take(network_of(address)):
            note("login slowed", f"for {wait:.0f} s", name)
        return _slowed(wait)
    if not limits.at_once.acquire(blocking=False):
        return _slowed(BUSY)
    try:
        found = Accounts(context().archive).verified(name, password)
    finally:
        limits.at_once.release()
    if found is None:
        limits.failed(name, address, device)
        note("login failed", "", name)
        return _form("session.wrong", HTTPStatus.UNAUTHORIZED)
    _begin(found)
    note("login", "", found.id)
    response = make_response(_onward(request.form.get("next", "")))
    _remember_device(response, found.id)
    return response


@blueprint.post("/desk/logout")
def leave() -> ResponseReturnValue:
    """End the session, also for whoever has copied its cookie."""
    found = account()
    if found is not None:
        note(LOGOUT, ended_as(str(session.get("id"))), found.id)
    session.clear()
    return redirect(url_for("session.login"), HTTPStatus.SEE_OTHER)


def ended_as(session_id: str) -> str:
    """Return what the audit keeps of a session that was left: nothing from which it can be made."""
    return f"session {hashlib.sha256(session_id.encode()).hexdigest()[:20]}"


def _begin(found: Account) -> None:
    """Begin a session with an id and a token of its own; nothing of the one before stays."""
    session.clear()
    session.permanent = True
    session["id"] = secrets.token_urlsafe(24)
    session["csrf"] = secrets.token_urlsafe(32)
    session["account"] = found.id
    session["of"] = found.valid_from.isoformat() if found.valid_from else ""
    session["began"] = as_utc(context().clock()).timestamp()


def _slowed(wait: float) -> Response:
    seconds = max(1, round(wait))
    response = _form("session.slowed", HTTPStatus.TOO_MANY_REQUESTS, seconds=seconds)
    response.headers["Retry-After"] = str(seconds)
    return response


def _form(key: str, status: HTTPStatus, **blanks: object) -> Response:
    page = render_template(
        "session/login.html",
        key=key,
        blanks=blanks,
        target=_local(request.values.get("next", "")),
        name=request.form.get("account", "")[:60],
    )
    return make_response(page, status)


def _onward(target: str) -> ResponseReturnValue:
    return redirect(request.script_root + _local(target), HTTPStatus.SEE_OTHER)


def _local(target: str) -> str:
    """Return an address of this application below its root; any other becomes the desk."""
    parts = urlsplit(target)
    local = target.startswith("/") and not target.startswith("//") and target != "/"
    plain = target.isprintable() and "\\" not in target
    return target if local and plain and not parts.scheme and not parts.netloc else "/desk/"


def _devices() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="device")


def _device_of(name: str) -> str:
    """Return the id of this device where the account was entered on it before; else ""."""
    try:
        found = _devices().loads(request.cookies.get(DEVICE, ""))
    except BadSignature:
        return ""
    known = isinstance(found, list) and len(found) == 2 and found[0] == name
    return str(found[1]) if known else ""


def _remember_device(response: Response, name: str) -> None:
    response.set_cookie(
        DEVICE,
        str(_devices().dumps([name, secrets.token_urlsafe(12)])),
        max_age=DEVICE_DAYS * 86400,
        path=f"{request.script_root}/desk/login",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )
