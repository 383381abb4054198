"""The places of the settings, sites and stations alike, as `skyscape check` looks at them."""

from __future__ import annotations

from dataclasses import dataclass

from forecast.config import Config
from forecast.geo import local_distance


@dataclass(frozen=True, slots=True)
class CheckedPlace:
    """A site or a station: coordinates [degree], heights [m].

    where: its place in the settings. valley: of a site, None for a station. linked: the ids of the
    stations of a site, or of the sites of a station.
    """

    where: str
    id: str
    latitude: float
    longitude: float
    elevation: float
    valley: float | None = None
    valley_heights: tuple[float, ...] = ()
    linked: frozenset[str] = frozenset()

    @property
    def is_site(self) -> bool:
        return self.valley is not None

    @property
    def label(self) -> str:
        return f"{'site' if self.is_site else 'station'} {self.id}"

    def goes_with(self, other: CheckedPlace) -> bool:
        """Return whether one of the two is a station of the other."""
        return self.is_site != other.is_site and other.id in self.linked


def apart(one: CheckedPlace, other: CheckedPlace) -> float:
    """Return the distance [m] of two places."""
    return float(local_distance(one.latitude, one.longitude, other.latitude, other.longitude))


def places_of(config: Config) -> list[CheckedPlace]:
    """Return the sites of the settings, then the stations."""
    sites = [
        CheckedPlace(
            f"sites.{site.id}",
            site.id,
            site.latitude,
            site.longitude,
            site.elevation_m,
            site.valley_elevation_m,
            site.valley_heights_m,
            frozenset(site.stations),
        )
        for site in config.sites
    ]
    stations = [
        CheckedPlace(
            f"observations.stations.{station.id}",
            station.id,
            station.latitude,
            station.longitude,
            station.elevation_m,
            linked=frozenset(site.id for site in sites if station.id in site.linked),
        )
        for station in config.observations.stations
    ]
    return [*sites, *stations]
