"""A claim of the physics and what was measured of it: one line of `make science`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed, the figure, the number of cases, what it is held against, and whether it
    holds (None: no bar, told only).
    """

    room: str
    what: str
    figure: str
    cases: int
    reference: str
    holds: bool | None = None

    def line(self) -> str:
        mark = {True: "holds", False: "FAILS", None: ""}[self.holds]
        return f"{self.what:<66} {self.figure:>22}  n={self.cases:<7} {self.reference}  {mark}".rstrip()
