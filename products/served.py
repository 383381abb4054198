"""Pages of the sites without files: made from the issue's data when somebody asks for them.

They are the bytes that the publisher would have written. What became of the issue since, a
correction or a withdrawal, stands on them as on the files of a release.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from forecast.config import Config
from forecast.domain import Receipt
from forecast.files import sha256_of
from forecast.review import Withdrawal
from forecast.settings import Channel
from products import api_v2, channels, manifest, withdrawn
from products.bulletin import Bulletin
from products.issue_data import issue_data, write_issue_data
from products.marking import Mark, entry_mark, marked, marked_entry, of_corrected
from products.pages.addresses import plain_path

CACHED = 96  # sites and channels whose pages are kept: about 40 MB
# issues that a feed or a calendar looks back to for the dates of its entries
LOOK_BACK = 8
# channel -> the path of its pages of one site, as in the first language
PATHS: Mapping[str, re.Pattern[str]] = {
    "web": re.compile(r"sites/([^/]+)/index\.html"),
    "display": re.compile(r"display/([^/]+)\.html"),
    "widget": re.compile(r"widget/([^/]+)\.html"),
    "api": re.compile(r"api/v2/sites/([^/]+)\.json"),
    "feeds": re.compile(r"feeds/([^/]+)\.(?:json|atom)"),
    "calendar": re.compile(r"calendar/([^/]+?)(?:-\d\d)?(?:-alarm)?\.ics"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """Of which channel and site a page is, the file with its data, and what became of the issue."""

    channel: str
    site: str
    data: Path
    mark: Mark | None


def entry_of(issue: str, file: str, digest: str) -> dict[str, Any]:
    """Return what a manifest says of a channel whose sites are served from a file."""
    return {"issue": issue, "data": file, "sha256": digest}


def write_data(
    bulletin: Bulletin,
    fresh: Path,
    linked: Sequence[Channel],
    receipts: Sequence[Receipt],
    in_force: Path,
) -> dict[str, dict[str, Any]]:
    """Write the data of the sites without files; return what the manifest says of them.

    linked: channels that web pages link. in_force: the release before; a channel that was not
    published keeps its data of it.
    """
    issue, found, before = bulletin.issue.id, dict[str, dict[str, Any]](), manifest.read(in_force)
    of_sites = [each for each in receipts if channels.has_site_pages(each.channel)]
    published = [each.channel for each in of_sites if each.outcome == "published"]
    if bulletin.served_sections and published:
        path = f"data/{issue}.zip"
        write_issue_data(fresh / path, bulletin, str(before.get("issue", "")), linked)
        found = dict.fromkeys(published, entry_of(issue, path, sha256_of(fresh / path)))
    data = before.get("served") or {}
    for receipt in of_sites:
        if receipt.channel in published or receipt.channel not in data:
            continue
        kept = carry_over(data[receipt.channel], in_force, fresh)
        if kept is not None and kept["issue"] == bulletin.corrected:
            reason = bulletin.review.reason if bulletin.review else ""
            kept = marked_entry(kept, of_corrected(bulletin.issue, reason), bulletin.zone)
        if kept is not None:
            found[receipt.channel] = kept
    return found


def page(release: Path, path: str, config: Config) -> bytes | None:
    """Return a page of a site without files; None where the release has no such page.

    Raises: PublishError where the data cannot be read.
    """
    content = manifest.read(release)
    found = _data_of(content, release, path)
    body = None if found is None else _marked_page(found, path, config.zone, LOOK_BACK)
    withdrawal = manifest.withdrawal_of(content)
    if found is None or body is None or withdrawal is None:
        return body
    return _withdrawn(content, found, path, body, withdrawal, config)


def reader_of(release: Path, config: Config) -> Callable[[str], bytes | None]:
    """Return what reads a page of a release, written or served."""

    def read(path: str) -> bytes | None:
        try:
            return (release / path).read_bytes()
        except OSError:
            return page(release, path, config)

    return read


def _earlier(release: Path, zone: ZoneInfo, depth: int) -> Callable[[str], bytes | None]:
    """Return what reads a page of an archived release, at most `depth` releases back."""

    def read(path: str) -> bytes | None:
        try:
            return (release / path).read_bytes()
        except OSError:
            found = _data_of(manifest.read(release), release, path) if depth else None
            return None if found is None else _marked_page(found, path, zone, depth)

    return read


def _marked_page(found: Found, path: str, zone: ZoneInfo, depth: int) -> bytes | None:
    """Return a page of an issue, with what became of the issue since."""
    changed = _changed(found.data)
    body = _pages(found.data, changed, found.channel, found.site, zone, depth).get(path)
    if body is None or found.mark is None:
        return body
    return marked(path, found.channel, body, found.mark, zone)


def _data_of(content: Mapping[str, Any], release: Path, path: str) -> Found | None:
    """Return what a release has of a page of a site; None where it has no data for it."""
    served = content.get("served") or {}
    for channel, pattern in PATHS.items():
        match = pattern.fullmatch(plain_path(path))
        if match is None or channel not in served:
            continue
        entry = served[channel]
        # what stands in place of a withdrawn issue has no data of its own
        folder = release.parent / str(content["issue"]) if "withdrawn" in content else release
        return Found(channel, match[1], folder / entry["data"], entry_mark(entry))
    return None


@lru_cache(maxsize=CACHED)
def _pages(
    path: Path, changed: int, channel: str, site: str, zone: ZoneInfo, depth: int
) -> Mapping[str, bytes]:
    """Return the pages of a site on a channel, by path. changed: of the file of data."""
    data = issue_data(path, changed)
    if site not in data.sites:
        return {}
    bulletin = data.bulletin(site)
    if data.before:
        # the file lies in <releases>/<issue>/data
        before = path.parents[2] / data.before
        bulletin = replace(bulletin, before=_earlier(before, zone, depth - 1))
    if channel == "web":
        bulletin = replace(bulletin, channels=data.linked)
    found = channels.site_pages(channel, bulletin, bulletin.sections[0])
    return {each.path: each.content for each in found}


def _withdrawn(
    content: Mapping[str, Any],
    found: Found,
    path: str,
    body: bytes,
    withdrawal: Withdrawal,
    config: Config,
) -> bytes | None:
    """Return what stands in place of a page of a withdrawn issue."""
    issue = manifest.issue_of(content)
    if issue is None:
        return None
    if template := withdrawn.template_of(path):
        return withdrawn.page(template, path, issue, withdrawal, config).content
    if found.channel == "api":
        place = next((each for each in config.all_sites() if each.id == found.site), None)
        known = place and api_v2.withdrawn_site(issue, withdrawal, config, place)
        return known.content if known else None
    given = {path: body}
    if path.endswith(".atom"):  # it is made from the same feed as JSON
        source = path.removesuffix(".atom") + ".json"
        feed = _marked_page(found, source, config.zone, LOOK_BACK)
        given = {source: feed} if feed is not None else {}
    pages = channels.cancelled(found.channel, partial(dict, given), withdrawal, config)
    return next((each.content for each in pages if each.path == path), None)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def carry_over(entry: Mapping[str, Any], release: Path, fresh: Path) -> dict[str, Any] | None:
    """Take the data of a channel over from the release in force; None where they are damaged.

    Raises: OSError.
    """
    source, target = release.resolve() / entry["data"], fresh / entry["data"]
    if not source.is_file() or sha256_of(source) != entry["sha256"]:
        return None
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
    return dict(entry)
