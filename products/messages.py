"""What groups and servers get sent of an issue, as data: the issue, its events and its hazards.

A page of it a language is part of the release, so that what is sent is what readers see, whenever
it is sent. products/group_messages.py decides which group gets what of it, and when.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from forecast.config import Config
from forecast.domain import Issue
from forecast.review import Withdrawal
from products import withdrawn as withdrawal_pages
from products.bulletin import Bulletin
from products.confidence import as_usual
from products.marking import withdrawal_details
from products.pages.addresses import address, prefix_of
from products.pages.json_page import json_page, number, time_text
from products.pages.phrases import Phrases
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.safety import CLOSING
from products.sections import Entry
from products.short_message import message
from products.wording import LANGUAGES, Words

SCHEMA = "skyscape.messages/1"
HOME = "index.html"  # the page to which a message leads
# What markdown of WeCom would read as markup; it knows no escapes, so its full-width look stands.
FULL_WIDTH = str.maketrans({
    "<": "\N{FULLWIDTH LESS-THAN SIGN}", ">": "\N{FULLWIDTH GREATER-THAN SIGN}",
    "[": "\N{FULLWIDTH LEFT SQUARE BRACKET}", "]": "\N{FULLWIDTH RIGHT SQUARE BRACKET}",
    "*": "\N{FULLWIDTH ASTERISK}", "`": "\N{FULLWIDTH GRAVE ACCENT}",
    "#": "\N{FULLWIDTH NUMBER SIGN}",
})  # fmt: skip
# Addresses, which chats make links by themselves: what a person wrote must not lead anywhere.
WRITTEN_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)[!-~]*", re.ASCII | re.IGNORECASE)
UNLINKED = str.maketrans({
    ":": "\N{FULLWIDTH COLON}", "/": "\N{FULLWIDTH SOLIDUS}", ".": "\N{FULLWIDTH FULL STOP}",
})  # fmt: skip
JOINERS = "\N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-16}"


def page_of(channel: str, language: str) -> str:
    """Return the path of a channel's page of messages in a language."""
    return f"{prefix_of(language)}{channel}/messages.json"


def pages(bulletin: Bulletin, channel: str) -> Iterator[Page]:
    """Yield a page of messages for each language."""
    for language in LANGUAGES:
        yield json_page(page_of(channel, language), document(PageRenderer(bulletin, language)))


def withdrawn(channel: str, issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield the pages of a withdrawn issue: one message, and no event."""
    for language in LANGUAGES:
        text = withdrawal_pages.message(issue, withdrawal, config, language)
        content = {
            "schema": SCHEMA, "language": language, "status": "withdrawn", "issue": issue.id,
            "number": issue.number, "issued_at": time_text(issue.issued),
            "expires_at": time_text(issue.valid_until),
            "url": home(config.output.base_url, language), "head": "",
            "text": text, "markdown": plain(text), "withdrawn": withdrawal_details(withdrawal),
            "days": [], "events": [], "hazards": [], "not_assessed": [],
        }  # fmt: skip
        yield json_page(page_of(channel, language), content)


def document(renderer: PageRenderer) -> dict[str, Any]:
    """Return the messages of a bulletin in the renderer's language as plain data."""
    bulletin, phrases, words = renderer.bulletin, renderer.phrases, renderer.words
    days = [(section.site, day) for section in bulletin.sections for day in section.days]
    return {
        "schema": SCHEMA, "language": renderer.language, "status": bulletin.status,
        "issue": bulletin.issue.id, "number": bulletin.issue.number,
        "issued_at": time_text(bulletin.issue.issued),
        "expires_at": time_text(bulletin.issue.valid_until),
        "url": home(bulletin.base_url, renderer.language),
        "head": _head(bulletin, words), "text": message(renderer),
        "markdown": _markdown(renderer),
        "days": [day.isoformat() for day in bulletin.days],
        "events": [_event(entry, phrases) for entry in bulletin.entries if entry.forecast.known],
        "hazards": [
            {"hazard": hazard.id, "site": site.id, "day": day.day.isoformat(),
             "name": words.name(site.name), "value": number(hazard.value)}
            for site, day in days for hazard in day.hazards
        ],
        "not_assessed": [
            {"site": site.id, "day": day.day.isoformat(), "hazards": list(day.not_assessed)}
            for site, day in days if day.not_assessed
        ],
    }  # fmt: skip


def home(base_url: str, language: str) -> str:
    """Return the address of the full text; "" where the settings have none."""
    return address(base_url, prefix_of(language) + HOME)


def title(bulletin: Bulletin, words: Words) -> str:
    """Return the title of an issue, with its mark and whether it corrects another."""
    text = words("messages.issue_title", title=words.name(bulletin.title),
                 number=bulletin.issue.number)  # fmt: skip
    if bulletin.review is not None and bulletin.review.corrects is not None:
        text = words("review.correction_title", title=text)
    return words(f"messages.{bulletin.marks[0]}_title", title=text) if bulletin.marks else text


def _head(bulletin: Bulletin, words: Words) -> str:
    """Return what stands before alerts: from whom, of which issue, and its marks."""
    marks = "".join(words(f"sms.{mark}") for mark in bulletin.marks)
    bodies = words.listed([words.name(body) for body in bulletin.bodies])
    person = bulletin.forecaster
    issue = words(
        "sms.issue",
        signed=words("sms.signed", bodies=bodies) if bodies else "",
        stamp=words.stamp(bulletin.issue.issued, "time.stamp_short"),
        number=bulletin.issue.number,
        signature=words("sms.signature", forecaster=person) if person else "",
    )
    unreviewed = bulletin.review is not None and bulletin.review.unreviewed
    review = words("review.unreviewed_sms") if unreviewed else ""
    head = words("sms.head", title=words.name(bulletin.title), mark=marks)
    return (head + issue + review).strip()


def _markdown(renderer: PageRenderer) -> str:
    page = renderer.page(
        "wecom/issue.txt", "wecom/issue.txt", plain=plain,
        title=title(renderer.bulletin, renderer.words),
    )  # fmt: skip
    return str(page.body).strip()


def _event(entry: Entry, phrases: Phrases) -> dict[str, Any]:
    """Return an event: what a group's subscription asks, and its sentences."""
    forecast, event, words = entry.forecast, entry.forecast.event, phrases.words
    best = forecast.best
    return {
        "key": f"event/{event.site.id}/{event.phenomenon}/{event.day.isoformat()}",
        "site": event.site.id, "phenomenon": event.phenomenon, "day": event.day.isoformat(),
        "probability": number(forecast.probability), "grade": forecast.grade,
        "best_start": time_text(best.start) if best else None,
        "best_end": time_text(best.end) if best else None,
        "window_end": time_text(event.window.end),
        "recommended": entry.recommended, "as_usual": as_usual(forecast),
        "hazards": [hazard.id for hazard in entry.hazards],
        "text": _sentence(entry, phrases), "reason": _reason(entry, words),
    }  # fmt: skip


def event_name(phenomenon: str, site: Any, day: Any, words: Words) -> str:
    """Return what an event is called in a message: its day, site and phenomenon."""
    return words("messages.name", day=words.day_week(day), spot=words.spot(site, phenomenon))


def _sentence(entry: Entry, phrases: Phrases) -> str:
    forecast, event, words = entry.forecast, entry.forecast.event, phrases.words
    more = []
    if forecast.confidence:
        more.append(words("confidence.spoken", level=words(f"confidence.{forecast.confidence}")))
    if "in_cloud" in forecast.states:
        percent = words.percent(forecast.states["in_cloud"])
        more.append(words("state.white_wall", percent=percent))
    return words(
        "messages.event",
        name=event_name(event.phenomenon, event.site, event.day, words),
        percent=words.percent(forecast.probability),
        stars=words("usual.badge" if as_usual(forecast) else f"stars.{forecast.grade}"),
        more="".join(words("messages.and", text=text) for text in more),
        window=words.best(forecast),
        risk_of=phrases.risk_of(entry),
        risk=phrases.risk(entry),
    )


def _reason(entry: Entry, words: Words) -> str:
    """Return why nobody would be alerted to this event, were it announced before."""
    if entry.dangerous:
        names = [words(f"hazard.{h.id}.name") for h in entry.hazards if h.id in CLOSING]
        return words("messages.reason.danger", hazards=words.listed(list(dict.fromkeys(names))))
    if entry.removed:
        return words("messages.reason.removed")
    if as_usual(entry.forecast):
        return words("messages.reason.usual")
    return words("messages.reason.chance", percent=words.percent(entry.forecast.probability))


def plain(text: object) -> str:
    """Return a text without what WeCom would read as markup or as an address."""
    unlinked = WRITTEN_ADDRESS.sub(lambda found: found[0].translate(UNLINKED), str(text))
    return unlinked.translate(FULL_WIDTH)


def cut(text: str, limit: int, tail: str) -> str:
    """Return a text and its tail within `limit` [byte of UTF-8]; what is too long ends at a line
    where that keeps half of it, else at a character as readers see it.
    """
    left = limit - len(tail.encode())
    if len(text.encode()) <= left:
        return text + tail
    kept = text.encode()[:left].decode(errors="ignore")
    if len(kept) < len(text) and _joined(text[len(kept)]):
        while kept and _joined(kept[-1]):
            kept = kept[:-1]
        kept = kept[:-1]
    line = kept.rfind("\n")
    return (kept[:line] if line * 2 > len(kept) else kept).rstrip() + tail


def _joined(character: str) -> bool:
    """Return whether a character belongs to the one before it."""
    return bool(unicodedata.combining(character)) or character in JOINERS
