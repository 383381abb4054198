"""Can other users of the machine read what is secret? Whatever the umask."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.archive.accounts import Accounts
from forecast.archive.issues import Archive
from forecast.commands import folder_checks
from forecast.config import Config
from forecast.files import make_private
from forecast.service.journal import Journal, JournalEntry
from forecast.service.web.session_key import key_file, session_key

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("umask")
def test_the_archive_and_all_beside_it_are_for_the_service_only(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SKYSCAPE_SECRET", raising=False)
    folder = tmp_path / "state"
    url = f"sqlite:///{folder / 'archive.db'}"
    archive = Archive(url)

    Accounts(archive).add("wang", "王一", "forecaster", "seven larches above the river", NOW)
    settings = config.model_copy(update={"archive": config.archive.model_copy(update={"url": url})})
    session_key(settings)
    entry = JournalEntry(NOW, NOW, "a1", "issued", None, 0, "for a test")
    assert Journal(folder).add(entry)

    modes = {path.name: mode(path) for path in folder.iterdir()}
    assert modes.keys() >= {"archive.db", "archive.db-wal", "archive.db-shm", "journal.jsonl"}
    assert key_file(settings).name in modes
    assert set(modes.values()) == {0o600}
    assert mode(folder) == 0o700


def test_a_folder_and_an_archive_that_are_there_keep_their_modes(tmp_path: Path) -> None:
    """A bureau may let a group read them, for its own backup."""
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o750)
    (folder / "archive.db").touch()
    (folder / "archive.db").chmod(0o640)

    Archive(f"sqlite:///{folder / 'archive.db'}").attempts(1)

    assert (mode(folder), mode(folder / "archive.db")) == (0o750, 0o640)


@pytest.mark.usefixtures("umask")
def test_a_private_folder_is_made_below_ordinary_ones(tmp_path: Path) -> None:
    make_private(tmp_path / "above" / "secret", folder=True)
    make_private(tmp_path / "above" / "secret" / "token")

    assert mode(tmp_path / "above" / "secret") == 0o700
    assert mode(tmp_path / "above" / "secret" / "token") == 0o600


def test_check_names_what_others_can_read_and_pages_that_they_cannot(tmp_path: Path) -> None:
    archive, pages = tmp_path / "archive.db", tmp_path / "private" / "site"
    archive.touch()
    archive.chmod(0o644)
    pages.mkdir(parents=True)
    pages.parent.chmod(0o700)
    key = tmp_path / "session.key"
    make_private(key)

    found = list(folder_checks.modes((archive, key), pages))

    assert [(each.grade, str(pages) in each.detail) for each in found] == [
        ("warning", False),
        ("note", True),
    ]
    assert f"chmod 600 {archive}" in found[0].detail
    assert str(pages.parent) in found[1].detail


@pytest.mark.parametrize(
    ("given", "file", "folder"),
    [("000", 0o644, 0o755), ("022", 0o644, 0o755), ("027", 0o640, 0o750)],
)
def test_a_release_is_written_by_its_owner_only_and_a_stricter_umask_stays(
    tmp_path: Path, given: str, file: int, folder: int
) -> None:
    """In a process of its own, as a umask belongs to a whole process."""
    source = (
        "import sys; from pathlib import Path; from forecast.__main__ import main; "
        "assert main(['settings', '--json']) == 0; "
        "from tests.e2e.past_releases import one_site, publish; "
        "publish(one_site(Path(sys.argv[1])), 1)"
    )
    command = f'umask {given}; exec "$0" -c "$1" "$2"'

    subprocess.run(
        ["sh", "-c", command, sys.executable, source, str(tmp_path / "site")],
        cwd=PROJECT,
        check=True,
        stdout=subprocess.DEVNULL,
    )

    made = [path for path in (tmp_path / "site").rglob("*") if not path.is_symlink()]
    assert len(made) > 50
    assert {mode(path) for path in made if path.is_file()} == {file}
    assert {mode(path) for path in made if path.is_dir()} == {folder}


@pytest.mark.parametrize("hidden", ["archive/gfs-2026112200", "archive", "current/index.html"])
def test_pages_that_a_web_server_cannot_read_are_named(tmp_path: Path, hidden: str) -> None:
    release = tmp_path / "archive" / "gfs-2026112200"
    release.mkdir(parents=True)
    (release / "index.html").write_text("page")
    (tmp_path / "current").symlink_to(Path("archive") / release.name)
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o001)
    assert list(folder_checks.modes((), tmp_path)) == []

    (tmp_path / hidden).chmod(0o700 if "html" not in hidden else 0o600)
    [found] = folder_checks.modes((), tmp_path)

    assert found.grade == "warning"
    assert f"chmod -R go+rX {tmp_path}" in found.detail
