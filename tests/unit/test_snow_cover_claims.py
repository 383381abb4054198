"""Snow to look at and deep snow, against Sion and Mount Washington: tests/science/snow_cover.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forecast.science.snowfall import SNOW_ENOUGH
from models.rule_model import LEAD, PhysicsRule
from tests.science import snow, snow_cover

# by a fit of its own on the winters before 1975: seen at these modelled depths [m] there
SEEN = ((0.0225, 0.42), (0.0275, 0.59), (0.0325, 0.59), (0.0425, 0.82), (0.06, 0.90), (0.12, 0.99))


def test_snow_cover_and_deep_snow_are_what_is_claimed(shared: Path) -> None:
    claims = snow_cover.claims(shared)

    assert [claim.line() for claim in claims if claim.holds is False] == []
    assert sum(claim.holds is True for claim in claims) >= 12


def test_the_line_of_depth_is_what_sion_gives(shared: Path) -> None:
    line = snow_cover.depth_line()
    rows = snow_cover.mornings(snow.sion(shared))

    assert [effect for _, effect in line] == pytest.approx(snow_cover.refitted(rows), abs=0.1)


@pytest.mark.parametrize(("depth", "part"), SEEN)
def test_a_modelled_depth_is_promised_as_often_as_snow_was_seen(depth: float, part: float) -> None:
    rule = PhysicsRule("snow_cover").ready()
    known = {"snow_depth": depth, LEAD: 0.0}
    row = np.array([[known.get(name, np.nan) for name in rule.columns]])

    assert rule.predict_proba(row)[0, 1] == pytest.approx(part, abs=0.1)
    assert SNOW_ENOUGH == 0.03
