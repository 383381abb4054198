"""The sky of a scene: its colours by the sun's altitude, sun, moon, stars and the Milky Way.

The colours are those of a clear sky, chosen by eye from twilight photographs; cloud and the light
of cities and moon are laid over them.
"""

from __future__ import annotations

import math

import numpy as np

from forecast.science import ephemeris
from products.charts.svg import number
from products.scenes.view import HEIGHT, WIDTH, Colour, View, blur, gradient, mixed, rgb, text_of

# sun's altitude [degree] -> zenith, middle, horizon towards the sun, horizon away from it
CLEAR = {
    -18.0: ("#03061a", "#0a1533", "#14264a", "#14264a"),
    -12.0: ("#050b27", "#14224f", "#3a4a70", "#22335f"),
    -7.0: ("#0f1d4f", "#37477f", "#c07a58", "#4a5688"),
    -3.0: ("#1f2e6b", "#7d5f92", "#ff9a5c", "#8a7fa5"),
    0.0: ("#355296", "#b98d94", "#ffc27a", "#b59fb4"),
    4.0: ("#4a7bbd", "#a9bccf", "#ffdfae", "#c4cbdc"),
    10.0: ("#4783cb", "#96c0e6", "#e4edf2", "#cfe1ef"),
    35.0: ("#3b7acb", "#82b5e8", "#d3e6f4", "#d3e6f4"),
}
GREY_DAY, GREY_NIGHT = rgb("#9aa5b1"), rgb("#141b2b")
MOONLIT, CITY = rgb("#31446f"), rgb("#6b5a4a")
DARKEST, BRIGHTEST = 21.9, 17.0  # [mag arcsec-2] a natural sky, one of a city's edge
STARS_TO_6 = 4800  # stars to magnitude 6 in the whole sky. Source: Yale Bright Star Catalogue
PER_MAGNITUDE = 0.49  # log10 of how many more there are to the next magnitude; the same
SIZES = ((1.0, 3.4), (2.5, 2.5), (4.0, 1.8), (9.0, 1.2))  # to a magnitude: diameter [px]
MILKY_WAY_FROM = 20.4  # [mag arcsec-2] as the almanac's


def clear_colours(sun: float, towards: float) -> tuple[Colour, Colour, Colour]:
    """Return zenith, middle and horizon of a clear sky.

    sun: its altitude [degree]. towards: 1 where the view is to the sun, 0 away from it.
    """
    table = np.array([[rgb(colour) for colour in row] for row in CLEAR.values()])
    found = [
        [float(np.interp(sun, list(CLEAR), table[:, place, band])) for band in range(3)]
        for place in range(4)
    ]
    zenith, middle, near, far = (mixed(colour, colour, 0.0) for colour in found)
    return zenith, middle, mixed(far, near, towards)


def background(
    view: View, sun: tuple[float, float], cover: float, moonlight: float, brightness: float
) -> tuple[str, str, Colour]:
    """Return the definitions, the drawing and the horizon's colour of the sky.

    sun: altitude and azimuth [degree]. cover: of cloud that greys the whole sky [1]. moonlight [1].
    brightness: of the zenith at night [mag arcsec-2].
    """
    altitude, azimuth = sun
    towards = max(0.0, math.cos(math.radians(azimuth - view.azimuth)))
    zenith, middle, low = clear_colours(altitude, towards)
    night = min(max((-altitude - 6) / 12, 0.0), 1.0)
    grey = mixed(GREY_DAY, GREY_NIGHT, min(max((4 - altitude) / 14, 0.0), 1.0))
    city = night * min(max((DARKEST - brightness) / (DARKEST - BRIGHTEST), 0.0), 1.0)
    low = mixed(low, CITY, 0.7 * city)
    middle = mixed(middle, CITY, 0.25 * city)
    zenith, middle, low = (
        mixed(mixed(colour, MOONLIT, 0.3 * night * moonlight), grey, 0.85 * cover)
        for colour in (zenith, middle, low)
    )
    level = view.level / HEIGHT
    id = f"{view.prefix}-sky"
    made = gradient(id, ((0.0, zenith), (0.62 * level, middle), (level, low)))
    return made, f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="url(#{id})"/>', low


def sun_disk(view: View, sun: tuple[float, float], strength: float) -> str:
    """Return the sun with its light, or only the light where it is below the horizon.

    strength: part [1] of its light that arrives.
    """
    altitude, azimuth = sun
    if not view.holds(azimuth, max(altitude, 0.0)) or altitude < -4:
        return ""
    x, y = number(view.x(azimuth)), number(view.y(altitude))
    glow = (
        f'<radialGradient id="{view.prefix}-glow"><stop stop-color="#fff3cf" stop-opacity='
        f'"{0.85 * strength:.2f}"/><stop offset="1" stop-color="#ffb066" stop-opacity="0"/>'
        f'</radialGradient><circle class="glow" cx="{x}" cy="{y}" r="150" '
        f'fill="url(#{view.prefix}-glow)"/>'
    )
    if altitude < -0.83:
        return glow
    disk = mixed(rgb("#ff8f4f"), rgb("#fff6dc"), min(altitude / 8, 1.0))
    return (
        f'{glow}<circle class="sun" cx="{x}" cy="{y}" r="13" fill="{text_of(disk)}" '
        f'opacity="{0.25 + 0.75 * strength:.2f}"/>'
    )


def moon_disk(view: View, moon: tuple[float, float], lit: float, phase: float) -> str:
    """Return the moon with its lit part, where it stands in the frame.

    lit [1]; phase: its longitude less the sun's [degree]: waxing below 180, lit at the right as
    seen from the north.
    """
    altitude, azimuth = moon
    if altitude < 0.5 or not view.holds(azimuth, altitude, 16):
        return ""
    x, y, r = view.x(azimuth), view.y(altitude), 12.0
    side = 1 if phase < 180 else 0  # which half is lit
    bulge = r * abs(1 - 2 * lit)
    sweep = side if lit > 0.5 else 1 - side
    path = (
        f"M{number(x)} {number(y - r)}A{r:g} {r:g} 0 0 {side} {number(x)} {number(y + r)}"
        f"A{number(bulge)} {r:g} 0 0 {sweep} {number(x)} {number(y - r)}z"
    )
    return (
        f'<circle cx="{number(x)}" cy="{number(y)}" r="{r:g}" fill="#8593b8" opacity=".28"/>'
        f'<path class="moon" d="{path}" fill="#f4efdd"/>'
    )


def star_count(magnitude: float) -> int:
    """Return how many stars of the whole sky an eye sees to a magnitude."""
    return round(STARS_TO_6 * 10 ** (PER_MAGNITUDE * (magnitude - 6.0)))


def stars(view: View, at: np.datetime64, latitude: float, longitude: float, limit: float) -> str:
    """Return the stars of the frame to the magnitude `limit`.

    The bright ones stand where they are; of the faint ones the number is true and the places are
    drawn, turning with the sky.
    """
    ascension, declination, magnitude = ephemeris.bright_stars()
    count = max(0, star_count(min(limit, 6.5)) - int((magnitude <= limit).sum()))
    draw = np.random.default_rng(2_000_012)
    faint = draw.random((star_count(6.5), 2))[:count]
    order = np.arange(1, count + 1) + len(magnitude)
    magnitudes = np.concatenate(
        [magnitude, 6.0 + np.log10(np.maximum(order, 1) / STARS_TO_6) / PER_MAGNITUDE]
    )
    altitude, azimuth = ephemeris.star_position(
        np.concatenate([ascension, 360 * faint[:, 0]]),
        np.concatenate([declination, np.degrees(np.arcsin(2 * faint[:, 1] - 1))]),
        at,
        latitude,
        longitude,
    )
    x, y = view.x(azimuth), view.y(altitude)
    seen = (magnitudes <= limit) & (altitude > 0.5) & (x > 0) & (x < WIDTH) & (y > 0)
    found, brighter = [], -9.0
    for to, size in SIZES:
        of_size = seen & (magnitudes > brighter) & (magnitudes <= to)
        brighter = to
        points = "".join(
            f"M{number(a)} {number(b)}h0" for a, b in zip(x[of_size], y[of_size], strict=True)
        )
        if points:
            found.append(
                f'<path class="stars" d="{points}" stroke="#f4f6ff" stroke-width="{size}" '
                f'stroke-linecap="round" opacity="{min(1.0, 0.45 + size / 4):.2f}"/>'
            )
    return "".join(found)


def milky_way(
    view: View, at: np.datetime64, latitude: float, longitude: float, brightness: float
) -> str:
    """Return the band of the Milky Way where the sky is dark enough; "" where it is not."""
    strength = min(max((brightness - MILKY_WAY_FROM) / 1.3, 0.0), 1.0)
    ascension, declination, width = ephemeris.galactic_plane()
    altitude, azimuth = ephemeris.star_position(ascension, declination, at, latitude, longitude)
    x, y = view.x(azimuth), view.y(altitude)
    pieces = []
    for k in range(len(x) - 1):
        near = (x[k : k + 2] > -200) & (x[k : k + 2] < WIDTH + 200)
        if near.all() and altitude[k : k + 2].min() > -12 and abs(x[k + 1] - x[k]) < 200:
            pieces.append(
                (k, f"M{number(x[k])} {number(y[k])}L{number(x[k + 1])} {number(y[k + 1])}")
            )
    if not pieces or strength == 0:
        return ""
    wide = "".join(piece for _, piece in pieces)
    core = "".join(piece for k, piece in pieces if width[k] > 1)
    id = f"{view.prefix}-band"
    bright = (
        f'<path d="{core}" stroke="#ffe9d2" stroke-width="20" opacity="{0.34 * strength:.2f}"/>'
        if core
        else ""
    )
    return (
        f'{blur(id, 13, 13)}<g class="milky-way" filter="url(#{id})" fill="none" '
        f'stroke-linecap="round"><path d="{wide}" stroke="#b9b8e6" stroke-width="54" '
        f'opacity="{0.26 * strength:.2f}"/>'
        f"{bright}</g>"
    )
