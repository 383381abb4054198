"""Killed at any change of a restore, or of the packing of old issues: is there one whole state, or
a word that says how to go on?

A child counts what it changes on the disk (files opened to be written, renamed, linked, removed) by
Python's audit events, and kills itself before the n-th change.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tarfile
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.archive.issues import Archive, Attempt
from forecast.commands.check import _archive as checked_archive
from forecast.commands.world import open_archive
from forecast.config import Config
from forecast.errors import ArchiveUnusable
from forecast.files import write_whole
from forecast.service import backups, restoring
from products.packing import pack_old, packed_releases
from products.publish import RELEASES
from tests.faults.test_keeping_for_years import NOW, filled
from tests.unit.test_retention import releases, world

LATER = NOW + timedelta(hours=1)
CHANGES = frozenset({
    "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "shutil.copyfile",
    "shutil.copytree", "shutil.rmtree", "sqlite3.connect",
})  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR


def changes(act: Callable[[], object], until: int | None = None) -> int:
    """Let a child act, and kill it before its change `until`; return how many it made."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _act_and_count(act, until, write)
    os.close(write)
    with os.fdopen(read, "rb") as counted:
        told = counted.read()
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or (os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0)
    return len(told)


def _act_and_count(act: Callable[[], object], until: int | None, write: int) -> None:
    count, active = 0, True

    def counting(event: str, arguments: Any) -> None:
        nonlocal count
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if not active or not (event in CHANGES or writes):
            return
        if count == until:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        os.write(write, b".")

    sys.addaudithook(counting)
    code = 1
    try:
        act()
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        active = False
        os._exit(code)


def details(archive: Archive) -> list[str]:
    return [each.detail for each in archive.attempts()]


def state(config: Config) -> tuple[list[str], str, str]:
    """Return what archive, models and pages hold; raise what a command would."""
    archive = open_archive(config)
    [card] = config.learning.folder.rglob("card.json")
    page = (config.output.folder / "current" / "index.html").read_text()
    return details(archive), card.read_text(), page


@pytest.fixture
def lived(config: Config, tmp_path: Path) -> Config:
    """An archive and models that went on after a backup; one release that the backup has is gone,
    and is not that in force.
    """
    found = filled(config, tmp_path)
    old = found.output.folder / "archive" / "gfs-2026112118"
    shutil.copytree(found.output.folder / "archive" / "gfs-2026112200", old)
    backups.back_up(found, NOW)
    shutil.rmtree(old)
    Archive(found.archive.url).keep_attempt(Attempt(NOW, None, 0, "since the backup"))
    write_whole(found.learning.folder / "sunset_glow" / "card.json", '{"since": 1}')
    return found


def test_killed_at_any_change_a_restore_leaves_one_state_or_says_how_to_go_on(
    lived: Config, tmp_path: Path
) -> None:
    before = (["since the backup", "kept"], '{"since": 1}', "<h1>1</h1>")
    after = (["kept"], "{}", "<h1>1</h1>")
    kept = tmp_path.parent / f"{tmp_path.name}-kept"
    shutil.copytree(tmp_path, kept, symlinks=True)
    refused = 0

    def anew() -> None:
        shutil.rmtree(tmp_path)
        shutil.copytree(kept, tmp_path, symlinks=True)

    def restored(replace: bool) -> None:
        restoring.restore(lived, lived.backup.folder or tmp_path, LATER, replace=replace)

    whole = changes(lambda: restored(True))
    assert state(lived) == after
    for number in range(1, whole, 4):
        anew()
        assert changes(lambda: restored(True), number) == number
        [fault] = checked_archive(lived, NOW, offline=True)
        if told := re.search("run `skyscape restore (.*)` again", fault.detail):
            with pytest.raises(ArchiveUnusable, match="broken off"):
                state(lived)
            restoring.restore(lived, Path(told[1]), LATER)
            refused += 1
        else:
            assert state(lived) in (before, after), f"killed at change {number}"
            restored(True)
        assert state(lived) == after, f"restored again after change {number}"
        assert (lived.output.folder / "archive" / "gfs-2026112118" / "index.html").is_file()

    assert 0 < refused < whole // 2


def test_killed_at_any_change_of_the_packing_no_page_links_to_what_is_gone(
    config: Config, tmp_path: Path
) -> None:
    at = world(config, tmp_path / "lived", whole_issues=2)
    names, publisher = releases(at, 5), at.publisher
    kept = tmp_path / "kept"
    shutil.copytree(publisher.folder, kept, symlinks=True)

    whole = changes(lambda: pack_old(publisher))
    for number in range(0, whole, 3):
        shutil.rmtree(publisher.folder)
        shutil.copytree(kept, publisher.folder, symlinks=True)
        assert changes(lambda: pack_old(publisher), number) == number
        linked = json.loads((publisher.folder / RELEASES).read_bytes())["issues"]
        assert all((publisher.releases / name / "index.html").is_file() for name in linked)
        assert publisher.link.resolve(strict=True).name == names[-1]
        for name in names:
            packed = publisher.releases / f"{name}.tar.xz"
            if packed.exists():
                with tarfile.open(packed) as archive:
                    assert archive.getnames() == [f"{name}/index.html"]
            else:
                assert (publisher.releases / name / "index.html").is_file()

        pack_old(publisher)

        assert [path.name for path in publisher.whole_releases()] == linked == names[-2:]
        assert len(packed_releases(publisher)) == 3

    assert whole > 3 * 3
