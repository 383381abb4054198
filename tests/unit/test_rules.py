"""Does each rule answer as its published page says (docs/)? The pages are what a forecaster was
given to check and to object to: the authority for every point of every curve. A page and a rule
that disagree are both wrong until someone says which.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from forecast.domain import CLOUD_SEA_STATES, PHENOMENA
from models.rule_model import PhysicsRule, rules_of

DOCS = Path(__file__).parents[2] / "docs"
HEADING = re.compile(r"^## Rule: (\w+)(?:: (\w+))?$", re.MULTILINE)
BASE = re.compile(r"^Base (\S+) in log-odds\. No forecast without: ([^.]*)\.", re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \| ([-+][^|]*) \|", re.MULTILINE)
POINT = re.compile(r"([-+]\S+) at (-?[\d.]+(?:e[-+]?\d+)?)")


@dataclass(frozen=True)
class PublishedRule:
    """A rule as its page gives it: base [logit], needs, and for each feature (value, effect)."""

    base: float
    needs: tuple[str, ...]
    curves: dict[str, list[tuple[float, float]]]


def published() -> dict[tuple[str, str], PublishedRule]:
    """Return (phenomenon, state) -> the rule on the pages; no state: empty."""
    found = {}
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        headings = list(HEADING.finditer(text))
        for heading in headings:
            part = re.split(r"^## ", text[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]
            base = BASE.search(part)
            assert base is not None, heading.group()
            found[heading[1], heading[2] or ""] = PublishedRule(
                float(base[1]),
                tuple(re.findall(r"`(\w+)`", base[2])),
                {
                    row[1]: [(float(at), float(effect)) for effect, at in POINT.findall(row[2])]
                    for row in ROW.finditer(part)
                },
            )
    return found


RULES = published()


def effect_of(phenomenon: str, state: str, feature: str, values: list[float]) -> np.ndarray:
    """Return what the rule adds to the log-odds at values of one feature, all else unknown."""
    rule = PhysicsRule(phenomenon).ready()
    cases = np.full((len(values), len(rule.columns)), np.nan)
    place = rule.columns.index(feature)
    cases[:, place] = values
    number = list(rules_of(phenomenon)).index(state or phenomenon)
    return np.asarray(rule.effects(cases)[:, place, number])


def test_every_rule_has_its_page_and_every_page_its_rule() -> None:
    assert set(RULES) == {
        (phenomenon, "" if state == phenomenon else state)
        for phenomenon in PHENOMENA
        for state in rules_of(phenomenon)
    }


@pytest.mark.parametrize(("phenomenon", "state"), RULES)
def test_a_rule_begins_where_its_page_says_and_reads_what_it_says(
    phenomenon: str, state: str
) -> None:
    page, rule = RULES[phenomenon, state], rules_of(phenomenon)[state or phenomenon]
    number = list(rules_of(phenomenon)).index(state or phenomenon)

    assert PhysicsRule(phenomenon).ready().bases()[number] == pytest.approx(page.base, abs=0.005)
    assert set(rule.needs) == set(page.needs)
    assert {effect.feature for effect in rule.effects} == set(page.curves)


@pytest.mark.parametrize(
    ("phenomenon", "state", "feature"),
    [(*key, feature) for key, page in RULES.items() for feature in page.curves],
)
def test_a_feature_moves_the_odds_as_its_page_says_linearly_between_and_not_beyond(
    phenomenon: str, state: str, feature: str
) -> None:
    """Pages give six digits of a value at most; effects are of hundredths."""
    values, effects = zip(*RULES[phenomenon, state].curves[feature], strict=True)
    middles = [(a + b) / 2 for a, b in itertools.pairwise(values)]
    between = [(a + b) / 2 for a, b in itertools.pairwise(effects)]
    reach = values[-1] - values[0]
    beyond = [values[0] - reach, values[-1] + reach]

    found = effect_of(phenomenon, state, feature, [*values, *middles, *beyond, math.nan])

    assert len(values) >= 2
    assert found == pytest.approx([*effects, *between, effects[0], effects[-1], 0.0], abs=0.006)


@pytest.mark.parametrize(("phenomenon", "state"), RULES)
def test_a_curve_bends_where_its_page_says(phenomenon: str, state: str) -> None:
    curves = RULES[phenomenon, state].curves

    for effect in rules_of(phenomenon)[state or phenomenon].effects:
        bends, _ = zip(*effect.line, strict=True)
        published_bends, _ = zip(*curves[effect.feature], strict=True)
        # six digits of a value at most
        assert bends == pytest.approx(published_bends, rel=1e-5), effect.feature


def test_a_morning_of_which_nothing_is_known_has_the_odds_of_how_often_each_state_is_seen() -> None:
    """science.md 2: a sea on .22 of mornings; in cloud .10, overcast .18, open .50 (check)."""
    bases = PhysicsRule("sea_of_clouds").ready().bases()

    assert dict(zip(CLOUD_SEA_STATES, np.exp(bases), strict=True)) == pytest.approx(
        {"sea": 0.22, "in_cloud": 0.10, "overcast": 0.18, "open": 0.50}, abs=0.005
    )
