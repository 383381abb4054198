"""The reliability diagram: how often an event occurred when it was forecast with a probability."""

from __future__ import annotations

import math

from markupsafe import Markup

from forecast.verification import PhenomenonRecord, ReliabilityBin
from products.charts.svg import LEFT, RIGHT, Drawing, Scale, box, breadth, polyline
from products.wording import Words

TOP, BOTTOM = 26.0, 286.0  # [px] the square


def unit_square(drawing: Drawing) -> tuple[Scale, Scale]:
    """Draw the grid and labels of a square from 0 to 100 %; return the scales across and up."""
    across, up = Scale(0, 1, LEFT + 8, RIGHT - 8), Scale(0, 1, BOTTOM, TOP)
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawing.line(across(0), up(part), across(1), up(part), "c-grid")
        drawing.text(across(0) - 5, up(part) + 4, f"{100 * part:.0f}%", "c-tick", "end")
        drawing.text(across(part), BOTTOM + 16, f"{100 * part:.0f}%", "c-tick", "middle")
    drawing.path(
        polyline([(across(0), up(0)), (across(1), up(1))]),
        "c-line c-threshold",
        fill="none",
        stroke="currentColor",
        stroke_dasharray="3 3",
    )
    return across, up


def reliability_diagram(record: PhenomenonRecord, words: Words, name: str) -> Markup:
    """Draw the calibration curve: the observed frequency against the forecast probability.

    On the diagonal the forecasts are reliable. The grey band holds 90 % of the curves of reliable
    forecasts. Each step is a pool of cases whose frequencies are alike, with a dot at its mean:
    filled inside the band, hollow outside; its number of cases stands beside it.
    """
    drawing = Drawing(326, f"reliability-{record.phenomenon}")
    drawing.backdrop(LEFT + 8, TOP, RIGHT - LEFT - 16, BOTTOM - TOP, "c-trough", ".05")
    across, up = unit_square(drawing)
    if record.band:
        _band(drawing, record, across, up)
    else:
        for each in record.bins:
            x, high = across(each.probability), up(each.high)
            height = max(up(each.low) - high, 2)
            drawing.path(
                box(x - 5, high, 10, height), "c-chance", fill="currentColor", fill_opacity=".3"
            )
    curve = [
        (across(end), up(each.frequency))
        for each in record.bins
        for end in (each.first, each.last)
        if math.isfinite(end)
    ]
    drawing.path(polyline(curve), "c-line", fill="none", stroke="currentColor", stroke_width="2")
    _dots(drawing, record.bins, across, up, words)
    bins = [
        words(
            "verification.bin",
            told=words.share(each.probability),
            cases=each.cases,
            seen=words.share(each.frequency),
        )
        for each in record.bins
    ]
    drawing.text(across(0), TOP - 10, words("verification.axis_seen"), "c-note")
    drawing.text(across(1), BOTTOM + 34, words("verification.axis_told"), "c-note", "end")
    return drawing.finish(
        words("verification.diagram_title", phenomenon=name),
        words("verification.diagram_text", bins=words.clauses(bins)),
    )


def _band(drawing: Drawing, record: PhenomenonRecord, across: Scale, up: Scale) -> None:
    """Fill the region between the band's bounds; of a single probability a bar."""
    points = record.band
    if len(points) == 1:
        points = tuple((points[0][0] + d, *points[0][1:]) for d in (-0.01, 0.01))
    lower = [(across.clamped(p), up(low)) for p, low, _ in points]
    upper = [(across.clamped(p), up(high)) for p, _, high in points]
    drawing.path(
        polyline([*lower, *reversed(upper)]) + "z", "c-chance", fill="currentColor",
        fill_opacity=".3",
    )  # fmt: skip


def _dots(
    drawing: Drawing, bins: tuple[ReliabilityBin, ...], across: Scale, up: Scale, words: Words
) -> None:
    """Draw a dot for each bin, larger with more cases, and its number of cases where it fits."""
    labels: list[tuple[float, float, float]] = []  # left, right and height of each
    for each in bins:
        x, y = across(each.probability), up(each.frequency)
        radius = 3.5 + 3.5 * min(1.0, math.sqrt(each.cases / 100))
        if each.low <= each.frequency <= each.high:
            drawing.dot(x, y, radius, "c-dot", fill="currentColor")
        else:
            drawing.dot(
                x, y, radius, "c-dot-hollow", fill="none", stroke="currentColor", stroke_width="2"
            )
        text = words("verification.count", cases=each.cases)
        width = breadth(text)
        # the curve rises: below to the right and above to the left of a dot it is not
        for left, label_y in (
            (x + radius + 3, y + 15),
            (x - radius - 3 - width, y - 6),
            (x + radius + 3, y + 27),
        ):
            free = all(
                left + width < a or left > b or abs(label_y - at) > 12 for a, b, at in labels
            )
            inside = across(0) <= left and left + width <= across(1) and TOP < label_y < BOTTOM
            if free and inside:
                drawing.text(left, label_y, text, "c-tick")
                labels.append((left, left + width, label_y))
                break
