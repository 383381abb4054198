"""The sections `keep` and `backup` of config.yaml: what stays for how long, and a copy of it."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from pydantic import Field

from forecast.settings import SettingsSection
from forecast.settings.time_of_day import TimeOfDay


class KeepSettings(SettingsSection):
    """For how long what grows is kept; nothing that is scored or learnt from goes.

    at: local time of the daily job. observation_days: older observations become hourly means.
    run_days: older features of contributing runs go where nobody knows the outcome. detail_days:
    older forecasts lose what only their pages show. record_days: attempts and digests of what was
    pushed. photo_days: of reports. drop_days: GRIB files in drop folders; none: for ever.
    whole_issues: so many issues stay as they are, older ones are packed without their pictures.
    """

    at: TimeOfDay = time(3, 10)
    observation_days: int = Field(default=45, ge=31, le=36500)
    run_days: int = Field(default=800, ge=460, le=36500)
    detail_days: int = Field(default=120, ge=30, le=36500)
    record_days: int = Field(default=400, ge=60, le=36500)
    photo_days: int = Field(default=400, ge=7, le=36500)
    drop_days: float | None = Field(default=None, ge=2, le=3650)
    whole_issues: int = Field(default=40, ge=2, le=100000)


class BackupSettings(SettingsSection):
    """Where the daily backup goes, when (local time), and how many are kept; no folder: none."""

    folder: Path | None = None
    at: TimeOfDay = time(2, 40)
    keep: int = Field(default=7, ge=1, le=1000)
