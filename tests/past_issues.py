"""Archives of synthetic published issues and their outcomes, with known probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.archive.schema import contributing_run_table, forecast_table, issue_table
from forecast.domain import Outcome

START = date(2026, 1, 1)
HOUR = timedelta(hours=1)


def issued_on(day: date) -> datetime:
    """Return when the bulletin of a local day is issued here: 06:40 Beijing time."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=1, minutes=20)


def window_start(day: date) -> datetime:
    """Return when the window of an event of a local day starts here: 18:00 Beijing time."""
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def keep_issue(
    archive: Archive,
    issued: datetime,
    rows: Sequence[Mapping[str, Any]],
    published: bool = True,
    model: str = "gfs",
    name: str = "",
) -> str:
    """Archive one issue; rows: site, phenomenon, day, probability, and optional columns."""
    run = issued - timedelta(hours=5)
    run = run.replace(hour=run.hour // 6 * 6, minute=0)
    issue = name or f"{model}-{issued:%Y%m%d%H%M}"
    key = [
        {
            "issue": issue,
            "site": r["site"],
            "phenomenon": r["phenomenon"],
            "day": r["day"].isoformat(),
        }
        for r in rows
    ]
    grades = [1 + sum(r["probability"] >= p for p in (0.1, 0.3, 0.5, 0.7)) for r in rows]
    cycle = f"{model}-{run:%Y%m%d%H}"
    details = [
        {
            "voices": [[cycle, r["probability"], 1.0, 1], *r.get("voices", ())],
            **{name: r[name] for name in ("usual", "confidence") if name in r},
        }
        for r in rows
    ]
    with archive.transaction() as connection:
        connection.execute(
            issue_table.insert().values(
                id=issue,
                number=1,
                model=model,
                run=run,
                digest="a",
                issued=issued,
                valid_until=issued + 24 * HOUR,
                published=issued if published else None,
            )
        )
        connection.execute(
            forecast_table.insert(),
            [
                {
                    **k,
                    "window_start": r.get("window_start", window_start(r["day"])),
                    "window_end": window_start(r["day"]) + HOUR,
                    "probability": r["probability"],
                    "grade": g,
                    "model": "rule-1",
                    "said": s,
                }
                for k, r, g, s in zip(key, rows, grades, details, strict=True)
            ],
        )
        connection.execute(
            contributing_run_table.insert(),
            [
                {
                    **k,
                    "cycle": cycle,
                    "model": model,
                    "run": run,
                    "members": 1,
                    "probability": r["probability"],
                    "states": {},
                    "values": dict(r.get("values", {})),
                    "missing": [],
                }
                for k, r in zip(key, rows, strict=True)
            ],
        )
    return issue


def fill_archive(
    archive: Archive,
    days: int,
    sites: Sequence[str] = ("lingshan", "jinding"),
    phenomena: Sequence[str] = ("sunset_glow",),
    leads: int = 3,
    seed: int = 1,
    source: str = "observer",
    start: date = START,
    probabilities: str = "true",
) -> None:
    """Fill an archive with `days` of bulletins whose probabilities are "true" or all "half".

    The chance of a day is drawn once and is the same at each lead. The outcome is drawn from it and
    archived the next morning.
    """
    random = np.random.default_rng(seed)
    chance = {
        (s, p, d): float(random.beta(0.7, 1.3))
        for s in sites
        for p in phenomena
        for d in range(days + leads)
    }
    for d in range(days):
        rows = [
            {
                "site": s,
                "phenomenon": p,
                "day": start + timedelta(days=d + ahead),
                "values": {"low_cloud": 1 - chance[s, p, d + ahead]},
                "probability": chance[s, p, d + ahead] if probabilities == "true" else 0.5,
            }
            for s in sites
            for p in phenomena
            for ahead in range(leads)
        ]
        keep_issue(archive, issued_on(start + timedelta(days=d)), rows)
        day = start + timedelta(days=d)
        outcomes = [
            Outcome(p, s, day, float(random.uniform() < chance[s, p, d]), source)
            for s in sites
            for p in phenomena
        ]
        Outcomes(archive).keep(outcomes, issued_on(day) + 23 * HOUR)
