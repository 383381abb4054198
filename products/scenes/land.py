"""The land of a scene: the site's own skyline, the ground below it, snow and rime on them."""

from __future__ import annotations

import numpy as np

from forecast.domain import HORIZON_STEP, Site
from products.charts.svg import number
from products.scenes.view import (
    ACROSS,
    FOCUS,
    HEIGHT,
    STEEP,
    WIDTH,
    Colour,
    View,
    chance,
    mixed,
    outline,
    rgb,
    text_of,
)

DARK, DUSK, SNOW = rgb("#0b1126"), rgb("#442f74"), rgb("#eef4fb")
FOREST, STONE = rgb("#33485a"), rgb("#5d6f8c")
TALLEST = 96.0  # [px] of the skyline's range: beyond it terrain is drawn less steep
SNOW_FULL = 0.15  # [m] of lying snow that whitens the ground wholly
TREES = 17  # on the slope before the viewer
# ridges before the skyline: lower by [px], height of their summits [px], without haze [1]
NEARER = ((26.0, 30.0, 0.5), (54.0, 34.0, 0.76))
SUMMITS = 9  # knots of such a ridge
SKYLINE_AIR = 0.34  # of the skyline's own colour: the rest is haze
RIME_FULL = 8.0  # [h] of rime that whitens a tree wholly


def skyline_at(view: View, site: Site, azimuth: np.ndarray) -> np.ndarray:
    """Return y [px] of the site's skyline at azimuths (n) [degree].

    The lowest of the frame lies on the level of the view. Of a site whose horizon was not surveyed
    it is flat.
    """
    frame = view.azimuth + (np.linspace(0, WIDTH, 93) - FOCUS) / ACROSS
    ring = np.array([*site.horizon, site.horizon[0]])
    steps = np.arange(len(ring)) * HORIZON_STEP
    altitude = np.interp(frame % 360, steps, ring)
    spread = float(np.ptp(altitude))
    steep = min(STEEP, TALLEST / spread) if spread > 0 else STEEP
    return view.level - steep * (np.interp(azimuth % 360, steps, ring) - altitude.min())


def above_skyline(view: View, site: Site, altitude: float, azimuth: float) -> float:
    """Return y [px] of a body so far above the drawn skyline as it is above the true one."""
    ring = np.array([*site.horizon, site.horizon[0]])
    true = float(np.interp(azimuth % 360, np.arange(len(ring)) * HORIZON_STEP, ring))
    return float(skyline_at(view, site, np.array([azimuth]))[0]) - view.up * (altitude - true)


def skyline(view: View, site: Site) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y [px] of the site's skyline in the frame."""
    x = np.linspace(0, WIDTH, 185)
    azimuth = view.azimuth + (x - FOCUS) / ACROSS
    y = skyline_at(view, site, azimuth)
    if np.ptp(y) == 0:
        return x[::46], y[::46]
    # rough between the surveyed angles, true at each of them
    between = np.abs(np.sin(np.pi * azimuth / HORIZON_STEP))
    return x, y + chance(f"{site.id} rock").normal(0, 0.05, len(x)) * (
        between * np.clip(np.abs(np.gradient(y)) * 14, 4, 26)
    )


def ridges(
    view: View, site: Site, haze: Colour, light: float, snow: float, far_only: bool = False
) -> str:
    """Return the skyline and, of a surveyed site, two nearer ridges, darker towards the viewer.

    The nearer ones have the heights of the ground below the site (`valley_heights`), in an order
    that is drawn; `far_only`: without them. haze: colour of the air before them. light: 0 by night
    to 1 by day. snow: [m].
    """
    x, y = skyline(view, site)
    white = min(snow / SNOW_FULL, 1.0)
    dusk = min(4 * light, 1.0) * (1 - light)  # silhouettes are violet before a low sun
    ground = mixed(mixed(DARK, mixed(STONE, SNOW, 0.92 * white), 0.1 + 0.8 * light), DUSK, dusk)
    parts = [_ridge("skyline", x, y, mixed(haze, ground, SKYLINE_AIR + 0.3 * (1 - light)))]
    if site.horizon_surveyed and site.valley_heights and not far_only:
        draw = chance(f"{site.id} ridges")
        for lower, tall, near in NEARER:
            line = view.level + lower - tall * _heights(draw, site, x)
            ground = mixed(DARK, mixed(FOREST, SNOW, 0.85 * white), 0.1 + 0.7 * light)
            ground = mixed(ground, DUSK, dusk * (1.1 - near))
            near = min(near + 0.2 * (1 - light), 1.0)
            parts.append(_ridge("slope", x, line, mixed(haze, ground, near)))
    return "".join(parts)


def _heights(draw: np.random.Generator, site: Site, x: np.ndarray) -> np.ndarray:
    """Return heights [1] of a ridge at x: those of the ground below the site, from its lowest."""
    found = np.array(site.valley_heights)
    spread = max(site.elevation - found[0], 1.0)
    knots = draw.permutation(np.resize((found - found[0]) / spread, SUMMITS))
    places = np.linspace(-40, WIDTH + 40, SUMMITS) + draw.uniform(-26, 26, SUMMITS)
    fine = np.interp(x, np.linspace(0, WIDTH, 47), draw.normal(0, 0.05, 47))
    return np.asarray(np.interp(x, places, knots) + fine, dtype=float)


def _ridge(name: str, x: np.ndarray, y: np.ndarray, fill: Colour) -> str:
    return f'<path class="{name}" d="{outline(x, y)}" fill="{text_of(fill)}"/>'


def foreground(view: View, site: Site, light: float, snow: float, rime: float) -> str:
    """Return the slope at the viewer's feet, with trees where there is rime on them.

    snow: depth [m]; rime [h].
    """
    draw = chance(f"{site.id} slope")
    x = np.linspace(0, WIDTH, 24)
    y = HEIGHT - 26 - 16 * np.sin(x / WIDTH * 3 + 0.6) + draw.normal(0, 2, 24)
    white = min(snow / SNOW_FULL, 1.0)
    ground = mixed(DARK, mixed(rgb("#20302a"), SNOW, white), 0.10 + 0.8 * light * max(white, 0.25))
    slope = f'<path class="slope" d="{outline(x, y)}" fill="{text_of(ground)}"/>'
    if rime <= 0:
        return slope
    frost = mixed(
        mixed(DARK, rgb("#3b4b45"), light),
        mixed(rgb("#a9bbd6"), SNOW, light),
        min(rime / RIME_FULL, 1.0),
    )
    trees = []
    for at in sorted(draw.uniform(10, WIDTH - 10, TREES)):
        tall = draw.uniform(70, 150)
        foot = float(np.interp(at, x, y)) + 8
        steps = []
        for k in (0.12, 0.3, 0.47, 0.63, 0.78):  # boughs that overlap, wide below
            wide, top = tall * (0.27 - 0.24 * k), foot - tall * (k + 0.26)
            steps.append(
                f"M{number(at - wide)} {number(foot - tall * k)}Q{number(at - wide / 3)} "
                f"{number(foot - tall * (k + 0.06))} {number(at)} {number(top)}"
                f"Q{number(at + wide / 3)} {number(foot - tall * (k + 0.06))} "
                f"{number(at + wide)} {number(foot - tall * k)}z"
            )
        trees.append("".join(steps))
    line = text_of(mixed(frost, DARK, 0.3))
    return (
        f'<path class="rime" d="{"".join(trees)}" fill="{text_of(frost)}" stroke="{line}" '
        f'stroke-width=".8" stroke-linejoin="round"/>{slope}'
    )


def village(view: View, site: Site, light: float, snow: float) -> str:
    """Return roofs under the snow that lies; its thickness is the depth, 2 px a centimetre."""
    draw = chance(f"{site.id} roofs")
    wall = text_of(mixed(DARK, rgb("#6a5a4c"), 0.25 + 0.5 * light))
    roof = text_of(mixed(DARK, rgb("#4a3d35"), 0.2 + 0.5 * light))
    cap = text_of(mixed(rgb("#8fa3c4"), SNOW, light))
    thick = min(200 * snow, 60.0)
    parts = []
    for place in range(5):
        left = 60 + 170 * place + draw.uniform(-20, 20)
        wide, tall = draw.uniform(90, 130), draw.uniform(34, 46)
        foot = HEIGHT - 24 + draw.uniform(-8, 8)
        top = foot - tall
        peak = f"{number(left - 10)} {number(top)}L{number(left + wide / 2)} {number(top - 34)}"
        parts.append(
            f'<path d="M{number(left)} {number(foot + 30)}V{number(top)}H{number(left + wide)}'
            f'V{number(foot + 30)}z" fill="{wall}"/>'
            f'<path d="M{peak}L{number(left + wide + 10)} {number(top)}z" fill="{roof}"/>'
        )
        if thick > 0.5:
            parts.append(
                f'<path class="snow-depth" d="M{peak}L{number(left + wide + 10)} {number(top)}'
                f"v{number(-thick)}L{number(left + wide / 2)} {number(top - 34 - thick)}"
                f'L{number(left - 10)} {number(top - thick)}z" fill="{cap}"/>'
            )
        if light < 0.3:
            parts.append(
                f'<rect x="{number(left + 16)}" y="{number(top + 12)}" width="13" height="13" '
                'fill="#ffcf7a"/>'
            )
    return "".join(parts)
