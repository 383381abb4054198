"""What if? The model in force asked about an event with some of its weather changed.

The answer is that of the leading run: the same features, the same model and the same function as in
the line, with what was changed put in place. Of glows and sunrises the light is followed anew
through the changed air. Nothing is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from forecast.domain import Event, Features, Forecast, Site
from forecast.errors import Conflict
from forecast.issue.prepare import Prepared
from forecast.phenomena import changed_air
from forecast.phenomena.glow import light_features, lines_of
from forecast.phenomena.glow_geometry import Geometry, air_along_lines, geometry_of
from forecast.phenomena.light_path import LightPath
from forecast.quantities import DECK_COVER
from forecast.review import EventKey
from forecast.science.interpolation import Scene
from forecast.science.thermodynamics import dew_point
from models.prediction import Models, predict

OF_LIGHT = frozenset({"sunset_glow", "sunrise_glow", "sunrise"})
GROUND_PARTS = 40  # of the ground below a site, lowest first
Values = dict[str, float]


@dataclass(frozen=True, slots=True)
class Knob:
    """Something that may be changed: a feature or a part of the light path, and its range (SI)."""

    name: str
    low: float
    high: float
    step: float


@dataclass(frozen=True, slots=True)
class Setting:
    """A knob as it stands: the value of the draft, NaN where there is none."""

    knob: Knob
    value: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The forecasts of the leading run before and after the change, and the evidence after it."""

    before: Forecast
    after: Forecast
    evidence: xr.Dataset | None


def _cover(name: str) -> Knob:
    return Knob(name, 0.0, 1.0, 0.05)


_AEROSOL = Knob("aerosol_optical_depth", 0.02, 1.0, 0.02)
_LIGHT = (_cover("low_cloud"), _cover("high_cloud"), _cover("cloud_far"), _AEROSOL)
_HOURS = Knob("rime_hours", 0.0, 24.0, 1.0)
# Of the sea of clouds the deck's top has a range of its own at each site.
KNOBS: Mapping[str, tuple[Knob, ...]] = {
    "sea_of_clouds": (
        Knob("deck_top", 0.0, 0.0, 10.0),
        _cover("valley_area_filled"),
        Knob("humidity_below", 0.2, 1.0, 0.02),
        _cover("cloud_above_site"),
    ),
    "starry_sky": (_cover("sky_cover"), Knob("humidity_at_site", 0.1, 1.0, 0.02)),
    "sunset_glow": _LIGHT,
    "sunrise_glow": _LIGHT,
    "sunrise": (_cover("low_cloud"), _cover("cloud_far"), _AEROSOL),
    "snowfall": (
        Knob("new_snow", 0.0, 0.3, 0.005), Knob("freezing_level_above_site", -1500.0, 1500.0, 50.0),
    ),
    "snow_cover": (Knob("snow_depth", 0.0, 0.5, 0.01), Knob("new_snow", 0.0, 0.3, 0.005)),
    "rime": (_HOURS, _cover("cloud_at_site"), Knob("humidity_at_site", 0.3, 1.0, 0.02)),
    "snowmaking": (
        Knob("snowmaking_hours", 0.0, 24.0, 1.0), Knob("wet_bulb_minimum", 248.15, 281.15, 0.5),
    ),
}  # fmt: skip


class Question:
    """An event of a draft about which the model in force can be asked.

    Raises: Conflict where the draft has no such event.
    """

    def __init__(self, prepared: Prepared, key: EventKey) -> None:
        run = prepared.leading_run(key[0])
        events = run.features.events if run else ()
        row = next((i for i, each in enumerate(events) if each.key == key), None)
        if run is None or row is None:
            raise Conflict(f"{' '.join(key)}: this draft forecasts no such event", "no_event")
        self._prepared, features = prepared, run.features
        self.event = features.events[row]
        table = features.table.isel(event=[row])
        self._features = Features((self.event,), table, (features.missing[row],))
        self._values = {name: float(table[name].values[0]) for name in table if name in _read()}
        self._light: tuple[Geometry, LightPath, Scene] | None = None

    def settings(self) -> tuple[Setting, ...]:
        """Return what may be changed of the event, each with its value in the draft."""
        return tuple(
            Setting(_at_site(knob, self.event.site), self._value(knob.name))
            for knob in KNOBS[self.event.phenomenon]
        )

    def answer(
        self, changes: Mapping[str, float], models: Models, grades: Sequence[float]
    ) -> Answer:
        """Return what the model says with knobs at other values (SI).

        Raises: Conflict for a knob that the phenomenon does not have, or a value beyond its range.
        """
        self._check(changes)
        features, evidence = self._changed(changes)
        before, after = (
            predict(each, self._prepared.cycle, self._prepared.issued, models, grades).forecasts[0]
            for each in (self._features, features)
        )
        return Answer(before, after, evidence)

    def _check(self, changes: Mapping[str, float]) -> None:
        knobs = {each.knob.name: each.knob for each in self.settings()}
        for name, value in changes.items():
            knob = knobs.get(name)
            if knob is None:
                raise Conflict(f"{name:.40}: known are {', '.join(knobs)}", "knob")
            if not knob.low <= value <= knob.high:
                between = f"between {knob.low:g} and {knob.high:g}"
                raise Conflict(f"{name}: {value:g} is not {between}", "knob")

    def _value(self, name: str) -> float:
        if self.event.phenomenon in OF_LIGHT and name in changed_air.PARTS:
            return float(changed_air.cover_of(self._path().section, name)[0])
        return self._values.get(name, math.nan)

    def _changed(self, changes: Mapping[str, float]) -> tuple[Features, xr.Dataset | None]:
        """Return the features with what was changed, and the evidence where it is drawn anew."""
        if not changes:
            return self._features, None
        if self.event.phenomenon in OF_LIGHT:
            return self._of_light(changes)
        values = dict(changes)
        for name in changes:
            values |= _FOLLOWS.get(name, _nothing_more)(self.event, self._values | values)
        return self._with({n: np.array([v]) for n, v in {**values, **changes}.items()}), None

    def _of_light(self, changes: Mapping[str, float]) -> tuple[Features, xr.Dataset]:
        geometry, path, scene = self._air()
        section = path.section
        for name, value in changes.items():
            if name in changed_air.PARTS:
                section = changed_air.with_cover(section, name, value)
            else:
                section = changed_air.with_aerosol(section, value)
        depth = changes.get("aerosol_optical_depth")
        changed = replace(
            path,
            section=section,
            aerosol_depth=path.aerosol_depth if depth is None else path.aerosol_depth * 0 + depth,
        )
        found, drawn = light_features([self.event], geometry, changed, scene)
        return self._with(found), drawn.isel(event=0)

    def _with(self, columns: Mapping[str, np.ndarray]) -> Features:
        table = self._features.table
        changed = {
            name: xr.Variable(("event",), values, table[name].attrs)
            for name, values in columns.items()
            if name in table
        }
        return replace(self._features, table=table.assign(changed))

    def _path(self) -> LightPath:
        return self._air()[1]

    def _air(self) -> tuple[Geometry, LightPath, Scene]:
        """Return geometry, air and scene of an event of the light; they are read once."""
        if self._light is None:
            scene = Scene(self._prepared.decoded.atmosphere, [self.event.site])
            geometry = geometry_of([self.event], scene)
            path = air_along_lines(scene, geometry, lines_of(self.event.phenomenon))
            self._light = geometry, path, scene
        return self._light


def _at_site(knob: Knob, site: Site) -> Knob:
    """Return a knob with the range that it has at a site."""
    if knob.name != "deck_top":
        return knob
    return replace(knob, low=site.valley_elevation, high=site.elevation + 1500.0)


# -- what follows from a change: other features of the same event that cannot stay as they were


def _nothing_more(event: Event, values: Values) -> Values:
    return {}


def _of_deck_top(event: Event, values: Values) -> Values:
    """Return what follows from the top of the deck [m]: the same cover of cloud, higher or lower.

    A viewer under its top stands in it.
    """
    site, top = event.site, values["deck_top"]
    base = values.get("deck_base", math.nan)
    base = min(base, top) if math.isfinite(base) else site.valley_elevation
    old_gap = values.get("gap_to_deck", math.nan)
    old_top = site.elevation - old_gap if math.isfinite(old_gap) else math.nan
    filled, hidden = values.get("valley_area_filled", 0.0), _below(site, old_top)
    cover = min(1.0, filled / hidden) if hidden > 0 and filled > 0 else 1.0
    depth = max(0.0, min(top, site.elevation) - max(base, site.valley_elevation))
    was_inside = math.isfinite(old_top) and old_top > site.elevation
    at_site = values.get("cloud_at_site", math.nan)
    if top > site.elevation:
        at_site = max(cover, DECK_COVER)
    elif was_inside:
        at_site = 0.0
    return {
        "gap_to_deck": site.elevation - top,
        "deck_base": base,
        "valley_area_filled": cover * _below(site, top),
        "valley_fill": depth / max(site.elevation - site.valley_elevation, 1.0),
        "cloud_at_site": at_site,
        "unplaced_deck": 0.0,
    }


def _below(site: Site, height: float) -> float:
    """Return the part [1] of the ground below a site that lies below a height [m]."""
    if not math.isfinite(height):
        return 0.0
    curve = site.valley_heights or (site.valley_elevation, site.elevation)
    parts = np.interp(
        (np.arange(GROUND_PARTS) + 0.5) / GROUND_PARTS, np.linspace(0, 1, len(curve)), curve
    )
    return float((parts < height).mean())


def _of_humidity_below(event: Event, values: Values) -> Values:
    return {"valley_dew_point_depression": _depression(values, values["humidity_below"])}


def _of_humidity_at_site(event: Event, values: Values) -> Values:
    depression = _depression(values, values["humidity_at_site"])
    return {"dew_point_depression": depression, "night_dew_point_depression": depression}


def _depression(values: Values, humidity: float) -> float:
    """Return the dew-point depression [K] of air of a humidity [1] at the site's temperature."""
    temperature = np.array([values.get("temperature_at_site", math.nan)])
    return float((temperature - dew_point(temperature, np.array([humidity])))[0])


def _of_sky_cover(event: Event, values: Values) -> Values:
    """Return what follows from the night's sky cover: the same in all of its hours.

    Clear hours: all of the dark ones up to a cover of .2, none from .5 on, in part between them
    (check).
    """
    cover = values["sky_cover"]
    clear = float(np.interp(cover, (0.2, 0.5), (1.0, 0.0)))
    return {
        **dict.fromkeys(
            ("cloud_for_stars", "evening_sky_cover", "night_sky_cover", "morning_sky_cover"), cover
        ),
        "night_clear_share": clear,
        "clear_hours": clear * values.get("dark_hours", math.nan),
    }


_FOLLOWS: Mapping[str, Callable[[Event, Values], Values]] = {
    "deck_top": _of_deck_top,
    "humidity_below": _of_humidity_below,
    "humidity_at_site": _of_humidity_at_site,
    "sky_cover": _of_sky_cover,
}


def _read() -> frozenset[str]:
    """Return the features that are read here."""
    names = {knob.name for knobs in KNOBS.values() for knob in knobs}
    return frozenset(
        names | {"temperature_at_site", "deck_base", "gap_to_deck", "cloud_at_site", "dark_hours"}
    )
