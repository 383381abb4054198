"""Is a run from CMADaaS fetched whole, resumed, and read as the same run in any other form?"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from forecast.config import CMADAAS_PASSWORD, CMADAAS_USER, Config, build_config
from forecast.errors import ConfigError, CycleNotReady, SourceCorrupt, SourceError
from forecast.ingest import sources
from forecast.ingest.cmadaas import open_cmadaas
from forecast.ingest.cmadaas_parameters import fields_asked
from forecast.ingest.micaps_grids import parse_micaps
from forecast.quantities import FIELDS
from forecast.sample.cmadaas import LoopbackCmadaas
from forecast.sample.cmadaas_world import SampleRuns
from tests.cmadaas_runs import (
    ACCOUNT,
    RUN,
    features_at,
    read_further,
    sample_runs,
    small,
    with_account,
    write_grib,
    write_micaps,
)  # fmt: skip
from tests.cmadaas_runs import FIELDS as FIELDS_A_STEP

NOW = RUN + timedelta(hours=6)
GRID = "8 24 850 1 -1 115 117 41 40 3 2 4 0 40 1 0"  # of a diamond 4 with two rows of three


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from with_account(monkeypatch)


@pytest.fixture(scope="module")
def runs(config: Config, tmp_path_factory: pytest.TempPathFactory) -> SampleRuns:
    return sample_runs(small(config, tmp_path_factory.mktemp("runs")))


@pytest.fixture
def double(runs: SampleRuns) -> Iterator[LoopbackCmadaas]:
    with LoopbackCmadaas(runs, ACCOUNT) as server:
        yield server


def read(config: Config) -> xr.Dataset:
    return read_further(config, NOW)


def test_grids_dropped_grib_and_micaps_text_give_the_same_features(
    config: Config, runs: SampleRuns, double: LoopbackCmadaas, tmp_path: Path
) -> None:
    asked = small(config, tmp_path, double.url)
    dropped = write_grib(tmp_path / "drop", asked, runs)
    text = write_micaps(tmp_path / "text", asked, runs)

    ways = [asked, *(asked.model_copy(update={"models": (each,)}) for each in (dropped, text))]
    atmospheres = [read(each) for each in ways]

    first, others = atmospheres[0], atmospheres[1:]
    assert double.refusals == []
    # every field once, none of precipitation at the run's start, and the newest run
    assert double.requests == 3 * FIELDS_A_STEP - 1 + 1
    read(asked)
    assert double.requests == 3 * FIELDS_A_STEP  # nothing is asked for twice
    for other in others:
        assert set(other.data_vars) == set(first.data_vars)
        area = other.sel(latitude=first.latitude, longitude=first.longitude)
        for name in first.data_vars:
            field = FIELDS.get(str(name))
            if field is None or name in first.attrs["derived"]:
                continue
            span = float(np.nanmax(first[name]) - np.nanmin(first[name]))
            # seven digits of text and 24 bits of packing; a sum is a difference of two
            apart = np.abs(area[name].values - first[name].values)
            share = 2e-6 if field.statistic == "point" else 1e-4
            assert np.nanmax(apart) <= share * (span + float(np.nanmax(np.abs(first[name]))))
    features = [features_at(asked, each, NOW) for each in atmospheres]
    assert sum(np.isfinite(values).sum() for values in features[0].values()) > 20
    for other in features[1:]:
        for name, values in features[0].items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(other[name], values, rtol=1e-3, atol=1e-3, err_msg=name)


def test_a_run_is_completed_through_kills_and_failures_without_asking_twice(
    config: Config, double: LoopbackCmadaas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of all requests fail and the process ends again and again; each field arrives once."""
    chance = random.Random(3)
    kinds = ("busy", "truncated", "html", "server", "reset")
    served: list[str] = []

    def fault(_: int, query: object) -> str:
        if chance.random() < 0.5:
            return chance.choice(kinds)
        served.append(str(sorted((k, v) for k, v in query.items() if k in KEYS)))  # type: ignore[attr-defined]
        return ""

    double.faults = fault  # type: ignore[assignment]
    asked = small(config, tmp_path, double.url, connections=1)
    monkeypatch.setattr("forecast.http.BACK_OFF", (0.0, 0.0))
    monkeypatch.setattr("forecast.http.BACK_OFF", (0.0, 0.0))
    for _ in range(60):
        try:
            found = read(asked)
            break
        except SourceError:
            open_cmadaas.cache_clear()
    else:
        pytest.fail("the run was never complete")

    grids = [each for each in served if "fcstEle" in each and f"{RUN:%Y%m%d%H}" in each]
    assert len(grids) == len(set(grids)) == 3 * FIELDS_A_STEP - 1
    assert "air_temperature" in found


KEYS = ("fcstEle", "levelType", "fcstLevel", "validTime", "time", "interfaceId")


def test_a_run_that_is_not_complete_yet_is_not_used(
    config: Config, double: LoopbackCmadaas, runs: SampleRuns, tmp_path: Path
) -> None:
    asked = small(config, tmp_path, double.url)
    whole = runs._steps
    runs._steps = frozenset(whole - {24})
    try:
        with pytest.raises(CycleNotReady, match="no whole run"):
            read(asked)
    finally:
        runs._steps = whole
    assert double.by_interface[double.interfaces.grid] < 10


def test_a_newer_run_than_the_services_newest_costs_one_request(
    config: Config, double: LoopbackCmadaas, tmp_path: Path
) -> None:
    asked = small(config, tmp_path, double.url)
    [source] = sources.open_models(asked)

    got = source.acquire(asked.all_sites(), RUN + timedelta(hours=14))

    assert got.cycle.run == RUN
    assert double.by_interface[double.interfaces.latest_run] == 2


def test_an_element_that_is_not_served_is_left_out_and_the_run_is_used(
    config: Config, double: LoopbackCmadaas, runs: SampleRuns, tmp_path: Path
) -> None:
    asked = small(config, tmp_path, double.url)
    mark = ("TPE", "1", "0")
    lacking = {key: each for key, each in runs._asked.items() if key != mark}
    whole, runs._asked = runs._asked, lacking
    try:
        found = read(asked)
    finally:
        runs._asked = whole

    assert "precipitation_amount" in found.attrs["absent"]
    assert "air_temperature" in found


def test_listed_files_are_fetched_once_and_read_by_their_headers(
    config: Config, runs: SampleRuns, double: LoopbackCmadaas, tmp_path: Path
) -> None:
    asked = small(config, tmp_path, double.url)
    dropped = write_grib(tmp_path / "source", asked, runs)
    listed = {each.name: each.read_bytes() for each in (tmp_path / "source").iterdir()}
    listed["picture.png"] = b"no GRIB"
    double.data = _WithFiles(runs, listed)  # type: ignore[assignment]
    model = asked.models[0]
    assert model.cmadaas is not None
    by_files = model.cmadaas.model_copy(update={"fetch": "files", "file_name": r"grib2$"})
    model = model.model_copy(update={"cmadaas": by_files, "parameters": dropped.parameters})
    asked = asked.model_copy(update={"models": (model,)})

    found = read(asked)
    before = double.requests
    again = read(asked)

    assert double.requests == before == 1 + 1 + 3
    assert set(found.data_vars) == set(again.data_vars)
    assert "precipitation_amount" in found
    files = sorted(path.name for path in (tmp_path / "cycles").glob("cmadaas_gfs-files/*/*"))
    assert files == sorted(name for name in listed if name.endswith("grib2"))


class _WithFiles:
    """The sample's runs, and files of one of them."""

    def __init__(self, runs: SampleRuns, files: dict[str, bytes]) -> None:
        self._runs, self._files = runs, files

    def __getattr__(self, name: str) -> object:
        return getattr(self._runs, name)

    def files(self, data_code: str, run: object) -> dict[str, bytes] | None:
        return self._files if run == RUN else None


def test_the_leading_model_may_come_from_cmadaas(
    config: Config, double: LoopbackCmadaas, tmp_path: Path
) -> None:
    asked = small(config, tmp_path, double.url)
    model = asked.models[0]
    source = asked.source.model_copy(
        update={
            "order": ("cmadaas", "folder"), "cmadaas": model.cmadaas, "delay_hours": 0.0,
            "parameters": model.parameters, "steps": model.steps, "folder": tmp_path / "none",
        }
    )  # fmt: skip
    asked = asked.model_copy(update={"source": source, "models": ()})
    opened = sources.open_source(asked)
    needs = sources.needs_of(asked, asked.all_sites())

    got = opened.acquire(needs, NOW)

    assert (got.origin, got.cycle.run) == ("cmadaas", RUN)
    assert got.attribution == f"CMADaaS {model.cmadaas.data_code}"
    from forecast.ingest.grib import reader

    found = reader.read_atmosphere(got.files, got.cycle, needs, threads=1)
    assert {"air_temperature", "relative_humidity", "geopotential_height"} <= set(found.data_vars)


def test_the_block_of_the_page_for_a_lead_by_cmadaas_is_a_whole_section_of_settings(
    config: Config,
) -> None:
    page = Path("docs/cmadaas.zh.md").read_text(encoding="utf-8")
    [block] = (each for each in re.findall(r"```yaml\n(.*?)```", page, re.S) if "source:" in each)
    values = config.model_dump(mode="json")
    for section, written in yaml.safe_load(block).items():
        values[section] |= written
    values["cmadaas"]["url"] = "http://10.0.0.1:8008/music-ws/api"

    built = build_config(values, {})

    [table] = (each for each in built.models if each.id == "cmadaas_gfs")
    source = built.source
    assert source.order[0] == "cmadaas"
    assert source.parameters == table.parameters
    assert (source.all_steps, source.run_hours, source.delay_hours) == (
        table.all_steps, table.run_hours, table.delay_hours
    )  # fmt: skip
    assert source.all_steps[-1] == 24 * built.forecast.days
    assert source.attribution == table.attribution
    assert source.cmadaas is not None
    assert source.cmadaas.deadline_seconds == table.deadline_seconds
    needs = sources.needs_of(built, built.all_sites())
    named = {each.field.name for each in fields_asked(source.parameters)}
    assert named <= {field.name for field in needs.fields}
    assert sources.open_source(built)


def test_without_an_account_such_a_model_is_named_and_the_others_serve(
    config: Config, double: LoopbackCmadaas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CMADAAS_USER)
    monkeypatch.delenv(CMADAAS_PASSWORD)
    open_cmadaas.cache_clear()

    with pytest.raises(SourceError, match="SKYSCAPE_CMADAAS_USER"):
        read(small(config, tmp_path, double.url))
    assert double.requests == 0


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"cmadaas": None}, "names its data set"),
        ({"members": [1, 2]}, "ensembles are not read"),
        ({"parameters": {"air_temperature": {}}}, "no field says how the service calls it"),
        ({"layout": "micaps", "folder": "x"}, "no field names the folder of its files"),
    ],
)
def test_a_model_of_the_service_with_half_its_settings_says_what_is_missing(
    config: Config, change: dict[str, object], advice: str
) -> None:
    values = config.model_dump(mode="json")
    [model] = (each for each in values["models"] if each["id"] == "cmadaas_gfs")
    model.update(change)

    with pytest.raises(ConfigError, match=advice):
        build_config(values, {})


def test_an_order_that_begins_with_cmadaas_names_its_data_set(config: Config) -> None:
    values = config.model_dump(mode="json")
    values["source"]["order"] = ["cmadaas", "bucket"]

    with pytest.raises(ConfigError, match=r"cmadaas: \{data_code"):
        build_config(values, {})

    [model] = (each for each in values["models"] if each["id"] == "cmadaas_gfs")
    values["source"] |= {"cmadaas": model["cmadaas"], "parameters": model["parameters"]}
    with pytest.raises(ConfigError, match="it credits NCEP, but order names cmadaas"):
        build_config(values, {})
    values["source"]["attribution"] = model["attribution"]
    assert build_config(values, {}).source.order[0] == "cmadaas"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("diamond 3 x\n", "no MICAPS diamond 4 or 11"),
        ("diamond 4 x\n2026 11 22 8 24 850 1 -1 115 117", "the head has 10 numbers, not 19"),
        (f"diamond 4 x\n26 11 22 {GRID}\n1 2 3 4 5", "5 values, its head says 1 times 2 by 3"),
        (
            "diamond 4 x\n26 11 22 8 24 850 1 -1 115 117 41 40 3 2 4 0 40 1 0\n1 2 3 4 5 x",
            "numbers",
        ),
        (
            "diamond 4 x\n26 11 22 8 24 850 2 -1 115 117 41 40 3 2 4 0 40 1 0\n1 2 3 4 5 6",
            "spacing 2 and its corners",
        ),
        (
            "diamond 4 x\n26 13 22 8 24 850 1 -1 115 117 41 40 3 2 4 0 40 1 0\n1 2 3 4 5 6",
            "no time",
        ),
    ],
)
def test_a_micaps_file_that_is_not_whole_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(SourceCorrupt, match=reason):
        parse_micaps(text.encode(), "TMP/850/x")


def test_a_micaps_wind_has_its_two_components_and_missing_values_are_none() -> None:
    text = (
        "diamond 11 \xb7\xe7\n2026 11 22 8 24 850 1 1 115 117 40 41 3 2\n"
        "1 2 3 4 5 9999\n-1 -2 -3 -4 -5 -6"
    )
    found = parse_micaps(text.encode("latin-1"), "WIND")

    assert found.latitudes.tolist() == [41, 40]
    assert found.parts[0][1].tolist() == [1, 2, 3]
    assert np.isnan(found.parts[0][0, 2])
    assert found.parts[1][0].tolist() == [-4, -5, -6]
