"""Words: the only place that turns ids, numbers and times into text.

templates/text/*.yaml hold every word, with the same keys and blanks in each language; a missing key
is an error. The tables name the display unit of each feature, products/units.py the conversions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

import yaml

from forecast.domain import PHENOMENA, Forecast, Name, Reason, Site, Window
from forecast.errors import ConfigError
from products.confidence import as_usual
from products.units import UNITS, Rounded, beaufort, is_whole_day, offset_of_repeated, rounded

LANGUAGES = ("zh", "en")
FOLDER = Path(__file__).parents[1] / "templates" / "text"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"  # written `~` in the tables


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
    "zenith_sky_brightness": 20.4, "dark_sky_share": 0.05,
    "moon_illumination": 0.4, "aerosol_optical_depth": 0.3,
    "climate_glow_probability": 1.0, "climate_disk_probability": 1.0, "unplaced_deck": 0.05,
}
# fmt: on
BRIGHT_MOON = 0.4  # [1] illumination from which a bright sky is due to the moon
# Estimates that replace missing data: named as notes, not as missing.
ESTIMATES = frozenset(
    {"aerosol_estimated", "cloud_from_humidity", "cloud_from_layers", "layer_cloud_mean_only"}
)


def clause(text: str) -> str:
    """Return a person's words in one line, without a mark at their end: a sentence goes on."""
    return " ".join(text.split()).rstrip("。.！!；;，,")


@cache
def read_words(language: str, folder: Path = FOLDER) -> Mapping[str, str]:
    """Return the table of a language, dotted key -> words; it is read once.

    Raises: ConfigError.
    """
    path = folder / f"{language}.yaml"
    try:
        tree = yaml.CSafeLoader(path.read_text(encoding="utf-8")).get_single_data()
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


Method = TypeVar("Method", bound=Callable[..., str])


def _kept(method: Method) -> Method:
    """Keep the latest answers of a method by its object and arguments: pages repeat numbers.

    Not for times: the clock shows some of them twice.
    """
    return cast(Method, lru_cache(maxsize=4096)(method))


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

    @_kept
    def percent(self, probability: float) -> str:
        """Return a probability in percent, never 0 % or 100 %."""
        if math.isnan(probability):
            return self("probability.unknown")
        if probability < 0.01:
            return self("probability.low")
        if probability > 0.99:
            return self("probability.high")
        return self("probability.value", value=round(100 * probability))

    def range(self, low: float, high: float) -> str:
        """Return a range of probabilities in percent, with one bound where the other says nothing.

        The two may round to the same percentage, which then stands alone.
        """
        ends = self.percent(low), self.percent(high)
        if ends[0] == ends[1]:
            return ends[0]
        if low < 0.01 and high <= 0.99:
            return self("probability.up_to", high=ends[1])
        if high > 0.99 and low >= 0.01:
            return self("probability.at_least", low=ends[0])
        return self("probability.range", low=ends[0], high=ends[1])

    def share(self, part: float) -> str:
        """Return a known part of a whole in percent, 0 % and 100 % included."""
        return self("probability.value", value=round(100 * part))

    @_kept
    def in_unit(self, unit: str, value: float) -> str:
        """Return a value (SI) with its display unit; a chance is never 0 % or 100 %."""
        if unit == "chance":
            return self.percent(value)
        if unit == "visibility":  # known no better than a sentence says it
            return self.rounded(unit, value)
        blanks: dict[str, object] = {"value": UNITS[unit].text(value)}
        if unit == "wind":
            blanks["force"] = beaufort(value)
        elif unit == "azimuth":
            blanks["compass"] = self.compass(value)
        elif unit in ("snow_class", "precipitation_kind"):
            blanks["name"] = self(f"{unit}.{round(value)}")
        return self(f"unit.{unit}", **blanks)

    @_kept
    def rounded(self, unit: str, value: float) -> str:
        """Return a value (SI) as a sentence for the public has it: about 200 m, force 8."""
        if unit == "wind":
            return self("rounded.wind", force=beaufort(value))
        found = rounded(unit, value)
        return self.in_unit(unit, value) if found is None else self.number(found)

    def number(self, found: Rounded) -> str:
        """Return a rounded number with its unit."""
        return self(f"rounded.{found.unit}_{found.bound}", value=found.number)

    def public(self, feature: str, value: float) -> str:
        """Return the value of a feature as a sentence for the public has it."""
        return self.rounded(self(f"feature.{feature}.unit"), value)

    def wind(self, speed: float, direction: float | None) -> str:
        """Return a wind by one of eight directions [degree] and its force; a calm has none."""
        force = beaufort(speed)
        if force == 0:
            return self("wind.calm")
        if direction is None:
            return self("wind.force", force=force)
        point = self(f"wind.{round(direction / 45) % 8}")
        return self("wind.from", direction=point, force=force)

    def usual(self, forecast: Forecast) -> str:
        """Return how often the phenomenon is usual at the site in that month; "" where unknown.

        Of stars: how often the night is clear, whatever the moon.
        """
        if math.isnan(forecast.usual):
            return ""
        return self._usual(forecast.event.phenomenon, forecast.event.day.month, forecast.usual)

    @_kept
    def _usual(self, phenomenon: str, month: int, usual: float) -> str:
        key = f"usual.average_{phenomenon}"
        key = key if key in self else "usual.average"
        return self(key, month=self(f"month_name.{month}"), percent=self.percent(usual))

    def threshold(self, probability: float) -> str:
        """Return where a grade begins; a setting that is no whole percent keeps its decimals."""
        return self("probability.value", value=f"{100 * probability:.6g}")

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
        unit = self(f"feature.{reason.feature}.unit")
        value = self.rounded(unit, reason.value)
        if (
            reason.feature == "zenith_sky_brightness"
            and direction == "down"
            and (lit := values.get("moon_illumination", 0.0)) >= BRIGHT_MOON
            and values.get("moon_altitude", 0.0) > 0
        ):
            return self(
                "feature.zenith_sky_brightness.down_moon", value=value, moon=self.share(lit)
            )
        turn = TURNS.get(reason.feature, -math.inf)
        side = "_little" if UNITS[unit].as_shown(reason.value) < turn else "_much"
        plain = f"feature.{reason.feature}.{direction}"
        key = self._phrase(plain, phenomenon, side, reason.value < 0)
        size = value if reason.value >= 0 else self.rounded(unit, abs(reason.value))
        return self(key, value=value, size=size)

    @_kept
    def _phrase(self, plain: str, phenomenon: str, side: str, below: bool) -> str:
        """Return the key of the phrase that says most; `plain` where there is no other."""
        sides = ("_below", side, "") if below else (side, "")
        keys = (of + side for of in (f"{plain}_{phenomenon}", plain) for side in sides)
        return next((key for key in keys if key in self), plain)

    def spot(self, site: Site, phenomenon: str) -> str:
        """Return site and phenomenon; the site alone where its name holds the phenomenon's."""
        name, of = self.name(site.name), self(f"phenomenon.{phenomenon}.name")
        if of.casefold() in name.casefold():
            return name
        others = (self(f"phenomenon.{each}.name").casefold() for each in PHENOMENA)
        if any(other in name.casefold() for other in others):  # a name such as Lingshan Sunset
            return f"{name}{self('page.dot')}{of}"
        return self("page.spot", site=name, phenomenon=of)

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
        if not site.view_surveyed:
            return self("where.unsurveyed")
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
        text = self(
            key,
            year=at.year,
            month=self(f"month.{at.month}"),
            day=at.day,
            hour=f"{at.hour:02d}",
            minute=f"{at.minute:02d}",
        )
        return self._distinct(text, at)

    def _distinct(self, text: str, at: datetime) -> str:
        """Return a local time with its offset where the clock shows it twice, in autumn."""
        offset = offset_of_repeated(at)
        return self("time.in_zone", time=text, zone=offset) if offset else text

    def run(self, moment: datetime) -> str:
        """Return the time of a model run: a whole hour without minutes."""
        whole = self.local(moment).minute == 0
        return self.stamp(moment, "time.stamp_hour" if whole else "time.stamp_short")

    def clock(self, moment: datetime | None, day: date | None = None) -> str:
        """Return the local time to the nearest minute, marked where its day is not `day`."""
        return self("time.none") if moment is None else self._clock(self._minute(moment), day)

    def _minute(self, moment: datetime) -> datetime:
        return self.local(moment + timedelta(seconds=30))

    def _clock(self, at: datetime, day: date | None = None) -> str:
        key = "clock"
        if day is not None and at.date() != day:
            key = "clock_next" if at.date() > day else "clock_before"
        text = self(f"time.{key}", hour=f"{at.hour:02d}", minute=f"{at.minute:02d}")
        return self._distinct(text, at)

    def all_day(self, window: Window) -> bool:
        """Return whether a window is one whole local day, of however many hours."""
        return is_whole_day(window.start, window.end, self.zone)

    def best(self, forecast: Forecast) -> str:
        """Return the best window; without one, or where only the season is known, the part of the
        day. A forecaster's window always stands.
        """
        event = forecast.event
        given = forecast.change is not None and "window" in forecast.change.fields
        return (
            self.window(forecast.best, event.day)
            if forecast.best and (given or not as_usual(forecast))
            else self(f"phenomenon.{event.phenomenon}.when")
        )

    def window(self, window: Window, day: date) -> str:
        """Return a window in local time; the day after `day` is marked once, a whole day named."""
        if self.all_day(window) and self.local(window.start).date() == day:
            return self("time.all_day")
        start, end = self._minute(window.start), self._minute(window.end)
        first, last = start.date(), end.date()
        if first != last or first == day:
            until = self._clock(end, None if first == last else day)
            return self("time.span", start=self._clock(start, day), end=until)
        key = "time.span_next" if first > day else "time.span_before"
        return self(key, start=self._clock(start), end=self._clock(end))

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

    def field(self, name: str) -> str:
        """Return what readers call a field of model runs."""
        return self(f"field.{name}") if f"field.{name}" in self else self("field.other", name=name)

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
            return self("missing.field", field=self.field(rest))
        return self("missing.other", id=ids)
