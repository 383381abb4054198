"""A name of 58 letters without a space is broken into lines: no page, article or screen is pushed
sideways.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from forecast.config import Config
from forecast.domain import Name
from forecast.review import Review
from forecast.settings import NameSettings
from tests.e2e.conftest import served
from tests.e2e.sample_bulletin import sample_config, write_site

pytestmark = pytest.mark.browser

# a village in Wales, 58 letters: the longest name of a place in one word in Europe
LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"
SIZES = {"phone": (390, 844), "desk": (1280, 800), "landscape": (1920, 1080)}
PAGES = (
    "index.html", "en/index.html", "sites/lingshan/index.html", "en/sites/lingshan/index.html",
    "archive/index.html", "en/archive/index.html", "en/verification/index.html",
    "en/models/index.html", "wechat/article.html", "en/wechat/article.html",
    "display/lingshan.html", "en/display/lingshan.html",
)  # fmt: skip


def long_names() -> Config:
    """Return settings in which every name that readers see has 58 letters."""
    config, name = sample_config(), NameSettings(zh=LONG, en=LONG)
    sites = tuple(
        site.model_copy(update={"name": name, "brand": name, "place": name, "safety": name})
        for site in config.sites
    )
    return config.model_copy(
        update={
            "sites": sites,
            "service": config.service.model_copy(update={"title": name, "district": name}),
            "issuer": config.issuer.model_copy(update={"bodies": (name, name)}),
        }
    )


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("long")
    review = Review(person=LONG[:40], comment=Name(LONG * 5, LONG * 5), corrects=4, reason=LONG * 3)
    write_site(folder / "current", long_names(), review)
    with served(folder) as address:
        yield f"{address}/current"


# what reaches beyond the window, but not within a box that scrolls by itself
BEYOND = """() => [...document.querySelectorAll('body *')].filter((part) => {
  const box = part.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !part.closest('.scroll, .spoken, .skip, svg');
}).map((part) => `${part.tagName}.${part.className} ${part.textContent.trim().slice(0, 40)}`)"""


def test_a_name_of_58_letters_pushes_no_page_sideways(browser: Any, url: str) -> None:
    assert len(LONG) == 58
    page = browser.new_page()
    for path in PAGES:
        page.goto(f"{url}/{path}", wait_until="load")
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})

            wide = page.evaluate("document.documentElement.scrollWidth")
            beyond = page.evaluate(BEYOND)

            assert wide <= width, f"{path} at {size}: {wide} px wide"
            assert beyond == [], f"{path} at {size}"
    page.close()
