"""The night of a starry sky as a whole: cover, dry air and rain in evening, night and morning.

The best window says how good the best hours look in one run; far ahead the run does not know which
hours these are. The cloud, rain and dry air of all the hours around the middle of the night say
more about the chance that some of them are clear (tests/science/night_sky.py). Moments are whole
hours before and after the middle of the dark window, OFFSETS.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from forecast.domain import Event, Window
from forecast.phenomena.weather import amount_of_precipitation, mean, spans
from forecast.science.interpolation import Index, Scene, Times
from forecast.science.site_profiles import air_at
from forecast.science.thermodynamics import Array, dew_point

REACH, NIGHT = 8, 4  # [h] from the middle of the night: to the farthest moment, to the night's ends
OFFSETS = np.arange(-REACH, REACH + 1)  # [h]
PARTS = {"evening": OFFSETS < -NIGHT, "night": np.abs(OFFSETS) <= NIGHT, "morning": OFFSETS > NIGHT}
HOUR = np.timedelta64(1, "h")
WET = 0.1  # [kg m-2 h-1] from which an hour has rain, as in a rain probability


def moments_around(start: Times, end: Times) -> Times:
    """Return the moments of each night (event, moment), OFFSETS from its middle."""
    middle = start + (end - start) // 2
    return np.asarray(middle[:, None] + OFFSETS.astype("timedelta64[h]"))


def hours_read(window: Window) -> tuple[datetime, datetime]:
    """Return the first and last moment that the features of a night read, of its dark window.

    Rain is that of the hour before each moment.
    """
    middle = window.start + (window.end - window.start) / 2
    return middle - timedelta(hours=REACH + 1), middle + timedelta(hours=REACH)


def of_moments(cover: Array, depression: Array, clear: float) -> dict[str, Array]:
    """Return the features of nights (event) from values at OFFSETS (event, moment).

    cover: of the sky [1]; depression: of the dew point [K]; clear: cover of a clear hour. Means are
    of the known moments, NaN where there is none.
    """
    night = PARTS["night"]
    is_clear = np.where(np.isnan(cover), np.nan, np.round(cover, 3) <= clear)
    covers = {f"{part}_sky_cover": mean(cover[:, hours]) for part, hours in PARTS.items()}
    return covers | {
        "night_clear_share": mean(is_clear[:, night]),
        "night_dew_point_depression": mean(depression[:, night]),
    }


def of_rain(chance: Array) -> dict[str, Array]:
    """Return the rain probabilities of nights (event) from those of hours (event, moment) [1]."""
    return {f"{part}_rain_probability": mean(chance[:, hours]) for part, hours in PARTS.items()}


def rain_probabilities(events: Sequence[Event], members: Sequence[Scene]) -> dict[str, Array]:
    """Return the rain probabilities of nights (event): the part of the members with a wet hour.

    An amount over several hours counts as spread evenly over them.
    """
    wet = []
    for scene in members:
        rows, start, end = spans(events, scene)
        times = moments_around(start, end)
        fallen = [amount_of_precipitation(scene, rows, until - HOUR, until)[0] for until in times.T]
        amounts = np.round(np.stack(fallen, axis=1), 3)
        wet.append(np.where(np.isnan(amounts), np.nan, amounts >= WET))
    return of_rain(mean(np.stack(wet, axis=1)))


def derive(scene: Scene, rows: Index, times: Times, cover: Array, clear: float) -> dict[str, Array]:
    """Return the features of each night (event) from a run.

    times: `moments_around` (event, moment); cover: of the sky at them [1]. A single run has no rain
    probability: forecast/issue/night_evidence.py sets it from the members of an ensemble. Air and
    rain are given where the cover is.
    """
    air = air_at(scene, rows, times)
    depression = air["temperature"] - dew_point(air["temperature"], air["humidity"])
    values = of_moments(cover, np.where(np.isnan(cover), np.nan, depression), clear)
    known = np.isfinite(values["night_sky_cover"])
    fallen, _ = amount_of_precipitation(scene, rows, times[:, 0] - HOUR, times[:, -1])
    return values | {"night_rain": np.where(known, fallen, np.nan)} | of_rain(cover * np.nan)
