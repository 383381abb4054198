"""Snow and rime against two stations: Mount Washington (1917 m, a summit in wind and cloud) and
Sion (482 m, an alpine valley).

Mount Washington, daily 2005-2020: a winter is named by the year in which it ends. The snow ratio's
three coefficients and its spread were fitted on the odd winters and are tried on the even ones, on
days with at least 25 mm of snow from at least 2.5 mm of water that stayed below 1 degC. Rime on the
even winters: the product reads cloud and humidity at the summit's height from the model's levels,
and no model run stands beside this record, so its chain is tried here on stand-ins for the cloud
only. One of them is what was seen (the observer's word fog: perfect weather), and the bar of `make
science` is on it; the two others are only reported. The one of these that knows the
cloud from temperature, wind, sky and rain was fitted on the fog of this summit's odd winters, and
the product holds nothing of the kind. The lines of the service's rule were drawn from the odd
winters too.
Sion, daily 1958-1989: depth of the morning, precipitation of the 24 h that begin then. The pack's
melt and how it thaws were chosen on the winters to 1974 (November to March) and are tried on
those after, with temperature and precipitation as measured: perfect weather, so the figure is the
pack's own error, not that of a forecast. The file's column nto000d0 is cloud cover [%], not snow.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.science import snowfall, snowpack
from forecast.science.precipitation_type import precipitation_types
from forecast.science.thermodynamics import FREEZING, wet_bulb
from models.rule_model import PhysicsRule
from models.scores import Scores, score, skill
from tests.science import precipitation
from tests.science.claims import Claim

INCH, MILE_AN_HOUR = 25.4, 0.44704  # [mm], [m s-1]
# [mm], [mm], [degC] of a day whose ratio means something
LEAST_SNOW, LEAST_WATER, WARMEST = 25.0, 2.5, 1.0
RIME_MONTHS, PACK_MONTHS = (10, 11, 12, 1, 2, 3, 4), (11, 12, 1, 2, 3)
LAST_FITTED = 1974
RESTARTS = (1, 3, 5)  # [day]
# Tried for the plain rival [mm K-1 day-1], which takes the one best on the years fitted.
PLAIN_MELT = (
    0.1,
    0.25,
    0.5,
    1.0,
    1.5,
    2.0,
    2.5,
    3.0,
    3.5,
    4.0,
    5.0,
    6.0,
    7.0,
    8.0,
    10.0,
    12.0,
    16.0,
)


def claims(shared: Path) -> list[Claim]:
    """Return what is claimed of snow and rime, measured."""
    summit, valley = mount_washington(shared), sion(shared)
    return [*ratio_claims(summit), *pack_claims(valley), *sun_claims(valley),
            *rime_claims(summit),
            *precipitation.claims(shared)]  # fmt: skip


# -- Mount Washington


def mount_washington(shared: Path) -> pd.DataFrame:
    """Return the summit's days in SI: lowest, highest, mean temperature [K], wind [m s-1], water
    [kg m-2], snow [m], fog, rime.
    """
    days = pd.read_csv(
        shared / "obs" / "mount_washington_daily_2005_2020.csv.gz", parse_dates=["Date"]
    )
    words = days["weather.occur"].fillna("").tolist()

    def kelvin(name: str) -> pd.Series:
        return (days[f"{name}.temperature"] - 32) / 1.8 + FREEZING

    return pd.DataFrame({
        "month": days.Date.dt.month, "winter": days.Date.dt.year + (days.Date.dt.month >= 8),
        "lowest": kelvin("Min"), "highest": kelvin("Max"), "mean": kelvin("Avg"),
        "wind": days["Avg.wind.speed"] * MILE_AN_HOUR,
        "water": days["Total.equiv.precipitation"] * INCH,
        "snow": days["Snow.ice.precipitation"] * INCH / 1000,
        "cover": days["Sky.cover"].clip(0, 10) / 10,
        "fog": named_in(words, "FOG"), "rime": named_in(words, "RIME"),
    })  # fmt: skip


def named_in(words: list[str], weather: str) -> np.ndarray:
    """Return 1 for each day whose words of the American daily form name a weather, else 0."""
    return np.array([weather in day.upper() for day in words], dtype=float)


def snowy(days: pd.DataFrame) -> pd.DataFrame:
    """Return the days whose snow ratio means something, with it."""
    chosen = days[
        (1000 * days.snow >= LEAST_SNOW)
        & (days.water >= LEAST_WATER)
        & (days.highest <= FREEZING + WARMEST)
    ]
    return chosen.assign(ratio=1000 * chosen.snow / chosen.water)


def kuchera(warmest: np.ndarray) -> np.ndarray:
    """Return the rival's ratio [1]: E. Kuchera's, from the warmest temperature [K] of the column
    (of a summit's day, its own).
    """
    below = 271.16 - warmest
    return np.clip(12 + np.where(below < 0, 2 * below, below), 3.0, 35.0)


def refitted(days: pd.DataFrame) -> tuple[np.ndarray, float]:
    """Return what the odd winters give: (ratio at 0 degC, per kelvin, with wind) and the spread
    [ln].
    """
    days = snowy(days[days.winter % 2 == 1])
    cold = FREEZING - np.clip(days["mean"], snowfall.RATIO_COLDEST, None)
    drift = -np.log(np.maximum(days.wind, snowfall.DRIFTING) / snowfall.DRIFTING)
    columns = np.stack([np.ones(len(days)), cold, drift], axis=1)
    found = np.linalg.lstsq(columns, np.log(days.ratio), rcond=None)[0]
    spread = float(np.std(np.log(days.ratio) - columns @ found))
    return np.array([np.exp(found[0]), found[1], found[2]]), spread


def ratio_claims(days: pd.DataFrame) -> list[Claim]:
    tried = snowy(days[days.winter % 2 == 0])
    ours = snowfall.snow_ratio(tried["mean"].to_numpy(), tried.wind.to_numpy())
    rivals = {"10:1": np.full(len(tried), 10.0), "Kuchera": kuchera(tried.highest.to_numpy())}

    def off(ratio: np.ndarray) -> float:
        return float(np.sqrt(np.mean(np.log(tried.ratio / ratio) ** 2)))

    def depth_off(ratio: np.ndarray) -> float:
        return float(np.mean(np.abs(1000 * tried.snow - ratio * tried.water)))

    inside, every = (
        covered(tried),
        days[
            (days.winter % 2 == 0)
            & (1000 * days.snow >= LEAST_SNOW / 2)
            & (days.water >= LEAST_WATER / 2)
        ],
    )
    broad = covered(every.assign(ratio=1000 * every.snow / every.water))
    fitted, spread = refitted(days)
    held = (snowfall.RATIO_AT_FREEZING, snowfall.RATIO_PER_KELVIN, snowfall.RATIO_WITH_WIND)
    count, less = len(tried), min(off(ratio) for ratio in rivals.values())
    return [
        Claim("snow", "snow ratio, Mount Washington, RMS of ln(seen / given)", f"{off(ours):.3f}",
              count,
              ", ".join(f"{name} {off(ratio):.3f}" for name, ratio in rivals.items()),
              off(ours) < 0.9 * less),
        Claim("snow", "snow ratio there, mean error of the depth [mm]", f"{depth_off(ours):.1f}",
              count,
              ", ".join(f"{name} {depth_off(ratio):.1f}" for name, ratio in rivals.items()),
              depth_off(ours) < min(depth_off(ratio) for ratio in rivals.values())),
        Claim("snow", "part of seen ratios inside the 80 % interval stated", f"{inside:.1%}", count,
              "80 %", 0.75 <= inside <= 0.87),
        Claim("snow", "  with thaws, rain between and half as much snow", f"{broad:.1%}",
              len(every), "80 %", 0.72 <= broad <= 0.88),
        Claim("snow", "ratio at 0 degC, per K, with wind, spread: refitted",
              " ".join(f"{x:.3g}" for x in (*fitted, spread)),
              len(snowy(days[days.winter % 2 == 1])),
              "in use " + " ".join(f"{x:g}" for x in (*held, snowfall.RATIO_SPREAD)),
              bool(np.allclose(fitted, held,
                               rtol=0.03)) and abs(spread - snowfall.RATIO_SPREAD) < 0.01),
    ]  # fmt: skip


def covered(days: pd.DataFrame) -> float:
    """Return the part of the days whose ratio lies in the interval stated."""
    temperature, water = days["mean"].to_numpy(), days.water.to_numpy()
    low, high = snowfall.ratio_interval(
        snowfall.snow_ratio(temperature, days.wind.to_numpy()), temperature, water
    )
    return float(np.mean((days.ratio >= low) & (days.ratio <= high)))


def rime_claims(days: pd.DataFrame) -> list[Claim]:
    cold_half = days[days.month.isin(RIME_MONTHS)]
    fitted, tried = cold_half[cold_half.winter % 2 == 1], cold_half[cold_half.winter % 2 == 0]
    usual = tried.month.map(fitted.groupby("month").rime.mean()).to_numpy()
    climatology = score(usual, tried.rime)
    frost = (tried.lowest < snowfall.RIME_COLD).to_numpy(dtype=float)
    before = days.rime.shift(1).reindex(tried.index).to_numpy()
    rivals = {
        "frost alone": frost,
        "always": np.ones(len(tried)),
        "by month": usual >= 0.5,
        "persistence": np.nan_to_num(before),
    }
    scores = {
        name: score(np.asarray(given, dtype=float), tried.rime) for name, given in rivals.items()
    }
    cloud = {
        "cloud as seen (the observer's word fog)": ("the product's formula with perfect weather",
            tried.fog.to_numpy()),
        "cloud by sky cover alone": ("a proxy, not in the product", tried.cover.to_numpy()),
        "cloud from temperature, wind, sky, rain": (
            "cloud fitted on this summit, not in the product",
            in_cloud(tried, chance_of_cloud(fitted))),
    }  # fmt: skip
    found = [Claim("snow", f"rime, Mount Washington, rival: {name}", all_scores(s), s.cases,
                   "winters ending in an even year")
             for name, s in scores.items()]  # fmt: skip
    best = max(scores.values(), key=heidke)
    for name, (whose, cover) in cloud.items():
        enforced = "perfect weather" in whose
        grows = np.any(grown(tried, cover), axis=0).astype(float)
        held, odds = score(grows, tried.rime), score(rule_of_rime(tried, cover, grows), tried.rime)
        worth = skill(odds.brier, climatology.brier)
        highest = max(s.ts for s in scores.values())
        beats = (
            f"{whose}; best rival HSS {heidke(best):.2f} (bar), TS {highest:.2f}"
            + ", not reached" * (held.ts <= highest)
        )
        usual_brier = f"climatology by month, Brier {climatology.brier:.3f}; AUC {odds.auc:.3f}"
        found += [
            barred(
                f"rime there, {name}",
                all_scores(held),
                held.cases,
                beats,
                heidke(held) > heidke(best),
                enforced,
            ),
            barred(
                "  Brier skill of the service's rule with it",
                f"{worth:.2f}",
                odds.cases,
                usual_brier,
                worth > 0,
                enforced,
            ),
        ]
    return found + rime_lines(fitted)


def barred(
    what: str, figure: str, cases: int, reference: str, holds: bool, enforced: bool
) -> Claim:
    """Return a claim with its bar; one that is not enforced is known to fail."""
    return Claim("snow", what, figure, cases, reference, bool(holds), known=not enforced)


def rime_lines(fitted: pd.DataFrame) -> list[Claim]:
    """Return from what the lines of the service's rule were drawn."""
    frozen = fitted[(fitted.fog == 1)]
    bands = [(-50, -5), (-5, -2), (-2, -0.6), (-0.6, 0), (0, 10)]
    by_frost = [
        frozen[frozen.lowest.between(FREEZING + low, FREEZING + high, inclusive="left")].rime.mean()
        for low, high in bands
    ]
    frozen = frozen[frozen.lowest < snowfall.RIME_COLD]
    by_wind = [
        frozen[frozen.wind.between(low, high)].rime.mean()
        for low, high in ((0, 8), (8, 14), (14, 20), (20, 60))
    ]
    return [
        Claim("snow", "rime in fog by the minimum, to -5, -2, -0.6, 0, above [degC]",
              " ".join(f"{p:.2f}" for p in by_frost), len(fitted),
              "odd winters, from which the rule's lines were drawn"),
        Claim("snow", "rime in freezing fog by wind, to 8, 14, 20, above [m/s]",
              " ".join(f"{p:.2f}" for p in by_wind), len(frozen),
              "odd winters; science.md 4 allows force 3 (5.4 m/s)", by_wind[-1] > by_wind[0]),
    ]  # fmt: skip


def signs_of_cloud(days: pd.DataFrame) -> np.ndarray:
    """Return what a station without words knows of cloud at the summit (day, sign): sky cover,
    water and whether any fell, the swing of the temperature in tens of kelvin, wind in tens of m/s;
    the first column is one.
    """
    swing = (days.highest - days.lowest) / 10
    wet = (days.water > 0).astype(float)
    return np.stack(
        [
            np.ones(len(days)),
            days.cover,
            np.log1p(4 * days.water / INCH),
            wet,
            swing,
            days.wind / 10,
        ],
        axis=1,
    )


def chance_of_cloud(days: pd.DataFrame) -> np.ndarray:
    """Return the weights of the signs, by logistic regression (ridge 1, Newton's steps) on the fog
    of these days; rime is not looked at.
    """
    signs, fog = signs_of_cloud(days), days.fog.to_numpy()
    ridge = np.diag([0.0, *[1.0] * (signs.shape[1] - 1)])
    weights = np.zeros(signs.shape[1])
    for _ in range(20):
        chance = 1 / (1 + np.exp(-signs @ weights))
        bend = (signs * (chance * (1 - chance))[:, None]).T @ signs + ridge
        weights = weights + np.linalg.solve(bend, signs.T @ (fog - chance) - ridge @ weights)
    return weights


def in_cloud(days: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Return the chance [1] that the summit is in cloud (day)."""
    return 1 / (1 + np.exp(-signs_of_cloud(days) @ weights))


def grown(days: pd.DataFrame, cloud: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Say where hard and soft rime grows by the day's minimum, with cloud at the summit; humidity
    is not in the record.
    """
    return snowfall.grows_rime(
        days.lowest.to_numpy(), np.full(len(days), np.nan), cloud, days.wind.to_numpy()
    )


def rule_of_rime(days: pd.DataFrame, cloud: np.ndarray, grows: np.ndarray) -> np.ndarray:
    """Return what the service's rule says of days whose minimum, wind and cloud are known; grown
    rime is given twelve hours.
    """
    rule = PhysicsRule("rime").ready()
    scores_of = {
        "temperature_minimum": days.lowest,
        "wind_speed_at_site": days.wind,
        "cloud_at_site": cloud,
        "rime_hours": 12.0 * grows,
        "forecast_period": np.zeros(len(days)),  # perfect weather
    }
    table = np.stack(
        [
            np.asarray(scores_of.get(name, np.full(len(days), np.nan)), dtype=float)
            for name in rule.columns
        ],
        axis=1,
    )
    return rule.predict_proba(table)[:, 1]


def score_text(scores: Scores) -> str:
    return f"POD {scores.pod:.2f} FAR {scores.far:.2f} TS {scores.ts:.2f}"


def all_scores(scores: Scores) -> str:
    return f"{score_text(scores)} HSS {heidke(scores):.2f} ETS {equitable(scores):.2f}"


def heidke(scores: Scores) -> float:
    """Return Heidke's skill: the part of what chance gets wrong that is got right; 0 for a constant
    answer.
    """
    right = scores.cases - scores.misses - scores.false_alarms
    given = scores.hits + scores.false_alarms
    by_chance = (
        given * scores.events + (scores.cases - given) * (scores.cases - scores.events)
    ) / scores.cases
    return (right - by_chance) / (scores.cases - by_chance)


def equitable(scores: Scores) -> float:
    """Return the threat score less the hits of chance (ETS)."""
    by_chance = (scores.hits + scores.false_alarms) * scores.events / scores.cases
    return (scores.hits - by_chance) / (
        scores.hits + scores.misses + scores.false_alarms - by_chance
    )


# -- Sion


def sion(shared: Path) -> pd.DataFrame:
    """Return the valley's days in SI: depth [m] of the morning; of the 24 h that begin then:
    precipitation [kg m-2], temperatures [K].
    """
    days = pd.read_csv(
        shared / "obs" / "sion_daily_1953_1989.csv.gz", sep=";", na_values="-", dtype={"date": str}
    )
    days = days.assign(date=pd.to_datetime(days.date, format="%Y%m%d"))
    days = days[days.date >= "1958-01-01"].reset_index(drop=True)
    mean, lowest = days.tre200d0 + FREEZING, days.tre200dn + FREEZING
    after = mean.shift(-1).fillna(mean), lowest.shift(-1).fillna(lowest)
    return pd.DataFrame({
        "month": days.date.dt.month, "winter": days.date.dt.year + (days.date.dt.month >= 8),
        "depth": days.hto000d0 / 100,
        "precipitation": days.rre150d0, "temperature": 0.75 * mean + 0.25 * after[0],
        "highest": days.tre200dx + FREEZING,
        "lowest": (lowest + np.minimum(lowest, after[1])) / 2,
        "humidity": days.ure200d0.fillna(80) / 100,
        "pressure": 100 * days.prestad0, "cloud": days.nto000d0 / 100, "sun": days.sre000d0 / 60,
    })  # fmt: skip


def brought(days: pd.DataFrame) -> snowpack.DayForcing:
    """Return what each day brought to the pack (day), by the product's own chain; nothing is known
    of the column, the wind is calm.
    """
    temperature, fallen = days.temperature.to_numpy(), days.precipitation.to_numpy()
    bulb = wet_bulb(temperature, days.humidity.to_numpy(), days.pressure.to_numpy())
    falls = precipitation_types(bulb)
    ratio = snowfall.snow_ratio(temperature, np.zeros(len(days)))
    ends = days.lowest.to_numpy(), days.highest.to_numpy()
    return snowpack.DayForcing.of(fallen, fallen * falls.snow, fallen * falls.pellets, ratio, ends)


Step = Callable[[snowpack.Pack, int], snowpack.Pack]


def restarted(pack: snowpack.Pack, measured: np.ndarray) -> snowpack.Pack:
    """Return the pack with a measured depth [m] and its own density; NaN keeps its own depth."""
    density = np.where(pack.depth > 0, pack.density, snowpack.USUAL_DENSITY)
    depth = np.where(np.isnan(measured), pack.depth, measured)
    return snowpack.Pack(np.where(np.isnan(measured), pack.water, depth * density), depth)


def carried(depth: np.ndarray, every: int, step: Step) -> np.ndarray:
    """Return the depth [m] given for each morning (day, start): restarted from observation every so
    many days, on each possible day.
    """
    starts = np.arange(every)
    pack = snowpack.Pack(np.zeros(every), np.zeros(every))
    given = np.full((len(depth), every), np.nan)
    for day in range(len(depth) - 1):
        pack = restarted(pack, np.where(day % every == starts, depth[day], np.nan))
        pack = step(pack, day)
        given[day + 1] = pack.depth
    return given


def our_step(day: snowpack.DayForcing, physics: snowpack.Physics = snowpack.USUAL) -> Step:
    series = (day.snow_water, day.new_snow, day.rain, day.thaw, day.rain_temperature)

    def step(pack: snowpack.Pack, at: int) -> snowpack.Pack:
        one = snowpack.DayForcing(*(np.full(pack.depth.shape, values[at]) for values in series))
        return snowpack.next_day(pack, one, physics=physics)[0]

    return step


def plain_step(days: pd.DataFrame, melt: float) -> Step:
    """Return the plain rival: snow at or below 1 degC ten times as deep as its water, `melt` mm a
    degree-day at 200 kg m-3, no settling.
    """
    warmth = np.maximum(days.temperature.to_numpy() - FREEZING, 0.0)
    snow = np.where(days.temperature <= FREEZING + 1, days.precipitation, 0.0) / 100

    def step(pack: snowpack.Pack, at: int) -> snowpack.Pack:
        depth = np.maximum(pack.depth + snow[at] - melt * warmth[at] / snowpack.USUAL_DENSITY, 0.0)
        return snowpack.Pack(depth * snowpack.USUAL_DENSITY, depth)

    return step


def rms(given: np.ndarray, days: pd.DataFrame, chosen: np.ndarray) -> float:
    """Return the root mean square error of depth [cm] over the days chosen."""
    return 100 * float(
        np.sqrt(np.nanmean((given[chosen] - days.depth.to_numpy()[chosen, None]) ** 2))
    )


def off(given: np.ndarray, days: pd.DataFrame, chosen: np.ndarray) -> float:
    """Return the mean error of depth [cm] over the days chosen: below zero where too little is
    given.
    """
    return 100 * float(np.nanmean(given[chosen] - days.depth.to_numpy()[chosen, None]))


def pack_claims(days: pd.DataFrame) -> list[Claim]:
    wintry = days.month.isin(PACK_MONTHS).to_numpy()
    fitted, tried = (
        wintry & (days.winter <= LAST_FITTED).to_numpy(),
        wintry & (days.winter > LAST_FITTED).to_numpy(),
    )
    depth, ours = days.depth.to_numpy(), our_step(brought(days))
    monthly = [tried & (days.month == month).to_numpy() for month in PACK_MONTHS]
    found = []
    for every in RESTARTS:
        plain = {melt: carried(depth, every, plain_step(days, melt)) for melt in PLAIN_MELT}
        best = min(PLAIN_MELT, key=lambda melt: rms(plain[melt], days, fitted))
        given = {
            "ours": carried(depth, every, ours),
            "persistence": carried(depth, every, lambda pack, at: pack),
            "plain": plain[best],
        }
        error = {name: rms(values, days, tried) for name, values in given.items()}
        by_month = {
            name: [rms(values, days, chosen) for chosen in monthly]
            for name, values in given.items()
        }
        scores_of = {
            name: " ".join(f"{value:.2f}" for value in values) for name, values in by_month.items()
        }
        lies = {
            years: chosen & (depth > 0) for years, chosen in (("fitted", fitted), ("tried", tried))
        }
        shallow = {
            years: {name: off(values, days, chosen) for name, values in given.items()}
            for years, chosen in lies.items()
        }
        mornings = int(tried.sum())
        found += [
            Claim("snow", f"snow depth at Sion 1975-1989, set right every {every} days, RMS [cm]",
                  f"{error['ours']:.2f}",
                  mornings,
                  f"mornings, each of {every} starts; perfect weather; persistence "
                  f"{error['persistence']:.2f}, "
                  f"degree-day {best:g} mm {error['plain']:.2f}",
                  error["ours"] < min(error["persistence"],
                                      error["plain"]) and min(PLAIN_MELT) < best < max(PLAIN_MELT)),
            Claim("snow", f"  by month, November to March, every {every} days", scores_of["ours"],
                  mornings,
                  f"persistence {scores_of['persistence']}, plain {scores_of['plain']}"),
            Claim("snow", f"  mean error where snow lay, every {every} days [cm]",
                  f"{shallow['tried']['ours']:+.2f}",
                  int(lies["tried"].sum()),
                  f"persistence {shallow['tried']['persistence']:+.2f}, plain "
                  f"{shallow['tried']['plain']:+.2f}; "
                  f"ours on the years fitted {shallow['fitted']['ours']:+.2f}"),
        ]  # fmt: skip
    return found


def sun_claims(days: pd.DataFrame) -> list[Claim]:
    """Hours of sun as the possible ones (the month's sunniest day) less the cover, against the
    month's mean sun.
    """
    known = days[days.sun.notna() & days.cloud.notna()]
    possible = known.groupby("month").sun.transform(lambda sun: sun.quantile(0.98))
    given = possible * (1 - known.cloud)
    error = float(np.mean(np.abs(given - known.sun)))
    usual = float(np.mean(np.abs(known.groupby("month").sun.transform("mean") - known.sun)))
    agree = float(np.corrcoef(given, known.sun)[0, 1])
    return [
        Claim("snow", "hours of sun at Sion from cloud cover, mean error [h]",
              f"{error:.2f} (r = {agree:.2f})", len(known),
              f"the month's mean {usual:.2f}", error < usual),
    ]  # fmt: skip
