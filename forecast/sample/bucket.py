"""A loopback server that behaves like the public bucket and like the region filter of NOMADS.

`make demo` and the tests fetch through it, so that they use the production path. The bucket serves
the files of a folder (GFS's, GEFS's or ECMWF's layout), whole or as byte ranges (206 with
Content-Range, 416, 404, ETag, Last-Modified). The filter takes var_, lev_ and subregion parameters
and returns the cross product of variables and levels, cut to the region and, like the real one,
repacked: simple packing, rows south to north. The names of messages are read from the file's .idx.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import eccodes
import numpy as np

from forecast.sample.loopback import LoopbackServer

FILTER_PATH = "/cgi-bin/filter_gfs_0p25.pl"
BITS = 16  # of a repacked value
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True, slots=True)
class Request:
    """A request: method, path, query (name -> value) and headers."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """A response. `headers` are sent unchanged: a test may send false ones."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class LoopbackBucket(LoopbackServer):
    """A server for a `with` block, on its own port; `url` is the bucket, `filter_url` the filter.

    `requests` and `bytes` count requests received and bytes sent. Tests make faults by overriding
    `respond` and `send`.
    """

    def __init__(self, root: Path, filter: bool = True) -> None:
        self.root = root.resolve()
        self.requests = 0
        self.bytes = 0
        self._filter = filter
        self._lock = threading.Lock()
        super().__init__(_handler(self))
        self.url = self.address
        self.filter_url = self.url + FILTER_PATH

    def respond(self, request: Request) -> Response:
        """Return the correct response to a request."""
        if request.method not in ("GET", "HEAD"):
            return Response(HTTPStatus.METHOD_NOT_ALLOWED)
        if request.path == FILTER_PATH:
            return self._filtered(request) if self._filter else _not_found()
        path = self._inside(request.path)
        return _not_found() if path is None else _file(path, request.headers.get("range", ""))

    def send(self, handler: BaseHTTPRequestHandler, response: Response) -> None:
        """Send a response."""
        handler.send_response(response.status)
        for name, value in {"Content-Length": str(len(response.body)), **response.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(response.body)
            self.count(0, len(response.body))

    def count(self, requests: int, sent: int) -> None:
        with self._lock:
            self.requests += requests
            self.bytes += sent

    def _inside(self, path: str) -> Path | None:
        """Return the file at `path` under the root; None where there is none or it lies outside."""
        found = (self.root / path.lstrip("/")).resolve()
        return found if found.is_relative_to(self.root) and found.is_file() else None

    def _filtered(self, request: Request) -> Response:
        query = request.query
        path = self._inside(query.get("dir", "").strip("/") + "/" + query.get("file", ""))
        listing = None if path is None else self._inside(f"{path.relative_to(self.root)}.idx")
        if path is None or listing is None:
            return _page(HTTPStatus.NOT_FOUND, "data file is not present")
        try:
            body = filtered(path.read_bytes(), listing.read_text(), query)
        except ValueError as error:
            return _page(HTTPStatus.BAD_REQUEST, str(error))
        return Response(HTTPStatus.OK, body, {"Content-Type": "application/octet-stream"})


def filtered(data: bytes, listing: str, query: Mapping[str, str]) -> bytes:
    """Return the messages of `data` with a requested variable and level, cut and repacked.

    Raises: ValueError where the query lacks var_, lev_ or a corner of the subregion.
    """
    variables = {
        name[4:] for name, value in query.items() if name.startswith("var_") and value == "on"
    }
    levels = {
        name[4:] for name, value in query.items() if name.startswith("lev_") and value == "on"
    }
    if not variables or not levels:
        raise ValueError("name at least one var_ and one lev_")
    region = None
    if "subregion" in query:
        region = tuple(
            float(query.get(name, "nan")) for name in ("toplat", "bottomlat", "leftlon", "rightlon")
        )
        if any(np.isnan(region)):
            raise ValueError("a subregion has toplat, bottomlat, leftlon and rightlon")
    pieces: list[bytes] = []
    for line in listing.splitlines():
        _, offset, _, variable, level, *_ = line.split(":")
        if variable in variables and level.replace(" ", "_") in levels:
            start = int(offset)
            message = data[start : start + int.from_bytes(data[start + 8 : start + 16], "big")]
            pieces.append(_repacked(message, region))
    return b"".join(pieces)


def _repacked(message: bytes, region: tuple[float, ...] | None) -> bytes:
    """Return a GRIB2 message on a regular grid cut to (north, south, west, east).

    Simple packing, rows south to north.
    """
    handle = eccodes.codes_new_from_message(message)
    try:
        columns, rows = (int(eccodes.codes_get(handle, key)) for key in ("Ni", "Nj"))
        values = eccodes.codes_get_values(handle).reshape(rows, columns)
        first, last, west = (
            eccodes.codes_get_double(handle, f"{key}InDegrees")
            for key in (
                "latitudeOfFirstGridPoint",
                "latitudeOfLastGridPoint",
                "longitudeOfFirstGridPoint",
            )
        )
        latitudes = np.linspace(first, last, rows)
        if not eccodes.codes_get(handle, "jScansPositively"):
            latitudes, values = latitudes[::-1], values[::-1]
        longitudes = west + eccodes.codes_get_double(
            handle, "iDirectionIncrementInDegrees"
        ) * np.arange(columns)
        if region is not None:
            north, south, left, right = region
            keep_rows = np.flatnonzero((latitudes >= south - 1e-6) & (latitudes <= north + 1e-6))
            away = (longitudes - left + 1e-6) % 360
            keep_columns = np.flatnonzero(away <= right - left + 2e-6)
            keep_columns = keep_columns[np.argsort(away[keep_columns])]
            if not keep_rows.size or not keep_columns.size:
                raise ValueError("the subregion holds no grid point")
            values, latitudes, longitudes = (
                values[np.ix_(keep_rows, keep_columns)],
                latitudes[keep_rows],
                longitudes[keep_columns],
            )
        missing = bool(eccodes.codes_get(handle, "numberOfMissing"))
        _set_grid(handle, latitudes, longitudes)
        if missing:
            eccodes.codes_set(handle, "bitmapPresent", 1)
        eccodes.codes_set(handle, "packingType", "grid_simple")
        eccodes.codes_set(handle, "bitsPerValue", BITS)
        eccodes.codes_set_values(handle, np.ascontiguousarray(values).ravel())
        packed: bytes = eccodes.codes_get_message(handle)
        return packed
    finally:
        eccodes.codes_release(handle)


def _set_grid(handle: Any, latitudes: np.ndarray, longitudes: np.ndarray) -> None:
    """Write the shape and the corners of a grid whose rows run south to north."""
    whole: dict[str, int] = {"Ni": longitudes.size, "Nj": latitudes.size, "jScansPositively": 1}
    corners = {
        "latitudeOfFirstGridPointInDegrees": latitudes[0],
        "latitudeOfLastGridPointInDegrees": latitudes[-1],
        "longitudeOfFirstGridPointInDegrees": longitudes[0] % 360,
        "longitudeOfLastGridPointInDegrees": longitudes[-1] % 360,
    }
    for key, value in whole.items():
        eccodes.codes_set_long(handle, key, value)
    for key, degrees in corners.items():
        eccodes.codes_set_double(handle, key, float(degrees))


def _file(path: Path, wanted: str) -> Response:
    """Return a file, or the range of it that the header `wanted` names."""
    status = path.stat()
    headers = {
        "ETag": f'"{status.st_size:x}-{status.st_mtime_ns:x}"',
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
        "Accept-Ranges": "bytes",
        "Content-Type": "binary/octet-stream",
    }
    found = _RANGE.fullmatch(wanted)
    if found is None:
        return Response(HTTPStatus.OK, path.read_bytes(), headers)
    first, last = int(found[1]), min(int(found[2] or status.st_size), status.st_size - 1)
    if first >= status.st_size or first > last:
        return Response(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            b"",
            headers | {"Content-Range": f"bytes */{status.st_size}"},
        )
    with path.open("rb") as file:
        file.seek(first)
        body = file.read(last - first + 1)
    return Response(
        HTTPStatus.PARTIAL_CONTENT,
        body,
        headers | {"Content-Range": f"bytes {first}-{last}/{status.st_size}"},
    )


def _not_found() -> Response:
    body = (
        b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
    )
    return Response(HTTPStatus.NOT_FOUND, body, {"Content-Type": "application/xml"})


def _page(status: HTTPStatus, text: str) -> Response:
    body = f"<html><head><title>{status.phrase}</title></head><body>{text}</body></html>".encode()
    return Response(status, body, {"Content-Type": "text/html"})


def _handler(bucket: LoopbackBucket) -> type[BaseHTTPRequestHandler]:
    """Return a handler class that takes its responses from `bucket`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            bucket.count(1, 0)
            bucket.send(
                self, bucket.respond(Request(self.command, unquote(parts.path), query, headers))
            )

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
