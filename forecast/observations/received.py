"""Reports that a source hands over to the intake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from forecast.domain import Station
from forecast.observations.formats.collector import Parsed


@dataclass(frozen=True, slots=True)
class ReceivedReports:
    """Records that are archived together. digest: of their content; the same one changes nothing.

    remember: is called once they are in the archive. keep_all: the records of stations that are not
    listed are kept, too. withdrawn: station and time -> elements whose value the source now calls
    missing. failed: nothing at all could be had of the source.
    """

    digest: str
    name: str
    parsed: Parsed
    remember: Callable[[], None]
    keep_all: bool = True
    withdrawn: Mapping[tuple[str, datetime], frozenset[str]] = field(default_factory=dict)
    failed: bool = False


class ReportFeed(Protocol):
    """A source that is asked for new reports."""

    @property
    def places(self) -> dict[str, Station]:
        """Where its stations stand, by id."""
        ...

    def receive(self, now: datetime) -> Iterator[ReceivedReports]:
        """Yield what is new. Never raises SourceError: a failure is a fault of a batch."""
        ...


class Feeds:
    """Several sources, asked one after the other."""

    def __init__(self, *feeds: ReportFeed) -> None:
        self._feeds = feeds

    @property
    def places(self) -> dict[str, Station]:
        return {id: place for feed in self._feeds for id, place in feed.places.items()}

    def receive(self, now: datetime) -> Iterator[ReceivedReports]:
        for feed in self._feeds:
            yield from feed.receive(now)
