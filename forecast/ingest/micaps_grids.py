"""Runs dropped as MICAPS text: diamond 4 (a field) and diamond 11 (a wind), a file each.

Files lie in a folder an element and level, as MICAPS has them: `TMP/850/26112208.024` is the
temperature at 850 hPa 24 h after the run of 22 November 2026 08:00 Beijing time. The head of a file
decides; its name only finds it. Missing values are 9999.
Source: ../shared/cmadaas.md, section 5; nmc_met_io 0.1, read_micaps.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceCorrupt
from forecast.http import CLOCK, Clock, Deadline
from forecast.ingest import Needs
from forecast.ingest.cmadaas_parameters import ServiceField
from forecast.ingest.cmadaas_replies import ReplyGrid
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.grid_steps import GridProvider, WantedGrid
from forecast.quantities import FIELDS
from forecast.settings.sources import ModelSettings

MISSING = 9999.0
LARGEST = 60_000_000  # [byte] of a file: a global field of 0.125 degree has 40 MB
MOST_POINTS = 8_000_000
FIELD, WIND = 4, 11  # diamonds
HEAD = {FIELD: 19, WIND: 14}  # numbers between the title and the values
PATIENCE = 60.0  # [s] for which reading a run may last


@dataclass(frozen=True, slots=True)
class MicapsGrid:
    """The content of a file: run (naive, by the clock of MICAPS), hour [h], level, parts.

    parts: one field, or the two components of a wind.
    """

    run: datetime
    step: int
    level: float
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]
    parts: tuple[NDArray[np.float64], ...]


def parse_micaps(data: bytes, name: str) -> MicapsGrid:
    """Return the field or the wind of a file; rows from north to south, NaN is missing.

    Raises: SourceCorrupt where it is neither.
    """
    words = data.replace(b"\0", b" ").split()
    if len(words) < 4 or words[0].lower() != b"diamond" or words[1] not in (b"4", b"11"):
        raise SourceCorrupt(f"{name}: is no MICAPS diamond 4 or 11: {data[:40]!r}")
    diamond = int(words[1])
    # the title is the rest of the first line: it may hold blanks, or be cut off from the head
    _, _, rest = data.replace(b"\0", b" ").lstrip().partition(b"\n")
    try:
        numbers = np.array(rest.split(), dtype=float)
    except ValueError as error:
        raise SourceCorrupt(f"{name}: holds something else than numbers ({error})") from error
    if len(numbers) < HEAD[diamond]:
        raise SourceCorrupt(f"{name}: the head has {len(numbers)} numbers, not {HEAD[diamond]}")
    return _laid(numbers, diamond, name)


def _laid(numbers: NDArray[np.float64], diamond: int, name: str) -> MicapsGrid:
    """Return the grid of the numbers after the title. Raises: SourceCorrupt."""
    year, month, day, hour, step, level = numbers[:6]
    step_x, step_y, west, east, first, last, across, down = numbers[6:14]
    columns, rows, parts = int(across), int(down), 1 if diamond == FIELD else 2
    head = HEAD[diamond]
    if min(rows, columns) < 2 or rows * columns > MOST_POINTS:
        raise SourceCorrupt(f"{name}: {rows} by {columns} points is no grid")
    if len(numbers) != head + parts * rows * columns:
        raise SourceCorrupt(
            f"{name}: {len(numbers) - head} values, its head says {parts} times {rows} by {columns}"
        )
    latitudes, longitudes = np.linspace(first, last, rows), np.linspace(west, east, columns)
    for stated, axis in ((step_y, latitudes), (step_x, longitudes)):
        if abs(abs(stated) - abs(axis[1] - axis[0])) > 0.01 * abs(stated) or axis[0] == axis[-1]:
            raise SourceCorrupt(f"{name}: its spacing {stated:g} and its corners do not agree")
    values = numbers[head:].reshape(parts, rows, columns)
    values[values == MISSING] = np.nan  # pressures in Pa and heights lie beyond it
    if first < last:
        latitudes, values = latitudes[::-1], values[:, ::-1]
    if west > east:
        longitudes, values = longitudes[::-1], values[:, :, ::-1]
    try:
        run = datetime(_whole_year(int(year)), int(month), int(day), int(hour))  # noqa: DTZ001
    except (ValueError, OverflowError) as error:
        raise SourceCorrupt(f"{name}: {year:g} {month:g} {day:g} {hour:g} is no time") from error
    return MicapsGrid(run, int(step), level, latitudes, longitudes, tuple(values))


def _whole_year(year: int) -> int:
    return year if year >= 100 else year + (1900 if year >= 70 else 2000)


class LocalWork:
    """Counts nothing: files of this machine."""

    requests = 0
    bytes = 0

    def __init__(self, clock: Clock = CLOCK) -> None:
        self._clock = clock

    def deadline(self, within: Deadline | None = None) -> Deadline:
        return Deadline(PATIENCE if within is None else within.left(), self._clock)


class MicapsFolder(GridProvider):
    """The drop folder of a model in MICAPS text."""

    name = "micaps"
    _is_local = True

    def __init__(self, root: Path, model: ModelSettings, store: CycleStore, clock: Clock = CLOCK):
        self._root, self._zone = root, ZoneInfo(model.micaps_timezone)
        super().__init__(LocalWork(clock), 1, _fields(model), model.attribution.en, store)

    def _state(self, cycle: Cycle) -> object:
        """Return names, sizes and times of a run's files: another file is read anew."""
        stamp = self._stamp(cycle)
        found = sorted(self._root.glob(f"**/*{stamp}.*")) if self._root.is_dir() else []
        return [(str(p), (s := p.stat()).st_size, s.st_mtime_ns) for p in found if p.is_file()]

    def _begin(self, cycle: Cycle, deadline: Deadline) -> None:
        if not self._root.is_dir():
            raise CycleNotReady(f"{self._root}: there is no such folder; make it")

    def _stamp(self, cycle: Cycle) -> str:
        return f"{cycle.run.astimezone(self._zone):%y%m%d%H}"

    def _grid(
        self, wanted: WantedGrid, cycle: Cycle, step: int, needs: Needs, deadline: Deadline
    ) -> ReplyGrid:
        folder = self._root / wanted.asked.element
        paths = sorted(folder.glob(f"*{self._stamp(cycle)}.{step:03d}"))
        if not paths:
            raise CycleNotReady(
                f"{folder}: no file ends in {self._stamp(cycle)}.{step:03d} "
                f"(run by the clock of {self._zone.key}, and hour)"
            )
        try:
            if paths[-1].stat().st_size > LARGEST:
                raise SourceCorrupt(f"{paths[-1].name}: larger than {LARGEST // 1_000_000} MB")
            data = paths[-1].read_bytes()
        except OSError as error:
            raise CycleNotReady(f"{paths[-1]}: cannot be read: {error.strerror}") from error
        found = parse_micaps(data, f"{wanted.asked.element}/{paths[-1].name}")
        run = found.run.replace(tzinfo=self._zone)
        if run != cycle.run or found.step != step:
            raise SourceCorrupt(
                f"{paths[-1].name}: its head is of {found.run:%Y-%m-%d %H} +{found.step} h, its "
                f"name of {cycle.run.astimezone(self._zone):%Y-%m-%d %H} +{step} h"
            )
        return _cut(found, wanted, needs)


def _fields(model: ModelSettings) -> tuple[ServiceField, ...]:
    """Return what the table names, each level with its folder."""
    found: list[ServiceField] = []
    for name, field in FIELDS.items():
        table = model.parameters.get(name)
        if table is None or not table.micaps:
            continue
        factor = field.factor if table.factor is None else table.factor
        levels: Sequence[int | None] = (
            tuple(round(100 * level) for level in table.levels_hpa) or field.levels or (None,)
        )
        for pressure in levels:
            level = "" if pressure is None else f"{pressure / 100:g}"
            folder = table.micaps.replace("{level}", level)
            found.append(
                ServiceField(
                    field, folder, "micaps", level, pressure, factor, table.offset,
                    table.from_start,
                )
            )  # fmt: skip
    return tuple(found)


def _cut(found: MicapsGrid, wanted: WantedGrid, needs: Needs) -> ReplyGrid:
    """Return the part of a grid around the region, with one more row and column at each side."""
    second = wanted.field.name.startswith("northward") and len(found.parts) == 2
    values = found.parts[1 if second else 0]
    step = abs(found.latitudes[1] - found.latitudes[0])
    rows = (found.latitudes <= needs.north + step) & (found.latitudes >= needs.south - step)
    west, width = needs.west % 360, (needs.east - needs.west) % 360
    away = (found.longitudes - west + step) % 360
    columns = away <= width + 2 * step
    # a region over the grid's seam would fall into two parts: then all columns are kept
    apart = columns.any() and columns.sum() != np.ptp(np.flatnonzero(columns)) + 1
    if apart or columns.sum() < 2:
        columns = np.ones_like(columns)
    if rows.sum() < 2:
        rows = np.ones_like(rows)
    kept = values[np.ix_(rows, columns)]
    return ReplyGrid(found.latitudes[rows], found.longitudes[columns], kept)
