"""A scene from the numbers of an event."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from markupsafe import Markup, escape

from forecast.domain import Site
from forecast.science import ephemeris
from products.charts.svg import ChartWords
from products.confidence import as_usual
from products.scenes import cloud, land, sky
from products.scenes.view import HEIGHT, WIDTH, Colour, View, mixed, rgb, text_of
from products.sections import WORTH_GOING, Entry

GLOW = ("sunset_glow", "sunrise_glow")
COLD = ("snowfall", "snow_cover", "rime", "snowmaking")
LEVEL, LEVEL_OF_SEA = 318.0, 190.0  # [px] of altitude 0, and where one looks down
# Behind text: the dark ground of pages and pictures, and the brightest that may lie on it, by which
# the accent (#f3cd85) has a contrast of 4.9 even on grey. Stars, flakes, sun and moon are small.
GROUND, BACKDROP = rgb("#0a0f1d"), 88.0
COLOUR = re.compile(r'(?:fill|stop-color)="(#[0-9a-f]{6})"')
SMALL = re.compile(
    r'<(?:path|circle) class="(?:stars|flakes|moon|sun|snow-depth|rime)"[^>]*/>'
    r"|<radialGradient.*?</radialGradient>"
)
WARM, DUSK_CLOUD = rgb("#ffcf9c"), rgb("#4f5478")


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
    window = forecast.best or event.window
    at = event.centre if event.centre and event.phenomenon not in GLOW else window.middle
    moment = np.datetime64(at.replace(tzinfo=None), "s")
    site = event.site
    place = (moment, site.latitude, site.longitude)
    sun, moon = ephemeris.sun_position(*place), ephemeris.moon_position(*place)
    first, last = site.view_sector
    middle = (first + ((last - first) % 360 or 360) / 2) % 360
    kind = event.phenomenon
    if kind == "sea_of_clouds":
        kind = max(forecast.states, key=lambda state: forecast.states[state], default="sea")
    return DrawnScene(
        site=site,
        kind=kind,
        at=at,
        azimuth=entry.azimuth if entry.azimuth is not None else middle,
        sun=(float(sun[0]), float(sun[1])),
        moon=(float(moon[0]), float(moon[1])),
        lit=float(ephemeris.moon_illumination(moment)),
        phase=float(ephemeris.moon_phase_angle(moment)),
        plain=forecast.grade < WORTH_GOING or as_usual(forecast),
        values={**entry.values, **forecast.quantities},
    )


def scene(
    drawn: DrawnScene,
    words: ChartWords | None = None,
    prefix: str = "scene",
    behind_text: bool = False,
) -> Markup:
    """Return the SVG of a scene. words: for its text alternative; None where words stand beside.

    prefix: of the ids, its own for each scene of a page. behind_text: it is made so faint that text
    in the accent's colour keeps a contrast of 4.5 on it, over the dark ground.
    """
    looking_down = drawn.kind in ("sea", "in_cloud", "open")
    view = View(drawn.azimuth, LEVEL_OF_SEA if looking_down else LEVEL, prefix)
    body = _body(drawn, view)
    label = 'aria-hidden="true"'
    if words is not None:
        label = f'role="img" aria-label="{escape(description(drawn, words))}"'
    faint = f' opacity="{strength_behind_text(body):.2f}"' if behind_text else ""
    return Markup(  # noqa: S704 - numbers, colours and an escaped label
        f'<svg class="scene" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'preserveAspectRatio="xMidYMid slice"{faint} {label}>{body}</svg>'
    )


def strength_behind_text(body: str) -> float:
    """Return the opacity of a scene at which its brightest area is no brighter than BACKDROP."""
    areas = SMALL.sub("", body)
    brightest = max(max(rgb(colour)) for colour in COLOUR.findall(areas))
    return min(1.0, (BACKDROP - max(GROUND)) / max(brightest - max(GROUND), 1.0))


def _body(drawn: DrawnScene, view: View) -> str:
    """Return the parts of a scene from far to near."""
    light = float(np.interp(drawn.sun[0], [-12, -4, 2, 8], [0.0, 0.25, 0.7, 1.0]))
    moonlight = drawn.lit * max(math.sin(math.radians(max(drawn.moon[0], 0.0))), 0.0) ** 0.5
    brightness = drawn.value("zenith_sky_brightness", drawn.site.night_sky_brightness)
    veil = _veil(drawn)
    made, ground, low = sky.background(view, drawn.sun, veil, moonlight, brightness)
    clear = 1 - veil
    parts = [f"<defs>{made}</defs>", ground, *_lights(drawn, view, clear, brightness)]
    parts += _clouds(drawn, view, light, low)
    haze = mixed(low, rgb("#9fb0c4"), 0.15 * light)
    lying = max(drawn.value("snow_depth"), drawn.value("new_snow"))
    if drawn.kind == "sea":
        parts += [land.ridges(view, drawn.site, haze, light, lying), _sea(drawn, view, light, low)]
        parts.append(land.foreground(view, drawn.site, light, lying, 0.0))
    else:
        parts.append(land.ridges(view, drawn.site, haze, light, lying))
        if drawn.kind in ("snow_cover", "snowfall"):
            parts.append(land.village(view, drawn.site, light, lying))
        rime = drawn.value("rime_hours") if drawn.kind == "rime" and not drawn.plain else 0.0
        parts.append(land.foreground(view, drawn.site, light, lying, rime))
    if drawn.kind == "in_cloud":
        parts.append(cloud.fog(view, mixed(sky.GREY_NIGHT, sky.GREY_DAY, light)))
    if drawn.kind == "snowfall" and not drawn.plain:
        parts.append(cloud.flakes(drawn.site.id, drawn.value("new_snow"), light))
    return "".join(parts)


def _veil(drawn: DrawnScene) -> float:
    """Return how much cloud greys the whole sky [1]."""
    if drawn.kind in ("overcast", "snowfall"):
        return 0.9
    if drawn.kind == "starry_sky":
        return min(max(drawn.value("cloud_for_stars", drawn.value("sky_cover")), 0.0), 1.0)
    if drawn.kind in GLOW:
        return 0.5 * min(max(drawn.value("low_cloud"), 0.0), 1.0)
    covers = [drawn.value(name) for name in ("low_cloud", "medium_cloud", "high_cloud")]
    return 0.6 * min(max(*covers, 0.0), 1.0)


def _lights(drawn: DrawnScene, view: View, clear: float, brightness: float) -> list[str]:
    """Return stars, Milky Way, moon and sun."""
    parts = []
    moment = np.datetime64(drawn.at.replace(tzinfo=None), "s")
    place = (moment, drawn.site.latitude, drawn.site.longitude)
    if drawn.sun[0] < -8 and drawn.kind not in ("overcast", "snowfall", "in_cloud"):
        limit = drawn.value("limiting_magnitude", 4.0) + 2.5 * math.log10(max(clear, 0.02))
        if drawn.kind == "starry_sky" and not drawn.plain:
            parts.append(sky.milky_way(view, *place, brightness))
        parts.append(sky.stars(view, *place, min(limit, 6.5)))
        parts.append(sky.moon_disk(view, drawn.moon, drawn.lit, drawn.phase))
    elif drawn.kind not in ("overcast", "snowfall", "in_cloud"):
        strength = drawn.value("disk_transmission", 1.0 if drawn.kind not in GLOW else 0.8)
        parts.append(sky.sun_disk(view, drawn.sun, clear * strength))
    return parts


def _clouds(drawn: DrawnScene, view: View, light: float, low: Colour) -> list[str]:
    """Return the clouds above the viewer."""
    grey = mixed(sky.GREY_NIGHT, rgb("#8d97a6"), light)
    if drawn.kind in ("overcast", "snowfall"):
        return [cloud.ceiling(view, mixed(sky.GREY_NIGHT, sky.GREY_DAY, 0.2 + 0.7 * light))]
    if drawn.kind in GLOW:
        lit, share = _glow_colour(drawn), 0.0 if drawn.plain else drawn.value("canvas_light")
        cover = drawn.value("canvas_cover")
        shade = mixed(grey, DUSK_CLOUD, 0.75)
        return [
            cloud.wash(view, lit, share * min(1.5 * cover, 1.0)) if lit and share else "",
            cloud.streaks(view, drawn.site.id, cover, mixed(low, shade, 0.6), lit, share),
            cloud.heaps(view, drawn.site.id, drawn.value("low_cloud"), mixed(low, shade, 0.85)),
        ]
    if drawn.kind == "starry_sky":
        cover = drawn.value("cloud_for_stars", drawn.value("sky_cover"))
        return [cloud.heaps(view, drawn.site.id, cover, mixed(low, rgb("#3a4560"), 0.6))]
    high = max(drawn.value("high_cloud"), drawn.value("medium_cloud"))
    return [cloud.streaks(view, drawn.site.id, high, mixed(low, grey, 0.5), None, 0.0)]


def _glow_colour(drawn: DrawnScene) -> Colour | None:
    """Return the colour of the lit cloud at the best minute; None where it is not known."""
    bands = [drawn.values.get(f"glow_{band}", math.nan) for band in ("red", "green", "blue")]
    if not all(math.isfinite(band) for band in bands):
        return None
    red, green, blue = (255 * band for band in bands)
    return (red, green, blue)


def _sea(drawn: DrawnScene, view: View, light: float, low: Colour) -> str:
    top = mixed(rgb("#2b3856"), rgb("#f7f9fc"), 0.25 + 0.7 * light)
    warm = float(np.interp(drawn.sun[0], [-3, 0, 4, 12], [0.0, 0.55, 0.3, 0.0]))
    shade = mixed(mixed(rgb("#161f38"), rgb("#b7c6da"), light), low, 0.2)
    gap = drawn.value("gap_to_deck", 200.0)
    return cloud.sea(
        view,
        drawn.site.id,
        gap,
        drawn.value("valley_area_filled", 1.0),
        mixed(top, WARM, warm),
        shade,
    )


def description(drawn: DrawnScene, words: ChartWords) -> str:
    """Return the text alternative: what is drawn, and of which numbers."""
    kind = (
        f"{drawn.kind}_plain" if drawn.plain and drawn.kind in (*GLOW, "starry_sky") else drawn.kind
    )
    return words(
        f"scene.{kind}",
        gap=round(drawn.value("gap_to_deck"), -1),
        magnitude=f"{drawn.value('limiting_magnitude'):.1f}",
        snow=round(100 * drawn.value("new_snow")),
        depth=round(100 * drawn.value("snow_depth")),
        hours=round(drawn.value("rime_hours")),
        sun=f"{drawn.sun[0]:.0f}",
        colour=text_of(_glow_colour(drawn) or (128, 128, 128)),
    )
