"""Is what an .idx says read right, and is what is chosen from it what is wanted?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.domain import Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest.inventory import (
    InventoryEntry,
    Selection,
    TimeRange,
    messages,
    parse_inventory,
    parse_span,
    plan_ranges,
    select,
)
from forecast.quantities import CLOSE_LEVELS, FIELDS

AUGUST = Cycle(datetime(2025, 8, 1, 0, tzinfo=UTC))
TATRA = Cycle(datetime(2020, 8, 4, 12, tzinfo=UTC))


def read(path: Path, cycle: Cycle) -> tuple[InventoryEntry, ...]:
    return parse_inventory(path.read_bytes(), cycle, path.name)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("anl", TimeRange("point", 0, 0)),
        ("7 hour fcst", TimeRange("point", 7, 7)),
        ("1 day fcst", TimeRange("point", 24, 24)),
        ("6-7 hour ave fcst", TimeRange("mean", 6, 7)),
        ("0-7 hour acc fcst", TimeRange("sum", 0, 7)),
        ("0-24 hour acc fcst", TimeRange("sum", 0, 24)),
        ("0-1 day acc fcst", TimeRange("sum", 0, 24)),
        ("18-24 hour max fcst", TimeRange("maximum", 18, 24)),
        ("15-30 min ave fcst", TimeRange("mean", 0.25, 0.5)),
        ("7 hour fcst ens mean", None),
        ("0-1 year acc fcst", None),
    ],
)
def test_a_step_is_read_by_what_it_means(text: str, span: TimeRange | None) -> None:
    assert parse_span(text) == span


def test_a_real_inventory_gives_every_line_and_every_end(shared: Path) -> None:
    """Authority: the file itself; awk over its lines gives 743 messages, the 596th at byte
    428200066 and the next at 428448703.
    """
    entries = read(shared / "inventories" / "gfs.t00z.pgrb2.0p25.f007.idx", AUGUST)

    assert len(entries) == 743
    rain = entries[595]
    assert rain == InventoryEntry(428200066, 428448703, "APCP", "surface", TimeRange("sum", 6, 7))
    assert entries[-1].end is None


def test_fields_that_share_a_message_share_its_end() -> None:
    text = (
        b"1:0:d=2025080100:TMP:850 mb:anl:\n2.1:100:d=2025080100:UGRD:850 mb:anl:\n"
        b"2.2:100:d=2025080100:VGRD:850 mb:anl:\n"
        b"3:300:d=2025080100:RH:850 mb:anl:\n"
    )

    entries = parse_inventory(text, AUGUST, "two.idx")
    wanted = select(entries, [FIELDS["eastward_wind"], FIELDS["northward_wind"]], 0).wanted

    assert [(e.offset, e.end) for e in entries] == [(0, 100), (100, 300), (100, 300), (300, None)]
    assert len(wanted) == 2
    assert [(e.offset, e.end) for e in messages(wanted)] == [(100, 300)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"<html><head><title>503</title></head></html>\n", "line 1 is none of an inventory"),
        (
            b"1:0:d=2025080100:TMP:850 mb:anl:\n2:100:d=2025080100:RH:85",
            "does not end with a whole line",
        ),
        (b"1:0:d=2025073118:TMP:850 mb:anl:\n", "of run 2025073118, expected 2025080100"),
        (
            b"1:0:d=2025080100:TMP:850 mb:anl:\n2:0:d=2025080100:RH:850 mb:anl:\n",
            "points to byte 0",
        ),
        (
            b"1:90:d=2025080100:TMP:850 mb:anl:\n2:80:d=2025080100:RH:850 mb:anl:\n",
            "points to byte 80",
        ),
        (b"\xff\xfe\x00\n", "line 1 is none"),
        (b"", "does not end with a whole line"),
    ],
)
def test_what_is_no_inventory_of_the_run_is_refused_with_its_line(text: bytes, words: str) -> None:
    with pytest.raises(SourceCorrupt, match=words):
        parse_inventory(text, AUGUST, "some.idx")


def test_of_instant_and_mean_cloud_the_instant_is_chosen(shared: Path) -> None:
    entries = read(shared / "inventories" / "gfs.t00z.pgrb2.0p25.f007.idx", AUGUST)

    chosen = select(entries, tuple(FIELDS.values()), 7)

    layers = {w.field.name: w.entry.span for w in chosen.wanted if "type_cloud" in w.field.name}
    assert layers == {
        f"{layer}_type_cloud_area_fraction": TimeRange("point", 7, 7)
        for layer in ("low", "medium", "high")
    }


def test_where_there_is_only_a_mean_the_mean_is_chosen(gfs_tree: Path) -> None:
    """The files of 2020 have layer cloud as TCDC, averaged over 0-6 h, and no instant."""
    path = gfs_tree / "gfs.20200804" / "12" / "atmos" / "gfs.t12z.pgrb2.0p25.f006.idx"

    chosen = select(read(path, TATRA), tuple(FIELDS.values()), 6)

    layers = {
        w.field.name: (w.entry.variable, w.entry.span)
        for w in chosen.wanted
        if "type_cloud" in w.field.name
    }
    assert layers == {
        f"{layer}_type_cloud_area_fraction_mean": ("TCDC", TimeRange("mean", 0, 6))
        for layer in ("low", "medium", "high")
    }


def test_every_level_of_a_profile_is_chosen_and_no_other(shared: Path) -> None:
    entries = read(shared / "inventories" / "gfs.t00z.pgrb2.0p25.f007.idx", AUGUST)

    chosen = select(entries, [FIELDS["cloud_liquid_water_mixing_ratio"]], 7)

    assert [w.level for w in chosen.wanted] == list(CLOSE_LEVELS)
    assert {w.entry.variable for w in chosen.wanted} == {"CLMR"}
    assert [w.entry.level for w in chosen.wanted[:2]] == ["1000 mb", "975 mb"]


def test_an_older_spelling_serves_as_well() -> None:
    text = b"1:0:d=2025080100:CLWMR:850 mb:anl:\n2:9:d=2025080100:TMP:850 mb:anl:\n"

    chosen = select(
        parse_inventory(text, AUGUST, "old.idx"), (FIELDS["cloud_liquid_water_mixing_ratio"],), 0
    )

    assert [(w.level, w.entry.variable) for w in chosen.wanted] == [(85000, "CLWMR")]


def precipitation(step: int, previous: Selection | None, *windows: str) -> Selection:
    """Choose among windows such as "6-12" that an inventory of `step` offers."""
    lines = [
        f"{i}:{i * 100}:d=2025080100:APCP:surface:{window} hour acc fcst:\n"
        for i, window in enumerate(windows)
    ]
    return select(
        parse_inventory("".join(lines).encode(), AUGUST, "rain.idx"),
        (FIELDS["precipitation_amount"],),
        step,
        previous,
    )


def window_of(selection: Selection) -> tuple[float, float]:
    span = selection.wanted[0].entry.span
    assert span is not None
    return span.start, span.end


def test_a_sum_is_chosen_so_that_the_amount_since_the_step_before_is_known() -> None:
    """GFS sums since the last multiple of 6 h, and since the run. Every 3 h: 0-3, 0-6, 6-9, 6-12
    differ by what each interval brought.
    """
    first = precipitation(3, Selection(0, (), {}), "0-3", "0-3")
    second = precipitation(6, first, "0-6", "0-6")
    third = precipitation(9, second, "6-9", "0-9")
    fourth = precipitation(12, third, "6-12", "0-12")

    assert [window_of(s) for s in (first, second, third, fourth)] == [
        (0, 3),
        (0, 6),
        (6, 9),
        (6, 12),
    ]


def test_where_no_window_fits_the_steps_the_sum_since_the_run_is_chosen() -> None:
    """Every 4 h: 6-8 and 6-12 do not give what fell in 4-8 and 8-12; 0-4, 0-8, 0-12 do."""
    first = precipitation(4, Selection(0, (), {}), "0-4", "0-4")
    second = precipitation(8, first, "6-8", "0-8")
    third = precipitation(12, second, "6-12", "0-12")

    assert [window_of(s) for s in (first, second, third)] == [(0, 4), (0, 8), (0, 12)]


def test_a_window_of_another_step_or_of_no_length_is_not_chosen() -> None:
    assert precipitation(6, None, "0-3", "6-6", "0-12").wanted == ()


def test_ranges_of_the_real_files_stay_within_five_percent_of_what_is_needed(shared: Path) -> None:
    """Target of the project: at most 1.05 times the needed bytes, with fewer requests than
    messages.
    """
    entries = read(shared / "inventories" / "gfs.t00z.pgrb2.0p25.f007.idx", AUGUST)

    spans = [
        (e.offset, e.end or e.offset + 1)
        for e in messages(select(entries, tuple(FIELDS.values()), 7).wanted)
    ]
    ranges = plan_ranges(spans)

    needed, fetched = (sum(end - start for start, end in pairs) for pairs in (spans, ranges))
    assert fetched <= 1.05 * needed
    assert len(ranges) < len(spans) / 2


@pytest.mark.parametrize("spans", [[(5, 5)], [(10, 20), (15, 30)], [(10, 20), (0, 5)]])
def test_spans_that_make_no_sense_are_refused(spans: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="must rise"):
        plan_ranges(spans)
