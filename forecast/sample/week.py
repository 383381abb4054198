"""The sample weather of a week, for the demonstration: two episodes of scene.py in a row.

    days 0 to 2    the standard episode: a sea of clouds, the front with the first snow, a glow,
                   a clear night that is moonless where the moon sets early or rises late
    day 3          cold and clear at dawn; then the demonstration has no data       MISSING DATA
    dawn 4         a shallow deck at 800 m                                          SEA OF CLOUDS
    day 5          a second front with a gale and heavy snow                        DANGEROUS
    night 5 / 6    clear and cold                                                   STARS
    day 6          high pressure, nothing but sun                                   UNEVENTFUL

The episodes change into each other in the daytime of day 3: every field goes from one to the other
along a smooth step. Precipitation needs none: none falls then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

import numpy as np

from forecast.domain import as_utc
from forecast.sample.region import Region
from forecast.sample.scenario import RunStart
from forecast.sample.scene import Fields, Variation, Weather
from forecast.sample.smooth_steps import ramp
from forecast.sample.timetable import LOCAL
from forecast.science.thermodynamics import Array

SECOND = 3  # the local day after the run's on which the second episode begins
# [h] of the run's local day: the change from one to the other begins and ends
CHANGE = (24.0 * SECOND + 8, 24.0 * SECOND + 18)
STORM = Variation(deck_top=800.0, canvas=(0.0, 0.0), deep_deck=0.0, wind=30.0, amount=2.0)


class Week:
    """The sample weather of a run over a region for eight days.

    It has the interface of scene.Weather; hours are forecast hours.
    """

    timetable = RunStart()

    def __init__(self, run: datetime, region: Region) -> None:
        local = as_utc(run, "the run").astimezone(LOCAL)
        second = datetime.combine(local.date() + timedelta(days=SECOND), time(), LOCAL)
        self._first = Weather(run, region)
        self._second = Weather(second, region, STORM)
        self._start = self._first.timetable.start
        self._covers: dict[float, Fields] = {}  # by forecast hour: neighbouring spans share theirs

    def fields(self, step: float) -> Fields:
        """Return every field for forecast hour `step`."""
        return self._mixed(step, Weather.fields)

    def fallen(self, since: float, until: float) -> Array:
        """Return precipitation [kg m-2] between two forecast hours."""
        first, second = (np.array([since, until]) + self._start for _ in range(2))
        second = second - 24 * SECOND
        return self._first.fallen(*first) + self._second.fallen(*second)

    def mean_covers(self, first: int, step: int) -> Fields:
        """Return mean cloud covers [1] from forecast hour `first` to `step`.

        The trapezoidal rule over spans of at most 3 h.
        """
        hours = np.linspace(first, step, -(-(step - first) // 3) + 1).tolist()
        weights = np.array([0.5, *[1.0] * (len(hours) - 2), 0.5]) / (len(hours) - 1)
        for hour in hours:
            if hour not in self._covers:
                self._covers[hour] = self._mixed(hour, _covers)
        samples = [self._covers[hour] for hour in hours]
        return {
            name: sum(
                weight * sample[name] for weight, sample in zip(weights, samples, strict=True)
            )
            for name in samples[0]
        }

    def _mixed(self, step: float, read: Callable[[Weather, float], Fields]) -> Fields:
        """Return what `read` finds at a forecast hour, mixed of both episodes while they change."""
        hour = self._start + step
        share = float(ramp(hour, *CHANGE))
        begin = 24.0 * SECOND
        if share == 0:
            return read(self._first, step)
        later = read(self._second, hour - begin)
        if share == 1:
            return later
        earlier = read(self._first, step)
        return {name: (1 - share) * earlier[name] + share * later[name] for name in earlier}


def _covers(weather: Weather, step: float) -> Fields:
    return weather.covers(weather.timetable.start + step)
