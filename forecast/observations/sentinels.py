"""Numbers that mean "no value" in counters and loggers, and are no measurement."""

from __future__ import annotations

import numpy as np

from forecast.observations.cloud_scale import CLOUDS
from forecast.observations.formats.units import conversion, units_of
from forecast.observations.report_table import INDEX, Floats, Mask

# fmt: off
# Numbers that mean "no value" or "overflow" in 16- and 32-bit counters.
SENTINELS = (65535.0, 65534.0, 65536.0, 32767.0, 32766.0, -32768.0, -32767.0, 2147483647.0,
             -2147483648.0, 4294967295.0)
# The same counter codes in tenths and hundredths.
SCALED_SENTINELS = (3276.7, 327.67, -3276.8, -327.68, 6553.5)
# The same, that elements of NINES_POSSIBLE can have as values.
SCALED_POSSIBLE = (655.35, 655.3)
# Numbers that mean "no value" in loggers.
NINES = (999.0, 999.9, 999.99, 9999.0, 9999.9, 99999.0, 99999.9, 999999.0, -999.0, -999.9, -9999.0,
         -9999.9, 6999.0, 7999.0, 8888.0, 88888.0)
# Elements that can have such a value: METAR and the services give 9999 m of visibility.
NINES_POSSIBLE = frozenset((
    "visibility_in_air", "negative_oxygen_ions", "cloud_base_height", "cloud_below_top_altitude",
    "present_weather", "air_pressure", "air_pressure_at_mean_sea_level",
))
# fmt: on

# [%] of cloud: the number for no value of loggers that write two digits (check)
CLOUD_CODE = 99.0


def sentinel_check(values: Floats) -> Mask:
    """Return which `values` (row, element) are codes for no value, in the units of the format."""
    found = np.zeros(values.shape, dtype=bool)
    reported = np.asarray(np.isfinite(values).any(axis=0), dtype=bool)
    for name, column in INDEX.items():
        if not reported[column]:
            continue
        codes: tuple[float, ...] = SENTINELS + SCALED_SENTINELS
        if name not in NINES_POSSIBLE:
            codes += SCALED_POSSIBLE + NINES
        units: dict[tuple[float, float], tuple[float, ...]] = {conversion(name): codes}
        if not name.startswith("air_pressure"):  # 65535 Pa is a pressure at 3,500 m
            units |= {unit: SENTINELS for unit in units_of(name).values() if unit not in units}
        if name in CLOUDS:
            found[:, column] |= np.isclose(values[:, column], CLOUD_CODE / 100, atol=1e-6)
        for (factor, offset), given_codes in units.items():
            given = (values[:, column] - offset) / factor
            found[:, column] |= np.isin(np.round(given, 4), given_codes)
    return found
