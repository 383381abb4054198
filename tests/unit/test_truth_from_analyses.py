"""Are verifying observations derived from stations, and from the first hours of later runs?"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from forecast import phenomena
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.archive.outcomes import Outcomes
from forecast.config import Config
from forecast.domain import DOUBTFUL, WRONG, Atmosphere, Cycle, Observation, Outcome
from forecast.errors import CycleNotReady
from forecast.geo import distance_between
from forecast.learning.truth_from_analyses import FIRST_HOURS, cycles_for, diagnose, joined, nightly
from forecast.learning.truth_from_stations import NEAR, clear_brightness
from forecast.science import almanac
from forecast.settings import StationSettings
from tests.skies import atmosphere, layer, utc

DAY = date(2026, 11, 20)
NOW = utc("2026-11-21T04:00")
HOUR = timedelta(hours=1)


def first_hours(cycle: Cycle, now: datetime) -> Atmosphere:
    """A run over dry, cloudless air."""
    return atmosphere([cycle.run + k * HOUR for k in (0, 3, 6)])


def overcast(cycle: Cycle, now: datetime) -> Atmosphere:
    return atmosphere([cycle.run + k * HOUR for k in (0, 3, 6)], cloud=layer(3000, 9000))


def watched(config: Config) -> Config:
    """The settings with a summit and a valley station at Jinding, a village's at Jiangshuihe, and
    one too far from anything.
    """
    sites = {site.id: site for site in config.all_sites()}
    made = [
        StationSettings(id="SUMMIT", latitude=40.068, longitude=116.025, elevation_m=1290),
        StationSettings(id="VALLEY", latitude=40.05, longitude=116.05, elevation_m=150),
        StationSettings(
            id="VILLAGE",
            latitude=sites["jiangshuihe"].latitude,
            longitude=sites["jiangshuihe"].longitude,
            elevation_m=1390,
        ),
        StationSettings(id="FAR", latitude=40.068, longitude=117.2, elevation_m=1290),
    ]
    named = {"jinding": ("SUMMIT", "VALLEY", "FAR"), "jiangshuihe": ("VILLAGE",)}
    return config.model_copy(
        update={
            "observations": config.observations.model_copy(update={"stations": tuple(made)}),
            "sites": tuple(
                site.model_copy(update={"stations": named.get(site.id, ())})
                for site in config.sites
            ),
        }
    )


def hourly(station: str, flags: dict[str, int] | None = None, **values: float) -> list[Observation]:
    """Reports of 48 hours from the day's local midnight on, all alike."""
    start = utc("2026-11-19T16:00")
    return [Observation(station, start + k * HOUR, values, flags or {}) for k in range(49)]


def stations_report(
    archive: Archive, config: Config, *reports: list[Observation], day: date = DAY
) -> dict[tuple[str, str], list[Outcome]]:
    """Return what stations observed on the day, by site and phenomenon."""
    Observations(archive).keep([each for series in reports for each in series], NOW)
    diagnose(archive, config, day, NOW, None)
    found: dict[tuple[str, str], list[Outcome]] = {}
    for (site, phenomenon, _), all_ in Outcomes(archive).reports().items():
        found[site, phenomenon] = [each.outcome for each in all_]
    return found


@pytest.fixture
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return Archive(f"sqlite:///{tmp_path_factory.mktemp('diagnosis') / 'archive.db'}")


# -- analyses


def test_a_clear_day_is_diagnosed_and_doing_it_again_changes_nothing(
    archive: Archive, config: Config
) -> None:
    first = diagnose(archive, config, DAY, NOW, first_hours)
    again = diagnose(archive, config, DAY, NOW + HOUR, first_hours)

    observed = Outcomes(archive).resolved(DAY, DAY)
    assert first.analyses == first.changed == len(observed) > 10
    assert again.changed == 0
    assert {each.outcome.source for each in observed.values()} == {"analysis"}
    assert observed["lingshan", "starry_sky", "2026-11-20"].happened
    assert not observed["jinding", "sea_of_clouds", "2026-11-20"].happened
    assert observed["jinding", "sea_of_clouds", "2026-11-20"].outcome.state == "open"
    assert not observed["jiangshuihe", "snowfall", "2026-11-20"].happened


def test_an_overcast_night_has_no_stars(archive: Archive, config: Config) -> None:
    diagnose(archive, config, DAY, NOW, overcast)

    assert not Outcomes(archive).resolved()["lingshan", "starry_sky", "2026-11-20"].happened


def test_an_event_that_is_not_over_waits(archive: Archive, config: Config) -> None:
    noon = utc("2026-11-20T04:00")

    diagnose(archive, config, DAY, noon, first_hours)

    assert ("jinding", "sea_of_clouds", "2026-11-20") in Outcomes(archive).resolved()
    assert ("lingshan", "starry_sky", "2026-11-20") not in Outcomes(archive).resolved()


def test_an_unavailable_run_is_named_and_stops_nothing(archive: Archive, config: Config) -> None:
    def gap(cycle: Cycle, now: datetime) -> Atmosphere:
        if cycle.run.hour == 12:
            raise CycleNotReady("not there")
        return first_hours(cycle, now)

    found = diagnose(archive, config, DAY, NOW, gap)

    assert "gfs-2026112012" in found.unavailable
    assert found.analyses > 0
    assert "not available: gfs-2026111912; gfs-2026112012" in str(found)


def test_without_a_run_there_is_no_analysis_and_no_error(archive: Archive, config: Config) -> None:
    def nothing(cycle: Cycle, now: datetime) -> Atmosphere:
        raise CycleNotReady("not there")

    assert diagnose(archive, config, DAY, NOW, nothing).analyses == 0


def test_every_hour_comes_from_the_run_nearest_to_it() -> None:
    """Two runs six hours apart: at the hour they share the newer speaks, but for the sums that it
    lacks at its start.
    """
    older = atmosphere(
        [utc("2026-11-20T00:00") + k * HOUR for k in (0, 3, 6)],
        relative_humidity_at_2m=0.2,
        precipitation_amount=1.0,
    )
    newer = atmosphere(
        [utc("2026-11-20T06:00") + k * HOUR for k in (0, 3, 6)],
        relative_humidity_at_2m=0.8,
        precipitation_amount=2.0,
    )
    newer["precipitation_amount"][0] = np.nan

    both = joined([older, newer])

    assert both.sizes["time"] == 5
    assert both["relative_humidity_at_2m"].isel(
        latitude=0, longitude=0
    ).values.tolist() == pytest.approx([0.2, 0.2, 0.8, 0.8, 0.8])
    assert both["precipitation_amount"].isel(latitude=0, longitude=0).values.tolist() == [
        1,
        1,
        1,
        2,
        2,
    ]
    assert both["precipitation_amount_start"].values[2] == np.datetime64("2026-11-20T03:00")
    assert both["air_temperature"].dims == older["air_temperature"].dims
    assert both["air_temperature"].dtype == np.float32


def test_the_requested_runs_cover_the_events_and_are_available(config: Config) -> None:
    site = config.all_sites()[0]
    almanacs = almanac.almanacs([site], [DAY], config.zone)
    events = phenomena.events([site], [DAY], almanacs, config.phenomena, utc("2026-11-19T00:00"))

    runs = cycles_for(config, events, NOW)

    assert all(run.run <= NOW - config.source.delay_hours * HOUR for run in runs)
    assert all(b.run - a.run == FIRST_HOURS * HOUR for a, b in pairwise(runs))
    assert runs[0].run <= min(event.window.start for event in events)
    assert runs[-1].run + FIRST_HOURS * HOUR >= max(event.window.end for event in events)


def test_each_night_covers_the_last_two_days(archive: Archive, config: Config) -> None:
    assert [each.day for each in nightly(archive, config, NOW, None)] == [
        date(2026, 11, 19),
        date(2026, 11, 20),
    ]


# -- stations


def test_cloud_reports_of_a_clear_night_are_an_outcome_of_stars(
    archive: Archive, config: Config
) -> None:
    found = stations_report(archive, watched(config), hourly("VILLAGE", cloud_area_fraction=0.0))

    [stars] = found["jiangshuihe", "starry_sky"]
    assert (stars.degree, stars.source, stars.reporter, stars.amount) == (
        1.0,
        "station",
        "VILLAGE",
        0.0,
    )


@pytest.mark.parametrize(
    ("low", "cover", "degree"), [(0.9, 0.9, []), (0.0, 0.9, [0.0]), (0.2, 0.2, [1.0])]
)
def test_cloud_over_a_valley_is_none_over_its_site_unless_it_is_high(
    archive: Archive, config: Config, low: float, cover: float, degree: list[float]
) -> None:
    settings = watched(config)
    stations = tuple(
        each.model_copy(update={"elevation_m": 400}) if each.id == "VILLAGE" else each
        for each in settings.observations.stations
    )
    observations = settings.observations.model_copy(update={"stations": stations})
    settings = settings.model_copy(update={"observations": observations})
    reports = hourly("VILLAGE", cloud_area_fraction=cover, low_cloud_area_fraction=low)

    found = stations_report(archive, settings, reports)

    assert [each.degree for each in found.get(("jiangshuihe", "starry_sky"), [])] == degree


def test_a_grey_valley_rules_out_no_glow_above_it(archive: Archive, config: Config) -> None:
    grey = hourly("VALLEY", cloud_area_fraction=1.0, low_cloud_area_fraction=1.0)

    assert ("jinding", "sunset_glow") not in stations_report(archive, watched(config), grey)


def test_doubtful_values_give_no_outcome(archive: Archive, config: Config) -> None:
    assert (
        stations_report(
            archive,
            watched(config),
            hourly("VILLAGE", {"cloud_area_fraction": DOUBTFUL}, cloud_area_fraction=0.0),
        )
        == {}
    )


def test_a_dry_summit_over_a_saturated_valley_is_a_sea_of_clouds(
    archive: Archive, config: Config
) -> None:
    found = stations_report(
        archive,
        watched(config),
        hourly("SUMMIT", relative_humidity=0.3),
        hourly("VALLEY", relative_humidity=0.99),
    )

    [sea] = found["jinding", "sea_of_clouds"]
    assert (sea.state, sea.degree, sea.reporter) == ("sea", 1.0, "SUMMIT")


def test_a_station_in_fog_at_the_summit_is_a_white_wall(archive: Archive, config: Config) -> None:
    fog = hourly("SUMMIT", relative_humidity=0.99, visibility_in_air=50.0)

    found = stations_report(archive, watched(config), fog, hourly("VALLEY", relative_humidity=0.99))

    assert [o.state for o in found["jinding", "sea_of_clouds"]] == ["in_cloud"]


def test_a_distant_station_gives_no_outcome(archive: Archive, config: Config) -> None:
    settings = watched(config)
    [jinding] = [site for site in settings.all_sites() if site.id == "jinding"]
    far = settings.observations.stations[-1].as_station()

    assert (
        stations_report(
            archive, settings, hourly("FAR", relative_humidity=0.99, visibility_in_air=50.0)
        )
        == {}
    )
    assert distance_between(jinding, far) > NEAR
    assert distance_between(
        jinding, replace(far, latitude=41.068, longitude=116.025)
    ) == pytest.approx(111_195, abs=1)


def test_low_cloud_at_sunset_rules_a_glow_out_and_a_clear_horizon_proves_none(
    archive: Archive, config: Config
) -> None:
    grey = stations_report(
        archive,
        watched(config),
        hourly("SUMMIT", cloud_area_fraction=1.0, low_cloud_area_fraction=1.0),
    )

    assert [o.degree for o in grey["jinding", "sunset_glow"]] == [0.0]


def test_high_cloud_alone_leaves_the_glow_open(archive: Archive, config: Config) -> None:
    found = stations_report(
        archive,
        watched(config),
        hourly("SUMMIT", cloud_area_fraction=0.6, low_cloud_area_fraction=0.0),
    )

    assert ("jinding", "sunset_glow") not in found


def test_a_village_under_snow_is_an_outcome_of_snow_cover_and_of_rime(
    archive: Archive, config: Config
) -> None:
    found = stations_report(
        archive, watched(config), hourly("VILLAGE", snow_depth=0.2, present_weather=48.0)
    )

    assert [(o.degree, o.amount) for o in found["jiangshuihe", "snow_cover"]] == [(1.0, 0.2)]
    assert [o.degree for o in found["jiangshuihe", "rime"]] == [1.0]
    assert [o.degree for o in found["jiangshuihe", "snowfall"]] == [0.0]


@pytest.mark.parametrize(
    ("reported", "rime", "cover"),
    [
        ({"rime_observed": 1.0, "ground_state": 13.0}, 1.0, 0.5),  # snow covers the ground evenly
        ({"glaze_observed": 1.0, "ground_state": 11.0}, 0.5, 0.0),  # less than half of it
        ({"rime_observed": 0.0, "glaze_observed": 0.0, "ground_state": 1.0}, 0.0, 0.0),  # moist
        ({"rime_observed": 1.0, "present_weather": 2.0, "snow_depth": 0.0, "ground_state": 13.0},
         1.0, 0.0),  # a measured depth counts before the state
        ({"rime_observed": 2.0, "ground_state": 45.0}, None, None),  # no such codes
    ],
)  # fmt: skip
def test_rime_glaze_and_the_state_of_the_ground_are_outcomes(
    archive: Archive,
    config: Config,
    reported: dict[str, float],
    rime: float | None,
    cover: float | None,
) -> None:
    from forecast.observations.report_checks import range_check
    from forecast.observations.report_table import INDEX, ReportTable

    reports = hourly("VILLAGE", **reported)
    wrong = range_check(ReportTable.of(reports[:1], {}).values)[0]
    flags = {name: WRONG for name in reported if wrong[INDEX[name]]}
    found = stations_report(archive, watched(config), hourly("VILLAGE", flags, **reported))

    degrees = {
        name: [o.degree for o in found.get(("jiangshuihe", name), ())]
        for name in ("rime", "snow_cover")
    }
    assert degrees == {
        "rime": [] if rime is None else [rime], "snow_cover": [] if cover is None else [cover]
    }  # fmt: skip


def test_sunshine_after_sunrise_over_the_terrain_is_an_outcome_of_a_sunrise(
    archive: Archive, config: Config
) -> None:
    found = stations_report(archive, watched(config), hourly("SUMMIT", sunshine_duration=3600.0))

    assert [o.degree for o in found.get(("jinding", "sunrise"), [])] == [1.0]


def test_the_moon_brightens_the_clear_sky_with_which_a_station_is_compared(config: Config) -> None:
    """Full moon of 24 November 2026 (14:53 UTC) high at midnight, new moon of 9 November, when the
    sky is the site's own.
    """
    site = config.all_sites()[0]
    dark, lit = (
        clear_brightness(site, np.array([np.datetime64(f"2026-11-{day}T16:00", "ns")]))[0]
        for day in ("09", "24")
    )

    assert dark == pytest.approx(site.night_sky_brightness, abs=0.1)
    assert dark - lit > 2.5
    assert not math.isnan(lit)


def test_a_station_has_priority_over_the_analysis(archive: Archive, config: Config) -> None:
    Observations(archive).keep(hourly("VILLAGE", cloud_area_fraction=1.0), NOW)

    diagnose(archive, watched(config), DAY, NOW, first_hours)

    observed = Outcomes(archive).resolved()["jiangshuihe", "starry_sky", "2026-11-20"]
    assert (observed.outcome.source, observed.happened, observed.agreed) == (
        "station",
        False,
        False,
    )
