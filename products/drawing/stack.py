"""Blocks one below the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from products.drawing.picture import Picture

ZOOM_STEP, MOST_ZOOM = 0.03, 2.0


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a picture: its height [px], and what draws it from an upper edge [px] on.

    before: [px] at least above it. fixed: no more than that above it.
    """

    height: float
    draw: Callable[[float], None]
    before: float = 24
    fixed: bool = False


def height_of(blocks: Sequence[Block]) -> float:
    """Return the height [px] that blocks need, without the space above the first."""
    return sum(block.height + block.before for block in blocks) - blocks[0].before


def stack(blocks: Sequence[Block], top: float, bottom: float) -> None:
    """Draw blocks from `top` to `bottom` [px]; the space left over is shared among them."""
    loose = sum(not block.fixed for block in blocks[1:])
    spare = max(bottom - top - height_of(blocks), 0) / max(loose, 1)
    at = top - blocks[0].before
    for number, block in enumerate(blocks):
        at += block.before + (spare if number and not block.fixed else 0)
        block.draw(at)
        at += block.height


def stacked(
    make: Callable[[float], tuple[Picture, list[Block]]], top: float, bottom: float
) -> Picture:
    """Return a picture with its blocks from `top` to `bottom` [px] above its lower edge.

    make: returns an empty picture of a zoom and its blocks. Where they do not fit, all is made
    smaller until they do.
    """
    zoom = 1.0
    while True:
        picture, blocks = make(zoom)
        if height_of(blocks) <= picture.height - top - bottom or zoom > MOST_ZOOM:
            stack(blocks, top, picture.height - bottom)
            return picture
        zoom += ZOOM_STEP
