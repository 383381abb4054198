"""Sea of clouds: the untrained rule on the 87 labelled mornings of ../shared/data/cloud_sea.

It is compared with always no, climatology and persistence.
Forecast: hourly point forecasts on four levels, issue time not proven (taken as day 0). Labels:
`full` and `partial` count as observed, `none` as not; many a `none` at Wunvshan was inferred from
the absence of pictures of a sunrise over cloud, and Laojunshan has no `none` at all. Heights of
the viewpoints: those of TIMtechnology/yunhai (MIT), which gave the data; valleys: the reservoir of
Huanren at 300 m under Wunvshan, Luanchuan at 750 m under Laojunshan, 300 m for Huangyakou (not
confirmed). The rule was not fitted, but it was revised with these labels in view (the effects of
cloud above and of the cloud of the night): this is not a test on independent mornings.

Limits of these labels. They are not a random sample of mornings: Laojunshan has seas only, so that
climatology by mountain is perfect there by construction, and no forecast of the weather can match
it; this, more than the weather, is the negative skill over all of them. The columns have four
levels, 700 m and more apart where the decks are: an empty valley in them means little, and the rule
then stays near its own base rate (22 %: science.md 2), below that of the list (43 %, Wunvshan
30 %). Two errors are therefore distinguished: the level of the probabilities (the mean forecast
against the observed frequency, and the Brier score with the level alone corrected from the other
months) and their order (AUC). Least cloud above the summit separates Wunvshan's mornings best:
people post pictures of sunrises.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from forecast.config import read_config
from forecast.domain import Event, Name, Site
from forecast.ingest.point_forecasts import PointForecast, joined, point_atmosphere, read_points
from forecast.learning.transfer_test import EVENING_BEFORE
from forecast.phenomena import cloud_sea, weather
from forecast.quantities import FEATURES, SEA
from forecast.science import almanac
from forecast.science.interpolation import Scene
from forecast.settings import PhenomenonSettings
from models.bootstrap import percentile_interval, resampled_sums
from models.climatology import Climatology
from models.rule_model import LEAD, USUAL, PhysicsRule
from models.scores import Scores, score, skill
from tests.science.claims import Claim
from tests.science.ten_bins import reliability

TOPIC = "sea"
CLOCK = ZoneInfo("Asia/Shanghai")
LEAST = 10  # mornings for a verdict
YESTERDAY = "sea_yesterday"
BINS, HIGH = 5, 0.7  # of few mornings; from which a chance of a sea is high
THRESHOLD = 0.30  # of the published grades, from which a morning is called possible


def _place(name: str, latitude: float, longitude: float, elevation: float, valley: float) -> Site:
    return Site(
        name,
        Name(name, name),
        latitude,
        longitude,
        elevation,
        valley,
        (0.0,) * 72,
        21.0,
        (0, 360),
        SEA,
        SEA[0],
    )


# fmt: off
MOUNTAINS = {
    "wunvshan": _place("wunvshan", 41.320, 125.408, 804, 300),
    "laojunshan": _place("laojunshan", 33.737, 111.653, 2217, 750),
    "huangyakou": _place("huangyakou", 40.478, 122.983, 751, 300),
    "laojunshan_foot": _place("laojunshan_foot", 33.731, 111.664, 759, 750),
}
# fmt: on
# The labels' and the forecasts' ids; those of the forecasts that no label has are neighbours of a
# labelled place.
IDS = {
    "wunvshan": "wunvshan",
    "laojunshan": "laojunshan",
    "cs_30328c00": "laojunshan",
    "cs_0c28f6f2": "huangyakou",
    "cs_d93b1627": "laojunshan_foot",
}  # fmt: skip


LAYER_CLOUD = ("low_cloud", "medium_cloud", "high_cloud")
INFERRED = "\u8865\u6807"  # in the notes: labelled afterwards
DEGREES = {"full": 1.0, "partial": 0.5, "none": 0.0}


@dataclass(frozen=True)
class Mornings:
    """Cases (case): mountain, day, label (0 none, .5 partial, 1 full), features, probability."""

    mountain: np.ndarray
    day: np.ndarray
    degree: np.ndarray
    probability: np.ndarray
    features: Mapping[str, np.ndarray]
    missing: frozenset[str]
    without_forecast: tuple[str, ...]  # mountain and day of labels without a forecast
    inferred: np.ndarray  # a `none` inferred from the absence of pictures

    @property
    def seen(self) -> np.ndarray:
        return (self.degree > 0).astype(float)


def _id(row: Mapping[str, str]) -> str:
    return row["viewpoint_id"] if row["spot_id"] == "community" else row["spot_id"]


@cache
def mornings(shared: Path) -> Mornings:
    """Read labels and forecasts, and compute each morning's features and the rule's probability."""
    folder, settings = shared / "cloud_sea", read_config().phenomena
    series: dict[str, list[PointForecast]] = {}
    for point in read_points(folder / "forecast_days.json.gz", timedelta(hours=8)):
        if name := IDS.get(_id(point.tags)):
            series.setdefault(name, []).append(point)
    with (folder / "labels.csv").open(encoding="utf-8") as stream:
        labels = list(csv.DictReader(stream))
    rows = [
        (
            IDS[_id(row)],
            date.fromisoformat(row["date"]),
            DEGREES[row["status"]],
            INFERRED in row["notes"],
        )
        for row in labels
    ]
    parts, absent, missing = [], list[str](), set[str]()
    for name, site in MOUNTAINS.items():
        days = [
            (day, degree, guessed) for mountain, day, degree, guessed in rows if mountain == name
        ]
        features, names, probability = _forecast(
            site, joined(series[name]), [day for day, *_ in days], settings
        )
        known = np.isfinite(probability)
        absent += [f"{name} {day}" for (day, *_), k in zip(days, known, strict=True) if not k]
        missing |= names
        parts.append((name, days, features, probability, known))
    return Mornings(
        np.concatenate([np.full(k.sum(), name) for name, _, _, _, k in parts]),
        np.concatenate([np.array([d for d, *_ in days])[k] for _, days, _, _, k in parts]),
        np.concatenate([np.array([g for _, g, _ in days])[k] for _, days, _, _, k in parts]),
        np.concatenate([p[k] for _, _, _, p, k in parts]),
        {
            name: np.concatenate([f[name][k] for _, _, f, _, k in parts])
            for name in FEATURES
            if name in parts[0][2]
        },
        frozenset(missing),
        tuple(absent),
        np.concatenate([np.array([i for *_, i in days])[k] for _, days, _, _, k in parts]),
    )


def _forecast(
    site: Site, point: PointForecast, days: list[date], settings: PhenomenonSettings
) -> tuple[dict[str, np.ndarray], set[str], np.ndarray]:
    """Return each morning's features, what was missing, and the rule's probability of a sea."""
    every = sorted(set(days))
    almanacs = almanac.almanacs((site,), every, CLOCK)
    found = {
        day: event
        for day in every
        for event in cloud_sea.events(site, day, almanacs[site.id, day], settings)
    }
    events: list[Event] = [found[day] for day in days]
    scene = Scene(
        point_atmosphere(
            point, site.latitude, site.longitude, site.elevation, site.valley_elevation
        ),
        (site,),
    )
    parts = [module.derive(events, scene, settings) for module in (weather, cloud_sea)]
    values = {name: series for part in parts for name, series in part.values.items()}
    missing = {name for part in parts for names in part.missing for name in names} | set(
        point.missing
    )
    values |= {
        LEAD: np.full(len(events), EVENING_BEFORE),
        USUAL: np.array([Climatology().frequency(event) for event in events]),
        YESTERDAY: np.full(len(events), np.nan),  # labels were given later: `_with_yesterday`
    }
    rule = PhysicsRule(SEA[0]).ready()
    return (
        values,
        missing,
        rule.predict_proba(np.stack([values[name] for name in rule.columns], axis=1))[:, 0],
    )


def persistence(cases: Mornings) -> np.ndarray:
    """Return yesterday's label at the mountain, NaN where there is none."""
    known = {(m, d): s for m, d, s in zip(cases.mountain, cases.day, cases.seen, strict=True)}
    return np.array(
        [
            known.get((m, d - timedelta(days=1)), np.nan)
            for m, d in zip(cases.mountain, cases.day, strict=True)
        ]
    )


def climatology(cases: Mornings) -> np.ndarray:
    """Return the frequency of a sea in the other months of the same mountain.

    Of all mountains, where the mountain has no other month.
    """
    months = np.array([(d.year, d.month) for d in cases.day])
    result = np.empty(len(cases.day))
    for row, (mountain, month) in enumerate(zip(cases.mountain, months, strict=True)):
        other = (months != month).any(axis=1)
        here = other & (cases.mountain == mountain)
        result[row] = cases.seen[here if here.any() else other].mean()
    return result


def level_corrected(probability: np.ndarray, seen: np.ndarray, months: np.ndarray) -> np.ndarray:
    """Return probabilities shifted in log-odds to the observed frequency of the other months."""
    odds, moves = np.log(probability / (1 - probability)), np.arange(-5.0, 5.01, 0.05)[:, None]
    result = np.empty(len(odds))
    for month in np.unique(months):
        other = months != month
        means = (1 / (1 + np.exp(-(odds[other] + moves)))).mean(axis=1)
        result[~other] = 1 / (
            1 + np.exp(-(odds[~other] + moves[np.abs(means - seen[other].mean()).argmin()]))
        )
    return result


def _figure(scores: Scores) -> str:
    return (
        f"AUC {scores.auc:.2f} TS {scores.ts:.2f} POD {scores.pod:.2f} FAR {scores.far:.2f} "
        f"Brier {scores.brier:.3f}"
    )


def _compared(ours: np.ndarray, rival: np.ndarray, seen: np.ndarray, weeks: np.ndarray) -> str:
    """Return whether the rule is better than a rival by the Brier score.

    Better or worse only where the 90 % interval of a bootstrap by weeks excludes 0.
    """
    if len(seen) < LEAST:
        return "TOO FEW TO TELL"
    more = (ours - seen) ** 2 - (rival - seen) ** 2
    sums = resampled_sums(np.stack([more, np.ones(len(more))], axis=1), weeks, 2000, 20261122)
    low, high = percentile_interval(sums[:, 0] / sums[:, 1])
    return "BETTER" if high < 0 else "WORSE" if low > 0 else "NO BETTER"


def claims(shared: Path) -> list[Claim]:
    """Return the untrained rule's scores on the labelled mornings, and its rivals' on the same."""
    cases = mornings(shared)
    lines = []
    for name, chosen in _groups(cases):
        ours = score(cases.probability[chosen], cases.seen[chosen], THRESHOLD)
        absent = [one for one in cases.without_forecast if name in ("all", one.split()[0])]
        out = f"; left out, labelled but without a forecast: {', '.join(absent)}" if absent else ""
        lines.append(
            Claim(
                TOPIC,
                f"rule, untrained, {name}",
                _figure(ours),
                ours.cases,
                f"{ours.events} seen, called from {THRESHOLD:.0%}; "
                f"not fitted, but revised after seeing these labels{out}",
            )
        )
        lines += _rivals(cases, name, chosen)
    return [
        *lines,
        *bars(cases),
        *calibration(cases),
        *_with_yesterday(cases),
        _unplaced(cases),
        _level(cases),
        _without_inferred(cases),
        *_separation(cases),
        _lacking(cases),
    ]


def weeks_of(cases: Mornings) -> np.ndarray:
    """Return each morning's mountain and week, the block of the bootstrap."""
    return np.array(
        [
            f"{m} {d.isocalendar()[0]} {d.isocalendar()[1]}"
            for m, d in zip(cases.mountain, cases.day, strict=True)
        ]
    )


def bars(cases: Mornings) -> list[Claim]:
    """Return what must hold: better by Brier than always no, and than persistence at Wunvshan.

    Wunvshan is the one mountain with enough mornings of both kinds.
    """
    everywhere, here = np.ones(len(cases.day), dtype=bool), cases.mountain == "wunvshan"
    rivals = (
        ("always no", "all", everywhere, np.zeros(len(cases.day))),
        ("persistence", "wunvshan", here, persistence(cases)),
    )
    lines, weeks = [], weeks_of(cases)
    for rival, name, chosen, forecast in rivals:
        both = chosen & np.isfinite(forecast)
        word = _compared(cases.probability[both], forecast[both], cases.seen[both], weeks[both])
        ours, theirs = (
            score(p[both], cases.seen[both], THRESHOLD).brier for p in (cases.probability, forecast)
        )
        lines.append(
            Claim(
                TOPIC,
                f"beats {rival} by Brier, {name}",
                f"{ours:.3f} against {theirs:.3f}",
                int(both.sum()),
                "90 % of draws of weeks agree; revised after seeing these labels",
                word == "BETTER",
            )
        )
    return lines


def calibration(cases: Mornings) -> list[Claim]:
    """Return whether the chance of a sea came true; no label tells the other three states apart.

    Of all mountains it is missed, and known: at Laojunshan only seas were labelled.
    """
    lines = []
    for name in ("all", "wunvshan"):
        chosen = (cases.mountain == name) | (name == "all")
        told, seen = cases.probability[chosen], cases.seen[chosen]
        bins = reliability(told, seen, bins=BINS)
        lines.append(
            Claim(
                TOPIC,
                f"states, sea against the three others, {name}: mean chance",
                f"{told.mean():.2f}, came {seen.mean():.2f}",
                len(told),
                f"reliability {bins.term:.4f}, chance keeps below {bins.highest:.4f} in 90 %; "
                f"{(told >= HIGH).sum()} told {HIGH:.0%} or more: high chances are unproven",
                bins.within,
                band=True,
                known=name == "all",
            )
        )
    return lines


def _rivals(cases: Mornings, name: str, chosen: np.ndarray) -> list[Claim]:
    """Return each rival's scores and the rule's on the same mornings, and how they compare."""
    weeks = weeks_of(cases)
    rivals = {
        "always no": np.zeros(len(cases.day)),
        "climatology, a month left out": climatology(cases),
        "persistence": persistence(cases),
    }
    lines = []
    for rival, forecast in rivals.items():
        both = chosen & np.isfinite(forecast)
        if not both.any():
            continue
        theirs, ours = (
            score(p[both], cases.seen[both], THRESHOLD) for p in (forecast, cases.probability)
        )
        word = _compared(cases.probability[both], forecast[both], cases.seen[both], weeks[both])
        lines.append(
            Claim(
                TOPIC,
                f"  {rival}, {name}",
                _figure(theirs),
                theirs.cases,
                f"the rule on these: {_figure(ours)}: by Brier {word}, "
                f"skill {skill(ours.brier, theirs.brier):+.2f}, "
                f"TS {ours.ts:.2f} against {theirs.ts:.2f}",
            )
        )
    return lines


def _with_yesterday(cases: Mornings) -> list[Claim]:
    """Return the rule with the label of the morning before, on the mornings that have one.

    What it is worth on other mountains: after a sea .23, after none .08, of 1,078 mornings. Here a
    morning after a sea was often posted because of it; no bar.
    """
    before = persistence(cases)
    rule = PhysicsRule(SEA[0]).ready()
    rows = np.stack(
        [before if name == YESTERDAY else cases.features[name] for name in rule.columns], axis=1
    )
    told, lines = rule.predict_proba(rows)[:, 0], []
    for name, chosen in (("all", cases.mountain != ""), ("wunvshan", cases.mountain == "wunvshan")):
        known = chosen & np.isfinite(before)
        ours, without = (
            score(p[known], cases.seen[known], THRESHOLD) for p in (told, cases.probability)
        )
        lines.append(
            Claim(
                TOPIC,
                f"rule that knows the morning before, {name}",
                _figure(ours),
                ours.cases,
                f"without: {_figure(without)}",
            )
        )
    return lines


def _unplaced(cases: Mornings) -> Claim:
    """Return what is told where levels too far apart leave the top of a deck open.

    All of these are at Laojunshan, whose labels are seas only: they cannot say how often one is
    not seen. The figure leaned to is that of Wunvshan's low cloud.
    """
    unplaced = cases.features["unplaced_deck"] > 0.5
    low = (cases.mountain == "wunvshan") & (cases.features["low_cloud"] >= 0.3)
    told, frequency = cases.probability[unplaced], cases.seen[low].mean()
    return Claim(
        TOPIC,
        "sea told where the deck's top cannot be placed: least, mean, most",
        f"{told.min():.2f}, {told.mean():.2f}, {told.max():.2f}",
        int(unplaced.sum()),
        f"seen under low cloud at Wunvshan {frequency:.2f} of {low.sum()}; at least half of that "
        "on each: no morning is written off",
        bool(told.min() >= 0.5 * frequency),
    )


def _level(cases: Mornings) -> Claim:
    """Return how much of the rule's Brier score at Wunvshan is its level and its order."""
    here = cases.mountain == "wunvshan"
    ours, seen = cases.probability[here], cases.seen[here]
    moved = level_corrected(ours, seen, np.array([d.month for d in cases.day[here]]))
    raw, level = score(ours, seen, THRESHOLD), score(moved, seen, THRESHOLD)
    return Claim(
        TOPIC,
        "level of the rule, wunvshan: mean forecast against seen",
        f"{ours.mean():.2f} against {seen.mean():.2f}",
        raw.cases,
        f"Brier {raw.brier:.3f}, with the level set right from its other months "
        f"{level.brier:.3f}; order: AUC {raw.auc:.2f}",
    )


def _groups(cases: Mornings) -> Iterable[tuple[str, np.ndarray]]:
    yield "all", np.ones(len(cases.day), dtype=bool)
    for name in MOUNTAINS:
        yield name, cases.mountain == name


def _without_inferred(cases: Mornings) -> Claim:
    """Return the rule's scores at Wunvshan without the mornings inferred to be `none`."""
    chosen = (cases.mountain == "wunvshan") & ~cases.inferred
    kept = score(cases.probability[chosen], cases.seen[chosen], THRESHOLD)
    return Claim(
        TOPIC,
        "rule, untrained, wunvshan, inferred nones left out",
        _figure(kept),
        kept.cases,
        "with them: see above",
    )


def _lacking(cases: Mornings) -> Claim:
    """Return what is missing from the columns of four levels."""
    return Claim(
        TOPIC,
        "missing from these columns",
        f"{len(cases.missing)} things",
        len(cases.day),
        ", ".join(sorted(cases.missing)),
    )


def _separation(cases: Mornings) -> list[Claim]:
    """Return the features by how well each alone separates the mornings of Wunvshan."""
    here = cases.mountain == "wunvshan"
    lines = []
    wanted = {
        *PhysicsRule(SEA[0]).columns,
        *(name for name, feature in FEATURES.items() if feature.phenomena == SEA),
        *LAYER_CLOUD,
    }
    for name in sorted(wanted & cases.features.keys()):
        values = cases.features[name][here]
        if np.isfinite(values).sum() >= 40:
            one = score(values, cases.seen[here])
            claim = Claim(
                TOPIC,
                f"  {name} alone, wunvshan",
                f"AUC {one.auc:.2f}",
                one.cases,
                "0.5 is chance; below: less is better",
            )
            lines.append((abs(one.auc - 0.5), claim))
    return [claim for _, claim in sorted(lines, key=lambda line: -line[0])]
