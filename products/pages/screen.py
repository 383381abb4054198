"""What a screen, a still picture and a widget show of a site: what is worth seeing, or why nothing
is, the night by the hour, and the other sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite

from products.bulletin import WORTH_GOING, Bulletin, Entry, Section
from products.charts.panel import series, times_of

SOON = 2  # days from which a screen chooses
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


def worth_showing(section: Section) -> tuple[Entry, ...]:
    """Return the entries of a screen's first face, each for when the window before it is over.

    The first is the site's headline, or the best of two days where that is likelier and the
    headline's chance is poor. None is dangerous or removed.
    """
    known = [
        entry
        for day in section.days[:SOON]
        for entry in day.entries
        if entry.recommended and entry.forecast.event.phenomenon != "snowmaking"
    ]
    best = max(known, key=lambda entry: entry.forecast.grade, default=None)
    headline = section.next
    if (
        headline is not None
        and headline.recommended
        and (best is None or headline.forecast.grade >= min(best.forecast.grade, WORTH_GOING))
    ):
        best = headline
    if best is None:
        return ()
    chosen = [best]
    for entry in sorted(known, key=lambda each: each.forecast.event.window.start):
        last = chosen[-1].forecast.event.window.end
        if entry.forecast.grade >= WORTH_GOING and entry.forecast.event.window.end > last:
            chosen.append(entry)
    return tuple(chosen)


def why_nothing(section: Section) -> str:
    """Return why nothing is worth showing: `danger`, `removed` (by a forecaster), `no_darkness`, or
    `unknown` (too little is known).
    """
    known = [e for day in section.days[:SOON] for e in day.entries if e.forecast.known]
    if any(entry.dangerous for entry in known):
        return "danger"
    if any(entry.removed for entry in known):
        return "removed"
    return "no_darkness" if section.no_darkness else "unknown"


def night_hours(section: Section) -> tuple[NightHour, ...]:
    """Return the next night by the hour, thinned to MOST_HOURS; empty where it is not known.

    Only where the night may be recommended: a dangerous one is never a face of a screen.
    """
    nights = (
        entry
        for day in section.days[:SOON]
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


def other_sites(bulletin: Bulletin, section: Section) -> tuple[tuple[Section, Entry | None], ...]:
    """Return the likeliest other sites, at most MOST_SITES, each with what is worth showing there.

    In the order of the bulletin; None where nothing is.
    """
    others = [each for each in bulletin.sections if each is not section]
    shown = [(each, next(iter(worth_showing(each)), None)) for each in others]
    likeliest = sorted(shown, key=lambda pair: -pair[1].forecast.grade if pair[1] else 0)
    kept = [each for each, _ in likeliest[:MOST_SITES]]
    return tuple(pair for pair in shown if pair[0] in kept)
