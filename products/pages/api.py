"""The data product: the bulletin as JSON, versioned, units in the names of the keys, null where
nothing is known.

templates/api/schema.json is its published JSON Schema; tests hold the two together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from forecast.config import Config
from forecast.domain import Almanac, Issue, Name, Spread, Window
from forecast.quantities import FEATURES, Feature
from products.bulletin import Bulletin, Entry, Section

FORECASTS = "skyscape.forecasts/1"
STATUS = "skyscape.status/1"

# SI units of the catalogue as suffixes of a key. A number without a unit has its kind: see `_key`.
SUFFIXES = {
    "K": "k", "m": "m", "m s-1": "m_s", "kg m-2": "kg_m2", "J kg-1": "j_kg", "h": "h", "min": "min",
    "degree": "deg",
    "mag": "mag", "mag arcsec-2": "mag_arcsec2", "s-1": "per_s", "Pa s-1": "pa_s",
}  # fmt: skip


def document(bulletin: Bulletin, config: Config) -> dict[str, Any]:
    """Return the whole bulletin as plain data."""
    issue = bulletin.issue
    return {
        "schema": FORECASTS,
        "status": bulletin.status,
        "issue": issue.id,
        "number": issue.number,
        "issued_at": time_text(issue.issued),
        "valid_from": time_text(bulletin.valid_from),
        "valid_to": time_text(bulletin.valid_to),
        "expires_at": time_text(bulletin.expires_at),
        "timezone": config.service.timezone,
        "title": _name(bulletin.title),
        "issuer": {
            "bodies": [_name(body) for body in bulletin.bodies],
            "forecaster": bulletin.forecaster or None,
        },
        "model_run": {"model": issue.cycle.model, "run_at": time_text(issue.cycle.run)},
        "sources": [name.en for name in bulletin.attributions],
        "models": list(bulletin.models),
        "grade_begins_at": [0.0, *bulletin.grades],
        "missing": [{"id": name, "forecasts": count} for name, count in bulletin.missing],
        "alerts": [
            {
                "hazard": w.hazard,
                "sites": [s.id for s in w.sites],
                "days": [d.isoformat() for d in w.days],
            }
            for w in bulletin.outlook.alerts
        ],
        "alerts_complete": not bulletin.outlook.gaps,
        "covered_until": time_text(bulletin.covered_until),
        "unjudged": [
            {"hazards": list(gap.hazards), "days": [d.isoformat() for d in gap.days]}
            for gap in bulletin.outlook.gaps
        ],
        "sites": [_site(section) for section in bulletin.sections],
        "forecasts": [_forecast(entry) for entry in bulletin.entries],
        "almanac": [
            _almanac(day.almanac)
            for section in bulletin.sections
            for day in section.days
            if day.almanac is not None
        ],
        "earlier": [_earlier(i) for i in bulletin.earlier],
    }


def status(bulletin: Bulletin) -> dict[str, Any]:
    """Return the little that a screen asks for every few minutes."""
    return {
        "schema": STATUS,
        "status": bulletin.status,
        "issue": bulletin.issue.id,
        "issued_at": time_text(bulletin.issue.issued),
        "expires_at": time_text(bulletin.expires_at),
    }


def _site(section: Section) -> dict[str, Any]:
    site = section.site
    return {
        "id": site.id, "name": _name(site.name), "place": _name(site.place),
        "latitude_deg": site.latitude, "longitude_deg": site.longitude,
        "elevation_m": site.elevation, "view_from_deg": site.view_sector[0],
        "view_to_deg": site.view_sector[1],
        "phenomena": list(site.phenomena), "headline": site.headline,
    }  # fmt: skip


def _forecast(entry: Entry) -> dict[str, Any]:
    forecast, event = entry.forecast, entry.forecast.event
    window = _window("window", event.window)
    return {
        "site": event.site.id, "phenomenon": event.phenomenon, "day": event.day.isoformat(),
        **window, **_window("best", forecast.best), "centre": time_text(event.centre),
        "probability": number(forecast.probability), "grade": forecast.grade,
        "model": forecast.model,
        "states": {state: number(p) for state, p in forecast.states.items()},
        "azimuth_deg": number(entry.azimuth),
        "reasons": [
            {"feature": r.feature, "value": number(r.value), "unit": FEATURES[r.feature].unit,
             "effect_logit": number(r.effect)}
            for r in forecast.reasons if r.feature in FEATURES
        ],
        "spread": _spread(forecast.spread),
        "voices": [
            {"model": voice.cycle.model, "run_at": time_text(voice.cycle.run),
             "probability": number(voice.probability),
             "weight": number(voice.weight), "members": voice.members} for voice in forecast.contributing_runs
        ],
        "corrected_by": list(forecast.corrected_by),
        "missing": list(forecast.missing),
        "quantities": quantities(forecast.quantities),
        "quantity_spreads": {key: _spread(forecast.spreads[name]) for name in forecast.spreads for key in quantities({name: 0.0})},
        "hazards": [hazard.id for hazard in entry.hazards], "clothing": entry.clothing,
        "next_better_day": entry.better.event.day.isoformat() if entry.better else None,
    }  # fmt: skip


def quantities(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return quantities under keys that carry their unit: `gust_m_s`, or their kind: `snow_class`."""
    return {
        _key(FEATURES[name]): number(value) for name, value in values.items() if name in FEATURES
    }


def _key(feature: Feature) -> str:
    """Return the key of a feature: its name, ending in the unit; a number without one ends in what
    kind of number it is.
    """
    ending = SUFFIXES.get(feature.unit, feature.kind)
    return feature.name if feature.name.endswith(f"_{ending}") else f"{feature.name}_{ending}"


def number(value: float | None) -> float | None:
    """Return a number fit for JSON: six significant digits, NaN and infinity as null."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _almanac(almanac: Almanac) -> dict[str, Any]:
    times = (
        "sunrise", "sunset", "terrain_sunrise", "terrain_sunset", "civil_dawn", "civil_dusk",
        "nautical_dusk", "astronomical_dusk",
        "astronomical_dawn", "moonrise", "moonset",
    )  # fmt: skip
    return {
        "site": almanac.site.id, "day": almanac.day.isoformat(),
        **{name: time_text(getattr(almanac, name)) for name in times},
        "sunrise_azimuth_deg": number(almanac.sunrise_azimuth),
        "sunset_azimuth_deg": number(almanac.sunset_azimuth),
        "moon_illumination_fraction": number(almanac.moon_illumination),
        "moon_phase_deg": number(almanac.moon_phase),
        **_window("milky_way", almanac.milky_way),
        "meteor_showers": [shower.id for shower in almanac.showers],
    }  # fmt: skip


def _earlier(issue: Issue) -> dict[str, Any]:
    return {"issue": issue.id, "number": issue.number, "issued_at": time_text(issue.issued)}


def _spread(spread: Spread | None) -> dict[str, Any] | None:
    return (
        None
        if spread is None
        else {"low": number(spread.low), "high": number(spread.high), "cycles": spread.cycles}
    )


def _window(name: str, window: Window | None) -> dict[str, str | None]:
    return {
        f"{name}_start": time_text(window.start if window else None),
        f"{name}_end": time_text(window.end if window else None),
    }


def time_text(moment: datetime | None) -> str | None:
    """Return a moment as data tell it: UTC, to the second."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _name(name: Name) -> dict[str, str]:
    return {"zh": name.zh, "en": name.en}
