"""The web application with all sites of the settings, for reports; nothing is forecast."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from forecast.config import Config
from tests.faults.one_site import RUN, small, world
from tests.web_world import WebWorld, csrf_of

MORNING = datetime(2026, 11, 30, 23, 42, tzinfo=UTC)  # 07:42 on 1 December in Beijing


def report_settings(config: Config, folder: Path, visitors: bool = False) -> Config:
    """Return settings with every site and an archive in `folder`."""
    reports = config.reports.model_copy(update={"visitors": visitors})
    learning = config.learning.model_copy(update={"folder": folder / "models"})
    return small(config, folder).model_copy(
        update={"sites": config.sites, "reports": reports, "learning": learning}
    )


def report_world(
    config: Config, folder: Path, visitors: bool = False, people: Sequence[str] = ("admin",)
) -> WebWorld:
    """Return the application as of MORNING, with some accounts of web_world.PEOPLE."""
    found = WebWorld(world(report_settings(config, folder, visitors), RUN), now=MORNING)
    if people:
        found.add_people(*people)
    return found


def make_link(desk: FlaskClient, site: str = "jinding", holder: str = "李护林") -> str:
    """Make a link at the desk; return the path of its address."""
    form = {"csrf": csrf_of(desk), "site": site, "holder": holder}
    made = desk.post("/desk/links", data=form)
    assert made.status_code == 303, made.get_data(as_text=True)[-800:]
    page = desk.get(made.headers["Location"]).get_data(as_text=True)
    found = re.search(r'class="address">https?://[^/]+(/[^<]+)', page)
    assert found is not None
    return found.group(1)


def answers(**given: Any) -> dict[str, Any]:
    """Return the form of a report from Jinding with an id of its own."""
    return {"id": str(uuid.uuid4()), "site": "jinding", **given}
