"""Does the endpoint accept what it should, and give the reason of a refusal? The real server on
the loopback, the real archive.
"""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from forecast.__main__ import main
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.config import Config, push_tokens
from forecast.domain import WRONG, Observation
from forecast.errors import ArchiveError, ConfigError
from forecast.observations.formats import ParseContext
from forecast.observations.intake import Intake
from forecast.service.web.push import ADDRESS, ObservationEndpoint
from forecast.service.web.server import WebServer
from forecast.settings import PushSettings
from tests.conftest import PROJECT
from tests.faults.push_endpoint import START, TOKEN, observing, push, records, server_of, stations

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OTHER = "another-token-of-another-maker"

Opened = tuple[int, Observations]


def opened(
    folder: Path, settings: PushSettings | None = None, port: int = 0, **more: Any
) -> tuple[WebServer, Observations]:
    archive = Archive(f"sqlite:///{folder / 'archive.db'}")
    observations = Observations(archive)
    settings = settings or PushSettings()
    intake = Intake(observing(3), archive, ZoneInfo("Asia/Shanghai"))
    given = {
        "tokens": {"mountain": TOKEN, "ions": OTHER},
        "context": ParseContext(stations(3)),
        "keep": intake.receive,
        **more,
    }
    endpoint = ObservationEndpoint(settings, clock=lambda: NOW, **given)
    server = server_of(endpoint, archive, port=port)
    threading.Thread(target=server.serve, daemon=True).start()
    return server, observations


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Opened]:
    server, observations = opened(tmp_path)
    yield server.port, observations
    server.close()


Opening = Callable[..., Opened]


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    servers: list[WebServer] = []

    def give(settings: PushSettings | None = None, **more: Any) -> Opened:
        server, observations = opened(tmp_path, settings, **more)
        servers.append(server)
        return server.port, observations

    yield give
    for server in servers:
        server.close()


def stored(observations: Observations) -> dict[str, tuple[Observation, ...]]:
    return observations.series(
        list(stations(3)), START - timedelta(days=1), START + timedelta(days=9)
    )


def test_records_answered_with_200_are_in_the_archive_in_si(endpoint: Opened) -> None:
    port, observations = endpoint

    status, result = push(port, records(2))

    assert (status, result) == (
        200,
        {"kept": 2, "repeated": False, "refused": [], "refused_more": 0},
    )
    first, _ = stored(observations)["S00000"]
    assert first.time == START
    # -5.2 degC + 273.15; 61 %; 1830 cm-3 are 1830e6 m-3
    assert first.values == pytest.approx(
        {
            "air_temperature": 267.95,
            "relative_humidity": 0.61,
            "wind_speed": 3.4,
            "negative_oxygen_ions": 1.83e9,
        }
    )


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (
            b"station,time,air_temperature\nS00001,2026-11-22 08:00,3.5\n",
            {"Content_Type": "text/csv; charset=utf-8"},
        ),
        (
            gzip.compress(json.dumps(records(1, station="S00001")).encode()),
            {"Content_Encoding": "gzip"},
        ),
    ],
)
def test_tables_and_packed_bodies_are_read_too(
    endpoint: Opened, body: bytes, headers: dict[str, str]
) -> None:
    port, observations = endpoint

    status, result = push(port, body, **headers)

    assert (status, result["kept"]) == (200, 1)
    assert stored(observations).keys() == {"S00001"}


def test_the_same_body_twice_changes_nothing_and_gets_the_same_answer(endpoint: Opened) -> None:
    port, observations = endpoint
    body = [*records(2), {"station": "S9"}]

    first = push(port, body)
    before = stored(observations)
    second = push(port, body)

    assert first[0] == second[0] == 200
    assert second[1] == {**first[1], "repeated": True}
    assert stored(observations) == before
    assert len(observations.readings()) == 1


def test_a_late_repeat_does_not_undo_a_correction(endpoint: Opened) -> None:
    port, observations = endpoint
    wrong, right = records(1, air_temperature=45.0), records(1, air_temperature=4.5)

    for body in (wrong, right, wrong):
        assert push(port, body)[0] == 200

    (kept,) = stored(observations)["S00000"]
    assert kept.values == pytest.approx({"air_temperature": 277.65})


def test_a_bad_record_is_refused_with_its_number_and_stops_no_other(endpoint: Opened) -> None:
    port, observations = endpoint
    body = [
        *records(1),
        {"station": "S00001", "time": "yesterday", "air_temperature": 1},
        *records(1, station="S00002"),
    ]

    status, result = push(port, body)

    assert (status, result["kept"]) == (200, 2)
    (refused,) = result["refused"]
    assert refused["line"] == 2
    assert "2026-11-22T08:00:00+08:00" in refused["reason"]
    ((_, fault),) = observations.faults()
    assert (fault.where, fault.line) == ("push mountain", 2)


def test_an_answer_names_a_few_of_many_refused_records_and_counts_the_rest(
    endpoint: Opened,
) -> None:
    port, _ = endpoint
    body = [
        *records(1),
        *[{"station": "S00001", "time": f"never {k}", "air_temperature": 1} for k in range(500)],
    ]

    status, result = push(port, body)

    assert (status, result["kept"], len(result["refused"]), result["refused_more"]) == (
        200,
        1,
        20,
        480,
    )


def test_values_are_marked_by_quality_control_before_they_are_kept(endpoint: Opened) -> None:
    port, observations = endpoint

    push(port, records(1, air_temperature=88.0))  # beyond what air can be: WMO-No. 488, limits

    (kept,) = stored(observations)["S00000"]
    assert kept.flags["air_temperature"] == WRONG


def test_a_record_from_the_future_is_refused_and_not_counted_as_kept(endpoint: Opened) -> None:
    port, observations = endpoint
    body = [*records(1), *records(1, first=13 * 60)]  # an hour after the endpoint's clock

    status, result = push(port, body)

    assert (status, result["kept"]) == (200, 1)
    assert "60 min in the future" in result["refused"][0]["reason"]
    assert [o.time for o in stored(observations)["S00000"]] == [START]


def test_a_record_of_long_ago_is_refused_and_said_why(endpoint: Opened) -> None:
    """A station whose clock began anew in 1970 must not write into the past."""
    port, observations = endpoint
    body = [*records(1), *records(1, first=-60 * 24 * 46), *records(1, first=-60 * 24 * 44)]

    status, result = push(port, body)

    assert (status, result["kept"]) == (200, 2)
    assert (
        "46 days ago, more than observations.push.oldest_days (45)"
        in (result["refused"][0]["reason"])
    )
    assert observations.count() == 2


# -- who is let in


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer a-token-that-nobody-was-given"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
    ],
)
def test_a_request_without_a_valid_token_is_refused_with_advice(
    endpoint: Opened, headers: dict[str, str]
) -> None:
    port, observations = endpoint

    status, result = push(port, records(1), **headers)

    assert status == 401
    assert "Bearer <token>" in result["error"]
    assert observations.count() == 0


def test_strangers_of_one_address_are_logged_a_few_times_and_hinder_no_sender(
    endpoint: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    port, _ = endpoint

    answers = [push(port, records(1), "a-token-that-nobody-was-given") for _ in range(70)]
    right = push(port, records(1))

    assert {status for status, _ in answers} == {401, 429}
    assert [status for status, _ in answers[:60]] == [401] * 60
    assert 60 <= caplog.text.count("without a valid token from 127.0.0.1") < 70
    assert right[0] == 200


def test_without_any_token_everyone_is_refused_and_the_log_says_so(
    opening: Opening, caplog: pytest.LogCaptureFixture
) -> None:
    port, _ = opening(tokens={})

    status, result = push(port, records(1))

    assert status == 403
    assert "SKYSCAPE_PUSH_TOKENS" in result["error"]
    assert "all requests are refused" in caplog.text


def test_a_sender_reports_only_for_its_own_stations_where_the_settings_name_them(
    opening: Opening,
) -> None:
    port, observations = opening(PushSettings(senders={"ions": ("S00002",)}))
    body = [*records(1, station="S00000"), *records(1, station="S00002")]

    status, result = push(port, body, OTHER)

    assert (status, result["kept"], [r["line"] for r in result["refused"]]) == (200, 1, [1])
    assert result["refused"][0]["reason"] == "this sender may not report for S00000"
    assert stored(observations).keys() == {"S00002"}


def test_no_token_appears_in_an_answer_or_the_log(
    opening: Opening, caplog: pytest.LogCaptureFixture, config: Config
) -> None:
    with caplog.at_level(logging.DEBUG):
        port, observations = opening()
        answers = [
            push(port, records(1)),
            push(port, records(1), TOKEN + "x"),
            push(port, b"{", TOKEN),
        ]

    message = (
        caplog.text
        + json.dumps(answers)
        + repr(observations.readings())
        + json.dumps(config.shown())
    )
    assert "mountain" in message
    assert TOKEN not in message


def test_too_many_requests_get_the_time_to_wait(opening: Opening) -> None:
    port, _ = opening(PushSettings(requests_per_minute=2))

    answers = [push(port, records(1, first=k)) for k in range(3)]
    other = push(port, records(1), OTHER)

    assert [status for status, _ in answers] == [200, 200, 429]
    assert "send again in" in answers[2][1]["error"]
    assert other[0] == 200  # each sender has its own allowance


# -- the request


@pytest.mark.parametrize(
    ("method", "path", "status", "advice"),
    [
        ("GET", ADDRESS, 405, "only POST"),
        ("DELETE", ADDRESS, 405, "only POST"),
        ("POST", "/api/v1/other", 404, ""),
    ],
)
def test_another_address_or_method_gets_the_right_one_as_advice(
    endpoint: Opened, method: str, path: str, status: int, advice: str
) -> None:
    link = http.client.HTTPConnection("127.0.0.1", endpoint[0], timeout=10)

    link.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
    answer = link.getresponse()

    assert answer.status == status
    assert advice in json.loads(answer.read())["error"]
    assert status != 405 or answer.headers["Allow"] == "POST"
    link.close()


@pytest.mark.parametrize(
    ("body", "headers", "status", "advice"),
    [
        (b"[]", {"Content_Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
        (b"[]", {"Content_Encoding": "br"}, 415, "gzip"),
        (b"station,time", {}, 422, "not JSON"),
        (b'{"records": 3}', {}, 422, "not a list of records"),
        (b"not gzip", {"Content_Encoding": "gzip"}, 422, "gzip"),
        (gzip.compress(b"[]" * 1000, mtime=0)[:-9], {"Content_Encoding": "gzip"}, 422, "gzip"),
        (
            b'[{"station": "S4", "time": "2026-11-22T08:00Z", "air_temperature": 1}]',
            {},
            422,
            "observations.stations",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_answered_with_advice(
    endpoint: Opened, body: bytes, headers: dict[str, str], status: int, advice: str
) -> None:
    found, result = push(endpoint[0], body, **headers)

    assert found == status
    assert advice in json.dumps(result)
    assert endpoint[1].count() == 0


def test_a_failing_archive_is_reported_and_nothing_counts_as_kept(opening: Opening) -> None:
    def broken(*_: object) -> bool:
        raise ArchiveError("archive: disk full")

    port, _ = opening(keep=broken)

    status, result = push(port, records(1))

    assert status == 503
    assert "nothing was kept" in result["error"]


# -- the tokens


def test_tokens_come_from_the_environment() -> None:
    result = push_tokens({"SKYSCAPE_PUSH_TOKENS": f"mountain:{TOKEN}, ions:{OTHER},"})

    assert result == {"mountain": TOKEN, "ions": OTHER}
    assert push_tokens({}) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("short:1234567890", "at least 16"),
        (TOKEN, "entry 1 is not sender:token"),
        (f"a:{TOKEN},a:{OTHER}", "named twice"),
        (f"a:{TOKEN},b:{TOKEN}", "another sender's token"),
        (f"=cmd:{TOKEN}", "entry 1"),
        (f"a:{TOKEN}\u00e9", "entry 1"),
    ],
)
def test_an_invalid_token_stops_the_start_without_being_repeated(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        push_tokens({"SKYSCAPE_PUSH_TOKENS": text})

    assert TOKEN not in str(caught.value)


def test_a_port_in_use_is_reported_with_advice(endpoint: Opened, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="another port"):
        opened(tmp_path, port=endpoint[0])


# -- the command


def settings_with(config: Config, folder: Path, push: dict[str, Any] | None) -> Path:
    values = config.model_dump(mode="json")
    values["archive"]["url"] = f"sqlite:///{folder / 'archive.db'}"
    values["service"]["web"]["port"] = 0
    values["observations"] |= {
        "push": push,
        "stations": [station.model_dump(mode="json") for station in observing(3).stations],
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def test_the_command_serves_the_address_of_the_settings(config: Config, tmp_path: Path) -> None:
    path = settings_with(config, tmp_path, {})
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "SKYSCAPE_PUSH_TOKENS": f"mountain:{TOKEN}",
    }
    command = [sys.executable, "-m", "forecast", "push", "--config", str(path)]

    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as served:
        assert served.stderr is not None
        port = next(
            int(found[1])
            for line in served.stderr
            if (found := re.search(r"127\.0\.0\.1:(\d+)/api", line))
        )
        answer = push(port, records(1))
        served.kill()

    assert answer[0] == 200
    assert Observations(Archive(f"sqlite:///{tmp_path / 'archive.db'}")).count() == 1


def test_former_keys_are_answered_with_their_new_place(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings_with(config, tmp_path, {"host": "0.0.0.0", "port": 8321})

    assert main(["settings", "--config", str(path)]) == ConfigError.exit_code
    assert "service: web: {host: ..., port: ...}" in capsys.readouterr().err


def test_a_push_without_stations_gives_advice(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = yaml.safe_load(settings_with(config, tmp_path, {}).read_text(encoding="utf-8"))
    values["observations"]["stations"] = []
    for site in values["sites"]:
        site["stations"] = []
    path = tmp_path / "none.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")

    assert main(["receive", "--config", str(path)]) == ConfigError.exit_code
    assert "observations.stations names no station" in capsys.readouterr().err
