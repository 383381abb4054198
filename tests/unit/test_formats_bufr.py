"""BUFR: the world's SYNOP of 2014-01-12 12 UTC, read by hand with ecCodes' own bufr_dump, and
messages of the template in use today.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import eccodes
import pytest

from forecast.observations.formats import Parsed, detect_form, parse_file
from forecast.observations.formats.bufr import parse


@pytest.fixture(scope="module")
def world(shared: Path) -> Parsed:
    return parse_file(shared / "obs" / "synop_20140112T12.bufr")


def test_the_whole_file_is_read(world: Parsed) -> None:
    chinese = [each for each in world.stations if "50" <= each.id[:2] <= "59"]

    assert (world.form, world.faults) == ("bufr", [])
    # 4,830 messages, one of which reports nothing but itself
    assert len(world.observations) == 4829
    assert len(chinese) == 379  # as counted in ../shared/data/README.md
    assert {each.time for each in world.observations} == {datetime(2014, 1, 12, 12, tzinfo=UTC)}


def test_beijing_and_huangshan_are_as_dumped(world: Parsed) -> None:
    by_id = {each.station: each.values for each in world.observations}
    places = {each.id: each for each in world.stations}

    assert by_id["54511"] == pytest.approx({
        "air_pressure": 103130.0, "air_pressure_at_mean_sea_level": 103550.0,
        "wind_from_direction": 200.0, "wind_speed": 3.0,
        "air_temperature": 271.2, "dew_point_temperature": 252.8, "visibility_in_air": 9000.0,
        "present_weather": 5.0,
        "cloud_area_fraction": 0.0, "low_cloud_area_fraction": 0.0, "precipitation_amount": 0.0,
    })  # fmt: skip
    assert by_id["58437"]["cloud_area_fraction"] == 0.6
    assert by_id["58437"]["low_cloud_area_fraction"] == 0.625  # 5 oktas
    assert by_id["56385"]["visibility_in_air"] == 50.0  # Emei in its cloud
    assert by_id["48825"]["cloud_base_height"] == 450.0  # the lowest of two layers
    assert (
        places["58437"].latitude,
        places["58437"].longitude,
        places["58437"].elevation,
    ) == pytest.approx((30.13, 118.15, 1836.0))


def test_the_air_of_every_station_is_that_of_the_earth(world: Parsed) -> None:
    reported = [
        each.values["air_temperature"]
        for each in world.observations
        if "air_temperature" in each.values
    ]

    assert len(reported) > 4700
    assert min(reported) > 273.15 - 60  # Yakutia in January
    assert max(reported) < 273.15 + 45  # Australia in January


def message(
    replications: list[int], subsets: int = 1, compressed: bool = False, **keys: Any
) -> bytes:
    """Encode a message of template 3 07 080, whose cloud layers are counted in `replications`."""
    handle = eccodes.codes_bufr_new_from_samples("BUFR4")
    eccodes.codes_set(handle, "dataCategory", keys.pop("category", 0))
    eccodes.codes_set(handle, "masterTablesVersionNumber", 28)
    eccodes.codes_set(handle, "numberOfSubsets", subsets)
    eccodes.codes_set(handle, "compressedData", int(compressed))
    eccodes.codes_set_array(handle, "inputDelayedDescriptorReplicationFactor", replications)
    eccodes.codes_set(handle, "unexpandedDescriptors", 307080)
    for key, value in keys.items():
        name = key if "_" not in key else f"#{key.split('_')[1]}#{key.split('_')[0]}"
        (eccodes.codes_set_array if isinstance(value, list) else eccodes.codes_set)(
            handle, name, value
        )
    eccodes.codes_set(handle, "pack", 1)
    content: bytes = eccodes.codes_get_message(handle)
    eccodes.codes_release(handle)
    return content


def when(number: int, station: int) -> dict[str, int]:
    named = {
        "blockNumber": 54,
        "stationNumber": station,
        "year": 2026,
        "month": 11,
        "day": 22,
        "hour": 0,
        "minute": 0,
    }
    return {f"{key}_{number}": value for key, value in named.items()}


def test_layers_below_the_station_are_the_sea_of_clouds() -> None:
    # One layer above; two below: 3 oktas up to 900 m, 7 oktas up to 1,650 m.
    keys = when(1, 511) | {
        "latitude_1": 40.02, "longitude_1": 115.45,
        "heightOfStationGroundAboveMeanSeaLevel_1": 2303.0, "airTemperature_1": 268.4,
        "cloudCoverTotal_1": 25, "cloudAmount_1": 2, "heightOfBaseOfCloud_1": 2500,
        "cloudAmount_2": 2, "heightOfBaseOfCloud_2": 3000,
        "verticalSignificanceSurfaceObservations_3": 11, "cloudAmount_3": 3,
        "heightOfTopOfCloud_1": 900,
        "verticalSignificanceSurfaceObservations_4": 10, "cloudAmount_4": 7,
        "heightOfTopOfCloud_2": 1650,
        "totalSnowDepth_1": 0.12, "timePeriod_2": -1, "totalSunshine_1": 42, "timePeriod_4": -1,
        "totalPrecipitationOrTotalWaterEquivalent_1": 1.4, "timePeriod_5": -24,
        "totalPrecipitationOrTotalWaterEquivalent_2": 9.0,
        "windSpeed_1": 8.0,
        "maximumWindGustSpeed_1": 15.0, "maximumWindGustSpeed_2": 18.0, "relativeHumidity_1": 71,
        "presentWeather_1": 171,
    }  # fmt: skip

    parsed = parse(b"ISMI01 BABJ 220000\r\r\n" + message([1, 2], **keys), "b")

    assert not parsed.faults
    assert parsed.stations[0].elevation == 2303.0
    assert parsed.observations[0].values == pytest.approx({
        "air_temperature": 268.4, "relative_humidity": 0.71, "cloud_area_fraction": 0.25,
        "low_cloud_area_fraction": 0.25,
        "cloud_base_height": 3000.0, "cloud_below_area_fraction": 0.875,
        "cloud_below_top_altitude": 1650.0, "snow_depth": 0.12,
        "sunshine_duration": 2520.0, "precipitation_amount": 1.4, "wind_speed": 8.0,
        "wind_speed_of_gust": 18.0, "present_weather": 171.0,
    })  # fmt: skip


def test_stations_of_one_message_keep_apart_though_their_layers_differ_in_number() -> None:
    keys = when(1, 511) | when(2, 406) | {"airTemperature_1": 268.4, "airTemperature_2": 275.1}

    parsed = parse(message([3, 0, 0, 1], subsets=2, **keys), "b")

    assert [(each.station, each.values) for each in parsed.observations] == [
        ("54511", pytest.approx({"air_temperature": 268.4})),
        ("54406", pytest.approx({"air_temperature": 275.1}))]  # fmt: skip


def test_a_compressed_message_gives_the_same() -> None:
    keys: dict[str, Any] = dict(when(1, 0)) | {
        "stationNumber_1": [511, 406, 399],
        "airTemperature_1": [268.4, 275.1, 280.0],
    }

    parsed = parse(message([0, 0], subsets=3, compressed=True, **keys), "b")

    assert [(each.station, each.values["air_temperature"]) for each in parsed.observations] == [
        ("54511", pytest.approx(268.4)), ("54406", pytest.approx(275.1)),
        ("54399", pytest.approx(280.0))]  # fmt: skip


def test_traces_patches_and_missing_depths_of_snow_are_distinguished() -> None:
    depth = {}
    # less than half a centimetre; not continuous
    for station, value in ((511, -0.01), (406, -0.02)):
        keys = when(1, station) | {"totalSnowDepth_1": value, "windSpeed_1": 1.0}
        depth[station] = (
            parse(message([0, 0], **keys), "b").observations[0].values.get("snow_depth")
        )

    assert depth == {511: 0.0, 406: None}


def test_soundings_are_not_taken_for_surface_reports(shared: Path) -> None:
    parsed = parse_file(shared / "obs" / "temp.bufr")

    assert not parsed.observations
    assert "category 2" in parsed.faults[0].reason


def test_a_damaged_message_is_rejected_and_those_around_it_are_read() -> None:
    good = [
        message([0, 0], **(when(1, station) | {"airTemperature_1": 270.0}))
        for station in (511, 406, 399)
    ]
    damaged = bytearray(good[1])
    damaged[30:40] = b"\xff" * 10

    for bad in (bytes(damaged), good[1][:60], good[1][:-4] + b"0000"):
        parsed = parse(good[0] + bad + good[2], "b")

        assert [each.station for each in parsed.observations] == ["54511", "54399"]
        assert [fault.line for fault in parsed.faults] == [2]


def test_bufr_is_known_by_its_content() -> None:
    assert detect_form(message([0, 0])) == "bufr"
