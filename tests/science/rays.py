"""Skies of the light path that are made up to have an answer, and rays through them followed by
brute force.
"""

from __future__ import annotations

import numpy as np

from forecast.phenomena.light_path import DISTANCE, HEIGHTS, STEP
from forecast.science import light, light_rays
from forecast.science.light import CELL, CELLS, AirSection, cloud_extinction
from tests.horizons import lowest_elevation
from tests.science.claims import Claim

TOPIC = "glow"
RADIUS = light.effective_radius()
FINE = 25.0  # [m] step of the brute force


def section(cover: np.ndarray, within: float | np.ndarray = 0.01, depth: float = 0.0) -> AirSection:
    """Skies of a cover (event, distance, cell) [1] over the sea, cloud extinction inside [m-1] and
    haze of an optical depth.
    """
    haze = np.broadcast_to(depth / 2000.0 * np.exp(-HEIGHTS / 2000.0), cover.shape).copy()
    within = np.broadcast_to(within, cover.shape)
    whole = np.ones(cover.shape[:2], dtype=bool)
    return AirSection(
        DISTANCE, cover, cloud_extinction(cover, within), haze, np.zeros(cover.shape[:2]), whole
    )


def random_skies(count: int, seed: int) -> AirSection:
    """Return skies of three random cloud banks (place, size, cover, density) in random haze."""
    rng = np.random.default_rng(seed)
    column, cell = np.arange(DISTANCE.size)[:, None], np.arange(CELLS)
    cover = np.zeros((count, DISTANCE.size, CELLS))
    for sky in cover:
        for _ in range(3):
            left, width, base, depth = (
                rng.integers(0, 40),
                rng.integers(1, 12),
                rng.integers(0, 44),
                rng.integers(1, 12),
            )
            sky[
                (column >= left) & (column < left + width) & (cell >= base) & (cell < base + depth)
            ] = rng.uniform(0.05, 0.9)
    return section(
        cover, 10 ** rng.uniform(-5, -2.5, (count, 1, 1)), depth=float(rng.uniform(0.05, 0.5))
    )


def by_brute_force(
    skies: AirSection, height: np.ndarray, elevation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the depths of cloud and haze (event, ray) by walking each ray in steps of 25 m through
    the plane of the light path.

    Written apart from light.trace: Cartesian, no columns' edges, no integrals over height; cloud
    read from the cell that holds each point, haze from its formula.
    """
    way = np.arange(0.0, DISTANCE[-1], FINE) + FINE / 2
    cloud, haze = np.zeros(elevation.shape), np.zeros(elevation.shape)
    surface = skies.aerosol[:, 0, 0] * np.exp(HEIGHTS[0] / 2000.0)
    for row, ray in np.ndindex(*elevation.shape):
        angle = np.radians(elevation[row, ray])
        across, up = way * np.cos(angle), RADIUS + height[row] + way * np.sin(angle)
        above, along = np.hypot(across, up) - RADIUS, RADIUS * np.arctan2(across, up)
        inside = (above < CELLS * CELL) & (along <= DISTANCE[-1])
        column = np.minimum(np.rint(along / STEP).astype(int), DISTANCE.size - 1)
        cell = np.clip(above / CELL, 0, CELLS - 1).astype(int)
        cloud[row, ray] = (skies.cloud[row, column, cell] * inside).sum() * FINE
        haze[row, ray] = (surface[row] * np.exp(-above / 2000.0) * inside).sum() * FINE
    return cloud, haze


def brute_force(count: int = 150) -> list[Claim]:
    """Hold the transmission of rays through random skies against brute force."""
    skies, rng = random_skies(count, seed=3), np.random.default_rng(4)
    height = rng.uniform(2500.0, 11500.0, count)
    elevation = lowest_elevation(height)[:, None] * np.array([0.97, 0.7, 0.4, 0.0]) + np.array(
        [0.0, 0.0, 0.0, 1.0]
    )
    met = light_rays.trace(skies, height, elevation)
    cloud, haze = by_brute_force(skies, height, elevation)
    ours, theirs = np.exp(-met.cloud - met.aerosol).ravel(), np.exp(-cloud - haze).ravel()
    away = np.abs(ours - theirs)
    spread = np.abs(met.aerosol / haze - 1)
    return [
        Claim(TOPIC, "transmission of a ray, farthest from brute force",
              f"{100 * away.max():.2f} %", away.size,
              "steps of 25 m, within 1 % of the sun's full light: an absolute error",
              bool(away.max() <= 0.01)),
        Claim(TOPIC, "the same, 99th percentile", f"{100 * np.percentile(away, 99):.3f} %",
              away.size, "the same", None),
        *relative(ours, theirs),
        Claim(TOPIC, "optical depth of haze, farthest from brute force",
              f"{100 * spread.max():.2f} %", spread.size,
              "exponential haze, within 1 %", bool(spread.max() <= 0.01)),
    ]  # fmt: skip


def relative(ours: np.ndarray, theirs: np.ndarray) -> list[Claim]:
    """Say how far off the transmission of a ray is at most beside itself, of rays that keep much
    and of rays that keep little.
    """
    found = []
    for low, high, rays, most in (
        (0.05, 1.0, "more than 5 %", 0.01),
        (0.001, 0.05, "0.1-5 %", 0.03),
    ):
        kept = (theirs > low) & (theirs <= high)
        apart = float(np.abs(ours[kept] / theirs[kept] - 1).max())
        found.append(Claim(TOPIC,
                           f"transmission of rays that keep {rays}, farthest relative to itself",
                           f"{100 * apart:.2f} %",
                           int(kept.sum()),
                           f"steps of 25 m, within {100 * most:.0f} % of what each keeps",
                           apart <= most))  # fmt: skip
    return found
