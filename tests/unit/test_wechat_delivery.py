"""Does the account get each issue as one draft, whatever the platform answers?"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from forecast.archive.issues import Archive
from forecast.errors import DeliveryError
from forecast.issue.deliver import deliver
from forecast.sent import FAILED, SENDING
from products.publish import Publisher
from products.wechat.article import PLAIN_COVER, body_of
from products.wechat.refusals import PUBLICATIONS, REFUSALS
from products.wechat.token import NAME
from tests.faults.wechat_double import APPID, SECRET, WeChatDouble, serving
from tests.wechat_world import (
    ISSUE,
    LATER,
    MINUTE,
    NOW,
    SECRETS,
    WITHDRAWAL,
    AccountWorld,
    bulletin,
    pages_of,
    png,
)

DRAFT = "draft:2026-11-22"
TITLE = "门头沟景观气象预报第42期"


@pytest.fixture
def double() -> Iterator[WeChatDouble]:
    with serving(WeChatDouble(now=NOW.timestamp())) as found:
        yield found


@pytest.fixture
def world(double: WeChatDouble, tmp_path: Path) -> AccountWorld:
    return AccountWorld(double, tmp_path)


def refused(world: AccountWorld, **more: object) -> str:
    with pytest.raises(DeliveryError) as caught:
        world.deliver(**more)
    return str(caught.value)


def test_an_issue_becomes_a_draft_and_nothing_more(world: AccountWorld) -> None:
    receipt = world.deliver()

    assert receipt.outcome == "sent"
    assert receipt.detail == f"draft added: {TITLE}; a person publishes it at mp.weixin.qq.com"
    [draft] = world.double.drafts.values()
    [article] = draft["news_item"]
    assert article["title"] == TITLE
    assert article["author"] == "某气象台"
    assert article["digest"].startswith("11月")
    assert article["content_source_url"] == "https://weather.example/index.html"
    assert article["content"].startswith("<section")
    assert "安全提示" in article["content"]
    assert TITLE not in article["content"], "the platform shows the title itself"
    assert world.double.covers == {"cover-0": PLAIN_COVER.read_bytes()}
    assert not any("freepublish" in line for line in world.double.log)

    assert world.deliver(NOW + MINUTE).outcome == "unchanged"
    assert world.double.added == 1


def test_pictures_are_uploaded_once_and_shown_from_the_platform(world: AccountWorld) -> None:
    world.release["wechat/cover.png"] = png()
    world.deliver(pages=pages_of(42, pictured=True))
    world.deliver(NOW + MINUTE, issue=LATER, pages=pages_of(43, pictured=True))

    assert list(world.double.images.values()) == [png()]
    assert list(world.double.covers.values()) == [png()]
    assert world.double.filtered == []
    [draft] = world.double.drafts.values()
    assert draft["news_item"][0]["content"].count('<img src="http://mmbiz.qpic.cn/') == 1


def test_a_picture_that_the_release_lacks_is_left_out(world: AccountWorld) -> None:
    world.deliver(pages=pages_of(42, pictured=True))
    [draft] = world.double.drafts.values()
    assert "<img" not in draft["news_item"][0]["content"]


def test_a_later_issue_of_the_day_replaces_the_draft_and_one_of_the_next_day_does_not(
    world: AccountWorld,
) -> None:
    world.deliver()
    receipt = world.deliver(NOW + 5 * MINUTE, issue=LATER)
    assert receipt.detail == f"draft updated: {TITLE.replace('42', '43')}"
    assert world.double.titles() == [TITLE.replace("42", "43")]

    tomorrow = replace(LATER, id="gfs-2026112300", issued=ISSUE.issued + timedelta(days=1))
    world.deliver(NOW + timedelta(days=1), issue=tomorrow)
    assert world.double.added == 2


def test_a_draft_that_somebody_published_is_not_made_again_but_the_next_issue_gets_one(
    world: AccountWorld,
) -> None:
    world.deliver()
    world.double.used_by_hand("draft-1")
    changed = {path: page.replace(b"15px", b"16px") for path, page in pages_of(42).items()}
    receipt = world.deliver(NOW + MINUTE, pages=changed)
    assert "published or deleted by somebody" in receipt.detail
    assert world.double.drafts == {}

    world.deliver(NOW + 2 * MINUTE, issue=LATER)
    assert world.double.titles() == [TITLE.replace("42", "43")]


@pytest.mark.parametrize("fault", ["lost", "dropped", "page", "down"])
def test_an_answer_that_does_not_come_leads_to_a_look_and_never_to_two_drafts(
    world: AccountWorld, fault: str
) -> None:
    for number in range(25):  # others' drafts: the one looked for may be on a later page
        world.double.drafts[f"other-{number}"] = {
            "news_item": [{"title": f"通知{number}", "thumb_media_id": ""}],
            "update_time": int(NOW.timestamp()),
        }
    world.double.faults["draft/add"] = [fault]
    assert "looked for before the next attempt" in refused(world)
    kept = world.kept(DRAFT)
    assert kept is not None
    assert kept.state == SENDING
    assert world.deliver(NOW + MINUTE / 2).outcome == "unchanged", "too early to look"
    assert "draft/batchget: ok" not in world.double.log

    receipt = world.deliver(NOW + MINUTE)

    assert receipt.outcome == "sent"
    assert world.double.added == 1
    assert world.double.titles().count(TITLE) == 1
    assert ("draft updated" in receipt.detail) is (fault == "lost")
    assert world.double.log.count("draft/batchget: ok") >= 1


@pytest.mark.parametrize(("days", "ours"), [(365, False), (3, False), (1, True)])
def test_an_old_draft_with_the_same_title_is_left_alone(
    world: AccountWorld, days: int, ours: bool
) -> None:
    old = NOW - timedelta(days=days)
    world.double.drafts["old"] = {
        "news_item": [{"title": TITLE}],
        "update_time": int(old.timestamp()),
    }
    world.double.faults["draft/add"] = ["dropped"]
    refused(world)
    world.deliver(NOW + MINUTE)
    assert list(world.double.drafts) == (["old"] if ours else ["old", "draft-1"])


def test_a_cover_that_somebody_deleted_is_uploaded_anew(world: AccountWorld) -> None:
    world.deliver()
    world.double.covers.clear()
    world.deliver(NOW + MINUTE, issue=LATER)
    world.double.covers.clear()
    world.double.used_by_hand("draft-1")
    world.deliver(NOW + 2 * MINUTE, issue=replace(LATER, id="gfs-2026112212"))
    assert world.double.added == 2
    assert len(world.double.drafts) == 1


# The token


def test_the_token_is_fetched_once_and_kept_where_only_its_owner_reads_it(
    world: AccountWorld,
) -> None:
    world.deliver()
    world.deliver(NOW + MINUTE, issue=LATER)

    assert world.double.log.count("stable_token: ok") == 1
    path = world.folder / NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert not path.is_relative_to(world.config.output.folder)
    assert SECRET not in path.read_text()


@pytest.mark.parametrize("life", [7200, 320])
def test_the_token_is_renewed_by_the_life_that_the_platform_gives_it(
    world: AccountWorld, life: int
) -> None:
    world.double.tokens.append(("first", NOW.timestamp() + life))
    fetched = []
    for number, left in enumerate((life, 61, 59)):
        issue = replace(LATER, id=f"gfs-202611220{number}", number=42 + number)
        world.deliver(NOW + timedelta(seconds=life - left), issue=issue)
        fetched.append(world.double.log.count("stable_token: ok"))
    assert fetched == [1, 1, 2]
    assert world.double.now < dict(world.double.tokens)["first"], "the old one is valid still"


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[]",
        '{"account": "another", "token": "wrong", "until": "2026-11-22T09:30:00+00:00"}',
        f'{{"account": "{APPID}", "token": "wrong", "until": "2026-11-23T09:30:00+00:00"}}',
        f'{{"account": "{APPID}", "token": "wrong", "until": "2026-11-22T09:30:00"}}',
    ],
)
def test_a_token_file_that_cannot_be_right_is_not_used(world: AccountWorld, content: str) -> None:
    (world.folder / NAME).write_text(content)
    world.deliver()
    assert world.double.log[0] == "stable_token: ok"
    assert not any("40001" in line for line in world.double.log)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_token_that_is_no_longer_valid_is_fetched_anew_once(
    world: AccountWorld, code: int
) -> None:
    world.double.faults["draft/add"] = [(code, "invalid credential")]
    assert world.deliver().outcome == "sent"
    assert world.double.log.count("stable_token: ok") == 2
    assert world.double.added == 1

    world.double.faults["draft/update"] = [(code, "invalid credential")] * 2
    assert str(code) in refused(world, now=NOW + MINUTE, issue=LATER)
    assert world.double.log.count("stable_token: ok") == 3, "not for ever"


# Refusals

ECHOED = "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist"


@pytest.mark.parametrize("code", sorted(set(REFUSALS) - {40001, 40014, 42001, 40007}))
def test_each_error_code_says_what_to_do_and_when_it_is_tried_again(
    world: AccountWorld, code: int
) -> None:
    world.double.faults["draft/add"] = [(code, ECHOED)]
    said = refused(world)

    assert said.startswith(f"draft/add: refused with {code} (invalid ip 203.0.113.7")
    meaning = REFUSALS[code]
    assert said.endswith(meaning.advice.format(ip="203.0.113.7"))
    kept = world.kept(DRAFT)
    assert kept is not None
    assert (kept.state, kept.final) == (FAILED, meaning.final)
    pause = timedelta(seconds=max(meaning.pause or 0, 60))
    assert world.deliver(NOW + pause - timedelta(seconds=1)).outcome == "unchanged"
    again = world.deliver(NOW + pause)
    assert again.outcome == ("unchanged" if meaning.final else "sent")
    assert world.double.added == (0 if meaning.final else 1)
    world.deliver(NOW + timedelta(days=1), issue=LATER)
    assert world.double.titles() == [TITLE.replace("42", "43")], "the next issue is tried"


def test_the_address_to_put_on_the_whitelist_is_named(world: AccountWorld) -> None:
    world.double.faults["stable_token"] = [(40164, ECHOED)]
    assert "add 203.0.113.7 to the IP whitelist" in refused(world)


def test_a_code_that_is_in_no_document_is_repeated_and_tried_again(world: AccountWorld) -> None:
    world.double.faults["draft/add"] = [(99999, "something new")]
    assert "99999 (something new rid" in refused(world)
    assert world.deliver(NOW + MINUTE).outcome == "sent"


def test_neither_secret_nor_token_is_ever_written(
    world: AccountWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.deliver()
    token = world.double.tokens[-1][0]
    world.double.faults["draft/update"] = [(40164, f"{SECRET} {token}"), "lost"]
    said = refused(world, now=NOW + MINUTE, issue=LATER)
    said += refused(world, now=NOW + 5 * MINUTE, issue=LATER)
    kept = "".join(str(each) for each in world.outbox.keys(APPID).values())
    for text in (said, caplog.text, kept, str(list(world.double.drafts.values()))):
        assert SECRET not in text
        assert token not in text


def test_a_lacking_secret_is_named_and_not_repeated_every_time(world: AccountWorld) -> None:
    world.secrets = {}
    said = refused(world)
    assert "SKYSCAPE_WECHAT_APPID and SKYSCAPE_WECHAT_SECRET must be set" in said
    assert world.deliver(NOW + MINUTE / 2).outcome == "unchanged"


def test_every_limit_that_is_not_kept_is_named_before_anything_is_sent(world: AccountWorld) -> None:
    world.base_url = "https://weather.example/" + "x" * 1100
    world.release["wechat/cover.png"] = b"RIFF\0\0\0\0WEBP"
    head = b"<title>" + "长".encode() * 33 + b"</title>"
    page = pages_of(42, pictured=True)["wechat/article.html"]
    page = head + page.replace(b"</section>", b"x" * 20_000 + b"</section>", 1)
    said = refused(world, pages={"wechat/article.html": page})
    for expected in (
        "the title has 46 characters, at most 32 are taken",
        "fewer than 20000 are taken",
        "output.base_url makes an address of 1135 bytes, at most 1024",
        "cover.png is neither PNG nor JPEG",
        "the cover is neither PNG nor JPEG",
    ):
        assert expected in said
    assert world.double.log == []
    assert world.deliver(NOW + MINUTE, pages={"wechat/article.html": page}).outcome == "unchanged"


def test_a_picture_of_a_megabyte_is_refused_before_it_is_sent(world: AccountWorld) -> None:
    world.release["wechat/cover.png"] = png(more=1_000_000)
    assert "cover.png has 1000" in refused(world, pages=pages_of(42, pictured=True))
    assert world.deliver(NOW + MINUTE).outcome == "sent", "as a cover it is not too large"


# Publishing


def test_an_issue_is_published_where_that_is_asked_for_and_its_end_is_seen(
    world: AccountWorld,
) -> None:
    world.publish = True
    details = [world.deliver(NOW + k * MINUTE / 3).detail for k in range(9)]
    assert details[0] == f"draft added: {TITLE}; publication begun"
    assert [each for each in details[1:] if each] == [
        "published: http://mp.weixin.qq.com/s/100000001"
    ]
    assert world.double.log.count("freepublish/submit: ok") == 1
    assert world.double.log.count("freepublish/get: ok") == 2
    assert len(world.double.published) == 1
    assert world.double.drafts == {}


def test_nothing_is_published_while_nobody_is_named_who_may_issue(world: AccountWorld) -> None:
    world.publish, world.official = True, False
    assert "issuer.bodies" in world.deliver().detail
    world.deliver(NOW + MINUTE)
    assert not any("freepublish" in line for line in world.double.log)


@pytest.mark.parametrize("status", [2, 3, 4, 5, 6, 9])
def test_a_publication_that_fails_says_why_once(world: AccountWorld, status: int) -> None:
    world.publish, world.double.states = True, [1, status]
    world.deliver()
    world.deliver(NOW + MINUTE)
    said = refused(world, now=NOW + 2 * MINUTE)
    assert PUBLICATIONS.get(str(status), "its state 9 is not documented") in said
    assert world.deliver(NOW + 3 * MINUTE).outcome == "unchanged"
    assert world.double.log.count("freepublish/submit: ok") == 1


@pytest.mark.parametrize("fault", ["lost", "dropped"])
def test_a_publication_whose_beginning_is_unclear_is_never_begun_twice(
    world: AccountWorld, fault: str
) -> None:
    world.publish, world.double.states = True, []
    world.double.faults["freepublish/submit"] = [fault]
    refused(world)
    if fault == "lost":
        assert world.deliver(NOW + MINUTE).detail == "published: article-100000001"
    else:
        assert [world.deliver(NOW + k * MINUTE).outcome for k in (1, 10)] == ["unchanged"] * 2
        assert "publish the draft there" in refused(world, now=NOW + 30 * MINUTE)
        assert world.deliver(NOW + 40 * MINUTE).outcome == "unchanged"
    assert len(world.double.jobs) == (fault == "lost")


def test_an_account_that_may_not_publish_keeps_its_draft(world: AccountWorld) -> None:
    world.publish = True
    world.double.faults["freepublish/submit"] = [(48001, "api unauthorized")]
    assert "set publish: false" in refused(world)
    assert world.deliver(NOW + timedelta(hours=1)).outcome == "unchanged"
    assert world.double.titles() == [TITLE]


# Withdrawals


def test_a_withdrawn_issue_leaves_a_draft_that_says_so(world: AccountWorld) -> None:
    world.deliver()
    receipt = world.deliver(NOW + MINUTE, withdrawal=WITHDRAWAL)
    assert receipt.detail == f"draft updated: 【撤回】{TITLE}"
    [draft] = world.double.drafts.values()
    [article] = draft["news_item"]
    assert "低云资料有误" in article["content"]
    assert "%" not in article["content"].replace("100%", "")
    assert world.deliver(NOW + 2 * MINUTE, withdrawal=WITHDRAWAL).outcome == "unchanged"

    world.deliver(NOW + 3 * MINUTE, issue=LATER)
    assert world.double.titles() == [TITLE.replace("42", "43")]


def test_a_withdrawn_issue_that_somebody_published_gets_a_note_and_a_person_is_asked(
    world: AccountWorld,
) -> None:
    world.deliver()
    world.double.used_by_hand("draft-1")
    receipt = world.deliver(NOW + MINUTE, withdrawal=WITHDRAWAL)
    assert "if somebody published it, delete it at mp.weixin.qq.com" in receipt.detail
    assert world.double.titles() == [f"【撤回】{TITLE}"]


def test_a_withdrawn_issue_that_was_published_is_deleted_and_a_note_is_drafted(
    world: AccountWorld,
) -> None:
    world.publish, world.double.states = True, []
    world.deliver()
    world.deliver(NOW + MINUTE)
    world.double.faults["freepublish/delete"] = [(-1, "system busy")]
    assert "delete it at mp.weixin.qq.com" in refused(
        world, now=NOW + 2 * MINUTE, withdrawal=WITHDRAWAL
    )
    assert world.double.titles() == [f"【撤回】{TITLE}"], "the note does not wait"

    receipt = world.deliver(NOW + 3 * MINUTE, withdrawal=WITHDRAWAL)

    assert receipt.detail == "the published article is deleted"
    assert world.double.published == {}
    assert world.double.log.count("freepublish/submit: ok") == 1
    assert world.deliver(NOW + 9 * MINUTE, withdrawal=WITHDRAWAL).outcome == "unchanged"


def test_a_withdrawn_issue_that_was_never_sent_sends_nothing(world: AccountWorld) -> None:
    assert world.deliver(withdrawal=WITHDRAWAL).outcome == "unchanged"
    world.double.faults["draft/add"] = ["dropped"]
    refused(world)
    receipt = world.deliver(NOW + MINUTE, withdrawal=WITHDRAWAL)
    assert receipt.detail == "the draft had not arrived: nothing to withdraw"
    assert world.double.drafts == {}


def test_what_is_sent_are_pages_of_the_release_that_readers_see(world: AccountWorld) -> None:
    config = world.config
    publisher, archive = Publisher(config), Archive(config.archive.url)
    made = bulletin()
    made = replace(made, channels=tuple(each for each in made.channels if each != "posters"))
    with publisher.exclusive():
        publisher.publish(made)
    ours: Any = SimpleNamespace(config=config, publisher=publisher, archive=archive)

    def delivered(now: datetime) -> tuple[str, str]:
        [receipt] = deliver(ours, now, SECRETS)
        return receipt.channel, receipt.outcome

    assert publisher.page("sms.txt") == (publisher.link / "sms.txt").read_bytes()
    assert publisher.page("nothing.html") is None
    assert delivered(NOW) == ("wechat", "sent")
    assert delivered(NOW + MINUTE) == ("wechat", "unchanged")
    [draft] = world.double.drafts.values()
    page = (publisher.link / "wechat" / "article.html").read_text(encoding="utf-8")
    assert draft["news_item"][0]["content"] == body_of(page)

    with publisher.exclusive():
        publisher.withdraw(made.issue, WITHDRAWAL)
    assert delivered(NOW + 2 * MINUTE) == ("wechat", "sent")
    assert world.double.titles() == [f"【撤回】{TITLE}"]
    assert deliver(ours, made.issue.valid_until, SECRETS) == ()
