"""The ROC diagram: how well a forecast separates occurrence from non-occurrence."""

from __future__ import annotations

from markupsafe import Markup

from forecast.verification import PhenomenonRecord
from products.charts.reliability import BOTTOM, TOP, unit_square
from products.charts.svg import Drawing, polyline
from products.wording import Words


def roc_diagram(record: PhenomenonRecord, words: Words, name: str) -> Markup:
    """Draw the hit rate against the false alarm rate; the diagonal is a forecast without skill."""
    drawing = Drawing(326, f"roc-{record.phenomenon}")
    across, up = unit_square(drawing)
    drawing.path(
        polyline([(across(x), up(y)) for x, y in record.roc]),
        "c-line",
        fill="none",
        stroke="currentColor",
        stroke_width="2",
    )
    drawing.text(across(0), TOP - 10, words("verification.axis_detected"), "c-note")
    drawing.text(across(1), BOTTOM + 34, words("verification.axis_alarmed"), "c-note", "end")
    area = words("verification.auc", auc=f"{record.line.auc:.2f}", cases=record.line.cases)
    drawing.text(across(1) - 6, up(0) - 10, area, "c-note", "end")
    return drawing.finish(
        words("verification.roc_title", phenomenon=name), words("verification.roc_text", area=area)
    )
