"""What do readers find once an issue is withdrawn or corrected, and what does the archive keep?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from forecast.config import Config
from forecast.domain import Issue
from forecast.errors import PublishError
from forecast.review import Review, Withdrawal
from forecast.settings import Channel
from products import channels, marking
from products.bulletin import Bulletin
from products.composition import Supplement, compose
from products.pages.templating import Page
from products.publish import Publisher
from tests.e2e.past_releases import issues, one_site
from tests.e2e.sample_bulletin import ATTRIBUTION, sample_parts

AT = datetime(2026, 11, 22, 8, 25, tzinfo=UTC)
WRONG = Withdrawal(AT, "王一", "山谷站<湿度>有误。", "wang")


def put_in_force(config: Config, issue: Issue, before: list[Issue], **more: object) -> Publisher:
    _, forecasts, features, almanacs = sample_parts(config)
    few = [each for each in forecasts if each.event.site.id == config.sites[0].id][:12]
    review = more.get("review")
    assert review is None or isinstance(review, Review)
    bulletin = compose(
        issue, few, features, almanacs, config, Supplement(ATTRIBUTION, before), review
    )
    publisher = Publisher(config)
    publisher.publish(bulletin)
    return publisher


def text_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".html", ".txt", ".json")
    }


@pytest.fixture(scope="module")
def withdrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    config = one_site(folder)
    first, second, _ = issues()
    put_in_force(config, first, [])
    put_in_force(config, second, [first]).withdraw(second, WRONG)
    return folder


def test_every_page_of_a_withdrawn_issue_says_so_and_why(withdrawn: Path) -> None:
    second = issues()[1]
    shown, archived = text_of(withdrawn / "current"), text_of(withdrawn / "archive" / second.id)
    pages = [path for path in shown if path.endswith((".html", ".txt"))]

    assert shown.keys() == archived.keys(), "the same addresses lead somewhere"
    for path in pages:
        said = ("withdrawn", "WITHDRAWN") if path.startswith("en/") else ("撤回",)
        assert any(word in shown[path] for word in said), path
        assert "有误" in shown[path], path
        assert "<湿度>" not in shown[path] or path.endswith(".txt"), path
    assert "王一" in shown["index.html"]
    assert "2026年第41期" in shown["wechat/article.html"]


def test_no_forecast_is_left_on_any_channel(withdrawn: Path) -> None:
    shown = text_of(withdrawn / "current")

    assert [path for path in shown if path.endswith((".html", ".txt")) and "%" in shown[path]] == []
    data = json.loads(shown["api/v1/forecasts.json"])
    jsonschema.validate(data, json.loads(shown["api/v1/schema.json"]))
    assert (data["status"], data["forecasts"], data["alerts_complete"]) == ("withdrawn", [], False)
    assert data["withdrawn"] == {
        "at": "2026-11-22T08:25:00Z", "person": "王一", "reason": WRONG.reason,
    }  # fmt: skip


def test_screens_learn_of_it_from_the_status(withdrawn: Path) -> None:
    shown = text_of(withdrawn / "current")
    status = json.loads(shown["api/v1/status.json"])
    [screen] = [p for p in shown if p.startswith("display/")]

    assert (status["issue"], status["status"]) == (issues()[1].id, "withdrawn")
    assert 'data-state="withdrawn"' in shown[screen]
    assert 'data-state="released"' in text_of(withdrawn / "archive" / issues()[1].id)[screen]


def test_the_archived_copy_keeps_the_forecast_and_says_at_its_top_that_it_is_withdrawn(
    withdrawn: Path,
) -> None:
    archived = text_of(withdrawn / "archive" / issues()[1].id)

    for path, page in archived.items():
        if path.endswith(".html"):
            said = "withdrawn" if path.startswith("en/") else "已撤回"
            assert said in page.partition("<h1")[0], path
    assert archived["sms.txt"].startswith("【已撤回】11月22日16时25分由王一撤回")
    data = json.loads(archived["api/v1/forecasts.json"])
    jsonschema.validate(data, json.loads(archived["api/v1/schema.json"]))
    assert data["status"] == "withdrawn"
    assert len(data["forecasts"]) == 12


def test_the_first_withdrawal_stands_and_the_issue_never_comes_back(tmp_path: Path) -> None:
    config = one_site(tmp_path)
    first, second, _ = issues()
    publisher = put_in_force(config, first, [])
    publisher.withdraw(first, WRONG)

    publisher.withdraw(first, replace(WRONG, reason="another"))

    assert publisher.manifest()["withdrawn"]["reason"] == WRONG.reason
    assert publisher.holds(first.id)
    with pytest.raises(PublishError, match="was withdrawn"):
        put_in_force(config, first, [])
    with pytest.raises(PublishError, match="not in force"):
        publisher.withdraw(second, WRONG)


def test_the_next_issue_takes_its_place(tmp_path: Path) -> None:
    config = one_site(tmp_path)
    first, second, _ = issues()
    put_in_force(config, first, []).withdraw(first, WRONG)

    publisher = put_in_force(config, second, [first])

    assert (publisher.current(), publisher.holds(second.id)) == (second.id, True)
    assert "withdrawn" not in publisher.manifest()
    assert sorted(path.name for path in (tmp_path / "archive").iterdir()) == [first.id, second.id]
    with pytest.raises(PublishError, match="was withdrawn"):
        put_in_force(config, first, [])


def test_damaged_pages_of_a_withdrawal_are_written_anew(tmp_path: Path) -> None:
    config = one_site(tmp_path)
    first = issues()[0]
    publisher = put_in_force(config, first, [])
    publisher.withdraw(first, WRONG)
    index = tmp_path / "current" / "index.html"
    whole = index.read_bytes()
    index.write_bytes(b"half")

    with publisher.exclusive():
        pass

    assert index.read_bytes() == whole


def test_a_corrected_issue_is_marked_in_the_archive_and_the_new_one_says_what_it_corrects(
    tmp_path: Path,
) -> None:
    config = one_site(tmp_path)
    first, second, _ = issues()
    put_in_force(config, first, [])
    review = Review(person="王一", corrects=first.number, reason="云顶高度有误")

    publisher = put_in_force(config, second, [first], review=review)

    shown, old = text_of(tmp_path / "current"), text_of(tmp_path / "archive" / first.id)
    assert publisher.manifest()["corrects"] == first.id
    for path in ("index.html", "wechat/article.html", "sms.txt"):
        assert f"更正第{first.number}期，原因：云顶高度有误" in shown[path], path
        assert f"已由第{second.number}期更正，原因：云顶高度有误" in old[path], path
    data = json.loads(old["api/v1/forecasts.json"])
    assert (data["status"], data["corrected_by"]["issue"]) == ("superseded", second.id)
    assert data["forecasts"]
    assert "已更正" in shown["archive/index.html"]
    publisher.withdraw(second, WRONG)
    listed = text_of(tmp_path / "current")["archive/index.html"]
    assert "已更正" in listed.split(first.id, 1)[1].split("</li>")[0]


def test_pages_that_a_failing_channel_keeps_say_that_they_are_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = one_site(tmp_path)
    first, second, _ = issues()
    put_in_force(config, first, [])
    real = channels.render

    def failing(bulletin: Bulletin, channel: Channel) -> Iterator[Page]:
        if channel in ("wechat", "sms"):
            raise PublishError("too long")
        return real(bulletin, channel)

    monkeypatch.setattr(channels, "render", failing)
    review = Review(person="王一", corrects=first.number, reason="云顶高度有误")
    publisher = put_in_force(config, second, [first], review=review)

    shown = text_of(tmp_path / "current")
    for path in ("wechat/article.html", "sms.txt"):
        assert f"已由第{second.number}期更正，原因：云顶高度有误" in shown[path], path
    assert publisher.holds(second.id)


def test_a_page_of_an_earlier_version_without_a_place_for_it_gets_the_notice_too(
    tmp_path: Path,
) -> None:
    config = one_site(tmp_path)
    mark = marking.of_withdrawn(WRONG)
    page = b'<html><body class="a"><h1>%</h1></body></html>'

    once = marking.marked("index.html", "web", page, mark, config.zone)
    twice = marking.marked("index.html", "web", once, mark, config.zone)

    assert "已撤回" in once.decode().partition("<h1>")[0]
    assert twice == once
    assert marking.marked("static/mark.svg", "web", b"\xff", mark, config.zone) == b"\xff"
