"""What a command prints: tables and progress on a terminal, plain lines otherwise, JSON on request.

The only module that writes to standard output, and reads what a person types.
"""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from forecast.errors import ConfigError

Item = TypeVar("Item")


def on_terminal() -> bool:
    """Return whether a person reads standard output."""
    return sys.stdout.isatty()


def show(*lines: str) -> None:
    """Print lines."""
    for line in lines:
        print(line, flush=True)


def show_json(value: Any, indent: int | None = None) -> None:
    """Print one JSON document."""
    print(json.dumps(value, ensure_ascii=False, indent=indent))


def warn(text: str) -> None:
    """Print a line on standard error."""
    print(text, file=sys.stderr)


def read_secret(prompt: str) -> str:
    """Return a secret that a person types unseen, twice the same, or the line on standard input.

    Raises: ConfigError where the two differ.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(prompt)
    if first != getpass.getpass("again: "):
        raise ConfigError("the two are not the same: nothing was changed")
    return first


def show_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str = "",
    widths: Mapping[str, int] | None = None,
) -> None:
    """Print rows under their columns' names: a table on a terminal, aligned lines otherwise.

    widths: of columns that keep theirs on a narrow screen; the others share what is left.
    """
    if not on_terminal():
        show(*aligned(rows))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", width=(widths or {}).get(column))
    for row in rows:
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in row))
    Console().print(table)


# How single words look in a table.
STYLES = {"ok": "green", "note": "cyan", "warning": "yellow", "fault": "bold red"}


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines of text, each column as wide as its widest cell but the last."""
    if not rows:
        return []
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]).rstrip()
        for row in rows
    ]


def show_as_done(
    items: Iterable[Item], total: int, label: str, line: Callable[[Item], str]
) -> Iterator[Item]:
    """Yield items, a line printed for each as it is done; on a terminal above a bar of progress."""
    if not on_terminal():
        for item in items:
            show(line(item))
            yield item
        return
    from rich.progress import Progress
    from rich.text import Text

    with Progress() as progress:
        task = progress.add_task(label, total=total)
        for item in items:
            progress.console.print(Text(line(item)))
            progress.advance(task)
            yield item
