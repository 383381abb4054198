"""One thing that `skyscape check` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """What was found about one subject.

    grade: `ok`; `note`, good to know; `warning`, may be wrong; `fault`, must be mended. may_pass:
    a fault of the machine, not of the settings: a service starts with it and waits.
    """

    grade: str
    subject: str
    detail: str
    may_pass: bool = False
