"""Is the cloud of a forecast light path drawn from the layers that it has?"""

from __future__ import annotations

import numpy as np

from forecast.phenomena.layered_path import LOW_TOP, layered
from forecast.phenomena.light_path import DISTANCE, HEIGHTS
from forecast.science.light import CELLS, AirSection


def test_a_layer_that_is_not_forecast_stands_where_it_usually_does_and_not_in_the_ground() -> None:
    # usual low cloud is of 1000 to 2000 m; cells of 250 m whose top is under 1300 m are ground
    nothing = np.zeros((1, DISTANCE.size, CELLS))
    ground = np.full((1, DISTANCE.size), 1300.0)
    air = AirSection(DISTANCE, nothing, nothing, nothing, ground, ground > 0)

    path = layered(air)

    low = HEIGHTS < LOW_TOP
    assert HEIGHTS[low][path.shape[0, 0, low] > 0].tolist() == [1375.0, 1625.0, 1875.0]
    assert (path.opacity == path.shape).all()
    assert not path.cover.any()
