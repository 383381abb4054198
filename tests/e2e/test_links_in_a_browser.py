"""An archived page is older than the list of what is kept: its links to what is gone are taken
away in the browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.conftest import served
from tests.e2e.past_releases import issues, one_site, publish

pytestmark = pytest.mark.browser
LINKS = "[...document.querySelectorAll('a[href]')].map(a => a.href.split('#')[0])"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("kept")
    publish(one_site(site))
    return site


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with served(folder) as address:
        yield address


def links(browser: Any, address: str) -> list[str]:
    page = browser.new_page()
    page.goto(address, wait_until="networkidle")
    found: list[str] = page.evaluate(LINKS)
    page.close()
    return found


@pytest.mark.parametrize(
    "path", ["archive/index.html", "en/archive/index.html", "sites/lingshan/index.html"]
)
def test_an_archived_page_links_only_what_is_there(browser: Any, url: str, path: str) -> None:
    first, second, third = issues()

    for release in ("current", f"archive/{second.id}", f"archive/{third.id}"):
        found = links(browser, f"{url}/{release}/{path}")

        assert not any(first.id in link for link in found), release
        dead = [link for link in found if requests.head(link, timeout=10).status_code != 200]
        assert dead == [], release


def test_the_latest_issue_is_linked_by_its_first_page_where_a_site_is_gone(
    browser: Any, url: str, folder: Path
) -> None:
    _, second, _ = issues()
    release = folder / "archive" / second.id
    closed = release / "sites" / "closed"
    closed.mkdir(exist_ok=True)
    page = (release / "sites" / "lingshan" / "index.html").read_text(encoding="utf-8")
    (closed / "index.html").write_text(
        page.replace("sites/lingshan", "sites/closed"), encoding="utf-8"
    )

    kept = links(browser, f"{url}/archive/{second.id}/sites/lingshan/index.html")
    gone = links(browser, f"{url}/archive/{second.id}/sites/closed/index.html")

    assert f"{url}/current/sites/lingshan/index.html" in kept
    assert f"{url}/current/index.html" in gone
    assert not any("current/sites/closed" in link for link in gone)
