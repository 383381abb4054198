"""Options that several commands share, and how their values are read.

Nothing heavy is imported here: `skyscape --help` must answer at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

# The same as `Source` of forecast/settings/sources.py, which is too heavy to import here (tested).
SourceName: TypeAlias = Literal["filter", "bucket", "folder", "cmadaas"]


def read_cycle(text: str) -> datetime:
    """Return the start of a model run from its ten digits."""
    if not re.fullmatch(r"\d{10}", text):
        raise typer.BadParameter(
            f"{text!r}: expected ten digits, year month day hour in UTC, like 2026112200"
        )
    try:
        year, month, day, hour = (int(text[a:b]) for a, b in ((0, 4), (4, 6), (6, 8), (8, 10)))
        return datetime(year, month, day, hour, tzinfo=UTC)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r}: there is no such hour; expected year month day hour in UTC, the hour from "
            "00 to 23, like 2026112200"
        ) from error


def read_moment(text: str) -> datetime:
    """Return a moment with its zone as UTC; one without a zone is refused."""
    from forecast.domain import as_utc

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r}: expected a day, a time and its zone, like 2026-11-22T16:00+08:00 or "
            "2026-11-22T08:00Z"
        ) from error
    try:
        return as_utc(moment)
    except (ValueError, OverflowError) as error:
        detail = str(error) if moment.tzinfo is None else "outside the years 1 to 9999 in UTC"
        raise typer.BadParameter(f"{text!r}: {detail}") from error


def read_day(text: str) -> date:
    """Return the day that an argument names."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: expected a day like 2026-01-31") from error


def read_phenomenon(text: str) -> str:
    """Return the id of a phenomenon that exists."""
    from forecast.domain import PHENOMENA

    if text not in PHENOMENA:
        raise typer.BadParameter(f"{text!r}: expected one of {', '.join(PHENOMENA)}")
    return text


def complete_phenomenon(incomplete: str) -> Iterable[str]:
    """Return the phenomena for the shell's completion."""
    from forecast.domain import PHENOMENA

    return [name for name in PHENOMENA if name.startswith(incomplete)]


ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings file. Default: the program's own config.yaml."
    ),
]
OneSource: TypeAlias = Annotated[
    SourceName | None, typer.Option("--source", help="Use this source only, and no further model.")
]
RunTime: TypeAlias = Annotated[
    datetime | None,
    typer.Option(
        "--cycle",
        parser=read_cycle,
        metavar="YYYYMMDDHH",
        help="Use this model run (UTC) instead of the newest complete one.",
    ),
]
Now: TypeAlias = Annotated[
    datetime | None,
    typer.Option(
        "--now",
        parser=read_moment,
        metavar="ISO",
        help="Act as if it were this moment, e.g. 2026-11-22T16:00+08:00.",
    ),
]
OutputFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Output folder. Default: output.folder of the settings."
    ),
]
LogForm: TypeAlias = Annotated[
    Literal["text", "json"] | None,
    typer.Option("--log", help="Form of the log's lines. Default: service.log of the settings."),
]
RebuildArchive: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--rebuild-archive",
        help="Where the archive is lost, empty or damaged, begin a new one from the released "
        "issues; a damaged one is kept beside it.",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Phenomenon: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--phenomenon",
        parser=read_phenomenon,
        autocompletion=complete_phenomenon,
        metavar="ID",
        help="Only this phenomenon, e.g. sea_of_clouds. Default: each.",
    ),
]
