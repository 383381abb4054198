"""Is each cell of a table of outcomes read as its observer meant it, or refused with the reason?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from forecast.config import read_config
from forecast.domain import Outcome
from forecast.learning.truth_from_reports import OutcomeTable, parse
from forecast.verification import OutcomeReport, resolve

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 25)
MORNING = datetime(2026, 11, 21, tzinfo=UTC)
SITES = read_config().all_sites()
# 70 degrees north, where the sun does not set in June nor rise in December (USNO)
ARCTIC = replace(
    SITES[0], id="arctic", latitude=70.0, longitude=25.0, phenomena=("starry_sky", "sunset_glow")
)


def table(text: str, sites: tuple = SITES, zone: str = "Asia/Shanghai") -> OutcomeTable:
    return parse(text.encode(), "seen.csv", sites, TODAY, (), ZoneInfo(zone))


def rows(header: str, *lines: str) -> OutcomeTable:
    return table("\n".join((header, *lines)) + "\n")


def kept(found: OutcomeTable) -> list[Outcome]:
    assert not found.faults, found.faults
    return list(found.outcomes)


HEAD = "site,phenomenon,day,degree"


# -- the day


@pytest.mark.parametrize(("cell", "day"), [
    ("2026-11-21 02:30", 20),  # after midnight: the night that began on the 20th
    ("2026-11-21T02:30:00", 20), ("２０２６-11-21 ０２：３０", 20), ("2026年11月21日 2时30分", 20),
    ("20261121 0230", 20), ("2026-11-21 22:30", 21), ("2026-11-20 half past two", None),
    ("2026-11-20T18:30Z", 20),  # 02:30 of the 21st by the clock of the site
    ("2026-11-20 18:30 +00:00", 20), ("2026-11-21 02:30 UTC+8", 20),
    ("2026-11-21", 21),
])  # fmt: skip
def test_a_night_belongs_to_the_day_on_which_it_began(cell: str, day: int | None) -> None:
    found = rows(HEAD, f"lingshan,starry_sky,{cell},1")

    if day is None:
        assert "write 2026-11-22" in found.faults[0].reason
    else:
        assert [o.day for o in kept(found)] == [date(2026, 11, day)]


def test_a_glow_and_snow_belong_to_the_day_of_their_time() -> None:
    found = rows(
        HEAD,
        "lingshan,sunset_glow,2026-11-21 17:05,1",
        "lingshan,sunrise_glow,2026-11-21 07:05,1",
        "jiangshuihe,snowfall,2026-11-21 02:30,1",
        "baihuashan,rime,2026-11-21 00:00:00,1",  # a spreadsheet's day
    )

    assert [o.day.day for o in kept(found)] == [21, 21, 21, 21]


@pytest.mark.parametrize(("row", "reason"), [
    ("lingshan,starry_sky,2026-11-21 14:00,1", "14:00 is not at night: the sun sets at 16:5"),
    ("lingshan,starry_sky,2026-11-21 00:00:00,1", "a day without a time, or the midnight"),
    ("lingshan,starry_sky,2026-11-21 25:00,1", "not a time of day"),
    ("lingshan,starry_sky,2026-11-21 about ten,1", "not a day"),
    ("lingshan,sunset_glow,2026-11-21 02:30,1", "which sunset_glow is meant"),
    ("lingshan,sunrise_glow,2026-11-21 19:30,1", "which sunrise_glow is meant"),
    ("lingshan,starry_sky,2026-11-26 12:30Z,1", "lies in the future"),
])  # fmt: skip
def test_a_time_that_no_event_contains_is_refused(row: str, reason: str) -> None:
    found = rows(HEAD, row)

    assert not found.outcomes
    assert reason in found.faults[0].reason


def test_a_time_in_a_column_of_its_own_is_asked_about_at_night() -> None:
    header = "site,phenomenon,日期,时间,degree"

    early = rows(header, "lingshan,starry_sky,2026-11-21,02:30,1")
    late = rows(header, "lingshan,starry_sky,2026-11-21,22:30,1")
    night = rows("site,phenomenon,night,time,degree", "lingshan,starry_sky,2026-11-21,02:30,1")

    assert "began on 2026-11-20 or on 2026-11-21?" in early.faults[0].reason
    assert [o.day.day for o in (*kept(late), *kept(night))] == [21, 21]


def test_a_heading_that_can_be_read_in_two_ways_is_asked_about() -> None:
    sent = rows("site,phenomenon,timestamp,degree", "lingshan,starry_sky,2026-11-21 02:30,1")
    two = rows("site,phenomenon,day,night,degree", "lingshan,starry_sky,2026-11-21,2026-11-20,1")
    zone = rows("site,phenomenon,day (EST),degree", "lingshan,starry_sky,2026-11-21 02:30,1")
    unknown = rows(
        "site,phenomenon,day,opening hour,degree",
        "lingshan,starry_sky,2026-11-21,02:30,1",
        "lingshan,sunset_glow,2026-11-21,02:30,1",
    )

    assert "of the event or of the report?" in sent.faults[0].reason
    assert "which one counts?" in two.faults[0].reason
    assert "EST is North America (UTC-5) or eastern Australia (UTC+10)" in zone.faults[0].reason
    assert "write UTC, UTC+8 or Asia/Shanghai" in zone.faults[0].reason
    assert [o.phenomenon for o in unknown.outcomes] == ["sunset_glow"]
    assert "which night is meant" in unknown.faults[-1].reason


@pytest.mark.parametrize(
    "heading", ["开始", "何时", "when", "start", "观测", "at", "local", "备注"]
)
@pytest.mark.parametrize(
    "cell", ["02:30", "2:30", "０２：３０", "0230", "2点半", "凌晨2点", "2:30 am", "21h30",
             "02:30-04:00", "2026-11-21 02:30", "2026-11-21T02:30:00"]
)  # fmt: skip
def test_a_time_in_a_column_that_is_not_known_is_asked_about_at_night(
    heading: str, cell: str
) -> None:
    """Whether 02:30 of the 21st is the night of the 20th or of the 21st cannot be known."""
    found = rows(
        f"site,phenomenon,day,{heading},degree",
        f"lingshan,starry_sky,2026-11-21,{cell},1",
        f"lingshan,sunset_glow,2026-11-21,{cell},1",
    )

    assert [o.phenomenon for o in found.outcomes] == ["sunset_glow"]
    assert "which night is meant" in found.faults[-1].reason


@pytest.mark.parametrize(
    ("heading", "cell"),
    [("编号", "0230"), ("id", "0012"), ("镜头", "16 mm"), ("气温", "12.50"), ("人数", "2303"),
     ("备注", "clear from 02:30 on"), ("曝光", "30 s"), ("when", "")],
)  # fmt: skip
def test_a_cell_that_is_no_time_costs_nothing(heading: str, cell: str) -> None:
    found = rows(
        f"site,phenomenon,day,{heading},degree", f"lingshan,starry_sky,2026-11-21,{cell},1"
    )

    assert [o.day.day for o in found.outcomes] == [21]


@pytest.mark.parametrize(
    ("header", "day"),
    [("site,phenomenon,night,start,degree", "2026-11-21"),
     ("site,phenomenon,day,start,degree", "2026-11-22 01:30")],
)  # fmt: skip
def test_a_second_time_is_not_asked_about_where_the_night_is_known(header: str, day: str) -> None:
    found = rows(header, f"lingshan,starry_sky,{day},02:30,1")

    assert [o.day.day for o in found.outcomes] == [21]


def test_a_zone_in_a_comment_of_a_table_counts() -> None:
    utc = "# 时间：世界时\nsite,phenomenon,day,degree"
    found = rows(utc, "lingshan,starry_sky,2026-11-20 18:30,1")
    own = rows("# times are UTC+8\nsite,phenomenon,day,degree", "lingshan,rime,2026-11-20,1")
    odd = rows("# time zone: Mars\nsite,phenomenon,day,degree", "lingshan,rime,2026-11-20,1")

    assert [o.day.day for o in (*kept(found), *kept(own))] == [20, 20]
    assert (odd.outcomes, "not understood" in odd.faults[0].reason) == ((), True)


def test_a_reporter_is_one_however_the_name_is_spelt() -> None:
    header = "site,phenomenon,day,degree,reporter"
    names = ("Li", "li", " Ｌi ", "LI")
    found = rows(header, *(f"lingshan,sunset_glow,2026-11-20,full,{name}" for name in names))

    assert (len(found.outcomes), found.repeated) == (1, 3)


def test_a_reporter_of_two_spellings_has_one_vote_with_the_last_report() -> None:
    seen = Outcome("sunset_glow", "lingshan", date(2026, 11, 20), 1.0, "observer", reporter="Li")
    reports = [
        OutcomeReport(replace(seen, reporter=name, degree=degree), MORNING + timedelta(hours=hour))
        for hour, (name, degree) in enumerate(
            [("Li", 1.0), ("li", 1.0), ("LI", 0.0), ("Wang", 0.0)]
        )
    ]

    decided = resolve(reversed(reports))

    assert decided is not None
    assert (decided.outcome.degree, decided.reports, decided.agreed) == (0.0, 2, True)
    nameless = resolve([OutcomeReport(replace(seen, reporter=""), MORNING)] * 2)
    assert nameless is not None
    assert nameless.reports == 2


def test_a_zone_in_a_heading_counts() -> None:
    header = "site,phenomenon,时间（UTC）,degree"
    found = rows(header, "lingshan,starry_sky,2026-11-20 18:30,1")
    local = rows("site,phenomenon,day (UTC+8),degree", "lingshan,starry_sky,2026-11-21 02:30,1")
    day = rows(header, "lingshan,sunset_glow,2026-11-20,1")

    assert [o.day.day for o in (*kept(found), *kept(local))] == [20, 20]
    assert "which local day is meant?" in day.faults[0].reason


@pytest.mark.parametrize(
    "heading",
    ["UTC时间", "timeUTC", "time/GMT", "时间(格林威治时间)", "日期 (零时区)", "day (Z)", "day_utc",
     "观测时间（世界协调时）"],
)  # fmt: skip
def test_the_zones_of_headings_are_those_of_station_tables(heading: str) -> None:
    # 18:30 UTC of the 20th is 02:30 of the 21st in Beijing: the night of the 20th
    found = rows(f"site,phenomenon,{heading},degree", "lingshan,starry_sky,2026-11-20 18:30,1")

    assert [o.day.day for o in kept(found)] == [20]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("2026-11-21 02:30 CST", "CST is China (UTC+8)"), ("2026-11-21 02:30 PM", "of 24 hours"),
     ("2026-11-21 02:30 Mars", "zone is not understood")],
)  # fmt: skip
def test_what_stands_behind_a_time_and_is_no_zone_is_refused(cell: str, reason: str) -> None:
    found = rows(HEAD, f"lingshan,starry_sky,{cell},1")

    assert not found.outcomes
    assert reason in found.faults[0].reason


@pytest.mark.parametrize(
    "cell", ["2026-11-21 02:30 北京时", "2026-11-21 02:30 (UTC+8)", "2026-11-21 02:30 BJT",
             "2026-11-20 18:30 世界时", "2026-11-21 02:30 Asia/Shanghai"]
)  # fmt: skip
def test_the_zone_of_a_cell_counts_before_that_of_its_heading(cell: str) -> None:
    found = rows("site,phenomenon,day (UTC+3),degree", f"lingshan,starry_sky,{cell},1")

    assert [o.day.day for o in kept(found)] == [20]


def test_two_zones_in_the_headings_of_one_table_are_refused() -> None:
    found = rows("site,phenomenon,day (UTC),time (UTC+8),degree", "lingshan,rime,2026-11-20,,1")

    assert found.unreadable
    assert "names another zone; write one" in found.faults[0].reason


def test_a_night_a_sunset_that_does_not_exist_is_refused() -> None:
    found = table(
        HEAD + "\narctic,starry_sky,2026-06-20,1\narctic,sunset_glow,2026-06-20,1\n"
        "arctic,starry_sky,2026-02-20,1\n",
        (ARCTIC,),
        "Europe/Oslo",
    )

    assert [o.day for o in found.outcomes] == [date(2026, 2, 20)]
    assert "does not get dark at arctic" in found.faults[0].reason
    assert "the sun does not set at arctic" in found.faults[1].reason


# -- degrees and numbers


@pytest.mark.parametrize(("cell", "degree"), [
    ("50%", 0.5), ("50 %", 0.5), ("50.0%", 0.5), ("５０％", 0.5), ("0.50", 0.5), ("０．５", 0.5),
    ("100%", 1.0), ("1.00", 1.0), ("１", 1.0), ("0%", 0.0), ("0.000", 0.0), ("Partial", 0.5),
])  # fmt: skip
def test_a_degree_is_understood_however_it_is_spelt(cell: str, degree: float) -> None:
    found = rows(HEAD, f"lingshan,sunset_glow,2026-11-21,{cell}")

    assert [o.degree for o in kept(found)] == [degree]


def test_full_width_digits_and_centimetres_are_understood() -> None:
    found = rows(
        "site,phenomenon,day,amount_cm", "jiangshuihe,snow_cover,２０２６-１１-２１,１２．５",
        "jiangshuihe,snowfall,2026-11-21,3 cm", "jiangshuihe,snow_cover,2026-11-20,3厘米",
    )  # fmt: skip

    assert [o.amount for o in kept(found)] == [0.125, 0.03, 0.03]


FULL = "site,phenomenon,day,degree,amount_cm,vividness"


@pytest.mark.parametrize(("row", "reason"), [
    ("jiangshuihe,snowfall,2026-11-21,none,5,", "degree and amount_cm contradict"),
    ("jiangshuihe,snowfall,2026-11-21,full,0,", "degree and amount_cm contradict"),
    ("jiangshuihe,snowfall,2026-11-21,full,0.3,", "full at 1 cm"),
    ("jiangshuihe,snowfall,2026-11-21,full,201,", "is not a number from 0 to 200"),
    ("jiangshuihe,rime,2026-11-21,0,1,", "degree and amount_cm contradict"),
    ("jiangshuihe,rime,2026-11-21,1,0,", "degree and amount_cm contradict"),
    ("lingshan,sunset_glow,2026-11-21,none,,1.5", "degree and vividness contradict"),
    ("lingshan,sunset_glow,2026-11-21,70%,,", "none of the three degrees"),
    ("jiangshuihe,snowfall,2026-11-21,1,5mm,", "is not a number"),
    ("jinding,starry_sky,2026-11-21,1,,", "starry_sky is not forecast for jinding; there it is"),
    ("lingsham,starry_sky,2026-11-21,1,,", "known: lingshan (灵山)"),
])  # fmt: skip
def test_what_contradicts_itself_or_is_not_forecast_is_refused(row: str, reason: str) -> None:
    found = rows(FULL, row)

    assert (found.outcomes, found.refused) == ((), 1)
    assert reason in found.faults[0].reason


def test_a_vividness_of_zero_beside_none_is_none() -> None:
    [one] = kept(rows(FULL, "lingshan,sunset_glow,2026-11-21,none,,0"))

    assert (one.degree, one.vividness != one.vividness) == (0.0, True)


def test_a_site_goes_by_its_id_its_names_and_its_brand() -> None:
    found = rows(
        HEAD, "灵山,starry_sky,2026-11-19,1", "灵山晚霞,starry_sky,2026-11-20,1",
        "LINGSHAN,starry_sky,2026-11-21,1",
    )  # fmt: skip

    assert {o.site for o in kept(found)} == {"lingshan"}
