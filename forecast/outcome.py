"""What was really seen of an event: a noun of the service, read from forecast.domain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

# The exclusive states of a sea-of-clouds morning; their probabilities add to 1.
CLOUD_SEA_STATES = ("sea", "in_cloud", "overcast", "open")

# The sources of outcomes, the most trusted first. A visitor's report counts once somebody at the
# desk has accepted it or three visitors agree.
OUTCOME_SOURCES = ("observer", "camera", "station", "visitor", "analysis")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was observed of an event; reports of the five sources are kept apart.

    degree: 0 none, 0.5 partial, 1 full; NaN if the source does not show it. amount: a measurement
    (new snow [m], gap to the deck [m] ...), NaN without one. vividness: of a glow, 0-2, NaN if not
    reported. state: sea of clouds only, one of CLOUD_SEA_STATES. reporter: an observer, a camera or
    a station within the source.
    """

    phenomenon: str
    site: str
    day: date
    degree: float
    source: str
    state: str = ""
    amount: float = float("nan")
    detail: str = ""
    reporter: str = ""
    vividness: float = float("nan")
