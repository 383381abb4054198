"""Do /healthz and /metrics say how the service is, also without its archive, and to whom?"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.config import Config
from forecast.files import write_whole
from forecast.service import backup_record, heartbeat
from forecast.service.journal import Journal, JournalEntry
from forecast.service.web.server import WebServer
from products import manifest
from tests.web_world import WebWorld, web_world

HOUR = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)  # 16:10 in Beijing
NOW = HOUR + timedelta(minutes=30)


@pytest.fixture
def ours(config: Config, tmp_path: Path) -> WebWorld:
    found = web_world(config, tmp_path, review="off")
    found.now = NOW
    return found


def lives(ours: WebWorld, at: datetime = NOW) -> None:
    """Let the scheduler beat."""
    folder = ours.world.config.private_folder
    heartbeat.beat(folder, at, at - timedelta(days=1), "0.1.0")


def issued(ours: WebWorld, at: datetime = HOUR) -> None:
    """Let readers see an issue, and the journal know of it."""
    release = ours.world.config.output.folder / "current"
    release.mkdir(parents=True, exist_ok=True)
    content = {
        "issue": "gfs-2026112200", "number": 7, "issued": at.isoformat(),
        "valid_until": (at + timedelta(hours=12)).isoformat(), "model": "gfs",
        "run": "2026-11-22T00:00:00+00:00", "files": {},
    }  # fmt: skip
    write_whole(release / manifest.NAME, manifest.text(content))
    entry = JournalEntry(
        at, at, "a1", "issued", "gfs-2026112200", 0, "", {"fetch": 1.5, "decode": 4.0}
    )
    Journal(ours.world.config.private_folder).add(entry)


def statuses(ours: WebWorld) -> list[int]:
    paths = ("/healthz", "/healthz/live", "/healthz/ready")
    return [ours.client().get(path).status_code for path in paths]


def test_health_has_a_half_for_the_process_and_a_half_for_readers(ours: WebWorld) -> None:
    assert statuses(ours) == [503, 503, 503]
    lives(ours)
    assert statuses(ours) == [503, 200, 503]
    issued(ours)
    assert statuses(ours) == [200, 200, 200]

    ours.now = NOW + timedelta(minutes=4)  # the scheduler died meanwhile; this process lives
    assert statuses(ours) == [503, 503, 200]
    ours.now = HOUR + timedelta(hours=13)
    lives(ours, ours.now)
    assert statuses(ours) == [503, 200, 503]


def test_an_overdue_hour_is_unhealthy_though_readers_have_a_forecast(ours: WebWorld) -> None:
    issued(ours, HOUR - timedelta(hours=9))
    lives(ours)

    answer = ours.client().get("/healthz")

    assert answer.status_code == 503
    assert answer.json is not None
    assert (answer.json["live"], answer.json["ready"]) == (True, True)
    assert answer.json["overdue_hour"] == HOUR.isoformat()
    assert answer.json["outcome"] == "issued"


def test_health_and_metrics_need_no_archive(ours: WebWorld) -> None:
    lives(ours)
    issued(ours)
    for path in ours.world.config.private_folder.glob("archive.db*"):
        path.write_bytes(b"no database")

    assert statuses(ours) == [503, 200, 200]  # degraded: issues go on
    assert ours.client().get("/metrics").status_code == 200


def test_an_issue_that_went_out_without_the_archive_is_degraded(ours: WebWorld) -> None:
    lives(ours)
    issued(ours)
    entry = JournalEntry(NOW, HOUR, "b", "issued", "gfs-2026112200", 5, "archive unavailable: gone")
    Journal(ours.world.config.private_folder).add(entry)

    answer = ours.client().get("/healthz")

    assert statuses(ours) == [503, 200, 200]
    assert answer.json is not None
    assert (answer.json["status"], answer.json["archive_fault"]) == ("degraded", True)


def test_an_attempt_that_the_archive_failed_is_degraded_at_once_until_the_next_succeeds(
    ours: WebWorld,
) -> None:
    lives(ours)
    issued(ours)
    journal, asked = Journal(ours.world.config.private_folder), []
    for code in (0, 5, 0):
        journal.add(JournalEntry(NOW, HOUR, "b", "waiting", None, code, "archive busy"))
        answer = ours.client().get("/healthz")
        assert answer.json is not None
        asked.append((answer.status_code, answer.json["status"], answer.json["archive_fault"]))

    assert asked == [(200, "ok", False), (503, "degraded", True), (200, "ok", False)]


def figures(answer: Any) -> dict[str, float]:
    """Return each figure of a page of metrics by its name and labels."""
    lines = answer.get_data(as_text=True).splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    }


def test_metrics_have_names_with_units_and_the_figures_of_the_service(ours: WebWorld) -> None:
    lives(ours, NOW - timedelta(seconds=12))
    issued(ours)
    journal = Journal(ours.world.config.private_folder)
    for outcome in ("waiting", "waiting"):
        journal.add(JournalEntry(NOW, HOUR, "b2", outcome, None, 4, "no run"))  # type: ignore[arg-type]
    ours.client().get("/nowhere")

    answer = ours.client().get("/metrics")
    found = figures(answer)

    assert answer.content_type.startswith("text/plain; version=")
    assert found["skyscape_heartbeat_age_seconds"] == 12
    assert found["skyscape_issue_age_seconds"] == 30 * 60
    assert found["skyscape_issue_valid_seconds"] == 11.5 * 3600
    assert found["skyscape_run_age_seconds"] == 8 * 3600 + 40 * 60
    assert found['skyscape_attempts_total{outcome="waiting"}'] == 2
    assert found['skyscape_attempts_total{outcome="missed"}'] == 0
    assert found['skyscape_step_duration_seconds{step="decode"}'] == 4.0
    assert found['skyscape_http_requests_total{class="4xx"}'] == 1
    assert found["skyscape_archive_bytes"] > 0
    assert found["skyscape_scheduler_alive"] == 1
    assert found["skyscape_hour_overdue"] == 0
    assert all(
        re.fullmatch(r"skyscape_[a-z_]+(\{.*\})?", name)
        for name in found
        if not name.startswith("skyscape_http_requests_created")
    )


def test_a_backup_that_is_missing_is_a_metric_and_stands_in_health(
    config: Config, tmp_path: Path
) -> None:
    backup = config.backup.model_copy(update={"folder": tmp_path / "backups"})
    found = web_world(config.model_copy(update={"backup": backup}), tmp_path, review="off")
    found.now = NOW
    lives(found)
    issued(found)
    backup_record.note_made(found.world.config, tmp_path / "backups", NOW - timedelta(hours=3))
    client = found.client()

    whole = figures(client.get("/metrics"))
    assert whole["skyscape_backup_age_seconds"] == 3 * 3600
    assert whole["skyscape_backup_missing"] == 0

    backup_record.note_failed(found.world.config, NOW, "the disk is away")
    assert figures(client.get("/metrics"))["skyscape_backup_missing"] == 1
    answer = client.get("/healthz")
    assert answer.json is not None
    assert (answer.status_code, answer.json["backup_fault"]) == (200, True)


def test_a_silent_station_is_a_metric(ours: WebWorld, config: Config) -> None:
    from tests.station_data import with_stations

    stations = with_stations(config).observations
    settings = ours.world.config.model_copy(update={"observations": stations})
    ours.application.extensions["metrics"]._context = replace(ours.context, config=settings)

    found = figures(ours.client().get("/metrics"))

    silent = {name: value for name, value in found.items() if "station_silent" in name}
    assert len(silent) == len(stations.stations)
    assert set(silent.values()) == {1.0}


@pytest.mark.parametrize(
    ("service", "address", "allowed"),
    [
        ({}, "127.0.0.1", True),
        ({}, "::1", True),
        ({}, "192.0.2.7", False),
        ({"metrics": "all"}, "192.0.2.7", True),
        ({"metrics": "off"}, "127.0.0.1", False),
        # a proxy that is not counted hides who asks
        ({"base_url": "https://weather.example"}, "127.0.0.1", False),
        ({"base_url": "https://weather.example", "trusted_proxies": 1}, "127.0.0.1", True),
    ],
)
def test_metrics_are_for_this_machine_unless_the_settings_say_otherwise(
    config: Config, tmp_path: Path, service: dict[str, Any], address: str, allowed: bool
) -> None:
    ours = web_world(config, tmp_path, review="off", **service)

    answer = ours.client().get("/metrics", environ_overrides={"REMOTE_ADDR": address})

    assert answer.status_code == (200 if allowed else 404)
    assert (b"skyscape_" in answer.data) == allowed


@pytest.fixture
def server(ours: WebWorld) -> Iterator[WebServer]:
    web = ours.world.config.web.model_copy(update={"port": 0})
    found = WebServer(ours.application, web)
    thread = threading.Thread(target=found.serve, daemon=True)
    thread.start()
    yield found
    found.close()
    thread.join(10)


def test_what_a_server_before_this_one_passes_on_gets_no_metrics(server: WebServer) -> None:
    def asked(*headers: str) -> bytes:
        lines = ("GET /metrics HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", "")
        with socket.create_connection(("127.0.0.1", server.port), 20) as link:
            link.sendall("\r\n".join(lines).encode())
            found = b""
            while more := link.recv(65536):
                found += more
        return found

    assert asked().startswith(b"HTTP/1.1 200 ")
    for header in (
        "X-Forwarded-For: 192.0.2.7",
        "Forwarded: for=192.0.2.7",
        "X-Real-IP: 192.0.2.7",
    ):
        passed_on = asked(header)
        assert passed_on.startswith(b"HTTP/1.1 404 ")
        assert b"skyscape_" not in passed_on
