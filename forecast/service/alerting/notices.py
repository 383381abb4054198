"""The words of alerts: what is wrong since when, what to do, and where that is explained.

Chinese first, English below it; the words stand in templates/text, the layout in
templates/alerts/message.txt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from forecast.config import Config
from forecast.domain import Name, as_utc
from forecast.service.alerting.conditions import Blank, Condition, WordKey
from forecast.service.alerting.ledger import OpenAlert, Stage
from products.pages.templating import render_template
from products.wording import LANGUAGES, Words

SCHEMA = "skyscape.alert/1"
TEMPLATE = "alerts/message.txt"
HANDBOOK = "docs/alerts.md"
MOST = 12  # notices in full; the others are counted


@dataclass(frozen=True, slots=True)
class OperatorNotice:
    """An alert at a stage: raised, escalated or resolved."""

    alert: OpenAlert
    stage: Stage


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """What one recipient is sent at once. id: the same each time that these notices are sent."""

    id: str
    subject: str
    text: str
    items: tuple[Mapping[str, Any], ...]


def texts_of(condition: Condition, config: Config) -> dict[str, str]:
    """Return what is wrong in each language."""
    return {language: _filled(condition, Words(language, config.zone)) for language in LANGUAGES}


def _filled(condition: Condition, words: Words) -> str:
    blanks = {name: _blank(value, words) for name, value in condition.blanks.items()}
    return words(f"alerts.{condition.kind}.what", **blanks)


def _blank(value: Blank, words: Words) -> object:
    if isinstance(value, datetime):
        return words.stamp(value, "time.stamp_short")
    if isinstance(value, Name):
        return words.name(value)
    return words(value.key) if isinstance(value, WordKey) else value


def message(notices: Sequence[OperatorNotice], config: Config, now: datetime) -> AlertMessage:
    """Return the message of some notices, those that are raised first."""
    tables = {language: Words(language, config.zone) for language in LANGUAGES}
    shown, title = notices[:MOST], config.service.title.as_name()
    marks = [{**_marks(notice, tables, now), "kind": notice.alert.kind} for notice in shown]
    first, more = notices[0], len(notices) - len(shown)
    subjects = [
        words(f"alerts.subject_{first.stage}", title=words.name(title),
              text=first.alert.texts[language])
        for language, words in tables.items()
    ]  # fmt: skip
    text = render_template(TEMPLATE, {
        "title": [words("alerts.title", title=words.name(title)) for words in tables.values()],
        "items": marks,
        "more": [words("alerts.more", count=more) for words in tables.values()] if more else [],
        "handbook": HANDBOOK,
    })  # fmt: skip
    keys = (f"{n.alert.key} {n.stage} {as_utc(n.alert.seen).isoformat()}" for n in notices)
    digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]
    return AlertMessage(digest, subjects[0], text, tuple(_item(notice) for notice in notices))


def _marks(
    notice: OperatorNotice, tables: Mapping[str, Words], now: datetime
) -> dict[str, list[str]]:
    """Return the lines of a notice: what it is, and what to do; a line for each language."""
    alert, stage = notice.alert, notice.stage
    until = alert.gone or now
    lasted = max(0, round((until - alert.since) / timedelta(minutes=1)))
    key = "raised_now" if stage == "raised" and not lasted else stage
    what = [
        words(
            f"alerts.{key}",
            text=alert.texts[language],
            since=words.stamp(alert.since, "time.stamp_short"),
            until=words.stamp(until, "time.stamp_short"),
            minutes=max(1, lasted),
        )
        for language, words in tables.items()
    ]
    if stage == "resolved":
        return {"what": what, "do": []}
    steps = [words("alerts.do", text=words(f"alerts.{alert.kind}.do")) for words in tables.values()]
    return {"what": what, "do": steps}


def _item(notice: OperatorNotice) -> dict[str, Any]:
    """Return a notice as data, for a server."""
    alert = notice.alert
    return {
        "key": alert.key, "kind": alert.kind, "level": alert.level, "stage": notice.stage,
        "since": as_utc(alert.since).isoformat(timespec="seconds"),
        "until": as_utc(alert.gone).isoformat(timespec="seconds") if alert.gone else None,
        "text": alert.texts, "handbook": f"{HANDBOOK}#{alert.kind}",
    }  # fmt: skip
