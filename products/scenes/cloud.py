"""The clouds of a scene: layers by their cover, lit cloud, a sea of clouds, fog, falling snow."""

from __future__ import annotations

import numpy as np

from products.charts.svg import number
from products.scenes.view import (
    HEIGHT,
    WIDTH,
    Colour,
    View,
    blur,
    chance,
    gradient,
    mixed,
    rgb,
    text_of,
)

STREAKS = 84  # of a sky wholly covered by high cloud
HEAPS = 26  # of a sky wholly covered by low cloud
PER_METRE = 0.055  # [px m-1] by which the deck's top lies lower in the frame than the horizon
NEAREST, FARTHEST = 8.0, 110.0  # [px] limits of that
BILLOWS = 7  # rows of crests
FLAKES_PER_CM = 45.0  # of fresh snow


def streaks(
    view: View, seed: str, cover: float, fill: Colour, lit: Colour | None, share: float
) -> str:
    """Return high and middle cloud: thin bands, `cover` of the sky.

    fill: their colour without light; lit: the colour that the light path computed, on `share` [1]
    of them, those nearest to the horizon towards the sun; None where nothing is lit.
    """
    count = round(STREAKS * min(max(cover, 0.0), 1.0))
    if count == 0:
        return ""
    draw, parts = chance(f"{seed} streaks"), []
    rows = np.sort(draw.random(STREAKS))[::-1] ** 0.8
    for place in range(count):
        low = float(rows[place * STREAKS // max(count, 1)])
        y = 18 + low * (view.level - 60)
        x, wide = draw.uniform(-60, WIDTH + 60), draw.uniform(50, 190) * (0.7 + 0.5 * (1 - low))
        painted = lit is not None and (place + 0.5) / count <= share
        tall = draw.uniform(3, 10) if painted else draw.uniform(1.5, 6)
        colour = text_of(lit if painted and lit is not None else fill)
        name = "lit" if painted else "cloud"
        opacity = draw.uniform(0.35, 0.9 if painted else 0.6)
        parts.append(
            f'<ellipse class="{name}" cx="{number(x)}" cy="{number(y)}" rx="{number(wide)}" '
            f'ry="{number(tall)}" fill="{colour}" opacity="{opacity:.2f}"/>'
        )
    id = f"{view.prefix}-soft"
    return f'{blur(id, 4, 1.2)}<g filter="url(#{id})">{"".join(parts)}</g>'


def wash(view: View, lit: Colour, strength: float) -> str:
    """Return the light that painted cloud gives to the whole sky. strength [1]."""
    id = f"{view.prefix}-wash"
    made = (
        f'<linearGradient id="{id}" x2="0" y2="1"><stop stop-color="{text_of(lit)}" '
        f'stop-opacity="{0.12 * strength:.2f}"/><stop offset="{view.level / HEIGHT:.2f}" '
        f'stop-color="{text_of(lit)}" stop-opacity="{0.6 * strength:.2f}"/></linearGradient>'
    )
    height = number(view.level + 20)
    return f'{made}<rect class="wash" width="{WIDTH:g}" height="{height}" fill="url(#{id})"/>'


def heaps(view: View, seed: str, cover: float, colour: Colour) -> str:
    """Return low cloud above the viewer: heavy banks, `cover` of the sky."""
    count = round(HEAPS * min(max(cover, 0.0), 1.0))
    if count == 0:
        return ""
    draw, parts = chance(f"{seed} heaps"), []
    for _ in range(count):
        x, y = draw.uniform(-40, WIDTH + 40), draw.uniform(-10, view.level * 0.62)
        wide, tall = draw.uniform(90, 190), draw.uniform(20, 44)
        fill = text_of(mixed(colour, (255.0, 255.0, 255.0), draw.uniform(0.0, 0.12)))
        parts.append(
            f'<ellipse cx="{number(x)}" cy="{number(y)}" rx="{number(wide)}" ry="{number(tall)}" '
            f'fill="{fill}" opacity=".8"/>'
        )
    id = f"{view.prefix}-heap"
    return f'{blur(id, 16, 9)}<g class="low-cloud" filter="url(#{id})">{"".join(parts)}</g>'


def deck_edge(view: View, gap: float) -> float:
    """Return the y [px] at which a sea of clouds ends, its top `gap` [m] below the viewer."""
    return view.level + min(max(gap * PER_METRE, NEAREST), FARTHEST)


def sea(view: View, seed: str, gap: float, filled: float, light: Colour, shade: Colour) -> str:
    """Return a sea of clouds below the viewer.

    gap: the site's height less the deck's top [m]. filled: part [1] of the ground below the site
    that it hides; the rest shows between its banks.
    """
    edge, draw = deck_edge(view, gap), chance(f"{seed} sea")
    id = f"{view.prefix}-deck"
    made = gradient(id, ((edge / HEIGHT, light), (1.0, shade)))
    base = (
        f'<rect class="deck" y="{number(edge)}" width="{WIDTH:g}" height="{number(HEIGHT - edge)}" '
        f'fill="url(#{id})" opacity="{0.35 + 0.65 * min(max(filled, 0.0), 1.0):.2f}"/>'
    )
    rows = "".join(_billows(view, draw, edge, row, filled, light, shade) for row in range(BILLOWS))
    return f'<defs>{made}</defs>{base}<g class="billows">{rows}</g>'


def _billows(
    view: View,
    draw: np.random.Generator,
    edge: float,
    row: int,
    filled: float,
    light: Colour,
    shade: Colour,
) -> str:
    """Return a row of crests, larger and lower towards the viewer; gaps where it is not filled."""
    near = row / (BILLOWS - 1)
    size = 9 + 58 * near**1.3
    y = edge + 3 + (HEIGHT - edge - 8) * near**1.5
    x, path = -2 * size, ""
    while x < WIDTH + 2 * size:
        wide = size * draw.uniform(0.9, 2.1)
        tall = size * draw.uniform(0.28, 0.62)
        if draw.random() < 0.4 + 0.6 * filled:
            foot = round(y + size * 0.9)
            path += (
                f"M{round(x)} {foot}C{round(x)} {round(y - tall)} {round(x + wide)} "
                f"{round(y - tall * draw.uniform(0.7, 1.3))} {round(x + wide)} {foot}z"
            )
        x += wide * draw.uniform(0.45, 0.8)
    id, crest = f"{view.prefix}-b{row}", mixed(light, (255.0, 255.0, 255.0), 0.25)
    foot_colour = mixed(light, shade, 0.45 + 0.3 * near)
    top, low = y - size * 0.5, y + size * 0.9
    made = (
        f'<linearGradient id="{id}" gradientUnits="userSpaceOnUse" x1="0" x2="0" '
        f'y1="{number(top)}" y2="{number(low)}"><stop stop-color="{text_of(crest)}"/>'
        f'<stop offset="1" stop-color="{text_of(foot_colour)}" stop-opacity=".7"/></linearGradient>'
    )
    soft = f"{view.prefix}-s{row}"
    return (
        f"{made}{blur(soft, 1.5 + 3 * near, 1 + 1.5 * near)}"
        f'<path d="{path}" fill="url(#{id})" filter="url(#{soft})"/>'
    )


def fog(view: View, colour: Colour) -> str:
    """Return the inside of a cloud: the land is lost in it."""
    id = f"{view.prefix}-fog"
    white = mixed(colour, rgb("#e4e9ee"), 0.5)
    veil = (
        f'<linearGradient id="{id}" x2="0" y2="1"><stop stop-color="{text_of(white)}" '
        f'stop-opacity=".96"/><stop offset=".75" stop-color="{text_of(colour)}" '
        'stop-opacity=".9"/><stop offset="1" stop-color="'
        f'{text_of(colour)}" stop-opacity=".55"/></linearGradient>'
    )
    return f'{veil}<rect class="fog" width="{WIDTH:g}" height="{HEIGHT:g}" fill="url(#{id})"/>'


def ceiling(view: View, colour: Colour) -> str:
    """Return an overcast above the viewer."""
    id = f"{view.prefix}-ceiling"
    made = (
        f'<linearGradient id="{id}" x2="0" y2="1"><stop stop-color="{text_of(colour)}"/>'
        f'<stop offset=".72" stop-color="{text_of(mixed(colour, rgb("#c3ccd6"), 0.25))}" '
        'stop-opacity=".96"/><stop offset="1" stop-color="'
        f'{text_of(colour)}" stop-opacity="0"/></linearGradient>'
    )
    height = number(view.level + 10)
    return f'{made}<rect class="ceiling" width="{WIDTH:g}" height="{height}" fill="url(#{id})"/>'


def flakes(seed: str, new_snow: float, light: float) -> str:
    """Return falling snow, more flakes for more fresh snow [m]."""
    count = min(round(100 * new_snow * FLAKES_PER_CM), 420)
    if count <= 0:
        return ""
    draw = chance(f"{seed} flakes")
    colour = text_of(mixed(rgb("#8fa0bd"), (255.0, 255.0, 255.0), 0.35 + 0.65 * light))
    groups = []
    for size, share in ((1.8, 0.55), (3.0, 0.3), (4.6, 0.15)):
        points = draw.random((round(count * share), 2)) * (WIDTH, HEIGHT)
        data = "".join(f"M{number(x)} {number(y)}h0" for x, y in points)
        if data:
            groups.append(
                f'<path class="flakes" d="{data}" stroke="{colour}" stroke-width="{size}" '
                'stroke-linecap="round" opacity=".85"/>'
            )
    return "".join(groups)
