"""100,000 station records, from files to the archive: read, checked and kept, on SQLite and on
PostgreSQL, against the floor.

Run it alone (`python tests/bench/bench_observations.py`) or through `make bench`. 500 automatic
stations report every five minutes: 200 files of 500 records, eight values each. Target: 100,000 a
minute, 1,667 a second. The floor is the cost of disk and database alone: the same rows, made
already, into plain sqlite3 by executemany, in as many transactions.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))

from forecast.archive.issues import Archive  # noqa: E402
from forecast.archive.observations import Observations  # noqa: E402
from forecast.domain import GOOD  # noqa: E402
from forecast.observations.formats import ParseContext, parse_file  # noqa: E402
from forecast.observations.intake import BATCH_RECORDS, Intake  # noqa: E402
from forecast.observations.quality_control import ReportTable, check  # noqa: E402
from forecast.settings import ObservationSettings, StationSettings  # noqa: E402
from tests.bench.bars import BOARD  # noqa: E402

STATIONS, MOMENTS = 500, 200
TABLE = (
    "CREATE TABLE o (station, time, form, received, said, flags, PRIMARY KEY (station, time, form))"
)
TARGET = 1667  # records a second
START = datetime(2026, 11, 20, tzinfo=UTC)
NOW = START + timedelta(days=2)
HEAD = ("station,time,air_temperature,relative_humidity,air_pressure,wind_speed,"
        "wind_from_direction,wind_speed_of_gust,"
        "precipitation_amount,visibility_in_air")  # fmt: skip


def write_files(folder: Path) -> tuple[StationSettings, ...]:
    """Write what the stations report, wandering as weather does; the same every time."""
    chance = random.Random(54511)
    stations = tuple(
        StationSettings(
            id=f"A{n:04}",
            latitude=39.5 + chance.random(),
            longitude=115.4 + 1.5 * chance.random(),
            elevation_m=400,
        )
        for n in range(STATIONS)
    )
    warmth, damp = (
        [chance.gauss(0, 1) for _ in stations],
        [60 + chance.gauss(0, 5) for _ in stations],
    )
    for moment in range(MOMENTS):
        at = (START + timedelta(minutes=5) * moment).isoformat()
        lines = [HEAD]
        for number, station in enumerate(stations):
            warmth[number] += chance.gauss(0, 0.2)
            damp[number] = min(95, max(20, damp[number] + chance.gauss(0, 1)))
            speed = abs(chance.gauss(3, 1)) + 0.3
            lines.append(f"{station.id},{at},{warmth[number]:.1f},{damp[number]:.0f},"
                         f"{965 + chance.gauss(0, 0.3):.1f},{speed:.1f},"
                         f"{chance.randint(1, 360)},{speed + 2:.1f},0,"
                         f"{chance.randint(8000, 20000)}")  # fmt: skip
        (folder / f"{moment:03}.csv").write_text("\n".join(lines) + "\n")
    return stations


def line(url: str, settings: ObservationSettings) -> float:
    """Return the seconds of the whole line: files found, read, checked and kept."""
    archive = Archive(url)
    intake = Intake(settings, archive, ZoneInfo("UTC"), settle=0)
    start = time.perf_counter()
    taken = intake.observe(NOW)
    seconds = time.perf_counter() - start
    assert taken.records == Observations(archive).count() == STATIONS * MOMENTS
    return seconds


def parts(settings: ObservationSettings) -> tuple[float, float, list[tuple[str, ...]]]:
    """Return the seconds of parsing and of quality control, and the rows of the reference."""
    terms = ParseContext(
        {station.id: station.as_station() for station in settings.stations}, ZoneInfo("UTC")
    )
    start = time.perf_counter()
    parsed = [parse_file(path, terms) for path in sorted(settings.folder.iterdir())]
    middle = time.perf_counter()
    for first in range(0, MOMENTS, 40):
        observations = [o for one in parsed[first : first + 40] for o in one.observations]
        verdict = check(ReportTable.of(observations, terms.stations))
        for row in range(len(observations)):
            verdict.of(row)
    end = time.perf_counter()
    received = NOW.isoformat()
    rows = [
        (o.station, o.time.isoformat(), o.form, received, json.dumps(o.values),
         json.dumps(dict.fromkeys(o.values, GOOD)))
        for one in parsed for o in one.observations
    ]  # fmt: skip
    return middle - start, end - middle, rows


def floor(path: Path, rows: list[tuple[str, ...]]) -> float:
    """Return the seconds of plain sqlite3 for the same rows, as safe against a power cut."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {TABLE}; "
        "CREATE INDEX by_time ON o (time)"
    )
    start = time.perf_counter()
    for first in range(0, len(rows), BATCH_RECORDS):
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT OR REPLACE INTO o VALUES (?, ?, ?, ?, ?, ?)",
            rows[first : first + BATCH_RECORDS],
        )
        connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    return seconds


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Give the address of a PostgreSQL of our own that syncs its disk; empty where it is not
    installed.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found or (os.geteuid() == 0 and shutil.which("runuser") is None):
        yield ""
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if prefix:
        folder.chmod(0o755)
        shutil.chown(folder, "postgres")
    command = [*prefix, found[-1].parent / "pg_ctl", "-D", folder / "data", "-w"]
    initdb = [
        *prefix,
        found[-1],
        "-D",
        folder / "data",
        "-U",
        "skyscape",
        "-A",
        "trust",
        "-E",
        "UTF8",
    ]
    subprocess.run(initdb, check=True, capture_output=True)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
    subprocess.run(
        [*command, "-o", options, "-l", folder / "log", "start"], check=True, capture_output=True
    )
    try:
        yield f"postgresql://skyscape@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*command, "-m", "immediate", "stop"], check=False, capture_output=True)


def main() -> int:
    records = STATIONS * MOMENTS
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        root.chmod(0o755)
        (root / "drop").mkdir()
        settings = ObservationSettings(folder=root / "drop", stations=write_files(root / "drop"))
        reading, checking, rows = parts(settings)
        lowest = min(floor(root / "floor.db", rows) for _ in range(2))
        (root / "postgresql").mkdir()
        print(
            f"{f'{records} records of {STATIONS} stations':44} {'seconds':>8} {'records/s':>10} "
            f"{'x floor':>8}"
        )
        for name, seconds in (
            ("floor: plain sqlite3 executemany", lowest),
            ("reading alone", reading),
            ("judging alone", checking),
        ):
            print(f"{name:44} {seconds:8.2f} {records / seconds:10.0f} {seconds / lowest:8.1f}")
        with postgresql(root / "postgresql") as server:
            for database, url in (
                ("SQLite", f"sqlite:///{root / 'archive.db'}"),
                ("PostgreSQL", server),
            ):
                name = f"file to {database}, read and checked"
                if not url:
                    BOARD.skip(f"{name}, records a second", "PostgreSQL is not installed")
                    continue
                seconds = line(url, settings)
                BOARD.at_least(f"{name}, records a second", records / seconds, TARGET)
                print(f"{name:44} {seconds:8.2f} {records / seconds:10.0f} {seconds / lowest:8.1f}")
    return BOARD.code


if __name__ == "__main__":
    sys.exit(main())
