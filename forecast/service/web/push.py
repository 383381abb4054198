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
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import IO, Any

from flask import Blueprint, Response, abort, current_app, request

from forecast.domain import Fault, Observation
from forecast.errors import ArchiveError
from forecast.observations.formats import Limits, ParseContext, Parsed, csv_records
from forecast.observations.formats.collector import CLOCK_TOLERANCE
from forecast.observations.formats.push_records import parse_push
from forecast.service.web.guards import without_csrf
from forecast.service.web.throttle import Limit, Throttle, network_of
from forecast.settings import PushSettings

log = logging.getLogger(__name__)
blueprint = Blueprint("push", __name__)

ADDRESS = "/api/v1/observations"
KEY = "push endpoint"  # of app.extensions
REFUSALS = Limit(60, 5.0)  # refusals of an address that are answered one by one and logged
JSON = "application/json; charset=utf-8"
FAULTS_SHOWN = 20  # refused records that an answer lists
FORMS: Mapping[str, Callable[[bytes, str, ParseContext], Parsed]] = {
    "application/json": lambda body, name, context: parse_push(body, context, name),
    "text/csv": csv_records.parse,
}

# Archives the records of a body; False where its digest was archived before (Intake.receive).
# Raises: ArchiveError.
KeepPush = Callable[[str, str, Parsed, datetime], bool]


class RequestRefused(Exception):
    """A request is refused; the message says why and repeats no part of the request."""

    def __init__(self, status: HTTPStatus, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = [(name.replace("_", "-"), value) for name, value in headers.items()]

    @property
    def body(self) -> bytes:
        return _body({"error": str(self)})

    def raw(self) -> bytes:
        """Return the whole answer as bytes, after which the connection is closed."""
        return raw_answer(self.status, [("Content-Type", JSON), *self.headers], self.body)


class ObservationEndpoint:
    """Receives the records of senders, each known by its token.

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
        most = settings.requests_per_minute
        self._allowances = {sender: Throttle(Limit(most, 60 / most)) for sender in tokens}
        self._salt = hashlib.sha256(repr(sorted(context.stations.items())).encode()).digest()
        self._one_at_a_time = threading.Lock()
        self._refusals = Throttle(REFUSALS)
        self._oldest = timedelta(days=settings.oldest_days)
        if not tokens:
            log.error(
                "push: no sender has a token, all requests are refused; "
                "set SKYSCAPE_PUSH_TOKENS=sender:token,sender:token"
            )

    def admit(self, method: str, path: str, authorization: str, address: str = "") -> str:
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
            self._count_refusal(address)
            raise RequestRefused(
                HTTPStatus.UNAUTHORIZED,
                "send the header Authorization: Bearer <token>, with the token you were given",
                WWW_Authenticate="Bearer",
            )
        return found[0]

    def _count_refusal(self, address: str) -> None:
        """Log a refusal; too many from one address are logged no more. Raises: RequestRefused."""
        wait = self._refusals.take(network_of(address))
        if wait > 0:
            raise RequestRefused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"too many requests without a valid token: none is looked at for {wait:.0f} s",
                Retry_After=f"{max(1.0, wait):.0f}",
            )
        log.warning("push: a request without a valid token from %s", address or "somewhere")

    def answer(self, sender: str, form: str, encoding: str, content: IO[bytes]) -> dict[str, Any]:
        """Read and archive a body; return the content of the answer.

        form, encoding: the headers Content-Type and Content-Encoding. Raises: RequestRefused.
        """
        wait = self._allowances[sender].take(sender)
        if wait > 0:
            raise RequestRefused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"too many requests: send again in {max(1.0, wait):.0f} s, many records in one "
                "body",
                Retry_After=f"{max(1.0, wait):.0f}",
            )
        form = form.partition(";")[0].strip().lower()
        if form not in FORMS:
            raise RequestRefused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"send the header Content-Type: {' or '.join(FORMS)}",
            )
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise RequestRefused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "send the body plain, or with the header Content-Encoding: gzip",
            )
        body = content.read(self.maximum + 1)
        with self._one_at_a_time:
            if encoding == "gzip":
                body = decompressed(body, self.maximum)
            if len(body) > self.maximum:
                raise self.too_large()
            return self._kept(sender, form, body)

    def too_large(self) -> RequestRefused:
        """Return the refusal of a body of more than `maximum` [byte]."""
        return too_large(self.maximum)

    def _kept(self, sender: str, form: str, body: bytes) -> dict[str, Any]:
        now = self._clock()
        context = self._contexts[sender]
        name = f"push {sender}"
        parsed = _in_time(
            FORMS[form](body, name, replace(context, received=now)), now, self._oldest
        )
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


def _in_time(parsed: Parsed, now: datetime, oldest: timedelta) -> Parsed:
    """Return the records without those from the future or long ago, which become faults.

    What the answer counts as kept must not be dropped later.
    """
    where = parsed.faults[0].where if parsed.faults else "push"
    good: list[Observation] = []
    faults: list[Fault] = []
    bad = 0
    for observation in parsed.observations:
        reason = _out_of_time(observation, now, oldest)
        if not reason:
            good.append(observation)
            continue
        bad += 1
        if len(faults) < FAULTS_SHOWN:
            faults.append(Fault(where, 0, reason))
    if not bad:
        return parsed
    return replace(
        parsed,
        observations=good,
        faults=[*parsed.faults, *faults],
        more_faults=parsed.more_faults + bad - len(faults),
    )


def _out_of_time(observation: Observation, now: datetime, oldest: timedelta) -> str:
    """Return why a record is refused for its time; "" where it is not."""
    ahead, ago = observation.time - now, now - observation.time
    clock = "set its clock, or clock_offset_seconds of the station"
    if ahead > CLOCK_TOLERANCE:
        minutes = ahead.total_seconds() / 60
        return f"{observation.station} reports a time {minutes:.0f} min in the future: {clock}"
    if ago > oldest:
        return (
            f"{observation.station} reports a time {ago.days} days ago, more than "
            f"observations.push.oldest_days ({oldest.days}): {clock}; old records go into a file"
        )
    return ""


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


def raw_answer(status: HTTPStatus, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """Return a whole answer, after which the connection is closed."""
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1", "replace") + body


def _body(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


@blueprint.route(
    ADDRESS, methods=["GET", "POST", "PUT", "PATCH", "DELETE"], provide_automatic_options=False
)
@without_csrf
def receive() -> Response:
    """Keep the records of a body; who sends it is known by the token in its header."""
    endpoint = current_app.extensions.get(KEY)
    if not isinstance(endpoint, ObservationEndpoint):
        abort(HTTPStatus.NOT_FOUND)
    request.max_content_length = endpoint.maximum + 1
    headers = request.headers
    try:
        sender = endpoint.admit(
            request.method, ADDRESS, headers.get("Authorization", ""), request.remote_addr or ""
        )
        content = endpoint.answer(
            sender,
            headers.get("Content-Type", ""),
            headers.get("Content-Encoding", ""),
            request.environ["wsgi.input"],
        )
    except RequestRefused as refused:
        return Response(refused.body, refused.status, refused.headers, content_type=JSON)
    refused_all = not content["kept"] and content["refused"]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused_all else HTTPStatus.OK
    return Response(_body(content), status, content_type=JSON)
