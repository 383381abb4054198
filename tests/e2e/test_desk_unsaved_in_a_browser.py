"""What a forecaster typed is never lost in silence: no network, no session, no reason."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.test_desk_in_a_browser import SEA, address, entered, opened, ours  # noqa: F401 - fixtures
from tests.web_world import PASSWORD

pytestmark = pytest.mark.browser

GLOW = "/desk/event/lingshan/sunset_glow/2026-11-23"


@pytest.fixture
def desk(browser: Any, address: str, entered: Any) -> Any:  # noqa: F811
    page = opened(browser, address, entered)
    page.goto(f"{SEA}?lang=zh")
    yield page
    page.context.close()


def change(page: Any, value: str, reason: str = "satellite") -> None:
    page.fill("#probability", value)
    page.select_option("#reason", reason)
    page.locator("h1").click()


def test_without_a_network_it_says_so_and_saves_once_there_is_one(desk: Any) -> None:
    desk.context.set_offline(True)
    change(desk, "37")
    expect(desk.get_by_role("alert")).to_contain_text("未保存")
    desk.fill("#comment_zh", "今夜云顶偏低")  # a later save is not held up by the failed one
    desk.locator("h1").click()
    expect(desk.locator(".k[aria-current] .edited")).to_have_count(0)

    desk.context.set_offline(False)

    expect(desk.locator(".k[aria-current] .edited")).to_have_count(1)
    expect(desk.locator("[data-unsaved]")).to_be_empty()
    desk.reload()
    assert desk.input_value("#probability") == "37"
    assert desk.input_value("#comment_zh") == "今夜云顶偏低"


def test_a_change_without_a_reason_does_not_leave_for_the_signature(desk: Any) -> None:
    desk.goto(f"{GLOW}?lang=zh")
    desk.fill("#probability", "58")
    for link in (".foot .go", "a[href$='/desk/preview/']", ".k:not([aria-current])"):
        desk.locator(link).first.click()
        expect(desk.locator(".problem")).to_contain_text("请先选择修改理由")
        expect(desk).to_have_url(re.compile("sunset_glow"))
        assert desk.input_value("#probability") == "58"
        desk.locator("#note").fill(f"not at {link}")  # a new thought: guarded again

    desk.locator("header form button").click()  # nor does the way out
    expect(desk.locator(".problem")).to_contain_text("请先选择修改理由")
    desk.select_option("#reason", "satellite")
    desk.click(".foot .go")

    expect(desk).to_have_url(re.compile("/desk/sign"))
    assert "58%" in desk.inner_text(".changes")


def test_a_session_that_ended_keeps_what_was_typed_until_the_next(desk: Any) -> None:
    desk.context.clear_cookies(name="skyscape_session")
    change(desk, "46")
    notice = desk.locator("[data-unsaved]")
    expect(notice).to_contain_text("登录已失效")
    expect(desk).to_have_url(re.compile("sea_of_clouds"))
    assert desk.input_value("#probability") == "46"

    with desk.context.expect_page() as opening:
        notice.get_by_role("link").click()
    login = opening.value
    login.fill("#account", "wang")
    login.fill("#password", PASSWORD)
    login.click("button[type=submit]")
    login.wait_for_url("**/desk/")

    expect(notice).to_be_empty()
    desk.reload()
    assert desk.input_value("#probability") == "46"


def test_what_was_typed_when_a_session_ended_is_offered_after_the_next_login(desk: Any) -> None:
    """Also in a new page: only what a person drops is gone."""
    desk.context.clear_cookies(name="skyscape_session")
    change(desk, "47")
    desk.fill("#note", "云顶卫星云图")
    expect(desk.locator("[data-unsaved]")).to_contain_text("登录已失效")
    page = desk.context.new_page()
    desk.close(run_before_unload=False)

    page.goto("/desk/?lang=zh")
    page.fill("#account", "wang")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    offer = page.locator("[data-unsent]")
    expect(offer).to_contain_text("尚未保存")
    page.goto(GLOW)
    offer.get_by_role("button", name="取回").click()  # from another event it leads there
    page.wait_for_url("**/sea_of_clouds/**")
    offer.get_by_role("button", name="取回").click()

    expect(page.locator("[data-said]")).to_contain_text("已自动保存")
    page.reload()
    assert page.input_value("#probability") == "47"
    expect(offer).to_be_empty()


def test_going_back_to_the_model_keeps_what_is_typed_elsewhere(desk: Any) -> None:
    """Undo renews what shows the draft; the rest of the page stays as it is."""
    desk.goto("/desk/event/lingshan/rime/2026-11-22?lang=zh")
    own = desk.input_value("#probability")
    change(desk, "36")
    expect(desk.locator("[data-live=undo-probability] button")).to_have_count(1)
    desk.evaluate("document.querySelector('.behind').dataset.mine = 'yes'")
    desk.fill("#sentence_zh", "半句话")
    desk.locator("[data-live=undo-probability] button").click()

    expect(desk.locator("[data-live=undo-probability] button")).to_have_count(0)
    assert desk.input_value("#probability") == own
    assert desk.input_value("#sentence_zh") == "半句话"
    assert desk.locator(".behind").get_attribute("data-mine") == "yes"
