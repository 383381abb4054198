"""Do the pages of docs/ say what the tables say?"""

from __future__ import annotations

from pathlib import Path

from forecast.documentation import pages

DOCS = Path(__file__).parents[2] / "docs"


def test_every_page_is_as_the_tables_would_write_it() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}

    assert written == pages(), "run `make docs` and commit what it writes"
