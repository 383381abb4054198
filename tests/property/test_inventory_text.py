"""Whatever a server sends for an inventory, it is read or refused: nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from forecast.domain import Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest.ecmwf import parse_index
from forecast.ingest.inventory import messages, parse_inventory, plan_ranges, select
from forecast.quantities import FIELDS

CYCLE = Cycle(datetime(2025, 8, 1, 0, tzinfo=UTC))
NAMES = sorted(
    {
        (variable, field.inventory[1].replace("{hPa}", "850"))
        for field in FIELDS.values()
        for variable in field.inventory[0]
    }
)
STEPS = (
    "anl",
    "6 hour fcst",
    "0-6 hour acc fcst",
    "0-6 hour ave fcst",
    "3-6 hour ave fcst",
    "6-6 hour acc fcst",
    "0-1 day acc fcst",
    "?",
)


@given(
    st.binary(max_size=300)
    | st.text(alphabet="0123456789:.d= mbhourfcst\n", max_size=300).map(str.encode)
)
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    with suppress(SourceCorrupt):
        assert len(parse_inventory(text, CYCLE, "some.idx")) == len(text.splitlines())


@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.sampled_from(NAMES), st.sampled_from(STEPS)),
        min_size=1,
        max_size=60,
    )
)
def test_what_is_chosen_is_in_the_file_once_and_ends_at_the_step(
    rows: list[tuple[int, tuple[str, str], str]],
) -> None:
    offset, lines = 0, []
    for number, (length, (variable, level), step) in enumerate(rows, start=1):
        lines.append(f"{number}:{offset}:d=2025080100:{variable}:{level}:{step}:\n")
        offset += length
    entries = parse_inventory("".join(lines).encode(), CYCLE, "some.idx")

    chosen = select(entries, tuple(FIELDS.values()), 6)

    assert all(
        w.entry in entries and w.entry.span is not None and w.entry.span.end == 6
        for w in chosen.wanted
    )
    assert len({(w.field.name, w.level) for w in chosen.wanted}) == len(chosen.wanted)
    assert all(
        w.entry.span is not None and w.entry.span.statistic == w.field.statistic
        for w in chosen.wanted
    )
    plan_ranges([(entry.offset, entry.end or offset) for entry in messages(chosen.wanted)])


WORDS = st.sampled_from(
    [None, True, -1, 0, 1, 2**70, 0.5, "", "6", "20250801", "0000", [], [1], {}]
)
# fmt: off
ROWS = st.fixed_dictionaries(
    {"date": st.sampled_from(["20250801"] * 9 + ["20250802"]), "time": st.just("0000"),
     "type": st.sampled_from(["fc"] * 9 + ["pf"]),
     "stream": st.just("oper"), "step": st.sampled_from(["0", "6", "0-6", "", "x"]),
     "levtype": st.sampled_from(["pl", "sfc"]),
     "param": st.sampled_from(["t", "q", "tp"]), "_length": st.integers(1, 9)},
    optional={"levelist": st.sampled_from(["850", "1000"]), "number": st.sampled_from(["1", "50"])},
)
# fmt: on


KEYS = st.sampled_from(["date", "time", "step", "param", "number", "_offset", "_length"])
LINES = st.lists(st.dictionaries(KEYS, WORDS, max_size=7), max_size=4)


@given(
    st.binary(max_size=300)
    | LINES.map(lambda rows: "".join(json.dumps(row) + "\n" for row in rows).encode())
)
def test_any_bytes_are_an_index_or_refused(text: bytes) -> None:
    with suppress(SourceCorrupt):
        assert len(parse_index(text, CYCLE, "some.index")) == text.count(b"\n")


@given(st.lists(st.tuples(ROWS, st.integers(-3, 12)), min_size=1, max_size=30), st.randoms())
def test_an_index_is_read_as_written_or_refused_where_fields_overlap(rows, order) -> None:  # type: ignore[no-untyped-def]
    offset, written = 0, []
    for row, gap in rows:
        offset = max(0, offset + gap)
        written.append(row | {"_offset": offset})
        offset += row["_length"]
    spans = sorted((row["_offset"], row["_offset"] + row["_length"]) for row in written)
    order.shuffle(written)
    text = "".join(json.dumps(row) + "\n" for row in written).encode()
    apart = all(right[0] >= left[1] for left, right in pairwise(spans))
    sound = apart and all(row["date"] == "20250801" and row["type"] == "fc" for row in written)

    try:
        entries = parse_index(text, CYCLE, "20250801000000-6h-oper-fc.index")
    except SourceCorrupt:
        assert not sound
    else:
        assert sound
        assert [(entry.offset, entry.end) for entry in entries] == spans
