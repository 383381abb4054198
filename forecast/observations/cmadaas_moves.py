"""Stations that the service places elsewhere than before, or than the settings do: what to say."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from forecast.domain import Station
from forecast.geo import distance_between
from forecast.observations.cmadaas_memory import CmadaasMemory
from forecast.settings.cmadaas import CmadaasStationSettings

log = logging.getLogger(__name__)

NEWS = timedelta(days=30)  # for so long a station that is not in the settings counts as moved
ADVICE = "see whether it still represents its sites"


def learn_places(
    memory: CmadaasMemory,
    stations: Iterable[Station],
    settings: CmadaasStationSettings,
    now: datetime,
) -> None:
    """Remember, before the new places are, from where stations have moved."""
    for station in stations:
        known = memory.stations.get(station.id)
        if known is not None and _apart(known.station, station, settings):
            known.before, known.moved = known.station, now
            log.warning("cmadaas: station %s has moved", station.id)


def misplaced(
    memory: CmadaasMemory,
    listed: Mapping[str, Station],
    settings: CmadaasStationSettings,
    now: datetime,
    again: bool,
) -> Iterator[str]:
    """Yield what is to be said of each station that stands elsewhere.

    listed: those of observations.stations. again: what was said before is said again.
    """
    for id, known in sorted(memory.stations.items()):
        ours = listed.get(id)
        text = ""
        if ours is not None:
            if apart := _apart(ours, known.station, settings):
                text = (
                    f"station {id} has moved, or its place in the settings is wrong: the service "
                    f"has it {apart} from observations.stations in config.yaml "
                    f"({_place(ours)}), at {_place(known.station)}: write that place there "
                    f"(latitude, longitude, elevation_m), and {ADVICE}"
                )
        elif known.before is not None and known.moved is not None and now - known.moved < NEWS:
            apart = _apart(known.before, known.station, settings)
            text = apart and (
                f"station {id} has moved {apart}, from {_place(known.before)} to "
                f"{_place(known.station)}, since {known.moved:%Y-%m-%d %H:%M}Z: {ADVICE}"
            )
        if text and (again or text != known.fault):
            yield text
        known.fault = text


def _place(station: Station) -> str:
    return f"{station.latitude:.4f}, {station.longitude:.4f}, {station.elevation:.0f} m"


def _apart(first: Station, second: Station, limits: CmadaasStationSettings) -> str:
    """Return how far two places of a station lie apart; "" where it is little."""
    metres, higher = distance_between(first, second), second.elevation - first.elevation
    if metres <= limits.moved_metres and abs(higher) <= limits.moved_height_metres:
        return ""
    return f"{metres:.0f} m and {higher:+.0f} m in height"
