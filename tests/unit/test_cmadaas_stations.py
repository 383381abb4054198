"""Are station reports of CMADaaS archived once, whole, with flags, gaps and corrections?"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.commands import cmadaas_checks
from forecast.config import CMADAAS_PASSWORD, CMADAAS_USER, Config
from forecast.domain import DOUBTFUL, WRONG, Name, Observation, Station
from forecast.errors import ConfigError
from forecast.http.wall_clock import unix_time
from forecast.ingest.cmadaas import Cmadaas, CmadaasAccount
from forecast.observations.cmadaas import CmadaasReports
from forecast.observations.cmadaas_rows import elements_of, known_elements, parse_moment
from forecast.observations.intake import Intake, IntakeSummary
from forecast.quantities import ELEMENTS
from forecast.sample.cmadaas import LoopbackCmadaas
from forecast.sample.cmadaas_world import HOURLY, ServedRecords, records
from forecast.settings import ObservationSettings, StationSettings
from forecast.settings.cmadaas import (
    CmadaasDatasetSettings,
    CmadaasSettings,
    CmadaasStationSettings,
)

ACCOUNT = CmadaasAccount("bureau", "long password")
NOW = datetime(2026, 11, 22, 12, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEW = 12  # hours of reports, where more show nothing else
PLACES = {
    id: Station(id, Name(id, id), 39.9 + 0.05 * n, 115.5 + 0.1 * n, 100.0 + 400 * n)
    for n, id in enumerate(("54505", "A1201", "A1202"))
}
ELEMENTS_ASKED = ["air_temperature", "relative_humidity", "visibility_in_air", "snow_depth"]


def reports(
    until: datetime, hours: int, stations: dict[str, Station] = PLACES
) -> list[Observation]:
    """Return hourly reports of every station up to `until`."""
    last = until.replace(minute=0)
    return [
        Observation(id, at, {
            "air_temperature": 270.0 + (at.hour % 12) / 4 + n,
            "relative_humidity": 0.4 + 0.01 * at.hour,
            "visibility_in_air": 12_000.0 + 10 * at.hour + n,
        })
        for at in (last - back * HOUR for back in range(hours))
        for n, id in enumerate(PLACES)
    ]  # fmt: skip


@dataclass
class Line:
    """A double, an archive and the intake between them."""

    folder: Path
    double: LoopbackCmadaas
    data: ServedRecords
    settings: dict[str, Any] = field(default_factory=dict)
    now: datetime = NOW
    waited: float = 0.0
    stations: dict[str, Station] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.archive = Archive(f"sqlite:///{self.folder / 'archive.db'}")
        self.kept = Observations(self.archive)
        self.double.now = lambda: self.now.timestamp() + self.waited
        self.serve(reports(NOW, 30))
        self.start()

    def serve(self, observations: list[Observation], **more: Any) -> None:
        self.data.by_code[HOURLY] = records(observations, PLACES, **more)

    def monotonic(self) -> float:
        return self.waited

    def sleep(self, seconds: float, /) -> None:
        self.waited += seconds

    def start(self, **settings: Any) -> None:
        """Begin anew, as after the process ended."""
        self.settings |= settings
        door = {
            "url": self.double.url, "state": self.folder / "state",
            "requests_per_minute": 6000, "requests_per_hour": 6000,
        }  # fmt: skip
        door |= {k: v for k, v in self.settings.items() if k in CmadaasSettings.model_fields}
        dataset = {"data_code": HOURLY, "elements": ELEMENTS_ASKED}
        wanted = {"admin_codes": ["110109"], "datasets": [dataset]}
        wanted |= {
            k: v for k, v in self.settings.items()
            if k in CmadaasStationSettings.model_fields and k not in door
        }  # fmt: skip
        interface = Cmadaas(
            CmadaasSettings.model_validate(door), ACCOUNT, self, self.double.now
        )  # fmt: skip
        self.feed = CmadaasReports(
            interface, CmadaasStationSettings.model_validate(wanted), self.stations
        )  # fmt: skip
        observed = ObservationSettings(folder=self.folder / "drop")
        self.intake = Intake(observed, self.archive, ZoneInfo("Asia/Shanghai"), feed=self.feed)

    def observe(self, now: datetime | None = None) -> IntakeSummary:
        self.now = now or self.now
        return self.intake.observe(self.now)

    def archived(self) -> dict[tuple[str, datetime], Observation]:
        series = self.kept.series(list(PLACES), NOW - timedelta(days=40), NOW + timedelta(days=40))
        return {(o.station, o.time): o for every in series.values() for o in every}


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    data = ServedRecords()
    with LoopbackCmadaas(data, {ACCOUNT.user: ACCOUNT.password}) as double:
        yield Line(tmp_path, double, data)


def test_the_last_day_is_archived_in_si_by_one_request(line: Line) -> None:
    line.observe()

    kept = line.archived()
    assert len(kept) == 3 * 25  # 24 h and the hour that began
    assert line.double.requests == 1
    for (station, time), found in kept.items():
        given = next(o for o in reports(NOW, 30) if (o.station, o.time) == (station, time))
        assert found.form == "cmadaas"
        assert dict(found.values) == pytest.approx(dict(given.values), abs=1e-4, rel=1e-5)


def test_asking_twice_changes_nothing(line: Line) -> None:
    line.serve(reports(NOW, FEW))
    line.observe()
    before = line.archived()

    again = line.observe()
    line.start()
    restarted = line.observe()

    assert (again.records, restarted.records) == (0, 0)
    assert line.archived() == before
    (line.folder / "state" / "stations.json").unlink()
    line.start()
    assert line.observe().records == 0


def test_only_what_is_new_is_asked_for(line: Line) -> None:
    line.serve(reports(NOW, FEW))
    line.observe()
    asked: list[str] = []
    line.double.faults = lambda _, query: asked.append(query["timeRange"]) or ""  # type: ignore[func-returns-value, return-value]
    line.serve(reports(NOW + HOUR, FEW + 1))

    taken = line.observe(NOW + HOUR)

    assert taken.records == 3
    assert asked == ["[20261122100000,20261122130700]"]


def test_a_late_correction_is_taken_and_one_taken_back_too(line: Line) -> None:
    line.observe()
    first = reports(NOW, 30)
    at = ("A1201", NOW.replace(minute=0) - 20 * HOUR)

    def corrected(value: float) -> list[Observation]:
        return [
            replace(o, values={**o.values, "air_temperature": value})
            if (o.station, o.time) == at
            else o
            for o in first
        ]

    line.serve(corrected(275.5))
    assert line.observe(NOW + HOUR).records == 0  # not asked again before its hour
    line.observe(NOW + 6 * HOUR)
    assert line.archived()[at].values["air_temperature"] == pytest.approx(275.5, abs=1e-4)

    line.serve(first)
    line.observe(NOW + 12 * HOUR)
    was = next(o for o in first if (o.station, o.time) == at).values["air_temperature"]
    assert line.archived()[at].values["air_temperature"] == pytest.approx(was, abs=1e-4)


def test_a_value_that_a_correction_calls_missing_is_kept_and_no_longer_used(line: Line) -> None:
    line.serve(reports(NOW, FEW))
    line.observe()
    first = reports(NOW, FEW)
    at = ("A1201", NOW.replace(minute=0) - 9 * HOUR)
    whole = ("54505", at[1])
    was = line.archived()[at].values["air_temperature"]

    def without(observation: Observation) -> Observation:
        key, values = (observation.station, observation.time), dict(observation.values)
        if key == at:
            del values["air_temperature"]
        return replace(observation, values={} if key == whole else values)

    line.serve([without(o) for o in first])
    line.observe(NOW + 6 * HOUR)
    line.observe(NOW + 12 * HOUR)  # nothing is taken back twice

    found = line.archived()
    assert found[at].values["air_temperature"] == was
    assert found[at].flags["air_temperature"] == WRONG
    assert math.isnan(found[at].good("air_temperature"))
    assert found[at].good("relative_humidity") > 0
    assert not any(found[whole].good(name) > 0 for name in found[whole].values)
    assert len(found[whole].values) == 3
    told = [fault.reason for _, fault in line.kept.faults() if "taken back" in fault.reason]
    assert len(told) == 1
    assert told[0].startswith("4 values were taken back by their source")
    assert f"54505 {at[1]:%Y-%m-%d %H:%M}Z air_temperature" in told[0]

    line.serve(first)
    line.observe(NOW + 18 * HOUR)
    assert line.archived()[at].good("air_temperature") == was
    assert line.archived()[whole].good("visibility_in_air") > 0


def test_an_hour_of_which_all_is_taken_back_is_no_longer_used(line: Line) -> None:
    hole = NOW.replace(minute=0) - 9 * HOUR
    line.serve(reports(NOW, FEW))
    line.observe()
    line.serve([replace(o, values={}) if o.time == hole else o for o in reports(NOW, FEW)])

    line.observe(NOW + 6 * HOUR)

    found = [each for (_, time), each in line.archived().items() if time == hole]
    assert len(found) == 3
    assert all(math.isnan(each.good(name)) for each in found for name in each.values)


def test_another_data_set_does_not_take_back_what_the_first_one_measured(line: Line) -> None:
    hourly = {"data_code": HOURLY, "elements": ELEMENTS_ASKED}
    minutes = {"data_code": "SURF_CHN_MUL_MIN", "elements": ELEMENTS_ASKED}
    line.data.by_code["SURF_CHN_MUL_MIN"] = records(
        [replace(o, values={}) for o in reports(NOW, FEW)], PLACES
    )
    line.serve(reports(NOW, FEW))
    line.start(datasets=[hourly, minutes])

    line.observe()

    assert all(o.good("air_temperature") > 0 for o in line.archived().values())


def test_what_is_no_number_takes_nothing_back(line: Line) -> None:
    line.serve(reports(NOW, FEW))
    line.observe()
    before = line.archived()
    for row in line.data.by_code[HOURLY]:
        row["TEM"], row["Q_TEM"] = "damaged", ""  # type: ignore[index]

    line.observe(NOW + 6 * HOUR)

    found = line.archived()
    assert all(found[key].good("air_temperature") > 0 for key in before)


def test_a_gap_is_filled_after_an_outage_as_far_back_as_set_and_no_more(line: Line) -> None:
    line.start(gap_days=2)
    line.observe()
    later = NOW + timedelta(days=3)
    line.serve(reports(later, 4 * 24))

    line.observe(later)

    filled = {time for station, time in line.archived() if station == "54505" and time > NOW}
    assert max(filled) == later.replace(minute=0)
    assert min(filled) == (later - timedelta(days=2)).replace(minute=0)
    assert len(filled) == 2 * 24 + 1
    datasets = [{"data_code": "X", "elements": ["snow_depth"]}]
    usual = CmadaasStationSettings.model_validate({"stations": ["54505"], "datasets": datasets})
    assert usual.gap_days == 7


def test_an_hour_that_the_service_lacked_is_filled_when_it_comes(line: Line) -> None:
    hole = NOW.replace(minute=0) - 9 * HOUR
    line.serve([o for o in reports(NOW, FEW) if o.time != hole])
    line.observe()
    assert ("54505", hole) not in line.archived()

    line.serve(reports(NOW, FEW))
    line.observe(NOW + 6 * HOUR)

    assert ("54505", hole) in line.archived()


def told(line: Line) -> list[str]:
    return [fault.reason for _, fault in line.kept.faults(100)]


def test_a_refusal_that_names_an_element_that_is_served_costs_only_what_is_not(line: Line) -> None:
    line.double.names_elements = False
    line.data.by_code[HOURLY] = [
        {name: value for name, value in row.items() if name not in ("VIS", "Q_VIS")}
        for row in records(reports(NOW, FEW), PLACES)
    ]
    refused = line.double._refused
    line.double._refused = lambda code, text: refused(code, f"{text}: TEM,...")  # type: ignore[method-assign]

    line.observe()

    assert line.feed.memory.dataset(HOURLY).lacking == ["VIS"]
    assert all(len(each.values) == 3 for each in line.archived().values())


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (["VIS", "Q_VIS"], "lacks VIS (visibility_in_air): left out"),
        (
            ["Q_TEM"],
            "lacks the quality flags Q_TEM: left out; where it has none at all, write flags",
        ),
        (["Alti"], "lacks Alti (of the station): left out"),
    ],
    ids=["a third name", "a flag", "the height"],
)
def test_an_element_that_is_not_served_is_left_out_and_named_once_and_all_others_arrive(
    line: Line, lost: list[str], words: str, named: bool
) -> None:
    line.double.names_elements = named
    whole = records(reports(NOW, FEW), PLACES)
    line.data.by_code[HOURLY] = [
        {name: value for name, value in row.items() if name not in lost} for row in whole
    ]

    line.observe()
    spent = line.double.requests
    line.observe(NOW + timedelta(minutes=5))
    line.start()
    line.observe(NOW + timedelta(minutes=10))

    found = line.archived()
    assert len(found) == 3 * FEW
    assert all(len(each.values) == 3 for each in found.values())
    assert line.double.requests == spent + 2
    assert spent <= (3 if named else 16)
    [text] = told(line)
    assert words in text

    line.data.by_code[HOURLY] = whole  # it is served again
    line.observe(NOW + 7 * HOUR)
    assert line.feed.memory.dataset(HOURLY).lacking == []
    assert len(told(line)) == 1


def test_a_process_that_ends_while_it_looks_for_what_is_lacking_goes_on_there(line: Line) -> None:
    line.double.names_elements = False
    lost = {"VIS", "Q_VIS", "RHU", "Q_RHU"}
    line.data.by_code[HOURLY] = [
        {name: value for name, value in row.items() if name not in lost}
        for row in records(reports(NOW, FEW), PLACES)
    ]
    line.double.faults = lambda number, _: "forbidden" if number == 8 else ""

    line.observe()
    line.start()
    line.observe()

    assert set(line.feed.memory.dataset(HOURLY).lacking) == {"VIS", "RHU"}
    assert all(len(each.values) == 2 for each in line.archived().values())


def test_a_data_set_of_which_no_element_is_served_says_so(line: Line) -> None:
    names = ("Station_Id_C", "Datetime", "Admin_Code_CHN")
    line.data.by_code[HOURLY] = [
        {name: row[name] for name in names} for row in records(reports(NOW, FEW), PLACES)
    ]

    taken = line.observe()

    assert any("none of its elements is served" in text for text in told(line))
    assert taken.failed


def test_days_that_the_service_fills_later_come_back_whole_as_far_as_set(line: Line) -> None:
    line.serve(reports(NOW, 60))
    line.observe()
    days = NOW + timedelta(days=5)
    for hours in range(6, 5 * 24, 6):
        line.observe(NOW + hours * HOUR)

    line.serve(reports(days, 5 * 24 + 60))
    before = line.double.requests
    line.observe(days)

    assert len(line.archived()) == 3 * (5 * 24 + 43)  # 48 h before the first corrections
    assert line.double.requests - before <= 5
    before = line.double.requests
    line.observe(days + 6 * HOUR)
    assert line.double.requests - before == 2  # no hole is left


def test_a_service_that_cuts_its_replies_and_does_not_say_so_loses_nothing(line: Line) -> None:
    line.double.most_rows = 50

    line.observe()

    assert len(line.archived()) == 75
    assert line.double.requests == 2


def test_a_time_that_may_be_cut_is_named(line: Line) -> None:
    many = {f"B{n:04d}": replace(PLACES["54505"], id=f"B{n:04d}") for n in range(60)}
    at = NOW.replace(minute=0)
    line.data.by_code[HOURLY] = records(
        [Observation(id, at, {"air_temperature": 280.0}) for id in many], many
    )
    line.double.most_rows = 50

    line.observe()

    [text] = told(line)
    assert "exactly 50 records came for 2026-11-22 12:00Z (admin_codes 110109)" in text
    assert line.kept.count() == 50


def test_of_two_data_sets_with_an_element_the_one_named_first_counts(line: Line) -> None:
    minutes = "SURF_CHN_MUL_MIN"
    other = [replace(o, values={**o.values, "air_temperature": 283.05}) for o in reports(NOW, FEW)]
    only = replace(other[0], time=other[0].time - timedelta(minutes=20))
    line.data.by_code[minutes] = records([*other, only], PLACES)
    line.serve(reports(NOW, FEW))
    asked = {"elements": ELEMENTS_ASKED}
    line.start(datasets=[{"data_code": HOURLY, **asked}, {"data_code": minutes, **asked}])

    line.observe()
    line.observe(NOW + 6 * HOUR)

    found = line.archived()
    assert found[only.station, only.time].values["air_temperature"] == pytest.approx(283.05)
    for each in reports(NOW, FEW):
        assert found[each.station, each.time].values["air_temperature"] < 280


def test_a_trace_of_rain_is_no_rain_and_not_a_missing_value(line: Line) -> None:
    line.start(datasets=[{"data_code": HOURLY, "elements": ["precipitation_amount"]}])
    dry = [replace(o, values={"precipitation_amount": 0.0}) for o in reports(NOW, 3)]
    line.serve(dry)
    line.observe()
    for row in line.data.by_code[HOURLY]:
        row["PRE_1h"], row["Q_PRE_1h"] = "999990", "0"  # type: ignore[index]

    line.observe(NOW + 6 * HOUR)

    assert [o.good("precipitation_amount") for o in line.archived().values()] == [0.0] * 9


def test_flags_of_the_service_are_carried_over_and_missing_values_are_none(line: Line) -> None:
    first = [
        replace(o, flags={"air_temperature": WRONG, "relative_humidity": DOUBTFUL})
        if o.station == "A1202"
        else o
        for o in reports(NOW, 3)
    ]
    line.serve(first)

    line.observe()

    found = line.archived()[("A1202", NOW.replace(minute=0))]
    assert (found.flags["air_temperature"], found.flags["relative_humidity"]) == (WRONG, DOUBTFUL)
    assert found.good("visibility_in_air") > 0
    assert "snow_depth" not in found.values


def test_a_page_at_a_time_gives_the_same_as_all_at_once(line: Line) -> None:
    line.start(rows=7)

    line.observe()

    assert len(line.archived()) == 3 * 25
    assert line.double.requests > 10


def test_a_time_with_more_records_than_a_page_says_what_to_raise(line: Line) -> None:
    line.start(rows=2)

    line.observe()

    assert any("raise cmadaas.rows" in fault.reason for _, fault in line.kept.faults())


def test_a_station_that_moved_is_named_once_with_both_places(line: Line) -> None:
    line.serve(reports(NOW, FEW))
    line.observe()
    moved = {**PLACES, "A1201": replace(PLACES["A1201"], latitude=39.97, elevation=560.0)}
    line.data.by_code[HOURLY] = records(reports(NOW + HOUR, FEW), moved)

    line.observe(NOW + HOUR)
    line.observe(NOW + 2 * HOUR)

    told = [fault.reason for _, fault in line.kept.faults() if "has moved" in fault.reason]
    assert len(told) == 1
    assert "A1201" in told[0]
    assert "+60 m in height" in told[0]


def test_a_listed_station_that_stands_elsewhere_is_named_as_long_as_it_does(line: Line) -> None:
    line.serve(reports(NOW, FEW))
    line.stations = {"A1201": replace(PLACES["A1201"], latitude=39.97)}
    line.start()

    summary = line.observe()
    line.observe(NOW + HOUR)
    line.observe(NOW + 6 * HOUR)

    first, again = told(line)
    assert first == again
    assert summary.refused == 0
    for words in (
        "station A1201 has moved", "2224 m and +0 m", "(39.9700, 115.6000, 500 m)",
        "at 39.9500, 115.6000, 500 m", "observations.stations in config.yaml", "write that place",
    ):  # fmt: skip
        assert words in first
    line.stations = {"A1201": PLACES["A1201"]}
    line.start()
    line.observe(NOW + 12 * HOUR)
    assert len(told(line)) == 2


@pytest.mark.parametrize("fault", ["html", "wrong_account", "too_frequent"])
def test_a_service_that_fails_costs_no_dropped_file_and_is_named_once_an_hour(
    line: Line, fault: str
) -> None:
    (line.folder / "drop").mkdir()
    (line.folder / "drop" / "x.csv").write_text(
        f"station,time,air_temperature\n54505,{(NOW - HOUR).isoformat()},1.0\n"
    )
    line.start()
    listed = StationSettings(id="54505", latitude=39.9, longitude=115.5, elevation_m=100)
    line.double.faults = lambda *_: fault  # type: ignore[assignment, return-value]
    line.intake = Intake(
        ObservationSettings(folder=line.folder / "drop", stations=(listed,)), line.archive,
        ZoneInfo("Asia/Shanghai"), settle=0, feed=line.feed,
    )  # fmt: skip

    for minutes in range(0, 30, 5):
        line.observe(NOW + timedelta(minutes=minutes))

    named = [f.reason for _, f in line.kept.faults(100) if f.where.startswith("cmadaas")]
    assert len(named) == 1
    assert "bureau" not in named[0]
    assert len(line.archived()) == 1, [f.reason for _, f in line.kept.faults(10)]


def test_nothing_is_lost_or_doubled_while_half_of_all_requests_fail(line: Line) -> None:
    chance = random.Random(5)
    kinds = ("busy", "reset", "html", "half_a_page", "truncated", "server")
    line.double.faults = lambda *_: chance.choice(kinds) if chance.random() < 0.5 else ""  # type: ignore[assignment, return-value]
    for hour in range(12):
        line.serve(reports(NOW + hour * HOUR, 30 + hour))
        line.observe(NOW + hour * HOUR)
        if hour % 3 == 2:
            line.start()

    line.double.faults = lambda *_: ""
    line.observe(NOW + 12 * HOUR)

    wanted = {(o.station, o.time) for o in reports(NOW + 11 * HOUR, 11 + 25)}
    assert wanted <= set(line.archived())
    assert line.kept.count() == len(line.archived())  # each once


def test_a_process_that_ends_between_archive_and_memory_asks_again_and_keeps_nothing_twice(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(line.feed.memory, "write", die)
    with pytest.raises(Killed):
        line.observe()
    assert len(line.archived()) == 75

    line.start()
    assert line.observe().records == 0
    assert len(line.archived()) == 75


def test_minute_data_and_ions_are_data_sets_of_their_own(line: Line) -> None:
    moment = NOW - timedelta(minutes=2)
    one = {
        "Station_Id_C": "54505", "Datetime": f"{moment:%Y-%m-%d %H:%M:%S}",
        "Admin_Code_CHN": "110109", "Lat": "39.9", "Lon": "115.5", "Alti": "100",
    }  # fmt: skip
    line.data.by_code["SURF_BJ_ANION"] = [
        {**one, "Station_Name": "x", "bjions": "1500", "Q_bjions": "0"}
    ]
    anion = {
        "data_code": "SURF_BJ_ANION",
        "named": {"negative_oxygen_ions": {"names": ["BJions"], "unit": "cm-3"}},
        "interval_minutes": 10,
    }
    line.data.by_code["SURF_BJ_ANION"][0].update({"BJions": "1500", "Q_BJions": "0"})  # type: ignore[attr-defined]
    line.serve(reports(NOW, FEW))
    line.start(datasets=[{"data_code": HOURLY, "elements": ELEMENTS_ASKED}, anion])

    line.observe()

    assert line.archived()[("54505", moment.replace(microsecond=0))].values == {
        "negative_oxygen_ions": 1500e6
    }


def test_an_element_without_a_name_at_the_service_stops_the_start_with_advice() -> None:
    with pytest.raises(ValueError, match="zenith_sky_brightness has no name at the service"):
        elements_of(CmadaasDatasetSettings(data_code="X", elements=("zenith_sky_brightness",)))
    with pytest.raises(ValueError, match="snow_depth"):
        elements_of(
            CmadaasDatasetSettings.model_validate(
                {"data_code": "X", "named": {"snow_depth": {"names": ["S"], "unit": "kelvin"}}}
            )
        )
    assert set(known_elements()) <= set(ELEMENTS)
    assert ConfigError.exit_code == 3


@pytest.mark.parametrize(
    "text", ["2026-11-22 08:00:00", "20261122080000", "2026112208", "2026-11-22T08:00:00"]
)
def test_a_time_is_read_as_utc_in_each_form(text: str) -> None:
    assert parse_moment(text) == datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "grade", "words"),
    [
        ("", "ok", "takes the account; 1499 requests are left"),
        ("url", "fault", "is empty, used by observations.cmadaas"),
        ("account", "fault", "set SKYSCAPE_CMADAAS_USER and SKYSCAPE_CMADAAS_PASSWORD"),
        ("half", "fault", "SKYSCAPE_CMADAAS_PASSWORD: is not set"),
        ("password", "fault", "check SKYSCAPE_CMADAAS_USER"),
        ("element", "fault", "zenith_sky_brightness has no name"),
    ],
)
def test_check_says_what_is_wrong_with_address_account_and_elements(
    line: Line, config: Config, monkeypatch: pytest.MonkeyPatch, wrong: str, grade: str, words: str
) -> None:
    given = {CMADAAS_USER: ACCOUNT.user, CMADAAS_PASSWORD: ACCOUNT.password}
    given |= {CMADAAS_PASSWORD: "wrong one"} if wrong == "password" else {}
    for name in (CMADAAS_USER, CMADAAS_PASSWORD):
        monkeypatch.delenv(name, raising=False)
    for name in given if wrong != "account" else ():
        if not (wrong == "half" and name == CMADAAS_PASSWORD):
            monkeypatch.setenv(name, given[name])
    line.double.now = unix_time
    now = datetime.fromtimestamp(unix_time(), UTC)
    line.serve(reports(now, 2))
    element = "zenith_sky_brightness" if wrong == "element" else "snow_depth"
    feed = CmadaasStationSettings.model_validate(
        {"admin_codes": ["110109"], "datasets": [{"data_code": HOURLY, "elements": [element]}]}
    )
    door = {"url": "" if wrong == "url" else line.double.url, "state": line.folder / "state"}
    ours = config.model_copy(
        update={
            "cmadaas": config.cmadaas.model_copy(update=door),
            "observations": config.observations.model_copy(update={"cmadaas": feed}),
        }
    )

    found = cmadaas_checks.findings(ours, now, offline=False)

    assert any(each.grade == grade and words in each.detail for each in found), found
    assert cmadaas_checks.findings(config, now, offline=False) == []
    assert "wrong one" not in str(found)
