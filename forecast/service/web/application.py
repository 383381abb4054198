"""The web application: the desk, reports, the push of observations and its health, in one.

Every part is a module with a `blueprint`. What holds for all of them stands here: headers, sizes,
the session, and how an error is shown.
"""

from __future__ import annotations

import importlib
import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from forecast.archive.accounts import SESSION
from forecast.errors import (
    ArchiveError,
    Conflict,
    NotReleased,
    PublishError,
    SkyscapeError,
    SourceError,
)
from forecast.log_context import new_id, set_id
from forecast.service.web import guards, metrics, push
from forecast.service.web.context import KEY, WebContext, account, context
from forecast.service.web.session import LoginLimits
from forecast.service.web.session_key import session_key
from forecast.service.web.throttle import Throttle
from products.pages.templating import TEMPLATES
from products.wording import LANGUAGES, Words

log = logging.getLogger(__name__)

PARTS = (
    "session", "desk", "changes", "truth_desk", "reports", "push", "health", "metrics", "public",
)  # fmt: skip
LANGUAGE = "lang"  # of the query and the cookie
COOKIE = "skyscape_session"
FORM_PARTS, FORM_MEMORY = 200, 500_000  # fields of a form, and their bytes
YEAR = 365 * 86400  # [s]

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "frame-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
}
# error -> status; the first that fits
STATUSES: tuple[tuple[type[SkyscapeError], HTTPStatus], ...] = (
    (Conflict, HTTPStatus.CONFLICT),
    (NotReleased, HTTPStatus.CONFLICT),
    (PublishError, HTTPStatus.SERVICE_UNAVAILABLE),
    (ArchiveError, HTTPStatus.SERVICE_UNAVAILABLE),
    (SourceError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def create_application(
    context: WebContext, key: bytes | None = None, endpoint: push.ObservationEndpoint | None = None
) -> Flask:
    """Return the application. key: signs sessions; None: that of the settings' service. endpoint:
    receives pushed records; without one nobody may push.

    Raises: ConfigError where there is no key.
    """
    settings = context.config.web
    application = Flask(
        "skyscape",
        template_folder=str(TEMPLATES),
        static_folder=str(TEMPLATES / "static"),
        static_url_path="/static",
    )
    application.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True,
                                 "lstrip_blocks": True}  # fmt: skip
    application.config.update(
        SECRET_KEY=session_key(context.config) if key is None else key,
        SESSION_COOKIE_NAME=COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH=urlsplit(settings.base_url).path or "/",
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https:"),
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=SESSION,
        MAX_CONTENT_LENGTH=guards.LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=FORM_MEMORY,
        MAX_FORM_PARTS=FORM_PARTS,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    application.json.ensure_ascii = False  # type: ignore[attr-defined]
    application.extensions[KEY] = context
    application.extensions["login limits"] = LoginLimits()
    application.extensions[guards.RATES] = Throttle(guards.REQUESTS)
    application.extensions[guards.FORGED] = Throttle(guards.NOTED)
    if endpoint is not None:
        application.extensions[push.KEY] = endpoint
    for part in PARTS:
        # imported only now: the parts use what stands here
        application.register_blueprint(importlib.import_module(f"{__package__}.{part}").blueprint)
    application.before_request(lambda: set_id(new_id()))  # the lines of the log by request
    application.teardown_request(lambda _: set_id(""))
    application.before_request(guards.admit)
    metrics.count_answers(application, context)
    application.after_request(_secured)
    application.context_processor(_globals)
    application.register_error_handler(SkyscapeError, _failed)
    application.register_error_handler(HTTPException, _refused)
    if settings.trusted_proxies:
        many = settings.trusted_proxies
        application.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            application.wsgi_app, x_for=many, x_proto=many, x_host=many, x_prefix=many
        )
    return application


def words() -> Words:
    """Return the words of the page's language: the one asked for, else Chinese."""
    if "words" not in g:
        asked = request.args.get(LANGUAGE) or request.cookies.get(LANGUAGE, "")
        language = asked if asked in LANGUAGES else LANGUAGES[0]
        g.words = Words(language, context().config.zone)
    found: Words = g.words
    return found


def _globals() -> dict[str, Any]:
    return {
        "words": words(),
        "csrf": guards.csrf,
        "account": account(),
        "config": context().config,
        "language": words().language,
    }


def _secured(response: Response) -> Response:
    """Add the headers that every answer carries; a view may have set its own before."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    if context().config.web.base_url.startswith("https:"):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
    asked = request.args.get(LANGUAGE)
    if asked in LANGUAGES and asked != request.cookies.get(LANGUAGE):
        response.set_cookie(
            LANGUAGE, asked, max_age=YEAR, path=request.script_root or "/", samesite="Lax",
            secure=context().config.web.base_url.startswith("https:"), httponly=True,
        )  # fmt: skip
    return response


def _failed(error: Exception) -> ResponseReturnValue:
    """Show why something of the service failed."""
    assert isinstance(error, SkyscapeError)
    return message(_status_of(error), fault_text(error))


def fault_text(error: SkyscapeError) -> str:
    """Return why something could not be done, in the words of the page; the log has the error's
    own sentence.
    """
    log.warning("%s: %s", request.path, error)
    if isinstance(error, Conflict | NotReleased) and f"desk.fault.{error.key}" in words():
        return words()(f"desk.fault.{error.key}")
    return words()(f"session.error.{_status_of(error).value}")


def _status_of(error: SkyscapeError) -> HTTPStatus:
    found = (status for kind, status in STATUSES if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def _refused(error: Exception) -> ResponseReturnValue:
    """Show an error of HTTP in the words of the page; the library's own text is never shown."""
    assert isinstance(error, HTTPException)
    if error.response is not None:
        return error.response
    status = HTTPStatus(error.code or 500)
    key = f"session.error.{'csrf' if error.description == 'csrf' else status.value}"
    text = words()(key) if key in words() else words()("session.error.other", status=status.value)
    answer = message(status, text)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Location"):
            answer.headers[name] = value
    return answer


def message(status: HTTPStatus, text: str) -> Response:
    """Return a sentence as a page, or as JSON where that is asked for."""
    if guards.wants_json() or request.path.startswith("/api/"):
        return make_response(jsonify(error=text), status)
    page = render_template("session/message.html", status=status.value, text=text)
    return make_response(page, status)
