"""The server of the web application: waitress on a socket that bounds what comes in."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from waitress import create_server
from werkzeug.exceptions import HTTPException

from forecast.errors import ConfigError
from forecast.service.web import metrics
from forecast.service.web.bounded_socket import HEADER, BoundedListener, Head, Timeouts
from forecast.service.web.context import KEY, LISTENING
from forecast.service.web.guards import LARGEST_BODY
from forecast.service.web.links import is_signed
from forecast.service.web.push import ADDRESS, ObservationEndpoint, RequestRefused, raw_answer
from forecast.settings import WebSettings
from products.wording import LANGUAGES, read_words

log = logging.getLogger(__name__)
# A request that waits for the one before it is normal.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)

THREADS = 8
CONNECTIONS = 200  # at once; one more ends the one that has waited longest for its request
CLOSING = 100  # of those that end, at once: waitress accepts none beyond its limit
OF_ONE_ADDRESS = 60  # of them; behind another server all come from its address
RECEIVE = 65_536  # [byte]
STOP_WITHIN = 1  # [s]
TIMEOUTS = Timeouts()


class WebServer:
    """The server on a socket: `serve` runs until `close`.

    endpoint: that of the push of observations, which refuses strangers by their headers.
    Raises: ConfigError where the address is unavailable.
    """

    def __init__(
        self,
        application: Flask,
        settings: WebSettings,
        endpoint: ObservationEndpoint | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        self.application, self._settings, self._endpoint = application, settings, endpoint
        self._prefix = urlsplit(settings.base_url).path.rstrip("/")
        self._routes = application.url_map.bind("")
        self._visitors = application.extensions[KEY].config.reports.visitors
        try:
            listening = BoundedListener(
                settings.host,
                settings.port,
                self._gate,
                timeouts,
                CONNECTIONS,
                0 if settings.trusted_proxies else OF_ONE_ADDRESS,
            )
        except OSError as error:
            advice = "is another one running? choose another port, or an address of this machine"
            where = f"{settings.host}:{settings.port}"
            raise ConfigError(
                f"service.web: cannot listen on {where} ({error.strerror or error}): {advice}"
            ) from error
        self.host, self.port = listening.getsockname()[:2]
        application.extensions[LISTENING] = self.address
        self.closed = False  # told to stop
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            application,
            map=self._sockets,
            sockets=[listening],
            threads=THREADS,
            connection_limit=CONNECTIONS + CLOSING,
            max_request_header_size=HEADER,
            max_request_body_size=1 + max(self._largest(), endpoint.maximum if endpoint else 0),
            recv_bytes=RECEIVE,
            channel_timeout=max(1, round(timeouts.silence)),
            cleanup_interval=1,
            ident=None,
            log_socket_errors=False,
            asyncore_use_poll=True,
            asyncore_loop_timeout=STOP_WITHIN,
            url_prefix=self._prefix,
            clear_untrusted_proxy_headers=settings.trusted_proxies == 0,
        )

    @property
    def address(self) -> str:
        """Return the address by which people reach it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self._settings.base_url or f"http://{host}:{self.port}"

    def serve(self) -> None:
        """Serve until closed."""
        log.info("web: the desk is at %s/desk/ (stop with Ctrl-C)", self.address)
        if self._endpoint is not None:
            log.info("web: records are received at %s%s", self.address, ADDRESS)
        self._server.run()

    def close(self) -> None:
        """Finish the requests being served, then stop; from any thread."""
        self.closed = True
        self._server.task_dispatcher.shutdown()
        for each in list(self._sockets.values()):
            each.close()

    def _largest(self) -> int:
        views = self.application.view_functions.values()
        return max(getattr(view, "largest_body", LARGEST_BODY) for view in views)

    def _gate(self, head: Head, peer: str) -> int | bytes:
        """Return how large a body may be, or the answer that refuses it."""
        path = head.path.removeprefix(self._prefix)
        if self._endpoint is not None and path == ADDRESS:
            limit = self._endpoint.maximum
            try:
                self._endpoint.admit(
                    head.method,
                    path,
                    head.headers.get("authorization", ""),
                    self._sender(head, peer),
                )
                if head.length is not None and head.length > limit:
                    raise self._endpoint.too_large()
            except RequestRefused as refused:
                return refused.raw()
            return limit
        if path == metrics.PATH and self._passed_on(head):
            return _NOT_HERE
        limit = self._limit_of(path, head.method)
        return limit if head.length is None or head.length <= limit else _TOO_LARGE

    def _passed_on(self, head: Head) -> bool:
        """Return whether another server passes a request on whose sender is not known: waitress
        removes what that server says of it, so it would seem to come from this machine.
        """
        if self._settings.trusted_proxies or self._settings.metrics == "all":
            return False
        return any(name in head.headers for name in metrics.FORWARDED)

    def _limit_of(self, path: str, method: str) -> int:
        """Return how large a body may be; large ones are for who has a link, or for visitors."""
        try:
            endpoint, parts = self._routes.match(path, method)
        except HTTPException:
            return LARGEST_BODY
        limit = getattr(self.application.view_functions[endpoint], "largest_body", LARGEST_BODY)
        if limit <= LARGEST_BODY:
            return LARGEST_BODY
        with self.application.app_context():
            known = is_signed(str(parts["token"])) if "token" in parts else self._visitors
        return int(limit) if known else LARGEST_BODY

    def _sender(self, head: Head, peer: str) -> str:
        """Return whose request it is, as the trusted servers before this one say."""
        many = self._settings.trusted_proxies
        passed = [each.strip() for each in head.headers.get("x-forwarded-for", "").split(",")]
        return passed[-many] if many and len(passed) >= many and passed[-many] else peer


_TOO_LARGE = raw_answer(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    [("Content-Type", "text/plain; charset=utf-8")],
    "\n".join(read_words(language)["session.error.413"] for language in LANGUAGES).encode(),
)


_NOT_HERE = raw_answer(
    HTTPStatus.NOT_FOUND,
    [("Content-Type", "text/plain; charset=utf-8")],
    "\n".join(read_words(language)["session.error.404"] for language in LANGUAGES).encode(),
)


def port_or_any(host: str, port: int) -> int:
    """Return a port where nobody listens on it, else 0: any."""
    try:
        BoundedListener(host, port, lambda *_: 0, TIMEOUTS, CONNECTIONS).close()
    except OSError:
        return 0
    return port
