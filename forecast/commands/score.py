"""Commands that score forecasts: `outcomes`, `truth`, `verify`, `transfer-test`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from forecast.commands import world as setup
from forecast.commands.given_files import given_file
from forecast.commands.options import AsJson, ConfigFile, Now, OneSource, read_day
from forecast.commands.output import show

if TYPE_CHECKING:
    from forecast.config import Config
    from forecast.domain import Site
    from models.model_card import Card

ANY_PLACE = "*"  # a place that stands for all that are not named
SEA = "sea_of_clouds"
CLEAR_LEARNT = (
    "{model}: learnt clear nights (mean cloud of 21-04 local at most 20 %), not the starry nights "
    "that the pages forecast (two hours with at most 30 %); no page is served by it"
)


def outcomes(
    action: Annotated[
        Literal["import", "show"],
        typer.Argument(help="import: read tables; show: what is kept, and where sources differ."),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="CSV: site, phenomenon, day, degree, ... (README)."),
    ] = None,
    *,
    config: ConfigFile = None,
    now: Now = None,
) -> int:
    """Import tables of what was really observed, or show what is kept."""
    from forecast.learning import outcome_import

    if action == "import" and not files:
        raise typer.BadParameter("outcomes import: name at least one CSV file")
    if action == "show" and files:
        named = " ".join(map(str, files))
        raise typer.BadParameter(f"{named}: `outcomes show` takes no file; it shows what is kept")
    settings = setup.settings(config)
    archive = setup.open_archive(settings)
    text, code = outcome_import.run(action, files or [], archive, settings, now or setup.clock())
    show(text)
    return code


def truth(
    *,
    day: Annotated[
        date | None,
        typer.Option(
            "--day",
            parser=read_day,
            metavar="DAY",
            help="Local day, like 2026-11-20. Default: the last two.",
        ),
    ] = None,
    stations_only: Annotated[
        bool, typer.Option("--stations-only", help="Read no model runs.")
    ] = False,
    config: ConfigFile = None,
    source: OneSource = None,
    now: Now = None,
) -> int:
    """Derive outcomes of past days from stations and later runs, as `run` does each night."""
    from forecast.learning import truth_from_analyses

    settings, moment = setup.settings(config), now or setup.clock()
    archive = setup.open_archive(settings)
    show(truth_from_analyses.report(archive, settings, moment, day, stations_only, source))
    return 0


def verify(
    *,
    since: Annotated[
        date | None,
        typer.Option(
            "--since",
            parser=read_day,
            metavar="DAY",
            help="First local day of events, like 2026-01-31. Default: a year ago.",
        ),
    ] = None,
    until: Annotated[
        date | None,
        typer.Option(
            "--until",
            parser=read_day,
            metavar="DAY",
            help="Last local day of events. Default: today.",
        ),
    ] = None,
    config: ConfigFile = None,
    now: Now = None,
    json: AsJson = False,
) -> int:
    """Score the published forecasts against the outcomes."""
    from forecast.learning import verify as verifying

    if since and until and until < since:
        raise typer.BadParameter(
            f"--until {until} lies before --since {since}: expected the first day first"
        )
    settings = setup.settings(config)
    archive, moment = setup.open_archive(settings), now or setup.clock()
    show(verifying.report(archive, settings, moment, since, until, json))
    return 0


Labels: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="OUTCOMES.csv",
        help="What came. Sea of clouds: a line a morning with date, status (full, partial, none) "
        "and, with several places, site. Stars and snow: day and observed (1, 0), or analysed "
        "hours (README). A bad line is refused with its number; the good count.",
    ),
]
Forecasts: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="FORECASTS",
        help="Sea of clouds: hourly forecasts of those mornings in Open-Meteo's JSON. Stars and "
        "snow: a CSV with a line an hour of each issue (issued_local, valid_local, cloud_pct, ...; "
        "README). Packed (.gz) or not.",
    ),
]
Mountains: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--mountain",
        metavar="NAME:LAT,LON,HEIGHT,VALLEY",
        help="A place as the files name it (* for all that are not named), where it is in degrees, "
        "and the heights in metres of the viewpoint and of the valley below it; once for each "
        "place.",
    ),
]


Kind: TypeAlias = Annotated[
    Literal["sea_of_clouds", "starry_sky", "snowfall", "snow_cover"],
    typer.Option(help="What the outcomes are of; all but the sea of clouds by days ahead."),
]
Clock: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE",
        help="Time zone of the files' local times, like Asia/Shanghai. Default: the settings'.",
    ),
]
Night: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="FROM-TO", help="Local hours of a clear night (or day, like 10-15), both included."
    ),
]
NightEvent: TypeAlias = Annotated[
    Literal["starry", "clear"],
    typer.Option(
        help="What analysed hours say of a night: starry, as this service counts it (best two "
        "hours with at most 30 % of cloud), or clear (mean cloud at most 20 %). Each is scored "
        "with the classifier that has learnt it."
    ),
]
Threshold: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="P", help="A forecast from P on is a yes. Default: three stars."),
]


def transfer_test(
    labels: Labels,
    forecasts: Forecasts,
    *,
    mountain: Mountains = None,
    phenomenon: Kind = "sea_of_clouds",
    clock: Clock = None,
    night: Night = "21-04",
    event: NightEvent = "starry",
    threshold: Threshold = None,
    config: ConfigFile = None,
) -> int:
    """Score the models at places that they were not fitted on; nothing is refitted.

    Sea of clouds: for all places and for each, Brier score and area under the ROC curve with 90 %
    intervals by weeks, TS, POD and FAR at the threshold, and by how much the Brier score is better
    than the physics rule's. Stars and snow: by days ahead, Brier score and its skill against the
    place's climatology with 90 % intervals, persistence, area under the ROC curve, reliability, and
    how many promises of 70 % and more came true. The number of cases stands beside each score.
    """
    from forecast.quantities import yes_threshold

    settings = setup.settings(config)
    if not mountain:
        raise typer.BadParameter(
            "transfer-test needs to know where the labels were observed: "
            "--mountain NAME:LAT,LON,HEIGHT,VALLEY"
        )
    places = dict(place_of(text) for text in mountain)
    zone = zone_of(clock) if clock else settings.zone
    yes = yes_threshold(settings.forecast.grades) if threshold is None else threshold
    with given_file(labels, forecasts):
        if phenomenon == SEA:
            lines = _sea_lines(settings, labels, forecasts, places, zone, yes)
        else:
            hours = hours_of_night(night)
            lines = _lines_by_lead(
                settings, phenomenon, (labels, forecasts), places, zone, hours, event
            )
    show(*lines)
    return 0


def _sea_lines(
    settings: Config,
    labels: Path,
    forecasts: Path,
    places: dict[str, Site],
    zone: ZoneInfo,
    yes: float,
) -> list[str]:
    """Return the transfer test of the sea of clouds as lines."""
    from forecast.learning.transfer_test import transfer_test
    from models.prediction import open_models

    opened = open_models(settings.learning.folder)
    models = {opened.names[SEA]: opened.by_phenomenon[SEA]}
    result = transfer_test(
        labels, forecasts, places, models, settings.phenomena, zone, threshold=yes
    )
    served = opened.served.get(SEA)
    return [*fitted_among(result.mornings, served.card if served else None), *result.lines()]


def _lines_by_lead(
    settings: Config,
    phenomenon: str,
    files: tuple[Path, Path],
    places: dict[str, Site],
    zone: ZoneInfo,
    hours: tuple[int, int],
    event: str,
) -> list[str]:
    """Return the transfer test by lead of a phenomenon at one place as lines."""
    from forecast.learning.transfer_by_lead import transfer_by_lead
    from models.prediction import open_models
    from models.registry import of_clear_nights

    if len(places) != 1:
        raise typer.BadParameter(f"--phenomenon {phenomenon} tests one place: give one --mountain")
    place, clear = next(iter(places.values())), (phenomenon, event) == ("starry_sky", "clear")
    if clear:
        served = of_clear_nights()
        card, models = served.card, {served.name: served.model}
    else:
        opened = open_models(settings.learning.folder)
        card = opened.served[phenomenon].card if phenomenon in opened.served else None
        models = {opened.names[phenomenon]: opened.by_phenomenon[phenomenon]} if card else {}
    result = transfer_by_lead(*files, phenomenon, place, models, zone, night=hours, event=event)
    return [
        *([CLEAR_LEARNT.format(model=next(iter(models)))] if clear else []),
        *fitted_among([(place.id, day) for day in result.days], card),
        *result.lines(),
    ]


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone. Raises: typer.BadParameter for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise typer.BadParameter(
            f"--clock {name!r}: expected a zone such as Asia/Shanghai"
        ) from error


def hours_of_night(text: str) -> tuple[int, int]:
    """Return the first and last local hour that `--night` gives. Raises: typer.BadParameter."""
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit() and int(first) < 24 and int(last) < 24):
        raise typer.BadParameter(f"--night {text!r}: expected two hours such as 21-04")
    return int(first), int(last)


def place_of(text: str) -> tuple[str, Site]:
    """Return the name in the files and the place that `--mountain` gives.

    Raises: typer.BadParameter.
    """
    from forecast.learning.transfer_test import mountain

    name, _, numbers = text.rpartition(":")
    try:
        latitude, longitude, elevation, valley = map(float, numbers.split(","))
        id = "mountain" if name in ("", ANY_PLACE) else name
        return name or ANY_PLACE, mountain(id, latitude, longitude, elevation, valley)
    except ValueError as error:
        such = f"NAME:LAT,LON,HEIGHT,VALLEY such as {ANY_PLACE}:40.1,115.5,1400,700"
        raise typer.BadParameter(f"--mountain {text!r}: expected {such} ({error})") from error


def fitted_among(mornings: Collection[tuple[str, date]], card: Card | None) -> list[str]:
    """Return a warning for each place whose mornings the model was, or may have been, fitted on:
    its scores there prove nothing.
    """
    if card is None:
        return []
    first, last = (date.fromisoformat(day) for day in card.span)
    within = Counter(place for place, day in mornings if first <= day <= last)
    lines = []
    for place, count in sorted(within.items()):
        which = (
            f"{place}: {count} of these mornings lie within {first} to {last}, "
            f"the days {card.id} was fitted on"
        )
        if place in card.sites:
            lines.append(
                f"WARNING {which}, and at this place: they are among those it was fitted on, "
                "its scores prove nothing"
            )
        else:
            lines.append(
                f"note: {which}; if this is one of its places under another name "
                f"({', '.join(sorted(card.sites))}), it knew them"
            )
    return lines
