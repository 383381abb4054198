"""What is put aside comes back, and nothing of it lies in the folder."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest

from forecast.parts_file import PartsFile


def test_what_was_kept_comes_back_in_any_order(tmp_path: Path) -> None:
    parts_file = PartsFile(tmp_path / "private")
    held = [parts_file.put({"part": number, "values": np.arange(number)}) for number in range(4)]

    for number in (2, 0, 3, 3, 1):
        found = held[number].get()
        assert found["part"] == number
        np.testing.assert_array_equal(found["values"], np.arange(number))


def test_the_file_has_no_name_so_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    parts_file = PartsFile(tmp_path / "private")

    held = parts_file.put(np.zeros(100_000))

    assert list((tmp_path / "private").iterdir()) == []
    assert held.get().size == 100_000


def test_what_is_made_of_parts_is_made_once_while_it_is_the_last(tmp_path: Path) -> None:
    made: list[int] = []

    def doubled(number: int) -> str:
        made.append(number)
        return str(2 * number)

    parts_file = PartsFile(tmp_path)
    one, two = (parts_file.put_parts(number, doubled) for number in (1, 2))

    assert [each.get() for each in (one, one, two, one)] == ["2", "2", "4", "2"]
    assert made == [1, 2, 1]


def test_without_a_folder_a_thing_stays_as_it_is() -> None:
    thing = object()

    assert PartsFile().put(thing).get() is thing


def test_what_is_no_part_of_an_issue_is_not_made(tmp_path: Path) -> None:
    held = PartsFile(tmp_path).put(Path("somewhere"))

    with pytest.raises(pickle.UnpicklingError, match="no part of an issue"):
        held.get()


def test_where_the_folder_cannot_be_written_things_stay_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "file").write_text("no folder")

    held = PartsFile(tmp_path / "file" / "private").put([1, 2])

    assert held.get() == [1, 2]
    assert "it stays in memory" in caplog.text


def test_where_the_disk_is_full_the_rest_stays_in_memory(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.WARNING)
    parts_file = PartsFile(tmp_path)
    first = parts_file.put("before")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("r+b", buffering=0) as file:
        parts_file._file, kept = file, parts_file._file  # type: ignore[assignment]
        second = parts_file.put("after")
        parts_file._file = kept

    assert (first.get(), second.get()) == ("before", "after")
    assert "No space left on device" in caplog.text
