"""The web application on a small world of one site, with a clock that tests move."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from forecast.archive.accounts import Accounts
from forecast.config import Config
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.world import World
from forecast.review import Draft
from forecast.service.web.application import create_application
from forecast.service.web.context import WebContext
from tests.faults.one_site import RUN, small, world

NOW = RUN + timedelta(hours=5)
HOUR = RUN + timedelta(hours=5, minutes=30)
PASSWORD = "seven larches above the river"
KEY = b"a key of thirty-two bytes, for tests"
# account -> name, role
PEOPLE = {
    "wang": ("王一", "forecaster"),
    "li": ("李二", "editor"),
    "zhao": ("赵三", "ranger_manager"),
    "admin": ("钱四", "administrator"),
}


@dataclass
class WebWorld:
    """An application, what it works on, and its clock. `reader.read_atmosphere` must be patched."""

    world: World
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.context = WebContext(
            self.world.config,
            self.world.archive,
            self.lifecycle,
            lambda: self.world,
            lambda: self.now,
        )
        self.application: Flask = create_application(self.context, KEY)
        self.application.testing = False

    def add_people(self, *who: str) -> None:
        """Add accounts of PEOPLE (default: all) with PASSWORD."""
        for account in who or PEOPLE:
            name, role = PEOPLE[account]
            Accounts(self.world.archive).add(account, name, role, PASSWORD, self.now)

    def draft(self) -> Draft:
        """Make tonight's draft."""
        return self.lifecycle.make_draft(self.world, self.now, HOUR)

    def client(self, account: str = "") -> FlaskClient:
        """Return a browser, signed in as an account where one is named."""
        client = self.application.test_client()
        if account:
            assert sign_in(client, account).status_code == 303
        return client


def web_world(config: Config, folder: Path, review: str = "optional", **service: Any) -> WebWorld:
    """Return the application on one site; `service`: settings of service.web."""
    settings = small(config, folder)
    updates: dict[str, Any] = {"issue": settings.issue.model_copy(update={"review": review})}
    if service:
        web = settings.web.model_copy(update=service)
        updates["service"] = settings.service.model_copy(update={"web": web})
    return WebWorld(world(settings.model_copy(update=updates), RUN))


def token_of(page: str) -> str:
    """Return the CSRF token of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None, page[:500]
    return found.group(1)


def csrf_of(client: FlaskClient, path: str = "/desk/login") -> str:
    """Return the token of a browser's session."""
    with client.session_transaction() as session:
        if "csrf" in session:
            return str(session["csrf"])
    return token_of(client.get(path).get_data(as_text=True))


def sign_in(client: FlaskClient, account: str, password: str = PASSWORD, **form: str) -> Any:
    """Send the login form; return the answer."""
    content = {"csrf": csrf_of(client), "account": account, "password": password, **form}
    return client.post("/desk/login", data=content)
