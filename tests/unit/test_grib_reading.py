"""From files to an Atmosphere: values held against ecCodes and cfgrib on real files, the rules on
small messages with known values.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.domain import Cycle
from forecast.errors import MissingInput, SourceCorrupt
from forecast.ingest.gaps import with_gaps
from forecast.ingest.grib.headers import scan
from forecast.ingest.grib.reader import Finder, inspect, read_atmosphere, read_members
from tests.gribs import COLUMNS, CYCLE, ROWS, eccodes, eccodes_fields, file_of, message, needs

APCP, RH, TCDC, VIS, CAPE = (0, 1, 8), (0, 1, 1), (0, 6, 1), (0, 19, 0), (0, 7, 6)
CYCLE_2020 = Cycle(datetime(2020, 8, 4, 12, tzinfo=UTC))
CYCLE_2011 = Cycle(datetime(2011, 10, 8, 0, tzinfo=UTC))


@pytest.fixture(scope="module")
def tatra(gfs_tree: Path) -> tuple[list[Path], xr.Dataset]:
    """The real run of 2020-08-04 12Z: its files and its atmosphere."""
    files = sorted((gfs_tree / "gfs.20200804/12/atmos").glob("*.f???"))
    return files, read_atmosphere(files, CYCLE_2020, needs())


# -- real files


def test_a_real_run_gives_the_values_that_ecCodes_gives(
    tatra: tuple[list[Path], xr.Dataset],
) -> None:
    files, atmosphere = tatra
    names = {
        "t": "air_temperature",
        "r": "relative_humidity",
        "gh": "geopotential_height",
        "u": "eastward_wind",
        "clwmr": "cloud_liquid_water_mixing_ratio",
    }
    compared = 0

    for handle in eccodes_fields(files[2]):
        name = names.get(eccodes.codes_get(handle, "shortName"))
        level = eccodes.codes_get(handle, "level", float) * 100
        if (
            name
            and eccodes.codes_get(handle, "typeOfFirstFixedSurface", int) == 100
            and level in atmosphere["level"]
        ):
            ours = atmosphere[name].sel(time="2020-08-05T00", level=level)
            # rows south to north, as NOMADS cuts
            expected = eccodes.codes_get_array(handle, "values").reshape(33, 49)
            if np.isfinite(ours).any():
                np.testing.assert_allclose(
                    ours.values,
                    expected * (0.01 if name == "relative_humidity" else 1),
                    rtol=3e-7,
                    atol=1e-6,
                )
                compared += 1
        eccodes.codes_release(handle)

    assert compared == 4 * 20 + 9  # four profiles on 20 levels, the wind on 9


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("air_temperature", "t"),
        ("visibility_in_air", "vis"),
        ("surface_snow_thickness", "sde"),
        ("air_temperature_at_2m", "t2m"),
    ],
)
def test_a_real_run_gives_the_values_and_places_that_cfgrib_gives(
    tatra: tuple[list[Path], xr.Dataset], tmp_path: Path, name: str, short: str
) -> None:
    files, atmosphere = tatra
    ours = atmosphere[name].sel(time="2020-08-04T18")
    whole = files[1].read_bytes()
    orders = [piece.order.message for piece in Finder(CYCLE_2020, needs(name)).find(files[1])]
    # cfgrib takes minutes for a whole file
    part = file_of(tmp_path, *(whole[m.offset : m.offset + m.length] for m in orders))

    theirs = xr.open_dataset(
        part, engine="cfgrib", backend_kwargs={"indexpath": ""}, decode_timedelta=False
    )

    field = theirs[short].sortby(["latitude", "longitude"])
    if "isobaricInhPa" in field.dims:
        field = field.sel(isobaricInhPa=ours["level"].values / 100)
    assert theirs["valid_time"].values == ours["time"].values
    np.testing.assert_array_equal(field["latitude"], ours["latitude"])
    np.testing.assert_array_equal(field["longitude"], ours["longitude"])
    np.testing.assert_allclose(ours.values, field.values, rtol=3e-7)


def test_precipitation_of_a_real_run_is_named_as_per_interval(
    tatra: tuple[list[Path], xr.Dataset],
) -> None:
    files, atmosphere = tatra
    totals = {}
    for handle in eccodes_fields(files[2]):
        if eccodes.codes_get(handle, "shortName") == "tp":
            totals[eccodes.codes_get(handle, "stepRange")] = eccodes.codes_get_array(
                handle, "values"
            ).reshape(33, 49)
        eccodes.codes_release(handle)

    amount, start = atmosphere["precipitation_amount"], atmosphere["precipitation_amount_start"]

    np.testing.assert_allclose(amount[2].values, totals["6-12"], rtol=1e-6)
    # The file's own total over 12 h is the sum of our two intervals, to the 0.01 mm or so that each
    # was packed with.
    np.testing.assert_allclose(amount[1].values + amount[2].values, totals["0-12"], atol=0.1)
    assert amount.attrs["cell_methods"] == "time: sum"
    assert np.isnat(start[0])
    assert start[1:].values.tolist() == atmosphere["time"][:2].values.tolist()


def test_the_globe_of_2011_gives_both_winds_and_the_hours_of_its_mean_cloud(shared: Path) -> None:
    files = list((shared / "gfs_2p5_global").iterdir())
    wanted = needs(steps=(72,), north=45, south=35, west=105, east=120)

    atmosphere = read_atmosphere(files, CYCLE_2011, wanted)

    winds = {}
    for handle in eccodes_fields(files[0]):
        if (
            eccodes.codes_get(handle, "shortName") in ("u", "v")
            and eccodes.codes_get(handle, "typeOfLevel") == "isobaricInhPa"
        ):
            # 90 N to 90 S, from 0 E
            field = eccodes.codes_get_array(handle, "values").reshape(73, 144)
            winds[eccodes.codes_get(handle, "shortName"), eccodes.codes_get(handle, "level")] = (
                field[18:23, 42:49][::-1]
            )
        eccodes.codes_release(handle)
    assert atmosphere["latitude"].values.tolist() == [35, 37.5, 40, 42.5, 45]
    for short, name in (("u", "eastward_wind"), ("v", "northward_wind")):
        for level in (100000, 85000, 50000):
            np.testing.assert_allclose(
                atmosphere[name].sel(level=level)[0],
                winds[short, level // 100],
                rtol=1e-6,
                atol=1e-6,
            )
    # 66-72 h
    assert atmosphere["low_type_cloud_area_fraction_mean_start"].values == np.datetime64(
        "2011-10-10T18:00"
    )
    assert "cloud_area_fraction_in_atmosphere_layer" in atmosphere.attrs["absent"]


@pytest.mark.parametrize(
    ("piece", "name", "number"),
    [
        ("gfs_0p25_20201026T00_f024_hgt500_complex", "geopotential_height", 0),
        ("gfs_0p25_20220210T00_f024_hgt500_jpeg", "geopotential_height", 0),
        ("aifs_0p25_20260310T12_f000_t500", "air_temperature", 0),
        ("ifs_0p25_20250115T18_f024_2t_msl", "air_temperature_at_2m", 1),
    ],
)
def test_every_packing_of_the_centres_is_unpacked_over_beijing(
    shared: Path, piece: str, name: str, number: int
) -> None:
    path = shared / "pieces" / f"{piece}.grib2"
    described, handle = inspect(path)[number], eccodes_fields(path)[number]
    latitude, longitude, values = (
        eccodes.codes_get_array(handle, key) for key in ("latitudes", "longitudes", "values")
    )
    inside = (
        (latitude >= 39) & (latitude <= 41) & (longitude % 360 >= 115) & (longitude % 360 <= 117)
    )
    assert described.run is not None

    wanted = needs(name, steps=(int(described.end),), north=41, south=39, west=115, east=117)
    ours = read_atmosphere([path], Cycle(described.run), wanted)[name].values.reshape(9, 9)

    np.testing.assert_allclose(ours[::-1].ravel(), values[inside], rtol=2e-7)


# -- time


def test_sums_from_the_start_become_sums_of_each_interval(tmp_path: Path) -> None:
    totals = {3: 1.0, 6: 4.0, 9: 4.0}
    file = file_of(
        tmp_path, *(message(total, APCP, 1, 0, step, start=0) for step, total in totals.items())
    )

    amount = read_atmosphere([file], CYCLE, needs("precipitation_amount"))

    np.testing.assert_allclose(amount["precipitation_amount"][:, 0, 0], [1, 3, 0], atol=1e-6)
    hours = (
        amount["precipitation_amount_start"].values - np.datetime64("2026-01-10")
    ) / np.timedelta64(1, "h")
    assert hours.tolist() == [0, 3, 6]


def test_means_over_overlapping_windows_become_means_of_each_interval(tmp_path: Path) -> None:
    # 20 % over 0-3 h and 50 % over 0-6 h: 80 % over 3-6 h.
    file = file_of(
        tmp_path,
        message(20.0, TCDC, 214, 0, 3, start=0, statistic=0),
        message(50.0, TCDC, 214, 0, 6, start=0, statistic=0),
    )

    cloud = read_atmosphere([file], CYCLE, needs("low_type_cloud_area_fraction_mean"))

    np.testing.assert_allclose(
        cloud["low_type_cloud_area_fraction_mean"][:, 0, 0], [0.2, 0.8], atol=1e-6
    )


def test_a_field_at_a_moment_and_its_mean_are_kept_apart(tmp_path: Path) -> None:
    file = file_of(
        tmp_path,
        message(70.0, TCDC, 214, 0, 6),
        message(30.0, TCDC, 214, 0, 6, start=0, statistic=0),
    )

    cloud = read_atmosphere(
        [file], CYCLE, needs("low_type_cloud_area_fraction", "low_type_cloud_area_fraction_mean")
    )

    assert cloud["low_type_cloud_area_fraction"].values.ravel()[0] == pytest.approx(0.7)
    assert cloud["low_type_cloud_area_fraction_mean"].values.ravel()[0] == pytest.approx(0.3)


def test_an_accumulation_that_shrinks_is_refused(tmp_path: Path) -> None:
    file = file_of(
        tmp_path, message(5.0, APCP, 1, 0, 3, start=0), message(2.0, APCP, 1, 0, 6, start=0)
    )

    with pytest.raises(SourceCorrupt, match=r"file\.grib2.*precipitation_amount is -3 kg m-2"):
        read_atmosphere([file], CYCLE, needs("precipitation_amount"))


# -- what is there and what is not


def test_level_sets_that_differ_are_united_and_what_lacks_is_missing(tmp_path: Path) -> None:
    file = file_of(
        tmp_path,
        message(280.0, level=85000),
        message(285.0, level=100000),
        message(90.0, RH, level=92500),
    )

    atmosphere = read_atmosphere([file], CYCLE, needs("air_temperature", "relative_humidity"))

    assert atmosphere["level"].values.tolist() == [100000, 92500, 85000]
    np.testing.assert_allclose(
        atmosphere["air_temperature"][0, :, 0, 0], [285, np.nan, 280], rtol=1e-6
    )
    np.testing.assert_allclose(
        atmosphere["relative_humidity"][0, :, 0, 0], [np.nan, 0.9, np.nan], rtol=1e-6
    )


@pytest.mark.parametrize(
    "packing",
    ["grid_simple", "grid_complex", "grid_complex_spatial_differencing", "grid_jpeg", "grid_ccsds"],
)
def test_points_without_a_value_are_missing_in_every_packing(tmp_path: Path, packing: str) -> None:
    values = np.arange(35.0).reshape(ROWS, COLUMNS) * 100
    values[1, 2] = np.nan
    file = file_of(tmp_path, message(values, VIS, 1, 0, packing=packing))

    visibility = read_atmosphere([file], CYCLE, needs("visibility_in_air"))["visibility_in_air"][0]

    np.testing.assert_allclose(visibility.values[::-1], values, atol=0.1)


def test_an_essential_field_in_none_of_the_files_is_named(tmp_path: Path) -> None:
    file = file_of(tmp_path, message(280.0))

    with pytest.raises(
        MissingInput,
        match=r"relative_humidity, geopotential_height in none of the files \(file\.grib2\)",
    ):
        read_atmosphere([file], CYCLE, needs())


def test_absent_and_incomplete_fields_are_named(tmp_path: Path) -> None:
    file = file_of(
        tmp_path, message(280.0, step=3), message(281.0, step=6), message(100.0, CAPE, 1, 0, step=6)
    )

    atmosphere = read_atmosphere(
        [file],
        CYCLE,
        needs("air_temperature", "visibility_in_air", "convective_available_potential_energy"),
    )

    assert atmosphere.attrs["absent"] == ["visibility_in_air"]
    assert atmosphere.attrs["incomplete"] == ["convective_available_potential_energy"]
    assert atmosphere.attrs["cycle"] == "gfs-2026011000"
    assert atmosphere.attrs["grid_spacing"] == 1.0


EARLIER_RUN = datetime(2026, 1, 9, 18, tzinfo=UTC)
OF_ANOTHER_RUN = (
    r"file\.grib2, message at byte \d+: air_temperature of run 2026-01-09 18:00Z, expected 2026"
)


def test_a_message_of_another_run_costs_only_itself_and_is_named(tmp_path: Path) -> None:
    file = file_of(tmp_path, message(250.0, run=EARLIER_RUN), message(280.0))

    atmosphere = read_atmosphere([file], CYCLE, needs("air_temperature"))

    assert atmosphere["air_temperature"].values.ravel()[0] == pytest.approx(280)
    [fault] = atmosphere.attrs["faults"]
    assert re.match(OF_ANOTHER_RUN + r".*passed over$", fault)


def test_a_step_of_which_nothing_can_be_used_is_a_gap_and_is_named(tmp_path: Path) -> None:
    """Between the steps before and after it nothing is known: nobody interpolates across it."""
    steps = (0, 3, 6)
    parts = [
        message(280.0 + step, forecastTime=step, **({"run": EARLIER_RUN} if step == 3 else {}))
        for step in steps
    ]
    file = file_of(tmp_path, *parts)

    read = read_atmosphere([file], CYCLE, needs("air_temperature", steps=(0, 3, 6, 9)))
    atmosphere = with_gaps(read, CYCLE)

    values = atmosphere["air_temperature"].values.reshape(3, -1)
    assert values[0, 0] == pytest.approx(280)
    assert np.isnan(values[1]).all()
    assert values[2, 0] == pytest.approx(286)
    assert atmosphere.attrs["absent_steps"] == [3, 9]
    assert atmosphere.attrs["faults"][-1] == "gfs-2026011000: nothing can be used at the steps +3 h"


def test_a_file_wholly_of_another_run_is_refused(tmp_path: Path) -> None:
    file = file_of(tmp_path, message(280.0, run=EARLIER_RUN))

    with pytest.raises(SourceCorrupt, match=OF_ANOTHER_RUN):
        read_atmosphere([file], CYCLE, needs("air_temperature"))


def test_members_of_an_ensemble_and_unknown_parameters_are_passed_over(tmp_path: Path) -> None:
    member = message(999.0, productDefinitionTemplateNumber=1)
    file = file_of(
        tmp_path,
        member,
        message(1.0, (0, 191, 77)),
        message(280.0),
        message(5.0, (0, 1, 195), 1, 0, centre=98),
    )

    atmosphere = read_atmosphere([file], CYCLE, needs("air_temperature", "categorical_snow"))

    assert atmosphere["air_temperature"].values.ravel()[0] == pytest.approx(280)
    # number 195 of another centre is another thing
    assert atmosphere.attrs["absent"] == ["categorical_snow"]


# -- twice, elsewhere, impossible


def test_the_same_message_twice_is_one(tmp_path: Path) -> None:
    file = file_of(tmp_path, message(280.0), message(280.0))

    assert read_atmosphere([file, file], CYCLE, needs("air_temperature"))[
        "air_temperature"
    ].shape == (1, 1, ROWS, COLUMNS)


def test_the_finer_of_two_packings_is_kept_and_a_contradiction_is_refused(tmp_path: Path) -> None:
    slope = np.linspace(280, 290, 35).reshape(ROWS, COLUMNS)
    agreeing = file_of(tmp_path, message(slope, bits=6), message(slope, bits=16), name="agreeing")
    other = file_of(tmp_path, message(slope), message(slope + 1), name="other")

    kept = read_atmosphere([agreeing], CYCLE, needs("air_temperature"))["air_temperature"].values[
        0, 0
    ]

    np.testing.assert_allclose(kept[::-1], slope, atol=1e-3)
    with pytest.raises(
        SourceCorrupt,
        match="air_temperature contradicts the same field in other, message at byte 0",
    ):
        read_atmosphere([other], CYCLE, needs("air_temperature"))


def test_a_field_on_a_coarser_grid_is_interpolated_and_named(tmp_path: Path) -> None:
    fine = [message(280.0, Ni=13, Nj=9, level=level) for level in (85000, 70000)]
    # (row, column), 1 degree apart
    plane = np.add.outer(np.arange(42, 37, -1) * 100.0, np.arange(COLUMNS) * 10.0)
    file = file_of(tmp_path, *fine, message(plane, VIS, 1, 0))

    atmosphere = read_atmosphere([file], CYCLE, needs("air_temperature", "visibility_in_air"))

    assert atmosphere.attrs["interpolated"] == ["visibility_in_air"]
    assert atmosphere.attrs["grid_spacing"] == 0.5
    assert float(
        atmosphere["visibility_in_air"].sel(latitude=40.5, longitude=113.5)[0]
    ) == pytest.approx(4055, abs=0.1)


def test_one_field_on_two_grids_is_refused(tmp_path: Path) -> None:
    file = file_of(tmp_path, message(280.0, step=3), message(280.0, step=6, Ni=13, Nj=9))

    with pytest.raises(SourceCorrupt, match="air_temperature on a grid of"):
        read_atmosphere([file], CYCLE, needs("air_temperature"))


@pytest.mark.parametrize(
    ("parameter", "surface", "value", "name"),
    [
        ((0, 0, 0), 100, 400.0, "air_temperature"),
        (APCP, 1, -5.0, "precipitation_amount"),
        (VIS, 1, -1.0, "visibility_in_air"),
    ],
)
def test_one_impossible_value_is_missing_and_named_with_its_place(
    tmp_path: Path, parameter: tuple[int, int, int], surface: int, value: float, name: str
) -> None:
    values = np.full((ROWS, COLUMNS), 250.0)
    values[1, 2] = value
    file = file_of(
        tmp_path, message(values, parameter, surface, 85000, start=0 if parameter == APCP else None)
    )

    read = read_atmosphere([file], CYCLE, needs(name))

    [fault] = read.attrs["faults"]
    assert f"file.grib2, message at byte 0: {name} is {value:.3g}" in fault
    assert "at 41 N 115 E, expected" in fault
    assert "1 points set missing" in fault
    missing = np.isnan(read[name].values.reshape(ROWS, COLUMNS))
    assert np.argwhere(missing).tolist() == [[ROWS - 2, 2]]


def test_a_value_beyond_a_limit_by_the_step_of_its_packing_is_the_limit(tmp_path: Path) -> None:
    # One decimal is kept (D = 1, E = 0): 0.1 % is the step. -0.1 % of cloud is the packing's, -0.3
    # % is not.
    cloud = np.full((ROWS, COLUMNS), 50.0)
    cloud[0, 0], cloud[0, 1] = -0.1, 100.1
    kept = file_of(tmp_path, message(cloud, TCDC, bits=0, decimalScaleFactor=1), name="kept")
    cloud[0, 0] = -0.3
    refused = file_of(tmp_path, message(cloud, TCDC, bits=0, decimalScaleFactor=1), name="refused")

    values = read_atmosphere([kept], CYCLE, needs("cloud_area_fraction_in_atmosphere_layer"))[
        "cloud_area_fraction_in_atmosphere_layer"
    ]

    assert (float(values.min()), float(values.max())) == (0.0, 1.0)
    beyond = read_atmosphere([refused], CYCLE, needs("cloud_area_fraction_in_atmosphere_layer"))
    assert "is -0.003 1 at 42 N 113 E" in beyond.attrs["faults"][0]
    assert int(beyond["cloud_area_fraction_in_atmosphere_layer"].isnull().sum()) == 1


def test_one_process_and_two_give_the_same(tatra: tuple[list[Path], xr.Dataset]) -> None:
    files, atmosphere = tatra

    xr.testing.assert_identical(read_atmosphere(files, CYCLE_2020, needs(), threads=1), atmosphere)


# -- one part that is of no use costs itself only


def test_a_message_of_another_area_is_passed_over_and_named(tmp_path: Path) -> None:
    elsewhere = {"north": 62.0, "south": 58.0, "west": 0.0, "east": 6.0}
    file = file_of(tmp_path, message(280.0), message(250.0, level=70000, **elsewhere))

    read = read_atmosphere(
        [file], CYCLE, needs("air_temperature", north=43, south=37, west=112, east=120)
    )

    assert read["level"].values.tolist() == [85000]
    [fault] = read.attrs["faults"]
    assert "its grid (58 to 62 N, 0 to 6 E) does not meet the region" in fault
    with pytest.raises(SourceCorrupt, match="does not meet the region"):
        read_atmosphere([file], CYCLE, needs("air_temperature", north=-10, south=-20))


REGION = {"north": 43.0, "south": 37.0, "west": 112.0, "east": 120.0}
WIDE = {"north": 44.0, "south": 36.0, "west": 111.0, "east": 121.0, "Ni": 11, "Nj": 9}
CORNER = {"north": 46.0, "south": 41.0, "west": 118.0, "east": 124.0, "Ni": 7, "Nj": 6}


@pytest.mark.parametrize("corner_first", [False, True])
def test_a_message_whose_area_overlaps_the_region_in_part_costs_only_itself(
    tmp_path: Path, corner_first: bool
) -> None:
    # 2 of 8 degrees of longitude and 2 of 6 of latitude: a twelfth
    whole = [message(280.0 - n, level=level, **WIDE) for n, level in enumerate((100000, 85000))]
    part = message(250.0, **CORNER)
    file = file_of(tmp_path, *([part, *whole] if corner_first else [*whole, part]))

    read = read_atmosphere([file], CYCLE, needs("air_temperature", **REGION))

    np.testing.assert_allclose(read["air_temperature"][0, :, 0, 0], [280, 279], rtol=1e-6)
    assert read["air_temperature"].shape == (1, 2, 7, 9)
    [fault] = read.attrs["faults"]
    assert "the area of air_temperature covers 8% of the region, elsewhere 100%" in fault


def test_a_level_that_is_given_only_for_a_part_of_the_region_is_missing(tmp_path: Path) -> None:
    file = file_of(tmp_path, message(280.0, **WIDE), message(250.0, level=70000, **CORNER))

    read = read_atmosphere([file], CYCLE, needs("air_temperature", **REGION))

    assert read["level"].values.tolist() == [85000]
    assert "not used" in read.attrs["faults"][0]


def test_more_messages_of_a_corner_do_not_outweigh_the_whole_region(tmp_path: Path) -> None:
    corners = [message(250.0, level=level, **CORNER) for level in (70000, 60000)]
    file = file_of(tmp_path, message(280.0, **WIDE), *corners)

    read = read_atmosphere([file], CYCLE, needs("air_temperature", **REGION))

    assert read["level"].values.tolist() == [85000]
    assert read["longitude"].values.tolist() == list(range(112, 121))


def test_a_field_of_a_part_of_the_region_is_used_there_and_named(tmp_path: Path) -> None:
    file = file_of(tmp_path, message(280.0, **WIDE), message(9000.0, VIS, 1, 0, **CORNER))

    read = read_atmosphere([file], CYCLE, needs("air_temperature", "visibility_in_air", **REGION))

    visibility = read["visibility_in_air"][0]
    assert float(visibility.sel(latitude=42, longitude=119)) == pytest.approx(9000)
    assert int(visibility.notnull().sum()) == 3 * 3  # 41 to 43 N, 118 to 120 E
    assert "visibility_in_air covers 8% of the region, others 100%" in read.attrs["faults"][0]


def test_a_field_repeated_on_a_coarser_grid_costs_nothing(tmp_path: Path) -> None:
    fine = message(280.0, Ni=13, Nj=9)
    file = file_of(tmp_path, fine, message(280.0))

    read = read_atmosphere([file], CYCLE, needs("air_temperature"))

    assert read.attrs["grid_spacing"] == 0.5
    assert "expected one grid: not used" in read.attrs["faults"][0]


def damaged(whole: bytes) -> bytes:
    """Return a message whose section 5 declares one value more than its grid has."""
    [described] = scan(whole, "whole")
    place = described.sections[5][0] + 8
    return whole[:place] + bytes([whole[place] + 1]) + whole[place + 1 :]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (damaged(message(100.0, CAPE, 1, 0)), "36 values are declared"),
        (message(100.0, CAPE, 1, 0, gridType="mercator"), "grid template 3.10"),
        (
            message(np.where(np.eye(ROWS, COLUMNS), 3.4e38, 1.0), CAPE, 1, 0, bits=8),
            "no such numbers are packed",
        ),
    ],
    ids=["damaged", "another kind of grid", "the largest float32"],
)
def test_a_message_that_cannot_be_read_costs_only_itself(
    tmp_path: Path, bad: bytes, words: str
) -> None:
    file = file_of(tmp_path, message(280.0), bad, message(281.0, level=70000))
    name = "convective_available_potential_energy"

    read = read_atmosphere([file], CYCLE, needs("air_temperature", name))

    np.testing.assert_allclose(read["air_temperature"][0, :, 0, 0], [280, 281], rtol=1e-6)
    assert read.attrs["absent"] == [name]
    [fault] = read.attrs["faults"]
    assert words in fault
    assert "the field is refused" in fault
    with pytest.raises(SourceCorrupt, match=words):  # where nothing else is read
        read_atmosphere([file], CYCLE, needs(name))


@pytest.mark.parametrize(("bad", "read"), [(1, True), (2, False)])
def test_of_an_essential_field_a_quarter_of_the_messages_may_be_unreadable(
    tmp_path: Path, bad: int, read: bool
) -> None:
    levels = (100000, 92500, 85000, 70000)
    messages = [message(280.0, level=level) for level in levels]
    messages[:bad] = [damaged(each) for each in messages[:bad]]
    file = file_of(tmp_path, *messages)

    if not read:
        with pytest.raises(SourceCorrupt, match="36 values are declared"):
            read_atmosphere([file], CYCLE, needs("air_temperature"))
        return
    found = read_atmosphere([file], CYCLE, needs("air_temperature"))
    assert found["level"].values.tolist() == [92500, 85000, 70000]
    assert "message at byte 0: 36 values are declared" in found.attrs["faults"][0]


@pytest.mark.parametrize(("bad", "kept"), [(1, True), (2, False)])
def test_of_any_other_field_half_of_the_messages_may_be_of_no_use(
    tmp_path: Path, bad: int, kept: bool
) -> None:
    good = [message(100.0 + step, CAPE, 1, 0, step) for step in (3, 6, 9)]
    good[:bad] = [damaged(each) for each in good[:bad]]
    file = file_of(tmp_path, message(280.0), *good)
    name = "convective_available_potential_energy"

    read = read_atmosphere([file], CYCLE, needs("air_temperature", name))

    assert (name in read) == kept


def member(number: int, value: float, level: float = 85000, step: int = 6) -> bytes:
    return message(
        value, level=level, step=step, productDefinitionTemplateNumber=1, perturbationNumber=number
    )


def test_a_member_that_lacks_a_step_costs_that_member_and_half_must_be_whole(
    tmp_path: Path,
) -> None:
    steps = (3, 6)
    whole = [member(n, 270.0 + n, step=step) for n in (1, 2) for step in steps]
    file = file_of(tmp_path, *whole, member(3, 273.0, step=3))

    found = read_members([file], CYCLE, needs("air_temperature"), (1, 2, 3))

    assert list(found) == [1, 2]
    assert "member 3 lacks air_temperature at 6 h" in found[1].attrs["faults"][0]
    with pytest.raises(MissingInput, match="member"):
        read_members([file], CYCLE, needs("air_temperature"), (1, 3, 4, 5))


def test_a_member_with_impossible_values_costs_that_member(tmp_path: Path) -> None:
    file = file_of(tmp_path, member(1, 271.0), member(2, 400.0), member(3, 273.0))

    found = read_members([file], CYCLE, needs("air_temperature"), (1, 2, 3))

    assert list(found) == [1, 3]
    assert "air_temperature is 400 K" in found[1].attrs["faults"][0]


@pytest.mark.parametrize("many", [False, True])
def test_a_sum_that_shrinks_at_one_point_is_missing_there(tmp_path: Path, many: bool) -> None:
    later = np.full((ROWS, COLUMNS), 7.0)
    later[2, 3] = 2.4
    if many:
        later[:2] = 2.4
    file = file_of(
        tmp_path, message(5.0, APCP, 1, 0, 3, start=0), message(later, APCP, 1, 0, 6, start=0)
    )
    if many:
        with pytest.raises(SourceCorrupt, match=r"precipitation_amount is -2\.6"):
            read_atmosphere([file], CYCLE, needs("precipitation_amount"))
        return

    amount = read_atmosphere([file], CYCLE, needs("precipitation_amount"))

    values = amount["precipitation_amount"].values[1]
    assert np.argwhere(np.isnan(values)).tolist() == [[ROWS - 3, 3]]
    assert np.nanmax(np.abs(values - 2.0)) < 0.01
    assert "-2.6 kg m-2 at 40 N 116 E" in amount.attrs["faults"][0]


@pytest.mark.parametrize(
    ("name", "steps", "words"),
    [
        ("01_apcp_shrinks_one_point", (0, 3, 6), "precipitation_amount is -2.6 kg m-2 at 40 N"),
        ("02_cape_minus1_one_point", (6,), "convective_available_potential_energy is -1 J kg-1"),
        ("03_cloud_102_percent", (6,), "low_type_cloud_area_fraction is 1.02 1"),
        ("11_second_area_outside_region", (6,), "its grid (58 to 62 N, 0 to 6 E) does not meet"),
    ],
)
def test_a_run_with_one_unsound_part_is_read(
    shared: Path, name: str, steps: tuple[int, ...], words: str
) -> None:
    region = {"north": 43, "south": 37, "west": 112, "east": 120}

    read = read_atmosphere(
        [shared / "failing" / f"{name}.grib2"], CYCLE, needs(steps=steps, **region)
    )

    [fault] = read.attrs["faults"]
    assert words in fault
    for field in ("air_temperature", "relative_humidity", "geopotential_height"):
        assert np.isfinite(read[field].values).all()
