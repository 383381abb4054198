"""A model is a table over the catalogue: real pieces of other centres' models, read by nothing
else, against ecCodes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from forecast.config import Config
from forecast.domain import Atmosphere, Cycle
from forecast.errors import MissingInput, SourceCorrupt
from forecast.ingest import Needs
from forecast.ingest.aerosol import AEROSOL
from forecast.ingest.derived_fields import complete
from forecast.ingest.grib.decoder_pool import Order
from forecast.ingest.grib.reader import read_members
from forecast.ingest.grib.unpacking import unpack
from forecast.ingest.parameter_table import fields_of
from forecast.settings.sources import ModelSettings
from tests.gribs import CYCLE, eccodes, eccodes_fields, file_of, message, reencoded

# fmt: off
IFS = {
    "relative_humidity": {}, "geopotential_height": {}, "air_temperature_at_2m": {},
    "surface_snow_amount": {"key": [0, 1, 254, 1], "factor": 1000.0},  # m of water
    "surface_snow_density": {},
    # a fraction, in a number of ECMWF's own
    "cloud_area_fraction": {"key": [0, 6, 192, 1], "factor": 1.0},
    "precipitation_amount": {"key": [0, 1, 193, 1], "factor": 1000.0},
    "air_pressure_at_mean_sea_level": {},
}
# fmt: on


def model(parameters: dict[str, object], centre: int | None = 98, **more: object) -> ModelSettings:
    name = {"zh": "x", "en": "x"}
    steps = [{"first": 0, "last": 48, "every": 1}]
    described = {
        "id": "ifs",
        "name": name,
        "attribution": name,
        "layout": "folder",
        "folder": "drop",
        "steps": steps,
        "centre": centre,
    }
    return ModelSettings.model_validate(described | {"parameters": parameters} | more)


def read(
    path: Path,
    run: datetime,
    parameters: dict[str, object],
    members: tuple[int, ...] = (),
    centre: int | None = 98,
    region: tuple[float, float, float, float] = (42, 38, 113, 119),
) -> dict[int, Atmosphere]:
    described = model(parameters, centre)
    return read_members(
        [path],
        Cycle(run, "ifs"),
        Needs(fields_of(described), described.all_steps, *region),
        members,
    )


def eccodes_values(
    path: Path, number: int, region: tuple[float, float, float, float] = (42, 38, 113, 119)
) -> np.ndarray:
    """Return the values that ecCodes finds in a region (north, south, west, east), row by row from
    the north.
    """
    handle = eccodes_fields(path)[number]
    latitude, longitude, values = (
        eccodes.codes_get_array(handle, key) for key in ("latitudes", "longitudes", "values")
    )
    north, south, west, east = region
    inside = (
        (latitude <= north + 1e-6)
        & (latitude >= south - 1e-6)
        & ((longitude - west + 1e-6) % 360 <= east - west + 2e-6)
    )
    return np.asarray(values[inside])


# -- real files of ECMWF


@pytest.mark.parametrize(
    ("name", "number", "factor"),
    [
        ("surface_snow_amount", 3, 1000.0),
        ("surface_snow_density", 2, 1.0),
        ("cloud_area_fraction", 4, 1.0),
    ],
)
def test_the_ground_of_the_ifs_is_read_by_its_table(
    shared: Path, name: str, number: int, factor: float
) -> None:
    path = shared / "pieces" / "ifs_0p25_20260310T00_f000_surface5.grib2"

    atmosphere = read(path, datetime(2026, 3, 10, tzinfo=UTC), IFS)[0]

    expected = eccodes_values(path, number) * factor
    np.testing.assert_allclose(
        atmosphere[name].values[0, ::-1].ravel(), expected, rtol=1e-5, atol=1e-5
    )
    assert {"relative_humidity", "precipitation_amount"} <= set(atmosphere.attrs["absent"])


def test_snow_of_the_ifs_is_as_deep_as_its_water_over_its_density(shared: Path) -> None:
    path, tibet = (
        shared / "pieces" / "ifs_0p25_20260310T00_f000_surface5.grib2",
        (36.0, 28.0, 80.0, 100.0),
    )

    atmosphere = complete(read(path, datetime(2026, 3, 10, tzinfo=UTC), IFS, region=tibet)[0])

    expected = 1000 * eccodes_values(path, 3, tibet) / eccodes_values(path, 2, tibet)
    depth = atmosphere["surface_snow_thickness"].values[0, ::-1].ravel()
    np.testing.assert_allclose(depth, np.minimum(expected, 20), rtol=1e-4, atol=1e-4)
    assert 0.05 < expected.mean() < 2
    assert atmosphere.attrs["derived"] == ["surface_snow_thickness"]


def test_rain_of_the_ifs_comes_in_millimetres_and_runs_from_the_start(shared: Path) -> None:
    path = shared / "pieces" / "ifs_0p25_20260716T12_f000-024_tp.grib2"

    atmosphere = read(path, datetime(2026, 7, 16, 12, tzinfo=UTC), IFS)[0]

    rain = atmosphere["precipitation_amount"]
    np.testing.assert_allclose(
        rain.values[0, ::-1].ravel(), 1000 * eccodes_values(path, 0), rtol=1e-5, atol=1e-4
    )
    assert atmosphere["precipitation_amount_start"].values == np.datetime64("2026-07-16T12:00")
    assert float(rain.max()) > 1  # there is some, over Beijing in July


def test_levels_of_the_ifs_on_its_old_grid_are_read_and_ringing_below_nothing_is_nothing(
    shared: Path,
) -> None:
    # ECMWF truncates its waves: the humidity of this file reaches -4.4 % at 500 hPa and 123 %.
    path, whole = (
        shared / "pieces" / "ifs_0p4_20240101T00_f000_first10.grib2",
        (90.0, -90.0, -180.0, 180.0),
    )

    atmosphere = read(path, datetime(2024, 1, 1, tzinfo=UTC), IFS, region=whole)[0]

    assert atmosphere.attrs["grid_spacing"] == pytest.approx(0.4)
    assert atmosphere["longitude"].values[0] == -180  # the file counts from 180
    raw = eccodes_values(path, 8, whole)
    humidity = atmosphere["relative_humidity"].sel(level=50000).values[0, ::-1].ravel()
    assert (raw.min() < -4, humidity.min()) == (True, 0)
    np.testing.assert_allclose(humidity, np.maximum(raw, 0) / 100, atol=1e-5)
    heights = atmosphere["geopotential_height"].sel(level=70000).values[0, ::-1].ravel()
    np.testing.assert_allclose(heights, eccodes_values(path, 3, whole), rtol=1e-6)


def test_two_levels_at_four_steps_make_one_cube(shared: Path) -> None:
    path = shared / "pieces" / "ecmwf_0p4_20220817_tuv_f012-048.grib2"

    atmosphere = read(
        path,
        datetime(2022, 8, 17, 6, tzinfo=UTC),
        {"air_temperature": {}, "eastward_wind": {}, "northward_wind": {}},
    )[0]

    assert [atmosphere.sizes[name] for name in ("time", "level")] == [4, 2]
    assert atmosphere.attrs["incomplete"] == atmosphere.attrs["absent"] == []
    wind = (
        atmosphere["northward_wind"].sel(level=85000, time="2022-08-18T18:00").values[::-1].ravel()
    )
    # its message of 36 h and 850 hPa is the 18th
    np.testing.assert_allclose(wind, eccodes_values(path, 17), rtol=1e-5, atol=1e-4)


def test_the_control_of_an_ensemble_is_its_member_0(shared: Path) -> None:
    path = shared / "pieces" / "ecmwf_s2s_1p5_20260810T00.grib2"
    parameters = {"air_temperature": {}, "precipitation_amount": {"key": [0, 1, 52, 1]}}

    run = datetime(2026, 8, 10, tzinfo=UTC)
    members = read(path, run, parameters, members=(0, 1))

    assert list(members) == [0]
    hours = (
        members[0]["precipitation_amount_start"].values - np.datetime64("2026-08-10")
    ) / np.timedelta64(1, "h")
    assert hours[np.isfinite(hours)].tolist() == [0, 6]  # 0-6 h, and 0-12 h less it
    with pytest.raises(MissingInput, match="none of the wanted fields"):
        read(path, run, parameters)  # no deterministic forecast is in it


def test_a_model_of_another_centre_is_not_taken_for_this_one(tmp_path: Path) -> None:
    file = file_of(tmp_path, message(280.0, centre=7))

    with pytest.raises(MissingInput):
        read(file, CYCLE.run, {"air_temperature": {}}, centre=38)
    assert read(file, CYCLE.run, {"air_temperature": {}}, centre=None)


def test_numbers_of_a_centre_of_its_own_are_known_by_its_table_only(tmp_path: Path) -> None:
    # 0-1-195 is NCEP's categorical snow; of CMA (38) it could be anything until its table says
    # what.
    file = file_of(tmp_path, message(1.0, (0, 1, 195), 1, 0, centre=38), message(280.0, centre=38))

    silent = read(file, CYCLE.run, {"categorical_snow": {}, "air_temperature": {}}, centre=38)[0]
    described = read(
        file,
        CYCLE.run,
        {"categorical_snow": {"key": [0, 1, 195, 1]}, "air_temperature": {}},
        centre=38,
    )[0]

    assert silent.attrs["absent"] == ["categorical_snow"]
    assert float(described["categorical_snow"][0, 0, 0]) == 1


def test_a_header_that_states_its_window_wins_over_the_table(tmp_path: Path) -> None:
    totals = [
        message(5.0, (0, 1, 8), 1, 0, 6, start=0, centre=98),
        message(7.0, (0, 1, 8), 1, 0, 12, start=6, centre=98),
    ]
    file = file_of(tmp_path, *totals)

    as_written = read(file, CYCLE.run, {"precipitation_amount": {}})[0]
    from_start = read(file, CYCLE.run, {"precipitation_amount": {"from_start": True}})[0]

    for atmosphere in (as_written, from_start):
        np.testing.assert_allclose(atmosphere["precipitation_amount"][:, 0, 0], [5, 7], atol=1e-3)
    assert as_written.attrs["faults"] == []
    [fault] = from_start.attrs["faults"]
    assert "precipitation_amount is of 6 to 12 h by its header" in fault
    assert "from_start: true" in fault


def test_a_sum_whose_header_states_no_window_runs_from_the_start_where_the_table_says_so(
    tmp_path: Path,
) -> None:
    # 3 mm by 6 h and 5 mm by 12 h, written as values at a moment: 2 mm in the second six hours
    totals = [
        message(3.0, (0, 1, 8), 1, 0, 6, centre=98),
        message(5.0, (0, 1, 8), 1, 0, 12, centre=98),
    ]
    file = file_of(tmp_path, *totals)

    read_from_start = read(file, CYCLE.run, {"precipitation_amount": {"from_start": True}})[0]

    np.testing.assert_allclose(read_from_start["precipitation_amount"][:, 0, 0], [3, 2], atol=1e-3)


def test_what_the_table_does_not_say_is_as_the_catalogue_has_it() -> None:
    parameters: dict[str, object] = {
        "relative_humidity": {"levels_hpa": [1000, 500]},
        "specific_humidity": {"index": "q pl"},
        "cloud_area_fraction": {"factor": 1},
    }

    humidity, specific, cloud = sorted(
        fields_of(model(parameters)), key=lambda field: list(parameters).index(field.name)
    )

    assert (humidity.name, humidity.levels, humidity.factor, humidity.own) == (
        "relative_humidity",
        (100000, 50000),
        0.01,
        False,
    )
    assert (specific.index, specific.auxiliary, specific.centre) == (("q", "pl"), False, 98)
    assert cloud.factor == 1


# -- members


def test_each_member_of_an_ensemble_becomes_an_atmosphere_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_member(number: int, value: float, **more: object) -> bytes:
        return message(
            value,
            productDefinitionTemplateNumber=1,
            perturbationNumber=number,
            numberOfForecastsInEnsemble=31,
            **more,
        )

    def rain_of(number: int, value: float) -> bytes:
        ensemble = {"perturbationNumber": number, "numberOfForecastsInEnsemble": 31}
        return message(value, (0, 1, 8), 1, 0, 6, start=0, template=11, **ensemble)

    first = file_of(tmp_path, of_member(1, 281.0), rain_of(1, 1.5), message(250.0), name="one")
    second = file_of(
        tmp_path, of_member(2, 282.0), of_member(3, 283.0), rain_of(3, 3.5), name="two"
    )
    described = model({"air_temperature": {}, "precipitation_amount": {}}, centre=7)
    needs = Needs(fields_of(described), described.all_steps, 90, -90, -180, 180)

    decoded = list[Order]()
    monkeypatch.setattr(
        "forecast.ingest.grib.reader.unpack",
        lambda orders: decoded.extend(orders) or unpack(orders),
    )

    members = read_members([first, second], CYCLE, needs, (3, 1, 9))

    assert len(decoded) == 4  # each message once, and none of a member that was not requested
    assert list(members) == [3, 1]  # 2 was not requested, 9 is not there
    assert [float(members[n]["air_temperature"][0, 0, 0, 0]) for n in (1, 3)] == pytest.approx(
        [281, 283]
    )
    assert [float(members[n]["precipitation_amount"][0, 0, 0]) for n in (1, 3)] == pytest.approx(
        [1.5, 3.5], abs=1e-3
    )
    alone = read_members([first, second], CYCLE, needs)
    assert [(n, float(one["air_temperature"][0, 0, 0, 0])) for n, one in alone.items()] == [
        (0, pytest.approx(250))
    ]


# -- aerosol


def test_of_aerosol_all_kinds_at_550_nm_are_read(shared: Path) -> None:
    # The file of CAMS holds two kinds at two wavelengths.
    path, whole = shared / "odd" / "optical-cams.grib", (90.0, -90.0, -180.0, 180.0)

    found = read(
        path, datetime(2011, 9, 29, tzinfo=UTC), {AEROSOL: {"key": [0, 20, 102, 1]}}, region=whole
    )[0][AEROSOL]

    expected = eccodes_values(path, 0, whole).reshape(7, 12)  # from 0 E, ours from 180 W
    np.testing.assert_allclose(found.values[0, ::-1], np.roll(expected, 6, axis=1), rtol=1e-6)


def test_the_cut_of_gefs_aerosol_over_africa_contradicts_itself_and_is_refused(
    shared: Path,
) -> None:
    path = shared / "pieces" / "gefs_aerosol_0p25_20240309T00_f000_africa.grib2"

    with pytest.raises(
        SourceCorrupt, match=r"320 lines 0\.25 degrees apart do not fill 80 degrees"
    ):
        read(
            path, datetime(2024, 3, 9, tzinfo=UTC), {AEROSOL: {}}, centre=7, region=(40, -40, 0, 55)
        )


def test_aerosol_of_gefs_is_read_from_a_sound_grid(shared: Path, tmp_path: Path) -> None:
    # The real messages, all 31, with the last corner set to where 220 x 320 points of 0.25 degree
    # end.
    path = shared / "pieces" / "gefs_aerosol_0p25_20240309T00_f000_africa.grib2"
    corner = {"latitudeOfLastGridPoint": -39_750_000, "longitudeOfLastGridPoint": 54_750_000}
    file = file_of(tmp_path, *reencoded(path, corner))

    found = read(
        file, datetime(2024, 3, 9, tzinfo=UTC), {AEROSOL: {}}, centre=7, region=(40, -40, 0, 55)
    )[0][AEROSOL]

    assert found.shape == (1, 320, 220)
    np.testing.assert_allclose(
        found.values[0, ::-1].ravel(), eccodes_values(file, 3, (40, -40, 0, 55)), rtol=1e-6
    )
    # the Bodele depression in March, dust's greatest source
    assert 0.5 < float(found.sel(latitude=17, longitude=18).item()) < 1.5


# -- edition 1


def test_a_table_of_a_centre_of_its_own_is_known_in_edition_1(tmp_path: Path) -> None:
    # ECMWF's table 210, number 207: aerosol optical depth at 550 nm, as the Atmosphere Data Store
    # gives CAMS.
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib1")
    for key, value in {
        "centre": 98,
        "table2Version": 210,
        "indicatorOfParameter": 207,
        "dataDate": 20260110,
        "dataTime": 0,
        "stepRange": 6,
        "indicatorOfTypeOfLevel": 1,
    }.items():
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set_values(handle, np.full(eccodes.codes_get(handle, "numberOfPoints"), 0.25))
    file = file_of(tmp_path, bytes(eccodes.codes_get_message(handle)))
    assert eccodes.codes_get(handle, "shortName") == "aod550"
    eccodes.codes_release(handle)

    found = read(file, CYCLE.run, {AEROSOL: {"grib1": [210207, 1]}}, region=(90, -90, -180, 180))[0]

    assert float(found[AEROSOL].mean()) == pytest.approx(0.25, abs=1e-4)
    with pytest.raises(MissingInput):
        read(file, CYCLE.run, {AEROSOL: {}}, region=(90, -90, -180, 180))


def test_the_tables_of_the_settings_name_what_contradicts_them(
    shared: Path, config: Config
) -> None:
    # 07: AIFS, headers 0-6 and 6-12 h of 5 and 7 mm; 08: cloud of 0 to 1 under a key in per cent
    [aifs] = [model for model in config.models if model.id == "aifs"]
    fields = fields_of(aifs)
    wanted = Needs(fields, (6, 12), 43, 37, 112, 120)

    [rain] = read_members(
        [shared / "failing" / "07_aifs_tp_6h_windows.grib2"], CYCLE, wanted
    ).values()
    np.testing.assert_allclose(rain["precipitation_amount"][:, 0, 0], [5, 7], atol=1e-3)
    assert "precipitation_amount is of 6 to 12 h by its header" in rain.attrs["faults"][0]

    with pytest.raises(SourceCorrupt, match=r"a fraction of 1\? then factor: 1"):
        read_members([shared / "failing" / "08_aifs_lcc_as_fraction.grib2"], CYCLE, wanted)
