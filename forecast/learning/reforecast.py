"""Reforecasts: what each past run would have given, from what was known at its time.

Each run is fetched by byte range from the public bucket (only the steps that the wanted events
need), decoded, turned into features and returned as rows; its files are removed. Runs are
independent of each other, so many are processed in parallel by Dask, on a local cluster or through
a scheduler's address. Rows are archived in one transaction per run: an interrupted reforecast
continues where it stopped.
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

from forecast import phenomena
from forecast.archive.hindcasts import POINT_MODEL, Hindcasts, Row, hindcast_rows
from forecast.archive.issues import Archive
from forecast.config import Config, build_config
from forecast.domain import Cycle, Event, Site
from forecast.errors import ConfigError, SkyscapeError, SourceCorrupt
from forecast.geo import distance_between
from forecast.ingest import Needs, gfs, sources
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.grib import reader
from forecast.ingest.point_forecasts import PointForecast, joined, point_atmosphere, read_points
from forecast.ingest.range_download import Bucket
from forecast.phenomena import star_night, stars
from forecast.science import almanac
from models.prediction import open_models, predict

log = logging.getLogger(__name__)

# [h] before an event's window that features look back: earlier rain, drying through the night.
LOOK_BACK = {"sea_of_clouds": 24.0, "snow_cover": 24.0, "rime": 12.0}
AROUND = 3.0  # [h] around any window: fields are interpolated between steps
POINT_REACH = 30_000.0  # [m] largest distance of a point forecast from its site
SAME_PLACE = 2  # decimals [degree] to which documents of one place agree: about 1 km
# Strings of a document that do not describe its place.
NO_PLACE = ("source", "timezone", "timezone_abbreviation", "model", "models")
DATED = re.compile(r"\d{4}-\d{2}-\d{2}.*")


@dataclass(frozen=True, slots=True)
class Task:
    """One past run, the number of its events and the steps that they need."""

    cycle: Cycle
    issued: datetime
    steps: tuple[int, ...]
    events: int


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a reforecast; hours by the rate of requests or of the line, the longer one."""

    runs: int
    steps: int
    bytes: int
    requests: int
    hours: float

    def __str__(self) -> str:
        return (
            f"{self.runs} runs, {self.steps} steps: {self.bytes / 1e9:.2f} GB "
            f"in {self.requests} requests, about {self.hours:.1f} h"
        )


def tasks(
    config: Config, first: date, last: date, days: int, wanted: Sequence[str] = ()
) -> tuple[Task, ...]:
    """Return the runs from `first` to `last` (UTC, inclusive) with events in `days` local days.

    Raises: ConfigError where there is none.
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
            f"no run from {first} to {last} has an event; give more --days or other --phenomena"
        )
    return tuple(found)


def events_of(
    config: Config, issued: datetime, days: int, wanted: Sequence[str]
) -> tuple[Event, ...]:
    """Return the events of `days` local days from `issued` on; wanted: phenomena (empty: all)."""
    sites, local = config.all_sites(), almanac.local_days(issued, config.zone, days)
    events = phenomena.events(
        sites, local, almanac.almanacs(sites, local, config.zone), config.phenomena, issued
    )
    return tuple(event for event in events if not wanted or event.phenomenon in wanted)


def _steps_for(events: Iterable[Event], cycle: Cycle, steps: Sequence[int]) -> tuple[int, ...]:
    """Return the model's steps within or next to the events' windows and look-back times."""
    needed: set[int] = set()
    for event in events:
        first, last = ((at - cycle.run) / timedelta(hours=1) for at in _hours_read(event))
        needed.update(step for step in steps if first <= step <= last)
    return tuple(sorted(needed))


def _hours_read(event: Event) -> tuple[datetime, datetime]:
    """Return the first and last moment at which fields are needed for an event's features."""
    around, window = timedelta(hours=AROUND), event.window
    back = timedelta(hours=LOOK_BACK.get(event.phenomenon, 0.0))
    first, last = min(window.start - back, window.start - around), window.end + around
    if event.phenomenon in stars.PHENOMENA:  # evening and morning, beyond the dark window
        begin, end = star_night.hours_read(window)
        first, last = min(first, begin - around), max(last, end + around)
    return first, last


def cost(config: Config, runs: Sequence[Task], megabits: float = 50.0) -> Cost:
    """Return the cost of `runs`, estimated from the inventories of the middle one.

    Raises: SourceError where the bucket does not have that run.
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
    """Return the rows of one run: fetch, decode, derive and predict, then remove its files.

    Runs in a worker without access to the archive. settings: of the service, as plain data.
    workers: how many share the bucket's rate of requests.
    """
    config = build_config(dict(settings), {})
    folder = Path(tempfile.mkdtemp(prefix=f"{task.cycle.id}-", dir=scratch or None))
    try:
        needs = _needs(config, task)
        fetched = _bucket(config, folder, workers).fetch(needs, task.cycle)
        atmosphere = reader.read_atmosphere(fetched.files, task.cycle, needs, threads=1)
        events = events_of(config, task.issued, days, wanted)
        features, _ = phenomena.derive(events, atmosphere, config.phenomena)
        run = predict(features, task.cycle, task.issued, open_models(), config.forecast.grades)
        return hindcast_rows(run, digest_of(config, days, wanted))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def digest_of(config: Config, days: int, wanted: Sequence[str]) -> str:
    """Return a digest of the settings, the days of each run and the phenomena."""
    return config.digest_with([f"{days} days", *wanted])


def _needs(config: Config, task: Task) -> Needs:
    whole = sources.needs_of(config, config.all_sites())
    return Needs(whole.fields, task.steps, whole.north, whole.south, whole.west, whole.east)


def _bucket(config: Config, folder: Path, workers: int) -> Bucket:
    http = config.source.bucket
    slower = http.model_copy(
        update={"requests_per_minute": max(1, http.requests_per_minute // workers)}
    )
    return gfs.open_bucket(
        slower, CycleStore(folder, config.source.model), path=config.source.bucket_path
    )


def rows_of_points(
    config: Config,
    points: Sequence[PointForecast],
    site: str,
    days: Sequence[date],
    wanted: Sequence[str],
) -> list[Row]:
    """Return the rows of a site from point forecasts of a nearby place, with four levels.

    The documents do not say when they were issued, and their hours may come from runs of the same
    day. So each event's row is dated as a run of the hour in which its window opens: its lead is 0.
    Raises: ConfigError for an unknown site.
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
            run = predict(features, cycle, cycle.run, open_models(), config.forecast.grades)
            rows += hindcast_rows(run, digest_of(config, 1, wanted))
    return rows


def _site(config: Config, site: str) -> Site:
    found = next((each for each in config.all_sites() if each.id == site), None)
    if found is None:
        raise ConfigError(
            f"--site {site}: there is no such site; "
            f"known are {', '.join(each.id for each in config.all_sites())}"
        )
    return found


def _check_place(points: Sequence[PointForecast], site: Site, path: Path) -> str:
    """Return what must be assumed about the place of a file's documents; "": nothing.

    Raises: SourceCorrupt for more than one place, or one too far from the site.
    """
    located = [point for point in points if math.isfinite(point.latitude + point.longitude)]
    spots = sorted(
        {f"{point.latitude:.{SAME_PLACE}f} {point.longitude:.{SAME_PLACE}f}" for point in located}
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
            f"{path}: {len(places)} places, and --site names one: {shown}; "
            "give each place a file of its own"
        )
    for point in located:
        if (metres := distance_between(site, point)) > POINT_REACH:
            raise SourceCorrupt(
                f"{path}: {spots[0]} lies {metres / 1000:.0f} km from {site.id}; "
                f"expected at most {POINT_REACH / 1000:.0f} km"
            )
    if len(located) == len(points):
        return ""
    if not located and not tags[0] and len(points) > 1:
        raise SourceCorrupt(
            f"{path}: {len(points)} documents without coordinates or the name of a place; "
            "expected latitude and longitude"
        )
    place = tags[0] or "the document"
    return f"assumed: {place} is the place of {site.id}, for not all documents have coordinates"


def _place_tags(point: PointForecast) -> str:
    """Return the strings of a document that may describe its place, as text."""
    tags = {
        name: text
        for name, text in point.tags.items()
        if name not in NO_PLACE and not DATED.fullmatch(text)
    }
    return ", ".join(f"{name} {text[:40]!a}" for name, text in sorted(tags.items()))


def read_rows(
    config: Config, path: Path, site: str, wanted: Sequence[str]
) -> tuple[list[Row], str]:
    """Return a site's rows from a file of point forecasts, and the assumption about its place.

    The assumption is "" where none was needed. Raises: SourceCorrupt, also for documents of several
    places or of one far from the site; ConfigError.
    """
    found, points = _site(config, site), read_points(path)
    if not points:
        raise SourceCorrupt(f"{path}: contains no document; expected at least one")
    assumed = _check_place(points, found, path)
    seconds = np.concatenate([point.times for point in points]).astype("datetime64[s]").astype(int)
    days = sorted({datetime.fromtimestamp(int(s), config.zone).date() for s in seconds})
    return rows_of_points(config, points, site, days, wanted), assumed


def run(
    config: Config,
    archive: Archive,
    runs: Sequence[Task],
    days: int,
    wanted: Sequence[str],
    workers: int,
    address: str = "",
) -> Iterator[tuple[Task, int | str]]:
    """Reforecast the runs that are not archived yet; yield each with its number of rows or failure.

    A run that fails (missing in the bucket, damaged) stops no other. address: of a Dask scheduler;
    empty: a local cluster of `workers` processes. Raises: ConfigError where Dask is not installed.
    """
    try:
        from dask.distributed import Client, as_completed
    except ImportError as error:
        raise ConfigError("reforecast needs Dask: install skyscape[cluster]") from error
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
