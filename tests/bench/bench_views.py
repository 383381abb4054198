"""How many views of static pages does nginx give? `python tests/bench/bench_views.py`.

A release of five sites; one worker, without TLS, else as docs/deploy/nginx.conf has the pages; a
plain client with eight connections that stay open. Judged is what all cores of this machine would
give, one worker each, by the processor time of a view: 1,000 views a second. Views by the clock are
shown: the client shares the machine.
"""

from __future__ import annotations

import getpass
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))
VIEWS, CONNECTIONS, PORT, LEAST = 1000, 8, 18399, 1000
PAGE = "/current/sites/site_0/index.html"
NGINX = """
user {user}; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 256; }}
http {{
    access_log off; keepalive_requests 100000;
    types {{ text/html html; text/css css; application/javascript js; application/json json; }}
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on; gzip_vary on; gzip_min_length 1000; gzip_types text/css application/javascript;
    server {{
        listen 127.0.0.1:{port}; root {root};
        location / {{ etag on; try_files $uri $uri/index.html =404; }}
    }}
}}
"""


def processor(process: int) -> float:
    """Return the processor time [s] of a process and its children that live."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ticks = 0
    for each in (str(process), *children):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def view(path: str, count: int, headers: Mapping[str, str]) -> int:
    """Look at a page so often on one connection; return the bytes of its body."""
    link, size = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60), 0
    for _ in range(count):
        link.request("GET", path, headers=dict(headers))
        answer = link.getresponse()
        size = len(answer.read())
        if answer.status not in (200, 304):
            raise SystemExit(f"{path}: {answer.status}")
    link.close()
    return size


def measure(server: int, path: str, headers: Mapping[str, str]) -> tuple[float, float]:
    """Return the processor time [ms] of a view, and views a second by the clock."""
    crowd = [
        threading.Thread(target=view, args=(path, VIEWS // CONNECTIONS, headers))
        for _ in range(CONNECTIONS)
    ]
    cpu, start = processor(server), time.monotonic()
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    return 1000 * (processor(server) - cpu) / VIEWS, VIEWS / (time.monotonic() - start)


def etag_of(path: str) -> str:
    link = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    link.request("GET", path)
    answer = link.getresponse()
    answer.read()
    return answer.headers["ETag"]


def main() -> int:
    """Print what a view costs; return 1 when a bar is missed."""
    from tests.bench import bench_sites
    from tests.bench.bars import BOARD

    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        BOARD.skip("a view of a page from nginx", "nginx is not installed")
        return BOARD.code
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench_sites.write_sample(5, folder / "cycle")
        bench_sites.run_case(5, 5, folder / "cycle", bench_sites.CHANNELS, folder / "made")
        settings = folder / "nginx.conf"
        where = {"folder": folder, "port": PORT, "root": folder / "made" / "site"}
        settings.write_text(NGINX.format(**where, user=getpass.getuser()))
        with subprocess.Popen([program, "-c", str(settings), "-p", name]) as server:
            try:
                time.sleep(1)
                kept = {"If-None-Match": etag_of(PAGE)}
                for what, headers in (
                    ("a page as it is", {}),
                    ("a page that the reader has", kept),
                    ("a page compressed on the way", {"Accept-Encoding": "gzip"}),
                ):
                    size = view(PAGE, 1, headers)
                    ms, rate = measure(server.pid, PAGE, headers)
                    print(f"{what}: {ms:.2f} ms of processor, {rate:.0f} a second, {size} bytes")
                    BOARD.at_least(f"views a second: {what}", 1000 * cores / ms, LEAST)
            finally:
                server.terminate()
    return BOARD.code


if __name__ == "__main__":
    sys.exit(main())
