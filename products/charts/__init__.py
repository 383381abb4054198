"""Charts as inline SVG: the evidence of a forecast, drawn for checking by eye.

`chart` draws the evidence of one forecast, a module for each kind of chart. `probability_strip`
shows one phenomenon over the days.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from markupsafe import Markup

from forecast.domain import Almanac, Forecast
from products.charts.cold_section import cold_section
from products.charts.height_section import height_section
from products.charts.hour_strip import hour_strip
from products.charts.light_path import light_path
from products.charts.night import night_band
from products.charts.probability_strip import probability_strip
from products.charts.site_map import MapPlace, site_map
from products.charts.svg import ChartWords, Drawn, Reader
from products.evidence import Evidence

__all__ = ["Drawn", "MapPlace", "Reader", "chart", "hour_strip", "probability_strip", "site_map"]

_CHARTS = {
    "starry_sky": night_band,
    "sea_of_clouds": height_section,
    "sunset_glow": light_path,
    "sunrise_glow": light_path,
    "sunrise": light_path,
}


def chart(
    forecast: Forecast,
    evidence: Evidence | None,
    almanac: Almanac,
    words: ChartWords,
    language: str,
    zone: ZoneInfo,
    prefix: str = "",
    *,
    drawn: Drawn | None = None,
) -> Markup | None:
    """Draw the evidence of one forecast; None where there is nothing to draw.

    evidence: of this event alone (no dimension `event`); what is absent or NaN is hatched. prefix:
    of the ids, where the same forecast is drawn twice on a page (default: the event's key). drawn:
    what its chart in another language drew already.
    """
    prefix = prefix or "-".join(forecast.event.key)
    reader = Reader(words, language, zone, prefix, {} if drawn is None else drawn)
    draw = _CHARTS.get(forecast.event.phenomenon, cold_section)
    return draw(forecast, evidence, almanac, reader)
