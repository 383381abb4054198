"""The next two days over each site by the hour: cloud by height, and the air at its height."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.science.arrays import Times
from forecast.science.interpolation import Scene, hours_between
from forecast.science.site_profiles import air_at, cloud_column
from forecast.science.vertical import on_heights

HOURS = np.timedelta64(48, "h")  # from the start of the first whole day that is left
HEIGHTS = np.arange(0.0, 12001.0, 400.0)  # [m] above sea level


def site_hours(scene: Scene, start: np.datetime64) -> xr.Dataset:
    """Return the hours from `start` on at the sites of a scene (site, time[, height]).

    cloud: fraction on `height` [1]; temperature [K] and wind_speed [m s-1] at the site's height.
    NaN where the run has nothing. Coordinates: site (ids), time, height [m].
    """
    first = start.astype("datetime64[h]")
    times: Times = hours_between(np.array([first]), np.array([first + HOURS]))
    rows = np.arange(len(scene.sites))
    moments = np.broadcast_to(times[0], (rows.size, times.shape[1]))
    cloud = scene.between(on_heights(*cloud_column(scene), HEIGHTS, 0.0), rows, moments)
    cloud = cloud.astype(np.float32)
    cloud[~scene.within(moments)] = np.nan
    air = air_at(scene, rows, moments)
    data = {"cloud": xr.Variable(("site", "time", "height"), cloud, {"units": "1"})}
    for name, unit in (("temperature", "K"), ("wind_speed", "m s-1")):
        values = np.where(scene.within(moments), air[name], np.nan).astype(np.float32)
        data[name] = xr.Variable(("site", "time"), values, {"units": unit})
    names = [site.id for site in scene.sites]
    return xr.Dataset(data, {"site": names, "time": times[0], "height": HEIGHTS})
