"""Does a server get each message once it can trust, and nothing twice that it cannot know?"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from products.channels.webhook import signature
from tests.doubles.listening import listening
from tests.group_world import EVENING, STARS, World
from tests.unit.test_wecom import WRONG

SECRET = "a-secret-of-this-test"
MINUTE = timedelta(minutes=1)


class Receiver:
    """A server that keeps what it gets. status: of its next answers; lost: never answered."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status: list[int] = []
        self.lost = 0
        self.url = ""

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((dict(self.headers.items()), body))
            if made.lost:
                made.lost -= 1
                self.close_connection = True
                return
            self.send_response(made.status.pop(0) if made.status else 204)
            self.send_header("Location", f"{made.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as address:
        made.url = f"{address}/hook"
        yield made


def world(receiver: Receiver, secret: str = SECRET, **target: Any) -> World:
    targets = [{"id": "shop", "url": receiver.url, "alerts": {"chance": 0.7}, **target}]
    secrets = {"SKYSCAPE_WEBHOOK_SECRETS": f"shop:{secret}"} if secret else {}
    return World("webhook", {"targets": targets}, secrets)


def test_a_message_is_signed_with_its_time_and_says_all_that_a_program_needs(
    receiver: Receiver,
) -> None:
    made = world(receiver, language="en")
    made.event(probability=0.86, grade=5)

    assert made.deliver(EVENING).outcome == "sent"

    (issue, alerts), (headers, body) = receiver.messages, receiver.got[0]
    stamp = headers["X-Skyscape-Timestamp"]
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Skyscape-Signature"] == f"sha256={expected}" == signature(SECRET, stamp, body)
    assert stamp == str(int(EVENING.timestamp()))
    assert headers["X-Skyscape-Id"] == issue["id"]
    assert SECRET.encode() not in body
    assert (issue["kind"], issue["status"], issue["language"]) == ("issue", "trial", "en")
    assert issue["text"].startswith("Mentougou Skyscape Forecast. INTERNAL TRIAL.")
    [item] = alerts["items"]
    assert (item["key"], item["kind"], item["probability"]) == (STARS, "new", 0.86)
    assert alerts["url"] == "https://weather.example/en/index.html"


def test_items_have_the_documented_members_and_numbers_as_readers_see_them(
    receiver: Receiver,
) -> None:
    made = world(receiver, issues=False, alerts={"chance": 0.7, "hazards": True})
    made.event(probability=0.85654321, grade=5)
    made.hazard("gale", "lingshan", "2026-11-23", 18.123456)
    made.deliver(EVENING)
    made.event(probability=0.91234567, grade=5, hazards=["wind"])
    made.deliver(EVENING + MINUTE, issue=43)
    made.event(probability=0.00933069, grade=1)
    made.hazards = []
    made.deliver(EVENING + 2 * MINUTE, issue=44)
    items = [item for message in receiver.messages for item in message["items"]]

    events = [item for item in items if "phenomenon" in item]
    assert [(item["kind"], item["probability"]) for item in events] == [
        ("new", 0.86), ("updated", 0.91), ("cancelled", 0.0)]  # fmt: skip
    assert events[1]["text"].startswith("【更新】")
    for item in events:
        assert item.keys() == {
            "key", "version", "kind", "text", "site", "phenomenon", "day", "probability", "grade",
            "best_start", "best_end", "hazards"}  # fmt: skip
    hazards = [item for item in items if "hazard" in item]
    assert [item["kind"] for item in hazards] == ["new", "cancelled"]
    assert (hazards[0]["quantity"], hazards[0]["value"]) == ("gust_m_s", 18.1)
    assert hazards[0]["level"] == "danger"


def test_without_a_secret_a_message_is_not_signed(receiver: Receiver) -> None:
    world(receiver, secret="").deliver(EVENING)

    assert "X-Skyscape-Signature" not in receiver.got[0][0]


def test_a_redirect_is_not_followed_and_not_tried_again(receiver: Receiver) -> None:
    made = world(receiver, alerts=None)
    receiver.status = [302]

    assert "302" in made.deliver(EVENING).detail
    assert made.deliver(EVENING + 60 * MINUTE).outcome == "unchanged"
    assert len(receiver.got) == 1


def test_an_answer_that_is_lost_sends_the_same_message_again_with_the_same_id(
    receiver: Receiver,
) -> None:
    made = world(receiver)
    made.event(probability=0.86, grade=5)
    receiver.lost, receiver.status = 1, [503]
    for turn in range(6):
        made.deliver(EVENING + turn * MINUTE)

    ids = [message["id"] for message in receiver.messages]
    assert len(ids) == 4
    assert len(set(ids)) == 2


def test_a_withdrawal_names_every_alert_that_ends_with_it(receiver: Receiver) -> None:
    made = world(receiver)
    made.event(probability=0.86, grade=5)
    made.deliver(EVENING)
    made.deliver(EVENING + MINUTE, withdrawal=WRONG)
    made.deliver(EVENING + 2 * MINUTE, withdrawal=WRONG)

    [last] = receiver.messages[2:]
    assert (last["kind"], last["status"]) == ("withdrawal", "withdrawn")
    assert [item["key"] for item in last["items"]] == [f"issue/{last['issue']}", STARS]
    assert "资料有误" in last["text"]


def test_a_server_that_was_broken_for_an_hour_gets_the_hazard_and_the_withdrawal(
    receiver: Receiver,
) -> None:
    made = world(receiver, issues=False, alerts={"chance": 0.7, "hazards": True})
    made.hazard("gale", "lingshan", "2026-11-23", 18.0)
    for status, withdrawal in ((500, None), (410, WRONG)):
        receiver.got, receiver.status = [], [status] * 6  # after 0, 1, 3, 7, 15 and 31 min
        for turn in range(70):
            made.deliver(EVENING + turn * MINUTE, withdrawal=withdrawal)
        assert len(receiver.got) == 7
