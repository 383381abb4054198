"""What was really seen of snow and rime: from an analysis, and from a station's own record."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast.domain import Atmosphere, Event
from forecast.phenomena import snow
from forecast.phenomena.station_snow import (
    rime_reported,
    rime_seen,
    snow_cover_measured,
    snow_cover_of_ground,
    snowfall_reported,
)
from forecast.science.almanac import almanacs
from forecast.science.interpolation import Scene
from tests.skies import atmosphere, layer
from tests.unit.test_snow import DAY, DEEP_CLOUD, SETTINGS, TIMES, VILLAGE, cooled, features_of

NAN = float("nan")


def questions(day: date = DAY) -> list[Event]:
    almanac = almanacs([VILLAGE], [day], ZoneInfo("Asia/Shanghai"))[VILLAGE.id, day]
    return snow.events(VILLAGE, day, almanac, SETTINGS)


def diagnosed(air: Atmosphere, later: int = 0) -> dict[str, tuple[float, float]]:
    found = snow.diagnose(questions(DAY + timedelta(days=later)), Scene(air, [VILLAGE]), SETTINGS)
    assert {outcome.source for outcome in found} == {"analysis"}
    return {outcome.phenomenon: (outcome.degree, outcome.amount) for outcome in found}


def test_an_analysed_snowstorm_has_degree_full() -> None:
    found = diagnosed(
        atmosphere(
            TIMES,
            temperature=cooled(-3.0),
            precipitation_amount=1.0,
            surface_snow_thickness=0.05,
            **DEEP_CLOUD,
        )
    )

    assert {name: degree for name, (degree, _) in found.items()} == {
        "snowfall": 1,
        "snow_cover": 1,
        "rime": 1,
        "snowmaking": 1,
    }
    assert found["snowfall"][1] == pytest.approx(0.0638, abs=0.001)  # 8 mm, 7.97 times as deep


def test_an_analysed_mild_dry_day_shows_nothing() -> None:
    found = diagnosed(atmosphere(TIMES, temperature=cooled(6.0), surface_snow_thickness=0.0))

    assert [degree for degree, _ in found.values()] == [0, 0, 0, 0]


def test_without_events_there_are_no_outcomes() -> None:
    assert snow.diagnose([], Scene(atmosphere(TIMES), [VILLAGE]), SETTINGS) == []


def test_a_dusting_has_degree_partial() -> None:
    found = diagnosed(
        atmosphere(
            TIMES,
            temperature=cooled(-3.0),
            precipitation_amount=0.05,
            surface_snow_thickness=0.015,
            **DEEP_CLOUD,
        )
    )

    assert found["snowfall"][0] == found["snow_cover"][0] == 0.5


def test_an_analysis_of_half_a_day_proves_occurrence_but_no_absence() -> None:
    # the day after: the scene ends at 08 local
    dry = diagnosed(
        atmosphere(
            TIMES,
            temperature=cooled(-3.0),
            humidity=lambda h: np.full(h.shape, 0.3),
            surface_snow_thickness=0.0,
        ),
        1,
    )
    wet = diagnosed(
        atmosphere(
            TIMES,
            temperature=cooled(-3.0),
            precipitation_amount=3.0,
            surface_snow_thickness=0.0,
            **DEEP_CLOUD,
        ),
        1,
    )

    assert np.isnan(dry["snowfall"][0])
    assert np.isnan(dry["rime"][0])
    assert wet["snowfall"][0] == 1
    assert dry["snowmaking"][0] == 1


def test_snow_cover_of_a_station_is_its_depth_at_both_hours() -> None:
    assert snow_cover_measured([0.05, 0.05, 0.01, 0.0], [0.03, 0.02, 0.0, 0.0]).tolist() == [
        1,
        0.5,
        0,
        0,
    ]
    assert np.isnan(snow_cover_measured([0.05, NAN], [NAN, 0.0])).all()


def test_rime_and_snow_of_a_station_are_its_codes_of_present_weather() -> None:
    # WMO table 4677: 48, 49 fog depositing rime; 66 freezing rain; 71, 73 snow; 10 mist; 61 rain
    reports = np.array([[10, 48, 71], [61, 66, NAN], [10, 61, 73], [NAN, NAN, NAN], [10, 10, 10]])

    assert rime_reported(reports) == pytest.approx([1, 0.5, 0, NAN, 0], nan_ok=True)
    assert snowfall_reported(reports) == pytest.approx([0.5, 0, 0.5, NAN, 0], nan_ok=True)


def test_the_states_of_the_ground_and_reported_rime_are_degrees() -> None:
    # BUFR table 0 20 062: 12, 16 snow on at least half of the ground, 15 on less, 10 ice, 1 moist
    assert snow_cover_of_ground([12, 16, 15, NAN, 1], [16, 10, 12, 12, 1]) == pytest.approx(
        [0.5, 0, 0, NAN, 0], nan_ok=True
    )
    rime, glaze = np.array([[0, 1], [0, 0], [NAN, NAN]]), np.array([[0, 0], [1, NAN], [NAN, NAN]])
    assert rime_seen(rime, glaze) == pytest.approx([1, 0.5, NAN], nan_ok=True)


@pytest.mark.parametrize(
    ("cover", "base", "part"), [(0.0, 0, 1.0), (1.0, 2000, 0.0), (1.0, 9000, 0.5)]
)
def test_cloud_takes_the_sun_and_cirrus_half_of_it(cover: float, base: float, part: float) -> None:
    # On 22 November the sun is up 9.7 h at 40 N (USNO); the ridges around the village take some of
    # it
    clear = features_of(atmosphere(TIMES, temperature=cooled(-3.0))).values["sun_hours"][0]

    found = features_of(
        atmosphere(TIMES, temperature=cooled(-3.0), cloud=layer(base, base + 1500, cover))
    ).values["sun_hours"][0]

    assert 8 <= clear <= 10
    assert found == pytest.approx(part * clear, abs=0.01)


def test_every_claim_of_snow_and_rime_holds(shared: Path) -> None:
    from tests.science import snow as science

    found = science.claims(shared)

    assert len(found) > 10
    assert [claim.line() for claim in found if claim.holds is False] == []
