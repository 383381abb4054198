"""The verification page: how good the forecasts were, in plain words and charts a phenomenon.

With too few cases no score is given: the page shows how many there are and how many are needed.
Nothing is shown by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from markupsafe import Markup

from forecast.domain import OUTCOME_SOURCES, Name
from forecast.model_description import ModelCard
from forecast.quantities import yes_threshold
from forecast.verification import (
    EVENTS_NEEDED,
    MACHINE,
    Figure,
    PhenomenonRecord,
    ScoreLine,
    Verification,
)
from products.bulletin import Bulletin
from products.charts.event_strip import event_strip
from products.charts.reliability import reliability_diagram
from products.charts.roc import roc_diagram
from products.charts.skill_by_lead import skill_by_lead
from products.wording import Words


@dataclass(frozen=True, slots=True)
class RecordText:
    """The verification record of one phenomenon, in words.

    last_month: the sentence on last month. sentences: cases and sources. skills: the comparison
    with the references. columns, rows: the table (name, cells of the columns). by_lead: the chart
    of skill by lead; worth: what the weather is worth further ahead, and how that is known. sites:
    which have a row, where not all do.
    """

    phenomenon: str
    enough: bool
    last_month: str
    sentences: tuple[str, ...]
    skills: tuple[str, ...]
    diagram: Markup | None
    roc: Markup | None
    by_lead: Markup | None
    strip: Markup | None
    worth: str
    sites: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


COLUMNS = (
    "group",
    "cases",
    "events",
    "brier",
    "climatology",
    "persistence",
    "rule",
    "pod",
    "far",
    "ts",
    "auc",
    "miscalibration",
    "discrimination",
)
# Chance that reliable forecasts look as unreliable, below which they are called unreliable.
RELIABLE_FROM = 0.05
MINUS = "\N{MINUS SIGN}"
MACHINE_AFTER = "rule"  # the column after which that of the forecaster's changes stands


@dataclass(frozen=True, slots=True)
class Summary:
    """The page: records, phenomena without one, and the number of cases and of events.

    disagreed: events on which the sources of truth disagree. since: the day of the first event.
    threshold: the probability from which an event counts as forecast. needed: cases for a score.
    multiplicity: how many of the scores on the page differ by chance. worths: phenomenon -> what
    its forecasts keep of their weight further ahead, for those without a record. changes: what the
    changes of all forecasters together are worth; "" without any.
    """

    records: tuple[RecordText, ...]
    without_record: tuple[str, ...]
    cases: int
    events: int
    disagreed: int
    since: date | None
    threshold: float
    needed: int
    multiplicity: str = ""
    worths: tuple[tuple[str, str], ...] = ()
    changes: str = ""


def summary(bulletin: Bulletin, words: Words) -> Summary:
    """Return the page's content; a bulletin without verification has no records."""
    phenomena = dict.fromkeys(p for section in bulletin.sections for p in section.site.phenomena)
    found = bulletin.verification
    worth = {card.phenomenon: worth_text(card, words) for card in bulletin.models_in_force}
    if found is None or not found.cases:
        return Summary(
            records=(),
            without_record=tuple(phenomena),
            cases=0,
            events=0,
            disagreed=0,
            since=None,
            threshold=yes_threshold(bulletin.grades),
            needed=found.needed if found else EVENTS_NEEDED,
            worths=tuple((p, worth[p]) for p in phenomena if worth.get(p)),
        )
    names = {section.site.id: section.site.name for section in bulletin.sections}
    today = words.local(bulletin.issue.issued).date()
    with_record = {record.phenomenon for record in found.records}
    return Summary(
        records=tuple(
            replace(
                record_text(record, found, names, words, today),
                worth=worth.get(record.phenomenon, ""),
            )
            for record in found.records
        ),
        without_record=tuple(p for p in phenomena if p not in with_record),
        cases=found.cases,
        events=found.events,
        disagreed=found.disagreed,
        since=found.since,
        threshold=found.threshold,
        needed=found.needed,
        multiplicity=multiplicity(found, words),
        changes=changes_in_sum(found, words),
        worths=tuple((p, worth[p]) for p in phenomena if p not in with_record and worth.get(p)),
    )


SITES_SHOWN = 10  # of each phenomenon, as on the home page
TRUSTED = "starry_sky"  # the phenomenon of `how_often`: every site has its nights
RAIN_CHANCE = "feature:night_rain_probability"  # in `missing` of a forecast without an ensemble
AHEAD = {"tonight": (0,), "three_days": (3,), "week": (7, 6)}  # days ahead, the first that is known


def how_often(bulletin: Bulletin, words: Words) -> str:
    """Return in one sentence how often starry nights were forecast right, at three leads.

    From the service's own verification once tonight has enough cases and spells of weather for an
    interval, before that from the card of the model in force; "" where neither has them. Of a
    card those without a rain probability, where a starry night of the issue has none.
    """
    found = bulletin.verification
    own = [
        line
        for line in (found.by_lead(TRUSTED) if found else ())
        if line.enough and line.right.ranged
    ]
    scores = {int(line.name): (line.right.value, line.usual_right, line.cases) for line in own}
    origin = "own"
    if 0 not in scores:
        card = next((c for c in bulletin.models_in_force if c.phenomenon == TRUSTED), None)
        leads = (card.by_lead_bare if _without_rain(bulletin) else card.by_lead) if card else ()
        scores = {one.day: (one.right, one.usual_right, one.cases) for one in leads}
        origin = "elsewhere"
    if 0 not in scores:
        return ""
    parts, shown = [], []
    for name, days in AHEAD.items():
        day = next((day for day in days if day in scores), None)
        if day is not None:
            shown.append(scores[day])
            parts.append(words(f"how_often.{name}", percent=words.share(scores[day][0])))
    return words(
        f"how_often.{origin}",
        parts=words.listed(parts),
        usual=words.share(shown[0][1]),
        cases=sum(cases for *_, cases in shown),
    )


def _without_rain(bulletin: Bulletin) -> bool:
    """Return whether a starry night of the issue is answered without a rain probability."""
    return any(
        entry.forecast.event.phenomenon == TRUSTED and RAIN_CHANCE in entry.forecast.missing
        for entry in bulletin.entries
    )


def multiplicity(found: Verification, words: Words) -> str:
    """Return how many groups differ from climatology and how many would by chance; "" of none."""
    several = found.comparisons
    if not several.groups:
        return ""
    return words(
        "verification.multiplicity",
        groups=several.groups,
        better=several.better,
        worse=several.worse,
        chance=math.ceil(several.by_chance),
    )


def changes_in_sum(found: Verification, words: Words) -> str:
    """Return what all changes by forecasters are worth; "" where none has an outcome."""
    line = next((each for each in found.of("phenomenon") if not each.phenomenon), None)
    return changes_text(line.skills[MACHINE], words) if line and MACHINE in line.skills else ""


def changes_text(skill: Figure, words: Words) -> str:
    """Return how changed forecasts compare with the machine's, with cases and interval.

    skill: of MACHINE. "" where it is unknown.
    """
    if not skill.known:
        return ""
    sure = math.isfinite(skill.low)
    better, worse = sure and skill.low > 0, sure and skill.high < 0
    key = "better" if better else "worse" if worse else "even" if sure else "unsure"
    low, high = (skill.low, skill.high) if not worse else (-skill.high, -skill.low)
    return words(
        f"review.changes_{key}",
        cases=skill.cases,
        percent=words.share(abs(skill.value)),
        low=words.share(low).replace("-", MINUS) if sure else "",
        high=words.share(high).replace("-", MINUS) if sure else "",
    )


def worth_text(card: ModelCard, words: Words) -> str:
    """Return what the weather is worth further ahead, and whether that was measured; "" unknown."""
    if card.worth is None:
        return ""
    return words(f"verification.worth.{card.worth.kind}", days=f"{card.worth.half:.1f}")


def record_text(
    record: PhenomenonRecord,
    found: Verification,
    names: Mapping[str, Name],
    words: Words,
    today: date,
) -> RecordText:
    """Return the record of one phenomenon in words."""
    line, name = record.line, words(f"phenomenon.{record.phenomenon}.name")
    columns = columns_of(found)
    leads = found.by_lead(record.phenomenon)
    by_lead = skill_by_lead(leads, words, name, record.phenomenon)
    few = by_lead is None and any(each.enough for each in leads)
    sites = [each for each in found.of("site") if each.phenomenon == record.phenomenon]
    listed = {each.name for each in sorted(sites, key=lambda each: -each.events)[:SITES_SHOWN]}
    rows = [
        (_group(each, names, words), cells(each, words, columns))
        for dimension in ("lead", "confidence", "site", "season", "source")
        for each in _ordered(found.of(dimension), dimension)
        if each.phenomenon == record.phenomenon and (dimension != "site" or each.name in listed)
    ]
    bounded = words("verification.sites", shown=len(listed), count=len(sites))
    if len(sites) > SITES_SHOWN:
        names = {site: name for site, name in names.items() if site in listed}
    return RecordText(
        phenomenon=record.phenomenon,
        enough=line.enough,
        last_month=last_month(record, words),
        sentences=tuple(_sentences(record, found.needed, words)),
        skills=(
            *_skills(record, words),
            *([words("verification.by_lead_few")] if few else []),
            *confidence_texts(found, record.phenomenon, words),
        )
        if line.enough
        else (),
        diagram=reliability_diagram(record, words, name) if record.bins else None,
        roc=roc_diagram(record, words, name) if record.roc else None,
        by_lead=by_lead,
        strip=event_strip(record.marks, names, words, name, record.phenomenon, today)
        if record.marks
        else None,
        worth="",
        sites=bounded if len(sites) > SITES_SHOWN else "",
        columns=columns,
        rows=tuple(rows),
    )


def columns_of(found: Verification) -> tuple[str, ...]:
    """Return the columns of the tables; that of a forecaster's changes where there are any."""
    if not any(MACHINE in line.skills for line in found.lines):
        return COLUMNS
    place = COLUMNS.index(MACHINE_AFTER) + 1
    return (*COLUMNS[:place], MACHINE, *COLUMNS[place:])


def _sentences(record: PhenomenonRecord, needed: int, words: Words) -> list[str]:
    """Return the sentences on the number of cases and on their sources."""
    line = record.line
    size = "whole" if line.enough else "few"
    sources = [
        words(
            "verification.source_count", source=words(f"verification.source.{source}"), cases=count
        )
        for source in OUTCOME_SOURCES
        if (count := record.sources.get(source))
    ]
    sentences = [
        words(f"verification.{size}", cases=line.cases, seen=line.observed, needed=needed),
        words("verification.sources", sources=words.listed(sources)),
    ]
    if set(record.sources) == {"analysis"}:
        sentences.append(words("verification.only_analysis"))
    return sentences


def _skills(record: PhenomenonRecord, words: Words) -> list[str]:
    sentences = [skill_text(name, figure, words) for name, figure in record.line.skills.items()]
    if math.isfinite(record.chance):
        key = "reliable" if record.chance >= RELIABLE_FROM else "unreliable"
        sentences.append(words(f"verification.{key}", chance=words.share(record.chance)))
    return [sentence for sentence in sentences if sentence]


def confidence_texts(found: Verification, phenomenon: str, words: Words) -> list[str]:
    """Return how often forecasts of each confidence were right, of those with enough cases."""
    return [
        words(
            "verification.sure" if math.isfinite(line.right.low) else "verification.sure_unsure",
            group=words(f"verification.confidence.{line.name}"),
            cases=line.cases,
            percent=words.share(line.right.value),
            usual=words.share(line.usual_right),
            **(
                {"low": words.share(line.right.low), "high": words.share(line.right.high)}
                if math.isfinite(line.right.low)
                else {}
            ),
        )
        for line in found.by_confidence(phenomenon)
        if line.enough
    ]


def last_month(record: PhenomenonRecord, words: Words) -> str:
    """Return the sentence on last month: forecasts, hits and misses."""
    month = record.month
    blanks = {
        "month": words(f"month.{month.since.month}"),
        "told": month.forecasts,
        "hits": month.hits,
        "misses": month.misses,
    }
    if not month.cases:
        return words("verification.month_none", **blanks)
    first = words(
        "verification.month" if month.forecasts else "verification.month_untold", **blanks
    )
    return first + (
        words("verification.month_missed", **blanks)
        if month.misses
        else words("verification.month_none_missed")
    )


def skill_text(reference: str, figure: Figure, words: Words) -> str:
    """Return how the forecasts compare with a reference; "" where that is unknown."""
    if not figure.known:
        return ""
    name = words(f"verification.against.{reference}", cases=figure.cases)
    if math.isnan(figure.low):
        return words("verification.skill_unsure", against=name, cases=figure.cases)
    bounds = {"low": words.share(abs(figure.low)), "high": words.share(abs(figure.high))}
    if figure.low > 0:
        return words(
            "verification.skill_better", against=name, percent=words.share(figure.value), **bounds
        )
    if figure.high < 0:
        return words(
            "verification.skill_worse",
            against=name,
            percent=words.share(-figure.value),
            low=bounds["high"],
            high=bounds["low"],
        )
    return words("verification.skill_even", against=name)


def cells(line: ScoreLine, words: Words, columns: tuple[str, ...] = COLUMNS) -> tuple[str, ...]:
    """Return the cells of a row; a dash where there is no figure, or too few cases for one.

    A skill needs as many spells of weather as its interval does.
    """

    def figure(value: float, digits: int = 2) -> str:
        return (
            f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)
            if line.enough and math.isfinite(value)
            else words("time.none")
        )

    def ranged(figure_: Figure) -> str:
        if not (line.enough and figure_.known):
            return words("time.none")
        bounds = (
            f" [{figure(figure_.low)}, {figure(figure_.high)}]"
            if math.isfinite(figure_.low)
            else ""
        )
        return figure(figure_.value) + bounds

    texts = {
        "cases": f"{line.cases} / {line.observed}",
        "events": str(line.events),
        "brier": ranged(line.brier),
        "pod": figure(line.pod),
        "far": figure(line.far),
        "ts": figure(line.ts),
        "auc": figure(line.auc),
        "miscalibration": figure(line.reliability, 3),
        "discrimination": figure(line.resolution, 3),
        MACHINE: words("time.none"),
        **{
            name: ranged(value) if value.ranged else words("time.none")
            for name, value in line.skills.items()
        },
    }
    return tuple(texts[column] for column in columns[1:])


def _ordered(lines: tuple[ScoreLine, ...], dimension: str) -> tuple[ScoreLine, ...]:
    """Return rows in their order on the page: leads rising, confidence falling, others as given."""
    if dimension not in ("lead", "confidence"):
        return lines
    turn = 1 if dimension == "lead" else -1
    return tuple(sorted(lines, key=lambda line: turn * int(line.name)))


def _group(line: ScoreLine, names: Mapping[str, Name], words: Words) -> str:
    if line.dimension == "site":
        return words.name(names[line.name]) if line.name in names else line.name
    if line.dimension == "lead":
        return words("verification.lead", days=line.name)
    return words(f"verification.{line.dimension}.{line.name}")
