"""A strict double of a server that takes signed alerts as JSON."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.doubles.listening import listening


class WebhookDouble:
    """Takes what is signed with its secret, once for each id as a server should; `seen` has all.

    status: of its next answers.
    """

    def __init__(self, secret: str) -> None:
        self.secret, self.url = secret, ""
        self.status: list[int] = []
        self.seen: list[str] = []
        self.taken: dict[str, dict[str, Any]] = {}

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        """Return the status for a request."""
        if self.status:
            return self.status.pop(0)
        content = headers.get("x-skyscape-timestamp", "").encode() + b"." + body
        wanted = "sha256=" + hmac.new(self.secret.encode(), content, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("x-skyscape-signature", ""), wanted):
            return 401
        message = json.loads(body)
        assert message["schema"] == "skyscape.alert/1"
        assert message["id"] == headers["x-skyscape-id"]
        assert b"\\u" not in body, "text is sent as UTF-8, not escaped"
        self.seen.append(message["id"])
        self.taken[message["id"]] = message
        return 204


@contextlib.contextmanager
def serving(double: WebhookDouble) -> Iterator[WebhookDouble]:
    """Serve a double on a free port of this machine; its address is in `url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            self.send_response(double.answer(headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as address:
        double.url = f"{address}/hook"
        yield double
