"""Is a window read to its very ends: days of 23 to 25 hours, the rest of today from any minute?

Amounts are hand arithmetic: precipitation is even, 1 kg m-2 in three hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast.domain import Atmosphere, DayWeather, Event, Window
from forecast.phenomena import derive, snow, stars, weather, whole_days
from forecast.science.almanac import almanacs
from forecast.science.interpolation import Scene, as_times, edges_between
from forecast.settings import PhenomenonSettings
from products.safety import HAZARDS, assess_hazards
from tests.skies import SITES, atmosphere, layer, steps
from tests.unit.test_snow import DEEP_CLOUD, cooled

SETTINGS = PhenomenonSettings()
VILLAGE = SITES["jiangshuihe"]
BEIJING = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 22)
# supercooled drizzle: a shallow cloud whose top is too warm for ice
DRIZZLE = {"cloud": layer(1000, 2200), "humidity": layer(0, 2200, 0.99, 0.2)}
START = "2026-11-21T00:00"


def falling(air: Atmosphere, first: datetime, last: datetime) -> Atmosphere:
    """Return `air` with precipitation in the intervals between two times only."""
    starts, ends = air["precipitation_amount_start"], air["time"]
    inside = (starts >= as_times([first])[0]) & (ends <= as_times([last])[0])
    return air.assign(precipitation_amount=air["precipitation_amount"].where(inside, 0.0))


def weather_from(now: datetime, air: Atmosphere, zone: ZoneInfo = BEIJING) -> DayWeather:
    """Return the weather of the rest of the local day of `now`."""
    day = now.astimezone(zone).date()
    days = whole_days([VILLAGE], [day], almanacs([VILLAGE], [day], zone), now)
    features, failed = derive((), air, SETTINGS, days)
    assert failed == ()
    return features.weather[VILLAGE.id, day]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23.0),
        ("Europe/Berlin", date(2026, 10, 25), 25.0),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2027, 4, 4), 24.5),
        ("Asia/Shanghai", DAY, 24.0),
    ],
)
def test_a_day_counts_all_its_hours_whatever_their_number(
    zone: str, day: date, hours: float
) -> None:
    almanac = almanacs([VILLAGE], [day], ZoneInfo(zone))[VILLAGE.id, day]
    first = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    air = atmosphere(
        steps(first.isoformat()[:16], 72),
        temperature=cooled(-3.0),
        precipitation_amount=1.0,
        **DEEP_CLOUD,
    )

    part = snow.derive(
        snow.events(VILLAGE, day, almanac, SETTINGS), Scene(air, [VILLAGE]), SETTINGS
    )

    assert (almanac.day_end - almanac.day_start) / timedelta(hours=1) == hours
    assert part.values["snow_water"][0] == pytest.approx(hours / 3, rel=1e-4)
    assert part.values["freezing_hours"][0] == pytest.approx(hours)
    assert part.missing[0] == [m for m in part.missing[0] if m.startswith("field:")]
    assert part.values["best_start"][0] == as_times([almanac.day_start])[0]
    assert part.values["best_end"][0] == as_times([almanac.day_end])[0]


@pytest.mark.parametrize("minute", [1, 7, 29, 31, 47])
@pytest.mark.parametrize("hour", [4, 16, 21, 22, 23])
def test_freezing_drizzle_before_midnight_is_a_hazard_at_any_minute_of_issue(
    hour: int, minute: int
) -> None:
    now = datetime(2026, 11, 22, hour, minute, tzinfo=BEIJING)
    midnight = datetime(2026, 11, 22, 16, tzinfo=UTC)
    air = atmosphere(
        steps(START, 60, 1), temperature=cooled(-1.0, 0.004), precipitation_amount=0.5, **DRIZZLE
    )
    # from 22 to 24 local, 0.5 kg m-2 an hour
    air = falling(air, midnight - timedelta(hours=2), midnight)

    found, _ = assess_hazards(weather_from(now.astimezone(UTC), air), None)

    left = min(2.0, (midnight - now.astimezone(UTC)) / timedelta(hours=1))
    by_id = {hazard.id: hazard.value for hazard in found}
    # the cloud's top is at -4 degC: hardly any ice (Beijing's criterion: none from -4 degC on)
    assert by_id["freezing_rain"] == pytest.approx(0.5 * left, rel=0.03)
    assert "ice" in by_id


def test_the_part_of_a_day_that_the_run_does_not_reach_is_not_assessed() -> None:
    # the run ends at 22:00 local: two hours of the day are unknown, however dry the rest
    air = atmosphere(steps(START, 38, 1), temperature=cooled(2.0, 0.0))
    now = datetime(2026, 11, 22, 12, 20, tzinfo=BEIJING).astimezone(UTC)

    rest = weather_from(now, air)

    assert rest.covered == pytest.approx((22 - 12 - 20 / 60) / (24 - 12 - 20 / 60))
    assert assess_hazards(rest, None) == ((), tuple(HAZARDS))


def test_a_field_that_lacks_one_time_leaves_its_hazard_not_assessed() -> None:
    air = atmosphere(steps(START, 60), temperature=cooled(8.0, 0.0))
    gap = air["visibility_in_air"].copy()
    gap[10] = np.nan  # 14 local on the 22nd
    now = datetime(2026, 11, 22, 0, 5, tzinfo=BEIJING).astimezone(UTC)

    assert assess_hazards(weather_from(now, air), None) == ((), ())
    assert assess_hazards(weather_from(now, air.assign(visibility_in_air=gap)), None)[1] == ("fog",)


def test_a_gust_between_two_hours_of_the_clock_is_found() -> None:
    # 20 m/s at 15:00 local, 5 m/s an hour before and after; the hours from 12:30 on miss it
    air = atmosphere(steps(START, 60, 1))
    gust = air["wind_speed_of_gust"].copy()
    gust[31] = 20.0
    air = air.assign(wind_speed_of_gust=gust)
    now = datetime(2026, 11, 22, 12, 30, tzinfo=BEIJING).astimezone(UTC)

    rest = weather_from(now, air)

    assert rest.values["gust"] == pytest.approx(20.0)
    assert [hazard.id for hazard in assess_hazards(rest, None)[0]] == ["gale"]


def test_snow_on_the_ground_is_that_of_eight_and_two_on_the_clock() -> None:
    # given a day of 25 hours, and snow on the ground that grows by 1 cm an hour
    zone, day = ZoneInfo("Europe/Berlin"), date(2026, 10, 25)
    almanac = almanacs([VILLAGE], [day], zone)[VILLAGE.id, day]
    air = atmosphere(
        steps("2026-10-24T12:00", 48, 1), temperature=cooled(-8.0), surface_snow_thickness=0.0
    )
    grown = air["surface_snow_thickness"] + 0.01 * np.arange(49)[:, None, None]
    scene = Scene(air.assign(surface_snow_thickness=grown), [VILLAGE])

    events = snow.events(VILLAGE, day, almanac, SETTINGS)
    cover = {o.phenomenon: o for o in snow.diagnose(events, scene, SETTINGS)}["snow_cover"]

    # 8:00 CET is 07:00 UTC, 19 hours after the first field
    assert cover.amount == pytest.approx(0.19, abs=1e-3)


def test_the_parts_of_a_window_end_with_it() -> None:
    start, end = (
        as_times([datetime(2026, 11, 22, 4, 20, 30, tzinfo=UTC)]),
        as_times([datetime(2026, 11, 22, 6, 50, tzinfo=UTC)]),
    )

    edges = edges_between(start, end)

    assert np.diff(edges[0]).astype("timedelta64[s]").astype(int).tolist() == [3600, 3600, 1770]
    assert weather.part_weights(edges)[0].tolist() == pytest.approx([1, 1, 1, 1770 / 3600])
    assert edges_between(start, start + np.timedelta64(2, "h")).shape == (1, 3)
    unknown = edges_between(np.append(start, np.datetime64("NaT")), np.append(end, end))
    assert np.isnat(unknown[1]).all()


def test_the_last_minutes_of_a_night_belong_to_its_clear_hours() -> None:
    night = Event(
        "starry_sky",
        VILLAGE,
        DAY,
        Window(
            datetime(2026, 11, 22, 10, 28, tzinfo=UTC), datetime(2026, 11, 22, 21, 31, tzinfo=UTC)
        ),
    )
    scene = Scene(atmosphere(steps(START, 60)), [VILLAGE])

    values = stars.derive([night], scene, SETTINGS).values

    assert values["clear_hours"][0] == pytest.approx(11 + 3 / 60)
    assert values["best_end"][0] == as_times([night.window.end])[0]
