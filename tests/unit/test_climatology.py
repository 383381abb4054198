"""Is a usual frequency that of its site and month, and does it learn slowly from outcomes?"""

from __future__ import annotations

import csv
import itertools
import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.config import Config
from forecast.domain import PHENOMENA, Event, Outcome, Site, Window
from forecast.learning.usual_frequency import (
    DARKNESS,
    counted_outcomes,
    frequency_to_train_on,
    renew_climatology,
)
from models.climatology import (
    CLEAR_NIGHTS,
    KEPT,
    TABLE,
    Climatology,
    count_outcomes,
    keep_climatology,
    read_climatology,
    shipped,
)
from models.climatology import shipped_frequency as at_elevation
from tests.horizons import clear
from tests.past_issues import START, issued_on, keep_issue
from tests.science import climatology as computed
from tests.skies import SITES
from tests.unit.test_glow import look

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def event(site: Site, phenomenon: str = "snowfall", month: int = 1) -> Event:
    return Event(phenomenon, site, date(2026, month, 15), Window(NOON, NOON + timedelta(hours=6)))


def at_height(config: Config, elevation: float, latitude: float = 40.0) -> Site:
    return replace(config.all_sites()[0], elevation=elevation, latitude=latitude)


def test_the_table_has_every_phenomenon_and_month_with_a_source() -> None:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))

    assert {(row["phenomenon"], int(row["month"])) for row in rows} == {
        (phenomenon, month) for phenomenon in PHENOMENA for month in range(1, 13)
    }
    assert all(0 < float(row["frequency"]) < 1 and row["source"] for row in rows)
    assert len({(r["phenomenon"], r["month"], r["elevation_m"]) for r in rows}) == len(rows)


def test_clear_nights_have_a_table_of_their_own_and_are_the_rarer_event() -> None:
    """Xinglong: 63 % of nights usable for spectroscopy, 32 % for photometry (Zhang et al. 2015)."""
    starry, clear = (
        [shipped(table)["starry_sky", month][0].frequency for month in range(1, 13)]
        for table in (TABLE, CLEAR_NIGHTS)
    )

    assert set(shipped(CLEAR_NIGHTS)) == {("starry_sky", month) for month in range(1, 13)}
    assert all(few < 0.65 * many for few, many in zip(clear, starry, strict=True))
    assert sum(starry) / 12 == pytest.approx(0.63, abs=1e-3)
    assert sum(clear) / 12 == pytest.approx(0.32, abs=1e-3)
    assert clear.index(min(clear)) == starry.index(min(starry)) == 6  # July


def test_snow_and_cold_are_commoner_higher_up_and_in_winter() -> None:
    for phenomenon in ("snowfall", "snow_cover", "snowmaking"):
        for month in range(1, 13):
            by_height = [row.frequency for row in shipped()[phenomenon, month]]
            # days as rare as one in three hundred differ by chance
            assert all(b - a > -0.01 for a, b in itertools.pairwise(by_height))
        assert shipped()[phenomenon, 1][0].frequency > shipped()[phenomenon, 7][0].frequency


def test_a_glow_is_as_usual_at_a_height_as_under_the_draws_of_its_own_climate() -> None:
    """The table against the feature of an event there, which sees the site's own terrain."""
    for site in ("lingshan", "baihuashan", "jinding"):
        own = float(look(clear, "sunset_glow", site).values["climate_glow_probability"][0])
        table = at_elevation("sunset_glow", 11, SITES[site].elevation)
        assert table == pytest.approx(own, abs=0.07), site
    high, low = (at_elevation("sunset_glow", 11, height) for height in (2303.0, 1300.0))
    assert high > low + 0.08  # above the low cloud
    assert at_elevation("sunrise", 7, 2303.0) > at_elevation("sunrise", 7, 1300.0) + 0.08


def test_between_two_heights_the_log_odds_are_interpolated(config: Config) -> None:
    """By hand: half way between two rows, the odds are the root of the product of theirs."""
    low, high = shipped()["snowmaking", 4][2:4]
    odds = math.sqrt(low.frequency / (1 - low.frequency) * high.frequency / (1 - high.frequency))

    middle = at_height(config, (low.elevation + high.elevation) / 2)

    assert Climatology().frequency(event(middle, "snowmaking", 4)) == pytest.approx(
        odds / (1 + odds)
    )
    lowest, highest = shipped()["snowmaking", 4][0], shipped()["snowmaking", 4][-1]
    for elevation, row in ((-50.0, lowest), (4000.0, highest)):
        found = Climatology().frequency(event(at_height(config, elevation), "snowmaking", 4))
        assert found == pytest.approx(row.frequency)


def test_south_of_the_equator_the_month_is_half_a_year_away(config: Config) -> None:
    here, south = at_height(config, 1500.0), at_height(config, 1500.0, latitude=-40.0)

    for month, other in ((1, 7), (6, 12), (7, 1), (12, 6)):
        assert Climatology().frequency(event(here, month=month)) == Climatology().frequency(
            event(south, month=other)
        )


def test_outcomes_move_the_frequency_with_the_table_as_ten_cases(config: Config) -> None:
    """By hand: 12 of 20 mornings and the table's f as 10 more: (12 + 10 f) / 30."""
    site = at_height(config, 1300.0)
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(20)]
    counts = count_outcomes(("sea_of_clouds", site.id, day, n < 12) for n, day in enumerate(days))
    table, learnt = Climatology(), Climatology(counts)
    january = event(site, "sea_of_clouds")

    assert counts == {"sea_of_clouds": {site.id: {1: (20, 12)}}}
    assert learnt.frequency(january) == pytest.approx((12 + 10 * table.frequency(january)) / 30)
    for other in (event(site), event(replace(site, id="elsewhere"), "sea_of_clouds")):
        assert learnt.frequency(other) == table.frequency(other)


def test_a_months_outcomes_move_the_other_months_of_their_site_in_log_odds(config: Config) -> None:
    """By hand: 12 of 20 January mornings and the table's f as 10 more are (12 + 10 f) / 30. The
    odds of February move by the same factor as January's.
    """
    site = at_height(config, 1300.0)
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(20)]
    learnt = Climatology(
        count_outcomes(("sea_of_clouds", site.id, day, n < 12) for n, day in enumerate(days))
    )
    january, february = (
        Climatology().frequency(event(site, "sea_of_clouds", month)) for month in (1, 2)
    )

    moved = (12 + 10 * january) / 30
    factor = moved / (1 - moved) / (january / (1 - january))
    odds = february / (1 - february) * factor

    assert learnt.frequency(event(site, "sea_of_clouds", 2)) == pytest.approx(odds / (1 + odds))


def test_a_model_is_trained_over_a_frequency_that_does_not_know_the_month_itself(
    config: Config,
) -> None:
    """By hand: January 2027 is trained over that of January 2026, 2 of 2, moved by no other month:
    (2 + 10 f) / 12; January 2026 over that of 2027, 0 of 1: 10 f / 11.
    """
    site = config.all_sites()[0]
    found = [("rime", site.id, date(2026, 1, day), True) for day in (3, 4)]
    usual = frequency_to_train_on(config, [*found, ("rime", site.id, date(2027, 1, 9), False)])
    table = Climatology().frequency(event(site, "rime"))

    assert usual((site.id, "rime", "2027-01-20")) == pytest.approx((2 + 10 * table) / 12)
    assert usual((site.id, "rime", "2026-01-03")) == pytest.approx(10 * table / 11)
    assert math.isnan(usual(("elsewhere", "rime", "2026-01-15")))


def test_counts_are_kept_and_read_again_and_a_damaged_file_serves_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counts = count_outcomes(
        [
            ("rime", "lingshan", date(2026, 1, 1), True),
            ("rime", "lingshan", date(2026, 2, 1), False),
        ]
    )
    assert read_climatology(None).counts == read_climatology(tmp_path).counts == {}

    keep_climatology(tmp_path, counts)

    assert read_climatology(tmp_path).counts == counts
    whole = json.loads((tmp_path / KEPT).read_text())
    for damaged in (
        "{",
        json.dumps(whole | {"format": 2}),
        json.dumps(whole | {"counts": {"rime": {"lingshan": {"1": [1, 2]}}}}),
        json.dumps(whole | {"counts": {"rime": {"lingshan": {"1": [-1, -2]}}}}),
        json.dumps(whole | {"counts": {"rime": {"lingshan": {"0": [2, 1]}}}}),
        json.dumps(whole | {"counts": {"rime": {"lingshan": {"13": [2, 1]}}}}),
        json.dumps(whole | {"counts": []}),
    ):
        (tmp_path / KEPT).write_text(damaged)
        assert read_climatology(tmp_path).counts == {}
        assert "the shipped climatology serves" in caplog.text
        caplog.clear()


def test_only_sources_that_look_every_day_count_and_only_nights_that_are_mostly_dark(
    tmp_path: Path, config: Config
) -> None:
    """An observer reports a sea because there was one; no moonlit night is starry."""
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    first = config.all_sites()[0].id
    days = [START + timedelta(days=n) for n in range(4)]
    for n, day in enumerate(days):
        night = {"site": "lingshan", "phenomenon": "starry_sky", "day": day, "probability": 0.5}
        keep_issue(archive, issued_on(day), [night | {"values": {DARKNESS: (0.75, 0.74)[n % 2]}}])
    at = datetime.combine(days[-1] + timedelta(days=9), datetime.min.time(), UTC)
    outcomes = [Outcome("starry_sky", "lingshan", day, 1.0 - n % 2, "analysis")
                for n, day in enumerate(days)]  # fmt: skip
    outcomes += [Outcome("rime", first, days[0], 1.0, "observer")]
    outcomes += [Outcome("rime", first, days[1], degree, source)
                 for degree, source in ((0.0, "analysis"), (1.0, "observer"))]  # fmt: skip
    Outcomes(archive).keep(outcomes, at)

    settings = config.model_copy(
        update={"learning": config.learning.model_copy(update={"folder": tmp_path / "models"})}
    )
    renew_climatology(settings, counted_outcomes(archive))
    found = read_climatology(tmp_path / "models").counts

    months = {day.month for day in days}
    assert len(months) == 1
    (month,) = months
    assert found["starry_sky"] == {"lingshan": {month: (2, 2)}}
    # the analysis looked, the observer is believed
    assert found["rime"] == {first: {month: (1, 1)}}


@pytest.mark.shared
def test_the_shipped_table_is_the_one_computed_from_the_reference_data(shared: Path) -> None:
    rows = computed.table(shared)

    assert computed.text(rows) == TABLE.read_text(encoding="utf-8")
    clear_nights = computed.table_of_clear_nights(shared)
    assert computed.text(clear_nights) == CLEAR_NIGHTS.read_text(encoding="utf-8")
    sun = computed.sunshine_share()
    # published: 47 % in July, 65 % in January and February
    assert sun[[0, 1, 6]] == pytest.approx([0.65, 0.65, 0.47], abs=0.015)
