"""A server that refuses the newest run, a path that moved, a run that cannot be decoded: what is
there is used, and what is wrong is named.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast import pipeline
from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.domain import Atmosphere, Cycle
from forecast.errors import ConfigError, SourceCorrupt, SourceError, SourceUnavailable
from forecast.ingest.grib import reader
from forecast.ingest.provider import FetchedCycle
from forecast.ingest.sources import needs_of, open_models, open_source
from forecast.issue.choice_of_run import no_newer
from forecast.service.attempts import failed
from forecast.settings.errors import SettingsError
from forecast.settings.sources import SourceSettings
from models.prediction import open_models as open_prediction_models
from products.publish import Publisher
from tests.faults.faulty_server import ALWAYS, Fault, FaultyBucket, PatientClock
from tests.faults.one_site import RUN, OneCycle, decoded, small
from tests.faults.small_cycle import settings_for, write_cycle
from tests.faults.small_models import settings_for as model_settings_for
from tests.faults.small_models import table, write_run

NEWEST = Cycle(datetime(2026, 11, 22, 0, tzinfo=UTC))
OLDER = Cycle(datetime(2026, 11, 21, 18, tzinfo=UTC))
NOW = NEWEST.run + timedelta(hours=5)


def fetched(config: Config, way: str) -> FetchedCycle:
    source = open_source(config, way, PatientClock())
    return source.acquire(needs_of(config, config.all_sites()), NOW)


# -- a run that is late, and a source that fails


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault("status", "gfs.20261122", status=404, times=ALWAYS), "not_ready"),
        (Fault("status", "gfs.20261122", status=503, times=ALWAYS), "waiting"),
        (Fault("reset", "gfs.20261122", times=ALWAYS), "waiting"),
    ],
)
def test_a_run_that_is_late_and_a_source_that_fails_are_two_outcomes(
    tmp_path: Path, config: Config, fault: Fault, outcome: str
) -> None:
    write_cycle(tmp_path / "bucket", OLDER)
    with FaultyBucket(tmp_path / "bucket", fault) as server:
        got = fetched(settings_for(config, tmp_path, server.url, attempts=1), "bucket")

    assert got.cycle == OLDER
    assert failed(no_newer(OLDER, got.newer)).outcome == outcome


def test_an_empty_drop_folder_does_not_make_late_what_cannot_be_reached(
    tmp_path: Path, config: Config
) -> None:
    settings = settings_for(config, tmp_path)  # a port at which nobody listens
    source = settings.source.model_copy(update={"order": ("bucket", "folder")})
    settings = settings.model_copy(update={"source": source})
    settings.source.folder.mkdir()

    with pytest.raises(SourceUnavailable, match="Check the network"):
        open_source(settings, None, PatientClock()).acquire(
            needs_of(settings, settings.all_sites()), NOW
        )


# -- a status speaks of the file first


@pytest.mark.parametrize("way", ["bucket", "filter"])
@pytest.mark.parametrize("status", [403, 404, 302, 401])
def test_a_newest_run_that_is_refused_gives_way_to_the_older_one(
    tmp_path: Path, config: Config, way: str, status: int
) -> None:
    for cycle in (NEWEST, OLDER):
        write_cycle(tmp_path / "bucket", cycle)
    # bucket and filter name the run of a file in its path or query
    where = "gfs.20261122" if way == "bucket" else "gfs.t00z"
    fault = Fault("status", where, status=status, times=ALWAYS)
    with FaultyBucket(tmp_path / "bucket", fault) as server:
        settings = settings_for(config, tmp_path, server.url, server.filter_url, attempts=2)
        got = fetched(settings, way)

    assert got.cycle == OLDER


@pytest.mark.parametrize("way", ["bucket", "filter"])
@pytest.mark.parametrize("status", [500, 503])
def test_one_file_that_the_server_fails_on_gives_way_to_the_older_run(
    tmp_path: Path, config: Config, way: str, status: int
) -> None:
    for cycle in (NEWEST, OLDER):
        write_cycle(tmp_path / "bucket", cycle)
    where = "gfs.20261122/00/atmos/" if way == "bucket" else ""
    fault = Fault("status", f"{where}gfs.t00z.pgrb2.0p25.f006", status=status, times=ALWAYS)
    with FaultyBucket(tmp_path / "bucket", fault) as server:
        settings = settings_for(config, tmp_path, server.url, server.filter_url, attempts=2)
        got = fetched(settings, way)

    assert got.cycle == OLDER


@pytest.mark.parametrize("way", ["bucket", "filter"])
@pytest.mark.parametrize(
    "fault",
    [("status", {"status": 204}), ("status", {"status": 206}), ("reset", {}), ("stall", {"at": 0})],
)
def test_a_newest_run_whose_files_break_off_gives_way_to_the_older_one(
    tmp_path: Path, config: Config, way: str, fault: tuple[str, dict[str, int]]
) -> None:
    for cycle in (NEWEST, OLDER):
        write_cycle(tmp_path / "bucket", cycle)
    where = "gfs.20261122" if way == "bucket" else "gfs.t00z"
    kind, options = fault
    with FaultyBucket(tmp_path / "bucket", Fault(kind, where, times=ALWAYS, **options)) as server:
        settings = settings_for(
            config,
            tmp_path,
            server.url,
            server.filter_url,
            attempts=2,
            timeout_seconds=2 if kind == "stall" else 30,
        )
        got = fetched(settings, way)

    assert got.cycle == OLDER


@pytest.mark.parametrize("way", ["bucket", "filter"])
def test_a_server_that_is_not_there_is_asked_for_one_run_only(
    tmp_path: Path, config: Config, way: str
) -> None:
    with FaultyBucket(tmp_path / "bucket") as server:
        settings = settings_for(config, tmp_path, server.url, server.filter_url, attempts=2)
    clock = PatientClock()
    source = open_source(settings, way, clock)

    with pytest.raises(SourceUnavailable, match="connection failed"):
        source.acquire(needs_of(settings, settings.all_sites()), NOW)

    assert len(clock.slept) == 1  # between the two attempts at one file


@pytest.mark.parametrize("way", ["bucket", "filter"])
def test_web_pages_in_the_place_of_every_file_ask_whether_the_path_has_moved(
    tmp_path: Path, config: Config, way: str
) -> None:
    write_cycle(tmp_path / "bucket", NEWEST)
    page = Fault("body", "", times=ALWAYS, body=b"<!doctype html><title>moved</title>")
    with FaultyBucket(tmp_path / "bucket", page) as server:
        settings = settings_for(config, tmp_path, server.url, server.filter_url, attempts=2)
        with pytest.raises(SourceError, match="has the path moved"):
            fetched(settings, way)


@pytest.mark.parametrize("way", ["bucket", "filter"])
def test_a_server_that_fails_on_three_runs_is_asked_for_no_more(
    tmp_path: Path, config: Config, way: str
) -> None:
    for hours in (0, 6, 12, 18):
        write_cycle(tmp_path / "bucket", Cycle(NEWEST.run - timedelta(hours=hours)))
    fault = Fault("status", status=503, times=ALWAYS)
    with FaultyBucket(tmp_path / "bucket", fault) as server:
        settings = settings_for(config, tmp_path, server.url, server.filter_url, attempts=2)
        with pytest.raises(SourceUnavailable, match="503") as raised:
            fetched(settings, way)

    # the last step of three runs, twice each
    assert len(server.request_log) == 6
    assert "path moved" not in str(raised.value)


@pytest.mark.parametrize("status", [403, 302, 500])
def test_a_further_model_with_one_mirror_gives_its_older_run(
    tmp_path: Path, config: Config, status: int
) -> None:
    model = table(config, "ifs").model_copy(update={"run_hours": (0, 12)})
    for run in (NEWEST.run, NEWEST.run - timedelta(hours=12)):
        write_run(tmp_path / "tree", model, run)
    fault = Fault("status", "20261122/00z", status=status, times=ALWAYS)
    with FaultyBucket(tmp_path / "tree", fault) as server:
        settings = model_settings_for(config, tmp_path, model, server.url, attempts=2)
        [source] = open_models(settings, PatientClock())
        got = source.acquire(settings.all_sites(), NEWEST.run + timedelta(hours=10))

    assert got.cycle.run == NEWEST.run - timedelta(hours=12)


def test_a_member_that_is_refused_costs_that_member(tmp_path: Path, config: Config) -> None:
    model = table(config, "gefs").model_copy(update={"run_hours": (0, 12)})
    write_run(tmp_path / "tree", model, NEWEST.run)
    first = f"gep{model.members[0]:02d}" if model.members[0] else "gec00"
    fault = Fault("status", first, status=403, times=ALWAYS)
    with FaultyBucket(tmp_path / "tree", fault) as server:
        settings = model_settings_for(config, tmp_path, model, server.url, attempts=2)
        [source] = open_models(settings, PatientClock())
        got = source.acquire(settings.all_sites(), NEWEST.run + timedelta(hours=10))

    assert got.members == model.members[1:]
    assert "403" in got.notes[0]


# -- the path has moved


@pytest.mark.parametrize("way", ["bucket", "filter"])
@pytest.mark.parametrize("status", [404, 403, 302])
def test_where_no_run_is_found_at_all_the_path_is_asked_about(
    tmp_path: Path, config: Config, way: str, status: int
) -> None:
    (tmp_path / "bucket").mkdir()
    fault = Fault("status", "gfs.", status=status, times=ALWAYS)
    with FaultyBucket(tmp_path / "bucket", fault) as server:
        settings = settings_for(config, tmp_path, server.url, server.filter_url, attempts=2)
        with pytest.raises(SourceError, match="has the path moved") as raised:
            fetched(settings, way)

    assert f"source.{way}_path" in str(raised.value)


@pytest.mark.parametrize("status", [403, 404, 302])
@pytest.mark.parametrize("where", ["f000.idx", "f003.idx", "f006.idx", "f006"])
def test_one_refused_file_is_no_moved_path_though_no_other_run_is_there(
    tmp_path: Path, config: Config, status: int, where: str
) -> None:
    write_cycle(tmp_path / "bucket", NEWEST)
    fault = Fault("status", where, status=status, times=ALWAYS)
    with FaultyBucket(tmp_path / "bucket", fault) as server:
        settings = settings_for(config, tmp_path, server.url, attempts=2)
        with pytest.raises(SourceError, match=rf"{where}.*{status}") as raised:
            fetched(settings, "bucket")

    assert "path moved" not in str(raised.value)


def test_the_path_of_the_leading_model_is_a_setting(tmp_path: Path, config: Config) -> None:
    write_cycle(tmp_path / "old", NEWEST)
    moved = "products/{run:%Y%m%d%H}/gfs.t{run:%H}z.pres_a.0p25.f{step:03d}.grib2"
    for step in (0, 3, 6):
        old = tmp_path / f"old/gfs.20261122/00/atmos/gfs.t00z.pgrb2.0p25.f{step:03d}"
        new = tmp_path / "new" / moved.format(run=NEWEST.run, step=step)
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(old, new)
        shutil.copy(f"{old}.idx", f"{new}.idx")
    with FaultyBucket(tmp_path / "new") as server:
        settings = settings_for(config, tmp_path, server.url)
        source = settings.source.model_copy(update={"bucket_path": moved})
        got = fetched(settings.model_copy(update={"source": source}), "bucket")

    assert got.cycle == NEWEST


@pytest.mark.parametrize("path", ["gfs/{date}/f{step:03d}", "gfs/latest.grib2", "{run:%Y}/{step}"])
def test_a_path_that_names_no_step_of_a_run_is_a_wrong_setting(config: Config, path: str) -> None:
    values = config.source.model_dump() | {"bucket_path": path}
    with pytest.raises((ValueError, ConfigError, SettingsError), match="bucket_path"):
        SourceSettings.model_validate(values)


# -- a run that cannot be decoded


class TwoCycles(OneCycle):
    """A source of the newest run and of the one before."""

    def candidates(self, now: datetime) -> tuple[Cycle, ...]:
        return (Cycle(RUN), Cycle(RUN - timedelta(hours=6)))

    def acquire(self, needs: object, now: datetime, cycle: Cycle | None = None) -> FetchedCycle:
        self.taken.append(cycle or Cycle(RUN))
        return FetchedCycle(cycle or Cycle(RUN), (), "sample cycle", "folder", 0, 0, ())


def world_of_two(settings: Config) -> pipeline.World:
    source = TwoCycles(Cycle(RUN))
    return pipeline.World(
        settings,
        source,  # type: ignore[arg-type]
        Archive(settings.archive.url),
        open_prediction_models(),
        Publisher(settings),
    )


def test_a_run_that_cannot_be_decoded_gives_way_to_the_next_best_in_the_same_attempt(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = small(config, tmp_path)
    atmosphere = decoded(settings, tmp_path / "bucket")

    def read(files: object, cycle: Cycle, *_: object, **__: object) -> Atmosphere:
        if cycle.run == RUN:
            raise SourceCorrupt("f006: air_temperature is 400 K")
        return atmosphere.assign_attrs(faults=["f006: cloud is 1.02: 1 points set missing"])

    monkeypatch.setattr(reader, "read_atmosphere", read)
    world = world_of_two(settings)

    report = pipeline.run(world, RUN + timedelta(hours=5))

    assert report.issue.id == "gfs-2026112118"
    assert "gfs-2026112200 cannot be used" in report.faults[0]
    assert "air_temperature is 400 K" in report.faults[0]
    assert "1 points set missing" in report.faults[1]
    assert "faults of the data: 2" in report.summary
    with pytest.raises(SourceCorrupt, match="400 K"):
        pipeline.run(world, RUN + timedelta(hours=5), Cycle(RUN))


@pytest.mark.parametrize(
    ("older_lacks", "used"), [((), "gfs-2026112118"), ((18,), "gfs-2026112200")]
)
def test_a_run_that_lacks_a_step_once_decoded_gives_way_to_a_whole_one_only(
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    older_lacks: tuple[int, ...],
    used: str,
) -> None:
    """A file of the run was of another area: its step is there in name only."""
    settings = small(config, tmp_path)
    atmosphere = decoded(settings, tmp_path / "bucket")

    def read(files: object, cycle: Cycle, *_: object, **__: object) -> Atmosphere:
        lacks = (12,) if cycle.run == RUN else older_lacks
        return atmosphere.assign_attrs(absent_steps=list(lacks), faults=[])

    monkeypatch.setattr(reader, "read_atmosphere", read)

    report = pipeline.run(world_of_two(settings), RUN + timedelta(hours=5))

    assert report.issue.id == used
    assert Archive(settings.archive.url).issues()[0].id == used
    assert len(Archive(settings.archive.url).issues()) == 1
    assert any("steps +12 h" in fault for fault in report.faults)
