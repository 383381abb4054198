"""Rounded mantissas are within their error, idempotent, and leave what is not finite."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.science.arrays import bits_rounded

FLOATS = st.lists(
    st.floats(width=32, min_value=-(2.0**100), max_value=2.0**100, allow_subnormal=False),
    min_size=1, max_size=50,
)  # fmt: skip


@given(FLOATS, st.integers(1, 22))
def test_the_error_is_half_of_the_last_bit_kept_and_a_second_rounding_changes_nothing(
    values: list[float], bits: int
) -> None:
    given_values = np.array(values, dtype=np.float32)

    found = bits_rounded(given_values, bits)

    error = np.abs(found.astype(float) - given_values.astype(float))
    assert (error <= np.abs(given_values.astype(float)) * 2.0 ** -(bits + 1)).all()
    assert np.array_equal(bits_rounded(found, bits), found)
    assert not (found.view(np.uint32) & np.uint32((1 << (23 - bits)) - 1)).any()


def test_what_is_not_finite_stays() -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype=np.float32)

    assert np.array_equal(bits_rounded(odd, 10), odd, equal_nan=True)


@pytest.mark.parametrize(
    ("value", "bits", "rounded"),
    [(280.0077, 14, 280.0), (280.0078125, 14, 280.015625), (0.5002, 10, 0.5)],
)
def test_halves_round_as_the_convention_says(value: float, bits: int, rounded: float) -> None:
    assert bits_rounded(np.array([value], dtype=np.float32), bits)[0] == np.float32(rounded)


def test_rounded_values_compress_better() -> None:
    noise = np.random.default_rng(1).normal(280, 5, 1387).astype(np.float32)

    whole, rounded = (
        len(zlib.compress(np.ascontiguousarray(each.view(np.uint8).reshape(-1, 4).T).tobytes()))
        for each in (noise, bits_rounded(noise, 14))
    )

    assert rounded < 0.8 * whole
