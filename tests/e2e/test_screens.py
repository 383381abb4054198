"""Does a screen that nobody tends stay honest and legible? Made-up forecasts, the real pages, a
real browser and a clock that the test sets.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.config import Config, build_config, default_path
from forecast.settings import Channel
from products.bulletin import Bulletin
from products.channels import render
from tests import synthetic
from tests.e2e.conftest import served
from tests.e2e.look_at_screens import bulletin
from tests.station_data import current_observations, with_stations

SIZES = [(1920, 1080), (1080, 1920)]
EXPIRES = synthetic.ISSUED + timedelta(hours=15)
FACE = 20_500  # [ms] in which the next face has taken its place
FACES = ["tonight", "week", "night", "now", "others"]
# Of the height. On a panel of 55 inches letters of 3.65 % are read with ease at ten metres, letters
# of 2.43 % at all. What is for the staff, or said elsewhere in larger letters, may be as small.
EASE, LEAST = 3.65, 2.43
QUIET = ".issue span, small, footer, .place *, .observed *, figcaption"
MEASURED = """(quiet) => [...document.querySelectorAll('.screen *, .expired *, .updating *')]
    .filter(e => e.checkVisibility() && !e.closest('.spoken'))
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .map(e => [e.outerHTML.slice(0, 60), e.matches(quiet),
               100 * parseFloat(getComputedStyle(e).fontSize) / innerHeight])"""
OUTSIDE = """() => [...document.querySelectorAll('.screen :not(.scene *)')]
    .filter(e => e.checkVisibility() && !e.closest('.spoken')).filter(e => {
        const box = e.getBoundingClientRect();
        return box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight;
    }).map(e => e.outerHTML.slice(0, 80))"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def made(config: Config) -> Bulletin:
    """An issue with stations, so that every face is there."""
    settings = with_stations(config)
    named = ("lingshan", "jinding", "baihuashan")
    sites = tuple(site for site in settings.sites if site.id in named)
    settings = settings.model_copy(update={"sites": sites})
    return bulletin(settings, current_observations(settings, synthetic.ISSUED))


@pytest.fixture(scope="module")
def screens(made: Bulletin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The screens of every site, in a folder as a stick would carry them."""
    return _written(made, tmp_path_factory.mktemp("screens"))


def _written(made: Bulletin, folder: Path, *further: Channel) -> Path:
    for channel in ("display", *further):
        for page in render(made, channel):
            path = folder / page.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(page.body if isinstance(page.body, bytes) else page.body.encode())
    return folder


def _opened(browser: Any, path: Path, now: datetime, size: tuple[int, int] = SIZES[0]) -> Any:
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.clock.install(time=now)
    page.goto(path.as_uri())
    return page


def _shown(page: Any, selector: str) -> str:
    """The text of the elements that a viewer sees."""
    visible = f"[...document.querySelectorAll({selector!r})].filter(e => e.checkVisibility())"
    return " ".join(page.evaluate(f"{visible}.map(e => e.innerText).join(' ')").split())


def test_a_screen_turns_to_the_next_window_when_one_is_over(browser: Any, screens: Path) -> None:
    path = screens / "display" / "lingshan.html"

    before = _opened(browser, path, synthetic.utc("22 16:30"))
    after = _opened(browser, path, synthetic.utc("22 18:00"))

    assert "晚霞" in _shown(before, "h2")
    assert "星空" in _shown(after, "h2")
    assert "晚霞" not in _shown(after, "h2")


def test_an_old_forecast_is_never_shown_as_a_new_one(browser: Any, screens: Path) -> None:
    page = _opened(browser, screens / "display" / "jinding.html", EXPIRES - timedelta(minutes=1))
    assert not _shown(page, ".expired, .updating")

    page.clock.run_for(120_000)
    assert "预报已过期 数据已15小时未更新" in _shown(page, ".expired")
    page.clock.run_for(FACE)
    assert page.evaluate("document.querySelector('.screen').dataset.now") == "tonight"

    page.clock.set_fixed_time(synthetic.ISSUED + timedelta(hours=75, minutes=5))
    page.clock.run_for(FACE)
    assert "暂无有效预报" in _shown(page, ".updating")
    assert "数据已75小时未更新" in _shown(page, ".updating")
    assert "%" not in _shown(page, "body *")


@pytest.mark.parametrize("language", ["", "en"])
@pytest.mark.parametrize("size", SIZES)
def test_every_face_is_shown_in_turn_and_is_read_at_ten_metres(
    browser: Any, screens: Path, language: str, size: tuple[int, int]
) -> None:
    path = screens / language / "display" / "lingshan.html"
    page = _opened(browser, path, synthetic.utc("22 16:30"), size)
    turned = []
    for _ in FACES:
        turned.append(page.evaluate("document.querySelector('.screen').dataset.now"))
        measured = page.evaluate(MEASURED, QUIET)
        small = [each for each in measured if each[2] < (LEAST if each[1] else EASE)]
        assert small == [], turned[-1]
        assert page.evaluate(OUTSIDE) == [], turned[-1]
        assert page.locator(".issue").is_visible()
        assert page.locator(".safety").is_visible()
        assert "rgb(255, 255, 255)" not in page.evaluate(
            "[...document.querySelectorAll('*')].map(e => getComputedStyle(e).backgroundColor + "
            "getComputedStyle(e).color).join()"
        )
        page.clock.run_for(FACE)

    assert turned == FACES
    assert page.evaluate("document.querySelector('.screen').dataset.now") == "tonight"
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_off_however_long_the_names(
    browser: Any, config: Config, tmp_path: Path, size: tuple[int, int]
) -> None:
    settings = config.model_dump(mode="json")
    settings["sites"] = [
        site for site in settings["sites"] if site["id"] in ("jinding", "jiangshuihe")
    ]
    # names of one length that differ: two sites of one name are refused
    for site, town, water in zip(settings["sites"], "镇乡", ("river", "brook"), strict=True):
        site["name"] = {
            "zh": f"门头沟区清水{town}" * 3,
            "en": f"The long ridge above the Qingshui {water} " * 2,
        }
    folder = _written(bulletin(build_config(settings, {}, str(default_path()))), tmp_path)

    for path in sorted(folder.rglob("display/*.html")):
        page = _opened(browser, path, synthetic.ISSUED, size)
        for _ in range(4):
            assert page.evaluate(OUTSIDE) == [], path.name
            page.clock.run_for(FACE)
        page.context.close()


def test_a_screen_opened_from_a_stick_is_silent(browser: Any, screens: Path) -> None:
    page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))

    page.goto((screens / "en" / "display" / "baihuashan.html").as_uri(), wait_until="load")

    assert messages == []


def test_a_new_issue_takes_its_place_without_an_empty_frame(
    browser: Any, made: Bulletin, tmp_path: Path
) -> None:
    _written(made, tmp_path)
    with served(tmp_path) as url:
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.clock.install(time=made.issue.issued)
        page.goto(f"{url}/display/lingshan.html", wait_until="networkidle")
        page.evaluate(
            """() => { window.seen = [];
            new MutationObserver(() => {
                const faces = [...document.querySelectorAll('.face')];
                window.seen.push([document.body.dataset.issue,
                    faces.filter(e => e.checkVisibility() && e.innerText.trim().length > 5).length,
                    getComputedStyle(document.documentElement).backgroundColor]);
            }).observe(document.documentElement,
                { childList: true, subtree: true, attributes: true }); }"""
        )
        later = replace(made.issue, id="gfs-2026112206", number=made.issue.number + 1)
        _written(replace(made, issue=later), tmp_path)
        for _ in range(10):
            page.clock.run_for(20_000)
        page.wait_for_selector("body[data-issue=gfs-2026112206]", timeout=10_000)
        # what a frame can show is the state after a change; `seen` is lost where a page is loaded
        seen = page.evaluate("window.seen")
        assert {issue for issue, *_ in seen} == {made.issue.id, "gfs-2026112206"}
        assert {(faces, ground) for _, faces, ground in seen} == {(1, "rgb(10, 15, 29)")}
        page.close()


@pytest.fixture(scope="module")
def unplugged(
    made: Bulletin, browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, str]]:
    """A browser that has seen a screen, a page and an archived copy, and whose server is gone."""
    folder = tmp_path_factory.mktemp("kept")
    _written(made, folder / "archive" / made.issue.id, "web")
    (folder / "current").symlink_to(folder / "archive" / made.issue.id)
    profile = tmp_path_factory.mktemp("profile")

    def started() -> Any:
        return browser.browser_type.launch_persistent_context(
            profile, executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )

    with served(folder) as url:
        first = started()
        page = first.new_page()
        page.clock.set_fixed_time(synthetic.ISSUED + timedelta(minutes=5))
        page.goto(f"{url}/archive/{made.issue.id}/index.html", wait_until="networkidle")
        assert page.evaluate("navigator.serviceWorker.getRegistrations().then(r => r.length)") == 0
        page.goto(f"{url}/current/display/lingshan.html", wait_until="networkidle")
        page.wait_for_function(
            """caches.keys().then(async ([name]) => name
                && (await (await caches.open(name)).keys()).length >= 5)"""
        )
        page.goto(f"{url}/current/en/index.html", wait_until="networkidle")
        first.close()
    second = started()
    yield second, url
    second.close()


def test_a_screen_starts_after_a_power_cut_without_its_server(unplugged: tuple[Any, str]) -> None:
    context, url = unplugged
    page = context.new_page()
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.clock.install(time=synthetic.ISSUED + timedelta(hours=2, minutes=30))
    page.goto(f"{url}/current/display/lingshan.html")

    assert page.evaluate("getComputedStyle(document.body).cursor") == "none"  # the style is there
    assert "%" in _shown(page, ".percent")
    assert _shown(page, ".expired") == "数据已2小时未更新"  # valid still, but not asked for long
    page.close()


def test_days_without_a_network_are_counted_and_no_number_is_left(
    unplugged: tuple[Any, str],
) -> None:
    context, url = unplugged
    page = context.new_page()
    page.clock.install(time=synthetic.ISSUED + timedelta(hours=50))
    page.goto(f"{url}/current/display/lingshan.html")

    assert "数据已50小时未更新" in _shown(page, ".updating")
    assert "%" not in _shown(page, "body *")
    page.close()


def test_a_page_without_a_network_says_that_it_was_kept(unplugged: tuple[Any, str]) -> None:
    context, url = unplugged
    page = context.new_page()
    page.goto(f"{url}/current/en/index.html?from=home")

    assert "No network" in _shown(page, "[data-show=offline]")
    page.close()


def test_an_event_that_is_over_is_said_to_be_over_and_has_no_number(
    browser: Any, screens: Path
) -> None:
    path = screens / "display" / "jinding.html"
    ends = re.findall(r'data-face="tonight" data-until="([^"]+)"', path.read_text("utf-8"))
    page = _opened(browser, path, max(map(datetime.fromisoformat, ends)))

    assert "已结束" in _shown(page, ".tonight, .expired")
    assert "%" not in _shown(page, ".percent, .grade")
    assert _shown(_opened(browser, path, synthetic.utc("22 16:30")), ".over") == ""


def test_only_a_screen_whose_server_has_answered_promises_the_next_issue(
    browser: Any, screens: Path
) -> None:
    long_after = synthetic.ISSUED + timedelta(hours=50)
    page = _opened(browser, screens / "display" / "lingshan.html", long_after)
    assert "暂无有效预报" in _shown(page, ".updating")
    assert "自动显示" not in _shown(page, ".updating")

    with served(screens) as url:
        page = browser.new_context().new_page()
        page.clock.install(time=long_after)
        page.goto(f"{url}/display/lingshan.html", wait_until="networkidle")
        page.clock.run_for(FACE)
        assert "自动显示" in _shown(page, ".updating")
        page.context.close()
