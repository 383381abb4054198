"""The HTTP interface through which stations push records: one address, a token for each sender.

    POST /api/v1/observations
    Authorization: Bearer <token>
    Content-Type: application/json | text/csv       (Content-Encoding: gzip, if compressed)

The answer is 200 only when the records are in the archive. The same body sent twice changes nothing
and gets the same answer, so a station that received none sends again. Requests without a valid
token are refused by their headers, before their body is read. Size, rate and time are limited.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from forecast.domain import Fault
from forecast.errors import ArchiveError
from forecast.observations.formats import Limits, ParseContext, Parsed, csv_records
from forecast.observations.formats.collector import CLOCK_TOLERANCE
from forecast.observations.formats.push_records import parse_push
from forecast.settings import PushSettings

log = logging.getLogger(__name__)

ADDRESS = "/api/v1/observations"
FAULTS_SHOWN = 20  # refused records that an answer lists
FORMS: Mapping[str, Callable[[bytes, str, ParseContext], Parsed]] = {
    "application/json": lambda body, name, context: parse_push(body, context, name),
    "text/csv": csv_records.parse,
}

# Archives the records of a body; False where its digest was archived before (Intake.receive).
# Raises: ArchiveError.
KeepPush = Callable[[str, str, Parsed, datetime], bool]
Start = Callable[[str, list[tuple[str, str]]], object]


class RequestRefused(Exception):
    """A request is refused; the message says why and repeats no part of the request."""

    def __init__(self, status: HTTPStatus, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = [(name.replace("_", "-"), value) for name, value in headers.items()]

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status, headers and body, as waitress expects of an error."""
        body = _body({"error": str(self)})
        return (
            _status(self.status),
            [("Content-Type", "application/json; charset=utf-8"), *self.headers],
            body,
        )


class ObservationEndpoint:
    """The WSGI application.

    context: how records are parsed, without `received`. One body is parsed and archived at a time:
    memory holds one, and the archive has one writer.
    """

    def __init__(
        self,
        settings: PushSettings,
        tokens: Mapping[str, str],
        context: ParseContext,
        keep: KeepPush,
        clock: Callable[[], datetime],
    ) -> None:
        self.maximum = int(settings.maximum_mb * 1_000_000)
        self._archive_push, self._clock = keep, clock
        limits = Limits(size=self.maximum, json=self.maximum)
        self._contexts = {
            sender: _context_of(sender, settings, replace(context, limits=limits))
            for sender in tokens
        }
        self._digests = {
            sender: hashlib.sha256(token.encode()).digest() for sender, token in tokens.items()
        }
        self._allowances = {sender: _Allowance(settings.requests_per_minute) for sender in tokens}
        self._salt = hashlib.sha256(repr(sorted(context.stations.items())).encode()).digest()
        self._one_at_a_time = threading.Lock()
        if not tokens:
            log.error(
                "push: no sender has a token, all requests are refused; "
                "set SKYSCAPE_PUSH_TOKENS=sender:token,sender:token"
            )

    def __call__(self, environ: Mapping[str, Any], start_response: Start) -> Iterable[bytes]:
        try:
            sender = self.admit(
                environ["REQUEST_METHOD"],
                environ.get("PATH_INFO", ""),
                environ.get("HTTP_AUTHORIZATION", ""),
            )
            content = self._response(sender, environ)
        except RequestRefused as refused:
            status, headers, body = refused.to_response()
        else:
            refused_all = not content["kept"] and content["refused"]
            status = _status(HTTPStatus.UNPROCESSABLE_ENTITY if refused_all else HTTPStatus.OK)
            headers, body = [("Content-Type", "application/json; charset=utf-8")], _body(content)
        start_response(
            status, [*headers, ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
        )
        return [body]

    def admit(self, method: str, path: str, authorization: str) -> str:
        """Return the sender's name, from the headers alone. Raises: RequestRefused."""
        if path != ADDRESS:
            raise RequestRefused(
                HTTPStatus.NOT_FOUND, f"nothing is here; records go to POST {ADDRESS}"
            )
        if method != "POST":
            raise RequestRefused(
                HTTPStatus.METHOD_NOT_ALLOWED, f"only POST is served at {ADDRESS}", Allow="POST"
            )
        if not self._digests:
            raise RequestRefused(
                HTTPStatus.FORBIDDEN,
                "no sender has a token here yet: the operator sets SKYSCAPE_PUSH_TOKENS and "
                "restarts the service",
            )
        kind, _, token = authorization.partition(" ")
        given = hashlib.sha256(token.strip().encode("utf-8", "replace")).digest()
        found = [
            sender for sender, digest in self._digests.items() if hmac.compare_digest(digest, given)
        ]
        if kind.lower() != "bearer" or not found:
            raise RequestRefused(
                HTTPStatus.UNAUTHORIZED,
                "send the header Authorization: Bearer <token>, with the token you were given",
                WWW_Authenticate="Bearer",
            )
        return found[0]

    def _response(self, sender: str, environ: Mapping[str, Any]) -> dict[str, Any]:
        """Read and archive a body; return the content of the answer. Raises: RequestRefused."""
        wait = self._allowances[sender].take(time.monotonic())
        if wait > 0:
            raise RequestRefused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"too many requests: send again in {wait:.0f} s, many records in one body",
                Retry_After=f"{wait:.0f}",
            )
        form = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        if form not in FORMS:
            raise RequestRefused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"send the header Content-Type: {' or '.join(FORMS)}",
            )
        encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise RequestRefused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "send the body plain, or with the header Content-Encoding: gzip",
            )
        body = environ["wsgi.input"].read(self.maximum + 1)
        with self._one_at_a_time:
            if encoding == "gzip":
                body = decompressed(body, self.maximum)
            if len(body) > self.maximum:
                raise too_large(self.maximum)
            return self._kept(sender, form, body)

    def _kept(self, sender: str, form: str, body: bytes) -> dict[str, Any]:
        now = self._clock()
        context = self._contexts[sender]
        name = f"push {sender}"
        parsed = _in_time(FORMS[form](body, name, replace(context, received=now)), now)
        # The stations' settings are part of the digest: what was refused may be sent again after
        # they change.
        digest = hashlib.sha256(
            b"\0".join((self._salt, sender.encode(), form.encode(), body))
        ).hexdigest()
        try:
            new = self._archive_push(digest, name, parsed, now)
        except ArchiveError as error:
            log.error("%s: %s", name, error)
            advice = "the archive is unavailable: nothing was kept, send again"
            raise RequestRefused(
                HTTPStatus.SERVICE_UNAVAILABLE, advice, Retry_After="30"
            ) from error
        log.info(
            "%s: %d kept, %d refused%s",
            name,
            len(parsed.observations),
            len(parsed.faults) + parsed.more_faults,
            "" if new else ", again",
        )
        refused = [
            {"line": fault.line, "reason": fault.reason} for fault in parsed.faults[:FAULTS_SHOWN]
        ]
        more = len(parsed.faults) - len(refused) + parsed.more_faults
        return {
            "kept": len(parsed.observations),
            "repeated": not new,
            "refused": refused,
            "refused_more": more,
        }


def _in_time(parsed: Parsed, now: datetime) -> Parsed:
    """Return the records without those from the future, which become faults with advice.

    What the answer counts as kept must not be dropped later.
    """
    ahead = [
        observation
        for observation in parsed.observations
        if observation.time > now + CLOCK_TOLERANCE
    ]
    if not ahead:
        return parsed
    reason = (
        "{station} reports a time {minutes:.0f} min in the future: "
        "set its clock, or clock_offset_seconds of the station"
    )
    where = parsed.faults[0].where if parsed.faults else "push"
    faults = [
        Fault(
            where, 0, reason.format(station=o.station, minutes=(o.time - now).total_seconds() / 60)
        )
        for o in ahead[:FAULTS_SHOWN]
    ]
    good = [
        observation
        for observation in parsed.observations
        if observation.time <= now + CLOCK_TOLERANCE
    ]
    return replace(
        parsed,
        observations=good,
        faults=[*parsed.faults, *faults],
        more_faults=parsed.more_faults + len(ahead) - len(faults),
    )


def decompressed(body: bytes, maximum: int) -> bytes:
    """Return the content of gzip, at most `maximum` [byte]. Raises: RequestRefused."""
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(body, maximum + 1)
    except zlib.error:
        raise RequestRefused(
            HTTPStatus.UNPROCESSABLE_ENTITY, "the body is not valid gzip: send it again, or plain"
        ) from None
    if len(content) > maximum:
        raise too_large(maximum)
    if not stream.eof or stream.unused_data:
        raise RequestRefused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "the body is not one whole gzip stream: send it again, or plain",
        )
    return content


class _Allowance:
    """A limit of requests per minute, all of which may come at once."""

    def __init__(self, a_minute: int) -> None:
        self._most = self._left = float(a_minute)
        self._at = -float("inf")
        self._lock = threading.Lock()

    def take(self, now: float) -> float:
        """Count one request; return 0, or how long [s] to wait for the next."""
        with self._lock:
            self._left = min(self._most, self._left + (now - self._at) * self._most / 60)
            self._at = now
            if self._left < 1:
                return max(1.0, (1 - self._left) * 60 / self._most)
            self._left -= 1
            return 0.0


def _context_of(sender: str, settings: PushSettings, context: ParseContext) -> ParseContext:
    """Return the context of one sender, restricted to its stations by the settings."""
    own = settings.senders.get(sender)
    if own is None:
        return context
    allowed = {i: station for i, station in context.stations.items() if i in own}
    return replace(
        context, stations=allowed, barred=frozenset(context.stations.keys() - allowed.keys())
    )


def too_large(maximum: int) -> RequestRefused:
    advice = f"a body may have {maximum} bytes, also when decompressed: send it in parts"
    return RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, advice)


def _status(status: HTTPStatus) -> str:
    return f"{status.value} {status.phrase}"


def _body(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"
