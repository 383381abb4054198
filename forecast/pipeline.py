"""The line from a model run to a published bulletin, step by step.

One failure never stops the others: a phenomenon that cannot be computed is named in all of its
forecasts, a further model without a usable run is named on the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.domain import CurrentObservations, Cycle, Forecast, Issue, Receipt
from forecast.errors import PublishError
from forecast.ingest.sources import Source
from forecast.issue.events import derive_features
from forecast.issue.inputs import Decoded, Inputs, decode_best, fetch_inputs, keep_doubts
from forecast.issue.multi_model import FurtherModel, owners
from forecast.issue.prediction import blend_runs, predict_runs
from forecast.issue.questioned import questioned_fields
from forecast.issue.report import IssueReport, Stopwatch
from forecast.issue.station_reports import publish_current_observations
from forecast.learning import verify
from forecast.learning.model_cards import model_cards
from forecast.observations.intake import Intake
from models.prediction import Models
from products.bulletin import Bulletin
from products.composition import Supplement, compose
from products.publish import Publisher


@dataclass(frozen=True, slots=True)
class World:
    """Everything a run needs, built once by the command line."""

    config: Config
    source: Source
    archive: Archive
    models: Models
    publisher: Publisher
    further: tuple[FurtherModel, ...] = ()  # models beside the leading one
    intake: Intake | None = None  # receives observations


def run(world: World, now: datetime, cycle: Cycle | None = None, ask: bool = True) -> IssueReport:
    """Publish one cycle (default: the newest whole one), with every further model, as of `now`.

    A second run on the same inputs changes nothing: the receipts of the published issue come back
    as `unchanged`. ask: whether the servers of further models may be requested; without it only
    what was fetched before is used.
    Raises: SourceError when no usable cycle is available, ArchiveError, PublishError when every
    channel failed.
    """
    config, archive, models, clock = world.config, world.archive, world.models, Stopwatch()
    with world.publisher.exclusive():
        restore(world, now)
        with clock("fetch"):
            inputs = fetch_inputs(world.source, world.further, archive, config, now, cycle, ask)
        inputs, issue, decoded = open_and_decode(world, inputs, now, clock, named=cycle is not None)
        unavailable = inputs.unavailable_models
        if decoded is None:
            receipts, counts = world.publisher.unchanged(issue.id), archive.forecast_count(issue)
            return IssueReport(issue, receipts, *counts, (), clock.seconds, unavailable)
        keep_doubts(archive, decoded.correction, now)
        with clock("derive"):
            derived = derive_features(decoded.atmosphere, config, issue.issued)
        with clock("predict"):
            runs = predict_runs(decoded, derived, archive, models, config, issue.issued)
            forecasts = blend_runs(runs, decoded, archive, models, config, now)
        with clock("keep"):
            archive.keep(issue, runs, forecasts)
        with clock("publish"):
            current = publish_current_observations(archive, config, world.publisher, now)
            supplement = supplement_of(world, inputs, decoded, forecasts, current)
            bulletin = compose(
                issue, forecasts, derived.features, derived.almanacs, config, supplement
            )
            receipts = publish(world, bulletin)
        archive.mark_published(issue.id, now, receipts)
    known, failed = sum(f.known for f in forecasts), derived.failed_phenomena
    return IssueReport(
        issue, receipts, len(forecasts), known, failed, clock.seconds, unavailable, decoded.faults
    )


def open_and_decode(
    world: World, inputs: Inputs, now: datetime, clock: Stopwatch, named: bool
) -> tuple[Inputs, Issue, Decoded | None]:
    """Open the issue of the inputs and decode them; None where the issue is published already.

    A leading run that cannot be decoded, or lacks steps then, gives way to the next best one,
    unless it was `named`.
    Raises: SourceCorrupt, MissingInput where no run can be decoded.
    """
    issue = open_issue(world, inputs, now)

    def issued_of(inputs: Inputs) -> datetime | None:
        nonlocal issue
        issue = open_issue(world, inputs, now)
        if issue.published and world.publisher.holds(issue.id):
            return None
        if not issue.published:
            issue = world.archive.renew(issue, now)
        return issue.issued

    inputs, decoded = decode_best(inputs, world.source, world.config, now, issued_of, named)
    issued_of(inputs)  # where an older run was tried in vain, the issue is again that of this one
    return inputs, issue, decoded


def restore(world: World, now: datetime) -> None:
    """Bring the archive up to the published releases: after a run that died, or a lost archive."""
    world.archive.mark_published(world.publisher.current(), now)
    world.archive.adopt(world.publisher.released)


def open_issue(world: World, inputs: Inputs, now: datetime) -> Issue:
    """Return the issue of these inputs under these settings: the published one, else a new one."""
    cycle = inputs.leading.cycle
    expires = cycle.run + timedelta(hours=world.config.source.maximum_age_hours)
    config = world.config
    return world.archive.open_issue(
        cycle, config.digest_with(inputs.ids), now, expires, config.zone
    )


def supplement_of(
    world: World,
    inputs: Inputs,
    decoded: Decoded,
    forecasts: tuple[Forecast, ...],
    current: tuple[CurrentObservations, ...],
) -> Supplement:
    """Return what the bulletin shows beside its forecasts."""
    config = world.config
    leading = config.source.attribution.as_name(inputs.leading.attribution)
    further = owners(config, inputs.further, forecasts, decoded.aerosol_models)
    return Supplement(
        attributions=(leading, *further),
        issues=world.archive.issues(),
        current=current,
        verification=verify.kept(config.learning.folder),
        models=model_cards(world.models),
        unavailable_models=inputs.unavailable_models,
        questioned_fields=questioned_fields(decoded.faults),
        doubtful_stations=inputs.doubtful,
    )


def publish(world: World, bulletin: Bulletin) -> tuple[Receipt, ...]:
    """Publish a bulletin on every channel.

    Raises: PublishError when every channel failed.
    """
    receipts = world.publisher.publish(bulletin)
    if all(receipt.outcome == "failed" for receipt in receipts):
        details = "; ".join(receipt.detail for receipt in receipts)
        raise PublishError(f"{bulletin.issue.id}: every channel failed: {details}")
    return receipts
