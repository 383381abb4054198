"""The nouns of verification: outcome reports, issued forecasts and scores.

An outcome report is what one source says of one event; the verified outcome is the report of the
most trusted source. Issued forecasts keep their probabilities, features and grades as issued. What
the public page and `skyscape verify` show is a Verification.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from forecast.domain import CLOUD_SEA_STATES, OUTCOME_SOURCES, Outcome

EventKey = tuple[str, str, str]  # of an event: site, phenomenon, day

OBSERVED_FROM = 0.5  # the degree from which an event counts as observed: partial and full
REFERENCES = ("climatology", "persistence", "rule")  # forecasts that a score is compared with
# What a forecaster changed, compared with the machine's probability before the change: known only
# where there are such changes.
MACHINE = "machine"
STRIP_DAYS = 30  # before today, whose events are marked one by one
# Events with an outcome before a score is shown or a model is trained, and how many of them with,
# and without, the phenomenon.
EVENTS_NEEDED, EVENTS_NEEDED_OF_A_KIND = 30, 5


def happened(outcome: Outcome) -> bool:
    """Return whether the phenomenon occurred: the state sea, or a degree of at least partial."""
    return (
        outcome.state == CLOUD_SEA_STATES[0] if outcome.state else outcome.degree >= OBSERVED_FROM
    )


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """One source's report on one event, and when it was received."""

    outcome: Outcome
    received: datetime

    @property
    def informative(self) -> bool:
        """Return whether the report has a state or a degree."""
        return bool(self.outcome.state) or math.isfinite(self.outcome.degree)

    @property
    def key(self) -> EventKey:
        return (self.outcome.site, self.outcome.phenomenon, self.outcome.day.isoformat())


@dataclass(frozen=True, slots=True)
class VerifiedOutcome:
    """The outcome of an event by its most trusted source.

    outcome: its source is the one that decided; reporter and detail are given where a single
    reporter decided. reports: number of informative reports. sources: where they came from, the
    most trusted first. agreed: whether all reports agree on whether the phenomenon occurred. tied:
    whether as many of the source's reporters saw it as did not.
    """

    outcome: Outcome
    reports: int
    sources: tuple[str, ...]
    agreed: bool
    tied: bool = False

    @property
    def happened(self) -> bool:
        return happened(self.outcome)


def resolve(reports: Iterable[OutcomeReport]) -> VerifiedOutcome | None:
    """Return the outcome that the reports on one event give; None where none is informative.

    The most trusted source decides (domain.OUTCOME_SOURCES), by a vote of its reporters: first
    whether the phenomenon occurred (partial and full both say yes), then its degree, the median of
    those who voted with the majority, of an even number the lower of the middle two. As many yes as
    no is a tie: it counts as observed, since a phenomenon is more easily missed than invented, and
    is not `agreed`. Of one reporter, whose name may be spelt in several ways (`reporter_key`), the
    report that came last votes. State (the most frequent, then the first of CLOUD_SEA_STATES),
    amount (median) and vividness (mean) come from the majority too. What reporters are called
    changes nothing else.
    """
    informative = _one_of_each([r for r in reports if r.informative])
    if not informative:
        return None
    sources = tuple(
        source for source in OUTCOME_SOURCES if any(r.outcome.source == source for r in informative)
    )
    votes = [r.outcome for r in informative if r.outcome.source == sources[0]]
    yes = [o for o in votes if happened(o)]
    no = [o for o in votes if not happened(o)]
    majority = yes if len(yes) >= len(no) else no
    degrees = sorted(_degree(o) for o in majority)
    amounts = sorted(o.amount for o in majority if math.isfinite(o.amount))
    vivid = [o.vividness for o in majority if math.isfinite(o.vividness)]
    first, single = majority[0], len(majority) == 1
    chosen = replace(
        first,
        state=_state_of(majority),
        degree=degrees[(len(degrees) - 1) // 2],
        amount=amounts[(len(amounts) - 1) // 2] if amounts else math.nan,
        vividness=math.fsum(vivid) / len(vivid) if vivid else math.nan,
        reporter=first.reporter if single else "",
        detail=first.detail if single else "",
    )
    return VerifiedOutcome(
        chosen,
        len(informative),
        sources,
        len({happened(r.outcome) for r in informative}) == 1,
        len(yes) == len(no),
    )


def reporter_key(name: str) -> str:
    """Return what a reporter's name is known by: whatever its capitals, width and spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _one_of_each(reports: Sequence[OutcomeReport]) -> list[OutcomeReport]:
    """Return the last report of each reporter of a source; all of those without a name."""
    found: dict[object, OutcomeReport] = {}
    for number, report in enumerate(sorted(reports, key=lambda r: r.received)):
        name = reporter_key(report.outcome.reporter)
        found[report.outcome.source, name or number] = report
    return list(found.values())


def _degree(outcome: Outcome) -> float:
    """Return the degree, or that of the state where it is NaN: a sea counts as full."""
    return (
        outcome.degree
        if math.isfinite(outcome.degree)
        else float(outcome.state == CLOUD_SEA_STATES[0])
    )


def _state_of(outcomes: Sequence[Outcome]) -> str:
    """Return the most frequent state, in a tie the first of CLOUD_SEA_STATES; "" without one."""
    states = [o.state for o in outcomes if o.state]
    return max(CLOUD_SEA_STATES, key=states.count) if states else ""


class _OfAnEvent:
    """The event of a forecast, and how long before it the forecast was issued."""

    __slots__ = ()
    issued: datetime
    site: str
    phenomenon: str
    day: date
    window_start: datetime

    @property
    def key(self) -> EventKey:
        return (self.site, self.phenomenon, self.day.isoformat())

    @property
    def lead(self) -> float:
        """Return the time [h] from issue to the start of the window."""
        return (self.window_start - self.issued).total_seconds() / 3600


@dataclass(frozen=True, slots=True)
class IssuedForecast(_OfAnEvent):
    """A forecast of a published issue. values: features of the leading run as issued.

    usual: the usual frequency that was shown beside it, NaN where none was kept. confidence: 3
    high, 2 medium, 1 low, 0 where none was kept.
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
    # the probability before a forecaster changed it, and whose account; NaN, "" where nobody did
    machine: float = math.nan
    person: str = ""
    usual: float = math.nan
    confidence: int = 0


@dataclass(frozen=True, slots=True)
class RunForecast(_OfAnEvent):
    """The features that one run contributed to a forecast of a published issue, as issued."""

    issue: str
    issued: datetime
    model: str
    run: datetime
    site: str
    phenomenon: str
    day: date
    window_start: datetime
    values: Mapping[str, float]


# -- scores


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the bounds of its 90 % interval and its number of cases; NaN: unavailable."""

    value: float
    low: float = math.nan
    high: float = math.nan
    cases: int = 0

    @property
    def known(self) -> bool:
        return math.isfinite(self.value)

    @property
    def ranged(self) -> bool:
        """Whether there were enough spells of weather for an interval."""
        return self.known and math.isfinite(self.low)


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
    """The scores of one group of forecasts.

    dimension, name: what the group has in common (site, phenomenon, lead, confidence, season,
    source, all).
    cases: forecasts with an outcome; events: different events among them; observed: cases in which
    the phenomenon occurred. brier: of the yes-or-no event, also of a sea of clouds; brier =
    reliability - resolution + uncertainty, exactly (miscalibration, discrimination). skills:
    reference -> Brier skill score on the cases that the reference knows; MACHINE is among them
    where a forecaster has changed forecasts. hits, misses, false_alarms, correct_negatives: at the
    published threshold. enough: whether the group has enough events to be ranked. right: the part
    of cases in which the likelier of the two, by the probability, is what happened, with its
    interval. persistence: skill of persistence itself against climatology.
    """

    dimension: str
    name: str
    phenomenon: str
    cases: int
    events: int
    observed: int
    brier: Figure
    reliability: float
    resolution: float
    uncertainty: float
    skills: Mapping[str, Figure]
    auc: float
    hits: int
    misses: int
    false_alarms: int
    correct_negatives: int
    enough: bool
    right: Figure = Figure(math.nan)
    persistence: Figure = Figure(math.nan)

    @property
    def usual_right(self) -> float:
        """The part of cases in which always forecasting the more frequent outcome is right."""
        share = _ratio(self.observed, self.cases)
        return max(share, 1 - share)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Cases of similar probability: mean probability, observed frequency, its 90 % chance range.

    The bins are the pools of a CORP calibration curve. first, last: least and greatest probability.
    """

    probability: float
    frequency: float
    cases: int
    low: float
    high: float
    first: float = math.nan
    last: float = math.nan


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Counts of yes and no forecasts over a span of days, the last before each event."""

    since: date
    until: date
    hits: int
    misses: int
    false_alarms: int
    correct_negatives: int

    @property
    def forecasts(self) -> int:
        """Return how often the event was forecast."""
        return self.hits + self.false_alarms

    @property
    def cases(self) -> int:
        return self.hits + self.misses + self.false_alarms + self.correct_negatives


@dataclass(frozen=True, slots=True)
class EventMark:
    """One event on the strip of days: whether it was forecast and whether it was observed."""

    site: str
    day: date
    forecast: bool
    observed: bool


@dataclass(frozen=True, slots=True)
class PhenomenonRecord:
    """The verification record of one phenomenon.

    line: over all its cases. month: the last calendar month. marks: the last days. bins:
    reliability; band: (probability, low, high), between which 90 % of the curves of reliable
    forecasts lie; chance: that reliable forecasts look as unreliable as these (a p-value). roc:
    (false alarm rate, detection rate) at falling thresholds. sources: source of truth -> number of
    events it decided.
    """

    phenomenon: str
    line: ScoreLine
    month: EventCounts
    marks: tuple[EventMark, ...]
    bins: tuple[ReliabilityBin, ...]
    roc: tuple[tuple[float, float], ...]
    sources: Mapping[str, int]
    band: tuple[tuple[float, float, float], ...] = ()
    chance: float = math.nan


@dataclass(frozen=True, slots=True)
class Verification:
    """The verification of the published forecasts.

    since, until: first and last local day of the events. threshold: the probability from which a
    forecast is a yes. needed: events before a score is shown. disagreed: events on which the
    sources differ. lines: every group, the best of each dimension first, those with too few cases
    last.
    """

    since: date
    until: date
    threshold: float
    needed: int
    cases: int
    events: int
    disagreed: int
    records: tuple[PhenomenonRecord, ...]
    lines: tuple[ScoreLine, ...]

    def of(self, dimension: str) -> tuple[ScoreLine, ...]:
        return tuple(line for line in self.lines if line.dimension == dimension)

    def by_lead(self, phenomenon: str) -> tuple[ScoreLine, ...]:
        """Return the lines of a phenomenon by days ahead, the nearest first."""
        lines = [line for line in self.of("lead") if line.phenomenon == phenomenon]
        return tuple(sorted(lines, key=lambda line: int(line.name)))

    def by_confidence(self, phenomenon: str) -> tuple[ScoreLine, ...]:
        """Return the lines of a phenomenon by confidence, the highest first."""
        lines = [line for line in self.of("confidence") if line.phenomenon == phenomenon]
        return tuple(sorted(lines, key=lambda line: -int(line.name)))

    @property
    def comparisons(self) -> Comparisons:
        """How many of all groups differ from climatology, and how many would by chance alone."""
        return compared(line.skills["climatology"] for line in self.lines if line.enough)


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Multiplicity: groups with a skill's interval, and those surely better and surely worse.

    Of groups without any skill one in ten has a 90 % interval that excludes zero.
    """

    groups: int
    better: int
    worse: int

    @property
    def by_chance(self) -> float:
        """The expected number of intervals that exclude zero where nothing has skill."""
        return 0.1 * self.groups

    def text(self) -> str:
        """Return the comparison as a sentence for a terminal; "" without an interval."""
        if not self.groups:
            return ""
        return (
            f"of {self.groups} groups with an interval {self.better} are better than climatology "
            f"and {self.worse} worse; without any skill {self.by_chance:.1f} would differ by chance"
        )


def compared(skills: Iterable[Figure]) -> Comparisons:
    """Return how many skills differ from 0 by their intervals, of those that have one."""
    known = [skill for skill in skills if math.isfinite(skill.low)]
    return Comparisons(len(known), sum(s.low > 0 for s in known), sum(s.high < 0 for s in known))
