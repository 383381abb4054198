"""Pages of JSON: the layout of a file, and how numbers and times are written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from products.pages.templating import Page


def json_page(path: str, content: Mapping[str, Any]) -> Page:
    """Return a page of data: a line for each member, and for each record of a list."""
    return Page(
        path,
        "{\n"
        + ",\n".join(f" {_json(name)}: {_lines(value)}" for name, value in content.items())
        + "\n}\n",
    )


def _lines(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"  {_json(record)}" for record in value) + "\n ]"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def number(value: float | None) -> float | None:
    """Return a number for JSON: six significant digits, NaN and infinity as null."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def time_text(moment: datetime | None) -> str | None:
    """Return a moment as JSON has it: UTC, to the second."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def minute_text(moment: datetime | None) -> str | None:
    """Return a moment as JSON has it, to the nearest minute: as readers see it (Words.clock)."""
    return None if moment is None else f"{moment + timedelta(seconds=30):%Y-%m-%dT%H:%M:00Z}"
