"""What an operator can do wrong with CMADaaS, or a network: is it said what, where and what to do?

The whole way is gone: `check`, and the intake with its faults in the archive. No account and no
signature is in a message, a log line or a file.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.commands import cmadaas_checks
from forecast.commands.finding import CheckFinding
from forecast.config import CMADAAS_PASSWORD, CMADAAS_USER, Config
from forecast.domain import Name, Observation, Station
from forecast.errors import TooFrequent
from forecast.http.wall_clock import unix_time
from forecast.ingest.cmadaas import Cmadaas, CmadaasAccount
from forecast.observations.cmadaas import CmadaasReports
from forecast.observations.intake import Intake
from forecast.sample.cmadaas import LoopbackCmadaas
from forecast.sample.cmadaas_world import HOURLY, ServedRecords, records
from forecast.settings import ObservationSettings
from forecast.settings.cmadaas import CmadaasSettings, CmadaasStationSettings

ACCOUNT = CmadaasAccount("bureau-user-7", "Larch_And_River_9")
PLACE = Station("54505", Name("门头沟", "Mentougou"), 39.91, 116.1, 105.0)
PLACES = {"54505": PLACE, "A1201": replace(PLACE, id="A1201")}
HOUR = timedelta(hours=1)


@dataclass
class Office:
    """A machine with settings, an archive and an account, and the double that it asks."""

    folder: Path
    double: LoopbackCmadaas
    config: Config
    now: datetime
    account: CmadaasAccount = ACCOUNT

    def __post_init__(self) -> None:
        self.door = CmadaasSettings(
            url=self.double.url, state=self.folder / "state", requests_per_minute=6000, attempts=1,
            timeout_seconds=5, deadline_seconds=10,
        )  # fmt: skip
        self.feed = CmadaasStationSettings.model_validate({
            "admin_codes": ["110109"],
            "datasets": [{"data_code": HOURLY, "elements": ["air_temperature", "snow_depth"]}],
        })  # fmt: skip
        self.kept = Observations(Archive(f"sqlite:///{self.folder / 'archive.db'}"))

    def change(self, **settings: object) -> None:
        self.feed = CmadaasStationSettings.model_validate({**self.feed.model_dump(), **settings})

    def observe(self) -> list[str]:
        """Take in; return the faults that `status` shows."""
        interface = Cmadaas(self.door, self.account)
        feed = CmadaasReports(interface, self.feed, {})
        settings = ObservationSettings(folder=self.folder / "drop")
        archive = self.kept._archive
        Intake(settings, archive, ZoneInfo("Asia/Shanghai"), feed=feed).observe(self.now)
        return [fault.reason for _, fault in self.kept.faults(100)]

    def check(self) -> list[str]:
        """Return what `skyscape check` finds to mend."""
        return [each.detail for each in self.findings() if each.grade == "fault"]

    def findings(self) -> list[CheckFinding]:
        observations = self.config.observations.model_copy(update={"cmadaas": self.feed})
        ours = self.config.model_copy(update={"cmadaas": self.door, "observations": observations})
        return cmadaas_checks.findings(ours, self.now, offline=False)


@pytest.fixture
def office(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    now = datetime.fromtimestamp(unix_time(), UTC)
    last = now.replace(minute=0, second=0, microsecond=0)
    reports = [
        Observation(id, last - back * HOUR, {"air_temperature": 270.0 + back / 2})
        for id in PLACES
        for back in range(6)
    ]
    monkeypatch.setenv(CMADAAS_USER, ACCOUNT.user)
    monkeypatch.setenv(CMADAAS_PASSWORD, ACCOUNT.password)
    data = ServedRecords({HOURLY: records(reports, PLACES)})
    with LoopbackCmadaas(data, {ACCOUNT.user: ACCOUNT.password}) as double:
        yield Office(tmp_path, double, config, now)


def wrong_password(office: Office) -> None:
    office.double.accounts = {ACCOUNT.user: "another"}


def unknown_user(office: Office) -> None:
    office.double.accounts = {}


def nobody_there(office: Office) -> None:
    office.door = office.door.model_copy(update={"url": "http://127.0.0.1:9/music-ws/api"})


def no_such_host(office: Office) -> None:
    url = "http://no-such-host.invalid:8008/music-ws/api"
    office.door = office.door.model_copy(update={"url": url})


def wrong_path(office: Office) -> None:
    office.door = office.door.model_copy(update={"url": f"{office.double.host}/music"})


def clock_behind(office: Office) -> None:
    office.double.now = lambda: unix_time() + 3600


def fault(kind: str) -> Callable[[Office], None]:
    def misbehave(office: Office) -> None:
        office.double.faults = lambda *_: kind  # type: ignore[assignment, return-value]

    misbehave.__name__ = kind
    return misbehave


ACCOUNT_WORDS = ("check SKYSCAPE_CMADAAS_USER and SKYSCAPE_CMADAAS_PASSWORD",)
WAY = ("check cmadaas.url", "a proxy or a page to log in")


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (wrong_password, (*ACCOUNT_WORDS, "code -1002")),
        (unknown_user, (*ACCOUNT_WORDS, "code -1004")),
        (clock_behind, ("this machine's clock is 60 min behind the server's: set it (NTP)",)),
        (nobody_there, ("the connection failed", *WAY)),
        (no_such_host, ("no-such-host.invalid:8008/music-ws/api", *WAY)),
        (wrong_path, ("nothing is at this address", "check cmadaas.url (host, port, path)")),
        (fault("html"), ("a web page came: a proxy or a portal", "check cmadaas.url")),
        (fault("redirect"), ("(302)", *WAY)),
        (fault("forbidden"), ("(status 403)", *WAY)),
        (fault("busy"), ("(503)", *WAY)),
        (fault("reset"), ("the connection failed", *WAY)),
        (fault("no_code"), ("returnCode is 'N/A' (OK), expected a whole number", "cmadaas.url")),
        (fault("half_a_page"), ("records came, rowCount says", "cut short on its way")),
        (fault("too_frequent"), ("code -5004", "no request is sent for 15 min")),
        (fault("server"), ("code -6001", "cannot reach its database")),
    ],
)
def test_each_mistake_is_said_with_its_place_and_what_to_do_and_without_the_account(
    office: Office,
    caplog: pytest.LogCaptureFixture,
    mistake: Callable[[Office], None],
    words: tuple[str, ...],
) -> None:
    caplog.set_level(logging.DEBUG)
    mistake(office)

    told, found = office.observe(), []
    if mistake.__name__ not in ("too_frequent", "half_a_page"):  # held back; a page of one record
        found = office.check()

    for messages in (told, found or told):
        [message] = messages
        assert "/music" in message  # where
        for each in words:
            assert each in message
    if office.door.url == office.double.url:
        assert HOURLY in told[0]
    files = [path.read_bytes() for path in office.folder.rglob("*") if path.is_file()]
    shown = caplog.text.encode() + "".join(told + found).encode() + b"".join(files)
    assert len(files) >= 2  # the archive, and the counts
    for secret in (ACCOUNT.user, ACCOUNT.password, "sign=", "nonce="):
        assert secret.encode() not in shown


def test_strings_nul_bytes_and_rows_of_nonsense_cost_themselves_only(office: Office) -> None:
    office.double.faults = lambda *_: "nul"
    rows = office.double.data.by_code[HOURLY]  # type: ignore[attr-defined]
    rows[0] = {**rows[0], "Station_Id_C": "<script>"}
    rows[1] = {**rows[1], "TEM": "cold"}
    rows[2] = {**rows[2], "TEM": "1e400", "Snow_Depth": "12.0000", "Q_Snow_Depth": "0"}

    told = office.observe()

    assert told == ["'\\x3cscript\\x3e' is not a station number"]
    assert office.kept.count() == 10  # one has no station, one no value
    stations = office.kept.series(["54505", "A1201"], office.now - 9 * HOUR, office.now)
    values = [dict(each.values) for every in stations.values() for each in every]
    assert {"snow_depth": 0.12} in values


def test_days_without_a_record_are_named_with_the_codes_that_were_asked(office: Office) -> None:
    office.change(admin_codes=["110999"])

    [told] = office.observe()

    assert told.startswith("no record since ")
    assert "for admin_codes 110999: compare it and data_code with the province's" in told
    assert office.kept.count() == 0


def test_a_number_of_no_station_is_named_though_the_others_report(office: Office) -> None:
    office.change(stations=["54505", "99999"])

    [told] = office.observe()

    assert told == (
        "1 of observations.cmadaas.stations are in no record: 99999: compare the numbers with "
        "the province's catalogue"
    )
    assert office.kept.count() == 12
    assert office.observe() == [told]  # once, not each time


def test_check_names_each_element_and_flag_that_a_data_set_lacks(office: Office) -> None:
    rows = office.double.data.by_code[HOURLY]  # type: ignore[attr-defined]
    lost = ("Snow_Depth", "Q_Snow_Depth", "Q_TEM")
    rows[:] = [{name: row[name] for name in row if name not in lost} for row in rows]

    [told] = office.check()

    assert "the data set lacks Snow_Depth (snow_depth): left out, the others are asked" in told
    assert "the data set lacks the quality flags Q_TEM: left out; where it has none" in told
    assert any("takes the account" in each.detail for each in office.findings())


def test_check_asks_every_data_set_analysis_and_model_and_says_which_is_wrong(
    office: Office,
) -> None:
    sets = office.feed.model_dump()["datasets"]
    office.change(
        datasets=[*sets, {**sets[0], "data_code": "SURF_WRONG"}],
        analyses=[
            {
                "data_code": "NAFP_WRONG",
                "elements": {"air_temperature": {"name": "TMPX", "unit": "K"}},
            }
        ],
    )
    [table] = (each for each in office.config.models if each.id == "cmadaas_gfs")
    few = {name: table.parameters[name] for name in ("air_temperature", "surface_air_pressure")}
    table = table.model_copy(update={"enabled": True, "parameters": few})
    office.config = office.config.model_copy(update={"models": (table,)})

    found = [each for each in office.findings() if each.grade == "fault"]

    assert [each.subject for each in found] == [
        "observations.cmadaas SURF_WRONG",
        "observations.cmadaas.analyses NAFP_WRONG",
        "models.cmadaas_gfs",
    ]
    assert "compare data_code with the province's catalogue" in found[0].detail
    assert "TMPX (air_temperature): no record" in found[1].detail
    assert (
        "lacks everything asked for at +3 h: compare data_code and the elements" in found[2].detail
    )
    assert office.double.requests == 2 + 1 + 1 + 2


def test_check_says_until_when_the_account_is_on_hold(office: Office) -> None:
    office.double.faults = lambda *_: "too_frequent"
    office.observe()
    office.double.faults = lambda *_: ""

    [told] = office.check()

    assert re.search(r"on hold until \d{4}-\d\d-\d\d \d\d:\d\dZ: the service said", told)
    assert office.double.requests == 1


def test_requests_that_a_model_used_up_are_no_fault_of_check_and_leave_stations_theirs(
    office: Office,
) -> None:
    office.door = office.door.model_copy(update={"requests_per_hour": 10})
    model = Cmadaas(office.door, office.account).for_models(1.0)
    for _ in range(8):
        model._take(model.deadline())
    with pytest.raises(TooFrequent):
        model._take(model.deadline())

    assert office.observe() == []
    assert office.kept.count() == 12
    assert office.check() == []
    assert office.double.requests == 2
    [told] = [each for each in office.findings() if "used up for now" in each.detail]
    assert (told.grade, told.detail[:9]) == ("note", "not asked")


def test_what_came_from_the_service_is_said_to_be_of_it(office: Office) -> None:
    feed = CmadaasReports(Cmadaas(office.door, office.account), office.feed, {})
    settings = ObservationSettings(folder=office.folder / "drop")
    intake = Intake(settings, office.kept._archive, ZoneInfo("Asia/Shanghai"), feed=feed)

    said = intake.observe(office.now).summary

    assert said.startswith("0 files, 12 records, 0 lines refused; 12 of the records from CMADaaS")
    assert "pushed" not in said
