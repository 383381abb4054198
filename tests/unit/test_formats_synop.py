"""SYNOP: each group against its code table (WMO-No. 306, vol. I.1), whole reports against NOAA's
decoding of the same texts.
"""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.observations.formats import ParseContext, detect_form, parse_file
from forecast.observations.formats import isd as isd_form
from forecast.observations.formats.synop import parse, report_time
from forecast.observations.formats.synop_codes import layer_height, visibility

KNOT = 1852 / 3600  # [m s-1]: the international nautical mile
RECEIVED = datetime(2026, 11, 22, 12, 40, tzinfo=UTC)
BULLETIN = b"""\x01\r\r\n123\r\r\nSMCI01 BABJ 221200\r\r\nAAXX 22121\r\r
54511 11650 82703 11043 21125 30234 40283 52007 60011 70512 85170\r\r
      333 4/003 60055 81828 83056 91112=\r\r
54826 NIL=\r\r
58437 41599 /0908 10012 20010 38214 444 8/183 3/091=\r\r
56385 37/00 93601 11112 21122 37043 77092=\r\r
\x03"""


def values(
    group: str, section: str = "", opening: str = "22121", first: str = "31/// /////"
) -> dict[str, float]:
    parsed = parse(
        f"AAXX {opening} 54511 {first} {section} {group}=".encode(),
        "bulletin",
        ParseContext(received=RECEIVED),
    )
    return dict(parsed.observations[0].values) if parsed.observations else {}


def test_a_bulletin_gives_each_station_its_report() -> None:
    parsed = parse(BULLETIN, "bulletin", ParseContext(received=RECEIVED))

    assert detect_form(BULLETIN) == "synop"
    assert not parsed.faults
    beijing, huangshan, emei = parsed.observations
    assert [each.station for each in parsed.observations] == ["54511", "58437", "56385"]
    assert beijing.time == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert beijing.values == pytest.approx({
        # VV 50; N 8; 27; 03
        "visibility_in_air": 5000.0, "cloud_area_fraction": 1.0, "wind_from_direction": 270.0,
        "wind_speed": 3.0,
        "air_temperature": 268.85, "dew_point_temperature": 260.65, "air_pressure": 102340.0,
        "air_pressure_at_mean_sea_level": 102830.0,
        # 60055: 5 mm in 1 h
        "precipitation_amount": 5.0, "present_weather": 5.0, "low_cloud_area_fraction": 0.625,
        "snow_depth": 0.03,
        # hshs 28: 28 * 30 m, below hshs 56: 1,800 m; 91112: 12 m/s
        "cloud_base_height": 840.0, "wind_speed_of_gust": 12.0,
    })  # fmt: skip
    assert huangshan.values["cloud_below_area_fraction"] == 1.0
    # of 8/183: H'H' 18 in hundreds of metres
    assert huangshan.values["cloud_below_top_altitude"] == 1800.0
    assert huangshan.values["air_pressure"] == 82140.0
    assert "cloud_area_fraction" not in huangshan.values
    assert emei.values["present_weather"] == 170.0  # ix 7: an automatic station, code table 4680
    assert emei.values["visibility_in_air"] == 100.0


@pytest.mark.parametrize(
    ("group", "section", "element", "value"),
    [
        ("10001", "", "air_temperature", 273.25), ("11500", "", "air_temperature", 223.15),
        ("29087", "", "relative_humidity", 0.87),
        ("38500", "", "air_pressure", 85000.0), ("30002", "", "air_pressure", 100020.0),
        ("3852/", "", "air_pressure", 85200.0),
        ("49987", "", "air_pressure_at_mean_sea_level", 99870.0),
        ("60015", "", "precipitation_amount", 1.0),
        ("69905", "", "precipitation_amount", 0.0), ("69955", "", "precipitation_amount", 0.5),
        ("60001", "", "precipitation_amount", 0.0),
        ("77165", "", "present_weather", 71.0), ("41996", "333", "snow_depth", 9.96),
        ("4/997", "333", "snow_depth", 0.0),
        ("55307", "333", "sunshine_duration", 2520.0), ("91025", "333", "wind_speed_of_gust", 25.0),
        ("88700", "333", "cloud_base_height", 0.0),
        ("8/699", "333", "cloud_base_height", 2500.0),
        ("80/// 444 5/151", "333", "cloud_below_top_altitude", 1500.0),
    ],
)  # fmt: skip
def test_a_group_is_read_by_its_code_table(
    group: str, section: str, element: str, value: float
) -> None:
    assert values(group, section)[element] == pytest.approx(value)


@pytest.mark.parametrize(
    ("group", "section", "element"),
    [
        ("48512", "", "air_pressure_at_mean_sea_level"),  # a3hhh: height of 850 hPa
        ("60011", "", "precipitation_amount"),  # of 6 h: not an hour's
        # not continuous; not measurable
        ("4/998", "333", "snow_depth"), ("4/999", "333", "snow_depth"),
        ("9/121", "444", "cloud_below_area_fraction"), ("1////", "", "air_temperature"),
        ("55072", "333", "sunshine_duration"),
    ],
)  # fmt: skip
def test_an_element_missing_in_a_group_is_absent(group: str, section: str, element: str) -> None:
    assert element not in values(group, section, first="41/// /////")


def test_no_rain_in_the_longer_period_is_none_in_its_last_hour() -> None:
    assert values("", first="31/// /////")["precipitation_amount"] == 0.0
    assert "precipitation_amount" not in values("10001", first="41/// /////")  # iR 4: not available


@pytest.mark.parametrize(
    ("opening", "speed"),
    [("22120", 12.0), ("22121", 12.0), ("22123", 12 * KNOT), ("22124", 12 * KNOT)],
)
def test_wind_is_in_the_unit_of_the_opening(opening: str, speed: float) -> None:
    assert values("", opening=opening, first="41/// /2712")["wind_speed"] == pytest.approx(speed)


def test_a_hurricane_on_the_summit_is_read_from_its_own_group() -> None:
    assert values("00104", first="41/// /2799")["wind_speed"] == 104.0


def test_an_automatic_stations_weather_counts_from_100() -> None:
    assert values("77165", first="47/// /////")["present_weather"] == 171.0  # ix 7: code table 4680


@pytest.mark.parametrize(("code", "metres"),
                         [("00", 100), ("01", 100), ("50", 5000), ("56", 6000), ("80", 30000),
                          ("81", 35000),
                                              ("89", 70000), ("90", 50), ("93", 500), ("97", 10000),
                                              ("99", 50000)])  # fmt: skip
def test_visibility_follows_code_table_4377(code: str, metres: float) -> None:
    assert visibility(code) == metres


@pytest.mark.parametrize(("code", "metres"),
                         [("00", 0), ("01", 30), ("50", 1500), ("56", 1800), ("80", 9000),
                          ("81", 10500), ("88", 21000),
                                              ("90", 0), ("91", 50), ("99", 2500)])  # fmt: skip
def test_layer_height_follows_code_table_1677(code: str, metres: float) -> None:
    assert layer_height(code) == metres


def test_an_impossible_group_is_named_and_the_rest_of_the_report_kept() -> None:
    parsed = parse(
        b"AAXX 22121\n54511 41/// /4202 12043 29050 x1234 333=\n",
        "b",
        ParseContext(received=RECEIVED),
    )

    assert parsed.observations[0].values == {"wind_speed": 2.0, "relative_humidity": 0.5}
    assert [fault.line for fault in parsed.faults] == [2, 2, 2]
    assert all("54511" in fault.reason for fault in parsed.faults)


def test_a_report_whose_first_groups_are_damaged_is_rejected_and_the_next_is_read() -> None:
    parsed = parse(
        b"AAXX 22121\n54511 41/// 1043=\n54826 41/// /2712 11043=\nGARBAGE 1 2 3 4 5 6=\n",
        "b",
        ParseContext(received=RECEIVED),
    )

    assert [each.station for each in parsed.observations] == ["54826"]
    assert [fault.line for fault in parsed.faults] == [2, 4]


@pytest.mark.parametrize("group", ["46000", "43000", "44100"])
def test_a_group_4_that_is_neither_pressure_nor_height_is_named(group: str) -> None:
    """Code table 0264 has a3 of 1, 2, 5, 7 and 8; a pressure begins with 9 or 0."""
    parsed = parse(
        f"AAXX 22121\n54511 11650 82703 {group}=".encode(), "b", ParseContext(received=RECEIVED)
    )

    assert "air_pressure_at_mean_sea_level" not in parsed.observations[0].values
    assert [f"group {group}" in fault.reason for fault in parsed.faults] == [True]


def test_ships_are_rejected_and_land_stations_after_them_are_read() -> None:
    parsed = parse(
        b"BBXX\nSHIP 22121 99512 10012 41/// /2712=\nAAXX 22121 54511 41/// /2712=",
        "b",
        ParseContext(received=RECEIVED),
    )

    assert [each.station for each in parsed.observations] == ["54511"]
    assert len(parsed.faults) == 1


LAND = "54511 11650 82703 11043 21125 30234 40283"
NEXT = {
    "same block": "54826 11650 82703 11043 21125", "other block": "12345 41599 60908 10012 20010",
    "no dew point": "62300 41599 60908 10012", "first groups only": "54826 11650 82703",
    "section 3": "54826 11650 82703 333 81828",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize(
    "end",
    ["=", ";", "\uff1d", "\uff1b", "\n----\n", "\n\u2014\u2014\n", "\n\n", "\n \r\n",
     "\n\n 333 4/003 60055\n\n", "\n\n333 55300 20100\n\n"],
)  # fmt: skip
def test_a_report_ends_at_other_marks_and_at_blank_lines_without_a_fault(
    end: str, encoding: str
) -> None:
    text = f"AAXX 22121\n{LAND}{end}{NEXT['same block']}=\nNNNN\n"

    parsed = parse(text.encode(encoding), "b", ParseContext(received=RECEIVED))

    assert [each.station for each in parsed.observations] == ["54511", "54826"]
    assert [round(each.values["air_temperature"], 2) for each in parsed.observations] == [
        268.85, 268.85
    ]  # fmt: skip
    assert not parsed.faults


def test_blank_lines_within_reports_end_none() -> None:
    text = (
        "AAXX 22121\n\n54511 11650 82703\n\n11043 21125 30234\n\n333 4/003=\n\n"
        "54826 11650 82703\n\n10003 21003 30005=\n"
    )

    parsed = parse(text.encode(), "b", ParseContext(received=RECEIVED))

    assert [len(each.values) for each in parsed.observations] == [9, 8]
    assert not parsed.faults


@pytest.mark.parametrize("following", NEXT.values(), ids=list(NEXT))
@pytest.mark.parametrize(
    "section",
    ["", "222// 02050", "22200 00050 20301", "333 10003 81828 91112", "333 55300 20100 30050",
     "333 80000 10203 20304", "444 5/151", "555 61234", "555 10123 20304 60005", "666 10123"],
)  # fmt: skip
def test_no_report_in_the_middle_of_a_line_vanishes_without_a_fault(
    section: str, following: str
) -> None:
    text = f"AAXX 22121\n{LAND} {section} {following}=\n54527 11650 82703 11043="

    parsed = parse(text.encode(), "b", ParseContext(received=RECEIVED))

    station = following[:5]
    reported = {each.station for each in parsed.observations}
    assert {"54511", "54527"} <= reported
    assert station in reported or any(station in fault.reason for fault in parsed.faults)
    assert all(
        each.values.get("cloud_below_area_fraction", 0.625) == 0.625 for each in parsed.observations
    )  # of 5/151 alone


@pytest.mark.parametrize(
    ("day", "hour", "received", "expected"),
    [
        (22, 12, RECEIVED, datetime(2026, 11, 22, 12, tzinfo=UTC)),
        (22, 18, RECEIVED, datetime(2026, 11, 22, 18, tzinfo=UTC)),  # a clock that is ahead
        (23, 12, RECEIVED, datetime(2026, 10, 23, 12, tzinfo=UTC)),
        (31, 0, RECEIVED, datetime(2026, 10, 31, tzinfo=UTC)),
        (31, 21, datetime(2027, 1, 1, 0, 10, tzinfo=UTC), datetime(2026, 12, 31, 21, tzinfo=UTC)),
        (1, 0, datetime(2026, 12, 31, 23, 50, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_day_and_hour_belong_to_the_latest_month_that_fits(
    day: int, hour: int, received: datetime, expected: datetime
) -> None:
    assert report_time(day, hour, received) == expected


@pytest.mark.parametrize(("day", "hour"), [(0, 0), (32, 0), (1, 25), (1, 24)])
def test_a_day_or_hour_that_no_month_has_is_refused(day: int, hour: int) -> None:
    with pytest.raises(ValueError, match="not a time of a report"):
        report_time(day, hour, RECEIVED)


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("A_SMCI01BABJ221200_C_BABJ_20250322121005_1.txt", 3),
        ("synop_20250422.txt", 4),
        ("2025052212.txt", 5),
        ("99999999_2025.txt", 11),
    ],
)
def test_an_old_bulletin_is_dated_by_its_name_before_its_files_date(
    tmp_path: Path, name: str, month: int
) -> None:
    path = tmp_path / name
    path.write_bytes(BULLETIN)
    os.utime(path, (RECEIVED.timestamp(), RECEIVED.timestamp()))

    times = {each.time for each in parse_file(path).observations}

    assert times == {datetime(2026 if month == 11 else 2025, month, 22, 12, tzinfo=UTC)}


def test_our_reading_of_noaas_texts_agrees_with_noaas_own(shared: Path) -> None:
    """Station 01416 in 2016: every record of the ISD carries the SYNOP it was decoded from."""
    records = (
        gzip.decompress((shared / "obs" / "isd_014160-99999-2016.gz").read_bytes())
        .decode()
        .splitlines()
    )
    compared = 0
    for record in records:
        text = record[record.index("REMSYN") + 9 :]
        if not text.startswith("01416"):
            continue
        (theirs,) = isd_form.parse(record.encode(), "isd").observations or [None]
        opening = f"AAXX {record[21:23]}{record[23:25]}1 "
        received = datetime.strptime(record[15:25], "%Y%m%d%H").replace(tzinfo=UTC)
        read = parse((opening + text).encode(), "synop", ParseContext(received=received))
        ours = read.observations
        if theirs is None or not ours:
            continue
        assert ours[0].time == theirs.time
        assert not any("may begin another" in fault.reason for fault in read.faults)
        for element in ("air_temperature", "dew_point_temperature"):
            if element in theirs.values:
                assert ours[0].values[element] == pytest.approx(
                    theirs.values[element], abs=0.001
                ), text
                compared += 1

    assert compared > 4000
