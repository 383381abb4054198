"""What a screen shows beside the faces of its site: the night by the hour, and the other sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite

from products.bulletin import Bulletin
from products.charts.panel import series, times_of
from products.faces import FACE_DAYS, faces
from products.sections import Entry, Section

MOST_HOURS = 7  # of a night, that fit a screen in letters read at ten metres
MOST_SITES = 5  # other sites on one screen, in such letters
DARK = -18.0  # [degree] of the sun: astronomical night
DUSK = -6.0  # [degree] of the sun, from which an hour belongs to the night


@dataclass(frozen=True, slots=True)
class NightHour:
    """An hour of a night: cover of the sky [1], NaN where unknown; whether it is dark, and whether
    the moon is up.
    """

    at: datetime
    cloud: float
    dark: bool
    moon: bool

    @property
    def step(self) -> int:
        """The step of the five-step scale that paints the cover: 5 is clear, 0 unknown."""
        return 5 - min(int(5 * self.cloud), 4) if isfinite(self.cloud) else 0


def night_hours(section: Section) -> tuple[NightHour, ...]:
    """Return the next night by the hour, thinned to MOST_HOURS; empty where it is not known.

    Only where the night may be recommended: a dangerous one is never a face of a screen.
    """
    nights = (
        entry
        for day in section.days[:FACE_DAYS]
        for entry in day.entries
        if entry.forecast.event.phenomenon == "starry_sky"
    )
    night = next(nights, None)
    if night is None or not night.recommended or not night.computed:
        return ()
    times = times_of(night.evidence)
    cloud, sun, moon = (
        series(night.evidence, name, "hour") for name in ("cloud", "sun_altitude", "moon_altitude")
    )
    if not times or not len(times) == len(cloud) == len(sun) == len(moon):
        return ()
    hours = [
        NightHour(at, float(cover), bool(height <= DARK), bool(above > 0))
        for at, cover, height, above in zip(times, cloud, sun, moon, strict=True)
        if (height if isfinite(height) else inf) <= DUSK
    ]
    every = -(-len(hours) // MOST_HOURS) or 1
    return tuple(hours[::every])


def likeliest(bulletin: Bulletin) -> tuple[Section, ...]:
    """Return the sites that screens of other sites name, the likeliest first; one to spare."""
    if bulletin.others is not None:
        return bulletin.others.likeliest
    grades = [next((each.forecast.grade for each in faces(s)), 0) for s in bulletin.sections]
    places = sorted(range(len(grades)), key=lambda place: -grades[place])
    return tuple(bulletin.sections[place] for place in places[: MOST_SITES + 1])


def other_sites(
    bulletin: Bulletin, section: Section, among: Sequence[Section] | None = None
) -> tuple[tuple[Section, Entry | None], ...]:
    """Return the likeliest other sites, at most MOST_SITES, each with its face.

    In the order of the bulletin; None where a site has no face. among: the likeliest ones, where
    they are known.
    """
    found = likeliest(bulletin) if among is None else among
    others = [each for each in found if each.site.id != section.site.id][:MOST_SITES]
    shown = sorted(others, key=lambda each: bulletin.site_ids.index(each.site.id))
    return tuple((each, next(iter(faces(each)), None)) for each in shown)
