"""Publish a bulletin: a whole release is written first, then one link is swapped.

    <folder>/archive/<issue>/…     every release, as it was; one that was corrected or withdrawn
                                   says so on each page
    <folder>/archive/<issue>.tar.xz   an older one (products/packing.py)
    <folder>/archive/.withdrawn-<issue>/…   what stands in its place while it would be in force
    <folder>/current               a link to the release in force
    <folder>/live.json             current observations, written anew between issues
    <folder>/releases.json         the releases and pages that are there: what old pages may link
    <folder>/lock                  held by the one process that publishes

Readers find the old site or the new one, never a part, at whatever moment a machine fails. A
channel that fails, or waits for a signature, keeps the pages of the issue before (they show their
own date) and never stops the others.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from forecast.config import Config
from forecast.domain import CurrentObservations, Issue, Receipt
from forecast.errors import FolderBusy, PublishError, SkyscapeError
from forecast.files import lock, rename, sync, write_whole
from forecast.review import Withdrawal
from forecast.settings import CHANNELS, Channel
from products import channels, manifest, marking, served, withdrawn
from products.bulletin import Bulletin
from products.manifest import ISSUE_NAME, Files
from products.pages.current_observations import FILE, document
from products.pages.templating import Page
from products.release_files import disk_errors, remove_release, write_page

log = logging.getLogger(__name__)

RELEASES, RELEASES_SCHEMA = "releases.json", "skyscape.releases/1"
HOME = "index.html"  # the page of a release that the archive page links


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
    def exclusive(self, wait: float = 0.0) -> Iterator[None]:
        """Hold the folder against every other process; a process that dies lets go of it.

        wait: [s] at most, for another process that publishes. Raises: FolderBusy when it still
        holds the folder then.
        """
        with disk_errors(self.folder):
            self.releases.mkdir(parents=True, exist_ok=True)
            file = (self.folder / "lock").open("a")
        with file:
            if not lock(file, wait):
                raise FolderBusy(
                    f"{self.folder}: another process is publishing here; "
                    "wait for it or use another --out"
                )
            self._clear_leftovers()
            self._finish()
            yield

    def current(self) -> str:
        """Return the id of the issue in force, withdrawn or not; '' when there is none."""
        return manifest.files_of(self.link)[0]

    def holds(self, issue: str) -> bool:
        """Return whether this issue is in force and all of its files are as they were written."""
        in_force, files = manifest.files_of(self.link)
        whole = {path: entry["sha256"] for path, entry in files.items()}
        if not self.is_withdrawn():  # what stands in place of a withdrawn issue has no data
            data = (self.manifest().get("served") or {}).values()
            whole |= {entry["data"]: entry["sha256"] for entry in data}
        return in_force == issue and all(
            manifest.hash_of(self.link / path) == digest for path, digest in whole.items()
        )

    def in_force(self) -> Issue | None:
        """Return the issue that readers see, withdrawn or not; None where there is none."""
        return manifest.issue_of(self.manifest())

    def release_count(self) -> int:
        """Return how many released issues are in the folder; 0 where it is not there."""
        return len(self._releases()) if os.path.isdir(self.releases) else 0

    def manifest(self) -> Mapping[str, Any]:
        """Return the manifest of the release in force: its issue, its review, whether withdrawn.

        Empty where there is none.
        """
        return manifest.read(self.link)

    def is_withdrawn(self) -> bool:
        """Return whether readers see that the issue in force was withdrawn."""
        return "withdrawn" in self.manifest()

    def pages(self, channel: str) -> dict[str, bytes]:
        """Return the pages of a channel that are of the issue in force, by path; none of an
        earlier issue, whose pages stand there while the channel waits for a signature.

        Raises: OSError.
        """
        issue, files = manifest.files_of(self.link)
        release = self.link.resolve()
        return {
            path: (release / path).read_bytes()
            for path, entry in files.items()
            if entry["channel"] == channel and entry["issue"] == issue
        }

    def page(self, path: str) -> bytes | None:
        """Return a page of the issue in force, of whatever channel; None where it has none.

        Raises: OSError.
        """
        issue, files = manifest.files_of(self.link)
        entry = files.get(path)
        return (self.link / path).read_bytes() if entry and entry["issue"] == issue else None

    def released(self) -> tuple[tuple[Issue, str, bool], ...]:
        """Return every released issue, the oldest first, with the digest of its settings, and
        whether it was withdrawn before the one in force.
        """
        found, in_force = [], self.current()
        for path in self._releases():
            content = manifest.read(path)
            issue = manifest.issue_of(content)
            if issue is not None and issue.id == path.name and "digest" in content:
                withdrawn = content.get("state") == marking.WITHDRAWN and issue.id != in_force
                found.append((issue, str(content["digest"]), withdrawn))
        return tuple(found)

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
        if self._is_withdrawn(issue):
            raise PublishError(
                f"{issue} was withdrawn, so it is never published again: make a new issue"
            )
        fresh = self.releases / f".new-{issue}"
        files: Files = {}
        corrects = bulletin.corrected
        with disk_errors(self.folder):
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            before = served.reader_of(self.link, self.config) if self.link.exists() else None
            bulletin = replace(bulletin, earlier=self._linked(bulletin), before=before)
            wanted = [channel for channel in CHANNELS if channel in self.config.output.channels]
            # the web pages last: they link a channel only where it has pages
            done = {
                channel: self._serve(channel, bulletin, fresh, files)
                for channel in sorted(wanted, key=lambda each: each == "web")
            }
            receipts = [done[channel] for channel in wanted]
            if any(receipt.outcome == "published" for receipt in receipts):
                linked = _linked_channels(bulletin, files)
                data = served.write_data(bulletin, fresh, linked, receipts, self.link)
                self._put_in_force(bulletin, fresh, files, corrects, data)
            else:
                shutil.rmtree(fresh)
        return tuple(receipts)

    def withdraw(self, issue: Issue, withdrawal: Withdrawal) -> None:
        """Put pages in force that say that an issue is withdrawn, in the place of each of its own.

        The issue stays in the archive, each page marked. The first withdrawal of an issue stands.
        Raises: PublishError where the issue is not in force.
        """
        found = self.manifest()
        if found.get("issue") != issue.id:
            raise PublishError(f"{issue.id} is not in force, so it cannot be withdrawn")
        with disk_errors(self.folder):
            if manifest.withdrawal_of(found) is None:
                self._put_withdrawal(issue, withdrawal)
        self._finish()

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
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(content, ensure_ascii=False, allow_nan=False))
        return True

    def _serve(self, channel: Channel, bulletin: Bulletin, fresh: Path, files: Files) -> Receipt:
        """Write the pages of a channel into the release, or carry over those in force."""
        issuer, issue = self.config.issuer, bulletin.issue.id
        if channel in issuer.signature_required and not bulletin.forecaster:
            self._carry_over(channel, bulletin, fresh, files)
            detail = "nobody signed this issue (issuer.signature_required)"
            return Receipt(channel, issue, "withheld", detail)
        if channel == "web":
            bulletin = replace(bulletin, channels=_linked_channels(bulletin, files))
        try:
            written = list(channels.render(bulletin, channel))
        except SkyscapeError as error:
            log.exception("%s: channel failed", channel)
            self._carry_over(channel, bulletin, fresh, files)
            return Receipt(channel, issue, "failed", str(error))
        for page in written:
            files[page.path] = {
                "channel": channel,
                "issue": issue,
                "sha256": write_page(fresh, page),
            }
        return Receipt(channel, issue, "published", f"{len(written)} files")

    def _carry_over(self, channel: str, bulletin: Bulletin, fresh: Path, files: Files) -> None:
        """Copy a channel's files from the release in force, where there is one.

        Those of an issue that the bulletin corrects say so.
        """
        reason = bulletin.review.reason if bulletin.review else ""
        mark, corrected = marking.of_corrected(bulletin.issue, reason), bulletin.corrected
        for path, entry in manifest.files_of(self.link)[1].items():
            source = self.link / path
            if (
                entry["channel"] == channel
                and path not in files
                and manifest.hash_of(source) == entry["sha256"]
            ):
                body = source.read_bytes()
                if entry["issue"] == corrected:
                    body = marking.marked(path, channel, body, mark, self.config.zone)
                files[path] = entry | {"sha256": write_page(fresh, Page(path, body))}

    def _put_in_force(
        self,
        bulletin: Bulletin,
        fresh: Path,
        files: Files,
        corrects: str,
        data: Mapping[str, Mapping[str, Any]],
    ) -> None:
        issue, review = bulletin.issue, bulletin.review
        content = {
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
        if corrects:
            content["corrects"] = corrects
        if data:
            content["served"] = data
        self._swap_in(fresh, self.releases / issue.id, content)
        self._clear_leftovers()
        self._finish()
        self._prune()

    def _put_withdrawal(self, issue: Issue, withdrawal: Withdrawal) -> None:
        """Write the pages of a withdrawal and put them in force."""
        fresh = self.releases / f".new-{issue.id}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        replaced = manifest.files_of(self.link)[1]
        earlier = [each for each, *_ in reversed(self.released()) if each.id != issue.id]
        release = self.releases / issue.id
        pages = withdrawn.pages(issue, withdrawal, self.config, replaced, earlier, release)
        files = {
            page.path: {
                "channel": replaced[page.path]["channel"],
                "issue": issue.id,
                "sha256": write_page(fresh, page),
            }
            for page in pages
        }
        details = asdict(withdrawal) | {"at": withdrawal.at.isoformat()}
        content = {**self.manifest(), "withdrawn": details, "files": files}
        self._swap_in(fresh, self.releases / f".withdrawn-{issue.id}", content)
        log.warning("%s is withdrawn: %s", issue.id, withdrawal.reason)

    def _swap_in(self, fresh: Path, release: Path, content: Mapping[str, Any]) -> None:
        """Finish a fresh release, give it its name and point the link to it.

        Where the same release is in force already (damaged, or with further channels), readers see
        a copy of it meanwhile, so that they never find nothing.
        """
        write_page(fresh, Page(manifest.NAME, manifest.text(content)))
        for path in sorted((fresh, *fresh.rglob("*")), reverse=True):
            sync(path)
        if release.exists():
            if self.link.resolve() == release.resolve():
                spare = self.releases / f".old-{content['issue']}"
                shutil.rmtree(spare, ignore_errors=True)
                shutil.copytree(release, spare)
                self._point_to(spare)
            shutil.rmtree(release)
        rename(fresh, release)
        self._point_to(release)

    def _finish(self) -> None:
        """Do what a run that died left undone: the pages of a withdrawal, and marks on the copies
        of issues that are withdrawn or corrected.
        """
        found = self.manifest()
        issue, withdrawal = manifest.issue_of(found), manifest.withdrawal_of(found)
        with disk_errors(self.folder):
            if issue is not None and withdrawal is not None:
                if not self.holds(issue.id):
                    self._put_withdrawal(issue, withdrawal)
                if ISSUE_NAME.match(issue.id):
                    mark = marking.of_withdrawn(withdrawal)
                    marking.mark_release(self.releases / issue.id, mark, self.config.zone)
            if issue is not None and ISSUE_NAME.match(old := str(found.get("corrects", ""))):
                reason = str((found.get("review") or {}).get("reason", ""))
                mark = marking.of_corrected(issue, reason)
                marking.mark_release(self.releases / old, mark, self.config.zone)

    def _is_withdrawn(self, issue: str) -> bool:
        """Return whether an issue was withdrawn, in force or in the archive."""
        copies = (self.manifest(), manifest.read(self.releases / issue))
        return any(
            found.get("issue") == issue
            and ("withdrawn" in found or found.get("state") == marking.WITHDRAWN)
            for found in copies
        )

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
        with disk_errors(self.folder):
            (self.folder / ".current-new").unlink(missing_ok=True)
            for kind in (".new-*", ".old-*", ".withdrawn-*"):
                for left in self.releases.glob(kind):
                    if left.resolve() != in_force:
                        shutil.rmtree(left)

    def _releases(self) -> list[Path]:
        """Return every release of the archive, the oldest first."""
        found = (path for path in self.releases.iterdir() if ISSUE_NAME.match(path.name))
        return sorted(found, key=manifest.run_of)

    def whole_releases(self) -> list[Path]:
        """Return every release that is not packed, the oldest first."""
        return self._releases() if self.releases.is_dir() else []

    def _kept(self, in_force: str) -> list[Path]:
        """Return the releases that are kept while `in_force` is, the oldest first.

        They are the newest `keep_issues` by the run time in their names, and the one in force.
        """
        names = {path.name for path in self._releases()}
        found = sorted((self.releases / name for name in names | {in_force}), key=manifest.run_of)
        newest = found[-self.config.output.keep_issues :]
        return [path for path in found if path in newest or path.name == in_force]

    def _linked(self, bulletin: Bulletin) -> tuple[Issue, ...]:
        """Return the earlier issues of a bulletin whose pages are there once it is published."""
        there = self._with_pages(self._kept(bulletin.issue.id))
        return tuple(issue for issue in bulletin.earlier if issue.id in there)

    def _with_pages(self, kept: list[Path]) -> list[str]:
        """Return the releases that pages link: the newest, which are never packed."""
        newest = kept[-self.config.keep.whole_issues :]
        return [path.name for path in newest if (path / HOME).is_file()]

    def _prune(self) -> None:
        """Remove the oldest releases beyond `keep_issues`; first the list says which are kept."""
        in_force = self.link.resolve()
        kept = self._kept(in_force.name)
        files = manifest.files_of(self.link)[1]
        content = {
            "schema": RELEASES_SCHEMA,
            "issues": self._with_pages(kept),
            "pages": sorted(page for page in files if page.endswith(".html")),
        }
        write_whole(self.folder / RELEASES, json.dumps(content))
        for old in self._releases():
            if old not in kept and old.resolve() != in_force:
                remove_release(old)


def _linked_channels(bulletin: Bulletin, files: Files) -> tuple[Channel, ...]:
    """Return the channels that web pages link: those with files in this release."""
    there = {"web", *(entry["channel"] for entry in files.values())}
    return tuple(each for each in bulletin.channels if each in there)
