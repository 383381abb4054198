"""What do the commands `observe` and `status` make of the reports of ../shared/data/failing?"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from forecast.__main__ import main
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.domain import DOUBTFUL, GOOD, Observation

PROJECT = Path(__file__).parents[2]
RECEIVED = datetime(2026, 11, 22, 12, 20, tzinfo=UTC)
PLACES = {
    "54511": (39.8, 116.47, 31), "54406": (40.45, 115.97, 488), "54401": (40.77, 114.92, 773),
    "ZBAA": (40.08, 116.58, 35), "M1001": (40.017, 115.454, 2303), "M2001": (39.9, 116.03, 300),
}  # fmt: skip


class Program:
    """The commands, under settings of their own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.drop, self.capsys = folder / "drop", capsys
        self.drop.mkdir()
        settings = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))
        settings["observations"]["folder"] = str(self.drop)
        settings["observations"]["stations"] = [
            {"id": name, "name": {"zh": name, "en": name}, "latitude": latitude,
             "longitude": longitude, "elevation_m": elevation}
            for name, (latitude, longitude, elevation) in PLACES.items()
        ]  # fmt: skip
        settings["archive"] = {"url": f"sqlite:///{folder / 'archive.db'}"}
        settings["output"]["folder"] = str(folder / "site")
        settings["learning"]["folder"] = str(folder / "models")
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")

    def command(self, name: str, *options: str, now: datetime = RECEIVED) -> str:
        code = main([name, "--config", str(self.config), "--now", now.isoformat(), *options])
        assert code == (9 if name == "status" else 0)  # nothing was issued
        return self.capsys.readouterr().out

    def observe(self, name: str, text: bytes, now: datetime = RECEIVED) -> dict[str, Observation]:
        """What `observe` archives of a file."""
        path = self.drop / name
        path.write_bytes(text)
        os.utime(path, (now.timestamp(), now.timestamp()))
        self.command("observe", now=now)
        kept = Observations(Archive(f"sqlite:///{self.config.parent / 'archive.db'}"))
        series = kept.series(list(PLACES), now - timedelta(days=2), now)
        return {station: reports[-1] for station, reports in series.items()}

    def faults(self, now: datetime = RECEIVED) -> list[str]:
        found = json.loads(self.command("status", "--all", "--json", now=now))
        return [each["reason"] for each in found["observations"]["set_aside"]]

    def doubts(self, now: datetime = RECEIVED) -> list[str]:
        return [
            line
            for line in self.command("status", now=now).splitlines()
            if line.startswith("doubtful")
        ]


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(tmp_path, capsys)


def test_two_synops_without_an_equals_sign_between_them_stay_two(
    program: Program, shared: Path
) -> None:
    text = (shared / "failing" / "04_synop_missing_equals.txt").read_bytes()

    found = program.observe("04.txt", text)

    # Groups by hand (WMO-No. 306): 11034 is -3.4 degC, 11125 is -12.5 degC; 4/012 is 12 cm.
    beijing, yanqing, other = (found[name].values for name in ("54511", "54406", "54401"))
    assert beijing["air_temperature"] == pytest.approx(269.75)
    # 30120 and 40289: 1012.0 and 1028.9 hPa
    assert beijing["air_pressure"] == pytest.approx(101200.0)
    assert beijing["air_pressure_at_mean_sea_level"] == pytest.approx(102890.0)
    assert "snow_depth" not in beijing
    assert (yanqing["air_temperature"], yanqing["snow_depth"]) == pytest.approx((260.65, 0.12))
    assert other["air_temperature"] == pytest.approx(257.65)
    assert any("54511" in fault and "54406" in fault for fault in program.faults())


def test_a_metar_without_visibility_has_none_and_its_fog_is_kept(
    program: Program, shared: Path
) -> None:
    text = (shared / "failing" / "05_metar_visibility_missing.txt").read_bytes()

    report = program.observe("05.txt", text)["ZBAA"]

    assert "visibility_in_air" not in report.values
    assert (report.values["present_weather"], report.flags["present_weather"]) == (45.0, GOOD)


def test_an_impossible_wind_costs_itself_and_the_fog_report_is_kept(
    program: Program, shared: Path
) -> None:
    text = (shared / "failing" / "13_metar_bad_wind_lost.txt").read_bytes()

    values = program.observe("13.txt", text)["ZBAA"].values

    assert (values["visibility_in_air"], values["present_weather"]) == (300.0, 45.0)
    assert values["air_temperature"] == pytest.approx(271.15)
    assert not {"wind_speed", "wind_from_direction"} & values.keys()
    assert any("361 degrees" in fault for fault in program.faults())


def test_a_heading_in_utc_plus_0_is_utc(program: Program, shared: Path) -> None:
    text = (shared / "failing" / "06_csv_zone_utc0.csv").read_bytes()

    report = program.observe("06.csv", text)["M1001"]

    assert report.time == datetime(2026, 11, 22, 0, tzinfo=UTC)


def test_codes_and_leaps_of_an_ion_counter_are_doubtful(program: Program, shared: Path) -> None:
    text = (shared / "failing" / "12_ions_65535.csv").read_bytes()

    program.observe("12.csv", text)

    kept = Observations(Archive(f"sqlite:///{program.config.parent / 'archive.db'}"))
    series = kept.series(["M2001"], RECEIVED - timedelta(days=2), RECEIVED)["M2001"]
    flags = [report.flags["negative_oxygen_ions"] for report in series]
    assert flags == [GOOD, GOOD, GOOD, GOOD, DOUBTFUL, GOOD, DOUBTFUL, GOOD]
    assert any("M2001" in line and "450000" in line for line in program.doubts())


def test_kilometres_in_a_metre_column_are_doubtful_and_status_says_why(program: Program) -> None:
    rows = "station,time,visibility,humidity,air_temperature\n"
    rows += "M1001,2026-11-22T12:00Z,12.5,60,-3.4\n"

    report = program.observe("v.csv", rows.encode())["M1001"]

    assert report.flags["visibility_in_air"] == DOUBTFUL
    assert report.flags["air_temperature"] == report.flags["relative_humidity"] == GOOD
    (line,) = program.doubts()
    assert "visibility 12.5 m with humidity 60 %: kilometres in a metre column?" in line


def test_a_station_whose_visibility_turns_to_kilometres_is_known_by_its_weeks(
    program: Program,
) -> None:
    """60 to 70 km for five days, then 65: without humidity only the station's past can tell."""
    start = RECEIVED - timedelta(days=6)
    rows = "station,time,visibility\n"
    rows += "".join(
        f"M1001,{start + timedelta(hours=n):%Y-%m-%dT%H:%MZ},{60000 + 1000 * (n % 11)}\n"
        for n in range(130)
    )
    program.observe("weeks.csv", rows.encode(), RECEIVED - timedelta(hours=12))
    later = f"station,time,visibility\nM1001,{RECEIVED:%Y-%m-%dT%H:%MZ},65\n"

    report = program.observe("later.csv", later.encode())["M1001"]

    assert report.flags["visibility_in_air"] == DOUBTFUL
    assert any("last weeks" in line for line in program.doubts())


def test_a_wind_far_above_its_weeks_is_asked_for_the_unit_that_makes_it_larger(
    program: Program,
) -> None:
    # winds of 2 to 5 m/s for six days, then 16: as many km/h are 4.4 m/s
    start = RECEIVED - timedelta(days=6)
    rows = "station,time,wind_speed\n"
    rows += "".join(
        f"M1001,{start + timedelta(hours=n):%Y-%m-%dT%H:%MZ},{2 + 0.3 * (n % 11):.1f}\n"
        for n in range(130)
    )
    program.observe("weeks.csv", rows.encode(), RECEIVED - timedelta(hours=12))
    program.observe(
        "later.csv", f"station,time,wind_speed\nM1001,{RECEIVED:%Y-%m-%dT%H:%MZ},16\n".encode()
    )

    (line,) = program.doubts()
    assert "wind_speed 16 m/s is far from the station's last weeks" in line
    assert "km/h or knots in an m/s column?" in line


def test_a_jump_within_the_range_of_the_weeks_is_called_a_jump(program: Program) -> None:
    # -5 to +5 degC for six days, then 0, 14 and 0: 14 is within the range that the weeks allow
    start = RECEIVED - timedelta(days=6)
    rows = "station,time,air_temperature\n"
    rows += "".join(
        f"M1001,{start + timedelta(hours=n):%Y-%m-%dT%H:%MZ},{abs(n % 20 - 10) - 5}\n"
        for n in range(130)
    )
    program.observe("weeks.csv", rows.encode(), RECEIVED - timedelta(hours=12))
    later = "station,time,air_temperature\n" + "".join(
        f"M1001,{RECEIVED - timedelta(hours=ago):%Y-%m-%dT%H:%MZ},{value}\n"
        for ago, value in ((2, 0), (1, 14), (0, 0))
    )
    program.observe("later.csv", later.encode())

    (line,) = program.doubts()
    assert "air_temperature 14 degC jumps from the reports before and after it" in line
