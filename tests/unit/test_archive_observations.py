"""Do the tables of observations keep each record, file and complaint once, on SQLite and on
PostgreSQL?
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from forecast.archive.issues import Archive
from forecast.archive.observations import (
    FAULTS_A_FILE,
    FileRead,
    Observations,
    Reading,
    StationActivity,
)
from forecast.domain import DOUBTFUL, GOOD, Fault, Observation
from forecast.errors import ArchiveError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def observation(
    station: str = "54511", at: datetime = NOW, flag: int = GOOD, form: str = "csv", **values: float
) -> Observation:
    values = values or {"air_temperature": 270.25}
    return Observation(station, at, values, dict.fromkeys(values, flag), form)


def file(digest: str, *faults: Fault, kept: int = 1) -> FileRead:
    return FileRead(Reading(digest * 64, f"{digest}.csv", "csv", NOW, kept, len(faults)), faults)


@pytest.fixture
def kept(archive: Archive) -> Observations:
    return Observations(archive)


def test_files_and_their_records_are_kept_together_and_read_back_as_they_were(
    kept: Observations,
) -> None:
    observations = [
        observation(at=NOW - n * HOUR, air_temperature=270.1 + n, wind_speed=1 / 3)
        for n in range(3)
    ]

    new = kept.keep_files([file("a", kept=2), file("b")], observations, [], NOW)

    assert new == ("a" * 64, "b" * 64)
    assert kept.series(["54511"], NOW - 3 * HOUR, NOW)["54511"] == tuple(reversed(observations))
    assert {(r.name, r.kept) for r in kept.readings()} == {("a.csv", 2), ("b.csv", 1)}
    assert kept.was_read(["a" * 64, "c" * 64]) == {"a" * 64}


def test_a_file_of_the_same_digest_is_not_new_and_lists_its_faults_once(kept: Observations) -> None:
    fault = Fault("a.csv", 2, "the line has 3 cells, its header 4")

    first = kept.keep_files([file("a", fault), file("a", fault)], [observation()], [], NOW)
    again = kept.keep_files([file("a", fault)], [observation()], [], NOW)

    assert (first, again) == (("a" * 64,), ())
    assert kept.count() == 1
    assert kept.faults() == ((NOW, fault),)


def test_flags_are_changed_and_values_are_not(kept: Observations) -> None:
    kept.keep([observation(flag=DOUBTFUL), observation(form="synop", flag=DOUBTFUL)], NOW)

    kept.keep_files([file("a")], [], [observation(flag=GOOD)], NOW)

    flags = {
        o.form: (o.flags["air_temperature"], o.values["air_temperature"])
        for o in kept.series(["54511"], NOW, NOW)["54511"]
    }
    assert flags == {"csv": (GOOD, 270.25), "synop": (DOUBTFUL, 270.25)}


def test_a_pushed_record_is_noted_until_it_is_checked(kept: Observations) -> None:
    first, second = observation(form="push"), observation("M1001", NOW - HOUR / 7, form="push")
    new = [
        kept.keep_pushed(file("a"), [first, second]),
        kept.keep_pushed(file("b"), []),
        kept.keep_pushed(file("a"), [first]),
    ]
    (note,) = kept.unchecked()

    listed = kept.unchecked_records([note])
    kept.keep_checked([observation(flag=DOUBTFUL, form="push")], [note])

    assert new == [True, True, False]
    assert listed == {(o.station, o.time, o.form) for o in (first, second)}
    assert (kept.unchecked(), kept.unchecked_records([note])) == ({}, set())
    assert kept.series(["54511"], NOW, NOW)["54511"][0].flags == {"air_temperature": DOUBTFUL}


def test_a_record_corrected_while_it_is_checked_stays_noted(kept: Observations) -> None:
    kept.keep_pushed(file("a"), [observation(form="push")])
    notes = kept.unchecked()
    kept.keep_pushed(file("b"), [observation(form="push", air_temperature=271.0)])

    kept.keep_checked([observation(flag=DOUBTFUL, form="push")], list(notes))

    (left,) = kept.unchecked().items()
    assert left[0] not in notes
    assert left[1] == 1
    assert kept.series(["54511"], NOW, NOW)["54511"][0].values == {"air_temperature": 271.0}


def test_a_note_is_never_given_the_place_of_one_that_was_struck_out(kept: Observations) -> None:
    kept.keep_pushed(file("a"), [observation(form="push")])
    before = list(kept.unchecked())
    kept.keep_checked([], before)

    kept.keep_pushed(file("b"), [observation(form="push")])

    assert set(before).isdisjoint(kept.unchecked())


def test_a_later_report_corrects_the_earlier_element_by_element(kept: Observations) -> None:
    kept.keep(
        [observation(air_temperature=270.1, wind_speed=1 / 3, mass_concentration_of_pm2p5=1.2e-9)],
        NOW,
    )

    kept.keep([observation(flag=DOUBTFUL, air_temperature=271.3)], NOW + HOUR)

    (found,) = kept.series(["54511"], NOW, NOW)["54511"]
    assert found.values == {
        "air_temperature": 271.3,
        "wind_speed": 1 / 3,
        "mass_concentration_of_pm2p5": 1.2e-9,
    }
    assert found.flags == {
        "air_temperature": DOUBTFUL,
        "wind_speed": GOOD,
        "mass_concentration_of_pm2p5": GOOD,
    }


def test_where_anything_cannot_be_kept_nothing_is(kept: Observations) -> None:
    broken = Observation("x" * 24, NOW, {"air_temperature": object()})  # type: ignore[dict-item]

    with pytest.raises((ArchiveError, TypeError)):
        kept.keep_files([file("a", Fault("a.csv", 1, "why"))], [observation(), broken], [], NOW)

    assert (kept.count(), kept.readings(), kept.faults()) == (0, (), ())


def test_the_last_reports_of_each_station(kept: Observations) -> None:
    kept.keep(
        [observation(at=NOW - n * HOUR) for n in range(30)]
        + [observation("M1001", NOW - 50 * HOUR)],
        NOW,
    )

    reports = kept.last_reports(["54511", "M1001", "never"], NOW - 24 * HOUR)

    assert reports == {
        "54511": StationActivity(NOW, 25),
        "M1001": StationActivity(NOW - 50 * HOUR, 0),
    }


def test_the_faults_of_one_file_are_bounded_and_the_latest_come_first(kept: Observations) -> None:
    many = [Fault("a.csv", n, f"reason {n}") for n in range(FAULTS_A_FILE + 5)]
    kept.keep_files([file("a", *many)], [], [], NOW)
    kept.keep_files([file("b", Fault("b.csv", 7, "reason 3"))], [], [], NOW + HOUR)

    listed = kept.faults(2 * FAULTS_A_FILE)

    assert len(listed) == FAULTS_A_FILE + 1
    assert listed[:2] == (
        (NOW + HOUR, Fault("b.csv", 7, "reason 3")),
        (NOW, many[FAULTS_A_FILE - 1]),
    )


def test_two_who_take_in_the_same_file_at_once_keep_it_once(kept: Observations) -> None:
    fault = Fault("a.csv", 2, "why")
    records = [observation(at=NOW - n * HOUR) for n in range(200)]
    found: list[tuple[str, ...]] = []
    threads = [
        Thread(target=lambda: found.append(kept.keep_files([file("a", fault)], records, [], NOW)))
        for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [(), (), (), ("a" * 64,)]
    assert (kept.count(), kept.faults()) == (200, ((NOW, fault),))
