"""Does the code keep its rules? Read from the syntax tree: who uses which library, who reads the
clock and the environment, who prints. Who imports whom is held by import-linter (pyproject.toml,
`make check`).
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

# Each third-party library has one home (a prefix of module names).
# fmt: off
HOMES = {
    "requests": ("forecast.http",),
    "urllib3": ("forecast.http",),
    "tqdm": ("forecast.http",),
    "eccodes": ("forecast.ingest.grib", "forecast.observations.formats.bufr_worker",
                "forecast.sample"),
    "cfgrib": ("forecast.commands.grib_groups",),
    "typer": ("forecast.commands",),
    "rich": ("forecast.commands",),
    "sqlalchemy": ("forecast.archive",),
    "alembic": ("forecast.archive",),
    "flask": ("forecast.service.web",),
    "werkzeug": ("forecast.service.web",),
    "itsdangerous": ("forecast.service.web",),
    "segno": ("forecast.service.web", "products.drawing.qr"),
    "PIL": ("forecast.service.web", "products.drawing"),
    "resvg_py": ("products.drawing.png",),
    "prometheus_client": ("forecast.service.web.metrics",),
    "apscheduler": ("forecast.service.scheduler",),
    "yaml": ("forecast.config", "forecast.settings.errors", "forecast.settings.yaml_text",
             "products.wording"),
    "jinja2": ("products.pages.templating", "products.pages.plain_templates",
               "forecast.service.web.application"),
    "sklearn": ("models",),
    "ephem": ("forecast.science.ephemeris", "forecast.science.almanac"),
    "pydantic": ("forecast.config", "forecast.settings", "forecast.settings.errors",
                 "forecast.settings.sources", "forecast.settings.time_of_day", "products"),
    "h5netcdf": ("forecast.commands.survey",),
    "metar": ("forecast.observations.formats",),
    "waitress": ("forecast.service.web",),
    "dask": ("forecast.cluster", "forecast.learning.reforecast"),
    "distributed": ("forecast.cluster", "forecast.learning.reforecast"),
    "scores": ("models",),
    "skops": ("models",),
    "threadpoolctl": ("models",),
}
# fmt: on

MODULES = {
    ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path
    for top in ("forecast", "models", "products")
    for path in sorted((PROJECT / top).rglob("*.py"))
}


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> list[tuple[str, int]]:
    tree = tree_of(path)
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(name if name in MODULES else node.module, node.lineno) for name in full]
    return found


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_library_is_used_in_its_home_only(module: str) -> None:
    for name, line in imports_of(MODULES[module]):
        homes = HOMES.get(name.split(".")[0])
        at_home = homes is None or any(
            module == home or module.startswith(home + ".") for home in homes
        )
        assert at_home, f"{module}:{line} imports {name}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_printing_environment_and_clock_have_one_home_each(module: str) -> None:
    tree = tree_of(MODULES[module])

    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ):
            assert module == "forecast.commands.output", (
                f"{module}:{node.lineno}: print belongs to commands.output"
            )
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            spelled = f"{node.value.id}.{node.attr}"
            if spelled in ("os.environ", "os.getenv"):
                readers = (
                    "forecast",  # sets one thread of algebra, and reads nothing
                    "forecast.config",
                    "forecast.commands.check",
                    "forecast.ingest.grib.decoder_worker",
                )
                assert module in readers, (
                    f"{module}:{node.lineno}: the environment is read in config"
                )
            if spelled in ("datetime.now", "datetime.utcnow", "date.today", "time.time"):
                allowed = (
                    "forecast.commands.world",
                    "forecast.service.scheduler",
                    "forecast.http",
                    "forecast.http.wall_clock",
                    "forecast.sample.bucket",
                )
                assert module in allowed, (
                    f"{module}:{node.lineno}: the clock is read in __main__ and scheduling"
                )
            assert spelled not in ("pickle.load", "pickle.loads", "yaml.load"), (
                f"{module}:{node.lineno}: {spelled} is not safe"
            )


@pytest.mark.parametrize("module", sorted(MODULES))
def test_chinese_words_stand_in_the_templates_and_not_in_the_code(module: str) -> None:
    tree = tree_of(MODULES[module])
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, documented) and node.body]
    docstrings = {id(body[0].value) for body in bodies if isinstance(body[0], ast.Expr)}

    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            assert not re.search(r"[\u4e00-\u9fff]", node.value), (
                f"{module}:{node.lineno}: {node.value[:40]!r}"
            )


@pytest.mark.parametrize("module", sorted(MODULES))
def test_modules_and_functions_are_short(module: str) -> None:
    lines = MODULES[module].read_text(encoding="utf-8").splitlines()
    tree = tree_of(MODULES[module])

    long = [n for n, line in enumerate(lines, 1) if len(line) > 100]  # ruff passes a long `noqa`
    assert not long, f"{module}: lines {long} have more than 100 columns"
    assert len(lines) <= 450, f"{module} has {len(lines)} lines: which part is a module of its own?"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{module}:{node.lineno} {node.name}() has {length} lines"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_function_takes_at_most_seven_positional_arguments(module: str) -> None:
    for node in ast.walk(tree_of(MODULES[module])):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
            own = names[1:] if names[:1] in (["self"], ["cls"]) else names
            assert len(own) <= 7, f"{module}:{node.lineno} {node.name}() takes {len(own)}"


def test_the_top_level_is_the_plan() -> None:
    import subprocess

    tracked = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False
    ).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")

    top = {name.split("/")[0] for name in tracked}
    assert top == {
        "docs",
        "forecast",
        "models",
        "products",
        "templates",
        "tests",
        "config.yaml",
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "DECISIONS.md",
        "LICENSE",
        "Makefile",
        "requirements.lock",
        ".ci",
        ".gitignore",
    }


def test_a_class_name_is_defined_once() -> None:
    homes: dict[str, list[str]] = {}
    for top in ("forecast", "models", "products", "docs"):
        for path in sorted((PROJECT / top).rglob("*.py")):
            for node in ast.walk(tree_of(path)):
                if isinstance(node, ast.ClassDef):
                    place = f"{path.relative_to(PROJECT)}:{node.lineno}"
                    homes.setdefault(node.name, []).append(place)

    repeated = {name: places for name, places in homes.items() if len(places) > 1}
    assert len(homes) > 200
    assert not repeated, repeated
