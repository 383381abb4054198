"""What `make science` says of the sea of clouds and must not lose: the labelled mornings, read
through the production line.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from models.scores import score
from tests.science import sea


def test_the_untrained_rule_is_nearer_the_labelled_mornings_than_yesterday_and_no_day_in_particular_are(
    shared: Path,
) -> None:
    told = sea.mornings(shared)
    here, yesterday = told.mountain == "wunvshan", sea.persistence(told)
    both = here & np.isfinite(yesterday)

    rule, rival = (
        score(p[both], told.seen[both], sea.THRESHOLD) for p in (told.probability, yesterday)
    )
    ours, rates = (
        score(p[here], told.seen[here], sea.THRESHOLD)
        for p in (told.probability, sea.climatology(told))
    )

    assert (here.sum(), told.seen[here].sum(), both.sum()) == (67, 20, 55)
    assert rule.brier < rival.brier - 0.1  # .175 against .327
    # .218 against .234: columns that cannot see a deck keep near how often there is one
    assert ours.brier < rates.brier


def test_the_bars_of_the_sea_room_hold_and_could_fail(shared: Path) -> None:
    told = sea.mornings(shared)
    nothing = replace(told, probability=np.full(len(told.day), 0.999))  # a sea every morning

    bars = [claim for claim in sea.claims(shared) if claim.holds is not None]

    assert [claim.what for claim in bars] == [
        "beats always no by Brier, all",
        "beats persistence by Brier, wunvshan",
    ]
    assert all(claim.holds for claim in bars)
    assert not any(claim.holds for claim in sea.bars(nothing))


def test_what_the_poor_columns_lack_is_named(shared: Path) -> None:
    told = sea.mornings(shared)

    named = {
        "geopotential_height",
        "cloud_by_level",
        "wind_aloft",
        "coarse_column",
        "field:lagrangian_tendency_of_air_pressure",
    }
    assert named <= told.missing
    assert told.without_forecast == ("wunvshan 2026-06-26",)


def test_every_rival_is_told_with_its_scores_and_the_rule_s_on_the_same_mornings(
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
