"""One page a phenomenon's room, written from the code's own tables: no second spelling of a unit, a range or a threshold.

`make docs` writes them under docs/; a test holds them to the tables.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from forecast import phenomena
from forecast.quantities import FEATURES, Feature
from models.baseline import rules_of
from models.rules import Effect, Rule


def pages() -> dict[str, str]:
    """Return the pages by file name."""
    return {f"{room.__name__.rpartition('.')[2]}.md": "\n".join(_page(room)) + "\n" for room in phenomena.rooms()}


def _page(room: ModuleType) -> Iterator[str]:
    yield f"# {room.__name__.rpartition('.')[2].replace('_', ' ').capitalize()}"
    yield ""
    yield "Written from the tables by `make docs`; do not edit."
    yield ""
    yield inspect.cleandoc(room.__doc__ or "")
    yield ""
    yield "## Predictors"
    yield ""
    yield "| feature | unit | range | serves | what it is, and whence |"
    yield "|---|---|---|---|---|"
    for feature in FEATURES.values():
        if served := [name for name in room.PHENOMENA if name in feature.phenomena]:
            yield _feature_row(feature, served, len(room.PHENOMENA))
    for phenomenon in room.PHENOMENA:
        for name, rule in rules_of(phenomenon).items():
            yield ""
            yield from _rule(phenomenon if name == phenomenon else f"{phenomenon}: {name}", rule)


def _feature_row(feature: Feature, served: list[str], rooms_own: int) -> str:
    whom = "all" if len(served) == rooms_own else ", ".join(served)
    return f"| `{feature.name}` | {feature.unit} | {feature.low:g} to {feature.high:g} | {whom} | {feature.source} |"


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
