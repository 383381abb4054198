"""The shipped starry-sky classifier: what it is worth at each lead, and whether it keeps its word.

Two events of the same nights, on forecasts kept at their issue time (docs/night_cloud.py): a clear
night, mean cover at most a fifth from 21 to 04 local, and the product's own, the best two hours of
the dark window with few clouds at most. Months are left out one at a time, with three days beside
them; the reference is the monthly frequency of the other months, shrunk by ten cases.
Where the archive has nights after the training of the shipped file, it is judged on them as it is.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import binom

from docs.night_cloud import CLEAR, DARK, NightCases, of_month, read, usual_frequency
from docs.train_night_sky import LeftOut, columns, left_out, starry, tables
from forecast.phenomena.weather import mean
from forecast.science.thermodynamics import dew_point
from models.bootstrap import site_weeks
from models.lead_table import LeadRow
from models.registry import in_force
from models.score_table import mean_interval
from models.scores import area_under_roc, brier, skill
from tests.science.claims import Claim
from tests.science.gefcom import ZONES, zone_tables
from tests.science.ten_bins import Reliability, reliability

TOPIC = "night_sky"
# Brier skill to reach, by days ahead: on the archive's clear night; on the product's own event what
# was measured, less .03
BARS = {
    "clear": {0: 0.47, 1: 0.41, 2: 0.40, 3: 0.35, 5: 0.21, 7: 0.10, 10: 0.02},
    "starry": {0: 0.62, 1: 0.56, 2: 0.49, 3: 0.41, 5: 0.26, 7: 0.10, 10: 0.02},
}
PROMISES = 50  # of 70 % and more at a lead: of so many at least 70 % come
# Nights forecast overcast from evening to morning: cover [1], rain [kg m-2], dew-point depression
# [K] of moist and of dry air; their chances are so far [1] from the usual frequency
OVERCAST, RAIN, MOIST, DRY, APART = 0.9, 0.1, 3.0, (4.0, 11.0), 0.15
VARIANTS = {"model": "", "bare": ", bare"}  # bare: without a rain probability and the run before
# Days ahead at which the reliability lies outside its 90 % band: DECISIONS.md says why
KNOWN_MISSES = {
    ("clear", "model"): (10,), ("clear", "bare"): (0, 1, 11), ("starry", "bare"): (5, 11, 12),
}  # fmt: skip
WEEK = ", 2 to 6 days ahead"
KNOWN_SKIES = (f"the same at 5 to 8 K{WEEK}",)  # the same of the nights forecast so
FAIR = 0.6  # [1] of the envelope: a bright day is then about as frequent as a starry night
EVENTS = {"a clear night": "clear", "a starry sky": "starry"}


@cache
def cases(shared: Path) -> NightCases:
    """Return the archive's cases."""
    return read(shared)


def happened(shared: Path, event: str) -> np.ndarray:
    """Return whether an event came (case): `clear` or `starry`."""
    found = cases(shared)
    return found.clear if event == "clear" else starry(found)


@cache
def forecasts(shared: Path, event: str) -> LeftOut:
    """Return the forecasts of months left out (case)."""
    return left_out(cases(shared), happened(shared, event))


@cache
def rows(shared: Path, event: str) -> dict[str, list[LeadRow]]:
    """Return the scores by lead of the classifier, the same without what is optional, the rule."""
    return tables(cases(shared), happened(shared, event), forecasts(shared, event))


def claims(shared: Path) -> list[Claim]:
    """Return skill, reliability, discrimination and promises kept by lead, for both events."""
    lines = []
    for name, event in EVENTS.items():
        table = rows(shared, event)
        for row, bare, rule in zip(table["model"], table["bare"], table["rule"], strict=True):
            lines += _of_lead(shared, name, event, row, bare, rule)
        lines += [_outside(shared, name, event, variant) for variant in VARIANTS]
    return [*lines, *_of_skies(shared), *_later(shared), *_elsewhere(shared)]


def _of_lead(
    shared: Path, name: str, event: str, row: LeadRow, bare: LeadRow, rule: LeadRow
) -> list[Claim]:
    # the rule forecasts the product's event, not the archive's
    of_rule = f"; rule {rule.skill.value:+.3f}" if event == "starry" else ""
    bar, least = BARS[event].get(row.day, 0.0), f"climatology{of_rule}"
    told = f"{row.skill.value:+.3f} [{row.skill.low:+.3f}, {row.skill.high:+.3f}]"
    kept = f"{row.kept / row.promised:.2f}" if row.promised else "none promised"
    return [
        Claim(
            TOPIC,
            f"{name}, {row.day} days ahead: Brier skill",
            told,
            row.cases,
            f"{least}; at least {bar:.2f}",
            row.skill.value >= bar,
        ),
        Claim(
            TOPIC,
            "  without a rain probability and the run before",
            f"{bare.skill.value:+.3f} [{bare.skill.low:+.3f}, {bare.skill.high:+.3f}]",
            bare.cases,
            "never below climatology",
            bare.skill.value >= 0,
        ),
        *(_reliability(shared, event, variant, row.day) for variant in VARIANTS),
        Claim(
            TOPIC,
            f"  ROC area {row.auc:.2f}; of {row.promised} promised at 70 % came",
            kept,
            row.cases,
            f"all nights {row.observed / row.cases:.2f}",
            row.kept >= 0.7 * row.promised if row.promised >= PROMISES else None,
        ),
    ]


def bins_of(shared: Path, event: str, variant: str, day: int) -> Reliability:
    """Return the reliability so many days ahead, of a variant of VARIANTS."""
    at = cases(shared).lead == day
    found = forecasts(shared, event)
    probability = found.model if variant == "model" else found.bare
    return reliability(probability[at], happened(shared, event)[at])


def _reliability(shared: Path, event: str, variant: str, day: int) -> Claim:
    """Reliability lies in its 90 % band."""
    bins = bins_of(shared, event, variant, day)
    return Claim(
        TOPIC,
        f"  {event}, {day} days ahead: reliability term in ten bins{VARIANTS[variant]}",
        f"{bins.term:.4f}",
        int(bins.cases.sum()),
        f"chance keeps below {bins.highest:.4f} in 90 %",
        bins.within,
        band=True,
        known=day in KNOWN_MISSES.get((event, variant), ()),
    )


def _outside(shared: Path, name: str, event: str, variant: str) -> Claim:
    """No more leads lie outside the 90 % band than chance puts there."""
    days = np.unique(cases(shared).lead)
    bins = [bins_of(shared, event, variant, day) for day in days]
    outside = sum(not each.within for each in bins)
    most = int(binom.ppf(0.95, len(days), 0.1))
    return Claim(
        TOPIC,
        f"{name}: leads outside the 90 % band{VARIANTS[variant]}",
        f"{outside} of {len(days)}",
        int(sum(each.cases.sum() for each in bins)),
        f"right probabilities have at most {most} in 95 %",
        outside <= most,
    )


def skies(shared: Path) -> dict[str, np.ndarray]:
    """Return which cases (case) forecast a kind of night, tonight and tomorrow, or as named."""
    found = cases(shared)
    of, soon = found.features, found.lead <= 1
    covers = [of[f"{part}_sky_cover"] for part in ("evening", "night", "morning")]
    grey = (np.fmin.reduce(covers) >= OVERCAST) & (of["night_rain"] < RAIN)
    overcast, week = soon & grey, (found.lead >= 2) & (found.lead <= 6) & grey
    depression = of["night_dew_point_depression"]
    dry = (depression >= DRY[0]) & (depression <= DRY[1])
    return {
        "overcast throughout, no rain": overcast,
        "the same in moist air": overcast & (depression < MOIST),
        "the same in dry air": overcast & dry,
        f"the same in dry air{WEEK}": week & dry,
        f"the same at 5 to 8 K{WEEK}": week & (depression >= 5) & (depression < 8),
        "clear": soon & (of["night_sky_cover"] <= 1 - OVERCAST),
    }


def _of_skies(shared: Path) -> list[Claim]:
    """How often nights came that were forecast so, and what the classifier said of them."""
    found, told, came = cases(shared), forecasts(shared, "starry"), happened(shared, "starry")
    lines = []
    for name, at in skies(shared).items():
        often, usual = came[at].mean(), told.usual[at].mean()
        weeks = site_weeks(np.full(int(at.sum()), ""), found.day[at])
        low, high = mean_interval(came[at], weeks) or (np.nan, np.nan)
        said = [part[at].mean() for part in (told.model, told.bare)]
        inside = all(low <= one <= high for one in said)
        far = name.endswith(WEEK) or abs(said[0] - usual) > APART
        lines.append(
            Claim(
                TOPIC,
                f"forecast {name}: mean chance",
                f"{said[0]:.2f} ({said[1]:.2f} bare)",
                int(at.sum()),
                f"came {often:.2f} [{low:.2f}, {high:.2f}], usual {usual:.2f}; soon apart from it",
                bool(inside and far),
                band=True,
                known=name in KNOWN_SKIES,
            )
        )
    return lines


def later_nights(shared: Path) -> tuple[NightCases, np.ndarray, np.ndarray, np.ndarray]:
    """Return the cases after the training of the shipped file, its forecasts, usual, outcome."""
    found, served = cases(shared), in_force(Path("none"))["starry_sky"]
    assert served.card is not None
    later = found.day > np.datetime64(served.card.span[1])
    outcome = starry(found)
    usual = usual_frequency(found, outcome, ~later)
    given = columns(served.model.columns, found, usual)
    probability = served.model.predict_proba(given)[:, 1]
    return found.take(later), probability[later], usual[later], outcome[later]


def _later(shared: Path) -> list[Claim]:
    late, probability, usual, outcome = later_nights(shared)
    what = "nights after the training, the shipped file as it is: Brier skill"
    if not len(late):
        return [Claim(TOPIC, what, "no such night", 0, "none in the archive")]
    lines = []
    for day in np.unique(late.lead):
        at = late.lead == day
        value = skill(brier(probability[at], outcome[at]), brier(usual[at], outcome[at]))
        reference = "monthly frequency of its training; above 0"
        told = f"{what}, {day} days ahead"
        lines.append(Claim(TOPIC, told, f"{value:+.3f}", int(at.sum()), reference, value > 0))
    return lines


def days_elsewhere(
    shared: Path, zone: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return forecasts (day) of the shipped file, usual frequency, cover and outcome at a zone.

    GEFCom2014: bright days, output above FAIR of its envelope, by ECMWF's forecasts of the same
    day. Nothing is refitted; a day stands for a night; the usual frequency is of other months.
    """
    day, values, output = zone_tables(shared)[zone]
    envelope = np.stack(
        [np.percentile(output[max(0, i - 20) : i + 21], 95, axis=0) for i in range(len(day))]
    )
    used = envelope > 0.3

    def over(hours: np.ndarray) -> np.ndarray:
        return mean(np.where(used, hours, np.nan))

    outcome = (over(output) > FAIR * over(envelope)).astype(float)
    month = of_month(day)
    usual = np.array([outcome[month != own].mean() for own in month])
    cover, humidity = np.clip(values["VAR164"], 0, 1), np.clip(values["VAR157"] / 100, 0.01, 1)
    features = {
        "forecast_period": np.full(len(day), 12.0),
        "climatological_frequency": usual,
        "zenith_sky_brightness": np.full(len(day), DARK),
        "night_sky_cover": over(cover),
        "night_clear_share": over((cover <= CLEAR).astype(float)),
        "night_dew_point_depression": over(
            values["VAR167"] - dew_point(values["VAR167"], humidity)
        ),
        "night_rain": 1000 * values["VAR228"].sum(axis=1),
    }
    model, empty = in_force(Path("none"))["starry_sky"].model, np.full(len(day), np.nan)
    given = np.stack([features.get(name, empty) for name in model.columns], axis=1)
    return model.predict_proba(given)[:, 1], usual, over(cover), outcome


def _elsewhere(shared: Path) -> list[Claim]:
    lines = []
    for zone in ZONES:
        probability, usual, cover, outcome = days_elsewhere(shared, zone)
        value = skill(brier(probability, outcome), brier(usual, outcome))
        area, alone = (area_under_roc(p, outcome > 0.5) for p in (probability, -cover))
        told = f"{value:+.3f}, ROC area {area:.2f}"
        what = f"bright days elsewhere (GEFCom zone {zone}), nothing refitted: Brier skill"
        reference = f"other months; above 0, and the area above that of cover alone, {alone:.2f}"
        lines.append(Claim(TOPIC, what, told, len(outcome), reference, value > 0 and area > alone))
        said = f"{probability.mean():.2f}, came {outcome.mean():.2f}"
        lines.append(
            Claim(TOPIC, "  mean chance: its level is not carried", said, len(outcome), "")
        )
    return lines
