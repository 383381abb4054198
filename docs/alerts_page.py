"""The page docs/alerts.md: what operators are alerted of, what to do, and how the service is
watched.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from forecast.service import heartbeat
from forecast.service.alerting import ledger
from forecast.service.alerting.conditions import CRITICAL, KINDS
from forecast.service.state import ARCHIVE_PATIENCE
from products.wording import read_words


def lines() -> Iterator[str]:
    """Yield the lines of the page."""
    yield from _INTRODUCTION.format(
        settled=_minutes(ledger.SETTLED.total_seconds()),
        unclear=ledger.MOST_UNCLEAR,
        silent=_minutes(heartbeat.SILENT.total_seconds()),
        beat=heartbeat.SECONDS,
        locked=_minutes(ARCHIVE_PATIENCE.total_seconds()),
    ).splitlines()
    for function, kinds in KINDS.items():
        for kind in kinds:
            yield from _section(kind, inspect.cleandoc(function.__doc__ or ""))
    yield from _REST.splitlines()


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes"


def _section(kind: str, when: str) -> Iterator[str]:
    """Yield the section of a kind of alert: its level, its text, what to do, in both languages."""
    chinese, english = read_words("zh"), read_words("en")
    level = "critical" if kind in CRITICAL else "warning"
    yield from ("", f"### {kind}", "")
    yield f"{level}. {when}"
    yield ""
    for words, label in ((chinese, "告警"), (english, "alert")):
        yield f"- {label}: {words[f'alerts.{kind}.what']}"
    for words, label in ((chinese, "处置"), (english, "what to do")):
        yield f"- {label}: {words[f'alerts.{kind}.do']}"


_INTRODUCTION = """# Alerts, and how the service is watched

Written from the code by `make docs`; do not edit.

What is watched is that output comes. The service looks every minute; the watchdog `skyscape check
--alive --tell` looks when cron or systemd runs it, and finds a dead scheduler inside a living
process, too: the scheduler itself writes the heartbeat every {beat} s, and {silent} without one
count as dead. So does, at once, a heartbeat whose process is gone from this machine; alerts of it
go out only after those {silent}, for a restart is none.

`alerts` in `config.yaml` says who gets alerts (robots of WeCom, e-mail, servers) and from when
something is one. Without recipients they stand in the log and in `skyscape status` only.

- **Once.** An alert is sent when it is raised, not at each look. All alerts of one look are one
  message.
- **What may pass waits.** Three are sent only once they have lasted: `scheduler` for {silent}
  without a heartbeat (a restart is none), `archive` for {locked} (a lock is none), `nothing` for
  `late_minutes` (an issue may be on its way). Until then `check --alive` shows them, and sends
  nothing.
- **Escalated.** One that is critical and still true after `escalate_minutes` goes to the recipients
  under `escalated`, once.
- **Resolved.** What was not seen for {settled} is over: who was sent the beginning is sent the end.
  One that comes back before that is the same alert.
- **A kill** at any instant loses no alert; the message that was going out may come twice. A message
  has the same id each time (`X-Skyscape-Id`, Message-ID), so a server can drop the second.
- **A recipient that is away** is tried again after 1, 2, 4 ... 60 minutes; a message that may have
  arrived is sent {unclear} times at most.
- **State.** `alerts.json` beside the archive, readable by its owner only, so that it works with the
  archive locked or lost. The service and the watchdog share it under `alerts.lock`.
  `alerts.reserve` holds 256 kB free for it, which are given back on a full disk. Where the disk
  takes nothing all the same, the service remembers; the watchdog sends every half hour what it
  cannot note, and says so.

## The watchdog

```
* * * * *  skyscape check --alive --tell --config /etc/skyscape/config.yaml
```

It reads `heartbeat.json`, `journal.jsonl` and the manifest of the release. It does not open the
archive, and needs a network only to send. Exit code 0: the scheduler lives, the last hour has its
issue, that issue holds, the archive works by its file and the last attempts, and no disk is nearly
full; 8: not so; 3: wrong settings. Without `--tell` it sends nothing.

For a container the head of `docs/deploy/Containerfile` has the command for the host's cron; it
notices a stopped container, too.

Where the settings cannot be read it goes by those with which the service started or was reloaded
last: `settings.last.json` beside the archive, without secrets. It says so, alerts the recipients of
those (`settings`), and exits with 3, or 8 where the service fails.

## The alerts"""

_REST = """
## Health, metrics, logs

| address | 200 | otherwise |
|---|---|---|
| `/healthz` | the scheduler lives, no hour is overdue, the issue holds, the archive works | 503 |
| `/healthz/live` | the scheduler lives: for what starts a dead service again | 503 |
| `/healthz/ready` | an issue is in force and holds: for what sends readers here | 503 |
| `/metrics` | by `service.web.metrics`: `loopback` (this machine; default), `off`, `all` | 404 |

`/healthz` replaces `/health` of the versions before. With `loopback` a request that another server
passes on gets no figures; behind one set `trusted_proxies`, else nobody gets any.

| metric | what |
|---|---|
| `skyscape_scheduler_alive`, `skyscape_heartbeat_age_seconds` | the scheduler |
| `skyscape_hour_overdue` | 1 while an hour of issue is overdue |
| `skyscape_issue_age_seconds`, `skyscape_issue_valid_seconds` | the issue in force |
| `skyscape_run_age_seconds` | its leading model run |
| `skyscape_attempts_total{outcome}` | attempts that the journal holds |
| `skyscape_last_attempt_timestamp_seconds` | when the last of them was |
| `skyscape_step_duration_seconds{step}` | steps of the last issue |
| `skyscape_station_silent{station}` | 1 while a station sends nothing |
| `skyscape_archive_bytes`, `skyscape_disk_free_bytes{folder}` | space |
| `skyscape_backup_age_seconds`, `skyscape_backup_missing` | the newest one; 1: it is missing |
| `skyscape_alerts_open{level}` | alerts that last |
| `skyscape_http_requests_total{class}` | answers of the web application, 2xx to 5xx |

`--log json`, or `service.log: json`, writes the log as an object a line: `time`, `level`, `logger`,
`message`, `attempt` (the id of the attempt to issue, also in the journal, or of the request),
`version`, `exception`."""
