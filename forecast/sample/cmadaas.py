"""A strict loopback server that speaks the documented interface of CMADaaS.

It refuses what the service would: a password in the address, a wrong signature, an old time stamp,
a nonce used twice, an unknown account, data set, element or parameter, and more requests in an hour
than its limit. It pages, sends numbers as text, and misbehaves on demand (`faults`). The
demonstration and the tests ask it by the production client. What the real service does beyond
../shared/cmadaas.md is not known, and not invented here.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from forecast.http.wall_clock import unix_time
from forecast.ingest.cmadaas import signature
from forecast.sample.loopback import LoopbackServer
from forecast.settings.cmadaas import CmadaasInterfaces

PATH, FILES = "/music-ws/api", "/files/"
TOLERANCE = 30 * 60.0  # [s] of a time stamp
MISSING = "999999"
ALWAYS = (
    "serviceNodeId", "userId", "interfaceId", "dataCode", "dataFormat", "timestamp", "nonce",
    "sign",
)  # fmt: skip

Fault = Literal[
    "", "too_frequent", "wrong_account", "half_a_page", "nul", "html", "reset", "busy", "server",
    "truncated", "redirect", "forbidden", "no_code",
]  # fmt: skip
Row = Mapping[str, str]
Array = np.ndarray


@dataclass(frozen=True, slots=True)
class GridQuery:
    """What a request for a grid names. validtime [h]: None for an analysis."""

    data_code: str
    element: str
    level_type: str
    level: str
    run: datetime
    validtime: int | None


class ServedData(Protocol):
    """What a server has: each method returns None where the data set is not its own."""

    def rows(self, data_code: str) -> Sequence[Row] | None:
        """Return every record of a data set, all of its elements, the oldest first."""
        ...

    def grid(self, query: GridQuery) -> tuple[Array, Array, Array] | None:
        """Return latitudes, longitudes (rising) and values of a field; None: no record."""
        ...

    def latest(self, data_code: str) -> datetime | None: ...

    def files(self, data_code: str, run: datetime) -> Mapping[str, bytes] | None: ...


class LoopbackCmadaas(LoopbackServer):
    """The server, for a `with` block, on its own port; `url` is the interface.

    accounts: user -> password. per_hour: requests that it serves in an hour. faults: the fault of a
    request, by its number from 0 and its query. names_elements: whether a refusal says which
    element is not served; most_rows: records of a reply, which does not say so. `requests` counts
    all requests, `by_interface` each interface's, `refusals` what was refused and why.
    """

    def __init__(
        self,
        data: ServedData,
        accounts: Mapping[str, str],
        per_hour: int = 1_000_000,
        faults: Callable[[int, Mapping[str, str]], Fault] | None = None,
        now: Callable[[], float] = unix_time,
    ) -> None:
        self.data, self.accounts, self.per_hour, self.now = data, accounts, per_hour, now
        self.names_elements, self.most_rows = True, 1_000_000
        self.faults = faults or (lambda number, query: "")
        self.interfaces = CmadaasInterfaces()
        self.requests = 0
        self.by_interface: Counter[str] = Counter()
        self.refusals: list[str] = []
        self._times: list[float] = []
        self._nonces: set[str] = set()
        self._lock = threading.Lock()
        super().__init__(_handler(self))
        self.host = self.address
        self.url = self.host + PATH

    @property
    def most_in_an_hour(self) -> int:
        """The most requests that any 60 minutes saw."""
        times = sorted(self._times)
        return max(
            (sum(1 for t in times if start <= t < start + 3600) for start in times), default=0
        )

    def respond(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        """Return status and body of the response; a status of 0 resets the connection."""
        with self._lock:
            number, now = self.requests, self.now()
            self.requests += 1
            self._times.append(now)
            within = sum(1 for time in self._times if time > now - 3600)
            self.by_interface[query.get("interfaceId", path)] += 1
        fault = self.faults(number, query)
        if fault == "reset":
            return 0, b""
        if fault == "busy":
            return 503, b"busy"
        if fault in ("redirect", "forbidden"):
            return 302 if fault == "redirect" else 403, b"<html>log in</html>"
        if fault == "no_code":
            return 200, json.dumps(_envelope(0, "OK") | {"returnCode": "N/A"}).encode()
        if fault == "html":
            return 200, b"<html><body>Please log in to the network</body></html>"
        if within > self.per_hour or fault == "too_frequent":
            return self._refused(-5004, "too many requests in this hour")
        if fault == "wrong_account":
            return 200, json.dumps(
                {"flag": "slb", "returnCode": -1004, "returnMessage": "Password Error"}
            ).encode()
        if fault == "server":
            return self._refused(-6001, "no database link")
        status, body = self._file(path) if path.startswith(FILES) else self._asked(path, query)
        if fault == "truncated":
            return status, body[: len(body) // 2]
        return status, _dirtied(body, fault)

    def _asked(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        if path != PATH:
            return 404, b"not found"
        if reason := self._reason_to_refuse(query):
            self.refusals.append(reason[1])
            return self._refused(*reason)
        names = self.interfaces
        answers = {
            names.region: self._stations,
            names.stations: self._stations,
            names.rectangle: self._stations,
            names.grid: self._grid,
            names.analysis: self._grid,
            names.latest_run: self._latest,
            names.files: self._files,
        }
        answer = answers.get(query["interfaceId"])
        try:
            if answer is None:
                raise ServiceRefusal(-2001, f"no interface {query['interfaceId']}")
            return 200, json.dumps(answer(query)).encode()
        except ServiceRefusal as refusal:
            self.refusals.append(refusal.message)
            return self._refused(refusal.code, refusal.message)

    def _reason_to_refuse(self, query: Mapping[str, str]) -> tuple[int, str] | None:
        """Return code and reason where a request is not of a known account and signed now."""
        if "pwd" in query:
            return -1004, "a password stands in the address"
        if absent := [name for name in ALWAYS if not query.get(name)]:
            return -2001, f"parameters are missing: {', '.join(absent)}"
        password = self.accounts.get(query["userId"])
        if password is None:
            return -1004, "Password Error"
        if not query["timestamp"].isdecimal():
            return -2001, "timestamp"
        if abs(float(query["timestamp"]) / 1000 - self.now()) > TOLERANCE:
            return -1002, "the time stamp is too old"
        given = {name: value for name, value in query.items() if name != "sign"}
        if query["sign"] != signature(given, password):
            return -1002, "sign is wrong"
        with self._lock:
            if query["nonce"] in self._nonces:
                return -1002, "nonce used twice"
            self._nonces.add(query["nonce"])
        return None

    def _refused(self, code: int, message: str) -> tuple[int, bytes]:
        return 200, json.dumps(_envelope(code, message)).encode()

    # -- what is served

    def _stations(self, query: Mapping[str, str]) -> dict[str, Any]:
        rows = self.data.rows(query["dataCode"])
        if rows is None:
            raise ServiceRefusal(-2000, f"no data set {query['dataCode']}")
        _require(query, "timeRange", "elements")
        elements = query["elements"].split(",")
        since, until, closed = _range(query["timeRange"])
        place = self._place(query)
        known = {name for row in rows for name in row}
        if rows and (unknown := [name for name in elements if name not in known]):
            named = f"element {unknown[0]}" if self.names_elements else "element not served"
            raise ServiceRefusal(-3005, named)
        found = []
        for row in rows:
            at = datetime.strptime(row["Datetime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
            if (since <= at < until or (closed and at == until)) and place(row):
                found.append({name: row.get(name, MISSING) for name in elements})
        if query.get("orderby", "Datetime:ASC") != "Datetime:ASC":
            raise ServiceRefusal(-3001, "orderby")
        limit = query.get("limitCnt", "1000000")
        if not limit.isdecimal():
            raise ServiceRefusal(-3001, "limitCnt")
        found = found[: min(int(limit), self.most_rows)]
        if not found:
            raise ServiceRefusal(-1, "Query Succeed, but no record")
        return _envelope(0, "Query Succeed", found)

    def _place(self, query: Mapping[str, str]) -> Callable[[Row], bool]:
        names = self.interfaces
        if query["interfaceId"] == names.region:
            _require(query, "adminCodes")
            codes = set(query["adminCodes"].split(","))
            # a province or a city holds its counties
            whole = {code.rstrip("0") for code in codes if code.endswith("00")}
            return lambda row: (
                row["Admin_Code_CHN"] in codes
                or any(row["Admin_Code_CHN"].startswith(each) for each in whole)
            )
        if query["interfaceId"] == names.stations:
            _require(query, "staIds")
            ids = set(query["staIds"].split(","))
            return lambda row: row["Station_Id_C"] in ids
        _require(query, "minLat", "maxLat", "minLon", "maxLon")
        south, north, west, east = (
            float(query[name]) for name in ("minLat", "maxLat", "minLon", "maxLon")
        )
        return lambda row: south <= float(row["Lat"]) <= north and west <= float(row["Lon"]) <= east

    def _grid(self, query: Mapping[str, str]) -> dict[str, Any]:
        corners = ("minLat", "maxLat", "minLon", "maxLon")
        _require(query, "time", "fcstEle", "levelType", "fcstLevel", *corners)
        forecast = query["interfaceId"] == self.interfaces.grid
        if forecast:
            _require(query, "validTime")
        wanted = GridQuery(
            query["dataCode"], query["fcstEle"], query["levelType"], query["fcstLevel"],
            _time(query["time"]), int(query["validTime"]) if forecast else None,
        )  # fmt: skip
        found = self.data.grid(wanted)
        if found is None:
            raise ServiceRefusal(-1, "no record")
        south, north, west, east = (float(query[name]) for name in corners)
        latitudes, longitudes, values = found
        rows = np.flatnonzero((latitudes >= south - 1e-6) & (latitudes <= north + 1e-6))
        columns = np.flatnonzero((longitudes >= west - 1e-6) & (longitudes <= east + 1e-6))
        if rows.size < 2 or columns.size < 2:
            raise ServiceRefusal(-3004, "outside the area")
        cut = np.where(np.isnan(values), 999999.0, values)[np.ix_(rows, columns)]
        return _envelope(0, "Query Succeed") | {
            "startLat": f"{latitudes[rows[0]]:g}", "endLat": f"{latitudes[rows[-1]]:g}",
            "startLon": f"{longitudes[columns[0]]:g}", "endLon": f"{longitudes[columns[-1]]:g}",
            "latStep": f"{latitudes[1] - latitudes[0]:g}",
            "lonStep": f"{longitudes[1] - longitudes[0]:g}",
            "latCount": str(rows.size), "lonCount": str(columns.size),
            "DS": [[f"{value:.7g}" for value in row] for row in cut.tolist()],
        }  # fmt: skip

    def _latest(self, query: Mapping[str, str]) -> dict[str, Any]:
        found = self.data.latest(query["dataCode"])
        if found is None:
            raise ServiceRefusal(-2001, "this data set has no latest time")
        return _envelope(0, "Query Succeed", [{"Datetime": f"{found:%Y%m%d%H%M%S}"}])

    def _files(self, query: Mapping[str, str]) -> dict[str, Any]:
        _require(query, "time")
        run = _time(query["time"])
        files = self.data.files(query["dataCode"], run)
        if not files:
            raise ServiceRefusal(-1, "no record")
        return _envelope(0, "Query Succeed", [
            {
                "FILE_NAME": name, "FORMAT": "GRIB2", "FILE_SIZE": str(len(body)),
                "FILE_URL": f"{self.host}{FILES}{query['dataCode']}/{run:%Y%m%d%H}/{name}",
            }
            for name, body in sorted(files.items())
        ])  # fmt: skip

    def _file(self, path: str) -> tuple[int, bytes]:
        data_code, run, name = path.removeprefix(FILES).split("/")
        at = datetime.strptime(run, "%Y%m%d%H").replace(tzinfo=UTC)
        body = (self.data.files(data_code, at) or {}).get(name)
        return (404, b"") if body is None else (200, body)


class ServiceRefusal(Exception):
    """A request is refused with a code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def _require(query: Mapping[str, str], *names: str) -> None:
    if absent := [name for name in names if not query.get(name)]:
        raise ServiceRefusal(-2001, f"parameters are missing: {', '.join(absent)}")


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise ServiceRefusal(-3001, f"time {text!r}") from error


def _range(text: str) -> tuple[datetime, datetime, bool]:
    """Return both ends of a range of times, and whether the last one belongs to it."""
    if text[:1] not in "[(" or text[-1:] not in "])" or text.count(",") != 1:
        raise ServiceRefusal(-3001, f"timeRange {text!r}")
    since, until = (_time(part) for part in text[1:-1].split(","))
    return since + timedelta(seconds=text[0] == "("), until, text[-1] == "]"


def _envelope(code: int, message: str, records: Sequence[Any] | None = None) -> dict[str, Any]:
    head: dict[str, Any] = {
        "returnCode": str(code), "returnMessage": message, "requestParams": "", "takeTime": "0.01",
        "fieldNames": "", "fieldUnits": "",
    }  # fmt: skip
    if records is not None:
        head |= {"rowCount": str(len(records)), "DS": list(records)}
    return head


def _dirtied(body: bytes, fault: str) -> bytes:
    if fault == "nul":
        return body.replace(b'"DS"', b'"DS\x00"').replace(b"Succeed", b"Succ\x00\x02eed") + b"\0\0"
    if fault == "half_a_page":
        content = json.loads(body)
        content["DS"] = content.get("DS", [])[: len(content.get("DS", [])) // 2]
        return json.dumps(content).encode()
    return body


def _handler(double: LoopbackCmadaas) -> type[BaseHTTPRequestHandler]:
    """Return a handler class that takes its responses from `double`."""

    class ServiceHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = double.respond(
                parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))
            )
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(double.now() if timestamp is None else timestamp)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return ServiceHandler
