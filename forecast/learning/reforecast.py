"""The past, run by run: what each would have given, worked out from what was known then, to learn
from.

Each run is fetched by byte range from the public bucket (only the steps that the wanted events ask
for), decoded, turned into features and given back as rows; its files are removed. Runs are
independent of one another, so many are worked side by side on Dask: a local cluster, or a
scheduler's address. The rows are kept here, one transaction a run: a backfill that is stopped goes
on where it was.
"""

from __future__ import annotations

import json
import logging
import math
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sql

from forecast import phenomena
from forecast.archive.issues import Archive, rows_of_run
from forecast.archive.schema import event_columns, hindcast_table, outcome_table
from forecast.config import Config, build_config
from forecast.domain import Cycle, Event, Features, Forecast, RunForecasts, Site
from forecast.errors import ConfigError, SkyscapeError, SourceCorrupt
from forecast.geo import distance_between
from forecast.ingest import Needs, gfs, sources
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.grib import reader
from forecast.ingest.point_forecasts import PointForecast, joined, point_atmosphere, read_points
from forecast.ingest.range_download import Bucket
from forecast.science import almanac
from forecast.verification import RunForecast
from models.prediction import open_models, predict

log = logging.getLogger(__name__)

# How long before an event's window a run is read, where a feature looks back: rain before, drying
# through the night [h].
LOOK_BACK = {"sea_of_clouds": 24.0, "snow_cover": 24.0, "rime": 12.0}
AROUND = 3.0  # [h] about any window: fields are interpolated between steps
POINT_MODEL = "openmeteo"
POINT_REACH = 30_000.0  # [m] how far from a site a point forecast may lie that stands for it
SAME_PLACE = 2  # decimals [degree] in which documents of one place agree: about 1 km
# strings of a document that do not tell where it is of
NO_PLACE = ("source", "timezone", "timezone_abbreviation", "model", "models")
DATED = re.compile(r"\d{4}-\d{2}-\d{2}.*")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """One run of the past, the events asked of it and the steps that they need."""

    cycle: Cycle
    issued: datetime
    steps: tuple[int, ...]
    events: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a backfill would take; hours at the settings' own rate of requests or at the line's,
    whichever is longer.
    """

    runs: int
    steps: int
    bytes: int
    requests: int
    hours: float

    def __str__(self) -> str:
        return f"{self.runs} runs, {self.steps} steps: {self.bytes / 1e9:.2f} GB in {self.requests} requests, about {self.hours:.1f} h"


def tasks(
    config: Config, first: date, last: date, days: int, wanted: Sequence[str] = ()
) -> tuple[Task, ...]:
    """Return the runs from `first` to `last` (UTC, both included), each with the events of its
    first `days` local days.

    Raises: ConfigError where there is nothing to do.
    """
    if last < first:
        raise ConfigError(f"--to {last} lies before --from {first}")
    found = []
    for number in range((last - first).days + 1):
        for hour in config.source.run_hours:
            run = datetime.combine(
                first + timedelta(days=number), datetime.min.time(), UTC
            ) + timedelta(hours=hour)
            cycle = Cycle(run, config.source.model)
            issued = run + timedelta(hours=config.source.delay_hours)
            events = events_of(config, issued, days, wanted)
            if steps := _steps_for(events, cycle, config.source.all_steps):
                found.append(Task(cycle, issued, steps, len(events)))
    if not found:
        raise ConfigError(
            f"no run from {first} to {last} has an event to ask of; give more --days or other --phenomena"
        )
    return tuple(found)


def events_of(
    config: Config, issued: datetime, days: int, wanted: Sequence[str]
) -> tuple[Event, ...]:
    """Return the events of the `days` local days from `issued` on, of the `wanted` phenomena (none
    named: all).
    """
    sites, local = config.all_sites(), almanac.local_days(issued, config.zone, days)
    events = phenomena.events(
        sites, local, almanac.almanacs(sites, local, config.zone), config.phenomena, issued
    )
    return tuple(event for event in events if not wanted or event.phenomenon in wanted)


def _steps_for(events: Iterable[Event], cycle: Cycle, steps: Sequence[int]) -> tuple[int, ...]:
    """Return the model's steps that stand in or next to the events' windows and the hours before
    that they look back on.
    """
    needed: set[int] = set()
    for event in events:
        back = max(LOOK_BACK.get(event.phenomenon, 0.0), AROUND)
        first = (event.window.start - cycle.run) / timedelta(hours=1) - back
        last = (event.window.end - cycle.run) / timedelta(hours=1) + AROUND
        needed.update(step for step in steps if first <= step <= last)
    return tuple(sorted(needed))


def cost(config: Config, runs: Sequence[Task], megabits: float = 50.0) -> Cost:
    """Return what `runs` would take, from the inventories of the middle one: nothing but those is
    fetched.

    Raises: SourceError where the bucket has no such run.
    """
    middle = runs[len(runs) // 2]
    with tempfile.TemporaryDirectory(prefix="backfill-") as folder:
        size, requests = _bucket(config, Path(folder), 1).cost(_needs(config, middle), middle.cycle)
    steps = sum(len(task.steps) for task in runs)
    share = steps / len(middle.steps)
    size, requests = round(size * share), round(requests * share)
    hours = max(
        requests / config.source.bucket.requests_per_minute / 60, size * 8 / (megabits * 1e6) / 3600
    )
    return Cost(len(runs), steps, size, requests, hours)


def reforecast_run(
    settings: Mapping[str, Any],
    task: Task,
    days: int,
    wanted: Sequence[str],
    workers: int,
    scratch: str,
) -> list[Row]:
    """Return the rows of one run: fetched, decoded, derived, predicted, its files removed. Runs in
    a worker; touches no archive.

    settings: of the service, as plain data. workers: how many share the bucket's rate of requests.
    """
    config = build_config(dict(settings), {})
    folder = Path(tempfile.mkdtemp(prefix=f"{task.cycle.id}-", dir=scratch or None))
    try:
        needs = _needs(config, task)
        got = _bucket(config, folder, workers).fetch(needs, task.cycle)
        atmosphere = reader.read_atmosphere(got.files, task.cycle, needs, threads=1)
        events = events_of(config, task.issued, days, wanted)
        features, _ = phenomena.derive(events, atmosphere, config.phenomena)
        forecasts = predict(
            features, task.cycle, task.issued, open_models(), config.forecast.grades
        )
        return rows_of(features, forecasts, task.cycle, digest_of(config, days, wanted))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def digest_of(config: Config, days: int, wanted: Sequence[str]) -> str:
    """Tell apart what was asked of the past: the settings, how many days of each run, which
    phenomena.
    """
    return config.digest_with([f"{days} days", *wanted])


def _needs(config: Config, task: Task) -> Needs:
    whole = sources.needs_of(config, config.all_sites())
    return Needs(whole.fields, task.steps, whole.north, whole.south, whole.west, whole.east)


def _bucket(config: Config, folder: Path, workers: int) -> Bucket:
    http = config.source.bucket
    gently = http.model_copy(
        update={"requests_per_minute": max(1, http.requests_per_minute // workers)}
    )
    return gfs.open_bucket(gently, CycleStore(folder, config.source.model))


def rows_of(
    features: Features, forecasts: Sequence[Forecast], cycle: Cycle, digest: str
) -> list[Row]:
    """Return features and what the rule made of them as rows of the archive's table."""
    answer = RunForecasts(cycle, features, tuple(forecasts))
    return [
        {**row, "window_start": event.window.start, "digest": digest}
        for event, row in rows_of_run(answer)
    ]


def rows_of_points(
    config: Config,
    points: Sequence[PointForecast],
    site: str,
    days: Sequence[date],
    wanted: Sequence[str],
) -> list[Row]:
    """Return the rows of a site from point forecasts of a place beside it: columns at four levels
    go the way of any run.

    The documents do not say when they were issued, and their hours may come of runs of the very
    day: each event's row stands for a run of the hour in which its window opens, so that it passes
    for no forecast ahead.
    Raises: ConfigError for a site that is none.
    """
    found = _site(config, site)
    point = joined(points)
    elevation = point.elevation if math.isfinite(point.elevation) else found.valley_elevation
    atmosphere = point_atmosphere(
        point, found.latitude, found.longitude, elevation, found.valley_elevation
    )
    almanacs = almanac.almanacs([found], days, config.zone)
    rows: list[Row] = []
    for day in days:
        opened = almanacs[found.id, day].day_start
        for event in phenomena.events([found], [day], almanacs, config.phenomena, opened):
            if wanted and event.phenomenon not in wanted:
                continue
            cycle = Cycle(
                event.window.start.replace(minute=0, second=0, microsecond=0), POINT_MODEL
            )
            features, _ = phenomena.derive([event], atmosphere, config.phenomena)
            forecasts = predict(features, cycle, cycle.run, open_models(), config.forecast.grades)
            rows += rows_of(features, forecasts, cycle, digest_of(config, 1, wanted))
    return rows


def _site(config: Config, site: str) -> Site:
    found = next((each for each in config.all_sites() if each.id == site), None)
    if found is None:
        raise ConfigError(
            f"--site {site}: there is no such site; known are {', '.join(each.id for each in config.all_sites())}"
        )
    return found


def _check_place(points: Sequence[PointForecast], site: Site, path: Path) -> str:
    """Return what must be assumed of where the documents of a file are of; "" where they tell it.

    Raises: SourceCorrupt for more than one place, or one too far from the site.
    """
    told = [point for point in points if math.isfinite(point.latitude + point.longitude)]
    spots = sorted(
        {f"{point.latitude:.{SAME_PLACE}f} {point.longitude:.{SAME_PLACE}f}" for point in told}
    )
    tags = sorted({_place_tags(point) for point in points})
    if len(spots) > 1 or len(tags) > 1:
        places = (
            [*spots, *tags]
            if len(spots) > 1 and len(tags) > 1
            else spots
            if len(spots) > 1
            else tags
        )
        shown = "; ".join(place or "no name" for place in places[:8])
        raise SourceCorrupt(
            f"{path}: {len(places)} places, and --site names one: {shown}; give each place a file of its own"
        )
    for point in told:
        if (metres := distance_between(site, point)) > POINT_REACH:
            raise SourceCorrupt(
                f"{path}: {spots[0]} lies {metres / 1000:.0f} km from {site.id}; expected at most {POINT_REACH / 1000:.0f} km"
            )
    if len(told) == len(points):
        return ""
    if not told and not tags[0] and len(points) > 1:
        raise SourceCorrupt(
            f"{path}: {len(points)} documents without coordinates or the name of a place; expected latitude and longitude"
        )
    return f"assumed: {tags[0] or 'the document'} is the place of {site.id}, for not all documents tell coordinates"


def _place_tags(point: PointForecast) -> str:
    """Return the strings of a document that tell where it is of, as text: all but dates and what is
    known to be none.
    """
    told = {
        name: text
        for name, text in point.tags.items()
        if name not in NO_PLACE and not DATED.fullmatch(text)
    }
    return ", ".join(f"{name} {text[:40]!a}" for name, text in sorted(told.items()))


def read_rows(
    config: Config, path: Path, site: str, wanted: Sequence[str]
) -> tuple[list[Row], str]:
    """Return the rows that a file of point forecasts gives for a site, and what had to be assumed
    of its place ("": nothing).

    Raises: SourceCorrupt, also for documents of several places or of one far from the site;
    ConfigError.
    """
    found, points = _site(config, site), read_points(path)
    if not points:
        raise SourceCorrupt(f"{path}: holds no document; expected at least one")
    assumed = _check_place(points, found, path)
    seconds = np.concatenate([point.times for point in points]).astype("datetime64[s]").astype(int)
    days = sorted({datetime.fromtimestamp(int(s), config.zone).date() for s in seconds})
    return rows_of_points(config, points, site, days, wanted), assumed


class Hindcasts:
    """The rows of the past in an archive. Raises: ArchiveError."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def done(self, digest: str) -> set[str]:
        """Return the ids of the runs that are here under these settings."""
        with self._archive.transaction() as connection:
            query = (
                sql.select(hindcast_table.c.cycle)
                .where(hindcast_table.c.digest == digest)
                .distinct()
            )
            return set(connection.scalars(query))

    def run_forecasts(self, phenomenon: str, delay: timedelta) -> list[RunForecast]:
        """Return the rows of a phenomenon of which an outcome is known, as if each had been issued
        `delay` after its run.

        What would have been issued after its event had begun is left out; so is every point
        forecast, of which nobody knows when it was
        issued: it may know its own day, and neither trains a model nor decides which is in force.
        """
        past, seen = hindcast_table.c, outcome_table.c
        known = sql.exists().where(*(seen[name] == past[name] for name in event_columns))
        query = sql.select(
            past.model, past.run, past.site, past.day, past.window_start, past["values"]
        )
        query = query.where(
            past.phenomenon == phenomenon, past.model != POINT_MODEL, known
        ).order_by(past.run, past.day, past.site)
        with self._archive.transaction() as connection:
            return [
                RunForecast(
                    "",
                    row.run + delay,
                    row.model,
                    row.run,
                    row.site,
                    phenomenon,
                    date.fromisoformat(row.day),
                    row.window_start,
                    row[5],
                )
                for row in connection.execute(query)
                if row.run + delay <= row.window_start
            ]

    def keep(self, rows: Sequence[Row]) -> None:
        """Keep the rows of whole runs, in place of what was kept of the same events before; all or
        nothing.
        """
        keys = {(row["cycle"], row["site"], row["phenomenon"]) for row in rows}
        with self._archive.transaction() as connection:
            for cycle, site, phenomenon in sorted(keys):
                table = hindcast_table.c
                same = (
                    (table.cycle == cycle) & (table.site == site) & (table.phenomenon == phenomenon)
                )
                connection.execute(hindcast_table.delete().where(same))
            if rows:
                connection.execute(hindcast_table.insert(), list(rows))


def run(
    config: Config,
    archive: Archive,
    runs: Sequence[Task],
    days: int,
    wanted: Sequence[str],
    workers: int,
    address: str = "",
) -> Iterator[tuple[Task, int | str]]:
    """Work through `runs` that are not done yet, side by side; yield each with the number of its
    rows, or with why it failed.

    A run that fails (it is not in the bucket, it came damaged) stops no other. address: of a Dask
    scheduler; empty: a cluster of `workers` processes here.
    Raises: ConfigError where Dask is not installed.
    """
    try:
        from dask.distributed import Client, as_completed
    except ImportError as error:
        raise ConfigError("backfill needs Dask: install skyscape[cluster]") from error
    hindcasts = Hindcasts(archive)
    done = hindcasts.done(digest_of(config, days, wanted))
    todo = [task for task in runs if task.cycle.id not in done]
    log.info("%d runs, %d of them done before", len(runs), len(runs) - len(todo))
    if not todo:
        return
    settings = json.loads(config.model_dump_json())
    settings["archive"] = {}  # its address may hold a password, and no worker needs it
    with tempfile.TemporaryDirectory(prefix="backfill-") as scratch:
        where: dict[str, Any] = (
            {"address": address}
            if address
            else {
                "n_workers": workers,
                "threads_per_worker": 1,
                "dashboard_address": None,
                "local_directory": scratch,
            }
        )
        with Client(**where) as client:  # type: ignore[no-untyped-call]
            futures = {
                client.submit(
                    reforecast_run,
                    settings,
                    task,
                    days,
                    tuple(wanted),
                    workers,
                    "" if address else scratch,
                    pure=False,
                ): task
                for task in todo
            }
            for future in as_completed(futures):  # type: ignore[no-untyped-call]
                task = futures[future]
                try:
                    rows = future.result()
                except (SkyscapeError, OSError) as error:
                    yield task, str(error)
                    continue
                hindcasts.keep(rows)
                yield task, len(rows)
