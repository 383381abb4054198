"""A picture in the making: shapes, icons and text that fits, as one SVG.

A text stands by the upper left corner of its first line's em box, [px] from the upper left corner
of the picture, and is kept as <text>: what a picture says can be read from its SVG.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

from markupsafe import escape
from PIL import Image, ImageOps

from products.charts.svg import number
from products.drawing.fonts import ASCENT, FAMILY, width
from products.drawing.png import png
from products.drawing.qr import qr_path
from products.drawing.setting import Lines, plain, set_text
from products.pages.templating import TEMPLATES

LEADING = 1.4  # [em] from one line to the next
ICON = 24  # [px] side of an icon as it is kept


@dataclass(frozen=True, slots=True)
class Placed:
    """A line of text and where it stands [px]; size: also the height of its em box."""

    text: str
    x: float
    y: float
    width: float
    size: float


class Picture:
    """Shapes are drawn in the order in which they are added. texts: what is written, and where."""

    def __init__(self, wide: float, high: float, language: str, zoom: float = 1) -> None:
        """wide, high: [px] as drawn. language: the tag of its language, zh-CN or en. zoom: by which
        it is made smaller afterwards, to have room for more; width and height are the room.
        """
        self.width, self.height, self.language, self.zoom = wide * zoom, high * zoom, language, zoom
        self.texts: list[Placed] = []
        self._parts: list[str] = []
        self._ground: tuple[bytes, str, float, float] | None = None

    @property
    def count(self) -> int:
        """The number of fragments that were added."""
        return len(self._parts)

    def stand_on(self, scene: bytes, colour: str, high: float, centring: float = 0.5) -> None:
        """Put a picture (PNG) behind the upper `high` [px], cut to fit; below it is the colour.

        centring: where its sides are cut, from all at the right (0) to all at the left (1).
        """
        self._ground = (scene, colour, high / self.zoom, centring)

    def add(self, fragment: str) -> None:
        """Add SVG as it is."""
        self._parts.append(fragment)

    def rect(
        self, x: float, y: float, wide: float, high: float, fill: str, *, radius: float = 0,
        stroke: str = "none", dashed: bool = False,
    ) -> None:  # fmt: skip
        """Add a rectangle. radius: of its corners; stroke: colour of its line of 2 px."""
        dashes = ' stroke-dasharray="8 6"' if dashed else ""
        self.add(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(wide)}" '
            f'height="{number(high)}" rx="{number(radius)}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="2"{dashes}/>'
        )

    def icon(self, name: str, x: float, y: float, size: float, colour: str) -> None:
        """Add an icon of templates/icons in a square."""
        self.group(
            x,
            y,
            size / ICON,
            f'<g fill="none" color="{colour}" stroke="currentColor" stroke-width="1.6" '
            f'stroke-linecap="round" stroke-linejoin="round">{_icon(name)}</g>',
        )

    def group(self, x: float, y: float, scale: float, fragment: str) -> None:
        """Add SVG of another scale; not as an <svg>, which is drawn as a layer and takes long."""
        self.add(f'<g transform="translate({x:.2f} {y:.2f}) scale({scale:.4f})">{fragment}</g>')

    def qr(self, address: str, x: float, y: float, size: float) -> None:
        """Add the QR code of an address, dark on white."""
        self.rect(x, y, size, size, "#ffffff", radius=size / 20)
        self.add(f'<path fill="#000000" d="{qr_path(address, x, y, size)}"/>')

    def line(
        self, x: float, y: float, text: str, size: float, colour: str, bold: bool = False,
        *, anchor: str = "start", wide: float | None = None,
    ) -> Placed:  # fmt: skip
        """Add one line. anchor: start, middle or end, at x; wide: [px] it may take."""
        if wide is not None:
            found = set_text(text, size, wide, 1, bold)
            text, size = "".join(found.lines), found.size
        text = plain(text)
        taken = width(text, size, bold)
        left = x - {"start": 0.0, "middle": taken / 2, "end": taken}[anchor]
        placed = Placed(text, left, y, taken, size)
        if text:
            self.texts.append(placed)
            weight = ' font-weight="700"' if bold else ""
            self.add(
                f'<text x="{number(left)}" y="{number(y + ASCENT * size)}" '
                f'font-size="{number(size)}" fill="{colour}"{weight}>{escape(text)}</text>'
            )
        return placed

    def lines(
        self, x: float, y: float, found: Lines, colour: str, bold: bool = False,
        anchor: str = "start",
    ) -> None:  # fmt: skip
        """Add lines that were set before, one below the other."""
        for place, text in enumerate(found.lines):
            top = y + place * LEADING * found.size
            self.line(x, top, text, found.size, colour, bold, anchor=anchor)

    def svg(self) -> str:
        """Return the picture as SVG."""
        wide, high = (number(round(side / self.zoom)) for side in (self.width, self.height))
        size = f'width="{wide}" height="{high}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
            f'viewBox="0 0 {number(self.width)} {number(self.height)}" xml:lang="{self.language}" '
            f'xml:space="preserve" font-family="{FAMILY}">{"".join(self._parts)}</svg>'
        )

    def png(self) -> bytes:
        """Return the picture as PNG. Raises: PublishError."""
        front = png(self.svg())
        return front if self._ground is None else _before(front, *self._ground)


def _before(front: bytes, scene: bytes, colour: str, high: float, centring: float) -> bytes:
    """Return a picture before a scene that fills its upper `high` [px], over a colour."""
    with Image.open(io.BytesIO(front)) as text, Image.open(io.BytesIO(scene)) as drawn:
        whole = Image.new("RGB", text.size, colour)
        size, method = (text.width, round(high)), Image.Resampling.BICUBIC
        fitted = ImageOps.fit(drawn, size, method, centering=(centring, 0.5))
        whole.paste(fitted, (0, 0), fitted if fitted.mode == "RGBA" else None)
        whole.paste(text, (0, 0), text)
        target = io.BytesIO()
        whole.save(target, "PNG", compress_level=3)
    return target.getvalue()


def height_of(found: Lines) -> float:
    """Return the height [px] of set lines, from the first em box to the last."""
    count = len(found.lines)
    return (1 + LEADING * (count - 1)) * found.size if count else 0.0


@cache
def _icon(name: str) -> str:
    """Return the content of an icon."""
    text = (TEMPLATES / "icons" / f"{name}.svg").read_text(encoding="utf-8").strip()
    return text.partition(">")[2].removesuffix("</svg>")
