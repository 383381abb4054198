"""The public data: the bulletin as versioned JSON, units in the names of the keys, null if unknown.

Version 1 stands here and is deprecated; version 2 is made by products/api_v2.py.

templates/api/schema.json is the published JSON Schema; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forecast.config import Config
from forecast.domain import Almanac, Forecast, Issue, Name, Site, Spread, Window
from forecast.quantities import FEATURES, Feature
from forecast.review import Review, Withdrawal
from products import api_v2
from products.bulletin import Bulletin
from products.confidence import as_usual
from products.marking import Mark, marked_json, withdrawal_details
from products.pages.json_page import json_page, number, time_text
from products.pages.templating import TEMPLATES, Page
from products.sections import Entry, Section
from products.wording import Words

FORECASTS = "skyscape.forecasts/1"
STATUS = "skyscape.status/1"

# SI units as suffixes of a key; the suffix of a number without a unit is its kind, see `_key`
SUFFIXES = {
    "K": "k", "m": "m", "m s-1": "m_s", "kg m-2": "kg_m2", "J kg-1": "j_kg", "h": "h", "min": "min",
    "degree": "deg",
    "mag": "mag", "mag arcsec-2": "mag_arcsec2", "s-1": "per_s", "Pa s-1": "pa_s",
}  # fmt: skip


def render(bulletin: Bulletin) -> Iterator[Page]:
    yield json_page("api/v1/forecasts.json", document(bulletin))
    yield _schema("schema.json")
    if any(section.tiles for section in bulletin.sections):
        yield _schema("live.schema.json")
    yield status_page(bulletin)
    yield from api_v2.pages(bulletin)


def site_pages(bulletin: Bulletin, section: Section) -> Iterator[Page]:
    """Yield the data of one site."""
    yield api_v2.site_page(bulletin, section)


def status_page(bulletin: Bulletin) -> Page:
    """Return the page by which a screen learns of a new issue."""
    return json_page("api/v1/status.json", status(bulletin))


def withdrawn(issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield the data of a withdrawn issue: who withdrew it, when and why, and no forecast."""
    content = {"withdrawn": withdrawal_details(withdrawal)}
    yield json_page("api/v1/forecasts.json", _without_forecasts(issue, config) | content)
    yield _schema("schema.json")
    yield _schema("live.schema.json")
    yield withdrawn_status(issue, withdrawal)
    yield from api_v2.withdrawn(issue, withdrawal, config)


def withdrawn_status(issue: Issue, withdrawal: Withdrawal) -> Page:
    """Return the page by which a screen learns that an issue is withdrawn."""
    return json_page("api/v1/status.json", {
        "schema": STATUS, "status": "withdrawn", "issue": issue.id,
        "issued_at": time_text(issue.issued), "expires_at": time_text(issue.valid_until),
        "withdrawn": withdrawal_details(withdrawal),
    })  # fmt: skip


def mark(path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return the data of an archived issue with its state; a schema stays as it is."""
    if path == api_v2.SITES_MAP or path.startswith("api/v2/"):
        return marked_json(path, page, mark) if api_v2.has_status(path) else page
    if not path.endswith(("/forecasts.json", "/status.json")):
        return page
    return marked_json(path, page, mark)


def _without_forecasts(issue: Issue, config: Config) -> dict[str, Any]:
    """Return the document of an issue of which nothing is said any more."""
    return {
        "schema": FORECASTS, "status": "withdrawn", "issue": issue.id, "number": issue.number,
        "issued_at": time_text(issue.issued), "valid_from": time_text(issue.issued),
        "valid_to": time_text(issue.issued), "expires_at": time_text(issue.valid_until),
        "timezone": config.zone.key, "title": _name(config.service.title.as_name()),
        "issuer": {
            "bodies": [_name(body.as_name()) for body in config.issuer.bodies], "forecaster": None,
        },
        "model_run": {"model": issue.cycle.model, "run_at": time_text(issue.cycle.run)},
        "sources": [config.source.attribution.en or config.source.model.upper()], "models": [],
        "grade_begins_at": [0.0, *config.forecast.grades], "missing": [], "alerts": [],
        "alerts_complete": False, "covered_until": None, "unjudged": [],
        "sites": [_site(site) for site in config.all_sites()],
        "forecasts": [], "hidden": [], "almanac": [], "earlier": [],
    }  # fmt: skip


def _schema(name: str) -> Page:
    return Page(f"api/v1/{name}", (TEMPLATES / "api" / name).read_text(encoding="utf-8"))


def document(bulletin: Bulletin) -> dict[str, Any]:
    """Return the bulletin as plain data; of the sites those whose pages are files."""
    issue, written = bulletin.issue, bulletin.written_sections
    return {
        "schema": FORECASTS,
        "status": bulletin.status,
        "issue": issue.id,
        "number": issue.number,
        "issued_at": time_text(issue.issued),
        "valid_from": time_text(bulletin.valid_from),
        "valid_to": time_text(bulletin.valid_to),
        "expires_at": time_text(bulletin.expires_at),
        "timezone": bulletin.zone.key,
        "title": _name(bulletin.title),
        "issuer": {
            "bodies": [_name(body) for body in bulletin.bodies],
            "forecaster": bulletin.forecaster or None,
        },
        "review": _review(bulletin.review),
        "model_run": {"model": issue.cycle.model, "run_at": time_text(issue.cycle.run)},
        "sources": [name.en for name in bulletin.attributions],
        "models": list(bulletin.models),
        "grade_begins_at": [0.0, *bulletin.grades],
        "missing": [{"id": name, "forecasts": count} for name, count in bulletin.missing],
        "unavailable_models": list(bulletin.unavailable_models),
        "questioned": {
            "fields": list(bulletin.questioned_fields),
            "stations": list(bulletin.doubtful_stations),
        },
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
        "sites": [_site(section.site) for section in written],
        "forecasts": [
            _forecast(entry) for section in written for day in section.days for entry in day.entries
        ],
        "hidden": api_v2.hidden_events(written),
        "almanac": [
            _almanac(day.almanac)
            for section in written
            for day in section.days
            if day.almanac is not None
        ],
        "earlier": [_earlier(i, bulletin.states) for i in bulletin.earlier],
    }


def status(bulletin: Bulletin) -> dict[str, Any]:
    """Return the issue in force and its times."""
    return {
        "schema": STATUS,
        "status": bulletin.status,
        "issue": bulletin.issue.id,
        "issued_at": time_text(bulletin.issue.issued),
        "expires_at": time_text(bulletin.expires_at),
    }


def _review(review: Review | None) -> dict[str, Any] | None:
    """Return how a person reviewed the issue; None where reviews are off."""
    return None if review is None else {
        "person": review.person or None, "unreviewed": review.unreviewed,
        "comment": _name(review.comment) if review.comment.zh or review.comment.en else None,
        "corrects": review.corrects, "reason": review.reason or None,
    }  # fmt: skip


def _changed(forecast: Forecast) -> dict[str, Any]:
    """Return what a forecaster changed; the machine's probability where that was changed."""
    change = forecast.change
    moved = change is not None and change.moved
    return {
        "machine_probability": number(change.machine_probability) if change and moved else None,
        "changed": list(change.fields) if change else [],
        "sentence": _name(change.sentence) if change and change.worded else None,
    }


def _site(site: Site) -> dict[str, Any]:
    return {
        "id": site.id, "name": _name(site.name), "place": _name(site.place),
        "latitude_deg": site.latitude, "longitude_deg": site.longitude,
        "elevation_m": site.elevation,
        "view_from_deg": site.view_sector[0] if site.view_surveyed else None,
        "view_to_deg": site.view_sector[1] if site.view_surveyed else None,
        "horizon_surveyed": site.horizon_surveyed,
        "phenomena": list(site.phenomena), "headline": site.headline,
    }  # fmt: skip


def _forecast(entry: Entry) -> dict[str, Any]:
    forecast, event = entry.forecast, entry.forecast.event
    window = _window("window", event.window)
    return {
        "site": event.site.id, "phenomenon": event.phenomenon, "day": event.day.isoformat(),
        **window, **_window("best", forecast.best), "centre": time_text(event.centre),
        "probability": number(forecast.probability), "grade": forecast.grade,
        **_changed(forecast),
        "usual_probability": number(forecast.usual), "confidence": forecast.confidence,
        "as_usual": as_usual(forecast),
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
            {"model": run.cycle.model, "run_at": time_text(run.cycle.run),
             "probability": number(run.probability),
             "weight": number(run.weight), "members": run.members}
            for run in forecast.contributing_runs
        ],
        "corrected_by": list(forecast.corrected_by),
        "missing": list(forecast.missing),
        "quantities": quantities(forecast.quantities),
        "quantity_spreads": {
            key: _spread(spread)
            for name, spread in forecast.spreads.items() for key in quantities({name: 0.0})
        },
        "hazards": [hazard.id for hazard in entry.hazards], "clothing": entry.clothing,
        "recommended": entry.recommended,
        "next_better_day": entry.better.event.day.isoformat() if entry.better else None,
    }  # fmt: skip


def quantities(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return quantities under keys with their unit (`gust_m_s`) or kind (`snow_class`)."""
    return {
        _key(FEATURES[name]): number(value) for name, value in values.items() if name in FEATURES
    }


def _key(feature: Feature) -> str:
    """Return the key of a feature: its name, ending in the unit, or in its kind without one."""
    ending = SUFFIXES.get(feature.unit, feature.kind)
    return feature.name if feature.name.endswith(f"_{ending}") else f"{feature.name}_{ending}"


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


def _earlier(issue: Issue, states: Mapping[str, str]) -> dict[str, Any]:
    state = {"state": states[issue.id]} if issue.id in states else {}
    return {
        "issue": issue.id, "number": issue.number, "issued_at": time_text(issue.issued), **state,
    }  # fmt: skip


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


def _name(name: Name) -> dict[str, str]:
    return {"zh": name.zh, "en": name.en}
