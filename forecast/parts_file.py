"""What waits outside memory: parts of an issue of many sites, in a file of the private folder.

The file has no name from the moment it is made, so nothing of it is left when the process ends,
however it ends. Where it cannot be written, its things stay in memory: that costs memory only.
"""

from __future__ import annotations

import io
import logging
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Generic, TypeVar, cast

log = logging.getLogger(__name__)

P = TypeVar("P")
T = TypeVar("T")


class Held(Generic[T]):
    """Something that can be had again: from memory, or from a file."""

    def __init__(self, get: Callable[[], T]) -> None:
        self.get = get


class PartsFile:
    """Keeps things in a file; without a folder they stay in memory, as they are.

    What was had last stays in memory until the next is asked for. Safe to be read by several
    threads.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._plain = folder is None
        self._file = None if folder is None else _opened(folder)
        self._end = 0
        self._last: tuple[Held[Any] | None, Any] = (None, None)

    def put(self, thing: T) -> Held[T]:
        """Keep a thing."""
        return self.put_parts(thing, lambda thing: thing)

    def put_parts(self, parts: P, made: Callable[[P], T]) -> Held[T]:
        """Keep what something is made of; it is made when it is asked for."""
        if self._plain:
            thing = made(parts)
            return Held(lambda: thing)
        read = self._written(parts)

        def get() -> T:
            known, found = self._last
            if known is not held:
                found = made(read())
                self._last = (held, found)
            return cast(T, found)

        held = Held(get)
        return held

    def _written(self, thing: T) -> Callable[[], T]:
        """Write a thing to the file and return what reads it."""
        file, at = self._file, self._end
        if file is None:
            return lambda: thing
        content = pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
        try:
            left = memoryview(content)
            while left:
                left = left[os.pwrite(file.fileno(), left, at + len(content) - len(left)) :]
        except OSError as error:
            log.warning("no more can be put aside (%s): it stays in memory", error)
            return lambda: thing
        size = len(content)
        self._end += size
        return lambda: cast(T, _Own(io.BytesIO(os.pread(file.fileno(), size, at))).load())


class _Own(pickle.Unpickler):
    """Reads what this process wrote, and makes nothing but the nouns and arrays of an issue."""

    MODULES = ("forecast", "models", "numpy", "xarray", "pandas", "datetime", "zoneinfo", "array")
    BUILTINS = ("slice", "frozenset", "set", "complex", "range")

    def find_class(self, module: str, name: str) -> Any:
        known = module.partition(".")[0] in self.MODULES
        if known or (module == "builtins" and name in self.BUILTINS):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an issue")


def _opened(folder: Path) -> IO[bytes] | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder, buffering=0)
    except OSError as error:
        log.warning("%s: nothing can be put aside (%s): it stays in memory", folder, error)
        return None
