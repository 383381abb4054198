"""Are tables of MICAPS diamond 3 read by what their titles say?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.observations.formats import ParseContext, parse_file

HEAD = "2026 11 22 20 0 2 1.0 5.0 1 0 0 1 3\n"
ROWS = "54511 116.47 39.80 31 1200\n54505 116.10 39.91 105 9999\nA1201 115.45 40.02 2290 300.5\n"


def parsed(folder: Path, text: str):  # type: ignore[no-untyped-def]
    path = folder / "x.000"
    path.write_bytes(text.encode("gb18030"))
    return parse_file(path, ParseContext())


def test_a_table_gives_a_value_a_station_at_its_time_in_beijing(tmp_path: Path) -> None:
    found = parsed(tmp_path, f"diamond 3 20261122 能见度(m)\n{HEAD}{ROWS}")

    assert found.form == "micaps3"
    assert found.faults == []
    assert [(o.station, dict(o.values)) for o in found.observations] == [
        ("54511", {"visibility_in_air": 1200.0}),
        ("A1201", {"visibility_in_air": 300.5}),
    ]
    assert {o.time for o in found.observations} == {datetime(2026, 11, 22, 12, tzinfo=UTC)}
    assert found.stations[-1].elevation == 2290


@pytest.mark.parametrize(
    ("title", "element", "value"),
    [
        ("2米气温", "air_temperature", 273.15 + 1200),
        ("1小时降水量", "precipitation_amount", 1200.0),
        ("低云量", "low_cloud_area_fraction", 12.0),
        ("积雪深度", "snow_depth", 12.0),
    ],
)
def test_the_longest_name_in_the_title_says_the_element_in_its_usual_unit(
    tmp_path: Path, title: str, element: str, value: float
) -> None:
    found = parsed(tmp_path, f"diamond 3 {title}\n{HEAD}{ROWS}")

    assert found.observations[0].values == {element: pytest.approx(value)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"diamond 3 x9\n{HEAD}{ROWS}", "names none of our elements"),
        (f"diamond 3 气温和能见度\n{HEAD}{ROWS}", "names air_temperature and visibility_in_air"),
        (f"diamond 3 气温\n{HEAD}{ROWS[:40]}", "the head says 3 stations"),
        ("diamond 3 气温\n2026 11 22 20 0 2 1.0", "the head is not year"),
        (f"diamond 3 气温\n{HEAD.replace('2026', '4294967296')}", "the head is not year"),
        (f"diamond 3 气温\n{HEAD.replace(' 1 3', ' 2 3')}{ROWS}", "2 elements"),
        (f"diamond 3 气温\n{HEAD.replace('11 22', '13 22')}{ROWS}", "the head is not year"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(tmp_path: Path, text: str, reason: str) -> None:
    found = parsed(tmp_path, text)

    assert found.observations == []
    assert reason in found.faults[0].reason


def test_a_bad_line_costs_itself_only(tmp_path: Path) -> None:
    rows = ROWS.replace("54505 116.10", "54505 east").replace("A1201 ", "A;1201 ")
    found = parsed(tmp_path, f"diamond 3 能见度\n{HEAD}{rows}")

    assert [o.station for o in found.observations] == ["54511"]
    assert len(found.faults) == 2
