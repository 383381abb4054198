"""Is a forecast worth what its confidence says? (`make science`, confidence)"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.science import confidence, lead


@pytest.mark.shared
def test_every_confidence_has_the_skill_that_it_stands_for(shared: Path) -> None:
    claims = confidence.claims(shared)

    assert [claim.line() for claim in claims if claim.holds is False] == []
    assert sum(claim.holds is True for claim in claims) > 25


@pytest.mark.shared
def test_forecasts_without_skill_are_found_out(shared: Path) -> None:
    """With what came shuffled among the nights, neither high nor medium confidence holds."""
    _, cases = confidence.judged(shared)["starry_sky"]
    nights, place = np.unique(cases.night, return_inverse=True)
    came = np.zeros(len(nights), dtype=bool)
    came[place] = cases.observed
    shuffled = replace(cases, observed=np.random.default_rng(2).permutation(came)[place])

    found = confidence.by_confidence("starry_sky", "the rule", shuffled)

    assert [claim.holds for claim in found] == [False, False, True]
    assert not confidence.skill_claim("starry_sky", "the rule", shuffled).holds


def test_the_skill_of_a_climatological_forecast_is_none() -> None:
    came = np.tile([1.0, 0.0, 0.0, 1.0], 50)
    usual, night = np.full(200, 0.5), np.arange(200).astype("datetime64[D]")

    assert lead.skill_interval(usual, usual, came, night) == pytest.approx((0, 0, 0))
    assert lead.skill_interval(came, usual, came, night) == pytest.approx((1, 1, 1))
