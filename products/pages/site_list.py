"""The pages that list all sites, where the home page has only the best of many.

Every site stands there as a plain link, by place; a script finds it by its name in a small file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from products.bulletin import Bulletin
from products.pages.json_page import json_page
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.sections import Section

A_PAGE = 50  # sites of a page of the list
FIRST, NAMES = "sites/index.html", "sites/names.json"
SCHEMA = "skyscape.names/1"


def list_path(number: int) -> str:
    """Return the path of a page of the list, from 1 on, as in the first language."""
    return FIRST if number == 1 else f"sites/{number}.html"


def pages(bulletin: Bulletin, renderer: PageRenderer) -> Iterator[Page]:
    """Yield the pages of the list and the names; none where the home page has every site."""
    if not bulletin.listed:
        return
    words = renderer.words
    ordered = sorted(bulletin.sections, key=lambda s: (words.name(s.site.place), s.site.name.zh))
    parts = [ordered[at : at + A_PAGE] for at in range(0, len(ordered), A_PAGE)]
    numbers = [(number, _span(part, renderer)) for number, part in enumerate(parts, 1)]
    for number, part in enumerate(parts, 1):
        yield renderer.page(
            "web/sites.html", list_path(number), shown=part, number=number, numbers=numbers,
            list_path=list_path,
        )  # fmt: skip
    names = [[s.site.id, words.name(s.site.title), words.name(s.site.place)] for s in ordered]
    yield json_page(renderer.prefix + NAMES, {"schema": SCHEMA, "sites": names})


def _span(part: Sequence[Section], renderer: PageRenderer) -> str:
    """Return the first and the last place of a page of the list."""
    places = [renderer.words.name(section.site.place) for section in part]
    first, last = places[0], places[-1]
    return first if first == last else renderer.words("time.days_span", first=first, last=last)
