"""What if: what follows from a change, by hand arithmetic, and what the model makes of it."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.config import Config
from forecast.domain import Cycle, Event, Features, RunForecasts, Window
from forecast.errors import Conflict
from forecast.issue.what_if import KNOBS, Question
from forecast.phenomena import changed_air
from forecast.phenomena.light_path import DISTANCE, HEIGHTS
from forecast.quantities import FEATURES, feature_column
from forecast.science.light import CELL, CLOUD_LENGTH, AirSection
from forecast.service.web.soundings import Profile, pressure_at
from models.prediction import Models, open_models

RUN = datetime(2026, 11, 22, tzinfo=UTC)
GRADES = (0.1, 0.3, 0.5, 0.7)
# a filled valley under a clear sky: a deck at 1800 m below a site at 2303 m
DECK = {
    "gap_to_deck": 503.0, "deck_top": 1800.0, "deck_base": 1400.0, "valley_area_filled": 0.6,
    "valley_fill": 0.3, "cloud_at_site": 0.0, "humidity_at_site": 0.3, "humidity_below": 0.9,
    "humidity_above": 0.3, "humidity_700": 0.3, "cloud_above_site": 0.0, "night_cloud": 0.0,
    "temperature_at_site": 270.0, "ground_fog": 0.0, "unplaced_deck": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def models() -> Models:
    return open_models()


def question(config: Config, phenomenon: str, values: dict[str, float], **site: Any) -> Question:
    """Return a question about one event with these features."""
    import dataclasses

    place = dataclasses.replace(config.all_sites()[0], **site)
    start = RUN + timedelta(hours=20)
    event = Event(
        phenomenon, place, date(2026, 11, 23), Window(start, start + timedelta(hours=4)), start
    )
    columns = {name: feature_column(name, [values.get(name, math.nan)]) for name in FEATURES}
    nothing = xr.Variable(("event",), np.array([np.datetime64("NaT", "ns")]))
    table = xr.Dataset(columns | {"best_start": nothing, "best_end": nothing})
    features = Features((event,), table, ((),))
    run = RunForecasts(Cycle(RUN), features, ())
    prepared: Any = SimpleNamespace(leading_run=lambda _: run, cycle=Cycle(RUN), issued=RUN)
    return Question(prepared, event.key)


def after(asked: Question, changes: dict[str, float], models: Models) -> float:
    return asked.answer(changes, models, GRADES).after.probability


def test_nothing_changed_is_what_the_model_said(config: Config, models: Models) -> None:
    asked = question(config, "sea_of_clouds", DECK)

    answer = asked.answer({}, models, GRADES)

    assert answer.before == answer.after
    assert answer.before.probability > 0.5


def test_a_deck_that_rises_above_the_viewer_ends_the_sea(config: Config, models: Models) -> None:
    asked = question(config, "sea_of_clouds", DECK)

    chances = [after(asked, {"deck_top": top}, models) for top in (1800.0, 2200.0, 2500.0)]

    assert chances[0] > 0.5
    assert chances[2] < 0.2
    assert chances == sorted(chances, reverse=True)


def test_the_tops_height_decides_which_ground_is_hidden(config: Config) -> None:
    """The ground lies evenly from 1000 to 2000 m: under a top at 1500 m half of it, at 1250 m a
    quarter; the deck's cover, .6 of the part below 1800 m (.8), stays .75.
    """
    asked = question(
        config, "sea_of_clouds", DECK, valley_heights=(1000.0, 2000.0), valley_elevation=1000.0
    )

    for top, filled in ((1500.0, 0.5 * 0.75), (1250.0, 0.25 * 0.75)):
        features, _ = asked._changed({"deck_top": top})
        values = {name: float(features.table[name].values[0]) for name in DECK}

        assert values["gap_to_deck"] == 2303.0 - top
        assert values["valley_area_filled"] == pytest.approx(filled, abs=1e-9)
        assert values["cloud_at_site"] == 0.0


def test_a_viewer_under_the_top_stands_in_the_cloud(config: Config) -> None:
    features, _ = question(config, "sea_of_clouds", DECK)._changed({"deck_top": 2600.0})

    assert float(features.table["cloud_at_site"].values[0]) >= 0.5
    assert float(features.table["gap_to_deck"].values[0]) == -297.0


def test_dry_air_in_the_valley_has_the_dew_point_of_magnus(config: Config) -> None:
    """At 270 K and 50 % the dew point lies 9.1 K lower: Bolton 1980, eq. 11."""
    vapour = 0.5 * 6.112 * math.exp(17.67 * (270.0 - 273.15) / (270.0 - 29.65))
    ratio = math.log(vapour / 6.112)
    dew = 243.5 * ratio / (17.67 - ratio) + 273.15

    features, _ = question(config, "sea_of_clouds", DECK)._changed({"humidity_below": 0.5})

    found = float(features.table["valley_dew_point_depression"].values[0])
    assert found == pytest.approx(270.0 - dew, abs=0.1)


def test_more_cloud_never_makes_more_stars(config: Config, models: Models) -> None:
    clear = {
        "sky_cover": 0.05, "cloud_for_stars": 0.05, "night_sky_cover": 0.05, "dark_hours": 11.0,
        "evening_sky_cover": 0.05, "morning_sky_cover": 0.05, "clear_hours": 11.0,
        "zenith_sky_brightness": 21.5, "humidity_at_site": 0.3, "temperature_at_site": 265.0,
        "night_clear_share": 1.0, "night_dew_point_depression": 9.0, "night_rain": 0.0,
        "moon_illumination": 0.0,
    }  # fmt: skip
    asked = question(config, "starry_sky", clear)

    chances = [after(asked, {"sky_cover": cover}, models) for cover in (0.0, 0.3, 0.6, 1.0)]

    assert chances == sorted(chances, reverse=True)
    assert chances[0] > chances[-1] + 0.3


def test_every_phenomenon_has_something_to_move(config: Config) -> None:
    for phenomenon, knobs in KNOBS.items():
        assert knobs, phenomenon
        assert {each.name for each in knobs} <= FEATURES.keys() | changed_air.PARTS.keys()


@pytest.mark.parametrize(
    "changes", [{"gust": 1.0}, {"deck_top": 99_999.0}, {"humidity_below": -0.1}]
)
def test_what_cannot_be_is_refused(
    config: Config, models: Models, changes: dict[str, float]
) -> None:
    with pytest.raises(Conflict):
        question(config, "sea_of_clouds", DECK).answer(changes, models, GRADES)


# -- air along a light path


def section(low: float = 0.0) -> AirSection:
    """Return clear air over flat ground, with low cloud of a cover at 1 to 2 km."""
    shape = (1, DISTANCE.size, HEIGHTS.size)
    cloudy = (HEIGHTS > 1000) & (HEIGHTS < 2000)
    cover = np.where(cloudy, low, 0.0) * np.ones(shape)
    haze = np.full(shape, 1e-5)
    known = np.ones(shape[:2], dtype=bool)
    cloud = np.where(cover > 0, 0.01, 0.0)
    return AirSection(DISTANCE, cover, cloud, haze, np.zeros(shape[:2]), known)


def test_a_layers_cover_changes_in_its_part_of_the_path_only() -> None:
    changed = changed_air.with_cover(section(0.4), "cloud_far", 0.8)

    inside = (DISTANCE >= 225e3) & (DISTANCE <= 375e3)
    cloudy = (HEIGHTS > 1000) & (HEIGHTS < 2000)
    assert changed_air.cover_of(changed, "cloud_far") == pytest.approx([0.8])
    assert changed.cover[0][inside][:, cloudy] == pytest.approx(0.8)
    np.testing.assert_array_equal(changed.cover[0][~inside], section(0.4).cover[0][~inside])
    # the layer's opacity: .01 m-1 at .4 is so many times that of opaque elements; it stays so
    times = 0.01 / (-math.log(1 - 0.4) / CLOUD_LENGTH)
    assert changed.cloud[0][inside][:, cloudy] == pytest.approx(
        times * -math.log(1 - 0.8) / CLOUD_LENGTH
    )


def test_cloud_comes_where_there_was_none_and_goes() -> None:
    assert changed_air.cover_of(changed_air.with_cover(section(), "low_cloud", 0.5), "low_cloud")
    gone = changed_air.with_cover(section(0.9), "low_cloud", 0.0)

    assert changed_air.cover_of(gone, "low_cloud") == pytest.approx([0.0])


def test_haze_has_the_depth_that_was_asked_for() -> None:
    changed = changed_air.with_aerosol(section(), 0.4)

    assert changed.aerosol[0, 0].sum() * CELL == pytest.approx(0.4)


# -- the sounding


def test_the_sites_pressure_is_that_between_two_levels() -> None:
    """Halfway between 1000 and 900 hPa in height: their geometric mean, 948.68 hPa."""
    values = np.array([0.0, 1000.0])
    profile = Profile(np.array([1e5, 9e4]), values, values, values, values, values)

    assert pressure_at(profile, 500.0) == pytest.approx(94868.3, abs=0.1)
    assert math.isnan(pressure_at(profile, 1500.0))
