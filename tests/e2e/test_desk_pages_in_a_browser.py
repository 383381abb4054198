"""Every page of the desk, looked at: no text is cut off, nobody is shut out, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from forecast.archive.reports import ReportLink, Reports
from forecast.review import Account
from forecast.service.web.links import token_of
from tests.e2e.clipped import clipped
from tests.e2e.test_desk_in_a_browser import SEA, address, entered, opened, ours  # noqa: F401 - fixtures
from tests.web_world import WebWorld

pytestmark = pytest.mark.browser

GLOW = "/desk/event/lingshan/sunset_glow/2026-11-22"
PAGES = (
    f"{SEA}?k.deck_top=1500", f"{GLOW}?show=station", f"{SEA}?show=sounding",
    "/desk/preview/", "/desk/preview/?of=display/lingshan.html", "/desk/preview/?of=sms.txt",
    "/desk/sign", "/desk/correct", "/desk/withdraw", "/desk/discard", "/desk/changes",
    "/desk/reports", "/desk/stations",
    "/desk/nothing",
)  # fmt: skip


@pytest.fixture(scope="module")
def pages(ours: WebWorld) -> tuple[str, ...]:  # noqa: F811
    """The pages with an issue in force, a correction in hand, an edit, and a link for reports."""
    wang = Account("wang", "王一", "forecaster")
    draft = ours.draft()
    ours.lifecycle.release(ours.world, draft, ours.now)
    [issue] = ours.world.archive.issues()
    ours.lifecycle.correct(ours.world, issue.id, wang, "云顶高度有误 / cloud tops", ours.now)
    link = ReportLink("k", "", "李护林", ours.now, "wang")
    Reports(ours.world.archive).add_link(link)
    with ours.application.app_context():
        token = token_of(link)
    return (*PAGES, f"/report/{token}")


@pytest.mark.parametrize("size", [(1366, 768), (1024, 768), (390, 844)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_text_of_the_desk_is_cut_off_and_everybody_can_use_it(
    browser: Any,
    address: str,  # noqa: F811
    entered: Any,  # noqa: F811
    pages: tuple[str, ...],
    size: tuple[int, int],
    language: str,
) -> None:
    view = {"width": size[0], "height": size[1]}
    page = opened(browser, address, entered, viewport=view, bypass_csp=True)
    for path in pages:
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
        wide = page.evaluate("document.documentElement.scrollWidth")

        assert (wide <= size[0], clipped(page)) == (True, []), path
        if language == "zh":  # colours and names of controls do not depend on it
            faults = Axe().run(page).response["violations"]
            assert [(each["id"], each["nodes"][0]["target"]) for each in faults] == [], path
    page.context.clear_cookies()
    page.goto(f"/desk/login?lang={language}")
    assert clipped(page) == []
    page.context.close()


OVERLAPS = """() => [...document.querySelectorAll('.grid .k')].flatMap(cell => {
  const parts = [...cell.querySelectorAll('b, i, em')].map(each => each.getBoundingClientRect())
    .filter(each => each.width);
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 &&
    a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const found = parts.some((a, at) => parts.slice(at + 1).some(b => meet(a, b)));
  return found ? [cell.innerHTML] : [];
})"""
HINT = """() => {
  const [hint, grid] = ['.key kbd', '.grid'].map(each =>
    document.querySelector(each).getBoundingClientRect());
  return hint.bottom <= grid.bottom && hint.right <= grid.right;
}"""
SIGNS = (
    "<em class=edited>改</em><em class=hidden>隐</em><em class=usual>月</em><em class=hazard>⚠</em>"
)


@pytest.mark.parametrize("size", [(1366, 768), (1024, 768)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_sign_covers_another_and_the_hint_of_the_keys_is_seen(
    browser: Any,
    address: str,  # noqa: F811
    entered: Any,  # noqa: F811
    ours: WebWorld,  # noqa: F811
    size: tuple[int, int],
    language: str,
) -> None:
    ours.draft()
    page = opened(browser, address, entered, viewport={"width": size[0], "height": size[1]})
    page.goto(f"{SEA}?lang={language}")
    assert page.evaluate(HINT)
    page.evaluate(
        """signs => document.querySelectorAll('.grid .k').forEach(cell => {
          cell.querySelectorAll('em').forEach(each => each.remove());
          cell.classList.add('m-hidden');
          cell.insertAdjacentHTML('beforeend', signs);
        })""",
        SIGNS if size[0] < 1280 else SIGNS.replace("<em class=usual>月</em>", ""),
    )
    assert page.evaluate(OVERLAPS) == []
    page.context.close()
