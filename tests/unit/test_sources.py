"""Does the door give the right cycle, from the right way, and does it keep its folder in order?"""

from __future__ import annotations

import hashlib
import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast.config import Config
from forecast.domain import Cycle
from forecast.errors import ConfigError, CycleNotReady, RunNotKept, SourceRefused, SourceUnavailable
from forecast.ingest.gfs import query_of
from forecast.ingest.grib.headers import inspect
from forecast.ingest.provider import path_of
from forecast.ingest.sources import needs_of, open_source, region_of
from forecast.sample.bucket import LoopbackBucket
from tests.faults.faulty_server import PatientClock
from tests.faults.small_cycle import settings_for, write_cycle

CYCLE = Cycle(datetime(2026, 11, 22, 0, tzinfo=UTC))
NOW = CYCLE.run + timedelta(hours=5)


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bucket")
    write_cycle(root, CYCLE)
    return root


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def files_of(bucket: Path, cycle: Cycle = CYCLE) -> list[Path]:
    return [bucket / "/".join(path_of(cycle, step)).lstrip("/") for step in (0, 3, 6)]


def distance(latitude: float, longitude: float, other: tuple[float, float]) -> float:
    """Great-circle distance [km] on a sphere of 6371 km (haversine)."""
    p, q = math.radians(latitude), math.radians(other[0])
    half = (
        math.sin((q - p) / 2) ** 2
        + math.cos(p) * math.cos(q) * math.sin(math.radians(other[1] - longitude) / 2) ** 2
    )
    return 2 * 6371 * math.asin(math.sqrt(half))


def test_the_region_holds_the_sites_and_seven_hundred_kilometres_of_light_path(
    config: Config,
) -> None:
    needs = needs_of(config, config.all_sites())

    edges = [(needs.north, lon) for lon in range(105, 126)] + [
        (needs.south, lon) for lon in range(105, 126)
    ]
    sides = [(lat, edge) for lat in range(34, 47) for edge in (needs.west, needs.east)]
    for site in config.all_sites():
        nearest = min(distance(site.latitude, site.longitude, point) for point in edges + sides)
        assert nearest > 700, site.id
    # and not much more: half a degree of grain and the width of the group of sites
    assert needs.east - needs.west < 19
    assert needs.north - needs.south < 15
    assert needs.steps == tuple(range(0, 169, 3))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        # 700 km are 6.30 degrees; a margin of 0.25, outward to the half
        ((0.0, 0.0), (6.5, -6.5, -7.0, 7.0)),
        ((0.0, 179.0), (6.5, -6.5, 172.5, -174.0)),
        ((0.0, -179.0), (6.5, -6.5, 174.5, -172.5)),
        ((86.0, 20.0), (90.0, 79.0, -180.0, 180.0)),
        ((-85.0, 20.0), (-78.0, -90.0, -180.0, 180.0)),
    ],
)
def test_the_region_is_right_at_the_antimeridian_and_at_the_poles(
    place: tuple[float, float], expected: tuple[float, ...]
) -> None:
    north, south, west, east = region_of([place], 700)

    assert abs(north - expected[0]) <= 0.5
    assert abs(south - expected[1]) <= 0.5
    assert abs(west - expected[2]) <= 0.5
    assert abs(east - expected[3]) <= 0.5


def test_the_filter_gets_each_variable_and_level_once_and_never_all(config: Config) -> None:
    """Spelling as sources.md has it from codes in use: blanks become underscores, longitudes run
    0-360, `subregion` is empty.
    """
    query = query_of(needs_of(config, config.all_sites()), *path_of(CYCLE, 3))

    names = [name for name, _ in query]
    assert query[:2] == [("dir", "/gfs.20261122/00/atmos"), ("file", "gfs.t00z.pgrb2.0p25.f003")]
    assert {
        "var_TMP",
        "var_CLMR",
        "var_CLWMR",
        "lev_850_mb",
        "lev_2_m_above_ground",
        "lev_0C_isotherm",
    } <= set(names)
    assert "lev_entire_atmosphere_(considered_as_a_single_layer)" in names
    assert ("subregion", "") in query
    assert len(names) == len(set(names))
    assert not {"all_lev", "all_var"} & set(names)
    region = {name: float(value) for name, value in query[-4:]}
    assert 0 <= region["leftlon"] < region["rightlon"] <= 360


def test_all_three_ways_hold_the_same_fields(bucket: Path, tmp_path: Path, config: Config) -> None:
    def described(path: Path) -> set[tuple[object, ...]]:
        return {
            (m.run, m.start, m.end, m.statistic, m.parameter, m.surface, m.value)
            for m in inspect(path)
        }

    with LoopbackBucket(bucket) as server:
        settings = settings_for(config, tmp_path, server.url, server.filter_url)
        settings = settings.model_copy(
            update={"source": settings.source.model_copy(update={"folder": bucket})}
        )
        needs = needs_of(settings, settings.all_sites())
        got = {
            way: open_source(settings, way, PatientClock()).acquire(needs, NOW, CYCLE)
            for way in ("filter", "bucket", "folder")
        }

    for by_filter, by_bucket, by_folder in zip(
        *(got[way].files for way in ("filter", "bucket", "folder")), strict=True
    ):
        assert described(by_bucket) <= described(by_filter) <= described(by_folder)
    assert {way: one.origin for way, one in got.items()} == {way: way for way in got}
    assert got["folder"].requests == 0


def test_the_newest_whole_run_that_may_be_out_is_chosen(
    bucket: Path, tmp_path: Path, config: Config
) -> None:
    with LoopbackBucket(bucket) as server:
        settings = settings_for(config, tmp_path, server.url)
        source = open_source(settings, "bucket", PatientClock())
        runs = [cycle.run for cycle in source.candidates(datetime(2026, 11, 22, 9, 30, tzinfo=UTC))]

    # 3.6 h after the run at the earliest, 24 h at the latest
    assert runs == [
        datetime(2026, 11, day, hour, tzinfo=UTC) for day, hour in ((22, 0), (21, 18), (21, 12))
    ]


def test_a_run_too_old_to_be_shown_is_not_given(
    bucket: Path, tmp_path: Path, config: Config
) -> None:
    with LoopbackBucket(bucket) as server:
        settings = settings_for(config, tmp_path, server.url)
        source = open_source(settings, "bucket", PatientClock())
        with pytest.raises(SourceRefused, match="gfs-2026112318 back to gfs-2026112300") as raised:
            source.acquire(
                needs_of(settings, settings.all_sites()), CYCLE.run + timedelta(hours=46)
            )

    assert "--cycle" in str(raised.value)


def test_a_source_that_is_none_is_a_wrong_setting(config: Config) -> None:
    with pytest.raises(ConfigError, match="choose one of filter, bucket, folder"):
        open_source(config, "ftp")


def test_old_cycles_go_and_the_one_in_use_stays(
    bucket: Path, tmp_path: Path, config: Config
) -> None:
    kept = tmp_path / "cycles" / "gfs"
    for run in ("2026112300", "2026112218", "2026112212", "2026112206", "2026112118"):
        (kept / run / "bucket").mkdir(parents=True)
        (kept / run / "bucket" / "f000.grib2").write_bytes(b"GRIB")
    (kept / "2026112118" / "bucket" / "f003.grib2.part").write_bytes(b"GR")
    with LoopbackBucket(bucket) as server:
        settings = settings_for(config, tmp_path, server.url)
        open_source(settings, "bucket", PatientClock()).acquire(
            needs_of(settings, settings.all_sites()), NOW, CYCLE
        )

    # keep_cycles is 4: the three newest and the one in use
    assert sorted(path.name for path in kept.iterdir() if path.is_dir()) == [
        "2026112200",
        "2026112212",
        "2026112218",
        "2026112300",
    ]


def test_what_dead_runs_left_is_cleared(bucket: Path, tmp_path: Path, config: Config) -> None:
    mine = tmp_path / "cycles" / "gfs" / "2026112200" / "bucket"
    older = tmp_path / "cycles" / "gfs" / "2026112118" / "bucket"
    for folder in (mine, older):
        folder.mkdir(parents=True)
        for name in ("f000.json.tmp", "f003.grib2.part", "f099.grib2"):
            (folder / name).write_bytes(b"GRIB")
    with LoopbackBucket(bucket) as server:
        settings = settings_for(config, tmp_path, server.url)
        open_source(settings, "bucket", PatientClock()).acquire(
            needs_of(settings, settings.all_sites()), NOW, CYCLE
        )

    assert sorted(path.name for path in mine.iterdir()) == [
        f"f00{step}.{kind}" for step in (0, 3, 6) for kind in ("grib2", "json")
    ]
    assert [path.name for path in older.iterdir()] == ["f099.grib2"]


def test_two_processes_that_want_the_same_cycle_take_turns(
    bucket: Path, tmp_path: Path, config: Config
) -> None:
    """Each door has a lock file of its own open, as two processes would; the second finds what the
    first has fetched.
    """
    with LoopbackBucket(bucket) as server, ThreadPoolExecutor(2) as pool:
        settings = settings_for(config, tmp_path, server.url)
        needs = needs_of(settings, settings.all_sites())
        got = list(
            pool.map(lambda _: open_source(settings, "bucket").acquire(needs, NOW, CYCLE), range(2))
        )

    assert got[0].files == got[1].files
    assert sorted(one.requests > 0 for one in got) == [False, True]


def test_a_folder_that_cannot_be_written_is_named(
    bucket: Path, tmp_path: Path, config: Config
) -> None:
    (tmp_path / "cycles").write_text("a file stands where the folder should be")
    with LoopbackBucket(bucket) as server:
        settings = settings_for(config, tmp_path, server.url)
        with pytest.raises(SourceUnavailable, match="cannot be written") as raised:
            open_source(settings, "bucket", PatientClock()).acquire(
                needs_of(settings, settings.all_sites()), NOW, CYCLE
            )

    assert isinstance(raised.value, RunNotKept)
    assert str(raised.value).endswith("The fault is on this machine, not at the source")
    assert "network" not in str(raised.value)


def test_other_needs_are_fetched_anew(bucket: Path, tmp_path: Path, config: Config) -> None:
    with LoopbackBucket(bucket) as server:
        settings = settings_for(config, tmp_path, server.url)
        source = open_source(settings, "bucket", PatientClock())
        needs = needs_of(settings, settings.all_sites())
        source.acquire(needs, NOW, CYCLE)
        fewer = type(needs)(
            needs.fields[:3], needs.steps, needs.north, needs.south, needs.west, needs.east
        )
        got = source.acquire(fewer, NOW, CYCLE)

    assert got.requests > 0
    assert [len(inspect(path)) for path in got.files] == [60, 60, 60]


def test_loose_files_of_any_name_are_identified_by_their_headers(
    bucket: Path, drop: Path, tmp_path: Path, config: Config
) -> None:
    earlier = Cycle(CYCLE.run - timedelta(hours=6))
    write_cycle(tmp_path / "earlier", earlier)
    for number, path in enumerate(files_of(bucket) + files_of(tmp_path / "earlier", earlier)):
        shutil.copy(path, drop / f"Z_NAFP_C_BABJ_{number}.bin")
    (drop / "readme.doc").write_text("not a GRIB file at all, whatever a colleague has left here")
    settings = settings_for(config, tmp_path)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in drop.iterdir())

    got = open_source(settings, "folder").acquire(needs_of(settings, settings.all_sites()), NOW)

    assert got.cycle == CYCLE
    assert [path.name for path in got.files] == [
        f"Z_NAFP_C_BABJ_{number}.bin" for number in (0, 1, 2)
    ]
    assert len(got.notes) == 1
    assert "readme.doc" in got.notes[0]
    assert sorted((path.name, path.stat().st_mtime_ns) for path in drop.iterdir()) == before


def test_a_step_that_comes_in_several_files_is_put_together(
    bucket: Path, drop: Path, tmp_path: Path, config: Config
) -> None:
    for step, path in zip((0, 3, 6), files_of(bucket), strict=True):
        data = path.read_bytes()
        parts: dict[tuple[int, ...], bytes] = {}
        for message in inspect(path):
            parts[message.parameter] = (
                parts.get(message.parameter, b"")
                + data[message.offset : message.offset + message.length]
            )
        for parameter, part in parts.items():
            (drop / f"step{step}_{'_'.join(map(str, parameter))}").write_bytes(part)
    settings = settings_for(config, tmp_path)

    got = open_source(settings, "folder").acquire(needs_of(settings, settings.all_sites()), NOW)

    # TMP, RH, HGT, LCDC, VIS at all steps, APCP at f003 and f006; ozone is wanted by nobody
    assert len(got.files) == 5 + 6 + 6


def test_a_bad_file_in_the_bucket_s_layout_is_skipped_and_a_good_copy_serves(
    bucket: Path, tmp_path: Path, config: Config
) -> None:
    drop = Path(shutil.copytree(bucket, tmp_path / "drop"))
    victim = files_of(drop)[1]
    shutil.copy(victim, drop / "again.grib2")
    victim.write_bytes(victim.read_bytes()[:-100])
    settings = settings_for(config, tmp_path)

    got = open_source(settings, "folder").acquire(needs_of(settings, settings.all_sites()), NOW)

    assert got.files == (files_of(drop)[0], drop / "again.grib2", files_of(drop)[2])
    assert "f003" in got.notes[0]


def test_a_file_still_being_written_is_looked_at_again(
    bucket: Path, tmp_path: Path, config: Config
) -> None:
    drop = Path(shutil.copytree(bucket, tmp_path / "drop"))
    victim = files_of(drop)[2]
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    settings = settings_for(config, tmp_path)
    source, needs = open_source(settings, "folder"), needs_of(settings, settings.all_sites())

    with pytest.raises(CycleNotReady, match=r"2 of 3 steps, f006 is the first that lacks.*f006"):
        source.acquire(needs, NOW, CYCLE)
    victim.write_bytes(whole)

    assert source.acquire(needs, NOW, CYCLE).files == tuple(files_of(drop))


def test_a_file_once_read_is_not_read_again(
    bucket: Path, drop: Path, tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, path in enumerate(files_of(bucket)):
        shutil.copy(path, drop / str(number))
    settings = settings_for(config, tmp_path)
    needs = needs_of(settings, settings.all_sites())
    open_source(settings, "folder").acquire(needs, NOW, CYCLE)

    def never(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("forecast.ingest.drop_folder.scan", never)

    assert len(open_source(settings, "folder").acquire(needs, NOW, CYCLE).files) == 3


def test_a_folder_that_is_not_there_teaches(tmp_path: Path, config: Config) -> None:
    settings = settings_for(config, tmp_path)

    with pytest.raises(
        CycleNotReady, match=r"there is no such folder; make it, or set source.folder"
    ):
        open_source(settings, "folder").acquire(
            needs_of(settings, settings.all_sites()), NOW, CYCLE
        )


def test_the_real_files_come_whole_through_the_bucket(
    gfs_tree: Path, tmp_path: Path, config: Config
) -> None:
    """Byte for byte what the real inventory says lies there: each message is found again in the
    real file.
    """
    cycle = Cycle(datetime(2020, 8, 4, 12, tzinfo=UTC))
    with LoopbackBucket(gfs_tree) as server:
        settings = settings_for(config, tmp_path, server.url)
        steps = (settings.source.steps[0].model_copy(update={"last": 12, "every": 6}),)
        settings = settings.model_copy(
            update={"source": settings.source.model_copy(update={"steps": steps})}
        )
        got = open_source(settings, "bucket", PatientClock()).acquire(
            needs_of(settings, settings.all_sites()), cycle.run, cycle
        )

    # counted in the .idx by the catalogue's names and levels: 156 messages of use at f000, 160
    # later (means of cloud, precipitation)
    assert [len(inspect(path)) for path in got.files] == [156, 160, 160]
    for step, path in zip((0, 6, 12), got.files, strict=True):
        original, data = (
            (gfs_tree / "/".join(path_of(cycle, step)).lstrip("/")).read_bytes(),
            path.read_bytes(),
        )
        known = {
            hashlib.sha256(original[m.offset : m.offset + m.length]).digest()
            for m in inspect(_in(gfs_tree, cycle, step))
        }
        assert {
            hashlib.sha256(data[m.offset : m.offset + m.length]).digest() for m in inspect(path)
        } <= known


def _in(tree: Path, cycle: Cycle, step: int) -> Path:
    return tree / "/".join(path_of(cycle, step)).lstrip("/")
