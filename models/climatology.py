"""Climatology: how often each phenomenon is usual at a site in a month.

The shipped table gives the frequency by phenomenon, month and height, from physics and what data
there are. Outcomes at the sites move it: the frequency of a site and month is that of its own
events, with the table's frequency counting as PRIOR_CASES more of them. Before that the site's
other months move the table's frequency in log-odds, by as much as they differ from it themselves:
so a first November tells something of December.
"""

from __future__ import annotations

import csv
import json
import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from forecast import files
from forecast.domain import PHENOMENA, Event, Site

log = logging.getLogger(__name__)

TABLE = Path(__file__).parent / "shipped" / "climatology.csv"
# the same of clear nights, a stricter event of the stars: no page shows it (models/registry.py)
CLEAR_NIGHTS = TABLE.parent / "clear_night" / TABLE.name
KEPT = "climatology.json"  # in the folder of models: cases and events by phenomenon, site, month
# Weight [cases] of a broader frequency in a narrower one: of the table in that of a site and month,
# of the whole year in that of a season or calendar month, of all sites in that of a site.
PRIOR_CASES = 10.0
FORMAT = 1
MOST_CASES = 1_000_000  # of one site and month in a valid file

Number = TypeVar("Number", float, NDArray[np.floating[Any]])

# phenomenon -> site -> month 1-12 -> (events with an outcome, how many with the phenomenon)
Counts = Mapping[str, Mapping[str, Mapping[int, tuple[int, int]]]]


@dataclass(frozen=True, slots=True)
class UsualFrequency:
    """A row of the shipped table: frequency [1] in a month at a height [m], and its source."""

    frequency: float
    elevation: float
    cases: int
    source: str


@lru_cache(2)
def shipped(table: Path = TABLE) -> Mapping[tuple[str, int], tuple[UsualFrequency, ...]]:
    """Return (phenomenon, month) -> rows of a shipped table, the lowest height first."""
    found: dict[tuple[str, int], list[UsualFrequency]] = defaultdict(list)
    with table.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found[row["phenomenon"], int(row["month"])].append(
                UsualFrequency(
                    float(row["frequency"]),
                    float(row["elevation_m"]),
                    int(row["cases"]),
                    row["source"],
                )
            )
    return {key: tuple(sorted(rows, key=lambda row: row.elevation)) for key, rows in found.items()}


@lru_cache(4096)  # every member of an ensemble asks for the same events
def shipped_frequency(phenomenon: str, month: int, elevation: float, table: Path = TABLE) -> float:
    """Return a table's frequency [1] at a height [m], NaN for a phenomenon without a table.

    Heights between two rows are interpolated in log-odds.
    """
    rows = shipped(table).get((phenomenon, month), ())
    if not rows:
        return math.nan
    odds = [math.log(row.frequency / (1 - row.frequency)) for row in rows]
    heights = [row.elevation for row in rows]
    return 1 / (1 + math.exp(-float(np.interp(elevation, heights, odds))))


@dataclass(frozen=True)
class Climatology:
    """The usual frequency of each phenomenon by site and month.

    counts: of the sites' outcomes; table: the shipped one that they move.
    """

    counts: Counts = field(default_factory=dict)
    table: Path = TABLE

    def frequency(self, event: Event) -> float:
        """Return the usual frequency [1] of an event; NaN for a phenomenon without a table."""
        return self.frequency_at(event.phenomenon, event.site, event.day)

    def frequency_at(
        self, phenomenon: str, site: Site, day: date, without: tuple[int, int] = (0, 0)
    ) -> float:
        """Return the usual frequency [1] of a phenomenon at a site in the month of a day.

        without: (cases, events) of that calendar month which shall not count. NaN for a phenomenon
        without a table. South of the equator the table's month is half a year away.
        """
        months = self.counts.get(phenomenon, {}).get(site.id, {})

        def of_table(month: int) -> float:
            northern = _northern(month, site.latitude)
            return shipped_frequency(phenomenon, northern, site.elevation, self.table)

        others = [(*pair, of_table(month)) for month, pair in months.items() if month != day.month]
        usual = _moved(of_table(day.month), others)
        cases, events = months.get(day.month, (0, 0))
        return shrunk(events - without[1], cases - without[0], usual)


def shrunk(events: Number, cases: Number, towards: Number) -> Number:
    """Return the frequency of events among cases, `towards` counting as PRIOR_CASES more cases."""
    return (events + PRIOR_CASES * towards) / (cases + PRIOR_CASES)


def _moved(usual: float, others: Sequence[tuple[int, int, float]]) -> float:
    """Return a table's frequency, moved in log-odds as other months of its site differ from it.

    others: (cases, events, the table's frequency) of each.
    """
    cases = sum(each[0] for each in others)
    if not cases:
        return usual
    expected = math.fsum(count * frequency for count, _, frequency in others) / cases
    found = shrunk(sum(each[1] for each in others), cases, expected)
    odds = math.log(usual / (1 - usual)) + math.log(found / (1 - found) / expected * (1 - expected))
    return 1 / (1 + math.exp(-odds))


def _northern(month: int, latitude: float) -> int:
    return month if latitude >= 0 else (month + 5) % 12 + 1


def count_outcomes(outcomes: Iterable[tuple[str, str, date, bool]]) -> Counts:
    """Return the counts of (phenomenon, site, day, happened), one entry an event."""
    found: dict[str, dict[str, dict[int, tuple[int, int]]]] = {}
    for phenomenon, site, day, happened in outcomes:
        months = found.setdefault(phenomenon, {}).setdefault(site, {})
        cases, events = months.get(day.month, (0, 0))
        months[day.month] = (cases + 1, events + int(happened))
    return found


def keep_climatology(folder: Path, counts: Counts) -> None:
    """Write the counts of the sites' outcomes into a folder of models, whole or not at all."""
    content = {"format": FORMAT, "counts": counts}
    folder.mkdir(parents=True, exist_ok=True)
    files.write_whole(folder / KEPT, json.dumps(content, sort_keys=True).encode())


def read_climatology(folder: Path | None) -> Climatology:
    """Return the climatology kept in a folder of models; the shipped one where none is valid."""
    if folder is None:
        return Climatology()
    path = folder / KEPT
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']!r}, expected {FORMAT}")
        counts = {
            str(phenomenon): {
                str(site): {_month(text): _checked(pair) for text, pair in months.items()}
                for site, months in sites.items()
            }
            for phenomenon, sites in kept["counts"].items()
            if phenomenon in PHENOMENA
        }
    except FileNotFoundError:
        return Climatology()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("%s: cannot be read (%s): the shipped climatology serves", path, error)
        return Climatology()
    return Climatology(counts)


def _month(text: str) -> int:
    month = int(text)
    if not 1 <= month <= 12:
        raise ValueError(f"month {month}")
    return month


def _checked(pair: list[int]) -> tuple[int, int]:
    cases, events = map(int, pair)
    if not 0 <= events <= cases <= MOST_CASES:
        raise ValueError(f"{events} events in {cases} cases")
    return cases, events
