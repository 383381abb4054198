"""What if a sender is hostile, or the machine dies? The real server in a process of its own, its
memory watched, killed at any instant.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.service.web.bounded_socket import Timeouts
from forecast.service.web.push import ADDRESS
from tests.faults.push_endpoint import START, TOKEN, ask, endpoint_at, push, records

# For tests of slow senders only: short enough to wait for, long enough for a valid request on a
# machine with twenty other processes.
SHORT = Timeouts(headers=4, request=8, silence=4)
LONG = Timeouts(headers=120, request=300, silence=120)
MEGABYTE = 1_000_000
# beyond an idle server's, for a body of at most 8 MB: an empty object takes 3 bytes of JSON and 72
# of memory
MEMORY = 320 * MEGABYTE
# [s] of processor time for whatever one body holds
PROCESSOR_TIME = 20.0
# [s] that a client waits at most, on however busy a machine: no test waits so long unless it fails
SECONDS = 300.0
KILLS = 8

Served = tuple[BaseProcess, int]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with endpoint_at(f"sqlite:///{tmp_path_factory.mktemp('endpoint') / 'archive.db'}", LONG) as (
        process,
        port,
    ):
        push(port, records(1))
        yield process, port


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that soon loses its patience with a slow sender."""
    with endpoint_at(f"sqlite:///{tmp_path_factory.mktemp('strict') / 'archive.db'}", SHORT) as (
        process,
        port,
    ):
        push(port, records(1))
        yield process, port


def peak(process: BaseProcess) -> int:
    """The most memory that a process has held [byte]."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def processor_time(process: BaseProcess) -> float:
    """Return the processor time that a process has used, user and system [s]."""
    # after the name, which may hold spaces, come the fields from the third on; times are 14 and 15
    fields = (
        Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    )
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def response_to(port: int, *parts: bytes, wait: float = SECONDS) -> bytes:
    """Send raw bytes; return what came back until the endpoint closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as link:
        contributed = b""
        try:
            for part in parts:
                link.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it closed before all was sent
        try:
            while more := link.recv(65536):
                contributed += more
        except ConnectionResetError:
            pass
    return contributed


def head(*lines: str, token: str = TOKEN) -> bytes:
    result = (
        f"POST {ADDRESS} HTTP/1.1",
        "Host: here",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        *lines,
        "",
        "",
    )
    return "\r\n".join(result).encode()


def deep(count: int) -> bytes:
    return b'[{"station":' + b"[" * count + b"]" * count + b"}]"


# fmt: off
HOSTILE = {
    "nested deeper than any record": deep(2 * MEGABYTE),
    "a million keys": json.dumps([{f"{k:x}": 1 for k in range(800_000)}],
                                 separators=(",", ":")).encode(),
    "a million records of nothing": b"[" + b"{}," * 2_600_000 + b"{}]",
    "a million numbers": b"[" + b"1," * 3_900_000 + b"1]",
    "an endless number": (
        b'[{"station": "S00000", "time": "2026-11-22T08:00Z", "air_temperature": '
        + b"9" * 7 * MEGABYTE
        + b"}]"
    ),
    "NUL bytes": b"\0" * 7 * MEGABYTE,
    "NUL in a name": (
        b'[{"station": "S0\\u0000", "time": "2026-11-22T08:00Z", "air_temperature": 1}]'
    ),
    "another encoding": json.dumps(records(3)).encode("utf-16"),
    "half a character": b'[{"station": "\xe4\xb8',
    "an endless string": b'[{"station": "' + b"A" * 7 * MEGABYTE + b'"}]',
    "a time out of range": (
        b'[{"station": "S00000", "time": "99999999999999999999", "air_temperature": 1}]'
    ),
}
# fmt: on


@pytest.mark.parametrize("name", HOSTILE)
def test_no_body_takes_more_than_its_share_of_time_and_memory(served: Served, name: str) -> None:
    process, port = served
    before, began = peak(process), processor_time(process)

    status, result = push(port, HOSTILE[name])

    assert status == 422
    assert result["kept"] == 0
    assert len(json.dumps(result)) < 10_000
    assert processor_time(process) - began < PROCESSOR_TIME
    assert peak(process) - before < MEMORY
    assert push(port, records(1, first=3))[0] == 200


def test_text_that_a_spreadsheet_would_run_comes_back_harmless(served: Served) -> None:
    body = [
        {"station": '=HYPERLINK("http://x")', "time": "2026-11-22T08:00Z", "air_temperature": 1},
        {"station": "S00000", "time": "@SUM(1+9)*cmd|' /C calc'!A0", "air_temperature": 1},
    ]

    status, result = push(served[1], body)

    assert status == 422
    reasons = [refused["reason"] for refused in result["refused"]]
    assert len(reasons) == 2
    assert not any(
        reason.startswith(("=", "+", "-", "@")) or "|" in reason or "<" in reason
        for reason in reasons
    )


def test_a_bomb_is_not_unpacked_beyond_what_a_body_may_have(served: Served) -> None:
    process, port = served
    before = peak(process)
    bomb = gzip.compress(bytes(400 * MEGABYTE), 9)

    status, result = push(port, bomb, Content_Encoding="gzip")

    assert len(bomb) < MEGABYTE
    assert status == 413
    assert "8000000" in result["error"]
    assert peak(process) - before < MEMORY


def test_ten_gigabytes_are_refused_when_they_are_announced(served: Served) -> None:
    for lines in (
        ("Content-Length: 10000000000",),
        ("Content-Length: 10000000000", "Expect: 100-continue"),
    ):
        answer = response_to(served[1], head(*lines))

        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"in parts" in answer


def test_a_body_without_end_is_cut_off_at_its_limit(served: Served) -> None:
    process, port = served
    before = peak(process)
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"

    answer = response_to(port, head("Transfer-Encoding: chunked"), *[chunk] * 64)

    # its end may be lost when the endpoint is shut in the sender's face
    assert not answer or answer.startswith(b"HTTP/1.1 413 ")
    assert peak(process) - before < MEMORY
    assert push(port, records(1, first=4))[0] == 200


def test_the_body_of_a_request_without_token_is_not_read(served: Served) -> None:
    answer = response_to(served[1], head("Content-Length: 7000000", token="of nobody"))

    assert answer.startswith(b"HTTP/1.1 401 ")  # sent without waiting for a single byte of the body


@pytest.mark.parametrize(
    "lines",
    [
        ("X: " + "a" * 20_000,),
        ("Content-Length: -5",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Transfer-Encoding: gzip, chunked",),
    ],
)
def test_headers_that_lie_are_answered_once_and_the_connection_is_closed(
    served: Served, lines: tuple[str, ...]
) -> None:
    answer = response_to(served[1], head(*lines))

    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 501 "))
    assert answer.count(b"HTTP/1.") == 1
    assert b"Traceback" not in answer


def test_connections_that_dawdle_are_closed_and_others_are_served_meanwhile(strict: Served) -> None:
    """A byte now and then keeps a connection awake; only the clock of the whole request ends it."""
    _, port = strict
    begun = [socket.create_connection(("127.0.0.1", port), timeout=SECONDS) for _ in range(40)]
    # half a line; all headers and one byte of the body
    openings = (b"POST ", head("Content-Length: 1000") + b"[")
    for place, link in enumerate(begun):
        link.sendall(openings[place % 2])
    open_ones, waited = begun, time.monotonic()

    while open_ones and time.monotonic() - waited < SECONDS:
        assert push(port, records(1, first=5))[0] == 200
        open_ones = [link for link in open_ones if _takes(link, b" ")]

    assert open_ones == []
    for link in begun:
        link.close()


def _takes(link: socket.socket, data: bytes) -> bool:
    """Whether a connection still takes a byte."""
    try:
        link.sendall(data)
        link.settimeout(0.02)
        return bool(link.recv(1))
    except TimeoutError:
        return True
    except OSError:
        return False


# -- the machine dies


def test_what_was_answered_200_is_there_whenever_the_machine_dies(tmp_path: Path) -> None:
    """Four senders push without pause; the process is killed at any instant, and what it had
    promised is in the archive.
    """
    url = f"sqlite:///{tmp_path / 'archive.db'}"
    dice, promised, lock = random.Random(4), set[int](), threading.Lock()
    place = iter(range(0, 10_000_000, 100))

    def push_on(port: int, sender: int) -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        headers = {"Authorization": f"Bearer {TOKEN}-{sender}", "Content-Type": "application/json"}
        try:
            while True:
                with lock:
                    first = next(place)
                status, result = ask(link, records(100, first), headers)
                assert (status, result["kept"]) == (200, 100)
                with lock:
                    promised.update(range(first, first + 100))
        except (OSError, http.client.HTTPException, ValueError):
            link.close()  # it died

    for _ in range(KILLS):
        with endpoint_at(url) as (process, port):
            senders = [threading.Thread(target=push_on, args=(port, k)) for k in range(4)]
            for each in senders:
                each.start()
            before = len(promised)
            # a slow machine has its first answer later
            while len(promised) == before and process.is_alive():
                time.sleep(0.01)
            time.sleep(dice.uniform(0, 0.4))
            process.kill()
            for each in senders:
                each.join()

    assert len(promised) >= 100 * KILLS
    kept = Observations(Archive(url)).series(["S00000"], START, START.replace(year=2046))["S00000"]
    minutes = {round((observation.time - START).total_seconds() / 60) for observation in kept}
    assert promised - minutes == set()
    # Nothing is there by halves: of each body all hundred records or none.
    assert {minute // 100 for minute in minutes} == {
        first // 100 for first in minutes if all(k in minutes for k in _body_of(first))
    }


def _body_of(minute: int) -> range:
    return range(minute // 100 * 100, minute // 100 * 100 + 100)


def test_a_body_cut_off_by_a_dying_sender_leaves_nothing(strict: Served) -> None:
    _, port = strict
    whole: bytes = json.dumps(records(50, first=9000)).encode()

    answer = response_to(port, head(f"Content-Length: {len(whole)}"), whole[:-1])

    assert answer == b""  # closed in silence when its time was over
    status, result = push(port, whole)
    assert (status, result["kept"], result["repeated"]) == (200, 50, False)


def test_the_push_server_works_with_postgresql(postgresql: str) -> None:
    body: list[Any] = records(200)

    with endpoint_at(postgresql) as (_, port):
        answers = [push(port, body) for _ in range(2)]

    assert [(status, result["kept"], result["repeated"]) for status, result in answers] == [
        (200, 200, False),
        (200, 200, True),
    ]
    assert (
        len(
            Observations(Archive(postgresql)).series(["S00000"], START, START.replace(year=2046))[
                "S00000"
            ]
        )
        == 200
    )
