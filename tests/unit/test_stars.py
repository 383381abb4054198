"""Does the night's best window lie where a stargazer would go out, and is what hides the stars
counted right?
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.config import Config
from forecast.domain import Atmosphere, Event
from forecast.phenomena import PhenomenonFeatures, stars, weather
from forecast.quantities import FEATURES, STARS
from forecast.science.aerosol import OPTICAL_DEPTH
from forecast.science.almanac import almanacs
from forecast.science.interpolation import Scene
from models.registry import in_force
from models.rule_model import LEAD, USUAL
from tests.skies import SITES, Profile, atmosphere, layer, night, steps

LINGSHAN = SITES["lingshan"]
CLASSIFIER = in_force(Path("none"))["starry_sky"].model
# USNO: 9 Nov 07:02, 24 Nov 14:53, 1 Dec 06:09
NEW_MOON, FULL_MOON, LAST_QUARTER = "2026-11-08", "2026-11-24", "2026-12-01"
DRY: Profile = lambda height: np.full(height.shape, 0.3)  # noqa: E731
CLEAR: Profile = lambda height: np.zeros(height.shape)  # noqa: E731


def night_of(day: str) -> Event:
    return night(LINGSHAN, f"{day}T10:34", f"{day}T21:20")


def derived(
    config: Config, made: Atmosphere, event: Event
) -> tuple[dict[str, np.ndarray], PhenomenonFeatures]:
    scene = Scene(made, (event.site,))
    part = stars.derive((event,), scene, config.phenomena)
    return {**weather.derive((event,), scene, config.phenomena).values, **part.values}, part


def chance(config: Config, day: str, humidity: Profile, cloud: Profile) -> float:
    values, _ = derived(
        config, atmosphere(steps(f"{day}T00:00", 48), humidity=humidity, cloud=cloud), night_of(day)
    )
    return answer(values)


def answer(values: dict[str, np.ndarray]) -> float:
    """Return what the classifier in force says of tonight, at a site starry in 63 % of nights."""
    known = values | {LEAD: np.array([12.0]), USUAL: np.array([0.63])}
    nothing = np.full(1, np.nan)
    columns = [known.get(name, nothing)[0] for name in CLASSIFIER.columns]
    return float(CLASSIFIER.predict_proba(np.array([columns]))[0, 1])


# -- the events


def test_a_night_runs_from_astronomical_dusk_to_dawn(config: Config) -> None:
    day = date(2026, 11, 8)
    almanac = almanacs((LINGSHAN,), (day,), config.zone)[LINGSHAN.id, day]

    (event,) = stars.events(LINGSHAN, day, almanac, config.phenomena)

    assert (event.window.start, event.window.end) == (
        almanac.astronomical_dusk,
        almanac.astronomical_dawn,
    )
    assert event.key == ("lingshan", "starry_sky", "2026-11-08")


def test_there_is_no_starry_night_without_astronomical_darkness_or_where_nobody_asks(
    config: Config,
) -> None:
    day = date(2026, 6, 21)
    north = replace(LINGSHAN, latitude=62.0)
    almanac = almanacs((north,), (day,), config.zone)[north.id, day]

    assert stars.events(north, day, almanac, config.phenomena) == []
    assert (
        stars.events(
            replace(LINGSHAN, phenomena=("rime",)), day, replace(almanac), config.phenomena
        )
        == []
    )


# -- what a forecaster expects


def test_a_clear_moonless_night_is_starry(config: Config) -> None:
    assert chance(config, NEW_MOON, DRY, CLEAR) > 0.97


def test_a_clear_night_under_a_full_moon_is_not(config: Config) -> None:
    assert chance(config, FULL_MOON, DRY, CLEAR) < 0.05


def test_a_night_whose_moon_rises_late_is_starry_before(config: Config) -> None:
    values, _ = derived(
        config, atmosphere(steps(f"{LAST_QUARTER}T00:00", 48), humidity=DRY), night_of(LAST_QUARTER)
    )

    assert chance(config, LAST_QUARTER, DRY, CLEAR) > 0.95
    assert values["moon_altitude"][0] < 5
    assert values["best_start"][0] == np.datetime64(f"{LAST_QUARTER}T10:34")


# Of nights forecast overcast throughout and without rain for tonight, .19 of 32 in moist air and
# .40 of 15 with a dew-point depression of 4-11 K were starry (tests/science/night_sky.py; usual:
# .67): an overcast by a run is no certainty, and the drier the air below it the less.
def test_a_moist_overcast_night_is_unlikely(config: Config) -> None:
    moist: Profile = lambda height: np.full(height.shape, 0.97)  # noqa: E731

    overcast = chance(config, NEW_MOON, moist, layer(2500, 3500))

    assert overcast < 0.3
    assert overcast + 0.1 < chance(config, NEW_MOON, DRY, layer(2500, 3500)) < 0.6


def test_a_night_inside_the_cloud_is_unlikely(config: Config) -> None:
    assert chance(config, NEW_MOON, layer(1000, 3000, 1.0, 0.4), layer(1000, 3000)) < 0.12


def test_a_veil_of_cirrus_spoils_more_than_a_few_wisps(config: Config) -> None:
    veil = chance(config, NEW_MOON, DRY, layer(8000, 11000))
    wisps = chance(config, NEW_MOON, DRY, layer(8000, 11000, 0.15))

    assert veil < 0.55 < 0.98 < wisps


def test_a_sea_of_clouds_below_the_summit_hides_no_star(config: Config) -> None:
    deck = layer(500, 1900, 1.0, 0.3)

    values, _ = derived(
        config,
        atmosphere(steps(f"{NEW_MOON}T00:00", 48), humidity=deck, cloud=layer(500, 1900)),
        night_of(NEW_MOON),
    )

    assert values["low_cloud"][0] == pytest.approx(1.0)
    assert values["cloud_for_stars"][0] == pytest.approx(0.0, abs=0.01)


LAYERS_ALOFT = {"low": (3200, 3600), "medium": (4500, 5500), "high": (8000, 10000)}


@pytest.mark.parametrize("name", LAYERS_ALOFT)
def test_a_night_is_forecast_as_it_is_diagnosed_whichever_layer_covers_it(
    config: Config, name: str
) -> None:
    # given a dark, dry night under more and more of one layer
    event, covers, chances, degrees = night_of(NEW_MOON), np.arange(0.0, 1.01, 0.05), [], []
    for cover in covers:
        made = atmosphere(
            steps(f"{NEW_MOON}T00:00", 24, every=12),
            humidity=DRY,
            cloud=layer(*LAYERS_ALOFT[name], float(cover)),
        )
        values, _ = derived(config, made, event)
        chances.append(answer(values))
        degrees.append(
            stars.diagnose((event,), Scene(made, (LINGSHAN,)), config.phenomena)[0].degree
        )
    reported, visible = np.array(chances), np.array(degrees)

    # then the more cloud the smaller the chance; a whole cover in dry air is not believed wholly
    assert [visible[covers <= 0.201].min(), visible[covers > 0.301].max()] == [1.0, 0.0]
    assert (reported[visible == 1] > 0.98).all()
    assert (reported[visible >= 0.5] > 0.95).all()
    assert reported[-1] < 0.55
    assert (np.diff(reported) < 0.002).all()


def test_two_tenths_is_two_tenths_however_the_model_rounds_it(config: Config) -> None:
    reported = {}
    for cover in (0.199, 0.2, 0.201, 0.21):
        made = atmosphere(
            steps(f"{NEW_MOON}T00:00", 48), humidity=DRY, cloud=layer(8000, 10000, cover)
        )
        values, _ = derived(config, made, night_of(NEW_MOON))
        (visible,) = stars.diagnose(
            (night_of(NEW_MOON),), Scene(made, (LINGSHAN,)), config.phenomena
        )
        reported[cover] = (float(values["clear_hours"][0]), visible.degree)

    night = night_of(NEW_MOON).window
    length = (night.end - night.start) / timedelta(hours=1)  # 10.77 h, its last minutes included
    assert length % 0.5 > 0.1
    whole = (pytest.approx(length, abs=1e-3), 1.0)
    assert reported == {0.199: whole, 0.2: whole, 0.201: (0.0, 0.5), 0.21: (0.0, 0.5)}
    assert chance(config, NEW_MOON, DRY, layer(8000, 10000, 0.2)) == pytest.approx(
        chance(config, NEW_MOON, DRY, layer(8000, 10000, 0.199)), abs=0.01
    )


def test_cirrus_hides_little_starlight_and_still_covers_the_sky(config: Config) -> None:
    # given a night whose second half is under cirrus
    made = atmosphere(
        steps(f"{NEW_MOON}T00:00", 48, every=1), humidity=DRY, cloud=layer(8000, 10000, 0.6)
    )
    cirrus = made["time"] >= np.datetime64(f"{NEW_MOON}T16:00")
    made["cloud_area_fraction_in_atmosphere_layer"] = made[
        "cloud_area_fraction_in_atmosphere_layer"
    ].where(cirrus, 0.0)

    values, _ = derived(config, made, night_of(NEW_MOON))

    # then the best window is the half without, although no more than a fifth of the starlight is
    # lost in the other
    assert values["best_end"][0] <= np.datetime64(f"{NEW_MOON}T16:04")
    assert values["sky_cover"][0] < 0.1


# -- where the data end


def test_no_window_is_given_beyond_the_last_field(config: Config) -> None:
    # given a clear night and a run whose last field stands at 15 UTC
    made = atmosphere(steps(f"{NEW_MOON}T00:00", 15), humidity=DRY)

    values, part = derived(config, made, night_of(NEW_MOON))

    # then the window ends there, cloud is drawn as far, and the clear hours are those that are
    # known
    assert (
        np.datetime64(f"{NEW_MOON}T14:30")
        <= values["best_end"][0]
        <= np.datetime64(f"{NEW_MOON}T15:00")
    )
    assert values["clear_hours"][0] == pytest.approx(4.0)
    drawn = part.evidence["starry_sky"].isel(event=0)
    after = drawn["time"].values > np.datetime64(f"{NEW_MOON}T15:00")
    for name in ("low_cloud", "medium_cloud", "high_cloud", "cloud"):
        assert np.isnan(drawn[name].values[after]).all()
        assert np.isfinite(drawn[name].values[~after]).all()


def test_a_night_after_the_last_field_is_not_known(config: Config) -> None:
    # given a run whose last field stands half an hour before dusk and would be held into the night
    made = atmosphere(steps("2026-11-07T22:00", 12), humidity=DRY)
    event = night_of(NEW_MOON)

    values, part = derived(config, made, event)
    (visible,) = stars.diagnose((event,), Scene(made, (LINGSHAN,)), config.phenomena)

    assert Scene(made, (LINGSHAN,)).covers(np.array([[np.datetime64(f"{NEW_MOON}T11:00")]])).all()
    assert np.isnan(values["sky_cover"][0])
    assert np.isnat(values["best_start"][0])
    assert part.missing[0][0] == "beyond_data"
    assert np.isnan(visible.degree)


def test_how_dark_a_night_becomes_does_not_hang_on_the_forecast_of_cloud(config: Config) -> None:
    # given a gibbous moon that sets at 19:00 UTC (almanac), and a night clear or clouding at 16 UTC
    day = date(2026, 11, 20)
    almanac = almanacs((LINGSHAN,), (day,), config.zone)[LINGSHAN.id, day]
    (event,) = stars.events(LINGSHAN, day, almanac, config.phenomena)
    clear = atmosphere(steps(f"{day}T00:00", 48), humidity=DRY)
    cloud = "cloud_area_fraction_in_atmosphere_layer"
    closing = clear.assign({cloud: clear[cloud] + (clear["time"] >= np.datetime64(f"{day}T16:00"))})

    first, _ = derived(config, clear, event)
    second, _ = derived(config, closing, event)

    # then the best hours differ, and what the almanac knows is the same: 2.6 of 11.0 h without a
    # moon, more while it is low
    assert first["best_start"][0] >= np.datetime64(f"{day}T19:00") > second["best_end"][0]
    for name in ("zenith_sky_brightness", "dark_sky_share", "dark_hours"):
        assert first[name][0] == second[name][0], name
    assert first["zenith_sky_brightness"][0] == pytest.approx(21.5, abs=0.05)
    assert 0.234 < first["dark_sky_share"][0] < 0.7
    whole, _ = derived(
        config, atmosphere(steps(f"{NEW_MOON}T00:00", 48), humidity=DRY), night_of(NEW_MOON)
    )
    full, _ = derived(
        config, atmosphere(steps(f"{FULL_MOON}T00:00", 48), humidity=DRY), night_of(FULL_MOON)
    )
    assert (whole["dark_sky_share"][0], full["dark_sky_share"][0]) == (1.0, 0.0)


# -- where to face


def test_without_a_moon_one_turns_away_from_the_city(config: Config) -> None:
    # given the light of Beijing in the east (90-120 degrees) and dark mountains in the west
    open_site = replace(LINGSHAN, view_sector=(0.0, 360.0))
    assert int(np.argmax(LINGSHAN.sky_glow)) in (3, 4)

    values, _ = derived(
        config,
        atmosphere(steps(f"{NEW_MOON}T00:00", 48)),
        night(open_site, f"{NEW_MOON}T10:34", f"{NEW_MOON}T21:20"),
    )
    westward, _ = derived(config, atmosphere(steps(f"{NEW_MOON}T00:00", 48)), night_of(NEW_MOON))

    assert 200 <= values["darkest_azimuth"][0] <= 330
    assert np.isnan(westward["darkest_azimuth"][0])  # it looks west, where all is equally dark


def test_the_darkest_direction_lies_in_the_view_sector_of_the_site(config: Config) -> None:
    # the city's side: its edge is the least bright
    eastward = replace(LINGSHAN, view_sector=(60.0, 180.0))
    dark = night(eastward, f"{NEW_MOON}T10:34", f"{NEW_MOON}T21:20")

    values, _ = derived(config, atmosphere(steps(f"{NEW_MOON}T00:00", 48)), dark)

    assert values["darkest_azimuth"][0] == 180


def test_without_the_city_s_light_only_the_moon_decides_the_darkest_direction(
    config: Config,
) -> None:
    place = replace(LINGSHAN, sky_glow=(), view_sector=(0.0, 360.0))
    dark = night(place, f"{NEW_MOON}T10:34", f"{NEW_MOON}T21:20")
    # Full moon on 24 November 2026: at 12:00-13:00 UTC it stands in the east over Lingshan.
    moonlit = night(place, f"{FULL_MOON}T10:45", f"{FULL_MOON}T13:00")

    values, _ = derived(config, atmosphere(steps(f"{NEW_MOON}T00:00", 48)), dark)
    lit, _ = derived(config, atmosphere(steps(f"{FULL_MOON}T00:00", 48)), moonlit)

    assert np.isnan(values["darkest_azimuth"][0])
    assert 180 <= lit["darkest_azimuth"][0] <= 360


def test_humid_air_lets_fewer_stars_through(config: Config) -> None:
    damp, _ = derived(
        config,
        atmosphere(steps(f"{NEW_MOON}T00:00", 48), humidity=lambda h: np.full(h.shape, 0.9)),
        night_of(NEW_MOON),
    )
    dry, _ = derived(
        config, atmosphere(steps(f"{NEW_MOON}T00:00", 48), humidity=DRY), night_of(NEW_MOON)
    )

    # Extinction at 2303 m by hand: aerosol .12 e^-1.535 = .0258, at 90 % (.1 / .5)^-.5 = 2.236
    # times: .0319 more.
    assert dry["limiting_magnitude"][0] - damp["limiting_magnitude"][0] == pytest.approx(
        0.032, abs=0.002
    )


# -- outcomes


@pytest.mark.parametrize(
    ("cover", "day", "degree"),
    [
        (0.0, NEW_MOON, 1.0),
        (0.2, NEW_MOON, 1.0),
        (0.21, NEW_MOON, 0.5),
        (0.3, NEW_MOON, 0.5),
        (0.31, NEW_MOON, 0.0),
        (0.5, NEW_MOON, 0.0),
        (0.0, FULL_MOON, 0.0),
    ],
)
def test_a_night_is_diagnosed_by_sky_cover_and_darkness(
    config: Config, cover: float, day: str, degree: float
) -> None:
    # science.md 1: at most 2/10 and a zenith at least as dark as the threshold; in part up to few
    # clouds, 2 okta (WMO-No. 306, code table 2700: up to 2.5 / 8), in whole tenths .3
    made = atmosphere(steps(f"{day}T00:00", 48, every=6), cloud=layer(8000, 11000, cover))

    (outcome,) = stars.diagnose((night_of(day),), Scene(made, (LINGSHAN,)), config.phenomena)

    assert (outcome.phenomenon, outcome.site, outcome.source, outcome.day) == (
        "starry_sky",
        "lingshan",
        "analysis",
        night_of(day).day,
    )
    assert outcome.degree == degree
    assert outcome.amount == pytest.approx(cover, abs=1e-6)


def test_a_diagnosis_counts_no_cloud_below_the_summit_and_knows_when_it_does_not_know(
    config: Config,
) -> None:
    sea = atmosphere(
        steps(f"{NEW_MOON}T00:00", 48), humidity=layer(500, 1900, 1.0, 0.3), cloud=layer(500, 1900)
    )
    before = atmosphere(steps("2026-11-06T00:00", 24))
    event = (night_of(NEW_MOON),)

    (above,) = stars.diagnose(event, Scene(sea, (LINGSHAN,)), config.phenomena)
    (unknown,) = stars.diagnose(event, Scene(before, (LINGSHAN,)), config.phenomena)

    assert above.degree == 1.0
    assert np.isnan(unknown.degree)
    assert unknown.detail == ""


def test_a_station_s_oktas_distinguish_a_clear_night() -> None:
    # WMO code table 2700: 1 okta is 12.5 %, 9 the sky not to be made out; the mean of a night's
    # reports against 2/10.
    okta = np.array(
        [[0, 1, np.nan], [1, 2, 3], [7, 8, 9], [np.nan, np.nan, np.nan], [0, 0, 0], [8, 8, 8]],
        dtype=float,
    )
    brightness = np.array([21.5, 21.5, 21.5, 21.5, 18.5, np.nan])

    assert stars.degree_from_okta(okta, brightness) == pytest.approx(
        [1.0, 0.5, 0.0, np.nan, 0.0, 0.0], nan_ok=True
    )


def test_a_meter_distinguishes_bright_clear_dark_and_clouded_skies() -> None:
    # Lingshan's clear sky is 21.5: 21.4 is clear, 22.4 darker than any clear sky there, 20.5 hazy
    # or lit: unknown; 19 too bright.
    assert stars.degree_from_meter(
        np.array([21.4, 22.4, 20.5, 19.0, np.nan]), np.full(5, 21.5)
    ) == pytest.approx([1.0, 0.0, np.nan, 0.0, np.nan], nan_ok=True)


# -- the numbers


@pytest.mark.parametrize(
    ("base", "top", "hides"), [(2500, 3500, 1.0), (4500, 6500, 0.7), (8000, 11000, 0.3)]
)
def test_a_layer_hides_as_much_as_its_weight_against_low_cloud(
    config: Config, base: float, top: float, hides: float
) -> None:
    values, _ = derived(
        config,
        atmosphere(steps(f"{NEW_MOON}T00:00", 48), cloud=layer(base, top)),
        night_of(NEW_MOON),
    )

    assert values["cloud_for_stars"][0] == pytest.approx(hides)  # science.md 1: .50 / .35 / .15


def test_a_moonless_zenith_is_the_site_s_own(config: Config) -> None:
    values, _ = derived(config, atmosphere(steps(f"{NEW_MOON}T00:00", 48)), night_of(NEW_MOON))

    assert values["zenith_sky_brightness"][0] == pytest.approx(
        LINGSHAN.night_sky_brightness, abs=0.02
    )
    assert values["dark_hours"][0] == pytest.approx(10.77, abs=0.01)
    assert values["clear_hours"][0] == pytest.approx(values["dark_hours"][0])  # to its last minute
    assert values["moon_illumination"][0] < 0.02


def test_the_milky_way_stands_high_on_a_summer_night_and_not_in_november(config: Config) -> None:
    summer = night(LINGSHAN, "2026-07-14T13:40", "2026-07-14T19:00")
    values, _ = derived(config, atmosphere(steps("2026-07-14T00:00", 48)), summer)
    winter, _ = derived(config, atmosphere(steps(f"{NEW_MOON}T00:00", 48)), night_of(NEW_MOON))

    # The core (17 h 46 min, -29.0 degrees) is above 10 degrees for 43.6 degrees (2.9 h) either side
    # of its transit, on 14 July over 115.45 E at 14:33 UTC: from before dusk to 17:27, 3.8 h in
    # whole half hours.
    assert values["milky_way_hours"][0] == pytest.approx(3.5)
    assert winter["milky_way_hours"][0] == 0


def test_the_milky_way_is_not_promised_under_a_full_moon(config: Config) -> None:
    # USNO: full moon on 29 June 2026 at 23:56 UTC, up all night; the core crosses the meridian at
    # 15:32 UTC.
    summer = night(LINGSHAN, "2026-06-29T13:50", "2026-06-29T18:50")

    values, _ = derived(config, atmosphere(steps("2026-06-29T00:00", 48)), summer)

    assert values["milky_way_hours"][0] == 0


def test_the_best_window_is_the_clear_part_of_a_night_that_clouds_over(config: Config) -> None:
    # given a night whose sky closes from 15 UTC on
    made = atmosphere(steps(f"{NEW_MOON}T00:00", 48), cloud=layer(2500, 9000))
    open_sky = made["time"] < np.datetime64(f"{NEW_MOON}T16:00")
    cloud = made["cloud_area_fraction_in_atmosphere_layer"].where(~open_sky, 0.0)

    values, _ = derived(
        config, made.assign(cloud_area_fraction_in_atmosphere_layer=cloud), night_of(NEW_MOON)
    )

    # then one goes out at dusk and is home when it closes
    assert values["best_start"][0] == np.datetime64(f"{NEW_MOON}T10:34")
    assert (
        np.datetime64(f"{NEW_MOON}T14:30")
        <= values["best_end"][0]
        <= np.datetime64(f"{NEW_MOON}T16:30")
    )
    assert values["cloud_for_stars"][0] < 0.2
    assert 4 <= values["clear_hours"][0] <= 6


def test_a_night_shorter_than_the_wanted_hours_has_no_best_window(config: Config) -> None:
    short = night(LINGSHAN, f"{NEW_MOON}T15:00", f"{NEW_MOON}T16:10")

    values, _ = derived(config, atmosphere(steps(f"{NEW_MOON}T00:00", 48)), short)

    assert np.isnat(values["best_start"][0])
    assert np.isfinite(values["cloud_for_stars"][0])


def test_an_overcast_night_has_no_best_window(config: Config) -> None:
    values, _ = derived(
        config,
        atmosphere(steps(f"{NEW_MOON}T00:00", 48), cloud=layer(2500, 9000, 0.8)),
        night_of(NEW_MOON),
    )

    assert values["cloud_for_stars"][0] == pytest.approx(0.8)
    assert np.isnat(values["best_start"][0])
    assert values["clear_hours"][0] == 0


def test_a_mean_over_the_hours_before_the_only_field_still_answers(config: Config) -> None:
    # given one field at 00 UTC, after the night, with cloud as a mean from 18 UTC to then
    means = {f"{name}_type_cloud_area_fraction_mean": 0.05 for name in ("low", "medium", "high")}
    made = atmosphere(steps("2026-11-09T00:30", 0), cloud=None, **means)
    made = made.assign(
        {f"{name}_start": ("time", [np.datetime64(f"{NEW_MOON}T18:00", "ns")]) for name in means}
    )

    # when the features are computed
    scene = Scene(made, (LINGSHAN,))
    common = weather.derive((night_of(NEW_MOON),), scene, config.phenomena)
    values, _ = derived(config, made, night_of(NEW_MOON))

    # then its last hours have features, and the unknown is named
    assert common.missing[0] == ["window_coverage", "layer_cloud_mean_only", "cloud_from_humidity"]
    assert np.isnan(values["temperature_at_site"][0])
    assert values["cloud_for_stars"][0] == pytest.approx(0.05, abs=0.01)
    assert values["best_start"][0] >= np.datetime64(f"{NEW_MOON}T18:00")


def test_a_window_does_not_cross_what_is_not_known() -> None:
    score = np.array([[1.0, 1.0, np.nan, 2.0, 2.0, 2.0, 1.9, 0.1]])

    chosen, found = stars.best_run(score, 3)

    assert found.tolist() == [True]
    assert chosen.tolist() == [[False, False, False, True, True, True, True, False]]
    assert not stars.best_run(score[:, :3], 3)[1].any()


def test_every_feature_of_stars_is_there_and_within_its_limits(config: Config) -> None:
    values, part = derived(config, atmosphere(steps(f"{NEW_MOON}T00:00", 48)), night_of(NEW_MOON))

    # what a single run does not have is added at issue (forecast/issue/night_evidence.py)
    own = {name for name, feature in FEATURES.items() if feature.phenomena == STARS}
    assert own - {"sky_cover_before"} <= set(part.values)
    for name in part.values.keys() - {"best_start", "best_end", "night_rain_probability"}:
        absent = FEATURES[name].may_be_absent and np.isnan(values[name][0])
        assert absent or FEATURES[name].low <= values[name][0] <= FEATURES[name].high, name
    assert list(part.missing) == [["aerosol_estimated"]]


def test_aerosol_that_the_run_carries_stands_for_the_estimate(config: Config) -> None:
    made = atmosphere(steps(f"{NEW_MOON}T00:00", 48), humidity=DRY)
    hazy = made.assign(
        {
            OPTICAL_DEPTH: (
                made["surface_altitude"].dims,
                np.full(made["surface_altitude"].shape, 0.8, dtype=np.float32),
            )
        }
    )

    estimated, _ = derived(config, made, night_of(NEW_MOON))
    measured, part = derived(config, hazy, night_of(NEW_MOON))

    # By hand: 1.0857 x .8 x exp(-2303 / 1500) = .187 mag against the background's .12 x exp(-2303 /
    # 1500) = .026, ground at the sea.
    assert list(part.missing) == [[]]
    ground = float(made["surface_altitude"].values.flat[0])
    above = np.exp(-(2303 - max(ground, 0.0)) / 1500)
    dimmer = estimated["limiting_magnitude"][0] - measured["limiting_magnitude"][0]
    assert dimmer == pytest.approx(1.0857 * 0.8 * above - 0.12 * np.exp(-2303 / 1500), abs=0.01)


def test_a_night_without_a_clear_hour_has_no_best_window(config: Config) -> None:
    values, _ = derived(
        config,
        atmosphere(steps(f"{NEW_MOON}T00:00", 48), cloud=layer(2500, 9000, 0.25)),
        night_of(NEW_MOON),
    )

    # few clouds, yet more than 2/10
    assert values["cloud_for_stars"][0] == pytest.approx(0.25, abs=0.01)
    assert values["clear_hours"][0] == 0
    assert np.isnat(values["best_start"][0])


def test_the_chart_covers_the_night_from_before_sunset_to_after_sunrise(config: Config) -> None:
    _, part = derived(config, atmosphere(steps(f"{NEW_MOON}T00:00", 48)), night_of(NEW_MOON))

    drawn = part.evidence["starry_sky"].isel(event=0)
    sun = drawn["sun_altitude"].values
    assert drawn["row"].item() == 0
    assert sun[0] > 5 < sun[-1]
    assert sun.min() < -50
    assert all(drawn[name].dtype == np.float32 for name in drawn if name != "time")
    assert drawn["sky_brightness"].values[0] < 10 < 21 < drawn["sky_brightness"].values.max()


@pytest.mark.parametrize(
    ("okta", "degree"),
    [
        # the mean of a clear hour and nine: a sky obscured counts as 8 of 8
        ([0.0, 0.0, 0.0, 8.0], 0.5),
        ([0.0, 0.0, 0.0, 9.0], 0.5),
        ([0.0, 0.0, 0.0, 0.0, 8.0], 1.0),  # a fifth is clear
        ([0.0, 0.0, 0.0, 0.0, 9.0], 1.0),
        ([2.0, 2.0], 0.5),  # few clouds
        ([2.0, 3.0], 0.0),  # 31 %
        ([3.0], 0.0),
        ([4.0, 4.0], 0.0),
    ],
)
def test_an_obscured_sky_counts_as_overcast_and_no_more(okta: list[float], degree: float) -> None:
    """WMO-No. 306, code table 2700; clear up to 2/10 and partly to 3/10."""
    assert stars.degree_from_okta(np.array([okta]), np.array([21.5]))[0] == degree
