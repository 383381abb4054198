"""The sky of a scene: its colours by the sun's altitude, sun, moon, stars and the Milky Way.

The colours are those of a clear sky, chosen by eye from twilight photographs; cloud and the light
of cities and moon are laid over them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from forecast.science import ephemeris
from products.charts.svg import number
from products.scenes.view import (
    HEIGHT,
    WIDTH,
    Colour,
    View,
    blur,
    gradient,
    halo,
    mixed,
    rgb,
    text_of,
)

# sun's altitude [degree] -> zenith, middle, horizon towards the sun, horizon away from it
CLEAR = {
    -18.0: ("#03061a", "#0a1738", "#152c54", "#14264a"),
    -12.0: ("#060d2e", "#16285c", "#405488", "#263a6e"),
    -7.0: ("#14246a", "#454a93", "#d98a5e", "#565f9c"),
    -3.0: ("#26398a", "#8d64a6", "#ffa05c", "#9080b4"),
    0.0: ("#34529f", "#b987a8", "#ffb870", "#b59fc0"),
    4.0: ("#3f6fb8", "#a9b6d6", "#ffd79c", "#c8c6dc"),
    10.0: ("#3f80cc", "#8fbde8", "#f0ead8", "#cfe1ef"),
    35.0: ("#3b7acb", "#82b5e8", "#d3e6f4", "#d3e6f4"),
}
GREY_DAY, GREY_NIGHT = rgb("#9aa5b1"), rgb("#141b2b")
MOONLIT, CITY = rgb("#31446f"), rgb("#6b5a4a")
LAST_LIGHT, SET = -5.0, -0.83  # [degree] of the sun: glow below the horizon; its upper limb
DARKEST, BRIGHTEST = 21.9, 17.0  # [mag arcsec-2] a natural sky, one of a city's edge
STARS_TO_6 = 4800  # stars to magnitude 6 in the whole sky. Source: Yale Bright Star Catalogue
PER_MAGNITUDE = 0.49  # log10 of how many more there are to the next magnitude; the same
SIZES = ((1.0, 4.6), (2.5, 3.2), (4.0, 2.1), (9.0, 1.2))  # to a magnitude: diameter [px]
MILKY_WAY_FROM = 20.4  # [mag arcsec-2] as the almanac's


def by_height(table: Mapping[float, str], sun: float) -> Colour:
    """Return a colour between those that a table has by the sun's altitude [degree]."""
    colours = np.array([rgb(colour) for colour in table.values()])
    red, green, blue = (float(np.interp(sun, list(table), colours[:, band])) for band in range(3))
    return (red, green, blue)


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


def sun_disk(view: View, sun: tuple[float, float], y: float, strength: float) -> str:
    """Return the sun with its light, or only the light where it is below the horizon.

    sun: altitude and azimuth [degree]. y: of its middle [px]. strength: part [1] of its light that
    arrives.
    """
    altitude, azimuth = sun
    x = view.x(azimuth)
    if not 0 <= x <= WIDTH or y < 0 or altitude < LAST_LIGHT:
        return ""
    disk = mixed(rgb("#ffb05e"), rgb("#fffbe8"), min(altitude / 5, 1.0))
    warm = mixed(rgb("#ff8a4a"), rgb("#ffe2ae"), min(max((altitude + 3) / 9, 0.0), 1.0))
    place = f'cx="{number(x)}" cy="{number(y)}"'
    wide, near = f"{view.prefix}-light", f"{view.prefix}-glow"
    outer = halo(wide, ((0, warm, 0.75 * strength), (0.35, warm, 0.34 * strength), (1, warm, 0)))
    inner = halo(near, ((0, disk, 0.95 * strength), (0.3, disk, 0.4 * strength), (1, warm, 0)))
    light = (
        f'{outer}<ellipse {place} rx="420" ry="230" fill="url(#{wide})"/>'
        f'{inner}<circle class="glow" {place} r="105" fill="url(#{near})"/>'
    )
    if altitude < SET:
        return light
    return (
        f'{light}<circle class="sun" {place} r="19" fill="{text_of(disk)}" '
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


def stars(
    view: View,
    at: np.datetime64,
    latitude: float,
    longitude: float,
    limit: float,
    hidden: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> str:
    """Return the stars of the frame to the magnitude `limit`, but those that cloud hides.

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
    seen[seen] = ~hidden(x[seen], y[seen])
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
            pieces.append((k, f"M{x[k]:.0f} {y[k]:.0f}L{x[k + 1]:.0f} {y[k + 1]:.0f}"))
    if not pieces or strength == 0:
        return ""
    wide = "".join(piece for _, piece in pieces)
    core = "".join(piece for k, piece in pieces if width[k] > 1)
    id = f"{view.prefix}-band"

    def band(data: str, colour: str, wide: float, opacity: float) -> str:
        return (
            f'<path d="{data}" stroke="{colour}" stroke-width="{wide:g}" '
            f'opacity="{opacity * strength:.2f}"/>'
        )

    drawn = band(wide, "#8f97d8", 104, 0.26) + band(wide, "#c3c4f0", 44, 0.3)
    if core:
        drawn += band(core, "#ffe3c4", 26, 0.42)
    return (
        f'{blur(id, 15, 15)}<g class="milky-way" filter="url(#{id})" fill="none" '
        f'stroke-linecap="round" stroke-linejoin="round">{drawn}</g>'
    )
