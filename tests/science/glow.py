"""Glow: the light against brute force and against theory, the best edge of the cloud, and laws that no sky may break.

No sky of this file is passed off as weather: they are made up to have an answer. The real run has its own line.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from forecast import light
from forecast.light import CELL, CELLS, Section, cloud_extinction
from forecast.phenomena.canvas import find_canvas, illuminate, view_of
from forecast.phenomena.glow import disk_light
from forecast.phenomena.light_path import DISTANCE, HEIGHTS, STEP
from tests.science.claims import Claim

ROOM = "glow"
SITE = np.array([1000.0])  # [m]
RADIUS = light.effective_radius()
FINE = 25.0  # [m] step of the brute force
RIVALS_EDGE = 400.0  # [km] typed in by a public service


def claims(shared: Path) -> list[Claim]:
    """Return every claim about the light."""
    return [*brute_force(), *limits(), *laws(), *best_edges(), *disk(), *kasprowy(shared)]


# -- skies


def section(cover: np.ndarray, within: float | np.ndarray = 0.01, depth: float = 0.0) -> Section:
    """Skies of a cover (event, distance, cell) [1] over the sea, cloud extinction inside [m-1] and haze of an optical depth."""
    haze = np.broadcast_to(depth / 2000.0 * np.exp(-HEIGHTS / 2000.0), cover.shape).copy()
    within = np.broadcast_to(within, cover.shape)
    whole = np.ones(cover.shape[:2], dtype=bool)
    return Section(DISTANCE, cover, cloud_extinction(cover, within), haze, np.zeros(cover.shape[:2]), whole)


def random_skies(count: int, seed: int) -> Section:
    """Skies of three banks of cloud each, of random place, size, cover and density, in random haze."""
    rng = np.random.default_rng(seed)
    column, cell = np.arange(DISTANCE.size)[:, None], np.arange(CELLS)
    cover = np.zeros((count, DISTANCE.size, CELLS))
    for sky in cover:
        for _ in range(3):
            left, width, base, depth = rng.integers(0, 40), rng.integers(1, 12), rng.integers(0, 44), rng.integers(1, 12)
            sky[(column >= left) & (column < left + width) & (cell >= base) & (cell < base + depth)] = rng.uniform(0.05, 0.9)
    return section(cover, 10 ** rng.uniform(-5, -2.5, (count, 1, 1)), depth=float(rng.uniform(0.05, 0.5)))


def by_brute_force(skies: Section, height: np.ndarray, elevation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the depths of cloud and haze (event, ray) by walking each ray in steps of 25 m through the plane of the light path.

    Written apart from light.trace: Cartesian, no columns' edges, no integrals over height; cloud read from the cell that holds each
    point, haze from its formula.
    """
    way = np.arange(0.0, DISTANCE[-1], FINE) + FINE / 2
    cloud, haze = np.zeros(elevation.shape), np.zeros(elevation.shape)
    surface = skies.aerosol[:, 0, 0] * np.exp(HEIGHTS[0] / 2000.0)
    for event, ray in np.ndindex(*elevation.shape):
        angle = np.radians(elevation[event, ray])
        across, up = way * np.cos(angle), RADIUS + height[event] + way * np.sin(angle)
        above, along = np.hypot(across, up) - RADIUS, RADIUS * np.arctan2(across, up)
        inside = (above < CELLS * CELL) & (along <= DISTANCE[-1])
        column = np.minimum(np.rint(along / STEP).astype(int), DISTANCE.size - 1)
        cell = np.clip(above / CELL, 0, CELLS - 1).astype(int)
        cloud[event, ray] = (skies.cloud[event, column, cell] * inside).sum() * FINE
        haze[event, ray] = (surface[event] * np.exp(-above / 2000.0) * inside).sum() * FINE
    return cloud, haze


def brute_force(count: int = 150) -> list[Claim]:
    """Hold the transmission of rays through random skies against brute force."""
    skies, rng = random_skies(count, seed=3), np.random.default_rng(4)
    height = rng.uniform(2500.0, 11500.0, count)
    elevation = light.lowest_elevation(height)[:, None] * np.array([0.97, 0.7, 0.4, 0.0]) + np.array([0.0, 0.0, 0.0, 1.0])
    met = light.trace(skies, height, elevation)
    cloud, haze = by_brute_force(skies, height, elevation)
    away = np.abs(np.exp(-met.cloud - met.aerosol) - np.exp(-cloud - haze)).ravel()
    spread = np.abs(met.aerosol / haze - 1)
    return [
        Claim(ROOM, "transmission of a ray, farthest from brute force", f"{100 * away.max():.2f} %", away.size,
              "steps of 25 m, within 1 % of the light", bool(away.max() <= 0.01)),
        Claim(ROOM, "the same, 99th percentile", f"{100 * np.percentile(away, 99):.3f} %", away.size, "the same", None),
        Claim(ROOM, "optical depth of haze, farthest from brute force", f"{100 * spread.max():.2f} %", spread.size,
              "exponential haze, within 1 %", bool(spread.max() <= 0.01)),
    ]  # fmt: skip


# -- theory


def limits() -> list[Claim]:
    """Hold the light to what can be worked out by hand."""
    return [plane_parallel(), wall_at_320_km(), curved_rays()]


def plane_parallel() -> Claim:
    """A sun well up in a clear sky: T = exp(-depth / sin e) for haze and air together."""
    elevation = np.array([[30.0, 45.0, 60.0, 80.0]])
    clear = section(np.zeros((1, DISTANCE.size, CELLS)), depth=0.3)
    met = light.trace(clear, np.zeros(1), elevation)
    bands = light.band_transmission(met.aerosol, light.air_column(np.zeros((1, 1)), elevation))
    depth = 0.3 * (np.array(light.BANDS) / 550e-9) ** -light.ANGSTROM_EXPONENT + np.array([light.rayleigh_depth(w) for w in light.BANDS])
    theory = np.exp(-depth / np.sin(np.radians(elevation))[..., None])
    away = float(np.abs(bands / theory - 1).max())
    reference = "exp(-depth / sin e), within 1 %"
    return Claim(ROOM, "clear plane-parallel sky, sun at 30-80 deg", f"{100 * away:.2f} %", theory.size, reference, away <= 0.01)


def wall_at_320_km() -> Claim:
    """Opaque walls 308-322 km away: the sun's altitude at which cloud at 8 km goes dark, against (t - h) / x - x / 2R'."""
    tops, column = np.arange(8, 29, 2), 21
    cover = np.zeros((tops.size, DISTANCE.size, CELLS))
    for row, top in enumerate(tops):
        cover[row, column, :top] = 1.0
    walls, height = section(cover, 1.0), np.full(tops.size, 8000.0)
    elevation = np.broadcast_to(np.arange(-3.0, 0.0, 0.001), (tops.size, 3000))
    met = light.trace(walls, height, elevation)
    found = elevation[0, ((met.cloud < 1) & met.free).argmax(axis=1)]
    edges = DISTANCE[column] + np.array([-STEP / 2, STEP / 2])  # the ray must clear the wall's whole thickness
    theory = np.degrees((tops[:, None] * CELL - 8000.0) / edges - edges / (2 * RADIUS)).max(axis=1)
    away = float(np.abs(found - theory).max())
    seconds = 240 * away / np.cos(np.radians(40))  # the sun sinks 15 degrees an hour, less by latitude
    return Claim(ROOM, "an opaque wall at 320 km, 2-7 km high, darkens cloud at 8 km", f"{away:.4f} deg, {seconds:.1f} s", tops.size,
                 "straight ray over R/(1-k), within 0.01 deg", away <= 0.01)  # fmt: skip


def curved_rays() -> Claim:
    """Follow rays through air of falling density step by step (n - 1 = 2.77e-4 at sea level, k = -R dn/dr at each height).

    Told, not held: a constant k is a choice, and this is what it costs.
    """
    lowest, farthest, cases = 0.0, 0.0, 0
    for height in (4000.0, 6000.0, 8000.0, 10000.0):
        for part in (0.5, 0.8, 0.95):
            arrival = float(light.lowest_elevation(height)) * part
            angle, above, drawn = np.radians(arrival), height, []
            for _ in range(int(DISTANCE[-1] / 500)):
                bent = light.EARTH_RADIUS * 2.77e-4 / light.AIR_SCALE * np.exp(-max(above, 0.0) / light.AIR_SCALE)
                above += np.tan(angle) * 500
                angle += 500 / light.EARTH_RADIUS * (1 - bent)
                drawn.append(above)
            curved = np.array(drawn)
            straight = light.ray_height(np.array([height]), np.array([arrival]), np.arange(1, curved.size + 1) * 500.0)
            lowest = max(lowest, abs(float(curved.min() - straight.min())))
            farthest = max(farthest, float(np.abs(curved - straight)[curved < 14000.0].max()))
            cases += 1
    return Claim(ROOM, "straight rays over R/(1-k) against curved ones: lowest point, far end", f"{lowest:.0f}, {farthest:.0f} m", cases,
                 f"k = {light.REFRACTION} against air of scale 9 km")  # fmt: skip


# -- laws


def quality(skies: Section) -> np.ndarray:
    """Return the best minute's quality (event) of skies seen from 1000 m."""
    viewers = np.full(len(skies.cover), SITE[0])
    canvas = find_canvas(skies, viewers)
    return np.asarray((canvas.part()[:, None] * illuminate(skies, canvas, view_of(skies, canvas, viewers)).seen).max(axis=1))


def laws(count: int = 400) -> list[Claim]:
    """Let walls and haze grow in random skies: quality may never rise."""
    rng = np.random.default_rng(11)
    canvas = np.zeros((count, DISTANCE.size, CELLS))
    for sky in canvas:
        base = rng.integers(12, 44)
        sky[:6, base : base + 4] = rng.uniform(0.1, 1.0)
    place, low, more = rng.integers(8, 36, count), rng.integers(0, 40, count), rng.integers(1, 16, count)
    walls = [canvas.copy(), canvas.copy()]
    for row in range(count):
        for wall, top in zip(walls, (low[row], low[row] + more[row]), strict=True):
            wall[row, place[row] : place[row] + 4, :top] = 0.9
    lower, higher = (quality(section(wall, depth=0.15)) for wall in walls)
    hazes = [quality(section(walls[0], depth=depth)) for depth in (0.0, 0.1, 0.2, 0.4, 0.8, 1.6)]
    better = int((higher > lower + 1e-12).sum())
    rising = sum(int((thick > thin + 1e-12).sum()) for thin, thick in pairwise(hazes))
    return [
        Claim(ROOM, "skies in which a growing wall improves the glow", str(better), count, "none", better == 0),
        Claim(ROOM, "skies in which thicker haze improves the glow", str(rising), 5 * count, "none", rising == 0),
    ]  # fmt: skip


# -- the best distance of the cloud's edge


def by_edge(base: float, edges: np.ndarray, thick: float = 1000.0) -> np.ndarray:
    """Return the best minute's quality (edge) under cloud of 60 % and some thickness [m] at `base` [m] that ends at `edges` [m]."""
    inside = (base <= HEIGHTS) & (base + thick > HEIGHTS)
    cover = np.where((edges[:, None] >= DISTANCE)[..., None] & inside, 0.6, 0.0)
    return quality(section(cover, 0.002, depth=0.15))


def best_edges() -> list[Claim]:
    """Say by height of the cloud how far its edge may be: where the glow still has 95 % of its best, and where half of it."""
    found = []
    edges = np.arange(75e3, 690e3, STEP)
    for base in (3000.0, 4000.0, 6000.0, 8000.0, 10000.0):
        best = by_edge(base, edges)
        as_good, half = (edges[np.flatnonzero(best >= part * best.max()).max()] / 1000 for part in (0.95, 0.5))
        grazing = 2 * np.sqrt(2 * base * RADIUS) / 1000
        at_rivals = float(np.interp(RIVALS_EDGE * 1000, edges, best) / best.max())
        found.append(
            Claim(ROOM, f"edge of cloud at {base / 1000:.0f} km: as good as any to / half at", f"{as_good:.0f} / {half:.0f} km", edges.size,
                  f"grazing ray: {grazing:.0f} km; at a rival's {RIVALS_EDGE:.0f} km {100 * at_rivals:.0f} % of the best",
                  bool(half <= grazing))
        )  # fmt: skip
    return found


# -- the disk


def disk() -> list[Claim]:
    """Say how haze and low cloud within 150 km take the rising disk away, from 600 m above a plain."""
    viewer, seen = np.array([600.0]), np.array([[0.27]])
    nothing = np.zeros((1, DISTANCE.size, CELLS))
    hazes = [float(disk_light(section(nothing, depth=depth), viewer, seen)[0][0, 0]) for depth in (0.05, 0.1, 0.2, 0.4, 0.8)]
    covers = []
    for cover in (0.0, 0.1, 0.3, 0.6, 1.0):
        low = nothing.copy()
        low[:, 2:10, 4:8] = cover  # 1-2 km high, 30-150 km away
        covers.append(float(disk_light(section(low, depth=0.1), viewer, seen)[0][0, 0]))
    return [
        Claim(ROOM, "disk on the horizon, haze of .05 .1 .2 .4 .8", " ".join(f"{p:.2f}" for p in hazes), 5, "falls as haze thickens",
              bool((np.diff(hazes) <= 0).all())),
        Claim(ROOM, "disk behind 0 10 30 60 100 % of low cloud 30-150 km away", " ".join(f"{p:.2f}" for p in covers), 5,
              "falls as cloud closes", bool((np.diff(covers) <= 0).all())),
    ]  # fmt: skip


# -- a real run


def kasprowy(shared: Path) -> list[Claim]:
    """Tell what the GFS run of 4 August 2020 gives for the sunset at Kasprowy Wierch, and diagnose the same from its fields."""
    from forecast import sky
    from forecast.config import PhenomenonSettings, read_config
    from forecast.domain import Cycle
    from forecast.ingest import grib, sources
    from forecast.phenomena import glow
    from forecast.sampling import Scene
    from tests.conftest import PROJECT
    from tests.skies import utc

    config = read_config(PROJECT / "tests" / "settings" / "tatra.yaml", {})
    cycle, sites = Cycle(utc("2020-08-04T12:00")), config.all_sites()
    folder = shared / "gfs_tree" / "gfs.20200804" / "12" / "atmos"
    files = [folder / f"gfs.t12z.pgrb2.0p25.f{step:03d}" for step in (0, 6, 12)]
    scene = Scene(grib.read_atmosphere(files, cycle, sources.needs_of(config, sites)), sites)
    site, day = sites[0], cycle.run.date()
    almanac = sky.almanacs([site], [day], config.zone)[site.id, day]
    asked = [event for event in glow.events(site, day, almanac, PhenomenonSettings()) if event.phenomenon == "sunset_glow"]
    part = glow.derive(asked, scene, PhenomenonSettings())
    told = {name: float(values[0]) for name, values in part.values.items() if values.dtype.kind == "f"}
    outcome = glow.diagnose(asked, scene, PhenomenonSettings())[0]
    return [
        Claim(ROOM, "Kasprowy 2020-08-04: canvas, its base, red light on it", f"{told['canvas_cover']:.2f}, {told['canvas_height']:.0f} m, "
              f"{told['canvas_light']:.2f}", 1, "GFS +6 h; cirrus lit above a deck at the summit"),
        Claim(ROOM, "Kasprowy 2020-08-04: view of it, quality, degree", f"{told['view_clearance']:.2f}, {told['glow_quality']:.2f}, "
              f"{outcome.degree:g}", 1, "60-80 % of cloud at 2-3.5 km over the viewer: nothing is seen", told["glow_quality"] < 0.05),
    ]  # fmt: skip
