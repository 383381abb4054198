"""Which features are named as the reasons of a forecast, and in which order?"""

from __future__ import annotations

import numpy as np

from models.prediction import _missing, _reasons


def named(**effects: float) -> list[str]:
    moved = np.array(list(effects.values()))
    return [reason.feature for reason in _reasons(list(effects), np.zeros(len(moved)), moved)]


def test_the_strongest_reason_comes_first_whichever_way_it_points() -> None:
    assert named(a=0.3, b=-0.9, c=0.6) == ["b", "c", "a"]


def test_an_effect_of_less_than_four_points_at_even_odds_is_no_reason() -> None:
    """0.15 in log-odds: expit(0.15) is 53.7 %."""
    assert named(a=0.149, b=0.151, c=-0.149, d=-0.151, e=0.0) == ["b", "d"]


def test_three_reasons_for_and_three_against_are_named_at_most() -> None:
    assert named(a=0.9, b=0.8, c=0.7, d=0.6) == ["a", "b", "c"]
    assert named(a=-0.9, b=-0.8, c=-0.7, d=-0.6, e=0.2) == ["a", "b", "c", "e"]


def test_what_explains_all_that_is_missing_stands_alone() -> None:
    assert _missing(["light_path", "beyond_data"], ["gap_to_deck"]) == ("beyond_data",)
    assert _missing(["computation", "light_path"], []) == ("computation",)
    assert _missing(["light_path"], ["gap_to_deck"]) == ("light_path", "feature:gap_to_deck")
