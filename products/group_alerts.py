"""What a group is to learn of events and hazards: what is new, what changed, what no longer holds.

One event is one message: it is updated where grade, best window or danger change, and cancelled
where it no longer holds. What a group has been sent stands in the outbox (`remote` of its entry).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from forecast.domain import Site
from forecast.quantities import SNOW_CLASSES
from forecast.sent import FAILED, SENDING, SENT, WITHDRAWN, Sent
from forecast.settings.delivery import AlertSettings
from products import safety
from products.delivery import digest_of
from products.messages import event_name
from products.units import beaufort
from products.wording import Words

NEW, UPDATED, CANCELLED = "new", "updated", "cancelled"
# [1] an alert stands until the chance is this far below the group's: no on and off about a number
STANDS_BELOW = 0.10
MOVED = timedelta(hours=1)  # by which the start or end of a best window must move to be news
# Messages about one event, whatever they say, after which it is at most cancelled: never six for
# one night
MOST_MESSAGES = 3
MOST_SITES = 6  # named of a hazard
FAMILY = {"wind": "gale"}  # strong wind and gale are one hazard, weaker and stronger

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """News of one event or hazard for a group.

    kind: NEW, UPDATED or CANCELLED. urgent: it is sent at night too, and rather twice than never.
    kept: what the outbox remembers of it once it has arrived. days, sites: of a hazard.
    """

    key: str
    kind: str
    text: str
    urgent: bool
    digest: str
    kept: Mapping[str, str]
    record: Record = field(default_factory=dict)


def stands(sent: Sent | None) -> bool:
    """Return whether a group has, or may have, an alert that was not cancelled."""
    if sent is None or sent.state == WITHDRAWN:
        return False
    return "until" in sent.remote or sent.state in (SENDING, SENT)


def is_over(sent: Sent, now: datetime) -> bool:
    """Return whether what an alert spoke of has ended."""
    until = sent.remote.get("until")
    return until is not None and datetime.fromisoformat(until) <= now


def counted(sent: Sent | None) -> dict[str, str]:
    """Return what is remembered of an alert that was cancelled: how often it was sent."""
    return {"count": str(int(sent.remote.get("count", 1)) + 1)} if sent else {}


@dataclass(frozen=True)
class GroupAlerts:
    """Compares the messages of an issue with what a group has been sent.

    content: a page of messages (products/messages.py). sent: the group's part of the outbox.
    """

    alerts: AlertSettings
    content: Record
    sent: Mapping[str, Sent]
    sites: Mapping[str, Site]
    words: Words
    now: datetime

    @property
    def _zone(self) -> ZoneInfo:
        return self.words.zone

    def notices(self) -> list[AlertNotice]:
        """Return what is to be sent: hazards first, then cancellations, updates and new events."""
        hazards = list(self._hazards()) if self.alerts.hazards else []
        order = (CANCELLED, UPDATED, NEW)
        events = [*self._events(), *self._gone()]
        return hazards + sorted(events, key=lambda notice: order.index(notice.kind))

    # -- events

    def _events(self) -> Iterator[AlertNotice]:
        for record in self.content["events"]:
            over = datetime.fromisoformat(record["window_end"]) <= self.now
            if over or not self._wanted(record["site"], record["phenomenon"]):
                continue
            before = self.sent.get(record["key"])
            standing = stands(before)
            count = int(before.remote.get("count", 0)) if before else 0
            if not self._holds(record, standing):
                if standing:
                    yield self._cancelled(record["key"], record["reason"], record)
            elif count < MOST_MESSAGES and (not standing or _changed(before, record)):
                known = standing or count > 0
                yield self._announced(record, UPDATED if known else NEW, count)

    def _wanted(self, site: str, phenomenon: str) -> bool:
        chosen = self.alerts
        return (not chosen.sites or site in chosen.sites) and (
            not chosen.phenomena or phenomenon in chosen.phenomena
        )

    def _holds(self, record: Record, standing: bool) -> bool:
        """Return whether an event is worth an alert, or still is where one stands.

        Never one that is dangerous, that a forecaster removed, or that says no more than the
        season.
        """
        if not record["recommended"] or record["as_usual"]:
            return False
        least = self.alerts.chance - (STANDS_BELOW if standing else 0.0)
        near = self._days_ahead(record["day"]) <= self.alerts.days
        # 70 % is reached by what is shown as 70 %
        return record["probability"] >= least - 1e-9 and (near or standing)

    def _days_ahead(self, day: str) -> int:
        return (date.fromisoformat(day) - self.now.astimezone(self._zone).date()).days

    def _announced(self, record: Record, kind: str, count: int) -> AlertNotice:
        text = record["text"]
        kept = {
            "until": record["window_end"], "grade": str(record["grade"]),
            "start": record["best_start"] or "", "end": record["best_end"] or "",
            "hazards": ",".join(record["hazards"]), "count": str(count + 1),
        }  # fmt: skip
        shown = self.words("messages.updated", text=text) if kind == UPDATED else text
        digest = digest_of(text, *(kept[name] for name in ("grade", "start", "end", "hazards")))
        return AlertNotice(record["key"], kind, shown, False, digest, kept, record)

    def _cancelled(self, key: str, reason: str, record: Record) -> AlertNotice:
        _, site, phenomenon, day = key.split("/")
        name = event_name(phenomenon, self.sites[site], date.fromisoformat(day), self.words)
        text = self.words("messages.cancelled", name=name, reason=reason)
        text += self.words("page.stop")
        kept = counted(self.sent.get(key))
        return AlertNotice(key, CANCELLED, text, True, digest_of(CANCELLED, key), kept, record)

    def _gone(self) -> Iterator[AlertNotice]:
        """Yield the cancellation of events of which the issue says nothing more."""
        known = {record["key"] for record in self.content["events"]}
        for key, before in self.sent.items():
            if not key.startswith("event/") or key in known or not stands(before):
                continue
            _, site, phenomenon, day = key.split("/")
            past = is_over(before, self.now) or self._days_ahead(day) < 0
            if site in self.sites and not past and self._wanted(site, phenomenon):
                reason = self.words("messages.reason.gone")
                record = {"site": site, "phenomenon": phenomenon, "day": day}
                yield self._cancelled(key, reason, record)

    # -- hazards

    def _hazards(self) -> Iterator[AlertNotice]:
        """Yield the hazards of each kind and day, then those that are not expected any more."""
        found: dict[str, list[Record]] = {}
        for record in self.content["hazards"]:
            near = 0 <= self._days_ahead(record["day"]) <= self.alerts.days
            if near and self._here(record["site"]):
                family = FAMILY.get(record["hazard"], record["hazard"])
                found.setdefault(f"hazard/{family}/{record['day']}", []).append(record)
        for key, records in found.items():
            before = self.sent.get(key)
            standing = before if stands(before) else None
            if standing is None or _worse(standing, records):
                yield self._hazard(key, records, before)
        for key, before in self.sent.items():
            if key.startswith("hazard/") and key not in found and stands(before):
                yield from self._no_hazard(key, before)

    def _here(self, site: str) -> bool:
        return site in self.sites and (not self.alerts.sites or site in self.alerts.sites)

    def _hazard(self, key: str, records: list[Record], before: Sent | None) -> AlertNotice:
        *_, day = key.split("/")
        sites = [record["site"] for record in records]
        worst = max(records, key=_severity)
        kept = {
            "until": self._end_of(day), "sites": ",".join(sites), "level": str(_level(records)),
        }  # fmt: skip
        known = stands(before) or (before is not None and "count" in before.remote)
        kind = UPDATED if known else NEW
        facts = {"hazard": worst["hazard"], "day": day, "sites": sites, "value": worst["value"]}
        digest = digest_of(key, kept["sites"], kept["level"])
        return AlertNotice(key, kind, self.hazard_text([facts], kind), True, digest, kept, facts)

    def hazard_text(self, facts: list[Record], kind: str) -> str:
        """Return the sentence on one hazard at the same sites on one day or several."""
        words, hazard = self.words, facts[0]["hazard"]
        worst = max(facts, key=_severity)["value"]
        value = words.public(safety.feature_of(hazard), worst)
        entry = words(
            "hazard.entry",
            days=words.days([date.fromisoformat(each["day"]) for each in facts]),
            sites=self._named(facts[0]["sites"]),
            value=words(f"hazard.{hazard}.value", value=value),
            line=words(f"hazard.{hazard}.line"),
        ) + words("page.stop")
        text = words("messages.hazard", name=words(f"hazard.{hazard}.name"), text=entry)
        return words("messages.updated", text=text) if kind == UPDATED else text

    def _named(self, sites: list[str]) -> str:
        words = self.words
        names = [words.name(self.sites[site].name) for site in sites]
        named = words("page.names").join(names[:MOST_SITES])
        return named if len(names) <= MOST_SITES else words(
            "page.more", sites=named, count=len(names)
        )  # fmt: skip

    def _end_of(self, day: str) -> str:
        midnight = datetime.combine(date.fromisoformat(day), time(), self._zone)
        return (midnight + timedelta(days=1)).astimezone(UTC).isoformat()

    def _no_hazard(self, key: str, before: Sent) -> Iterator[AlertNotice]:
        """Yield that a hazard is not expected any more, where the issue assessed it everywhere.

        Of what is not assessed nobody says that it is over.
        """
        _, family, day = key.split("/")
        sites = [site for site in before.remote.get("sites", "").split(",") if self._here(site)]
        of_family = {family, *(name for name, of in FAMILY.items() if of == family)}
        unknown = any(
            gap["day"] == day and gap["site"] in sites and of_family & set(gap["hazards"])
            for gap in self.content["not_assessed"]
        )
        if not sites or unknown or is_over(before, self.now) or day not in self.content["days"]:
            return
        words = self.words
        name = words(
            "messages.hazard_name",
            name=words(f"hazard.{family}.name"),
            days=words.days([date.fromisoformat(day)]),
            sites=self._named(sites),
        )
        text = words("messages.cancelled", name=name, reason=words("messages.reason.safe"))
        record = {"hazard": family, "day": day, "sites": sites}
        yield AlertNotice(
            key, CANCELLED, text + words("page.stop"), True, digest_of(CANCELLED, key), {}, record
        )


def merged(alerts: GroupAlerts, notices: list[AlertNotice]) -> list[tuple[str, list[AlertNotice]]]:
    """Return the line of each notice; a hazard at the same sites on several days is one line."""

    def alike(notice: AlertNotice) -> tuple[str, ...]:
        if notice.kind == CANCELLED or "hazard" not in notice.record:
            return (notice.key,)
        return (notice.kind, notice.record["hazard"], *notice.record["sites"])

    lines = []
    for _, group in groupby(sorted(notices, key=_rank), key=alike):
        of = list(group)
        one = len(of) == 1
        text = of[0].text if one else alerts.hazard_text([n.record for n in of], of[0].kind)
        lines.append((text, of))
    return lines


def _rank(notice: AlertNotice) -> tuple[object, ...]:
    """Sort hazards by kind and sites, so that their days stand side by side, before all else."""
    if "hazard" not in notice.record:
        return (1,)
    record = notice.record
    ids = list(safety.HAZARDS)
    kinds = (UPDATED, NEW, CANCELLED)
    return (0, kinds.index(notice.kind), ids.index(record["hazard"]), record["sites"], notice.key)


def _changed(before: Sent | None, record: Record) -> bool:
    """Return whether an event is news to a group that has an alert of it."""
    if before is None or _unclear(before):
        return True
    kept = before.remote
    dangers = set(record["hazards"]) - set(kept.get("hazards", "").split(","))
    moved = any(
        _moved(kept.get(name, ""), record[f"best_{name}"] or "") for name in ("start", "end")
    )
    return kept.get("grade") != str(record["grade"]) or moved or bool(dangers)


def _unclear(before: Sent) -> bool:
    """Return whether a group may have another version than the outbox remembers."""
    return before.state == SENDING or "until" not in before.remote


def _moved(before: str, after: str) -> bool:
    if not before or not after:
        return before != after
    return abs(datetime.fromisoformat(after) - datetime.fromisoformat(before)) >= MOVED


def _worse(before: Sent, records: list[Record]) -> bool:
    """Return whether a hazard is at further sites than a group was sent, or of a higher level.

    What did not arrive last, such as a withdrawal, leaves unknown what the group believes.
    """
    if before.state == FAILED or _unclear(before):
        return True
    further = {record["site"] for record in records} - set(before.remote["sites"].split(","))
    return bool(further) or _level(records) > int(before.remote["level"])


def _severity(record: Record) -> float:
    rule = safety.HAZARDS[record["hazard"]]
    return rule.sign * float(record["value"])


def _level(records: list[Record]) -> int:
    """Return the level of a hazard by its published scale: force of wind, class of snowfall.

    0 where it has none.
    """
    worst = max(records, key=_severity)
    feature, value = safety.feature_of(worst["hazard"]), float(worst["value"])
    if feature == "gust":
        return beaufort(value)
    if feature == "snow_water":
        return sum(value >= begin for begin in SNOW_CLASSES)
    return 0
