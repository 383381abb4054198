"""Snow on the ground from day to day: hand arithmetic, and the station that sets it right."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.science.snowpack import USUAL, DayForcing, Pack, next_day, thaw_of
from forecast.science.thermodynamics import FREEZING


def one(value: float) -> np.ndarray:
    return np.array([value])


def pack(water: float, depth: float) -> Pack:
    return Pack(one(water), one(depth))


def day(
    snow_water: float = 0.0,
    new_snow: float = 0.0,
    rain: float = 0.0,
    thaw: float = 0.0,
    rain_temperature: float = FREEZING,
) -> DayForcing:
    return DayForcing(one(snow_water), one(new_snow), one(rain), one(thaw), one(rain_temperature))


def test_cold_snow_settles_and_keeps_its_water() -> None:
    # 100 kg m-3 on its way to 300: 300 - 200 e^(-1/4.2) = 142.4 after a day; two half days make one
    whole, melted = next_day(pack(20.0, 0.20), day())
    halves, _ = next_day(next_day(pack(20.0, 0.20), day(), 0.5)[0], day(), 0.5)

    assert whole.density[0] == pytest.approx(142.4, abs=0.1)
    assert whole.water[0] == 20.0
    assert melted[0] == 0
    assert halves.depth[0] == pytest.approx(whole.depth[0])


def test_a_dense_pack_settles_no_further_in_the_cold() -> None:
    assert next_day(pack(90.0, 0.30), day())[0].depth[0] == pytest.approx(0.30)


def test_cold_stiffens_snow() -> None:
    # at -10 degC the rate is e^-0.8 = 0.449 of that at 0: 300 - 200 e^(-0.449/4.2) = 120.3 kg m-3
    cold, _ = next_day(pack(20.0, 0.20), day(rain_temperature=FREEZING - 10))

    assert cold.density[0] == pytest.approx(120.3, abs=0.1)
    assert USUAL.stiffening == 0.08  # Anderson 1976


@pytest.mark.parametrize(("depth", "goal"), [(0.001, 396), (0.10, 417), (1.0, 542), (3.0, 633)])
def test_a_thawing_pack_settles_the_denser_the_deeper_it_is(depth: float, goal: float) -> None:
    # 700 - 20470/d (1 - e^(-d/67.3)), d in cm: Brown et al. 2006; hardly any thaw, a year long
    left, _ = next_day(pack(300 * depth, depth), day(thaw=1e-9), span=365.0)

    assert left.density[0] == pytest.approx(goal, abs=1)


def test_warm_days_melt_by_the_degree_and_by_the_density() -> None:
    # settled already to the 417.3 kg m-3 of 10 cm: 0.0035 * 417.3 = 1.46 mm a degree-day; 3 of them
    # take 4.38 mm, and 3 * 3.5 mm of depth
    left, melted = next_day(pack(41.735, 0.10), day(thaw=3.0))

    assert melted[0] == pytest.approx(4.38, abs=0.01)
    assert left.depth[0] == pytest.approx(0.0895, abs=1e-5)


def test_rain_melts_by_its_warmth() -> None:
    # 20 kg of water cooled by 5 K give 418.6 kJ; melting takes 334 kJ kg-1
    _, melted = next_day(pack(80.0, 0.20), day(rain=20.0, rain_temperature=FREEZING + 5))

    assert melted[0] == pytest.approx(20 * 4186 * 5 / 3.34e5)


def test_no_more_melts_than_lies() -> None:
    left, melted = next_day(pack(2.0, 0.01), day(thaw=30.0))

    assert (left.water[0], left.depth[0], melted[0]) == (0, 0, 2)
    assert np.isnan(left.density[0])


def test_new_snow_lies_on_the_old() -> None:
    # the old 10 cm of 200 kg m-3 settle towards 300 (200/221.2 of them stay); the new 5 cm are
    # those of the day's end
    left, _ = next_day(pack(20.0, 0.10), day(snow_water=5.0, new_snow=0.05))

    assert left.depth[0] == pytest.approx(0.05 + 20 / 221.2, abs=1e-4)
    assert left.water[0] == pytest.approx(25.0)


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [(-5, 5, 5 / np.pi), (2, 10, 6), (-10, -1, 0), (-10, 0, 0), (4, 4, 4)],
)
def test_the_degree_days_of_a_day_are_the_area_of_its_sine_above_zero(
    lowest: float, highest: float, expected: float
) -> None:
    assert thaw_of(one(FREEZING + lowest), one(FREEZING + highest))[0] == pytest.approx(
        expected, abs=1e-6
    )


def test_a_day_of_snow_pellets_and_rain_is_laid_by_what_each_brings() -> None:
    # 10 mm: 4 as snow ten times as deep (40 mm), 2 as pellets three times as deep (6 mm), 4 of
    # rain; -4 to +4 degC: 4 / pi degree-days
    made = DayForcing.of(
        one(10.0), one(4.0), one(2.0), one(10.0), (one(FREEZING - 4), one(FREEZING + 4))
    )

    assert (made.snow_water[0], made.new_snow[0], made.rain[0]) == pytest.approx((6.0, 0.046, 4.0))
    assert (made.thaw[0], made.rain_temperature[0]) == pytest.approx((4 / np.pi, FREEZING))


def test_five_hundred_sites_go_as_one() -> None:
    rng = np.random.default_rng(4)
    many = Pack(rng.uniform(0, 100, 500), rng.uniform(0.1, 0.5, 500))
    weather = DayForcing(
        *(rng.uniform(0, high, 500) for high in (20, 0.2, 20, 5)), rng.uniform(268, 280, 500)
    )

    together, _ = next_day(many, weather)
    alone, _ = next_day(
        pack(many.water[7], many.depth[7]),
        DayForcing(*(one(getattr(weather, n)[7]) for n in DayForcing.__slots__)),
    )

    assert together.depth[7] == pytest.approx(alone.depth[0])
