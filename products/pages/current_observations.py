"""live.json: the current observations, for the tiles of all pages and screens between two issues.

It lies beside the releases. Each value stands in SI and in the words of each language (see
`tiles.labelled_values`); a page's script only puts the words in place. The published JSON Schema is
templates/api/live.schema.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from forecast.config import Config
from forecast.domain import CurrentObservations
from forecast.quantities import ELEMENTS
from products.pages import tiles
from products.pages.json_page import number, time_text
from products.wording import LANGUAGES, Words

SCHEMA = "skyscape.live/1"
FILE = "live.json"


def document(
    current: Sequence[CurrentObservations], config: Config, now: datetime
) -> dict[str, Any]:
    """Return what every tile shows at `now`."""
    languages = {language: Words(language, config.zone) for language in LANGUAGES}
    found = [
        tile
        for site in config.all_sites()
        for tile in tiles.tiles_of(site, current, config.observations, now)
    ]
    return {
        "schema": SCHEMA,
        "made_at": time_text(now),
        "old_minutes": config.observations.old_minutes,
        "tiles": [_tile(tile, languages) for tile in found],
    }


def _tile(tile: tiles.Tile, languages: dict[str, Words]) -> dict[str, Any]:
    times = {
        language: tiles.time_of_observation(tile, words) for language, words in languages.items()
    }
    values = {
        language: {each.id: each for each in tiles.labelled_values(tile, words)}
        for language, words in languages.items()
    }
    curves = {language: tiles.trend_of(tile, words) for language, words in languages.items()}
    curve, curve_of = next(iter(curves.values())), tiles.TREND_OF[tile.kind]
    return {
        "tile": tile.key, "site": tile.site, "station": tile.station.id, "kind": tile.kind,
        "observed_at": time_text(max((reading.at for reading in tile.readings), default=None)),
        "text": {language: each.text for language, each in times.items()},
        "old": {language: each.old for language, each in times.items()},
        "readings": [
            {
                "id": reading.id, "observed_at": time_text(reading.at),
                "value": number(reading.value), "unit": _unit(reading.id),
                "direction_deg": number(reading.direction),
                "text": {language: shown[reading.id].text for language, shown in values.items()},
                "old": {language: shown[reading.id].old for language, shown in values.items()},
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
