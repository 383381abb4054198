"""Does a person see it? Every page of the demonstration in a real browser, at a phone's, a desk's
and both screens' sizes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.conftest import NOW

SIZES = {
    "phone": (390, 844),
    "desk": (1280, 800),
    "landscape": (1920, 1080),
    "portrait": (1080, 1920),
}

pytestmark = pytest.mark.browser


def pages_of(site: Path) -> list[str]:
    """Every page of the release in force, as a path below `current`."""
    release = (site / "current").resolve()
    return sorted(str(path.relative_to(release)) for path in release.rglob("*.html"))


def open_page(browser: Any, url: str, size: tuple[int, int], messages: list[str]) -> Any:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.clock.set_fixed_time(NOW)
    host = url.split("/current/")[0]

    def record(shown: str, wrong: bool) -> None:
        if wrong:
            messages.append(shown)

    page.on(
        "console",
        lambda message: record(
            f"console {message.type}: {message.text}", message.type in ("error", "warning")
        ),
    )
    page.on("pageerror", lambda error: record(f"page error: {error}", wrong=True))
    page.on(
        "request",
        lambda request: record(
            f"off the host: {request.url}", not request.url.startswith((host, "data:"))
        ),
    )
    page.on(
        "response",
        lambda response: record(f"{response.status}: {response.url}", response.status >= 400),
    )
    page.goto(url, wait_until="networkidle")
    return page


@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_names_itself_and_stays_on_its_host(
    browser: Any, site_url: str, demonstration: Path, size: str
) -> None:
    kept = os.environ.get("SCREENSHOTS")  # a folder to look at them in
    for path in pages_of(demonstration):
        messages: list[str] = []

        page = open_page(browser, f"{site_url}/current/{path}", SIZES[size], messages)

        assert messages == [], f"{path} at {size}"
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= SIZES[size][0], f"{path} at {size}: scrolls sideways, {width} px wide"
        text = page.evaluate("document.body.innerText")
        assert "演示数据" in text or "DEMONSTRATION" in text.upper(), path
        if kept:
            page.screenshot(
                path=Path(kept) / f"{path.replace('/', '_')}.{size}.png",
                full_page=not path.startswith("display"),
            )
        page.context.close()


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_no_page_has_a_serious_accessibility_fault(
    browser: Any, site_url: str, demonstration: Path, size: str
) -> None:
    for path in pages_of(demonstration):
        page = open_page(browser, f"{site_url}/current/{path}", SIZES[size], [])

        found = Axe().run(page).response["violations"]

        serious = [
            (v["id"], v["nodes"][0]["html"][:200], len(v["nodes"]))
            for v in found
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == [], f"{path} at {size}"
        page.context.close()


@pytest.mark.parametrize("size", ["landscape", "portrait"])
def test_a_screen_shows_everything_without_scrolling(
    browser: Any, site_url: str, demonstration: Path, size: str
) -> None:
    for path in (p for p in pages_of(demonstration) if p.startswith("display/")):
        page = open_page(browser, f"{site_url}/current/{path}", SIZES[size], [])

        height = page.evaluate("document.documentElement.scrollHeight")

        assert height <= SIZES[size][1], f"{path}: {height} px high"
        page.context.close()


def test_every_link_leads_somewhere(browser: Any, site_url: str, demonstration: Path) -> None:
    links: set[str] = set()
    for path in pages_of(demonstration):
        page = open_page(browser, f"{site_url}/current/{path}", SIZES["desk"], [])
        links |= set(
            page.evaluate(
                "[...document.querySelectorAll('a[href]')].map(a => a.href.split('#')[0])"
            )
        )
        page.context.close()

    import requests

    dead = [url for url in sorted(links) if requests.head(url, timeout=10).status_code != 200]
    assert dead == []
