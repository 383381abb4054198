"""The key that signs sessions: from the environment, else a file beside the archive, made once."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from forecast.config import Config, session_secret
from forecast.errors import ConfigError
from forecast.files import make_private

log = logging.getLogger(__name__)

NAME = "session.key"
BYTES = 32


def session_key(config: Config) -> bytes:
    """Return the key; its file, readable by its owner only, is made where there is none.

    Raises: ConfigError.
    """
    if given := session_secret():
        return given.encode()
    path = key_file(config)
    try:
        make_private(path.parent, folder=True)
        _make(path)
        if path.stat().st_mode & 0o077:
            log.warning("%s: others can read the key of sessions: chmod 600 it", path)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: the key of sessions can neither be read nor made ({error.strerror}); "
            "or give one in SKYSCAPE_SECRET"
        ) from error
    if len(key) < BYTES:
        raise ConfigError(f"{path}: shorter than {BYTES} bytes: delete it, a new one is made")
    return key


def key_file(config: Config) -> Path:
    """Return where the key is kept."""
    return config.private_folder / NAME


def _make(path: Path) -> None:
    """Make the file whole; of two processes one wins, and both read the same key."""
    if path.exists():
        return
    mine = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(mine, path)
        except FileExistsError:
            return
    finally:
        mine.unlink()
