"""The loopback bucket on a bad day: every way a server may fail, as often as requested."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from forecast.sample.bucket import LoopbackBucket, Request, Response

ALWAYS = 1_000_000


@dataclass
class Fault:
    """What goes wrong, `times` times, with answers to requests whose path (and range) contain
    `where`.

    kind: `status` (with `headers`), `body` (another body under the same status), `whole` (the range
    is ignored), `range` (another one is sent than requested), `flip` (a bit of byte `at`), `cut` (a
    sound answer of `at` bytes only), `short` (`at` bytes of the length announced, then the end),
    `reset` (`at` bytes of the answer, headers included, then a reset), `stall` (`at` bytes, then
    nothing more), `drip` (a byte at a time).
    """

    kind: str
    where: str = ""
    times: int = 1
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    at: int = 0


class FaultyBucket(LoopbackBucket):
    """A loopback bucket with `faults`; `request_log` lists the path and range of every request."""

    def __init__(self, root: Path, *faults: Fault) -> None:
        super().__init__(root)
        self.faults = list(faults)
        self.request_log: list[str] = []
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._wire: dict[int, Fault] = {}

    def __exit__(self, *error: object) -> None:
        self._over.set()
        super().__exit__(None, None, None)

    def respond(self, request: Request) -> Response:
        request_line = (
            f"{request.path} {request.headers.get('range', '')} {request.query.get('file', '')}"
        )
        with self._turn:
            self.request_log.append(request_line)
            fault = next((f for f in self.faults if f.where in request_line and f.times > 0), None)
            if fault is None:
                return super().respond(request)
            fault.times -= 1
        if fault.kind == "status":
            # an answer without content has none, or its bytes would be taken for the next answer
            body = b"" if fault.status in (204, 304) else fault.body
            return Response(fault.status, body, dict(fault.headers))
        if fault.kind == "whole":
            return super().respond(replace(request, headers={}))
        answer = super().respond(request)
        if fault.kind == "body":
            return replace(answer, body=fault.body)
        if fault.kind == "range":
            return replace(answer, headers=answer.headers | {"Content-Range": "bytes 0-15/99999"})
        if fault.kind == "cut":
            return replace(answer, body=answer.body[: fault.at])
        if fault.kind == "flip":
            body = bytearray(answer.body)
            body[fault.at] ^= 1
            return replace(answer, body=bytes(body))
        self._wire[threading.get_ident()] = fault
        return answer

    def send(self, handler: BaseHTTPRequestHandler, answer: Response) -> None:
        fault = self._wire.pop(threading.get_ident(), None)
        if fault is None:
            super().send(handler, answer)
            return
        head = f"HTTP/1.1 {answer.status} X\r\nContent-Length: {len(answer.body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items()) + "\r\n"
        wire = head.encode() + answer.body
        link = handler.connection
        handler.close_connection = True
        if fault.kind == "drip":
            for byte in wire:
                if self._over.wait(0.02):
                    return
                link.sendall(bytes([byte]))
        elif fault.kind == "stall":
            link.sendall(wire[: fault.at])
            self._over.wait(30)
        elif fault.kind == "short":
            link.sendall(head.encode() + answer.body[: fault.at])
        elif fault.kind == "reset":
            link.sendall(wire[: fault.at])
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.close()
        else:
            raise ValueError(f"no such fault: {fault.kind}")


class PatientClock:
    """A clock whose sleeps pass at once and are remembered: no test waits for a back-off."""

    def __init__(self) -> None:
        import time

        self._time = time
        self._lock = threading.Lock()
        self._skipped = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self._time.monotonic() + self._skipped

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._skipped += seconds
            self.slept.append(seconds)
