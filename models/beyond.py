"""What holds of a learned lead term at leads that no label had.

The learnt slope b + c lead counts as 0 where it falls below: no forecast says the opposite of its
departure. Beyond the longest trained lead it is that at it, and what was learnt fades with the
worth of the lead (models/lead.py): far ahead the answer is that without labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.lead import SCALES

Array = NDArray[np.floating[Any]]

LEAD_DAYS = 5.0  # [day] the unit of the lead beside c


@dataclass(frozen=True, slots=True)
class Beyond:
    """Leads (case) in LEAD_DAYS, at most the longest trained, and the part [1] that is kept."""

    lead: Array
    kept: Array

    @classmethod
    def of(cls, phenomenon: str, hours: Array, longest: float) -> Self:
        """Return it of leads [h] (case) and the longest lead [h] of the training; NaN stays."""
        worth = SCALES[phenomenon].worth
        known = max(float(worth(np.array(longest))), np.finfo(float).tiny)
        kept = np.where(hours > longest, np.minimum(worth(hours) / known, 1.0), 1.0)
        return cls(np.clip(hours, 0.0, longest) / (24 * LEAD_DAYS), kept)

    def slope(self, total: float, by_lead: float) -> Array:
        """Return b + c lead (case), at least 0."""
        return np.asarray(np.maximum(total + by_lead * self.lead, 0.0))

    def hold(self, design: Array, columns: tuple[int, int, int], slope: Array) -> None:
        """Change the columns of start, departure and departure by lead in a design (case, column).

        The start has the coefficient 1: what is not kept of the departure moves to it.
        """
        start, total, by_lead = columns
        departure = design[:, total].copy()
        learnt = np.where(slope > 0, self.kept * departure, 0.0)
        design[:, start] += (1 - self.kept) * departure
        design[:, total], design[:, by_lead] = learnt, self.lead * learnt


def longest_of(hours: Array) -> float:
    """Return the longest lead [h] of the training's; without cases what is known holds at all."""
    return float(max(hours.max(), 0.0)) if len(hours) else np.inf
