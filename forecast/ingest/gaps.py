"""Steps of a run of which nothing can be used."""

from __future__ import annotations

import numpy as np

from forecast.domain import Atmosphere, Cycle


def with_gaps(atmosphere: Atmosphere, cycle: Cycle) -> Atmosphere:
    """Return an atmosphere in which nothing is known at its `absent_steps` between others.

    So nobody interpolates across them; a fault names them. Without such steps it is unchanged.
    """
    times = atmosphere["time"].values
    run = np.datetime64(cycle.run.replace(tzinfo=None), "ns")
    absent = [int(step) for step in atmosphere.attrs.get("absent_steps", ())]
    at = {step: run + step * np.timedelta64(1, "h") for step in absent}
    between = [step for step in absent if times[0] < at[step] < times[-1]]
    if not between:
        return atmosphere
    wider = atmosphere.reindex(time=np.union1d(times, [at[step] for step in between]))
    hours = ", ".join(f"{step:+d}" for step in between[:8])
    fault = f"{cycle.id}: nothing can be used at the steps {hours} h"
    return wider.assign_attrs(
        {**atmosphere.attrs, "faults": [*atmosphere.attrs.get("faults", ()), fault]}
    )
