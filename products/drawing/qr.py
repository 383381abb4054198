"""The QR code of an address, as path data."""

from __future__ import annotations

import segno

BORDER = 4  # [module] of quiet ground around the code, by its standard


def qr_path(address: str, x: float, y: float, size: float) -> str:
    """Return the dark modules of the code of an address as path data.

    x, y, size: the square [px] in which it stands, with its quiet border.
    """
    rows = list(segno.make(address, error="m", micro=False).matrix_iter(border=BORDER))
    unit = size / len(rows)
    return "".join(
        f"M{x + column * unit:.2f} {y + row * unit:.2f}h{unit:.2f}v{unit:.2f}h-{unit:.2f}z"
        for row, modules in enumerate(rows)
        for column, dark in enumerate(modules)
        if dark
    )
