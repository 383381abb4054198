"""At which heights does a column over a site stand?"""

from __future__ import annotations

import numpy as np
import pytest

from forecast.science.interpolation import Scene
from forecast.science.site_profiles import column
from tests.skies import SITES, atmosphere, steps

GROUND = 700.0  # [m] of the model at the site
SCENE = Scene(
    atmosphere(steps("2026-11-08T00:00", 6), ground=GROUND, air_temperature_at_2m=271.0),
    (SITES["lingshan"],),
)


@pytest.mark.parametrize(
    ("name", "above", "value"),
    [
        ("air_temperature", 2.0, 271.0),
        ("relative_humidity", 2.0, 0.4),
        ("eastward_wind", 10.0, 2.0),
        ("northward_wind", 10.0, 0.0),
    ],
)
def test_a_column_ends_at_the_height_of_the_instruments_over_the_model_s_ground(
    name: str, above: float, value: float
) -> None:
    """WMO-No. 8: temperature and humidity are meant at 2 m, wind at 10 m."""
    values, heights = (part[0, 0] for part in column(SCENE, name))
    known = np.isfinite(values)

    lowest = heights[known].min()
    assert lowest == pytest.approx(GROUND + above, abs=0.01)
    assert values[known][heights[known].argmin()] == pytest.approx(value, abs=1e-4)
    assert not known[heights < GROUND].any()
