"""Replies of CMADaaS: the envelope, its codes in words, and rows, grids and files in it.

Replies come with NUL bytes, numbers as text and, through a proxy, as a web page. What is damaged is
refused (SourceCorrupt: asked again); what the service says is put into words with what to do.
Source: ../shared/cmadaas.md, sections 2 and 4.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.errors import (
    CycleNotReady,
    ElementRefused,
    SourceCorrupt,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    TooFrequent,
    is_page,
)
from forecast.settings.cmadaas import CmadaasCodes

_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), None)
_BARE_KEYS = re.compile(r"([,{]\s*)(fieldNames|fieldUnits)\s*:")
ACCOUNT = "check SKYSCAPE_CMADAAS_USER and SKYSCAPE_CMADAAS_PASSWORD with the data office"
# code -> what it means, and what to do
WORDS: Mapping[int, str] = {
    -1: "there is no record: the data are not there yet, or the region or time has none",
    -1001: f"the key is not known; {ACCOUNT}",
    -1002: f"the signature was refused; {ACCOUNT}, and check this machine's clock",
    -1004: f"the password is wrong; {ACCOUNT}",
    -2000: "the data set is not known there: compare data_code with the province's catalogue",
    -2001: "a parameter is missing, or the interface does not serve this data set: compare "
    "cmadaas.interfaces with the province's catalogue",
    -3001: "a value is not understood, or the level type is not configured for the element",
    -3004: "the place lies outside the data set's area",
    -3005: "the element is not served in this data set: take it out of the table",
    -5004: "too frequent: the hour's requests of this address are used up",
    -6001: "the service cannot reach its database",
    -7001: "the service's database refused the query",
    -9002: "the level, the member or the forecast hour is not in the data set",
    -10001: "the service failed",
}
DEFAULT_WORDS = "this code is not in our table: ask the data office, then add it to cmadaas.codes"


@dataclass(frozen=True, slots=True)
class ServiceReply:
    """The content of a successful reply."""

    fields: Mapping[str, Any]
    where: str

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The records of DS. Raises: SourceCorrupt where they are none."""
        found = self.fields.get("DS")
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise SourceCorrupt(f"{self.where}: DS is not a list of records")
        return found


@dataclass(frozen=True, slots=True)
class ReplyGrid:
    """A field on a grid: values (latitude, longitude), rows from north to south, columns from west
    to east [degree]; NaN: missing.
    """

    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str = ""


def parse_reply(body: bytes, where: str, codes: CmadaasCodes) -> ServiceReply:
    """Return the content of a body.

    Raises: SourceCorrupt (no JSON), SourceUnavailable (a web page, the service failed or says too
    frequent), SourceRefused (account or request), CycleNotReady (no data).
    """
    if is_page(body.lstrip(b"\0")):
        raise SourceUnavailable(
            f"{where}: a web page came: a proxy or a portal stands between; ask for a direct way "
            "to the interface, and check cmadaas.url"
        )
    text = body.decode("utf-8", "replace").translate(_CONTROL)
    fields = _parsed(text)
    if not isinstance(fields, dict) or "returnCode" not in fields:
        raise SourceCorrupt(f"{where}: no reply of the interface: {text[:60]!r}")
    code = number(fields["returnCode"])
    if code in codes.success:
        announced, found = number(fields.get("rowCount")), fields.get("DS")
        if math.isfinite(announced) and isinstance(found, list) and announced != len(found):
            raise SourceCorrupt(
                f"{where}: {len(found)} records came, rowCount says {announced:.0f}: cut short on "
                "its way"
            )
        return ServiceReply(fields, where)
    raise error_of(fields["returnCode"], str(fields.get("returnMessage", "")), where, codes)


def error_of(given: object, message: str, where: str, codes: CmadaasCodes) -> SourceError:
    """Return the error for a return code, in words with what to do."""
    code = number(given)
    named = "".join(c if c.isprintable() else "?" for c in message[:500])
    if not code.is_integer():
        return SourceCorrupt(
            f"{where}: returnCode is {str(given)[:30]!r} ({named:.120}), expected a whole "
            "number: is this the interface? Check cmadaas.url"
        )
    whole = int(code)
    text = f"{where}: code {whole} ({named:.120}): {WORDS.get(whole, DEFAULT_WORDS)}"
    if whole in codes.no_data:
        return CycleNotReady(text)
    if whole in codes.too_frequent:
        return TooFrequent(text)
    if whole in codes.server:
        return SourceUnavailable(text, of_file=True, failing=True)
    if whole in codes.element:
        return ElementRefused(text, named)
    return SourceRefused(text, of_file=whole not in codes.account)


def _parsed(text: str) -> Any:
    for attempt in (text, _BARE_KEYS.sub(r'\1"\2":', text)):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def number(value: object) -> float:
    """Return a number that may stand as text; NaN where it is none."""
    if isinstance(value, bool) or value is None:
        return math.nan
    try:
        found = float(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return math.nan
    return found if math.isfinite(found) else math.nan


def measured(value: object, missing_from: float) -> float:
    """Return the number of a station's value; NaN where it stands for none."""
    found = number(value)
    return found if abs(found) < missing_from else math.nan


def parse_grid(reply: ServiceReply, missing: Sequence[float]) -> ReplyGrid:
    """Return the grid of a reply. Raises: SourceCorrupt where head and values do not agree."""
    where, head = reply.where, {k: number(v) for k, v in reply.fields.items() if k != "DS"}
    wanted = ("startLat", "startLon", "endLat", "endLon", "latCount", "lonCount")
    if absent := [name for name in wanted if not math.isfinite(head.get(name, math.nan))]:
        raise SourceCorrupt(f"{where}: the grid does not say {', '.join(absent)}")
    rows, columns = int(head["latCount"]), int(head["lonCount"])
    values = _values(reply.fields.get("DS"))
    if values is None or values.shape != (rows, columns) or min(rows, columns) < 2:
        found = "no table of numbers" if values is None else f"{values.shape}"
        raise SourceCorrupt(f"{where}: the grid has {found}, its head says {rows} by {columns}")
    latitudes = np.linspace(head["startLat"], head["endLat"], rows)
    longitudes = np.linspace(head["startLon"], head["endLon"], columns)
    if latitudes[0] == latitudes[-1] or longitudes[0] == longitudes[-1]:
        raise SourceCorrupt(f"{where}: the grid begins where it ends")
    for name, axis in (("latStep", latitudes), ("lonStep", longitudes)):
        step = abs(head.get(name, math.nan))
        if math.isfinite(step) and abs(step - abs(axis[1] - axis[0])) > 1e-3 * step:
            raise SourceCorrupt(f"{where}: {name} is {step:g}, start and end say otherwise")
    for code in missing:
        values[values == code] = np.nan
    if latitudes[0] < latitudes[-1]:
        latitudes, values = latitudes[::-1], values[::-1]
    if longitudes[0] > longitudes[-1]:
        longitudes, values = longitudes[::-1], values[:, ::-1]
    return ReplyGrid(latitudes, longitudes, values, str(reply.fields.get("fieldUnits", "")))


def _values(table: object) -> NDArray[np.float64] | None:
    """Return a table of numbers, which may be text; None where it is none."""
    try:
        found = np.array(table, dtype=float)
    except (ValueError, TypeError):
        return None
    if found.ndim != 2:
        return None
    found[~np.isfinite(found)] = np.nan
    return found
