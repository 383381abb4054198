"""The nouns of the service, frozen, and its conventions.

Unit: SI, angles in degrees, fractions 0-1, everywhere inside. Time: aware UTC; a window is
half-open [start, end); an accumulation carries the time at which it ends. Missing is NaN (NaT for a
time) and is named in `Forecast.missing`. Their flow (forecast/pipeline.py):

    Cycle -> Atmosphere -> Features -> Forecast -> Bulletin -> screens
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from forecast.outcome import CLOUD_SEA_STATES as CLOUD_SEA_STATES
from forecast.outcome import OUTCOME_SOURCES as OUTCOME_SOURCES
from forecast.outcome import Outcome as Outcome

if TYPE_CHECKING:
    import xarray as xr

# The nine phenomena that are forecast for a site, in the order of a bulletin.
PHENOMENA = (
    "starry_sky", "sea_of_clouds", "sunset_glow", "sunrise_glow", "sunrise", "snowfall",
    "snow_cover", "rime", "snowmaking",
)  # fmt: skip

HORIZON_STEP = 5.0  # [degree] between two values of Site.horizon
PARTLY_COVERED = "window_coverage"  # of Forecast.missing: data cover a part of the window


def as_utc(moment: datetime, what: str = "the time") -> datetime:
    """Return `moment` in UTC. Raises: ValueError for a naive one, with advice."""
    if moment.tzinfo is None:
        raise ValueError(
            f"{what} {moment.isoformat()} has no time zone: write 2026-11-22T08:00+08:00 or "
            "2026-11-22T00:00Z"
        )
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Name:
    """A name in each language of the readers."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Site:
    """A named check-in viewpoint (打卡地) at its true height.

    name: of the place, for lists and hazards. brand: under which it is known for its landscape, a
    title of its own pages (`title`).
    elevation, valley_elevation: [m].
    horizon: 72 terrain altitudes [degree] at azimuths 0, 5 ... 355; where it was not surveyed
    (horizon_surveyed) that of the sea, below the horizontal by the dip of the elevation.
    valley_heights: quantiles [m] of the height of the ground below the site within 8 km, lowest
    first, each for an equal part of its area (empty: evenly from valley to site).
    night_sky_brightness: [mag arcsec-2] at the zenith without moon.
    view_sector: azimuths [degree], clockwise from, to; where it was not surveyed (view_surveyed)
    all round, which is not published.
    """

    id: str
    name: Name
    latitude: float
    longitude: float
    elevation: float
    valley_elevation: float
    horizon: tuple[float, ...]
    night_sky_brightness: float
    view_sector: tuple[float, float]
    phenomena: tuple[str, ...]
    headline: str
    stations: tuple[str, ...] = ()
    place: Name = Name("", "")  # the township by which a map finds it
    safety: Name = Name("", "")  # what is dangerous here, whatever the weather
    valley_heights: tuple[float, ...] = ()
    # [1] light of cities by azimuth, evenly from north, relative to its mean; empty: unknown
    sky_glow: tuple[float, ...] = ()
    brand: Name = Name("", "")
    horizon_surveyed: bool = True
    view_surveyed: bool = True

    @property
    def title(self) -> Name:
        """The brand, or the name of the place where there is none."""
        return self.brand if self.brand.zh and self.brand.en else self.name


@dataclass(frozen=True, slots=True, order=True)
class Cycle:
    """One run of one NWP model."""

    run: datetime
    model: str = "gfs"

    def __post_init__(self) -> None:
        object.__setattr__(self, "run", as_utc(self.run, "the cycle's run time"))

    @property
    def id(self) -> str:
        return f"{self.model}-{self.run:%Y%m%d%H}"

    def valid(self, step: int) -> datetime:
        """The time for which the field at `step` [h] is valid."""
        return self.run + timedelta(hours=step)


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time [start, end)."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", as_utc(self.start, "a window's start"))
        object.__setattr__(self, "end", as_utc(self.end, "a window's end"))
        if self.end <= self.start:
            raise ValueError(f"a window must end after it starts: [{self.start}, {self.end})")

    @property
    def middle(self) -> datetime:
        return self.start + (self.end - self.start) / 2


@dataclass(frozen=True, slots=True)
class Event:
    """What is forecast: a phenomenon at a site in a window of a local day.

    A night belongs to the local day on which it begins, a dawn to the day that follows it. centre:
    the time the window surrounds (sunset, sunrise), if there is one.
    """

    phenomenon: str
    site: Site
    day: date
    window: Window
    centre: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """(site, phenomenon, day): the same in every cycle."""
        return (self.site.id, self.phenomenon, self.day.isoformat())


@dataclass(frozen=True, slots=True)
class MeteorShower:
    """A meteor shower near its yearly maximum. hourly_rate: zenithal hourly rate (ZHR)."""

    id: str
    hourly_rate: int


@dataclass(frozen=True, slots=True)
class Almanac:
    """Sun and moon at a site on one local day; a time is None if the event does not happen.

    Sunrise and sunset are those of the upper limb on a flat sea-level horizon with standard
    refraction; the `terrain_` ones are over the site's own horizon. The night is the one that
    begins on this day.

    Azimuths [degree]; illumination 0-1; phase [degree]: 0 new, 90 first quarter, 180 full.
    """

    site: Site
    day: date
    day_start: datetime  # local midnight that opens the day, and the next
    day_end: datetime
    sunrise: datetime | None
    sunset: datetime | None
    terrain_sunrise: datetime | None
    terrain_sunset: datetime | None
    sunrise_azimuth: float
    sunset_azimuth: float
    civil_dawn: datetime | None
    civil_dusk: datetime | None
    nautical_dusk: datetime | None
    astronomical_dusk: datetime | None
    astronomical_dawn: datetime | None  # of the morning after this day's night
    moonrise: datetime | None  # the first between this day's noon and the next
    moonset: datetime | None
    moon_illumination: float  # in the middle of the night
    moon_phase: float
    milky_way: Window | None  # galactic centre above 10 degrees in the dark of the night
    showers: tuple[MeteorShower, ...] = ()  # near their maximum on this night


# The fields of one cycle over a region, (time, level, latitude, longitude) or (time, latitude,
# longitude), float32, SI, CF names: see forecast/quantities/fields.py for the variables and
# forecast/ingest/grib/reader.py for how it is read.
Atmosphere: TypeAlias = "xr.Dataset"


@dataclass(frozen=True, slots=True)
class DayWeather:
    """The weather of the remaining hours of a local day at a site, for the hazard assessment.

    values: features of the catalogue by name (SI, NaN where unknown). covered: the part of those
    hours [1] that the run covers; below 1 the absence of a hazard is unknown. partial: features
    that are known for a part of those hours only, whatever the run covers.
    """

    values: Mapping[str, float]
    covered: float
    partial: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Features:
    """The features of events from one cycle, as known when it was issued.

    table: one row an event, dimension `event`, in the order of `events`; float variables named in
    quantities.FEATURES, NaN where a feature does not apply or is unknown; `best_start`, `best_end`
    as datetime64 (NaT: none).
    missing: for each event the ids of missing inputs (texts: templates/text, `missing`).
    evidence: per phenomenon the arrays that a chart draws, dimension `event` with the row number in
    `table` as coordinate.
    weather: (site id, local day) -> the weather of that whole day.
    hours: the next two days by the hour (forecast/phenomena/hours.py); None where not computed.
    """

    events: tuple[Event, ...]
    table: xr.Dataset
    missing: tuple[tuple[str, ...], ...]
    evidence: Mapping[str, xr.Dataset] = field(default_factory=dict)
    weather: Mapping[tuple[str, date], DayWeather] = field(default_factory=dict)
    hours: xr.Dataset | None = None

    def __post_init__(self) -> None:
        if self.table.sizes.get("event", 0) != len(self.events) or len(self.missing) != len(
            self.events
        ):
            raise ValueError(
                "features: one row of the table and one entry of `missing` for each event"
            )


@dataclass(frozen=True, slots=True)
class Reason:
    """A feature that changed a probability: its value (SI), and the change [logit]."""

    feature: str
    value: float
    effect: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The range of the last cycles (at most four, with this one) and of likely later ones."""

    low: float
    high: float
    cycles: int


@dataclass(frozen=True, slots=True)
class ContributingRun:
    """The result of one run of a model (all members together) for an event; weights add to 1."""

    cycle: Cycle
    probability: float
    weight: float
    members: int = 1
    states: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What a person changed in a machine's forecast before it was issued.

    machine_probability: before the change. fields: names of review.EDIT_FIELDS. sentence: in place
    of the reasons, empty where it is not changed. recommended: chosen (True) or removed (False)
    from the recommendations, None: as computed. person: the account.
    """

    machine_probability: float
    person: str
    fields: tuple[str, ...]
    sentence: Name = Name("", "")
    recommended: bool | None = None

    @property
    def moved(self) -> bool:
        """Whether the probability was changed."""
        return "probability" in self.fields

    @property
    def worded(self) -> bool:
        """Whether a sentence stands in place of the reasons."""
        return bool(self.sentence.zh or self.sentence.en)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of one event, as issued; never edited afterwards.

    probability: 0-1, NaN if too much is missing. grade: 1-5 (5 the most likely), 0 without a
    probability. quantities: the known features that readers see (SI). spreads: the range of the
    last cycles for some of them (SI). states: sea of clouds only, adding to 1.
    contributing_runs: the result of each run, the leading one (`cycle`) first; a single run is no
    agreement. corrected_by: stations whose latest observations corrected the features (a nowcast).
    usual: usual frequency of the phenomenon at the site in that month, NaN where unknown.
    confidence: 3 high, 2 medium, 1 low (little better than the usual frequency), by the skill to
    expect so far ahead and how much of the answer hangs on weather; 0 without a probability.
    change: by a forecaster, None where the machine's forecast stands.
    """

    event: Event
    cycle: Cycle
    issued: datetime
    probability: float
    grade: int
    model: str
    best: Window | None = None
    states: Mapping[str, float] = field(default_factory=dict)
    reasons: Sequence[Reason] = ()
    spread: Spread | None = None
    missing: tuple[str, ...] = ()
    quantities: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    contributing_runs: tuple[ContributingRun, ...] = ()
    corrected_by: tuple[str, ...] = ()
    usual: float = float("nan")
    confidence: int = 0
    change: Change | None = None

    @property
    def known(self) -> bool:
        return math.isfinite(self.probability)


@dataclass(frozen=True, slots=True)
class RunForecasts:
    """Features and forecasts of one run of one model, all members together, in the same order."""

    cycle: Cycle
    features: Features
    forecasts: tuple[Forecast, ...]
    members: int = 1


@dataclass(frozen=True, slots=True)
class Station:
    """A station: its number (WMO or the bureau's own), its position, and how it reports.

    units: element -> the unit in which it reports, if not that of the format. clock_offset: [s] by
    which its clock is ahead.
    """

    id: str
    name: Name
    latitude: float
    longitude: float
    elevation: float
    kind: str = "weather"
    units: Mapping[str, str] = field(default_factory=dict)
    clock_offset: float = 0.0


# Quality of an observed value, after WMO-No. 488 and BUFR code table 0 33 020; DOUBTFUL and WRONG
# are shown to a forecaster only.
GOOD, INCONSISTENT, DOUBTFUL, WRONG, UNCHECKED = 0, 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Observation:
    """The report of one station for one time.

    values: element of quantities.ELEMENTS -> SI value, only what was reported. flags: element ->
    quality, UNCHECKED if not given. time: the end of an accumulation or a mean. form: its format
    (csv, push, synop, metar, bufr, micaps1, micaps3, isd, afile, cmadaas).
    """

    station: str
    time: datetime
    values: Mapping[str, float]
    flags: Mapping[str, int] = field(default_factory=dict)
    form: str = "csv"

    def __post_init__(self) -> None:
        object.__setattr__(self, "time", as_utc(self.time, "an observation's time"))

    def good(self, element: str) -> float:
        """The value of `element`, NaN where there is none or its quality is DOUBTFUL or WRONG."""
        return (
            float("nan")
            if self.flags.get(element, UNCHECKED) in (DOUBTFUL, WRONG)
            else self.values.get(element, float("nan"))
        )


@dataclass(frozen=True, slots=True)
class CurrentObservations:
    """The latest observations of a station that readers may see: nothing DOUBTFUL or WRONG.

    newest: element -> time and value of its last report (SI). hourly: element -> the end and the
    mean of each hour of the last day that has values, oldest first. comfort: time, and class 1-5
    (1 cold, 3 comfortable, 5 sultry), None if unknown. last_report: None if it never reported.
    """

    station: Station
    newest: Mapping[str, tuple[datetime, float]] = field(default_factory=dict)
    hourly: Mapping[str, tuple[tuple[datetime, float], ...]] = field(default_factory=dict)
    comfort: tuple[datetime, int] | None = None
    last_report: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A line, a file or a value that was refused, and why. line 0: the file as a whole."""

    where: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Issue:
    """One publication: its id (the name of its folder), its number in the year, time and cycle."""

    id: str
    number: int
    issued: datetime
    cycle: Cycle
    valid_until: datetime
    published: bool = False

    def expired(self, now: datetime) -> bool:
        """Return whether readers must no longer take it for the forecast."""
        return self.valid_until <= as_utc(now)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of a publication in one channel."""

    channel: str
    issue: str
    outcome: str  # published | sent | unchanged | withheld | failed
    detail: str = ""
