"""Killed at any instant of a whole publication, the account has one draft or article, never two."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from forecast.archive.issues import Archive
from forecast.archive.outbox import ChannelOutbox
from forecast.errors import DeliveryError
from tests.faults.wechat_double import WeChatDouble, serving
from tests.wechat_world import MINUTE, NOW, AccountWorld, pages_of

RANDOM_KILLS = 8
STEPS = 4  # deliveries, a minute apart, that bring an issue to its end
PATHS = (
    "stable_token",
    "material/add_material",
    "draft/add",
    "freepublish/submit",
    "freepublish/get",
)


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Callable[[], AccountWorld]]:
    """Give new accounts, each with an archive that is made already."""
    pages_of(42)
    made = tmp_path / "made.db"
    Archive(f"sqlite:///{made}")
    with serving(WeChatDouble()) as double:

        def world() -> AccountWorld:
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            shutil.copy(made, folder / "archive.db")
            fresh = WeChatDouble(now=NOW.timestamp(), url=double.url, server=double.server)
            double.__dict__.update({**fresh.__dict__, "lock": double.lock})
            return AccountWorld(double, folder, publish=True)

        yield world


def publish(world: AccountWorld, begin: datetime, steps: int) -> list[str]:
    """Deliver an issue once a minute, with the archive opened anew as a new process does."""
    world.outbox = ChannelOutbox(Archive(world.config.archive.url), "wechat")
    details = []
    for step in range(steps):
        try:
            details.append(world.deliver(begin + step * MINUTE).detail)
        except DeliveryError as error:
            details.append(str(error))
    return [detail for detail in details if detail]


def begun(world: AccountWorld) -> int:
    """Begin a whole publication in another process and return its id."""
    child = os.fork()
    if child == 0:
        try:
            publish(world, NOW, STEPS)
        finally:
            os._exit(0)
    return child


def check(world: AccountWorld, when: str) -> None:
    """Let the next process go on, and check what the account has."""
    world.double.settle()  # the next process waits a minute before it looks
    details = publish(world, NOW + timedelta(hours=1), STEPS)
    details += publish(world, NOW + timedelta(hours=2), STEPS)
    double = world.double
    assert double.added == 1, f"{when}: {double.log}"
    assert len(double.drafts) + len(double.published) == 1, when
    assert len(double.jobs) <= 1, when
    assert len(double.covers) <= 2, when
    if not double.published:
        assert "publish the draft there" in " ".join(details), f"{when}: nobody is asked"


@pytest.mark.parametrize("fault", ["lost", "dropped"])
@pytest.mark.parametrize("path", PATHS)
def test_killed_while_a_request_is_under_way_there_is_one_draft(
    worlds: Callable[[], AccountWorld], path: str, fault: str
) -> None:
    world, children = worlds(), []

    def kill() -> str:
        os.kill(children[0], signal.SIGKILL)
        return fault

    world.double.faults[path] = [kill]
    children.append(begun(world))
    os.waitpid(children[0], 0)

    check(world, f"{path} {fault}")


def test_killed_at_any_instant_of_a_publication_there_is_one_draft(
    worlds: Callable[[], AccountWorld],
) -> None:
    chance = random.Random(20261130)
    world, start = worlds(), time.monotonic()
    os.waitpid(begun(world), 0)
    whole = time.monotonic() - start
    assert len(world.double.published) == 1, "not even a process that lives publishes"

    stopped = 0
    for number in range(RANDOM_KILLS):
        world = worlds()
        child = begun(world)
        time.sleep(chance.uniform(0, whole))
        os.kill(child, signal.SIGKILL)
        stopped += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        check(world, f"kill {number}")

    assert stopped, "every one was done before it was killed: the sample shows nothing"
