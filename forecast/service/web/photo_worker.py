"""The process that decodes photos: hostile until they are drawn again. Run by `forecast.worker`.

A request is one photo. The answer is the same picture as a JPEG of at most EDGE pixels a side,
upright, with nothing but its pixels: no EXIF, no comment, no profile, nothing behind its end. A
photo that cannot be read is answered by a word of photos.REASONS.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.worker import Channel

MEMORY = 900_000_000  # [byte] of address space
SECONDS = 10  # [s] that one photo may take; one of 12 megapixels takes 0.3
GOOD, BAD = 0, 1  # as in forecast.worker
FORMATS = ("JPEG", "PNG", "WEBP")
EDGE = 1600  # [pixel]
QUALITY = 82
# [pixel] A JPEG is decoded at a smaller scale, the others whole.
MOST = {"JPEG": 210_000_000, "MPO": 210_000_000, "PNG": 40_000_000, "WEBP": 40_000_000}
NARROWEST = 16  # [pixel] a side


def main(channel: Channel) -> None:
    """Answer requests until the input ends."""
    from PIL import Image, ImageOps

    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = max(MOST.values())
    channel.ready()
    for photos in channel.requests():
        for photo in photos:
            try:
                with channel.within(SECONDS):
                    content = drawn_again(Image, ImageOps, photo)
            except (_TooManyPixels, Image.DecompressionBombError):
                channel.answer(BAD, b"pixels")
            except Exception:  # decoders of foreign bytes raise whatever they like
                channel.answer(BAD, b"picture")
            else:
                channel.answer(GOOD, content)


class _TooManyPixels(Exception):
    """The picture is larger than photos are."""


def drawn_again(pillow: Any, operations: Any, photo: bytes) -> bytes:
    """Return a photo as a JPEG that holds its pixels only."""
    with pillow.open(io.BytesIO(photo), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST[image.format]:
            raise _TooManyPixels
        if min(width, height) < NARROWEST:
            raise ValueError("no photo is so narrow")
        image.thumbnail((EDGE, EDGE))
        upright = operations.exif_transpose(image).convert("RGBA")
    clean = pillow.new("RGB", upright.size, "white")
    clean.paste(upright, mask=upright.getchannel("A"))
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY, progressive=True)
    return out.getvalue()
