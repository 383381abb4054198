"""Does each rule of quality control catch what it should, and nothing else? Values by WMO-No. 8,
WMO-No. 488 or by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.domain import DOUBTFUL, GOOD, INCONSISTENT, WRONG, Name, Observation, Station
from forecast.observations.formats import parse_file
from forecast.observations.neighbours import neighbours
from forecast.observations.quality_control import QualityFlags, check, check_each_report
from forecast.observations.report_checks import humidity_range
from forecast.observations.report_table import INDEX, ReportTable
from forecast.observations.time_checks import stations_needing_more
from forecast.quantities import ELEMENTS

START = datetime(2026, 1, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def station(name: str, height: float = 50.0, north: float = 0.0) -> Station:
    return Station(name, Name("", ""), 40.0 + north, 116.0, height)


def report(
    name: str = "54511",
    at: float = 0.0,
    form: str = "csv",
    flags: Mapping[str, int] | None = None,
    **values: float,
) -> Observation:
    return Observation(name, START + at * HOUR, values, flags or {}, form)


def checked(reports: Sequence[Observation], *places: Station) -> QualityFlags:
    return check(ReportTable.of(reports, {place.id: place for place in places}))


def flags_in_time(
    element: str, values: Sequence[float], hours: float = 1.0, form: str = "csv", **others: float
) -> list[int]:
    """The flags of one element of one station, reported every `hours`."""
    verdict = checked(
        [
            report(at=hours * n, form=form, **{element: value}, **others)
            for n, value in enumerate(values)
        ]
    )
    return verdict.flags[:, INDEX[element]].tolist()


# -- range


@pytest.mark.parametrize("name", ELEMENTS)
def test_a_value_outside_its_limits_is_wrong_and_one_on_them_is_not(name: str) -> None:
    element = ELEMENTS[name]
    beyond = 1e-6 * max(1.0, element.high)
    requested = (element.low, element.high, element.low - beyond, element.high * 1.01)

    found = [checked([report(**{name: value})]).of(0)[name] for value in requested]

    assert found[2:] == [WRONG, WRONG]
    if name in ("wind_speed", "wind_speed_of_gust"):  # of no sound report without a past
        assert found[:2] == [GOOD, DOUBTFUL]
    elif name == "negative_oxygen_ions":  # natural air has some, and never so many
        assert found[:2] == [DOUBTFUL, DOUBTFUL]
    else:
        assert found[:2] == [GOOD, GOOD]


# -- internal consistency


@pytest.mark.parametrize(
    ("values", "form", "caught"),
    [
        ({"air_temperature": 273.0, "dew_point_temperature": 275.0}, "csv",
         {"air_temperature", "dew_point_temperature"}),
        ({"air_temperature": 273.15, "dew_point_temperature": 273.15}, "csv", set()),
        # Rime: air saturated over water at -20 degC has its frost point at -18.0 degC (WMO-No. 8,
        # annex 4.B): some hygrometers say that.
        ({"air_temperature": 253.15, "dew_point_temperature": 255.1}, "csv", set()),
        ({"wind_speed": 8.0, "wind_speed_of_gust": 6.0}, "csv",
         {"wind_speed", "wind_speed_of_gust"}),
        ({"wind_speed": 8.0, "wind_speed_of_gust": 8.0}, "csv", set()),
        # WMO-No. 306: ff 00 goes with dd 00; a local vane keeps pointing, and may call north 0.
        ({"wind_speed": 0.0, "wind_from_direction": 270.0}, "synop", {"wind_from_direction"}),
        ({"wind_speed": 5.0, "wind_from_direction": 0.0}, "bufr", {"wind_from_direction"}),
        ({"wind_speed": 0.0, "wind_from_direction": 0.0}, "synop", set()),
        ({"wind_speed": 0.0, "wind_from_direction": 270.0}, "csv", set()),
        ({"wind_speed": 5.0, "wind_from_direction": 0.0}, "csv", set()),
        # 20 and 10 degC: 1227 / 2337 Pa = 52.5 % (WMO-No. 8, annex 4.B).
        ({"air_temperature": 293.15, "dew_point_temperature": 283.15, "relative_humidity": 0.55},
         "csv", set()),
        ({"air_temperature": 293.15, "dew_point_temperature": 283.15, "relative_humidity": 0.75},
         "csv",
         {"dew_point_temperature", "relative_humidity"}),
        ({"cloud_area_fraction": 0.25, "low_cloud_area_fraction": 0.5}, "synop",
         {"cloud_area_fraction", "low_cloud_area_fraction"}),
        # six tenths are five eighths
        ({"cloud_area_fraction": 0.6, "low_cloud_area_fraction": 0.625}, "bufr", set()),
        ({"cloud_area_fraction": 0.0, "cloud_base_height": 300.0}, "synop", {"cloud_base_height"}),
        # code 9: 2500 m or more, or no cloud
        ({"cloud_area_fraction": 0.0, "cloud_base_height": 2500.0}, "synop", set()),
        ({"cloud_below_area_fraction": 0.0, "cloud_below_top_altitude": 1500.0}, "synop",
         {"cloud_below_area_fraction", "cloud_below_top_altitude"}),
        # Fog (42-49) is visibility below 1 km.
        ({"present_weather": 45.0, "visibility_in_air": 3000.0}, "synop",
         {"present_weather", "visibility_in_air"}),
        ({"present_weather": 45.0, "visibility_in_air": 800.0}, "synop", set()),
        ({"present_weather": 41.0, "visibility_in_air": 3000.0}, "synop", set()),  # fog in patches
        ({"snow_depth": 0.12, "air_temperature": 299.0}, "csv", {"snow_depth"}),
    ],
)  # fmt: skip
def test_values_of_one_report_that_contradict_each_other_are_marked(
    values: dict[str, float], form: str, caught: set[str]
) -> None:
    flags = checked([report(form=form, **values)]).of(0)

    assert {name for name, flag in flags.items() if flag == INCONSISTENT} == caught
    assert set(flags.values()) <= {GOOD, INCONSISTENT}


def test_deep_in_unbroken_cloud_visibility_is_low() -> None:
    summit = station("summit", 1500.0)
    above = report(
        "summit",
        form="synop",
        cloud_below_area_fraction=1.0,
        cloud_below_top_altitude=1300.0,
        visibility_in_air=40000.0,
    )
    inside = report(
        "summit",
        1,
        form="synop",
        cloud_below_area_fraction=1.0,
        cloud_below_top_altitude=1800.0,
        visibility_in_air=40000.0,
    )

    verdict = checked([above, inside], summit)

    assert set(verdict.of(0).values()) == {GOOD}
    assert (
        verdict.of(1)["cloud_below_top_altitude"]
        == verdict.of(1)["visibility_in_air"]
        == INCONSISTENT
    )


def test_humidity_lies_between_its_readings_over_water_and_over_ice() -> None:
    low, high = humidity_range(np.array([293.15, 253.15]), np.array([283.15, 253.15]))

    # WMO-No. 8, annex 4.B: 20 degC 2337 Pa, 10 degC 1227 Pa; at -20 degC 125.4 Pa over water, 103.2
    # Pa over ice.
    assert low == pytest.approx([0.525, 0.823], abs=0.003)
    assert high == pytest.approx([0.525, 1.215], abs=0.005)


# -- step


def test_a_jump_there_and_back_is_doubtful_and_its_neighbours_are_not() -> None:
    assert flags_in_time("air_temperature", [270, 271, 290, 272, 273]) == [
        GOOD,
        GOOD,
        DOUBTFUL,
        GOOD,
        GOOD,
    ]


def test_a_jump_that_lasts_is_a_front() -> None:
    assert flags_in_time("air_temperature", [290, 290.5, 275, 274.5, 274]) == [GOOD] * 5


def test_the_last_value_is_doubtful_until_the_next_confirms_it() -> None:
    assert flags_in_time("air_temperature", [290, 290.5, 275]) == [GOOD, GOOD, DOUBTFUL]


@pytest.mark.parametrize(
    ("element", "change"),
    # WMO-No. 8, vol. V, 1.A: the most between two values of a minute: 3 K, 2 hPa (erroneous), 15 %
    # (erroneous).
    [("air_temperature", 3.0), ("air_pressure", 200.0), ("relative_humidity", 0.15)],
)
def test_in_a_minute_no_more_than_wmo_allows(element: str, change: float) -> None:
    base = {"air_temperature": 280.0, "air_pressure": 90000.0, "relative_humidity": 0.5}[element]

    assert flags_in_time(element, [base, base, base + 0.99 * change], 1 / 60)[-1] == GOOD
    assert flags_in_time(element, [base, base, base + 1.01 * change], 1 / 60)[-1] == DOUBTFUL


def test_in_longer_times_more_may_change_and_after_three_hours_anything() -> None:
    # 12 K in an hour; 20.8 K, by the root of time, in three.
    assert flags_in_time("air_temperature", [260, 260, 278], 3)[-1] == GOOD
    assert flags_in_time("air_temperature", [260, 260, 282], 3)[-1] == DOUBTFUL
    assert flags_in_time("air_temperature", [260, 260, 290], 6)[-1] == GOOD


def test_another_stations_value_and_another_form_are_no_past() -> None:
    reports = [
        report("A", 0, air_temperature=260.0),
        report("B", 1, air_temperature=300.0),
        report("A", 1, "metar", air_temperature=300.0),
    ]

    assert not checked(reports).flags.any()


def test_snow_does_not_grow_in_warm_air() -> None:
    cold = flags_in_time("snow_depth", [0.10, 0.10, 0.16], air_temperature=270.0)
    warm = flags_in_time("snow_depth", [0.10, 0.10, 0.16], air_temperature=284.0)

    assert (cold, warm) == ([GOOD, GOOD, GOOD], [GOOD, GOOD, DOUBTFUL])


# -- persistence


def test_a_constant_value_is_doubtful_from_the_hours_of_the_catalogue_on() -> None:
    flags = flags_in_time("air_temperature", [270.0] * 15)

    assert ELEMENTS["air_temperature"].still == 12
    assert flags == [GOOD] * 12 + [DOUBTFUL] * 3


def test_a_change_and_a_gap_start_a_new_run_and_few_reports_are_none() -> None:
    assert flags_in_time("air_temperature", [270.0] * 10 + [270.1] + [270.0] * 10) == [GOOD] * 21
    # a report every four hours: silences in between
    assert flags_in_time("air_temperature", [270.0] * 10, 4) == [GOOD] * 10
    assert flags_in_time("air_temperature", [270.0] * 4, 3) == [GOOD] * 4  # fewer than five reports


def test_calm_saturated_air_and_reports_in_whole_degrees_may_stay_constant() -> None:
    assert flags_in_time("wind_speed", [0.0] * 40) == [GOOD] * 40
    assert flags_in_time("wind_from_direction", [90.0] * 40, wind_speed=0.0) == [GOOD] * 40
    assert flags_in_time("wind_from_direction", [90.0] * 40, wind_speed=3.0)[-1] == DOUBTFUL
    assert flags_in_time("relative_humidity", [1.0] * 60) == [GOOD] * 60
    assert flags_in_time("relative_humidity", [0.63] * 60)[-1] == DOUBTFUL
    assert flags_in_time("air_temperature", [270.0] * 20, form="metar")[-1] == GOOD


def test_a_constant_value_at_the_edge_of_the_table_needs_more_reports() -> None:
    reports = [report(at=n, air_temperature=270.0 + (n == 3), wind_speed=0.0) for n in range(8)]
    table = ReportTable.of(reports, {})
    hours = np.arange(8)

    live = stations_needing_more(table, hours == 7, hours >= 6)
    old = stations_needing_more(table, hours == 1, (hours >= 0) & (hours < 2))
    late = stations_needing_more(table, hours == 3, (hours == 3))

    assert live == set()  # the run began within what is known, and nothing comes after
    assert old == {"54511"}  # it reaches back to the edge
    assert late == {"54511"}  # what follows stands still to the other edge


# -- neighbours


def ring(
    values: Sequence[float], height: float = 50.0, element: str = "air_temperature"
) -> tuple[list[Observation], list[Station]]:
    """Stations beside 54511, about 10 km from each other, reporting at the same time."""
    places = [station(f"N{n}", height, 0.1 * (n + 1)) for n in range(len(values))]
    return [report(place.id, **{element: value}) for place, value in zip(places, values)], places


def flag_beside(value: float, height: float, values: Sequence[float], **more: object) -> int:
    reports, places = ring(values, **more)  # type: ignore[arg-type]
    element = str(more.get("element", "air_temperature"))
    verdict = checked(
        [report("54511", **{element: value}), *reports], station("54511", height), *places
    )
    assert [set(verdict.of(row).values()) for row in range(1, len(verdict.flags))] == [
        {GOOD}
    ] * len(values)
    return verdict.of(0)[element]


def test_a_value_far_from_three_neighbours_is_doubtful() -> None:
    assert flag_beside(285.0, 50.0, [270.0, 270.5, 271.0]) == DOUBTFUL
    assert flag_beside(279.0, 50.0, [270.0, 270.5, 271.0]) == GOOD  # within the catalogue's 10 K
    assert flag_beside(285.0, 50.0, [270.0, 270.5]) == GOOD  # too few to say


def test_neighbours_that_differ_among_themselves_allow_twice_as_much_more() -> None:
    """By hand: 266, 270 and 274 K lie 4 K (median) about 270 K; beside the catalogue's 10 K twice
    that is allowed, 18 K in all. Neighbours that agree allow the 10 K alone.
    """
    assert ELEMENTS["air_temperature"].spatial == 10
    assert flag_beside(270.0 + 17.9, 50.0, [266.0, 270.0, 274.0]) == GOOD
    assert flag_beside(270.0 + 18.1, 50.0, [266.0, 270.0, 274.0]) == DOUBTFUL
    assert flag_beside(270.0 - 17.9, 50.0, [266.0, 270.0, 274.0]) == GOOD
    assert flag_beside(270.0 - 18.1, 50.0, [266.0, 270.0, 274.0]) == DOUBTFUL
    assert flag_beside(280.1, 50.0, [270.0, 270.0, 270.0]) == DOUBTFUL
    assert flag_beside(279.9, 50.0, [270.0, 270.0, 270.0]) == GOOD


def test_one_bad_neighbour_does_not_make_a_good_value_doubtful() -> None:
    reports, places = ring([270.0, 270.5, 271.0, 310.0])
    verdict = checked([report("54511", air_temperature=270.0), *reports], station("54511"), *places)

    by_name = {
        verdict.table.observations[row].station: verdict.of(row)["air_temperature"]
        for row in range(5)
    }
    assert by_name == {"54511": GOOD, "N0": GOOD, "N1": GOOD, "N2": GOOD, "N3": DOUBTFUL}


def test_a_summit_is_compared_at_its_own_height_and_an_inversion_is_no_error() -> None:
    # 2303 m above a plain at 50 m: 14.6 K colder by the ICAO lapse (0.0065 K/m); Beijing's winter
    # mornings know isothermal days.
    plain = [268.0, 268.5, 269.0, 268.2]

    assert flag_beside(253.9, 2303.0, plain) == GOOD  # the standard atmosphere
    assert flag_beside(270.0, 2303.0, plain) == GOOD  # an inversion
    assert flag_beside(285.0, 2303.0, plain) == DOUBTFUL  # 17 K warmer than the plain in winter
    # dry air above an inversion
    assert flag_beside(233.0, 2303.0, plain, element="dew_point_temperature") == GOOD


def test_pressure_at_the_sea_reduced_from_a_summit_is_not_compared() -> None:
    plain = [102500.0, 102510.0, 102490.0]

    assert flag_beside(101500.0, 50.0, plain, element="air_pressure_at_mean_sea_level") == DOUBTFUL
    assert flag_beside(101500.0, 2303.0, plain, element="air_pressure_at_mean_sea_level") == GOOD


def test_pressure_at_the_sea_is_compared_as_it_is_whatever_the_height() -> None:
    plain, element = [102500.0] * 4, "air_pressure_at_mean_sea_level"
    allowed = ELEMENTS[element].spatial
    assert allowed

    for off, flag in ((allowed - 5, GOOD), (allowed + 5, DOUBTFUL)):
        assert flag_beside(102500.0 + off, 750.0, plain, element=element) == flag
        assert flag_beside(102500.0 - off, 750.0, plain, element=element) == flag


def test_neighbours_of_another_hour_or_far_away_are_none() -> None:
    reports, places = ring([270.0, 270.5, 271.0])
    later = [report("54511", 1, air_temperature=285.0), *reports]
    far = Station("54511", Name("", ""), 42.0, 116.0, 50.0)
    beside = report("54511", air_temperature=285.0)

    assert not checked(later, station("54511"), *places).flags.any()
    assert not checked([beside, *reports], far, *places).flags.any()
    # 0.1 degree of latitude is 11.1 km: nine of ten lie within 100 km of the first.
    near = neighbours([station(str(n), north=0.1 * n) for n in range(11)])
    assert set(near[0].tolist()) == {-1, *range(1, 9)}


# -- what a form doubts itself


def test_a_value_that_a_database_flagged_stays_doubtful_and_is_no_neighbour() -> None:
    reports = [
        report(
            form="isd",
            flags={"air_temperature": WRONG, "wind_speed": GOOD},
            air_temperature=270.0,
            wind_speed=200.0,
        ),
        report(at=1, form="csv", flags={"air_temperature": DOUBTFUL}, air_temperature=270.0),
    ]

    verdict = checked(reports)

    found = {row.form: verdict.of(number) for number, row in enumerate(verdict.table.observations)}
    assert found["isd"] == {"air_temperature": WRONG, "wind_speed": WRONG}
    assert found["csv"] == {"air_temperature": GOOD}


def test_a_summary_counts_the_values_that_each_rule_flagged() -> None:
    reports = [
        report(at=n, air_temperature=value, wind_speed_of_gust=2.0, wind_speed=3.0)
        for n, value in enumerate([270, 400, 270, 290])
    ]

    verdict = checked(reports)

    assert verdict.summary(range(4)) == {"range": 1, "internal": 8, "step": 1}


def test_a_single_report_is_checked_against_its_limits_and_its_own_values_only() -> None:
    reports = [
        report(at=n, air_temperature=value, wind_speed_of_gust=2.0, wind_speed=3.0)
        for n, value in enumerate([270, 400, 270, 290])
    ]

    verdict = check_each_report(ReportTable.of(reports, {}))

    assert verdict.summary(range(4)) == {"range": 1, "internal": 8}
    assert [verdict.of(n)["air_temperature"] for n in range(4)] == [GOOD, WRONG, GOOD, GOOD]


# -- real reports


def test_few_real_reports_are_doubtful_and_those_for_a_reason(shared: Path) -> None:
    parsed = parse_file(shared / "obs" / "synop_20140112T12.bufr")

    table = ReportTable.of(parsed.observations, {place.id: place for place in parsed.stations})
    verdict = check(table)

    # 4,829 stations that meteorological services had checked themselves: of 52,033 values one in
    # two thousand is doubted or wrong; among them four winds of 35 to 53 m/s without a gust, two of
    # them beside 1,022 hPa and more.
    assert np.isfinite(table.values).sum() > 50_000
    assert (verdict.flags >= DOUBTFUL).sum() < 28
    assert (verdict.flags == INCONSISTENT).sum() < 150
    # 01023 Bardufoss, in a valley of its own cold air: -25 degC where Tromso (01026), 70 km away,
    # has -8. Doubtful, not wrong.
    rows = {row.station: number for number, row in enumerate(table.observations)}
    assert verdict.of(rows["01023"])["air_temperature"] == DOUBTFUL
