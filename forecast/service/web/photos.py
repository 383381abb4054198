"""Photos of reports: decoded in a process of their own, kept as files beside the archive."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from pathlib import Path
from typing import IO

from forecast.config import Config
from forecast.files import make_private, write_whole
from forecast.service.web.session_key import key_file
from forecast.worker import GOOD, Worker, WorkerEnded

log = logging.getLogger(__name__)

LARGEST = 8 << 20  # [byte] of a photo as sent
PATIENCE = 5  # [s] a photo waits for the one before it: requests must not queue up
MOST_KEPT = 4 << 30  # [byte] of all photos
FOLDER = "report_photos"
DIGEST = re.compile(r"[0-9a-f]{64}")
# Why a photo is not kept; the words stand in templates/text (report.photo).
REASONS = ("size", "picture", "heic", "pixels", "full")
BOX = b"ftyp"  # at the fifth byte of HEIC, HEIF and AVIF, which Pillow cannot read

_one_at_a_time = threading.Semaphore(1)  # memory is bounded for one process


class PhotoRefused(Exception):
    """A photo is not kept; its message is one of REASONS."""


def folder_of(config: Config) -> Path:
    """Return where photos are kept: beside the archive."""
    return key_file(config).parent / FOLDER


def keep_photo(stream: IO[bytes], folder: Path) -> str:
    """Keep a photo, drawn again; return its digest. Raises: PhotoRefused, OSError."""
    photo = stream.read(LARGEST + 1)
    if len(photo) > LARGEST:
        raise PhotoRefused("size")
    if photo[4:8] == BOX:
        raise PhotoRefused("heic")
    if sum(path.stat().st_size for path in folder.glob("*/*.jpg")) > MOST_KEPT:
        log.warning("%s: full: no more photos are kept; remove old ones", folder)
        raise PhotoRefused("full")
    if not _one_at_a_time.acquire(timeout=PATIENCE):
        raise PhotoRefused("full")
    try:
        content = _decoded(photo)
    finally:
        _one_at_a_time.release()
    digest = hashlib.sha256(content).hexdigest()
    path = path_of(digest, folder)
    make_private(folder, folder=True)
    make_private(path.parent, folder=True)
    if not path.exists():
        write_whole(path, content, private=True)
    return digest


def path_of(digest: str, folder: Path) -> Path:
    """Return the file of a photo. Raises: ValueError where that is no digest."""
    if not DIGEST.fullmatch(digest):
        raise ValueError("not the digest of a photo")
    return folder / digest[:2] / f"{digest}.jpg"


def _decoded(photo: bytes) -> bytes:
    """Return a photo drawn again by a process that ends with it. Raises: PhotoRefused."""
    worker = Worker(Path(__file__).with_name("photo_worker.py"))
    try:
        worker.send([photo])
        status, content = worker.receive()
    except WorkerEnded:
        raise PhotoRefused("picture") from None
    finally:
        worker.close()
    if status != GOOD:
        reason = content.decode("ascii", "replace")
        raise PhotoRefused(reason if reason in REASONS else "picture")
    return content
