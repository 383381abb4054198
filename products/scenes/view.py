"""The frame of a scene: where a direction stands in it, and how colours are mixed.

A scene is 920 by 420 px. Azimuth is linear over 100 degrees; what a scene is about (the sun, the
direction of view) stands at `FOCUS`, right of the middle, since words stand at the left. Altitude
is linear above the level of the horizon. Terrain is drawn steeper than it is (`STEEP`), so that a
skyline of a few degrees can be told; sun and moon are drawn larger than they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from products.charts.svg import number, polyline

WIDTH, HEIGHT = 920.0, 420.0  # [px]
BREADTH = 100.0  # [degree] of azimuth in the frame
ACROSS = WIDTH / BREADTH  # [px degree-1]
FOCUS = 640.0  # x [px] of the direction of view
UP = 5.0  # [px degree-1] of altitude under the stars, where the frame holds 60 degrees
UP_LOW = 9.2  # of a low sun: as wide as azimuth
STEEP = 40.0  # [px degree-1] of terrain

Colour = tuple[float, float, float]  # sRGB, 0-255
Angle = TypeVar("Angle", float, NDArray[np.floating[Any]])


@dataclass(frozen=True, slots=True)
class View:
    """azimuth: at FOCUS [degree]. level: y of altitude 0 [px]; up [px degree-1]. prefix: of ids."""

    azimuth: float
    level: float
    prefix: str
    up: float = UP

    def x(self, azimuth: Angle) -> Angle:
        """Return the x [px] of an azimuth [degree], or of many; outside the frame too."""
        return FOCUS + ((azimuth - self.azimuth + 180) % 360 - 180) * ACROSS

    def y(self, altitude: Angle) -> Angle:
        """Return the y [px] of an altitude [degree], or of many."""
        return self.level - altitude * self.up

    def holds(self, azimuth: float, altitude: float, margin: float = 0.0) -> bool:
        """Return whether a direction lies in the frame, `margin` [px] inside it."""
        x, y = self.x(azimuth), self.y(altitude)
        return margin <= x <= WIDTH - margin and margin <= y <= HEIGHT


def rgb(text: str) -> Colour:
    """Return the colour of `#rrggbb`."""
    return (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))


def text_of(colour: Sequence[float]) -> str:
    """Return a colour as `#rrggbb`."""
    return "#" + "".join(f"{round(min(max(c, 0.0), 255.0)):02x}" for c in colour)


def mixed(one: Sequence[float], other: Sequence[float], share: float) -> Colour:
    """Return `one` with `share` (0-1) of `other`."""
    part = min(max(share, 0.0), 1.0)
    a, b, c = (x + (y - x) * part for x, y in zip(one, other, strict=True))
    return (a, b, c)


def gradient(id: str, stops: Iterable[tuple[float, Colour]]) -> str:
    """Return a vertical gradient over the frame."""
    found = "".join(f'<stop offset="{at:.2f}" stop-color="{text_of(c)}"/>' for at, c in stops)
    return f'<linearGradient id="{id}" x2="0" y2="1">{found}</linearGradient>'


def halo(id: str, stops: Iterable[tuple[float, Colour, float]]) -> str:
    """Return a round gradient. stops: offset [1], colour and opacity [1], from the middle out."""
    found = "".join(
        f'<stop offset="{at:g}" stop-color="{text_of(c)}" stop-opacity="{strength:.2f}"/>'
        for at, c, strength in stops
    )
    return f'<radialGradient id="{id}">{found}</radialGradient>'


def blur(id: str, across: float, up: float) -> str:
    """Return a filter that blurs by so many pixels."""
    return (
        f'<filter id="{id}" x="-30%" y="-60%" width="160%" height="220%">'
        f'<feGaussianBlur stdDeviation="{number(across)} {number(up)}"/></filter>'
    )


def outline(x: np.ndarray, y: np.ndarray) -> str:
    """Return the path of a line through points (n), closed along the foot of the frame."""
    points = zip(x.tolist(), y.tolist(), strict=True)
    return polyline([(float(x[0]), HEIGHT), *points, (float(x[-1]), HEIGHT)]) + "z"


def chance(seed: str) -> np.random.Generator:
    """Return numbers that look random and are the same for the same seed."""
    return np.random.default_rng(np.frombuffer(seed.encode(), dtype=np.uint8).astype(np.uint32))
