"""What a command imports before it answers: heavy libraries only where they are used.

Counted are modules, not seconds: those must hold on a busy machine.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
HEAVY = {"sklearn", "skops", "metpy", "xarray", "scipy", "pandas", "dask", "matplotlib", "alembic",
         "eccodes", "requests", "flask", "PIL"}  # fmt: skip
# Of `--help` also what every command with settings needs.
SETTINGS = {"pydantic", "yaml", "numpy", "sqlalchemy", "jinja2"}
MOST = {"--help": 350, "status": 1000}  # modules; 250 and 760 when this was written

PROGRAM = """
import contextlib, io, sys
from forecast.__main__ import main
with contextlib.redirect_stdout(io.StringIO()):
    code = main(sys.argv[1:])
print(code, *sys.modules)
"""


def imported_by(*words: str) -> tuple[str, set[str]]:
    """Return the exit code of a command and the modules that are there at its end."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    code, *modules = ended.stdout.split()
    return code, set(modules)


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text((PROJECT / "config.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def test_the_help_loads_no_library_but_that_of_the_command_line() -> None:
    code, modules = imported_by("--help")

    assert code == "0"
    assert not (HEAVY | SETTINGS) & modules
    assert len(modules) < MOST["--help"]


def test_status_of_an_installation_without_models_of_its_own_loads_no_heavy_library(
    settings_file: Path,
) -> None:
    _, modules = imported_by("status", "--config", str(settings_file))

    assert "forecast.commands.status" in modules
    assert not (HEAVY - {"alembic"}) & modules
    assert len(modules) < MOST["status"]
