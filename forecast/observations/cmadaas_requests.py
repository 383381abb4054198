"""Requests for station records of CMADaaS: by place, page by page, without what is not served.

A service may send fewer records than asked for and not say so. A reply of a round number of records
that is the largest so far counts as cut: the next page is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forecast.errors import CycleNotReady, ElementRefused, SourceCorrupt, SourceRefused
from forecast.http import Deadline
from forecast.ingest.cmadaas import Cmadaas
from forecast.observations.cmadaas_rows import (
    FLAG,
    NEEDED,
    STATION,
    TIME,
    NamedElement,
    asked_names,
    parse_moment,
)
from forecast.settings.cmadaas import CmadaasDatasetSettings, CmadaasStationSettings

ROUND = 50  # a service cuts its replies at a multiple of it, or at a power of two


@dataclass(frozen=True, slots=True)
class AskedPlace:
    """A part of the settings: the interface that serves it, its parameters, its name."""

    interface: str
    parameters: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """Times from `since` to before `until`; closed: `until` itself, too."""

    since: datetime
    until: datetime
    closed: bool = True

    def text(self, since: datetime) -> str:
        """Return the part from `since` on as the service wants it."""
        return f"[{since:%Y%m%d%H%M%S},{self.until:%Y%m%d%H%M%S}{']' if self.closed else ')'}"


class StationRequests:
    """Asks for records. doubts: what may have been cut, in words, by data set."""

    def __init__(self, interface: Cmadaas, settings: CmadaasStationSettings) -> None:
        self._interface, self._settings = interface, settings
        self._largest: dict[str, int] = {}
        self.doubts: dict[str, str] = {}

    def places(self) -> Iterator[AskedPlace]:
        """Yield each part of the settings."""
        names, settings = self._interface.settings.interfaces, self._settings
        if settings.admin_codes:
            codes = ",".join(settings.admin_codes)
            yield AskedPlace(names.region, {"adminCodes": codes}, f"admin_codes {codes:.60}")
        if settings.stations:
            numbers = ",".join(settings.stations)
            yield AskedPlace(names.stations, {"staIds": numbers}, f"stations {numbers:.60}")
        if (box := settings.rectangle) is not None:
            corners = {
                "minLat": box.south, "maxLat": box.north, "minLon": box.west, "maxLon": box.east
            }  # fmt: skip
            values = {n: f"{value:g}" for n, value in corners.items()}
            yield AskedPlace(names.rectangle, values, "rectangle")

    def records(
        self,
        dataset: CmadaasDatasetSettings,
        place: AskedPlace,
        names: Sequence[str],
        span: Span,
        deadline: Deadline,
    ) -> list[Mapping[str, Any]]:
        """Return the records of a span, page by page: the next begins at the last time.

        Raises: ElementRefused; SourceCorrupt where one time has more records than a page;
        SourceError.
        """
        most, code = self._interface.settings.rows, dataset.data_code
        found: list[Mapping[str, Any]] = []
        since = span.since
        while True:
            try:
                page = self._page(code, place, names, span.text(since), most, deadline)
            except CycleNotReady:  # no record
                return found
            found += page
            if len(page) < most and not self._may_be_cut(code, len(page)):
                return found
            try:
                last = max(parse_moment(str(value_of(row, TIME))) for row in page)
            except ValueError as error:
                raise SourceCorrupt(
                    f"{code}: a page has a record without a time: {error}"
                ) from error
            if last <= since:
                if len(page) >= most:
                    raise SourceCorrupt(
                        f"{code}: more than {most} records at {since:%Y-%m-%d %H:%M}Z: raise "
                        "cmadaas.rows, or name fewer admin_codes"
                    )
                self.doubts[code] = (
                    f"exactly {len(page)} records came for {since:%Y-%m-%d %H:%M}Z ({place.text}): "
                    "the service may cut its replies there, and stations may lack: compare their "
                    "number with the province's catalogue; where it is more, name fewer "
                    "admin_codes, or the stations"
                )
                return found
            since = last

    def lacking(
        self,
        dataset: CmadaasDatasetSettings,
        names: Sequence[str],
        span: Span,
        deadline: Deadline,
        detail: str = "",
    ) -> Iterator[str]:
        """Yield those of `names` that the data set lacks, as they are found, values before flags.

        detail: the service's words, of which one that is named counts alone; without, or where they
        name several, by halves. Raises: SourceError; SourceRefused where the data set refuses even
        station and time.
        """
        named = [
            name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", detail, re.I)
        ]
        if len(named) == 1 and self._refuses(dataset, named, span, deadline):
            yield named[0]
            return
        if self._refuses(dataset, NEEDED, span, deadline):
            raise SourceRefused(
                f"{dataset.data_code}: even {' and '.join(NEEDED)} are refused: compare data_code "
                "with the province's catalogue",
                of_file=True,
            )
        values = [name for name in names if not name.startswith(FLAG)]
        lost = set[str]()
        for name in self._halved(dataset, values, span, deadline):
            lost.add(name)
            yield name
        flags = [name for name in names if name not in values and name[len(FLAG) :] not in lost]
        yield from self._halved(dataset, flags, span, deadline)

    def all_lacking(
        self,
        dataset: CmadaasDatasetSettings,
        elements: Sequence[NamedElement],
        span: Span,
        deadline: Deadline,
    ) -> list[str]:
        """Return all that the data set lacks of what is asked for.

        Raises: CycleNotReady (it lacks nothing, and has no record of the span), SourceError.
        """
        found: list[str] = []
        while True:
            names = asked_names(elements, dataset.flags, found)
            if (error := self.refused(dataset, names, span, deadline)) is None:
                return found
            wanted = [name for name in names if name not in NEEDED]
            new = list(self.lacking(dataset, wanted, span, deadline, error.detail))
            if not new:
                raise error
            found += new

    def refused(
        self, dataset: CmadaasDatasetSettings, names: Sequence[str], span: Span, deadline: Deadline
    ) -> ElementRefused | None:
        """Return the refusal of an element by one small request; None where all are served.

        Raises: CycleNotReady (no record of the span), SourceError.
        """
        place = next(self.places())
        try:
            self._page(dataset.data_code, place, names, span.text(span.since), 1, deadline)
        except ElementRefused as error:
            return error
        return None

    def _refuses(
        self, dataset: CmadaasDatasetSettings, names: Sequence[str], span: Span, deadline: Deadline
    ) -> bool:
        try:
            every = tuple(dict.fromkeys((*NEEDED, *names)))
            return self.refused(dataset, every, span, deadline) is not None
        except CycleNotReady:
            return False

    def _halved(
        self,
        dataset: CmadaasDatasetSettings,
        names: Sequence[str],
        span: Span,
        deadline: Deadline,
        refused: bool = False,
    ) -> Iterator[str]:
        """Yield the names that are refused. refused: it is known that one of them is."""
        if not names or not (refused or self._refuses(dataset, names, span, deadline)):
            return
        if len(names) == 1:
            yield names[0]
            return
        half = len(names) // 2
        first = list(self._halved(dataset, names[:half], span, deadline))
        yield from first
        yield from self._halved(dataset, names[half:], span, deadline, refused=not first)

    def _page(
        self,
        data_code: str,
        place: AskedPlace,
        names: Sequence[str],
        times: str,
        most: int,
        deadline: Deadline,
    ) -> list[Mapping[str, Any]]:
        asked = {
            "dataCode": data_code, "elements": ",".join(names), "orderby": f"{TIME}:ASC",
            **place.parameters, "timeRange": times, "limitCnt": str(most),
        }  # fmt: skip
        return self._interface.ask(place.interface, asked, deadline).rows

    def _may_be_cut(self, data_code: str, count: int) -> bool:
        """Return whether so many records look like a service's own limit."""
        largest = self._largest.get(data_code, 0)
        self._largest[data_code] = max(largest, count)
        round_number = count % ROUND == 0 or (count > ROUND and count & (count - 1) == 0)
        return 0 < count >= largest and round_number


def value_of(row: Mapping[str, Any], name: str) -> Any:
    """Return a value by its name in any case; "" where there is none."""
    return next((value for key, value in row.items() if key.lower() == name.lower()), "")


def station_of(row: Mapping[str, Any]) -> str:
    return str(value_of(row, STATION))
