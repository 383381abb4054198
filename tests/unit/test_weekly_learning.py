"""Does a week's training learn the scale by lead and the usual frequencies of its own sites?

Through the command: archives of some weeks of days with snow in the forecast, at a place where
forecasts are worth a quarter of what the shipped scale says, and where it snows more often.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from contextlib import redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from forecast.__main__ import main
from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.config import default_path, read_config
from forecast.domain import Outcome
from models import registry
from models.climatology import Climatology, read_climatology
from models.learned import LearnedRule
from models.rule_model import LEAD, USUAL, PhysicsRule
from tests.past_issues import HOUR, issued_on, keep_issue, window_start

SITE, PHENOMENON, START = "jiangshuihe", "snowfall", date(2025, 11, 1)
TRUE_SCALE, TRUE_FREQUENCY = 0.25, 0.45  # of the shipped scale; [1]
AHEAD = (1, 4)  # days ahead, in turn: each day is forecast once
WEEKS: Mapping[str, int] = {"few": 5, "more": 30}  # weeks
PLACE = next(site for site in read_config().all_sites() if site.id == SITE)


def values_of(depth: float, day: date, ahead: int) -> dict[str, float]:
    run = issued_on(day - timedelta(days=ahead)) - 5 * HOUR
    lead = (window_start(day) - run.replace(hour=run.hour // 6 * 6, minute=0)) / HOUR
    usual = Climatology().frequency_at(PHENOMENON, PLACE, day)
    return {"new_snow": depth, LEAD: lead, USUAL: usual}


def truth(values: Mapping[str, float]) -> float:
    """Return the true probability of a forecast: a quarter of the shipped departure."""
    rule = PhysicsRule(PHENOMENON).ready()
    case = np.array([[values.get(name, math.nan) for name in rule.columns]])
    start = math.log(TRUE_FREQUENCY / (1 - TRUE_FREQUENCY))
    p = float(rule.predict_proba(case)[0, 1])
    usual = values[USUAL]
    departure = math.log(p / (1 - p)) - math.log(usual / (1 - usual))
    return 1 / (1 + math.exp(-(start + TRUE_SCALE * departure)))


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], Path]]:
    """For a number of weeks what the command printed, and its folder of models."""
    return {name: _learn(tmp_path_factory.mktemp(name), weeks) for name, weeks in WEEKS.items()}


def _learn(folder: Path, weeks: int) -> tuple[dict[str, Any], Path]:
    plain = yaml.safe_load(default_path().read_text(encoding="utf-8"))
    plain["archive"] = {"url": f"sqlite:///{folder / 'archive.db'}"}
    plain["learning"]["folder"] = str(folder / "models")
    settings = folder / "config.yaml"
    settings.write_text(yaml.safe_dump(plain, allow_unicode=True), encoding="utf-8")
    random, archive = np.random.default_rng(8), Archive(plain["archive"]["url"])
    outcomes = []
    for number in range(7 * weeks):
        day, ahead = START + timedelta(days=number), AHEAD[number % 2]
        depth = float(random.choice([0.0, 0.002, 0.006, 0.012, 0.03]))
        values = values_of(depth, day, ahead)
        row = {"site": SITE, "phenomenon": PHENOMENON, "day": day, "probability": 0.5}
        issued = issued_on(day - timedelta(days=ahead))
        keep_issue(archive, issued, [{**row, "values": values}], name=f"issue-{number}")
        seen = float(random.uniform() < truth(values))
        outcomes.append(Outcome(PHENOMENON, SITE, day, seen, "analysis"))
    now = issued_on(START + timedelta(days=7 * weeks + 2))
    Outcomes(archive).keep(outcomes, now)
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = main(["train", "--phenomenon", PHENOMENON, "--config", str(settings), "--json",
                     "--now", now.isoformat()])  # fmt: skip
    assert code == 0
    (result,) = json.loads(printed.getvalue())
    return result, folder / "models"


def kept(folder: Path, result: Mapping[str, Any]) -> LearnedRule:
    model = registry.load(folder, PHENOMENON, result["model"]).model
    assert isinstance(model, LearnedRule)
    return model


def scale(model: LearnedRule, days: float) -> float:
    """Return what more snow in the forecast moves the log-odds, of what it moves by the rule."""
    moved = []
    for one in (model, PhysicsRule(PHENOMENON).ready()):
        odds = []
        for depth in (0.0, 0.03):
            values = {**values_of(depth, START + timedelta(days=60), 1), LEAD: 24 * days}
            case = np.array([[values.get(name, math.nan) for name in one.columns]])
            p = float(one.predict_proba(case)[0, 1])
            odds.append(math.log(p / (1 - p)))
        moved.append(odds[1] - odds[0])
    return moved[0] / moved[1]


def test_the_scale_by_lead_moves_from_the_shipped_one_to_the_true_one_with_the_evidence(
    learnt: dict[str, tuple[dict[str, Any], Path]],
) -> None:
    few, more = (kept(folder, result) for result, folder in learnt.values())

    for days in AHEAD:
        assert TRUE_SCALE < scale(more, days) < scale(few, days) < 1.0
        assert scale(more, days) - TRUE_SCALE < 0.5 * (1 - TRUE_SCALE)
        assert 1 - scale(few, days) > 0.1


def test_what_has_learnt_the_scale_serves_by_the_rule_that_holds_for_every_model(
    learnt: dict[str, tuple[dict[str, Any], Path]],
) -> None:
    (few, of_few), (more, of_more) = learnt.values()

    assert few["verdict"] == "too_few_blocks"
    assert registry.in_force(of_few)[PHENOMENON].card is None
    assert more["verdict"] == "promoted"
    served = registry.in_force(of_more)[PHENOMENON]
    assert served.card is not None
    assert served.name == f"prior-{more['model']}"


def test_the_usual_frequency_moves_to_that_of_the_site_with_its_days(
    learnt: dict[str, tuple[dict[str, Any], Path]],
) -> None:
    """By hand: (events + 10 x table) / (days + 10), whatever was promoted."""
    day, table = START, Climatology().frequency_at(PHENOMENON, PLACE, START)
    for _, folder in learnt.values():
        found = read_climatology(folder)
        cases, events = found.counts[PHENOMENON][SITE][day.month]
        usual = found.frequency_at(PHENOMENON, PLACE, day)
        assert cases == 30  # November
        assert usual == pytest.approx((events + 10 * table) / (cases + 10))
        assert table < usual < events / cases
