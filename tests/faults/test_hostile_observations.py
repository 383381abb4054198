"""Hostile and damaged files: refused with a reason, in bounded memory; nothing is repeated."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.domain import Name, Station
from forecast.observations.formats import Limits, ParseContext, Parsed, bufr, parse_file, parse_push
from forecast.observations.formats.collector import quoted
from forecast.worker import Worker

PROJECT = Path(__file__).parents[2]
HEAD = b"station,time,air_temperature,gust\n"
GOOD = b"M1001,2026-11-22 08:00,-3.4,17\n"
TERMS = ParseContext(
    {"M1001": Station("M1001", Name("", ""), 40.02, 115.45, 2303.0)},
    received=datetime(2026, 11, 22, 12, tzinfo=UTC),
)
MEGABYTE = 1 << 20


def dropped(folder: Path, content: bytes, name: str = "drop.csv") -> Parsed:
    path = folder / name
    path.write_bytes(content)
    return parse_file(path, TERMS)


def in_a_small_process(path: Path, megabytes: int = 700) -> str:
    """Read a file in a process that may take only so much memory; return what it says:
    observations, faults, the first reason.
    """
    program = f"""
import resource, sys
from pathlib import Path
from forecast.domain import Name, Station
from forecast.observations.formats import ParseContext, parse_file
resource.setrlimit(resource.RLIMIT_DATA, ({megabytes << 20},) * 2)
station = Station("M1001", Name("", ""), 40.02, 115.45, 2303.0)
parsed = parse_file(Path(sys.argv[1]), ParseContext({{"M1001": station}}))
reason = parsed.faults[0].reason if parsed.faults else ""
print(len(parsed.observations), len(parsed.faults) + parsed.more_faults, reason)
"""
    command = [sys.executable, "-c", program, str(path)]
    answer = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=240, check=False
    )
    assert answer.returncode == 0, answer.stderr[-800:]
    return answer.stdout.strip()


def test_a_line_of_ten_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "drop.csv"
    path.write_bytes(HEAD)
    os.truncate(path, 10 << 30)  # sparse: it takes no space, but reads as 10 GB

    parsed = parse_file(path, TERMS)

    assert not parsed.observations
    assert "10737418240 bytes" in parsed.faults[0].reason
    assert "split it" in parsed.faults[0].reason


def test_a_line_that_fills_the_whole_file_is_one_fault_in_small_memory(tmp_path: Path) -> None:
    path = tmp_path / "drop.csv"
    path.write_bytes(
        HEAD + GOOD + b"M1001," + b"1" * (60 * MEGABYTE) + b"\n" + GOOD.replace(b"08:00", b"09:00")
    )

    assert in_a_small_process(path, 300).startswith("2 1 the line has")


@pytest.mark.parametrize(
    "filler",
    [
        b"\n",
        b"M1001,2026-11-22 08:00,-3.4,17\n",
        b"x,y,z,1\n",
        b'"',
        b"= ",
        b"[[],",
        b"AAXX 22121 54511 ",
    ],
)
def test_eight_megabytes_of_anything_stay_in_bounded_memory(tmp_path: Path, filler: bytes) -> None:
    path = tmp_path / "drop.csv"
    start = b"" if filler[:1] in (b"[", b"A") else HEAD
    path.write_bytes(gzip.compress(start + filler * (8 * MEGABYTE // len(filler)), 1))

    assert in_a_small_process(path)


def test_a_bomb_of_gzip_is_stopped_where_its_content_passes_the_limit(tmp_path: Path) -> None:
    bomb = zlib.compressobj(1, wbits=31)
    block = b"0" * MEGABYTE
    path = tmp_path / "drop.csv.gz"
    # 128 MB in 0.6 MB
    path.write_bytes(b"".join(bomb.compress(block) for _ in range(128)) + bomb.flush())

    assert path.stat().st_size < 2 * MEGABYTE
    assert (
        in_a_small_process(path, 300)
        == f"0 1 decompressed it has more than {Limits().size} bytes: split it"
    )


@pytest.mark.parametrize(("mark", "name"),
                         [(b"PK\x03\x04", "ZIP"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
                          (b"Rar!\x1a", "RAR"),
                                            (b"\xfd7zXZ\0", "xz"), (b"BZh9", "bzip2"),
                                            (b"\x28\xb5\x2f\xfd", "zstd")])  # fmt: skip
def test_other_archives_are_refused_with_words(tmp_path: Path, mark: bytes, name: str) -> None:
    for content in (mark + bytes(100), gzip.compress(mark + bytes(100))):
        (fault,) = dropped(tmp_path, content).faults
        assert name in fault.reason
        assert "decompress it" in fault.reason


def test_gzip_of_several_members_is_read_and_a_cut_one_refused(tmp_path: Path) -> None:
    whole = gzip.compress(HEAD) + gzip.compress(GOOD) + bytes(512)

    assert len(dropped(tmp_path, whole).observations) == 1
    for cut in (5, 15, len(gzip.compress(HEAD)) + 12):
        (fault,) = dropped(tmp_path, whole[:cut]).faults
        assert "gzip" in fault.reason


def test_nul_bytes_cost_their_line_only(tmp_path: Path) -> None:
    parsed = dropped(tmp_path, HEAD + b"M1001,2026-11-22 07:00,\x00-3.4,17\n" + GOOD)

    assert len(parsed.observations) == 1
    assert (parsed.faults[0].line, "NUL" in parsed.faults[0].reason) == (2, True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_wrong_encoding_is_refused_with_words(tmp_path: Path, encoding: str) -> None:
    parsed = dropped(tmp_path, (HEAD + GOOD).decode().encode(encoding))

    assert not parsed.observations
    assert parsed.faults
    if encoding.startswith("utf-16"):
        assert "save it as UTF-8" in parsed.faults[0].reason


def test_letters_of_names_stay_readable_and_what_acts_on_a_reader_does_not() -> None:
    for name in ("\u81ea\u52a8\u7ad9.csv", "Vr\u00e1tna", "\u6c14\u6e29\uff08\u2103\uff09"):
        assert quoted(name) == f"'{name}'"
    for plain in (
        "75%",
        "75\uff05",
        "UTC\uff0b25",
        "-3.4x",
        "+5",
        "\u96ea\u6df1\uff1a5\uff1bm\u00b2",
    ):
        assert quoted(plain) == f"'{plain}'"
    # written from the right, without width, a combining mark, an escape, half a character, markup
    for unsafe in "\u202e\u05d0\u200b\u3164\u0301\ud800":
        assert quoted(f"a{unsafe}") == f"'a\\u{ord(unsafe):04x}'"
    for unsafe in "\x1b\n\x85<'|$\\":
        assert quoted(f"a{unsafe}") == f"'a\\x{ord(unsafe):02x}'"
    assert quoted("=1+1") == "'\\x3d1+1'"  # a formula
    assert quoted("\uff1dA1") == "'\\uff1dA1'"
    assert quoted("-2+3") == "'\\x2d2+3'"
    assert quoted("x" * 25) == f"'{'x' * 24}...'"


def test_a_line_in_no_encoding_costs_itself_only(tmp_path: Path) -> None:
    parsed = dropped(tmp_path, HEAD + b"M1001,2026-11-22 07:00,\xff\xff,17\n" + GOOD)

    assert len(parsed.observations) == 1
    assert [fault.line for fault in parsed.faults] == [2]


@pytest.mark.parametrize(
    "cell",
    [
        "=cmd|' /C calc'!A0",
        "+1+cmd",
        "-2+3",
        "@SUM(1)",
        "=HYPERLINK(1)",
        "<script>alert(1)</script>",
        "\x1b[31mred",
        "$(reboot)",
    ],
)
def test_a_formula_is_no_value_and_is_repeated_nowhere(tmp_path: Path, cell: str) -> None:
    lines = [
        f"M1001,2026-11-22 07:00,{cell},1",
        f"{cell},2026-11-22 07:00,1,1",
        f"M1001,{cell},1,1",
    ]

    parsed = dropped(
        tmp_path,
        HEAD + "\n".join(lines).encode() + b"\n" + GOOD,
        name=f"={cell.replace('/', '')}.csv",
    )

    assert [each.station for each in parsed.observations] == ["M1001", "M1001"]
    assert parsed.observations[0].values == {"wind_speed_of_gust": 1.0}
    assert len(parsed.faults) == 3
    for fault in parsed.faults:
        assert cell not in fault.reason + fault.where
        assert not set(fault.reason + fault.where) & set("<>=@$|!\x1b\n")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "secret").write_bytes(HEAD + GOOD)
    (tmp_path / "link.csv").symlink_to(tmp_path / "secret")
    (tmp_path / "folder.csv").mkdir()

    for name in ("pipe.csv", "link.csv", "folder.csv", "absent.csv"):
        parsed = parse_file(tmp_path / name, TERMS)
        assert not parsed.observations
        assert (parsed.faults[0].where, parsed.faults[0].line) == (name, 0)


def test_a_file_of_unknown_format_gives_the_known_ones(tmp_path: Path) -> None:
    for content in (
        b"",
        b"hello",
        bytes(range(256)),
        b"%PDF-1.4",
        b"<html><body>404</body></html>",
    ):
        (fault,) = dropped(tmp_path, content).faults
        assert "micaps1" in fault.reason


def test_a_flood_of_faults_is_counted_and_not_kept(tmp_path: Path) -> None:
    parsed = dropped(tmp_path, HEAD + b"M1001,never,1,1\n" * 5000)

    assert len(parsed.faults) == Limits().faults
    assert parsed.more_faults == 5000 - Limits().faults


def test_more_records_than_the_limit_are_not_read() -> None:
    body = (
        b"["
        + b",".join(
            b'{"station":"M1001","time":"2026-11-22T08:%02d:00Z","gust":1}' % minute
            for minute in range(60)
        )
        + b"]"
    )

    parsed = parse_push(body, ParseContext(TERMS.stations, limits=Limits(records=50)))

    assert len(parsed.observations) == 50
    assert "split" in parsed.faults[0].reason


def test_a_body_beyond_the_limit_is_not_parsed() -> None:
    parsed = parse_push(b"[" * 2000, ParseContext(limits=Limits(json=1000)))

    assert "2000 bytes" in parsed.faults[0].reason


CRASHING_DECODER = f"""
import os
import sys

sys.path.insert(0, {str(PROJECT)!r})
from forecast.observations.formats import bufr_worker

MEMORY = bufr_worker.MEMORY
reports = bufr_worker.reports


def crashing(eccodes, message):
    return os.abort() if b"CRASH" in message else reports(eccodes, message)


def main(channel):
    bufr_worker.reports = crashing
    bufr_worker.main(channel)
"""


def use_program(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> list[Path]:
    """Let `text` decode BUFR; return the list of programs that are started."""
    program, started = folder / "program.py", list[Path]()
    program.write_text(text)

    def start(path: Path) -> Worker:
        started.append(path)
        return Worker(program)

    monkeypatch.setattr(bufr, "Worker", start)
    return started


def test_a_message_that_ends_the_decoder_is_rejected_and_all_others_are_read(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (shared / "obs" / "synop_20140112T12.bufr").read_bytes()[:20_000]
    length = int.from_bytes(content[4:7], "big")
    crashing = content[: length - 9] + b"CRASH7777"
    whole = len(bufr.parse(content, "b").observations)
    use_program(monkeypatch, tmp_path, CRASHING_DECODER)

    parsed = bufr.parse(crashing + content, "b")

    assert len(parsed.observations) == whole
    assert [
        (fault.line, "SIGABRT" in fault.reason) for fault in parsed.faults if fault.line == 1
    ] == [(1, True)]


def test_a_file_that_ends_decoder_after_decoder_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = use_program(monkeypatch, tmp_path, "raise SystemExit")
    message = b"BUFR" + (40).to_bytes(3, "big") + bytes(29) + b"7777"

    parsed = bufr.parse(message * 300, "b")

    assert len(started) == bufr.MAXIMUM_CRASHES
    assert not parsed.observations
    assert "too many decoders" in parsed.faults[-1].reason


REAL = (
    "A58237-202111.TXT",
    "micaps1_2020020402.000",
    "isd_014160-99999-2016.gz",
    "isd_00702699999.csv.gz",
    "synop_20140112T12.bufr",
)


@pytest.mark.parametrize("name", REAL)
def test_real_files_that_were_harmed_never_raise_and_keep_what_is_whole(
    shared: Path, tmp_path: Path, name: str
) -> None:
    content = (shared / "obs" / name).read_bytes()
    whole = gzip.decompress(content) if name.endswith(".gz") else content
    source = random.Random(name)
    for round_ in range(2):
        harmed = bytearray(whole[: 40_000 if name.endswith("bufr") else 150_000])
        clean = len(dropped(tmp_path, bytes(harmed), name.removesuffix(".gz")).observations)
        for _ in range(30):
            harmed[source.randrange(200, len(harmed))] = source.randrange(256)

        parsed = dropped(
            tmp_path, bytes(harmed[: len(harmed) - round_ * 997]), name.removesuffix(".gz")
        )

        assert len(parsed.observations) > clean / 2, parsed.faults[:3]
        assert all(fault.reason.isprintable() for fault in parsed.faults)
