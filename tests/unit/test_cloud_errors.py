"""Errors of forecast cloud: correlation by lead, climate of the draws, what is fixed."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.phenomena.light_path import DISTANCE
from forecast.science import cloud_errors
from forecast.science.cloud_errors import (
    correlation_at,
    covers_of,
    deviates_of,
    drawn_covers,
    standard_errors,
)

KEYS = [f"lingshan/sunset_glow/2026-11-{day}" for day in range(10, 26)]


def test_forecast_and_true_cloud_part_with_the_lead_as_measured() -> None:
    # night_cloud, around dusk and dawn (make science, glow_errors): .83 on the day, .72, .59, .42,
    # .26, .15
    lead = np.array([9, 33, 81, 129, 177, 249])
    assert correlation_at(lead) == pytest.approx([0.83, 0.72, 0.59, 0.42, 0.26, 0.15], abs=0.035)
    assert correlation_at(np.array([-5.0]))[0] == correlation_at(np.array([0.0]))[0]


def test_without_a_forecast_the_draws_are_the_climate_of_cloud() -> None:
    errors = standard_errors(KEYS, 256, DISTANCE)
    forecast = np.random.default_rng(1).random((len(KEYS), DISTANCE.size, 3))

    drawn = drawn_covers(forecast, errors, np.zeros((len(KEYS), DISTANCE.size)))

    assert np.array_equal(drawn, covers_of(errors))
    for layer, climate in enumerate(cloud_errors.LAYER_CLIMATE):
        for cover, part in climate[:-1]:
            assert (drawn[:, :, layer] <= cover + 1e-6).mean() == pytest.approx(part, abs=0.02)


def test_a_perfect_forecast_of_some_cloud_is_drawn_as_it_is() -> None:
    errors = standard_errors(KEYS[:1], 32, DISTANCE)
    forecast = np.full((1, DISTANCE.size, 3), 0.3)
    known = np.ones((1, DISTANCE.size))

    drawn = drawn_covers(forecast, errors, known)

    # .22 at .7 of the time, .51 at .8; .19 at .6, .34 at .7; .29 at .6, .54 at .7
    # what is left is the width of a class: no cloud at all is one value of many deviates
    assert np.median(drawn, axis=(0, 1, 3)) == pytest.approx([0.3] * 3, abs=0.12)
    assert deviates_of(forecast[:, :1])[0, 0] == pytest.approx([0.61, 0.45, 0.26], abs=0.01)


def test_errors_are_alike_nearby_and_in_neighbouring_layers_and_differ_far_off() -> None:
    errors = standard_errors(KEYS, 256, DISTANCE)

    def alike(first: np.ndarray, second: np.ndarray) -> float:
        return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])

    assert errors.std() == pytest.approx(1, abs=0.03)
    # e^-(distance / 300 km)
    assert alike(errors[..., 0], errors[..., 4]) == pytest.approx(np.exp(-60 / 300), abs=0.02)
    assert alike(errors[..., 0], errors[..., 20]) == pytest.approx(np.exp(-1), abs=0.03)
    assert alike(errors[:, :, 0], errors[:, :, 1]) == pytest.approx(0.40, abs=0.04)
    assert alike(errors[:, :, 0], errors[:, :, 2]) == pytest.approx(0.27, abs=0.04)
    assert alike(errors[:, :, 1], errors[:, :, 2]) == pytest.approx(0.44, abs=0.04)


def test_the_errors_of_an_event_hang_on_its_name_alone() -> None:
    together, alone = standard_errors(KEYS, 16, DISTANCE), standard_errors(KEYS[3:4], 16, DISTANCE)

    assert np.array_equal(together[3], alone[0])
    assert not np.array_equal(together[3], together[4])


def test_draws_are_spread_evenly_and_each_alone_is_normal() -> None:
    keys = [f"event {number}" for number in range(400)]
    errors = standard_errors(keys, 16, DISTANCE[:9])
    means, first = errors.mean(axis=(1, 3)), errors[:, 0]  # (event, layer), one draw of each event

    # of 16 draws by chance alone the mean strays by 1 / sqrt(16)
    assert means.std() < 0.25 / 2
    assert np.abs(means.mean(axis=0)).max() < 0.02
    assert first.mean() == pytest.approx(0, abs=0.08)
    assert first[:, 0, 0].std() == pytest.approx(1, abs=0.08)
    # a third of a normal variable lies beyond one standard deviation
    assert (np.abs(first[:, 0, 0]) > 1).mean() == pytest.approx(0.317, abs=0.06)
