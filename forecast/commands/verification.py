"""The commands that look back: outcomes, diagnose, verify. Their grammar is here; their work is
loaded when one of them is asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from forecast.config import Config


def day_of(text: str) -> date:
    """Return the day that an argument names."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a day like 2026-01-31") from error


def _outcomes_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("import", "show"),
        help="import: read tables; show: what is kept, and where sources differ",
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="CSV: site, phenomenon, day, degree, ... (README)",
    )


def _diagnose_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--day",
        type=day_of,
        metavar="DAY",
        help="local day, like 2026-11-20 (default: the last two)",
    )
    parser.add_argument("--stations-only", action="store_true", help="read no model runs")


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        type=day_of,
        metavar="DAY",
        help="first local day of events, like 2026-01-31 (default: a year ago)",
    )
    parser.add_argument(
        "--until", type=day_of, metavar="DAY", help="last local day of events (default: today)"
    )


def _outcomes(arguments: argparse.Namespace, config: Config, now: datetime) -> tuple[str, int]:
    from forecast.learning import outcome_import

    return outcome_import.run(arguments, config, now)


def _diagnose(arguments: argparse.Namespace, config: Config, now: datetime) -> tuple[str, int]:
    from forecast.learning import truth_from_analyses

    return truth_from_analyses.run(arguments, config, now), 0


def _verify(arguments: argparse.Namespace, config: Config, now: datetime) -> tuple[str, int]:
    from forecast.learning import verify

    return verify.run(arguments, config, now), 0


@dataclass(frozen=True, slots=True)
class Command:
    """What a command is for, its arguments, and its work: it returns what is printed and the exit
    code.
    """

    words: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Config, datetime], tuple[str, int]]


COMMANDS: Mapping[str, Command] = {
    "outcomes": Command(
        "take in tables of what was really seen, or show what is kept",
        _outcomes_arguments,
        _outcomes,
    ),
    "diagnose": Command(
        "read from stations and later runs what was to be seen, as `run` does each night",
        _diagnose_arguments,
        _diagnose,
    ),
    "verify": Command(
        "score the published forecasts against what was seen", _verify_arguments, _verify
    ),
}


def add_commands(
    commands: Any,
    common: argparse.ArgumentParser,
    use: Callable[[str], Callable[[argparse.Namespace], int]],
) -> None:
    """Declare every command; `use` gives what is called for one."""
    for name, command in COMMANDS.items():
        parser = commands.add_parser(
            name, parents=[common], help=command.words, description=command.words
        )
        command.add_arguments(parser)
        parser.set_defaults(command=use(name))
