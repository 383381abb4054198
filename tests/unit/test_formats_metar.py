"""METAR: whole reports by hand (FM 15), weather by code table 4677, and NOAA's decoding of the same
texts.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.observations.formats import ParseContext, detect_form
from forecast.observations.formats import isd as isd_form
from forecast.observations.formats.metar_format import parse, weather_code

RECEIVED = datetime(2026, 11, 22, 12, 40, tzinfo=UTC)
FOOT = 0.3048


def read(text: str) -> dict[str, float]:
    parsed = parse(text.encode(), "m.txt", ParseContext(received=RECEIVED))
    assert not parsed.faults
    return dict(parsed.observations[0].values)


def test_a_report_of_beijing_in_metres_per_second() -> None:
    found = read(
        "METAR ZBAA 221200Z 34005G12MPS 310V020 3000 -SN BR FEW010 BKN030 OVC100 "
        "M03/M05 Q1030 NOSIG="
    )

    assert found == pytest.approx({
        "air_temperature": 270.15, "dew_point_temperature": 268.15, "wind_speed": 5.0,
        "wind_speed_of_gust": 12.0,
        "wind_from_direction": 340.0,
        "visibility_in_air": 3000.0, "present_weather": 71.0,
        "air_pressure_at_mean_sea_level": 103000.0,
        "cloud_area_fraction": 1.0, "low_cloud_area_fraction": 0.75,
        "cloud_base_height": 1000 * FOOT,
    }, abs=0.01)  # fmt: skip


def test_cavok_gives_low_cloud_and_visibility_but_no_total_cover() -> None:
    found = read("ZBAA 221200Z VRB01MPS CAVOK 05/M12 Q1021")

    assert (found["visibility_in_air"], found["low_cloud_area_fraction"]) == (10_000.0, 0.0)
    assert "cloud_area_fraction" not in found
    assert "wind_from_direction" not in found


@pytest.mark.parametrize("group", ["02///", "02//", "02/", "02/XX", "02/MM", "02/////"])
def test_a_missing_dew_point_costs_no_temperature(group: str) -> None:
    found = read(f"ZBAA 221200Z 34005MPS 9999 FEW040 {group} Q1030")

    assert found["air_temperature"] == 275.15
    assert found["air_pressure_at_mean_sea_level"] == 103_000.0
    assert "dew_point_temperature" not in found


def test_a_missing_temperature_costs_no_dew_point() -> None:
    found = read("ZBAA 221200Z 34005MPS 9999 FEW040 ///M02 Q1030")

    assert found["dew_point_temperature"] == 271.15
    assert (found["wind_speed"], "air_temperature" in found) == (5.0, False)


@pytest.mark.parametrize(
    ("groups", "element", "reason"),
    [
        # the highest pressure at sea level on record is 1084.8 hPa (Tosontsengel 2001), the lowest
        # 870 hPa (Tip 1979)
        ("9999 FEW040 M02/M05 Q9028", "air_pressure_at_mean_sea_level", "9028 hPa is not within"),
        ("9999 FEW040 M02/M05 Q0103", "air_pressure_at_mean_sea_level", "103 hPa is not within"),
        # 99.99 inHg of 33.8639 hPa
        ("9999 FEW040 M02/M05 A9999", "air_pressure_at_mean_sea_level", "3386.06 hPa"),
        ("9999 FEW040 99/05 Q1030", "air_temperature", "99 degC is not within"),
        ("9999 FEW999 02/01 Q1030", "cloud_base_height", "m is not within 0 to 12000 m"),
        ("9999 FEW040 02/01 Q1030 RMK P9999", "precipitation_amount", "mm is not within"),
    ],
)
def test_a_value_that_no_station_measures_is_set_aside_with_a_fault(
    groups: str, element: str, reason: str
) -> None:
    parsed = parse(
        f"ZBAA 221200Z 34005MPS {groups}=".encode(), "m", ParseContext(received=RECEIVED)
    )

    assert element not in parsed.observations[0].values
    assert parsed.observations[0].values["wind_speed"] == 5.0
    assert [reason in fault.reason for fault in parsed.faults] == [True]
    assert parsed.faults[0].reason.startswith("station ZBAA: ")


def test_the_state_of_a_runway_is_no_temperature() -> None:
    found = read("ZBAA 221200Z 34005MPS 9999 FEW040 02/01 Q1030 36//9999 88CLRD//")

    assert found["air_temperature"] == 275.15


def test_a_sky_that_cannot_be_seen_has_its_vertical_visibility_as_base() -> None:
    found = read("SPECI ZBAD 221205Z 00000MPS 0300 R36/0400 FZFG VV001 M01/M01 Q1020=")

    assert (found["cloud_area_fraction"], found["present_weather"]) == (1.0, 45.0)
    assert found["cloud_base_height"] == pytest.approx(100 * FOOT, abs=0.01)


def test_a_bulletin_is_cut_into_its_reports_whatever_breaks_its_lines() -> None:
    text = (
        b"SACI31 ZBAA 221200\r\r\nMETAR ZBAA 221200Z 34005MPS CAVOK\r\r\n"
        b" M03/M15 Q1030 NOSIG=\r\r\n"
    )
    text += b"ZBTJ 221200Z 00000MPS 9999 SKC 05/04 Q1011=\r\r\n"
    text += b"METAR ZBSJ 221200Z NIL=\r\r\nNNNN\r\r\n"

    parsed = parse(text, "m.txt", ParseContext(received=RECEIVED))

    assert detect_form(text) == "metar"
    assert [each.station for each in parsed.observations] == ["ZBAA", "ZBTJ"]
    assert parsed.observations[1].values["cloud_area_fraction"] == 0.0
    assert not parsed.faults


def test_one_report_a_line_and_a_bad_one_among_them() -> None:
    parsed = parse(
        b"2026/11/22 12:00\nZBAA 221200Z 34005MPS CAVOK M03/M15 Q1030\nrubbish\n"
        b"ZBTJ 321200Z CAVOK 05/04 Q1011\n",
        "m",
        ParseContext(received=RECEIVED),
    )

    assert [each.station for each in parsed.observations] == ["ZBAA"]
    assert [fault.line for fault in parsed.faults] == [3, 4]


def test_the_services_json_brings_the_time_and_the_place() -> None:
    report = {
        "icaoId": "ZBAA",
        "obsTime": 1795348800,
        "lat": 40.08,
        "lon": 116.58,
        "elev": 35,
        "rawOb": "METAR ZBAA 221200Z 34005MPS CAVOK M03/M15 Q1030",
    }
    body = json.dumps([report, {"rawOb": 5}, 7]).encode()

    parsed = parse(body, "m.json", ParseContext())

    assert detect_form(body) == "metar"
    assert parsed.observations[0].time == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert (parsed.stations[0].id, parsed.stations[0].elevation) == ("ZBAA", 35.0)
    assert [fault.line for fault in parsed.faults] == [2, 3]


@pytest.mark.parametrize(
    ("group", "code"),
    [
        (("-", "", "SN", "", ""), 71), (("", "", "SN", "", ""), 73), (("+", "", "SN", "", ""), 75),
        (("-", "SH", "SN", "", ""), 85),
        (("", "SH", "RA", "", ""), 81), (("-", "FZ", "DZ", "", ""), 56),
        (("", "FZ", "RA", "", ""), 67), (("-", "", "RASN", "", ""), 68),
        (("", "", "SNRA", "", ""), 69), (("", "TS", "", "", ""), 17),
        (("", "TS", "RA", "", ""), 95), (("+", "TS", "RA", "", ""), 97),
        (("", "", "", "BR", ""), 10), (("", "", "", "FG", ""), 45), (("", "MI", "", "FG", ""), 12),
        (("", "BC", "", "FG", ""), 41),
        (("VC", "", "", "FG", ""), 40), (("", "BL", "SN", "", ""), 38),
        (("+", "DR", "SN", "", ""), 37), (("", "", "", "HZ", ""), 5),
        (("", "", "PL", "", ""), 79), (("", "", "UP", "", ""), 0), (("", "", "", "", ""), 0),
    ],
)  # fmt: skip
def test_weather_is_coded_by_table_4677(group: tuple[str, str, str, str, str], code: int) -> None:
    assert weather_code(*group) == code


def test_our_reading_of_noaas_texts_agrees_with_noaas_own(shared: Path) -> None:
    """The mobile station 7026 of February 2017: every record of the ISD carries the METAR it was
    decoded from.
    """
    text = (
        gzip.decompress((shared / "obs" / "isd_00702699999.csv.gz").read_bytes())
        .decode()
        .splitlines()
    )
    rows = list(csv.DictReader(text))
    theirs = {
        each.time: each for each in isd_form.parse("\n".join(text).encode(), "isd").observations
    }
    compared = 0
    for row in rows[::20]:
        moment = datetime.fromisoformat(row["DATE"]).replace(tzinfo=UTC)
        if "METAR 7026 " not in row["REM"] or f" {moment:%d%H%M}Z" not in row["REM"]:
            continue
        # The stand-in of an aerodrome's letters, which a mobile station has not.
        report = re.sub(
            r"7026 //\d+ \d+", "KMOB", row["REM"][row["REM"].index("METAR 7026 ") :]
        ).split("=")[0]
        (ours,) = parse(report.encode(), "metar", ParseContext(received=moment)).observations
        for element in (
            "air_temperature",
            "dew_point_temperature",
            "wind_speed",
            "visibility_in_air",
        ):
            if element in theirs[moment].values and element in ours.values:
                # whole knots; 9999 for 10 km; tenths
                tolerance = {"wind_speed": 0.3, "visibility_in_air": 1.0}.get(element, 0.06)
                assert ours.values[element] == pytest.approx(
                    theirs[moment].values[element], abs=tolerance
                ), report
                compared += 1

    assert compared > 600
