"""What pictures of a bulletin say in one language: the sentences of the pages, and addresses."""

from __future__ import annotations

from dataclasses import dataclass

from forecast.domain import Forecast
from products.bulletin import Bulletin
from products.confidence import as_usual
from products.pages.addresses import prefix_of
from products.pages.phrases import Phrases
from products.sections import Entry, Section
from products.wording import LANGUAGES, Words


@dataclass(frozen=True, slots=True)
class Notes:
    """Short notes about an issue. strong: those in a coloured field, plain: the others."""

    strong: tuple[str, ...]
    plain: tuple[str, ...] = ()


class Captions:
    """The words of the pictures of a bulletin."""

    def __init__(self, bulletin: Bulletin, language: str) -> None:
        self.bulletin = bulletin
        self.phrases = Phrases(bulletin, language)
        self.words = self.phrases.words
        other = next(each for each in LANGUAGES if each != language)
        self.beside = Words(other, bulletin.zone)
        self.prefix = prefix_of(language)

    @property
    def tag(self) -> str:
        return self.words("language.tag")

    def address(self, path: str) -> str:
        """Return the address of a page of this language; "" where none is set."""
        return self.bulletin.address(self.prefix + path)

    def notes(self) -> Notes:
        """Return the marks of the issue, and whether a person reviewed it."""
        words, review = self.words, self.bulletin.review
        strong = [words(f"mark.{mark}") for mark in self.bulletin.marks]
        plain = []
        if review is not None:
            if review.corrects is not None:
                strong.append(words("review.correction_screen", number=review.corrects))
            if review.unreviewed:
                strong.append(words("review.unreviewed"))
            elif review.person:
                plain.append(words("review.signed", person=review.person))
        if last := self.bulletin.withdrawn_before:
            strong.append(words("review.replaces_withdrawn", number=last.number).strip())
        return Notes(tuple(strong), tuple(plain))

    def times(self) -> str:
        """Return when the issue was made and until when it is valid."""
        return self.words(
            "display.times",
            issued=self.words.stamp(self.bulletin.issue.issued, "time.stamp_short"),
            expires=self.words.stamp(self.bulletin.expires_at, "time.stamp_short"),
        )

    def numbered(self) -> str:
        """Return the title of the service and the number of the issue."""
        number = self.words("page.number", number=self.bulletin.issue.number)
        return f"{self.words.name(self.bulletin.title)}{self.words('page.dot')}{number}"

    def phenomenon(self, forecast: Forecast) -> str:
        return self.words(f"phenomenon.{forecast.event.phenomenon}.name")

    def day(self, forecast: Forecast) -> str:
        """Return the day, and the part of it, of an event."""
        event = forecast.event
        when = self.words(f"phenomenon.{event.phenomenon}.when")
        return self.words("entry.on_day", day=self.words.day_week(event.day), when=when)

    def window(self, forecast: Forecast) -> str:
        """Return the best window; "" where it is no more than the part of the day."""
        found = self.words.best(forecast)
        return "" if found == self.words(f"phenomenon.{forecast.event.phenomenon}.when") else found

    def spot(self, forecast: Forecast) -> str:
        return self.words.spot(forecast.event.site, forecast.event.phenomenon)

    def level(self, forecast: Forecast) -> str:
        """Return the words of the grade, or that only the season is known."""
        key = "usual.badge" if as_usual(forecast) else f"grade.{forecast.grade}"
        return self.words(key)

    def sure(self, forecast: Forecast) -> str:
        """Return how sure a forecast is; "" without a probability."""
        if not forecast.confidence:
            return ""
        level = self.words(f"confidence.{forecast.confidence}")
        return self.words("confidence.spoken", level=level)

    def white_wall(self, forecast: Forecast) -> str:
        """Return the chance to stand in the cloud; "" where the phenomenon has none."""
        if "in_cloud" not in forecast.states:
            return ""
        percent = self.words.percent(forecast.states["in_cloud"])
        return self.words("state.white_wall", percent=percent)

    def alerts(self) -> str:
        """Return the names of all hazards of the days of the bulletin; "" without any."""
        alerts = self.bulletin.outlook.alerts
        names = [self.words(f"hazard.{alert.hazard}.name") for alert in alerts]
        return self.words.listed(list(dict.fromkeys(names)))

    def not_assessed(self, section: Section, face: Entry | None) -> str:
        """Return which hazards of two days and of the days of the face are not assessed, or ""."""
        ids = (*section.soon_not_assessed, *(face.not_assessed if face else ()))
        return self.phrases.not_assessed(tuple(dict.fromkeys(ids))) if ids else ""

    def risk(self, entry: Entry) -> str:
        """Return in few words the hazards of an event's days and those not assessed, or ""."""
        names = [self.words(f"hazard.{each.id}.name") for each in entry.hazards]
        listed = self.words.listed(list(dict.fromkeys(names)))
        return self.words.clauses([t for t in (listed, self.phrases.open_hazards(entry)) if t])

    def better(self, entry: Entry | None, face: Entry | None) -> str:
        """Return the better day of a poor headline, as the screen says it; "" where none is due."""
        words = self.words
        if entry is None:
            return ""
        better, dangerous = entry.better, entry.dangerous_better
        if better is not None:
            if face is not None and better.event.key == face.forecast.event.key:
                return ""
            return words(
                "display.better",
                phenomenon=self.phenomenon(better),
                day=words.day_week(better.event.day),
                percent=words.percent(better.probability),
            ) + (words("confidence.low") if better.confidence == 1 else "")
        if dangerous is not None:
            day, percent = words.day_week(dangerous.event.day), words.percent(dangerous.probability)
            return words("display.dangerous_better", day=day, percent=percent)
        if entry.poor and entry.compared > 1:
            return words("display.no_better", known=entry.compared)
        return ""
