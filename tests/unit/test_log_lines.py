"""Does each line of the log say what it belongs to, as text and as JSON, and is there one line an
attempt?
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast import VERSION, log_context
from forecast.commands import world as setup
from forecast.config import Config
from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceError, SourceUnavailable
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.provider import FetchedCycle
from forecast.ingest.sources import Source, needs_of
from tests.e2e.conftest import settings_file, some_sites
from tests.web_world import web_world

NOW = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What the handler of the entry writes."""
    written = io.StringIO()
    handler, root = logging.StreamHandler(written), logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def file_with(folder: Path, **service: Any) -> Path:
    return settings_file(folder, service=service, sites=some_sites("zhaojiawa"), models=[])


def test_json_lines_carry_level_logger_attempt_version_and_local_time(
    stream: io.StringIO, tmp_path: Path
) -> None:
    setup.settings(file_with(tmp_path), log="json")
    log = logging.getLogger("forecast.of.this.test")

    with log_context.attempt("a1b2c3d4"):
        log.warning("第%d期 \n in two lines", 7)
        try:
            raise ValueError("ours")
        except ValueError:
            log.exception("a defect")
    log.error("outside")

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    first, defect, outside = lines
    assert datetime.fromisoformat(first.pop("time")).utcoffset() == timedelta(hours=8)
    assert first == {
        "level": "WARNING", "logger": "forecast.of.this.test", "message": "第7期 \n in two lines",
        "attempt": "a1b2c3d4", "version": VERSION,
    }  # fmt: skip
    assert "ValueError: ours" in defect["exception"]
    assert outside["attempt"] is None


def test_the_form_of_the_log_is_a_setting_which_the_option_overrides(
    stream: io.StringIO, tmp_path: Path
) -> None:
    file, log = file_with(tmp_path, log="json"), logging.getLogger("of.this.test")

    for option in (None, "text"):
        setup.settings(file, log=option)
        with log_context.attempt("a1b2c3d4"):
            log.error("something")

    as_json, as_text = stream.getvalue().splitlines()
    assert json.loads(as_json)["message"] == "something"
    assert as_text.endswith("ERROR of.this.test [a1b2c3d4]: something")


def test_an_attempt_within_another_gives_its_id_back() -> None:
    with log_context.attempt() as outer:
        with log_context.attempt() as inner:
            assert log_context.current_id() == inner != outer
        assert log_context.current_id() == outer
    assert log_context.current_id() == ""
    assert len(outer) == 8


def test_each_web_request_has_an_id_of_its_own(config: Config, tmp_path: Path) -> None:
    seen = []
    ours = web_world(config, tmp_path)
    ours.application.after_request(lambda answer: seen.append(log_context.current_id()) or answer)

    for _ in range(2):
        ours.client().get("/healthz")

    assert len(set(seen)) == 2
    assert all(seen)


class Provider:
    """Has the runs before a time only, or fails as a server does."""

    def __init__(self, name: str, has: Cycle | None, error: SourceError | None = None) -> None:
        self.name, self._has = name, has
        self._error = error or CycleNotReady("not there yet")

    def fetch(self, needs: Any, cycle: Cycle, ask: bool = True, within: Any = None) -> FetchedCycle:
        if cycle != self._has:
            raise self._error
        return FetchedCycle(cycle, (), "sample", self.name, 10, 3)


def source_of(config: Config, folder: Path, *providers: Provider) -> Source:
    return Source(config.source, providers, CycleStore(folder, "gfs"), folder)


def test_looking_for_a_run_is_one_line_however_many_candidates_there_were(
    config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    old = Cycle(NOW.replace(hour=12, minute=0) - timedelta(days=1))
    needs = needs_of(config, config.all_sites()[:1])
    away = SourceUnavailable("the connection failed")

    source_of(config, tmp_path, Provider("bucket", old)).acquire(needs, NOW)
    source_of(config, tmp_path, Provider("filter", None, away), Provider("bucket", old)).acquire(
        needs, NOW
    )
    with pytest.raises(CycleNotReady):
        source_of(config, tmp_path, Provider("bucket", None)).acquire(needs, NOW)

    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in lines] == ["INFO", "WARNING"]
    assert lines[0][1] == f"{old.id} by the bucket: 0 files, 0.0 MB in 3 requests"
    assert lines[1][1].endswith("; failed before: filter: the connection failed")
