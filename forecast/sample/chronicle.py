"""Weather of many days for a simulation: the story of forecast/sample/scene.py again and again,
each time otherwise, with forecast errors.

The calendar is cut into episodes of three days. In each the story is told with pieces of its own
strength, a deck of its own height and a front of its own hour, drawn from a generator seeded by
SEED and the episode's date: the same date has the same weather in every run, on every machine. A
run knows them the worse the further ahead they lie: each strength is a number u, standard normal in
truth, of which a run knows u + e, where e is normal with a spread of ANALYSIS at once and GROWTH
more each hour of lead, seeded by SEED, the episode and the run. So what a run tells of its first
hours is close to the truth, and two days ahead it is often wrong. This is not the atmosphere, and
skill measured on it says that the machinery works, nothing more. At the midnight between two
episodes the weather jumps.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

import numpy as np

from forecast.domain import as_utc
from forecast.sample.scene import LOCAL, Fields, Region, Variation, Weather, ramp
from forecast.science.thermodynamics import Array

SEED = 20261122
EPISODE = 3  # days
ANALYSIS, GROWTH = 0.03, 0.012  # spread of what a run does not know: at once, and more each hour
# What is drawn, and the hour of the story by which it matters.
PIECES = {
    "stratus": 31.0,
    "front": 50.0,
    "deep_deck": 55.0,
    "canvas_1": 41.0,
    "canvas_2": 65.0,
    "deck_top": 31.0,
    "delay": 48.0,
}
HALF = 0.35  # u from -HALF to HALF brings a piece from nothing to all of it
DECK, DECK_SPREAD = 1100.0, 300.0  # [m]
LATE_SPREAD = 1.5  # [h]


class Start(NamedTuple):
    """When a telling begins: hours are counted from the run itself."""

    start: float = 0.0


def episode_of(moment: datetime) -> date:
    """Return the first local day of the episode in which a moment lies."""
    day = as_utc(moment).astimezone(LOCAL).date()
    return day - timedelta(days=day.toordinal() % EPISODE)


def truth(first: date) -> Array:
    """Return what is true of an episode: a standard normal number for each of PIECES."""
    return np.random.default_rng([SEED, first.toordinal()]).standard_normal(len(PIECES))


def known(first: date, run: datetime) -> Variation:
    """Return how a run tells an episode: the truth with errors that grow with the lead."""
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
    """The weather of many days over a region as one run knows it; the face of scene.Weather, hours
    counted from the run.
    """

    story = Start()

    def __init__(self, run: datetime, region: Region) -> None:
        self.run = as_utc(run)
        self._region = region
        self._episode = cache(self._told)

    def fields(self, step: float) -> Fields:
        """Return every field for forecast hour `step`."""
        weather, hour = self._at(step)
        return weather.fields(hour - weather.story.start)

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
        """Return mean cloud covers [1] from forecast hour `first` to `step`, by the trapezoidal
        rule over spans of at most 3 h.
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
        """Return the weather of the episode in which a forecast hour lies, and the hour of its
        story.
        """
        moment = self.run + timedelta(hours=step)
        weather, begin = self._episode(episode_of(moment))
        return weather, (moment - begin) / timedelta(hours=1)

    def _told(self, first: date) -> tuple[Weather, datetime]:
        begin = datetime.combine(first, time(), LOCAL).astimezone(UTC)
        return Weather(begin, self._region, known(first, self.run)), begin
