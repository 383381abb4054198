"""The watchdog, `skyscape check --alive`: whether the service does what it is there for.

It watches that output comes, not that a process lives: the heartbeat that the scheduler writes, the
issue of each hour, and that the issue in force holds. It needs no archive, and a network only to
send alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from forecast.commands import world as setup
from forecast.commands.finding import CheckFinding
from forecast.config import Config
from forecast.errors import ConfigError
from forecast.service import last_settings
from forecast.service.alerting.conditions import assess
from forecast.service.alerting.facts import Facts, small_facts
from forecast.service.alerting.notices import texts_of
from forecast.service.alerting.watch import Alerting
from forecast.service.journal import Journal

SETTINGS = "settings"  # the condition, and the subject of its finding
EXIT_CODE = 8  # the service is not what it should be
LOCK_WAIT = 30.0  # [s] for the service, where it is sending itself
# Conditions that make the exit code; the others are named only.
FAILING = frozenset({"scheduler", "clock", "no_issue", "nothing", "expired", "archive", "disk"})


def settings_of(path: Path | None) -> tuple[Config, str]:
    """Return the settings, and ""; where they are wrong, the last good ones, and what is wrong.

    Raises: ConfigError where there are no last good ones either.
    """
    try:
        return setup.settings(path), ""
    except ConfigError as error:
        last = last_settings.read(path)
        if last is None:
            raise
        setup.log_in_zone(last.zone, last.service.log)
        return last, str(error)


def findings(
    config: Config, now: datetime, send: bool = False, wrong: str = ""
) -> list[CheckFinding]:
    """Return what is wrong at `now`: a fault of the service is in FAILING.

    send: alert the operators, too. wrong: what is wrong with the settings file, where `config` are
    the last good ones; that fault stands first. Raises: ConfigError.
    """
    facts = small_facts(config, now)
    if wrong:
        facts = replace(facts, refusal=last_settings.SettingsRefusal(None, wrong))
    found = [
        CheckFinding(
            "fault" if each.kind in FAILING else "warning", each.key, texts_of(each, config)["en"]
        )
        for each in assess(facts).conditions
        if not (wrong and each.kind == SETTINGS)
    ]
    beat = facts.service.beat
    if beat is not None and beat.ended():
        gone = f"the service has ended: process {beat.process} is gone"
        found.insert(0, CheckFinding("fault", "service", gone))
    if not any(each.grade == "fault" for each in found):
        found.insert(0, CheckFinding("ok", "service", _alive(facts)))
    if wrong:
        by = f"looked at by the last good ones ({config.private_folder / last_settings.NAME})"
        found.insert(0, CheckFinding("fault", SETTINGS, f"{wrong}; {by}"))
    if fault := Journal(config.private_folder).fault():
        found.append(CheckFinding("warning", "journal", fault))
    if send:
        found += _sent(config, facts)
    return found


def exit_code(found: Sequence[CheckFinding]) -> int:
    """Return EXIT_CODE where the service fails, that of wrong settings where these alone are a
    fault, else 0.
    """
    faults = {each.subject for each in found if each.grade == "fault"}
    if faults - {SETTINGS}:
        return EXIT_CODE
    return ConfigError.exit_code if faults else 0


def _alive(facts: Facts) -> str:
    """Return since when the service runs, and which issue is in force."""
    beat, issue, zone = facts.service.beat, facts.service.issue, facts.config.zone
    assert beat is not None  # else it counts as silent
    assert issue is not None  # else nothing is in force
    until = f"{issue.valid_until.astimezone(zone):%F %H:%M%z}"
    return (
        f"process {beat.process} since {beat.started.astimezone(zone):%F %H:%M%z}; "
        f"{issue.id} in force until {until}"
    )


def _sent(config: Config, facts: Facts) -> list[CheckFinding]:
    if config.alerts.first.empty:
        return [CheckFinding("warning", "alerts", "alerts.first names nobody: nothing is sent")]
    look = Alerting(config, alone=True, wait=LOCK_WAIT).look(facts)
    problems = [CheckFinding("warning", "alerts", problem) for problem in look.problems]
    return [*problems, CheckFinding("note", "alerts", f"{look.sent} messages sent")]
