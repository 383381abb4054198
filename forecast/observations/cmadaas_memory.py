"""What is remembered of CMADaaS between requests: what was asked, and where stations stand.

A file beside the counts of requests. It is written after the archive has the records, so a process
killed between the two asks again for what it has; the archive keeps nothing twice. A lost file
costs one request for what is there already.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from forecast.domain import Name, Observation, Station, as_utc
from forecast.files import write_whole

log = logging.getLogger(__name__)

NAME = "stations.json"
MOMENTS = ("began", "until", "checked", "corrected", "probed")


@dataclass(slots=True)
class AskedDataset:
    """What was asked of a data set.

    began, until: all between them was asked; None: nothing yet. checked, corrected, probed: when it
    was asked last, when for corrections, and when for what it lacks. hours: hour (ISO) -> digest of
    the records of that hour kept last. names: digest of the names that the settings ask for;
    lacking: those that it does not serve; named: those of them in a fault. reports: station ->
    elements that it has reported here.
    """

    began: datetime | None = None
    until: datetime | None = None
    checked: datetime | None = None
    corrected: datetime | None = None
    probed: datetime | None = None
    hours: dict[str, str] = field(default_factory=dict)
    names: str = ""
    lacking: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    reports: dict[str, set[str]] = field(default_factory=dict)


@dataclass(slots=True)
class KnownStation:
    """A station as the service last placed it, and the elements that it has reported.

    before, moved: where it stood before, and when that changed. fault: what
    `status` shows of its place.
    """

    station: Station
    elements: set[str] = field(default_factory=set)
    before: Station | None = None
    moved: datetime | None = None
    fault: str = ""


class CmadaasMemory:
    """The memory in a folder; made where there is none."""

    def __init__(self, folder: Path, name: str = NAME) -> None:
        self._path = folder / name
        self.datasets: dict[str, AskedDataset] = {}
        self.stations: dict[str, KnownStation] = {}
        self._read()

    def dataset(self, name: str) -> AskedDataset:
        return self.datasets.setdefault(name, AskedDataset())

    def learn(self, stations: Iterable[Station], observations: Iterable[Observation]) -> None:
        """Remember where stations stand, and what they report."""
        for station in stations:
            known = self.stations.setdefault(station.id, KnownStation(station))
            known.station = station
        for each in observations:
            if each.station in self.stations:
                self.stations[each.station].elements.update(each.values)

    def write(self) -> None:
        """Write the memory; a failure is logged: what was asked is then asked again."""
        content = {
            "datasets": {
                name: {
                    **{key: _text(getattr(each, key)) for key in MOMENTS},
                    "hours": each.hours,
                    "names": each.names,
                    "lacking": each.lacking,
                    "named": each.named,
                    "reports": {id: sorted(every) for id, every in sorted(each.reports.items())},
                }
                for name, each in sorted(self.datasets.items())
            },
            "stations": {
                id: {
                    **_placed(known.station),
                    "elements": sorted(known.elements),
                    "before": None if known.before is None else _placed(known.before),
                    "moved": _text(known.moved),
                    "fault": known.fault,
                }
                for id, known in sorted(self.stations.items())
            },
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(content, ensure_ascii=False))
        except OSError as error:
            log.warning("%s: cannot be written: %s", self._path, error.strerror or error)

    def _read(self) -> None:
        try:
            plain: Any = json.loads(self._path.read_bytes())
            self.datasets = {name: _asked(each) for name, each in plain["datasets"].items()}
            self.stations = {id: _known(id, each) for id, each in plain["stations"].items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s: damaged (%s): asked anew", self._path, type(error).__name__)
            self.datasets, self.stations = {}, {}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else as_utc(moment).isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else as_utc(datetime.fromisoformat(text))


def _asked(plain: dict[str, Any]) -> AskedDataset:
    return AskedDataset(
        **{key: _moment(plain.get(key)) for key in MOMENTS},
        hours={str(hour): str(digest) for hour, digest in plain["hours"].items()},
        names=str(plain.get("names", "")),
        lacking=list(map(str, plain.get("lacking", ()))),
        named=list(map(str, plain.get("named", ()))),
        reports={id: set(map(str, every)) for id, every in plain.get("reports", {}).items()},
    )


def _placed(station: Station) -> dict[str, Any]:
    return {
        "name": station.name.zh, "latitude": station.latitude, "longitude": station.longitude,
        "elevation": station.elevation,
    }  # fmt: skip


def _station(id: str, plain: dict[str, Any]) -> Station:
    north, east, height = (float(plain[key]) for key in ("latitude", "longitude", "elevation"))
    label = str(plain["name"])
    return Station(id, Name(label, label), north, east, height)


def _known(id: str, plain: dict[str, Any]) -> KnownStation:
    before = plain.get("before")
    return KnownStation(
        _station(id, plain), set(map(str, plain["elements"])),
        None if before is None else _station(id, before), _moment(plain.get("moved")),
        str(plain.get("fault", "")),
    )  # fmt: skip
