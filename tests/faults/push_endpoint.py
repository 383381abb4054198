"""A push server in its own process, and requests to it: for tests that attack or kill it."""

from __future__ import annotations

import http.client
import json
import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any
from zoneinfo import ZoneInfo

from forecast.archive.issues import Archive
from forecast.config import read_config
from forecast.domain import Station
from forecast.issue.lifecycle import Lifecycle
from forecast.service.web.application import create_application
from forecast.service.web.bounded_socket import Timeouts
from forecast.service.web.context import WebContext
from forecast.service.web.push import ADDRESS, ObservationEndpoint
from forecast.service.web.server import WebServer
from forecast.settings import ObservationSettings, StationSettings, WebSettings

TOKEN = "a-token-of-the-mountain-stations"
START = datetime(2026, 11, 22, tzinfo=UTC)
NOW = datetime(2046, 1, 1, tzinfo=UTC)  # records of many years have come
TIMEOUTS = Timeouts()
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["forecast.service.web.server", "forecast.observations.intake", "tests.faults.push_endpoint"]
)


def observing(count: int) -> ObservationSettings:
    """Return settings with `count` stations."""
    names = (f"S{k:05d}" for k in range(count))
    return ObservationSettings(
        stations=tuple(
            StationSettings(id=name, latitude=40.0, longitude=115.5, elevation_m=1000)
            for name in names
        )
    )


def stations(count: int) -> dict[str, Station]:
    return {each.id: each.as_station() for each in observing(count).stations}


def records(
    count: int, first: int = 0, station: str = "S00000", **values: Any
) -> list[dict[str, Any]]:
    """Return records of one station, a minute apart."""
    elements = values or {
        "air_temperature": -5.2,
        "relative_humidity": 61,
        "wind_speed": 3.4,
        "negative_oxygen_ions": 1830,
    }
    return [
        {"station": station, "time": (START + timedelta(minutes=first + k)).isoformat(), **elements}
        for k in range(count)
    ]


def server_of(
    endpoint: ObservationEndpoint, archive: Archive, timeouts: Timeouts = TIMEOUTS, port: int = 0
) -> WebServer:
    """Return the whole web application on a socket, with this endpoint."""
    web: Any = None  # no page of the desk is asked for
    context = WebContext(read_config(), archive, Lifecycle(), lambda: web, lambda: NOW)
    application = create_application(context, b"a key of thirty-two bytes, for tests", endpoint)
    return WebServer(application, WebSettings(port=port), endpoint, timeouts)


def serve(
    sender: Connection, url: str, timeouts: Timeouts, many: int, maximum_mb: float, checked: bool
) -> None:
    """Send the port, then serve until killed. checked: with quality control."""
    from forecast.archive.observations import FileRead, Observations, Reading
    from forecast.observations.formats import ParseContext, Parsed
    from forecast.observations.intake import Intake
    from forecast.settings import PushSettings

    settings = PushSettings(maximum_mb=maximum_mb, requests_per_minute=60_000, oldest_days=20 * 366)
    archive = Archive(url)
    kept = Observations(archive)
    intake = Intake(observing(many), archive, ZoneInfo("Asia/Shanghai"))

    def keep_only(digest: str, name: str, parsed: Parsed, at: datetime) -> bool:
        reading = Reading(digest, name, parsed.form, at, len(parsed.observations), 0)
        file = FileRead(reading, parsed.faults)
        return bool(kept.keep_files([file], parsed.observations, [], at))

    tokens = {"mountain": TOKEN, **{f"sender{k}": f"{TOKEN}-{k}" for k in range(8)}}
    endpoint = ObservationEndpoint(
        settings,
        tokens,
        ParseContext(stations(many)),
        intake.receive if checked else keep_only,
        lambda: NOW,
    )
    server = server_of(endpoint, archive, timeouts)
    sender.send(server.port)
    server.serve()


@contextmanager
def endpoint_at(
    url: str,
    timeouts: Timeouts = TIMEOUTS,
    many: int = 3,
    maximum_mb: float = 8,
    checked: bool = True,
) -> Iterator[tuple[BaseProcess, int]]:
    """Give a serving process and its port; it is killed at the end."""
    receiver, sender = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=serve, args=(sender, url, timeouts, many, maximum_mb, checked))
    process.start()
    try:
        assert receiver.poll(300), "the server did not start"
        yield process, receiver.recv()
    finally:
        process.kill()
        process.join(300)


def push(
    port: int, body: bytes | list[Any], token: str = TOKEN, **headers: str
) -> tuple[int, dict[str, Any]]:
    """Push one body; return the status and the answer."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        return ask(
            link,
            body,
            {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
    finally:
        link.close()


def ask(
    link: http.client.HTTPConnection, body: bytes | list[Any], headers: Mapping[str, str]
) -> tuple[int, dict[str, Any]]:
    link.request(
        "POST",
        ADDRESS,
        body if isinstance(body, bytes) else json.dumps(body).encode(),
        dict(headers),
    )
    answer = link.getresponse()
    return answer.status, json.loads(answer.read())
