"""Version 2 of the public data: what a reader sees, as JSON, with its words in both languages.

api/v2/forecasts.json       every forecast
api/v2/sites/<site>.json    those of one site, with sun and moon
api/v2/today.json           the best of the next days, as the first page has them
api/v2/texts.json           the words of every id
api/v2/openapi.json         all of it described, with the schemas
sites.geojson               the sites on a map, with the next forecast of each phenomenon

Numbers are those that pages show: rounded, in the reader's units, which stand in the keys.
docs/api.md says what stays the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from forecast.config import Config
from forecast.domain import PHENOMENA, Almanac, Forecast, Issue, Name, Site, Spread
from forecast.quantities import FEATURES
from forecast.review import Review, Withdrawal
from products.api_quantities import ENDINGS, STANDARD_NAMES, key_of, quantities, shown, unit_of
from products.bulletin import Bulletin
from products.confidence import as_usual
from products.marking import STATUS, withdrawal_details
from products.pages.addresses import address
from products.pages.json_page import json_page, minute_text, time_text
from products.pages.phrases import Phrases
from products.pages.templating import TEMPLATES, Page
from products.safety import CLOSING, CLOTHING, CLOTHING_UNKNOWN, COLDEST, HAZARDS, feature_of
from products.sections import Entry, Outlook, Section
from products.wording import LANGUAGES, read_words

FORECASTS, TEXTS = "skyscape.forecasts/2", "skyscape.texts/2"
FOLDER, SITES_MAP = "api/v2", "sites.geojson"
CURRENT, EXPIRED = "current", "expired"
STATUSES = (CURRENT, *sorted(STATUS.values()), EXPIRED)
DANGER, CAUTION = "danger", "caution"  # levels of a hazard: nothing is recommended; take care


def pages(bulletin: Bulletin) -> Iterator[Page]:
    """Yield every file of version 2, and the map of the sites."""
    made = _Document(bulletin)
    sections = bulletin.written_sections
    everything = [each for section in sections for each in made.of(section)]
    yield json_page(f"{FOLDER}/forecasts.json", made.document(sections, everything))
    for section in sections:
        yield made.site_page(section)
    best = [made.forecast(entry) for entry in bulletin.best]
    reason = None if bulletin.best else bulletin.best_reason
    places = {entry.forecast.event.site.id for entry in bulletin.best}
    near = [section for section in bulletin.sections if section.site.id in places]
    today = made.document(near, best) | {"nothing_recommended": reason}
    yield json_page(f"{FOLDER}/today.json", today)
    yield json_page(SITES_MAP, made.sites_map())
    yield from _fixed()


def site_page(bulletin: Bulletin, section: Section) -> Page:
    """Return the file of one site."""
    return _Document(bulletin).site_page(section)


def withdrawn(issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield the files of a withdrawn issue: who withdrew it, when and why, and no forecast."""
    sites = config.all_sites()

    def document(some: Sequence[Site]) -> dict[str, Any]:
        return _without_forecasts(issue, withdrawal, config, some)

    yield json_page(f"{FOLDER}/forecasts.json", document(sites))
    for site in sites:
        yield withdrawn_site(issue, withdrawal, config, site)
    yield json_page(f"{FOLDER}/today.json", document([]) | {"nothing_recommended": "withdrawn"})
    head = {k: v for k, v in document([]).items() if k in MAP_HEAD}
    yield json_page(SITES_MAP, {
        "type": "FeatureCollection", **head, "withdrawn": withdrawal_details(withdrawal),
        "features": [_point(site, {}, config.output.base_url) for site in sites],
    })  # fmt: skip
    yield from _fixed()


def withdrawn_site(issue: Issue, withdrawal: Withdrawal, config: Config, site: Site) -> Page:
    """Return the file of one site of a withdrawn issue."""
    content = _without_forecasts(issue, withdrawal, config, [site]) | {"almanac": []}
    return json_page(f"{FOLDER}/sites/{site.id}.json", content)


def hidden_events(sections: Sequence[Section]) -> list[dict[str, str]]:
    """Return the events of which a forecaster publishes nothing."""
    return [
        {"site": section.site.id, "phenomenon": phenomenon, "day": day.day.isoformat()}
        for section in sections
        for day in section.days
        for phenomenon in day.hidden
    ]


def has_status(path: str) -> bool:
    """Return whether a file is of one issue, and says what became of it."""
    return not path.endswith(("/texts.json", "/openapi.json"))


def rounded(probability: float) -> float | None:
    """Return a probability in hundredths, as pages show it in percent; null where unknown.

    0 is below one percent, 1 above 99: pages say <1% and >99%.
    """
    if math.isnan(probability):
        return None
    if probability < 0.01:
        return 0.0
    return 1.0 if probability > 0.99 else round(probability, 2)


MAP_HEAD = ("schema", "status", "demonstration", "trial", "issue", "number", "issued_at",
            "expires_at")  # fmt: skip


class _Document:
    """The parts of the documents of a bulletin."""

    def __init__(self, bulletin: Bulletin) -> None:
        self.bulletin = bulletin
        self.phrases = {language: Phrases(bulletin, language) for language in LANGUAGES}
        self._forecasts: dict[tuple[str, str, str], dict[str, Any]] = {}  # by event

    def forecast(self, entry: Entry) -> dict[str, Any]:
        """Return the record of a forecast, made once."""
        key = entry.forecast.event.key
        if key not in self._forecasts:
            self._forecasts[key] = self._forecast(entry)
        return self._forecasts[key]

    def of(self, section: Section) -> list[dict[str, Any]]:
        """Return the records of a site."""
        return [self.forecast(entry) for day in section.days for entry in day.entries]

    def site_page(self, section: Section) -> Page:
        """Return the file of a site."""
        sky = [_almanac(day.almanac) for day in section.days if day.almanac is not None]
        content = self.document([section], self.of(section), section.outlook) | {"almanac": sky}
        return json_page(f"{FOLDER}/sites/{section.site.id}.json", content)

    def document(
        self,
        sections: Sequence[Section],
        forecasts: Sequence[Mapping[str, Any]],
        outlook: Outlook | None = None,
    ) -> dict[str, Any]:
        """Return the document of some sites and some of their forecasts. outlook: its hazards,
        those of every site where there is none.
        """
        bulletin, issue, review = self.bulletin, self.bulletin.issue, self.bulletin.review
        outlook = bulletin.outlook if outlook is None else outlook
        return {
            **self._head(),
            "valid_from": time_text(bulletin.valid_from), "valid_to": time_text(bulletin.valid_to),
            "timezone": bulletin.zone.key,
            "title": _name(bulletin.title),
            "issuing_bodies": [_name(body) for body in bulletin.bodies],
            "signed_by": bulletin.forecaster or None,
            "reviewed": None if review is None else not review.unreviewed,
            "comment": _comment(review),
            "corrects": None if review is None else review.corrects,
            "correction_reason": (review.reason or None) if review else None,
            "model_run": {"model": issue.cycle.model, "run_at": time_text(issue.cycle.run)},
            "attribution": [_name(name) for name in bulletin.attributions],
            "grades": _grades(bulletin.grades),
            "hazards": [
                {**hazard(a.hazard, a.value), "sites": [s.id for s in a.sites],
                 "days": [day.isoformat() for day in a.days]}
                for a in outlook.alerts
            ],
            "hazards_not_assessed": [
                {"hazards": list(gap.hazards), "days": [day.isoformat() for day in gap.days]}
                for gap in outlook.gaps
            ],
            "hazards_assessed_until": time_text(bulletin.covered_until),
            "missing": [{"id": name, "forecasts": count} for name, count in bulletin.missing],
            "unavailable_models": list(bulletin.unavailable_models),
            "sites": [_site(section.site) for section in sections],
            "forecasts": list(forecasts),
            "hidden": hidden_events(sections),
        }  # fmt: skip

    def sites_map(self) -> dict[str, Any]:
        """Return the sites as GeoJSON (RFC 7946), each with the next of each phenomenon.

        Beyond the sites with files only the chance of the headline.
        """
        features = []
        for place, section in enumerate(self.bulletin.sections):
            following: dict[str, Entry] = {}
            for entry in (e for day in section.days for e in day.entries if e.forecast.known):
                following.setdefault(entry.forecast.event.phenomenon, entry)
            main = following.get(section.site.headline)
            shown = following.values() if place < self.bulletin.static_sites else ()
            more = {
                "probability": rounded(main.forecast.probability) if main else None,
                "grade": main.forecast.grade if main else 0,
                "next": [_brief(self.forecast(entry)) for entry in shown],
            }  # fmt: skip
            features.append(_point(section.site, more, self.bulletin.base_url))
        return {"type": "FeatureCollection", **self._head(), "features": features}

    def _head(self) -> dict[str, Any]:
        bulletin, issue = self.bulletin, self.bulletin.issue
        return {
            "schema": FORECASTS, "status": CURRENT,
            "demonstration": bulletin.demonstration, "trial": not bulletin.official,
            "issue": issue.id, "number": issue.number, "issued_at": time_text(issue.issued),
            "expires_at": time_text(bulletin.expires_at),
        }  # fmt: skip

    def _forecast(self, entry: Entry) -> dict[str, Any]:
        forecast, event = entry.forecast, entry.forecast.event
        best, change = forecast.best, forecast.change
        machine = change.machine_probability if change and change.moved else forecast.probability
        return {
            "site": event.site.id, "phenomenon": event.phenomenon, "day": event.day.isoformat(),
            "window_start": minute_text(event.window.start),
            "window_end": minute_text(event.window.end),
            "best_start": minute_text(best.start if best else None),
            "best_end": minute_text(best.end if best else None),
            "probability": rounded(forecast.probability),
            "probability_text": self.phrases[LANGUAGES[0]].words.percent(forecast.probability),
            "machine_probability": rounded(machine),
            "changed_by_forecaster": list(change.fields) if change else [],
            "grade": forecast.grade, "confidence": forecast.confidence,
            "usual_probability": rounded(forecast.usual), "as_usual": as_usual(forecast),
            "probability_range": _range(forecast.spread),
            "states": {state: rounded(p) for state, p in forecast.states.items()},
            "recommended": entry.recommended, "dangerous": entry.dangerous,
            "hazards": [hazard(each.id, each.value) for each in entry.hazards],
            "hazards_not_assessed": list(entry.not_assessed),
            "azimuth_deg": None if entry.azimuth is None else round(entry.azimuth) % 360,
            "clothing": entry.clothing,
            "sentence": self._in_each("sentence", entry),
            "reasons_for": self._in_each("for", entry),
            "reasons_against": self._in_each("against", entry),
            "next_better_day": entry.better.event.day.isoformat() if entry.better else None,
            "contributing_runs": [
                {"model": run.cycle.model, "run_at": time_text(run.cycle.run),
                 "probability": rounded(run.probability), "weight": round(run.weight, 2),
                 "members": run.members}
                for run in forecast.contributing_runs
            ],
            "corrected_by_stations": list(forecast.corrected_by),
            "missing": list(forecast.missing),
            "quantities": quantities(forecast.quantities),
        }  # fmt: skip

    def _in_each(self, kind: str, entry: Entry) -> dict[str, Any]:
        """Return a sentence, or the reasons, in each language."""
        forecast: Forecast = entry.forecast
        sign = {"for": 1, "against": -1}.get(kind)
        return {
            language: phrases.reasons(forecast, sign)
            if sign is not None
            else phrases.why(forecast)
            if forecast.known
            else ""
            for language, phrases in self.phrases.items()
        }


def _without_forecasts(
    issue: Issue, withdrawal: Withdrawal, config: Config, sites: Sequence[Site]
) -> dict[str, Any]:
    """Return the document of an issue of which nothing is said any more."""
    at = time_text(issue.issued)
    return {
        "schema": FORECASTS, "status": "withdrawn", "demonstration": config.demonstration,
        "trial": not config.issuer.official, "issue": issue.id, "number": issue.number,
        "issued_at": at, "expires_at": time_text(issue.valid_until), "valid_from": at,
        "valid_to": at, "withdrawn": withdrawal_details(withdrawal),
        "timezone": config.zone.key, "title": _name(config.service.title.as_name()),
        "issuing_bodies": [_name(body.as_name()) for body in config.issuer.bodies],
        "signed_by": None, "reviewed": None, "comment": None, "corrects": None,
        "correction_reason": None,
        "model_run": {"model": issue.cycle.model, "run_at": time_text(issue.cycle.run)},
        "attribution": [_name(config.source.attribution.as_name(config.source.model.upper()))],
        "grades": _grades(config.forecast.grades), "hazards": [], "hazards_not_assessed": [],
        "hazards_assessed_until": None, "missing": [], "unavailable_models": [],
        "sites": [_site(site) for site in sites], "forecasts": [],
        "hidden": [],
    }  # fmt: skip


def _fixed() -> Iterator[Page]:
    """Yield what is the same for every issue: the words and the description."""
    yield json_page(f"{FOLDER}/texts.json", texts())
    described = (TEMPLATES / "api" / "openapi.json").read_text(encoding="utf-8")
    yield Page(f"{FOLDER}/openapi.json", described)


def texts() -> dict[str, Any]:
    """Return the words of every id in each language."""
    clothing = [name for _, name in CLOTHING] + [COLDEST, CLOTHING_UNKNOWN]
    return {
        "schema": TEXTS,
        "phenomena": {each: _words(f"phenomenon.{each}.name") for each in PHENOMENA},
        "grades": {str(grade): _words(f"grade.{grade}") for grade in range(6)},
        "confidence": {str(level): _words(f"confidence.{level}") for level in (1, 2, 3)},
        "states": {state: _words(f"state.{state}")
                   for state in ("sea", "in_cloud", "overcast", "open")},
        "hazards": {
            each: {"name": _words(f"hazard.{each}.name"), "advice": _words(f"hazard.{each}.line"),
                   "level": _level(each)}
            for each in HAZARDS
        },
        "levels": {level: _words(f"api.level.{level}") for level in (DANGER, CAUTION)},
        "clothing": {each: _words(f"clothing.{each}") for each in clothing},
        "statuses": {each: _words(f"api.status.{each}") for each in STATUSES},
        "quantities": {
            key_of(name): {"name": _words(f"feature.{name}.label"),
                           "unit": ENDINGS[unit_of(name)][1],
                           "standard_name": STANDARD_NAMES.get(name)}
            for name, feature in FEATURES.items() if feature.shown
        },
        "statement": _words("footer.statement"),
    }  # fmt: skip


def _comment(review: Review | None) -> dict[str, str] | None:
    given = review is not None and (review.comment.zh or review.comment.en)
    return _name(review.comment) if review is not None and given else None


def _words(key: str) -> dict[str, str]:
    return {language: read_words(language)[key] for language in LANGUAGES}


def _level(hazard: str) -> str:
    return DANGER if hazard in CLOSING else CAUTION


def hazard_key(hazard: str) -> str:
    """Return the key of the quantity that is the value of a hazard."""
    return key_of(feature_of(hazard))


def hazard(id: str, value: float) -> dict[str, Any]:
    """Return a hazard with its level, and its value as readers see it."""
    return {"hazard": id, "level": _level(id), "quantity": hazard_key(id),
            "value": shown(feature_of(id), value)}  # fmt: skip


def _grades(begin: Sequence[float]) -> list[dict[str, Any]]:
    return [{"grade": n, "from_probability": p} for n, p in enumerate((0.0, *begin), 1)]


def _range(spread: Spread | None) -> dict[str, Any] | None:
    return None if spread is None else {
        "low": rounded(spread.low), "high": rounded(spread.high), "runs": spread.cycles,
    }  # fmt: skip


def _site(site: Site) -> dict[str, Any]:
    return {
        "id": site.id, "name": _name(site.name), "title": _name(site.title),
        "place": _name(site.place),
        "latitude_deg": site.latitude, "longitude_deg": site.longitude,
        "elevation_m": round(site.elevation),
        "view_from_deg": site.view_sector[0] if site.view_surveyed else None,
        "view_to_deg": site.view_sector[1] if site.view_surveyed else None,
        "safety": _name(site.safety),
        "phenomena": list(site.phenomena), "headline": site.headline,
    }  # fmt: skip


def _point(site: Site, more: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Return a site as a feature of GeoJSON; its place is in WGS 84."""
    url = address(base_url, f"sites/{site.id}/index.html")
    return {
        "type": "Feature", "id": site.id,
        "geometry": {"type": "Point",
                     "coordinates": [site.longitude, site.latitude, round(site.elevation)]},
        "properties": {
            "name_zh": site.name.zh, "name_en": site.name.en, "headline": site.headline,
            "data": f"{FOLDER}/sites/{site.id}.json",
            **({"url": url} if url else {}), **more,
        },
    }  # fmt: skip


def _brief(forecast: Mapping[str, Any]) -> dict[str, Any]:
    wanted: Iterable[str] = (
        "phenomenon", "day", "best_start", "best_end", "probability", "probability_text", "grade",
        "confidence", "recommended",
    )  # fmt: skip
    return {key: forecast[key] for key in wanted} | {
        "hazards": [each["hazard"] for each in forecast["hazards"]]
    }


def _almanac(almanac: Almanac) -> dict[str, Any]:
    times = (
        "sunrise", "sunset", "terrain_sunrise", "terrain_sunset", "civil_dawn", "civil_dusk",
        "nautical_dusk", "astronomical_dusk", "astronomical_dawn", "moonrise", "moonset",
    )  # fmt: skip
    galaxy = almanac.milky_way
    return {
        "day": almanac.day.isoformat(),
        **{name: minute_text(getattr(almanac, name)) for name in times},
        "sunrise_azimuth_deg": _whole(almanac.sunrise_azimuth),
        "sunset_azimuth_deg": _whole(almanac.sunset_azimuth),
        "moon_illumination_percent": _whole(100 * almanac.moon_illumination),
        "moon_phase_deg": _whole(almanac.moon_phase),
        "milky_way_start": minute_text(galaxy.start if galaxy else None),
        "milky_way_end": minute_text(galaxy.end if galaxy else None),
        "meteor_showers": [shower.id for shower in almanac.showers],
    }  # fmt: skip


def _whole(value: float) -> int | None:
    return round(value) if math.isfinite(value) else None


def _name(name: Name) -> dict[str, str]:
    return {"zh": name.zh, "en": name.en}
