"""With which snow does a run begin, and whose is what comes after?"""

from __future__ import annotations

import numpy as np
import pytest

from tests.skies import atmosphere
from tests.unit.test_snow import TIMES, cooled, features_of


@pytest.mark.parametrize(
    ("amount", "density"),
    [
        (20.0, 200.0),
        (None, 200.0),  # not given: 200 kg m-3
        (28.0, 280.0),
    ],
)
def test_snow_begins_with_the_model_s_first_field_and_settles_as_the_site_s_own(
    amount: float | None, density: float
) -> None:
    """10 cm at -6 degC, 18 h before the second visit: density goes towards 300 kg m-3 as e^(-0.75 /
    4.2 e^-0.48), by which 200 becomes 210.5 and 280 becomes 282.1. That the model's own snow is
    gone by then changes nothing.
    """
    fields = {} if amount is None else {"surface_snow_amount": amount}
    air = atmosphere(TIMES, temperature=cooled(-6.0), surface_snow_thickness=0.10, **fields)
    later = air["time"] > air["time"][0]
    for name in ("surface_snow_thickness", "surface_snow_amount"):
        if name in air:
            air[name] = air[name].where(~later, 0.0)

    settled = 300 - (300 - density) * np.exp(-0.75 / 4.2 * np.exp(-0.08 * 6))

    assert features_of(air).values["snow_depth"][0] == pytest.approx(
        0.10 * density / settled, abs=2e-4
    )
