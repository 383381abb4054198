"""Distances on the earth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from forecast.geo import EARTH_RADIUS, KILOMETRES_PER_DEGREE, local_distance


def great_circle(a: float, b: float, c: float, d: float) -> float:
    """Distance [m] by the haversine formula (Sinnott 1984)."""
    a, b, c, d = (math.radians(x) for x in (a, b, c, d))
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(half))


def test_a_degree_of_a_great_circle_is_its_part_of_the_circumference() -> None:
    # 2 pi x 6371 km / 360 = 111.195 km
    assert pytest.approx(2 * math.pi * 6371 / 360) == KILOMETRES_PER_DEGREE
    assert pytest.approx(111.195, abs=5e-4) == KILOMETRES_PER_DEGREE


@pytest.mark.parametrize("latitude", [0.0, 33.74, -45.0, 60.0])
@pytest.mark.parametrize("bearing", [0, 45, 90, 200])
def test_neighbours_are_as_far_apart_as_on_the_sphere(latitude: float, bearing: int) -> None:
    step = 100 / KILOMETRES_PER_DEGREE  # 100 km
    there = latitude + step * math.cos(math.radians(bearing))
    east = step * math.sin(math.radians(bearing)) / math.cos(math.radians(latitude))

    found = float(local_distance(latitude, 111.6, there, 111.6 + east))

    assert found == pytest.approx(great_circle(latitude, 111.6, there, 111.6 + east), rel=0.015)


def test_the_short_way_leads_over_the_antimeridian() -> None:
    assert float(local_distance(0, 179.5, 0, -179.5)) == pytest.approx(111_195, abs=1)


def test_places_are_broadcast_and_nan_stays_nan() -> None:
    found = local_distance(
        np.array([[0.0], [60.0]]), np.zeros((2, 1)), np.array([[0.0, 60.0]]), [[1.0, np.nan]]
    )

    assert found.shape == (2, 2)
    assert np.isnan(found[:, 1]).all()
    assert found[0, 0] == pytest.approx(111_195, abs=1)
