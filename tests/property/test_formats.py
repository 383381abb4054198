"""What is written in a form's own words is read back: tables, pushed records, SYNOP; and no bytes
at all make a parser raise.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.domain import Name, Station
from forecast.observations.formats import PARSERS, Limits, ParseContext, detect_form, parse_push
from forecast.observations.formats.csv_records import MISSING_CODES
from forecast.observations.formats.csv_records import parse as parse_table
from forecast.observations.formats.synop import parse as parse_synop
from forecast.observations.formats.units import conversion, units_of
from forecast.quantities import ELEMENTS

RECEIVED = datetime(2026, 11, 22, 12, 40, tzinfo=UTC)
elements = st.sampled_from(sorted(ELEMENTS))
FIRST, LAST = datetime(2000, 1, 1), datetime(2060, 1, 1)  # noqa: DTZ001
moments = st.datetimes(FIRST, LAST, timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))


@st.composite
def records(draw: st.DrawFn) -> list[tuple[str, datetime, dict[str, float]]]:
    """Some stations' records in SI, within the elements' limits; none is a code for "missing"."""
    names = draw(
        st.lists(
            st.sampled_from(["54511", "M1001", "ion_01", "A-b_C", "0"]),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    columns = draw(st.lists(elements, min_size=1, max_size=4, unique=True))
    found = []
    for name in names:
        for moment in draw(
            st.lists(moments, max_size=2, unique_by=lambda each: each.astimezone(UTC))
        ):
            values = {
                column: draw(
                    st.floats(ELEMENTS[column].low, ELEMENTS[column].high).filter(
                        lambda value: value not in MISSING_CODES
                    )
                )
                for column in columns
                if draw(st.booleans())
            }
            found.append((name, moment, values))
    return found


@settings(max_examples=60)
@given(records(), st.data())
def test_a_table_in_any_units_is_read_back_as_it_was(
    written: list[tuple[str, datetime, dict[str, float]]], data: st.DataObject
) -> None:
    columns = sorted({element for *_, values in written for element in values}) or [
        "air_temperature"
    ]
    units = {column: data.draw(st.sampled_from(sorted(units_of(column)))) for column in columns}
    stations = {
        name: Station(name, Name("", ""), 40, 115, 2303, "weather", units) for name, *_ in written
    }
    rows = [["station", "time", *columns]]
    for name, moment, values in written:
        cells = []
        for column in columns:
            factor, offset = conversion(column, units[column])
            missing = data.draw(st.sampled_from(["", "NA", "999999"]))
            cells.append(
                f"{(values[column] - offset) / factor:.17g}" if column in values else missing
            )
        rows.append([name, moment.isoformat(), *cells])

    parsed = parse_table(
        "\n".join(",".join(row) for row in rows).encode(), "t", ParseContext(stations)
    )

    expected = {
        (name, moment.astimezone(UTC)): values for name, moment, values in written if values
    }
    assert not parsed.faults
    assert {(each.station, each.time) for each in parsed.observations} == set(expected)
    for each in parsed.observations:
        values = expected[each.station, each.time]
        assert each.values == {
            name: pytest.approx(value, rel=1e-9, abs=1e-9)
            for name, value in values.items()
            if name in each.values
        }
        # A number that happens to be spelled as a missing code is the only one that may be lost;
        # none of ours is.
        assert set(values) == set(each.values)


@settings(max_examples=60)
@given(records())
def test_pushed_records_are_read_back_as_they_were(
    written: list[tuple[str, datetime, dict[str, float]]],
) -> None:
    stations = {name: Station(name, Name("", ""), 40, 115, 2303) for name, *_ in written}
    body = []
    for name, moment, values in written:
        record: dict[str, Any] = {"station": name, "time": moment.isoformat()}
        for element, value in values.items():
            factor, offset = conversion(element)
            record[element] = (value - offset) / factor
        body.append(record)

    parsed = parse_push(json.dumps(body).encode(), ParseContext(stations))

    expected = {
        (name, moment.astimezone(UTC)): values for name, moment, values in written if values
    }
    assert {(each.station, each.time): each.values for each in parsed.observations} == {
        key: {name: pytest.approx(value, rel=1e-9, abs=1e-9) for name, value in values.items()}
        for key, values in expected.items()
    }


@given(
    st.integers(0, 8), st.integers(0, 36), st.integers(0, 98), st.integers(-600, 500),
    st.integers(0, 300), st.integers(5500, 10800),
    st.integers(1, 50), st.integers(1, 996), st.integers(1, 8), st.integers(0, 50),
)  # fmt: skip
def test_a_synop_that_was_coded_is_read_back(
    oktas: int,
    tens: int,
    speed: int,
    tenths: int,
    spread: int,
    pressure: int,
    sight: int,
    snow: int,
    below: int,
    top: int,
) -> None:
    dew = max(tenths - spread, -900)
    coded = [f"{'1' if value < 0 else '0'}{abs(value):03d}" for value in (tenths, dew)]
    first = (
        f"41/{sight:02d} {oktas}{tens:02d}{speed:02d} "
        f"1{coded[0]} 2{coded[1]} 3{pressure % 10000:04d}"
    )
    text = f"AAXX 22121\n54511 {first} 333 4/{snow:03d} 444 {below}/{top:02d}/="

    (observation,) = parse_synop(text.encode(), "s", ParseContext(received=RECEIVED)).observations

    expected = {
        "cloud_area_fraction": oktas / 8, "wind_from_direction": tens * 10.0,
        "wind_speed": float(speed),
        "visibility_in_air": sight * 100.0,
        "air_temperature": 273.15 + tenths / 10, "dew_point_temperature": 273.15 + dew / 10,
        "air_pressure": pressure * 10.0,
        "snow_depth": snow / 100, "cloud_below_area_fraction": below / 8,
        "cloud_below_top_altitude": top * 100.0,
    } | ({"low_cloud_area_fraction": 0.0} if oktas == 0 else {})  # fmt: skip
    assert observation.values == pytest.approx(expected)


HEADS = [b"", b"station,time,gust\nM1,2026-11-22 08:00,", b"AAXX 22121\n54511 ",
         b"METAR ZBAA 221200Z ", b'[{"station": "M1", ',
         b"diamond 1 x\n20 02 04 02 1\n54511 ", b"58237 3256N 11854E 000238 0 2021 11\nTB\n0118 ",
         b"STATION,DATE,SOURCE,TMP\n54511099999,2016-01-01T00:00:00,4,",
         b"0250545110999992016010100004+39930+116280FM-12+005599999V020",
         b"BUFR\x00\x00\x40\x04"]  # fmt: skip
TERMS = ParseContext(
    {"M1": Station("M1", Name("", ""), 40, 115, 2303)}, received=RECEIVED, limits=Limits(faults=5)
)
groups = st.text("0123456789/=+-,.;: \n\r\tABCDEFGKMNOQRSTVWXYZ'\"()%_{}[]", max_size=300).map(
    str.encode
)


@settings(max_examples=400)
@given(
    st.sampled_from(HEADS),
    st.one_of(st.binary(max_size=200), groups),
    st.sampled_from(sorted(set(PARSERS) - {"bufr"})),
)
def test_no_bytes_make_a_parser_raise_or_echo_them(head: bytes, tail: bytes, form: str) -> None:
    detect_form(head + tail)
    parsed = PARSERS[form](head + tail, "=evil\n.csv", TERMS)

    assert len(parsed.faults) <= 5
    for fault in parsed.faults:
        assert fault.reason.isprintable()
        assert not any(unicodedata.category(c)[0] == "M" for c in fault.reason)
        assert not {unicodedata.bidirectional(c) for c in fault.reason} & {"R", "AL", "AN"}
        assert not set(fault.reason) & set("<>&|")
        assert fault.reason[:1] not in "=+@"
        assert fault.where == "?evil?.csv"
    for observation in parsed.observations:
        assert set(observation.values) <= set(ELEMENTS)
        assert all(-1e14 < value < 1e14 for value in observation.values.values())
