"""Which state had a morning? Analyses, station pairs and reports with a known answer."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from forecast.config import Config
from forecast.domain import CLOUD_SEA_STATES, Atmosphere
from forecast.phenomena import cloud_sea, cloud_sea_states
from forecast.phenomena.cloud_sea_states import IN_CLOUD, NO_SEA, OPEN, SEA, UNKNOWN, CloudReport
from forecast.science.interpolation import Scene
from tests.skies import SITES, atmosphere, dawn, layer, steps, utc

LINGSHAN, JINDING = SITES["lingshan"], SITES["jinding"]
SUNRISE = "2026-11-08T22:48"
RUN = steps("2026-11-07T12:00", 48)
EVENT = dawn(JINDING, SUNRISE)
nan = float("nan")


def clouded(base: float, top: float, cover: float = 0.95) -> Atmosphere:
    return atmosphere(RUN, cloud=layer(base, top, cover), humidity=layer(base, top, 1.0, 0.4))


@pytest.mark.parametrize(
    ("made", "state", "degree"),
    [
        (clouded(500, 1900), "sea", 1.0),
        (clouded(1000, 3000), "in_cloud", 0.0),
        (clouded(3000, 4500), "overcast", 0.0),
        (clouded(0, 0), "open", 0.0),
        # fog on the plain, below the lowest ground about the high summit
        (clouded(0, 700), "open", 0.0),
    ],
    ids=["deck_below", "deck_around", "deck_above", "no_deck", "fog_on_the_plain"],
)
def test_an_analysis_is_called_by_its_state(
    config: Config, made: Atmosphere, state: str, degree: float
) -> None:
    event = dawn(LINGSHAN, SUNRISE)

    (reported,) = cloud_sea.diagnose([event], Scene(made, (LINGSHAN,)), config.phenomena)

    assert (reported.state, reported.degree, reported.source) == (state, degree, "analysis")
    assert (reported.phenomenon, reported.site, reported.day) == (
        "sea_of_clouds",
        "lingshan",
        event.day,
    )


def test_the_amount_of_a_sea_is_the_gap_under_the_viewer(config: Config) -> None:
    (reported,) = cloud_sea.diagnose(
        [dawn(LINGSHAN, SUNRISE)], Scene(clouded(500, 1900), (LINGSHAN,)), config.phenomena
    )

    # As in test_cloud_sea: .3 of .95 is passed between 850 hPa (1457 m) and 800 hPa (1949 m).
    assert reported.amount == pytest.approx(2303 - (1457 + 492 * (1 - 0.3 / 0.95)), abs=10)


def test_many_mornings_are_diagnosed_at_once_and_each_as_alone(config: Config) -> None:
    events = [dawn(LINGSHAN, SUNRISE), dawn(JINDING, SUNRISE)]
    scene = Scene(clouded(1000, 1700), (LINGSHAN, JINDING))

    together = cloud_sea.diagnose(events, scene, config.phenomena)

    assert [reported.state for reported in together] == ["sea", "in_cloud"]
    assert [repr(cloud_sea.diagnose([event], scene, config.phenomena)[0]) for event in events] == [
        repr(reported) for reported in together
    ]


def test_a_morning_beyond_the_data_has_no_outcome(config: Config) -> None:
    (reported,) = cloud_sea.diagnose(
        [dawn(JINDING, "2026-11-20T22:48")], Scene(clouded(200, 800), (JINDING,)), config.phenomena
    )

    assert np.isnan(reported.degree)
    assert reported.state == ""


@pytest.mark.parametrize(
    ("summit", "valley", "code"),
    [
        ((0.40, 30000), (0.98, 400), SEA),  # dry above, fog below: the patent's own case
        ((0.99, 80), (0.98, 400), IN_CLOUD),
        ((0.40, 30000), (0.55, 20000), NO_SEA),
        ((0.40, nan), (nan, 300), SEA),  # a visibility alone shows fog
        ((0.92, 8000), (0.98, 400), UNKNOWN),  # neither dry nor in cloud: unknown
        ((0.40, 30000), (nan, nan), UNKNOWN),
        ((nan, nan), (0.98, 400), UNKNOWN),
    ],
)
def test_a_pair_of_stations_distinguishes_dry_above_wet(
    summit: tuple[float, float], valley: tuple[float, float], code: int
) -> None:
    reported = cloud_sea_states.pair_codes(*(np.array([value]) for value in (*summit, *valley)))

    assert reported.tolist() == [code]


@pytest.mark.parametrize(
    ("cover", "top", "visibility", "code"),
    [
        # 444 8 6 09 0: eight oktas of stratocumulus below, its top at 900 m
        (1.0, 900.0, 30000.0, SEA),
        (2 / 8, 900.0, 30000.0, NO_SEA),
        (5 / 8, 1500.0, 200.0, IN_CLOUD),
        (6 / 8, 1500.0, 20000.0, IN_CLOUD),  # its top above the station of 1291 m
        (7 / 8, nan, 20000.0, SEA),  # the top was not measured
        (nan, nan, 20000.0, UNKNOWN),  # nothing was reported: most stations never do
    ],
)
def test_cloud_reported_below_a_station_is_a_sea(
    cover: float, top: float, visibility: float, code: int
) -> None:
    reported = cloud_sea_states.below_codes(
        np.array([cover]), np.array([top]), np.array([visibility]), JINDING.elevation
    )

    assert reported.tolist() == [code]


def test_a_morning_of_hourly_pairs_is_full_partial_or_none() -> None:
    hours = [utc(SUNRISE) + timedelta(hours=h) for h in (-1, 0, 1, 2)]
    summit = [CloudReport(at, humidity=0.4, visibility=30000) for at in hours]

    def morning(*fog: bool) -> tuple[float, str]:
        valley = [
            CloudReport(at + timedelta(minutes=10), 0.97 if f else 0.6, 300 if f else 9000)
            for at, f in zip(hours, fog, strict=True)
        ]
        reported = cloud_sea_states.outcome_from_pair(EVENT, summit, valley)
        assert reported.source == "station"
        return reported.degree, reported.state

    assert morning(True, True, True, False) == (1.0, "sea")
    assert morning(True, False, False, False) == (0.5, "sea")
    # open or overcast: a pair cannot see which
    assert morning(False, False, False, False) == (0.0, "")


def test_readings_an_hour_apart_are_no_pair() -> None:
    summit = [CloudReport(utc(SUNRISE), 0.4, 30000)]
    valley = [CloudReport(utc(SUNRISE) + timedelta(hours=1), 0.98, 300)]

    reported = cloud_sea_states.outcome_from_pair(EVENT, summit, valley)

    assert np.isnan(reported.degree)
    assert np.isnan(cloud_sea_states.outcome_from_pair(EVENT, summit, []).degree)


def test_the_gap_of_a_reported_sea_is_given() -> None:
    readings = [
        CloudReport(
            utc(SUNRISE) + timedelta(hours=h), 0.5, 40000, cloud_below=7 / 8, cloud_below_top=900
        )
        for h in (0, 1, 2)
    ]

    reported = cloud_sea_states.outcome_from_cloud_below(EVENT, readings)

    assert (reported.degree, reported.state, reported.amount) == (1.0, "sea", 391.0)
    assert cloud_sea_states.outcome_from_cloud_below(EVENT, []).state == ""


def test_half_a_morning_without_reports_has_no_outcome() -> None:
    codes = np.array(
        [[SEA, UNKNOWN, UNKNOWN, UNKNOWN], [SEA, SEA, UNKNOWN, UNKNOWN], [OPEN, OPEN, OPEN, OPEN]],
        dtype=np.int8,
    )
    unknown = np.full(codes.shape, nan)

    reported = cloud_sea_states.outcomes(
        [EVENT] * 3, codes, np.ones(codes.shape, dtype=bool), unknown, unknown, "analysis"
    )

    assert [outcome.state for outcome in reported] == ["", "sea", "open"]
    assert {outcome.state for outcome in reported} <= {*CLOUD_SEA_STATES, ""}


def test_a_sea_that_hides_a_third_of_the_ground_is_a_partial_one() -> None:
    codes, every = np.full((1, 4), SEA, dtype=np.int8), np.ones((1, 4), dtype=bool)

    (reported,) = cloud_sea_states.outcomes(
        [EVENT], codes, every, np.full((1, 4), 0.33), np.full((1, 4), 300.0), "analysis"
    )

    assert (reported.degree, reported.amount) == (0.5, 300.0)


def test_the_amount_of_a_sea_is_the_mean_of_the_gaps_that_are_known() -> None:
    """By hand: of 200 m, 400 m and unknown 300 m; a moment without a sea does not count."""
    codes = np.array([[SEA, SEA, SEA, OPEN]], dtype=np.int8)
    gap, fill = np.array([[200.0, 400.0, nan, 9000.0]]), np.full((1, 4), nan)

    (found,) = cloud_sea_states.outcomes(
        [EVENT], codes, np.ones((1, 4), dtype=bool), fill, gap, "station"
    )

    assert (found.degree, found.state, found.amount) == (1.0, "sea", pytest.approx(300.0))


@pytest.mark.parametrize(
    ("seas", "opens", "unknown", "ground", "degree"),
    [
        (5, 5, 0, 1.0, 1.0),  # half of the time: full
        (4, 6, 0, 1.0, 0.5),
        (2, 8, 0, 1.0, 0.5),  # a fifth of the time: partial
        (1, 9, 0, 1.0, 0.0),
        (9, 1, 0, 0.49, 0.5),  # half of the ground below
        (9, 1, 0, 0.50, 1.0),
        (9, 1, 0, nan, 1.0),  # whose ground is not known counts by its time
        (5, 0, 5, 1.0, 1.0),  # half of the moments are enough
        (4, 0, 6, 1.0, nan),
    ],
)
def test_a_full_sea_lasts_half_the_known_time_and_a_partial_one_a_fifth(
    seas: int, opens: int, unknown: int, ground: float, degree: float
) -> None:
    codes = np.array([[SEA] * seas + [OPEN] * opens + [UNKNOWN] * unknown], dtype=np.int8)
    fill = np.full((1, 10), ground)

    (found,) = cloud_sea_states.outcomes(
        [EVENT], codes, np.ones((1, 10), dtype=bool), fill, fill, "station"
    )

    assert found.degree == pytest.approx(degree, nan_ok=True)
