"""Transfer test: the sea-of-clouds models on mountains they were not trained on.

Labels are a CSV file with a header and a line for each morning: `date` (2026-05-17, local) and
`status` (full, partial or none) are required; `site` or, as in TIMtechnology/yunhai,
`viewpoint_id`/`spot_id` name the mountain and may be absent where there is only one. Forecasts are
one document or a list of documents in Open-Meteo's JSON (forecast/ingest/point_forecasts.py), with
the same names. A bad line is refused with its number and the reason; nothing is fitted.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forecast.domain import Name, Site
from forecast.errors import SourceCorrupt
from forecast.geo import horizon_dip
from forecast.ingest.point_forecasts import PointForecast, joined, point_atmosphere, read_points
from forecast.phenomena import cloud_sea, weather
from forecast.quantities import SEA
from forecast.science import almanac
from forecast.science.interpolation import Scene
from forecast.settings import PhenomenonSettings
from models.bootstrap import site_weeks
from models.climatology import Climatology
from models.rule_model import LEAD, USUAL, PhysicsRule
from models.score_table import Row, table

Array = NDArray[np.floating[Any]]

log = logging.getLogger(__name__)

STATUS = {"full": 1.0, "partial": 0.5, "none": 0.0}
LARGEST_LABELS = 20_000_000  # [byte]
PERSISTENCE_CASES = 10  # mornings after a labelled one, at least, to score persistence
EVENING_BEFORE = 12.0  # [h] of lead
ANY_MOUNTAIN = "*"  # the mountain of labels and forecasts that name none


@dataclass(frozen=True, slots=True)
class Label:
    """One labelled morning: mountain, local day and observed degree (0, 0.5, 1)."""

    mountain: str
    day: date
    degree: float


@dataclass(frozen=True, slots=True)
class TransferTestResult:
    """The scores of a transfer test.

    tables: by name ("all", then each mountain). refused: lines, with reasons. without_forecast:
    mornings. missing: features that could not be derived. mornings: (place, day) that were scored.
    """

    tables: Mapping[str, Sequence[Row]]
    refused: tuple[str, ...]
    without_forecast: tuple[str, ...]
    missing: tuple[str, ...]
    mornings: tuple[tuple[str, date], ...] = ()

    def lines(self) -> list[str]:
        """Return the result as lines of text, with the number of cases beside each score."""
        lines = []
        for name, rows in self.tables.items():
            lines += [name, *(f"  {row.line()}" for row in rows)] if rows else [name, "  no case"]
        lines += [f"refused: {reason}" for reason in self.refused]
        lines += (
            [f"no forecast: {', '.join(self.without_forecast)}"] if self.without_forecast else []
        )
        return (
            [*lines, f"missing from these columns: {', '.join(self.missing)}"]
            if self.missing
            else lines
        )


def mountain(
    identity: str, latitude: float, longitude: float, elevation: float, valley: float
) -> Site:
    """Return a site of which only position [degree], height and valley height [m] are known."""
    if not (
        -90 <= latitude <= 90 and -180 <= longitude <= 180 and -500 <= valley < elevation <= 9000
    ):
        raise ValueError(
            f"{identity}: expected degrees and a valley (metres) below the viewpoint, "
            f"got {latitude}, {longitude}, {elevation}, {valley}"
        )
    return Site(
        identity,
        Name(identity, identity),
        latitude,
        longitude,
        elevation,
        valley,
        (-horizon_dip(elevation),) * 72,
        21.0,
        (0, 360),
        SEA,
        SEA[0],
        horizon_surveyed=False,
        view_surveyed=False,
    )


def read_labels(path: Path) -> tuple[list[Label], list[str]]:
    """Return the good labels of a CSV file and, for each bad line, its number and the reason.

    Raises: SourceCorrupt for a file that is not such a table.
    """
    try:
        if path.stat().st_size > LARGEST_LABELS:
            raise SourceCorrupt(f"{path}: larger than {LARGEST_LABELS // 1_000_000} MB: split it")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.DictReader(stream)
            if not {"date", "status"} <= set(lines.fieldnames or ()):
                raise SourceCorrupt(
                    f"{path}: expected a header with `date` and `status`, got {lines.fieldnames}"
                )
            rows = [(lines.line_num, row) for row in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceCorrupt(f"{path}: not a readable CSV file in UTF-8: {error}") from error
    good, bad, known = [], [], dict[tuple[str, date], float]()
    for number, row in rows:
        try:
            label = Label(
                _place(row),
                date.fromisoformat((row["date"] or "").strip()),
                STATUS[(row["status"] or "").strip().lower()],
            )
        except ValueError:
            bad.append(f"line {number}: date {row['date']!r}: expected such as 2026-05-17")
            continue
        except KeyError:
            bad.append(f"line {number}: status {row['status']!r}: expected {', '.join(STATUS)}")
            continue
        if (label.mountain, label.day) in known:
            bad.append(f"line {number}: {label.mountain} {label.day} is given twice")
            continue
        known[label.mountain, label.day] = label.degree
        good.append(label)
    return good, bad


def _place(names: Mapping[str, str | None]) -> str:
    """Return the mountain that a label or a forecast names; ANY_MOUNTAIN where it names none."""
    if names.get("site"):
        return str(names["site"]).strip()
    spot = (names.get("spot_id") or "").strip()
    return (
        (names.get("viewpoint_id") or "").strip() or ANY_MOUNTAIN
        if spot in ("", "community")
        else spot
    )


def transfer_test(
    labels: Path,
    forecasts: Path,
    mountains: Mapping[str, Site],
    models: Mapping[str, Any],
    settings: PhenomenonSettings,
    clock: ZoneInfo,
    *,
    utc_offset: timedelta = timedelta(hours=8),
    threshold: float = 0.3,
) -> TransferTestResult:
    """Return the scores of each model, the rule and persistence on labelled mornings.

    mountains: name in the files -> site; an entry named ANY_MOUNTAIN takes all other names. models:
    name -> a model with `columns` and `predict_proba`. clock: time zone of the labels' days.
    utc_offset: of the forecasts' times, where a document does not give it.
    Raises: SourceCorrupt for a file that cannot be read.
    """
    given, refused = read_labels(labels)
    series = _by_mountain(read_points(forecasts, utc_offset), mountains)
    parts: list[tuple[str, list[Label], dict[str, Array]]] = []
    missing, absent = set[str](), []
    for name, site in mountains.items():
        here = _labels_of(name, given, mountains)
        if not here:
            continue
        if name not in series:
            absent += [f"{name} {one.day}" for one in here]
            continue
        values, lacks = features(
            site, joined(series[name]), [one.day for one in here], settings, clock
        )
        missing |= lacks
        predictions = {
            who: np.asarray(
                model.predict_proba(np.stack([values[c] for c in model.columns], axis=1))
            )[:, 0]
            for who, model in {"rule": PhysicsRule(SEA[0]).ready(), **models}.items()
        }
        absent += [
            f"{site.id} {one.day}"
            for one, p in zip(here, predictions["rule"], strict=True)
            if np.isnan(p)
        ]
        parts.append((site.id, here, predictions))
    unplaced = (
        sorted({one.mountain for one in given} - mountains.keys())
        if ANY_MOUNTAIN not in mountains
        else []
    )
    refused += [f"mountain {name!r}: no such place was given" for name in unplaced]
    return TransferTestResult(
        _tables(parts, threshold),
        tuple(refused),
        tuple(absent),
        tuple(sorted(missing)),
        tuple((where, one.day) for where, labels, _ in parts for one in labels),
    )


def _by_mountain(
    points: Sequence[PointForecast], mountains: Mapping[str, Site]
) -> dict[str, list[PointForecast]]:
    """Return the point forecasts of each mountain; ANY_MOUNTAIN has those of unknown places."""
    series: dict[str, list[PointForecast]] = {}
    for point in points:
        name = _place(point.tags)
        series.setdefault(name if name in mountains else ANY_MOUNTAIN, []).append(point)
    return series


def _labels_of(name: str, labels: Sequence[Label], mountains: Mapping[str, Site]) -> list[Label]:
    """Return the labels of one mountain; ANY_MOUNTAIN has those of all mountains not named."""
    return [
        one
        for one in labels
        if one.mountain == name or (name == ANY_MOUNTAIN and one.mountain not in mountains)
    ]


def features(
    site: Site,
    point: PointForecast,
    days: Sequence[date],
    settings: PhenomenonSettings,
    clock: ZoneInfo,
) -> tuple[dict[str, Array], set[str]]:
    """Return the features of each day's morning (name -> (day)), and which are unavailable.

    The features come from the same derive() as the service's. The forecasts' issue time is not
    known: the evening before. No outcome of the morning before is known then.
    """
    every = sorted(set(days))
    almanacs = almanac.almanacs((site,), every, clock)
    found = {
        day: event
        for day in every
        for event in cloud_sea.events(site, day, almanacs[site.id, day], settings)
    }
    events = [found[day] for day in days]
    scene = Scene(
        point_atmosphere(
            point, site.latitude, site.longitude, site.elevation, site.valley_elevation
        ),
        (site,),
    )
    parts = [module.derive(events, scene, settings) for module in (weather, cloud_sea)]
    values = {name: np.asarray(series) for part in parts for name, series in part.values.items()}
    usual = Climatology()
    values |= {
        LEAD: np.full(len(events), EVENING_BEFORE),
        USUAL: np.array([usual.frequency(event) for event in events]),
        "sea_yesterday": np.full(len(events), np.nan),
    }
    return values, {name for part in parts for names in part.missing for name in names} | set(
        point.missing
    )


def _tables(
    parts: Sequence[tuple[str, list[Label], dict[str, Array]]], threshold: float
) -> dict[str, list[Row]]:
    """Return the tables of all mountains together and of each."""
    if not parts:
        return {"all": []}
    where = np.concatenate([np.full(len(labels), name) for name, labels, _ in parts])
    day = np.array([one.day for _, labels, _ in parts for one in labels], dtype="datetime64[D]")
    observed = np.array([one.degree > 0 for _, labels, _ in parts for one in labels], dtype=float)
    predicted = {
        who: np.concatenate([predictions[who] for *_, predictions in parts]) for who in parts[0][2]
    }
    known = dict(zip(zip(where.tolist(), day.tolist(), strict=True), observed, strict=True))
    before = zip(where.tolist(), (day - np.timedelta64(1, "D")).tolist(), strict=True)
    yesterday = np.array([known.get(key, np.nan) for key in before])
    blocks, result = site_weeks(where, day), {}
    for name in ("all", *dict.fromkeys(where.tolist())):
        rows = np.ones(len(day), dtype=bool) if name == "all" else where == name
        result[name] = table(
            {who: p[rows] for who, p in predicted.items()}, observed[rows], blocks[rows], threshold
        )
        after = rows & np.isfinite(yesterday)
        if after.sum() >= PERSISTENCE_CASES:
            rivals = {who: p[after] for who, p in ({"persistence": yesterday} | predicted).items()}
            result[f"{name}, mornings after a labelled one"] = table(
                rivals, observed[after], blocks[after], threshold
            )
    return result
