"""Is the air on the way of the light read as the formulas say? Extinction of cloud by Stephens
1978, of haze by Koschmieder 1924 and Kasten 1969; every expected value is worked out here.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from forecast.domain import Atmosphere
from forecast.phenomena.light_path import HEIGHTS, LightPath, read_light_path
from forecast.science.interpolation import Scene, as_times
from tests.horizons import Cover, around, clear
from tests.skies import SITES, standard_height

LINGSHAN = SITES["lingshan"]
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
WEST = np.array([270.0])
MOLECULES = 287.05 * 260.0  # [J kg-1] of dry air at 260 K: density is pressure over this


def path_of(air: Atmosphere) -> LightPath:
    scene = Scene(air, [LINGSHAN])
    place = np.array([LINGSHAN.latitude]), np.array([LINGSHAN.longitude])
    return read_light_path(scene, *place, WEST, as_times([NOON]))


def overcast(base: float, top: float) -> Cover:
    """Cloud without a gap between two heights [m], wherever one looks."""
    return lambda distance, height: np.where(
        (height >= base) & (height < top) & (distance >= 0), 1.0, 0.0
    )


def with_water(air: Atmosphere, **grams: float) -> Atmosphere:
    """Give the cloud of `air` so many grams of liquid and ice in each cubic metre."""
    cover = air["cloud_area_fraction_in_atmosphere_layer"]
    per_mass = cover * 0 + MOLECULES / air["level"]
    return air.assign(
        {
            f"cloud_{kind}_mixing_ratio": (cover * per_mass * content / 1000).astype("float32")
            for kind, content in grams.items()
        }
    )


def cell_at(height: float) -> int:
    return int(np.abs(HEIGHTS - height).argmin())


@pytest.mark.parametrize(
    ("liquid", "ice", "expected"),
    [
        # 3 LWC / (2 rho_w r_e): 3 x 0.15e-3 / (2 x 1000 x 10e-6)
        (0.15, 0.0, 0.0225),
        # the same of ice: 3 x 0.02e-3 / (2 x 917 x 30e-6)
        (0.0, 0.02, 0.00109051),
        (0.15, 0.02, 0.0225 + 0.00109051),
    ],
)
def test_cloud_takes_the_light_that_its_water_and_the_size_of_its_drops_take(
    liquid: float, ice: float, expected: float
) -> None:
    """Stephens 1978, J. Atmos. Sci. 35, 2123, eq. 7: tau = 3 W / (2 rho_w r_e)."""
    height = float(standard_height(np.array(80000.0)))  # a level of the model, 1949 m

    path = path_of(
        with_water(around(LINGSHAN, NOON, overcast(1500, 2400)), liquid_water=liquid, ice=ice)
    )

    assert path.section.cloud[0, 3, cell_at(height)] == pytest.approx(expected, rel=2e-3)


def test_half_a_sky_of_cloud_holds_all_the_water_of_its_layer() -> None:
    """In the cloud itself twice the mean content is found; what a ray meets on average of it is
    -ln(1 - c (1 - exp(-k L))) / L, here all but ln(2) / L of an opaque cloud.
    """
    air = with_water(around(LINGSHAN, NOON, overcast(1500, 2400)), liquid_water=0.15, ice=0.0)
    cover = air["cloud_area_fraction_in_atmosphere_layer"]
    thin = with_water(around(LINGSHAN, NOON, overcast(1500, 2400)), liquid_water=1e-3, ice=0.0)
    half = {"cloud_area_fraction_in_atmosphere_layer": cover / 2}
    cell = cell_at(1949)

    whole, part = path_of(thin), path_of(thin.assign(half))
    opaque = path_of(air.assign(half))

    # 1.5e-4 m-1 in the cloud that covers all, 3e-4 in the one that covers half
    assert whole.section.cloud[0, 3, cell] == pytest.approx(1.5e-4, rel=2e-3)
    length = np.log(2) / opaque.section.cloud[0, 3, cell]  # of one cloud element
    assert part.section.cloud[0, 3, cell] == pytest.approx(
        -np.log(1 - 0.5 * (1 - np.exp(-3e-4 * length))) / length, rel=5e-3
    )


def test_cells_under_the_ground_and_far_above_the_highest_level_have_no_cloud() -> None:
    air = around(LINGSHAN, NOON, overcast(0, 20000), surface_altitude=1000.0)
    levels = air["level"].values[air["level"].values >= 30000.0]
    # 300 hPa is at 9164 m; a level stands for the air up to half the way to the next one
    highest, next_one = np.sort(standard_height(levels))[[-1, -2]]
    end = highest + (highest - next_one) / 2

    cover = path_of(air.sel(level=levels)).section.cover[0, 3]

    assert 9164 < end < 10000
    assert (cover[HEIGHTS < 1000] == 0).all()
    assert (cover[(HEIGHTS > 1000) & (end - 25 > HEIGHTS)] == 1).all()
    assert (cover[end + 25 < HEIGHTS] == 0).all()


@pytest.mark.parametrize(
    ("pressure", "expected"),
    [
        (92500.0, 2.2e-2),  # 762 m: water cloud
        (25000.0, 5e-4),  # 10.4 km: cirrus
        # 5574 m: between 3 and 8 km along the logarithm, 0.022 exp(2.574 / 5 ln(0.0005 / 0.022))
        (50000.0, 0.00314),
    ],
)
def test_cloud_whose_water_is_not_known_is_an_ordinary_one_of_its_height(
    pressure: float, expected: float
) -> None:
    height = float(standard_height(np.array(pressure)))

    path = path_of(around(LINGSHAN, NOON, overcast(height - 400, height + 400)))

    assert path.section.cloud[0, 3, cell_at(height)] == pytest.approx(expected, rel=1e-2)


def test_water_without_ice_is_no_full_account_and_the_usual_cloud_stands() -> None:
    path = path_of(with_water(around(LINGSHAN, NOON, overcast(1500, 2400)), liquid_water=1.0))

    assert path.section.cloud[0, 3, cell_at(1949)] == pytest.approx(2.2e-2, rel=1e-2)


@pytest.mark.parametrize(("depth", "seen"), [(0.027, False), (0.033, True)])
def test_a_layer_is_seen_from_an_optical_depth_of_three_hundredths_on(
    depth: float, seen: bool
) -> None:
    """Sassen & Cho 1992, J. Appl. Meteor. 31, 1275: cirrus below 0.03 is subvisual."""
    levels = np.array([30000.0, 25000.0, 20000.0])
    below, middle, above = standard_height(levels)
    deep = (above - below) / 2  # [m] of the level between the two
    ice = depth / deep / 1.5 * 917 * 30e-6 * 1000  # [g m-3]
    air = around(LINGSHAN, NOON, overcast(middle - 300, middle + 300))

    path = path_of(with_water(air, liquid_water=0.0, ice=ice))

    assert (path.section.cloud[0, 3, cell_at(middle)] > 0) == seen
    assert (path.section.cover[0, 3, cell_at(middle)] > 0) == seen


def test_clean_haze_is_of_the_depth_of_a_clean_day_and_thins_by_e_in_2_km() -> None:
    """0.11 of dry haze, at 50 % humidity swollen by (1 - 0.5)^-0.5 to 0.156 (Kasten 1969), of which
    exp(-7) lies above 14 km.
    """
    path = path_of(around(LINGSHAN, NOON, clear, humidity=0.5))
    haze = path.section.aerosol[0, 3]

    assert path.aerosol_depth[0] == pytest.approx(0.11 * np.sqrt(2), rel=0.01)
    assert haze[cell_at(3000)] / haze[cell_at(5000)] == pytest.approx(
        np.exp((HEIGHTS[cell_at(5000)] - HEIGHTS[cell_at(3000)]) / 2000), rel=1e-6
    )
    assert path.haze_estimated[0]


@pytest.mark.parametrize(
    ("humidity", "growth"),
    [(0.0, 1.0), (0.75, 2.0), (0.91, 10 / 3), (0.95, 4.47214), (1.0, 4.47214)],
)
def test_haze_swells_with_humidity_up_to_where_it_is_cloud(humidity: float, growth: float) -> None:
    """Kasten 1969: (1 - RH)^-0.5, which is 2 at 75 %; from 95 % on it is counted as cloud."""
    dry, moist = (path_of(around(LINGSHAN, NOON, clear, humidity=rh)) for rh in (0.0, humidity))

    assert moist.section.aerosol[0, 3, cell_at(5000)] / dry.section.aerosol[
        0, 3, cell_at(5000)
    ] == pytest.approx(growth, rel=1e-4)


@pytest.mark.parametrize(
    ("visibility", "counts"),
    [(4800.0, False), (5000.0, True), (19900.0, True), (20000.0, False), (24000.0, False)],
)
def test_visibility_speaks_for_haze_near_the_ground_only_within_its_reach(
    visibility: float, counts: bool
) -> None:
    """Koschmieder 1924: 3.912 / V; below 4.9 km it is fog or rain, from 20 km on a ceiling."""
    haze = path_of(around(LINGSHAN, NOON, clear, visibility_in_air=visibility)).section.aerosol
    usual = path_of(around(LINGSHAN, NOON, clear)).section.aerosol

    if counts:
        assert haze[0, 3, cell_at(100)] == pytest.approx(3.912 / visibility, rel=1e-5)
    else:
        assert haze[0, 3, cell_at(100)] == usual[0, 3, cell_at(100)]
    assert (haze[0, 3, HEIGHTS > 300] == usual[0, 3, HEIGHTS > 300]).all()


def test_an_optical_depth_that_is_known_is_the_depth_of_the_haze() -> None:
    name = "atmosphere_optical_thickness_due_to_ambient_aerosol_particles"
    air = around(LINGSHAN, NOON, clear)

    path = path_of(air.assign({name: air["visibility_in_air"] * 0 + 0.7}))

    assert path.aerosol_depth[0] == pytest.approx(0.7, rel=1e-6)
    assert not path.haze_estimated[0]


def test_fine_particles_make_the_haze_of_the_ground_they_are_measured_on() -> None:
    """50 micrograms of dry particles in a cubic metre, 4 m2 in a gram: 2e-4 m-1 at the ground."""
    name = "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air"
    air = around(LINGSHAN, NOON, clear, humidity=0.0, surface_altitude=1000.0)
    cell = cell_at(2100)

    haze = path_of(air.assign({name: air["visibility_in_air"] * 0 + 5e-8})).section.aerosol

    assert haze[0, 3, cell] == pytest.approx(
        2e-4 * np.exp(-(HEIGHTS[cell] - 1000) / 2000), rel=1e-5
    )
    assert haze[0, 3, cell_at(400)] == 0  # under the ground
