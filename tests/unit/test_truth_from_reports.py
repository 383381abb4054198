"""Is what was really seen read row by row, kept once, and weighed by trust?"""

from __future__ import annotations

import itertools
import math
import string
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.archive.outcomes import Outcomes
from forecast.config import Config, read_config
from forecast.domain import Outcome
from forecast.errors import FileUnreadable
from forecast.learning.outcome_import import import_file
from forecast.learning.truth_from_reports import LIMITS, parse
from forecast.phenomena.snow import DEGREES
from forecast.verification import OutcomeReport, resolve

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TODAY = date(2026, 11, 22)
DAY = date(2026, 11, 20)
SITES = read_config().all_sites()


def outcome_of(
    degree: float, source: str = "observer", reporter: str = "", **more: object
) -> Outcome:
    return Outcome("sea_of_clouds", "jinding", DAY, degree, source, reporter=reporter, **more)  # type: ignore[arg-type]


def report(outcome: Outcome, hours: float = 0) -> OutcomeReport:
    return OutcomeReport(outcome, NOW + timedelta(hours=hours))


def read(text: str | bytes) -> list[Outcome]:
    return list(
        parse(text if isinstance(text, bytes) else text.encode(), "seen.csv", SITES, TODAY).outcomes
    )


def refused(text: str) -> list[tuple[int, str]]:
    return [
        (fault.line, fault.reason)
        for fault in parse(text.encode(), "seen.csv", SITES, TODAY).faults
    ]


def test_a_table_gives_outcomes() -> None:
    rows = read(
        "site,phenomenon,day,degree,state,vividness,amount_cm,source,reporter,detail\n"
        "jinding,sea_of_clouds,2026-11-20,full,sea,,,observer,Li,from the temple\n"
        "lingshan,sunset_glow,2026/11/20,.5,,1.5,,camera,north,\n"
        "jiangshuihe,snow_cover,20261120,,,,5,station,54511,\n"
        "jinding,sea_of_clouds,2026-11-21,,in_cloud,,,,,\n"
    )

    assert [(o.site, o.phenomenon, o.degree, o.state, o.source, o.reporter) for o in rows] == [
        ("jinding", "sea_of_clouds", 1.0, "sea", "observer", "Li"),
        ("lingshan", "sunset_glow", 0.5, "", "camera", "north"),
        ("jiangshuihe", "snow_cover", 1.0 if DEGREES["snow_depth"][1] <= 0.05 else 0.5, "",
         "station", "54511"),
        ("jinding", "sea_of_clouds", 0.0, "in_cloud", "observer", "seen"),
    ]  # fmt: skip
    assert (rows[1].vividness, rows[2].amount, rows[0].detail) == (1.5, 0.05, "from the temple")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_chinese_table_is_read_as_it_comes_out_of_a_spreadsheet(encoding: str) -> None:
    rows = read(
        "地点;现象;日期;程度;来源;报告人\r\n金顶云海;云海;2026年11月20日;部分;摄像头;北机位\r\n".encode(
            encoding
        )
    )

    assert [(o.site, o.phenomenon, o.day, o.degree, o.source, o.reporter) for o in rows] == [
        ("jinding", "sea_of_clouds", DAY, 0.5, "camera", "北机位")
    ]


def test_a_unit_in_brackets_belongs_to_the_column() -> None:
    rows = read("地点,现象,日期,积雪深度（cm）\njiangshuihe,积雪,2026-11-20,12\n")

    assert [(o.phenomenon, o.amount, o.degree) for o in rows] == [("snow_cover", 0.12, 1.0)]


@pytest.mark.parametrize(("row", "reason"), [
    ("nowhere,starry_sky,2026-11-20,1,,,,,,", "not a viewpoint"),
    ("jinding,unicorn,2026-11-20,1,,,,,,", "phenomenon"),
    ("baihuashan,rime,2026-02-30,1,,,,,,", "not a day"),
    ("baihuashan,rime,2026-11-23,1,,,,,,", "future"),
    ("baihuashan,rime,2026-11-20,0.7,,,,,,", "degree"),
    ("baihuashan,rime,2026-11-20,,,,,,,", "no outcome"),
    ("baihuashan,rime,2026-11-20,1,sea,,,,,", "only a sea"),
    ("jinding,sea_of_clouds,2026-11-20,1,open,,,,,", "contradict"),
    ("baihuashan,rime,2026-11-20,1,,1,,,,", "only a glow"),
    ("jinding,sunset_glow,2026-11-20,1,,2.5,,,,", "0 to 2"),
    ("jinding,sunset_glow,2026-11-20,1,,,3,,,", "are measured"),
    ("jiangshuihe,snowfall,2026-11-20,,,,-3,,,", "amount_cm"),
    ("jiangshuihe,snowfall,2026-11-20,,,,1e3,,,", "amount_cm"),
    ("jiangshuihe,snowfall,2026-11-20,,,,٣,,,", "amount_cm"),
    ("baihuashan,rime,2026-11-20,1,,,,rumour,,", "source"),
    ("baihuashan,rime,2026-11-20,1,,,,,=cmd|' /C calc'!A0,", "formula"),
    ("baihuashan,rime,2026-11-20,1,,,,,,＝HYPERLINK(1)", "formula"),
    ("baihuashan,rime,2026-11-20,1,,,,,,a\u202eb", "invisible"),
    ("baihuashan,rime,2026-11-20,1,,,,,,a\x07b", "control"),
    ("baihuashan,rime,2026-11-20,1,,,,,," + "x" * 400, "at most 300"),
    ("baihuashan,rime,2026-11-20", "cells"),
    ('baihuashan,rime,2026-11-20,1,,,,,,"open', "quotation"),
])  # fmt: skip
def test_a_bad_row_is_refused_with_its_line_and_the_reason(row: str, reason: str) -> None:
    header = "site,phenomenon,day,degree,state,vividness,amount_cm,source,reporter,detail"
    good = "baihuashan,rime,2026-11-19,1,,,,,,"

    result = refused(f"{header}\n{row}\n{good}\n")

    assert len(result) == 1
    assert result[0][0] == 2
    assert reason in result[0][1]
    assert result[0][1][0].isalpha()  # no formula
    assert not any(character in result[0][1] for character in "<|\u202e\x07")
    assert [o.day for o in read(f"{header}\n{row}\n{good}\n")] == [date(2026, 11, 19)]


def test_a_file_counts_once_and_its_faults_are_kept(
    archive: Archive, config: Config, tmp_path: Path
) -> None:
    path = tmp_path / "seen.csv"
    path.write_text(
        "site,phenomenon,day,degree\nbaihuashan,rime,2026-11-20,1\nbaihuashan,rime,tomorrow,1\n",
        encoding="utf-8",
    )

    first = import_file(path, archive, config, NOW)
    again = import_file(path, archive, config, NOW + timedelta(hours=1))

    assert (first.known, first.kept, len(first.faults), again.known) == (False, 1, 1, True)
    assert [reports[0].received for reports in Outcomes(archive).reports().values()] == [NOW]
    assert [(fault.where, fault.line) for _, fault in Observations(archive).faults()] == [
        ("seen.csv", 3)
    ]


def test_a_missing_file_says_what_to_give(archive: Archive, config: Config, tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="give a CSV file"):
        import_file(tmp_path / "nothing.csv", archive, config, NOW)


def test_two_files_without_reporters_do_not_replace_each_other(
    archive: Archive, config: Config, tmp_path: Path
) -> None:
    for name, degree in (("Li.csv", 1), ("=Wang\u202e" + "x" * 70 + ".csv", 0)):
        (tmp_path / name).write_text(
            f"site,phenomenon,day,degree,reporter\nbaihuashan,rime,2026-11-20,{degree},\n",
            encoding="utf-8",
        )
        assert import_file(tmp_path / name, archive, config, NOW).kept == 1

    [reports] = Outcomes(archive).reports().values()

    assert sorted(r.outcome.degree for r in reports) == [0.0, 1.0]
    assert [
        name for name in ("Li", "Wang") if any(name in r.outcome.reporter for r in reports)
    ] == ["Li", "Wang"]
    assert not any(character in r.outcome.reporter for r in reports for character in "=\u202e")
    assert max(len(r.outcome.reporter) for r in reports) <= 60


def test_a_file_is_read_again_once_the_settings_know_its_site(
    archive: Archive, config: Config, tmp_path: Path
) -> None:
    path = tmp_path / "seen.csv"
    path.write_text(
        "site,phenomenon,day,degree\nbaihuashan,rime,2026-11-20,1\nlingshan,rime,2026-11-20,1\n",
        encoding="utf-8",
    )
    fewer = config.model_copy(
        update={"sites": [site for site in config.sites if site.id != "lingshan"]}
    )

    result = [import_file(path, archive, each, NOW) for each in (fewer, fewer, config, config)]

    assert [(one.known, one.kept) for one in result] == [
        (False, 1),
        (True, 1),
        (False, 2),
        (True, 2),
    ]


def test_what_is_not_over_yet_is_refused_and_read_once_it_is(
    archive: Archive, config: Config, tmp_path: Path
) -> None:
    path = tmp_path / "seen.csv"
    path.write_text(
        "site,phenomenon,day,degree\nlingshan,sunset_glow,2026-11-22,1\nlingshan,starry_sky,2026-11-22,1\n",
        encoding="utf-8",
    )
    noon, evening, next_noon = (
        datetime(2026, 11, day, hour, tzinfo=UTC) for day, hour in ((22, 4), (22, 12), (23, 4))
    )

    result = [import_file(path, archive, config, now) for now in (noon, evening, next_noon)]

    assert [(one.known, one.kept, one.exit_code) for one in result] == [
        (False, 0, 6),
        (False, 1, 6),
        (False, 2, 0),
    ]
    assert "not over yet" in result[0].lines[1]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("site,phenomenon,day,degree\nlingshan,sunset_glow,2026-11-20,1\n", 0),
        ("site,phenomenon,day,degree\n", 0),  # a table without rows
        ("site,phenomenon,day,degree\nlingshan,sunset_glow,2026-11-20,70%\n", 6),
        ("site,phenomenon,day (CST),degree\nlingshan,sunset_glow,2026-11-20,1\n", 7),
        ("a letter, and no table\n", 7),
        ("", 7),
        ("site,phenomenon,day,degree\n".encode("utf-16"), 7),
    ],
)
def test_the_exit_code_says_whether_all_rows_some_or_the_file_was_refused(
    content: str | bytes, code: int, archive: Archive, config: Config, tmp_path: Path
) -> None:
    """README: 0 done, 6 lines of a table refused, 7 a file given cannot be read."""
    path = tmp_path / "seen.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    first = import_file(path, archive, config, NOW)

    assert (first.known, first.exit_code) == (False, code)
    again = import_file(path, archive, config, NOW)
    assert (again.known, again.exit_code) == (True, code)


def test_a_flood_of_rows_ends_with_a_reason() -> None:
    days = [date(1950, 1, 1) + timedelta(days=k) for k in range(27_000)]
    text = "site,phenomenon,day,degree\n" + "".join(
        f"{site},rime,{day},1\n" for site in ("baihuashan", "lingshan") for day in days
    )

    result = parse(text.encode(), "seen.csv", SITES, TODAY)

    assert len(result.outcomes) == LIMITS.records
    assert "split the file" in result.faults[-1].reason


@given(
    st.binary(max_size=400)
    | st.text(alphabet=string.printable + "云海=\u202e\ufeff", max_size=400).map(str.encode)
)
def test_whatever_the_bytes_the_reader_ends_without_an_error(data: bytes) -> None:
    header = b"site,phenomenon,day,degree,detail\n"

    for result in (parse(data, "x", SITES, TODAY), parse(header + data, "x", SITES, TODAY)):
        assert all(
            o.degree in (0, 0.5, 1) and o.day <= TODAY and not o.detail.startswith("=")
            for o in result.outcomes
        )


# -- the archive


def test_keeping_twice_is_keeping_once(archive: Archive) -> None:
    outcomes = Outcomes(archive)

    assert outcomes.keep([outcome_of(1.0, reporter="Li")], NOW) == 1
    assert outcomes.keep([outcome_of(1.0, reporter="Li")], NOW + timedelta(hours=5)) == 0
    assert [r.received for reports in outcomes.reports().values() for r in reports] == [NOW]


def test_a_correction_replaces_the_report_of_that_reporter_only(archive: Archive) -> None:
    outcomes = Outcomes(archive)
    outcomes.keep([outcome_of(1.0, reporter="Li"), outcome_of(1.0, reporter="Wang")], NOW)

    assert outcomes.keep([outcome_of(0.0, reporter="Li")], NOW + timedelta(days=1)) == 1

    [reports] = outcomes.reports().values()
    assert sorted((r.outcome.reporter, r.outcome.degree) for r in reports) == [
        ("Li", 0.0),
        ("Wang", 1.0),
    ]


def test_an_empty_report_is_not_kept_and_an_impossible_one_is_refused(archive: Archive) -> None:
    assert Outcomes(archive).keep([outcome_of(math.nan)], NOW) == 0
    with pytest.raises(ValueError, match="expected one of"):
        Outcomes(archive).keep([outcome_of(1.0, source="rumour")], NOW)


def test_every_value_comes_back_as_it_went(archive: Archive) -> None:
    full = Outcome("sunset_glow", "lingshan", DAY, 0.5, "camera", "", 0.25, "red", "north", 1.5)
    Outcomes(archive).keep([full], NOW)

    [[kept]] = Outcomes(archive).reports(DAY, DAY, "sunset_glow").values()

    assert kept.outcome == full
    assert Outcomes(archive).reports(DAY + timedelta(days=1)) == {}


def test_disagreements_are_kept_listed_and_settled_by_trust(archive: Archive) -> None:
    outcomes = Outcomes(archive)
    outcomes.keep(
        [
            outcome_of(1.0, "analysis"),
            outcome_of(0.0, "station", "54511"),
            outcome_of(0.5, "camera", "north"),
        ],
        NOW,
    )

    [(observed, reports)] = outcomes.disagreements()

    assert len(reports) == 3
    assert (
        observed.outcome.source,
        observed.outcome.degree,
        observed.happened,
        observed.agreed,
    ) == ("camera", 0.5, True, False)
    assert observed.sources == ("camera", "station", "analysis")
    assert outcomes.count() == {
        "observer": 0,
        "camera": 1,
        "station": 1,
        "visitor": 0,
        "analysis": 1,
    }


# -- by trust


def test_the_most_trusted_source_with_a_report_decides() -> None:
    observed = resolve(
        [
            report(outcome_of(1.0, "analysis")),
            report(outcome_of(math.nan, "observer")),
            report(outcome_of(0.0, "station")),
        ]
    )

    assert observed is not None
    assert (observed.outcome.source, observed.happened) == ("station", False)


def votes(*degrees: float) -> list[OutcomeReport]:
    return [report(outcome_of(each, reporter=f"r{k}"), k) for k, each in enumerate(degrees)]


@pytest.mark.parametrize(("degrees", "result", "agreed", "tied"), [
    ((1.0, 0.0, 1.0), 1.0, False, False),
    ((1.0, 0.5, 0.0), 0.5, False, False),  # two of three saw it; lower median of 0.5 and 1
    ((0.0, 0.0, 1.0, 0.5, 0.5), 0.5, False, False),
    ((1.0, 1.0, 0.5), 1.0, True, False),
    ((0.0, 0.0, 1.0), 0.0, False, False),
    ((1.0, 0.0), 1.0, False, True),  # a tie counts as observed
    ((0.5, 1.0, 0.0, 0.0), 0.5, False, True),
])  # fmt: skip
def test_votes_are_first_of_yes_or_no_and_then_of_the_degree(
    degrees: tuple[float, ...], result: float, agreed: bool, tied: bool
) -> None:
    """Whatever the names and the order of arrival."""
    for order in set(itertools.permutations(degrees)):
        found = resolve(votes(*order))

        assert found is not None
        assert (found.outcome.degree, found.agreed, found.tied) == (result, agreed, tied)


def test_state_amount_and_vividness_come_from_the_majority_in_any_order() -> None:
    given = [
        outcome_of(1.0, reporter="a", state="sea", amount=120.0, detail="from the temple"),
        outcome_of(0.5, reporter="b", state="sea", amount=80.0),
        outcome_of(0.0, reporter="c", state="open", amount=900.0),
    ]
    found = {repr(resolve([report(o) for o in order])) for order in itertools.permutations(given)}
    one = resolve([report(o) for o in given])

    assert len(found) == 1
    assert one is not None
    assert (one.outcome.state, one.outcome.amount, one.outcome.degree) == ("sea", 80.0, 0.5)
    assert (one.outcome.reporter, one.outcome.detail) == ("", "")


def test_a_state_alone_decides_whether_there_was_a_sea() -> None:
    sea, wall = (
        resolve([report(outcome_of(math.nan, state="sea"))]),
        resolve([report(outcome_of(math.nan, state="in_cloud"))]),
    )

    assert sea is not None
    assert wall is not None
    assert (sea.happened, wall.happened) == (True, False)
    assert resolve([report(outcome_of(math.nan))]) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("observer", "camera", "station", "analysis")),
            st.sampled_from((0.0, 0.5, 1.0)),
            st.integers(0, 9),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda r: r[2],
    )
)
def test_the_order_in_which_reports_are_read_does_not_matter(
    rows: list[tuple[str, float, int]],
) -> None:
    reports = [report(outcome_of(degree, source, str(hour)), hour) for source, degree, hour in rows]

    assert repr(resolve(reports)) == repr(resolve(reports[::-1]))
