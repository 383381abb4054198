"""Does what is sent follow what readers see, once, whatever fails?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from forecast.archive.issues import Archive
from forecast.archive.outbox import ChannelOutbox
from forecast.errors import DeliveryError
from forecast.sent import FAILED, SENDING, SENT, Sent
from products.delivery import Delivery, digest_of

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)


@pytest.fixture
def outbox(tmp_path: Path) -> ChannelOutbox:
    return ChannelOutbox(Archive(f"sqlite:///{tmp_path / 'archive.db'}"), "wecom")


def delivery(outbox: ChannelOutbox) -> Delivery:
    issue = SimpleNamespace(id="gfs-2026113000")
    return Delivery(issue, None, {}, None, outbox, {}, NOW)  # type: ignore[arg-type]


def test_a_message_is_kept_before_it_is_sent_and_after(outbox: ChannelOutbox) -> None:
    ours = delivery(outbox)
    begun = ours.begun("duty", "issue", digest_of("text"))
    kept = outbox.find("duty", "issue")
    assert kept == begun
    assert kept.state == SENDING

    ours.done("duty", "issue", begun, {"id": "7"})

    kept = outbox.find("duty", "issue")
    assert kept == replace(begun, state=SENT, remote={"id": "7"})
    assert outbox.keys("duty") == {"issue": kept}
    assert outbox.find("rangers", "issue") is None
    assert outbox.keys("rangers") == {}


@pytest.mark.parametrize(
    ("unclear", "worth_retrying", "state", "final"),
    [
        (False, True, FAILED, False),
        (False, False, FAILED, True),
        (True, True, SENDING, False),
        (True, False, SENDING, False),
    ],
)
def test_what_may_have_arrived_is_not_kept_as_failed(
    outbox: ChannelOutbox, unclear: bool, worth_retrying: bool, state: str, final: bool
) -> None:
    ours = delivery(outbox)
    begun = ours.begun("duty", "issue", "a")
    error = DeliveryError("refused", unclear=unclear, worth_retrying=worth_retrying)
    ours.failed("duty", "issue", begun, error)
    kept = outbox.find("duty", "issue")
    assert kept is not None
    assert (kept.state, kept.final, kept.detail) == (state, final, "refused")


def test_attempts_are_counted_anew_for_another_content(outbox: ChannelOutbox) -> None:
    ours = delivery(outbox)
    first = ours.begun("duty", "issue", "a")
    second = ours.begun("duty", "issue", "a")
    third = ours.begun("duty", "issue", "b")
    assert [each.attempts for each in (first, second, third)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (50, 30)]
)
def test_the_pauses_between_attempts_grow_to_half_an_hour(attempts: int, minutes: int) -> None:
    sent = Sent(FAILED, "i", "d", NOW, attempts=attempts)
    assert not sent.due(NOW + timedelta(minutes=minutes, seconds=-1))
    assert sent.due(NOW + timedelta(minutes=minutes))
    assert not replace(sent, final=True).due(NOW + timedelta(days=1))


def test_a_digest_tells_where_one_part_ends() -> None:
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of("ab") == digest_of(b"ab")
