"""Pack old releases: each becomes one file, `archive/<issue>.tar.xz`, without its pictures.

Only a release to which no page in force links is packed. The file is whole before the folder goes;
a process killed between the two leaves both, and the next one goes on.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

from forecast.errors import PublishError
from forecast.files import write_whole
from products.manifest import ISSUE_NAME, run_of
from products.publish import RELEASES, Publisher
from products.release_files import remove_release

SUFFIX = ".tar.xz"
LEFT_OUT = (".png", ".zip")  # they are nine tenths of what a packed release would take
WAIT = 60.0  # [s] for another process that publishes


def pack_old(publisher: Publisher) -> tuple[str, ...]:
    """Pack the releases to which no page in force links, the oldest first; return their issues.

    Of these and of those packed before the newest stay, `output.keep_issues` with the whole ones.
    Raises: PublishError, also where another process publishes for a minute.
    """
    packed = []
    try:
        for release in _to_pack(publisher):
            content = _packed(release)
            with publisher.exclusive(WAIT):  # for one at a time: no issue waits for all
                if release not in _to_pack(publisher):
                    continue
                write_whole(release.with_name(release.name + SUFFIX), content)
                remove_release(release)
            packed.append(release.name)
        _prune(publisher)
    except OSError as error:
        raise PublishError(
            f"{error.filename or publisher.releases}: an old issue is not packed "
            f"({error.strerror or error}); check that it is writable and not full"
        ) from error
    return tuple(packed)


def packed_releases(publisher: Publisher) -> list[Path]:
    """Return the files of packed releases, the oldest first."""
    found = publisher.releases.glob(f"*{SUFFIX}")
    named = [path for path in found if ISSUE_NAME.match(path.name.removesuffix(SUFFIX))]
    return sorted(named, key=_run)


def is_packed(releases: Path, issue: str) -> bool:
    """Return whether an issue is packed: its pages are gone. releases: the folder of all."""
    return not (releases / issue).exists() and (releases / f"{issue}{SUFFIX}").is_file()


def _run(path: Path) -> tuple[str, int]:
    return run_of(path.with_name(path.name.removesuffix(SUFFIX)))


def _to_pack(publisher: Publisher) -> list[Path]:
    """Return the releases that are not in the list of those linked, the oldest first."""
    try:
        linked = json.loads((publisher.folder / RELEASES).read_bytes())["issues"]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # what pages link is not known before the next issue
    in_force = publisher.link.resolve()
    whole = publisher.whole_releases()
    return [
        path
        for path in whole[: -publisher.config.keep.whole_issues]
        if path.name not in linked and path.resolve() != in_force
    ]


def _packed(release: Path) -> bytes:
    """Return a release as a file: the same bytes for the same release."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        for path in _files(release):
            name = f"{release.name}/{path.relative_to(release).as_posix()}"
            archive.add(path, name, recursive=False)
    return buffer.getvalue()


def _files(release: Path) -> Iterator[Path]:
    for path in sorted(release.rglob("*")):
        if path.is_file() and path.suffix not in LEFT_OUT:
            yield path


def _prune(publisher: Publisher) -> None:
    """Remove the oldest packed releases beyond `output.keep_issues`."""
    most = max(publisher.config.output.keep_issues - len(publisher.whole_releases()), 0)
    packed = packed_releases(publisher)
    for old in packed[: len(packed) - most]:
        old.unlink(missing_ok=True)
