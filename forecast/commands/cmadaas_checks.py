"""What `check` says of CMADaaS: address, account, requests left, and whether it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from forecast.commands.finding import CheckFinding
from forecast.config import CMADAAS_PASSWORD, CMADAAS_USER, Config, cmadaas_account
from forecast.errors import ConfigError, CycleNotReady, SourceError, SourceRefused, TooFrequent
from forecast.http import Deadline
from forecast.ingest.cmadaas import Cmadaas, CmadaasAccount
from forecast.ingest.cmadaas_models import newest_run, read_grid
from forecast.ingest.cmadaas_parameters import fields_asked
from forecast.ingest.sources import needs_of
from forecast.observations.cmadaas_analyses import GIVEN_UP, SiteAnalyses
from forecast.observations.cmadaas_requests import Span, StationRequests
from forecast.observations.cmadaas_rows import elements_of, lacking_text
from forecast.settings.cmadaas import CmadaasAnalysisSettings, CmadaasDatasetSettings
from forecast.settings.sources import ModelSettings

SUBJECT = "cmadaas"
PATIENCE = 10.0  # [s] to wait for the service, for each subject


def findings(config: Config, now: datetime, offline: bool) -> list[CheckFinding]:
    """Return what was found; nothing where the settings do not use the service.

    Each data set, analysis and model is asked, and counted; offline: none.
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
    try:
        return [*found, *_asked(config, Cmadaas(config.cmadaas, account), now)]
    except ConfigError as error:  # of an analysis
        return [*found, CheckFinding("fault", SUBJECT, str(error))]


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


def _asked(config: Config, interface: Cmadaas, now: datetime) -> list[CheckFinding]:
    """Return what the service says to small requests: of each data set, analysis and model."""
    found: list[CheckFinding] = []
    answered = False
    for subject, ask in _subjects(config, interface, now):
        try:
            lacking = ask()
        except CycleNotReady as error:
            found.append(CheckFinding("warning", subject, f"no record was found: {error}"))
        except TooFrequent as error:  # also where models used up the count, which is no fault
            grade = "fault" if interface.ledger.held_until else "note"
            detail = f"not asked: {error}" if grade == "note" else str(error)
            return [*found, CheckFinding(grade, SUBJECT, detail)]
        except SourceError as error:
            found.append(CheckFinding("fault", subject, str(error)))
            if not getattr(error, "of_file", False):
                return found
            continue
        else:
            found += [CheckFinding("fault", subject, lacking)] if lacking else []
        answered = True
    if answered:
        left = interface.settings.requests_per_hour - interface.ledger.used
        detail = f"answers, and takes the account; {left} requests are left in this hour"
        found.append(CheckFinding("ok", SUBJECT, detail))
    return found


def _subjects(
    config: Config, interface: Cmadaas, now: datetime
) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield each place of the settings that asks the service, and what asks once for it and says
    what is lacking there.
    """
    settings = config.observations.cmadaas
    if settings is not None:
        requests = StationRequests(interface, settings)
        for dataset in settings.datasets:
            if dataset.enabled:
                subject = f"observations.cmadaas {dataset.data_code}"
                yield subject, partial(_of_dataset, requests, dataset, now)
        analyses = SiteAnalyses(interface, settings, config.all_sites())
        hour = now.replace(minute=0, second=0, microsecond=0) - GIVEN_UP
        for analysis in settings.analyses:
            if analysis.enabled:
                subject = f"observations.cmadaas.analyses {analysis.data_code}"
                yield subject, partial(_of_analysis, analyses, analysis, hour)
    if "cmadaas" in config.source.order:
        yield "source.cmadaas", partial(_of_model, config, interface, None, now)
    for model in config.models:
        if model.enabled and model.layout == "cmadaas":
            yield f"models.{model.id}", partial(_of_model, config, interface, model, now)


def _of_dataset(requests: StationRequests, dataset: CmadaasDatasetSettings, now: datetime) -> str:
    try:
        elements = elements_of(dataset)
    except ValueError:
        return ""  # said by _elements
    back = timedelta(hours=3) + timedelta(minutes=2 * dataset.interval_minutes)
    span = Span(now - back, now)
    return lacking_text(elements, requests.all_lacking(dataset, elements, span, _patience()))


def _of_analysis(analyses: SiteAnalyses, analysis: CmadaasAnalysisSettings, hour: datetime) -> str:
    return analyses.lacking(analysis, hour, _patience())


def _of_model(
    config: Config, interface: Cmadaas, model: ModelSettings | None, now: datetime
) -> str:
    """Return which elements of a model's table the newest run lacks: one request each."""
    table = model or config.source
    settings, deadline = table.cmadaas, _patience()
    if settings is None:
        return ""
    delay = timedelta(hours=table.delay_hours)
    runs = (now - delay - timedelta(hours=back) for back in range(49))
    past = [each for each in runs if each.hour in table.run_hours]
    run = past[1].replace(minute=0, second=0, microsecond=0)  # the newest may be late
    if newest := newest_run(interface, settings, deadline):
        run = datetime.strptime(newest, "%Y%m%d%H").replace(tzinfo=UTC)
    if settings.fetch == "files":
        query = {"dataCode": settings.data_code, "time": f"{run:%Y%m%d%H%M%S}"}
        interface.ask(interface.settings.interfaces.files, query, deadline)
        return ""
    step = next((each for each in table.all_steps if each > 0), 0)
    needs = needs_of(config, config.all_sites(), model)
    fields = {(each.element, each.level_type): each for each in fields_asked(table.parameters)}
    lacking = []
    for each in fields.values():
        try:
            read_grid(interface, settings, each, run, step, needs, _patience())
        except (CycleNotReady, SourceRefused) as error:
            if isinstance(error, SourceRefused) and not error.of_file:
                raise
            lacking.append(f"{each.element} {each.level_type} ({each.field.name})")
    if not lacking:
        return ""
    whole = "everything asked for" if len(lacking) == len(fields) else ", ".join(lacking)
    return (
        f"{settings.data_code}: the run {run:%Y-%m-%d %H}Z lacks {whole} at +{step} h: compare "
        "data_code and the elements of `parameters` with the province's catalogue"
    )


def _patience() -> Deadline:
    return Deadline(PATIENCE)
