"""Does an open screen learn that its issue is withdrawn, and can everybody read the notice?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from forecast.review import Review, Withdrawal
from products.publish import Publisher
from tests.e2e.conftest import served
from tests.e2e.past_releases import issues, one_site, publish

pytestmark = pytest.mark.browser

FIRST, SECOND, _ = issues()
AT = SECOND.issued + timedelta(minutes=15)
POLLED = 4 * 60e3  # [ms] longer than a screen waits before it asks again


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("withdrawn")
    publish(one_site(folder), 2, Review(person="王一", corrects=FIRST.number, reason="云顶有误"))
    return folder


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


def test_an_open_screen_and_an_open_page_learn_of_a_withdrawal_when_they_ask_again(
    browser: Any, site: Path, url: str
) -> None:
    screen = browser.new_page(viewport={"width": 1920, "height": 1080})
    screen.clock.install(time=AT)
    screen.goto(f"{url}/current/display/lingshan.html", wait_until="networkidle")
    assert "更正第40期" in screen.inner_text(".issue")
    assert "%" in screen.inner_text(".screen")

    page = browser.new_page()
    page.clock.install(time=AT)
    page.goto(f"{url}/current/en/index.html", wait_until="networkidle")
    assert not page.is_visible("[data-show=withdrawn]")

    publisher = Publisher(one_site(site))
    publisher.withdraw(SECOND, Withdrawal(AT, "王一", "山谷站资料有误", "wang"))
    for each in (screen, page):
        each.clock.fast_forward(POLLED)
    screen.wait_for_selector("body[data-state=withdrawn]", timeout=10_000)

    assert "预报已撤回" in screen.inner_text("h2")
    assert "山谷站资料有误" in screen.inner_text(".how")
    assert "%" not in screen.inner_text(".screen")
    page.wait_for_selector("[data-show=withdrawn]", state="visible", timeout=10_000)
    screen.close()
    page.close()


@pytest.mark.parametrize(
    ("path", "words", "size"),
    [
        ("current/index.html", "本期预报已撤回", (1366, 768)),
        ("current/en/archive/index.html", "This forecast has been withdrawn", (390, 844)),
        (f"archive/{SECOND.id}/en/index.html", "This forecast has been withdrawn", (1024, 768)),
        (f"archive/{FIRST.id}/index.html", "本期预报已更正", (390, 844)),
    ],
)
def test_the_notice_is_seen_first_and_by_everybody(
    browser: Any, site: Path, url: str, path: str, words: str, size: tuple[int, int]
) -> None:
    Publisher(one_site(site)).withdraw(SECOND, Withdrawal(AT, "王一", "山谷站资料有误", "wang"))
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(f"{url}/{path}", wait_until="networkidle")

    box = page.get_by_text(words).first.bounding_box()
    assert box["y"] + box["height"] < size[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    found = Axe().run(page).response["violations"]
    serious = [each["id"] for each in found if each["impact"] in ("serious", "critical")]
    assert serious == []
    page.close()
