"""Is a short message whole in at most five parts, its hazards in the first?"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from forecast.review import Review
from products import safety
from products.bulletin import Bulletin
from products.channels import render
from products.marking import marked, of_corrected
from products.pages.renderer import PageRenderer
from products.sections import Alert, Gap
from products.short_message import GSM, MOST_PARTS, UCS_2, alphabet_of, message, parts_of
from products.short_message import PLAIN as PLAIN_LETTERS
from tests.e2e.sample_bulletin import sample_bulletin, sample_config

PLAIN, CHINESE = "a", "云"


@pytest.fixture(scope="module")
def bulletin() -> Bulletin:
    return sample_bulletin(sample_config(demonstration=False), Review(unreviewed=True))


@pytest.mark.parametrize(
    ("text", "lengths"),
    # 3GPP TS 23.038 and 23.040: 160 septets, or 153 a part; 70 characters of UCS-2, or 67 a part
    [
        (PLAIN * 160, [160]), (PLAIN * 161, [153, 8]), (PLAIN * 153 * 5, [153] * 5),
        (CHINESE * 70, [70]), (CHINESE * 71, [67, 4]), (CHINESE * 67 * 5, [67] * 5),
        (PLAIN * 159 + CHINESE, [67, 67, 26]),  # one character makes it UCS-2
        ("€" * 80, [80]), ("€" * 81, [76, 5]),  # two septets each; none is in two parts
        ("\N{GRINNING FACE}" * 36, [33, 3]),  # two units each: a pair is never divided
        ("", [0]),
    ],
)  # fmt: skip
def test_a_message_is_divided_as_a_network_does(text: str, lengths: list[int]) -> None:
    parts = parts_of(text)

    assert [len(part) for part in parts] == lengths
    assert "".join(parts) == text
    alphabet = alphabet_of(text)
    limit = alphabet.single if len(parts) == 1 else alphabet.divided
    assert all(alphabet.length(part) <= limit for part in parts)


@pytest.mark.parametrize(("language", "alphabet"), [("zh", UCS_2), ("en", GSM)])
def test_every_hazard_is_named_in_the_first_part_even_where_all_come_together(
    bulletin: Bulletin, language: str, alphabet: object
) -> None:
    sites = tuple(section.site for section in bulletin.sections)
    ids = [name for name in safety.HAZARDS if name != "wind"]
    alerts = tuple(Alert(name, sites, bulletin.days, 1.0) for name in ids)
    made = replace(bulletin, outlook=replace(bulletin.outlook, alerts=alerts))
    renderer = PageRenderer(made, language)

    text = message(renderer)
    parts = parts_of(text)

    assert alphabet_of(text) is alphabet
    assert len(parts) <= MOST_PARTS == 5
    for name in ids:
        assert renderer.words(f"hazard.{name}.name") in parts[0], (name, parts[0])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_where_there_is_room_it_names_what_is_not_assessed_and_the_days_of_each_hazard(
    bulletin: Bulletin, language: str
) -> None:
    sites = tuple(section.site for section in bulletin.sections)
    ids = ("thunder", "freezing_rain", "gale", "heavy_snow", "extreme_cold", "fog")
    spans = (bulletin.days[:2], bulletin.days[1:3])
    alerts = tuple(Alert(name, sites, spans[place % 2], 1.0) for place, name in enumerate(ids))
    gaps = (Gap(("ice",), bulletin.days[2:3]),)
    outlook = replace(bulletin.outlook, alerts=alerts, gaps=gaps)
    renderer = PageRenderer(replace(bulletin, outlook=outlook), language)
    words = renderer.words

    text = message(renderer)

    for place, span in enumerate(spans):
        named = renderer.phrases.hazards(ids[place::2])
        dated = words("sms.safety_short", days=words.days(span), name=named)
        assert dated.translate(PLAIN_LETTERS) in text
    assert words("hazard.ice.name") in text
    assert not re.search(r"[a-z][.;][A-Z]", text), "a space between sentences"


def test_what_is_too_long_is_cut_at_the_end_and_never_the_hazards() -> None:
    review = Review(person="王一", corrects=41, reason="云" * 400)
    made = sample_bulletin(sample_config(demonstration=False), review)

    for language in ("zh", "en"):
        renderer = PageRenderer(made, language)
        parts = parts_of(message(renderer))
        assert len(parts) == MOST_PARTS
        for alert in made.outlook.alerts:
            assert renderer.words(f"hazard.{alert.hazard}.name") in parts[0]


def test_the_parts_of_a_corrected_message_say_so_as_its_text_does(bulletin: Bulletin) -> None:
    pages = {page.path: str(page.body).encode() for page in render(bulletin, "sms")}
    mark = of_corrected(replace(bulletin.issue, number=43), "wrong humidity")
    for prefix in ("", "en/"):
        text, parts = (
            marked(path, "sms", pages[path], mark, bulletin.zone)
            for path in (f"{prefix}sms.txt", f"{prefix}sms/parts.json")
        )
        content = json.loads(parts)
        assert content["status"] == "superseded"
        assert content["corrected_by"]["number"] == 43
        assert "".join(part["text"] for part in content["parts"]) + "\n" == text.decode()
        assert content["count"] == len(content["parts"])
        assert marked(f"{prefix}sms/parts.json", "sms", parts, mark, bulletin.zone) == parts


def test_the_parts_on_the_page_are_the_message(bulletin: Bulletin) -> None:
    pages = {page.path: str(page.body) for page in render(bulletin, "sms")}

    for prefix, alphabet in (("", "UCS-2"), ("en/", "GSM-7")):
        parts = json.loads(pages[f"{prefix}sms/parts.json"])
        assert "".join(part["text"] for part in parts["parts"]) + "\n" == pages[f"{prefix}sms.txt"]
        assert (parts["alphabet"], parts["count"]) == (alphabet, len(parts["parts"]))
        assert parts["status"] == "trial"
