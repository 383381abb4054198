"""Physics rules: for each phenomenon, which features change the odds, and by how much.

A rule is a sum in log-odds: p = 1 / (1 + exp(-(base + sum of effects))). `base` is the log-odds of
a day with no known feature (its climatology). An effect is a piecewise linear function of the
feature's value, constant beyond its ends, and 0 for a neutral value. A missing feature has no
effect, so that the probability stays near climatology. The sea of clouds has four exclusive states:
one sum for each, then softmax.
Figures marked (check) are starting values that data must confirm; see the source named with each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.quantities import CLEAR_GAP, DARK_ENOUGH, DECK_COVER, OVERCAST
from forecast.science.precipitation_type import (
    ICE_ABSENT,
    ICE_CERTAIN,
    MELTING_ENDS,
    MELTING_STARTS,
)
from forecast.science.snowfall import RIME_COLD, SNOW_ENOUGH, chance_of_snow
from forecast.science.thermodynamics import Array


@dataclass(frozen=True, slots=True)
class Effect:
    """Effect of a feature on the log-odds: `line` is ((value in SI, effect), ...) by value.

    known_ahead: it follows from the almanac, so that the lead takes nothing of it.
    """

    feature: str
    line: tuple[tuple[float, float], ...]
    source: str
    known_ahead: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """base [logit], the effects, and the features without which the probability is NaN.

    parts: features that hold, in log-odds, what the effects of `needs` come from: reasons name
    these. The first of them answers for what holds of every draw (`BLOCKED`). at_run: the feature
    that holds the first of `needs` as with the errors of lead 0.
    """

    base: float
    effects: tuple[Effect, ...]
    needs: tuple[str, ...]
    parts: tuple[str, ...] = ()
    at_run: str = ""


# One entry a phenomenon; sea of clouds: one entry a state.
# fmt: off
STARS: dict[str, Rule] = {
    "starry_sky": Rule(
        # Clear enough in 63 % of the nights, whatever the moon: spectroscopic nights at Xinglong
        # (960 m, 120 km from the sites), Zhang et al. 2015, PASP 127, 1292
        # (models/shipped/climatology.csv).
        base=0.5,
        effects=(
            # A clear-sky forecast was right 82-89 % of the time, an overcast one 75-81 % (Clear Sky
            # Clock, science.md 1). The event needs a sky cover, every layer in full, of at most
            # 2/10, in part up to 3/10.
            Effect("sky_cover",
                   ((0.0, 1.8), (0.1, 1.5), (0.2, 0.8), (0.3, 0.0), (0.5, -1.2), (0.8, -2.0),
                    (1.0, -2.4)),
                   "science.md 1: the sky is to be clear; Clear Sky Clock"),
            Effect("cloud_for_stars", ((0.0, 0.0), (0.2, 0.0), (0.5, -1.2), (1.0, -2.8)),
                   "science.md 1: thick cloud takes all of the starlight, cirrus a third (check)"),
            Effect("clear_hours", ((0.0, -0.3), (1.0, -0.1), (2.0, 0.0), (4.0, 0.1), (8.0, 0.2)),
                   "science.md 1: long enough"),
            Effect("zenith_sky_brightness",
                   ((17.5, -9.0), (18.5, -8.5), (19.5, -7.0), (19.8, -5.0), (DARK_ENOUGH, -1.5),
                    (20.2, -0.5), (20.5, 0.0)),
                   "0.3 mag from the threshold the answer is sure: Krisciunas & Schaefer 1991 errs "
                   "by 8-23 %; tests/science/moonlit.py", known_ahead=True),
            Effect("dark_sky_share",
                   ((0.0, -2.0), (0.25, -1.7), (0.5, -1.3), (0.75, -0.8), (1.0, 0.0)),
                   "fewer hours to be clear: nights of New York City under the almanac's moon, "
                   "tests/science/moonlit.py", known_ahead=True),
            Effect("cloud_at_site", ((0.0, 0.1), (0.2, -0.3), (0.5, -1.5), (1.0, -3.0)),
                   "science.md 1: is the summit in cloud? (check)"),
            Effect("humidity_at_site", ((0.6, 0.1), (0.85, -0.2), (0.95, -0.7), (1.0, -1.0)),
                   "transparency: science.md 1 (check)"),
            Effect("dew_point_depression", ((0.0, -0.5), (2.0, -0.2), (5.0, 0.1)),
                   "fog on the summit, dew on lenses: science.md 1"),
            Effect("wind_speed_at_site", ((8.0, 0.0), (16.0, -0.4)),
                   "a gale caps a summit with cloud: science.md 1 (check)"),
            Effect("water_vapour_column", ((5.0, 0.2), (15.0, 0.0), (40.0, -0.4), (60.0, -0.7)),
                   "science.md 1: transparency (check)"),
            Effect("precipitation", ((0.0, 0.0), (0.2, -0.6), (2.0, -1.5), (10.0, -2.0)),
                   "rain in the night needs cloud (check)"),
            Effect("dark_hours", ((0.5, -2.5), (2.0, 0.0)), "science.md 1: long enough",
                   known_ahead=True),
        ),
        needs=("sky_cover", "zenith_sky_brightness"),
    ),
}
# fmt: on

# The base of a state is the logarithm of its frequency: sea .22 ("always no" is right on 78 % of
# mornings, science.md 2), in cloud .10, overcast .18, open .50 (check). Conditions are combined by
# vetoes: the absence of anything that a state requires takes three or more from its sum. With
# nothing else against it, a state is likeliest where the diagnosis names it: at DECK_COVER,
# CLEAR_GAP and OVERCAST the odds of two neighbouring states are even or nearly so. The filling of
# the valley is not in `needs`: columns too coarse to resolve a deck leave it unknown, and the
# probabilities then stay near the frequencies.
#
# Where a deck fills the valley and levels too far apart cannot place its top, cloud and humidity at
# the site are unknown too. The effects of `unplaced_deck` then make a sea as likely as one is seen
# under low cloud: 4 of 17 mornings at Wunvshan with a low cover of at least .3 (tests/science/sea);
# so in a deep saturated column; dry air above makes it likelier.
#
# A sea after a sea .23, after none .08 (1,078 verified mornings on another mountain: log-odds +1.1
# and -.2 against .09 of all); half of that, as the weather of the two mornings is alike (check).
# Two mornings on it would be .02 of correlation: the feature is the next morning's only.
_SEA_NEEDS = ("cloud_above_site",)
_UNPLACED_SEA, _UNPLACED_IN_CLOUD = -0.8, 1.6
# fmt: off
SEA_OF_CLOUDS: dict[str, Rule] = {
    "sea": Rule(
        base=-1.5,
        effects=(
            Effect("gap_to_deck",
                   ((-500.0, -2.5), (0.0, -1.5), (CLEAR_GAP, 0.0), (200.0, 0.4), (500.0, 0.6),
                    (800.0, 0.6), (2000.0, 0.3)),
                   "by how much the viewer stands above: science.md 2"),
            Effect("valley_area_filled",
                   ((0.0, -2.2), (DECK_COVER / 2, -1.2), (DECK_COVER, 0.5), (0.5, 0.8), (0.8, 0.9),
                    (1.0, 0.9)),
                   "the more of the ground below lies under cloud the better; that the viewer is "
                   "out of it is required below (check)"),
            Effect("cloud_at_site",
                   ((0.0, 0.1), (0.1, -0.1), (DECK_COVER, -1.0), (0.6, -2.4), (1.0, -3.4)),
                   "the viewer is not in cloud (check)"),
            Effect("humidity_at_site",
                   ((0.5, 0.2), (0.7, 0.1), (0.9, -0.4), (0.97, -0.9), (1.0, -1.1)),
                   "white wall (check)"),
            Effect("humidity_below", ((0.5, -0.9), (0.7, -0.3), (0.8, 0.2), (0.95, 0.4)),
                   "moist valleys: doi 10.3878/j.issn.1006-9585.2025.25032"),
            Effect("humidity_above", ((0.3, 0.3), (0.6, 0.1), (0.8, -0.3), (1.0, -0.6)),
                   "dry air above: doi 10.3878/j.issn.1006-9585.2025.25032"),
            Effect("humidity_700", ((0.4, 0.1), (0.6, 0.0), (0.9, -0.3)),
                   "dry air above: doi 10.3878/j.issn.1006-9585.2025.25032"),
            Effect("inversion", ((0.0, 0.0), (2.0, 0.2), (6.0, 0.4)),
                   "never a gate: reanalyses miss it (science.md 2)"),
            Effect("valley_dew_point_depression",
                   ((0.0, 0.2), (2.0, 0.1), (5.0, -0.3), (12.0, -0.7)), "science.md 2 (check)"),
            Effect("valley_humidity_trend", ((-7e-6, -0.2), (0.0, 0.0), (7e-6, 0.2)),
                   "0.3 in 12 h; science.md 2 (check)"),
            Effect("rain_before", ((0.0, 0.0), (1.0, 0.2), (10.0, 0.4)),
                   "rain, then clearing: science.md 2 (check)"),
            Effect("wind_speed_at_site", ((3.0, 0.1), (6.0, 0.0), (8.0, -0.2), (16.0, -0.8)),
                   "below 5-8 m s-1: science.md 2"),
            Effect("valley_wind_speed", ((1.0, 0.1), (4.0, 0.0), (10.0, -0.4)),
                   "science.md 2 (check)"),
            Effect("easterly_wind", ((-6.0, -0.2), (0.0, 0.0), (4.0, 0.3), (10.0, 0.3)),
                   "Beijing's upslope stratus: science.md 2"),
            Effect("vertical_velocity_700", ((-0.3, -0.2), (0.0, 0.0), (0.2, 0.2)),
                   "sinking caps the deck (check)"),
            # Neither is fitted; both were added after the finding that at Wunvshan less cloud above
            # goes with a sea (tests/science/sea.py).
            Effect("night_cloud", ((0.0, 0.3), (0.5, 0.0), (1.0, -0.2)),
                   "a clear night cools the valley: Brunt 1932 (check)"),
            Effect("cloud_above_site", ((0.0, 0.3), (0.3, 0.15), (0.6, 0.0)),
                   "a clear sky above is evidence against an overcast, not for an open valley "
                   "against a sea (check)"),
            Effect("ground_fog", ((0.0, 0.0), (1.0, -0.6)),
                   "fog on the ground without low cloud is too shallow: science.md 2 (check)"),
            Effect("unplaced_deck", ((0.0, 0.0), (1.0, _UNPLACED_SEA)),
                   "a sea under low cloud: 4 of 17 mornings (tests/science/sea.py)"),
            Effect("sea_yesterday", ((0.0, -0.14), (1.0, 0.68)),
                   "1,078 verified mornings on another mountain: half of their odds, over the "
                   "strength of the sea by which the sum is weighed (check)"),
        ),
        needs=_SEA_NEEDS,
    ),
    "in_cloud": Rule(
        base=-2.3,
        effects=(
            Effect("cloud_at_site",
                   ((0.0, -1.0), (0.1, 0.0), (DECK_COVER, 1.2), (0.6, 2.2), (1.0, 2.8)),
                   "cloud at the viewer's own height"),
            Effect("humidity_at_site",
                   ((0.5, -2.0), (0.8, -0.6), (0.9, 0.2), (0.97, 0.8), (1.0, 1.0)),
                   "saturated air at that height"),
            Effect("gap_to_deck",
                   ((-1500.0, -0.5), (-300.0, 0.5), (0.0, 0.8), (150.0, 0.6), (300.0, -0.2),
                    (500.0, -0.8), (800.0, -1.5)),
                   "the top of a deck errs by 100-200 m, and it rises with the day (check)"),
            Effect("unplaced_deck", ((0.0, 0.0), (1.0, _UNPLACED_IN_CLOUD)),
                   "a sea under low cloud: 4 of 17 mornings (tests/science/sea.py)"),
        ),
        needs=_SEA_NEEDS,
    ),
    "overcast": Rule(
        base=-1.7,
        effects=(
            Effect("cloud_above_site",
                   ((0.0, -2.2), (0.3, -1.2), (0.6, 0.0), (OVERCAST, 0.7), (0.9, 1.4), (1.0, 1.7)),
                   "the deck is above the viewer"),
            Effect("cloud_at_site", ((0.0, 0.2), (DECK_COVER, -0.5), (0.6, -1.1), (1.0, -1.7)),
                   "not around him (check)"),
            Effect("valley_area_filled",
                   ((0.0, 0.4), (DECK_COVER / 2, 0.2), (DECK_COVER, -0.9), (0.9, -1.4)),
                   "nor below him (check)"),
        ),
        needs=_SEA_NEEDS,
    ),
    "open": Rule(
        base=-0.7,
        effects=(
            Effect("valley_area_filled",
                   ((0.0, 0.6), (DECK_COVER / 2, 0.3), (DECK_COVER, -0.6), (0.5, -1.3),
                    (0.9, -2.0)),
                   "no deck in the valley"),
            Effect("cloud_above_site",
                   ((0.0, 0.6), (0.3, 0.3), (0.6, 0.0), (OVERCAST, -0.6), (0.9, -1.0), (1.0, -1.3)),
                   "nor above (check)"),
            Effect("cloud_at_site", ((0.0, 0.2), (DECK_COVER, -0.8), (0.6, -2.0), (1.0, -2.6)),
                   "nor around (check)"),
            Effect("humidity_below", ((0.4, 0.4), (0.7, 0.1), (0.85, -0.2), (1.0, -0.4)),
                   "dry air in the valley (check)"),
        ),
        needs=_SEA_NEEDS,
    ),
}
# fmt: on
# A glow and the disk have their forecast errors in the features: the part of many draws of cloud
# about the forecast in which there is one. The rule is that probability, as odds against that of
# the climate of cloud, added to the usual frequency (models/lead.py, in_features).
def _log_odds(probability: Array) -> Array:
    return np.asarray(np.log(probability / (1 - probability)))


_PARTS = np.array(
    (0.003, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.94, 0.97,
     0.99, 0.997)
)  # fmt: skip


# Part of the climate's draws below which haze or terrain, not cloud, stops the light: it counts as
# this, so that the draws of the forecast are not excused by it.
BLOCKED = 0.1


def _drawn(phenomenon: str, name: str, usual: float, parts: tuple[str, ...]) -> Rule:
    """Return the rule of a probability `name` over draws, which fail in `parts`.

    usual: of the climate's draws [1].
    """
    odds = np.round(_log_odds(_PARTS) - _log_odds(np.array(usual)), 2)
    climate = [
        (part, -moved)
        for part, moved in zip(_PARTS.tolist(), odds.tolist(), strict=True)
        if part >= BLOCKED
    ]
    return Rule(
        base=round(float(_log_odds(np.array(usual))), 2),
        effects=(
            Effect(
                name,
                tuple(zip(_PARTS.tolist(), odds.tolist(), strict=True)),
                f"the {phenomenon} over errors of cloud: forecast/phenomena/light_chances.py",
            ),
            Effect(
                f"climate_{name}", tuple(climate), "odds against the climate of cloud: Bayes' rule"
            ),
        ),
        needs=(name, f"climate_{name}"),
        parts=parts,
        at_run=f"{name}_at_run",
    )


# Part of the draws of the climate of cloud with a glow, and with the disk: `make science`,
# glow_errors, over the sea; it stands where no usual frequency is known.
CLIMATE_GLOW, CLIMATE_DISK = 0.24, 0.38
_GLOW_PARTS = ("haze_effect", "canvas_effect", "light_path_effect", "view_effect")
_DISK_PARTS = ("haze_effect", "upper_cloud_effect", "low_cloud_effect")
GLOW: dict[str, Rule] = {
    "sunset_glow": _drawn("glow", "glow_probability", CLIMATE_GLOW, _GLOW_PARTS),
    "sunrise_glow": _drawn("glow", "glow_probability", CLIMATE_GLOW, _GLOW_PARTS),
    "sunrise": _drawn("disk", "disk_probability", CLIMATE_DISK, _DISK_PARTS),
}

_SNOWFALL = -2.2
# [m]
_DEPTHS = (0.0, 0.001, 0.002, 0.0035, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)


# fmt: off
SNOW: dict[str, Rule] = {
    "snowfall": Rule(
        # a day of the snow season with at least 1 cm at 1400 m: one in ten (check against the
        # station's record)
        base=_SNOWFALL,
        effects=(
            # Without other effects, the probability is chance_of_snow(new_snow, 1 cm): the page's
            # chances of 5 and 10 cm lie below it.
            Effect("new_snow",
                   tuple((d,
                          round(float(_log_odds(chance_of_snow(np.array(d), 0.01))) - _SNOWFALL,
                                2)) for d in _DEPTHS),
                   "log-normal about the forecast, spread of ratio and water: "
                   "forecast/science/snowfall.py"),
            Effect("freezing_level_above_site",
                   ((MELTING_STARTS, 0.0), ((MELTING_STARTS + MELTING_ENDS) / 2, -0.4),
                    (MELTING_ENDS, -1.2), (1500.0, -2.0)),
                   "how much melts: Meteorological Monthly 2022, 48(6), 746-759"),
            Effect("cloud_top_temperature",
                   ((ICE_CERTAIN, 0.0), ((ICE_CERTAIN + ICE_ABSENT) / 2, -0.4), (ICE_ABSENT, -1.2)),
                   "cold enough for ice: Meteorological Monthly 2022, 48(6), 746-759"),
        ),
        needs=("new_snow",),
    ),
    "snow_cover": Rule(
        base=-1.4,  # snow to look at on a fifth of the days from November to March (check)
        effects=(
            # The depth line is a logistic fit of mornings with 3 cm on the depth that the pack
            # model gives them one to three days after it was set right (perfect weather): a
            # forecast depth errs by more, which the scale by lead answers for. On 1975-1989 Brier
            # .028 (line by hand .034, yes or no .036). Beside the depth the day's maximum tells
            # nothing more.
            Effect("snow_depth",
                   ((0.0, -3.5), (0.005, -0.8), (0.01, -0.4), (0.02, 0.7), (SNOW_ENOUGH, 1.7),
                    (0.04, 2.7), (0.06, 3.7), (0.1, 5.1), (0.2, 5.6)),
                   "Sion, November to March 1958-1974, refitted: tests/science/snow_cover.py"),
            Effect("new_snow", ((0.0, 0.0), (0.02, 0.6), (0.05, 0.6)),
                   "retained snow: Sion, same days"),
            Effect("freezing_hours", ((0.0, -0.6), (8.0, 0.0), (24.0, 0.5)),
                   "frost keeps it: Sion, same days"),
        ),
        needs=("snow_depth",),
    ),
    "rime": Rule(
        # one day in twelve of the year on the summits (check: a meteorological mountain station
        # sees 40-140 a winter)
        base=-2.4,
        effects=(
            Effect("rime_hours", ((0.0, -1.6), (1.0, 0.6), (3.0, 1.8), (6.0, 2.8), (12.0, 3.4)),
                   "the event itself: science.md 4"),
            Effect("humidity_at_site", ((0.5, -0.9), (0.8, -0.2), (0.9, 0.2), (1.0, 0.6)),
                   "moist air grows and keeps it: science.md 4"),
            Effect("cloud_at_site", ((0.0, -0.3), (0.2, 0.2), (0.6, 0.6)),
                   "cloud water at the site's height: science.md 4"),
            # Mount Washington, odd winters, days with fog: rime on 98 % with a minimum below -5
            # degC, 92 to -2, 58 to -0.6, 45 to 0, 3 on; in frost 96 % with wind to 8 m/s, 99 above
            # 20: wind is no hindrance in cloud. Hours count force 3 for soft rime only.
            Effect("temperature_minimum",
                   ((267.15, 0.5), (270.15, 0.2), (271.95, -0.2), (RIME_COLD, -0.8), (273.45, -2.4),
                    (280.15, -3.5)),
                   "frost of the minimum: science.md 4; Mount Washington"),
            Effect("wind_speed_at_site", ((8.0, 0.0), (20.0, 0.4)),
                   "it grows on the wind: Mount Washington"),
        ),
        needs=("rime_hours",),
    ),
    "snowmaking": Rule(
        base=-0.8,  # a third of the year's days at 1400 m (check)
        effects=(
            Effect("snowmaking_hours",
                   ((0.0, -3.6), (2.0, -1.2), (4.0, 0.9), (8.0, 2.8), (16.0, 4.2), (24.0, 5.0)),
                   "the event itself: science.md 4"),
            Effect("good_snowmaking_hours", ((0.0, -0.2), (4.0, 0.3), (12.0, 0.7)), "science.md 4"),
            Effect("wet_bulb_minimum",
                   ((268.15, 0.4), (271.15, 0.0), (274.15, -1.2), (280.15, -2.5)),
                   "how near the threshold (check)"),
        ),
        needs=("snowmaking_hours",),
    ),
}
# fmt: on
