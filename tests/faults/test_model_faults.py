"""What if a further model's servers fail in every way they can? Another mirror, an older run, or
one clear error; never half a file.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast.config import Config
from forecast.errors import CycleNotReady, SourceError, SourceRefused
from forecast.ingest.grib.headers import inspect
from forecast.ingest.provider import FetchedCycle
from forecast.ingest.sources import open_models
from forecast.settings.sources import ModelSettings
from tests.faults.faulty_server import ALWAYS, Fault, FaultyBucket, PatientClock
from tests.faults.small_models import path_in, settings_for, table, write_run

RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
OLDER = RUN - timedelta(hours=12)
NOW = RUN + timedelta(hours=8)  # the run of 00 UTC is out, that of 06 UTC is not
MODELS = ("ifs", "gefs")


@dataclass
class Place:
    """One model's tree with one small run in it, and a folder to fetch it to."""

    root: Path
    folder: Path
    config: Config
    model: ModelSettings

    def fetch(
        self,
        *servers: FaultyBucket,
        clock: PatientClock | None = None,
        ask: bool = True,
        **http: float,
    ) -> FetchedCycle:
        config = settings_for(
            self.config, self.folder, self.model, *(server.url for server in servers), **http
        )
        [source] = open_models(config, clock or PatientClock())
        return source.acquire(config.all_sites(), NOW, ask)

    def file(self, step: int, member: int = 1, run: datetime = RUN) -> Path:
        return path_in(self.root, self.model, run, step, member)

    def inventory(self, step: int) -> Path:
        path = self.file(step)
        return (
            path.with_suffix(".index")
            if self.model.layout == "ecmwf"
            else path.with_name(path.name + ".idx")
        )

    def named(self) -> list[Path]:
        return sorted(self.folder.rglob("*.grib2"))

    def leftovers(self) -> list[Path]:
        return [
            path for path in self.folder.rglob("*") if path.suffix in (".part", ".plan", ".tmp")
        ]


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Path:
    root = tmp_path_factory.mktemp("trees")
    for name in MODELS:
        write_run(root / name, table(config, name), RUN)
    return root


@pytest.fixture(params=MODELS)
def place(request: pytest.FixtureRequest, trees: Path, tmp_path: Path, config: Config) -> Place:
    return place_of(request.param, trees, tmp_path, config)


@pytest.fixture
def ifs(trees: Path, tmp_path: Path, config: Config) -> Place:
    return place_of("ifs", trees, tmp_path, config)


@pytest.fixture
def gefs(trees: Path, tmp_path: Path, config: Config) -> Place:
    return place_of("gefs", trees, tmp_path, config)


def place_of(name: str, trees: Path, tmp_path: Path, config: Config) -> Place:
    model = table(config, name).model_copy(update={"run_hours": (0, 12)})
    return Place(
        Path(shutil.copytree(trees / name, tmp_path / "tree")), tmp_path / "fetched", config, model
    )


def digests(files: tuple[Path, ...] | list[Path]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


@pytest.fixture(scope="session")
def sound(
    trees: Path, tmp_path_factory: pytest.TempPathFactory, config: Config
) -> dict[str, list[str]]:
    """The digests of the files as an honest server gives them, by model."""
    found = {}
    for name in MODELS:
        with FaultyBucket(trees / name) as server:
            place = Place(
                trees / name, tmp_path_factory.mktemp("sound"), config, table(config, name)
            )
            found[name] = digests(place.fetch(server).files)
    return found


def test_a_sound_server_gives_a_whole_run_that_is_not_fetched_twice(place: Place) -> None:
    with FaultyBucket(place.root) as server:
        first = place.fetch(server)
        requested = server.requests
        second = place.fetch(server)

    members = max(1, len(place.model.members))
    assert len(first.files) == 3 * members
    assert (first.requests, first.bytes_fetched) == (requested, server.bytes)
    assert (second.files, second.requests, server.requests) == (first.files, 0, requested)
    assert place.leftovers() == []
    # the message that nobody wants stays where it is
    assert all(message.parameter != (0, 2, 10) for path in first.files for message in inspect(path))


# fmt: off
PASSING = [
    Fault("status", "-6h", status=401),
    Fault("status", "-6h", status=503, headers=(("Retry-After", "7"),)),
    Fault("status", "-6h", status=302, headers=(("Location", "http://127.0.0.1:9/elsewhere"),)),
    Fault("status", "-0h-oper-fc.grib2 bytes", status=500),
    Fault("short", "-6h-oper-fc.grib2 bytes", at=100),
    Fault("short", "-6h-oper-fc.index", at=100),
    Fault("cut", "-6h-oper-fc.index", at=900),
    Fault("cut", "-6h-oper-fc.grib2 bytes=0", at=50),
    Fault("flip", "-6h-oper-fc.grib2 bytes=0", at=15),
    Fault("range", "-6h-oper-fc.grib2 bytes"),
    Fault("body", "-6h-oper-fc.index", body=b"<html><body>maintenance</body></html>\n"),
    Fault("body", "-6h-oper-fc.grib2 bytes=0", body=b"<html>" * 20),
    *(Fault("reset", "-6h-oper-fc.grib2 bytes", at=at) for at in range(0, 1000, 83)),
]
# fmt: on


@pytest.mark.parametrize("fault", PASSING, ids=lambda f: f"{f.kind} {f.status} {f.where} {f.at}")
def test_a_fault_that_passes_leaves_no_trace(
    fault: Fault, ifs: Place, sound: dict[str, list[str]]
) -> None:
    with FaultyBucket(ifs.root, Fault(**vars(fault))) as server:
        got = ifs.fetch(server)

        assert server.faults[0].times == 0, "the fault was never met"
    assert digests(got.files) == sound["ifs"]
    assert ifs.leftovers() == []


# fmt: off
STAYING = [
    (Fault("status", "{6}", status=404), "404"),
    (Fault("status", "{6}", status=503), "503"),
    (Fault("status", "{6}", status=403), "403"),
    (Fault("whole", "{6} bytes"), "ignores byte ranges"),
    (Fault("body", "{6}{listing}", body=b"<html><body>gone</body></html>\n"), "is none of an in"),
    (Fault("cut", "{6}{listing}", at=500), "does not end with a whole line"),
    (Fault("flip", "{6} bytes=0", at=0), "expected a GRIB2 message"),
    (Fault("range", "{6} bytes"), "requested"),
    (Fault("stall", "{6} bytes", at=600), "connection failed"),
    (Fault("reset", "{6}", at=10), "connection failed"),
]
# fmt: on


@pytest.mark.parametrize(
    ("fault", "text"), STAYING, ids=[f"{row[0].kind} {row[0].status} {row[1]}" for row in STAYING]
)
def test_a_fault_that_stays_is_named_and_nothing_half_gets_a_name(
    fault: Fault, text: str, place: Place, sound: dict[str, list[str]]
) -> None:
    """Of GEFS the fault strikes every member, of ECMWF the only file of the step."""
    step, listing = ("-6h-oper-fc", ".index") if place.model.id == "ifs" else ("0p50.f006", ".idx")
    where = fault.where.replace("{6}", step).replace("{listing}", listing)
    where = where.replace("-fc bytes", "-fc.grib2 bytes")
    with FaultyBucket(
        place.root, Fault(**vars(fault) | {"where": where, "times": ALWAYS})
    ) as server:
        with pytest.raises(SourceError, match=text):
            place.fetch(server, timeout_seconds=2.0, attempts=2)
        named = place.named()
        server.faults.clear()
        got = place.fetch(server)

    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in named} <= set(
        sound[place.model.id]
    )
    assert digests(got.files) == sound[place.model.id]
    assert place.leftovers() == []


def test_a_mirror_that_fails_hands_over_to_the_next_and_what_it_brought_stays(
    ifs: Place, sound: dict[str, list[str]]
) -> None:
    with (
        FaultyBucket(
            ifs.root, Fault("status", "-12h-oper-fc.grib2 bytes=0", times=ALWAYS, status=503)
        ) as first,
        FaultyBucket(ifs.root) as second,
        FaultyBucket(ifs.root) as third,
    ):
        got = ifs.fetch(first, second, third)

    assert digests(got.files) == sound["ifs"]
    # the first had fetched the other steps; the second was asked for the last alone; the third for
    # nothing
    assert {
        requested.partition(" ")[0].rpartition("-oper")[0].rpartition("-")[2]
        for requested in second.request_log
    } == {"12h"}
    assert third.request_log == []


def test_a_whole_run_missing_everywhere_names_the_path_that_may_have_moved(place: Place) -> None:
    """sources.md: ECMWF moved its paths in 2024 and 2025; keep the template in the settings and
    raise the alarm.
    """
    shutil.rmtree(place.root)
    place.root.mkdir()
    with (
        FaultyBucket(place.root) as first,
        FaultyBucket(place.root) as second,
        pytest.raises(SourceRefused) as raised,
    ):
        place.fetch(first, second)

    detail = str(raised.value)
    assert "nothing is there at any of 2 addresses: has the path moved?" in detail
    assert f"models.{place.model.id}.path says {place.model.path!r}" in detail
    assert f"{place.model.id}-2026112200 back to {place.model.id}-" in detail


def test_a_run_not_published_yet_is_no_alarm_and_the_one_before_serves(place: Place) -> None:
    shutil.rmtree(place.root)
    write_run(place.root, place.model, OLDER)
    with FaultyBucket(place.root) as server:
        got = place.fetch(server)

        newer = [
            requested
            for requested in server.request_log
            if "20261122" in requested and "bytes" in requested
        ]
    assert got.cycle.run == OLDER
    assert newer == []


def test_a_run_half_there_gives_way_to_the_whole_one_before(place: Place) -> None:
    write_run(place.root, place.model, OLDER)
    for member in place.model.members or (1,):
        place.file(12, member).unlink()
    with FaultyBucket(place.root) as server:
        got = place.fetch(server)

    assert got.cycle.run == OLDER


def test_at_its_deadline_a_model_gives_up_and_what_was_fetched_before_serves(place: Place) -> None:
    """The clock's sleeps count: waits for a busy server use up the deadline."""
    write_run(place.root, place.model, OLDER)
    newest = f"{RUN:%Y%m%d}"
    with FaultyBucket(place.root, Fault("status", newest, times=ALWAYS, status=404)) as server:
        place.fetch(server)
        server.faults[:] = [
            Fault("status", newest, times=ALWAYS, status=503, headers=(("Retry-After", "200"),))
        ]
        before = server.requests
        clock = PatientClock()
        got = place.fetch(server, clock=clock)

    assert got.cycle.run == OLDER
    assert got.requests == 0
    assert server.requests - before < 10
    assert sum(clock.slept) < 300 + 60  # the model's deadline is 300 s


def test_without_asking_only_what_was_fetched_before_is_there(place: Place) -> None:
    with FaultyBucket(place.root) as server:
        with pytest.raises(CycleNotReady, match="cannot be asked now"):
            place.fetch(server, ask=False)
        assert server.request_log == []
        first = place.fetch(server)
        requested = server.requests
        again = place.fetch(server, ask=False)

    assert again.files == first.files
    assert server.requests == requested


def test_a_file_that_still_grows_is_not_ready(place: Place) -> None:
    for member in place.model.members or (1,):
        path = place.file(12, member)
        path.write_bytes(path.read_bytes()[:-1])
    with (
        FaultyBucket(place.root) as server,
        pytest.raises(CycleNotReady, match="still being written"),
    ):
        place.fetch(server)

    assert place.named() == []


def test_an_inventory_cut_at_a_line_is_seen_through(ifs: Place) -> None:
    lines = ifs.inventory(6).read_text().splitlines(keepends=True)
    ifs.inventory(6).write_text("".join(lines[:-1]))

    with (
        FaultyBucket(ifs.root) as server,
        pytest.raises(SourceError, match="its inventory ends at"),
    ):
        ifs.fetch(server)

    assert all("f006" not in file.name for file in ifs.named())


def test_an_index_that_lies_about_a_length_is_not_followed(ifs: Place) -> None:
    text = ifs.inventory(6).read_text()
    first = text.splitlines()[0]
    ifs.inventory(6).write_text(text.replace(first, first.replace('"_length": ', '"_length": 1')))

    with FaultyBucket(ifs.root) as server, pytest.raises(SourceError, match="begins before byte"):
        ifs.fetch(server)


@pytest.mark.parametrize(
    ("name", "change", "detail"),
    [
        (
            "ifs",
            ('"date": "20261122"', '"date": "20261121"'),
            "of run '20261121' '0000', expected 20261122 0000",
        ),
        ("ifs", ('"stream": "oper"', '"stream": "scda"'), "stream 'scda'"),
        ("gefs", ("d=2026112200", "d=2026112118"), "run 2026112118, expected 2026112200"),
        ("gefs", ("ENS=+", "ENS=+2"), "holds no air_temperature"),
    ],
)
def test_an_inventory_of_another_run_or_member_is_refused(
    name: str, change: tuple[str, str], detail: str, trees: Path, tmp_path: Path, config: Config
) -> None:
    place = place_of(name, trees, tmp_path, config)
    for path in place.root.rglob("*.i*x"):
        path.write_text(path.read_text().replace(*change))

    with FaultyBucket(place.root) as server, pytest.raises(SourceError, match=detail):
        place.fetch(server)

    assert place.named() == []


def test_a_file_of_another_run_under_the_right_name_is_refused(ifs: Place) -> None:
    """The index lies: what is in the file itself decides."""
    write_run(ifs.root, ifs.model, OLDER, (6,))
    ifs.file(6).write_bytes(ifs.file(6, run=OLDER).read_bytes())

    with (
        FaultyBucket(ifs.root) as server,
        pytest.raises(SourceError, match="is of run 2026-11-21 12:00"),
    ):
        ifs.fetch(server)

    assert all("f006" not in file.name for file in ifs.named())


def test_another_member_under_the_right_name_is_refused(gefs: Place) -> None:
    """Member 2's file stands where member 1's should: the number in the message itself decides; two
    of three members make the run.
    """
    gefs.file(6, 1).write_bytes(gefs.file(6, 2).read_bytes())

    with FaultyBucket(gefs.root) as server:
        got = gefs.fetch(server)

    assert got.members == (2, 3)
    assert "member 1 is not there" in got.notes[0]
    assert "the message is of" in got.notes[0]
    assert "member 2" in got.notes[0]
    assert not any(path.parent.name == "m01" and path.name == "f006.grib2" for path in gefs.named())


def test_a_late_member_does_not_hold_up_the_others(gefs: Place) -> None:
    gefs.file(12, 3).unlink()
    with FaultyBucket(gefs.root) as server:
        got = gefs.fetch(server)

    assert (got.members, len(got.files)) == ((1, 2), 6)
    assert len(got.notes) == 1


def test_fewer_than_half_of_the_members_make_no_run(gefs: Place) -> None:
    gefs.file(12, 2).unlink()
    gefs.file(12, 3).unlink()
    with FaultyBucket(gefs.root) as server, pytest.raises(CycleNotReady, match="no whole run"):
        gefs.fetch(server)


def test_a_field_that_a_centre_has_given_another_number_is_absent_and_named(
    ifs: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """The index still calls it `tcc`, the message has a number that the table does not: all else is
    as good as before.
    """
    detail = ifs.model.parameters["cloud_area_fraction"].model_copy(update={"key": (0, 6, 1, 1)})
    ifs.model = ifs.model.model_copy(
        update={"parameters": ifs.model.parameters | {"cloud_area_fraction": detail}}
    )
    with FaultyBucket(ifs.root) as server:
        got = ifs.fetch(server)

    assert len(got.files) == 3
    assert "expected cloud_area_fraction" in caplog.text
    assert "parameter (0, 6, 192)" in caplog.text


def test_a_temperature_of_another_number_is_not_taken(ifs: Place) -> None:
    detail = ifs.model.parameters["air_temperature"].model_copy(update={"key": (0, 0, 99, 100)})
    ifs.model = ifs.model.model_copy(
        update={"parameters": ifs.model.parameters | {"air_temperature": detail}}
    )
    with (
        FaultyBucket(ifs.root) as server,
        pytest.raises(SourceError, match="holds no air_temperature"),
    ):
        ifs.fetch(server)
