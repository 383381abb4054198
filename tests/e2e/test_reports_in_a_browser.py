"""A ranger reports with a real browser: without a network, without script, in both languages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from forecast.archive.outcomes import Outcomes
from forecast.archive.reports import FieldReport, Reports
from forecast.config import Config
from forecast.learning.truth_from_phones import settle
from forecast.service.web.server import WebServer
from tests.faults.one_site import RUN, world
from tests.report_world import MORNING, answers, make_link, report_settings, report_world
from tests.unit.test_photos import picture
from tests.web_world import WebWorld, csrf_of

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
SMALLEST = 44  # [pixel] of a target


@pytest.fixture(scope="module")
def web(config: Config, tmp_path_factory: pytest.TempPathFactory) -> WebWorld:
    return report_world(config, tmp_path_factory.mktemp("web"), visitors=True)


@pytest.fixture(scope="module")
def address(web: WebWorld) -> Iterator[str]:
    settings = web.context.config.web.model_copy(update={"port": 0})
    server = WebServer(web.application, settings)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.close()
    thread.join(10)


@pytest.fixture(scope="module")
def desk(web: WebWorld) -> Any:
    return web.client("admin")


@pytest.fixture
def phone(browser: Any, address: str) -> Iterator[Any]:
    """A page of a phone at 07:42 in Beijing."""
    context = browser.new_context(viewport=PHONE, timezone_id="Asia/Shanghai", base_url=address)
    page = context.new_page()
    page.clock.set_fixed_time(MORNING)
    yield page
    context.close()


def reports(web: WebWorld, reporter: str) -> list[FieldReport]:
    far = timedelta(days=30)
    every = Reports(web.world.archive).seen_between(MORNING - far, MORNING + far)
    return [each for each in every if each.reporter == reporter]


def kept_offline(page: Any, path: str) -> None:
    page.goto(path)
    expect(page.locator("html")).to_have_attribute("data-kept", "yes")


def test_a_report_without_a_network_waits_on_the_phone_and_is_sent_once(
    phone: Any, web: WebWorld, desk: Any
) -> None:
    path = make_link(desk, "jinding", "离线")
    kept_offline(phone, path)
    phone.context.set_offline(True)

    phone.reload()  # the page opens all the same
    phone.get_by_role("radio", name="人在云里").check()
    photo = {"name": "sea.png", "mimeType": "image/png", "buffer": picture(2000, 1000, "PNG")}
    phone.locator("input[name=photo]").set_input_files(photo)
    phone.get_by_role("button", name="报告", exact=True).click()
    expect(phone.get_by_role("status")).to_contain_text("待发1份")
    assert reports(web, "离线") == []

    phone.clock.set_fixed_time(MORNING + timedelta(hours=3))
    web.now = MORNING + timedelta(hours=3)
    phone.reload()
    expect(phone.get_by_role("status")).to_contain_text("1份")
    phone.context.set_offline(False)
    expect(phone.locator("#queue")).to_be_hidden()
    phone.reload()
    expect(phone.locator("#queue")).to_be_hidden()

    [kept] = reports(web, "离线")
    assert (kept.says, kept.seen) == ({"sea_of_clouds": "in_cloud"}, MORNING)
    assert len(kept.photo) == 64
    web.now = MORNING


def test_a_report_of_a_link_that_was_revoked_meanwhile_is_not_lost_in_silence(
    phone: Any, web: WebWorld, desk: Any
) -> None:
    path = make_link(desk, "jinding", "停用")
    kept_offline(phone, path)
    phone.context.set_offline(True)
    phone.get_by_role("radio", name="看到了").check()
    phone.get_by_role("button", name="报告", exact=True).click()
    expect(phone.get_by_role("status")).to_contain_text("待发1份")
    [link] = [each for each in Reports(web.world.archive).links() if each.holder == "停用"]
    desk.post(f"/desk/links/{link.id}/revoke", data={"csrf": csrf_of(desk)})

    phone.context.set_offline(False)

    expect(phone.get_by_role("status")).to_contain_text("未被接收：该链接已停用")
    phone.get_by_role("button", name="删除这份报告").click()
    expect(phone.locator("#queue")).to_be_hidden()
    phone.reload()
    expect(phone.locator("form")).to_have_count(0)  # the kept page is gone with its link


def test_with_a_network_two_taps_lead_to_the_thanks(phone: Any, web: WebWorld, desk: Any) -> None:
    phone.goto(make_link(desk, "jinding", "在线"))
    phone.locator(".sunrise_glow").get_by_role("radio", name="绝美").click()
    phone.locator(".sunrise_glow").get_by_role("radio", name="绝美").click()  # taken back
    phone.locator(".sea_of_clouds").get_by_role("radio").first.check()
    phone.get_by_role("button", name="报告", exact=True).click()

    expect(phone.get_by_role("heading", level=1)).to_have_text("收到，谢谢！")
    assert [each.says for each in reports(web, "在线")] == [{"sea_of_clouds": "sea"}]


def test_two_taps_with_a_photo_are_one_report_and_the_next_form_another(
    phone: Any, web: WebWorld, desk: Any
) -> None:
    path = make_link(desk, "jinding", "两下")
    kept_offline(phone, path)
    phone.context.set_offline(True)
    photo = {"name": "sea.png", "mimeType": "image/png", "buffer": picture(3000, 2000, "PNG")}
    for answer, waiting in (("人在云里", "待发1份"), ("没有云", "待发2份")):
        phone.reload()  # the kept page has the same id each time
        phone.get_by_role("radio", name=answer).check()
        phone.locator("input[name=photo]").set_input_files(photo)
        phone.get_by_role("button", name="报告", exact=True).dblclick()
        expect(phone.get_by_role("status")).to_contain_text(waiting)

    phone.context.set_offline(False)

    expect(phone.locator("#queue")).to_be_hidden()
    found = sorted(each.says["sea_of_clouds"] for each in reports(web, "两下"))
    assert found == ["in_cloud", "open"]


def test_before_its_moment_the_page_asks_for_sightings_only(phone: Any, desk: Any) -> None:
    path = make_link(desk, "jinding", "早")
    for hours, early in ((-1, True), (0, False)):  # 06:42, 07:42
        phone.clock.set_fixed_time(MORNING + timedelta(hours=hours))
        phone.goto(path)
        glow = phone.locator(".sunrise_glow")
        expect(glow.get_by_role("radio", name="绝美")).to_be_enabled()
        expect(glow.get_by_role("radio", name="没有")).to_have_count(0 if early else 1)
        expect(glow.get_by_text("还没到时候")).to_be_visible(visible=early)


def test_the_hour_of_the_phone_puts_first_what_it_makes_sensible(phone: Any, desk: Any) -> None:
    path = make_link(desk, "lingshan", "时刻")
    first = phone.locator("#first fieldset legend")
    for hour, expected in ((10, "晚霞 今天傍晚"), (14, "星空 今夜"), (0, "云海 今天早上")):
        phone.clock.set_fixed_time(MORNING + timedelta(hours=hour))  # 17:42, 21:42, 07:42
        phone.goto(path)
        expect(first.first).to_have_text(expected)
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    boxes = [each.bounding_box() for each in phone.locator("#first .card, .send").all()]
    assert all(box and min(box["width"], box["height"]) >= SMALLEST for box in boxes)


def test_without_script_it_is_a_plain_form(
    browser: Any, address: str, web: WebWorld, desk: Any
) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, base_url=address)
    page = context.new_page()
    page.goto(f"{make_link(desk, 'jinding', 'plain')}?lang=en")
    page.get_by_role("radio", name="Cloud above").check()
    page.get_by_label("Remark (optional)").fill("low and grey")

    page.get_by_role("button", name="Report", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Received, thank you!")
    [kept] = reports(web, "plain")
    assert (kept.says, kept.remark) == ({"sea_of_clouds": "overcast"}, "low and grey")
    context.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_no_fault_in_any_page(
    language: str, browser: Any, address: str, web: WebWorld, desk: Any
) -> None:
    context = browser.new_context(viewport=PHONE, base_url=address)
    page = context.new_page()
    path = make_link(desk, "jiangshuihe", f"axe {language}")
    sent = web.client().post(path, data=answers(snow_cover="12", rime="full", starry_sky="full"))
    link = Reports(web.world.archive).links()[0]
    cookie = desk.get_cookie("skyscape_session")
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
    shown = (path, sent.headers["Location"], "/report/", "/desk/reports", "/desk/links",
             f"/desk/links/{link.id}")  # fmt: skip

    for each in shown:
        page.goto(f"{each}?lang={language}")
        for detail in page.locator("details").all():
            detail.evaluate("each => each.open = true")
        found = Axe().run(page).response["violations"]

        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == [], each
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], each
    context.close()


@pytest.fixture
def behind(config: Config, tmp_path: Path) -> Iterator[tuple[WebWorld, str]]:
    """The pages behind a server that says from where each visitor comes."""
    settings = report_settings(config, tmp_path, visitors=True)
    web = settings.web.model_copy(update={"port": 0, "trusted_proxies": 1})
    service = settings.service.model_copy(update={"web": web})
    ours = WebWorld(world(settings.model_copy(update={"service": service}), RUN), now=MORNING)
    server = WebServer(ours.application, web)
    threading.Thread(target=server.serve, daemon=True).start()
    yield ours, f"http://127.0.0.1:{server.port}"
    server.close()


def test_three_visitors_who_agree_make_a_truth_and_two_do_not(
    browser: Any, behind: tuple[WebWorld, str]
) -> None:
    """Each on a phone of their own; two phones of one address are one. Nobody decides."""
    ours, here = behind
    archive, config = ours.world.archive, ours.world.config

    def reported(sender: str) -> list[str]:
        context = browser.new_context(
            viewport=PHONE,
            timezone_id="Asia/Shanghai",
            base_url=here,
            extra_http_headers={"X-Forwarded-For": sender},
        )
        page = context.new_page()
        page.clock.set_fixed_time(MORNING)
        page.goto("/report/?site=jinding&lang=zh")
        page.locator(".sea_of_clouds").get_by_role("radio").first.check()
        page.get_by_role("button", name="报告", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("收到，谢谢！")
        context.close()
        settle(archive, config, MORNING + timedelta(hours=14))  # the dawn is over
        kept = Outcomes(archive).reports().values()
        return [f"{r.outcome.source} {r.outcome.state}" for found in kept for r in found]

    assert reported("198.51.100.1") == []
    assert reported("198.51.100.2") == []
    assert reported("198.51.100.2") == []

    assert reported("203.0.113.3") == ["visitor sea"] * 4
