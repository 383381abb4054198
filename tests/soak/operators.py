"""The server of the operators: a strict double that takes signed alerts and issues."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "a-secret-of-this-season"
ENVIRONMENT = {"SKYSCAPE_WEBHOOK_SECRETS": f"town:{SECRET}"}


class Operators:
    """Takes what is signed; `alerts` has every item once, in the order in which they came."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.alerts: list[dict[str, Any]] = []
        self.repeated = 0  # messages that came again with the same id
        self.sent: Counter[tuple[str, str]] = Counter()  # kind and issue of messages to readers
        self._taken: set[str] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Operators:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        """Return the status for a request, and keep what it brought."""
        content = headers.get("x-skyscape-timestamp", "").encode() + b"." + body
        wanted = "sha256=" + hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest()
        message = json.loads(body)
        with self._lock:
            if headers.get("x-skyscape-signature") != wanted:
                self.faults.append("a message with a wrong signature")
                return 401
            if message["id"] != headers["x-skyscape-id"]:
                self.faults.append("a message with two ids")
            if message["id"] in self._taken:
                self.repeated += 1
                return 204
            self._taken.add(message["id"])
            if message["schema"] == "skyscape.alert/1":
                self.alerts += message["items"]
            else:
                self.sent[message["kind"], message["issue"]] += 1
        return 204

    def told(self) -> dict[str, list[str]]:
        """Return the stages of each alert (key and beginning), in their order."""
        found: dict[str, list[str]] = {}
        for item in self.alerts:
            found.setdefault(f"{item['key']} {item['since']}", []).append(item["stage"])
        return found

    def sequences(self) -> dict[str, list[str]]:
        """Return the stages of each condition, in their order."""
        found: dict[str, list[str]] = {}
        for item in self.alerts:
            found.setdefault(item["key"], []).append(item["stage"])
        return found


def _handler(operators: Operators) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            self.send_response(operators.answer(headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
