"""The command line: `skyscape …`, the same as `python -m forecast …`. Builds the World; the only
place that prints.

Exit codes: 0 done, 1 a defect, 2 usage, 3 settings, 4 no usable cycle, 5 archive, 6 published only
in part.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from forecast.config import Config, push_tokens, read_config
from forecast.domain import Cycle, as_utc
from forecast.errors import ConfigError, SkyscapeError, SourceError
from forecast.settings import SOURCES

log = logging.getLogger("skyscape")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    parser = build_parser()
    args = parser.parse_args(arguments)
    _start_log(args.verbose)
    try:
        return int(args.command(args))
    except SkyscapeError as error:
        if getattr(args, "json", False):
            print(
                json.dumps(
                    {
                        "error": type(error).__name__,
                        "detail": str(error),
                        "exit_code": error.exit_code,
                    },
                    ensure_ascii=False,
                )
            )
        print(f"skyscape: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings (default: the program's own config.yaml)",
    )
    common.add_argument(
        "--source", choices=SOURCES, help="use this source only, and no further model"
    )
    common.add_argument(
        "--cycle",
        type=_cycle,
        metavar="YYYYMMDDHH",
        help="use this run (UTC) instead of the newest whole one",
    )
    common.add_argument(
        "--now",
        type=_moment,
        metavar="ISO",
        help="as if it were this moment, e.g. 2026-11-22T16:00+08:00",
    )
    common.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="output folder (default: output.folder of the settings)",
    )
    common.add_argument("--json", action="store_true", help="say the result as JSON")
    common.add_argument("-v", "--verbose", action="store_true", help="say more on the way")

    words = "Starry sky, sea of clouds, glow and snow: from a model run to a bulletin."
    parser = argparse.ArgumentParser(prog="skyscape", description=words)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, words in (
        ("once", once, "carry one cycle from its files to the screens"),
        ("run", run, "issue bulletins at the hours of the settings, day after day"),
        (
            "observe",
            observe,
            "take in the files that stations dropped, as `run` does every few minutes",
        ),
        (
            "push",
            push,
            "take in the records that stations push, as `run` does beside its bulletins",
        ),
        ("config", show_config, "print the resolved settings, secrets masked, or the one error"),
    ):
        commands.add_parser(name, parents=[common], help=words, description=words).set_defaults(
            command=command
        )
    words = "say what was issued last and what went wrong"
    status_parser = commands.add_parser("status", parents=[common], help=words, description=words)
    status_parser.set_defaults(command=status)
    status_parser.add_argument(
        "--all",
        action="store_true",
        help="name every file and sender that is kept, not only the last day's",
    )
    words = "run the whole line on the embedded sample cycle (demonstration data)"
    demo_parser = commands.add_parser("demo", parents=[common], help=words, description=words)
    demo_parser.set_defaults(command=demo)
    words = "work out what past runs would have given, to learn from"
    backfill_parser = commands.add_parser(
        "backfill", parents=[common], help=words, description=words
    )
    backfill_parser.set_defaults(command=backfill)
    words = "derive a site's horizon, valley and night sky from terrain and light grids"
    survey_parser = commands.add_parser("survey", parents=[common], help=words, description=words)
    survey_parser.set_defaults(command=survey)
    from forecast.commands.survey import add_arguments
    from forecast.commands.verification import add_commands

    add_arguments(survey_parser)
    add_commands(commands, common, _looking_back)
    _add_backfill_arguments(backfill_parser)
    demo_parser.add_argument(
        "--days",
        type=int,
        default=0,
        choices=range(1, 61),
        metavar="N",
        help="simulate N days up to now, each issued, judged the day after and learnt from, instead of one cycle",
    )
    _add_model_commands(commands, common)
    return parser


def _add_model_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    from forecast.commands import models as model_commands

    for name, command, declare, words in (
        (
            "train",
            train,
            model_commands.add_train_arguments,
            "train challengers; one serves where it is better by more than chance",
        ),
        (
            "models",
            models,
            model_commands.add_models_arguments,
            "say which models serve, did and might; take one back, put one in force",
        ),
        (
            "try-mountain",
            try_mountain,
            model_commands.add_mountain_arguments,
            "judge the model on a mountain that nobody fitted",
        ),
    ):
        parser = commands.add_parser(name, parents=[common], help=words, description=words)
        parser.set_defaults(command=command)
        declare(parser)


def _add_backfill_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--from",
        dest="first",
        type=date.fromisoformat,
        metavar="DATE",
        help="first day of runs (UTC)",
    )
    add("--to", dest="last", type=date.fromisoformat, metavar="DATE", help="last day of runs")
    add(
        "--days",
        type=int,
        default=2,
        choices=range(1, 11),
        metavar="N",
        help="local days asked of each run (default 2)",
    )
    add("--phenomena", default="", metavar="A,B", help="only these, e.g. sea_of_clouds,sunset_glow")
    add(
        "--dry-run",
        action="store_true",
        help="say what it would take (bytes, requests, hours); fetch inventories only",
    )
    add(
        "--workers",
        type=int,
        default=2,
        choices=range(1, 65),
        metavar="N",
        help="runs worked side by side (default 2)",
    )
    add(
        "--cluster",
        default="",
        metavar="ADDRESS",
        help="of a Dask scheduler, e.g. tcp://host:8786, instead of local workers",
    )
    add(
        "--points",
        type=Path,
        metavar="JSON",
        help="point forecasts in Open-Meteo's form instead of runs; needs --site",
    )
    add("--site", default="", metavar="ID", help="the site that --points stand for")


# -- commands


def once(args: argparse.Namespace) -> int:
    """Carry one cycle through the whole line."""
    return _issue(args, _settings(args))


def run(args: argparse.Namespace) -> int:
    """Run the scheduler until it is stopped."""
    if args.cycle or args.now:
        raise ConfigError("run follows the clock: --cycle and --now belong to `once`")
    from forecast.service.scheduler import build_scheduler

    config = _settings(args)
    world = _world(config, args.source)
    scheduler = build_scheduler(world)
    if config.observations.push is not None:
        server = _push_server(config, world.intake)
        threading.Thread(target=server.serve, name="push", daemon=True).start()
    hours = ", ".join(f"{at:%H:%M}" for at in config.schedule.issue_at)
    log.info("bulletins at %s (%s); stop with Ctrl-C", hours, config.service.timezone)
    try:
        scheduler.start()
    except SystemExit:
        return 0
    return 0


def push(args: argparse.Namespace) -> int:
    """Serve the door for pushed records until it is stopped."""
    from forecast.archive.issues import Archive
    from forecast.observations.intake import Intake

    config = _settings(args)
    _push_server(
        config, Intake(config.observations, Archive(config.archive.url), config.zone)
    ).serve()
    return 0


def observe(args: argparse.Namespace) -> int:
    """Take in what lies in the folder of observations, once."""
    from forecast.archive.issues import Archive
    from forecast.observations.intake import Intake

    config = _settings(args)
    settings = config.observations
    if not settings.stations and not settings.keep_all:
        raise ConfigError(
            "observations.stations: no station is named, so nothing would be kept; name one, or say keep_all: true"
        )
    taken = Intake(settings, Archive(config.archive.url), config.zone).observe(
        args.now or datetime.now(UTC)
    )
    said = {"files": taken.files, "records": taken.records, "refused": taken.refused,
            "of_other_stations": taken.strangers,
            "flagged": dict(taken.flagged), "waiting": taken.waiting,
            "deleted": taken.cleared}  # fmt: skip
    print(json.dumps(said) if args.json else taken.summary)
    return 0


def demo(args: argparse.Namespace) -> int:
    """Write the sample cycle, serve it on the loopback as the bucket would, and run the line on it."""
    from forecast.sample.bucket import LoopbackBucket
    from forecast.sample.demonstration import demonstration_config, demonstration_run, write_sample

    config = _read(args.config)
    args.now = args.now or datetime.now(UTC)
    folder = args.out or Path("var/demo/days" if args.days else "var/demo/site")
    if folder.resolve() == config.output.folder.resolve():
        raise ConfigError(
            f"{folder} is where the service publishes: a demonstration goes elsewhere, e.g. --out var/demo/site"
        )
    if args.days:
        return _simulate(config, folder, args.now, args.days)
    args.cycle = args.cycle or Cycle(demonstration_run(args.now), config.source.model)
    # its own bucket, cycles and archive: never the service's
    backstage = folder.parent / f"{folder.name}-backstage"
    try:
        sample = write_sample(backstage / "bucket", args.cycle, config)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder}: {error.strerror}; give a folder that can be written with --out"
        ) from error
    with LoopbackBucket(sample) as bucket:
        return _issue(args, demonstration_config(config, bucket.url, folder, backstage))


def _simulate(config: Config, folder: Path, now: datetime, days: int) -> int:
    """Run many simulated days into folders of their own, begun anew each time."""
    import shutil

    from forecast.sample.simulate import simulate

    backstage = folder.parent / f"{folder.name}-backstage"
    last = now.astimezone(config.zone).date()
    if folder.exists() and any(folder.iterdir()) and not (backstage / "simulated").is_dir():
        raise ConfigError(
            f"{folder} holds something else than an earlier simulation: give an empty folder with --out"
        )
    try:
        for left in (folder, backstage):
            shutil.rmtree(left, ignore_errors=True)
        # by which a later simulation knows what it may remove
        (backstage / "simulated").mkdir(parents=True)
        for done in simulate(config, folder, backstage, last, days):
            print(done, flush=True)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder}: {error.strerror}; give a folder that can be written with --out"
        ) from error
    print(f"look at {(folder / 'current' / 'verification' / 'index.html').absolute()}")
    return 0


def status(args: argparse.Namespace) -> int:
    """Say what is in force, what was issued last, what failed, what the stations send and what has
    moved.
    """
    from forecast.commands import status as state

    found = state.found(_settings(args), args.now or datetime.now(UTC), args.all)
    print(
        json.dumps(found, ensure_ascii=False, indent=1)
        if args.json
        else "\n".join(state.lines(found, args.all))
    )
    return 0


def show_config(args: argparse.Namespace) -> int:
    """Print the resolved settings."""
    shown = _settings(args).shown()
    print(json.dumps(shown, ensure_ascii=False, indent=None if args.json else 2))
    return 0


def survey(args: argparse.Namespace) -> int:
    """Print what the terrain and the night lights say of a site."""
    from forecast.commands.survey import run as run_survey

    print(run_survey(args, _settings(args)))
    return 0


def backfill(args: argparse.Namespace) -> int:
    """Fill the archive with what past runs would have given."""
    from forecast.archive.issues import Archive
    from forecast.learning import reforecast as past

    config = _settings(args)
    wanted = tuple(name for name in args.phenomena.split(",") if name)
    if args.points:
        rows, assumed = past.read_rows(config, args.points, args.site, wanted)
        if not args.dry_run:
            past.Hindcasts(Archive(config.archive.url)).keep(rows)
        print(
            f"{len(rows)} rows of {args.site} from {args.points.name}{' would be kept' if args.dry_run else ''}"
        )
        if assumed:
            print(assumed)
        return 0
    if args.first is None or args.last is None:
        raise ConfigError("backfill needs --from and --to, or --points and --site")
    runs = past.tasks(config, args.first, args.last, args.days, wanted)
    if args.dry_run:
        print(past.cost(config, runs))
        return 0
    failed = 0
    done = past.run(
        config, Archive(config.archive.url), runs, args.days, wanted, args.workers, args.cluster
    )
    for number, (task, said) in enumerate(done, 1):
        failed += isinstance(said, str)
        print(
            f"{number:4d}/{len(runs)}  {task.cycle.id}  {said if isinstance(said, str) else f'{said} rows'}",
            flush=True,
        )
    return SourceError.exit_code if failed else 0


def _looking_back(name: str) -> Callable[[argparse.Namespace], int]:
    """Return the command `name` of those that look back."""
    from forecast.commands.verification import COMMANDS

    def command(args: argparse.Namespace) -> int:
        said, code = COMMANDS[name].run(args, _settings(args), args.now or datetime.now(UTC))
        print(said)
        return code

    return command


def train(args: argparse.Namespace) -> int:
    """Train challengers on what the archive knows."""
    from forecast.commands.models import run_train

    print(run_train(args, _settings(args), args.now or datetime.now(UTC)))
    return 0


def models(args: argparse.Namespace) -> int:
    """Say which models serve; take one back or put one in force."""
    from forecast.commands.models import run_models

    print(run_models(args, _settings(args)))
    return 0


def try_mountain(args: argparse.Namespace) -> int:
    """Print what the models are worth on a mountain they have not seen."""
    from forecast.commands.models import run_mountain

    print(run_mountain(args, _settings(args)))
    return 0


# -- the world


def _read(path: Path | None) -> Config:
    """Read the settings, and hold the units of stations against those that are known. Raises:
    ConfigError.
    """
    config = read_config(path)
    for station in config.observations.stations:
        if station.units:
            from forecast.observations.formats import units_known

            if wrong := units_known(station.as_station()):
                raise ConfigError(f"observations.stations.{station.id}.{wrong}")
    return config


def _settings(args: argparse.Namespace) -> Config:
    config = _read(args.config)
    if args.out:
        config = config.model_copy(
            update={"output": config.output.model_copy(update={"folder": args.out})}
        )
    return config


def _world(config: Config, source: str | None) -> Any:
    from forecast.archive.issues import Archive
    from forecast.ingest import sources
    from forecast.observations.intake import Intake
    from forecast.pipeline import World
    from models.prediction import open_models
    from products.publish import Publisher

    further = sources.open_models(config) if source is None else ()
    archive, observed = Archive(config.archive.url), config.observations
    intake = (
        Intake(observed, archive, config.zone) if observed.stations or observed.keep_all else None
    )
    models = open_models(config.learning.folder)
    return World(
        config,
        sources.open_source(config, source),
        archive,
        models,
        Publisher(config),
        further,
        intake,
    )


def _push_server(config: Config, intake: Any) -> Any:
    """Return the door for pushed records. Raises: ConfigError where no station could use it."""
    from forecast.observations.formats import Terms
    from forecast.observations.http_api import ObservationEndpoint, PushServer

    settings = config.observations.push
    if settings is None or not config.observations.stations:
        raise ConfigError(
            "observations: push and stations are both wanted before records can be pushed; see config.yaml"
        )
    stations = {station.id: station.as_station() for station in config.observations.stations}
    door = ObservationEndpoint(
        settings,
        push_tokens(),
        Terms(stations, config.zone),
        intake.receive,
        lambda: datetime.now(UTC),
    )
    return PushServer(door, settings)


def _issue(args: argparse.Namespace, config: Config) -> int:
    from forecast import pipeline
    from forecast.archive.issues import Attempt

    now = args.now or datetime.now(UTC)
    oldest = timedelta(hours=config.source.maximum_age_hours)
    if args.cycle and now - args.cycle.run > oldest:
        advice = (args.cycle.run + timedelta(hours=config.source.delay_hours)).strftime(
            "%Y-%m-%dT%H:%MZ"
        )
        raise ConfigError(
            f"the run of {args.cycle.run:%Y-%m-%d %H} UTC is older than {config.source.maximum_age_hours:g} h "
            f"and would be shown as a new forecast; to replay it say when it is looked at, e.g. --now {advice}"
        )
    if args.cycle and now < args.cycle.run:
        raise ConfigError(
            f"{now:%Y-%m-%d %H:%M} UTC lies before the run of {args.cycle.run:%Y-%m-%d %H} UTC: no bulletin knows the future"
        )
    world = _world(config, args.source)
    try:
        report = pipeline.run(world, now, args.cycle)
    except SkyscapeError as error:
        world.archive.keep_attempt(
            Attempt(now, None, error.exit_code, f"{type(error).__name__}: {error}")
        )
        raise
    world.archive.keep_attempt(Attempt(now, report.issue.id, report.exit_code, report.summary))
    index = (config.output.folder / "current" / "index.html").absolute()
    if args.json:
        said = {
            "issue": report.issue.id,
            "number": report.issue.number,
            "forecasts": report.forecasts,
            "known": report.known,
            "set_aside": report.failed_phenomena,
            "unheard": report.unavailable_models,
            "channels": {r.channel: r.outcome for r in report.receipts},
            "seconds": report.seconds,
            "index": str(index),
            "exit_code": report.exit_code,
        }
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(report.summary)
        print(f"look at {index if index.exists() else index.parent}")
    return report.exit_code


def _cycle(text: str) -> Cycle:
    if not re.fullmatch(r"\d{10}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected ten digits, year month day hour in UTC, like 2026112200"
        )
    try:
        return Cycle(datetime.strptime(text, "%Y%m%d%H").replace(tzinfo=UTC))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


def _moment(text: str) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _start_log(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    logging.getLogger("apscheduler").setLevel(logging.INFO if verbose else logging.WARNING)
    for noisy in ("urllib3", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
