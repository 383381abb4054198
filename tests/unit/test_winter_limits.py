"""On which side of each limit of winter weather does a value count? Both sides of every limit, in
degrees Celsius as the sources give them.
"""

from __future__ import annotations

import numpy as np
import pytest

from forecast.science.precipitation_type import DRY, ICE_PELLETS, RAIN, SLEET, SNOW, type_of_day
from forecast.science.snowfall import cold_resource, frostbite_time, grows_rime
from forecast.science.thermodynamics import FREEZING

nan = float("nan")


@pytest.mark.parametrize(
    ("celsius", "humidity", "cloud", "wind", "hard", "soft"),
    [
        # below -0.5 degC drops freeze on (science.md 4); below -38 degC there are no drops
        # (Pruppacher & Klett 1997)
        (-0.49, 1.0, 1.0, 8.0, False, False),
        (-0.51, 1.0, 1.0, 8.0, True, False),
        (-37.9, 1.0, 1.0, 8.0, True, False),
        (-38.1, 1.0, 1.0, 8.0, False, False),
        # half a sky of cloud at the place is cloud
        (-5.0, 0.5, 0.50, 8.0, True, False),
        (-5.0, 0.5, 0.49, 8.0, False, False),
        # force 3 ends at 5.4 m s-1 (WMO Beaufort): calmer, rime is soft
        (-5.0, 0.5, 1.0, 5.4, False, True),
        (-5.0, 0.5, 1.0, 5.5, True, False),
        (-5.0, 0.5, 0.0, 1.0, False, False),
        (-5.0, 1.0, 0.0, 1.0, False, True),  # saturated air without cloud
        (-5.0, 1.0, 0.0, 8.0, False, False),  # the wind shakes it off
        (nan, 1.0, 1.0, 8.0, False, False),
    ],
)
def test_rime_grows_in_supercooled_cloud_hard_in_wind_and_soft_in_calm(
    celsius: float, humidity: float, cloud: float, wind: float, hard: bool, soft: bool
) -> None:
    found = grows_rime(*(np.array([v]) for v in (FREEZING + celsius, humidity, cloud, wind)))

    assert [bool(kind[0]) for kind in found] == [hard, soft]


@pytest.mark.parametrize(
    ("mean", "felt", "depth", "sun", "wind", "good"),
    [
        (0.0, -25.0, 0.03, 4.0, 8.0, 4),  # all on their limits
        (0.1, -25.0, 0.03, 4.0, 8.0, 3),
        (0.0, -25.1, 0.03, 4.0, 8.0, 3),
        (0.0, -25.0, 0.03, 3.9, 8.0, 3),
        (0.0, -25.0, 0.03, 4.0, 8.1, 3),
        (0.0, -25.0, 0.029, 4.0, 8.0, 2),  # without snow two at most
        (0.1, -25.0, 0.029, 4.0, 8.0, 2),
        (0.1, -25.0, 0.029, 3.9, 8.0, 1),
        (0.0, -25.0, 0.03, nan, 8.0, nan),
        (0.0, nan, 0.03, 4.0, 8.0, nan),
        (0.0, -25.0, nan, 4.0, 8.0, nan),
    ],
)
def test_a_winter_day_has_up_to_four_good_conditions(
    mean: float, felt: float, depth: float, sun: float, wind: float, good: float
) -> None:
    found = cold_resource(
        *(np.array([v]) for v in (FREEZING + mean, FREEZING + felt, depth, sun, wind))
    )

    assert found[0] == pytest.approx(good, nan_ok=True)


@pytest.mark.parametrize(
    ("celsius", "kilometres"), [(-25.0, 30.0), (-30.0, 25.0), (-40.0, 40.0), (-15.0, 70.0)]
)
def test_frostbite_time_is_that_of_tikuisis_and_osczevski(
    celsius: float, kilometres: float
) -> None:
    """Tikuisis & Osczevski 2003, BAMS 84, 1356; wind in km/h, temperature in degrees Celsius:
    10.0 minutes at -25 degC and 30 km/h, 17.7 at -15 degC and 70 km/h.
    """
    minutes = (2111 - 24.5 * (0.667 * kilometres + 4.8)) * (-4.8 - celsius) ** -1.668
    found = frostbite_time(np.array([FREEZING + celsius]), np.array([kilometres / 3.6]))[0]

    assert found / 60 == pytest.approx(minutes, rel=1e-6)


@pytest.mark.parametrize(
    ("total", "snow", "pellets", "kind"),
    [
        (0.09, 0.09, 0.0, DRY),  # less than a tenth of a millimetre is a trace
        (0.11, 0.11, 0.0, SNOW),
        (4.0, 3.01, 0.0, SNOW),  # three quarters and more
        (4.0, 2.99, 0.0, SLEET),
        (4.0, 1.01, 0.0, SLEET),
        (4.0, 0.99, 0.0, RAIN),  # less than a quarter
        (4.0, 2.0, 1.01, ICE_PELLETS),
        (4.0, 2.0, 0.99, SLEET),
        (4.0, nan, 0.0, nan),
    ],
)
def test_a_day_is_named_by_what_makes_a_quarter_of_its_water(
    total: float, snow: float, pellets: float, kind: float
) -> None:
    found = type_of_day(*(np.array([v]) for v in (total, snow, pellets, 0.0)))

    assert found[0] == pytest.approx(kind, nan_ok=True)
