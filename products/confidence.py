"""How sure is a forecast, and does it say more than the season does?"""

from __future__ import annotations

from types import MappingProxyType

from forecast.domain import Forecast

LOW, MEDIUM, HIGH = 1, 2, 3  # Forecast.confidence
# [1] at low confidence, a probability so near the usual frequency says no more than it
NEAR_USUAL = 0.05
# [1] by which a less sure forecast must be likelier to be preferred: half a clear difference
# (entries.CLEARLY_BETTER), and a whole one
DISCOUNT = MappingProxyType({MEDIUM: 0.05, LOW: 0.10})


def as_usual(forecast: Forecast) -> bool:
    """Return whether a forecast says no more than is usual at the site in that month.

    Never where a forecaster gave the probability.
    """
    return (
        forecast.known
        and not (forecast.change is not None and forecast.change.moved)
        and forecast.confidence == LOW
        and abs(forecast.probability - forecast.usual) <= NEAR_USUAL + 1e-9
    )


def weighed(forecast: Forecast) -> float:
    """Return the probability less the discount of its confidence, by which forecasts compete."""
    return forecast.probability - DISCOUNT.get(forecast.confidence, 0.0)
