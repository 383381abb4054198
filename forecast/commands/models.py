"""The commands about models: `skyscape train`, `models`, `try-mountain`. What they need is loaded
when they run, for it takes seconds.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.config import Config
from forecast.domain import PHENOMENA, Site
from forecast.errors import ConfigError

if TYPE_CHECKING:
    from models.model_card import Card

EVERY = "*"  # a place that stands for all that are not named
SEA = "sea_of_clouds"
YES = 1  # place among forecast.grades of where three stars begin
MOUNTAIN = """Judge the model of the sea of clouds on mountains that nobody fitted, beside the physics rule: nothing is refitted.

LABELS.csv: a header, then a line a morning, in UTF-8. Columns: date (2026-05-17, local), status (full, partial or none), and where there
are several places site (or, as TIMtechnology/yunhai names them, viewpoint_id and spot_id). Other columns are not read. A bad line is
refused with its number and the reason; the good count.
FORECASTS.json: hourly forecasts of those mornings, one document of Open-Meteo's historical-forecast API or a list of them, with the
same names; packed with gzip (.gz) or not.
Printed for all places and for each: cases, Brier score and area under the ROC curve with 90 % intervals by weeks, TS, POD and FAR at the
threshold, and by how much the Brier score is better than the rule's."""


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `skyscape train` understands."""
    parser.add_argument("--phenomenon", choices=PHENOMENA, help="only this one (default: each)")
    parser.add_argument(
        "--dry-run", action="store_true", help="train and compare, keep and promote nothing"
    )


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `skyscape models` understands."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "rollback", "promote"),
        default="list",
        help="list: what serves, what did, what challenges it (the default); rollback: put the one before in force again; "
        "promote: put a kept model, the shipped one or the bare rule in force",
    )
    parser.add_argument("phenomenon", nargs="?", choices=PHENOMENA, help="whose model")
    parser.add_argument(
        "id", nargs="?", default="", help="of the model to promote; rule: the untrained rule"
    )
    parser.add_argument(
        "--force", action="store_true", help="promote it even though it was not found better"
    )


def run_train(arguments: argparse.Namespace, config: Config, now: datetime) -> str:
    """Return what `skyscape train` prints."""
    from forecast.archive.issues import Archive
    from forecast.learning.train import learn

    wanted = (arguments.phenomenon,) if arguments.phenomenon else PHENOMENA
    lessons = learn(config, Archive(config.archive.url), now, wanted, arguments.dry_run)
    if arguments.json:
        return json.dumps([lesson.document() for lesson in lessons], ensure_ascii=False)
    return "\n".join(line for lesson in lessons for line in lesson.lines())


def run_models(arguments: argparse.Namespace, config: Config) -> str:
    """Return what `skyscape models` prints. Raises: ConfigError for words that are lacking,
    ModelMismatch.
    """
    from forecast.learning.model_folder import listing, promote, rollback

    if arguments.action == "list":
        return "\n".join(listing(config))
    if not arguments.phenomenon or (arguments.action == "promote" and not arguments.id):
        needs = "PHENOMENON ID" if arguments.action == "promote" else "PHENOMENON"
        raise ConfigError(f"models {arguments.action} needs {needs}; `skyscape models` lists them")
    if arguments.action == "rollback":
        return f"{arguments.phenomenon}: {rollback(config, arguments.phenomenon)} serves now"
    return f"{arguments.phenomenon}: {promote(config, arguments.phenomenon, arguments.id, arguments.force)} serves now"


def add_mountain_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `skyscape try-mountain` understands."""
    parser.description = MOUNTAIN
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "labels",
        type=Path,
        metavar="LABELS.csv",
        help="a line a morning: date,status and, with several places, site",
    )
    parser.add_argument(
        "forecasts",
        type=Path,
        metavar="FORECASTS.json",
        help="of those mornings, in Open-Meteo's form (.gz or not)",
    )
    parser.add_argument(
        "--mountain",
        action="append",
        default=[],
        metavar="NAME:LAT,LON,HEIGHT,VALLEY",
        help="a place as the files name it (* for all that are not named), where it is [degree], and the heights [m] of "
        "the viewpoint and of the valley below it; once for each place",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=None,
        metavar="P",
        help="from which a forecast is a yes (default: three stars)",
    )


def place_of(text: str) -> tuple[str, Site]:
    """Return the name in the files and the place that `--mountain` gives. Raises: ConfigError."""
    from forecast.learning.transfer_test import mountain

    name, _, numbers = text.rpartition(":")
    try:
        latitude, longitude, elevation, valley = map(float, numbers.split(","))
        return name or EVERY, mountain(
            "mountain" if name in ("", EVERY) else name, latitude, longitude, elevation, valley
        )
    except ValueError as error:
        such = f"NAME:LAT,LON,HEIGHT,VALLEY such as {EVERY}:40.1,115.5,1400,700"
        raise ConfigError(f"--mountain {text!r}: expected {such} ({error})") from error


def run_mountain(arguments: argparse.Namespace, config: Config) -> str:
    """Return what `skyscape try-mountain` prints: each model beside the rule, nothing fitted.
    Raises: ConfigError, SourceCorrupt.
    """
    from forecast.learning.transfer_test import transfer_test
    from models.prediction import open_models

    if not arguments.mountain:
        raise ConfigError(
            "try-mountain needs to know where the labels were seen: --mountain NAME:LAT,LON,HEIGHT,VALLEY"
        )
    places = dict(place_of(text) for text in arguments.mountain)
    threshold = config.forecast.grades[YES] if arguments.threshold is None else arguments.threshold
    opened = open_models(config.learning.folder)
    models = {opened.names[SEA]: opened.by_phenomenon[SEA]}
    told = transfer_test(
        arguments.labels,
        arguments.forecasts,
        places,
        models,
        config.phenomena,
        config.zone,
        threshold=threshold,
    )
    served = opened.served.get(SEA)
    known = fitted_among(told.mornings, served.card if served else None)
    return "\n".join([*known, *told.lines()])


def fitted_among(mornings: Collection[tuple[str, date]], card: Card | None) -> list[str]:
    """Return a warning for each place whose mornings the model was, or may have been, fitted on: of
    these nothing is proven.
    """
    if card is None:
        return []
    first, last = (date.fromisoformat(day) for day in card.span)
    within = Counter(place for place, day in mornings if first <= day <= last)
    told = []
    for place, count in sorted(within.items()):
        which = f"{place}: {count} of these mornings lie within {first} to {last}, the days {card.id} was fitted on"
        if place in card.sites:
            told.append(
                f"WARNING {which}, and at this place: they are among those it was fitted on, its scores prove nothing"
            )
        else:
            told.append(
                f"note: {which}; if this is one of its places under another name ({', '.join(sorted(card.sites))}), it knew them"
            )
    return told
