"""Real forecasts kept at their issue time: `night_cloud` of the reference data, as arrays.

Every afternoon (15 or 16 h local) the hourly forecast of the next nights, 16 to 09 h local, beside
the short-range analysis of the next day, New York City, October 2023 to February 2026. The
forecast is a mixture of models whose run is not named: its run is taken as the newest of 00, 06, 12
and 18 UTC that is DELAY old at issue, as the service would use it. Of the first two days an hourly
model may be fresher, by at most 8 h.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ZONE = ZoneInfo("America/New_York")
LATITUDE, LONGITUDE = 40.71, -73.99
DELAY = timedelta(hours=4)  # from a run's time to its data
HOURS = (*range(16, 24), *range(10))  # local, of one night
NIGHTS = 13
COLUMNS = (
    "temperature_c",
    "dew_point_c",
    "relative_humidity_pct",
    "cloud_pct",
    "rain_mm",
    "showers_mm",
    "snowfall_cm",
    "wind_m_s",
)
HALF_DAY = np.timedelta64(12, "h")


@dataclass(frozen=True)
class IssueArchive:
    """Forecasts and analyses of the same nights.

    night (case): the date of the evening; ahead (case) [day] from the day of issue; run (case) UTC.
    forecast, analysis: column -> (case, hour of HOURS), NaN where a forecast lacks an hour.
    """

    night: NDArray[np.datetime64]
    ahead: NDArray[np.int64]
    run: NDArray[np.datetime64]
    forecast: dict[str, NDArray[np.float64]]
    analysis: dict[str, NDArray[np.float64]]

    def take(self, rows: NDArray[np.bool_]) -> IssueArchive:
        """Return the cases `rows`."""
        return IssueArchive(
            self.night[rows],
            self.ahead[rows],
            self.run[rows],
            {name: values[rows] for name, values in self.forecast.items()},
            {name: values[rows] for name, values in self.analysis.items()},
        )

    def hours(self, first: int, last: int) -> slice:
        """Return the columns of the local hours `first` to `last` of a night."""
        return slice(HOURS.index(first), HOURS.index(last) + 1)

    def lead(self, hour: int) -> NDArray[np.float64]:
        """Return the hours (case) from the run to a local hour of the night's evening."""
        evening = self.night.astype("datetime64[h]") + np.timedelta64(hour, "h")
        start = local(np.asarray(evening, "datetime64[h]"))
        return (start - self.run) / np.timedelta64(1, "h")


def local(times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Return times of the local clock as UTC."""
    there = pd.DatetimeIndex(times).tz_localize(ZONE, ambiguous=False, nonexistent="shift_forward")
    return np.asarray(there.tz_convert("UTC").tz_localize(None).to_numpy(), "datetime64[h]")


@cache
def archive(shared: Path) -> IssueArchive:
    """Return the archive's nights that both a forecast and the analysis cover wholly."""
    folder = shared / "night_cloud"
    forecasts = pd.read_csv(
        folder / "forecasts.csv.gz", parse_dates=["issued_local", "valid_local"]
    )
    analyses = pd.read_csv(folder / "analyses.csv.gz", parse_dates=["valid_local"])
    analyses = analyses[analyses.valid_local.dt.hour.isin(HOURS)]
    place = {hour: column for column, hour in enumerate(HOURS)}

    def night(valid: pd.Series) -> NDArray[np.datetime64]:
        return np.asarray(valid.to_numpy() - HALF_DAY, "datetime64[D]")

    def table(
        frame: pd.DataFrame, row: NDArray[np.int64], rows: int, name: str
    ) -> NDArray[np.float64]:
        values = np.full((rows, len(HOURS)), np.nan)
        values[row, frame.valid_local.dt.hour.map(place).to_numpy()] = frame[name].to_numpy()
        return values

    evenings, truth_row = np.unique(night(analyses.valid_local), return_inverse=True)
    truth = {name: table(analyses, truth_row, len(evenings), name) for name in COLUMNS}
    keys = pd.DataFrame({"issued": forecasts.issued_local, "night": night(forecasts.valid_local)})
    row, cases = pd.factorize(pd.MultiIndex.from_frame(keys))
    told = {name: table(forecasts, row, len(cases), name) for name in COLUMNS}
    issued = cases.get_level_values(0).to_numpy()
    evening = cases.get_level_values(1).to_numpy().astype("datetime64[D]")
    found = np.searchsorted(evenings, evening).clip(0, len(evenings) - 1)
    whole = (
        (evenings[found] == evening)
        & np.isfinite(told["cloud_pct"]).all(axis=1)
        & np.isfinite(truth["cloud_pct"][found]).all(axis=1)
    )
    ready = local(np.asarray(issued, "datetime64[h]")) - np.timedelta64(DELAY)
    run = ready.astype("datetime64[h]").astype(np.int64) // 6 * 6
    return IssueArchive(
        evening,
        (evening - issued.astype("datetime64[D]")).astype(np.int64),
        run.astype("datetime64[h]"),
        told,
        {name: values[found] for name, values in truth.items()},
    ).take(whole)
