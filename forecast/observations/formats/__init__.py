"""Formats of observations: one module each, with `parse(data, name, context) -> Parsed`.

`parse_file` detects the format of a file by its content, never by its name, and reads no more of it
than the limits allow.
"""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from forecast.domain import Fault, Station
from forecast.observations.formats.collector import Limits, ParseContext, Parsed, sanitised
from forecast.observations.formats.columns import DATE, STATION, TIME, TIME_PARTS, column

__all__ = [
    "Limits",
    "ParseContext",
    "Parsed",
    "detect_form",
    "parse_file",
    "parse_push",
    "unit_error",
]

HEAD = 4096  # [byte] from which a format is detected
BLOCK = 1 << 20  # [byte] that are decompressed at once
UTF16 = (b"\xff\xfe", b"\xfe\xff")
GZIP = b"\x1f\x8b"
ARCHIVES = {
    b"PK": "ZIP",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "RAR",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}

Parser = Callable[[bytes, str, ParseContext], Parsed]


def _parser(module: str) -> Parser:
    """Return the parser of a module, which is imported when the first file of its format comes."""
    return lambda data, name, context: _parse(module, data, name, context)


def _parse(module: str, data: bytes, name: str, context: ParseContext) -> Parsed:
    parsed: Parsed = import_module(f"{__name__}.{module}").parse(data, name, context)
    return parsed


PARSERS: dict[str, Parser] = {
    "csv": _parser("csv_records"),
    "push": lambda data, name, context: parse_push(data, context, name),
    "synop": _parser("synop"),
    "metar": _parser("metar_format"),
    "bufr": _parser("bufr"),
    "micaps1": _parser("micaps"),
    "micaps3": _parser("micaps_elements"),
    "isd": _parser("isd"),
    "afile": _parser("afile"),
}

_ISD = re.compile(r"\d{4}[0-9A-Z]{11}\d{12}[0-9A-Z][+-]\d{5}[+-]\d{6}")
_AFILE = re.compile(r"[0-9A-Z]\d{4} \d{4}[NS] \d{5}[EW] \d{6} ")
_SYNOP = re.compile(r"(?<![A-Z])(AAXX|BBXX|OOXX)\s")
_STAMP = re.compile(r"(?<!\d)((?:19|20)\d{6}(?:\d\d){0,3})(?!\d)")
_METAR = re.compile(r'(?<![A-Z])[A-Z][A-Z0-9]{3}\s+\d{6}Z\b|"rawOb"')


def parse_push(body: bytes, context: ParseContext, name: str = "push") -> Parsed:
    """Return the records of a pushed body; the `line` of a fault is the record's number."""
    from forecast.observations.formats import push_records

    return push_records.parse_push(body, context, name)


def unit_error(station: Station) -> str:
    """Return what is wrong with the units that the settings name for a station; "": nothing."""
    from forecast.observations.formats import csv_records

    return csv_records.unit_error(station)


def detect_form(head: bytes) -> str:
    """Return the format (a key of PARSERS) of a file that begins with `head`; "" if unknown."""
    if b"BUFR" in head[:256]:
        return "bufr"
    text = head[:HEAD].decode("utf-8-sig", errors="replace").lstrip("\x01\r\n \t")
    first = text.splitlines()[0] if text else ""
    if re.match(r"diamond\s+1\s", text):
        return "micaps1"
    if re.match(r"diamond\s+3\s", text):
        return "micaps3"
    if _ISD.match(text) or first.replace('"', "").startswith("STATION,DATE,SOURCE,"):
        return "isd"
    if _AFILE.match(text):
        return "afile"
    if _SYNOP.search(text):
        return "synop"
    if _METAR.search(text):
        return "metar"
    if text[:1] in ("{", "["):
        return "push"
    return "csv" if _names_columns(head) else ""


def _names_columns(head: bytes) -> bool:
    """Return whether the first line without # names known columns, station and time among them."""
    for line in head[:HEAD].split(b"\n"):
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = line.decode("gb18030", errors="replace")
        if text.strip() and not text.startswith("#"):
            found = {known[0] for cell in re.split("[,;\t]", text) if (known := column(cell))}
            return STATION in found and (bool({TIME, DATE} & found) or set(TIME_PARTS[:4]) <= found)
    return False


def _is_utf16(head: bytes) -> bool:
    """Return whether `head` has a UTF-16 byte order mark, or looks like ASCII in UTF-16."""
    even, odd = head[0::2], head[1::2]
    unmarked = len(head) >= 8 and any(
        not any(high) and all(low) for high, low in ((odd, even), (even, odd))
    )
    return head[:2] in UTF16 or unmarked


class _Unreadable(Exception):
    """The reason why a file is not read; it becomes a Fault."""


def parse_file(path: Path, context: ParseContext | None = None) -> Parsed:
    """Return the content of a file in any format; a file that cannot be read gives one Fault.

    Without a time of receipt in `context`, the time in the file's name counts (WMO's names end in
    one: ..._20261122121005.txt), else the file's date.
    """
    context = context or ParseContext()
    try:
        data, modified = _content(path, context.limits)
    except _Unreadable as reason:
        return _refused(path, str(reason))
    except OSError as error:
        return _refused(path, f"the file cannot be read: {error.strerror or type(error).__name__}")
    archive = next((name for mark, name in ARCHIVES.items() if data.startswith(mark)), "")
    if archive:
        return _refused(
            path,
            f"the file is compressed as {archive}: only gzip is supported; "
            "decompress it before it is dropped",
        )
    form = detect_form(data[:HEAD])
    if not form and _is_utf16(data[:HEAD]):
        return _refused(path, "the file looks like UTF-16 text: save it as UTF-8 and drop it again")
    if not form:
        return _refused(
            path,
            f"the file's format is not known; known are {', '.join(PARSERS)}; "
            "a table's first line names its columns",
        )
    if context.received is None:
        context = replace(context, received=_named_time(path.name) or modified)
    return PARSERS[form](data, path.name, context)


def _named_time(name: str) -> datetime | None:
    """Return the last time in a file's name, missing digits at their maximum; None without one."""
    for stamp in reversed(_STAMP.findall(name)):
        try:
            return datetime.strptime(stamp + "235959"[len(stamp) - 8 :], "%Y%m%d%H%M%S").replace(
                tzinfo=UTC
            )
        except ValueError:
            continue
    return None


def _refused(path: Path, reason: str) -> Parsed:
    return Parsed([], [Fault(sanitised(path.name, 120), 0, reason)])


def _content(path: Path, limits: Limits) -> tuple[bytes, datetime]:
    """Return a file's bytes, gzip decompressed, and its date. Raises: _Unreadable, OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _Unreadable("it is not a regular file")
        if status.st_size > limits.size:
            raise _Unreadable(
                f"the file has {status.st_size} bytes, at most {limits.size} are read: split it"
            )
        data = file.read(limits.size + 1)  # it may grow while it is read
    if len(data) > limits.size:
        raise _Unreadable(f"the file grew beyond {limits.size} bytes while it was read")
    moment = datetime.fromtimestamp(status.st_mtime, UTC)
    return (_unpacked(data, limits) if data.startswith(GZIP) else data), moment


def _unpacked(data: bytes, limits: Limits) -> bytes:
    """Return the content of all gzip members, up to the limit. Raises: _Unreadable."""
    parts, size = list[bytes](), 0
    while data:
        stream = zlib.decompressobj(wbits=31)
        while not stream.eof:
            try:
                part = stream.decompress(data, BLOCK)
            except zlib.error:
                raise _Unreadable("the gzip data are damaged: drop the file again") from None
            data = stream.unconsumed_tail
            size += len(part)
            if size > limits.size:
                raise _Unreadable(f"decompressed it has more than {limits.size} bytes: split it")
            if not part and not data and not stream.eof:
                raise _Unreadable("the gzip data end too early: drop the file again")
            parts.append(part)
        data = stream.unused_data.lstrip(b"\0")
    return b"".join(parts)
