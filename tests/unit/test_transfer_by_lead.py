"""Are the models scored by lead at a new place, from files of outcomes and of issued forecasts?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import typer

from forecast.__main__ import main
from forecast.commands.score import hours_of_night, zone_of
from forecast.errors import SourceCorrupt
from forecast.learning.issue_forecasts import HourlySeries, read_forecasts, read_outcomes
from forecast.learning.transfer_by_lead import (
    SHIPPED,
    TransferByLead,
    hours_of,
    transfer_by_lead,
    truth_of,
)
from forecast.learning.transfer_features import features_of_issues, neutral_darkness
from forecast.learning.transfer_test import mountain
from models import registry
from models.climatology import CLEAR_NIGHTS, TABLE, shipped
from models.lead_table import CLIMATOLOGY, LeadRow, lead_table, own_climatology, persistence
from models.rule_model import PhysicsRule

NEW_YORK, UTC_ = ZoneInfo("America/New_York"), ZoneInfo("UTC")
PLACE = mountain("new place", 40.7, -74.0, 30.0, 0.0)
FIRST, DAYS, AHEAD = date(2024, 1, 1), 150, 5


def truth(days: int = DAYS, seed: int = 1) -> np.ndarray:
    """Return the cloud of each night, 0 or 1, in spells."""
    random = np.random.default_rng(seed)
    cloud = [0.0]
    for _ in range(days + AHEAD):
        cloud.append(cloud[-1] if random.uniform() < 0.5 else float(random.uniform() < 0.6))
    return np.array(cloud)


def like_night_cloud(folder: Path) -> tuple[Path, Path]:
    """Write forecasts that know tonight's cloud, and ever less of later nights; and analyses."""
    random, cloud = np.random.default_rng(2), truth()
    lines = [
        "issued_local,valid_local,temperature_c,dew_point_c,relative_humidity_pct,cloud_pct,"
        "precipitation_probability_pct,rain_mm,showers_mm,snowfall_cm,wind_m_s"
    ]
    analyses = ["valid_local,temperature_c,cloud_pct,snowfall_cm"]
    for day in range(DAYS):
        issued = datetime(FIRST.year, FIRST.month, FIRST.day, 15, tzinfo=UTC) + timedelta(days=day)
        for ahead in range(AHEAD):
            right = random.uniform() < 0.95 - 0.15 * ahead
            cover = cloud[day + ahead] if right else float(random.uniform() < 0.6)
            for hour in range(16, 34):
                at = issued.replace(hour=0) + timedelta(days=ahead, hours=hour)
                snow = 0.3 if cover else 0.0
                lines.append(
                    f"{issued:%Y-%m-%dT%H:%M},{at:%Y-%m-%dT%H:%M},-3,-5,86,{100 * cover:.0f},"
                    f"{60 * cover:.0f},0,0,{snow},3"
                )
    for day in range(DAYS + AHEAD - 1):
        midnight = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=day)
        for hour in range(16, 34):
            at = midnight + timedelta(hours=hour)
            cover = 100 * cloud[day]
            analyses.append(f"{at:%Y-%m-%dT%H:%M},-3,{cover:.0f},{0.3 if cover else 0.0}")
    forecasts, outcomes = folder / "forecasts.csv", folder / "analyses.csv"
    forecasts.write_text("\n".join(lines), encoding="utf-8")
    outcomes.write_text("\n".join(analyses), encoding="utf-8")
    return outcomes, forecasts


@pytest.fixture(scope="module")
def night_cloud(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return like_night_cloud(tmp_path_factory.mktemp("night_cloud"))


def rows_of(result: TransferByLead, name: str) -> dict[int, LeadRow]:
    return {row.day: row for row in result.rows if row.name == name}


def test_stars_are_scored_at_each_lead_beside_climatology_and_persistence(
    night_cloud: tuple[Path, Path],
) -> None:
    result = transfer_by_lead(*night_cloud, "starry_sky", PLACE, {}, NEW_YORK)

    rule, usual = rows_of(result, "rule, own frequency"), rows_of(result, CLIMATOLOGY)
    assert list(rule) == list(range(AHEAD))
    assert {row.cases for row in rule.values()} == {DAYS}
    assert rule[0].skill.value > 0.5 > rule[4].skill.value
    assert rule[0].skill.low > 0.3
    assert usual[2].skill.value == pytest.approx(0.0)
    last = rows_of(result, "persistence")
    assert last[0].cases == DAYS - 1
    assert last[0].right > last[4].right
    text = "\n".join(result.lines())
    assert "without any skill" in text
    assert "missing from these columns: " in text


def test_far_ahead_no_model_is_better_than_the_shipped_frequency_and_the_table_says_so(
    night_cloud: tuple[Path, Path],
) -> None:
    """It is a forecaster of the table: what is usual near Beijing is not what is usual here."""

    class Usual:
        columns = ("climatological_frequency",)

        def predict_proba(self, cases: np.ndarray) -> np.ndarray:
            return np.concatenate([1 - cases, cases], axis=1)

    result = transfer_by_lead(*night_cloud, "starry_sky", PLACE, {"far": Usual()}, NEW_YORK)

    frequency, far = rows_of(result, SHIPPED), rows_of(result, "far")
    assert {day: row.brier for day, row in frequency.items()} == {
        day: row.brier for day, row in far.items()
    }
    low, high = (pick(row.skill.value for row in frequency.values()) for pick in (min, max))
    assert f"has a skill of {low:+.2f} to {high:+.2f} here" in result.lines()[1]


def test_the_rule_reads_a_starry_night_over_its_best_window_and_a_clear_one_over_the_whole() -> (
    None
):
    """As the service has them: two clear hours of eight, and the humidity of those hours."""
    cover = np.array([[0.9, 0.9, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9]])
    first, none = np.array(["2024-01-01T21"], "datetime64[h]"), np.zeros(1, dtype=int)
    series = HourlySeries(first, first, {"cloud": cover, "humidity": cover})

    starry, clear = (
        features_of_issues(series, none, none, "starry_sky", 8, best) for best in (True, False)
    )

    assert (starry["sky_cover"], clear["sky_cover"]) == pytest.approx((0.1, 0.6))
    assert (starry["humidity_at_site"], clear["humidity_at_site"]) == pytest.approx((0.1, 0.6))
    # an equal part of low, medium and high cloud hides two thirds of what low cloud would
    assert starry["cloud_for_stars"] == pytest.approx(0.1 * 2 / 3)
    assert starry["clear_hours"] == clear["clear_hours"] == pytest.approx(2)


def test_a_model_gets_the_features_of_the_issue_and_is_not_refitted(
    night_cloud: tuple[Path, Path],
) -> None:
    class Recorder:
        columns = (
            "sky_cover",
            "forecast_period",
            "precipitation",
            "sky_cover_before",
            "rime_hours",
        )
        seen: np.ndarray

        def predict_proba(self, cases: np.ndarray) -> np.ndarray:
            self.seen = cases
            return np.full((len(cases), 2), 0.5)

    model = Recorder()
    result = transfer_by_lead(*night_cloud, "starry_sky", PLACE, {"model": model}, NEW_YORK)

    cover, period, water, before, rime = model.seen.T
    assert set(cover) == {0.0, 1.0}
    # from a run at 09 local to the astronomical dusk of January to May, 17:30-22
    assert 8.0 < period.min() < 13.0
    assert period.max() == pytest.approx(period.min() + 24 * (AHEAD - 1), abs=4.5)
    assert set(np.round(water, 3)) == {0.0, 2.4}  # 8 hours of 0.3 cm snow
    assert np.isnan(rime).all()
    assert np.isnan(before).sum() == DAYS + AHEAD - 1  # of the last lead, and of the first issue
    assert rows_of(result, "model")[0].brier.value == pytest.approx(0.25)


def test_snowfall_is_a_sum_over_the_hours_that_the_file_has(night_cloud: tuple[Path, Path]) -> None:
    result = transfer_by_lead(*night_cloud, "snowfall", PLACE, {}, NEW_YORK)

    rule = rows_of(result, "rule, own frequency")
    assert min(rule) == 1  # the day of the issue has begun
    assert rule[1].observed > 50
    assert rule[1].auc > 0.8


def test_a_table_like_gefcom_of_day_hours_in_other_units_is_read(tmp_path: Path) -> None:
    """One run a day at 00 UTC, hourly for a day, cover in parts of 1; outcomes a line a day."""
    random, cloud = np.random.default_rng(3), truth()
    lines, outcomes = (
        ["issued_utc,valid_utc,cloud_1,temperature_k,relative_humidity_1"],
        ["day,observed"],
    )
    for day in range(DAYS):
        issued = datetime(2012, 4, 1, tzinfo=UTC) + timedelta(days=day)
        cover = np.clip(cloud[day] + random.normal(0, 0.1), 0, 1)
        for hour in range(1, 25):
            at = issued + timedelta(hours=hour)
            lines.append(f"{issued:%Y-%m-%dT%H:%M},{at:%Y-%m-%dT%H:%M},{cover:.3f},290.0,0.5")
        outcomes.append(f"{issued:%Y-%m-%d},{int(cloud[day] < 0.5)}")
    (tmp_path / "f.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "o.csv").write_text("\n".join(outcomes), encoding="utf-8")

    result = transfer_by_lead(
        tmp_path / "o.csv", tmp_path / "f.csv", "starry_sky", PLACE, {}, UTC_, night=(2, 5)
    )

    rule = rows_of(result, "rule")
    assert list(rule) == [0]
    assert rule[0].cases == DAYS
    assert rule[0].auc > 0.95


def test_bad_lines_are_named_and_the_good_count(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "issued_local,valid_local,cloud_pct\n"
        "2024-01-01T15:00,2024-01-01T21:00,101\n"
        "2024-01-01T15:00,2024-01-01T22:00,250\n"
        "2024-01-01T15:00,2023-01-01T22:00,50\n"
        "today,2024-01-01T22:00,50\n"
        "2024-01-01T15:00,2024-01-01T23:00,many\n"
        "2024-01-01T15:00,2024-01-02T00:00,\n",
        encoding="utf-8",
    )

    series, remarks = read_forecasts(path, NEW_YORK)

    # 21 local is 02 UTC, six hours after the issue
    assert series.values["cloud"][0, 6] == 1.0
    assert np.isnan(series.values["cloud"][0, [7, 8, 9]]).all()
    assert [remark.split(":")[0] for remark in remarks] == [
        "f.csv line 3", "f.csv line 4", "f.csv line 5", "f.csv line 6", "f.csv",
    ]  # fmt: skip
    assert "1 values just beyond" in remarks[-1]


def test_outcomes_are_days_or_analysed_hours(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text("date,status\n2024-01-01,full\n2024-01-02,none\n2024-01-02,full\nx,1\n")
    days, remarks = read_outcomes(path, UTC_)
    assert days == {date(2024, 1, 1): 1.0, date(2024, 1, 2): 0.0}
    assert len(remarks) == 2

    path.write_text("valid_utc,cloud_pct\n2024-01-01T21:00,10\n")
    hours, _ = read_outcomes(path, UTC_)
    assert isinstance(hours, HourlySeries)


@pytest.mark.parametrize(("content", "reason"), [
    ("a,b\n1,2\n", "issued_local"),
    ("issued_local,valid_local,cloud_pct\n", "no line is a forecast"),
    ("\x00", "issued_local"),
])  # fmt: skip
def test_a_file_that_is_no_such_table_is_refused_with_advice(
    tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / "f.csv").write_text(content, encoding="utf-8")
    with pytest.raises(SourceCorrupt, match=reason):
        read_forecasts(tmp_path / "f.csv", UTC_)


def test_what_a_phenomenon_needs_is_named(tmp_path: Path, night_cloud: tuple[Path, Path]) -> None:
    with pytest.raises(SourceCorrupt, match="snow_depth"):
        transfer_by_lead(*night_cloud, "snow_cover", PLACE, {}, NEW_YORK)


def test_the_darkness_used_moves_the_rule_neither_way() -> None:
    rule = PhysicsRule("starry_sky").ready()
    case = np.full((1, len(rule.columns)), np.nan)
    case[0, rule.columns.index("zenith_sky_brightness")] = neutral_darkness()

    assert rule.effects(case).sum() == pytest.approx(0.0, abs=1e-9)


def test_a_night_is_starry_by_its_best_two_hours_and_clear_by_its_mean() -> None:
    """(.35 + 2 x .25 + .35) / 4 = .3 at best; the mean of the night is .394."""
    cover = np.array([[0.4, 0.35, 0.25, 0.35, 0.4, 0.4, 0.5, 0.5]])
    first = np.array(["2024-01-01T21"], "datetime64[h]")
    night, day = hours_of("starry_sky"), date(2024, 1, 1)

    def happened(cover: np.ndarray, event: str) -> float:
        analysed = HourlySeries(first, first, {"cloud": cover})
        return truth_of(analysed, "starry_sky", night, UTC_, event)[day]

    assert happened(cover, "starry") == 1.0
    assert happened(cover + 0.01, "starry") == 0.0
    assert happened(cover, "clear") == 0.0
    assert happened(cover - 0.2, "clear") == 1.0


@pytest.mark.parametrize(("event", "table"), [("starry", TABLE), ("clear", CLEAR_NIGHTS)])
def test_each_event_starts_from_its_own_usual_frequency(
    night_cloud: tuple[Path, Path], event: str, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Recorder:
        columns = ("climatological_frequency",)
        seen: list[np.ndarray] = []  # noqa: RUF012

        def predict_proba(self, cases: np.ndarray) -> np.ndarray:
            self.seen.append(np.unique(cases))
            return np.full((len(cases), 2), 0.5)

    model = Recorder()
    monkeypatch.setattr("forecast.learning.transfer_by_lead.lead_table", lambda *_: [])
    transfer_by_lead(*night_cloud, "starry_sky", PLACE, {"model": model}, NEW_YORK, event=event)

    # January to June, from the shipped table; the second time from the place's own nights
    months = {row.frequency for m in range(1, 7) for row in shipped(table)["starry_sky", m]}
    shipped_table, _ = model.seen
    assert set(np.round(shipped_table, 6)) == {round(one, 6) for one in months}


@pytest.mark.parametrize("event", ["starry", "clear"])
def test_each_event_is_scored_with_the_classifier_that_has_learnt_it(
    night_cloud: tuple[Path, Path], event: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served = registry.in_force(Path("nowhere"))["starry_sky"].name
    names = {"starry": served, "clear": registry.of_clear_nights().name}
    place = ["--mountain", "hill:40.7,-74.0,30,0", "--clock", "America/New_York"]
    files, kind = [str(path) for path in night_cloud], ["--phenomenon", "starry_sky"]

    assert main(["transfer-test", *files, *place, *kind, "--event", event]) == 0

    said, name = capsys.readouterr().out, names.pop(event)
    [other] = names.values()
    assert f"+0  d {name} " in said
    assert f"+0  d {name}, own frequency" in said
    assert f"+0  d {other}" not in said
    assert ("learnt clear nights" in said) == (event == "clear")
    # the days of the files lie among those of its training, at a place of another name
    assert "it was fitted on" not in said
    assert "the days" in said
    assert "if this is one of its places under another name" in said


def test_the_climatology_of_a_month_knows_nothing_of_that_month() -> None:
    """By hand: January 2024 from January 2025 (3 of 3) and the mean of both other months (3 of 6):
    (3 + 10 x .5) / (3 + 10).
    """
    day = np.array(
        [*["2024-01-10"] * 2, "2024-01-11", "2024-02-01", "2024-02-02", "2024-02-03",
         "2025-01-01", "2025-01-02", "2025-01-03"], "datetime64[D]",
    )  # fmt: skip
    observed = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1], dtype=float)

    usual = own_climatology(observed, day)

    assert usual[0] == pytest.approx((3 + 10 * 0.5) / 13)
    assert usual[6] == pytest.approx(0.0)


def test_persistence_is_the_last_outcome_before_the_issue() -> None:
    day = np.array(["2024-01-10", "2024-01-11", "2024-01-12"], "datetime64[D]")

    last = persistence(np.array([1.0, 0.0, 1.0]), day, np.array([0, 0, 1]))

    assert last.tolist()[1:] == [1.0, 1.0]
    assert np.isnan(last[0])


def like_days(folder: Path, days: int, columns: str, values: str, outcome: str) -> list[str]:
    """Return the lines of a test by lead of stars in `days` days of June 2026."""
    lines, outcomes = [f"issued_local,valid_local,{columns}"], ["day,observed"]
    for day in range(1, days + 1):
        for hour in (*range(17, 24), *range(7)):
            at = datetime(2026, 6, day, hour) + timedelta(days=hour < 12)  # noqa: DTZ001
            lines.append(f"2026-06-{day:02}T15:00,{at:%Y-%m-%dT%H:%M},{values}")
        outcomes.append(f"2026-06-{day:02},{outcome or day % 2}")
    (folder / "f.csv").write_text("\n".join(lines), encoding="utf-8")
    (folder / "o.csv").write_text("\n".join(outcomes), encoding="utf-8")
    served = registry.in_force(Path("no folder of models"))["starry_sky"].model
    files = folder / "o.csv", folder / "f.csv"
    return transfer_by_lead(*files, "starry_sky", PLACE, {"served": served}, UTC_).lines()


def test_every_column_that_the_models_want_and_no_case_has_is_named(tmp_path: Path) -> None:
    cloud, rain = (
        "".join(like_days(tmp_path, 3, *given)[-1:])
        for given in (
            ("cloud_pct", "40", ""),
            ("cloud_pct,precipitation_probability_pct,precipitation_mm", "40,20,0", ""),
        )
    )

    for name in ("dew_point_depression", "night_dew_point_depression", "sky_cover_before"):
        assert name in cloud
        assert name in rain
    assert "night_rain_probability" in cloud
    assert "night_rain," in cloud
    assert "night_rain_probability" not in rain
    assert "night_rain," not in rain
    assert "night_sky_cover" not in cloud
    assert "zenith_sky_brightness" not in cloud


@pytest.mark.parametrize(
    ("cover", "likely"),
    [([3, 8], "oktas or tenths"), ([2, 10], "oktas or tenths"), ([0.25, 1], "parts of 1"),
     ([1, 1], "parts of 1"), ([8, 11], ""), ([0.5, 7.5], "")],
)  # fmt: skip
def test_cloud_that_is_not_in_percent_is_asked_about(
    tmp_path: Path, cover: list[float], likely: str
) -> None:
    lines = ["issued_local,valid_local,cloud_pct"] + [
        f"2026-06-01T15:00,2026-06-{2 + hour // 24:02}T{hour % 24:02}:00,{cover[hour % 2]}"
        for hour in range(48)
    ]
    path = tmp_path / "f.csv"
    path.write_text("\n".join(lines), encoding="utf-8")

    if likely:
        with pytest.raises(SourceCorrupt, match=likely):
            read_forecasts(path, UTC_)
    else:
        read_forecasts(path, UTC_)
    path.write_text("\n".join(lines[:-1]), encoding="utf-8")
    read_forecasts(path, UTC_)


def test_a_single_month_is_scored_without_skill_and_the_reason_is_told(tmp_path: Path) -> None:
    lines = like_days(tmp_path, 20, "cloud_pct", "40", "")

    assert any("one calendar month" in line for line in lines)
    (served,) = (line for line in lines if "served" in line)
    assert "Brier 0." in served
    assert "skill none" in served
    assert "own frequency  " not in "".join(lines)
    assert "no case" not in "".join(lines)


def test_where_all_outcomes_are_alike_no_skill_is_told(tmp_path: Path) -> None:
    (served,) = (
        line for line in like_days(tmp_path, 20, "cloud_pct", "40", "0") if "served" in line
    )
    assert "skill none  AUC none: all outcomes no" in served

    observed = np.zeros(60)
    day = np.datetime64("2026-01-01") + np.arange(60)
    forecasts = {CLIMATOLOGY: own_climatology(observed, day), "rule": np.full(60, 0.2)}
    for row in lead_table(forecasts, observed, day, np.zeros(60, dtype=int)):
        assert "nan" not in row.line()


def test_an_interval_needs_six_weeks_and_its_bounds_hold_the_value() -> None:
    random = np.random.default_rng(4)
    day = np.datetime64("2026-01-01") + np.arange(80)
    observed = (random.uniform(size=80) < 0.4).astype(float)
    forecasts = {CLIMATOLOGY: np.full(80, 0.4), "good": 0.25 + 0.5 * observed}

    rows = lead_table(forecasts, observed, day, np.repeat([0, 1], [20, 60]))

    few, enough = (next(r for r in rows if r.name == "good" and r.day == d) for d in (0, 1))
    assert np.isnan([few.skill.low, few.brier.high]).all()
    assert enough.skill.low <= enough.skill.value <= enough.skill.high
    assert (enough.brier.value, enough.auc, enough.right) == pytest.approx((0.0625, 1.0, 1.0))
    assert enough.promised == enough.kept == observed[20:].sum()
    # whoever always says what is seen more often is right as often as that
    assert enough.usual_right == pytest.approx(max(observed[20:].mean(), 1 - observed[20:].mean()))


def test_options_that_mean_nothing_are_refused() -> None:
    assert hours_of_night("21-04") == (21, 4)
    for text in ("21", "21-25", "a-b"):
        with pytest.raises(typer.BadParameter, match="two hours"):
            hours_of_night(text)
    with pytest.raises(typer.BadParameter, match="Asia/Shanghai"):
        zone_of("Mars/Base")
