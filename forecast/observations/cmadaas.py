"""Station reports from CMADaaS: only what is new, late corrections, and gaps after an outage.

Each time the reports since the last request are asked for, with some hours before it for late ones;
every few hours those of the last days, for corrections. Records are handed over by the hour, each
hour with a digest of its content: an hour that has not changed is not archived again. A value that
the service calls missing later is taken back; of an element that several data sets name, by the
first of them only.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from forecast.domain import Fault, Observation, Station, as_utc
from forecast.errors import ConfigError, CycleNotReady, SourceCorrupt, SourceError
from forecast.geo import distance_between
from forecast.http import Deadline
from forecast.ingest.cmadaas import Cmadaas
from forecast.observations.cmadaas_memory import AskedDataset, CmadaasMemory
from forecast.observations.cmadaas_rows import (
    STATION,
    TIME,
    Absent,
    asked_names,
    elements_of,
    parse_moment,
    parse_rows,
)
from forecast.observations.formats.collector import Parsed
from forecast.observations.received import ReceivedReports
from forecast.settings.cmadaas import CmadaasDatasetSettings, CmadaasStationSettings

log = logging.getLogger(__name__)

REPORTS_AT_ONCE = 48  # times of report that one request spans: two days of hourly ones
SHORTEST_SPAN = timedelta(hours=6)  # of a request, where reports come every few minutes
HOURS_REMEMBERED = timedelta(days=35)
REFUSED_AGAIN = timedelta(hours=1)  # between two entries of the same failure in the archive


class CmadaasReports:
    """The reports of the settings' stations, from the interface.

    stations: those of observations.stations, by id.
    Raises: ConfigError for an element that has no name at the service.
    """

    def __init__(
        self, interface: Cmadaas, settings: CmadaasStationSettings, stations: Mapping[str, Station]
    ) -> None:
        self._interface, self._settings, self._stations = interface, settings, stations
        self.memory = CmadaasMemory(interface.settings.state)
        self._failed: dict[str, datetime] = {}
        self._reporting: set[str] = set()  # stations that had a record since the start
        try:
            self._elements = {
                each.data_code: elements_of(each) for each in settings.datasets if each.enabled
            }
        except ValueError as error:
            raise ConfigError(f"observations.cmadaas.datasets: {error}") from error
        self._first = {
            each.element: code
            for code, elements in reversed(self._elements.items())
            for each in elements
        }

    @property
    def places(self) -> dict[str, Station]:
        """Where the stations stand that the service has named, by id."""
        return {id: known.station for id, known in self.memory.stations.items()}

    def receive(self, now: datetime) -> Iterator[ReceivedReports]:
        """Yield what is new, hour by hour; a data set that fails is a fault and costs itself only.

        A batch must be archived before the next is taken, and `remember` called then.
        """
        now = as_utc(now, "now")
        deadline = self._interface.deadline()
        for dataset in self._settings.datasets:
            if not dataset.enabled or not self._due(dataset, now):
                continue
            try:
                yield from self._dataset(dataset, now, deadline)
            except SourceError as error:
                log.warning("observations of %s: %s", dataset.data_code, error)
                yield from self._failure(dataset, str(error), now)
                if not isinstance(error, SourceCorrupt) and not getattr(error, "of_file", False):
                    return  # the service fails as a whole
        yield from self._never_reporting(now)

    def _due(self, dataset: CmadaasDatasetSettings, now: datetime) -> bool:
        checked = self.memory.dataset(dataset.data_code).checked
        wait = timedelta(minutes=dataset.check_minutes)
        return checked is None or not checked <= now < checked + wait

    def _dataset(
        self, dataset: CmadaasDatasetSettings, now: datetime, deadline: Deadline
    ) -> Iterator[ReceivedReports]:
        asked = self.memory.dataset(dataset.data_code)
        since, corrects = self._since(asked, now)
        first, empty = since, {text for _, _, text in self._places()}
        step = max(timedelta(minutes=dataset.interval_minutes) * REPORTS_AT_ONCE, SHORTEST_SPAN)
        while since <= now:
            until = min(since + step, now)
            parsed, absent = self._rows(dataset, since, until, until == now, deadline, empty)
            yield from self._hours(dataset, asked, parsed, absent)
            asked.until = until if asked.until is None else max(asked.until, until)
            self.memory.write()
            if until == now:
                break
            since = until
        asked.checked = now
        if corrects:
            asked.corrected = now
            for text in sorted(empty):
                yield self._fault(dataset.data_code, now, (
                    f"no record since {first:%Y-%m-%d %H:%M}Z for {text}: compare it and data_code "
                    "with the province's catalogue, and ask whether the account may read this"
                ))  # fmt: skip
        oldest = (now - HOURS_REMEMBERED).isoformat()
        asked.hours = {hour: digest for hour, digest in asked.hours.items() if hour > oldest}
        self.memory.write()

    def _since(self, asked: AskedDataset, now: datetime) -> tuple[datetime, bool]:
        """Return from when reports are asked for, a whole hour, and whether for corrections."""
        settings = self._settings
        if asked.until is None or asked.until > now:
            return _hour(now - timedelta(hours=settings.first_hours)), True
        oldest = now - timedelta(days=settings.gap_days)
        since = max(asked.until - timedelta(hours=settings.overlap_hours), oldest)
        every = timedelta(hours=settings.corrections_every_hours)
        if asked.corrected is None or now - asked.corrected >= every:
            since = min(since, now - timedelta(hours=settings.corrections_hours))
            return _hour(since), True
        return _hour(since), False

    # -- requests

    def _rows(
        self,
        dataset: CmadaasDatasetSettings,
        since: datetime,
        until: datetime,
        closed: bool,
        deadline: Deadline,
        empty: set[str],
    ) -> tuple[Parsed, Absent]:
        """Return the records since `since` and before `until` (closed: and at `until`) of all that
        the settings name, and what they call missing.

        empty: the parts of the settings without a record so far; those that have one leave it.
        """
        settings, elements = self._settings, self._elements[dataset.data_code]
        rows: list[Mapping[str, Any]] = []
        for interface, place, text in self._places():
            found = self._pages(
                interface,
                {
                    "dataCode": dataset.data_code,
                    "elements": ",".join(asked_names(elements, dataset.flags)),
                    "orderby": f"{TIME}:ASC",
                    **place,
                },
                since,
                f"{until:%Y%m%d%H%M%S}{']' if closed else ')'}",
                deadline,
            )
            rows += found
            empty -= {text} if found else set()
        self._reporting.update(str(_value(row, STATION)) for row in rows)
        missing_from = self._interface.settings.missing_from
        return parse_rows(rows, f"cmadaas {dataset.data_code}", elements, settings, missing_from)

    def _places(self) -> Iterator[tuple[str, dict[str, str], str]]:
        """Yield interface, parameters and name of each part of the settings."""
        names, settings = self._interface.settings.interfaces, self._settings
        if settings.admin_codes:
            codes = ",".join(settings.admin_codes)
            yield names.region, {"adminCodes": codes}, f"admin_codes {codes:.60}"
        if settings.stations:
            numbers = ",".join(settings.stations)
            yield names.stations, {"staIds": numbers}, f"stations {numbers:.60}"
        if (box := settings.rectangle) is not None:
            corners = {
                "minLat": box.south, "maxLat": box.north, "minLon": box.west, "maxLon": box.east
            }  # fmt: skip
            yield names.rectangle, {n: f"{value:g}" for n, value in corners.items()}, "rectangle"

    def _pages(
        self,
        interface: str,
        parameters: Mapping[str, str],
        since: datetime,
        end: str,
        deadline: Deadline,
    ) -> list[Mapping[str, Any]]:
        """Return the records from `since` to `end`, page by page: the next begins at the last time.

        Raises: SourceCorrupt where one time has more records than a page.
        """
        most = self._interface.settings.rows
        found: list[Mapping[str, Any]] = []
        while True:
            asked = {
                **parameters,
                "timeRange": f"[{since:%Y%m%d%H%M%S},{end}",
                "limitCnt": str(most),
            }
            try:
                page = self._interface.ask(interface, asked, deadline).rows
            except CycleNotReady:  # no record
                return found
            found += page
            if len(page) < most:
                return found
            try:
                last = max(parse_moment(str(_value(row, TIME))) for row in page)
            except ValueError as error:
                raise SourceCorrupt(
                    f"{parameters['dataCode']}: a page has a record without a time: {error}"
                ) from error
            if last <= since:
                raise SourceCorrupt(
                    f"{parameters['dataCode']}: more than {most} records at {since:%Y-%m-%d %H:%M}Z"
                    ": raise cmadaas.rows, or name fewer admin_codes"
                )
            since = last

    # -- what is handed over

    def _hours(
        self, dataset: CmadaasDatasetSettings, asked: AskedDataset, parsed: Parsed, absent: Absent
    ) -> Iterator[ReceivedReports]:
        """Yield the records of each hour that has changed; the faults go with the first."""
        faults = [*parsed.faults, *self._moved(parsed.stations)]
        by_hour: dict[str, list[Observation]] = {}
        for each in parsed.observations:
            by_hour.setdefault(_hour(each.time).isoformat(), []).append(each)
        withdrawn = self._withdrawn(dataset, absent)
        for hour in withdrawn.keys() & asked.hours.keys():  # of which nothing may be left
            by_hour.setdefault(hour, [])
        for hour, reports in sorted(by_hour.items()):
            digest = _digest(dataset.data_code, hour, reports)
            if asked.hours.get(hour) == digest:
                continue
            # a correction that is taken back is new, though its content was there before
            salted = hashlib.sha256(f"{asked.hours.get(hour, '')}{digest}".encode()).hexdigest()
            part = replace(
                parsed, observations=reports, faults=faults, more_faults=parsed.more_faults
            )

            def remember(hour: str = hour, digest: str = digest) -> None:
                asked.hours[hour] = digest

            name = f"cmadaas {dataset.data_code}"
            known = salted if hour in asked.hours else digest
            yield ReceivedReports(
                known, name, part, remember, self._settings.keep_all, withdrawn.get(hour, {})
            )
            faults, parsed = [], replace(parsed, more_faults=0)
        self.memory.learn(parsed.stations, parsed.observations)

    def _withdrawn(self, dataset: CmadaasDatasetSettings, absent: Absent) -> dict[str, Absent]:
        """Return what a data set takes back where there was a value, by hour."""
        found: dict[str, Absent] = {}
        for (station, time), names in absent.items():
            own = frozenset(name for name in names if self._first[name] == dataset.data_code)
            if own:
                found.setdefault(_hour(time).isoformat(), {})[station, time] = own
        return found

    def _moved(self, stations: Sequence[Station]) -> list[Fault]:
        """Return a fault for each station that stands elsewhere than before, or than we say."""
        found = []
        for station in stations:
            before = self.memory.stations.get(station.id)
            if before is not None and (text := self._apart(before.station, station)):
                found.append(f"station {station.id} has moved {text}")
            listed = self._stations.get(station.id)
            new = before is None or (before.station.latitude, before.station.longitude) != (
                station.latitude, station.longitude,
            )  # fmt: skip
            if listed is not None and new and (text := self._apart(listed, station)):
                found.append(f"station {station.id} stands {text} from observations.stations")
        for text in found:
            log.warning("cmadaas: %s", text)
        advice = "mend its place there, and see whether it still represents its sites"
        return [Fault("cmadaas", 0, f"{text}: {advice}") for text in found]

    def _apart(self, first: Station, second: Station) -> str:
        """Return how far two places of a station lie apart; "" where it is little."""
        metres, higher = distance_between(first, second), second.elevation - first.elevation
        limits = self._settings
        if metres <= limits.moved_metres and abs(higher) <= limits.moved_height_metres:
            return ""
        return (
            f"{metres:.0f} m and {higher:+.0f} m in height (now {second.latitude:.4f}, "
            f"{second.longitude:.4f}, {second.elevation:.0f} m)"
        )

    def _failure(
        self, dataset: CmadaasDatasetSettings, reason: str, now: datetime
    ) -> Iterator[ReceivedReports]:
        """Yield a failure for `status`, the same one at most once an hour."""
        last = self._failed.get(dataset.data_code)
        if last is not None and last <= now < last + REFUSED_AGAIN:
            return
        self._failed[dataset.data_code] = now
        yield self._fault(dataset.data_code, now, reason)

    def _never_reporting(self, now: datetime) -> Iterator[ReceivedReports]:
        """Yield the stations of the settings that no data set has, where all were asked now."""
        asked = [self.memory.dataset(each.data_code) for each in self._settings.datasets]
        known = self._reporting | self.memory.stations.keys()
        silent = [each for each in self._settings.stations if each not in known]
        if silent and any(each.corrected == now for each in asked):
            names = f"{', '.join(silent[:10])}{', ...' if len(silent) > 10 else ''}"
            yield self._fault("stations", now, (
                f"{len(silent)} of observations.cmadaas.stations are in no record: {names}: "
                "compare the numbers with the province's catalogue"
            ))  # fmt: skip

    def _fault(self, what: str, now: datetime, reason: str) -> ReceivedReports:
        """Return a failure for `status`."""
        name = f"cmadaas {what}"
        digest = hashlib.sha256(f"{name} {now.isoformat()} {reason}".encode()).hexdigest()
        parsed = Parsed([], [Fault(name, 0, reason)], form="cmadaas")
        return ReceivedReports(digest, name, parsed, lambda: None)


def _hour(moment: datetime) -> datetime:
    """Return the whole hour before a time: an hour's records are handed over together."""
    return moment.replace(minute=0, second=0, microsecond=0)


def _value(row: Mapping[str, Any], name: str) -> Any:
    """Return a value by its name in any case; "" where there is none."""
    return next((value for key, value in row.items() if key.lower() == name.lower()), "")


def _digest(data_code: str, hour: str, reports: Sequence[Observation]) -> str:
    """Return a digest of all that the records of an hour say."""
    rows = sorted(
        [o.station, o.time.isoformat(), sorted(o.values.items()), sorted(o.flags.items())]
        for o in reports
    )
    return hashlib.sha256(json.dumps([data_code, hour, rows]).encode()).hexdigest()
