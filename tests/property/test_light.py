"""Laws of the light path, for all skies: more in the way never gives more light."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.phenomena.canvas import FEWEST, find_canvas, illuminate, received, view_of
from forecast.phenomena.light_path import DISTANCE, HEIGHTS
from forecast.science import light
from forecast.science.light import CELL, CELLS, AirSection, cloud_extinction

SITE = np.array([1000.0])
few = settings(max_examples=25, deadline=None)


def sky(
    canvas: float, base: int, wall_at: int, wall_top: int, wall: float, depth: float
) -> AirSection:
    """A canvas within 90 km, a wall further off, haze of an optical depth."""
    cover = np.zeros((1, DISTANCE.size, CELLS))
    cover[:, :6, base : base + 4] = canvas
    if wall_top:
        cover[:, wall_at : wall_at + 4, :wall_top] = np.maximum(
            cover[:, wall_at : wall_at + 4, :wall_top], wall
        )
    cloud = cloud_extinction(cover, np.full(cover.shape, 0.01))
    haze = np.broadcast_to(depth / 2000.0 * np.exp(-HEIGHTS / 2000.0), cover.shape)
    return AirSection(
        DISTANCE,
        cover,
        cloud,
        haze,
        np.zeros(cover.shape[:2]),
        np.ones(cover.shape[:2], dtype=bool),
    )


def quality(section: AirSection) -> float:
    canvas = find_canvas(section, SITE)
    return float(
        (
            canvas.part()[:, None]
            * illuminate(section, canvas, view_of(section, canvas, SITE)).seen
        ).max()
    )


def red_light(section: AirSection) -> float:
    canvas = find_canvas(section, SITE)
    return float(illuminate(section, canvas, view_of(section, canvas, SITE)).red_light[0])


covers = st.floats(0.1, 1.0)
bases = st.integers(12, 44)
places = st.integers(8, 34)
tops = st.integers(0, CELLS - 1)
depths = st.floats(0.0, 2.0)


@few
@given(covers, bases, places, tops, tops, covers, depths)
def test_quality_never_rises_when_a_wall_beyond_the_canvas_grows_higher(
    canvas: float, base: int, place: int, one: int, other: int, wall: float, depth: float
) -> None:
    low, high = sorted((one, other))

    assert (
        quality(sky(canvas, base, place, high, wall, depth))
        <= quality(sky(canvas, base, place, low, wall, depth)) + 1e-12
    )


@few
@given(covers, bases, places, tops, covers, covers, depths)
def test_quality_never_rises_when_a_wall_beyond_the_canvas_grows_denser(
    canvas: float, base: int, place: int, top: int, one: float, other: float, depth: float
) -> None:
    thin, thick = sorted((one, other))

    assert (
        quality(sky(canvas, base, place, top, thick, depth))
        <= quality(sky(canvas, base, place, top, thin, depth)) + 1e-12
    )


@few
@given(covers, bases, places, tops, covers, depths, depths)
def test_quality_never_rises_when_haze_thickens(
    canvas: float, base: int, place: int, top: int, wall: float, one: float, other: float
) -> None:
    clean, hazy = sorted((one, other))

    assert (
        quality(sky(canvas, base, place, top, wall, hazy))
        <= quality(sky(canvas, base, place, top, wall, clean)) + 1e-12
    )


@few
@given(covers, bases, places, tops, tops, covers, depths, depths)
def test_the_red_light_on_the_canvas_never_rises_with_wall_or_haze_and_is_a_part(
    canvas: float,
    base: int,
    place: int,
    one: int,
    other: int,
    wall: float,
    some: float,
    more: float,
) -> None:
    (low, high), (clean, hazy) = sorted((one, other)), sorted((some, more))

    skies = ((low, wall, clean), (high, wall, clean), (low, wall, hazy))
    free, walled, veiled = (red_light(sky(canvas, base, place, *rest)) for rest in skies)

    assert 0 <= walled <= free + 1e-12
    assert 0 <= veiled <= free + 1e-12
    assert free <= 1


@few
@given(covers, bases, places, tops, covers, depths)
def test_quality_is_between_0_and_1(
    canvas: float, base: int, place: int, top: int, wall: float, depth: float
) -> None:
    assert 0 <= quality(sky(canvas, base, place, top, wall, depth)) <= 1


@given(st.floats(0.01, 5.0), st.floats(FEWEST, 0.99), st.floats(FEWEST, 0.99))
def test_cloud_catches_at_least_what_its_base_does_and_never_more_than_passes_its_level(
    rise: float, one: float, other: float
) -> None:
    open_, closed = sorted((one, other))

    caught = received(np.array([-rise, -rise, rise]), np.array([open_, closed, one]))

    passes = np.sin(np.radians(rise))
    # the fewer they are, the more each gets
    assert passes * (1 - 1e-9) <= caught[1] <= caught[0] * (1 + 1e-9)
    assert caught[0] * open_ <= passes * (1 + 1e-9)
    assert caught[2] == 0  # from above


@given(st.floats(-3.0, 20.0), st.floats(-3.0, 20.0), st.floats(0.0, 12000.0))
def test_a_higher_sun_sends_a_higher_ray(one: float, other: float, height: float) -> None:
    low, high = sorted((one, other))

    rays = light.apparent_elevation(np.array([low, high]), height)

    assert rays[0] <= rays[1] + 1e-3  # [degree] to which halving finds it
    assert (rays >= np.array([low, high]) - 1e-9).all()  # air only lifts


@given(st.floats(0.0, 12000.0), st.floats(0.0, 10.0))
def test_a_ray_above_the_horizontal_only_rises(height: float, elevation: float) -> None:
    path = light.ray_height(np.array([height]), np.array([elevation]), DISTANCE)

    assert (np.diff(path) > 0).all()
    assert abs(path[0] - height) < 1e-6


def test_what_is_not_known_gives_no_number() -> None:
    nothing = np.array([np.nan])

    assert np.isnan(light.ray_height(nothing, nothing, DISTANCE)).all()
    assert np.isnan(light.apparent_elevation(nothing, 1000.0)).all()
    assert np.isnan(light.air_column(np.array([1000.0]), nothing)).all()
    assert np.isnan(light.twilight_illuminance(nothing)).all()
    assert CELL * CELLS == 14000.0
