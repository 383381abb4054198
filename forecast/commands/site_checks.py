"""What looks wrong about the coordinates and heights of sites.

A site is held against its stations, the time zone, the other sites and, where there is one, a grid
of the terrain: swapped coordinates, feet for metres, coordinates of a Chinese web map (GCJ-02).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import xarray as xr

from forecast.commands.finding import CheckFinding
from forecast.config import Config
from forecast.geo import horizon_dip, local_distance
from forecast.settings import SiteSettings, StationSettings

FOOT = 0.3048  # [m]
DEGREES_PER_HOUR = 15.0  # of longitude, by which the sun moves
# [degree] of longitude from the meridian of the time zone: the widest zone, China's, reaches from
# 73.5 to 135 E with its meridian at 120 E
ZONE_REACH = 50.0
# [m] of a site above its valley, within 8 km, that few places on earth have (check)
RELIEF = 2500.0
SWAPPED = 20.0  # [degree] by which the latitude must suit the time zone better than the longitude
NEIGHBOURHOOD = 3000.0  # [m] within which a site's height must be found on a 1 km grid
# [m] that a 30 arc-second grid may cut off a summit, or fill of a gorge (check)
HEIGHT_MISS = 250.0
FEET_MATCH = 150.0  # [m] by which a height in feet may miss the terrain, or a station
GCJ_MATCH = 80.0  # [m] by which a place may miss that of a station as a web map shows it
GCJ_LEAST = 200.0  # [m] shift below which the two cannot be told apart
GCJ_GROUND = (120.0, 40.0)  # [m] misses of the ground as given, and as corrected
FAR = 150_000.0  # [m] from the nearest other site: more is rare within a district (check)


def findings(config: Config, terrain: xr.DataArray | None = None) -> list[CheckFinding]:
    """Return what looks wrong about the sites; empty where nothing does.

    terrain: elevation [m] over (latitude, longitude), both rising; NaN where it is not known.
    """
    found: list[CheckFinding] = []
    stations = {station.id: station for station in config.observations.stations}
    offset = datetime(2026, 1, 1, tzinfo=UTC).astimezone(config.zone).utcoffset()
    meridian = DEGREES_PER_HOUR * (offset.total_seconds() / 3600 if offset else 0)
    for site in config.sites:
        own = [stations[id] for id in site.stations if id in stations]
        where = f"sites.{site.id}"
        parts = [_misplaced(site, meridian), _of_web_map(site, own), _in_feet(site, own)]
        found += [CheckFinding("fault", where, text) for part in parts for text in part]
        if terrain is not None:
            found += [
                CheckFinding(grade, where, text) for grade, text in _on_terrain(site, terrain)
            ]
        if not any(each.subject == where and "in feet?" in each.detail for each in found):
            found += [CheckFinding("warning", where, text) for text in _too_high(site)]
    return [*found, *_alone(config.sites)]


def _misplaced(site: SiteSettings, meridian: float) -> Iterator[str]:
    """Yield that a longitude does not suit the time zone, and what was probably meant."""
    apart, swapped = _between(site.longitude, meridian), _between(site.latitude, meridian)
    given = f"{site.latitude:g} N, {site.longitude:g} E does not suit the time zone"
    if swapped + SWAPPED < apart and swapped <= ZONE_REACH and abs(site.longitude) <= 90:
        yield (
            f"{given}, {site.longitude:g} N, {site.latitude:g} E does: are latitude and longitude "
            "swapped?"
        )
    elif apart > ZONE_REACH:
        slips = (
            (-site.longitude, "is its sign wrong?"),
            (site.longitude + 100, "is its first digit missing?"),
            (site.longitude * 10, "is its point misplaced?"),
            (site.longitude / 10, "is its point misplaced?"),
        )
        near = [
            f"longitude {meant:g} does: {slip}"
            for meant, slip in slips
            if -180 <= meant <= 180 and _between(meant, meridian) <= DEGREES_PER_HOUR
        ]
        hours = f"the sun is highest {apart / DEGREES_PER_HOUR:.0f} h from noon there"
        yield f"{given} ({hours}); {near[0] if near else 'is the longitude or the zone wrong?'}"


def _between(one: float, other: float) -> float:
    """Return the angle [degree] between two longitudes."""
    return abs((one - other + 180) % 360 - 180)


def _too_high(site: SiteSettings) -> Iterator[str]:
    """Yield that a height looks given in feet, beside the ground round the site."""
    height, heights = site.elevation_m, site.valley_heights_m
    feet = f"{height:g} feet are {height * FOOT:.0f} m"
    if heights and _feet(height, max(heights)):
        yield (
            f"elevation_m {height:g}, and the highest ground below it (valley_heights_m) lies at "
            f"{max(heights):g} m: is it in feet? {feet}"
        )
    elif height - site.valley_elevation_m > RELIEF:
        yield (
            f"elevation_m {height:g} lies {height - site.valley_elevation_m:.0f} m above its "
            f"valley, which is rare on earth: is it in feet? {feet}"
        )


def surveys(config: Config) -> list[CheckFinding]:
    """Return what of the sites was not surveyed, and what is used instead."""
    return [
        CheckFinding("note", f"sites.{site.id}", text)
        for site in config.sites
        for text in _not_surveyed(site)
    ]


def _not_surveyed(site: SiteSettings) -> Iterator[str]:
    """Yield what of a site was not surveyed, and what is used instead."""
    if not site.horizon_degrees:
        yield (
            "horizon_degrees was not surveyed: sunrise and sunset are those over the sea horizon, "
            f"{horizon_dip(site.elevation_m):.1f} degrees below the horizontal; `skyscape survey`"
        )
    if site.view_sector is None:
        yield "view_sector was not surveyed: pages do not say where the view is open"


def same_names(config: Config) -> list[CheckFinding]:
    """Return stations and models that have a name in common: readers cannot tell them apart."""
    found: list[CheckFinding] = []
    models = [(config.source.model, config.source.name), *((m.id, m.name) for m in config.models)]
    stations = [(station.id, station.name) for station in config.observations.stations]
    for what, named in (("models", models), ("observations.stations", stations)):
        owners: dict[str, list[str]] = {}
        for id, name in named:
            for label in {name.zh.casefold(), name.en.casefold()} - {""}:
                owners.setdefault(label, []).append(id)
        found += [
            CheckFinding("warning", what, f"{' and '.join(ids)} have the same name")
            for ids in dict.fromkeys(tuple(ids) for ids in owners.values() if len(ids) > 1)
        ]
    return found


def _of_web_map(site: SiteSettings, stations: list[StationSettings]) -> Iterator[str]:
    """Yield that a site lies where a Chinese web map shows its station."""
    for station in stations:
        latitude, longitude = to_gcj02(station.latitude, station.longitude)
        given = (site.latitude, site.longitude)
        apart = float(local_distance(*given, station.latitude, station.longitude))
        if apart > GCJ_LEAST and float(local_distance(*given, latitude, longitude)) < GCJ_MATCH:
            yield (
                f"lies {apart:.0f} m from its station {station.id}, just where a Chinese web map "
                f"(GCJ-02) shows it; WGS-84 is about {station.latitude:.4f}, "
                f"{station.longitude:.4f}"
            )


def _in_feet(site: SiteSettings, stations: list[StationSettings]) -> Iterator[str]:
    """Yield that a height looks given in feet, beside that of a station at the site."""
    for station in stations:
        apart = float(
            local_distance(site.latitude, site.longitude, station.latitude, station.longitude)
        )
        if apart < NEIGHBOURHOOD and _feet(site.elevation_m, station.elevation_m):
            yield (
                f"elevation_m {site.elevation_m:g}, and its station {station.id} stands at "
                f"{station.elevation_m:g} m: is it in feet? "
                f"{site.elevation_m:g} feet are {site.elevation_m * FOOT:.0f} m"
            )


def _feet(height: float, ground: float) -> bool:
    """Return whether `height` suits the `ground` [m] as feet and not as metres."""
    return abs(height * FOOT - ground) < FEET_MATCH and height - ground > HEIGHT_MISS + FEET_MATCH


def _on_terrain(site: SiteSettings, terrain: xr.DataArray) -> Iterator[tuple[str, str]]:
    """Yield grade and text of what does not agree with the terrain; nothing outside the grid."""
    distance = local_distance(
        site.latitude,
        site.longitude,
        terrain["latitude"].values[:, None],
        terrain["longitude"].values[None, :],
    )
    near = np.asarray(terrain.values[distance < NEIGHBOURHOOD])
    ground = _ground(terrain, site.latitude, site.longitude)
    if near.size == 0 or not math.isfinite(ground):
        return
    low, high, height = float(np.nanmin(near)), float(np.nanmax(near)), site.elevation_m
    if low - HEIGHT_MISS <= height <= high + HEIGHT_MISS:
        latitude, longitude = from_gcj02(site.latitude, site.longitude)
        shifted = _ground(terrain, latitude, longitude)
        as_given, corrected = GCJ_GROUND
        if abs(height - ground) > as_given and abs(height - shifted) < corrected:
            yield (
                "warning",
                f"the ground at the coordinates is {ground:.0f} m, elevation_m {height:g}; taken "
                f"as those of a Chinese web map (GCJ-02) it is {shifted:.0f} m: WGS-84 would be "
                f"{latitude:.4f}, {longitude:.4f}",
            )
        return
    feet = next((each for each in (ground, high) if _feet(height, each)), None)
    hint = f"; {height:g} feet are {height * FOOT:.0f} m: is it in feet?" if feet else ""
    yield (
        "fault",
        f"elevation_m {height:g}, and the ground within {NEIGHBOURHOOD / 1000:g} km lies between "
        f"{low:.0f} and {high:.0f} m{hint}",
    )


def _ground(terrain: xr.DataArray, latitude: float, longitude: float) -> float:
    """Return the terrain's height [m] between its cells, bilinear; NaN outside."""
    return float(terrain.interp(latitude=latitude, longitude=longitude))


def _alone(sites: tuple[SiteSettings, ...]) -> Iterator[CheckFinding]:
    """Yield each site that lies far from all others, and those that share a place."""
    latitude = np.array([site.latitude for site in sites])
    longitude = np.array([site.longitude for site in sites])
    if len(sites) == 2 and (apart := _apart(*sites)) > FAR:
        yield CheckFinding(
            "warning", "sites", f"{sites[0].id} and {sites[1].id} lie {apart / 1000:.0f} km apart"
        )
    places: dict[tuple[float, float], str] = {}
    for place_in_list, site in enumerate(sites):
        distance = local_distance(site.latitude, site.longitude, latitude, longitude)
        distance[place_in_list] = np.inf
        if len(sites) > 2 and (nearest := float(distance.min())) > FAR:
            other = sites[int(distance.argmin())].id
            detail = f"lies {nearest / 1000:.0f} km from the nearest other site, {other}"
            yield CheckFinding("warning", f"sites.{site.id}", detail)
        place = (site.latitude, site.longitude)
        if place in places:
            detail = f"has the coordinates of {places[place]}"
            yield CheckFinding("warning", f"sites.{site.id}", detail)
        places.setdefault(place, site.id)


def _apart(one: SiteSettings, other: SiteSettings) -> float:
    """Return the distance [m] of two sites."""
    return float(local_distance(one.latitude, one.longitude, other.latitude, other.longitude))


def to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """Return the coordinates [degree] under which a Chinese web map shows a place of WGS-84.

    Valid in mainland China, within about 1 m.
    Source: the published form of the GCJ-02 shift on the ellipsoid of Krasovsky 1940.
    """
    semi_major, squared_eccentricity = 6_378_245.0, 0.00669342162296594323
    x, y = longitude - 105.0, latitude - 35.0

    def waves(value: float, *terms: tuple[float, float]) -> float:
        return 2 / 3 * sum(size * math.sin(value * math.pi * rate) for size, rate in terms)

    both = waves(x, (20, 6), (20, 2))
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + both
    north += waves(y, (20, 1), (40, 1 / 3)) + waves(y, (160, 1 / 12), (320, 1 / 30))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + both
    east += waves(x, (20, 1), (40, 1 / 3)) + waves(x, (150, 1 / 12), (300, 1 / 30))
    sine = math.sin(math.radians(latitude))
    curve = 1 - squared_eccentricity * sine * sine
    meridional = semi_major * (1 - squared_eccentricity) / (curve * math.sqrt(curve))
    prime = semi_major / math.sqrt(curve) * math.cos(math.radians(latitude))
    return latitude + math.degrees(north / meridional), longitude + math.degrees(east / prime)


def from_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """Return the WGS-84 coordinates [degree] of what a Chinese web map shows there, within 5 m."""
    shown = to_gcj02(latitude, longitude)
    return 2 * latitude - shown[0], 2 * longitude - shown[1]
