"""The claims of `make science` about the light that must not regress, on fewer cases."""

from __future__ import annotations

import numpy as np
import pytest

from tests.science import glow
from tests.science.claims import Claim

CLAIMS = [*glow.brute_force(40), *glow.limits(), *glow.laws(60), *glow.disk()]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.what)
def test_a_claim_about_the_light_holds(claim: Claim) -> None:
    assert claim.holds is not False, claim.line()


def test_the_higher_the_cloud_the_farther_its_edge_may_be_and_400_km_suits_cloud_at_8_to_9_km_only() -> None:
    # a grazing ray comes out of cloud at height h again 2 sqrt(2 h R') away; low cloud cannot glow under an edge 400 km away
    edges = np.arange(75e3, 690e3, 45e3)

    half = [edges[np.flatnonzero(best >= 0.5 * best.max()).max()] for best in (glow.by_edge(base, edges) for base in (3e3, 6e3, 10e3))]

    assert half == sorted(half)
    assert half[0] < 250e3 < half[1] < 450e3 < half[2]
