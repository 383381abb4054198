"""A strict double of the platform's documented interface, on loopback: it enforces limits, error
codes, the life of tokens and the rules of pictures, and misbehaves on demand.

Source: developers.weixin.qq.com (stable_token, uploadimg, add_material, draft/*, freepublish/*).
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

APPID, SECRET = "wx0123456789abcdef", "s3cr3t-of-the-account-0123456789"
LIFE, OVERLAP = 7200, 300  # [s] of a token; old and new are both valid for the overlap
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}")
OURS = re.compile(r"https?://mmbiz\.qpic\.cn/")


class Refused(Exception):
    """An answer with an error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.answer = {"errcode": code, "errmsg": f"{message} rid: 6a1b2c3d-4e5f6a7b-8c9d0e1f"}


@dataclass
class WeChatDouble:
    """The platform. now: its clock [s], moved by tests. faults: by path, what the next requests
    meet: an (errcode, errmsg), or `lost` (carried out, no answer), `dropped` (not carried out, no
    answer), `page` (an HTML page), `down` (status 502), or a function that returns one. states: of
    publications, one a question.
    """

    now: float = field(default_factory=time.time)
    faults: dict[str, list[Any]] = field(default_factory=dict)
    states: list[int] = field(default_factory=lambda: [1, 0])
    tokens: list[tuple[str, float]] = field(default_factory=list)  # token, end
    images: dict[str, bytes] = field(default_factory=dict)
    covers: dict[str, bytes] = field(default_factory=dict)
    drafts: dict[str, dict[str, Any]] = field(default_factory=dict)
    published: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)  # publish_id -> draft
    added: int = 0
    filtered: list[str] = field(default_factory=list)  # pictures that readers would not see
    log: list[str] = field(default_factory=list)
    url: str = ""
    server: Any = None
    lock: Any = field(default_factory=threading.Lock)

    # The interface

    def stable_token(self, content: dict[str, Any]) -> dict[str, Any]:
        if content.get("grant_type") != "client_credential":
            raise Refused(40002, "invalid grant_type")
        if content.get("appid") != APPID:
            raise Refused(40013, "invalid appid")
        if content.get("secret") != SECRET:
            raise Refused(40125, "invalid appsecret")
        if content.get("force_refresh") is not False:
            raise Refused(45009, "reach max api daily quota limit")  # 20 a day: not ours to use
        if not self.tokens or self.tokens[-1][1] - self.now <= OVERLAP:
            self.tokens.append((f"{len(self.tokens)}_{'t' * 500}", self.now + LIFE))
        token, end = self.tokens[-1]
        return {"access_token": token, "expires_in": int(end - self.now)}

    def valid(self, token: str) -> None:
        if not token:
            raise Refused(41001, "access_token missing")
        end = dict(self.tokens[-2:]).get(token)
        if end is None:
            raise Refused(40001, "invalid credential, access_token is invalid or not latest")
        if end <= self.now:
            raise Refused(42001, "access_token expired")

    def uploadimg(self, body: bytes) -> dict[str, Any]:
        picture(body, 1_000_000 - 1)
        url = (
            f"http://mmbiz.qpic.cn/mmbiz_png/{'x' * 90}{len(self.images)}/0?wx_fmt=png&from=appmsg"
        )
        self.images[url] = body
        return {"url": url}

    def add_material(self, body: bytes) -> dict[str, Any]:
        picture(body, 10_000_000)
        name = f"cover-{len(self.covers)}"
        self.covers[name] = body
        return {"media_id": name, "url": "http://mmbiz.qpic.cn/cover"}

    def draft_add(self, content: dict[str, Any]) -> dict[str, Any]:
        articles = content.get("articles")
        if not isinstance(articles, list) or not articles:
            raise Refused(44003, "empty news data")
        news = [self.checked(each) for each in articles]
        self.added += 1
        name = f"draft-{self.added}"
        self.drafts[name] = {"news_item": news, "update_time": int(self.now)}
        return {"media_id": name, "item": []}

    def draft_update(self, content: dict[str, Any]) -> dict[str, Any]:
        draft = self.draft(content)
        if content.get("index") != 0 or not isinstance(content.get("articles"), dict):
            raise Refused(47001, "data format error")
        draft["news_item"] = [self.checked(content["articles"])]
        draft["update_time"] = int(self.now)
        return {"errcode": 0, "errmsg": "ok"}

    def draft_get(self, content: dict[str, Any]) -> dict[str, Any]:
        return {"news_item": self.draft(content)["news_item"]}

    def draft_batchget(self, content: dict[str, Any]) -> dict[str, Any]:
        return listed(self.drafts, "media_id", content)

    def freepublish_submit(self, content: dict[str, Any]) -> dict[str, Any]:
        self.draft(content)
        job = f"{100000001 + len(self.jobs)}"
        self.jobs[job] = content["media_id"]
        if not self.states or self.states[0] == 0:
            self.finish(job)
        return {"errcode": 0, "errmsg": "ok", "publish_id": job, "msg_data_id": "2247483648"}

    def freepublish_get(self, content: dict[str, Any]) -> dict[str, Any]:
        job = content.get("publish_id")
        if job not in self.jobs:
            raise Refused(53502, "invalid publish id")
        status = self.states.pop(0) if self.states else 0
        answer = {"publish_id": job, "publish_status": status, "fail_idx": []}
        if status == 0:
            self.finish(job)
            item = [{"idx": 1, "article_url": f"http://mp.weixin.qq.com/s/{job}"}]
            answer |= {"article_id": f"article-{job}", "article_detail": {"count": 1, "item": item}}
        return answer

    def freepublish_batchget(self, content: dict[str, Any]) -> dict[str, Any]:
        return listed(self.published, "article_id", content)

    def freepublish_delete(self, content: dict[str, Any]) -> dict[str, Any]:
        if self.published.pop(content.get("article_id", ""), None) is None:
            raise Refused(53600, "invalid article id")
        return {"errcode": 0, "errmsg": "ok"}

    # What it knows

    def finish(self, job: str) -> None:
        """Publish the draft of a job: it leaves the box."""
        if draft := self.drafts.pop(self.jobs[job], None):
            self.published[f"article-{job}"] = draft

    def settle(self) -> None:
        """Wait until every request that was sent before is carried out."""
        last = http.client.HTTPConnection(*self.server.server_address)
        last.request("POST", "/cgi-bin/last", b"")
        last.getresponse().read()  # connections are accepted in their order: all before it were
        last.close()
        while self.server.open_connections:
            time.sleep(0.005)

    def used_by_hand(self, name: str) -> None:
        """Somebody publishes a draft at the platform's own pages."""
        self.published[f"by-hand-{name}"] = self.drafts.pop(name)

    def titles(self) -> list[str]:
        """Return the titles in the box of drafts."""
        return [each["news_item"][0]["title"] for each in self.drafts.values()]

    def draft(self, content: dict[str, Any]) -> dict[str, Any]:
        if content.get("media_id") not in self.drafts:
            raise Refused(40007, "invalid media_id")
        return self.drafts[content["media_id"]]

    def checked(self, article: Any) -> dict[str, Any]:
        """Return an article as it is kept; refuse one beyond a limit."""
        if not isinstance(article, dict):
            raise Refused(47001, "data format error")
        known = {"title", "author", "digest", "content", "content_source_url", "thumb_media_id"}
        if extra := article.keys() - known:
            raise Refused(47001, f"data format error: {sorted(extra)}")
        for name, code, most in (
            ("title", 45003, 32),
            ("author", 45110, 16),
            ("digest", 45004, 120),
        ):
            if len(article.get(name, "")) > most:
                raise Refused(code, f"{name} size out of limit")
        content = article.get("content", "")
        if not article.get("title") or not content:
            raise Refused(44003, "empty news data")
        if len(content) >= 20_000 or len(content.encode()) >= 1_000_000:
            raise Refused(45002, "content size out of limit")
        if len(article.get("content_source_url", "").encode()) > 1024:
            raise Refused(45006, "url size out of limit")
        if "<script" in content or "<style" in content:
            raise Refused(45166, "invalid content")
        if article.get("thumb_media_id") not in self.covers:
            raise Refused(40007, "invalid media_id")
        pictures = re.findall(r'<img[^>]*src="([^"]*)"', content)
        self.filtered += [each for each in pictures if each not in self.images]
        return {**article, "url": "http://mp.weixin.qq.com/s?preview"}

    # HTTP

    def carried_out(
        self, path: str, token: str, kind: str, body: bytes, query: dict[str, list[str]]
    ) -> dict[str, Any]:
        with self.lock:
            if path != "stable_token":
                self.valid(token)
            if path in ("media/uploadimg", "material/add_material"):
                file = uploaded(kind, body)
                if path == "media/uploadimg":
                    return self.uploadimg(file)
                if query.get("type") != ["image"]:
                    raise Refused(40004, "invalid media type")
                return self.add_material(file)
            method = getattr(self, path.replace("/", "_"), None)
            if method is None:
                raise Refused(40066, "invalid url")
            if not kind.startswith("application/json") or ESCAPED.search(body):
                raise Refused(47001, "data format error")
            try:
                return dict(method(json.loads(body)))
            except ValueError:
                raise Refused(47001, "data format error") from None


def picture(body: bytes, most: int) -> None:
    if not body:
        raise Refused(41005, "media data missing")
    if not body.startswith(PICTURES):
        raise Refused(40005, "invalid file type")
    if len(body) > most:
        raise Refused(40009, "invalid image size")


def listed(found: dict[str, dict[str, Any]], name: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a list, the newest first."""
    first, count = content.get("offset"), content.get("count")
    if not isinstance(first, int) or not isinstance(count, int) or not 1 <= count <= 20:
        raise Refused(40097, "invalid args")
    items = [
        {
            name: key,
            "content": {"news_item": [
                {k: v for k, v in news.items() if k != "content" or not content.get("no_content")}
                for news in each["news_item"]
            ]},
            "update_time": each["update_time"],
        }
        for key, each in reversed(found.items())
    ]  # fmt: skip
    page = items[first : first + count]
    return {"total_count": len(items), "item_count": len(page), "item": page}


def uploaded(kind: str, body: bytes) -> bytes:
    """Return the file of the form field `media`."""
    form = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    for part in form.get_payload() if form.is_multipart() else []:
        disposition = part.get("Content-Disposition", "")
        if 'name="media"' in disposition and "filename=" in disposition:
            return bytes(part.get_payload(decode=True))
    raise Refused(41005, "media data missing")


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        double: WeChatDouble = self.server.double
        address = urlsplit(self.path)
        path, query = address.path.removeprefix("/cgi-bin/"), parse_qs(address.query)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = (double.faults.get(path) or [None]).pop(0)
        fault = fault() if callable(fault) else fault
        if fault == "dropped":
            return self._silent(path, "dropped")
        if fault == "down":
            self.send_error(502)
            return None
        if fault == "page":
            return self._send(path, "page", b"<html>maintenance</html>")
        try:
            if isinstance(fault, tuple):
                raise Refused(*fault)
            token = (query.get("access_token") or [""])[0]
            kind = self.headers.get("Content-Type", "")
            answer = double.carried_out(path, token, kind, body, query)
        except Refused as error:
            answer = error.answer
        if fault == "lost":
            return self._silent(path, "carried out, answer lost")
        body = json.dumps(answer, ensure_ascii=False).encode()
        return self._send(path, str(answer.get("errcode") or "ok"), body)

    def _silent(self, path: str, what: str) -> None:
        self.server.double.log.append(f"{path}: {what}")
        self.close_connection = True
        self.connection.close()

    def _send(self, path: str, what: str, body: bytes) -> None:
        self.server.double.log.append(f"{path}: {what}")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    """Counts the connections that it has accepted and not ended."""

    daemon_threads = True
    open_connections = 0

    def process_request(self, request: Any, address: Any) -> None:
        with self.double.lock:  # type: ignore[attr-defined]
            self.open_connections += 1
        super().process_request(request, address)

    def process_request_thread(self, request: Any, address: Any) -> None:
        try:
            super().process_request_thread(request, address)
        finally:
            with self.double.lock:  # type: ignore[attr-defined]
                self.open_connections -= 1


@contextmanager
def serving(double: WeChatDouble) -> Iterator[WeChatDouble]:
    """Serve the platform on loopback."""
    server: Any = _Server(("127.0.0.1", 0), _Handler)
    server.double = double
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    double.server, double.url = server, f"http://127.0.0.1:{server.server_port}"
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
