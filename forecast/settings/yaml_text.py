"""YAML as settings are written: no aliases, no key given twice, numbers decimal."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import yaml

from forecast.settings.time_of_day import NumberInBase60


def values_of(text: str) -> Any:
    """Return what a YAML text says.

    libyaml reads it, ten times as fast as Python does; what it refuses is read once more in Python,
    whose errors `yaml_fault` knows.
    Raises: YAMLError, RecursionError.
    """
    try:
        return _FastLoader(text).get_single_data()
    except yaml.YAMLError:
        return PlainLoader(text).get_single_data()


class _Checks:
    """What both loaders refuse, and the numbers that they leave as text.

    A few lines of aliases can stand for more than a machine holds. Of a key given twice the last
    would count in silence. YAML 1.1 reads 16:10 as 970 and 0600 as 384: such values stay text.
    """

    def __init_subclass__(cls) -> None:
        for kind in ("int", "float"):
            cls.add_constructor(  # type: ignore[attr-defined]
                f"tag:yaml.org,2002:{kind}", getattr(cls, f"construct_yaml_{kind}")
            )

    def construct_yaml_int(self, node: Any) -> Any:
        return _decimal(node.value) or super().construct_yaml_int(node)  # type: ignore[misc]

    def construct_yaml_float(self, node: Any) -> Any:
        return _decimal(node.value) or super().construct_yaml_float(node)  # type: ignore[misc]

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = Counter(each.value for each, _ in node.value if isinstance(each, yaml.ScalarNode))
        twice = [
            each
            for each, _ in node.value
            if isinstance(each, yaml.ScalarNode) and keys[each.value] > 1
        ]
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice[-1].value!r} is given twice", twice[-1].start_mark
            )
        return super().construct_mapping(node, deep)  # type: ignore[misc]

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):  # type: ignore[attr-defined]
            event = self.peek_event()  # type: ignore[attr-defined]
            raise yaml.composer.ComposerError(
                None,
                None,
                f"the alias *{event.anchor} is not allowed: write it out",
                event.start_mark,
            )
        return super().compose_node(parent, index)  # type: ignore[misc]


class PlainLoader(_Checks, yaml.SafeLoader):
    """The loader in Python: it says best what is wrong, and where."""


class _FastLoader(_Checks, yaml.composer.Composer, yaml.CSafeLoader):
    """The events of libyaml, composed in Python, where they are checked."""

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        self.anchors: dict[str, Any] = {}  # as the composer begins


def _decimal(text: str) -> str:
    """Return a number that YAML 1.1 would read to the base 60 or 8, as text; "" for any other."""
    if ":" in text:
        return NumberInBase60(text)
    return text if re.fullmatch(r"[-+]?0[0-9_]+", text) else ""
