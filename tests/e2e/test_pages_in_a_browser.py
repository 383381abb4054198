"""Does a person see it? Every page of the demonstration in a real browser, at a phone's, a desk's
and both screens' sizes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def opened(browser: Any, url: str, messages: list[str]) -> Iterator[Any]:
    """A page, loaded at a phone's size; what goes wrong while it is open goes into `messages`."""
    context = browser.new_context(
        viewport=dict(zip(("width", "height"), SIZES["phone"], strict=True)),
        reduced_motion="reduce",
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
    page.goto(url, wait_until="load")
    yield page
    context.close()


def resize(page: Any, size: str) -> None:
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))


def test_every_page_fits_every_size_names_itself_and_stays_on_its_host(
    browser: Any, site_url: str, demonstration: Path
) -> None:
    kept = os.environ.get("SCREENSHOTS")  # a folder to look at them in
    for path in pages_of(demonstration):
        messages: list[str] = []
        with opened(browser, f"{site_url}/current/{path}", messages) as page:
            text = page.evaluate("document.body.innerText")
            assert "演示数据" in text or "DEMONSTRATION" in text.upper(), path
            for size, (wide, high) in SIZES.items():
                resize(page, size)
                width, height = page.evaluate(
                    "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
                )
                assert width <= wide, f"{path} at {size}: scrolls sideways, {width} px wide"
                if path.startswith("display/") and size in ("landscape", "portrait"):
                    assert height <= high, f"{path} at {size}: a screen shows all, {height} px high"
                if kept:
                    page.screenshot(
                        path=Path(kept) / f"{path.replace('/', '_')}.{size}.png",
                        full_page=not path.startswith("display"),
                    )
        assert messages == [], path


def test_no_page_has_a_serious_accessibility_fault(
    browser: Any, site_url: str, demonstration: Path
) -> None:
    """A page in Chinese is looked at on a phone, the same page in English on a desk."""
    for path in pages_of(demonstration):
        size = "desk" if path.startswith("en/") else "phone"
        with opened(browser, f"{site_url}/current/{path}", []) as page:
            resize(page, size)
            found = Axe().run(page).response["violations"]

        serious = [
            (v["id"], v["nodes"][0]["html"][:200], len(v["nodes"]))
            for v in found
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == [], f"{path} at {size}"


def test_every_link_leads_somewhere(browser: Any, site_url: str, demonstration: Path) -> None:
    links: set[str] = set()
    for path in pages_of(demonstration):
        with opened(browser, f"{site_url}/current/{path}", []) as page:
            links |= set(
                page.evaluate(
                    "[...document.querySelectorAll('a[href]')].map(a => a.href.split('#')[0])"
                )
            )

    import requests

    dead = [url for url in sorted(links) if requests.head(url, timeout=10).status_code != 200]
    assert dead == []
