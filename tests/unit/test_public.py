"""Does the web application serve the public files, and nothing else?"""

from __future__ import annotations

import gzip
import json
import os
import posixpath
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from werkzeug.test import TestResponse

from forecast.config import Config
from forecast.domain import Cycle
from forecast.service.web import public
from products.packing import pack_old
from products.publish import Publisher
from tests.e2e.past_releases import one_site, publish
from tests.e2e.sample_bulletin import ISSUED
from tests.unit.test_feeds import WRONG, bulletin
from tests.unit.test_feeds import config as settings_of
from tests.web_world import WebWorld, web_world


@pytest.fixture(scope="module")
def world(config: Config, tmp_path_factory: pytest.TempPathFactory) -> WebWorld:
    return published(config, tmp_path_factory.mktemp("public"))


def published(settings: Config, folder: Path) -> WebWorld:
    """Return the application with the sample's bulletin published."""
    made = web_world(settings, folder)
    made.now = ISSUED + timedelta(hours=1)
    Publisher(made.world.config).publish(bulletin(settings_of()))
    return made


@pytest.fixture
def client(world: WebWorld) -> FlaskClient:
    return world.application.test_client()


@pytest.mark.parametrize(
    ("path", "words", "page"),
    [
        ("", "不再展示", "/current/archive/index.html"),
        ("en/sites/jinding/", "no longer shown", "/current/en/archive/index.html"),
    ],
)
def test_a_packed_issue_says_that_it_was_packed_and_where_the_list_is(
    config: Config, tmp_path: Path, path: str, words: str, page: str
) -> None:
    made = published(config, tmp_path)
    client = made.application.test_client()
    packed = made.world.config.output.folder / "archive" / "gfs-2026110100.tar.xz"
    packed.write_bytes(b"packed")

    answer = client.get(f"/archive/gfs-2026110100/{path}")
    data = client.get("/archive/gfs-2026110100/api/v2/today.json")

    assert answer.status_code == 410
    assert words in answer.text
    assert f'<a href="{page}">' in answer.text
    assert client.get(page).status_code == 200
    assert (data.status_code, data.mimetype) == (410, "application/json")
    assert client.get("/archive/gfs-2026110106/").status_code == 404  # it never was


def test_after_packing_no_page_that_is_served_links_what_is_gone(
    config: Config, tmp_path: Path
) -> None:
    """Every page of every issue that is still whole, each read at its own address."""
    made = web_world(config, tmp_path)
    folder = made.world.config.output.folder
    settings = one_site(folder)
    output = settings.output.model_copy(update={"keep_issues": 9})
    keep = settings.keep.model_copy(update={"whole_issues": 2})
    settings = settings.model_copy(update={"output": output, "keep": keep})
    first, second, third = publish(settings)
    assert pack_old(Publisher(settings)) == (first.id,)
    client = made.application.test_client()

    def got(path: str, number: int) -> TestResponse:  # each reader has a limit of requests
        reader = {"REMOTE_ADDR": f"10.0.{number // 200}.{number % 200 + 1}"}
        return client.get(path, follow_redirects=True, environ_overrides=reader)

    links: set[tuple[str, str]] = set()
    for issue in (second, third):
        release = folder / "archive" / issue.id
        for file in sorted(release.rglob("*.html")):
            at = f"/archive/{issue.id}/{file.relative_to(release).as_posix()}"
            answer = got(at, len(links))
            found = re.findall(r'href="(?!data:)([^"#:]+)', answer.text)
            links |= {(answer.request.path, link) for link in found}
    dead = []
    for number, (here, link) in enumerate(sorted(links)):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), link))
        if got(target + "/" * link.endswith("/"), number).status_code != 200:
            dead.append(f"{here} -> {link}")

    assert len(links) > 100
    assert dead == []
    for path in ("archive/index.html", "en/archive/", "en/archive/index.html"):
        answer = client.get(f"/archive/{second.id}/{path}")
        assert (answer.status_code, answer.headers["Location"]) == (
            302,
            f"/current/{path.removesuffix('index.html')}index.html",
        )


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("", "text/html; charset=utf-8"), ("index.html", "text/html; charset=utf-8"),
        ("en/sites/jinding/", "text/html; charset=utf-8"),
        ("sms.txt", "text/plain; charset=utf-8"),
        ("static/skyscape.css", "text/css; charset=utf-8"),
        ("static/skyscape.js", "text/javascript; charset=utf-8"),
        ("static/mark.svg", "image/svg+xml; charset=utf-8"),
        ("feeds/all.atom", "application/atom+xml; charset=utf-8"),
        ("en/feeds/all.json", "application/feed+json"),
        ("calendar/all-70.ics", "text/calendar; charset=utf-8"),
        ("sites.geojson", "application/geo+json"),
        ("api/v2/today.json", "application/json"),
    ],
)  # fmt: skip
def test_a_file_has_its_type_and_an_etag_by_which_it_is_not_sent_again(
    world: WebWorld, client: FlaskClient, path: str, media: str
) -> None:
    first = client.get(f"/current/{path}")
    again = client.get(f"/current/{path}", headers={"If-None-Match": first.headers["ETag"]})
    other = client.get(f"/current/{path}", headers={"If-None-Match": '"other"'})

    assert (first.status_code, first.headers["Content-Type"]) == (200, media)
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in first.headers
    assert (again.status_code, again.data) == (304, b"")
    assert other.data == first.data
    if path and not path.endswith("/"):
        folder = world.world.config.output.folder
        assert first.data == (folder / "current" / path).read_bytes()


def test_text_is_compressed_where_the_reader_takes_that_and_its_etag_tells(
    client: FlaskClient,
) -> None:
    plain = client.get("/current/index.html")
    packed = client.get("/current/index.html", headers={"Accept-Encoding": "gzip, br"})
    refused = client.get("/current/index.html", headers={"Accept-Encoding": "gzip;q=0"})
    picture = client.get("/current/cards/index.png", headers={"Accept-Encoding": "gzip"})

    assert gzip.decompress(packed.data) == plain.data == refused.data
    assert len(packed.data) < len(plain.data) / 3
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in picture.headers
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert packed.headers["ETag"] != plain.headers["ETag"]
    again = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert client.get("/current/index.html", headers=again).status_code == 304
    cut = client.get(
        "/current/index.html", headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"}
    )
    assert cut.data == plain.data[:10]


def test_data_may_be_read_by_pages_of_others_and_pages_may_not_be_framed_by_them(
    client: FlaskClient,
) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET",
             "Access-Control-Request-Headers": "if-none-match"}  # fmt: skip
    for path in ("api/v2/today.json", "feeds/all.atom", "en/calendar/all.ics", "sites.geojson"):
        for answer in (
            client.get(f"/current/{path}"), client.options(f"/current/{path}", headers=asked),
            client.get(f"/current/{path.replace('all', 'none')}"),
        ):  # fmt: skip
            assert answer.headers["Access-Control-Allow-Origin"] == "*", path
            assert "If-None-Match" in answer.headers["Access-Control-Allow-Headers"]
            assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert client.post(f"/current/{path}").status_code in (400, 405)
    page = client.get("/current/index.html")
    assert "Access-Control-Allow-Origin" not in page.headers
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/current/manifest.json", "/current/../lock", "/current/%2e%2e/lock", "/current/none.html",
        "/current/..%2f..%2farchive.db", "/current/etc/passwd", "/current/static",
        "/archive/", "/archive/../current/index.html", "/archive/.new-x/index.html",
        "/archive/gfs-2026112200/manifest.json", "/archive/gfs-2000010100/index.html", "/lock",
        "/live.json", "/current/sites/..\\..\\x", "/current/\x00",
    ],
)  # fmt: skip
def test_nothing_but_the_files_of_a_release_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_an_earlier_issue_and_what_pages_ask_for_beside_it_are_served(client: FlaskClient) -> None:
    archived = client.get("/archive/gfs-2026112200/index.html")
    beside = client.get("/releases.json")

    assert archived.data == client.get("/current/index.html").data
    assert beside.json is not None
    assert beside.json["issues"] == ["gfs-2026112200"]
    assert beside.headers["Access-Control-Allow-Origin"] == "*"


def test_data_past_their_time_are_expired_and_have_another_etag(world: WebWorld) -> None:
    client, before = world.application.test_client(), world.now
    for path in ("api/v2/today.json", "sites.geojson"):
        first = client.get(f"/current/{path}")
        world.now = ISSUED + timedelta(hours=17)
        late = client.get(f"/current/{path}", headers={"If-None-Match": first.headers["ETag"]})
        again = client.get(f"/current/{path}", headers={"If-None-Match": late.headers["ETag"]})
        world.now = before

        assert (first.json or {})["status"] == "current"
        assert (late.json or {})["status"] == "expired"
        assert (late.json or {}) | {"status": "current"} == first.json
        assert again.status_code == 304


def test_a_new_issue_and_a_withdrawal_are_seen_at_once(config: Config, tmp_path: Path) -> None:
    world = published(config, tmp_path)
    client = world.application.test_client()
    publisher = Publisher(world.world.config)
    first = client.get("/current/api/v2/today.json")

    made = bulletin(settings_of(), 1)
    run = made.issue.cycle.run + timedelta(hours=6)
    issue = replace(made.issue, id="gfs-2026112206", number=43, cycle=Cycle(run))
    publisher.publish(replace(made, issue=issue))
    second = client.get("/current/api/v2/today.json")
    publisher.withdraw(issue, WRONG)
    third = client.get("/current/api/v2/today.json")

    assert [(each.json or {})["issue"] for each in (first, second, third)] == [
        "gfs-2026112200", "gfs-2026112206", "gfs-2026112206",
    ]  # fmt: skip
    assert (third.json or {})["status"] == "withdrawn"
    for path in ("feeds/all.atom", "en/feeds/jinding.json", "calendar/lingshan-30.ics",
                 "sites.geojson", "api/v2/sites/lingshan.json"):  # fmt: skip
        shown = client.get(f"/current/{path}").get_data(as_text=True)
        assert "有误" in shown or "CANCELLED" in shown, path
        assert '"probability"' not in shown, path
        archived = client.get(f"/archive/gfs-2026112206/{path}").get_data(as_text=True)
        assert "有误" in archived or "CANCELLED" in archived, path


def test_without_an_issue_there_is_nothing(config: Config, tmp_path: Path) -> None:
    client = web_world(config, tmp_path).application.test_client()

    for path in ("/current/", "/current/api/v2/today.json", "/releases.json"):
        assert client.get(path).status_code == 404


def test_a_link_out_of_a_release_is_not_followed(config: Config, tmp_path: Path) -> None:
    world = published(config, tmp_path)
    release = world.world.config.output.folder / "current"
    os.symlink("/etc/hostname", release / "static" / "hostname")

    assert world.application.test_client().get("/current/static/hostname").status_code == 404


def test_the_served_data_keep_their_description(world: WebWorld) -> None:
    """Schemathesis: each operation with names that are there, and with any."""
    document = json.loads(world.application.test_client().get("/current/api/v2/openapi.json").data)
    document["servers"] = [{"url": "/current"}]
    schema = schemathesis.openapi.from_dict(document)
    schema.app = world.application
    called = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=8, deadline=None, database=None,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy())
        def holds(case: schemathesis.Case) -> None:
            case.call_and_validate(headers={"Accept-Encoding": "identity"})

        holds()
        called.add(operation.path)
    assert called == document["paths"].keys()
    assert CHECKS


def test_readers_keep_a_file_for_a_minute() -> None:
    assert public.FRESH == 60
