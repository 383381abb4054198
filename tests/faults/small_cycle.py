"""A tiny cycle for tests of fetching: real GRIB2 of a few hundred bytes a message, laid out like
the public bucket, with its .idx.

The values are no weather and stand for nothing; only what a message is called, how long it is and
where it lies matters here.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

import eccodes
import numpy as np

from forecast.config import Config
from forecast.domain import Cycle
from forecast.ingest.provider import path_of
from forecast.quantities import CLOSE_LEVELS
from forecast.settings.sources import StepSettings

STEPS = StepSettings(first=0, last=6, every=3)
STEPS_ALL = (0, 3, 6)


def settings_for(
    config: Config,
    folder: Path,
    url: str = "http://127.0.0.1:9",
    filter_url: str = "",
    **http: float,
) -> Config:
    """Return the program's settings pointed at a loopback server, with few attempts and a short
    patience.
    """
    gentle = {
        "requests_per_minute": 6000,
        "connections": 2,
        "timeout_seconds": 5.0,
        "deadline_seconds": 300.0,
        "attempts": 3,
    } | http
    source = {
        "order": ("bucket",),
        "steps": (STEPS,),
        "cycles": folder / "cycles",
        "folder": folder / "drop",
        "bucket": config.source.bucket.model_copy(update={"url": url, **gentle}),
        "filter": config.source.filter.model_copy(update={"url": filter_url or url, **gentle}),
    }
    return config.model_copy(
        update={"source": config.source.model_copy(update=source), "models": ()}
    )


def write_cycle(root: Path, cycle: Cycle, steps: tuple[int, ...] = STEPS_ALL) -> None:
    """Write the files of `steps` and their inventories under `root`."""
    for step in steps:
        folder, name = path_of(cycle, step)
        path = root / folder.lstrip("/") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data, lines = b"", []
        for number, (variable, level, text, message) in enumerate(
            _messages(cycle.run, step), start=1
        ):
            lines.append(
                f"{number}:{len(data)}:d={cycle.run:%Y%m%d%H}:{variable}:{level}:{text}:\n"
            )
            data += message
        path.write_bytes(data)
        path.with_name(name + ".idx").write_text("".join(lines))


def _messages(run: datetime, step: int) -> list[tuple[str, str, str, bytes]]:
    """What a step holds: three profiles with messages of no use between them, both kinds of low
    cloud, two windows of precipitation.
    """
    point = "anl" if step == 0 else f"{step} hour fcst"
    rows = []
    for level in CLOSE_LEVELS:
        for variable, category, number in (
            ("TMP", 0, 0),
            ("RH", 1, 1),
            ("HGT", 3, 5),
            ("O3MR", 14, 192),
        ):
            message = _encoded(run, step, (category, number), 100, level)
            rows.append((variable, f"{level / 100:g} mb", point, message))
    rows.append(("LCDC", "low cloud layer", point, _encoded(run, step, (6, 3), 214, 0)))
    if step:
        rows.append(
            (
                "LCDC",
                "low cloud layer",
                f"0-{step} hour ave fcst",
                _encoded(run, step, (6, 3), 214, 0, start=0, process=0),
            )
        )
        rows += [
            (
                "APCP",
                "surface",
                f"{start}-{step} hour acc fcst",
                _encoded(run, step, (1, 8), 1, 0, start=start, process=1),
            )
            for start in sorted({0, step - 3}, reverse=True)
        ]
    rows.append(("VIS", "surface", point, _encoded(run, step, (19, 0), 1, 0)))
    return rows


@cache
def _encoded(
    run: datetime,
    step: int,
    parameter: tuple[int, int],
    surface: int,
    value: int,
    start: int | None = None,
    process: int = 0,
) -> bytes:
    """One message on a grid of 5 by 4 points; `start` begins a window, over which `process` (code
    table 4.10) was done.
    """
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
    try:
        keys = {
            "centre": 7,
            "tablesVersion": 2,
            "productDefinitionTemplateNumber": 0 if start is None else 8,
            "dataDate": int(f"{run:%Y%m%d}"),
            "dataTime": run.hour * 100,
            "parameterCategory": parameter[0],
            "parameterNumber": parameter[1],
            "typeOfFirstFixedSurface": surface,
            "scaleFactorOfFirstFixedSurface": 0,
            "scaledValueOfFirstFixedSurface": value,
            "Ni": 5,
            "Nj": 4,
            "latitudeOfFirstGridPointInDegrees": 41,
            "latitudeOfLastGridPointInDegrees": 38,
            "longitudeOfFirstGridPointInDegrees": 113,
            "longitudeOfLastGridPointInDegrees": 117,
            "iDirectionIncrementInDegrees": 1,
            "jDirectionIncrementInDegrees": 1,
        }
        for key, number in keys.items():
            eccodes.codes_set(handle, key, number)
        if start is None:
            eccodes.codes_set(handle, "forecastTime", step)
        else:
            eccodes.codes_set(handle, "typeOfStatisticalProcessing", process)
            eccodes.codes_set(handle, "stepRange", f"{start}-{step}")
        eccodes.codes_set(handle, "bitsPerValue", 16)
        eccodes.codes_set_values(handle, np.linspace(0, 1, 20) + parameter[1] + value / 1e5 + step)
        return eccodes.codes_get_message(handle)
    finally:
        eccodes.codes_release(handle)
