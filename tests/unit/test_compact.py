"""Compact numbers and reasons are read like a dict and a tuple."""

from __future__ import annotations

import pickle

from forecast.compact import Numbers, Reasons
from forecast.domain import Reason

VALUES = {"gust": 12.5, "deck_top": 1800.0, "snow_water": 0.1}
REASONS = (Reason("gust", 12.5, -0.75), Reason("deck_top", float("inf"), 0.25))


def test_numbers_are_those_of_the_dict_in_its_order() -> None:
    numbers = Numbers(VALUES)

    assert list(numbers.items()) == list(VALUES.items())
    assert numbers == VALUES
    assert {**numbers} == VALUES
    assert len(numbers) == 3
    assert "gust" in numbers
    assert numbers.get("rime", 7.0) == 7.0
    assert not Numbers({})
    assert pickle.loads(pickle.dumps(numbers)) == VALUES


def test_reasons_are_those_of_the_tuple_in_its_order() -> None:
    reasons = Reasons(REASONS)

    assert tuple(reasons) == REASONS
    assert reasons == REASONS
    assert reasons == Reasons(REASONS)
    assert (reasons[0], reasons[-1], reasons[1:]) == (REASONS[0], REASONS[1], REASONS[1:])
    assert len(reasons) == 2
    assert pickle.loads(pickle.dumps(reasons)) == REASONS
