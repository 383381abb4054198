"""`serve --demo`: the desk on demonstration data, with a draft and an account made for it.

It keeps the hours of issue as the service does: drafts come, unsigned ones go out at their hour.
A new run of the sample is there every six hours.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from forecast.archive import passwords
from forecast.archive.accounts import Accounts
from forecast.archive.reports import ReportLink, Reports
from forecast.commands import world as setup
from forecast.commands.output import show
from forecast.config import Config
from forecast.domain import Cycle
from forecast.issue.hours import next_hour
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.world import World
from forecast.pipeline import run
from forecast.sample.bucket import LoopbackBucket
from forecast.sample.demonstration import demonstration_config, demonstration_run, write_sample
from forecast.service.scheduler import Clock, build_scheduler
from forecast.service.web.links import address_of
from forecast.service.web.server import WebServer, port_or_any
from forecast.service.web.service import build_server, serve_beside

ACCOUNT, NAME, ROLE, LINK = "demo", "Demo", "administrator", "demonstration"
FOLDER = Path("var/demo/site")  # that of `demo`, below the working directory


def serve_demonstration(config: Config, now: datetime) -> int:
    """Serve the desk on the demonstration until stopped; what is not there yet is made first.

    Raises: SkyscapeError.
    """
    with demonstration(config, now, FOLDER) as (world, lifecycle):
        password = let_in(world, now)
        server = build_server(world, lifecycle, setup.clock)
        serve_beside(server)
        show(
            "",
            f"the desk:   {server.address}/desk/",
            f"account:    {ACCOUNT}",
            f"password:   {password}   (made now, for this demonstration only)",
            f"a report:   {report_address(server, world, now)}   (of a ranger; visitors: /report/)",
            f"the pages:  {(FOLDER / 'current' / 'index.html').absolute()}",
            "drafts are made and go out at the hours of issue, as in the service",
            "stop with Ctrl-C",
        )
        keep_hours(world, lifecycle, bucket_of(FOLDER), setup.clock)
    return 0


def keep_hours(world: World, lifecycle: Lifecycle, bucket: Path, clock: Clock) -> None:
    """Make drafts and issues at their hours, from new runs of the sample, until stopped."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that a look still runs is no news
    scheduler = build_scheduler(world, clock, lifecycle)
    scheduler.add_job(
        write_new_run,
        "interval",
        minutes=world.config.schedule.check_minutes,
        args=[world.config, bucket, {demonstration_run(clock())}, clock],
        id="sample",
        name="write the newest run of the sample",
        executor="further",
    )
    with suppress(SystemExit):
        scheduler.start()


def write_new_run(config: Config, bucket: Path, written: set[datetime], clock: Clock) -> None:
    """Write the newest run of the sample where it is not `written` yet, and note it there."""
    run = demonstration_run(clock())
    if run not in written:
        write_sample(bucket, Cycle(run, config.source.model), config)
        written.add(run)


@contextmanager
def demonstration(config: Config, now: datetime, folder: Path) -> Iterator[tuple[World, Lifecycle]]:
    """Give the world of the demonstration, with an issue in force and the next draft waiting."""
    backstage = bucket_of(folder).parent
    cycle = Cycle(demonstration_run(now), config.source.model)
    show("preparing the demonstration: an issue and the draft of the next one, about a minute")
    with LoopbackBucket(write_sample(bucket_of(folder), cycle, config)) as bucket:
        ours = reviewed(demonstration_config(config, bucket.url, folder, backstage, cycle.run))
        world, lifecycle = setup.build_world(ours, None), Lifecycle()
        newest = world.archive.issues(1)
        if not newest or newest[0].expired(now):
            run(world, now, cycle)
        hour = next_hour(ours.schedule.issue_at, ours.zone, now)
        lifecycle.make_draft(world, now, hour)
        yield world, lifecycle


def bucket_of(folder: Path) -> Path:
    """Return where the sample runs of the demonstration in `folder` lie."""
    return folder.parent / f"{folder.name}-backstage" / "bucket"


def reviewed(config: Config) -> Config:
    """Return settings under which a person may review an issue, at the loopback only."""
    issue = config.issue.model_copy(update={"review": "optional"})
    host = "127.0.0.1"
    port = port_or_any(host, config.web.port)  # another demonstration, or the service itself
    web = config.web.model_copy(
        update={"host": host, "port": port, "base_url": "", "trusted_proxies": 0}
    )
    service = config.service.model_copy(update={"web": web})
    reports = config.reports.model_copy(update={"visitors": True})
    return config.model_copy(update={"issue": issue, "service": service, "reports": reports})


def report_address(server: WebServer, world: World, now: datetime) -> str:
    """Return the address of a page from which a ranger reports; its link is made where needed."""
    kept = Reports(world.archive)
    link = kept.link(LINK) or ReportLink(LINK, "", NAME, now, ACCOUNT)
    if kept.link(LINK) is None:
        kept.add_link(link)
    with server.application.test_request_context(base_url=server.address):
        return address_of(link)


def let_in(world: World, now: datetime) -> str:
    """Return a new password of the account `demo`, which is made where there is none."""
    accounts, password = Accounts(world.archive), passwords.generated()
    if accounts.get(ACCOUNT) is None:
        accounts.add(ACCOUNT, NAME, ROLE, password, now)
    else:
        accounts.set_password(ACCOUNT, password, now)
    return password
