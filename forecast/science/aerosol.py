"""Aerosol in the air: the field that gives its depth and the law by which it swells with humidity.

The night sky and the light of a glow read both. Each keeps its own scale height, which belongs to
the profile it was measured with.
"""

from __future__ import annotations

import numpy as np

from forecast.science.thermodynamics import HAZE_WETTEST, Array

# [1] at 550 nm: GEFS-Aerosol, CAMS
OPTICAL_DEPTH = "atmosphere_optical_thickness_due_to_ambient_aerosol_particles"
# [1] extinction grows as (1 - RH) to minus this power. Source: Kasten 1969, Tellus 21, 631; Haenel
# 1976, Adv. Geophys. 19
HUMIDITY_GROWTH = 0.5


def humidity_growth(humidity: Array | float, driest: float = 0.0) -> Array:
    """Return the extinction of aerosol at `humidity` [1] relative to that at humidity `driest` [1].

    Humidity below `driest` counts as `driest`, above HAZE_WETTEST as HAZE_WETTEST. NaN in, NaN out.
    Source: Kasten 1969, Tellus 21, 631.
    """
    dry_part = (1 - np.clip(humidity, driest, HAZE_WETTEST)) / (1 - driest)
    return np.asarray(dry_part**-HUMIDITY_GROWTH)
