"""GEFCom2014, zones 1 and 2: the learning code on a year of real forecasts and measured output.

A clear hour has an output above 0.8 of its envelope, the 95th percentile of the same hour over the
41 days around; only hours with an envelope above 0.3 count. The output is used for the target only:
features are ECMWF's forecasts of the same run, of both zones, and the sun's height. Runs start at
00 UTC, so a day is a run; calendar months are held out one at a time, with the three days beside
them.
"""

from __future__ import annotations

import csv
import gzip
from functools import cache
from pathlib import Path

import numpy as np

from models.scores import brier, skill
from models.selection import cross_validate, folds, months
from models.training_set import TrainingSet
from tests.science.claims import Claim
from tests.science.ten_bins import Reliability, reliability

TOPIC = "gefcom"
ZONES = (1, 2)
LEAST_SKILL = 0.42
# radiation at the ground, thermal, at the top; precipitation: since 00 UTC
ACCUMULATED = ("VAR169", "VAR175", "VAR178", "VAR228")
SOLAR_CONSTANT = 1361.0  # [W m-2] Kopp & Lean 2011
# The farms lie somewhere in south-east Australia: of whole degrees these fit the sun's height to
# the radiation best (check).
LATITUDE, LONGITUDE = -35.0, 149.0
AROUND, NEAR = (
    (-3, -2, -1, 1, 2, 3),
    ("clearness", "VAR164", "VAR157", "VAR78", "VAR79", "passed", "VAR228"),
)


@cache
def zone_tables(shared: Path) -> dict[int, tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]]:
    """Return for each zone the days (day), the forecast variables and the output (day, hour).

    Accumulated variables are differences over the hour.
    """
    with gzip.open(
        shared / "gefcom" / "solar_zone1_zone2.csv.gz", "rt", encoding="utf-8"
    ) as stream:
        rows = list(csv.DictReader(stream))
    tables = {}
    for zone in ZONES:
        here = [row for row in rows if row["ZONEID"] == str(zone)]
        stamp = np.array(
            [
                f"{r['TIMESTAMP'][:4]}-{r['TIMESTAMP'][4:6]}-{r['TIMESTAMP'][6:8]}T{r['TIMESTAMP'][9:]}"
                for r in here
            ],
            "M8[h]",
        )
        order = np.argsort(stamp)
        day = (stamp[order] - np.timedelta64(1, "h")).astype("M8[D]").reshape(-1, 24)
        assert (day == day[:, :1]).all()
        names = [name for name in here[0] if name.startswith("VAR")]
        values = {
            name: np.array([float(r[name]) for r in here])[order].reshape(-1, 24)
            for name in (*names, "POWER")
        }
        for name in ACCUMULATED:
            values[name] = np.diff(values[name], axis=1, prepend=0.0)
        tables[zone] = day[:, 0], values, values.pop("POWER")
    return tables


def sun_height(day: np.ndarray) -> np.ndarray:
    """Return the sine of the sun's height in the middle of each hour (day, hour).

    Source: Spencer 1971, as in Iqbal 1983, 1.3-1.4.
    """
    angle = 2 * np.pi * (day - day.astype("M8[Y]")).astype(float)[:, None] / 365.25
    declination = (
        0.006918
        - 0.399912 * np.cos(angle)
        + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle)
    )
    equation = (
        229.18
        * (
            0.000075
            + 0.001868 * np.cos(angle)
            - 0.032077 * np.sin(angle)
            - 0.014615 * np.cos(2 * angle)
            - 0.040849 * np.sin(2 * angle)
        )
        / 60
    )
    hour_angle = np.radians(15 * (np.arange(24) + 0.5 + LONGITUDE / 15 + equation - 12))
    latitude = np.radians(LATITUDE)
    return np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(
        hour_angle
    )


def shifted(values: np.ndarray, hours: int) -> np.ndarray:
    """Return the values so many hours earlier in the same run; NaN beyond it."""
    result = np.full_like(values, np.nan)
    if hours > 0:
        result[:, hours:] = values[:, :-hours]
    else:
        result[:, :hours] = values[:, -hours:]
    return result


def base_features(shared: Path, zone: int) -> dict[str, np.ndarray]:
    """Return the forecast variables of a zone, and features computed from them (day, hour)."""
    day, values, _ = zone_tables(shared)[zone]
    height = sun_height(day)
    at_top = SOLAR_CONSTANT * 3600 * np.maximum(height, 0.05)
    return {
        **values,
        "sun": height,
        "clearness": np.where(height > 0.05, values["VAR169"] / at_top, np.nan),
        "passed": values["VAR169"] / np.maximum(values["VAR178"], 1e4),
        "wind": np.hypot(values["VAR165"], values["VAR166"]),
        "pressure_trend": values["VAR134"] - shifted(values["VAR134"], 3),
    }


def cases(shared: Path, zone: int) -> TrainingSet:
    """Return a zone's hours as cases: the target from the output, the features from forecasts."""
    day, _, output = zone_tables(shared)[zone]
    envelope = np.stack(
        [np.percentile(output[max(0, i - 20) : i + 21], 95, axis=0) for i in range(len(day))]
    )
    ours, theirs = base_features(shared, zone), base_features(shared, 3 - zone)
    features = dict(ours)
    for name in NEAR:
        beside = {k: shifted(ours[name], k) for k in AROUND}
        features |= {f"{name}{k:+d}": values for k, values in beside.items()}
        features[f"{name} of 3"] = _mean([beside[-1], ours[name], beside[1]])
        features[f"{name} of 7"] = _mean([ours[name], *beside.values()])
        features[f"{name} next zone"] = theirs[name]
    turn = 2 * np.pi * (day - day.astype("M8[Y]")).astype(float)[:, None] / 365.25
    features |= {"hour": np.tile(np.arange(24.0), (len(day), 1))}
    features |= {
        name: np.repeat(f(turn), 24, axis=1)
        for name, f in (("season_cos", np.cos), ("season_sin", np.sin))
    }
    used = envelope > 0.3
    rows = used.sum()
    return TrainingSet(
        "starry_sky",
        tuple(features),
        np.stack([values[used] for values in features.values()], axis=1),
        (output > 0.8 * envelope)[used].astype(float),
        np.repeat(day[:, None], 24, axis=1)[used],
        np.full(rows, f"zone {zone}"),
        np.full(rows, "station"),
        np.tile(np.arange(1.0, 25.0), (len(day), 1))[used],
        event=np.arange(rows),
        trust=np.ones(rows),
    )


def _mean(parts: list[np.ndarray]) -> np.ndarray:
    known = np.sum([np.isfinite(part) for part in parts], axis=0)
    return np.nansum(parts, axis=0) / np.where(known, known, np.nan)


def climatology(data: TrainingSet) -> np.ndarray:
    """Return the frequency of a clear hour in the other months (case), of the same cases."""
    result = np.empty(len(data))
    for part in folds(data.day, months(data.day), 100):
        result[part.test] = data.observed[part.train].mean()
    return result


@cache
def measured(shared: Path, zone: int) -> tuple[float, Reliability, int, int]:
    """Return skill and reliability with months held out, the number of cases and of months."""
    data = cases(shared, zone)
    blocks = months(data.day)
    validation = cross_validate(data, blocks, ("blend",), count=len(np.unique(blocks)))
    probability = validation.probability[:, 1]
    gained = skill(brier(probability, data.observed), brier(climatology(data), data.observed))
    return gained, reliability(probability, data.observed), len(data), len(np.unique(blocks))


def claims(shared: Path) -> list[Claim]:
    """Return skill and reliability of the blend in each zone."""
    lines = []
    for zone in ZONES:
        gained, bins, number, left_out = measured(shared, zone)
        inside = int(((bins.low <= bins.frequency) & (bins.frequency <= bins.high)).sum())
        lines.append(
            Claim(
                TOPIC,
                f"clear hours of zone {zone}: Brier skill, {left_out} months left out in turn",
                f"{gained:.3f}",
                number,
                f"climatology; at least {LEAST_SKILL}",
                gained >= LEAST_SKILL,
            )
        )
        lines.append(
            Claim(
                TOPIC,
                f"  reliability term, zone {zone}; "
                f"{inside} of {len(bins.cases)} bins in their 90 % band",
                f"{bins.term:.4f}",
                number,
                f"chance keeps below {bins.highest:.4f} in 90 %",
                bins.within,
            )
        )
    return lines
