"""The ground of a picture: the scene of the event, clear but for local veils behind words.

A scene is drawn once, and enlarged for pictures of any size: blurred edges cost the square of the
size, and it is soft anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from products.charts.svg import number
from products.drawing.palette import colours
from products.drawing.picture import Picture
from products.drawing.png import png
from products.scenes import FOCUS, scene_of
from products.scenes import scene as drawn_svg
from products.sections import Entry

DRAWN = (920, 420)  # [px] in which it is drawn
FADE = 0.3  # part of its height in which the scene ends in the ground
PLAIN_SKY = "#1b2546"  # at the foot of a picture without an event
FOCUS_AT = 0.72  # part of the width at which its sun or direction stands, where it is cut

# opacity of a veil by which ink and accent keep 4.5:1 on white cloud
VEIL = 0.8

Stops = Sequence[tuple[float, float]]


def stand_on_scene(picture: Picture, entry: Entry | None, high: float) -> None:
    """Put the scene of an entry behind the upper `high` [px] of a picture; below is the ground.

    Without an entry, or one that is not known, a plain sky: no land is shown that no forecast
    is about. Raises: PublishError where it cannot be drawn.
    """
    drawn = scene_of(entry) if entry is not None else None
    ground = colours()["ground"]
    if drawn is None:
        picture.rect(0, 0, picture.width, picture.height, ground)
        veil(picture, 0, 0, picture.width, picture.height, ((0, 0), (1, 1)), colour=PLAIN_SKY)
        return
    picture.stand_on(_picture(str(drawn_svg(drawn))), ground, high, _centring(picture.width, high))
    fade = high * FADE
    veil(picture, 0, high - fade, picture.width, fade + 1, ((0, 0), (0.5, 0.55), (1, 1)))


def veil(
    picture: Picture, x: float, y: float, wide: float, high: float, stops: Stops,
    *, across: bool = False, colour: str = "",
) -> None:  # fmt: skip
    """Lay the ground's colour over a part of a picture [px], as behind words.

    stops: place [1], from above or, `across`, from the left, and opacity [1].
    """
    fill = colour or colours()["ground"]
    id = f"veil-{picture.count}"
    made = "".join(
        f'<stop offset="{at:g}" stop-color="{fill}" stop-opacity="{opacity:g}"/>'
        for at, opacity in stops
    )
    axis = "" if across else ' x2="0" y2="1"'
    picture.add(
        f'<linearGradient id="{id}"{axis}>{made}</linearGradient><rect x="{number(x)}" '
        f'y="{number(y)}" width="{number(wide)}" height="{number(high)}" fill="url(#{id})"/>'
    )


def _centring(wide: float, high: float) -> float:
    """Return where a scene is cut at its sides [1], so that what it is about stays in it."""
    shown = min(DRAWN[0], DRAWN[1] * wide / high)
    if shown >= DRAWN[0]:
        return 0.5
    return min(max((FOCUS - FOCUS_AT * shown) / (DRAWN[0] - shown), 0.0), 1.0)


@lru_cache(maxsize=64)
def _picture(svg: str) -> bytes:
    """Return a scene as PNG; all pictures of an event share it."""
    size = f'width="{DRAWN[0]}" height="{DRAWN[1]}"'
    return png(svg.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" {size} ', 1))
