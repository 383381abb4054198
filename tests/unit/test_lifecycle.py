"""The life of an issue: what each step does, who may take it, and what stays for ever."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.archive.drafts import Drafts
from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.domain import Atmosphere, Name
from forecast.errors import Conflict, NotReleased
from forecast.ingest.grib import reader
from forecast.issue import edits as editing
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.release import begin_anew, restore
from forecast.issue.world import World
from forecast.review import Account, Draft, Edit
from tests.faults.one_site import RUN, decoded, small, world

NOW = RUN + timedelta(hours=5)
HOUR = RUN + timedelta(hours=5, minutes=30)
WANG = Account("wang", "王一", "forecaster")
LI = Account("li", "李二", "editor")


def states_of(ours: World) -> dict[str, str]:
    """Return the state of every issue."""
    return Drafts(ours.archive).states([issue.id for issue in ours.archive.issues()])


@pytest.fixture(scope="module")
def atmosphere(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Atmosphere:
    folder = tmp_path_factory.mktemp("cycle")
    return decoded(small(config, folder), folder / "bucket")


@pytest.fixture
def ours(
    config: Config, atmosphere: Atmosphere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    monkeypatch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
    return with_review(config, tmp_path, "optional")


def with_review(config: Config, folder: Path, review: str, unsigned: str = "release") -> World:
    settings = small(config, folder)
    issue = settings.issue.model_copy(update={"review": review, "unsigned": unsigned})
    return world(settings.model_copy(update={"issue": issue}), RUN)


def change(draft: Draft, event: tuple[str, str, str], **values: Any) -> Edit:
    return Edit(event, "probability", 0.42, "observation", LI.id, NOW, **values)


def test_a_draft_lies_apart_has_no_number_and_is_made_once(ours: World) -> None:
    lives = Lifecycle()

    draft = lives.make_draft(ours, NOW, HOUR)
    again = lives.make_draft(ours, NOW + timedelta(minutes=1), HOUR)

    assert (draft.state, draft.version, again.state) == ("draft", 1, "draft")
    assert ours.archive.issues() == ()
    assert not (ours.config.output.folder / "current").exists()
    assert [(t.before, t.after) for t in Drafts(ours.archive).transitions(draft.id)][:1] == [
        ("", "draft")
    ]


def test_a_signed_draft_is_out_with_the_changes_and_the_name_of_who_signed(ours: World) -> None:
    lives, drafts = Lifecycle(), Drafts(ours.archive)
    draft = lives.make_draft(ours, NOW, HOUR)
    event = lives.forecasts(ours, draft)[0].event.key
    machine = lives.forecasts(ours, draft)[0].probability

    edited = lives.edit(ours, draft, draft.version, change(draft, event), LI)
    report = lives.sign(ours, edited, edited.version, WANG, NOW + timedelta(minutes=10))

    [forecast] = [f for f in lives.forecasts(ours, edited) if f.event.key == event]
    assert forecast.probability == 0.42
    assert forecast.change is not None
    assert forecast.change.machine_probability == machine
    assert report.issue.number == 1
    assert states_of(ours) == {report.issue.id: "released"}
    assert drafts.review_of(report.issue.id)["person"] == "王一"
    assert [t.after for t in drafts.transitions(edited.id)] == ["draft", "reviewed", "released"]


def test_nobody_overwrites_what_another_changed(ours: World) -> None:
    lives = Lifecycle()
    draft = lives.make_draft(ours, NOW, HOUR)
    event = lives.forecasts(ours, draft)[0].event.key
    lives.edit(ours, draft, draft.version, change(draft, event), LI)

    with pytest.raises(Conflict, match=r"changed meanwhile .version 2, you saw 1."):
        lives.edit(ours, draft, draft.version, change(draft, event), WANG)
    with pytest.raises(Conflict, match="changed meanwhile"):
        lives.sign(ours, draft, draft.version, WANG, NOW)


def test_who_may_not_sign_does_not(ours: World) -> None:
    lives = Lifecycle()
    draft = lives.make_draft(ours, NOW, HOUR)

    with pytest.raises(Conflict, match="sign is needed"):
        lives.sign(ours, draft, draft.version, LI, NOW)


@pytest.mark.parametrize(("review", "unsigned"), [("required", "release"), ("optional", "hold")])
def test_what_nobody_signed_does_not_go_out_where_that_is_wanted(
    config: Config,
    atmosphere: Atmosphere,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    review: str,
    unsigned: str,
) -> None:
    monkeypatch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
    ours, lives = with_review(config, tmp_path, review, unsigned), Lifecycle()
    draft = lives.make_draft(ours, NOW, HOUR)

    with pytest.raises(NotReleased, match="nobody signed it"):
        lives.release(ours, draft, HOUR)

    assert ours.archive.issues() == ()


def test_released_without_a_person_it_says_so(ours: World) -> None:
    lives = Lifecycle()
    draft = lives.make_draft(ours, NOW, HOUR)

    report = lives.release(ours, draft, HOUR)

    review = Drafts(ours.archive).review_of(report.issue.id)
    assert (review["unreviewed"], review["person"]) == (True, "")


def test_a_restart_makes_the_same_draft_again(ours: World) -> None:
    draft = Lifecycle().make_draft(ours, NOW, HOUR)

    again = Lifecycle().prepared(ours, draft)

    assert again.numbers == Drafts(ours.archive).numbers(draft.id)


def test_a_signature_ends_with_the_next_change(ours: World) -> None:
    lives, drafts = Lifecycle(), Drafts(ours.archive)
    draft = lives.make_draft(ours, NOW, HOUR)
    signed = drafts.sign(draft.id, draft.version, WANG.id, WANG.name, NOW)

    changed = lives.comment(ours, signed, signed.version, Name("山上风大", "Windy"), LI, NOW)

    assert changed.state == "draft"
    assert drafts.signature(draft.id) == {}


def changed(lives: Lifecycle, ours: World, draft: Draft, *values: float) -> Draft:
    """Change the chance of the first events of a draft, one value for each, and comment it."""
    events = [each.event.key for each in lives.forecasts(ours, draft)]
    for event, value in zip(events, values, strict=False):
        edit = Edit(event, "probability", value, "observation", LI.id, draft.prepared)
        draft = lives.edit(ours, draft, draft.version, edit, LI)
    return lives.comment(ours, draft, draft.version, Name("山上风大", "Windy"), LI, NOW)


def values_of(ours: World, draft: Draft) -> list[object]:
    return [edit.value for edit in Drafts(ours.archive).edits(draft.id)]


def test_what_is_signed_early_goes_over_into_the_draft_of_its_hour(ours: World) -> None:
    lives = Lifecycle()
    early = changed(lives, ours, lives.make_draft(ours, NOW, HOUR), 0.42, 0.17)
    lives.sign(ours, early, early.version, WANG, NOW)

    draft = lives.make_draft(ours, NOW + timedelta(minutes=10), HOUR)

    assert values_of(ours, draft) == [0.42, 0.17]
    assert (draft.comment, draft.lost_edits) == (Name("山上风大", "Windy"), ())


def test_what_no_longer_applies_of_the_issue_in_force_is_named(
    ours: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = Lifecycle()
    early = changed(lives, ours, lives.make_draft(ours, NOW, HOUR), 0.42)
    lives.sign(ours, early, early.version, WANG, NOW)
    monkeypatch.setattr(editing, "MOVED", 0.0)  # as if the model said something else now

    draft = lives.make_draft(ours, NOW + timedelta(minutes=10), HOUR)

    assert values_of(ours, draft) == []
    assert [edit.value for edit in draft.lost_edits] == [0.42]


MIDNIGHT = NOW + timedelta(hours=11, minutes=30)  # past, in Beijing


@pytest.mark.parametrize(
    ("later", "kept", "lost"), [(NOW + timedelta(minutes=10), [0.42], []), (MIDNIGHT, [], [0.42])]
)
@pytest.mark.parametrize("end", ["withdrawn", "unsigned"])
def test_what_was_changed_and_does_not_stand_is_kept_today_and_named_later(
    ours: World, later: datetime, kept: list[float], lost: list[float], end: str
) -> None:
    lives = Lifecycle()
    early = changed(lives, ours, lives.make_draft(ours, NOW, HOUR), 0.42)
    if end == "withdrawn":
        issue = lives.sign(ours, early, early.version, WANG, NOW).issue
        lives.withdraw(ours, issue.id, WANG, "wrong deck", NOW)
    else:
        lives.release(ours, early, NOW)

    draft = lives.make_draft(ours, later, later + timedelta(minutes=30))

    assert values_of(ours, draft) == kept
    assert [edit.value for edit in draft.lost_edits] == lost
    assert (draft.comment == early.comment) is bool(kept)


def test_what_stood_yesterday_hands_nothing_on(ours: World) -> None:
    lives = Lifecycle()
    early = changed(lives, ours, lives.make_draft(ours, NOW, HOUR), 0.42)
    lives.sign(ours, early, early.version, WANG, NOW)

    draft = lives.make_draft(ours, MIDNIGHT, MIDNIGHT + timedelta(minutes=30))

    assert (values_of(ours, draft), draft.lost_edits, draft.comment) == ([], (), Name("", ""))


def test_the_changes_of_a_draft_that_never_went_out_are_in_the_next(ours: World) -> None:
    lives = Lifecycle()
    changed(lives, ours, lives.make_draft(ours, NOW, HOUR), 0.42)
    later = HOUR + timedelta(hours=3)

    draft = lives.make_draft(ours, later, later + timedelta(minutes=30))

    assert values_of(ours, draft) == [0.42]


def test_what_nobody_signed_goes_out_with_the_machines_numbers_alone(
    ours: World, caplog: pytest.LogCaptureFixture
) -> None:
    lives = Lifecycle()
    draft = changed(lives, ours, lives.make_draft(ours, NOW, HOUR), 0.42)
    machine = [each.probability for each in lives.prepared(ours, draft).forecasts]
    caplog.set_level("WARNING")

    lives.release(ours, draft, HOUR)

    told = json.loads((ours.config.output.folder / "current/api/v1/forecasts.json").read_text())
    assert told["review"]["unreviewed"] is True
    assert (told["review"]["comment"] or {}).get("zh", "") == ""
    assert {each["machine_probability"] for each in told["forecasts"]} == {None}
    assert len(told["forecasts"]) == len(machine)
    page = (ours.config.output.folder / "current/index.html").read_text(encoding="utf-8")
    assert ("预报员订正" in page, "山上风大" in page) == (False, False)
    assert "goes out unsigned: 2 changes are left out" in caplog.text


def test_an_open_draft_gets_what_a_correction_changed_and_keeps_it_when_that_is_withdrawn(
    ours: World,
) -> None:
    lives, drafts = Lifecycle(), Drafts(ours.archive)
    first = changed(lives, ours, lives.make_draft(ours, NOW, HOUR), 0.42, 0.17)
    one = lives.sign(ours, first, first.version, WANG, NOW).issue
    later = NOW + timedelta(minutes=10)
    draft = lives.make_draft(ours, later, HOUR)
    third = lives.forecasts(ours, draft)[2].event.key
    own = Edit(third, "probability", 0.33, "observation", WANG.id, later)
    draft = lives.edit(ours, draft, draft.version, own, WANG)
    right = lives.correct(ours, one.id, WANG, "wrong valley", later)
    event = drafts.edits(right.id)[0].event
    right = lives.edit(
        ours, right, right.version, Edit(event, "probability", 0.9, "satellite", LI.id, later), LI
    )

    two = lives.sign(ours, right, right.version, WANG, later).issue

    [renewed] = drafts.open_ones(later)
    assert (renewed.hour, renewed.id != draft.id) == (HOUR, True)
    assert sorted(map(str, values_of(ours, renewed))) == ["0.17", "0.33", "0.9"]
    lives.withdraw(ours, two.id, WANG, "wrong again", later)
    [renewed] = drafts.open_ones(later)
    assert sorted(map(str, values_of(ours, renewed))) == ["0.17", "0.33", "0.9"]
    assert renewed.comment == Name("山上风大", "Windy")
    assert lives.prepared(ours, renewed).numbers == drafts.numbers(renewed.id)


def test_a_correction_is_discarded_by_name_and_its_issue_stands(ours: World) -> None:
    lives, drafts = Lifecycle(), Drafts(ours.archive)
    draft = lives.make_draft(ours, NOW, HOUR)
    with pytest.raises(Conflict, match="only a correction"):
        lives.discard(ours, draft, draft.version, LI, NOW)
    issue = lives.sign(ours, draft, draft.version, WANG, NOW).issue
    hours = lives.make_draft(ours, NOW, HOUR)
    right = lives.correct(ours, issue.id, WANG, "wrong valley", HOUR)  # at the very hour

    assert {each.id for each in drafts.open_ones(HOUR)} == {hours.id, right.id}
    with pytest.raises(Conflict, match="changed meanwhile"):
        lives.discard(ours, right, right.version + 1, LI, HOUR)
    lives.discard(ours, right, right.version, LI, HOUR)

    assert [each.id for each in drafts.open_ones(HOUR)] == [hours.id]
    last = drafts.transitions(right.id)[-1]
    assert (last.after, last.person) == ("expired", LI.id)
    assert states_of(ours) == {issue.id: "released"}


@pytest.mark.parametrize("end", ["superseded", "withdrawn"])
def test_a_correction_of_an_issue_no_longer_in_force_does_not_go_out(ours: World, end: str) -> None:
    lives, drafts = Lifecycle(), Drafts(ours.archive)
    draft = lives.make_draft(ours, NOW, HOUR)
    issue = lives.sign(ours, draft, draft.version, WANG, NOW).issue
    right = lives.correct(ours, issue.id, WANG, "wrong valley", NOW)
    if end == "superseded":
        lives.release(ours, lives.make_draft(ours, NOW, HOUR), NOW)
    else:
        lives.withdraw(ours, issue.id, WANG, "wrong deck", NOW)
    out = len(ours.archive.issues())

    with pytest.raises(NotReleased, match=f"which is {end}"):
        lives.sign(ours, right, right.version, WANG, NOW)
    assert drafts.signature(right.id) == {}
    signed = drafts.sign(right.id, right.version, WANG.id, WANG.name, NOW)  # and the machine died
    with pytest.raises(NotReleased, match=f"which is {end}"):
        lives.release(ours, signed, NOW)

    assert drafts.get(right.id).state == "expired"  # type: ignore[union-attr]
    assert len(ours.archive.issues()) == out


def test_a_lost_archive_takes_a_signed_and_a_withdrawn_issue_from_what_readers_see(
    ours: World,
) -> None:
    lives = Lifecycle()
    draft = lives.make_draft(ours, NOW, HOUR)
    issue = lives.sign(ours, draft, draft.version, WANG, NOW).issue
    database = Path(ours.config.archive.url.removeprefix("sqlite:///"))

    for wanted in ("released", "withdrawn"):
        for file in database.parent.glob(f"{database.name}*"):
            file.unlink()
        again = world(ours.config, RUN)
        begin_anew(again.archive, again.publisher)
        restore(again, NOW)

        assert states_of(again) == {issue.id: wanted}
        assert Drafts(again.archive).review_of(issue.id)["person"] == "王一"
        if wanted == "released":
            lives.withdraw(again, issue.id, WANG, "wrong deck", NOW)

    draft = lives.make_draft(again, NOW, HOUR)
    after = lives.release(again, draft, HOUR).issue
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    again = world(ours.config, RUN)
    begin_anew(again.archive, again.publisher)
    restore(again, NOW)
    assert states_of(again) == {issue.id: "withdrawn", after.id: "released"}


def test_a_draft_that_was_out_when_it_expired_is_a_released_one(
    ours: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives, drafts = Lifecycle(), Drafts(ours.archive)
    draft = lives.make_draft(ours, NOW, HOUR)
    with monkeypatch.context() as killed:  # right after the pages were put in force
        killed.setattr(Archive, "mark_published", lambda *_: None)
        killed.setattr(Drafts, "released", lambda *_: None)
        issue = lives.sign(ours, draft, draft.version, WANG, NOW).issue

    lives.expire(ours, HOUR + timedelta(hours=3))
    restore(ours, HOUR + timedelta(hours=3))

    found = drafts.get(draft.id)
    assert found is not None
    assert found.state == "released"
    assert states_of(ours) == {issue.id: "released"}


def test_readers_see_an_issue_changed_signed_corrected_and_withdrawn(ours: World) -> None:
    lives, drafts = Lifecycle(), Drafts(ours.archive)
    site = ours.config.output.folder

    def shown(path: str, release: str = "current") -> str:
        return (site / release / path).read_text(encoding="utf-8")

    draft = lives.make_draft(ours, NOW, HOUR)
    first, second, *_ = lives.forecasts(ours, draft)
    words = Edit(first.event.key, "sentence", {"zh": "谷中起雾", "en": "Fog in the valley"},
                 "satellite", LI.id, NOW)  # fmt: skip
    hidden = Edit(second.event.key, "hidden", True, "other", LI.id, NOW, "no view")
    for edit in (change(draft, first.event.key), words, hidden):
        draft = lives.edit(ours, draft, draft.version, edit, LI)
    one = lives.sign(ours, draft, draft.version, WANG, NOW).issue
    data = json.loads(shown("api/v1/forecasts.json"))
    changed = next(each for each in data["forecasts"] if each["machine_probability"] is not None)
    assert (changed["probability"], changed["sentence"]["zh"]) == (0.42, "谷中起雾")
    assert len(data["forecasts"]) == len(lives.prepared(ours, draft).forecasts) - 1
    assert data["review"]["person"] == "王一"

    later = NOW + timedelta(minutes=10)
    again = lives.correct(ours, one.id, WANG, "wrong valley", later)
    two = lives.sign(ours, again, again.version, WANG, later).issue
    assert "更正第1期" in shown("sms.txt")
    assert "谷中起雾" in shown(f"sites/{first.event.site.id}/index.html")
    assert "已由第2期更正，原因：wrong valley" in shown("index.html", f"archive/{one.id}")
    assert drafts.shown_states([one.id, two.id]) == {one.id: "corrected", two.id: "released"}

    lives.withdraw(ours, two.id, WANG, "wrong again", later)
    assert json.loads(shown("api/v1/status.json"))["status"] == "withdrawn"
    assert "wrong again" in shown("wechat/article.html")
    assert "谷中起雾" not in shown(f"sites/{first.event.site.id}/index.html")
    with pytest.raises(Conflict):
        lives.correct(ours, two.id, WANG, "too late", later)

    draft = lives.make_draft(ours, later, HOUR)
    three = lives.release(ours, draft, HOUR).issue
    assert "自动发布，未经人工审核" in shown("index.html")
    for state in ("有效", "已更正", "已撤回"):
        assert shown("archive/index.html").count(f"<td>{state}</td>") == 1
    assert drafts.shown_states([three.id])[three.id] == "released"
    assert three.number == 3


def test_the_drafts_of_the_newest_issues_are_found_at_once(ours: World) -> None:
    lives, drafts = Lifecycle(), Drafts(ours.archive)
    first = lives.make_draft(ours, NOW, HOUR)
    lives.release(ours, first, HOUR)
    second = lives.make_draft(ours, HOUR, HOUR + timedelta(hours=12))
    assert [each.id for each in drafts.of_newest_issues(9)] == [first.id]
    lives.release(ours, second, HOUR + timedelta(hours=1))

    assert [each.id for each in drafts.of_newest_issues(9)] == [second.id, first.id]
    assert [each.id for each in drafts.of_newest_issues(1)] == [second.id]
