"""Train a starry-sky classifier that is shipped, and write its file and card.

    python -m docs.train_night_sky --shared ../shared/data --made 2026-11-30
    python -m docs.train_night_sky --shared ../shared/data --made 2026-11-30 --event clear

There are two, of the same terms: the first has learnt the starry night as this service counts it
and is served; the second has learnt the archive's clear night, a stricter event, and is used by
`transfer-test --event clear` alone (models/registry.py, of_clear_nights).
The data stay where they are; only the coefficients go into the project. Months of nights are left
out one at a time, with the days of GAP beside them: those forecasts give the card's scores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docs.night_cloud import NightCases, apart, of_month, read, rule_columns, usual_frequency
from forecast import files
from forecast.verification import OBSERVED_FROM
from models import registry
from models.bootstrap import site_weeks
from models.lead_table import CLIMATOLOGY, LeadRow, lead_table
from models.model_card import Card, feature_units, versions
from models.model_file import check_answers, pack
from models.night_sky_model import KIND, PHENOMENON, NightSkyModel, terms_print
from models.rule_model import USUAL, PhysicsRule
from models.score_table import mean_interval
from models.scores import brier, skill

Array = NDArray[np.floating[Any]]

PLACE = "new_york_city"
TRAINED_ON = (
    "Hourly forecasts and analyses of Open-Meteo (CC-BY-4.0), kept hourly by climate-cache for New "
    "York City; coefficients only, none of the data"
)
# What a reader of the card must know; what stands in braces is filled in.
NOTE = (
    "Unproven at the sites served: learnt from real forecasts kept at their issue time for New "
    "York City, a coast at sea level, {cases} forecasts of {nights} nights, up to 12 days ahead. "
    "Its truth is the model's own analysis of the next day, no observer: {truth}. That came in "
    "{share:.0%} of nights. The moon and the length of the night are added by the "
    "physical rule. Brier skill against the monthly frequency, months left out, with 90 % "
    "intervals: {skills}. Without a rain probability and the run of the day before: {bare}. {end}"
)


@dataclass(frozen=True)
class Truth:
    """What a classifier learns: what its card says of it, and where the files go in SHIPPED."""

    what: str
    end: str
    folder: str


TRUTHS = {
    "starry": Truth(
        "the best two hours of the dark window with a mean cover of at most 30 % (few clouds), as "
        "this service counts a starry night, whatever the moon",
        "Of 99 nights forecast overcast throughout without rain, tonight or tomorrow, 33 % came: "
        "an overcast is no certainty. "
        "On bright days of two places in Australia by another model (GEFCom2014), nothing "
        "refitted, it ordered the days well (ROC area .91 and .92) but promised 9 to 11 points too "
        "much: its level is to be learnt at each site. What it says here is checked against "
        "outcomes like that of any other model, and it gives way to what does better.",
        "",
    ),
    "clear": Truth(
        "a clear night, mean cover at most 20 % from 21 to 04 local, whatever the moon; not the "
        "starry night that this service counts, for which two hours with at most 30 % are enough",
        "No page is served by it: transfer-test --event clear scores it at other places, from a "
        "monthly frequency of clear nights of its own (near Beijing 32 % in the year). The rule's "
        "scores beside it are those of a rule made for the starry night.",
        registry.CLEAR_NIGHT,
    ),
}


@dataclass(frozen=True)
class LeftOut:
    """Forecasts of nights in months left out of the training; every array is (case).

    model: the classifier; bare: the same without a rain probability and the run before; rule: the
    untrained rule; usual: the monthly frequency, all from the other months.
    """

    model: Array
    bare: Array
    rule: Array
    usual: Array


def columns(
    names: Sequence[str], cases: NightCases, usual: Array, lacking: Sequence[str] = ()
) -> Array:
    """Return the features `names` (case, feature), NaN those that lack."""
    table = {**cases.features, USUAL: usual}
    empty = np.full(len(cases), np.nan)
    return np.stack(
        [empty if name in lacking else table.get(name, empty) for name in names], axis=1
    )


def starry(cases: NightCases) -> Array:
    """Return whether the product's own event came (case), as the service counts it."""
    return np.asarray((cases.degree >= OBSERVED_FROM).astype(float))


def outcome_of(cases: NightCases, event: str) -> Array:
    """Return whether an event of TRUTHS came (case)."""
    return starry(cases) if event == "starry" else cases.clear


OPTIONAL = (
    "sky_cover_before",
    "evening_rain_probability",
    "night_rain_probability",
    "morning_rain_probability",
)


def left_out(cases: NightCases, happened: Array) -> LeftOut:
    """Return the forecasts of each month by what was learnt from the others."""
    rule = PhysicsRule(PHENOMENON).ready()
    of_rule = rule_columns(cases)
    found = {name: np.full(len(cases), np.nan) for name in ("model", "bare", "rule", "usual")}
    months = of_month(cases.day)
    for month in np.unique(months):
        test = months == month
        train = apart(cases, test)
        usual = usual_frequency(cases, happened, train)
        model = NightSkyModel()
        model.fit(columns(model.columns, cases, usual)[train], happened[train].astype(int))
        for name, lacking in (("model", ()), ("bare", OPTIONAL)):
            answer = model.predict_proba(columns(model.columns, cases, usual, lacking)[test])
            found[name][test] = answer[:, 1]
        empty = np.full(len(cases), np.nan)
        table = {**of_rule, USUAL: usual}
        read_by_rule = np.stack([table.get(name, empty) for name in rule.columns], axis=1)
        found["rule"][test] = rule.predict_proba(read_by_rule[test])[:, 1]
        found["usual"][test] = usual[test]
    return LeftOut(**found)


def tables(cases: NightCases, happened: Array, found: LeftOut) -> dict[str, list[LeadRow]]:
    """Return the scores by lead of the classifier, the same without what is optional, the rule."""
    named = {"model": found.model, "bare": found.bare, "rule": found.rule}
    forecasts = {CLIMATOLOGY: found.usual, **named}
    rows = lead_table(forecasts, happened, cases.day, cases.lead)
    return {name: [row for row in rows if row.name == name] for name in named}


def trained(cases: NightCases, happened: Array) -> NightSkyModel:
    """Return the classifier fitted on all cases."""
    usual = usual_frequency(cases, happened, np.ones(len(cases), dtype=bool))
    model = NightSkyModel()
    return model.fit(columns(model.columns, cases, usual), happened.astype(int))


def card(
    cases: NightCases, event: str, model: NightSkyModel, found: LeftOut, made: datetime, data: bytes
) -> Card:
    """Return the card of the classifier of an event of TRUTHS, without its Chinese note."""
    happened = outcome_of(cases, event)
    rows = tables(cases, happened, found)
    whole = _scores(found, happened, np.ones(len(cases), dtype=bool))
    gains = (found.rule - happened) ** 2 - (found.model - happened) ** 2
    weeks = site_weeks(np.full(len(cases), PLACE), cases.day)
    bounds = mean_interval(gains, weeks)
    whole |= {
        "gain": round(float(gains.mean()), 5),
        "gain_90": [round(x, 5) for x in bounds] if bounds else None,
        "by_lead": [_of_lead(row) for row in rows["model"]],
        "by_lead_bare": [_of_lead(row) for row in rows["bare"]],
    }
    table = columns(model.columns, cases, found.usual)
    made_from = hashlib.sha256(np.ascontiguousarray(np.nan_to_num(table, nan=-1.0)).tobytes())
    made_from.update(happened.tobytes())
    sha = made_from.hexdigest()
    nights = np.unique(cases.day)
    lead = cases.features["forecast_period"]
    return Card(
        id=f"{made:%Y%m%dT%H%M%SZ}-{KIND}-{sha[:8]}",
        phenomenon=PHENOMENON,
        kind=KIND,
        made=f"{made:%Y-%m-%dT%H:%M:%SZ}",
        features=feature_units(model.columns),
        rule=terms_print(),
        span=(str(nights[0]), str(nights[-1])),
        cases=len(cases),
        events=int(happened.sum()),
        sources={"analysis": len(cases)},
        sites={PLACE: len(cases)},
        leads=(float(lead.min()), float(lead.max())),
        data_sha256=sha,
        model_sha256=hashlib.sha256(data).hexdigest(),
        model_bytes=len(data),
        scores=whole,
        folds=tuple(_folds(cases, found, happened)),
        versions=versions(),
        note=NOTE.format(
            cases=len(cases),
            nights=len(nights),
            share=happened.mean(),
            skills=skills_line(rows["model"]),
            bare=skills_line(rows["bare"]),
            truth=TRUTHS[event].what,
            end=TRUTHS[event].end,
        ),
        trained_on=TRAINED_ON,
        left_out="month",
        names={PLACE: {"zh": PLACE, "en": "New York City"}},
    )


def skills_line(rows: Sequence[LeadRow], days: Sequence[int] = (0, 1, 3, 5, 7, 10)) -> str:
    """Return the skills of some leads as text."""
    of = {row.day: row.skill for row in rows}
    return ", ".join(
        f"{of[day].value:.2f} ({of[day].low:.2f} to {of[day].high:.2f}) "
        + ("tonight" if day == 0 else f"{day} days ahead" if day > 1 else "tomorrow")
        for day in days
        if day in of
    )


def _scores(found: LeftOut, happened: Array, rows: NDArray[np.bool_]) -> dict[str, Any]:
    seen, share = happened[rows], float(happened[rows].mean())
    ours, rule = brier(found.model[rows], seen), brier(found.rule[rows], seen)
    base = brier(found.usual[rows], seen)
    return {
        "cases": int(rows.sum()),
        "seen": int(seen.sum()),
        "brier": round(ours, 5),
        "brier_of_rule": round(rule, 5),
        "brier_of_base": round(share * (1 - share), 5),
        "skill_against_rule": round(skill(ours, rule), 4),
        "skill_against_climatology": round(skill(ours, base), 4),
    }


def _folds(cases: NightCases, found: LeftOut, happened: Array) -> list[Mapping[str, Any]]:
    months = of_month(cases.day)
    folds: list[Mapping[str, Any]] = []
    for month in np.unique(months):
        rows = months == month
        days = np.sort(cases.day[rows])
        about = {"kind": KIND, "sites": [PLACE], "first": str(days[0]), "last": str(days[-1])}
        folds.append(about | _scores(found, happened, rows))
    return folds


def _of_lead(row: LeadRow) -> dict[str, Any]:
    """Return what the card keeps of a lead."""
    return {
        "day": row.day,
        "cases": row.cases,
        "observed": row.observed,
        "brier": round(row.brier.value, 4),
        "skill": round(row.skill.value, 4),
        "skill_90": [round(row.skill.low, 4), round(row.skill.high, 4)],
        "auc": round(row.auc, 3),
        "promised": row.promised,
        "kept": row.kept,
        "right": round(row.right, 4),
        "usual_right": round(row.usual_right, 4),
    }


def write(folder: Path, about: Card, data: bytes) -> None:
    """Put the model and its card into the folder of shipped models, in place of the one before."""
    home = folder / PHENOMENON
    if home.is_dir():
        shutil.rmtree(home)
    place = home / about.id
    place.mkdir(parents=True)
    files.write_whole(place / "model.skops", data)
    files.write_whole(place / "card.json", about.text())
    files.write_whole(home / "in_force.json", json.dumps([about.id], indent=1) + "\n")


def main() -> None:
    """Train, score with months left out, and write the shipped model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=registry.SHIPPED)
    parser.add_argument("--made", type=datetime.fromisoformat, required=True)
    parser.add_argument("--event", choices=list(TRUTHS), default="starry")
    parser.add_argument("--chinese", type=Path, help="JSON: note_zh and place of the card")
    given = parser.parse_args()
    cases = read(given.shared)
    happened = outcome_of(cases, given.event)
    model, found = trained(cases, happened), left_out(cases, happened)
    data = pack(model)
    about = card(cases, given.event, model, found, given.made.replace(tzinfo=UTC), data)
    if given.chinese:
        words = json.loads(given.chinese.read_text(encoding="utf-8"))
        names = {PLACE: {"zh": words["place"], "en": about.names[PLACE]["en"]}}
        about = Card(**{**vars(about), "note_zh": words["note_zh"], "names": names})
    check_answers(model, about)
    write(given.out / TRUTHS[given.event].folder, about, data)
    lines = [row.line() for rows in tables(cases, happened, found).values() for row in rows]
    sys.stdout.write("\n".join([*lines, about.note, ""]))


if __name__ == "__main__":
    main()
