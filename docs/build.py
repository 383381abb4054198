"""One page a phenomenon's room, one for what is common, one for the sources: written from the
code's own tables and constants.

Nothing is spelled a second time: predictors come from the catalogue, constants from the modules'
source with the comment that stands above or beside each, rules from models/rules.py, missing ids
from the words that the modules use, sources from the settings. `make docs` writes the pages under
docs/; a test holds them to the code.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from docs import source_table
from forecast import phenomena
from forecast.config import read_config
from forecast.observations import formats
from forecast.observations.formats import columns, units
from forecast.quantities import ELEMENTS, FEATURES, Feature
from models.rule_model import rules_of
from models.rules import Effect, Rule
from products.pages.api import quantities
from products.wording import read_words

# Which modules hold a page's constants, by their names under forecast: of a room's page the room
# first.
# fmt: off
MODULES: Mapping[str, tuple[str, ...]] = {
    "stars": ("phenomena.stars", "science.night_sky", "science.almanac", "science.meteors"),
    "cloud_sea": ("phenomena.cloud_sea", "phenomena.cloud_sea_states"),
    "glow": ("phenomena.glow", "phenomena.canvas", "phenomena.light_path",
             "phenomena.light_evidence", "phenomena.obstacles",
             "science.light"),
    "snow": ("phenomena.snow", "phenomena.snow_column", "phenomena.station_snow", "phenomena.cold",
             "science.snowfall",
             "science.snowpack", "science.precipitation_type"),
    "sources": ("ingest.derived_fields",),
    "observations": ("observations.quality_control", "observations.nowcast", "science.comfort"),
    "common": ("quantities", "phenomena", "phenomena.weather", "science.thermodynamics",
               "science.interpolation", "science.site_profiles"),
}
# fmt: on
NOTE = "Written from the code by `make docs`; do not edit. Where a source says (check), the value was chosen and not measured."


@dataclass(frozen=True, slots=True)
class Constant:
    """A named number of a module: its value, its unit, and what the comment beside or above it
    says.

    explained: whether it has a comment or needs none, being worked out from what has a name.
    """

    name: str
    value: Any
    unit: str
    told: str
    explained: bool


def pages() -> dict[str, str]:
    """Return the pages by file name."""
    rooms = {room.__name__.rpartition(".")[2]: room for room in phenomena.rooms()}
    written = {f"{name}.md": "\n".join(_page(name, room)) + "\n" for name, room in rooms.items()}
    more = {"common.md": _common(), "sources.md": _sources(), "observations.md": _observations()}
    return written | {name: "\n".join(lines) + "\n" for name, lines in more.items()}


def _page(name: str, room: ModuleType) -> Iterator[str]:
    yield from (
        f"# {name.replace('_', ' ').capitalize()}",
        "",
        NOTE,
        "",
        inspect.cleandoc(room.__doc__ or ""),
        "",
    )
    yield from (
        "## Predictors",
        "",
        "| feature | key in the JSON | unit | range | serves | what it is, and whence |",
    )
    yield "|---|---|---|---|---|---|"
    for feature in FEATURES.values():
        if served := [p for p in room.PHENOMENA if p in feature.phenomena]:
            yield _feature_row(feature, served, len(room.PHENOMENA))
    for phenomenon in room.PHENOMENA:
        for state, rule in rules_of(phenomenon).items():
            yield ""
            yield from _rule(phenomenon if state == phenomenon else f"{phenomenon}: {state}", rule)
    yield from ("", "## Outcome", "", inspect.cleandoc(room.diagnose.__doc__ or ""))
    yield from _missing([*MODULES[name], *MODULES["common"]])
    yield from _constants(name)


def _common() -> Iterator[str]:
    yield from ("# Common to all phenomena", "", NOTE)
    yield from _constants("common")


def _sources() -> Iterator[str]:
    """Tell which model gives which field; what is derived of it is told with the constants that it
    takes.
    """
    yield from source_table.page(read_config())
    yield from _constants("sources")


def _observations() -> Iterator[str]:
    """Tell what stations may report, in which columns and units, and what of it is believed."""
    yield from (
        "# Observations",
        "",
        NOTE,
        "",
        inspect.cleandoc(formats.__doc__ or ""),
        "",
        f"Forms: {', '.join(formats.PARSERS)}.",
        "",
    )
    yield "A table (CSV, or the records of a push) has a header. A column's unit may stand in brackets behind its name; else that of the"
    yield "settings counts, else the usual one. Time is one column, or year, month, day, hour, minute; without a zone it is the service's."
    yield from (
        "",
        "| element | SI | usual unit | also | believed within | in an hour at most | unchanged at most | columns |",
    )
    yield "|---|---|---|---|---|---|---|---|"
    names: dict[str, list[str]] = {}
    for spelled, meaning in columns.names().items():
        names.setdefault(meaning, []).append(spelled)
    for element in ELEMENTS.values():
        usual = units.USUAL[element.name]
        also = ", ".join(unit for unit in units.units_of(element.name) if unit != usual)
        step = f"{element.step:g}" if element.step else ""
        still = f"{element.still:g} h" if element.still else ""
        told = ", ".join(f"`{name}`" for name in names.get(element.name, ()))
        yield f"| {element.name} | {element.unit} | {usual} | {also} | {element.low:g} - {element.high:g} | {step} | {still} | {told} |"
    told = "; ".join(
        f"{what}: {', '.join(f'`{name}`' for name in names[what])}"
        for what in (columns.STATION, columns.TIME)
    )
    yield from ("", f"Columns of every table: {told}.")
    yield from _constants("observations")


def _missing(modules: Sequence[str]) -> Iterator[str]:
    """Tell which ids a forecast may name among what it lacks: those words that the modules' source
    holds.
    """
    held = {node.value for node in _nodes(modules) if isinstance(node, ast.Constant)}
    yield from ("", "## What may be missing", "", "| id | in words |", "|---|---|")
    for key, words in read_words("en").items():
        kind, _, name = key.partition(".")
        if kind == "missing" and name in held and "{" not in words:
            yield f"| `{name}` | {words} |"
    yield from (
        "| `feature:…` | a feature that could not be computed |",
        "| `field:…` | a field that the model run does not hold |",
    )


def _constants(page: str) -> Iterator[str]:
    yield from ("", "## Constants")
    tables = {f"forecast.{name}": constants(_module(name)) for name in MODULES[page]}
    if page != "common":
        read = {node.id for node in _nodes(MODULES[page]) if isinstance(node, ast.Name)}
        common = [
            one
            for name in MODULES["common"]
            for one in constants(_module(name))
            if one.name in read
        ]
        own = {one.name for found in tables.values() for one in found}
        tables["Of those common to all"] = [one for one in common if one.name not in own]
    for title, found in tables.items():
        if found:
            yield from (
                "",
                f"### {title}",
                "",
                "| constant | value | unit | what it is, and whence |",
                "|---|---|---|---|",
            )
        for one in found:
            yield f"| `{one.name}` | {_written(one.value)} | {one.unit} | {one.told.replace('|', '/')} |"


def _nodes(modules: Sequence[str]) -> Iterator[ast.AST]:
    for name in modules:
        yield from ast.walk(ast.parse(inspect.getsource(_module(name))))


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"forecast.{name}")


def constants(module: ModuleType) -> list[Constant]:
    """Return the named numbers of a module in their order; of a record of numbers (`USUAL`) each
    field, told by its own comment.

    What counts through names (`SEA, IN_CLOUD, ... = range(4)`) holds no number to tell.
    """
    source = inspect.getsource(module)
    comments = {
        token.start[0]: (token.string.lstrip("# ").rstrip(), token.line.lstrip().startswith("#"))
        for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type == tokenize.COMMENT
    }  # fmt: skip
    found: list[Constant] = []
    body = ast.parse(source).body
    fields = {
        (record.name, ast.unparse(part.target)): _share(_told(part, comments), 0, 1)
        for record in body if isinstance(record,
            ast.ClassDef) for part in record.body if isinstance(part, ast.AnnAssign)
    }  # fmt: skip
    for node in body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) == "range"
        ):
            continue
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        names = [
            part.id
            for target in targets
            for part in ast.walk(target)
            if isinstance(part, ast.Name) and part.id.isupper()
        ]
        told = _told(node, comments)
        for place, name in enumerate(names):
            value = getattr(module, name)
            if dataclasses.is_dataclass(value) and type(value).__module__ == module.__name__:
                held = {
                    field.name: getattr(value, field.name) for field in dataclasses.fields(value)
                }
                for key, number in held.items():
                    if _is_number(number):
                        unit, text = fields[type(value).__name__, key]
                        found.append(Constant(f"{name}.{key}", number, unit, text, bool(text)))
            elif not name.startswith("_") and _is_number(value):
                unit, text = _share(told, place, len(names))
                found.append(Constant(name, value, unit, text, bool(told) or _is_worked_out(node)))
    return found


def _share(told: str, place: int, count: int) -> tuple[str, str]:
    """Return the unit and the text of one of `count` constants that have a comment together: its
    own clause, where each has one.
    """
    clauses = told.split("; ")
    units = re.findall(r"\[([^]]+)\]", told)
    if count > 1 and len(clauses) == count:
        told = clauses[place]
        units = re.findall(r"\[([^]]+)\]", told) or units
    unit = units[0] if len(set(units)) == 1 else ""
    told = told.removeprefix(f"[{unit}]").strip()
    each = unit.split(", ")
    return (each[place] if count > 1 and len(each) == count else unit), told


def _is_worked_out(node: ast.stmt) -> bool:
    """Whether a statement assigns what other names make, and writes no number of its own."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return value is not None and any(isinstance(part, ast.Name) for part in ast.walk(value))


def _told(node: ast.stmt, comments: Mapping[int, tuple[str, bool]]) -> str:
    """Return what stands beside a statement, or in the lines of comment directly above it."""
    beside = [
        comments[line][0]
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        if line in comments
    ]
    line, above = node.lineno - 1, list[str]()
    while line in comments and comments[line][1] and not comments[line][0].startswith("--"):
        above.insert(0, comments[line][0])
        line -= 1
    return " ".join(beside or above)


def _is_number(value: Any) -> bool:
    """Whether a value is a number, or a table of numbers that may be named."""
    if isinstance(value, Mapping):
        return bool(value) and all(_is_number(held) for held in value.values())
    if isinstance(value, tuple | list):
        return bool(value) and all(_is_number(held) for held in value)
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iuf"
    return isinstance(
        value, int | float | np.number | np.timedelta64 | np.datetime64 | timedelta
    ) and not isinstance(value, bool)


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_written(held)}" for key, held in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(
            f"({_written(held)})" if isinstance(held, tuple | list) else _written(held)
            for held in value
        )
    if isinstance(value, np.ndarray):
        return f"{value.size} values from {value.min():g} to {value.max():g}"
    if isinstance(value, np.timedelta64):
        return f"{value / np.timedelta64(1, 'h'):g} h"
    return f"{value:.10g}" if isinstance(value, int | float | np.number) else str(value)


def _feature_row(feature: Feature, served: list[str], rooms_own: int) -> str:
    whom = "all" if len(served) == rooms_own else ", ".join(served)
    (key,) = quantities({feature.name: 0.0})
    return f"| `{feature.name}` | `{key}` | {feature.unit} | {feature.low:g} to {feature.high:g} | {whom} | {feature.source} |"


def _rule(title: str, rule: Rule) -> Iterator[str]:
    yield f"## Rule: {title}"
    yield ""
    yield f"Base {rule.base:+.2f} in log-odds. Silent without: {', '.join(f'`{name}`' for name in rule.needs)}."
    yield ""
    yield "| feature | effect on the log-odds at value | source |"
    yield "|---|---|---|"
    for effect in rule.effects:
        yield f"| `{effect.feature}` | {_line(effect)} | {effect.source} |"


def _line(effect: Effect) -> str:
    unit = FEATURES[effect.feature].unit
    shown = "" if unit == "1" else f" {unit}"
    return ", ".join(f"{moved:+g} at {value:g}" for value, moved in effect.line) + shown


def write(folder: Path) -> None:
    """Write the pages under `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
