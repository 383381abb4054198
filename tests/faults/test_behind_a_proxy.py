"""What if a server that speaks TLS stands before the service, below a path? All of it, tried."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
import segno

from forecast.archive.accounts import Audit
from forecast.config import Config
from forecast.service.web.server import WebServer
from tests.faults.one_site import RUN, world
from tests.faults.reverse_proxy import BASE, HOST, Visitor, proxied
from tests.report_world import MORNING, answers, report_settings
from tests.web_world import PASSWORD, WebWorld, token_of

ADDRESS = f"https://{HOST}{BASE}"


@pytest.fixture(scope="module", params=["the path is stripped", "the path is passed on"])
def before(
    request: pytest.FixtureRequest, config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[WebWorld, Visitor]]:
    settings = report_settings(config, tmp_path_factory.mktemp("web"), visitors=True)
    web = settings.web.model_copy(update={"port": 0, "base_url": ADDRESS, "trusted_proxies": 1})
    service = settings.service.model_copy(update={"web": web})
    ours = WebWorld(world(settings.model_copy(update={"service": service}), RUN), now=MORNING)
    ours.add_people("admin")
    server = WebServer(ours.application, web)
    threading.Thread(target=server.serve, daemon=True).start()
    with proxied(server.port, strip=request.param == "the path is stripped") as port:
        visitor = Visitor(port)
        form = {
            "csrf": token_of(visitor.get(f"{BASE}/desk/login").text),
            "account": "admin",
            "password": PASSWORD,
        }
        answer = visitor.post(f"{BASE}/desk/login", form)
        assert (answer.status, answer.location) == (303, f"{BASE}/desk/")
        yield ours, visitor
    server.close()


def test_every_address_of_a_page_lies_below_the_base_path(before: tuple[WebWorld, Visitor]) -> None:
    """Links, forms, scripts and pictures; the static files are there."""
    _, visitor = before

    for path in ("desk/", "desk/reports", "desk/links", "desk/changes", "report/", "nothing"):
        page = visitor.get(f"{BASE}/{path}").text
        values = re.findall(r'(?:href|src|action|data-\w+)="(/[^"]*)"', page)
        found = [each for value in values for each in value.split()]
        assert found, path
        assert [each for each in found if not each.startswith(f"{BASE}/")] == [], path
        for static in {each for each in found if "/static/" in each}:
            assert visitor.get(static).status == 200, static


def test_cookies_and_the_way_to_the_login_hold_the_base_path(
    before: tuple[WebWorld, Visitor],
) -> None:
    ours, visitor = before
    stranger = Visitor(visitor.port)

    led = stranger.get(f"{BASE}/desk/reports")

    assert (led.status, led.location) == (302, f"{BASE}/desk/login?next=/desk/reports")
    paths = {name: path for name, (_, path) in visitor.cookies.items()}
    assert paths == {"skyscape_session": BASE, "skyscape_device": f"{BASE}/desk/login"}
    assert Audit(ours.world.archive).last(1)[0].address == "198.51.100.7"


def test_a_change_needs_its_token_and_leads_on_below_the_base_path(
    before: tuple[WebWorld, Visitor],
) -> None:
    _, visitor = before
    form = {"site": "jinding", "holder": "李护林"}
    assert visitor.post(f"{BASE}/desk/links", {**form, "csrf": "invented"}).status == 400
    token = token_of(visitor.get(f"{BASE}/desk/links").text)

    made = visitor.post(f"{BASE}/desk/links", {**form, "csrf": token})

    assert made.status == 303
    assert made.location.startswith(f"{BASE}/desk/links/")
    page = visitor.get(made.location).text
    [address] = re.findall(r'class="address">([^<]+)', page)
    assert address.startswith(f"{ADDRESS}/report/")
    code = segno.make(address, error="m", micro=False)
    path = re.search(r' d="([^"]+)"', code.svg_inline(omitsize=True, lineclass=None, border=4))
    assert path is not None
    assert path.group(1) in page  # the QR code leads there, too


def test_a_report_by_a_link_arrives_and_its_thanks_lie_below_the_base_path(
    before: tuple[WebWorld, Visitor],
) -> None:
    _, visitor = before
    ranger = Visitor(visitor.port)

    sent = ranger.post(f"{BASE}/report/?site=jinding", answers(sea_of_clouds="sea"))

    assert sent.status == 303
    assert sent.location.startswith(f"{BASE}/report/thanks/")
    assert ranger.get(sent.location).status == 200
    worker = ranger.get(f"{BASE}/report/sw.js")
    assert (worker.status, "VERSION" in worker.text) == (200, True)


def test_whoever_leaves_is_led_to_the_login_below_the_base_path(
    before: tuple[WebWorld, Visitor],
) -> None:
    _, visitor = before
    token = token_of(visitor.get(f"{BASE}/desk/links").text)

    left = visitor.post(f"{BASE}/desk/logout", {"csrf": token})

    assert (left.status, left.location) == (303, f"{BASE}/desk/login")
    assert visitor.get(f"{BASE}/desk/links").status == 302
