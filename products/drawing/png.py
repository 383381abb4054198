"""Draw an SVG as a PNG, without a browser, with the program's own fonts only."""

from __future__ import annotations

import resvg_py

from forecast.errors import PublishError
from products.drawing.fonts import BOLD, FAMILY, REGULAR


def png(svg: str) -> bytes:
    """Return an SVG as PNG, in its own size; the same SVG gives the same bytes.

    Text must name the family fonts.FAMILY. Raises: PublishError where it cannot be drawn.
    """
    try:
        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=svg,
                skip_system_fonts=True,
                font_files=[str(REGULAR), str(BOLD)],
                font_family=FAMILY,
            )
        )
    except ValueError as error:
        raise PublishError(f"a picture cannot be drawn: {error}") from error
