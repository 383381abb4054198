"""Killed at any instant of a withdrawal, an issue is in one state and readers see that state."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.archive.drafts import Drafts
from forecast.config import Config
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.release import restore
from forecast.issue.world import World
from forecast.review import Account
from tests.faults.one_site import RUN, carry, decoded, small, world

KILLS = 12  # one in each part of a withdrawal, at random in it
NOW = RUN + timedelta(hours=6)
ISSUE = "gfs-2026112200"
WANG = Account("wang", "王一", "forecaster")


@pytest.fixture(scope="module")
def released(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an archive and a site of one released issue."""
    folder = tmp_path_factory.mktemp("released")
    settings = small(config, folder)
    carry(settings, decoded(settings, tmp_path_factory.mktemp("cycle")), 0)
    return folder


def copied(config: Config, released: Path, folder: Path) -> World:
    shutil.copytree(released, folder, symlinks=True)
    return world(small(config, folder), RUN)


def withdraw(ours: World) -> None:
    Lifecycle().withdraw(ours, ISSUE, WANG, "wrong deck", NOW)


def check(ours: World, when: str) -> bool:
    """Check that readers, manifest and archive agree; return whether the issue is withdrawn."""
    current = ours.config.output.folder / "current"
    status = json.loads((current / "api" / "v1" / "status.json").read_text())
    page = (current / "index.html").read_text(encoding="utf-8")
    assert ours.publisher.holds(ISSUE), f"{when}: half a site"
    withdrawn = status["status"] == "withdrawn"
    assert ('data-state="withdrawn"' in page) is withdrawn, when
    restore(ours, NOW)
    state = Drafts(ours.archive).state(ISSUE)
    assert state == ("withdrawn" if withdrawn else "released"), when
    return withdrawn


def test_killed_at_any_instant_of_a_withdrawal_there_is_one_state_and_one_truth(
    config: Config, released: Path, tmp_path: Path
) -> None:
    begun, chance = time.monotonic(), random.Random(20261122)
    withdraw(copied(config, released, tmp_path / "whole"))
    whole, before, after = time.monotonic() - begun, 0, 0

    for number in range(KILLS):
        ours = copied(config, released, tmp_path / str(number))
        child = os.fork()
        if child == 0:
            try:
                withdraw(world(small(config, tmp_path / str(number)), RUN))
            finally:
                os._exit(0)
        time.sleep(1.5 * whole * (number + chance.random()) / KILLS)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

        withdrawn = check(ours, f"kill {number}")
        before, after = before + (not withdrawn), after + withdrawn
        withdraw_again(ours, withdrawn)
        assert check(ours, f"kill {number}, then whole")
        archived = ours.config.output.folder / "archive"
        assert json.loads((archived / ISSUE / "manifest.json").read_text())["state"] == "withdrawn"
        assert sorted(path.name for path in archived.iterdir()) == [f".withdrawn-{ISSUE}", ISSUE]
        shutil.rmtree(tmp_path / str(number))

    assert before, "no kill came before the withdrawal: the sample shows nothing"
    assert after, "no kill came after it: the sample shows nothing"


def withdraw_again(ours: World, withdrawn: bool) -> None:
    """Do what comes next: withdraw what is still in force, or finish what was begun."""
    if withdrawn:
        with ours.publisher.exclusive():
            pass
    else:
        withdraw(ours)
