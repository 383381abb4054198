"""Glow and sunrise: skies with a known answer, windows, and what is named as missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import xarray as xr

from forecast.config import read_config
from forecast.domain import Atmosphere, Cycle
from forecast.phenomena import PhenomenonFeatures, glow, light_chances
from forecast.phenomena.light_path import FINE_PARTICLES
from forecast.quantities import FEATURES, LEAST_GLOW
from forecast.science.aerosol import OPTICAL_DEPTH
from forecast.science.almanac import almanacs
from forecast.science.ephemeris import sun_position
from forecast.science.interpolation import Scene, as_times
from forecast.settings import PhenomenonSettings
from models.rule_model import PhysicsRule
from tests.conftest import PROJECT
from tests.horizons import DAY, Cover, around, both, canvas, clear, event, wall
from tests.skies import SITES, utc

SETTINGS = PhenomenonSettings()
CLEAR_WEST = canvas(cover=0.6, base=8000, top=9500, reach=120_000)


@pytest.fixture(autouse=True)
def many_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the probabilities of known skies to their values, not to the luck of 64 draws."""
    monkeypatch.setattr(light_chances, "DRAWS", 1024)


def look(
    cover: Cover, phenomenon: str = "sunset_glow", site: str = "lingshan", **more: float
) -> PhenomenonFeatures:
    """Return the features of one event under a test atmosphere."""
    chosen = event(phenomenon, site)
    assert chosen.centre is not None
    return glow.derive(
        [chosen], Scene(around(chosen.site, chosen.centre, cover, **more), [chosen.site]), SETTINGS
    )


def probability(part: PhenomenonFeatures, phenomenon: str = "sunset_glow") -> float:
    """Return the rule's probability of an event of tonight that usually comes at a quarter."""
    rule = PhysicsRule(phenomenon).ready()
    known = {"forecast_period": 6.0, "climatological_frequency": 0.25}
    values = [known.get(name, part.values.get(name, [np.nan])[0]) for name in rule.columns]
    return float(rule.predict_proba(np.array([values]))[0, 1])


def test_high_cloud_with_a_clear_west_glows() -> None:
    part = look(CLEAR_WEST)

    # science.md 3: high cloud of 40-80 % is best; it reddens after sunset and is out when the sun
    # is 3.7 degrees down
    assert part.values["glow_probability"][0] > 0.6
    assert probability(part) > 1.5 * 0.25
    assert part.values["glow_quality"][0] > 0.4
    assert part.values["canvas_cover"][0] == pytest.approx(0.6, abs=0.05)
    assert part.values["canvas_height"][0] == pytest.approx(8000, abs=750)  # half a level of 50 hPa
    assert np.isnan(part.values["obstacle_distance"][0])
    centre = as_times([event().centre])[0]
    assert centre < part.values["best_end"][0] < centre + np.timedelta64(20, "m")
    assert 5 <= part.values["minutes_of_colour"][0] <= 25


def test_a_deep_wall_of_cloud_at_300_km_spoils_it_and_is_named() -> None:
    part = look(both(CLEAR_WEST, wall(240_000, 360_000, 11_500)))

    assert probability(part) < 0.65 * 0.25
    assert part.values["glow_quality"][0] < 0.25 * look(CLEAR_WEST).values["glow_quality"][0]
    assert part.values["obstacle_distance"][0] == pytest.approx(300_000, abs=75_000)
    assert part.values["obstacle_height"][0] == pytest.approx(11_500, abs=1000)


def test_a_clear_sky_has_nothing_to_paint() -> None:
    part = look(clear)

    assert part.values["glow_quality"][0] == 0
    assert part.values["minutes_of_colour"][0] == 0
    assert np.isnat(part.values["best_start"][0])
    assert np.isnan(part.values["canvas_height"][0])
    assert probability(part) < 0.5 * 0.25


def test_low_overcast_hides_it() -> None:
    # science.md 3: low cloud overhead above 50 % is fatal
    part = look(both(CLEAR_WEST, wall(-1, 120_000, 2600)))

    assert part.values["view_clearance"][0] == 0
    assert part.values["glow_quality"][0] == 0
    assert probability(part) < 0.1


def test_haze_dulls_it() -> None:
    clean, hazy = look(CLEAR_WEST, humidity=0.3), look(CLEAR_WEST, humidity=0.93)

    assert hazy.values["aerosol_optical_depth"][0] > 2 * clean.values["aerosol_optical_depth"][0]
    assert hazy.values["glow_quality"][0] < 0.6 * clean.values["glow_quality"][0]
    assert "aerosol_estimated" in hazy.missing[0]


def test_cirrus_without_an_edge_stays_grey() -> None:
    # the light has to come in under the cloud's far edge, at most 2 sqrt(2 h R') = 690 km away, in
    # practice nearer
    part = look(canvas(cover=0.8, reach=1e7))

    assert part.values["glow_quality"][0] < 0.1


def test_an_edge_300_km_away_is_as_good_as_a_near_one_and_one_at_600_km_is_not() -> None:
    # worked out by hand in tests/science/glow.py: cloud at 8 km glows as well to 400 km, half as
    # well at 525 km
    near, far, farther = (
        look(canvas(cover=0.8, reach=reach)).values["glow_quality"][0]
        for reach in (120_000, 300_000, 600_000)
    )

    assert far > 0.85 * near
    assert farther < 0.5 * near


def test_middle_cloud_of_a_third_glows_under_a_clear_west_and_closed_or_hazy_it_does_not() -> None:
    third = look(canvas(0.35, 4000, 5000, 90_000))
    closed = look(canvas(1.0, 4000, 5000, 90_000))
    hazy = look(canvas(0.35, 4000, 5000, 90_000), humidity=0.93)

    assert third.values["glow_quality"][0] > glow.PARTLY
    assert closed.values["glow_quality"][0] < 0.5 * third.values["glow_quality"][0]
    assert hazy.values["glow_quality"][0] < LEAST_GLOW


def test_sunrise_looks_east() -> None:
    part = look(CLEAR_WEST, "sunrise_glow")

    assert 90 < part.values["sun_azimuth"][0] < 130  # November
    assert probability(part, "sunrise_glow") > 1.5 * 0.25
    assert part.values["best_start"][0] < as_times([event("sunrise_glow").centre])[0]


def test_the_disk_is_visible_over_a_clear_plain_and_not_through_a_bank_of_cloud() -> None:
    over_plain = look(clear, "sunrise", "zhaojiawa")
    through_bank = look(wall(60_000, 200_000, 4000), "sunrise", "zhaojiawa")

    assert over_plain.values["disk_probability"][0] > 0.8
    assert probability(over_plain, "sunrise") > 3 * 0.25
    assert probability(through_bank, "sunrise") < 0.1 * 0.25
    assert 60_000 <= through_bank.values["obstacle_distance"][0] <= 200_000


def test_a_haze_like_beijings_hides_the_disk_at_the_horizon_and_shows_it_higher_up() -> None:
    # visibility 10 km on the plain: 3.912 / 10 km over 76 km of slant is an optical depth far
    # beyond 17, where 1.6e9 cd m-2 fade
    part = look(clear, "sunrise", "zhaojiawa", humidity=0.97)

    assert part.values["disk_transmission"][0] < 0.1
    shown = part.evidence["sunrise"]["transmission"].isel(event=0).values
    assert np.nanmax(shown) > 0.9


def test_high_cloud_far_away_does_not_hide_a_disk_that_is_visible_below_it() -> None:
    assert (
        look(canvas(base=9000, top=11_000), "sunrise", "zhaojiawa").values["disk_transmission"][0]
        > 0.9
    )


def test_windows_run_from_3_degrees_up_to_6_degrees_down() -> None:
    chosen = event()
    ends = as_times([chosen.window.start, chosen.window.end])

    altitude, _ = sun_position(ends, chosen.site.latitude, chosen.site.longitude)

    assert altitude == pytest.approx([3.0, -6.0], abs=0.25)  # a minute is 0.18 degrees
    assert chosen.centre is not None
    assert chosen.window.start < chosen.centre < chosen.window.end


def test_a_site_has_only_the_events_of_its_phenomena() -> None:
    site = replace(SITES["lingshan"], phenomena=("sunrise",))
    almanac = almanacs([site], [DAY], ZoneInfo("Asia/Shanghai"))[site.id, DAY]

    chosen = glow.events(site, DAY, almanac, SETTINGS)

    assert [e.phenomenon for e in chosen] == ["sunrise"]
    assert chosen[0].centre == almanac.terrain_sunrise


def test_there_is_no_event_where_the_sun_does_not_set() -> None:
    site = replace(SITES["lingshan"], latitude=75.0)
    summer = DAY.replace(month=6, day=21)
    almanac = almanacs([site], [summer], ZoneInfo("Asia/Shanghai"))[site.id, summer]

    assert glow.events(site, summer, almanac, SETTINGS) == []


def test_a_path_that_leaves_the_data_is_named_and_one_that_is_mostly_outside_is_not_answered() -> (
    None
):
    whole, short, shorter = (look(CLEAR_WEST, reach_degrees=reach) for reach in (8.5, 5.0, 2.0))

    assert whole.values["light_path_coverage"][0] == 1
    assert "light_path" not in whole.missing[0]
    assert 0.5 < short.values["light_path_coverage"][0] < 0.95
    assert "light_path" in short.missing[0]
    assert np.isfinite(short.values["glow_quality"][0])
    assert shorter.values["light_path_coverage"][0] < 0.5
    assert np.isnan(shorter.values["glow_quality"][0])
    assert np.isnan(probability(shorter))
    # the sun is known all the same
    assert shorter.values["sun_azimuth"][0] == whole.values["sun_azimuth"][0]


def test_a_day_beyond_the_run_is_named_and_not_answered() -> None:
    chosen = event()
    late = around(chosen.site, utc("2026-11-20T09:00"), CLEAR_WEST)

    part = glow.derive([chosen], Scene(late, [chosen.site]), SETTINGS)

    assert part.missing == [["beyond_data"]]
    assert np.isnan(part.values["glow_quality"][0])
    assert np.isnat(part.values["best_start"][0])


def test_cloud_derived_from_humidity_is_named() -> None:
    chosen = event()
    assert chosen.centre is not None
    air = around(chosen.site, chosen.centre, CLEAR_WEST).drop_vars(
        "cloud_area_fraction_in_atmosphere_layer"
    )

    part = glow.derive([chosen], Scene(air, [chosen.site]), SETTINGS)

    assert "cloud_from_humidity" in part.missing[0]
    assert part.values["canvas_cover"][0] == 0  # 40 % humidity


def test_cloud_known_by_layers_only_is_laid_on_the_levels_and_named() -> None:
    chosen = event()
    assert chosen.centre is not None
    air = around(chosen.site, chosen.centre, clear).drop_vars(
        "cloud_area_fraction_in_atmosphere_layer"
    )
    # the high layer's air is moist at 300-400 hPa
    wet = (air.level <= 40000) & (air.level >= 30000)
    air["relative_humidity"] = air["relative_humidity"].where(~wet, 0.9)
    for layer, cover in (("low", 0.0), ("medium", 0.0), ("high", 0.6)):
        air[f"{layer}_type_cloud_area_fraction"] = air["visibility_in_air"] * 0 + cover

    part = glow.derive([chosen], Scene(air, [chosen.site]), SETTINGS)

    assert "cloud_from_layers" in part.missing[0]
    assert "cloud_from_humidity" not in part.missing[0]
    assert part.values["canvas_cover"][0] == pytest.approx(0.6, abs=0.01)
    assert 7000 < part.values["canvas_height"][0] < 9500  # 350-300 hPa


def with_surface(name: str, value: float) -> PhenomenonFeatures:
    """The good evening with one more field of the surface."""
    chosen = event()
    assert chosen.centre is not None
    air = around(chosen.site, chosen.centre, CLEAR_WEST)
    air[name] = air["visibility_in_air"] * 0 + value
    return glow.derive([chosen], Scene(air, [chosen.site]), SETTINGS)


def test_a_known_optical_depth_is_taken_as_it_is_and_no_longer_missing() -> None:
    clean, hazy = (with_surface(OPTICAL_DEPTH, depth) for depth in (0.08, 0.8))

    assert clean.values["aerosol_optical_depth"][0] == pytest.approx(0.08, rel=1e-6)
    assert hazy.values["aerosol_optical_depth"][0] == pytest.approx(0.8, rel=1e-6)
    assert "aerosol_estimated" not in clean.missing[0]
    # science.md 3: below .3 good, above .6-1.0 poor
    assert hazy.values["glow_quality"][0] < 0.4 * clean.values["glow_quality"][0]


def test_fine_particles_thicken_the_estimated_haze() -> None:
    # 75 ug m-3, the limit of a lightly polluted day in GB 3095: 4 m2 g-1 over 2 km are 0.6, swollen
    # by 40 % of humidity to 0.77
    part = with_surface(FINE_PARTICLES, 75e-9)

    assert part.values["aerosol_optical_depth"][0] == pytest.approx(0.77, abs=0.05)
    assert "aerosol_estimated" in part.missing[0]


def test_onset_peak_and_end_follow_each_other_and_bound_the_best_window() -> None:
    part = look(CLEAR_WEST)
    onset, peak, end = (part.values[name][0] for name in ("glow_onset", "glow_peak", "glow_end"))
    centre = as_times([event().centre])[0]

    assert onset <= peak < end
    assert abs((part.values["best_end"][0] - centre) / np.timedelta64(1, "m") - end) <= 0.5
    assert end - onset == part.values["minutes_of_colour"][0]


def test_a_glow_that_no_cloud_ends_goes_out_in_the_shadow_of_the_ground() -> None:
    over_sea, over_plateau = look(CLEAR_WEST), look(CLEAR_WEST, surface_altitude=1400.0)

    # from cloud at 7.7 km the grazing point lies sqrt(2 h R') = 340 km on, seen from the point 30
    # km towards the sun; over a plateau nearer
    assert over_sea.values["shadow_distance"][0] == pytest.approx(370e3, abs=15e3)
    assert over_sea.values["shadow_height"][0] == 0
    assert over_plateau.values["shadow_distance"][0] < over_sea.values["shadow_distance"][0]
    assert over_plateau.values["shadow_height"][0] == pytest.approx(1400, abs=1)


def test_a_low_bank_that_ends_the_glow_early_is_named_instead() -> None:
    part = look(both(CLEAR_WEST, wall(240_000, 360_000, 3500)))

    assert part.values["glow_end"][0] < look(CLEAR_WEST).values["glow_end"][0]
    assert 240e3 <= part.values["obstacle_distance"][0] <= 360e3
    # half a level of 50 hPa
    assert part.values["obstacle_height"][0] == pytest.approx(3500, abs=800)
    assert np.isnan(part.values["shadow_distance"][0])


def test_the_colour_of_the_best_minute_is_warm() -> None:
    red, green, blue = (
        look(CLEAR_WEST).values[name][0] for name in ("glow_red", "glow_green", "glow_blue")
    )

    assert 1 >= red > green > blue > 0


def test_a_ridge_in_front_shades_a_low_canvas_and_not_a_high_one() -> None:
    # a ridge 10 degrees high: 880 m above the viewer at 5 km
    chosen = event()
    assert chosen.centre is not None
    site = replace(chosen.site, horizon=(10.0,) * 72)
    low, high = canvas(0.6, 3000, 4000, 20_000), canvas(0.6, 8000, 9500, 20_000)

    found = {}
    for name, cover in (("low", low), ("high", high)):
        air = around(chosen.site, chosen.centre, cover)
        for ground, place in (("open", chosen.site), ("ridge", site)):
            part = glow.derive([replace(chosen, site=place)], Scene(air, [place]), SETTINGS)
            found[name, ground] = part.values["canvas_light"][0]

    assert found["low", "ridge"] < 0.8 * found["low", "open"]
    assert found["high", "ridge"] == pytest.approx(found["high", "open"], rel=1e-6)


def test_a_far_canvas_behind_the_terrain_is_not_visible() -> None:
    chosen = event()
    assert chosen.centre is not None
    # cloud at 7.7 km stands 10 degrees high 30 km away
    site = replace(chosen.site, horizon=(20.0,) * 72)
    air = around(chosen.site, chosen.centre, CLEAR_WEST)

    hidden = glow.derive([replace(chosen, site=site)], Scene(air, [site]), SETTINGS)

    assert hidden.values["view_clearance"][0] < 0.4 * look(CLEAR_WEST).values["view_clearance"][0]


def test_an_analysis_distinguishes_a_glow_from_none_and_has_no_outcome_beyond_its_data() -> None:
    chosen = event()
    assert chosen.centre is not None
    scenes = {
        name: Scene(around(chosen.site, chosen.centre, cover), [chosen.site])
        for name, cover in (("good", CLEAR_WEST), ("none", clear))
    }

    reported = {name: glow.diagnose([chosen], scene, SETTINGS)[0] for name, scene in scenes.items()}

    assert reported["good"].degree == 1
    assert reported["none"].degree == 0
    assert reported["good"].source == "analysis"
    assert reported["good"].amount > 0.4
    beyond = glow.diagnose(
        [chosen],
        Scene(around(chosen.site, utc("2026-11-20T09:00"), clear), [chosen.site]),
        SETTINGS,
    )[0]
    assert np.isnan(beyond.degree)
    assert "beyond_data" in beyond.detail


def test_a_station_can_rule_a_glow_out_but_not_in() -> None:
    degrees = glow.degree_from_station(np.array([1.0, 0.0, 0.2]), np.array([0.5, 0.05, 0.6]))

    assert degrees[:2].tolist() == [0, 0]  # overcast below; nothing to paint
    assert np.isnan(degrees[2])
    assert glow.degree_from_sunshine(np.array([25.0, 8.0]))[:2].tolist() == [1, 0.5]
    assert np.isnan(glow.degree_from_sunshine(np.array([0.0]))[0])


def test_thin_ice_hides_less_than_the_water_cloud_that_fills_the_same_boxes() -> None:
    chosen = event()
    assert chosen.centre is not None

    def with_water(liquid: float, ice: float) -> Atmosphere:
        air = around(
            chosen.site, chosen.centre, both(CLEAR_WEST, wall(240_000, 360_000, 7400, 4000))
        )
        cover = air["cloud_area_fraction_in_atmosphere_layer"]
        bank = cover["level"] > 40000  # [Pa] below the canvas, which keeps its ice
        return air.assign(
            cloud_liquid_water_mixing_ratio=cover * xr.where(bank, liquid, 0.0),
            cloud_ice_mixing_ratio=cover * xr.where(bank, ice, 1e-5),
        )

    # extinction 3 q rho / (2 rho_w r): 5e-6 m-1 for the ice, 1.6e-2 m-1 for the water; over 120 km
    # optical depths of 0.6 and 2000
    thin, thick = (
        glow.derive([chosen], Scene(with_water(*q), [chosen.site]), SETTINGS)
        for q in ((0.0, 1.5e-7), (2e-4, 0.0))
    )

    assert thin.values["minutes_of_colour"][0] > thick.values["minutes_of_colour"][0]
    assert thin.values["glow_quality"][0] > thick.values["glow_quality"][0]


def test_many_events_at_once_give_what_each_gives_alone() -> None:
    chosen = [
        event(name, site)
        for site in ("lingshan", "jinding")
        for name in ("sunset_glow", "sunrise_glow")
    ]
    first = around(
        SITES["lingshan"], utc("2026-11-21T12:00"), both(CLEAR_WEST, wall(240_000, 360_000, 9000))
    )
    air = xr.concat(
        [first.assign_coords(time=first.time + np.timedelta64(h, "h")) for h in range(0, 25, 3)],
        dim="time",
    )
    scene = Scene(air, [SITES["lingshan"], SITES["jinding"]])

    together = glow.derive(chosen, scene, SETTINGS)

    for row, one in enumerate(chosen):
        alone = glow.derive([one], scene, SETTINGS)
        for name in ("glow_quality", "canvas_light", "minutes_of_colour", "light_path_coverage"):
            assert together.values[name][row] == pytest.approx(alone.values[name][0], rel=1e-9)


def test_features_and_evidence_keep_their_promises() -> None:
    part = look(CLEAR_WEST)

    drawn = part.evidence["sunset_glow"]

    for name, values in part.values.items():
        if name in FEATURES and np.isfinite(values[0]):
            assert FEATURES[name].low <= values[0] <= FEATURES[name].high, name
    assert drawn["cloud"].dims == ("event", "distance", "height")
    assert drawn["ray_height"].dims == ("event", "ray", "distance")
    assert {"time", "sun_altitude", "quality", "red", "green", "blue"} <= set(drawn.data_vars)
    assert drawn["distance"].values[[0, -1]].tolist() == [0, 690_000]
    assert drawn["height"].values[[0, -1]].tolist() == [0, 14_000]
    assert drawn["row"].values.tolist() == [0]
    colours = drawn[["red", "green", "blue"]].to_array().values
    assert ((colours >= 0) & (colours <= 1)).all()
    best = int(drawn["quality"].values[0].argmax())
    assert drawn["red"].values[0, best] > 1.5 * drawn["blue"].values[0, best]


@pytest.mark.shared
def test_at_kasprowy_on_4_august_2020_the_deck_at_the_summit_hides_the_lit_cirrus(
    gfs_tree: Path,
) -> None:
    # GFS 2020-08-04 12Z + 6 h, read by eye in its own cross-section: 60-80 % of cloud at 1-2 km
    # over Kasprowy (1987 m), a deck of 90-98 % at 2-3.5 km for 400 km up the sun's azimuth, cirrus
    # of 90 % at 9 km overhead, ending 250 km away
    from forecast.ingest import sources
    from forecast.ingest.grib import reader

    config = read_config(PROJECT / "tests" / "settings" / "tatra.yaml", {})
    sites, cycle = config.all_sites(), Cycle(utc("2020-08-04T12:00"))
    files = [
        gfs_tree / "gfs.20200804" / "12" / "atmos" / f"gfs.t12z.pgrb2.0p25.f{step:03d}"
        for step in (0, 6, 12)
    ]
    scene = Scene(reader.read_atmosphere(files, cycle, sources.needs_of(config, sites)), sites)
    day = cycle.run.date()
    by_day = almanacs(sites, [day], config.zone)
    chosen = [
        e
        for site in sites
        for e in glow.events(site, day, by_day[site.id, day], SETTINGS)
        if e.phenomenon == "sunset_glow"
    ]

    part = glow.derive(chosen, scene, SETTINGS)

    assert part.values["canvas_cover"][0] > 0.8
    assert part.values["canvas_height"][0] == pytest.approx(8500, abs=1000)
    assert part.values["glow_quality"][0] < 0.05
    assert part.values["sun_azimuth"][0] == pytest.approx(297.5, abs=0.5)
    assert chosen[0].centre is not None
    # data/README: sunset at 18:13 UTC
    assert abs(chosen[0].centre - utc("2020-08-04T18:13")) < timedelta(minutes=2)
    assert "light_path" in part.missing[0]  # the file ends at 13 E, 540 km away
    assert part.values["light_path_coverage"][1] < 0.4  # Sniezka: 215 of 600 km
    assert np.isnan(part.values["glow_quality"][1])


@pytest.mark.parametrize("name", ["relative_humidity", "geopotential_height"])
def test_a_run_without_a_field_that_the_light_needs_names_it(name: str) -> None:
    chosen = event()
    assert chosen.centre is not None
    air = around(chosen.site, chosen.centre, CLEAR_WEST).drop_vars(name)

    part = glow.derive([chosen], Scene(air, [chosen.site]), SETTINGS)

    assert part.missing[0] == [f"field:{name}"]
    assert np.isnan(part.values["glow_quality"][0])


def test_cirrus_of_summer_above_200_hpa_is_a_canvas() -> None:
    high = look(canvas(0.6, 12_300, 13_900, 90e3))

    # half-way between the levels of 200 and 150 hPa: 12.7 km
    assert high.values["canvas_height"][0] == pytest.approx(12_600, abs=400)
    assert high.values["glow_quality"][0] > 0.4


def test_under_a_clear_sky_the_red_light_reaches_the_cloud_and_behind_a_wall_it_does_not() -> None:
    free, shut = (
        look(cover).values["canvas_light"][0]
        for cover in (CLEAR_WEST, both(CLEAR_WEST, wall(100e3, 600e3, 14_000)))
    )

    # haze as on the clean day that it is held against; the canvas itself stands in the first rays
    assert free > 0.9
    assert shut < 0.01


def test_a_glow_ten_days_ahead_is_as_likely_as_usual_whatever_is_forecast() -> None:
    chosen = event()
    assert chosen.centre is not None
    for cover in (CLEAR_WEST, clear):
        near = look(cover)
        air = around(chosen.site, chosen.centre, cover)
        times = air.time.values
        began = air.isel(time=[0, *range(len(times))]).assign_coords(
            time=[times[0] - np.timedelta64(40, "D"), *times]
        )
        far = glow.derive([chosen], Scene(began, [chosen.site]), SETTINGS)

        for part in (near, far):
            assert 0.3 < part.values["climate_glow_probability"][0] < 0.5  # above the low cloud
        assert far.values["glow_probability"][0] == far.values["climate_glow_probability"][0]
        assert abs(near.values["glow_probability"][0] - 0.4) > 0.15
        assert far.values["glow_quality"][0] == near.values["glow_quality"][0]
        assert probability(far) == pytest.approx(0.25, abs=0.005)


def test_the_same_event_has_the_same_probability_in_every_run_of_the_program() -> None:
    first, second = (look(CLEAR_WEST).values["glow_probability"][0] for _ in range(2))
    both_phenomena, centre = [event(), event("sunrise_glow")], event().centre
    assert centre is not None
    air = around(event().site, centre, CLEAR_WEST)
    together = glow.derive(both_phenomena, Scene(air, [event().site]), SETTINGS)

    assert first == second == together.values["glow_probability"][0]
