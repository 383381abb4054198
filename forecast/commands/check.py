"""What `skyscape check` finds: everything that must be mended before the service runs, at once.

Where settings are wrong, the wrong ones are left out and the rest is checked all the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from forecast.archive.rebuilding import older_fault, read_known, refuse_lost, unfinished_restore
from forecast.archive.state import parsed_address
from forecast.commands import (
    cmadaas_checks,
    delivery_checks,
    folder_checks,
    service_checks,
    site_checks,
)
from forecast.commands.finding import CheckFinding
from forecast.commands.model_ground import last_ground
from forecast.commands.places import places_of
from forecast.commands.survey import read_grid
from forecast.commands.world import unit_faults
from forecast.config import (
    Config,
    base_folder,
    build_config,
    default_path,
    delivery_secrets,
    masked,
    parse_settings,
    read_config,
    read_text,
)
from forecast.errors import ArchiveError, ConfigError, FileUnreadable, SourceError, command_message
from forecast.http import Client
from forecast.service.alerting import conditions
from forecast.service.alerting.facts import small_facts
from forecast.service.alerting.notices import texts_of
from forecast.service.journal import Journal
from forecast.settings import HttpSettings
from forecast.settings.errors import SettingsError, repaired
from models.prediction import open_models
from products.publish import Publisher

PATIENCE = 5.0  # [s] to wait for a server
REQUIRED = ("service", "source", "sites")  # sections without which there are no settings
ZONE = "service.timezone"
REPAIRS = 5  # times that wrong settings are left out before the rest is given up
EARLIEST = 2024  # no clock that is right shows an earlier year
SMALL = 100_000  # [byte] of an answer that is read at most


def findings(
    path: Path | None, now: datetime, terrain: Path | None = None, offline: bool = False
) -> list[CheckFinding]:
    """Return what was found at `now`, in the order of the settings; never raises for a fault.

    terrain: a grid of elevation against which sites are held. offline: contact no server.
    """
    found, config, replaced = _settings(path)
    if config is None:
        return found
    found += [CheckFinding("fault", "settings", fault) for fault in unit_faults(config)]
    checked = [*service_checks.paths(config), *_archive(config, now, offline), *_clock(config, now)]
    checked += _disks(config, now)
    checked += _sites(config, terrain, ZONE not in replaced)
    checked += _models(config)
    checked += [*service_checks.signatures(config), *service_checks.web(config)]
    checked += delivery_checks.findings(config, delivery_secrets())
    checked += cmadaas_checks.findings(config, now, offline)
    checked += service_checks.push(config)
    if offline:
        checked.append(CheckFinding("note", "sources", "not contacted: --offline"))
    elif "source" not in replaced:
        checked += _sources(config)
    # of a section that stands in for the file's own nothing is said
    others = [each for each in checked if each.subject.partition(".")[0] not in replaced]
    return [*found, *others]


def reload_findings(path: Path | None, now: datetime) -> list[CheckFinding]:
    """Return what a service would say of the settings at a reload: it refuses what is a fault."""
    found, config, replaced = _settings(path)
    if config is None or replaced:
        return found
    found += [CheckFinding("fault", "settings", fault) for fault in unit_faults(config)]
    return [*found, *service_checks.of_settings(config, now)]


def _settings(path: Path | None) -> tuple[list[CheckFinding], Config | None, tuple[str, ...]]:
    """Return what is wrong in the settings, the settings without it, and which sections of them
    are not the file's own.
    """
    replaced: tuple[str, ...] = ()
    file = default_path() if path is None else path
    where = f"{file.absolute()}; relative paths start at {base_folder(path)}"
    try:
        config = read_config(path)
    except SettingsError as error:
        found = [CheckFinding("fault", "settings", str(fault)) for fault in error.faults]
        try:
            config, replaced = _without_faults(file, error)
            found += _not_checked(parse_settings(read_text(file), file), config, replaced)
        except ConfigError:
            note = "the rest cannot be checked before these are mended"
            return [*found, CheckFinding("note", "settings", note)], None, ()
    except ConfigError as error:
        return [CheckFinding("fault", "settings", str(error))], None, ()
    else:
        found = []
    if base_folder(path) != file.absolute().parent:
        where += " (the working directory, for the installed program's own settings)"
    return [CheckFinding("note" if found else "ok", "settings", where), *found], config, replaced


def _without_faults(file: Path, error: SettingsError) -> tuple[Config, tuple[str, ...]]:
    """Return the settings without what is wrong in them, and the sections of which nothing is left:
    the program's own stand there, and no site.

    What is then missing was taken out here: it is no fault of the file. Raises: ConfigError.
    """
    given = values = parse_settings(read_text(file), file)
    for _ in range(REPAIRS):
        values = repaired(values, error.faults)
        replaced = tuple(name for name in REQUIRED if not values.get(name))
        if "service" in replaced or _zone_is_lost(given, values):
            replaced = (*replaced, ZONE)
        own = parse_settings(read_text(default_path()), default_path()) if replaced else {}
        whole = values | {name: own[name] for name in replaced if name in REQUIRED}
        try:
            config = build_config(whole, os.environ, str(file), base_folder(file), between=False)
        except SettingsError as next_error:
            error = next_error
        else:
            without = {"sites": ()} if "sites" in replaced else {}
            return config.model_copy(update=without), replaced
    raise error


def _zone_is_lost(given: dict[str, Any], values: dict[str, Any]) -> bool:
    """Return whether the file names a time zone that had to be taken out."""
    service = given.get("service")
    return (
        isinstance(service, dict) and "timezone" in service and "timezone" not in values["service"]
    )


def _not_checked(
    values: dict[str, Any], config: Config, replaced: tuple[str, ...]
) -> Iterator[CheckFinding]:
    """Yield of how many entries the settings had to be left out, so that nothing checked them."""
    for name in replaced:
        if name == ZONE:
            detail = "longitudes not held against the time zone: mend service.timezone first"
            yield CheckFinding("note", "sites", detail)
        elif name != "sites" or not (isinstance(values.get(name), list) and values[name]):
            detail = "not checked: mend what is wrong in its settings first"
            yield CheckFinding("note", name, detail)
    observations = values.get("observations")
    stations = observations.get("stations") if isinstance(observations, dict) else None
    for subject, given, checked in (
        ("sites", values.get("sites"), config.sites),
        ("models", values.get("models"), config.models),
        ("observations.stations", stations, config.observations.stations),
    ):
        if isinstance(given, list) and len(given) > len(checked):
            count = f"{len(given) - len(checked)} of {len(given)} not checked"
            detail = f"{count}: mend what is wrong in their settings first"
            yield CheckFinding("note", subject, detail)


# -- paths


def _disks(config: Config, now: datetime) -> Iterator[CheckFinding]:
    """Yield which disks are nearly full and whether backups are missing, as the alerts have it, and
    what is wrong with the journal.
    """
    facts = small_facts(config, now)
    for each in conditions.disk(facts) or ():
        yield CheckFinding("fault", "disk", texts_of(each, config)["en"])
    for each in conditions.backup(facts) or ():
        yield CheckFinding("warning", "backup", texts_of(each, config)["en"])
    if fault := Journal(config.private_folder).fault():
        yield CheckFinding("warning", "journal", fault)


def _archive(config: Config, now: datetime, offline: bool) -> Iterator[CheckFinding]:
    """Yield where the archive is, and what was issued last."""
    url, address = config.archive.url, masked(config.archive.url)
    publisher = Publisher(config)
    released, in_force = publisher.release_count(), publisher.current()
    if broken_off := unfinished_restore(config.private_folder):
        yield CheckFinding("fault", "archive", broken_off)
        return
    try:
        parsed = parsed_address(url)
        if parsed.get_backend_name() == "sqlite":
            database = parsed.database or ":memory:"
            if database == ":memory:":
                detail = f"{address}: held in memory, lost when the program ends"
                yield CheckFinding("warning", "archive", detail)
                return
            file = Path(database)
            finding = folder_checks.written("archive", file.parent)
            if finding.grade != "ok":
                yield finding
                return
            refuse_lost(url, released)
            if not os.path.exists(file):
                yield CheckFinding("ok", "archive", f"{address}: not there yet, will be made")
                return
            if not os.access(file, os.W_OK):
                yield CheckFinding("fault", "archive", f"{file}: may not be written")
                return
        elif offline:
            yield CheckFinding("note", "archive", f"{address}: not contacted: --offline")
            return
        state = read_known(url, released, in_force)
    except ArchiveError as error:
        yield CheckFinding("fault", "archive", command_message(error))
        return
    if state.issued is None:
        yield CheckFinding("ok", "archive", f"{address}: nothing was issued yet")
        return
    at = f"{state.issued.astimezone(config.zone):%F %H:%M%z}"
    if not in_force:
        detail = "issues are in the archive, and none is in the output folder"
        yield CheckFinding("fault", "archive", f"{detail}: {publisher.folder}")
    elif state.knows:
        yield CheckFinding("ok", "archive", f"{address}: last issued {state.last} at {at}")
    else:
        yield CheckFinding("fault", "archive", older_fault(address, in_force))
    if state.issued > now + timedelta(minutes=5):
        detail = f"the last issue was at {at}, after now: was it set back?"
        yield CheckFinding("fault", "clock", detail)


def _clock(config: Config, now: datetime) -> Iterator[CheckFinding]:
    """Yield what the clock shows."""
    local = now.astimezone(config.zone)
    detail = f"{now:%F %H:%M} UTC, {local:%F %H:%M} in {config.service.timezone}"
    if now.year < EARLIEST:
        yield CheckFinding(
            "fault", "clock", f"{detail}: this lies in the past; set the clock (NTP)"
        )
    else:
        yield CheckFinding("ok", "clock", detail)


def _sites(config: Config, terrain: Path | None, zone_known: bool) -> list[CheckFinding]:
    """Return what looks wrong about sites and stations, or that nothing does."""
    grid, found = None, list[CheckFinding]()
    if terrain is not None:
        try:
            grid = read_grid(terrain)
        except FileUnreadable as error:
            found.append(CheckFinding("fault", "--terrain", str(error)))
    ground = last_ground(config, places_of(config))
    found += site_checks.findings(config, grid, ground, zone_known) + site_checks.same_names(config)
    found += site_checks.surveys(config) + site_checks.unchecked(config, grid, ground)
    if config.sites and all(each.grade == "note" for each in found):
        stations = config.observations.stations
        count = f"{len(config.sites)} sites" + (f", {len(stations)} stations" if stations else "")
        witnesses = [str(terrain)] if grid is not None else []
        witnesses += ["the ground of the last model run"] if ground is not None else []
        against = f", held against {' and '.join(witnesses)}" if witnesses else ""
        found.append(CheckFinding("ok", "sites", f"{count}{against}"))
    return found


def _models(config: Config) -> Iterator[CheckFinding]:
    """Yield which trained models cannot be used."""
    opened = open_models(config.learning.folder)
    for reason in opened.refused:
        yield CheckFinding("fault", "models", f"refused: {reason}")
    if not opened.refused:
        yield CheckFinding("ok", "models", ", ".join(sorted(set(opened.names.values()))))


# -- sources


def _sources(config: Config) -> list[CheckFinding]:
    """Return which servers answer; a fault where nothing can give the leading model."""
    leading = [name for name in ("filter", "bucket") if name in config.source.order]
    asked: list[tuple[str, HttpSettings]] = [
        *((f"source.{name}", getattr(config.source, name)) for name in leading),
        *(
            (f"models.{model.id}.mirrors", mirror)
            for model in config.models
            if model.enabled
            for mirror in model.mirrors
        ),
    ]
    with ThreadPoolExecutor(8) as pool:
        reasons = list(pool.map(lambda each: _unreachable(each[1]), asked))
    found = [
        CheckFinding("warning" if reason else "ok", name, f"{_host(http)}: {reason or 'answers'}")
        for (name, http), reason in zip(asked, reasons, strict=True)
    ]
    dropped = "folder" in config.source.order and config.source.folder.is_dir()
    if not dropped and all(reasons[: len(leading)]):
        detail = "no server of the leading model answers, and there is no drop folder"
        found.append(CheckFinding("fault", "sources", detail))
    return found


def _unreachable(http: HttpSettings) -> str:
    """Return why a server does not answer, "" where it does, be it with a refusal."""
    patience = {"timeout_seconds": PATIENCE, "deadline_seconds": 2 * PATIENCE, "attempts": 1}
    client = Client(http.model_copy(update=patience))
    try:
        client.get("", client.deadline(), SMALL)
    except SourceError as error:
        return str(error) if "the connection failed" in str(error) else ""
    finally:
        client.close()
    return ""


def _host(http: HttpSettings) -> str:
    parts = urlsplit(http.url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
