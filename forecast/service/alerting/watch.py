"""One look: what is wrong by the facts, who has to know of it, and sending it to them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from forecast.config import Config, delivery_secrets
from forecast.errors import DeliveryError
from forecast.service.alerting import sending
from forecast.service.alerting.conditions import Condition, assess
from forecast.service.alerting.facts import Facts
from forecast.service.alerting.ledger import (
    NAME,
    Ledger,
    MessageMark,
    OpenAlert,
    State,
    locked,
    read_ledger,
    recipients_of,
    write_ledger,
)
from forecast.service.alerting.notices import OperatorNotice, message, texts_of

log = logging.getLogger(__name__)

REPORTED = "alerts.reported"  # empty; its time is that of the last messages that could not be kept
AGAIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found, how many messages were sent, and why others were not."""

    conditions: tuple[Condition, ...]
    sent: int = 0
    problems: tuple[str, ...] = ()


class Alerting:
    """Looks, again and again in the service, once in the watchdog.

    alone: the only look of this process, which remembers nothing: what it cannot keep it sends
    every AGAIN, if a file says when it did last, else each time.
    """

    def __init__(
        self,
        config: Config,
        secrets: Callable[[], Mapping[str, str]] = delivery_secrets,
        alone: bool = False,
        wait: float = 0.0,
    ) -> None:
        self._config, self._secrets, self._alone, self._wait = config, secrets, alone, wait
        self._folder = config.private_folder
        self._memory: Ledger | None = None
        self._kept = True  # else the file is older than the memory

    def look(self, facts: Facts) -> Look:
        """Report what is new by the facts, escalate what lasts, and end what is over.

        Where another process looks at the same time nothing is sent. Raises: ConfigError where a
        word is missing.
        """
        try:
            with locked(self._folder, self._wait) as mine:
                if not mine:
                    problem = "another process is sending alerts"
                    return Look(assess(facts).conditions, problems=(problem,))
                return self._look(facts)
        except OSError as error:
            log.error("%s: the lock of alerts cannot be made: %s", self._folder, error)
            return self._look(facts)

    def _look(self, facts: Facts) -> Look:
        now = facts.now
        file = read_ledger(self._folder) if self._kept else None
        ledger = file or self._memory or Ledger()
        assessment = assess(replace(facts, sizes=dict(ledger.sizes)))
        ledger.note_size(now, facts.archive_bytes)
        texts = {each.key: texts_of(each, self._config) for each in assessment.conditions}
        for alert in ledger.update(assessment, now, texts):
            _log(alert)
        unkept = []
        if not self._keep(ledger) and self._alone:
            unkept = [f"{self._folder / NAME}: cannot be written: alerts may be sent again"]
            if self._reported(now):
                return Look(assessment.conditions, problems=(*unkept, "sent a short while ago"))
        sent, problems = self._send_all(ledger, now)
        ledger.forget(now)
        self._keep(ledger)
        return Look(assessment.conditions, sent, (*unkept, *problems))

    def _reported(self, now: datetime) -> bool:
        """Return whether messages were sent less than AGAIN ago; note that they are sent now.

        The time of a file needs no space on a disk that is full.
        """
        path, moment = self._folder / REPORTED, now.timestamp()
        try:
            if path.exists() and 0 <= moment - path.stat().st_mtime < AGAIN.total_seconds():
                return True
            path.touch()
            os.utime(path, (moment, moment))
        except OSError as error:
            log.warning("%s: cannot be written, so alerts are sent at each look: %s", path, error)
        return False

    def _keep(self, ledger: Ledger) -> bool:
        """Keep the ledger; on a disk that takes nothing this process remembers it."""
        self._memory = ledger
        try:
            write_ledger(self._folder, ledger)
        except OSError as error:
            log.error("%s: alerts cannot be kept: %s", self._folder, error)
            self._kept = False
        else:
            self._kept = True
        return self._kept

    def _send_all(self, ledger: Ledger, now: datetime) -> tuple[int, list[str]]:
        """Send each recipient what is due to them; one that fails stops no other."""
        sent, problems = 0, list[str]()
        first = sending.recipients(self._config.alerts.first, self._config)
        escalated = sending.recipients(self._config.alerts.escalated, self._config)
        for recipient in dict.fromkeys((*first, *escalated)):
            wanted = self._wanted(ledger, recipient.name, now)
            notices = [
                notice
                for notice in wanted
                if (notice.stage != "raised" or recipient in first)
                and (notice.stage != "escalated" or recipient in escalated)
                and _is_due(notice.alert.mark(notice.stage, recipient.name), now)
            ]
            if not notices:
                continue
            notices.sort(key=lambda notice: notice.stage == "resolved")
            state, problem = self._send(ledger, recipient, notices, now)
            sent += state == "sent"
            if problem:
                log.error("alerts: %s: %s", recipient.name, problem)
                problems.append(f"{recipient.name}: {problem}")
        return sent, problems

    def _wanted(self, ledger: Ledger, name: str, now: datetime) -> Iterator[OperatorNotice]:
        """Yield what is to be known by now: each alert, that it lasts, or that it is over.

        The end is for who was sent the beginning. name: of a recipient.
        """
        lasting = timedelta(minutes=self._config.alerts.escalate_minutes)
        for alert in ledger.alerts.values():
            if alert.reported is None:
                continue
            if alert.resolved is not None:
                if name in recipients_of(alert):
                    yield OperatorNotice(alert, "resolved")
                continue
            yield OperatorNotice(alert, "raised")
            lasts = alert.gone is None and now - alert.reported >= lasting
            if lasts and alert.level == "critical":
                yield OperatorNotice(alert, "escalated")

    def _send(
        self,
        ledger: Ledger,
        recipient: sending.Recipient,
        notices: list[OperatorNotice],
        now: datetime,
    ) -> tuple[State, str]:
        """Send notices as one message; keep that before and after. Return what became of it."""
        self._mark(ledger, recipient, notices, "sending", now, begun=True)
        try:
            content = message(notices, self._config, now)
            sending.send(recipient, content, self._config, self._secrets(), now)
        except DeliveryError as error:
            state: State = "unclear" if error.unclear else "failed"
            self._mark(ledger, recipient, notices, state, now)
            return state, str(error)
        self._mark(ledger, recipient, notices, "sent", now)
        return "sent", ""

    def _mark(
        self,
        ledger: Ledger,
        recipient: sending.Recipient,
        notices: list[OperatorNotice],
        state: State,
        now: datetime,
        begun: bool = False,
    ) -> None:
        for notice in notices:
            before = notice.alert.mark(notice.stage, recipient.name)
            tries = (before.tries if before else 0) + begun
            notice.alert.keep(notice.stage, recipient.name, MessageMark(state, now, tries))
        self._keep(ledger)


def _is_due(mark: MessageMark | None, now: datetime) -> bool:
    return mark is None or mark.is_due(now)


def _log(alert: OpenAlert) -> None:
    """Log that an alert is raised or over, with its key."""
    if alert.resolved is not None:
        log.info("alert over: %s", alert.key)
    else:
        level = logging.ERROR if alert.level == "critical" else logging.WARNING
        log.log(level, "alert: %s: %s", alert.key, alert.texts["en"])
