"""Changes of an input, as transport, disks, converters and attackers make them; each from a seed,
so that a finding can be made again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

LONGEST = 200_000  # [byte] of a changed input
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
BYTES = (0, 1, 9, 10, 13, 32, 34, 44, 47, 48, 57, 58, 61, 0x7F, 0x80, 0xC0, 0xED, 0xFE, 0xFF)
NUMBERS = (
    b"0", b"-1", b"1", b"255", b"256", b"65535", b"65536", b"2147483647", b"-2147483648",
    b"4294967296", b"9223372036854775808", b"1e308", b"1e-320", b"nan", b"inf", b"-0",
    b"99999999999999999999999999", b"0x10", b"1_0", b"007", "\uff11\u0663".encode(), b"",
)  # fmt: skip
WORDS = (
    b"\r\n\r\n", b"\n", b"\x00" * 8, b"\xef\xbb\xbf", b"\xff\xfe", b"{" * 50, b"[" * 50, b"- " * 50,
    b"7777", b"GRIB", b"BUFR", b"=1+1", b"'", b'"', b"&a [*a,*a]", b"!!python/name:os.system ",
    b"../../etc/passwd", b"T00:00:00Z", b"null", b"%s%n", "\u202e".encode(), "\u0300".encode(),
)  # fmt: skip


def mutate(data: bytes, seed: int, others: Sequence[bytes] = ()) -> bytes:
    """Return `data` with one to six changes. others: inputs of the same kind, to splice with."""
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        change = chance.choice(CHANGES)
        data = change(data, chance, others)[:LONGEST]
    return data


Change = Callable[[bytes, random.Random, Sequence[bytes]], bytes]


def _flip(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _byte(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([chance.choice(BYTES)]) + data[at + 1 :]


def _word32(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Overwrite one to eight bytes by a length or an offset that cannot be."""
    at, size = chance.randrange(len(data) + 1), chance.choice((1, 2, 4, 8))
    value = chance.choice((0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), len(data)))
    return data[:at] + (value % 2 ** (8 * size)).to_bytes(size, "big") + data[at + size :]


def _cut(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _without(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randrange(1, 40) :]


def _again(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Repeat a part of it, a few or very many times."""
    at = chance.randrange(len(data) + 1)
    part = data[at : at + chance.randrange(1, 200)]
    return data[:at] + part * chance.choice((2, 2, 3, 500)) + data[at:]


def _insert(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(WORDS) + data[at:]


def _number(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    found = list(NUMBER.finditer(data))
    if not found:
        return _byte(data, chance, ())
    one = chance.choice(found)
    return data[: one.start()] + chance.choice(NUMBERS) + data[one.end() :]


def _line(data: bytes, chance: random.Random, _: Sequence[bytes]) -> bytes:
    """Move or drop a line."""
    lines = data.splitlines(keepends=True)
    if len(lines) < 2:
        return data
    line = lines.pop(chance.randrange(len(lines)))
    if chance.random() < 0.7:
        lines.insert(chance.randrange(len(lines) + 1), line)
    return b"".join(lines)


def _splice(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others) if others else data
    at, place = chance.randrange(len(data) + 1), chance.randrange(len(other) + 1)
    return data[:at] + other[place:]


CHANGES: tuple[Change, ...] = (
    _flip, _flip, _byte, _byte, _word32, _cut, _without, _again, _insert, _insert, _number, _number,
    _line, _splice,
)  # fmt: skip
