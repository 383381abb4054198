"""Sunlight low in the air: rays over a spherical, refracting earth, and their transmission.

Two angles of the sun are distinguished: its geometric `altitude` (no air) and the apparent
`elevation` of its ray where it arrives, both in degrees. Within 700 km of the ground a ray is a
straight line over an earth of the effective radius R / (1 - k), so a ray that reaches height h at
elevation -e has passed its lowest point at the distance e R / (1 - k). An `AirSection` is the air
along the sun's azimuth; `trace` integrates along a ray in it. Everything is an array over events;
NaN in, NaN out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfcx

from forecast.geo import EARTH_RADIUS
from forecast.science.arrays import Index as Index
from forecast.science.arrays import Mask as Mask
from forecast.science.thermodynamics import Array

# [1] k: curvature of a ray over that of the earth; 0.13-0.17 in ordinary air, 0.15 on a path that
# grazes the earth from 8 km
REFRACTION = 0.15
HORIZON_REFRACTION = 34 / 60  # [degree] refraction of a star on a sea-level horizon
# [m] over which the air's density falls by e (standard atmosphere, 0-10 km), for bending
AIR_SCALE = 9000.0
RAYLEIGH_SCALE = 8434.5  # [m] pressure scale height at 288.15 K
BANDS = (680e-9, 550e-9, 450e-9)  # [m] red, green, blue
ANGSTROM_EXPONENT = 1.3  # of continental aerosol: how fast its optical depth falls with wavelength
SEMIDIAMETER = 0.27  # [degree] of the sun

CELL = 250.0  # [m] height of a cell of a section
CELLS = 56  # so that a section reaches 14 km
# [m] (check) length along the ray of one cloud element: partial cover beyond it is independent
CLOUD_LENGTH = 20000.0


def effective_radius(refraction: float = REFRACTION) -> float:
    """Return the radius [m] of the earth over which refracted rays are straight."""
    return EARTH_RADIUS / (1 - refraction)


def ray_height(
    height: Array, elevation: Array, distance: Array, refraction: float = REFRACTION
) -> Array:
    """Return the height [m] of a ray at `distance` [m] towards the sun.

    The ray arrives at `height` [m] at `elevation` [degree]. The arguments broadcast. Source: plane
    geometry of a line past a circle: r cos(theta + e) = r0 cos e.
    """
    radius = effective_radius(refraction)
    angle = np.radians(elevation)
    return (radius + height) * np.cos(angle) / np.cos(distance / radius + angle) - radius


def bending(height: Array | float, elevation: Array | float) -> Array:
    """Return the bending [degree] of a ray from space that arrives at `height` [m] at `elevation`.

    Exponential air of scale 9 km, scaled to 34' at a sea-level horizon; within 0.5' of Bennett 1982
    from 0 to 20 degrees. A ray from below the horizontal is bent on its path down and up again;
    one that would touch the ground counts as grazing it.
    """
    slope = np.sin(np.radians(elevation)) * np.sqrt(effective_radius() / (2 * AIR_SCALE))
    depth = np.sqrt(np.maximum(height, 0.0) / AIR_SCALE)
    return (
        HORIZON_REFRACTION
        * np.exp(-np.maximum(height, 0.0) / AIR_SCALE)
        * erfcx(np.maximum(slope, -depth))
    )


def apparent_elevation(altitude: Array, height: Array | float) -> Array:
    """Return the apparent elevation [degree] at `height` [m] of the sun at geometric `altitude`.

    The inverse of elevation - bending(elevation), by bisection; good to 0.001 degrees.
    """
    low, high = (
        np.broadcast_arrays(np.asarray(altitude, dtype=float), np.asarray(height, dtype=float))[0],
        np.asarray(altitude) + 1.3,
    )
    for _ in range(11):
        middle = (low + high) / 2
        under = middle - bending(height, middle) < altitude
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return (low + high) / 2


def air_column(height: Array, elevation: Array, scale: float = RAYLEIGH_SCALE) -> Array:
    """Return the air column [m at sea level] of a ray from space to `height` [m] at `elevation`.

    For a density of the scale height `scale` [m]. Vertically it is scale * exp(-h / scale), on the
    horizon sqrt(pi R' scale / 2). Rays that would touch the ground count as grazing it.
    Source: Chapman 1931, Proc. Phys. Soc. 43, 483, in its limit for an atmosphere thin beside the
    earth.
    """
    radius = effective_radius()
    slope = np.sin(np.radians(elevation)) * np.sqrt(radius / (2 * scale))
    above = np.maximum(height, 0.0)
    return (
        np.exp(-above / scale)
        * np.sqrt(np.pi * radius * scale / 2)
        * erfcx(np.maximum(slope, -np.sqrt(above / scale)))
    )


def rayleigh_depth(wavelength: float) -> float:
    """Return the vertical optical depth [1] of clean air from sea level at `wavelength` [m].

    Source: Bodhaine et al. 1999, J. Atmos. Oceanic Technol. 16, 1854, eq. 30; valid 250-850 nm.
    """
    square = (wavelength * 1e6) ** 2
    return (
        0.0021520
        * (1.0455996 - 341.29061 / square - 0.90230850 * square)
        / (1 + 0.0027059889 / square - 85.968563 * square)
    )


def twilight_illuminance(altitude: Array) -> Array:
    """Return the illuminance [lx] of level ground under a clear sky, sun at `altitude` [degree].

    Valid from -18 to 20 degrees. Source: Janiczek & DeYoung 1987, USNO Circular 171, table 1 (log10
    E as cubics of altitude / 90).
    """
    x = np.clip(altitude, -18.0, 20.0) / 90
    pieces = ((5.0, 3.05, 13.28, -45.98, 64.33), (-0.8, 2.88, 22.26, -207.64, 1034.30),
              (-5.0, 2.88, 21.81, -258.11, -858.36),
              (-12.0, 2.70, 12.17, -431.69, -1899.83),
              (-18.0, 13.84, 262.72, 1447.42, 2797.93))  # fmt: skip
    logarithms = [a + x * (b + x * (c + x * d)) for _, a, b, c, d in pieces]
    return 10 ** np.select(
        [altitude > limit for limit, *_ in pieces[:-1]], logarithms[:-1], logarithms[-1]
    )


def great_circle(
    latitude: Array, longitude: Array, azimuth: Array, distance: Array
) -> tuple[Array, Array]:
    """Return latitude and longitude [degree] (event, distance) of points on great circles.

    They lie at `distance` [m] (distance) towards `azimuth` [degree] (event).
    """
    start, bearing, arc = (
        np.radians(latitude)[:, None],
        np.radians(azimuth)[:, None],
        (distance / EARTH_RADIUS)[None, :],
    )
    sine = np.sin(start) * np.cos(arc) + np.cos(start) * np.sin(arc) * np.cos(bearing)
    east = np.arctan2(
        np.sin(bearing) * np.sin(arc) * np.cos(start), np.cos(arc) - np.sin(start) * sine
    )
    return np.degrees(np.arcsin(np.clip(sine, -1, 1))), longitude[:, None] + np.degrees(east)


@dataclass(frozen=True, slots=True)
class AirSection:
    """The air along the sun's azimuth in equally spaced columns and cells of 250 m from sea level.

    distance [m] (distance); cover: cloud fraction (event, distance, cell) [1]; cloud, aerosol:
    extinction (event, distance, cell) [m-1], aerosol at 550 nm; ground: height (event, distance)
    [m]; known: whether the column lies inside the data (event, distance). Unknown columns have no
    cloud.
    """

    distance: Array
    cover: Array
    cloud: Array
    aerosol: Array
    ground: Array
    known: Mask

    def of(self, rows: Index | slice) -> AirSection:
        """Return the section of some events."""
        return AirSection(
            self.distance,
            self.cover[rows],
            self.cloud[rows],
            self.aerosol[rows],
            self.ground[rows],
            self.known[rows],
        )

    def coverage(self, reach: float) -> Array:
        """Return the part [1] (event) of the path out to `reach` [m] that lies inside the data."""
        return self.known[:, self.distance <= reach].mean(axis=1)


def cloud_extinction(cover: Array, within: Array) -> Array:
    """Return the mean extinction [m-1] of air with a cloud fraction `cover` [1].

    within: extinction inside the cloud [m-1]. Over the length L of one cloud element a part 1 - c
    of the rays passes freely, the rest keeps exp(-within L); cloud elements are independent, so the
    result does not depend on the step of the sum: k = -ln(1 - c (1 - exp(-within L))) / L.
    """
    blocked = cover * -np.expm1(-np.minimum(within * CLOUD_LENGTH, 60.0))
    return np.where(cover >= 1, within, -np.log1p(-np.minimum(blocked, 1 - 1e-12)) / CLOUD_LENGTH)


def band_transmission(aerosol: Array, air: Array) -> Array:
    """Return the transmission of haze and air for red, green and blue light (..., band) [1].

    aerosol: optical depth along the path at 550 nm; air: air_column along the path [m].
    """
    wavelength = np.array(BANDS)
    haze = aerosol[..., None] * (wavelength / 550e-9) ** -ANGSTROM_EXPONENT
    molecules = air[..., None] / RAYLEIGH_SCALE * np.array([rayleigh_depth(w) for w in BANDS])
    return np.exp(-haze - molecules)


def redness(air: Array) -> Array:
    """Return the part [1] of blue that a beam lost against its red in clean air; 0: white.

    air: air_column along the path [m].
    """
    clean = band_transmission(np.zeros_like(air), air)
    return np.asarray(1 - clean[..., 2] / np.maximum(clean[..., 0], 1e-30))


def as_srgb(linear: Array) -> Array:
    """Return linear light 0-1 (..., band) as sRGB 0-1. Source: IEC 61966-2-1."""
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
