"""Settings of what is learnt: reports of what was seen, scores and training."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Literal

from forecast.settings import SettingsSection
from forecast.settings.time_of_day import TimeOfDay


class ReportSettings(SettingsSection):
    """Reports of what was seen, from phones. visitors: whether anybody may send one."""

    visitors: bool = False


class LearningSettings(SettingsSection):
    """Where models are kept; when past days are scored and models trained (local time)."""

    folder: Path = Path("var/models")
    judge_at: TimeOfDay = time(12, 30)
    learn_on: Literal[
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
    ] = "monday"
    learn_at: TimeOfDay = time(13, 30)
