"""The desk: what a forecaster sees and does there, and what it refuses."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from flask.testing import FlaskClient

from forecast.archive.drafts import Drafts
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.archive.outcomes import Outcomes
from forecast.config import Config
from forecast.domain import Observation, Outcome
from forecast.ingest.grib import reader
from forecast.review import Account, Draft, Edit, EventKey
from forecast.service.web.desk_material import DeskCache, next_hour
from forecast.settings import NameSettings, StationSettings
from tests.faults.one_site import decoded, small
from tests.web_world import HOUR, NOW, WebWorld, web_world

SEA: EventKey = ("lingshan", "sea_of_clouds", "2026-11-23")
GLOW: EventKey = ("lingshan", "sunset_glow", "2026-11-22")
NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
ENDING = {"why": "other", "note_zh": NASTY * 9, "note_en": NASTY}


@pytest.fixture(scope="module")
def patched(
    config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[pytest.MonkeyPatch]:
    folder = tmp_path_factory.mktemp("cycle")
    atmosphere = decoded(small(config, folder), folder / "bucket")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
        yield patch


@pytest.fixture(scope="module")
def made(
    config: Config, tmp_path_factory: pytest.TempPathFactory, patched: pytest.MonkeyPatch
) -> WebWorld:
    ours = web_world(config, tmp_path_factory.mktemp("desk"))
    ours.add_people()
    return ours


def next_draft(archive: Archive, now: datetime) -> Draft | None:
    return next(iter(Drafts(archive).open_ones(now)), None)


@pytest.fixture
def ours(made: WebWorld) -> WebWorld:
    """A draft without any edit; the same world for all tests."""
    draft = next_draft(made.world.archive, made.now) or made.draft()
    drafts, wang = Drafts(made.world.archive), Account("wang", "王一", "forecaster")
    for edit in drafts.edits(draft.id):
        draft = made.lifecycle.undo(
            made.world, draft, draft.version, edit.event, edit.field, wang, made.now
        )
    return made


@pytest.fixture(scope="module")
def people(made: WebWorld) -> dict[str, FlaskClient]:
    """A browser for each account, entered once: scrypt is slow on purpose."""
    return {name: made.client(name) for name in ("wang", "li", "zhao")}


@pytest.fixture
def desk(ours: WebWorld, people: dict[str, FlaskClient]) -> FlaskClient:
    people["wang"].delete_cookie("lang")
    return people["wang"]


def page_of(key: EventKey) -> str:
    return "/desk/event/" + "/".join(key)


def fields_of(page: str) -> dict[str, str]:
    """Return the hidden fields of the form of the chosen event."""
    form = page[page.index('class="edit"') :]
    return {
        name: html.unescape(re.search(rf'name="{name}" value="([^"]*)"', form).group(1))  # type: ignore[union-attr]
        for name in ("csrf", "draft", "version", "seen", "was", "site", "phenomenon", "day")
    }


def send(client: FlaskClient, key: EventKey, to: str = "/desk/edit", **values: str) -> Any:
    """Send the form of an event with some fields, as the page has it now."""
    fields = fields_of(client.get(page_of(key)).text)
    return client.post(to, data={**fields, **values})


def edits(ours: WebWorld) -> tuple[Edit, ...]:
    drafts = Drafts(ours.world.archive)
    draft = next_draft(ours.world.archive, ours.now)
    assert draft is not None
    return drafts.edits(draft.id)


def machine(ours: WebWorld, key: EventKey) -> float:
    draft = next_draft(ours.world.archive, ours.now)
    assert draft is not None
    found = ours.lifecycle.prepared(ours.world, draft).forecasts
    return next(each.probability for each in found if each.event.key == key)


def test_the_desk_shows_every_event_of_the_draft(ours: WebWorld, desk: FlaskClient) -> None:
    page = desk.get("/desk/").text

    draft = next_draft(ours.world.archive, ours.now)
    assert draft is not None
    for forecast in ours.lifecycle.prepared(ours.world, draft).forecasts:
        assert f'href="{page_of(forecast.event.key)}"' in page
    assert "还有30分钟" in page


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("show", ["record", "station", "sounding"])
def test_every_event_can_be_looked_at_in_both_languages(
    ours: WebWorld, desk: FlaskClient, language: str, show: str
) -> None:
    for key in (SEA, GLOW, ("lingshan", "rime", "2026-11-23")):
        answer = desk.get(f"{page_of(key)}?lang={language}&show={show}")

        assert answer.status_code == HTTPStatus.OK
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text


def test_a_change_stands_beside_the_machines_value(ours: WebWorld, desk: FlaskClient) -> None:
    answer = send(desk, SEA, probability="42", reason="observation", note="塔台可见云顶")

    assert (answer.status_code, answer.location) == (HTTPStatus.SEE_OTHER, page_of(SEA))
    [edit] = edits(ours)
    assert (edit.field, edit.value, edit.reason, edit.person) == (
        "probability", 0.42, "observation", "wang",
    )  # fmt: skip
    page = desk.get(page_of(SEA)).text
    assert f'data-live="machine">{round(100 * machine(ours, SEA))}%' in page
    assert 'name="probability" class="big"' in page
    assert 'value="42"' in page
    assert '<em class="edited">' in page


def test_every_change_needs_a_reason_of_its_own(
    ours: WebWorld, desk: FlaskClient, people: dict[str, FlaskClient]
) -> None:
    """The reason of the change before, perhaps another person's, never stands for the next one."""
    send(people["li"], SEA, probability="42", reason="observation", note="塔台可见云顶")

    page = desk.get(page_of(SEA)).text
    assert '<option value="observation" selected>' not in page
    assert re.search(r'name="note"[^>]*value=""', page)
    assert "塔台可见云顶" in page  # beside the way back
    for values in ({"probability": "45"}, {"window_start": "07:30", "window_end": "09:00"}):
        refused = send(desk, SEA, **values, reason="", note="")
        assert (refused.status_code, "请先选择修改理由" in refused.text) == (409, True)
    assert [edit.value for edit in edits(ours)] == [0.42]


def test_each_field_can_be_changed_and_goes_back_by_one_click(
    ours: WebWorld, desk: FlaskClient
) -> None:
    answer = send(
        desk, SEA, probability="40", window_start="07:30", window_end="09:00", hidden="1",
        sentence_zh="云顶偏低", sentence_en="A low deck", recommended="no",
        reason="local_knowledge",
    )  # fmt: skip
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert {edit.field: edit.value for edit in edits(ours)} == {
        "probability": 0.4,
        "window": ["2026-11-23T07:30:00+08:00", "2026-11-23T09:00:00+08:00"],
        "sentence": {"zh": "云顶偏低", "en": "A low deck"},
        "hidden": True,
        "recommended": False,
    }

    send(desk, SEA, "/desk/undo", undo="window")
    assert "window" not in {edit.field for edit in edits(ours)}
    send(desk, SEA, "/desk/undo", undo="")
    assert edits(ours) == ()


def test_a_window_of_a_whole_day_ends_at_the_midnight_after_it(
    ours: WebWorld, desk: FlaskClient
) -> None:
    rime = ("lingshan", "rime", "2026-11-23")

    send(desk, rime, window_start="06:00", window_end="00:00", reason="observation")

    [edit] = edits(ours)
    assert edit.value == ["2026-11-23T06:00:00+08:00", "2026-11-24T00:00:00+08:00"]


@pytest.mark.parametrize("typed", ["４２", "42％", "４２．０", "42,0"])
def test_a_chance_is_understood_as_people_type_it(
    ours: WebWorld, desk: FlaskClient, typed: str
) -> None:
    send(desk, SEA, probability=typed, reason="satellite")

    assert [edit.value for edit in edits(ours)] == [0.42]


def test_the_chart_has_the_window_of_a_forecaster_who_changed_it(
    ours: WebWorld, desk: FlaskClient
) -> None:
    before = desk.get(page_of(SEA)).text
    send(desk, SEA, window_start="07:30", window_end="09:00", reason="satellite")

    after = desk.get(page_of(SEA)).text

    charts = [page.split("<figure data-chart")[1].split("</figure>")[0] for page in (before, after)]
    assert charts[0] != charts[1]
    assert "07:30" in charts[1]


def test_an_emptied_field_goes_back_to_the_model(ours: WebWorld, desk: FlaskClient) -> None:
    send(desk, SEA, probability="40", reason="satellite")

    send(desk, SEA, probability="", reason="satellite")

    assert edits(ours) == ()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"probability": "40"}, "请先选择修改理由"),
        ({"probability": "40", "reason": "other"}, "请写明原因"),
        ({"probability": "viel", "reason": "satellite"}, "0至100"),
        ({"probability": "101", "reason": "satellite"}, "0至100"),
        ({"probability": "-1", "reason": "satellite"}, "0至100"),
        ({"probability": "nan", "reason": "satellite"}, "0至100"),
        ({"window_start": "25:00", "reason": "satellite"}, "时段应写作"),
        ({"window_start": "09:00", "window_end": "08:00", "reason": "satellite"}, "时段应写作"),
        ({"window_start": "15:00", "window_end": "16:00", "reason": "satellite"}, "时段不在"),
        ({"sentence_zh": "只有中文", "reason": "wording"}, "须中英文同时填写"),
        ({"sentence_zh": "长" * 121, "sentence_en": "x", "reason": "wording"}, "至多120字"),
        ({"probability": "40", "reason": "because"}, "请先选择修改理由"),
    ],
)
def test_what_makes_no_sense_is_refused_and_what_was_typed_stays(
    ours: WebWorld, desk: FlaskClient, values: dict[str, str], says: str
) -> None:
    answer = send(desk, SEA, **values)

    assert answer.status_code == HTTPStatus.CONFLICT
    assert says in answer.text
    assert edits(ours) == ()
    kept = values.get("probability") or values.get("sentence_zh") or values["window_start"]
    assert kept in answer.text


def test_two_editors_do_not_overwrite_each_other(
    ours: WebWorld, desk: FlaskClient, people: dict[str, FlaskClient]
) -> None:
    other = people["li"]
    seen = fields_of(desk.get(page_of(SEA)).text)
    send(other, SEA, probability="61", reason="satellite")

    late = desk.post("/desk/edit", data={**seen, "probability": "35", "reason": "observation"})

    assert late.status_code == HTTPStatus.CONFLICT
    assert "他人已改" in late.text
    assert "→61%" in late.text
    assert 'value="35"' in late.text  # what the second typed is not lost
    assert [edit.value for edit in edits(ours)] == [0.61]
    again = fields_of(late.text)
    assert (
        desk.post("/desk/edit", data={**again, "probability": "35", "reason": "observation"})
    ).status_code == HTTPStatus.SEE_OTHER
    assert [edit.value for edit in edits(ours)] == [0.35]


def test_a_form_changes_only_what_its_person_changed(
    ours: WebWorld, desk: FlaskClient, people: dict[str, FlaskClient]
) -> None:
    """A form holds every field; those that another changed meanwhile are not set back by it."""
    seen = fields_of(desk.get(page_of(SEA)).text)
    was = json.loads(seen["was"])
    windows = {name: was[name] for name in ("window_start", "window_end", "recommended", "hidden")}
    form = {**seen, **windows}
    send(people["li"], SEA, window_start="08:00", window_end="09:00", reason="satellite")

    late = desk.post("/desk/edit", data={**form, "probability": "35", "reason": "observation"})
    again = {**form, **fields_of(late.text), "probability": "35", "reason": "observation"}
    again |= {"window_start": "08:00", "window_end": "09:00"}  # as the page shows them now
    assert (
        'name="window_start" size="5" maxlength="5" autocomplete="off" value="08:00"' in late.text
    )
    desk.post("/desk/edit", data=again)

    assert {edit.field: edit.person for edit in edits(ours)} == {
        "window": "li", "probability": "wang",
    }  # fmt: skip


def test_two_editors_by_script_are_told_the_same(ours: WebWorld, desk: FlaskClient) -> None:
    accept = {"Accept": "application/json"}
    seen = fields_of(desk.get(page_of(SEA)).text)
    form = {**seen, "probability": "61", "reason": "satellite"}
    first = desk.post("/desk/edit", data=form, headers=accept)
    assert first.json["version"] == int(seen["version"]) + 1

    late = desk.post("/desk/edit", data={**form, "probability": "35"}, headers=accept)

    assert late.status_code == HTTPStatus.CONFLICT
    assert "61%" in late.json["changed"][0]


def test_a_form_of_an_older_draft_is_refused(ours: WebWorld, desk: FlaskClient) -> None:
    seen = fields_of(desk.get(page_of(SEA)).text)

    answer = desk.post(
        "/desk/edit", data={**seen, "draft": "draft-x", "probability": "35", "reason": "satellite"}
    )

    assert answer.status_code == HTTPStatus.CONFLICT
    assert "草稿已更新" in answer.text
    assert edits(ours) == ()


def test_a_form_that_no_page_wrote_is_a_bad_request(ours: WebWorld, desk: FlaskClient) -> None:
    answer = send(desk, SEA, was="[" * 3000, probability="35", reason="satellite")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert edits(ours) == ()


def test_nothing_that_is_typed_becomes_markup(ours: WebWorld, desk: FlaskClient) -> None:
    send(desk, SEA, sentence_zh=NASTY[:100], sentence_en=NASTY[:100], reason="other", note=NASTY)
    fields = fields_of(desk.get(page_of(SEA)).text)
    desk.post("/desk/comment", data={**fields, "comment_zh": NASTY, "comment_en": NASTY})
    refused = send(desk, SEA, probability=NASTY, window_start=NASTY, reason=NASTY, note=NASTY)
    pages = [
        desk.get(page_of(SEA)).text,
        refused.text,
        desk.get("/desk/sign").text,
        desk.post(
            "/desk/withdraw", data={**fields, "issue": NASTY, "why": "other", "note_zh": NASTY * 9}
        ).text,
        desk.get("/desk/preview/index.html").text,
        desk.get(f"{page_of(SEA)}?show={NASTY}&k.deck_top=1500").text,
    ]
    desk.post("/desk/comment", data={**fields_of(pages[0]), "comment_zh": "", "comment_en": ""})

    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert "&lt;script&gt;alert" in pages[0]


def test_a_comment_is_kept_and_a_long_one_refused(ours: WebWorld, desk: FlaskClient) -> None:
    fields = fields_of(desk.get("/desk/").text)
    answer = desk.post(
        "/desk/comment", data={**fields, "comment_zh": "山顶风大", "comment_en": "Windy"}
    )
    assert answer.status_code == HTTPStatus.SEE_OTHER

    fields = fields_of(desk.get("/desk/").text)
    long = desk.post("/desk/comment", data={**fields, "comment_zh": "风" * 301, "comment_en": ""})

    assert long.status_code == HTTPStatus.CONFLICT
    assert "风" * 301 in long.text
    draft = next_draft(ours.world.archive, ours.now)
    assert draft is not None
    assert draft.comment.zh == "山顶风大"


@pytest.mark.parametrize("draft", ["draft-x", ""])
def test_a_comment_of_another_draft_is_refused(
    ours: WebWorld, desk: FlaskClient, draft: str
) -> None:
    fields = fields_of(desk.get("/desk/").text)

    answer = desk.post("/desk/comment", data={**fields, "draft": draft, "comment_zh": "换了草稿"})

    assert answer.status_code == HTTPStatus.CONFLICT
    assert "草稿已更新" in answer.text
    kept = next_draft(ours.world.archive, ours.now)
    assert kept is not None
    assert kept.comment.zh != "换了草稿"


def test_nothing_invisible_is_kept_of_what_is_typed(ours: WebWorld, desk: FlaskClient) -> None:
    typed = "山\u202e顶\u2066风\u0000大\u001b[1m\r\n注意\u2028保暖"
    shown = "山顶风大[1m\n注意\n保暖"
    fields = fields_of(desk.get("/desk/").text)
    desk.post("/desk/comment", data={**fields, "comment_zh": typed, "comment_en": "a\u202eb"})
    send(desk, SEA, sentence_zh=typed, sentence_en="fog\u2069", reason="other", note=typed)

    draft = next_draft(ours.world.archive, ours.now)
    assert draft is not None
    assert (draft.comment.zh, draft.comment.en) == (shown, "ab")
    [edit] = edits(ours)
    assert edit.note == shown
    assert edit.value == {"zh": shown, "en": "fog"}
    fields = fields_of(desk.get("/desk/").text)
    desk.post("/desk/comment", data={**fields, "comment_zh": "", "comment_en": ""})
    unseen = desk.post(
        "/desk/withdraw", data={**fields, "why": "other", "note_zh": "\u202e\u2066\u0000\u200b"}
    )
    assert unseen.status_code == HTTPStatus.CONFLICT
    assert "须用中文写明" in unseen.text


def test_the_model_answers_what_if_and_nothing_is_kept(ours: WebWorld, desk: FlaskClient) -> None:
    before = fields_of(desk.get(page_of(GLOW)).text)
    query = "site=lingshan&phenomenon=sunset_glow&day=2026-11-22"

    same = desk.get(f"/desk/what-if?{query}").json
    hazy = desk.get(f"/desk/what-if?{query}&k.aerosol_optical_depth=1").json

    assert same["before"] == same["after"] == f"{round(100 * machine(ours, GLOW))}%"
    assert hazy["after"] != hazy["before"]
    assert hazy["texts"] == {"aerosol_optical_depth": "1.00"}
    assert hazy["chart"].startswith("<svg")
    assert fields_of(desk.get(page_of(GLOW)).text) == before
    assert edits(ours) == ()


def test_what_if_works_without_a_script_and_refuses_what_is_no_number(
    ours: WebWorld, desk: FlaskClient
) -> None:
    assert " → " in desk.get(f"{page_of(SEA)}?k.deck_top=3000").text
    for bad in ("viel", "nan", "inf"):
        assert desk.get(f"{page_of(SEA)}?k.deck_top={bad}").status_code == HTTPStatus.CONFLICT
    assert desk.get("/desk/what-if?site=no").status_code == HTTPStatus.NOT_FOUND


def test_the_sounding_is_a_picture_of_its_own(ours: WebWorld, desk: FlaskClient) -> None:
    answer = desk.get("/desk/sounding/lingshan/sea_of_clouds/2026-11-23.svg")

    assert "GFS 22日08时起报" in answer.text  # of which run, and beside it for which time
    assert re.search(r"23日[0-9]+时[0-9]{2}分", answer.text)

    assert answer.mimetype == "image/svg+xml"
    assert "景点 2303 m" in answer.text
    assert "script" not in answer.text
    assert desk.get("/desk/sounding/lingshan/rime/1999-01-01.svg").status_code == 404


def test_a_preview_is_what_would_go_out(ours: WebWorld, desk: FlaskClient) -> None:
    send(desk, SEA, probability="42", reason="observation")

    page = desk.get("/desk/preview/index.html")
    message = desk.get("/desk/preview/sms.txt")

    assert "王一" in page.text
    assert "42%" in desk.get("/desk/preview/sites/lingshan/index.html").text
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert message.mimetype == "text/plain"
    assert desk.get("/desk/preview/posters/lingshan.png").data.startswith(b"\x89PNG")
    shown = desk.get("/desk/preview/").text
    assert "of=posters/day.png" in shown
    assert "of=posters/lingshan.png" in shown
    assert desk.get("/desk/preview/posters/nowhere.png").status_code == 404
    assert not (ours.world.config.output.folder / "current").exists()


@pytest.mark.parametrize(
    ("language", "of", "frames"),
    [
        ("zh", "index.html", ["index.html"] * 2),
        ("en", "index.html", ["en/index.html"] * 2),
        ("en", "display/lingshan.html", ["en/display/lingshan.html"] * 2),
        ("zh", "display/lingshan.html", ["display/lingshan.html"] * 2),
        ("en", "sms.txt", ["en/sms.txt"]),
        ("zh", "../secret", ["index.html"] * 2),
    ],
)
def test_previews_are_in_the_language_of_the_desk_and_at_both_sizes(
    ours: WebWorld, desk: FlaskClient, language: str, of: str, frames: list[str]
) -> None:
    page = desk.get(f"/desk/preview/?of={of}&lang={language}").text
    desk.get("/desk/?lang=zh")

    assert re.findall(r'<iframe title="[^"]+" src="/desk/preview/([^"]+)"', page) == frames


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2f..%2fconfig.yaml", "/etc/passwd", "x"])
def test_a_preview_has_no_other_files(ours: WebWorld, desk: FlaskClient, path: str) -> None:
    assert desk.get(f"/desk/preview/{path}").status_code in (404, 308)


def test_who_may_only_look_changes_nothing(ours: WebWorld, people: dict[str, FlaskClient]) -> None:
    ranger = people["zhao"]
    page = ranger.get(page_of(SEA)).text

    assert 'id="probability"' in page
    assert '<button class="save">' not in page
    fields = fields_of(page)
    for path in ("/desk/edit", "/desk/undo", "/desk/comment", "/desk/sign", "/desk/withdraw"):
        assert ranger.post(path, data=fields).status_code == HTTPStatus.FORBIDDEN
    assert people["li"].get("/desk/sign").status_code == HTTPStatus.FORBIDDEN
    assert ours.client().get("/desk/").status_code == HTTPStatus.FOUND
    assert edits(ours) == ()


def test_a_change_without_its_token_is_refused(ours: WebWorld, desk: FlaskClient) -> None:
    fields = fields_of(desk.get(page_of(SEA)).text) | {"csrf": "x"}

    answer = desk.post("/desk/edit", data={**fields, "probability": "40", "reason": "satellite"})

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert edits(ours) == ()


TOP, FOOT = NameSettings(zh="山顶站", en="Top"), NameSettings(zh="山口站", en="Foot")
GLOW_DAY = NOW.date()


@pytest.fixture(scope="module")
def second(
    config: Config, tmp_path_factory: pytest.TempPathFactory, patched: pytest.MonkeyPatch
) -> WebWorld:
    """Another world, with two stations, of which one reports, and a draft."""
    stations = (
        StationSettings(id="54501", name=TOP, latitude=40.0, longitude=115.5, elevation_m=2300.0),
        StationSettings(id="54502", name=FOOT, latitude=40.0, longitude=115.5, elevation_m=900.0),
    )
    observed = config.observations.model_copy(update={"stations": stations})
    site = config.sites[0].model_copy(update={"stations": ("54501", "54502")})
    settings = config.model_copy(update={"observations": observed, "sites": (site,)})
    ours = web_world(settings, tmp_path_factory.mktemp("second"))
    ours.add_people("wang")
    reports = [
        Observation("54501", NOW - timedelta(hours=ago), {"air_temperature": 260.0 + ago})
        for ago in range(8)
    ]
    Observations(ours.world.archive).keep(reports, NOW)
    ours.draft()
    return ours


def test_the_last_day_of_the_sites_stations_is_drawn_and_a_silent_one_is_named(
    second: WebWorld,
) -> None:
    page = second.client("wang").get(f"{page_of(SEA)}?show=station").text

    assert "山顶站" in page
    assert page.count('class="trend-line"') == 1
    assert "−13" in page or "-13" in page  # the newest, 260 K
    assert "山口站尚无数据" in page


def test_yesterday_and_the_record_stand_beside_the_event(second: WebWorld) -> None:
    draft = next_draft(second.world.archive, NOW)
    assert draft is not None
    second.lifecycle.release(second.world, draft, HOUR)
    Outcomes(second.world.archive).keep(
        [Outcome("sunset_glow", "lingshan", GLOW_DAY, 1.0, "observer", reporter="ranger")], HOUR
    )
    second.now = HOUR + timedelta(hours=6)
    hour = second.now + timedelta(minutes=30)
    second.lifecycle.make_draft(second.world, second.now, hour)

    page = second.client("wang").get("/desk/event/lingshan/sunset_glow/2026-11-23").text

    assert "11月22日报" in page
    assert "近30天有实况1天，出现1天" in page


def test_the_next_hour_is_that_of_the_settings(config: Config) -> None:
    hour = next_hour(config, NOW)

    assert hour > NOW
    assert f"{hour:%H:%M}" == "16:10"


def test_what_many_ask_for_at_once_is_made_once_and_the_oldest_goes() -> None:
    kept, made, gate = DeskCache(most=2), list[str](), threading.Event()

    def make() -> str:
        gate.wait(10)
        made.append("slow")
        return "slow"

    threads = [threading.Thread(target=lambda: kept.of("slow", make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert kept.of("other", lambda: "made meanwhile") == "made meanwhile"
    gate.set()
    for thread in threads:
        thread.join(10)
    assert made == ["slow"]

    kept.of("third", lambda: "third")
    assert kept.of("other", lambda: "made again") == "made again"
