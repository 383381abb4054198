"""Station tables and pushed records: columns, units, clocks, missing codes. Conversions by hand: 0
degC = 273.15 K, 1 hPa = 100 Pa.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from forecast.domain import Name, Station
from forecast.observations.formats import (
    Limits,
    ParseContext,
    Parsed,
    detect_form,
    parse_file,
    parse_push,
)
from forecast.observations.formats.csv_records import parse, unit_error
from forecast.observations.formats.units import conversion
from forecast.quantities import ELEMENTS

BEIJING = ZoneInfo("Asia/Shanghai")


def station(name: str, units: dict[str, str] | None = None, ahead: float = 0.0) -> Station:
    return Station(name, Name("", ""), 40.02, 115.45, 2303.0, "weather", units or {}, ahead)


def read(text: str | bytes, *stations: Station, limits: Limits | None = None) -> Parsed:
    known = {each.id: each for each in stations or (station("M1001"),)}
    data = text if isinstance(text, bytes) else text.encode()
    return parse(data, "drop.csv", ParseContext(known, BEIJING, limits=limits or Limits()))


def test_a_row_in_usual_units_becomes_si() -> None:
    head = (
        "station,time,air_temperature,relative_humidity,air_pressure,wind_speed,snow_depth,"
        "sunshine_duration,mass_concentration_of_pm2p5"
    )

    parsed = read(
        f"{head},negative_oxygen_ions\nM1001,2026-11-22 08:00,-3.4,87,768.2,6.1,12,30,35,2100\n"
    )

    assert not parsed.faults
    (observation,) = parsed.observations
    assert observation.time == datetime(2026, 11, 22, 0, 0, tzinfo=UTC)  # 08:00 in Beijing
    expected = {
        "air_temperature": 269.75, "relative_humidity": 0.87, "air_pressure": 76820.0,
        "wind_speed": 6.1, "snow_depth": 0.12,
        "sunshine_duration": 1800.0, "mass_concentration_of_pm2p5": 35e-9,
        "negative_oxygen_ions": 2.1e9,
    }  # fmt: skip
    assert observation.values == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_chinese_table_is_read_in_each_encoding(encoding: str) -> None:
    text = (
        "区站号,站名,观测时间,气温(℃),相对湿度(%),能见度(千米),负氧离子(个/cm3)\r\n"
        "M1001,东灵山,2026/11/22 8:00:00,-3.4,87,12.5,2100\r\n"
    )

    parsed = read(text.encode(encoding))

    assert not parsed.faults
    expected = {
        "air_temperature": 269.75,
        "relative_humidity": 0.87,
        "visibility_in_air": 12500.0,
        "negative_oxygen_ions": 2.1e9,
    }
    assert parsed.observations[0].values == pytest.approx(expected, rel=1e-12)
    assert detect_form(text.encode(encoding)) == "csv"


def test_the_settings_unit_of_a_station_overrides_the_tables() -> None:
    writes_tenths = station("M1002", {"air_temperature": "0.1degC", "visibility_in_air": "km"})

    parsed = read(
        "station;time;air_temperature (degF);visibility\n"
        "M1001;2026112208;50;900\nM1002;2026112208;-34;12\n",
        station("M1001"),
        writes_tenths,
    )

    first, second = (each.values for each in parsed.observations)
    # 50 degF is 10 degC
    assert first == pytest.approx({"air_temperature": 283.15, "visibility_in_air": 900.0})
    assert second == pytest.approx({"air_temperature": 269.75, "visibility_in_air": 12000.0})


def test_a_clock_that_is_ahead_is_corrected() -> None:
    parsed = read(
        "station,time,gust\nM1001,2026-11-22T08:01:30+08:00,17\n", station("M1001", ahead=90.0)
    )

    assert parsed.observations[0].time == datetime(2026, 11, 22, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    ["2026-11-22T08:00:00+08:00", "2026-11-22T00:00Z", "2026-11-22 08:00:00", "2026/11/22 8:00",
     "2026112208", "202611220800",
                "20261122080000", "20261122T080000"]
)  # fmt: skip
def test_a_time_is_read_in_each_usual_spelling(written: str) -> None:
    assert read(f"station,time,gust\nM1001,{written},17\n").observations[0].time == datetime(
        2026, 11, 22, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("header", "cells", "hour"),
    [
        ("time (UTC)", "2026-11-22 08:00", 8), ("观测时间(世界时)", "2026-11-22 08:00", 8),
        ("time [BJT]", "2026-11-22 08:00", 0),
        ("time (UTC)", "2026-11-22 08:00+08:00", 0), ("Year,Mon,Day,Hour", "2026,11,22,8", 0),
        ("年,月,日,时 (UTC),分", "2026,11,22,08,0", 8),
    ],
)  # fmt: skip
def test_a_time_may_have_its_zone_in_the_header_or_stand_in_columns(
    header: str, cells: str, hour: int
) -> None:
    text = f"Station_Id_C,{header},TEM\nM1001,{cells},-3.4\n"

    parsed = read(text)

    assert detect_form(text.encode()) == "csv"
    assert not parsed.faults
    assert parsed.observations[0].time == datetime(2026, 11, 22, hour, tzinfo=UTC)


def test_four_years_of_a_real_station_beside_the_ming_tombs_are_read_whole(shared: Path) -> None:
    dingling = Station("Dingling", Name("", ""), 40.29, 116.22, 50.0)

    parsed = parse_file(
        shared / "obs" / "beijing_uci501_dingling_2013_2017.csv.gz",
        ParseContext({"Dingling": dingling}, BEIJING),
    )

    def of(element: str) -> list[float]:
        return [each.values[element] for each in parsed.observations if element in each.values]

    # Counts and means of the file's columns by awk.
    assert len(parsed.observations) == 35_064
    assert (len(of("air_temperature")), len(of("mass_concentration_of_pm2p5"))) == (35_011, 34_285)
    assert sum(of("air_temperature")) / 35_011 == pytest.approx(273.15 + 13.6861, abs=1e-4)
    assert sum(of("mass_concentration_of_pm2p5")) / 34_285 == pytest.approx(65.9895e-9, rel=1e-5)
    assert of("wind_from_direction").count(337.5) == 4_776  # NNW
    # columns that the catalogue has no element for: PM10, gases
    assert {fault.line for fault in parsed.faults} == {1}


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "2026-11-22",
        "2026-13-01 08:00",
        "0001-01-01 00:00",
        "9999-12-31 23:59",
        "1" * 400,
        "=NOW()",
    ],
)
def test_a_row_with_an_invalid_time_is_rejected_and_the_others_are_kept(written: str) -> None:
    parsed = read(f"station,time,gust\nM1001,{written},17\nM1001,2026-11-22 08:00,18\n")

    assert [each.values["wind_speed_of_gust"] for each in parsed.observations] == [18.0]
    (fault,) = parsed.faults
    assert (fault.where, fault.line) == ("drop.csv", 2)
    assert "2026-11-22 08:00" in fault.reason  # it says how a time is written


@pytest.mark.parametrize(
    "missing",
    [
        "",
        " ",
        "NA",
        "--",
        "/",
        "////",
        "null",
        "9999",
        "999999",
        "-9999",
        "32766",
        "999999.0",
        "NaN",
    ],
)
def test_a_missing_code_gives_no_value_and_no_fault(missing: str) -> None:
    parsed = read(f"station,time,air_temperature,gust\nM1001,2026-11-22 08:00,{missing},17\n")

    assert parsed.observations[0].values == {"wind_speed_of_gust": 17.0}
    assert not parsed.faults


def test_a_code_that_the_element_can_reach_is_a_value() -> None:
    parsed = read(
        "station,time,visibility,ions,air_temperature\nM1001,2026-11-22 08:00,9999,9999,-12\n"
    )

    assert parsed.observations[0].values == pytest.approx(
        {"visibility_in_air": 9999.0, "negative_oxygen_ions": 9.999e9, "air_temperature": 261.15}
    )


def test_a_trace_counts_as_zero() -> None:
    assert read("station,time,rain\nM1001,2026-11-22 08:00,999990\n").observations[0].values == {
        "precipitation_amount": 0.0
    }


def test_an_impossible_value_is_kept_for_quality_control() -> None:
    parsed = read("station,time,air_temperature\nM1001,2026-11-22 08:00,85\n")

    assert parsed.observations[0].values == pytest.approx({"air_temperature": 358.15})


def test_a_cell_that_is_not_a_number_is_a_fault_and_the_rest_of_its_row_is_kept() -> None:
    parsed = read(
        "station,time,air_temperature,gust,wind_direction\nM1001,2026-11-22 08:00,1_0,17,NNE\n"
    )

    assert parsed.observations[0].values == {
        "wind_speed_of_gust": 17.0,
        "wind_from_direction": 22.5,
    }
    assert [fault.line for fault in parsed.faults] == [2]
    assert "air_temperature" in parsed.faults[0].reason


def test_an_unknown_station_is_named_once_with_what_to_do() -> None:
    rows = "".join(f"X9,2026-11-22 {hour:02d}:00,17\n" for hour in range(10))

    parsed = read("station,time,gust\n" + rows)

    assert not parsed.observations
    (fault,) = parsed.faults
    assert "observations.stations" in fault.reason
    assert parsed.more_faults == 9


def test_a_repeated_record_is_kept_once_and_a_corrected_one_is_a_fault() -> None:
    parsed = read(
        "station,time,gust\n" + "M1001,2026-11-22 08:00,17\n" * 3 + "M1001,2026-11-22 08:00,18\n"
    )

    assert [each.values for each in parsed.observations] == [{"wind_speed_of_gust": 18.0}]
    assert parsed.repeated == 2
    assert [fault.line for fault in parsed.faults] == [5]


def test_a_row_with_too_few_or_too_many_cells_is_rejected_because_they_may_be_shifted() -> None:
    parsed = read(
        "station,time,gust\nM1001,2026-11-22 08:00\nM1001,2026-11-22 08:00,1,2\n"
        'M1001,2026-11-22 09:00,"17"\nM1001,"2026,1\n'
    )

    assert len(parsed.observations) == 1
    assert [fault.line for fault in parsed.faults] == [2, 3, 5]


def test_an_unknown_column_or_unit_is_a_fault_and_the_rest_is_read() -> None:
    parsed = read(
        "station,time,air_temperature,mystery,gust (furlongs)\nM1001,2026-11-22 08:00,1,2,3\n"
    )

    assert list(parsed.observations[0].values) == ["air_temperature"]
    assert len(parsed.faults) == 2
    assert "km/h" in parsed.faults[1].reason  # which units are known


def test_a_table_without_station_or_time_is_refused_with_a_sample_header() -> None:
    parsed = read("a,b,c\n1,2,3\n")

    assert not parsed.observations
    assert any("station,time,air_temperature" in fault.reason for fault in parsed.faults)


def test_pushed_records_are_read_as_a_tables_rows_are() -> None:
    context = ParseContext({"M1001": station("M1001", {"air_pressure": "kPa"}, ahead=60)}, BEIJING)
    records = [
        {
            "station": "M1001",
            "time": "2026-11-22T08:01:00+08:00",
            "air_temperature": -3.4,
            "air_pressure": 76.82,
            "gust": None,
        },
        {"station": "M1001", "time": "2026-11-22 09:01", "temperature": "-2.9"},
    ]

    parsed = parse_push(json.dumps({"records": records}).encode(), context)

    assert not parsed.faults
    first, second = parsed.observations
    assert first.values == pytest.approx({"air_temperature": 269.75, "air_pressure": 76820.0})
    assert (first.time, first.form) == (datetime(2026, 11, 22, tzinfo=UTC), "push")
    assert (second.time, second.values["air_temperature"]) == (
        datetime(2026, 11, 22, 1, tzinfo=UTC),
        pytest.approx(270.25),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff\xfe", b"17", b'"x"', b"[" * 100_000, b"[1" + b"0" * 5000 + b"]",
        b'{"records": 5}', b"[{}]", b"[[]]",
        b'[{"station": 54511, "time": "2026-11-22 08:00", "gust": 1}]',
        b'[{"station": "M1001", "time": "2026-11-22 08:00", "gust": true}]',
        b'[{"station": "M1001", "time": "2026-11-22 08:00", "gust": 1e999}]',
        b'[{"station": "M1001", "time": "2026-11-22 08:00", "gust": NaN}, 1]',
        b'[{"station": "M1001", "time": "2026-11-22 08:00", "gust": {"a": 1}}]',
    ],
)  # fmt: skip
def test_a_body_without_records_has_a_fault_with_the_reason(body: bytes) -> None:
    parsed = parse_push(body, ParseContext({"M1001": station("M1001")}, BEIJING))

    assert not parsed.observations
    assert parsed.faults
    assert all(fault.reason for fault in parsed.faults)


def test_every_element_has_a_default_unit() -> None:
    for element in ELEMENTS:
        factor, _ = conversion(element)
        assert factor > 0


def test_a_wrong_unit_in_the_settings_is_found_at_the_start() -> None:
    assert unit_error(station("M1", {"air_temperature": "degF"})) == ""
    assert "degC" in unit_error(station("M1", {"air_temperature": "hPa"}))
    assert "not an element" in unit_error(station("M1", {"temperature": "degC"}))
