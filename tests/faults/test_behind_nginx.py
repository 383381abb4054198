"""Does the nginx example of docs/deploy do what it says? A real nginx before the real application,
on made-up pages; skipped, visibly, where nginx is not installed.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from forecast.archive.accounts import Audit
from forecast.config import Config
from forecast.service.web.public import POLICY
from forecast.service.web.server import WebServer
from products import manifest
from products.wording import Words
from tests.faults.one_site import RUN, world
from tests.report_world import MORNING, report_settings
from tests.web_world import WebWorld, token_of

PROJECT = Path(__file__).parents[2]
EXAMPLE = PROJECT / "docs" / "deploy" / "nginx.conf"
HOST = "weather.example"
ISSUE = "gfs-2026112200"
PAGES = {
    "index.html": "<!doctype html><title>current</title>",
    "sites/lingshan/index.html": "<!doctype html><title>site</title>",
    "static/skyscape.css": "body {}",
    "static/skyscape.js": "1",
    "static/site.webmanifest": "{}",
    "widget/lingshan.html": "<!doctype html>",
    "cards/index.png": "no picture",
    "api/v2/today.json": '{"status": "current"}',
    "feeds/all.json": "{}",
}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Front:
    """nginx, and what stands behind it."""

    port: int
    behind: WebWorld
    site: Path  # the folder from which nginx serves

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, "", **headers)

    def send(self, method: str, path: str, body: str, **headers: str) -> Answer:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        link = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        link.request(method, path, body or None, {"Host": HOST, **names})
        answer = link.getresponse()
        found = Answer(
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            answer.read().decode(),
        )
        link.close()
        return found


def configuration(folder: Path, port: int, application: int) -> str:
    """Return the example as a whole configuration, its addresses and folders moved to `folder`."""
    text = EXAMPLE.read_text(encoding="utf-8")
    certificate = PROJECT / "tests" / "doubles" / "localhost.pem"
    for written, ours in (
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
        ("listen 80;", f"listen unix:{folder}/plain.socket;"),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("    listen [::]:80;\n", ""),
        ("/etc/ssl/skyscape/fullchain.pem", str(certificate)),
        ("/etc/ssl/skyscape/privkey.pem", str(certificate)),
        ("127.0.0.1:8321;", f"127.0.0.1:{application};"),
        ("root /srv/skyscape/site;", f"root {folder}/site;"),
        ("/var/cache/nginx/skyscape", f"{folder}/cache"),
    ):
        assert written in text, written
        text = text.replace(written, ours)
    return (
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"events {{}}\nhttp {{\naccess_log off;\nclient_body_temp_path {folder}/body;\n"
        f"proxy_temp_path {folder}/proxy;\nfastcgi_temp_path {folder}/f;\n"
        f"uwsgi_temp_path {folder}/u;\nscgi_temp_path {folder}/s;\n{text}\n}}\n"
    )


def write_site(folder: Path) -> None:
    """Write an output folder with one made-up issue in force."""
    release = folder / "site" / "archive" / ISSUE
    for name, content in PAGES.items():
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_text(content, encoding="utf-8")
    (release / manifest.NAME).write_text("{}")
    (folder / "site" / "current").symlink_to(Path("archive") / ISSUE)
    (folder / "site" / "live.json").write_text('{"sites": {}}')
    (folder / "site" / "lock").touch()


@pytest.fixture(scope="module")
def front(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed: its example is not tried")
    # nginx gives up root's rights: nobody else may enter pytest's own folders
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))
    folder.chmod(0o755)
    settings = report_settings(config, tmp_path_factory.mktemp("nginx"), visitors=True)
    address = f"https://{HOST}"
    web = settings.web.model_copy(update={"port": 0, "base_url": address, "trusted_proxies": 1})
    service = settings.service.model_copy(update={"web": web})
    ours = WebWorld(world(settings.model_copy(update={"service": service}), RUN), now=MORNING)
    ours.add_people("admin")
    server = WebServer(ours.application, web)
    threading.Thread(target=server.serve, daemon=True).start()
    write_site(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "nginx.conf").write_text(configuration(folder, port, server.port), encoding="utf-8")
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr, tested.stderr
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, running)
        yield Front(port, ours, folder / "site")
    finally:
        running.terminate()
        running.wait()
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    while running.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("nginx ended")


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/current/", "text/html; charset=utf-8"),
        ("/current/sites/lingshan/", "text/html; charset=utf-8"),
        ("/current/static/skyscape.css", "text/css; charset=utf-8"),
        ("/current/static/skyscape.js", "application/javascript; charset=utf-8"),
        ("/current/static/site.webmanifest", "application/manifest+json"),
        ("/current/cards/index.png", "image/png"),
        (f"/archive/{ISSUE}/", "text/html; charset=utf-8"),
        ("/live.json", "application/json"),
    ],
)
def test_a_page_comes_from_the_disk_with_its_type_and_the_policy_of_the_application(
    front: Front, path: str, media: str
) -> None:
    answer = front.get(path)

    assert (answer.status, answer.headers["content-type"]) == (200, media)
    assert answer.headers["content-security-policy"] == f"{POLICY}frame-ancestors 'self'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert front.get(path, If_None_Match=answer.headers["etag"]).status == 304


def test_a_site_without_files_comes_from_the_application(front: Front) -> None:
    path = "current/sites/elsewhere/index.html"
    folder = front.behind.world.config.output.folder
    (folder / "archive" / ISSUE / "sites" / "elsewhere").mkdir(parents=True)
    (folder / "current").symlink_to(Path("archive") / ISSUE)
    page = folder / path
    page.write_text("<!doctype html><title>made when asked for</title>", encoding="utf-8")

    named = {"sites/elsewhere/index.html": {"sha256": "1", "channel": "web", "issue": ISSUE}}
    (folder / "current" / manifest.NAME).write_text(json.dumps({"issue": ISSUE, "files": named}))

    answer = front.get(f"/{path}")

    assert (answer.status, "made when asked for" in answer.text) == (200, True)
    assert answer.headers["content-security-policy"] == f"{POLICY}frame-ancestors 'self'"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert front.get("/current/sites/nowhere/index.html").status == 404


@pytest.mark.parametrize("path", ["archive/index.html", "archive/", "en/archive/index.html"])
def test_the_list_of_issues_of_a_past_issue_is_that_in_force(front: Front, path: str) -> None:
    answer = front.get(f"/archive/{ISSUE}/{path}")

    assert (answer.status, answer.headers["location"]) == (302, f"/current/{path}")


@pytest.mark.parametrize("path", ["", "sites/lingshan/", "en/index.html", "cards/index.png"])
def test_of_a_packed_issue_the_application_says_that_it_was_packed(front: Front, path: str) -> None:
    packed = "gfs-2026110100.tar.xz"
    for folder in (front.behind.world.config.output.folder, front.site):
        (folder / "archive").mkdir(parents=True, exist_ok=True)
        (folder / "archive" / packed).write_bytes(b"packed")

    answer = front.get(f"/archive/gfs-2026110100/{path}")

    heading = Words("en" if path.startswith("en/") else "zh", ZoneInfo("UTC"))("archive.packed")
    assert (answer.status, f"<h1>{heading}</h1>" in answer.text) == (410, True)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert front.get("/archive/gfs-2026110106/").status == 404


def test_a_picture_of_a_past_issue_is_kept_for_a_day_and_a_widget_may_be_framed(
    front: Front,
) -> None:
    picture = front.get(f"/archive/{ISSUE}/cards/index.png")
    widget = front.get("/current/widget/lingshan.html")

    assert picture.headers["cache-control"] == "public, max-age=86400"
    assert widget.headers["content-security-policy"].endswith("frame-ancestors *")


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/healthz",
        "/metrics",
        "/lock",
        "/current/manifest.json",
        "/archive/.withdrawn-x/index.html",
        "/current/../archive.db",
        "/current/%2e%2e/%2e%2e/nginx.conf",
        "/current/nothing.html",
        "/",
    ],
)
def test_what_is_not_for_the_public_is_not_found(front: Front, path: str) -> None:
    answer = front.get(path)

    if path == "/":
        assert (answer.status, answer.headers["location"]) == (302, "/current/")
    else:
        assert answer.status in (400, 404), answer.text


def test_data_come_from_the_application_which_alone_knows_whether_they_have_expired(
    front: Front,
) -> None:
    """The application serves only what a manifest names: the made-up files are not there."""
    for path in ("/current/api/v2/today.json", "/current/feeds/all.json", "/current/sites.geojson"):
        answer = front.get(path)

        assert answer.status == 404, path
        assert answer.headers["access-control-allow-origin"] == "*"
        assert re.findall("strict", ",".join(answer.headers)) == ["strict"]


def test_the_desk_is_reached_and_knows_the_real_address_whatever_a_visitor_invents(
    front: Front,
) -> None:
    invented = {
        "X_Forwarded_For": "203.0.113.9",
        "X_Forwarded_Host": "evil.example",
        "X_Forwarded_Proto": "http",
        "X_Forwarded_Prefix": "/evil",
    }

    page = front.get("/desk/login", **invented)
    assert (page.status, "evil" in page.text) == (200, False)
    cookie = page.headers["set-cookie"].partition(";")[0]
    assert "Secure" in page.headers["set-cookie"]
    form = f"csrf={token_of(page.text)}&account=admin&password=wrong"
    answer = front.send(
        "POST",
        "/desk/login",
        form,
        Cookie=cookie,
        Referer=f"https://{HOST}/desk/login",
        Content_Type="application/x-www-form-urlencoded",
        **invented,
    )

    assert answer.status != 303
    assert Audit(front.behind.world.archive).last(1)[0].address == "127.0.0.1"
    led = front.get("/desk/reports", **invented)
    assert (led.status, led.headers["location"]) == (302, "/desk/login?next=/desk/reports")


def test_reports_of_visitors_and_static_files_of_the_application_are_reached(front: Front) -> None:
    assert front.get("/report/").status == 200
    assert front.get("/static/report.css").status == 200
    assert front.get("/report").headers["location"] == "/report/"
