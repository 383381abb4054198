"""Can the bars of the reliability in `make science` fail, and are known misses printed?"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.science import moonlit, night_sky, run
from tests.science.claims import Claim
from tests.science.ten_bins import reliability


def test_a_missed_band_is_printed_whether_it_is_known_or_not() -> None:
    for known in (False, True):
        claim = Claim("topic", "what", "0.1", 10, "reference", False, band=True, known=known)
        assert claim.line().endswith("MISSED")
        assert claim.fails is not known
    assert Claim("topic", "what", "0.1", 10, "reference", False).line().endswith("FAILS")
    assert not Claim("topic", "what", "0.1", 10, "reference").line().endswith("MISSED")


@pytest.mark.parametrize(
    ("holds", "known", "told"),
    [
        (False, True, "known  lead"),
        (False, False, "NEW    lead"),
        (True, True, ""),
        (None, False, ""),
    ],
)
def test_make_science_fails_at_a_miss_and_names_it_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    holds: bool | None,
    known: bool,
    told: str,
) -> None:
    claim = Claim("lead", "what", "0.1", 10, "reference", holds, band=True, known=known)
    topic = SimpleNamespace(__doc__="A topic.", claims=lambda _: [claim])
    monkeypatch.setattr(run, "module_of", lambda _: topic)
    monkeypatch.setattr(run, "SHARED", tmp_path)

    assert run.main(["lead"]) == int(holds is False)

    last = capsys.readouterr().out.rstrip().splitlines()[-1]
    assert last.startswith(told)
    assert last.endswith("MISSED") is (holds is False)


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


@pytest.mark.shared
def test_moonlit_nights_are_reliable_but_for_the_known_misses(shared: Path) -> None:
    missed = {line.what for line in moonlit.claims(shared) if line.holds is False}

    assert missed == {
        f"  {kind}, {lead} days ahead: mean chance, how often it came"
        for kind, lead in moonlit.KNOWN_MISSES
    }
