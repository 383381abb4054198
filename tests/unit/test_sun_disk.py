"""From when until when is the sun's disk seen, and what takes its light?"""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.phenomena import PhenomenonFeatures, glow
from forecast.science.aerosol import OPTICAL_DEPTH
from forecast.science.interpolation import Scene
from forecast.settings import PhenomenonSettings
from tests.horizons import Cover, around, clear, event, wall

SETTINGS = PhenomenonSettings()
MINUTE = np.timedelta64(1, "m")


def sunrise(cover: Cover, depth: float = 0.05) -> PhenomenonFeatures:
    """Return the sunrise of Zhaojiawa under haze of one optical depth."""
    dawn = event("sunrise", "zhaojiawa")
    assert dawn.centre is not None
    air = around(dawn.site, dawn.centre, cover)
    air = air.assign({OPTICAL_DEPTH: air["visibility_in_air"] * 0 + depth})
    return glow.derive([dawn], Scene(air, [dawn.site]), SETTINGS)


def shown(part: PhenomenonFeatures) -> xr.DataArray:
    """Return the chance minute by minute that the disk shows."""
    return part.evidence["sunrise"]["transmission"].isel(event=0)


VEIL = wall(-1, 1e7, top=10_500, base=9500, cover=0.5)  # cirrus from horizon to horizon


@pytest.mark.parametrize(("cover", "depth"), [(clear, 0.2), (VEIL, 0.05)], ids=["haze", "cirrus"])
def test_the_window_begins_with_the_first_minute_of_half_the_best_light(
    cover: Cover, depth: float
) -> None:
    part = sunrise(cover, depth)
    light = shown(part).values
    times = part.evidence["sunrise"]["time"].isel(event=0).values

    bright = light >= 0.5 * np.nanmax(light)
    assert 0 < bright.argmax() < len(light) - 1
    assert part.values["best_start"][0] == times[bright.argmax()]
    assert part.values["best_end"][0] == times[bright][-1] + MINUTE


def test_behind_a_veil_of_cirrus_the_disk_is_dimmed_and_keeps_its_window() -> None:
    veiled = sunrise(VEIL)

    assert 0.1 < np.nanmax(shown(veiled).values) < 0.75
    assert not np.isnat(veiled.values["best_start"][0])


def test_a_disk_that_is_lost_in_haze_as_it_clears_the_horizon_has_no_window() -> None:
    """Below 5 % of its light nothing is published, though it may be seen when it stands higher."""
    lost = sunrise(clear, 0.3)

    assert lost.values["disk_transmission"][0] < 0.05
    assert np.nanmax(shown(lost).values) > 0.9
    assert np.isnat(lost.values["best_start"][0])
    assert np.isnat(lost.values["best_end"][0])
