"""What a message of GRIB edition 1 is: the local parts of section 1, as ecCodes writes them."""

from __future__ import annotations

import eccodes
import pytest

from forecast.ingest.grib.ensemble1 import product_of
from forecast.ingest.grib.headers import scan
from forecast.ingest.grib.reader import is_read


def edition1(centre: int = 98, definition: int = 1, **keys: object) -> bytes:
    """Return a message with ECMWF's local part; ecCodes knows where each key stands."""
    handle = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib1")
    try:
        put = {
            "centre": centre,
            "setLocalDefinition": 1,
            "localDefinitionNumber": definition,
        } | keys
        for key, value in put.items():
            eccodes.codes_set(handle, key, value)
        return bytes(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)


def ncep(*local: int) -> bytes:
    """Return section 1 of NCEP with its ensemble extension (NCEP Office Note 388, octets 41-45)."""
    return (
        bytes((0, 0, 28 + 12 + len(local), 2, 7)) + bytes(20) + b"\x02" + bytes(14) + bytes(local)
    )


@pytest.mark.parametrize("definition", [1, 15, 16, 18, 23, 26, 30, 36])
@pytest.mark.parametrize(
    ("keys", "member", "deterministic"),
    [
        ({"type": "fc"}, None, True),
        ({"type": "an"}, None, True),
        ({"type": "cf"}, 0, False),
        ({"type": "pf", "number": 7}, 7, False),
        ({"type": "an", "number": 3, "numberOfForecastsInEnsemble": 10}, 3, False),
        ({"type": "em"}, None, False),
        ({"type": "es"}, None, False),
        ({"type": "ep"}, None, False),
        ({"type": "cm"}, None, False),
    ],
)
def test_an_ensemble_of_ECMWF_in_edition_1_is_never_the_deterministic_forecast(
    definition: int, keys: dict[str, object], member: int | None, deterministic: bool
) -> None:
    [message] = scan(edition1(definition=definition, **keys), "file")

    assert message.member == member
    assert (message.member is None and is_read(message)) == deterministic


@pytest.mark.parametrize(
    ("local", "member", "deterministic"),
    [
        ((0, 0, 0, 0, 0), None, True),
        ((1, 1, 2, 1, 255), 0, False),  # the control forecast
        ((1, 3, 4, 1, 255), 4, False),  # the fourth positively perturbed
        ((1, 2, 4, 1, 255), 4, False),
        ((1, 5, 0, 2, 255), None, False),  # the weighted mean of the whole ensemble
        ((1, 5, 0, 11, 255), None, False),  # its spread
        ((1, 4, 1, 1, 255), None, False),  # a cluster
        ((2, 0, 0, 0, 0), None, False),  # an extension that is not known
    ],
)
def test_an_ensemble_of_NCEP_in_edition_1_is_never_the_deterministic_forecast(
    local: tuple[int, ...], member: int | None, deterministic: bool
) -> None:
    template, found = product_of(ncep(*local))

    assert found == member
    assert (template == 0) == deterministic


def test_a_local_part_of_another_centre_is_unknown_and_none_at_all_is_one_forecast() -> None:
    of_dwd = bytes((0, 0, 54, 2, 78)) + bytes(35) + bytes((253, 1, 2, 3))

    assert product_of(of_dwd)[0] not in (0, 1)
    assert product_of(of_dwd[:28]) == (0, None)
