"""Screens at the sites: one page a site, and the status that a screen reads every few minutes.

display/<site>.png is the first face as a picture, for players that take pictures; of the first
SITES sites, as the posters. display/package.zip holds the written screens with their parts, for
players that take packages; its index.html is the screen of the first site. Opened from a file a
screen only watches the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from forecast.config import Config
from forecast.domain import Issue
from forecast.review import Withdrawal
from products import withdrawn as withdrawn_pages
from products.bulletin import Bulletin
from products.channels import api
from products.drawing.card import SITES
from products.drawing.still import HEIGHT, WIDTH, still
from products.drawing.withdrawal import stamped, withdrawn_pictures
from products.faces import faceless, faces
from products.marking import Mark, marked
from products.package import package, repacked
from products.pages import screen
from products.pages.renderer import PageRenderer
from products.pages.templating import Page, static_pages
from products.sections import Section
from products.wording import LANGUAGES, Words

TEMPLATE, WITHDRAWN = "display/screen.html", "display/withdrawn.html"
PACKAGE, INDEX = "display/package.zip", "index.html"
PACKED = tuple(f"static/{name}" for name in ("display.css", "display.js", "live.js", "mark.svg"))


def render(bulletin: Bulletin) -> Iterator[Page]:
    packed, among = [], screen.likeliest(bulletin)
    for language in LANGUAGES:
        renderer = PageRenderer(bulletin, language)
        for section in bulletin.written_sections:
            shown = _values(bulletin, section, among)
            packed.append(renderer.page(TEMPLATE, f"display/{section.site.id}.html", **shown))
            yield packed[-1]
        for section in bulletin.sections[:SITES]:
            path = f"{renderer.prefix}display/{section.site.id}.png"
            yield Page(path, still(section, bulletin, language).png())
        first = _values(bulletin, bulletin.sections[0], among)
        packed.append(renderer.page(TEMPLATE, INDEX, **first))
    yield _package(packed)
    yield from static_pages()
    yield api.status_page(bulletin)


def site_pages(bulletin: Bulletin, section: Section) -> Iterator[Page]:
    """Yield the screen of one site in each language."""
    shown = _values(bulletin, section, screen.likeliest(bulletin))
    for language in LANGUAGES:
        path = f"display/{section.site.id}.html"
        yield PageRenderer(bulletin, language).page(TEMPLATE, path, **shown)


def withdrawn(issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield the status by which screens learn of a withdrawal, and what says so as files."""
    yield api.withdrawn_status(issue, withdrawal)
    written = config.all_sites()[: config.output.static_sites]
    paths = [f"display/{site.id}.html" for site in written] + [INDEX]
    paths += [f"en/{path}" for path in paths]
    yield _package(
        [withdrawn_pages.page(WITHDRAWN, path, issue, withdrawal, config) for path in paths]
    )
    sites = config.all_sites()[:SITES]
    stills = {f"display/{site.id}.png": (site.name, (WIDTH, HEIGHT)) for site in sites}
    for path, draw in withdrawn_pictures(stills, issue, withdrawal, config):
        yield Page(path, draw().png())


def mark(path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return an archived page with its mark; of a package each of its pages."""
    if path.endswith(".png"):
        return stamped(page, mark, words)
    if path == PACKAGE:
        return repacked(page, lambda name, body: marked(name, "display", body, mark, words.zone))
    return api.mark(path, page, mark, words) if path.startswith("api/") else None


def _values(bulletin: Bulletin, section: Section, among: Sequence[Section]) -> dict[str, Any]:
    """Return what the template of a screen shows of a site. among: the likeliest ones."""
    return {
        "section": section,
        "faces": faces(section),
        "faceless": faceless(section),
        "hours": screen.night_hours(section),
        "others": screen.other_sites(bulletin, section, among),
    }


def _package(pages: list[Page]) -> Page:
    return package(PACKAGE, pages + [page for page in static_pages() if page.path in PACKED])
