"""Point forecasts in Open-Meteo's JSON: units, clocks, limits, and the column made of them."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.errors import SourceCorrupt
from forecast.ingest.point_forecasts import joined, parse_point, point_atmosphere, read_points
from forecast.science.interpolation import Scene
from tests.skies import SITES

HOURS = 4
EAST_CHINA = timedelta(hours=8)


def document(day: str = "2026-05-17", **changes: Any) -> dict[str, Any]:
    """A made-up document in the form that Open-Meteo gives: the standard atmosphere of ISO 2533,
    moist below 925 hPa.
    """
    hourly: dict[str, Any] = {"time": [f"{day}T{hour:02d}:00" for hour in range(HOURS)]}
    # [degC] of the standard atmosphere at these pressures
    temperatures = {925: 10.05, 850: 5.53, 700: -4.58, 500: -21.19}
    humidities = {925: 98, 850: 40, 700: 20, 500: 30}
    hourly |= {f"temperature_{p}hPa": [t] * HOURS for p, t in temperatures.items()}
    hourly |= {f"relative_humidity_{p}hPa": [u] * HOURS for p, u in humidities.items()}
    hourly |= {
        "temperature_2m": [10.0] * HOURS,
        "relative_humidity_2m": [97] * HOURS,
        "precipitation": [0.0, 0.4, None, 0.0],
    }
    hourly |= {
        "cloud_cover_low": [90] * HOURS,
        "cloud_cover_mid": [0] * HOURS,
        "cloud_cover_high": [20] * HOURS,
    }
    hourly |= {
        "visibility": [24140.0] * HOURS,
        "wind_speed_10m": [36.0] * HOURS,
        "wind_direction_10m": [90] * HOURS,
    }
    return {"spot_id": "here", "hourly": hourly | changes}


def test_local_hours_become_utc_and_local_units_si() -> None:
    point = parse_point(document(), EAST_CHINA)

    assert point.times[0] == np.datetime64("2026-05-16T16:00")
    assert point.levels["temperature", 85000.0][0] == pytest.approx(278.68)
    assert point.series["cloud_cover_low"][0] == pytest.approx(0.9)
    assert point.series["wind_speed_10m"][0] == pytest.approx(10.0)  # 36 km/h
    assert np.isnan(point.series["precipitation"][2])
    assert point.tags == {"spot_id": "here"}


def test_the_document_s_own_clock_place_and_units_are_believed() -> None:
    made = document(wind_speed_10m=[10.0] * HOURS) | {
        "utc_offset_seconds": 0,
        "hourly_units": {"wind_speed_10m": "m/s"},
        "elevation": 804,
    }

    point = parse_point(made, EAST_CHINA)

    assert point.times[0] == np.datetime64("2026-05-17T00:00")
    assert point.series["wind_speed_10m"][0] == 10.0
    assert point.elevation == 804.0
    assert np.isnan(point.latitude)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], "hourly"),
        ({"hourly": {}}, "time"),
        (document(time=["2026-05-17T01:00"] * HOURS), "rising"),
        (document(time=["yesterday"] * HOURS), "time"),
        (document(temperature_2m=[1.0]), "temperature_2m: expected a list of 4"),
        (document(temperature_2m=["cold"] * HOURS), "numbers or null"),
        (document(temperature_2m=[412.0] * HOURS), "temperature_2m: 412 cannot be"),
        (document(relative_humidity_850hPa=[-3] * HOURS), "relative_humidity_850hPa: -3 cannot be"),
        (document(visibility=[1e400] * HOURS), "cannot be"),
        (document() | {"hourly_units": {"temperature_2m": "\u00b0F"}}, "expected \u00b0C or K"),
        (document() | {"utc_offset_seconds": "8 h"}, "utc_offset_seconds"),
        (
            document() | {"elevation": 12_000},
            "elevation 12000: expected a number from -450 to 9000",
        ),
    ],
)
def test_a_wrong_document_is_refused_by_name(made: object, message: str) -> None:
    with pytest.raises(SourceCorrupt, match=message):
        parse_point(made, EAST_CHINA)


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    for name, data in (
        ("a.json", b"<html>"),
        ("b.json.gz", b"not gzip"),
        ("c.json.gz", gzip.compress(b"[1")),
        ("d.json", b"[" * 100_000),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SourceCorrupt, match="not a readable JSON file"):
            read_points(tmp_path / name)


def test_a_list_of_days_is_read_and_joined(tmp_path: Path) -> None:
    path = tmp_path / "days.json.gz"
    second = document("2026-05-18")
    del second["hourly"]["visibility"]
    path.write_bytes(gzip.compress(json.dumps([second, document()]).encode()))

    whole = joined(read_points(path, EAST_CHINA))

    assert len(whole.times) == 2 * HOURS
    assert whole.times[0] == np.datetime64("2026-05-16T16:00")
    assert np.isfinite(whole.series["visibility"]).tolist() == [True] * HOURS + [False] * HOURS


def test_heights_come_of_the_hypsometric_equation() -> None:
    made = point_atmosphere(parse_point(document()), 41.3, 125.4, 804, 300)

    heights = dict(
        zip(
            made["level"].values.tolist(),
            made["geopotential_height"].values[0, :, 1, 1].tolist(),
            strict=True,
        )
    )
    # ISO 2533: 762, 1457, 3012 and 5574 m; straight lines between levels 1.5-2.5 km apart cost a
    # few metres.
    assert [heights[p] for p in (92500.0, 85000.0, 70000.0, 50000.0)] == pytest.approx(
        [762, 1457, 3012, 5574], abs=12
    )


def test_the_sea_level_pressure_moves_the_column_and_given_heights_are_kept() -> None:
    low = document() | {}
    low["hourly"]["pressure_msl"] = [1003.25] * HOURS
    given = document(geopotential_height_850hPa=[1500.0] * HOURS)

    of_low = (
        point_atmosphere(parse_point(low), 41.3, 125.4, 804, 300)["geopotential_height"]
        .sel(level=85000.0)
        .values[0, 1, 1]
    )
    of_given = (
        point_atmosphere(parse_point(given), 41.3, 125.4, 804, 300)["geopotential_height"]
        .sel(level=85000.0)
        .values[0, 1, 1]
    )

    assert of_low == pytest.approx(1457 - 10 * 8.4, abs=12)  # 8.4 m a hPa near sea level
    assert of_given == 1500.0


def test_what_was_brought_to_the_summit_goes_back_to_the_valley() -> None:
    made = point_atmosphere(parse_point(document()), 41.3, 125.4, 804, 300)

    lowest = made.isel(time=0, level=0, latitude=1, longitude=1)
    assert float(lowest["geopotential_height"]) == 300.0
    assert float(lowest["air_temperature"]) == pytest.approx(283.15 + 0.0065 * 504, abs=1e-3)
    assert float(lowest["eastward_wind"]) == pytest.approx(-10.0, abs=1e-5)  # a wind from the east


def test_the_cover_of_a_layer_lies_where_its_air_is_moistest() -> None:
    made = point_atmosphere(parse_point(document()), 41.3, 125.4, 804, 300)

    cloud = (
        made["cloud_area_fraction_in_atmosphere_layer"]
        .sel(latitude=41.3, longitude=125.4)
        .isel(time=0)
    )
    assert cloud.sel(level=92500.0) == pytest.approx(0.9)
    assert cloud.sel(level=85000.0) == 0.0
    assert cloud.sel(level=30000.0) == pytest.approx(0.2)


def test_a_level_under_the_valley_s_floor_is_dropped() -> None:
    made = point_atmosphere(parse_point(document()), 33.7, 111.6, 2217, 900)

    assert 92500.0 not in made["level"].values
    assert (np.diff(made["geopotential_height"].values[0, :, 1, 1]) > 0).all()


def test_what_the_document_lacks_is_named() -> None:
    poor = document()
    for name in ("wind_direction_10m", "visibility"):
        del poor["hourly"][name]

    missing = parse_point(poor).missing

    assert {
        "geopotential_height",
        "surface_altitude",
        "cloud_by_level",
        "wind_aloft",
        "wind_direction",
        "visibility",
    } <= set(missing)
    assert "temperature_2m" not in missing


def test_a_column_of_a_document_is_read_like_a_model_s() -> None:
    site = SITES["jinding"]
    made = point_atmosphere(
        parse_point(document()),
        site.latitude,
        site.longitude,
        site.elevation,
        site.valley_elevation,
    )

    scene = Scene(made, (site,))

    assert scene.at_sites("air_temperature").shape == (1, HOURS, 6)
    assert np.isfinite(scene.at_sites("visibility_in_air")).all()
    fallen, covered = scene.amount(
        "precipitation_amount",
        np.array([0]),
        scene.times[:1] - np.timedelta64(1, "h"),
        scene.times[-1:],
    )
    assert (fallen[0], covered[0]) == pytest.approx((0.4, 0.75))  # one hour of the four is null
