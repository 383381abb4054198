"""Read point forecasts in the JSON form of Open-Meteo into an Atmosphere of one column.

Such a document holds hourly series at one place: a few pressure levels, the weather at 2 m, cloud
in three layers. What it lacks is estimated by the rules below and named in
`PointForecast.missing`:

- geopotential heights: where neither they nor the sea-level pressure are given, the hypsometric
  equation up from 1013.25 hPa at sea level. 10 hPa more or less at sea level move every height by
  85 m.
- the model's ground: Open-Meteo brings the temperature at 2 m to the place's own elevation by 6.5 K
  km-1 and does not give the model's. The values at 2 m are used for the air on the valley floor,
  the temperature reduced back to it.
- cloud by level: the cover of a layer is put where the layer's air is moistest.
- wind aloft: none; the wind at 10 m stands on the valley's floor where its direction is given.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.domain import Atmosphere
from forecast.errors import SourceCorrupt
from forecast.quantities import FIELDS
from forecast.science.interpolation import LAYERS
from forecast.science.thermodynamics import DRY_AIR_CONSTANT, GRAVITY, LAPSE_RATE

Array = NDArray[np.floating[Any]]
Times = NDArray[np.datetime64]

LARGEST_FILE = 256_000_000  # [byte] unpacked
MOST_HOURS = 100_000  # of one document: eleven years
LEVEL = re.compile(r"(temperature|relative_humidity|geopotential_height)_(\d{2,4})hPa")

SEA_LEVEL_PRESSURE = 101325.0  # [Pa] ISO 2533, where none is given
HIGH_CLOUD_LEVEL, HIGH_CLOUD_HEIGHT = 30000.0, 9164.0  # [Pa, m] where high cloud is put; ISO 2533
# humidity below the layer's highest at which a level holds none of the layer's cloud (check)
MOIST_SPAN = 0.15
SPACING = 0.1  # [degree] of the small grid around the place

# Variable: field of the catalogue whose limits it keeps, and the factor and offset of each
# unit of Open-Meteo to SI; the first is its default.
_CELSIUS, _PERCENT = {"\u00b0C": (1.0, 273.15), "K": (1.0, 0.0)}, {"%": (0.01, 0.0)}
_SPEED = {"km/h": (1 / 3.6, 0.0), "m/s": (1.0, 0.0)}
_METRE, _RAIN, _PRESSURE = (
    {"m": (1.0, 0.0)},
    {"mm": (1.0, 0.0)},
    {"hPa": (100.0, 0.0), "Pa": (1.0, 0.0)},
)
# fmt: off
VARIABLES: dict[str, tuple[str, dict[str, tuple[float, float]]]] = {
    "temperature": ("air_temperature", _CELSIUS),
    "relative_humidity": ("relative_humidity", _PERCENT),
    "geopotential_height": ("geopotential_height", _METRE),
    "temperature_2m": ("air_temperature_at_2m", _CELSIUS),
    "relative_humidity_2m": ("relative_humidity_at_2m", _PERCENT),
    "cloud_cover_low": ("low_type_cloud_area_fraction", _PERCENT),
    "cloud_cover_mid": ("medium_type_cloud_area_fraction", _PERCENT),
    "cloud_cover_high": ("high_type_cloud_area_fraction", _PERCENT),
    "visibility": ("visibility_in_air", _METRE),
    "precipitation": ("precipitation_amount", _RAIN),
    "wind_speed_10m": ("wind_speed_of_gust", _SPEED),  # the catalogue has a limit for speeds there
    "wind_gusts_10m": ("wind_speed_of_gust", _SPEED),
    "pressure_msl": ("surface_air_pressure", _PRESSURE),
}
# fmt: on
PLACE = {"latitude": (-90.0, 90.0), "longitude": (-180.0, 360.0), "elevation": (-450.0, 9000.0)}
DIRECTION = "wind_direction_10m"  # [degree] from which it blows
# fmt: off
CARRIED = {  # series that pass into the atmosphere as they stand
    "cloud_cover_low": "low_type_cloud_area_fraction",
    "cloud_cover_mid": "medium_type_cloud_area_fraction",
    "cloud_cover_high": "high_type_cloud_area_fraction",
    "visibility": "visibility_in_air",
    "precipitation": "precipitation_amount",
    "wind_gusts_10m": "wind_speed_of_gust",
    "relative_humidity_2m": "relative_humidity_at_2m",
}
# fmt: on


@dataclass(frozen=True, slots=True)
class PointForecast:
    """Hourly series at one place, in UTC and SI, NaN where the document has null.

    levels: (variable, pressure [Pa]) -> series; series: Open-Meteo's name -> values (time).
    latitude, longitude [degree], elevation [m]: the place, as given in the document (NaN: not
    given); elevation is that to which the temperature at 2 m was reduced. tags: the document's own
    strings (a place's id, a date). missing: what a column needs and the document lacks.
    """

    times: Times
    series: Mapping[str, Array]
    levels: Mapping[tuple[str, float], Array]
    latitude: float = float("nan")
    longitude: float = float("nan")
    elevation: float = float("nan")
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def pressures(self) -> tuple[float, ...]:
        """The levels [Pa] with temperature and humidity, from the ground up."""
        whole = {
            p
            for name, p in self.levels
            if name == "temperature" and ("relative_humidity", p) in self.levels
        }
        return tuple(sorted(whole, reverse=True))

    @property
    def missing(self) -> tuple[str, ...]:
        heights = [
            name
            for name in ("geopotential_height",)
            if not any(variable == name for variable, _ in self.levels)
        ]
        wind = [] if {"wind_speed_10m", DIRECTION} <= self.series.keys() else ["wind_direction"]
        wanted = [
            name
            for name in VARIABLES
            if name not in ("temperature", "relative_humidity", "geopotential_height")
        ]
        return (
            *heights,
            "surface_altitude",
            "cloud_by_level",
            "wind_aloft",
            *wind,
            *(name for name in wanted if name not in self.series),
        )


def read_points(path: Path, utc_offset: timedelta = timedelta(0)) -> list[PointForecast]:
    """Read one document or a list of them from a .json or .json.gz file.

    utc_offset: of the times, where a document does not give it (`utc_offset_seconds`).
    Raises: SourceCorrupt for what is not such a file, is too large, or holds impossible values.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise SourceCorrupt(
                f"{path}: larger than {LARGEST_FILE // 1_000_000} MB unpacked; split the history "
                "into smaller files"
            )
        documents = json.loads(data)
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise SourceCorrupt(f"{path}: not a readable JSON file: {error}") from error
    documents = documents if isinstance(documents, list) else [documents]
    return [
        parse_point(document, utc_offset, f"{path}: document {number}")
        for number, document in enumerate(documents)
    ]


def parse_point(
    document: object, utc_offset: timedelta = timedelta(0), where: str = "point forecast"
) -> PointForecast:
    """Check one document of Open-Meteo and bring its hourly series to UTC and SI; variables that no
    column wants are passed over.

    Raises: SourceCorrupt, naming the variable.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("hourly"), Mapping):
        raise SourceCorrupt(f"{where}: expected an object with `hourly`, as Open-Meteo gives it")
    hourly, units = document["hourly"], document.get("hourly_units") or {}
    offset = document.get("utc_offset_seconds", utc_offset.total_seconds())
    if (
        not isinstance(offset, int | float)
        or not abs(offset) <= 18 * 3600
        or not isinstance(units, Mapping)
    ):
        raise SourceCorrupt(
            f"{where}: utc_offset_seconds {offset!r}: expected seconds within 18 hours, and "
            "hourly_units an object"
        )
    times = _times(hourly.get("time"), where) - np.timedelta64(int(offset), "s")
    series: dict[str, Array] = {}
    levels: dict[tuple[str, float], Array] = {}
    for name, values in hourly.items():
        level = LEVEL.fullmatch(name)
        variable = level[1] if level else name
        if variable == DIRECTION:
            series[name] = _numbers(values, len(times), 0.0, 360.0, f"{where}: {name}")
        elif variable in VARIABLES and (
            level or variable not in ("temperature", "relative_humidity", "geopotential_height")
        ):
            key, known = VARIABLES[variable]
            unit = units.get(name, next(iter(known)))
            if unit not in known:
                raise SourceCorrupt(
                    f"{where}: {name} is in {unit!r}; expected {' or '.join(known)}"
                )
            factor, shift = known[unit]
            low, high = ((limit - shift) / factor for limit in (FIELDS[key].low, FIELDS[key].high))
            found = _numbers(values, len(times), low, high, f"{where}: {name}") * factor + shift
            if level:
                levels[level[1], 100.0 * int(level[2])] = found
            else:
                series[name] = found
    tags = {
        key: value
        for key, value in document.items()
        if isinstance(key, str) and isinstance(value, str)
    }
    latitude, longitude, elevation = (_place(document, name, where) for name in PLACE)
    return PointForecast(times, series, levels, latitude, longitude, elevation, tags)


def _place(document: Mapping[str, Any], name: str, where: str) -> float:
    low, high = PLACE[name]
    value = document.get(name)
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SourceCorrupt(
            f"{where}: {name} {value!r}: expected a number from {low:g} to {high:g}"
        )
    return float(value)


def _times(values: object, where: str) -> Times:
    if not isinstance(values, list) or not 0 < len(values) <= MOST_HOURS:
        raise SourceCorrupt(f"{where}: time: expected a list of 1 to {MOST_HOURS} hours")
    try:
        times = (
            np.array(values, dtype="datetime64[ns]")
            if all(isinstance(v, str) for v in values)
            else np.array([], "datetime64[ns]")
        )
    except ValueError as error:
        raise SourceCorrupt(f"{where}: time: {error}; expected such as 2026-05-17T03:00") from error
    if (
        len(times) != len(values)
        or np.isnat(times).any()
        or (np.diff(times) <= np.timedelta64(0)).any()
    ):
        raise SourceCorrupt(f"{where}: time: expected rising hours such as 2026-05-17T03:00")
    return times


def _numbers(values: object, count: int, low: float, high: float, where: str) -> Array:
    if not isinstance(values, list) or len(values) != count:
        raise SourceCorrupt(f"{where}: expected a list of {count} numbers, one an hour")
    if not all(
        v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values
    ):
        raise SourceCorrupt(f"{where}: expected numbers or null")
    found = np.array([np.nan if v is None else v for v in values], dtype=float)
    if (wrong := (found < low) | (found > high) | np.isinf(found)).any():
        raise SourceCorrupt(f"{where}: {found[wrong][0]:g} cannot be: expected {low:g} to {high:g}")
    return found


def joined(points: Sequence[PointForecast]) -> PointForecast:
    """Return several documents of one place as one; of an hour given twice the later document
    counts, what one lacks is NaN.

    Raises: ValueError without a document.
    """
    if not points:
        raise ValueError("points: nothing to join")
    times = np.unique(np.concatenate([point.times for point in points]))
    series = {name: np.full(len(times), np.nan) for point in points for name in point.series}
    levels = {key: np.full(len(times), np.nan) for point in points for key in point.levels}
    for point in points:
        rows = np.searchsorted(times, point.times)
        for name, values in point.series.items():
            series[name][rows] = values
        for key, values in point.levels.items():
            levels[key][rows] = values
    last = points[-1]
    return PointForecast(
        times, series, levels, last.latitude, last.longitude, last.elevation, last.tags
    )


def point_atmosphere(
    point: PointForecast, latitude: float, longitude: float, elevation: float, valley: float
) -> Atmosphere:
    """Return the column over a place as an Atmosphere: the same everywhere on a grid of 3 x 3
    points, 0.1 degrees apart.

    elevation [m]: to which the temperature at 2 m was brought; valley [m]: of its floor, on which
    the values at 2 m are put. Levels that the valley's floor hides are dropped. The last level, 300
    hPa, holds the high cloud and nothing else.
    """
    floor = float(
        SEA_LEVEL_PRESSURE
        * (1 - valley * LAPSE_RATE / 288.15) ** (GRAVITY / (DRY_AIR_CONSTANT * LAPSE_RATE))
    )
    pressures = tuple(p for p in point.pressures if HIGH_CLOUD_LEVEL < p < floor)
    nothing = np.full(len(point.times), np.nan)
    series = {**dict.fromkeys(VARIABLES, nothing), DIRECTION: nothing, **point.series}
    warm = series["temperature_2m"] + LAPSE_RATE * (elevation - valley)
    air = [point.levels["temperature", p] for p in pressures]
    humid = [point.levels["relative_humidity", p] for p in pressures]
    data: dict[str, Array] = {
        "air_temperature": np.stack([warm, *air, nothing], axis=1),
        "relative_humidity": np.stack([series["relative_humidity_2m"], *humid, nothing], axis=1),
        "geopotential_height": np.stack(
            [0 * nothing + valley, *_heights(point, pressures).T, nothing], axis=1
        ),
    }
    data["geopotential_height"][:, [0, -1]] = valley, HIGH_CLOUD_HEIGHT
    levels = np.array([floor, *pressures, HIGH_CLOUD_LEVEL])
    covers = {"low": "cloud_cover_low", "medium": "cloud_cover_mid", "high": "cloud_cover_high"}
    if any(name in point.series for name in covers.values()):
        data["cloud_area_fraction_in_atmosphere_layer"] = _cloud(
            data["relative_humidity"],
            levels,
            {layer: series[name] for layer, name in covers.items()},
        )
    if {"wind_speed_10m", DIRECTION} <= point.series.keys():
        turned = np.radians(series[DIRECTION])
        for name, part in (("eastward_wind", -np.sin(turned)), ("northward_wind", -np.cos(turned))):
            data[name] = np.stack(
                [series["wind_speed_10m"] * part, *[nothing] * (len(levels) - 1)], axis=1
            )
    data |= {
        ours: point.series[theirs] for theirs, ours in CARRIED.items() if theirs in point.series
    }
    return _spread(data, point.times, levels, latitude, longitude)


def _heights(point: PointForecast, pressures: Sequence[float]) -> Array:
    """Return the heights [m] of the levels (time, level): the document's own, else by the
    hypsometric equation from sea level up.

    The air below the lowest level is taken to cool by 6.5 K km-1; moisture's lightening (1 % at
    most) is left out.
    """
    height = np.zeros(len(point.times))
    pressure: Array = np.array(
        point.series.get("pressure_msl", np.full(len(point.times), SEA_LEVEL_PRESSURE))
    )
    found, below = [], None
    for level in pressures:
        air = point.levels["temperature", level]
        depth = DRY_AIR_CONSTANT / GRAVITY * np.log(pressure / level)
        mean = air / (1 - LAPSE_RATE * depth / 2) if below is None else (air + below) / 2
        height, pressure, below = height + depth * mean, np.full(len(height), level), air
        found.append(point.levels.get(("geopotential_height", level), height))
    return np.stack(found, axis=1) if found else np.empty((len(height), 0))


def _cloud(humidity: Array, levels: Array, covers: Mapping[str, Array]) -> Array:
    """Return the cloud of each level [1] (time, level) from the cover of the layers: all of it
    where the layer's air is moistest.
    """
    cloud = np.full(humidity.shape, np.nan)
    for layer, (low, high) in LAYERS.items():
        inside = (levels > low) & (levels <= high)
        air = humidity[:, inside]
        moistest = np.fmax.reduce(air, axis=1, initial=np.nan)[:, None]
        share = np.where(np.isnan(moistest), 1.0, np.clip(1 - (moistest - air) / MOIST_SPAN, 0, 1))
        cloud[:, inside] = covers[layer][:, None] * share
    return cloud


def _spread(
    data: Mapping[str, Array], times: Times, levels: Array, latitude: float, longitude: float
) -> Atmosphere:
    around = np.array([-SPACING, 0.0, SPACING])
    made = {}
    for name, values in data.items():
        names = ("time", "level")[: values.ndim]
        full = np.broadcast_to(values[..., None, None], (*values.shape, 3, 3)).astype(np.float32)
        made[name] = xr.Variable(
            (*names, "latitude", "longitude"), full, {"units": FIELDS[name].unit}
        )
    coordinates = {
        "time": times,
        "level": levels,
        "latitude": latitude + around,
        "longitude": longitude + around,
    }
    atmosphere = xr.Dataset(made, coords=coordinates)
    if "precipitation_amount" in atmosphere:  # of the hour that ends at each time
        atmosphere = atmosphere.assign(
            precipitation_amount_start=("time", times - np.timedelta64(1, "h"))
        )
    return atmosphere
