"""Fixtures of every test: the reference data (where it is), a clock, the program's own
settings.
"""

from __future__ import annotations

import functools
import io
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from forecast.archive.issues import Archive
from forecast.config import Config, read_config

PROJECT = Path(__file__).parents[1]
SHARED = PROJECT.parent / "shared" / "data"

# A law holds or not; how long an example takes says only how busy the machine is.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


@pytest.fixture(autouse=True, scope="module")
def quick_pictures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Draw a blank picture in place of each, but in modules that are about pictures: a release
    takes 4 s of drawing.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("pictures") is None:
            patch.setattr("products.drawing.picture.Picture.png", lambda _: _blank())
            patch.setattr("products.drawing.scene.png", lambda _: _blank())
        yield


@functools.cache
def _blank() -> bytes:
    picture = io.BytesIO()
    Image.new("L", (90, 60), 128).save(picture, "PNG")
    return picture.getvalue()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data that nobody on this project made; the test is skipped, visibly, where
    it is absent.
    """
    if not SHARED.is_dir():
        pytest.skip("../shared/data is absent: this test reads real reference data")
    return SHARED


@pytest.fixture(scope="session")
def gfs_tree(shared: Path) -> Path:
    """Real GFS files of August 2020 over central Europe, laid out like the public bucket."""
    return shared / "gfs_tree"


@pytest.fixture(scope="session")
def config() -> Config:
    """The settings that come with the program."""
    return read_config()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real PostgreSQL server started for these tests; skipped, visibly, where
    there is none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed")
    # not among pytest's own, which other runs clear
    binaries, folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="postgresql-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    prefix: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("runuser") is None:
            pytest.skip("PostgreSQL refuses to run as root and runuser is missing")
        prefix = ["runuser", "-u", "postgres", "--"]
        folder.chmod(0o755)
        shutil.chown(folder, "postgres")
    data = folder / "data"
    initdb = [
        *prefix,
        binaries / "initdb",
        "-D",
        data,
        "-U",
        "skyscape",
        "-A",
        "trust",
        "-E",
        "UTF8",
    ]
    subprocess.run(initdb, check=True, capture_output=True)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    start = [
        *prefix,
        binaries / "pg_ctl",
        "-D",
        data,
        "-w",
        "-o",
        options,
        "-l",
        folder / "log",
        "start",
    ]
    subprocess.run(start, check=True, capture_output=True)
    try:
        yield f"postgresql://skyscape:secret@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(
            [*prefix, binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"],
            check=False,
            capture_output=True,
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param == "sqlite":
        return Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    import sqlalchemy

    url = request.getfixturevalue("postgresql")
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP SCHEMA public CASCADE"))
        connection.execute(sqlalchemy.text("CREATE SCHEMA public"))
    engine.dispose()
    return Archive(url)
