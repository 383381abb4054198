"""Words: the only place that turns ids, numbers and times into text.

templates/text/*.yaml hold every word, with the same keys and blanks in each language; a missing key
is an error. Numbers leave SI here: the tables name the display unit of each feature, UNITS has the
conversions.
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
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Display:
    """How a quantity is shown: value * factor + offset, rounded to `decimals`.

    whole_from: from this size on it is rounded to whole numbers.
    """

    factor: float = 1.0
    offset: float = 0.0
    decimals: int = 0
    whole_from: float = math.inf

    def text(self, value: float) -> str:
        shown = value * self.factor + self.offset
        decimals = (
            0
            if abs(shown) >= self.whole_from or round(shown, self.decimals) == 0
            else self.decimals
        )
        return f"{round(shown, decimals) + 0.0:.{decimals}f}".replace("-", MINUS)


# fmt: off
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
    "precipitation_kind": Display(),
    "ions": Display(1e-6),  # m-3 -> cm-3
    "micrograms": Display(1e9),  # kg m-3
}
# fmt: on

# The value (SI) below which a reason takes the phrase `_little`, from which on `_much`, where the
# tables have them. With an empty phrase the reason is left out.
# fmt: off
TURNS: Mapping[str, float] = {
    "cloud_at_site": 0.2, "cloud_above_site": 0.3, "sky_cover": 0.3, "cloud_for_stars": 0.3,
    "night_cloud": 0.4,
    "canvas_light": 0.05, "canvas_cover": 0.15, "low_cloud": 0.3, "medium_cloud": 0.3,
    "high_cloud": 0.3, "ground_fog": 0.1,
    "view_clearance": 0.5, "glow_quality": 0.05, "disk_transmission": 0.05, "precipitation": 0.05,
    "rain_before": 0.05, "new_snow": 0.0005, "snow_water": 0.05, "snow_depth": 0.0005,
    "snow_fraction": 0.5, "minutes_of_colour": 0.5,
    "clear_hours": 0.5, "dark_hours": 0.5, "rime_hours": 0.5, "freezing_hours": 0.5,
    "sun_hours": 0.5, "snowmaking_hours": 0.5,
    "good_snowmaking_hours": 0.5, "milky_way_hours": 0.5, "valley_area_filled": 0.005,
    "valley_fill": 0.005, "humidity_above": 0.75,
    "humidity_700": 0.6, "visibility": 10_000.0, "gust": 10.8, "convective_energy": 100.0,
    "zenith_sky_brightness": 20.4,
    "moon_illumination": 0.4, "aerosol_optical_depth": 0.3,
}
# fmt: on
BRIGHT_MOON = 0.4  # [1] illumination from which a bright sky is due to the moon
# Estimates that replace missing data: named as notes, not as missing.
ESTIMATES = frozenset(
    {"aerosol_estimated", "cloud_from_humidity", "cloud_from_layers", "layer_cloud_mean_only"}
)


@cache
def read_words(language: str, folder: Path = FOLDER) -> Mapping[str, str]:
    """Return the table of a language, dotted key -> words; it is read once.

    Raises: ConfigError.
    """
    path = folder / f"{language}.yaml"
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{path.name}: the words of {language!r} cannot be read: {' '.join(str(error).split())}"
        ) from error
    return MappingProxyType(dict(_flat(tree, path.name)))


def _flat(tree: object, where: str, prefix: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(tree, dict):
        raise ConfigError(
            f"{where}: {prefix.rstrip('.') or 'the file'}: "
            "expected words or a table of words; put numbers in quotes"
        )
    for key, value in tree.items():
        if isinstance(value, str):
            yield f"{prefix}{key}", value.replace("~", THIN_SPACE)
        else:
            yield from _flat(value, where, f"{prefix}{key}.")


class Words:
    """The words of one language and the readers' clock; a call returns the words of a key."""

    def __init__(
        self,
        language: str,
        zone: ZoneInfo,
        table: Mapping[str, str] | None = None,
        common: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        """common: fills blanks in any sentence; {zone} is the name of the readers' clock."""
        self.language = language
        self.zone = zone
        self._table = read_words(language) if table is None else table
        clock = "zone.beijing" if zone.key == "Asia/Shanghai" else "zone.local"
        self._common = {"zone": self._table.get(clock, zone.key), **common}

    def __call__(self, key: str, /, **blanks: object) -> str:
        """Return the words for `key`, blanks filled.

        Raises: ConfigError where the key is missing or a blank is left open.
        """
        try:
            words = self._table[key]
            return words.format_map({**self._common, **blanks}) if "{" in words else words
        except KeyError as error:
            raise ConfigError(
                f"text/{self.language}.yaml: no words for {key!r} (missing: {error}); "
                "add them in each language"
            ) from None

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
        """Return a probability in percent, never 0 % or 100 %."""
        if math.isnan(probability):
            return self("probability.unknown")
        if probability < 0.01:
            return self("probability.low")
        return (
            self("probability.high")
            if probability > 0.99
            else self("probability.value", value=round(100 * probability))
        )

    def share(self, part: float) -> str:
        """Return a known part of a whole in percent, 0 % and 100 % included."""
        return self("probability.value", value=round(100 * part))

    def in_unit(self, unit: str, value: float) -> str:
        """Return a value (SI) with its display unit; a chance is never 0 % or 100 %."""
        if unit == "chance":
            return self.percent(value)
        blanks: dict[str, object] = {"value": UNITS[unit].text(value)}
        if unit == "wind":
            blanks["force"] = beaufort(value)
        elif unit == "azimuth":
            blanks["compass"] = self.compass(value)
        elif unit in ("snow_class", "precipitation_kind"):
            blanks["name"] = self(f"{unit}.{round(value)}")
        return self(f"unit.{unit}", **blanks)

    def quantity(self, feature: str, value: float) -> str:
        """Return the value of a feature with its display unit."""
        return self.in_unit(self(f"feature.{feature}.unit"), value)

    def label(self, feature: str) -> str:
        return self(f"feature.{feature}.label")

    def labelled(self, feature: str, value: float) -> tuple[str, str]:
        """Return the label and the value of a feature.

        A negative value is shown as its size where it has a label of its own.
        """
        if value < 0 and f"feature.{feature}.label_below" in self:
            return self(f"feature.{feature}.label_below"), self.quantity(feature, -value)
        return self.label(feature), self.quantity(feature, value)

    def reason(
        self,
        reason: Reason,
        phenomenon: str = "",
        values: Mapping[str, float] = MappingProxyType({}),
    ) -> str:
        """Return a reason in words that fit the feature, sign and value; "" where none do.

        values: the event's features, to name the moon as the cause of a bright sky.
        """
        direction = "up" if reason.effect > 0 else "down"
        lit = values.get("moon_illumination", 0.0)
        if (
            reason.feature == "zenith_sky_brightness"
            and direction == "down"
            and lit >= BRIGHT_MOON
            and values.get("moon_altitude", 0.0) > 0
        ):
            return self(
                "feature.zenith_sky_brightness.down_moon",
                value=self.quantity(reason.feature, reason.value),
                moon=self.share(lit),
            )
        turn = TURNS.get(reason.feature, -math.inf)
        sides = (["_below"] if reason.value < 0 else []) + [
            "_little" if reason.value < turn else "_much",
            "",
        ]
        keys = [
            f"feature.{reason.feature}.{direction}{of}{side}"
            for of in (f"_{phenomenon}", "")
            for side in sides
        ]
        key = next((key for key in keys if key in self), keys[-1])
        return self(
            key,
            value=self.quantity(reason.feature, reason.value),
            size=self.quantity(reason.feature, abs(reason.value)),
        )

    def spot(self, site: Site, phenomenon: str) -> str:
        """Return site and phenomenon; the site alone where its name holds the phenomenon's."""
        name, of = self.name(site.name), self(f"phenomenon.{phenomenon}.name")
        return name if of.casefold() in name.casefold() else f"{name}{self('page.dot')}{of}"

    def stations(self, ids: Sequence[str], names: Mapping[str, Name]) -> str:
        """Return stations by name, by number where one has none."""
        return self.listed(
            [self.name(names[i]) if i in names and self.name(names[i]) else i for i in ids]
        )

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
        return self(
            "time.day_week",
            month=self(f"month.{day.month}"),
            day=day.day,
            weekday=self.weekday(day),
        )

    def stamp(self, moment: datetime, key: str = "time.stamp") -> str:
        at = self.local(moment)
        return self(
            key,
            year=at.year,
            month=self(f"month.{at.month}"),
            day=at.day,
            hour=f"{at:%H}",
            minute=f"{at:%M}",
        )

    def clock(self, moment: datetime | None, day: date | None = None) -> str:
        """Return the local time to the nearest minute, marked where its day is not `day`."""
        if moment is None:
            return self("time.none")
        at = self.local(moment + timedelta(seconds=30))
        key = "clock"
        if day is not None and at.date() != day:
            key = "clock_next" if at.date() > day else "clock_before"
        return self(f"time.{key}", hour=f"{at:%H}", minute=f"{at:%M}")

    def best(self, forecast: Forecast) -> str:
        """Return the best window, else the part of the day."""
        event = forecast.event
        return (
            self.window(forecast.best, event.day)
            if forecast.best
            else self(f"phenomenon.{event.phenomenon}.when")
        )

    def window(self, window: Window, day: date) -> str:
        """Return a window in local time; the day after `day` is marked once."""
        first, last = (
            self.local(at + timedelta(seconds=30)).date() for at in (window.start, window.end)
        )
        if first != last or first == day:
            return self(
                "time.span",
                start=self.clock(window.start, day),
                end=self.clock(window.end, None if first == last else day),
            )
        key = "time.span_next" if first > day else "time.span_before"
        return self(key, start=self.clock(window.start), end=self.clock(window.end))

    def days(self, days: Sequence[date]) -> str:
        """Return days, consecutive ones as a range."""
        runs: list[list[date]] = []
        for day in sorted(days):
            if runs and day - runs[-1][-1] == timedelta(days=1):
                runs[-1].append(day)
            else:
                runs.append([day])
        return self.listed([self._run_of_days(run[0], run[-1]) for run in runs])

    def _run_of_days(self, first: date, last: date) -> str:
        if first == last:
            return self.day(first)
        if (first.year, first.month) == (last.year, last.month):
            return self(
                "time.days_of_month",
                month=self(f"month.{first.month}"),
                first=first.day,
                last=last.day,
            )
        return self("time.days_span", first=self.day(first), last=self.day(last))

    # -- what is missing

    def missing(self, ids: str, values: Mapping[str, float] = MappingProxyType({})) -> str:
        """Return what is missing in words, with its extent where `values` (the features) have it.

        An unknown id is shown as it is.
        """
        kind, _, rest = ids.partition(":")
        if ids == "light_path" and values.get("light_path_coverage", 1) < 1:
            return self(
                "missing.light_path_share", percent=self.share(1 - values["light_path_coverage"])
            )
        if f"missing.{ids}" in self and not rest:
            return self(f"missing.{ids}")
        if kind == "feature" and f"feature.{rest}.label" in self:
            return self("missing.feature", feature=self.label(rest))
        if kind == "field":
            return self(
                "missing.field",
                field=self(f"field.{rest}")
                if f"field.{rest}" in self
                else self("field.other", name=rest),
            )
        return self("missing.other", id=ids)


def beaufort(speed: float) -> int:
    """Return the wind force of a mean speed [m s-1]; at most 17.

    Source: v = 0.836 B^1.5, the relation adopted by the WMO (Guide to Instruments, WMO-No. 8, annex
    on wind force).
    """
    return min(17, round((max(speed, 0.0) / 0.836) ** (2 / 3)))
