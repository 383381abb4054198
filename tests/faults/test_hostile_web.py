"""What if a browser is hostile? The whole application on a real socket, attacked over raw bytes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.archive.accounts import Audit
from forecast.archive.reports import ReportLink
from forecast.config import Config
from forecast.service.web import guards
from forecast.service.web.bounded_socket import HEADER, Head, Timeouts, parse_head
from forecast.service.web.links import token_of
from forecast.service.web.server import CONNECTIONS, WebServer
from forecast.service.web.throttle import Limit, Throttle
from tests.web_world import WebWorld, web_world

SECONDS = 120.0  # [s] that a client waits at most; no test waits so long unless it fails
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def ours(config: Config, tmp_path_factory: pytest.TempPathFactory) -> WebWorld:
    made = web_world(config, tmp_path_factory.mktemp("web"), port=0)
    made.application.extensions["login limits"].address = Throttle(Limit(10_000, 0.001))
    return made


@pytest.fixture(scope="module")
def port(ours: WebWorld) -> Iterator[int]:
    server = WebServer(
        ours.application,
        ours.context.config.web,
        None,
        Timeouts(headers=60, request=60, silence=60),
    )
    threading.Thread(target=server.serve, daemon=True).start()
    yield server.port
    server.close()


@pytest.fixture(scope="module")
def impatient(ours: WebWorld) -> Iterator[int]:
    server = WebServer(
        ours.application, ours.context.config.web, None, Timeouts(headers=2, request=3, silence=60)
    )
    threading.Thread(target=server.serve, daemon=True).start()
    yield server.port
    server.close()


def answers(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts; return what comes back until the other side closes, or has answered enough."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as link:
        found = b""
        try:
            for part in parts:
                link.sendall(part)
                time.sleep(pause)
        except OSError:
            pass  # it closed before all was sent
        try:
            while more := link.recv(65_536):
                found += more
        except OSError:
            pass
    return found


def get(path: str, *lines: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: here", *lines, "", "")).encode("latin-1")


def post(path: str, body: bytes, *lines: str) -> bytes:
    head = (f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {len(body)}", *lines, "", "")
    return "\r\n".join(head).encode() + body


CLOSE = "Connection: close"


def test_requests_one_after_the_other_and_all_at_once_get_their_answers(port: int) -> None:
    """On one connection, however the bytes are cut."""
    whole = (
        get("/static/mark.svg")
        + post("/desk/login", b"a" * 70_000)
        + post("/desk/login", b"")
        + get("/static/mark.svg", CLOSE)
    )

    for size in (len(whole), 1000, 7):
        pieces = [whole[at : at + size] for at in range(0, min(len(whole), 100_000), size)]
        found = answers(port, *pieces)
        assert [found.count(mark) for mark in (b"HTTP/1.1 200 ", b"HTTP/1.1 400 ")] == [2, 2], size


@pytest.mark.parametrize(
    ("path", "announced", "status"),
    [
        ("/desk/login", 262_144, b""),  # waited for
        ("/desk/login", 262_145, b"413"),
        ("/desk/edit", 10_000_000_000, b"413"),
        ("/nothing", 1_000_000, b"413"),
        ("/report/SIGNED", 8 * MEGABYTE, b""),
        ("/r%65port/SIGNED", 8 * MEGABYTE, b""),
        ("/report/SIGNED", 80 * MEGABYTE, b"413"),
        ("/report/SIGNEDx", 8 * MEGABYTE, b"413"),  # whoever has no link may send no photo
        ("/report/", 8 * MEGABYTE, b"413"),  # nor a visitor where the settings want none
        ("/report/../desk/edit", 8 * MEGABYTE, b"413"),
    ],
)
def test_what_is_too_large_for_its_address_is_refused_when_it_is_announced(
    ours: WebWorld, port: int, path: str, announced: int, status: bytes
) -> None:
    """No byte of the body is sent; whoever is not refused is waited for."""
    with ours.application.app_context():
        path = path.replace("SIGNED", token_of(ReportLink("k", "", "\u738b", ours.now, "zhao")))
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {announced}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as link:
        link.sendall(head.encode())
        if status:
            assert link.recv(100).startswith(b"HTTP/1.1 " + status)
        else:
            link.settimeout(0.5)
            with pytest.raises(TimeoutError):
                link.recv(1)


def test_a_body_without_end_is_cut_off(port: int) -> None:
    head = b"POST /desk/login HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as link:
        link.sendall(head)
        try:
            while sent < 64 * MEGABYTE:
                link.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass

    assert sent < 32 * MEGABYTE  # what lay in the buffers of the system counts


@pytest.mark.parametrize(
    "opening",
    [
        b"GET /static/mark.svg HT",
        post("/desk/login", b"")[:-4] + b"\r\nContent-Length: 9000\r\n\r\n"[2:],
    ],
    ids=["within its headers", "within its body"],
)
def test_whoever_dawdles_is_closed(impatient: int, opening: bytes) -> None:
    opening = opening.replace(b"Content-Length: 0\r\n", b"")
    with socket.create_connection(("127.0.0.1", impatient), timeout=SECONDS) as link:
        link.sendall(opening)
        began = time.monotonic()
        try:
            while time.monotonic() - began < SECONDS:
                link.sendall(b"x")
                time.sleep(0.1)
        except OSError:
            return
    pytest.fail("a byte now and then held the connection open")


def test_one_address_may_not_take_all_connections(port: int) -> None:
    """Sixty at once; whoever closes one may open another."""
    links = [socket.create_connection(("127.0.0.1", port), timeout=SECONDS) for _ in range(60)]
    links[-1].sendall(get("/static/mark.svg"))
    assert links[-1].recv(100).startswith(b"HTTP/1.1 200 ")  # all of them are accepted by now

    assert answers(port, get("/static/mark.svg", CLOSE)) == b""
    for link in links:
        link.close()
    for _ in range(200):
        if answers(port, get("/static/mark.svg", CLOSE)):
            return
        time.sleep(0.1)
    pytest.fail("the closed ones still count")


def test_slow_bodies_from_many_addresses_keep_nobody_else_out(port: int) -> None:
    """More of them than there may be connections: each new visitor ends the oldest of them."""
    opening = b"POST /desk/login HTTP/1.1\r\nHost: here\r\nContent-Length: 9000\r\n\r\nx"
    links = []
    for host in range(2, 9):
        for _ in range(CONNECTIONS // 4):
            source = (f"127.0.0.{host}", 0)
            link = socket.create_connection(("127.0.0.1", port), SECONDS, source)
            link.sendall(opening)
            links.append(link)
    assert len(links) > CONNECTIONS

    for _ in range(3):
        assert answers(port, get("/static/mark.svg", CLOSE)).startswith(b"HTTP/1.1 200 ")
    ended = 0
    for link in links:
        link.setblocking(False)
        try:
            ended += link.recv(1) == b""
        except ConnectionResetError:
            ended += 1
        except BlockingIOError:
            pass
        link.close()
    assert len(links) - CONNECTIONS <= ended < len(links)  # the newer ones are still waited for


def test_of_many_waiting_connections_the_oldest_of_the_greediest_sender_ends(port: int) -> None:
    """Whoever has one connection keeps it, however long it waits."""
    patient = socket.create_connection(("127.0.0.1", port), SECONDS, ("127.0.0.9", 0))
    patient.sendall(post("/desk/login", b"a" * 9000, CLOSE)[:-1])
    greedy = [
        socket.create_connection(("127.0.0.1", port), SECONDS, (f"127.0.0.{2 + at % 5}", 0))
        for at in range(CONNECTIONS + 40)
    ]
    assert answers(port, get("/static/mark.svg", CLOSE)).startswith(b"HTTP/1.1 200 ")

    patient.sendall(b"a")
    assert patient.recv(100).startswith(b"HTTP/1.1 400 ")  # the whole body came: it has no token
    for link in [patient, *greedy]:
        link.close()


@pytest.mark.parametrize(
    "head",
    [
        "GET /static/mark.svg HTTP/1.1\r\nHost: here\r\nX: " + "a" * (HEADER + 10) + "\r\n\r\n",
        "GET /desk/login HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "GET /static/mark.svg HTTP/1.1\r\nHost: here\r\nContent-Length: -1\r\n\r\n",
        "GET /static/mark.svg HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "nonsense\r\n\r\n",
        "\x00\x01\x02\r\n\r\n",
    ],
)
def test_heads_that_no_client_writes_are_answered_once_and_closed(port: int, head: str) -> None:
    found = answers(port, head.encode("latin-1"))

    assert found.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 501", b"HTTP/1.0 501"))
    assert found.count(b"HTTP/1.") == 1
    assert b"Traceback" not in found


def test_a_body_may_not_hide_a_second_request(port: int) -> None:
    """Two ways to read the end of a body: neither lets a request through that nobody sent."""
    hidden = get("/desk/reports", CLOSE)
    head = (
        f"POST /static/mark.svg HTTP/1.1\r\nHost: here\r\nContent-Length: {len(hidden) + 5}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )

    found = answers(port, head.encode() + b"0\r\n\r\n" + hidden)

    assert found.startswith(b"HTTP/1.1 400 ")
    assert b"/desk/login" not in found  # the hidden request would have been led to the login


def test_an_address_that_a_stranger_writes_into_a_header_is_not_believed(
    port: int, ours: WebWorld
) -> None:
    body = b"account=nobody&password=x"
    form = "Content-Type: application/x-www-form-urlencoded"
    # what other tests have sent from here counts no longer
    ours.application.extensions[guards.FORGED] = Throttle(guards.NOTED)

    answers(port, post("/desk/login", body, form, "X-Forwarded-For: 198.51.100.1", CLOSE))

    [last] = Audit(ours.world.archive).last(1)
    assert (last.what, last.address) == ("forged", "127.0.0.1")


def test_behind_a_server_its_word_counts_and_the_base_path_is_known(
    config: Config, tmp_path: Path
) -> None:
    """Whether that server strips the path or not; what a sender wrote before it does not count."""
    ours = web_world(
        config, tmp_path, port=0, base_url="https://weather.example/skyscape", trusted_proxies=1
    )
    server = WebServer(ours.application, ours.context.config.web)
    threading.Thread(target=server.serve, daemon=True).start()
    forwarded = ("X-Forwarded-For: 203.0.113.66, 198.51.100.1", "X-Forwarded-Proto: https")

    for path in ("/skyscape/desk/", "/desk/"):
        found = answers(server.port, get(path, *forwarded, CLOSE))
        assert b"Location: /skyscape/desk/login?next=/desk/" in found, path
    answers(server.port, post("/skyscape/desk/login", b"x=1", *forwarded, CLOSE))
    large = f"POST /skyscape/desk/edit HTTP/1.1\r\nHost: here\r\nContent-Length: {MEGABYTE}\r\n\r\n"

    assert Audit(ours.world.archive).last(1)[0].address == "198.51.100.1"
    assert answers(server.port, large.encode()).startswith(b"HTTP/1.1 413 ")
    server.close()


def test_static_files_lead_nowhere_else(port: int) -> None:
    for path in ("/static/../../config.yaml", "/static/%2e%2e/%2e%2e/config.yaml", "/static//etc"):
        found = answers(port, get(path, CLOSE))
        assert found.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 308 ")), path
        assert b"timezone" not in found


def test_a_head_is_read_as_the_server_reads_it() -> None:
    head = parse_head(
        b"POST http://here/a%2Fb?c=d HTTP/1.1\r\nX-Y:  z \r\ncontent-length: 7\r\n\r\n"
    )

    assert head == Head("POST", "/a/b", {"x-y": "z", "content-length": "7"}, 7)
    for odd in (b"GET / HTTP/1.1\r\n X: y\r\n\r\n", b"GET / HTTP/2\r\n\r\n", b"GET /\r\n\r\n"):
        assert parse_head(odd) is None
    chunked = parse_head(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert chunked is not None
    assert chunked.length is None
