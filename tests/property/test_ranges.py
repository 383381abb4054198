"""Do the laws of joining byte ranges hold for every file there could be?"""

from __future__ import annotations

from itertools import accumulate, combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from forecast.ingest.inventory import plan_ranges

Spans = list[tuple[int, int]]


@st.composite
def files(draw: st.DrawFn, most: int = 40) -> Spans:
    """Spans of wanted messages: lengths at least 1, gaps at least 0 between them."""
    pieces = draw(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 5000)), max_size=most))
    bounds = [0, *accumulate(number for piece in pieces for number in piece)]
    return [(bounds[2 * i + 1], bounds[2 * i + 2]) for i in range(len(pieces))]


def size(spans: Spans | tuple[tuple[int, int], ...]) -> int:
    return sum(end - start for start, end in spans)


@given(files(), st.floats(0, 0.5), st.integers(1, 50_000))
def test_every_message_lies_whole_in_one_range(spans: Spans, slack: float, largest: int) -> None:
    ranges = plan_ranges(spans, slack, largest)

    for start, end in spans:
        assert sum(first <= start and end <= last for first, last in ranges) == 1


@given(files(), st.floats(0, 0.5), st.integers(1, 50_000))
def test_ranges_rise_waste_no_more_than_allowed_and_begin_and_end_with_messages(
    spans: Spans, slack: float, largest: int
) -> None:
    ranges = plan_ranges(spans, slack, largest)

    assert all(left[1] <= right[0] for left, right in pairwise(ranges))
    assert size(ranges) <= size(spans) * (1 + slack) + 1e-6
    assert {first for first, _ in ranges} <= {start for start, _ in spans}
    assert {last for _, last in ranges} <= {end for _, end in spans}


@given(files(), st.floats(0, 0.5), st.integers(1, 50_000))
def test_a_range_of_several_messages_is_never_larger_than_allowed(
    spans: Spans, slack: float, largest: int
) -> None:
    for first, last in plan_ranges(spans, slack, largest):
        inside = [span for span in spans if first <= span[0] < last]
        assert len(inside) == 1 or last - first <= largest


@given(files(most=9), st.floats(0, 0.5))
def test_no_choice_of_gaps_within_the_slack_needs_fewer_requests(
    spans: Spans, slack: float
) -> None:
    gaps = [right[0] - left[1] for left, right in pairwise(spans)]
    budget = slack * size(spans)
    most = max(
        (
            n
            for n in range(len(gaps) + 1)
            if any(sum(some) <= budget for some in combinations(gaps, n))
        ),
        default=0,
    )

    assert len(plan_ranges(spans, slack, largest=10**9)) == len(spans) - most
