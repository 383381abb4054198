"""A time of day in the settings, local: written "06:40", anything else is refused with advice."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer


class NumberInBase60(str):
    """A value such as 16:10 without quotes, which YAML 1.1 reads as the number 970 (base 60)."""


def _time_of_day(value: Any) -> Any:
    """Return a time of day written "06:40". Raises: ValueError with what to write instead."""
    wanted = 'write a time of day of 24 hours in quotes, such as "06:40"'
    if isinstance(value, NumberInBase60):
        wanted = f'write "{value}" in quotes'
        raise ValueError(f"YAML reads {value} without quotes as a number of base 60: {wanted}")
    if isinstance(value, datetime) or not isinstance(value, str | time):
        raise ValueError(f"not a time of day: {wanted}")
    text = unicodedata.normalize("NFKC", str(value)).strip()
    parts = re.fullmatch(r"(\d{1,2}):(\d{2})(:\d{2}(?:\.\d+)?)?\s*(Z|[+-]\d.*|[A-Za-z/_]+)?", text)
    if parts is None:
        raise ValueError(f"not a time of day: {wanted}")
    hour, minute, seconds, zone = parts.groups()
    if zone or (isinstance(value, time) and value.tzinfo):
        raise ValueError(
            "a time of day has no zone or offset here: it is the local time of service.timezone; "
            + wanted
        )
    if (seconds and not isinstance(value, time)) or (isinstance(value, time) and value.second):
        raise ValueError(f"a job begins at a whole minute, without seconds: {wanted}")
    if int(hour) > 23 or int(minute) > 59:
        hint = '; midnight is "00:00"' if text == "24:00" else ""
        raise ValueError(f"there is no such time of day: {wanted}{hint}")
    return time(int(hour), int(minute))


TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    PlainSerializer(lambda value: f"{value:%H:%M}", return_type=str, when_used="json"),
]
