"""A scenario: many days of sample weather for a simulation, with forecast errors.

The calendar is cut into episodes of three days. Each repeats the weather of scene.py with its own
strength of each piece of moisture, height of the deck and hour of the front. They are drawn from a
generator seeded by SEED and the episode's date: a date has the same weather in every run, on every
machine.

The error of a run grows with lead time. Each strength is a standard normal number u; a run uses
u + e, where e is normal with a standard deviation of ANALYSIS plus GROWTH for each hour of lead,
seeded by SEED, the episode and the run. The first hours are close to the truth; two days ahead a
run is often wrong. Skill measured on a scenario shows that the software works, nothing about the
atmosphere. At the midnight between two episodes the weather jumps.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

import numpy as np

from forecast.domain import as_utc
from forecast.sample.region import Region
from forecast.sample.scene import Fields, Variation, Weather
from forecast.sample.smooth_steps import ramp
from forecast.sample.timetable import LOCAL
from forecast.science.thermodynamics import Array

SEED = 20261122
EPISODE = 3  # [day] length of an episode
# [1] standard deviation of the error of u at the run's start; [h-1] its growth with lead
ANALYSIS, GROWTH = 0.03, 0.012
# [h] for each number drawn: the hour of the episode at which it matters
PIECES = {
    "stratus": 31.0,
    "front": 50.0,
    "deep_deck": 55.0,
    "canvas_1": 41.0,
    "canvas_2": 65.0,
    "deck_top": 31.0,
    "delay": 48.0,
}
HALF = 0.35  # [1] a piece grows from none to full strength as u goes from -HALF to HALF
DECK, DECK_SPREAD = 1100.0, 300.0  # [m] mean height of the deck's top; for each unit of u
LATE_SPREAD = 1.5  # [h] delay of the front for each unit of u


class RunStart(NamedTuple):
    """The clock of a scenario: its hours are forecast hours."""

    start: float = 0.0


def episode_of(moment: datetime) -> date:
    """Return the first local day of the episode in which a moment lies."""
    day = as_utc(moment).astimezone(LOCAL).date()
    return day - timedelta(days=day.toordinal() % EPISODE)


def truth(first: date) -> Array:
    """Return the true numbers u of an episode, one for each of PIECES."""
    return np.random.default_rng([SEED, first.toordinal()]).standard_normal(len(PIECES))


def known(first: date, run: datetime) -> Variation:
    """Return an episode as a run forecasts it: the truth with errors that grow with lead time."""
    begin = datetime.combine(first, time(), LOCAL)
    lead = np.array(
        [max(0.0, hour - (run - begin) / timedelta(hours=1)) for hour in PIECES.values()]
    )
    seed = [SEED, first.toordinal(), int(as_utc(run).timestamp()) // 3600]
    error = (ANALYSIS + GROWTH * lead) * np.random.default_rng(seed).standard_normal(len(PIECES))
    u = dict(zip(PIECES, (truth(first) + error).tolist(), strict=True))
    strength = {name: float(ramp(value, -HALF, HALF)) for name, value in u.items()}
    return Variation(
        strength["stratus"],
        strength["front"],
        strength["deep_deck"],
        (strength["canvas_1"], strength["canvas_2"]),
        DECK + DECK_SPREAD * float(np.clip(u["deck_top"], -1.5, 1.5)),
        LATE_SPREAD * float(np.clip(u["delay"], -1.5, 1.5)),
    )


class Scenario:
    """The weather of many days over a region as one run forecasts it.

    It has the interface of scene.Weather; hours are forecast hours.
    """

    timetable = RunStart()

    def __init__(self, run: datetime, region: Region) -> None:
        self.run = as_utc(run)
        self._region = region
        self._episode = cache(self._weather_of)

    def fields(self, step: float) -> Fields:
        """Return every field for forecast hour `step`."""
        weather, hour = self._at(step)
        return weather.fields(hour - weather.timetable.start)

    def fallen(self, since: float, until: float) -> Array:
        """Return precipitation [kg m-2] between two forecast hours."""
        total: Array = np.zeros_like(self._at(since)[0].ground)
        while since < until:
            weather, hour = self._at(since)
            here = min(until - since, EPISODE * 24 - hour)
            total = total + weather.fallen(hour, hour + here)
            since += here
        return total

    def mean_covers(self, first: int, step: int) -> Fields:
        """Return mean cloud covers [1] from forecast hour `first` to `step`.

        The trapezoidal rule over spans of at most 3 h.
        """
        hours = np.linspace(first, step, -(-(step - first) // 3) + 1).tolist()
        weights = np.array([0.5, *[1.0] * (len(hours) - 2), 0.5]) / (len(hours) - 1)
        samples = [weather.covers(hour) for weather, hour in map(self._at, hours)]
        return {
            name: sum(
                weight * sample[name] for weight, sample in zip(weights, samples, strict=True)
            )
            for name in samples[0]
        }

    def _at(self, step: float) -> tuple[Weather, float]:
        """Return the weather of the episode that contains a forecast hour, and the hour in it."""
        moment = self.run + timedelta(hours=step)
        weather, begin = self._episode(episode_of(moment))
        return weather, (moment - begin) / timedelta(hours=1)

    def _weather_of(self, first: date) -> tuple[Weather, datetime]:
        begin = datetime.combine(first, time(), LOCAL).astimezone(UTC)
        return Weather(begin, self._region, known(first, self.run)), begin
