"""Forecasts kept at their issue time and what came: two CSV files of any new place.

The forecasts have a line for each hour that an issue forecasts, the outcomes a line for each day or
each analysed hour. Columns, in any order; others are passed over:

| column | what |
|---|---|
| `issued_local` or `issued_utc` | when the forecast was issued, as 2024-01-31T15:00 (forecasts) |
| `valid_local` or `valid_utc` | the hour it is for; of rain and snow, the hour before it |
| `run_utc` | start of the model run; without it RUN_AGE before the issue |
| `cloud_pct` or `cloud_1` | total cloud cover; required for stars |
| `temperature_c` or `temperature_k`, `dew_point_c` or `dew_point_k` | at 2 m |
| `relative_humidity_pct` or `relative_humidity_1` | at 2 m |
| `precipitation_probability_pct` | of rain in the hour |
| `precipitation_mm`, or `rain_mm`, `showers_mm` | water in the hour; the last two are added |
| `snowfall_cm` or `snowfall_mm` | new snow in the hour; required for snowfall |
| `snow_depth_cm` or `snow_depth_m` | on the ground; required for snow_cover |
| `wind_m_s` or `wind_km_h` | at 10 m |
| `day` or `date`, and `observed` or `status` | outcomes: a local day (of a night: its evening) and
  1, 0, yes, no, full, partial, none |

Outcomes without `observed` or `status` are analysed hours (`valid_local` or `valid_utc`): a night
is starry where its best two hours have a mean cover of at most 30 %, or clear where the mean of the
whole night is at most 20 %; a day has snowfall from 1 cm on, snow cover from 3 cm on. A bad line is
refused with its number; the good count.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forecast.errors import SourceCorrupt
from forecast.observations.cloud_scale import HIGHEST

Array = NDArray[np.floating[Any]]

LARGEST = 512_000_000  # [byte] unpacked
REACH = 16 * 24  # [h] farthest hour of an issue
RUN_AGE = 6.0  # [h] from the start of a run to an issue, where no run is named (check)
# values other than 0, from which on a column of cloud in percent shows whether it is in percent
MANY_CLOUDS = 48
FAULTS = 50  # of a file that are named one by one

# Quantity -> column -> factor and offset to SI (cover and humidity in parts of 1).
QUANTITIES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "cloud": {"cloud_pct": (0.01, 0.0), "cloud_1": (1.0, 0.0)},
    "temperature": {"temperature_c": (1.0, 273.15), "temperature_k": (1.0, 0.0)},
    "dew_point": {"dew_point_c": (1.0, 273.15), "dew_point_k": (1.0, 0.0)},
    "humidity": {"relative_humidity_pct": (0.01, 0.0), "relative_humidity_1": (1.0, 0.0)},
    "rain_chance": {"precipitation_probability_pct": (0.01, 0.0)},
    "precipitation": {"precipitation_mm": (1.0, 0.0)},
    "rain": {"rain_mm": (1.0, 0.0)},
    "showers": {"showers_mm": (1.0, 0.0)},
    "snowfall": {"snowfall_cm": (0.01, 0.0), "snowfall_mm": (0.001, 0.0)},
    "snow_depth": {"snow_depth_cm": (0.01, 0.0), "snow_depth_m": (1.0, 0.0)},
    "wind": {"wind_m_s": (1.0, 0.0), "wind_km_h": (1 / 3.6, 0.0)},
}
# [SI] least and greatest value of a sound line
LIMITS = {
    "cloud": (0.0, 1.0),
    "temperature": (180.0, 340.0),
    "dew_point": (150.0, 330.0),
    "humidity": (0.0, 1.1),
    "rain_chance": (0.0, 1.0),
    "precipitation": (0.0, 500.0),
    "rain": (0.0, 500.0),
    "showers": (0.0, 500.0),
    "snowfall": (0.0, 3.0),
    "snow_depth": (0.0, 20.0),
    "wind": (0.0, 120.0),
}
ROUNDED = 0.015  # by so little beyond its limits a cover or humidity is of rounding, and kept there
OBSERVED = {
    "1": 1.0, "yes": 1.0, "true": 1.0, "full": 1.0, "partial": 1.0, "0": 0.0, "no": 0.0,
    "false": 0.0, "none": 0.0,
}  # fmt: skip


@dataclass(frozen=True)
class HourlySeries:
    """Hourly values by start: of an issue, or of the first analysed hour.

    start (issue): the whole hour of the issue, UTC, datetime64[h]; run: of its model run. values:
    quantity -> (issue, hour after start), NaN where a line lacks it.
    """

    start: NDArray[np.datetime64]
    run: NDArray[np.datetime64]
    values: Mapping[str, Array]

    def window(
        self, name: str, rows: NDArray[np.integer[Any]], first: NDArray[np.integer[Any]], hours: int
    ) -> Array:
        """Return a quantity (case, hour) from the hour `first` (case) on; NaN beyond the values."""
        table = self.values.get(name)
        if table is None:
            return np.full((len(rows), hours), np.nan)
        place = first[:, None] + np.arange(hours)
        inside = (place >= 0) & (place < table.shape[1])
        found = table[rows[:, None], np.clip(place, 0, table.shape[1] - 1)]
        return np.where(inside, found, np.nan)


def read_forecasts(path: Path, clock: ZoneInfo) -> tuple[HourlySeries, list[str]]:
    """Return the forecasts of a CSV file (packed or not), and each bad line with the reason.

    Raises: SourceCorrupt for a file that is not such a table.
    """
    lines = _Lines(path, clock)
    issued, valid = lines.time_column("issued"), lines.time_column("valid")
    run = "run_utc" if "run_utc" in lines.header else ""
    found: list[tuple[np.datetime64, np.datetime64, np.datetime64, list[float]]] = []
    for row, values in lines.rows():
        at, hour = lines.moment(row, issued), lines.moment(row, valid)
        if not 0 <= (hour - at.astype("datetime64[h]")) / np.timedelta64(1, "h") <= REACH:
            lines.refuse(f"{row[valid]!r}: expected 0 to {REACH} h after its issue {row[issued]!r}")
            continue
        began = lines.moment(row, run) if run else at - np.timedelta64(round(RUN_AGE * 60), "m")
        found.append((at, began, hour, values))
    if not found:
        raise SourceCorrupt(f"{path}: no line is a forecast: {'; '.join(lines.bad[:3])}")
    start, order = np.unique(
        np.array([at for at, *_ in found], "datetime64[h]"), return_inverse=True
    )
    runs = np.zeros(len(start), "datetime64[m]")
    runs[order] = np.array([began for _, began, *_ in found], "datetime64[m]")
    hours = np.array([hour for *_, hour, _ in found], "datetime64[h]")
    place = (hours - start[order]) / np.timedelta64(1, "h")
    return HourlySeries(
        start, runs, _table(found, order, place, len(start), lines)
    ), lines.remarks()


def read_outcomes(
    path: Path, clock: ZoneInfo
) -> tuple[dict[date, float] | HourlySeries, list[str]]:
    """Return what came: by local day, or as analysed hours; and each bad line with the reason.

    Raises: SourceCorrupt for a file that is not such a table.
    """
    lines = _Lines(path, clock)
    outcome = next((name for name in ("observed", "status") if name in lines.header), "")
    if not outcome:
        return _analysed(lines), lines.remarks()
    of_day = next((name for name in ("day", "date") if name in lines.header), "")
    if not of_day:
        raise SourceCorrupt(f"{path}: `{outcome}` needs a column `day`, got {lines.header}")
    known: dict[date, float] = {}
    for row, _ in lines.rows():
        try:
            day, value = date.fromisoformat(row[of_day].strip()), row[outcome].strip().lower()
            if day in known:
                lines.refuse(f"{day} is given twice")
            else:
                known[day] = OBSERVED[value]
        except ValueError:
            lines.refuse(f"{of_day} {row[of_day]!r}: expected such as 2026-05-17")
        except KeyError:
            lines.refuse(f"{outcome} {row[outcome]!r}: expected {', '.join(OBSERVED)}")
    return known, lines.remarks()


def _analysed(lines: _Lines) -> HourlySeries:
    valid = lines.time_column("valid")
    found = [(lines.moment(row, valid), values) for row, values in lines.rows()]
    if not found:
        raise SourceCorrupt(f"{lines.path}: no line is an outcome: {'; '.join(lines.bad[:3])}")
    hours = np.array([hour for hour, _ in found], "datetime64[h]")
    start = hours.min()
    place = (hours - start) / np.timedelta64(1, "h")
    if place.max() > 100 * 366 * 24:
        raise SourceCorrupt(f"{lines.path}: spans more than a century: check the years")
    one = np.zeros(len(found), dtype=int)
    rows = [(None, None, hour, values) for hour, values in found]
    return HourlySeries(
        np.array([start]), np.array([start], "datetime64[m]"), _table(rows, one, place, 1, lines)
    )


def _table(
    found: list[Any], order: NDArray[Any], place: NDArray[Any], starts: int, lines: _Lines
) -> dict[str, Array]:
    hours = place.astype(int)
    values = np.array([one[-1] for one in found], dtype=float)
    result = {}
    lines.check_cloud(values)
    for number, name in enumerate(lines.quantities):
        table = np.full((starts, int(hours.max()) + 1), np.nan)
        table[order, hours] = values[:, number]
        result[name] = table
    return result


class _Lines:
    """The lines of a CSV file, and what is wrong with them."""

    def __init__(self, path: Path, clock: ZoneInfo) -> None:
        self.path, self.clock, self.bad, self.number = path, clock, list[str](), 0
        self.rounded = Counter[str]()
        self._moments: dict[tuple[str, bool], np.datetime64] = {}
        try:
            with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
                data = stream.read(LARGEST + 1)
            if len(data) > LARGEST:
                raise SourceCorrupt(f"{path}: larger than {LARGEST // 1_000_000} MB: split it")
            self._reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
            self.header = tuple(self._reader.fieldnames or ())
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise SourceCorrupt(f"{path}: not a readable CSV file in UTF-8: {error}") from error
        self._columns = {
            name: next((c for c in columns if c in self.header), "")
            for name, columns in QUANTITIES.items()
        }
        self.quantities = tuple(name for name, column in self._columns.items() if column)

    def time_column(self, name: str) -> str:
        """Return the name of a column of times. Raises: SourceCorrupt where there is none."""
        for column in (f"{name}_local", f"{name}_utc"):
            if column in self.header:
                return column
        raise SourceCorrupt(
            f"{self.path}: expected a column `{name}_local` or `{name}_utc`, "
            f"got {', '.join(self.header)}"
        )

    def rows(self) -> Iterator[tuple[dict[str, str], list[float]]]:
        """Yield the lines with their values; a line that cannot be read is refused, not raised."""
        times = [name for name in self.header if name.endswith(("_local", "_utc"))]
        try:
            for row in self._reader:
                self.number = self._reader.line_num
                plain = {name: row[name] or "" for name in self.header}
                try:
                    for name in times:
                        self.moment(plain, name)
                    values = self._values(plain)
                except ValueError as error:
                    self.refuse(str(error))
                    continue
                yield plain, values
        except csv.Error as error:
            raise SourceCorrupt(f"{self.path}: line {self.number + 1}: {error}") from error

    def refuse(self, reason: str) -> None:
        if len(self.bad) < FAULTS:
            self.bad.append(f"{self.path.name} line {self.number}: {reason}")
        elif len(self.bad) == FAULTS:
            self.bad.append(f"{self.path.name}: more bad lines are not named")

    def moment(self, row: Mapping[str, str], column: str) -> np.datetime64:
        """Return a time of a line in UTC."""
        text, local = row[column].strip(), column.endswith("_local")
        if (text, local) not in self._moments:
            try:
                at = datetime.fromisoformat(text)
            except ValueError:
                raise ValueError(f"{column} {text!r}: expected such as 2024-01-31T15:00") from None
            if at.tzinfo is None:
                at = at.replace(tzinfo=self.clock if local else UTC)
            at = at.astimezone(UTC).replace(tzinfo=None)
            self._moments[text, local] = np.datetime64(at, "m")
        return self._moments[text, local]

    def _values(self, row: Mapping[str, str]) -> list[float]:
        """Return the quantities of a line in SI; empty fields are NaN."""
        found = []
        for name in self.quantities:
            column = self._columns[name]
            text = row[column].strip()
            try:
                raw = float(text) if text else math.nan
            except ValueError:
                raise ValueError(f"{column} {text!r}: expected a number") from None
            factor, offset = QUANTITIES[name][column]
            value, (least, most) = raw * factor + offset, LIMITS[name]
            slack = ROUNDED if most in (1.0, 1.1) else 1e-9
            if not math.isnan(value) and not least - slack <= value <= most + slack:
                raise ValueError(f"{column} {text}: outside what is possible; check its unit")
            self.rounded[column] += int(value < least or value > most)
            found.append(min(most, max(least, value)) if value == value else value)
        return found

    def check_cloud(self, values: Array) -> None:
        """Raise SourceCorrupt where cloud (line, quantity) in percent is in tenths, oktas or parts.

        8 of a percent column is an almost clear sky, 8 oktas are an overcast.
        """
        if self._columns["cloud"] != "cloud_pct":
            return
        percent = 100 * values[:, self.quantities.index("cloud")]
        some = percent[percent > 0]
        whole = bool(np.all(np.abs(some - np.round(some)) < 1e-6))
        if len(some) < MANY_CLOUDS or some.max() > (HIGHEST if whole else 1.0):
            return
        likely = "parts of 1" if some.max() <= 1 else "oktas or tenths"
        raise SourceCorrupt(
            f"{self.path}: cloud_pct is at most {some.max():g} in {len(some)} values other than 0: "
            f"are they {likely}? Give per cent, or parts of 1 in a column cloud_1"
        )

    def remarks(self) -> list[str]:
        """Return the bad lines with their reasons, and what was rounded into its limits."""
        return self.bad + [
            f"{self.path.name}: {column}: {count} values just beyond what is possible are read as "
            "the limit"
            for column, count in sorted(self.rounded.items())
            if count
        ]
