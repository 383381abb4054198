"""Which heights does a sea of clouds use: the air below the viewer, above, and no further?
Profiles linear in height, so that every median is the value half-way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from forecast.config import Config
from forecast.phenomena import cloud_sea
from forecast.science.interpolation import Scene
from tests.skies import SITES, atmosphere, dawn, layer, standard_temperature, steps

SUNRISE = "2026-11-08T22:48"
RUN = steps("2026-11-07T12:00", 48)
# on whole hundreds of metres, as the heights are that are read
SITE = replace(SITES["lingshan"], elevation=2300.0, valley_elevation=1300.0, valley_heights=())


def derived(config: Config, **air: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    made = atmosphere(RUN, **air)
    values = cloud_sea.derive((dawn(SITE, SUNRISE),), Scene(made, (SITE,)), config.phenomena).values
    return {name: float(values[name][0]) for name in values.keys() - {"best_start", "best_end"}}


def test_the_air_below_reaches_from_the_valley_to_the_viewer_and_that_above_1500_m_up(
    config: Config,
) -> None:
    """Medians of 1300 to 2300 m and of 2400 to 3800 m: the humidity at 1800 and at 3100 m."""
    values = derived(config, humidity=lambda height: height / 10_000)

    # half a step of 100 m is 0.005
    assert values["humidity_below"] == pytest.approx(0.18, abs=0.0015)
    assert values["humidity_above"] == pytest.approx(0.31, abs=0.0015)


def test_half_a_valley_of_cloud_is_half_filled(config: Config) -> None:
    """The mean over the eleven heights from 1300 to 2300 m of a cover linear in height, 18 %."""
    values = derived(config, cloud=lambda height: height / 10_000)

    assert values["valley_fill"] == pytest.approx(0.18, abs=0.0015)


@pytest.mark.parametrize(
    ("base", "warming"),
    [
        (800.0, False),  # below the valley: nobody there
        (1700.0, True),
        (2900.0, True),  # within 1000 m above the viewer
        (3400.0, False),
    ],
)
def test_an_inversion_counts_from_the_valley_to_1000_m_above_the_viewer(
    config: Config, base: float, warming: bool
) -> None:
    """Warm air, 8 K warmer over 400 m, between air that cools by 6.5 K in a kilometre; of it the
    levels, some 500 m apart, leave 1 K or more.
    """

    def temperature(height: np.ndarray) -> np.ndarray:
        return standard_temperature(height) + 8 * np.clip((height - base) / 400, 0, 1)

    assert (derived(config, temperature=temperature)["inversion"] > 0.6) == warming


def test_the_night_is_that_of_the_six_hours_before_the_window(config: Config) -> None:
    """High cloud that goes eight hours before dawn covers none of them; one that goes three hours
    before covers half.
    """
    window = dawn(SITE, SUNRISE).window
    made = atmosphere(steps("2026-11-07T12:00", 48, 1), cloud=layer(5000, 9000, 1.0))
    cloud = made["cloud_area_fraction_in_atmosphere_layer"]
    start = np.datetime64(window.start.replace(tzinfo=None), "ns")

    def night(hours: int) -> float:
        gone = made.assign(
            {cloud.name: cloud.where(made["time"] < start - np.timedelta64(hours, "h"), 0.0)}
        )
        part = cloud_sea.derive((dawn(SITE, SUNRISE),), Scene(gone, (SITE,)), config.phenomena)
        return float(part.values["night_cloud"][0])

    assert night(8) == 0
    assert night(3) == pytest.approx(0.5, abs=0.1)
    assert night(0) == pytest.approx(1.0, abs=0.1)
