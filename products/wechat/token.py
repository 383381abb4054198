"""The access token of an account, kept in a file that only its owner can read.

Why a file: the token is a secret, so it stands neither in the archive nor where pages are served.
Why no lock of its own: only one process delivers at a time (forecast/issue/deliver.py).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from forecast.files import make_private, write_whole

log = logging.getLogger(__name__)

NAME = "wechat-token.json"
MARGIN = timedelta(seconds=60)  # before its end a token is not used any more
# none lives longer; a file that claims more was written by a wrong clock
LONGEST = timedelta(seconds=7200)


@dataclass(frozen=True, slots=True)
class KeptToken:
    """The token of one account at one moment."""

    folder: Path
    account: str
    now: datetime

    def read(self) -> str:
        """Return the token; "" where there is none, or it is about to end."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            until = datetime.fromisoformat(found["until"])
            token, account = str(found["token"]), found["account"]
            left = until - self.now
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        return token if account == self.account and MARGIN < left <= LONGEST else ""

    def keep(self, token: str, seconds: float) -> None:
        """Keep a token for as long as the platform says. A disk that refuses is logged."""
        until = self.now + min(timedelta(seconds=seconds), LONGEST)
        self._write({"account": self.account, "token": token, "until": until.isoformat()})

    def drop(self) -> None:
        """Forget the token."""
        self._write({})

    def _write(self, content: Mapping[str, str]) -> None:
        try:
            make_private(self.folder, folder=True)
            write_whole(self._path, json.dumps(content), private=True)
        except OSError as error:
            log.warning("%s: the token is not kept (%s); it is fetched anew each time",
                        self._path, error.strerror)  # fmt: skip

    @property
    def _path(self) -> Path:
        return self.folder / NAME
