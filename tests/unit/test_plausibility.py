"""Numbers in another unit than the table says, and numbers that mean no value: found and named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.errors import SourceCorrupt
from forecast.ingest.grib.headers import scan
from forecast.ingest.grib.packing import quantum
from forecast.ingest.grib.plausibility import Sample, hint, implausible, standard_height
from forecast.ingest.grib.reader import inspect, read_atmosphere
from forecast.quantities import FIELDS, Field
from tests.gribs import COLUMNS, CYCLE, ROWS, Cycle, Needs, file_of, message, needs

CHANCE = np.random.default_rng(7)
PLANE = np.linspace(0.0, 1.0, ROWS * COLUMNS).reshape(ROWS, COLUMNS)
WET = np.where(PLANE > 0.4, PLANE, 0.0)


def read(path: Path, *fields: Field) -> xr.Dataset:
    return read_atmosphere([path], CYCLE, replace(needs(), fields=fields))


def encoded(
    name: str,
    raw: np.ndarray,
    level: float = 0.0,
    start: int | None = None,
    packing: str = "grid_simple",
) -> bytes:
    """Return a message of a field with `raw` numbers in the file."""
    key = FIELDS[name].keys[0]
    return message(
        raw,
        (key.discipline, key.category, key.number),
        key.surface,
        level if key.value is None else key.value,
        24 if start is not None else 6,
        start=start,
        bits=24 if packing == "grid_simple" else 32,
        packing=packing,
    )


def with_humidity(folder: Path, *messages: bytes) -> Path:
    """Return a file with a sound field beside others, so that a refused field refuses no run."""
    return file_of(folder, encoded("relative_humidity_at_2m", 40 + 20 * PLANE), *messages)


@pytest.mark.parametrize(
    ("name", "raw", "level", "words"),
    [
        ("low_type_cloud_area_fraction", PLANE, 0, "a fraction of 1? then factor: 1"),
        ("visibility_in_air", 24 * PLANE, 0, "km? then factor: 1000"),
        ("surface_air_pressure", 900 + 100 * PLANE, 0, "hPa? then factor: 100"),
        ("air_temperature_at_2m", 20 * PLANE - 5, 0, "degrees Celsius?"),
        ("air_temperature_at_2m", 36 * PLANE + 23, 0, "degrees Fahrenheit?"),  # the same in degF
        ("surface_snow_thickness", 45 * WET, 0, "cm? then factor: 0.01"),
        (
            "atmosphere_mass_content_of_water_vapor",
            0.02 * PLANE,
            0,
            "m of water? then factor: 1000",
        ),
        ("atmosphere_boundary_layer_thickness", 2 * PLANE, 0, "km? then factor: 1000"),
        ("categorical_snow", 100 * PLANE, 0, "per cent? then factor: 0.01"),
    ],
)
def test_a_field_in_another_unit_is_refused_with_the_likely_one(
    tmp_path: Path, name: str, raw: np.ndarray, level: float, words: str
) -> None:
    path = with_humidity(tmp_path, encoded(name, raw, level))

    found = read(path, FIELDS["relative_humidity_at_2m"], FIELDS[name])

    assert name not in found
    assert found.attrs["absent"] == [name]
    [fault] = found.attrs["faults"]
    assert words in fault
    assert "the field is refused" in fault


@pytest.mark.parametrize(
    ("factor", "words"),
    [(9.80665, "m2 s-2, a geopotential? then factor: 0.101972"), (0.1, "dam? then factor: 10")],
)
def test_heights_that_do_not_fit_their_levels_are_refused_with_the_likely_unit(
    tmp_path: Path, factor: float, words: str
) -> None:
    # ICAO Doc 7488: 1457 m at 850 hPa, 5574 m at 500 hPa
    path = file_of(
        tmp_path,
        *(
            encoded("geopotential_height", factor * (height + 50 * PLANE), level)
            for level, height in ((85000, 1457.0), (70000, 3012.0))
        ),
    )

    with pytest.raises(SourceCorrupt, match=words.replace("?", r"\?")):
        read(path, FIELDS["geopotential_height"])


def test_metres_of_water_in_a_day_are_refused_and_in_six_hours_are_doubtful(tmp_path: Path) -> None:
    metres = 0.03 * WET
    day = with_humidity(tmp_path, encoded("precipitation_amount", metres, start=0))
    fields = FIELDS["relative_humidity_at_2m"], FIELDS["precipitation_amount"]
    found = read_atmosphere([day], CYCLE, replace(needs(steps=(6, 24)), fields=fields))
    assert found.attrs["absent"] == ["precipitation_amount"]
    assert "then factor: 1000" in found.attrs["faults"][0]

    short = message(metres, (0, 1, 8), 1, 0, 6, start=0, bits=24)
    found = read(file_of(tmp_path, short, name="short"), fields[1])
    assert "of the points; is the unit m? then factor: 1000" in found.attrs["faults"][0]


@pytest.mark.parametrize(
    "name", ["low_type_cloud_area_fraction", "surface_snow_thickness", "categorical_snow"]
)
def test_a_clear_sky_and_bare_ground_are_sound(tmp_path: Path, name: str) -> None:
    nearly = np.zeros((ROWS, COLUMNS))
    for values in (nearly, np.where(PLANE > 0.97, 0.5, nearly)):
        found = read(file_of(tmp_path, encoded(name, values)), FIELDS[name])
        assert found.attrs["faults"] == []


NUMBERS = np.arange(25 * 40).reshape(25, 40)
FEW_AT_ONE = np.where(NUMBERS % 12 == 0, 1.0, 0.0)


@pytest.mark.parametrize(
    "raw",
    [FEW_AT_ONE, 0.45 * NUMBERS / NUMBERS.max(), np.where(NUMBERS % 40 < 2, 0.2, 0.0)],
    ids=["one point in twelve overcast", "nowhere half covered", "thin in one column of twenty"],
)
def test_a_fraction_of_cloud_under_the_key_for_per_cent_is_refused(raw: np.ndarray) -> None:
    field = FIELDS["low_type_cloud_area_fraction"]
    steps = [Sample(None, (6.0, 6.0), (part * 0.01).astype("f4")) for part in np.split(raw, 5)]

    assert "a fraction of 1? then factor: 1" in implausible(field, steps)


@pytest.mark.parametrize(
    "raw",
    [
        np.zeros((25, 40)),
        np.where(NUMBERS < 5, 1.0, 0.0),
        np.where(NUMBERS % 12 == 0, 1.0, 0.0) + np.where(NUMBERS == 1, 3.0, 0.0),
    ],
    ids=["clear", "five points of 1 %", "some points of 1 %, one of 3 %"],
)
def test_a_nearly_clear_sky_in_per_cent_is_sound(raw: np.ndarray) -> None:
    field = FIELDS["low_type_cloud_area_fraction"]

    assert implausible(field, [Sample(None, (6.0, 6.0), (raw * 0.01).astype("f4"))]) == ""


SKY = np.clip(1.6 * CHANCE.random((4, 25, 40)) - 0.3, 0.0, 1.0)  # a fifth overcast, a fifth clear


def cloud_of(*raw: np.ndarray) -> list[Sample]:
    """Return messages of cloud, six hours apart, with `raw` numbers under the key for per cent."""
    return [
        Sample(None, (6.0 * n, 6.0 * n), (part * 0.01).astype("f4"))
        for n, part in enumerate(raw, 1)
    ]


@pytest.mark.parametrize(
    ("overcast", "words"), [(8, "oktas? then factor: 0.125"), (10, "tenths? then factor: 0.1")]
)
def test_cloud_counted_in_eighths_or_tenths_is_refused_with_its_unit(
    overcast: int, words: str
) -> None:
    """WMO-No. 306, code table 2700 counts in eighths; CMA's older reports in tenths (成)."""
    field = FIELDS["low_type_cloud_area_fraction"]

    assert words in implausible(field, cloud_of(*np.round(overcast * SKY)))


def test_of_two_steps_in_two_units_the_one_that_is_a_fraction_is_named() -> None:
    field = FIELDS["low_type_cloud_area_fraction"]

    found = implausible(field, cloud_of(100 * SKY[0], SKY[1]))

    assert "at +12 h" in found
    assert "a fraction of 1? then factor: 1" in found


@pytest.mark.parametrize(
    "steps",
    [
        (100 * SKY[0], 100 * SKY[1]),
        (np.round(3 * SKY[0]), np.round(100 * SKY[1])),  # nearly clear, in whole per cents
        (np.round(SKY[0]), np.round(100 * SKY[1])),
        (7 * SKY[0], 8 * SKY[1] ** 9),  # thin everywhere; 8 % at a few points only
    ],
)
def test_cloud_in_per_cent_is_sound_however_little_there_is(steps: tuple[np.ndarray, ...]) -> None:
    assert implausible(FIELDS["low_type_cloud_area_fraction"], cloud_of(*steps)) == ""


def test_cloud_just_above_all_of_the_sky_suggests_no_other_unit() -> None:
    field = FIELDS["low_type_cloud_area_fraction"]

    assert hint(field, np.full((5, 7), 1.015, dtype="f4")) == ""


def test_no_real_field_is_taken_for_another_unit(shared: Path) -> None:
    tree = list((shared / "gfs_tree").rglob("*.f0??"))
    for path in sorted((shared / "gfs_2p5_global").rglob("*.grib2")) + sorted(tree):
        run = next(each.run for each in inspect(path) if each.run)
        steps = tuple(sorted({int(each.end) for each in inspect(path) if each.end >= 0}))
        fields = tuple(replace(field, essential=False) for field in FIELDS.values())
        globe = ((90, -90, -180, 180), (43, 37, 112, 120), (35, 20, 0, 20), (80, 60, -60, 0))
        for region in ((60, 40, 0, 30),) if path in tree else globe:
            found = read_atmosphere([path], Cycle(run), Needs(fields, steps, *region))
            assert found.attrs["faults"] == [], (path.name, region)


# -- numbers that mean no value


@pytest.mark.parametrize(
    ("name", "sentinel"),
    [
        ("surface_snow_thickness", 9999.0),
        ("surface_snow_amount", 9999.0),
        ("convective_available_potential_energy", -9999.0),
        ("precipitation_amount", 9.999e20),
        ("visibility_in_air", -999.0),
        ("convective_available_potential_energy", 1e20),
        ("convective_available_potential_energy", 32768.0),
        ("wind_speed_of_gust", -32768.0),
        ("wind_speed_of_gust", 999.9),
        ("eastward_wind_at_10m", -999.9),
    ],
)
def test_a_number_that_means_no_value_is_missing_without_a_bitmap(
    tmp_path: Path, name: str, sentinel: float
) -> None:
    largest = {"surface_snow_thickness": 1.0, "visibility_in_air": 2e4}.get(name, 100.0)
    values = largest * PLANE
    values = np.where(np.arange(COLUMNS) < 2, sentinel, values)
    start = 0 if name == "precipitation_amount" else None
    packing = "grid_ieee" if sentinel > 1e9 else "grid_simple"
    file = file_of(tmp_path, encoded(name, values, start=start, packing=packing))

    found = read_atmosphere([file], CYCLE, replace(needs(steps=(6, 24)), fields=(FIELDS[name],)))

    assert np.isnan(found[name].values[..., :2]).all()
    assert np.isfinite(found[name].values[..., 2:]).all()
    assert "no value" in found.attrs["faults"][0]


def test_ten_kilometres_of_visibility_are_not_missing(tmp_path: Path) -> None:
    found = read(
        file_of(
            tmp_path, encoded("visibility_in_air", np.where(PLANE > 0.5, 9999.0, 5000 * PLANE))
        ),
        FIELDS["visibility_in_air"],
    )

    assert np.isfinite(found["visibility_in_air"].values).all()
    assert found.attrs["faults"] == []


# -- the step of a constant field


@pytest.mark.parametrize(
    "packing",
    ["grid_simple", "grid_complex", "grid_complex_spatial_differencing", "grid_jpeg", "grid_ccsds"],
)
def test_a_constant_field_is_not_packed_in_steps(packing: str) -> None:
    constant = message(0.25, parameter=(0, 1, 22), packing=packing)
    varied = message(np.linspace(0, 1, ROWS * COLUMNS).reshape(ROWS, COLUMNS), packing=packing)

    [described], [of_varied] = scan(constant, "constant"), scan(varied, "varied")

    assert quantum(described, constant) == 0.0
    assert 0 < quantum(of_varied, varied) < 0.01


@pytest.mark.parametrize("slope", [1.0, 3.0])
def test_a_field_of_even_differences_is_packed_in_steps(slope: float) -> None:
    rows = slope * np.arange(ROWS * COLUMNS, dtype=float).reshape(ROWS, COLUMNS)
    data = message(rows, packing="grid_complex_spatial_differencing")

    [described] = scan(data, "even")

    assert quantum(described, data) > 0


def test_a_constant_field_has_no_step_that_hides_a_contradiction(tmp_path: Path) -> None:
    apcp = {"parameter": (0, 1, 8), "surface": 1, "level": 0, "step": 6, "start": 0}
    first, second = message(5.0, **apcp), message(5.9, **apcp)
    for data in (first, second):
        [described] = scan(data, "constant")
        assert quantum(described, data) == 0.0

    with pytest.raises(SourceCorrupt, match="precipitation_amount contradicts the same field"):
        read(file_of(tmp_path, first, second), FIELDS["precipitation_amount"])


def test_the_heights_of_the_standard_atmosphere_are_those_of_its_table() -> None:
    # ICAO Doc 7488, table: 1000, 850, 500 and 200 hPa
    heights = [standard_height(100 * pressure) for pressure in (1000, 850, 500, 200)]

    np.testing.assert_allclose(heights, [111, 1457, 5574, 11784], atol=1.5)
