"""A draft as readers would see it: its bulletin and the pages of all channels; nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from forecast.archive.drafts import Drafts
from forecast.domain import Issue
from forecast.issue import edits as editing
from forecast.issue.prepare import Prepared
from forecast.issue.release import supplement_of
from forecast.issue.station_reports import current_observations
from forecast.issue.world import World
from forecast.review import Draft, Edit, Review
from products import channels
from products.bulletin import Bulletin
from products.channels import posters
from products.composition import compose
from products.drawing.picture import Picture


def preview(
    world: World, draft: Draft, prepared: Prepared, person: str, now: datetime
) -> Mapping[str, bytes]:
    """Return the pages of every channel by path, as they would go out signed by `person`.

    A picture is drawn when it is looked at. Raises: PublishError, ConfigError where a channel
    cannot be rendered.
    """
    bulletin = bulletin_of(world, draft, prepared, person, now)
    wanted = world.config.output.channels
    pages = {
        page.path: page.content
        for channel in wanted
        if channel != "posters"
        for page in channels.render(bulletin, channel)
    }
    drawn = posters.pictures(bulletin) if "posters" in wanted else ()
    return Previews(pages, dict(drawn))


class Previews(Mapping[str, bytes]):
    """Pages by path, and pictures that are drawn at their first use."""

    def __init__(self, pages: dict[str, bytes], drawn: Mapping[str, Callable[[], Picture]]) -> None:
        self._pages, self._drawn = pages, drawn

    def __getitem__(self, path: str) -> bytes:
        if path not in self._pages and path in self._drawn:
            self._pages[path] = self._drawn[path]().png()
        return self._pages[path]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._drawn, **self._pages})

    def __len__(self) -> int:
        return len({**self._drawn, **self._pages})


def bulletin_of(
    world: World,
    draft: Draft,
    prepared: Prepared,
    person: str,
    now: datetime,
    edits: tuple[Edit, ...] | None = None,
) -> Bulletin:
    """Return the bulletin of a draft, signed by `person` ("": by nobody).

    edits: in place of those of the draft; empty for the machine's own.
    """
    edits = Drafts(world.archive).edits(draft.id) if edits is None else edits
    forecasts = editing.applied(prepared.forecasts, edits, world.config.forecast.grades)
    corrected = world.archive.issue(draft.corrects)
    review = Review(
        person=person,
        unreviewed=not person,
        comment=draft.comment,
        corrects=corrected.number if corrected else None,
        reason=draft.correction_reason,
    )
    current = current_observations(world.archive, world.config, now)
    return compose(
        _issue(world, prepared, now),
        forecasts,
        prepared.features,
        prepared.derived.almanacs,
        world.config,
        supplement_of(world, prepared, current),
        review,
    )


def _issue(world: World, prepared: Prepared, now: datetime) -> Issue:
    """Return the issue that a draft would become: with the number that it would get."""
    cycle, zone = prepared.cycle, world.config.zone
    until = cycle.run + timedelta(hours=world.config.source.maximum_age_hours)
    year = now.astimezone(zone).year
    issues = world.archive.issues()
    last = max((i.number for i in issues if i.issued.astimezone(zone).year == year), default=0)
    same = sum(issue.cycle == cycle for issue in issues)
    return Issue(f"{cycle.id}-{same + 1}" if same else cycle.id, last + 1, now, cycle, until)
