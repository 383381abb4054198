"""Station reports from CMADaaS: only what is new, late corrections, and gaps after an outage.

Each time the reports since the last request are asked for, with some hours before it for late ones;
every few hours those of the last days, for corrections. Records are handed over by the hour, each
hour with a digest of its content: an hour that has not changed is not archived again. A value that
the service calls missing later is taken back; of an element that several data sets name, by the
first of them only, and where that has a station's report the others' value is not taken.
Hours of the last days without any record are asked for again with the corrections: a service that
fills them later loses nothing. An element that it lacks is found, named once and left out.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, TypeAlias

from forecast.domain import Fault, Observation, Station, as_utc
from forecast.errors import ConfigError, ElementRefused, SourceCorrupt, SourceError, SourceRefused
from forecast.http import Deadline
from forecast.ingest.cmadaas import Cmadaas
from forecast.observations.cmadaas_memory import AskedDataset, CmadaasMemory
from forecast.observations.cmadaas_moves import learn_places, misplaced
from forecast.observations.cmadaas_requests import Span, StationRequests, station_of
from forecast.observations.cmadaas_rows import (
    ALWAYS,
    NEEDED,
    Absent,
    asked_names,
    elements_of,
    lacking_text,
    parse_rows,
)
from forecast.observations.formats.collector import Parsed
from forecast.observations.received import ReceivedReports
from forecast.settings.cmadaas import CmadaasDatasetSettings, CmadaasStationSettings

log = logging.getLogger(__name__)

Rows: TypeAlias = list[Mapping[str, Any]]

REPORTS_AT_ONCE = 48  # times of report that one request spans: two days of hourly ones
SHORTEST_SPAN = timedelta(hours=6)  # of a request, where reports come every few minutes
HOURS_REMEMBERED = timedelta(days=35)
LOOK_BACK = timedelta(hours=3)  # of a request for elements that were lacking
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
        self._requests = StationRequests(interface, settings)
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
        failures, taken = list[ReceivedReports](), 0
        for dataset in self._settings.datasets:
            if not dataset.enabled or not self._due(dataset, now):
                continue
            try:
                yield from self._dataset(dataset, now, deadline)
                taken += 1
            except SourceError as error:
                log.warning("observations of %s: %s", dataset.data_code, error)
                failures += self._failure(dataset, str(error), now)
                if not isinstance(error, SourceCorrupt) and not getattr(error, "of_file", False):
                    break  # the service fails as a whole
        yield from (replace(each, failed=not taken) for each in failures)
        if taken:
            yield from self._never_reporting(now)
            yield from self._misplaced(now)

    def _due(self, dataset: CmadaasDatasetSettings, now: datetime) -> bool:
        checked = self.memory.dataset(dataset.data_code).checked
        wait = timedelta(minutes=dataset.check_minutes)
        return checked is None or not checked <= now < checked + wait

    def _dataset(
        self, dataset: CmadaasDatasetSettings, now: datetime, deadline: Deadline
    ) -> Iterator[ReceivedReports]:
        asked = self.memory.dataset(dataset.data_code)
        since, corrects = self._since(asked, now)
        yield from self._ask_again(dataset, asked, Span(_hour(now) - LOOK_BACK, now), deadline)
        if corrects:  # learnt anew: a station may have ceased to measure an element
            asked.reports.clear()
        empty, first = {place.text for place in self._requests.places()}, since
        for span in self._spans(dataset, asked, since, corrects, now):
            first = min(first, span.since)
            rows = yield from self._rows(dataset, asked, span, deadline, empty)
            yield from self._hours(dataset, asked, *self._parsed(dataset, rows), now)
            asked.began = min(asked.began or span.since, span.since)
            asked.until = max(asked.until or span.until, span.until)
            self.memory.write()
        asked.checked = now
        if corrects:
            asked.corrected = now
            for text in sorted(empty):
                yield self._fault(dataset.data_code, now, (
                    f"no record since {first:%Y-%m-%d %H:%M}Z for {text}: compare it and data_code "
                    "with the province's catalogue, and ask whether the account may read this"
                ))  # fmt: skip
            if doubt := self._requests.doubts.pop(dataset.data_code, ""):
                yield self._fault(dataset.data_code, now, doubt)
        oldest = (now - HOURS_REMEMBERED).isoformat()
        asked.hours = {hour: digest for hour, digest in asked.hours.items() if hour > oldest}
        self.memory.write()

    def _spans(
        self,
        dataset: CmadaasDatasetSettings,
        asked: AskedDataset,
        since: datetime,
        corrects: bool,
        now: datetime,
    ) -> Iterator[Span]:
        """Yield what is asked for, one request each: all from `since` on; with the corrections,
        also what lies before it and has an hour without a record.
        """
        step = max(timedelta(minutes=dataset.interval_minutes) * REPORTS_AT_ONCE, SHORTEST_SPAN)
        holes = self._holes(dataset, asked, since, now) if corrects else []
        while holes:
            until = min(holes[0] + step, since)
            yield Span(holes[0], until, closed=False)
            holes = [each for each in holes if each >= until]
        while since <= now:
            until = min(since + step, now)
            yield Span(since, until, closed=until == now)
            if until == now:
                return
            since = until

    def _holes(
        self, dataset: CmadaasDatasetSettings, asked: AskedDataset, since: datetime, now: datetime
    ) -> list[datetime]:
        """Return the beginnings of the times of report before `since` without any record."""
        seconds = 60 * max(dataset.interval_minutes, 60)

        def slot(moment: datetime) -> datetime:
            whole = moment.timestamp() // seconds * seconds
            return datetime.fromtimestamp(whole, UTC)

        there = {slot(datetime.fromisoformat(hour)) for hour in asked.hours}
        began = asked.began or min(there, default=since)
        at = slot(max(began, now - timedelta(days=self._settings.gap_days)))
        found = []
        while at < since:
            if at not in there and at >= began:
                found.append(at)
            at += timedelta(seconds=seconds)
        return found

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
        asked: AskedDataset,
        span: Span,
        deadline: Deadline,
        empty: set[str],
    ) -> Generator[ReceivedReports, None, Rows]:
        """Return the records of a span of all that the settings name; yield what the data set turns
        out to lack.

        empty: the parts of the settings without a record so far; those that have one leave it.
        """
        elements, rows = self._elements[dataset.data_code], list[Mapping[str, Any]]()
        for place in self._requests.places():
            while True:
                names = asked_names(elements, dataset.flags, asked.lacking)
                if not set(names) - set(ALWAYS):
                    raise SourceRefused(
                        f"{dataset.data_code}: none of its elements is served: compare their names "
                        "with the province's catalogue",
                        of_file=True,
                    )
                try:
                    found = self._requests.records(dataset, place, names, span, deadline)
                    break
                except ElementRefused as error:
                    yield from self._leave_out(dataset, asked, names, span, deadline, error)
            rows += found
            if found:
                empty.discard(place.text)
                asked.named = [name for name in asked.named if name not in names]
        self._reporting.update(map(station_of, rows))
        return rows

    def _leave_out(
        self,
        dataset: CmadaasDatasetSettings,
        asked: AskedDataset,
        names: Sequence[str],
        span: Span,
        deadline: Deadline,
        error: ElementRefused,
    ) -> Iterator[ReceivedReports]:
        """Find what is refused and remember it, also where a request on the way fails.

        Raises: SourceError; the refusal itself where each name alone is served.
        """
        before, wanted = len(asked.lacking), [name for name in names if name not in NEEDED]
        if asked.probed is None or not asked.lacking:
            asked.probed = span.until
        for name in self._requests.lacking(dataset, wanted, span, deadline, error.detail):
            asked.lacking.append(name)
            self.memory.write()
        if len(asked.lacking) == before:
            raise error
        yield from self._name_lacking(dataset, asked, span.until)

    def _name_lacking(
        self, dataset: CmadaasDatasetSettings, asked: AskedDataset, now: datetime
    ) -> Iterator[ReceivedReports]:
        """Yield what is lacking and was not named yet."""
        new = [name for name in asked.lacking if name not in asked.named]
        if new:
            text = lacking_text(self._elements[dataset.data_code], new)
            log.warning("observations of %s: %s", dataset.data_code, text)
            yield self._fault(dataset.data_code, now, text)
            asked.named += new

    def _ask_again(
        self, dataset: CmadaasDatasetSettings, asked: AskedDataset, span: Span, deadline: Deadline
    ) -> Iterator[ReceivedReports]:
        """Ask again for what was lacking, where the settings changed or it was long ago."""
        names = asked_names(self._elements[dataset.data_code], dataset.flags)
        digest = hashlib.sha256(",".join(names).encode()).hexdigest()
        if digest != asked.names:
            asked.names, asked.lacking, asked.named, asked.probed = digest, [], [], None
            return
        yield from self._name_lacking(dataset, asked, span.until)  # of a process that was killed
        every = timedelta(hours=self._settings.corrections_every_hours)
        if asked.lacking and (
            asked.probed is None or not asked.probed <= span.until < asked.probed + every
        ):
            asked.lacking = list(self._requests.lacking(dataset, asked.lacking, span, deadline))
            asked.probed = span.until
            self.memory.write()

    def _parsed(self, dataset: CmadaasDatasetSettings, rows: Rows) -> tuple[Parsed, Absent]:
        """Return the records, and what they call missing."""
        name, elements = f"cmadaas {dataset.data_code}", self._elements[dataset.data_code]
        missing_from = self._interface.settings.missing_from
        return parse_rows(rows, name, elements, self._settings, missing_from)

    # -- what is handed over

    def _hours(
        self,
        dataset: CmadaasDatasetSettings,
        asked: AskedDataset,
        parsed: Parsed,
        absent: Absent,
        now: datetime,
    ) -> Iterator[ReceivedReports]:
        """Yield the records of each hour that has changed; the faults go with the first."""
        faults = parsed.faults
        by_hour: dict[str, list[Observation]] = {}
        for each in self._own(dataset, parsed.observations):
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
        learn_places(self.memory, parsed.stations, self._settings, now)
        self.memory.learn(parsed.stations, parsed.observations)
        for each in parsed.observations:
            asked.reports.setdefault(each.station, set()).update(each.values)

    def _own(
        self, dataset: CmadaasDatasetSettings, observations: Sequence[Observation]
    ) -> Iterator[Observation]:
        """Yield records without the values that a data set named earlier has for that time."""
        earlier = list(takewhile(lambda each: each is not dataset, self._settings.datasets))
        for each in observations:
            taken = set[str]()
            for other in (other for other in earlier if other.enabled):
                theirs, minutes = self.memory.dataset(other.data_code), other.interval_minutes
                on_time = each.time.timestamp() % (60 * minutes) == 0
                if on_time and _hour(each.time).isoformat() in theirs.hours:
                    taken |= theirs.reports.get(each.station, set())
            yield (
                each
                if taken.isdisjoint(each.values)
                else replace(
                    each,
                    values={name: v for name, v in each.values.items() if name not in taken},
                    flags={name: flag for name, flag in each.flags.items() if name not in taken},
                )
            )

    def _withdrawn(self, dataset: CmadaasDatasetSettings, absent: Absent) -> dict[str, Absent]:
        """Return what a data set takes back where there was a value, by hour."""
        found: dict[str, Absent] = {}
        for (station, time), names in absent.items():
            own = frozenset(name for name in names if self._first[name] == dataset.data_code)
            if own:
                found.setdefault(_hour(time).isoformat(), {})[station, time] = own
        return found

    def _misplaced(self, now: datetime) -> Iterator[ReceivedReports]:
        """Yield the stations that stand elsewhere: when it turns out, and with the corrections."""
        asked = [self.memory.dataset(each.data_code) for each in self._settings.datasets]
        again = any(each.corrected == now for each in asked)
        for text in misplaced(self.memory, self._stations, self._settings, now, again):
            yield self._fault("stations", now, text)
        self.memory.write()

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


def _digest(data_code: str, hour: str, reports: Sequence[Observation]) -> str:
    """Return a digest of all that the records of an hour say."""
    rows = sorted(
        [o.station, o.time.isoformat(), sorted(o.values.items()), sorted(o.flags.items())]
        for o in reports
    )
    return hashlib.sha256(json.dumps([data_code, hour, rows]).encode()).hexdigest()
