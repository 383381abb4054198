"""Where does a report end without its `=`, and what of it is kept around an odd group?

Authority: WMO-No. 306 (2019), vol. I.1, FM 12 and FM 15: order and form of the groups.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.domain import Name, Station
from forecast.observations.formats import ParseContext, Parsed, metar_format, synop
from forecast.observations.formats.synop_bounds import divided, lost_groups

CONTEXT = ParseContext(received=datetime(2026, 11, 22, 12, 40, tzinfo=UTC))
FIRST = "54511 11470 83120 11034 21062 30120 40289 53010 80030"
SECOND = "54406 11450 20805 11125 21180 39630 40312 333 4/012"


def synops(text: str) -> Parsed:
    return synop.parse(f"AAXX 22121\n{text}".encode(), "s", CONTEXT)


def metars(text: str) -> Parsed:
    return metar_format.parse(text.encode(), "m", CONTEXT)


@pytest.mark.parametrize("between", ["\n", " ", "\r\r\n"])
@pytest.mark.parametrize("length", range(3, 10))
def test_a_synop_cut_anywhere_before_a_missing_equals_sign_gives_nothing_to_the_next(
    length: int, between: str
) -> None:
    """The first report loses its end and its `=`; both stations keep what is theirs."""
    cut = " ".join(FIRST.split()[:length])
    alone = {o.station: o.values for o in synops(f"{cut}=\n{SECOND}=").observations}

    joined = {o.station: o.values for o in synops(f"{cut}{between}{SECOND}=").observations}

    assert joined == alone
    assert list(joined) == ["54511", "54406"]


def test_the_fault_of_a_missing_equals_sign_names_both_stations() -> None:
    (fault,) = synops(f"{FIRST}\n{SECOND}=").faults

    assert (fault.line, "54511" in fault.reason, "54406" in fault.reason) == (2, True, True)


def test_without_equals_sign_and_station_number_nobody_gets_the_values() -> None:
    parsed = synops("54511 11470 83120 11034 21062 5440 11450 20805 11125 21180=")

    (report,) = parsed.observations
    assert report.values["air_temperature"] == pytest.approx(269.75)
    assert report.values["dew_point_temperature"] == pytest.approx(266.95)
    assert any("another station's" in fault.reason for fault in parsed.faults)


def test_radiation_in_section_3_is_no_snow_and_no_new_report() -> None:
    parsed = synops("54511 11470 83120 11034 21062 333 41003 55508 04567 10000 43210 60055 81828=")

    assert not parsed.faults
    assert parsed.observations[0].values["snow_depth"] == pytest.approx(0.03)


def test_a_missing_report_after_a_missing_equals_sign_is_missing() -> None:
    parsed = synops(f"{FIRST} 54406 NIL=54401 11460 20805 11155=")

    assert [report.station for report in parsed.observations] == ["54511", "54401"]


KNOWN = Station("54406", Name("", ""), 40.5, 116.0, 500.0)
UNORDERED = [
    "333 10012 555 60012",
    "22200 00123",
    "333 55508 04567",
    "444 48501",
    "333 80000 10123",
]


@pytest.mark.parametrize("between", ["\n", " ", "\r\r\n"])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("section", UNORDERED)
def test_a_report_after_a_section_in_no_order_is_kept_where_a_line_or_a_known_station_begins_it(
    section: str, known: bool, between: str
) -> None:
    """On one line, a station that nobody knows cannot be told from groups of the section."""
    first = f"54511 31598 23402 11021 21083 40230 {section}"
    second = "54406 31797 30502 11055 21101"
    context = replace(CONTEXT, stations={"54406": KNOWN}) if known else CONTEXT
    alone = {o.station: o.values for o in synops(f"{first}=\n{second}=").observations}

    parsed = synop.parse(f"AAXX 22121\n{first}{between}{second}=".encode(), "s", context)

    found = {o.station: o.values for o in parsed.observations}
    if between == " " and not known and "444" not in section:
        assert found == {"54511": alone["54511"]}
    else:
        assert found == alone
        (fault,) = parsed.faults
        assert ("54511" in fault.reason, "54406" in fault.reason) == (True, True)


@pytest.mark.parametrize("between", ["\n", " ", "\r\r\n"])
def test_reports_of_three_groups_without_equals_signs_invent_no_station(between: str) -> None:
    reports = ["54406 32997 02703", "54416 32997 03601 10042 21011"]
    alone = {o.station: o.values for o in synops("=\n".join(reports) + "=").observations}

    parsed = synops(between.join(reports) + "=")

    assert list(alone) == ["54406", "54416"]
    assert {o.station: o.values for o in parsed.observations} == alone
    (fault,) = parsed.faults
    assert ("54406" in fault.reason, "54416" in fault.reason) == (True, True)


def test_reports_of_three_groups_on_lines_of_their_own_are_each_a_station() -> None:
    parsed = synops("54406 32997 02703\n54416 32997 03601\n50511 32997 03602 10042 21011=")

    assert [report.station for report in parsed.observations] == ["54406", "54416", "50511"]


def test_lines_that_wrap_within_a_national_section_begin_no_report() -> None:
    parsed = synops("54511 31598 23402 11021 333 10012 555 60012\n54012 61234 11021\n20211 30102=")

    assert [report.station for report in parsed.observations] == ["54511"]
    assert not parsed.faults


def test_a_year_of_real_synops_is_never_cut(shared: Path) -> None:
    lines = (
        gzip.decompress((shared / "obs" / "isd_014160-99999-2016.gz").read_bytes())
        .decode()
        .splitlines()
    )
    texts = [line[line.index("REMSYN") + 9 :].split("=")[0].split() for line in lines]
    whole = [words for words in texts if words[:1] == ["01416"]]

    assert len(whole) > 3000
    assert [words for words in whole if len(divided(words)) > 1] == []
    lines_anywhere = [words for words in whole if len(divided(words, range(len(words)))) > 1]
    assert lines_anywhere == []
    assert [words for words in whole if len(divided(words, known={"01416"})) > 1] == []
    assert [words for words in whole if lost_groups(words)[0]] == []


@pytest.mark.parametrize("word", ["11034", "54511", "55555"])
def test_of_thousands_of_words_without_equals_sign_the_rest_is_refused_and_named(word: str) -> None:
    """How many words are compared with each other grows with their number, not with its square."""
    read = 0

    class Counted(list[str]):
        def __getitem__(self, place):  # type: ignore[no-untyped-def]
            nonlocal read
            found = super().__getitem__(place)
            read += len(found) if isinstance(place, slice) else 1
            return found

    words = Counted([*FIRST.split()[:3], *["54406", "11450", "20805"] * 300, *[word] * 19_000])
    divided(words)
    parsed = synops(f"{FIRST} {chr(10).join([word] * 20_000)}=\n{SECOND}=")

    assert read < 100 * len(words)
    assert [report.station for report in parsed.observations] == ["54406"]
    assert any("expected 3 to 200: the report is rejected" in f.reason for f in parsed.faults)


def test_a_bulletin_of_many_reports_without_equals_signs_is_read_to_its_end() -> None:
    """1,000 words: only the words of one report are limited."""
    many = [f"54{n:03d} 11470 83120 11034 21062 30120 40289 53010" for n in range(1, 126)]

    parsed = synops("\n".join(many) + "=")

    assert [report.station for report in parsed.observations] == [text[:5] for text in many]


FOG = "ZBAA 221200Z 02003MPS 0300 FG VV001 M02/M02 Q1030"
NEXT = "ZBTJ 221200Z 34005MPS 9999 SKC 05/04 Q1011"


@pytest.mark.parametrize("between", [" ", "\n", "\nMETAR ", " SPECI "])
@pytest.mark.parametrize("length", range(3, 9))
def test_a_metar_without_its_equals_sign_gives_nothing_to_the_next(
    length: int, between: str
) -> None:
    cut = " ".join(FOG.split()[:length])
    alone = {o.station: o.values for o in metars(f"METAR {cut}=\n{NEXT}=").observations}

    parsed = metars(f"METAR {cut}{between}{NEXT}=")

    assert {o.station: o.values for o in parsed.observations} == alone
    assert any("ZBAA" in f.reason and "ZBTJ" in f.reason for f in parsed.faults)


def test_a_metar_whose_next_report_lost_its_time_keeps_its_own_values() -> None:
    cut = "METAR ZBAA 221200Z 02003MPS 0300 FG VV001"
    parsed = metars(f"{cut} ZBTJ 2212Z 34005MPS 9999 SKC 05/04 Q1011=")

    (report,) = parsed.observations
    assert report.values["visibility_in_air"] == 300.0
    assert not {"air_temperature", "air_pressure_at_mean_sea_level"} & report.values.keys()


@pytest.mark.parametrize(
    ("report", "absent"),
    [
        ("ZBAA 221200Z 02003MPS //// FG VV001 M02/M02 Q1030", "visibility_in_air"),
        ("ZBAA 221200Z 02003MPS ////NDV FG VV001 M02/M02 Q1030", "visibility_in_air"),
        ("ZBAA 221200Z 02003MPS FG VV001 M02/M02 Q1030", "visibility_in_air"),
        ("ZBAA 221200Z 02003 0300 FG VV001 M02/M02 Q1030", "wind_speed"),
        ("ZBAA 221200Z /////MPS 0300 FG VV001 M02/M02 Q1030", "wind_speed"),
        ("ZBAA 221200Z 36103MPS 0300 FG VV001 M02/M02 Q1030", "wind_speed"),
        ("ZBAA 221200Z 0300 FG VV001 M02/M02 Q1030", "wind_speed"),
        ("ZBAA 221200Z 02003MPS 0300 FG VV001 ///// Q1030", "air_temperature"),
        ("ZBAA 221200Z 02003MPS 0300 FG VV001 M02/M02 Q////", "air_pressure_at_mean_sea_level"),
        ("ZBAA 221200Z 02003MPS 0300 FG VV001 M02/M02 1030", "air_pressure_at_mean_sea_level"),
        ("ZBAA 221200Z 02003MPS 0300 FG ////// M02/M02 Q1030", "cloud_area_fraction"),
        ("ZBAA 221200Z 02003MPS 0300 FG VV/// M02/M02 Q1030", "cloud_base_height"),
        ("ZBAA 221200Z VRB03MPS 0300 FG VV001 M02/M02 Q1030", "wind_from_direction"),
    ],
)
def test_what_a_metar_does_not_give_is_missing_and_everything_else_is_kept(
    report: str, absent: str
) -> None:
    whole = dict(metars(f"METAR {FOG}=").observations[0].values)
    gone = {absent}
    if absent == "wind_speed":
        gone |= {"wind_from_direction"}
    if absent == "air_temperature":
        gone |= {"dew_point_temperature"}
    if absent == "cloud_area_fraction":
        gone |= {"low_cloud_area_fraction", "cloud_base_height"}
    if absent == "cloud_base_height":
        gone |= {"low_cloud_area_fraction"}

    (found,) = metars(f"METAR {report}=").observations

    assert found.values == {name: value for name, value in whole.items() if name not in gone}


@pytest.mark.parametrize(
    "report",
    [
        "ZBAA 221200Z FG 0300 02003MPS VV001 Q1030 M02/M02",
        "ZBAA 221200Z 02003MPS XXYY 0300 FG VV001 M02/M02 Q1030",
        "ZBAA 221200Z 02003MPS 400V010 0300 FG VV001 M02/M02 Q1030",
        "ZBAA 221200Z 02003MPS 0300 R36//// R01/0400VP1500U FGG FG VV001 M02/M02 Q1030",
    ],
)
def test_an_odd_or_misplaced_group_costs_itself_only_and_is_named(report: str) -> None:
    parsed = metars(f"METAR {report}=")

    assert parsed.observations[0].values == metars(f"METAR {FOG}=").observations[0].values
    assert parsed.faults
    assert all("ZBAA" in fault.reason for fault in parsed.faults)


def test_a_trend_is_no_observation() -> None:
    parsed = metars("METAR ZBAA 221200Z 02003MPS 9999 NSC 02/01 Q1013 TEMPO 0300 FG VV001=")

    assert parsed.observations[0].values["visibility_in_air"] == 10_000.0
    assert "present_weather" not in parsed.observations[0].values


# -- messages that are no observation, groups that are lost


OTHERS = [
    "TAF ZBTJ 221130Z 2212/2318 35010MPS 9999 NSC",
    "TAF AMD ZBTJ 221130Z 2212/2318 35010MPS 9999 NSC BECMG 2214/2216 0300 FG",
    "ZBTJ 221130Z 2212/2318 35010MPS 9999 NSC",
    "ZBPE SIGMET 3 VALID 221200/221600 ZBAA- ZBPE BEIJING FIR SEV TURB OBS FL300",
    "AIRMET 1 VALID 221200/221600 ZBAA- BEIJING FIR SFC VIS 0800M FG OBS",
]


@pytest.mark.parametrize("between", ["\n", " ", "=\n"])
@pytest.mark.parametrize("other", OTHERS)
def test_a_forecast_or_a_warning_behind_a_metar_bounds_it_and_is_no_observation(
    other: str, between: str
) -> None:
    (alone,) = metars(f"METAR {FOG}=").observations

    parsed = metars(f"METAR {FOG}{between}{other}=\nMETAR {NEXT}=")

    found = {report.station: report for report in parsed.observations}
    assert list(found) == ["ZBAA", "ZBTJ"]
    assert found["ZBAA"] == alone
    assert found["ZBTJ"].time == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert any("forecast or a warning" in fault.reason for fault in parsed.faults)


def test_a_trend_named_as_such_is_no_observation_either() -> None:
    (found,) = metars(f"METAR {FOG} TREND BECMG 9999 NSW=").observations

    assert found == metars(f"METAR {FOG}=").observations[0]


@pytest.mark.parametrize("wind", ["020035MPS", "02003G050MPS", "0200G05MPS", "02003"])
def test_a_wind_of_too_many_or_too_few_digits_is_set_aside(wind: str) -> None:
    """FM 15: dddff, with three digits of speed only from 100 on."""
    parsed = metars(f"METAR {FOG.replace('02003MPS', wind)}=")

    assert not {"wind_speed", "wind_speed_of_gust"} & parsed.observations[0].values.keys()
    assert any(wind in fault.reason for fault in parsed.faults)


def test_a_wind_of_a_hundred_knots_has_three_digits() -> None:
    (found,) = metars(f"METAR {FOG.replace('02003MPS', '020105G130KT')}=").observations

    assert found.values["wind_speed"] == pytest.approx(105 * 1852 / 3600, abs=0.05)


@pytest.mark.parametrize("time", ["221200", "221000", "2210Z"])
def test_a_metar_keeps_nothing_of_the_next_one_whose_time_is_not_whole(time: str) -> None:
    cut = FOG.replace(" 0300 FG VV001", " 9999 NSC")

    parsed = metars(f"METAR {cut} ZBTJ {time} 0300 FG OVC001=")

    assert parsed.observations == metars(f"METAR {cut}=").observations
    assert parsed.faults


@pytest.mark.parametrize("sun", ["80000 40123 60055", "80000 48123 85702 91025 55305"])
def test_behind_80000_stand_national_groups_which_are_not_read(sun: str) -> None:
    """FM 12, section 3: (80000 0.... 1.... ...), groups for national use."""
    alone = synops("54511 11970 83120 11034 21062 30120 40289=").observations

    assert synops(f"54511 11970 83120 11034 21062 30120 40289 333 {sun}=").observations == alone


@pytest.mark.parametrize("between", ["\n", " ", "=\n"])
@pytest.mark.parametrize("groups", ["20805 11125 21180 39630", "20805 11125"])
def test_a_report_that_lost_its_first_group_keeps_its_station_and_what_names_itself(
    groups: str, between: str
) -> None:
    """Code table 1860: ix is 1 to 7, so 20805 is no iRixhVV; 11125 is no wind."""
    first = "54511 11470 83120 11034 21062 30120"
    (alone,) = synops(f"{first}=").observations

    parsed = synops(f"{first}{between}54406 {groups}=")

    found = {report.station: report.values for report in parsed.observations}
    assert list(found) == ["54511", "54406"]
    assert found["54511"] == alone.values
    assert found["54406"]["air_temperature"] == pytest.approx(273.15 - 12.5)
    assert not {"wind_speed", "visibility_in_air", "cloud_area_fraction"} & found["54406"].keys()
    assert any("54406: iRixhVV is lost" in fault.reason for fault in parsed.faults)


@pytest.mark.parametrize(
    ("groups", "kept"),
    [
        ("11450 11125 21180 39630 40312", {"dew_point_temperature", "air_pressure"}),
        ("11125 21180 39630 40312", {"air_pressure"}),
    ],
)
def test_a_temperature_in_the_place_of_the_wind_is_no_wind(groups: str, kept: set[str]) -> None:
    (found,) = (parsed := synops(f"54406 {groups}=")).observations

    assert kept <= found.values.keys()
    assert not {"wind_speed", "cloud_area_fraction"} & found.values.keys()
    assert any("54406" in fault.reason and "lost" in fault.reason for fault in parsed.faults)


def test_a_second_group_behind_an_unknown_station_is_no_station() -> None:
    """58362 is of another block and opens no line: whose 20805 11125 21180 are is not known."""
    first = "54511 11470 83120 11034 21062 30120"

    parsed = synops(f"{first} 58362 20805 11125 21180 39630=")

    assert parsed.observations == synops(f"{first}=").observations
    assert any("another station's" in fault.reason for fault in parsed.faults)
