"""Do hourly analyses become truth of kind analysis, and the background of the nowcast?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.config import Config
from forecast.domain import Observation
from forecast.errors import ConfigError
from forecast.ingest.cmadaas import DEMONSTRATION, Cmadaas
from forecast.ingest.provider import FetchedCycle
from forecast.issue.inputs import Inputs, _corrected
from forecast.learning.truth_from_analyses import diagnose
from forecast.observations.cmadaas_analyses import SiteAnalyses, point_of
from forecast.observations.formats.collector import STATION_ID
from forecast.observations.intake import Intake
from forecast.observations.nowcast import Correction
from forecast.sample.cmadaas import Array, GridQuery, LoopbackCmadaas
from forecast.sample.cmadaas_world import ServedRecords
from forecast.settings.cmadaas import CmadaasSettings, CmadaasStationSettings

NOW = datetime(2026, 11, 22, 23, 10, tzinfo=UTC)
CODE = "NAFP_GRID_ANA_REALTIME_HOR_CHN"
FEED = CmadaasStationSettings.model_validate({
    "admin_codes": ["110109"],
    "datasets": [{"data_code": "X", "elements": ["snow_depth"], "enabled": False}],
    "analyses": [{
        "data_code": CODE, "hours": 14,
        "elements": {
            "cloud_area_fraction": {"name": "TCDC", "unit": "%"},
            "air_temperature": {"name": "TMP", "unit": "K"},
        },
    }],
})  # fmt: skip


class Analyses(ServedRecords):
    """A clear and cold night on a grid of 0.02 degree; temperature tells latitude and hour."""

    newest = NOW
    lost: tuple[str, ...] = ()

    def grid(self, query: GridQuery) -> tuple[Array, Array, Array] | None:
        if query.validtime is not None or query.run > self.newest or query.level_type != "-":
            return None
        if query.element in self.lost:
            return None
        latitudes, longitudes = np.arange(39.5, 40.5, 0.02), np.arange(115.0, 116.5, 0.02)
        values = np.full((len(latitudes), len(longitudes)), 5.0)
        if query.element == "TMP":
            values = 260 + (latitudes[:, None] - 39.5) + 0 * longitudes + 0.1 * query.run.hour
        return latitudes, longitudes, values


@pytest.fixture
def double() -> Iterator[LoopbackCmadaas]:
    data = Analyses()
    with LoopbackCmadaas(data, {DEMONSTRATION.user: DEMONSTRATION.password}) as server:
        server.now = NOW.timestamp
        yield server


def intake(config: Config, double: LoopbackCmadaas, folder: Path, archive: Archive) -> Intake:
    settings = CmadaasSettings(
        url=double.url, state=folder / "state", requests_per_minute=6000, attempts=1
    )
    interface = Cmadaas(settings, DEMONSTRATION, now=NOW.timestamp)
    feed = SiteAnalyses(interface, FEED, config.all_sites())
    observations = config.observations.model_copy(update={"folder": folder / "none"})
    return Intake(observations, archive, config.zone, feed=feed)


def test_the_nearest_point_of_each_hour_is_kept_for_each_site_and_asked_for_once(
    config: Config, double: LoopbackCmadaas, tmp_path: Path
) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    double.data.newest = NOW - timedelta(hours=2)  # type: ignore[attr-defined]

    intake(config, double, tmp_path, archive).observe(NOW)
    site = config.all_sites()[0]
    series = Observations(archive).series([point_of(site).id], NOW - timedelta(days=1), NOW)
    first = series[point_of(site).id]
    double.data.newest = NOW  # type: ignore[attr-defined]
    before = double.requests
    intake(config, double, tmp_path, archive).observe(NOW)

    assert [o.time.hour for o in first] == list(range(9, 22))
    assert first[0].form == "analysis"
    assert first[0].values["cloud_area_fraction"] == pytest.approx(0.05)
    expected = 260 + (40.02 - 39.5) + 0.9  # 40.017 is nearest to 40.02
    assert first[0].values["air_temperature"] == pytest.approx(expected, abs=1e-3)
    assert double.requests - before == 2 * 2  # the two hours that came, two elements
    assert Observations(archive).count() == 15 * len(config.sites)


@pytest.mark.parametrize("lost", [("TMP",), ("TMP", "TCDC")])
def test_an_analysis_without_records_is_a_fault_and_holds_up_no_other_element(
    config: Config, double: LoopbackCmadaas, tmp_path: Path, lost: tuple[str, ...]
) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    double.data.lost = lost  # type: ignore[attr-defined]
    kept = Observations(archive)

    for _ in range(2):
        intake(config, double, tmp_path, archive).observe(NOW)

    [(_, fault)] = kept.faults(100)
    assert fault.where == f"cmadaas {CODE}"
    assert "TMP (air_temperature): no record" in fault.reason
    assert ("TCDC" in fault.reason) == ("TCDC" in lost)
    assert "compare data_code, element, level_type and level of" in fault.reason
    point = point_of(config.all_sites()[0]).id
    series = kept.series([point], NOW - timedelta(days=1), NOW)
    hours = [each.time.hour for each in series.get(point, ())]
    assert hours == ([] if "TCDC" in lost else list(range(9, 24)))


def test_a_clear_night_of_the_analysis_is_truth_of_kind_analysis(
    config: Config, double: LoopbackCmadaas, tmp_path: Path
) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    intake(config, double, tmp_path, archive).observe(NOW)
    observations = config.observations.model_copy(update={"cmadaas": FEED})
    ours = config.model_copy(update={"observations": observations})
    day = datetime(2026, 11, 22, tzinfo=config.zone).date()

    first, again = (diagnose(archive, ours, day, NOW, None) for _ in range(2))

    starry = sum("starry_sky" in site.phenomena for site in config.sites)
    assert first.stations == 0
    assert first.analyses >= starry > 0
    assert again.changed == 0


def test_the_nowcast_takes_the_analysis_first_and_the_stations_last(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[object, object]] = []

    def correct(atmosphere: object, stations: object, observed: object, now: datetime) -> object:
        calls.append((atmosphere, stations))
        return f"{atmosphere}+", Correction()

    monkeypatch.setattr("forecast.issue.inputs.nowcast.correct", correct)
    points = tuple(map(point_of, config.all_sites()))
    fetched: FetchedCycle = None  # type: ignore[assignment]
    inputs = Inputs(None, fetched, (), (), (), {}, (), points, {})  # type: ignore[arg-type]

    assert _corrected("run", inputs, NOW)[0] == "run++"  # type: ignore[arg-type]
    assert calls == [("run", points), ("run+", ())]


def test_every_site_has_a_point_of_its_own_with_a_valid_number(config: Config) -> None:
    from dataclasses import replace

    sites = [*config.all_sites(), replace(config.all_sites()[0], id="a" * 39 + "b")]
    sites.append(replace(config.all_sites()[0], id="a" * 40))
    ids = [point_of(site).id for site in sites]

    assert len(set(ids)) == len(sites)
    assert all(STATION_ID.fullmatch(id) for id in ids)
    assert Observation(ids[0], NOW, {}).station == ids[0]


def test_a_unit_that_is_not_known_stops_the_start_with_its_place(config: Config) -> None:
    wrong = FEED.model_dump()
    wrong["analyses"][0]["elements"]["air_temperature"]["unit"] = "m"

    with pytest.raises(ConfigError, match=r"observations\.cmadaas\.analyses: air_temperature"):
        SiteAnalyses(
            Cmadaas(CmadaasSettings(), None), CmadaasStationSettings.model_validate(wrong), ()
        )
