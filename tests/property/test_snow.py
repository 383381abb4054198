"""Laws of snow for all inputs: no water is lost, no depth is negative, warmth never brings snow,
more is never likelier than less.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecast.phenomena.cold import rimy_hours
from forecast.science import snowfall as snow
from forecast.science.precipitation_type import (
    Layers,
    fraction_by_wet_bulb,
    layers,
    precipitation_types,
)
from forecast.science.snowpack import DayForcing, Pack, next_day
from forecast.science.thermodynamics import FREEZING

WATER, WARMTH, DEPTH = st.floats(0, 300), st.floats(0, 25), st.floats(0, 5)
DENSITY = st.floats(30, 600)
CELSIUS = st.floats(-40, 20)


@st.composite
def packs(draw: st.DrawFn) -> Pack:
    depth = draw(DEPTH)
    return Pack(np.array([depth * draw(DENSITY)]), np.array([depth]))


@st.composite
def days(draw: st.DrawFn) -> DayForcing:
    snow_water = draw(WATER)
    values = (
        snow_water,
        snow_water * draw(st.floats(3, 35)) / 1000,
        draw(WATER),
        draw(WARMTH),
        FREEZING + draw(CELSIUS),
    )
    return DayForcing(*(np.array([value]) for value in values))


@given(packs(), st.lists(days(), min_size=1, max_size=12))
def test_no_water_is_lost_or_made(pack: Pack, weather: list[DayForcing]) -> None:
    fallen, melted, first = 0.0, 0.0, pack.water[0]
    for day in weather:
        pack, melt = next_day(pack, day)
        fallen, melted = fallen + day.snow_water[0], melted + melt[0]

    assert abs(first + fallen - melted - pack.water[0]) <= 1e-9 * (1 + first + fallen)


@given(packs(), days(), st.floats(0.01, 3))
def test_depth_and_water_come_and_go_together_and_are_never_negative(
    pack: Pack, day: DayForcing, span: float
) -> None:
    left, melt = next_day(pack, day, span)

    assert left.depth[0] >= 0
    assert 0 <= melt[0] <= pack.water[0] + day.snow_water[0]
    assert (left.depth[0] > 0) == (left.water[0] > 0)
    if left.water[0] > 1e-6:
        # a pack of 4 m may thaw to more than the densest that falls: Brown et al. 2006, 700 kg m-3
        # less 204.7 kg m-2 over a deep one's depth
        deep = np.maximum(pack.depth[0], 1e-6)
        settled = 700 - 204.7 / deep * -np.expm1(-deep / 0.673)
        assert 29.9 <= left.density[0] <= max(600.0, settled) + 0.1


@given(packs(), WATER, CELSIUS, st.floats(0, 15), st.floats(0, 20), st.floats(0, 40))
def test_a_warmer_day_is_never_snowier(
    pack: Pack, fallen: float, celsius: float, warmer: float, swing: float, wind: float
) -> None:
    def left(temperature: float) -> float:
        air = np.array([FREEZING + temperature])
        water = fallen * precipitation_types(air).snow
        ratio = snow.snow_ratio(air, np.array([wind]))
        brought = DayForcing.of(
            np.array([fallen]), water, np.zeros(1), ratio, (air - swing / 2, air + swing / 2)
        )
        return float(next_day(pack, brought)[0].depth[0])

    assert left(celsius + warmer) <= left(celsius) + 1e-9


@given(st.floats(0, 3), st.floats(0, 1), st.floats(0.001, 0.5), st.floats(0.001, 0.5))
def test_more_snow_is_never_likelier_than_less(
    forecast: float, further: float, least: float, more: float
) -> None:
    less, greater = (
        snow.chance_of_snow(np.array([forecast, forecast + further]), at)
        for at in (least, least + more)
    )

    assert (greater <= less).all()
    assert less[1] >= less[0]
    assert ((less >= 0) & (less <= 1)).all()


@given(CELSIUS, st.floats(0, 60), st.floats(0, 60), st.floats(0.01, 100))
def test_stronger_wind_never_lightens_snow_and_the_interval_holds_the_ratio(
    celsius: float, wind: float, stronger: float, water: float
) -> None:
    ratio = snow.snow_ratio(np.array([FREEZING + celsius] * 2), np.array([wind, wind + stronger]))
    low, high = snow.ratio_interval(ratio, np.full(2, FREEZING + celsius), np.full(2, water))

    assert ratio[1] <= ratio[0]
    assert ((low < ratio) & (ratio < high)).all()


@given(WATER, WATER)
def test_more_water_is_never_a_lower_class(water: float, more: float) -> None:
    lower, higher = snow.snow_class(np.array([water, water + more]))

    assert 0 <= lower <= higher <= 6


@given(
    st.lists(
        st.tuples(CELSIUS, st.floats(0, 1.1), st.floats(0, 1), st.floats(0, 30)),
        min_size=1,
        max_size=24,
    )
)
def test_rime_lies_only_in_the_cold_and_only_after_it_grew(
    hours: list[tuple[float, float, float, float]],
) -> None:
    temperature, humidity, cloud, wind = np.array(hours).T[:, None]
    rimy = rimy_hours(
        {
            "temperature": FREEZING + temperature,
            "humidity": humidity,
            "cloud": cloud,
            "wind_speed": wind,
        }
    )
    grown = np.any(snow.grows_rime(FREEZING + temperature, humidity, cloud, wind), axis=0)

    assert not (rimy & (temperature >= 1.01)).any()
    assert (grown <= rimy).all()
    assert not rimy[0, : grown[0].argmax() if grown.any() else None].any()


ENERGY = st.floats(0, 300)


@given(CELSIUS, st.floats(200, 280), ENERGY, ENERGY, st.floats(0, 2000))
def test_what_falls_is_shared_out_whole(
    celsius: float, top: float, melting: float, refreezing: float, depth: float
) -> None:
    fall = precipitation_types(
        np.array([FREEZING + celsius]),
        top,
        Layers(*(np.array([value]) for value in (melting, refreezing, depth))),
    )
    parts = np.array([fall.snow, fall.pellets, fall.freezing, fall.rain])

    assert ((parts >= 0) & (parts <= 1)).all()
    assert abs(parts.sum() - 1) < 1e-12
    assert fall.freezing[0] == 0 or celsius < 0
    assert fall.snow[0] <= fraction_by_wet_bulb(np.array([FREEZING + celsius]))[0]


@given(st.lists(CELSIUS, min_size=2, max_size=8), st.floats(0, 10))
def test_no_layer_is_negative_and_warmer_air_is_warm_to_no_lesser_height(
    profile: list[float], warmer: float
) -> None:
    def read(bulb: np.ndarray) -> Layers:
        heights = 300.0 * np.arange(1, len(bulb))[None]
        return layers(
            FREEZING + bulb[None, 1:], heights, np.zeros(1), FREEZING + bulb[:1], np.array([np.nan])
        )

    found = read(np.array(profile))

    assert min(found.melting[0], found.refreezing[0], found.warm_depth[0]) >= 0
    assert read(np.array(profile) + warmer).warm_depth[0] >= found.warm_depth[0] - 1e-9
