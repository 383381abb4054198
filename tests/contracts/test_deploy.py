"""Do the files of docs/deploy keep their rules? systemd units, container file, installer.

systemd's own check runs where systemd is installed; the rules here are checked everywhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from forecast.commands.application import GROUPS
from forecast.config import CMADAAS_PASSWORD, CMADAAS_USER, ENVIRONMENT, PUSH_TOKENS, SECRET
from forecast.settings.delivery import VARIABLES

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "docs" / "deploy"
SYSTEMD = DEPLOY / "systemd"
UNITS = sorted(path.name for path in SYSTEMD.iterdir())
SERVICES = [name for name in UNITS if name.endswith(".service")]
PROGRAM = "/opt/skyscape/current/bin/skyscape"

# What each service must say; systemd ignores a misspelled directive with a warning only.
HARDENED = {
    "User": "skyscape",
    "Group": "skyscape",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectControlGroups": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictNamespaces": "yes",
    "LockPersonality": "yes",
    "CapabilityBoundingSet": "",
    "SystemCallArchitectures": "native",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
}
# fmt: off
KNOWN = {
    "Unit": {"Description", "Documentation", "After", "Wants", "StartLimitIntervalSec",
             "StartLimitBurst"},
    "Service": {*HARDENED, "Type", "WorkingDirectory", "EnvironmentFile", "ExecStart",
                "ExecReload", "KillSignal", "TimeoutStopSec", "TimeoutStartSec", "Restart",
                "RestartSec", "UMask", "StateDirectory", "StateDirectoryMode", "ReadWritePaths",
                "AmbientCapabilities", "ProtectClock", "ProtectHostname", "ProtectKernelLogs",
                "ProtectProc", "RestrictRealtime", "RemoveIPC", "SystemCallFilter",
                "SystemCallErrorNumber", "MemoryMax", "TasksMax"},
    "Timer": {"OnBootSec", "OnUnitActiveSec", "AccuracySec", "Unit"},
    "Install": {"WantedBy"},
}
# fmt: on


def directives(name: str) -> dict[str, dict[str, list[str]]]:
    """Return section -> directive -> its values, of a unit; every line must be understood."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for number, line in enumerate((SYSTEMD / name).read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header.group(1)
            assert section not in found, f"{name}:{number}"
            found[section] = {}
            continue
        setting = re.fullmatch(r"([A-Z]\w+)=(\S.*\S|\S|)", line)
        assert setting, f"{name}:{number}: {line!r}"
        assert setting.group(1) in KNOWN[section], f"{name}:{number}: {line!r}"
        found[section].setdefault(setting.group(1), []).append(setting.group(2))
    return found


@pytest.mark.parametrize("name", UNITS)
def test_every_line_of_a_unit_is_a_known_directive_with_a_value(name: str) -> None:
    found = directives(name)

    assert found["Unit"]["Description"][0].startswith("Skyscape: ")
    repeated = {
        (section, each)
        for section, lines in found.items()
        for each, values in lines.items()
        if len(values) > 1
    }
    assert repeated <= {("Service", "SystemCallFilter"), ("Service", "ExecReload")}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_as_its_own_user_and_writes_into_its_own_folders_only(name: str) -> None:
    service = directives(name)["Service"]

    assert {key: service.get(key, ["lacking"])[0] for key in HARDENED} == HARDENED
    folders = service["ReadWritePaths"][0].split()
    assert set(folders) <= {"/var/lib/skyscape", "/srv/skyscape"}
    assert service["EnvironmentFile"] == ["-/etc/skyscape/secrets.env"]


def test_the_service_reloads_by_sighup_stops_within_ten_seconds_and_starts_again() -> None:
    found = directives("skyscape.service")["Service"]
    service = {key: values[0] for key, values in found.items()}

    assert found["ExecReload"] == [
        f"{PROGRAM} check --reload --config /etc/skyscape/settings.yaml",  # a fault ends it here
        "/bin/kill -HUP $MAINPID",
    ]
    assert (service["KillSignal"], service["TimeoutStopSec"]) == ("SIGTERM", "10")
    assert (service["Restart"], service["Type"]) == ("on-failure", "simple")
    assert service["StateDirectoryMode"] == "0700"


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_unit_starts_is_a_command_of_the_program(name: str) -> None:
    (line,) = directives(name)["Service"]["ExecStart"]
    program, command, *options = line.split()
    commands = {each for group in GROUPS.values() for each in group}

    assert (program, command in commands) == (PROGRAM, True)
    assert options[-2:] == ["--config", "/etc/skyscape/settings.yaml"]


def test_the_watchdog_is_started_every_minute_by_its_timer() -> None:
    timer = directives("skyscape-watchdog.timer")["Timer"]

    assert timer["Unit"] == ["skyscape-watchdog.service"]
    assert timer["OnUnitActiveSec"] == ["1min"]
    (line,) = directives("skyscape-watchdog.service")["Service"]["ExecStart"]
    assert line.startswith(f"{PROGRAM} check --alive --tell ")


def test_systemd_itself_understands_every_unit(tmp_path: Path) -> None:
    systemd = shutil.which("systemd-analyze")
    if systemd is None:
        pytest.skip("systemd is not installed: its own check of the units is not run")
    for name in UNITS:  # the program is not installed here
        text = (SYSTEMD / name).read_text(encoding="utf-8").replace(PROGRAM, "/bin/true")
        (tmp_path / name).write_text(text, encoding="utf-8")

    done = subprocess.run(
        [systemd, "verify", "--recursive-errors=no", *(tmp_path / name for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the container file, continued lines joined."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word, " ".join(rest.split()))
        for word, _, rest in (line.partition(" ") for line in joined.splitlines())
    ]


def of(instruction: str, lines: Sequence[tuple[str, str]]) -> list[str]:
    return [rest for word, rest in lines if word == instruction]


def test_the_image_is_pinned_and_its_last_stage_runs_as_nobody_special() -> None:
    lines = instructions()
    bases = [rest.split()[0] for rest in of("FROM", lines)]

    assert len(bases) == 2
    for base in bases:
        assert re.search(r"^docker\.io/library/python:3\.\d+\.\d+-slim-\w+(@sha256:\w{64})?$", base)
    last = lines[max(n for n, (word, _) in enumerate(lines) if word == "FROM") :]
    assert of("USER", last) == ["10001:10001"]
    after = [word for word, _ in last[[word for word, _ in last].index("USER") :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)
    assert of("VOLUME", last) == ['["/srv/skyscape/var"]']


def test_what_the_image_installs_is_checked_by_hash_and_needs_no_network() -> None:
    installs = [rest for rest in of("RUN", instructions()) if "pip install" in rest]

    assert len(installs) == 1
    for option in ("--no-index", "--no-deps", "--require-hashes", "--no-cache-dir"):
        assert f"{option} " in installs[0]
    assert not of("ADD", instructions())
    assert not re.search(r"apt-get|curl|wget", " ".join(of("RUN", instructions())))


def test_the_image_starts_the_program_itself_and_asks_whether_it_is_alive() -> None:
    lines = instructions()

    assert of("ENTRYPOINT", lines) == ['["skyscape"]']
    assert of("CMD", lines) == ['["run", "--config", "/srv/skyscape/settings.yaml"]']
    assert of("STOPSIGNAL", lines) == ["SIGTERM"]
    (asked,) = of("HEALTHCHECK", lines)
    assert 'CMD ["skyscape", "check", "--alive", ' in asked


def test_no_secret_comes_into_the_image() -> None:
    text = "\n".join(f"{word} {rest}" for word, rest in instructions())

    assert not re.search(r"secret|token|password|key", text, re.IGNORECASE)
    copied = [rest.split()[:-1] for rest in of("COPY", instructions())]
    assert copied == [
        ["dist/wheelhouse/*.whl", "dist/wheelhouse/requirements.txt"],
        ["--from=build", "/opt/skyscape"],
    ]


def test_the_example_of_secrets_names_every_variable_and_holds_none() -> None:
    lines = (DEPLOY / "secrets.env").read_text(encoding="utf-8").splitlines()
    named = {line[1:].rstrip("=") for line in lines if line.startswith("#SKYSCAPE_")}

    assert named == {
        *ENVIRONMENT, PUSH_TOKENS, SECRET, *VARIABLES, CMADAAS_USER, CMADAAS_PASSWORD
    }  # fmt: skip
    assert [line for line in lines if line and not line.startswith("#")] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_handbook_lets_the_service_write_into_the_folder_of_backups(language: str) -> None:
    """A missing path stops the start of a unit unless a minus stands before it."""
    handbook = (PROJECT / "docs" / f"handbook.{language}.md").read_text(encoding="utf-8")
    unit = (SYSTEMD / "skyscape.service").read_text(encoding="utf-8")

    for text in (handbook, unit):
        assert re.search(r"\[Service\]\n\W*ReadWritePaths=-/mnt/backup/skyscape\n", text)
        assert "systemctl edit skyscape" in text
