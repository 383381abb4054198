"""The interface of an official account: one method a request.

Every request carries the access token. One that is no longer valid is fetched anew once, and the
request sent once more: a request refused for its token changed nothing. Neither the token nor the
secret stands in a log or an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import datetime
from html import unescape
from typing import Any

from forecast.errors import DeliveryError
from forecast.http.sending import Outgoing
from products.wechat.article import kind_of
from products.wechat.refusals import EXPIRED, INVALID_MEDIA, refusal
from products.wechat.token import KeptToken

log = logging.getLogger(__name__)

ROOT = "/cgi-bin"
PAGE = 20  # [draft] a request gives at most
PAGES = 60  # at most; an account makes 1,000 drafts a day


class OfficialAccount:
    """An account at the platform. Raises: DeliveryError from every method."""

    def __init__(self, url: str, account: str, secret: str, kept: KeptToken) -> None:
        self._outgoing = Outgoing(url)
        self._account, self._secret, self._kept = account, secret, kept

    def upload_image(self, body: bytes) -> str:
        """Return the address of a picture that articles may show."""
        return self._uploaded("media/uploadimg", body, "url")

    def upload_cover(self, body: bytes) -> str:
        """Return the id of a picture in the account's library, where it stays."""
        return self._uploaded("material/add_material", body, "media_id", [("type", "image")])

    def add_draft(self, article: Mapping[str, str]) -> str:
        """Return the id of a new draft; "" where the cover is not in the library any more.

        Raises: DeliveryError, `unclear` where the draft may have been made.
        """
        with _unclear("the draft may be there, and is looked for before the next attempt"):
            answer = self._call("draft/add", {"articles": [article]}, [INVALID_MEDIA])
            return "" if answer.get("errcode") else _text(answer, "draft/add", "media_id")

    def update_draft(self, draft: str, article: Mapping[str, str]) -> bool:
        """Replace the article of a draft; return False where the draft or the cover is gone."""
        content = {"media_id": draft, "index": 0, "articles": article}
        with _harmless():
            return not self._call("draft/update", content, [INVALID_MEDIA]).get("errcode")

    def has_draft(self, draft: str) -> bool:
        """Return whether a draft is in the box: neither published nor deleted."""
        with _harmless():
            answer = self._call("draft/get", {"media_id": draft}, [INVALID_MEDIA])
        return not answer.get("errcode")

    def find_draft(self, titles: Set[str], since: datetime) -> str:
        """Return the id of the newest draft with one of these titles, written after `since`."""
        return str(self._find("draft/batchget", titles, since).get("media_id", ""))

    def submit(self, draft: str) -> str:
        """Begin to publish a draft and return the id of this publication.

        Raises: DeliveryError, `unclear` where it may have begun.
        """
        with _unclear("it may be published; that is looked up, and it is not begun again"):
            answer = self._call("freepublish/submit", {"media_id": draft})
            return _text(answer, "freepublish/submit", "publish_id")

    def publication(self, publication: str) -> Mapping[str, Any]:
        """Return how a publication stands: publish_status, article_id and its address."""
        with _harmless():
            return self._call("freepublish/get", {"publish_id": publication})

    def find_published(self, title: str, since: datetime) -> str:
        """Return the id of a published article by its title; "" where there is none."""
        return str(self._find("freepublish/batchget", {title}, since).get("article_id", ""))

    def delete_published(self, article: str) -> None:
        """Delete a published article, for ever."""
        with _harmless():
            self._call("freepublish/delete", {"article_id": article, "index": 1})

    def _find(self, path: str, titles: Set[str], since: datetime) -> Mapping[str, Any]:
        """Return the newest item of a list that has one of these titles; empty where none has."""
        found: list[Mapping[str, Any]] = []
        for number in range(PAGES):
            content = {"offset": number * PAGE, "count": PAGE, "no_content": 1}
            with _harmless():
                answer = self._call(path, content)
            items = answer.get("item") or []
            found += [
                each
                for each in items
                if _written(each) >= since.timestamp() and titles & _titles(each)
            ]
            if not items or (number + 1) * PAGE >= int(answer.get("total_count", 0)):
                break
        return max(found, key=_written, default={})

    def _uploaded(
        self, path: str, body: bytes, name: str, query: Sequence[tuple[str, str]] = ()
    ) -> str:
        kind = kind_of(body)
        file = f"picture.{kind.rpartition('/')[2]}"

        def send(token: str) -> Any:
            own = [("access_token", token), *query]
            return self._outgoing.file(f"{ROOT}/{path}", "media", file, body, kind, own)

        with _harmless():  # a second copy in the library is no harm
            return _text(self._answer(path, send), path, name)

    def _call(
        self, path: str, content: Mapping[str, Any], accepted: Sequence[int] = ()
    ) -> Mapping[str, Any]:
        def send(token: str) -> Any:
            return self._outgoing.json(f"{ROOT}/{path}", content, [("access_token", token)])

        return self._answer(path, send, accepted)

    def _answer(
        self, path: str, send: Callable[[str], Any], accepted: Sequence[int] = ()
    ) -> Mapping[str, Any]:
        """Return the answer to a request, sent once more where its token had expired.

        accepted: error codes that the caller reads itself.
        """
        for last in (False, True):
            token = self._kept.read() or self._fetched()
            answer = _mapping(send(token), path)
            code = _code(answer)
            log.info("WeChat: %s: %s", path, code or "ok")
            if not code or code in accepted:
                return answer
            if code not in EXPIRED or last:
                raise refusal(path, code, str(answer.get("errmsg")), (token, self._secret))
            self._kept.drop()
        raise AssertionError("unreachable: the second attempt returns or raises")

    def _fetched(self) -> str:
        """Return a new token, and keep it for as long as the platform says."""
        path, content = (
            "stable_token",
            {
                "grant_type": "client_credential",
                "appid": self._account,
                "secret": self._secret,
                "force_refresh": False,
            },
        )
        with _harmless():
            answer = _mapping(self._outgoing.json(f"{ROOT}/{path}", content), path)
            code = _code(answer)
            log.info("WeChat: %s: %s", path, code or "ok")
            if code:
                raise refusal(path, code, str(answer.get("errmsg")), (self._secret,))
            token, seconds = _text(answer, path, "access_token"), answer.get("expires_in")
        self._kept.keep(token, float(seconds) if isinstance(seconds, int | float) else 0.0)
        return token


def _mapping(answer: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(answer, dict):
        raise DeliveryError(f"{path}: the answer is no JSON object", unclear=True)
    return answer


def _code(answer: Mapping[str, Any]) -> int:
    code = answer.get("errcode", 0)
    return code if isinstance(code, int) else -1


def _text(answer: Mapping[str, Any], path: str, name: str) -> str:
    found = str(answer.get(name) or "")
    if not found:
        raise DeliveryError(f"{path}: the answer has no {name}", unclear=True)
    return found


def _titles(item: Mapping[str, Any]) -> set[str]:
    """Return the titles of a draft or a published message in a list."""
    news = (item.get("content") or {}).get("news_item") or []
    return {unescape(str(each.get("title", ""))).strip() for each in news}


def _written(item: Mapping[str, Any]) -> float:
    return float(item.get("update_time") or 0)


@contextmanager
def _harmless() -> Iterator[None]:
    """Let a request that may be sent twice without harm fail as one that did not arrive."""
    try:
        yield
    except DeliveryError as error:
        if not error.unclear:
            raise
        raise DeliveryError(str(error), worth_retrying=True) from error


@contextmanager
def _unclear(next_step: str) -> Iterator[None]:
    """Add to the error of a request that may have arrived what is done about it."""
    try:
        yield
    except DeliveryError as error:
        if not error.unclear:
            raise
        raise DeliveryError(f"{error}: {next_step}", unclear=True) from error
