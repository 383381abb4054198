"""Render the pages of one language: a template, the sentences and charts it may call, its links.

Every link is relative, so a release reads the same from a server, a folder or the archive.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from products import charts
from products.agreement import agreement
from products.bulletin import Bulletin
from products.charts.event_strip import legend_sign
from products.confidence import as_usual
from products.drawing.card import INDEX, SITES, card_path
from products.faces import faces
from products.pages import calendar, tiles
from products.pages.addresses import prefix_of
from products.pages.current_observations import FILE
from products.pages.phrases import Phrases
from products.pages.templating import Page, icon, render_template
from products.scenes import painted, scene, scene_of
from products.sections import Entry, Section, may_be_charted
from products.wording import LANGUAGES, Words, clause

# what templates may call of Phrases
# fmt: off
SENTENCES = (
    "alert_text", "attribution", "changed", "changed_from", "clear", "comment",
    "contributing_runs", "correction", "dated_hazards", "facing", "gaps", "left_out", "missing",
    "missing_count", "missing_of_day", "names", "not_assessed", "open_hazards", "questioned",
    "reasons", "replaces_withdrawn",
    "risk", "risk_of", "unavailable_models", "where", "why",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class SharedLink:
    """What is shown of a link: a sentence, the address of the page and that of a picture.

    An address is "" where there is none.
    """

    text: str
    address: str
    picture: str


@lru_cache(maxsize=4096)
def _relative(target: str, folder: str) -> str:
    return posixpath.relpath(target, folder)


class PageRenderer:
    """Renders the pages of a bulletin in one language.

    drawn: what pages in another language drew already; a caller that gives it to the renderers of
    all languages clears it once a page is rendered in each.
    """

    def __init__(
        self, bulletin: Bulletin, language: str, drawn: charts.Drawn | None = None
    ) -> None:
        self.drawn = {} if drawn is None else drawn
        self.bulletin = bulletin
        self.language = language
        self.phrases = Phrases(bulletin, language)
        self.words = self.phrases.words
        self.prefix = prefix_of(language)
        self.other = next(other for other in LANGUAGES if other != language)

    def page(self, template: str, path: str, **more: object) -> Page:
        """Render one page of this language; `path` as in the first language."""
        place = self.prefix + path
        return Page(place, render_template(template, self._values(path, place) | more))

    def _values(self, path: str, place: str) -> dict[str, Any]:
        """Return what a template at `place` may use."""
        folder = posixpath.dirname(place) or "."
        phrases = self.phrases

        def root(target: str) -> str:
            return _relative(target, folder)

        def link(target: str) -> str:
            return root(self.prefix + target)

        other = prefix_of(self.other)
        return {
            "bulletin": self.bulletin,
            "words": self.words,
            "beside": Words(self.other, self.bulletin.zone),
            "language": self.language,
            # links
            "path": path,
            "here": place,
            "home": f"{self.prefix}index.html",
            "other": root(other + path),
            "link": link,
            "root": root,
            "current_file": root(f"../{FILE}"),
            # pictures
            "icon": icon,
            "chart": self.chart,
            "strip": self.strip,
            "hours": self.hours,
            "site_map": self.site_map,
            "scene": self.scene,
            "backdrop": self.backdrop,
            # sentences
            **{name: getattr(phrases, name) for name in SENTENCES},
            "clause": clause,
            "shared": self.shared,
            # functions of other modules
            "agreement": agreement,
            "as_usual": as_usual,
            "faces_of": faces,
            "tiles": tiles,
            "calendar_of": calendar.weeks,
            "legend_sign": legend_sign,
        }

    def shared(self, path: str, section: Section | None) -> SharedLink:
        """Return how a link to a page of this language is shown where it is shared."""
        bulletin, text = self.bulletin, self.phrases.shared(section)
        drawn = section is not None and bulletin.among_first(section, SITES)
        card = card_path(section.site.id) if section and drawn else INDEX
        picture = bulletin.address(self.prefix + card) if "posters" in bulletin.channels else ""
        return SharedLink(text, bulletin.address(self.prefix + path), picture)

    def chart(self, entry: Entry, section: Section, prefix: str = "") -> Markup | None:
        """Draw the evidence of an entry; None where there is none, or it is not worth drawing."""
        if entry.evidence_at is None or not may_be_charted(entry, section):
            return None
        days = (each for each in section.days if each.day == entry.forecast.event.day)
        day = next(days, None)
        if day is None or day.almanac is None:
            return None
        return charts.chart(
            entry.forecast,
            entry.evidence,
            day.almanac,
            self.words,
            self.language,
            self.bulletin.zone,
            prefix,
            drawn=self.drawn,
        )

    def hours(self, section: Section) -> Markup | None:
        """Draw the next two days of a site by the hour; None where they are not known."""
        forecasts = [entry.forecast for day in section.days for entry in day.entries]
        almanacs = [day.almanac for day in section.days if day.almanac is not None]
        prefix = f"hours-{section.site.id}"
        reader = charts.Reader(self.words, self.language, self.bulletin.zone, prefix, self.drawn)
        return charts.hour_strip(section.hours, forecasts, almanacs, reader)

    def site_map(self) -> Markup | None:
        """Draw where the sites lie, each with the chance of its next headline."""
        places = [
            charts.MapPlace(section.site, section.next.forecast if section.next else None)
            for section in self.bulletin.sections
        ]
        reader = charts.Reader(self.words, self.language, self.bulletin.zone, "map")
        return charts.site_map(places, reader)

    def scene(self, entry: Entry, prefix: str) -> Markup:
        """Draw the scene of an entry; empty where its forecast is not known."""
        return self._scene(entry, prefix, self.words)

    def backdrop(self, entry: Entry, prefix: str) -> Markup:
        """Draw the scene of an entry without words; empty where its forecast is not known."""
        return self._scene(entry, prefix, None)

    def _scene(self, entry: Entry, prefix: str, words: Words | None) -> Markup:
        name = ("-".join((*entry.forecast.event.key, prefix)), "scene")
        if name not in self.drawn:
            shown = scene_of(entry)
            self.drawn[name] = [] if shown is None else [painted(shown, prefix)], shown
        parts, shown = self.drawn[name]
        return Markup() if shown is None else scene(shown, words, prefix, parts[0])

    def strip(self, section: Section, phenomenon: str) -> Markup | None:
        """Draw one phenomenon over the days."""
        forecasts = [
            e.forecast
            for day in section.days
            for e in day.entries
            if e.forecast.event.phenomenon == phenomenon
        ]
        return charts.probability_strip(forecasts, self.words, self.language, self.bulletin.zone)
