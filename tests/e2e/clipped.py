"""Is any text of a page cut off? Looked for in the page as the browser has laid it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def clipped(page: Any) -> list[str]:
    """Return each element whose text is cut off or leaves its box, with why and the text."""
    script = Path(__file__).with_name("clipped.js").read_text(encoding="utf-8")
    found: list[str] = page.evaluate(script)
    return found
