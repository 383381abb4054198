"""Does a service share one heap between its threads?"""

from __future__ import annotations

import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from forecast.service.allocator import give_back_memory
if "give" in sys.argv:
    give_back_memory()
library, all_there = ctypes.CDLL(None), threading.Barrier(5)
def work():
    library.malloc(1000)
    all_there.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
all_there.wait()
out = ctypes.c_void_p.in_dll(library, "stdout")
library.malloc_info(0, out)
library.fflush(out)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has malloc_info")
def test_the_threads_of_a_service_share_one_heap() -> None:
    def heaps(*words: str) -> int:
        program = [sys.executable, "-c", THREADS, *words]
        said = subprocess.run(program, capture_output=True, text=True, check=True).stdout
        return said.count("<heap nr=")

    assert heaps() > 1
    assert heaps("give") == 1
