"""Are the scales in use those that real forecasts kept at their issue time give?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.lead import SCALES
from tests.science import lead
from tests.science.issue_archive import archive


@pytest.mark.shared
def test_every_claim_of_the_lead_holds(shared: Path) -> None:
    """Skill at each lead with months left out, never below climatology; scales; later ranges."""
    claims = lead.claims(shared)

    assert [claim.line() for claim in claims if claim.holds is False] == []
    assert sum(claim.holds is True for claim in claims) > 50


@pytest.mark.shared
def test_the_archive_s_nights_are_asked_at_thirteen_leads_a_day_apart(shared: Path) -> None:
    """A night begins at 21 local, 01 or 02 UTC; the run is of 12 UTC of the day of issue."""
    nights = archive(shared)

    assert set(nights.ahead.tolist()) == set(range(13))
    assert (nights.run.astype("datetime64[h]").astype(int) % 24 == 12).all()
    assert set((nights.lead(21) - 24 * nights.ahead).tolist()) == {13.0, 14.0}


@pytest.mark.shared
def test_a_fit_without_any_skill_leaves_the_usual_frequency(shared: Path) -> None:
    """Effects that are shuffled among the nights teach a strength near 0."""
    cases = lead.left_out(shared, lead.stars).cases
    order = np.random.default_rng(1).permutation(len(cases.effects))
    shuffled = lead.LeadCases(
        cases.effects[order], cases.observed, cases.lead, cases.night, cases.ahead, cases.base
    )

    numbers = lead.fit(shuffled, lead.usual_odds(shuffled), np.array([*np.log(lead.START), 0.5]))

    at_a_day = lead.scale_of(numbers, cases.base).at(np.array(24.0))
    assert at_a_day < 0.2 * SCALES["starry_sky"].at(np.array(24.0))
