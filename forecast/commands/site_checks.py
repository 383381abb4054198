"""What looks wrong about the places of the settings: sites and stations of observations.

A place is held against the time zone, the other places and, where there is one, a grid of the
terrain and the ground of the last model run: swapped coordinates, feet for metres, coordinates of a
Chinese web map (GCJ-02).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import xarray as xr

from forecast.commands import coordinate_checks, height_checks
from forecast.commands.coordinate_checks import DEGREES_PER_HOUR
from forecast.commands.finding import CheckFinding
from forecast.commands.places import CheckedPlace, places_of
from forecast.config import Config
from forecast.geo import horizon_dip
from forecast.settings import SiteSettings


def findings(
    config: Config,
    terrain: xr.DataArray | None = None,
    ground: xr.DataArray | None = None,
    zone_known: bool = True,
) -> list[CheckFinding]:
    """Return what looks wrong about sites and stations; empty where nothing does.

    terrain: elevation [m] over (latitude, longitude), both rising; NaN where it is not known.
    ground: the same of a model run, with its coarse grid. zone_known: whether longitudes are held
    against the time zone.
    """
    places = places_of(config)
    offset = datetime(2026, 1, 1, tzinfo=UTC).astimezone(config.zone).utcoffset()
    hours = offset.total_seconds() / 3600 if offset else 0.0
    meridian = DEGREES_PER_HOUR * hours if zone_known else None
    found = [
        CheckFinding(grade, place.where, text)
        for place in places
        for grade, text in _of_place(place, places, meridian, terrain, ground)
    ]
    return [*found, *coordinate_checks.alone(places)]


def _of_place(
    place: CheckedPlace,
    places: Sequence[CheckedPlace],
    meridian: float | None,
    terrain: xr.DataArray | None,
    ground: xr.DataArray | None,
) -> Iterator[tuple[str, str]]:
    """Yield grade and text of what looks wrong about one place.

    That a height may be in feet is said once, by the surest witness.
    """
    if meridian is not None:
        yield from (("fault", text) for text in coordinate_checks.misplaced(place, meridian))
    yield from coordinate_checks.of_web_map(place, places)
    yield from (("warning", text) for text in coordinate_checks.far_stations(place, places))
    heights = [] if terrain is None else list(height_checks.on_terrain(place, terrain))
    heights += list(height_checks.beside_others(place, places))
    if any("in feet?" in text for _, text in heights):
        yield from heights
        return
    weaker = [*height_checks.above_its_valley(place)]
    weaker += [] if ground is None else height_checks.above_the_model(place, ground)
    weaker += height_checks.above_all_others(place, places)
    yield from heights
    yield from (("warning", text) for text in weaker[:1])


def unchecked(
    config: Config, terrain: xr.DataArray | None = None, ground: xr.DataArray | None = None
) -> list[CheckFinding]:
    """Return of which places the height could be held against nothing."""
    places = places_of(config)
    alone = [
        place.label
        for place in places
        if not height_checks.held_against(place, places, terrain, ground)
    ]
    if not alone:
        return []
    named = ", ".join(alone[:8]) + (f" and {len(alone) - 8} more" if len(alone) > 8 else "")
    outside = "no terrain (--terrain)" if terrain is None else "outside the grid of --terrain"
    run = "no run was fetched yet" if ground is None else "outside the last model run"
    detail = (
        f"heights not checked for feet of {named}: {outside}, {run}, no valley_heights_m, no other "
        "place within 2 km"
    )
    return [CheckFinding("note", "heights", detail)]


def surveys(config: Config) -> list[CheckFinding]:
    """Return what of the sites was not surveyed, and what is used instead."""
    return [
        CheckFinding("note", f"sites.{site.id}", text)
        for site in config.sites
        for text in _not_surveyed(site)
    ]


def _not_surveyed(site: SiteSettings) -> Iterator[str]:
    """Yield what of a site was not surveyed, and what is used instead."""
    if not site.horizon_degrees:
        yield (
            "horizon_degrees was not surveyed: sunrise and sunset are those over the sea horizon, "
            f"{horizon_dip(site.elevation_m):.1f} degrees below the horizontal; `skyscape survey`"
        )
    if site.view_sector is None:
        yield "view_sector was not surveyed: pages do not say where the view is open"


def same_names(config: Config) -> list[CheckFinding]:
    """Return stations and models that have a name in common: readers cannot tell them apart."""
    found: list[CheckFinding] = []
    models = [(config.source.model, config.source.name), *((m.id, m.name) for m in config.models)]
    stations = [(station.id, station.name) for station in config.observations.stations]
    for what, named in (("models", models), ("observations.stations", stations)):
        owners: dict[str, list[str]] = {}
        for id, name in named:
            for label in {name.zh.casefold(), name.en.casefold()} - {""}:
                owners.setdefault(label, []).append(id)
        found += [
            CheckFinding("warning", what, f"{' and '.join(ids)} have the same name")
            for ids in dict.fromkeys(tuple(ids) for ids in owners.values() if len(ids) > 1)
        ]
    return found
