"""Do the sources of further models give atmospheres in the catalogue's terms, from real fields?"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.config import Config, default_path
from forecast.errors import ConfigError, CycleNotReady, SourceCorrupt, SourceError
from forecast.ingest.aerosol import AEROSOL
from forecast.ingest.grib import reader
from forecast.ingest.grib.headers import inspect, scan
from forecast.ingest.inventory import parse_inventory, select
from forecast.ingest.parameter_table import fields_of
from forecast.ingest.sources import FetchedRun, ModelSource, needs_of, open_models
from forecast.sample.bucket import LoopbackBucket
from forecast.sample.demonstration import demonstration_config
from forecast.settings.sources import ModelSettings, ParameterSettings, StepSettings
from tests.faults.faulty_server import PatientClock
from tests.faults.small_models import (
    LEVELS,
    encoded,
    index_of,
    path_in,
    real_index,
    settings_for,
    small_messages,
    table,
    write_run,
)
from tests.gribs import message, reencoded

RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
NOW = RUN + timedelta(hours=9)


def read(config: Config, model: ModelSettings, tmp_path: Path, now: datetime = NOW) -> FetchedRun:
    """Write a small run of `model`, serve it, read it."""
    write_run(tmp_path / "tree", model, RUN)
    return served(config, model, tmp_path, now)


def served(config: Config, model: ModelSettings, tmp_path: Path, now: datetime = NOW) -> FetchedRun:
    with LoopbackBucket(tmp_path / "tree") as server:
        settings = settings_for(config, tmp_path, model, server.url)
        [source] = open_models(settings, PatientClock())
        return source.read(settings.all_sites(), now)


def dropped(config: Config, model: ModelSettings, tmp_path: Path) -> ModelSource:
    """Return the source of a model whose files are put into `drop`."""
    (tmp_path / "drop").mkdir(exist_ok=True)
    model = model.model_copy(
        update={"layout": "folder", "mirrors": (), "path": "", "folder": tmp_path / "drop"}
    )
    [source] = open_models(settings_for(config, tmp_path, model), PatientClock())
    return source


# -- from files to atmospheres, a small run of each layout


def test_the_ifs_comes_with_what_it_lacks_derived(config: Config, tmp_path: Path) -> None:
    run = read(config, table(config, "ifs"), tmp_path)

    [atmosphere] = run.atmospheres
    assert (run.cycle.id, run.model.id) == ("ifs-2026112200", "ifs")
    assert list(atmosphere["level"].values) == [100000, 85000, 50000]
    assert atmosphere.sizes["time"] == 3
    # 0.25 of everything that has no usual value: metres of rain and of snow's water come as kg m-2
    assert float(atmosphere["precipitation_amount"].sum("time").max()) == pytest.approx(
        0.25, rel=1e-3
    )
    assert float(atmosphere["surface_snow_amount"].max()) == pytest.approx(0.25, rel=1e-3)
    assert {"relative_humidity_at_2m", "surface_snow_thickness"} <= set(atmosphere.attrs["derived"])
    assert {"visibility_in_air", "low_type_cloud_area_fraction"} <= set(atmosphere.attrs["absent"])


def test_aifs_gives_heights_and_humidity_from_what_it_has(config: Config, tmp_path: Path) -> None:
    [atmosphere] = read(config, table(config, "aifs"), tmp_path).atmospheres

    # geopotential over standard gravity: 14220 / 9.80665 = 1450.0 m at 850 hPa
    height = atmosphere["geopotential_height"].sel(level=85000)
    assert float(height.mean()) == pytest.approx(1450.0, abs=0.5)
    assert {"geopotential_height", "relative_humidity"} <= set(atmosphere.attrs["derived"])


def test_members_of_gefs_become_an_atmosphere_each(config: Config, tmp_path: Path) -> None:
    run = read(config, table(config, "gefs"), tmp_path)

    assert len(run.atmospheres) == 3
    # each member was written 0.001 K warmer than the one before
    warmth = [float(atmosphere["air_temperature_at_2m"].mean()) for atmosphere in run.atmospheres]
    assert warmth == pytest.approx([291.001, 291.002, 291.003], abs=2e-4)
    assert run.notes == ()


def test_what_adds_to_others_comes_as_it_is(config: Config, tmp_path: Path) -> None:
    run = read(config, table(config, "gefs_aerosol"), tmp_path)

    [aerosol] = run.atmospheres
    assert run.model.adds
    assert list(aerosol.data_vars) == [AEROSOL]
    assert float(aerosol[AEROSOL].mean()) == pytest.approx(0.25, rel=1e-3)


def test_all_members_of_one_file_are_distinguished_by_their_numbers(
    config: Config, tmp_path: Path
) -> None:
    """ECMWF's ensemble keeps control and members of a step in one file, `number` in its index."""
    model = table(config, "ifs").model_copy(
        update={
            "members": (0, 2),
            "path": "{run:%Y%m%d}/{run:%H}z/ifs/0p25/enfo/{run:%Y%m%d%H}0000-{step}h-enfo-ef.grib2",
        }
    )
    for step in model.all_steps:
        path, lines, data = path_in(tmp_path / "tree", model, RUN, step), "", b""
        path.parent.mkdir(parents=True, exist_ok=True)
        for member in (2, 0, 1):
            rows = [row for row in small_messages(model, RUN, step, member) if row[0].name]
            lines += index_of(rows, RUN, step, path.name, member, len(data))
            data += b"".join(row[2] for row in rows)
        path.write_bytes(data)
        path.with_suffix(".index").write_text(lines)

    run = served(config, model, tmp_path)

    warmth = [float(atmosphere["air_temperature_at_2m"].mean()) for atmosphere in run.atmospheres]
    assert warmth == pytest.approx([291.0, 291.002], abs=2e-4)


def test_a_run_before_the_newest_states_its_age(config: Config, tmp_path: Path) -> None:
    run = read(config, table(config, "gefs_aerosol"), tmp_path, RUN + timedelta(hours=12))

    assert run.cycle.run == RUN
    assert run.notes == (
        "gefs_aerosol-2026112206 is not whole yet: gefs_aerosol-2026112200 serves, 12 h old",
    )


# -- real pieces


def test_real_steps_of_the_ifs_come_whole_and_unchanged(
    shared: Path, config: Config, tmp_path: Path
) -> None:
    """Four real steps of 17 August 2022, the index in ecCodes' own words: t and u are fetched, v
    between them is not.
    """
    pieces = shared / "pieces" / "ecmwf_0p4_20220817_tuv_f012-048.grib2"
    steps = {"first": 12, "last": 48, "every": 12}
    model = ModelSettings.model_validate(
        table(config, "ifs").model_dump()
        | {
            "run_hours": [6],
            "steps": [steps],
            "path": "{run:%Y%m%d}/{run:%H}z/0p4-beta/scda/{run:%Y%m%d%H}0000-{step}h-scda-fc.grib2",
            "parameters": {
                "air_temperature": {"index": "t pl", "levels_hpa": [850, 500]},
                "eastward_wind": {"index": "u pl", "levels_hpa": [850, 500]},
            },
        }
    )
    run = datetime(2022, 8, 17, 6, tzinfo=UTC)
    data = pieces.read_bytes()
    for step in model.all_steps:
        of_step = [data[m.offset : m.offset + m.length] for m in inspect(pieces) if m.end == step]
        path = path_in(tmp_path / "tree", model, run, step)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(of_step))
        path.with_suffix(".index").write_text(real_index(of_step))

    with LoopbackBucket(tmp_path / "tree") as server:
        settings = settings_for(config, tmp_path, model, server.url)
        [source] = open_models(settings, PatientClock())
        got = source.acquire(settings.all_sites(), run + timedelta(hours=9))
    atmosphere = reader.read_atmosphere(
        got.files, got.cycle, needs_of(settings, settings.all_sites(), model), 1
    )

    for path in got.files:
        assert [m.parameter for m in scan(path.read_bytes(), path.name)].count((0, 2, 3)) == 0
        assert all(path.read_bytes()[m.offset : m.offset + m.length] in data for m in inspect(path))
    assert dict(atmosphere["air_temperature"].sizes)["time"] == 4
    # August over north China
    assert 280 < float(atmosphere["air_temperature"].sel(level=85000).mean()) < 300


def test_the_real_ground_of_the_ifs_comes_through_its_table(
    shared: Path, config: Config, tmp_path: Path
) -> None:
    """Snow, its density and cloud of 10 March 2026 as ECMWF numbers them, fetched by the table of
    the program's settings.
    """
    whole = (shared / "pieces" / "ifs_0p25_20260310T00_f000_surface5.grib2").read_bytes()
    model = table(config, "ifs")
    wanted = ("surface_snow_amount", "surface_snow_density", "cloud_area_fraction")
    model = ModelSettings.model_validate(
        model.model_dump()
        | {
            "steps": [{"first": 0, "last": 0, "every": 1}],
            "parameters": {name: model.parameters[name].model_dump() for name in wanted},
        }
    )
    run = datetime(2026, 3, 10, tzinfo=UTC)
    messages = [whole[m.offset : m.offset + m.length] for m in scan(whole, "surface5")]
    path = path_in(tmp_path / "tree", model, run, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(whole)
    path.with_suffix(".index").write_text(real_index(messages))

    with LoopbackBucket(tmp_path / "tree") as server:
        settings = settings_for(config, tmp_path, model, server.url)
        [source] = open_models(settings, PatientClock())
        got = source.acquire(settings.all_sites(), run + timedelta(hours=9))
    atmosphere = reader.read_atmosphere(
        got.files, got.cycle, needs_of(settings, settings.all_sites(), model), 1
    )

    assert set(wanted) <= set(atmosphere.data_vars)
    assert 0 < float(atmosphere["cloud_area_fraction"].max()) <= 1
    assert 0 < float(atmosphere["surface_snow_amount"].max()) < 1000


def test_of_31_real_fields_of_aerosol_the_one_at_550_nm_is_fetched(
    shared: Path, config: Config, tmp_path: Path
) -> None:
    """The real file of GEFS-Aerosols over Africa (its last corner mended, which contradicts the
    rest), listed as wgrib2 lists it.
    """
    corner = {"latitudeOfLastGridPoint": -39_750_000, "longitudeOfLastGridPoint": 54_750_000}
    whole = reencoded(shared / "pieces" / "gefs_aerosol_0p25_20240309T00_f000_africa.grib2", corner)
    model = table(config, "gefs_aerosol").model_copy(
        update={"steps": (StepSettings(first=0, last=0, every=1),)}
    )
    run = datetime(2024, 3, 9, tzinfo=UTC)
    path = path_in(tmp_path / "tree", model, run, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(whole))
    path.with_name(path.name + ".idx").write_text(aerosol_idx(path))
    # where most of the world's dust is raised
    bodele = replace(config.all_sites()[0], latitude=17.0, longitude=18.0)

    with LoopbackBucket(tmp_path / "tree") as server:
        settings = settings_for(config, tmp_path, model, server.url)
        [source] = open_models(settings, PatientClock())
        got = source.acquire([bodele], run + timedelta(hours=9))
        [aerosol] = source.read([bodele], run + timedelta(hours=9)).atmospheres

    [fetched] = inspect(got.files[0])
    assert fetched.aerosol is not None
    assert (len(whole), fetched.parameter, fetched.aerosol.kind) == (31, (0, 20, 102), 62000)
    assert (fetched.aerosol.shortest, fetched.aerosol.longest) == (
        pytest.approx(545e-9),
        pytest.approx(565e-9),
    )
    assert 0.5 < float(aerosol[AEROSOL].sel(latitude=17, longitude=18).item()) < 1.5


def aerosol_idx(path: Path) -> str:
    names = {(0, 20, 102): "AOTK:entire atmosphere"}
    kinds = {
        62000: "Total aerosol",
        62001: "Dust dry",
        62006: "Sulphate dry",
        62008: "Sea salt dry",
        62009: "Black carbon dry",
    }
    lines = []
    for number, m in enumerate(inspect(path), start=1):
        assert m.aerosol is not None
        name = names.get(m.parameter, "PMTF:surface")
        band = (
            f"aerosol_wavelength >={m.aerosol.shortest:.3g},<={m.aerosol.longest:.3g}"
            if m.parameter in names
            else ""
        )
        kind = kinds.get(m.aerosol.kind, "other")
        lines.append(
            f"{number}:{m.offset}:d=2024030900:{name}:anl:"
            f"aerosol={kind}:aerosol_size <2e-05:{band}\n"
        )
    return "".join(lines)


@pytest.mark.parametrize(
    ("more", "served"),
    [
        (
            "aerosol=Total aerosol:aerosol_size <2e-05:aerosol_wavelength >=5.45e-07,<=5.65e-07",
            True,
        ),
        ("aerosol=Total Aerosol:aerosol_size <2e-05:aerosol_wavelength >=5.5e-07,<=5.5e-07", True),
        (
            "aerosol=Total aerosol:aerosol_size <2e-05:aerosol_wavelength >=3.38e-07,<=3.42e-07",
            False,
        ),
        ("aerosol=Dust dry:aerosol_size <2e-05:aerosol_wavelength >=5.45e-07,<=5.65e-07", False),
        (
            "aerosol=Total aerosol:aerosol_size <2e-05:aerosol_wavelength >=5..45e-07,<=5.65e-07",
            False,
        ),
        ("ens mean", False),
    ],
)
def test_an_optical_thickness_is_of_all_aerosol_in_the_middle_of_the_visible(
    more: str, served: bool, config: Config
) -> None:
    """Spelling of real .idx lines, of 2024 (GEFS-Aerosols) and of its successor."""
    model = table(config, "gefs_aerosol")
    [source] = open_models(config.model_copy(update={"models": (model,)}))
    cycle = source._source.candidates(NOW)[0]
    text = f"1:0:d={cycle.run:%Y%m%d%H}:AOTK:entire atmosphere:3 hour fcst:{more}\n".encode()

    assert (
        bool(select(parse_inventory(text, cycle, "some.idx"), fields_of(model), 3).wanted) is served
    )


# -- files of a drop folder


@dataclass
class Dropped:
    """A small run of a model of the bureau, in files of one step with any names."""

    model: ModelSettings
    folder: Path

    def write(
        self, *steps: int, run: datetime = RUN, centre: int = 38, name: str = "Z_NAFP_C_BABJ"
    ) -> None:
        self.folder.mkdir(exist_ok=True)
        model = self.model.model_copy(update={"centre": centre})
        for step in steps:
            data = [row[2] for row in small_messages(model, run, step, None)]
            (self.folder / f"{name}_{run:%Y%m%d%H%M%S}_{step:03d}.bin").write_bytes(b"".join(data))


@pytest.fixture
def cma(config: Config, tmp_path: Path) -> Dropped:
    name = {"zh": "x", "en": "CMA-GFS"}
    levels = {"levels_hpa": [level / 100 for level in LEVELS]}
    model = ModelSettings.model_validate(
        {
            "id": "cma_gfs",
            "name": name,
            "attribution": name,
            "layout": "folder",
            "centre": 38,
            "folder": tmp_path / "drop",
            "steps": [{"first": 0, "last": 12, "every": 6}],
            "parameters": {
                "air_temperature": levels,
                "relative_humidity": levels,
                "geopotential_height": levels,
                "precipitation_amount": {},
                "low_type_cloud_area_fraction": {"key": [0, 6, 3, 1]},
            },
        }
    )
    return Dropped(model, tmp_path / "drop")


def test_a_dropped_model_of_any_name_is_read_by_its_table(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    cma.write(0, 6, 12)
    (cma.folder / "readme.doc").write_text("no GRIB at all")

    run = dropped(config, cma.model, tmp_path).read(config.all_sites(), NOW)

    [atmosphere] = run.atmospheres
    assert run.cycle.run == RUN
    assert run.attribution.en == "CMA-GFS"
    assert atmosphere.sizes["time"] == 3
    assert float(atmosphere["low_type_cloud_area_fraction"].mean()) == pytest.approx(0.25, abs=1e-3)
    assert "readme.doc" in run.notes[0]


def test_files_of_another_centre_are_left_alone(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    cma.write(0, 6)
    cma.write(12, centre=7, name="gfs")
    source = dropped(config, cma.model, tmp_path)

    with pytest.raises(CycleNotReady, match="2 of 3 steps, f012 is the first that lacks"):
        source.acquire(config.all_sites(), NOW)
    cma.write(12)

    assert [
        path.name.startswith("Z_NAFP") for path in source.acquire(config.all_sites(), NOW).files
    ] == [True] * 3


def test_the_field_that_a_wrong_key_misses_is_named_with_the_key(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    cma.write(0, 6, 12)
    wrong = cma.model.parameters["air_temperature"].model_copy(update={"key": (0, 0, 99, 100)})
    model = cma.model.model_copy(
        update={"parameters": cma.model.parameters | {"air_temperature": wrong}}
    )

    with pytest.raises(
        CycleNotReady,
        match=r"f000 .* lacks: air_temperature \(key 0/0/99/100.*models\.cma_gfs\.parameters",
    ):
        dropped(config, model, tmp_path).read(config.all_sites(), NOW)


def test_messages_of_another_centre_are_counted_where_nothing_else_is_there(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    cma.write(0, 6, 12, centre=7)
    count = sum(len(inspect(path)) for path in cma.folder.iterdir())
    source = dropped(config, cma.model, tmp_path)

    for _ in ("read", "remembered"):
        with pytest.raises(
            CycleNotReady,
            match=rf"{count} of centre 7, for 38 is looked for \(models\.cma_gfs\.centre\)",
        ):
            source.read(config.all_sites(), NOW)
        source = dropped(config, cma.model, tmp_path)


def test_an_implausible_value_points_to_the_factor_in_the_table(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    cma.write(0, 6, 12)
    wrong = cma.model.parameters["air_temperature"].model_copy(update={"factor": 0.1})
    model = cma.model.model_copy(
        update={"parameters": cma.model.parameters | {"air_temperature": wrong}}
    )

    with pytest.raises(SourceCorrupt, match=r"air_temperature is .* check factor"):
        dropped(config, model, tmp_path).read(config.all_sites(), NOW)


def test_a_table_too_short_for_a_forecast_is_refused_with_what_it_lacks(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    cma.write(0, 6, 12)
    few = {
        name: settings
        for name, settings in cma.model.parameters.items()
        if name in ("air_temperature", "precipitation_amount")
    }
    source = dropped(config, cma.model.model_copy(update={"parameters": few}), tmp_path)

    with pytest.raises(
        SourceCorrupt,
        match=r"lacks relative_humidity, geopotential_height.*models\.cma_gfs\.parameters",
    ):
        source.read(config.all_sites(), NOW)


def test_a_dropped_file_still_being_written_is_left_and_looked_at_again(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    cma.write(0, 6, 12)
    growing = sorted(cma.folder.iterdir())[-1]
    whole = growing.read_bytes()
    growing.write_bytes(whole[: len(whole) // 2])
    source = dropped(config, cma.model, tmp_path)

    with pytest.raises(CycleNotReady, match="f012"):
        source.acquire(config.all_sites(), NOW)
    growing.write_bytes(whole)

    assert len(source.acquire(config.all_sites(), NOW).files) == 3


class Writer(PatientClock):
    """While the service waits, another message is written."""

    def __init__(self, path: Path, rest: list[bytes]) -> None:
        super().__init__()
        self._path, self._rest = path, rest

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self._rest:
            with self._path.open("ab") as file:
                file.write(self._rest.pop(0))


def test_a_file_that_grows_message_by_message_is_left_until_it_rests(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    """At every moment it is sound GRIB; only a second look shows the growth."""
    cma.write(0, 6, 12)
    growing = sorted(cma.folder.iterdir())[-1]
    data = growing.read_bytes()
    parts = [data[m.offset : m.offset + m.length] for m in inspect(growing)]
    growing.write_bytes(b"".join(parts[:-2]))
    [source] = open_models(settings_for(config, tmp_path, cma.model), Writer(growing, parts[-2:]))

    for _ in range(2):
        with pytest.raises(CycleNotReady, match="is still being written"):
            source.acquire(config.all_sites(), NOW)
    source.acquire(config.all_sites(), NOW)

    assert growing.read_bytes() == data


def test_a_step_without_humidity_is_not_whole(cma: Dropped, config: Config, tmp_path: Path) -> None:
    cma.write(0, 6, 12)
    last = sorted(cma.folder.iterdir())[-1]
    data = last.read_bytes()
    last.write_bytes(
        b"".join(
            data[m.offset : m.offset + m.length] for m in inspect(last) if m.parameter != (0, 1, 1)
        )
    )

    with pytest.raises(CycleNotReady, match="2 of 3 steps"):
        dropped(config, cma.model, tmp_path).acquire(config.all_sites(), NOW)


def test_two_models_of_one_centre_do_not_mix_for_each_has_a_folder_of_its_own(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    cma.write(0, 6, 12)
    (tmp_path / "meso").mkdir()
    meso = cma.model.model_copy(update={"id": "cma_meso", "folder": tmp_path / "meso"})
    source = config.source.model_copy(update={"cycles": tmp_path / "cycles"})
    gfs_source, meso_source = open_models(
        config.model_copy(update={"models": (cma.model, meso), "source": source})
    )

    with pytest.raises(CycleNotReady, match="cma_meso"):
        meso_source.acquire(config.all_sites(), NOW)

    assert len(gfs_source.acquire(config.all_sites(), NOW).files) == 3


def test_a_dropped_aerosol_joins_by_its_table(config: Config, tmp_path: Path) -> None:
    model = table(config, "gefs_aerosol")
    source = dropped(config, model, tmp_path)
    [field] = fields_of(model)
    for step in model.all_steps:
        (tmp_path / "drop" / f"aod{step}").write_bytes(encoded(model, field, None, RUN, step))

    run = source.read(config.all_sites(), NOW)

    assert run.atmospheres[0].sizes["time"] == 3


def test_a_folder_that_is_not_there_names_the_setting(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    source = dropped(config, cma.model, tmp_path)
    cma.folder.rmdir()

    with pytest.raises(CycleNotReady, match=r"make it, or set models\.cma_gfs\.folder"):
        source.acquire(config.all_sites(), NOW)


# -- what may go wrong stays with the model


def test_one_message_beyond_the_limits_costs_its_level_and_is_named(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    cma.write(0, 6, 12)
    last = sorted(cma.folder.iterdir())[-1]
    last.write_bytes(
        last.read_bytes() + message(9000.0, (0, 0, 0), 100, 30000, 12, run=RUN, centre=38)
    )
    temperature = cma.model.parameters["air_temperature"].model_copy(
        update={"levels_hpa": (1000.0, 850.0, 500.0, 300.0)}
    )
    model = cma.model.model_copy(
        update={"parameters": cma.model.parameters | {"air_temperature": temperature}}
    )

    run = dropped(config, model, tmp_path).read(config.all_sites(), NOW)

    [atmosphere] = run.atmospheres
    [fault] = atmosphere.attrs["faults"]
    assert "air_temperature is 9000 K" in fault
    assert np.isfinite(atmosphere["air_temperature"].sel(level=85000.0).values).all()
    above = atmosphere.reindex(level=[30000.0])["air_temperature"]
    assert np.isnan(above.sel(time="2026-11-22T12:00").values).all()


def test_a_model_of_impossible_temperatures_fails_as_a_source(
    cma: Dropped, config: Config, tmp_path: Path
) -> None:
    """Temperatures of 2800 K: no message is of use, so the run is refused."""
    cma.write(0, 6, 12)
    hot = cma.model.parameters["air_temperature"].model_copy(update={"factor": 10.0})
    model = cma.model.model_copy(
        update={"parameters": cma.model.parameters | {"air_temperature": hot}}
    )

    with pytest.raises(SourceError, match="air_temperature"):
        dropped(config, model, tmp_path).read(config.all_sites(), NOW)


def test_opening_the_models_makes_no_request(config: Config) -> None:
    sources = open_models(config)

    assert (
        [source.model.id for source in sources]
        == [model.id for model in config.models if model.enabled]
        == ["ifs", "aifs", "gefs_aerosol"]
    )


@pytest.mark.parametrize(
    "path", ["{date}/x.grib2", "{run:%Y}/{step:03d", "{0}", "{run.nothing}", "{step:%Y}"]
)
def test_a_path_that_cannot_be_filled_in_stops_the_start(path: str, config: Config) -> None:
    model = table(config, "ifs").model_copy(update={"path": path})

    with pytest.raises(ConfigError, match=r"models\.ifs\.path"):
        open_models(config.model_copy(update={"models": (model,)}))


def test_mirrors_keep_the_order_of_the_settings_and_their_names_carry_no_secret(
    config: Config,
) -> None:
    """sources.md: AWS, then ECMWF, then Google."""
    ifs = next(model for model in config.models if model.id == "ifs")
    secret = ifs.mirrors[0].model_copy(update={"url": "https://user:secret@example.org/tree"})
    [source] = open_models(
        config.model_copy(
            update={"models": (ifs.model_copy(update={"mirrors": (*ifs.mirrors, secret)}),)}
        )
    )

    names = [provider.name for provider in source._source._providers]
    shown = config.model_copy(
        update={"models": (ifs.model_copy(update={"mirrors": (secret,)}),)}
    ).shown()
    assert [name.partition("/")[0] for name in names] == [
        "ecmwf-forecasts.s3.eu-central-1.amazonaws.com",
        "data.ecmwf.int",
        "storage.googleapis.com",
        "example.org",
    ]
    assert "secret" not in " ".join(names)
    assert shown["models"][0]["mirrors"][0]["url"] == "https://user:***@example.org/tree"


# -- the settings that come with the program


def test_every_model_of_ecmwf_is_attributed_as_its_licence_requires(config: Config) -> None:
    """CC BY 4.0, section 3a: creator, licence, link, and that it was modified; ECMWF's own wording
    from sources.md.
    """
    of_ecmwf = [model for model in config.models if model.layout == "ecmwf"]

    assert of_ecmwf
    for model in of_ecmwf:
        assert "© ECMWF" in model.attribution.en
        assert "This data is published under CC BY 4.0" in model.attribution.en
        assert all(
            "www.ecmwf.int" in text and "CC BY 4.0" in text
            for text in (model.attribution.zh, model.attribution.en)
        )


def test_every_model_of_the_settings_can_be_switched_on(config: Config) -> None:
    config = config.model_copy(
        update={
            "models": tuple(model.model_copy(update={"enabled": True}) for model in config.models)
        }
    )

    known = {"ifs", "aifs", "gefs_aerosol", "gefs", "cma_gfs", "cma_meso", "cams"}
    known |= {"cmadaas_gfs", "cmadaas_meso", "cmadaas_ec", "ec_micaps"}
    assert known == {model.id for model in config.models}
    assert len(open_models(config)) == len(known)


def test_every_setting_of_a_model_is_shown_in_the_settings_file() -> None:
    models = (
        default_path()
        .read_text(encoding="utf-8")
        .partition("\nmodels:\n")[2]
        .partition("\narchive:\n")[0]
    )

    for settings in (ModelSettings, ParameterSettings):
        assert {
            name for name in settings.model_fields if not re.search(rf"\b{name}:", models)
        } == set()


def test_the_demonstration_uses_no_further_model(config: Config, tmp_path: Path) -> None:
    assert demonstration_config(config, "http://127.0.0.1:9", tmp_path, tmp_path).models == ()
