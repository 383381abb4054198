"""Derive a site's numbers from maps: the horizon it sees, the depth of its valleys, the glow of the
cities in its sky.

Run once when a site is added (`skyscape survey`); the answer is pasted into config.yaml, and a
field survey may correct it there. Only this module reads netCDF, which is why its reader is an
optional extra.

What a 30 arc-second grid cannot know: it smooths what lies near (a ridge 500 m away, the trees on
it), and it cuts summits. So the viewer stands at the true height given in the settings, nothing
nearer than one cell (1 km) is looked at, and what lies nearer than 1.5 km is seen from the grid's
own ground where that is the higher: the smoothed flank of the viewer's own mountain never becomes a
wall. A real wall beside the viewer (a house, a gorge) is for the field survey to write into the
settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
import xarray as xr
from numpy.typing import NDArray

from forecast.config import Config
from forecast.domain import HORIZON_STEP
from forecast.errors import ConfigError, FileUnreadable
from forecast.geo import EARTH_RADIUS, local_distance
from forecast.science.night_sky import NATURAL_SKY

Floats = NDArray[np.float64]

# part of the earth's curvature that the bending of light over land undoes
SURFACE_REFRACTION = 0.13
EYE_HEIGHT = 2.0  # [m]
NEAREST = 1_000.0  # [m] one cell of the grid
OWN_GROUND = 1_500.0  # [m] up to which the grid's own ground is the viewer's
LEAST_REACH = 80_000.0  # [m] of the horizon's rays
VALLEY_RADIUS = 8_000.0  # [m]
VALLEY_PERCENTILE = 10.0
VALLEY_PARTS = 8  # of equal area, into which the ground below the site is cut by height
GLOW_RADIUS = 50_000.0  # [m]
# [m] from which a city's dome still stands above the horizon; what the map leaves out counts as
# dark
DOME_RADIUS = 80_000.0
DOME_DIRECTIONS = 12
# Natural skies that 1 nW cm-2 sr-1 km-0.5 of summed light adds: see `night_sky_brightness`.
GLOW_SCALE = 0.76


@dataclass(frozen=True, slots=True)
class Survey:
    """What the maps say of one viewpoint.

    horizon: 72 altitudes [degree]; valley_elevation, ground [m] (ground: the grid's own at the
    site); valley_heights [m]: see there;
    glow: light summed over distance [nW cm-2 sr-1 km-0.5]; night_sky_brightness [mag arcsec-2];
    sky_glow: light domes by azimuth [1].
    """

    horizon: tuple[float, ...]
    valley_elevation: float
    valley_heights: tuple[float, ...]
    ground: float
    glow: float
    night_sky_brightness: float
    sky_glow: tuple[float, ...]


def read_grid(path: Path) -> xr.DataArray:
    """Read the one two-dimensional variable of a netCDF file as (latitude, longitude), both rising;
    missing is NaN.

    Raises: FileUnreadable where the reader is not installed, or the file is not such a grid.
    """
    if not path.is_file():
        raise FileUnreadable(f"{path}: no such file")
    try:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            renamed = dataset.rename(
                {
                    short: name
                    for short, name in (("lat", "latitude"), ("lon", "longitude"))
                    if short in dataset.dims
                }
            )
            grids = [
                value.load()
                for value in renamed.data_vars.values()
                if set(value.dims) == {"latitude", "longitude"}
            ]
    except (ImportError, ValueError) as error:
        raise FileUnreadable(
            f"{path}: cannot be read ({error}); netCDF needs the extra: pip install "
            "'skyscape[survey]'"
        ) from error
    except OSError as error:
        raise FileUnreadable(f"{path}: not a readable netCDF file: {error}") from error
    if len(grids) != 1:
        raise FileUnreadable(
            f"{path}: expected one variable over (latitude, longitude), found {len(grids)}"
        )
    grid = (
        grids[0]
        .transpose("latitude", "longitude")
        .sortby(["latitude", "longitude"])
        .astype(np.float64)
    )
    return grid.where(grid > -500)


def survey(
    latitude: float, longitude: float, elevation: float, terrain: xr.DataArray, lights: xr.DataArray
) -> Survey:
    """Derive what a viewer at (latitude, longitude) [degree] and `elevation` [m] has around him
    from the two grids.

    terrain [m] and lights [nW cm-2 sr-1]: (latitude, longitude), rising.
    Raises: ConfigError where a grid does not reach far enough round the place.
    """
    _require(terrain, latitude, longitude, reach(elevation), "terrain")
    _require(lights, latitude, longitude, GLOW_RADIUS, "lights")
    ground = float(_interpolated(terrain, np.array(latitude), np.array(longitude)))
    glow = summed_light(latitude, longitude, lights)
    return Survey(
        horizon=tuple(
            round(float(value), 1) + 0.0
            for value in horizon(latitude, longitude, elevation, terrain)
        ),
        valley_elevation=valley_elevation(latitude, longitude, elevation, terrain),
        valley_heights=valley_heights(latitude, longitude, elevation, terrain),
        ground=ground,
        glow=glow,
        night_sky_brightness=night_sky_brightness(glow),
        sky_glow=tuple(
            round(float(value), 2) for value in glow_by_azimuth(latitude, longitude, lights)
        ),
    )


def horizon(latitude: float, longitude: float, elevation: float, terrain: xr.DataArray) -> Floats:
    """Return the altitude [degree] of the highest terrain at azimuths 0, 5 ... 355, as seen 2 m
    above `elevation` [m].

    Each is the mean of five rays, one degree apart, from 1 km to `reach`; the earth falls away
    below them and the air bends them (k = 0.13). Over a plain the answer is the dip of the horizon,
    below zero. NaN cells (the sea) are passed over.
    """
    distance = np.concatenate(
        (np.arange(NEAREST, 3000, 100), np.arange(3000, reach(elevation) + 1, 300))
    )
    rays = np.arange(0, 360, HORIZON_STEP)[:, None] + np.arange(-2.0, 3.0)
    there = _interpolated(terrain, *_destination(latitude, longitude, rays[..., None], distance))
    ground = float(_interpolated(terrain, np.array(latitude), np.array(longitude)))
    viewer = np.where(distance < OWN_GROUND, max(elevation, ground), elevation) + EYE_HEIGHT
    drop = distance**2 * (1 - SURFACE_REFRACTION) / (2 * EARTH_RADIUS)
    return np.degrees(np.nanmax(np.arctan2(there - viewer - drop, distance), axis=-1)).mean(axis=-1)


def reach(elevation: float) -> float:
    """Return how far [m] to look for the horizon from `elevation` [m]: to where the sea would meet
    the sky, 80 km at least.
    """
    return float(
        max(
            LEAST_REACH,
            np.sqrt(2 * EARTH_RADIUS * max(elevation + EYE_HEIGHT, 0) / (1 - SURFACE_REFRACTION)),
        )
    )


def valley_elevation(
    latitude: float, longitude: float, elevation: float, terrain: xr.DataArray
) -> float:
    """Return the valleys' elevation [m]: the lowest tenth (10th percentile) of the ground within 8
    km that lies below the site.

    Where nothing lies below, the site's own elevation.
    """
    below = _ground_below(latitude, longitude, elevation, terrain)
    return float(np.percentile(below, VALLEY_PERCENTILE)) if below.size else elevation


def valley_heights(
    latitude: float, longitude: float, elevation: float, terrain: xr.DataArray
) -> tuple[float, ...]:
    """Return the hypsometric curve of the ground within 8 km that lies below the site: its heights
    [m] at 0, 1/8 ... 8/8 of its area.

    A deck with its top between the third and the fourth height hides between two and three eighths
    of that ground. Rounded to 10 m, never above the site; empty where nothing lies below.
    Source: the hypsometric curve of Strahler 1952, GSA Bulletin 63, 1117, turned round.
    """
    below = _ground_below(latitude, longitude, elevation, terrain)
    if not below.size:
        return ()
    cut = np.percentile(below, np.linspace(0, 100, VALLEY_PARTS + 1))
    return tuple(float(min(height, elevation)) for height in np.round(cut, -1))


def _ground_below(
    latitude: float, longitude: float, elevation: float, terrain: xr.DataArray
) -> Floats:
    """Return the heights [m] of the grid's cells within 8 km that lie below the site."""
    near = _distance(terrain, latitude, longitude) <= VALLEY_RADIUS
    return np.asarray(terrain.values[near & (terrain.values < elevation)])


def summed_light(latitude: float, longitude: float, lights: xr.DataArray) -> float:
    """Return the light of the ground within 50 km, weighted by (distance + 1 km)^-2.5 and area [nW
    cm-2 sr-1 km-0.5].

    Negative radiance (noise of the composite) and NaN count as dark.
    """
    return float(_weighted_light(latitude, longitude, lights, GLOW_RADIUS).sum())


def glow_by_azimuth(latitude: float, longitude: float, lights: xr.DataArray) -> Floats:
    """Return the cities' light in the sky towards 12 azimuths from north (azimuth) against its mean
    [1].

    Light within 80 km, weighted as in `summed_light`, counts most straight above it and not at all
    at a right angle to it (the square of
    the cosine): haze scatters forwards. It tells darker from brighter directions, no more (check:
    no
    all-sky measurement of the region is at hand). Even where there is no light at all.
    """
    light = _weighted_light(latitude, longitude, lights, DOME_RADIUS)
    north = (lights["latitude"].values - latitude)[:, None]
    east = (lights["longitude"].values - longitude)[None, :] * np.cos(np.radians(latitude))
    bins = np.round(np.degrees(np.arctan2(east, north))).astype(int) % 360
    by_degree = np.bincount(bins.ravel(), light.ravel(), minlength=360)
    azimuths = np.arange(DOME_DIRECTIONS) * 360.0 / DOME_DIRECTIONS
    lobe = np.maximum(np.cos(np.radians(azimuths[:, None] - np.arange(360))), 0) ** 2
    dome = lobe @ by_degree
    return np.asarray(dome / dome.mean() if dome.mean() > 0 else np.ones(DOME_DIRECTIONS))


def _weighted_light(
    latitude: float, longitude: float, lights: xr.DataArray, radius: float
) -> Floats:
    """Return each cell's light times its area and (distance + 1 km)^-2.5, within `radius` [m];
    negative and NaN are dark.
    """
    distance = _distance(lights, latitude, longitude)
    steps = [float(np.diff(lights[name].values).mean()) for name in ("latitude", "longitude")]
    kilometres = np.radians(steps) * EARTH_RADIUS / 1000
    area = kilometres[0] * kilometres[1] * np.cos(np.radians(lights["latitude"].values))[:, None]
    weight = np.where(distance <= radius, (distance / 1000 + 1) ** -2.5, 0)
    return np.asarray(np.nan_to_num(np.maximum(lights.values, 0)) * area * weight)


def night_sky_brightness(glow: float) -> float:
    """Return the zenith sky's brightness [mag arcsec-2] without moon where the summed light is
    `glow` [nW cm-2 sr-1 km-0.5].

    The scale stands midway (geometric mean) between what a bright and a dark place ask for. Bright:
    142 naked-eye reports of Globe at Night round Beijing (2010, 2012; cloudless, sun below -12
    degrees, moon down) against VIIRS of 2025 ask for 1.0; one report scatters by 1.3 magnitudes,
    and the few from the hills saw a magnitude less than this model. Dark: Xinglong Observatory, 110
    km from the city, 21.4 at the zenith, asks for 0.58. So it is good to about 0.15 magnitudes in
    the mountains, 0.3 in the city. The one sky-meter report inside the map (20.0 in a suburb where
    magnitude 1 was the limit) contradicts itself and was not used.

    Source: Yao et al. 2013, arXiv:1304.7107 (Xinglong).
    """
    return float(NATURAL_SKY - 2.5 * np.log10(1 + GLOW_SCALE * glow))


def as_yaml_lines(found: Survey) -> list[str]:
    """Return the lines of a site's paragraph in config.yaml, indented as they stand there."""
    values = ", ".join(f"{value:.1f}" for value in found.horizon)
    heights = ", ".join(f"{value:.0f}" for value in found.valley_heights)
    return [
        f"    valley_elevation_m: {round(found.valley_elevation, -1):.0f}",
        f"    valley_heights_m: [{heights}]",
        f"    night_sky_brightness: {found.night_sky_brightness:.1f}",
        f"    sky_glow_by_azimuth: [{', '.join(f'{value:.2f}' for value in found.sky_glow)}]",
        f"    horizon_degrees: [{values}]",
    ]


def paragraphs(
    config: Config,
    terrain_file: Path,
    lights_file: Path,
    site: str | None = None,
    place: tuple[float | None, float | None, float | None] = (None, None, None),
) -> str:
    """Return the YAML that `skyscape survey` prints: a paragraph for each place.

    site: one of the settings; place: latitude, longitude [degree] and elevation [m] of another.
    Without both, every site of the settings.
    Raises: typer.BadParameter for incomplete coordinates; ConfigError for an unknown site or grids
    that are too small; FileUnreadable.
    """
    latitude, longitude, elevation = place
    if latitude is not None and longitude is not None and elevation is not None and not site:
        places = [("here", latitude, longitude, elevation)]
    elif any(value is not None for value in place):
        raise typer.BadParameter(
            "survey: give --latitude, --longitude and --elevation together, or --site, "
            "or none of them"
        )
    else:
        places = [
            (s.id, s.latitude, s.longitude, s.elevation_m)
            for s in config.sites
            if site in (None, s.id)
        ]
    if not places:
        raise ConfigError(
            f"survey: no site {site!r}; the settings have {', '.join(s.id for s in config.sites)}"
        )
    terrain, lights = read_grid(terrain_file), read_grid(lights_file)
    lines = []
    for name, north, east, height in places:
        found = survey(north, east, height, terrain, lights)
        lines += [
            f"  # {name}: {height:.0f} m, on the grid {found.ground:.0f} m",
            *as_yaml_lines(found),
        ]
    return "\n".join(lines)


def _require(
    grid: xr.DataArray, latitude: float, longitude: float, radius: float, what: str
) -> None:
    """Refuse a grid that does not hold a circle of `radius` [m] round the place."""
    north = np.degrees(radius / EARTH_RADIUS)
    east = north / np.cos(np.radians(latitude))
    for name, centre, reach in (("latitude", latitude, north), ("longitude", longitude, east)):
        low, high = float(grid[name].min()), float(grid[name].max())
        if centre - reach < low or centre + reach > high:
            raise ConfigError(
                f"survey: the {what} grid spans {name} {low:.2f} to {high:.2f}; "
                f"{centre - reach:.2f} to {centre + reach:.2f} is needed round {latitude:g}, "
                f"{longitude:g}"
            )


def _distance(grid: xr.DataArray, latitude: float, longitude: float) -> Floats:
    """Return each cell's distance [m] from the place (latitude, longitude), on a plane that touches
    the earth there.
    """
    return local_distance(
        latitude, longitude, grid["latitude"].values[:, None], grid["longitude"].values[None, :]
    )


def _destination(
    latitude: float, longitude: float, azimuth: Floats, distance: Floats
) -> tuple[Floats, Floats]:
    """Return the (latitude, longitude) [degree] reached from a place along `azimuth` [degree] after
    `distance` [m].
    """
    start, bearing, arc = np.radians(latitude), np.radians(azimuth), distance / EARTH_RADIUS
    sine = np.sin(start) * np.cos(arc) + np.cos(start) * np.sin(arc) * np.cos(bearing)
    turned = np.arctan2(
        np.sin(bearing) * np.sin(arc) * np.cos(start), np.cos(arc) - np.sin(start) * sine
    )
    return np.degrees(np.arcsin(sine)), longitude + np.degrees(turned)


def _interpolated(grid: xr.DataArray, latitude: Floats, longitude: Floats) -> Floats:
    """Return the grid's values between its cells, bilinear; NaN outside and beside NaN."""
    rows, columns = grid["latitude"].values, grid["longitude"].values
    row = np.interp(latitude, rows, np.arange(len(rows), dtype=float), left=np.nan, right=np.nan)
    column = np.interp(
        longitude, columns, np.arange(len(columns), dtype=float), left=np.nan, right=np.nan
    )
    i = np.clip(np.nan_to_num(row).astype(int), 0, len(rows) - 2)
    j = np.clip(np.nan_to_num(column).astype(int), 0, len(columns) - 2)
    down, right, values = row - i, column - j, grid.values
    upper = values[i, j] * (1 - right) + values[i, j + 1] * right
    lower = values[i + 1, j] * (1 - right) + values[i + 1, j + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)
