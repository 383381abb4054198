"""Do pages suit the light in which they are read: the dark, bright sun, and paper?"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from products.channels import render
from tests.e2e.sample_bulletin import sample_bulletin

PHONE = {"width": 390, "height": 844}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pages")
    for page in render(sample_bulletin(), "web"):
        path = root / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        body = page.body
        path.write_bytes(body if isinstance(body, bytes) else str(body).encode())
    return root


@pytest.fixture
def phone(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=PHONE, color_scheme="dark")
    yield context.new_page()
    context.close()


def pixels(page: Any) -> np.ndarray:
    with Image.open(io.BytesIO(page.screenshot())) as image:
        return np.asarray(image.convert("RGB"), dtype=int)


def test_red_light_is_red_all_over_and_stays_for_the_visit(phone: Any, pages: Path) -> None:
    phone.goto((pages / "sites/baihuashan/index.html").as_uri())
    link = phone.locator('.red-light a[href="#red"]')
    assert link.bounding_box()["y"] < PHONE["height"]
    link.click()
    phone.evaluate("scrollTo(0, 0)")
    for way in (None, 'nav a[href*="index.html"]:first-child'):
        if way:
            phone.locator(way).first.click()
            assert phone.url.endswith("#red")
        for part in range(3):
            phone.evaluate(f"scrollTo(0, {700 * part})")
            red, green, blue = np.moveaxis(pixels(phone), -1, 0)
            assert (green <= 0.3 * red + 2).all()  # no other hue
            assert (blue <= 0.2 * red + 2).all()
            assert red.mean() < 40  # dim: mostly black
    phone.evaluate("scrollTo(0, 0)")
    phone.locator('.red-light a[href="#main"]').click()
    assert not phone.evaluate("document.documentElement.classList.contains('red')")
    phone.reload()
    assert pixels(phone)[..., 2].max() > 100


def test_a_page_in_bright_sun_is_light_below_its_scene(phone: Any, pages: Path) -> None:
    phone.emulate_media(color_scheme="light")
    phone.goto((pages / "index.html").as_uri())
    ground = "getComputedStyle(document.querySelector('{}')).backgroundColor"
    assert phone.evaluate(ground.format("html")) == "rgb(255, 255, 255)"
    assert phone.evaluate(ground.format(".hero")) == "rgb(10, 15, 29)"


def test_paper_has_dark_words_on_white_without_a_scene(phone: Any, pages: Path) -> None:
    phone.emulate_media(media="print")
    phone.goto((pages / "index.html").as_uri())
    assert not phone.locator(".hero > .scene").is_visible()
    shadows = "[...document.querySelectorAll('.hero *')].map(e => getComputedStyle(e).textShadow)"
    assert set(phone.evaluate(shadows)) == {"none"}
    colour = "getComputedStyle(document.querySelector('.hero h2')).color"
    assert phone.evaluate(colour) == "rgb(28, 26, 36)"
