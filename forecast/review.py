"""The nouns of review: drafts, what a person changed in one, and who decided what and when.

A draft holds the forecasts of an issue before it goes out. It has no number and is never in the
public folder. Its life, and that of the issue it becomes:

    draft -> reviewed -> released -> superseded | withdrawn
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from forecast.domain import Cycle, Name

NO_WORDS = Name("", "")
State = Literal["draft", "reviewed", "released", "superseded", "withdrawn", "expired"]
# From which state to which others. A reviewed draft returns to draft when it is changed again.
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "": frozenset({"draft", "released"}),
    "draft": frozenset({"reviewed", "released", "expired"}),
    "reviewed": frozenset({"released", "draft", "expired"}),
    "released": frozenset({"superseded", "withdrawn"}),
    "superseded": frozenset({"withdrawn"}),
    "withdrawn": frozenset(),
    "expired": frozenset({"released"}),  # after a kill: it was out already when it expired
}
MACHINE = "machine"  # stands for the person of a transition that no person made

# What can be changed in the forecast of an event; the type of its value in JSON.
EDIT_FIELDS: Mapping[str, type] = {
    "probability": float,  # 0 to 1
    "window": list,  # [start, end] in ISO format
    "sentence": dict,  # {"zh": ..., "en": ...}
    "hidden": bool,
    "recommended": bool,
}
LONGEST_SENTENCE, LONGEST_COMMENT = 120, 300  # [character] a language
# Why a forecaster changes something; the words stand in templates/text (desk.reason).
EDIT_REASONS = (
    "observation",  # stations or cameras show otherwise
    "satellite",
    "model_bias",  # the model is known to fail so here
    "models_disagree",
    "local_knowledge",
    "wording",
    "other",  # a note is required
)

EventKey = tuple[str, str, str]  # of an event: site, phenomenon, day


@dataclass(frozen=True, slots=True)
class Edit:
    """One change by a person. value: of the type of EDIT_FIELDS; the reason is of EDIT_REASONS.

    before: what the draft said then. id: 0 until it is kept.
    """

    event: EventKey
    field: str
    value: object
    reason: str
    person: str
    at: datetime
    note: str = ""
    before: object = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """The forecasts of a coming issue.

    prepared: as of when; the same inputs as of the same moment give the same forecasts. hour: when
    it is to go out; expires: from when it never does. version: rises with every change; who changes
    it names the version that they saw. lost_edits: edits of an earlier draft that do not apply to
    this one. corrects: the id of the issue that it corrects.
    """

    id: str
    cycle: Cycle
    prepared: datetime
    hour: datetime
    expires: datetime
    state: State = "draft"
    version: int = 1
    comment: Name = NO_WORDS
    lost_edits: tuple[Edit, ...] = ()
    corrects: str = ""
    correction_reason: str = ""

    @property
    def open(self) -> bool:
        """Return whether it may still be changed or released."""
        return self.state in ("draft", "reviewed")


@dataclass(frozen=True, slots=True)
class Transition:
    """A step in the life of a draft or an issue; kept for ever. person: MACHINE or an account."""

    subject: str
    before: str
    after: str
    person: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """How an issue was reviewed, as its readers see it.

    person: the name of who signed it; "" where nobody did although somebody should have
    (`unreviewed`). comment: the forecaster's words. corrects: the number of the issue that this one
    corrects, and why. account, draft: for the archive, not shown.
    """

    person: str = ""
    unreviewed: bool = False
    comment: Name = NO_WORDS
    corrects: int | None = None
    reason: str = ""
    account: str = MACHINE
    draft: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why an issue is withdrawn, by whom (the name that readers see) and since when.

    account: for the archive, not shown. words: the reason in each language, where it has them.
    """

    at: datetime
    person: str
    reason: str
    account: str = MACHINE
    words: Name = NO_WORDS

    def reason_in(self, language: str) -> str:
        """Return the reason as readers of a language see it."""
        return self.words.in_language(language) or self.reason


ROLES = ("forecaster", "editor", "ranger_manager", "administrator")
# What each role may do: forecasters and editors change drafts, forecasters sign.
PERMISSIONS: Mapping[str, frozenset[str]] = {
    "forecaster": frozenset({"see", "edit", "sign", "reports"}),
    "editor": frozenset({"see", "edit"}),
    "ranger_manager": frozenset({"see", "reports", "links"}),
    "administrator": frozenset({"see", "edit", "sign", "reports", "links", "accounts"}),
}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may enter the desk. name: by which they sign; sessions begun before
    `valid_from` have ended.
    """

    id: str
    name: str
    role: str
    disabled: bool = False
    valid_from: datetime | None = None

    def may(self, what: str) -> bool:
        """Return whether the role permits something of PERMISSIONS."""
        return not self.disabled and what in PERMISSIONS[self.role]
