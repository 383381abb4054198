"""Do the commands that look back say what they did, to a person and to a program?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from forecast.__main__ import main
from forecast.archive.issues import Archive
from forecast.commands.application import GROUPS
from forecast.config import default_path
from tests.past_issues import fill_archive

NOW = ("--now", "2026-03-02T08:00+08:00")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings whose archive holds a made-up sixty days."""
    folder = tmp_path_factory.mktemp("looking-back")
    values = yaml.safe_load(default_path().read_text(encoding="utf-8"))
    values["archive"] = {"url": f"sqlite:///{folder / 'archive.db'}"}
    values["source"]["cycles"] = str(folder / "cycles")
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    fill_archive(Archive(values["archive"]["url"]), 60)
    return path


def run_command(
    capsys: pytest.CaptureFixture[str], settings: Path, *arguments: str
) -> tuple[int, str, str]:
    code = main([*arguments, "--config", str(settings), *NOW])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_help_names_each_group_and_each_of_its_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0

    text = capsys.readouterr().out
    for group, commands in GROUPS.items():
        assert f"\n{group}:\n" in text
        assert all(f" {name} " in text for name in commands)


def test_verify_prints_a_line_a_group_and_the_same_as_json(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run_command(capsys, settings, "verify")
    _, plain, _ = run_command(capsys, settings, "verify", "--json")

    data = json.loads(plain)
    assert code == 0
    # what is verified; then how many groups differ by chance
    assert len(out.splitlines()) == 2 + len(data["lines"])
    assert data["events"] == 120
    assert data["records"][0]["phenomenon"] == "sunset_glow"


def test_verify_of_nothing_names_what_to_do(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run_command(capsys, settings, "verify", "--since", "2026-03-02")

    assert code == 0
    assert "skyscape outcomes import" in out


def test_a_day_that_is_none_is_a_usage_error(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, error = run_command(capsys, settings, "verify", "--since", "tomorrow")

    assert code == 2
    assert "'--since': 'tomorrow': expected a day like 2026-01-31" in error


def test_outcomes_are_imported_with_their_remarks_and_shown(
    settings: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "seen.csv"
    path.write_text(
        "site,phenomenon,day,degree,source\nlingshan,sunset_glow,2026-01-05,1,camera\nx,rime,2026-01-05,1,\n",
        encoding="utf-8",
    )

    code, out, _ = run_command(capsys, settings, "outcomes", "import", str(path))
    still, again, _ = run_command(capsys, settings, "outcomes", "import", str(path))
    _, shown, _ = run_command(capsys, settings, "outcomes", "show")

    assert (code, still) == (6, 6)  # a line is refused, and still is
    assert "1 kept, 1 remarks" in out
    assert "known: lingshan" in out
    assert "1 rows are still refused" in again
    assert "line 3: site: 'x' is not a viewpoint" in out
    assert "was read before" in again
    assert "camera     1 reports" in shown


def test_a_missing_file_and_no_file_have_different_messages(
    settings: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, error = run_command(capsys, settings, "outcomes", "import")
    assert code == 2
    assert "outcomes import: name at least one CSV file\n" in error
    code, _, error = run_command(capsys, settings, "outcomes", "import", str(tmp_path / "none.csv"))
    assert code == 7
    assert "none.csv" in error


def test_each_file_is_reported_and_the_command_fails_where_one_gave_nothing(
    settings: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    good, bad, none = (tmp_path / name for name in ("good.csv", "bad.csv", "none.csv"))
    good.write_text("site,phenomenon,day,degree\nbaihuashan,rime,2026-01-20,1\n", encoding="utf-8")
    bad.write_text("site,phenomenon,day,degree\nx,rime,2026-01-20,1\n", encoding="utf-8")

    code, out, _ = run_command(capsys, settings, "outcomes", "import", str(good), str(none))
    refused, printed, _ = run_command(capsys, settings, "outcomes", "import", str(bad))

    assert code == 7
    assert "good.csv: 1 kept" in out
    assert "none.csv" in out
    assert (refused, "bad.csv: 0 kept" in printed) == (6, True)


def test_truth_without_stations_or_runs_keeps_nothing(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run_command(capsys, settings, "truth", "--stations-only")

    assert code == 0
    assert [line.partition(":")[0] for line in out.splitlines()] == ["2026-02-28", "2026-03-01"]
    assert run_command(capsys, settings, "truth", "--stations-only", "--day", "2026-03-09")[0] == 3
