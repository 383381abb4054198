"""The land of a scene: the site's own skyline, the slope before it, snow and rime on them."""

from __future__ import annotations

import numpy as np

from forecast.domain import HORIZON_STEP, Site
from products.charts.svg import number
from products.scenes.view import (
    BREADTH,
    HEIGHT,
    STEEP,
    UP,
    WIDTH,
    Colour,
    View,
    chance,
    mixed,
    outline,
    rgb,
    text_of,
)

DARK, SNOW = rgb("#060a14"), rgb("#eef4fb")
TALLEST = 95.0  # [px] of the skyline's range: beyond it terrain is drawn less steep
SNOW_FULL = 0.15  # [m] of lying snow that whitens the ground wholly
TREES = 17  # on the slope before the viewer
# of the skyline and two ridges before it: lower by [px], rougher by [px], without haze [1]
RIDGES = ((0.0, 0.0, 0.42), (30.0, 4.0, 0.66), (62.0, 8.0, 0.88))
RIME_FULL = 8.0  # [h] of rime that whitens a tree wholly


def skyline(view: View, site: Site) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y [px] of the site's skyline in the frame."""
    azimuth = view.azimuth + np.linspace(-BREADTH / 2, BREADTH / 2, 93)
    ring = np.array([*site.horizon, site.horizon[0]])
    altitude = np.interp(azimuth % 360, np.arange(len(ring)) * HORIZON_STEP, ring)
    spread = float(np.ptp(altitude))
    steep = min(STEEP * UP, TALLEST / spread) if spread > 0 else STEEP * UP
    return np.linspace(0, WIDTH, len(azimuth)), view.level - steep * (altitude - altitude.min())


def ridges(view: View, site: Site, haze: Colour, light: float, snow: float) -> str:
    """Return the skyline and two nearer ridges, darker towards the viewer.

    haze: colour of the air before them. light: 0 by night to 1 by day. snow: depth [m].
    """
    x, y = skyline(view, site)
    draw, parts = chance(site.id), []
    white = min(snow / SNOW_FULL, 1.0)
    deep = 0.28 * (1 - light)  # silhouettes before a dusk sky
    for turn, (lower, rough, near) in enumerate(RIDGES):
        near = min(near + deep, 1.0)
        knots = draw.normal(0, rough, 24)
        line = y + lower + np.interp(x, np.linspace(0, WIDTH, 24), knots) * (turn > 0)
        ground = mixed(DARK, mixed(rgb("#3c4a44"), SNOW, white), 0.12 + 0.7 * light)
        fill = text_of(mixed(haze, ground, near))
        name = "skyline" if turn == 0 else "slope"
        parts.append(f'<path class="{name}" d="{outline(x, line)}" fill="{fill}"/>')
    return "".join(parts)


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
