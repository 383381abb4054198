"""Calendars to subscribe to (RFC 5545, 7986): the times from a chance on, of all sites and of each.

calendar/<all or site>.ics      from 50 %; <…>-30.ics and <…>-70.ics from 30 and 70 %
calendar/<…>-alarm.ics          the same with an alarm: the evening before a dawn, else three hours

An event keeps its UID. SEQUENCE rises when what it says changes. One that an issue no longer has,
and each of a withdrawn issue, is CANCELLED until it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlsplit

from forecast.config import Config
from forecast.domain import Window
from forecast.review import Withdrawal
from products.bulletin import Bulletin
from products.confidence import HIGH, as_usual
from products.marking import WITHDRAWN, Mark, withdrawal_text
from products.pages import ics
from products.pages.addresses import address, language_of
from products.pages.ics import Line, day_line, text_line, time_line
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.sections import OPERATORS_ONLY, Entry, Outlook, Section
from products.wording import LANGUAGES, Words

CHANCES = (30, 50, 70)  # [%] from which on a calendar has a time
DEFAULT = 50  # [%] of the calendar without a number in its name
LONGEST = 500  # events of a calendar: about 700 kB; the nearest stay
REFRESH = "PT1H"  # how often a program that subscribes should ask
ALARM = timedelta(hours=3)  # before a time
HALF_MINUTE = timedelta(seconds=30)
DAWN_ALARM = time(20)  # local, the evening before a time that begins in the morning
SEQUENCE_FROM = datetime(2020, 1, 1, tzinfo=UTC)  # SEQUENCE counts seconds: 31 bits last to 2088
OF_ISSUE = ("DTSTAMP", "LAST-MODIFIED", "SEQUENCE")  # properties that say nothing to a reader
SPOT = "X-SKYSCAPE-SPOT"  # site and phenomenon, without the chance

Event = tuple[Line, ...]


def file_name(scope: str, percent: int, alarm: bool = False) -> str:
    """Return the path of a calendar below its language. scope: `all` or a site."""
    chance = "" if percent == DEFAULT else f"-{percent}"
    return f"calendar/{scope}{chance}{'-alarm' if alarm else ''}.ics"


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        yield from _Calendars(PageRenderer(bulletin, language)).pages()


def site_pages(bulletin: Bulletin, section: Section) -> Iterator[Page]:
    """Yield the calendars of one site in each language."""
    for language in LANGUAGES:
        yield from _Calendars(PageRenderer(bulletin, language)).of_site(section)


def cancelled(pages: Mapping[str, bytes], withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield the calendars of a withdrawn issue: each of its events to come is CANCELLED."""
    for path, body in pages.items():
        text = body.decode()
        words = Words(language_of(path), config.zone)
        note = withdrawal_text(withdrawal, words)
        found = [
            _cancelled(event, withdrawal.at, note, words)
            for event in ics.events(text)
            if _to_come(event, withdrawal.at)
        ]
        yield Page(path, ics.calendar(_described(ics.head(text), note), found))


def mark(path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return an archived calendar that says what became of its issue."""
    text = page.decode()
    dropped = Line("STATUS", "CANCELLED") if mark.state == WITHDRAWN else None
    events = [
        tuple(dropped if dropped and line.name == "STATUS" else line for line in event)
        for event in ics.events(text)
    ]
    return ics.calendar(_described(ics.head(text), mark.note(words)), events).encode()


class _Calendars:
    """The calendars of a bulletin in one language."""

    def __init__(self, renderer: PageRenderer) -> None:
        self.renderer, self.bulletin = renderer, renderer.bulletin
        self.words, self.phrases = renderer.words, renderer.phrases
        self.issued = self.bulletin.issue.issued
        self._made: dict[tuple[str, str, str], Event] = {}  # by event

    def pages(self) -> Iterator[Page]:
        for section in self.bulletin.written_sections:
            yield from self.of_site(section)
        everything = _chosen(self.bulletin.entries)
        everything.sort(key=lambda entry: _window(entry).start)
        name, outlook = self.words("calendar.all"), self.bulletin.outlook
        yield from self._scope("all", name, "index.html", outlook, everything)

    def of_site(self, section: Section) -> Iterator[Page]:
        """Yield the calendars of a site."""
        site, page = section.site, f"sites/{section.site.id}/index.html"
        own = _chosen(entry for day in section.days for entry in day.entries)
        name = self.words.name(site.title)
        yield from self._scope(site.id, name, page, section.outlook, own)

    def _scope(
        self, scope: str, name: str, page: str, outlook: Outlook, own: Sequence[Entry]
    ) -> Iterator[Page]:
        """Yield the calendars of all sites or of one: of each chance, without and with alarms."""
        for percent in CHANCES:
            chosen = [entry for entry in own if entry.forecast.probability >= percent / 100]
            events = [(entry, self._event_of(entry)) for entry in chosen[:LONGEST]]
            for alarm in (False, True):
                path = self.renderer.prefix + file_name(scope, percent, alarm)
                found = [(*e, *(self._alarm(entry, e) if alarm else ())) for entry, e in events]
                kept = self._as_before(found, _former(self.bulletin.before, path))
                yield Page(path, ics.calendar(self._head(path, name, percent, page, outlook), kept))

    def _head(
        self, path: str, name: str, percent: int, page: str, outlook: Outlook
    ) -> Iterator[Line]:
        words, base_url = self.words, self.bulletin.base_url
        share = words.share(percent / 100)
        title = self.phrases.marked(words("calendar.name", site=name, percent=share))
        yield Line("VERSION", "2.0")
        yield Line("PRODID", f"-//skyscape//calendar//{words('language.tag').upper()[:2]}")
        yield Line("CALSCALE", "GREGORIAN")
        yield text_line("NAME", title)
        yield text_line("X-WR-CALNAME", title)
        about = self._about(outlook, share)
        yield text_line("DESCRIPTION", about)
        yield text_line("X-WR-CALDESC", about)
        yield time_line("LAST-MODIFIED", self.issued)
        if base_url:
            yield Line("SOURCE;VALUE=URI", address(base_url, path))
            yield Line("URL", address(base_url, self.renderer.prefix + page))
        yield Line("REFRESH-INTERVAL;VALUE=DURATION", REFRESH)
        yield Line("X-PUBLISHED-TTL", REFRESH)

    def _about(self, outlook: Outlook, share: str) -> str:
        """Return the hazards, the marks, what the calendar has, and how it was reviewed."""
        words = self.words
        parts = [
            words("calendar.line", label=words(f"hazard.{alert.hazard}.name"),
                  text=self.phrases.alert_text(alert))
            for alert in outlook.alerts
        ]  # fmt: skip
        parts += [
            self.phrases.gaps(outlook),
            *self._marks(),
            words("calendar.about", percent=share),
        ]
        parts += [self.phrases.correction(), self.phrases.replaces_withdrawn()]
        parts.append(self.phrases.reviewed())
        return "\n".join(part.strip() for part in parts if part)

    # -- events

    def _event_of(self, entry: Entry) -> Event:
        key = entry.forecast.event.key
        if key not in self._made:
            self._made[key] = self._event(entry)
        return self._made[key]

    def _event(self, entry: Entry) -> Event:
        words, bulletin = self.words, self.bulletin
        forecast, event = entry.forecast, entry.forecast.event
        spot = words.spot(event.site, event.phenomenon)
        page = f"{self.renderer.prefix}sites/{event.site.id}/index.html#day-{event.day.isoformat()}"
        host = urlsplit(bulletin.base_url).hostname or "skyscape"
        summary = words("calendar.event", spot=spot, percent=words.percent(forecast.probability))
        sequence = round((self.issued - SEQUENCE_FROM).total_seconds())
        url = [Line("URL", address(bulletin.base_url, page))] if bulletin.base_url else []
        return (
            Line("UID", f"{'-'.join(event.key)}@{host}"),
            time_line("DTSTAMP", self.issued),
            time_line("LAST-MODIFIED", self.issued),
            Line("SEQUENCE", str(sequence)),
            *self._times(entry),
            text_line("SUMMARY", self.phrases.marked(summary)),
            text_line("DESCRIPTION", self._description(entry)),
            text_line("LOCATION", words.name(event.site.name)),
            Line("GEO", f"{event.site.latitude:.6f};{event.site.longitude:.6f}"),
            text_line("CATEGORIES", words(f"phenomenon.{event.phenomenon}.name")),
            text_line(SPOT, spot),
            Line("STATUS", "CONFIRMED" if forecast.confidence == HIGH else "TENTATIVE"),
            Line("TRANSP", "TRANSPARENT"),
            *url,
        )

    def _times(self, entry: Entry) -> tuple[Line, Line]:
        """Return the best window, or the whole one; a whole local day as a date."""
        window = _window(entry)
        if self.words.all_day(window):
            first, last = (self.words.local(at).date() for at in (window.start, window.end))
            return day_line("DTSTART", first), day_line("DTEND", last)
        # to the minute, as pages show them
        start, end = ((at + HALF_MINUTE).replace(second=0) for at in (window.start, window.end))
        return time_line("DTSTART", start), time_line("DTEND", end)

    def _description(self, entry: Entry) -> str:
        """Return marks and hazards, then the chance, when, where to look, why and what to wear."""
        words, phrases, forecast = self.words, self.phrases, entry.forecast
        chance = [words.percent(forecast.probability), words(f"grade.{forecast.grade}")]
        if forecast.confidence:
            level = words(f"confidence.{forecast.confidence}")
            chance.append(words("confidence.spoken", level=level))
        rows = [
            (phrases.risk_of(entry), phrases.risk(entry)),
            (words("probability.label"), words.listed(chance)),
            (words("entry.window"), words.best(forecast)),
            (words("entry.facing"), phrases.facing(entry) if entry.has_view else ""),
            (words("section.why"), phrases.why(forecast)),
            (words("entry.clothing"), words(f"clothing.{entry.clothing}")),
        ]
        lines = [words("calendar.line", label=label, text=text) for label, text in rows if text]
        review = self.bulletin.review
        unreviewed = [words("review.unreviewed")] if review and review.unreviewed else []
        return "\n".join([*self._marks(), *lines, *unreviewed, words("footer.statement")])

    def _alarm(self, entry: Entry, event: Event) -> Event:
        """Return an alarm: three hours before, for a morning the evening before."""
        start = _window(entry).start
        local = self.words.local(start)
        before = ALARM
        if local.hour < 12:
            evening = datetime.combine(local.date() - timedelta(days=1), DAWN_ALARM, local.tzinfo)
            before = start - evening.astimezone(UTC)
        summary = ics.value(event, "SUMMARY")
        return (
            Line("BEGIN", "VALARM"),
            Line("ACTION", "DISPLAY"),
            Line("DESCRIPTION", summary),
            Line("TRIGGER", f"-PT{round(before.total_seconds() / 60)}M"),
            Line("END", "VALARM"),
        )

    def _as_before(self, events: Iterable[Event], former: Mapping[str, Event]) -> list[Event]:
        """Return the events, unchanged ones as they were, and those to come that are cancelled."""
        kept, here = [], set()
        for event in events:
            uid = ics.value(event, "UID")
            before = former.get(uid)
            here.add(uid)
            kept.append(before if before and _content(before) == _content(event) else event)
        note = self.words("calendar.cancelled_note")
        for uid, event in former.items():
            if uid not in here and _to_come(event, self.issued):
                gone = ics.value(event, "STATUS") == "CANCELLED"
                kept.append(event if gone else _cancelled(event, self.issued, note, self.words))
        return kept

    # -- words

    def _marks(self) -> list[str]:
        words = self.words
        return [
            words("calendar.line", label=words(f"mark.{mark}"), text=words(f"mark.{mark}_note"))
            for mark in self.bulletin.marks
        ]


def _chosen(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that some calendar may have."""
    least = min(CHANCES) / 100
    return [e for e in entries if worth_a_date(e) and e.forecast.probability >= least]


def worth_a_date(entry: Entry) -> bool:
    """Return whether an entry may stand in a calendar: recommended, for visitors, not as usual."""
    forecast = entry.forecast
    return (
        entry.recommended
        and not as_usual(forecast)
        and forecast.event.phenomenon not in OPERATORS_ONLY
    )


def _window(entry: Entry) -> Window:
    return entry.forecast.best or entry.forecast.event.window


def _content(event: Event) -> Event:
    """Return what an event says to a reader."""
    return tuple(line for line in event if line.name not in OF_ISSUE)


def _to_come(event: Event, now: datetime) -> bool:
    """Return whether an event is not over. A day without a time is over when it ends."""
    return ics.value(event, "DTEND") > f"{now:%Y%m%dT%H%M%SZ}"


def _cancelled(event: Event, at: datetime, note: str, words: Words) -> Event:
    """Return an event as CANCELLED, without its chance and its alarm."""
    kept = ("UID", "DTSTART", "DTEND", "LOCATION", "GEO", "CATEGORIES", SPOT, "URL")
    before = int(ics.value(event, "SEQUENCE") or 0)
    sequence = max(before + 1, round((at - SEQUENCE_FROM).total_seconds()))
    return (
        *(line for line in event if line.name.split(";")[0] in kept),
        time_line("DTSTAMP", at),
        time_line("LAST-MODIFIED", at),
        Line("SEQUENCE", str(sequence)),
        Line("SUMMARY", words("calendar.cancelled", spot=ics.value(event, SPOT))),
        text_line("DESCRIPTION", note),
        Line("STATUS", "CANCELLED"),
        Line("TRANSP", "TRANSPARENT"),
    )


def _described(head: Iterable[Line], note: str) -> list[Line]:
    """Return the head of a calendar with another description."""
    described = ("DESCRIPTION", "X-WR-CALDESC")
    return [text_line(line.name, note) if line.name in described else line for line in head]


def _former(before: Callable[[str], bytes | None] | None, path: str) -> dict[str, Event]:
    """Return the events of the calendar at `path` of the release before, by UID."""
    try:
        text = ((before(path) if before else None) or b"").decode()
    except UnicodeDecodeError:
        return {}
    return {ics.value(event, "UID"): event for event in ics.events(text)}
