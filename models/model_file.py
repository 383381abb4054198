"""Model files: a model as bytes and back, and the checks before it may serve.

A file is a skops archive: data, never code. Only types of a fixed list are loaded.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.errors import ModelMismatch
from forecast.quantities import FEATURES
from models.learned import LearnedModel, LearnedRule
from models.learned_night import LearnedNight
from models.model_card import Card, versions
from models.night_sky_model import NightSkyModel
from models.plain_file import NotPlain, read_plain
from models.rule_model import PhysicsRule

Array = NDArray[np.floating[Any]]

LARGEST_UNPACKED, MOST_PARTS = 512_000_000, 20_000  # [byte, files in the archive]

# Types that a file may hold beyond skops' own list: classes of this package, and the parts of
# scikit-learn's fitted trees and curves.
# fmt: off
ALLOWED = (
    "models.calibration.Calibrator", "models.learned.Blend", "models.learned.LearnedModel",
    "models.learned.LearnedRule", "models.learned_night.LearnedNight",
    "models.night_sky_model.NightSkyModel",
    "models.prior_logistic.PriorLogistic", "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree", "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
)
# fmt: on


def pack(model: Any) -> bytes:
    """Return a model as the bytes of a skops file."""
    import skops.io

    return bytes(skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED))


def unpack(data: bytes) -> Any:
    """Return the model of a skops file; no code in it is run.

    Raises: ModelMismatch for a type that is not in ALLOWED, a file too large, or a damaged file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            whole = sum(part.file_size for part in parts.infolist())
            if whole > LARGEST_UNPACKED or len(parts.infolist()) > MOST_PARTS:
                raise ModelMismatch(
                    f"the model's file unpacks to {whole / 1e6:.0f} MB "
                    f"in {len(parts.infolist())} parts: too large"
                )
            with contextlib.suppress(NotPlain):
                return read_plain(parts)
        import skops.io  # here, as it takes long

        unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - set(ALLOWED))
        if unknown:
            raise ModelMismatch(
                f"the model's file holds {', '.join(unknown)}: "
                "only known types are loaded; train the model here"
            )
        return skops.io.loads(data, trusted=list(ALLOWED))
    except ModelMismatch:
        raise
    # skops, zipfile and json each fail in their own ways on a damaged file
    except Exception as error:
        raise ModelMismatch(
            f"the model's file cannot be read ({type(error).__name__}: {error}); "
            "restore it or roll back"
        ) from error


def check_answers(model: Any, card: Card) -> None:
    """Check that a model is the one its card describes, and that it gives probabilities.

    Raises: ModelMismatch with the reason.
    """
    where = f"{card.phenomenon}/{card.id}"
    known_kinds = LearnedRule | LearnedModel | LearnedNight | NightSkyModel
    if not isinstance(model, known_kinds) or model.phenomenon != card.phenomenon:
        raise ModelMismatch(
            f"{where}: the file does not hold a model of {card.phenomenon}; restore it or roll back"
        )
    theirs, ours = (
        known.get("scikit-learn", "?").split(".")[:2] for known in (card.versions, versions())
    )
    # trees can be read by the version that made them only; a learned rule is plain numbers
    if isinstance(model, LearnedModel) and theirs != ours:
        raise ModelMismatch(
            f"{where}: made with scikit-learn {'.'.join(theirs)}, here is {'.'.join(ours)}; "
            "train it again"
        )
    try:
        if tuple(model.columns) != tuple(name for name, _ in card.features):
            raise ModelMismatch(
                f"{where}: asks for other features than its card says; train it again"
            )
        cases = np.stack([np.full(len(card.features), np.nan), np.ones(len(card.features))])
        answer, moved = model.predict_proba(cases), model.influence(cases)
        usual, sites = _usual(card), sorted(card.sites)
        results = _coefficients(model)
        with np.errstate(invalid="ignore"):
            results += [
                model.predict_proba(usual),
                model.influence(usual),
                model.predict_proba(np.repeat(usual, len(sites), axis=0), sites),
            ]
        classes = len(PhysicsRule(card.phenomenon).ready().classes_)
        sound = answer.shape == (2, classes) and moved.shape == cases.shape
        sound = sound and (not isinstance(model, LearnedModel) or model.longest_lead >= 0)
        sound = sound and bool((np.isnan(answer) | ((answer >= 0) & (answer <= 1))).all())
    except ModelMismatch:
        raise
    # a file may hold arrays of any shape: whatever fails must fail here, not while forecasting
    except Exception as error:
        raise ModelMismatch(
            f"{where}: does not answer ({type(error).__name__}: {error}); train it again"
        ) from error
    if not sound:
        raise ModelMismatch(f"{where}: its answers are no probabilities; train it again")
    if not all(np.isfinite(values).all() for values in results):
        raise ModelMismatch(
            f"{where}: answers NaN to plausible values: its coefficients are damaged; "
            "restore it or train it again"
        )


def _coefficients(model: Any) -> list[Array]:
    """Return the coefficients of a model that is plain numbers; none of trees."""
    if isinstance(model, LearnedRule):
        return [model.logistic_.theta_]
    if isinstance(model, LearnedNight):
        return [model.logistic_.theta_, *_coefficients(model.base)]
    if isinstance(model, NightSkyModel):
        own = [model.ends_, model.mean_, model.scale_]
        return own + [one.theta_ for one in model.logistics_]
    return []


def _usual(card: Card) -> Array:
    """Return a case (1, feature) with each feature in the middle of its range in the catalogue."""
    return np.array([[(FEATURES[name].low + FEATURES[name].high) / 2 for name, _ in card.features]])
