"""Does `serve --demo` open its own desk only, and let in whoever reads what it prints?"""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.schedulers.blocking import BlockingScheduler

from forecast.archive.accounts import Accounts
from forecast.commands import demonstration_desk as demonstration
from forecast.config import Config
from forecast.service.web.links import link_of
from forecast.service.web.server import WebServer
from tests.web_world import sign_in, web_world


def test_its_settings_wait_for_a_person_and_stay_on_this_machine(config: Config) -> None:
    web = config.web.model_copy(update={"host": "0.0.0.0", "base_url": "https://weather.example"})
    open_to_all = config.model_copy(
        update={"service": config.service.model_copy(update={"web": web})}
    )

    ours = demonstration.reviewed(open_to_all)

    assert (ours.issue.review, ours.reports.visitors) == ("optional", True)
    assert (ours.web.host, ours.web.base_url, ours.web.trusted_proxies) == ("127.0.0.1", "", 0)
    assert (config.issue.review, config.reports.visitors) == ("off", False)


def test_it_takes_another_port_where_its_own_is_in_use(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = config.web.model_copy(update={"port": taken.getsockname()[1]})
        busy = config.model_copy(update={"service": config.service.model_copy(update={"web": web})})

        assert demonstration.reviewed(busy).web.port == 0


def test_each_start_makes_another_password_and_keeps_the_link(
    config: Config, tmp_path: Path
) -> None:
    ours = web_world(config, tmp_path, port=0)
    server = WebServer(ours.application, ours.context.config.web)
    first = demonstration.let_in(ours.world, ours.now)
    address = demonstration.report_address(server, ours.world, ours.now)

    second = demonstration.let_in(ours.world, ours.now)

    assert first != second
    assert sign_in(ours.application.test_client(), "demo", first).status_code == 401
    assert sign_in(ours.application.test_client(), "demo", second).status_code == 303
    assert demonstration.report_address(server, ours.world, ours.now) == address
    assert address.startswith(f"http://127.0.0.1:{server.port}/report/")
    with ours.application.test_request_context():
        link = link_of(address.rpartition("/")[2])
    assert link is not None
    assert link.id == "demonstration"
    assert [each.role for each in Accounts(ours.world.archive).all()] == ["administrator"]
    server.close()


def test_it_keeps_the_hours_of_issue_and_gets_new_runs(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of the sample every six hours, written once; drafts and issues at their hours."""
    ours = web_world(config, tmp_path)
    jobs: list[str] = []

    def started(scheduler: BlockingScheduler) -> None:
        jobs.extend(job.id for job in scheduler.get_jobs())
        raise SystemExit

    monkeypatch.setattr(BlockingScheduler, "start", started)
    runs: list[datetime] = []
    monkeypatch.setattr(
        demonstration, "write_sample", lambda folder, cycle, config: runs.append(cycle.run)
    )

    demonstration.keep_hours(ours.world, ours.lifecycle, tmp_path, lambda: ours.now)
    written = {demonstration.demonstration_run(ours.now)}
    for hours in (0, 1, 6, 6, 7):
        later = ours.now + timedelta(hours=hours)
        demonstration.write_new_run(ours.world.config, tmp_path, written, lambda at=later: at)

    assert {"sample", "hours", "watch-drafts", "heartbeat"} <= set(jobs)
    assert len(runs) == 1
    assert written == {*runs, demonstration.demonstration_run(ours.now)}
