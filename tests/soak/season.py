"""What happens in a season: its settings, and every event drawn from a seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from forecast.config import Config, read_config

START = datetime(2026, 12, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = 86400.0, 3600.0, 60.0
DELAY = 3.4  # [h] after which a run is there; the settings expect 3.6
HOURS = ("00:10", "06:10", "12:10", "18:10")  # of issue, local
ZONE = 8 * HOUR
# local times of day at which the service has most to do: drafts, issues, backup, retention, scores
BUSY = [h * HOUR + m * MINUTE for h, m in (
    (0, 10), (6, 10), (12, 10), (18, 10), (5, 40), (17, 40), (2, 40), (3, 10), (12, 30), (7, 0),
)]  # fmt: skip
STATION = "A1201"
STATION_MINUTES = 60  # between two files of the station


@dataclass(frozen=True, order=True)
class Event:
    """Something that happens at a moment [s] of the steady clock."""

    at: float
    kind: str
    value: Any = field(default=None, compare=False)


def settings(folder: Path, bucket: str, filter_url: str, operators: str) -> Config:
    """Write the settings of the service of a season, and return them as it understands them."""
    values, disk = read_config().model_dump(mode="json"), folder / "disk"
    http = {"requests_per_minute": 6000, "attempts": 2, "timeout_seconds": 5}
    values["service"]["web"] = None
    values["source"] |= {
        "order": ["bucket", "filter"],
        "filter": values["source"]["filter"] | http | {"url": filter_url},
        "bucket": values["source"]["bucket"] | http | {"url": bucket},
        "folder": str(disk / "drop"),
        "cycles": str(disk / "cycles"),
        "steps": [{"first": 0, "last": 36, "every": 6}],
        "light_path_km": 0,
        "decode_threads": 1,
        "keep_cycles": 6,
    }
    values["models"] = []
    site = values["sites"][0]
    site |= {"phenomena": ["starry_sky", "sea_of_clouds"], "stations": [STATION]}
    values["sites"] = [site]
    station = {
        "id": STATION, "name": {"zh": "灵山站", "en": "Lingshan"}, "latitude": 40.02,
        "longitude": 115.45, "elevation_m": 2280,
    }  # fmt: skip
    values["observations"] |= {
        "folder": str(disk / "spool"), "stations": [station], "check_minutes": 30,
        "delete_after_days": 3,
    }  # fmt: skip
    values["archive"]["url"] = f"sqlite:///{disk / 'var' / 'archive.db'}"
    values["output"] |= {
        "folder": str(disk / "site"),
        "channels": ["web", "sms", "api", "webhook"],
        "keep_issues": 80,
    }
    values["keep"] |= {"whole_issues": 8, "detail_days": 30, "observation_days": 31}
    values["backup"] |= {"folder": str(disk / "backup"), "keep": 2}
    values["delivery"]["webhook"] = {"targets": [{"id": "town", "url": operators}]}
    values["alerts"] |= {
        "first": {"webhook": ["town"]}, "disk_free_gb": 0.005, "disk_free_percent": 2,
        "days_until_full": 1,
    }  # fmt: skip
    values["forecast"]["days"] = 2
    values["schedule"] |= {"issue_at": list(HOURS), "check_minutes": 30}
    values["learning"]["folder"] = str(disk / "models")
    write(folder, values, "optional")
    return read_config(folder / "config.yaml")


def write(folder: Path, values: dict[str, Any] | None, review: str) -> None:
    """Write the settings file, JSON being YAML; without values those that are there, changed."""
    path = folder / "config.yaml"
    values = json.loads(path.read_text()) if values is None else values
    values["issue"]["review"] = review
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1))


@dataclass
class Plan:
    """The events of a season of `days` days with `kills` kills."""

    days: float
    kills: int
    seed: int

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.start = START.timestamp()
        self.end = self.start + self.days * DAY
        # one service lives through the last part and one through a part in the middle
        self.calm = (
            (self.start + 0.42 * self.days * DAY, self.start + 0.5 * self.days * DAY),
            (self.start + 0.88 * self.days * DAY, self.end),
        )

    def events(self) -> list[Event]:
        """Return all events in order."""
        found = [Event(self.start, "start"), Event(self.end, "end")]
        found += self._runs()
        found += self._stations()
        found += [Event(at, "kill") for at in self._kill_times()]
        found += self._faults()
        found.append(Event(self.start + 0.5 * self.days * DAY + HOUR, "review", "off"))
        noons = int(self.days)
        found += [Event(self.start + DAY * (day + 1) - 5 * HOUR, "measure") for day in range(noons)]
        return sorted(found)

    def _runs(self) -> list[Event]:
        """Return when each run appears: some late, some never."""
        found, run = list[Event](), START.replace(hour=0) - timedelta(hours=12)
        while run.timestamp() < self.end:
            late = self.chance.uniform(0, 0.1)
            drawn = self.chance.random()
            if drawn < 0.05:
                late += self.chance.uniform(0.3, 6)
            if not 0.05 <= drawn < 0.06:
                found.append(Event(run.timestamp() + (DELAY + late) * HOUR, "run", run))
            run += timedelta(hours=6)
        return [event for event in found if event.at < self.end]

    def _stations(self) -> list[Event]:
        step, silent = STATION_MINUTES * MINUTE, self._spans(self.days / 12, 5 * HOUR, 9 * HOUR)
        times = [self.start + step * n for n in range(1, int(self.days * DAY / step))]
        return [
            Event(at, "station") for at in times if not any(one < at < two for one, two in silent)
        ]

    def _spans(
        self, count: float, least: float, most: float, early: float | None = None
    ) -> list[tuple[float, float]]:
        """Return spans, at least one; early: they begin so long [s] before an hour of issue."""
        found = []
        for _ in range(max(1, round(count))):
            day = int(self.chance.uniform(0.2, max(self.days - 0.6, 0.3)))
            if early is None:
                begin = self.start + day * DAY + self.chance.uniform(0, DAY)
            else:
                begin = self._local(day, self.chance.choice(BUSY[:4])) - early
            begin = max(begin, self.start + 6 * HOUR)
            found.append((begin, begin + self.chance.uniform(least, most)))
        return found

    def _local(self, day: int, of_day: float) -> float:
        """Return a local time of a day of the season."""
        midnight = (self.start + ZONE) // DAY * DAY - ZONE
        return midnight + day * DAY + of_day

    def _kill_times(self) -> list[float]:
        found = list[float]()
        while len(found) < self.kills:
            day = int(self.chance.uniform(0, self.days))
            of_day = (
                self.chance.choice(BUSY)
                if self.chance.random() < 0.75
                else self.chance.uniform(0, DAY)
            )
            at = self._local(day, of_day)
            calm = any(begin <= at < end for begin, end in self.calm)
            if self.start + 10 * MINUTE < at < self.end - HOUR and not calm:
                found.append(at)
        return found

    def _faults(self) -> list[Event]:
        """Return the beginnings and ends of what goes wrong."""
        days, found = self.days, list[Event]()
        spans = {
            "away": self._spans(days / 8, HOUR, 5 * HOUR),
            "reset": self._spans(days / 12, 20 * MINUTE, 2 * HOUR, 2 * MINUTE),
            "html": self._spans(days / 10, 20 * MINUTE, 3 * HOUR, 2 * MINUTE),
            "cut": self._spans(days / 10, 20 * MINUTE, 2 * HOUR, 2 * MINUTE),
            "lock": self._spans(days / 5, 40, 50, 10),
            "full": self._spans(days / 12, 20 * MINUTE, 80 * MINUTE, 5 * MINUTE),
            "clock": self._spans(days / 20, 2 * HOUR, 6 * HOUR, 30 * MINUTE),
        }
        for kind, times in spans.items():
            last = self.start
            for begin, end in sorted(times):
                if begin > last and end < self.end - 2 * HOUR:
                    found += [Event(begin, kind, True), Event(end, kind, False)]
                    last = end + HOUR
        return found
