"""Glow and disk over errors of the cloud: is the probability true where the errors are known?

A simulated world: skies of three layers whose covers have the climate and the correlations of
forecast/science/cloud_errors.py, a true sky and a forecast of it for each lead, made here by
another way (random normal fields and quantiles). What came is worked out by the whole computation
of the light (every point of the canvas, every angle), what was forecast by the draws. So it tests
the shortcuts of the draws and the statistics, not the weather: no labels of glows exist.
"""

from __future__ import annotations

import csv
import gzip
from functools import cache
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import norm, rankdata

from forecast.phenomena.canvas import find_canvas, illuminate, view_of
from forecast.phenomena.glow import DISK_PARTLY, PARTLY
from forecast.phenomena.light_chances import Viewers, disk_chances, glow_chances
from forecast.phenomena.light_path import DISTANCE, HEIGHTS
from forecast.phenomena.sun_disk import disk_light
from forecast.science import cloud_errors, light
from forecast.science.light import CELL, CELLS, AirSection
from tests.science.claims import Claim
from tests.science.rays import section

TOPIC = "glow_errors"
SKIES = 500  # at each lead
LEADS = (6, 30, 78, 126, 174, 246)  # [h]
VIEWER, HAZE = 1300.0, 0.15
BLOCK = 100
HOURS = (5, 6, 7, 8, 16, 17, 18, 19)  # local, around dawn and dusk


def fields(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return normal fields (sky, layer, distance) of the stated correlations, by covariance."""
    apart = np.abs(DISTANCE[:, None] - DISTANCE)
    along = np.exp(-apart / cloud_errors.ERROR_LENGTH)
    whole = np.kron(np.array(cloud_errors.LAYER_CORRELATION), along)
    values, vectors = np.linalg.eigh(whole)
    drawn = rng.standard_normal((count, len(whole))) * np.sqrt(np.maximum(values, 0))
    return np.asarray((drawn @ vectors.T).reshape(count, cloud_errors.LAYERS, -1))


def covers_of(deviates: np.ndarray) -> np.ndarray:
    """Return covers (sky, layer, distance): the quantile of each deviate in its layer's climate."""
    result = np.empty_like(deviates)
    for layer, climate in enumerate(cloud_errors.LAYER_CLIMATE):
        covers, parts = np.array(climate).T
        result[:, layer] = np.interp(norm.cdf(deviates[:, layer]), parts, covers)
    return result


def sky_of(covers: np.ndarray, bases: np.ndarray) -> AirSection:
    """Return skies of one slab a layer with bases [m] (sky, layer), over the sea, in haze."""
    cells = np.zeros((len(covers), DISTANCE.size, CELLS))
    for layer, depth in enumerate((1000.0, 1000.0, 1500.0)):
        base = bases[:, layer, None]
        inside = (base <= HEIGHTS) & (base + depth > HEIGHTS)
        cells = np.maximum(cells, covers[:, layer, :, None] * inside[:, None, :])
    return section(cells, 0.02, HAZE)


def truth(sky: AirSection, viewers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the best quality and the light of the disk (sky) by the whole computation."""
    canvas = find_canvas(sky, viewers)
    seen = illuminate(sky, canvas, view_of(sky, canvas, viewers)).seen
    clears = np.full((len(viewers), 1), light.SEMIDIAMETER)
    return canvas.part() * seen.max(axis=1), disk_light(sky, viewers, clears)[0][:, 0]


@cache
def world(seed: int = 7) -> dict[int, dict[str, np.ndarray]]:
    """Return for each lead the probabilities and what came (sky), of glow and disk."""
    rng, result = np.random.default_rng(seed), {}
    for lead in LEADS:
        parts = [_block(rng, lead, number) for number in range(SKIES // BLOCK)]
        result[lead] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return result


@cache
def climate_chances(height: float, events: int = 128) -> tuple[float, float]:
    """Return how often the climate of cloud gives a glow, and a disk, to a viewer at `height` [m].

    By the product's own draws, the same clouds at each height; the horizon is at his own height.
    """
    clear = section(np.zeros((events, DISTANCE.size, CELLS)), 0.02, HAZE)
    sun = np.broadcast_to(np.arange(-6.0, 3.1, 0.25), (events, 37))
    far, keys = np.full(events, 300.0), [f"climate/{number}" for number in range(events)]
    viewers = Viewers(np.full(events, float(height)), np.zeros(events), sun, far, keys)
    return (
        float(glow_chances(clear, viewers, PARTLY).climate.mean()),
        float(disk_chances(clear, viewers, DISK_PARTLY).climate.mean()),
    )


def _bases(rng: np.random.Generator) -> np.ndarray:
    """Return bases [m] (sky, layer) of low, middle and high cloud."""
    levels = ((2, 6), (12, 20), (26, 40))
    return np.stack([rng.integers(low, high, BLOCK) * CELL for low, high in levels], axis=1)


def _block(rng: np.random.Generator, lead: int, number: int) -> dict[str, np.ndarray]:
    forecast = fields(rng, BLOCK)
    covers = covers_of(forecast)
    correlation = float(cloud_errors.correlation_at(np.array(lead)))
    # what a forecast says of the truth: its cover, not the deviate behind it
    said = np.moveaxis(cloud_errors.deviates_of(np.moveaxis(covers, 1, 2)), 2, 1)
    left = np.sqrt(1 - correlation**2 * cloud_errors.VARIANCE)[:, None]
    true = covers_of(correlation * said + left * fields(rng, BLOCK))
    bases, other = _bases(rng), _bases(rng)
    other = np.where(rng.random((BLOCK, 1)) < correlation, bases, other)
    viewers = np.full(BLOCK, VIEWER)
    sun = np.broadcast_to(np.arange(-6.0, 3.1, 0.25), (BLOCK, 37))
    keys = [f"{lead}/{number}/{row}" for row in range(BLOCK)]
    asked = Viewers(viewers, np.zeros(BLOCK), sun, np.full(BLOCK, float(lead)), keys)
    told = sky_of(covers, bases)
    quality, disk = truth(sky_of(true, other), viewers)
    quality_told, disk_told = truth(told, viewers)
    glow = glow_chances(told, asked, PARTLY)
    shown = disk_chances(told, asked, DISK_PARTLY)
    return {
        "glow": glow.probability, "glow_climate": glow.climate, "glow_came": quality >= PARTLY,
        "glow_line": quality_told >= PARTLY, "disk": shown.probability,
        "disk_climate": shown.climate,
        "disk_came": disk >= DISK_PARTLY, "disk_line": disk_told >= DISK_PARTLY,
    }  # fmt: skip


def claims(shared: Path) -> list[Claim]:
    """Return whether the probabilities of the simulated world are true, lead by lead."""
    found = []
    for name, called in (("glow", "glow"), ("disk", "disk at sunrise")):
        found += [_by_lead(name, called, lead) for lead in LEADS]
        found += [reliable(name, called), decays(name, called)]
    return [*found, whole_computation(), *correlation_of_the_archive(shared)]


def skill_of(name: str, lead: int) -> tuple[float, float, float]:
    """Return the Brier skill of a probability against the frequency in that world, and its 90 %."""
    skies = world()[lead]
    came = skies[f"{name}_came"].astype(float)
    ours, usual = (skies[name] - came) ** 2, (came.mean() - came) ** 2
    rng = np.random.default_rng(11)
    rows = rng.integers(0, len(came), (1000, len(came)))
    drawn = 1 - ours[rows].sum(axis=1) / usual[rows].sum(axis=1)
    low, high = np.quantile(drawn, (0.05, 0.95))
    return 1 - float(ours.sum() / usual.sum()), float(low), float(high)


def _by_lead(name: str, called: str, lead: int) -> Claim:
    """Never worse than how often it comes: the interval of the skill reaches 0 at least."""
    skies, (skill, low, high) = world()[lead], skill_of(name, lead)
    came, line = skies[f"{name}_came"].astype(float), skies[f"{name}_line"].astype(float)
    alone = 1 - ((line - came) ** 2).sum() / ((came.mean() - came) ** 2).sum()
    return Claim(
        TOPIC,
        f"{called}, {lead} h ahead: Brier skill against how often it comes",
        f"{skill:+.2f} ({low:+.2f} to {high:+.2f})",
        len(came),
        f"came {came.mean():.2f}, told {skies[name].mean():.2f}; the forecast sky alone, yes or no "
        f"{alone:+.2f}; 90 % interval must reach 0",
        high >= 0,
    )


def reliable(name: str, called: str, shift: float = 0.0) -> Claim:
    """Of all leads together: what was told by fifths, against what came. shift: of the odds."""
    told, came = (
        np.concatenate([skies[key] for skies in world().values()]).astype(float)
        for key in (name, f"{name}_came")
    )
    told = 1 / (1 + (1 / told - 1) * np.exp(-shift))
    bins, words, holds = np.quantile(told, (0.2, 0.4, 0.6, 0.8)), [], True
    for part in range(5):
        rows = np.searchsorted(bins, told, side="right") == part
        error = 3 * np.sqrt((told[rows] * (1 - told[rows])).sum()) / rows.sum()
        words.append(f"{told[rows].mean():.2f}:{came[rows].mean():.2f}")
        holds &= bool(abs(told[rows].mean() - came[rows].mean()) <= error)
    return Claim(
        TOPIC,
        f"{called}: told and came, by fifths of what was told",
        " ".join(words),
        len(told),
        "each within three standard errors",
        holds,
    )


def decays(name: str, called: str) -> Claim:
    """Worth much the first day, nothing in ten days, and told so: the spread of what is told."""
    near, far = skill_of(name, LEADS[1]), skill_of(name, LEADS[-1])
    spreads = [float(world()[lead][name].std()) for lead in LEADS]
    return Claim(
        TOPIC,
        f"{called}: skill at {LEADS[1]} h and {LEADS[-1]} h; spread of what is told by lead",
        f"{near[0]:+.2f}, {far[0]:+.2f}; " + " ".join(f"{spread:.2f}" for spread in spreads),
        SKIES,
        "more than 0 by the interval; then within .05 of 0; the spread falls",
        near[1] > 0 and abs(far[0]) <= 0.05 and spreads[-1] < 0.6 * spreads[0],
    )


def whole_computation(skies: int = 40, draws: int = 100) -> Claim:
    """The draws again by the whole computation of the light: what the shortcuts cost."""
    rng, lead = np.random.default_rng(3), 30.0
    covers = covers_of(fields(rng, skies))
    bases = np.tile([1000.0, 4000.0, 8000.0], (skies, 1))  # the usual ones: no draw has others
    sun = np.broadcast_to(np.arange(-6.0, 3.1, 0.25), (skies, 37))
    asked = Viewers(np.full(skies, VIEWER), np.zeros(skies), sun, np.full(skies, lead),
                    [f"whole/{row}" for row in range(skies)])  # fmt: skip
    quick = glow_chances(sky_of(covers, bases), asked, PARTLY).probability
    correlation = float(cloud_errors.correlation_at(np.array(lead)))
    said = np.moveaxis(cloud_errors.deviates_of(np.moveaxis(covers, 1, 2)), 2, 1)
    left = np.sqrt(1 - correlation**2 * cloud_errors.VARIANCE)[:, None]
    reached = np.zeros(skies)
    for _ in range(draws):
        true = covers_of(correlation * said + left * fields(rng, skies))
        reached += truth(sky_of(true, bases), np.full(skies, VIEWER))[0] >= PARTLY
    whole = reached / draws
    apart = float(np.sqrt(((quick - whole) ** 2).mean()))
    chance = float(np.sqrt((whole * (1 - whole) * (1 / draws + 1 / 128)).mean()))
    return Claim(
        TOPIC,
        "glow: draws by one ray against the whole computation, root mean square",
        f"{apart:.3f}",
        skies,
        f"{draws} draws each, {lead:g} h ahead; chance alone {chance:.3f}; mean {quick.mean():.2f} "
        f"against {whole.mean():.2f}; at most 1.5 times chance",
        apart <= 1.5 * chance,
    )


def correlation_of_the_archive(shared: Path) -> list[Claim]:
    """Measure the correlation of forecast and analysed cloud by lead again; nothing is fitted."""
    lead, told, came = archived_cloud(shared)
    found = []
    for day in (0, 1, 3, 5, 7, 10):
        rows = lead // 24 == day
        measured = correlation(told[rows], came[rows])
        stated = float(cloud_errors.correlation_at(np.array(lead[rows].mean())))
        found.append(
            Claim(
                TOPIC,
                f"correlation of cloud at dusk and dawn, forecast and true, day {day}",
                f"{measured:.2f}",
                int(rows.sum()),
                f"stated {stated:.2f} at {lead[rows].mean():.0f} h, within .06; cloud by the hour, "
                "New York, October 2023 to February 2026",
                abs(measured - stated) <= 0.06,
            )
        )
    return found


def archived_cloud(shared: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lead [h], forecast and analysed cover [1] of the hours around dusk and dawn."""
    folder = shared / "night_cloud"
    with gzip.open(folder / "analyses.csv.gz", "rt", encoding="utf-8") as stream:
        true = {row["valid_local"]: row["cloud_pct"] for row in csv.DictReader(stream)}
    rows = []
    with gzip.open(folder / "forecasts.csv.gz", "rt", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            valid, analysed = row["valid_local"], true.get(row["valid_local"])
            if int(valid[11:13]) in HOURS and analysed and row["cloud_pct"]:
                rows.append((row["issued_local"], valid, row["cloud_pct"], analysed))
    issued, valid = (np.array([row[k] for row in rows], dtype="datetime64[m]") for k in (0, 1))
    lead = (valid - issued) / np.timedelta64(60, "m")
    told, came = (np.array([float(row[k]) for row in rows]) / 100 for k in (2, 3))
    return lead, told, came


def correlation(told: np.ndarray, came: np.ndarray) -> float:
    """Return the correlation of deviates that makes yes and no at six covers likeliest."""
    deviates = norm.ppf((rankdata(told) - 0.5) / len(told))
    variance = deviates.var()
    steps = (0.0, 0.1, 0.3, 0.5, 0.8, 0.95)

    def unlikely(value: float) -> float:
        total = 0.0
        for step in steps:
            below = came <= step
            middle = norm.ppf(below.mean())
            part = (middle - value * deviates) / np.sqrt(1 - value**2 * variance)
            total -= np.where(below, norm.logcdf(part), norm.logsf(part)).sum()
        return total

    return float(minimize_scalar(unlikely, bounds=(0, 0.999), method="bounded").x)
