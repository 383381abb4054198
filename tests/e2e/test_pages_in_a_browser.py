"""Does a person see it? Every page of the demonstration in a real browser, at a phone's, a desk's
and both screens' sizes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.conftest import NOW

SIZES = {
    "phone": (390, 844),
    "desk": (1280, 800),
    "landscape": (1920, 1080),
    "portrait": (1080, 1920),
}

ENGLISH_CHECKED = {"en/index.html", "en/sites/lingshan/index.html"}

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


@dataclass(frozen=True)
class Seen:
    """What a browser found on one page: its text, its (width, height) by size, the links, what the
    console and the network complained of, and the serious accessibility faults.
    """

    text: str
    extent: dict[str, tuple[int, int]]
    links: frozenset[str]
    messages: list[str]
    faults: list[tuple[str, str, int]]


@pytest.fixture(scope="module")
def seen(browser: Any, site_url: str, demonstration: Path) -> dict[str, Seen]:
    """What was found on every page, each loaded once.

    A page in Chinese is checked for accessibility on a phone; of those in English, which have the
    same templates, the index and the first site on a desk.
    """
    kept = os.environ.get("SCREENSHOTS")  # a folder to look at them in
    found: dict[str, Seen] = {}
    for path in pages_of(demonstration):
        messages: list[str] = []
        with opened(browser, f"{site_url}/current/{path}", messages) as page:
            text = page.evaluate("document.body.innerText")
            links = page.evaluate(
                "[...document.querySelectorAll('a[href]')].map(a => a.href.split('#')[0])"
                ".filter(link => link.startsWith('http'))"
            )
            english = path.startswith("en/")
            checked = not english or path in ENGLISH_CHECKED
            extent: dict[str, tuple[int, int]] = {}
            faults: list[tuple[str, str, int]] = []
            for size in SIZES:
                resize(page, size)
                width, height = page.evaluate(
                    "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
                )
                extent[size] = (width, height)
                if kept:
                    page.screenshot(
                        path=Path(kept) / f"{path.replace('/', '_')}.{size}.png",
                        full_page=not path.startswith("display"),
                    )
                if checked and size == ("desk" if english else "phone"):
                    faults = serious_faults(page)
        found[path] = Seen(text, extent, frozenset(links), messages, faults)
    return found


def serious_faults(page: Any) -> list[tuple[str, str, int]]:
    """Return the serious faults that axe-core finds: rule, first element, number of elements."""
    return [
        (v["id"], v["nodes"][0]["html"][:200], len(v["nodes"]))
        for v in Axe().run(page).response["violations"]
        if v["impact"] in ("serious", "critical")
    ]


def test_every_page_names_itself_and_stays_on_its_host(seen: dict[str, Seen]) -> None:
    assert seen.keys() >= ENGLISH_CHECKED
    for path, page in seen.items():
        assert "演示数据" in page.text or "DEMONSTRATION" in page.text.upper(), path
        assert page.messages == [], path


@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_every_size(seen: dict[str, Seen], size: str) -> None:
    wide, high = SIZES[size]
    for path, page in seen.items():
        width, height = page.extent[size]
        assert width <= wide, f"{path}: scrolls sideways, {width} px wide"
        if path.startswith("display/") and size in ("landscape", "portrait"):
            assert height <= high, f"{path}: a screen shows all, {height} px high"


def test_no_page_has_a_serious_accessibility_fault(seen: dict[str, Seen]) -> None:
    assert {path: page.faults for path, page in seen.items() if page.faults} == {}


def test_every_link_leads_somewhere(seen: dict[str, Seen], site_url: str) -> None:
    links = set().union(*(page.links for page in seen.values()))

    dead = [url for url in sorted(links) if requests.head(url, timeout=10).status_code != 200]

    assert f"{site_url}/current/en/archive/index.html" in links
    assert dead == []


def test_a_calendars_address_is_made_from_choices_and_every_calendar_is_listed_without_a_script(
    browser: Any, site_url: str
) -> None:
    messages: list[str] = []
    with opened(browser, f"{site_url}/current/subscribe/index.html#jinding", messages) as page:
        page.select_option("#chance", "-70")
        page.check("#alarm")
        address = page.locator("#address").input_value()
        opening = page.locator("#open").get_attribute("href")
        page.click("#copy")
        page.wait_for_function("document.getElementById('copied').textContent")
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"{site_url}/current/subscribe/index.html")
    hidden = plain.locator("#choose").is_hidden()
    listed = [link.get_attribute("href") for link in plain.locator("td a").all()]
    context.close()

    assert address == f"{site_url}/current/calendar/jinding-70-alarm.ics"
    assert opening == address.replace("http:", "webcal:")
    assert requests.get(address, timeout=10).text.startswith("BEGIN:VCALENDAR")
    assert hidden
    assert "../calendar/jinding-70-alarm.ics" in listed
    assert messages == []
