"""Glow and sunrise: obstacles in the light path, and results beyond the run's fields."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.phenomena import PhenomenonFeatures, glow
from forecast.phenomena.glow_geometry import geometry_of
from forecast.science.aerosol import OPTICAL_DEPTH
from forecast.science.interpolation import Scene, as_times
from forecast.settings import PhenomenonSettings
from tests.horizons import Cover, around, canvas, clear, event, wall

SETTINGS = PhenomenonSettings()
CLEAR_WEST = canvas(cover=0.6, base=8000, top=9500, reach=120_000)


def look(cover: Cover, phenomenon: str, site: str) -> PhenomenonFeatures:
    """Return the features of one event under a test atmosphere."""
    chosen = event(phenomenon, site)
    assert chosen.centre is not None
    return glow.derive(
        [chosen], Scene(around(chosen.site, chosen.centre, cover), [chosen.site]), SETTINGS
    )


def test_low_cloud_within_150_km_hides_the_disk_from_zhaojiawa_and_farther_cloud_does_not() -> None:
    # the line of sight from 600 m to the disk on the plain's horizon, 0.7 degrees down, is 1 km up
    # 150 km away, 3 km up 250 km away
    near, far = (
        look(wall(*reach, top=1500, base=500), "sunrise", "zhaojiawa")
        for reach in ((30e3, 150e3), (250e3, 650e3))
    )

    assert near.values["disk_transmission"][0] < 0.01
    assert near.values["obstacle_distance"][0] <= 150e3
    assert np.isnat(near.values["best_start"][0])
    assert far.values["disk_transmission"][0] > 0.95
    assert np.isnan(far.values["obstacle_distance"][0])


def test_haze_within_150_km_hides_the_disk_from_zhaojiawa_and_the_same_farther_off_does_not() -> (
    None
):
    chosen = event("sunrise", "zhaojiawa")
    assert chosen.centre is not None
    air = around(chosen.site, chosen.centre, clear)
    eastward = air.longitude - chosen.site.longitude
    # 1.5 degrees of longitude are 140 km along the azimuth of November; seven tenths of the haze on
    # the way lie nearer
    hazy = [
        (air["visibility_in_air"] * 0 + 0.5).where(part, 0.03)
        for part in (eastward < 1.5, eastward > 1.5)
    ]

    near, far = (
        glow.derive([chosen], Scene(air.assign({OPTICAL_DEPTH: d}), [chosen.site]), SETTINGS)
        for d in hazy
    )

    assert near.values["disk_transmission"][0] < 0.01
    assert far.values["disk_transmission"][0] > 0.9


def test_haze_far_along_the_light_path_counts_and_a_gap_in_its_field_is_named() -> None:
    chosen = event()
    assert chosen.centre is not None
    air = around(chosen.site, chosen.centre, CLEAR_WEST)
    westward = chosen.site.longitude - air.longitude
    field = air["visibility_in_air"] * 0 + 0.1
    clean, far_haze, gap = (
        glow.derive([chosen], Scene(air.assign({OPTICAL_DEPTH: depth}), [chosen.site]), SETTINGS)
        for depth in (field, field.where(westward < 2, 0.8), field.where(westward < 2))
    )

    # over the site
    assert far_haze.values["aerosol_optical_depth"][0] == pytest.approx(0.1, rel=1e-6)
    assert far_haze.values["glow_quality"][0] < 0.9 * clean.values["glow_quality"][0]
    assert far_haze.values["glow_end"][0] < clean.values["glow_end"][0]
    assert "aerosol_estimated" not in far_haze.missing[0]
    assert "aerosol_estimated" in gap.missing[0]
    assert np.isfinite(gap.values["glow_quality"][0])


def ending(
    minutes: int, phenomenon: str = "sunset_glow", site: str = "lingshan"
) -> PhenomenonFeatures:
    """The good evening in a run whose last field stands some minutes after the crossing of the
    horizon.
    """
    chosen = event(phenomenon, site)
    assert chosen.centre is not None
    air = around(chosen.site, chosen.centre, CLEAR_WEST if phenomenon != "sunrise" else clear)
    last = as_times([chosen.centre])[0] + np.timedelta64(minutes, "m")
    return glow.derive(
        [chosen],
        Scene(air.assign_coords(time=[last - np.timedelta64(3, "h"), last]), [chosen.site]),
        SETTINGS,
    )


def test_a_field_held_beyond_the_run_gives_the_quality_but_not_the_time() -> None:
    held, within = ending(-30), ending(60)

    assert held.values["glow_quality"][0] == pytest.approx(
        within.values["glow_quality"][0], rel=1e-6
    )
    assert "window_coverage" in held.missing[0]
    assert "window_coverage" not in within.missing[0]
    for name in ("glow_onset", "glow_peak", "glow_end", "minutes_of_colour"):
        assert np.isnan(held.values[name][0])
        assert np.isfinite(within.values[name][0])
    assert np.isnat(held.values["best_start"][0])
    assert np.isnat(held.values["best_end"][0])
    drawn = held.evidence["sunset_glow"].isel(event=0)
    assert not np.isfinite(
        drawn["quality"].values[
            drawn["time"].values > held.evidence["sunset_glow"]["time"].values.min()
        ][-20:]
    ).any()


def test_the_minutes_of_the_first_and_the_last_field_belong_to_the_run() -> None:
    chosen = event("sunset_glow", "lingshan")
    assert chosen.centre is not None
    air = around(chosen.site, chosen.centre, clear)
    minutes = geometry_of([chosen], Scene(air, [chosen.site])).minutes[0]
    edges = minutes[[10, 20]]

    found = geometry_of([chosen], Scene(air.assign_coords(time=edges), [chosen.site])).outside[0]

    assert np.flatnonzero(~found).tolist() == list(range(10, 21))


def test_a_window_that_runs_out_of_the_data_is_not_given() -> None:
    # colour lasts from some minutes after sunset to a quarter of an hour after it; the last field
    # stands 8 minutes after sunset
    part = ending(8)

    assert np.isnat(part.values["best_end"][0])
    assert np.isfinite(part.values["glow_quality"][0])


def test_a_run_that_ends_more_than_half_a_step_before_has_no_answer() -> None:
    part = ending(-150)

    assert np.isnan(part.values["glow_quality"][0])
    assert part.missing == [["beyond_data"]]


def test_a_disk_in_the_held_hours_has_a_chance_and_no_window() -> None:
    part = ending(-40, "sunrise", "zhaojiawa")

    assert part.values["disk_transmission"][0] > 0.9
    assert np.isnat(part.values["best_start"][0])
    assert "window_coverage" in part.missing[0]
