"""Are the pages of a site without files the bytes that the publisher would have written?"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import xarray as xr
from PIL import Image

from forecast.config import Config
from forecast.errors import PublishError
from forecast.review import Review, Withdrawal
from forecast.settings import Channel
from products import served
from products.bulletin import Bulletin
from products.issue_data import IssueData
from products.pages.json_page import time_text
from products.plain_data import Coder
from products.publish import Publisher
from tests.e2e.sample_bulletin import ISSUED
from tests.unit.test_feeds import bulletin
from tests.unit.test_feeds import config as settings_of
from tests.web_world import WebWorld, web_world

CHANNELS: tuple[Channel, ...] = ("web", "display", "widget", "api", "feeds", "calendar")
PLACES = (
    "sites/{}/index.html", "display/{}.html", "widget/{}.html", "feeds/{}.json", "feeds/{}.atom",
    "calendar/{}.ics", "calendar/{}-30-alarm.ics",
)  # fmt: skip


def settings(folder: Path, static: int, withheld: tuple[Channel, ...] = ()) -> Config:
    made = settings_of()
    output = {"folder": folder, "static_sites": static, "channels": CHANNELS}
    issuer = {"signature_required": withheld}
    return made.model_copy(
        update={
            "output": made.output.model_copy(update=output),
            "issuer": made.issuer.model_copy(update=issuer),
        }
    )


def issue(hours: int = 0, static: int = 1) -> Bulletin:
    made = bulletin(settings_of(), hours, chances=0.9 if hours else 1.0)
    number = made.issue.number + hours
    named = replace(made.issue, id=f"{made.issue.id}-{number}" if hours else made.issue.id)
    return replace(
        made, issue=replace(named, number=number), channels=CHANNELS, static_sites=static
    )


@dataclass
class Both:
    """The same issues published with every site as files, and with the first alone."""

    files: Publisher
    data: Publisher

    def publish(self, made: Bulletin) -> None:
        for publisher in (self.files, self.data):
            static = publisher.config.output.static_sites
            publisher.publish(replace(made, static_sites=static))

    def pairs(
        self, site: str, release: str = "current"
    ) -> Iterator[tuple[str, bytes, bytes | None]]:
        """Yield each path of a site, its file in one release and what is served of the other."""
        paths = [prefix + each.format(site) for prefix in ("", "en/") for each in PLACES]
        for path in (*paths, f"api/v2/sites/{site}.json"):
            of_data = (self.data.folder / release).resolve()
            assert not (of_data / path).exists()
            body = (self.files.folder / release / path).read_bytes()
            yield path, body, served.page(of_data, path, self.data.config)


class Blank:
    """A picture of nothing: what is drawn for the first sites does not matter here."""

    def png(self) -> bytes:
        body = io.BytesIO()
        Image.new("L", (900, 600), 128).save(body, "PNG")
        return body.getvalue()


@pytest.fixture(autouse=True)
def no_stills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("products.channels.display.still", lambda *_: Blank())


@pytest.fixture
def both(tmp_path: Path) -> Both:
    return Both(
        Publisher(settings(tmp_path / "files", 500)), Publisher(settings(tmp_path / "data", 1))
    )


def test_pages_of_a_site_without_files_are_those_that_would_have_been_written(both: Both) -> None:
    both.publish(issue())
    sites = issue().site_ids

    for path, written, made in both.pairs(sites[1]):
        assert made == written, path
    first = both.data.folder / "current" / "sites" / sites[0] / "index.html"
    assert first.is_file()
    assert both.data.holds(issue().issue.id)


def test_feeds_and_calendars_keep_their_dates_over_issues(both: Both) -> None:
    for hours in (0, 2):
        both.publish(issue(hours))
    site = issue().site_ids[1]

    found = {path: (written, made) for path, written, made in both.pairs(site)}

    assert all(written == made for written, made in found.values())
    items = json.loads(found[f"feeds/{site}.json"][0])["items"]
    begun = time_text(issue().issue.issued)
    assert {item["date_published"] for item in items} == {begun}


def test_a_withdrawn_issue_is_withdrawn_on_served_pages_too(both: Both) -> None:
    made = issue()
    withdrawal = Withdrawal(ISSUED + timedelta(hours=1), "王一", "雷达资料有误", "wang")
    both.publish(made)
    for publisher in (both.files, both.data):
        publisher.withdraw(made.issue, withdrawal)
    site = made.site_ids[1]

    for release in ("current", f"archive/{made.issue.id}"):
        for path, written, found in both.pairs(site, release):
            assert found == written, (release, path)


def test_a_corrected_issue_says_so_on_served_pages_of_the_archive(both: Both) -> None:
    first = issue()
    number = first.issue.number
    later = replace(
        issue(2),
        review=Review("王一", corrects=number, reason="阵风偏小"),
        earlier=(replace(first.issue, published=True),),
    )
    both.publish(first)
    both.publish(later)

    for path, written, found in both.pairs(first.site_ids[1], f"archive/{first.issue.id}"):
        assert found == written, path


def test_a_channel_that_waits_keeps_the_served_pages_of_the_issue_before(tmp_path: Path) -> None:
    folder, site = tmp_path / "site", issue().site_ids[1]
    Publisher(settings(folder, 1)).publish(issue())
    before = served.page((folder / "current").resolve(), f"widget/{site}.html", settings(folder, 1))
    later = Publisher(settings(folder, 1, withheld=("widget",)))
    later.publish(issue(2))

    current = (folder / "current").resolve()
    assert served.page(current, f"widget/{site}.html", later.config) == before
    page = served.page(current, f"sites/{site}/index.html", later.config)
    assert page is not None
    assert issue(2).issue.id.encode() in page


def test_damaged_data_are_noticed_and_named(both: Both) -> None:
    made = issue()
    both.data.publish(made)
    path = both.data.link.resolve() / "data" / f"{made.issue.id}.zip"
    path.write_bytes(path.read_bytes()[:-40])

    assert not both.data.holds(made.issue.id)
    with pytest.raises(PublishError, match="publish it again"):
        IssueData(path)


def test_a_type_without_a_plain_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no plain form"):
        Coder().plain(xr.Dataset, xr.Dataset())


@pytest.fixture
def web(config: Config, tmp_path: Path) -> WebWorld:
    made = web_world(config, tmp_path)
    made.now = ISSUED + timedelta(hours=1)
    output = made.world.config.output.model_copy(update={"channels": CHANNELS, "static_sites": 1})
    Publisher(made.world.config.model_copy(update={"output": output})).publish(issue())
    return made


def test_the_web_application_serves_them_with_what_a_browser_needs_to_keep_them(
    web: WebWorld,
) -> None:
    client, site = web.application.test_client(), issue().site_ids[1]

    first = client.get(f"/current/en/sites/{site}/")
    again = client.get(
        f"/current/en/sites/{site}/", headers={"If-None-Match": first.headers["ETag"]}
    )
    since = client.get(
        f"/current/sites/{site}/", headers={"If-Modified-Since": first.headers["Last-Modified"]}
    )
    data = client.get(f"/current/api/v2/sites/{site}.json")
    archived = client.get(f"/archive/{issue().issue.id}/widget/{site}.html")

    packed = client.get(f"/current/en/sites/{site}/", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == first.data
    assert len(packed.data) < len(first.data) / 3
    assert packed.headers["ETag"] != first.headers["ETag"]
    assert all("Accept-Encoding" in each.headers["Vary"] for each in (first, packed))
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert first.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (again.status_code, again.data, since.status_code) == (304, b"", 304)
    assert data.headers["Access-Control-Allow-Origin"] == "*"
    assert json.loads(data.data)["status"] == "current"
    assert archived.status_code == 200
    web.now = ISSUED + timedelta(days=30)
    expired = client.get(f"/current/api/v2/sites/{site}.json")
    assert json.loads(expired.data)["status"] == "expired"
    assert expired.headers["ETag"] != data.headers["ETag"]


@pytest.mark.parametrize(
    "path", ["sites/nowhere/", "feeds/nowhere.json", "sites/..%2Flingshan/", "data/x.zip", "data/"]
)
def test_nothing_else_is_served_from_the_data(web: WebWorld, path: str) -> None:
    client = web.application.test_client()

    assert client.get(f"/current/{path}").status_code == 404
    assert client.get(f"/current/data/{issue().issue.id}.zip").status_code == 404
