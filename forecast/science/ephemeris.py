"""Positions of the sun, the moon and the galactic centre, from ephem (no file, no network).

A body's geocentric place does not depend on the viewer. ephem computes it once at each knot of
a coarse time grid; positions between are interpolated and turned to each viewer's horizon with
numpy, so that 500 sites cost little more than one.

Times are datetime64 in UTC, used as UT1 (they differ by less than 0.9 s, 0.004 degrees of the
earth's rotation). Altitudes are geometric: without refraction, of the centre of the disk, from the
surface of the WGS-84 ellipsoid (a viewer's height moves the moon by less than 0.0004 degrees).
Azimuths run clockwise from north. NaT gives NaN.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ephem
import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.science.thermodynamics import LAPSE_RATE

Floats = NDArray[np.float64]

J2000 = np.datetime64("2000-01-01T12:00:00", "ns")
DAY = np.timedelta64(1, "D").astype("timedelta64[ns]")
_EPHEM_J2000 = 36525.0  # ephem counts days from 1899-12-31 12:00 UT

ASTRONOMICAL_UNIT = 149_597_870.7  # [km]
EQUATORIAL_RADIUS = 6378.137  # [km] WGS-84, equatorial
EARTH_FLATTENING = 1 / 298.257223563
MOON_RADIUS = 1737.4  # [km]

# Days between two knots: cubic interpolation then errs by less than 0.00001 degrees.
_STEP = {"sun": 0.5, "moon": 0.125, "galactic_centre": 1.0}

# Sagittarius A*, J2000. Source: Reid & Brunthaler 2004, ApJ 616, 872.
_GALACTIC_CENTRE = ("17:45:40.04", "-29:00:28.1")

# Bending of the light for each degree of the path below the viewer; with 0.17 a ray that grazes the
# sea agrees with the 34 arc-minutes of the tables, whatever the viewer's height.
_NEAR_SURFACE_REFRACTION = 0.17


def sun_position(
    times: ArrayLike, latitude: ArrayLike, longitude: ArrayLike
) -> tuple[Floats, Floats]:
    """Return the sun's (altitude, azimuth) [degree]; the arguments broadcast."""
    return horizontal(sun_place(times), latitude, longitude)


def sun_place(times: ArrayLike) -> Floats:
    """Return the sun's place (3, ...) [km] towards Greenwich, 90 E and the north pole.

    It is the same for all viewers: `horizontal` is the lesser part of `sun_position`.
    """
    return _earth_fixed("sun", times)


def moon_position(
    times: ArrayLike, latitude: ArrayLike, longitude: ArrayLike
) -> tuple[Floats, Floats]:
    """Return the moon's (altitude, azimuth) [degree] with parallax; the arguments broadcast."""
    return horizontal(_earth_fixed("moon", times), latitude, longitude)


def galactic_centre_position(
    times: ArrayLike, latitude: ArrayLike, longitude: ArrayLike
) -> tuple[Floats, Floats]:
    """Return the (altitude, azimuth) [degree] of the Milky Way's core; the arguments broadcast."""
    return horizontal(_earth_fixed("galactic_centre", times), latitude, longitude)


@lru_cache(1)
def bright_stars() -> tuple[Floats, Floats, Floats]:
    """Return right ascension, declination [degree, J2000] and magnitude of ephem's bright stars."""
    import ephem.stars

    found = list(ephem.stars.stars.values())
    for star in found:
        star.compute("2000/1/1.5")  # its magnitude is known from then on
    found.sort(key=lambda star: star.mag)
    return (
        np.degrees([float(star._ra) for star in found]),
        np.degrees([float(star._dec) for star in found]),
        np.array([float(star.mag) for star in found]),
    )


@lru_cache(1)
def galactic_plane() -> tuple[Floats, Floats, Floats]:
    """Return right ascension, declination [degree, J2000] along the middle of the Milky Way.

    Every 5 degrees of galactic longitude; third, 2 within 60 degrees of its core, else 1.
    """
    longitudes = np.arange(0, 361, 5)
    places = [ephem.Equatorial(ephem.Galactic(np.radians(float(each)), 0.0)) for each in longitudes]
    core = np.where((longitudes <= 60) | (longitudes >= 300), 2.0, 1.0)
    return (
        np.degrees([float(place.ra) for place in places]),
        np.degrees([float(place.dec) for place in places]),
        core,
    )


def star_position(
    ascension: ArrayLike,
    declination: ArrayLike,
    times: ArrayLike,
    latitude: ArrayLike,
    longitude: ArrayLike,
) -> tuple[Floats, Floats]:
    """Return the (altitude, azimuth) [degree] of fixed stars; the arguments broadcast.

    ascension, declination [degree, J2000]. Precession is applied, aberration and nutation (0.01
    degrees) are not. Source: Meeus, Astronomical Algorithms (1998), eq. 21.3 and 21.4.
    """
    days = _days(times)
    century = days / 36525
    zeta, z, theta = (
        np.radians((a * century + b * century**2) / 3600)
        for a, b in ((2306.2181, 0.30188), (2306.2181, 1.09468), (2004.3109, -0.42665))
    )
    alpha, delta = np.radians(np.asarray(ascension)) + zeta, np.radians(np.asarray(declination))
    a = np.cos(delta) * np.sin(alpha)
    b = np.cos(theta) * np.cos(delta) * np.cos(alpha) - np.sin(theta) * np.sin(delta)
    c = np.sin(theta) * np.cos(delta) * np.cos(alpha) + np.cos(theta) * np.sin(delta)
    of_date = np.arctan2(a, b) + z - np.radians(_sidereal_time(days))
    across = np.hypot(a, b)
    far = 1e12  # [km] of no parallax
    place = far * np.stack(
        np.broadcast_arrays(across * np.cos(of_date), across * np.sin(of_date), c)
    )
    return horizontal(place, latitude, longitude)


def moon_semidiameter(times: ArrayLike) -> Floats:
    """Return the semidiameter of the moon [degree], seen from the earth's centre."""
    distance = np.linalg.norm(_geocentric("moon", _days(times)), axis=0)
    return np.degrees(np.arcsin(MOON_RADIUS / distance))


def moon_illumination(times: ArrayLike) -> Floats:
    """Return the illuminated part of the moon's disk [1], seen from the earth's centre.

    Source: Meeus, Astronomical Algorithms (1998), eq. 48.1.
    """
    days = _days(times)
    sun, moon = _geocentric("sun", days), _geocentric("moon", days)
    to_sun = sun - moon
    cosine = -(to_sun * moon).sum(axis=0) / (
        np.linalg.norm(to_sun, axis=0) * np.linalg.norm(moon, axis=0)
    )
    return (1 + cosine) / 2


def moon_phase_angle(times: ArrayLike) -> Floats:
    """Return the moon's ecliptic longitude minus the sun's [degree], 0-360.

    0 new, 90 first quarter, 180 full, 270 last quarter.
    """
    days = _days(times)
    return (
        _ecliptic_longitude(_geocentric("moon", days), days)
        - _ecliptic_longitude(_geocentric("sun", days), days)
    ) % 360


def refraction(altitude: ArrayLike, elevation: ArrayLike = 0.0) -> Floats:
    """Return the refraction [degree] at the apparent `altitude` [degree] from `elevation` [m].

    In the standard atmosphere. Below the horizontal (a high viewer looks down to the plain) a ray
    first sinks to its lowest point and then leaves like one at the opposite altitude: the bending
    of that double path is added. Good to about 0.1 degrees near the horizon, where the day's
    layering of the air decides.

    Source: Bennett 1982, J. Navigation 35, 255, eq. for R with P and T: Meeus (1998), eq. 16.3.
    """
    apparent, height = np.broadcast_arrays(
        np.asarray(altitude, dtype=float), np.asarray(elevation, dtype=float)
    )
    kelvin = 288.15 - LAPSE_RATE * height
    pressure = 1013.25 * (kelvin / 288.15) ** 5.2559
    above = np.abs(apparent)
    lift = (
        1
        / np.tan(np.radians(above + 7.31 / (above + 4.4)))
        / 60
        * (pressure / 1010)
        * (283 / kelvin)
    )
    sinking = (
        2 * _NEAR_SURFACE_REFRACTION / (1 - _NEAR_SURFACE_REFRACTION) * np.maximum(-apparent, 0)
    )
    return np.maximum(lift, 0) + sinking


def _days(times: ArrayLike) -> Floats:
    """Return `times` as days since J2000; NaN for NaT."""
    return np.asarray((np.asarray(times, dtype="datetime64[ns]") - J2000) / DAY, dtype=float)


@lru_cache(maxsize=65_536)
def _knot(body: str, index: int) -> tuple[float, float, float]:
    """Return the geocentric apparent position [km] of `body` at the knot `index`.

    On the true equator and equinox of date.
    """
    thing: Any
    if body == "galactic_centre":
        thing = ephem.FixedBody()
        thing._ra, thing._dec = _GALACTIC_CENTRE
    else:
        thing = ephem.Sun() if body == "sun" else ephem.Moon()
    thing.compute(ephem.Date(_EPHEM_J2000 + index * _STEP[body]))
    distance = 1e15 if body == "galactic_centre" else thing.earth_distance * ASTRONOMICAL_UNIT
    alpha, delta = float(thing.g_ra), float(thing.g_dec)
    return (
        distance * np.cos(delta) * np.cos(alpha),
        distance * np.cos(delta) * np.sin(alpha),
        distance * np.sin(delta),
    )


def _geocentric(body: str, days: Floats) -> Floats:
    """Return the geocentric apparent position (3, ...) [km] of `body`, interpolated by cubics.

    Source: Lagrange's formula on four equidistant points.
    """
    position = days / _STEP[body]
    before = np.floor(np.nan_to_num(position)).astype(np.int64)
    f = position - before
    needed, where = np.unique(before, return_inverse=True)
    knots = np.array(
        [[_knot(body, int(index) + i) for i in (-1, 0, 1, 2)] for index in needed]
    ).reshape(-1, 4, 3)
    places = knots[where.reshape(before.shape)]
    weights = (
        -f * (f - 1) * (f - 2) / 6,
        (f + 1) * (f - 1) * (f - 2) / 2,
        -(f + 1) * f * (f - 2) / 2,
        (f + 1) * f * (f - 1) / 6,
    )
    return np.moveaxis((places * np.stack(weights, axis=-1)[..., None]).sum(axis=-2), -1, 0)


def _nutation(days: Floats) -> tuple[Floats, Floats]:
    """Return (nutation in longitude, true obliquity) [degree], to 0.5 arc-seconds.

    Source: Meeus (1998), eq. 22.2 and the abridged terms of p. 144.
    """
    century = days / 36525
    node = np.radians(125.04452 - 1934.136261 * century)
    sun, moon = (
        np.radians(280.4665 + 36000.7698 * century),
        np.radians(218.3165 + 481267.8813 * century),
    )
    longitude = (
        -17.20 * np.sin(node)
        - 1.32 * np.sin(2 * sun)
        - 0.23 * np.sin(2 * moon)
        + 0.21 * np.sin(2 * node)
    ) / 3600
    obliquity = (
        9.20 * np.cos(node)
        + 0.57 * np.cos(2 * sun)
        + 0.10 * np.cos(2 * moon)
        - 0.09 * np.cos(2 * node)
    ) / 3600
    return longitude, 23.4392911 - 0.0130042 * century + obliquity


def _sidereal_time(days: Floats) -> Floats:
    """Return the apparent sidereal time at Greenwich [degree].

    Source: Meeus (1998), eq. 12.4, with the equation of the equinoxes of p. 88.
    """
    longitude, obliquity = _nutation(days)
    mean = 280.46061837 + 360.98564736629 * days + 0.000387933 * (days / 36525) ** 2
    return (mean + longitude * np.cos(np.radians(obliquity))) % 360


def _earth_fixed(body: str, times: ArrayLike) -> Floats:
    """Return the position (3, ...) [km] of `body` towards Greenwich, 90 E and the north pole."""
    days = _days(times)
    x, y, z = _geocentric(body, days)
    turned = np.radians(_sidereal_time(days))
    return np.stack(
        (x * np.cos(turned) + y * np.sin(turned), y * np.cos(turned) - x * np.sin(turned), z)
    )


def horizontal(place: Floats, latitude: ArrayLike, longitude: ArrayLike) -> tuple[Floats, Floats]:
    """Return (altitude, azimuth) [degree] of an earth-fixed position (3, ...) [km] for viewers."""
    phi, lam = (
        np.radians(np.asarray(latitude, dtype=float)),
        np.radians(np.asarray(longitude, dtype=float)),
    )
    square = EARTH_FLATTENING * (2 - EARTH_FLATTENING)
    normal = EQUATORIAL_RADIUS / np.sqrt(1 - square * np.sin(phi) ** 2)
    across, along = normal * np.cos(phi), normal * (1 - square) * np.sin(phi)
    x, y, z = place[0] - across * np.cos(lam), place[1] - across * np.sin(lam), place[2] - along
    outward = x * np.cos(lam) + y * np.sin(lam)
    east = y * np.cos(lam) - x * np.sin(lam)
    north = z * np.cos(phi) - outward * np.sin(phi)
    up = outward * np.cos(phi) + z * np.sin(phi)
    return np.degrees(np.arctan2(up, np.hypot(east, north))), np.degrees(
        np.arctan2(east, north)
    ) % 360


def _ecliptic_longitude(place: Floats, days: Floats) -> Floats:
    """Return the ecliptic longitude [degree] of an equatorial place (3, ...)."""
    tilt = np.radians(_nutation(days)[1])
    return np.degrees(np.arctan2(place[1] * np.cos(tilt) + place[2] * np.sin(tilt), place[0]))
