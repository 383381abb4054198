"""Many sites are derived a batch at a time; nothing of it is seen in the features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import xarray as xr

from forecast import phenomena
from forecast.domain import Event, Features
from forecast.science import almanac
from forecast.settings import PhenomenonSettings
from tests.skies import SITES, atmosphere, steps

DAYS = [date(2026, 3, 20), date(2026, 3, 21)]
ZONE, SETTINGS = ZoneInfo("Asia/Shanghai"), PhenomenonSettings()


@dataclass(frozen=True)
class Derived:
    """Events of two sites, and their features: at once, a site at a time, and of one day."""

    events: tuple[Event, ...]
    whole: Features
    batches: Features
    near: Features


@pytest.fixture(scope="module")
def derived() -> Derived:
    base = SITES["lingshan"]
    sites = [replace(base, id=f"site_{n}", latitude=base.latitude + 0.05 * n) for n in range(2)]
    almanacs = almanac.almanacs(sites, DAYS, ZONE)
    begin = almanacs["site_0", DAYS[0]].day_start
    # events of one site need not stand together
    found = phenomena.events(sites, DAYS, almanacs, SETTINGS, begin)
    events = tuple(sorted(found, key=lambda event: event.window.start))
    days = phenomena.whole_days(sites, DAYS, almanacs, begin)
    air = atmosphere(steps("2026-03-19T12:00", 60))
    whole, _ = phenomena.derive(events, air, SETTINGS, days)
    near, _ = phenomena.derive(events, air, SETTINGS, days, drawn_until=DAYS[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phenomena, "BATCH", 1)
        batches, failed = phenomena.derive(events, air, SETTINGS, days)
    assert not failed
    return Derived(events, whole, batches, near)


def test_batches_of_sites_give_the_features_of_all_sites_at_once(derived: Derived) -> None:
    assert derived.batches.events == derived.whole.events == derived.events
    assert derived.batches.missing == derived.whole.missing
    assert repr(derived.batches.weather) == repr(derived.whole.weather)
    assert derived.batches.hours is not None
    xr.testing.assert_identical(derived.batches.hours, derived.whole.hours)
    for name, column in derived.whole.table.variables.items():
        found = derived.batches.table[name].values
        if column.dtype.kind == "M":
            np.testing.assert_array_equal(found, column.values, str(name))
        else:  # sums over timelines of other lengths round otherwise
            np.testing.assert_allclose(found, column.values, rtol=1e-12, err_msg=str(name))


def test_batches_of_sites_give_the_evidence_of_all_sites_at_once(derived: Derived) -> None:
    assert derived.whole.evidence
    assert derived.batches.evidence.keys() == derived.whole.evidence.keys()
    for phenomenon, drawn in derived.whole.evidence.items():
        found = derived.batches.evidence[phenomenon]
        xr.testing.assert_identical(found.sortby("row"), drawn.sortby("row"))


def test_evidence_beyond_the_days_that_are_drawn_is_left_out(derived: Derived) -> None:
    for phenomenon, drawn in derived.whole.evidence.items():
        rows = derived.near.evidence[phenomenon]["row"].values.tolist()
        near = [row for row in drawn["row"].values.tolist() if derived.events[row].day == DAYS[0]]
        assert rows == near, phenomenon
    assert derived.near.table.identical(derived.whole.table)
