"""Does the calendar of a site say what came, and what is forecast, on the right days?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from forecast.verification import EventMark
from products.bulletin import Bulletin
from products.pages.calendar import weeks
from products.pages.renderer import PageRenderer
from tests.e2e.sample_bulletin import sample_bulletin

TODAY = date(2026, 11, 22)  # a Sunday


class Records:
    """Stands for a verification with one record of marks."""

    def __init__(self, phenomenon: str, marks: tuple[EventMark, ...]) -> None:
        record: Any = type("Record", (), {"phenomenon": phenomenon, "marks": marks})
        self.records, self.events = (record,), len(marks)


@pytest.fixture(scope="module")
def bulletin() -> Bulletin:
    found = sample_bulletin()
    site = found.sections[0].site
    marks = tuple(
        EventMark(site.id, TODAY - timedelta(days=back), forecast, observed)
        for back, forecast, observed in ((1, True, True), (2, True, False), (9, False, True))
    )
    verification: Any = Records(site.headline, marks)
    return replace(found, verification=verification)


def test_the_weeks_begin_on_monday_and_hold_every_day_once(bulletin: Bulletin) -> None:
    found = weeks(bulletin, bulletin.sections[0])
    days = [day.day for week in found for day in week]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert all(week[0].day.weekday() == 0 and len(week) == 7 for week in found)
    assert days[0] <= TODAY - timedelta(days=28)
    assert days[-1] >= bulletin.days[-1]


def test_past_days_have_what_came_and_coming_ones_their_chance(bulletin: Bulletin) -> None:
    section = bulletin.sections[0]
    of_day = {day.day: day for week in weeks(bulletin, section) for day in week}
    kinds = {back: of_day[TODAY - timedelta(days=back)].kind for back in (1, 2, 3, 9)}
    assert kinds == {1: "hits", 2: "false_alarms", 3: "", 9: "misses"}
    for day in section.days:
        assert of_day[day.day].entry is day.headline
        assert not of_day[day.day].past
    assert of_day[TODAY - timedelta(days=1)].entry is None


def test_without_outcomes_there_is_no_calendar() -> None:
    found = sample_bulletin()
    assert weeks(found, found.sections[0]) == ()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_calendar_stands_on_the_page_of_its_site(bulletin: Bulletin, language: str) -> None:
    first, second = bulletin.sections[:2]
    path = f"sites/{first.site.id}/index.html"
    pages = [
        str(PageRenderer(bulletin, language).page("web/site.html", path, section=section).body)
        for section in (first, second)
    ]
    assert '<table class="month">' in pages[0]
    assert '<table class="month">' not in pages[1]
