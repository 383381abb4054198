"""What if the process is killed while reports come in? Nothing is lost, nothing is kept twice and
nothing stays unjudged.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.domain import DOUBTFUL, Observation
from forecast.observations import intake as observing
from forecast.observations.formats import Parsed
from forecast.observations.intake import Intake
from forecast.settings import ObservationSettings, StationSettings

KILLS = {"sqlite": 30, "postgresql": 12}
FILES, RECORDS = 100, 200  # 20,000 records
BODIES, BODY_KILLS = 200, 10  # 10,000 records
START = datetime(2026, 11, 20, tzinfo=UTC)
NOW = START + timedelta(days=3)
STATIONS = tuple(
    StationSettings(id=f"M{n:04}", latitude=40 + n / 500, longitude=116, elevation_m=400)
    for n in range(50)
)

# a victim is a process of its own, without the seconds of starting one
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["forecast.observations.intake", "scipy.spatial", "psycopg", "pytest"])


def take_in(url: str, folder: Path, ready: Connection) -> None:
    """Take in until killed, a few files at a time; say when it begins."""
    observing.BATCH_FILES = 3
    settings = ObservationSettings(folder=folder, stations=STATIONS)
    intake = Intake(settings, Archive(url), ZoneInfo("UTC"), settle=0)
    ready.send(True)
    while True:
        intake.observe(NOW)
        time.sleep(0.005)


def value(file: int, record: int) -> float:
    return round(-5 + 4 * ((file * 31 + record * 7) % 100) / 100, 2)


def write(folder: Path, file: int) -> None:
    """Write a file as a careful sender does: under another name first. Four moments of fifty
    stations.
    """
    lines = ["station,time,air_temperature,wind_speed"]
    for record in range(RECORDS):
        moment = START + timedelta(minutes=5) * (4 * file + record // len(STATIONS))
        lines.append(
            f"{STATIONS[record % len(STATIONS)].id},{moment.isoformat()},{value(file, record)},"
            f"{3 + (file + record) % 9 / 10:.1f}"
        )
    part = folder / f"{file:03}.csv.part"
    part.write_text("\n".join(lines) + "\n")
    part.rename(folder / f"{file:03}.csv")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_at_many_moments_every_report_arrives_exactly_once(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    url = (
        f"sqlite:///{tmp_path / 'archive.db'}"
        if database == "sqlite"
        else _empty(request.getfixturevalue("postgresql"))
    )
    folder = tmp_path / "drop"
    folder.mkdir()
    kept = Observations(Archive(url))
    killed_at_work, kills = 0, KILLS[database]

    def send(files: range) -> None:
        for file in files:
            write(folder, file)

    for kill in range(kills):
        files = range(FILES * kill // kills, FILES * (kill + 1) // kills)
        sender = threading.Thread(target=send, args=[files])
        sender.start()
        before = kept.count()
        # every other one dies at work, however long the machine takes to begin with it
        begun = (lambda n=before: kept.count() > n) if kill % 2 else (lambda: True)
        _kill_one(url, folder, chance.uniform(0.0, 0.02 if kill % 2 else 0.45), begun)
        sender.join()
        after = kept.count()
        assert after % RECORDS == 0, "a file is kept whole or not at all"
        assert len(kept.readings(1000)) * RECORDS == after, "a file counts when its records do"
        killed_at_work += before < after < (files.stop * RECORDS)
    settings = ObservationSettings(folder=folder, stations=STATIONS)
    Intake(settings, Archive(url), ZoneInfo("UTC"), settle=0).observe(NOW)

    print(f"{killed_at_work} of {kills} kills while reports came in")
    readings = kept.readings(1000)
    assert (len(readings), sum(reading.kept for reading in readings)) == (FILES, FILES * RECORDS)
    assert kept.count() == FILES * RECORDS
    assert killed_at_work > 0
    series = kept.series([station.id for station in STATIONS], START, NOW)
    for number, station in enumerate(STATIONS):
        expected = [
            value(file, number + len(STATIONS) * turn) for file in range(FILES) for turn in range(4)
        ]
        assert [
            round(o.values["air_temperature"] - 273.15, 2) for o in series[station.id]
        ] == expected


def body(number: int) -> Parsed:
    """Return one moment of fifty stations; now and then one leaps."""
    at = START + timedelta(minutes=5) * number
    result = [
        Observation(
            station.id,
            at,
            {"air_temperature": 270 + value(number, n) + 25 * ((number * 7 + n) % 41 == 0)},
            {},
            "push",
        )
        for n, station in enumerate(STATIONS)
    ]
    return Parsed(result, [], form="push")


def take_pushes(url: str, first: int, checking: bool, progress: Connection) -> None:
    """Take bodies from the `first` on until killed, `judging` all the while or not at all; say of
    each when it is kept.
    """
    intake = Intake(
        ObservationSettings(folder=Path("none"), stations=STATIONS), Archive(url), ZoneInfo("UTC")
    )
    progress.send(first - 1)

    def check() -> None:
        while True:
            intake.observe(NOW)

    if checking:
        threading.Thread(target=check, daemon=True).start()
    for number in range(first, BODIES):
        intake.receive(f"{number:064}", "push gate", body(number), NOW)
        progress.send(number)
    time.sleep(600)  # to be killed while judging


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_during_pushes_and_checks_all_records_are_kept_and_checked_in_the_end(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    url = (
        f"sqlite:///{tmp_path / 'archive.db'}"
        if database == "sqlite"
        else _empty(request.getfixturevalue("postgresql"))
    )
    kept, result, waited = Observations(Archive(url)), -1, 0

    for kill in range(BODY_KILLS):
        ours, theirs = FORKS.Pipe(duplex=False)
        victim = FORKS.Process(target=take_pushes, args=(url, result + 1, kill % 2 == 1, theirs))
        victim.start()
        theirs.close()
        assert ours.poll(600)
        if ours.recv() + 1 < BODIES:  # a slow machine keeps its first body later
            result = max(result, ours.recv())
        time.sleep(chance.uniform(0.0, 0.4))
        victim.kill()
        victim.join()
        try:
            while True:
                result = max(result, ours.recv())
        except EOFError:
            pass
        assert kept.count() in ((result + 1) * len(STATIONS), (result + 2) * len(STATIONS)), (
            "what was confirmed as kept is kept, whole"
        )
        waited += bool(kept.unchecked())
    settings = ObservationSettings(folder=tmp_path / "none", stations=STATIONS)
    intake = Intake(settings, Archive(url), ZoneInfo("UTC"))
    for number in range(result + 1, BODIES):
        intake.receive(f"{number:064}", "push gate", body(number), NOW)
    intake.observe(NOW)
    undisturbed = Intake(
        settings, Archive(f"sqlite:///{tmp_path / 'undisturbed.db'}"), ZoneInfo("UTC")
    )
    for number in range(BODIES):
        undisturbed.receive(f"{number:064}", "push gate", body(number), NOW)
    undisturbed.observe(NOW)

    print(f"{waited} of {BODY_KILLS} kills while something waited for quality control")
    names = [station.id for station in STATIONS]
    found = kept.series(names, START, NOW)
    assert found == Observations(Archive(f"sqlite:///{tmp_path / 'undisturbed.db'}")).series(
        names, START, NOW
    )
    assert kept.unchecked() == {}
    leaps = {
        (n, number)
        for number in range(1, BODIES - 1)
        for n in range(len(STATIONS))
        if (number * 7 + n) % 41 == 0
    }
    assert waited > 0
    assert leaps <= {
        (n, k)
        for n, name in enumerate(names)
        for k, o in enumerate(found[name])
        if o.flags["air_temperature"] == DOUBTFUL
    }


def _kill_one(url: str, folder: Path, after: float, begun: Callable[[], bool]) -> None:
    """Let a process take in, and kill it `after` seconds from when it had `begun`."""
    ours, theirs = FORKS.Pipe()
    victim = FORKS.Process(target=take_in, args=(url, folder, theirs))
    victim.start()
    theirs.close()
    assert ours.recv()
    while not begun():
        time.sleep(0.002)
    time.sleep(after)
    assert victim.is_alive(), "it ended by itself"
    os.kill(victim.pid or 0, signal.SIGKILL)
    victim.join()
    ours.close()


def _empty(url: str) -> str:
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP SCHEMA public CASCADE"))
        connection.execute(sqlalchemy.text("CREATE SCHEMA public"))
    engine.dispose()
    return url
