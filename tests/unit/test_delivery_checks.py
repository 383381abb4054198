"""Do the settings, `check` and `status` name what is wrong with what is sent, and no secret?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from forecast import pipeline
from forecast.archive.issues import Archive
from forecast.archive.outbox import ChannelOutbox
from forecast.commands import delivery_checks, delivery_status, issue
from forecast.commands import world as setup
from forecast.config import Config
from forecast.domain import Receipt
from forecast.issue import deliver
from forecast.sent import FAILED, SENDING, SENT, Sent
from forecast.settings.delivery import DeliverySettings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAIL = {"host": "smtp.example", "sender": "weather@example.net", "user": "weather",
        "lists": [{"id": "press", "to": ["ann@example.com"]}]}  # fmt: skip
DUTY, RANGERS = {"id": "duty"}, {"id": "rangers", "alerts": {"sites": ["nowhere", "lingshan"]}}
WHOLE = {
    "wecom": {"groups": [DUTY, RANGERS]},
    "webhook": {"targets": [{"id": "shop", "url": "https://shop.example/hook?token=abc"}]},
    "email": MAIL,
}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"wecom": {"groups": [DUTY, DUTY]}}, "id twice: duty"),
        ({"webhook": {"targets": [{"id": "a", "url": "http://shop.example"}]}}, "https://"),
        ({"email": MAIL | {"lists": MAIL["lists"] * 2}}, "id twice: press"),
        ({"email": MAIL | {"sender": "Weather <w@example.net>"}}, "must be one address"),
        ({"email": MAIL | {"lists": [{"id": "a", "to": ["\u738b@example.com"]}]}}, "in ASCII"),
        ({"wecom": {"groups": [DUTY | {"quiet_from": "22:00"}]}}, "both are needed"),
        ({"wecom": {"groups": [DUTY | {"alerts": {"phenomena": ["rain"]}}]}}, "unknown"),
    ],
)
def test_a_receiver_that_cannot_be_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        DeliverySettings.model_validate(values)


def test_a_webhook_of_this_machine_needs_no_encryption() -> None:
    target = {"id": "a", "url": "http://127.0.0.1:8000/hook"}

    assert DeliverySettings.model_validate({"webhook": {"targets": [target]}}).webhook


def found(config: Config, secrets: dict[str, str], **output: Any) -> dict[str, tuple[str, str]]:
    made = config.model_copy(update={
        "delivery": DeliverySettings.model_validate(WHOLE),
        "output": config.output.model_copy(update=output),
    })  # fmt: skip
    return {each.subject: (each.grade, each.detail)
            for each in delivery_checks.findings(made, secrets)}  # fmt: skip


def test_receivers_without_a_secret_and_unknown_sites_are_named(config: Config) -> None:
    made = found(config, {"SKYSCAPE_WECOM_KEYS": "duty:secret-of-duty, other:x,broken"})

    # of two findings about one subject the last is kept here
    assert made["delivery.wecom.rangers"][0] == made["delivery.email"][0] == "fault"
    assert "SKYSCAPE_WECOM_KEYS has no secret of it" in made["delivery.wecom.rangers"][1]
    assert "does not have: other" in made["SKYSCAPE_WECOM_KEYS"][1]
    assert made["delivery.webhook.shop"][0] == "warning"
    assert "not signed" in made["delivery.webhook.shop"][1]
    assert made["output.base_url"][0] == "warning"
    assert "secret-of-duty" not in str(made)


def test_sound_receivers_are_counted(config: Config) -> None:
    secrets = {
        "SKYSCAPE_WECOM_KEYS": "duty:a,rangers:b", "SKYSCAPE_WEBHOOK_SECRETS": "shop:c",
        "SKYSCAPE_SMTP_PASSWORD": "d",
    }  # fmt: skip
    made = found(config, secrets, base_url="https://weather.example")

    assert made["delivery.wecom"] == ("ok", "2 receivers")
    assert made["delivery.webhook"] == ("ok", "1 receivers")
    assert made["delivery.email"] == ("ok", "1 lists, 1 recipients by smtp.example:587")
    assert made["delivery.wecom.rangers"] == ("fault", "alerts.sites: unknown: nowhere")


def test_a_channel_that_is_not_rendered_cannot_be_sent(config: Config) -> None:
    made = found(config, {}, channels=("web", "wecom", "webhook"))

    assert made["delivery.email"][0] == "fault"


def test_the_address_of_a_webhook_is_shown_without_its_token(config: Config) -> None:
    made = config.model_copy(update={"delivery": DeliverySettings.model_validate(WHOLE)})

    assert "token=abc" not in str(made.shown())


def test_status_lists_a_lost_message_once_and_says_which_is_tried_again(tmp_path: Path) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    duty, shop = ChannelOutbox(archive, "wecom"), ChannelOutbox(archive, "webhook")
    for turn in range(15):
        lost = Sent(SENDING, "a", str(turn), NOW, detail="status 500")
        shop.keep("shop", f"event/{turn:02d}", lost)
    duty.keep("duty", "hazard/gale/2026-11-23", Sent(SENDING, "a", "1", NOW))

    shown = delivery_status.lines(delivery_status.found(archive, NOW))

    text = "\n".join(shown)
    assert len(shown) == 4
    assert "event/00 and 14 more  unclear, attempt 1: status 500; it may have arrived; tri" in text
    assert "ask the receiver" not in text


def test_status_names_receivers_failures_and_what_to_do(tmp_path: Path) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    duty, mail = ChannelOutbox(archive, "wecom"), ChannelOutbox(archive, "email")
    duty.keep("duty", "issue/a", Sent(SENT, "a", "1", NOW - timedelta(hours=1)))
    duty.keep("duty", "rate", Sent(SENT, "a", "", NOW))
    duty.keep("duty", "event/x", Sent(FAILED, "a", "2", NOW, attempts=3, detail="errcode 45009"))
    duty.keep("rangers", "issue/a", Sent(SENDING, "a", "1", NOW))
    refused = Sent(FAILED, "a", "1", NOW - timedelta(days=3), final=True, detail="b***@example.com")
    mail.keep("press", "to/1", refused)
    mail.keep("press", "to/2", Sent(SENT, "a", "1", NOW - timedelta(days=3)))

    shown = delivery_status.lines(delivery_status.found(archive, NOW))

    text = "\n".join(shown)
    assert "wecom duty  1 failed, 1 sent" in text
    assert "event/x  failed, attempt 3: errcode 45009; tried again by itself" in text
    assert "issue/a  unclear, attempt 1: it may have arrived: ask the receiver" in text
    assert "to/1  failed, attempt 1: b***@example.com; not tried again" in text
    assert "rate" not in text
    assert len(shown) == 6


@pytest.mark.parametrize(("outcome", "code"), [("failed", 6), ("unchanged", 0), ("sent", 0)])
def test_once_fails_where_what_it_issued_was_not_delivered(
    outcome: str, code: int, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = SimpleNamespace(id="gfs-2026112200")
    made = SimpleNamespace(issue=issued, exit_code=0, summary="", unchanged=False, seconds={})
    world = SimpleNamespace(archive=SimpleNamespace(keep_attempt=lambda _: None))
    receipt = Receipt("wecom", "gfs-2026112200", outcome, "")
    monkeypatch.setattr(setup, "build_world", lambda *_: world)
    monkeypatch.setattr(pipeline, "run", lambda *_: made)
    monkeypatch.setattr(deliver, "deliver", lambda *_: (receipt,))

    assert issue._issue(config, None, None, NOW, as_json=False) == code
