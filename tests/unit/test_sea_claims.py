"""The results of `make science` on the sea of clouds that must not get worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from models.scores import score
from tests.science import sea


def test_the_untrained_rule_is_nearer_the_labelled_mornings_than_persistence_and_climatology(
    shared: Path,
) -> None:
    reported = sea.mornings(shared)
    here, yesterday = reported.mountain == "wunvshan", sea.persistence(reported)
    both = here & np.isfinite(yesterday)

    rule, rival = (
        score(p[both], reported.seen[both], sea.THRESHOLD)
        for p in (reported.probability, yesterday)
    )
    ours, rates = (
        score(p[here], reported.seen[here], sea.THRESHOLD)
        for p in (reported.probability, sea.climatology(reported))
    )

    assert (here.sum(), reported.seen[here].sum(), both.sum()) == (67, 20, 55)
    assert rule.brier < rival.brier - 0.1  # .175 against .327
    # .218 against .234: columns that cannot see a deck keep near how often there is one
    assert ours.brier < rates.brier


def test_the_bounds_of_the_sea_of_clouds_hold_and_can_fail(shared: Path) -> None:
    reported = sea.mornings(shared)
    nothing = replace(
        reported, probability=np.full(len(reported.day), 0.999)
    )  # a sea every morning

    bars = [claim for claim in sea.claims(shared) if claim.holds is not None]

    assert [claim.what for claim in bars] == [
        "beats always no by Brier, all",
        "beats persistence by Brier, wunvshan",
        "states, sea against the three others, all: mean chance",
        "states, sea against the three others, wunvshan: mean chance",
        "sea told where the deck's top cannot be placed: least, mean, most",
    ]
    assert not any(claim.fails for claim in bars)
    assert not any(claim.holds for claim in sea.bars(nothing) + sea.calibration(nothing))


def test_high_chances_of_a_sea_are_unproven(shared: Path) -> None:
    """As the page of models says (model_card.sea_high)."""
    reported = sea.mornings(shared)

    assert (int((reported.probability >= 0.7).sum()), len(reported.day)) == (1, 86)
    assert [line.holds for line in sea.calibration(reported)] == [False, True]


def test_no_figure_of_the_rule_is_worse_than_before_decks_were_left_open(shared: Path) -> None:
    # before: Brier and AUC of all mornings .282 and .569, of Wunvshan .204 and .639
    reported = sea.mornings(shared)
    everywhere, here = np.ones(len(reported.day), dtype=bool), reported.mountain == "wunvshan"

    for chosen, brier, auc in ((everywhere, 0.2822, 0.569), (here, 0.2041, 0.639)):
        ours = score(reported.probability[chosen], reported.seen[chosen], sea.THRESHOLD)
        assert ours.brier <= brier
        assert ours.auc >= auc


def test_what_the_poor_columns_lack_is_named(shared: Path) -> None:
    reported = sea.mornings(shared)

    named = {
        "geopotential_height",
        "cloud_by_level",
        "wind_aloft",
        "coarse_column",
        "field:lagrangian_tendency_of_air_pressure",
    }
    assert named <= reported.missing
    assert reported.without_forecast == ("wunvshan 2026-06-26",)


def test_every_reference_is_listed_with_its_scores_and_the_rule_s_on_the_same_mornings(
    shared: Path,
) -> None:
    claims = {claim.what.strip(): claim for claim in sea.claims(shared)}

    for rival in ("always no", "climatology, a month left out", "persistence"):
        claim = claims[f"{rival}, wunvshan"]
        for name in ("AUC", "TS", "POD", "FAR", "Brier"):
            assert name in claim.figure
            assert name in claim.reference.split(":")[1]
        assert any(word in claim.reference for word in ("BETTER", "WORSE"))
    assert "wunvshan 2026-06-26" in claims["rule, untrained, all"].reference
