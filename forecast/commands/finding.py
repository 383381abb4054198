"""One thing that `skyscape check` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """What was found about one subject.

    grade: `ok`; `note`, good to know; `warning`, may be wrong; `fault`, must be mended. may_pass:
    a fault that keeps no service down: it starts, says so, and waits or works without.
    """

    grade: str
    subject: str
    detail: str
    may_pass: bool = False
