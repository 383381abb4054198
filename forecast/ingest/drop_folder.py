"""The bureau's drop folder: the layout of the bucket, or GRIB files of any name; never written to.

A file is identified by its headers alone; messages of another centre are ignored. A file that
is damaged or still being written is skipped with a note, and checked again when its size or time
changes. The contents are kept in a file in the cycle store, so that a folder of thousands of
files is not read again every ten minutes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceCorrupt
from forecast.files import write_whole
from forecast.http import CLOCK, Clock, Deadline
from forecast.ingest import Needs
from forecast.ingest.grib.headers import Message, read_data, scan
from forecast.ingest.matching import holds, lacking
from forecast.ingest.provider import ATTRIBUTION, FetchedCycle, path_of
from forecast.quantities import Field
from forecast.settings.sources import ModelSettings

log = logging.getLogger(__name__)

MAXIMUM_FILES = 20_000  # looked at; more are left with a note
NOTED = 5  # bad files named one by one
CENTRES = {"gfs": 7}  # originating centre of a lead model, where it has but one
SETTLING = 2.0  # [s] between two looks at a new file; whoever copies it has written more by then
ALONE = -1  # stands for the member where there is no ensemble
SUFFIXES = frozenset(
    (".idx", ".index", ".json", ".txt", ".md", ".tmp", ".part", ".filepart", ".crdownload")
)


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """The content of one file, or the fault for which it is not used.

    held: (run, step [h], member) -> names of wanted fields (empty: it only holds others).
    others: messages of other centres.
    """

    size: int
    time: int
    held: dict[tuple[str, int, int], tuple[str, ...]]
    fault: str = ""
    others: tuple[tuple[int, int], ...] = ()  # (centre, messages)


@dataclass(frozen=True, slots=True)
class ExpectedFiles:
    """The files expected in a folder: those of one model.

    setting: names the folder. centre: originating centre (None: any). members: of an ensemble.
    path: of a step, if the folder is laid out like the bucket. settling: time [s] for which a new
    file must not change before it is used: one that arrives message by message always looks whole.
    """

    model: str
    setting: str
    attribution: str
    centre: int | None = None
    members: tuple[int, ...] = ()
    path: Callable[[Cycle, int], str] | None = None
    settling: float = 0.0


def expected_of_lead(model: str) -> ExpectedFiles:
    """Return the files expected of a lead model: GFS's, or those of its parameter table."""
    attribution = ATTRIBUTION if model == "gfs" else model
    return ExpectedFiles(
        model,
        "source.folder",
        attribution,
        CENTRES.get(model),
        path=lambda cycle, step: "/".join(path_of(cycle, step)),
    )


def expected_of(model: ModelSettings) -> ExpectedFiles:
    """Return the files expected of a further model."""
    return ExpectedFiles(
        model.id,
        f"models.{model.id}.folder",
        model.attribution.en,
        model.centre,
        model.members,
        settling=SETTLING,
    )


class Folder:
    """The drop folder as a provider of cycles."""

    name = "folder"

    def __init__(
        self, root: Path, expected: ExpectedFiles, memory: Path, clock: Clock = CLOCK
    ) -> None:
        self._root, self._expected, self._memory, self._clock = root, expected, memory, clock
        self._new: set[Path] = set()
        self._dropped: dict[str, DroppedFile] | None = None
        self._digest = ""

    def fetch(
        self, needs: Needs, cycle: Cycle, ask: bool = True, within: Deadline | None = None
    ) -> FetchedCycle:
        """Return the files that hold every wanted step of `cycle`.

        Raises: CycleNotReady where a step is incomplete or absent.
        """
        if not self._root.is_dir():
            raise CycleNotReady(
                f"{self._root}: there is no such folder; make it, or set {self._expected.setting}"
            )
        self._remember(needs.fields)
        path_of_step = self._expected.path
        laid_out = (
            []
            if path_of_step is None
            else [self._root / path_of_step(cycle, step).lstrip("/") for step in needs.steps]
        )
        files, notes = self._files(laid_out, needs, cycle)
        if len(files) < len(needs.steps):
            files, notes = self._files(self._all(), needs, cycle)
        if absent := [step for step in needs.steps if step not in files]:
            details = self._lacked(needs, cycle, absent[0]) + (
                f"; not used: {'; '.join(notes)}" if notes else ""
            )
            raise CycleNotReady(
                f"{self._root}: {cycle.id} has {len(files)} of {len(needs.steps)} steps, "
                f"f{absent[0]:03d} is the first that lacks{details}"
            )
        paths = tuple(dict.fromkeys(path for step in needs.steps for path in files[step]))
        self._settle(paths, needs.fields)
        return FetchedCycle(
            cycle, paths, self._expected.attribution, self.name, 0, 0, notes, self._expected.members
        )

    def _lacked(self, needs: Needs, cycle: Cycle, step: int) -> str:
        """Return which fields a step lacks, with their keys, and which messages were ignored."""
        assert self._dropped is not None
        dropped, place = self._dropped.values(), self._expected.setting.rpartition(".")[0]
        table = place.startswith("models.")
        details = ""
        for member in self._expected.members or (ALONE,):
            at = (cycle.run.isoformat(), step, member)
            there = {name for file in dropped for name in file.held.get(at, ())}
            missing = (
                lacking(needs.fields, there) if any(at in file.held for file in dropped) else []
            )
            if missing:
                keys = {field.name: f"{field.name} ({_spelled(field)})" for field in needs.fields}
                named = ", ".join(
                    " or ".join(keys[name] for name in group.split(" or ")) for group in missing
                )
                details = f": {named}" + (
                    f"; are the keys in {place}.parameters those of the files?" if table else ""
                )
                break
        passed: dict[int, int] = {}
        for centre, count in (each for file in dropped for each in file.others):
            passed[centre] = passed.get(centre, 0) + count
        if passed:
            centres = ", ".join(
                f"{count} of centre {centre}" for centre, count in sorted(passed.items())
            )
            wanted = self._expected.centre
            details += f"; messages passed over: {centres}, for {wanted} is looked for" + (
                f" ({place}.centre)" if table else ""
            )
        return details

    def _settle(self, paths: Iterable[Path], fields: tuple[Field, ...]) -> None:
        """Check new files again. Raises: CycleNotReady if one is still being written."""
        new = {path: self._content_of(path, fields) for path in paths if path in self._new}
        if new and self._expected.settling:
            self._clock.sleep(self._expected.settling)
        if growing := [
            path for path, file in new.items() if self._content_of(path, fields) is not file
        ]:
            raise CycleNotReady(
                f"{growing[0]}: is still being written; it is looked at again next time"
            )
        self._new.difference_update(new)

    def _files(
        self, paths: Iterable[Path], needs: Needs, cycle: Cycle
    ) -> tuple[dict[int, list[Path]], tuple[str, ...]]:
        """Return the files of each complete step, and notes on bad files.

        A step is complete when its files together hold every essential field.
        """
        members = self._expected.members or (ALONE,)
        found: dict[int, list[Path]] = {}
        names: dict[tuple[int, int], set[str]] = {
            (step, member): set() for step in needs.steps for member in members
        }
        faults: list[str] = []
        run = cycle.run.isoformat()
        for path in paths:
            file = self._content_of(path, needs.fields)
            if file is None:
                continue
            if file.fault:
                faults.append(file.fault)
            for (step, member), there in names.items():
                if held := file.held.get((run, step, member)):
                    there.update(held)
                    if path not in found.setdefault(step, []):
                        found[step].append(path)
        self._save()
        if len(faults) > NOTED:
            faults = [*faults[:NOTED], f"and {len(faults) - NOTED} more files"]
        whole = {
            step
            for step in found
            # half of an ensemble's members make a usable run; the reader names the others
            if 2 * sum(not lacking(needs.fields, names[step, member]) for member in members)
            >= len(members)
        }
        return {step: files for step, files in found.items() if step in whole}, tuple(faults)

    def _all(self) -> Iterator[Path]:
        """Yield every file that may be GRIB, in the order of names; links are not followed."""
        count = 0
        for folder, folders, names in os.walk(self._root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                if name.startswith(".") or path.suffix.lower() in SUFFIXES:
                    continue
                count += 1
                if count > MAXIMUM_FILES:
                    log.warning(
                        "%s: more than %d files; the rest is not looked at: clear old ones away",
                        self._root,
                        MAXIMUM_FILES,
                    )
                    return
                yield path

    def _content_of(self, path: Path, fields: tuple[Field, ...]) -> DroppedFile | None:
        """Return the content of a file, read again where it changed.

        None: it is gone, or is being written at this moment.
        """
        assert self._dropped is not None
        key = path.relative_to(self._root).as_posix()
        try:
            before = path.stat()
            if not path.is_file():
                return None
            known = self._dropped.get(key)
            if known is not None and (known.size, known.time) == (
                before.st_size,
                before.st_mtime_ns,
            ):
                return known
            file = self._read(path, key, fields, before)
            after = path.stat()
        except OSError:
            return None
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            log.info("%s: is still being written; left for later", key)
            return None
        if file.fault:
            log.warning("%s", file.fault)
        self._dropped[key] = file
        self._new.add(path)
        return file

    def _read(
        self, path: Path, key: str, fields: tuple[Field, ...], status: os.stat_result
    ) -> DroppedFile:
        held: dict[tuple[str, int, int], set[str]] = {}
        others: dict[int, int] = {}
        fault = ""
        try:
            for message in scan(read_data(path), key):
                if self._expected.centre not in (None, message.centre):
                    others[message.centre] = others.get(message.centre, 0) + 1
                elif (
                    message.run is not None
                    and self._is_wanted(message)
                    and message.end == int(message.end)
                ):
                    member = ALONE if message.member is None else message.member
                    names = held.setdefault(
                        (message.run.isoformat(), int(message.end), member), set()
                    )
                    names.update(
                        field.name
                        for field in fields
                        if field.name not in names and holds(message, field, None)
                    )
        except SourceCorrupt as error:
            held, fault = {}, str(error)
        found = {at: tuple(sorted(names)) for at, names in held.items()}
        return DroppedFile(
            status.st_size, status.st_mtime_ns, found, fault, tuple(sorted(others.items()))
        )

    def _is_wanted(self, message: Message) -> bool:
        return message.member is None or message.member in self._expected.members

    def _remember(self, fields: tuple[Field, ...]) -> None:
        """Load the contents found earlier, if the same fields were wanted then."""
        sought = self._expected
        details = (
            f"{self._root.resolve()} {sought.model} {sought.centre} {sought.members} {fields!r}"
        )
        digest = hashlib.sha256(details.encode()).hexdigest()
        if self._dropped is not None and digest == self._digest:
            return
        self._digest, self._dropped = digest, {}
        try:
            kept = json.loads(self._memory.read_bytes())
            if kept["digest"] == digest:
                self._dropped = {key: _from_row(row) for key, row in kept["files"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            log.debug("no memory of the folder: reading it again")

    def _save(self) -> None:
        """Save the contents found, without deleted files; a failure costs only time."""
        assert self._dropped is not None
        self._dropped = {
            key: file for key, file in self._dropped.items() if (self._root / key).exists()
        }
        self._new = {path for path in self._new if path.exists()}
        rows = {
            key: [
                file.size,
                file.time,
                [[*at, names] for at, names in file.held.items()],
                file.fault,
                file.others,
            ]
            for key, file in self._dropped.items()
        }
        text = json.dumps({"digest": self._digest, "files": rows}).encode()
        try:
            if not self._memory.exists() or self._memory.read_bytes() != text:
                self._memory.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._memory, text)
        except OSError as error:
            log.warning(
                "%s: cannot be written (%s); the folder will be read again next time",
                self._memory,
                error.strerror,
            )


def _from_row(row: list[object]) -> DroppedFile:
    """Read one row of the memory. Raises: ValueError, TypeError where it is none."""
    size, time, held, fault, others = row
    if not (
        isinstance(size, int)
        and isinstance(time, int)
        and isinstance(held, list)
        and isinstance(fault, str)
        and isinstance(others, list)
    ):
        raise ValueError("not a row of the memory")
    found = {
        (datetime.fromisoformat(run).isoformat(), int(step), int(member)): tuple(names)
        for run, step, member, names in held
    }
    return DroppedFile(
        size, time, found, fault, tuple((int(centre), int(count)) for centre, count in others)
    )


def _spelled(field: Field) -> str:
    """Return the keys of a field as text.

    GRIB2: discipline/category/number/surface/value; GRIB1: table * 1000 + number/type of level.
    """
    keys = [
        f"{key.discipline}/{key.category}/{key.number}/{key.surface}"
        + (f"/{key.value:g}" if key.value is not None else "")
        for key in field.keys
    ]
    return "key " + ", ".join(
        [*keys, *(f"GRIB1 {number}/{level}" for number, level in field.grib1)]
    )
