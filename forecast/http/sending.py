"""Sending: requests that change something at the other side, such as a message to a group.

A request is sent once. What never reached the other side may be sent again; where it is unclear
whether it did (`DeliveryError.unclear`), the caller looks first, so that nobody gets it twice.
Addresses are named without their query, which often carries a key.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

from forecast.errors import DeliveryError
from forecast.http import Deadline, before_answer, reason_of, retry_after, shown
from forecast.settings import LOOPBACK

LONGEST = 1_000_000  # [byte] of an answer
CHUNK = 65536

Query = Sequence[tuple[str, str]]

logging.getLogger("urllib3").setLevel(logging.INFO)  # its DEBUG lines show addresses whole


class Outgoing:
    """Sends requests that change something to one address.

    timeout [s]: of the whole exchange.
    """

    def __init__(self, url: str, timeout: float = 20.0) -> None:
        self._url, self._timeout = url.rstrip("/"), timeout
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "skyscape"})
        self._session.trust_env = urlsplit(url).hostname not in LOOPBACK

    def json(
        self, path: str, content: Any, query: Query = (), headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send JSON, its text as UTF-8, not escaped; return the JSON of the answer.

        Raises: DeliveryError.
        """
        body = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
        kind = {"Content-Type": "application/json; charset=utf-8"}
        answer = self.send(path, query, data=body, headers={**kind, **(headers or {})})
        return parsed(answer, shown(self._url + path))

    def file(
        self, path: str, field: str, name: str, body: bytes, kind: str, query: Query = ()
    ) -> Any:
        """Send a file as a form field; return the JSON of the answer. Raises: DeliveryError."""
        answer = self.send(path, query, files={field: (name, body, kind)})
        return parsed(answer, shown(self._url + path))

    def send(self, path: str, query: Query = (), **content: Any) -> bytes:
        """Send one POST request and return the body of an answer with a status of success.

        Raises: DeliveryError, `unclear` where the request may have been carried out.
        """
        where = shown(self._url + path)
        deadline = Deadline(self._timeout)
        try:
            with self._session.post(
                self._url + path,
                params=list(query),
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,
                **content,
            ) as response:
                body = b""
                for piece in response.iter_content(CHUNK):
                    body += piece
                    if len(body) > LONGEST or deadline.left() <= 0:
                        raise DeliveryError(f"{where}: the answer does not end", unclear=True)
                return _checked(response, body, where)
        except (requests.RequestException, OSError) as error:
            raise DeliveryError(
                f"{where}: the connection failed ({reason_of(error)})",
                unclear=not before_answer(error),
                worth_retrying=True,
            ) from error


def _checked(response: requests.Response, body: bytes, where: str) -> bytes:
    status = response.status_code
    if 200 <= status < 300:
        return body
    after = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
    busy = status >= 500 or status in (408, 425, 429)
    raise DeliveryError(
        f"{where}: refused with status {status}",
        unclear=status >= 500 and status != 503,
        worth_retrying=busy,
        retry_after=after,
    )


def parsed(body: bytes, where: str) -> Any:
    """Return the JSON of an answer. Raises: DeliveryError, unclear, where it is none."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise DeliveryError(f"{where}: the answer is no JSON", unclear=True) from error
