"""Commands that issue forecasts: `once`, `run`, `demo`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecast.commands import world as setup
from forecast.commands.options import (
    AsJson,
    ConfigFile,
    LogForm,
    Now,
    OneSource,
    OutputFolder,
    RebuildArchive,
    RunTime,
)
from forecast.commands.output import show, show_as_done, show_json
from forecast.errors import ArchiveError, ConfigError, PublishError
from forecast.log_context import attempt

if TYPE_CHECKING:
    from forecast.config import Config
    from forecast.domain import Cycle, Receipt
    from forecast.issue.lifecycle import Lifecycle
    from forecast.issue.report import IssueReport
    from forecast.pipeline import World
    from forecast.service.attempts import Result
    from forecast.service.running import Parts
    from forecast.service.single import HeldFolder

logger = logging.getLogger("skyscape")

DEMONSTRATION = Path("var/demo/site")  # below the working directory
SIMULATION = Path("var/demo/days")


def once(
    *,
    config: ConfigFile = None,
    source: OneSource = None,
    cycle: RunTime = None,
    now: Now = None,
    out: OutputFolder = None,
    log: LogForm = None,
    json: AsJson = False,
    rebuild_archive: RebuildArchive = False,
) -> int:
    """Issue one forecast: from a model run's files to the published pages."""
    settings = setup.settings(config, out, log)
    with attempt():
        return _issue(settings, source, cycle, now or setup.clock(), json, rebuild_archive)


def run(
    *,
    config: ConfigFile = None,
    source: OneSource = None,
    out: OutputFolder = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log every task of the scheduler.")
    ] = False,
    log: LogForm = None,
    rebuild_archive: RebuildArchive = False,
) -> int:
    """Issue forecasts at the hours of the settings, day after day, until stopped."""
    from forecast.service.signals import Signals

    signals = Signals()  # before anything that takes time
    from forecast import VERSION
    from forecast.issue.lifecycle import Lifecycle
    from forecast.service import last_settings
    from forecast.service.running import Service
    from forecast.service.single import HeldFolder, refuse_another

    logging.getLogger("apscheduler").setLevel(logging.INFO if verbose else logging.ERROR)
    settings, lifecycle = setup.settings(config, out, log), Lifecycle()
    folder = settings.output.folder
    refuse_another(folder, settings.private_folder)
    with closing(HeldFolder(folder, setup.clock, VERSION)) as held:

        def build() -> Parts:
            nonlocal rebuild_archive, settings
            new = setup.settings(config, out, log)
            parts = _parts(new, source, lifecycle, folder, rebuild_archive, held)
            rebuild_archive, settings = False, new  # said once, for the start
            return parts

        def refused(reason: str) -> None:
            last_settings.note_refused(settings.private_folder, setup.clock(), reason)

        return Service(build, setup.clock, signals, refused).run()


def _parts(
    settings: Config,
    source: str | None,
    lifecycle: Lifecycle,
    folder: Path,
    rebuild: bool,
    held: HeldFolder,
) -> Parts:
    """Return what runs by the settings. folder: the output folder, which this process holds.

    Raises: ConfigError, ArchiveError.
    """
    from forecast.commands.service_checks import refuse_faults
    from forecast.service import last_settings
    from forecast.service.running import Parts
    from forecast.service.scheduler import build_scheduler
    from forecast.service.web.service import build_server

    if settings.output.folder != folder:
        raise ConfigError(f"output.folder: was {folder} at the start; another one needs a restart")
    refuse_faults(settings, setup.clock())
    world = setup.build_world(settings, source, rebuild, service=True)
    scheduler = build_scheduler(world, setup.clock, lifecycle, held)
    last_settings.keep(settings)
    hours = ", ".join(f"{at:%H:%M}" for at in settings.schedule.issue_at)
    logger.info("bulletins at %s (%s); stop with Ctrl-C", hours, settings.service.timezone)
    if settings.service.web is None and settings.observations.push is None:
        return Parts(scheduler, close=world.archive.close)
    return Parts(
        scheduler, lambda: build_server(world, lifecycle, setup.clock), world.archive.close
    )


def demo(
    *,
    days: Annotated[
        int,
        typer.Option(
            min=0,
            max=60,
            metavar="N",
            help="Simulate N days up to now, each issued, scored the day after and learnt from, "
            "instead of one run.",
        ),
    ] = 0,
    network: Annotated[
        Literal["loopback", "cmadaas"],
        typer.Option(
            help="Where the demonstration's data come from: the loopback bucket, or a loopback "
            "CMADaaS for model, stations and outcomes."
        ),
    ] = "loopback",
    config: ConfigFile = None,
    now: Now = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help=f"Output folder. Default: {DEMONSTRATION}, or days beside."
        ),
    ] = None,
    json: AsJson = False,
) -> int:
    """Run everything on the embedded sample run; what it publishes is demonstration data."""
    from forecast.domain import Cycle
    from forecast.sample.bucket import LoopbackBucket
    from forecast.sample.demonstration import demonstration_config, demonstration_run, write_sample

    settings, now = setup.settings(config), now or setup.clock()
    folder = out or (SIMULATION if days else DEMONSTRATION)
    if folder.resolve() == settings.output.folder.resolve():
        raise ConfigError(
            f"{folder} is where the service publishes: a demonstration goes elsewhere, "
            f"e.g. --out {DEMONSTRATION}"
        )
    # its own bucket, cycles and archive: never the service's
    backstage = folder.parent / f"{folder.name}-backstage"
    if days:
        return _simulate(settings, folder, backstage, now, days)
    if network == "cmadaas":
        from forecast.commands.demonstration_network import prepared

        with prepared(settings, now, folder, backstage, quiet=json) as (ours, cycle):
            return _issue(ours, None, cycle, now, json)
    cycle = demonstration_run(now)
    try:
        sample = write_sample(backstage / "bucket", Cycle(cycle, settings.source.model), settings)
    except OSError as error:
        raise _not_writable(error, folder) from error
    with LoopbackBucket(sample) as bucket:
        ours = demonstration_config(settings, bucket.url, folder, backstage, cycle)
        # its data can be made again at any time: nobody need say that they may be
        return _issue(ours, None, cycle, now, json, rebuild=True)


def _not_writable(error: OSError, folder: Path) -> ConfigError:
    return ConfigError(
        f"{error.filename or folder}: {error.strerror}; "
        "give a folder that can be written with --out"
    )


def _simulate(config: Config, folder: Path, backstage: Path, now: datetime, days: int) -> int:
    """Run many simulated days into folders of their own, begun anew each time."""
    import shutil

    from forecast.sample.simulate import simulate

    last = now.astimezone(config.zone).date()
    if folder.exists() and any(folder.iterdir()) and not (backstage / "simulated").is_dir():
        raise ConfigError(
            f"{folder} holds something else than an earlier simulation: "
            "give an empty folder with --out"
        )
    try:
        for left in (folder, backstage):
            shutil.rmtree(left, ignore_errors=True)
        # by which a later simulation knows what it may remove
        (backstage / "simulated").mkdir(parents=True)
        simulated = simulate(config, folder, backstage, last, days)
        for _ in show_as_done(simulated, days, "days", str):
            pass
    except OSError as error:
        raise _not_writable(error, folder) from error
    show(f"look at {(folder / 'current' / 'verification' / 'index.html').absolute()}")
    return 0


def _issue(
    config: Config,
    source: str | None,
    run_time: datetime | None,
    now: datetime,
    as_json: bool,
    rebuild: bool = False,
) -> int:
    """Issue one forecast, keep the attempt in journal and archive, and print what was published."""
    from forecast import pipeline
    from forecast.issue.deliver import deliver
    from forecast.service.attempts import failed, result_of

    world: World | None = None
    try:
        cycle = None if run_time is None else _cycle(config, run_time, now)
        world = setup.build_world(config, source, rebuild)
        report = pipeline.run(world, now, cycle)
    except Exception as error:
        _keep(config, world, now, failed(error))
        raise
    _keep(config, world, now, result_of(report))
    sent = deliver(world, now)
    index = (config.output.folder / "current" / "index.html").absolute()
    undelivered = any(each.outcome == "failed" for each in sent)
    exit_code = report.exit_code or (PublishError.exit_code if undelivered else 0)
    if as_json:
        show_json(_as_json(report, index, sent) | {"exit_code": exit_code})
    else:
        lines = (f"{each.channel}: {each.outcome} {each.detail}".rstrip() for each in sent)
        show(report.summary, *lines, *_where(index.parent, config.sites[0].id))
    return exit_code


def _keep(config: Config, world: World | None, now: datetime, result: Result) -> None:
    """Keep an attempt in the journal, and in the archive where that takes it."""
    from forecast.archive.issues import Attempt
    from forecast.issue.hours import last_hour
    from forecast.service.attempts import entry_of
    from forecast.service.journal import ONCE, Journal

    hour = last_hour(config.schedule.issue_at, config.zone, now)
    Journal(config.private_folder).add(entry_of(hour, setup.clock(), result, ONCE))
    if world is not None:
        with suppress(ArchiveError):  # what was issued, or the error that is raised, says more
            made = Attempt(now, result.issue, result.exit_code, result.detail)
            world.archive.keep_attempt(made)


def _where(current: Path, site: str) -> list[str]:
    """Return where the published products are, those of one site for all: what there is of each."""
    from products.messages import page_of
    from products.wording import LANGUAGES

    named = (
        ("look at", "index.html"),
        ("  a site", f"sites/{site}/index.html"),
        ("  a screen", f"display/{site}.html"),
        ("  screens, packed", "display/package.zip"),
        ("  a poster", f"posters/{site}.png"),
        ("  a card to share", f"cards/{site}.png"),
        ("  a widget", f"widget/{site}.html"),
        ("  feeds, calendars", "subscribe/index.html"),
        ("  an article", "wechat/article.html"),
        ("  a text message", "sms.txt"),
        ("  an e-mail", "email/bulletin.html"),
        ("  group messages", page_of("wecom", LANGUAGES[0])),
        ("  a server's events", page_of("webhook", LANGUAGES[0])),
        ("  data", "api/v2/forecasts.json"),
        ("  data explained", "developers/index.html"),
        ("  a map of sites", "sites.geojson"),
    )
    found = [f"{label:<18} {current / path}" for label, path in named if (current / path).exists()]
    return found or [f"look at {current}"]


def _cycle(config: Config, run_time: datetime, now: datetime) -> Cycle:
    """Return the requested run. Raises: ConfigError where it is too old or not yet."""
    from forecast.domain import Cycle

    hours = config.source.maximum_age_hours
    if now - run_time > timedelta(hours=hours):
        then = run_time + timedelta(hours=config.source.delay_hours)
        raise ConfigError(
            f"the run of {run_time:%Y-%m-%d %H} UTC is older than {hours:g} h and would be shown "
            "as a new forecast; to replay it say when it is looked at, "
            f"e.g. --now {then:%Y-%m-%dT%H:%MZ}"
        )
    if now < run_time:
        raise ConfigError(
            f"{now:%Y-%m-%d %H:%M} UTC lies before the run of {run_time:%Y-%m-%d %H} UTC: "
            "no forecast is issued before its run"
        )
    return Cycle(run_time, config.source.model)


def _as_json(report: IssueReport, index: Path, sent: Sequence[Receipt]) -> dict[str, object]:
    return {
        "issue": report.issue.id,
        "number": report.issue.number,
        "forecasts": report.forecasts,
        "known": report.known,
        "set_aside": report.failed_phenomena,
        "unheard": report.unavailable_models,
        "unknown_sites": report.unknown_sites,
        "channels": {receipt.channel: receipt.outcome for receipt in report.receipts},
        "sent": {receipt.channel: receipt.outcome for receipt in sent},
        "seconds": report.seconds,
        "index": str(index),
    }
