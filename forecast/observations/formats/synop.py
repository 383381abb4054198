"""SYNOP: surface reports as FM-12 text, alone or in bulletins.

Read are, of section 1, visibility, cloud, wind, temperatures, humidity, pressures, precipitation
and weather; of section 3, snow depth (4), precipitation (6), cloud layers (8), hourly sunshine
(553) and gusts (910, 911); of section 4, cloud below the station. A class that is open to one side
is read as its bound; one with two bounds as the lower. Reports of ships (BBXX) and mobile stations
(OOXX), which have no fixed place, are rejected.

Source: WMO-No. 306 (2019), vol. I.1, FM 12-XIV and code tables 1600, 1677, 1819, 1855, 1860, 2700,
3590, 3889, 4019, 4377.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from forecast.observations.formats.collector import (
    Collector,
    ParseContext,
    Parsed,
    bulletin_text,
    quoted,
)
from forecast.observations.formats.synop_bounds import (
    NATIONAL,
    concealed,
    divided,
    is_supplement,
    lost_groups,
    opens_supplement,
    repeats,
)
from forecast.observations.formats.synop_codes import (
    BASES,
    InvalidGroup,
    cover,
    layer_height,
    pressure,
    rainfall,
    temperature,
    visibility,
)

FORM = "synop"
KNOT = 1852 / 3600  # [m s-1]
HOURLY = "5"  # tR: the hour before
AHEAD = timedelta(hours=12)  # by which a report may be later than its receipt: clocks differ
LONGEST, MOST_WORDS = 200, 20_000  # words of a report, and of those between two `=`
HEIGHTS = "12578"  # a3 of 4a3hhh, code table 0264: the height of 1000, 925, 500, 700, 850 hPa
OPENINGS = ("AAXX", "BBXX", "OOXX")

_END = re.compile(r"[=;]")  # of a report
_RULE = re.compile(r"\s*[-_*~\u2010-\u2015\u2500\u2501]+\s*")  # a line between reports
_DAY = re.compile(r"(\d\d)(\d\d)([0134/])")
_GROUP = re.compile(r"[0-9/]{5}$")
_STATION = re.compile(r"\d{5}$")


@dataclass(slots=True)
class _SynopReport:
    """One report as it is read, group by group."""

    knots: bool
    wind_known: bool
    values: dict[str, float] = field(default_factory=dict)
    dry: bool = False
    automatic: bool = False  # weather by code table 4680
    class_base: float | None = None
    bases: list[float] = field(default_factory=list)
    below: list[tuple[float, float | None]] = field(default_factory=list)
    gusts: dict[str, float] = field(default_factory=dict)
    gust_follows: bool = False  # 00fff gives the speed of ff 99

    def speed(self, code: str) -> float:
        return int(code) * (KNOT if self.knots else 1.0)


def parse(data: bytes, name: str, context: ParseContext | None = None) -> Parsed:
    """Return the reports of `data`; a fault's line is the first one of its report.

    A report has only its day and hour: month and year come from `context.received`.
    """
    context = context or ParseContext()
    collector = Collector(name, FORM, context.limits)
    if context.received is None:
        collector.fault(0, "a SYNOP has its day only: the time of receipt is needed")
        return collector.parsed()
    reader = _Bulletin(context.received, collector, context.stations)
    last = 0
    for number, text in collector.lines(bulletin_text(data)):
        if number > last + 1:
            reader.pass_blank_line()
        last = number
        for word in ["="] if _RULE.fullmatch(text) else _END.sub(" = ", text).split():
            reader.take(word, number)
    reader.end()
    if not reader.opened:
        collector.fault(0, "no AAXX opens the reports: is this SYNOP?")
    return collector.parsed()


class _Bulletin:
    """Reads a file word by word.

    A report ends at `=` or `;`, at a line of dashes, at the next AAXX, BBXX or OOXX, or where
    another one begins (divided); a blank line is evidence that one does.
    """

    def __init__(
        self, received: datetime, collector: Collector, known: Collection[str] = ()
    ) -> None:
        self.opened = False
        self._received, self._collector, self._known = received, collector, known
        self._dating = False  # the next word is YYGGiw
        self._moment: datetime | None = None  # of the reports that follow; None: they are not read
        self._unit = "/"
        self._report: list[str] = []
        self._lines: list[int] = []  # of the words
        self._apart: set[int] = set()  # places of the words behind a blank line

    def take(self, word: str, line: int) -> None:
        """Read one more word."""
        if word in OPENINGS:
            self.end()
            self.opened, self._dating, self._moment = True, word == "AAXX", None
            if not self._dating:
                self._collector.fault(
                    line,
                    f"{word}: ships and mobile stations have no fixed place: rejected",
                    once=word,
                )
        elif self._dating:
            self._dating = False
            self._date(word, line)
        elif word == "=":
            self.end()
        elif self._moment is not None and len(self._report) <= MOST_WORDS:
            self._report.append(word)
            self._lines.append(line)

    def pass_blank_line(self) -> None:
        """Remember that the next word stands behind a blank line."""
        self._apart.add(len(self._report))

    def _date(self, word: str, line: int) -> None:
        found = _DAY.fullmatch(word)
        if not found:
            self._collector.fault(
                line,
                "AAXX is not followed by day, hour and unit of wind (YYGGiw): "
                "its reports are rejected",
            )
            return
        try:
            self._moment, self._unit = (
                report_time(int(found[1]), int(found[2]), self._received),
                found[3],
            )
        except ValueError as error:
            self._collector.fault(line, f"{error}: its reports are rejected")

    def end(self) -> None:
        """Finish the current report, if there is one, and those that it was not closed before."""
        if self._report and self._moment is not None:
            openers = [
                place for place, (one, two) in enumerate(pairwise(self._lines), 1) if one != two
            ]
            reports, at = divided(self._report, openers, self._known, self._apart), 0
            for number, words in enumerate(reports):
                line = self._lines[at]
                at += len(words)
                cut = number + 1 < len(reports) and at not in self._apart
                if cut and not _is_heading(words):
                    self._collector.fault(
                        line,
                        f"station {quoted(words[0], 10)[1:-1]}: no = ends its report before "
                        f"{quoted(reports[number + 1][0], 10)[1:-1]}: it is cut there",
                    )
                _read_report(words, self._unit, self._moment, line, self._collector)
        self._report, self._lines, self._apart = [], [], set()


def report_time(day: int, hour: int, received: datetime, minute: int = 0) -> datetime:
    """Return the latest time with this day and hour that is not later than `received` + 12 h.

    Raises: ValueError where none of the last months has this day.
    """
    latest = received.astimezone(UTC) + AHEAD
    month = latest.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(3):
        try:
            moment = month.replace(day=day, hour=hour, minute=minute)
        except ValueError:
            moment = None
        if moment is not None and moment <= latest:
            return moment
        month = (month - timedelta(days=1)).replace(day=1)
    raise ValueError(f"day {day:02d}, hour {hour:02d} is not a time of a report")


def _read_report(
    words: Sequence[str], unit: str, moment: datetime, line: int, collector: Collector
) -> None:
    """Read one report: words between two `=`."""
    station = words[0]
    if not _STATION.match(station):
        if _is_heading(words):
            return
        collector.fault(line, f"{quoted(station)} is not a station number (IIiii)")
        return
    if "NIL" in words[1:3]:
        return
    if len(words) < 3 or len(words) > LONGEST:
        collector.fault(
            line,
            f"station {station}: {len(words)} groups, expected 3 to {LONGEST}: "
            "the report is rejected",
        )
        return
    report = _SynopReport(knots=unit in "34", wind_known=unit in "0134")
    lost, words = lost_groups(words)
    if lost:
        collector.fault(line, f"station {station}: {lost}")
    _read_first(words, report, station, line, collector)
    if hidden := concealed(words):
        collector.fault(
            line,
            f"station {station}: {words[hidden]} in its last section may begin another report "
            "without an = before it: it and the rest are not read",
        )
        words = words[:hidden]
    _sections(words[3:], report, station, line, collector)
    collector.add(station, moment, _finished(report), line)


def _read_first(
    words: Sequence[str], report: _SynopReport, station: str, line: int, collector: Collector
) -> None:
    """Read iRixhVV and Nddff; "" stands for one that is lost."""
    for word, reader, name in ((words[1], _first, "iRixhVV"), (words[2], _second, "Nddff")):
        if _GROUP.match(word):
            _guarded(reader, report, word, station, line, collector)
        elif word:
            collector.fault(
                line,
                f"station {station}: {quoted(word)} in the place of {name} is not five digits: "
                "ignored",
            )


def _is_heading(words: Sequence[str]) -> bool:
    """Return whether the words are a bulletin's heading or end, and no report."""
    return (
        len(words) <= 4
        and all(re.fullmatch(r"[A-Z0-9/]{1,10}", word) for word in words)
        and (not _STATION.match(words[0]))
    )


def _sections(
    words: Sequence[str], report: _SynopReport, station: str, line: int, collector: Collector
) -> None:
    """Read the groups after Nddff; those from a repeated group on belong to no known station."""
    section, read, supplement = "1", set[str](), False
    for word in words:
        if word in ("333", "444", "555", "666"):
            section, supplement = word[0], False
        elif section == "1" and len(word) == 5 and word.startswith("222"):
            section = "2"
        elif section == "3" and word == NATIONAL:
            section = "5"
        elif section in READERS:
            if not _GROUP.match(word):
                collector.fault(
                    line,
                    f"station {station}: group {quoted(word)} of section {section} "
                    "is not five digits: ignored",
                )
                continue
            if section == "3" and is_supplement(word, supplement):
                continue
            if repeats(section, word, read):
                collector.fault(
                    line,
                    f"station {station}: a second group {word[0]}.... of section {section}, "
                    f"{word}: it may be another station's: it and the rest are not read",
                )
                return
            _guarded(READERS[section], report, word, station, line, collector)
            supplement = supplement or opens_supplement(word)


def _guarded(
    reader: Callable[[_SynopReport, str], None],
    report: _SynopReport,
    group: str,
    station: str,
    line: int,
    collector: Collector,
) -> None:
    """Read a group with `reader`; an invalid one is ignored, with the reason."""
    try:
        reader(report, group)
    except InvalidGroup as error:
        collector.fault(line, f"station {station}: group {group}: {error}: ignored")


def _known(code: str) -> bool:
    return "/" not in code


def _first(report: _SynopReport, group: str) -> None:
    """Read iRixhVV."""
    report.dry = group[0] == "3"
    report.automatic = group[1] == "7"
    if _known(group[2]):
        report.class_base = BASES[int(group[2])]
    if _known(group[3:]):
        report.values["visibility_in_air"] = visibility(group[3:])


def _second(report: _SynopReport, group: str) -> None:
    """Read Nddff."""
    values = report.values
    if _known(group[0]):
        values["cloud_area_fraction"] = cover(group[0])
        if group[0] == "0":
            values["low_cloud_area_fraction"] = 0.0
            report.class_base = None
    speed = group[3:]
    if report.wind_known and _known(speed):
        report.gust_follows = speed == "99"
        values["wind_speed"] = report.speed(speed)
    if _known(group[1:3]):
        direction = int(group[1:3])
        if direction == 99:  # variable
            return
        if direction > 36:
            raise InvalidGroup("a wind's direction is 00 to 36, or 99")
        values["wind_from_direction"] = direction * 10.0


def _section_1(report: _SynopReport, group: str) -> None:
    values, kind, rest = report.values, group[0], group[1:]
    if group.startswith("00"):
        if report.gust_follows and _known(group[2:]):
            values["wind_speed"] = report.speed(group[2:])
    elif kind == "1" and _known(rest):
        values["air_temperature"] = temperature(rest[0], rest[1:])
    elif kind == "2" and _known(rest):
        if rest[0] == "9":
            values["relative_humidity"] = int(rest[1:]) / 100
        else:
            values["dew_point_temperature"] = temperature(rest[0], rest[1:])
    elif kind == "3" and (tenths := rest.replace("/", "0")) and _known(rest[:3]):
        values["air_pressure"] = pressure(tenths)
    elif kind == "4" and _known(rest[:3]) and rest[0] not in HEIGHTS:
        if rest[0] not in "09":
            raise InvalidGroup("4.... is no pressure at sea level and no height of a level")
        values["air_pressure_at_mean_sea_level"] = pressure(rest.replace("/", "0"))
    elif kind == "6":
        _precipitation(report, rest)
    elif kind == "7" and _known(rest[:2]):
        values["present_weather"] = int(rest[:2]) + (100.0 if report.automatic else 0.0)
    elif kind == "8" and _known(rest[0]):
        values["low_cloud_area_fraction"] = cover(rest[0])


def _precipitation(report: _SynopReport, rest: str) -> None:
    if not _known(rest[:3]):
        return
    amount = rainfall(rest[:3])
    if rest[3] == HOURLY:
        report.values["precipitation_amount"] = amount
    elif rest[:3] == "000":
        report.dry = True


def _section_3(report: _SynopReport, group: str) -> None:
    values, kind, rest = report.values, group[0], group[1:]
    if kind == "4" and _known(rest[1:]):
        depth = int(rest[1:])
        if depth <= 996:
            values["snow_depth"] = depth / 100
        elif depth == 997:  # less than half a centimetre
            values["snow_depth"] = 0.0
    elif group.startswith("553") and _known(group[3:]):
        values["sunshine_duration"] = int(group[3:]) * 360.0
    elif kind == "6":
        _precipitation(report, rest)
    elif kind == "8" and _known(rest[2:]):
        report.bases.append(layer_height(rest[2:]))
    elif group[:3] in ("910", "911") and _known(group[3:]):
        report.gusts[group[:3]] = report.speed(group[3:])


def _section_4(report: _SynopReport, group: str) -> None:
    """Read N'C'H'H'Ct: cloud whose base lies below the station."""
    if group[0] in "/9":
        return
    top = float(group[2:4]) * 100 if _known(group[2:4]) else None
    report.below.append((cover(group[0]), top))


READERS = {"1": _section_1, "3": _section_3, "4": _section_4}


def _finished(report: _SynopReport) -> dict[str, float]:
    """Return the values, with those that depend on several groups."""
    values = report.values
    if report.dry:
        values.setdefault("precipitation_amount", 0.0)
    if report.bases or report.class_base is not None:
        values["cloud_base_height"] = (
            min(report.bases) if report.bases else float(report.class_base or 0.0)
        )
    if report.below:
        amount, top = max(report.below, key=lambda layer: (layer[0], layer[1] or 0.0))
        values["cloud_below_area_fraction"] = amount
        if top is not None:
            values["cloud_below_top_altitude"] = top
    if report.gusts:
        values["wind_speed_of_gust"] = report.gusts.get("910", report.gusts.get("911", 0.0))
    return values
