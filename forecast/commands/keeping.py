"""Commands that keep the service's data: `backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecast.commands import world as setup
from forecast.commands.options import AsJson, ConfigFile, Now
from forecast.commands.output import show, show_json


def backup(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Default: backup.folder of the settings."),
    ] = None,
    *,
    config: ConfigFile = None,
    now: Now = None,
    json: AsJson = False,
) -> int:
    """Back up archive, models, photos, releases and settings, while the service runs or not.

    Each backup is a folder of its own; of these the newest backup.keep stay.
    """
    from forecast.service.backups import back_up

    made = back_up(setup.settings(config), now or setup.clock(), folder)
    if json:
        show_json({
            "folder": str(made.folder), "files": made.files, "bytes": made.size,
            "removed": list(made.removed),
        })  # fmt: skip
    else:
        show(made.line)
    return 0


def restore(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A backup, or a folder of backups: the newest.")
    ],
    *,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Also where the archive is not empty; it is kept beside."),
    ] = False,
    config: ConfigFile = None,
    now: Now = None,
    json: AsJson = False,
) -> int:
    """Restore a backup, each file of it checked first; the service must be stopped.

    What was released after the backup stays on the pages. Exit code 7 where the backup is damaged.
    """
    from forecast.service.restoring import restore as restored

    found = restored(setup.settings(config), folder, now or setup.clock(), replace)
    if json:
        show_json({
            "backup": str(found.backup), "last_issue": found.last_issue or None,
            "replaced": [str(path) for path in found.replaced], "adopted": found.adopted,
        })  # fmt: skip
    else:
        show(*found.lines)
    return 0
