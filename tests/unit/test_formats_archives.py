"""MICAPS, ISD and A-file: real files against their lines read by hand, and against sums made
without this code.
"""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.domain import DOUBTFUL, GOOD, UNCHECKED, WRONG
from forecast.observations.formats import ParseContext, Parsed, detect_form, parse_file
from forecast.observations.formats import afile as afile_form
from forecast.observations.formats import isd as isd_form
from forecast.observations.formats import micaps as micaps_form

RECEIVED = ParseContext(received=datetime(2026, 11, 22, tzinfo=UTC))


# -- MICAPS diamond 1


@pytest.fixture(scope="module")
def plot(shared: Path) -> Parsed:
    return parse_file(shared / "obs" / "micaps1_2020020402.000")


def test_the_plot_gives_each_station_once_at_its_own_time(plot: Parsed, shared: Path) -> None:
    lines = (shared / "obs" / "micaps1_2020020402.000").read_bytes().split(b"\n")[2:]
    names = [line.split()[0].decode() for line in lines if line.strip()]

    assert len(names) == 6501
    assert plot.form == "micaps1"
    # which stands at 1,404 places
    assert {each.station for each in plot.observations} == set(names) - {"01009"}
    # 02 h in Beijing
    assert {each.time for each in plot.observations} == {datetime(2020, 2, 3, 18, tzinfo=UTC)}


def test_lines_of_the_plot_are_as_read_by_hand(plot: Parsed) -> None:
    by_id = {each.station: each.values for each in plot.observations}
    places = {each.id: each for each in plot.stations}

    # 54511 116.47  39.80   31 1 9999   56    1  261    0 ...  -11   11    0   -4.6
    assert by_id["54511"] == pytest.approx({
        "wind_from_direction": 56.0, "wind_speed": 1.0, "air_pressure_at_mean_sea_level": 102610.0,
        "dew_point_temperature": 262.15,
        "visibility_in_air": 11000.0, "present_weather": 0.0, "air_temperature": 268.55,
    })  # fmt: skip
    assert by_id["54826"]["visibility_in_air"] == 0.0  # Taishan in fog: weather 45
    assert by_id["43117"]["cloud_area_fraction"] == pytest.approx(0.8)
    assert by_id["43117"]["cloud_base_height"] == 600.0
    assert (places["54406"].latitude, places["54406"].longitude, places["54406"].elevation) == (
        40.45,
        115.97,
        487.0,
    )
    assert "48387" in places


def test_a_damaged_line_of_a_plot_costs_itself_only() -> None:
    row = (
        "54511 116.47 39.80 31 1 9999 56 1 261 0 0 0 9999 9999 9999 9999 -11 11 0 -4.6 "
        "9999 9999 9999 9999"
    )
    no_number = row[6:].replace("-4.6", "-4.x")
    bad = f"54511 116\n54406 900 40 1 {row[23:]}\n54399 {no_number}\n=x {row[6:]}\n"
    text = f"diamond 1 x\n2020 02 04 02 4\n{row}\n{bad}"

    parsed = micaps_form.parse(text.encode(), "p", RECEIVED)

    assert [each.station for each in parsed.observations] == ["54511", "54399"]
    assert "air_temperature" not in parsed.observations[1].values
    assert [fault.line for fault in parsed.faults] == [4, 5, 6, 7]


def test_a_plot_without_its_time_is_refused() -> None:
    parsed = micaps_form.parse(b"diamond 1 x\nfoo\n", "p", RECEIVED)

    assert (parsed.observations, parsed.faults[0].line) == ([], 2)


# -- ISD


def fixed(additional: str, mandatory: str = "") -> dict[str, float]:
    """Return what a record of Beijing says whose additional data are given."""
    head = "0250545110999992016010100004+39930+116280FM-12+005599999V020"
    record = head + (
        mandatory
        or "2001N0030199999"
        + "9"
        + "9N"
        + "0090001"
        + "99"
        + "-0019"
        + "1"
        + "-0203"
        + "1"
        + "10355"
        + "1"
    )
    assert len(record) == isd_form.HEADER
    parsed = isd_form.parse((record + "ADD" + additional + "REMSYN").encode(), "isd", RECEIVED)
    assert not parsed.faults
    return dict(parsed.observations[0].values)


def test_a_record_of_fixed_columns_is_read_by_noaas_document() -> None:
    found = fixed(
        "AA106000091"
        + "AA201001431"
        + "AJ1001219"
        + "999999"
        + "99"
        + "MA1999999103131"
        + "MW1051"
        + "OC100951"
    )

    assert found == pytest.approx({
        "wind_from_direction": 200.0, "wind_speed": 3.0, "visibility_in_air": 9000.0,
        "air_temperature": 271.25,
        "dew_point_temperature": 252.85, "air_pressure_at_mean_sea_level": 103550.0,
        "precipitation_amount": 1.4, "snow_depth": 0.12,
        "air_pressure": 103130.0, "present_weather": 5.0, "wind_speed_of_gust": 9.5,
    })  # fmt: skip


def test_cloud_above_and_below_the_station_is_kept_apart() -> None:
    # GF1: 5 oktas, lowest cloud 2 oktas; GA1: 2 oktas at 450 m; GG1: 7 oktas below the station, top
    # at 1,650 m above the sea.
    found = fixed("GA1021+004501061" + "GF105991021061004501991991" + "GG1071016501061011")

    assert found["cloud_area_fraction"] == 0.625
    assert found["low_cloud_area_fraction"] == 0.25
    assert found["cloud_base_height"] == 450.0
    assert found["cloud_below_area_fraction"] == 0.875
    assert found["cloud_below_top_altitude"] == 1650.0


@pytest.mark.parametrize(("code", "flag"),
                         [("1", GOOD), ("5", GOOD), ("2", DOUBTFUL), ("6", DOUBTFUL), ("3", WRONG),
                          ("7", WRONG),
                                            ("0", UNCHECKED), ("4", UNCHECKED),
                                            ("9", UNCHECKED)])  # fmt: skip
def test_noaas_quality_control_is_kept(code: str, flag: int) -> None:
    text = (
        "STATION,DATE,SOURCE,LATITUDE,LONGITUDE,ELEVATION,TMP\n"
        f'54511099999,2016-01-01T00:00:00,4,39.93,116.28,55.0,"-0019,{code}"\n'
    )

    parsed = isd_form.parse(text.encode(), "isd", RECEIVED)

    assert detect_form(text.encode()) == "isd"
    assert parsed.observations[0].flags.get("air_temperature", UNCHECKED) == flag
    assert (parsed.stations[0].id, parsed.stations[0].elevation) == ("54511", 55.0)


def test_a_year_of_the_isd_is_whole(shared: Path) -> None:
    parsed = parse_file(shared / "obs" / "isd_014160-99999-2016.gz")
    temperatures = [
        each.values["air_temperature"]
        for each in parsed.observations
        if "air_temperature" in each.values
    ]

    assert parsed.faults == []
    assert len(temperatures) == 3609  # of columns 88-92, counted without this code
    # the same columns' mean
    assert sum(temperatures) / len(temperatures) == pytest.approx(273.15 + 10.8197, abs=1e-3)
    assert parsed.stations[0].id == "01416"


def test_a_damaged_record_of_the_isd_is_named_and_the_others_kept(shared: Path) -> None:
    lines = gzip.decompress(
        (shared / "obs" / "isd_014160-99999-2016.gz").read_bytes()
    ).splitlines()[:3]
    bad = [
        lines[0][:50],
        lines[0].replace(b"20160101", b"20169901"),
        lines[0].replace(b"+0073", b"+0x73"),
    ]

    parsed = isd_form.parse(b"\n".join([*bad, lines[0]]), "isd", RECEIVED)

    assert len(parsed.observations) == 1
    assert [fault.line for fault in parsed.faults] == [1, 2, 3]


# -- A-file


@pytest.fixture(scope="module")
def month(shared: Path) -> Parsed:
    return parse_file(shared / "obs" / "A58237-202111.TXT")


def test_a_month_has_all_its_hours(month: Parsed) -> None:
    times = [each.time for each in month.observations]

    assert (month.form, month.faults) == ("afile", [])
    assert len(times) == 30 * 24
    assert times[0] == datetime(2021, 10, 31, 13, tzinfo=UTC)  # 21 h in Beijing
    assert times[-1] == datetime(2021, 11, 30, 12, tzinfo=UTC)  # 20 h
    assert (month.stations[0].latitude, month.stations[0].longitude) == pytest.approx(
        (32 + 56 / 60, 118 + 54 / 60)
    )
    assert month.stations[0].elevation == 23.8


def test_the_months_means_are_those_of_its_lines(month: Parsed) -> None:
    values = [each.values for each in month.observations]

    temperatures = [each["air_temperature"] - 273.15 for each in values]
    # lines 94-153, added without this code
    assert sum(temperatures) / 720 == pytest.approx(11.0842, abs=1e-3)
    assert (min(temperatures), max(temperatures)) == pytest.approx((-0.6, 22.9))
    hourly = [each["precipitation_amount"] for each in values if "precipitation_amount" in each]
    assert len(hourly) == 715  # five hours are missing (////)
    assert sum(hourly) == pytest.approx(77.1)  # the day sums add to 77.6 with those hours


def test_the_files_own_daily_extremes_enclose_its_hours(month: Parsed, shared: Path) -> None:
    """Each day's record ends with its extremes and their times: an authority inside the file for
    the order of hours.
    """
    lines = (
        (shared / "obs" / "A58237-202111.TXT").read_bytes().decode("latin-1").splitlines()[93:153]
    )
    temperatures = [each.values["air_temperature"] - 273.15 for each in month.observations]

    for day in range(30):
        highest, at, lowest, _ = (
            int(word) for word in re.sub("[.=]", "", lines[2 * day + 1]).split()[12:]
        )
        hours = temperatures[24 * day : 24 * day + 24]
        assert lowest / 10 - 0.01 <= min(hours)
        assert max(hours) <= highest / 10 + 0.01
        if at // 100 == 20:  # a day begins after 20 h: this may be its first minute or its last
            continue
        # the hour next to the day's highest is near it
        hour = at // 100 + (1 if at % 100 >= 30 else 0)
        place = (hour - 21) % 24
        assert hours[place] == pytest.approx(highest / 10, abs=1.6), (
            f"day {day + 1}: highest at {at}"
        )


def test_wind_and_visibility_of_an_hour_are_as_read_by_hand(month: Parsed) -> None:
    # Line 800 (day 1 of the ten-minute wind) and line 432 (visibility), first value: 21 h; verdicts
    # 099: correct by the station.
    first = month.observations[0]

    assert (first.values["wind_from_direction"], first.values["wind_speed"]) == (18.0, 1.3)
    assert first.values["visibility_in_air"] == 6608.0
    assert first.flags["visibility_in_air"] == GOOD


def test_the_flag_of_the_highest_level_counts() -> None:
    flags: dict[str, int] = {}
    for word, flag in (
        ("099", GOOD),
        ("109", GOOD),
        ("129", WRONG),
        ("019", DOUBTFUL),
        ("999", None),
        ("899", None),
    ):
        flags.clear()
        afile_form._flag(flags, "t", word)
        assert flags.get("t") == flag


def test_a_part_with_a_day_too_few_is_ignored_with_a_fault(shared: Path) -> None:
    text = (shared / "obs" / "A58237-202111.TXT").read_bytes().decode("latin-1").splitlines()
    del text[93:95]  # the first day of temperature

    parsed = afile_form.parse("\n".join(text).encode("latin-1"), "a", RECEIVED)

    assert len(parsed.observations) == 720
    assert all("air_temperature" not in each.values for each in parsed.observations)
    assert any("T, part 1: 29 days, the month has 30" in fault.reason for fault in parsed.faults)
