"""Does the client of CMADaaS sign, count, page and understand as documented?

The worked example of the signature is that of ../shared/cmadaas.md, section 1.
"""

from __future__ import annotations

import json
import logging
import math
import multiprocessing
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from forecast.config import CMADAAS_PASSWORD, CMADAAS_USER, Config, cmadaas_account
from forecast.errors import (
    ConfigError,
    CycleNotReady,
    SourceCorrupt,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    TooFrequent,
)
from forecast.http import Deadline
from forecast.ingest.cmadaas import Cmadaas, CmadaasAccount, signature
from forecast.ingest.cmadaas_limits import RequestLedger
from forecast.ingest.cmadaas_parameters import fields_asked
from forecast.ingest.cmadaas_replies import WORDS, measured, parse_grid, parse_reply
from forecast.sample.cmadaas import GridQuery, LoopbackCmadaas
from forecast.settings.cmadaas import CmadaasCodes, CmadaasSettings

ACCOUNT = CmadaasAccount("DEMO_USER", "Demo_Pwd_1")
CODES = CmadaasCodes()
REGION = "getSurfEleInRegionByTimeRange"
ASKED = {
    "dataCode": "SURF_CHN_MUL_HOR",
    "adminCodes": "110109",
    "timeRange": "[20240101000000,20240101030000]",
    "elements": "Station_Id_C,Datetime,TEM",
}


class Rows:
    """One station with four hourly reports."""

    def rows(self, data_code: str) -> list[dict[str, str]] | None:
        if data_code != "SURF_CHN_MUL_HOR":
            return None
        return [
            {
                "Station_Id_C": "54505",
                "Datetime": f"2024-01-01 0{hour}:00:00",
                "Admin_Code_CHN": "110109",
                "TEM": f"{hour - 5}.5000",
            }
            for hour in range(4)
        ]

    def grid(self, query: GridQuery) -> None:
        return None

    def latest(self, data_code: str) -> None:
        return None

    def files(self, data_code: str, run: datetime) -> None:
        return None


class Time:
    """A clock that only passes when somebody waits."""

    def __init__(self, start: float = 1_704_078_000.0) -> None:
        self.at = start

    def __call__(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float, /) -> None:
        self.at += seconds


@pytest.fixture
def double() -> Iterator[LoopbackCmadaas]:
    with LoopbackCmadaas(Rows(), {ACCOUNT.user: ACCOUNT.password}) as server:
        yield server


def client(
    double: LoopbackCmadaas, folder: Path, time: Time | None = None, **more: object
) -> Cmadaas:
    time = time or Time()
    double.now = time
    settings = CmadaasSettings.model_validate({"url": double.url, "state": folder, **more})
    return Cmadaas(settings, ACCOUNT, time, time)


def asked(found: Cmadaas) -> list[Mapping[str, object]]:
    return list(found.ask(REGION, ASKED, found.deadline()).rows)


def test_a_request_is_signed_as_in_the_worked_example() -> None:
    parameters = {
        "userId": "DEMO_USER",
        "serviceNodeId": "NMIC_MUSIC_CMADAAS",
        "interfaceId": "getSurfEleByTimeRange",
        "dataCode": " SURF_CHN_MUL_HOR ",
        "elements": "Datetime,TEM",
        "timeRange": "[20240101000000,20240101030000]",
        "dataFormat": "json",
        "nonce": "n-1",
        "timestamp": "1704078000000",
    }

    assert signature(parameters, "Demo_Pwd_1") == "210C79DAF14E02CF89CEC77D4E1051F2"


def test_a_signed_request_is_served_and_no_password_travels(
    double: LoopbackCmadaas, tmp_path: Path
) -> None:
    rows = asked(client(double, tmp_path))

    assert [row["TEM"] for row in rows] == ["-5.5000", "-4.5000", "-3.5000", "-2.5000"]
    assert double.refusals == []


@pytest.mark.parametrize(
    ("account", "late", "reason"),
    [
        (CmadaasAccount("DEMO_USER", "Wrong_Pwd"), 0, "sign is wrong"),
        (CmadaasAccount("NOBODY", "Demo_Pwd_1"), 0, "Password Error"),
        (ACCOUNT, 1801, "the time stamp is too old"),
    ],
)
def test_a_wrong_account_or_clock_is_refused_at_once_and_the_account_is_never_shown(
    double: LoopbackCmadaas,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    account: CmadaasAccount,
    late: float,
    reason: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    time = Time()
    settings = CmadaasSettings(url=double.url, state=tmp_path)
    double.now = lambda: time.at + late
    found = Cmadaas(settings, account, time, time)

    with pytest.raises(SourceRefused, match="SKYSCAPE_CMADAAS_USER") as error:
        found.ask(REGION, ASKED, found.deadline())

    assert double.refusals == [reason]
    assert double.requests == 1
    shown = caplog.text + str(error.value) + repr(found.__dict__) + repr(error.value.__cause__)
    shown += "".join(path.read_text() for path in tmp_path.iterdir())
    for secret in ("DEMO_USER", "NOBODY", "Demo_Pwd_1", "Wrong_Pwd", "sign="):
        assert secret not in shown


def test_an_account_comes_from_the_environment_whole_or_not_at_all() -> None:
    assert cmadaas_account({}) == ("", "")
    assert cmadaas_account({CMADAAS_USER: "u", CMADAAS_PASSWORD: "p"}) == ("u", "p")
    with pytest.raises(ConfigError, match=CMADAAS_PASSWORD) as error:
        cmadaas_account({CMADAAS_USER: "secret user"})
    assert "secret user" not in str(error.value)


def test_without_account_or_address_nothing_is_asked(tmp_path: Path) -> None:
    unset = Cmadaas(CmadaasSettings(state=tmp_path), ACCOUNT)
    nobody = Cmadaas(CmadaasSettings(url="http://127.0.0.1:9", state=tmp_path), None)

    for found, advice in ((unset, "cmadaas.url"), (nobody, "SKYSCAPE_CMADAAS_USER")):
        with pytest.raises(SourceRefused, match=advice):
            found.ask(REGION, ASKED, found.deadline())
        assert found.requests == 0


@pytest.mark.parametrize("fault", ["nul", "half_a_page", "html", "reset", "busy", "server"])
def test_what_a_bad_network_does_to_a_reply_costs_one_more_request(
    double: LoopbackCmadaas, tmp_path: Path, fault: str
) -> None:
    double.faults = lambda number, _: fault if number == 0 else ""  # type: ignore[return-value]

    rows = asked(client(double, tmp_path))

    assert len(rows) == 4
    assert double.requests == (1 if fault == "nul" else 2)


def test_too_frequent_stops_every_process_for_a_while(
    double: LoopbackCmadaas, tmp_path: Path
) -> None:
    time = Time()
    double.faults = lambda number, _: "too_frequent" if number == 0 else ""

    with pytest.raises(TooFrequent, match="no request is sent for 15 min") as error:
        asked(client(double, tmp_path, time))
    assert error.value.retry_after == 900
    with pytest.raises(TooFrequent, match="on hold until 2024-01-01 03:15Z: the service said"):
        asked(client(double, tmp_path, time, deadline_seconds=60))
    assert double.requests == 1

    time.at += 901
    assert len(asked(client(double, tmp_path, time))) == 4


def test_the_limits_of_the_minute_and_the_hour_are_kept_across_clients(
    double: LoopbackCmadaas, tmp_path: Path
) -> None:
    time = Time()
    double.per_hour = 30
    for _ in range(60):
        one = client(
            double, tmp_path, time, requests_per_minute=4, requests_per_hour=25,
            deadline_seconds=7200,
        )  # fmt: skip
        asked(one)

    assert double.requests == 60
    assert double.most_in_an_hour <= 26
    assert "too many requests in this hour" not in double.refusals


def test_a_model_leaves_the_stations_their_share_of_the_minute_and_of_the_hour(
    double: LoopbackCmadaas, tmp_path: Path
) -> None:
    time = Time()
    stations = client(
        double, tmp_path, time, requests_per_minute=5, requests_per_hour=10, deadline_seconds=1
    )
    model = stations.for_models(50.0)
    for _ in range(4):
        asked(model)
    with pytest.raises(TooFrequent, match="used up for now, but for the share of the stations"):
        asked(model)
    asked(stations)
    with pytest.raises(TooFrequent, match="used up for now;"):
        asked(stations)

    time.at += 61
    for _ in range(3):  # 8 of 10 in the hour
        asked(model)
    with pytest.raises(TooFrequent):
        asked(model)
    asked(stations)
    assert double.requests == model.requests == 9


def test_the_ready_table_of_a_model_is_fetched_within_its_own_deadline_and_the_default_limits(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(  # without waiting for the disk
        "forecast.ingest.cmadaas_limits.write_whole",
        lambda path, text, private: path.write_text(text),
    )
    [table] = (each for each in config.models if each.id == "cmadaas_gfs")
    number = 1 + len(fields_asked(table.parameters)) * len(table.all_steps)
    time = Time()
    usual = Cmadaas(config.cmadaas.model_copy(update={"state": tmp_path}), ACCOUNT, time, time)
    model = usual.for_models(5400.0)
    deadline = model.deadline(Deadline(table.deadline_seconds, time))

    for _ in range(number):
        model._take(deadline)

    assert number > 900
    assert deadline.left() > 0
    assert (usual.deadline().left(), model.deadline().left()) == (900, 5400)


def _take(path: Path, count: int) -> int:
    ledger = RequestLedger(path, 1000, 50, lambda: 7_200.0)
    return sum(ledger.take() == 0 for _ in range(count))


def test_two_processes_share_the_requests_of_an_hour(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        taken = pool.starmap(_take, [(tmp_path / "requests.json", 40)] * 2)

    assert sum(taken) == 50


def test_a_damaged_count_costs_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "requests.json"
    path.write_text('{"minutes": {"1": ')
    now = Time()
    ledger = RequestLedger(path, 3, 50, now)

    assert ledger.take() > 0
    now.at += 61
    assert ledger.take() == 0


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-1, CycleNotReady),
        (-1001, SourceRefused),
        (-1004, SourceRefused),
        (-2000, SourceRefused),
        (-2001, SourceRefused),
        (-3005, SourceRefused),
        (-5004, TooFrequent),
        (-6001, SourceUnavailable),
        (-9002, SourceRefused),
        (-4711, SourceRefused),
    ],
)
def test_a_code_is_put_into_words_with_what_to_do(code: int, kind: type[SourceError]) -> None:
    body = f'{{"returnCode": "{code}", "returnMessage": "\\u0007no"}}'.encode()

    with pytest.raises(kind) as error:
        parse_reply(body, "somewhere", CODES)

    assert WORDS.get(code, "add it to cmadaas.codes") in str(error.value)
    assert "\x07" not in str(error.value)


def test_every_code_of_the_settings_has_words() -> None:
    every = {code for codes in CODES.model_dump().values() for code in codes} - {0}

    assert every == set(WORDS)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("15.9000", 15.9),
        (7, 7.0),
        ("999999", math.nan),
        ("999998", math.nan),
        ("999990", math.nan),
        ("999017", math.nan),
        ("", math.nan),
        (None, math.nan),
        (True, math.nan),
        ("inf", math.nan),
        ("x", math.nan),
        ("-12.3", -12.3),
    ],
)
def test_numbers_may_be_text_and_codes_of_missing_values_are_none(
    value: object, read: float
) -> None:
    assert measured(value, 990_000.0) == pytest.approx(read, nan_ok=True)


def test_an_old_reply_with_bare_keys_and_control_characters_is_read() -> None:
    body = b'\0{"returnCode":"0","DS":[{"TEM":"1\x01.5"}],fieldNames:"TEM",fieldUnits:"C"}\0'

    assert parse_reply(body, "somewhere", CODES).rows == [{"TEM": "1.5"}]


@pytest.mark.parametrize("north_first", [True, False])
def test_a_grid_is_laid_from_north_to_south_whichever_way_its_rows_come(north_first: bool) -> None:
    rows = [["3", "4"], ["1", "9999"]]
    head = ("40.25", "40") if north_first else ("40", "40.25")
    content = {
        "returnCode": 0, "startLat": head[0], "endLat": head[1], "startLon": 115, "endLon": 115.25,
        "latStep": "-0.25" if north_first else "0.25", "lonStep": 0.25, "latCount": "2",
        "lonCount": 2, "DS": rows if north_first else rows[::-1],
    }  # fmt: skip
    grid = parse_grid(parse_reply(json.dumps(content).encode(), "grid", CODES), (9999.0,))

    assert grid.latitudes.tolist() == [40.25, 40.0]
    assert grid.values[0].tolist() == [3.0, 4.0]
    assert math.isnan(grid.values[1, 1])


def test_a_grid_whose_head_is_of_another_one_is_refused() -> None:
    head = {"returnCode": 0, "startLat": 40, "endLat": 41, "startLon": 115, "endLon": 116}
    table = {**head, "latCount": 3, "lonCount": 2, "DS": [[1, 2], [3, 4]]}
    with pytest.raises(SourceCorrupt, match="its head says 3 by 2"):
        parse_grid(parse_reply(json.dumps(table).encode(), "grid", CODES), ())
    with pytest.raises(SourceCorrupt, match="latStep"):
        parse_grid(
            parse_reply(
                json.dumps({**table, "latCount": 2, "latStep": 0.25}).encode(), "grid", CODES
            ),
            (),
        )


def test_a_listed_file_is_fetched_from_allowed_hosts_only(
    double: LoopbackCmadaas, tmp_path: Path
) -> None:
    found = client(double, tmp_path)

    with pytest.raises(SourceRefused, match=r"cmadaas\.file_hosts"):
        found.file("http://10.0.0.1/x?token=secret", found.deadline(), 1000)
    assert double.requests == 0


def test_the_settings_show_no_account(config: Config) -> None:
    assert "SKYSCAPE_CMADAAS" not in str(config.shown())
