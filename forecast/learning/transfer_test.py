"""Judge the models on mountains they have not seen: labels in a CSV, forecasts in Open-Meteo's
JSON, nothing fitted.

Labels: a header, then a line a morning. `date` (2026-05-17, local) and `status` (full, partial or
none) must be there; `site` or, as TIMtechnology/yunhai names them, `viewpoint_id`/`spot_id` tell
the mountain, and may be left out where there is only one. Forecasts: one document or a list of them
(forecast/ingest/point_forecasts.py), with the same names. A bad line is refused with its number and
the reason; the good are kept.
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
from forecast.ingest.point_forecasts import PointForecast, joined, point_atmosphere, read_points
from forecast.phenomena import cloud_sea, weather
from forecast.quantities import SEA
from forecast.science import almanac
from forecast.science.interpolation import Scene
from forecast.settings import PhenomenonSettings
from models.bootstrap import site_weeks
from models.rule_model import PhysicsRule
from models.score_table import Row, table

Array = NDArray[np.floating[Any]]

log = logging.getLogger(__name__)

STATUS = {"full": 1.0, "partial": 0.5, "none": 0.0}
LARGEST_LABELS = 20_000_000  # [byte]
PERSISTENCE_CASES = 10  # mornings after a labelled one, below which persistence is not told
ANY_MOUNTAIN = "*"  # the mountain of a label or a forecast that names none


@dataclass(frozen=True, slots=True)
class Label:
    """One morning: where, when, what was seen (degree 0, .5, 1)."""

    mountain: str
    day: date
    degree: float


@dataclass(frozen=True, slots=True)
class TransferTestResult:
    """Tables by name ("all", then each mountain); lines refused, with reasons; mornings without
    forecast; what the columns lack; the mornings judged (place, day).
    """

    tables: Mapping[str, Sequence[Row]]
    refused: tuple[str, ...]
    without_forecast: tuple[str, ...]
    missing: tuple[str, ...]
    mornings: tuple[tuple[str, date], ...] = ()

    def lines(self) -> list[str]:
        """Return the judgement as lines of text, with the count of cases beside each figure."""
        told = []
        for name, rows in self.tables.items():
            told += [name, *(f"  {row.line()}" for row in rows)] if rows else [name, "  no case"]
        told += [f"refused: {reason}" for reason in self.refused]
        told += (
            [f"no forecast: {', '.join(self.without_forecast)}"] if self.without_forecast else []
        )
        return (
            [*told, f"missing from these columns: {', '.join(self.missing)}"]
            if self.missing
            else told
        )


def mountain(
    identity: str, latitude: float, longitude: float, elevation: float, valley: float
) -> Site:
    """Return a place to judge at: no more is known of it than where it is, how high, and how high
    its valley [degree, m].
    """
    if not (
        -90 <= latitude <= 90 and -180 <= longitude <= 180 and -500 <= valley < elevation <= 9000
    ):
        raise ValueError(
            f"{identity}: expected degrees and a valley (metres) below the viewpoint, got {latitude}, {longitude}, "
            f"{elevation}, {valley}"
        )
    return Site(
        identity,
        Name(identity, identity),
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


def read_labels(path: Path) -> tuple[list[Label], list[str]]:
    """Return the good labels of a CSV file and, for each bad line, its number and the reason.

    Raises: SourceCorrupt for what is not such a file.
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
    good, bad, seen = [], [], dict[tuple[str, date], float]()
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
        if (label.mountain, label.day) in seen:
            bad.append(f"line {number}: {label.mountain} {label.day} was told before")
            continue
        seen[label.mountain, label.day] = label.degree
        good.append(label)
    return good, bad


def _place(told: Mapping[str, str | None]) -> str:
    """Return the name by which a label or a forecast calls its mountain; EVERY where it calls none."""
    if told.get("site"):
        return str(told["site"]).strip()
    spot = (told.get("spot_id") or "").strip()
    return (told.get("viewpoint_id") or "").strip() or ANY_MOUNTAIN if spot in ("", "community") else spot


def transfer_test(
    labels: Path,
    forecasts: Path,
    mountains: Mapping[str, Site],
    models: Mapping[str, Any],
    settings: PhenomenonSettings,
    clock: ZoneInfo,
    utc_offset: timedelta = timedelta(hours=8),
    threshold: float = 0.3,
) -> TransferTestResult:
    """Return what each model is worth on labelled mornings, beside the rule, and persistence where
    there is enough of it.

    mountains: the name in the files -> the place; one entry named EVERY takes all that no other
    does. models: name -> a model with `columns` and `predict_proba`; none is fitted. clock: by
    which the labels' days are meant; utc_offset: of the forecasts' times, where a document does not
    tell it.
    Raises: SourceCorrupt for a file that cannot be read.
    """
    told, refused = read_labels(labels)
    series: dict[str, list[PointForecast]] = {}
    for point in read_points(forecasts, utc_offset):
        name = _place(point.tags)
        series.setdefault(name if name in mountains else ANY_MOUNTAIN, []).append(point)
    parts: list[tuple[str, list[Label], dict[str, Array]]] = []
    missing, absent = set[str](), []
    for name, site in mountains.items():
        here = [
            one
            for one in told
            if one.mountain == name or (name == ANY_MOUNTAIN and one.mountain not in mountains)
        ]
        if not here:
            continue
        if name not in series:
            absent += [f"{name} {one.day}" for one in here]
            continue
        values, lacks = features(
            site, joined(series[name]), [one.day for one in here], settings, clock
        )
        missing |= lacks
        answers = {
            who: np.asarray(
                model.predict_proba(np.stack([values[c] for c in model.columns], axis=1))
            )[:, 0]
            for who, model in {"rule": PhysicsRule(SEA[0]).ready(), **models}.items()
        }
        absent += [
            f"{site.id} {one.day}"
            for one, p in zip(here, answers["rule"], strict=True)
            if np.isnan(p)
        ]
        parts.append((site.id, here, answers))
    unplaced = (
        sorted({one.mountain for one in told} - mountains.keys()) if ANY_MOUNTAIN not in mountains else []
    )
    refused += [f"mountain {name!r}: no such place was given" for name in unplaced]
    return TransferTestResult(
        _tables(parts, threshold),
        tuple(refused),
        tuple(absent),
        tuple(sorted(missing)),
        tuple((where, one.day) for where, labels, _ in parts for one in labels),
    )


def features(
    site: Site,
    point: PointForecast,
    days: Sequence[date],
    settings: PhenomenonSettings,
    clock: ZoneInfo,
) -> tuple[dict[str, Array], set[str]]:
    """Return the features of each day's morning (name -> (day)), by the same derive() as the
    service's, and what could not be had.
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
    parts = [room.derive(events, scene, settings) for room in (weather, cloud_sea)]
    values = {name: np.asarray(series) for part in parts for name, series in part.values.items()}
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
    seen = np.array([one.degree > 0 for _, labels, _ in parts for one in labels], dtype=float)
    told = {who: np.concatenate([answers[who] for *_, answers in parts]) for who in parts[0][2]}
    known = dict(zip(zip(where.tolist(), day.tolist(), strict=True), seen, strict=True))
    before = zip(where.tolist(), (day - np.timedelta64(1, "D")).tolist(), strict=True)
    yesterday = np.array([known.get(key, np.nan) for key in before])
    blocks, result = site_weeks(where, day), {}
    for name in ("all", *dict.fromkeys(where.tolist())):
        rows = np.ones(len(day), dtype=bool) if name == "all" else where == name
        result[name] = table(
            {who: p[rows] for who, p in told.items()}, seen[rows], blocks[rows], threshold
        )
        after = rows & np.isfinite(yesterday)
        if after.sum() >= PERSISTENCE_CASES:
            rivals = {who: p[after] for who, p in ({"persistence": yesterday} | told).items()}
            result[f"{name}, mornings after a labelled one"] = table(
                rivals, seen[after], blocks[after], threshold
            )
    return result
