"""Real stations and a real run, served by the double: does the line take them in as they are?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.ingest.cmadaas import Cmadaas, CmadaasAccount
from forecast.observations.cmadaas import CmadaasReports
from forecast.observations.intake import Intake
from forecast.quantities import FIELDS
from forecast.sample.cmadaas import LoopbackCmadaas
from forecast.sample.cmadaas_world import HOURLY, ServedRecords, records
from forecast.settings import ObservationSettings
from forecast.settings.cmadaas import CmadaasSettings, CmadaasStationSettings
from tests.cmadaas_real import (
    DINGLING,
    RUN,
    STEPS,
    WEEK,
    RealRun,
    dingling,
    dingling_records,
    norwegian,
    tatra,
)
from tests.cmadaas_runs import ACCOUNT, features_at, read_further, with_account

NOW = RUN + timedelta(hours=4)  # of the real run

ELEMENTS = (
    "air_temperature", "dew_point_temperature", "air_pressure", "precipitation_amount",
    "wind_speed", "visibility_in_air", "cloud_area_fraction", "cloud_base_height",
)  # fmt: skip
# name at the service -> element, factor and offset to SI, by hand
BY_HAND = {
    "TEM": ("air_temperature", 1.0, 273.15), "DPT": ("dew_point_temperature", 1.0, 273.15),
    "PRS": ("air_pressure", 100.0, 0.0), "PRE_1h": ("precipitation_amount", 1.0, 0.0),
    "WIN_S_Avg_10mi": ("wind_speed", 1.0, 0.0),
}  # fmt: skip
FULL = 20  # of the thinned table's fields of a step that the real files hold, at least


def test_a_real_week_of_two_stations_is_archived_as_their_files_have_it(
    shared: Path, tmp_path: Path
) -> None:
    reports, places = norwegian(shared, tmp_path)
    data = ServedRecords({HOURLY: [*dingling_records(shared), *records(reports, places)]})
    data.by_code[HOURLY].sort(key=lambda row: row["Datetime"])
    now = WEEK + timedelta(days=7)
    [(user, password)] = ACCOUNT.items()
    with LoopbackCmadaas(data, ACCOUNT, now=now.timestamp) as double:
        door = CmadaasSettings(url=double.url, state=tmp_path / "state", requests_per_minute=6000)
        interface = Cmadaas(door, CmadaasAccount(user, password), now=now.timestamp)
        wanted = CmadaasStationSettings.model_validate({
            "admin_codes": ["110109"], "first_hours": 168, "corrections_hours": 0,
            "datasets": [{"data_code": HOURLY, "elements": ELEMENTS}],
        })  # fmt: skip
        kept = Observations(Archive(f"sqlite:///{tmp_path / 'archive.db'}"))
        intake = Intake(
            ObservationSettings(folder=tmp_path / "drop"), kept._archive, ZoneInfo("UTC"),
            feed=CmadaasReports(interface, wanted, {}),
        )  # fmt: skip
        intake.observe(now)

    found = kept.series([DINGLING.id, *places], WEEK, now)
    hours = dingling(shared)
    assert len(hours) == 7 * 24
    assert {o.time for o in found[DINGLING.id]} == set(hours)
    for each in found[DINGLING.id]:
        given = {
            BY_HAND[name][0]: value * BY_HAND[name][1] + BY_HAND[name][2]
            for name, value in hours[each.time].items()
        }
        assert dict(each.values) == pytest.approx(given, rel=1e-9)
    [ours] = (series for id, series in found.items() if id != DINGLING.id)
    real = {
        o.time: {name: value for name, value in o.values.items() if name in ELEMENTS}
        for o in reports
    }
    real = {time: values for time, values in real.items() if values}
    assert len(real) > 100
    assert {o.time for o in ours} == set(real)
    for each in ours:  # four decimals are served
        assert dict(each.values) == pytest.approx(real[each.time], rel=1e-4, abs=1e-4)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from with_account(monkeypatch)


def test_a_real_gfs_run_by_grids_and_by_files_gives_the_features_of_its_grib(
    gfs_tree: Path, tmp_path: Path, account: None
) -> None:
    direct = tatra(tmp_path / "direct", "http://127.0.0.1:9", gfs_tree)
    run = RealRun(direct, gfs_tree)
    [model] = direct.models
    assert model.cmadaas is not None
    plain = {n: t.model_copy(update={"cmadaas": ""}) for n, t in model.parameters.items()}
    folder = model.model_copy(
        update={
            "id": "direct", "layout": "folder", "folder": run.folder, "cmadaas": None,
            "parameters": plain,
        }
    )  # fmt: skip
    direct = direct.model_copy(update={"models": (folder,)})
    with LoopbackCmadaas(run, ACCOUNT) as double:
        grids = tatra(tmp_path / "grids", double.url, gfs_tree)
        files = tatra(tmp_path / "files", double.url, gfs_tree)
        listed = model.cmadaas.model_copy(update={"fetch": "files", "file_name": "grib2$"})
        by_files = model.model_copy(update={"cmadaas": listed, "parameters": plain})
        files = files.model_copy(update={"models": (by_files,)})
        first, *others = (read_further(each, NOW) for each in (direct, grids, files))
        served = double.by_interface[double.interfaces.grid] - len(double.refusals)

    assert served >= FULL * len(STEPS)
    for other in others:
        area = first.sel(latitude=other.latitude, longitude=other.longitude)
        assert set(other.data_vars) == set(first.data_vars)
        for name in other.data_vars:
            if str(name) not in FIELDS or name in first.attrs["derived"]:
                continue
            apart = np.abs(area[name].values - other[name].values)
            # seven digits of text and 24 bits of packing
            assert np.nanmax(apart) <= 2e-6 * float(np.nanmax(np.abs(area[name]))), name
    features = [features_at(direct, each, NOW) for each in (first, *others)]
    assert sum(np.isfinite(values).sum() for values in features[0].values()) > 20
    for other in features[1:]:
        for name, values in features[0].items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(other[name], values, rtol=1e-3, atol=1e-3, err_msg=name)
