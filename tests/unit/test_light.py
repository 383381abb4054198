"""The light path: angles, air and cloud along a low ray, each against a table, a formula of other
authors, or hand arithmetic.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from forecast.science import light, light_rays
from forecast.science.light import CELL, CELLS, AirSection
from tests.horizons import lowest_elevation

AUTHORITIES = Path(__file__).parents[1] / "authorities" / "light_path.csv"
DISTANCE = np.arange(0.0, 600001.0, 15000.0)
MIDDLES = (np.arange(CELLS) + 0.5) * CELL

# fmt: off
QUANTITIES = {
    "refraction": lambda elevation: 60 * light.bending(0.0, elevation),
    "airmass": lambda elevation: light.air_column(np.zeros(1),
        np.array([elevation]))[0] / light.RAYLEIGH_SCALE,
    "rayleigh": lambda wavelength_nm: light.rayleigh_depth(wavelength_nm * 1e-9),
    "illuminance": lambda altitude: light.twilight_illuminance(np.array([altitude]))[0],
    "srgb": lambda linear: light.as_srgb(np.array([linear]))[0],
}
# fmt: on


def section(
    cloud: np.ndarray | None = None, aerosol: np.ndarray | None = None, ground: float = 0.0
) -> AirSection:
    """One event's section; arrays (distance, cell) of extinction [m-1]."""
    shape = (1, DISTANCE.size, CELLS)
    cloud = np.zeros(shape) if cloud is None else cloud[None]
    haze = np.zeros(shape) if aerosol is None else np.broadcast_to(aerosol, shape)
    return AirSection(
        DISTANCE,
        np.minimum(cloud * 1e3, 1),
        cloud,
        haze,
        np.full(shape[:2], ground),
        np.ones(shape[:2], dtype=bool),
    )


def published() -> list[dict[str, str]]:
    lines = AUTHORITIES.read_text(encoding="utf-8").removeprefix("# ").splitlines()
    return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    "row", published(), ids=lambda row: f"{row['quantity']} {row['arguments']}"
)
def test_air_and_twilight_agree_with_published_values(row: dict[str, str]) -> None:
    name, argument = row["arguments"].split("=")

    found = QUANTITIES[row["quantity"]](**{name: float(argument)})

    assert found == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


def test_without_refraction_cloud_at_8_km_is_lit_until_the_sun_is_2_9_degrees_down() -> None:
    # science.md section 3: d = sqrt(2 h / R) = 2.87 degrees, R d = 319 km
    lowest = lowest_elevation(8000.0, refraction=0.0)

    heights = light.ray_height(np.array([8000.0]), lowest, np.array([319.3e3]), refraction=0.0)

    assert lowest == pytest.approx(-2.87, abs=0.01)
    assert heights == pytest.approx(0.0, abs=15.0)  # the small-angle formula differs by metres


def test_refraction_lets_the_same_cloud_glow_until_the_sun_is_3_7_degrees_down() -> None:
    # 346 km to the lowest point are 3.11 degrees of the earth's curve; the ray was bent by 34'
    # before it: 3.68 degrees
    sun = lowest_elevation(8000.0) - light.bending(8000.0, lowest_elevation(8000.0))

    assert sun == pytest.approx(-3.68, abs=0.03)
    assert light.apparent_elevation(np.array([sun]), 8000.0)[0] == pytest.approx(
        lowest_elevation(8000.0), abs=0.002
    )


def test_an_opaque_wall_darkens_the_canvas_exactly_when_the_ray_falls_below_its_top() -> None:
    # a wall 2 km high in the column at 345 km; the ray to 8 km falls below 2 km there when 8000 - e
    # x + x2 / 2R' < 2000
    cloud = np.zeros((DISTANCE.size, CELLS))
    cloud[23, : int(2000 / CELL)] = 1.0
    radius, distance = light.effective_radius(), DISTANCE[23]
    critical = -np.degrees((6000 + distance**2 / (2 * radius)) / distance)

    met = light_rays.trace(section(cloud), np.array([8000.0]), critical + np.array([[0.02, -0.02]]))

    assert met.cloud[0, 0] == 0.0
    assert met.cloud[0, 1] > 1000


def test_the_earth_itself_ends_the_light() -> None:
    lowest = lowest_elevation(8000.0)

    met = light_rays.trace(section(), np.array([8000.0]), lowest + np.array([[0.05, -0.05]]))

    assert met.free.tolist() == [[True, False]]


def test_the_sum_through_haze_agrees_with_the_integral() -> None:
    # exponential haze of scale 2 km up to 14 km: the integral is closed (Chapman's limit) but for
    # the 2 % that lie above it
    haze = 1e-4 * np.exp(-MIDDLES / 2000.0)
    elevation = np.array([[-2.0, -1.0, 0.0]])

    met = light_rays.trace(section(aerosol=haze), np.array([6000.0]), elevation)

    closed = 1e-4 * light.air_column(np.array([[6000.0]]), elevation, scale=2000.0)
    assert met.aerosol[0, :2] == pytest.approx(closed[0, :2], rel=0.01)
    assert met.aerosol[0, 2] == pytest.approx(closed[0, 2], rel=0.025)


def test_a_ray_through_a_flat_layer_meets_its_depth_over_the_slope_wherever_it_crosses() -> None:
    # a ray falling through a uniform slab: its length there is the slab's depth over the ray's
    # slope, whatever columns it crosses
    cloud = np.zeros((DISTANCE.size, CELLS))
    cloud[:, 20:22] = 1e-3  # 5000-5500 m everywhere

    met = light_rays.trace(section(cloud), np.array([8000.0]), np.array([[-2.5]]))

    fine = np.arange(0.0, 600000.0, 5.0)
    path = light.ray_height(np.array([8000.0]), np.array([-2.5]), fine)
    assert met.cloud[0, 0] == pytest.approx(
        1e-3 * ((path >= 5000) & (path < 5500)).sum() * 5.0, rel=0.005
    )


def test_rays_of_many_events_meet_what_each_meets_alone() -> None:
    rng = np.random.default_rng(5)
    cloud = rng.uniform(0, 1e-5, (40, DISTANCE.size, CELLS))
    ones = np.ones(cloud.shape[:2])
    skies = AirSection(DISTANCE, cloud * 0, cloud, cloud / 3, ones * 0, ones > 0)
    height, elevation = rng.uniform(3000, 11000, 40), rng.uniform(-1.5, 2, (40, 3))

    together = light_rays.trace(skies, height, elevation, start=2)

    alone = light_rays.trace(skies.of(slice(37, 38)), height[37:38], elevation[37:38], start=2)
    assert together.cloud[37] == pytest.approx(alone.cloud[0], rel=1e-12)
    assert together.aerosol[37] == pytest.approx(alone.aerosol[0], rel=1e-12)


def test_partial_cloud_blocks_the_same_whatever_the_step_of_the_sum() -> None:
    # 30 % of opaque cloud over 200 km: ten elements of 20 km, 0.7^10
    extinction = light.cloud_extinction(np.array([0.3]), np.array([1.0]))[0]

    assert np.exp(-extinction * 200e3) == pytest.approx(0.7**10, rel=1e-6)
    assert light.cloud_extinction(np.array([1.0]), np.array([0.02]))[0] == pytest.approx(0.02)
    assert light.cloud_extinction(np.array([0.0]), np.array([0.02]))[0] == 0.0


def test_a_great_circle_agrees_with_a_map() -> None:
    # 111.195 km are one degree on a sphere of 6371 km
    start, bearing = (np.array([40.0, 0.0]), np.array([116.0, 116.0])), np.array([0.0, 90.0])

    latitude, longitude = light.great_circle(*start, bearing, np.array([0.0, 111194.93]))

    assert latitude == pytest.approx(np.array([[40.0, 41.0], [0.0, 0.0]]), abs=1e-5)
    assert longitude == pytest.approx(np.array([[116.0, 116.0], [116.0, 117.0]]), abs=1e-5)


def test_the_lower_the_ray_the_redder_the_light() -> None:
    # Rayleigh's law: blue 5.4 times as much as red
    air = light.air_column(np.full(3, 8000.0), np.array([10.0, 0.0, -2.0]))

    bands = light.band_transmission(np.zeros(3), air)

    assert (np.diff(bands[:, 2] / bands[:, 0]) < 0).all()
    assert np.log(bands[:, 2]) / np.log(bands[:, 0]) == pytest.approx(0.2211 / 0.0410, rel=0.01)


def test_redness_is_what_clean_air_takes_of_the_blue_beside_the_red() -> None:
    # depths of Hansen & Travis 1974: .2209 at 450 nm, .0409 at 680 nm, for each air mass
    masses = np.array([0.0, 1.0, 5.0, 38.0])

    found = light.redness(masses * light.RAYLEIGH_SCALE)

    assert found == pytest.approx(1 - np.exp(-(0.2209 - 0.0409) * masses), abs=0.01)
