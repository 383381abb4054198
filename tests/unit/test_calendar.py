"""Are the calendars valid, and does a subscriber learn what changed, what went and what was
withdrawn?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest

from products.bulletin import Bulletin
from products.channels import calendar
from products.confidence import as_usual
from products.marking import of_corrected, of_withdrawn
from products.pages import ics
from products.served import reader_of
from products.wording import Words
from tests.e2e.sample_bulletin import earlier_issues
from tests.unit.test_feeds import BASE, HOSTILE, WRONG, bulletin, config, written


def pages_of(made: Bulletin) -> dict[str, str]:
    return {page.path: str(page.body) for page in calendar.render(made)}


def events(page: str | bytes) -> dict[str, Any]:
    """Return the events by UID, as a calendar program reads them."""
    read = icalendar.Calendar.from_ical(page)
    assert not read.errors
    found = {str(event["UID"]): event for event in read.walk("VEVENT")}
    assert all(not event.errors for event in found.values())
    return found


def key_of(uid: str) -> tuple[str, ...]:
    return tuple(uid.partition("@")[0].split("-", 2))


@pytest.fixture(scope="module")
def made() -> Bulletin:
    return bulletin(config())


@pytest.fixture(scope="module")
def pages(made: Bulletin) -> dict[str, str]:
    return pages_of(made)


def test_every_calendar_is_read_by_a_program_and_keeps_the_rules_of_the_format(
    pages: dict[str, str],
) -> None:
    assert len(pages) == 3 * 3 * 2 * 2, "places, chances, with and without alarm, languages"
    for path, page in pages.items():
        lines = page.split("\r\n")
        read = icalendar.Calendar.from_ical(page)

        assert "\n" not in page.replace("\r\n", ""), path
        assert max(len(line.encode()) for line in lines) <= 75, path
        assert read.subcomponents, path
        assert {"VERSION", "PRODID", "NAME", "DESCRIPTION", "REFRESH-INTERVAL"} <= read.keys()
        assert read["REFRESH-INTERVAL"].dt == timedelta(hours=1)
        assert str(read["SOURCE"]) == f"{BASE}/{path}"
        for event in events(page).values():
            assert {"UID", "DTSTAMP", "SEQUENCE", "SUMMARY", "DTSTART", "DTEND"} <= event.keys()
            start, end = event["DTSTART"].dt, event["DTEND"].dt
            assert start < end
            if isinstance(start, datetime):
                assert (start.utcoffset(), start.second, end.second) == (timedelta(0), 0, 0)
            assert str(event["TRANSP"]) == "TRANSPARENT"


@pytest.mark.parametrize("percent", calendar.CHANCES)
def test_a_calendar_has_what_may_be_recommended_from_its_chance_on(
    made: Bulletin, pages: dict[str, str], percent: int
) -> None:
    wanted = {
        e.forecast.event.key
        for e in made.entries
        if e.recommended and e.forecast.probability >= percent / 100 and not as_usual(e.forecast)
        and e.forecast.event.phenomenon != "snowmaking"
    }  # fmt: skip

    found = events(pages[calendar.file_name("all", percent)])

    assert wanted
    assert {key_of(uid) for uid in found} == wanted
    assert not any(key[2] == "2026-11-24" for key in wanted), "dangerous weather"


def test_a_long_calendar_ends_after_its_nearest_times(
    made: Bulletin, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert calendar.LONGEST == 500
    whole = [e["DTSTART"].dt for e in events(pages_of(made)["calendar/all-30.ics"]).values()]
    monkeypatch.setattr(calendar, "LONGEST", 4)

    found = events(pages_of(made)["calendar/all-30.ics"])

    assert [e["DTSTART"].dt for e in found.values()] == sorted(whole)[:4]


def test_the_default_is_fifty_percent() -> None:
    assert (calendar.CHANCES, calendar.DEFAULT) == ((30, 50, 70), 50)
    assert calendar.file_name("all", 50) == "calendar/all.ics"
    assert calendar.file_name("lingshan", 70, True) == "calendar/lingshan-70-alarm.ics"


def test_a_sure_time_is_confirmed_and_another_is_tentative(
    made: Bulletin, pages: dict[str, str]
) -> None:
    sure = {e.forecast.event.key: e.forecast.confidence for e in made.entries}

    for uid, event in events(pages["calendar/all-30.ics"]).items():
        wanted = "CONFIRMED" if sure[key_of(uid)] == 3 else "TENTATIVE"  # type: ignore[index]
        assert str(event["STATUS"]) == wanted, uid


def test_an_alarm_rings_three_hours_before_and_for_a_morning_the_evening_before(
    made: Bulletin, pages: dict[str, str]
) -> None:
    found = events(pages["calendar/all-30-alarm.ics"]).values()
    seen = set()
    for event in found:
        (alarm,) = event.walk("VALARM")
        start = event["DTSTART"].dt
        rings = (start + alarm["TRIGGER"].dt).astimezone(made.zone)
        local = start.astimezone(made.zone)
        if local.hour < 12:
            assert (rings.hour, rings.date()) == (20, local.date() - timedelta(days=1))
        else:
            assert alarm["TRIGGER"].dt == -timedelta(hours=3)
        seen.add(local.hour < 12)
    assert seen == {True, False}


def test_an_alarm_before_a_whole_day_rings_the_evening_before() -> None:
    snow = bulletin(config(BASE, ("jiangshuihe",)))
    (section,) = snow.sections
    days = [
        replace(day, entries=tuple(replace(e, forecast=replace(e.forecast, best=None))
                                   for e in day.entries))
        for day in section.days
    ]  # fmt: skip

    made = replace(snow, sections=(replace(section, days=tuple(days)),))
    found = events(pages_of(made)["calendar/all-30-alarm.ics"])
    whole = [e for e in found.values() if not isinstance(e["DTSTART"].dt, datetime)]

    assert whole
    for event in whole:
        assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(days=1)
        assert isinstance(event["DTSTART"].dt, date)
        (alarm,) = event.walk("VALARM")
        assert alarm["TRIGGER"].dt == -timedelta(hours=4)


def test_sequence_rises_only_where_an_event_changes(tmp_path: Path, pages: dict[str, str]) -> None:
    later = replace(bulletin(config(), 2, chances=0.9), before=written(pages, tmp_path))

    before = events(pages["calendar/all-30.ics"])
    after = events(pages_of(later)["calendar/all-30.ics"])
    both = before.keys() & after.keys()

    assert {uid for uid in both if "starry_sky" in uid}
    assert {uid for uid in both if "glow" in uid}
    for uid in both:
        if "starry_sky" in uid:
            assert after[uid]["SEQUENCE"] == before[uid]["SEQUENCE"] + 7200, uid
            assert after[uid]["DTSTAMP"].dt > before[uid]["DTSTAMP"].dt
        else:
            assert after[uid] == before[uid], uid


def test_a_time_that_an_issue_no_longer_gives_is_cancelled_until_it_is_over(
    tmp_path: Path, pages: dict[str, str]
) -> None:
    fewer = replace(bulletin(config(), 2, chances=0.5), before=written(pages, tmp_path))
    made = pages_of(fewer)
    again = pages_of(replace(fewer, before=written(made, tmp_path / "again")))
    last = reader_of(tmp_path / "again", config())
    over = pages_of(replace(bulletin(config(), 24 * 5, chances=0.5), before=last))

    for path in ("calendar/lingshan.ics", "calendar/lingshan-alarm.ics"):
        found = events(made[path])
        gone = {uid: e for uid, e in found.items() if str(e["STATUS"]) == "CANCELLED"}
        assert [uid for uid in gone if "starry_sky" in uid]
        before = events(pages[path])
        for uid, event in gone.items():
            assert event["SEQUENCE"] > before[uid]["SEQUENCE"]
            assert event["DTSTART"] == before[uid]["DTSTART"]
            assert "%" not in str(event["SUMMARY"])
            assert not event.walk("VALARM")
        assert events(again[path]) == found
        assert not [e for uid, e in events(over[path]).items()
                    if uid in gone and str(e["STATUS"]) == "CANCELLED"
                    and e["DTEND"].dt < datetime(2026, 11, 27, 8, 10, tzinfo=UTC)]  # fmt: skip


def cancelled(pages: Mapping[str, str]) -> dict[str, str]:
    bodies = {path: page.encode() for path, page in pages.items()}
    return {p.path: str(p.body) for p in calendar.cancelled(bodies, WRONG, config())}


def test_each_event_of_a_withdrawn_issue_is_cancelled_and_says_why(pages: dict[str, str]) -> None:
    found = cancelled(pages)

    assert found.keys() == pages.keys()
    for path, page in found.items():
        before, after = events(pages[path]), events(page)
        to_come = {uid for uid, e in before.items() if e["DTEND"].dt > WRONG.at}
        assert after.keys() == to_come, path
        for uid, event in after.items():
            assert str(event["STATUS"]) == "CANCELLED"
            assert event["SEQUENCE"] > before[uid]["SEQUENCE"]
            assert "%" not in str(event["SUMMARY"]) + str(event["DESCRIPTION"])
            assert "有误" in str(event["DESCRIPTION"])
        assert "有误" in str(icalendar.Calendar.from_ical(page)["DESCRIPTION"])


def test_the_next_issue_gives_the_times_again(pages: dict[str, str], tmp_path: Path) -> None:
    withdrawn = cancelled(pages)
    after = replace(bulletin(config(), 3), before=written(withdrawn, tmp_path))

    found = events(pages_of(after)["calendar/all.ics"])
    before = events(withdrawn["calendar/all.ics"])

    assert found
    for uid, event in found.items():
        assert str(event["STATUS"]) in ("CONFIRMED", "TENTATIVE")
        assert event["SEQUENCE"] > before[uid]["SEQUENCE"]


def test_an_archived_calendar_says_what_became_of_its_issue(pages: dict[str, str]) -> None:
    words, page = Words("zh", config().zone), pages["calendar/all.ics"].encode()

    corrected = calendar.mark("", page, of_corrected(earlier_issues()[0], "云顶有误"), words)
    withdrawn = calendar.mark("", page, of_withdrawn(WRONG), words)

    assert corrected is not None
    assert withdrawn is not None
    assert "云顶有误" in str(icalendar.Calendar.from_ical(corrected)["DESCRIPTION"])
    assert {str(e["STATUS"]) for e in events(withdrawn).values()} == {"CANCELLED"}
    assert events(corrected) == events(page)


def test_a_calendar_before_that_is_none_is_left_alone(tmp_path: Path) -> None:
    broken = {"calendar/all.ics": "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\nEND"}
    made = replace(bulletin(config()), before=written(broken, tmp_path))

    assert pages_of(made) == pages_of(bulletin(config()))


def test_a_calendar_without_a_time_is_still_valid(made: Bulletin) -> None:
    none = {page.path: page for page in calendar.render(replace(made, sections=()))}

    page = str(none["calendar/all.ics"].body)
    assert icalendar.Calendar.from_ical(page).walk("VTIMEZONE")
    assert events(page) == {}


@pytest.mark.parametrize("value", [HOSTILE, "a,b;c\\d\ne", "灵" * 60, "\N{SNOWMAN}x" * 40, ""])
def test_a_text_is_read_back_as_it_was_written(value: str) -> None:
    line = ics.text_line("SUMMARY", value)
    page = ics.calendar([ics.Line("VERSION", "2.0"), ics.Line("PRODID", "-//x//EN")], [[line]])

    (event,) = icalendar.Calendar.from_ical(page).walk("VEVENT")

    assert str(event["SUMMARY"]) == value.replace("\x07", "")
    assert all(len(part.encode()) <= 75 for part in page.split("\r\n"))
    assert next(ics.events(page)) == (line,)
    assert ics.head(page)[0].value == "2.0"
