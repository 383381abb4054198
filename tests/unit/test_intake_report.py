"""Is what came in summed up by file and sender, reason and element, on SQLite and on PostgreSQL?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from forecast.archive.intake_report import FlaggedValues, IntakeCounts, IntakeReason, ReportSource
from forecast.archive.issues import Archive
from forecast.archive.observations import FileRead, Observations, Reading
from forecast.domain import DOUBTFUL, GOOD, INCONSISTENT, WRONG, Fault, Observation

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def read(
    archive: Archive, name: str, *reasons: str, at: datetime = NOW, kept: int = 1, form: str = "csv"
) -> None:
    faults = [Fault(name, line, reason) for line, reason in enumerate(reasons, 2)]
    reading = Reading(f"{name} {at}".ljust(64)[:64], name, form, at, kept, len(faults))
    Observations(archive).keep_files([FileRead(reading, faults)], [], [], at)


def test_a_sender_is_one_line_and_what_was_refused_comes_first(archive: Archive) -> None:
    for minutes in range(3):
        read(archive, "push lingshan", at=NOW + timedelta(minutes=minutes), kept=2, form="push")
    read(
        archive,
        "bad.csv",
        "the line has 3 cells, its header 4",
        "the line has 3 cells, its header 4",
        at=NOW - HOUR,
    )
    read(archive, "old.csv", "the gzip data are damaged", at=NOW - 25 * HOUR)

    since = IntakeCounts(archive).sources(NOW - 24 * HOUR)
    ever = IntakeCounts(archive).sources(None)

    assert since == (
        ReportSource("bad.csv", "csv", 1, NOW - HOUR, 1, 2),
        ReportSource("push lingshan", "push", 3, NOW + timedelta(minutes=2), 6, 0),
    )
    assert [source.name for source in ever] == ["bad.csv", "old.csv", "push lingshan"]


def test_a_reason_is_listed_once_a_file_and_no_flood_of_another_hides_it(archive: Archive) -> None:
    read(archive, "bad.csv", "same", "same", "other")
    for minutes in range(30):
        read(
            archive,
            "push lingshan",
            f"the time 'never {minutes}' is not read",
            at=NOW + timedelta(minutes=minutes + 1),
        )

    reasons = IntakeCounts(archive).reasons(NOW - HOUR)

    assert reasons[:2] == (
        IntakeReason(2, NOW, Fault("bad.csv", 2, "same")),
        IntakeReason(1, NOW, Fault("bad.csv", 4, "other")),
    )
    assert len(reasons) == 32


def test_only_stations_and_elements_with_flagged_values_are_named(archive: Archive) -> None:
    flags = [GOOD, DOUBTFUL, DOUBTFUL, WRONG, INCONSISTENT]
    values = {"air_temperature": 270.0, "wind_speed": 3.0}
    found = [{"air_temperature": flag, "wind_speed": GOOD} for flag in flags]
    listed = [
        Observation("M1001", NOW - n * HOUR, values, each, "csv") for n, each in enumerate(found)
    ]
    old = Observation("M1001", NOW - 30 * HOUR, {"wind_speed": 300.0}, {"wind_speed": WRONG}, "csv")
    good = Observation("M1002", NOW, {"air_temperature": 270.0}, {"air_temperature": GOOD}, "csv")
    Observations(archive).keep([*listed, old, good], NOW)

    assert IntakeCounts(archive).flagged(NOW - 24 * HOUR) == (
        FlaggedValues("M1001", "air_temperature", 5, 1, 2, 1),
    )
