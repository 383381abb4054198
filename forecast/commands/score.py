"""Commands that score forecasts: `outcomes`, `truth`, `verify`, `transfer-test`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from forecast.commands import world as setup
from forecast.commands.given_files import given_file
from forecast.commands.options import AsJson, ConfigFile, Now, OneSource, read_day
from forecast.commands.output import show

if TYPE_CHECKING:
    from forecast.domain import Site
    from models.model_card import Card

ANY_PLACE = "*"  # a place that stands for all that are not named
SEA = "sea_of_clouds"


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
    text, code = outcome_import.run(action, files or [], settings, now or setup.clock())
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
    show(truth_from_analyses.report(settings, moment, day, stations_only, source))
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
    show(verifying.report(setup.settings(config), now or setup.clock(), since, until, json))
    return 0


Labels: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="LABELS.csv",
        help="A line a morning: date, status (full, partial, none) and, with several places, "
        "site. A bad line is refused with its number; the good count.",
    ),
]
Forecasts: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="FORECASTS.json",
        help="Hourly forecasts of those mornings in Open-Meteo's form, packed (.gz) or not.",
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


def transfer_test(
    labels: Labels,
    forecasts: Forecasts,
    *,
    mountain: Mountains = None,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="P", help="A forecast from P on is a yes. Default: three stars."),
    ] = None,
    config: ConfigFile = None,
) -> int:
    """Score the sea-of-clouds models on mountains that they were not fitted on.

    Nothing is refitted. Printed for all places and for each: cases, Brier score and area under the
    ROC curve with 90 % intervals by weeks, TS, POD and FAR at the threshold, and by how much the
    Brier score is better than the physics rule's.
    """
    from forecast.learning.transfer_test import transfer_test
    from forecast.quantities import yes_threshold
    from models.prediction import open_models

    if not mountain:
        raise typer.BadParameter(
            "transfer-test needs to know where the labels were observed: "
            "--mountain NAME:LAT,LON,HEIGHT,VALLEY"
        )
    places = dict(place_of(text) for text in mountain)
    settings = setup.settings(config)
    opened = open_models(settings.learning.folder)
    with given_file(labels, forecasts):
        result = transfer_test(
            labels,
            forecasts,
            places,
            {opened.names[SEA]: opened.by_phenomenon[SEA]},
            settings.phenomena,
            settings.zone,
            threshold=yes_threshold(settings.forecast.grades) if threshold is None else threshold,
        )
    served = opened.served.get(SEA)
    show(*fitted_among(result.mornings, served.card if served else None), *result.lines())
    return 0


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
