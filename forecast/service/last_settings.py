"""The settings with which the service started or was reloaded last, for the watchdog.

They lie in the private folder, secrets masked. Where the settings file is broken later, the
watchdog goes by them, so that a typing error silences no alert. A reload that was refused is noted
beside them until settings are taken over again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from forecast.config import Config, archive_address, base_folder, build_config, default_path
from forecast.domain import as_utc
from forecast.errors import ConfigError
from forecast.files import write_whole

log = logging.getLogger(__name__)

NAME, REFUSED = "settings.last.json", "settings.refused.json"
ADDRESS = re.compile(r"sqlite:///([^\s\"'#]+)")  # of an archive, also in a file that is no YAML
MODELS = re.compile(r"^learning:.*?^\s+folder:\s*[\"']?([^\s\"'#]+)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class SettingsRefusal:
    """Why the settings file cannot be used, and since when, as far as that is known."""

    at: datetime | None
    reason: str


def keep(config: Config) -> None:
    """Keep the settings in force, and forget those that were refused before.

    A disk that takes nothing costs the copy only, and is logged.
    """
    content = {"file": str(config.file), "settings": config.shown()}
    try:
        config.private_folder.mkdir(parents=True, exist_ok=True)
        write_whole(
            config.private_folder / NAME, json.dumps(content, ensure_ascii=False), private=True
        )
    except OSError as error:
        log.warning("%s: not written: %s", config.private_folder / NAME, error)
    with contextlib.suppress(OSError):
        (config.private_folder / REFUSED).unlink(missing_ok=True)


def note_refused(folder: Path, now: datetime, reason: str) -> None:
    """Note in the private folder that a reload was refused; a disk that takes nothing is logged."""
    content = {"at": as_utc(now).isoformat(timespec="seconds"), "reason": reason}
    try:
        write_whole(folder / REFUSED, json.dumps(content, ensure_ascii=False), private=True)
    except OSError as error:
        log.warning("%s: not written: %s", folder / REFUSED, error)


def refused(folder: Path) -> SettingsRefusal | None:
    """Return why the last reload was refused; None where it was not. folder: the private one."""
    try:
        content = json.loads((folder / REFUSED).read_bytes())
        at = as_utc(datetime.fromisoformat(content["at"]))
        return SettingsRefusal(at, str(content["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read(path: Path | None) -> Config | None:
    """Return the last good settings of a file that cannot be read now; None where none are kept."""
    file = (default_path() if path is None else path).absolute()
    for folder in _folders(file, base_folder(path)):
        try:
            content = json.loads((folder / NAME).read_bytes())
            if content["file"] == str(file):
                return build_config(content["settings"], {}, str(folder / NAME))
        except (OSError, ValueError, KeyError, TypeError, ConfigError):
            continue
    return None


def _folders(file: Path, base: Path) -> Iterator[Path]:
    """Yield where the private folder may be, by the text of the settings and the environment."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for source in (archive_address(), text):
        for address in ADDRESS.findall(source):
            yield (base / address).parent
    for models in MODELS.findall(text):
        yield base / models
        yield (base / models).parent
    yield base / "var"
    yield Path.cwd()
    yield Path.cwd() / "var"
