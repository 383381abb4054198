"""Claims of the physics and of the learning, as measured: each is a line of `make science`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed, the figure, the number of cases, the reference, and whether the claim holds.

    holds: None where there is no bar. missed: a bar that is missed, known and reasoned in
    DECISIONS.md: printed as MISSED, it fails nothing.
    """

    topic: str
    what: str
    figure: str
    cases: int
    reference: str
    holds: bool | None = None
    missed: bool = False

    def line(self) -> str:
        mark = {True: "holds", False: "FAILS", None: "MISSED" * self.missed}[self.holds]
        figure = f"{self.what:<66} {self.figure:>22}  n={self.cases:<7}"
        return f"{figure} {self.reference}  {mark}".rstrip()
