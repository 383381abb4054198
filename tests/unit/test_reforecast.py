"""Do past runs give the same rows however they are processed, once each, at the announced cost?

The runs are those of the sample weather (forecast/sample), served on the loopback like the public
bucket: two runs a day, of which a sea of clouds needs a few steps only. Their numbers are not a
reference; one way of processing is compared with another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sql
from dask.distributed import LocalCluster

from forecast.__main__ import main
from forecast.archive.hindcasts import Hindcasts
from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.archive.schema import hindcast_table
from forecast.config import Config
from forecast.domain import Outcome, Site
from forecast.errors import ConfigError, SourceCorrupt
from forecast.ingest import sources
from forecast.learning import reforecast
from forecast.learning.reforecast import Task, cost, read_rows, reforecast_run, run, tasks
from forecast.phenomena.star_night import moments_around
from forecast.sample.bucket import LoopbackBucket
from forecast.sample.demonstration import demonstration_config
from forecast.sample.encoding import write_cycle
from forecast.science.interpolation import as_times
from forecast.settings.sources import StepSettings

DAY = date(2026, 11, 22)
SEA = ("sea_of_clouds",)
# Steps every six hours of one near site keep the sample small: the dawn of the next local day and
# what it looks back on.
STEPS = StepSettings(first=0, last=24, every=6)


@dataclass(frozen=True)
class Past:
    """A bucket of past runs, the settings that lead there, and what is requested of each run."""

    bucket: LoopbackBucket
    config: Config
    runs: tuple[Task, ...]
    address: str  # of a Dask scheduler with one worker, which all share but the test of two

    def archive(self, folder: Path) -> Archive:
        folder.mkdir(exist_ok=True)
        return Archive(f"sqlite:///{folder / 'archive.db'}")

    def work(self, archive: Archive, runs: tuple[Task, ...] | None = None) -> dict[str, int | str]:
        done = run(
            self.config, archive, self.runs if runs is None else runs, 2, SEA, 1, self.address
        )
        return {task.cycle.id: text for task, text in done}


@pytest.fixture(scope="module")
def past(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("past")
    site = next(each for each in config.sites if "sea_of_clouds" in each.phenomena)
    with LoopbackBucket(folder / "bucket") as bucket:
        small = demonstration_config(config, bucket.url, folder / "site", folder / "backstage")
        source = small.source.model_copy(
            update={"steps": (STEPS,), "run_hours": (0, 12), "light_path_km": 0.0}
        )
        small = small.model_copy(
            update={"source": source, "sites": (site.model_copy(update={"phenomena": SEA}),)}
        )
        runs = tasks(small, DAY, DAY, 2, SEA)
        needs = sources.needs_of(small, small.all_sites())
        for task in runs:
            write_cycle(folder / "bucket", task.cycle.run, task.steps, needs)
        with LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster:  # type: ignore[no-untyped-call]
            yield Past(bucket, small, runs, cluster.scheduler_address)


def rows(archive: Archive) -> list[dict[str, Any]]:
    with archive.transaction() as connection:
        order = (
            hindcast_table.c.cycle,
            hindcast_table.c.site,
            hindcast_table.c.phenomenon,
            hindcast_table.c.day,
        )
        return [
            dict(row)
            for row in connection.execute(sql.select(hindcast_table).order_by(*order)).mappings()
        ]


def test_one_worker_two_workers_and_no_dask_at_all_give_the_same_rows(
    past: Past, tmp_path: Path
) -> None:
    one, two, none = (past.archive(tmp_path / name) for name in ("one", "two", "none"))

    past.work(one)
    # a cluster of its own, two processes
    assert len(list(run(past.config, two, past.runs, 2, SEA, 2))) == len(past.runs)
    for task in past.runs:
        Hindcasts(none).keep(
            reforecast_run(
                json.loads(past.config.model_dump_json()), task, 2, SEA, 1, str(tmp_path)
            )
        )

    assert any(row["probability"] is not None for row in rows(one))
    assert rows(one) == rows(two) == rows(none)


def test_only_the_steps_that_the_events_need_are_fetched(past: Past) -> None:
    whole = set(past.config.source.all_steps)

    for task in past.runs:
        events = reforecast.events_of(past.config, task.issued, 2, SEA)
        latest = max((event.window.end - task.cycle.run) / timedelta(hours=1) for event in events)
        assert set(task.steps) <= whole
        assert max(task.steps) <= latest + reforecast.AROUND


@pytest.mark.parametrize("day", [date(2026, 6, 21), date(2026, 12, 21)])
def test_a_night_has_its_evening_and_its_morning(config: Config, day: date) -> None:
    """The dark window of a summer night is short: what is read lies far beyond it."""
    runs, stars = tasks(config, day, day, 3, ("starry_sky",)), 0

    for task in runs:
        whole = config.source.all_steps
        for event in reforecast.events_of(config, task.issued, 3, ("starry_sky",)):
            stars += 1
            start, end = as_times([event.window.start]), as_times([event.window.end])
            moments = moments_around(start, end)[0]
            hours = (moments - as_times([task.cycle.run])[0]) / np.timedelta64(1, "h")
            for hour in [hours[0] - 1, *hours]:
                before = [step for step in whole if step <= hour]
                after = [step for step in whole if step >= hour]
                asked = set(before[-1:] + after[:1]) if before and after else set()
                assert asked <= set(task.steps), (event.day, hour)
    assert stars > 5


def test_an_interrupted_reforecast_continues_where_it_stopped(past: Past, tmp_path: Path) -> None:
    archive = past.archive(tmp_path / "stopped")
    first, second = past.runs[:2]
    past.work(archive, runs=(first,))
    before = past.bucket.requests

    done = past.work(archive)

    assert set(done) == {second.cycle.id}
    assert past.bucket.requests > before
    assert {row["cycle"] for row in rows(archive)} == {first.cycle.id, second.cycle.id}
    requested = past.bucket.requests
    assert past.work(archive) == {}
    assert past.bucket.requests == requested  # all is here: nothing is requested again


def test_killed_between_two_runs_it_has_kept_the_first_whole(past: Past, tmp_path: Path) -> None:
    killed, whole = past.archive(tmp_path / "killed"), past.archive(tmp_path / "whole")

    for _ in run(past.config, killed, past.runs, 2, SEA, 1, past.address):
        break  # what a kill leaves: the generator never comes back
    left = {row["cycle"] for row in rows(killed)}
    past.work(killed)
    past.work(whole)

    assert len(left) == 1
    assert rows(killed) == rows(whole)


def test_a_run_that_is_not_in_the_bucket_stops_no_other(past: Past, tmp_path: Path) -> None:
    archive = past.archive(tmp_path / "missing")
    absent = tasks(past.config, DAY - timedelta(days=1), DAY - timedelta(days=1), 2, SEA)[:1]

    done = past.work(archive, runs=(*absent, past.runs[0]))

    assert "404" in str(done[absent[0].cycle.id])
    assert isinstance(done[past.runs[0].cycle.id], int)
    assert {row["cycle"] for row in rows(archive)} == {past.runs[0].cycle.id}


def test_the_estimated_cost_is_the_cost(past: Past, tmp_path: Path) -> None:
    task = past.runs[1:2]
    result = cost(past.config, task)
    before = past.bucket.bytes

    past.work(past.archive(tmp_path / "cost"), runs=task)

    # What goes over the wire beside the fields are the inventories, some 15 kB a step here.
    inventories = sum(
        path.stat().st_size
        for path in past.bucket.root.glob(f"gfs.*/{task[0].cycle.run:%H}/atmos/*.idx")
    )
    assert past.bucket.bytes - before - inventories == pytest.approx(result.bytes, rel=0.05)


def test_rows_are_trained_on_once_the_outcome_of_their_day_is_known(
    past: Past, tmp_path: Path
) -> None:
    archive = past.archive(tmp_path / "learnt")
    past.work(archive)
    contributed = Hindcasts(archive).run_forecasts
    delay = timedelta(hours=4)
    assert contributed(SEA[0], delay) == []

    row = next(each for each in rows(archive) if each["run"] + delay <= each["window_start"])
    observed = Outcome(SEA[0], row["site"], date.fromisoformat(row["day"]), 1.0, "observer")
    Outcomes(archive).keep([observed], datetime(2026, 12, 1, tzinfo=UTC))

    result = contributed(SEA[0], delay)
    assert {each.key for each in result} == {(row["site"], SEA[0], row["day"])}
    assert all(each.issued == each.run + delay <= each.window_start for each in result)
    assert result[0].values == row["values"]


def test_a_past_run_issued_as_its_event_begins_is_learnt_from_and_a_second_later_is_not(
    past: Past, tmp_path: Path
) -> None:
    archive = past.archive(tmp_path / "edge")
    past.work(archive)
    row = rows(archive)[0]
    observed = Outcome(SEA[0], row["site"], date.fromisoformat(row["day"]), 1.0, "observer")
    Outcomes(archive).keep([observed], datetime(2026, 12, 1, tzinfo=UTC))
    lead, contributed = row["window_start"] - row["run"], Hindcasts(archive).run_forecasts

    def runs(delay: timedelta) -> set[datetime]:
        return {each.run for each in contributed(SEA[0], delay)}

    assert row["run"] in runs(lead)
    assert row["run"] not in runs(lead + timedelta(seconds=1))


def points_file(folder: Path, *documents: dict[str, Any]) -> Path:
    path = folder / "points.json"
    path.write_text(
        json.dumps(
            [
                {"elevation": 700, "utc_offset_seconds": 28800, "hourly": hours(), **each}
                for each in documents
            ]
        )
    )
    return path


def sea_site(config: Config) -> Site:
    return next(each for each in config.all_sites() if "sea_of_clouds" in each.phenomena)


def beside(site: Site) -> dict[str, float]:
    return {"latitude": site.latitude + 0.1, "longitude": site.longitude}


def test_point_forecasts_become_rows_in_the_same_way(config: Config, tmp_path: Path) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    site = sea_site(config)
    path = points_file(tmp_path, beside(site))

    found, assumed = read_rows(config, path, site.id, SEA)
    for _ in range(2):  # again: the same rows
        Hindcasts(archive).keep(found)

    kept = rows(archive)
    assert len(found) == len(kept) > 0
    assert assumed == ""
    assert {row["model"] for row in kept} == {"openmeteo"}
    assert [row["values"]["humidity_700"] for row in kept] == pytest.approx(
        [0.20] * len(kept), abs=0.02
    )


def test_a_dry_run_of_point_forecasts_reports_and_writes_nothing(
    config: Config,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, address = sea_site(config), tmp_path / "archive.db"
    monkeypatch.setenv("SKYSCAPE_ARCHIVE_URL", f"sqlite:///{address}")
    path = points_file(tmp_path, {"spot_id": "here", "date_key": "2026-11-22"})
    command = ["reforecast", "--points", str(path), "--site", site.id, "--phenomena", SEA[0]]

    assert main([*command, "--dry-run"]) == 0

    result = capsys.readouterr().out
    assert f"rows of {site.id} from points.json would be kept" in result
    assert "assumed: spot_id 'here' is the place" in result
    assert not address.exists()
    assert main(command) == 0
    assert address.exists()


def test_a_file_of_several_mountains_or_of_one_far_away_is_refused_by_name(
    config: Config, tmp_path: Path
) -> None:
    site = sea_site(config)
    for documents, text in (
        (
            [
                {"spot_id": "a", "date_key": "2026-11-21"},
                {"spot_id": "b", "date_key": "2026-11-22"},
            ],
            "spot_id 'a'; spot_id 'b'",
        ),
        ([beside(site), {"latitude": site.latitude, "longitude": site.longitude}], "2 places"),
        ([{"latitude": site.latitude + 0.3, "longitude": site.longitude}], f"33 km from {site.id}"),
        ([{}, {}], "without coordinates"),
        ([], "no document"),
    ):
        with pytest.raises(SourceCorrupt, match=re.escape(text)):
            read_rows(config, points_file(tmp_path, *documents), site.id, SEA)


def test_point_forecasts_stand_at_the_event_itself_and_nothing_is_learnt_from_them(
    config: Config, tmp_path: Path
) -> None:
    archive, site = Archive(f"sqlite:///{tmp_path / 'archive.db'}"), sea_site(config)
    found, _ = read_rows(config, points_file(tmp_path, beside(site)), site.id, SEA)
    row = found[0]
    day_before = row["window_start"].replace(hour=0, minute=0, second=0) - timedelta(days=1)
    Hindcasts(archive).keep([{**row, "run": day_before}])  # as they once were kept
    outcome = Outcome(SEA[0], site.id, date.fromisoformat(row["day"]), 1.0, "observer")
    Outcomes(archive).keep([outcome], datetime(2026, 12, 1, tzinfo=UTC))

    assert Hindcasts(archive).run_forecasts(SEA[0], timedelta(hours=4)) == []
    assert all(
        timedelta(0) <= each["window_start"] - each["run"] < timedelta(hours=1) for each in found
    )


def hours() -> dict[str, Any]:
    """Two days of an unchanging column, saturated below 900 hPa and dry above, in the names of
    Open-Meteo's API.
    """
    times = [f"2026-11-{22 + hour // 24}T{hour % 24:02d}:00" for hour in range(48)]
    constant: dict[str, float] = {
        "temperature_2m": 8.0,
        "dew_point_2m": 7.6,
        "relative_humidity_2m": 97,
        "cloud_cover_low": 100,
        "cloud_cover_mid": 0,
        "cloud_cover_high": 0,
        "visibility": 400,
        "wind_speed_10m": 3.6,
        "wind_direction_10m": 90,
        "precipitation": 0,
        "temperature_925hPa": 7.0,
        "relative_humidity_925hPa": 97,
        "temperature_850hPa": 8.0,
        "relative_humidity_850hPa": 30,
        "temperature_700hPa": 0.0,
        "relative_humidity_700hPa": 20,
        "temperature_500hPa": -18.0,
        "relative_humidity_500hPa": 15,
    }
    return {"time": times, **{name: [value] * len(times) for name, value in constant.items()}}


def test_wrong_arguments_give_advice(past: Past, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--to 2026-11-21 lies before --from 2026-11-22"):
        tasks(past.config, DAY, DAY - timedelta(days=1), 2)
    with pytest.raises(ConfigError, match=re.escape("other --phenomena")):
        tasks(past.config, DAY, DAY, 2, ("snowfall",))
