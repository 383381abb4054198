"""Do the commands answer at once, keep their old names for a while, and refuse an old Python?"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from forecast.__main__ import main
from forecast.commands import former, output
from forecast.commands.application import GROUPS
from forecast.commands.options import SourceName
from forecast.settings.sources import SOURCES

PROJECT = Path(__file__).parents[2]
HEAVY = (
    "rich",
    "numpy",
    "xarray",
    "pandas",
    "sklearn",
    "sqlalchemy",
    "pydantic",
    "requests",
    "eccodes",
)


def test_the_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from forecast.__main__ import main; main(['--help']); "
        f"sys.stderr.write(' '.join(m for m in {HEAVY} if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    assert "Exit codes: 0 done" in done.stdout
    assert done.stderr == ""


def test_the_shell_gets_its_completion_script(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "_SKYSCAPE_COMPLETE": "complete_bash",
        "COMP_WORDS": "skyscape re",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "forecast"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split() == ["reforecast", "restore"]


OPTIONS = {
    "verify": frozenset(("--since", "--config", "--now", "--json")),
    "reforecast": frozenset(("--from", "--config")),
    "run": frozenset(("--config", "--source")),
}


@pytest.mark.parametrize(
    ("given", "expected", "notes"),
    [
        (["verify", "--json"], ["verify", "--json"], 0),
        (["backfill", "--from", "2026-01-01"], ["reforecast", "--from", "2026-01-01"], 1),
        (["verify", "--source", "folder", "--json"], ["verify", "--json"], 1),
        (["verify", "--source=folder", "-v"], ["verify"], 2),
        (["run", "--cycle", "2026112200"], ["run", "--cycle", "2026112200"], 0),
        (["verify", "--", "--source"], ["verify", "--", "--source"], 0),
        (["fly", "--out", "x"], ["fly", "--out", "x"], 0),
        (["--help"], ["--help"], 0),
        ([], [], 0),
    ],
)
def test_old_names_and_options_work_and_name_the_new_ones(
    given: list[str], expected: list[str], notes: int
) -> None:
    assert former.translate(given, OPTIONS)[0] == expected
    assert len(former.translate(given, OPTIONS)[1]) == notes


def test_every_old_name_leads_to_a_command() -> None:
    commands = {name for group in GROUPS.values() for name in group}

    assert set(former.NAMES.values()) <= commands
    assert not set(former.NAMES) & commands


def test_an_old_name_prints_the_new_one_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["backfill"]) == 2

    error = capsys.readouterr().err
    assert "`backfill` is now called `reforecast`" in error
    assert "needs --from and --to" in error


def test_the_scheduler_follows_the_clock_and_takes_no_moment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--now", "2026-11-22T08:00Z"]) == 2
    assert "--now" in capsys.readouterr().err


def test_the_sources_that_a_command_takes_are_those_of_the_settings() -> None:
    assert get_args(SourceName) == SOURCES


def test_rows_are_aligned_where_no_person_reads_them() -> None:
    assert output.aligned([("ok", "a", "x"), ("fault", "bcd", "")]) == [
        "ok     a    x",
        "fault  bcd",
    ]
    assert output.aligned([]) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["once", "--now", "yesterday"], "'yesterday': expected a day, a time and its zone"),
        (["once", "--now", "2026-11-22T08:00"], "has no time zone"),
        (["once", "--cycle", "2020080499"], "'2020080499': there is no such hour"),
        (["once", "--cycle", "2026023000"], "'2026023000': there is no such hour"),
        (["once", "--source", "web"], "'web': expected one of 'filter', 'bucket', 'folder'"),
        (["demo", "--days", "400"], "'--days': expected at most 60"),
        (["demo", "--days=-3"], "'--days': expected at least 0"),
        (["demo", "--days", "few"], "'--days': expected a whole number"),
        (["transfer-test", "a", "b", "--threshold", "x"], "'--threshold': expected a number"),
    ],
)
def test_a_wrong_value_is_answered_in_our_words(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2

    error = capsys.readouterr().err
    assert said in error
    assert not any(theirs in error for theirs in ("Input should", "unconverted", "isoformat"))


@pytest.mark.parametrize(
    "words",
    [
        ["outcomes", "show", "foo.csv"],
        ["models", "list", "rime", "y"],
        ["models", "list", "--force"],
        ["models", "rollback", "rime", "y"],
        ["verify", "--since", "2026-02-01", "--until", "2026-01-01"],
        ["reforecast", "--from", "2026-02-01", "--to", "2026-01-01"],
        ["reforecast", "--from", "2026-02-01"],
        ["reforecast", "--points", "points.json"],
        ["reforecast", "--from", "2026-02-01", "--to", "2026-02-02", "--phenomena", "rain"],
        ["models", "rollback"],
        ["models", "promote", "rime"],
        ["outcomes", "import"],
        ["transfer-test", "labels.csv"],
        ["transfer-test", "labels.csv", "forecasts.json"],
        ["survey", "--terrain", "a.nc", "--lights", "b.nc", "--latitude", "40"],
        ["inspect"],
    ],
)
def test_what_is_missing_or_means_nothing_is_a_usage_error(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().out == ""


# -- an old Python


def test_an_old_python_can_read_the_check_and_is_refused_in_one_sentence() -> None:
    source = (PROJECT / "forecast" / "__init__.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 4))
    pretend = "import sys; sys.version_info = (3, 9, 2); exec(open('forecast/__init__.py').read())"

    done = subprocess.run(
        [sys.executable, "-c", pretend], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == "skyscape needs Python 3.11 or newer; this is Python 3.9.\n"


def test_make_refuses_an_old_python_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python"
    pretend = "import sys; sys.version_info = (3, 9, 2); exec(sys.argv[1])"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{pretend}" "$2"\n', encoding="utf-8")
    old.chmod(0o755)

    stamp = tmp_path / "venv" / "run.stamp"
    done = subprocess.run(
        ["make", f"VENV={tmp_path / 'venv'}", f"PYTHON={old}", str(stamp)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        f"skyscape needs Python 3.11 or newer; {old} is 3.9: name a newer one with make PYTHON=..."
    )
    assert not stamp.parent.exists()


def test_a_demonstration_says_where_every_product_is(tmp_path: Path) -> None:
    from forecast.commands.issue import _where
    from tests.e2e.sample_bulletin import write_site

    write_site(tmp_path)
    named = "\n".join(_where(tmp_path, "lingshan"))

    for path in (
        "index.html", "sites/lingshan/index.html", "display/lingshan.html", "display/package.zip",
        "posters/lingshan.png", "cards/lingshan.png", "widget/lingshan.html",
        "subscribe/index.html", "wechat/article.html", "sms.txt", "email/bulletin.html",
        "wecom/messages.json", "webhook/messages.json", "api/v2/forecasts.json",
        "developers/index.html", "sites.geojson",
    ):  # fmt: skip
        assert f"{tmp_path / path}\n" in f"{named}\n", path
