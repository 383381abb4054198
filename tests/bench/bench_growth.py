"""The size of a synthetic year, and what one issue reads after five.

Run it alone (`python tests/bench/bench_growth.py`) or through `make bench`. The sites of the
settings, three models, four issues a day, twenty stations that report every minute. Rows have the
columns, lengths and keys of real ones and go into the real tables; the retention of the settings
is applied. Of old observations the hours are written at once, as thinning leaves them; thinning
itself is measured on two days. Years two to five repeat the first. Target: a year below 3 GB, with
the releases.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))

from forecast.archive.drafts import Drafts  # noqa: E402
from forecast.archive.earlier_features import earlier_feature  # noqa: E402
from forecast.archive.intake_report import IntakeCounts  # noqa: E402
from forecast.archive.issues import Archive  # noqa: E402
from forecast.archive.observation_hours import ObservationHours  # noqa: E402
from forecast.archive.observations import Observations  # noqa: E402
from forecast.archive.outcomes import Outcomes  # noqa: E402
from forecast.archive.retention_rows import RetentionRows  # noqa: E402
from forecast.config import Config, read_config  # noqa: E402
from forecast.domain import Cycle, Event, Window  # noqa: E402
from forecast.observations import hourly  # noqa: E402
from forecast.quantities import ELEMENTS, features_of  # noqa: E402

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MODELS, STATIONS, POOL = ("gfs", "ifs", "aifs"), 20, 200
TARGET = 3e9  # [byte] of a year
# [byte] of a release of five sites as it is, and packed: measured on the demonstration
WHOLE, PACKED = 13_500_000, 292_000
MEASURED = ("air_temperature", "relative_humidity", "air_pressure", "wind_speed",
            "wind_from_direction", "wind_speed_of_gust", "precipitation_amount",
            "visibility_in_air")  # fmt: skip
SAID = 360  # [character] of a forecast beside quantities and reasons


def fill(path: Path, config: Config, days: int) -> None:
    """Fill an archive with so many days, as it is after their retention."""
    chance = random.Random(54511)
    raw = min(config.keep.observation_days + 2, days)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        _issues(connection, config, days, chance)
        _observations(connection, days, raw, chance)
        connection.commit()


def repeat(path: Path, config: Config, years: int, days: int) -> None:
    """Repeat the first year of all but recent observations, so many years in all."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for year in range(1, years):
            back = f"-{year * days} days"
            key = f"'{year}-' || issue"
            _insert_select(
                connection,
                "issue",
                {
                    "id": f"'{year}-' || id",
                    "run": _moved("run", back),
                    "issued": _moved("issued", back),
                    "published": _moved("published", back),
                },
            )
            for table in ("forecast", "voice"):
                more = (
                    {"run": _moved("run", back)}
                    if table == "voice"
                    else {"window_start": _moved("window_start", back)}
                )
                _insert_select(
                    connection,
                    table,
                    {"issue": key, "day": f"date(day, '{back}')", **more},
                    "issue NOT LIKE '_-%'",
                )
            _insert_select(
                connection, "outcome", {"day": f"date(day, '{back}')"}, f"day >= '{START.date()}'"
            )
            _insert_select(
                connection,
                "observation_hour",
                {"time": _moved("time", back)},
                f"time >= '{START:%Y-%m-%d}'",
            )
        connection.commit()  # fmt: skip


def _moved(column: str, back: str) -> str:
    return f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '{back}')"


def _insert_select(
    connection: sqlite3.Connection, table: str, changed: dict[str, str], which: str = ""
) -> None:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(name, f'"{name}"') for name in names)
    first = "id NOT LIKE '_-%'" if table == "issue" else which
    connection.execute(
        f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {first}"
    )


def events_of(config: Config, first: date) -> list[Event]:
    """Return the events of an issue of a day."""
    return [
        Event(phenomenon, site, day, Window(noon, noon + HOUR))
        for ahead in range(config.forecast.days)
        for site in config.all_sites()
        for phenomenon in site.phenomena
        if (day := first + timedelta(days=ahead))
        and (noon := datetime(day.year, day.month, day.day, 10, tzinfo=UTC))
    ]


def _issues(
    connection: sqlite3.Connection, config: Config, days: int, chance: random.Random
) -> None:
    values = {p: [_features(p, chance) for _ in range(POOL)]
              for site in config.sites for p in site.phenomena}  # fmt: skip
    old_said, said = ({p: [_said(v, recent) for v in values[p]] for p in values}
                      for recent in (False, True))  # fmt: skip
    recent_from = days - config.keep.detail_days
    for number in range(days * 4):
        run = START + timedelta(hours=6 * number)
        issued, name = run + 5 * HOUR, f"gfs-{run:%Y%m%d%H}"
        connection.execute(
            "INSERT INTO issue (id, number, model, run, digest, issued, valid_until, published, "
            "state, review) VALUES (?,?,'gfs',?,'abcdefabcdef',?,?,?,'superseded','{}')",
            (name, number + 1, _t(run), _t(issued), _t(issued + 12 * HOUR), _t(issued)),
        )
        details = said if number / 4 >= recent_from else old_said
        events = events_of(config, issued.date())
        connection.executemany(
            "INSERT INTO forecast VALUES (?,?,?,?,?,?,?,?,?,?)",
            ((name, *event.key, _t(event.window.start), _t(event.window.end), 0.123456, 2,
              "rule-2026-11", chance.choice(details[event.phenomenon])) for event in events),
        )  # fmt: skip
        for model in MODELS:
            cycle = f"{model}-{run:%Y%m%d%H}"
            connection.executemany(
                "INSERT INTO voice VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                ((name, *event.key, cycle, model, _t(run), 1, 0.123456789012345,
                  '{"sea": 0.41234, "open": 0.2}', chance.choice(values[event.phenomenon]),
                  '["light_path"]') for event in events),
            )  # fmt: skip
        connection.executemany(
            "INSERT INTO receipt VALUES (?,?,'published','46 files')",
            ((name, channel) for channel in config.output.channels),
        )
        connection.executemany(
            "INSERT INTO attempt (at, issue, exit_code, detail) VALUES (?,?,0,?)",
            ((_t(issued), name, "x" * 238) for _ in range(4)),
        )
        connection.executemany(
            "INSERT INTO transition (subject, before, after, person, at, reason) "
            "VALUES (?,'released','superseded','machine',?,'')", [(name, _t(issued))] * 2,
        )  # fmt: skip
        if number % 4 == 0:
            _day(connection, [e for e in events if e.day == issued.date()], issued)


def _day(connection: sqlite3.Connection, events: list[Event], at: datetime) -> None:
    """Add the outcomes of a day, and the digests of what was pushed: one in five minutes."""
    connection.executemany(
        "INSERT INTO outcome VALUES (?,?,?,?,?,1.0,NULL,'',NULL,'8 cloud reports',?)",
        ((*event.key, source, "M1001", _t(at + DAY))
         for event in events for source in ("analysis", "station")),
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO reading VALUES (?,'push lingshan','push',?,20,0)",
        ((f"{random.getrandbits(256):064x}", _t(at + n * timedelta(minutes=5)))
         for n in range(288)),
    )  # fmt: skip


def _observations(
    connection: sqlite3.Connection, days: int, raw: int, chance: random.Random
) -> None:
    flags = json.dumps(dict.fromkeys(MEASURED, 1))
    reports = [json.dumps({name: _value(name, chance) for name in MEASURED}) for _ in range(POOL)]
    hours = [json.dumps({name: [_value(name, chance), 60, *([_value(name, chance)] * 2)]
                         for name in MEASURED}) for _ in range(POOL)]  # fmt: skip
    end = START + days * DAY
    since = end - raw * DAY
    for n in range(STATIONS):
        station = f"M{1000 + n}"
        connection.executemany(
            "INSERT INTO observation VALUES (?,?,'push',?,?,?)",
            ((station, t, t, chance.choice(reports), flags)
             for t in map(_t, _every(since, end, timedelta(minutes=1)))),
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO observation_hour VALUES (?,?,60,?,'[]')",
            ((station, _t(t), chance.choice(hours)) for t in _every(START, since, HOUR)),
        )


def _every(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    for n in range(round((end - start) / step)):
        yield start + (n + 1) * step


def _t(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _features(phenomenon: str, chance: random.Random) -> str:
    values = {name: float(f"{chance.gauss(0, 30):.7g}") for name in features_of(phenomenon)}
    return json.dumps(values)


def _said(values: str, recent: bool) -> str:
    """Return the details of a forecast, of the length of real ones."""
    details: dict[str, Any] = {"voices": [], "states": {}, "best": "x" * SAID}
    if recent:
        details["quantities"] = dict(list(json.loads(values).items())[:15])
        details["reasons"] = [["cloud_cover_total", 0.1234567, -0.123]] * 4
    return json.dumps(details)


def _value(name: str, chance: random.Random) -> float:
    element = ELEMENTS[name]
    middle = (element.low + element.high) / 2
    return round(middle + chance.gauss(0, 0.05) * (element.high - element.low), 2)


def queries(archive: Archive, config: Config, now: datetime) -> dict[str, float]:
    """Return the CPU seconds of what an issue, the desk and `status` read."""
    events = events_of(config, now.date())
    cycle = Cycle(now.replace(hour=now.hour // 6 * 6, minute=0))
    day, stations = now.date(), [f"M{1000 + n}" for n in range(STATIONS)]
    names = ("gust", "night_sky_cover")
    works: dict[str, Callable[[], object]] = {
        "chances of earlier runs": lambda: archive.earlier(events, cycle, 4),
        "quantities of earlier runs": lambda: archive.earlier_quantities(events, cycle, 4, names),
        "fresh contributing runs": lambda: archive.contributing_runs(events, now - 12 * HOUR, now),
        "cover of the night before": lambda: earlier_feature(
            archive, events, "gfs", (now - 30 * HOUR, now - 18 * HOUR), "night_sky_cover"),
        "seas of yesterday": lambda: Outcomes(archive).reports(day - DAY, day, "sea_of_clouds"),
        "issues and their states": lambda: Drafts(archive).shown_states(
            [each.id for each in archive.issues()]
        ),
        "the last day of stations": lambda: Observations(archive).series(stations, now - DAY, now),
        "last reports": lambda: Observations(archive).last_reports(stations, now - DAY),
        "flags of a day": lambda: IntakeCounts(archive).flagged(now - DAY),
        "files of a day": lambda: IntakeCounts(archive).sources(now - DAY),
    }  # fmt: skip
    found = {}
    for name, work in works.items():
        work()  # pages come into the cache
        start = time.process_time()
        work()
        found[name] = time.process_time() - start
    return found


def size_of(path: Path) -> int:
    """Return the bytes of a database once its log is in it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def tables_of(path: Path) -> dict[str, int]:
    """Return the bytes of each table with its indexes; empty where SQLite cannot say."""
    query = (
        "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name "
        "GROUP BY 1 ORDER BY 2 DESC"
    )
    with closing(sqlite3.connect(path)) as connection:
        try:
            return dict(connection.execute(query).fetchall())
        except sqlite3.OperationalError:
            return {}


def releases(config: Config, issues: int) -> int:
    """Return the bytes of the releases that are kept after so many issues."""
    whole = min(config.keep.whole_issues, issues)
    packed = max(min(config.output.keep_issues, issues) - whole, 0)
    return whole * WHOLE + packed * PACKED


def main(days: int = 365, years: int = 5) -> int:
    """Print sizes and times; return 1 where a year is not below the target."""
    config = read_config()
    folder = Path(tempfile.mkdtemp(prefix="skyscape-growth-"))
    path, end = folder / "archive.db", START + days * DAY
    try:
        archive = Archive(f"sqlite:///{path}")
        fill(path, config, days)
        before = size_of(path)
        start = time.process_time()
        gone = hourly.thin(ObservationHours(archive), end - config.keep.observation_days * DAY)
        seconds = time.process_time() - start
        given = RetentionRows(archive).give_back()
        size, pages = size_of(path), releases(config, days * 4)
        whole = size + pages
        print(
            f"growth: {days} days, {len(config.sites)} sites, {len(MODELS)} models, 4 issues a "
            f"day, {STATIONS} stations every minute"
        )
        print(
            f"  archive {size / 1e6:.0f} MB ({before / 1e6:.0f} before two days were thinned, "
            f"{given / 1e6:.0f} given back); releases {pages / 1e6:.0f} MB; "
            f"together {whole / 1e9:.2f} GB, target below {TARGET / 1e9:g} GB"
        )
        for name, each in list(tables_of(path).items())[:7]:
            print(f"    {name:<18} {each / 1e6:8.1f} MB")
        print(f"  thinned {gone} observations in {seconds:.1f} s of CPU")
        first = queries(archive, config, end - HOUR)
        repeat(path, config, years, days)
        print(f"  after {years} years: archive {size_of(path) / 1e9:.2f} GB")
        later = queries(archive, config, end - HOUR)
        for name in first:
            print(
                f"    {name:<28} {1e3 * first[name]:7.1f} ms, after {years} years "
                f"{1e3 * later[name]:7.1f} ms"
            )
        print(f"    {'together':<28} {1e3 * sum(first.values()):7.1f} ms, after {years} years "
              f"{1e3 * sum(later.values()):7.1f} ms")  # fmt: skip
    finally:
        shutil.rmtree(folder)
    return int(whole >= TARGET)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
