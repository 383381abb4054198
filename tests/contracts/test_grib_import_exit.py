"""ecCodes and PROJ have crashed each other at interpreter exit: exit codes are read by schedulers,
so they must be right.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

READ_ONE = """
import sys
from pathlib import Path
from tests.gribs import CYCLE, file_of, message, needs
import metpy.calc
from forecast.ingest.grib.reader import read_atmosphere
packed = message(280.0, packing="grid_ccsds")  # simple packing needs no ecCodes
read_atmosphere([file_of(Path(sys.argv[1]), packed)], CYCLE, needs("air_temperature"))
"""


@pytest.mark.parametrize(
    "order",
    [
        "import forecast.ingest.grib.reader, metpy.calc",
        "import metpy.calc, forecast.ingest.grib.reader",
    ],
)
def test_a_program_that_reads_GRIB_and_uses_MetPy_ends_well(order: str) -> None:
    program = (
        f"{order}; import sys; "
        "sys.exit(3 if 'eccodes' in sys.modules or 'gribapi' in sys.modules else 0)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, timeout=120
    )

    # 0: and ecCodes is in the decoding process only, so that it shares no process with PROJ at all.
    assert ended.returncode == 0, ended.stderr.decode()


def test_a_program_that_decoded_ends_well_with_both_libraries_in_it(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", READ_ONE, str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        timeout=120,
    )

    assert ended.returncode == 0, ended.stderr.decode()


def test_decoders_end_with_the_program(tmp_path: Path) -> None:
    program = (
        READ_ONE
        + "\nfrom forecast.ingest.grib.decoder_pool import DECODERS"
        + "\nprint(*(d.worker.pid for d in DECODERS._idle))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        timeout=120,
    )

    pids = ended.stdout.decode().split()
    assert pids
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
