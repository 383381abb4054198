"""Where do the limits of a selection begin: how many cases a tree gets, a validation reads?"""

from __future__ import annotations

import numpy as np
import pytest

from models import selection
from models.selection import fit_kind, thinned
from tests.unit.test_training import labelled


def test_only_a_forest_of_more_cases_than_a_tree_may_have_draws_that_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = labelled(400)

    whole = fit_kind("forest", data).estimator
    monkeypatch.setattr(selection, "MOST_IN_TREE", 200)
    drawn = fit_kind("forest", data).estimator
    boosted = fit_kind("boosting", data).estimator

    assert whole.max_samples is None
    assert drawn.max_samples == 200
    assert not hasattr(boosted, "max_samples")


@pytest.mark.parametrize(("days", "kept"), [(100, 100), (101, 51), (1000, 100)])
def test_of_more_days_than_wanted_whole_days_are_left_out_evenly(days: int, kept: int) -> None:
    """One case a day, 100 at most: of 101 every second, of 1000 every tenth."""
    day = np.datetime64("2025-01-01") + np.arange(days)

    found = thinned(day, len(day), most=100)

    assert len(found) == kept
    assert (np.diff(found) == -(-days // 100)).all()
