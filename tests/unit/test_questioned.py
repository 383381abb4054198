"""Do readers see, quietly and in plain words, what checks of the data call into question?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from forecast.config import Config
from forecast.domain import DOUBTFUL, GOOD, WRONG, Observation
from forecast.issue.questioned import doubtful_stations, questioned_fields
from products.channels import render
from products.composition import Supplement, compose
from products.wording import THIN_SPACE
from tests.e2e.sample_bulletin import ATTRIBUTION, sample_parts

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_the_fields_are_those_that_the_faults_name() -> None:
    faults = [
        "gfs.f003 message 7: wind_speed_of_gust is 812 m s-1 at 40 N 116 E, expected 0 to 150",
        "ifs-2026112200: air_temperature_at_2m: 3 points set missing",
        "gfs.f006 message 7: wind_speed_of_gust has numbers that mean no value, without a bitmap",
    ]

    assert questioned_fields(faults) == ("air_temperature_at_2m", "wind_speed_of_gust")
    assert questioned_fields([*faults, "gfs-2026112206 cannot be used"])[-1] == "other"
    assert questioned_fields([]) == ()


@pytest.mark.parametrize(
    ("minutes", "flag", "found"),
    [
        (10, DOUBTFUL, True),
        (10, WRONG, True),
        (10, GOOD, False),
        (90, DOUBTFUL, True),  # the oldest report that corrects a forecast
        (91, DOUBTFUL, False),
        (-5, DOUBTFUL, False),  # after the issue
    ],
)
def test_a_station_is_doubtful_by_its_recent_values(minutes: int, flag: int, found: bool) -> None:
    at = NOW - timedelta(minutes=minutes)
    report = Observation("M1001", at, {"air_temperature": 300.0}, {"air_temperature": flag})

    assert doubtful_stations({"M1001": [report]}, NOW) == (("M1001",) if found else ())


@pytest.mark.parametrize(
    ("path", "sentences"),
    [
        (
            "index.html",
            (
                "模式资料中的阵风经检查存疑，不合理的数值未使用。",
                "M1001近期部分观测数据待核，未用于本期预报。",
            ),
        ),
        (
            "en/index.html",
            (
                "Checks found doubtful values in the model data (gusts); "
                "impossible ones were not used.",
                "Some recent observations at M1001 are under review and were not used.",
            ),
        ),
    ],
)
def test_the_page_names_them_beside_what_is_missing(
    path: str, sentences: tuple[str, ...], config: Config
) -> None:
    supplement = Supplement(
        ATTRIBUTION, questioned_fields=("wind_speed_of_gust", "other"), doubtful_stations=("M1001",)
    )
    quiet = Supplement(ATTRIBUTION)

    shown, plain = (
        {page.path: str(page.body) for page in render(compose(*parts, config, each), "web")}[path]
        for parts in (sample_parts(config),)
        for each in (supplement, quiet)
    )

    section = shown[shown.index('id="missing"') :].replace(THIN_SPACE, " ")
    for sentence in sentences:
        assert sentence in section
        assert sentence not in plain


def test_faults_without_a_field_are_named_all_the_same(config: Config) -> None:
    supplement = Supplement(ATTRIBUTION, questioned_fields=("other",))

    bulletin = compose(*sample_parts(config), config, supplement)
    shown = {page.path: str(page.body) for page in render(bulletin, "web")}

    assert "部分模式资料经检查存疑，不合理的数值未使用。" in shown["index.html"]
