"""The sun's disk as it clears the terrain: what cloud and haze in the line of sight leave of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from forecast.phenomena.glow_geometry import MINUTE, NAT, Geometry, run_around
from forecast.phenomena.light_evidence import evidence_of
from forecast.phenomena.light_path import LightPath
from forecast.phenomena.obstacles import blocking_cloud, ray_path
from forecast.science import light, light_rays
from forecast.science.light import AirSection
from forecast.science.thermodynamics import Array

LEAST_DISK = 0.05  # [1] transmission to the disk on the horizon below which there is no window
# [1] part of the disk's best light with which a minute still counts
BRIGHT = 0.5
DISK_REACH = 300000.0  # [m] of air that matters to the disk
# [cd m-2] the sun; 5 % of a bright horizon, at which it is lost in haze
DISK_LUMINANCE, DISK_THRESHOLD = 1.6e9, 100.0


def disk_features(geometry: Geometry, path: LightPath) -> tuple[dict[str, Array], xr.Dataset]:
    """Return the features (event) and the evidence of sunrises.

    They state whether the disk is visible as it clears the terrain, and until when.
    """
    section = path.section
    apparent = light.apparent_elevation(geometry.altitude, geometry.elevation[:, None])
    clears = (geometry.horizon + light.SEMIDIAMETER)[:, None]
    at_clearing, _ = disk_light(section, geometry.elevation, clears)
    shown_light, colour = disk_light(
        section, geometry.elevation, np.maximum(np.nan_to_num(apparent), geometry.horizon[:, None])
    )
    shown_light = np.where(
        np.isnan(apparent),
        np.nan,
        np.where(apparent + light.SEMIDIAMETER > geometry.horizon[:, None], shown_light, 0.0),
    )
    transmission = at_clearing[:, 0]
    obstacle, top = blocking_cloud(section, geometry.elevation, clears[:, 0], 0)
    shown = np.nan_to_num(shown_light) >= np.maximum(
        BRIGHT * np.nan_to_num(shown_light).max(axis=1, keepdims=True), LEAST_DISK
    )
    first = shown.argmax(axis=1)
    _, last = run_around(shown, first)
    rows = np.arange(len(first))
    timed = (
        (transmission >= LEAST_DISK)
        & shown.any(axis=1)
        & ~geometry.outside[rows, first]
        & ~geometry.outside[rows, last]
    )
    values = {
        "disk_transmission": transmission, "obstacle_distance": obstacle, "obstacle_height": top,
        "aerosol_optical_depth": path.aerosol_depth,
        "light_path_coverage": section.coverage(DISK_REACH),
        "best_start": np.where(timed, geometry.minutes[rows, first], NAT),
        "best_end": np.where(timed, geometry.minutes[rows, last] + MINUTE, NAT),
    }  # fmt: skip
    paths = ray_path(
        replace(section, ground=np.full_like(section.ground, -np.inf)),
        geometry.elevation,
        clears,
        0,
    )
    srgb = light.as_srgb(colour / np.maximum(colour.max(axis=-1, keepdims=True), 1e-30))
    return values, evidence_of(geometry, section, paths, "transmission", shown_light, srgb)


def disk_light(section: AirSection, elevation: Array, apparent: Array) -> tuple[Array, Array]:
    """Return the chance that the disk shows [1] (event, moment) and the light of the bands.

    apparent: elevation of the disk [degree] (event, moment). Cloud counts by what it lets through,
    haze by whether the disk still stands out from a bright horizon.
    """
    met = light_rays.trace(section, elevation, apparent, over_ground=False)
    bands = light.band_transmission(met.aerosol, light.air_column(elevation[:, None], apparent))
    luminance = DISK_LUMINANCE * bands[..., :2].mean(axis=-1)
    return np.exp(-met.cloud) * luminance / (luminance + DISK_THRESHOLD), bands
