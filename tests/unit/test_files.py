"""Files are written whole: the old content or the new one, never a part."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast import files
from forecast.files import rename, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", ["snow 雪", "snow 雪".encode(), [b"snow ", "雪".encode()]])
def test_text_bytes_and_pieces_are_written(tmp_path: Path, content: str | bytes) -> None:
    write_whole(tmp_path / "a.json", content)

    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "snow 雪"
    assert names(tmp_path) == ["a.json"]


def test_a_failed_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"old")

    def pieces() -> Iterator[bytes]:
        yield b"new"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole(path, pieces())

    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.json"]


def test_a_disk_that_fails_to_sync_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")

    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.json"]


def test_a_killed_writing_leaves_the_old_file_and_the_next_one_clears_its_remains(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"old")
    program = (
        "import os, signal, sys, pathlib\n"
        "from forecast.files import write_whole\n"
        "def pieces():\n"
        "    yield b'n' * 100_000\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_whole(pathlib.Path(sys.argv[1]), pieces())\n"
    )

    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False)

    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == [".a.json.tmp", "a.json"]
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.json"]


def test_writers_of_the_same_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    contents = [bytes([65 + k]) * (1000 + k) for k in range(8)]
    failures: list[BaseException] = []

    def write(content: bytes) -> None:
        try:
            for _ in range(5):
                write_whole(path, (content[at : at + 100] for at in range(0, len(content), 100)))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["a.json"]


def test_file_folder_and_name_are_synced_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_sync(descriptor: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        fsync(descriptor)

    def record_replace(source: Path, target: Path) -> None:
        done.append(f"rename to {target.name}")
        replace(source, target)

    monkeypatch.setattr(files.os, "fsync", record_sync)
    monkeypatch.setattr(files.os, "replace", record_replace)
    folder = tmp_path / "folder"
    folder.mkdir()
    write_whole(folder / "a.json", b"new")

    assert done == ["sync .a.json.tmp", "rename to a.json", "sync folder"]


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.json", b"new")
    (tmp_path / "b.json").write_bytes(b"new")

    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "b.json").stat().st_mode


def test_a_folder_gets_its_final_name_with_its_files(tmp_path: Path) -> None:
    (tmp_path / ".new").mkdir()
    write_whole(tmp_path / ".new" / "a.json", b"new")

    rename(tmp_path / ".new", tmp_path / "final")

    assert (tmp_path / "final" / "a.json").read_bytes() == b"new"
    assert names(tmp_path) == ["final"]


def test_a_private_file_is_private_before_its_first_byte(tmp_path: Path) -> None:
    modes = []

    def pieces() -> Iterator[bytes]:
        modes.append((tmp_path / ".secret.tmp").stat().st_mode & 0o777)
        yield b"secret"

    write_whole(tmp_path / "secret", pieces(), private=True)

    assert modes == [0o600]
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
