"""Do all style sheets use one set of colours? skyscape.css is their home; posters read it."""

from __future__ import annotations

import re

import pytest

from products.pages.templating import TEMPLATES

TOKEN = re.compile(r"(--[\w-]+):\s*(#[0-9a-f]{3,6})\b")
SHEETS = ("display.css", "session.css", "report.css", "widget.css")
OWN = {("report.css", "--line"), ("report.css", "--sheet"), ("report.css", "--accent"),
       ("report.css", "--on-accent")}  # for gloves and sunlight  # fmt: skip


def tokens(sheet: str) -> dict[str, str]:
    text = (TEMPLATES / "static" / sheet).read_text(encoding="utf-8")
    night = text.partition("@media")[0]
    return dict(TOKEN.findall(night))


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_token_has_the_same_colour_in_every_style_sheet(sheet: str) -> None:
    home, own = tokens("skyscape.css"), tokens(sheet)
    common = {name for name in own if name in home and (sheet, name) not in OWN}
    assert len(common) >= 2, sheet
    assert {name: own[name] for name in common} == {name: home[name] for name in common}
