"""What the loopback CMADaaS serves of real data in ../shared/data: a week of stations, a GFS run.

Both are read in place. Stations: Dingling in the Beijing hills (UCI) and a Norwegian one (ISD).
Fields: GFS over the Tatra, 4 August 2020 12Z, decoded with ecCodes, cut and served as the service
would.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
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
WIND = "WIN_S_Avg_10mi"
DINGLING = Station("DINGLING", Name("定陵", "Dingling"), 40.292, 116.22, 75.0)
BEIJING = ZoneInfo("Asia/Shanghai")
RUN = datetime(2020, 8, 4, 12, tzinfo=UTC)
STEPS = (0, 6, 12)


@lru_cache(maxsize=1)
def dingling(shared: Path) -> Mapping[datetime, Mapping[str, float]]:
    """Return the week's hours of Dingling as the file has them, by UTC: hPa, degC, mm, m/s."""
    names = {"TEMP": "TEM", "DEWP": "DPT", "PRES": "PRS", "RAIN": "PRE_1h", "WSPM": WIND}
    found: dict[datetime, dict[str, float]] = {}
    path = shared / "obs" / "beijing_uci501_dingling_2013_2017.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        head = next(file)
        lines = (line for line in file if f",{WEEK.year},{WEEK.month}," in line)
        for row in csv.DictReader([head, *lines]):
            year, month, day, hour = (int(row[name]) for name in ("year", "month", "day", "hour"))
            at = datetime(year, month, day, hour, tzinfo=BEIJING).astimezone(UTC)
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


def norwegian(shared: Path, folder: Path) -> tuple[list[Observation], dict[str, Station]]:
    """Return the week's reports of the ISD station, and where it stands by the file.

    folder: for the lines of that week alone, which are read.
    """
    days = {f"{WEEK + timedelta(days=day):%Y%m%d}".encode() for day in range(7)}
    with gzip.open(shared / "obs" / "isd_014160-99999-2016.gz", "rb") as file:
        week = b"".join(line for line in file if line[15:23] in days)
    (folder / "week").write_bytes(week)
    parsed = parse_file(folder / "week")
    return parsed.observations, {each.id: each for each in parsed.stations}


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
    """The run's GRIB files: its fields by the table of `config`, and the files themselves.

    A message is found by the `.idx` beside its file, and decoded when it is asked for.
    """

    def __init__(self, config: Config, gfs_tree: Path) -> None:
        super().__init__({})
        self.folder = gfs_tree / f"gfs.{RUN:%Y%m%d}" / f"{RUN:%H}" / "atmos"
        self._asked: dict[tuple[str, str, str], ServiceField] = {
            (each.element, each.level_type, each.level): each
            for each in fields_asked(config.models[0].parameters)
        }

    def path_of(self, step: int) -> Path:
        return self.folder / f"gfs.t{RUN:%H}z.pgrb2.0p25.f{step:03d}"

    def latest(self, data_code: str) -> datetime | None:
        return RUN

    def grid(self, query: GridQuery) -> tuple[Array, Array, Array] | None:
        """Return the file's field, in the unit that the table expects."""
        wanted, step = (
            self._asked.get((query.element, query.level_type, query.level)),
            query.validtime,
        )
        if wanted is None or query.run != RUN or step not in STEPS or not wanted.field.inventory:
            return None
        names, level = wanted.field.inventory
        level = level.replace("{hPa}", query.level)
        when = f"{step} hour fcst" if step else "anl"
        if wanted.field.statistic == "sum":
            when = f"{step - 6}-{step} hour acc fcst"
        offset = _offset(self.path_of(step), {f"{name}:{level}:{when}" for name in names})
        if offset is None:
            return None
        latitudes, longitudes, values = _field(self.path_of(step), offset)
        si = values * wanted.field.factor
        return latitudes, longitudes, (si - wanted.offset) / wanted.factor

    def files(self, data_code: str, run: datetime) -> Mapping[str, bytes] | None:
        if run != RUN:
            return None
        return {
            f"{self.path_of(step).name}.grib2": self.path_of(step).read_bytes() for step in STEPS
        }


def _offset(path: Path, wanted: Collection[str]) -> int | None:
    """Return where a message begins, by the file's own .idx; None where there is none."""
    for line in path.with_name(f"{path.name}.idx").read_text().splitlines():
        _, offset, _, what = line.split(":", 3)
        if what.rstrip(":") in wanted:
            return int(offset)
    return None


def _field(path: Path, offset: int) -> tuple[Array, Array, Array]:
    """Return latitudes and longitudes [degree], rising, and the values of a message."""
    with path.open("rb") as file:
        file.seek(offset)
        handle = eccodes.codes_grib_new_from_file(file)
    try:
        shape = [eccodes.codes_get_long(handle, name) for name in ("Nj", "Ni")]
        first, last, west, east = (
            eccodes.codes_get_double(handle, f"{name}GridPointInDegrees")
            for name in ("latitudeOfFirst", "latitudeOfLast", "longitudeOfFirst", "longitudeOfLast")
        )
        values = eccodes.codes_get_values(handle).reshape(shape)
    finally:
        eccodes.codes_release(handle)
    latitudes, longitudes = np.linspace(first, last, shape[0]), np.linspace(west, east, shape[1])
    return (
        (latitudes, longitudes, values)
        if first < last
        else (latitudes[::-1], longitudes, values[::-1])
    )
