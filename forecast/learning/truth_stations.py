"""Which stations can serve as truth for each site: near it, at a height that fits the question.

The stations are those of the settings and those that CMADaaS has named (forecast/observations/
cmadaas_memory.py). The limits are those by which outcomes are made (truth_from_stations.py), so a
station that is proposed here gives outcomes once the site names it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from forecast.config import Config
from forecast.domain import Site, Station
from forecast.geo import distance_between
from forecast.learning.truth_from_stations import BELOW, NEAR, SAME_HEIGHT
from forecast.observations.cmadaas_memory import CmadaasMemory, KnownStation

# phenomenon -> whether any or all of the elements are needed, the elements, whether the station
# must stand at the site's height
ANY, ALL = any, all
NEEDS = {
    "starry_sky": (ANY, ("cloud_area_fraction",), False),
    "sunset_glow": (ALL, ("cloud_area_fraction", "low_cloud_area_fraction"), False),
    "sunrise_glow": (ALL, ("cloud_area_fraction", "low_cloud_area_fraction"), False),
    "sunrise": (ANY, ("sunshine_duration",), False),
    "snowfall": (ANY, ("present_weather",), True),
    "snow_cover": (ANY, ("snow_depth", "ground_state"), True),
    "rime": (ANY, ("present_weather", "rime_observed", "glaze_observed"), True),
}
SEA, SEA_NEEDS = (
    "sea_of_clouds",
    ("relative_humidity", "visibility_in_air", "cloud_below_area_fraction"),
)
SUMMIT, VALLEY = "summit", "valley"


@dataclass(frozen=True, slots=True)
class TruthUse:
    """A phenomenon for which a station can serve.

    role: of a sea of clouds, whether the station stands at the site's height (SUMMIT) or in the
    VALLEY that it is compared with. same_height: whether the question needs that. elements: those
    that it reports of what is needed; empty where it is not known what it reports.
    """

    phenomenon: str
    elements: tuple[str, ...] = ()
    role: str = ""
    same_height: bool = False

    @property
    def text(self) -> str:
        return f"{self.phenomenon} ({self.role})" if self.role else self.phenomenon


@dataclass(frozen=True, slots=True)
class TruthStation:
    """A station near a site: how far [m], how much higher [m], and for what it can serve.

    named: whether the site names it already. listed: whether observations.stations does.
    """

    station: Station
    distance: float
    higher: float
    uses: tuple[TruthUse, ...]
    named: bool
    listed: bool

    @property
    def line(self) -> str:
        """The line of observations.stations in the settings."""
        place = self.station
        zh, en = _quoted(place.name.zh), _quoted(place.name.en or place.name.zh)
        name = f"name: {{zh: {zh}, en: {en}}}, " if place.name.zh else ""
        return (
            f"- {{id: {_quoted(place.id)}, {name}latitude: {place.latitude:.4f}, "
            f"longitude: {place.longitude:.4f}, elevation_m: {place.elevation:.0f}}}"
        )


def truth_stations(config: Config) -> dict[str, tuple[TruthStation, ...]]:
    """Return the stations that can serve each site as truth, by the site's id, nearest first."""
    known = CmadaasMemory(config.cmadaas.state).stations
    listed = {
        each.id: _named(each.as_station(), known.get(each.id))
        for each in config.observations.stations
    }
    places = {**{id: each.station for id, each in known.items()}, **listed}
    elements = {id: each.elements for id, each in known.items()}
    return {
        site.id: near_stations(site, places, elements, frozenset(listed))
        for site in config.all_sites()
    }


def _named(listed: Station, known: KnownStation | None) -> Station:
    """Return a station of the settings, with the service's name where it has none there."""
    return listed if listed.name.zh or known is None else replace(listed, name=known.station.name)


def near_stations(
    site: Site,
    places: Mapping[str, Station],
    elements: Mapping[str, Collection[str]],
    listed: frozenset[str],
) -> tuple[TruthStation, ...]:
    """Return the stations within NEAR of a site that can serve one of its phenomena.

    elements: what a station reports; of one that is not in it, only its place decides.
    """
    found = []
    for station in places.values():
        distance = distance_between(site, station)
        if distance > NEAR:
            continue
        higher = station.elevation - site.elevation
        uses = _uses(site, higher, elements.get(station.id))
        if uses:
            named = station.id in site.stations
            found.append(TruthStation(station, distance, higher, uses, named, station.id in listed))
    if not any(use.role == SUMMIT for each in found for use in each.uses):
        # a valley's station is compared with one at the summit: without that it gives nothing
        found = [
            replace(each, uses=kept)
            for each in found
            if (kept := tuple(use for use in each.uses if use.role != VALLEY))
        ]
    return tuple(sorted(found, key=lambda each: each.distance))


def _uses(site: Site, higher: float, elements: Collection[str] | None) -> tuple[TruthUse, ...]:
    """Return for what a station at a height [m] above a site can serve; elements None: unknown."""
    same, found = abs(higher) <= SAME_HEIGHT, []
    for phenomenon in site.phenomena:
        if phenomenon == SEA:
            reported = _reported(SEA_NEEDS, elements)
            if elements is None or reported:
                found += [TruthUse(SEA, reported, SUMMIT, True)] * same
                found += [TruthUse(SEA, reported, VALLEY)] * (higher <= -BELOW)
        elif (need := NEEDS.get(phenomenon)) is not None and (same or not need[2]):
            reported = _reported(need[1], elements)
            if elements is None or need[0](name in reported for name in need[1]):
                found.append(TruthUse(phenomenon, reported, "", need[2]))
    return tuple(found)


def _reported(needed: Collection[str], elements: Collection[str] | None) -> tuple[str, ...]:
    return tuple(name for name in needed if name in (elements or ()))


def sites_line(stations: Collection[TruthStation]) -> str:
    """Return the line of a site in the settings that names its stations."""
    return f"stations: [{', '.join(_quoted(each.station.id) for each in stations)}]"


def _quoted(text: str) -> str:
    """Return a text in YAML's double quotes: an id of digits is no number."""
    return json.dumps(text, ensure_ascii=False)


def lines(config: Config) -> list[str]:
    """Return the proposals as lines of text: each site, its stations, and what to write."""
    found: list[str] = []
    for site, stations in truth_stations(config).items():
        if not stations:
            found.append(f"{site}: no known station can serve it (within {NEAR / 1000:.0f} km)")
            continue
        for each in stations:
            place = each.station
            name = f" {place.name.zh}" if place.name.zh else ""
            state = "named" if each.named else "listed" if each.listed else "not listed"
            uses = ", ".join(use.text for use in each.uses)
            found.append(
                f"{site}: {place.id}{name}, {each.distance / 1000:.1f} km, {each.higher:+.0f} m: "
                f"{uses} ({state})"
            )
            if not each.listed:
                found.append(f"  observations.stations: {each.line}")
        if not all(each.named for each in stations):
            found.append(f"  sites, {site}: {sites_line(stations)}")
    return found
