"""The claims of `make science` about the light that must not regress, on fewer cases."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.quantities import LEAST_GLOW
from tests.science import glow
from tests.science.claims import Claim

CLAIMS = [
    *glow.brute_force(40), *glow.limits(), *glow.laws(60), *glow.chain(12), glow.elements(30_000),
    *glow.best_covers(),
    *glow.best_edges(), *glow.disk(),
]  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.what)
def test_a_claim_about_the_light_holds(claim: Claim) -> None:
    assert claim.holds is not False, claim.line()


def test_the_higher_the_cloud_the_farther_its_edge_may_be_and_400_km_suits_cloud_at_8_km_only() -> (
    None
):
    # a grazing ray comes out of cloud at height h again 2 sqrt(2 h R') away; middle cloud cannot
    # glow under an edge 400 km away
    edges = np.arange(0.0, 690e3, 45e3)

    reported = {base: glow.by_edge(base, edges) for base in (3e3, 4e3, 6e3, 8e3, 10e3)}
    half = [glow.reach(edges, quality, 0.5) for quality in reported.values()]

    assert half == sorted(half)
    assert half[1] < glow.RIVALS_EDGE < half[3]
    at_rivals = [
        np.interp(glow.RIVALS_EDGE * 1000, edges, quality) for quality in reported.values()
    ]
    assert [bool(quality < LEAST_GLOW) for quality in at_rivals] == [
        True,
        True,
        False,
        False,
        False,
    ]
