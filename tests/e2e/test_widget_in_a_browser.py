"""The card that other sites embed, in a frame of another site: is all of it seen in each theme,
and no number once it has expired?
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forecast.review import Review
from products.bulletin import Bulletin
from products.channels import render
from tests.e2e.conftest import served
from tests.e2e.sample_bulletin import sample_bulletin, sample_config
from tests.e2e.test_pages_in_a_browser import serious_faults

pytestmark = pytest.mark.browser

SITE = "lingshan"  # with a hazard
SMALLEST = (300, 200)


@pytest.fixture(scope="module")
def made() -> Bulletin:
    """An issue of which a card has the most to say."""
    config = sample_config()
    sites = tuple(site for site in config.sites if site.id == SITE)
    config = config.model_copy(update={"sites": sites})
    return sample_bulletin(config, Review(unreviewed=True, corrects=41, reason="云顶有误"))


@pytest.fixture(scope="module")
def url(made: Bulletin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("widget")
    for page in render(made, "widget"):
        path = folder / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page.body if isinstance(page.body, bytes) else page.body.encode())
    with served(folder) as address:
        yield address


@pytest.mark.parametrize("language", ["", "en/"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_smallest_card_shows_all_and_has_no_fault(
    browser: Any, made: Bulletin, url: str, language: str, theme: str
) -> None:
    page = browser.new_page(viewport={"width": SMALLEST[0], "height": SMALLEST[1]})
    page.clock.install(time=made.issue.issued)
    page.goto(f"{url}/{language}widget/{SITE}.html?theme={theme}", wait_until="load")

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(10, 15, 29)"}[theme]
    assert page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    ) == list(SMALLEST)
    assert serious_faults(page) == []
    page.close()


def test_a_card_in_a_frame_of_another_site_says_when_it_is_over_or_expired_and_shows_no_number(
    browser: Any, made: Bulletin, url: str
) -> None:
    page = browser.new_page()
    page.clock.install(time=made.issue.issued)
    page.set_content(f'<iframe src="{url}/widget/{SITE}.html" width="300" height="200"></iframe>')
    card = page.frame_locator("iframe")
    card.locator(".percent").wait_for()
    assert "46%" in card.locator("main").inner_text()

    page.clock.fast_forward(2 * 3600_000)
    assert "已结束" in card.locator("main").inner_text()
    assert "%" not in card.locator("main").inner_text()

    page.clock.fast_forward(int((made.expires_at - made.issue.issued).total_seconds()) * 1000)
    assert "预报已过期" in card.locator("main").inner_text()
    assert "%" not in card.locator("main").inner_text()
    page.close()
