"""Runs from CMADaaS: fields cut to the region, one request each, or the listed GRIB files.

A run's newest time is asked for first, where the data set has one, so that no field of a run that
is not there is asked for. Files are kept by run beside the store and identified by their headers,
as those of the drop folder are.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceCorrupt, SourceRefused
from forecast.files import write_whole
from forecast.http import Deadline
from forecast.ingest import Needs
from forecast.ingest.cmadaas import Cmadaas
from forecast.ingest.cmadaas_parameters import ServiceField, fields_asked
from forecast.ingest.cmadaas_replies import ReplyGrid, parse_grid
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.drop_folder import ExpectedFiles, Folder
from forecast.ingest.grid_steps import GridProvider, WantedGrid
from forecast.ingest.provider import FetchedCycle, Provider
from forecast.settings.cmadaas import CmadaasModelSettings
from forecast.settings.sources import ParameterSettings

log = logging.getLogger(__name__)

NAME = "cmadaas"
MOST_FILES = 2000  # of one run
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,180}")
_RUN = re.compile(r"\d{10}")


def check_newest(
    interface: Cmadaas, settings: CmadaasModelSettings, cycle: Cycle, deadline: Deadline
) -> None:
    """Raise CycleNotReady where the service says that a newer run than its newest is asked for.

    A data set without a newest time is not checked. Raises: SourceError where the service fails.
    """
    newest = newest_run(interface, settings, deadline)
    if newest and f"{cycle.run:%Y%m%d%H}" > newest:
        raise CycleNotReady(
            f"{settings.data_code}: the newest run there is {newest}, {cycle.id} is not there yet",
            absent=True,
        )


def newest_run(interface: Cmadaas, settings: CmadaasModelSettings, deadline: Deadline) -> str:
    """Return the newest run (YYYYMMDDHH) as the service says; "" where it does not.

    Raises: SourceError where the service fails.
    """
    if not settings.latest:
        return ""
    names = interface.settings.interfaces
    try:
        rows = interface.ask(names.latest_run, {"dataCode": settings.data_code}, deadline).rows
        newest = str(rows[0]["Datetime"])[:10] if rows else ""
    except (CycleNotReady, SourceCorrupt, KeyError):
        return ""
    except SourceRefused as error:
        if not error.of_file:  # the account, not the data set
            raise
        log.info("%s: has no newest time: %s", settings.data_code, error)
        return ""
    return newest if newest.isdecimal() and len(newest) == 10 else ""


def read_grid(
    interface: Cmadaas,
    settings: CmadaasModelSettings,
    asked: ServiceField,
    run: datetime,
    step: int,
    needs: Needs,
    deadline: Deadline,
) -> ReplyGrid:
    """Return a field of a run at a step [h], cut to the region.

    Raises: CycleNotReady where there is none, SourceError.
    """
    west = needs.west % 360
    east = west + (needs.east - needs.west) % 360
    if east > 360:
        raise SourceRefused(
            f"{settings.data_code}: the region crosses Greenwich, which the interface's "
            "rectangle cannot"
        )
    query = {
        "dataCode": settings.data_code,
        "time": f"{run:%Y%m%d%H%M%S}",
        "validTime": str(step),
        "fcstEle": asked.element,
        "levelType": asked.level_type,
        "fcstLevel": asked.level,
        "minLat": f"{needs.south:g}",
        "maxLat": f"{needs.north:g}",
        "minLon": f"{west:g}",
        "maxLon": f"{east:g}",
    }
    missing = interface.settings.missing
    return interface.read(
        interface.settings.interfaces.grid,
        query,
        deadline,
        lambda reply: parse_grid(reply, missing),
    )


class ServiceGrids(GridProvider):
    """The fields of a run, one request each."""

    name = NAME

    def __init__(
        self,
        interface: Cmadaas,
        settings: CmadaasModelSettings,
        asked: tuple[ServiceField, ...],
        attribution: str,
        store: CycleStore,
    ) -> None:
        super().__init__(interface, interface.connections, asked, attribution, store)
        self._interface, self._settings = interface, settings

    def _state(self, cycle: Cycle) -> object:
        return self._settings.data_code

    def _begin(self, cycle: Cycle, deadline: Deadline) -> None:
        check_newest(self._interface, self._settings, cycle, deadline)

    def _grid(
        self, wanted: WantedGrid, cycle: Cycle, step: int, needs: Needs, deadline: Deadline
    ) -> ReplyGrid:
        return read_grid(
            self._interface, self._settings, wanted.asked, cycle.run, step, needs, deadline
        )


class ServiceFiles:
    """The listed GRIB files of a run.

    root: the folder of this model's files. keep: runs that stay there.
    """

    name = NAME

    def __init__(
        self,
        interface: Cmadaas,
        settings: CmadaasModelSettings,
        expected: ExpectedFiles,
        root: Path,
        keep: int,
    ) -> None:
        self._interface, self._settings, self._root, self._keep = interface, settings, root, keep
        expected = replace(expected, path=None, settling=0.0)
        self._folder = Folder(root, expected, root.with_suffix(".json"))

    def fetch(
        self, needs: Needs, cycle: Cycle, ask: bool = True, within: Deadline | None = None
    ) -> FetchedCycle:
        """Return the files of a run; those that are not there yet are fetched.

        Raises: CycleNotReady, SourceUnavailable, SourceCorrupt.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        deadline = self._interface.deadline(within)
        before = (self._interface.bytes, self._interface.requests)
        try:
            got = self._folder.fetch(needs, cycle, ask, within)
        except CycleNotReady:
            if not ask:
                raise
            self._download(cycle, deadline)
            got = self._folder.fetch(needs, cycle, ask, within)
        self._tidy(cycle)
        spent = (self._interface.bytes - before[0], self._interface.requests - before[1])
        return replace(got, origin=NAME, bytes_fetched=spent[0], requests=spent[1])

    def _download(self, cycle: Cycle, deadline: Deadline) -> None:
        """Fetch the listed files that are not there. Raises: SourceError."""
        interface, code = self._interface, self._settings.data_code
        check_newest(interface, self._settings, cycle, deadline)
        asked = {"dataCode": code, "time": f"{cycle.run:%Y%m%d%H%M%S}"}
        rows = interface.ask(interface.settings.interfaces.files, asked, deadline).rows
        folder = self._root / f"{cycle.run:%Y%m%d%H}"
        folder.mkdir(exist_ok=True)
        pattern = re.compile(self._settings.file_name)
        for row in rows[:MOST_FILES]:
            name, url = str(row.get("FILE_NAME", "")), str(row.get("FILE_URL", ""))
            if not _SAFE.fullmatch(name) or not pattern.search(name) or (folder / name).exists():
                continue
            maximum = int(interface.settings.maximum_mb * 1_000_000)
            body = interface.file(url, deadline, maximum)
            if not body.startswith(b"GRIB") or not body.endswith(b"7777"):
                raise SourceCorrupt(
                    f"{code}: {name} is no whole GRIB file ({len(body)} bytes); NetCDF is not read"
                )
            write_whole(folder / name, body)

    def _tidy(self, cycle: Cycle) -> None:
        """Remove all but the newest runs; that in use stays."""
        used = f"{cycle.run:%Y%m%d%H}"
        runs = sorted(
            (each for each in self._root.iterdir() if _RUN.fullmatch(each.name)), reverse=True
        )
        for old in [each for each in runs if each.name != used][max(self._keep - 1, 0) :]:
            shutil.rmtree(old, ignore_errors=True)


def open_service(
    interface: Cmadaas,
    settings: CmadaasModelSettings,
    parameters: Mapping[str, ParameterSettings],
    store: CycleStore,
    expected: ExpectedFiles,
    files: Path,
    keep: int,
) -> Provider:
    """Return the provider of a model at CMADaaS; no request is sent.

    files: the folder of its listed files.
    """
    interface = interface.for_models(settings.deadline_seconds)
    if settings.fetch == "files":
        return ServiceFiles(interface, settings, expected, files, keep)
    return ServiceGrids(interface, settings, fields_asked(parameters), expected.attribution, store)
