"""What is derived, against MetPy, against hand arithmetic, and against what GFS itself gives of the
same air.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from metpy.calc import relative_humidity_from_specific_humidity
from metpy.units import units

from forecast.domain import Atmosphere, Cycle, Name, Site
from forecast.ingest import Needs
from forecast.ingest.aerosol import AEROSOL, join_aerosol
from forecast.ingest.cloud_by_level import CLOUD, TOTAL
from forecast.ingest.derived_fields import RULES, complete, derivable
from forecast.ingest.grib.reader import read_atmosphere
from forecast.quantities import DEFAULT_FIELDS, FIELDS, Field, Key
from forecast.science.interpolation import LAYERS, Scene
from forecast.science.thermodynamics import maximum_random_overlap

SITE = Site(
    "peak",
    Name("", ""),
    40.0,
    115.5,
    1500,
    500,
    (0.0,) * 72,
    21.0,
    (0, 360),
    ("starry_sky",),
    "starry_sky",
)
HUMID = "relative_humidity_at_2m"
SPECIFIC_AT_2M = Field("specific_humidity_at_2m", "1", 0, 0.06, (Key(0, 1, 0, 103, 2),), ((), ""))
LEVELS = (100000.0, 85000.0, 70000.0, 50000.0)
PLANE = ("time", "latitude", "longitude")


@pytest.fixture(scope="module")
def tatra(gfs_tree: Path) -> Atmosphere:
    """GFS over the Tatra on 4 August 2020, 0, 6 and 12 h."""
    files = sorted((gfs_tree / "gfs.20200804" / "12" / "atmos").glob("*.f0[01][026]"))
    fields = (*DEFAULT_FIELDS, FIELDS["dew_point_temperature_at_2m"], SPECIFIC_AT_2M)
    return read_atmosphere(
        files,
        Cycle(datetime(2020, 8, 4, 12, tzinfo=UTC)),
        Needs(fields, (0, 6, 12), 90, -90, -180, 180),
    )


@pytest.fixture(scope="module")
def globe(shared: Path) -> Atmosphere:
    """GFS over the whole globe on 11 October 2011, polar night and tropics."""
    files = list((shared / "gfs_2p5_global").iterdir())
    needs = Needs((*DEFAULT_FIELDS, SPECIFIC_AT_2M), (72,), 90, -90, -180, 180)
    return read_atmosphere(files, Cycle(datetime(2011, 10, 8, tzinfo=UTC)), needs)


def air(**values: object) -> Atmosphere:
    """Return an atmosphere of two points at one time; profiles over LEVELS, broadcast."""
    data = {}
    for name, value in values.items():
        levels = bool(FIELDS[name].levels)
        shape = (1, len(LEVELS), 1, 2) if levels else (1, 1, 2)
        array = np.asarray(value, dtype=np.float32)
        array = array[:, None, None] if levels and array.ndim == 1 else array
        data[name] = (
            ("time", "level", "latitude", "longitude") if levels else PLANE,
            np.broadcast_to(array, shape).copy(),
        )
    where = {
        "time": [np.datetime64("2026-01-10", "ns")],
        "level": list(LEVELS),
        "latitude": [40.0],
        "longitude": [115.0, 116.0],
    }
    return xr.Dataset(data, where, {"absent": ["visibility_in_air", AEROSOL]})


def without(atmosphere: Atmosphere, *names: str) -> Atmosphere:
    """Return `atmosphere` completed after `names` were taken away from it."""
    completed = complete(atmosphere.drop_vars(names, errors="ignore"))
    assert set(names) & atmosphere.data_vars.keys() <= set(completed.attrs["derived"])
    return completed


def misses(ours: xr.DataArray, theirs: xr.DataArray) -> np.ndarray:
    """Return what ours misses theirs by, where both are known."""
    both = np.isfinite(ours.values) & np.isfinite(theirs.values)
    return np.asarray((ours.values - theirs.values)[both])


# -- humidity


@pytest.mark.parametrize(
    ("temperature", "phase"),
    [(290.0, "liquid"), (275.0, "liquid"), (245.0, "solid"), (220.0, "solid")],
)
def test_humidity_from_specific_humidity_is_metpys_over_water_and_over_ice(
    temperature: float, phase: str
) -> None:
    specific = {290.0: 8e-3, 275.0: 3e-3, 245.0: 3e-4, 220.0: 2e-5}[temperature]

    ours = complete(air(air_temperature=temperature, specific_humidity=specific))[
        "relative_humidity"
    ]

    for level in LEVELS:
        theirs = relative_humidity_from_specific_humidity(
            level * units.Pa, temperature * units.K, specific * units("kg/kg"), phase=phase
        )
        assert float(ours.sel(level=level)[0, 0, 0]) == pytest.approx(
            min(float(theirs.m), 1.6), rel=0.01
        )


def test_humidity_at_2_m_is_gfss_own_in_warm_air(tatra: Atmosphere) -> None:
    derived = without(tatra, HUMID)  # from the dew point

    miss = misses(derived[HUMID], tatra[HUMID])

    assert miss.size > 4800
    assert np.abs(miss).max() < 0.015  # measured 0.010; the dew point is given in tenths


def test_gfs_counts_its_humidity_over_ice_in_the_cold_as_is_done_here(globe: Atmosphere) -> None:
    # Specific humidity at 2 m brought through the same formula on one level, at the surface's own
    # pressure.
    temperature, pressure = (
        globe["air_temperature_at_2m"].values,
        globe["surface_air_pressure"].values,
    )
    cold = (temperature < 263) & (temperature > 243)
    columns = [
        values[cold][None, None, None]
        for values in (temperature, globe["specific_humidity_at_2m"].values)
    ]
    theirs = globe[HUMID].values[cold]
    found = []
    for row, level in enumerate(pressure[cold]):
        point = xr.Dataset(
            {
                name: (("time", "level", "latitude", "longitude"), column[..., row : row + 1])
                for name, column in zip(
                    ("air_temperature", "specific_humidity"), columns, strict=True
                )
            },
            {
                "time": [np.datetime64("2011-10-11", "ns")],
                "level": [float(level)],
                "latitude": [0.0],
                "longitude": [0.0],
            },
        )
        found.append(float(complete(point)["relative_humidity"].item()))

    miss = np.array(found) - theirs

    assert miss.size > 1100
    assert abs(miss.mean()) < 0.02  # measured +0.013; over water it would be -0.11
    assert np.percentile(np.abs(miss), 99) < 0.04


def test_ringing_of_specific_humidity_below_nothing_is_dry_air() -> None:
    derived = complete(air(air_temperature=280.0, specific_humidity=-1e-6))

    assert float(derived["relative_humidity"].max()) == 0


# -- heights


def test_geopotential_over_9_80665_is_the_height() -> None:
    derived = complete(
        air(
            geopotential=9.80665 * np.array([100.0, 1500.0, 3000.0, 5500.0]),
            surface_geopotential=98066.5 / 20,
        )
    )

    np.testing.assert_allclose(
        derived["geopotential_height"][0, :, 0, 0], [100, 1500, 3000, 5500], rtol=1e-6
    )
    np.testing.assert_allclose(derived["surface_altitude"], 500, rtol=1e-6)


def test_heights_of_air_of_one_temperature_are_the_logarithms_of_pressure() -> None:
    # Hand arithmetic: 287.05 / 9.80665 * 260 K = 7610 m for each unit of ln p, from 1000 m of
    # ground at 900 hPa.
    derived = complete(
        air(air_temperature=260.0, surface_air_pressure=90000.0, surface_altitude=1000.0)
    )

    expected = 1000 + 287.05 / 9.80665 * 260 * np.log(90000 / np.array(LEVELS))
    np.testing.assert_allclose(derived["geopotential_height"][0, :, 0, 0], expected, atol=0.01)


@pytest.mark.parametrize(("where", "mean", "worst"), [("tatra", 2.0, 4.0), ("globe", 2.0, 7.0)])
def test_hydrostatic_heights_are_gfss_own_within_metres(
    where: str, mean: float, worst: float, request: pytest.FixtureRequest
) -> None:
    # Measured: 0.6 m in the mean at 700 and 500 hPa, 99 % within 3 m (Tatra) and 4 m (globe), up to
    # 300 hPa.
    atmosphere: Atmosphere = request.getfixturevalue(where)

    derived = without(atmosphere, "geopotential_height")

    for level in (85000, 70000, 50000, 30000):
        miss = misses(
            *(each["geopotential_height"].sel(level=level) for each in (derived, atmosphere))
        )
        assert np.abs(miss).mean() < mean, level
        assert np.percentile(np.abs(miss), 99) < worst, level


@pytest.mark.parametrize("where", ["tatra", "globe"])
def test_the_models_ground_is_found_where_its_profile_has_the_surface_pressure(
    where: str, request: pytest.FixtureRequest
) -> None:
    atmosphere: Atmosphere = request.getfixturevalue(where)

    derived = without(atmosphere, "surface_altitude")

    miss = misses(derived["surface_altitude"], atmosphere["surface_altitude"])
    assert np.abs(miss).mean() < 0.3  # [m] measured 0.14 and 0.15
    assert np.percentile(np.abs(miss), 99) < 2


def test_the_ground_stands_still_though_the_pressure_moves(tatra: Atmosphere) -> None:
    derived = without(tatra, "surface_altitude")["surface_altitude"]

    assert float((derived.max("time") - derived.min("time")).max()) == 0


def test_ground_that_is_given_at_the_runs_start_stands_for_the_whole_run(tatra: Atmosphere) -> None:
    once = tatra.copy(deep=True)
    once["surface_altitude"][1:] = np.nan

    completed = complete(once)

    assert "surface_altitude" not in completed.attrs["derived"]
    xr.testing.assert_equal(completed["surface_altitude"], tatra["surface_altitude"])


def test_the_freezing_level_is_near_gfss_own_and_unknown_over_frozen_ground(
    globe: Atmosphere,
) -> None:
    derived = without(globe, "freezing_level_altitude")["freezing_level_altitude"]

    miss = misses(derived, globe["freezing_level_altitude"])
    frozen = globe["air_temperature_at_2m"].values < 270
    assert np.median(np.abs(miss)) < 30
    assert np.percentile(np.abs(miss), 90) < 80
    assert np.isnan(derived.values[frozen]).mean() > 0.9


# -- the column and the ground


@pytest.mark.parametrize("where", ["tatra", "globe"])
def test_the_water_vapour_of_the_column_is_gfss_own(
    where: str, request: pytest.FixtureRequest
) -> None:
    name = "atmosphere_mass_content_of_water_vapor"
    atmosphere: Atmosphere = request.getfixturevalue(where)

    miss = misses(without(atmosphere, name)[name], atmosphere[name])

    assert np.abs(miss).mean() < 0.15  # [kg m-2] measured 0.07 and 0.08
    assert np.abs(miss).max() < 1.5


def test_snow_of_200_kg_m3_is_five_times_as_deep_as_its_water() -> None:
    derived = complete(
        air(surface_snow_amount=[[[100.0, 0.0]]], surface_snow_density=[[[200.0, np.nan]]])
    )

    np.testing.assert_allclose(derived["surface_snow_thickness"][0, 0], [0.5, 0], rtol=1e-6)


# -- cloud


def test_the_overlap_of_gfss_own_levels_falls_short_of_its_own_total_by_thin_cloud(
    shared: Path,
) -> None:
    # What holding levels to the total mends: 22 levels of the whole globe, of which 19 are read,
    # see 0.12 less of the sky than the model.
    path = shared / "pieces" / "gfs_1p0_20250129T00_f006_cloud_levels.grib2"
    total = replace(FIELDS[TOTAL], keys=(Key(0, 6, 1, 10),))
    cycle = Cycle(datetime(2025, 1, 29, tzinfo=UTC))
    atmosphere = read_atmosphere(
        [path], cycle, Needs((FIELDS[CLOUD], total), (6,), 90, -90, -180, 180)
    )

    cover = layer_cover(np.nan_to_num(atmosphere[CLOUD].values), atmosphere["level"].values)

    miss = cover - atmosphere[TOTAL].values
    assert -0.14 < miss.mean() < -0.09
    # measured 0.86
    assert np.corrcoef(cover.ravel(), atmosphere[TOTAL].values.ravel())[0, 1] > 0.84


def layer_cover(cloud: np.ndarray, pressure: np.ndarray, layer: str = "") -> np.ndarray:
    """Return the overlap of the levels of a layer, of all levels without one."""
    low, high = LAYERS[layer] if layer else (0.0, np.inf)
    return maximum_random_overlap(
        np.moveaxis(cloud, 1, -1)[..., (pressure > low) & (pressure <= high)]
    )


@pytest.fixture(scope="module")
def own_cloud(tatra: Atmosphere) -> np.ndarray:
    """Return GFS's cloud over the Tatra, none underground (time, level, latitude, longitude)."""
    underground = (
        tatra["level"].values[:, None, None] > tatra["surface_air_pressure"].values[:, None]
    )
    return np.where(underground, 0, tatra[CLOUD].values)


@pytest.mark.parametrize(
    ("known", "estimate", "miss", "correlation"),
    [
        ("", "cloud_from_humidity", 0.065, 0.91),  # measured 0.061 and 0.921
        ("total", "cloud_from_humidity", 0.058, 0.92),  # 0.055 and 0.931
        ("layers", "cloud_from_layers", 0.047, 0.935),  # 0.044 and 0.943
    ],
)
def test_cloud_from_humidity_is_near_gfss_own_and_nearer_the_more_cover_is_known(
    tatra: Atmosphere,
    own_cloud: np.ndarray,
    known: str,
    estimate: str,
    miss: float,
    correlation: float,
) -> None:
    # The cover that the model would give is the overlap of its own levels.
    pressure = tatra["level"].values
    covers = {
        "": {},
        "total": {TOTAL: (PLANE, layer_cover(own_cloud, pressure))},
        "layers": {
            f"{layer}_type_cloud_area_fraction": (PLANE, layer_cover(own_cloud, pressure, layer))
            for layer in LAYERS
        },
    }[known]

    derived = without(tatra.assign(covers), CLOUD)

    found = derived[CLOUD].values
    assert derived.attrs["estimates"] == [estimate]
    assert np.abs(found - own_cloud).mean() < miss
    assert abs((found - own_cloud).mean()) < 0.015
    assert np.corrcoef(found.ravel(), own_cloud.ravel())[0, 1] > correlation
    for name, (_, cover) in covers.items():
        layer = "" if name == TOTAL else name.partition("_")[0]
        # the model's own word is kept
        assert np.abs(layer_cover(found, pressure, layer) - cover).max() < 0.02


@pytest.mark.parametrize(("layer", "lowest"), [("low", 0.85), ("medium", 0.7), ("high", 0.75)])
def test_layers_of_cloud_from_humidity_follow_the_means_that_gfs_gives(
    tatra: Atmosphere, layer: str, lowest: float
) -> None:
    # The mean of the ends of each six hours against GFS's mean over them. Measured 0.91, 0.75 and
    # 0.82; GFS's own levels 0.92, 0.78, 0.83.
    found = layer_cover(without(tatra, CLOUD)[CLOUD].values, tatra["level"].values, layer)

    theirs = tatra[f"{layer}_type_cloud_area_fraction_mean"].values[1:]

    assert np.corrcoef((found[1:] + found[:-1]).ravel(), theirs.ravel())[0, 1] > lowest


def test_a_clear_sky_by_the_models_word_has_no_cloud_and_an_overcast_one_is_covered() -> None:
    humid = complete(air(relative_humidity=0.97, cloud_area_fraction=[[[0.0, 1.0]]]))[CLOUD].values
    dry = complete(air(relative_humidity=[0.3, 0.6, 0.3, 0.2], cloud_area_fraction=[[[0.0, 1.0]]]))[
        CLOUD
    ].values

    assert humid[..., 0].max() == dry[..., 0].max() == 0
    assert humid[0, :, 0, 1].max() > 0.97
    assert dry[0, :, 0, 1].argmax() == 1  # where the air is moistest
    assert dry[0, 1, 0, 1] > 0.97


def test_a_mean_over_hours_is_not_the_cover_of_a_moment() -> None:
    mean = air(relative_humidity=0.95, cloud_area_fraction=0.0).assign(
        {f"{TOTAL}_start": ("time", [np.datetime64("2026-01-09T18", "ns")])}
    )

    assert float(complete(mean)[CLOUD].max()) > 0.3


@pytest.mark.parametrize(
    ("own_layers", "way", "derived"), [(False, "humidity", True), (True, "point", False)]
)
def test_a_site_names_how_its_cloud_was_derived(own_layers: bool, way: str, derived: bool) -> None:
    layers = {f"{layer}_type_cloud_area_fraction": 0.4 for layer in LAYERS} if own_layers else {}
    # one level at least in each layer
    column = air(relative_humidity=0.95, **layers).assign_coords(level=[1e5, 8.5e4, 5e4, 3e4])
    scene = Scene(
        complete(column).isel(latitude=[0, 0]).assign_coords(latitude=[39.0, 41.0]), [SITE]
    )
    times = scene.times[None, :]

    covers, ways = scene.cloud_layers(np.array([0]), times)

    assert ways.tolist() == [way]
    assert scene.cloud_columns[1] is derived
    assert scene.cloud_estimates == ("cloud_from_layers" if own_layers else "cloud_from_humidity",)
    assert np.isfinite(covers["low"]).all()


# -- what is named, and what is left alone


def test_what_was_derived_and_what_still_lacks_are_named() -> None:
    completed = complete(
        air(air_temperature=280.0, specific_humidity=0.004, surface_air_pressure=95000.0)
    )

    assert completed.attrs["derived"] == [
        "relative_humidity",
        "atmosphere_mass_content_of_water_vapor",
        CLOUD,
    ]
    absent = completed.attrs["absent"]
    assert {"visibility_in_air", "wind_speed_of_gust", "geopotential_height", AEROSOL} <= set(
        absent
    )
    assert not set(absent) & completed.data_vars.keys()
    assert (
        completed["relative_humidity"].attrs["derived_from"] == "specific_humidity, air_temperature"
    )


def test_what_the_model_gives_is_not_touched(tatra: Atmosphere) -> None:
    completed = complete(tatra)

    xr.testing.assert_identical(completed.drop_attrs(), tatra.drop_attrs())
    assert completed.attrs["derived"] == completed.attrs["estimates"] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.makes} of {', '.join(rule.of)}")
def test_what_is_unknown_stays_unknown_and_what_can_be_derived_is(
    rule: object, tatra: Atmosphere
) -> None:
    usual = {
        "surface_air_pressure": 101000.0,
        "surface_altitude": 100.0,
        "geopotential": [900.0, 15000.0, 30000.0, 54000.0],
        "geopotential_height": [90.0, 1500.0, 3000.0, 5500.0],
        "air_temperature": [280.0, 275.0, 268.0, 250.0],
    }
    other = {
        name: usual.get(name, 0.5 * (FIELDS[name].low + FIELDS[name].high)) for name in rule.of
    }
    whole = air(**other)
    gap = whole.copy(deep=True)
    for name in rule.of:
        gap[name][..., 1] = np.nan

    made = complete(gap)[rule.makes]

    assert rule.makes in derivable(rule.of)
    assert np.isnan(made.values[..., 1]).all()
    np.testing.assert_array_equal(made.values[..., 0], complete(whole)[rule.makes].values[..., 0])
    assert np.isfinite(made.values[..., 0]).any() or rule.makes == "freezing_level_altitude"


def test_a_rule_makes_only_what_is_in_the_catalogue_of_what_is_in_it() -> None:
    assert {name for rule in RULES for name in (rule.makes, *rule.of)} <= FIELDS.keys()


# -- aerosol of another model


def aerosol(
    values: np.ndarray, hours: list[int], latitude: list[float], longitude: list[float]
) -> Atmosphere:
    where = over(hours, latitude, longitude)
    return where.assign({AEROSOL: (PLANE, np.asarray(values, dtype=np.float32))})


def over(hours: list[int], latitude: list[float], longitude: list[float]) -> Atmosphere:
    times = [np.datetime64("2026-01-10", "ns") + np.timedelta64(hour, "h") for hour in hours]
    return xr.Dataset(
        {}, {"time": times, "latitude": latitude, "longitude": longitude}, {"absent": [AEROSOL]}
    )


def test_aerosol_is_linear_in_time_and_space_and_unknown_beyond_its_own() -> None:
    # Hand arithmetic: 0.1 a degree north, 0.01 a degree east, 0.02 an hour.
    hours, latitude, longitude = [0, 6], [39.0, 41.0], [114.0, 117.0]
    values = np.add.outer(np.array([0, 0.12]), np.add.outer([3.9, 4.1], [1.14, 1.17]))

    joined = join_aerosol(
        over([0, 3, 9], [40.5, 42.0], [115.0, 116.5]), aerosol(values, hours, latitude, longitude)
    )

    depth = joined[AEROSOL]
    np.testing.assert_allclose(
        depth[:2, 0], [[4.05 + 1.15, 4.05 + 1.165], [4.11 + 1.15, 4.11 + 1.165]], rtol=1e-6
    )
    assert np.isnan(depth[2]).all()
    assert np.isnan(depth[:, 1]).all()
    assert joined.attrs["absent"] == []


def test_aerosol_on_the_same_points_is_there_to_the_very_edge() -> None:
    # 105.3 + 7.8 is not 113.1 to a computer.
    longitude = [round(105.3 + 0.1 * step, 1) for step in range(79)]
    values = np.arange(79.0).reshape(1, 1, 79) + np.zeros((1, 2, 1))

    joined = join_aerosol(
        over([0], [39.0, 41.0], longitude), aerosol(values, [0], [39.0, 41.0], longitude)
    )

    np.testing.assert_allclose(joined[AEROSOL][0, 0], np.arange(79), atol=1e-4)


def test_a_second_aerosol_fills_only_the_gaps_of_the_first() -> None:
    there, far = over([0, 6], [40.0], [115.0]), ([39.0, 41.0], [114.0, 116.0])
    short, long = (
        aerosol(np.full((1, 2, 2), 0.2), [0], *far),
        aerosol(np.full((2, 2, 2), 0.5), [0, 6], *far),
    )

    joined = join_aerosol(join_aerosol(there, short), long)

    np.testing.assert_allclose(joined[AEROSOL].values.ravel(), [0.2, 0.5], rtol=1e-6)


def test_days_without_aerosol_between_two_fields_are_not_bridged() -> None:
    values = np.ones((2, 2, 2))

    joined = join_aerosol(
        over([0, 12, 24], [40.0], [115.0]), aerosol(values, [0, 24], [39.0, 41.0], [114.0, 116.0])
    )

    assert np.isfinite(joined[AEROSOL].values.ravel()).tolist() == [True, False, True]


def test_the_real_field_of_cams_lies_over_beijing_whichever_way_longitudes_are_counted(
    shared: Path,
) -> None:
    # 30 degrees apart: 40 N 116 E lies between 30 and 60 N, 90 and 120 E.
    key = (Key(0, 20, 102, 1),)
    field = replace(FIELDS[AEROSOL], keys=key)
    cams = read_atmosphere(
        [shared / "odd" / "optical-cams.grib"],
        Cycle(datetime(2011, 9, 29, tzinfo=UTC)),
        Needs((field,), (0,), 90, -90, -180, 180),
    )
    corner = cams[AEROSOL].sel(latitude=[30, 60], longitude=[90, 120]).values[0]
    expected = (corner * np.outer([2 / 3, 1 / 3], [4 / 30, 26 / 30])).sum()
    there = over([0], [40.0], [116.0]).assign_coords(time=cams["time"].values)

    east, around = (
        join_aerosol(there.assign_coords(longitude=[x]), cams)[AEROSOL].item()
        for x in (116.0, -244.0)
    )
    seam = join_aerosol(there.assign_coords(longitude=[165.0]), cams)[AEROSOL].item()

    assert (east, around) == (pytest.approx(expected, rel=1e-5), pytest.approx(expected, rel=1e-5))
    assert np.isfinite(seam)  # between 150 E and 180
