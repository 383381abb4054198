"""Does `skyscape check` name everything to mend at once: settings, paths, servers, sites?"""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from forecast.__main__ import main
from forecast.archive.issues import Archive
from forecast.commands import check
from forecast.commands.finding import CheckFinding
from forecast.config import Config, build_config
from tests.unit.test_settings_errors import SITE, SOUND, written

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def grade_of(found: list[CheckFinding], subject: str) -> str:
    return next(each.grade for each in found if each.subject == subject)


def test_sound_settings_have_nothing_to_mend(tmp_path: Path) -> None:
    found = check.findings(written(tmp_path, SOUND), NOW, offline=True)

    assert {each.grade for each in found} <= {"ok", "note"}
    assert not (tmp_path / "var").exists()
    archive = next(each for each in found if each.subject == "archive")
    assert str(tmp_path / "var" / "archive.db") in archive.detail


@pytest.mark.parametrize("name", [{"zh": "灵山"}, {"zh": "灵山", "en": " "}, "灵山", None])
def test_a_wrong_name_hides_no_other_fault_of_its_site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: object
) -> None:
    site = SITE | {"id": "hill", "name": name, "longitude": 15.454}
    if name is None:
        del site["name"]
    file = written(tmp_path, SOUND | {"sites": [site]})

    code = main(["check", "--offline", "--json", "--config", str(file)])

    found = json.loads(capsys.readouterr().out)
    faults = {each["subject"] for each in found if each["grade"] == "fault"}
    assert code == 3
    assert {"settings", "sites.hill"} <= faults
    assert not any("not checked: mend" in each["detail"] for each in found)


def test_faults_of_all_kinds_are_named_in_one_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "archive.db").write_bytes(b"no database at all, but long enough for one" * 40)
    values = SOUND | {
        "forecast": {"dayz": 7},
        "output": {"folder": "taken"},
        "archive": {"url": "sqlite:///archive.db"},
        "source": SOUND["source"] | {"order": ["folder"], "folder": "none"},
        "sites": [SITE, SITE | {"id": "there", "name": {"zh": "y", "en": "There"}}],
    }
    values["sites"][1] |= {"latitude": 80.0, "longitude": 20.0}  # suits the time zone the other way

    code = main(["check", "--offline", "--json", "--config", str(written(tmp_path, values))])

    faults = {
        each["subject"]: each["detail"]
        for each in json.loads(capsys.readouterr().out)
        if each["grade"] == "fault"
    }
    assert code == 3
    assert set(faults) == {"settings", "output.folder", "source.folder", "archive", "sites.there"}
    assert "did you mean days?" in faults["settings"]
    assert "expected a folder" in faults["output.folder"]
    assert "are latitude and longitude swapped?" in faults["sites.there"]


def test_settings_that_cannot_be_read_at_all_are_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("a: [1, 2", encoding="utf-8")

    (found,) = check.findings(path, NOW, offline=True)

    assert (found.grade, found.subject) == ("fault", "settings")
    assert "not valid YAML" in found.detail


def test_a_clock_that_was_set_back_is_a_fault(tmp_path: Path, config: Config) -> None:
    found = check.findings(written(tmp_path, SOUND), datetime(2000, 1, 1, tzinfo=UTC), offline=True)

    assert grade_of(found, "clock") == "fault"


def test_an_empty_archive_is_opened_and_reported_as_empty(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    Archive(f"sqlite:///{tmp_path / 'var' / 'archive.db'}")

    found = check.findings(written(tmp_path, SOUND), NOW, offline=True)

    archive = next(each for each in found if each.subject == "archive")
    assert archive.grade == "ok"
    assert "nothing was issued yet" in archive.detail


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://me:secret@db/x", "mysql is not supported; expected sqlite:///path or postgresql"),
        ("postgresql+asyncpg://db/x", "postgresql+asyncpg is not supported"),
        ("archive.db", "not a database address"),
        ("sqlite:////proc/site/archive.db", "/proc/site: cannot be made"),
    ],
)
def test_an_archive_that_cannot_be_opened_is_a_fault_without_contact(
    url: str, words: str, tmp_path: Path
) -> None:
    path = written(tmp_path, SOUND | {"archive": {"url": url}})

    (archive,) = [e for e in check.findings(path, NOW, offline=True) if e.subject == "archive"]

    assert archive.grade == "fault"
    assert words in archive.detail
    assert "secret" not in archive.detail


def test_a_server_of_postgresql_is_not_contacted_offline(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND | {"archive": {"url": "postgresql://db.invalid/x"}})

    assert grade_of(check.findings(path, NOW, offline=True), "archive") == "note"


@pytest.mark.parametrize("folder", ["/proc/site", "/proc", "x" * 300])
def test_a_folder_that_cannot_be_made_or_written_is_a_fault(folder: str, tmp_path: Path) -> None:
    path = written(tmp_path, SOUND | {"output": {"folder": folder}})

    assert grade_of(check.findings(path, NOW, offline=True), "output.folder") == "fault"
    assert [each.name for each in tmp_path.iterdir()] == ["settings.yaml"]


def test_the_check_changes_no_archive(tmp_path: Path) -> None:
    file = tmp_path / "archive.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    before = file.read_bytes()
    path = written(tmp_path, SOUND | {"archive": {"url": "sqlite:///archive.db"}})

    found = check.findings(path, NOW, offline=True)

    assert grade_of(found, "archive") == "ok"
    assert file.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {"settings.yaml", "archive.db"}


def test_a_site_with_faults_is_counted_as_not_checked(tmp_path: Path) -> None:
    sites = [
        SITE | {"id": id, "name": {"zh": id, "en": id}, "latitude": 40 + n / 10}
        for n, id in enumerate(("one", "two", "three", "four", "five"))
    ]
    sites[2]["latitude"] = 400

    found = check.findings(written(tmp_path, SOUND | {"sites": sites}), NOW, offline=True)

    assert any(e.subject == "sites" and "1 of 5 not checked" in e.detail for e in found)


@pytest.mark.parametrize(
    ("wrong", "left"),
    [
        ({"sites": [SITE | {"latitude": 400}]}, "1 of 1 not checked"),
        ({"sites": []}, "not checked: mend what is wrong in its settings first"),
        ({"sites": 7}, "not checked: mend what is wrong in its settings first"),
        ({"sites": None}, "not checked: mend what is wrong in its settings first"),
    ],
)
def test_where_no_site_is_left_the_rest_is_checked_and_nothing_untrue_is_said(
    wrong: dict[str, Any], left: str, tmp_path: Path
) -> None:
    found = check.findings(written(tmp_path, SOUND | wrong), NOW, offline=True)

    assert {"output.folder", "archive", "clock", "models"} <= {each.subject for each in found}
    assert next(each.detail for each in found if each.subject == "sites").startswith(left)
    assert [each.subject for each in found if each.grade == "fault"] == ["settings"]
    if wrong["sites"]:
        assert not any("is missing" in each.detail for each in found)


@pytest.mark.parametrize("name", ["service", "source"])
def test_of_a_section_that_is_missing_nothing_but_that_is_said(name: str, tmp_path: Path) -> None:
    values = {key: value for key, value in SOUND.items() if key != name}

    found = check.findings(written(tmp_path, values), NOW, offline=True)

    said = [each for each in found if each.subject.partition(".")[0] in ("settings", name)]
    assert [(each.grade, each.detail) for each in said if each.grade != "ok"][1:] == [
        ("fault", f"{name}: is missing and has no default"),
        ("note", "not checked: mend what is wrong in its settings first"),
    ]
    assert "clock" in {each.subject for each in found}


def test_a_longitude_is_not_held_against_a_time_zone_that_is_wrong(tmp_path: Path) -> None:
    in_the_alps = SITE | {"latitude": 47.4, "longitude": 10.98}
    service = SOUND["service"] | {"timezone": "Europe/Garmisch"}
    values = SOUND | {"service": service, "sites": [in_the_alps]}

    found = check.findings(written(tmp_path, values), NOW, offline=True)

    assert [each.subject for each in found if each.grade == "fault"] == ["settings"]
    assert any("longitudes not held against the time zone" in each.detail for each in found)


def test_a_server_that_is_not_there_is_a_fault_where_nothing_else_gives_the_leading_model(
    tmp_path: Path,
) -> None:
    found = check.findings(written(tmp_path, SOUND), NOW)

    assert grade_of(found, "source.filter") == "warning"
    assert grade_of(found, "sources") == "fault"


class Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *_: Any) -> None:
        pass


def test_a_server_that_refuses_is_there() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        http = build_config(SOUND, {}).source.bucket.model_copy(update={"url": url})

        assert check._unreachable(http) == ""
        server.shutdown()


@pytest.mark.parametrize(
    ("web", "review", "grade", "advice"),
    [
        ({}, "optional", "ok", "http://127.0.0.1:8321/desk/"),
        (None, "required", "fault", "no desk is served"),
        ({"host": "0.0.0.0"}, "off", "warning", "speaks TLS"),
        ({"base_url": "https://weather.example"}, "off", "warning", "trusted_proxies: 1"),
        ({"base_url": "https://weather.example", "trusted_proxies": 1}, "off", "ok", "https"),
    ],
)
def test_a_desk_that_is_missing_or_unsafe_is_named(
    tmp_path: Path, web: dict[str, Any] | None, review: str, grade: str, advice: str
) -> None:
    values = SOUND | {"service": SOUND["service"] | {"web": web}, "issue": {"review": review}}

    found = check.findings(written(tmp_path, values), NOW, offline=True)

    (about,) = [each for each in found if each.subject == "web"]
    assert about.grade == grade
    assert advice in about.detail


@pytest.mark.parametrize(("review", "closed"), [("off", True), ("optional", False)])
def test_channels_that_nobody_can_ever_sign_are_named(
    tmp_path: Path, review: str, closed: bool
) -> None:
    issuer = {"bodies": [], "signature_required": ["wechat"]}
    values = SOUND | {"issuer": issuer, "issue": {"review": review}}

    found = check.findings(written(tmp_path, values), NOW, offline=True)

    about = [each for each in found if each.subject == "issuer.signature_required"]
    assert [each.grade for each in about] == (["fault"] if closed else [])
