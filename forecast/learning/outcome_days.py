"""The day of an event in an outcome table: days, times of night, and headings that name a zone.

A night belongs to the day on which it begins: 02:30 on the 21st is the night of the 20th. A time
that no event of the phenomenon contains, and a night or a sunrise that does not exist (polar
summer), are refused. Where a cell can be read in two ways, the refusal asks which is meant.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from forecast.domain import Almanac, Site
from forecast.learning.outcome_cells import Refused, plain
from forecast.observations.formats.collector import quoted
from forecast.observations.formats.zone_comments import commented_zone
from forecast.observations.formats.zones import same_zone, zone_of
from forecast.science import almanac

EARLIEST = date(1950, 1, 1)
NIGHTS = ("starry_sky",)  # phenomena whose event is a night
# phenomenon -> the sun's event around which it lies, and hours before and after that are believed
SUN_EVENTS = {
    "sunset_glow": ("sunset", 2.0, 2.0),
    "sunrise_glow": ("sunrise", 2.0, 2.0),
    "sunrise": ("sunrise", 2.0, 3.0),
    "sea_of_clouds": ("sunrise", 4.0, 6.0),
}
WORDS_OF = {"sunset": "the sun does not set", "sunrise": "the sun does not rise"}

_DAY = r"(?:(\d{4})(\d{2})(\d{2})|(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})\u65e5?)"
_CLOCK = (
    r"(?:(\d{1,2})(?::|\u65f6|\u70b9|\u6642)(?:(\d{1,2})(?:\u5206|:(\d{2})(?:\.\d+)?)?)?"
    r"|(\d{2})(\d{2}))"
)
_ZONE = r"([^\d\s:.].*)"
_MOMENT = re.compile(rf"{_DAY}(?:[T\s]\s*{_CLOCK}\s*{_ZONE}?)?", re.IGNORECASE)
_TIME = re.compile(rf"{_CLOCK}\s*{_ZONE}?", re.IGNORECASE)
_HALF_DAY = re.compile(r"[ap]\.?m\.?", re.IGNORECASE)
_LOCAL = timezone(timedelta(0), "local")  # stands for the service's clock
# A heading of numbers that look like times: 0230.
NUMBERED = re.compile(r"(?<![a-z])(id|no|nr|num|number|code)(?![a-z])|\u53f7|\u7801")
# Words in a heading that is not known: it may hold the time of an event.
TIMELIKE = re.compile(
    r"time|hour|clock|o_clock|\u65f6\u95f4|\u65f6\u523b|\u65f6\u6bb5|\u51e0\u70b9|\u949f"
)


# What can only be a time of day, perhaps behind a day, whatever the column is called.
_CERTAIN = re.compile(
    rf"(?:{_DAY}[T\s]\s*)?(?:[\u4e00-\u9fff]{{0,4}}\s*)"
    r"(?:(?:[01]?\d|2[0-4])\s*[:h]\s*[0-5]\d(?::[0-5]\d)?|0\d[0-5]\d"
    r"|\d{1,2}\s*(?:\u65f6|\u70b9|\u6642)(?:\s*\d{1,2}\s*\u5206?|\u534a|\u8bb8)?"
    r"|\d{1,2}\s*(?=[ap]\.?m)|midnight|\u534a\u591c|\u5348\u591c|\u51cc\u6668)"
    r"\s*(?:[ap]\.?m\.?|uhr|z|utc|gmt|bjt)?"
    r"(?:\s*[-\u2013~\u81f3\u5230].*)?",
    re.IGNORECASE,
)


def is_day(cell: str) -> bool:
    """Return whether a cell holds a day, without a time."""
    return bool(re.fullmatch(_DAY, plain(cell)))


def is_time(cell: str) -> bool:
    """Return whether a cell holds a time of day, or a span of them, and nothing else."""
    text = plain(cell)
    return 0 < len(text) <= 40 and bool(_CERTAIN.fullmatch(text))


def zone_of_comments(comments: Sequence[tuple[int, str]], local: tzinfo) -> tzinfo | None:
    """Return the zone that comments (line, text) name; None: none, or the clock's own.

    Raises: Refused.
    """
    found: tzinfo | None = None
    for line, text in comments:
        try:
            named = commented_zone(text, local)
        except ValueError as error:
            raise Refused(f"line {line}, {quoted(text, 40)}: {error}") from None
        if None not in (named, found) and str(named) != str(found):
            raise Refused(f"line {line}, {quoted(text, 40)}: another comment names another zone")
        found = named or found
    return None if found is None or same_zone(found, local) else found


def zone_named(text: str) -> tzinfo | None:
    """Return the zone that a heading or a cell names; None for the service's own.

    Raises: ValueError where it names none that is understood.
    """
    found = zone_of(text, _LOCAL)
    return None if found is _LOCAL else found


@dataclass(frozen=True, slots=True)
class TimeWritten:
    """What the cells of a row say of when: a day, and perhaps a time of day.

    clock: None where only a day is given. apart: the time stands in a column of its own, so that it
    is not known whether the day is the night's or the clock's. night: the heading says that the day
    is the one on which the night begins.
    """

    day: date
    clock: time | None = None
    zone: tzinfo | None = None
    apart: bool = False
    night: bool = False


def read_moment(
    cell: str, clock: str = "", zone: tzinfo | None = None, night: bool = False
) -> TimeWritten:
    """Return what a cell of a day, and one of a time of day where there is one, say.

    zone: that the heading names. Raises: Refused.
    """
    text = plain(cell)
    found = _MOMENT.fullmatch(text) if text and len(text) <= 40 else None
    try:
        day = date(*(int(part) for part in found.groups()[:6] if part)) if found else None
    except ValueError:
        day = None
    if found is None or day is None:
        raise Refused(
            f"day: {quoted(cell)} is not a day; write 2026-11-22, or 2026-11-22 02:30 with a time"
        )
    groups = found.groups()[6:]
    apart = False
    if clock.strip():
        if any(groups):
            raise Refused("day: a time stands in it, and another in the column of the time")
        timed = _TIME.fullmatch(plain(clock))
        if timed is None:
            raise Refused(f"time: {quoted(clock)} is not a time of day; write 02:30, of 24 hours")
        groups, apart = timed.groups(), True
    if not any(groups):
        if zone is not None:
            raise Refused(
                "day: its heading names a zone and the cell no time: which local day is meant? "
                "Write the local day under `day`, or the time as well"
            )
        return TimeWritten(day, night=night)
    return _with_clock(day, groups, zone, apart, night, clock or cell)


def _with_clock(
    day: date,
    groups: Sequence[str | None],
    zone: tzinfo | None,
    apart: bool,
    night: bool,
    cell: str,
) -> TimeWritten:
    hour, minute, second, plain_hour, plain_minute, named = groups
    numbers = [int(part or 0) for part in (hour or plain_hour, minute or plain_minute, second)]
    if numbers == [24, 0, 0]:
        day, numbers = day + timedelta(days=1), [0, 0, 0]
    try:
        clock = time(numbers[0], numbers[1], numbers[2])
    except ValueError:
        raise Refused(f"day: {quoted(cell)} is not a time of day; write 02:30") from None
    if named:
        zone = _cell_zone(named)
    return TimeWritten(day, clock, zone, apart, night)


def _cell_zone(text: str) -> tzinfo | None:
    """Return the zone behind a time. Raises: Refused."""
    if _HALF_DAY.fullmatch(text):
        raise Refused(f"day: {quoted(text)} behind a time: write the time of 24 hours, 14:30")
    try:
        return zone_named(text)
    except ValueError as error:
        raise Refused(f"day: {quoted(text)} behind a time: {error}") from None


class EventDays:
    """The local days to which moments belong, at sites under a clock."""

    def __init__(self, sites: Sequence[Site], zone: tzinfo, today: date) -> None:
        self._sites = {site.id: site for site in sites}
        self._zone = zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")
        self._today = today
        self._months: dict[tuple[str, int, int], dict[tuple[str, date], Almanac]] = {}

    def day(self, moment: TimeWritten, site: str, phenomenon: str) -> date:
        """Return the day of the event that a moment means. Raises: Refused."""
        local, midnight = moment, moment.clock == time(0) and moment.zone is None
        if moment.clock is not None and moment.zone is not None:
            here = datetime.combine(moment.day, moment.clock, moment.zone).astimezone(self._zone)
            local = TimeWritten(here.date(), here.time(), None, moment.apart, moment.night)
        if local.clock is None or (midnight and phenomenon not in NIGHTS and not moment.apart):
            day = local.day  # a spreadsheet writes a day as its midnight
        elif phenomenon in NIGHTS:
            day = self._night(local, site)
        else:
            day = local.day
        if not EARLIEST <= day <= self._today:
            where = "in the future" if day > self._today else f"before {EARLIEST.year}"
            raise Refused(f"day: {day.isoformat()} lies {where}")
        self._check_existence(day, site, phenomenon)
        if local.clock is not None and not midnight and phenomenon in SUN_EVENTS:
            self._check_time(day, local.clock, site, phenomenon)
        return day

    def begun(self, seen: datetime, site: str, phenomenon: str) -> tuple[date, datetime] | None:
        """Return the day of the newest event that has begun at `seen`, and when it began.

        A night begins at sunset, an event of the sun some hours before it (SUN_EVENTS), anything
        else with its day. None where none began on the day of `seen` or the day before.
        """
        today = seen.astimezone(self._zone).date()
        for day in (today, today - timedelta(days=1)):
            found = self.almanac(site, day)
            begin = found.sunset if phenomenon in NIGHTS else found.day_start
            if phenomenon in SUN_EVENTS:
                event, before, _ = SUN_EVENTS[phenomenon]
                centre = getattr(found, event)
                begin = None if centre is None else centre - timedelta(hours=before)
            if begin is not None and begin <= seen:
                return day, begin
        return None

    def decisive(self, day: date, site: str, phenomenon: str) -> datetime | None:
        """Return the moment of a day before which nobody can say that an event did not come.

        Sunrise or sunset of an event of the sun, else the middle of the night or of the day. None
        where the sun does not rise or set, or it does not get dark.
        """
        found = self.almanac(site, day)
        if phenomenon in SUN_EVENTS:
            moment: datetime | None = getattr(found, SUN_EVENTS[phenomenon][0])
            if phenomenon == "sunrise":  # terrain may show the sun late
                moment = found.terrain_sunrise or moment
            return moment
        begin: datetime | None = found.day_start
        end: datetime | None = found.day_end
        if phenomenon in NIGHTS:
            begin, end = found.astronomical_dusk, found.astronomical_dawn
        return None if begin is None or end is None else begin + (end - begin) / 2

    def _night(self, local: TimeWritten, site: str) -> date:
        """Return the day on which the night of a local time begins."""
        clock, before = local.clock, local.day - timedelta(days=1)
        assert clock is not None
        evening = clock >= time(12)
        if not evening and local.night:
            return local.day
        if not evening and local.apart:
            raise Refused(
                f"day: {clock:%H:%M} beside {local.day}: is it the night that began on {before} "
                f"or on {local.day}? Write {local.day} {clock:%H:%M} as one cell for the clock's "
                "day, or call the column `night` for the day on which the night began"
            )
        if clock == time(0) and not local.night:
            raise Refused(
                f"day: {local.day} 00:00: is it a day without a time, or the midnight of the night "
                f"that began on {before}? Write the day on which the night began, without a time"
            )
        day = local.day if evening else before
        begin, end = self._dark(day, site)
        moment = datetime.combine(local.day, clock, self._zone)
        if begin is not None and end is not None and not begin <= moment <= end:
            raise Refused(
                f"day: {local.day} {clock:%H:%M} is not at night: the sun sets at "
                f"{begin.astimezone(self._zone):%H:%M} and rises at "
                f"{end.astimezone(self._zone):%H:%M}"
            )
        return day

    def _dark(self, day: date, site: str) -> tuple[datetime | None, datetime | None]:
        """Return sunset of `day` and the sunrise after it."""
        return self.almanac(site, day).sunset, self.almanac(site, day + timedelta(days=1)).sunrise

    def _check_existence(self, day: date, site: str, phenomenon: str) -> None:
        """Raise Refused where the day has no such event: no dark night, no sunrise, no sunset."""
        if abs(self._sites[site].latitude) < 48:  # every night is dark, every day has a sun
            return
        found = self.almanac(site, day)
        if phenomenon in NIGHTS and (
            found.astronomical_dusk is None or found.astronomical_dawn is None
        ):
            raise Refused(
                f"day: the night of {day} does not get dark at {site} (the sun stays above -18 "
                "degrees): no starry sky is forecast for it"
            )
        event = SUN_EVENTS.get(phenomenon, ("", 0, 0))[0]
        if event and getattr(found, event) is None:
            raise Refused(f"day: {WORDS_OF[event]} at {site} on {day}")

    def _check_time(self, day: date, clock: time, site: str, phenomenon: str) -> None:
        """Raise Refused where a time lies far from the event of its day."""
        event, before, after = SUN_EVENTS[phenomenon]
        centre = getattr(self.almanac(site, day), event)
        moment = datetime.combine(day, clock, self._zone)
        if centre is None or not (
            centre - timedelta(hours=before) <= moment <= centre + timedelta(hours=after)
        ):
            when = "" if centre is None else f", which is at {centre.astimezone(self._zone):%H:%M}"
            raise Refused(
                f"day: {day} {clock:%H:%M} is not near the {event} of that day{when}: which "
                f"{phenomenon} is meant? Write its day without a time"
            )

    def almanac(self, site: str, day: date) -> Almanac:
        """Return the almanac of a day; a month is computed at once."""
        key = (site, day.year, day.month)
        if key not in self._months:
            count = calendar.monthrange(day.year, day.month)[1]
            days = [date(day.year, day.month, number) for number in range(1, count + 1)]
            self._months[key] = almanac.almanacs([self._sites[site]], days, self._zone)
        return self._months[key][site, day]
