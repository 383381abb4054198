"""The messages of a GRIB file in groups, a quantity at a kind of level each, with what cfgrib makes
of a sample of each group: its name, its unit, the range of its values.

The list of messages comes from the project's own reader of headers, which is fast and never crashes
on damaged bytes. cfgrib then opens a few messages of each group, copied into a file of their own:
opened on a whole file it drops what has other levels than its neighbours and takes minutes.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import xarray as xr

from forecast.errors import SourceCorrupt
from forecast.ingest.grib.grid import MICRO, Grid
from forecast.ingest.grib.headers import Data, Message, read_data, scan
from forecast.ingest.grib.packing import check, grid_of
from forecast.ingest.grib.reader import AEROSOL, is_read
from forecast.quantities import CLOSE_LEVELS

PRESSURE, HEIGHT = 100, 103  # kinds of level: pressure [Pa]; height above the ground [m]
TOP = min(CLOSE_LEVELS)  # [Pa] the highest level of the catalogue
SAMPLES = 3  # messages of a group whose values are looked at
BUDGET = 60_000_000  # points that are decoded of one file; some 5 s of CPU
MOST = 20_000  # messages of a file


@dataclass(frozen=True, slots=True)
class CfgribSummary:
    """What cfgrib reports of a group; empty and NaN where it reports nothing.

    low, high: of the values of the sampled messages. problem: why values could not be read.
    """

    short_name: str = ""
    name: str = ""
    units: str = ""
    level_type: str = ""
    low: float = float("nan")
    high: float = float("nan")
    problem: str = ""


@dataclass(slots=True)
class Group:
    """Messages of one quantity on one kind of level, with one statistic."""

    messages: list[Message] = field(default_factory=list)
    sample: CfgribSummary = CfgribSummary()

    @property
    def first(self) -> Message:
        return self.messages[0]

    @property
    def levels(self) -> list[float]:
        """The values of the level, rising, each once; none where it has no value."""
        return sorted({each.value for each in self.messages if np.isfinite(each.value)})

    @property
    def windows(self) -> list[tuple[float, float]]:
        """The windows in time [h after the run], rising, each once."""
        return sorted({(each.start, each.end) for each in self.messages})

    @property
    def members(self) -> list[int]:
        return sorted({each.member for each in self.messages if each.member is not None})


# Product templates (code table 4.0) of what is no single forecast -> what they are.
PRODUCTS = {2: "made of the members of an ensemble", 12: "made of the members of an ensemble",
            5: "probability", 9: "probability", 6: "percentile", 10: "percentile"}  # fmt: skip


def product_name(message: Message) -> str:
    """Return what a message is where it is no plain forecast: a member, an ensemble's mean, ..."""
    if message.member is not None:
        return "ensemble member"
    if message.derived or is_read(message) or message.template == AEROSOL:
        return message.derived
    return PRODUCTS.get(message.template, "kind of product not read here")


Wanted: TypeAlias = Callable[[Group], bool]


def read_groups(path: Path, wanted: Wanted) -> tuple[list[Group], list[Grid]]:
    """Return the groups of a file in the order in which they begin, and its regular grids.

    wanted: of which groups the values of several messages are looked at, not of one.
    Raises: SourceCorrupt, for a file that is damaged or holds too much.
    """
    data = read_data(path)
    groups: dict[tuple[object, ...], Group] = {}
    grids: dict[str, Grid | None] = {}
    for count, message in enumerate(scan(data, path.name)):
        if count >= MOST:
            raise SourceCorrupt(f"{path.name}: more than {MOST} messages: split the file")
        groups.setdefault(_group_of(message), Group()).messages.append(message)
        if message.grid not in grids:
            grids[message.grid] = _grid(message, data)
    found = list(groups.values())
    _look_into(found, wanted, data, grids)
    return found, list(dict.fromkeys(grid for grid in grids.values() if grid is not None))


def _group_of(message: Message) -> tuple[object, ...]:
    """Return what the messages of a group have in common."""
    one_level = message.value if message.surface == HEIGHT else None
    aerosol = message.aerosol
    return (
        message.edition, message.centre, message.parameter, message.surface, one_level,
        message.layer, message.statistic, aerosol, product_name(message),
    )  # fmt: skip


def _grid(message: Message, data: Data) -> Grid | None:
    try:
        return grid_of(message, data)
    except SourceCorrupt:
        return None  # a kind of grid that is not read here, or a damaged one


def _look_into(
    groups: Sequence[Group], wanted: Wanted, data: Data, grids: dict[str, Grid | None]
) -> None:
    """Give each group its sample, as far as the budget of points reaches."""
    left = BUDGET
    with tempfile.TemporaryDirectory(prefix="inspect-") as folder:
        copy = Path(folder) / "message.grib"
        for count in (1, SAMPLES):
            for group in groups:
                if count > 1 and (len(group.messages) == 1 or not wanted(group)):
                    continue
                grid = grids[group.first.grid]
                points = grid.points if grid else 0
                decode = 0 < points * count <= left
                if decode or count == 1:
                    chosen = _chosen(group.messages, count)
                    group.sample = _sample(chosen, data, copy, points, decode)
                    left -= points * count if decode else 0


def _chosen(messages: Sequence[Message], count: int) -> list[Message]:
    """Return up to `count` messages: the last in time first, for a sum is zero at the start, and
    levels far apart, but none above those that the catalogue reads.
    """
    low = [each for each in messages if each.surface != PRESSURE or each.value >= TOP]
    ordered = sorted(low or messages, key=lambda each: (each.end, each.value))
    places = {round(n) for n in np.linspace(len(ordered) - 1, 0, count)}
    return [ordered[place] for place in sorted(places, reverse=True)]


def _sample(
    messages: Sequence[Message], data: Data, copy: Path, points: int, decode: bool
) -> CfgribSummary:
    """Return what cfgrib reports of messages of one group."""
    problem = "" if decode else "not decoded: too many points in this file"
    if not points:
        problem = "not decoded: a grid that is not read here"
    try:
        for message in messages if decode else ():
            check(message, data, points)
    except SourceCorrupt as error:
        decode, problem = False, str(error)
    samples = [_opened(message, data, copy, decode) for message in messages]
    first = samples[0]
    lows = [each.low for each in samples if np.isfinite(each.low)]
    highs = [each.high for each in samples if np.isfinite(each.high)]
    return CfgribSummary(
        first.short_name,
        first.name,
        first.units,
        first.level_type,
        min(lows, default=float("nan")),
        max(highs, default=float("nan")),
        problem or first.problem,
    )


def _opened(message: Message, data: Data, copy: Path, decode: bool) -> CfgribSummary:
    """Return what cfgrib reports of one message, copied to `copy`."""
    copy.write_bytes(alone(message, data))
    logging.getLogger("cfgrib").setLevel(logging.CRITICAL)
    options = {"indexpath": "", "errors": "raise"}
    try:
        with xr.open_dataset(copy, engine="cfgrib", backend_kwargs=options) as dataset:
            variable = next(iter(dataset.data_vars.values()))
            found = {key: str(variable.attrs.get(f"GRIB_{key}", "")) for key in KEYS}
            values = variable.values if decode else np.array([])
    except Exception as error:  # cfgrib and ecCodes raise errors of many kinds
        return CfgribSummary(
            problem=f"cfgrib cannot read it: {type(error).__name__}: {error}"[:200]
        )
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (np.nan, np.nan)
    return CfgribSummary(
        found["shortName"], found["name"], found["units"], found["typeOfLevel"], low, high
    )


KEYS = ("shortName", "name", "units", "typeOfLevel")


def alone(message: Message, data: Data) -> bytes:
    """Return one field as a message of its own, also where several share one."""
    start = message.offset
    if message.alone:
        return bytes(data[start : start + message.length])
    sections = b"".join(bytes(data[first:last]) for first, last in _in_order(message))
    length = 16 + len(sections) + 4
    return bytes(data[start : start + 8]) + length.to_bytes(8, "big") + sections + b"7777"


def _in_order(message: Message) -> Iterator[tuple[int, int]]:
    for number in sorted(message.sections):
        yield message.sections[number]


def describe_grid(grid: Grid) -> str:
    """Return size, spacing and area of a grid."""
    latitudes, longitudes = grid.latitudes() / MICRO, grid.longitudes() / MICRO
    longitudes = longitudes - 360 * (longitudes[-1] >= 360)  # -180 rather than 180 to 540
    rows = "north to south" if latitudes[0] > latitudes[-1] else "south to north"
    return (
        f"{grid.columns} x {grid.rows} points, {_step(longitudes)} x {_step(latitudes)} degrees, "
        f"{min(latitudes):g} to {max(latitudes):g} N, {longitudes[0]:g} to {longitudes[-1]:g} E, "
        f"rows from {rows}"
    )


def _step(values: np.ndarray) -> str:
    return f"{abs(values[1] - values[0]):.4g}" if len(values) > 1 else "-"


def ranges(values: Iterable[float]) -> str:
    """Return numbers as text, evenly spaced ones as first-last/step."""
    rising = sorted(set(values))
    steps = {round(b - a, 6) for a, b in pairwise(rising)}
    if len(rising) > 3 and len(steps) == 1:
        return f"{rising[0]:g}-{rising[-1]:g}/{steps.pop():g}"
    return ", ".join(f"{value:g}" for value in rising)
