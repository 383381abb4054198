"""What the loopback CMADaaS serves: records made of observations, grids cut from fields.

`records` writes observations as the service would. `SampleRuns` serves the sample weather by a
table of parameters; `station_reports` are what its stations would have measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from forecast.domain import DOUBTFUL, WRONG, Name, Observation, Station
from forecast.ingest.cmadaas_parameters import ServiceField, fields_asked
from forecast.observations.cmadaas_rows import known_elements
from forecast.observations.formats.units import conversion
from forecast.quantities import CLOSE_LEVELS
from forecast.sample.cmadaas import MISSING, Array, GridQuery, Row
from forecast.sample.region import Region
from forecast.sample.week import Week
from forecast.science.thermodynamics import dew_point
from forecast.settings.sources import ParameterSettings

HOURLY = "SURF_CHN_MUL_HOR"
DISTRICT, NEIGHBOUR = "110109", "110111"
MARKS = {DOUBTFUL: "1", WRONG: "2"}


def records(
    observations: Iterable[Observation],
    stations: Mapping[str, Station],
    districts: Mapping[str, str] | None = None,
) -> list[Row]:
    """Return observations as records of the service, the oldest first, with quality flags.

    districts: station -> administrative code; without one that of the district.
    """
    table = known_elements()
    found: list[Row] = []
    for each in sorted(observations, key=lambda o: (o.time, o.station)):
        place = stations[each.station]
        row = {
            "Station_Id_C": each.station, "Station_Name": place.name.zh,
            "Lat": f"{place.latitude:.4f}", "Lon": f"{place.longitude:.4f}",
            "Alti": f"{place.elevation:.1f}", "Datetime": f"{each.time:%Y-%m-%d %H:%M:%S}",
            "Admin_Code_CHN": (districts or {}).get(each.station, DISTRICT),
        }  # fmt: skip
        for element, (unit, names) in table.items():
            for name in names:
                row[name], row[f"Q_{name}"] = MISSING, "8"
            if element in each.values:
                factor, offset = conversion(element, unit)
                row[names[0]] = f"{(each.values[element] - offset) / factor:.4f}"
                row[f"Q_{names[0]}"] = MARKS.get(each.flags.get(element, 0), "0")
        found.append(row)
    return found


@dataclass(slots=True)
class ServedRecords:
    """Records of data sets, and nothing else."""

    by_code: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, data_code: str) -> Sequence[Row] | None:
        return self.by_code.get(data_code)

    def grid(self, query: GridQuery) -> tuple[Array, Array, Array] | None:
        return None

    def latest(self, data_code: str) -> datetime | None:
        return None

    def files(self, data_code: str, run: datetime) -> Mapping[str, bytes] | None:
        return None


class SampleRuns(ServedRecords):
    """The sample weather of runs as grids, and records of its stations.

    parameters: the table by which the fields are asked for. steps [h]: those of the newest run.
    """

    def __init__(
        self,
        data_code: str,
        parameters: Mapping[str, ParameterSettings],
        run: datetime,
        steps: Sequence[int],
        region: Region,
    ) -> None:
        super().__init__({})
        self._data_code, self._run, self._steps = data_code, run, frozenset(steps)
        self._region, self._weather = region, Week(run, region)
        self._asked: dict[tuple[str, str, str], ServiceField] = {
            (each.element, each.level_type, each.level): each for each in fields_asked(parameters)
        }
        self._kept: dict[int, dict[str, Array]] = {}  # fields by step: several are asked at once

    def latest(self, data_code: str) -> datetime | None:
        return self._run if data_code == self._data_code else None

    def grid(self, query: GridQuery) -> tuple[Array, Array, Array] | None:
        """Return a field of the sample in the unit that the table expects."""
        wanted = self._asked.get((query.element, query.level_type, query.level))
        if (
            wanted is None
            or query.data_code != self._data_code
            or query.run != self._run
            or query.validtime not in self._steps
        ):
            return None
        values = self._values(wanted, query.validtime)
        latitudes, longitudes = self._region.latitudes, self._region.longitudes
        return latitudes[::-1], longitudes, (values[::-1] - wanted.offset) / wanted.factor

    def _values(self, wanted: ServiceField, step: int) -> Array:
        if wanted.field.statistic == "sum":
            start = self._weather.timetable.start
            return self._weather.fallen(start, start + step)
        fields = self._kept.get(step)
        if fields is None:
            fields = self._weather.fields(step)
            self._kept = {**dict(list(self._kept.items())[-3:]), step: fields}
        if wanted.pressure is None:
            return fields[wanted.field.name]
        return fields[wanted.field.name][CLOSE_LEVELS.index(wanted.pressure)]


def station_reports(
    stations: Sequence[Station], run: datetime, hours: Sequence[float]
) -> list[Observation]:
    """Return what stations would report at hours [h] after `run` in the sample weather.

    A summit that stands above the model's ground gets the air at its height.
    """
    moments, rows = list[tuple[str, datetime]](), list[dict[str, float]]()
    for station in stations:
        spot = Region(
            station.latitude, station.latitude - 0.01, station.longitude, station.longitude + 0.01
        )
        weather = Week(run, spot)
        for hour in hours:
            moments.append((station.id, run + timedelta(hours=hour)))
            rows.append(_reported(weather, station, hour))
    air, humidity = (
        np.array([row[name] for row in rows]) for name in ("air_temperature", "relative_humidity")
    )
    return [
        Observation(*at, {**row, "dew_point_temperature": float(dew)}, {}, "cmadaas")
        for at, row, dew in zip(moments, rows, dew_point(air, humidity), strict=True)
    ]


def _reported(weather: Week, station: Station, hour: float) -> dict[str, float]:
    """Return the values of a report in SI, all but the dew point."""
    fields = weather.fields(hour)
    heights = fields["geopotential_height"][:, 0, 0]

    def at(name: str) -> float:
        return float(np.interp(station.elevation, heights, fields[name][:, 0, 0]))

    def single(name: str) -> float:
        return float(fields[name][0, 0])

    high = station.elevation > single("surface_altitude") + 50
    temperature = at("air_temperature") if high else single("air_temperature_at_2m")
    humidity = at("relative_humidity") if high else single("relative_humidity_at_2m")
    inside = high and at("cloud_area_fraction_in_atmosphere_layer") > 0.5
    humidity = min(max(humidity, 0.05), 1.0)
    wind = np.hypot(single("eastward_wind_at_10m"), single("northward_wind_at_10m"))
    levels = np.asarray(fields["cloud_area_fraction_in_atmosphere_layer"])[:, 0, 0]
    return {
        "air_temperature": temperature,
        "relative_humidity": humidity,
        "wind_speed": float(wind),
        "visibility_in_air": 300.0 if inside else min(single("visibility_in_air"), 30_000.0),
        "cloud_area_fraction": float(np.max(levels[heights > station.elevation], initial=0.0)),
        "precipitation_amount": max(float(weather.fallen(*_hour_before(weather, hour))[0, 0]), 0.0),
        "snow_depth": single("surface_snow_thickness"),
    }


def _hour_before(weather: Week, hour: float) -> tuple[float, float]:
    start = weather.timetable.start
    return start + hour - 1, start + hour


def sample_stations() -> tuple[Station, ...]:
    """Return the stations of the sample: summits, valleys, one in the neighbouring district."""
    rows = (
        ("A1201", "Lingshan", 40.017, 115.454, 2290.0),
        ("A1202", "Jiangshuihe", 39.983, 115.443, 1405.0),
        ("A1203", "Jinding", 40.068, 116.025, 1285.0),
        ("A1204", "Zhaojiawa", 39.931, 116.051, 605.0),
        ("A1205", "Zhaitang", 39.97, 115.69, 390.0),
        ("54505", "Mentougou", 39.91, 116.10, 105.0),
        ("A1601", "Fangshan", 39.77, 115.98, 60.0),
    )
    return tuple(
        Station(id, Name(name, name), latitude, longitude, height)
        for id, name, latitude, longitude, height in rows
    )
