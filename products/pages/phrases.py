"""Sentences about one bulletin in one language: what a template cannot put together by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property

from forecast.domain import PARTLY_COVERED, Forecast, Name
from products import safety
from products.agreement import Agreement
from products.bulletin import NEXT_DAYS, Bulletin
from products.confidence import HIGH, as_usual
from products.faces import FACE_DAYS, faceless, faces
from products.sections import Alert, Entry, Outlook, Section, SiteDay
from products.wording import ESTIMATES, Words, clause

STOPS = ("。", "！", "？", ".", "!", "?")  # a sentence that ends so needs no stop
LEAD = "forecast_period"  # of Reason.feature
LEFT_OUT = 3  # likelier events named that are not recommended
NAMED = 3  # hazards not assessed that are named beside a face
STRONG = 0.5  # [logit] an effect that is named whatever the grade


class Phrases:
    """The sentences of a bulletin in the language of `words`."""

    def __init__(self, bulletin: Bulletin, language: str) -> None:
        self.bulletin = bulletin
        common = {"days": len(bulletin.days), "near": min(NEXT_DAYS, len(bulletin.days))}
        self.words = Words(language, bulletin.zone, common=common)
        self._reasons: dict[tuple[tuple[str, str, str], int], tuple[Forecast, list[str]]] = {}

    @cached_property
    def _sections(self) -> Mapping[str, Section]:
        return {section.site.id: section for section in self.bulletin.sections}

    def values(self, forecast: Forecast) -> Mapping[str, float]:
        """Return the known features of a forecast's event (SI); its quantities are among them."""
        event = forecast.event
        section = self._sections.get(event.site.id)
        for day in section.days if section else ():
            if day.day == event.day and (entry := day.entry_of(event.phenomenon)):
                return entry.values
        return forecast.quantities

    # -- one forecast

    def facing(self, entry: Entry) -> str:
        """Return the direction of view: to the sun or the darkest sky, else the site's sector."""
        return (
            self.words.sector(entry.forecast.event.site)
            if entry.azimuth is None
            else self.words.facing(entry.azimuth)
        )

    def reasons(self, forecast: Forecast, sign: int) -> list[str]:
        """Return the reasons up (`sign` 1) or down (-1), the strongest first."""
        key = forecast.event.key
        known = self._reasons.get((key, sign))
        if known is not None and known[0] is forecast:
            return known[1]
        values = self.values(forecast)
        sentences = [
            self.words.reason(reason, forecast.event.phenomenon, values)
            for reason in forecast.reasons
            if reason.effect * sign > 0
        ]
        found = [sentence for sentence in sentences if sentence]
        self._reasons[key, sign] = forecast, found
        return found

    def why(self, forecast: Forecast) -> str:
        """Return one sentence with the strongest reasons for a good chance, or against a poor one.

        A good chance also names a strong reason against it. Of a forecast that says no more than
        the season, that it is so. Of one that a forecaster changed, their sentence.
        """
        if change := self.changed(forecast):
            return change
        if as_usual(forecast):
            usual = self.words("usual.sentence", usual=self.words.usual(forecast))
            return usual + self.words("page.stop")
        if forecast.confidence == HIGH:  # then the lead is no news
            others = tuple(each for each in forecast.reasons if each.feature != LEAD)
            forecast = replace(forecast, reasons=others)
        up, down = self.reasons(forecast, 1), self.reasons(forecast, -1)
        chosen = (up[:2] or down[:1]) if forecast.grade >= 3 else (down[:2] or up[:1])
        against = max((-reason.effect for reason in forecast.reasons), default=0.0)
        if forecast.grade >= 3 and up and down and against >= STRONG:
            chosen = [up[0], self.words("entry.but", reason=down[0])]
        if PARTLY_COVERED in forecast.missing:
            chosen = [*chosen[:1], self.words.missing(PARTLY_COVERED)]
        sentence = self.words.clauses(chosen) if chosen else self.words("entry.none")
        return sentence[:1].upper() + sentence[1:] + self.words("page.stop")

    def changed(self, forecast: Forecast) -> str:
        """Return the forecaster's sentence in place of the reasons; "" where these still hold.

        Where they gave another probability without a sentence, that they did: the reasons are those
        of the machine.
        """
        change = forecast.change
        if change is not None and change.worded:
            text = " ".join(self.words.name(change.sentence).split())
            return text if text.endswith(STOPS) else text + self.words("page.stop")
        if change is not None and change.moved:
            return self.words("review.changed_sentence") + self.words("page.stop")
        return ""

    def changed_from(self, forecast: Forecast) -> str:
        """Return that a forecaster gave the probability, and what the machine had; "" if not."""
        change = forecast.change
        if change is None or not change.moved:
            return ""
        if math.isnan(change.machine_probability):
            return self.words("review.changed_unknown")
        percent = self.words.percent(change.machine_probability)
        return self.words("review.changed_from", percent=percent)

    def left_out(self) -> str:
        """Return which likelier events are not recommended because of danger; "" if none."""
        found = self.bulletin.withheld[:LEFT_OUT]
        if not found or not self.bulletin.best:
            return ""
        words = self.words
        named = [
            words(
                "hero.left_out_one",
                spot=words.spot(entry.forecast.event.site, entry.forecast.event.phenomenon),
                day=words.day(entry.forecast.event.day),
                percent=words.percent(entry.forecast.probability),
            )
            for entry in found
        ]
        return words("hero.left_out", spots=words("page.names").join(named))

    def shared(self, section: Section | None) -> str:
        """Return what is said where a link to a site, or to the service, is shared: number first.

        Of the face of the site, or the best of the next days; why there is none.
        """
        words = self.words
        if section is None:
            found, key = self.bulletin.best, f"section.best_{self.bulletin.best_reason}"
        else:
            found, key = faces(section), faceless(section)
        if not found:
            return words(key) + words("page.stop")
        forecast = found[0].forecast
        event = forecast.event
        when = words(f"phenomenon.{event.phenomenon}.when")
        return words(
            "picture.shared",
            percent=words.percent(forecast.probability),
            spot=words.spot(event.site, event.phenomenon),
            level=words("usual.badge" if as_usual(forecast) else f"grade.{forecast.grade}"),
            day=words("entry.on_day", day=words.day_week(event.day), when=when),
            window=words.best(forecast),
        )

    # -- the review

    def marked(self, title: str) -> str:
        """Return a title with the mark of the issue, as feeds and calendars have it."""
        marks = self.bulletin.marks
        if not marks:
            return title
        return self.words("feeds.marked", mark=self.words(f"mark.{marks[0]}"), title=title)

    def reviewed(self) -> str:
        """Return who reviewed the issue, or that nobody did; "" where reviews are off."""
        review = self.bulletin.review
        if review is None or not (review.unreviewed or review.person):
            return ""
        key = "review.unreviewed" if review.unreviewed else "review.signed"
        return self.words(key, person=review.person)

    def comment(self) -> tuple[str, str]:
        """Return the language tag and the text of the forecaster's comment; "" without one.

        A comment in the other language only is shown as it is.
        """
        comment = self.bulletin.review.comment if self.bulletin.review else Name("", "")
        own = " ".join(self.words.name(comment).split())
        if own:
            return self.words("language.tag"), own
        return self.words("language.other_tag"), " ".join((comment.zh or comment.en).split())

    def correction(self) -> str:
        """Return which issue this one corrects, and why; "" where it corrects none."""
        review = self.bulletin.review
        if review is None or review.corrects is None:
            return ""
        number, reason = review.corrects, clause(review.reason)
        return self.words("review.correction_note", number=number, reason=reason)

    def replaces_withdrawn(self) -> str:
        """Return that the issue before was withdrawn, and this one counts; "" where it was not."""
        last = self.bulletin.withdrawn_before
        return self.words("review.replaces_withdrawn", number=last.number) if last else ""

    def contributing_runs(self, agreement: Agreement) -> str:
        """Return the probability of each model, of an ensemble with the number of its members."""
        return self.words.clauses(
            [
                self.words(
                    "entry.voice_members" if each.members > 1 else "entry.voice",
                    model=self.model(each.model),
                    members=each.members,
                    percent=self.words.percent(each.probability),
                )
                for each in agreement.models
            ]
        )

    def risk(self, entry: Entry) -> str:
        """Return the hazards of the entry's days and those not assessed, or that there are none."""
        hazards = [
            f"{self.words(f'hazard.{h.id}.name')} {self.hazard_value(h.id, h.value)}"
            for h in entry.hazards
        ]
        unknown = [self.not_assessed(entry.not_assessed)] if entry.not_assessed else []
        return self.words.clauses([*hazards, *unknown]) or self.words("safety.none_that_day")

    def risk_of(self, entry: Entry) -> str:
        """Return the label of `risk`: of one day, or for a night of two."""
        first, last = self._days_of(entry)
        return self.words("entry.hazards" if first == last else "entry.hazards_of_two")

    def _days_of(self, entry: Entry) -> tuple[date, date]:
        """Return the first and the last local day that an event touches."""
        window = entry.forecast.event.window
        ends = window.start, window.end - timedelta(seconds=1)
        first, last = (self.words.local(at).date() for at in ends)
        return first, last

    def missing(self, entry: Entry, estimates: bool = False) -> list[str]:
        """Return the data that are missing, or those that were estimated."""
        return [
            self.words.missing(i, entry.values)
            for i in entry.forecast.missing
            if (i in ESTIMATES) is estimates
        ]

    # -- hazards

    def dated_hazards(self, section: Section, face: Entry | None) -> tuple[str, str]:
        """Return the hazards of two days and of the days of a face, each with its days, and what to
        do about the most important; "" twice without any.
        """
        days_of: dict[str, set[date]] = {}
        first, last = self._days_of(face) if face else (date.max, date.min)
        near = (day.day for day in section.days[:FACE_DAYS])
        shown = {*near, *(day.day for day in section.days if first <= day.day <= last)}
        found = [(day.day, each) for day in section.days for each in day.hazards]
        found = [(day, each) for day, each in found if day in shown]
        seen = {each.id for _, each in found}
        beyond = [each for each in (face.hazards if face else ()) if each.id not in seen]
        found += [(day, each) for each in beyond for day in sorted({first, last})]
        for day, each in found:
            days_of.setdefault(each.id, set()).add(day)
        order = [each.id for each in safety.worst(each for _, each in found)]
        together: dict[tuple[date, ...], list[str]] = {}
        for name in order:
            together.setdefault(tuple(sorted(days_of[name])), []).append(name)
        parts = [
            f"{self.hazards(tuple(ids))} {self.words.days(on)}" for on, ids in together.items()
        ]
        line = self.words(f"hazard.{order[0]}.line") if order else ""
        return self.words.clauses(parts), line

    def open_hazards(self, entry: Entry | None) -> str:
        """Return in few words which hazards of an event's days are not assessed; "" if none."""
        ids = entry.not_assessed if entry else ()
        few = len(ids) <= NAMED or len(ids) == len(safety.HAZARDS)
        names = self.hazards(ids) if few else self.words("safety.several")
        return self.words("safety.open", hazards=names) if ids else ""

    def where(self, alert: Alert, most: int = 6) -> str:
        """Return the sites of an alert: "all" in a word, else at most `most` by name.

        Where not every site has the hazard on every one of the days, "some" or that days differ.
        """
        sites = alert.sites
        if len(sites) == len(self.bulletin.site_ids) > 1:
            return self.words("page.all_sites" if alert.uniform else "page.some_sites")
        named = self.words("page.names").join(self.names(site.name for site in sites[:most]))
        if len(sites) > most:
            named = self.words("page.more", sites=named, count=len(sites))
        return named if alert.uniform else self.words("page.days_differ", sites=named)

    def alert_text(self, alert: Alert) -> str:
        """Return the text of an alert after its name: days, sites, value and advice."""
        return self.words(
            "hazard.entry",
            days=self.words.days(alert.days),
            sites=self.where(alert),
            value=self.hazard_value(alert.hazard, alert.value),
            line=self.words(f"hazard.{alert.hazard}.line"),
        ) + self.words("page.stop")

    def not_assessed(self, ids: tuple[str, ...]) -> str:
        """Return which hazards cannot be assessed."""
        return self.words("safety.unjudged", hazards=self.hazards(ids))

    def hazards(self, ids: tuple[str, ...]) -> str:
        """Return the names of hazards; all of them in a word."""
        if len(ids) == len(safety.HAZARDS):
            return self.words("safety.every")
        return self.words.listed(
            list(dict.fromkeys(self.words(f"hazard.{name}.name") for name in ids))
        )

    def gaps(self, outlook: Outlook) -> str:
        """Return on which days which hazards cannot be assessed; "" where all are."""
        if not outlook.gaps:
            return ""
        gaps = [
            self.words(
                "safety.gap", days=self.words.days(gap.days), hazards=self.hazards(gap.hazards)
            )
            for gap in outlook.gaps
        ]
        clauses = self.words.clauses(gaps)
        return self.words("safety.unjudged", hazards=clauses) + self.words("page.stop")

    def clear(self, outlook: Outlook) -> str:
        """Return the days without hazards, or with none but the alerts; "" without such days."""
        if not outlook.clear:
            return ""
        return self.words(
            "safety.no_other" if outlook.alerts else "section.safety_none",
            days=self.words.days(outlook.clear),
        )

    def hazard_value(self, hazard: str, value: float) -> str:
        """Return the value of a hazard in words."""
        return self.words(
            f"hazard.{hazard}.value", value=self.words.public(safety.feature_of(hazard), value)
        )

    # -- data

    def missing_count(self, id: str, count: int) -> str:
        """Return in how many forecasts something is missing, or was estimated."""
        label = self.words.missing(id)
        return self.words(
            "missing.count",
            label=self.words("missing.estimate", label=label) if id in ESTIMATES else label,
            count=count,
        )

    def missing_of_day(self, day: SiteDay) -> str:
        """Return what is missing on a day without a known forecast."""
        ids = dict.fromkeys(i for entry in day.entries for i in entry.forecast.missing)
        return (
            self.words.clauses([self.words.missing(i) for i in ids][:3]) + self.words("page.stop")
            if ids
            else ""
        )

    def model(self, id: str) -> str:
        """Return the name of an NWP model; its id where the settings no longer have it."""
        names = self.bulletin.model_names
        return self.words.name(names[id]) if id in names else id

    def unavailable_models(self) -> str:
        """Return the names of the models without a usable run."""
        return self.words(
            "missing.unheard",
            models=self.words.listed([self.model(id) for id in self.bulletin.unavailable_models]),
        )

    def questioned(self) -> list[str]:
        """Return what checks of the data call into question: fields of model runs, stations, and
        what an archive that cannot be used lacks.
        """
        words, bulletin = self.words, self.bulletin
        named = [words.field(name) for name in bulletin.questioned_fields if name != "other"]
        found = []
        if bulletin.questioned_fields:
            key = "missing.questioned" if named else "missing.questioned_other"
            found.append(words(key, fields=words.listed(named)))
        if bulletin.doubtful_stations:
            stations = words.stations(bulletin.doubtful_stations, bulletin.station_names)
            found.append(words("missing.doubtful", stations=stations))
        if bulletin.archive_unavailable:
            found.append(words("missing.archive"))
        return found

    def attribution(self) -> str:
        """Return the owners of the data."""
        words = self.words
        owners = [
            name.removesuffix(words("page.stop")) for name in self.names(self.bulletin.attributions)
        ]
        return (
            words("footer.attribution")
            + words("page.colon")
            + words("page.semicolon").join(owners)
            + words("page.stop")
        )

    def names(self, named: Iterable[Name]) -> list[str]:
        return [self.words.name(name) for name in named]
