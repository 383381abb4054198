"""Join the aerosol of one model to the atmosphere of another."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.domain import Atmosphere
from forecast.science.thermodynamics import Array

AEROSOL = "atmosphere_optical_thickness_due_to_ambient_aerosol_particles"
LONGEST_GAP_HOURS = 12.0  # fields of aerosol further apart are not interpolated


def join_aerosol(atmosphere: Atmosphere, aerosol: Atmosphere) -> Atmosphere:
    """Return `atmosphere` with the aerosol optical thickness of `aerosol` in its gaps.

    Interpolated linearly in time and space; NaN outside the data and next to a NaN. There is no
    interpolation between fields more than 12 h apart; a grid around the whole globe has no seam.
    Values that `atmosphere` already has stay.
    """
    if AEROSOL not in aerosol:
        return atmosphere
    values = aerosol[AEROSOL].transpose("time", "latitude", "longitude").values
    west, known = aerosol["longitude"].values[0], aerosol["time"].values
    # degrees east of `west`
    known_east, wanted_east = (
        np.round((each["longitude"].values - west) % 360, 6) % 360 for each in (aerosol, atmosphere)
    )
    if len(known_east) > 1 and known_east[-1] + np.diff(known_east).max() * 1.001 >= 360:
        known_east, values = (
            np.append(known_east, 360.0),
            np.concatenate([values, values[..., :1]], axis=2),
        )
    values = _along(values, known_east, wanted_east, axis=2)
    values = _along(values, aerosol["latitude"].values, atmosphere["latitude"].values, axis=1)
    known_hours, wanted_hours = (
        (times - known[0]) / np.timedelta64(1, "h") for times in (known, atmosphere["time"].values)
    )
    values = _along(values, known_hours, wanted_hours, axis=0, longest=LONGEST_GAP_HOURS)
    if AEROSOL in atmosphere:
        own = atmosphere[AEROSOL].values
        values = np.where(np.isnan(own), values, own)
    about = {"units": "1", "joined_from": str(aerosol.attrs.get("cycle", ""))}
    joined = atmosphere.assign(
        {AEROSOL: xr.Variable(("time", "latitude", "longitude"), values.astype(np.float32), about)}
    )
    return joined.assign_attrs(
        absent=[name for name in atmosphere.attrs.get("absent", ()) if name != AEROSOL]
    )


def _along(values: Array, known: Array, wanted: Array, axis: int, longest: float = np.inf) -> Array:
    """Interpolate linearly along one axis, from rising points `known` to `wanted`.

    NaN outside and in gaps longer than `longest`.
    """
    place = np.interp(wanted, known, np.arange(len(known)), left=np.nan, right=np.nan)
    inside = np.isfinite(place)
    low = np.floor(np.where(inside, place, 0)).astype(np.intp)
    high = np.minimum(low + 1, len(known) - 1)
    shape = [-1 if n == axis else 1 for n in range(values.ndim)]
    share = (place - low).reshape(shape)
    usable = (inside & ((known[high] - known[low] <= longest) | (place == low))).reshape(shape)
    first, second = values.take(low, axis), values.take(high, axis)
    return np.where(
        usable, np.where(share == 0, first, first * (1 - share) + second * share), np.nan
    )
