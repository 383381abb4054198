"""A process that sends is killed at any request: who gets a message twice, and who none?"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.domain import Forecast
from forecast.issue.deliver import deliver
from forecast.review import Withdrawal
from forecast.settings.delivery import DeliverySettings
from products.composition import Supplement, compose
from products.publish import Publisher
from tests.doubles.wecom import WeComDouble, serving
from tests.e2e.past_releases import issues, one_site
from tests.e2e.sample_bulletin import ATTRIBUTION, sample_parts

KEY = "a-key-of-this-test"
NOW = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GLOW = "2026-11-26"  # a good and safe evening at the sample's first site
SECRETS = {"SKYSCAPE_WECOM_KEYS": f"duty:{KEY}"}
GROUP = {
    "id": "duty",
    "alerts": {"phenomena": ["sunset_glow"], "days": 4, "hazards": True, "chance": 0.7},
}


class Service:
    """A service with one site, whose releases have messages for a group only."""

    def __init__(self, folder: Path, url: str) -> None:
        config = one_site(folder / "site")
        update = {
            "output": config.output.model_copy(
                update={"channels": ("wecom",), "base_url": "https://weather.example"}
            ),
            "delivery": DeliverySettings.model_validate({"wecom": {"url": url, "groups": [GROUP]}}),
        }
        self.config: Config = config.model_copy(update=update)
        self.publisher = Publisher(self.config)
        self._url = f"sqlite:///{folder / 'archive.db'}"

    def publish(self, place: int, chance: float, grade: int) -> None:
        """Release an issue with this chance of a glow on the evening GLOW."""

        def changed(forecast: Forecast) -> Forecast:
            event = forecast.event
            if (event.phenomenon, event.day.isoformat()) == ("sunset_glow", GLOW):
                return replace(forecast, probability=chance, grade=grade)
            return forecast

        _, forecasts, features, almanacs = sample_parts(self.config)
        made = [changed(each) for each in forecasts]
        bulletin = compose(
            issues()[place], made, features, almanacs, self.config, Supplement(ATTRIBUTION, [])
        )
        self.publisher.publish(bulletin)

    def withdraw(self, place: int, at: datetime) -> None:
        self.publisher.withdraw(issues()[place], Withdrawal(at, "王一", "光路资料有误", "wang"))

    def deliver(self, now: datetime) -> Any:
        """Send as the scheduler does, with an archive that is opened anew."""
        world = SimpleNamespace(
            config=self.config, publisher=self.publisher, archive=Archive(self._url)
        )
        return deliver(world, now, SECRETS)  # type: ignore[arg-type]

    def deliver_in_a_process(self, now: datetime) -> int:
        """Send in a process of its own; return how it ended (negative: the signal)."""
        child = os.fork()
        if child == 0:
            try:
                self.deliver(now)
            finally:
                os._exit(0)
        self.child = child
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class KillingDouble(WeComDouble):
    """Kills whoever sends the request `number`, before or after it has taken the message."""

    service: Service
    number = 0
    after = False

    def answer(self, path: str, body: bytes) -> tuple[int, str]:
        last = self.requests == self.number
        if last and not self.after:
            self._kill()
            return 0, "never read"
        answer = super().answer(path, body)
        if last:
            self._kill()
        return answer

    def _kill(self) -> None:
        os.kill(self.service.child, signal.SIGKILL)


@pytest.fixture
def robot() -> Iterator[KillingDouble]:
    double = KillingDouble({KEY}, NOW)
    with serving(double):
        yield double


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_kill_at_any_request_doubles_no_forecast_and_loses_no_hazard(
    robot: KillingDouble, tmp_path: Path, number: int, after: bool
) -> None:
    service = robot.service = Service(tmp_path, robot.url)
    service.publish(2, 0.86, 5)
    service.child = os.getpid()
    robot.number, robot.after = number, after

    ended = service.deliver_in_a_process(NOW)
    for turn in range(1, 4):
        robot.now = NOW + turn * MINUTE
        service.deliver(robot.now)

    assert ended == -signal.SIGKILL
    texts = [text for _, _, text in robot.taken]
    hazards = sum("大风】" in text for text in texts)
    others = [
        sum(text.startswith("###") for text in texts),
        sum("晚霞：" in text for text in texts),
    ]
    # what was killed at is lost before it was taken, and stays once after; hazards come again
    assert hazards == (2 if (number, after) == (1, True) else 1)
    lost = [0 if (number, after) == (of, False) else 1 for of in (2, 3)]
    assert others == lost


def test_an_evening_from_releases_with_an_update_and_a_withdrawal(
    robot: KillingDouble, tmp_path: Path
) -> None:
    service = Service(tmp_path, robot.url)
    receipts = []
    for minutes, step in (
        (0, lambda: service.publish(1, 0.86, 5)),
        (1, lambda: None),
        (60, lambda: service.publish(2, 0.65, 4)),
        (61, lambda: None),
        (120, lambda: service.withdraw(2, NOW + 119 * MINUTE)),
        (121, lambda: None),
    ):
        step()
        robot.now = NOW + minutes * MINUTE
        receipts += [(each.outcome, each.detail) for each in service.deliver(robot.now)]

    assert receipts == [
        ("sent", "duty: alerts; duty: issue; duty: alerts"),
        ("unchanged", ""),
        ("sent", "duty: issue; duty: alerts"),
        ("unchanged", ""),
        ("sent", "duty: withdrawal"),
        ("unchanged", ""),
    ]
    texts = [text for _, _, text in robot.taken]
    assert "晚霞：观赏概率86%，5星" in texts[2]
    assert "【更新】11月26日（周四）灵山晚霞：观赏概率65%，4星" in texts[4]
    assert "光路资料有误" in texts[5]
    if file := os.environ.get("EVENING"):  # to look at it
        lines = (f"-- {at + timedelta(hours=8):%H:%M}\n{text}" for at, _, text in robot.taken)
        Path(file).write_text("\n".join(lines))
