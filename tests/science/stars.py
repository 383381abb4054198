"""The night sky against Globe at Night: sky meters under a moon and without, in twilight, and
beside the naked eye (even years 2008-2018).

ObsDateTime is not UTC: UTC = ObsDateTime + 2 x UTCOffset minutes. A place's own sky is the median
of the meter readings within NEAR of it with the moon 3 degrees and more below the horizon. Only
reports of a cloudless sky count. Each place (a cell of 0.01 degrees) has one vote in a fit, however
often it was visited; intervals are of places drawn again and again.
Three numbers of the product come from here. The offset of a moon more than 60 % lit: the meters of
all years. The offset of a thin moon's light: the meters' own fit (FIRST_YEARS) is too wide to stand
alone, so it is weighed with the paper's stated error and with the photometers of La Palma, and the
result is tried on OTHER_YEARS. And what people without practice miss of the eye's limit (LAY_EYE):
fitted on EYE_YEAR, in which alone most limits were reported apart from the meter beside them (in
other years such a limit is a step of the reading, worked out by the form), tried on all other
years' reports without a meter at places that have one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.config import read_config
from forecast.quantities import DARK_ENOUGH
from forecast.science import almanac, night_sky
from models.bootstrap import block_counts, percentile_interval
from tests.science.claims import Claim

# 2015 and 2017: stray reports of the night of 31 December
FIRST_YEARS, OTHER_YEARS = (2008, 2010, 2012, 2014), (2015, 2016, 2017, 2018)
NEAR = 1.0  # [km]
EARTH = 6371.0  # [km]
METER = (15.0, 22.3)  # [mag arcsec-2] readings that a night sky can give
LEAST_CHANGE = 0.1  # [mag] moons that change the model's sky by less teach nothing
LESS_THAN_HALF, MORE_THAN_HALF = (0.0, 0.5), (0.6, 1.01)  # [1] lit
OFFSETS = np.arange(-3.0, 2.01, 0.05)  # [mag] tried
DRAWS = 2000
LAY_STEPS = np.arange(0.0, 1.51, 0.05)  # [mag] tried
EYE_YEAR = 2012
# La Palma: a sky so much brighter than the paper's at 29-39 % of moon (science.md 1). The moon's
# height is not stated (taken as 45 degrees; 30 and 75 move the answer by a quarter), nor the error:
# taken, as the paper's own, as the larger of its 8-23 % of the sky.
LA_PALMA = {"own": 21.9, "moon": 45.0, "lit": 0.34, "extinction": 0.12}
# [mag] the first two of the whole sky, the last of the offset
LA_PALMA_SAW, SKY_ERROR, HEIGHT_ERROR = 0.64, 2.5 * np.log10(1.23), 0.25


def reports(shared: Path) -> pd.DataFrame:
    """Return the cloudless reports, each once, with where sun and moon stood [degree] and how much
    of the moon was lit.
    """
    seen = pd.read_csv(shared / "globe_at_night" / "even_years_2008_2018.csv.gz", low_memory=False)
    seen = seen[seen.CloudCover == -1].drop_duplicates(
        ["ObsDateTime", "Latitude", "Longitude", "LimitingMag", "SQMReading"]
    )
    times = pd.to_datetime(seen.ObsDateTime).dt.tz_localize(None).values + (
        2 * seen.UTCOffset.values
    ).astype("timedelta64[m]")
    where = times, seen.Latitude.values, seen.Longitude.values
    return seen.assign(
        year=pd.DatetimeIndex(times).year, sun=almanac.sun_position(*where)[0],
        moon=almanac.moon_position(*where)[0],
        lit=almanac.moon_illumination(times),
        extinction=night_sky.extinction(seen.Elevation.clip(0, 4000).values),
        place=seen.Latitude.round(2).astype(str) + "," + seen.Longitude.round(2).astype(str),
    )  # fmt: skip


def meters(seen: pd.DataFrame) -> pd.DataFrame:
    """Return the meter readings that have one of a moonless night within NEAR, with their `own` sky
    [mag arcsec-2].
    """
    read = seen[seen.SQMReading.between(*METER)]
    read = read.assign(own=own_sky(read, read))
    return read[read.own.notna()]


def own_sky(wanted: pd.DataFrame, read: pd.DataFrame) -> np.ndarray:
    """Return the median moonless reading within NEAR of each report [mag arcsec-2], NaN where there
    is none.
    """
    moonless = read[(read.moon < -3) & (read.sun < -15)]
    values, points, result = (
        moonless.SQMReading.values,
        _on_sphere(moonless),
        np.full(len(wanted), np.nan),
    )
    for first in range(0, len(wanted), 1000):
        near = _on_sphere(wanted[first : first + 1000]) @ points.T > np.cos(NEAR / EARTH)
        for row in np.flatnonzero(near.any(axis=1)):
            result[first + row] = np.median(values[near[row]])
    return result


def _on_sphere(reports: pd.DataFrame) -> np.ndarray:
    latitude, longitude = np.radians(reports.Latitude.values), np.radians(reports.Longitude.values)
    return np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=1,
    )


def moonlit(read: pd.DataFrame) -> pd.DataFrame:
    """Return the readings under a moon that matters, with the change it made: `measured` and
    `published` [mag, positive: brighter].
    """
    under = read[(read.sun < -15) & (read.moon > 0)]
    under = under.assign(measured=under.own - under.SQMReading, published=change(under, 0.0))
    return under[under.published >= LEAST_CHANGE]


def change(under: pd.DataFrame, offset: float | np.ndarray) -> np.ndarray:
    """Return by how much the model's moon brightens each place's zenith [mag], its light moved by
    `offset` [mag].
    """
    light = night_sky.moonlight(
        under.moon.values, under.lit.values, under.extinction.values
    ) * 10 ** (-0.4 * np.asarray(offset))
    return np.asarray(
        under.own.values - night_sky.magnitudes(night_sky.nanolamberts(under.own.values) + light)
    )


def fitted_offset(under: pd.DataFrame) -> float:
    """Return the offset [mag] with the least mean absolute error of the change, places having equal
    votes.
    """
    return float(OFFSETS[(_errors(under) @ _votes(under)).argmin()])


def interval(under: pd.DataFrame) -> tuple[float, float]:
    """Return the 90 % interval of the fitted offset [mag]: places drawn with replacement."""
    errors, votes = _errors(under), _votes(under)
    drawn = _drawn(under.place)
    return percentile_interval(OFFSETS[(errors @ (votes * drawn).T).argmin(axis=0)])


def _drawn(places: pd.Series) -> np.ndarray:
    """Return how often each case is drawn (draw, case), with all cases of its place."""
    place, known = pd.factorize(places)
    return np.asarray(block_counts(len(known), DRAWS, 20261122)[:, place])


def _errors(under: pd.DataFrame) -> np.ndarray:
    """Return the absolute error of the change (offset, case) [mag]."""
    return np.abs(np.stack([change(under, offset) for offset in OFFSETS]) - under.measured.values)


def _votes(under: pd.DataFrame) -> np.ndarray:
    return np.asarray(1 / under.groupby("place").place.transform("count").values)


def of_moons(under: pd.DataFrame, lit: tuple[float, float]) -> pd.DataFrame:
    return under[under.lit.between(*lit)]


def of_years(under: pd.DataFrame, years: tuple[int, ...]) -> pd.DataFrame:
    return under[under.year.isin(years)]


def worth(under: pd.DataFrame, offset: float | np.ndarray) -> str:
    """Return how the model's change compares with the measured: median bias, mean absolute error
    [mag], rank correlation.
    """
    modelled = change(under, offset)
    error = modelled - under.measured
    correlation = _correlation(modelled, under.measured.values)
    return f"bias {np.median(error):+.2f} mae {np.abs(error).mean():.2f} r {correlation:.2f}"


def mean_error(under: pd.DataFrame, offset: float | np.ndarray) -> float:
    return float(np.abs(change(under, offset) - under.measured).mean())


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's correlation of ranks."""
    return float(pd.Series(one).corr(pd.Series(other), method="spearman"))


def weighed(taught: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Return the thin moon's offset by each source and its standard error [mag].

    Sources: the paper, La Palma, the meters, and all together.
    """
    own = night_sky.nanolamberts(np.array(LA_PALMA["own"]))
    moon = night_sky.moonlight(
        np.array(LA_PALMA["moon"]), np.array(LA_PALMA["lit"]), LA_PALMA["extinction"]
    )
    needed = (own + moon) * 10 ** (0.4 * LA_PALMA_SAW) - own
    needed_offset = float(-2.5 * np.log10(needed / moon))
    # the moon's of the sky: an error of all is so much more of it
    share, then = float(moon / (own + moon)), float(needed / (own + needed))
    low, high = interval(taught)
    witnesses = [
        ("paper", 0.0, SKY_ERROR / share),
        ("La Palma", needed_offset, float(np.hypot(SKY_ERROR / then, HEIGHT_ERROR))),
        ("meters", fitted_offset(taught), (high - low) / (2 * 1.645)),
    ]
    weights = np.array([error**-2 for *_, error in witnesses])
    return [
        *witnesses,
        (
            "all",
            float(weights @ [value for _, value, _ in witnesses] / weights.sum()),
            float(weights.sum() ** -0.5),
        ),
    ]


def verdict(
    under: pd.DataFrame, ours: float | np.ndarray, rival: float | np.ndarray
) -> tuple[str, bool]:
    """Return whether the change with offset `ours` errs less than with `rival`.

    By a bootstrap over places: better, worse, or no difference found.
    Also whether it errs no more than chance allows.
    """
    less = np.abs(change(under, ours) - under.measured) - np.abs(
        change(under, rival) - under.measured
    )
    drawn = _drawn(under.place)
    low, high = percentile_interval((drawn @ less.values) / drawn.sum(axis=1))
    word = "better" if high < 0 else "worse" if low > 0 else "no difference found"
    return f"{word} (mae {less.mean():+.3f}, 90 % of draws {low:+.3f} to {high:+.3f})", bool(
        low <= 0
    )


def passing(under: pd.DataFrame) -> tuple[float, float]:
    """Return the least and greatest of OFFSETS that these cases do not reject.

    The wide span shows how little they constrain the offset.
    """
    faded = night_sky.moonlight_offset(under.lit.values) / night_sky.MOONLIGHT_OFFSET
    let = [offset for offset in OFFSETS[::10] if verdict(under, faded * offset, 0.0)[1]]
    return float(min(let)), float(max(let))


def claims(shared: Path) -> list[Claim]:
    """Return what was measured of the night sky."""
    seen = reports(shared)
    read = meters(seen)
    return [
        *moonlight_claims(moonlit(read)),
        *meter_claims(read),
        *eye_claims(seen),
        nights_claim(),
    ]


def moonlight_claims(under: pd.DataFrame) -> list[Claim]:
    """The change of the zenith by the moon at repeated places: as published, and with the product's
    offset.
    """
    thin, thick = of_moons(under, LESS_THAN_HALF), of_moons(under, MORE_THAN_HALF)
    taught, tried = of_years(thin, FIRST_YEARS), of_years(thin, OTHER_YEARS)
    own = night_sky.MOONLIGHT_OFFSET
    product = night_sky.moonlight_offset(under.lit.values)
    gibbous = night_sky.moonlight_offset(thick.lit.values)
    *witnesses, (_, mean, error) = weighed(taught)
    typical = float(taught.measured.median())
    fixed = np.abs(typical - tried.measured).mean()
    none = (
        f"no moon model: bias {-under.measured.median():+.2f} mae {under.measured.abs().mean():.2f}"
    )
    sources = "; ".join(f"{name} {value:+.2f} +- {wide:.2f}" for name, value, wide in witnesses)
    against, no_worse = verdict(under, product, 0.0)
    product_tried = night_sky.moonlight_offset(tried.lit.values)
    on_tried, passed = verdict(tried, product_tried, 0.0)[0], passing(tried)
    alone, (low, high) = fitted_offset(thin), interval(thin)
    return [
        Claim(
            "stars",
            "moonlight, all moons, as published 1991 [mag]",
            worth(under, 0.0),
            len(under),
            f"{under.place.nunique()} places; {none}",
            bool(mean_error(under, 0.0) < under.measured.abs().mean()),
        ),
        Claim(
            "stars",
            "moonlight, all moons, with the offset [mag]",
            worth(under, product),
            len(under),
            f"as published: {against}",
            no_worse,
        ),
        Claim(
            "stars",
            "offset of a moon less than half lit: meters alone [mag]",
            f"{alone:+.2f}",
            len(thin),
            f"{thin.place.nunique()} places; 90 % of draws of places {low:+.2f} to {high:+.2f}: "
            "not distinguishable from none",
        ),
        Claim(
            "stars",
            "offset of a moon less than half lit: weighed, in use [mag]",
            f"{own:+.2f}",
            len(taught),
            f"weighed mean {mean:+.2f} +- {error:.2f} of {sources} (2008-2014, "
            f"{taught.place.nunique()} places)",
            abs(mean - own) < 0.05,
        ),
        Claim(
            "stars",
            "tried on 2015-2018: as published [mag]",
            worth(tried, 0.0),
            len(tried),
            f"{tried.place.nunique()} places; the same change always ({typical:.2f}): bias "
            f"{np.median(typical - tried.measured):+.2f} "
            f"mae {fixed:.2f}",
        ),
        Claim(
            "stars",
            "tried on 2015-2018: with the offset in use [mag]",
            worth(tried, product_tried),
            len(tried),
            f"as published: {on_tried}; {len(tried)} cases do not decide: any offset from "
            f"{passed[0]:+.1f} to {passed[1]:+.1f} passes",
        ),
        Claim(
            "stars",
            "offset of moons 60-100 % lit, all even years [mag]",
            f"{fitted_offset(thick):+.2f}",
            len(thick),
            f"in use {night_sky.GIBBOUS_OFFSET:+.2f}; {thick.place.nunique()} places; 90 % of "
            "draws of places {:+.2f} to {:+.2f}: it may be none".format(*interval(thick)),
            abs(fitted_offset(thick) - night_sky.GIBBOUS_OFFSET) < 0.06,
        ),
        Claim(
            "stars",
            "  fitted to 2008-2014; to 2015-2018 [mag]",
            f"{fitted_offset(of_years(thick, FIRST_YEARS)):+.2f}; "
            f"{fitted_offset(of_years(thick, OTHER_YEARS)):+.2f}",
            len(thick),
            f"with the offset, these moons: {verdict(thick, gibbous, 0.0)[0]}, published",
            verdict(thick, gibbous, 0.0)[1],
        ),
    ]


def meter_claims(read: pd.DataFrame) -> list[Claim]:
    """How well a place's own sky stands for another night there, and twilight."""
    moonless = read[(read.moon < -3) & (read.sun < -15)]
    grouped = moonless.groupby("place").SQMReading
    moonless = moonless.assign(nights=grouped.transform("count"), sums=grouped.transform("sum"))
    moonless = moonless[moonless.nights >= 2]
    others = (moonless.sums - moonless.SQMReading) / (moonless.nights - 1)
    apart = np.abs(others - moonless.SQMReading)
    dusk = read[(read.moon < -3) & read.sun.between(-15, -11)]
    modelled = night_sky.magnitudes(
        night_sky.nanolamberts(dusk.own.values) + night_sky.twilight(dusk.sun.values)
    )
    without, error = dusk.own - dusk.SQMReading, modelled - dusk.SQMReading
    return [
        Claim("stars", "one moonless clear night against the place's others",
              f"median apart {apart.median():.2f} mag",
              len(moonless),
              f"{moonless.place.nunique()} places: what meters, hands and haze leave unexplained"),
        Claim("stars", "twilight, sun at -15 to -11 degrees, no moon [mag]",
              f"bias {error.median():+.2f} mae {error.abs().mean():.2f}",
              len(dusk),
              f"{dusk.place.nunique()} places; no twilight: bias {without.median():+.2f} mae "
              f"{without.abs().mean():.2f}",
              bool(error.abs().mean() < without.abs().mean())),
    ]  # fmt: skip


def eye_claims(seen: pd.DataFrame) -> list[Claim]:
    """Compare the naked-eye limit computed from a meter with the reported one: by the formula, and
    for eyes without practice.

    LAY_EYE is fitted in EYE_YEAR, where a meter was read beside the eye, and tried on reports of
    other years without a meter at places that have one.
    """
    reports = seen[seen.LimitingMag.between(1, 7) & (seen.sun < -15)]
    beside = reports[reports.SQMReading.between(*METER) & (reports.year == EYE_YEAR)]
    beside = beside.assign(sky=beside.SQMReading)
    alone = reports[reports.SQMReading.isna() & (reports.moon < -3) & (reports.year != EYE_YEAR)]
    alone = alone.assign(sky=own_sky(alone, seen[seen.SQMReading.between(*METER)]))
    alone = alone[alone.sky.notna()]
    errors = (night_sky.limiting_magnitude(beside.sky.values) - beside.LimitingMag).values
    fitted = float(LAY_STEPS[(np.abs(errors - LAY_STEPS[:, None]) @ _votes(beside)).argmin()])
    fixed = (beside.LimitingMag - beside.LimitingMag.median()).abs().mean()
    formula, lay = night_sky.limiting_magnitude, night_sky.lay_limit
    return [
        Claim("stars", f"naked-eye limit from the meter beside it, {EYE_YEAR}, formula [mag]",
              _limit(beside, formula)[0], len(beside),
              f"always {beside.LimitingMag.median():.0f}: mae {fixed:.2f}; other years' limits "
              "are steps of the reading",
              _limit(beside, formula)[1] < fixed),
        Claim("stars", "the same for eyes without practice, fitted here [mag]",
              _limit(beside, lay)[0], len(beside),
              f"fitted {fitted:.2f} in {beside.place.nunique()} places, in use "
              f"{night_sky.LAY_EYE:.2f}",
              abs(fitted - night_sky.LAY_EYE) < 0.06),
        Claim("stars", "tried on other years, no meter, place's own sky: formula [mag]",
              _limit(alone, formula)[0], len(alone),
              f"{alone.place.nunique()} places; the meter is a neighbour's: r shows how loosely "
              "it stands for the report"),
        Claim("stars", "tried on other years, no meter: eyes without practice [mag]",
              _limit(alone, lay)[0], len(alone),
              "formula: the line above", _limit(alone, lay)[1] < _limit(alone, formula)[1]),
    ]  # fmt: skip


def _limit(reports: pd.DataFrame, formula: Callable[[np.ndarray], np.ndarray]) -> tuple[str, float]:
    """Return how the limit by `formula` compares with the reported one, and its mean absolute error
    [mag].
    """
    found = formula(reports.sky.values)
    error = found - reports.LimitingMag.values
    off = float(np.abs(error).mean())
    return (
        f"bias {error.mean():+.2f} mae {off:.2f} r "
        f"{_correlation(found, reports.LimitingMag.values):.2f}",
        off,
    )


def nights_claim(year: int = 2026) -> Claim:
    """How many nights of a year the moon leaves two hours darker than DARK_ENOUGH over Lingshan,
    cloud apart: stands in the rule's base.
    """
    config = read_config()
    site = next(site for site in config.all_sites() if site.id == "lingshan")
    days = [date(year, 1, 1) + timedelta(days=d) for d in range(365)]
    nights = list(almanac.almanacs((site,), days, config.zone).values())
    own, dimming = (
        night_sky.nanolamberts(np.array(site.night_sky_brightness)),
        night_sky.extinction(site.elevation),
    )
    dark = 0
    for night in nights:
        if night.astronomical_dusk is None or night.astronomical_dawn is None:
            continue
        dusk, dawn = (
            np.datetime64(m.replace(tzinfo=None), "ns")
            for m in (night.astronomical_dusk, night.astronomical_dawn)
        )
        times = np.arange(dusk, dawn, np.timedelta64(30, "m"))
        moon = almanac.moon_position(times, site.latitude, site.longitude)[0]
        light = own + night_sky.fitted_moonlight(moon, almanac.moon_illumination(times), dimming)
        runs = "".join(
            "x" if good else " " for good in night_sky.magnitudes(light) >= DARK_ENOUGH
        ).split()
        dark += max(map(len, runs), default=0) >= 5  # five looks, half an hour apart
    return Claim(
        "stars",
        f"nights of {year} with two hours of 20.0 mag or darker, Lingshan",
        f"{dark / len(nights):.0%}",
        len(nights),
        "moon only, cloud apart",
    )
