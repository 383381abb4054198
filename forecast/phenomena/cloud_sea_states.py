"""Outcomes of a sea of clouds, from the states of moments to one outcome a morning.

Sources are an analysis, a pair of stations, and a summit's reports of cloud below it. Each gives
for each moment an index of domain.CLOUD_SEA_STATES, UNKNOWN, or NO_SEA (no sea, but the source
cannot observe which of the other states). The outcome of a morning then follows in one way for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.domain import CLOUD_SEA_STATES, Event, Outcome
from forecast.quantities import DECK_COVER
from forecast.science.arrays import Mask
from forecast.science.thermodynamics import (
    FOG_VISIBILITY,
    OUT_OF_CLOUD_AT_STATION,
    SATURATED_AT_STATION,
    Array,
)

Codes = NDArray[np.int8]

SEA, IN_CLOUD, OVERCAST, OPEN = range(len(CLOUD_SEA_STATES))
NO_SEA, UNKNOWN = -1, -2  # codes beside the states: no sea, whichever of the other three; not known

FULL_TIME = 0.5  # [1] part of the known moments with a sea from which it is a full one (check)
FULL_GROUND = 0.5  # [1] and part of the ground below the viewer that it hides (check)
# [1] part of the known moments from which it is a partial one: an hour of a window of 4.5 h
PARTLY = 0.2
KNOWN = 0.5  # [1] part of the moments that must be known for an outcome

MATCH = timedelta(minutes=40)  # longest time between two reports of a pair


@dataclass(frozen=True, slots=True)
class CloudReport:
    """The report of a station on or below the mountain at one time; NaN: not reported.

    humidity [1]; visibility [m]; cloud_below [1] and cloud_below_top [m above sea level]: cover and
    top of cloud with its base below the station (SYNOP section 4: N' in oktas, H'H' in hundreds of
    metres; ISD groups GG1 to GG6). Section 4 with sky obscured (N' = 9) is cloud all around: cover
    1, top NaN, visibility in fog.
    """

    time: datetime
    humidity: float = float("nan")
    visibility: float = float("nan")
    cloud_below: float = float("nan")
    cloud_below_top: float = float("nan")


def outcome_from_pair(
    event: Event, summit: Sequence[CloudReport], valley: Sequence[CloudReport]
) -> Outcome:
    """Return the outcome of a morning from a station at the site and one in its valley.

    A dry summit above a saturated valley is a sea. Each report of the summit in the window is
    paired with the valley's nearest in time, at most MATCH away. A dry valley means no sea; whether
    it was open or overcast is unknown. Source: patent CN106772697B (paired stations).
    """
    inside = [r for r in summit if event.window.start <= r.time < event.window.end]
    nearest = [
        min(
            ((abs(other.time - r.time), k) for k, other in enumerate(valley)),
            default=(MATCH * 2, -1),
        )
        for r in inside
    ]
    pairs = [
        (r, valley[k]) for r, (apart, k) in zip(inside, nearest, strict=True) if apart <= MATCH
    ]
    columns = np.array(
        [(a.humidity, a.visibility, b.humidity, b.visibility) for a, b in pairs], dtype=float
    ).reshape(-1, 4)
    codes = pair_codes(*columns.T)
    unknown = np.full((1, len(codes)), np.nan)
    return outcomes(
        [event],
        codes[None],
        np.ones((1, len(codes)), dtype=bool),
        unknown,
        unknown,
        "station",
        f"{len(codes)} pairs",
    )[0]


def pair_codes(
    summit_humidity: Array,
    summit_visibility: Array,
    valley_humidity: Array,
    valley_visibility: Array,
) -> Codes:
    """Return the state at each moment (...) from a station above and one in the valley.

    SEA, IN_CLOUD, NO_SEA or UNKNOWN.
    """
    summit_wet, valley_wet = (
        _wet(summit_humidity, summit_visibility),
        _wet(valley_humidity, valley_visibility),
    )
    summit_dry, valley_dry = (
        ~summit_wet & (summit_humidity < OUT_OF_CLOUD_AT_STATION),
        ~valley_wet & (valley_humidity < OUT_OF_CLOUD_AT_STATION),
    )
    return np.select(
        [summit_wet, summit_dry & valley_wet, valley_dry], [IN_CLOUD, SEA, NO_SEA], UNKNOWN
    ).astype(np.int8)


def _wet(humidity: Array, visibility: Array) -> Mask:
    return np.asarray((humidity >= SATURATED_AT_STATION) | (visibility < FOG_VISIBILITY))


def outcome_from_cloud_below(event: Event, readings: Sequence[CloudReport]) -> Outcome:
    """Return the outcome of a morning from a summit's own reports of cloud below the station.

    SYNOP section 4, ISD groups GG1 to GG6.
    """
    inside = [r for r in readings if event.window.start <= r.time < event.window.end]
    cover, top, visibility = (
        np.array([(r.cloud_below, r.cloud_below_top, r.visibility) for r in inside], dtype=float)
        .reshape(-1, 3)
        .T
    )
    codes = below_codes(cover, top, visibility, event.site.elevation)
    fill, gap = cover[None], event.site.elevation - top[None]
    return outcomes(
        [event],
        codes[None],
        np.ones((1, len(codes)), dtype=bool),
        fill,
        gap,
        "station",
        f"{len(codes)} reports",
    )[0]


def below_codes(cover: Array, top: Array, visibility: Array, elevation: float) -> Codes:
    """Return the state at each moment (...) from a station's reports of cloud below it.

    cover [1] and top [m above sea level] of that cloud; visibility [m] at the station. A deck
    (DECK_COVER or more: 3 oktas) with its top below the station is SEA; fog, or such a deck with
    its top above, is IN_CLOUD; less is NO_SEA. Without a report of cloud below the state is
    UNKNOWN: most stations do not report it.
    Source: WMO-No. 306, FM 12, section 4.
    """
    fog = visibility < FOG_VISIBILITY
    deck = cover >= DECK_COVER
    return np.select(
        [fog | (deck & (top > elevation)), deck, cover < DECK_COVER],
        [IN_CLOUD, SEA, NO_SEA],
        UNKNOWN,
    ).astype(np.int8)


def outcomes(
    events: Sequence[Event],
    codes: Codes,
    inside: Mask,
    fill: Array,
    gap: Array,
    source: str,
    detail: str = "",
) -> list[Outcome]:
    """Return one outcome an event from the codes of its moments (event, moment).

    inside: the moments that count. A sea in FULL_TIME of the known moments that hides FULL_GROUND
    of the ground below (where `fill` [1] is known) has degree 1; from PARTLY of the moments 0.5;
    less 0. amount: the mean `gap` [m] (event, moment) under the viewer during the sea. With less
    than KNOWN of the moments known the degree is NaN and the state empty.
    """
    known = inside & (codes != UNKNOWN)
    count = known.sum(axis=1)
    enough = (count > 0) & (count >= KNOWN * inside.sum(axis=1))
    shares = np.stack(
        [
            (known & (codes == state)).sum(axis=1)
            for state in (*range(len(CLOUD_SEA_STATES)), NO_SEA)
        ],
        axis=1,
    )
    part = shares[:, SEA] / np.maximum(count, 1)
    sea = known & (codes == SEA)
    ground, amount = _mean_of(fill, sea), _mean_of(gap, sea)
    full = (part >= FULL_TIME) & ~(ground < FULL_GROUND)
    degree = np.where(enough, np.where(full, 1.0, np.where(part >= PARTLY, 0.5, 0.0)), np.nan)
    others = shares[:, 1:].argmax(axis=1) + 1
    names = (*CLOUD_SEA_STATES, "")
    states = [
        names[SEA if d > 0 else k] if e else ""
        for d, k, e in zip(degree.tolist(), others.tolist(), enough.tolist(), strict=True)
    ]
    return [
        Outcome(
            "sea_of_clouds",
            event.site.id,
            event.day,
            d,
            source,
            state,
            a if d > 0 else float("nan"),
            detail,
        )
        for event, d, state, a in zip(events, degree.tolist(), states, amount.tolist(), strict=True)
    ]


def _mean_of(values: Array, chosen: Mask) -> Array:
    """Return the mean of the known chosen moments (event, moment) -> (event); NaN without any."""
    known = chosen & np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(
        count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan
    )
