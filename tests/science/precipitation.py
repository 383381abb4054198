"""Snow or rain in Beijing: hours of the airport's record 2010-2014, by the wet bulb of its air.

Hours in which only snow or only rain is counted on, within 4 K of 0 degC (beyond, every rule is
right). Temperature and dew point are whole degrees. Lines from all to none are fitted on the even
years, by wet bulb and by temperature, and are tried on the odd ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from forecast.science.precipitation_type import ALL_SNOW, NO_SNOW, precipitation_types
from forecast.science.thermodynamics import FREEZING, saturation_vapour_pressure, wet_bulb
from tests.science.claims import Claim

NEAR = 4.0  # [K]
# [degC], [K] of the lines tried
MIDDLES, HALVES = np.arange(-0.5, 2.6, 0.1), np.arange(0.25, 1.6, 0.25)


def claims(shared: Path) -> list[Claim]:
    """Return what is claimed of the kind of precipitation, measured."""
    hours = near_freezing(shared)
    fitted, tried = hours[hours.year % 2 == 0], hours[hours.year % 2 == 1]
    wet, dry = best_line(fitted.bulb, fitted.snow), best_line(fitted.temperature, fitted.snow)
    given = {
        "ours": precipitation_types(FREEZING + tried.bulb.to_numpy()).snow,
        "refitted": line(tried.bulb, *wet),
        f"temperature, half at {dry[0]:.1f} degC": line(tried.temperature, *dry),
        "climatology": np.full(len(tried), fitted.snow.mean()),
    }  # fmt: skip
    brier = {name: float(np.mean((part - tried.snow) ** 2)) for name, part in given.items()}
    wrong = {name: float(np.mean((part >= 0.5) != tried.snow)) for name, part in given.items()}
    held = (ALL_SNOW + NO_SNOW) / 2 - FREEZING, (NO_SNOW - ALL_SNOW) / 2
    rivals = ", ".join(f"{name} {value:.3f}" for name, value in list(brier.items())[1:])
    return [
        Claim("snow", "snow or rain at Beijing by the wet bulb, Brier score",
              f"{brier['ours']:.3f}, {wrong['ours']:.1%} wrong", len(tried),
              rivals,
              brier["ours"] < 0.5 * brier["climatology"]
              and brier["ours"] < 1.1 * min(brier.values())),
        Claim("snow", "  line refitted on the even years: half at [degC], to either side [K]",
              f"{wet[0]:.1f} {wet[1]:g}", len(fitted),
              f"in use {held[0]:g} {held[1]:g}", abs(wet[0] - held[0]) <= 0.3),
    ]  # fmt: skip


def near_freezing(shared: Path) -> pd.DataFrame:
    """Return the hours of snow or of rain near freezing: year, temperature and wet bulb [degC],
    whether it snowed.
    """
    record = pd.read_csv(shared / "obs" / "beijing_uci381_2010_2014.csv.gz")
    record = record[((record.Is > 0) != (record.Ir > 0)) & (record.TEMP.abs() <= NEAR)]
    temperature, dew_point = FREEZING + record.TEMP.to_numpy(), FREEZING + record.DEWP.to_numpy()
    humidity = saturation_vapour_pressure(dew_point) / saturation_vapour_pressure(temperature)
    bulb = wet_bulb(temperature, humidity, 100 * record.PRES.to_numpy())
    return pd.DataFrame(
        {
            "year": record.year,
            "temperature": record.TEMP,
            "bulb": bulb - FREEZING,
            "snow": record.Is > 0,
        }
    )


def line(celsius: pd.Series, middle: float, half: float) -> np.ndarray:
    """Return the part [1] that is snow: all up to `middle` less `half`, none from `middle` and
    `half` on.
    """
    return np.clip((middle + half - celsius.to_numpy()) / (2 * half), 0, 1)


def best_line(celsius: pd.Series, snow: pd.Series) -> tuple[float, float]:
    """Return the middle and the half width of the line with the least Brier score."""
    tried = [(float(middle), float(half)) for middle in MIDDLES for half in HALVES]
    return min(tried, key=lambda ends: float(np.mean((line(celsius, *ends) - snow) ** 2)))
