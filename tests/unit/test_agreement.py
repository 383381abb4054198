"""Is it told how far the models agree?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from forecast.config import Config
from forecast.domain import Cycle, Voice
from products.agreement import agreement
from tests.e2e.sample_bulletin import sample_parts

RUN = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(("other", "level"), [(0.45, "agree"), (0.55, "mostly"), (0.75, "differ")])
def test_models_agree_as_far_as_their_answers_lie_together(other: float, level: str, config: Config) -> None:
    forecast = sample_parts(config)[1][0]
    voices = (Voice(Cycle(RUN), 0.4, 0.25), Voice(Cycle(RUN, "ifs"), other, 0.5, members=1), Voice(Cycle(RUN.replace(hour=6)), 0.2, 0.25))

    said = agreement(replace(forecast, voices=voices))

    assert said is not None
    assert said.level == level  # GFS says (0.4 + 0.2) / 2 = 0.3 in its two runs
    assert [(each.model, round(each.probability, 3)) for each in said.models] == [("gfs", 0.3), ("ifs", other)]


def test_one_model_alone_is_no_agreement(config: Config) -> None:
    forecast = sample_parts(config)[1][0]

    assert agreement(replace(forecast, voices=(Voice(Cycle(RUN), 0.4, 0.5), Voice(Cycle(RUN.replace(hour=6)), 0.2, 0.5)))) is None
    assert agreement(forecast) is None
