"""Encode the sample weather like GFS: a GRIB2 file a forecast hour, with `.idx`, in bucket layout.

As in GFS: centre 7, process 81 (analysis) and 96 (forecast), a quarter-degree grid with
rows north to south on longitudes 0-360, complex packing with second-order differences, product
templates 4.0 (an instant) and 4.8 (a span), the surfaces and the second surface's zeros, cloud and
rain both as instants and over the span since the last multiple of six hours, precipitation also
since the run (at f006 the two are twins), percentages, the order of messages, `1 day` in the
inventory. Unlike GFS, the grid is a region and only about 200 of its 743 messages are present.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import eccodes
import numpy as np

from forecast.domain import Cycle
from forecast.files import write_whole
from forecast.quantities import CLOSE_LEVELS, FIELDS, Field, Key
from forecast.sample.region import Region
from forecast.sample.scene import Fields, Weather
from forecast.science.thermodynamics import Array

BITS = 14  # of precision: the greatest error of a value is its field's range over 2^15
BUCKET = 6  # [h] interval of means and sums

ANALYSIS, FORECAST = 81, 96  # NCEP table A: GFS's analysis and forecast
MEAN, SUM = 0, 1  # code table 4.10
STATISTIC = {MEAN: "ave", SUM: "acc"}


class Bounds(Protocol):
    """A box with north, south, west and east [degree]: an `ingest.Needs` or a `Region`."""

    @property
    def north(self) -> float: ...
    @property
    def south(self) -> float: ...
    @property
    def west(self) -> float: ...
    @property
    def east(self) -> float: ...


@dataclass(frozen=True, slots=True)
class SampleMessage:
    """One GRIB message to encode: parameter, surface, hours, and values (latitude, longitude).

    The values have the file's unit.
    """

    variable: str
    level: str
    key: Key
    values: Array
    surface_scale: int = 0
    surface_value: int = 0
    second: tuple[int, int, int] = (255, 0, 0)  # surface, scale, value
    first: int = 0  # [h] where a span begins
    statistic: int | None = None


def _wind(number: int, variable: str) -> Field:
    """Return a wind component on every level, as GFS has it: more levels than are requested."""
    return Field(
        variable,
        "m s-1",
        -160,
        160,
        (Key(0, 2, number, 100),),
        ((variable,), "{hPa} mb"),
        levels=CLOSE_LEVELS,
    )


# What GFS puts on levels, in its order within a level; no phenomenon reads the last two.
# fmt: off
_PROFILES: tuple[tuple[str, Field], ...] = (
    *((name, FIELDS[name]) for name in ("geopotential_height", "air_temperature",
        "relative_humidity")),
    ("cloud_area_fraction_in_atmosphere_layer", FIELDS["cloud_area_fraction_in_atmosphere_layer"]),
    ("lagrangian_tendency_of_air_pressure", FIELDS["lagrangian_tendency_of_air_pressure"]),
    ("eastward_wind", _wind(2, "UGRD")),
    ("northward_wind", _wind(3, "VGRD")),
    ("atmosphere_absolute_vorticity",
     Field("", "s-1", -1, 1, (Key(0, 2, 10, 100),), (("ABSV",), "{hPa} mb"),
           levels=(25000, 50000, 70000, 85000))),
    ("cloud_liquid_water_mixing_ratio", FIELDS["cloud_liquid_water_mixing_ratio"]),
    ("cloud_ice_mixing_ratio", FIELDS["cloud_ice_mixing_ratio"]),
    ("ozone_mixing_ratio",
     Field("", "1", 0, 1, (Key(0, 14, 192, 100),), (("O3MR",), "{hPa} mb"),
           levels=(20000, 30000, 40000))),
)
# fmt: on
_LAYERS = ("low", "medium", "high")
_SOIL = ((0, 10), (10, 40), (40, 100), (100, 200))  # [cm]


class SampleClock(Protocol):
    """The hour at which the run starts, on the clock of `fallen` [h]."""

    @property
    def start(self) -> float: ...


class SampleWeather(Protocol):
    """Weather that can be encoded: scene.Weather or scenario.Scenario."""

    @property
    def timetable(self) -> SampleClock: ...
    def fields(self, step: float) -> Fields: ...
    def fallen(self, since: float, until: float) -> Array: ...
    def mean_covers(self, first: int, step: int) -> Fields: ...


def messages(weather: SampleWeather, step: int) -> Iterator[SampleMessage]:
    """Yield the messages of forecast hour `step`, in GFS's order."""
    fields = weather.fields(step)
    since = (step - 1) // BUCKET * BUCKET if step else 0

    def single(name: str) -> SampleMessage:
        field = FIELDS[name]
        value = field.keys[0].value
        return SampleMessage(
            field.inventory[0][0],
            field.inventory[1],
            field.keys[0],
            fields[name] / field.factor,
            0,
            int(value or 0),
        )

    def extra(variable: str, level: str, name: str, key: Key) -> SampleMessage:
        return SampleMessage(variable, level, key, fields[name])

    yield extra("PRMSL", "mean sea level", "air_pressure_at_mean_sea_level", Key(0, 3, 1, 101))
    yield single("visibility_in_air")
    yield single("wind_speed_of_gust")
    yield from _on_levels(fields)
    yield single("surface_air_pressure")
    yield single("surface_altitude")
    yield from _soil(fields)
    for name in (
        "surface_snow_amount",
        "surface_snow_thickness",
        "air_temperature_at_2m",
        "relative_humidity_at_2m",
        "eastward_wind_at_10m",
        "northward_wind_at_10m",
    ):
        yield single(name)
    yield extra("PRATE", "surface", "precipitation_rate", Key(0, 1, 7, 1))
    if step:
        yield from _fallen(weather, since, step)
    yield single("categorical_snow")
    yield single("categorical_rain")
    yield single("convective_available_potential_energy")
    yield single("atmosphere_mass_content_of_water_vapor")
    means = weather.mean_covers(since, step) if step else {}
    for layer in _LAYERS:
        name = f"{layer}_type_cloud_area_fraction"
        yield single(name)
        if step:
            yield replace(single(name), values=100 * means[layer], first=since, statistic=MEAN)
    if step:
        total = Key(0, 6, 1, 10)
        yield SampleMessage(
            "TCDC", "entire atmosphere", total, 100 * means["total"], first=since, statistic=MEAN
        )
    yield single("cloud_ceiling_altitude")
    yield single("freezing_level_altitude")
    yield single("atmosphere_boundary_layer_thickness")


def _soil(fields: Fields) -> Iterator[SampleMessage]:
    """Yield the soil temperature of each layer, from the top down."""
    for top, bottom in _SOIL:
        level = f"{top / 100:g}-{bottom / 100:g} m below ground"
        yield SampleMessage(
            "TSOIL", level, Key(2, 0, 2, 106), fields["soil_temperature"], 2, top, (106, 2, bottom)
        )


def _on_levels(fields: Fields) -> Iterator[SampleMessage]:
    """Yield the profiles, from the highest level down."""
    for level in sorted(CLOSE_LEVELS):
        for name, field in _PROFILES:
            if level in field.levels:
                values = fields[name][CLOSE_LEVELS.index(level)] / field.factor
                yield SampleMessage(
                    field.inventory[0][0], f"{level // 100} mb", field.keys[0], values, 0, level
                )


def _fallen(weather: SampleWeather, since: int, step: int) -> Iterator[SampleMessage]:
    """Yield precipitation since the last multiple of six hours, and since the run.

    GFS publishes both, even where they are equal.
    """
    field, begin = FIELDS["precipitation_amount"], weather.timetable.start
    for first in (since, 0):
        values = weather.fallen(begin + first, begin + step)
        yield SampleMessage(
            field.inventory[0][0],
            field.inventory[1],
            field.keys[0],
            values,
            first=first,
            statistic=SUM,
        )


def step_text(message: SampleMessage, step: int) -> str:
    """Return the hours of a message as GFS's inventory writes them.

    `anl`, `7 hour fcst`, `6-7 hour ave fcst`, `0-1 day acc fcst`.
    """
    if message.statistic is None:
        return f"{step} hour fcst" if step else "anl"
    whole_days = message.first % 24 == 0 and step % 24 == 0
    span = (
        f"{message.first // 24}-{step // 24} day" if whole_days else f"{message.first}-{step} hour"
    )
    return f"{span} {STATISTIC[message.statistic]} fcst"


class Encoder:
    """Encodes the messages of one file as GRIB2 bytes.

    It keeps one ecCodes handle for instants and one for spans, since setting one up costs more than
    packing a field, and sets only the keys that change from one message to the next. A handle slows
    down with every message (0.4 ms each for the first 200, 2.5 ms after 2000): use a new encoder
    for each file.
    """

    def __init__(self, run: datetime, region: Region) -> None:
        self._run = run
        self._handles = [self._template(run, region, template) for template in (0, 8)]
        self._given: tuple[dict[str, int], ...] = ({}, {})  # what the keys of each handle are

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            eccodes.codes_release(handle)
        self._handles = []

    @staticmethod
    def _template(run: datetime, region: Region, product: int) -> int:
        latitudes, longitudes = region.latitudes, region.longitudes
        handle: int = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib2")
        keys = {
            "tablesVersion": 2,
            "localTablesVersion": 1,
            "centre": 7,
            "subCentre": 0,
            "significanceOfReferenceTime": 1,
            "dataDate": int(f"{run:%Y%m%d}"),
            "dataTime": run.hour * 100,
            "productionStatusOfProcessedData": 0,
            "typeOfProcessedData": 1,
            "shapeOfTheEarth": 6,
            "scaleFactorOfRadiusOfSphericalEarth": 0,
            "scaledValueOfRadiusOfSphericalEarth": 0,
            "scaleFactorOfEarthMajorAxis": 0,
            "scaledValueOfEarthMajorAxis": 0,
            "scaleFactorOfEarthMinorAxis": 0,
            "scaledValueOfEarthMinorAxis": 0,
            "Ni": len(longitudes),
            "Nj": len(latitudes),
            "resolutionAndComponentFlags": 48,
            "latitudeOfFirstGridPointInDegrees": latitudes[0],
            "longitudeOfFirstGridPointInDegrees": longitudes[0],
            "latitudeOfLastGridPointInDegrees": latitudes[-1],
            "longitudeOfLastGridPointInDegrees": longitudes[-1],
            "iDirectionIncrementInDegrees": latitudes[0] - latitudes[1],
            "jDirectionIncrementInDegrees": latitudes[0] - latitudes[1],
            "scanningMode": 0,
            "productDefinitionTemplateNumber": product,
            "typeOfGeneratingProcess": 2,
            "backgroundProcess": 0,
            "indicatorOfUnitOfTimeRange": 1,
        }
        for key, value in keys.items():
            eccodes.codes_set(handle, key, value)
        eccodes.codes_set_values(handle, np.zeros(len(latitudes) * len(longitudes)))
        eccodes.codes_set(handle, "packingType", "grid_complex_spatial_differencing")
        eccodes.codes_set(handle, "orderOfSpatialDifferencing", 2)
        return handle

    def encode(self, message: SampleMessage, step: int) -> bytes:
        """Return one message as GRIB2 bytes."""
        number = 0 if message.statistic is None else 1
        handle, given = self._handles[number], self._given[number]
        second_surface, second_scale, second_value = message.second
        keys = {
            "discipline": message.key.discipline,
            "parameterCategory": message.key.category,
            "parameterNumber": message.key.number,
            "generatingProcessIdentifier": FORECAST if step else ANALYSIS,
            "forecastTime": message.first if message.statistic is not None else step,
            "typeOfFirstFixedSurface": message.key.surface,
            "scaleFactorOfFirstFixedSurface": message.surface_scale,
            "scaledValueOfFirstFixedSurface": message.surface_value,
            "typeOfSecondFixedSurface": second_surface,
            "scaleFactorOfSecondFixedSurface": second_scale,
            "scaledValueOfSecondFixedSurface": second_value,
        }
        if message.statistic is not None:
            end = Cycle(self._run).valid(step)
            keys |= {
                "yearOfEndOfOverallTimeInterval": end.year,
                "monthOfEndOfOverallTimeInterval": end.month,
                "dayOfEndOfOverallTimeInterval": end.day,
                "hourOfEndOfOverallTimeInterval": end.hour,
                "typeOfStatisticalProcessing": message.statistic,
                "typeOfTimeIncrement": 2,
                "indicatorOfUnitForTimeRange": 1,
                "lengthOfTimeRange": step - message.first,
                "indicatorOfUnitForTimeIncrement": 255,
            }
        for key, value in keys.items():
            if given.get(key) != value:
                eccodes.codes_set_long(handle, key, value)
        given |= keys
        # Complex packing overwrites bitsPerValue with what its groups needed: set it each time.
        eccodes.codes_set_long(handle, "bitsPerValue", BITS)
        eccodes.codes_set_double_array(
            handle, "values", np.ascontiguousarray(avoid_missing_value(message.values)).ravel()
        )
        packed: bytes = eccodes.codes_get_message(handle)
        return packed


def avoid_missing_value(values: Array) -> Array:
    """Return `values` with those within 0.1 of 9999 moved to the edge of that span.

    ecCodes 2.42 reads them as missing in complex packing, whatever `missingValue` is: a height of
    9999.05 m would be lost.
    """
    away = values - 9999.0
    near = np.abs(away) < 0.11
    return np.where(near, 9999.0 + np.copysign(0.11, away), values) if near.any() else values


def write_cycle(
    folder: Path,
    run: datetime,
    steps: Sequence[int],
    region: Bounds,
    weather_of: Callable[[datetime, Region], SampleWeather] = Weather,
) -> Cycle:
    """Write the sample run under `folder` in the bucket's layout and return its cycle.

    Files are `gfs.YYYYMMDD/HH/atmos/gfs.tHHz.pgrb2.0p25.fFFF` with `.idx`. region: what the fields
    must cover; it is widened to whole grid points. weather_of: the weather of a run over a region.
    The same run and region always give the same bytes. A file has its final name only when
    complete, and its `.idx` comes after it, as in the bucket.
    """
    cycle = Cycle(run)
    place = folder / f"gfs.{cycle.run:%Y%m%d}" / f"{cycle.run:%H}" / "atmos"
    place.mkdir(parents=True, exist_ok=True)
    area = Region(region.north, region.south, region.west, region.east)
    weather = weather_of(cycle.run, area)
    for step in steps:
        name = f"gfs.t{cycle.run:%H}z.pgrb2.0p25.f{step:03d}"
        content, inventory = encode_step(weather, cycle.run, area, step)
        write_whole(place / name, content)
        write_whole(place / f"{name}.idx", inventory)
    return cycle


def encode_step(
    weather: SampleWeather, run: datetime, region: Region, step: int
) -> tuple[bytes, str]:
    """Return the file of forecast hour `step` and its inventory."""
    pieces: list[bytes] = []
    lines: list[str] = []
    offset = 0
    with Encoder(run, region) as encoder:
        for number, message in enumerate(messages(weather, step), 1):
            pieces.append(encoder.encode(message, step))
            what = f"{message.variable}:{message.level}:{step_text(message, step)}"
            lines.append(f"{number}:{offset}:d={run:%Y%m%d%H}:{what}:\n")
            offset += len(pieces[-1])
    return b"".join(pieces), "".join(lines)
