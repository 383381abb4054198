"""Commands for whoever runs the service: `status`, `check`, `settings`, `inspect`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.commands import world as setup
from forecast.commands.given_files import given_file
from forecast.commands.options import AsJson, ConfigFile, Now, OutputFolder
from forecast.commands.output import on_terminal, show, show_json, show_table
from forecast.errors import ConfigError

if TYPE_CHECKING:
    from forecast.commands.finding import CheckFinding


def status(
    *,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Name every file and sender kept, not only the last day's."),
    ] = False,
    config: ConfigFile = None,
    now: Now = None,
    out: OutputFolder = None,
    json: AsJson = False,
) -> int:
    """Show what is in force, what was issued last and what went wrong.

    Exit code 8 where the issue in force has expired, 9 where none is in force, 5 where the archive
    cannot be read: what needs none is shown all the same.
    """
    from forecast.commands import status as report

    found = report.found(setup.settings(config, out), now or setup.clock(), everything)
    code = report.exit_code(found)
    if json:
        show_json(found, indent=1)
        return code
    lines = report.lines(found, everything)
    if on_terminal():
        width = report.WIDTH
        show_table(("what", "found"), [(line[:width].strip(), line[width:]) for line in lines])
    else:
        show(*lines)
    return code


def check(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Contact no server.")] = False,
    terrain: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="netCDF grid of elevation in m, to hold the sites' heights and coordinates "
            "against.",
        ),
    ] = None,
    alive: Annotated[
        bool,
        typer.Option(
            "--alive",
            help="Only whether the service lives and issues: heartbeat, hours of issue, the issue "
            "in force. Exit code 8 where it does not. For cron or a systemd timer.",
        ),
    ] = False,
    reload: Annotated[
        bool,
        typer.Option(
            "--reload",
            help="Only what a service would refuse at a reload or a start: settings and folders.",
        ),
    ] = False,
    send: Annotated[
        bool,
        typer.Option("--tell", help="With --alive: send the alerts of the settings, each once."),
    ] = False,
    config: ConfigFile = None,
    now: Now = None,
    json: AsJson = False,
) -> int:
    """Check settings, paths, archive, sources, clock, sites and models; name every fault at once.

    Exit code 3 where something must be mended, with --alive 8 where the service fails.
    """
    if send and not alive:
        raise typer.BadParameter("--tell: only together with --alive")
    if alive and reload:
        raise typer.BadParameter("--reload: not together with --alive")
    moment, failed = now or setup.clock(), ConfigError.exit_code
    if alive:
        from forecast.commands import alive as watchdog

        settings, wrong = watchdog.settings_of(config)
        findings = watchdog.findings(settings, moment, send, wrong)
        failed = watchdog.exit_code(findings)
    else:
        from forecast.commands import check as checking

        findings = (
            checking.reload_findings(config, moment)
            if reload
            else checking.findings(config, moment, terrain, offline)
        )
    return _shown(findings, json, failed)


def _shown(findings: Sequence[CheckFinding], as_json: bool, failed: int) -> int:
    """Print what was found; return `failed` where there is a fault, else 0."""
    faults = sum(each.grade == "fault" for each in findings)
    if as_json:
        show_json([
            {"grade": each.grade, "subject": each.subject, "detail": each.detail}
            for each in findings
        ])  # fmt: skip
    else:
        rows = [(each.grade, each.subject, each.detail) for each in findings]
        show_table(("", "what", "found"), rows)
        show(f"{faults} to mend" if faults else "nothing to mend")
    return failed if faults else 0


def show_settings(*, config: ConfigFile = None, json: AsJson = False) -> int:
    """Print the resolved settings, secrets masked, paths absolute; or every fault in them."""
    show_json(setup.settings(config).shown(), indent=None if json else 2)
    return 0


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="GRIB file of edition 1 or 2.")],
    *,
    json: AsJson = False,
) -> int:
    """Show what is in a GRIB file and which fields of our catalogue it gives.

    Ends with a table `parameters:` for config.yaml; each doubtful unit or time window is named.
    """
    from forecast.commands.inspect import inspect_file

    with given_file(file):
        contents = inspect_file(file)
    if json:
        show_json(contents.document())
        return 0
    show(*contents.summary())
    show_table(contents.COLUMNS, contents.short_rows(), widths=contents.widths())
    show(*contents.fields(), *contents.yaml_lines())
    return 0
