"""live.json: what is measured now, for the tiles of every page and screen between two issues; it
lies beside the releases.

Each value stands in SI and in the words of each language, as `tiles.tell` says them: a page's
script only puts them in their places. templates/api/live.schema.json is its published JSON Schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from forecast.config import Config
from forecast.domain import CurrentObservations
from forecast.quantities import ELEMENTS
from products.pages import tiles
from products.pages.api import number, time_text
from products.wording import LANGUAGES, Words

LIVE = "skyscape.live/1"
FILE = "live.json"


def document(live: Sequence[CurrentObservations], config: Config, now: datetime) -> dict[str, Any]:
    """Return what every tile shows as of `now`."""
    speakers = {language: Words(language, config.zone) for language in LANGUAGES}
    found = [
        tile
        for site in config.all_sites()
        for tile in tiles.tiles_of(site, live, config.observations, now)
    ]
    return {
        "schema": LIVE,
        "made_at": time_text(now),
        "old_minutes": config.observations.old_minutes,
        "tiles": [_tile(tile, speakers) for tile in found],
    }


def _tile(tile: tiles.Tile, speakers: dict[str, Words]) -> dict[str, Any]:
    seen = {language: tiles.observed(tile, words) for language, words in speakers.items()}
    told = {
        language: {each.id: each for each in tiles.tell(tile, words)}
        for language, words in speakers.items()
    }
    curves = {language: tiles.trend_of(tile, words) for language, words in speakers.items()}
    curve, curve_of = next(iter(curves.values())), tiles.TREND_OF[tile.kind]
    return {
        "tile": tile.key, "site": tile.site, "station": tile.station.id, "kind": tile.kind,
        "observed_at": time_text(max((reading.at for reading in tile.readings), default=None)),
        "text": {language: each.text for language, each in seen.items()},
        "old": {language: each.old for language, each in seen.items()},
        "readings": [
            {
                "id": reading.id, "observed_at": time_text(reading.at),
                "value": number(reading.value), "unit": _unit(reading.id),
                "direction_deg": number(reading.direction),
                "text": {language: said[reading.id].text for language, said in told.items()},
                "old": {language: said[reading.id].old for language, said in told.items()},
            }
            for reading in tile.readings
        ],
        "trend": None if curve is None else {
            "id": curve_of, "unit": _unit(curve_of), "path": curve.path,
            "text": {language: each.text for language, each in curves.items() if each is not None},
            "hours": [{"end_at": time_text(end), "value": number(value)} for end,
                      value in tile.trend],
        },
    }  # fmt: skip


def _unit(reading: str) -> str:
    return ELEMENTS[reading].unit if reading in ELEMENTS else "class"
