"""Is text in pictures measured, set and drawn whole, in the program's own fonts?"""

from __future__ import annotations

import io

import pytest
import segno
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops

from products.drawing.fonts import BOLD, FAMILY, REGULAR, width
from products.drawing.palette import colours
from products.drawing.picture import Picture
from products.drawing.png import png
from products.drawing.setting import set_heading, set_text
from products.wording import read_words

pytestmark = pytest.mark.pictures


def pixels(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.png())).convert("RGB")


@pytest.mark.parametrize("path", [REGULAR, BOLD])
def test_every_character_of_the_words_and_of_rare_names_is_in_both_fonts(path) -> None:
    font = TTFont(path)
    known = set(map(chr, font.getBestCmap()))
    pictures = ("page.", "mark.", "phenomenon.", "hazard.", "review.", "entry.", "feature.",
                "time.", "unit.", "grade.", "usual.", "footer.", "display.", "where.", "missing.",
                "wechat.", "picture.")  # fmt: skip
    shown = "".join(
        text
        for language in ("zh", "en")
        for key, text in read_words(language).items()
        if key.startswith(pictures)
    )
    # a narrow space has no outline: it is drawn as half a space
    assert set(shown + "髽鬏喆堃玥昇珺翀祎öü★☆°−–→") - known == {"\u202f"}
    assert font["name"].getDebugName(1) == FAMILY
    assert {"GPOS", "kern", "GSUB"}.isdisjoint(font.keys()), "a text is as wide as its characters"


def test_the_width_of_a_text_is_the_sum_of_the_advances_in_the_font() -> None:
    font = TTFont(REGULAR)
    names, advances = font.getBestCmap(), font["hmtx"]
    text = "云海72%，面向东南 06:10–07:40"

    expected = sum(advances[names[ord(each)]][0] for each in text) / 1000 * 40

    assert width(text, 40) == pytest.approx(expected)
    assert width(text, 40, bold=True) > expected


def test_a_text_that_does_not_fit_is_made_smaller_then_wrapped_then_shortened() -> None:
    assert set_text("云海", 50, 100).size == 50
    assert set_text("云海云海", 50, 150).lines == ("云海云海",)
    assert 30 <= set_text("云海云海", 50, 150).size <= 37.5
    assert set_text("云海云海云海", 50, 150, most=2).lines == ("云海云", "海云海")

    short = set_text("阵风可达17–19 m/s，请远离崖边和临时构筑物，固定好器材", 50, 260, most=2)

    assert not short.whole
    assert short.lines[-1].endswith("…")
    assert all(width(line, short.size) <= 260 for line in short.lines)


def test_a_last_line_of_one_character_is_taken_in_where_a_little_smaller_type_does_it() -> None:
    found = set_text("周围山谷约九成被云覆盖，条件有利。", 40, 40 * 15, most=3)
    assert len(found.lines) == 1 or width(found.lines[-1], found.size) > 60
    assert found.size >= 0.9 * 40
    lost = set_text("周围山谷", 40, 120, most=2)
    assert lost.lines == ("周围山", "谷")


def test_a_heading_breaks_at_its_clauses_before_it_breaks_words() -> None:
    assert set_heading("不建议出行", 50, 250).lines == ("不建议出行",)
    assert set_heading("不建议出行", 50, 200).size == pytest.approx(40, abs=2)
    found = set_heading("今明两天有危险天气，不建议出行", 50, 520)
    assert found.lines == ("今明两天有危险天气，", "不建议出行")
    assert len(set_heading("今明两天有危险天气，不建议出行", 50, 300, 4).lines) > 2


def test_no_line_begins_with_a_closing_mark_and_no_number_is_cut() -> None:
    text = "11月23日（周一）清晨，云顶高度约1,150米，低于景点“妙峰山”，概率72%；阵风17–19 m/s。"
    for wide in range(150, 700, 7):
        found = set_text(text, 40, wide, most=30, least=1)
        assert all(line[0] not in "，。、；：！？）”%" for line in found.lines), wide
        assert all(line[-1] not in "（“" for line in found.lines), wide
        if found.whole:
            for whole in ("11月", "23日", "1,150米", "72%", "17–19"):
                assert any(whole in line for line in found.lines), (wide, whole)
        else:  # 1,150 alone is wider than a line
            assert not any(line.startswith(("50", "150")) for line in found.lines)


def test_every_text_leaves_ink_where_it_stands_and_nowhere_else() -> None:
    def drawn(text: str, bold: bool) -> Image.Image:
        picture = Picture(900, 120, "zh-CN")
        picture.rect(0, 0, 900, 120, "#000000")
        if text:
            picture.line(50, 30, text, 60, "#ffffff", bold=bold)
        return pixels(picture)

    for bold in (False, True):
        for text in ("云海 72% 髽鬏山", "Sea of clouds 72%", "06:10–07:40"):
            box = ImageChops.difference(drawn(text, bold), drawn("", bold)).getbbox()
            assert box is not None, "the text is lost"
            assert 50 <= box[0] < 60
            assert box[2] == pytest.approx(50 + width(text, 60, bold), abs=6)
            assert box[1] >= 28
            assert box[3] <= 30 + 62


def test_the_same_picture_gives_the_same_bytes_and_needs_no_font_of_the_machine() -> None:
    picture = Picture(300, 80, "zh-CN")
    picture.line(10, 10, "<云海> & 72%", 40, colours()["accent"])

    assert picture.png() == picture.png()
    assert "&lt;云海&gt; &amp; 72%" in picture.svg()
    other = png(picture.svg().replace(FAMILY, "No such family"))
    assert other != picture.png(), "the family is the one of the file"


def test_the_code_on_a_picture_is_that_of_the_address() -> None:
    address = "https://weather.example/skyscape/current/sites/miaofengshan/index.html"
    picture = Picture(400, 400, "zh-CN")
    picture.rect(0, 0, 400, 400, "#ffffff")
    picture.qr(address, 0, 0, 400)
    shown = pixels(picture).convert("L")
    rows = list(segno.make(address, error="m", micro=False).matrix_iter(border=4))
    unit = 400 / len(rows)

    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            value = shown.getpixel((int((x + 0.5) * unit), int((y + 0.5) * unit)))
            assert (value < 128) == bool(dark), (x, y)
