"""Are the formulas of sky, cloud, heat and moisture those of their papers?"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from forecast.science import night_sky, thermodynamics

AUTHORITIES = Path(__file__).parents[1] / "authorities"


def published(quantity: str) -> list[tuple[dict[str, float], float, float]]:
    """(arguments, value, tolerance) of a quantity in authorities/sky_brightness.csv."""
    with (AUTHORITIES / "sky_brightness.csv").open(encoding="utf-8") as lines:
        rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    named = [
        (dict(pair.split("=") for pair in row[1].split()), row)
        for row in rows
        if row[0] == quantity
    ]
    return [
        ({name: float(value) for name, value in arguments.items()}, float(row[2]), float(row[4]))
        for arguments, row in named
    ]


# -- cloud


@pytest.mark.parametrize(
    ("cover", "total"),
    [
        ([0.5, 0.5], 0.5),  # neighbours overlap as far as they can: max(.5, .5)
        ([0.5, 0.3, 0.0], 0.5),
        ([0.5, 0.0, 0.5], 0.75),  # apart: 1 - (1 - .5)(1 - .5)
        ([0.2, 0.6, 0.0, 0.5], 0.8),  # 1 - (1 - .2) (.4 / .8) (.4 / .4) (.5 / 1) = 1 - .2
        ([0.3, 1.0, 0.2], 1.0),
        ([0.0, 0.0], 0.0),
        ([np.nan, 0.4], 0.4),
    ],
)
def test_overlap_is_maximum_for_neighbours_and_random_apart(
    cover: list[float], total: float
) -> None:
    # Geleyn & Hollingsworth 1979, worked by hand.
    assert thermodynamics.maximum_random_overlap(np.array(cover)) == pytest.approx(total)


def test_overlap_of_nothing_known_is_not_known() -> None:
    assert np.isnan(thermodynamics.maximum_random_overlap(np.full(3, np.nan)))


def test_cloud_begins_at_the_critical_humidity_and_is_whole_at_saturation() -> None:
    # Sundqvist et al. 1989 with U00 = .85, by hand: 1 - sqrt(.0375 / .15) = .5 at 96.25 %.
    assert thermodynamics.cloud_from_humidity(
        np.array([0.5, 0.85, 0.9625, 1.0, 1.1])
    ) == pytest.approx([0, 0, 0.5, 1, 1])


# -- moonlight


def test_moonlight_is_that_of_krisciunas_and_schaefer() -> None:
    for given, expected, tolerance in published("moonlight"):
        lit = (1 + np.cos(np.radians(given["phase_angle"]))) / 2
        luminance = night_sky.moonlight(
            np.array(90 - given["moon_zenith"]),
            np.array(lit),
            given["extinction"],
            given["zenith_distance"],
            given["separation"],
        )

        assert night_sky.magnitudes(luminance) == pytest.approx(expected, abs=tolerance)


def test_luminance_and_magnitude_are_the_paper_s_and_each_other_s_inverse() -> None:
    for given, expected, tolerance in published("nanolamberts"):
        assert night_sky.nanolamberts(np.array(given["brightness"])) == pytest.approx(
            expected, abs=tolerance
        )
    assert night_sky.magnitudes(night_sky.nanolamberts(np.array([18.0, 22.0]))) == pytest.approx(
        [18.0, 22.0]
    )


def test_a_moon_below_the_horizon_gives_no_light_and_an_unknown_one_no_number() -> None:
    light = night_sky.moonlight(np.array([-0.1, 30.0, np.nan]), np.array([1.0, 1.0, 1.0]), 0.2)

    assert light[0] == 0
    assert light[1] > 100
    assert np.isnan(light[2])


def test_a_full_moon_takes_three_magnitudes_and_more_from_a_dark_zenith() -> None:
    # By hand from eqs. 3, 15, 18-21 with Z = 45, k = .172: f = 10^5.36 x 1.56 + 10^5.025 = 463,300;
    # I = 10^-1.536 = .02911; X = 1.387; 10^(-.4 .172 1.387) = .8028; 1 - 10^(-.4 .172) = .1465:
    # 1586 nL, 18.33 mag.
    light = night_sky.moonlight(np.array(45.0), np.array(1.0), 0.172)

    assert light == pytest.approx(1586, rel=0.005)
    assert night_sky.magnitudes(light) == pytest.approx(18.33, abs=0.01)


def test_claims_of_the_night_sky_hold(shared: Path) -> None:
    """Sky meters of Globe at Night, in years on which nothing was fitted: see
    tests/science/stars.py.
    """
    from tests.science import stars

    claims = stars.claims(shared)

    assert [claim.line() for claim in claims if claim.holds is False] == []
    assert sum(claim.holds is True for claim in claims) >= 5


def test_the_moonlight_offset_does_not_bias_gibbous_and_full_moons(shared: Path) -> None:
    from tests.science import stars

    thick = stars.of_moons(stars.moonlit(stars.meters(stars.reports(shared))), stars.MORE_THAN_HALF)
    error = stars.change(thick, night_sky.moonlight_offset(thick.lit.values)) - thick.measured

    assert len(thick) > 300
    # the meters agree with one another to about 0.1 mag (their maker)
    assert error.median() == pytest.approx(0, abs=0.15)


def test_a_thin_moon_is_moved_towards_what_la_palma_saw_and_not_past_it(shared: Path) -> None:
    from tests.science import stars

    for given, saw, _ in published("la_palma"):
        own = night_sky.nanolamberts(np.array(given["brightness"]))
        moon = (
            np.array(given["moon_altitude"]),
            np.array(given["illumination"]),
            given["extinction"],
        )

        moved = night_sky.magnitudes(own + night_sky.moonlight(*moon)) - night_sky.magnitudes(
            own + night_sky.fitted_moonlight(*moon)
        )

        # one photometer against the paper's own check: both are believed in part
        assert 0.2 < moved < saw
    taught = stars.of_years(
        stars.of_moons(stars.moonlit(stars.meters(stars.reports(shared))), stars.LESS_THAN_HALF),
        stars.FIRST_YEARS,
    )
    *witnesses, (_, mean, error) = stars.weighed(taught)
    assert mean == pytest.approx(night_sky.MOONLIGHT_OFFSET, abs=0.05)
    assert error < min(wide for *_, wide in witnesses)


def test_people_without_practice_stop_short_of_the_eye_s_limit() -> None:
    assert night_sky.limiting_magnitude(21.0) - night_sky.lay_limit(21.0) == pytest.approx(
        night_sky.LAY_EYE
    )


def test_a_waxing_moon_never_darkens_the_sky() -> None:
    lit = np.linspace(0.05, 1.0, 96)

    for altitude in (10.0, 45.0, 80.0):
        assert (np.diff(night_sky.fitted_moonlight(np.full(96, altitude), lit, 0.17)) >= 0).all(), (
            altitude
        )


def test_a_crescent_is_brighter_than_in_the_paper_and_a_gibbous_moon_is_fainter() -> None:
    assert night_sky.moonlight_offset(np.array([0.35, 0.4, 0.525, 0.65, 0.9])) == pytest.approx(
        [-0.45, -0.45, -0.125, 0.2, 0.2]
    )


def test_the_offset_of_a_gibbous_moon_is_the_meters_of_all_even_years(shared: Path) -> None:
    from tests.science import stars

    thick = stars.of_moons(stars.moonlit(stars.meters(stars.reports(shared))), stars.MORE_THAN_HALF)
    low, high = stars.interval(thick)

    assert stars.fitted_offset(thick) == pytest.approx(night_sky.GIBBOUS_OFFSET, abs=0.03)
    assert (low, high) == pytest.approx((-0.20, 0.50), abs=0.06)


# -- twilight, extinction, the eye


def test_twilight_fades_as_over_paranal() -> None:
    for given, expected, tolerance in published("twilight"):
        assert night_sky.magnitudes(
            night_sky.twilight(np.array(-given["depression"]))
        ) == pytest.approx(expected, abs=tolerance)


def test_astronomical_twilight_is_fainter_than_the_darkest_sky() -> None:
    assert night_sky.magnitudes(night_sky.twilight(np.array(-18.0))) > 24


def test_extinction_falls_with_height() -> None:
    # Hayes & Latham 1975 by hand: .1066 + .031 + .12 at the sea; .1066 e^-.28 + .031 + .12 e^-1.535
    # = .1373 at 2303 m.
    assert night_sky.extinction(np.array([0.0, 2303.0])) == pytest.approx(
        [0.2576, 0.1373], abs=0.001
    )


def test_humid_air_is_hazier() -> None:
    # Kasten 1969 by hand at sea level, 90 %: .12 x (.1 / .5)^-.5 = .2683; saturated air counts as
    # 95 %: .12 x (.05 / .5)^-.5 = .3795.
    found = night_sky.extinction(0.0, np.array([0.2, 0.5, 0.9, 1.0, np.nan]))

    assert found == pytest.approx([0.2576, 0.2576, 0.4059, 0.5171, 0.2576], abs=0.001)


def test_the_eye_s_limit_follows_the_sky() -> None:
    # By hand: B = 22: 10^-.084 = .8241, 7.93 - 5 log10 1.8241 = 6.62; B = 18: 10^.716 = 5.2, 7.93 -
    # 5 log10 6.2 = 3.97.
    assert night_sky.limiting_magnitude(np.array([22.0, 18.0])) == pytest.approx(
        [6.62, 3.97], abs=0.01
    )


# -- by direction


def test_separation_is_that_of_spherical_geometry() -> None:
    # The zenith is 90 - altitude from anything; along the horizon azimuths count; a great circle
    # over the pole.
    assert night_sky.separation(np.array([30.0, 0.0, 60.0]), np.array([123.0, 350.0, 0.0]),
                                np.array([90.0, 0.0, 60.0]),
                                np.array([0.0, 10.0, 180.0])) == pytest.approx([60, 20,
                                    60])  # fmt: skip


def test_the_sky_beside_the_moon_and_over_the_city_is_the_brighter() -> None:
    azimuths = np.array([0.0, 90.0, 180.0, 270.0])
    own = night_sky.nanolamberts(np.array([21.0, 21.0]))
    glow = np.array([[0.5, 2.0, 1.0, 0.5], [1.0, 1.0, 1.0, 1.0]])
    moon, moon_azimuth, lit, dimming = (
        np.full((2, 1), value) for value in (np.nan, 180.0, 0.5, 0.2)
    )
    moon[:] = [[-10.0], [45.0]]

    city, moonlit = night_sky.luminance_towards(
        azimuths, own, glow, moon, moon_azimuth, lit, dimming
    )[:, 0]

    natural, whole = night_sky.nanolamberts(np.array([22.0, 21.0]))
    # by hand: what is not natural is shared out
    assert city == pytest.approx(natural + (whole - natural) * glow[0])
    assert moonlit.argmax() == 2
    assert moonlit[1] == pytest.approx(moonlit[3])


# -- heat and moisture


def test_wind_chill_is_that_of_the_public_tables() -> None:
    # US National Weather Service chart (2001): 0 degF at 15 mph feels -19 degF; 30 degF at 30 mph
    # feels 15 degF.
    kelvin = (np.array([0.0, 30.0]) - 32) / 1.8 + 273.15
    felt = thermodynamics.wind_chill(kelvin, np.array([15.0, 30.0]) * 0.44704)

    assert (felt - 273.15) * 1.8 + 32 == pytest.approx([-19, 15], abs=0.5)


def test_wind_chill_outside_its_range_is_the_temperature() -> None:
    warm, calm, unknown = thermodynamics.wind_chill(
        np.array([290.0, 263.15, 263.15]), np.array([10.0, 1.0, np.nan])
    )

    assert (warm, calm) == (290.0, 263.15)
    assert np.isnan(unknown)


def test_dew_point_is_that_of_psychrometric_tables() -> None:
    # 20 degC at 50 %: 9.3 degC (WMO-No. 8, Magnus over water); saturated air: its temperature.
    found = thermodynamics.dew_point(np.array([293.15, 273.15, 280.0]), np.array([0.5, 1.0, 1.05]))

    assert found == pytest.approx([282.45, 273.15, 280.0], abs=0.1)
