"""Does the latest observation correct the run about its station, and nothing else?"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from forecast import phenomena
from forecast.config import Config
from forecast.domain import DOUBTFUL, Cycle, Name, Observation, Station
from forecast.observations import nowcast
from forecast.science.interpolation import Scene, as_times
from forecast.science.site_profiles import air_at
from models.prediction import open_models, predict
from tests.skies import SITES, atmosphere, dawn, layer, steps, utc

RUN = "2026-11-21T18:00"
NOW = utc("2026-11-21T20:10")
JINDING = SITES["jinding"]
SUMMIT = Station("A0001", Name("", ""), JINDING.latitude, JINDING.longitude, JINDING.elevation)
VALLEY = Station("A0002", Name("", ""), JINDING.latitude - 0.03, JINDING.longitude + 0.03, 300.0)


def report(station: Station, minutes: float = 10, **values: float) -> Observation:
    return Observation(station.id, NOW - timedelta(minutes=minutes), values)


def by_station(*reports: Observation) -> dict[str, Observation]:
    return nowcast.latest_good({each.station: [each] for each in reports}, NOW)


def read(made, place, hours: float = 0.0):  # type: ignore[no-untyped-def]
    """Temperature, humidity and cloud at a station, `hours` after the observation."""
    scene = Scene(made, (nowcast._as_site(place),))
    moment = as_times([NOW - timedelta(minutes=10) + timedelta(hours=hours)])
    air = air_at(scene, np.array([0]), moment[:, None])
    return tuple(float(air[name][0, 0]) for name in ("temperature", "humidity", "cloud"))


def test_the_corrected_run_has_the_observed_values_at_the_station() -> None:
    made = atmosphere(steps(RUN, 24))
    observed = by_station(
        report(SUMMIT, air_temperature=275.0, relative_humidity=0.99),
        report(VALLEY, air_temperature=283.0, relative_humidity=0.6),
    )

    moved, correction = nowcast.correct(made, [SUMMIT, VALLEY], observed, NOW)

    # Four passes leave less than a tenth of what the run was wrong by (Barnes 1964).
    for place, temperature, humidity in ((SUMMIT, 275.0, 0.99), (VALLEY, 283.0, 0.6)):
        before, after = read(made, place), read(moved, place)
        assert abs(after[0] - temperature) <= 0.1 * abs(before[0] - temperature) + 0.05
        assert abs(after[1] - humidity) <= 0.1 * abs(before[1] - humidity) + 0.01
    assert read(moved, SUMMIT)[2] > 0.85  # saturated: the summit stands in cloud
    assert read(moved, VALLEY)[2] < 0.05
    assert correction.of(dawn(JINDING, "2026-11-21T23:05")) == ("A0001", "A0002")


def test_a_correction_fades_with_time_and_is_gone_after_half_a_day() -> None:
    made = atmosphere(steps(RUN, 36))

    moved, _ = nowcast.correct(
        made, [SUMMIT], by_station(report(SUMMIT, air_temperature=290.0)), NOW
    )

    def by(hours: float) -> float:
        return read(moved, SUMMIT, hours)[0] - read(made, SUMMIT, hours)[0]

    # The weight is exp(-hours / 6), linear between the run's steps three hours apart.
    assert by(7) / by(1) == pytest.approx(np.exp(-1), rel=0.05)
    assert by(16) == 0.0


def test_places_far_away_or_much_lower_keep_the_values_of_the_run() -> None:
    made = atmosphere(steps(RUN, 24))
    far = Station("A0003", Name("", ""), 39.1, 114.6, SUMMIT.elevation)

    moved, correction = nowcast.correct(
        made,
        [SUMMIT],
        by_station(report(SUMMIT, air_temperature=290.0, relative_humidity=0.99)),
        NOW,
    )

    assert read(moved, far) == pytest.approx(read(made, far), abs=0.01)
    assert abs(read(moved, VALLEY)[0] - read(made, VALLEY)[0]) < 0.5
    assert correction.of(dawn(SITES["lingshan"], "2026-11-21T23:05")) == ()  # 49 km away


def test_doubtful_and_old_values_have_no_effect() -> None:
    made = atmosphere(steps(RUN, 24))
    doubtful = Observation(
        SUMMIT.id, NOW, {"air_temperature": 300.0}, {"air_temperature": DOUBTFUL}
    )

    for contributed in (
        by_station(),
        by_station(report(SUMMIT, minutes=120, air_temperature=300.0)),
        by_station(doubtful),
    ):
        moved, correction = nowcast.correct(made, [SUMMIT], contributed, NOW)
        assert moved is made
        assert correction.stations == ()


def test_temperature_alone_leaves_the_vapour_pressure_unchanged() -> None:
    made = atmosphere(steps(RUN, 24), humidity=lambda height: np.full(height.shape, 0.5))
    before = read(made, SUMMIT)

    moved, _ = nowcast.correct(
        made, [SUMMIT], by_station(report(SUMMIT, air_temperature=before[0] - 5)), NOW
    )

    # 5 K colder air near 7 degC holds 0.71 of the vapour (saturation 10.0 against 7.1 hPa):
    # humidity 0.5 becomes 0.70.
    assert read(moved, SUMMIT)[1] == pytest.approx(0.70, abs=0.03)


def test_a_humid_summit_turns_a_sea_of_clouds_into_a_white_wall(config: Config) -> None:
    sea = atmosphere(steps(RUN, 24), humidity=layer(0, 800, 1.0, 0.35), cloud=layer(0, 800))
    event = dawn(JINDING, "2026-11-21T23:05")
    wall = by_station(report(SUMMIT, relative_humidity=1.0, visibility_in_air=100.0))

    moved, _ = nowcast.correct(sea, [SUMMIT], wall, NOW)
    states = []
    for made in (sea, moved):
        features, _ = phenomena.derive([event], made, config.phenomena)
        states.append(
            predict(features, Cycle(utc(RUN)), NOW, open_models(), (0.1, 0.3, 0.5, 0.7))
            .forecasts[0]
            .states
        )

    assert states[0]["sea"] > states[0]["in_cloud"]
    assert states[1]["in_cloud"] > states[1]["sea"]


def test_a_report_far_from_the_run_has_no_part_and_is_named() -> None:
    """41 for 5 degC (Fahrenheit), and fog in a dry run that no hygrometer confirms."""
    made = atmosphere(steps(RUN, 24))
    run_temperature, run_humidity, _ = read(made, VALLEY)
    slipped = report(VALLEY, air_temperature=run_temperature + 16.0, relative_humidity=run_humidity)

    moved, correction = nowcast.correct(made, [VALLEY], by_station(slipped), NOW)

    assert abs(read(moved, VALLEY)[0] - run_temperature) < 0.5
    (reason,) = correction.doubts
    assert VALLEY.id in reason
    assert "is its unit right?" in reason


def test_a_report_within_reach_of_the_run_is_not_doubted() -> None:
    made = atmosphere(steps(RUN, 24))
    inversion = read(made, VALLEY)[0] - 12.0

    _, correction = nowcast.correct(
        made, [VALLEY], by_station(report(VALLEY, air_temperature=inversion)), NOW
    )

    assert (correction.doubts, correction.stations) == ((), (VALLEY,))


@pytest.mark.parametrize(("wind", "doubted"), [(25.0, True), (20.0, False)])
def test_a_wind_far_above_the_runs_is_told_and_moves_nothing(wind: float, doubted: bool) -> None:
    """The run's wind is 3 m/s; 7 m/s are 25 km/h."""
    made = atmosphere(steps(RUN, 24))
    sound = {"air_temperature": read(made, SUMMIT)[0]}

    moved, correction = nowcast.correct(
        made, [SUMMIT], by_station(report(SUMMIT, wind_speed=wind, **sound)), NOW
    )

    assert ["km/h or knots" in reason for reason in correction.doubts] == [True] * doubted
    assert read(moved, SUMMIT) == pytest.approx(read(made, SUMMIT), abs=0.01)
