"""Do posters, cards and covers say what the forecast says, whole, safely and legibly?"""

from __future__ import annotations

import io
import re
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops

from forecast.domain import Name
from forecast.review import Review, Withdrawal
from products.bulletin import Bulletin
from products.channels import posters, render
from products.drawing.captions import Captions
from products.drawing.card import CARD, COVER, SITES, SQUARE, cover, index_card, site_card
from products.drawing.palette import colours
from products.drawing.picture import Picture
from products.drawing.poster import poster
from products.drawing.still import still
from products.faces import faces
from products.marking import of_corrected, of_withdrawn
from products.pages.phrases import Phrases
from products.sections import Entry, SiteDay
from products.wording import LANGUAGES, Words
from tests.e2e.sample_bulletin import ISSUED, sample_bulletin, sample_config

pytestmark = pytest.mark.pictures

LONG = Name(
    "京西门头沟区清水镇灵山自然风景区主峰观景平台",
    "The Main Viewing Platform of the Lingshan Nature Reserve, Qingshui Township, Mentougou",
)
WITHDRAWAL = Withdrawal(ISSUED, "王一", "云顶高度判断有误，<金顶>云海概率偏高&\x07")


@cache
def at_address() -> Bulletin:
    config = sample_config()
    output = config.output.model_copy(update={"base_url": "https://weather.example/sky"})
    return sample_bulletin(config.model_copy(update={"output": output}))


def each_entry(bulletin: Bulletin, change: Callable[[Entry], Entry]) -> Bulletin:
    """Return a bulletin with each entry changed, and nothing recommended."""

    def of_day(day: SiteDay) -> SiteDay:
        changed = {id(entry): change(entry) for entry in day.entries}
        headline = changed[id(day.headline)] if day.headline else None
        return replace(day, entries=tuple(changed.values()), headline=headline)

    sections = tuple(
        replace(section, days=tuple(of_day(day) for day in section.days))
        for section in bulletin.sections
    )
    return replace(bulletin, sections=sections, best=())


def dangerous(bulletin: Bulletin) -> Bulletin:
    hazards = next(day.hazards for s in bulletin.sections for day in s.days if len(day.hazards) > 2)
    found = each_entry(bulletin, lambda entry: replace(entry, hazards=hazards))
    sections = tuple(
        replace(s, days=tuple(replace(day, hazards=hazards) for day in s.days))
        for s in found.sections
    )
    return replace(found, sections=sections)


def unknown(bulletin: Bulletin) -> Bulletin:
    nan = float("nan")
    return each_entry(
        bulletin,
        lambda entry: replace(
            entry, forecast=replace(entry.forecast, probability=nan, grade=0, confidence=0)
        ),
    )


def too_early(bulletin: Bulletin) -> Bulletin:
    return each_entry(
        bulletin,
        lambda entry: replace(
            entry, forecast=replace(entry.forecast, confidence=1, usual=entry.forecast.probability)
        ),
    )


def reviewed(bulletin: Bulletin) -> Bulletin:
    comment = Name("云顶略有下降，请留意。" * 20, "The deck may sink. " * 14)
    review = Review("", unreviewed=True, comment=comment, corrects=41, reason="概率偏高")
    return replace(bulletin, review=review)


def long_names(bulletin: Bulletin) -> Bulletin:
    sections = tuple(
        replace(s, site=replace(s.site, name=LONG, brand=LONG, safety=LONG))
        for s in bulletin.sections
    )
    owners = tuple(Name(f"{LONG.zh}{n}", f"{LONG.en} {n}") for n in range(6))
    bodies = (LONG, Name("某气象台", "An Observatory"))
    return replace(bulletin, sections=sections, attributions=owners, bodies=bodies)


KINDS: Mapping[str, Callable[[Bulletin], Bulletin]] = {
    "good": lambda bulletin: bulletin,
    "dangerous": dangerous,
    "unknown": unknown,
    "too early": too_early,
    "reviewed": reviewed,
    "long names": long_names,
}


@cache
def drawn(kind: str) -> Mapping[str, Picture]:
    """Return the pictures of a kind of day by path; nothing is made a PNG."""
    bulletin = KINDS[kind](at_address())
    return {path: draw() for path, draw in posters.pictures(bulletin)}


def said(picture: Picture) -> str:
    """Return the texts of a picture as its SVG holds them."""
    root = ET.fromstring(picture.svg())
    return "\n".join(each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text"))


def joined(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_every_number_of_a_poster_and_a_card_is_that_of_the_forecast() -> None:
    bulletin, pictures = at_address(), drawn("good")
    for language in LANGUAGES:
        prefix, words = "" if language == "zh" else "en/", Words(language, bulletin.zone)
        phrases = Phrases(bulletin, language)
        for section in bulletin.sections:
            face = faces(section)[0]
            percent = words.percent(face.forecast.probability)
            for folder in ("posters", "cards"):
                text = said(pictures[f"{prefix}{folder}/{section.site.id}.png"])
                assert percent in text.split("\n")
                assert words.best(face.forecast) in text
                if face.has_view:
                    assert joined(phrases.facing(face)) in joined(text)
            poster = said(pictures[f"{prefix}posters/{section.site.id}.png"]).split("\n")
            of_days = [d.headline.forecast.probability for d in section.days if d.headline]
            shown = [line for line in poster if line == "—" or line.endswith("%")]
            assert [words.percent(each) for each in of_days] == shown[-len(of_days) :]
        for path in ("cards/index.png", "posters/day.png", "wechat/cover.png"):
            text = said(pictures[prefix + path]).split("\n")
            for entry in bulletin.best[: 1 if "cover" in path else 3]:
                assert words.percent(entry.forecast.probability) in text


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_leaves_its_picture_or_runs_into_another(kind: str) -> None:
    for path, picture in drawn(kind).items():
        for number, one in enumerate(picture.texts):
            where = (kind, path, one)
            assert one.x >= 0, where
            assert one.x + one.width <= picture.width, where
            assert one.y >= 0, where
            assert one.y + one.size <= picture.height, where
            assert one.size / picture.zoom >= 11, where
            for other in picture.texts[number + 1 :]:
                apart = (
                    one.x + one.width <= other.x
                    or other.x + other.width <= one.x
                    or one.y + 0.94 * one.size <= other.y + 0.06 * other.size
                    or other.y + 0.94 * other.size <= one.y + 0.06 * one.size
                )
                assert apart, (kind, path, one, other)


def test_every_text_of_a_picture_leaves_ink_where_it_stands() -> None:
    def pixels(svg: str) -> Image.Image:
        picture = Picture(1, 1, "zh-CN")
        picture.svg = lambda: svg  # type: ignore[method-assign]
        return Image.open(io.BytesIO(picture.png())).convert("RGB")

    for path in ("posters/jinding.png", "en/cards/index.png", "en/wechat/square.png"):
        picture = drawn("good")[path]
        svg = picture.svg()
        bare = re.sub(r"<text.*?</text>", "", svg)
        ink = ImageChops.difference(pixels(svg), pixels(bare))
        for one in picture.texts:
            box = (one.x, one.y, one.x + one.width, one.y + one.size)
            inside = ink.crop(tuple(round(edge / picture.zoom) for edge in box))
            assert inside.getbbox() is not None, (path, one)
            # from the first character to the last
            assert inside.getbbox()[2] > 0.7 * inside.width, (path, one)


def test_the_face_of_a_poster_is_the_one_that_the_screen_shows_first() -> None:
    for kind in ("good", "dangerous", "unknown"):
        bulletin = KINDS[kind](at_address())
        pages = {page.path: str(page.body) for page in render(bulletin, "display")}
        for section in bulletin.sections:
            screen = pages[f"display/{section.site.id}.html"]
            until = re.findall(r'data-face="tonight" data-until="([^"]+)"', screen)
            shown = [e.forecast.best or e.forecast.event.window for e in faces(section)]
            assert until == [window.end.isoformat() for window in shown], (kind, section.site.id)


def test_a_dangerous_day_names_its_hazards_and_recommends_nothing() -> None:
    bulletin, pictures = dangerous(at_address()), drawn("dangerous")
    hazards = [h.id for h in bulletin.sections[0].soon]
    for prefix, language in (("", "zh"), ("en/", "en")):
        words = Words(language, bulletin.zone)
        for folder in ("posters", "cards"):
            text = joined(said(pictures[f"{prefix}{folder}/lingshan.png"]))
            assert joined(words("display.danger")) in text
            for hazard in hazards:
                assert joined(words(f"hazard.{hazard}.name")) in text
        card = said(pictures[f"{prefix}cards/lingshan.png"])
        assert "%" not in card


def test_what_is_unknown_or_too_early_is_said_and_has_no_stars() -> None:
    for folder in ("posters", "cards"):
        assert "资料不足" in joined(said(drawn("unknown")[f"{folder}/lingshan.png"]))
        assert "尚早，接近往年同期" in joined(said(drawn("too early")[f"{folder}/lingshan.png"]))
    star = drawn("good")["cards/lingshan.png"].svg().count("M12 2.8l2.85")
    assert star == 5
    assert "M12 2.8l2.85" not in drawn("too early")["cards/lingshan.png"].svg()


def test_every_picture_bears_the_marks_and_whether_a_person_reviewed_it() -> None:
    for path, picture in drawn("reviewed").items():
        text, english = joined(said(picture)), path.startswith("en/")
        words = Words("en" if english else "zh", at_address().zone)
        for key in ("mark.demonstration", "mark.trial", "review.unreviewed"):
            assert joined(words(key)) in text, (path, key)
        assert joined(words("review.correction_screen", number=41)) in text, path


def test_a_signed_issue_names_who_signed_it_and_an_official_one_its_bodies() -> None:
    bulletin = replace(
        at_address(), demonstration=False, bodies=(Name("某气象台", "An Observatory"),),
        review=Review(person="王喆", unreviewed=False),
    )  # fmt: skip
    pictures = {path: draw for path, draw in posters.pictures(bulletin) if "lingshan" in path}
    text = said(pictures["posters/lingshan.png"]())
    assert "某气象台 签发：王喆" in text
    assert "内部试用" not in text
    assert "签发：王喆" in said(pictures["cards/lingshan.png"]())


def test_a_code_is_drawn_only_where_the_service_has_an_address() -> None:
    without = dict(posters.pictures(sample_bulletin()))
    assert "扫码" in said(drawn("good")["posters/jinding.png"])
    assert "扫码" not in said(without["posters/jinding.png"]())


def test_pictures_have_the_sizes_that_their_receivers_want_and_a_limit() -> None:
    bulletin = at_address()
    one = replace(bulletin, sections=bulletin.sections[:1])
    wanted = {path: draw for path, draw in posters.pictures(one) if not path.startswith("en/")}
    sizes = {path: struct.unpack(">II", draw().png()[16:24]) for path, draw in wanted.items()}
    assert sizes.pop("posters/day.png")[0] == 1080
    assert sizes == {
        "posters/lingshan.png": (1080, 1920), "cards/lingshan.png": (1200, 630),
        "cards/index.png": (1200, 630), "wechat/cover.png": (900, 383),
        "wechat/square.png": (500, 500),
    }  # fmt: skip
    assert (CARD, COVER, SQUARE) == ((1200, 630), (900, 383), (500, 500))
    many = replace(bulletin, sections=bulletin.sections * 30)
    assert len(list(posters.pictures(many))) == 2 * (2 * SITES + 4)


def test_a_withdrawn_issue_has_each_of_its_pictures_replaced() -> None:
    bulletin, config = at_address(), sample_config()
    notices = {path: draw() for path, draw in posters.notices(bulletin.issue, WITHDRAWAL, config)}
    assert set(notices) == {path for path, _ in posters.pictures(bulletin)}
    first = next(posters.withdrawn(bulletin.issue, WITHDRAWAL, config))
    assert first.body == notices[first.path].png()
    for path, picture in notices.items():
        text = joined(said(picture))
        assert "%" not in text
        assert ("Forecastwithdrawn" if path.startswith("en/") else "预报已撤回") in text
        assert "云顶高度判断有误，<金顶>云海概率偏高&" in text
        for one in picture.texts:
            assert one.y + one.size <= picture.height, path
            assert one.x + one.width <= picture.width, path


def test_an_archived_picture_says_once_that_it_is_withdrawn_or_corrected() -> None:
    bulletin = at_address()
    page = drawn("good")["cards/jinding.png"].png()
    words = Words("zh", bulletin.zone)
    corrected = of_corrected(replace(bulletin.issue, number=43), "概率偏高")
    marked = posters.mark("cards/jinding.png", page, corrected, words)
    assert marked is not None
    assert posters.mark("cards/jinding.png", marked, corrected, words) == marked
    again = posters.mark("cards/jinding.png", marked, of_withdrawn(WITHDRAWAL), words)
    assert again not in (None, marked)
    with Image.open(io.BytesIO(marked)) as image:
        assert image.size == (1200, 630)
        assert "#{:02x}{:02x}{:02x}".format(*image.getpixel((3, 3))) == colours()["alert"]
        assert image.info["issue-state"] == "corrected"


def test_words_keep_their_contrast_before_the_whitest_scene(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Veils lie behind all words, whatever the scene shows: here it is white all over."""
    white = io.BytesIO()
    Image.new("RGB", (920, 420), "#ffffff").save(white, "PNG")
    monkeypatch.setattr("products.drawing.scene._picture", lambda svg: white.getvalue())
    bulletin = at_address()
    captions = Captions(bulletin, "zh")
    section = next(each for each in bulletin.sections if faces(each))
    drawn = {
        "poster": poster(section, captions),
        "card": site_card(section, captions),
        "index": index_card(captions),
        "cover": cover(COVER, captions),
        "square": cover(SQUARE, captions),
        "still": still(section, bulletin, "zh"),
    }
    for name, picture in drawn.items():
        words = [part for part in picture._parts if part.startswith("<text")]
        picture._parts = [part for part in picture._parts if not part.startswith("<text")]
        with Image.open(io.BytesIO(picture.png())) as image:
            pixels = np.asarray(image.convert("RGB"), dtype=float) / 255
        assert len(words) == len(picture.texts)
        for word, placed in zip(words, picture.texts, strict=True):
            colour = re.search(r'fill="#(\w{6})"', word).group(1)  # type: ignore[union-attr]
            ink = _luminance(np.array([int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]))
            box = np.array([placed.y, placed.y + placed.size, placed.x, placed.x + placed.width])
            top, low, left, right = (box / picture.zoom).round().astype(int)
            ground = _luminance(pixels[top:low, left:right])
            darker, brighter = sorted(
                (ink, float(np.quantile(ground, 0.95 if ink > 0.2 else 0.05)))
            )
            least = 3.0 if placed.size / picture.zoom >= 24 else 4.5  # WCAG 1.4.3: large text
            assert (brighter + 0.05) / (darker + 0.05) >= least, (name, placed.text)


def _luminance(colour: Any) -> Any:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def test_a_shared_link_names_the_number_first_and_its_picture() -> None:
    bulletin = at_address()
    pages = {page.path: str(page.body) for page in render(bulletin, "web")}
    first = bulletin.best[0].forecast
    for path, card in (("index.html", "cards/index.png"), ("en/index.html", "en/cards/index.png"),
                       ("sites/jinding/index.html", "cards/jinding.png"),
                       ("archive/index.html", "cards/index.png")):  # fmt: skip
        page = pages[path]
        assert f'<meta property="og:image" content="https://weather.example/sky/{card}">' in page
        assert '<meta name="twitter:card" content="summary_large_image">' in page
        assert f'<meta property="og:url" content="https://weather.example/sky/{path}">' in page
    described = re.search(r'og:description" content="([^"]+)"', pages["index.html"])
    assert described
    assert described[1].startswith(Words("zh", bulletin.zone).percent(first.probability))
    plain = {page.path: str(page.body) for page in render(sample_bulletin(), "web")}
    assert "og:image" not in plain["index.html"]
    assert 'content="summary"' in plain["index.html"]
    closed = replace(bulletin, channels=("web",))
    assert "og:image" not in str(next(render(closed, "web")).body)
    none = {page.path: str(page.body) for page in render(dangerous(bulletin), "web")}
    assert "不建议出行" in re.search(r'og:description" content="([^"]+)"', none["index.html"])[1]  # type: ignore[index]
