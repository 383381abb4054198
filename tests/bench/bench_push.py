"""How many station records a minute go through the push door? `python -m tests.bench.bench_push [--senders 4] [--stations 1700] ...`.

100,000 records, of each station one every ten minutes, in bodies of so many records, by several senders at once; the real server in a
process of its own, with quality control and without, into SQLite and, where it is installed, PostgreSQL.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.archive import Archive
from forecast.archive_observations import Observations
from tests.conftest import postgresql
from tests.faults.push_door import START, TOKEN, ask, door_at

RECORDS = 100_000


def bodies(size: int, stations: int) -> Iterator[bytes]:
    """Yield bodies as a gateway sends them: moment by moment, all stations."""
    made = []
    for k in range(RECORDS):
        moment, station = divmod(k, stations)
        at = (START + timedelta(minutes=10 * moment)).isoformat()
        made.append({"station": f"S{station:05d}", "time": at, "air_temperature": round(3 + (k * 7919 % 600) / 100, 1),
                     "relative_humidity": 40 + k % 50, "wind_speed": round((k * 31 % 80) / 10, 1), "wind_from_direction": k * 17 % 360,
                     "air_pressure": 870 + k % 20, "negative_oxygen_ions": 800 + k * 13 % 3000})  # fmt: skip
        if len(made) == size:
            yield json.dumps(made).encode()
            made = []
    if made:
        yield json.dumps(made).encode()


def measure(name: str, url: str, senders: int, size: int, stations: int, judged: bool) -> str:
    waiting, lock, kept = list(bodies(size, stations))[::-1], threading.Lock(), [0]

    def send(port: int, sender: int) -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        headers = {"Authorization": f"Bearer {TOKEN}-{sender}", "Content-Type": "application/json"}
        while True:
            with lock:
                if not waiting:
                    break
                body = waiting.pop()
            status, told = ask(link, body, headers)
            assert status == 200, told
            with lock:
                kept[0] += told["kept"]
        link.close()

    with door_at(url, many=stations, judged=judged) as (_, port):
        began = time.perf_counter()
        threads = [threading.Thread(target=send, args=(port, k)) for k in range(senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
    there = Observations(Archive(url)).count()
    how = "judged" if judged else "not judged"
    return f"{name}, {how}: {kept[0]} records in {seconds:.1f} s, {60 * kept[0] / seconds:,.0f} a minute; {there} in the archive"


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--senders", type=int, default=4)
    wanted.add_argument("--size", type=int, default=500)
    wanted.add_argument("--stations", type=int, default=1700)
    asked = wanted.parse_args()
    for judged in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'archive.db'}"
            print(measure("SQLite", url, asked.senders, asked.size, asked.stations, judged), flush=True)
        server = postgresql.__wrapped__(pytest.TempPathFactory.from_config(pytest.Config.fromdictargs({}, []), _ispytest=True))
        try:
            url = next(server)
        except pytest.skip.Exception as reason:
            print(f"PostgreSQL: {reason}")
            continue
        print(measure("PostgreSQL", url, asked.senders, asked.size, asked.stations, judged), flush=True)
        next(server, None)


if __name__ == "__main__":
    main()
