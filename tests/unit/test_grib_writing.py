"""Is a field that we write as GRIB2 what ecCodes and our own reader find in it?"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forecast.ingest.grib import headers, packing
from forecast.ingest.grib.writing import BITS, FINEST, WrittenField, message
from forecast.quantities import Key
from tests.gribs import eccodes

RUN = datetime(2026, 11, 22, 6, tzinfo=UTC)
LATITUDES, LONGITUDES = np.array([40.5, 40.25, 40.0]), np.array([115.0, 115.25, 115.5, 115.75])
PROFILE = WrittenField(Key(0, 0, 0, 100), 85000, 38, RUN, 9, 9)


def by_eccodes(data: bytes) -> tuple[dict[str, object], np.ndarray]:
    handle = eccodes.codes_new_from_message(data)
    try:
        eccodes.codes_set(handle, "missingValue", 1e30)
        names = (
            "shortName", "level", "typeOfLevel", "dataDate", "dataTime", "stepRange", "centre",
            "latitudeOfFirstGridPointInDegrees", "longitudeOfLastGridPointInDegrees",
            "iDirectionIncrementInDegrees", "jDirectionIncrementInDegrees",
        )  # fmt: skip
        found = {name: eccodes.codes_get(handle, name) for name in names}
        values = eccodes.codes_get_values(handle).reshape(3, 4)
    finally:
        eccodes.codes_release(handle)
    return found, np.where(values == 1e30, np.nan, values)


@example(np.array([[np.nan] * 4, [0.0, 2.5e-40, -2.5e-40, 1e-35], [np.nan] * 4]))
@given(
    st.lists(st.one_of(st.just(float("nan")), st.floats(-1e5, 1e6)), min_size=12, max_size=12).map(
        lambda found: np.array(found).reshape(3, 4)
    )
)
def test_values_come_back_within_the_packing_and_missing_ones_are_missing(
    values: np.ndarray,
) -> None:
    data = message(PROFILE, LATITUDES, LONGITUDES, values)

    _, found = by_eccodes(data)
    known = values[np.isfinite(values)]
    # half a step of the packing, whose number is a power of two, and the rounding of a float32
    span = np.ptp(known) if known.size else 0.0
    error = span / 2**BITS + 1e-6 * np.abs(known).max(initial=0.0) + 2.0**FINEST
    np.testing.assert_allclose(found, values, rtol=0, atol=error)


def test_a_message_says_what_it_is() -> None:
    found, _ = by_eccodes(message(PROFILE, LATITUDES, LONGITUDES, np.full((3, 4), 270.0)))

    assert found == {
        "shortName": "t", "level": 850, "typeOfLevel": "isobaricInhPa", "dataDate": 20261122,
        "dataTime": 600, "stepRange": "9", "centre": "babj",
        "latitudeOfFirstGridPointInDegrees": 40.5, "longitudeOfLastGridPointInDegrees": 115.75,
        "iDirectionIncrementInDegrees": 0.25, "jDirectionIncrementInDegrees": 0.25,
    }  # fmt: skip


def test_a_sum_says_its_window_and_the_checks_before_decoding_pass() -> None:
    about = WrittenField(Key(0, 1, 8, 1), 0, 38, RUN, 0, 30, "sum")
    values = np.arange(12.0).reshape(3, 4)
    values[1, 2] = np.nan
    data = message(about, LATITUDES, LONGITUDES, values)

    [found] = headers.scan(data, "written")

    assert (found.start, found.end, found.statistic) == (0, 30, "sum")
    assert (found.parameter, found.surface, found.centre, found.run) == ((0, 1, 8), 1, 38, RUN)
    packing.check(found, data, packing.grid_of(found, data).points)
    assert by_eccodes(data)[0]["stepRange"] == "0-30"


def test_southern_and_western_places_keep_their_signs() -> None:
    about = message(
        PROFILE, np.array([-10.0, -11.0, -12.0]), np.array([-3.0, -2.0, -1.0, 0.0]), np.ones((3, 4))
    )

    found, _ = by_eccodes(about)
    assert found["latitudeOfFirstGridPointInDegrees"] == -10.0
    assert found["longitudeOfLastGridPointInDegrees"] == 0.0


@pytest.mark.parametrize(
    ("rows", "advice"),
    [([40.5, 40.3, 40.0], "evenly"), ([40.0, 40.25, 40.5], "from north to south")],
)
def test_a_grid_that_is_not_even_or_upside_down_is_refused(rows: list[float], advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        message(PROFILE, np.array(rows), LONGITUDES, np.ones((3, 4)))
