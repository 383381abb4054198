"""Winds in another unit are found beside the heights and other winds of their run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.domain import Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest import Needs
from forecast.ingest.grib.reader import inspect, read_atmosphere
from forecast.ingest.grib.wind_plausibility import geostrophic_slope, geostrophic_wind
from forecast.quantities import FIELDS
from tests.gribs import COLUMNS, CYCLE, ROWS, file_of, message, needs

U, V, OMEGA, GUST = (0, 2, 2), (0, 2, 3), (0, 2, 8), (0, 2, 22)
LATITUDE = np.linspace(42, 38, ROWS)[:, None]
# 30 m per degree of latitude at 500 hPa, as in a moderate westerly flow
HEIGHT = 5574 - 30 * (LATITUDE - 40) + np.zeros(COLUMNS)
# by hand: g / f times 30 m / 111,195 m with f = 2 x 7.292e-5 x sin(latitude): 28.22 m/s at 40 N
WIND = 9.80665 * 30 / 111_195 / (2 * 7.292e-5 * np.sin(np.radians(LATITUDE))) + np.zeros(COLUMNS)
NOISE = np.random.default_rng(3).normal(0, 0.1, (ROWS, COLUMNS))
NAMES = ("geopotential_height", "eastward_wind", "northward_wind")


def read(folder: Path, *messages: bytes, names: tuple[str, ...] = NAMES) -> xr.Dataset:
    return read_atmosphere([file_of(folder, *messages)], CYCLE, needs(*names))


def aloft(factor: float = 1.0) -> list[bytes]:
    """Return heights and winds of 500 hPa, the winds times `factor`."""
    return [
        message(HEIGHT, (0, 3, 5), level=50000, bits=24),
        message(WIND * factor, U, level=50000, bits=24),
        message(2 * NOISE * factor, V, level=50000, bits=24),
    ]


def test_the_geostrophic_wind_is_that_by_hand() -> None:
    wind = geostrophic_wind(HEIGHT[None, ::-1], np.arange(38.0, 43.0), np.arange(113.0, 120.0))

    assert WIND[2, 0] == pytest.approx(28.22, abs=0.01)
    np.testing.assert_allclose(wind[0, 0, 1:-1, 1:-1], WIND[::-1][1:-1, 1:-1], rtol=1e-4)
    np.testing.assert_allclose(wind[1, 0, 1:-1, 1:-1], 0, atol=1e-9)
    assert np.isnan(wind[:, 0, 0]).all()


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (3.6, "km/h? then factor: 0.277778"),
        (1.944, "knots? then factor: 0.514444"),
        (1 / 3.6, "m/s, taken for km/h? then factor: 3.6"),
        (1 / 1.944, "m/s, taken for knots? then factor: 1.94384"),
    ],
)
def test_a_wind_that_does_not_fit_the_heights_is_refused_with_the_likely_unit(
    tmp_path: Path, factor: float, words: str
) -> None:
    found = read(tmp_path, *aloft(factor))

    assert found.attrs["absent"] == ["eastward_wind", "northward_wind"]
    [fault] = found.attrs["faults"]
    assert f"is the unit {words}" in fault
    assert "the field is refused" in fault


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.4])
def test_a_wind_that_nearly_fits_the_heights_is_sound(tmp_path: Path, factor: float) -> None:
    found = read(tmp_path, *aloft(factor))

    assert found.attrs["faults"] == []
    assert geostrophic_slope(found) == pytest.approx(factor, rel=0.02)


@pytest.mark.parametrize(
    "keys",
    [{"north": 12.0, "south": 8.0}, {"north": 2.0, "south": -2.0}],
    ids=["near the equator", "across it"],
)
def test_near_the_equator_nothing_is_said(tmp_path: Path, keys: dict[str, float]) -> None:
    tropical = [
        message(HEIGHT, (0, 3, 5), level=50000, **keys),
        message(WIND * 3.6, U, level=50000, **keys),
        message(NOISE, V, level=50000, **keys),
    ]

    assert read(tmp_path, *tropical).attrs["faults"] == []


def test_winds_without_heights_or_without_a_slope_are_left_alone(tmp_path: Path) -> None:
    flat = message(5574.0, (0, 3, 5), level=50000)

    assert read(tmp_path, *aloft(3.6)[1:], names=NAMES[1:]).attrs["faults"] == []
    assert read(tmp_path, flat, *aloft(3.6)[1:]).attrs["faults"] == []


@pytest.mark.parametrize(
    ("factor", "words", "refused"),
    [
        (36.0, "is the unit hPa/h? then factor: 0.0277778", True),  # 1 Pa/s is 36 hPa/h
        (0.01, "is it m/s (upward), or hPa/s?", False),
        (1.0, "", False),
    ],
)
def test_a_vertical_velocity_of_another_scale_is_named(
    tmp_path: Path, factor: float, words: str, refused: bool
) -> None:
    file = file_of(tmp_path, message(NOISE * factor, OMEGA, bits=24), message(280.0))
    name = "lagrangian_tendency_of_air_pressure"

    found = read_atmosphere([file], CYCLE, needs(name, "air_temperature"))

    assert (name in found) is not refused
    assert [words in fault for fault in found.attrs["faults"]] == ([True] if words else [])
    if refused:
        with pytest.raises(SourceCorrupt, match="hPa/h"):  # where nothing else is wanted
            read_atmosphere([file], CYCLE, needs(name))


@pytest.mark.parametrize(
    ("at_10m", "gust", "named"),
    [
        (6.0, 9.0, []),
        (21.6, 32.4, ["wind at 10 m km/h or knots"]),  # 6 and 9 m/s in km/h
        (6.0, 32.4, ["the mean gust is 32.4 m s-1"]),
        (11.7, 9.0, ["the mean gust is 9 m s-1"]),  # the wind in knots
        (1.0, 9.0, []),  # a calm: ratios tell nothing
    ],
)
def test_wind_at_10_m_and_gusts_of_another_unit_are_named(
    tmp_path: Path, at_10m: float, gust: float, named: list[str]
) -> None:
    file = file_of(
        tmp_path,
        message(10.0, U, level=85000), message(0.0, V, level=85000),
        message(at_10m, U, 103, 10), message(0.0, V, 103, 10), message(gust, GUST, 1, 0),
    )  # fmt: skip
    names = (*NAMES[1:], "eastward_wind_at_10m", "northward_wind_at_10m", "wind_speed_of_gust")

    found = read_atmosphere([file], CYCLE, needs(*names))

    assert len(found.attrs["faults"]) == len(named)
    for words, fault in zip(named, found.attrs["faults"], strict=True):
        assert words in fault
    assert found.attrs["absent"] == []


@pytest.mark.parametrize("factor", [3.6, 1.944])
def test_a_real_wind_is_sound_and_in_another_unit_it_is_refused(
    shared: Path, factor: float
) -> None:
    [path] = (shared / "gfs_2p5_global").glob("*.grib2")
    run = next(each.run for each in inspect(path) if each.run)
    sound = tuple(replace(FIELDS[name], essential=False) for name in NAMES)
    slipped = tuple(
        replace(field, factor=factor if "wind" in field.name else 1.0) for field in sound
    )
    region = (46, 34, 105, 127)

    good = read_atmosphere([path], Cycle(run), Needs(sound, (72,), *region))
    bad = read_atmosphere([path], Cycle(run), Needs(slipped, (72,), *region))

    assert geostrophic_slope(good) == pytest.approx(0.95, abs=0.01)
    assert good.attrs["faults"] == []
    assert bad.attrs["absent"] == ["eastward_wind", "northward_wind"]
