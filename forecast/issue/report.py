"""What a run of the pipeline did, and how long each step took."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from forecast.domain import Issue, Receipt
from forecast.errors import PublishError, SourceError, shortened

log = logging.getLogger(__name__)

MOST_SITES = 8  # named in the summary


@dataclass(frozen=True, slots=True)
class IssueReport:
    """What a run did: for the log, the command line and the scheduler."""

    issue: Issue
    receipts: tuple[Receipt, ...]
    forecasts: int
    known: int
    failed_phenomena: tuple[str, ...]
    seconds: dict[str, float]
    unavailable_models: tuple[str, ...] = ()  # further models without a usable run
    faults: tuple[str, ...] = ()  # what is missing because the data of model runs are unsound
    newer: SourceError | None = None  # why no newer run was had, where nothing was published
    unknown_sites: tuple[str, ...] = ()  # sites without any chance though the run covers the time

    @property
    def unchanged(self) -> bool:
        """Whether the issue was out already and nothing was published."""
        return bool(self.receipts) and all(each.outcome == "unchanged" for each in self.receipts)

    @property
    def exit_code(self) -> int:
        """0 when everything is published on every channel, 6 when a part is missing."""
        whole = not (self.failed_phenomena or self.unknown_sites) and all(
            receipt.outcome != "failed" for receipt in self.receipts
        )
        return 0 if whole else PublishError.exit_code

    @property
    def summary(self) -> str:
        channels = ", ".join(f"{receipt.channel} {receipt.outcome}" for receipt in self.receipts)
        parts = [f"{self.issue.id}: {self.forecasts} forecasts", channels]
        if self.failed_phenomena:
            parts.append(f"failed: {', '.join(self.failed_phenomena)}")
        if self.unknown_sites:
            named = ", ".join(self.unknown_sites[:MOST_SITES])
            more = len(self.unknown_sites) - MOST_SITES
            others = f" and {more} more" if more > 0 else ""
            parts.append(f"no chance is known at: {named}{others}; does the run reach there?")
        if self.unavailable_models:
            parts.append(f"unavailable models: {', '.join(self.unavailable_models)}")
        if self.faults:
            first = shortened(self.faults[0], 300)
            parts.append(f"faults of the data: {len(self.faults)}, the first: {first}")
        return "; ".join(parts)


class Stopwatch:
    """Times the steps of a run and logs one line for each."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - start, 3)
        log.info("%s: %.2f s", step, self.seconds[step])
