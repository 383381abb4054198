"""The strip of the last days: what was forecast and what was observed, event by event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from markupsafe import Markup

from forecast.domain import Name
from forecast.verification import STRIP_DAYS, EventMark
from products.charts.svg import WIDTH, Drawing, Scale, number
from products.wording import Words

ROW = 36.0  # [px] of a site: its name, and its marks below
# the kinds of events: forecast, observed
KINDS = {
    "hits": (True, True),
    "false_alarms": (True, False),
    "misses": (False, True),
    "quiet": (False, False),
}


def event_strip(
    marks: tuple[EventMark, ...],
    names: Mapping[str, Name],
    words: Words,
    name: str,
    phenomenon: str,
    today: date,
) -> Markup:
    """Draw the last days of each site: forecast or not, observed or not, by shape."""
    sites = list(dict.fromkeys(site for site in names if any(mark.site == site for mark in marks)))
    first = today - timedelta(days=STRIP_DAYS)
    place = Scale(0, STRIP_DAYS, 4, WIDTH - 4)
    drawing = Drawing(len(sites) * ROW + 22, f"strip-of-{phenomenon}")
    counted = []
    for row, site in enumerate(sites):
        own = [
            mark
            for mark in marks
            if mark.site == site and 0 <= (mark.day - first).days < STRIP_DAYS
        ]
        y = row * ROW + 24
        drawing.text(4, y - 12, words.name(names[site]), "c-note")
        drawing.line(4, y + 9, WIDTH - 4, y + 9, "c-grid")
        for mark in own:
            _mark(drawing, place((mark.day - first).days + 0.5), y, mark)
        counts = {
            kind: sum((mark.forecast, mark.observed) == pair for mark in own)
            for kind, pair in KINDS.items()
        }
        counted.append(words("verification.strip_site", site=words.name(names[site]), **counts))
    for back in range(STRIP_DAYS, 0, -5):
        day = today - timedelta(days=back)
        drawing.text(
            place(STRIP_DAYS - back + 0.5),
            drawing.height - 4,
            words("verification.tick", month=day.month, day=day.day),
            "c-tick",
            "middle" if back < STRIP_DAYS else "start",
        )
    return drawing.finish(
        words("verification.strip_title", phenomenon=name, days=STRIP_DAYS), words.clauses(counted)
    )


def _mark(drawing: Drawing, x: float, y: float, mark: EventMark) -> None:
    """Draw one event: a hit is a filled square, a false alarm a hollow one, a miss a triangle.

    An event neither forecast nor observed is a point.
    """
    half = 4.2
    if mark.forecast and mark.observed:
        drawing.rect(x - half, y - half, 2 * half, 2 * half, "c-hit", fill="currentColor")
    elif mark.forecast:
        drawing.rect(
            x - half + 0.7,
            y - half + 0.7,
            2 * half - 1.4,
            2 * half - 1.4,
            "c-false-alarm",
            fill="none",
            stroke="currentColor",
            stroke_width="1.4",
        )
    elif mark.observed:
        tip, foot = f"{number(x)} {number(y - half - 0.5)}", number(y + half)
        data = f"M{tip}L{number(x + half + 0.5)} {foot}H{number(x - half - 0.5)}z"
        drawing.path(data, "c-miss", fill="currentColor")
    else:
        drawing.dot(x, y, 1.3, "c-quiet", fill="currentColor")


def legend_sign(kind: str) -> Markup:
    """Return the sign of a kind of KINDS as a small drawing for the legend."""
    drawing = Drawing(12, "key")
    _mark(drawing, 6, 6, EventMark("", date.min, *KINDS[kind]))
    body = "".join(drawing.parts)
    return Markup(  # noqa: S704
        '<svg class="c-chart c-key" viewBox="0 0 12 12" width="14" height="14" aria-hidden="true" '
        f'focusable="false" fill="currentColor">{body}</svg>'
    )
