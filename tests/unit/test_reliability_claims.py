"""Can the bars of the reliability in `make science` fail, and are known misses printed?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.science import night_sky
from tests.science.claims import Claim
from tests.science.ten_bins import reliability


def test_a_known_miss_is_printed_and_fails_nothing() -> None:
    claim = Claim("topic", "what", "0.1", 10, "reference", None, missed=True)

    assert claim.line().endswith("MISSED")
    assert Claim("topic", "what", "0.1", 10, "reference", False).line().endswith("FAILS")
    assert not Claim("topic", "what", "0.1", 10, "reference").line().endswith("MISSED")


def test_right_probabilities_lie_outside_the_band_in_a_tenth_of_trials() -> None:
    random = np.random.default_rng(5)
    outside = 0
    for seed in range(200):
        told = random.uniform(size=500)
        came = random.uniform(size=500) < told
        outside += not reliability(told, came, draws=300, seed=seed).within

    assert 10 <= outside <= 32  # 20, three standard errors


@pytest.mark.shared
def test_the_shipped_classifier_is_reliable_at_every_lead(shared: Path) -> None:
    """The product's event, all that it reads; without what is optional three leads are known."""
    for variant, known in (("model", ()), ("bare", night_sky.KNOWN_MISSES["starry", "bare"])):
        outside = [
            day for day in range(13) if not night_sky.bins_of(shared, "starry", variant, day).within
        ]
        assert outside == list(known)
