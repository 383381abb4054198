"""Killed at any instant of a signature, a release or a correction, there is one state and one
truth, and nothing is lost.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.archive.drafts import Drafts
from forecast.config import Config
from forecast.domain import Name
from forecast.ingest.grib import reader
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.release import restore
from forecast.issue.world import World
from forecast.review import Account, Draft, Edit
from forecast.service.review_jobs import ReviewJobs
from tests.faults.one_site import RUN, carry, decoded, small, world

KILLS = 12  # of each act, one in each part of it, at random in it
FURTHER = 4  # at most, where all of these came before the end, or after it
FIRST = "gfs-2026112200"
NOW = RUN + timedelta(hours=6)
HOUR = RUN + timedelta(hours=8, minutes=10)  # an hour of issue of config.yaml
WANG = Account("wang", "王一", "forecaster")
CHANCE = 0.37


def settings_in(config: Config, folder: Path) -> Config:
    made = small(config, folder)
    return made.model_copy(update={"issue": made.issue.model_copy(update={"review": "optional"})})


@pytest.fixture(scope="module")
def begun(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with one released issue and the draft of the next, one chance of it changed."""
    folder = tmp_path_factory.mktemp("begun")
    settings = settings_in(config, folder)
    atmosphere = decoded(settings, tmp_path_factory.mktemp("cycle"))
    real, reader.read_atmosphere = reader.read_atmosphere, lambda *_, **__: atmosphere
    carry(settings, atmosphere, 0)
    reader.read_atmosphere = lambda *_, **__: atmosphere
    lives, ours = Lifecycle(), world(settings, RUN)
    draft = lives.make_draft(ours, NOW, HOUR)
    event = lives.prepared(ours, draft).forecasts[0].event.key
    edit = Edit(event, "probability", CHANCE, "observation", WANG.id, NOW)
    draft = lives.edit(ours, draft, draft.version, edit, WANG)
    lives.comment(ours, draft, draft.version, Name("山上风大", "Windy"), WANG, NOW)
    yield folder
    reader.read_atmosphere = real


def draft_of(ours: World) -> Draft:
    found = Drafts(ours.archive).of_hour(HOUR)
    assert found is not None
    return found


def sign(ours: World) -> None:
    draft = draft_of(ours)
    Lifecycle().sign(ours, draft, draft.version, WANG, NOW)


def release(ours: World) -> None:
    result = ReviewJobs(ours, Lifecycle(), lambda: HOUR).issue(HOUR, HOUR, None, last=False)
    assert result.out, result.detail


def correct(ours: World) -> None:
    lives, tried = Lifecycle(), len(Drafts(ours.archive).open_ones(NOW))
    now = NOW + timedelta(seconds=tried)  # whoever repeats it does so later
    draft = lives.correct(ours, FIRST, WANG, "the fog lifts earlier", now)
    lives.sign(ours, draft, draft.version, WANG, now)


def finish(ours: World, act: Callable[[World], None]) -> None:
    """Do what comes next after a kill: what a service does at its start, then the person again."""
    jobs = ReviewJobs(ours, Lifecycle(), lambda: NOW)
    assert jobs.watch() == 0
    if len(ours.archive.issues()) == 1:
        act(ours)


def check(ours: World, when: str) -> bool:
    """Check that readers, manifest and archive agree; return whether the new issue is out."""
    drafts, site = Drafts(ours.archive), ours.config.output.folder / "current"
    in_force = ours.publisher.current()
    assert ours.publisher.holds(in_force), f"{when}: half a site"
    restore(ours, NOW)
    issues = {issue.id: issue for issue in ours.archive.issues()}
    states = drafts.states(issues)
    assert {name for name, state in states.items() if state == "released"} == {in_force}, when
    assert set(states.values()) <= {"released", "superseded"}, when
    numbers = sorted(issue.number for issue in issues.values())
    assert numbers == list(range(1, len(numbers) + 1)), f"{when}: a number is lost or twice"
    shown = json.loads((site / "api" / "v1" / "forecasts.json").read_text(encoding="utf-8"))
    assert (shown["issue"], shown["number"]) == (in_force, issues[in_force].number), when
    for name in issues:
        steps = [step.after for step in drafts.transitions(name)]
        assert steps in (["released"], ["released", "superseded"]), f"{when}: {name} {steps}"
    out = in_force != FIRST
    if out:
        review = drafts.review_of(in_force)
        draft = drafts.get(review["draft"])
        assert draft is not None
        assert draft.state == "released", when
        signed = bool(drafts.signature(draft.id))
        assert review["person"] == (WANG.name if signed else ""), when
        steps = [step.after for step in drafts.transitions(draft.id)]
        assert steps == ["draft", *(["reviewed"] if signed else []), "released"], when
    return out


@pytest.mark.parametrize("act", [sign, release, correct], ids=lambda each: each.__name__)
def test_killed_at_any_instant_there_is_one_state_and_nothing_is_lost(
    config: Config, begun: Path, tmp_path: Path, act: Callable[[World], None]
) -> None:
    dice, seen = random.Random(20261130), {False: 0, True: 0}

    def fresh(name: str) -> World:
        shutil.copytree(begun, tmp_path / name, symlinks=True)
        return world(settings_in(config, tmp_path / name), RUN)

    began = time.monotonic()
    act(fresh("whole"))
    whole = time.monotonic() - began
    assert check(world(settings_in(config, tmp_path / "whole"), RUN), "whole")

    def wait(number: int) -> float:
        """Busy machines take longer than `whole`, or less: then more kills, later or sooner."""
        if number < KILLS:
            return 1.5 * whole * (number + dice.random()) / KILLS
        return whole * 2.0 ** (number - KILLS + 1) if seen[False] else 0.0

    for number in range(KILLS + FURTHER):
        if number >= KILLS and all(seen.values()):
            break
        ours, when = fresh(str(number)), f"{act.__name__}, kill {number}"
        child = os.fork()
        if child == 0:
            try:
                act(world(settings_in(config, tmp_path / str(number)), RUN))
            finally:
                os._exit(0)
        time.sleep(wait(number))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

        seen[check(ours, when)] += 1
        finish(ours, act)
        assert check(ours, f"{when}, then whole"), when
        assert len(ours.archive.issues()) == 2, when
        draft = draft_of(ours)
        assert [edit.value for edit in Drafts(ours.archive).edits(draft.id)] == [CHANCE], when
        assert draft.comment.zh == "山上风大"
        shutil.rmtree(tmp_path / str(number))

    assert seen[False], "no kill came before it was out: the sample shows nothing"
    assert seen[True], "no kill came after it: the sample shows nothing"
