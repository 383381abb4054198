"""The page of version 2 of the public data: what stays the same, and every file, key and status.

Written from the words of the developers' page and from the description that is published.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from products import api_v2
from products.pages.templating import TEMPLATES
from products.wording import read_words

PROMISE = (
    "hazards", "recommended", "expires", "marks", "attribution", "license", "rate", "cors",
)  # fmt: skip


def lines() -> Iterator[str]:
    """Yield the lines of docs/api.md."""
    words, described = read_words("en"), _described()
    yield from ("# The public data, version 2", "", described["info"]["description"], "")
    yield from ("## What stays the same", "", words["developers.rule.stable"], "")
    yield (
        "A probability is rounded to hundredths, a quantity as pages show it. More digits may be "
        "given later. A text may be reworded at any time: compare ids, never words."
    )
    yield from ("", "## How to use it", "")
    yield from (f"- {words[f'developers.rule.{rule}']}" for rule in PROMISE)
    yield from ("", "## Files", "", "| path | content |", "|---|---|")
    for path, operation in described["paths"].items():
        mark = " (deprecated)" if operation["get"].get("deprecated") else ""
        yield f"| `{path}` | {operation['get']['summary']}{mark} |"
    yield ""
    yield (
        "The web application serves them below `/current`, earlier issues below "
        "`/archive/<issue>`, with an ETag, `Cache-Control: max-age=60` and CORS for reading. On "
        "any other server give the folder `current` of the output and set the same there. "
        "`openapi.json` has the schemas."
    )
    yield ""
    yield (
        "With more sites than `output.static_sites` (500 as delivered), `/api/v2/forecasts.json` "
        "and `/api/v1/forecasts.json` hold the forecasts of the first so many only. Every site is "
        "in `/sites.geojson`: `data` of a site is the address of `/api/v2/sites/{site}.json`, "
        "which exists for each. Those of the further sites are made when asked for, by the web "
        "application: a server of files alone answers 404."
    )
    yield from ("", "## Status", "", "| status | meaning |", "|---|---|")
    texts = api_v2.texts()
    yield from (f"| `{id}` | {meaning['en']} |" for id, meaning in texts["statuses"].items())
    yield from ("", "## Hazards", "", "| hazard | level | value |", "|---|---|---|")
    for id, hazard in texts["hazards"].items():
        yield f"| `{id}`: {hazard['name']['en']} | {hazard['level']} | `{api_v2.hazard_key(id)}` |"
    yield from ("", "## Quantities", "", "| key | meaning | unit (UCUM) | CF standard name |")
    yield "|---|---|---|---|"
    for key, quantity in texts["quantities"].items():
        standard = f"`{quantity['standard_name']}`" if quantity["standard_name"] else ""
        yield f"| `{key}` | {quantity['name']['en']} | {quantity['unit']} | {standard} |"


def _described() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((TEMPLATES / "api" / "openapi.json").read_text("utf-8"))
    return found
