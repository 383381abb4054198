"""The faces of a site: what a screen, a poster or a card shows of it in three seconds."""

from __future__ import annotations

from forecast.domain import Name
from products.sections import OPERATORS_ONLY, WORTH_GOING, Entry, Section, only_hidden

FACE_DAYS = 2  # today and tomorrow
CLEARLY = 2  # grades by which another phenomenon takes the place of a headline worth going for


def faces(section: Section) -> tuple[Entry, ...]:
    """Return the entries that are shown large, the first one first; none where nothing may be.

    The site's headline, or the likeliest of two days where the headline's chance is poor or two
    grades lower; behind it what is worth a wait once its window is over. A dangerous entry is never
    one.
    """
    near = [
        entry
        for day in section.days[:FACE_DAYS]
        for entry in day.entries
        if entry.recommended and entry.forecast.event.phenomenon not in OPERATORS_ONLY
    ]
    known = sorted(near, key=lambda entry: -entry.forecast.grade)
    headline = section.next
    if headline is not None and not headline.recommended:
        headline = None
    if headline is not None and known:
        ahead = known[0].forecast.grade - headline.forecast.grade
        if ahead >= (1 if headline.forecast.grade < WORTH_GOING else CLEARLY):
            headline = None
    chosen = [headline] if headline is not None else known[:1]
    worth = [entry for entry in known if entry.forecast.grade >= WORTH_GOING]
    for entry in sorted(worth, key=lambda each: each.forecast.event.window.start):
        if entry.forecast.event.window.end > chosen[-1].forecast.event.window.end:
            chosen.append(entry)
    return tuple(chosen)


def title_of(section: Section, face: Entry | None) -> Name:
    """Return the brand of a site over its headline; the name of the place over anything else."""
    if face is not None and face.forecast.event.phenomenon == section.site.headline:
        return section.site.title
    return section.site.name


def faceless(section: Section) -> str:
    """Return why a site has no face: the key of the words that say so."""
    known = [
        entry for day in section.days[:FACE_DAYS] for entry in day.entries if entry.forecast.known
    ]
    if any(entry.dangerous for entry in known):
        return "display.danger"
    if any(entry.removed for entry in known):
        return "display.removed"
    if section.no_darkness:
        return "display.no_darkness"
    return "entry.not_asked" if only_hidden(section.days[:FACE_DAYS]) else "entry.unknown"
