"""Does what is old go, and nothing that is scored, learnt from or linked?"""

from __future__ import annotations

import json
import os
import tarfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from forecast.archive import observation_hours
from forecast.archive.issues import Archive, Attempt
from forecast.archive.observation_hours import ObservationHours
from forecast.archive.observations import FileRead, Observations, Reading
from forecast.archive.outcomes import PastForecasts
from forecast.archive.reports import FieldReport, Reports
from forecast.archive.retention_rows import RetentionRows
from forecast.archive.schema import contributing_run_table, forecast_table
from forecast.config import Config
from forecast.domain import DOUBTFUL, Observation
from forecast.observations import hourly
from forecast.observations.current import hourly_means
from forecast.pipeline import World
from forecast.service import retention
from forecast.service.web.photos import path_of
from models.prediction import open_models
from products import packing
from products.publish import RELEASES, Publisher
from tests.past_issues import START, fill_archive, issued_on

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OLD = NOW - 60 * DAY
KILLED = "the process is killed here"


def minutes(start: datetime, count: int, **values: float) -> list[Observation]:
    """Return a report a minute of station A, the temperature rising by a tenth of a degree."""
    return [
        Observation(
            "A",
            start + timedelta(minutes=n),
            {
                "air_temperature": 270.0 + n / 10,
                "wind_from_direction": 350.0 + n % 2 * 20,
                **values,
            },
            {"air_temperature": DOUBTFUL} if n == 0 else {},
        )
        for n in range(count)
    ]


def test_old_observations_become_hourly_means_and_recent_ones_stay(archive: Archive) -> None:
    kept, hours = Observations(archive), ObservationHours(archive)
    start = OLD + timedelta(minutes=1)
    kept.keep(minutes(start, 60, present_weather=71.0, precipitation_amount=0.2), NOW)
    kept.keep(minutes(NOW - HOUR, 5), NOW)

    assert hourly.thin(hours, NOW - 45 * DAY) == 60
    assert hourly.thin(hours, NOW - 45 * DAY) == 0

    (hour,) = kept.series(["A"], OLD - DAY, NOW - 30 * DAY)["A"]
    assert (hour.time, hour.form) == (OLD + HOUR, "hourly")
    # minutes 1 to 59, for that of minute 0 is doubtful: 270 + 3.0
    assert hour.values["air_temperature"] == pytest.approx(273.0)
    assert hour.values["wind_from_direction"] % 360 == pytest.approx(0.0, abs=1e-6)
    assert (hour.values["present_weather"], hour.values["precipitation_amount"]) == (71.0, 0.2)
    assert len(kept.series(["A"], NOW - DAY, NOW)["A"]) == 5
    assert kept.last_reports(["A"], NOW - DAY)["A"].records == 5


def test_a_report_that_comes_later_for_a_thinned_hour_joins_it(archive: Archive) -> None:
    kept, hours = Observations(archive), ObservationHours(archive)
    kept.keep(minutes(OLD + timedelta(minutes=1), 3), NOW)  # good: 270.1 and 270.2
    hourly.thin(hours, NOW - 45 * DAY)
    late = Observation("A", OLD + timedelta(minutes=30), {"air_temperature": 270.6})
    kept.keep([late], NOW)

    assert hourly.thin(hours, NOW - 45 * DAY) == 1

    (hour,) = kept.series(["A"], OLD, OLD + HOUR)["A"]
    assert hour.values["air_temperature"] == pytest.approx(270.3)
    with archive.transaction() as connection:
        row = connection.execute(sql.text('SELECT reports, "values" FROM observation_hour')).one()
    values = row[1] if isinstance(row[1], dict) else json.loads(row[1])
    assert row[0] == 4
    assert values["air_temperature"][1:] == [3, 270.1, 270.6]


def test_two_codes_of_weather_in_an_hour_are_both_kept(archive: Archive) -> None:
    kept = Observations(archive)
    codes = (61.0, 71.0, 61.0)
    reports = [
        Observation("A", OLD + timedelta(minutes=n + 1), {"present_weather": code})
        for n, code in enumerate(codes)
    ]
    kept.keep(reports, NOW)
    hourly.thin(ObservationHours(archive), NOW - 45 * DAY)

    series = kept.series(["A"], OLD, NOW)["A"]

    assert [each.values["present_weather"] for each in series] == [61.0, 71.0]


def test_of_states_the_last_of_an_hour_is_kept_and_no_mean_is_made(archive: Archive) -> None:
    kept = Observations(archive)
    reports = [
        Observation(
            "A", OLD + timedelta(minutes=n + 1), {"ground_state": state, "rime_observed": n}
        )
        for n, state in enumerate((1.0, 13.0))
    ]
    kept.keep(reports, NOW)
    assert hourly_means(reports, OLD + timedelta(hours=1)) == {}
    hourly.thin(ObservationHours(archive), NOW - 45 * DAY)

    [hour] = kept.series(["A"], OLD, NOW)["A"]

    assert dict(hour.values) == {"ground_state": 13.0, "rime_observed": 1.0}


def test_killed_while_it_thins_nothing_is_lost_or_counted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    kept, hours = Observations(archive), ObservationHours(archive)
    kept.keep(minutes(OLD + timedelta(minutes=1), 120), NOW)
    real = observation_hours._keep

    def dying(*arguments: Any) -> None:
        real(*arguments)
        raise KeyboardInterrupt(KILLED)  # no handler of ours sees it

    with monkeypatch.context() as patch:
        patch.setattr(observation_hours, "_keep", dying)
        with pytest.raises(KeyboardInterrupt):
            hourly.thin(hours, NOW - 45 * DAY)
    assert (kept.count(), hours.count()) == (120, 0)

    assert hourly.thin(hours, NOW - 45 * DAY) == 120
    assert (kept.count(), hours.count()) == (0, 2)


def test_only_runs_that_nobody_can_learn_from_go(archive: Archive) -> None:
    """Forty days have outcomes, each issue forecasts two days beyond: of the last nobody knows."""
    fill_archive(archive, 40, sites=("lingshan",))
    rows = RetentionRows(archive)
    past = PastForecasts(archive)
    before = (past.run_forecasts("sunset_glow"), past.issued_forecasts())

    gone = rows.forget_runs(issued_on(START + 100 * DAY))

    assert gone == 3  # of days 40 and 41, by the last two issues
    assert (past.run_forecasts("sunset_glow"), past.issued_forecasts()) == before
    assert rows.forget_runs(issued_on(START + 100 * DAY)) == 0


def test_old_forecasts_keep_what_is_scored(archive: Archive) -> None:
    fill_archive(archive, 3, sites=("lingshan",))
    said = {"voices": [["gfs-2026010100", 0.4, 1.0, 1]], "usual": 0.3, "confidence": 2,
            "change": {"machine_probability": 0.2, "person": "wang", "fields": ["probability"]},
            "states": {"sea": 0.4}, "quantities": {"gust": 3.5}, "reasons": [["gust", 3.5, 0.1]],
            "spreads": {}}  # fmt: skip
    with archive.transaction() as connection:
        connection.execute(forecast_table.update().values(said=said))
    past = PastForecasts(archive)
    before = past.issued_forecasts(only_verified=False)
    rows = RetentionRows(archive)

    assert rows.forget_details(issued_on(START + DAY)) == 3  # of the first of three issues
    assert rows.forget_details(issued_on(START + DAY)) == 0
    assert rows.forget_details(issued_on(START + 9 * DAY)) == 6

    assert past.issued_forecasts(only_verified=False) == before
    assert before[0].person == "wang"
    with archive.transaction() as connection:
        left = connection.scalars(sql.select(forecast_table.c.said)).all()
        assert len(connection.execute(sql.select(contributing_run_table)).all()) == 9
    assert {tuple(sorted(each)) for each in left} == {
        ("change", "confidence", "states", "usual", "voices")
    }


def world(config: Config, folder: Path, **keep: Any) -> World:
    """Return a world below a folder with these settings `keep`."""
    settings = config.model_copy(
        update={
            "archive": config.archive.model_copy(update={"url": f"sqlite:///{folder}/archive.db"}),
            "output": config.output.model_copy(update={"folder": folder / "site"}),
            "source": config.source.model_copy(update={"folder": folder / "drop"}),
            "models": (),
            "keep": config.keep.model_copy(update=keep),
        }
    )
    source: Any = None
    archive = Archive(settings.archive.url)
    return World(settings, source, archive, open_models(), Publisher(settings))


def aged(path: Path, moment: datetime) -> Path:
    """Return a file that was last changed at a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def test_the_daily_job_lets_go_of_attempts_pushes_photos_and_grib_files(
    config: Config, tmp_path: Path
) -> None:
    at = world(config, tmp_path, drop_days=5)
    long_ago = NOW - 500 * DAY
    for moment in (long_ago, NOW):
        at.archive.keep_attempt(Attempt(moment, None, 0, f"{moment:%Y}"))
        for form in ("push", "csv"):
            reading = Reading(f"{form} {moment:%Y}", form, form, moment, 1, 0)
            Observations(at.archive).keep_files([FileRead(reading)], [], [], moment)
    reports = Reports(at.archive)
    photos = {name: path_of(name * 64, tmp_path / "report_photos") for name in "abc"}
    says = {"sunset_glow": "full"}
    old = FieldReport("1", "", "visitor", "x", "lingshan", long_ago, long_ago, says, photo="a" * 64)
    reports.add(old)
    reports.add(replace(old, id="2", photo="b" * 64))
    reports.add(replace(old, id="3", photo="b" * 64, seen=NOW, received=NOW))
    for name, path in photos.items():
        aged(path, NOW if name == "c" else long_ago)
    old_grib, new_grib = (
        aged(tmp_path / "drop" / "cma" / f"{n}.grib2", NOW - n * DAY) for n in (6, 4)
    )

    found = retention.retain(at, NOW)

    assert found.faults == ()
    assert {what: count for what, count in found.counts.items() if count} == {
        "attempts": 1, "digests of readings": 1, "photos": 1, "GRIB files": 1,
    }  # fmt: skip
    assert [each.detail for each in at.archive.attempts()] == ["2026"]
    known = Observations(at.archive).was_read(["push 2025", "csv 2025", "push 2026", "csv 2026"])
    assert known == {"csv 2025", "push 2026", "csv 2026"}  # the file may still be in its folder
    # one photo is of a report of today as well, one is not old
    assert [name for name, path in photos.items() if path.exists()] == ["b", "c"]
    assert [each.photo[:1] for each in reports.seen_between(long_ago, NOW + DAY)] == ["", "", "b"]
    assert (old_grib.exists(), new_grib.exists()) == (False, True)
    assert not any(retention.retain(at, NOW).counts.values())


def releases(at: World, count: int) -> list[str]:
    """Publish so many releases, as far as files go; the newest is in force and links the newest
    `whole_issues`.
    """
    names = [f"gfs-202611{n + 1:02}00" for n in range(count)]
    for name in names:
        release = at.publisher.releases / name
        (release / "posters").mkdir(parents=True)
        (release / "index.html").write_text(f"<h1>{name}</h1>")
        (release / "posters" / "day.png").write_bytes(os.urandom(20_000))
    at.publisher.link.symlink_to(f"archive/{names[-1]}")
    at.publisher._prune()
    return names


def test_old_issues_are_packed_and_pages_link_only_to_what_is_there(
    config: Config, tmp_path: Path
) -> None:
    at = world(config, tmp_path, whole_issues=3)
    at = replace(at, publisher=Publisher(at.config.model_copy(update={
        "output": at.config.output.model_copy(update={"keep_issues": 6})})))  # fmt: skip
    names = releases(at, 8)[-6:]  # publishing keeps six

    linked = json.loads((at.publisher.folder / RELEASES).read_bytes())["issues"]
    packed = packing.pack_old(at.publisher)

    assert linked == names[-3:]
    assert packed == tuple(names[:3])
    assert [path.name for path in at.publisher.whole_releases()] == names[-3:]
    found = packing.packed_releases(at.publisher)
    assert [path.name for path in found] == [f"{name}.tar.xz" for name in names[:3]]
    with tarfile.open(found[0]) as archive:
        assert archive.getnames() == [f"{names[0]}/index.html"]  # the page, not the picture
    assert found[0].stat().st_size < 1000
    assert packing.pack_old(at.publisher) == ()


def test_an_issue_that_a_page_in_force_links_is_not_packed(config: Config, tmp_path: Path) -> None:
    at = world(config, tmp_path, whole_issues=5)
    names = releases(at, 6)
    fewer = Publisher(world(config, tmp_path, whole_issues=2).config)

    assert packing.pack_old(fewer) == (names[0],)  # the five others are linked until the next issue


def test_beyond_the_issues_to_keep_the_oldest_packed_ones_go(
    config: Config, tmp_path: Path
) -> None:
    at = world(config, tmp_path, whole_issues=2)
    names = releases(at, 6)
    packing.pack_old(at.publisher)
    output = at.config.output.model_copy(update={"keep_issues": 4})
    fewer = Publisher(at.config.model_copy(update={"output": output}))

    packing.pack_old(fewer)

    left = [path.name for path in packing.packed_releases(fewer)]
    assert left == [f"{name}.tar.xz" for name in names[2:4]]


def test_freed_space_goes_back_to_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    archive = Archive(f"sqlite:///{path}")
    kept, rows = Observations(archive), RetentionRows(archive)
    kept.keep(minutes(OLD, 6000), NOW)

    def size() -> int:
        with archive.transaction() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.stat().st_size

    full = size()
    hourly.thin(ObservationHours(archive), NOW - 45 * DAY)
    given = rows.give_back()

    assert given > full / 2
    assert size() < full / 2


def test_what_is_scored_cannot_be_let_go_of_by_a_setting(config: Config) -> None:
    """Verification looks back a year, monitoring 410 days, quality control four weeks."""
    from forecast.learning import monitor, verify
    from forecast.observations.past_checks import WEEKS

    least = {name: type(config.keep).model_fields[name].metadata[0].ge
             for name in ("run_days", "observation_days")}  # fmt: skip

    assert least["run_days"] * DAY > max(verify.PERIOD, monitor.YEAR + monitor.SEASON)
    assert least["observation_days"] * DAY > WEEKS + 2 * DAY
