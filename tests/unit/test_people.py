"""Do `users` and `serve` let the right people in, and never show a password again?"""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml

from forecast.__main__ import main
from forecast.archive.accounts import Accounts, Audit
from forecast.archive.issues import Archive
from forecast.commands import output
from forecast.config import Config
from forecast.errors import ConfigError

PASSWORD = "seven larches above the river"


@pytest.fixture
def settings(config: Config, tmp_path: Path) -> Path:
    values = config.model_dump(mode="json")
    values["archive"]["url"] = f"sqlite:///{tmp_path / 'archive.db'}"
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(Archive(f"sqlite:///{tmp_path / 'archive.db'}"))


def users(settings: Path, *words: str) -> int:
    return main(["users", *words, "--config", str(settings)])


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_an_account_is_added_with_a_password_from_standard_input(
    settings: Path,
    accounts: Accounts,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed(monkeypatch, PASSWORD + "\n")

    assert users(settings, "add", "wang", "--name", "王一", "--role", "forecaster") == 0

    found = accounts.verified("wang", PASSWORD)
    assert found is not None
    assert (found.name, found.role) == ("王一", "forecaster")
    assert PASSWORD not in capsys.readouterr().out
    last = Audit(accounts.archive).last(1)[0]
    assert (last.what, last.person, last.address) == ("account added", "wang", "command line")
    assert users(settings, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {"account": "wang", "name": "王一", "role": "forecaster", "disabled": False}
    ]


def test_a_password_is_made_and_shown_once_if_asked_for(
    settings: Path, accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert users(settings, "add", "li", "--name", "李", "--role", "editor", "--generate") == 0

    shown = capsys.readouterr().out
    password = next(line.split()[1] for line in shown.splitlines() if line.startswith("password:"))
    assert accounts.verified("li", password) is not None
    assert users(settings, "disable", "li") == 0
    assert accounts.verified("li", password) is None
    assert users(settings, "enable", "li") == 0
    assert users(settings, "password", "li", "--generate") == 0
    assert accounts.verified("li", password) is None
    capsys.readouterr()
    assert users(settings, "log", "li", "--json") == 0
    assert [each["what"] for each in json.loads(capsys.readouterr().out)] == [
        "password changed",
        "account enabled",
        "account disabled",
        "account added",
    ]


@pytest.mark.parametrize(
    ("words", "code", "advice"),
    [
        (["add"], 2, "needs ACCOUNT"),
        (["add", "sun"], 2, "--name and --role"),
        (["add", "sun", "--name", "孙", "--role", "root"], 2, "root"),
        (["disable", "sun", "--role", "editor"], 2, "mean nothing"),
        (["list", "sun"], 2, "takes no account"),
        (["disable", "sun"], 1, "no such account"),
        (["add", "sun", "--name", "孙", "--role", "editor"], 1, "10 to 200 characters"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(
    settings: Path,
    accounts: Accounts,
    words: list[str],
    code: int,
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed(monkeypatch, "short\n")

    assert users(settings, *words) == code

    assert advice in capsys.readouterr().err
    assert accounts.all() == ()


def test_a_password_typed_twice_differently_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = iter((PASSWORD, PASSWORD + "x"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(output.getpass, "getpass", lambda _: next(given))

    with pytest.raises(ConfigError, match="not the same"):
        output.read_secret("password: ")
