"""The shipped climatologies, from physics and what data there are: models/shipped/climatology.csv,
and of clear nights models/shipped/clear_night/climatology.csv.

Run as a script to write it anew. No record of the mountains is at hand: rows of cold and snow are
the hourly record of Beijing (2010-2014, near sea level) carried to each height with the standard
lapse rate and the plain's relative humidity, judged by the program's own science. Rain and snow
fall in the hours of the record, each with the month's normal amount over its usual hours; that
mountains have more of both, and that the wind takes snow, is left out.
Clear nights: the share of clear hours follows the sunshine normals of Beijing between the two
values published for Xinglong; how often the best two hours of a month have few clouds at most, and
how often a night is clear, follows from that share as on the nights of
tests/science/issue_archive.py, moved so that the year has the published share of spectroscopic and
of photometric nights: no event of theirs, but of much the same share there (63 to 32 %, on the
nights of the archive 68 to 38 %).
Glow and disk: the product's own draws of the climate of cloud (forecast/phenomena/light_chances.py)
for a viewer at each height, over the sea, in the haze of a clean day, the horizon at his height.
What is borrowed: the covers are those of four Chinese mountains, the three layers stand at usual
heights, no label of a glow is behind it, and a glow has no season.
What is neither measured nor published is marked (check).
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from forecast.domain import PHENOMENA
from forecast.phenomena.snow import DEGREES
from forecast.quantities import SNOWMAKING_STARTS
from forecast.science.precipitation_type import fraction_by_wet_bulb
from forecast.science.snowfall import RIME_COLD, RIME_GLACIATED, snow_ratio
from forecast.science.snowpack import DayForcing, Pack, next_day
from forecast.science.thermodynamics import (
    FREEZING,
    LAPSE_RATE,
    saturation_vapour_pressure,
    wet_bulb,
)
from models import climatology
from models.climatology import TABLE
from models.rules import CLIMATE_DISK, CLIMATE_GLOW
from tests.science.claims import Claim
from tests.science.glow_errors import VIEWER, climate_chances
from tests.science.issue_archive import IssueArchive, archive
from tests.science.lead_events import LeadCases, archive_stars, dark_hours, stars

TOPIC = "climatology"
Array = NDArray[np.floating[Any]]

HEIGHTS = (0, 500, 1000, 1500, 2000, 2500)  # [m]
# [m] of glow and disk: the usual low layer ends at 2000 m, where true tops vary: what changes there
# is spread from 1500 to 2500 m
LIGHT_HEIGHTS = (0, 500, 1000, 1500, 2500)
MONTHS = np.arange(1, 13)
# Normals of Beijing 1971-2000, China Meteorological Administration: sunshine [h], precipitation
# [mm] by month. The sunshine shares they give, 47 % in July and 65 % in January, are published too.
SUNSHINE = np.array(
    [194.1, 194.7, 231.8, 251.9, 283.4, 261.4, 212.4, 220.9, 232.1, 222.1, 185.3, 180.7]
)
PRECIPITATION = np.array([2.7, 4.9, 8.3, 21.0, 34.0, 78.0, 185.0, 160.0, 46.0, 22.0, 7.4, 2.8])
DAYS = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MID_MONTH = np.array([16, 45, 75, 105, 136, 166, 197, 228, 258, 289, 319, 350])  # [day of year]
LATITUDE = 39.9
# Xinglong, 960 m, 120 km from the sites: 8 clear hours a night in December, 1-2 in July and August
# (Yao et al. 2012, RAA 12, 772) of 12.7 and 7.1 dark ones; 63 % of nights usable for spectroscopy,
# 32 % for photometry (Zhang et al. 2015, PASP 127, 1292).
DECEMBER_SHARE, SUMMER_SHARE = 8 / 12.7, 1.5 / 7.1
USABLE_NIGHTS, CLEAR_NIGHTS = 0.63, 0.32
# [1] sea of clouds by height [m]: "always no" is right on 78 % of mornings (science.md 2) for
# summits above most decks; lower places see fewer (check)
SEA_HEIGHTS, SEA_OFTEN = (0, 500, 1000, 1500, 2000, 2500), (0.01, 0.04, 0.14, 0.2, 0.22, 0.2)
DAWN, SATURATED = (4, 8), 0.9  # [h local], [1] of a moist morning
SEASON_KEPT = (
    0.5  # part of the season of moisture, and of sunshine, that sea and disk follow (check)
)
LEAST_SNOW_HOURS = 2  # of snow in a day, for a millimetre of it (check)
RIME_HUMIDITY = 0.95  # of the plain's air at a height, for cloud there in an hour (check)
LEAST, MOST = 0.002, 0.998  # [1] written


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    phenomenon: str
    month: int
    elevation: int
    frequency: float
    cases: int
    source: str


# -- nights and skies


def logit(p: Array) -> Array:
    return np.asarray(np.log(p / (1 - p)))


def expit(odds: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-odds)))


def sunshine_share() -> Array:
    """Return the sunshine of each month over its hours from sunrise to sunset [1]."""
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + MID_MONTH) / 365)
    half = np.arccos(-np.tan(np.radians(LATITUDE)) * np.tan(declination))
    return np.asarray(SUNSHINE / (24 / np.pi * half * DAYS))


def clear_share() -> Array:
    """Return the share of clear night hours of each month [1], linear in the sunshine share."""
    sun = sunshine_share()
    summer, december = sun[6:8].mean(), sun[11]
    return np.asarray(
        SUMMER_SHARE + (sun - summer) * (DECEMBER_SHARE - SUMMER_SHARE) / (december - summer)
    )


def moved_to(odds: Array, mean: float) -> Array:
    """Return frequencies of log-odds `odds` (month), moved alike so that the year has `mean`."""
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(odds + middle).mean() < mean else (low, middle)
    return expit(odds + low)


def event_by_cloud(
    shared: Path, event: Callable[[IssueArchive], LeadCases] = stars
) -> tuple[float, int, int]:
    """Return the change of the log-odds of a month's nights with an event by its mean cloud.

    With the number of months and nights.
    """
    cases = event(archive(shared))
    _, first = np.unique(cases.night, return_index=True)
    nights = archive(shared).take(np.isin(np.arange(len(cases.night)), first))
    cases = cases.take(np.isin(np.arange(len(cases.night)), first))
    dark = dark_hours(nights)
    cloud = np.where(dark, nights.analysis["cloud_pct"] / 100, 0).sum(axis=1) / dark.sum(axis=1)
    _, month = np.unique(cases.month, return_inverse=True)
    count = np.bincount(month)
    mean = np.bincount(month, cloud) / count
    often = (np.bincount(month, cases.observed) + 0.5) / (count + 1)
    weight = np.sqrt(count * often * (1 - often))
    slope, _ = np.polyfit(mean, logit(often), 1, w=weight)
    return float(slope), len(count), len(cases.night)


# -- cold and snow


@dataclass(frozen=True)
class Plain:
    """Hours of Beijing's record: month, day number, hour; air in SI; falls: rain or snow."""

    month: NDArray[np.int64]
    day: NDArray[np.int64]
    hour: NDArray[np.int64]
    temperature: Array
    humidity: Array
    pressure: Array
    snows: NDArray[np.bool_]
    falls: NDArray[np.bool_]

    def at(self, height: float) -> tuple[Array, Array]:
        """Return temperature and wet bulb [K] (hour) at a height [m] above the plain."""
        temperature = self.temperature - LAPSE_RATE * height
        pressure = self.pressure * (temperature / self.temperature) ** 5.256
        return temperature, wet_bulb(temperature, self.humidity, pressure)

    def daily(self, good: NDArray[Any]) -> Array:
        """Return the sum of hours over each day (day)."""
        return np.asarray(np.bincount(self.day, good, minlength=self.day.max() + 1))

    @property
    def months(self) -> NDArray[np.int64]:
        """The month of each day (day)."""
        return np.asarray(self.month[np.unique(self.day, return_index=True)[1]])


def plain(shared: Path) -> Plain:
    """Return the record; hours with a missing value are left out."""
    seen = pd.read_csv(shared / "obs" / "beijing_uci381_2010_2014.csv.gz")
    seen = seen.dropna(subset=["TEMP", "DEWP", "PRES"])
    day = pd.to_datetime(seen[["year", "month", "day"]]).to_numpy()
    temperature, dew_point = seen.TEMP.to_numpy() + FREEZING, seen.DEWP.to_numpy() + FREEZING
    vapour, most = saturation_vapour_pressure(dew_point), saturation_vapour_pressure(temperature)
    snows = seen.Is.to_numpy() > 0
    return Plain(
        seen.month.to_numpy(), np.unique(day, return_inverse=True)[1], seen.hour.to_numpy(),
        temperature, np.minimum(vapour / most, 1.0), 100 * seen.PRES.to_numpy(), snows,
        snows | (seen.Ir.to_numpy() > 0),
    )  # fmt: skip


def snow_days(record: Plain, height: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether it snows and whether snow lies on each day (day) at a height [m]."""
    temperature, bulb = record.at(height)
    snow = np.where(record.snows, 1.0, fraction_by_wet_bulb(bulb)) * record.falls
    hours = np.bincount(record.month, record.falls, 13)[1:]
    years = np.bincount(record.month, minlength=13)[1:] / (24 * DAYS)
    amount = (PRECIPITATION * years / np.maximum(hours, 1))[record.month - 1]  # [mm] in an hour
    fallen, water = record.daily(record.falls * amount), record.daily(snow * amount)
    lowest, highest = (
        np.array(pd.Series(temperature).groupby(record.day).agg(part)) for part in ("min", "max")
    )
    ratio = snow_ratio((lowest + highest) / 2, np.zeros(len(lowest)))
    forcing = DayForcing.of(fallen, water, np.zeros(len(fallen)), ratio, (lowest, highest))
    pack, depth = Pack(np.zeros(()), np.zeros(())), np.zeros(len(fallen) + 1)
    for day in range(len(fallen)):
        pack, _ = next_day(pack, forcing.at(day))
        depth[day + 1] = pack.depth
    lies = np.minimum(depth[1:], depth[:-1]) >= DEGREES["snow_depth"][0]
    return record.daily(snow >= 0.5) >= LEAST_SNOW_HOURS, lies


def rime_days(record: Plain, height: int) -> NDArray[np.bool_]:
    """Return whether an hour of each day (day) is fit for rime at a height [m]."""
    temperature, _ = record.at(height)
    cold = (temperature < RIME_COLD) & (temperature >= RIME_GLACIATED)
    return record.daily(cold & (record.humidity >= RIME_HUMIDITY)) >= DEGREES["rime_hours"][0]


def by_month(good: NDArray[np.bool_], months: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Return the frequency in each month, of days as rare as one in twice as many at least."""
    counts = np.bincount(months, minlength=13)[1:]
    return (np.bincount(months, good, 13)[1:] + 0.5) / (counts + 1), counts


# -- the table


def table(shared: Path) -> list[Row]:
    """Return the rows of the table."""
    record, slope = plain(shared), event_by_cloud(shared)
    return [*sky_rows(record, slope), *cold_rows(record)]


def table_of_clear_nights(shared: Path) -> list[Row]:
    """Return the rows of the table of clear nights."""
    return night_rows(event_by_cloud(shared, archive_stars), CLEAR_NIGHTS)


def night_rows(by_cloud: tuple[float, int, int], of_year: float) -> list[Row]:
    """Return the rows of an event of the night's cloud. of_year: its frequency in a year [1]."""
    slope, months, nights = by_cloud
    often = moved_to(slope * (1 - clear_share()), of_year)
    return [
        Row("starry_sky", month, 0, frequency, nights,
            "clear hours of Xinglong (Yao et al. 2012; Zhang et al. 2015) by Beijing's sunshine "
            f"normals; event by mean cloud: {months} months of New York City")
        for month, frequency in zip(MONTHS.tolist(), often.tolist(), strict=True)
    ]  # fmt: skip


def sky_rows(record: Plain, by_cloud: tuple[float, int, int]) -> list[Row]:
    """Return the rows of what hangs on cloud."""
    rows = night_rows(by_cloud, USABLE_NIGHTS) + light_rows()
    dawn = (record.hour >= DAWN[0]) & (record.hour < DAWN[1])
    moist, days = by_month(record.daily(dawn & (record.humidity >= SATURATED)) > 0, record.months)
    for height, mean in zip(SEA_HEIGHTS, SEA_OFTEN, strict=True):
        season = moved_to(SEASON_KEPT * logit(moist), mean)
        rows += [
            Row("sea_of_clouds", month, height, often, count,
                "year: science.md 2; season of moist mornings in Beijing 2010-2014 (check)")
            for month, often, count in zip(
                MONTHS.tolist(), season.tolist(), days.tolist(), strict=True)
        ]  # fmt: skip
    return rows


def light_rows() -> list[Row]:
    """Return the rows of glow and disk, by height."""
    rows, path = [], "computed: light path from the height under the climate of cloud"
    for height in LIGHT_HEIGHTS:
        glow, disk = climate_chances(height)
        by_sun = moved_to(SEASON_KEPT * logit(sunshine_share()), disk)
        for month, often in zip(MONTHS.tolist(), by_sun.tolist(), strict=True):
            rows += [
                Row(phenomenon, month, height, round(glow, 2), 0,
                    f"{path}; borrowed: its covers; no season known (check)")
                for phenomenon in ("sunset_glow", "sunrise_glow")
            ]  # fmt: skip
            rows.append(
                Row("sunrise", month, height, round(often, 2), 0,
                    f"{path}; borrowed: its covers, the season of Beijing's sunshine (check)")
            )  # fmt: skip
    return rows


def cold_rows(record: Plain) -> list[Row]:
    """Return the rows of snow and cold, by height."""
    rows = []
    for height in HEIGHTS:
        snows, lies = snow_days(record, height)
        _, bulb = record.at(height)
        made = record.daily(bulb <= SNOWMAKING_STARTS) >= DEGREES["snowmaking_hours"][0]
        of_height = {
            "snowfall": (snows, "hours of rain and snow"),
            "snow_cover": (lies, "a pack of the record's hours and normal amounts"),
            "rime": (rime_days(record, height), "hours of supercooled moist air (check)"),
            "snowmaking": (made, "wet bulb"),
        }
        for phenomenon, (good, what) in of_height.items():
            often, counts = by_month(good, record.months)
            rows += [
                Row(phenomenon, month, height, frequency, count,
                    f"{what} of Beijing 2010-2014 carried to the height")
                for month, frequency, count in zip(
                    MONTHS.tolist(), often.tolist(), counts.tolist(), strict=True)
            ]  # fmt: skip
    return rows


def text(rows: list[Row]) -> str:
    """Return the table as it is shipped, in the order of phenomena, months, heights."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("phenomenon", "month", "elevation_m", "frequency", "cases", "source"))
    for row in sorted(rows, key=lambda r: (PHENOMENA.index(r.phenomenon), r.month, r.elevation)):
        often = min(MOST, max(LEAST, row.frequency))
        writer.writerow(
            (row.phenomenon, row.month, row.elevation, f"{often:.3f}", row.cases, row.source)
        )
    return stream.getvalue()


def claims(shared: Path) -> list[Claim]:
    """Return what is claimed of the tables: they are these; figures beside published ones."""
    rows, clear_nights = table(shared), table_of_clear_nights(shared)
    clear = {row.month: row.frequency for row in rows if row.phenomenon == "starry_sky"}
    snow = [r for r in rows if r.phenomenon == "snowfall" and r.elevation == 0]
    same = text(rows) == TABLE.read_text(encoding="utf-8")
    also = text(clear_nights) == climatology.CLEAR_NIGHTS.read_text(encoding="utf-8")
    sun = sunshine_share()
    glow, disk = climate_chances(VIEWER)
    return [
        Claim(TOPIC, f"glow and disk under the climate of cloud at {VIEWER:g} m, as in the rules",
              f"{glow:.2f} {disk:.2f}", 128 * 128, f"{CLIMATE_GLOW} and {CLIMATE_DISK}, within .02",
              bool(abs(glow - CLIMATE_GLOW) <= 0.02 and abs(disk - CLIMATE_DISK) <= 0.02)),
        Claim(TOPIC, "the shipped table is the one computed here", "yes" if same else "no",
              len(rows), "rows", same),
        Claim(TOPIC, "the shipped table of clear nights is the one computed here",
              "yes" if also else "no", len(clear_nights), "rows", also),
        Claim(TOPIC, "sunshine of July and of January", f"{sun[6]:.0%} {sun[0]:.0%}", 12,
              "published 47 % and 65 %", bool(abs(sun[6] - 0.47) < 0.01 and sun[0] > 0.64)),
        Claim(TOPIC, "clear enough nights, best month and worst",
              f"{max(clear.values()):.0%} {min(clear.values()):.0%}", rows[0].cases,
              f"year {np.mean(list(clear.values())):.0%}, Xinglong 63 %; lowest in July"),
        Claim(TOPIC, "days with snow in Beijing in a year",
              f"{sum(r.frequency * d for r, d in zip(snow, DAYS, strict=True)):.0f}",
              sum(r.cases for r in snow), "the record's hours, near sea level"),
    ]  # fmt: skip


if __name__ == "__main__":
    data = Path(__file__).parents[3] / "shared" / "data"
    for path, made in (
        (TABLE, table(data)),
        (climatology.CLEAR_NIGHTS, table_of_clear_nights(data)),
    ):
        path.write_text(text(made), encoding="utf-8", newline="\n")
