"""A program that may die runs in a process of its own."""

from __future__ import annotations

import os
import signal
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.worker import BAD, GOOD, Worker, WorkerEnded, pack, unpack

PROGRAM = """
    import os, signal, sys, time
    MEMORY = 500_000_000

    def main(channel):
        print("a library prints at its start")
        channel.ready()
        for items in channel.requests():
            for item in items:
                if item == b"die":
                    os.kill(os.getpid(), signal.SIGSEGV)
                if item == b"leave":
                    sys.exit(3)
                if item == b"environment":
                    channel.answer(0, os.environ["SETTING"].encode())
                    continue
                print("a library prints")
                try:
                    with channel.within(1):
                        if item == b"hang":
                            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
                            time.sleep(1000)
                        if item == b"grow":
                            bytearray(2_000_000_000)
                except MemoryError:
                    channel.answer(1, b"no memory")
                    continue
                channel.answer(0, item.upper())
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    started = Worker(program, ["SETTING=7"])
    yield started
    started.close()


def test_each_item_is_answered_in_its_order_whatever_the_program_prints(worker: Worker) -> None:
    worker.send([b"snow", b"", b"rain"])

    assert [worker.receive() for _ in range(3)] == [(GOOD, b"SNOW"), (GOOD, b""), (GOOD, b"RAIN")]

    worker.send([b"again"])
    assert worker.receive() == (GOOD, b"AGAIN")


def test_the_program_sees_the_environment_that_is_set_for_it(worker: Worker) -> None:
    worker.send([b"environment"])

    assert worker.receive() == (GOOD, b"7")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (b"die", "the decoder was ended by SIGSEGV"),
        (b"leave", "the decoder ended with code 3"),
        (b"hang", "it took too long"),
    ],
)
def test_an_ended_process_is_named_by_how_it_ended(
    worker: Worker, item: bytes, reason: str
) -> None:
    worker.send([b"snow", item, b"rain"])

    assert worker.receive() == (GOOD, b"SNOW")
    with pytest.raises(WorkerEnded, match=f"^{reason}$"):
        worker.receive()
    assert not worker.alive
    with pytest.raises(WorkerEnded, match=f"^{reason}$"):
        worker.send([b"snow"])


def test_a_program_gets_no_more_memory_than_it_announces(worker: Worker) -> None:
    worker.send([b"grow", b"snow"])

    assert worker.receive() == (BAD, b"no memory")
    assert worker.receive() == (GOOD, b"SNOW")


def test_a_program_that_does_not_start_is_an_end(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import no_such_library\n")
    worker = Worker(program)

    with pytest.raises(WorkerEnded, match="ended with code 1"):
        worker.send([b"snow"])
    assert not worker.ready
    worker.close()


def test_a_closed_process_is_gone_and_leaves_no_zombie(worker: Worker) -> None:
    worker.send([b"snow"])
    worker.close()

    assert not worker.alive
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, signal.SIGCONT)


@pytest.mark.parametrize("items", [[], [b""], [b"a", b"", b"bc" * 1000]])
def test_a_request_is_read_as_it_was_written(items: list[bytes]) -> None:
    assert unpack(pack(items)[4:]) == items
