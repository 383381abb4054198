"""Is a backup whole, made while others write, refused where it is damaged, and does the service go
on from a restored one with the next number? Does anything read a whole large table?
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Set
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from forecast import pipeline
from forecast.__main__ import main
from forecast.archive import copies
from forecast.archive.accounts import Accounts
from forecast.archive.drafts import Drafts
from forecast.archive.issues import Archive, Attempt
from forecast.archive.rebuilding import adopt
from forecast.commands import status
from forecast.config import Config
from forecast.domain import Atmosphere, Cycle, Issue
from forecast.errors import ArchiveError, ConfigError, FileUnreadable
from forecast.ingest.grib import reader
from forecast.learning import monitor, truth_from_analyses, truth_from_phones, verify
from forecast.observations import current
from forecast.observations.intake import Intake
from forecast.service import backup_record, backups, restoring, retention
from forecast.service.heartbeat import beat
from forecast.service.single import hold
from products.publish import Publisher
from tests.faults import one_site
from tests.station_data import with_stations
from tests.web_world import WebWorld

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
# What has more than ten thousand rows after five years.
LARGE = {
    "attempt", "audit", "delivery", "fault", "forecast", "observation", "observation_hour",
    "outcome", "reading", "transition", "voice",
}  # fmt: skip


@pytest.fixture(scope="module")
def atmosphere(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Atmosphere:
    folder = tmp_path_factory.mktemp("cycle")
    return one_site.decoded(one_site.small(config, folder), folder)


def settings(config: Config, folder: Path, url: str = "", **keep: object) -> Config:
    """Return the settings of one site; models, backups and archive below a folder."""
    found = one_site.small(config, folder)
    updates = {
        "output": found.output.model_copy(update={"channels": ("web",)}),
        "observations": found.observations.model_copy(update={"folder": folder / "spool"}),
        "learning": found.learning.model_copy(update={"folder": folder / "models"}),
        "backup": found.backup.model_copy(update={"folder": folder / "backups", **keep}),
    }
    if url:
        updates["archive"] = found.archive.model_copy(update={"url": url})
    return found.model_copy(update=updates)


def filled(config: Config, folder: Path) -> Config:
    """Return settings whose archive has an account, and a folder of one model and one release."""
    found = settings(config, folder)
    archive = Archive(found.archive.url)
    Accounts(archive).add("wang", "王一", "forecaster", "seven larches above", NOW)
    archive.keep_attempt(Attempt(NOW, None, 0, "kept"))
    issue = Issue("gfs-2026112200", 1, NOW, Cycle(one_site.RUN), NOW + DAY)
    adopt(archive, [(issue, "", False)])
    (folder / "models" / "sunset_glow").mkdir(parents=True)
    (folder / "models" / "sunset_glow" / "card.json").write_text("{}")
    release = folder / "site" / "archive" / "gfs-2026112200"
    release.mkdir(parents=True)
    (release / "index.html").write_text("<h1>1</h1>")
    (folder / "site" / "current").symlink_to("archive/gfs-2026112200")
    return found


def empty_postgresql(url: str) -> None:
    engine = sql.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sql.text("DROP SCHEMA public CASCADE"))
        connection.execute(sql.text("CREATE SCHEMA public"))
    engine.dispose()


@contextmanager
def statements() -> Iterator[dict[str, Any]]:
    """Collect every statement that goes to a database, each with parameters of its first use."""
    found: dict[str, Any] = {}

    def collect(
        _: object, __: object, statement: str, parameters: Any, ___: object, many: bool
    ) -> None:
        found.setdefault(statement, parameters[0] if many else parameters)

    sql.event.listen(sql.Engine, "before_cursor_execute", collect)
    try:
        yield found
    finally:
        sql.event.remove(sql.Engine, "before_cursor_execute", collect)


def scans(path: Path, found: dict[str, Any], tables: Set[str] = LARGE) -> dict[str, list[str]]:
    """Return the statements that read a whole large table, and how, by SQLite's own plan."""
    connection = sqlite3.connect(path)
    wrong: dict[str, list[str]] = {}
    for statement, parameters in found.items():
        if not statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            continue
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        # the newest few, in the order of an index or of the table, are read without the others
        newest = "LIMIT" in statement and "TEMP B-TREE" not in str(plan)
        whole = [step for *_, step in plan if step.startswith("SCAN ")]
        large = [step for step in whole if step.split()[1] in tables and not newest]
        if large:
            wrong[" ".join(statement.split())] = large
    connection.close()
    return wrong


def test_nothing_that_the_service_does_reads_a_whole_large_table(
    config: Config, atmosphere: Atmosphere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An issue, a draft, the desk, `status`, intake, the nightly verification, retention."""
    monkeypatch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
    plain = settings(with_stations(config), tmp_path)
    with statements() as found:
        web = WebWorld(one_site.world(plain, one_site.RUN))
        pipeline.run(web.world, one_site.RUN + timedelta(hours=5))
        later = one_site.RUN + timedelta(hours=6)
        reviewed = plain.model_copy(
            update={"issue": plain.issue.model_copy(update={"review": "optional"})}
        )
        desk = WebWorld(one_site.world(reviewed, one_site.RUN))
        desk.add_people("wang")
        desk.draft()
        client = desk.client("wang")
        for path in ("/desk/", "/desk/reports", "/report/", "/health"):
            assert client.get(path).status_code in (200, 404), path
        status.found(plain, later)
        intake = Intake(plain.observations, web.world.archive, plain.zone, settle=0)
        (plain.observations.folder).mkdir(parents=True)
        (plain.observations.folder / "a.csv").write_text(
            f"station,time,air_temperature\nA1201,{later.isoformat()},-3\n"
        )
        assert intake.observe(later).records == 1
        current.latest(web.world.archive, plain.observations, plain.zone, later)
        archive, today = web.world.archive, later.astimezone(plain.zone).date()
        truth_from_analyses.diagnose(archive, plain, today, later, None)
        truth_from_phones.settle(archive, plain, later)
        verify.verification(archive, plain, later)
        verify.changes_by(archive, plain, later, "wang")
        monitor.findings(archive, plain, later)
        retention.retain(web.world, later + timedelta(days=900))

    assert len(found) > 80
    assert scans(tmp_path / "archive.db", found) == {}
    with statements() as of_states:
        assert Drafts(archive).shown_states([each.id for each in archive.issues()])
    of_states = {each: given for each, given in of_states.items() if " IN (" in each}
    assert len(of_states) == 2
    assert scans(tmp_path / "archive.db", of_states, {"issue", "draft"}) == {}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_service_goes_on_from_a_restored_backup_with_the_next_number(
    kind: str,
    config: Config,
    atmosphere: Atmosphere,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    url = request.getfixturevalue("postgresql") if kind == "postgresql" else ""
    if url:
        empty_postgresql(url)
    lived = settings(config, tmp_path, url)
    first = one_site.carry(lived, atmosphere, 0).issue
    Accounts(Archive(lived.archive.url)).add("li", "李二", "editor", "seven larches above", NOW)
    made = backups.back_up(lived, NOW)
    if url:
        empty_postgresql(url)
    new = settings(config, tmp_path / "new", url)

    found = restoring.restore(new, made.folder, NOW)

    archive = Archive(new.archive.url)
    assert (found.last_issue, found.adopted, found.replaced) == (first.id, 0, ())
    assert Accounts(archive).verified("li", "seven larches above") is not None
    assert Publisher(new).holds(first.id)
    assert _modes(new.output.folder / "archive") == _modes(lived.output.folder / "archive")
    assert not made.folder.stat().st_mode & 0o077
    second = one_site.carry(new, atmosphere, 1).issue
    assert (first.number, second.number) == (1, 2)
    assert Publisher(new).current() == second.id
    assert first.id in (new.output.folder / "current" / "archive" / "index.html").read_text()


def _modes(folder: Path) -> dict[str, int]:
    """The modes of what is in a folder: a web server must be able to read pages."""
    return {
        str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")
    }


def test_a_backup_is_one_state_of_an_archive_that_is_written_meanwhile(
    config: Config, tmp_path: Path
) -> None:
    """Each transaction adds two attempts: a copy never has one of them."""
    lived = filled(config, tmp_path)
    done = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(tmp_path / "archive.db", timeout=30)
        while not done.is_set():
            with connection:
                for detail in ("one", "other"):
                    connection.execute(
                        "INSERT INTO attempt (at, exit_code, detail) VALUES (?, 0, ?)",
                        (NOW.isoformat(), detail),
                    )
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [backups.back_up(lived, NOW + n * DAY) for n in range(3)]
    finally:
        done.set()
        writer.join()

    for each in made:
        copy = sqlite3.connect(each.folder / "archive.db")
        one, other = (
            copy.execute("SELECT count(*) FROM attempt WHERE detail = ?", (detail,)).fetchone()[0]
            for detail in ("one", "other")
        )
        assert one == other
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM account").fetchone() == (1,)
        copy.close()


def test_a_backup_names_every_file_and_only_its_owner_enters(
    config: Config, tmp_path: Path
) -> None:
    lived = filled(config, tmp_path)

    made = backups.back_up(lived, NOW)

    manifest = json.loads((made.folder / "manifest.json").read_text())
    there = {
        str(path.relative_to(made.folder)) for path in made.folder.rglob("*") if path.is_file()
    }
    assert set(manifest["files"]) == there - {"manifest.json", "site/current/index.html"}
    assert {"archive.db", "models/sunset_glow/card.json", "settings/understood.json"} <= there
    assert manifest["current"] == "archive/gfs-2026112200"
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((made.folder / "archive.db").stat().st_mode) == 0o600
    page = made.folder / "site" / "archive" / "gfs-2026112200" / "index.html"
    assert page.stat().st_nlink == 2  # no space of its own
    assert not list(made.folder.parent.glob(".making-*"))


def test_the_newest_backups_stay_and_a_killed_one_is_cleared_away(
    config: Config, tmp_path: Path
) -> None:
    filled(config, tmp_path)
    lived = settings(config, tmp_path, keep=2)
    (tmp_path / "backups" / ".making-skyscape-20261121T120000Z").mkdir(parents=True)

    made = [backups.back_up(lived, NOW + n * DAY) for n in range(3)]

    assert backup_record.backups(tmp_path / "backups") == [each.folder for each in made[1:]]
    assert made[2].removed == (made[0].folder.name,)
    assert not list((tmp_path / "backups").glob(".making-*"))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("archive.db", lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x01")),
        ("site/archive/gfs-2026112200/index.html", lambda path: path.unlink()),
        ("models/sunset_glow/card.json", lambda path: path.write_text("{} ")),
        ("manifest.json", lambda path: path.write_text("{")),
    ],
)
def test_a_damaged_backup_is_refused_and_names_the_file(
    config: Config, tmp_path: Path, name: str, damage: object
) -> None:
    made = backups.back_up(filled(config, tmp_path), NOW)
    new = settings(config, tmp_path / "new")
    assert callable(damage)
    path = made.folder / name
    content = path.read_bytes()
    path.unlink()  # it may be a link to the living file
    path.write_bytes(content)
    damage(path)

    with pytest.raises(FileUnreadable, match=Path(name).name):
        restoring.restore(new, made.folder, NOW)

    assert not (tmp_path / "new" / "archive.db").exists()


def test_what_lives_is_not_overwritten(config: Config, tmp_path: Path) -> None:
    lived = filled(config, tmp_path)
    made = backups.back_up(lived, NOW)

    beat(lived.private_folder, NOW, NOW, "0")
    with pytest.raises(ConfigError, match=f"the service runs .process {os.getpid()}.: stop it"):
        restoring.restore(lived, made.folder, NOW, replace=True)
    later = NOW + timedelta(minutes=10)
    with pytest.raises(ConfigError, match="not empty; with --replace"):
        restoring.restore(lived, made.folder, later)
    Archive(lived.archive.url).keep_attempt(Attempt(NOW, None, 0, "since the backup"))

    found = restoring.restore(lived, made.folder, later, replace=True)

    assert [each.detail for each in Archive(lived.archive.url).attempts()] == ["kept"]
    assert [path.name for path in found.replaced] == ["archive.db.replaced-1", "models.replaced-1"]
    before = Archive(f"sqlite:///{found.replaced[0]}")
    assert [each.detail for each in before.attempts()] == ["since the backup", "kept"]


def test_numbers_of_issues_released_after_the_backup_are_not_used_again(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived = filled(config, tmp_path)
    made = backups.back_up(lived, NOW)
    cycle = Cycle(NOW.replace(hour=6))
    later = Issue(cycle.id, 7, NOW + timedelta(hours=1), cycle, NOW + DAY, True)
    monkeypatch.setattr(Publisher, "released", lambda _: ((later, "abc", False),))

    found = restoring.restore(lived, made.folder, NOW, replace=True)

    assert (found.adopted, found.last_issue) == (1, later.id)
    following = Cycle(NOW)
    number = Archive(lived.archive.url).open_issue(following, "abc", NOW + DAY, NOW + 2 * DAY)
    assert number.number == 8


def test_nothing_is_restored_into_a_folder_that_a_service_holds(
    config: Config, tmp_path: Path
) -> None:
    """One that has just started, and has no heartbeat yet."""
    lived = filled(config, tmp_path)
    made = backups.back_up(lived, NOW)

    with (
        hold(lived.output.folder, NOW, "0.1.0"),
        pytest.raises(ConfigError, match=f"another service runs .* .process {os.getpid()} "),
    ):
        restoring.restore(lived, made.folder, NOW, replace=True)


def test_a_copy_of_a_file_whose_tables_are_in_its_log_is_recognised(tmp_path: Path) -> None:
    """As a service of an earlier version left it on its first day."""
    live = tmp_path / "archive.db"
    with closing(sqlite3.connect(live, isolation_level=None)) as service:
        service.execute("PRAGMA journal_mode=WAL")
        service.execute("CREATE TABLE issue (id TEXT)")
        shutil.copy(live, tmp_path / "copy.db")

    with pytest.raises(ArchiveError, match=r"copy of the file of a running service.*backup"):
        Archive(f"sqlite:///{tmp_path / 'copy.db'}")
    with pytest.raises(ArchiveError, match="copy of the file of a running service"):
        copies.check_copy(tmp_path / "copy.db")


def test_an_archive_killed_while_it_is_made_is_made_again(tmp_path: Path) -> None:
    """Every write of the first opening, up to the tables, leaves what the next one can use."""
    made = tmp_path / "archive.db"
    script = (
        "import os, sys, sqlalchemy as sql; from forecast.archive import upgrade;"
        "from forecast.archive.issues import Archive;"
        "upgrade._alembic = lambda *_: os.kill(os.getpid(), 9); Archive(sys.argv[1])"
    )
    ended = subprocess.run([sys.executable, "-c", script, f"sqlite:///{made}"], check=False)

    assert ended.returncode == -signal.SIGKILL
    assert made.exists()
    archive = Archive(f"sqlite:///{made}")
    with archive.transaction() as connection:
        assert connection.scalar(sql.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sql.text("SELECT count(*) FROM about")) == 1


def test_a_missing_or_an_old_client_of_postgresql_is_named(
    postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArchiveError, match=r"pg_dump is missing: install"):
        copies.copy_database(postgresql, tmp_path)

    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    with pytest.raises(ArchiveError, match=r"pg_dump is of version 9, the server of \d\d"):
        copies.copy_database(postgresql, tmp_path)


def test_a_backup_is_never_made_where_readers_see_it(config: Config, tmp_path: Path) -> None:
    lived = filled(config, tmp_path)

    with pytest.raises(ConfigError, match="readers see"):
        backups.back_up(lived, NOW, tmp_path / "site" / "backups")
    unset = lived.model_copy(update={"backup": lived.backup.model_copy(update={"folder": None})})
    with pytest.raises(ConfigError, match=r"set backup\.folder"):
        backups.back_up(unset, NOW)


def test_the_commands_back_up_and_restore(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(Path(__file__).parents[2] / "config.yaml", tmp_path / "config.yaml")
    options = ["--config", str(tmp_path / "config.yaml"), "--json"]
    Archive(f"sqlite:///{tmp_path / 'var' / 'archive.db'}")
    folder = str(tmp_path / "backups")

    assert main(["backup", folder, *options]) == 0
    made = json.loads(capsys.readouterr().out)
    assert main(["restore", folder, *options]) == 0
    restored = json.loads(capsys.readouterr().out)

    assert restored["backup"] == made["folder"]
    assert (Path(made["folder"]) / "settings" / "config.yaml").is_file()
    assert main(["restore", str(tmp_path), *options]) == 7
