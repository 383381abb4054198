"""Does every word a reader meets stand in each language, with the same blanks?"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import forecast
from forecast.domain import CLOUD_SEA_STATES, PHENOMENA
from forecast.quantities import DEFAULT_FIELDS, FEATURES, FIELDS
from forecast.service.web.desk_release import ENDINGS
from products import safety
from products.pages.templating import TEMPLATES
from products.wording import LANGUAGES, UNITS, read_words

PROJECT = Path(__file__).parents[2]
BLANK = re.compile(r"\{(\w+)\}")
CJK = "\u3400-\u9fff"

# What phenomena and models may name as missing; `field:` and `feature:` carry a name.
MISSING = (
    "window_coverage", "window_held",
    "layer_cloud_mean_only", "precipitation_partial", "cloud_from_humidity", "light_path",
    "below_model_ground",
    "rain_before", "spread", "computation", "beyond_data", "aerosol_estimated",
)  # fmt: skip


def test_each_language_has_the_same_keys_and_blanks() -> None:
    first, second = (read_words(language) for language in LANGUAGES)

    assert first.keys() == second.keys()
    assert {key: set(BLANK.findall(words)) for key, words in first.items()} == {
        key: set(BLANK.findall(w)) for key, w in second.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_has_an_id_has_words(language: str) -> None:
    words = read_words(language)
    wanted = {f"phenomenon.{p}.{part}" for p in PHENOMENA for part in ("name", "when", "label")}
    wanted |= {
        f"feature.{name}.{part}" for name in FEATURES for part in ("label", "unit", "up", "down")
    }
    wanted |= (
        {f"state.{state}" for state in CLOUD_SEA_STATES}
        | {f"grade.{g}" for g in range(6)}
        | {f"stars.{g}" for g in range(6)}
    )
    wanted |= {
        f"hazard.{name}.{part}" for name in safety.HAZARDS for part in ("name", "value", "line")
    }
    wanted |= {
        f"clothing.{name}"
        for name in (
            *(name for _, name in safety.CLOTHING),
            safety.COLDEST,
            safety.CLOTHING_UNKNOWN,
        )
    }
    wanted |= {f"missing.{name}" for name in (*MISSING, "field", "feature", "other")} | {
        f"unit.{unit}" for unit in UNITS
    }
    wanted |= (
        {f"compass.{k}" for k in range(16)}
        | {f"phase.{k}" for k in range(8)}
        | {f"month.{k}" for k in range(1, 13)}
    )
    wanted |= {f"weekday.{k}" for k in range(7)} | {
        f"mark.{mark}" for mark in ("trial", "demonstration")
    }

    assert sorted(wanted - words.keys()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_feature_is_shown_in_a_unit_that_can_be_shown(language: str) -> None:
    words = read_words(language)

    assert {
        name: words[f"feature.{name}.unit"]
        for name in FEATURES
        if words[f"feature.{name}.unit"] not in UNITS
    } == {}


def test_every_key_that_a_template_or_a_drawing_names_exists() -> None:
    words = read_words(LANGUAGES[0])
    sources = [
        *TEMPLATES.rglob("*.html"),
        *TEMPLATES.rglob("*.txt"),
        *(PROJECT / "products").glob("*.py"),
    ]
    named = {
        (path.name, key)
        for path in sources
        for key in re.findall(
            r"""(?:words|beside|self)\(\s*['"]([a-z_]+\.[a-z_.0-9]+)['"]\s*[,)]""",
            path.read_text(encoding="utf-8"),
        )
    }

    assert len(named) > 100
    assert sorted((name, key) for name, key in named if key not in words) == []


def test_every_field_of_the_model_has_a_name_and_nothing_else_has() -> None:
    named = {key.removeprefix("field.") for key in read_words("zh") if key.startswith("field.")}

    assert named ^ {field.name for field in DEFAULT_FIELDS} == {"other"}


def test_every_missing_id_of_a_phenomenon_module_has_words() -> None:
    """Return the strings of `_missing` and `named` in the source of forecast/phenomena."""
    words, found = read_words("zh"), set()
    for path in (PROJECT / "forecast" / "phenomena").glob("*.py"):
        for function in re.findall(
            r"^def _missing\(.*?(?=^\S)", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            found |= set(re.findall(r"""(?:[\[(]|append\()"([a-z_]+)"(?=[,\])])""", function))

    assert {name for name in found if f"missing.{name}" not in words} - FIELDS.keys() - set(
        PHENOMENA
    ) == set()
    assert "beyond_data" in found


def test_chinese_is_set_the_chinese_way() -> None:
    """Chinese text has full-width punctuation and half-width digits (GB/T 15834, GB/T 15835)."""
    words = read_words("zh")

    assert [
        key
        for key, w in words.items()
        if re.search(f"[{CJK}}}][,;!?]|[{CJK}][:(]|[(,;:][{CJK}]", w)
    ] == []
    assert [key for key, w in words.items() if re.search("[\uff10-\uff19]", w)] == []


def test_no_product_promises_more_than_a_chance() -> None:
    """A forecast is a probability (science.md, section 7: honesty); the bureau's wording is a
    viewing probability or index.
    """
    assert [
        key for key, w in read_words("zh").items() if "准确" in w or "保证能" in w or "必定" in w
    ] == []
    assert [
        key
        for key, w in read_words("en").items()
        if re.search(r"accura|guarante", w, re.IGNORECASE)
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_which_the_desk_refuses_something_has_words(language: str) -> None:
    """Each Conflict and NotReleased of drafts and issues names its words."""
    folder, known = Path(forecast.__file__).parent, read_words(language)
    sources = [*(folder / "issue").glob("*.py"), folder / "archive" / "drafts.py"]

    raised = [
        call
        for source in [*sources, *(folder / "service" / "web").glob("*.py")]
        for call in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") in ("Conflict", "NotReleased", "BadForm")
    ]
    keys = {call.args[-1].value for call in raised if isinstance(call.args[-1], ast.Constant)}

    assert len(raised) > 30
    assert {f"desk.fault.{key}" for key in keys} <= known.keys()
    assert {f"desk.ending.why.{why}" for why in ENDINGS} <= known.keys()
