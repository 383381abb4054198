"""The night sky against Globe at Night: sky meters under a moon and without, in twilight, and beside the naked eye (even years 2008-2018).

ObsDateTime is not UTC: UTC = ObsDateTime + 2 x UTCOffset minutes. A place is a cell of 0.01 degrees; its own sky is the median of its
meter readings with the moon 3 degrees and more below the horizon. Only reports of a cloudless sky count. Each place has one vote in
a fit, however often it was visited; intervals are of places drawn again and again.
Fitted: one number, the offset of the moonlight of a moon less than half lit [mag], on FIRST_YEARS; tried on OTHER_YEARS.
The reported limiting magnitude stands beside a meter reading in most years as a step of that reading, worked out by the form: such
years say nothing of the eye. In 2012 alone most were reported apart; the formula is tried there.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from forecast import night_sky, sky
from forecast.config import read_config
from forecast.quantities import DARK_ENOUGH
from tests.science.claims import Claim

FIRST_YEARS, OTHER_YEARS = (2008, 2010, 2012, 2014), (2015, 2016, 2017, 2018)  # 2015 and 2017: stray reports of the night of 31 December
METER = (15.0, 22.3)  # [mag arcsec-2] readings that a night sky can give
LEAST_CHANGE = 0.1  # [mag] moons that change the model's sky by less teach nothing
LESS_THAN_HALF, MORE_THAN_HALF = (0.0, 0.5), (0.6, 1.01)  # [1] lit
OFFSETS = np.arange(-3.0, 2.01, 0.05)  # [mag] tried
DRAWS = 2000
EYE_YEAR = 2012


def reports(shared: Path) -> pd.DataFrame:
    """Return the cloudless reports, each once, with where sun and moon stood [degree] and how much of the moon was lit."""
    seen = pd.read_csv(shared / "globe_at_night" / "even_years_2008_2018.csv.gz", low_memory=False)
    seen = seen[seen.CloudCover == -1].drop_duplicates(["ObsDateTime", "Latitude", "Longitude", "LimitingMag", "SQMReading"])
    times = pd.to_datetime(seen.ObsDateTime).dt.tz_localize(None).values + (2 * seen.UTCOffset.values).astype("timedelta64[m]")
    where = times, seen.Latitude.values, seen.Longitude.values
    return seen.assign(
        year=pd.DatetimeIndex(times).year, sun=sky.sun_position(*where)[0], moon=sky.moon_position(*where)[0],
        lit=sky.moon_illumination(times), extinction=night_sky.extinction(seen.Elevation.clip(0, 4000).values),
        place=seen.Latitude.round(2).astype(str) + "," + seen.Longitude.round(2).astype(str),
    )  # fmt: skip


def meters(seen: pd.DataFrame) -> pd.DataFrame:
    """Return the meter readings at places that have one of a moonless night, with the place's `own` sky [mag arcsec-2]."""
    read = seen[seen.SQMReading.between(*METER)]
    moonless = read[(read.moon < -3) & (read.sun < -15)]
    return read.join(moonless.groupby("place").SQMReading.agg(own="median", nights="count"), on="place", how="inner")


def moonlit(read: pd.DataFrame) -> pd.DataFrame:
    """Return the readings under a moon that matters, with the change it made: `measured` and `published` [mag, positive: brighter]."""
    under = read[(read.sun < -15) & (read.moon > 5)]
    under = under.assign(measured=under.own - under.SQMReading, published=change(under, 0.0))
    return under[under.published >= LEAST_CHANGE]


def change(under: pd.DataFrame, offset: float | np.ndarray) -> np.ndarray:
    """Return by how much the model's moon brightens each place's zenith [mag], its light moved by `offset` [mag]."""
    light = night_sky.moonlight(under.moon.values, under.lit.values, under.extinction.values) * 10 ** (-0.4 * np.asarray(offset))
    return np.asarray(under.own.values - night_sky.magnitudes(night_sky.nanolamberts(under.own.values) + light))


def fitted_offset(under: pd.DataFrame) -> float:
    """Return the offset [mag] with the least mean absolute error of the change, places having equal votes."""
    return float(OFFSETS[(_errors(under) @ _votes(under)).argmin()])


def interval(under: pd.DataFrame) -> tuple[float, float]:
    """Return the 90 % interval of the fitted offset [mag]: places drawn with replacement."""
    draws = np.random.default_rng(20261122)
    codes, places = pd.factorize(under.place)
    errors, votes = _errors(under), _votes(under)
    drawn = draws.multinomial(len(places), np.full(len(places), 1 / len(places)), size=DRAWS)
    fits = OFFSETS[(errors @ (votes * drawn[:, codes]).T).argmin(axis=0)]
    return float(np.percentile(fits, 5)), float(np.percentile(fits, 95))


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
    """Return how the model's change compares with the measured: median bias, mean absolute error [mag], rank correlation."""
    modelled = change(under, offset)
    error = modelled - under.measured
    return f"bias {np.median(error):+.2f} mae {np.abs(error).mean():.2f} r {_correlation(modelled, under.measured.values):.2f}"


def mean_error(under: pd.DataFrame, offset: float | np.ndarray) -> float:
    return float(np.abs(change(under, offset) - under.measured).mean())


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's correlation of ranks."""
    return float(pd.Series(one).corr(pd.Series(other), method="spearman"))


def claims(shared: Path) -> list[Claim]:
    """Return what was measured of the night sky."""
    seen = reports(shared)
    read = meters(seen)
    return [*moonlight_claims(moonlit(read)), *meter_claims(read), eye_claim(seen), nights_claim()]


def moonlight_claims(under: pd.DataFrame) -> list[Claim]:
    """The change of the zenith by the moon at repeated places: as published, and with the product's offset."""
    thin, thick = of_moons(under, LESS_THAN_HALF), of_moons(under, MORE_THAN_HALF)
    taught, tried = of_years(thin, FIRST_YEARS), of_years(thin, OTHER_YEARS)
    product = night_sky.moonlight_offset(under.lit.values)
    fitted, typical = fitted_offset(taught), float(taught.measured.median())
    low, high = interval(thin)
    fixed = np.abs(typical - tried.measured)
    none = f"no moon model: bias {-under.measured.median():+.2f} mae {under.measured.abs().mean():.2f}"
    return [
        Claim("stars", "moonlight, all moons, as published 1991 [mag]", worth(under, 0.0), len(under),
              f"{under.place.nunique()} places; {none}",
              mean_error(under, 0.0) < under.measured.abs().mean()),
        Claim("stars", "moonlight, all moons, with the offset [mag]", worth(under, product), len(under), "as published: the line above",
              mean_error(under, product) <= mean_error(under, 0.0)),
        Claim("stars", "offset fitted on 2008-2014, moon less than half lit [mag]", f"{fitted:+.2f}", len(taught),
              f"{taught.place.nunique()} places; all years {fitted_offset(thin):+.2f}, 90 % of draws of places {low:+.2f} to {high:+.2f}; "
              f"in the product {night_sky.MOONLIGHT_OFFSET:+.2f}", abs(fitted - night_sky.MOONLIGHT_OFFSET) < 0.1),
        Claim("stars", "tried on 2015-2018: as published [mag]", worth(tried, 0.0), len(tried),
              f"{tried.place.nunique()} places; the same change always ({typical:.2f}): bias {np.median(typical - tried.measured):+.2f} "
              f"mae {fixed.mean():.2f}"),
        Claim("stars", "tried on 2015-2018: with the fitted offset [mag]", worth(tried, fitted), len(tried), "as published: the line above",
              mean_error(tried, fitted) < mean_error(tried, 0.0)),
        Claim("stars", "offset asked for by moons 60-100 % lit (not used) [mag]", f"{fitted_offset(thick):+.2f}", len(thick),
              "{} places; 90 % of draws of places {:+.2f} to {:+.2f}: none is used".format(thick.place.nunique(), *interval(thick))),
    ]


def meter_claims(read: pd.DataFrame) -> list[Claim]:
    """How well a place's own sky stands for another night there, and twilight."""
    moonless = read[(read.moon < -3) & (read.sun < -15) & (read.nights >= 2)]
    sums = moonless.groupby("place").SQMReading.transform("sum")
    others = (sums - moonless.SQMReading) / (moonless.nights - 1)
    apart = np.abs(others - moonless.SQMReading)
    dusk = read[(read.moon < -3) & read.sun.between(-15, -11)]
    modelled = night_sky.magnitudes(night_sky.nanolamberts(dusk.own.values) + night_sky.twilight(dusk.sun.values))
    without, error = dusk.own - dusk.SQMReading, modelled - dusk.SQMReading
    return [
        Claim("stars", "one moonless clear night against the place's others", f"median apart {apart.median():.2f} mag",
              len(moonless), f"{moonless.place.nunique()} places: what meters, hands and haze leave unexplained"),
        Claim("stars", "twilight, sun at -15 to -11 degrees, no moon [mag]", f"bias {error.median():+.2f} mae {error.abs().mean():.2f}",
              len(dusk), f"{dusk.place.nunique()} places; no twilight: bias {without.median():+.2f} mae {without.abs().mean():.2f}",
              bool(error.abs().mean() < without.abs().mean())),
    ]  # fmt: skip


def eye_claim(seen: pd.DataFrame) -> Claim:
    """The naked-eye limit worked out from the meter against the one reported beside it, in the year in which most were reported apart."""
    both = seen[seen.SQMReading.between(*METER) & seen.LimitingMag.between(1, 7) & (seen.sun < -15) & (seen.year == EYE_YEAR)]
    found = night_sky.limiting_magnitude(both.SQMReading.values)
    error = found - both.LimitingMag
    fixed = (both.LimitingMag - both.LimitingMag.median()).abs().mean()
    return Claim("stars", f"naked-eye limit from the meter, {EYE_YEAR} [mag]",
                 f"bias {error.mean():+.2f} mae {error.abs().mean():.2f} r {_correlation(found, both.LimitingMag.values):.2f}", len(both),
                 f"always {both.LimitingMag.median():.0f}: mae {fixed:.2f}; other years' limits are steps of the reading",
                 bool(error.abs().mean() < fixed))


def nights_claim(year: int = 2026) -> Claim:
    """How many nights of a year the moon leaves two hours darker than DARK_ENOUGH over Lingshan, cloud apart: stands in the rule's base."""
    config = read_config()
    site = next(site for site in config.all_sites() if site.id == "lingshan")
    days = [date(year, 1, 1) + timedelta(days=d) for d in range(365)]
    nights = list(sky.almanacs((site,), days, config.zone).values())
    own, dimming = night_sky.nanolamberts(np.array(site.night_sky_brightness)), night_sky.extinction(site.elevation)
    dark = 0
    for night in nights:
        if night.astronomical_dusk is None or night.astronomical_dawn is None:
            continue
        dusk, dawn = (np.datetime64(m.replace(tzinfo=None), "ns") for m in (night.astronomical_dusk, night.astronomical_dawn))
        times = np.arange(dusk, dawn, np.timedelta64(30, "m"))
        moon = sky.moon_position(times, site.latitude, site.longitude)[0]
        light = own + night_sky.fitted_moonlight(moon, sky.moon_illumination(times), dimming)
        runs = "".join("x" if good else " " for good in night_sky.magnitudes(light) >= DARK_ENOUGH).split()
        dark += max(map(len, runs), default=0) >= 5  # five looks, half an hour apart
    return Claim("stars", f"nights of {year} with two hours of 20.0 mag or darker, Lingshan", f"{dark / len(nights):.0%}", len(nights),
                 "moon only, cloud apart")
