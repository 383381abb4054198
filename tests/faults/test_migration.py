"""Does an archive of the version before come forward whole, with a copy, whatever happens?"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from forecast.archive import upgrade
from forecast.archive.accounts import Accounts
from forecast.archive.drafts import Drafts
from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.archive.schema import SCHEMA, metadata
from forecast.archive.state import read_state
from forecast.errors import ArchiveError

TABLES = Path(__file__).parents[1] / "archives"
NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
ROWS = (
    "INSERT INTO issue (id, number, model, run, digest, issued, valid_until, published) VALUES "
    "('gfs-2026112200', 1, 'gfs', '2026-11-22 00:00:00', 'abc', '2026-11-22 05:00:00', "
    "'2026-11-23 00:00:00', '2026-11-22 05:00:10'), "
    "('gfs-2026112206', 2, 'gfs', '2026-11-22 06:00:00', 'abd', '2026-11-22 11:00:00', "
    "'2026-11-23 06:00:00', '2026-11-22 11:00:10')",
    "INSERT INTO receipt (issue, channel, outcome, detail) VALUES "
    "('gfs-2026112200', 'web', 'published', '')",
    "INSERT INTO outcome (site, phenomenon, day, source, reporter, degree, state, detail, received)"
    " VALUES ('miaofengshan', 'sea_of_clouds', '2026-11-22', 'observer', '\u738b', 1.0, 'sea', '', "
    "'2026-11-22 06:00:00')",
)


def engine_of(url: str) -> sql.Engine:
    return sql.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


@pytest.fixture(params=[2, 3, 4])
def former(request: pytest.FixtureRequest) -> int:
    """The schema of an old archive."""
    number: int = request.param
    return number


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path, former: int) -> str:
    """The address of an archive of a former schema."""
    kind: str = request.param
    url = (
        f"sqlite:///{tmp_path / 'archive.db'}"
        if kind == "sqlite"
        else request.getfixturevalue("postgresql")
    )
    statements = (TABLES / f"schema_{former}.{kind}.sql").read_text(encoding="utf-8").split(";\n")
    engine = engine_of(url)
    with engine.begin() as connection:
        if kind == "postgresql":
            for schema in ("public", f"skyscape_schema{former}"):
                connection.execute(sql.text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
            connection.execute(sql.text("CREATE SCHEMA public"))
            connection.execute(sql.text("SET TIME ZONE 'UTC'"))
        about = f"INSERT INTO about (schema) VALUES ({former})"
        for statement in (*statements, about, *ROWS):
            if statement.strip():
                connection.execute(sql.text(statement))
    engine.dispose()
    return url


def schema_of(url: str) -> tuple[int, set[str], set[str]]:
    """Return the number in `about`, the tables, and the columns of an issue."""
    engine = engine_of(url)
    with engine.connect() as connection:
        inspector = sql.inspect(connection)
        tables = set(inspector.get_table_names())
        columns = {column["name"] for column in inspector.get_columns("issue")}
        number = connection.scalar(sql.text("SELECT schema FROM about"))
    engine.dispose()
    assert isinstance(number, int)
    return number, tables, columns


def rows_of_copy(url: str, former: int) -> list[Any]:
    """Return the issues of the copy that was made before the migration."""
    if url.startswith("sqlite"):
        engine = engine_of(f"{url}.schema{former}.bak")
        query = "SELECT id, number FROM issue ORDER BY number"
    else:
        engine = engine_of(url)
        query = f"SELECT id, number FROM skyscape_schema{former}.issue ORDER BY number"
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sql.text(query)).all()]
    engine.dispose()
    return found


def in_child(work: Callable[[], object]) -> int:
    """Do some work in a process of its own; return its process id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def ended_as(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def assert_forward(url: str, former: int) -> None:
    archive = Archive(url)
    assert [(issue.id, issue.number) for issue in archive.issues()] == [
        ("gfs-2026112206", 2),
        ("gfs-2026112200", 1),
    ]
    assert archive.receipts(archive.issues()[1])[0].channel == "web"
    assert list(Outcomes(archive).reports()) == [("miaofengshan", "sea_of_clouds", "2026-11-22")]
    issues = [each.id for each in archive.issues()]
    assert set(Drafts(archive).states(issues).values()) == {"released"}
    assert schema_of(url)[0] == SCHEMA
    assert rows_of_copy(url, former) == [("gfs-2026112200", 1), ("gfs-2026112206", 2)]


def test_an_old_archive_comes_forward_with_a_copy_of_what_it_was(old: str, former: int) -> None:
    assert read_state(old).last == "gfs-2026112206"  # `check` looks without changing anything
    assert schema_of(old)[0] == former

    archive = Archive(old)

    assert_forward(old, former)
    _, tables, columns = schema_of(old)
    assert tables == set(metadata.tables) | {"alembic_version"}
    assert {"state", "draft", "review"} <= columns
    Accounts(archive).add("wang", "王一", "forecaster", "seven larches above", NOW)
    assert Accounts(Archive(old)).get("wang") is not None


def test_a_migrated_archive_is_as_a_new_one(old: str, tmp_path: Path) -> None:
    """Each table has the columns and the indexes that a new archive would have."""
    Archive(old)
    engine, fresh = engine_of(old), f"sqlite:///{tmp_path / 'new.db'}"
    Archive(fresh)
    new = engine_of(fresh)

    for name in metadata.tables:
        with engine.connect() as one, new.connect() as other:
            columns = [
                sorted((c["name"], c["nullable"]) for c in sql.inspect(each).get_columns(name))
                for each in (one, other)
            ]
            indexes = [
                sorted((i["name"], i["column_names"]) for i in sql.inspect(each).get_indexes(name))
                for each in (one, other)
            ]
        assert columns[0] == columns[1], name
        assert indexes[0] == indexes[1], name
    engine.dispose()
    new.dispose()


@pytest.mark.parametrize("step", ["copy", "alembic"])
def test_killed_in_the_middle_of_a_migration_it_begins_again(
    old: str, former: int, step: str
) -> None:
    kind = old.partition(":")[0]
    where = f"_copy_{kind}" if step == "copy" else "_alembic"

    def dying() -> None:
        real = getattr(upgrade, where)

        def and_die(*arguments: Any) -> None:
            real(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(upgrade, where, and_die)
        Archive(old)

    assert ended_as(in_child(dying)) == -signal.SIGKILL

    number, tables, columns = schema_of(old)
    assert (number, "delivery" in tables) == (former, former == 4)
    assert ("draft" in tables, "review" in columns) == (former > 2, former > 2)
    assert_forward(old, former)


def test_of_many_processes_at_once_one_migrates_and_all_work(old: str, former: int) -> None:
    children = [in_child(lambda: assert_forward(old, former)) for _ in range(4)]

    assert [ended_as(child) for child in children] == [0] * 4
    assert_forward(old, former)


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_without_room_for_a_copy_nothing_is_migrated(
    old: str, former: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(upgrade, "rename", full)
    with pytest.raises(ArchiveError, match=r"no copy can be made.*No space left"):
        Archive(old)

    assert schema_of(old)[0] == former


def test_an_archive_of_a_newer_program_is_never_taken_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'archive.db'}"
    Archive(url)
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(sql.text(f"UPDATE about SET schema = {SCHEMA + 1}"))
        connection.execute(sql.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(ArchiveError, match=r"never takes one back.*skyscape restore"):
        Archive(url)

    assert schema_of(url)[0] == SCHEMA + 1


@pytest.mark.parametrize("former", [4], indirect=True)
def test_copies_of_earlier_migrations_go_and_the_newest_is_private(old: str, former: int) -> None:
    if old.startswith("sqlite"):
        path = Path(old.removeprefix("sqlite:///"))
        earlier = path.with_name("archive.db.schema3.bak")
        earlier.touch()
        Archive(old)
        assert not earlier.exists()
        assert path.with_name("archive.db.schema4.bak").stat().st_mode & 0o777 == 0o600
        return
    engine = engine_of(old)
    with engine.begin() as connection:
        connection.execute(sql.text("CREATE SCHEMA IF NOT EXISTS skyscape_schema3"))
    Archive(old)
    with engine.connect() as connection:
        schemas = set(sql.inspect(connection).get_schema_names())
    engine.dispose()
    assert "skyscape_schema4" in schemas
    assert "skyscape_schema3" not in schemas
