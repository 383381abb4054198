"""Are the machine's and the forecaster's chances both kept and scored, by person and in sum?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from forecast.archive.forecast_rows import forecast_rows
from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.archive.schema import forecast_table, issue_table
from forecast.config import Config
from forecast.domain import Change, Cycle, Name, Outcome
from forecast.learning import verify
from forecast.verification import MACHINE, Figure
from products.pages.verification import changes_text
from products.wording import Words
from tests.e2e.sample_bulletin import sample_config, sample_parts
from tests.faults.one_site import RUN, small, world
from tests.past_issues import HOUR, START, issued_on, keep_issue
from tests.web_world import WebWorld

SITE, GLOW = "lingshan", "sunset_glow"
DAYS = 60


def change_of(machine: float, person: str, *fields: str) -> dict[str, Any]:
    return {"machine_probability": machine, "person": person, "fields": list(fields)}


def keep_change(archive: Archive, issue: str, change: dict[str, Any]) -> None:
    mine = forecast_table.c.issue == issue
    with archive.transaction() as connection:
        details = connection.scalar(sql.select(forecast_table.c.said).where(mine))
        connection.execute(
            forecast_table.update().where(mine).values(said={**(details or {}), "change": change})
        )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Return 60 days with a glow on every second: Wang halves the machine's error of 0.6 on the
    first forty days, Li doubles one of 0.3 on the others.
    """
    archive = Archive(f"sqlite:///{tmp_path_factory.mktemp('archive') / 'archive.db'}")
    for number in range(DAYS):
        day, seen = START + timedelta(days=number), number % 2
        person, machine, given = ("wang", 0.6, 0.3) if number < 40 else ("li", 0.3, 0.6)
        row = {"site": SITE, "phenomenon": GLOW, "day": day, "probability": abs(seen - given)}
        change = change_of(abs(seen - machine), person, "probability")
        keep_change(archive, keep_issue(archive, issued_on(day), [row]), change)
        outcome = Outcome(GLOW, SITE, day, float(seen), "observer")
        Outcomes(archive).keep([outcome], issued_on(day) + 23 * HOUR)
    return archive


NOW = issued_on(START + timedelta(days=DAYS + 1))


def test_a_forecast_keeps_what_a_person_changed() -> None:
    issue, forecasts, *_ = sample_parts(sample_config())
    change = Change(0.3, "wang", ("probability", "sentence"), Name("看好", "Good"), True)

    first, second, *_ = forecast_rows(issue, [replace(forecasts[0], change=change), forecasts[1]])

    assert first["said"]["change"] == {
        "machine_probability": 0.3, "person": "wang", "fields": ["probability", "sentence"],
        "sentence": {"zh": "看好", "en": "Good"}, "recommended": True,
    }  # fmt: skip
    assert second["said"]["change"] is None


def test_each_person_is_compared_with_the_machine_before_their_changes(
    archive: Archive, config: Config
) -> None:
    """By hand: half the error is a quarter of the Brier score, skill 0.75; twice the error is four
    times it, skill -3.
    """
    wang, li = (verify.changes_by(archive, config, NOW, each) for each in ("wang", "li"))

    assert wang is not None
    assert li is not None
    assert (wang.cases, li.cases) == (40, 20)
    assert (wang.brier.value, li.brier.value) == pytest.approx((0.3**2, 0.6**2))
    assert wang.skills[MACHINE].value == pytest.approx(0.75)
    assert li.skills[MACHINE].value == pytest.approx(-3.0)
    assert (wang.skills[MACHINE].cases, li.skills[MACHINE].cases) == (40, 20)
    assert wang.skills[MACHINE].low > 0
    assert verify.changes_by(archive, config, NOW, "nobody") is None


def test_what_only_has_another_sentence_is_no_changed_chance(
    tmp_path: Path, config: Config
) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    row = {"site": SITE, "phenomenon": GLOW, "day": START, "probability": 0.4}
    keep_change(
        archive, keep_issue(archive, issued_on(START), [row]), change_of(0.4, "wang", "sentence")
    )
    Outcomes(archive).keep([Outcome(GLOW, SITE, START, 1.0, "observer")], NOW)

    [found] = PastForecasts(archive).issued_forecasts(START, features={})

    assert (found.person, found.machine != found.machine) == ("", True)
    assert verify.changes_by(archive, config, NOW, "wang") is None


def earlier(archive: Archive, day: date) -> tuple[float, ...]:
    event = next(
        each.event
        for each in sample_parts(sample_config())[1]
        if (each.event.site.id, each.event.phenomenon) == (SITE, GLOW)
    )
    return archive.earlier([replace(event, day=day)], Cycle(NOW), 4).get((SITE, GLOW, str(day)), ())


def test_the_range_of_the_last_runs_is_the_machines(tmp_path: Path) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    row = {"site": SITE, "phenomenon": GLOW, "day": START, "probability": 0.9}
    issue = keep_issue(archive, issued_on(START), [row])
    assert earlier(archive, START) == (0.9,)

    keep_change(archive, issue, change_of(0.4, "wang", "probability"))
    assert earlier(archive, START) == (0.4,)
    keep_change(archive, issue, change_of(0.4, "wang", "window"))
    assert earlier(archive, START) == (0.9,)

    with archive.transaction() as connection:
        connection.execute(issue_table.update().values(state="withdrawn"))
    assert earlier(archive, START) == ()


@pytest.mark.parametrize(
    ("skill", "shown"),
    [
        (Figure(0.2, 0.1, 0.3, 40), "40份预报已有实况：订正后误差减小20%（90%置信区间10%至30%）"),
        (Figure(-0.2, -0.3, -0.1, 40), "订正后误差增大20%（90%置信区间10%至30%）"),
        (Figure(0.1, -0.1, 0.3, 40), "差异尚不明显"),
        (Figure(0.1, cases=3), "尚不能比较"),
    ],
)
def test_what_changes_are_worth_is_said_with_cases_and_interval(
    config: Config, skill: Figure, shown: str
) -> None:
    assert shown in changes_text(skill, Words("zh", config.zone))


def test_a_forecaster_sees_their_own_record_and_nobody_elses(
    archive: Archive, config: Config, tmp_path: Path
) -> None:
    made = world(small(config, tmp_path), RUN)
    ours = WebWorld(replace(made, archive=archive), now=NOW)
    ours.add_people("wang", "li")
    pages = {
        name: ours.client(name).get("/desk/changes").get_data(as_text=True)
        for name in ("wang", "li")
    }

    assert "订正过的40份预报已有实况：订正后误差减小75%" in pages["wang"]
    assert "订正过的20份预报已有实况" in pages["li"]
    assert "误差减小" not in pages["li"]
