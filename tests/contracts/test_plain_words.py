"""Are the names in the code plain words? Read from the syntax tree: modules, classes, functions,
parameters, fields and variables.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

# A word that no name may contain, and what to say instead.
INSTEAD = {
    "told": "issued, reported, published or shown",
    "tell": "describe, format or distinguish",
    "teller": "describe or format",
    "said": "message, detail or summary",
    "heard": "contributing",
    "hear": "collect or contribute",
    "unheard": "unavailable",
    "voice": "contributing run or member",
    "voices": "contributing runs or members",
    "hindsight": "verification record",
    "standings": "scorecard",
    "judge": "check quality, score or assess",
    "judged": "checked, scored or assessed",
    "judges": "checks, scores or assesses",
    "judging": "quality control, scoring or transfer test",
    "judgement": "assessment or score",
    "judgment": "assessment or score",
    "unjudged": "not assessed",
    "stranger": "unknown station",
    "strangers": "unknown stations",
    "chronicle": "scenario",
    "dialect": "parameter table",
    "errand": "task, job or request",
    "errands": "tasks, jobs or requests",
    "lesson": "training case",
    "lessons": "training cases",
    "answering": "multi_model",
    "ways": "providers",
    "door": "interface or entry point",
    "kin": "related or same source",
    "planted": "prepared",
    "room": "module",
    "rooms": "modules",
    "shelf": "folder",
    "story": "scenario",
    "aside": "rejected or failed",
}

# Names that readers or settings files know, and terms of the field.
ALLOWED = {
    "judge_at",  # config.yaml, learning
    "dialect",  # SQLAlchemy's word for a database's SQL
}

TREES = {
    path.relative_to(PROJECT): ast.parse(path.read_text(encoding="utf-8"))
    for top in ("forecast", "models", "products")
    for path in sorted((PROJECT / top).rglob("*.py"))
}


def names_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each name that `tree` defines, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield (node.id if isinstance(node, ast.Name) else node.attr), node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno


def words_of(name: str) -> set[str]:
    """Return the words of a name in snake case or camel case, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def test_a_name_is_split_into_its_words() -> None:
    assert words_of("_toldBefore_XYZ2") == {"told", "before", "xyz"}
    assert words_of("RunForecasts") == {"run", "forecasts"}


@pytest.mark.parametrize("path", sorted(TREES), ids=str)
def test_names_are_plain_standard_words(path: Path) -> None:
    found = [(path.stem, 1), *names_of(TREES[path])]
    offenders = sorted(
        {
            (line, name, f"say {INSTEAD[word]}")
            for name, line in found
            if name not in ALLOWED
            for word in words_of(name) & INSTEAD.keys()
        }
    )

    assert offenders == [], "\n".join(f"{path}:{line}: {n}: {say}" for line, n, say in offenders)
