"""Is the weather of a window that of the site's true height, and is what was missing named?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast.config import Config
from forecast.domain import Atmosphere, Event
from forecast.phenomena import PhenomenonFeatures, weather
from forecast.quantities import EVERY, FEATURES
from forecast.science import thermodynamics
from forecast.science.interpolation import Scene
from tests.skies import SITES, atmosphere, dawn, layer, lifted, standard_temperature, steps

LINGSHAN = SITES["lingshan"]
MORNING = dawn(LINGSHAN, "2026-11-08T22:48")
RUN = steps("2026-11-08T00:00", 48)


def derived(config: Config, made: Atmosphere, *events: Event) -> PhenomenonFeatures:
    events = events or (MORNING,)
    return weather.derive(
        events, Scene(made, tuple({e.site.id: e.site for e in events}.values())), config.phenomena
    )


def test_every_common_feature_is_there_and_within_its_limits(config: Config) -> None:
    part = derived(config, atmosphere(RUN))

    assert set(part.values) == {
        name for name, feature in FEATURES.items() if feature.phenomena == EVERY
    } - {"forecast_period", "climatological_frequency"}  # of the run and the site, not the weather
    for name, values in part.values.items():
        assert FEATURES[name].low <= values[0] <= FEATURES[name].high, name
    assert list(part.missing) == [[]]


def test_temperature_is_read_at_the_true_height_and_not_at_the_model_s_ground(
    config: Config,
) -> None:
    part = derived(config, atmosphere(RUN, ground=1200.0))

    # ISO 2533 at 2303 m; linear between levels 500 m apart errs by nothing where the lapse is
    # constant.
    assert part.values["temperature_at_site"][0] == pytest.approx(288.15 - 0.0065 * 2303, abs=0.05)
    assert part.values["temperature_minimum"][0] == pytest.approx(
        part.values["temperature_maximum"][0]
    )


def test_levels_under_the_model_s_ground_are_not_believed(config: Config) -> None:
    # given saturated air wherever the model has no air: the levels below its ground at 1500 m
    made = atmosphere(
        RUN,
        humidity=layer(0, 1500, 1.0, 0.3),
        cloud=layer(0, 1500, 1.0, 0.0),
        ground=1500.0,
        relative_humidity_at_2m=0.3,
    )

    # when a site below that ground is requested
    low = lifted(LINGSHAN, 1400.0, 1200.0)
    part = derived(config, made, replace(MORNING, site=low))

    # then it reads the air above the ground
    assert part.values["humidity_at_site"][0] == pytest.approx(0.3, abs=0.01)
    assert part.values["cloud_at_site"][0] == pytest.approx(0.0)


def test_a_site_below_the_model_s_ground_is_warmer_by_the_lapse_rate_and_unknown_if_too_deep(
    config: Config,
) -> None:
    made = atmosphere(RUN, ground=1500.0)
    near, deep = (
        replace(MORNING, site=replace(lifted(LINGSHAN, height, height), id=f"at{height:.0f}"))
        for height in (1302.0, 900.0)
    )

    part = derived(config, made, near, deep)

    expected = standard_temperature(np.array([1502.0]))[0] + 0.0065 * 200
    assert part.values["temperature_at_site"][0] == pytest.approx(expected, abs=0.01)
    assert np.isnan(part.values["temperature_at_site"][1])


def test_a_gust_is_at_least_the_wind_at_the_summit(config: Config) -> None:
    part = derived(config, atmosphere(RUN, wind_speed_of_gust=1.0))

    assert part.values["gust"][0] == pytest.approx(3.0)


def test_wind_chill_is_the_coldest_of_the_window(config: Config) -> None:
    part = derived(config, atmosphere(RUN))

    felt = thermodynamics.wind_chill(
        part.values["temperature_minimum"], part.values["wind_speed_at_site"]
    )
    assert part.values["wind_chill"] == pytest.approx(felt)
    assert part.values["wind_chill"][0] < part.values["temperature_minimum"][0]


def test_a_window_partly_beyond_the_run_is_marked(config: Config) -> None:
    # ends at 00 UTC, the window at 01:48
    part = derived(config, atmosphere(steps("2026-11-08T00:00", 24)))

    assert part.missing[0] == ["window_coverage"]
    assert np.isfinite(part.values["temperature_at_site"][0])


def test_a_day_beyond_the_run_has_no_number_at_all(config: Config) -> None:
    part = derived(
        config, atmosphere(steps("2026-11-08T00:00", 24)), dawn(LINGSHAN, "2026-11-12T22:48")
    )

    assert part.missing[0] == ["beyond_data"]
    assert all(np.isnan(values[0]) for values in part.values.values())


def test_a_site_outside_the_grid_has_no_number_at_all(config: Config) -> None:
    part = derived(config, atmosphere(RUN), replace(MORNING, site=replace(LINGSHAN, latitude=52.0)))

    assert part.missing[0] == ["beyond_data"]
    assert all(np.isnan(values[0]) for values in part.values.values())


def test_a_field_that_is_not_there_is_named(config: Config) -> None:
    part = derived(config, atmosphere(RUN, visibility_in_air=np.nan, precipitation_amount=np.nan))

    assert part.missing[0] == ["field:visibility_in_air", "field:precipitation_amount"]
    assert np.isnan(part.values["visibility"][0])
    assert np.isnan(part.values["precipitation"][0])


def test_cloud_read_from_humidity_is_named(config: Config) -> None:
    part = derived(config, atmosphere(RUN, humidity=layer(1500, 3000, 0.9625, 0.3), cloud=None))

    assert part.missing[0] == ["cloud_from_humidity"]
    assert part.values["low_cloud"][0] == pytest.approx(0.5)  # Sundqvist at 96.25 %


def test_cloud_known_only_as_a_mean_over_time_is_named(config: Config) -> None:
    means = {f"{name}_type_cloud_area_fraction_mean": 0.4 for name in ("low", "medium", "high")}
    made = atmosphere(RUN, cloud=None, **means)
    starts = made["precipitation_amount_start"].values
    made = made.assign({f"{name}_start": ("time", starts) for name in means})

    part = derived(config, made)

    assert part.missing[0] == ["layer_cloud_mean_only", "cloud_from_humidity"]
    assert part.values["low_cloud"][0] == pytest.approx(0.4)


def test_precipitation_is_what_falls_in_the_window(config: Config) -> None:
    part = derived(config, atmosphere(RUN, precipitation_amount=3.0))  # 3 kg m-2 in every 3 hours

    assert part.values["precipitation"][0] == pytest.approx(4.5)  # the window is 4.5 h long


def test_one_field_in_time_serves_three_hours_either_side(config: Config) -> None:
    part = derived(config, atmosphere(steps("2026-11-09T00:00", 0)))

    assert part.missing[0] == ["window_coverage"]
    assert np.isfinite(part.values["humidity_at_site"][0])


def test_the_longest_stretch_is_the_first_of_the_longest_and_nothing_of_no_moments() -> None:
    good = np.array([[1, 1, 0, 1, 1, 1], [1, 0, 1, 1, 0, 0], [0, 1, 1, 0, 1, 1], [0] * 6], bool)

    assert weather.longest_stretch(good).astype(int).tolist() == [
        [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0], [0, 1, 1, 0, 0, 0], [0] * 6,
    ]  # fmt: skip
    for shape in ((0, 5), (3, 0), (0, 0)):
        assert weather.longest_stretch(np.zeros(shape, dtype=bool)).shape == shape
