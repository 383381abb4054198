"""The moon on top of the learnt sky: is a starry night as likely as the classifier says it is?

The classifier has learnt whether two dark hours have few clouds at most, whatever the moon; what
the almanac knows (models/rules.py) is added to its log-odds. Here the truth has the moon too: on
the archive's hourly analyses, as `stars.diagnose` finds it, at a place as dark as ZENITH where the
archive's New York lies. The forecasts are those of months left out (tests/science/night_sky.py).
The lines of the two effects were drawn on these nights (885, no month left out): the kinds of night
say how far a sum of log-odds can carry them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from docs.night_cloud import HEIGHT, LATITUDE, LONGITUDE, cases_of, cover_at_steps, read_hours
from forecast.phenomena import stars
from forecast.phenomena.weather import mean, part_weights
from forecast.science.almanac import moon_illumination, moon_position, sun_position
from forecast.science.night_sky import (
    extinction,
    fitted_moonlight,
    magnitudes,
    nanolamberts,
    twilight,
)
from forecast.settings import PhenomenonSettings
from forecast.verification import OBSERVED_FROM
from models.rules import STARS
from models.scores import brier, skill
from tests.science.claims import Claim
from tests.science.night_sky import forecasts
from tests.science.ten_bins import reliability

TOPIC = "moonlit"
ZENITH = 21.5  # [mag arcsec-2] without a moon, as at Lingshan
SETTINGS = PhenomenonSettings()
LEADS = (0, 1, 3, 5, 7, 10)
# Reliability outside its 90 % band, by kind and days ahead: DECISIONS.md says why
KNOWN_MISSES = {
    *(("dark for a part", lead) for lead in (0, 5, 7)),
    *(("moonlit", lead) for lead in (0, 7, 10)),
    ("dark throughout", 10),
}
# Kind of night by the share of its hours that the moon leaves dark enough
KINDS = {"dark throughout": (0.99, 1.01), "dark for a part": (0.2, 0.99), "moonlit": (-1.0, 0.2)}
BINS = 5  # of a kind's few nights
MOST_APART = 0.1  # [1] mean chance and frequency of a kind


@dataclass(frozen=True)
class MoonlitNights:
    """Forecasts and truth of starry nights with the moon; every array is (case).

    probability: with what the almanac knows; sky_alone: without; usual: the monthly frequency with
    it. share: of the hours, dark enough; lead [day].
    """

    probability: np.ndarray
    sky_alone: np.ndarray
    usual: np.ndarray
    observed: np.ndarray
    share: np.ndarray
    lead: np.ndarray


def zenith_light(times: np.ndarray) -> dict[str, np.ndarray]:
    """Return the light of the clear zenith (night, moment), as night_light.lights does."""
    place = np.array(LATITUDE), np.array(LONGITUDE)
    moon, sun = moon_position(times, *place)[0], sun_position(times, *place)[0]
    moonlight = fitted_moonlight(moon, moon_illumination(times), extinction(HEIGHT))
    own = nanolamberts(np.array(ZENITH))
    luminance = np.where(np.isnat(times), np.nan, own + moonlight + twilight(sun))
    return {"luminance": luminance, "dimming": np.zeros(times.shape)}


def happened(times: np.ndarray, cover: np.ndarray, light: dict[str, np.ndarray]) -> np.ndarray:
    """Return whether each night was starry (night), as `stars.diagnose` does."""
    chosen, _ = stars.best_run(
        stars.visible_stars(cover, light),
        stars.moments_in_window(SETTINGS),
        stars.whole_steps(times),
    )
    weights, inside = part_weights(times), np.where(chosen, 1.0, np.nan)
    brightness = magnitudes(mean(inside * light["luminance"], weights))
    degree = stars.degree_from_cover(mean(inside * cover, weights), brightness)
    return np.asarray((degree >= OBSERVED_FROM).astype(float))


def known_ahead(features: dict[str, np.ndarray]) -> np.ndarray:
    """Return what the classifier adds for the moon [logit], at most 0."""
    moved = np.zeros(())
    for effect in STARS["starry_sky"].effects:
        if effect.feature in features:
            values, effects = zip(*effect.line, strict=True)
            moved = moved + np.minimum(np.interp(features[effect.feature], values, effects), 0.0)
    return np.asarray(moved)


@cache
def moonlit(shared: Path) -> MoonlitNights:
    """Return the archive's forecasts of nights under the almanac's moon."""
    hours, told = read_hours(shared), forecasts(shared, "starry")
    cases = cases_of(hours)
    times, seen = cover_at_steps(hours.seen, hours.days, hours.start, hours.end)
    light = zenith_light(times)
    darkest = stars.darkest_hours(times, light, SETTINGS)
    night = (cases.day - hours.days[0]).astype(int)
    moved = known_ahead(darkest)[night]

    def moonlit_chance(p: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + (1 - p) / p * np.exp(-moved)))

    return MoonlitNights(
        moonlit_chance(told.model),
        told.model,
        moonlit_chance(told.usual),
        happened(times, seen, light)[night],
        darkest["dark_sky_share"][night],
        cases.lead,
    )


def claims(shared: Path) -> list[Claim]:
    """Return skill and reliability by lead: of all nights, and by how long the moon leaves dark."""
    found, lines = moonlit(shared), []
    for lead in LEADS:
        at = found.lead == lead
        ours, usual, sky = (
            brier(p[at], found.observed[at])
            for p in (found.probability, found.usual, found.sky_alone)
        )
        lines.append(
            Claim(
                TOPIC,
                f"starry nights with the moon, {lead} days ahead: Brier skill",
                f"{skill(ours, usual):+.3f}",
                int(at.sum()),
                f"monthly frequency and the moon; Brier {ours:.3f}, without the moon {sky:.3f}",
                ours < usual and ours < 0.9 * sky,
            )
        )
        lines += [_of_kind(found, kind, lead) for kind in KINDS]
    return lines


def _of_kind(found: MoonlitNights, kind: str, lead: int) -> Claim:
    low, high = KINDS[kind]
    at = (found.lead == lead) & (found.share > low) & (found.share <= high)
    said, came = found.probability[at], found.observed[at]
    bins = reliability(said, came, bins=BINS)
    near = abs(said.mean() - came.mean()) < MOST_APART
    return Claim(
        TOPIC,
        f"  {kind}, {lead} days ahead: mean chance, how often it came",
        f"{said.mean():.2f}, came {came.mean():.2f}",
        int(at.sum()),
        f"reliability {bins.term:.4f}, chance keeps below {bins.highest:.4f} in 90 %",
        bool(near and bins.within),
        band=True,
        known=bool(near) and (kind, lead) in KNOWN_MISSES,
    )
