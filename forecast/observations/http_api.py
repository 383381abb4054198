"""The door through which stations push their records: one address, a token for each sender,
everything bounded.

    POST /api/v1/observations
    Authorization: Bearer <token>
    Content-Type: application/json | text/csv       (Content-Encoding: gzip, if packed)

A 200 is sent when the records are in the archive and not a moment before. The same body twice
changes nothing and gets the same answer, so a station that heard none sends again. Strangers are
turned away by their headers, before any of their body is read.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.wasyncore import close_all

from forecast.domain import Fault
from forecast.errors import ArchiveError, ConfigError
from forecast.observations.formats import Limits, Parsed, ParseContext, csv_records
from forecast.observations.formats.csv_records import parse_push
from forecast.settings import PushSettings

log = logging.getLogger(__name__)
# a body that waits for the one before it is no news
logging.getLogger("waitress.queue").setLevel(logging.ERROR)

ADDRESS = "/api/v1/observations"
FAULTS_SHOWN = 20  # refused records that an answer names
# a record may tell of so much later than now, as forecast.observations.intake has it
AHEAD = timedelta(minutes=10)
HEADER = 16_384  # [byte] all headers of a request
CONNECTIONS = 100  # at once
RECEIVE = 65_536  # [byte]
FORMS: Mapping[str, Callable[[bytes, str, ParseContext], Parsed]] = {
    "application/json": lambda body, name, terms: parse_push(body, terms, name),
    "text/csv": csv_records.parse,
}

# Keeps what a body held under its digest: False where a body of this digest was kept before
# (observing.Intake.receive).
# Raises: ArchiveError.
KeepPush = Callable[[str, str, Parsed, datetime], bool]
Start = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a connection may take [s]: to send its headers, to send a whole request, and between
    two bytes of it.
    """

    headers: float = 15
    request: float = 300
    silence: float = 20


class RequestRefused(Exception):
    """An event: a request is not served, and why; never a part of the request in it."""

    def __init__(self, status: HTTPStatus, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = [(name.replace("_", "-"), value) for name, value in headers.items()]

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status, headers and body, as waitress asks of an error."""
        body = _body({"error": str(self)})
        return (
            _status(self.status),
            [("Content-Type", "application/json; charset=utf-8"), *self.headers],
            body,
        )


class ObservationEndpoint:
    """The WSGI application.

    terms: on what terms records are read, `received` excepted. One body is read and kept at a time:
    memory holds one, and the archive has one writer.
    """

    def __init__(
        self,
        settings: PushSettings,
        tokens: Mapping[str, str],
        terms: ParseContext,
        keep: KeepPush,
        clock: Callable[[], datetime],
    ) -> None:
        self.maximum = int(settings.maximum_mb * 1_000_000)
        self._keep, self._clock = keep, clock
        limits = Limits(size=self.maximum, json=self.maximum)
        self._terms = {
            sender: _terms_of(sender, settings, replace(terms, limits=limits)) for sender in tokens
        }
        self._digests = {
            sender: hashlib.sha256(token.encode()).digest() for sender, token in tokens.items()
        }
        self._allowances = {sender: _Allowance(settings.requests_per_minute) for sender in tokens}
        self._salt = hashlib.sha256(repr(sorted(terms.stations.items())).encode()).digest()
        self._one_at_a_time = threading.Lock()
        if not tokens:
            log.error(
                "push: no sender has a token: everyone is refused; set SKYSCAPE_PUSH_TOKENS=sender:token,sender:token"
            )

    def __call__(self, environ: Mapping[str, Any], start_response: Start) -> Iterable[bytes]:
        try:
            sender = self.admit(
                environ["REQUEST_METHOD"],
                environ.get("PATH_INFO", ""),
                environ.get("HTTP_AUTHORIZATION", ""),
            )
            content = self._answer(sender, environ)
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
        """Return who sends, by the headers alone. Raises: Refused."""
        if path != ADDRESS:
            raise RequestRefused(HTTPStatus.NOT_FOUND, f"nothing is here; records go to POST {ADDRESS}")
        if method != "POST":
            raise RequestRefused(
                HTTPStatus.METHOD_NOT_ALLOWED, f"only POST is served at {ADDRESS}", Allow="POST"
            )
        if not self._digests:
            raise RequestRefused(
                HTTPStatus.FORBIDDEN,
                "no sender has a token here yet: the operator sets SKYSCAPE_PUSH_TOKENS and starts anew",
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

    def _answer(self, sender: str, environ: Mapping[str, Any]) -> dict[str, Any]:
        """Read and keep a body; return what is told of it. Raises: Refused."""
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
        packed = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
        if packed not in ("", "identity", "gzip"):
            raise RequestRefused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "send the body plain, or with the header Content-Encoding: gzip",
            )
        body = environ["wsgi.input"].read(self.maximum + 1)
        with self._one_at_a_time:
            if packed == "gzip":
                body = decompressed(body, self.maximum)
            if len(body) > self.maximum:
                raise _too_large(self.maximum)
            return self._kept(sender, form, body)

    def _kept(self, sender: str, form: str, body: bytes) -> dict[str, Any]:
        now = self._clock()
        terms = self._terms[sender]
        name = f"push {sender}"
        parsed = _in_time(FORMS[form](body, name, replace(terms, received=now)), now)
        # A station that joins the settings later may send again what was refused: what was known of
        # stations is part of the digest.
        digest = hashlib.sha256(
            b"\0".join((self._salt, sender.encode(), form.encode(), body))
        ).hexdigest()
        try:
            new = self._keep(digest, name, parsed, now)
        except ArchiveError as error:
            log.error("%s: %s", name, error)
            advice = "the archive is not to be had: nothing was kept, send again"
            raise RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, advice, Retry_After="30") from error
        log.info(
            "%s: %d kept, %d refused%s",
            name,
            len(parsed.observations),
            len(parsed.faults) + parsed.untold,
            "" if new else ", again",
        )
        refused = [{"line": fault.line, "reason": fault.reason} for fault in parsed.faults[:FAULTS_SHOWN]]
        more = len(parsed.faults) - len(refused) + parsed.untold
        return {
            "kept": len(parsed.observations),
            "repeated": not new,
            "refused": refused,
            "refused_more": more,
        }


def _in_time(parsed: Parsed, now: datetime) -> Parsed:
    """Set aside what tells of a time that has not come, with advice: nothing that is told as kept
    may be dropped later.
    """
    ahead = [observation for observation in parsed.observations if observation.time > now + AHEAD]
    if not ahead:
        return parsed
    said = "{station} tells of {minutes:.0f} min after now: set its clock, or clock_offset_seconds of the station"
    where = parsed.faults[0].where if parsed.faults else "push"
    faults = [
        Fault(where, 0, said.format(station=o.station, minutes=(o.time - now).total_seconds() / 60))
        for o in ahead[:FAULTS_SHOWN]
    ]
    good = [observation for observation in parsed.observations if observation.time <= now + AHEAD]
    return replace(
        parsed,
        observations=good,
        faults=[*parsed.faults, *faults],
        untold=parsed.untold + len(ahead) - len(faults),
    )


def decompressed(body: bytes, maximum: int) -> bytes:
    """Return the content of gzip, never more than `maximum` [byte] of it. Raises: Refused."""
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(body, maximum + 1)
    except zlib.error:
        raise RequestRefused(
            HTTPStatus.UNPROCESSABLE_ENTITY, "the body is not sound gzip: send it again, or plain"
        ) from None
    if len(content) > maximum:
        raise _too_large(maximum)
    if not stream.eof or stream.unused_data:
        raise RequestRefused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "the body is not one whole gzip stream: send it again, or plain",
        )
    return content


class _Allowance:
    """So many requests a minute, a minute's worth at once."""

    def __init__(self, a_minute: int) -> None:
        self._most = self._left = float(a_minute)
        self._at = -float("inf")
        self._lock = threading.Lock()

    def take(self, now: float) -> float:
        """Take one; return 0, or how long [s] to wait for the next."""
        with self._lock:
            self._left = min(self._most, self._left + (now - self._at) * self._most / 60)
            self._at = now
            if self._left < 1:
                return max(1.0, (1 - self._left) * 60 / self._most)
            self._left -= 1
            return 0.0


def _terms_of(sender: str, settings: PushSettings, terms: ParseContext) -> ParseContext:
    """Return the terms of one sender: where the settings name stations, it speaks for these only."""
    own = settings.senders.get(sender)
    if own is None:
        return terms
    theirs = {i: station for i, station in terms.stations.items() if i in own}
    return replace(terms, stations=theirs, barred=frozenset(terms.stations.keys() - theirs.keys()))


def _too_large(maximum: int) -> RequestRefused:
    advice = f"a body may have {maximum} bytes, and no more when unpacked: send it in parts"
    return RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, advice)


def _status(status: HTTPStatus) -> str:
    return f"{status.value} {status.phrase}"


def _body(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


# -- the server


class _Request(HTTPRequestParser):
    """Reads a request as waitress does; what would be refused by its headers is refused when they
    are there.
    """

    error: Any = None

    def __init__(self, adj: Any, door: ObservationEndpoint) -> None:
        super().__init__(adj)
        self._door = door

    def received(self, data: bytes) -> int:
        """Take in some bytes; return how many."""
        taken: int = super().received(data)
        if self.error is not None and not isinstance(self.error, RequestRefused):
            too_large = self.error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            advice = f"{self.error.reason.lower()}: this is no request that is served here"
            self.error = (
                _too_large(self._door.maximum)
                if too_large
                else RequestRefused(HTTPStatus(self.error.code), advice)
            )
        elif (
            self.error is None
            and self.headers_finished
            and not self.empty
            and self.body_bytes_received == 0
        ):
            try:
                self._door.admit(self.command, self.path, self.headers.get("AUTHORIZATION", ""))
            except RequestRefused as refused:
                self.error, self.completed = refused, True
        if self.error is not None:
            self.expect_continue = False  # nobody is asked to go on
        return taken


class _Channel(HTTPChannel):
    """One connection; one that takes too long over a request is closed, however many single bytes
    it sends.
    """

    _began: float | None = None

    def parser_class(self, adj: Any) -> _Request:
        return _Request(adj, self.server.door)

    def received(self, data: bytes) -> bool:
        taken: bool = super().received(data)
        request, now = self.request, time.monotonic()
        if request is None:
            self._began = None
        else:
            self._began = now if self._began is None else self._began
            patience: Timeouts = self.server.patience
            if now - self._began > (
                patience.request if request.headers_finished else patience.headers
            ):
                self.will_close = True
        return taken


class PushServer:
    """The door on a socket: `serve` runs until `close`. Raises: ConfigError where the address
    cannot be had.
    """

    def __init__(
        self, door: ObservationEndpoint, settings: PushSettings, patience: Timeouts = Timeouts()
    ) -> None:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            listening = socket.create_server((settings.host, settings.port), family=family)
        except OSError as error:
            advice = "is another one running? choose another port, or an address of this machine"
            where = f"{settings.host}:{settings.port}"
            raise ConfigError(
                f"observations.push: {where} cannot be listened on ({error.strerror or error}): {advice}"
            ) from error
        self.host, self.port = listening.getsockname()[:2]
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            door, map=self._sockets, sockets=[listening], threads=4, connection_limit=CONNECTIONS,
            max_request_header_size=HEADER,
            max_request_body_size=door.maximum + 1, recv_bytes=RECEIVE,
            channel_timeout=max(1, round(patience.silence)), cleanup_interval=1,
            ident=None, log_socket_errors=False, asyncore_use_poll=True,
        )  # fmt: skip
        self._server.channel_class = _Channel
        self._server.patience, self._server.door = patience, door

    def serve(self) -> None:
        """Serve until closed."""
        log.info("push: records are taken at http://%s:%d%s", self.host, self.port, ADDRESS)
        self._server.run()

    def close(self) -> None:
        """Finish what is being served, then stop; from any thread."""
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(lambda: close_all(self._sockets))
