"""What the loopback CMADaaS serves of real data in ../shared/data: a week of stations, a GFS run.

Both are read in place. Stations: Dingling in the Beijing hills (UCI) and a Norwegian one (ISD).
Fields: GFS over the Tatra, 4 August 2020 12Z, decoded with ecCodes, cut and served as the service
would.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from forecast.config import Config, read_config
from forecast.domain import Name, Observation, Station
from forecast.ingest.cmadaas_parameters import ServiceField, fields_asked
from forecast.observations.formats import parse_file
from forecast.sample.cmadaas import Array, GridQuery, Row
from forecast.sample.cmadaas_world import ServedRecords, records
from forecast.settings.sources import StepSettings
from tests.cmadaas_runs import small

import eccodes  # isort: skip

PROJECT = Path(__file__).parents[1]
WEEK = datetime(2016, 10, 10, 0, tzinfo=UTC)  # begins; both stations report through it
DINGLING = Station("DINGLING", Name("定陵", "Dingling"), 40.292, 116.22, 75.0)
BEIJING = ZoneInfo("Asia/Shanghai")
RUN = datetime(2020, 8, 4, 12, tzinfo=UTC)
STEPS = (0, 6, 12)

Numbers = tuple[int, ...]  # parameter and surface
Place = tuple[int | float | str, ...]  # the same, level and span
Cut = tuple[Array, Array, Array]


def dingling(shared: Path) -> dict[datetime, dict[str, float]]:
    """Return the week's hours of Dingling as the file has them, by UTC: hPa, degC, mm, m/s."""
    names = {
        "TEMP": "TEM",
        "DEWP": "DPT",
        "PRES": "PRS",
        "RAIN": "PRE_1h",
        "WSPM": "WIN_S_Avg_10mi",
    }
    found: dict[datetime, dict[str, float]] = {}
    path = shared / "obs" / "beijing_uci501_dingling_2013_2017.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            year, month, day, hour = (int(row[name]) for name in ("year", "month", "day", "hour"))
            at = datetime(year, month, day, hour, tzinfo=BEIJING)
            if WEEK <= at < WEEK + timedelta(days=7):
                found[at] = {
                    to: float(row[name]) for name, to in names.items() if row[name] != "NA"
                }
    return found


def dingling_records(shared: Path) -> list[Row]:
    """Return the week of Dingling as the service's records, its numbers as the file has them."""
    found = []
    for at, values in sorted(dingling(shared).items()):
        [blank] = records([Observation(DINGLING.id, at, {})], {DINGLING.id: DINGLING})
        given = {name: f"{value}" for name, value in values.items()}
        found.append({**blank, **given, **{f"Q_{name}": "0" for name in values}})
    return found


def norwegian(shared: Path) -> tuple[list[Observation], dict[str, Station]]:
    """Return the week's reports of the ISD station, and where it stands by the file."""
    parsed = parse_file(shared / "obs" / "isd_014160-99999-2016.gz")
    week = [o for o in parsed.observations if WEEK <= o.time < WEEK + timedelta(days=7)]
    return week, {each.id: each for each in parsed.stations}


def tatra(folder: Path, url: str, gfs_tree: Path) -> Config:
    """Return settings of Kasprowy Wierch with the table cmadaas_gfs, thinned, of the real run."""
    ours = read_config(PROJECT / "tests" / "settings" / "tatra.yaml", {})
    models = small(read_config(), folder).models
    steps = (StepSettings(first=0, last=12, every=6),)
    fallen = models[0].parameters["precipitation_amount"].model_copy(update={"from_start": False})
    parameters = {**models[0].parameters, "precipitation_amount": fallen}
    update = {"centre": 7, "steps": steps, "parameters": parameters}
    model = models[0].model_copy(update=update)
    ours = small(ours.model_copy(update={"models": (model,)}), folder, url)
    return ours.model_copy(update={"models": (model,), "sites": ours.sites[:1]})


class RealRun(ServedRecords):
    """The run's GRIB files: its fields by the table of `config`, and the files themselves."""

    def __init__(self, config: Config, gfs_tree: Path) -> None:
        super().__init__({})
        self.folder = gfs_tree / f"gfs.{RUN:%Y%m%d}" / f"{RUN:%H}" / "atmos"
        self._asked: dict[tuple[str, str, str], ServiceField] = {
            (each.element, each.level_type, each.level): each
            for each in fields_asked(config.models[0].parameters)
        }
        numbers = {
            (key.discipline, key.category, key.number, key.surface)
            for each in self._asked.values()
            for key in each.field.keys[:1]
        }
        self._messages = {step: dict(_messages(self.path_of(step), numbers)) for step in STEPS}

    def path_of(self, step: int) -> Path:
        return self.folder / f"gfs.t{RUN:%H}z.pgrb2.0p25.f{step:03d}"

    def latest(self, data_code: str) -> datetime | None:
        return RUN

    def grid(self, query: GridQuery) -> tuple[Array, Array, Array] | None:
        wanted = self._asked.get((query.element, query.level_type, query.level))
        if wanted is None or query.run != RUN or query.validtime not in STEPS:
            return None
        key = wanted.field.keys[0]
        level = key.value or 0.0 if wanted.pressure is None else float(wanted.pressure)
        total = wanted.field.statistic == "sum"
        span = f"{query.validtime - 6}-{query.validtime}" if total else f"{query.validtime}"
        place = (key.discipline, key.category, key.number, key.surface, level, span)
        found = self._messages[query.validtime].get(place)
        if found is None:
            return None
        latitudes, longitudes, values = found
        si = values * wanted.field.factor
        return latitudes, longitudes, (si - wanted.offset) / wanted.factor

    def files(self, data_code: str, run: datetime) -> Mapping[str, bytes] | None:
        if run != RUN:
            return None
        return {
            f"{self.path_of(step).name}.grib2": self.path_of(step).read_bytes() for step in STEPS
        }


def _messages(path: Path, wanted: Collection[Numbers]) -> Iterator[tuple[Place, Cut]]:
    """Yield parameter, surface, level and span of the wanted messages, and each field."""
    names = ("discipline", "parameterCategory", "parameterNumber", "typeOfFirstFixedSurface")
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            numbers = tuple(eccodes.codes_get_long(handle, name) for name in names)
            if numbers in wanted:
                factor = eccodes.codes_get_long(handle, "scaleFactorOfFirstFixedSurface")
                scaled = eccodes.codes_get_long(handle, "scaledValueOfFirstFixedSurface")
                level = scaled / 10.0**factor if abs(factor) < 20 else 0.0
                span = eccodes.codes_get_string(handle, "stepRange")
                yield (*numbers, level, span), _cut(handle)
            eccodes.codes_release(handle)


def _cut(handle: int) -> Cut:
    """Return latitudes and longitudes [degree], rising, and the values of a message."""
    shape = [eccodes.codes_get_long(handle, name) for name in ("Nj", "Ni")]
    south, north, west, east = (
        eccodes.codes_get_double(handle, name)
        for name in ("latitudeOfLastGridPointInDegrees", "latitudeOfFirstGridPointInDegrees",
                     "longitudeOfFirstGridPointInDegrees", "longitudeOfLastGridPointInDegrees")
    )  # fmt: skip
    values = eccodes.codes_get_values(handle).reshape(shape)
    if south > north:
        south, north, values = north, south, values[::-1]
    return np.linspace(south, north, shape[0]), np.linspace(west, east, shape[1]), values[::-1]
