"""The ground of a picture: the colours of the sky at the sun's height. The drawn scenes come here.

    scene(entry, wide, high) -> SVG fragment

Text stands on it: each colour has a contrast of 4.5 or more with the ink of the night.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecast.science.ephemeris import sun_position
from products.bulletin import Entry
from products.charts.svg import number
from products.drawing.palette import colours

# (sun's altitude [degree], colours of the sky from the top down): our own choice, after the stages
# of twilight; between two altitudes they are mixed.
# The sky is drawn in bands, each of one colour: a gradient takes three times as long.
BANDS, STOPS = 160, (0, 0.45, 0.8, 1)
SKIES: tuple[tuple[float, tuple[str, str, str]], ...] = (
    (-18, ("#050916", "#0a1024", "#172140")),
    (-12, ("#070d20", "#111b3a", "#2a3260")),
    (-6, ("#0c1532", "#28305f", "#5b3f70")),
    (0, ("#14244c", "#4a3b6c", "#8a4459")),
    (6, ("#183660", "#33507d", "#684f5c")),
    (20, ("#163f6b", "#24567f", "#2f5a76")),
)


def scene(entry: Entry | None, wide: float, high: float) -> str:
    """Return the sky over an entry as an SVG fragment of this size [px]; without one a dark night.

    It fades into the ground at its lower edge.
    """
    sky = sky_colours(sun_height(entry)) if entry is not None else SKIES[0][1]
    levels = [_channels(colour) for colour in (*sky, colours()["ground"])]
    parts = (np.arange(BANDS) + 0.5) / BANDS
    mixed = np.column_stack([np.interp(parts, STOPS, each) for each in zip(*levels, strict=True)])
    bands = []
    for band, channels in enumerate(mixed.tolist()):
        top, bottom = (number(high * at / BANDS) for at in (band, band + 1))
        bands.append(f'<path fill="{_hex(channels)}" d="M0 {top}H{number(wide)}V{bottom}H0z"/>')
    return f'<g shape-rendering="crispEdges">{"".join(bands)}</g>'


def sun_height(entry: Entry) -> float:
    """Return the sun's altitude [degree] in the middle of the best window of an entry."""
    forecast, site = entry.forecast, entry.forecast.event.site
    middle = (forecast.best or forecast.event.window).middle
    moment = np.datetime64(middle.replace(tzinfo=None), "ns")
    return float(sun_position(moment, site.latitude, site.longitude)[0])


def sky_colours(altitude: float) -> tuple[str, ...]:
    """Return the colours of the sky, from the top down, at an altitude of the sun [degree]."""
    heights = [height for height, _ in SKIES]
    skies = np.array([[_channels(colour) for colour in sky] for _, sky in SKIES])
    return tuple(
        _hex([float(np.interp(altitude, heights, skies[:, place, each])) for each in range(3)])
        for place in range(skies.shape[1])
    )


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _hex(channels: Sequence[float]) -> str:
    return "#" + "".join(f"{round(value):02x}" for value in channels)
