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
TRUE_SCALE, TRUE_SHIFT = 0.25, 2.2  # of the shipped scale; of the shipped frequency [logit]
DEPTHS = (0.0, 0.002, 0.006, 0.012, 0.03)  # [m] new snow in the forecast
AHEAD = (1, 4)  # days ahead, in turn: each day is forecast once
WEEKS: Mapping[str, int] = {"few": 5, "more": 40}  # weeks
PLACE = next(site for site in read_config().all_sites() if site.id == SITE)


def values_of(depth: float, day: date, ahead: int) -> dict[str, float]:
    run = issued_on(day - timedelta(days=ahead)) - 5 * HOUR
    lead = (window_start(day) - run.replace(hour=run.hour // 6 * 6, minute=0)) / HOUR
    usual = Climatology().frequency_at(PHENOMENON, PLACE, day)
    return {"new_snow": depth, LEAD: lead, USUAL: usual}


def truth(values: Mapping[str, float]) -> float:
    """Return the true probability of a forecast: a quarter of the shipped departure from nine times
    the usual odds.
    """
    rule = PhysicsRule(PHENOMENON).ready()
    case = np.array([[values.get(name, math.nan) for name in rule.columns]])
    p, usual = float(rule.predict_proba(case)[0, 1]), values[USUAL]
    departure = math.log(p / (1 - p)) - math.log(usual / (1 - usual))
    start = math.log(usual / (1 - usual)) + TRUE_SHIFT
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
        values = values_of(float(random.choice(DEPTHS)), day, ahead)
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
    """By hand, whatever was promoted: (events + 10 x moved) / (days + 10), where the table's
    frequency is moved in log-odds by what the site's other months differ from theirs.
    """
    for _, folder in learnt.values():
        found = read_climatology(folder)
        months = dict(found.counts[PHENOMENON][SITE])
        cases, events = months.pop(START.month)
        others, seen = (sum(pair[part] for pair in months.values()) for part in (0, 1))
        expected = sum(pair[0] * table(month) for month, pair in months.items()) / others
        moved = odds((seen + 10 * expected) / (others + 10)) / odds(expected) * odds(table(11))
        usual = found.frequency_at(PHENOMENON, PLACE, START)
        assert cases == 30  # November
        assert usual == pytest.approx((events + 10 * moved / (1 + moved)) / (cases + 10))
        assert usual > 5 * table(START.month)


def table(month: int) -> float:
    return Climatology().frequency_at(PHENOMENON, PLACE, date(2026, month, 1))


def odds(p: float) -> float:
    return p / (1 - p)


def next_winter(folder: Path, model: LearnedRule, days_ahead: float) -> np.ndarray:
    """Return answer, truth and usual frequency (3, day) of the winter after, so far ahead."""
    usual, random, found = read_climatology(folder), np.random.default_rng(3), []
    for number in range(200):
        day = date(2026, 11, 1) + timedelta(days=number)
        depth = float(random.choice(DEPTHS))
        values = values_of(depth, day, AHEAD[0]) | {LEAD: 24 * days_ahead}
        true = truth(values)  # over the shipped frequency, as it is defined
        values[USUAL] = usual.frequency_at(PHENOMENON, PLACE, day)
        case = np.array([[values.get(name, math.nan) for name in model.columns]])
        found.append((float(model.predict_proba(case, [SITE])[0, 1]), true, values[USUAL]))
    return np.array(found).T


def test_what_was_learnt_and_the_usual_frequency_together_count_a_sites_level_once(
    learnt: dict[str, tuple[dict[str, Any], Path]],
) -> None:
    """Snow comes there ten times as often as the shipped table says: near forecasts are right on
    average, and far ahead the answer is the renewed frequency.
    """
    result, folder = learnt["more"]
    model = kept(folder, result)

    for days in AHEAD:
        answer, true, _ = next_winter(folder, model, days)
        assert answer.mean() == pytest.approx(true.mean(), abs=0.08)
        assert np.abs(answer - true).mean() < 0.12
    answer, _, usual = next_winter(folder, model, 60)
    assert answer == pytest.approx(usual, abs=1e-6)
    counts = read_climatology(folder).counts[PHENOMENON][SITE]
    cases, events = np.sum([counts[month] for month in (11, 12, 1, 2, 3, 4, 5)], axis=0)
    assert usual.mean() == pytest.approx(events / cases, abs=0.05)
