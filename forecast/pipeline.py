"""The line from a model run to a published bulletin: it reads as the sentence in
forecast/domain.py.

One failure never stops the others: a phenomenon that cannot be computed is set aside and named in
every forecast of its.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from forecast import phenomena
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.config import Config
from forecast.domain import (
    CurrentObservations,
    Cycle,
    Issue,
    Observation,
    Receipt,
    RunForecasts,
    Station,
)
from forecast.errors import PublishError
from forecast.ingest import sources
from forecast.ingest.grib import reader
from forecast.issue.multi_model import (
    FurtherModel,
    fetch_further_runs,
    forecasts_of_run,
    join_aerosol,
    owners,
)
from forecast.learning import train, verify
from forecast.observations import current, nowcast
from forecast.observations.intake import Intake
from forecast.science import almanac
from models.blending import blend
from models.prediction import SPREAD_OF, Models, predict
from products.bulletin import compose
from products.publish import Publisher

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class World:
    """Everything a run needs, built once by the command line."""

    config: Config
    source: sources.Source
    archive: Archive
    models: Models
    publisher: Publisher
    further: tuple[FurtherModel, ...] = ()  # models heard beside the leading one
    intake: Intake | None = None  # by which observations come in


@dataclass(frozen=True, slots=True)
class IssueReport:
    """What a run did: for the log, the command line and the scheduler."""

    issue: Issue
    receipts: tuple[Receipt, ...]
    forecasts: int
    known: int
    failed_phenomena: tuple[str, ...]
    seconds: dict[str, float]
    # further models without a usable run: the issue went out without them
    unavailable_models: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when all was said on every channel, 6 when published only in part."""
        whole = not self.failed_phenomena and all(
            receipt.outcome != "failed" for receipt in self.receipts
        )
        return 0 if whole else PublishError.exit_code

    @property
    def summary(self) -> str:
        channels = ", ".join(f"{receipt.channel} {receipt.outcome}" for receipt in self.receipts)
        aside = f"; set aside: {', '.join(self.failed_phenomena)}" if self.failed_phenomena else ""
        unheard = (
            f"; not heard: {', '.join(self.unavailable_models)}" if self.unavailable_models else ""
        )
        return f"{self.issue.id}: {self.forecasts} forecasts; {channels}{aside}{unheard}"


def run(world: World, now: datetime, cycle: Cycle | None = None, ask: bool = True) -> IssueReport:
    """Carry one cycle (the newest whole one, or `cycle`) and every further model that is there to
    the screens, as of `now`.

    The same runs twice change nothing: the published issue is found and its receipts come back
    `unchanged`.
    ask: whether the further models' servers may be asked now; without it only what was fetched
    before is heard.
    Raises: SourceError when no usable cycle is to be had, ArchiveError, PublishError when no
    channel could be served.
    """
    config, clock = world.config, Stopwatch()
    sites = config.all_sites()
    needs = sources.needs_of(config, sites)
    with world.publisher.exclusive():
        # A run that died between its pages and this archive has been read: it counts as published.
        # So does what a lost archive held.
        world.archive.mark_published(world.publisher.current(), now)
        world.archive.adopt(world.publisher.released)
        with clock("fetch"):
            got = world.source.acquire(needs, now, cycle)
            further, unheard = fetch_further_runs(world.further, sites, now, ask)
            stations, observed = latest(world, now)
        said_by = config.digest_with(
            [
                *(run.cycle.id for run in further),
                *(f"{id}@{o.time:%Y%m%d%H%M}" for id, o in observed.items()),
            ]
        )
        expires = got.cycle.run + timedelta(hours=config.source.maximum_age_hours)
        issue = world.archive.open_issue(got.cycle, said_by, now, expires)
        if issue.published and world.publisher.holds(issue.id):
            count, known = world.archive.forecast_count(issue)
            return IssueReport(
                issue, world.publisher.unchanged(issue.id), count, known, (), clock.seconds, unheard
            )
        if not issue.published:
            issue = world.archive.renew(issue, now)
        with clock("decode"):
            atmosphere = reader.read_atmosphere(
                got.files, got.cycle, needs, threads=config.source.decode_threads
            )
            atmosphere, voices, added = join_aerosol(atmosphere, further)
            correct = partial(
                nowcast.correct, stations=stations, observed=observed, now=issue.issued
            )
            atmosphere, correction = correct(atmosphere)
        with clock("derive"):
            days = almanac.local_days(issue.issued, config.zone, config.forecast.days)
            almanacs = almanac.almanacs(sites, days, config.zone)
            events = phenomena.events(sites, days, almanacs, config.phenomena, issue.issued)
            whole_days = phenomena.whole_days(sites, days, almanacs, issue.issued)
            features, set_aside = phenomena.derive(events, atmosphere, config.phenomena, whole_days)
        with clock("predict"):
            predicting = partial(
                predict, issued=issue.issued, models=world.models, grades=config.forecast.grades
            )
            earlier = world.archive.earlier(events, got.cycle, config.forecast.spread_cycles - 1)
            told = world.archive.earlier_quantities(
                events, got.cycle, config.forecast.spread_cycles - 1, SPREAD_OF
            )
            leading = RunForecasts(
                got.cycle,
                features,
                predicting(features, got.cycle, earlier=earlier, told_before=told),
            )
            answers = (
                leading,
                *(forecasts_of_run(run, events, config, predicting, correct) for run in voices),
            )
            fresh = got.cycle.run - timedelta(hours=config.forecast.fresh_hours)
            # an earlier run knew less than the station does
            open_to_all = [event for event in events if not correction.of(event)]
            before_now = world.archive.contributing_runs(open_to_all, fresh, now)
            forecasts = correction.named_in(
                blend(answers, before_now, world.models.shares, config.forecast.grades)
            )
        with clock("keep"):
            world.archive.keep(issue, answers, forecasts)
        with clock("publish"):
            attributions = (
                config.source.attribution.as_name(got.attribution),
                *owners(config, further, forecasts, added),
            )
            measured = measure(world, now)
            before, checked, cards = (
                world.archive.issues(),
                verify.kept(config.learning.folder),
                train.model_cards(world.models),
            )
            bulletin = compose(
                issue,
                forecasts,
                features,
                almanacs,
                config,
                attributions,
                before,
                measured,
                checked,
                cards,
                unheard,
            )
            receipts = world.publisher.publish(bulletin)
        if all(receipt.outcome == "failed" for receipt in receipts):
            raise PublishError(
                f"{issue.id}: no channel could be served: {'; '.join(r.detail for r in receipts)}"
            )
        world.archive.mark_published(issue.id, now, receipts)
    return IssueReport(
        issue,
        receipts,
        len(forecasts),
        sum(f.known for f in forecasts),
        set_aside,
        clock.seconds,
        unheard,
    )


def latest(world: World, now: datetime) -> tuple[tuple[Station, ...], dict[str, Observation]]:
    """Return the stations that stand for a site, and what each reported last."""
    stations = tuple(station.as_station() for station in world.config.site_stations)
    series = Observations(world.archive).series(
        [station.id for station in stations], now - nowcast.LATEST, now
    )
    return stations, nowcast.latest_good(series, now)


def measure(world: World, now: datetime) -> tuple[CurrentObservations, ...]:
    """Return what the stations that belong to a site told of late, for its tiles; and put it before
    readers, whatever the issue.
    """
    stations = world.config.site_stations
    observations = world.config.observations.model_copy(update={"stations": stations})
    told = current.latest(world.archive, observations, world.config.zone, now) if stations else ()
    world.publisher.publish_live(told, now)
    return told


class Stopwatch:
    """Times the stages of a run and logs one line for each."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)
        log.info("%s: %.2f s", stage, self.seconds[stage])
