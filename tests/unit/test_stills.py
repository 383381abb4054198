"""The still of a screen: the same numbers as the screen, in letters read at ten metres."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from forecast.domain import Name
from forecast.review import Review, Withdrawal
from products import marking
from products.bulletin import Bulletin
from products.channels import marked, withdrawn
from products.drawing.still import EASE, HEIGHT, LEAST, WIDTH, still
from products.faces import faces
from products.pages.phrases import Phrases
from products.safety import Hazard
from products.wording import THIN_SPACE
from tests.e2e.sample_bulletin import sample_bulletin, sample_config

pytestmark = pytest.mark.pictures

GALE = Hazard("gale", 24.0, 24.0, 1)
WITHDRAWAL = Withdrawal(datetime(2026, 11, 22, 9, tzinfo=UTC), "王一", "云顶有误", "wang")
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def made() -> Bulletin:
    return sample_bulletin(sample_config(), Review(unreviewed=True, corrects=41, reason="x"))


def said(texts: list[str]) -> str:
    return "".join(texts).replace(" ", "").replace(THIN_SPACE, "")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_still_says_what_the_screen_says_in_letters_read_at_ten_metres(
    made: Bulletin, language: str
) -> None:
    assert (EASE / HEIGHT >= 0.0365, LEAST / HEIGHT >= 0.0243) == (True, True)
    phrases = Phrases(made, language)
    for section in made.sections:
        picture = still(section, made, language)
        [face, *_] = faces(section)
        whole = said([placed.text for placed in picture.texts])
        words = phrases.words
        for text in (
            words.percent(face.forecast.probability),
            words.best(face.forecast),
            words.name(section.site.name),
            phrases.why(face.forecast),
            *(words(f"mark.{mark}") for mark in made.marks),
            words("review.unreviewed"),
        ):
            assert said([text]) in whole
        for placed in picture.texts:
            small = placed.y > 930 or (
                placed.y < 130 and placed.x > 700
            )  # of the issue, and its sources
            assert placed.size >= (LEAST if small else EASE), placed
            assert 0 <= placed.x <= placed.x + placed.width <= WIDTH, placed


def test_a_dangerous_site_has_no_number_on_its_still(made: Bulletin) -> None:
    section = made.sections[0]
    days = tuple(
        replace(
            day,
            entries=tuple(replace(entry, hazards=(GALE,)) for entry in day.entries),
            headline=replace(day.headline, hazards=(GALE,)) if day.headline else None,
            hazards=(GALE,),
        )
        for day in section.days
    )

    whole = said([p.text for p in still(replace(section, days=days), made, "zh").texts])

    assert "不建议出行" in whole
    assert "%" not in whole


def test_a_long_name_stays_beside_the_marks(made: Bulletin) -> None:
    section = made.sections[0]
    name = "The long ridge above the Qingshui river"
    section = replace(section, site=replace(section.site, name=Name(name, name)))

    placed = still(section, made, "en").texts
    first = [text for text in placed if text.text in name]

    assert said([text.text for text in first]) == said([name])
    assert max(text.x + text.width for text in first) < min(
        text.x for text in placed if text.text == "DEMONSTRATION"
    )


def test_a_withdrawn_issue_takes_the_place_of_each_still_and_marks_the_archived_one(
    made: Bulletin,
) -> None:
    config = sample_config()
    site = config.sites[0].id
    one = config.model_copy(update={"sites": config.sites[:1]})
    found = {p.path: p.body for p in withdrawn("display", made.issue, WITHDRAWAL, one)}
    drawn = still(made.sections[0], made, "zh").png()

    archived = marked(
        "display", f"display/{site}.png", drawn, marking.of_withdrawn(WITHDRAWAL),
        Phrases(made, "zh").words,
    )  # fmt: skip

    for path in (f"display/{site}.png", f"en/display/{site}.png"):
        body = found[path]
        assert isinstance(body, bytes)
        assert body.startswith(PNG)
    assert archived is not None
    assert archived.startswith(PNG)
    assert archived != drawn
