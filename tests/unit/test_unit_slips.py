"""Is a value in a wrong unit doubtful, with the likely unit named, and a sound one not?

Each slip is computed by hand from a sound report in autumn at 40 N.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.domain import DOUBTFUL, GOOD, Name, Observation, Station
from forecast.observations.formats import ParseContext, parse_file
from forecast.observations.likely_temperature import likely_temperature, mean_temperature
from forecast.observations.past_checks import bounds_of, bounds_table, likely_slip
from forecast.observations.plausibility_checks import plausibility_check, reasons, standard_pressure
from forecast.observations.quality_control import check
from forecast.observations.report_table import INDEX, ReportTable
from forecast.quantities import ELEMENTS

NOVEMBER = datetime(2026, 11, 22, 4, tzinfo=UTC)
SUMMIT = Station("M1001", Name("", ""), 40.017, 115.454, 2303.0)
PLAIN = Station("54511", Name("", ""), 39.8, 116.47, 31.0)
# 15 degC, 1013.25 hPa at the sea; 2,303 m: 765.3 hPa (ISO 2533)
SOUND = {
    "air_temperature": 269.75, "dew_point_temperature": 262.6, "relative_humidity": 0.60,
    "air_pressure": 76600.0, "wind_speed": 6.0, "wind_speed_of_gust": 11.0,
    "visibility_in_air": 12_500.0, "cloud_area_fraction": 0.8, "snow_depth": 0.05,
    "precipitation_amount": 0.0,
}  # fmt: skip


def flags(station: Station, at: datetime = NOVEMBER, **values: float) -> dict[str, int]:
    report = Observation(station.id, at, values)
    return check(ReportTable.of([report], {station.id: station})).of(0)


def test_a_humidity_in_a_wrong_unit_is_no_witness_against_fog() -> None:
    found = flags(SUMMIT, relative_humidity=0.0097, visibility_in_air=80.0)

    assert found == {"relative_humidity": DOUBTFUL, "visibility_in_air": GOOD}


def test_a_sound_report_is_good() -> None:
    assert set(flags(SUMMIT, **SOUND).values()) == {GOOD}


@pytest.mark.parametrize(
    ("element", "slipped", "likely"),
    [
        ("visibility_in_air", 12.5, "kilometres in a metre column"),
        ("air_temperature", 273.15 + 41.0, "Fahrenheit"),  # 5 degC in degF
        ("dew_point_temperature", 273.15 + 13.0, "one unit"),  # -10.5 degC in degF
        ("relative_humidity", 0.006, "fraction in a percent column"),
        ("cloud_area_fraction", 0.008, "fraction in a percent column"),
        ("air_pressure", 57450.0, "mmHg"),  # 766 hPa is 574.5 mmHg
        ("air_pressure", 101_500.0, "pressure at sea level"),
        ("wind_speed", 21.6, "km/h"),  # 6 m/s, beside a gust in m/s
        ("precipitation_amount", 32.0, "tenths"),  # 3.2 mm at -3.4 degC
    ],
)
def test_a_value_in_a_wrong_unit_is_doubtful_and_the_likely_unit_is_named(
    element: str, slipped: float, likely: str
) -> None:
    values = {**SOUND, element: slipped}

    assert flags(SUMMIT, **values)[element] == DOUBTFUL
    assert likely in reasons(Observation("M1001", NOVEMBER, values), SUMMIT)[element]


@pytest.mark.parametrize("slip", [lambda k: k + 273.15, lambda k: k - 273.15, lambda k: k * 100])
def test_kelvin_and_celsius_in_each_others_column_are_never_good(slip) -> None:  # type: ignore[no-untyped-def]
    assert flags(PLAIN, air_temperature=slip(278.15))["air_temperature"] >= DOUBTFUL


@pytest.mark.parametrize(
    ("month", "celsius", "station", "good"),
    [
        # Beijing's extremes: July 41.9 (1999), November 23.3, January -27.4 degC (1966)
        (7, 41.9, PLAIN, True), (11, 23.3, PLAIN, True), (1, -27.4, PLAIN, True),
        (11, 41.0, PLAIN, False), (1, 41.0, PLAIN, False), (11, 30.0, SUMMIT, False),
        # Oymyakon, 63 N, 740 m: -67.7 (1933); Turpan, 43 N: 47.8 (2015); Lhasa, 3650 m: 30.8
        (2, -67.7, Station("O", Name("", ""), 63.3, 143.2, 740.0), True),
        (7, 47.8, Station("T", Name("", ""), 42.9, 89.2, 37.0), True),
        (6, 30.8, Station("L", Name("", ""), 29.7, 91.1, 3650.0), True),
        # Bodo, 67 N, at the sea: mild January
        (1, 9.0, Station("B", Name("", ""), 67.3, 14.4, 11.0), True),
        # Marble Bar, 21 S: December 48.3 degC; July there is winter
        (12, 48.3, Station("A", Name("", ""), -21.2, 119.7, 182.0), True),
    ],
)  # fmt: skip
def test_the_season_of_latitude_and_height_bounds_temperature_and_records_pass(
    month: int, celsius: float, station: Station, good: bool
) -> None:
    at = NOVEMBER.replace(month=month)

    found = flags(station, at, air_temperature=273.15 + celsius)["air_temperature"]

    assert found == (GOOD if good else DOUBTFUL)


@pytest.mark.parametrize(
    "beside",
    [
        {"relative_humidity": 0.97}, {"present_weather": 75.0, "relative_humidity": 0.85},
        {"present_weather": 31.0, "relative_humidity": 0.2},  # a dust storm (table 4677)
        {"mass_concentration_of_pm2p5": 6e-7, "relative_humidity": 0.5}, {},
    ],
)  # fmt: skip
def test_low_visibility_in_fog_snow_dust_or_smoke_is_good(beside: dict[str, float]) -> None:
    assert flags(SUMMIT, visibility_in_air=60.0, **beside)["visibility_in_air"] == GOOD


@pytest.mark.parametrize("element", [name for name in ELEMENTS if name != "present_weather"])
@pytest.mark.parametrize("code", [65535.0, 32767.0, -32768.0, 65534.0])
def test_codes_of_counters_are_never_good(element: str, code: float) -> None:
    from forecast.observations.formats.units import conversion

    factor, offset = conversion(element)

    assert flags(PLAIN, **{element: code * factor + offset})[element] >= DOUBTFUL


@pytest.mark.parametrize(
    ("element", "value"),
    [("snow_depth", 9.99), ("sunshine_duration", 999.0 * 60), ("wind_speed", 99.99 * 10),
     ("relative_humidity", 9.99), ("negative_oxygen_ions", 65535e6),
     ("negative_oxygen_ions", 65535.0), ("mass_concentration_of_pm2p5", 999e-9)],
)  # fmt: skip
def test_nines_and_codes_in_other_units_are_never_good(element: str, value: float) -> None:
    assert flags(PLAIN, **{element: value})[element] >= DOUBTFUL


@pytest.mark.parametrize(
    ("element", "value"),
    [("snow_depth", 3.2767), ("mass_concentration_of_pm2p5", 655.3e-9),
     ("mass_concentration_of_pm2p5", 655.35e-9), ("mass_concentration_of_pm2p5", 327.67e-9),
     ("negative_oxygen_ions", 3276.7e6), ("negative_oxygen_ions", 6553.5e6),
     ("visibility_in_air", 3276.7), ("visibility_in_air", 6553.5),
     ("precipitation_amount", 327.67)],
)  # fmt: skip
def test_codes_of_counters_in_tenths_and_hundredths_are_never_good(
    element: str, value: float
) -> None:
    assert flags(PLAIN, **{element: value})[element] >= DOUBTFUL


@pytest.mark.parametrize(
    ("element", "value"),
    [("negative_oxygen_ions", 3277e6), ("negative_oxygen_ions", 655.3e6), ("snow_depth", 3.28),
     ("visibility_in_air", 3277.0), ("mass_concentration_of_pm2p5", 327.6e-9)],
)  # fmt: skip
def test_values_beside_the_codes_of_counters_are_good(element: str, value: float) -> None:
    assert flags(PLAIN, **{element: value})[element] == GOOD


def test_pressure_has_every_value_of_its_height() -> None:
    summit = Station("M", Name("", ""), 40.0, 115.0, 3500.0)

    assert flags(summit, air_pressure=65530.0)["air_pressure"] == GOOD


@pytest.mark.parametrize(
    ("visibility", "beside"),
    [
        (30.0, {"air_temperature": 268.15, "dew_point_temperature": 278.15}),
        (80.0, {"air_temperature": 268.15, "dew_point_temperature": 278.15}),
        (30.0, {"air_temperature": 268.15, "dew_point_temperature": 278.15,
                "relative_humidity": 0.5}),
        # humidity 98 %, but 45 % of temperature and dew point
        (80.0, {"air_temperature": 283.15, "dew_point_temperature": 271.65,
                "relative_humidity": 0.98}),
        (30.0, {"relative_humidity": 0.0097}),
    ],
)  # fmt: skip
def test_fog_judged_against_a_doubtful_humidity_is_doubtful(
    visibility: float, beside: dict[str, float]
) -> None:
    found = flags(SUMMIT, visibility_in_air=visibility, **beside)

    assert found["visibility_in_air"] == DOUBTFUL


@pytest.mark.parametrize("visibility", [9.0, 12.5, 15.0])
@pytest.mark.parametrize("beside", [{"relative_humidity": 0.92}, {"relative_humidity": 0.94}, {}])
def test_kilometres_in_a_metre_column_are_doubtful_also_in_moist_air(
    visibility: float, beside: dict[str, float]
) -> None:
    values = {"visibility_in_air": visibility, **beside}

    assert flags(SUMMIT, **values)["visibility_in_air"] == DOUBTFUL
    sentence = reasons(Observation("M1001", NOVEMBER, values), SUMMIT)["visibility_in_air"]
    assert "kilometres in a metre column" in sentence


@pytest.mark.parametrize(
    "beside",
    [
        {"relative_humidity": 0.97}, {"relative_humidity": 1.0},
        {"air_temperature": 268.15, "dew_point_temperature": 268.05},
        {"present_weather": 45.0}, {"present_weather": 133.0, "relative_humidity": 0.92},
        {"present_weather": 75.0}, {"wind_speed": 15.0},
        # the first and the last code of fog in tables 4677 and 4680 (plus 100)
        *({"present_weather": code} for code in (40.0, 49.0, 130.0, 135.0)),
    ],
)  # fmt: skip
def test_the_densest_fog_and_snow_are_good(beside: dict[str, float]) -> None:
    assert flags(SUMMIT, visibility_in_air=20.0, **beside)["visibility_in_air"] == GOOD


def test_ions_that_leap_there_and_back_are_doubtful_and_a_slow_rise_is_not() -> None:
    def found(values: list[float]) -> list[int]:
        reports = [
            Observation("M2001", NOVEMBER + timedelta(hours=n), {"negative_oxygen_ions": 1e6 * v})
            for n, v in enumerate(values)
        ]
        return check(ReportTable.of(reports, {})).flags[:, INDEX["negative_oxygen_ions"]].tolist()

    assert found([800, 801, 450_000, 803]) == [GOOD, GOOD, DOUBTFUL, GOOD]
    assert found([800, 3000, 9000, 20_000, 24_000]) == [GOOD] * 5


def test_bounds_of_the_last_weeks_need_many_values_of_several_days() -> None:
    def series(count: int, hours: float) -> list[Observation]:
        return [
            Observation(
                "M", NOVEMBER + n * timedelta(hours=hours), {"air_temperature": 270.0 + n % 9}
            )
            for n in range(count)
        ]

    assert bounds_of(series(99, 1)) == {}
    assert bounds_of(series(200, 0.1)) == {}
    # 270 to 278 K: 20 K below; above, from -6.15 degC (3 K colder than the coldest), which is
    # 20.93 degF, a number of degrees Celsius
    assert bounds_of(series(120, 1))["air_temperature"] == pytest.approx((250.0, 294.08))


SOUND_WEEKS = [Observation("M", NOVEMBER + timedelta(hours=n), {
    "air_temperature": 258.15 + n % 21, "wind_speed": n % 9 * 1.0, "snow_depth": 0.05,
}) for n in range(200)]  # fmt: skip


@pytest.mark.parametrize(
    ("element", "bound"),
    [
        # -15 to 5 degC: 10 K above, for 3 K below the coldest is -18 degC, -0.4 degF
        ("air_temperature", 288.15),
        ("wind_speed", 18.0),  # 0 to 8 m/s: 10 m/s above the rarest hundredth
        ("snow_depth", 0.45),  # 5 cm and 40
    ],
)
def test_what_lies_beyond_the_weeks_in_the_likely_wrong_unit_is_out_of_bounds(
    element: str, bound: float
) -> None:
    assert bounds_of(SOUND_WEEKS)[element][1] == pytest.approx(bound)


@pytest.mark.parametrize(
    ("element", "slipped", "sound", "likely"),
    [
        ("air_temperature", 273.15 + 20.0, 284.0, "Fahrenheit"),  # -6.7 degC
        ("wind_speed", 21.6, 14.0, "km/h"),  # 6 m/s
        ("snow_depth", 0.50, 0.25, "millimetres"),  # 5 cm
    ],
)
def test_a_unit_that_slips_once_is_doubtful_after_weeks_of_sound_values(
    element: str, slipped: float, sound: float, likely: str
) -> None:
    def flag(value: float) -> int:
        report = Observation("M", NOVEMBER + timedelta(days=9), {element: value})
        table = ReportTable.of([report], {})
        return check(table, bounds_table(table, {"M": bounds_of(SOUND_WEEKS)})).of(0)[element]

    assert (flag(slipped), flag(sound)) == (DOUBTFUL, GOOD)
    assert likely in likely_slip(element, True)
    assert likely_slip(element, False) == "has its unit changed?"


@pytest.mark.parametrize(
    ("temperature", "dew_point", "humidity", "doubted"),
    [
        # -2.8 degC and -9.5 degC give 60 %; 27 is -2.8 degC in degF, 14.9 is -9.5
        (27.0, -9.5, 0.60, {"air_temperature"}),
        (27.0, 14.9, 0.60, {"air_temperature", "dew_point_temperature"}),
        (-2.8, -9.5, 0.60, set()),
        (12.0, 4.4, 0.60, set()),  # sound
        (12.0, 1.0, 0.60, set()),  # 47 %: contradicts itself, but not as Fahrenheit
    ],
)
def test_fahrenheit_that_agrees_with_humidity_is_doubtful_in_mild_seasons_too(
    temperature: float, dew_point: float, humidity: float, doubted: set[str]
) -> None:
    at = NOVEMBER.replace(month=9)  # 27 degC are within the season of September
    values = {
        "air_temperature": 273.15 + temperature, "dew_point_temperature": 273.15 + dew_point,
        "relative_humidity": humidity,
    }  # fmt: skip

    found = flags(PLAIN, at, **values)

    assert {name for name, flag in found.items() if flag == DOUBTFUL} == doubted
    sentences = reasons(Observation("54511", at, values), PLAIN)
    assert all("Fahrenheit in a Celsius column" in sentences[name] for name in doubted)


def test_a_slipped_temperature_hides_no_other_slip_of_its_report() -> None:
    # 27 degF are -2.8 degC: no 32 mm in an hour
    values = SOUND | {"air_temperature": 300.15, "precipitation_amount": 32.0}
    found = flags(SUMMIT, **values)

    assert found["air_temperature"] == found["precipitation_amount"] == DOUBTFUL
    sentence = reasons(Observation("M1001", NOVEMBER, values), SUMMIT)["precipitation_amount"]
    assert "at air_temperature -2.77778 degC: tenths" in sentence
    # kelvin in a Celsius column, out of all limits
    wrong = flags(SUMMIT, air_temperature=273.15 + 269.75, precipitation_amount=32.0)
    assert wrong["precipitation_amount"] == DOUBTFUL


def test_a_number_is_read_in_the_unit_that_fits_season_and_height() -> None:
    given = np.array([27.0, 269.75, -34.0, 90.0]) + 273.15
    read = likely_temperature(given, np.full(4, 40.0), np.full(4, 2303.0), np.full(4, 11.0))

    # the mean of November at 40 N is 2.6 degC at the sea, -12.4 at 2,303 m: 27 degF are -2.8 degC,
    # 269.75 K are -3.4, -34 degF are -36.7; 90 degF are 32, too warm, and tenths of 9.0
    assert read - 273.15 == pytest.approx([-2.78, -3.4, -36.67, 9.0], abs=0.01)


@pytest.mark.parametrize("name", ["cloud_area_fraction", "low_cloud_area_fraction",
                                  "cloud_below_area_fraction"])  # fmt: skip
def test_99_per_cent_of_cloud_is_a_code_for_no_value(name: str) -> None:
    assert flags(PLAIN, **{name: 0.99})[name] == DOUBTFUL
    assert flags(PLAIN, **{name: 0.98})[name] == flags(PLAIN, **{name: 1.0})[name] == GOOD
    assert flags(PLAIN, relative_humidity=0.99)["relative_humidity"] == GOOD


@pytest.mark.parametrize(
    ("depth", "beside", "flag"),
    [
        # 5 cm, then 50 without precipitation: 10 cm may drift
        (0.50, {"precipitation_amount": 0.0}, DOUBTFUL),
        (0.14, {"precipitation_amount": 0.0}, GOOD),
        # 8 mm of water are at most 32 cm of new snow (25 kg m-3), and 10 cm may drift
        (0.46, {"precipitation_amount": 8.0}, GOOD),
        (0.48, {"precipitation_amount": 8.0}, DOUBTFUL),
        (0.30, {}, GOOD),  # without precipitation nothing is known
    ],
)  # fmt: skip
def test_snow_that_grows_without_precipitation_is_doubtful(
    depth: float, beside: dict[str, float], flag: int
) -> None:
    first = Observation("M1001", NOVEMBER, {"snow_depth": 0.05})
    second = Observation("M1001", NOVEMBER + timedelta(hours=1), {"snow_depth": depth, **beside})

    found = check(ReportTable.of([first, second], {"M1001": SUMMIT}))

    assert found.of(1)["snow_depth"] == flag


def series(element: str, values: list[float], **beside: float) -> list[Observation]:
    return [
        Observation("M1001", NOVEMBER + timedelta(hours=n), {element: v, **beside}, form="csv")
        for n, v in enumerate(values)
    ]


def flags_of(element: str, reports: list[Observation]) -> list[int]:
    found = check(ReportTable.of(reports, {"M1001": SUMMIT}))
    return [found.of(n)[element] for n in range(len(reports))]


CLOUD = "cloud_area_fraction"


@pytest.mark.parametrize("name", [CLOUD, "low_cloud_area_fraction", "cloud_below_area_fraction"])
@pytest.mark.parametrize(
    ("percent", "flag"),
    [
        ([8, 8, 7, 8, 6], DOUBTFUL), ([8, 8, 8], DOUBTFUL), ([10, 9, 10, 7], DOUBTFUL),
        ([9, 1, 2, 8], DOUBTFUL), ([8, 7, 100, 8], GOOD), ([8, 7.5, 8, 6], GOOD), ([8, 8], GOOD),
        ([0, 2, 3, 2, 4], GOOD), ([0, 0, 0, 0], GOOD), ([12.5, 25, 87.5, 100], GOOD),
    ],
)  # fmt: skip
def test_whole_numbers_to_ten_in_a_percent_column_are_oktas_or_tenths(
    name: str, percent: list[float], flag: int
) -> None:
    reports = series(name, [each / 100 for each in percent])

    assert set(flags_of(name, reports)) == {flag}


def test_cloud_in_forms_with_a_unit_of_their_own_and_none_at_all_are_good() -> None:
    oktas = series(CLOUD, [0.08, 0.08, 0.0, 0.07, 0.08])
    coded = [replace(report, form="micaps1") for report in oktas]

    assert flags_of(CLOUD, oktas) == [DOUBTFUL, DOUBTFUL, GOOD, DOUBTFUL, DOUBTFUL]
    assert set(flags_of(CLOUD, coded)) == {GOOD}


def test_other_days_are_no_evidence_of_the_unit_of_one_value() -> None:
    first = series(CLOUD, [0.08, 0.07, 0.08])
    later = [replace(each, time=each.time + timedelta(days=2)) for each in series(CLOUD, [0.08])]

    assert flags_of(CLOUD, [*first, *later]) == [DOUBTFUL] * 3 + [GOOD]


def test_after_weeks_in_oktas_a_single_value_is_doubtful_and_one_beyond_ten_is_not() -> None:
    weeks = [
        replace(each, flags={CLOUD: DOUBTFUL}) for each in series(CLOUD, [0.08, 0.07, 0.0, 0.05])
    ]
    bounds = bounds_of(weeks)

    def flag(value: float) -> int:
        (report,) = series(CLOUD, [value])
        table = ReportTable.of([report], {"M1001": SUMMIT})
        return check(table, bounds_table(table, {"M1001": bounds})).of(0)[CLOUD]

    assert [flag(v) for v in (0.08, 0.01, 0.0, 0.5, 1.0)] == [DOUBTFUL, DOUBTFUL, GOOD, GOOD, GOOD]
    assert "oktas or tenths" in likely_slip(CLOUD, False)
    assert CLOUD not in bounds_of([*weeks, *series(CLOUD, [0.75])])


@pytest.mark.parametrize(
    ("beside", "flag"),
    [
        ({"present_weather": 61.0}, DOUBTFUL), ({"present_weather": 45.0}, DOUBTFUL),
        ({"present_weather": 171.0}, DOUBTFUL), ({"precipitation_amount": 2.0}, DOUBTFUL),
        ({"present_weather": 76.0}, GOOD),  # diamond dust
        ({"present_weather": 44.0}, GOOD),  # fog, the sky visible
        ({"present_weather": 2.0, "precipitation_amount": 0.0}, GOOD),
    ],
)  # fmt: skip
def test_rain_or_hidden_sky_contradicts_a_clear_sky(beside: dict[str, float], flag: int) -> None:
    assert flags(SUMMIT, cloud_area_fraction=0.08, **beside)[CLOUD] == flag
    assert flags(SUMMIT, cloud_area_fraction=0.88, **beside)[CLOUD] == GOOD
    if flag == DOUBTFUL:
        report = Observation("M1001", NOVEMBER, {CLOUD: 0.08, **beside})
        assert "oktas or tenths" in reasons(report, SUMMIT)[CLOUD]


@pytest.mark.parametrize(
    ("element", "value", "likely"),
    [
        ("wind_speed", 36.0, "km/h"), ("wind_speed_of_gust", 50.0, "km/h"),
        ("negative_oxygen_ions", 450_000e6, "counter"), ("negative_oxygen_ions", 0.0, "counter"),
        ("negative_oxygen_ions", 65_530e6, "counter"), ("negative_oxygen_ions", 1e6, "counter"),
    ],
)  # fmt: skip
def test_a_value_that_nature_hardly_has_is_doubtful_in_a_single_report(
    element: str, value: float, likely: str
) -> None:
    assert flags(SUMMIT, **{element: value})[element] == DOUBTFUL
    assert likely in reasons(Observation("M1001", NOVEMBER, {element: value}), SUMMIT)[element]


@pytest.mark.parametrize(
    ("element", "value"),
    [("wind_speed", 28.0), ("wind_speed_of_gust", 40.0), ("negative_oxygen_ions", 20_000e6),
     ("negative_oxygen_ions", 100e6)],
)  # fmt: skip
def test_storms_and_waterfalls_are_good(element: str, value: float) -> None:
    assert flags(SUMMIT, **{element: value})[element] == GOOD


def test_a_station_whose_weeks_had_such_winds_may_have_them_again() -> None:
    weeks = [
        Observation("M1001", NOVEMBER + timedelta(hours=n), {"wind_speed": 12.0 + n % 13})
        for n in range(200)
    ]
    table = ReportTable.of(
        [Observation("M1001", NOVEMBER + timedelta(days=9), {"wind_speed": 36.0})],
        {"M1001": SUMMIT},
    )

    known = check(table, bounds_table(table, {"M1001": bounds_of(weeks)}))

    assert (known.of(0)["wind_speed"], check(table).of(0)["wind_speed"]) == (GOOD, DOUBTFUL)


@pytest.mark.parametrize(
    ("element", "values"),
    [
        ("negative_oxygen_ions", [800e6, 805e6, 0.0, 0.0, 806e6]),
        ("negative_oxygen_ions", [800e6, 805e6, 450_000e6, 430_000e6, 806e6]),
        ("wind_speed", [3, 4, 36, 40, 3]), ("snow_depth", [0.12, 0.12, 1.20, 1.20, 0.12]),
    ],
)  # fmt: skip
def test_of_an_outlier_and_the_sound_value_behind_it_only_the_outlier_is_doubtful(
    element: str, values: list[float]
) -> None:
    found = flags_of(element, series(element, values))

    assert found == [GOOD, GOOD, DOUBTFUL, DOUBTFUL, GOOD]


@pytest.mark.parametrize(("depth", "flag"), [(1.20, DOUBTFUL), (0.45, GOOD)])
def test_snow_after_half_a_day_of_known_depths_grows_by_less_than_a_slip_of_units(
    depth: float, flag: int
) -> None:
    bounds = bounds_of(series("snow_depth", [0.12] * 13))
    (report,) = series("snow_depth", [depth])
    table = ReportTable.of([report], {"M1001": SUMMIT})

    found = check(table, bounds_table(table, {"M1001": bounds}))

    assert found.of(0)["snow_depth"] == flag


@pytest.mark.parametrize(("humidity", "flag"), [(0.72, DOUBTFUL), (0.88, DOUBTFUL), (0.97, GOOD)])
def test_a_visibility_of_125_m_needs_humid_air(humidity: float, flag: int) -> None:
    """12.5 km in tenths of a kilometre."""
    values = {"visibility_in_air": 125.0, "relative_humidity": humidity}

    assert flags(SUMMIT, **values)["visibility_in_air"] == flag
    if flag == DOUBTFUL:
        report = Observation("M1001", NOVEMBER, values)
        assert "tenths of a kilometre" in reasons(report, SUMMIT)["visibility_in_air"]


def test_the_standard_atmosphere_and_the_mean_of_latitudes_are_as_published() -> None:
    assert standard_pressure(np.array([0.0, 1000.0, 2303.0])) == pytest.approx(
        [101325, 89874.6, 76534], rel=1e-3
    )
    # Beijing: January -3, July 27 degC; Yakutsk: January -37, July 20; within the stated 15 K
    north = mean_temperature(np.array([39.9, 39.9, 62.0, 62.0]), np.array([1.0, 7, 1, 7]))
    assert north - 273.15 == pytest.approx([-3, 27, -37, 20], abs=16)


@pytest.mark.parametrize(
    ("file", "most"),
    [("A58237-202111.TXT", 0), ("beijing_uci501_dingling_2013_2017.csv.gz", 0),
     ("isd_014160-99999-2016.gz", 0), ("isd_00702699999.csv.gz", 11),
     ("micaps1_2020020402.000", 25), ("synop_20140112T12.bufr", 20)],
)  # fmt: skip
def test_the_real_reports_of_the_reference_data_pass_but_for_a_few(
    file: str, most: int, shared: Path
) -> None:
    """Of 300,000 values; those that fail are dew points above the temperature, wrong heights, and
    a clear sky in rain.
    """
    dingling = Station("Dingling", Name("", ""), 40.29, 116.22, 50.0)
    parsed = parse_file(shared / "obs" / file, ParseContext({"Dingling": dingling}))
    places = {"Dingling": dingling} | {place.id: place for place in parsed.stations}
    present = {report.station for report in parsed.observations}
    table = ReportTable.of(
        parsed.observations, {name: place for name, place in places.items() if name in present}
    )

    assert plausibility_check(table, table.values).sum() <= most
