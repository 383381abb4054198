"""Meteor showers near their maximum on a night, by the sun's longitude, which does not drift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from forecast.domain import MeteorShower


@dataclass(frozen=True, slots=True)
class _Peak:
    """A yearly shower.

    longitude: of the sun [degree, J2000] at the maximum; either_side [degree, about a day]: how far
    from it a night still counts; radiant: right ascension and declination [degree]; hourly_rate:
    zenithal hourly rate [h-1].
    """

    id: str
    longitude: float
    either_side: float
    radiant: tuple[float, float]
    hourly_rate: int


# Source: International Meteor Organization, Meteor Shower Calendar 2021, table 5: showers of ten
# and more an hour at 40 N. How long each stays above about half its rate is rounded (check);
# 0.7 at least, so that no maximum falls between two nights.
# fmt: off
PEAKS = (
    _Peak("quadrantids", 283.15, 0.7, (230.0, 49.0), 110),
    _Peak("lyrids", 32.32, 1.0, (271.0, 34.0), 18),
    _Peak("eta_aquariids", 45.5, 2.0, (338.0, -1.0), 50),
    _Peak("delta_aquariids", 127.0, 2.0, (340.0, -16.0), 25),
    _Peak("perseids", 140.0, 1.5, (48.0, 58.0), 100),
    _Peak("orionids", 208.0, 2.0, (95.0, 16.0), 20),
    _Peak("leonids", 235.27, 0.8, (152.0, 22.0), 10),
    _Peak("geminids", 262.2, 1.0, (112.0, 33.0), 150),
    _Peak("ursids", 270.7, 0.7, (217.0, 76.0), 10),
)
# fmt: on

LEAST_ALTITUDE = 20.0  # [degree] that a radiant must reach when it culminates


def solar_longitude(moment: datetime) -> float:
    """Return the sun's ecliptic longitude [degree, equinox J2000] at `moment` (aware).

    Good to 0.01 degrees from 1950 to 2050. Source: Astronomical Almanac, low-precision formulas for
    the sun (page C5); precession 50.29 arc-seconds a year.
    """
    days = (moment - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400
    anomaly = np.radians(357.528 + 0.9856003 * days)
    of_date = 280.460 + 0.9856474 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly)
    return float((of_date - 50.29 / 3600 * days / 365.25) % 360)


def showers_at(middle: datetime, latitude: float) -> tuple[MeteorShower, ...]:
    """Return the showers near their maximum in the night around `middle` (aware), strongest first.

    Only those whose radiant rises high enough at `latitude` [degree].
    """
    near = _near(middle.replace(minute=0, second=0, microsecond=0))
    visible = [peak for peak in near if 90 - abs(latitude - peak.radiant[1]) >= LEAST_ALTITUDE]
    return tuple(MeteorShower(peak.id, peak.hourly_rate) for peak in visible)


@lru_cache(maxsize=4096)
def _near(hour: datetime) -> tuple[_Peak, ...]:
    """Return the showers near their maximum at an hour: the same for every site."""
    longitude = solar_longitude(hour)
    near = [
        peak
        for peak in PEAKS
        if abs((longitude - peak.longitude + 180) % 360 - 180) <= peak.either_side
    ]
    return tuple(sorted(near, key=lambda peak: -peak.hourly_rate))
