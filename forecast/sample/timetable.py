"""When the events of the sample weather happen: hours since the first local midnight of a run.

Sun times come from a rough formula on purpose: an error in forecast/science/almanac.py does not
move the weather along with itself.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple

import numpy as np

from forecast.domain import as_utc

LOCAL = timezone(timedelta(hours=8))
CENTRE = (40.0, 115.7)  # [degree] latitude, longitude: the middle of the sites


class Sun(NamedTuple):
    """Rough sun times of a local day [h since midnight] and the azimuth of sunset [degree]."""

    rise: float
    set: float
    azimuth: float


def sun_of(day: date) -> Sun:
    """Return sunrise and sunset at the sites, good to 20 minutes and 2 degrees.

    Source: declination by Cooper 1969, Solar Energy 12, 333; no equation of time.
    """
    latitude = np.radians(CENTRE[0])
    declination = np.radians(23.45 * np.sin(2 * np.pi * (284 + day.timetuple().tm_yday) / 365))
    altitude = np.radians(-0.833)
    high = (np.sin(altitude) - np.sin(latitude) * np.sin(declination)) / (
        np.cos(latitude) * np.cos(declination)
    )
    half = float(np.degrees(np.arccos(high))) / 15
    noon = 12 + (120 - CENTRE[1]) / 15
    azimuth = 360 - float(np.degrees(np.arccos(np.sin(declination) / np.cos(latitude))))
    return Sun(noon - half, noon + half, azimuth)


class Timetable:
    """The times of the sample weather [h] since the midnight that begins the run's local day."""

    def __init__(self, run: datetime) -> None:
        local = as_utc(run, "the run").astimezone(LOCAL)
        self.today = local.date()
        self.start = local.hour + local.minute / 60
        suns = [sun_of(self.today + timedelta(days=day)) for day in range(4)]
        self.rise = [24 * day + sun.rise for day, sun in enumerate(suns)]
        self.set = [24 * day + sun.set for day, sun in enumerate(suns)]
        self.azimuth = suns[1].azimuth
        self.arrival = 48.0  # the front reaches the sites
        self.clearing = self.rise[2] + 1.0  # its rear leaves them

    def day(self, number: int) -> date:
        """Return the local date `number` days after the run's local day."""
        return self.today + timedelta(days=number)
