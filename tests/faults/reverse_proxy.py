"""A reverse proxy before the service, and a browser of the simplest kind that talks to it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

BASE, HOST = "/skyscape", "weather.example"
# Headers of one connection, which a proxy does not pass on.
OF_ONE_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host")


@contextmanager
def proxied(port: int, strip: bool) -> Iterator[int]:
    """Give the port of a proxy that serves what listens at `port` below BASE, over TLS as it says.

    strip: whether it takes BASE from the path.
    """

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            if not self.path.startswith(BASE + "/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            behind = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            behind.request(
                self.command, self.path.removeprefix(BASE) if strip else self.path, body,
                self._headers(),
            )  # fmt: skip
            answer = behind.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in OF_ONE_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            behind.close()

        do_POST = do_GET  # noqa: N815 - the name that the server looks for

        def _headers(self) -> dict[str, str]:
            passed = {k: v for k, v in self.headers.items() if k.lower() not in OF_ONE_HOP}
            return passed | {
                "Host": HOST,
                "X-Forwarded-For": "198.51.100.7",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": HOST,
                "X-Forwarded-Prefix": BASE,
            }

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, where it leads, and its text."""

    status: int
    location: str
    text: str


@dataclass
class Visitor:
    """Keeps cookies by their path, sends each where it belongs, and follows nothing by itself."""

    port: int
    cookies: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> value, path

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, "")

    def post(self, path: str, form: Mapping[str, str]) -> Answer:
        return self._ask("POST", path, urlencode(form))

    def _ask(self, method: str, path: str, body: str) -> Answer:
        sent = [f"{n}={v}" for n, (v, at) in self.cookies.items() if path.startswith(at)]
        headers = {"Cookie": "; ".join(sent), "Referer": f"https://{HOST}{path}"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        link.request(method, path, body, headers)
        answer = link.getresponse()
        text = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                for each in SimpleCookie(value).values():
                    self.cookies[each.key] = (each.value, each["path"])
        link.close()
        return Answer(answer.status, answer.getheader("Location", ""), text)
