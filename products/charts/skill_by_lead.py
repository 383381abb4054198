"""The chart of skill by lead: by how much forecasts beat climatology so many days ahead.

Each lead has a dot with its 90 % interval as a bar: filled where the whole interval lies on one
side of zero, hollow where it holds zero. A lead whose interval cannot be given is left out: from so
few spells of weather nothing follows. A cross is the skill of persistence, the last outcome,
against the same climatology; below the scale it is not drawn. The number of cases stands below each
lead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from forecast.verification import Figure, ScoreLine
from products.charts.svg import LEFT, RIGHT, Drawing, Scale, breadth, polyline
from products.wording import Words

TOP, BOTTOM = 30.0, 200.0  # [px] the plot
HIGHEST, LOWEST, LEAST_LOW = 1.0, -0.25, -1.0  # [1] of the scale; it reaches down to the lowest
CAP, CROSS = 4.0, 4.0  # [px] half of a bar's end, and of a cross


def skill_by_lead(
    lines: Sequence[ScoreLine], words: Words, name: str, phenomenon: str
) -> Markup | None:
    """Draw the skill against climatology of each lead; None where none has an interval."""
    shown = [line for line in lines if line.enough and line.skills["climatology"].ranged]
    if not shown:
        return None
    drawing = Drawing(BOTTOM + 54, f"skill-by-lead-{phenomenon}")
    drawing.backdrop(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP, "c-trough", ".05")
    up = _axis(drawing, shown)
    step = (RIGHT - LEFT) / len(shown)
    texts, middles = [], []
    for number, line in enumerate(shown):
        x, skill = LEFT + (number + 0.5) * step, line.skills["climatology"]
        middles.append((x, up.clamped(skill.value)))
        _whisker(drawing, x, skill, up)
        if line.persistence.known and line.persistence.value >= up.low:
            _cross(drawing, x + min(14.0, 0.3 * step), up.clamped(line.persistence.value))
        drawing.text(x, BOTTOM + 16, line.name, "c-tick", "middle")
        count = words("verification.count", cases=line.cases)
        drawing.text(
            x,
            BOTTOM + 30,
            count if breadth(count) < 0.95 * step else str(line.cases),
            "c-tick",
            "middle",
        )
        texts.append(_text(line, words))
    drawing.path(
        polyline(middles), "c-line c-threshold", fill="none", stroke="currentColor",
        stroke_dasharray="3 3",
    )  # fmt: skip
    for (x, y), line in zip(middles, shown, strict=True):
        _dot(drawing, x, y, line.skills["climatology"])
    drawing.text(LEFT, TOP - 10, words("verification.axis_skill"), "c-note")
    drawing.text(RIGHT, BOTTOM + 46, words("verification.axis_lead"), "c-note", "end")
    return drawing.finish(
        words("verification.by_lead_title", phenomenon=name),
        words("verification.by_lead_text", leads=words.clauses(texts)),
    )


def _axis(drawing: Drawing, lines: Sequence[ScoreLine]) -> Scale:
    """Draw the grid of skill and return its scale."""
    figures = [line.skills["climatology"] for line in lines]
    lowest = min(figure.low for figure in figures)
    lowest = min([lowest, *(x.persistence.value for x in lines if x.persistence.known)])
    low = max(LEAST_LOW, min(LOWEST, math.floor(4 * lowest) / 4))
    up = Scale(low, HIGHEST, BOTTOM, TOP)
    steps = round((HIGHEST - low) / 0.25)
    for number in range(steps + 1):
        value = low + 0.25 * number
        drawing.line(LEFT, up(value), RIGHT, up(value), "c-axis" if value == 0 else "c-grid")
        if number % 2 == steps % 2 or value == 0:
            sign = "\u2212" if value < 0 else ""
            drawing.text(LEFT - 5, up(value) + 4, f"{sign}{abs(value):.1f}", "c-tick", "end")
    return up


def _whisker(drawing: Drawing, x: float, skill: Figure, up: Scale) -> None:
    """Draw the interval of a skill with ends."""
    low, high = up.clamped(skill.low), up.clamped(skill.high)
    drawing.line(x, low, x, high, "c-interval")
    for end in (low, high):
        drawing.line(x - CAP, end, x + CAP, end, "c-interval")


def _cross(drawing: Drawing, x: float, y: float) -> None:
    drawing.line(x - CROSS, y - CROSS, x + CROSS, y + CROSS, "c-persistence")
    drawing.line(x - CROSS, y + CROSS, x + CROSS, y - CROSS, "c-persistence")


def _dot(drawing: Drawing, x: float, y: float, skill: Figure) -> None:
    if skill.low > 0 or skill.high < 0:
        drawing.dot(x, y, 5, "c-dot", fill="currentColor")
    else:
        drawing.dot(x, y, 5, "c-dot-open", fill="#fff", stroke="currentColor", stroke_width="2")


def _text(line: ScoreLine, words: Words) -> str:
    skill = line.skills["climatology"]
    return words(
        "verification.by_lead_one",
        days=line.name,
        cases=line.cases,
        skill=signed(skill.value),
        low=signed(skill.low),
        high=signed(skill.high),
    )


def signed(value: float) -> str:
    """Write a skill with two digits and a real minus sign."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\u2212")
