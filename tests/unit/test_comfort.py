"""Comfort by GB/T 27963-2011: formulas and classes against values worked by hand."""

from __future__ import annotations

from math import nan
from typing import get_args, get_type_hints

import pytest

from forecast.science.comfort import (
    STANDARDS,
    class_of_humidity,
    class_of_wind,
    comfort_2011,
    humidity_index,
    wind_index,
)
from forecast.settings import ObservationSettings

KELVIN = 273.15


@pytest.mark.parametrize(
    ("celsius", "humidity", "index"),
    [
        (24.4, 1.0, 24.4),  # saturated air: I is the temperature
        (24.4, 0.5, 21.65),  # 24.4 - 0.55 * 0.5 * 10
        (14.4, 0.2, 14.4),  # at 14.4 degC humidity does not count
        (34.4, 0.6, 30.0),  # 34.4 - 0.55 * 0.4 * 20
        (-5.6, 0.5, -0.1),  # -5.6 - 0.55 * 0.5 * (-20)
        (20.4, 1.04, 20.4),  # supersaturated, as sensors report in cloud: saturated
    ],
)
def test_the_humidity_index_is_the_arithmetic_of_the_standard(
    celsius: float, humidity: float, index: float
) -> None:
    assert humidity_index(celsius + KELVIN, humidity) == pytest.approx(index, abs=1e-9)


@pytest.mark.parametrize(
    ("celsius", "speed", "sunshine", "index"),
    [
        (23.0, 4.0, 0.0, -264.5),  # -(20 + 10.45 - 4) * 10
        (23.0, 4.0, 10.0, -179.0),  # + 85.5
        (33.0, 9.0, 2.0, 17.1),  # air as warm as skin: the sun alone
        (-7.0, 1.0, 0.0, -778.0),  # -(10 + 10.45 - 1) * 40
        (13.0, 0.0, 0.0, -209.0),  # -10.45 * 20
    ],
)
def test_the_wind_index_is_the_arithmetic_of_the_standard(
    celsius: float, speed: float, sunshine: float, index: float
) -> None:
    assert wind_index(celsius + KELVIN, speed, sunshine) == pytest.approx(index, abs=1e-9)


@pytest.mark.parametrize(
    ("index", "reported"),
    # below 14.0 | 14.0-16.9 | 17.0-25.4 | 25.5-27.5 | above 27.5, given in tenths
    [
        (13.94, 1),
        (13.95, 2),
        (14.0, 2),
        (16.94, 2),
        (16.95, 3),
        (17.0, 3),
        (25.4, 3),
        (25.44, 3),
        (25.45, 4),
        (25.5, 4),
        (27.5, 4),
        (27.54, 4),
        (27.55, 5),
        (27.6, 5),
        (nan, 0),
    ],
)
def test_the_classes_of_the_humidity_index_begin_where_the_standard_has_them(
    index: float, reported: int
) -> None:
    assert class_of_humidity(index) == reported


@pytest.mark.parametrize(
    ("index", "reported"),
    # below -400 | -400..-300 | -299..-100 | -99..-10 | above -10, given in whole numbers
    [
        (-401, 1),
        (-400.6, 1),
        (-400.4, 2),
        (-400, 2),
        (-300, 2),
        (-299.6, 2),
        (-299, 3),
        (-100, 3),
        (-99, 4),
        (-10, 4),
        (-9, 5),
        (0, 5),
        (nan, 0),
    ],
)
def test_the_classes_of_the_wind_index_begin_where_the_standard_has_them(
    index: float, reported: int
) -> None:
    assert class_of_wind(index) == reported


def test_where_the_two_disagree_wind_counts_in_winter_and_humidity_in_summer() -> None:
    mild = {"temperature": 20.0 + KELVIN, "humidity": 1.0, "speed": 9.0, "sunshine": 0.0}
    # I = 20.0: class 3; K = -(30 + 10.45 - 9) * 13 = -408.85: class 1

    assert comfort_2011(**mild, cold_half=False) == 3
    assert comfort_2011(**mild, cold_half=True) == 1


def test_without_a_sunshine_recorder_comfort_is_known_only_where_the_sun_does_not_decide() -> None:
    # K = -(10 + 10.45 - 1) * 38 = -739.1; with fifteen hours of sun -610.9: cold either way
    assert comfort_2011(-5.0 + KELVIN, 0.5, 1.0, nan, cold_half=True) == 1
    # K = -(10 + 10.45 - 1) * 18 = -350.1: cool; with fifteen hours of sun -221.9: comfortable
    assert comfort_2011(15.0 + KELVIN, 0.5, 1.0, nan, cold_half=True) == 0
    assert comfort_2011(15.0 + KELVIN, 0.5, 1.0, 0.0, cold_half=True) == 2


def test_what_is_not_measured_gives_no_comfort() -> None:
    for cold_half in (False, True):
        assert comfort_2011(nan, 0.5, 1.0, 0.0, cold_half) == 0
    assert comfort_2011(290.0, nan, 1.0, 0.0, cold_half=False) == 0
    assert comfort_2011(290.0, 0.5, nan, 0.0, cold_half=True) == 0


def test_every_standard_of_the_settings_is_there() -> None:
    assert set(get_args(get_type_hints(ObservationSettings)["comfort"])) == STANDARDS.keys()
