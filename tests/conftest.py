"""What every test may ask for: the reference data (where it is), a clock, the program's own settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.config import Config, read_config

PROJECT = Path(__file__).parents[1]
SHARED = PROJECT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data that nobody on this project made; the test is skipped, visibly, where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is absent: this test reads real reference data")
    return SHARED


@pytest.fixture(scope="session")
def gfs_tree(shared: Path) -> Path:
    """Real GFS files of August 2020 over central Europe, laid out like the public bucket."""
    return shared / "gfs_tree"


@pytest.fixture(scope="session")
def config() -> Config:
    """The settings that come with the program."""
    return read_config()
