"""Do the pages show how far the models agree?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from forecast.config import Config
from forecast.domain import ContributingRun, Cycle, Spread
from products.agreement import agreement
from products.channels import render
from products.composition import Supplement, compose
from products.wording import THIN_SPACE
from tests.e2e.sample_bulletin import ATTRIBUTION, sample_parts

RUN = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(("other", "level"), [(0.45, "agree"), (0.55, "mostly"), (0.75, "differ")])
def test_models_agree_as_far_as_their_answers_lie_together(
    other: float, level: str, config: Config
) -> None:
    forecast = sample_parts(config)[1][0]
    runs_of_models = (
        ContributingRun(Cycle(RUN), 0.4, 0.25),
        ContributingRun(Cycle(RUN, "ifs"), other, 0.5, members=1),
        ContributingRun(Cycle(RUN.replace(hour=6)), 0.2, 0.25),
    )

    shown = agreement(replace(forecast, contributing_runs=runs_of_models))

    assert shown is not None
    assert shown.level == level  # GFS says (0.4 + 0.2) / 2 = 0.3 in its two runs
    assert [(each.model, round(each.probability, 3)) for each in shown.models] == [
        ("gfs", 0.3),
        ("ifs", other),
    ]


@pytest.mark.parametrize(
    ("one", "other", "level"),
    # shown as 30 and 45 %, 30 and 46 %: apart by 15 and by 16 points (agreement.AGREE is 15)
    [(0.2954, 0.4549, "agree"), (0.3046, 0.4551, "mostly"), (0.10, 0.40, "mostly")],
)
def test_models_agree_by_the_percentages_that_are_shown(
    one: float, other: float, level: str, config: Config
) -> None:
    runs = (
        ContributingRun(Cycle(RUN), one, 0.5),
        ContributingRun(Cycle(RUN, "ifs"), other, 0.5, members=1),
    )

    shown = agreement(replace(sample_parts(config)[1][0], contributing_runs=runs))

    assert shown is not None
    assert shown.level == level


def test_one_model_alone_is_no_agreement(config: Config) -> None:
    forecast = sample_parts(config)[1][0]

    assert (
        agreement(
            replace(
                forecast,
                contributing_runs=(
                    ContributingRun(Cycle(RUN), 0.4, 0.5),
                    ContributingRun(Cycle(RUN.replace(hour=6)), 0.2, 0.5),
                ),
            )
        )
        is None
    )
    assert agreement(forecast) is None


@pytest.mark.parametrize(
    ("path", "each", "runs"),
    [
        (
            "sites/lingshan/index.html",
            "GFS&lt;1%；欧洲中心 IFS&lt;1%",
            "&lt;1%（后续预报变化不大）",
        ),
        (
            "en/sites/lingshan/index.html",
            "GFS &lt;1%; ECMWF IFS &lt;1%",
            "&lt;1%, hardly likely to change",
        ),
    ],
)
def test_less_than_one_percent_is_escaped_once_and_models_are_no_runs_of_one(
    path: str, each: str, runs: str, config: Config
) -> None:
    issue, forecasts, features, almanacs = sample_parts(config)
    runs_of_models = (
        ContributingRun(Cycle(RUN), 0.004, 0.25),
        ContributingRun(Cycle(RUN, "ifs"), 0.004, 0.5),
        ContributingRun(Cycle(RUN.replace(hour=6)), 0.004, 0.25),
    )
    low = [
        replace(
            f,
            probability=0.004,
            grade=1,
            contributing_runs=runs_of_models,
            spread=Spread(0.004, 0.004, 3),
        )
        if f.known
        else f
        for f in forecasts
    ]

    made = {
        page.path: str(page.body)
        for page in render(
            compose(issue, low, features, almanacs, config, Supplement(ATTRIBUTION)), "web"
        )
    }

    page = made[path].replace(THIN_SPACE, " ")
    assert "&amp;lt;" not in page
    assert each in page
    assert runs in page


def test_a_model_that_is_unavailable_is_named_among_what_is_missing(config: Config) -> None:
    bulletin = compose(
        *sample_parts(config),
        config,
        Supplement(ATTRIBUTION, unavailable_models=("ifs", "aifs", "gone")),
    )

    made = {page.path: str(page.body) for page in render(bulletin, "web")}

    # a model without a name by its id
    assert (
        "欧洲中心 IFS、欧洲中心 AIFS（人工智能）、gone资料未到，未用于本期预报"
        in made["index.html"]
    )
    assert (
        "not in time for this issue: ECMWF IFS, ECMWF AIFS (machine learning), gone."
        in made["en/index.html"]
    )
