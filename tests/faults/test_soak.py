"""Does a service that is killed and hindered keep every hour, number and alert?

Seven hours of tests/soak; `make soak` runs a season.
"""

from __future__ import annotations

from pathlib import Path

from tests.soak import checks
from tests.soak.process import Disk
from tests.soak.report import told_again, unended
from tests.soak.season import Event, Plan
from tests.soak.supervisor import Supervisor


class SevenHours(Plan):
    """No fault but a lock at an hour of issue."""

    def _faults(self) -> list[Event]:
        begin = self._local(0, 12 * 3600.0 + 590)
        return [Event(begin, "lock", True), Event(begin + 40, "lock", False)]


def test_a_service_killed_thrice_in_seven_hours_loses_no_hour_and_no_number(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk", 0)
    supervisor = Supervisor(SevenHours(0.3, 3, seed=3), tmp_path, disk)

    figures = supervisor.run()

    hours = checks.hours(supervisor.config, supervisor.database, figures.spans, figures.runs)
    assert figures.wrong == []
    assert sum(figures.kills.values()) == 3
    assert figures.exit_code == 0
    assert hours.lost == ()
    assert hours.issued >= 1
    assert not told_again(supervisor)
    assert not unended(supervisor)
    log = (tmp_path / "service.log").read_text(encoding="utf-8")
    assert "a defect" not in log
    assert max(supervisor.operators.sent.values()) == 1
