"""The night's cover in the run of the day before, for runs that were reforecast.

An issue reads it from the archive when it is made (forecast/issue/night_evidence.py). A run of the
past is reforecast alone, without the archive: here it gets what the model's run a day earlier said,
where that is archived, as issued or reforecast too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from forecast.archive.earlier_features import COVER_BEFORE, NIGHT_COVER, of_the_day_before
from forecast.verification import EventKey, RunForecast


def with_cover_before(
    rows: Sequence[RunForecast], known: Iterable[RunForecast]
) -> list[RunForecast]:
    """Return the rows with the cover that the model's run of the day before had for the night.

    known: all archived runs. A row that has the feature keeps it; one without such a run lacks it.
    """
    covers: dict[tuple[str, EventKey], dict[datetime, float]] = defaultdict(dict)
    for each in known:
        if NIGHT_COVER in each.values:
            covers[each.model, each.key][each.run] = each.values[NIGHT_COVER]
    result = []
    for row in rows:
        cover = of_the_day_before(covers.get((row.model, row.key), {}), row.run)
        if cover is None or COVER_BEFORE in row.values:
            result.append(row)
        else:
            result.append(replace(row, values={**row.values, COVER_BEFORE: cover}))
    return result
