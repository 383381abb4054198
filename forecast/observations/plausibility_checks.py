"""Plausibility checks of single reports: unit slips, codes for missing values, impossible seasons.

Each rule compares elements of one report with each other, with the station's height and latitude,
and with the season. It names the elements that it makes doubtful and says why in one sentence, with
the likely unit where one fits. A rule that lacks one of its elements passes the report.
Source: WMO-No. 488 (2010), app. VI.2, 2 (internal consistency); limits with (check) are this
project's, wide enough for every sound report of the reference data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from forecast.domain import Observation, Station
from forecast.observations.cloud_scale import LIKELY
from forecast.observations.formats.units import DEFAULT_UNITS, conversion
from forecast.observations.likely_temperature import (
    from_fahrenheit,
    likely_temperature,
    mean_temperature,
    only_as_fahrenheit,
)
from forecast.observations.report_checks import FROST
from forecast.observations.report_table import INDEX, Floats, Mask, ReportTable
from forecast.observations.sentinels import sentinel_check
from forecast.quantities import FREEZING
from forecast.science.thermodynamics import FOG_VISIBILITY, saturation_vapour_pressure

# [1] in drier air visibility below FOG_VISIBILITY is no fog, and below DENSE_FOG in air drier than
# DENSE_FOG_HUMIDITY; WMO-No. 407: fog has a humidity near 100 %, haze less than 80 % (check)
FOG_HUMIDITY = 0.70
DENSE_FOG, DENSE_FOG_HUMIDITY = 200.0, 0.90  # [m, 1] as FOG_HUMIDITY, of dense fog (check)
# [m, 1] as FOG_HUMIDITY, of the densest fog: without sound humidity or a fog code it is doubtful,
# as 12 km is in a metre column (check)
DENSEST_FOG, DENSEST_FOG_HUMIDITY = 50.0, 0.97
# [kg m-3, m s-1] smoke and dust that lower visibility as fog does (check)
THICK_SMOKE, DUST_WIND = 2.5e-7, 12.0
DEW_POINT_EXCESS = 2.0  # [K] beyond any rounding and the frost point
HUMIDITY_GAP = 0.30  # [1] between humidity and that of temperature and dew point (check)
LEAST_FRACTION = 0.0105  # [1] a fraction in a percent column is at most 1.05 %
GUST_RATIO, GUST_WIND = 0.7, 5.0  # [1, m s-1] a gust of less than 0.7 of such a mean wind
# Pressure may be so far below and above the standard atmosphere at the station's height. (check)
LOW_PRESSURE, HIGH_PRESSURE = 0.90, 1.07
REDUCTION = 0.03  # [1] by which pressure and pressure at sea level may disagree (check)
COLD_RAIN = ((-2.0, 20.0), (-15.0, 6.0))  # [degC, mm] colder air does not give so much in an hour
DRY_RAIN = (0.35, 2.0)  # [1, mm] drier air does not give so much in an hour (check)
# [K] allowed beside the mean of latitude and month: above (Death Valley, 36 N, November: 31 K with
# its foehn) and below (Verkhoyansk, 67 N, February: 39 K). (check)
ABOVE_MEAN, BELOW_MEAN = 30.0, 48.0
# [K, degree] at least so warm may it be in any month at the coast, and less so beyond 70 degrees.
MILDEST, MILD_LATITUDE = 293.15, 70.0
WARM_LAPSE, COLD_LAPSE = 0.005, 0.0075  # [K m-1] of these two limits with height (check)
# [m s-1] a mean wind and a gust that are doubtful at a station whose weeks had none like them: of
# 21,000 real reports the seven above have no gust beside them, and sound ones reach 28 (check)
HIGHEST_WIND, HIGHEST_GUST = 30.0, 45.0
# [m-3] beside the largest waterfalls of the Alps there are some ten thousand in 1 cm3, in forests
# some thousand (Kolarz et al. 2012, ACP 12, 3687; check); air without any does not exist: cosmic
# rays and radon make more than ten pairs in 1 cm3 in each second (check)
HIGHEST_IONS, LEAST_IONS = 50_000e6, 10e6
# [1, kg m-2] less cloud gives no such precipitation in an hour
CLEAR_SKY, RAIN = 0.10, 1.0
Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PlausibilityRule:
    """One rule: its mask (row) of a table, the elements that it doubts, and its sentence."""

    mask: Callable[[_Columns], Mask]
    elements: tuple[str, ...]
    sentence: Callable[[Values], str]


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a table (row), with height [m], latitude [degree] and month of each report.

    temperature: of the air [K]; a doubtful one in its likely unit, so that a second slip of the
    same report is found. usual: the highest values (row, element) by the station's weeks.
    """

    values: Floats
    heights: Floats
    latitudes: Floats
    months: Floats
    temperature: Floats
    usual: Floats

    def __getitem__(self, name: str) -> Floats:
        return self.values[:, INDEX[name]]

    def unusual(self, name: str, limit: float) -> Mask:
        """Whether values are beyond a limit, and the station's weeks had none like them."""
        known = self[name] <= self.usual[:, INDEX[name]]
        return np.asarray((self[name] > limit) & ~known, dtype=bool)

    @property
    def humidity(self) -> Floats:
        """Humidity [1], else that of temperature and dew point."""
        dew_point, temperature = self["dew_point_temperature"], self["air_temperature"]
        ratio = saturation_vapour_pressure(dew_point) / saturation_vapour_pressure(temperature)
        given = self["relative_humidity"]
        return np.where(np.isnan(given), ratio, given)

    @property
    def humid_air(self) -> tuple[Floats, Floats, Floats]:
        """Temperature and dew point [K] and humidity [1]."""
        return (self["air_temperature"], self["dew_point_temperature"], self["relative_humidity"])

    def fahrenheit(self, both: bool) -> Mask:
        """Whether temperatures agree with season and humidity as degrees Fahrenheit only.

        both: dew points are degrees Fahrenheit, too.
        """
        given = self["air_temperature"]
        likely = likely_temperature(given, self.latitudes, self.heights, self.months)
        in_season = likely == from_fahrenheit(given)
        return in_season & only_as_fahrenheit(*self.humid_air, both=both)

    @property
    def contradicted(self) -> Mask:
        """Whether humidity, temperature and dew point contradict each other: none is a witness."""
        return _dew_point(self) | _humidity_gap(self)

    @property
    def fog_reported(self) -> Mask:
        """Whether present weather is fog (code tables 4677 and 4680)."""
        weather = self["present_weather"]
        return ((weather >= 40) & (weather <= 49)) | ((weather >= 130) & (weather <= 135))

    @property
    def obscured(self) -> Mask:
        """Whether weather other than fog explains low visibility."""
        weather = self["present_weather"] % 100
        coded = np.isfinite(weather)
        manned = coded & (self["present_weather"] < 100)
        dust = manned & np.isin(weather, [4, 6, 7, 8, 9, *range(30, 40)])
        automatic = coded & ~manned & np.isin(weather, [4, 5, 27, 28, 29])
        falling = coded & (weather >= 50)
        return (
            dust
            | automatic
            | falling
            | (self["precipitation_amount"] > 0)
            | (self["mass_concentration_of_pm2p5"] > THICK_SMOKE)
            | (self["wind_speed"] >= DUST_WIND)
        )


def plausibility_check(table: ReportTable, values: Floats, usual: Floats | None = None) -> Mask:
    """Return which `values` (row, element) of `table` a rule makes doubtful; NaN: False.

    usual: the highest plausible values by the stations' last weeks (row, element), NaN: unknown.
    """
    found = sentinel_check(values)
    for rules in (ALONE, TOGETHER):
        columns = _columns(table, np.where(found, np.nan, values), usual)
        hits = [(rule, _hit(rule, columns)) for rule in rules]
        for rule, hit in hits:
            for name in rule.elements:
                found[:, INDEX[name]] |= hit & np.isfinite(columns[name])
    return found


def _hit(rule: PlausibilityRule, columns: _Columns) -> Mask:
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        return rule.mask(columns)


def reasons(observation: Observation, station: Station | None) -> dict[str, str]:
    """Return why the values of a report are doubtful by these rules: element -> sentence."""
    places = {station.id: station} if station is not None else {}
    table, found = ReportTable.of([observation], places), dict[str, str]()
    values = table.values.copy()
    for name, column in INDEX.items():
        if sentinel_check(table.values)[0, column]:
            found[name] = f"{shown(name, observation.values)} is a code for no value"
    for rules in (ALONE, TOGETHER):
        values[0, [INDEX[name] for name in found]] = np.nan
        columns = _columns(table, values)
        witnesses = dict(observation.values)
        if "air_temperature" in found and np.isfinite(columns.temperature[0]):
            witnesses["air_temperature"] = float(columns.temperature[0])
        for rule in rules:
            if _hit(rule, columns)[0]:
                for name in rule.elements:
                    if np.isfinite(columns[name][0]):
                        found.setdefault(name, rule.sentence(witnesses))
    return found


def shown(name: str, values: Values) -> str:
    """Return a value in the unit in which stations report it, with its name."""
    if name not in values:
        return f"no {name}"
    factor, offset = conversion(name)
    unit = DEFAULT_UNITS[name]
    return f"{name} {(values[name] - offset) / factor:.6g}{'' if unit == '1' else ' ' + unit}"


def standard_pressure(height: Floats) -> Floats:
    """Return the pressure [Pa] of the standard atmosphere at a height [m]. Source: ISO 2533."""
    return np.asarray(101325.0 * (1 - 2.25577e-5 * height) ** 5.25588)


def _columns(table: ReportTable, values: Floats, usual: Floats | None = None) -> _Columns:
    heights = np.array([place.elevation for place in table.places] + [np.nan])[table.place]
    latitudes = np.array([place.latitude for place in table.places] + [np.nan])[table.place]
    days = table.seconds.astype("datetime64[s]")
    months = (days.astype("datetime64[M]").astype(np.int64) % 12 + 1).astype(float)
    given, kept = (each[:, INDEX["air_temperature"]] for each in (table.values, values))
    likely = likely_temperature(given, latitudes, heights, months)
    temperature = np.where(np.isnan(kept), likely, kept)
    highest = np.full_like(values, np.nan) if usual is None else usual
    return _Columns(values, heights, latitudes, months, temperature, highest)


def _dry_fog(columns: _Columns) -> Mask:
    visibility, humidity = columns["visibility_in_air"], columns.humidity
    low = (visibility < FOG_VISIBILITY) & (humidity < FOG_HUMIDITY)
    dense = (visibility < DENSE_FOG) & (humidity < DENSE_FOG_HUMIDITY)
    return (low | dense) & ~columns.obscured


def _unconfirmed_fog(columns: _Columns) -> Mask:
    """Find dense fog whose humidity is contradicted, and the densest without a high humidity.

    A visibility of 0 is a code of "below 50 m", and no slip of units.
    """
    visibility = columns["visibility_in_air"]
    moist = columns.humidity >= DENSEST_FOG_HUMIDITY
    found = (visibility < DENSE_FOG) & columns.contradicted
    found |= (visibility > 0) & (visibility < DENSEST_FOG) & ~moist
    return found & ~columns.fog_reported & ~columns.obscured


def _unconfirmed_fog_sentence(values: Values) -> str:
    given = [
        shown(name, values)
        for name in ("relative_humidity", "dew_point_temperature", "air_temperature")
        if name in values
    ]
    air = ", ".join(given) or "no humidity"
    return (
        f"visibility {values['visibility_in_air']:.6g} m is not confirmed by {air}: "
        "kilometres in a metre column?"
    )


def _dry_fog_sentence(values: Values) -> str:
    visibility = values["visibility_in_air"]
    tenths = ": tenths of a kilometre in a metre column?" if visibility <= 500 else ""
    likely = ": kilometres in a metre column?" if visibility <= 100 else tenths
    humidity = values.get("relative_humidity")
    air = (
        f"humidity {100 * humidity:.0f} %"
        if humidity is not None
        else f"{shown('dew_point_temperature', values)} at {shown('air_temperature', values)}"
    )
    return f"visibility {visibility:.6g} m with {air}{likely}"


def _dew_point(columns: _Columns) -> Mask:
    temperature = columns["air_temperature"]
    frost = FROST * np.maximum(FREEZING - temperature, 0.0)
    return np.asarray(
        columns["dew_point_temperature"] > temperature + DEW_POINT_EXCESS + frost, dtype=bool
    )


def _humidity_gap(columns: _Columns) -> Mask:
    temperature, dew_point = columns["air_temperature"], columns["dew_point_temperature"]
    ratio = saturation_vapour_pressure(dew_point) / saturation_vapour_pressure(temperature)
    allowed = HUMIDITY_GAP + np.maximum(FREEZING - temperature, 0.0) * 0.01
    return np.asarray(np.abs(columns["relative_humidity"] - ratio) > allowed, dtype=bool)


def _fahrenheit_sentence(values: Values) -> str:
    celsius = values["air_temperature"] - FREEZING
    return (
        f"air_temperature {celsius:.1f} degC contradicts dew point and humidity: "
        f"Fahrenheit in a Celsius column ({(celsius - 32) / 1.8:.1f} degC)?"
    )


def _heat(columns: _Columns) -> Mask:
    mild = MILDEST - np.maximum(np.abs(columns.latitudes) - MILD_LATITUDE, 0.0)
    mean = mean_temperature(columns.latitudes, columns.months)
    limit = np.maximum(mean + ABOVE_MEAN, mild)
    return np.asarray(
        columns["air_temperature"] > limit - WARM_LAPSE * np.maximum(columns.heights, 0), dtype=bool
    )


def _frost(columns: _Columns) -> Mask:
    limit = mean_temperature(columns.latitudes, columns.months) - BELOW_MEAN
    return np.asarray(
        columns["air_temperature"] < limit - COLD_LAPSE * np.maximum(columns.heights, 0), dtype=bool
    )


def _pressure(columns: _Columns) -> Mask:
    ratio = columns["air_pressure"] / standard_pressure(columns.heights)
    return np.asarray((ratio < LOW_PRESSURE) | (ratio > HIGH_PRESSURE), dtype=bool)


def _reduced(columns: _Columns) -> Mask:
    """Compare pressure reduced with the report's (else a mean) temperature to that at sea level."""
    heights = columns.heights
    temperature = columns.temperature + 0.00325 * heights
    column = np.where(np.isnan(temperature), 288.15 - 0.00325 * heights, temperature)
    reduced = columns["air_pressure"] * np.exp(9.80665 * heights / (287.05 * column))
    allowed = REDUCTION * np.maximum(1.0, heights / 1500.0)
    ratio = reduced / columns["air_pressure_at_mean_sea_level"]
    return np.asarray(np.abs(ratio - 1) > allowed, dtype=bool)


def _cold_rain(columns: _Columns) -> Mask:
    celsius, amount = columns.temperature - FREEZING, columns["precipitation_amount"]
    found = np.zeros(len(amount), dtype=bool)
    for limit, most in COLD_RAIN:
        found |= (celsius < limit) & (amount > most)
    return found


def _falling_from_nothing(columns: _Columns) -> Mask:
    """Find precipitation that falls, or fog that hides the sky, at almost no cloud.

    Diamond dust (76) falls from a clear sky. Source: WMO code tables 4677 and 4680.
    """
    weather = columns["present_weather"]
    falling = ((weather >= 60) & (weather < 100) & (weather != 76)) | np.isin(
        weather, [43, 45, 47, 49]
    )
    falling |= (weather >= 160) & (weather < 200)
    found = (columns["cloud_area_fraction"] <= CLEAR_SKY) & (
        falling | (columns["precipitation_amount"] >= RAIN)
    )
    return np.asarray(found, dtype=bool)


def _small(name: str) -> PlausibilityRule:
    """Return the rule of a fraction in a percent column."""
    return PlausibilityRule(
        lambda c: (c[name] > 0) & (c[name] <= LEAST_FRACTION),
        (name,),
        lambda values: f"{shown(name, values)}: a fraction in a percent column?",
    )


def _season(values: Values) -> str:
    celsius = values["air_temperature"] - FREEZING
    likely = (celsius - 32) / 1.8
    return (
        f"air_temperature {celsius:.1f} degC is beyond the season at this latitude and height: "
        f"Fahrenheit in a Celsius column ({likely:.1f} degC)?"
    )


# Rules of one element, with the station and the season, and of a likely unit. What they doubt is no
# witness for the rules of several elements.
ALONE: tuple[PlausibilityRule, ...] = (
    PlausibilityRule(_heat, ("air_temperature",), _season),
    PlausibilityRule(
        _frost, ("air_temperature",),
        lambda v: f"{shown('air_temperature', v)} is colder than the season, latitude and height "
        "allow: which unit is it in?",
    ),
    PlausibilityRule(
        lambda c: c.fahrenheit(both=False), ("air_temperature",),
        _fahrenheit_sentence,
    ),
    PlausibilityRule(
        lambda c: c.fahrenheit(both=True),
        ("air_temperature", "dew_point_temperature"),
        _fahrenheit_sentence,
    ),
    PlausibilityRule(
        _pressure, ("air_pressure",),
        lambda v: f"{shown('air_pressure', v)} does not fit the station's height: mmHg in an hPa "
        "column, pressure at sea level, or a wrong elevation_m?",
    ),
    PlausibilityRule(
        lambda c: c.unusual("wind_speed", HIGHEST_WIND), ("wind_speed",),
        lambda v: f"{shown('wind_speed', v)} at a station that had no such wind: km/h or knots in "
        "an m/s column?",
    ),
    PlausibilityRule(
        lambda c: c.unusual("wind_speed_of_gust", HIGHEST_GUST), ("wind_speed_of_gust",),
        lambda v: f"{shown('wind_speed_of_gust', v)} at a station that had no such gust: km/h or "
        "knots in an m/s column?",
    ),
    PlausibilityRule(
        lambda c: c.unusual("negative_oxygen_ions", HIGHEST_IONS)
        | (c["negative_oxygen_ions"] < LEAST_IONS),
        ("negative_oxygen_ions",),
        lambda v: f"{shown('negative_oxygen_ions', v)}: natural air has more than 10 and less than "
        "50000: does the counter work?",
    ),
    _small("relative_humidity"),
    _small("cloud_area_fraction"),
    _small("low_cloud_area_fraction"),
    _small("cloud_below_area_fraction"),
)  # fmt: skip
TOGETHER: tuple[PlausibilityRule, ...] = (
    PlausibilityRule(
        _falling_from_nothing, ("cloud_area_fraction",),
        lambda v: f"{shown('cloud_area_fraction', v)} with precipitation or a sky hidden by fog: "
        f"{LIKELY if v['cloud_area_fraction'] else 'is it missing?'}",
    ),
    PlausibilityRule(_dry_fog, ("visibility_in_air",), _dry_fog_sentence),
    PlausibilityRule(_unconfirmed_fog, ("visibility_in_air",), _unconfirmed_fog_sentence),
    PlausibilityRule(
        _dew_point, ("air_temperature", "dew_point_temperature"),
        lambda v: f"{shown('dew_point_temperature', v)} above {shown('air_temperature', v)}: "
        "are both in one unit?",
    ),
    PlausibilityRule(
        _humidity_gap, ("relative_humidity", "dew_point_temperature"),
        lambda v: f"{shown('relative_humidity', v)} contradicts "
        f"{shown('dew_point_temperature', v)} at {shown('air_temperature', v)}",
    ),
    PlausibilityRule(
        _reduced, ("air_pressure",),
        lambda v: f"{shown('air_pressure', v)} and {shown('air_pressure_at_mean_sea_level', v)} "
        "contradict each other at the station's height",
    ),
    PlausibilityRule(
        lambda c: (c["wind_speed"] >= GUST_WIND)
        & (c["wind_speed_of_gust"] < GUST_RATIO * c["wind_speed"]),
        ("wind_speed", "wind_speed_of_gust"),
        lambda v: f"{shown('wind_speed_of_gust', v)} below {shown('wind_speed', v)}: km/h or knots "
        "in an m/s column?",
    ),
    PlausibilityRule(
        _cold_rain, ("precipitation_amount",),
        lambda v: f"{shown('precipitation_amount', v)} in an hour at "
        f"{shown('air_temperature', v)}: tenths of a millimetre?",
    ),
    PlausibilityRule(
        lambda c: (c["precipitation_amount"] > DRY_RAIN[1]) & (c.humidity < DRY_RAIN[0]),
        ("precipitation_amount",),
        lambda v: f"{shown('precipitation_amount', v)} in dry air",
    ),
)  # fmt: skip
