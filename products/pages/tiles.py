"""Tiles of current observations: negative oxygen ions and weather of the stations of a site.

A tile holds numbers and times; `labelled_values` puts them into the words of one language, each
value twice: its text while it is current, and the text that replaces it once it is old. A page's
script replaces it by the reader's clock; without a script the time of observation is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from forecast.domain import CurrentObservations, Site, Station
from forecast.settings import ObservationSettings
from products.charts.svg import Scale, TimeScale, polyline
from products.units import reported_visibility
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
# The values of a tile, in this order; what a station does not measure is left out.
SLOTS = {
    ION: (IONS, LEVEL, DUST, AIR, HUMIDITY),
    WEATHER: (AIR, COMFORT, HUMIDITY, WIND, SIGHT, DUST),
}
TREND_OF = {ION: IONS, WEATHER: AIR}  # the element of the curve of the last day
# the values in the ion tile of a weather station; the others stand in its weather tile
OF_IONS = frozenset({IONS, LEVEL})
CALM = 0.3  # [m s-1] below it the wind has no direction. Source: WMO-No. 8, Beaufort 0
DAY = timedelta(hours=24)
WIDTH, HEIGHT = 240.0, 48.0  # [px] of a trend
LEAST_RANGE = 5.0  # [K] of a temperature curve: a smaller change is not stretched to full height
CUBIC_CENTIMETRES = 1e6  # in a cubic metre


@dataclass(frozen=True, slots=True)
class TileValue:
    """One value (SI, or a class) and when it was measured."""

    id: str
    at: datetime
    value: float
    direction: float | None = None  # of a wind [degree]


@dataclass(frozen=True, slots=True)
class Tile:
    """The ions, or the weather, of one station.

    trend: hourly means of the last day, of the element in TREND_OF. last_report: the time of its
    last report of any kind. made: the time for which the tile is made. old: the age from which a
    value is old. levels: the number of ion classes.
    """

    site: str
    station: Station
    kind: str
    readings: tuple[TileValue, ...]
    trend: tuple[tuple[datetime, float], ...]
    last_report: datetime | None
    made: datetime
    old: timedelta
    levels: int

    @property
    def key(self) -> str:
        """The name of the tile on every page and in live.json."""
        return f"{self.site}/{self.station.id}/{self.kind}"

    @property
    def fresh(self) -> bool:
        """Whether any value is current."""
        return any(self.made - reading.at <= self.old for reading in self.readings)


def tiles_of(
    site: Site, current: Sequence[CurrentObservations], settings: ObservationSettings, now: datetime
) -> tuple[Tile, ...]:
    """Return the tiles of a site's stations, those of ions first."""
    by_station = {each.station.id: each for each in current}
    found = [
        tile
        for name in site.stations
        if name in by_station
        for tile in _tiles(site.id, by_station[name], settings, now)
    ]
    return tuple(sorted(found, key=lambda tile: KINDS.index(tile.kind)))


def first_of_each(tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    """Return one tile of each kind, for a narrow space: the first that is fresh, else the first."""
    of_kind = ([tile for tile in tiles if tile.kind == kind] for kind in KINDS)
    return tuple(next((tile for tile in same if tile.fresh), same[0]) for same in of_kind if same)


def _tiles(
    site: str, station: CurrentObservations, settings: ObservationSettings, now: datetime
) -> list[Tile]:
    """Return the tiles of a station; a weather station that measures ions has two."""
    old, levels = timedelta(minutes=settings.old_minutes), len(settings.ion_classes) + 1
    readings = _readings(station, settings.ion_classes)
    if station.station.kind == ION:
        kinds = {ION: readings}
    else:
        of_ions = {name: reading for name, reading in readings.items() if name in OF_IONS}
        kinds = {WEATHER: readings, **({ION: of_ions} if of_ions else {})}
    found = []
    for kind, by_name in kinds.items():
        values = tuple(by_name[name] for name in SLOTS[kind] if name in by_name)
        trend = tuple(
            (end, mean)
            for end, mean in station.hourly.get(TREND_OF[kind], ())
            if now - DAY < end <= now + old
        )
        found.append(
            Tile(
                site=site,
                station=station.station,
                kind=kind,
                readings=values,
                trend=trend,
                last_report=station.last_report,
                made=now,
                old=old,
                levels=levels,
            )
        )
    return found


def _readings(station: CurrentObservations, cuts: Sequence[float]) -> dict[str, TileValue]:
    found = {
        name: TileValue(name, *station.newest[name]) for name in UNITS_OF if name in station.newest
    }
    if IONS in found:
        found[LEVEL] = TileValue(LEVEL, found[IONS].at, level(found[IONS].value, cuts))
    if station.comfort is not None:
        found[COMFORT] = TileValue(COMFORT, *station.comfort)
    blows_from = station.newest.get(DIRECTION)
    if (
        WIND in found
        and blows_from is not None
        and blows_from[0] == found[WIND].at
        and found[WIND].value >= CALM
    ):
        found[WIND] = replace(found[WIND], direction=blows_from[1])
    return found


def level(ions: float, cuts: Sequence[float]) -> int:
    """Return the class, from 1, of a concentration of ions [m-3].

    cuts: [cm-3] where classes 2, 3 ... begin.
    """
    shown = round(ions / CUBIC_CENTIMETRES)  # a whole number, as on the page
    return 1 + sum(shown >= cut for cut in cuts)


# -- in words


@dataclass(frozen=True, slots=True)
class LabelledValue:
    """A reading in words; texts are empty where there is no reading.

    text: while it is current. old: the text that replaces it once it is old. is_old: whether it is
    old at the time for which the tile is made.
    """

    id: str
    label: str
    at: datetime | None = None
    text: str = ""
    old: str = ""
    is_old: bool = False

    @property
    def current_text(self) -> str:
        """The text at the time for which the tile is made."""
        return self.old if self.is_old else self.text


@dataclass(frozen=True, slots=True)
class Trend:
    """The curve of a day on WIDTH x HEIGHT, as path data, and its caption."""

    path: str
    text: str


def labelled_values(tile: Tile, words: Words) -> tuple[LabelledValue, ...]:
    """Return the values of a tile in words, in the order of SLOTS.

    What the station does not measure has no text.
    """
    readings = {reading.id: reading for reading in tile.readings}
    found = []
    for name in SLOTS[tile.kind]:
        label, reading = words(f"tile.{name}"), readings.get(name)
        if reading is None:
            found.append(LabelledValue(name, label))
            continue
        is_old = tile.made - reading.at > tile.old
        found.append(
            LabelledValue(
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
    """Return since when there are no data, or that there have never been any."""
    return (
        words("tile.never")
        if at is None
        else words("tile.since", time=words.stamp(at, "time.stamp_short"))
    )


def time_of_observation(tile: Tile, words: Words) -> LabelledValue:
    """Return the time of the newest value in words.

    Without a value: since when there is none, or that recent reports failed quality control.
    """
    at = max((reading.at for reading in tile.readings), default=None)
    if at is not None:
        text = words("tile.observed", time=words.stamp(at, "time.stamp_short"))
        return LabelledValue("observed", "", at, text, since(at, words), not tile.fresh)
    reporting = tile.last_report is not None and tile.made - tile.last_report <= tile.old
    return LabelledValue(
        "observed",
        "",
        None,
        "",
        words("tile.doubtful") if reporting else since(tile.last_report, words),
        True,
    )


def place(tile: Tile, words: Words) -> str:
    """Return the station and its height: the air of a valley is not that of a summit."""
    name = tile.station.name.in_language(words.language) or tile.station.id
    height = words("rounded.metre_exact", value=f"{tile.station.elevation:.0f}")
    return words("tile.place", name=name, height=height)


def _text(reading: TileValue, tile: Tile, words: Words) -> str:
    if reading.id == COMFORT:
        return words(f"comfort.{round(reading.value)}")
    if reading.id == LEVEL:
        return words("ion.level", level=round(reading.value), count=tile.levels)
    if reading.id == WIND:
        return words.wind(reading.value, reading.direction)
    if reading.id == SIGHT:
        return words.number(reported_visibility(reading.value))
    return words.in_unit(UNITS_OF[reading.id], reading.value)


def trend_of(tile: Tile, words: Words) -> Trend | None:
    """Return the curve of the last day; None with less than two hours.

    A gap in time is a gap in the curve.
    """
    if len(tile.trend) < 2:
        return None
    name, values = TREND_OF[tile.kind], [value for _, value in tile.trend]
    over = TimeScale(tile.made - DAY, tile.made, 0, WIDTH, words.zone)
    up = _upwards(name, min(values), max(values))
    points = [(over.clamped(end), up(value)) for end, value in tile.trend]
    drawn = points[:1]
    for (before, after), point in zip(
        pairwise(end for end, _ in tile.trend), points[1:], strict=True
    ):
        drawn += (
            [(float("nan"), float("nan")), point]
            if after - before > timedelta(minutes=90)
            else [point]
        )
    low, high = (words.in_unit(UNITS_OF[name], value) for value in (min(values), max(values)))
    return Trend(
        polyline(drawn), words("tile.trend", what=words(f"tile.{name}"), low=low, high=high)
    )


def _upwards(name: str, low: float, high: float) -> Scale:
    """Return the vertical scale of a curve: of ions from 0, of a temperature over its own range.

    The lowest temperature stays clear of the base line.
    """
    if name == IONS:
        return Scale(0, max(high, 1.0) * 1.05, HEIGHT - 2, 4)
    spare = max(LEAST_RANGE - (high - low), 0.0) / 2
    return Scale(low - spare, high + spare, HEIGHT - 8, 4)
