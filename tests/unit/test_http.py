"""Is the one socket polite, patient and bounded, and does a file get its name only when it is
whole?
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from forecast.errors import CycleNotReady, SourceCorrupt, SourceRefused, SourceUnavailable
from forecast.http import ByteRange, Client, Deadline, Limiter, retry_after, shown
from forecast.sample.bucket import LoopbackBucket
from forecast.settings import HttpSettings
from tests.faults.faulty_server import ALWAYS, Fault, FaultyBucket, PatientClock


class StillClock:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def client_of(url: str, clock: PatientClock | None = None, **settings: float) -> Client:
    given = {
        "requests_per_minute": 6000,
        "connections": 1,
        "timeout_seconds": 5,
        "deadline_seconds": 600,
        "attempts": 4,
    } | settings
    return Client(
        HttpSettings.model_validate({"url": url, **given}), clock or PatientClock(), seed=1
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(bytes(range(256)) * 4)
    return tmp_path


def test_a_range_brings_exactly_its_bytes_and_the_size_of_the_whole(root: Path) -> None:
    with LoopbackBucket(root) as server:
        client = client_of(server.url)
        middle = client.get("/file", client.deadline(), 2000, span=ByteRange(250, 259))
        tail = client.get("/file", client.deadline(), 2000, span=ByteRange(1020))
        whole = client.get("/file", client.deadline(), 2000)

    assert (middle.body, middle.total) == (bytes([250, 251, 252, 253, 254, 255, 0, 1, 2, 3]), 1024)
    assert tail.body == bytes([252, 253, 254, 255])
    assert (len(whole.body), whole.total, whole.etag) == (1024, None, middle.etag)
    assert (client.requests, client.bytes) == (3, 10 + 4 + 1024)
    assert (server.requests, server.bytes) == (3, 10 + 4 + 1024)


def test_connections_are_kept_alive(root: Path) -> None:
    ports = set()

    class Watching(LoopbackBucket):
        def send(self, handler, answer):  # type: ignore[no-untyped-def]
            ports.add(handler.client_address)
            super().send(handler, answer)

    with Watching(root) as server:
        client = client_of(server.url)
        for first in range(20):
            client.get("/file", client.deadline(), 2000, span=ByteRange(first, first + 9))

    assert len(ports) == 1


def test_an_absent_file_is_not_requested_again(root: Path) -> None:
    with LoopbackBucket(root) as server:
        client = client_of(server.url)
        with pytest.raises(CycleNotReady, match="not there \\(404\\)"):
            client.get("/other", client.deadline(), 2000)
        with pytest.raises(CycleNotReady, match="ends before byte 5000"):
            client.get("/file", client.deadline(), 2000, span=ByteRange(5000, 5009))
        with pytest.raises(CycleNotReady, match="still be growing"):
            client.get("/file", client.deadline(), 2000, span=ByteRange(1000, 1100))

    assert server.requests == 3


@pytest.mark.parametrize("status", [302, 303, 307, 408, 425, 429, 500, 502, 503, 504])
def test_a_busy_server_is_retried_after_a_growing_pause(status: int, root: Path) -> None:
    clock = PatientClock()
    with FaultyBucket(
        root,
        Fault("status", times=3, status=status, headers=(("Location", "http://127.0.0.1:9/"),)),
    ) as server:
        client = client_of(server.url, clock)
        reply = client.get("/file", client.deadline(), 2000)

    assert len(reply.body) == 1024
    assert server.requests == 4
    # three pauses, drawn from 0.5-1, 1-2 and 2-4 s
    assert 3.5 <= sum(clock.slept) <= 7.1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 405])
def test_a_refusal_is_taken_for_an_answer(status: int, root: Path) -> None:
    with FaultyBucket(root, Fault("status", times=ALWAYS, status=status)) as server:
        client = client_of(server.url)
        with pytest.raises(SourceRefused, match=str(status)):
            client.get("/file", client.deadline(), 2000)

    assert server.requests == 1


def test_attempts_come_to_an_end(root: Path) -> None:
    with FaultyBucket(root, Fault("status", times=ALWAYS, status=503)) as server:
        client = client_of(server.url, attempts=3)
        with pytest.raises(SourceUnavailable, match="503"):
            client.get("/file", client.deadline(), 2000)

    assert server.requests == 3


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", None, 120),
        ("Sun, 22 Nov 2026 10:00:30 GMT", "Sun, 22 Nov 2026 10:00:00 GMT", 30),
        ("Sun, 22 Nov 2026 09:59:30 GMT", "Sun, 22 Nov 2026 10:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 10:00:30 GMT", None, None),
        ("soon", "Sun, 22 Nov 2026 10:00:00 GMT", None),
        ("-5", None, None),
        (None, None, None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(
    value: str | None, date: str | None, seconds: float | None
) -> None:
    """Authority: RFC 9110, 10.2.3: a number of seconds, or an HTTP date; the date is read against
    the server's own clock.
    """
    assert retry_after(value, date) == seconds


def test_no_more_requests_leave_in_a_minute_than_allowed() -> None:
    """At most `per_minute` and the first burst, in any minute: 60 + 2."""
    clock = StillClock()
    limiter, deadline = Limiter(60, 2, clock), Deadline(1e6, clock)

    sent = []
    for _ in range(300):
        limiter.wait(deadline)
        sent.append(clock.now)

    assert max(sum(start <= moment < start + 60 for moment in sent) for start in sent) <= 62
    assert sent[-1] == pytest.approx(298)


def test_a_held_limiter_lets_nothing_through_until_it_is_time() -> None:
    clock = StillClock()
    limiter = Limiter(6000, 4, clock)

    limiter.hold(90)
    limiter.wait(Deadline(1000, clock))

    assert clock.now == 90


def test_a_body_longer_than_expected_is_refused_before_it_is_read(root: Path) -> None:
    (root / "large").write_bytes(bytes(3_000_000))
    with LoopbackBucket(root) as server:
        client = client_of(server.url, attempts=1)
        with pytest.raises(SourceCorrupt, match="3000000 bytes announced, at most 2000 expected"):
            client.get("/large", client.deadline(), 2000)

    assert client.bytes == 0


def test_a_body_without_a_length_is_cut_when_it_is_too_long(root: Path) -> None:
    class Endless(LoopbackBucket):
        def send(self, handler, answer):  # type: ignore[no-untyped-def]
            handler.close_connection = True
            handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
            try:
                while True:
                    handler.wfile.write(bytes(65536))
            except OSError:
                pass

    with Endless(root) as server:
        client = client_of(server.url, attempts=1)
        with pytest.raises(SourceCorrupt, match="more than the 100000 bytes"):
            client.get("/file", client.deadline(), 100_000)

    assert client.bytes < 100_000 + 65_536 + 1


def test_no_secret_and_no_query_reaches_the_log(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with FaultyBucket(
        root, Fault("status", times=1, status=503), Fault("reset", times=1)
    ) as server:
        client = client_of(server.url.replace("http://", "http://user:pass-word@"))
        with caplog.at_level(logging.DEBUG, logger="forecast"):
            client.get("/file", client.deadline(), 2000, query=[("token", "sesame")])

    assert "attempt 2 of 4" in caplog.text
    assert "pass-word" not in caplog.text
    assert "sesame" not in caplog.text
    assert shown("https://user:word@host:80/path?key=1#x") == "https://host:80/path"


def test_a_proxy_of_the_environment_does_not_stand_before_the_loopback(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with LoopbackBucket(root) as server:
        client = client_of(server.url, attempts=1)

        assert len(client.get("/file", client.deadline(), 2000).body) == 1024


def test_nobody_listening_is_a_failure_worth_retrying() -> None:
    client = client_of("http://127.0.0.1:9", attempts=2)

    with pytest.raises(SourceUnavailable, match="connection failed") as raised:
        client.get("/file", client.deadline(), 2000)

    assert raised.value.worth_retrying
    assert client.requests == 2
