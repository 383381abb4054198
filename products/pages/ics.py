"""Lines of a calendar (RFC 5545): written, folded and escaped; and read back, of our own only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile

LONGEST = 75  # [byte] of a line. RFC 5545, 3.1
UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
EVENT = re.compile(r"BEGIN:VEVENT\r\n(.*?)END:VEVENT\r\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One property: its name with its parameters, and its value as it is written."""

    name: str
    value: str

    @property
    def folded(self) -> str:
        """The line in parts of at most 75 bytes, none cut within a character."""
        parts: list[str] = []
        left = f"{self.name}:{self.value}"
        while left:
            most = LONGEST if not parts else LONGEST - 1  # a space begins each further part
            part = left.encode()[:most].decode(errors="ignore")
            parts.append(part)
            left = left[len(part) :]
        return "\r\n ".join(parts) + "\r\n"


def text_line(name: str, value: str) -> Line:
    """Return a property with a text, escaped."""
    plain = UNFIT.sub("", value).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return Line(name, plain.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n"))


def time_line(name: str, moment: datetime) -> Line:
    return Line(name, f"{moment:%Y%m%dT%H%M%SZ}")


def day_line(name: str, day: date) -> Line:
    return Line(f"{name};VALUE=DATE", f"{day:%Y%m%d}")


def calendar(head: Iterable[Line], events: Iterable[Iterable[Line]]) -> str:
    """Return a calendar. Without an event it has the time zone UTC: it must have some component."""
    body = [
        "BEGIN:VEVENT\r\n" + "".join(line.folded for line in event) + "END:VEVENT\r\n"
        for event in events
    ]
    return "".join(
        (
            "BEGIN:VCALENDAR\r\n",
            *(line.folded for line in head),
            *(body or [_UTC]),
            "END:VCALENDAR\r\n",
        )
    )


def events(text: str) -> Iterator[tuple[Line, ...]]:
    """Yield the lines of each event of a calendar of ours."""
    for found in EVENT.finditer(text):
        whole = found[1].replace("\r\n ", "").split("\r\n")
        yield tuple(Line(*line.split(":", 1)) for line in whole if ":" in line)


def head(text: str) -> tuple[Line, ...]:
    """Return the lines of a calendar of ours before its first component."""
    lines = text.replace("\r\n ", "").split("\r\n")[1:]
    found = takewhile(lambda line: not line.startswith("BEGIN:"), lines)
    return tuple(Line(*line.split(":", 1)) for line in found if ":" in line)


def value(lines: Iterable[Line], name: str) -> str:
    """Return the value of the first property of a name; "" where there is none."""
    return next((line.value for line in lines if line.name.split(";")[0] == name), "")


_UTC = "".join(
    f"{line}\r\n"
    for line in (
        "BEGIN:VTIMEZONE", "TZID:UTC", "BEGIN:STANDARD", "DTSTART:19700101T000000",
        "TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "TZNAME:UTC", "END:STANDARD", "END:VTIMEZONE",
    )
)  # fmt: skip
