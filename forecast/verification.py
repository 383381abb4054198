"""The nouns of looking back: what came of a day, what had been told of it, and how good that was.

A report is one source's word on one day; what was seen is the word of the most trusted source that
spoke. Everything told is told as it
was issued: probabilities, features and grades as they stood then. What the public page and
`skyscape verify` show is a Verification.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar

from forecast.domain import CLOUD_SEA_STATES, OUTCOME_SOURCES, Name, Outcome

T = TypeVar("T")
Key = tuple[str, str, str]  # of an event: site, phenomenon, day

OBSERVED_FROM = 0.5  # the degree from which an event counts as observed: partial and full
# Events with an outcome before a score is shown or a model is trained, and how many of them with,
# and without, the phenomenon.
EVENTS_NEEDED, EVENTS_NEEDED_OF_A_KIND = 30, 5


def happened(outcome: Outcome) -> bool:
    """Say whether the headline was seen: of a sea of clouds the sea, of all else at least a part."""
    return (
        outcome.state == CLOUD_SEA_STATES[0] if outcome.state else outcome.degree >= OBSERVED_FROM
    )


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """One source's word on one day, and when it came in."""

    outcome: Outcome
    received: datetime

    @property
    def tells(self) -> bool:
        return bool(self.outcome.state) or math.isfinite(self.outcome.degree)

    @property
    def key(self) -> Key:
        return (self.outcome.site, self.outcome.phenomenon, self.outcome.day.isoformat())


@dataclass(frozen=True, slots=True)
class VerifiedOutcome:
    """What came of a day: the word of the most trusted source that spoke.

    outcome: its source is the one that decided, its reporter the last of those who agree. reports:
    all that told; sources: those they came
    from, the most trusted first. agreed: whether all of them say alike whether it was seen.
    """

    outcome: Outcome
    reports: int
    sources: tuple[str, ...]
    agreed: bool

    @property
    def happened(self) -> bool:
        return happened(self.outcome)


def resolve(reports: Iterable[OutcomeReport]) -> VerifiedOutcome | None:
    """Return what counts of the reports on one day, None where none tells anything.

    The most trusted source decides (domain.OUTCOME_SOURCES). Within it the degree most of its
    reporters give; of equally many the one given last. A state and an amount are then those of the
    reporters who gave that degree; vividness is the mean of all who said it.
    """
    telling = sorted(
        (r for r in reports if r.tells), key=lambda r: (r.received, r.outcome.reporter)
    )
    if not telling:
        return None
    sources = tuple(
        source for source in OUTCOME_SOURCES if any(r.outcome.source == source for r in telling)
    )
    decide = [r.outcome for r in telling if r.outcome.source == sources[0]]
    degree = _most([_degree(o) for o in decide])
    agreeing = [o for o in decide if _degree(o) == degree]
    state = _most([o.state for o in agreeing if o.state] or [""])
    amounts = sorted(o.amount for o in agreeing if math.isfinite(o.amount))
    vivid = [o.vividness for o in decide if math.isfinite(o.vividness)]
    chosen = replace(
        [o for o in agreeing if o.state in (state, "")][-1],
        state=state,
        degree=degree,
        amount=amounts[len(amounts) // 2] if amounts else math.nan,
        vividness=math.fsum(vivid) / len(vivid) if vivid else math.nan,
    )
    return VerifiedOutcome(
        chosen, len(telling), sources, len({happened(r.outcome) for r in telling}) == 1
    )


def _degree(outcome: Outcome) -> float:
    """Return the degree; where only the state is known, that of the state: a sea of which nobody
    said how full counts as full.
    """
    return (
        outcome.degree
        if math.isfinite(outcome.degree)
        else float(outcome.state == CLOUD_SEA_STATES[0])
    )


def _most(values: Sequence[T]) -> T:
    """Return the value that stands most often; of equally frequent ones that which stands last."""
    return max(
        values, key=lambda value: (values.count(value), len(values) - values[::-1].index(value))
    )


@dataclass(frozen=True, slots=True)
class IssuedForecast:
    """A forecast of a published issue. values: the leading run's features as known then; lead [h]:
    until the event's window begins.
    """

    issue: str
    issued: datetime
    run: datetime
    site: str
    phenomenon: str
    day: date
    window_start: datetime
    probability: float
    grade: int
    model: str
    values: Mapping[str, float] = field(default_factory=dict)
    # NWP model -> its newest run's probability
    contributing_runs: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return (self.site, self.phenomenon, self.day.isoformat())

    @property
    def lead(self) -> float:
        return (self.window_start - self.issued).total_seconds() / 3600


@dataclass(frozen=True, slots=True)
class RunForecast:
    """What one run of one model gave to a forecast of a published issue: its features, as known
    then.
    """

    issue: str
    issued: datetime
    model: str
    run: datetime
    site: str
    phenomenon: str
    day: date
    window_start: datetime
    values: Mapping[str, float]

    @property
    def key(self) -> Key:
        return (self.site, self.phenomenon, self.day.isoformat())

    @property
    def lead(self) -> float:
        return (self.window_start - self.issued).total_seconds() / 3600


# -- how good it was


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the bounds of its 90 % interval, and how many cases it stands on; NaN: not to
    be had.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    cases: int = 0

    @property
    def known(self) -> bool:
        return math.isfinite(self.value)


class Contingency:
    """Scores of yes and no forecasts, from the counts of a contingency table; NaN of no cases.

    Source: Wilks 2011, Statistical Methods in the Atmospheric Sciences, 3rd ed., eqs. 8.8-8.11.
    """

    __slots__ = ()
    hits: int
    misses: int
    false_alarms: int

    @property
    def pod(self) -> float:
        """Probability of detection: hits / (hits + misses)."""
        return _ratio(self.hits, self.hits + self.misses)

    @property
    def far(self) -> float:
        """False alarm ratio: false alarms / (hits + false alarms)."""
        return _ratio(self.false_alarms, self.hits + self.false_alarms)

    @property
    def ts(self) -> float:
        """Threat score (critical success index): hits / (hits + misses + false alarms)."""
        return _ratio(self.hits, self.hits + self.misses + self.false_alarms)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


@dataclass(frozen=True, slots=True)
class ScoreLine(Contingency):
    """What a group of forecasts is worth. dimension, name: what they have in common (site,
    phenomenon, lead, season, source, all).

    cases: forecasts with an outcome; events: different events among them; seen: cases in which it
    was seen. brier = reliability - resolution + uncertainty up to the width of the bins. skills:
    reference -> Brier skill against it, on the cases that it knows.
    hits, misses, false_alarms, quiet: of yes and no at the published threshold. enough: whether it
    may be ranked.
    """

    dimension: str
    name: str
    phenomenon: str
    cases: int
    events: int
    seen: int
    brier: Figure
    reliability: float
    resolution: float
    uncertainty: float
    skills: Mapping[str, Figure]
    auc: float
    hits: int
    misses: int
    false_alarms: int
    quiet: int
    enough: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases of like probability: the mean told, how often it was seen, and between what the
    frequency lies by chance (90 %).
    """

    told: float
    seen: float
    cases: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Yes and no over a span of days, one forecast an event: the last before it began."""

    since: date
    until: date
    hits: int
    misses: int
    false_alarms: int
    quiet: int

    @property
    def told(self) -> int:
        """How often it was forecast."""
        return self.hits + self.false_alarms

    @property
    def cases(self) -> int:
        return self.hits + self.misses + self.false_alarms + self.quiet


@dataclass(frozen=True, slots=True)
class Mark:
    """One event on the strip: whether it was forecast and whether it was seen."""

    site: str
    day: date
    told: bool
    seen: bool


@dataclass(frozen=True, slots=True)
class Record:
    """What is shown of one phenomenon: a line over all its cases, of each site, the last month, the
    last days, reliability, ROC points.

    sources: source of truth -> events it decided. roc: (false alarm rate, detection rate) at
    falling thresholds.
    """

    phenomenon: str
    line: ScoreLine
    month: Tally
    marks: tuple[Mark, ...]
    bins: tuple[Bin, ...]
    roc: tuple[tuple[float, float], ...]
    sources: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Verification:
    """How good the forecasts were. threshold: the probability from which a forecast is a yes;
    needed: cases before a score is told.

    since, until: days of the events. disagreed: events on which the sources differ. lines: every
    group, the best of each dimension first, those with too few cases last.
    """

    since: date
    until: date
    threshold: float
    needed: int
    cases: int
    events: int
    disagreed: int
    records: tuple[Record, ...]
    lines: tuple[ScoreLine, ...]

    def of(self, dimension: str) -> tuple[ScoreLine, ...]:
        return tuple(line for line in self.lines if line.dimension == dimension)


# -- by which model


@dataclass(frozen=True, slots=True)
class Fold:
    """How a model did on days it had not seen: Brier score, and that of the untrained rule, on the
    same cases; `seen` of them came.

    brier_of_base: of always saying how often it came; gain: 90 % interval of the rule's score less
    the model's; sites: whose days they are.
    """

    first: date
    last: date
    kind: str
    cases: int
    seen: int
    brier: float
    brier_of_rule: float
    brier_of_base: float | None = None
    gain: tuple[float, float] | None = None
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a reader may know of the model that serves a phenomenon. made: None for the untrained
    rule, of which little else is told.

    sources, sites: cases learnt from by source of truth and by place; seen: of the cases, those in
    which it came. whole: all folds together, None where nothing was judged. note, trained_on: in
    the words of whoever trained it. refused: why others do not serve.
    note_zh: the note in Chinese. left_out: what was left out together (month, week, mountain; "":
    not told). names: of sites not served.
    """

    phenomenon: str
    name: str
    kind: str = "rule"
    made: datetime | None = None
    features: tuple[str, ...] = ()
    span: tuple[date, date] | None = None
    cases: int = 0
    seen: int = 0
    sources: Mapping[str, int] = field(default_factory=dict)
    sites: Mapping[str, int] = field(default_factory=dict)
    whole: Fold | None = None
    folds: tuple[Fold, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    data_sha256: str = ""
    model_sha256: str = ""
    note: str = ""
    trained_on: str = ""
    refused: tuple[str, ...] = ()
    note_zh: str = ""
    left_out: str = ""
    names: Mapping[str, Name] = field(default_factory=dict)

    @property
    def trained(self) -> bool:
        return self.made is not None
