"""`skyscape`: every command in its group. What a command needs is imported when it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from forecast import VERSION
from forecast.commands import (
    admin,
    former,
    issue,
    keeping,
    learn,
    observe,
    output,
    people,
    score,
    sites,
)

# The groups of the help, each command with its name and its function.
GROUPS: Mapping[str, Mapping[str, Callable[..., object]]] = {
    "Issue": {"once": issue.once, "run": issue.run, "demo": issue.demo},
    "People": {"serve": people.serve, "users": people.users},
    "Observe": {"observe": observe.observe},
    "Score": {
        "outcomes": score.outcomes,
        "truth": score.truth,
        "verify": score.verify,
        "transfer-test": score.transfer_test,
    },
    "Learn": {"train": learn.train, "models": learn.models, "reforecast": learn.reforecast},
    "Sites": {"sites": sites.sites, "survey": sites.survey},
    "Admin": {
        "status": admin.status,
        "check": admin.check,
        "backup": keeping.backup,
        "restore": keeping.restore,
        "settings": admin.show_settings,
        "inspect": admin.inspect,
    },
}
SHORT_HELP = 200  # letters of a command's description, which is its first sentence
EXIT_CODES = (
    "Exit codes: 0 done, 1 a defect, 2 usage, 3 settings, 4 no usable cycle, 5 archive, "
    "6 published only in part, or lines of a table refused, 7 a file given cannot be read, "
    "8 the issue in force has expired or the service does not work, 9 no issue is in force."
)
# What the parser of the command line says of a number -> our words, up to the value.
PARSER_WORDS = (
    (r"Input should be less than or equal to ", "expected at most "),
    (r"Input should be greater than or equal to ", "expected at least "),
    (r"Input should be less than ", "expected less than "),
    (r"Input should be greater than ", "expected more than "),
    (r"Input should be a valid integer.*", "expected a whole number"),
    (r"Input should be a valid number.*", "expected a number"),
    (r"Input should be a finite number.*", "expected a finite number"),
    (r"Input should be a valid boolean.*", "expected true or false"),
    (r"'([^']*)' is not one of (.*?)\.?$", r"'\1': expected one of \2"),
    (r"^Value error, |(?<=: )Value error, ", ""),
)


class GroupedCommands(TyperGroup):
    """The commands under the names of their groups, as plain text (to load `rich` takes longer than
    the whole help).
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands of each group into the help."""
        for group, names in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([
                    (name, self.commands[name].get_short_help_str(SHORT_HELP)) for name in names
                ])  # fmt: skip


def _print_version(wanted: bool) -> None:
    if wanted:
        output.show(f"skyscape {VERSION}")
        raise typer.Exit


def top(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Starry sky, sea of clouds, glow and snow: from a model run to a bulletin."""


def build_application() -> typer.Typer:
    """Return the application with all commands."""
    application = typer.Typer(
        name="skyscape",
        cls=GroupedCommands,
        rich_markup_mode=None,
        epilog=EXIT_CODES,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(top)
    for commands in GROUPS.values():
        for name, function in commands.items():
            application.command(name)(function)
    return application


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code.

    Raises: SkyscapeError as the command does.
    """
    command = get_command(build_application())
    commands = getattr(command, "commands", {})
    options = {
        name: frozenset(option for each in found.params for option in each.opts)
        for name, found in commands.items()
    }
    translated, notes = former.translate(arguments, options)
    for note in notes:
        output.warn(f"skyscape: {note}")
    try:
        code = command.main(translated, prog_name="skyscape", standalone_mode=False)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        message = in_our_words(error.format_message())
        if message:  # empty where the help was printed instead
            output.warn(f"skyscape: {message}")
            path = context.command_path if context else "skyscape"
            output.warn(f"`{path} --help` says what is understood")
        return error.exit_code
    return code if isinstance(code, int) else 0


def in_our_words(message: str) -> str:
    """Return a message of the parser of the command line in the words of the project."""
    for theirs, ours in PARSER_WORDS:
        message = re.sub(theirs, ours, message)
    return message
