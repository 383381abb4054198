"""The values of an event are those of its row that are known, and what is given beside it."""

from __future__ import annotations

import numpy as np
import pytest

from products.known_values import KnownRows

TABLE = {
    "gust": np.array([1.0, np.nan]),
    "snow_water": np.array([2.0, np.inf]),
    "deck_top": np.array([3.0, 4.0]),
}


@pytest.mark.parametrize(
    ("row", "more", "known"),
    [
        (0, {}, {"gust": 1.0, "snow_water": 2.0, "deck_top": 3.0}),
        (1, {}, {"deck_top": 4.0}),
        (1, {"gust": 9.0, "wind_chill": 8.0}, {"gust": 9.0, "deck_top": 4.0, "wind_chill": 8.0}),
        (0, {"deck_top": 7.0}, {"gust": 1.0, "snow_water": 2.0, "deck_top": 7.0}),
    ],
)
def test_all_at_once_are_those_one_by_one_in_the_same_order(
    row: int, more: dict[str, float], known: dict[str, float]
) -> None:
    values = KnownRows(TABLE).values(row, more)

    assert list(values.items()) == list(known.items())
    assert [(name, values[name]) for name in values] == list(known.items())
    assert len(values) == len(known)
    assert {type(value) for value in dict(values.items()).values()} == {float}


def test_what_is_not_known_is_absent() -> None:
    values = KnownRows(TABLE).values(1, {})

    assert "gust" not in values
    assert values.get("snow_water", 5.0) == 5.0
    with pytest.raises(KeyError):
        values["gust"]
