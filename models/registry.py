"""Where models are kept, which one is in force, and who may follow it. A model's file is data,
never code: skops, a fixed list of types.

    folder/<phenomenon>/<id>/model.skops, card.json     written aside, then renamed: a model is
    there whole or not at all
    folder/<phenomenon>/in_force.json                   ids, the one in force first; replaced in one
                                                        move, so that rollback cannot tear; `rule`
                                                        among them is the untrained rule, an id not
                                                        kept here may be a shipped one

A model that cannot be trusted - unknown types, another hash than its card's, too large, made for
other features or another rule - is refused with the reason, and the one before it serves; then the
one that comes with the program; then the rule.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from numpy.typing import NDArray

from forecast import files
from forecast.domain import PHENOMENA
from forecast.errors import ModelMismatch
from forecast.quantities import FEATURES
from models import rule_model
from models.bootstrap import resampled_ratios, widened
from models.learned import LearnedModel, LearnedRule, rule_print
from models.model_card import LARGEST_CARD, Card, card_of, id_of, read_card, units_of, versions
from models.rule_model import PhysicsRule
from models.selection import block_means, losses, told_by, weeks
from models.training import Trained, TrainingSet, rule_on

Array = NDArray[np.floating[Any]]

SHIPPED = Path(__file__).parent / "shipped"
# [byte, byte, files in the archive]
LARGEST_MODEL, LARGEST_UNPACKED, MOST_PARTS = 64_000_000, 512_000_000, 20_000
KEPT = 20  # ids remembered for rollback
RULE = "rule"  # in in_force.json: the bare rule, whatever its version
ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")

# What a file may hold beyond skops' own list: our four classes, and what scikit-learn's fitted
# trees and curves are made of.
# fmt: off
ALLOWED = (
    "models.calibration.Calibrator", "models.learned.Blend", "models.learned.LearnedModel",
    "models.learned.LearnedRule",
    "models.prior_logistic.PriorLogistic", "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree", "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
)
# fmt: on

# A challenger must be better by more than chance: the lower 1 % of the paired bootstrap over weeks
# above 0, and by 1 % of the Brier score. One look would bear 5 %, but it is looked at again and
# again: with 2.5 %, one of ten equals was promoted at some time within two years.
# Eight weeks at least: with fewer the bootstrap promises more than it knows. Proven on simulated
# years in `make science`.
LEAST_BLOCKS, LOWER, LEAST_GAIN, DRAWS, SEED = 8, 0.01, 0.01, 2000, 5


@dataclass(frozen=True)
class Served:
    """A model in force: its name in a forecast, its card (None: the bare rule), and why others do
    not serve.
    """

    model: Any
    name: str
    card: Card | None = None
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """May the challenger follow? gain: champion's Brier less challenger's, on `cases` of `blocks`
    weeks; low: its lower bound.
    """

    promote: bool
    why: str  # better | not_better | too_few_blocks
    gain: float = float("nan")
    low: float = float("nan")
    blocks: int = 0
    cases: int = 0
    champion: str = field(default="")


def pack(model: Any) -> bytes:
    """Return a model as the bytes of a skops file."""
    return bytes(skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED))


def unpack(data: bytes) -> Any:
    """Return the model of a skops file; nothing in it is ever run.

    Raises: ModelMismatch for a type that is not on the list, for a file too large, or for what is
    no such file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            whole = sum(part.file_size for part in parts.infolist())
            if whole > LARGEST_UNPACKED or len(parts.infolist()) > MOST_PARTS:
                raise ModelMismatch(
                    f"the model's file unpacks to {whole / 1e6:.0f} MB in {len(parts.infolist())} parts: too large"
                )
        strange = sorted(set(skops.io.get_untrusted_types(data=data)) - set(ALLOWED))
        if strange:
            raise ModelMismatch(
                f"the model's file holds {', '.join(strange)}: only known types are loaded; train the model here"
            )
        return skops.io.loads(data, trusted=list(ALLOWED))
    except ModelMismatch:
        raise
    # skops, zipfile and json each fail in their own ways on a damaged file
    except Exception as error:
        raise ModelMismatch(
            f"the model's file cannot be read ({type(error).__name__}: {error}); restore it or roll back"
        ) from error


def keep(
    folder: Path,
    trained: Trained,
    made: datetime,
    note: str = "",
    trained_on: str = "",
    left_out: str = "",
) -> Card:
    """Write a trained model and its card into the folder, not yet in force; keeping it twice is
    keeping it once.
    """
    home = folder / trained.phenomenon / id_of(trained, made)
    aside = home.with_name(f".{home.name}.part")
    if home.is_dir():
        return read_card(_read(home / "card.json", LARGEST_CARD).decode())
    data = pack(trained.model)
    card = card_of(
        trained, made, hashlib.sha256(data).hexdigest(), len(data), note, trained_on, left_out
    )
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    files.write_whole(aside / "model.skops", data)
    files.write_whole(aside / "card.json", card.text())
    files.rename(aside, home)
    return card


def promote(folder: Path, phenomenon: str, model_id: str) -> None:
    """Put a kept model, the shipped one or the bare rule in force.

    Raises: ModelMismatch where it is not there or cannot serve: what cannot be loaded never comes
    into force.
    """
    model_id = entry_of(model_id)
    if model_id != RULE:
        load(_home(folder, SHIPPED, phenomenon, model_id), phenomenon, model_id)
    _set_order(
        folder,
        phenomenon,
        [model_id, *(known for known in in_order(folder, phenomenon) if known != model_id)][:KEPT],
    )


def rollback(folder: Path, phenomenon: str) -> str:
    """Take the model in force out of it; return the name of what serves now: the one before, the
    shipped one, or at last the rule.

    Raises: ModelMismatch where the rule serves and nothing was before it.
    """
    order = in_order(folder, phenomenon)
    last = order in ([], [RULE])
    if last and in_force(folder)[phenomenon].card is None:
        raise ModelMismatch(
            f"{phenomenon}: the rule serves and no model was before it: there is nothing to roll back"
        )
    _set_order(folder, phenomenon, [RULE] if last else order[1:])
    return in_force(folder)[phenomenon].name


def entry_of(model_id: str) -> str:
    """Return how in_force.json calls a model: the rule of any version is `rule`, all else goes by
    its id.
    """
    return RULE if model_id in (RULE, rule_model.VERSION) else model_id


def is_own(folder: Path, phenomenon: str, model_id: str) -> bool:
    """Whether a model is kept in this folder, trained here; else it came with the program or is
    none.
    """
    return (folder / phenomenon / model_id).is_dir()


def _home(folder: Path, shipped: Path, phenomenon: str, model_id: str) -> Path:
    return (
        shipped
        if not is_own(folder, phenomenon, model_id) and model_id in in_order(shipped, phenomenon)
        else folder
    )


def in_order(folder: Path, phenomenon: str) -> list[str]:
    """Return the ids in force and before, newest first; a list that cannot be read is an empty one."""
    try:
        told = json.loads(_read(folder / phenomenon / "in_force.json", LARGEST_CARD))
    except (OSError, ValueError, ModelMismatch):
        return []
    return (
        [str(one) for one in told if isinstance(one, str) and ID.fullmatch(one)]
        if isinstance(told, list)
        else []
    )


def load(folder: Path, phenomenon: str, model_id: str) -> Served:
    """Return a kept model, checked.

    Raises: ModelMismatch with the reason it cannot serve.
    """
    home = folder / phenomenon / model_id
    try:
        card = read_card(_read(home / "card.json", LARGEST_CARD).decode())
        data = _read(home / "model.skops", LARGEST_MODEL)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelMismatch(
            f"{phenomenon}/{model_id}: cannot be read: {error}; restore it or roll back"
        ) from error
    if card.phenomenon != phenomenon or hashlib.sha256(data).hexdigest() != card.model_sha256:
        raise ModelMismatch(
            f"{phenomenon}/{model_id}: the file is not the one its card describes; restore it or roll back"
        )
    if card.features != units_of(tuple(name for name, _ in card.features)):
        raise ModelMismatch(
            f"{phenomenon}/{model_id}: a feature has another unit than it was trained with; train it anew"
        )
    if card.rule != rule_print(phenomenon):
        raise ModelMismatch(
            f"{phenomenon}/{model_id}: the rule it learnt upon has changed since; train it anew"
        )
    model = unpack(data)
    _check(model, card)
    return Served(model, f"{card.kind}-{card.id}", card)


def in_force(folder: Path, shipped: Path = SHIPPED) -> dict[str, Served]:
    """Return what serves for each phenomenon: the newest model that can, else the one that came
    with the program, else the rule.
    """
    result = {}
    for phenomenon in PHENOMENA:
        refused: list[str] = []
        order = [
            (_home(folder, shipped, phenomenon, one), one) for one in in_order(folder, phenomenon)
        ]
        for home, one in (
            order + [(shipped, one) for one in in_order(shipped, phenomenon)] + [(folder, RULE)]
        ):
            if entry_of(one) == RULE:
                result[phenomenon] = Served(
                    PhysicsRule(phenomenon).ready(), rule_model.VERSION, None, tuple(refused)
                )
                break
            try:
                served = load(home, phenomenon, one)
            except ModelMismatch as error:
                refused.append(str(error))
                continue
            result[phenomenon] = Served(served.model, served.name, served.card, tuple(refused))
            break
    return result


def consider(trained: Trained, champion: Served, own: bool = True) -> Verdict:
    """Decide whether a trained challenger may follow the champion, on weeks that neither had seen.

    own: the champion was trained on this service's archive, so only days after its span are unseen;
    of a model that came with the program and of the rule all days are.
    """
    return _held_against(trained.held_out, trained.data, champion, own)


def consider_rule(data: TrainingSet, champion: Served, own: bool = True) -> Verdict:
    """Decide by the same rules whether the untrained rule should take the champion's place again:
    no case is new to it nor known.
    """
    return _held_against(rule_on(data), data, champion, own)


def _held_against(told: Array, data: TrainingSet, champion: Served, own: bool) -> Verdict:
    fresh: NDArray[np.bool_] = np.asarray(np.isfinite(told).all(axis=1))
    if own and champion.card is not None:
        fresh = np.asarray(
            fresh & (data.day.astype("datetime64[D]") > np.datetime64(champion.card.span[1]))
        )
    data = data.take(fresh)
    theirs = told_by(champion.model, data) if len(data) else np.empty((0, data.classes))
    verdict = decide(
        losses(told[fresh], data.among), losses(theirs, data.among), data.weight, weeks(data.day)
    )
    return Verdict(**{**vars(verdict), "champion": champion.name})


def decide(
    challenger: Array,
    champion: Array,
    weight: Array,
    blocks: NDArray[np.integer[Any]],
    seed: int = SEED,
) -> Verdict:
    """Compare losses of the same cases (case) by a paired bootstrap of whole blocks.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, 8.6 (blocks), 13.3
    (percentiles); Hesterberg 2015, The American Statistician 69, 371, 5.1 (with few blocks the
    interval is widened by Student's t, else ten weeks promoted luck in 6 % of trials).
    """
    known = np.isfinite(challenger) & np.isfinite(champion)
    count = len(np.unique(blocks[known]))
    if count < LEAST_BLOCKS:
        return Verdict(False, "too_few_blocks", blocks=count, cases=int(known.sum()))
    sums, weights = block_means((champion - challenger)[known], weight[known], blocks[known])
    gain = float(sums.sum() / weights.sum())
    narrow = float(np.quantile(resampled_ratios(sums, weights, DRAWS, seed), LOWER))
    low = widened(gain, narrow, LOWER, count)
    least = LEAST_GAIN * float(np.average(champion[known], weights=weight[known]))
    better = low > 0 and gain >= least
    return Verdict(better, "better" if better else "not_better", gain, low, count, int(known.sum()))


def _check(model: Any, card: Card) -> None:
    """Refuse a model that is not what its card says, or that does not answer as one."""
    where = f"{card.phenomenon}/{card.id}"
    if not isinstance(model, LearnedRule | LearnedModel) or model.phenomenon != card.phenomenon:
        raise ModelMismatch(
            f"{where}: the file does not hold a model of {card.phenomenon}; restore it or roll back"
        )
    theirs, ours = (
        told.get("scikit-learn", "?").split(".")[:2] for told in (card.versions, versions())
    )
    # trees are read by the version that grew them; a learned rule is plain numbers
    if isinstance(model, LearnedModel) and theirs != ours:
        raise ModelMismatch(
            f"{where}: made with scikit-learn {'.'.join(theirs)}, here is {'.'.join(ours)}; train it anew"
        )
    try:
        if tuple(model.columns) != tuple(name for name, _ in card.features):
            raise ModelMismatch(
                f"{where}: asks for other features than its card says; train it anew"
            )
        cases = np.stack([np.full(len(card.features), np.nan), np.ones(len(card.features))])
        answer, moved = model.predict_proba(cases), model.influence(cases)
        usual, sites = _usual(card), sorted(card.sites)
        told = [model.logistic_.theta_] if isinstance(model, LearnedRule) else []
        with np.errstate(invalid="ignore"):
            told += [
                model.predict_proba(usual),
                model.influence(usual),
                model.predict_proba(np.repeat(usual, len(sites), axis=0), sites),
            ]
        classes = len(PhysicsRule(card.phenomenon).ready().classes_)
        sound = answer.shape == (2, classes) and moved.shape == cases.shape
        sound = sound and bool((np.isnan(answer) | ((answer >= 0) & (answer <= 1))).all())
    except ModelMismatch:
        raise
    # a file may hold arrays of any shape: whatever fails here must not fail in the night
    except Exception as error:
        raise ModelMismatch(
            f"{where}: does not answer ({type(error).__name__}: {error}); train it anew"
        ) from error
    if not sound:
        raise ModelMismatch(f"{where}: its answers are no probabilities; train it anew")
    if not all(np.isfinite(values).all() for values in told):
        raise ModelMismatch(
            f"{where}: answers NaN to plausible values: its coefficients are damaged; restore it or train it anew"
        )


def _usual(card: Card) -> Array:
    """Return a case (1, feature) of which everything is known: each feature in the middle of what
    the catalogue allows.
    """
    return np.array([[(FEATURES[name].low + FEATURES[name].high) / 2 for name, _ in card.features]])


def _set_order(folder: Path, phenomenon: str, order: list[str]) -> None:
    home = folder / phenomenon
    home.mkdir(parents=True, exist_ok=True)
    files.write_whole(home / "in_force.json", json.dumps(order, indent=1) + "\n")


def _read(path: Path, largest: int) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(largest + 1)
    if len(data) > largest:
        raise ModelMismatch(
            f"{path.name}: larger than {largest / 1e6:.0f} MB; no model of ours is: restore it or roll back"
        )
    return data


def by_name(served: Mapping[str, Served]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what prediction.Models holds: model and name by phenomenon."""
    return {p: one.model for p, one in served.items()}, {p: one.name for p, one in served.items()}
