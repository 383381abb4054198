"""The server of the push interface: a WSGI server whose slow or unauthorised requests end early."""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.wasyncore import close_all

from forecast.errors import ConfigError
from forecast.observations.http_api import ADDRESS, ObservationEndpoint, RequestRefused, too_large
from forecast.settings import PushSettings

log = logging.getLogger(__name__)
# A body that waits for the one before it is normal.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)

HEADER = 16_384  # [byte] all headers of a request
CONNECTIONS = 100  # at once
RECEIVE = 65_536  # [byte]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits of a connection [s]: for its headers, for one request, and for silence within it."""

    headers: float = 15
    request: float = 300
    silence: float = 20


class _Request(HTTPRequestParser):
    """Reads a request as waitress does, and refuses it as soon as its headers show it invalid."""

    error: Any = None

    def __init__(self, adj: Any, endpoint: ObservationEndpoint) -> None:
        super().__init__(adj)
        self._endpoint = endpoint

    def received(self, data: bytes) -> int:
        """Process some bytes; return how many."""
        used: int = super().received(data)
        if self.error is not None and not isinstance(self.error, RequestRefused):
            oversized = self.error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            advice = f"{self.error.reason.lower()}: no such request is served here"
            self.error = (
                too_large(self._endpoint.maximum)
                if oversized
                else RequestRefused(HTTPStatus(self.error.code), advice)
            )
        elif (
            self.error is None
            and self.headers_finished
            and not self.empty
            and self.body_bytes_received == 0
        ):
            try:
                self._endpoint.admit(self.command, self.path, self.headers.get("AUTHORIZATION", ""))
            except RequestRefused as refused:
                self.error, self.completed = refused, True
        if self.error is not None:
            self.expect_continue = False  # the client is not asked to continue
        return used


class _Channel(HTTPChannel):
    """One connection, closed when a request takes too long, even if bytes keep coming."""

    _began: float | None = None

    def parser_class(self, adj: Any) -> _Request:
        return _Request(adj, self.server.endpoint)

    def received(self, data: bytes) -> bool:
        used: bool = super().received(data)
        request, now = self.request, time.monotonic()
        if request is None:
            self._began = None
        else:
            self._began = now if self._began is None else self._began
            timeouts: Timeouts = self.server.timeouts
            if now - self._began > (
                timeouts.request if request.headers_finished else timeouts.headers
            ):
                self.will_close = True
        return used


class PushServer:
    """The server on a socket: `serve` runs until `close`.

    Raises: ConfigError where the address is unavailable.
    """

    def __init__(
        self, endpoint: ObservationEndpoint, settings: PushSettings, timeouts: Timeouts = Timeouts()
    ) -> None:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            listening = socket.create_server((settings.host, settings.port), family=family)
        except OSError as error:
            advice = "is another one running? choose another port, or an address of this machine"
            where = f"{settings.host}:{settings.port}"
            raise ConfigError(
                f"observations.push: cannot listen on {where} ({error.strerror or error}): {advice}"
            ) from error
        self.host, self.port = listening.getsockname()[:2]
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            endpoint,
            map=self._sockets,
            sockets=[listening],
            threads=4,
            connection_limit=CONNECTIONS,
            max_request_header_size=HEADER,
            max_request_body_size=endpoint.maximum + 1,
            recv_bytes=RECEIVE,
            channel_timeout=max(1, round(timeouts.silence)),
            cleanup_interval=1,
            ident=None,
            log_socket_errors=False,
            asyncore_use_poll=True,
        )
        self._server.channel_class = _Channel
        self._server.timeouts, self._server.endpoint = timeouts, endpoint

    def serve(self) -> None:
        """Serve until closed."""
        log.info("push: records are received at http://%s:%d%s", self.host, self.port, ADDRESS)
        self._server.run()

    def close(self) -> None:
        """Finish the requests being served, then stop; from any thread."""
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(lambda: close_all(self._sockets))
