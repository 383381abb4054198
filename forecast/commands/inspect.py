"""What `skyscape inspect` shows: what is in a GRIB file, the fields of our catalogue in it, and a
table `parameters:` for config.yaml.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from forecast.commands.grib_catalogue import Match, match
from forecast.commands.grib_groups import (
    PRESSURE,
    Group,
    describe_grid,
    product_name,
    ranges,
    read_groups,
)
from forecast.config import read_config
from forecast.ingest.grib.packing import PACKING_NAMES
from forecast.ingest.parameter_table import fields_of
from forecast.quantities import DEFAULT_FIELDS, FIELDS, Field

CENTRES = {7: "NCEP", 34: "JMA", 38: "CMA", 39: "CMA", 54: "CMC", 74: "UKMO", 78: "DWD", 85: "MF",
           98: "ECMWF"}  # fmt: skip


MANY_LEVELS = 4  # pressure levels from which only the first and the last are shown
LEVELS_WIDTH = len("50-1000 hPa (22)")
LIKE = 0.1  # likeness below which a model's table tells nothing about a file


@dataclass(frozen=True, slots=True)
class GribContents:
    """What is in a file. matches: of each group the field of the catalogue, None where it has none;
    known_as: the model of the settings whose table fits most of it ("": none).
    """

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "name", "what", "levels", "steps [h]", "values", "unit", "packing", "field",
    )  # fmt: skip

    path: Path
    groups: tuple[Group, ...]
    matches: tuple[Match | None, ...]
    grids: tuple[str, ...]
    known_as: str

    def summary(self) -> list[str]:
        """Return the file in a few lines."""
        messages = [message for group in self.groups for message in group.messages]
        runs = sorted({m.run.strftime("%F %H:%MZ") if m.run else "no date" for m in messages})
        centres = sorted({m.centre for m in messages})
        members = sorted({n for group in self.groups for n in group.members})
        editions = Counter(m.edition for m in messages)
        grids = self.grids or ("a kind of grid that is not read here",)
        lines = [
            f"file      {self.path}",
            f"messages  {len({m.offset for m in messages})}, fields {len(messages)}: "
            + ", ".join(f"{n} of edition {edition}" for edition, n in sorted(editions.items())),
            f"centre    {', '.join(f'{n} {CENTRES.get(n, str())}'.strip() for n in centres)}",
            f"run       {', '.join(runs[:8])}",
            *(f"grid      {grid}" for grid in grids),
        ]
        if members:
            lines.append(f"members   {ranges(members)}")
        return lines

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row for each group."""
        return [_row(group, found) for group, found in zip(self.groups, self.matches, strict=True)]

    def short_rows(self) -> list[tuple[str, ...]]:
        """Return the rows for a screen: of many pressure levels the first, the last and how many
        there are.
        """
        level = self.COLUMNS.index("levels")
        return [
            (*row[:level], _short_levels(group, row[level]), *row[level + 1 :])
            for group, row in zip(self.groups, self.rows(), strict=True)
        ]

    def widths(self) -> dict[str, int]:
        """Return the widths that columns keep on a narrow screen: names are never cut."""
        columns = dict(zip(self.COLUMNS, zip(*self.short_rows(), strict=True), strict=True))
        words = {
            name: max(
                (len(word) for cell in columns.get(name, ()) for word in cell.split()), default=0
            )
            for name in ("name", "field")
        }
        return words | {"levels": LEVELS_WIDTH}

    def fields(self) -> list[str]:
        """Return what the catalogue's fields in the file are, as lines."""
        given = sorted({found.field.name for found in self.matches if found is not None})
        lines = ["", f"{len(given)} of the {len(FIELDS)} fields of the catalogue are given"]
        if self.known_as:
            lines.append(
                f"the file is most like those of the model `{self.known_as}` of the settings"
            )
        return lines

    def yaml_lines(self) -> list[str]:
        """Return the table for config.yaml; each doubt stands as a comment above its line."""
        best = self._best()
        if not best:
            return ["no field of the catalogue is in this file: there is nothing for config.yaml"]
        lines = ["", "parameters:"]
        for name in FIELDS:
            if name not in best:
                continue
            group, found = best[name]
            lines += [f"  # check {name}: {doubt}" for doubt in found.doubts]
            lines.append(f"  {name}: {_flow(found.settings)}   # {_source(group)}")
        return lines

    def document(self) -> dict[str, Any]:
        """Return everything as JSON holds it."""
        rows = [dict(zip(self.COLUMNS, row, strict=True)) for row in self.rows()]
        return {
            "file": str(self.path),
            "summary": self.summary(),
            "known_as": self.known_as or None,
            "groups": rows,
            "parameters": {name: found.settings for name, (_, found) in self._best().items()},
            "doubts": {
                name: list(found.doubts)
                for name, (_, found) in self._best().items()
                if found.doubts
            },
        }

    def _best(self) -> dict[str, tuple[Group, Match]]:
        """Return for each field the group that gives it with the fewest doubts."""
        best: dict[str, tuple[Group, Match]] = {}
        for group, found in zip(self.groups, self.matches, strict=True):
            if found is None:
                continue
            name = found.field.name
            if name not in best or len(found.doubts) < len(best[name][1].doubts):
                best[name] = (group, found)
        return best


def inspect_file(path: Path) -> GribContents:
    """Look into the GRIB file at `path`.

    Raises: SourceCorrupt, for a file that is damaged.
    """
    groups, grids = read_groups(path, lambda group: match(group) is not None)
    config = read_config(environment={})
    tables = [(model.id, fields_of(model)) for model in config.models]
    known_as = _best_model(groups, [(config.source.model, DEFAULT_FIELDS), *tables])
    chosen = [(model, fields) for model, fields in tables if model == known_as]
    return GribContents(
        path,
        tuple(groups),
        tuple(match(group, chosen) for group in groups),
        tuple(describe_grid(grid) for grid in grids),
        known_as,
    )


def _best_model(groups: Sequence[Group], tables: Sequence[tuple[str, tuple[Field, ...]]]) -> str:
    """Return the model whose table is most like what the file gives, "" where none is."""
    best, best_score = "", LIKE
    for model, fields in tables:
        found = [match(group, [(model, fields)]) for group in groups]
        given = {each.field.name for each in found if each is not None and each.by != "name"}
        listed = {field.name for field in fields}
        own = sum(each is not None and each.by == f"model {model}" for each in found)
        foreign = {field.centre for field in fields} - {None} - {g.first.centre for g in groups}
        if not given or foreign:
            continue
        score = len(given & listed) / len(given | listed) + own / len(given)
        if score > best_score:
            best, best_score = model, score
    return best


def _row(group: Group, found: Match | None) -> tuple[str, ...]:
    sample = group.sample
    discipline = ".".join(map(str, group.first.parameter))
    values = f"{sample.low:.4g} to {sample.high:.4g}" if sample.low == sample.low else "?"
    packings = sorted({PACKING_NAMES.get(m.packing, str(m.packing)) for m in group.messages})
    mark = "" if found is None else found.field.name + (" (check)" if found.doubts else "")
    return (
        sample.short_name or discipline,
        _what(group, discipline),
        _levels(group),
        _steps(group),
        values,
        sample.units,
        ", ".join(packings),
        mark,
    )


def _what(group: Group, parameter: str) -> str:
    """Return the quantity with its numbers, and what it is where it is no plain forecast."""
    sample, product = group.sample, product_name(group.first)
    if group.members:
        product = f"member{'s' if len(group.members) > 1 else ''} {ranges(group.members)}"
    what = f"{sample.name or sample.problem or 'parameter'} [{parameter}]"
    return f"{product}: {what}"[:70] if product else what[:70]


def _levels(group: Group) -> str:
    """Return kind and values of the levels."""
    kind = group.sample.level_type or f"type {group.first.surface}"
    kind += " (layer)" if group.first.layer else ""
    if group.first.surface == PRESSURE:
        return f"{ranges(value / 100 for value in group.levels)} hPa"
    levels = [level for level in group.levels if level] or []
    return f"{kind} {ranges(levels)}".rstrip()


def _short_levels(group: Group, full: str) -> str:
    """Return `50-1000 hPa (22)` for many pressure levels, `full` for any other."""
    levels = group.levels
    if group.first.surface != PRESSURE or len(levels) < MANY_LEVELS:
        return full
    return f"{levels[0] / 100:g}-{levels[-1] / 100:g} hPa ({len(levels)})"


def _steps(group: Group) -> str:
    """Return the steps, or the windows with their statistic."""
    windows, statistic = group.windows, group.first.statistic
    if statistic == "point":
        return ranges(end for _, end in windows)
    shown = ", ".join(f"{start:g}-{end:g}" for start, end in windows[:6])
    return f"{statistic} {shown}{' ...' if len(windows) > 6 else ''}"


def _flow(settings: dict[str, Any]) -> str:
    """Return settings as YAML in one line."""
    return f"{{{', '.join(f'{key}: {_scalar(value)}' for key, value in settings.items())}}}"


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _source(group: Group) -> str:
    sample = group.sample
    values = f", {sample.low:.4g} to {sample.high:.4g}" if sample.low == sample.low else ""
    return f"{sample.short_name} [{sample.units}]{values}"
