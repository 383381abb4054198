"""Does each of a list get the bulletin, once and alone, and its withdrawal, whatever fails?"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.http.mail import Mailer
from forecast.sent import FAILED, SENDING
from products.channels import email as channel
from tests.doubles.mail_server import CERTIFICATE, MailDouble, serving
from tests.group_world import EVENING, MailWorld
from tests.unit.test_wecom import WRONG

PASSWORD = "correct horse battery"
MINUTE = timedelta(minutes=1)
ANN, BEN, CAT = "ann@example.com", "ben@example.com", "cat@example.org"


@pytest.fixture
def server() -> Iterator[MailDouble]:
    with serving(MailDouble()) as double:
        yield double


def world(server: MailDouble, to: tuple[str, ...] = (ANN, BEN, CAT), **more: Any) -> MailWorld:
    settings = {
        "host": "localhost", "port": server.port, "security": "none",
        "sender": "weather@example.net", "lists": [{"id": "press", "to": to, **more}],
    }  # fmt: skip
    return MailWorld("email", settings)


def test_each_gets_the_bulletin_alone_over_one_connection(server: MailDouble) -> None:
    made = world(server)

    receipt = made.deliver(EVENING)
    again = made.deliver(EVENING + MINUTE)

    assert (receipt.outcome, receipt.detail) == ("sent", "3 of 3 sent")
    assert again.outcome == "unchanged"
    assert server.connections == 1
    assert [to for to, _ in server.taken] == [ANN, BEN, CAT]
    for (to, message), raw in zip(server.taken, server.raw, strict=True):
        assert message["To"] == to
        others = {ANN, BEN, CAT} - {to}
        assert not any(other.encode() in raw for other in others)
    ids = {message["Message-ID"] for _, message in server.taken}
    assert ids == {"<gfs-2026112242.press.issue@example.net>"}


def test_a_message_has_a_plain_and_an_html_part_with_the_same_numbers(server: MailDouble) -> None:
    made = world(server, (ANN,))
    made.deliver(EVENING)
    [(_, message)] = server.taken
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None

    text = html.unescape(re.sub(r"<[^>]*>", " ", rich.get_content()))
    numbers = re.findall(r"<?\d+%", plain.get_content())
    # each chance of the plain part, in its order, then the safety and notes alike
    assert len(numbers) > 30
    assert numbers == re.findall(r"<?\d+%", text.partition("门头沟景观气象预报第42期 ")[2] or text)
    assert message["Subject"] == "【内部试用】门头沟景观气象预报第42期（11月22日）"
    assert message["From"] == "门头沟景观气象预报 <weather@example.net>"
    assert message["List-Unsubscribe"] == "<mailto:weather@example.net?subject=unsubscribe%20press>"
    assert message["Auto-Submitted"] == "auto-generated"
    for part in (plain.get_content(), text):
        assert part.index("安全提示") < part.index("未来3天最佳")
        assert "内部试用" in part


def test_html_has_inline_styles_that_hold_in_light_and_dark(server: MailDouble) -> None:
    made = world(server, (ANN,), language="en")
    made.deliver(EVENING)
    body = server.taken[0][1].get_body(("html",))
    assert body is not None
    page = body.get_content()

    assert not re.search(r"<(style|script|link rel=.stylesheet)|class=|position:|url\(", page)
    assert '<meta name="color-scheme" content="light dark">' in page
    # an ink without a ground of its own would be lost where a client turns the ground
    for cell in re.findall(r'<td [^>]*style="([^"]*)"', page):
        assert "background-color" in cell
    assert '<a href="https://weather.example/en/index.html"' in page


def test_a_withdrawal_goes_to_whom_may_have_the_issue_and_answers_it(server: MailDouble) -> None:
    made = world(server)
    server.refused[BEN] = 450
    made.deliver(EVENING)

    receipt = made.deliver(EVENING + timedelta(seconds=20), withdrawal=WRONG)
    made.deliver(EVENING + MINUTE, withdrawal=WRONG)

    assert receipt.outcome == "sent"
    assert [to for to, _ in server.taken] == [ANN, CAT, ANN, CAT]
    last = server.taken[-1][1]
    assert last["Subject"] == "【撤回】门头沟景观气象预报第42期"
    assert last["In-Reply-To"] == "<gfs-2026112242.press.issue@example.net>"
    assert last["Message-ID"] == "<gfs-2026112242.press.withdrawn@example.net>"
    body = last.get_body(("plain",))
    assert body is not None
    assert "资料有误<1>" in body.get_content()


def test_an_english_withdrawal_has_a_space_between_its_sentences(server: MailDouble) -> None:
    made = world(server, (ANN,), language="en")
    made.deliver(EVENING)
    made.deliver(EVENING + MINUTE, withdrawal=WRONG)
    for kind in ("plain", "html"):
        body = server.taken[-1][1].get_body((kind,))
        assert body is not None
        text = html.unescape(body.get_content())
        assert "资料有误<1>. Do not plan by it" in text


def test_an_address_that_is_refused_is_named_masked_and_left_alone_for_a_week(
    server: MailDouble,
) -> None:
    made = world(server)
    server.refused[BEN] = 550

    receipt = made.deliver(EVENING)
    for hours in range(1, 30):
        made.deliver(EVENING + timedelta(hours=hours), issue=42 + hours)

    assert receipt.outcome == "failed"
    assert "2 of 3 sent; b***@example.com: " in receipt.detail
    assert "(550)" in receipt.detail
    assert "ben" not in receipt.detail
    assert server.commands.count("RSET") == 1
    server.refused = {}
    made.deliver(EVENING + channel.REFUSED_PAUSE, issue=90)
    assert [to for to, _ in server.taken].count(BEN) == 1


def test_a_recipient_who_may_be_taken_later_is_tried_again(server: MailDouble) -> None:
    made = world(server, (ANN,))
    server.refused[ANN] = 450
    made.deliver(EVENING)
    server.refused = {}

    assert made.deliver(EVENING + timedelta(seconds=50)).outcome == "unchanged"
    assert made.deliver(EVENING + MINUTE).outcome == "sent"


def test_a_bulletin_that_may_have_arrived_is_not_sent_again_a_withdrawal_is(
    server: MailDouble,
) -> None:
    made = world(server, (ANN, BEN))
    server.lost = 1
    made.deliver(EVENING)
    for turn in range(1, 5):
        made.deliver(EVENING + turn * MINUTE)
    assert sorted(to for to, _ in server.taken) == [ANN, BEN]
    assert SENDING in {sent.state for sent in made.outbox.kept.values()}

    server.lost = 1
    for turn in range(10, 15):
        made.deliver(EVENING + turn * MINUTE, withdrawal=WRONG)
    assert sorted(to for to, _ in server.taken[2:]) == [ANN, ANN, BEN]


def test_a_server_that_is_away_is_tried_with_ever_longer_pauses(server: MailDouble) -> None:
    made = world(server)
    made.settings = {**made.settings, "port": 1}
    tried = [
        made.deliver(EVENING + turn * timedelta(seconds=20)).outcome == "failed"
        for turn in range(24)
    ]

    # after 1, 2 and 4 minutes: at 0, 60, 180 and 420 s
    assert [turn * 20 for turn, failed in enumerate(tried) if failed] == [0, 60, 180, 420]
    assert not any(key.startswith("to/") for _, key in made.outbox.kept)


def test_other_channels_get_their_turn_between_long_lists(
    server: MailDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MOST_A_TURN", 2)
    made = world(server)

    assert made.deliver(EVENING).detail == "2 of 2 sent"
    assert made.deliver(EVENING + MINUTE).detail == "1 of 1 sent"


def secured(
    certified: bool, password: str, monkeypatch: pytest.MonkeyPatch, given: str = PASSWORD
) -> tuple[MailDouble, Any]:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE) if certified else "/nonexistent")
    with serving(MailDouble(password, tls=True)) as server:
        made = world(server, (ANN,))
        made.settings = {**made.settings, "security": "starttls", "user": "weather"}
        made.secrets = {"SKYSCAPE_SMTP_PASSWORD": given}
        return server, made.deliver(EVENING)


def test_a_password_goes_over_tls_to_a_server_whose_certificate_is_valid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, receipt = secured(True, PASSWORD, monkeypatch)

    assert receipt.outcome == "sent"
    assert server.commands[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


def test_a_certificate_that_is_not_valid_gets_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    server, receipt = secured(False, PASSWORD, monkeypatch)

    assert "certificate is not valid for localhost" in receipt.detail
    assert "AUTH" not in server.commands


def test_a_password_that_is_refused_is_in_no_log_and_no_receipt(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    server, receipt = secured(True, PASSWORD, monkeypatch, given="a wrong one of mine")

    assert "user or password refused (535): see SKYSCAPE_SMTP_PASSWORD" in receipt.detail
    assert "wrong one" not in receipt.detail + caplog.text
    assert server.commands.count("AUTH") == 1


def test_no_password_is_sent_in_the_open_to_another_machine() -> None:
    from forecast.errors import DeliveryError

    with (
        pytest.raises(DeliveryError, match="without encryption"),
        Mailer("mail.example.com", 25, "none", "weather", PASSWORD),
    ):
        pass


def test_a_mail_has_no_more_than_its_own_failure_in_the_outbox(server: MailDouble) -> None:
    made = world(server, (BEN,))
    server.refused[BEN] = 550
    made.deliver(EVENING)

    kept = [sent for (_, key), sent in made.outbox.kept.items() if key.startswith("to/")]
    assert [(sent.state, sent.final) for sent in kept] == [(FAILED, True)]
    assert "ben" not in str(made.outbox.kept)
    assert Path(CERTIFICATE).is_file()


def test_a_message_that_is_refused_for_what_it_says_drops_no_address(server: MailDouble) -> None:
    made = world(server, (ANN,))
    server.data_codes = [550]
    made.deliver(EVENING)
    for turn in range(1, 40):
        made.deliver(EVENING + turn * MINUTE)
    assert not server.taken

    made.deliver(EVENING + 60 * MINUTE, issue=43)
    server.data_codes = [550]
    for turn in range(61, 64):
        made.deliver(EVENING + turn * MINUTE, issue=43, withdrawal=WRONG)

    subjects = [message["Subject"] for _, message in server.taken]
    assert ["撤回" in each for each in subjects] == [False, True]
