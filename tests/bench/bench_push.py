"""How many station records a minute go through the push endpoint? `python -m tests.bench.bench_push
[--senders 4] [--stations 1700] ...`.

100,000 records, of each station one every so many minutes, in bodies of so many records, by several
senders at once; the real server in a process of its own, into SQLite and, where it is installed,
PostgreSQL. Without quality control, and with it: then the time counts until the last record is
checked against its past and its neighbours, as the job `observe` does it. In turns of 100,000,
so that the later ones have the history of the earlier.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.observations.intake import Intake
from tests.conftest import postgresql
from tests.faults.push_endpoint import START, TOKEN, ask, endpoint_at, observing

RECORDS = 100_000


def bodies(size: int, stations: int, minutes: int, first: int) -> Iterator[bytes]:
    """Yield bodies as a gateway sends them: all stations of a moment, from record `first` on."""
    made = []
    for k in range(first, first + RECORDS):
        moment, station = divmod(k, stations)
        at = (START + timedelta(minutes=minutes * moment)).isoformat()
        made.append({"station": f"S{station:05d}", "time": at,
                     "air_temperature": round(3 + (k * 7919 % 600) / 100, 1),
                     "relative_humidity": 40 + (station + 3 * moment) % 50,
                     "wind_speed": round((k * 31 % 80) / 10, 1),
                     "wind_from_direction": k * 17 % 360,
                     "air_pressure": 870 + (station + moment // 9) % 20,
                     "negative_oxygen_ions": 800 + k * 13 % 3000})  # fmt: skip
        if len(made) == size:
            yield json.dumps(made).encode()
            made = []
    if made:
        yield json.dumps(made).encode()


def send_all(port: int, senders: int, waiting: list[bytes]) -> int:
    """Send bodies by so many senders at once; return how many records were confirmed as kept."""
    lock, kept = threading.Lock(), [0]

    def send(sender: int) -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        headers = {"Authorization": f"Bearer {TOKEN}-{sender}", "Content-Type": "application/json"}
        while True:
            with lock:
                if not waiting:
                    break
                body = waiting.pop()
            status, response = ask(link, body, headers)
            assert status == 200, response
            with lock:
                kept[0] += response["kept"]
        link.close()

    threads = [threading.Thread(target=send, args=(k,)) for k in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return kept[0]


def measure(name: str, url: str, options: argparse.Namespace, with_checks: bool) -> Iterator[str]:
    intake = Intake(observing(options.stations), Archive(url), ZoneInfo("UTC"))
    with endpoint_at(url, many=options.stations, checked=with_checks) as (_, port):
        for turn in range(options.turns):
            waiting = list(bodies(options.size, options.stations, options.minutes, turn * RECORDS))[
                ::-1
            ]
            began = time.perf_counter()
            kept = send_all(port, options.senders, waiting)
            sent = time.perf_counter() - began
            taken = intake.observe(datetime.now(UTC)) if with_checks else None
            seconds = time.perf_counter() - began
            how = f"{taken.checked} checked in {seconds - sent:.1f} s" if taken else "not checked"
            there = Observations(Archive(url)).count()
            yield (
                f"{name}: {kept} records kept in {sent:.1f} s, {how}: "
                f"{60 * kept / seconds:,.0f} a minute; {there} in the archive"
            )


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--senders", type=int, default=4)
    wanted.add_argument("--size", type=int, default=500)
    wanted.add_argument("--stations", type=int, default=1700)
    wanted.add_argument("--minutes", type=int, default=1, help="between two records of a station")
    wanted.add_argument("--turns", type=int, default=2)
    options = wanted.parse_args()
    for with_checks in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            for line in measure(
                "SQLite", f"sqlite:///{Path(folder) / 'archive.db'}", options, with_checks
            ):
                print(line, flush=True)
        server = postgresql.__wrapped__(
            pytest.TempPathFactory.from_config(pytest.Config.fromdictargs({}, []), _ispytest=True)
        )
        try:
            url = next(server)
        except pytest.skip.Exception as reason:
            print(f"PostgreSQL: {reason}")
            continue
        for line in measure("PostgreSQL", url, options, with_checks):
            print(line, flush=True)
        next(server, None)


if __name__ == "__main__":
    main()
