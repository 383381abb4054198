"""The results of `make science` on the errors of glow and disk that must not get worse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.science import glow_errors


@pytest.fixture
def smaller(monkeypatch: Any) -> Any:
    monkeypatch.setattr(glow_errors, "SKIES", 400)
    monkeypatch.setattr(glow_errors, "LEADS", (6, 30, 246))
    glow_errors.world.cache_clear()
    yield
    glow_errors.world.cache_clear()


def test_glow_and_disk_are_as_likely_as_told_where_the_errors_are_known(smaller: Any) -> None:
    for name in ("glow", "disk"):
        assert glow_errors.reliable(name, name).holds
        # twice the odds on every sky: the bar fails
        assert glow_errors.reliable(name, name, shift=0.7).holds is False
        near, far = glow_errors.skill_of(name, 30), glow_errors.skill_of(name, 246)
        assert near[0] > 0.05
        assert abs(far[0]) < 0.06


def test_the_draws_by_one_ray_agree_with_the_whole_computation() -> None:
    claim = glow_errors.whole_computation(skies=16, draws=40)

    assert claim.holds, claim.line()
