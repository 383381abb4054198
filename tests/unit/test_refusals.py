"""Why models are refused is known without loading one, as long as nothing has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import prediction
from models.prediction import open_models
from models.refusals import CHECKED, fingerprint, refused_models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of models whose one in force is not there."""
    home = tmp_path / "models" / "sea_of_clouds"
    home.mkdir(parents=True)
    (home / "in_force.json").write_text('["20260101T000000Z-prior-00000000"]')
    return tmp_path / "models"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Path | None]:
    """The full checks that were made, each by its folder."""
    made: list[Path | None] = []
    whole = prediction.open_models

    def counted(folder: Path | None = None) -> prediction.Models:
        made.append(folder)
        return whole(folder)

    monkeypatch.setattr(prediction, "open_models", counted)
    return made


def test_what_a_full_check_refused_is_said_again_without_another(
    folder: Path, checks: list[Path | None]
) -> None:
    found = open_models(folder).refused

    assert len(found) == 1
    assert "20260101T000000Z-prior-00000000: cannot be read" in found[0]
    assert refused_models(folder) == found
    assert checks == []


def test_after_any_change_of_the_models_the_check_is_made_anew(
    folder: Path, checks: list[Path | None]
) -> None:
    before = fingerprint(folder)
    open_models(folder)
    (folder / "sea_of_clouds" / "in_force.json").write_text('["rule"]')

    assert fingerprint(folder) != before
    assert refused_models(folder) == ()
    assert refused_models(folder) == ()
    assert checks == [folder]  # the second answer is kept again


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"of": "", "refused": []}', '{"refused": [1]}', "[" * 5000]
)
def test_a_damaged_file_of_refusals_is_not_believed(
    folder: Path, checks: list[Path | None], content: str
) -> None:
    (folder / CHECKED).write_text(content)

    assert len(refused_models(folder)) == 1
    assert checks == [folder]
    assert len(json.loads((folder / CHECKED).read_text())["refused"]) == 1


def test_without_models_of_its_own_the_shipped_ones_are_checked_by_their_hash(
    tmp_path: Path, checks: list[Path | None]
) -> None:
    assert refused_models(tmp_path / "none") == ()
    assert checks == []
    assert not (tmp_path / "none").exists()
