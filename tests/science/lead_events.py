"""Rules run on forecasts kept at their issue time: the cases of tests/science/lead.py.

Stars: of the archive's event (mean cloud of 21 to 04 local at most 20 %), as others have judged it,
and of the product's, the best two dark hours with few clouds at most, whatever the moon. Layers of
cloud are not archived: the total takes the starlight of an equal part of each. Snow and wet bulb:
of the hours 16 to 09 local. Depth of snow is not archived: a pack that both start from the
analyses' is carried on by the forecast's hours and by the analyses'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.phenomena.snow import DEGREES
from forecast.phenomena.stars import FEW_CLOUDS, WEIGHTS, best_run
from forecast.quantities import SNOWMAKING_GOOD, SNOWMAKING_STARTS
from forecast.science.almanac import ASTRONOMICAL, sun_position
from forecast.science.snowpack import DayForcing, Pack, next_day
from forecast.science.thermodynamics import FREEZING, wet_bulb
from models.rule_model import PhysicsRule
from tests.science.issue_archive import HOURS, LATITUDE, LONGITUDE, IssueArchive, local

Array = NDArray[np.floating[Any]]

OPACITY = sum(WEIGHTS.values()) / 3 / WEIGHTS["low"]  # of a total cover, layers unknown
TWO_HOURS = 3  # hourly moments
WINTER = (11, 12, 1, 2, 3)
SEA_LEVEL = 101325.0  # [Pa]
SATURATED = 1.5  # [K] mean dew-point depression of a moist night


@dataclass(frozen=True)
class LeadCases:
    """A rule's weather effects [logit] and what came, every array is (case).

    lead [h], night, ahead [day]. base: the rule's own [logit].
    """

    effects: Array
    observed: NDArray[np.bool_]
    lead: Array
    night: NDArray[np.datetime64]
    ahead: NDArray[np.int64]
    base: float

    @property
    def month(self) -> NDArray[np.int64]:
        """Months since 1970 (case)."""
        return np.asarray(self.night.astype("datetime64[M]").astype(np.int64))

    def take(self, rows: NDArray[np.bool_]) -> LeadCases:
        """Return the cases `rows`."""
        return LeadCases(
            self.effects[rows], self.observed[rows], self.lead[rows], self.night[rows],
            self.ahead[rows], self.base,
        )  # fmt: skip

    def counts(self) -> str:
        """Return the nights and those with the event as text."""
        _, first = np.unique(self.night, return_index=True)
        return f"{len(first)} nights, {int(self.observed[first].sum())} with it"


# -- the rules on the archive


def weather_effects(phenomenon: str, features: dict[str, Array]) -> tuple[Array, float]:
    """Return the sum of a rule's weather effects (case) and its base; what is not given is NaN."""
    rule = PhysicsRule(phenomenon).ready()
    count = len(next(iter(features.values())))
    cases = np.stack([features.get(name, np.full(count, np.nan)) for name in rule.columns], axis=1)
    return rule.effects(cases)[:, :, 0].sum(axis=1), float(rule.bases()[0])


def dark_hours(nights: IssueArchive) -> NDArray[np.bool_]:
    """Return which hours of HOURS are astronomically dark (case, hour)."""
    evenings, back = np.unique(nights.night, return_inverse=True)
    hours = np.array([hour + 24 * (hour < 12) for hour in HOURS]).astype("timedelta64[h]")
    times = evenings.astype("datetime64[h]")[:, None] + hours
    utc = local(times.ravel()).reshape(times.shape).astype("datetime64[ns]")
    altitude, _ = sun_position(utc, np.array(LATITUDE), np.array(LONGITUDE))
    return np.asarray((altitude < ASTRONOMICAL)[back])


def best_hours(cover: Array, dark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the hours (case, hour) of each night's best window of two hours and more."""
    return best_run(np.where(dark, 1 - cover, np.nan), TWO_HOURS)[0]


def mean_over(values: Array, chosen: NDArray[np.bool_]) -> Array:
    return np.asarray(np.where(chosen, values, 0.0).sum(axis=1) / chosen.sum(axis=1))


def longest(good: NDArray[np.bool_]) -> Array:
    """Return the longest time [h] (case) from the first to the last of good hours in a row."""
    run = longest_run = np.zeros(len(good))
    for hour in good.T:
        run = np.where(hour, run + 1, 0.0)
        longest_run = np.maximum(longest_run, run)
    return np.maximum(longest_run - 1, 0.0)


def star_features(
    nights: IssueArchive, chosen: NDArray[np.bool_], within: NDArray[np.bool_]
) -> dict[str, Array]:
    """Return the star rule's features over the hours `chosen` of the hours `within` a night."""
    told = nights.forecast
    cover = told["cloud_pct"] / 100
    fallen = told["rain_mm"] + told["showers_mm"] + told["snowfall_cm"]  # 1 cm of snow: 1 mm
    return {
        "sky_cover": mean_over(cover, chosen),
        "cloud_for_stars": OPACITY * mean_over(cover, chosen),
        "clear_hours": longest(within & (cover <= 0.2)),
        "humidity_at_site": mean_over(told["relative_humidity_pct"] / 100, chosen),
        "dew_point_depression": mean_over(told["temperature_c"] - told["dew_point_c"], chosen),
        "wind_speed_at_site": mean_over(told["wind_m_s"], chosen),
        "precipitation": np.where(within, fallen, 0.0).sum(axis=1),
    }


def archive_stars(nights: IssueArchive) -> LeadCases:
    """Return the archive's event: mean cloud of 21 to 04 local at most 20 %."""
    part = nights.hours(21, 4)
    whole = np.zeros(nights.forecast["cloud_pct"].shape, dtype=bool)
    whole[:, part] = True
    effects, base = weather_effects("starry_sky", star_features(nights, whole, whole))
    clear = nights.analysis["cloud_pct"][:, part].mean(axis=1) <= 20
    return LeadCases(effects, clear, nights.lead(21), nights.night, nights.ahead, base)


def stars(nights: IssueArchive) -> LeadCases:
    """Return the product's event whatever the moon: the best two dark hours with few clouds."""
    dark = dark_hours(nights)
    chosen = best_hours(nights.forecast["cloud_pct"] / 100, dark)
    effects, base = weather_effects("starry_sky", star_features(nights, chosen, dark))
    seen = nights.analysis["cloud_pct"] / 100
    clear = np.round(mean_over(seen, best_hours(seen, dark)), 6) <= FEW_CLOUDS
    return LeadCases(effects, clear, nights.lead(21), nights.night, nights.ahead, base)


def snowfall(nights: IssueArchive) -> LeadCases:
    """Return nights of November to March with new snow."""
    told, seen = (v["snowfall_cm"].sum(axis=1) / 100 for v in (nights.forecast, nights.analysis))
    effects, base = weather_effects("snowfall", {"new_snow": told})
    least = DEGREES["new_snow"][0]
    cases = LeadCases(effects, seen >= least, nights.lead(16), nights.night, nights.ahead, base)
    return cases.take(np.isin(cases.month % 12 + 1, WINTER))


def snowmaking(nights: IssueArchive) -> LeadCases:
    """Return nights with an hour cold and dry enough to make snow."""

    def bulb(air: Mapping[str, Array]) -> Array:
        return np.asarray(
            wet_bulb(
                air["temperature_c"] + FREEZING,
                air["relative_humidity_pct"] / 100,
                np.array(SEA_LEVEL),
            )
        )

    told, seen = bulb(nights.forecast), bulb(nights.analysis)
    effects, base = weather_effects(
        "snowmaking",
        {
            "snowmaking_hours": (told <= SNOWMAKING_STARTS).sum(axis=1).astype(float),
            "good_snowmaking_hours": (told <= SNOWMAKING_GOOD).sum(axis=1).astype(float),
            "wet_bulb_minimum": told.min(axis=1),
        },
    )
    came = (seen <= SNOWMAKING_STARTS).sum(axis=1) >= DEGREES["snowmaking_hours"][0]
    return LeadCases(effects, came, nights.lead(16), nights.night, nights.ahead, base)


def snow_cover(nights: IssueArchive) -> LeadCases:
    """Return nights of November to March after which snow lies, in a pack of the night's hours.

    Both packs are this model's, so only the decrease with lead is meant, not the level.
    """
    evenings = np.unique(nights.night)
    known = {night: number for number, night in enumerate(evenings.tolist())}
    truth = pack_forcing(nights.analysis)
    first = np.unique(nights.night, return_index=True)[1]
    pack, packs = Pack(np.zeros(()), np.zeros(())), [Pack(np.zeros(()), np.zeros(()))]
    for row in first:
        pack, _ = next_day(pack, truth.at(row))
        packs.append(pack)
    water, depth = (np.array([getattr(each, n) for each in packs]) for n in ("water", "depth"))
    told, number = (
        pack_forcing(nights.forecast),
        np.array([known[n] for n in nights.night.tolist()]),
    )
    issue = (nights.night - nights.ahead).astype(np.int64)
    carried: dict[tuple[int, int], Pack] = {}
    depths = np.full(len(issue), np.nan)
    for row in np.lexsort((nights.ahead, issue)):
        day, ahead = int(issue[row]), int(nights.ahead[row])
        before = carried.get((day, ahead - 1))
        if ahead == 0:
            before = Pack(water[number[row]], depth[number[row]])
        if before is not None:
            after, _ = next_day(before, told.at(row))
            carried[day, ahead] = after
            depths[row] = after.depth
    air = nights.forecast["temperature_c"]
    effects, base = weather_effects(
        "snow_cover",
        {
            "snow_depth": depths,
            "new_snow": nights.forecast["snowfall_cm"].sum(axis=1) / 100,
            "freezing_hours": (air < 0).mean(axis=1) * 24,
            "temperature_maximum": air.max(axis=1) + FREEZING,
        },
    )
    lies = depth[number + 1] >= DEGREES["snow_depth"][0]
    cases = LeadCases(effects, lies, nights.lead(16), nights.night, nights.ahead, base)
    return cases.take(np.isin(cases.month % 12 + 1, WINTER) & np.isfinite(depths))


def pack_forcing(air: Mapping[str, Array]) -> DayForcing:
    """Return the forcing of a pack by a night's hours (case): 7 cm of snow have 10 mm of water."""
    snow, temperature = air["snowfall_cm"].sum(axis=1), air["temperature_c"]
    return DayForcing(
        snow_water=snow / 0.7,
        new_snow=snow / 100,
        rain=(air["rain_mm"] + air["showers_mm"]).sum(axis=1),
        thaw=np.maximum(temperature, 0).sum(axis=1) / 24,
        rain_temperature=temperature.mean(axis=1) + FREEZING,
    )


def moist(nights: IssueArchive) -> LeadCases:
    """Return nights near saturation: no rule's, its decrease is what sea of clouds and rime borrow.

    The effect falls by 4 for each factor e of the forecast's mean dew-point depression.
    """
    part = nights.hours(0, 9)
    told, seen = (
        (air["temperature_c"] - air["dew_point_c"])[:, part].mean(axis=1)
        for air in (nights.forecast, nights.analysis)
    )
    effects = -4 * np.log((told + 0.5) / (SATURATED + 0.5))
    came = seen <= SATURATED
    return LeadCases(effects, came, nights.lead(21), nights.night, nights.ahead, 0.0)
