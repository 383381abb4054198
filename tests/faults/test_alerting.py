"""Does each operator get each alert once, also where a sender dies, a server is away, or two look
at once? Against real HTTP and SMTP on this machine.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.config import Config
from forecast.service.alerting import watch
from forecast.service.alerting.facts import Facts
from forecast.service.alerting.ledger import (
    LOCK,
    NAME,
    RESERVE,
    RESERVED,
    SETTLED,
    locked,
    read_ledger,
    write_ledger,
)
from forecast.service.alerting.watch import Alerting, Look
from forecast.service.heartbeat import Heartbeat
from forecast.service.state import ServiceState
from forecast.settings.alerts import OperatorAlertSettings
from forecast.settings.delivery import DeliverySettings
from tests.doubles import mail_server, webhook, wecom
from tests.doubles.mail_server import MailDouble
from tests.doubles.webhook import WebhookDouble
from tests.doubles.wecom import WeComDouble
from tests.soak.process import Disk

HOUR = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)  # 16:10 in Beijing
NOW = HOUR + timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
KEY, HEAD_KEY, SECRET = "a-key-of-this-test", "a-key-of-the-head", "a-secret-of-this-test"
SECRETS = {
    "SKYSCAPE_WECOM_KEYS": f"duty:{KEY},head:{HEAD_KEY}",
    "SKYSCAPE_WEBHOOK_SECRETS": f"town:{SECRET}",
}


@dataclass
class Operators:
    """Those who get alerts, each a double, and the settings that name them."""

    robot: WeComDouble
    mail: MailDouble
    server: WebhookDouble
    base: Config
    folder: Path
    first: dict[str, Any] = field(default_factory=lambda: {"wecom": ["duty"]})
    escalated: dict[str, Any] = field(default_factory=dict)
    child: int = 0

    @property
    def config(self) -> Config:
        delivery = {
            "wecom": {"url": self.robot.url, "groups": [{"id": "duty", "issues": False}]},
            "webhook": {"targets": [{"id": "town", "url": self.server.url}]},
        }
        mail = {"host": "127.0.0.1", "port": self.mail.port, "security": "none",
                "sender": "alerts@weather.example"}  # fmt: skip
        alerts = {"first": self.first, "escalated": self.escalated, "mail": mail}
        url = f"sqlite:///{self.folder / 'archive.db'}"
        return self.base.model_copy(update={
            "delivery": DeliverySettings.model_validate(delivery),
            "alerts": OperatorAlertSettings.model_validate(alerts),
            "archive": self.base.archive.model_copy(update={"url": url}),
        })  # fmt: skip

    def facts(self, now: datetime, late: bool = True, alive: bool = True) -> Facts:
        """Return facts in which the hour has no issue where it is `late`."""
        beat = Heartbeat(now, 1, HOUR - timedelta(days=1), "0.1.0") if alive else None
        issue = replace(_issue(), issued=HOUR - timedelta(hours=9) if late else HOUR + 9 * MINUTE)
        return Facts(self.config, now, ServiceState(beat, (), issue))

    def look(self, now: datetime, late: bool = True, **more: Any) -> Look:
        """Look once, as a process that knows nothing but the ledger."""
        self.robot.now = now
        looking = Alerting(self.config, lambda: SECRETS, **more)
        return looking.look(self.facts(now, late))

    @property
    def texts(self) -> list[str]:
        """What the robot of the duty group was sent."""
        return [text for _, key, text in self.robot.taken if key == KEY]


def _issue() -> Any:
    from forecast.domain import Cycle, Issue

    run = HOUR.replace(hour=0, minute=0)
    return Issue("gfs-2026112200", 7, HOUR, Cycle(run), HOUR + timedelta(days=2), published=True)


@pytest.fixture
def operators(config: Config, tmp_path: Path) -> Iterator[Operators]:
    robot, mail = WeComDouble({KEY, HEAD_KEY}, NOW), MailDouble()
    server = WebhookDouble(SECRET)
    with wecom.serving(robot), mail_server.serving(mail), webhook.serving(server):
        yield Operators(robot, mail, server, config, tmp_path)


def test_an_alert_is_received_once_escalated_once_and_ended_once_on_every_way(
    operators: Operators,
) -> None:
    operators.first = {"wecom": ["duty"], "webhook": ["town"]}
    operators.escalated = {"email": ["head@weather.example"], "wecom": ["head"]}

    for minute in range(0, 90, 5):
        operators.look(NOW + minute * MINUTE)
    for minute in range(90, 120, 5):
        operators.look(NOW + minute * MINUTE, late=False)

    assert len(operators.texts) == 2
    raised, resolved = operators.texts
    assert "【告警】11月22日16时10分的一期未按时发布" in raised
    assert "始于11月22日16时10分" in raised
    assert "Alert: no issue for the hour of 22 Nov, 16:10" in raised
    assert "docs/alerts.md no_issue" in raised
    assert "处置：执行 skyscape status" in raised
    assert "【已结束】" in resolved
    assert "What to do" not in resolved
    [first, last] = operators.server.taken.values()
    assert first["items"][0] == {
        "key": "no_issue", "kind": "no_issue", "level": "critical", "stage": "raised",
        "since": HOUR.isoformat(), "until": None, "text": first["items"][0]["text"],
        "handbook": "docs/alerts.md#no_issue",
    }  # fmt: skip
    assert last["items"][0]["stage"] == "resolved"
    assert last["items"][0]["until"] == (NOW + 90 * MINUTE).isoformat()
    # the head hears of it after an hour, and that it is over
    subjects = [str(message["Subject"]) for _, message in operators.mail.taken]
    assert [subject[:6] for subject in subjects] == ["【升级告警】", "【已结束】门"]
    head = [text for _, key, text in operators.robot.taken if key == HEAD_KEY]
    assert len(head) == 2
    assert "已70分钟，仍未恢复" in head[0]
    # nothing is kept of what is over, and nothing is sent again
    assert read_ledger(operators.folder).alerts == {}  # type: ignore[union-attr]
    assert len(operators.robot.taken) == 4


def test_a_condition_that_comes_and_goes_is_one_alert(operators: Operators) -> None:
    for minute in range(12):
        operators.look(NOW + minute * MINUTE, late=minute % 3 != 1)

    assert len(operators.texts) == 1


def test_an_alert_of_which_nothing_is_known_now_stays(operators: Operators) -> None:
    alerting = Alerting(operators.config, lambda: SECRETS)
    for minute in range(5):
        facts = operators.facts(NOW + minute * MINUTE, late=False)
        alerting.look(replace(facts, archive_error="database is locked"))
    assert "archive" in operators.texts[0]

    for minute in range(5, 30):  # the watchdog does not look at the archive
        operators.look(NOW + minute * MINUTE, late=False)

    assert len(operators.texts) == 1
    assert list(read_ledger(operators.folder).alerts) == ["archive"]  # type: ignore[union-attr]


def test_a_robot_that_is_away_is_tried_again_and_gets_it_once(operators: Operators) -> None:
    operators.robot.codes = [-1, -1, 45009]

    for minute in range(30):
        operators.look(NOW + minute * MINUTE)

    assert len(operators.texts) == 1
    assert operators.robot.requests == 4  # after 1, 2 and 4 minutes, not each look


def test_an_alert_that_was_over_before_anybody_could_be_reached_is_reported_all_the_same(
    operators: Operators,
) -> None:
    operators.robot.codes = [-1] * 4
    for minute in range(8):
        operators.look(NOW + minute * MINUTE)
    for minute in range(8, 60, 4):
        operators.look(NOW + minute * MINUTE, late=False)

    [text] = operators.texts
    assert "【已结束】11月22日16时10分的一期未按时发布" in text


def test_one_recipient_that_fails_stops_no_other(operators: Operators) -> None:
    operators.first = {"wecom": ["nobody"], "webhook": ["town"], "email": ["a@b.example"]}
    operators.server.status = [500]

    look = operators.look(NOW)

    assert look.sent == 1
    assert [who for who, _ in operators.mail.taken] == ["a@b.example"]
    assert len(look.problems) == 2
    assert "SKYSCAPE_WECOM_KEYS has no key of nobody" in look.problems[0]
    assert not any(secret in str(look.problems) for secret in (KEY, SECRET))


def test_many_alerts_of_one_look_are_one_message(operators: Operators) -> None:
    operators.look(NOW, late=True)
    facts = replace(operators.facts(NOW + MINUTE, alive=False))

    Alerting(operators.config, lambda: SECRETS).look(replace(facts, service=ServiceState(
        None, (), None)))  # fmt: skip

    assert len(operators.texts) == 2
    assert operators.texts[1].count("What to do") == 1  # the scheduler; no issue was sent before
    assert len(operators.texts[1].encode()) < 4096


def killed_at(operators: Operators, point: int, now: datetime) -> bool:
    """Look in a process of its own that is killed at a point; return whether it came so far.

    Points are before and after each writing of the ledger, and before and after each sending.
    """
    child = os.fork()
    if child == 0:
        count = 0

        def step(work: Any) -> Any:
            def wrapped(*arguments: Any) -> Any:
                nonlocal count
                for act in (lambda: None, lambda: work(*arguments)):
                    result = act()
                    count += 1
                    if count == point:
                        os.kill(os.getpid(), signal.SIGKILL)
                return result

            return wrapped

        watch.write_ledger = step(write_ledger)  # type: ignore[attr-defined]
        watch.sending.send = step(watch.sending.send)  # type: ignore[attr-defined]
        try:
            operators.look(now)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_kill_at_any_instant_loses_no_alert_and_doubles_none_more_than_once(
    operators: Operators,
) -> None:
    operators.first = {"wecom": ["duty"], "webhook": ["town"]}
    counts, point = [], 1
    while True:
        for path in operators.folder.iterdir():
            path.unlink()
        operators.robot.taken.clear()
        operators.server.seen.clear()
        operators.server.taken.clear()
        if not killed_at(operators, point, NOW):
            break
        for minute in range(1, 6):
            operators.look(NOW + minute * MINUTE)
        counts.append((len(operators.texts), len(operators.server.seen)))
        assert len(operators.server.taken) == 1, "a server knows a doubled message by its id"
        point += 1

    assert len(counts) >= 12
    assert all(1 <= robot <= 2 and 1 <= server <= 2 for robot, server in counts)
    # a double only where the kill came between the sending and its note
    assert sum(robot == 2 for robot, _ in counts) <= 2
    assert sum(server == 2 for _, server in counts) <= 2


def test_two_that_look_at_once_send_one_message(operators: Operators) -> None:
    with locked(operators.folder, 0) as mine:
        assert mine
        look = operators.look(NOW, wait=0.2, alone=True)

        assert look.problems == ("another process is sending alerts",)
        assert [each.kind for each in look.conditions] == ["no_issue"]
        assert operators.texts == []
    operators.look(NOW + MINUTE)
    operators.look(NOW + MINUTE)

    assert len(operators.texts) == 1
    assert (operators.folder / LOCK).exists()


def test_a_ledger_that_cannot_be_written_is_remembered_and_the_watchdog_still_sends(
    operators: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(watch, "write_ledger", full)
    service = Alerting(operators.config, lambda: SECRETS)

    for minute in range(10):
        service.look(operators.facts(NOW + minute * MINUTE))
        look = operators.look(NOW + minute * MINUTE, alone=True)

    assert len(operators.texts) == 2  # one of the service, one of the watchdog in half an hour
    assert "alerts.json: cannot be written: alerts may be sent again" in look.problems[0]


def test_a_disk_that_fills_later_makes_no_alert_sent_again_and_none_forgotten(
    operators: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    service = Alerting(operators.config, lambda: SECRETS)
    service.look(operators.facts(NOW - MINUTE, late=False))  # the ledger is there
    with monkeypatch.context() as disk:
        disk.setattr(watch, "write_ledger", full)
        for minute in range(6):
            service.look(operators.facts(NOW + minute * MINUTE))
    for minute in range(6, 14):
        service.look(operators.facts(NOW + minute * MINUTE, late=False))

    assert len(operators.texts) == 2
    assert "【已结束】" in operators.texts[1]


def test_on_a_full_disk_a_service_that_is_killed_again_and_again_sends_an_alert_once(
    operators: Operators,
) -> None:
    disk = Disk(operators.folder / "disk", 2_000_000)
    if not disk.own:
        pytest.skip("no file system may be mounted here: none can be filled")
    try:
        operators.folder = disk.folder
        operators.look(NOW - MINUTE, late=False)
        fill_to_the_last_byte(disk.folder)

        for minute in range(10):  # each knows no more than what the one before could write
            operators.look(NOW + minute * MINUTE)

        assert len(operators.texts) == 1
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "other").write_bytes(bytes(RESERVED))
        (disk.folder / "ballast").unlink()
        for minute in range(10, 18):
            operators.look(NOW + minute * MINUTE, late=False)
        assert len(operators.texts) == 2
        assert (disk.folder / RESERVE).stat().st_blocks * 512 >= RESERVED  # for the next time
    finally:
        disk.close()


def fill_to_the_last_byte(folder: Path) -> None:
    for size in (1 << 16, 1 << 12, 1):
        with (folder / "ballast").open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(size))


def test_a_ledger_that_was_damaged_costs_one_more_message_and_no_alert(
    operators: Operators, caplog: pytest.LogCaptureFixture
) -> None:
    operators.look(NOW)
    (operators.folder / NAME).write_text('{"schema": "skyscape.al')

    for minute in range(1, 4):
        operators.look(NOW + minute * MINUTE)

    assert len(operators.texts) == 2
    assert "cannot be read" in caplog.text
    assert (operators.folder / NAME).stat().st_mode & 0o777 == 0o600
    assert SETTLED > MINUTE
