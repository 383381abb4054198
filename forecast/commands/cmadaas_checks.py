"""What `check` says of CMADaaS: address, account, requests left, and whether it answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from forecast.commands.finding import CheckFinding
from forecast.config import CMADAAS_PASSWORD, CMADAAS_USER, Config, cmadaas_account
from forecast.errors import ConfigError, CycleNotReady, SourceError
from forecast.http import Deadline
from forecast.ingest.cmadaas import Cmadaas, CmadaasAccount
from forecast.observations.cmadaas_rows import elements_of

SUBJECT = "cmadaas"
PATIENCE = 10.0  # [s] to wait for the service


def findings(config: Config, now: datetime, offline: bool) -> list[CheckFinding]:
    """Return what was found; nothing where the settings do not use the service.

    One request is sent, and counted; offline: none.
    """
    users = _users(config)
    if not users:
        return []
    used = f"used by {', '.join(users)}"
    if not config.cmadaas.url:
        advice = "write http://HOST:PORT/music-ws/api of your province"
        return [CheckFinding("fault", f"{SUBJECT}.url", f"is empty, {used}: {advice}")]
    try:
        account = CmadaasAccount(*cmadaas_account())
    except ConfigError as error:
        return [CheckFinding("fault", SUBJECT, str(error))]
    if not account:
        names = f"{CMADAAS_USER} and {CMADAAS_PASSWORD}"
        return [CheckFinding("fault", SUBJECT, f"no account, {used}: set {names}")]
    found = _elements(config)
    if offline:
        return [*found, CheckFinding("note", SUBJECT, "not contacted: --offline")]
    return [*found, _asked(config, Cmadaas(config.cmadaas, account), now)]


def _users(config: Config) -> list[str]:
    """Return the places of the settings that use the service."""
    found = ["source.order"] if "cmadaas" in config.source.order else []
    found += [
        f"models.{model.id}"
        for model in config.models
        if model.enabled and model.layout == "cmadaas"
    ]
    return found + (["observations.cmadaas"] if config.observations.cmadaas else [])


def _elements(config: Config) -> list[CheckFinding]:
    settings = config.observations.cmadaas
    faults = []
    for dataset in settings.datasets if settings else ():
        try:
            elements_of(dataset)
        except ValueError as error:
            faults.append(CheckFinding("fault", "observations.cmadaas.datasets", str(error)))
    return faults


def _asked(config: Config, interface: Cmadaas, now: datetime) -> CheckFinding:
    """Return what the service says to one small request."""
    names, settings = interface.settings.interfaces, config.observations.cmadaas
    since = now - timedelta(hours=3)
    span = f"[{since:%Y%m%d%H%M%S},{now:%Y%m%d%H%M%S}]"
    if settings is not None:
        asked, query = names.region, {
            "dataCode": settings.datasets[0].data_code,
            "adminCodes": ",".join(settings.admin_codes) or "110109",
            "timeRange": span, "elements": "Station_Id_C,Datetime", "limitCnt": "1",
        }  # fmt: skip
    else:
        model = next((m.cmadaas for m in config.models if m.cmadaas), config.source.cmadaas)
        asked = names.latest_run
        query = {"dataCode": model.data_code if model else ""}
    try:
        interface.ask(asked, query, Deadline(PATIENCE))
        detail = "answers, and takes the account"
    except CycleNotReady:
        detail = "answers, and takes the account; it has no record of the last three hours"
    except SourceError as error:
        return CheckFinding("fault", SUBJECT, str(error))
    left = interface.settings.requests_per_hour - interface.ledger.used
    return CheckFinding("ok", SUBJECT, f"{detail}; {left} requests are left in this hour")
