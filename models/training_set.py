"""Training set: features as they stood when a forecast was issued, beside the verifying outcome."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.domain import CLOUD_SEA_STATES, OUTCOME_SOURCES
from forecast.errors import ModelMismatch
from forecast.verification import OBSERVED_FROM

Array = NDArray[np.floating[Any]]

# How much a label counts beside one of an observer on the spot: a camera sees a part of the sky, a
# station a few numbers, an analysis is the model's own first hours and shares its errors
# (science.md 6: observer > camera > station > analysis) (check). A visitor, whom nobody knows, was
# there, and somebody accepted the report: more than an analysis, less than a station.
TRUST: Mapping[str, float] = dict(zip(OUTCOME_SOURCES, (1.0, 0.8, 0.6, 0.4, 0.25), strict=True))


@dataclass(frozen=True)
class TrainingSet:
    """Features and outcomes of the cases that a model is trained on.

    features (case, feature): in SI, NaN allowed, named by `names`. degree (case): 0 none, .5
    partial, 1 full, NaN where only the state is known. state (case): of a sea of clouds, "" where
    it is not known. day (case): datetime64[D]. site, source (case). lead (case) [h]. event (case):
    a number shared by rows about the same event; None: one site and day is one event. trust
    (case): weight of the label; None: by source.
    """

    phenomenon: str
    names: tuple[str, ...]
    features: Array
    degree: Array
    day: NDArray[np.datetime64]
    site: NDArray[np.str_]
    source: NDArray[np.str_]
    lead: Array
    state: NDArray[np.str_] | None = None
    event: NDArray[np.integer[Any]] | None = None
    trust: Array | None = None

    def __post_init__(self) -> None:
        cases = len(self.features)
        if self.features.ndim != 2 or self.features.shape[1] != len(self.names):
            raise ValueError(
                f"features: expected (case, {len(self.names)}), got {self.features.shape}"
            )
        for name in ("degree", "day", "site", "source", "lead", "state", "event", "trust"):
            values = getattr(self, name)
            if values is not None and len(values) != cases:
                raise ValueError(f"{name}: expected one entry a case ({cases}), got {len(values)}")
        if not self.among.any(axis=1).all():
            raise ValueError("a case has no outcome (no degree, no state): leave it out")

    def __len__(self) -> int:
        return len(self.features)

    @property
    def classes(self) -> int:
        return len(CLOUD_SEA_STATES) if self.phenomenon == "sea_of_clouds" else 2

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Whether the headline was observed (case)."""
        by_degree = np.where(np.isnan(self.degree), False, self.degree >= OBSERVED_FROM)
        if self.state is None:
            return by_degree
        return np.where(self.state == "", by_degree, self.state == CLOUD_SEA_STATES[0])

    @property
    def among(self) -> NDArray[np.bool_]:
        """The classes that the outcome allows (case, class); "no sea" allows three states."""
        known = np.isfinite(self.degree)
        if self.classes == 2:
            return np.stack([known & ~self.observed, known & self.observed], axis=1)
        state = np.full(len(self.features), "") if self.state is None else self.state
        exact = state[:, None] == np.array(CLOUD_SEA_STATES)[None, :]
        first = np.arange(self.classes) == 0
        by_degree = np.where(self.observed[:, None], first, ~first) & known[:, None]
        return np.where((state != "")[:, None], exact, by_degree)

    @property
    def weight(self) -> Array:
        """The weight of each row: its source's trust, shared among the rows of one event."""
        trust = (
            np.array([TRUST[source] for source in self.source])
            if self.trust is None
            else self.trust
        )
        if self.event is None:
            _, place = np.unique(
                np.char.add(self.site.astype(str), self.day.astype("datetime64[D]").astype(str)),
                return_inverse=True,
            )
        else:
            _, place = np.unique(self.event, return_inverse=True)
        return np.asarray(trust / np.bincount(place)[place]) if len(place) else np.empty(0)

    def take(self, rows: NDArray[Any]) -> TrainingSet:
        """Return the cases `rows` (numbers or a mask)."""
        parts = ("features", "degree", "day", "site", "source", "lead", "state", "event", "trust")
        changed: dict[str, Any] = {
            name: None if (values := getattr(self, name)) is None else values[rows]
            for name in parts
        }
        return replace(self, **changed)

    def columns(self, names: Sequence[str]) -> Array:
        """Return the features `names` (case, name).

        Raises: ModelMismatch naming those that are missing.
        """
        place = {name: i for i, name in enumerate(self.names)}
        if absent := [name for name in names if name not in place]:
            raise ModelMismatch(
                f"{self.phenomenon}: the cases lack {', '.join(absent)}; "
                "compute them, or train a model without them"
            )
        return self.features[:, [place[name] for name in names]]

    def fingerprint(self) -> str:
        """Return the SHA-256 of the cases, in any order."""
        rows = np.concatenate(
            [
                np.round(self.features.astype(np.float64), 9) + 0.0,
                self.degree[:, None],
                self.lead[:, None],
                self.weight[:, None],
                self.day.astype("datetime64[D]").astype(float)[:, None],
            ],
            axis=1,
        )
        words = [
            self.site,
            self.source,
            np.full(len(self), "") if self.state is None else self.state,
        ]
        lines = sorted(
            row.tobytes() + "|".join(labels).encode()
            for row, labels in zip(rows, zip(*words, strict=True), strict=True)
        )
        head = f"{self.phenomenon}|{','.join(self.names)}|{len(self)}".encode()
        return hashlib.sha256(head + b"".join(lines)).hexdigest()
