"""Glow: the light against brute force and against theory, the best edge of the cloud, and laws that
no sky may break.

No sky of this file is passed off as weather: they are made up to have an answer. The real run has
its own line.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.special import erf, erfc

from forecast.geo import EARTH_RADIUS
from forecast.phenomena import canvas as canvas_module
from forecast.phenomena.canvas import BANDS, POINTS, Canvas, find_canvas, illuminate, view_of
from forecast.phenomena.glow import derive
from forecast.phenomena.light_path import DISTANCE, HEIGHTS, STEP
from forecast.phenomena.sun_disk import disk_light
from forecast.quantities import LEAST_GLOW
from forecast.science import light, light_rays
from forecast.science.aerosol import OPTICAL_DEPTH
from forecast.science.interpolation import Scene
from forecast.science.light import CELL, CELLS, AirSection
from forecast.settings import PhenomenonSettings
from models.rule_model import PhysicsRule
from tests.horizons import Cover, around, both, canvas, event, lowest_elevation, wall
from tests.science.claims import Claim
from tests.science.rays import RADIUS, TOPIC, brute_force, section

SITE = np.array([1000.0])  # [m]
RIVALS_EDGE = 400.0  # [km] typed in by a public service
RIM = 660.0  # [km] edges farther away lie where the sections of this file end
PLAIN = -0.7  # [degree] of the horizon that Zhaojiawa sees over the plain: config.yaml
SHEET = 0.9  # cover [1] of a sheet under whose edge the light has to come in


def claims(shared: Path) -> list[Claim]:
    """Return every claim about the light."""
    found = [
        *brute_force(),
        *limits(),
        *laws(),
        *chain(),
        elements(),
        *texture(),
        *best_covers(),
        *best_edges(),
        *disk(),
    ]
    return [*found, *kasprowy(shared)]


# -- theory


def limits() -> list[Claim]:
    """Hold the light to what can be worked out by hand."""
    return [plane_parallel(), wall_at_320_km(), curved_rays()]


def plane_parallel() -> Claim:
    """A sun well up in a clear sky: T = exp(-depth / sin e) for haze and air together."""
    elevation = np.array([[30.0, 45.0, 60.0, 80.0]])
    clear = section(np.zeros((1, DISTANCE.size, CELLS)), depth=0.3)
    met = light_rays.trace(clear, np.zeros(1), elevation)
    bands = light.band_transmission(met.aerosol, light.air_column(np.zeros((1, 1)), elevation))
    depth = 0.3 * (np.array(light.BANDS) / 550e-9) ** -light.ANGSTROM_EXPONENT + np.array(
        [light.rayleigh_depth(w) for w in light.BANDS]
    )
    theory = np.exp(-depth / np.sin(np.radians(elevation))[..., None])
    away = float(np.abs(bands / theory - 1).max())
    reference = "exp(-depth / sin e), within 1 %"
    return Claim(
        TOPIC,
        "clear plane-parallel sky, sun at 30-80 deg",
        f"{100 * away:.2f} %",
        theory.size,
        reference,
        away <= 0.01,
    )


def wall_at_320_km() -> Claim:
    """Opaque walls 308-322 km away: the sun's altitude at which cloud at 8 km goes dark, against (t
    - h) / x - x / 2R'.
    """
    tops, column = np.arange(8, 29, 2), 21
    cover = np.zeros((tops.size, DISTANCE.size, CELLS))
    for row, top in enumerate(tops):
        cover[row, column, :top] = 1.0
    walls, height = section(cover, 1.0), np.full(tops.size, 8000.0)
    elevation = np.broadcast_to(np.arange(-3.0, 0.0, 0.001), (tops.size, 3000))
    met = light_rays.trace(walls, height, elevation)
    found = elevation[0, ((met.cloud < 1) & met.free).argmax(axis=1)]
    # the ray must clear the wall's whole thickness
    edges = DISTANCE[column] + np.array([-STEP / 2, STEP / 2])
    theory = np.degrees((tops[:, None] * CELL - 8000.0) / edges - edges / (2 * RADIUS)).max(axis=1)
    away = float(np.abs(found - theory).max())
    # the sun sinks 15 degrees an hour, less by latitude
    seconds = 240 * away / np.cos(np.radians(40))
    return Claim(TOPIC, "an opaque wall at 320 km, 2-7 km high, darkens cloud at 8 km",
                 f"{away:.4f} deg, {seconds:.1f} s", tops.size,
                 "straight ray over R/(1-k), the same k, within 0.01 deg: the geometry, not the "
                 "k (next line)", away <= 0.01)  # fmt: skip


def curved_rays() -> Claim:
    """Follow rays through air of falling density step by step (n - 1 = 2.77e-4 at sea level, k = -R
    dn/dr at each height).

    Reported, not required: a constant k is a choice, and this is what it costs.
    """
    lowest, farthest, cases = 0.0, 0.0, 0
    for height in (4000.0, 6000.0, 8000.0, 10000.0):
        for part in (0.5, 0.8, 0.95):
            arrival = float(lowest_elevation(height)) * part
            angle, above, drawn = np.radians(arrival), height, []
            for _ in range(int(DISTANCE[-1] / 500)):
                bent = (
                    EARTH_RADIUS
                    * 2.77e-4
                    / light.AIR_SCALE
                    * np.exp(-max(above, 0.0) / light.AIR_SCALE)
                )
                above += np.tan(angle) * 500
                angle += 500 / EARTH_RADIUS * (1 - bent)
                drawn.append(above)
            curved = np.array(drawn)
            straight = light.ray_height(
                np.array([height]), np.array([arrival]), np.arange(1, curved.size + 1) * 500.0
            )
            lowest = max(lowest, abs(float(curved.min() - straight.min())))
            farthest = max(farthest, float(np.abs(curved - straight)[curved < 14000.0].max()))
            cases += 1
    return Claim(TOPIC, "straight rays over R/(1-k) against curved ones: lowest point, far end",
                 f"{lowest:.0f}, {farthest:.0f} m", cases,
                 f"k = {light.REFRACTION} against air of scale 9 km")  # fmt: skip


# -- laws


def quality(skies: AirSection) -> np.ndarray:
    """Return the best minute's quality (event) of skies seen from 1000 m."""
    viewers = np.full(len(skies.cover), SITE[0])
    painted = find_canvas(skies, viewers)
    return np.asarray(
        (
            painted.part()[:, None]
            * illuminate(skies, painted, view_of(skies, painted, viewers)).seen
        ).max(axis=1)
    )


def laws(count: int = 400) -> list[Claim]:
    """Let walls and haze grow in random skies: quality may never rise."""
    rng = np.random.default_rng(11)
    over = np.zeros((count, DISTANCE.size, CELLS))
    for sky in over:
        base = rng.integers(12, 44)
        sky[:6, base : base + 4] = rng.uniform(0.1, 1.0)
    place, low, more = (
        rng.integers(8, 36, count),
        rng.integers(0, 40, count),
        rng.integers(1, 16, count),
    )
    walls = [over.copy(), over.copy()]
    for row in range(count):
        for sky, top in zip(walls, (low[row], low[row] + more[row]), strict=True):
            sky[row, place[row] : place[row] + 4, :top] = 0.9
    lower, higher = (quality(section(sky, depth=0.15)) for sky in walls)
    hazes = [quality(section(walls[0], depth=depth)) for depth in (0.0, 0.1, 0.2, 0.4, 0.8, 1.6)]
    better = int((higher > lower + 1e-12).sum())
    rising = sum(int((thick > thin + 1e-12).sum()) for thin, thick in pairwise(hazes))
    return [
        Claim(TOPIC, "skies in which a wall that grows beyond the canvas improves it", str(better),
              count, "none", better == 0),
        Claim(TOPIC, "skies in which thicker haze improves the glow", str(rising), 5 * count,
              "none", rising == 0),
    ]  # fmt: skip


def chain(count: int = 40) -> list[Claim]:
    """The same through the whole chain: atmosphere, light path, features, the rule's probability;
    haze by its own field.
    """
    rng, glow_event = np.random.default_rng(23), event()
    assert glow_event.centre is not None
    rises = dict.fromkeys(
        ("wall: quality", "wall: probability", "haze: quality", "haze: probability"), 0
    )
    for _ in range(count):
        cover, base, near = (
            rng.uniform(0.1, 1.0),
            rng.uniform(3000, 10000),
            rng.uniform(180e3, 500e3),
        )
        over = canvas(cover, base, base + 1500, 90e3)
        low, more, depth = rng.uniform(0, 9000), rng.uniform(500, 5000), rng.uniform(0.02, 0.6)
        modelled = [
            through_the_chain(both(over, wall(near, near + 90e3, top)), depth)
            for top in (low, low + more)
        ]
        modelled.append(through_the_chain(both(over, wall(near, near + 90e3, low)), 1.5 * depth))
        for cause, after in (("wall", modelled[1]), ("haze", modelled[2])):
            for place, name in enumerate(("quality", "probability")):
                # a probability is counted over draws: a taller wall moves layers among them
                least = (1e-9, 0.05)[place]
                rises[f"{cause}: {name}"] += int(after[place] > modelled[0][place] + least)
    what = "skies in which more of it improves the glow, whole chain, "
    return [
        Claim(
            TOPIC,
            what + name,
            str(number),
            count,
            "none; a probability by more than .05",
            number == 0,
        )
        for name, number in rises.items()
    ]


def through_the_chain(cover: Cover, depth: float) -> tuple[float, float]:
    """Return quality and the rule's probability of a glow at Lingshan under a made-up sky with haze
    of an optical depth.
    """
    glow_event = event()
    assert glow_event.centre is not None
    air = around(glow_event.site, glow_event.centre, cover, **{OPTICAL_DEPTH: depth})
    part = derive([glow_event], Scene(air, [glow_event.site]), PhenomenonSettings())
    rule = PhysicsRule("sunset_glow").ready()
    known = {"forecast_period": 6.0, "climatological_frequency": 0.25}
    row = np.array([[known.get(name, part.values.get(name, [np.nan])[0]) for name in rule.columns]])
    return float(part.values["glow_quality"][0]), float(rule.predict_proba(row)[0, 1])


# -- what a cloud catches of a grazing ray


def elements(rays: int = 100_000) -> Claim:
    """Throw boxes at random on a line and send rays up through them: what strikes one, against the
    formula.
    """
    rng, farthest, cases = np.random.default_rng(5), 0.0, 0
    aspect, length = canvas_module.ELEMENT_ASPECT, 20_000.0  # widths of a box
    for cover in (0.2, 0.4, 0.6, 0.9):
        left = np.sort(rng.uniform(-50, length, rng.poisson(-np.log(1 - cover) * (length + 50))))
        start = rng.uniform(0, length - 50, rays)
        under = np.searchsorted(left, start, side="right") > np.searchsorted(
            left, start - 1, side="left"
        )
        for degrees in (0.5, 1.0, 2.0, 5.0):
            # where the ray comes out of the layer's top
            leaves = start + aspect / np.tan(np.radians(degrees))
            struck = np.searchsorted(left, leaves, side="right") > np.searchsorted(
                left, start - 1, side="left"
            )
            caught = np.sin(np.radians(degrees)) * struck.mean() / under.mean()
            farthest = max(
                farthest,
                abs(
                    caught / float(canvas_module.received(np.array(-degrees), np.array(cover))) - 1
                ),
            )
            cases += 1
    return Claim(TOPIC, "light caught by a broken layer, farthest from boxes thrown at random",
                 f"{100 * farthest:.1f} %", cases,
                 f"{rays} rays each, within 4 %: three deviations of the throw",
                 farthest <= 0.04)  # fmt: skip


def overhead(
    base: float, cover: float, edges: np.ndarray, depth: float = 0.15
) -> tuple[AirSection, Canvas]:
    """Skies of cloud 1 km thick at `base` [m] that begins at the viewer's zenith, of `cover` there,
    and goes on as a sheet of `SHEET` to `edges` [m] (edge); the canvas is that of the zenith alone.
    """
    inside = (base <= HEIGHTS) & (base + 1000 > HEIGHTS)
    skies = section(
        np.where((edges[:, None] >= DISTANCE)[..., None] & inside, SHEET, 0.0), 0.002, depth=depth
    )
    shape = (len(edges), 2, len(POINTS))
    share, by_band, band = np.zeros(shape), np.zeros(shape[:2]), int(base >= BANDS[1][0])
    share[:, band, 0], by_band[:, band] = 1.0, cover
    return skies, Canvas(
        np.full(shape, base), share, np.full(shape, cover), by_band, by_band.sum(axis=1)
    )


def by_edge(base: float, edges: np.ndarray, cover: float = 0.4) -> np.ndarray:
    """Return the best minute's quality (edge) of cloud overhead whose sheet ends at `edges` [m]."""
    skies, painted = overhead(base, cover, edges)
    seen = illuminate(skies, painted, view_of(skies, painted, np.full(len(edges), SITE[0]))).seen
    return np.asarray((painted.part()[:, None] * seen).max(axis=1))


def texture() -> list[Claim]:
    """Claim how the depth of the cloud elements changes the quality, by height of the cloud.

    Flat plates are the lower bound.
    """
    bases = (2000.0, 4000.0, 6000.0, 8000.0, 10000.0)
    found, chosen = [], canvas_module.ELEMENT_ASPECT
    for aspect in (0.0, 0.05, chosen, 0.5):
        canvas_module.ELEMENT_ASPECT = aspect
        try:
            modelled = [
                float(by_edge(base, np.zeros(1), 0.3 if base < BANDS[1][0] else 0.6)[0])
                for base in bases
            ]
        finally:
            canvas_module.ELEMENT_ASPECT = chosen
        reference = "cover of 30 % below 6 km, 60 % above; haze .15; " + (
            "chosen" if aspect == chosen else "reported only"
        )
        what = f"quality at 2, 4, 6, 8, 10 km, elements {aspect:g} as deep as wide"
        found.append(
            Claim(TOPIC, what, " ".join(f"{q:.2f}" for q in modelled), len(modelled), reference)
        )
    least = np.sin(np.radians(0.9))
    what = "a closed base of roughness .05 at 0.9 deg would catch, of what reaches it"
    found.append(
        Claim(
            TOPIC,
            what,
            f"{(least + 0.05) / least:.1f} times",
            1,
            "no layer catches more than passes its level: refused",
        )
    )
    return found


def best_covers() -> list[Claim]:
    """Claim at which cover the glow is best, with and without the table PAINTED.

    The canvas covers 75 km around the site, the light path beyond is clear. Reported, not required:
    PAINTED was written after the same line of science.md that would be the reference.
    """
    found, typed, alone = [], canvas_module.PAINTED, (((0.0, 0.0), (1.0, 1.0)),) * 2
    for name, base, (low, high) in (("middle", 4000.0, (0.2, 0.5)), ("high", 8000.0, (0.4, 0.8))):
        covers = np.arange(0.05, 1.01, 0.05)
        cells = (DISTANCE <= 75e3)[:, None] & (base <= HEIGHTS) & (base + 1000 > HEIGHTS)
        skies = section(covers[:, None, None] * cells, 0.002, depth=0.15)
        for table, by in (
            (typed, "set by PAINTED, a score"),
            (alone, "by the light alone, painted as much as is covered"),
        ):
            canvas_module.PAINTED = table
            try:
                modelled = quality(skies)
            finally:
                canvas_module.PAINTED = typed
            best, good = float(covers[modelled.argmax()]), covers[modelled >= 0.75 * modelled.max()]
            found.append(Claim(TOPIC,
                               f"best cover of {name} cloud at {base / 1000:.0f} km; three "
                               "quarters of it from, to",
                               f"{best:.2f}; {good.min():.2f} - {good.max():.2f}", covers.size,
                               f"{by}; science.md: {100 * low:.0f}-{100 * high:.0f} %, nothing "
                               "below 10 %: no bar"))  # fmt: skip
    return found


# -- the best distance of the cloud's edge


def by_hand(base: float, edges: np.ndarray, cover: float = 0.4, depth: float = 0.15) -> np.ndarray:
    """Return the vividness (edge) of cloud overhead whose sheet ends at `edges` [m], worked out
    apart from the solver.

    A parabola for the ray, h - e u + u^2 / 2R', sums along it in steps of 1 km, an edge that stands
    where it stands, no columns and no cells; the sun's disk in nine strips. What a layer catches,
    the lift by the air and the light of twilight are the product's.
    """
    step, altitudes = 1000.0, np.arange(-5.0, 0.5, 0.06)
    way = np.arange(step / 2, 1.2e6, step)
    within = -np.log(1 - SHEET * (1 - np.exp(-0.002 * light.CLOUD_LENGTH))) / light.CLOUD_LENGTH
    red, redness = np.zeros((altitudes.size, edges.size)), np.zeros(altitudes.size)
    for row, altitude in enumerate(altitudes):
        arrival = -np.radians(float(light.apparent_elevation(np.array(altitude), base)))
        above = base - 10.0 - arrival * way + way**2 / (2 * RADIUS)
        air = np.exp(-above / light.RAYLEIGH_SCALE).sum() * step / light.RAYLEIGH_SCALE
        reddest, _, bluest = (light.rayleigh_depth(band) * air for band in light.BANDS)
        redness[row] = 1 - np.exp(reddest - bluest)
        if arrival <= 0 or above.min() < 0:
            continue
        haze = (
            (depth / 2000.0 * np.exp(-above / 2000.0)).sum()
            * step
            * (light.BANDS[0] / 550e-9) ** -light.ANGSTROM_EXPONENT
        )
        met = within * step * np.cumsum((above >= base) & (above < base + 1000.0))
        caught = float(canvas_module.received(np.array(-np.degrees(arrival)), np.array(cover)))
        red[row] = (
            canvas_module.SUNLIGHT * caught * np.exp(-reddest - haze - np.interp(edges, way, met))
        )
    strips = np.arange(-4, 5) * 0.06
    chords = np.sqrt(light.SEMIDIAMETER**2 - strips**2)
    lit = sum(
        np.roll(red, -k, axis=0) * chord
        for k, chord in zip(range(-4, 5), chords / chords.sum(), strict=True)
    )
    sky = canvas_module.SKY_RED * light.twilight_illuminance(altitudes)[:, None]
    return np.asarray((lit / (lit + sky) * redness[:, None])[4:-4].max(axis=0))


def best_edges() -> list[Claim]:
    """Say by height of the cloud how far its sheet's edge may be: where the glow has 95 % of its
    best, and where half of it.
    """
    found, edges = [], np.arange(0.0, DISTANCE[-1], STEP)
    for base in (2000.0, 3000.0, 4000.0, 6000.0, 8000.0, 10000.0, 11000.0):
        modelled, ends = by_edge(base, edges), edges + STEP / 2
        places = np.arange(0.0, 690e3, 5e3)
        hand = by_hand(base, places)
        sides = [(reach(ends, modelled, part), reach(places, hand, part)) for part in (0.95, 0.5)]
        holds = all(
            abs(ours - theirs) <= STEP / 1000
            for ours, theirs in sides
            if ours < RIM and theirs < RIM
        )
        at_rivals = float(np.interp(RIVALS_EDGE * 1000, ends, modelled))
        found.append(
            Claim(TOPIC, f"edge of cloud at {base / 1000:.0f} km: as good as any to / half at",
                  " / ".join(f"{ours:.0f}" for ours, _ in sides) + " km", edges.size,
                  "by hand " + " / ".join(f"{theirs:.0f}" for _,
                      theirs in sides) + ", within a column; last ray "
                  f"{2 * np.sqrt(2 * base * RADIUS) / 1000:.0f} km; quality {modelled.max():.2f}, "
                  f"at a rival's {RIVALS_EDGE:.0f} km "
                  f"{at_rivals:.2f}{'' if at_rivals >= LEAST_GLOW else ': no glow'}", holds)
        )  # fmt: skip
    return found


def reach(edges: np.ndarray, modelled: np.ndarray, part: float) -> float:
    """Return the farthest edge [km] at which the glow has `part` of its best, linear between edges;
    the last of them where all have.
    """
    last = int(np.flatnonzero(modelled >= part * modelled.max()).max())
    if last + 1 == len(edges):
        return float(edges[-1]) / 1000
    share = (modelled[last] - part * modelled.max()) / (modelled[last] - modelled[last + 1])
    return float(edges[last] + share * (edges[last + 1] - edges[last])) / 1000


# -- the disk


def disk() -> list[Claim]:
    """Claim how haze and low cloud within 150 km hide the rising disk, seen 600 m above a plain."""
    viewer, seen = np.array([600.0]), np.array([[0.27]])
    nothing = np.zeros((1, DISTANCE.size, CELLS))
    hazes = [
        float(disk_light(section(nothing, depth=depth), viewer, seen)[0][0, 0])
        for depth in (0.05, 0.1, 0.2, 0.4, 0.8)
    ]
    covers = []
    for cover in (0.0, 0.1, 0.3, 0.6, 1.0):
        low = nothing.copy()
        low[:, 2:10, 4:8] = cover  # 1-2 km high, 30-150 km away
        covers.append(float(disk_light(section(low, depth=0.1), viewer, seen)[0][0, 0]))
    return [
        Claim(TOPIC, "disk on the horizon, haze of .05 .1 .2 .4 .8",
              " ".join(f"{p:.2f}" for p in hazes), 5, "falls as haze thickens",
              bool((np.diff(hazes) <= 0).all())),
        Claim(TOPIC, "disk behind 0 10 30 60 100 % of low cloud 30-150 km away",
              " ".join(f"{p:.2f}" for p in covers), 5,
              "falls as cloud closes", bool((np.diff(covers) <= 0).all())),
        *within_150_km(),
    ]  # fmt: skip


def within_150_km() -> list[Claim]:
    """Say what of the line of sight to the rising disk from Zhaojiawa lies within 150 km, and how
    far off low cloud can hide it.
    """
    viewer, seen = np.array([600.0]), np.array([[PLAIN + light.SEMIDIAMETER]])
    near, nothing = DISTANCE <= 150e3, np.zeros((DISTANCE.size, DISTANCE.size, CELLS))
    clear = section(nothing[:1], depth=0.3)
    whole = light_rays.trace(clear, viewer, seen, over_ground=False).aerosol[0, 0]
    kept = replace(clear, aerosol=np.where(near[:, None], clear.aerosol, 0.0))
    share = float(light_rays.trace(kept, viewer, seen, over_ground=False).aerosol[0, 0] / whole)
    # The haze along h + e u + u^2 / 2R' is a Gaussian in u: its part before 157.5 km, the edge of
    # the last column.
    width, shift = np.sqrt(2 * RADIUS * 2000.0), np.radians(seen[0, 0]) * RADIUS
    theory = float((erf((157.5e3 + shift) / width) - erf(shift / width)) / erfc(shift / width))
    found, expected = [], []
    for top in (1000.0, 2000.0, 3000.0):
        banks = nothing.copy()
        for column, bank in enumerate(banks):
            bank[column, (HEIGHTS > 250) & (top > HEIGHTS)] = 1.0
        shows, _ = disk_light(
            section(banks, 0.02, depth=0.02),
            np.full(DISTANCE.size, 600.0),
            np.full((DISTANCE.size, 1), seen[0, 0]),
        )
        found.append(float(DISTANCE[shows[:, 0] < 0.05].max()) / 1000)
        expected.append((np.sqrt(shift**2 + 2 * RADIUS * (top - 600.0)) - shift) / 1000)
    apart = max(abs(a - b) for a, b in zip(found, expected, strict=True))
    return [
        Claim(TOPIC, "haze on the way to the disk from Zhaojiawa within 150 km",
              f"{100 * share:.1f} %", 1,
              f"a Gaussian's part: {100 * theory:.1f} %, within 1 %", abs(share - theory) <= 0.01),
        Claim(TOPIC, "cloud of top 1, 2, 3 km hides the disk there as far off as",
              " ".join(f"{d:.0f}" for d in found) + " km",
              DISTANCE.size,
              "the line of sight over the plain: " + " ".join(f"{d:.0f}" for d in expected)
              + " km, within a column",
              apart <= STEP / 1000),
    ]  # fmt: skip


# -- a real run


def kasprowy(shared: Path) -> list[Claim]:
    """Claim the features and the diagnosis of the sunset at Kasprowy Wierch by GFS, 2020-08-04."""
    from forecast.config import read_config
    from forecast.domain import Cycle
    from forecast.ingest import sources
    from forecast.ingest.grib import reader
    from forecast.phenomena import glow
    from forecast.science.almanac import almanacs
    from tests.conftest import PROJECT
    from tests.skies import utc

    config = read_config(PROJECT / "tests" / "settings" / "tatra.yaml", {})
    cycle, sites = Cycle(utc("2020-08-04T12:00")), config.all_sites()
    folder = shared / "gfs_tree" / "gfs.20200804" / "12" / "atmos"
    files = [folder / f"gfs.t12z.pgrb2.0p25.f{step:03d}" for step in (0, 6, 12)]
    scene = Scene(reader.read_atmosphere(files, cycle, sources.needs_of(config, sites)), sites)
    site, day = sites[0], cycle.run.date()
    almanac = almanacs([site], [day], config.zone)[site.id, day]
    glow_event = [
        event
        for event in glow.events(site, day, almanac, PhenomenonSettings())
        if event.phenomenon == "sunset_glow"
    ]
    part = glow.derive(glow_event, scene, PhenomenonSettings())
    modelled = {
        name: float(values[0]) for name, values in part.values.items() if values.dtype.kind == "f"
    }
    outcome = glow.diagnose(glow_event, scene, PhenomenonSettings())[0]
    return [
        Claim(TOPIC, "Kasprowy 2020-08-04: canvas, its base, red light on it",
              f"{modelled['canvas_cover']:.2f}, {modelled['canvas_height']:.0f} m, "
              f"{modelled['canvas_light']:.2f}", 1,
              "GFS +6 h; cirrus lit above a deck at the summit"),
        Claim(TOPIC, "Kasprowy 2020-08-04: view of it, quality, degree",
              f"{modelled['view_clearance']:.2f}, {modelled['glow_quality']:.2f}, "
              f"{outcome.degree:g}", 1,
              "60-80 % of cloud at 2-3.5 km over the viewer: nothing is seen",
              modelled["glow_quality"] < 0.05),
    ]  # fmt: skip
