"""Generate the reference pages: one a phenomenon, and those of common constants, sources,
observations and the public data.

Predictors come from the catalogue of features, constants from the modules' source with the comment
above or beside each, rules from models/rules.py, missing ids from the words that the modules use,
sources from the settings. `make docs` writes the pages under docs/; a test compares them with the
code.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import importlib
import inspect
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from docs import alerts_page, api_page, messages, source_table
from forecast import phenomena
from forecast.config import read_config
from forecast.observations import formats
from forecast.observations.formats import columns, units
from forecast.quantities import ELEMENTS, FEATURES, Feature
from models import lead
from models.rule_model import rules_of
from models.rules import Effect, Rule
from products.channels.api import quantities
from products.wording import read_words

# Page -> modules whose constants it lists, by their names under forecast; a phenomenon's own first.
# fmt: off
MODULES: Mapping[str, tuple[str, ...]] = {
    "stars": ("phenomena.stars", "phenomena.star_night", "phenomena.night_light",
              "science.night_sky", "science.almanac", "science.meteors"),
    "cloud_sea": ("phenomena.cloud_sea", "phenomena.cloud_sea_column", "phenomena.cloud_deck",
                  "phenomena.cloud_sea_states"),
    "glow": ("phenomena.glow", "phenomena.glow_geometry", "phenomena.glow_colour",
             "phenomena.sun_disk", "phenomena.canvas", "phenomena.light_path",
             "phenomena.light_evidence", "phenomena.obstacles", "phenomena.light_chances",
             "phenomena.changed_air",
             "phenomena.light_stages", "phenomena.layered_path",
             "science.light", "science.light_rays", "science.cloud_errors"),
    "snow": ("phenomena.snow", "phenomena.snow_column", "phenomena.station_snow", "phenomena.cold",
             "science.snowfall",
             "science.snowpack", "science.precipitation_type"),
    "sources": ("ingest.derived_fields", "ingest.cloud_by_level", "ingest.aerosol"),
    "observations": ("observations.quality_control", "observations.report_checks",
                     "observations.plausibility_checks", "observations.sentinels",
                     "observations.cloud_scale", "observations.likely_temperature",
                     "observations.past_checks",
                     "observations.time_checks", "observations.neighbours",
                     "observations.nowcast", "science.comfort"),
    "common": ("quantities.fields", "quantities.thresholds", "phenomena",
               "phenomena.joining", "phenomena.weather", "phenomena.hours",
               "science.thermodynamics",
               "science.aerosol",
               "science.interpolation", "science.vertical", "science.site_profiles"),
}
# fmt: on
NOTE = (
    "Written from the code by `make docs`; do not edit. Where a source says (check), the value was "
    "chosen and not measured."
)


@dataclass(frozen=True, slots=True)
class Constant:
    """A named number of a module: value, unit and description from the comment at it.

    explained: whether it has a comment or needs none, being computed from named constants.
    """

    name: str
    value: Any
    unit: str
    text: str
    explained: bool


def pages() -> dict[str, str]:
    """Return the pages by file name."""
    named = {module.__name__.rpartition(".")[2]: module for module in phenomena.modules()}
    written = {
        f"{name}.md": "\n".join(_page(name, module)) + "\n" for name, module in named.items()
    }
    more = {
        "common.md": _common(),
        "sources.md": _sources(),
        "observations.md": _observations(),
        "messages.md": messages.lines(),
        "alerts.md": alerts_page.lines(),
        "api.md": api_page.lines(),
    }
    return written | {name: "\n".join(lines) + "\n" for name, lines in more.items()}


def _page(name: str, module: ModuleType) -> Iterator[str]:
    yield from (
        f"# {name.replace('_', ' ').capitalize()}",
        "",
        NOTE,
        "",
        inspect.cleandoc(module.__doc__ or ""),
        "",
    )
    yield from (
        "## Predictors",
        "",
        "| feature | key in the JSON | unit | range | serves | description and source |",
    )
    yield "|---|---|---|---|---|---|"
    for feature in FEATURES.values():
        if served := [p for p in module.PHENOMENA if p in feature.phenomena]:
            yield _feature_row(feature, served, len(module.PHENOMENA))
    for phenomenon in module.PHENOMENA:
        for state, rule in rules_of(phenomenon).items():
            yield ""
            yield from _rule(phenomenon if state == phenomenon else f"{phenomenon}: {state}", rule)
    yield from _lead(module.PHENOMENA)
    yield from ("", "## Outcome", "", inspect.cleandoc(module.diagnose.__doc__ or ""))
    yield from _missing([*MODULES[name], *MODULES["common"]])
    yield from _constants(name)


def _common() -> Iterator[str]:
    yield from ("# Common to all phenomena", "", NOTE)
    yield from _constants("common")


def _sources() -> Iterator[str]:
    """Yield the page of sources: fields of each model, and the constants of derived fields."""
    yield from source_table.page(read_config())
    yield from _constants("sources")


def _observations() -> Iterator[str]:
    """Yield the page of observations: columns, units and the limits of quality control."""
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
    yield (
        "A table (CSV, or the records of a push) has a header. A column's unit may stand in "
        "brackets behind its name; else that of the"
    )
    yield (
        "settings counts, else the usual one. Time is one column, or year, month, day, hour, "
        "minute; without a zone it is the service's."
    )
    yield (
        "A zone decides wherever it is named: in a time's heading or cell, in a column "
        "(`timezone`, `utc_offset`, `utc_offset_seconds`),"
    )
    yield (
        "in a comment (`# time zone: UTC`, `# UTC`) or around pushed records "
        '(`{"timezone": "UTC", "records": [...]}`). Two zones, or one not understood, refuse.'
    )
    yield from (
        "",
        "| element | SI | usual unit | also | accepted within | in an hour at most | "
        "unchanged at most | columns |",
    )
    yield "|---|---|---|---|---|---|---|---|"
    names: dict[str, list[str]] = {}
    for spelled, meaning in columns.column_names().items():
        names.setdefault(meaning, []).append(spelled)
    for element in ELEMENTS.values():
        usual = units.DEFAULT_UNITS[element.name]
        also = ", ".join(unit for unit in units.units_of(element.name) if unit != usual)
        step = f"{element.step:g}" if element.step else ""
        still = f"{element.still:g} h" if element.still else ""
        spellings = ", ".join(f"`{name}`" for name in names.get(element.name, ()))
        limits = f"{element.low:g} - {element.high:g}"
        yield (
            f"| {element.name} | {element.unit} | {usual} | {also} | {limits} | {step} | {still} "
            f"| {spellings} |"
        )
    common = "; ".join(
        f"{what}: {', '.join(f'`{name}`' for name in names[what])}"
        for what in (columns.STATION, columns.TIME)
    )
    yield from ("", f"Columns of every table: {common}.")
    yield from _constants("observations")


def _missing(modules: Sequence[str]) -> Iterator[str]:
    """Yield the table of ids that a forecast may name as missing: those in the modules' source."""
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
                "| constant | value | unit | description and source |",
                "|---|---|---|---|",
            )
        for one in found:
            text = one.text.replace("|", "/")
            yield f"| `{one.name}` | {_written(one.value)} | {one.unit} | {text} |"


def _nodes(modules: Sequence[str]) -> Iterator[ast.AST]:
    for name in modules:
        yield from ast.walk(ast.parse(inspect.getsource(_module(name))))


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"forecast.{name}")


def constants(module: ModuleType) -> list[Constant]:
    """Return the named numbers of a module in order; of a dataclass (`USUAL`) each field.

    Enumerations (`SEA, IN_CLOUD, ... = range(4)`) are left out.
    """
    source = inspect.getsource(module)
    comments = {
        token.start[0]: (token.string.lstrip("# ").rstrip(), token.line.lstrip().startswith("#"))
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }  # fmt: skip
    found: list[Constant] = []
    body = ast.parse(source).body
    fields = {
        (record.name, ast.unparse(part.target)): _share(_comment_at(part, comments), 0, 1)
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
        comment = _comment_at(node, comments)
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
                unit, text = _share(comment, place, len(names))
                found.append(Constant(name, value, unit, text, bool(comment) or _is_computed(node)))
    return found


def _share(comment: str, place: int, count: int) -> tuple[str, str]:
    """Return unit and text of one of `count` constants that share a comment.

    Its own clause, where each constant has one.
    """
    clauses = comment.split("; ")
    units = re.findall(r"\[([^]]+)\]", comment)
    if count > 1 and len(clauses) == count:
        comment = clauses[place]
        units = re.findall(r"\[([^]]+)\]", comment) or units
    unit = units[0] if len(set(units)) == 1 else ""
    comment = comment.removeprefix(f"[{unit}]").strip()
    each = unit.split(", ")
    return (each[place] if count > 1 and len(each) == count else unit), comment


def _is_computed(node: ast.stmt) -> bool:
    """Return whether a statement assigns a value computed from other names."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return value is not None and any(isinstance(part, ast.Name) for part in ast.walk(value))


def _comment_at(node: ast.stmt, comments: Mapping[int, tuple[str, bool]]) -> str:
    """Return the comment beside a statement, or the comment lines directly above it."""
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
    """Return whether a value is a number or a table of numbers."""
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


def _feature_row(feature: Feature, served: list[str], count: int) -> str:
    whom = "all" if len(served) == count else ", ".join(served)
    (key,) = quantities({feature.name: 0.0})
    limits = f"{feature.low:g} to {feature.high:g}"
    return f"| `{feature.name}` | `{key}` | {feature.unit} | {limits} | {whom} | {feature.source} |"


def _lead(phenomena_of_page: Sequence[str]) -> Iterator[str]:
    """Yield the table of what a rule's log-odds weigh by lead."""
    yield from ("", "## Weight by lead", "", inspect.cleandoc(lead.__doc__ or ""), "")
    yield "| phenomenon | strength | days | shape | offset | in the features | from |"
    yield "|---|---|---|---|---|---|---|"
    for phenomenon in phenomena_of_page:
        scale = lead.SCALES[phenomenon]
        yield (
            f"| {phenomenon} | {scale.strength:g} | {scale.days:g} | {scale.shape:g} "
            f"| {scale.offset:+g} | {'yes' if scale.in_features else 'no'} "
            f"| {'measured: ' if scale.measured else ''}{scale.source} |"
        )


def _rule(title: str, rule: Rule) -> Iterator[str]:
    yield f"## Rule: {title}"
    yield ""
    needs = ", ".join(f"`{name}`" for name in rule.needs)
    parts = ", ".join(f"`{name}`" for name in rule.parts)
    named = f" Its reasons are named by: {parts}." if parts else ""
    yield f"Base {rule.base:+.2f} in log-odds. No forecast without: {needs}.{named}"
    yield ""
    yield "| feature | effect on the log-odds at value | source |"
    yield "|---|---|---|"
    for effect in rule.effects:
        known = "; known ahead" if effect.known_ahead else ""
        yield f"| `{effect.feature}` | {_line(effect)} | {effect.source}{known} |"


def _line(effect: Effect) -> str:
    unit = FEATURES[effect.feature].unit
    shown = "" if unit == "1" else f" {unit}"
    return ", ".join(f"{moved:+g} at {value:g}" for value, moved in effect.line) + shown


def write(folder: Path) -> None:
    """Write the pages under `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pages into the folder that the arguments name; exit code 2 where they name none."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.build", description=(__doc__ or "").partition("\n\n")[0]
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the pages are written")
    write(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
