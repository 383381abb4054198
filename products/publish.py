"""Publish a bulletin: a whole release is written first, then one link is swapped.

    <folder>/archive/<issue>/…     every release, as it was
    <folder>/current               a link to the release in force
    <folder>/live.json             current observations, written anew between issues
    <folder>/releases.json         the releases and pages that are there: what old pages may link
    <folder>/lock                  held by the one process that publishes

Readers find the old site or the new one, never a part of either, at whatever moment a machine
fails. A channel that fails, or waits for a signature, keeps the pages of the issue before (they
show their own date) and never stops the others.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from forecast.config import Config
from forecast.domain import CurrentObservations, Cycle, Issue, Receipt
from forecast.errors import PublishError, SkyscapeError
from forecast.files import rename, sync, write_whole
from forecast.review import Withdrawal
from forecast.settings import CHANNELS, Channel
from products import channels
from products.bulletin import Bulletin
from products.pages.current_observations import FILE, document
from products.pages.templating import Page

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
RELEASES = "releases.json"
RELEASES_SCHEMA = "skyscape.releases/1"
HOME = "index.html"  # the page of a release that the archive page links
DATA = "api/v1/forecasts.json"  # the file of the API that every web page links
ISSUE_NAME = re.compile(r"^[a-z][a-z0-9_]*-\d{10}(-\d{1,4})?$")


class Publisher:
    """The site under the output folder.

    Raises: PublishError from every method that writes, when the disk refuses.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.folder = config.output.folder
        self.releases = self.folder / "archive"
        self.link = self.folder / "current"

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the folder against every other process; a process that dies lets go of it.

        Raises: PublishError when another process holds it.
        """
        with _disk_errors(self.folder):
            self.releases.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("a")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise PublishError(
                    f"{self.folder}: another process is publishing here; "
                    "wait for it or use another --out"
                ) from error
            self._clear_leftovers()
            yield

    def current(self) -> str:
        """Return the id of the issue in force, or '' when there is none."""
        return _manifest(self.link)[0]

    def holds(self, issue: str) -> bool:
        """Return whether this issue is in force and all of its files are as they were written."""
        in_force, files = _manifest(self.link)
        return in_force == issue and all(
            _hash_of(self.link / path) == entry["sha256"] for path, entry in files.items()
        )

    def manifest(self) -> Mapping[str, Any]:
        """Return the manifest of the release in force: its issue, its review, whether withdrawn.

        Empty where there is none.
        """
        found = _manifest_of(self.link)
        return found if isinstance(found, dict) and found.get("issue") else {}

    def withdraw(self, issue: Issue, withdrawal: Withdrawal) -> None:
        """Put pages in force that say that an issue is withdrawn, in the place of each of its own.

        The issue stays in the archive, marked.
        """
        raise NotImplementedError

    def released(self) -> tuple[tuple[Issue, str], ...]:
        """Return every released issue with the digest of its settings, the oldest first."""
        releases = sorted(
            (path for path in self.releases.iterdir() if ISSUE_NAME.match(path.name)), key=_run_of
        )
        return tuple(issue for path in releases if (issue := _released_issue(path)) is not None)

    def unchanged(self, issue: str) -> tuple[Receipt, ...]:
        """Return the receipts of an issue that is already in force."""
        return tuple(
            Receipt(channel, issue, "unchanged") for channel in self.config.output.channels
        )

    def publish(self, bulletin: Bulletin) -> tuple[Receipt, ...]:
        """Write the release of a bulletin, put it in force; return a receipt for each channel."""
        issue = bulletin.issue.id
        if not ISSUE_NAME.match(issue):
            raise PublishError(
                f"{issue!r} cannot name a release: "
                "expected a model and ten digits, like gfs-2026112200"
            )
        fresh = self.releases / f".new-{issue}"
        files: dict[str, dict[str, str]] = {}
        with _disk_errors(self.folder):
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            bulletin = replace(bulletin, earlier=self._linked(bulletin))
            wanted = [channel for channel in CHANNELS if channel in self.config.output.channels]
            # the web pages last: they link the data only where there are data
            served = {
                channel: self._serve(channel, bulletin, fresh, files)
                for channel in sorted(wanted, key=lambda each: each == "web")
            }
            receipts = [served[channel] for channel in wanted]
            if any(receipt.outcome == "published" for receipt in receipts):
                self._put_in_force(bulletin, fresh, files)
            else:
                shutil.rmtree(fresh)
        return tuple(receipts)

    def publish_current_observations(
        self, current: Sequence[CurrentObservations], now: datetime
    ) -> bool:
        """Write the current observations beside the releases; return whether they were written.

        Nothing is written where no site has a tile and none had one before.
        """
        content = document(current, self.config, now)
        path = self.folder / FILE
        if not content["tiles"] and not path.exists():
            return False
        with _disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(content, ensure_ascii=False, allow_nan=False))
        return True

    def _serve(
        self, channel: Channel, bulletin: Bulletin, fresh: Path, files: dict[str, dict[str, str]]
    ) -> Receipt:
        """Write the pages of a channel into the release, or carry over those in force."""
        issuer, issue = self.config.issuer, bulletin.issue.id
        if channel in issuer.signature_required and not bulletin.forecaster:
            self._carry_over(channel, fresh, files)
            detail = "nobody signed this issue (issuer.signature_required)"
            return Receipt(channel, issue, "withheld", detail)
        if channel == "web" and DATA not in files:
            without = tuple(each for each in bulletin.channels if each != "api")
            bulletin = replace(bulletin, channels=without)
        try:
            written = list(channels.render(bulletin, channel))
        except SkyscapeError as error:
            log.exception("%s: channel failed", channel)
            self._carry_over(channel, fresh, files)
            return Receipt(channel, issue, "failed", str(error))
        for page in written:
            files[page.path] = {"channel": channel, "issue": issue, "sha256": _write(fresh, page)}
        return Receipt(channel, issue, "published", f"{len(written)} files")

    def _carry_over(self, channel: str, fresh: Path, files: dict[str, dict[str, str]]) -> None:
        """Copy a channel's files from the release in force, where there is one."""
        for path, entry in _manifest(self.link)[1].items():
            source = self.link / path
            if (
                entry["channel"] == channel
                and path not in files
                and _hash_of(source) == entry["sha256"]
            ):
                _write(fresh, Page(path, source.read_bytes()))
                files[path] = entry

    def _put_in_force(
        self, bulletin: Bulletin, fresh: Path, files: dict[str, dict[str, str]]
    ) -> None:
        issue, review = bulletin.issue, bulletin.review
        manifest = {
            "issue": issue.id,
            "number": issue.number,
            "issued": issue.issued.isoformat(),
            "valid_until": issue.valid_until.isoformat(),
            "model": issue.cycle.model,
            "run": issue.cycle.run.isoformat(),
            "digest": self.config.digest,
            "review": asdict(review) if review else None,
            "files": files,
        }
        _write(
            fresh,
            Page(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True)),
        )
        for path in sorted((fresh, *fresh.rglob("*")), reverse=True):
            sync(path)
        release = self.releases / issue.id
        if release.exists():
            if self.link.resolve() == release.resolve():
                # In force but damaged, or with further channels: point the link to a copy, so that
                # readers never find nothing.
                spare = self.releases / f".old-{issue.id}"
                shutil.rmtree(spare, ignore_errors=True)
                shutil.copytree(release, spare)
                self._point_to(spare)
            shutil.rmtree(release)
        rename(fresh, release)
        self._point_to(release)
        self._clear_leftovers()
        self._prune()

    def _point_to(self, release: Path) -> None:
        if self.link.exists() and not self.link.is_symlink():
            raise PublishError(
                f"{self.link} is no link of this service: move it away, then publish again"
            )
        swap = self.folder / ".current-new"
        swap.unlink(missing_ok=True)
        swap.symlink_to(Path("archive") / release.name)
        swap.replace(self.link)
        sync(self.folder)

    def _clear_leftovers(self) -> None:
        """Remove what runs that died left behind; never the release in force."""
        in_force = self.link.resolve()
        with _disk_errors(self.folder):
            (self.folder / ".current-new").unlink(missing_ok=True)
            for left in (*self.releases.glob(".new-*"), *self.releases.glob(".old-*")):
                if left.resolve() != in_force:
                    shutil.rmtree(left)

    def _kept(self, in_force: str) -> list[Path]:
        """Return the releases that are kept while `in_force` is, the oldest first.

        They are the newest `keep_issues` by the run time in their names, and the one in force.
        """
        names = {path.name for path in self.releases.iterdir() if ISSUE_NAME.match(path.name)}
        found = sorted((self.releases / name for name in names | {in_force}), key=_run_of)
        newest = found[-self.config.output.keep_issues :]
        return [path for path in found if path in newest or path.name == in_force]

    def _linked(self, bulletin: Bulletin) -> tuple[Issue, ...]:
        """Return the earlier issues of a bulletin whose pages are there once it is published."""
        kept = {path.name for path in self._kept(bulletin.issue.id) if (path / HOME).is_file()}
        return tuple(issue for issue in bulletin.earlier if issue.id in kept)

    def _prune(self) -> None:
        """Remove the oldest releases beyond `keep_issues`; first the list says which are kept."""
        in_force = self.link.resolve()
        kept = self._kept(in_force.name)
        content = {
            "schema": RELEASES_SCHEMA,
            "issues": [path.name for path in kept if (path / HOME).is_file()],
            "pages": sorted(page for page in _manifest(self.link)[1] if page.endswith(".html")),
        }
        write_whole(self.folder / RELEASES, json.dumps(content))
        for old in self.releases.iterdir():
            if ISSUE_NAME.match(old.name) and old not in kept and old.resolve() != in_force:
                shutil.rmtree(old)


def _run_of(release: Path) -> tuple[str, int]:
    _, run, *further = release.name.split("-")
    return run, int(further[0]) if further else 1


def _released_issue(release: Path) -> tuple[Issue, str] | None:
    """Return the issue of a release and the digest of its settings, from its manifest.

    None where there is no valid manifest.
    """
    try:
        found = _manifest_of(release)
        issued, until, run = (
            datetime.fromisoformat(found[key]) for key in ("issued", "valid_until", "run")
        )
        if found["issue"] != release.name:
            return None
        issue = Issue(
            release.name,
            int(found["number"]),
            issued,
            Cycle(run, str(found["model"])),
            until,
            published=True,
        )
        return issue, str(found["digest"])
    except (ValueError, KeyError, TypeError):
        return None


def _manifest(release: Path) -> tuple[str, dict[str, dict[str, str]]]:
    """Return the issue of a release and its files, each with channel, issue and hash.

    Empty where there is no valid manifest.
    """
    try:
        found = _manifest_of(release)
        keys = ("channel", "issue", "sha256")
        return str(found["issue"]), {
            path: {key: str(entry[key]) for key in keys} for path, entry in found["files"].items()
        }
    except (KeyError, TypeError, AttributeError):
        return "", {}


def _manifest_of(release: Path) -> Any:
    """Return the content of a manifest, unchecked; empty where it cannot be read."""
    try:
        return json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _hash_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _write(release: Path, page: Page) -> str:
    """Write a page into a release and return its hash; `sync` brings it to the disk."""
    target = release / page.path
    if (
        target.parts[: len(release.parts)] != release.parts
        or ".." in target.parts[len(release.parts) :]
    ):
        raise PublishError(f"{page.path!r} lies outside the release")
    target.parent.mkdir(parents=True, exist_ok=True)
    body = page.body.encode() if isinstance(page.body, str) else page.body
    target.write_bytes(body)
    return hashlib.sha256(body).hexdigest()


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the disk into a PublishError that says what to do."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise PublishError(
            f"{where}: {error.strerror or error}; check that it is writable and not full"
        ) from error
