"""Why models are refused, without loading one: what the last full check found, while nothing moved.

A full check (models/registry.py) loads scikit-learn and every model: three seconds. What it found
is kept in the folder of models under a fingerprint of all it depends on: the models' files, this
package, the catalogue and the libraries. `status` reads it; where the fingerprint is another, the
check is made again. Nothing that serves relies on it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from forecast.files import write_whole

log = logging.getLogger(__name__)

CHECKED = "checked.json"  # in the folder of models
LARGEST = 1 << 20  # [byte] of it
SHIPPED = Path(__file__).parent / "shipped"
CODE = (Path(__file__).parent, Path(__file__).parents[1] / "forecast" / "quantities")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "skops")
KINDS = ("in_force.json", "card.json", "model.skops")


def refused_models(folder: Path) -> tuple[str, ...]:
    """Return the reasons why models of a folder, or shipped ones, are refused.

    They are those of the last full check where nothing has changed since, else of a new one.
    """
    found = _kept(folder)
    if found is not None:
        return found
    if not folder.is_dir() and _shipped_are_whole():
        return ()
    from models.prediction import open_models

    return open_models(folder).refused


def keep_refusals(folder: Path, refused: tuple[str, ...]) -> None:
    """Keep what a full check of a folder found; a folder that cannot be written keeps nothing."""
    if not folder.is_dir() or _kept(folder) == refused:
        return
    document = {"of": fingerprint(folder), "refused": refused}
    try:
        write_whole(folder / CHECKED, json.dumps(document, ensure_ascii=False))
    except OSError as error:
        log.debug("%s: not kept: %s", folder / CHECKED, error)


def fingerprint(folder: Path) -> str:
    """Return a hash of all on which a check of the models depends; "" where it cannot be read."""
    whole = hashlib.sha256()
    for name in LIBRARIES:
        try:
            whole.update(f"{name} {version(name)}\n".encode())
        except PackageNotFoundError:
            return ""
    try:
        for path, name in _parts(folder):
            content = path.read_bytes()
            whole.update(f"{name} {len(content)}\n".encode() + content)
    except OSError:
        return ""
    return whole.hexdigest()


def _parts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files on which a check depends, each with its name, in a fixed order."""
    for place in CODE:
        for path in sorted(place.glob("*.py")):
            yield path, f"{place.name}/{path.name}"
    for home in (folder, SHIPPED):
        for path in sorted(path for kind in KINDS for path in home.rglob(kind)):
            yield path, path.relative_to(home).as_posix()


def _kept(folder: Path) -> tuple[str, ...] | None:
    """Return what was kept of a folder; None where nothing is, or something changed since."""
    try:
        with (folder / CHECKED).open("rb") as stream:
            kept = json.loads(stream.read(LARGEST))
        refused = kept["refused"]
        sound = isinstance(refused, list) and all(isinstance(one, str) for one in refused)
        return tuple(refused) if sound and kept["of"] == fingerprint(folder) != "" else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _shipped_are_whole() -> bool:
    """Return whether each shipped model is the one that its card describes.

    The tests of the program check all else about them.
    """
    try:
        for card in SHIPPED.rglob("card.json"):
            described = json.loads(card.read_text(encoding="utf-8"))["model_sha256"]
            data = card.with_name("model.skops").read_bytes()
            if hashlib.sha256(data).hexdigest() != described:
                return False
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True
