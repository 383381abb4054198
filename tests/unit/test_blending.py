"""Do several runs and models make one forecast, with their spread?"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import xarray as xr

from forecast.config import Config
from forecast.domain import ContributingRun, Cycle, Event, Features, Forecast, RunForecasts, Window
from models.blending import blend, ensemble, mean_features, shares_of
from models.lead import SCALES

RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
GRADES = (0.10, 0.30, 0.50, 0.70)
NAN = float("nan")


def a_forecast(
    config: Config, probability: float, model: str = "gfs", hours: int = 0, **more: object
) -> Forecast:
    event = Event(
        "sea_of_clouds",
        config.all_sites()[0],
        date(2026, 11, 23),
        Window(RUN + timedelta(hours=21), RUN + timedelta(hours=26)),
    )
    return Forecast(
        event, Cycle(RUN + timedelta(hours=hours), model), RUN, probability, 1, "rule-1", **more
    )  # type: ignore[arg-type]


def run_of(
    forecast: Forecast, values: tuple[float, ...] = (1.0,), members: int = 1
) -> RunForecasts:
    features = Features((forecast.event,), xr.Dataset({"gust": ("event", np.array(values))}), ((),))
    return RunForecasts(forecast.cycle, features, (forecast,), members)


def test_models_have_equal_weight_however_many_runs_they_have(config: Config) -> None:
    gfs, ifs = a_forecast(config, 0.2, hours=6), a_forecast(config, 0.8, "ifs")
    earlier = {gfs.event.key: (ContributingRun(Cycle(RUN, "gfs"), 0.4, 0.0),)}

    (blended,) = blend([run_of(gfs), run_of(ifs)], earlier, {}, GRADES)

    # By hand: a run's worth is the square of what its lead leaves it, 15 h and 21 h before. A model
    # weighs by the worth of its newest run, shared among its runs by theirs.
    new, old = (worth(hours) ** 2 for hours in (15, 21))
    gfs_share = new / (new + old)
    assert [(v.cycle.id, v.weight) for v in blended.contributing_runs] == [
        ("gfs-2026112206", pytest.approx(gfs_share * new / (new + old))),
        ("ifs-2026112200", pytest.approx(old / (new + old))),
        ("gfs-2026112200", pytest.approx(gfs_share * old / (new + old))),
    ]
    weights = [v.weight for v in blended.contributing_runs]
    assert sum(weights) == pytest.approx(1)
    assert blended.probability == pytest.approx(np.dot(weights, [0.2, 0.8, 0.4]), abs=0.005)
    assert blended.grade == 4
    assert (blended.spread.low, blended.spread.high, blended.spread.cycles) == (0.2, 0.8, 3)  # type: ignore[union-attr]


def worth(hours: float) -> float:
    """Return what a forecast of a sea of clouds keeps so many hours ahead."""
    scale = SCALES["sea_of_clouds"]
    return math.exp(-((hours / 24 / scale.days) ** scale.shape))


def test_an_older_run_weighs_less_the_further_ahead_it_was(config: Config) -> None:
    """Four runs of one model, a day apart: by hand as before, and each less than the next."""
    newest = a_forecast(config, 0.5)
    earlier = tuple(
        ContributingRun(Cycle(RUN - timedelta(days=days), "gfs"), 0.5, 0.0) for days in (1, 4, 8)
    )

    (blended,) = blend([run_of(newest)], {newest.event.key: earlier}, {}, GRADES)

    weights = [v.weight for v in blended.contributing_runs]
    by_hand = np.array([worth(21 + 24 * days) ** 2 for days in (0, 1, 4, 8)])
    assert weights == pytest.approx(by_hand / by_hand.sum())
    assert weights == sorted(weights, reverse=True)
    assert weights[3] < 0.1


def test_a_run_contributes_once(config: Config) -> None:
    gfs = a_forecast(config, 0.2)

    (blended,) = blend(
        [run_of(gfs)], {gfs.event.key: (ContributingRun(gfs.cycle, 0.9, 0.0),)}, {}, GRADES
    )

    assert blended.probability == 0.2
    assert len(blended.contributing_runs) == 1


def test_what_the_leading_run_does_not_know_another_gives(config: Config) -> None:
    gfs, ifs = a_forecast(config, NAN), a_forecast(config, 0.6, "ifs", quantities={"gust": 4.0})

    (blended,) = blend([run_of(gfs), run_of(ifs)], {}, {}, GRADES)

    assert (blended.probability, blended.cycle, blended.quantities) == (
        0.6,
        gfs.cycle,
        {"gust": 4.0},
    )


def test_what_no_run_knows_stays_unknown(config: Config) -> None:
    gfs, ifs = a_forecast(config, NAN), a_forecast(config, NAN, "ifs")

    (blended,) = blend([run_of(gfs), run_of(ifs)], {}, {}, GRADES)

    assert not blended.known
    assert blended.contributing_runs == ()


def test_the_states_of_a_morning_still_add_to_one(config: Config) -> None:
    first = a_forecast(
        config, 0.5, states={"sea": 0.5, "in_cloud": 0.1, "overcast": 0.1, "open": 0.3}
    )
    second = a_forecast(
        config, 0.1, "ifs", states={"sea": 0.1, "in_cloud": 0.5, "overcast": 0.2, "open": 0.2}
    )

    (blended,) = blend(
        [run_of(first), run_of(second)], {}, {"sea_of_clouds": {"gfs": 3.0, "ifs": 1.0}}, GRADES
    )

    # 0.75 x 0.5 + 0.25 x 0.1 = 0.4
    assert blended.states["sea"] == pytest.approx(blended.probability) == pytest.approx(0.4)
    assert sum(blended.states.values()) == pytest.approx(1.0)


def test_an_ensemble_has_the_mean_of_its_members_and_lacks_what_most_of_them_lack(
    config: Config,
) -> None:
    members = [a_forecast(config, p, "gefs") for p in (0.1, 0.4, 0.7)]
    features = [run_of(m, (v,)).features for m, v in zip(members, (1.0, 3.0, NAN), strict=True)]

    run = ensemble(
        [RunForecasts(m.cycle, f, (m,)) for f, m in zip(features, members, strict=True)],
        RunForecasts(
            members[0].cycle, mean_features(features), (replace(members[0], probability=0.3),)
        ),
    )

    assert run.forecasts[0].probability == pytest.approx(0.4)
    assert run.members == 3
    assert run.features.table["gust"].values.tolist() == [2.0]
    assert np.isnan(mean_features([features[0], features[2], features[2]]).table["gust"].values[0])


def test_shares_follow_the_scores_slowly() -> None:
    # 60 cases each: (60 x 0.10 + 60 x 0.15) / 120 = 0.125 and 0.175 after shrinking to the mean
    # 0.15: shares 1.2 and 0.857.
    shares = shares_of({"gfs": (0.20, 60), "ifs": (0.10, 60), "new": (0.01, 5)})

    assert shares["ifs"] == pytest.approx(1.2)
    assert shares["gfs"] == pytest.approx(0.15 / 0.175)
    assert shares["new"] == 1.0  # five cases are too few
    assert shares_of({"gfs": (0.2, 500)}) == {}


def test_a_model_without_any_error_so_far_has_no_share_of_its_own() -> None:
    """An inverse of nothing is no weight: the others are left, and alone they have no rival."""
    assert shares_of({"gfs": (0.0, 500), "ifs": (0.2, 500)}) == {}
    assert shares_of({"gfs": (0.0, 500), "ifs": (0.2, 500), "cma": (0.2, 500)}) == {
        "gfs": 1.0,
        "ifs": pytest.approx(1.0),
        "cma": pytest.approx(1.0),
    }
