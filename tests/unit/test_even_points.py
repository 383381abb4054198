"""Are the points those of Sobol', and even?"""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

from forecast.science.even_points import BITS, DIMENSIONS, sobol_points


def test_they_are_those_that_scipy_gives() -> None:
    theirs = qmc.Sobol(DIMENSIONS, scramble=False, bits=BITS).random(4096) * (1 << BITS)

    assert np.array_equal(sobol_points(4096), theirs.astype(np.uint32))


def test_each_part_of_a_dimension_has_one_of_them() -> None:
    parts = np.sort(sobol_points(64) >> (BITS - 6), axis=0)

    assert (parts == np.arange(64)[:, None]).all()
