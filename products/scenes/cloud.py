"""The clouds of a scene: layers by their cover, lit cloud, a sea of clouds, fog, falling snow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    halo,
    mixed,
    rgb,
    text_of,
)

STREAKS = 84  # of a sky wholly covered by high cloud
MOST_BANKS = 280  # of low cloud
PER_METRE = 0.09  # [px m-1] by which the deck's top lies lower in the frame than the horizon
NEAREST, FARTHEST = 9.0, 120.0  # [px] limits of that
BILLOWS = 7  # rows of crests
# summits above a sea: the row before which one stands, its place in the frame, its size [1]
SUMMITS = ((1, 0.4, 0.3), (2, 0.94, 0.5), (3, 0.76, 0.8))
HAZE = rgb("#a9acd6")  # of far land in a clear sky
FLAKES_PER_CM = 45.0  # of fresh snow


def streaks(
    view: View,
    seed: str,
    cover: float,
    fill: Colour,
    lit: Colour | None,
    share: float,
    base: float = 8000.0,
) -> str:
    """Return high and middle cloud: thin bands, `cover` of the sky, thicker the lower `base`.

    base: their height [m]. fill: their colour without light; lit: the colour that the light path
    computed, on `share` [1] of them, those nearest to the horizon; None where nothing is lit.
    """
    count = round(STREAKS * min(max(cover, 0.0), 1.0))
    if count == 0:
        return ""
    draw, parts = chance(f"{seed} streaks"), []
    rows = np.sort(draw.random(STREAKS))[::-1] ** 0.8
    for place in range(count):
        low = float(rows[place * STREAKS // max(count, 1)])
        y = 18 + low * (view.level - 60)
        x, wide = draw.uniform(-60, WIDTH + 60), draw.uniform(50, 190) * (0.6 + 0.7 * (1 - low))
        painted = lit is not None and (place + 0.5) / count <= share
        thick = (1.5 - low) * min(max(8000 / base, 0.6), 2.2)
        tall = thick * (draw.uniform(3, 9) if painted else draw.uniform(1.5, 6))
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


def banks(seed: str, cover: float, level: float) -> np.ndarray:
    """Return banks of cloud (n, 4) [px]: middle x and y, half width and half height.

    Together they hide `cover` [1] of the sky above the level.
    """
    draw = chance(f"{seed} banks")
    found: list[tuple[float, float, float, float]] = []
    x, y = np.meshgrid(np.linspace(0, WIDTH, 93), np.linspace(0, level, 41))
    clear = np.ones(x.shape, dtype=bool)
    while 1 - clear.mean() < cover - 0.01 and len(found) < MOST_BANKS:
        at = draw.choice(np.flatnonzero(clear))  # where the sky is clear yet
        middle, height = float(x.flat[at]), float(y.flat[at])
        wide = draw.uniform(36, 90) * (1.2 - 0.5 * height / level) * (1 + cover)
        for _ in range(4):  # heads of one bank
            part = wide * draw.uniform(0.5, 1.0)
            x_of, y_of = middle + wide * draw.uniform(-1, 1), height + draw.uniform(-8, 8)
            bank = (x_of, y_of, part, part * draw.uniform(0.18, 0.34))
            clear &= ~_within(bank, x, y)
            found.append(bank)
    return np.array(found).reshape(-1, 4)


def hidden(found: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which of the points (n) [px] lie behind banks."""
    behind = np.zeros(x.shape, dtype=bool)
    for bank in found:
        behind |= _within(bank, x, y)
    return behind


def _within(bank: Sequence[float] | np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    middle_x, middle_y, wide, tall = bank
    return np.asarray(((x - middle_x) / wide) ** 2 + ((y - middle_y) / tall) ** 2 < 1)


def heaps(view: View, found: np.ndarray, colour: Colour, edge: Colour) -> str:
    """Return banks of low cloud above the viewer. edge: the colour of their lower rims."""
    if not len(found):
        return ""
    id = f"{view.prefix}-heap"
    made = (
        f'<linearGradient id="{id}-c" x2="0" y2="1"><stop offset=".55" '
        f'stop-color="{text_of(colour)}"/><stop offset="1" stop-color="{text_of(edge)}"/>'
        "</linearGradient>"
    )
    drawn = "".join(
        f'<ellipse class="bank" cx="{x:.0f}" cy="{y:.0f}" rx="{wide:.0f}" ry="{tall:.0f}"/>'
        for x, y, wide, tall in found
    )
    return (
        f'{made}{blur(id, 6, 4)}<g class="low-cloud" filter="url(#{id})" fill="url(#{id}-c)" '
        f'opacity=".94">{drawn}</g>'
    )


def deck_edge(view: View, gap: float) -> float:
    """Return the y [px] at which a sea of clouds ends, its top `gap` [m] below the viewer."""
    return view.level + min(max(gap * PER_METRE, NEAREST), FARTHEST)


@dataclass(frozen=True, slots=True)
class Sea:
    """A sea of clouds below the viewer.

    gap: the site's height less the deck's top [m]. filled: part [1] of the ground below the site
    that it hides. summits: of the ground that rises out of it, its part of all [1] and how high it
    is at most, from the deck (0) to the site (1). light, shade: of crests and hollows; land, air:
    of those summits and of what is far. sun: x [px] of the sun, None where it is not seen.
    """

    gap: float
    filled: float
    summits: tuple[float, float]
    light: Colour
    shade: Colour
    land: Colour
    air: Colour
    sun: float | None


def sea(view: View, seed: str, deck: Sea) -> str:
    """Return a sea of clouds, from its far edge to the viewer's feet."""
    edge, draw = deck_edge(view, deck.gap), chance(f"{seed} sea")
    id = f"{view.prefix}-deck"
    far = mixed(deck.light, deck.air, 0.35)
    made = gradient(
        id,
        (
            (edge / HEIGHT, far),
            (edge / HEIGHT + 0.08, mixed(deck.light, deck.shade, 0.5)),
            (1.0, mixed(deck.light, deck.shade, 0.85)),
        ),
    )
    parts = [
        f'<defs>{made}</defs><rect class="deck" y="{number(edge)}" width="{WIDTH:g}" '
        f'height="{number(HEIGHT - edge)}" fill="url(#{id})" '
        f'opacity="{0.35 + 0.65 * min(max(deck.filled, 0.0), 1.0):.2f}"/>'
    ]
    parts.append(
        f'<linearGradient id="{id}-m" x2="0" y2="1"><stop stop-color="{text_of(far)}" '
        f'stop-opacity="0"/><stop offset="1" stop-color="{text_of(far)}" stop-opacity=".7"/>'
        f'</linearGradient><rect class="mist" y="{number(edge - 36)}" width="{WIDTH:g}" '
        f'height="36" fill="url(#{id}-m)"/>'
    )
    islands = _summits(view, draw, edge, deck)
    for row in range(BILLOWS):
        parts += [drawn for at, drawn in islands if at == row]
        parts.append(_billows(view, draw, edge, row, deck))
        if row == 1 and deck.sun is not None:
            parts.append(_lane(view, edge, deck))
    return f'<g class="sea">{"".join(parts)}</g>'


def _row(edge: float, row: int) -> float:
    """Return y [px] of a row of crests."""
    return edge + 4 + (HEIGHT - edge - 20) * (row / (BILLOWS - 1)) ** 1.4


def _lane(view: View, edge: float, deck: Sea) -> str:
    """Return the light of a low sun on the deck."""
    id, warm = f"{view.prefix}-lane", mixed(deck.light, rgb("#ffd9a0"), 0.6)
    return (
        f"{halo(id, ((0.0, warm, 0.85), (0.4, warm, 0.4), (1.0, warm, 0.0)))}"
        f'<ellipse class="lane" cx="{number(deck.sun or 0.0)}" cy="{number(edge + 14)}" rx="300" '
        f'ry="70" fill="url(#{id})"/>'
    )


def _summits(
    view: View, draw: np.random.Generator, edge: float, deck: Sea
) -> list[tuple[int, str]]:
    """Return summits above the deck, each with the row before which it stands.

    Their breadth is the square root of their part of the ground, as of a length to an area; their
    heights are in perspective: what is as high as the site reaches its level.
    """
    part, highest = deck.summits
    if part <= 0 or highest <= 0:
        return []
    wide = min(part, 1.0) ** 0.5 * WIDTH / len(SUMMITS)
    found = []
    for row, place, share in SUMMITS:
        y = _row(edge, row)
        tall = highest * (0.6 + 0.4 * share) * (y - view.level)
        t = np.linspace(0, 1, 25)
        peak, second = draw.uniform(0.38, 0.56), draw.uniform(0.7, 0.8)
        shape = np.maximum(
            1 - np.abs(t - peak) / np.where(t < peak, peak, 1 - peak) ** 0.9,
            0.62 - np.abs(t - second) / 0.32,
        )
        shape = np.clip(shape + draw.normal(0, 0.035, 25), 0, None)
        x = place * WIDTH + wide * (0.7 + 0.6 * share) * (t - 0.5)
        foot = y + 0.7 * (8 + 40 * row / (BILLOWS - 1))
        top = foot - (foot - y + tall) * shape / shape.max()
        line = "L".join(f"{number(a)} {number(b)}" for a, b in zip(x, top, strict=True))
        fill = text_of(
            mixed(deck.land, mixed(deck.air, HAZE, 0.7), (0.58, 0.42, 0.24, 0.1)[row - 1])
        )
        found.append((row, f'<path class="summit" d="M{line}V{number(foot + 4)}H{number(x[0])}z" '
                           f'fill="{fill}"/>'))  # fmt: skip
    return found


def _billows(view: View, draw: np.random.Generator, edge: float, row: int, deck: Sea) -> str:
    """Return a row of crests with lit rims, larger and lower towards the viewer.

    Gaps where the sea is not filled.
    """
    near = row / (BILLOWS - 1)
    y, foot = _row(edge, row), _row(edge, row + 1) + 8 + 30 * near
    size = 8 + 40 * near
    x, path, slow = -2 * size, "", draw.uniform(0, 6.3)
    while x < WIDTH + 2 * size:
        wide = size * draw.uniform(0.9, 2.4)
        tall = size * draw.uniform(0.2, 0.5)
        base = y + 0.3 * size * math.sin(x / (60 + 160 * near) + slow)
        if draw.random() < 0.1 + 0.95 * deck.filled:
            path += (
                f"M{round(x - 0.5 * wide)} {round(foot)}C{round(x - 0.2 * wide)} "
                f"{round(base - tall)} {round(x + wide)} {round(base - 1.3 * tall)} "
                f"{round(x + 1.5 * wide)} {round(foot)}z"
            )
        x += wide * draw.uniform(0.45, 0.8)
    id = f"{view.prefix}-b{row}"
    crest = mixed(deck.light, (255.0, 255.0, 255.0), 0.35)
    crest = mixed(crest, deck.air, 0.3 * (1 - near))
    body = mixed(deck.light, deck.shade, 0.25 + 0.3 * near)
    deep = mixed(deck.light, deck.shade, 0.62 + 0.3 * near)
    made = (
        f'<linearGradient id="{id}" gradientUnits="userSpaceOnUse" x1="0" x2="0" '
        f'y1="{number(y - 0.12 * size)}" y2="{number(foot - 4)}"><stop '
        f'stop-color="{text_of(crest)}"/><stop offset=".3" stop-color="{text_of(body)}"/>'
        f'<stop offset="1" stop-color="{text_of(deep)}"/></linearGradient>'
    )
    soft = f"{id}s"
    return (
        f"{made}{blur(soft, 0.6 + 1.4 * near, 0.5 + 1.2 * near)}"
        f'<path class="billows" d="{path}" fill="url(#{id})" filter="url(#{soft})"/>'
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
