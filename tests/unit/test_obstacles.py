"""Is what stands in the way of a ray named at its place? Sections with one thing in them."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.phenomena.light_path import DISTANCE, STEP
from forecast.phenomena.obstacles import blocking_cloud, ray_path, shadow_edge
from forecast.science import light
from forecast.science.light import CELLS, AirSection, cloud_extinction

HIGH = np.array([8000.0])  # [m] of the point that is lit


def section(
    column: int | None = None, top: int = CELLS, cover: float = 1.0, ridge: int | None = None
) -> AirSection:
    """Air with one column of cloud up to a cell, or with one ridge of 3000 m."""
    covers = np.zeros((1, DISTANCE.size, CELLS))
    if column is not None:
        covers[0, column, :top] = cover
    ground = np.zeros((1, DISTANCE.size))
    if ridge is not None:
        ground[0, ridge] = 3000.0
    return AirSection(
        DISTANCE, covers, cloud_extinction(covers, np.full(covers.shape, 0.02)),
        np.zeros(covers.shape), ground, np.ones(ground.shape, dtype=bool),
    )  # fmt: skip


@pytest.mark.parametrize("start", [0, 2])
@pytest.mark.parametrize("column", [8, 20])
def test_a_cloud_is_named_at_its_own_distance_and_top_whichever_point_is_lit(
    column: int, start: int
) -> None:
    """A wall of 44 cells of 250 m: 11 km, across a ray that comes up at 1 degree."""
    distance, top = blocking_cloud(section(column, top=44), HIGH, np.array([-1.0]), start)

    assert distance[0] == column * STEP
    assert top[0] == 11_000


@pytest.mark.parametrize(("cover", "named"), [(0.3, False), (0.7, True)])
def test_cloud_that_lets_more_than_half_of_the_light_pass_is_no_obstacle(
    cover: float, named: bool
) -> None:
    """A ray through 15 km of elements 20 km long: opaque ones of cover c leave (1 - c)^(3/4)."""
    assert ((1 - cover) ** 0.75 < 0.5) == named

    distance, top = blocking_cloud(section(10, cover=cover), HIGH, np.array([-1.0]), 0)

    assert np.isfinite(distance[0]) == named
    assert np.isfinite(top[0]) == named


@pytest.mark.parametrize("start", [0, 2])
def test_a_ridge_that_shades_first_is_named_where_it_stands(start: int) -> None:
    """The ray that grazes a ridge of 3000 m comes higher than that over the horizon."""
    distance, crest = shadow_edge(section(ridge=12), HIGH, start)

    assert (distance[0], crest[0]) == (12 * STEP, 3000.0)


def test_over_level_ground_the_earth_itself_shades_at_the_horizon() -> None:
    """sqrt(2 h R'): from 8 km, with refraction, within half a column."""
    distance, crest = shadow_edge(section(), HIGH, 0)

    assert distance[0] == pytest.approx(np.sqrt(2 * 8000 * light.effective_radius()), abs=STEP / 2)
    assert crest[0] == 0


def test_a_ray_is_drawn_from_the_sun_to_the_cloud_that_stops_it_and_not_behind() -> None:
    clear, stopped = (
        ray_path(air, HIGH, np.array([[-1.0]]), 2)[0, 0] for air in (section(), section(10))
    )

    assert np.isnan(clear[:2]).all()
    assert clear[2] == pytest.approx(8000)
    assert np.isfinite(clear[2:15]).all()
    assert np.isnan(stopped[:10]).all()
    assert stopped[11:15] == pytest.approx(clear[11:15])
