"""Is an .index of ECMWF read as it is meant, held against real ones, and is what it must not be
refused?
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from forecast.config import Config
from forecast.domain import Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest.ecmwf import LONGEST_LINE, listing_of, parse_index, spelled
from forecast.ingest.inventory import (
    InventoryEntry,
    Selection,
    TimeRange,
    messages,
    plan_ranges,
    select,
)
from forecast.ingest.parameter_table import fields_of
from forecast.quantities import FIELDS
from forecast.settings.sources import ModelSettings

MARCH = Cycle(datetime(2025, 3, 1, 0, tzinfo=UTC), "aifs")
NAME = "20250301000000-6h-oper-fc.index"
ROW = {
    "domain": "g",
    "date": "20250301",
    "time": "0000",
    "expver": "0001",
    "class": "ai",
    "type": "fc",
    "stream": "oper",
    "step": "6",
    "levelist": "850",
    "levtype": "pl",
    "param": "t",
    "_offset": 0,
    "_length": 1000,
}


def aifs(config: Config) -> ModelSettings:
    return next(model for model in config.models if model.id == "aifs")


def text_of(*rows: dict[str, object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def real(shared: Path, step: int) -> tuple[InventoryEntry, ...]:
    return parse_index(
        (shared / "inventories" / f"aifs_single_20250301_00z_{step}h.index").read_bytes(),
        MARCH,
        NAME,
    )


def test_the_real_index_is_read_to_its_last_byte(shared: Path) -> None:
    entries = real(shared, 6)

    # sources.md: 102 messages, 77.6 MB; `wc -l` of the file says 102
    assert len(entries) == 102
    assert entries[-1].end == 77_642_846
    assert all(left.end == right.offset for left, right in pairwise(entries))
    # the first line of the file that is of pressure levels: `z` at 100 hPa
    z100 = next(entry for entry in entries if (entry.variable, entry.level) == ("z", "100 pl"))
    assert (z100.span, z100.member) == (TimeRange("", 0, 6), None)


@pytest.mark.parametrize(
    ("step", "fields", "count"),
    [(0, {"precipitation_amount"}, 52), (6, {"surface_geopotential"}, 52)],
)
def test_what_the_table_names_is_found_in_the_real_index(
    shared: Path, config: Config, step: int, fields: set[str], count: int
) -> None:
    """Counted by hand: t, q, z on 10 levels, u, v on 5, w on 2, 9 single levels; rain from the
    first step on, the ground at the start.
    """
    model = aifs(config)

    chosen = select(real(shared, step), fields_of(model), step, None, spelled)

    assert len(chosen.wanted) == count == 3 * 10 + 2 * 5 + 2 + 9 + 1
    assert set(model.parameters) - {wanted.field.name for wanted in chosen.wanted} == fields
    rain = [wanted for wanted in chosen.wanted if wanted.field.name == "precipitation_amount"]
    assert [wanted.entry.variable for wanted in rain] == ["tp"] * (step > 0)


def test_of_the_real_file_hardly_more_is_fetched_than_is_needed(
    shared: Path, config: Config
) -> None:
    """Target of the project: at most 1.05 times the needed bytes, the index and the head of the
    last message included.
    """
    path = shared / "inventories" / "aifs_single_20250301_00z_6h.index"
    wanted = messages(select(real(shared, 6), fields_of(aifs(config)), 6, None, spelled).wanted)

    spans = [(entry.offset, entry.end or 0) for entry in wanted]
    ranges = plan_ranges(spans)

    needed, fetched = (sum(end - start for start, end in pairs) for pairs in (spans, ranges))
    assert fetched + path.stat().st_size + 16 <= 1.05 * needed
    assert len(ranges) <= len(spans) / 2


def test_a_range_ends_with_the_last_byte_of_its_message() -> None:
    """sources.md: the requested end, inclusive, is _offset + _length - 1; others request one
    byte too many.
    """
    first, second = parse_index(
        text_of(ROW, ROW | {"param": "q", "_offset": 1000, "_length": 50}), MARCH, NAME
    )

    assert (first.offset, first.end, second.offset, second.end) == (0, 1000, 1000, 1050)


def test_lines_may_come_in_any_order_and_leave_gaps() -> None:
    rows = [ROW | {"_offset": 5000}, ROW | {"param": "q"}, ROW | {"param": "z", "_offset": 2000}]

    assert [entry.variable for entry in parse_index(text_of(*rows), MARCH, NAME)] == ["q", "z", "t"]


def test_members_are_identified_by_number_and_the_control_has_none() -> None:
    name = "20250301000000-6h-enfo-ef.index"
    row = ROW | {"stream": "enfo", "type": "pf"}
    rows = [
        row | {"type": "cf"},
        row | {"number": "7", "_offset": 1000},
        row | {"number": "50", "_offset": 2000},
    ]
    temperature = fields_of(ModelSettings.model_validate(ENS))

    entries = parse_index(text_of(*rows), MARCH, name)
    chosen = select(entries, temperature, 6, None, spelled, (0, 7))

    assert [entry.member for entry in entries] == [0, 7, 50]
    assert [wanted.entry.offset for wanted in chosen.wanted] == [0, 1000]


ENS = {
    "id": "ens",
    "name": {"zh": "x", "en": "x"},
    "attribution": {"zh": "x", "en": "x"},
    "layout": "ecmwf",
    "mirrors": [{"url": "http://127.0.0.1:9"}],
    "path": "{run:%Y}/{step}-enfo-ef.grib2",
    "members": [0, 7],
    "steps": [{"first": 6, "last": 6, "every": 6}],
    "parameters": {"air_temperature": {"index": "t pl", "levels_hpa": [850]}},
}


def test_a_span_of_steps_is_understood_and_a_word_is_passed_over() -> None:
    rows = [
        ROW | {"param": "tp", "step": "0-24"},
        ROW | {"param": "q", "step": "all", "_offset": 1000},
    ]

    assert [entry.span for entry in parse_index(text_of(*rows), MARCH, NAME)] == [
        TimeRange("", 0, 24),
        None,
    ]


def test_an_index_of_ours_is_beside_its_file() -> None:
    assert (
        listing_of("/20250301/00z/20250301000000-6h-oper-fc.grib2")
        == "/20250301/00z/20250301000000-6h-oper-fc.index"
    )


def test_a_field_that_the_table_does_not_spell_is_looked_for_nowhere() -> None:
    assert spelled(FIELDS["visibility_in_air"], None) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "does not end with a whole line"),
        (b"<html><body>busy</body></html>\n", "none of an index"),
        (b"[1, 2]\n", "none of an index"),
        (b"\n", "none of an index"),
        (b"[" * 1500 + b"\n", "none of an index"),
        (b"\x00\xff\n", "none of an index"),
        (text_of(ROW | {"domain": "g" * LONGEST_LINE}), "none of an index"),
        (text_of(ROW)[:-5], "does not end with a whole line"),
        (text_of(ROW | {"date": "20250228"}), "of run '20250228' '0000', expected 20250301 0000"),
        (text_of(ROW | {"time": "1200"}), "of run '20250301' '1200'"),
        (text_of(ROW | {"stream": "scda"}), "stream 'scda'"),
        (text_of(ROW | {"type": "pf"}), "type 'pf'"),
        (text_of(ROW | {"_offset": -1}), "_offset and _length in bytes"),
        (text_of(ROW | {"_offset": True}), "_offset and _length in bytes"),
        (text_of(ROW | {"_length": 0}), "_offset and _length in bytes"),
        (text_of(ROW | {"_length": "1000"}), "_offset and _length in bytes"),
        (text_of(ROW | {"_offset": 1 << 60}), "_offset and _length in bytes"),
        (text_of(ROW, ROW), "begins before byte 1000"),
        (text_of(ROW, ROW | {"_offset": 999}), "begins before byte 1000"),
        (text_of(ROW | {"levelist": [850]}), "as text"),
        (text_of({key: value for key, value in ROW.items() if key != "param"}), "as text"),
        (text_of(ROW | {"number": "x"}), "number of a member"),
        (text_of(ROW | {"number": 3}), "number of a member"),
    ],
)
def test_what_is_no_index_of_this_run_is_refused_by_name(text: bytes, message: str) -> None:
    with pytest.raises(SourceCorrupt, match=message) as raised:
        parse_index(text, MARCH, NAME)

    assert NAME in str(raised.value)
    assert len(str(raised.value)) < 400


def test_what_is_chosen_for_a_step_knows_where_its_windows_begin() -> None:
    table = ENS | {"members": [], "parameters": {"precipitation_amount": {"index": "tp sfc"}}}
    row = {**ROW, "param": "tp", "levtype": "sfc", "step": "12"}
    del row["levelist"]

    fields = fields_of(ModelSettings.model_validate(table))
    chosen = select(
        parse_index(text_of(row), MARCH, NAME), fields, 12, Selection(6, (), {}), spelled
    )

    assert chosen.starts == {"precipitation_amount": 0.0}
