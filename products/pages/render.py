"""A Bulletin becomes pages: the one jinja2 environment, and which page stands where in a release.

    index.html  sites/<id>/  archive/  en/…      the web site, Chinese and English
    display/<id>.html  en/display/<id>.html      a screen for each site
    wechat/article.html  sms.txt  en/…           to be sent
    api/v1/                                      data, its schema, and what a screen asks for
    static/                                      one style sheet, one script

Every link is relative, so that a release reads the same from a server, a folder or the archive.
Templates escape what they print, know no default for a missing name, and see no name that begins
with an underscore: a site's name is a setting, not markup.
"""

from __future__ import annotations

import json
import posixpath
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.runtime import Context
from markupsafe import Markup

from forecast.config import Config
from forecast.domain import Forecast, Issue, Name
from forecast.errors import ConfigError, PublishError
from products import charts, safety
from products.agreement import Agreement, agreement
from products.bulletin import NEXT_DAYS, Alert, Bulletin, Entry, Outlook, Section, SiteDay
from products.pages import api, models, tiles, verification
from products.pages.live import FILE
from products.wording import ESTIMATES, LANGUAGES, Words

TEMPLATES = Path(__file__).parents[2] / "templates"
WECHAT_CHARACTERS = 20_000  # the platform refuses an article of this length
WECHAT_TITLE = 32  # [character]
WECHAT_DIGEST = 120  # [character]
WECHAT_SITES = 12  # at most, and as many as fit; the web site has them all
CHART_DAYS = NEXT_DAYS  # beyond these the details of a model run are not worth drawing
STRONG = 0.5  # [logit] an effect worth a word whatever the grade
# a poor chance must be seen to be believed too
ALWAYS_CHARTED = frozenset({"starry_sky", "sea_of_clouds", "sunset_glow", "sunrise_glow"})
ALWAYS_DAYS = 2  # days over which they are
CHARTED_FROM = 2  # [grade] from which anything else is drawn


@dataclass(frozen=True, slots=True)
class Page:
    """One file of a release: where, and what."""

    path: str
    body: str | bytes


class Place(Context):
    """Where a template stands: calls are plain ones.

    Why: jinja2 asks at every call whether the context itself is wanted (nothing of ours wants it),
    for a quarter of a page's time.
    """

    def call(self, called: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
        # what jinja2 adds within blocks and loops for those that want the context
        named.pop("_block_vars", None)
        named.pop("_loop_vars", None)
        return called(*args, **named)


class Surface(jinja2.Environment):
    """Shows templates the surface of a value only: no name that begins with an underscore.

    Why not jinja2's sandbox: it keeps a stranger's template in, for a quarter of a page's time; the
    templates are our own.
    """

    context_class = Place

    def getattr(self, obj: Any, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise _hidden(attribute)
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) and argument.startswith("_"):
            raise _hidden(argument)
        return super().getitem(obj, argument)


def _hidden(name: str) -> jinja2.exceptions.SecurityError:
    return jinja2.exceptions.SecurityError(f"{name!r} is not for templates")


@cache
def environment() -> jinja2.Environment:
    """Return the one environment: escapes HTML, refuses undefined and hidden names; the templates
    are read once.
    """
    return Surface(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is None or not name.endswith(".txt"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


def pages(bulletin: Bulletin, config: Config, channel: str) -> Iterator[Page]:
    """Yield the pages of one channel: web, display, wechat, sms or api.

    Raises: PublishError where the channel's own limits cannot be kept, ConfigError where words or a
    template are amiss.
    """
    made = _CHANNELS[channel](bulletin, config)
    try:
        yield from made
    except jinja2.TemplateError as error:
        raise ConfigError(
            f"channel {channel}: a template is amiss: {error.message}; mend it under templates/"
        ) from error


def _web(bulletin: Bulletin, config: Config) -> Iterator[Page]:
    desks = [Desk(bulletin, config, language) for language in LANGUAGES]
    for desk in desks:
        yield desk.page("web/index.html", "index.html")
        yield desk.page(
            "web/archive.html", "archive/index.html", issues=by_day(bulletin, desk.words)
        )
        yield desk.page(
            "web/verification.html",
            "verification/index.html",
            account=verification.account(bulletin, desk.words),
            columns=verification.COLUMNS,
            kinds=verification.KINDS,
            key=verification.key,
        )
        yield desk.page(
            "web/models.html",
            "models/index.html",
            sheets=models.sheets(bulletin, desk.words),
            columns=models.COLUMNS,
        )
    for section in bulletin.sections:
        for desk in desks:  # a site in one language after the other: what charts share is at hand
            yield desk.page("web/site.html", f"sites/{section.site.id}/index.html", section=section)
    yield from _static()


def _display(bulletin: Bulletin, config: Config) -> Iterator[Page]:
    for language in LANGUAGES:
        desk = Desk(bulletin, config, language)
        for section in bulletin.sections:
            yield desk.page(
                "display/screen.html", f"display/{section.site.id}.html", section=section
            )
    yield from _static()
    yield _data("api/v1/status.json", api.status(bulletin))


def _wechat(bulletin: Bulletin, config: Config) -> Iterator[Page]:
    for language in LANGUAGES:
        desk = Desk(bulletin, config, language)
        words = desk.words
        kind = f"{bulletin.marks[0]}_title" if bulletin.marks else "title"
        title = words(
            f"wechat.{kind}", title=words.name(bulletin.title), number=bulletin.issue.number
        )
        for count in range(min(WECHAT_SITES, len(bulletin.sections)), 0, -1):
            made = desk.page(
                "wechat/article.html", "wechat/article.html", title=title[:WECHAT_TITLE],
                digest=desk.digest()[:WECHAT_DIGEST],
                sections=bulletin.sections[:count], rest=len(bulletin.sections) - count,
            )  # fmt: skip
            if len(made.body) < WECHAT_CHARACTERS:
                break
        else:
            raise PublishError(
                f"{made.path}: {len(made.body)} characters with one site, WeChat takes fewer than {WECHAT_CHARACTERS}"
            )
        yield made


def _sms(bulletin: Bulletin, config: Config) -> Iterator[Page]:
    for language in LANGUAGES:
        yield Desk(bulletin, config, language).page("sms/bulletin.txt", "sms.txt")


def _api(bulletin: Bulletin, config: Config) -> Iterator[Page]:
    yield _data("api/v1/forecasts.json", api.document(bulletin, config))
    yield Page(
        "api/v1/schema.json", (TEMPLATES / "api" / "schema.json").read_text(encoding="utf-8")
    )
    if any(section.tiles for section in bulletin.sections):
        yield Page(
            "api/v1/live.schema.json",
            (TEMPLATES / "api" / "live.schema.json").read_text(encoding="utf-8"),
        )
    yield _data("api/v1/status.json", api.status(bulletin))


_CHANNELS: Mapping[str, Callable[[Bulletin, Config], Iterator[Page]]] = {
    "web": _web, "display": _display, "wechat": _wechat, "sms": _sms, "api": _api,
}  # fmt: skip


def _data(path: str, content: Mapping[str, Any]) -> Page:
    """Return a page of data: a line for each member, and for each record of a list."""
    return Page(
        path,
        "{\n"
        + ",\n".join(f" {_json(name)}: {_lines(value)}" for name, value in content.items())
        + "\n}\n",
    )


def _lines(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"  {_json(record)}" for record in value) + "\n ]"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _static() -> Iterator[Page]:
    for path in sorted((TEMPLATES / "static").iterdir()):
        yield Page(f"static/{path.name}", path.read_bytes())


@cache
def icon(name: str) -> Markup:
    """Return an icon of templates/icons as inline SVG, silent to a screen reader: the words stand
    beside it.
    """
    path = TEMPLATES / "icons" / f"{name}.svg"
    if not path.is_file():
        return Markup()
    return Markup(  # noqa: S704
        path.read_text(encoding="utf-8")
        .strip()
        .replace("<svg ", '<svg class="icon" aria-hidden="true" focusable="false" ', 1)
    )


def by_day(bulletin: Bulletin, words: Words) -> Mapping[date, list[Issue]]:
    """Return this and the earlier issues by the local day of issue, the latest first."""
    days: OrderedDict[date, list[Issue]] = OrderedDict()
    for issue in (bulletin.issue, *bulletin.earlier):
        days.setdefault(words.local(issue.issued).date(), []).append(issue)
    return days


class Desk:
    """Where the pages of one language are made: what a template may call, bound to the bulletin and
    the page's place.
    """

    def __init__(self, bulletin: Bulletin, config: Config, language: str) -> None:
        self.bulletin = bulletin
        self.config = config
        self.language = language
        common = {"days": len(bulletin.days), "near": min(NEXT_DAYS, len(bulletin.days))}
        self.words = Words(language, config.zone, common=common)
        self.values = {entry.forecast.event.key: entry.values for entry in bulletin.entries}
        self.prefix = "" if language == LANGUAGES[0] else f"{language}/"
        self.other = next(other for other in LANGUAGES if other != language)

    def page(self, template: str, path: str, **more: object) -> Page:
        """Render one page of this language; `path` as in the first language."""
        at = self.prefix + path
        folder = posixpath.dirname(at) or "."

        def root(target: str) -> str:
            return posixpath.relpath(target, folder)

        def link(target: str) -> str:
            return root(self.prefix + target)

        body = environment().get_template(template).render(
            agreement=agreement, contributing_runs=self.contributing_runs, bulletin=self.bulletin, words=self.words,
            beside=Words(self.other, self.config.zone),
            language=self.language, path=path, here=at, home=f"{self.prefix}index.html",
            channels=self.config.output.channels, link=link, root=root,
            other=root(("" if self.other == LANGUAGES[0] else f"{self.other}/") + path),
            icon=icon, chart=self.chart, strip=self.strip, facing=self.facing, why=self.why,
            reasons=self.reasons,
            missing=self.missing, risk=self.risk, risk_of=self.risk_of, lack=self.lack,
            names=self.names, attribution=self.attribution, unavailable_models=self.unavailable_models,
            danger=self.danger, where=self.where, said=self.said, lacking=self.lacking,
            unjudged=self.unjudged, gaps=self.gaps, hazards=self.hazards, clear=self.clear,
            measured=tiles, live=root(f"../{FILE}"), observations=self.config.observations,
            **more,
        )  # fmt: skip
        return Page(at, body)

    def chart(self, entry: Entry, section: Section, turn: str = "") -> Markup | None:
        """Draw the evidence of an entry, where there is any and it is worth a look: near, and the
        headline or not unlikely.

        The sky of the first days is drawn whatever its chance: a forecaster wants to see why there
        will be nothing.
        """
        event = entry.forecast.event
        near = next(
            (
                number
                for number, day in enumerate(section.days[:CHART_DAYS])
                if day.day == event.day
            ),
            None,
        )
        if near is None or entry.drawn is None or not entry.forecast.known:
            return None
        day = section.days[near]
        sky = near < ALWAYS_DAYS and event.phenomenon in ALWAYS_CHARTED
        if day.almanac is None or not (
            sky or entry is day.headline or entry.forecast.grade >= CHARTED_FROM
        ):
            return None
        return charts.chart(
            entry.forecast,
            entry.evidence,
            day.almanac,
            self.words,
            self.language,
            self.config.zone,
            turn,
        )

    def strip(self, section: Section, phenomenon: str) -> Markup | None:
        """Draw one phenomenon over the days."""
        drawn = [
            e.forecast
            for day in section.days
            for e in day.entries
            if e.forecast.event.phenomenon == phenomenon
        ]
        return charts.probability_strip(drawn, self.words, self.language, self.config.zone)

    def facing(self, entry: Entry) -> str:
        """Say where to look: to the sun or the darkest sky where that is known, else over the
        site's own sector.
        """
        return (
            self.words.sector(entry.forecast.event.site)
            if entry.azimuth is None
            else self.words.facing(entry.azimuth)
        )

    def reasons(self, forecast: Forecast, way: int) -> list[str]:
        """Return the reasons up (`way` 1) or down (-1), the strongest first."""
        event, values = (
            forecast.event,
            {**self.values.get(forecast.event.key, {}), **forecast.quantities},
        )
        said = [
            self.words.reason(reason, event.phenomenon, values)
            for reason in forecast.reasons
            if reason.effect * way > 0
        ]
        return [reason for reason in said if reason]

    def why(self, forecast: Forecast) -> str:
        """Return one sentence: what speaks most for a good chance, and strongly against it; or most
        against a poor one.
        """
        up, down = self.reasons(forecast, 1), self.reasons(forecast, -1)
        chosen = (up[:2] or down[:1]) if forecast.grade >= 3 else (down[:2] or up[:1])
        against = max((-reason.effect for reason in forecast.reasons), default=0.0)
        if forecast.grade >= 3 and up and down and against >= STRONG:
            chosen = [up[0], self.words("entry.but", reason=down[0])]
        said = self.words.clauses(chosen) if chosen else self.words("entry.none")
        return said[:1].upper() + said[1:] + self.words("page.stop")

    def contributing_runs(self, said: Agreement) -> str:
        """Return what each model gave, an ensemble with the number of its members."""
        kinds = [
            ("entry.voice_members" if each.members > 1 else "entry.voice", each)
            for each in said.models
        ]
        return self.words.clauses([
            self.words(key, model=self.model(each.model), members=each.members,
                       percent=self.words.percent(each.probability))
            for key, each in kinds
        ])  # fmt: skip

    def model(self, id: str) -> str:
        """Name an NWP model; by its id where the settings no longer have it."""
        names = self.bulletin.model_names
        return self.words.name(names[id]) if id in names else id

    def attribution(self) -> str:
        """Say whose data it was made of."""
        words = self.words
        whose = [
            name.removesuffix(words("page.stop")) for name in self.names(self.bulletin.attributions)
        ]
        return (
            words("footer.attribution")
            + words("page.colon")
            + words("page.semicolon").join(whose)
            + words("page.stop")
        )

    def unavailable_models(self) -> str:
        """Name the models whose data did not come in time."""
        return self.words(
            "missing.unheard",
            models=self.words.listed([self.model(id) for id in self.bulletin.unavailable_models]),
        )

    def names(self, named: Iterable[Name]) -> list[str]:
        return [self.words.name(name) for name in named]

    def where(self, alert: Alert, most: int = 6) -> str:
        """Name the sites of an alert: all of them in a word, else at most `most` by name."""
        sites = alert.sites
        if len(sites) == len(self.bulletin.sections) > 1:
            return self.words("page.all_sites")
        named = self.words("page.names").join(self.names(site.name for site in sites[:most]))
        return (
            self.words("page.more", sites=named, count=len(sites)) if len(sites) > most else named
        )

    def said(self, alert: Alert) -> str:
        """Return what an alert says after its name."""
        words, value = self.words, self.danger(alert.hazard, alert.value)
        line = words(f"hazard.{alert.hazard}.line")
        return words(
            "hazard.entry",
            days=words.days(alert.days),
            sites=self.where(alert),
            value=value,
            line=line,
        ) + words("page.stop")

    def risk(self, entry: Entry) -> str:
        """Return the dangers of the entry's own day, what cannot be judged of it, or that there are
        none.
        """
        said = [
            f"{self.words(f'hazard.{h.id}.name')} {self.danger(h.id, h.value)}"
            for h in entry.hazards
        ]
        open_ = [self.unjudged(entry.unjudged)] if entry.unjudged else []
        return self.words.clauses([*said, *open_]) or self.words("safety.none_that_day")

    def risk_of(self, entry: Entry) -> str:
        """Name the day, or for a night the two days, of `risk`."""
        window = entry.forecast.event.window
        first, last = (
            self.words.local(at).date() for at in (window.start, window.end - timedelta(seconds=1))
        )
        return self.words("entry.hazards" if first == last else "entry.hazards_of_two")

    def lack(self, ids: str, count: int) -> str:
        """Say of how many forecasts something lacks, or was estimated."""
        label = self.words.missing(ids)
        return self.words(
            "missing.count",
            label=self.words("missing.estimate", label=label) if ids in ESTIMATES else label,
            count=count,
        )

    def unjudged(self, ids: tuple[str, ...]) -> str:
        """Say which dangers cannot be judged."""
        return self.words("safety.unjudged", hazards=self.hazards(ids))

    def hazards(self, ids: tuple[str, ...]) -> str:
        """Name dangers; all of them in a word."""
        if len(ids) == len(safety.DANGERS):
            return self.words("safety.every")
        return self.words.listed(
            list(dict.fromkeys(self.words(f"hazard.{name}.name") for name in ids))
        )

    def gaps(self, outlook: Outlook) -> str:
        """Say on which days which dangers cannot be judged; "" where all can."""
        said = [
            self.words(
                "safety.gap", days=self.words.days(gap.days), hazards=self.hazards(gap.hazards)
            )
            for gap in outlook.gaps
        ]
        return (
            self.words("safety.unjudged", hazards=self.words.clauses(said))
            + self.words("page.stop")
            if said
            else ""
        )

    def clear(self, outlook: Outlook) -> str:
        """Say on which days it is known that no danger, or no other than those told, stands out; ""
        where on none.
        """
        if not outlook.clear:
            return ""
        return self.words(
            "safety.no_other" if outlook.alerts else "section.safety_none",
            days=self.words.days(outlook.clear),
        )

    def danger(self, hazard: str, value: float) -> str:
        """Return the value by which a hazard is known, in words."""
        return self.words(
            f"hazard.{hazard}.value", value=self.words.quantity(safety.feature_of(hazard), value)
        )

    def missing(self, entry: Entry, estimates: bool = False) -> list[str]:
        """Return what lacks, or what was estimated."""
        return [
            self.words.missing(i, entry.values)
            for i in entry.forecast.missing
            if (i in ESTIMATES) is estimates
        ]

    def lacking(self, day: SiteDay) -> str:
        """Say what a day of which nothing is known lacks."""
        ids = dict.fromkeys(i for entry in day.entries for i in entry.forecast.missing)
        return (
            self.words.clauses([self.words.missing(i) for i in ids][:3]) + self.words("page.stop")
            if ids
            else ""
        )

    def digest(self) -> str:
        """Return the one line under an article's title."""
        if not self.bulletin.best:
            return self.words("wechat.digest_none")
        forecast, words = self.bulletin.best[0].forecast, self.words
        return words(
            "wechat.digest", day=words.day(forecast.event.day),
            spot=words.spot(forecast.event.site, forecast.event.phenomenon),
            percent=words.percent(forecast.probability), stars=words(f"stars.{forecast.grade}"),
        )  # fmt: skip
