"""A scene from the numbers of an event."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from markupsafe import Markup, escape

from forecast.domain import Site, Window
from forecast.science import ephemeris
from products.charts.svg import ChartWords
from products.confidence import as_usual
from products.scenes import cloud, land, sky
from products.scenes.view import HEIGHT, UP, UP_LOW, WIDTH, Colour, View, mixed, rgb
from products.sections import WORTH_GOING, Entry

GLOW = ("sunset_glow", "sunrise_glow")
HUELESS = 0.15  # [1] saturation below which a colour has no hue
HUES = (
    ("red", 15.0),
    ("orange", 40.0),
    ("gold", 70.0),
    ("grey", 240.0),
    ("violet", 300.0),
    ("pink", 345.0),
)  # each up to a hue [degree]; from the last on red again
GREY: Colour = (128.0, 128.0, 128.0)
COLD = ("snowfall", "snow_cover", "rime", "snowmaking")
LEVEL, LEVEL_OF_SEA = 300.0, 186.0  # [px] of altitude 0, and where one looks down
SEA_STATES = ("sea", "in_cloud", "open")  # one looks down
NO_LIGHTS = ("overcast", "snowfall", "in_cloud")  # no sun, moon or star is seen
LOW_SUN = 4.0  # [degree] at which a landscape of the morning is drawn, where its window holds it
MINUTE = timedelta(minutes=5)  # between moments that are tried for it
DARK_ENOUGH = -8.0  # [degree] of the sun: below it stars are drawn, above it its light
LANE_TO = 12.0  # [degree] of the sun: higher, it does not colour the sea
DUSK_CLOUD = rgb("#4f5478")
# sun's altitude [degree] -> a sea of clouds, lit and in its own shade; chosen by eye
SEA_CRESTS = {-12.0: "#3a4a78", -4.0: "#9089bd", 0.0: "#f6c6a8", 4.0: "#ffead0", 12.0: "#fdfbf8"}
SEA_HOLLOWS = {-12.0: "#18223f", -4.0: "#3c4380", 0.0: "#6a62a4", 4.0: "#7a82bc", 12.0: "#93a5cc"}


@dataclass(frozen=True, slots=True)
class DrawnScene:
    """What is drawn: the site, the moment, and the numbers of the event.

    kind: the phenomenon; of a sea of clouds the likeliest state. azimuth: of the view [degree].
    sun, moon: (altitude, azimuth) [degree] at the moment. plain: the chance is poor, or nothing
    but the season is known: no landscape is shown. values: the event's known features (SI).
    """

    site: Site
    kind: str
    at: datetime
    azimuth: float
    sun: tuple[float, float]
    moon: tuple[float, float]
    lit: float
    phase: float
    plain: bool
    values: dict[str, float] = field(default_factory=dict)

    def value(self, name: str, otherwise: float = 0.0) -> float:
        """Return a feature; `otherwise` where it is not known."""
        return self.values.get(name, otherwise)


def scene_of(entry: Entry) -> DrawnScene | None:
    """Return what is to be drawn of an entry; None where its forecast is not known."""
    forecast, event = entry.forecast, entry.forecast.event
    if not forecast.known:
        return None
    site, kind = event.site, event.phenomenon
    window = forecast.best or event.window
    at = window.middle
    if kind == "sea_of_clouds":
        at = low_sun(window, site)
    elif event.centre and kind not in GLOW:
        at = event.centre
    moment = np.datetime64(at.replace(tzinfo=None), "s")
    place = (moment, site.latitude, site.longitude)
    sun, moon = ephemeris.sun_position(*place), ephemeris.moon_position(*place)
    azimuth = entry.azimuth
    if azimuth is None:
        azimuth = _within(site.view_sector, float(sun[1]), bool(sun[0] > sky.LAST_LIGHT))
    if kind == "sea_of_clouds":
        kind = max(forecast.states, key=lambda state: forecast.states[state], default="sea")
    return DrawnScene(
        site=site,
        kind=kind,
        at=at,
        azimuth=azimuth,
        sun=(float(sun[0]), float(sun[1])),
        moon=(float(moon[0]), float(moon[1])),
        lit=float(ephemeris.moon_illumination(moment)),
        phase=float(ephemeris.moon_phase_angle(moment)),
        plain=forecast.grade < WORTH_GOING or as_usual(forecast),
        values={**dict(entry.values.items()), **forecast.quantities},
    )


def low_sun(window: Window, site: Site) -> datetime:
    """Return the moment of a window at which the sun stands nearest to LOW_SUN."""
    count = int((window.end - window.start) / MINUTE) + 1
    moments = [window.start + place * MINUTE for place in range(count)]
    times = np.array([moment.replace(tzinfo=None) for moment in moments], dtype="datetime64[s]")
    altitude, _ = ephemeris.sun_position(times, site.latitude, site.longitude)
    return moments[int(np.argmin(np.abs(altitude - LOW_SUN)))]


def _within(sector: tuple[float, float], sun: float, light: bool) -> float:
    """Return the azimuth of the view: to the sun or as near to it as the sector lets; its middle
    without light.
    """
    first, last = sector
    span = (last - first) % 360 or 360.0
    past = (sun - first) % 360
    if not light:
        past = span / 2
    elif past > span:
        past = span if past - span < 360 - past else 0.0
    return (first + past) % 360


def scene(
    drawn: DrawnScene, words: ChartWords | None = None, prefix: str = "scene", parts: str = ""
) -> Markup:
    """Return the SVG of a scene. words: for its text alternative; None where words stand beside.

    prefix: of the ids, its own for each scene of a page. parts: those of `painted`, where they are
    known.
    """
    label = 'aria-hidden="true"'
    if words is not None:
        label = f'role="img" aria-label="{escape(description(drawn, words))}"'
    return Markup(  # noqa: S704 - numbers, colours and an escaped label
        f'<svg class="scene" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'preserveAspectRatio="xMidYMid slice" {label}>{parts or painted(drawn, prefix)}</svg>'
    )


def painted(drawn: DrawnScene, prefix: str) -> str:
    """Return the parts of a scene from far to near: the same in each language."""
    starry = drawn.kind == "starry_sky"
    level = LEVEL_OF_SEA if drawn.kind in SEA_STATES else LEVEL
    view = View(drawn.azimuth, level, prefix, UP if starry else UP_LOW)
    light = float(np.interp(drawn.sun[0], [-12, -4, 2, 8], [0.0, 0.25, 0.7, 1.0]))
    moonlight = drawn.lit * max(math.sin(math.radians(max(drawn.moon[0], 0.0))), 0.0) ** 0.5
    brightness = drawn.value("zenith_sky_brightness", drawn.site.night_sky_brightness)
    veil = _veil(drawn)
    made, ground, low = sky.background(view, drawn.sun, veil, moonlight, brightness)
    banks = cloud.banks(drawn.site.id, _low_cover(drawn), view.level)
    parts = [f"<defs>{made}</defs>", ground, *_lights(drawn, view, 1 - veil, brightness, banks)]
    parts += _clouds(drawn, view, light, low, banks)
    haze = mixed(low, cloud.HAZE, 0.42 * min(3 * light, 1.0) * (1 - veil))
    lying = max(drawn.value("snow_depth"), drawn.value("new_snow"))
    far_only = drawn.kind == "sea"  # the ground below the site is hidden
    parts.append(land.ridges(view, drawn.site, haze, light, lying, far_only))
    if drawn.kind == "sea":
        parts.append(_sea(drawn, view, light, low))
    if drawn.kind in ("snow_cover", "snowfall"):
        parts.append(land.village(view, drawn.site, light, lying))
    rime = drawn.value("rime_hours") if drawn.kind == "rime" and not drawn.plain else 0.0
    parts.append(land.foreground(view, drawn.site, light, lying, rime))
    if drawn.kind == "in_cloud":
        parts.append(cloud.fog(view, mixed(sky.GREY_NIGHT, sky.GREY_DAY, light)))
    if drawn.kind == "snowfall" and not drawn.plain:
        parts.append(cloud.flakes(drawn.site.id, drawn.value("new_snow"), light))
    return "".join(parts)


def _low_cover(drawn: DrawnScene) -> float:
    """Return how much of the sky banks of cloud hide [1]: for the stars all that hides them."""
    if drawn.kind == "starry_sky":
        return min(max(drawn.value("cloud_for_stars", drawn.value("sky_cover")), 0.0), 1.0)
    return min(max(drawn.value("low_cloud"), 0.0), 1.0) if drawn.kind in GLOW else 0.0


def _veil(drawn: DrawnScene) -> float:
    """Return how much cloud greys the whole sky [1]."""
    if drawn.kind in ("overcast", "snowfall"):
        return 0.9
    if drawn.kind in (*GLOW, "starry_sky"):
        return 0.35 * _low_cover(drawn)  # its banks are drawn
    high, medium = 0.25 * drawn.value("high_cloud"), 0.5 * drawn.value("medium_cloud")
    # of a sea of clouds the low cloud lies below
    low = 0.6 * drawn.value("low_cloud") if drawn.kind not in SEA_STATES else 0.0
    return min(max(low, medium, high, 0.0), 1.0)


def _lights(
    drawn: DrawnScene, view: View, clear: float, brightness: float, banks: np.ndarray
) -> list[str]:
    """Return stars, Milky Way, moon and sun; banks: of cloud that hides stars."""
    if drawn.kind in NO_LIGHTS:
        return []
    if drawn.sun[0] >= DARK_ENOUGH:
        strength = drawn.value("disk_transmission", 1.0 if drawn.kind not in GLOW else 0.8)
        y = land.above_skyline(view, drawn.site, *drawn.sun)
        return [sky.sun_disk(view, drawn.sun, y, clear * strength)]
    parts = []
    moment = np.datetime64(drawn.at.replace(tzinfo=None), "s")
    place = (moment, drawn.site.latitude, drawn.site.longitude)
    if drawn.kind == "starry_sky" and not drawn.plain:
        parts.append(sky.milky_way(view, *place, brightness))
    limit = min(drawn.value("limiting_magnitude", 4.0), 6.5)
    parts.append(sky.stars(view, *place, limit, partial(cloud.hidden, banks)))
    return [*parts, sky.moon_disk(view, drawn.moon, drawn.lit, drawn.phase)]


def _clouds(
    drawn: DrawnScene, view: View, light: float, low: Colour, banks: np.ndarray
) -> list[str]:
    """Return the clouds above the viewer."""
    grey = mixed(sky.GREY_NIGHT, rgb("#8d97a6"), light)
    if drawn.kind in ("overcast", "snowfall"):
        return [cloud.ceiling(view, mixed(sky.GREY_NIGHT, sky.GREY_DAY, 0.2 + 0.7 * light))]
    if drawn.kind in GLOW:
        lit, share = _glow_colour(drawn), 0.0 if drawn.plain else drawn.value("canvas_light")
        cover, base = drawn.value("canvas_cover"), drawn.value("canvas_height", 8000.0)
        shade = mixed(grey, DUSK_CLOUD, 0.75)
        dark, thin = mixed(low, shade, 0.85), mixed(low, shade, 0.6)
        return [
            cloud.wash(view, lit, share * min(1.5 * cover, 1.0)) if lit and share else "",
            cloud.streaks(view, drawn.site.id, cover, thin, lit, share, base),
            cloud.heaps(view, banks, dark, mixed(dark, low, 0.4)),
        ]
    if drawn.kind == "starry_sky":
        dark = mixed(low, rgb("#2b3650"), 0.55)
        return [cloud.heaps(view, banks, dark, mixed(dark, low, 0.3))]
    high = max(drawn.value("high_cloud"), drawn.value("medium_cloud"))
    colour = mixed(mixed(low, grey, 0.35), (255.0, 255.0, 255.0), 0.35 * light)
    return [cloud.streaks(view, drawn.site.id, high, colour, None, 0.0)]


def _glow_colour(drawn: DrawnScene) -> Colour | None:
    """Return the colour of the lit cloud at the best minute; None where it is not known."""
    bands = [drawn.values.get(f"glow_{band}", math.nan) for band in ("red", "green", "blue")]
    if not all(math.isfinite(band) for band in bands):
        return None
    red, green, blue = (255 * band for band in bands)
    return (red, green, blue)


def _sea(drawn: DrawnScene, view: View, light: float, low: Colour) -> str:
    """Return the sea of clouds, lit by the sun's height."""
    crest, hollow = (sky.by_height(table, drawn.sun[0]) for table in (SEA_CRESTS, SEA_HOLLOWS))
    gap = drawn.value("gap_to_deck", 200.0)
    x = view.x(drawn.sun[1])
    return cloud.sea(
        view,
        drawn.site.id,
        cloud.Sea(
            gap=gap,
            filled=drawn.value("valley_area_filled", 1.0),
            summits=summits(drawn.site, gap),
            light=crest,
            shade=mixed(hollow, low, 0.08),
            land=mixed(mixed(land.DARK, land.FOREST, 0.4 * light), land.DUSK, 0.4 * light),
            air=mixed(low, cloud.HAZE, 0.4 * light),
            sun=x if 0 <= x <= WIDTH and 0 < drawn.sun[0] < LANE_TO else None,
        ),
    )


def summits(site: Site, gap: float) -> tuple[float, float]:
    """Return which part of the ground below a site rises out of a deck `gap` [m] below it [1], and
    how far its highest rises, of the way from the deck to the site [1].
    """
    above = [height - site.elevation + gap for height in site.valley_heights]
    above = [height for height in above if height > 0]
    if not above or gap <= 0:
        return 0.0, 0.0
    return len(above) / len(site.valley_heights), min(max(above) / gap, 1.0)


def hue_of(colour: Colour) -> str:
    """Return what a reader calls a colour: red, orange, gold, pink, violet, or grey without hue."""
    hue, saturation, _ = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    if saturation < HUELESS:
        return "grey"
    return next((name for name, end in HUES if 360 * hue < end), "red")


def description(drawn: DrawnScene, words: ChartWords) -> str:
    """Return the text alternative: what is drawn, and of which numbers."""
    kind = (
        f"{drawn.kind}_plain" if drawn.plain and drawn.kind in (*GLOW, "starry_sky") else drawn.kind
    )
    return words(
        f"scene.{kind}",
        gap=f"{round(drawn.value('gap_to_deck'), -1):.0f}",
        magnitude=f"{drawn.value('limiting_magnitude'):.1f}",
        snow=round(100 * drawn.value("new_snow")),
        depth=round(100 * drawn.value("snow_depth")),
        hours=round(drawn.value("rime_hours")),
        sun=f"{drawn.sun[0]:.0f}",
        colour=words(f"scene.hue.{hue_of(_glow_colour(drawn) or GREY)}"),
    )
