"""The pages for reports and the desk's list, through the application: who may, what stays."""

from __future__ import annotations

import html
import io
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import segno
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.archive.accounts import Audit
from forecast.archive.drafts import Drafts
from forecast.archive.outcomes import Outcomes
from forecast.archive.reports import ReportLink, Reports
from forecast.config import Config
from forecast.learning import verify
from forecast.learning.truth_from_phones import ANSWERS
from forecast.service.web.links import address_of
from forecast.service.web.report_page import questions
from tests.faults.one_site import RUN, world
from tests.past_issues import fill_archive, keep_issue
from tests.report_world import MORNING, answers, make_link, report_settings, report_world
from tests.unit.test_photos import picture
from tests.web_world import PEOPLE, WebWorld, csrf_of

JSON = {"Accept": "application/json"}
NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def web(config: Config, tmp_path_factory: pytest.TempPathFactory) -> WebWorld:
    return report_world(config, tmp_path_factory.mktemp("reports"), True, tuple(PEOPLE))


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> None:
    """Give each test the same hour, no reports and no limits used up."""
    if "web" not in request.fixturenames:
        return
    from forecast.archive.schema import outcome_table, report_table

    found: WebWorld = request.getfixturevalue("web")
    found.now = MORNING
    found.application.extensions.pop("report limits", None)
    with found.world.archive.transaction() as connection:
        for table in (outcome_table, report_table):
            connection.execute(table.delete())


@pytest.fixture(scope="module")
def desk(web: WebWorld) -> FlaskClient:
    return web.client("admin")


@pytest.fixture(scope="module")
def link(desk: FlaskClient) -> str:
    return make_link(desk)


def reports(web: WebWorld) -> list[Any]:
    far = timedelta(days=400)
    return list(Reports(web.world.archive).seen_between(MORNING - far, MORNING + far))


def page_of(client: FlaskClient, path: str, status: int = 200) -> str:
    found = client.get(path)
    assert found.status_code == status, found.get_data(as_text=True)[-500:]
    return found.get_data(as_text=True)


# -- the page


def test_the_page_asks_what_the_site_has_and_the_hour_makes_sensible_first(
    web: WebWorld, link: str
) -> None:
    text = page_of(web.client(), link)

    first, _, more = text.partition('id="more"')
    assert re.findall(r'class="ask (\w+)"', first) == ["sea_of_clouds", "sunrise_glow", "sunrise"]
    assert re.findall(r'class="ask (\w+)"', more) == ["sunset_glow"]
    assert "金顶，今天早上您看到了什么？" in text
    assert re.findall(r'name="sea_of_clouds" value="(\w+)"', text) == [
        "sea", "in_cloud", "overcast", "open",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hour", "site", "first"),
    [
        (7, "lingshan", "dawn"),
        (12, "lingshan", "ground"),
        (17, "lingshan", "evening"),
        (21, "lingshan", "night"),
        (3, "lingshan", "night"),
        (17, "zhaojiawa", "evening"),
        (12, "zhaojiawa", "dawn"),
    ],
)
def test_the_nearest_hour_of_a_landscape_comes_first(
    hour: int, site: str, first: str, web: WebWorld
) -> None:
    from forecast.learning.truth_from_phones import row_reader

    config = web.context.config
    now = datetime(2026, 12, 1, hour, tzinfo=config.zone)
    place = next(each for each in config.all_sites() if each.id == site)

    asked = questions(place, row_reader(config, now).days, now, config.zone)

    minute = hour * 60
    assert next(each.group for each in asked if each.asked_at(minute)) == first


def test_a_link_for_any_site_asks_for_the_site_first(desk: FlaskClient, web: WebWorld) -> None:
    client, anywhere = web.client(), make_link(desk, "", "王巡护")

    text = page_of(client, anywhere)
    chosen = page_of(client, f"{anywhere}?site=lingshan")

    assert len(re.findall(r'<li><a href="/report/[^"]+\?site=', text)) == 5
    assert "灵山" in chosen
    assert 'name="rime"' in chosen
    assert page_of(client, f"{anywhere}?site=nowhere&lang=en").count("At which viewpoint") == 2


def test_both_languages_say_the_same(web: WebWorld, link: str) -> None:
    client = web.client()

    english = page_of(client, f"{link}?lang=en")

    assert "Jinding: what did you see this morning?" in english
    assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"李护林|>中文<", "", english))


# -- sending


@pytest.mark.parametrize("query", ["endpoint=x", "_method=FOO", "_external=1", "_anchor=x"])
def test_a_query_that_no_page_wrote_changes_no_address(
    web: WebWorld, link: str, query: str
) -> None:
    page = page_of(web.client(), f"{link}?site=lingshan&{query}")

    other = re.search(r'<p><a href="([^"]*)" lang="en">', page)
    assert other is not None
    assert html.unescape(other[1]) == f"{link}?site=lingshan&lang=en"


def test_a_form_without_script_is_kept_and_thanked_with_the_forecast(
    web: WebWorld, link: str
) -> None:
    client = web.client()

    sent = client.post(link, data=answers(sea_of_clouds="sea", remark="=很低"))

    assert sent.status_code == 303
    thanks = page_of(client, sent.headers["Location"])
    assert "收到，谢谢！" in thanks
    assert "此前没有发布过该时段的预报" in thanks
    [kept] = reports(web)
    assert (kept.kind, kept.reporter, kept.site, kept.says, kept.remark, kept.state, kept.seen) == (
        "observer", "李护林", "jinding", {"sea_of_clouds": "sea"}, "很低", "accepted", MORNING,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "kept"), [("12,5", "12.5"), ("１２．５", "12.5"), ("12 cm", "12")]
)
def test_a_depth_is_understood_as_people_type_it(
    web: WebWorld, desk: FlaskClient, typed: str, kept: str
) -> None:
    ground = make_link(desk, "jiangshuihe", "赵护林")
    content = answers(site="jiangshuihe", snow_cover=typed)
    assert web.client().post(ground, data=content).status_code == 303

    assert [each.says for each in reports(web)] == [{"snow_cover": kept}]


@pytest.mark.parametrize("typed", ["-5", "nan", "1e3", "1234", "deep"])
def test_a_depth_that_is_none_is_refused_with_a_sentence_that_teaches(
    web: WebWorld, link: str, typed: str
) -> None:
    sent = web.client().post(link, data=answers(snow_cover=typed, sunrise="full"))

    assert (sent.status_code, "如12或12.5" in sent.text) == (422, True)
    assert reports(web) == []


def test_a_report_that_is_sent_twice_counts_once(web: WebWorld, link: str) -> None:
    client, content = web.client(), answers(sunrise="full")

    sent = [client.post(link, data=content, headers=JSON) for _ in range(2)]

    assert [each.status_code for each in sent] == [201, 201]
    assert sent[0].json == sent[1].json
    assert len(reports(web)) == 1
    assert len(Outcomes(web.world.archive).reports()) == 1


def test_a_report_that_is_sent_many_times_at_once_counts_once(web: WebWorld, link: str) -> None:
    content = answers(sunrise="full")

    def send(_: int) -> int:
        return web.client().post(link, data=content, headers=JSON).status_code

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(send, range(6))) == [201] * 6
    assert len(reports(web)) == 1
    assert len(Outcomes(web.world.archive).reports()) == 1


def test_an_id_of_another_link_is_neither_shown_nor_replaced(
    web: WebWorld, link: str, desk: FlaskClient
) -> None:
    client, content, other = web.client(), answers(sunrise="full"), make_link(desk, "jinding", "乙")
    client.post(link, data=content)

    sent = client.post(other, data={**content, "sunrise": "none"}, headers=JSON)

    assert sent.status_code == 422
    assert client.get(f"{other}/thanks/{content['id']}").status_code == 404
    assert [each.says for each in reports(web)] == [{"sunrise": "full"}]


def test_a_phone_whose_clock_is_wrong_reports_the_right_time(web: WebWorld, link: str) -> None:
    # kept for five hours without a network, on a phone that is three days slow
    wrong = MORNING - timedelta(days=3)
    times = {"seen": (wrong - timedelta(hours=5)).isoformat(), "sent": wrong.isoformat()}

    sent = web.client().post(link, data=answers(sunset_glow="fine", **times), headers=JSON)

    assert sent.status_code == 201
    [kept] = reports(web)
    assert kept.seen == MORNING - timedelta(hours=5)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"at": "2026-12-02T07:00"}, "所填时间还没到"),
        ({"at": "2026-11-01T07:00"}, "时间过久"),
        ({"at": "yesterday"}, "时间格式有误"),
        ({"seen": "2026-11-30T00:00:00", "sent": "2026-11-30T00:00:00Z"}, "时间格式有误"),
        ({"sea_of_clouds": ""}, "请至少选一项"),
        ({"sea_of_clouds": "blue"}, "此时还没有开始"),
        ({"id": "../../x"}, "报告编号有误"),
    ],
)
def test_a_report_that_is_refused_says_why_and_loses_nothing(
    more: dict[str, str], words: str, web: WebWorld, link: str
) -> None:
    content = {**answers(sea_of_clouds="sea", remark="低云"), **more}

    sent = web.client().post(link, data=content)

    text = sent.get_data(as_text=True)
    assert sent.status_code == 422
    assert words in text
    assert 'value="低云"' in text
    if content["sea_of_clouds"] == "sea":
        assert 'value="sea" checked' in text
    assert reports(web) == []


def test_a_photo_that_cannot_be_kept_never_costs_the_report(web: WebWorld, link: str) -> None:
    client = web.client()
    content = answers(sunrise="full", photo=(io.BytesIO(b"GIF89a not"), "x.jpg"))

    sent = client.post(link, data=content)

    assert "照片无法读取" in page_of(client, sent.headers["Location"])
    assert [(each.photo, each.says) for each in reports(web)] == [("", {"sunrise": "full"})]


def test_a_photo_is_shown_to_the_desk_only(web: WebWorld, link: str, desk: FlaskClient) -> None:
    content = answers(photo=(io.BytesIO(picture(200, 100)), "../../etc/passwd"))
    web.client().post(link, data=content)
    [kept] = reports(web)
    path = f"/desk/photos/{kept.photo}"

    shown = desk.get(path)

    assert f'src="{path}"' in page_of(desk, "/desk/reports")
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert [web.client().get(path).status_code, web.client("li").get(path).status_code] == [
        302,
        403,
    ]
    for wrong in ("0" * 64, "..%2f..%2farchive.db", "session.key"):
        assert desk.get(f"/desk/photos/{wrong}").status_code == 404


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["id", "site", "seen", "sent", "at", "remark", "photo", *ANSWERS]),
        st.text(max_size=30) | st.sampled_from(["9999-12-31T23:59", "1e400", "full", "sea", "nan"]),
    )
)
def test_whatever_a_form_holds_is_kept_or_refused_and_never_a_defect(
    web: WebWorld, link: str, form: dict[str, str]
) -> None:
    web.application.extensions.pop("report limits", None)

    sent = web.client().post(link, data={**answers(), **form})

    assert sent.status_code in (303, 422)


def test_a_body_is_bounded_by_its_view(web: WebWorld, link: str) -> None:
    sent = {
        size: web.client().post(
            link, data=answers(sunrise="full", photo=(io.BytesIO(bytes(size << 20)), "x.jpg"))
        )
        for size in (9, 17)
    }

    assert {size: answer.status_code for size, answer in sent.items()} == {9: 303, 17: 413}
    assert sent[9].headers["Location"].endswith("problem=size")
    assert [(each.photo, each.says) for each in reports(web)] == [("", {"sunrise": "full"})]


# -- too early to say that nothing came


@pytest.mark.parametrize(
    ("minutes", "says", "status"),
    [
        (-20, {"sunrise_glow": "none"}, 422),  # the sun rises at 07:1x
        (-20, {"sea_of_clouds": "in_cloud"}, 422),
        (-20, {"sunrise": "none"}, 422),
        (-20, {"sunrise_glow": "faint"}, 201),
        (-20, {"sea_of_clouds": "sea"}, 201),
        (1, {"sunrise_glow": "none"}, 201),
        (1, {"sea_of_clouds": "open"}, 201),
    ],
)
def test_nobody_says_before_its_moment_that_an_event_did_not_come(
    minutes: int, says: dict[str, str], status: int, web: WebWorld, link: str
) -> None:
    from forecast.learning.truth_from_phones import row_reader

    reader = row_reader(web.context.config, MORNING)
    sunrise = reader.days.decisive(date(2026, 12, 1), "jinding", "sunrise_glow")
    assert sunrise is not None
    web.now = sunrise + timedelta(minutes=minutes)

    sent = web.client().post(link, data=answers(**says), headers=JSON)

    assert sent.status_code == status
    if status == 422:
        assert "还没到时候" in sent.get_json()["error"]
    web.now = MORNING + timedelta(hours=9)
    web.client("admin").get("/desk/reports")  # settles
    assert len(Outcomes(web.world.archive).reports()) == (status == 201)


@pytest.mark.parametrize(
    ("site", "says"), [("lingshan", {"starry_sky": "none"}), ("lingshan", {"rime": "none"})]
)
def test_of_a_night_and_a_day_it_is_the_middle(
    site: str, says: dict[str, str], web: WebWorld, desk: FlaskClient
) -> None:
    zone, path = web.context.config.zone, make_link(desk, site, "半")
    [name] = says
    middle = {"starry_sky": (23, 25), "rime": (11, 13)}[name]
    statuses = []
    for hour in middle:
        web.now = datetime(2026, 12, 1, tzinfo=zone) + timedelta(hours=hour)
        sent = web.client().post(path, data={**answers(**says), "site": site}, headers=JSON)
        statuses.append(sent.status_code)

    assert statuses == [422, 201]


def test_what_is_early_is_not_asked_and_is_said_beside_what_counts(
    web: WebWorld, link: str
) -> None:
    web.now = MORNING - timedelta(hours=1)  # before sunrise
    text = page_of(web.client(), link)
    later = answers(sea_of_clouds="sea", sunrise_glow="none")

    sent = web.client().post(link, data=later)

    assert re.search(
        r'class="nothing" hidden><input [^>]+"sunrise_glow" value="none" disabled', text
    )
    assert not re.search(r'value="great"[^>]* disabled', text)
    assert "还没到时候的“没有”未计入" in page_of(web.client(), sent.headers["Location"])
    [kept] = reports(web)
    assert kept.says == {"sea_of_clouds": "sea"}
    web.now = MORNING
    assert 'class="nothing" hidden' not in page_of(web.client(), link).partition('id="more"')[0]


# -- links


def test_a_link_that_was_changed_by_a_letter_or_made_elsewhere_opens_nothing(
    web: WebWorld, link: str
) -> None:
    client, token = web.client(), link.rpartition("/")[2]
    other = ("A" if token[-2] != "A" else "B", "A" if token[3] != "A" else "B")
    forged = (
        token[:-2] + other[0] + token[-1],
        token[:3] + other[1] + token[4:],
        token.rpartition(".")[0],
        token + "x",
        token * 4,
        "ImFiYyI.AAAA",
    )

    for wrong in forged:
        assert client.get(f"/report/{wrong}").status_code == 404
        sent = client.post(f"/report/{wrong}", data=answers(sunrise="full"))
        assert sent.status_code == 404
    assert reports(web) == []


def test_a_token_for_something_else_is_no_link(web: WebWorld, link: str) -> None:
    from itsdangerous import URLSafeSerializer

    found = Reports(web.world.archive).links()[0]
    key = web.application.secret_key
    assert key is not None

    token = URLSafeSerializer(key, salt="device").dumps(found.id)

    assert web.client().get(f"/report/{token}").status_code == 404


def test_a_revoked_link_ends_at_once_for_good(web: WebWorld, desk: FlaskClient) -> None:
    client, path = web.client(), make_link(desk, "lingshan", "丙")
    content = {**answers(rime="full"), "site": "lingshan"}
    thanks = client.post(path, data=content).headers["Location"]
    found = next(each for each in Reports(web.world.archive).links() if each.holder == "丙")

    form = {"csrf": csrf_of(desk)}
    assert desk.post(f"/desk/links/{found.id}/revoke", data=form).status_code == 303

    answered = [client.get(path), client.get(thanks), client.post(path, data=answers(rime="none"))]
    assert [each.status_code for each in answered] == [404, 404, 404]
    assert "该链接已停用" in answered[0].get_data(as_text=True)
    asked = client.post(path, data=answers(rime="none"), headers=JSON)
    assert "该链接已停用" in asked.get_json()["error"]
    assert desk.get(f"/desk/links/{found.id}").status_code == 410
    assert "停用" in page_of(desk, "/desk/links")
    assert [each.says for each in reports(web)] == [{"rime": "full"}]
    assert {row.what for row in Audit(web.world.archive).last(50)} >= {
        "link made", "link revoked",
    }  # fmt: skip


def test_a_link_reports_from_its_own_site_only(web: WebWorld, link: str) -> None:
    sent = web.client().post(link, data={**answers(sunrise="full"), "site": "lingshan"})

    assert sent.status_code == 303
    assert [each.site for each in reports(web)] == ["jinding"]


@pytest.mark.parametrize("holder", ["x" * 61, "=cmd", "a\u202eb"])
def test_a_name_that_is_none_makes_no_link(holder: str, desk: FlaskClient, web: WebWorld) -> None:
    before = len(Reports(web.world.archive).links())
    form = {"csrf": csrf_of(desk), "site": "jinding", "holder": holder}

    assert desk.post("/desk/links", data=form).status_code == 422
    assert len(Reports(web.world.archive).links()) == before


@pytest.mark.parametrize(
    ("web_settings", "code"),
    [
        ({"base_url": "http://weather.example"}, True),
        ({"host": "192.0.2.7"}, True),
        ({"host": "127.0.0.1"}, False),
        ({"host": "::1"}, False),
        ({"host": "0.0.0.0"}, False),
        ({"base_url": "http://localhost:8321"}, False),
    ],
)
def test_a_code_is_drawn_where_a_phone_can_open_it_and_never_for_a_host_that_a_request_claims(
    web_settings: dict[str, str], code: bool, config: Config, tmp_path: Path
) -> None:
    found = report_settings(config, tmp_path)
    served = found.service.model_copy(update={"web": found.web.model_copy(update=web_settings)})
    web = WebWorld(world(found.model_copy(update={"service": served}), RUN), now=MORNING)
    Reports(web.world.archive).add_link(ReportLink("abc", "jinding", "Li", MORNING, "zhao"))
    web.add_people("admin")
    desk = web.client("admin")
    cookie = desk.get_cookie("skyscape_session")
    assert cookie is not None
    desk.set_cookie(cookie.key, cookie.value, domain="evil.example")

    answer = desk.get("/desk/links/abc", headers={"Host": "evil.example"})

    text = answer.get_data(as_text=True)
    assert "evil.example" not in text
    address = re.search(r'class="address">([^<]+)', text)
    assert address is not None
    host = web_settings.get("host", "")
    expected = web_settings.get("base_url") or f"http://{f'[{host}]' if ':' in host else host}:8321"
    assert address.group(1).startswith(f"{expected}/report/")
    drawn = segno.make(address.group(1), error="m", micro=False)
    svg = drawn.svg_inline(omitsize=True, svgclass="qr", lineclass=None)
    assert (svg in text, "未生成二维码" in text) == (code, not code)


# -- visitors


def test_visitors_are_not_let_in_unless_the_settings_say_so(config: Config, tmp_path: Path) -> None:
    closed = report_world(config, tmp_path, people=())
    client = closed.client()

    assert client.get("/report/").status_code == 404
    assert client.post("/report/", data=answers(sunrise="full")).status_code == 404
    assert reports(closed) == []


def test_a_visitor_waits_for_the_desk_and_leaves_no_address(
    web: WebWorld, desk: FlaskClient
) -> None:
    client, content = web.client(), answers(sunrise="none")

    sent = client.post("/report/", data=content)

    assert "待核实后采用" in page_of(client, sent.headers["Location"])
    [kept] = reports(web)
    assert (kept.kind, kept.state, kept.link) == ("visitor", "held", "")
    assert "127.0.0.1" not in repr(kept)
    assert len(kept.sender) == 32
    assert Outcomes(web.world.archive).reports() == {}
    assert "待核实1份" in page_of(desk, "/desk/reports")
    form = {"csrf": csrf_of(desk), "state": "accepted"}
    assert desk.post(f"/desk/reports/{kept.id}", data=form).status_code == 303
    [verified] = Outcomes(web.world.archive).resolved().values()
    assert (verified.outcome.source, verified.outcome.degree) == ("visitor", 0.0)


def test_a_visitor_who_sends_too_often_is_slowed(web: WebWorld) -> None:
    client = web.client()

    sent = [client.post("/report/", data=answers(sunrise="full"), headers=JSON) for _ in range(9)]
    # a rotating address of the same network is the same sender
    others = [
        client.post("/report/", data=answers(sunrise="full"), headers=JSON,
                    environ_base={"REMOTE_ADDR": f"2001:db8::{n}"}) for n in range(9)
    ]  # fmt: skip

    assert [each.status_code for each in sent] == [201] * 6 + [429] * 3
    assert [each.status_code for each in others] == [201] * 6 + [429] * 3


def test_three_visitors_of_different_addresses_are_believed(web: WebWorld) -> None:
    client = web.client()
    for n in (1, 2, 3):
        address = {"REMOTE_ADDR": f"192.0.2.{n}"}
        client.post("/report/", data=answers(sunrise="full"), environ_base=address)

    assert {each.state for each in reports(web)} == {"accepted"}
    [verified] = Outcomes(web.world.archive).resolved().values()
    assert (verified.outcome.source, verified.reports) == ("visitor", 3)


# -- the desk


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/desk/reports", {"wang", "zhao", "admin"}), ("/desk/links", {"zhao", "admin"})],
)
def test_only_those_whose_role_permits_it_come_in(
    path: str, allowed: set[str], web: WebWorld
) -> None:
    answered = {who: web.client(who).get(path).status_code for who in ("wang", "li", "zhao")}

    assert answered == {who: 200 if who in allowed else 403 for who in answered}
    assert web.client().get(path).status_code == 302


def test_every_change_needs_the_token_of_its_session(
    web: WebWorld, desk: FlaskClient, link: str
) -> None:
    web.client().post(link, data=answers(sunrise="full"))
    [kept] = reports(web)

    for path, form in (
        (f"/desk/reports/{kept.id}", {"state": "refused", "reason": "no"}),
        ("/desk/links", {"site": "jinding"}),
        ("/desk/links/x/revoke", {}),
    ):
        assert desk.post(path, data=form).status_code == 400
    assert [each.state for each in reports(web)] == ["accepted"]


def test_the_list_says_what_a_report_did_to_the_truth(
    web: WebWorld, desk: FlaskClient, link: str
) -> None:
    web.client().post(link, data=answers(sunrise="full", sea_of_clouds="sea"))

    text = page_of(desk, "/desk/reports")

    assert "无实况 → 出现（观察员）" in text  # the sunrise is over at 07:42
    assert "时段结束后计入：无实况 → 云海（观察员）" in text


def test_of_contradicting_reports_of_one_person_the_list_says_which_counts(
    web: WebWorld, desk: FlaskClient, link: str
) -> None:
    for said, cloud in (("full", "sea"), ("none", "in_cloud")):
        web.client().post(link, data=answers(sunrise=said, sea_of_clouds=cloud))
        web.now += timedelta(minutes=5)

    text = page_of(desk, "/desk/reports")

    assert "报出现，不计入：同一人另报未出现，以后报的为准" in text
    assert "报云海，不计入：同一人另报" in text  # also before the event is over
    assert text.count("不计入") == 2


def test_a_refusal_needs_a_reason_and_is_taken_once(
    web: WebWorld, desk: FlaskClient, link: str
) -> None:
    web.client().post(link, data=answers(sunrise="full"))
    [kept] = reports(web)
    path, form = f"/desk/reports/{kept.id}", {"csrf": csrf_of(desk), "state": "refused"}

    without = desk.post(path, data={**form, "reason": " "})
    first, second = (desk.post(path, data={**form, "reason": "照片是旧的"}) for _ in range(2))

    assert (without.status_code, first.status_code, second.status_code) == (422, 303, 409)
    assert "请写明不采用的理由" in without.get_data(as_text=True)
    assert Outcomes(web.world.archive).reports() == {}
    assert "照片是旧的" in page_of(desk, "/desk/reports")
    unknown = desk.post(f"/desk/reports/{uuid.uuid4()}", data={**form, "reason": "none"})
    assert unknown.status_code == 409


def test_what_people_write_is_never_markup(web: WebWorld, desk: FlaskClient) -> None:
    client, path = web.client(), make_link(desk, "jinding", f"a{NASTY}"[:60])
    sent = client.post(path, data=answers(sunrise="full", remark=NASTY))
    [kept] = reports(web)
    form = {"csrf": csrf_of(desk), "state": "refused", "reason": NASTY}
    desk.post(f"/desk/reports/{kept.id}", data=form)
    wrong = client.post(path, data=answers(remark=NASTY, site=NASTY, at=NASTY, sunrise=NASTY))

    shown = [
        page_of(client, path),
        page_of(client, f"{sent.headers['Location']}?problem={NASTY}"),
        page_of(desk, "/desk/reports"),
        page_of(desk, "/desk/links"),
        wrong.get_data(as_text=True),
    ]
    for text in shown:
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert "&lt;script&gt;" in shown[2]


@pytest.mark.parametrize("day", ["1900-01-01", "9999-12-31", "x", "2026-13-01"])
def test_a_day_that_cannot_be_is_answered_all_the_same(day: str, desk: FlaskClient) -> None:
    assert desk.get(f"/desk/reports?day={day}").status_code == 200


def test_nothing_of_these_pages_is_kept_by_a_proxy_and_no_script_stands_in_them(
    web: WebWorld, desk: FlaskClient, link: str
) -> None:
    for client, path in ((web.client(), link), (desk, "/desk/reports"), (desk, "/desk/links")):
        found = client.get(path)
        text = re.sub(r'="[^"]*"', '=""', found.get_data(as_text=True))  # values are no markup

        assert found.headers["Cache-Control"] == "no-store"
        assert "'unsafe" not in found.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]+src=)|<style|<\w[^<>]*\s(style|on\w+)=", text)


def test_the_service_worker_changes_its_name_with_what_it_keeps(web: WebWorld) -> None:
    found = web.client().get("/report/sw.js")

    assert found.mimetype == "text/javascript"
    assert re.match(r'const VERSION = "[0-9a-f]{12}";', found.get_data(as_text=True))


def test_the_thanks_name_the_last_forecast_before_the_event_and_the_record(
    config: Config, tmp_path: Path
) -> None:
    web = report_world(config, tmp_path)
    archive, folder = web.world.archive, web.context.config.learning.folder
    fill_archive(archive, 40, ("jinding",), ("sunrise",), leads=1, start=date(2026, 10, 1))
    found = verify.verification(archive, web.context.config, MORNING)
    verify.keep(found, folder)
    at = datetime(2026, 11, 30, 22, 50, tzinfo=UTC)  # the sunrise window begins
    for hours, probability in ((30, 0.31), (14, 0.72), (-1, 0.98)):
        event = {"site": "jinding", "phenomenon": "sunrise", "day": date(2026, 12, 1)}
        row = {**event, "probability": probability, "window_start": at}
        keep_issue(archive, at - timedelta(hours=hours), [row])
    client, link = web.client(), make_link(web.client("admin"))

    sent = client.post(link, data=answers(sunrise="full"))

    text = page_of(client, sent.headers["Location"])
    assert "2026年11月30日16时50分发布：72%" in text
    line = found.records[0].line
    assert f"共检验{line.cases}次" in text
    assert f"预报会出现{line.hits + line.false_alarms}次，其中{line.hits}次出现" in text


def test_the_thanks_never_quote_an_issue_that_was_withdrawn(config: Config, tmp_path: Path) -> None:
    web = report_world(config, tmp_path)
    archive, at = web.world.archive, datetime(2026, 11, 30, 22, 50, tzinfo=UTC)
    event = {"site": "jinding", "phenomenon": "sunrise", "day": date(2026, 12, 1)}
    row = {**event, "probability": 0.72, "window_start": at}
    issue = keep_issue(archive, at - timedelta(hours=14), [row])
    Drafts(archive).withdrawn(issue, "wang", "资料有误", at - timedelta(hours=10))
    client, link = web.client(), make_link(web.client("admin"))

    text = page_of(client, client.post(link, data=answers(sunrise="full")).headers["Location"])

    assert "2026年11月30日16时50分发布的预报已撤回" in text
    assert "72%" not in text


def test_every_report_that_waits_is_on_one_list_whatever_its_day(web: WebWorld) -> None:
    web.client().post("/report/", data=answers(sunrise="full"))
    [kept] = reports(web)
    web.now = MORNING + timedelta(days=9)
    desk = web.client("admin")

    assert kept.id[:8] not in page_of(desk, "/desk/reports")
    assert kept.id[:8] in page_of(desk, "/desk/reports?held=1")
    form = {"csrf": csrf_of(desk), "state": "refused", "reason": "too late", "held": "1"}
    done = desk.post(f"/desk/reports/{kept.id}", data=form)
    assert done.headers["Location"] == "/desk/reports?held=1"
    assert "没有待核实的报告" in page_of(desk, "/desk/reports?held=1")


def test_below_a_path_and_behind_a_proxy_the_printed_address_is_that_of_people(
    config: Config, tmp_path: Path
) -> None:
    found = report_settings(config, tmp_path)
    service = {"base_url": "https://weather.example/skyscape", "trusted_proxies": 1}
    served = found.service.model_copy(update={"web": found.web.model_copy(update=service)})
    web = WebWorld(world(found.model_copy(update={"service": served}), RUN), now=MORNING)
    link = ReportLink("abc", "jinding", "Li", MORNING, "zhao")
    Reports(web.world.archive).add_link(link)

    prefix = {"X-Forwarded-Prefix": "/skyscape", "X-Forwarded-Proto": "https"}
    with web.application.test_request_context("/", headers=prefix):
        address = address_of(link)
    path = address.removeprefix("https://weather.example/skyscape")
    page = web.client().get(path, headers=prefix).get_data(as_text=True)

    assert path.startswith("/report/")
    assert f'action="/skyscape{path}"' in page
    assert 'data-worker="/skyscape/report/sw.js" data-scope="/skyscape/report/"' in page
