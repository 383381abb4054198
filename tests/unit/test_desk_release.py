"""The desk's pages of signatures and corrections, and of drafts that lie beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

import pytest
from flask.testing import FlaskClient

from forecast.archive.drafts import Drafts
from forecast.config import Config
from forecast.domain import Issue
from forecast.ingest.grib import reader
from forecast.review import Account, Draft
from tests.faults.one_site import RUN, decoded, small
from tests.web_world import WebWorld, csrf_of, web_world

HOUR = RUN + timedelta(hours=8, minutes=10)  # 16:10 in Beijing, an hour of issue of config.yaml
READY = HOUR - timedelta(minutes=20)
WANG = Account("wang", "王一", "forecaster")


@pytest.fixture(scope="module")
def made(
    config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[WebWorld, FlaskClient]]:
    folder = tmp_path_factory.mktemp("release")
    atmosphere = decoded(small(config, folder), folder / "bucket")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
        ours = web_world(config, folder / "world")
        ours.add_people("wang")
        yield ours, ours.client("wang")


@pytest.fixture
def ours(made: tuple[WebWorld, FlaskClient]) -> WebWorld:
    """The hour's draft alone is open; each test is a minute later than the one before."""
    world = made[0]
    drafts, world.now = Drafts(world.world.archive), max(world.now + timedelta(seconds=30), READY)
    for each in drafts.open_ones(world.now):
        if each.corrects:
            world.lifecycle.discard(world.world, each, each.version, WANG, world.now)
    world.lifecycle.make_draft(world.world, world.now, HOUR)
    return world


@pytest.fixture
def desk(made: tuple[WebWorld, FlaskClient]) -> FlaskClient:
    return made[1]


def hours(ours: WebWorld) -> Draft:
    found = Drafts(ours.world.archive).of_hour(HOUR)
    assert found is not None
    return found


def correction(ours: WebWorld, desk: FlaskClient) -> tuple[Issue, Draft]:
    """Release an issue and begin its correction at the desk."""
    ours.lifecycle.release(ours.world, hours(ours), ours.now)
    issue = ours.world.archive.issues()[0]
    ours.lifecycle.make_draft(ours.world, ours.now, HOUR)
    form = {"csrf": csrf_of(desk), "issue": issue.id, "why": "conditions"}
    assert desk.post("/desk/correct", data=form).status_code == HTTPStatus.SEE_OTHER
    [draft] = [d for d in Drafts(ours.world.archive).open_ones(ours.now) if d.corrects]
    return issue, draft


def form_of(desk: FlaskClient, draft: Draft) -> dict[str, str]:
    return {"csrf": csrf_of(desk), "draft": draft.id, "version": str(draft.version)}


def test_before_the_hour_the_desk_says_what_goes_out_unsigned_and_afterwards_what_did_not(
    ours: WebWorld, desk: FlaskClient
) -> None:
    desk.get(f"/desk/?draft={hours(ours).id}")
    assert "不含改动" not in desk.get("/desk/").text
    form = form_of(desk, hours(ours)) | {"comment_zh": "山上风大", "was": "{}"}
    assert desk.post("/desk/comment", data=form).status_code == HTTPStatus.SEE_OTHER
    assert "到时未签发则按模型结果自动发布，不含改动" in desk.get("/desk/").text

    ours.lifecycle.release(ours.world, hours(ours), ours.now)

    number = ours.world.archive.issues()[0].number
    said = f"第{number}期到时未签发，已按模型结果自动发布；1处改动未发布"
    assert said in desk.get("/desk/").text


def test_the_drafts_of_an_hour_and_of_a_correction_lead_to_each_other(
    ours: WebWorld, desk: FlaskClient
) -> None:
    _, draft = correction(ours, desk)

    page = desk.get("/desk/").text
    assert f'name="draft" value="{draft.id}"' in page
    assert f'href="/desk/?draft={hours(ours).id}"' in page
    desk.get(f"/desk/?draft={hours(ours).id}")
    page = desk.get("/desk/").text
    assert f'name="draft" value="{hours(ours).id}"' in page
    assert f'href="/desk/?draft={draft.id}"' in page
    assert desk.get("/desk/?draft=draft-x", follow_redirects=True).status_code == HTTPStatus.OK

    form = form_of(desk, draft) | {"comment_zh": "更正", "comment_en": "mended", "was": "{}"}
    assert desk.post("/desk/comment", data=form).status_code == HTTPStatus.SEE_OTHER
    assert f'name="draft" value="{draft.id}"' in desk.get("/desk/").text  # the one just changed
    assert hours(ours).comment.zh != "更正"


def test_a_correction_is_discarded_at_the_desk(ours: WebWorld, desk: FlaskClient) -> None:
    issue, draft = correction(ours, desk)
    assert 'href="/desk/discard"' in desk.get("/desk/").text
    assert "确认放弃" in desk.get("/desk/discard").text
    form = form_of(desk, draft)
    late = desk.post("/desk/discard", data=form | {"version": "7"})
    assert late.status_code == HTTPStatus.CONFLICT
    assert desk.post("/desk/discard", data={**form, "csrf": "x"}).status_code >= 400

    assert desk.post("/desk/discard", data=form).status_code == HTTPStatus.SEE_OTHER

    drafts = Drafts(ours.world.archive)
    assert [each.id for each in drafts.open_ones(ours.now)] == [hours(ours).id]
    assert drafts.transitions(draft.id)[-1].person == "wang"
    assert drafts.state(issue.id) == "released"
    again = desk.post("/desk/discard", data=form)
    assert again.status_code == HTTPStatus.CONFLICT
    assert hours(ours).open


def test_a_page_can_tell_when_another_issue_is_out(ours: WebWorld, desk: FlaskClient) -> None:
    def told() -> str:
        return desk.get("/desk/").text.split('data-issue="')[1].split('"')[0]

    ours.lifecycle.release(ours.world, hours(ours), ours.now)
    issue = ours.world.archive.issues()[0]
    assert told() == f"{issue.id} released"
    ours.lifecycle.withdraw(ours.world, issue.id, WANG, "资料有误", ours.now)
    assert told() == f"{issue.id} withdrawn"


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"why": "data"}, "资料有误 / faulty input data"),
        (
            {"why": "data", "note_zh": "云顶偏低"},
            "资料有误：云顶偏低 / faulty input data (in Chinese: 云顶偏低)",
        ),
        (
            {"why": "model", "note_zh": "云顶偏低", "note_en": "cloud tops too low"},
            "模式偏差较大：云顶偏低 / large model error: cloud tops too low",
        ),
        (
            {"why": "other", "note_zh": "道路封闭"},
            "道路封闭 / another reason (in Chinese: 道路封闭)",
        ),
    ],
)
def test_readers_learn_in_both_languages_why_an_issue_was_withdrawn(
    ours: WebWorld, desk: FlaskClient, form: dict[str, str], reason: str
) -> None:
    ours.lifecycle.release(ours.world, hours(ours), ours.now)
    issue = ours.world.archive.issues()[0]

    answer = desk.post("/desk/withdraw", data={"csrf": csrf_of(desk), "issue": issue.id, **form})

    assert answer.status_code == HTTPStatus.SEE_OTHER
    [*_, last] = Drafts(ours.world.archive).transitions(issue.id)
    assert (last.after, last.reason) == ("withdrawn", reason)
    chinese, english = reason.split(" / ")
    for page in ("index.html", "display/lingshan.html", "archive/index.html"):
        for folder, own, other in (("", chinese, english), ("en/", english, chinese)):
            shown = (ours.world.publisher.link / folder / page).read_text(encoding="utf-8")
            assert f"<bdi>{own}</bdi>" in shown
            assert f"<bdi>{other}" not in shown


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"why": "boredom"},
        {"why": "other"},
        {"why": "data", "note_zh": "云" * 61},
        {"why": "data", "note_en": "c" * 101},
    ],
)
def test_without_a_listed_reason_nothing_is_withdrawn(
    ours: WebWorld, desk: FlaskClient, form: dict[str, str]
) -> None:
    ours.lifecycle.release(ours.world, hours(ours), ours.now)
    issue = ours.world.archive.issues()[0]

    answer = desk.post("/desk/withdraw", data={"csrf": csrf_of(desk), "issue": issue.id, **form})

    assert answer.status_code == HTTPStatus.CONFLICT
    assert form.get("note_zh", "") in answer.text  # what was typed is not lost
    assert Drafts(ours.world.archive).state(issue.id) == "released"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", ["/desk/withdraw", "/desk/correct"])
def test_why_a_step_is_refused_is_said_in_the_language_of_the_page(
    ours: WebWorld, desk: FlaskClient, path: str, language: str
) -> None:
    form = {"csrf": csrf_of(desk), "issue": "gfs-1999010100", "why": "data"}

    answer = desk.post(f"{path}?lang={language}", data=form)
    desk.get("/desk/?lang=zh")

    assert answer.status_code == HTTPStatus.CONFLICT
    assert ("该期已不是正在发布的一期" in answer.text) == (language == "zh")
    assert "gfs-1999010100" not in answer.text


def test_a_correction_of_what_was_superseded_says_why_it_does_not_go_out(
    ours: WebWorld, desk: FlaskClient
) -> None:
    _, draft = correction(ours, desk)
    ours.lifecycle.release(ours.world, hours(ours), ours.now)

    answer = desk.post("/desk/sign", data=form_of(desk, draft))

    assert answer.status_code == HTTPStatus.CONFLICT
    assert "已被取代或撤回" in answer.text
    assert Drafts(ours.world.archive).signature(draft.id) == {}


def test_a_signature_before_the_last_minutes_is_not_called_that_of_the_hour(
    ours: WebWorld, desk: FlaskClient
) -> None:
    in_time = desk.get("/desk/sign").text
    assert "自成一期" not in in_time
    assert "16时10分发布的预报" in in_time

    ours.now = HOUR - timedelta(hours=2)
    early, page = desk.get("/desk/sign").text, desk.get("/desk/").text
    ours.now = HOUR - timedelta(hours=18)  # of the day before
    assert "将沿用" not in desk.get("/desk/sign").text
    ours.now = READY

    assert "自成一期" in early
    assert "将沿用" in early
    assert "16时10分" in early
    assert "16时10分发布的预报" not in early
    assert "16:10另有一期" in page


def test_the_desk_says_that_the_hour_has_its_signed_issue(
    ours: WebWorld, desk: FlaskClient
) -> None:
    draft = hours(ours)
    assert desk.post("/desk/sign", data=form_of(desk, draft)).status_code == HTTPStatus.SEE_OTHER
    ours.now += timedelta(minutes=1)
    ours.lifecycle.make_draft(ours.world, ours.now, HOUR)

    assert "本时次已有签发的一期" in desk.get("/desk/").text
