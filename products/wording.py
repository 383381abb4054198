"""Word tables: the only place that turns ids, numbers and times into what a reader reads.

templates/text/*.yaml hold every word, the same keys and blanks in each language; a missing key is an error, never a guess.
Numbers leave SI here: each feature names its display unit in the tables, each unit its conversion below.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import yaml

from forecast.domain import Forecast, Name, Reason, Site, Window
from forecast.errors import ConfigError

LANGUAGES = ("zh", "en")
FOLDER = Path(__file__).parents[1] / "templates" / "text"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"  # written `~` in the tables
LONG = timedelta(hours=12)  # a window longer than this is told as a part of the day
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Display:
    """How a quantity is shown: value * factor + offset, rounded to `decimals`, to whole numbers from `whole_from` on."""

    factor: float = 1.0
    offset: float = 0.0
    decimals: int = 0
    whole_from: float = math.inf

    def text(self, value: float) -> str:
        shown = value * self.factor + self.offset
        decimals = 0 if abs(shown) >= self.whole_from or round(shown, self.decimals) == 0 else self.decimals
        return f"{round(shown, decimals) + 0.0:.{decimals}f}".replace("-", MINUS)


UNITS: Mapping[str, Display] = {
    "celsius": Display(offset=-273.15),
    "warmth": Display(decimals=1),
    "percent": Display(100),
    "metre": Display(),
    "kilometre": Display(0.001, decimals=1, whole_from=9.95),
    "centimetre": Display(100, decimals=1, whole_from=9.95),
    "millimetre": Display(decimals=1, whole_from=99.5),
    "wind": Display(decimals=1),
    "speed": Display(decimals=1),
    "hour": Display(),
    "minute": Display(),
    "degree": Display(),
    "azimuth": Display(),
    "magnitude": Display(decimals=1),
    "brightness": Display(decimals=1),
    "energy": Display(),
    "per_hour": Display(360_000, decimals=1),  # s-1 -> percentage points an hour
    "sinking": Display(decimals=2),
    "plain": Display(decimals=2),
    "ratio": Display(),
    "of_four": Display(),
    "chance": Display(100),
    "snow_class": Display(),
}


@cache
def read_words(language: str, folder: Path = FOLDER) -> Mapping[str, str]:
    """Read the table of `language` once: dotted key -> words.

    Raises: ConfigError.
    """
    path = folder / f"{language}.yaml"
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path.name}: the words of {language!r} cannot be read: {' '.join(str(error).split())}") from error
    return MappingProxyType(dict(_flat(tree, path.name)))


def _flat(tree: object, where: str, prefix: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(tree, dict):
        raise ConfigError(f"{where}: {prefix.rstrip('.') or 'the file'}: expected words or a table of words; quote numbers")
    for key, value in tree.items():
        if isinstance(value, str):
            yield f"{prefix}{key}", value.replace("~", THIN_SPACE)
        else:
            yield from _flat(value, where, f"{prefix}{key}.")


class Words:
    """The words of one language and the clock of its readers: call it with a key and what fills the blanks."""

    def __init__(self, language: str, zone: ZoneInfo, table: Mapping[str, str] | None = None) -> None:
        self.language = language
        self.zone = zone
        self._table = read_words(language) if table is None else table

    def __call__(self, key: str, /, **blanks: object) -> str:
        """Return the words for `key`, blanks filled.

        Raises: ConfigError where the key is missing or a blank is left open.
        """
        try:
            words = self._table[key]
            return words.format_map(blanks) if "{" in words else words
        except KeyError as error:
            raise ConfigError(f"text/{self.language}.yaml: no words for {key!r} (missing: {error}); add them in each language") from None

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def name(self, name: Name) -> str:
        return name.in_language(self.language)

    def listed(self, items: Sequence[str]) -> str:
        return self("page.separator").join(items)

    def clauses(self, items: Sequence[str]) -> str:
        return self("page.clause").join(items)

    # -- numbers

    def percent(self, probability: float) -> str:
        """Return a probability in percent; never a flat 0 % or 100 %, which no forecast can promise."""
        if math.isnan(probability):
            return self("probability.unknown")
        if probability < 0.01:
            return self("probability.low")
        return self("probability.high") if probability > 0.99 else self("probability.value", value=round(100 * probability))

    def share(self, part: float) -> str:
        """Return a known part of a whole in percent, 0 % and 100 % included."""
        return self("probability.value", value=round(100 * part))

    def in_unit(self, unit: str, value: float) -> str:
        """Return a value in SI with its display unit; a chance is never a flat 0 % or 100 %."""
        if unit == "chance":
            return self.percent(value)
        blanks: dict[str, object] = {"value": UNITS[unit].text(value)}
        if unit == "wind":
            blanks["force"] = beaufort(value)
        elif unit == "azimuth":
            blanks["compass"] = self.compass(value)
        elif unit == "snow_class":
            blanks["name"] = self(f"snow_class.{round(value)}")
        return self(f"unit.{unit}", **blanks)

    def quantity(self, feature: str, value: float) -> str:
        """Return the value of a feature with its display unit."""
        return self.in_unit(self(f"feature.{feature}.unit"), value)

    def label(self, feature: str) -> str:
        return self(f"feature.{feature}.label")

    def reason(self, reason: Reason) -> str:
        """Return why a probability moved, in words."""
        key = f"feature.{reason.feature}.{'up' if reason.effect > 0 else 'down'}"
        if reason.value < 0 and f"{key}_below" in self:
            key += "_below"
        return self(key, value=self.quantity(reason.feature, reason.value), size=self.quantity(reason.feature, abs(reason.value)))

    def compass(self, azimuth: float) -> str:
        """Return the compass point, of sixteen, nearest to an azimuth [degree]."""
        return self(f"compass.{round(azimuth / 22.5) % 16}")

    def facing(self, azimuth: float) -> str:
        return self("where.azimuth", compass=self.compass(azimuth), degrees=round(azimuth) % 360)

    def sector(self, site: Site) -> str:
        first, last = site.view_sector
        if (last - first) % 360 == 0:
            return self("where.all")
        return self("where.sector", first=self.compass(first), last=self.compass(last))

    # -- times

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def day(self, day: date) -> str:
        return self("time.day", month=self(f"month.{day.month}"), day=day.day)

    def weekday(self, day: date) -> str:
        return self(f"weekday.{day.weekday()}")

    def day_week(self, day: date) -> str:
        return self("time.day_week", month=self(f"month.{day.month}"), day=day.day, weekday=self.weekday(day))

    def stamp(self, moment: datetime, key: str = "time.stamp") -> str:
        at = self.local(moment)
        return self(key, year=at.year, month=self(f"month.{at.month}"), day=at.day, hour=f"{at:%H}", minute=f"{at:%M}")

    def clock(self, moment: datetime | None, day: date | None = None) -> str:
        """Return the local time of day, to the nearest minute; that of another day than `day` says so."""
        if moment is None:
            return self("time.none")
        at = self.local(moment + timedelta(seconds=30))
        key = "clock"
        if day is not None and at.date() != day:
            key = "clock_next" if at.date() > day else "clock_before"
        return self(f"time.{key}", hour=f"{at:%H}", minute=f"{at:%M}")

    def best(self, forecast: Forecast) -> str:
        """Return when to be there: the best window, else the event's own, or the part of the day where that is long."""
        event = forecast.event
        if forecast.best is None and event.window.end - event.window.start > LONG:
            return self(f"phenomenon.{event.phenomenon}.when")
        return self.window(forecast.best or event.window, event.day)

    def window(self, window: Window, day: date) -> str:
        """Return a window in local time; the day after `day` is marked once."""
        start = self.clock(window.start, day)
        same = self.local(window.start).date() == self.local(window.end).date()
        return self("time.span", start=start, end=self.clock(window.end, None if same else day))

    def days(self, days: Sequence[date]) -> str:
        """Return a span of days by its ends."""
        first, last = min(days), max(days)
        return self.day(first) if first == last else self("time.days_span", first=self.day(first), last=self.day(last))

    # -- what is missing

    def missing(self, ids: str, values: Mapping[str, float] = MappingProxyType({})) -> str:
        """Return what could not be had, in words, with its extent where `values` (the event's features) tell it.

        An id that no table knows is shown as it is, never hidden.
        """
        kind, _, rest = ids.partition(":")
        if ids == "light_path" and values.get("light_path_coverage", 1) < 1:
            return self("missing.light_path_share", percent=self.share(1 - values["light_path_coverage"]))
        if f"missing.{ids}" in self and not rest:
            return self(f"missing.{ids}")
        if kind == "feature" and f"feature.{rest}.label" in self:
            return self("missing.feature", feature=self.label(rest))
        if kind == "field":
            return self("missing.field", field=self(f"field.{rest}") if f"field.{rest}" in self else self("field.other", name=rest))
        return self("missing.other", id=ids)


def beaufort(speed: float) -> int:
    """Return the wind force of a mean speed [m s-1]; at most 17.

    Source: v = 0.836 B^1.5, the relation adopted by the WMO (Guide to Instruments, WMO-No. 8, annex on wind force).
    """
    return min(17, round((max(speed, 0.0) / 0.836) ** (2 / 3)))
