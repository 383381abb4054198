"""Is every file read once and whole, and every report checked against the reports around it?"""

from __future__ import annotations

import gzip
import json
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from forecast.__main__ import main
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.config import default_path
from forecast.domain import DOUBTFUL, GOOD, WRONG, Name, Observation, Station
from forecast.errors import ArchiveError
from forecast.observations import intake
from forecast.observations.current import hourly_means, latest, newest_good
from forecast.observations.formats import Parsed
from forecast.observations.intake import Intake, IntakeSummary
from forecast.observations.received import ReceivedReports
from forecast.settings import ObservationSettings, StationSettings

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HEAD = "station,time,air_temperature,wind_speed\n"


def line(at: datetime, temperature: float, speed: float = 3.1, station: str = "54511") -> str:
    return f"{station},{at.isoformat()},{temperature},{speed}\n"


class Setup:
    """An archive, a folder, and the intake between them."""

    def __init__(self, folder: Path, archive: Archive | None = None, **settings: object) -> None:
        self.drop = folder / "drop"
        self.drop.mkdir(exist_ok=True)
        stations = tuple(
            StationSettings(id=name, latitude=40.0 + 0.05 * n, longitude=116.0, elevation_m=50)
            for n, name in enumerate(("54511", "M1001", "M1002", "M1003"))
        )
        values = {"folder": self.drop, "stations": stations, **settings}
        self.settings = ObservationSettings(**values)  # type: ignore[arg-type]
        self.archive = archive or Archive(f"sqlite:///{folder / 'archive.db'}")
        self.kept = Observations(self.archive)
        self.start()

    def start(self) -> None:
        """Begin anew, as after the process ended: nothing is remembered."""
        self.intake = Intake(self.settings, self.archive, ZONE, settle=0)

    def put(self, name: str, text: str | bytes, minutes: float = 0) -> Path:
        path = self.drop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        moment = (NOW + minutes * MINUTE).timestamp()
        os.utime(path, (moment, moment))
        return path

    def observe(self, now: datetime = NOW) -> IntakeSummary:
        return self.intake.observe(now)

    def kept_readings(
        self, element: str = "air_temperature", station: str = "54511"
    ) -> list[tuple[float, int]]:
        """Return (value in degC, flag) of the kept reports of a station, by time."""
        series = self.kept.series([station], NOW - timedelta(days=400), NOW + HOUR).get(station, ())
        return [(round(o.values[element] - 273.15, 2), o.flags[element]) for o in series]


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_dropped_files_are_archived_with_their_flags(setup: Setup) -> None:
    setup.put("a.csv", HEAD + line(NOW - HOUR, -3.4) + line(NOW, -3.1, speed=99))

    taken = setup.observe()

    assert (taken.files, taken.records, taken.refused, dict(taken.flagged)) == (
        1,
        2,
        0,
        {"range": 1},
    )
    assert setup.kept_readings() == [(-3.4, GOOD), (-3.1, GOOD)]
    (_, last) = setup.kept.series(["54511"], NOW - HOUR, NOW)["54511"]
    assert last.flags["wind_speed"] == WRONG


class SilentFeed:
    """A server of reports that does not answer until it is told to."""

    places: dict[str, Station]

    def __init__(self) -> None:
        self.places, self.asked, self.answer = {}, threading.Event(), threading.Event()

    def receive(self, now: datetime) -> Iterator[ReceivedReports]:
        self.asked.set()
        self.answer.wait(60)
        yield from ()


def test_files_are_taken_in_while_a_server_of_reports_does_not_answer(setup: Setup) -> None:
    feed = SilentFeed()
    setup.intake = Intake(setup.settings, setup.archive, ZONE, settle=0, feed=feed)
    asking = threading.Thread(target=lambda: setup.intake.observe(NOW))
    asking.start()
    assert feed.asked.wait(30)
    setup.put("a.csv", HEAD + line(NOW, -3.4))

    taken = setup.intake.observe(NOW, ask=False)

    assert asking.is_alive()
    assert (taken.files, setup.kept_readings()) == (1, [(-3.4, GOOD)])
    feed.answer.set()
    asking.join(30)


def test_a_file_is_read_once_whatever_it_is_called_and_whenever_it_is_touched(setup: Setup) -> None:
    path = setup.put("a.csv", HEAD + line(NOW, -3.4))
    setup.observe()

    os.utime(path)
    path.rename(setup.drop / "b.csv")
    setup.put("sub/c.csv", HEAD + line(NOW, -3.4))
    again = setup.observe()
    setup.start()
    after_a_restart = setup.observe()

    assert again.files == after_a_restart.files == 0
    assert len(setup.kept.readings()) == 1


def test_files_read_before_are_not_opened_again(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(20):
        setup.put(f"{n}.csv", HEAD + line(NOW - n * HOUR, -3.4))
    setup.observe()
    opened: list[object] = []
    monkeypatch.setattr(intake, "_digest", lambda file, largest: opened.append(file) or "0" * 64)

    setup.put("new.csv", HEAD + line(NOW, -3.0))
    setup.observe()

    assert [file.name for file in opened] == ["new.csv"]  # type: ignore[attr-defined]


def test_files_still_being_written_are_left_until_they_are_done(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.put("a.csv.part", HEAD + line(NOW, -3.4))
    setup.put(".hidden.csv", HEAD + line(NOW, -3.4))
    growing = setup.put("b.csv", HEAD + line(NOW - HOUR, -3.4))
    setup.intake = Intake(setup.settings, setup.archive, ZONE, settle=0.001)
    monkeypatch.setattr(
        "forecast.observations.spool.time.sleep",
        lambda _: growing.write_text(HEAD + line(NOW - HOUR, -3.4) + line(NOW, -3)),
    )

    first = setup.observe()
    monkeypatch.setattr("forecast.observations.spool.time.sleep", lambda _: None)
    (setup.drop / "a.csv.part").rename(setup.drop / "a.csv")
    second = setup.observe()

    assert (first.files, first.waiting) == (0, 2)
    assert (second.files, second.records) == (2, 3)


def test_a_file_that_grew_is_read_again_and_nothing_is_kept_twice(setup: Setup) -> None:
    setup.put("a.csv", HEAD + line(NOW - HOUR, -3.4)[:-6])  # cut in the middle of its line
    cut = setup.observe()
    setup.put("a.csv", HEAD + line(NOW - HOUR, -3.4) + line(NOW, -3.1), minutes=1)

    whole = setup.observe()

    assert (cut.records, cut.refused) == (0, 1)
    assert whole.records == 2
    assert setup.kept_readings() == [(-3.4, GOOD), (-3.1, GOOD)]


def test_bad_lines_and_bad_files_are_rejected_with_reasons_and_the_rest_is_kept(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.put("a.csv", HEAD + "54511,yesterday,1,2\n" + line(NOW, -3.1))
    setup.put("b.csv", b"\x00\x01\x02 no form of ours")
    setup.put("c.csv", HEAD + line(NOW - HOUR, -3.4))
    setup.put("d.csv", HEAD + line(NOW - HOUR, 7.0, station="M1001"))
    sound = intake.parse_file

    def fails(path: Path, terms: object) -> Parsed:
        if path.name == "d.csv":
            raise ZeroDivisionError
        return sound(path, terms)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "parse_file", fails)
    taken = setup.observe()

    assert (taken.files, taken.records) == (4, 2)
    found = {fault.where: (fault.line, fault.reason) for _, fault in setup.kept.faults()}
    assert set(found) == {"a.csv", "b.csv", "d.csv"}
    assert found["a.csv"][0] == 2
    assert "ZeroDivisionError" in found["d.csv"][1]


def test_the_same_fault_is_reported_for_each_file_that_has_it(setup: Setup) -> None:
    for n in range(3):
        setup.put(
            f"{n}.csv",
            HEAD + line(NOW - n * HOUR, 1.0) + line(NOW - n * HOUR, 1.0, station="M9999"),
            minutes=n,
        )

    setup.observe()

    result = [fault for _, fault in setup.kept.faults()]
    assert [fault.where for fault in result] == ["2.csv", "1.csv", "0.csv"]
    assert all("M9999" in fault.reason for fault in result)


def test_stations_that_are_not_in_the_settings_do_not_fill_the_archive(
    shared: Path, tmp_path: Path
) -> None:
    national = (shared / "obs" / "micaps1_2020020402.000").read_bytes()
    (tmp_path / "every").mkdir()
    ours, every = Setup(tmp_path), Setup(tmp_path / "every", keep_all=True)
    for setup in (ours, every):
        setup.put("20020402.000", national)

    few, many = ours.observe(), every.observe()

    assert few.records == ours.kept.count() <= 1
    assert few.unknown_stations > 2000
    assert many.records == every.kept.count() == few.records + few.unknown_stations
    assert any("not in the settings" in fault.reason for _, fault in ours.kept.faults())


def test_a_station_that_joins_the_settings_later_has_its_files_read_again(setup: Setup) -> None:
    setup.put("a.csv", HEAD + line(NOW, -3.4) + line(NOW, 5.0, station="M2000"))
    setup.put("b.csv", HEAD + line(NOW - HOUR, -3.4))
    setup.observe()
    joined = StationSettings(id="M2000", latitude=40.2, longitude=116, elevation_m=900)

    setup.settings = setup.settings.model_copy(
        update={"stations": (*setup.settings.stations, joined)}
    )
    setup.start()
    taken = setup.observe()

    assert taken.files == 1
    assert setup.kept_readings(station="M2000") == [(5.0, GOOD)]


def test_a_report_of_the_future_is_refused_with_advice(setup: Setup) -> None:
    setup.put("a.csv", HEAD + line(NOW + 9 * MINUTE, -3.0) + line(NOW + 61 * MINUTE, -3.0))

    taken = setup.observe()

    assert (taken.records, taken.refused) == (1, 1)
    ((_, fault),) = setup.kept.faults()
    assert "61 min" in fault.reason
    assert "clock_offset_seconds" in fault.reason


def test_a_clock_that_is_ahead_by_the_settings_is_corrected(tmp_path: Path) -> None:
    ahead = StationSettings(
        id="54511", latitude=40, longitude=116, elevation_m=50, clock_offset_seconds=3600
    )
    setup = Setup(tmp_path, stations=(ahead,))
    setup.put("a.csv", HEAD + line(NOW + HOUR, -3.0))

    taken = setup.observe()

    assert (taken.records, taken.refused) == (1, 0)
    assert setup.kept.last_reports(["54511"], NOW)["54511"].last == NOW


def test_a_file_refused_for_a_clock_that_is_ahead_is_read_again_when_the_settings_say_so(
    tmp_path: Path,
) -> None:
    station = StationSettings(id="54511", latitude=40, longitude=116, elevation_m=50)
    setup = Setup(tmp_path, stations=(station,))
    setup.put("a.csv", HEAD + line(NOW + HOUR, -3.0))
    refused = setup.observe()

    setup.settings = setup.settings.model_copy(
        update={"stations": (station.model_copy(update={"clock_offset_seconds": 3600.0}),)}
    )
    setup.start()
    taken = setup.observe()

    assert (refused.records, refused.refused) == (0, 1)
    assert (taken.files, taken.records) == (1, 1)
    assert setup.kept.last_reports(["54511"], NOW)["54511"].last == NOW


def test_a_correction_replaces_its_elements_and_keeps_the_others(setup: Setup) -> None:
    setup.put("a.csv", HEAD + line(NOW - HOUR, -3.4) + line(NOW, 80.0, speed=2.0))
    setup.observe()
    before = setup.kept_readings()
    setup.put("b.csv", f"station,time,air_temperature\n54511,{NOW.isoformat()},-3.0\n", minutes=1)

    setup.observe()

    assert before == [(-3.4, GOOD), (80.0, WRONG)]
    assert setup.kept_readings() == [(-3.4, GOOD), (-3.0, GOOD)]
    assert setup.kept.series(["54511"], NOW, NOW)["54511"][0].values["wind_speed"] == 2.0
    assert setup.kept.count() == 2


def test_the_next_report_confirms_a_front(setup: Setup) -> None:
    setup.put("a.csv", HEAD + line(NOW - 2 * HOUR, 10) + line(NOW - HOUR, -5))
    setup.observe()
    doubted = setup.kept_readings()
    setup.put("b.csv", HEAD + line(NOW, -5.5))

    setup.observe()

    assert doubted == [(10, GOOD), (-5, DOUBTFUL)]
    assert setup.kept_readings() == [(10, GOOD), (-5, GOOD), (-5.5, GOOD)]


def test_a_late_report_is_checked_at_its_time_and_later_ones_are_checked_again(
    setup: Setup,
) -> None:
    hours = [NOW - n * HOUR for n in range(20, -1, -1)]
    setup.put(
        "a.csv",
        HEAD + "".join(line(at, -3.0, speed=3 + 0.1 * n) for n, at in enumerate(hours) if n != 10),
    )
    setup.observe()
    stuck = [flag for _, flag in setup.kept_readings()]
    setup.put("late.csv", HEAD + line(hours[10], -2.5))

    setup.observe()

    # 12 h without a change, gaps of two hours allowed: doubtful from the 13th on. The late value
    # shows that it was not stuck.
    assert stuck == [GOOD] * 11 + [DOUBTFUL] * 9
    assert [flag for _, flag in setup.kept_readings()] == [GOOD] * 21


def test_persistence_looks_back_into_the_archive(setup: Setup) -> None:
    for n in range(15):
        setup.put(
            f"{n:02}.csv", HEAD + line(NOW - (14 - n) * HOUR, -3.0, speed=3 + 0.1 * n), minutes=n
        )
        setup.observe()

    assert [flag for _, flag in setup.kept_readings()] == [GOOD] * 12 + [DOUBTFUL] * 3


def test_cloud_in_oktas_is_doubtful_also_where_each_hour_comes_in_a_file_of_its_own(
    setup: Setup,
) -> None:
    head = "station,time,total_cloud\n"
    for n, oktas in enumerate((8, 8, 7, 8, 6, 0, 8, 8, 1, 5)):
        at = NOW - (9 - n) * HOUR
        setup.put(f"{n:02}.csv", f"{head}54511,{at.isoformat()},{oktas}\n", minutes=n)
        setup.observe()

    series = setup.kept.series(["54511"], NOW - timedelta(days=1), NOW + HOUR)["54511"]

    # Two values show no unit; a night's truth needs three (truth_from_stations.REPORTS_NEEDED).
    good = [100 * o.good("cloud_area_fraction") for o in series]
    assert [round(value) for value in good if value == value] == [8, 0]
    assert len(series) == 10


def test_neighbours_that_report_later_count(setup: Setup) -> None:
    setup.put("a.csv", HEAD + line(NOW, 25.0))
    setup.observe()
    alone = setup.kept_readings()
    setup.put(
        "b.csv",
        HEAD + "".join(line(NOW + MINUTE, -3.0 + 0.1 * n, station=f"M100{n}") for n in (1, 2, 3)),
        minutes=1,
    )

    setup.observe()

    assert alone == [(25.0, GOOD)]
    assert setup.kept_readings() == [(25.0, DOUBTFUL)]
    assert setup.kept_readings(station="M1001") == [(-2.9, GOOD)]


def test_in_whatever_order_files_come_the_flags_are_the_same(tmp_path: Path) -> None:
    values = [-3.0] * 16 + [9.0, 9.0, 30.0, 9.5, 9.0, 8.0]
    found = []
    for name, order in (("on", 1), ("back", -1)):
        (tmp_path / name).mkdir()
        setup = Setup(tmp_path / name)
        for n in list(range(len(values)))[::order]:
            setup.put(
                f"{n}.csv",
                HEAD + line(NOW - (len(values) - n) * HOUR, values[n], speed=3 + 0.1 * (n % 7)),
            )
            setup.observe()
        found.append(setup.kept_readings())

    assert found[0] == found[1]
    assert [flag for _, flag in found[0]] == [GOOD] * 12 + [DOUBTFUL] * 4 + [GOOD] * 2 + [
        DOUBTFUL
    ] + [GOOD] * 3


def test_gzip_files_and_files_in_folders_are_read_but_links_are_not(
    setup: Setup, tmp_path: Path
) -> None:
    setup.put("2026/11/22/a.csv.gz", gzip.compress((HEAD + line(NOW, -3.4)).encode()))
    outside = tmp_path / "outside.csv"
    outside.write_text(HEAD + line(NOW - HOUR, 1.0))
    (setup.drop / "link.csv").symlink_to(outside)
    os.mkfifo(setup.drop / "pipe.csv")

    taken = setup.observe()

    assert (taken.files, taken.records) == (1, 1)


def test_a_huge_file_is_one_fault_and_is_not_read(setup: Setup) -> None:
    with (setup.drop / "huge.csv").open("wb") as file:
        file.truncate(10 << 30)  # sparse

    first, second = setup.observe(), setup.observe()

    assert (first.files, first.refused, second.files) == (1, 1, 0)
    assert "split it" in setup.kept.faults()[0][1].reason


def test_what_the_archive_fails_to_store_is_taken_in_next_time(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.put("a.csv", HEAD + line(NOW, -3.4))
    with monkeypatch.context() as broken:
        broken.setattr(
            Observations, "keep_files", lambda *_: (_ for _ in ()).throw(ArchiveError("disk full"))
        )
        with pytest.raises(ArchiveError):
            setup.observe()

    assert setup.observe().records == 1


def test_old_files_are_deleted_only_where_the_settings_say_so(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    for folder, days, left in ((tmp_path, None, 2), (tmp_path / "other", 7, 1)):
        setup = Setup(folder, delete_after_days=days)
        setup.put("old.csv", HEAD + line(NOW - 240 * HOUR, -3.4), minutes=-10 * 24 * 60)
        setup.put("new.csv", HEAD + line(NOW, -3.4))

        assert setup.observe().deleted == 2 - left
        assert len(list(setup.drop.iterdir())) == left


def test_an_absent_folder_holds_nothing(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    setup.drop.rmdir()

    assert setup.observe() == IntakeSummary()


def test_a_push_counts_once(setup: Setup) -> None:
    parsed = Parsed(
        [Observation("54511", NOW, {"air_temperature": 270.0}, {}, "push")], [], form="push"
    )

    assert setup.intake.receive("d" * 64, "push gate", parsed, NOW)
    assert not setup.intake.receive("d" * 64, "push gate", parsed, NOW)
    assert setup.kept.count() == 1


def pushed(*result: tuple[datetime, float], station: str = "54511") -> Parsed:
    """A body of temperatures [degC]."""
    return Parsed(
        [
            Observation(station, at, {"air_temperature": value + 273.15}, {}, "push")
            for at, value in result
        ],
        [],
        form="push",
    )


def test_pushed_records_get_the_limits_at_once_and_the_other_checks_with_the_next_scan(
    setup: Setup,
) -> None:
    setup.drop.rmdir()  # without a folder too
    setup.intake.receive(
        "a" * 64, "push gate", pushed((NOW - 2 * MINUTE, 5.0), (NOW - MINUTE, 31.0)), NOW
    )
    setup.intake.receive("b" * 64, "push gate", pushed((NOW, 5.1), (NOW - HOUR, 99.0)), NOW)

    at_once = setup.kept_readings()
    taken = setup.observe()

    assert at_once == [(99.0, WRONG), (5.0, GOOD), (31.0, GOOD), (5.1, GOOD)]
    assert setup.kept_readings() == [(99.0, WRONG), (5.0, GOOD), (31.0, DOUBTFUL), (5.1, GOOD)]
    assert (taken.checked, dict(taken.flagged)) == (4, {"range": 1, "step": 1})
    assert setup.observe() == IntakeSummary()


def test_records_pushed_before_the_process_ended_are_checked_by_the_next(setup: Setup) -> None:
    setup.intake.receive(
        "a" * 64,
        "push gate",
        pushed((NOW - 2 * MINUTE, 5.0), (NOW - MINUTE, 31.0), (NOW, 5.1)),
        NOW,
    )

    setup.start()
    setup.observe()

    assert [flag for _, flag in setup.kept_readings()] == [GOOD, DOUBTFUL, GOOD]


def test_checks_that_fail_now_are_made_next_time(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.intake.receive(
        "a" * 64,
        "push gate",
        pushed((NOW - 2 * MINUTE, 5.0), (NOW - MINUTE, 31.0), (NOW, 5.1)),
        NOW,
    )
    with monkeypatch.context() as broken:
        broken.setattr(
            Observations,
            "keep_checked",
            lambda *_: (_ for _ in ()).throw(ArchiveError("disk full")),
        )
        with pytest.raises(ArchiveError):
            setup.observe()

    assert setup.observe().checked == 3
    assert [flag for _, flag in setup.kept_readings()] == [GOOD, DOUBTFUL, GOOD]


@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_pushed_in_any_order_and_checked_in_any_number_the_flags_are_those_of_a_file(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "PUSHED_AT_ONCE", at_once)
    values = [-3.0] * 16 + [9.0, 9.0, 30.0, 9.5, 9.0, 8.0]
    result = [(NOW - (len(values) - n) * HOUR, value) for n, value in enumerate(values)]
    found = []
    for name, order in (("on", 1), ("back", -1)):
        (tmp_path / name).mkdir()
        setup = Setup(tmp_path / name)
        for n, one in enumerate(result[::order]):
            setup.intake.receive(f"{n:064}", "push gate", pushed(one), NOW)
            if n % 5 == 0:
                setup.observe()
        setup.observe()
        found.append(setup.kept_readings())

    # as test_in_whatever_order_files_come_the_flags_are_the_same has them
    assert found[0] == found[1]
    assert [flag for _, flag in found[0]] == [GOOD] * 12 + [DOUBTFUL] * 4 + [GOOD] * 2 + [
        DOUBTFUL
    ] + [GOOD] * 3


def test_pushed_reports_of_neighbours_are_compared(setup: Setup) -> None:
    setup.intake.receive("a" * 64, "push gate", pushed((NOW, 25.0)), NOW)
    setup.observe()
    for n in (1, 2, 3):
        setup.intake.receive(
            str(n) * 64,
            "push gate",
            pushed((NOW + MINUTE, -3.0 + 0.1 * n), station=f"M100{n}"),
            NOW + MINUTE,
        )

    setup.observe()

    assert setup.kept_readings() == [(25.0, DOUBTFUL)]
    assert setup.kept_readings(station="M1001") == [(-2.9, GOOD)]


def test_a_pushed_correction_keeps_the_other_elements_and_is_checked_again(setup: Setup) -> None:
    both = Observation("54511", NOW, {"air_temperature": 353.15, "wind_speed": 2.0}, {}, "push")
    setup.intake.receive("a" * 64, "push gate", Parsed([both], [], form="push"), NOW)
    setup.observe()

    setup.intake.receive("b" * 64, "push gate", pushed((NOW, -3.0)), NOW)
    setup.observe()

    (kept,) = setup.kept.series(["54511"], NOW, NOW)["54511"]
    assert kept.values == {"air_temperature": pytest.approx(270.15), "wind_speed": 2.0}
    assert kept.flags == {"air_temperature": GOOD, "wind_speed": GOOD}


def test_the_examples_in_the_settings_are_valid_and_the_commands_show_what_came_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        default_path()
        .read_text(encoding="utf-8")
        .replace("sqlite:///var", f"sqlite:///{tmp_path}")
        .replace("var/observations", "DROP")
    )
    text = text.replace("DROP", str(tmp_path / "drop"))
    section = text[text.index("\nobservations:") : text.index("\narchive:")]
    sound = re.sub(
        r"^    # ", "    ", section.replace("stations: []", "stations:"), flags=re.MULTILINE
    )
    (tmp_path / "config.yaml").write_text(text.replace(section, sound), encoding="utf-8")
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.csv").write_text(HEAD + line(NOW, -3.4) + "54511,never,1,2\n")
    common = ["--config", str(tmp_path / "config.yaml"), "--now", (NOW + 3 * HOUR).isoformat()]

    codes = [
        main(["observe", *common, "--json"]),
        main(["status", *common, "--json"]),
        main(["status", *common]),
    ]

    out = capsys.readouterr().out
    observed, _, rest = out.partition("\n")
    result = json.loads(rest[: rest.index("\n}") + 2])["observations"]
    assert codes == [4, 9, 9]  # CMADaaS has no address; nothing was issued
    assert (json.loads(observed)["records"], json.loads(observed)["refused"]) == (1, 1)
    by_id = {station["id"]: station for station in result["stations"]}
    assert set(by_id) == {"54511", "M1001", "M2001"}
    assert (
        by_id["54511"]["last"],
        by_id["54511"]["silent"],
        by_id["54511"]["records_in_24_h"],
    ) == ("2026-11-22T20:00:00+08:00", True, 1)
    refused = {(each["file"], each["line"]) for each in result["set_aside"]}
    # the examples name CMADaaS, which has no address
    assert ("a.csv", 3) in refused
    assert {file for file, _ in refused} >= {"a.csv", "cmadaas SURF_CHN_MUL_HOR"}
    assert "54511  Beijing  no data since 2026-11-22T20:00:00+08:00" in rest
    assert "M1001  Lingshan  no data ever" in rest


def test_without_any_station_observe_gives_advice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["observe"]) == 3
    assert "observations.stations" in capsys.readouterr().err


# -- the latest reports of stations


def result(at: datetime, flags: dict[str, int] | None = None, **values: float) -> Observation:
    return Observation("54511", at, values, flags or {})


def test_the_newest_good_value_is_shown_and_the_doubtful_one_is_not() -> None:
    series = [result(NOW - HOUR, air_temperature=270.0, relative_humidity=0.5),
              result(NOW, {"air_temperature": DOUBTFUL}, air_temperature=310.0)]  # fmt: skip

    assert newest_good(series) == {
        "air_temperature": (NOW - HOUR, 270.0),
        "relative_humidity": (NOW - HOUR, 0.5),
    }


def test_hours_are_means_of_their_reports() -> None:
    series = [
        result(
            NOW - 90 * MINUTE,
            air_temperature=270.0,
            wind_from_direction=350.0,
            precipitation_amount=0.2,
        ),
        result(
            NOW - HOUR,
            air_temperature=271.0,
            wind_from_direction=20.0,
            precipitation_amount=0.4,
            present_weather=71.0,
        ),
        result(NOW - 10 * MINUTE, air_temperature=272.0),
    ]

    hourly = hourly_means(series, NOW + 20 * MINUTE)

    assert hourly["air_temperature"] == ((NOW - HOUR, 270.5), (NOW, 272.0))
    # by hand: between 350 and 20 degrees
    assert hourly["wind_from_direction"] == ((NOW - HOUR, pytest.approx(5.0)),)
    assert hourly["precipitation_amount"] == ((NOW - HOUR, 0.4),)  # of the hour already
    assert "present_weather" not in hourly


def test_a_silent_station_is_listed_with_its_last_report(setup: Setup) -> None:
    setup.put("a.csv", "station,time,air_temperature,relative_humidity,wind_speed\n"
             + f"54511,{(NOW - HOUR).isoformat()},-3.0,60,3\n"
               f"M1001,{(NOW - 30 * HOUR).isoformat()},-3.0,60,3\n")  # fmt: skip
    setup.observe()

    live = {one.station.id: one for one in latest(setup.archive, setup.settings, ZONE, NOW)}

    assert live["54511"].newest["air_temperature"] == (NOW - HOUR, pytest.approx(270.15))
    # GB/T 27963: -3 degC and 3 m/s in November are cold
    assert live["54511"].comfort == (NOW - HOUR, 1)
    assert (live["M1001"].newest, live["M1001"].last_report, live["M1001"].comfort) == (
        {},
        NOW - 30 * HOUR,
        None,
    )
    assert (live["M1002"].last_report, live["M1002"].newest) == (None, {})
    assert live["54511"].station == Station("54511", Name("", ""), 40.0, 116.0, 50.0)
