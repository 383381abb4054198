"""Hourly analyses of CMADaaS at the sites: the grid's nearest point, kept as a site's reports.

Such a report has the form `analysis` and a station of its own for each site (`point_of`). It is no
station's truth: outcomes made of it count as analyses, and the nowcast takes it as background,
before the stations.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from forecast.domain import Fault, Name, Observation, Site, Station, as_utc
from forecast.errors import ConfigError, CycleNotReady, SourceError, SourceRefused
from forecast.http import Deadline
from forecast.ingest.cmadaas import Cmadaas
from forecast.ingest.cmadaas_replies import ReplyGrid, parse_grid
from forecast.observations.cmadaas_memory import CmadaasMemory
from forecast.observations.formats.collector import Parsed
from forecast.observations.formats.units import conversion
from forecast.observations.received import ReceivedReports
from forecast.settings.cmadaas import CmadaasAnalysisSettings, CmadaasStationSettings

log = logging.getLogger(__name__)

FORM = "analysis"
NAME = "analyses.json"
PREFIX = "ana-"
AROUND = 0.1  # [degree] that is asked for around the sites
HOUR = timedelta(hours=1)
GIVEN_UP = timedelta(hours=4)  # an hour that is older and not there is passed over


def point_of(site: Site) -> Station:
    """Return the station under which a site's point of an analysis is kept."""
    digest = hashlib.sha256(site.id.encode()).hexdigest()[:6]
    id = f"{PREFIX}{site.id[:13]}-{digest}" if len(site.id) > 20 else f"{PREFIX}{site.id}"
    return Station(
        id.replace("_", "-"), Name("", ""), site.latitude, site.longitude, site.elevation
    )


class SiteAnalyses:
    """The points of hourly analyses at the sites. Raises: ConfigError for a unit not known."""

    def __init__(
        self, interface: Cmadaas, settings: CmadaasStationSettings, sites: Sequence[Site]
    ) -> None:
        self._interface, self._sites = interface, tuple(sites)
        self._analyses = [each for each in settings.analyses if each.enabled]
        self._memory = CmadaasMemory(interface.settings.state, NAME)
        try:
            self._scales = {
                (each.data_code, element): conversion(element, named.unit)
                for each in self._analyses
                for element, named in each.elements.items()
            }
        except (ValueError, KeyError) as error:
            raise ConfigError(f"observations.cmadaas.analyses: {error}") from error

    @property
    def places(self) -> dict[str, Station]:
        return {}

    def receive(self, now: datetime) -> Iterator[ReceivedReports]:
        """Yield the points of each hour that is new; an analysis that fails costs itself only."""
        now = as_utc(now, "now")
        for analysis in self._analyses:
            deadline = self._interface.deadline()
            try:
                yield from self._hours(analysis, now, deadline)
            except SourceError as error:
                log.warning("analysis %s: %s", analysis.data_code, error)
                yield self._failure(analysis, str(error), now)

    def lacking(self, analysis: CmadaasAnalysisSettings, hour: datetime, deadline: Deadline) -> str:
        """Return in words what an analysis lacks at an hour; "": nothing. Raises: SourceError."""
        found = self._points(analysis, hour, deadline, list(analysis.elements))[1]
        return _lacked({text: [hour] for text in found.values()}) if found else ""

    def _hours(
        self, analysis: CmadaasAnalysisSettings, now: datetime, deadline: Deadline
    ) -> Iterator[ReceivedReports]:
        asked = self._memory.dataset(analysis.data_code)
        last = now.replace(minute=0, second=0, microsecond=0)
        hour = last - analysis.hours * HOUR
        if asked.until is not None and hour <= asked.until <= now:
            hour = asked.until + HOUR
        lacked: dict[str, list[datetime]] = {}
        while hour <= last:
            young = now - hour < GIVEN_UP
            # what lacked in hours that are past is not waited for
            optional = asked.lacking if young else list(analysis.elements)
            try:
                reports, lacking = self._points(analysis, hour, deadline, optional)
            except CycleNotReady:
                break  # asked again next time
            if young and not reports:
                break
            asked.lacking = list(lacking)
            for text in lacking.values():
                lacked.setdefault(text, []).append(hour)
            if reports:
                yield self._batch(analysis, hour, reports)
            asked.until = hour
            self._memory.write()
            hour += HOUR
        if lacked:
            yield self._failure(analysis, _lacked(lacked), now)

    def _points(
        self,
        analysis: CmadaasAnalysisSettings,
        hour: datetime,
        deadline: Deadline,
        optional: Sequence[str],
    ) -> tuple[list[Observation], dict[str, str]]:
        """Return the reports of one hour, and the elements that the service has not, in words.

        Raises: CycleNotReady for one that is not optional; SourceError where the service fails, or
        refuses all of them.
        """
        values: list[dict[str, float]] = [{} for _ in self._sites]
        lacking, refusals = dict[str, str](), list[SourceRefused]()
        for element, named in analysis.elements.items():
            try:
                grid = self._grid(analysis, named.name, hour, deadline)
            except CycleNotReady:
                if element not in optional:
                    raise
                lacking[element] = f"{named.name} ({element}): no record"
                continue
            except SourceRefused as error:
                if not error.of_file:
                    raise
                refusals.append(error)
                lacking[element] = f"{named.name} ({element}): {error}"
                continue
            factor, offset = self._scales[analysis.data_code, element]
            for site, found in zip(self._sites, values, strict=True):
                value = _nearest(grid, site)
                if np.isfinite(value):
                    found[element] = float(value * factor + offset)
        if len(refusals) == len(analysis.elements):
            raise refusals[0]
        return [
            Observation(point_of(site).id, hour, found, {}, FORM)
            for site, found in zip(self._sites, values, strict=True)
            if found
        ], lacking

    def _grid(
        self, analysis: CmadaasAnalysisSettings, element: str, hour: datetime, deadline: Deadline
    ) -> ReplyGrid:
        latitudes = [site.latitude for site in self._sites]
        longitudes = [site.longitude for site in self._sites]
        query = {
            "dataCode": analysis.data_code,
            "time": f"{hour:%Y%m%d%H%M%S}",
            "fcstEle": element,
            "levelType": analysis.level_type,
            "fcstLevel": analysis.level,
            "minLat": f"{min(latitudes) - AROUND:.4f}",
            "maxLat": f"{max(latitudes) + AROUND:.4f}",
            "minLon": f"{min(longitudes) - AROUND:.4f}",
            "maxLon": f"{max(longitudes) + AROUND:.4f}",
        }
        settings = self._interface.settings
        return self._interface.read(
            settings.interfaces.analysis, query, deadline,
            lambda reply: parse_grid(reply, settings.missing),
        )  # fmt: skip

    def _batch(
        self, analysis: CmadaasAnalysisSettings, hour: datetime, reports: list[Observation]
    ) -> ReceivedReports:
        rows = [[o.station, sorted(o.values.items())] for o in reports]
        content = json.dumps([analysis.data_code, hour.isoformat(), rows])
        digest = hashlib.sha256(content.encode()).hexdigest()
        name = f"cmadaas {analysis.data_code}"
        return ReceivedReports(digest, name, Parsed(reports, [], form=FORM), lambda: None)

    def _failure(
        self, analysis: CmadaasAnalysisSettings, reason: str, now: datetime
    ) -> ReceivedReports:
        """Return a failure for `status`: the same one once an hour."""
        name = f"cmadaas {analysis.data_code}"
        digest = hashlib.sha256(f"{name} {now:%Y%m%d%H}".encode()).hexdigest()
        return ReceivedReports(
            digest, name, Parsed([], [Fault(name, 0, reason)], form=FORM), lambda: None
        )


def _lacked(hours: Mapping[str, Sequence[datetime]]) -> str:
    """Return in words what an analysis lacked at hours that are past, and what to do."""
    parts = [
        f"{text} ({len(times)} h, {min(times):%Y-%m-%d %H}Z to {max(times):%Y-%m-%d %H}Z)"
        for text, times in hours.items()
    ]
    return (
        f"{'; '.join(parts)}: compare data_code, element, level_type and level of "
        "observations.cmadaas.analyses with the province's catalogue"
    )


def _nearest(grid: ReplyGrid, site: Site) -> float:
    """Return the value of the point nearest to a site; NaN where it lies beyond the grid."""
    row = int(np.abs(grid.latitudes - site.latitude).argmin())
    column = int(np.abs(grid.longitudes - site.longitude).argmin())
    step = abs(grid.latitudes[1] - grid.latitudes[0])
    if abs(grid.latitudes[row] - site.latitude) > step:
        return float("nan")
    if abs(grid.longitudes[column] - site.longitude) > step:
        return float("nan")
    return float(grid.values[row, column])
