"""Claims of the physics and of the learning, as measured: each is a line of `make science`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed, the figure, the number of cases, the reference, and whether the claim holds.

    holds: None where there is no bar. band: the bar is a band of calibration, printed as MISSED
    where it does not hold. known: it is listed as such, and DECISIONS.md says why: `make science`
    fails all the same, the tests do not.
    """

    topic: str
    what: str
    figure: str
    cases: int
    reference: str
    holds: bool | None = None
    band: bool = False
    known: bool = False

    @property
    def fails(self) -> bool:
        """Whether the bar does not hold and nobody knew."""
        return self.holds is False and not self.known

    def line(self) -> str:
        mark = {True: "holds", False: "MISSED" if self.band else "FAILS", None: ""}[self.holds]
        figure = f"{self.what:<66} {self.figure:>22}  n={self.cases:<7}"
        return f"{figure} {self.reference}  {mark}".rstrip()
