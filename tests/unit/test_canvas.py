"""Is the canvas of a glow found, lit and seen as the geometry says? Sections drawn by hand, values
worked out beside them.
"""

from __future__ import annotations

import numpy as np
import pytest

from forecast.phenomena.canvas import (
    ANGLES,
    Canvas,
    by_minute,
    find_canvas,
    illuminate,
    received,
    view_of,
)
from forecast.phenomena.light_path import DISTANCE
from forecast.science import light
from forecast.science.light import CELLS, AirSection, cloud_extinction

SITE = np.array([1000.0])  # [m]
LINES = 3  # from the site towards the sun, and one on either side


def section(*clouds: tuple[int, slice, slice, float], haze: float = 0.0) -> AirSection:
    """Air with clouds of (line, columns, cells, cover), haze [m-1] the same everywhere."""
    cover = np.zeros((LINES, DISTANCE.size, CELLS))
    for line, columns, cells, part in clouds:
        cover[line, columns, cells] = part
    known = np.ones(cover.shape[:2], dtype=bool)
    extinction = cloud_extinction(cover, np.full(cover.shape, 0.02))
    return AirSection(
        DISTANCE, cover, extinction, np.full(cover.shape, haze), np.zeros(known.shape), known
    )


HIGH = slice(32, 36)  # cells from 8 to 9 km
LOW = slice(6, 10)  # 1.5 to 2.5 km
NEAR = slice(0, 6)  # columns out to 75 km


def test_the_base_of_a_canvas_is_where_its_cloud_begins() -> None:
    found = find_canvas(section((0, NEAR, HIGH, 0.6), (0, NEAR, slice(16, 20), 0.3)), SITE)

    assert found.base[0, :, 0].tolist() == [4000.0, 8000.0]  # the middle and the high band
    assert found.own[0, :, 0] == pytest.approx([0.3, 0.6])
    # over one line of three
    assert found.by_band[0] == pytest.approx([0.1, 0.2])


def test_middle_cloud_covers_high_cloud_and_each_point_counts_by_what_is_seen_of_it() -> None:
    """By hand: the points 0 and 30 km out on the first line have .3 of middle and of the rest .7
    times .6 of high cloud, .42; the other three points have nothing.
    """
    found = find_canvas(
        section((0, slice(0, 3), HIGH, 0.6), (0, slice(0, 3), slice(16, 20), 0.3)), SITE
    )

    assert found.share[0, 0] == pytest.approx([0.3 / 1.44, 0.3 / 1.44, 0, 0, 0])
    assert found.share[0, 1] == pytest.approx([0.42 / 1.44, 0.42 / 1.44, 0, 0, 0])
    assert found.main[0] == 1
    assert found.height()[0] == pytest.approx(8000)


def test_cloud_less_than_500_m_above_the_viewer_is_no_canvas() -> None:
    """From 4000 m cloud between 4250 and 4500 m is fog to come, at 4500 to 4750 m a canvas."""
    viewer = np.array([4000.0])

    below = find_canvas(section((0, NEAR, slice(17, 18), 0.8)), viewer)
    above = find_canvas(section((0, NEAR, slice(18, 19), 0.8)), viewer)

    assert below.cover[0] == 0
    assert above.own[0, 0, 0] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("middle", "high", "painted"),
    [
        (0.0, 0.0, 0.0),
        (0.0, 0.1, 0.05),
        (0.0, 0.4, 1.0),
        (0.0, 0.8, 1.0),
        (0.0, 1.0, 0.8),
        (0.1, 0.0, 0.05),
        (0.2, 0.0, 0.7),
        (0.35, 0.0, 1.0),
        (0.5, 0.0, 1.0),
        (1.0, 0.0, 0.4),
        # high cloud in the gaps of a fifth of middle cloud: 1 - .3 (1 - .8 x .05)
        (0.2, 0.1, 1 - 0.3 * (1 - 0.05 * 0.8)),
    ],
)
def test_the_part_painted_is_best_at_a_third_of_middle_and_half_of_high_cloud(
    middle: float, high: float, painted: float
) -> None:
    """science.md 3: 20-50 % of middle and 40-80 % of high cloud are best, below 10 % is nothing."""
    nothing = np.zeros((1, 2, 1))
    canvas = Canvas(nothing, nothing, nothing, np.array([[middle, high]]), np.zeros(1))

    assert canvas.part()[0] == pytest.approx(painted)


@pytest.mark.parametrize(
    ("elevation", "cover", "caught"),
    [
        # a closed sheet catches sin e on its base
        (-90.0, 1.0, 1.0),
        (-30.0, 1.0, 0.5),
        (-30.0, 0.5, 0.5 * (1 - 0.5 ** (1 + 0.2 / np.tan(np.pi / 6))) / 0.5),
        (-1.0, 0.3, 0.01745241 * (1 - 0.7 ** (1 + 0.2 / 0.01745506)) / 0.3),
        # less than a tenth of cloud stands as far apart as a tenth
        (-30.0, 0.01, 0.5 * (1 - 0.9 ** (1 + 0.2 / np.tan(np.pi / 6))) / 0.1),
        (1.0, 0.5, 0.0),  # from above
        (0.0, 0.5, 0.0),
        (np.nan, 0.5, np.nan),
    ],
)
def test_a_canvas_catches_what_a_field_of_boxes_shadows(
    elevation: float, cover: float, caught: float
) -> None:
    """Kauth & Penquite 1967: 1 - (1 - c)^(1 + a / tan e) of a beam, for boxes a fifth as deep as
    they are wide.
    """
    found = received(np.array(elevation), np.array(cover))

    assert float(found) == pytest.approx(caught, rel=1e-5, abs=1e-12, nan_ok=True)


def test_what_stands_at_angles_is_read_linearly_between_them_and_no_further() -> None:
    """By hand: the values are the angles themselves, beyond the last the last."""
    points = np.array([[-4.0, -3.95, -0.0625, 0.25, 3.4, 9.0, -9.0]])

    read = by_minute(ANGLES[None], points)
    both = by_minute(np.stack([ANGLES, 2 * ANGLES], axis=-1)[None], points)

    assert read[0] == pytest.approx([-4.0, -3.95, -0.0625, 0.25, 3.4, 3.5, -5.125])
    assert both[0, :, 1] == pytest.approx(2 * read[0])


@pytest.mark.parametrize(
    ("low", "clearance"), [(0.0, 1.0), (0.1, 1.0), (0.3, 0.5), (0.4, 0.25), (0.5, 0.0), (0.9, 0.0)]
)
def test_low_cloud_overhead_is_harmless_to_a_tenth_and_fatal_from_half(
    low: float, clearance: float
) -> None:
    """science.md 3, linear between the two."""
    air = section((0, NEAR, HIGH, 0.6), (0, slice(0, 1), LOW, low))
    canvas = find_canvas(air, SITE)

    assert view_of(air, canvas, SITE)[0, 1, 0] == pytest.approx(clearance)


def test_low_cloud_below_the_viewer_hides_nothing() -> None:
    air = section((0, NEAR, HIGH, 0.6), (0, NEAR, slice(0, 4), 1.0))

    assert view_of(air, find_canvas(air, SITE), SITE)[0, 1, 0] == 1


def test_only_low_cloud_that_the_line_of_sight_passes_under_the_canvas_hides_it() -> None:
    """To the canvas at 8 km, 60 km out, the line is at 2 km some 8.6 km from the viewer at 1 km:
    cloud from 22 km on lies below it, the cloud of the first column is passed.
    """
    behind = section((0, NEAR, HIGH, 0.6), (0, slice(2, 6), LOW, 1.0))
    before = section((0, NEAR, HIGH, 0.6), (0, slice(0, 1), LOW, 1.0))

    far_point = 2
    assert view_of(behind, find_canvas(behind, SITE), SITE)[0, 1, far_point] == 1
    assert view_of(before, find_canvas(before, SITE), SITE)[0, 1, far_point] == 0


def test_haze_on_the_line_of_sight_dims_the_canvas_by_its_slant_depth() -> None:
    """By hand: 1e-5 m-1 over the 7 km from the viewer's cell (1 to 1.25 km) to just under the base
    at 8 km, on a slant of 30 km out and 7 km up.
    """
    air = section((0, NEAR, HIGH, 0.6), haze=1e-5)
    dimmed = view_of(air, find_canvas(air, SITE), SITE)[0, 1, 1]

    # cells are counted whole: the viewer's own, which he stands at the edge of, may count
    assert -np.log(dimmed) == pytest.approx(1e-5 * 7000 * np.hypot(30, 7) / 7, rel=0.04)


def test_a_ridge_above_the_line_of_sight_hides_the_canvas_behind_it() -> None:
    """The base at 8 km, 30 km out, stands atan(7 / 30 - 15 / R') = 13 degrees above the viewer."""
    air = section((0, NEAR, HIGH, 0.6))
    canvas = find_canvas(air, SITE)
    height = np.degrees(np.arctan(7000 / 30000 - 30000 / (2 * light.effective_radius())))
    below, above = (np.full((1, 5), height + turn) for turn in (-0.01, 0.01))

    assert height == pytest.approx(13.0, abs=0.1)
    assert view_of(air, canvas, SITE, below)[0, 1, 1] == 1
    assert view_of(air, canvas, SITE, above)[0, 1, 1] == 0


@pytest.mark.parametrize(("wall", "dark"), [(0, False), (1, True), (2, False)])
def test_each_point_is_lit_along_its_own_line(wall: int, dark: bool) -> None:
    """Canvas on the line to the left alone: a wall darkens it there, and not on another line."""
    bank = slice(10, 40), slice(0, CELLS)
    clear = section((1, NEAR, HIGH, 0.6))
    canvas = find_canvas(clear, SITE)
    view = np.ones(canvas.share.shape)

    lit = illuminate(section((1, NEAR, HIGH, 0.6), (wall, *bank, 1.0)), canvas, view)
    free = illuminate(clear, canvas, view)

    assert free.vivid.max() > 0.3
    if dark:
        assert lit.vivid.max() < 1e-3
    else:
        assert lit.vivid == pytest.approx(free.vivid)


def test_events_do_not_see_each_other_s_walls() -> None:
    """Lines are stacked line by line, not event by event: of two events the second has a wall."""
    one = section((1, NEAR, HIGH, 0.6))
    two = section((1, NEAR, HIGH, 0.6), (1, slice(10, 40), slice(0, CELLS), 1.0))
    stacked = AirSection(
        DISTANCE,
        *(
            np.stack([getattr(one, name), getattr(two, name)], axis=1).reshape(
                2 * LINES, *getattr(one, name).shape[1:]
            )
            for name in ("cover", "cloud", "aerosol", "ground", "known")
        ),
    )
    canvas = find_canvas(stacked, np.repeat(SITE, 2))

    lit = illuminate(stacked, canvas, np.ones(canvas.share.shape))

    alone = find_canvas(one, SITE)
    assert lit.vivid[0] == pytest.approx(
        illuminate(one, alone, np.ones(alone.share.shape)).vivid[0]
    )
    assert lit.vivid[1].max() < 1e-3


def test_a_view_that_is_half_hidden_shows_half() -> None:
    air = section((0, NEAR, HIGH, 0.6))
    canvas = find_canvas(air, SITE)

    lit = illuminate(air, canvas, np.full(canvas.share.shape, 0.5))

    assert lit.seen == pytest.approx(lit.vivid / 2)
    assert (lit.vivid_if_clear >= lit.vivid - 1e-12).all()
