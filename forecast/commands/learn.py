"""Commands that learn: `train`, `models`, `reforecast`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from forecast.commands import world as setup
from forecast.commands.given_files import given_file
from forecast.commands.options import (
    AsJson,
    ConfigFile,
    Now,
    Phenomenon,
    complete_phenomenon,
    read_day,
    read_phenomenon,
)
from forecast.commands.output import show, show_as_done, show_json
from forecast.errors import SourceError

if TYPE_CHECKING:
    from forecast.config import Config
    from forecast.learning.reforecast import Task


def train(
    *,
    phenomenon: Phenomenon = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train and compare; keep and promote nothing.")
    ] = False,
    config: ConfigFile = None,
    now: Now = None,
    json: AsJson = False,
) -> int:
    """Train challengers; one serves where it is better by more than chance."""
    from forecast.domain import PHENOMENA
    from forecast.learning.train import learn

    settings = setup.settings(config)
    wanted = (phenomenon,) if phenomenon else PHENOMENA
    trained_models = learn(
        settings, setup.open_archive(settings), now or setup.clock(), wanted, dry_run
    )
    if json:
        show_json([trained.document() for trained in trained_models])
    else:
        show(*(line for trained in trained_models for line in trained.lines()))
    return 0


def models(
    action: Annotated[
        Literal["list", "rollback", "promote"],
        typer.Argument(
            help="list: what serves, what did, what challenges it; rollback: put the one before in "
            "force again; promote: put a kept model, the shipped one or the bare rule in force."
        ),
    ] = "list",
    phenomenon: Annotated[
        str | None,
        typer.Argument(
            parser=read_phenomenon, autocompletion=complete_phenomenon, help="Whose model."
        ),
    ] = None,
    id: Annotated[
        str, typer.Argument(help="Of the model to promote; rule: the untrained rule.")
    ] = "",
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Promote it even though it was not found better.")
    ] = False,
    config: ConfigFile = None,
) -> int:
    """List the models; put an earlier one back or another one in force."""
    from forecast.learning.model_folder import listing, promote, rollback

    _refuse_needless(action, phenomenon, id, force)
    if action == "list":
        show(*listing(setup.settings(config)))
        return 0
    if not phenomenon or (action == "promote" and not id):
        needs = "PHENOMENON ID" if action == "promote" else "PHENOMENON"
        raise typer.BadParameter(f"models {action} needs {needs}; `skyscape models` lists them")
    settings = setup.settings(config)
    served = (
        rollback(settings, phenomenon)
        if action == "rollback"
        else promote(settings, phenomenon, id, force)
    )
    show(f"{phenomenon}: {served} serves now")
    return 0


def _refuse_needless(action: str, phenomenon: str | None, id: str, force: bool) -> None:
    """Refuse what means nothing for an action of `models`. Raises: typer.BadParameter."""
    if action == "list" and phenomenon:
        needless, takes = " ".join((phenomenon, id)).strip(), "no argument: it lists every model"
    elif action == "rollback" and id:
        needless, takes = id, "PHENOMENON only: it puts the model before in force"
    elif action != "promote" and force:
        needless, takes = "--force", "no --force: that is for `models promote`"
    else:
        return
    raise typer.BadParameter(f"{needless}: `models {action}` takes {takes}")


FirstDay: TypeAlias = Annotated[
    date | None,
    typer.Option("--from", parser=read_day, metavar="DATE", help="First day of runs (UTC)."),
]
LastDay: TypeAlias = Annotated[
    date | None,
    typer.Option("--to", parser=read_day, metavar="DATE", help="Last day of runs (UTC)."),
]
Cluster: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Of a Dask scheduler, e.g. tcp://host:8786, instead of local workers "
        "(default: service.cluster).",
    ),
]
Points: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="JSON", help="Point forecasts in Open-Meteo's form instead of runs; needs --site."
    ),
]


def reforecast(
    *,
    first: FirstDay = None,
    last: LastDay = None,
    days: Annotated[
        int, typer.Option(min=1, max=10, metavar="N", help="Local days wanted of each run.")
    ] = 2,
    phenomena: Annotated[
        str, typer.Option(metavar="A,B", help="Only these, e.g. sea_of_clouds,sunset_glow.")
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print bytes, requests and hours; fetch inventories only."),
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=64, metavar="N", help="Runs worked on side by side.")
    ] = 2,
    cluster: Cluster = "",
    points: Points = None,
    site: Annotated[str, typer.Option(metavar="ID", help="Site that --points stand for.")] = "",
    config: ConfigFile = None,
) -> int:
    """Compute what past runs would have forecast, to learn from."""
    from forecast.learning import reforecast as reforecasting

    wanted = tuple(read_phenomenon(name) for name in phenomena.split(",") if name)
    if points is not None:
        if not site:
            raise typer.BadParameter("--points needs --site: the site that they stand for")
        return _reforecast_points(setup.settings(config), points, site, wanted, dry_run)
    if first is None or last is None:
        raise typer.BadParameter("reforecast needs --from and --to, or --points and --site")
    if last < first:
        raise typer.BadParameter(
            f"--to {last} lies before --from {first}: expected the first day first"
        )
    settings = setup.settings(config)
    runs = reforecasting.tasks(settings, first, last, days, wanted)
    if dry_run:
        show(str(reforecasting.cost(settings, runs)))
        return 0
    done = reforecasting.run(
        settings,
        setup.open_archive(settings),
        runs,
        days,
        wanted,
        workers,
        cluster or settings.service.cluster,
    )

    def line(item: tuple[int, tuple[Task, int | str]]) -> str:
        number, (task, result) = item
        text = result if isinstance(result, str) else f"{result} rows"
        return f"{number:4d}/{len(runs)}  {task.cycle.id}  {text}"

    results = show_as_done(enumerate(done, 1), len(runs), "runs", line)
    failed = sum(isinstance(result, str) for _, (_, result) in results)
    return SourceError.exit_code if failed else 0


def _reforecast_points(
    config: Config, path: Path, site: str, wanted: tuple[str, ...], dry_run: bool
) -> int:
    """Keep the rows of a file of point forecasts."""
    from forecast.archive.hindcasts import Hindcasts
    from forecast.learning import reforecast as reforecasting

    with given_file(path):
        rows, assumed = reforecasting.read_rows(config, path, site, wanted)
    if not dry_run:
        Hindcasts(setup.open_archive(config)).keep(rows)
    would = " would be kept" if dry_run else ""
    show(f"{len(rows)} rows of {site} from {path.name}{would}", *([assumed] if assumed else []))
    return 0
