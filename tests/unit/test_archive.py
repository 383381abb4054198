"""Is what was issued kept, once, and never changed? On SQLite, and on PostgreSQL where one can be
started.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import xarray as xr

from forecast.archive.issues import Archive, Attempt
from forecast.config import Config
from forecast.domain import Cycle, Event, Features, Forecast, Receipt, RunForecasts, Spread, Window
from forecast.errors import ArchiveError
from forecast.quantities import FEATURES

RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
NOW = RUN + timedelta(hours=5)
LATER = RUN + timedelta(hours=24)


def a_forecast(config: Config, probability: float, run: datetime = RUN) -> Forecast:
    site = config.all_sites()[0]
    event = Event(
        "starry_sky",
        site,
        date(2026, 11, 22),
        Window(RUN + timedelta(hours=11), RUN + timedelta(hours=21)),
    )
    spread = Spread(0.1, 0.3, 2)
    return Forecast(
        event,
        Cycle(run),
        NOW,
        probability,
        2,
        "rule-1",
        spread=spread,
        quantities={"gust": 3.5},
        missing=("light_path",),
    )


def answer_of(forecast: Forecast) -> RunForecasts:
    table = xr.Dataset(
        {name: ("event", np.array([np.nan if name != "gust" else 3.5])) for name in FEATURES}
    )
    return RunForecasts(
        forecast.cycle, Features((forecast.event,), table, (("light_path",),)), (forecast,)
    )


def publish(
    archive: Archive, config: Config, run: datetime, probability: float, digest: str = "a"
) -> str:
    issue = archive.open_issue(
        Cycle(run), digest, run + timedelta(hours=5), run + timedelta(hours=24)
    )
    forecast = a_forecast(config, probability, run)
    archive.keep(issue, [answer_of(forecast)], [forecast])
    archive.mark_published(
        issue.id, issue.issued, [Receipt("web", issue.id, "published", "9 files")]
    )
    return issue.id


def test_the_same_cycle_twice_is_one_issue(archive: Archive, config: Config) -> None:
    first = publish(archive, config, RUN, 0.2)

    again = archive.open_issue(Cycle(RUN), "a", NOW + timedelta(hours=1), LATER)

    assert again.id == first == "gfs-2026112200"
    assert again.published
    assert again.issued == NOW
    assert len(archive.issues()) == 1
    assert archive.receipts(again) == (Receipt("web", first, "published", "9 files"),)


def test_other_settings_make_a_further_issue_of_the_cycle(archive: Archive, config: Config) -> None:
    publish(archive, config, RUN, 0.2, digest="a")

    publish(archive, config, RUN, 0.2, digest="b")

    assert [(issue.id, issue.number) for issue in archive.issues()] == [
        ("gfs-2026112200-2", 2),
        ("gfs-2026112200", 1),
    ]


def test_an_issue_that_no_reader_saw_gives_up_its_number(archive: Archive, config: Config) -> None:
    died = archive.open_issue(Cycle(RUN), "a", NOW, LATER)
    forecast = a_forecast(config, 0.2)
    archive.keep(died, [answer_of(forecast)], [forecast])

    following = archive.open_issue(
        Cycle(RUN + timedelta(hours=6)), "a", NOW + timedelta(hours=6), LATER
    )

    assert (died.number, following.number) == (1, 1)
    assert archive.forecast_count(died) == (0, 0)


def test_a_published_issue_is_never_changed(archive: Archive, config: Config) -> None:
    identifier = publish(archive, config, RUN, 0.2)
    issue = archive.issues()[0]

    other = a_forecast(config, 0.9)
    archive.keep(issue, [answer_of(other)], [other])
    archive.mark_published(
        identifier, NOW + timedelta(days=1), [Receipt("web", identifier, "failed")]
    )
    renewed = archive.renew(issue, NOW + timedelta(days=1))

    assert archive.earlier([other.event], Cycle(RUN + timedelta(hours=6)), 3) == {
        other.event.key: (0.2,)
    }
    assert archive.receipts(issue)[0].outcome == "published"
    assert renewed.issued == NOW


def test_numbers_start_again_with_the_year(archive: Archive, config: Config) -> None:
    publish(archive, config, datetime(2026, 12, 31, 12, tzinfo=UTC), 0.2)

    publish(archive, config, datetime(2027, 1, 1, 0, tzinfo=UTC), 0.3)

    assert [issue.number for issue in archive.issues()] == [1, 1]


def test_numbers_turn_with_the_local_year(archive: Archive, config: Config) -> None:
    """In China 2027 begins at 16:00 UTC of 31 December 2026."""
    zone = ZoneInfo("Asia/Shanghai")

    def number(hour: int) -> int:
        at = datetime(2026, 12, 31, tzinfo=UTC) + timedelta(hours=hour)
        issue = archive.open_issue(Cycle(at), "a", at, at + timedelta(days=1), zone)
        archive.mark_published(issue.id, at)
        return issue.number

    # 22:00 and 23:00 of the old year, 00:00, 01:00 and 08:00 of the new one
    assert [number(hour) for hour in (14, 15, 16, 17, 24)] == [1, 2, 1, 2, 3]


def test_an_issue_opened_before_the_turn_of_the_year_gets_a_number_of_the_new_one(
    archive: Archive,
) -> None:
    """The process died before midnight; the run is made again after it."""
    zone, cycle = ZoneInfo("Asia/Shanghai"), Cycle(datetime(2026, 12, 31, 6, tzinfo=UTC))
    before = datetime(2026, 12, 31, 15, 50, tzinfo=UTC)
    other = Cycle(datetime(2026, 12, 31, 0, tzinfo=UTC))
    archive.mark_published(archive.open_issue(other, "a", before, LATER, zone).id, before)
    archive.open_issue(cycle, "a", before, LATER, zone)

    after = archive.open_issue(cycle, "a", before + timedelta(minutes=15), LATER, zone)

    assert (after.id, after.number) == (cycle.id, 1)


def test_earlier_cycles_come_newest_first_and_never_the_future(
    archive: Archive, config: Config
) -> None:
    for hours, probability in ((0, 0.1), (6, 0.2), (12, float("nan")), (18, 0.4), (24, 0.5)):
        publish(archive, config, RUN + timedelta(hours=hours), probability)
    event = a_forecast(config, 0.5).event

    earlier = archive.earlier([event], Cycle(RUN + timedelta(hours=24)), 3)

    # The three cycles before: 18 h (0.4), 12 h (not known: NaN), 6 h (0.2).
    assert earlier == {event.key: (0.4, 0.2)}


def test_a_quantity_of_earlier_cycles_comes_newest_first(archive: Archive, config: Config) -> None:
    for hours in (0, 6, 12):
        publish(archive, config, RUN + timedelta(hours=hours), 0.2)
    event = a_forecast(config, 0.5).event
    cycle = Cycle(RUN + timedelta(hours=12))

    assert archive.earlier_quantities([event], cycle, 3, ["gust"]) == {
        event.key: {"gust": (3.5, 3.5)}
    }
    assert archive.earlier_quantities([event], cycle, 1, ["gust", "deck_top"]) == {
        event.key: {"gust": (3.5,)}
    }
    # no feature of this phenomenon
    assert archive.earlier_quantities([event], cycle, 3, ["deck_top"]) == {}


def test_every_fresh_run_of_every_model_contributes_once(archive: Archive, config: Config) -> None:
    for hours, probability in ((0, 0.1), (6, 0.2)):
        publish(archive, config, RUN + timedelta(hours=hours), probability)
    other = replace(a_forecast(config, 0.7), cycle=Cycle(RUN, "ifs"))
    issue = archive.open_issue(
        Cycle(RUN + timedelta(hours=6)), "b", NOW + timedelta(hours=7), LATER
    )
    archive.keep(
        issue,
        [answer_of(a_forecast(config, 0.25, RUN + timedelta(hours=6))), answer_of(other)],
        [other],
    )
    archive.mark_published(issue.id, issue.issued)

    contributing = archive.contributing_runs([other.event], RUN, LATER)[other.event.key]
    fresh = archive.contributing_runs([other.event], RUN + timedelta(hours=1), LATER)[
        other.event.key
    ]

    # The run of 06 was issued twice: the last issue counts.
    assert {contributor.cycle.id: contributor.probability for contributor in contributing} == {
        "gfs-2026112206": 0.25,
        "gfs-2026112200": 0.1,
        "ifs-2026112200": 0.7,
    }
    assert [contributor.cycle.id for contributor in fresh] == ["gfs-2026112206"]


def test_attempts_are_kept_newest_first(archive: Archive) -> None:
    archive.keep_attempt(Attempt(NOW, None, 4, "no run yet"))
    archive.keep_attempt(Attempt(LATER, "gfs-2026112200", 0, "done"))

    assert [(a.at, a.exit_code) for a in archive.attempts()] == [(LATER, 0), (NOW, 4)]


def test_the_error_of_an_archive_that_cannot_be_opened_hides_its_password() -> None:
    with pytest.raises(ArchiveError) as caught:
        Archive("postgresql://bureau:hunter2@127.0.0.1:1/none")

    assert "hunter2" not in str(caught.value)
    assert "bureau" in str(caught.value)


def test_an_archive_in_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    path.write_bytes(b"<html>not a database</html>" * 100)

    with pytest.raises(ArchiveError, match="not a database"):
        Archive(f"sqlite:///{path}")


@pytest.mark.parametrize("schema", [1, 99])
def test_another_schema_is_refused_and_stays_as_it_is(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "archive.db"
    Archive(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE about SET schema = ?", (schema,))

    with pytest.raises(ArchiveError, match=f"schema {schema},.*use the program that wrote it"):
        Archive(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT schema FROM about").fetchall() == [(schema,)]


def test_an_archive_opens_again_with_what_it_holds(tmp_path: Path, config: Config) -> None:
    url = f"sqlite:///{tmp_path / 'archive.db'}"
    publish(Archive(url), config, RUN, 0.2)

    assert [issue.id for issue in Archive(url).issues()] == ["gfs-2026112200"]
