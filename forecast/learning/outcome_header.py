"""The header of a table of outcomes: what its columns mean, and rows by that meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from forecast.learning.outcome_cells import Refused, plain, words
from forecast.learning.outcome_days import NUMBERED, TIMELIKE, is_day, is_time, zone_named
from forecast.observations.formats.collector import Collector, quoted
from forecast.observations.formats.zones import names_format, split_zone

DATED_COLUMNS = ("day", "night", "time")  # that may name a zone


@dataclass(slots=True)
class OutcomeHeader:
    """What the columns mean.

    columns: place -> meaning. zone: named by the heading of the day or the time. night: the day is
    that on which the night begins. unknown: columns that are not known and their headings;
    timelike: those of them that may hold a time by their heading.
    """

    width: int
    columns: dict[int, str] = field(default_factory=dict)
    zone: tzinfo | None = None
    night: bool = False
    unknown: dict[int, str] = field(default_factory=dict)
    timelike: set[int] = field(default_factory=set)


def read_header(
    cells: Sequence[str], line: int, collector: Collector, zone: tzinfo | None
) -> OutcomeHeader:
    """Return the meaning of each known column; others become faults. zone: of the comments.

    Raises: Refused where the columns that are needed are not there, or can be read in two ways.
    """
    header = OutcomeHeader(len(cells))
    for place, cell in enumerate(cells):
        text = re.sub(r"[\s_()]+", "_", plain(cell).casefold()).strip("_")
        meaning = words()["column"].get(text) or _with_zone(text, cell, place, header)
        if meaning is None:
            if text:
                if TIMELIKE.search(text):
                    header.timelike.add(place)
                if place in header.timelike or not NUMBERED.search(text):
                    header.unknown[place] = cell.strip()
                collector.fault(
                    line,
                    f"column {place + 1}, {quoted(cell.strip(), 40)}, is not known: it is ignored",
                )
        elif meaning in header.columns.values():
            collector.fault(line, f"column {place + 1} repeats {meaning}: it is ignored")
        else:
            header.columns[place] = meaning
    header.zone = header.zone or zone
    _choose_day(header)
    if not {"site", "phenomenon", "day"} <= set(header.columns.values()):
        raise Refused(
            "the first line does not name the columns, at least site,phenomenon,day,degree"
        )
    return header


def _with_zone(text: str, cell: str, place: int, header: OutcomeHeader) -> str | None:
    """Return the meaning of a heading such as `time (UTC)`, whose zone is kept; None: not known.

    Raises: Refused for a zone that is not understood.
    """
    dated = {
        name: meaning for name, meaning in words()["column"].items() if meaning in DATED_COLUMNS
    }
    where = f"column {place + 1}, {quoted(cell.strip(), 40)}"
    if split := split_zone(cell, dated):
        try:
            zone = zone_named(split[1])
        except ValueError as error:
            raise Refused(f"{where}: {error}") from None
        if None not in (zone, header.zone) and str(zone) != str(header.zone):
            raise Refused(f"{where}: another heading names another zone; write one")
        header.zone = zone or header.zone
        return dated[split[0]]
    parts = text.split("_")
    for count in range(len(parts) - 1, 0, -1):
        meaning = dated.get("_".join(parts[:count]))
        if meaning is None:
            continue
        rest = "_".join(parts[count:])
        if names_format(rest.replace("_", " ")):
            return meaning
        raise Refused(
            f"{where}: is {quoted(rest)} a zone? Write for example `day` for local days and "
            "times, or `day (UTC+8)`"
        )
    return None


def _choose_day(header: OutcomeHeader) -> None:
    """Decide which column gives the day. Raises: Refused with the question where none can."""
    places = {meaning: place for place, meaning in header.columns.items()}
    if "night" in places and "day" in places:
        raise Refused(
            f"columns {places['day'] + 1} and {places['night'] + 1} both give the day: which one "
            "counts? Keep one of them"
        )
    if "night" in places:
        header.columns[places["night"]], header.night = "day", True
    elif "day" not in places and "time" in places:
        header.columns[places["time"]] = "day"
    elif "day" not in places and "sent" in places:
        raise Refused(
            f"column {places['sent'] + 1} gives a time, but of what: of the event or of the "
            "report? Call it `day` if it is the event's, else add a column `day`"
        )


def row_of(cells: Sequence[str], header: OutcomeHeader) -> dict[str, str]:
    """Return the cells of a line by their meaning.

    A cell of an unknown column that may be a time of night stands under `timelike`.
    Raises: Refused for another number of cells.
    """
    if (len(cells) != header.width and any(cell.strip() for cell in cells[header.width :])) or len(
        cells
    ) < max(header.columns, default=0) + 1:
        raise Refused(f"the line has {len(cells)} cells, its header {header.width}")
    row = {meaning: cells[place].strip() for place, meaning in header.columns.items()}
    alone = is_day(row.get("day", "")) and not row.get("time") and not header.night
    for place, heading in header.unknown.items():
        cell = cells[place].strip() if place < len(cells) else ""
        if cell and (place in header.timelike or (alone and is_time(cell))):
            row["timelike"] = f"column {place + 1}, {quoted(heading, 40)},"
    if alone and is_time(row.get("detail", "")):
        row["timelike"] = "the detail"
    return row
