"""Is it kept how sure a forecast was, and how often those of each confidence were right?"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.domain import Forecast, Outcome
from forecast.learning.verify import verification
from forecast.verification import Verification
from models import score_document
from products.pages.verification import record_text
from tests.e2e.sample_bulletin import sample_config, sample_parts
from tests.past_issues import START, issued_on, keep_issue
from tests.unit.test_verification_page import EN, NAMES, ZH

DAYS = 120
USUAL = 0.4
CHANCE = {0: 0.9, 1: 0.75, 2: 0.5}  # of the likelier outcome, by days ahead
CONFIDENCE = {0: 3, 1: 2, 2: 1}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Verification:
    """The verification of four months: as right as CHANCE says at each lead."""
    archive = Archive(f"sqlite:///{tmp_path_factory.mktemp('sure') / 'sky.db'}")
    random = np.random.default_rng(4)
    observed = random.uniform(size=DAYS + 3) < 0.5
    for number in range(DAYS):
        rows = []
        for ahead, chance in CHANCE.items():
            truth = bool(observed[number + ahead])
            right = random.uniform() < chance
            rows.append(
                {
                    "site": "lingshan",
                    "phenomenon": "sunset_glow",
                    "day": START + timedelta(days=number + ahead),
                    "probability": 0.8 if truth == right else 0.2,
                    "usual": USUAL,
                    "confidence": CONFIDENCE[ahead],
                }
            )
        keep_issue(archive, issued_on(START + timedelta(days=number)), rows)
    outcomes = [
        Outcome("sunset_glow", "lingshan", START + timedelta(days=day), float(seen), "observer")
        for day, seen in enumerate(observed.tolist())
    ]
    now = issued_on(START + timedelta(days=DAYS + 4))
    Outcomes(archive).keep(outcomes, now)
    return verification(archive, sample_config(), now)


def test_what_was_said_of_usual_and_confidence_is_kept_and_comes_back(tmp_path: Path) -> None:
    config = sample_config()
    issue, forecasts, *_ = sample_parts(config)
    archive = Archive(f"sqlite:///{tmp_path / 'sky.db'}")
    opened = archive.open_issue(issue.cycle, "d", issue.issued, issue.valid_until)
    archive.keep(opened, (), forecasts)
    archive.mark_published(opened.id, issue.issued)

    found = {f.key: f for f in PastForecasts(archive).issued_forecasts(only_verified=False)}

    wanted: list[Forecast] = [f for f in forecasts if f.event.key in found]
    assert len({f.confidence for f in wanted}) >= 3
    for f in wanted:
        assert found[f.event.key].confidence == f.confidence
        assert found[f.event.key].usual == pytest.approx(f.usual, nan_ok=True)


def test_forecasts_kept_before_they_had_a_confidence_form_no_group(tmp_path: Path) -> None:
    archive, config = Archive(f"sqlite:///{tmp_path / 'sky.db'}"), sample_config()
    rows = [{"site": "lingshan", "phenomenon": "sunset_glow", "day": START, "probability": 0.5}]
    keep_issue(archive, issued_on(START), rows)
    now = datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(days=2)
    Outcomes(archive).keep([Outcome("sunset_glow", "lingshan", START, 1.0, "observer")], now)

    (old,) = PastForecasts(archive).issued_forecasts()

    assert (old.confidence, math.isnan(old.usual)) == (0, True)
    assert verification(archive, config, now).of("confidence") == ()


def test_each_confidence_has_its_line_and_the_surer_ones_are_more_often_right(
    record: Verification,
) -> None:
    lines = record.by_confidence("sunset_glow")

    assert [line.name for line in lines] == ["3", "2", "1"]
    for line, (ahead, chance) in zip(lines, CHANCE.items(), strict=True):
        assert (line.cases, line.enough) == (DAYS, True), ahead
        error = math.sqrt(chance * (1 - chance) / DAYS)
        assert line.right.value == pytest.approx(chance, abs=3 * error)
        assert line.right.low == pytest.approx(line.right.value - 1.645 * error, abs=error)
        assert line.right.high == pytest.approx(line.right.value + 1.645 * error, abs=error)
    assert lines[0].right.low > lines[2].right.high


def test_the_lines_survive_the_document_and_an_old_document_is_read(record: Verification) -> None:
    plain = json.loads(json.dumps(score_document.document(record)))
    again = score_document.read_document(plain)
    old = {**plain, "lines": [{**line, "right": 0.7} for line in plain["lines"]]}

    assert [line.right.value for line in again.by_confidence("sunset_glow")] == pytest.approx(
        [line.right.value for line in record.by_confidence("sunset_glow")], abs=1e-5
    )
    assert {line.right.value for line in score_document.read_document(old).lines} == {0.7}
    assert "sunset_glow confidence 3" in score_document.text(record)


def test_the_page_says_how_often_each_confidence_was_right_with_cases_and_interval(
    record: Verification,
) -> None:
    (of,) = record.records
    day = START + timedelta(days=DAYS)
    texts = {words: record_text(of, record, NAMES, words, day) for words in (ZH, EN)}
    shown = [s for s in texts[ZH].skills if s.startswith("可信度")]
    high = record.by_confidence("sunset_glow")[0]

    assert [s[:4] for s in shown] == ["可信度高", "可信度中", "可信度低"]
    assert f"预报{DAYS}份，报对{ZH.share(high.right.value)}" in shown[0]
    assert f"{ZH.share(high.right.low)}至{ZH.share(high.right.high)}" in shown[0]
    assert [name for name, _ in texts[EN].rows if "confidence" in name] == [
        "high confidence",
        "medium confidence",
        "low confidence",
    ]


def test_a_usual_frequency_that_was_shown_is_a_rival_too(record: Verification) -> None:
    """Where it is harder to beat than what other months say."""
    (line,) = [o for o in record.of("phenomenon") if o.phenomenon == "sunset_glow"]
    loss, base = line.brier.value, line.observed / line.cases
    shown = (USUAL - base) ** 2 + base * (1 - base)  # Brier score of always the usual frequency

    assert line.skills["climatology"].value <= 1 - loss / shown + 1e-9
