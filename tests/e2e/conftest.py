"""The real program's output, served on the loopback, and a real browser to look at it."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecast.__main__ import main

PROJECT = Path(__file__).parents[2]

# The demonstration as of a fixed moment, so that every run of the tests looks at the same sky.
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def skyscape(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the program as a user would."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "forecast", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def settings_file(folder: Path, **changes: Any) -> Path:
    """Write the program's settings with sections changed; return the file."""
    values = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))
    for section, change in changes.items():
        values[section] = {**values[section], **change} if isinstance(change, dict) else change
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return path


def some_sites(*names: str) -> list[dict[str, Any]]:
    """Return the named sites of the program's settings, for a smaller job."""
    sites = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))["sites"]
    return [site for site in sites if site["id"] in names]


def idle_service(folder: Path) -> Path:
    """Write the settings of a small service that finds no data; return the file."""
    return settings_file(
        folder,
        service={"web": None},
        source={"order": ["folder"], "folder": "dropped"},
        observations={"push": None, "stations": []},
        archive={"url": "sqlite:///private/archive.db"},
        output={"folder": "site", "channels": ["web"]},
        sites=some_sites("zhaojiawa"),
        models=[],
    )


@pytest.fixture
def program(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The program in this process, working in `tmp_path`; as `skyscape` without the start-up."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        code = main([str(each) for each in arguments])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of `skyscape demo`, made once for all test processes of a run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which the processes share
    folder = folder / "demonstration"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel releases it when the process ends
        if not (folder / "done").exists():
            done = skyscape(
                "demo", "--now", NOW.isoformat(), "--out", folder / "site", "--json", cwd=folder
            )
            assert done.returncode == 0, done.stderr[-3000:]
            assert json.loads(done.stdout)["known"] > 0
            (folder / "done").touch()
    return folder / "site"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on a loopback web server, while it is looked at."""
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def site_url(demonstration: Path) -> Iterator[str]:
    """The address of the demonstration's folder on a loopback web server."""
    with served(demonstration) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium with a Chinese font; without them the test is skipped."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("Chromium is missing: pages are not looked at")
    fonts = (
        subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout
        if shutil.which("fc-list")
        else ""
    )
    if not fonts.strip():
        pytest.skip("a Chinese font is missing: pages would show boxes")
    from playwright.sync_api import sync_playwright

    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def closed_pages(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test opened in the browser: an open page goes on working beside the next."""
    if "browser" not in request.fixturenames:
        yield
        return
    chromium = request.getfixturevalue("browser")
    yield
    for context in chromium.contexts:
        context.close()
