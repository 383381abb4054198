"""What if the server fails in every way it can? Always a whole cycle or a clear error; never half a
file under a real name.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast.config import Config
from forecast.domain import Cycle
from forecast.errors import (
    CycleNotReady,
    SourceCorrupt,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from forecast.ingest.grib.headers import inspect
from forecast.ingest.provider import FetchedCycle, path_of
from forecast.ingest.sources import needs_of, open_source
from tests.faults.faulty_server import ALWAYS, Fault, FaultyBucket, PatientClock
from tests.faults.small_cycle import settings_for, write_cycle

CYCLE = Cycle(datetime(2026, 11, 22, 0, tzinfo=UTC))
NOW = CYCLE.run + timedelta(hours=5)


@dataclass
class Place:
    """A bucket with one small cycle in it, and a folder to fetch it to."""

    root: Path
    folder: Path
    config: Config

    def fetch(
        self,
        server: FaultyBucket,
        way: str = "bucket",
        clock: PatientClock | None = None,
        **http: float,
    ) -> FetchedCycle:
        config = settings_for(self.config, self.folder, server.url, server.filter_url, **http)
        return open_source(config, way, clock or PatientClock()).acquire(
            needs_of(config, config.all_sites()), NOW, CYCLE
        )

    def named(self) -> list[Path]:
        """The files that bear a real name."""
        return sorted(self.folder.rglob("*.grib2"))

    def leftovers(self) -> list[Path]:
        return [
            path for path in self.folder.rglob("*") if path.suffix in (".part", ".plan", ".tmp")
        ]


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bucket")
    write_cycle(root, CYCLE)
    return root


@pytest.fixture
def place(bucket: Path, tmp_path: Path, config: Config) -> Place:
    return Place(Path(shutil.copytree(bucket, tmp_path / "bucket")), tmp_path / "fetched", config)


def digests(files: tuple[Path, ...] | list[Path]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


@pytest.fixture(scope="session")
def sound(bucket: Path, tmp_path_factory: pytest.TempPathFactory, config: Config) -> list[str]:
    """The digests of the files as an honest server gives them."""
    with FaultyBucket(bucket) as server:
        return digests(Place(bucket, tmp_path_factory.mktemp("sound"), config).fetch(server).files)


def test_a_sound_server_gives_a_whole_cycle_that_is_not_fetched_twice(place: Place) -> None:
    with FaultyBucket(place.root) as server:
        first = place.fetch(server)
        requested = server.requests
        second = place.fetch(server)

    # 19 levels of 3 variables, low cloud, visibility; at f003 and f006 one window of precipitation
    # more; no mean of what is a point
    assert [len(inspect(path)) for path in first.files] == [62, 63, 63]
    assert first.requests == requested
    assert first.bytes_fetched == server.bytes
    assert (second.files, second.requests, server.requests) == (first.files, 0, requested)
    assert place.leftovers() == []


# fmt: off
PASSING = [
    Fault("status", "f003", status=503),
    Fault("status", "f003", status=429, headers=(("Retry-After", "7"),)),
    Fault("status", "f006.idx", status=302,
          headers=(("Location", "http://127.0.0.1:9/elsewhere"),)),
    Fault("status", "f000 bytes", status=500),
    Fault("short", "f003 bytes", at=100),
    Fault("short", "f003.idx", at=100),
    Fault("reset", "f006 bytes", at=0),
    Fault("reset", "f006 bytes", at=30),
    Fault("reset", "f006 bytes", at=400),
    Fault("range", "f003 bytes"),
    Fault("cut", "f003 bytes=0", at=50),
    Fault("cut", "f000.idx", at=500),
    Fault("flip", "f003 bytes=0", at=0),
    Fault("flip", "f003 bytes=0", at=15),
    Fault("flip", "f003 bytes=0", at=30),
    Fault("body", "f003.idx", body=b"<html><body>maintenance</body></html>\n"),
    Fault("body", "f003 bytes=0", body=b"<html>" * 20),
]
# fmt: on


@pytest.mark.parametrize("fault", PASSING, ids=lambda f: f"{f.kind} {f.status} {f.where} {f.at}")
def test_a_fault_that_passes_leaves_no_trace(fault: Fault, place: Place, sound: list[str]) -> None:
    with FaultyBucket(place.root, Fault(**vars(fault))) as server:
        got = place.fetch(server)

        assert server.faults[0].times == 0, "the fault was never met"
    assert digests(got.files) == sound
    assert place.leftovers() == []


@pytest.mark.parametrize("at", range(0, 1200, 61))
def test_a_reset_at_any_byte_costs_only_the_range_in_flight(
    at: int, place: Place, sound: list[str]
) -> None:
    with FaultyBucket(place.root, Fault("reset", "f003 bytes", times=2, at=at)) as server:
        got = place.fetch(server, attempts=4)

    assert digests(got.files) == sound


# fmt: off
STAYING = [
    (Fault("status", "f006", status=404), CycleNotReady, "may not be published yet"),
    (Fault("status", "f003 bytes", status=404), CycleNotReady, "may not be published yet"),
    (Fault("status", "f003", status=503), SourceUnavailable, "503"),
    (Fault("status", "f003", status=403), SourceUnavailable, "403"),
    (Fault("status", "f003", status=301), SourceUnavailable, "301"),
    (Fault("whole", "f003 bytes"), SourceUnavailable, "ignores byte ranges"),
    (Fault("body", "f003.idx", body=b"<html><body>gone</body></html>\n"), SourceCorrupt,
     "none of an inventory"),
    (Fault("body", "f003.idx", body=b""), SourceCorrupt, "does not end with a whole line"),
    (Fault("cut", "f003.idx", at=1000), SourceCorrupt, "does not end with a whole line"),
    (Fault("flip", "f003 bytes=0", at=0), SourceCorrupt, "expected a GRIB2 message"),
    (Fault("flip", "f003 bytes=0", at=31), SourceCorrupt, "f003"),
    (Fault("range", "f003 bytes"), SourceCorrupt, "requested"),
    (Fault("reset", "f003", at=10), SourceUnavailable, "connection failed"),
    (Fault("body", "f003.idx", body=b"1:0:d=2026112200:TMP:2 mb:3 hour fcst:\n" * 60_000),
     SourceCorrupt, "at most 2000000"),
]
# fmt: on


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    STAYING,
    ids=[f"{row[0].kind} {row[0].status} {row[2]}" for row in STAYING],
)
def test_a_fault_that_stays_is_named_and_nothing_half_gets_a_name(
    fault: Fault, error: type[SourceError], text: str, place: Place, sound: list[str]
) -> None:
    with FaultyBucket(place.root, Fault(**vars(fault) | {"times": ALWAYS})) as server:
        with pytest.raises(error, match=text) as raised:
            place.fetch(server)
        assert server.requests < 250
        named = place.named()
        server.faults.clear()
        got = place.fetch(server)

    assert "f003" in str(raised.value) or "f006" in str(raised.value)
    assert [hashlib.sha256(path.read_bytes()).hexdigest() in sound for path in named] == [
        True
    ] * len(named)
    assert digests(got.files) == sound
    assert place.leftovers() == []


def test_a_server_that_ignores_ranges_is_not_listened_to(place: Place) -> None:
    with FaultyBucket(place.root, Fault("whole", "f006 bytes", times=ALWAYS)) as server:
        with pytest.raises(SourceUnavailable, match="ignores byte ranges"):
            place.fetch(server)

        assert sum("bytes=" in requested for requested in server.request_log) == 1
    assert SourceRefused.worth_retrying is False


def test_an_inventory_cut_at_a_line_is_seen_through(place: Place) -> None:
    folder, name = path_of(CYCLE, 3)
    path = place.root / folder.lstrip("/") / f"{name}.idx"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))

    with (
        FaultyBucket(place.root) as server,
        pytest.raises(SourceCorrupt, match="its inventory ends at"),
    ):
        place.fetch(server)

    assert all("f003" not in file.name for file in place.named())


def test_a_file_that_still_grows_is_not_ready(place: Place) -> None:
    folder, name = path_of(CYCLE, 6)
    path = place.root / folder.lstrip("/") / name
    path.write_bytes(path.read_bytes()[:-1])

    with (
        FaultyBucket(place.root) as server,
        pytest.raises(CycleNotReady, match="still being written"),
    ):
        place.fetch(server)

    assert place.named() == []


def test_an_inventory_of_another_day_is_refused(place: Place) -> None:
    folder, name = path_of(CYCLE, 3)
    path = place.root / folder.lstrip("/") / f"{name}.idx"
    path.write_text(path.read_text().replace("d=2026112200", "d=2026112118"))

    with (
        FaultyBucket(place.root) as server,
        pytest.raises(SourceCorrupt, match="run 2026112118, expected 2026112200"),
    ):
        place.fetch(server)


def test_a_file_of_another_run_under_the_right_name_is_refused(place: Place) -> None:
    """The inventory lies: what is in the file itself decides."""
    write_cycle(place.root / "other", Cycle(CYCLE.run - timedelta(hours=6)))
    folder, name = path_of(CYCLE, 3)
    old_folder, old_name = path_of(Cycle(CYCLE.run - timedelta(hours=6)), 3)
    (place.root / folder.lstrip("/") / name).write_bytes(
        (place.root / "other" / old_folder.lstrip("/") / old_name).read_bytes()
    )

    with (
        FaultyBucket(place.root) as server,
        pytest.raises(SourceCorrupt, match="is of run 2026-11-21 18:00"),
    ):
        place.fetch(server)

    assert all("f003" not in file.name for file in place.named())


def test_half_a_cycle_gives_way_to_the_newest_whole_one(place: Place) -> None:
    newer = Cycle(CYCLE.run + timedelta(hours=6))
    write_cycle(place.root, newer, (0, 3))
    with FaultyBucket(place.root) as server:
        config = settings_for(place.config, place.folder, server.url)
        got = open_source(config, "bucket", PatientClock()).acquire(
            needs_of(config, config.all_sites()), newer.run + timedelta(hours=5)
        )

        grib_of_newer = [
            requested
            for requested in server.request_log
            if "/06/" in requested and "bytes" in requested
        ]
    assert got.cycle == CYCLE
    assert grib_of_newer == []


def test_retry_after_is_obeyed_to_the_second_by_every_connection(place: Place) -> None:
    clock = PatientClock()
    fault = Fault("status", "f006.idx", status=503, headers=(("Retry-After", "120"),))
    with FaultyBucket(place.root, fault) as server:
        place.fetch(server, clock=clock)

    assert sum(clock.slept) >= 120


def test_a_wait_beyond_the_deadline_is_not_begun(place: Place) -> None:
    clock = PatientClock()
    fault = Fault(
        "status", "f006.idx", times=ALWAYS, status=503, headers=(("Retry-After", "3600"),)
    )
    with (
        FaultyBucket(place.root, fault) as server,
        pytest.raises(SourceUnavailable, match="deadline") as raised,
    ):
        place.fetch(server, clock=clock)

    assert raised.value.retry_after is not None
    assert raised.value.retry_after >= 3599
    assert sum(clock.slept) < 10


@pytest.mark.parametrize("at", [0, 20, 400])
def test_a_server_that_stops_responding_is_given_up_and_requested_again(
    at: int, place: Place, sound: list[str]
) -> None:
    with FaultyBucket(place.root, Fault("stall", "f003 bytes", at=at)) as server:
        got = place.fetch(server, timeout_seconds=2.0)

    assert digests(got.files) == sound


def test_a_drip_does_not_hold_the_line(place: Place, sound: list[str]) -> None:
    """A byte every 20 ms never runs into a socket's own timeout: headers are cut by the watch,
    bodies by their speed.
    """
    with FaultyBucket(place.root, Fault("drip", "f003 bytes")) as server:
        got = place.fetch(server, timeout_seconds=2.0)

    assert digests(got.files) == sound


def test_a_changed_file_is_begun_anew(place: Place, sound: list[str]) -> None:
    with FaultyBucket(place.root) as server:
        config = settings_for(place.config, place.folder, server.url)
        place.fetch(server)
        needs = needs_of(config, config.all_sites())
        victim = place.named()[1]
        victim.write_bytes(victim.read_bytes()[:-1] + b"8")
        got = open_source(config, "bucket", PatientClock()).acquire(needs, NOW, CYCLE)

    assert digests(got.files) == sound
    assert got.requests > 0


def test_the_filter_gives_the_same_messages_and_no_more(place: Place) -> None:
    with FaultyBucket(place.root) as server:
        got = place.fetch(server, "filter")

    assert got.requests == 3
    # as from the bucket, and at f006 both windows of precipitation: a cut costs little, the reader
    # chooses
    assert [len(inspect(path)) for path in got.files] == [62, 63, 64]


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (
            Fault("body", body=b"<html><body>data file is not present</body></html>"),
            CycleNotReady,
            "not there yet",
        ),
        (
            Fault("body", body=b"<html><body>Internal error</body></html>"),
            SourceCorrupt,
            "something else than GRIB",
        ),
        (Fault("cut", "f003", at=5000), SourceCorrupt, "cut short or damaged"),
        (Fault("status", "f003", status=404), CycleNotReady, "f003"),
        (Fault("status", status=302, headers=(("Location", "/denied"),)), SourceUnavailable, "302"),
    ],
    ids=["absent", "page", "cut", "404", "limited"],
)
def test_a_filter_that_fails_is_named(
    fault: Fault, error: type[SourceError], text: str, place: Place
) -> None:
    with (
        FaultyBucket(place.root, Fault(**vars(fault) | {"times": ALWAYS})) as server,
        pytest.raises(error, match=text),
    ):
        place.fetch(server, "filter")

    assert all("f003" not in file.name for file in place.named())


def test_a_cut_made_while_the_file_grew_is_not_kept(place: Place) -> None:
    folder, name = path_of(CYCLE, 6)
    path = place.root / folder.lstrip("/") / f"{name}.idx"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:60]))

    with (
        FaultyBucket(place.root) as server,
        pytest.raises(CycleNotReady, match="still being written"),
    ):
        place.fetch(server, "filter")


def test_a_dead_filter_hands_over_to_the_bucket(place: Place, sound: list[str]) -> None:
    with FaultyBucket(place.root, Fault("status", "/cgi-bin", times=ALWAYS, status=503)) as server:
        config = settings_for(place.config, place.folder, server.url, server.filter_url)
        config = config.model_copy(
            update={"source": config.source.model_copy(update={"order": ("filter", "bucket")})}
        )
        got = open_source(config, None, PatientClock()).acquire(
            needs_of(config, config.all_sites()), NOW
        )

    assert got.origin == "bucket"
    assert digests(got.files) == sound


def test_what_was_fetched_serves_while_the_server_is_down(place: Place) -> None:
    with FaultyBucket(place.root) as server:
        place.fetch(server)
        server.faults.append(Fault("status", times=ALWAYS, status=503))
        config = settings_for(place.config, place.folder, server.url)
        later = CYCLE.run + timedelta(hours=11)
        got = open_source(config, "bucket", PatientClock()).acquire(
            needs_of(config, config.all_sites()), later
        )

    assert got.cycle == CYCLE
