"""Does the home page stay small with many sites, and does a list have them all?"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from products.bulletin import Bulletin
from products.pages import site_list
from products.pages.renderer import PageRenderer
from products.sections import MOST_SHOWN
from tests.unit.test_feeds import bulletin, config

ELEMENT = re.compile(r"<[a-z]")


def many(count: int) -> Bulletin:
    """Return the sample's bulletin with its sites repeated under other names."""
    made = bulletin(config())
    sections = [
        replace(section, site=replace(section.site, id=f"{section.site.id}_{number}"))
        for number in range(count // len(made.sections))
        for section in made.sections
    ]
    return replace(made, sections=tuple(sections))


@pytest.mark.parametrize("count", [MOST_SHOWN + 2, 120])
def test_the_home_page_has_at_most_1500_elements_whatever_the_number_of_sites(count: int) -> None:
    page = str(
        PageRenderer(many(count), "en").page("web/index.html", "index.html", how_often="").body
    )

    assert len(ELEMENT.findall(page)) <= 1500
    assert f"All {count} sites" in page


def test_every_site_is_a_plain_link_of_one_page_of_the_list() -> None:
    made = many(120)

    pages = list(site_list.pages(made, PageRenderer(made, "zh")))

    lists = [str(page.body) for page in pages if page.path.endswith(".html")]
    linked = [
        id for page in lists for id in re.findall(r'<th scope="row"><a href="([^"/]+)/', page)
    ]
    assert len(lists) == 3
    assert sorted(linked) == sorted(made.site_ids)
    assert all(len(ELEMENT.findall(page)) <= 1500 for page in lists)
    names = next(str(page.body) for page in pages if page.path == site_list.NAMES)
    assert all(f'"{id}"' in names for id in made.site_ids)


def test_with_few_sites_there_is_no_list() -> None:
    made = many(MOST_SHOWN)

    assert not list(site_list.pages(made, PageRenderer(made, "zh")))
    assert made.home_sections == made.sections
