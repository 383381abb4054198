"""Does no best window leave the window of its event?"""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np

from forecast.domain import Event, Window
from forecast.phenomena import PhenomenonFeatures, _FeatureTable
from tests.e2e.sample_bulletin import sample_config


def test_the_last_minute_of_sunlight_does_not_end_after_its_event() -> None:
    window = Window(datetime(2026, 11, 22, 23, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
    site = sample_config().all_sites()[0]
    events = [Event("sunrise", site, date(2026, 11, 23), window, window.start)] * 3
    table = _FeatureTable(events, None)
    values = {
        "best_start": np.array(
            ["2026-11-22T23:20", "2026-11-22T23:20", "2026-11-23T00:00"], "datetime64[ns]"
        ),
        "best_end": np.array(
            ["2026-11-22T23:30", "2026-11-23T00:01", "2026-11-23T00:01"], "datetime64[ns]"
        ),
    }
    table.merge(PhenomenonFeatures(values, ((),) * 3, {}), np.arange(3))

    found = table.features({}, None).table

    assert found["best_end"].values[0] == np.datetime64("2026-11-22T23:30")
    assert found["best_end"].values[1] == np.datetime64("2026-11-23T00:00")
    assert np.isnat(found["best_start"].values[2])
    assert np.isnat(found["best_end"].values[2])
