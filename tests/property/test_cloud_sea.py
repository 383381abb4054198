"""Laws of the sea of clouds that hold for any column: how full the valleys are, and which state a
moment is in.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecast.phenomena import cloud_deck, cloud_sea
from forecast.phenomena.cloud_sea_states import IN_CLOUD, OPEN, OVERCAST, SEA, UNKNOWN
from forecast.quantities import CLEAR_GAP, DECK_COVER

HEIGHTS = np.arange(0.0, 3001.0, 100.0)
COVER = st.one_of(st.floats(0, 1), st.just(float("nan")))
COLUMNS = arrays(float, (1, 1, len(HEIGHTS)), elements=COVER)
GROUND = arrays(float, (1, 8), elements=st.floats(0, 2000))


def filled(cloud: np.ndarray, ground: np.ndarray, site: float = 2000.0) -> float:
    return float(cloud_deck.area_filled(cloud, HEIGHTS, np.array([[site]]), ground)[0, 0])


@given(COLUMNS, GROUND)
def test_a_part_is_a_part_or_not_known(cloud: np.ndarray, ground: np.ndarray) -> None:
    part = filled(cloud, ground)

    assert np.isnan(part) or 0 <= part <= 1
    assert np.isnan(filled(np.full(cloud.shape, np.nan), ground))


@given(COLUMNS, GROUND, st.floats(0, 1))
def test_more_cloud_never_empties_a_valley(
    cloud: np.ndarray, ground: np.ndarray, more: float
) -> None:
    thicker = np.minimum(cloud + more, 1.0)

    less, greater = filled(cloud, ground), filled(thicker, ground)

    assert np.isnan(less) or greater >= less - 1e-12


@given(COLUMNS, GROUND, st.floats(0, 1000))
def test_higher_ground_is_never_hidden_more(
    cloud: np.ndarray, ground: np.ndarray, lift: float
) -> None:
    whole = np.nan_to_num(cloud)

    assert filled(whole, np.minimum(ground + lift, 2000.0)) <= filled(whole, ground) + 1e-12


@given(COLUMNS, GROUND)
def test_cloud_above_the_viewer_is_not_looked_down_upon(
    cloud: np.ndarray, ground: np.ndarray
) -> None:
    without = np.where(HEIGHTS > 2000, 0.0, cloud)

    assert np.array_equal(filled(cloud, ground), filled(without, ground), equal_nan=True)


@given(COVER, COVER, COVER, st.one_of(st.floats(-3000, 3000), st.just(float("nan"))))
def test_each_moment_has_one_state_and_none_where_a_part_is_not_known(
    at_site: float, above: float, fill: float, gap: float
) -> None:
    moments = {
        "cloud_at_site": at_site,
        "cloud_above_site": above,
        "valley_area_filled": fill,
        "gap_to_deck": gap,
    }

    (state,) = cloud_sea.states_of(
        {name: np.array([value]) for name, value in moments.items()}
    ).tolist()

    assert state in (SEA, IN_CLOUD, OVERCAST, OPEN, UNKNOWN)
    laps = abs(gap) < CLEAR_GAP and fill >= DECK_COVER and at_site < DECK_COVER
    assert (state == UNKNOWN) == (bool(np.isnan([at_site, above, fill]).any()) or laps)


def test_a_deck_that_ends_at_the_viewer_is_neither_a_sea_nor_open() -> None:
    moments = {
        "cloud_at_site": 0.1,
        "cloud_above_site": 0.0,
        "valley_area_filled": 0.95,
        "gap_to_deck": 50.0,
    }

    (state,) = cloud_sea.states_of(
        {name: np.array([value]) for name, value in moments.items()}
    ).tolist()

    assert state == UNKNOWN
