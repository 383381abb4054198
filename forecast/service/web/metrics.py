"""Figures for Prometheus at `/metrics`: for this machine only, unless the settings say otherwise.

They are read when they are asked for, from the same small files as `/healthz`; of the archive only
which stations are silent. Names and units: prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from forecast import VERSION
from forecast.archive.observations import Observations
from forecast.config import Config
from forecast.domain import as_utc
from forecast.errors import ArchiveError
from forecast.service.alerting.conditions import LEVELS
from forecast.service.alerting.facts import LOOK_BACK, archive_bytes, disks
from forecast.service.alerting.ledger import read_ledger
from forecast.service.backup_record import read_record
from forecast.service.journal import Journal
from forecast.service.state import ISSUED, ServiceState, overdue_hour, read_service_state
from forecast.service.web.context import WebContext, context
from forecast.settings import LOOPBACK

blueprint = Blueprint("metrics", __name__)
PATH = "/metrics"
KEY = "metrics"  # of app.extensions
STATIONS = timedelta(minutes=1)  # for which it is used again which stations are silent
# Headers by which a server before this one says for whom it asks.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Metrics:
    """The registry of one application: its own counters, and what is read at each request."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._stations: tuple[datetime, dict[str, bool]] | None = None
        self._attempts: tuple[tuple[int, ...], dict[str, int]] = ((), {})
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "skyscape_http_requests",
            "Requests answered by the web application, by class of status.",
            ("class",),
            registry=self.registry,
        )
        for kind in range(2, 6):
            self._requests.labels(f"{kind}xx")
        self.registry.register(self)

    def count(self, status: int) -> None:
        """Count one answer."""
        self._requests.labels(f"{status // 100}xx").inc()

    def describe(self) -> tuple[Metric, ...]:
        """Return nothing: what is collected is known only when it is asked for."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every figure as of now; one that is not known is left out."""
        config, now = self._context.config, as_utc(self._context.clock())
        state = read_service_state(config)
        yield _gauge("build_info", "The version, as a label.", 1, version=VERSION)
        yield _gauge("scheduler_alive", "1 while the scheduler lives.", not state.silent(now))
        yield _gauge(
            "hour_overdue", "1 while an hour of issue is overdue.",
            overdue_hour(state, config, now) is not None,
        )  # fmt: skip
        yield from _ages(state, now)
        yield from self._of_journal(state)
        size = archive_bytes(self._context.archive)
        if size is not None:
            yield _gauge("archive_bytes", "Size of the archive.", size)
        free = GaugeMetricFamily(
            "skyscape_disk_free_bytes", "Free on the disk of a folder.", labels=["folder"]
        )
        for disk in disks(config):
            free.add_metric([str(disk.folder)], disk.free)
        yield free
        yield from _backups(config, now)
        yield self._open_alerts()
        yield from self._silent_stations(now)

    def _of_journal(self, state: ServiceState) -> Iterator[Metric]:
        attempts = CounterMetricFamily(
            "skyscape_attempts", "Attempts to issue that the journal holds.", labels=["outcome"]
        )
        for outcome, count in self._counts().items():
            attempts.add_metric([outcome], count)
        yield attempts
        if state.journal:
            at = state.journal[0].at.timestamp()
            yield _gauge("last_attempt_timestamp_seconds", "When was the last attempt.", at)
        issued = (entry for entry in state.journal if entry.outcome in ISSUED and entry.seconds)
        steps = GaugeMetricFamily(
            "skyscape_step_duration_seconds", "Of the last issue, by step.", labels=["step"]
        )
        for step, seconds in next((entry.seconds for entry in issued), {}).items():
            steps.add_metric([step], seconds)
        yield steps

    def _counts(self) -> dict[str, int]:
        """Return the attempts by outcome; the journal is read again once it has changed."""
        journal = Journal(self._context.config.private_folder)
        try:
            found = journal.path.stat()
            version: tuple[int, ...] = (found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            version = ()
        if not version or version != self._attempts[0]:
            self._attempts = (version, journal.counts())
        return self._attempts[1]

    def _open_alerts(self) -> Metric:
        ledger = read_ledger(self._context.config.private_folder)
        alerts = GaugeMetricFamily("skyscape_alerts_open", "Alerts that last.", labels=["level"])
        for level in LEVELS:
            found = (
                alert.reported is not None and alert.resolved is None and alert.level == level
                for alert in (ledger.alerts.values() if ledger else ())
            )
            alerts.add_metric([level], sum(found))
        return alerts

    def _silent_stations(self, now: datetime) -> Iterator[Metric]:
        config = self._context.config
        if not config.observations.stations:
            return
        if self._stations is None or not timedelta(0) <= now - self._stations[0] < STATIONS:
            try:
                last = Observations(self._context.archive).last_times(now - LOOK_BACK)
            except ArchiveError:
                return
            oldest = now - timedelta(minutes=config.alerts.station_minutes)
            silent = {
                station.id: station.id not in last or last[station.id] < oldest
                for station in config.observations.stations
            }
            self._stations = (now, silent)
        stations = GaugeMetricFamily(
            "skyscape_station_silent", "1 while a station sends nothing.", labels=["station"]
        )
        for station, is_silent in self._stations[1].items():
            stations.add_metric([station], is_silent)
        yield stations


def count_answers(application: Flask, of: WebContext) -> None:
    """Give an application its metrics, and count each of its answers."""
    found = application.extensions[KEY] = Metrics(of)

    def count(response: Response) -> Response:
        found.count(response.status_code)
        return response

    application.after_request(count)


@blueprint.get(PATH)
def metrics() -> Response:
    """Return the figures as text; to whom the settings do not allow it there is no such page."""
    if not _may_read():
        abort(HTTPStatus.NOT_FOUND)
    registry = current_app.extensions[KEY].registry
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read() -> bool:
    """Return whether the one who asks may have the figures.

    Behind a proxy that is not counted in trusted_proxies every request seems to come from this
    machine: then nobody may.
    """
    web = context().config.web
    if web.metrics != "loopback":
        return web.metrics == "all"
    if web.base_url and not web.trusted_proxies and not _is_loopback_url(web.base_url):
        return False
    return _is_loopback(request.remote_addr or "")


def _is_loopback_url(url: str) -> bool:
    """Return whether an address leads to this machine only."""
    return urlsplit(url).hostname in LOOPBACK


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _ages(state: ServiceState, now: datetime) -> Iterator[Metric]:
    """Yield how old heartbeat, issue in force and its run are, and how long it still holds [s]."""
    if state.beat is not None:
        age = (now - state.beat.at).total_seconds()
        yield _gauge("heartbeat_age_seconds", "Since the last heartbeat of the scheduler.", age)
    if (issue := state.issue) is not None:
        of = (
            ("issue_age_seconds", "Since the issue in force was issued.", now - issue.issued),
            ("issue_valid_seconds", "Until it expires; below 0 since.", issue.valid_until - now),
            ("run_age_seconds", "Since the start of its leading model run.", now - issue.cycle.run),
        )
        for name, text, span in of:
            yield _gauge(name, text, span.total_seconds())


def _backups(config: Config, now: datetime) -> Iterator[Metric]:
    """Yield how old the newest whole backup is [s], and whether that of the day is missing."""
    record = read_record(config)
    if record is None:
        return
    if record.made is not None:
        age = (now - record.made).total_seconds()
        yield _gauge("backup_age_seconds", "Since the newest whole backup was made.", age)
    missing = record.missing_since(now) is not None
    yield _gauge("backup_missing", "1 while the backup of the day is missing.", missing)


def _gauge(name: str, text: str, value: float, **labels: str) -> Metric:
    found = GaugeMetricFamily(f"skyscape_{name}", text, labels=list(labels))
    found.add_metric(list(labels.values()), float(value))
    return found
