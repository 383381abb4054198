"""What every part of the web application works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import current_app, g

from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.world import World
from forecast.review import Account

KEY = "skyscape"  # of app.extensions
LISTENING = "listening"  # of app.extensions: the address at which a server listens


@dataclass(frozen=True, slots=True)
class WebContext:
    """The settings, the archive, the drafts and the clock of the application.

    world: returns what an issue is made with, with the models in force.
    """

    config: Config
    archive: Archive
    lifecycle: Lifecycle
    world: Callable[[], World]
    clock: Callable[[], datetime]


def context() -> WebContext:
    """Return the context of the application that serves this request."""
    found = current_app.extensions[KEY]
    assert isinstance(found, WebContext)
    return found


def account() -> Account | None:
    """Return who sends this request; None where nobody has entered."""
    found = g.get("account")
    return found if isinstance(found, Account) else None
