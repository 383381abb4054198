"""Does a screen that nobody tends stay honest? Made-up forecasts, the real pages, a real browser
and a clock that the test sets.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.config import Config, build_config, default_path
from products.channels import render
from tests import synthetic
from tests.e2e.look_at_screens import bulletin

SIZES = [(1920, 1080), (1080, 1920)]
EXPIRES = synthetic.ISSUED + timedelta(hours=15)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def screens(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The screens of every site, in a folder as a stick would carry them."""
    return _written(config, tmp_path_factory.mktemp("screens"))


def _written(config: Config, folder: Path) -> Path:
    for page in render(bulletin(config), "display"):
        path = folder / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page.body if isinstance(page.body, bytes) else page.body.encode())
    return folder


def _opened(browser: Any, path: Path, now: datetime, size: tuple[int, int] = SIZES[0]) -> Any:
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.clock.set_fixed_time(now)
    page.goto(path.as_uri())
    return page


def _shown(page: Any, selector: str) -> str:
    """The text of the elements that a viewer sees."""
    visible = f"[...document.querySelectorAll({selector!r})].filter(e => e.checkVisibility())"
    return str(page.evaluate(f"{visible}.map(e => e.innerText).join(' ')"))


def test_a_screen_turns_to_the_next_window_when_one_is_over(browser: Any, screens: Path) -> None:
    path = screens / "display" / "lingshan.html"

    before = _opened(browser, path, synthetic.utc("22 16:30"))
    after = _opened(browser, path, synthetic.utc("22 18:00"))

    assert "晚霞" in _shown(before, "h2")
    assert "星空" in _shown(after, "h2")
    assert "晚霞" not in _shown(after, "h2")


def test_an_old_forecast_is_never_shown_as_a_new_one(browser: Any, screens: Path) -> None:
    path = screens / "display" / "jinding.html"

    fresh = _opened(browser, path, EXPIRES - timedelta(minutes=1))
    expired = _opened(browser, path, EXPIRES + timedelta(minutes=1))
    old = _opened(browser, path, EXPIRES + timedelta(hours=13))

    assert not _shown(fresh, ".expired, .updating")
    assert "已过有效时间" in _shown(expired, ".expired")
    assert "数据更新中" in _shown(old, ".updating")
    assert "%" not in _shown(old, "body *")


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
    folder = _written(build_config(settings, {}, str(default_path())), tmp_path)

    for path in sorted(folder.rglob("display/*.html")):
        page = _opened(browser, path, synthetic.ISSUED, size)
        outside = page.evaluate(
            """[...document.querySelectorAll('.screen *')].filter(e => e.checkVisibility())
                .filter(e => {
                const box = e.getBoundingClientRect();
                return box.left < 0 || box.top < 0
                    || box.right > innerWidth || box.bottom > innerHeight;
            }).map(e => e.outerHTML.slice(0, 80))"""
        )
        assert outside == [], path.name
        page.context.close()


def test_a_screen_opened_from_a_stick_is_silent(browser: Any, screens: Path) -> None:
    page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))

    page.goto((screens / "en" / "display" / "baihuashan.html").as_uri(), wait_until="load")

    assert messages == []
