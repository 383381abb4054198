"""How good the forecasts were, in plain words and three drawings a phenomenon: for readers who plan
a trip, and for those who check us.

Where there are too few cases no score is told: the page says how many there are and how many it
takes. Nothing is said by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from forecast.domain import OUTCOME_SOURCES, Name
from forecast.verification import EVENTS_NEEDED, Figure, Mark, Record, ScoreLine, Verification
from products.bulletin import Bulletin
from products.charts.svg import LEFT, RIGHT, WIDTH, Scale, Sheet, box, breadth, number, polyline
from products.wording import Words

STRIP_DAYS = 30
ROW = 36.0  # [px] of a site in the strip: its name, and its marks below
REFERENCES = ("climatology", "persistence", "rule")


@dataclass(frozen=True, slots=True)
class Chapter:
    """What the page says of one phenomenon.

    lead: what happened last month, the sentence most read; said: the rest, sentence by sentence;
    skills: how it compares with what one could say without us; days, sites: rows of the table
    (name, and what stands in its columns).
    """

    phenomenon: str
    enough: bool
    lead: str
    said: tuple[str, ...]
    skills: tuple[str, ...]
    diagram: Markup | None
    roc: Markup | None
    strip: Markup | None
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
)


@dataclass(frozen=True, slots=True)
class Account:
    """The page: its chapters, the phenomena of which nothing can be said yet, how many events there
    are, and when the first was.
    """

    chapters: tuple[Chapter, ...]
    silent: tuple[str, ...]
    cases: int
    events: int
    disagreed: int
    since: date | None
    threshold: float
    needed: int


def account(bulletin: Bulletin, words: Words) -> Account:
    """Return what the page says, from the bulletin's verification (None: none was made, the page
    says so).
    """
    asked = [p for section in bulletin.sections for p in section.site.phenomena]
    found = bulletin.verification
    if found is None or not found.cases:
        return Account(
            (),
            tuple(dict.fromkeys(asked)),
            0,
            0,
            0,
            None,
            bulletin.grades[1],
            found.needed if found else EVENTS_NEEDED,
        )
    names = {section.site.id: section.site.name for section in bulletin.sections}
    chapters = tuple(
        chapter(record, found, names, words, words.local(bulletin.issue.issued).date())
        for record in found.records
    )
    told = {each.phenomenon for each in chapters}
    silent = tuple(p for p in dict.fromkeys(asked) if p not in told)
    return Account(
        chapters,
        silent,
        found.cases,
        found.events,
        found.disagreed,
        found.since,
        found.threshold,
        found.needed,
    )


def chapter(
    record: Record, found: Verification, names: Mapping[str, Name], words: Words, today: date
) -> Chapter:
    """Return what is said of one phenomenon."""
    line, name = record.line, words(f"phenomenon.{record.phenomenon}.name")
    whole = "whole" if line.enough else "few"
    said = [words(f"verification.{whole}", cases=line.cases, seen=line.seen, needed=found.needed)]
    sources = [
        words(
            "verification.source_count", source=words(f"verification.source.{source}"), cases=count
        )
        for source in OUTCOME_SOURCES
        if (count := record.sources.get(source))
    ]
    said.append(words("verification.sources", sources=words.listed(sources)))
    if set(record.sources) == {"analysis"}:
        said.append(words("verification.only_analysis"))
    skills = (
        [compared(reference, line.skills[reference], words) for reference in REFERENCES]
        if line.enough
        else []
    )
    rows = [
        (_group(each, names, words), cells(each, words))
        for dimension in ("lead", "site", "season", "source")
        for each in _ordered(found.of(dimension), dimension)
        if each.phenomenon == record.phenomenon
    ]
    return Chapter(
        record.phenomenon,
        line.enough,
        last_month(record, words),
        tuple(said),
        tuple(each for each in skills if each),
        reliability_diagram(record, words, name) if record.bins else None,
        roc_diagram(record, words, name) if record.roc else None,
        strip_of_days(record.marks, names, words, name, record.phenomenon, today)
        if record.marks
        else None,
        tuple(rows),
    )


def last_month(record: Record, words: Words) -> str:
    """Return the sentence on last month: how often it was forecast, and how often it came."""
    month = record.month
    blanks = {
        "month": words(f"month.{month.since.month}"),
        "told": month.told,
        "hits": month.hits,
        "misses": month.misses,
    }
    if not month.cases:
        return words("verification.month_none", **blanks)
    first = words("verification.month" if month.told else "verification.month_untold", **blanks)
    return first + (
        words("verification.month_missed", **blanks)
        if month.misses
        else words("verification.month_none_missed")
    )


def compared(reference: str, figure: Figure, words: Words) -> str:
    """Say in words how the forecasts compare with a reference; "" where that cannot be said."""
    if not figure.known:
        return ""
    name = words(f"verification.against.{reference}")
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


def cells(line: ScoreLine, words: Words) -> tuple[str, ...]:
    """Return the columns of a line of the table; a dash where there is no figure, or too few cases
    for one.
    """
    told = line.enough

    def figure(value: float, digits: int = 2) -> str:
        return (
            f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "\u2212")
            if told and math.isfinite(value)
            else words("time.none")
        )

    def ranged(figure_: Figure) -> str:
        if not (told and figure_.known):
            return words("time.none")
        bounds = (
            f" [{figure(figure_.low)}, {figure(figure_.high)}]"
            if math.isfinite(figure_.low)
            else ""
        )
        return figure(figure_.value) + bounds

    return (
        f"{line.cases} / {line.seen}",
        str(line.events),
        ranged(line.brier),
        *(ranged(line.skills[name]) for name in REFERENCES),
        figure(line.pod),
        figure(line.far),
        figure(line.ts),
        figure(line.auc),
    )


def _ordered(lines: tuple[ScoreLine, ...], dimension: str) -> tuple[ScoreLine, ...]:
    """Return lines as the table has them: the best first, but days ahead in their own order."""
    return tuple(sorted(lines, key=lambda line: int(line.name))) if dimension == "lead" else lines


def _group(line: ScoreLine, names: Mapping[str, Name], words: Words) -> str:
    if line.dimension == "site":
        return words.name(names[line.name]) if line.name in names else line.name
    if line.dimension == "lead":
        return words("verification.lead", days=line.name)
    return words(f"verification.{line.dimension}.{line.name}")


# -- drawings


def reliability_diagram(record: Record, words: Words, name: str) -> Markup:
    """Draw what was told against how often it came: on the diagonal the probabilities mean what
    they say.

    A grey bar is where the frequency lies by chance in nine of ten cases were every probability
    right; a dot is filled where it lies within, hollow outside, with its number of cases beside it.
    """
    top, bottom = 26.0, 286.0
    sheet = Sheet(326, f"reliability-{record.phenomenon}")
    across, up = Scale(0, 1, LEFT + 8, RIGHT - 8), Scale(0, 1, bottom, top)
    sheet.rect(
        across(0),
        top,
        across(1) - across(0),
        bottom - top,
        "c-trough",
        fill="currentColor",
        fill_opacity=".05",
    )
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        sheet.line(across(0), up(part), across(1), up(part), "c-grid")
        sheet.text(across(0) - 5, up(part) + 4, f"{100 * part:.0f}%", "c-tick", "end")
        sheet.text(across(part), bottom + 16, f"{100 * part:.0f}%", "c-tick", "middle")
    sheet.path(
        polyline([(across(0), up(0)), (across(1), up(1))]),
        "c-line c-threshold",
        fill="none",
        stroke="currentColor",
        stroke_dasharray="3 3",
    )
    told: list[str] = []
    taken: list[tuple[float, float, float]] = []  # left, right and height of the labels there are
    for each in record.bins:
        x = across(each.told)
        sheet.path(
            box(x - 5, up(each.high), 10, max(up(each.low) - up(each.high), 2)),
            "c-chance",
            fill="currentColor",
            fill_opacity=".3",
        )
    for each in record.bins:
        x, y, within = across(each.told), up(each.seen), each.low <= each.seen <= each.high
        radius = 3.5 + 3.5 * min(1.0, math.sqrt(each.cases / 100))
        if within:
            sheet.dot(x, y, radius, "c-dot", fill="currentColor")
        else:
            sheet.dot(
                x, y, radius, "c-dot-hollow", fill="none", stroke="currentColor", stroke_width="2"
            )
        text = words("verification.count", cases=each.cases)
        span = breadth(text)
        for left, label_y in (
            (x + radius + 4, y + 4),
            (x - radius - 4 - span, y + 4),
            (x - span / 2, y - radius - 5),
        ):
            free = all(left + span < a or left > b or abs(label_y - at) > 12 for a, b, at in taken)
            if free and across(0) <= left and left + span <= across(1):
                sheet.text(left, label_y, text, "c-tick")
                taken.append((left, left + span, label_y))
                break
        told.append(
            words(
                "verification.bin",
                told=words.share(each.told),
                cases=each.cases,
                seen=words.share(each.seen),
            )
        )
    sheet.text(across(0), top - 10, words("verification.axis_seen"), "c-note")
    sheet.text(across(1), bottom + 34, words("verification.axis_told"), "c-note", "end")
    return sheet.finish(
        words("verification.diagram_title", phenomenon=name),
        words("verification.diagram_text", bins=words.clauses(told)),
    )


def roc_diagram(record: Record, words: Words, name: str) -> Markup:
    """Draw the share of what came that was warned of against the share of what did not come that
    was: on the diagonal it is chance.
    """
    top, bottom = 26.0, 286.0
    sheet = Sheet(326, f"roc-{record.phenomenon}")
    across, up = Scale(0, 1, LEFT + 8, RIGHT - 8), Scale(0, 1, bottom, top)
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        sheet.line(across(0), up(part), across(1), up(part), "c-grid")
        sheet.text(across(0) - 5, up(part) + 4, f"{100 * part:.0f}%", "c-tick", "end")
        sheet.text(across(part), bottom + 16, f"{100 * part:.0f}%", "c-tick", "middle")
    sheet.path(
        polyline([(across(0), up(0)), (across(1), up(1))]),
        "c-line c-threshold",
        fill="none",
        stroke="currentColor",
        stroke_dasharray="3 3",
    )
    sheet.path(
        polyline([(across(x), up(y)) for x, y in record.roc]),
        "c-line",
        fill="none",
        stroke="currentColor",
        stroke_width="2",
    )
    sheet.text(across(0), top - 10, words("verification.axis_detected"), "c-note")
    sheet.text(across(1), bottom + 34, words("verification.axis_alarmed"), "c-note", "end")
    area = words("verification.auc", auc=f"{record.line.auc:.2f}", cases=record.line.cases)
    sheet.text(across(1) - 6, up(0) - 10, area, "c-note", "end")
    return sheet.finish(
        words("verification.roc_title", phenomenon=name), words("verification.roc_text", area=area)
    )


def strip_of_days(
    marks: tuple[Mark, ...],
    names: Mapping[str, Name],
    words: Words,
    name: str,
    phenomenon: str,
    today: date,
) -> Markup:
    """Draw the last days site by site: whether it was forecast and whether it came, told apart by
    shape.
    """
    sites = list(dict.fromkeys(site for site in names if any(mark.site == site for mark in marks)))
    first = today - timedelta(days=STRIP_DAYS)
    place = Scale(0, STRIP_DAYS, 4, WIDTH - 4)
    sheet = Sheet(len(sites) * ROW + 22, f"strip-of-{phenomenon}")
    told = []
    for row, site in enumerate(sites):
        own = [
            mark
            for mark in marks
            if mark.site == site and 0 <= (mark.day - first).days < STRIP_DAYS
        ]
        y = row * ROW + 24
        sheet.text(4, y - 12, words.name(names[site]), "c-note")
        sheet.line(4, y + 9, WIDTH - 4, y + 9, "c-grid")
        for mark in own:
            _mark(sheet, place((mark.day - first).days + 0.5), y, mark)
        counts = {
            kind: sum((mark.told, mark.seen) == pair for mark in own)
            for kind, pair in KINDS.items()
        }
        told.append(words("verification.strip_site", site=words.name(names[site]), **counts))
    for back in range(STRIP_DAYS, 0, -5):
        day = today - timedelta(days=back)
        sheet.text(
            place(STRIP_DAYS - back + 0.5),
            sheet.height - 4,
            words("verification.tick", month=day.month, day=day.day),
            "c-tick",
            "middle" if back < STRIP_DAYS else "start",
        )
    return sheet.finish(
        words("verification.strip_title", phenomenon=name, days=STRIP_DAYS), words.clauses(told)
    )


# forecast, seen
KINDS = {
    "hits": (True, True),
    "false_alarms": (True, False),
    "misses": (False, True),
    "quiet": (False, False),
}


def _mark(sheet: Sheet, x: float, y: float, mark: Mark) -> None:
    """Draw one event: forecast and come a filled square, forecast only a hollow one, come only a
    triangle, neither a point.
    """
    half = 4.2
    if mark.told and mark.seen:
        sheet.rect(x - half, y - half, 2 * half, 2 * half, "c-hit", fill="currentColor")
    elif mark.told:
        sheet.rect(
            x - half + 0.7,
            y - half + 0.7,
            2 * half - 1.4,
            2 * half - 1.4,
            "c-false-alarm",
            fill="none",
            stroke="currentColor",
            stroke_width="1.4",
        )
    elif mark.seen:
        data = f"M{number(x)} {number(y - half - 0.5)}L{number(x + half + 0.5)} {number(y + half)}H{number(x - half - 0.5)}z"
        sheet.path(data, "c-miss", fill="currentColor")
    else:
        sheet.dot(x, y, 1.3, "c-quiet", fill="currentColor")


def key(kind: str) -> Markup:
    """Return the sign of a kind (KINDS) as a small drawing for the legend; the words stand beside
    it.
    """
    sheet = Sheet(12, "key")
    _mark(sheet, 6, 6, Mark("", date.min, *KINDS[kind]))
    body = "".join(sheet.parts)
    return Markup(  # noqa: S704
        '<svg class="c-chart c-key" viewBox="0 0 12 12" width="14" height="14" aria-hidden="true" focusable="false" '
        f'fill="currentColor">{body}</svg>'
    )
