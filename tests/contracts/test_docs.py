"""Do the pages of docs/ agree with the tables and constants, and list every number?"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from docs.build import MODULES, constants, main, pages
from docs.source_table import sources_of
from forecast import phenomena
from forecast.config import Config
from forecast.ingest.derived_fields import complete
from forecast.quantities import FIELDS

DOCS = Path(__file__).parents[2] / "docs"
# the others are written from the code
BY_HAND = {
    "channels.md", "cmadaas.zh.md", "compared.md", "handbook.en.md", "handbook.zh.md",
    "scaling.md", "threat_model.md",
}  # fmt: skip
LISTED = sorted({f"forecast.{name}" for names in MODULES.values() for name in names})


def test_every_page_is_what_make_docs_writes() -> None:
    written = {
        path.name: path.read_text(encoding="utf-8")
        for path in DOCS.glob("*.md")
        if path.name not in BY_HAND
    }

    assert written == pages(), "run `make docs` and commit the result"


def test_every_module_of_the_phenomena_has_its_page() -> None:
    modules = {
        f"{phenomena.__name__}.{found.name}" for found in pkgutil.iter_modules(phenomena.__path__)
    }

    assert modules <= set(LISTED), "name it in MODULES of docs/build.py"


@pytest.mark.parametrize("name", LISTED)
def test_every_named_number_is_on_a_page_with_a_description(name: str) -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    section = written.partition(f"### {name}\n")[2].partition("\n#")[0]

    found = constants(importlib.import_module(name))

    assert [one.name for one in found if f"| `{one.name}` |" not in section] == []
    assert [one.name for one in found if not one.explained] == [], (
        "comment it: what it is, its [unit] and its source"
    )


def test_a_threshold_is_listed_with_value_unit_and_source() -> None:
    listed = {one.name: one for name in LISTED for one in constants(importlib.import_module(name))}

    assert (listed["CLEAR_GAP"].value, listed["CLEAR_GAP"].unit) == (100.0, "m")
    assert "GB/T 28592" in listed["SNOW_CLASSES"].text
    assert listed["ICE_DENSITY"].unit == listed["WATER_DENSITY"].unit == "kg m-3"
    assert listed["USUAL.settling"].value > 0
    assert "Verseghy" in listed["USUAL.settling"].text


def test_the_table_of_sources_lists_what_each_model_gives_and_what_is_derived(
    config: Config,
) -> None:
    sources = sources_of(config)

    assert [source.id for source in sources] == [
        "gfs",
        *(model.id for model in config.models if not model.adds),
    ]
    for source in sources[1:]:
        completed = complete(
            xr.Dataset({name: _unknown(name) for name in source.given}, {"level": [1e5, 5e4]})
        )
        derived = {name for name in FIELDS if source.origin(name) == "derived"}
        assert derived == set(completed.attrs["derived"]), source.id
        assert {name for name in FIELDS if source.origin(name).startswith("native")} == source.given
        assert (
            "wind_speed_of_gust" in completed.attrs["absent"]
            or "wind_speed_of_gust" in source.given
        )


def _unknown(name: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Return a field of two levels or of none, all NaN."""
    levels = FIELDS[name].levels
    plane = ("time", "latitude", "longitude")
    return (
        (("time", "level", *plane[1:]), np.full((1, 2, 1, 1), np.nan))
        if levels
        else (plane, np.full((1, 1, 1), np.nan))
    )


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 2), (["--verbose"], 2)])
def test_the_pages_are_written_into_a_folder_only_where_one_is_named(
    arguments: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == code
    assert list(tmp_path.iterdir()) == []
