"""Whether the service can write into the folders of the settings, and what lies in them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from forecast.commands.finding import CheckFinding
from forecast.errors import of_the_disk
from forecast.files import try_folder


def written(name: str, folder: Path) -> CheckFinding:
    """Return whether the service can write into `folder`, or make it: a temporary folder is made
    and removed again.
    """
    try:
        above = next(each for each in (folder, *folder.parents) if os.path.exists(each))
        if not above.is_dir():
            detail = f"{folder}: {above} is a file, expected a folder"
            return CheckFinding("fault", name, detail)
        try_folder(folder)
        detail = contents(folder) if above == folder else "not there yet, will be made"
    except OSError as error:
        verb = "written" if os.path.isdir(folder) else "made"
        reason = error.strerror or error
        return CheckFinding(
            "fault",
            name,
            f"{folder}: cannot be {verb} ({reason}); change the setting, or the owner or mode of "
            "the folder",
            may_pass=of_the_disk(error) is not None,
        )
    return CheckFinding("ok", name, f"{folder}: {detail}")


def read(name: str, folder: Path, grade: str) -> CheckFinding:
    """Return whether files can be read from `folder`; `grade` where it is not there."""
    if os.path.isdir(folder):
        readable = os.access(folder, os.R_OK | os.X_OK)
        detail = contents(folder) if readable else "may not be read; change its owner or mode"
        return CheckFinding("ok" if readable else "fault", name, f"{folder}: {detail}")
    if os.path.exists(folder):
        return CheckFinding("fault", name, f"{folder}: is a file, expected a folder")
    detail = f"{folder}: not there; nothing can be dropped into it"
    return CheckFinding(grade, name, detail, may_pass=True)


def modes(secret: Sequence[Path], pages: Path) -> Iterator[CheckFinding]:
    """Yield which secret files others can read, and what keeps other users from the pages.

    secret: files that only the service may read, such as the archive. pages: the output folder.
    """
    for path in secret:
        if path.is_file() and path.stat().st_mode & 0o077:
            detail = f"{path}: other users can read it; chmod 600 {path}"
            yield CheckFinding("warning", "modes", detail)
    for folder in (pages, *pages.parents):
        if os.path.isdir(folder) and not folder.stat().st_mode & 0o001:
            yield CheckFinding(
                "note",
                "modes",
                f"{pages}: a web server of another user cannot read the pages, for {folder} is "
                "private; set output.folder to one outside it, such as /srv/skyscape/site",
            )
            return
    if hidden := _hidden_page(pages / "current"):
        yield CheckFinding(
            "warning",
            "modes",
            f"{hidden}: a web server of another user cannot read it; `chmod -R go+rX {pages}`, and "
            "issue under `umask 022`",
        )


def _hidden_page(release: Path) -> Path | None:
    """Return what keeps other users from the home page of a release; None where nothing does."""
    home = release / "index.html"
    for path, needed in ((release.resolve().parent, 0o001), (release, 0o001), (home, 0o004)):
        if path.exists() and not path.stat().st_mode & needed:
            return path
    return None


def contents(folder: Path) -> str:
    """Return how many entries a folder has."""
    with os.scandir(folder) as entries:
        count = sum(1 for _ in entries)
    return f"{count} entries" if count else "empty"
