"""Which time zone do the headings, comments and cells of a station's table name?

Authorities: UTC offsets of the IANA Time Zone Database; China's summer time 1986-1991 (State
Council, 1986-05-04); Beijing time is UTC+8 all the year.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from forecast.domain import Name, Station
from forecast.observations.formats import ParseContext, Parsed, parse_push
from forecast.observations.formats import micaps as micaps_form
from forecast.observations.formats.csv_records import parse

STATION = Station("M1001", Name("", ""), 40.0, 115.5, 2303.0)
CONTEXT = ParseContext({"M1001": STATION}, ZoneInfo("Asia/Shanghai"))


def read(heading: str, cell: str = "2026-11-22 08:00", before: str = "") -> Parsed:
    text = f"{before}station,{heading},air_temperature\nM1001,{cell},-3.4\n"
    return parse(text.encode(), "d.csv", CONTEXT)


@pytest.mark.parametrize(
    ("heading", "hours"),
    [
        ("time (UTC+0)", 0), ("time (GMT+0)", 0), ("time (+0000)", 0), ("time (+00:00)", 0),
        ("time (Z)", 0), ("time (utc)", 0), ("time_utc", 0), ("UTC time", 0), ("TIME(GMT)", 0),
        ("时间(世界时)", 0), ("世界时", 0), ("time (UTC±0)", 0),
        ("time (temps universel)", 0), ("time (Coordinated Universal Time)", 0),
        ("time (всемирное время)", 0),
        ("时间（北京时）", 8), ("时间（UTC＋8）", 8), ("time (BJT)", 8),
        ("观测时间北京时", 8), ("time (UTC +08:00)", 8), ("time (东八区)", 8),
        ("time (Asia/Tokyo)", 9), ("time (日本時間)", 9), ("time (Etc/GMT-8)", 8),
        ("time [UTC-5]", -5), ("time (UTC+5:30)", 5.5), ("time (MSK)", 3),
        ("time (yyyy-mm-dd hh:mm)", 8), ("time (local)", 8), ("time", 8),
        ("UTC时间", 0), ("timeUTC", 0), ("timeZ", 0), ("time/GMT", 0), ("GMT时间", 0),
        ("时间（格林威治时间）", 0), ("格林威治时间", 0), ("零时区", 0), ("时间/零时区", 0),
        ("UTC时间(yyyy-mm-dd hh:mm)", 0), ("time/UTC+8", 8), ("北京时", 8),
        ("time_Asia/Tokyo", 9), ("date (UTC)", 0), ("日期", 8),
    ],
)  # fmt: skip
def test_a_zone_in_a_heading_decides(heading: str, hours: float) -> None:
    (report,) = read(heading).observations

    assert (datetime(2026, 11, 22, 8, tzinfo=UTC) - report.time).total_seconds() / 3600 == hours


@pytest.mark.parametrize(
    "zone", ["CST", "Mars", "UTC+99", "GMT+8:75", "IST", "CET+3", "Asia/Lunar"]
)
def test_a_zone_that_is_not_understood_refuses_the_file_with_its_line(zone: str) -> None:
    parsed = read(f"time ({zone})")

    assert not parsed.observations
    assert [fault.line for fault in parsed.faults] == [1]
    assert "time zone is not understood" in parsed.faults[0].reason


@pytest.mark.parametrize(
    ("heading", "meanings"),
    [
        ("time (CST)", "CST is China (UTC+8), North America (UTC-6) or Cuba (UTC-5)"),
        ("time_CST", "CST is China (UTC+8)"), ("CST时间", "CST is China (UTC+8)"),
        ("timeEST", "EST is North America (UTC-5) or eastern Australia (UTC+10)"),
        ("date,hour (IST)", "IST is India (UTC+5:30)"),
    ],
)  # fmt: skip
def test_a_zone_of_several_meanings_is_refused_with_them_and_what_to_write(
    heading: str, meanings: str
) -> None:
    parsed = read(heading, ",".join(["2026-11-22 08:00"] * (heading.count(",") + 1)))

    assert not parsed.observations
    assert meanings in parsed.faults[0].reason
    assert "write UTC, UTC+8 or Asia/Shanghai" in parsed.faults[0].reason


def test_letters_at_the_end_of_a_word_are_no_zone() -> None:
    assert "'minut', is not known" in read("minut").faults[0].reason


@pytest.mark.parametrize(
    ("heading", "cells"),
    [
        ("date,time (UTC)", "2026-11-22,08:00"), ("日期,时间(UTC)", "2026/11/22,8:00:00"),
        ("date (UTC),time", "2026-11-22 00:00:00,0800"), ("date,hour (UTC)", "20261122,8"),
        ("date,time", "2026-11-22,08:00 UTC"), ("date,hour,minute,zone", "2026-11-22,8,0,UTC"),
        ("date,time", "2026-11-22,2026-11-22 16:00"), ("date,time", "Sun,2026-11-22 16:00"),
        ("date,time(UTC)", "2026-11-22,08:00:00"), ("date,year,month,day,hour", "x,2026,11,22,16"),
    ],
)  # fmt: skip
def test_a_day_and_a_time_of_day_in_two_columns_are_one_time(heading: str, cells: str) -> None:
    assert read(heading, cells).observations[0].time == datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("2026-11-22,2026-11-23 08:00", "two days"), ("2026-11-22,25:00", "is not read"),
        ("22/11/2026,08:00", "is not read"), ("2026-11-22,", "is not read"),
        ("2026-11-22 09:00,08:00", "is not read"), (",08:00", "is not read"),
    ],
)  # fmt: skip
def test_a_day_and_a_time_of_day_that_give_no_time_cost_their_line(cells: str, reason: str) -> None:
    parsed = read("date,time", cells)

    assert not parsed.observations
    assert reason in parsed.faults[0].reason
    assert parsed.faults[0].line == 2


@pytest.mark.parametrize(
    "cell",
    ["2026-11-22 00:00 UTC", "2026-11-22 08:00 GMT+8", "2026-11-22 08:00 北京时",
     "2026-11-22T00:00z",
     "2026-11-22 00:00+0000", "202611220000 UTC", "2026-11-22 00:00 (UTC)"],
)  # fmt: skip
def test_a_zone_in_a_cell_decides(cell: str) -> None:
    assert read("time", cell).observations[0].time == datetime(2026, 11, 22, tzinfo=UTC)


def test_a_cell_whose_zone_is_not_understood_costs_its_line() -> None:
    rows = "station,time,gust\nM1001,2026-11-22 00:00 CST,1\nM1001,2026-11-22 00:00 UTC,2\n"

    parsed = parse(rows.encode(), "d.csv", CONTEXT)

    assert [report.values["wind_speed_of_gust"] for report in parsed.observations] == [2.0]
    assert [fault.line for fault in parsed.faults] == [2]


@pytest.mark.parametrize(
    ("heading", "cells"),
    [("time,zone", "2026-11-22 00:00,UTC+0"), ("time,时区", "2026-11-22 08:00,8"),
     ("year,month,day,hour (UTC)", "2026,11,22,0"), ("year,month,day,hour_utc", "2026,11,22,0"),
     ("year,month,day,hour (h)", "2026,11,22,8")],
)  # fmt: skip
def test_a_zone_may_have_its_own_column_or_stand_at_the_hour(heading: str, cells: str) -> None:
    assert read(heading, cells).observations[0].time == datetime(2026, 11, 22, tzinfo=UTC)


def test_a_comment_may_name_the_zone_and_an_unknown_one_refuses_the_file() -> None:
    known = read("time", "2026-11-22 00:00", "# times are UTC\n")
    unknown = read("time", "2026-11-22 00:00", "# time zone: Mars\n")

    assert known.observations[0].time == datetime(2026, 11, 22, tzinfo=UTC)
    assert (unknown.observations, [fault.line for fault in unknown.faults]) == ([], [1])


def test_two_zones_in_one_header_refuse_the_file() -> None:
    parsed = read("year,month,day (BJT),hour (UTC)", "2026,11,22,0")

    assert not parsed.observations
    assert "several time zones" in parsed.faults[0].reason


def test_a_pushed_records_zone_decides() -> None:
    records = [
        {"station": "M1001", "time (UTC+0)": "2026-11-22 00:00", "gust": 1},
        {"station": "M1001", "time": "2026-11-22 01:00", "zone": "UTC", "gust": 2},
        {"station": "M1001", "time (CST)": "2026-11-22 02:00", "gust": 3},
    ]

    parsed = parse_push(json.dumps(records).encode(), CONTEXT)

    assert [report.time.hour for report in parsed.observations] == [0, 1]
    assert {fault.line for fault in parsed.faults} == {3}


@pytest.mark.parametrize(
    ("heading", "cell", "expected"),
    [
        # the civil clock of July 1988 is UTC+9, Beijing time UTC+8
        ("time", "1988-07-01 09:00", datetime(1988, 7, 1, 0, tzinfo=UTC)),
        ("time (BJT)", "1988-07-01 08:00", datetime(1988, 7, 1, 0, tzinfo=UTC)),
        ("time (UTC+8)", "1988-07-01 08:00", datetime(1988, 7, 1, 0, tzinfo=UTC)),
        ("time", "1988-12-01 08:00", datetime(1988, 12, 1, 0, tzinfo=UTC)),
        ("time", "1992-07-01 08:00", datetime(1992, 7, 1, 0, tzinfo=UTC)),
    ],
)
def test_chinas_old_summer_time_is_that_of_the_civil_clock_only(
    heading: str, cell: str, expected: datetime
) -> None:
    assert read(heading, cell).observations[0].time == expected


@pytest.mark.parametrize(
    ("cell", "reason"), [("1988-09-11 01:30", "occurs twice"), ("1988-04-17 02:30", "not occur")]
)
def test_an_hour_that_occurs_twice_or_never_is_refused_with_advice(cell: str, reason: str) -> None:
    parsed = read("time", cell)

    assert not parsed.observations
    assert reason in parsed.faults[0].reason
    assert read("time", f"{cell}+09:00").observations


@pytest.mark.parametrize("year", ["1990", "90"])
def test_a_plot_of_1990_is_in_beijing_time_also_in_summer(year: str) -> None:
    row = (
        "54511 116.47 39.80 31 1 9999 56 1 261 0 0 0 9999 9999 9999 9999 -11 11 0 -4.6 "
        "9999 9999 9999 9999"
    )

    parsed = micaps_form.parse(f"diamond 1 x\n{year} 07 01 08 1\n{row}\n".encode(), "m")

    assert parsed.observations[0].time == datetime(1990, 7, 1, 0, tzinfo=UTC)


# -- comments, columns and what surrounds pushed records

COMMENTS_OF_UTC = [
    "时间：世界时", "时间为世界时", "时区：UTC", "世界时", "UTC", "all times UTC", "Time: UTC",
    "Zeitzone: UTC", "Fuseau horaire: UTC", "heure UTC", "观测时间采用世界时", "观测时间均为UTC",
    "时区: 0", "timestamps in GMT", "UTC offset: 0", "data in universal time", "часовой пояс: UTC",
    "dates are given in UTC", "units: degC, hPa; UTC", "数据为世界时(UTC)", "时间基准:协调世界时",
    "observations of November, Etc/UTC",
]  # fmt: skip


@pytest.mark.parametrize("comment", COMMENTS_OF_UTC)
def test_a_comment_that_names_universal_time_decides(comment: str) -> None:
    (report,) = (parsed := read("time", before=f"# {comment}\n")).observations

    assert report.time == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert not parsed.faults


@pytest.mark.parametrize(
    "comment",
    ["时间：北京时", "UTC+8", "时区: 8", "北京时（世界时+8）", "local time = UTC + 8",
     "BJT = UTC+8", "times are CET; not UTC", "zone of alpine meadows"],
)  # fmt: skip
def test_a_comment_of_another_zone_is_never_read_as_universal_time(comment: str) -> None:
    parsed = read("time", before=f"# {comment}\n")

    assert all(
        report.time != datetime(2026, 11, 22, 8, tzinfo=UTC) for report in parsed.observations
    )


@pytest.mark.parametrize(
    "comment",
    ["time zone: Mars", "时区：火星", "timestamps in CST", "not in UTC", "converted from UTC",
     "与世界时相差8小时", "UTC plus 8 hours", "UTC or Beijing time", "UTC offset: 28800",
     "fuseau: heure de la lune", "All times are Central European Time", "Times in ET",
     "时间为地方时", "观测时间采用真太阳时", "Sommerzeit", "time is local solar time"],
)  # fmt: skip
def test_a_comment_that_speaks_of_a_zone_and_is_not_understood_refuses_the_file(
    comment: str,
) -> None:
    parsed = read("time", before=f"# table\n# {comment}\n")

    assert not parsed.observations
    assert [fault.line for fault in parsed.faults] == [2]


@pytest.mark.parametrize(
    "comment",
    ["北京站数据", "columns: time, wet bulb, z, est", "Beijing station", "La station est haute",
     "time step 1 h", "M. Ut, observer"],
)  # fmt: skip
def test_words_that_resemble_a_zone_name_none(comment: str) -> None:
    (report,) = (parsed := read("time", before=f"# {comment}\n")).observations

    assert report.time == datetime(2026, 11, 22, tzinfo=UTC)
    assert not parsed.faults


def test_the_zone_of_a_moment_in_a_comment_is_told_and_is_not_that_of_the_table() -> None:
    before = "# exported 2026-11-22 08:05 UTC\n"
    (report,) = (parsed := read("time", before=before)).observations

    assert report.time == datetime(2026, 11, 22, tzinfo=UTC)
    assert ["write # time zone" in fault.reason for fault in parsed.faults] == [True]
    assert not read("time (BJT)", before=before).faults


@pytest.mark.parametrize(
    ("first", "heading"), [("# UTC\n# times are Beijing time\n", "time"), ("# UTC\n", "time (BJT)")]
)
def test_two_zones_in_comments_and_heading_refuse_the_file(first: str, heading: str) -> None:
    parsed = read(heading, before=first)

    assert not parsed.observations
    assert "zone" in parsed.faults[-1].reason


@pytest.mark.parametrize(
    ("heading", "cell", "hours"),
    [
        ("tz_offset", "+00:00", 0), ("timezone_offset", "0", 0), ("utcoffset", "0", 0),
        ("Zeitzone", "UTC", 0), ("时区偏移", "0", 0), ("时间标准", "UTC", 0), ("offset", "UTC", 0),
        ("utc_offset_seconds", "0", 0), ("utc_offset_seconds", "28800", 8), ("offset", "+08:00", 8),
        ("utc_offset_minutes", "330", 5.5), ("utc_offset", "-3.5", -3.5), ("utc_offset", "8.0", 8),
        ("часовой пояс", "UTC", 0), ("fuseau", "CET", 1),
        ("offset", "0", None), ("my_tz", "UTC", None), ("clock", "UTC", None),
        ("remark2", "GMT+0", None), ("timezone_offset", "-480", None), ("时区号", "0", None),
    ],
)  # fmt: skip
def test_a_column_that_names_a_zone_decides_or_is_asked_about(
    heading: str, cell: str, hours: float | None
) -> None:
    """None: the file or the line is refused, with advice."""
    parsed = read(f"time,{heading}", f"2026-11-22 08:00,{cell}")

    ahead = [
        (datetime(2026, 11, 22, 8, tzinfo=UTC) - report.time).total_seconds() / 3600
        for report in parsed.observations
    ]
    assert ahead == ([] if hours is None else [hours])
    assert bool(parsed.faults) == (hours is None)


def test_a_cell_and_a_heading_of_two_zones_cost_the_line() -> None:
    parsed = read("time_utc,timezone", "2026-11-22 08:00,UTC+8")

    assert not parsed.observations
    assert "names another" in parsed.faults[0].reason
    assert read("time_utc,timezone", "2026-11-22 08:00,GMT").observations


RECORD = {"station": "M1001", "time": "2026-11-22 08:00", "air_temperature": -3}


@pytest.mark.parametrize(
    ("around", "hours"),
    [
        ({"timezone": "UTC"}, 0), ({"tz": "UTC+0"}, 0), ({"meta": {"timezone": "UTC"}}, 0),
        ({"utc_offset_seconds": 0}, 0), ({"meta": {"clock": {"utc_offset": 8}}}, 8),
        ({"units": {"time": "UTC"}}, 0), ({"sent": "2026-11-22T00:05:00Z", "count": 1}, 8),
        ({"timezone": "CST"}, None), ({"clock": "UTC"}, None),
        ({"timezone": "UTC", "meta": {"tz": "UTC+8"}}, None), ({"timezone": "Mars"}, None),
    ],
)  # fmt: skip
def test_a_zone_around_pushed_records_decides_or_refuses_them(
    around: dict[str, object], hours: float | None
) -> None:
    bodies = [{**around, "records": [RECORD]}]
    if isinstance(next(iter(around.values())), dict):
        bodies.append({"records": [{**RECORD, **around}]})
    for body in bodies:
        parsed = parse_push(json.dumps(body).encode(), CONTEXT)

        ahead = [
            (datetime(2026, 11, 22, 8, tzinfo=UTC) - report.time).total_seconds() / 3600
            for report in parsed.observations
        ]
        assert ahead == ([] if hours is None else [hours])
        assert parsed.faults or hours is not None


def test_a_pushed_record_and_its_surroundings_of_two_zones_are_refused() -> None:
    body = {"timezone": "UTC", "records": [{**RECORD, "timezone": "UTC+8"}]}

    parsed = parse_push(json.dumps(body).encode(), CONTEXT)

    assert not parsed.observations
    assert parsed.faults
