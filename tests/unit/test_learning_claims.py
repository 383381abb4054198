"""What `make science` says of the learning and must not lose, as far as it is quick: the whole of
it takes minutes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.scores import brier, skill
from models.selection import cross_validate, months
from tests.science import gefcom, learning, simulated


@pytest.mark.parametrize(("zone", "hours"), [(1, 3059), (2, 3416)])
def test_a_logistic_alone_has_skill_for_clear_hours_on_months_left_out(
    shared: Path, zone: int, hours: int
) -> None:
    data = gefcom.cases(shared, zone)
    blocks = months(data.day)

    forecast = cross_validate(data, blocks, ("logistic",), count=13).probability[:, 1]

    assert len(data) == hours
    gained = skill(brier(forecast, data.observed), brier(gefcom.climatology(data), data.observed))
    assert gained > 0.42  # the blend has more, and is more reliable: tests/science/gefcom.py


def test_no_feature_of_a_clear_hour_knows_the_output(shared: Path) -> None:
    # The same forecasts with another output: the features must not change.
    before = gefcom.cases(shared, 1)
    day, _, output = gefcom.zone_tables(shared)[1]
    kept = output.copy()
    try:
        output[:] = np.where(output > 0.3, 0.31, output)
        features = gefcom.base_features(shared, 1)
    finally:
        output[:] = kept

    assert "POWER" not in features
    assert not any(name.startswith("POWER") for name in before.names)
    assert len(day) == 395


def test_labels_do_no_harm_on_a_mountain_never_seen(shared: Path) -> None:
    rows = learning.tables(shared)["a mountain left out"]

    rule, labels = rows
    assert rule.scores.cases == labels.scores.cases >= 85
    assert labels.gain[2] > 0  # not worse than the rule by more than chance


def test_labels_of_other_mountains_do_not_move_the_level_of_one(shared: Path) -> None:
    claim = learning.claims(shared)[-1]

    assert "mean forecast at Wunvshan" in claim.what
    assert claim.holds, claim.line()


def test_a_known_truth_is_recovered_and_its_probabilities_are_reliable() -> None:
    error, rule, _, _, within, _ = simulated.recovered()

    assert error < rule / 2
    assert within


def test_partial_pooling_beats_both_extremes_where_sites_differ() -> None:
    lost = simulated.pooling(0.7, trials=4)

    assert lost["partial"] < min(lost["separate"], lost["pooled"])
