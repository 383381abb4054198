"""Snow to look at (3 cm) and the settling of deep snow, against Sion and Mount Washington.

Sion: the rule's line of depth is a logistic fit of mornings with 3 cm or more (winters to 1974,
November to March) on the depth that the pack, set right one to three days before, gives them. It is
tried on the winters after. Weather as measured, so a forecast is worth less (models/lead.py).
Intervals: whole winters drawn with replacement.
Mount Washington (1917 m): depth on the ground of the summit's days 2005-2020, set right each day.
Cold dry days show how cold snow settles; wind takes snow away there, so new snow shows nothing. The
stiffening of cold snow is a published figure, which these days support; the other published figure
is reported beside it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from forecast.science import snowfall, snowpack
from forecast.science.thermodynamics import FREEZING
from models.bootstrap import block_counts, percentile_interval
from models.rule_model import LEAD, PhysicsRule
from models.rules import SNOW
from models.scores import score
from tests.science import snow
from tests.science.claims import Claim

STARTS, DRAWS = 3, 2000
# The line before it was fitted: at depth [m] so many [logit] above the base.
DRAWN_BY_HAND = ((0.0, -2.6), (0.01, -1.6), (0.02, -0.4), (0.03, 0.8), (0.06, 2.4), (0.15, 4.0))
DEEP, FROST = 0.30, -2.0  # [m] of a deep pack; [degC] highest of a cold day
UNSTIFFENED = replace(snowpack.USUAL, stiffening=0.0)
# As it was before: of all depths and temperatures alike.
ALIKE = replace(UNSTIFFENED, settled_wet=400.0, shallower=0.0)


def claims(shared: Path) -> list[Claim]:
    """Return what is claimed of snow cover and of deep snow, measured."""
    valley = snow.sion(shared)
    return [*cover_claims(valley), shallow_claim(valley), *deep_claims(on_the_ground(shared))]


def mornings(days: pd.DataFrame) -> pd.DataFrame:
    """Return winter's mornings, one row for each of the three starts.

    Columns: modelled depth [m], whether 3 cm lay, month and winter.
    """
    given = snow.carried(days.depth.to_numpy(), STARTS, snow.our_step(snow.brought(days)))
    rows = pd.DataFrame({
        "depth": given.ravel(),
        "lies": np.repeat((days.depth >= snowfall.SNOW_ENOUGH).to_numpy(float), STARTS),
        "known": np.repeat(days.depth.notna().to_numpy(), STARTS),
        "persisted": snow.carried(days.depth.to_numpy(), STARTS, lambda pack, at: pack).ravel(),
        "month": np.repeat(days.month.to_numpy(), STARTS),
        "winter": np.repeat(days.winter.to_numpy(), STARTS),
    })  # fmt: skip
    return rows[rows.month.isin(snow.PACK_MONTHS) & rows.known & rows.depth.notna()]


def depth_line() -> tuple[tuple[float, float], ...]:
    """Return the rule's line of depth: ((depth [m], effect [logit]), ...)."""
    return next(e.line for e in SNOW["snow_cover"].effects if e.feature == "snow_depth")


def refitted(rows: pd.DataFrame) -> np.ndarray:
    """Return the effect [logit] at each depth of the rule's line, fitted on the winters to 1974."""
    places = np.array([place for place, _ in depth_line()])
    fitted = rows[rows.winter <= snow.LAST_FITTED]
    hats = np.stack([np.interp(fitted.depth, places, hat) for hat in np.eye(len(places))], axis=1)
    found = LogisticRegression(C=1.0, fit_intercept=False, max_iter=2000).fit(hats, fitted.lies)
    return np.asarray(found.coef_[0] - SNOW["snow_cover"].base)


def by_rule(rows: pd.DataFrame) -> np.ndarray:
    """Return the service's probability [1] from the depth alone."""
    rule = PhysicsRule("snow_cover").ready()
    known = {"snow_depth": rows.depth.to_numpy(), LEAD: np.zeros(len(rows))}
    nothing = np.full(len(rows), np.nan)
    return rule.predict_proba(np.stack([known.get(n, nothing) for n in rule.columns], axis=1))[:, 1]


def cover_claims(days: pd.DataFrame) -> list[Claim]:
    rows = mornings(days)
    fitted, tried = rows[rows.winter <= snow.LAST_FITTED], rows[rows.winter > snow.LAST_FITTED]
    lies, depth = tried.lies.to_numpy(), tried.depth.to_numpy()
    ours = by_rule(tried)
    before = 1 / (1 + np.exp(1.4 - np.interp(depth, *zip(*DRAWN_BY_HAND, strict=True))))
    rivals = {
        "line drawn by hand": before,
        "modelled depth, yes or no": (depth >= snowfall.SNOW_ENOUGH).astype(float),
        "persistence": (tried.persisted >= snowfall.SNOW_ENOUGH).to_numpy(float),
        "climatology by month": tried.month.map(fitted.groupby("month").lies.mean()).to_numpy(),
    }
    given = score(ours, lies)
    found = [
        Claim("snow", "P(3 cm) at Sion 1975-1989, 1-3 days on: Brier", f"{given.brier:.4f}",
              len(tried), f"{snow.score_text(given)}; perfect weather"),
    ]  # fmt: skip
    for name, rival in rivals.items():
        low, high = worse_by(ours, rival, lies, tried.winter)
        text = f"Brier {score(rival, lies).brier:.4f}; less by 90 % {low:.4f} to {high:.4f}"
        found.append(Claim("snow", f"  against {name}", f"{score(rival, lies).ts:.2f} (TS)",
                           len(tried), text, low > 0))  # fmt: skip
    held = np.array([value for _, value in depth_line()])
    fit = refitted(rows)
    found.append(
        Claim("snow", "  its line, refitted on the winters to 1974 [logit]",
              " ".join(f"{x:.1f}" for x in fit), len(fitted),
              "in use " + " ".join(f"{x:g}" for x in held),
              bool(np.allclose(fit, held, atol=0.1)))
    )  # fmt: skip
    return [*found, *reliability(ours, lies)]


def reliability(given: np.ndarray, lies: np.ndarray) -> list[Claim]:
    """Return how often 3 cm lay by what was promised, on the years not fitted."""
    found = []
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.7), (0.7, 0.9), (0.9, 1.0)):
        inside = (given >= low) & (given <= high)
        said, came = given[inside].mean(), lies[inside].mean()
        found.append(
            Claim("snow", f"  came where {low:.0%} to {high:.0%} was said", f"{came:.2f}",
                  int(inside.sum()), f"said {said:.2f}", bool(abs(said - came) < 0.1))
        )  # fmt: skip
    return found


def worse_by(
    ours: np.ndarray, rival: np.ndarray, lies: np.ndarray, winter: pd.Series
) -> tuple[float, float]:
    """Return the 90 % interval of the rival's Brier score less ours, by winters drawn again."""
    place, known = pd.factorize(winter)
    more = np.bincount(place, (rival - lies) ** 2 - (ours - lies) ** 2)
    drawn = block_counts(len(known), DRAWS, 20261130)
    return percentile_interval((drawn @ more) / (drawn @ np.bincount(place)))


# -- deep snow


def on_the_ground(shared: Path) -> pd.DataFrame:
    """Return the days of Mount Washington with the depth on the ground [m]."""
    path = shared / "obs" / "mount_washington_daily_2005_2020.csv.gz"
    depth = pd.read_csv(path)["Snow.ice.onground"] * snow.INCH / 1000
    return snow.mount_washington(shared).assign(depth=depth)


def forcing(days: pd.DataFrame) -> snowpack.DayForcing:
    """Return what each day brought: new snow as measured, a sixth water where it thaws."""
    ends = days.lowest.to_numpy(), days.highest.to_numpy()
    water, new = np.nan_to_num(days.water), np.nan_to_num(days.snow)
    frozen = days.highest <= FREEZING + snow.WARMEST
    held = np.where(new > 0, np.where(frozen, water, np.minimum(water, new * 1000 / 6)), 0.0)
    return snowpack.DayForcing(
        held, new, water - held, snowpack.thaw_of(*ends), (ends[0] + ends[1]) / 2
    )


def shallow_claim(days: pd.DataFrame) -> Claim:
    """Whether what deep snow asks loses anything at Sion, where it is shallow."""
    wintry = days.month.isin(snow.PACK_MONTHS).to_numpy()
    tried = wintry & (days.winter > snow.LAST_FITTED).to_numpy()
    brought, depth = snow.brought(days), days.depth.to_numpy()
    ours, before = (
        snow.rms(snow.carried(depth, STARTS, snow.our_step(brought, one)), days, tried)
        for one in (snowpack.USUAL, ALIKE)
    )
    return Claim("snow", "snow depth at Sion 1975-1989, set right every 3 days, RMS [cm]",
                 f"{ours:.3f}", int(tried.sum()),
                 f"settling alike cold or not, thawing to 400 kg m-3: {before:.3f}",
                 ours <= before)  # fmt: skip


def deep_claims(days: pd.DataFrame) -> list[Claim]:
    """How much a deep pack loses in a day, dry and cold or warm, against what it lost."""
    brought, depth = forcing(days), days.depth.to_numpy()
    dry = brought.snow_water + brought.rain < 0.1
    deep = (depth > DEEP) & np.append(np.isfinite(np.diff(depth)), False)
    cold = deep & dry & (days.highest < FREEZING + FROST).to_numpy()
    warm = deep & (brought.snow_water < 0.1) & (days["mean"] > FREEZING + 1).to_numpy()
    physics = {
        "ours": snowpack.USUAL,
        "stiffening .04": replace(snowpack.USUAL, stiffening=0.04),
        "none": UNSTIFFENED,
        "none, thawing to 400 kg m-3": ALIKE,
    }
    given = {
        name: snow.carried(depth, 1, snow.our_step(brought, one))[:, 0]
        for name, one in physics.items()
    }
    found = []
    for what, chosen in (("cold dry", cold), ("warm", warm)):
        at = np.flatnonzero(chosen)
        saw = 100 * float(np.mean(depth[at + 1] - depth[at]))
        loss = {n: 100 * float(np.nanmean(g[at + 1] - depth[at])) for n, g in given.items()}
        before = loss["none, thawing to 400 kg m-3"]
        found.append(
            Claim("snow", f"deep snow, Mount Washington, change of a {what} day [cm]",
                  f"{loss['ours']:+.1f}", len(at),
                  f"seen {saw:+.1f}; " + ", ".join(f"{n} {x:+.1f}" for n, x in loss.items()),
                  abs(loss["ours"] - saw) < abs(before - saw))
        )  # fmt: skip
    return found
