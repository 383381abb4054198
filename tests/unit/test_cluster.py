"""What the workers of a Dask scheduler share gives the same as one process, whatever they do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from dask.distributed import LocalCluster, get_worker

from forecast import cluster, phenomena
from forecast.cluster import shared_work
from forecast.science import almanac
from forecast.settings import PhenomenonSettings, ServiceSettings
from tests.skies import SITES, atmosphere, steps

DAY = date(2026, 3, 20)
NOBODY = "tcp://127.0.0.1:9"


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two worker processes."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two:  # type: ignore[no-untyped-call]
        yield two.scheduler_address


def test_two_worker_processes_derive_the_same_features_as_one(
    scheduler: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(phenomena, "BATCH", 1)
    base, settings = SITES["lingshan"], PhenomenonSettings()
    sites = [
        replace(base, id=f"site_{n}", latitude=base.latitude + 0.05 * n, phenomena=("rime",))
        for n in range(3)
    ]
    almanacs = almanac.almanacs(sites, [DAY], ZoneInfo("Asia/Shanghai"))
    begin = almanacs["site_0", DAY].day_start
    events = phenomena.events(sites, [DAY], almanacs, settings, begin)
    days = phenomena.whole_days(sites, [DAY], almanacs, begin)
    air = atmosphere(steps("2026-03-19T12:00", 36))

    here, _ = phenomena.derive(events, air, settings, days)
    there, failed = phenomena.derive(events, air, settings, days, cluster=scheduler)

    assert "3 of 3 parts by 2 Dask workers" in caplog.text
    assert not failed
    assert there.events == here.events == tuple(events)
    assert there.table.identical(here.table)
    assert there.missing == here.missing
    assert repr(there.weather) == repr(here.weather)
    assert here.hours is not None
    assert here.hours.identical(there.hours)


def half_done(part: int, shared: int) -> int:
    """Fail in a worker for odd parts."""
    try:
        get_worker()
    except ValueError:
        return part * shared
    if part % 2:
        raise OSError("no memory left")
    return part * shared


def test_a_part_that_a_worker_fails_on_is_done_here(
    scheduler: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert list(shared_work(half_done, [1, 2, 3], 10, scheduler)) == [10, 20, 30]

    assert caplog.text.count("no memory left; its part is done here") == 2


def test_without_a_scheduler_all_is_done_here(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cluster, "CONNECT", 0.3)

    assert list(shared_work(half_done, [1, 2, 3], 10, NOBODY)) == [10, 20, 30]

    assert f"{NOBODY}: no work by the Dask workers" in caplog.text
    assert "it is done here" in caplog.text


def test_a_scheduler_without_workers_costs_no_wait(caplog: pytest.LogCaptureFixture) -> None:
    with LocalCluster(n_workers=0, processes=False, dashboard_address=None) as empty:  # type: ignore[no-untyped-call]
        assert list(shared_work(half_done, [1, 2], 10, empty.scheduler_address)) == [10, 20]

    assert "the scheduler has no workers" in caplog.text


@pytest.mark.parametrize("address", ["10.0.0.5", "http://host:80", "tcp://user:pass@host:8786"])
def test_what_is_no_address_of_a_scheduler_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="cluster"):
        ServiceSettings.model_validate(
            {"title": {"zh": "甲"}, "district": {"zh": "乙"}, "cluster": address}
        )
