"""Sea of clouds: what 87 labelled mornings add to the rule, on held-out blocks.

Features are computed as in tests/science/sea.py. A `none` inferred from the absence of pictures
counts half. No fit on them is shipped: on mountains not seen, the rule alone is as good, and it
serves until labels of the sites prove otherwise (the card of the fit that was shipped once:
docs/example_model_card.json).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from models.bootstrap import site_weeks
from models.score_table import Row, table
from models.selection import fit_kind, folds, months, predicted
from models.training import rule_on
from models.training_set import TrainingSet
from tests.science.claims import Claim
from tests.science.sea import EVENING_BEFORE, THRESHOLD, mornings

TOPIC = "learning"
INFERRED_TRUST = 0.5  # of a `none` inferred from the absence of pictures (check)


@cache
def cases(shared: Path) -> TrainingSet:
    """Return the labelled mornings as cases."""
    labelled = mornings(shared)
    names = tuple(labelled.features)
    rows = len(labelled.day)
    return TrainingSet(
        "sea_of_clouds",
        names,
        np.stack([labelled.features[name] for name in names], axis=1),
        labelled.degree.astype(float),
        labelled.day.astype("datetime64[D]"),
        labelled.mountain.astype(str),
        np.full(rows, "observer"),
        np.full(rows, EVENING_BEFORE),
        trust=np.where(labelled.inferred, INFERRED_TRUST, 1.0),
    )


def left_out(data: TrainingSet, blocks: np.ndarray) -> np.ndarray:
    """Return P(sea) of each case (case) by the rule with labels, its block held out."""
    result = np.full(len(data), np.nan)
    for part in folds(data.day, blocks, len(np.unique(blocks))):
        model = fit_kind("prior", data.take(part.train))
        result[part.test] = predicted(model, data.take(part.test))[:, 0]
    return result


@cache
def tables(shared: Path) -> dict[str, list[Row]]:
    """Return the scores of the rule, with and without labels, by mountains and months held out."""
    data = cases(shared)
    rule = rule_on(data)[:, 0]
    weeks = site_weeks(data.site, data.day)
    _, mountain = np.unique(data.site, return_inverse=True)
    schemes = {
        "a mountain left out": left_out(data, mountain),
        "a month left out": left_out(data, months(data.day)),
    }
    result = {}
    for scheme, probability in schemes.items():
        for where, rows in (
            ("", np.ones(len(data), dtype=bool)),
            (", Wunvshan", data.site == "wunvshan"),
        ):
            result[scheme + where] = table(
                {"rule": rule[rows], "rule + labels": probability[rows]},
                data.observed[rows],
                weeks[rows],
                THRESHOLD,
            )
    return result


def claims(shared: Path) -> list[Claim]:
    """Return what labels add, with 90 % intervals, and what they do to the level elsewhere."""
    lines = []
    for scheme, rows in tables(shared).items():
        lines += [
            Claim(
                TOPIC,
                f"{row.name}, {scheme}",
                f"Brier {row.scores.brier:.3f} AUC {row.scores.auc:.2f}",
                row.scores.cases,
                f"[{row.brier[0]:.3f}, {row.brier[1]:.3f}] "
                f"[{row.auc[0]:.2f}, {row.auc[1]:.2f}] TS {row.scores.ts:.2f}",
            )
            for row in rows
        ]
        gain, low, high = rows[1].gain
        lines.append(
            Claim(
                TOPIC,
                f"  what labels gain, {scheme}",
                f"{gain:+.4f}",
                rows[1].scores.cases,
                f"Brier, 90 %: [{low:+.4f}, {high:+.4f}]; "
                "not worse than the rule by more than chance",
                high > 0,
            )
        )
    return [*lines, _levels(shared)]


def _levels(shared: Path) -> Claim:
    """Labels of other mountains must not move the level of one: the mean of what is forecast."""
    data = cases(shared)
    _, mountain = np.unique(data.site, return_inverse=True)
    here = data.site == "wunvshan"
    with_labels = left_out(data, mountain)[here]
    rule = rule_on(data)[here, 0]
    moved = float(abs(with_labels.mean() - rule.mean()))
    return Claim(
        TOPIC,
        "  mean forecast at Wunvshan, with labels of the other mountains, by the rule",
        f"{with_labels.mean():.2f}, {rule.mean():.2f}",
        int(here.sum()),
        f"seen {data.observed[here].mean():.2f}, at the others {data.observed[~here].mean():.2f}; "
        "at most .03 apart",
        moved <= 0.03,
    )
