"""A forecaster at the desk in a real browser: change, ask, preview, sign, correct, withdraw."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from waitress import create_server

from forecast.archive.drafts import Drafts
from forecast.config import Config
from forecast.ingest.grib import reader
from tests.faults.one_site import decoded, small
from tests.web_world import PASSWORD, WebWorld, web_world

pytestmark = pytest.mark.browser

SEA = "/desk/event/lingshan/sea_of_clouds/2026-11-23"
PATIENCE = 60_000  # [ms] for what the machine computes


@pytest.fixture(scope="module")
def ours(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebWorld]:
    folder = tmp_path_factory.mktemp("desk")
    atmosphere = decoded(small(config, folder), folder / "bucket")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
        made = web_world(config, folder)
        made.add_people("wang")
        made.draft()
        yield made


@pytest.fixture(scope="module")
def address(ours: WebWorld) -> Iterator[str]:
    server = create_server(ours.application, host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


@pytest.fixture(scope="module")
def entered(browser: Any, address: str) -> Any:
    """The cookies of a forecaster who has entered."""
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.goto("/desk/")
    page.fill("#account", "wang")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/desk/")
    state = context.storage_state()
    context.close()
    return state


def opened(browser: Any, address: str, entered: Any, **options: Any) -> Any:
    options = {"viewport": {"width": 1366, "height": 768}, **options}
    page = browser.new_context(base_url=address, storage_state=entered, **options).new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    return page


@pytest.mark.parametrize("size", [(1366, 768), (1024, 768), (390, 844)])
def test_the_desk_fits_its_screen_and_is_usable_by_everybody(
    browser: Any, address: str, entered: Any, size: tuple[int, int]
) -> None:
    """On a laptop and a tablet nothing of the page lies below the screen; axe finds no fault."""
    page = opened(
        browser, address, entered, viewport={"width": size[0], "height": size[1]}, bypass_csp=True
    )
    for language in ("zh", "en"):
        page.goto(f"{SEA}?lang={language}")
        wide, tall = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        found = Axe().run(page).response["violations"]

        assert wide <= size[0]
        assert tall <= size[1] or size[0] < 960
        assert [(each["id"], each["nodes"][0]["target"]) for each in found] == []
    page.context.close()


def test_the_whole_page_works_without_a_script(
    browser: Any, address: str, entered: Any, ours: WebWorld
) -> None:
    page = opened(browser, address, entered, java_script_enabled=False)
    page.goto(f"{SEA}?lang=zh")

    page.fill("#probability", "61")
    page.select_option("#reason", "satellite")
    page.click(".edit .save")
    assert "改" in page.inner_text(".k[aria-current]")
    assert page.input_value("#probability") == "61"
    page.click("[name=undo][value=probability]")
    assert "改" not in page.inner_text(".k[aria-current]")
    page.click(".ask button:not([type=reset])")
    assert "→" in page.inner_text("[data-answer]")
    page.context.close()


def test_what_another_changed_is_shown_and_nothing_is_sent_again_unasked(
    browser: Any, address: str, entered: Any, ours: WebWorld
) -> None:
    mine, theirs = opened(browser, address, entered), opened(browser, address, entered)
    for page in (mine, theirs):
        page.goto("/desk/event/lingshan/rime/2026-11-23?lang=zh")
        page.select_option("#reason", "satellite")
    theirs.fill("#probability", "66")
    theirs.keyboard.press("Enter")
    theirs.wait_for_selector(".k[aria-current] .edited")

    mine.fill("#probability", "33")
    mine.keyboard.press("Enter")
    expect(mine.locator(".problem")).to_contain_text("→66%")
    mine.locator("h1").click()  # leaves the field: that alone sends nothing
    expect(mine.locator(".k[aria-current]")).to_contain_text("66")
    assert mine.input_value("#probability") == "33"
    mine.click(".edit .save")
    expect(mine.locator(".problem")).to_have_count(0)
    expect(mine.locator(".k[aria-current]")).to_contain_text("33")
    mine.context.close()
    theirs.context.close()


def test_a_forecaster_changes_asks_previews_signs_corrects_and_withdraws(
    browser: Any, address: str, entered: Any, ours: WebWorld
) -> None:
    faults: list[str] = []
    page = opened(browser, address, entered)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)

    # the keyboard walks the grid, a digit changes the chance, a reason saves it
    page.goto("/desk/?lang=zh")
    page.goto(SEA)
    page.locator(".k[aria-current]").focus()
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile("sunrise_glow"))
    page.keyboard.press("ArrowUp")
    expect(page).to_have_url(re.compile("sea_of_clouds"))
    page.keyboard.press("4")
    expect(page.locator("#probability")).to_be_focused()
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(page.locator("#reason")).to_be_focused()
    page.select_option("#reason", "observation")
    page.wait_for_selector(".k[aria-current] .edited")
    assert page.input_value("#probability") == "42"
    expect(page.locator("[data-said]")).to_contain_text("已自动保存")

    page.locator(".k[aria-current]").focus()
    page.keyboard.press("ArrowDown")  # nothing holds what is saved
    expect(page).to_have_url(re.compile("sunrise_glow"))
    page.goto(SEA)

    # what if: the answer comes at once, and goes with it
    own = page.inner_text("#t-deck_top")
    page.locator("#k-deck_top").focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    expect(page.locator("[data-answer]")).to_contain_text("→")
    expect(page.locator("#t-deck_top")).not_to_have_text(own)
    page.click("[data-reset]")
    expect(page.locator("#t-deck_top")).to_have_text(own)

    # every product as it would go out
    page.goto("/desk/preview/")
    frame = page.frame_locator("iframe").first
    assert "王一" in frame.locator(".facts").inner_text()
    page.goto("/desk/preview/?of=sms.txt")
    assert ours.world.archive.issues() == ()

    # sign, correct, sign, withdraw
    page.goto("/desk/")
    page.click(".foot .go")
    assert "42%" in page.inner_text(".changes")
    page.click("form .go")
    page.wait_for_url("**/desk/?said=released")
    [first] = ours.world.archive.issues()
    page.click("a[href$='/desk/correct']")
    page.select_option("#why", "other")
    page.fill("#note_zh", "云顶高度有误")
    page.click("form .go")
    page.wait_for_url("**/desk/?said=correcting")
    page.click(".foot .go")
    page.click("form .go")
    page.wait_for_url("**/desk/?said=released")
    page.click("a[href$='/desk/withdraw']")
    page.select_option("#why", "data")
    page.click("form .danger-go")
    page.wait_for_url("**/desk/?said=withdrawn")

    expect(page.locator("a[href$='/desk/withdraw']")).to_have_count(0)  # not twice
    second = ours.world.archive.issues()[0]
    states = Drafts(ours.world.archive).states([first.id, second.id])
    assert states == {first.id: "superseded", second.id: "withdrawn"}
    assert faults == []
    page.context.close()
