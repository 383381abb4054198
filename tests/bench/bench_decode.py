"""How fast GRIB is read: ours against the bare ecCodes floor and against cfgrib, on real files, in
one run (`make bench`).

The floor of ecCodes is `codes_new_from_file` and `codes_get_array` for the very same messages and
nothing else, in this process; ours is everything from the files' names to the Atmosphere, decoding
processes already started, as in a service. The physical floor is to read the bytes of the messages
and to write as many numbers, which no decoder can undercut. Each line is the best of several rounds
that take turns. Judged is processor time, decoding processes included.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
import pyproj  # noqa: F401

import eccodes  # isort: skip

sys.path.insert(0, str(Path(__file__).parents[2]))

from forecast.domain import Cycle
from forecast.ingest import Needs
from forecast.ingest.grib.decoder_pool import DECODERS, Order
from forecast.ingest.grib.headers import inspect
from forecast.ingest.grib.reader import Finder, read_atmosphere
from forecast.ingest.grib.unpacking import is_simple, unpack
from forecast.quantities import FIELDS
from tests.bench.bars import BOARD

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
ROUNDS = 7
# how often a single global message is requested: a file of so many copies at other steps would
# weigh 10 MB
REPEATS = 12

Case = tuple[str, list[Path], Cycle, Needs]


def needs(steps: tuple[int, ...], region: tuple[float, float, float, float], *names: str) -> Needs:
    fields = tuple(FIELDS[name] for name in names) if names else tuple(FIELDS.values())
    return Needs(fields, steps, *region)


def used() -> float:
    """Return the processor time that this process and its decoders have used [s]."""
    # Linux: the processor clock of another process
    clocks = [(~decoder.worker.pid << 3) | 2 for decoder in DECODERS._idle]
    return time.process_time() + sum(time.clock_gettime(clock) for clock in clocks)


def best(rounds: int, *acts: Callable[[], object]) -> list[tuple[float, float]]:
    """Return the shortest time and the least processor time of each act [s], run in turn."""
    times = [(float("inf"), float("inf"))] * len(acts)
    for _ in range(rounds):
        for number, act in enumerate(acts):
            start, processor = time.perf_counter(), used()
            act()
            times[number] = (
                min(times[number][0], time.perf_counter() - start),
                min(times[number][1], used() - processor),
            )
    return times


def floor(files: list[Path]) -> None:
    """Decode every message of some files and do nothing with it."""
    for path in files:
        with path.open("rb") as file:
            while (
                handle := eccodes.codes_new_from_file(file, eccodes.CODES_PRODUCT_GRIB)
            ) is not None:
                eccodes.codes_get_array(handle, "values")
                eccodes.codes_release(handle)


def wanted_only(
    files: list[Path], cycle: Cycle, wanted: Needs, folder: Path
) -> tuple[list[Path], int]:
    """Copy the wanted messages of each file to a file of their own: what the floor is to decode."""
    finder, copies, count = Finder(cycle, wanted), [], 0
    for path in files:
        whole = path.read_bytes()
        messages = {piece.order.message.offset: piece.order.message for piece in finder.find(path)}
        copies.append(folder / f"wanted.{path.name}")
        copies[-1].write_bytes(
            b"".join(whole[m.offset : m.offset + m.length] for m in messages.values())
        )
        count += len(messages)
    return copies, count


def repeated(path: Path, folder: Path) -> Path:
    """Write one global message at REPEATS steps, an hour apart."""
    [first, *_] = inspect(path)
    message = bytearray(path.read_bytes()[first.offset : first.offset + first.length])
    place = first.sections[4][0] - first.offset + 18
    copies = []
    for step in range(REPEATS):
        message[place : place + 4] = step.to_bytes(4, "big")
        copies.append(bytes(message))
    target = folder / path.name
    target.write_bytes(b"".join(copies))
    return target


def line(name: str, time_taken: tuple[float, float], count: int, base: tuple[float, float]) -> None:
    each, processor = (seconds / count * 1e3 for seconds in time_taken)
    print(
        f"  {name:<34} processor {processor:8.3f} ms/message {time_taken[1] / base[1]:7.3f} x "
        f"ecCodes  ({each:.3f} ms by the clock)"
    )


def measure(case: Case, folder: Path) -> float:
    """Print the lines of one case; return the time of ours with two processes [s]."""
    name, files, cycle, wanted = case
    copies, count = wanted_only(files, cycle, wanted, folder)
    orders = [piece.order for path in files for piece in Finder(cycle, wanted).find(path)]
    base, least, one, two = best(
        ROUNDS,
        lambda: floor(copies),
        lambda: touch(copies, orders),
        lambda: read_atmosphere(files, cycle, wanted, 1),
        lambda: read_atmosphere(files, cycle, wanted, 2),
    )
    print(f"{name}: {count} messages wanted of {sum(len(inspect(path)) for path in files)}")
    line("peer: ecCodes alone, 1 thread", base, count, base)
    line("physical floor: bytes in, numbers out", least, count, base)
    line("ours, whole, 1 thread", one, count, base)
    line("ours, whole, 2 threads", two, count, base)
    if all(is_simple(order) for order in orders):
        [unpacked] = best(ROUNDS, lambda: unpacked_by_file(orders))
        line("ours, unpacking alone", unpacked, count, base)
        BOARD.at_least(f"{name}: unpacking, times ecCodes", base[1] / unpacked[1], 20)
        BOARD.at_most(f"{name}: files to Atmosphere, over ecCodes", one[1] / base[1], 1.25)
    else:
        BOARD.at_most(f"{name}: files to Atmosphere, over ecCodes", one[1] / base[1], 1.25)
    return two[1]


def touch(copies: list[Path], orders: list[Order]) -> None:
    """Read the bytes of the messages and write as many numbers as are wanted."""
    for path in copies:
        path.read_bytes()
    for order in orders:
        np.empty(order.cut.shape, dtype=np.float32).fill(1.0)


def unpacked_by_file(orders: list[Order]) -> None:
    """Unpack messages, those of each file together."""
    for _, same in groupby(orders, key=lambda order: order.path):
        unpack(list(same))


def peer(case: Case, folder: Path, ours: float) -> None:
    """Time cfgrib.open_datasets on the wanted messages alone, with a warm index, all its values
    loaded; the index stands in a folder of its own.
    """
    import logging
    import warnings

    import cfgrib

    logging.getLogger("cfgrib").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    _, files, cycle, wanted = case
    (folder / "peer").mkdir()
    copies, _ = wanted_only(files, cycle, wanted, folder / "peer")

    def load() -> None:
        for path in copies:
            for dataset in cfgrib.open_datasets(str(path), decode_timedelta=False):
                dataset.load()

    load()  # writes the indexes
    [(_, seconds)] = best(2, load)
    print(f"  peer: cfgrib.open_datasets, warm index, same messages: {seconds:.3f} s of processor")
    BOARD.at_least("cfgrib's processor time over ours, same messages", seconds / ours, 10)


def main() -> int:
    """Print the table and judge the bars."""
    if not SHARED.is_dir():
        BOARD.skip("decoding, against ecCodes and cfgrib", "../shared/data is absent")
        return BOARD.code
    start = time.perf_counter()
    DECODERS.warm(2)
    tree = SHARED / "gfs_tree/gfs.20200804/12/atmos"
    files = sorted(tree.glob("*.f???"))
    run, region = Cycle(datetime(2020, 8, 4, 12, tzinfo=UTC)), (57.0, 43.0, 5.0, 33.0)
    beijing = (46.5, 33.5, 107.0, 124.5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        read_atmosphere(files[2:], run, needs((12,), region), 2)
        print(
            f"first call, two processes starting: {time.perf_counter() - began:.3f} s "
            f"(imports {began - start:.3f} s)"
        )
        case = ("GFS 0.25 degree, NOMADS cut, f012", files[2:], run, needs((12,), region))
        peer(case, folder, measure(case, folder))
        measure(("the same, f000 f006 f012", files, run, needs((0, 6, 12), region)), folder)
        [globe] = (SHARED / "gfs_2p5_global").iterdir()
        measure(
            (
                "GFS 2.5 degree, globe, f072",
                [globe],
                Cycle(datetime(2011, 10, 8, tzinfo=UTC)),
                needs((72,), beijing),
            ),
            folder,
        )
        for piece, field, published in (
            (
                "gfs_0p25_20201026T00_f024_hgt500_complex",
                "geopotential_height",
                "15.2, two threads tuned 5.9, C full field 1.82",
            ),
            ("gfs_0p25_20220210T00_f024_hgt500_jpeg", "geopotential_height", "-"),
            (
                "aifs_0p25_20260310T12_f000_t500",
                "air_temperature",
                "7.4, two threads 4.1, libaec alone 6.3",
            ),
        ):
            path = repeated(SHARED / "pieces" / f"{piece}.grib2", folder)
            cycle = Cycle(inspect(path)[0].run or datetime.now(UTC))
            measure(
                (
                    f"{piece}, globe cut to Beijing",
                    [path],
                    cycle,
                    needs(tuple(range(REPEATS)), beijing, field),
                ),
                folder,
            )
            print(f"  in sources.md [ms/message]: ecCodes one thread {published}")
    return BOARD.code


if __name__ == "__main__":
    sys.exit(main())
