"""A strict double of the robots of WeCom groups: limits and codes as documented.

Source: developer.work.weixin.qq.com, document 91770: markdown of at most 4096 bytes of UTF-8, 20
messages a minute and robot; HTTP answers 200 whatever becomes of a message.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.doubles.listening import listening

PATH = "/cgi-bin/webhook/send"
# Markup of the documented markdown; what else looks like markup must not come.
MARKUP = re.compile(
    r'</?font(?: color="(?:info|comment|warning)")?>|\[[^\[\]<>]*\]\(https?://[^()\s]*\)|\*\*|'
    r"^#{1,6} |^> ",
    re.MULTILINE,
)


class WeComDouble:
    """The robots by key, and what each was sent. now: the double's clock, moved by the test.

    codes: answered instead, one a request. lost: requests that are carried out and never answered.
    """

    def __init__(self, keys: set[str], now: datetime) -> None:
        self.keys, self.now = keys, now
        self.codes: list[int] = []
        self.lost = 0
        self.requests = 0
        self.taken: list[tuple[datetime, str, str]] = []
        self.url = ""

    def answer(self, path: str, body: bytes) -> tuple[int, str]:
        """Return the code and the message for a request."""
        parts = urlsplit(path)
        key = parse_qs(parts.query).get("key", [""])[0]
        if parts.path != PATH or key not in self.keys:
            return 93000, "invalid webhook url, hint: [1234]"
        if self.codes:
            return self.codes.pop(0), "as the test wants"
        since = self.now - timedelta(minutes=1)
        if sum(at > since and to == key for at, to, _ in self.taken) >= 20:
            return 45009, "api freq out of limit"
        try:
            content: Any = json.loads(body)
            text = content["markdown"]["content"]
        except (ValueError, KeyError, TypeError):
            return 40008, "invalid message type"
        if content["msgtype"] != "markdown" or set(content) != {"msgtype", "markdown"}:
            return 40008, "invalid message type"
        if not 0 < len(text.encode()) <= 4096:
            return 40058, "markdown.content exceed max length 4096"
        assert b"\\u" not in body, "text is sent as UTF-8, not escaped"
        left = MARKUP.sub("", text)
        assert not re.search(r"[<>\[\]*`#]", left), f"stray markup in {left!r}"
        assert text.count("<font") == text.count("</font>"), "a colour that does not end"
        self.taken.append((self.now, key, text))
        return 0, "ok"


@contextlib.contextmanager
def serving(double: WeComDouble) -> Iterator[WeComDouble]:
    """Serve a double on a free port of this machine; its address is in `url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            double.requests += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code, text = double.answer(self.path, body)
            if double.lost:
                double.lost -= 1
                self.close_connection = True
                return
            answer = json.dumps({"errcode": code, "errmsg": text}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as address:
        double.url = address
        yield double
