"""From prepared forecasts to the published bulletin of an issue."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from forecast.archive.drafts import Drafts
from forecast.archive.issues import Archive
from forecast.archive.rebuilding import adopt, note_entered, refuse_emptied
from forecast.domain import CurrentObservations, Cycle, Forecast, Issue, Receipt
from forecast.errors import PublishError
from forecast.issue.multi_model import owners
from forecast.issue.prepare import Prepared
from forecast.issue.questioned import questioned_fields
from forecast.issue.report import IssueReport, Stopwatch
from forecast.issue.station_reports import publish_current_observations
from forecast.issue.world import World
from forecast.learning import verify
from forecast.learning.model_cards import model_cards
from forecast.review import MACHINE, Review
from products.bulletin import Bulletin
from products.composition import Supplement, compose
from products.publish import Publisher

log = logging.getLogger(__name__)


def restore(world: World, now: datetime) -> None:
    """Bring the archive up to the published releases: after a run that died, or an older copy.

    Raises: ArchiveUnusable where it holds no issue though some were released: an archive that was
    lost is begun anew only when somebody says so (`begin_anew`).
    """
    archive, publisher = world.archive, world.publisher
    in_force = publisher.current()
    archive.mark_published(in_force, now)
    refuse_emptied(archive, publisher.release_count())
    if in_force and archive.issue(in_force) is None:
        entered = adopt(archive, publisher.released())
        log.warning("the archive is older than the releases: %d issues entered", len(entered))
        if not world.standby:
            note_entered(world.config.private_folder, now, in_force)
    record(world, now)


def begin_anew(archive: Archive, publisher: Publisher) -> None:
    """Enter the released issues into an archive that was begun anew. Raises: ArchiveError."""
    if publisher.release_count() and (entered := adopt(archive, publisher.released())):
        log.warning("a new archive is begun from %d released issues", len(entered))


def record(world: World, now: datetime) -> None:
    """Record the state of the issue that readers see: released, or withdrawn."""
    manifest, drafts = world.publisher.manifest(), Drafts(world.archive)
    issue = str(manifest.get("issue", ""))
    if not drafts.state(issue):
        return
    review = manifest.get("review") or {}
    person = str(review.get("account", MACHINE))
    drafts.released(str(review.get("draft", "")), issue, review, person, now)
    if withdrawn := manifest.get("withdrawn"):
        at = datetime.fromisoformat(withdrawn["at"])
        drafts.withdrawn(issue, withdrawn["account"], withdrawn["reason"], at)


def open_issue(world: World, cycle: Cycle, ids: Sequence[str], now: datetime) -> Issue:
    """Return the issue of a run with these inputs under these settings: the published one, or new.

    ids: of what else it is made from; others make a new issue, and so does the standby archive:
    the pages of the issue before do not say that the archive is missing.
    """
    config = world.config
    ids = (*ids, "standby archive") if world.standby else ids
    expires = cycle.run + timedelta(hours=config.source.maximum_age_hours)
    return world.archive.open_issue(cycle, config.digest_with(ids), now, expires, config.zone)


def release(
    world: World,
    issue: Issue,
    prepared: Prepared,
    forecasts: Sequence[Forecast],
    review: Review | None,
    now: datetime,
    clock: Stopwatch,
) -> IssueReport:
    """Keep the forecasts of an opened issue, publish its bulletin and mark it as published.

    forecasts: the prepared ones as a forecaster left them; one that is hidden is absent. review:
    None where reviews are off. The link that the publisher swaps decides: after a kill `restore`
    brings the archive to what readers see. Raises: ArchiveError; PublishError when every channel
    failed.
    """
    derived, config = prepared.derived, world.config
    with clock("keep"):
        world.archive.keep(issue, prepared.by_run(), forecasts)
    with clock("publish"):
        current = publish_current_observations(world.archive, config, world.publisher, now)
        supplement = supplement_of(world, prepared, current)
        bulletin = compose(
            issue, forecasts, prepared.features, derived.almanacs, config, supplement, review
        )
        receipts = publish(world, bulletin)
    world.archive.mark_published(issue.id, now, receipts)
    record(world, now)
    return IssueReport(
        issue,
        receipts,
        len(forecasts),
        sum(forecast.known for forecast in forecasts),
        derived.failed_phenomena,
        clock.seconds,
        prepared.inputs.unavailable_models,
        prepared.decoded.faults,
        unknown_sites=unknown_sites(forecasts, prepared),
    )


def unknown_sites(forecasts: Sequence[Forecast], prepared: Prepared) -> tuple[str, ...]:
    """Return the sites of which no forecast has a probability though the leading run covers the
    time of some: they lie outside its area, or all that they need is missing.
    """
    last = prepared.decoded.atmosphere["time"].values.max().astype("M8[us]").item()
    reach = last.replace(tzinfo=UTC)
    known = {each.event.site.id for each in forecasts if each.known}
    covered = (each.event.site.id for each in forecasts if each.event.window.end <= reach)
    return tuple(site for site in dict.fromkeys(covered) if site not in known)


def supplement_of(
    world: World, prepared: Prepared, current: Sequence[CurrentObservations]
) -> Supplement:
    """Return what the bulletin shows beside its forecasts. current: of the sites' stations."""
    config, inputs, decoded = world.config, prepared.inputs, prepared.decoded
    leading = config.source.attribution.as_name(inputs.leading.attribution)
    further = owners(config, inputs.further, prepared.forecasts, decoded.aerosol_models)
    issues = world.archive.issues()
    return Supplement(
        attributions=(leading, *further),
        issues=issues,
        current=current,
        verification=verify.kept(config.learning.folder),
        models=model_cards(world.models),
        unavailable_models=inputs.unavailable_models,
        questioned_fields=questioned_fields(decoded.faults),
        doubtful_stations=inputs.doubtful,
        states=Drafts(world.archive).shown_states([issue.id for issue in issues]),
        archive_unavailable=world.standby,
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
