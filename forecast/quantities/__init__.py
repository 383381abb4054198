"""The catalogue: fields read from a model, features of an event, elements of a station, thresholds.

Each has its module. A name that other modules use is imported from here.
"""

from forecast.quantities.elements import ELEMENTS
from forecast.quantities.features import (
    EVERY,
    FEATURES,
    GLOW,
    SEA,
    SNOW,
    STARS,
    Feature,
    features_of,
)
from forecast.quantities.fields import CLOSE_LEVELS, DEFAULT_FIELDS, FIELDS, STATISTICS, Field, Key
from forecast.quantities.thresholds import (
    CLEAR_GAP,
    DARK_ENOUGH,
    DECK_COVER,
    FREEZING,
    LEAST_FREEZING_RAIN,
    LEAST_GLOW,
    LEAST_WRITTEN,
    MOST_WRITTEN,
    OVERCAST,
    RIME_FORMS,
    RIME_STAYS,
    SNOW_CLASSES,
    SNOWMAKING_EXCELLENT,
    SNOWMAKING_GOOD,
    SNOWMAKING_STARTS,
    grade_of,
    published_probability,
    yes_threshold,
)

__all__ = [
    "CLEAR_GAP",
    "CLOSE_LEVELS",
    "DARK_ENOUGH",
    "DECK_COVER",
    "DEFAULT_FIELDS",
    "ELEMENTS",
    "EVERY",
    "FEATURES",
    "FIELDS",
    "FREEZING",
    "GLOW",
    "LEAST_FREEZING_RAIN",
    "LEAST_GLOW",
    "LEAST_WRITTEN",
    "MOST_WRITTEN",
    "OVERCAST",
    "RIME_FORMS",
    "RIME_STAYS",
    "SEA",
    "SNOW",
    "SNOWMAKING_EXCELLENT",
    "SNOWMAKING_GOOD",
    "SNOWMAKING_STARTS",
    "SNOW_CLASSES",
    "STARS",
    "STATISTICS",
    "Feature",
    "Field",
    "Key",
    "features_of",
    "grade_of",
    "published_probability",
    "yes_threshold",
]
