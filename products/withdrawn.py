"""The pages of a withdrawn issue, in the place of each of its own: no forecast is left."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from forecast.config import Config
from forecast.domain import Issue
from forecast.review import Withdrawal
from products import channels
from products.manifest import Files, read
from products.marking import withdrawal_text
from products.pages.addresses import language_of, plain_path, prefix_of
from products.pages.templating import Page, icon, render_template, static_pages
from products.wording import LANGUAGES, Words, clause

ARCHIVE = "archive/index.html"  # the page that lists the earlier issues


def pages(
    issue: Issue,
    withdrawal: Withdrawal,
    config: Config,
    replaced: Files,
    earlier: Sequence[Issue],
    release: Path,
) -> Iterator[Page]:
    """Yield a page for each path of the release that is `replaced`.

    earlier: the issues that the archive page lists, the latest first. release: the archived copy
    of the issue. A path that this version does not know is left out.
    """
    states = {each.id: str(read(release.parent / each.id).get("state", "")) for each in earlier}
    static = {each.path: each for each in static_pages()}
    own = {
        each.path: each
        for channel in dict.fromkeys(entry["channel"] for entry in replaced.values())
        for each in (
            *channels.withdrawn(channel, issue, withdrawal, config),
            *channels.cancelled(
                channel, _of_channel(channel, replaced, release), withdrawal, config
            ),
        )
    }
    for path in replaced:
        if known := static.get(path) or own.get(path):
            yield known
        elif template := template_of(path):
            yield page(template, path, issue, withdrawal, config, earlier, states)


def page(
    template: str,
    path: str,
    issue: Issue,
    withdrawal: Withdrawal,
    config: Config,
    earlier: Sequence[Issue] = (),
    states: Mapping[str, str] = MappingProxyType({}),
) -> Page:
    """Return what stands at a path in place of a page of a withdrawn issue.

    states: what became of the `earlier` issues; "" for one that was superseded.
    """
    values = _values(issue, withdrawal, config, path, earlier) | {"states": states}
    return Page(path, render_template(template, values))


def _of_channel(channel: str, replaced: Files, release: Path) -> Callable[[], dict[str, bytes]]:
    """Return a function that reads the pages of a channel in an archived release."""

    def read() -> dict[str, bytes]:
        paths = [path for path, entry in replaced.items() if entry["channel"] == channel]
        return {p: (release / p).read_bytes() for p in paths if (release / p).is_file()}

    return read


def message(issue: Issue, withdrawal: Withdrawal, config: Config, language: str) -> str:
    """Return the sentences that stand in place of a message of a withdrawn issue."""
    values = _values(issue, withdrawal, config, f"{prefix_of(language)}sms.txt", ())
    return render_template("sms/withdrawn.txt", values).strip()


def template_of(path: str) -> str:
    """Return the template of a page; "" where there is none."""
    place = plain_path(path)
    folder = place.partition("/")[0]
    if place.endswith(".html"):
        own = folder in ("display", "wechat", "widget", "email")
        return f"{folder if own else 'web'}/withdrawn.html"
    if place == "email/bulletin.txt":
        return "email/withdrawn.txt"
    return ""


def _values(
    issue: Issue, withdrawal: Withdrawal, config: Config, path: str, earlier: Sequence[Issue]
) -> dict[str, Any]:
    """Return what the template of a page may use."""
    language, place = language_of(path), plain_path(path)
    other = next(each for each in LANGUAGES if each != language)
    prefix, folder = prefix_of(language), posixpath.dirname(path) or "."
    words = Words(language, config.zone)

    def root(target: str) -> str:
        return posixpath.relpath(target, folder)

    name = posixpath.splitext(posixpath.basename(place))[0]
    site = next((site for site in config.all_sites() if site.id == name), None)
    return {
        "words": words,
        "beside": Words(other, config.zone),
        "issue": issue,
        "withdrawal": withdrawal,
        "note": withdrawal_text(withdrawal, words),
        "reason": clause(withdrawal.reason_in(language)),
        "title": config.service.title.as_name(),
        "site": site,
        "bodies": [words.name(body.as_name()) for body in config.issuer.bodies],
        "marks": marks(config),
        "root": root,
        "link": lambda target: root(prefix + target),
        "path": place,
        "here": path,
        "home": f"{prefix}index.html",
        "other": root(prefix_of(other) + place),
        "earlier": earlier if place == ARCHIVE else (),
        "icon": icon,
    }


def marks(config: Config) -> tuple[str, ...]:
    """Return the marks that every page carries, as Bulletin.marks."""
    return (("demonstration",) if config.demonstration else ()) + (
        () if config.issuer.official else ("trial",)
    )
