"""Do tiles stay fresh between two issues, and honest when nothing comes? Real pages, a real
browser, a clock that the test sets.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from forecast.config import Config
from products.channels import render
from products.pages.current_observations import FILE, document
from tests import synthetic
from tests.e2e.conftest import served
from tests.e2e.look_at_screens import bulletin
from tests.station_data import current_observations, with_stations

NOW = synthetic.ISSUED
SITE, INDEX, SCREEN = "sites/lingshan/index.html", "index.html", "display/lingshan.html"
SIZES = {
    "phone": (390, 844),
    "desk": (1440, 900),
    "landscape": (1920, 1080),
    "portrait": (1080, 1920),
}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stations(config: Config) -> Config:
    settings = with_stations(config)
    return settings.model_copy(update={"sites": settings.sites[:1]})


@pytest.fixture(scope="module")
def release(stations: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of one issue, with what was measured then."""
    folder, made = (
        tmp_path_factory.mktemp("release"),
        bulletin(stations, current_observations(stations, NOW)),
    )
    for page in (page for channel in ("web", "display") for page in render(made, channel)):
        path = folder / made.issue.id / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page.body if isinstance(page.body, bytes) else page.body.encode())
    return folder / made.issue.id


@pytest.fixture
def folder(release: Path, stations: Config, tmp_path: Path) -> Path:
    """An output folder with the release in force, and live.json an hour newer."""
    shutil.copytree(release, tmp_path / "archive" / release.name)
    (tmp_path / "current").symlink_to(Path("archive") / release.name)
    measure(tmp_path, stations, NOW + timedelta(hours=1), 271.15, 8.4e8)
    return tmp_path


def measure(folder: Path, config: Config, at: datetime, temperature: float, ions: float) -> None:
    """Write live.json with the time `at`."""
    content = json.loads(json.dumps(document(current_observations(config, at), config, at)))
    for tile in content["tiles"]:
        for reading in tile["readings"]:
            if reading["id"] == "air_temperature":
                reading["text"] = {
                    "zh": f"{temperature - 273.15:.0f} ℃",
                    "en": f"{temperature - 273.15:.0f} °C",
                }
            if reading["id"] == "negative_oxygen_ions":
                reading["text"] = {"zh": f"{ions / 1e6:.0f} 个/cm³", "en": f"{ions / 1e6:.0f} /cm³"}
    (folder / FILE).write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    with served(folder) as address:
        yield address


def opened(
    browser: Any, address: str, now: datetime, size: str = "desk", wait: Any = "load"
) -> Any:
    width, height = SIZES[size]
    page = browser.new_context(
        viewport={"width": width, "height": height}, reduced_motion="reduce"
    ).new_page()
    page.clock.install(time=now)
    page.goto(address, wait_until=wait)
    return page


def visible_text(page: Any) -> str:
    """What a reader sees of the tiles."""
    return str(
        page.evaluate(
            "[...document.querySelectorAll('[data-tile]')].map(e => e.innerText).join(' ')"
        )
    )


@pytest.mark.parametrize(
    ("path", "size"),
    [(SITE, "phone"), (INDEX, "desk"), (SCREEN, "landscape"), (f"en/{SITE}", "desk")],
)
def test_a_page_shows_what_is_measured_now_though_it_was_issued_before(
    browser: Any, url: str, path: str, size: str
) -> None:
    page = opened(browser, f"{url}/current/{path}", NOW + timedelta(hours=1), size)
    if path == SCREEN:  # until the face of the stations is shown
        expect(page.locator("[data-tile]").filter(has_text="840").first).to_be_hidden()
        page.clock.run_for(61_000)

    expect(page.locator("[data-tile]").filter(has_text="840").first).to_be_visible()

    assert "-2" in visible_text(page)
    assert "2340" not in visible_text(page)
    assert ("17:00" if path.startswith("en/") else "17时00分") in visible_text(page)
    page.context.close()


def test_an_open_page_takes_the_next_value_by_itself(
    browser: Any, url: str, folder: Path, stations: Config
) -> None:
    page = opened(browser, f"{url}/current/{SITE}", NOW + timedelta(hours=1))
    measure(folder, stations, NOW + timedelta(hours=1, minutes=5), 274.15, 3.1e9)

    page.clock.run_for(150_000)  # it requests every two minutes
    expect(page.locator("[data-tile]").first).to_contain_text("3100")

    assert "17时05分" in visible_text(page)
    content = [
        tile["trend"] for tile in json.loads((folder / FILE).read_text(encoding="utf-8"))["tiles"]
    ]
    lines, captions = (
        page.locator("[data-tile] .trend-line"),
        page.locator("[data-tile] [data-caption]"),
    )
    assert [line.get_attribute("d") for line in lines.all()] == [each["path"] for each in content]
    assert captions.all_text_contents() == [each["text"]["zh"] for each in content]
    page.context.close()


@pytest.mark.parametrize("path", [SITE, INDEX, SCREEN])
def test_when_nothing_comes_any_more_a_page_says_since_when_by_its_own_clock(
    browser: Any, url: str, folder: Path, path: str
) -> None:
    page = opened(browser, f"{url}/current/{path}", NOW + timedelta(hours=1))
    for tile in page.locator("[data-tile]").all():
        expect(tile).to_contain_text("17时")
    (folder / FILE).unlink()

    page.clock.run_for(1000 * 60 * 85)  # the values are ten minutes old already: 95 in all
    expect(page.locator("[data-tile]").first).to_contain_class("is-old")

    assert "自11月22日17时00分起无数据" in visible_text(page)
    assert "℃" not in visible_text(page)
    assert "个/cm³" not in visible_text(page)
    page.context.close()


def test_an_archived_copy_stays_as_it_was_issued(browser: Any, url: str) -> None:
    page = opened(browser, f"{url}/archive/gfs-2026112200/{SITE}", NOW + timedelta(days=30))

    page.clock.run_for(200_000)

    assert "2340" in visible_text(page)
    assert "11月22日16时00分观测" in visible_text(page)
    page.context.close()


def test_from_a_file_the_values_stand_until_the_clock_calls_them_old(
    browser: Any, folder: Path
) -> None:
    address = (
        (folder / "current" / SCREEN)
        .resolve()
        .as_uri()
        .replace("/archive/gfs-2026112200/", "/stick/")
    )
    shutil.copytree(folder / "archive" / "gfs-2026112200", folder / "stick")
    page = opened(browser, address, NOW, "landscape")
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))

    assert "2340" in visible_text(page)
    page.clock.run_for(1000 * 60 * 100)

    assert "2340" not in visible_text(page)
    assert messages == []
    page.context.close()


def test_what_live_json_says_is_text_and_never_markup(
    browser: Any, url: str, folder: Path, stations: Config
) -> None:
    content = document(current_observations(stations, NOW), stations, NOW)
    content["tiles"][0]["readings"][0]["text"] = {"zh": "<img src=x onerror=alert(1)>", "en": "x"}
    (folder / FILE).write_text(json.dumps(content), encoding="utf-8")

    page = opened(browser, f"{url}/current/{SITE}", NOW)
    expect(page.locator("[data-tile]").first).to_contain_text("onerror")

    assert page.query_selector("[data-tile] img") is None
    page.context.close()


@pytest.mark.parametrize("age", [0, 24])
@pytest.mark.parametrize("size", ["landscape", "portrait"])
def test_a_screen_with_tiles_shows_everything_without_cutting(
    browser: Any, url: str, size: str, age: int
) -> None:
    for path in (SCREEN, f"en/{SCREEN}"):
        page = opened(
            browser, f"{url}/current/{path}", NOW + timedelta(hours=1), size, "networkidle"
        )
        page.clock.run_for(age * 1000 * 60 * 10)
        outside = page.evaluate(
            """[...document.querySelectorAll('.screen :not(.scene, .scene *)')]
                .filter(e => e.checkVisibility())
                .filter(e => {
                const box = e.getBoundingClientRect();
                return box.left < 0 || box.top < 0
                    || box.right > innerWidth || box.bottom > innerHeight;
            }).map(e => e.outerHTML.slice(0, 80))"""
        )
        assert outside == [], path
        page.context.close()


@pytest.mark.parametrize(("size", "hours"), [("phone", 1), ("desk", 30)])
def test_tiles_have_no_serious_accessibility_fault_and_scroll_nowhere(
    browser: Any, url: str, size: str, hours: int
) -> None:
    for path in (SITE, INDEX):
        page = opened(
            browser, f"{url}/current/{path}", NOW + timedelta(hours=hours), size, "networkidle"
        )

        found = Axe().run(page, context="[data-live]").response["violations"]

        assert [
            (v["id"], v["nodes"][0]["html"][:200])
            for v in found
            if v["impact"] in ("serious", "critical")
        ] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], path
        page.context.close()
