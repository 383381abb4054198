"""What is measured now, as tiles: negative oxygen ions and weather of the stations that belong to a
site.

A tile holds numbers and times; `tell` puts it into the words of one language, each value twice: as
it is said while it is fresh, and what is said in its place when it is old. Nothing old is shown as
new: a page's script goes by the reader's clock, without one the time of measurement stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from forecast.domain import CurrentObservations, Site, Station
from forecast.settings import ObservationSettings
from products.charts.svg import Scale, TimeScale, polyline
from products.wording import Words

ION, WEATHER = "ion", "weather"
KINDS = (ION, WEATHER)
IONS, WIND, DIRECTION = "negative_oxygen_ions", "wind_speed", "wind_from_direction"
AIR, HUMIDITY, SIGHT, DUST = (
    "air_temperature",
    "relative_humidity",
    "visibility_in_air",
    "mass_concentration_of_pm2p5",
)
UNITS_OF: Mapping[str, str] = {
    IONS: "ions", AIR: "celsius", HUMIDITY: "percent", WIND: "wind", SIGHT: "kilometre",
    DUST: "micrograms",
}  # fmt: skip
COMFORT, LEVEL = "comfort", "ion_level"
# What a tile tells, in this order; what a station does not measure is left out.
SLOTS = {
    ION: (IONS, LEVEL, DUST, AIR, HUMIDITY),
    WEATHER: (AIR, COMFORT, HUMIDITY, WIND, SIGHT, DUST),
}
TREND_OF = {ION: IONS, WEATHER: AIR}  # what the curve of a tile's last day is of
# all that a weather station's tile of ions tells: the rest stands in its other tile
OF_IONS = frozenset({IONS, LEVEL})
CALM = 0.3  # [m s-1] below it the wind has no direction. Source: WMO-No. 8, Beaufort 0
DAY = timedelta(hours=24)
WIDTH, HEIGHT = 240.0, 48.0  # [px] of a trend
# [K] a day whose temperature changes less is drawn as even as it was, not stretched to the full
# height
EVEN = 5.0
CUBIC_CENTIMETRES = 1e6  # in a cubic metre


@dataclass(frozen=True, slots=True)
class Reading:
    """One value (SI, or a class) and when it was measured."""

    id: str
    at: datetime
    value: float
    direction: float | None = None  # of a wind [degree]


@dataclass(frozen=True, slots=True)
class Tile:
    """What one station tells of ions, or of weather.

    trend: hourly means of the last day, of ions or of the air's temperature (TREND_OF); heard: when
    it told anything at all.
    """

    site: str
    station: Station
    kind: str
    readings: tuple[Reading, ...]
    trend: tuple[tuple[datetime, float], ...]
    last_report: datetime | None
    made: datetime
    old: timedelta
    levels: int

    @property
    def key(self) -> str:
        """Its name on every page and in live.json."""
        return f"{self.site}/{self.station.id}/{self.kind}"

    @property
    def fresh(self) -> bool:
        """Whether any of it is."""
        return any(self.made - reading.at <= self.old for reading in self.readings)


def tiles_of(
    site: Site, live: Sequence[CurrentObservations], settings: ObservationSettings, now: datetime
) -> tuple[Tile, ...]:
    """Return the tiles of a site's stations, those of ions first; none where no station of its is
    configured.
    """
    told = {each.station.id: each for each in live}
    found = [
        tile
        for name in site.stations
        if name in told
        for tile in _tiles(site.id, told[name], settings, now)
    ]
    return tuple(sorted(found, key=lambda tile: KINDS.index(tile.kind)))


def first_of_each(tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    """Return one tile of each kind, for where there is little room: the first that is fresh, else
    the first.
    """
    of_kind = ([tile for tile in tiles if tile.kind == kind] for kind in KINDS)
    return tuple(next((tile for tile in same if tile.fresh), same[0]) for same in of_kind if same)


def _tiles(
    site: str, live: CurrentObservations, settings: ObservationSettings, now: datetime
) -> list[Tile]:
    """Return a station's tiles: an ion monitor's one; a weather station's, and another where it
    measures ions too.
    """
    old, levels = timedelta(minutes=settings.old_minutes), len(settings.ion_classes) + 1
    readings = _readings(live, settings.ion_classes)
    if live.station.kind == ION:
        kinds = {ION: readings}
    else:
        of_ions = {name: reading for name, reading in readings.items() if name in OF_IONS}
        kinds = {WEATHER: readings, **({ION: of_ions} if of_ions else {})}
    found = []
    for kind, said in kinds.items():
        told = tuple(said[name] for name in SLOTS[kind] if name in said)
        trend = tuple(
            (end, mean)
            for end, mean in live.hourly.get(TREND_OF[kind], ())
            if now - DAY < end <= now + old
        )
        found.append(
            Tile(site, live.station, kind, told, trend, live.last_report, now, old, levels)
        )
    return found


def _readings(live: CurrentObservations, cuts: Sequence[float]) -> dict[str, Reading]:
    found = {name: Reading(name, *live.newest[name]) for name in UNITS_OF if name in live.newest}
    if IONS in found:
        found[LEVEL] = Reading(LEVEL, found[IONS].at, level(found[IONS].value, cuts))
    if live.comfort is not None:
        found[COMFORT] = Reading(COMFORT, *live.comfort)
    blows_from = live.newest.get(DIRECTION)
    if (
        WIND in found
        and blows_from is not None
        and blows_from[0] == found[WIND].at
        and found[WIND].value >= CALM
    ):
        found[WIND] = replace(found[WIND], direction=blows_from[1])
    return found


def level(ions: float, cuts: Sequence[float]) -> int:
    """Return the class, from 1, of a concentration of ions [m-3]; `cuts` [cm-3] are where classes
    2, 3 ... begin.
    """
    return 1 + sum(round(ions / CUBIC_CENTIMETRES, 6) >= cut for cut in cuts)


# -- in words


@dataclass(frozen=True, slots=True)
class Told:
    """A reading in words: its label, what is said while it is fresh and what when it is old; both
    empty where there is no reading.

    said: which of them at the moment for which the tile was made.
    """

    id: str
    label: str
    at: datetime | None = None
    text: str = ""
    old: str = ""
    is_old: bool = False

    @property
    def said(self) -> str:
        return self.old if self.is_old else self.text


@dataclass(frozen=True, slots=True)
class Trend:
    """The curve of a day on a sheet of WIDTH x HEIGHT, as path data, and what it shows in words."""

    path: str
    text: str


def tell(tile: Tile, words: Words) -> tuple[Told, ...]:
    """Return in words what a tile of its kind can tell, in the order in which it is told; without a
    text what the station does not.
    """
    readings = {reading.id: reading for reading in tile.readings}
    found = []
    for name in SLOTS[tile.kind]:
        label, reading = words(f"tile.{name}"), readings.get(name)
        if reading is None:
            found.append(Told(name, label))
            continue
        is_old = tile.made - reading.at > tile.old
        found.append(
            Told(
                name,
                label,
                reading.at,
                _text(reading, tile, words),
                since(reading.at, words),
                is_old,
            )
        )
    return tuple(found)


def since(at: datetime | None, words: Words) -> str:
    """Say since when there are no data, or that there have been none."""
    return (
        words("tile.never")
        if at is None
        else words("tile.since", time=words.stamp(at, "time.stamp_short"))
    )


def observed(tile: Tile, words: Words) -> Told:
    """Say when the newest of a tile was measured; where there is nothing, since when, or that what
    comes is doubtful.
    """
    at = max((reading.at for reading in tile.readings), default=None)
    if at is not None:
        text = words("tile.observed", time=words.stamp(at, "time.stamp_short"))
        return Told("observed", "", at, text, since(at, words), not tile.fresh)
    heard = tile.last_report is not None and tile.made - tile.last_report <= tile.old
    return Told(
        "observed",
        "",
        None,
        "",
        words("tile.doubtful") if heard else since(tile.last_report, words),
        True,
    )


def place(tile: Tile, words: Words) -> str:
    """Name the station and its height: a valley's air is not a summit's."""
    name = tile.station.name.in_language(words.language) or tile.station.id
    return words("tile.place", name=name, height=words.in_unit("metre", tile.station.elevation))


def _text(reading: Reading, tile: Tile, words: Words) -> str:
    if reading.id == COMFORT:
        return words(f"comfort.{round(reading.value)}")
    if reading.id == LEVEL:
        return words("ion.level", level=round(reading.value), count=tile.levels)
    said = words.in_unit(UNITS_OF[reading.id], reading.value)
    return (
        said
        if reading.direction is None
        else words("tile.wind", wind=said, compass=words.compass(reading.direction))
    )


def trend_of(tile: Tile, words: Words) -> Trend | None:
    """Return the curve of the last day; None where there are not two hours of it. A gap in time is
    a gap in the curve.
    """
    if len(tile.trend) < 2:
        return None
    name, values = TREND_OF[tile.kind], [value for _, value in tile.trend]
    over = TimeScale(tile.made - DAY, tile.made, 0, WIDTH, words.zone)
    up = _upwards(name, min(values), max(values))
    points = [(over.clamped(end), up(value)) for end, value in tile.trend]
    parted = points[:1]
    for (before, after), point in zip(
        pairwise(end for end, _ in tile.trend), points[1:], strict=True
    ):
        parted += (
            [(float("nan"), float("nan")), point]
            if after - before > timedelta(minutes=90)
            else [point]
        )
    low, high = (words.in_unit(UNITS_OF[name], value) for value in (min(values), max(values)))
    return Trend(
        polyline(parted), words("tile.trend", what=words(f"tile.{name}"), low=low, high=high)
    )


def _upwards(name: str, low: float, high: float) -> Scale:
    """Return the scale of a curve: ions count from nought; a temperature keeps to its own range,
    the lowest clear of the base line.
    """
    if name == IONS:
        return Scale(0, max(high, 1.0) * 1.05, HEIGHT - 2, 4)
    spare = max(EVEN - (high - low), 0.0) / 2
    return Scale(low - spare, high + spare, HEIGHT - 8, 4)
