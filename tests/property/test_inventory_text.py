"""Whatever a server sends for an inventory, it is read or refused: nothing else."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from forecast.domain import Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest.inventory import messages, parse_inventory, plan_ranges, select
from forecast.quantities import FIELDS

CYCLE = Cycle(datetime(2025, 8, 1, 0, tzinfo=UTC))
NAMES = sorted({(variable, field.inventory[1].replace("{hPa}", "850")) for field in FIELDS.values() for variable in field.inventory[0]})
STEPS = ("anl", "6 hour fcst", "0-6 hour acc fcst", "0-6 hour ave fcst", "3-6 hour ave fcst", "6-6 hour acc fcst", "0-1 day acc fcst", "?")


@given(st.binary(max_size=300) | st.text(alphabet="0123456789:.d= mbhourfcst\n", max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    with suppress(SourceCorrupt):
        assert len(parse_inventory(text, CYCLE, "some.idx")) == len(text.splitlines())


@given(st.lists(st.tuples(st.integers(1, 10**6), st.sampled_from(NAMES), st.sampled_from(STEPS)), min_size=1, max_size=60))
def test_what_is_chosen_is_in_the_file_once_and_ends_at_the_step(rows: list[tuple[int, tuple[str, str], str]]) -> None:
    offset, lines = 0, []
    for number, (length, (variable, level), step) in enumerate(rows, start=1):
        lines.append(f"{number}:{offset}:d=2025080100:{variable}:{level}:{step}:\n")
        offset += length
    entries = parse_inventory("".join(lines).encode(), CYCLE, "some.idx")

    chosen = select(entries, tuple(FIELDS.values()), 6)

    assert all(w.entry in entries and w.entry.span is not None and w.entry.span.end == 6 for w in chosen.wanted)
    assert len({(w.field.name, w.level) for w in chosen.wanted}) == len(chosen.wanted)
    assert all(w.entry.span is not None and w.entry.span.statistic == w.field.statistic for w in chosen.wanted)
    plan_ranges([(entry.offset, entry.end or offset) for entry in messages(chosen.wanted)])
