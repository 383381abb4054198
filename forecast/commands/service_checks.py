"""What `check` finds in the settings and the folders alone, and what of it a service refuses.

A service looks at its settings before they go live, at its start and at each reload: a fault that
`check` names is refused there, too. Nothing here needs a network, the archive or a model run.
What may pass by itself (a full disk, a folder of another machine that is not there yet), the clock
and trained models refuse no start: the service waits for those, or works without, and alerts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from forecast.commands import cmadaas_checks, delivery_checks, folder_checks, site_checks
from forecast.commands.finding import CheckFinding
from forecast.config import Config, delivery_secrets, push_tokens
from forecast.errors import ConfigError
from forecast.settings import LOOPBACK

log = logging.getLogger(__name__)


def refuse_faults(config: Config, now: datetime) -> None:
    """Refuse settings that `check` calls a fault, and log each of their warnings in one line.

    Raises: ConfigError with a line for each fault.
    """
    faults = []
    for each in of_settings(config, now):
        line = f"{each.subject}: {each.detail}"
        if each.grade == "fault":
            faults.append(line)
        elif each.grade == "warning":
            log.warning("warning: %s", line)
    if faults:
        raise ConfigError("\n".join(faults))


def of_settings(config: Config, now: datetime) -> Iterator[CheckFinding]:
    """Yield what is found in the settings and the folders, in the order of `check`.

    A fault that may pass is a warning here.
    """
    for each in _all_of_settings(config, now):
        passing = each.grade == "fault" and each.may_pass
        yield replace(each, grade="warning") if passing else each


def _all_of_settings(config: Config, now: datetime) -> Iterator[CheckFinding]:
    yield from paths(config)
    yield from site_checks.findings(config)
    yield from site_checks.same_names(config)
    yield from signatures(config)
    yield from web(config)
    yield from delivery_checks.findings(config, delivery_secrets())
    yield from cmadaas_checks.findings(config, now, offline=True)
    yield from push(config)


def paths(config: Config) -> Iterator[CheckFinding]:
    """Yield what lies at each path of the settings."""
    yield folder_checks.written("output.folder", config.output.folder)
    yield folder_checks.written("source.cycles", config.source.cycles)
    yield folder_checks.written("learning.folder", config.learning.folder)
    if config.backup.folder is not None:  # a disk that is away stops no service: it alerts
        found = folder_checks.written("backup.folder", config.backup.folder)
        yield replace(found, may_pass=True)
    if "folder" in config.source.order:
        only = config.source.order == ("folder",)
        yield folder_checks.read("source.folder", config.source.folder, "fault" if only else "note")
    private = config.private_folder
    secret = (*sorted(private.glob("*.db*")), private / "session.key")
    yield from folder_checks.modes(secret, config.output.folder)
    if config.observations.stations:
        yield folder_checks.read("observations.folder", config.observations.folder, "warning")
    for model in config.models:
        if model.folder is not None and model.enabled:
            yield folder_checks.read(f"models.{model.id}.folder", model.folder, "warning")


def signatures(config: Config) -> Iterator[CheckFinding]:
    """Yield whether channels that wait for a signature can ever get one."""
    waiting = config.issuer.signature_required
    if waiting and config.issue.review == "off":
        detail = (
            f"{', '.join(waiting)}: closed for ever, for nobody signs an issue while issue.review "
            "is off; set it to optional or required"
        )
        yield CheckFinding("fault", "issuer.signature_required", detail)


def web(config: Config) -> Iterator[CheckFinding]:
    """Yield whether the desk can be reached where it is needed, and safely."""
    server = config.service.web
    if server is None:
        if config.issue.review != "off":
            detail = (
                "issue.review wants a person to sign, and service.web is empty: no desk is served"
            )
            # drafts go on, and a desk may be served elsewhere: no reason to stay down
            yield CheckFinding("fault", "web", detail, may_pass=True)
        return
    at = server.base_url or f"http://{server.host}:{server.port}"
    if server.host not in LOOPBACK and not server.base_url.startswith("https:"):
        detail = (
            f"{at}: passwords cross the network readable; put a server that speaks TLS before it, "
            "with service.web.base_url: https://..., host: 127.0.0.1 and trusted_proxies: 1"
        )
        yield CheckFinding("warning", "web", detail)
    elif server.base_url.startswith("https:") and not server.trusted_proxies:
        detail = (
            f"{at}: every request comes from the server before it, so limits by address hold for "
            "all together; set service.web.trusted_proxies: 1"
        )
        yield CheckFinding("warning", "web", detail)
    else:
        yield CheckFinding("ok", "web", f"{at}/desk/, review: {config.issue.review}")


def push(config: Config) -> Iterator[CheckFinding]:
    """Yield whether anybody may push records; nothing where push is off."""
    if config.observations.push is None:
        return
    try:
        senders = push_tokens()
    except ConfigError as error:
        yield CheckFinding("fault", "push", str(error))
        return
    if not config.observations.stations:
        detail = "observations.push is set, and observations.stations names no station"
        yield CheckFinding("fault", "push", detail)
    elif not senders:
        detail = "nobody may push: SKYSCAPE_PUSH_TOKENS is not set"
        yield CheckFinding("warning", "push", detail)
    else:
        yield CheckFinding("ok", "push", f"{len(senders)} senders")
