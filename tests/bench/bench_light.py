"""The light of glows for 500 sites: two events each, windows of 90 minutes, on one core. Bar: 6 ms
of processor a site, half of it for the draws of cloud that give the probabilities.

The sky is made up (a canvas, a broken bank of cloud, haze) on the grid of half a degree that the
tests use; nothing of it is cheaper than weather, for cloud is followed wherever it is. Against it:
brute force, rays walked in steps of 25 m, whose time is scaled up from a few.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
PROJECT = Path(__file__).parents[2]
SITES, MINUTES, MOST_MS = 500, 90, 6.0  # [ms] of processor a site


def main() -> int:
    """Print the time and return 1 where the target is missed."""
    sys.path.insert(0, str(PROJECT))
    import numpy as np
    import xarray as xr

    from forecast.domain import Window
    from forecast.phenomena import glow
    from forecast.phenomena.canvas import ANGLES, POINTS
    from forecast.science import almanac
    from forecast.science.interpolation import Scene
    from forecast.settings import PhenomenonSettings
    from tests.bench.bars import BOARD
    from tests.horizons import DAY, around, both, canvas, wall
    from tests.science.rays import by_brute_force, random_skies
    from tests.skies import SITES as KNOWN

    base, settings = KNOWN["lingshan"], PhenomenonSettings()
    place = [(base.latitude + 0.002 * i, base.longitude + 0.01 * (i % 50)) for i in range(SITES)]
    sites = [
        replace(base, id=f"site_{i}", latitude=north, longitude=east)
        for i, (north, east) in enumerate(place)
    ]
    almanacs = almanac.almanacs(sites, [DAY], ZoneInfo("Asia/Shanghai"))
    every = [
        event
        for site in sites
        for event in glow.events(site, DAY, almanacs[site.id, DAY], settings)
    ]
    chosen_events = [
        event for event in every if event.phenomenon in ("sunset_glow", "sunrise_glow")
    ]
    half = timedelta(minutes=MINUTES // 2)
    chosen_events = [
        replace(e, window=Window(e.centre - half, e.centre + half))
        for e in chosen_events
        if e.centre
    ]
    bank = wall(240_000, 300_000, 6000, cover=0.5)
    air = [
        around(base, e.centre, both(canvas(reach=120_000), bank), reach_degrees=11)
        for e in chosen_events[:2]
        if e.centre
    ]
    scene = Scene(xr.concat(sorted(air, key=lambda one: one.time.values[0]), dim="time"), sites)
    begun = time.process_time()
    part = glow.derive(chosen_events, scene, settings)
    taken = time.process_time() - begun
    known = int(np.isfinite(part.values["glow_quality"]).sum())
    skies, few = random_skies(5, seed=3), np.full((5, 4), -1.0)
    begun = time.process_time()
    by_brute_force(skies, np.full(5, 8000.0), few)
    brute = (
        (time.process_time() - begun) / few.size * len(chosen_events) * ANGLES.size * len(POINTS)
    )
    rays = len(chosen_events) * ANGLES.size * len(POINTS)
    print(f"light: {SITES} sites x 2 events x {MINUTES} minutes, {known} answered, {rays} rays")
    print(
        f"  {taken:.2f} s of processor; peer, the same rays by brute force, about {brute:.0f} s: "
        f"{brute / taken:.0f} x"
    )
    BOARD.at_least("glows that have an answer", known, len(chosen_events))
    BOARD.at_most("light of two glows, processor a site", 1e3 * taken / SITES, MOST_MS, "ms")
    return BOARD.code


if __name__ == "__main__":
    sys.exit(main())
