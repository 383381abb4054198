"""The ground of a picture: the scene of the event, so faint that text stands on it.

A scene is drawn once, small, and enlarged for pictures of any size: blurred edges cost the square
of the size, and it is soft anyway.
"""

from __future__ import annotations

from functools import lru_cache

from products.bulletin import Entry
from products.charts.svg import number
from products.drawing.palette import colours
from products.drawing.picture import Picture
from products.drawing.png import png
from products.scenes import scene as drawn_svg
from products.scenes import scene_of

DRAWN = (600, 274)  # [px] in which it is drawn
FADES, FADE = 24, 0.34  # bands in which the scene ends in the ground, over this part of its height


def stand_on_scene(picture: Picture, entry: Entry | None, high: float) -> None:
    """Put the scene of an entry behind the upper `high` [px] of a picture; below is the ground.

    Without an entry, or one that is not known, the ground alone. Raises: PublishError where it
    cannot be drawn.
    """
    drawn = scene_of(entry) if entry is not None else None
    if drawn is None:
        picture.rect(0, 0, picture.width, picture.height, colours()["ground"])
        return
    picture.stand_on(_picture(str(drawn_svg(drawn))), colours()["ground"], high)
    top, step = high * (1 - FADE), high * FADE / FADES
    for band in range(FADES):
        bounds = f"M0 {number(top + band * step)}H{number(picture.width)}V"
        picture.add(
            f'<path fill="{colours()["ground"]}" fill-opacity="{(band + 1) / FADES:.2f}" '
            f'd="{bounds}{number(top + (band + 1) * step)}H0z"/>'
        )


@lru_cache(maxsize=64)
def _picture(svg: str) -> bytes:
    """Return a scene as PNG; all pictures of an event share it."""
    size = f'width="{DRAWN[0]}" height="{DRAWN[1]}"'
    return png(svg.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" {size} ', 1))
