"""Does a group get one message of each event, of its changes and of its end, whatever fails?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from forecast.review import Withdrawal
from forecast.sent import SENDING, SENT, WITHDRAWN
from products import group_alerts, group_messages
from products.channels import wecom
from products.messages import cut, plain
from tests.doubles.wecom import WeComDouble, serving
from tests.group_world import EVENING, STARS, World

KEY = "693a91f6-7aaa-4bc4-97a0-0ec2sifa5aaa"
ALERTS = {"chance": 0.7, "days": 2, "hazards": True}
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAY = "2026-11-23"


@pytest.fixture
def robot() -> Iterator[WeComDouble]:
    with serving(WeComDouble({KEY}, EVENING)) as double:
        yield double


def world(robot: WeComDouble, **group: Any) -> World:
    groups = [{"id": "duty", "issues": False, "alerts": ALERTS, **group}]
    secrets = {"SKYSCAPE_WECOM_KEYS": f"duty:{KEY}"}
    return World("wecom", {"url": robot.url, "groups": groups}, secrets)


def at(robot: WeComDouble, made: World, now: datetime, issue: int = 42, **more: Any) -> list[str]:
    """Deliver an issue three times, 20 seconds apart; return what the group got."""
    before = len(robot.taken)
    for turn in range(3):
        robot.now = now + turn * timedelta(seconds=20)
        made.deliver(robot.now, issue, **more)
    return [text for _, _, text in robot.taken[before:]]


WRONG = Withdrawal(EVENING + 5 * HOUR, "王一", "资料有误<1>", "wang")


def test_an_evening_of_a_robot_with_an_update_and_a_withdrawal(robot: WeComDouble) -> None:
    made = world(robot, issues=True)
    made.event(probability=0.86, grade=5)
    first = at(robot, made, EVENING)
    quiet = at(robot, made, EVENING + HOUR)
    made.event(probability=0.66, grade=4)  # below the group's 70 %, not clearly
    update = at(robot, made, EVENING + 3 * HOUR, issue=43)
    same = at(robot, made, EVENING + 4 * HOUR, issue=43)
    end = at(robot, made, EVENING + 5 * HOUR, issue=43, withdrawal=WRONG)
    after = at(robot, made, EVENING + 6 * HOUR, issue=43, withdrawal=WRONG)

    assert len(first) == 2
    assert first[0].startswith("### 【内部试用】门头沟景观气象预报第42期")
    assert first[1].startswith("**景观提醒**")
    assert first[1].count("百花山星空") == 1
    assert all(text.endswith("[查看全文](https://weather.example/index.html)") for text in first)
    assert quiet == same == after == []
    assert len(update) == 2  # the next issue, and the update
    assert "【更新】11月22日（周日）百花山星空" in update[1]
    [withdrawal] = end
    assert "已于11月22日21时10分撤回，原因：资料有误＜1＞" in withdrawal
    assert "各项提醒一并取消" in withdrawal
    assert made.outbox.find("duty", STARS).state == WITHDRAWN


def test_what_ended_with_a_withdrawn_issue_comes_again_as_an_update(robot: WeComDouble) -> None:
    made = world(robot)
    made.event(probability=0.86, grade=5)
    made.hazard("gale", "lingshan", DAY, 18.0)
    at(robot, made, EVENING)
    at(robot, made, EVENING + HOUR, withdrawal=WRONG)

    got = at(robot, made, EVENING + 2 * HOUR, issue=43)

    assert len(got) == 2
    assert "【更新】【大风】11月23日灵山" in got[0]
    assert "【更新】11月22日（周日）百花山星空" in got[1]


def test_one_night_is_never_six_messages(robot: WeComDouble) -> None:
    made = world(robot)
    got = []
    for turn in range(12):
        made.event(probability=(0.95, 0.75, 0.55)[turn % 3], grade=(5, 4, 3)[turn % 3])
        got += at(robot, made, EVENING + turn * HOUR / 2, issue=42 + turn)

    assert len(got) == group_alerts.MOST_MESSAGES == 3
    assert ["更新" in t for t in got] == [False, True, False]
    assert ["取消" in t for t in got] == [False, False, True]


def test_an_event_that_comes_back_is_announced_and_cancelled_once_more(robot: WeComDouble) -> None:
    made = world(robot)
    got = []
    for turn in range(8):
        made.event(probability=(0.95, 0.2)[turn % 2], grade=(5, 2)[turn % 2])
        got += at(robot, made, EVENING + turn * HOUR / 2, issue=42 + turn)

    assert ["取消" in text for text in got] == [False, True, False, True]


def test_all_events_of_an_issue_come_in_one_message(robot: WeComDouble) -> None:
    made = world(robot)
    for site in ("baihuashan", "lingshan"):
        made.event(f"event/{site}/starry_sky/2026-11-22", probability=0.8, grade=5)

    [got] = at(robot, made, EVENING)

    assert got.count("星空") == 2


@pytest.mark.parametrize(
    ("alerts", "facts", "got"),
    [
        ({}, {"probability": 0.7}, True),  # what is shown as 70 % reaches 70 %
        ({}, {"probability": 0.694}, False),
        ({"chance": 0.5}, {"probability": 0.52}, True),
        ({"sites": ["lingshan"]}, {}, False),
        ({"sites": ["baihuashan"], "phenomena": ["starry_sky"]}, {}, True),
        ({"phenomena": ["rime"]}, {}, False),
        ({}, {"recommended": False}, False),  # dangerous, or removed by a forecaster
        ({}, {"as_usual": True}, False),  # no more than the season says
        ({}, {"window_end": "2026-11-22T08:10:00Z"}, False),  # it is over
    ],
)
def test_a_group_gets_what_it_subscribed_to(
    robot: WeComDouble, alerts: dict[str, Any], facts: dict[str, Any], got: bool
) -> None:
    made = world(robot, alerts=ALERTS | alerts)
    made.event(**({"probability": 0.86, "grade": 5} | facts))

    assert len(at(robot, made, EVENING)) == got


@pytest.mark.parametrize(("days", "got"), [(1, 0), (2, 1)])
def test_an_event_is_announced_so_many_days_ahead_at_most(
    robot: WeComDouble, days: int, got: int
) -> None:
    made = world(robot, alerts=ALERTS | {"days": days})
    made.event("event/baihuashan/starry_sky/2026-11-24", probability=0.9, grade=5)

    assert len(at(robot, made, EVENING)) == got


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"probability": 0.61, "grade": 5}, ""),
        ({"probability": 0.6, "grade": 5}, ""),  # STANDS_BELOW: 10 % below the group's 70 %
        ({"probability": 0.59, "grade": 5}, "取消"),
        ({"grade": 4}, "更新"),
        ({"best_start": "2026-11-22T16:04:00Z"}, ""),  # MOVED: an hour, against 15:04
        ({"best_start": "2026-11-22T16:05:00Z"}, "更新"),
        ({"best_end": None}, "更新"),
        ({"hazards": ["wind"]}, "更新"),
        ({"recommended": False, "hazards": ["gale"]}, "取消"),
        ({"as_usual": True}, "取消"),
    ],
)
def test_a_change_of_grade_window_or_danger_is_news_and_nothing_else(
    robot: WeComDouble, facts: dict[str, Any], said: str
) -> None:
    made = world(robot)
    made.event(probability=0.86, grade=5)
    at(robot, made, EVENING)
    made.event(**({"probability": 0.86, "grade": 5} | facts))

    got = at(robot, made, EVENING + HOUR, issue=43)

    assert [said in text for text in got] == ([True] if said else [])
    assert (group_alerts.STANDS_BELOW, group_alerts.MOVED) == (0.10, HOUR)


def test_an_event_that_an_issue_does_not_have_is_cancelled_unless_it_is_over(
    robot: WeComDouble,
) -> None:
    made = world(robot)
    made.event(probability=0.86, grade=5)
    at(robot, made, EVENING)
    made.gone()

    assert "不再给出此项预报" in at(robot, made, EVENING + HOUR, issue=43)[0]
    made.event(probability=0.86, grade=5)
    assert "更新" in at(robot, made, EVENING + 2 * HOUR, issue=44)[0]
    made.gone()
    assert at(robot, made, EVENING + 15 * HOUR, issue=45) == []


def test_a_hazard_is_one_message_a_kind_updated_where_it_grows(robot: WeComDouble) -> None:
    made = world(robot)
    for day in ("2026-11-23", "2026-11-24"):
        made.hazard("gale", "lingshan", day, 18.0)
    [first] = at(robot, made, EVENING)
    assert '<font color="warning">【大风】11月23日至24日灵山：阵风可达8级' in first
    assert first.startswith("**安全提示**")

    made.hazards[0]["value"] = 17.5
    assert at(robot, made, EVENING + HOUR, issue=43) == []
    made.hazards[0]["value"] = 22.0
    assert "【更新】【大风】11月23日灵山：阵风可达9级" in at(robot, made, EVENING + 2 * HOUR)[0]
    made.hazard("gale", "jinding", DAY, 18.0)
    assert "灵山、金顶" in at(robot, made, EVENING + 3 * HOUR)[0]
    made.hazards = [{**made.hazards[0], "hazard": "wind", "value": 15.0}]
    assert "2026-11-23" not in "".join(at(robot, made, EVENING + 4 * HOUR))


def test_of_a_hazard_that_is_not_assessed_nobody_says_that_it_is_over(robot: WeComDouble) -> None:
    made = world(robot)
    made.hazard("fog", "lingshan", DAY, 180.0)
    at(robot, made, EVENING)
    made.hazards, made.not_assessed = [], [{"site": "lingshan", "day": DAY, "hazards": ["fog"]}]
    assert at(robot, made, EVENING + HOUR, issue=43) == []

    made.not_assessed = []
    [over] = at(robot, made, EVENING + 2 * HOUR, issue=44)

    assert "【取消】11月23日灵山浓雾提示：最新预报未见此项风险。" in over


def test_at_night_only_hazards_cancellations_and_withdrawals_come_and_the_rest_waits(
    robot: WeComDouble,
) -> None:
    made = world(robot, issues=True, quiet_from="22:00", quiet_until="07:00")
    made.event(probability=0.8, grade=5)
    at(robot, made, EVENING)
    night = EVENING + 6 * HOUR  # 22:10
    made.event("event/lingshan/sea_of_clouds/2026-11-23", probability=0.75, grade=5)
    made.event(probability=0.3, grade=3)
    made.hazard("gale", "lingshan", DAY, 18.0)

    got = at(robot, made, night, issue=43)

    assert len(got) == 1
    assert "大风" in got[0]
    assert "【取消】11月22日（周日）百花山星空" in got[0]
    assert at(robot, made, night + HOUR, issue=44) == []
    made.event("event/lingshan/sea_of_clouds/2026-11-23", probability=0.9, grade=5, text="如下")
    morning = at(robot, made, EVENING + 14.9 * HOUR, issue=45)  # 07:04
    assert [(text.startswith("###"), "如下" in text) for text in morning] == [
        (True, False),
        (False, True),
    ]


def test_a_quiet_time_within_a_day_begins_and_ends_with_it(robot: WeComDouble) -> None:
    made = world(robot, issues=True, quiet_from="16:10", quiet_until="16:30")

    assert at(robot, made, EVENING) == []
    assert len(at(robot, made, EVENING + 20 * MINUTE)) == 1


def test_the_issue_is_withdrawn_only_for_whom_may_have_it(robot: WeComDouble) -> None:
    made = world(robot, issues=True, quiet_from="22:00", quiet_until="07:00")
    night = EVENING + 6 * HOUR

    assert at(robot, made, night) == []
    assert at(robot, made, night + MINUTE, withdrawal=WRONG) == []

    at(robot, made, EVENING + 16 * HOUR, issue=43)
    assert len(at(robot, made, EVENING + 31 * HOUR, issue=43, withdrawal=WRONG)) == 1


@pytest.mark.parametrize("code", [45009, -1, 93000])
def test_what_may_be_taken_later_is_sent_later_in_its_newest_state(
    robot: WeComDouble, code: int
) -> None:
    made = world(robot)
    made.event(probability=0.86, grade=5)
    robot.codes = [code]

    receipt = made.deliver(EVENING)
    assert (receipt.outcome, str(code) in receipt.detail) == ("failed", True)
    assert KEY not in receipt.detail
    assert made.deliver(EVENING + timedelta(seconds=59)).outcome == "unchanged"
    assert robot.requests == 1
    assert made.deliver(EVENING + MINUTE).outcome == "sent"


def test_what_is_refused_for_good_is_not_sent_again(robot: WeComDouble) -> None:
    made = world(robot, issues=True, alerts=None)
    robot.codes = [40058] * 9

    assert made.deliver(EVENING).outcome == "failed"
    assert made.deliver(EVENING + 5 * HOUR).outcome == "unchanged"
    assert made.deliver(EVENING + 5 * HOUR, issue=43).outcome == "failed"
    assert robot.requests == 2


def test_without_its_key_a_group_gets_nothing_and_the_receipt_says_which(
    robot: WeComDouble,
) -> None:
    made = world(robot, issues=True)
    made.secrets = {}

    receipt = made.deliver(EVENING)

    assert receipt.outcome == "failed"
    assert "SKYSCAPE_WECOM_KEYS has no key of duty" in receipt.detail
    assert robot.requests == 0


def test_an_answer_that_is_lost_doubles_no_forecast_and_loses_no_hazard(robot: WeComDouble) -> None:
    made = world(robot, issues=True)
    made.event(probability=0.86, grade=5)
    made.hazard("gale", "lingshan", DAY, 18.0)
    robot.lost = 3

    made.deliver(EVENING)  # the hazard
    made.deliver(EVENING)  # the issue
    made.deliver(EVENING)  # the event
    for turn in range(1, 10):
        made.deliver(EVENING + turn * MINUTE)

    kinds = [("大风】" in t, t.startswith("###"), "星空" in t) for _, _, t in robot.taken]
    # the hazard comes twice: nobody can ask a robot what it has sent
    assert [sum(kind) for kind in zip(*kinds, strict=True)] == [2, 1, 1]
    assert made.outbox.find("duty", STARS).state == SENDING
    assert group_messages.MOST_UNCLEAR == 3


def test_a_process_that_dies_between_two_steps_doubles_no_forecast(robot: WeComDouble) -> None:
    class Killed(BaseException):
        pass

    for steps in range(1, 10):  # three messages, each kept before it is sent and after
        made = world(robot, issues=True)
        made.event(probability=0.86, grade=5)
        made.hazard("gale", "lingshan", DAY, 18.0)
        before, left = len(robot.taken), [steps]
        keep = made.outbox.keep

        def killing(*given: Any, keep: Any = keep, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            keep(*given)

        made.outbox.keep = killing
        robot.now = EVENING + steps * HOUR / 60 * 5
        with pytest.raises(Killed):
            made.deliver(robot.now)
        made.outbox.keep = keep
        for turn in range(1, 5):
            made.deliver(robot.now + turn * MINUTE)
        got = [text for _, _, text in robot.taken[before:]]

        assert sum(text.startswith("###") for text in got) <= 1, steps
        assert sum("星空" in text and "景观提醒" in text for text in got) <= 1, steps
        assert 1 <= sum("大风】" in text for text in got) <= 2, steps


def test_a_robot_gets_twenty_messages_a_minute_also_from_a_process_that_starts_again(
    robot: WeComDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wecom, "LONGEST", 400)
    made = world(robot)
    days = ("2026-11-22", "2026-11-23", "2026-11-24")
    for hazard, value in (("gale", 18.0), ("fog", 100.0), ("extreme_cold", 240.0),
                          ("heavy_snow", 12.0), ("ice", 265.0)):  # fmt: skip
        for site in ("lingshan", "jinding"):
            for place, day in enumerate(days):
                if site == "lingshan" or place % 2:
                    made.hazard(hazard, site, day, value)
    made.settings = {**made.settings, "requests_per_minute": 3}

    for turn in range(3):
        robot.now = EVENING + turn * timedelta(seconds=20)
        made.deliver(robot.now)
        assert len(robot.taken) == 3
    robot.now = EVENING + MINUTE
    made.deliver(robot.now)

    assert len(robot.taken) == 6
    assert all(len(text.encode()) <= 400 for _, _, text in robot.taken)


def test_without_an_address_of_the_pages_a_message_has_no_link(robot: WeComDouble) -> None:
    made = world(robot, issues=True, alerts=None, language="en")
    made.base_url = ""

    [text] = at(robot, made, EVENING)

    assert "](" not in text
    assert text.startswith("### ［TRIAL］ Mentougou Skyscape Forecast No. 42")


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("云海" * 10, 60, "云海" * 10),
        ("云海" * 10, 59, "云海" * 9 + "云"),
        ("云海" * 10, 58, "云海" * 9 + "云"),
        ("a\N{FAMILY}e\N{COMBINING ACUTE ACCENT}", 6, "a\N{FAMILY}"),  # an accent stays with its e
        ("first line\nsecond line", 15, "first line"),
        ("1\nsecond line", 8, "1\nsecond"),
    ],
)
def test_a_text_is_cut_at_a_character_as_readers_see_it(text: str, limit: int, kept: str) -> None:
    assert cut(text, limit, "") == kept
    assert cut(text, limit + 6, "全文") == kept + "全文"


def test_a_name_is_no_markup() -> None:
    assert plain("[灵山](x)<b>*1*`#") == "［灵山］(x)＜b＞＊1＊｀＃"


def test_an_address_that_somebody_wrote_is_no_link() -> None:
    assert plain("[点](http://e.vil/a?b=1)，风大") == "［点］(http：／／e．vil／a?b=1)，风大"
    assert plain("见www.e.vil。阵风 3.5") == "见www．e．vil。阵风 3.5"
    assert plain("HTTPS://e.vil") == "HTTPS：／／e．vil"


def test_the_documented_limits() -> None:
    assert (wecom.LONGEST, wecom.PATH) == (4096, "/cgi-bin/webhook/send")
    assert SENT == "sent"
    assert datetime(2026, 11, 22, 8, 10, tzinfo=UTC) == EVENING


def test_a_hazard_and_a_withdrawal_that_were_refused_are_tried_until_they_are_taken(
    robot: WeComDouble,
) -> None:
    made = world(robot, issues=True)
    made.hazard("gale", "lingshan", DAY, 18.0)
    robot.codes = [40058] * 2

    made.deliver(EVENING)  # the hazard
    made.deliver(EVENING + MINUTE)  # the hazard again
    [hazard, _] = at(robot, made, EVENING + 3 * MINUTE)
    robot.codes = [40058] * 2
    made.deliver(EVENING + HOUR, withdrawal=WRONG)
    made.deliver(EVENING + HOUR + MINUTE, withdrawal=WRONG)
    [withdrawal] = at(robot, made, EVENING + HOUR + 3 * MINUTE, withdrawal=WRONG)

    assert "大风" in hazard
    assert "资料有误" in withdrawal


def test_a_group_that_could_not_be_told_of_a_withdrawal_gets_the_hazards_of_the_next_issue(
    robot: WeComDouble,
) -> None:
    made = world(robot)
    made.hazard("gale", "lingshan", DAY, 18.0)
    at(robot, made, EVENING)
    robot.codes = [40058]
    made.deliver(EVENING + HOUR, withdrawal=WRONG)

    [hazard] = at(robot, made, EVENING + 2 * HOUR, issue=43)

    assert "大风" in hazard


def test_a_hazard_whose_answers_were_lost_is_tried_again_with_the_next_issue(
    robot: WeComDouble,
) -> None:
    made = world(robot)
    made.hazard("gale", "lingshan", DAY, 18.0)
    robot.lost = 3
    for turn in range(9):
        made.deliver(EVENING + turn * MINUTE)
    assert len(robot.taken) == 3

    assert len(at(robot, made, EVENING + HOUR, issue=43)) == 1
