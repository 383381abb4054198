"""What looks wrong about coordinates: swapped, mistyped, or of a Chinese web map (GCJ-02)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from forecast.commands.finding import CheckFinding
from forecast.commands.places import CheckedPlace, apart
from forecast.geo import local_distance

DEGREES_PER_HOUR = 15.0  # of longitude, by which the sun moves
# [degree] of longitude from the meridian of the time zone: the widest zone, China's, reaches from
# 73.5 to 135 E with its meridian at 120 E
ZONE_REACH = 50.0
SWAPPED = 20.0  # [degree] by which the latitude must suit the time zone better than the longitude
GCJ_MATCH = 80.0  # [m] by which a place may miss that of another as a web map shows it
GCJ_LEAST = 200.0  # [m] shift below which the two cannot be told apart
GCJ_MOST = 2000.0  # [m] no place is shifted so far: the shift is 100 to 1000 m in mainland China
FAR = 150_000.0  # [m] from the nearest other site: more is rare within a district (check)
STATION_FAR = 50_000.0  # [m] a station that stands for a site is nearer (check)


def misplaced(place: CheckedPlace, meridian: float) -> Iterator[str]:
    """Yield that a longitude does not suit the time zone, and what was probably meant.

    meridian: of the time zone [degree].
    """
    longitude = place.longitude
    off, swapped = _between(longitude, meridian), _between(place.latitude, meridian)
    given = f"{place.latitude:g} N, {longitude:g} E does not suit the time zone"
    if swapped + SWAPPED < off and swapped <= ZONE_REACH and abs(longitude) <= 90:
        yield (
            f"{given}, {longitude:g} N, {place.latitude:g} E does: are latitude and longitude "
            "swapped?"
        )
    elif off > ZONE_REACH:
        slips = (
            (-longitude, "is its sign wrong?"),
            (longitude + 100, "is its first digit missing?"),
            (longitude * 10, "is its point misplaced?"),
            (longitude / 10, "is its point misplaced?"),
        )
        near = [
            f"longitude {meant:g} does: {slip}"
            for meant, slip in slips
            if -180 <= meant <= 180 and _between(meant, meridian) <= DEGREES_PER_HOUR
        ]
        hours = f"the sun is highest {off / DEGREES_PER_HOUR:.0f} h from noon there"
        yield f"{given} ({hours}); {near[0] if near else 'is the longitude or the zone wrong?'}"


def _between(one: float, other: float) -> float:
    """Return the angle [degree] between two longitudes."""
    return abs((one - other + 180) % 360 - 180)


def of_web_map(place: CheckedPlace, others: Sequence[CheckedPlace]) -> Iterator[tuple[str, str]]:
    """Yield grade and text of a place that lies where a Chinese web map shows another: a fault
    where one is a station of the other, else a warning.
    """
    for other in others:
        distance = apart(place, other)
        if other is place or not GCJ_LEAST < distance < GCJ_MOST:
            continue
        latitude, longitude = to_gcj02(other.latitude, other.longitude)
        miss = local_distance(place.latitude, place.longitude, latitude, longitude)
        if float(miss) < GCJ_MATCH:
            grade = "fault" if place.goes_with(other) else "warning"
            whose = f"its {other.label}" if place.goes_with(other) else other.label
            yield (
                grade,
                f"lies {distance:.0f} m from {whose}, just where a Chinese web map (GCJ-02) shows "
                f"it; WGS-84 is about {other.latitude:.4f}, {other.longitude:.4f}",
            )


def alone(places: Sequence[CheckedPlace]) -> Iterator[CheckFinding]:
    """Yield each place that lies far from all sites, and the sites that share their coordinates."""
    sites = [place for place in places if place.is_site]
    if len(sites) == 2 and apart(*sites) > FAR:
        distance = f"{apart(*sites) / 1000:.0f} km"
        yield CheckFinding(
            "warning", "sites", f"{sites[0].id} and {sites[1].id} lie {distance} apart"
        )
    latitude = np.array([site.latitude for site in sites])
    longitude = np.array([site.longitude for site in sites])
    taken: dict[tuple[float, float], str] = {}
    for place in places:
        distances = local_distance(place.latitude, place.longitude, latitude, longitude)
        distances = np.where([site is place for site in sites], np.inf, distances)
        if (len(sites) > 2 or not place.is_site) and sites:
            nearest = float(distances.min())
            if FAR < nearest < math.inf:
                other = sites[int(distances.argmin())].id
                which = "the nearest other site" if place.is_site else "the nearest site"
                detail = f"lies {nearest / 1000:.0f} km from {which}, {other}"
                yield CheckFinding("warning", place.where, detail)
        if place.is_site:
            at = (place.latitude, place.longitude)
            if at in taken:
                detail = f"has the coordinates of {taken[at]}"
                yield CheckFinding("warning", place.where, detail)
            taken.setdefault(at, place.id)


def far_stations(place: CheckedPlace, others: Sequence[CheckedPlace]) -> Iterator[str]:
    """Yield the stations of a site that lie too far from it to stand for it."""
    for other in others:
        if place.is_site and place.goes_with(other) and apart(place, other) > STATION_FAR:
            yield (
                f"its station {other.id} lies {apart(place, other) / 1000:.0f} km away: are the "
                "coordinates of both right?"
            )


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
