"""Feeds: Atom (RFC 4287) and JSON Feed 1.1 for all sites, each site and each phenomenon.

Hazards come first, then the events, the nearest first. An entry keeps its id and its dates over the
issues; `updated` moves only when what it says has changed. An entry that an issue no longer has
says so until its time is over, for readers of feeds keep what they have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from markupsafe import Markup

from forecast.config import Config
from forecast.domain import Name
from forecast.review import Withdrawal
from products.bulletin import Bulletin
from products.confidence import as_usual
from products.marking import Mark, withdrawal_text
from products.pages import atom
from products.pages.addresses import address, identifier, language_of
from products.pages.json_page import json_page, number, time_text
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.sections import Alert, Entry, Outlook, Section
from products.wording import LANGUAGES, Words

VERSION = "https://jsonfeed.org/version/1.1"
LONGEST = 150  # entries of a feed: about a quarter of a megabyte; the nearest stay
OWN = "_skyscape"  # our own part of a feed and of an item, as JSON Feed allows
FORECAST, HAZARD, NOTICE, ENDED, WITHDRAWN = "forecast", "hazard", "notice", "ended", "withdrawn"

Item = dict[str, Any]


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        yield from _Feeds(PageRenderer(bulletin, language)).pages()


def site_pages(bulletin: Bulletin, section: Section) -> Iterator[Page]:
    """Yield the feeds of one site in each language."""
    for language in LANGUAGES:
        yield from _Feeds(PageRenderer(bulletin, language)).of_site(section)


def cancelled(pages: Mapping[str, bytes], withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield the feeds of a withdrawn issue: a notice, and its entries without what they said."""
    for path, body in pages.items():
        feed = _read(body) if path.endswith(".json") else None
        if feed is None:
            continue
        words = Words(language_of(path), config.zone)
        base_url, at = config.output.base_url, time_text(withdrawal.at)
        note = withdrawal_text(withdrawal, words)
        issue = str(feed[OWN]["issue"])
        notice = _notice(base_url, words, (issue, WITHDRAWN), words("review.withdrawn"), note, at)
        items = [
            item
            if item[OWN]["state"] not in (FORECAST, HAZARD)
            else _without_forecast(item, WITHDRAWN, note, words, at)
            for item in feed["items"]
            if item[OWN]["state"] != NOTICE
        ]
        content = {**feed, "description": note, "items": [notice, *items]}
        yield from _both(path.removesuffix(".json"), content | {OWN: feed[OWN] | {"updated": at}})


def mark(path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return an archived feed with a notice before its entries, which stay."""
    note, state = mark.note(words), words(f"review.{mark.state}")
    if path.endswith(".atom"):
        return atom.with_notice(page.decode(), state, note).encode()
    feed = _read(page)
    if feed is None:
        return page
    issue, at = str(feed[OWN]["issue"]), feed[OWN]["updated"]
    notice = _notice("", words, (issue, mark.state), state, note, at)
    kept = [item for item in feed["items"] if item["id"] != notice["id"]]
    return json_page(path, {**feed, "description": note, "items": [notice, *kept]}).content


class _Feeds:
    """The feeds of a bulletin in one language."""

    def __init__(self, renderer: PageRenderer) -> None:
        self.renderer, self.bulletin = renderer, renderer.bulletin
        self.words, self.base_url = renderer.words, renderer.bulletin.base_url
        self.issued = time_text(self.bulletin.issue.issued)
        self._items: dict[tuple[str, str, str], Item] = {}  # by event; made when they are shown

    def pages(self) -> Iterator[Page]:
        """Yield every feed, as Atom and as JSON."""
        title, everywhere = self.words.name(self.bulletin.title), self.bulletin.outlook
        main = [s.next for s in self.bulletin.sections if s.next] + list(self.bulletin.best)
        heads = [d.headline for s in self.bulletin.sections for d in s.days if d.headline]
        yield from self._feed("all", title, "index.html", "all", everywhere, [*main, *heads])
        for section in self.bulletin.written_sections:
            yield from self.of_site(section)
        found = {e.forecast.event.phenomenon: e for e in self.bulletin.entries}
        for phenomenon in found:
            name = self.words("page.site_title", title=title,
                              site=self.words(f"phenomenon.{phenomenon}.name"))  # fmt: skip
            entries = [
                e for e in self.bulletin.entries if e.forecast.event.phenomenon == phenomenon
            ]
            yield from self._feed(phenomenon, name, "index.html", "all", everywhere, entries)

    def of_site(self, section: Section) -> Iterator[Page]:
        """Yield the feed of a site."""
        site = section.site
        title = self.words("page.site_title", site=self.words.name(site.title),
                           title=self.words.name(self.bulletin.title))  # fmt: skip
        entries = [entry for day in section.days for entry in day.entries]
        page = f"sites/{site.id}/index.html"
        yield from self._feed(site.id, title, page, site.id, section.outlook, entries)

    def _feed(
        self,
        name: str,
        title: str,
        page: str,
        scope: str,
        outlook: Outlook,
        entries: Iterable[Entry],
    ) -> Iterator[Page]:
        """Yield one feed. scope: of its hazards, `all` or a site."""
        place = f"{self.renderer.prefix}feeds/{name}"
        known = {e.forecast.event.key: e for e in entries if e.forecast.known}
        events = sorted(known.values(), key=self._order)[:LONGEST]
        hazards = [self._hazard(scope, page, alert) for alert in outlook.alerts]
        items = [*self._notices(), *hazards, *map(self._item_of, events)][:LONGEST]
        found = self._as_before(items, _former(self.bulletin.before, f"{place}.json"))
        yield from _both(place, self._head(place, title, page, found))

    def _head(self, place: str, title: str, page: str, items: Sequence[Item]) -> dict[str, Any]:
        bulletin, words = self.bulletin, self.words
        here = self.renderer.prefix + page
        urls = {
            "home_page_url": address(self.base_url, here),
            "feed_url": address(self.base_url, f"{place}.json"),
        }
        return {
            "version": VERSION,
            "title": self.renderer.phrases.marked(title),
            **{key: url for key, url in urls.items() if url},
            "description": self._description(),
            "language": words("language.tag"),
            "authors": [{"name": self._author()}],
            OWN: {
                "id": identifier(self.base_url, "feed", place),
                "issue": bulletin.issue.id,
                "updated": self.issued,
                "expires_at": time_text(bulletin.expires_at),
                "page": here,
                "rights": self.renderer.phrases.attribution(),
            },
            "items": list(items),
        }

    # -- items

    def _order(self, entry: Entry) -> tuple[str | None, str]:
        """Return the begin of an event, and its id."""
        return time_text(entry.forecast.event.window.start), self._id(entry.forecast.event.key)

    def _id(self, key: Iterable[str]) -> str:
        return identifier(self.base_url, *key, self.words.language)

    def _item_of(self, entry: Entry) -> Item:
        key = entry.forecast.event.key
        if key not in self._items:
            self._items[key] = self._event(entry)
        return self._items[key]

    @cached_property
    def _in_force(self) -> Mapping[str, Entry]:
        """The known entries of the issue by the ids of their items."""
        known = (entry for entry in self.bulletin.entries if entry.forecast.known)
        return {self._id(entry.forecast.event.key): entry for entry in known}

    def _event(self, entry: Entry) -> Item:
        words, forecast, event = self.words, entry.forecast, entry.forecast.event
        spot = words.spot(event.site, event.phenomenon)
        when = words("entry.on_day", day=words.day_week(event.day),
                     when=words(f"phenomenon.{event.phenomenon}.when"))  # fmt: skip
        about = words("feeds.about", spot=spot, when=when)
        kind = "danger" if entry.dangerous else "usual" if as_usual(forecast) else "title"
        title = words(f"feeds.{kind}", about=about, percent=words.percent(forecast.probability))
        page = f"sites/{event.site.id}/index.html"
        path = f"feeds/{event.site.id}.json"
        html = self.renderer.page("feeds/entry.html", path, entry=entry, forecast=forecast).body
        own = {
            "state": FORECAST, "about": about, "site": event.site.id,
            "phenomenon": event.phenomenon, "day": event.day.isoformat(),
            "probability": number(forecast.probability), "recommended": entry.recommended,
            "begins": time_text(event.window.start), "until": time_text(event.window.end),
        }  # fmt: skip
        tags = [words(f"phenomenon.{event.phenomenon}.name"), words.name(event.site.name)]
        anchor = f"day-{event.day.isoformat()}"
        return self._item(event.key, title, str(html), page, own, tags, anchor)

    def _hazard(self, scope: str, page: str, alert: Alert) -> Item:
        words = self.words
        name, days = words(f"hazard.{alert.hazard}.name"), words.days(alert.days)
        about = words("feeds.hazard", name=name, days=days,
                      sites=self.renderer.phrases.where(alert, 2))  # fmt: skip
        html = self.renderer.page("feeds/hazard.html", f"feeds/{scope}.json", alert=alert).body
        own = {
            "state": HAZARD, "about": about, "hazard": alert.hazard,
            "sites": [site.id for site in alert.sites],
            "days": [day.isoformat() for day in alert.days],
            "begins": self.issued, "until": time_text(self._end_of(alert.days[-1])),
        }  # fmt: skip
        key = (scope, "hazard", alert.hazard, alert.days[0].isoformat())
        return self._item(key, about, str(html), page, own, [name], "safety")

    def _notices(self) -> Iterator[Item]:
        """Yield that the issue corrects one or replaces a withdrawn one, and the comment on it."""
        phrases, words, issue = self.renderer.phrases, self.words, self.bulletin.issue
        last = self.bulletin.withdrawn_before
        withdrawn = words("review.withdrawn_before", number=last.number) if last else ""
        for kind, title, note in (
            ("corrects", words("review.correction"), phrases.correction()),
            ("replaces", withdrawn, phrases.replaces_withdrawn()),
            ("comment", words("review.comment"), phrases.comment()[1]),
        ):
            if note:
                yield _notice(self.base_url, words, (issue.id, kind), title, note, self.issued)

    def _item(
        self,
        key: Iterable[str],
        title: str,
        html: str,
        page: str,
        own: dict[str, Any],
        tags: Sequence[str],
        anchor: str,
    ) -> Item:
        here = f"{self.renderer.prefix}{page}#{anchor}"
        url = address(self.base_url, here)
        return {
            "id": self._id(key),
            **({"url": url} if url else {}),
            "title": self.renderer.phrases.marked(title),
            "content_html": html.strip(),
            "date_published": self.issued,
            "date_modified": self.issued,
            "tags": list(tags),
            OWN: own | {"page": here},
        }

    def _as_before(self, items: Sequence[Item], former: Mapping[str, Item]) -> list[Item]:
        """Return the items with the dates that they have had, and those that are no longer there.

        What the feed does not choose any more stays as the issue has it. What the issue does not
        have any more says so until its end.
        """
        kept = [_dated(item, former.get(item["id"])) for item in items]
        here = {item["id"] for item in items}
        for id, item in former.items():
            state = item[OWN]["state"]
            over = item[OWN]["until"] <= (self.issued or "")
            if id in here or state == NOTICE or over or _goes_on(item, items):
                continue
            if id in self._in_force:
                kept.append(_dated(self._item_of(self._in_force[id]), item))
                continue
            note = self.words("feeds.ended_note")
            ended = state in (ENDED, WITHDRAWN)
            kept.append(
                item if ended else _without_forecast(item, ENDED, note, self.words, self.issued)
            )
        return kept

    # -- words

    def _author(self) -> str:
        names: Sequence[Name] = self.bulletin.bodies or (self.bulletin.title,)
        return self.words.listed([self.words.name(name) for name in names])

    def _description(self) -> str:
        """Return the marks, the hazards that are not assessed, and how a person reviewed it."""
        bulletin, words, phrases = self.bulletin, self.words, self.renderer.phrases
        parts = [words(f"mark.{mark}_note") + words("page.stop") for mark in bulletin.marks]
        parts += [
            phrases.correction(),
            phrases.replaces_withdrawn(),
            phrases.gaps(bulletin.outlook),
        ]
        if review := phrases.reviewed():
            parts.append(review + words("page.stop"))
        parts.append(words("footer.statement"))
        return words("feeds.joint").join(part.strip() for part in parts if part)

    def _end_of(self, day: date) -> datetime:
        zone = self.bulletin.zone
        return datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).astimezone(
            self.bulletin.issue.issued.tzinfo
        )


def _both(place: str, feed: Mapping[str, Any]) -> Iterator[Page]:
    """Yield a feed as JSON and as Atom. place: its path without an ending."""
    yield json_page(f"{place}.json", feed)
    yield Page(f"{place}.atom", atom.text(feed, OWN, f"{place}.atom"))


def _dated(item: Item, before: Item | None) -> Item:
    """Return an item with the dates that it has had, unless it says something else now."""
    if before is None:
        return item
    dates = {"date_published": before["date_published"]}
    return item | dates | (
        {} if _differ(item, before) else {"date_modified": before["date_modified"]}
    )  # fmt: skip


def _goes_on(former: Item, items: Sequence[Item]) -> bool:
    """Return whether a hazard of the issue before stands under another first day now."""
    own = former[OWN]
    return own["state"] == HAZARD and any(
        item[OWN].get("hazard") == own["hazard"] and set(item[OWN]["days"]) & set(own["days"])
        for item in items
    )


def _differ(item: Item, before: Item) -> bool:
    """Return whether what an item says has changed."""
    return any(item.get(key) != before.get(key) for key in ("title", "content_html", "url"))


def _notice(
    base_url: str, words: Words, key: Iterable[str], title: str, note: str, at: str | None
) -> Item:
    return {
        "id": identifier(base_url, "notice", *key, words.language),
        "title": title,
        "content_html": str(Markup("<p>{}</p>").format(note.strip())),
        "date_published": at, "date_modified": at, "tags": [],
        OWN: {"state": NOTICE, "about": title, "page": "", "begins": at, "until": at},
    }  # fmt: skip


def _without_forecast(item: Item, state: str, note: str, words: Words, at: str | None) -> Item:
    """Return an item that says only that its forecast does not hold any more, and why."""
    own = {k: v for k, v in item[OWN].items() if k not in ("probability", "recommended")}
    title = words(f"feeds.{state}", about=own["about"])
    html = str(Markup("<p><strong>{}</strong></p>\n<p>{}</p>").format(title, note.strip()))
    changed = {"title": title, "content_html": html, "date_modified": at}
    return item | changed | {OWN: own | {"state": state}}


def _former(before: Callable[[str], bytes | None] | None, path: str) -> dict[str, Item]:
    """Return the items of the feed at `path` of the release before, by id."""
    body = before(path) if before else None
    feed = _read(body) if body else None
    return {item["id"]: item for item in feed["items"]} if feed else {}


def _read(body: bytes) -> dict[str, Any] | None:
    """Return a feed of ours from JSON; None where it is none, such as one that was cut off."""
    try:
        feed: dict[str, Any] = json.loads(body)
        whole = all(
            isinstance(item["id"], str) and item["date_modified"] and item["date_published"]
            and item[OWN]["state"] and item[OWN]["until"] and "about" in item[OWN]
            for item in feed["items"]
        ) and feed[OWN]["updated"]  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None
    return feed if whole else None
