"""What do readers find when publishing fails? The whole old site or the whole new one."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from forecast import phenomena
from forecast.archive.issues import Archive
from forecast.commands.world import open_archive
from forecast.config import Config
from forecast.domain import Atmosphere
from forecast.errors import ArchiveUnusable, PublishError
from forecast.ingest.grib import reader
from forecast.issue.lifecycle import Lifecycle
from forecast.review import Account
from forecast.settings import CHANNELS, Channel
from products import channels
from products.bulletin import Bulletin
from products.pages.templating import Page
from products.publish import Publisher
from tests.faults.one_site import RUN, carry, decoded, small, world

KILLS = 50  # one in each part of a run, at random in it


@pytest.fixture(scope="module")
def atmosphere(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Atmosphere:
    folder = tmp_path_factory.mktemp("cycle")
    return decoded(small(config, folder), folder / "bucket")


def files_of(folder: Path) -> dict[str, bytes]:
    """Everything under a folder but the lock, links followed once."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_same_cycle_published_twice_changes_nothing(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    settings = small(config, tmp_path)
    first = carry(settings, atmosphere, 0)
    before = files_of(tmp_path / "site")

    again = carry(settings, atmosphere, 0)

    assert first.exit_code == again.exit_code == 0
    assert {receipt.outcome for receipt in again.receipts} == {"unchanged"}
    assert files_of(tmp_path / "site") == before
    assert [issue.id for issue in Archive(settings.archive.url).issues()] == ["gfs-2026112200"]


def test_every_issue_stays_in_the_archive_as_it_was(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    settings = small(config, tmp_path)
    carry(settings, atmosphere, 0)
    before = files_of(tmp_path / "site" / "archive" / "gfs-2026112200")

    carry(settings, atmosphere, 1)

    assert (tmp_path / "site" / "current").resolve().name == "gfs-2026112206"
    assert files_of(tmp_path / "site" / "archive" / "gfs-2026112200") == before


def test_a_damaged_site_is_published_anew(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    settings = small(config, tmp_path)
    carry(settings, atmosphere, 0)
    index = tmp_path / "site" / "current" / "index.html"
    whole = index.read_bytes()
    index.write_bytes(whole[:100])

    carry(settings, atmosphere, 0)

    assert index.read_bytes() == whole
    assert Publisher(settings).holds("gfs-2026112200")


def test_a_failing_channel_keeps_its_last_pages_and_stops_no_other(
    config: Config, atmosphere: Atmosphere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = small(config, tmp_path)
    carry(settings, atmosphere, 0)
    article = (tmp_path / "site" / "current" / "wechat" / "article.html").read_bytes()
    real = channels.render

    def failing(bulletin: Bulletin, channel: Channel) -> Iterator[Page]:
        if channel == "wechat":
            raise PublishError("the article is too long")
        return real(bulletin, channel)

    monkeypatch.setattr(channels, "render", failing)
    report = carry(settings, atmosphere, 1)

    outcomes = {receipt.channel: receipt.outcome for receipt in report.receipts}
    assert outcomes == dict.fromkeys(CHANNELS, "published") | {"wechat": "failed"}
    assert report.exit_code == 6
    assert (tmp_path / "site" / "current" / "wechat" / "article.html").read_bytes() == article
    manifest = json.loads((tmp_path / "site" / "current" / "manifest.json").read_text())
    assert manifest["files"]["wechat/article.html"]["issue"] == "gfs-2026112200"
    assert manifest["files"]["index.html"]["issue"] == "gfs-2026112206"


def test_a_channel_that_needs_a_signature_stays_closed_without_one(
    config: Config, atmosphere: Atmosphere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = small(config, tmp_path)
    closed = settings.issuer.model_copy(update={"signature_required": ("wechat", "sms")})
    settings = settings.model_copy(update={"issuer": closed})

    report = carry(settings, atmosphere, 0)

    assert {receipt.channel for receipt in report.receipts if receipt.outcome == "withheld"} == {
        "wechat",
        "sms",
    }
    assert not (tmp_path / "site" / "current" / "wechat" / "article.html").exists()
    assert not (tmp_path / "site" / "current" / "sms.txt").exists()

    monkeypatch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
    lives, ours, now = Lifecycle(), world(settings, RUN), RUN + timedelta(hours=6)
    draft = lives.make_draft(ours, now, now)
    opened = lives.sign(ours, draft, draft.version, Account("wang", "王一", "forecaster"), now)
    assert {receipt.outcome for receipt in opened.receipts} == {"published"}
    assert (tmp_path / "site" / "current").resolve().name == "gfs-2026112200-2"


def test_a_phenomenon_that_cannot_be_computed_is_left_out_and_named(
    config: Config, atmosphere: Atmosphere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = small(config, tmp_path)

    def broken(*_: object) -> object:
        raise ValueError("no deck in this column")

    monkeypatch.setattr(phenomena.modules()[1], "derive", broken)
    report = carry(settings, atmosphere, 0)

    assert report.failed_phenomena == ("cloud_sea",)
    assert report.exit_code == 6
    shown = json.loads(
        (tmp_path / "site" / "current" / "api" / "v1" / "forecasts.json").read_text()
    )["forecasts"]
    by_phenomenon = {forecast["phenomenon"]: forecast for forecast in shown}
    assert by_phenomenon["sea_of_clouds"]["probability"] is None
    assert by_phenomenon["starry_sky"]["probability"] is not None


def test_a_full_disk_leaves_the_old_site(
    config: Config, atmosphere: Atmosphere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = small(config, tmp_path)
    carry(settings, atmosphere, 0)
    before = files_of(tmp_path / "site" / "current")
    real, written = os.fsync, []

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 5:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PublishError, match="No space left"):
        carry(settings, atmosphere, 1)
    monkeypatch.undo()

    assert files_of(tmp_path / "site" / "current") == before
    carry(settings, atmosphere, 1)
    assert [
        path.name for path in (tmp_path / "site" / "archive").iterdir() if path.name.startswith(".")
    ] == []


def test_two_processes_never_publish_at_once(config: Config, tmp_path: Path) -> None:
    settings = small(config, tmp_path)
    with (
        Publisher(settings).exclusive(),
        pytest.raises(PublishError, match="another process"),
        Publisher(settings).exclusive(),
    ):
        pass


def test_a_withdrawal_waits_for_a_process_that_publishes(config: Config, tmp_path: Path) -> None:
    settings, waited = small(config, tmp_path), []

    def other() -> None:
        with Publisher(settings).exclusive(wait=60):
            waited.append(True)

    with Publisher(settings).exclusive():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.3)
        assert waited == []
    thread.join(60)

    assert waited == [True]


def test_a_folder_in_the_place_of_the_link_is_not_deleted(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    settings = small(config, tmp_path)
    (tmp_path / "site" / "current").mkdir(parents=True)
    (tmp_path / "site" / "current" / "mine.txt").write_text("mine")

    with pytest.raises(PublishError, match="is no link of this service"):
        carry(settings, atmosphere, 0)

    assert (tmp_path / "site" / "current" / "mine.txt").read_text() == "mine"


def test_only_the_newest_issues_are_kept(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    settings = small(config, tmp_path)
    settings = settings.model_copy(
        update={"output": settings.output.model_copy(update={"keep_issues": 2})}
    )

    for number in range(4):
        carry(settings, atmosphere, number)

    assert sorted(path.name for path in (tmp_path / "site" / "archive").iterdir()) == [
        "gfs-2026112212",
        "gfs-2026112218",
    ]


def test_killed_at_any_instant_a_reader_meets_the_old_site_or_the_new_one(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    settings = small(config, tmp_path)
    site, chance = tmp_path / "site", random.Random(20261122)
    begun = time.monotonic()
    carry(settings, atmosphere, 0)
    whole_run = time.monotonic() - begun
    in_force, reached = "gfs-2026112200", 0

    for number in range(1, KILLS + 1):
        child = os.fork()
        if child == 0:  # the run that dies
            try:
                carry(settings, atmosphere, number)
            finally:
                os._exit(0)
        time.sleep(whole_run * (number - chance.random()) / KILLS)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

        publisher = Publisher(settings)
        now = publisher.current()
        new = f"gfs-{RUN + timedelta(hours=6 * number):%Y%m%d%H}"
        assert now in (in_force, new), f"kill {number}: neither the old site nor the new one"
        assert publisher.holds(now), f"kill {number}: half a site"
        assert (
            json.loads((site / "current" / "api" / "v1" / "status.json").read_text())["issue"]
            == now
        )
        reached += now != in_force
        in_force = now

    last = carry(settings, atmosphere, KILLS + 1)
    left = [
        path.name
        for path in (*site.iterdir(), *(site / "archive").iterdir())
        if path.name.startswith(".")
    ]
    assert last.exit_code == 0
    assert left == [], "the next run clears what the killed ones left"
    issues = Archive(settings.archive.url).issues()
    assert len(issues) == reached + 2, "every issue that readers met is kept, and no other"
    assert [issue.number for issue in reversed(issues)] == list(range(1, reached + 3))


def test_settings_changed_and_changed_back_never_write_over_an_issue(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    one = small(config, tmp_path)
    other = one.model_copy(
        update={"forecast": one.forecast.model_copy(update={"grades": (0.2, 0.4, 0.6, 0.8)})}
    )
    carry(one, atmosphere, 0)
    before = files_of(tmp_path / "site" / "archive" / "gfs-2026112200")

    carry(other, atmosphere, 0)
    carry(one, atmosphere, 0)

    assert (tmp_path / "site" / "current").resolve().name == "gfs-2026112200-3"
    assert files_of(tmp_path / "site" / "archive" / "gfs-2026112200") == before
    assert [issue.number for issue in Archive(one.archive.url).issues()] == [3, 2, 1]


def test_with_its_archive_begun_anew_the_service_goes_on_counting_and_writes_over_nothing(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    settings = small(config, tmp_path)
    carry(settings, atmosphere, 0)
    carry(settings, atmosphere, 1)
    before = files_of(tmp_path / "site" / "archive")
    for lost in tmp_path.glob("archive.db*"):
        lost.unlink()

    with pytest.raises(ArchiveUnusable, match="2 released issues"):
        carry(settings, atmosphere, 1)
    open_archive(settings, rebuild=True)
    again = carry(settings, atmosphere, 1)
    following = carry(settings, atmosphere, 2)

    assert {receipt.outcome for receipt in again.receipts} == {"unchanged"}
    assert following.issue.number == 3
    after = files_of(tmp_path / "site" / "archive")
    assert {name: after[name] for name in before} == before


def test_a_newly_opened_channel_is_served(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    settings = small(config, tmp_path)
    few = settings.model_copy(
        update={"output": settings.output.model_copy(update={"channels": ("web",)})}
    )
    carry(few, atmosphere, 0)

    report = carry(settings, atmosphere, 0)

    assert {receipt.outcome for receipt in report.receipts} == {"published"}
    assert (tmp_path / "site" / "current" / "wechat" / "article.html").is_file()
