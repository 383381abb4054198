"""Read model files of plain numbers without skops, whose import takes 0.7 s of processor time.

A skops file is a zip of `schema.json`, a tree of nodes, and arrays. Where every node is a number, a
text, a list, an array or one of PLAIN it is read here, with the result that skops gives; any
other node leaves the whole file to skops. Only these classes are made, no pickled array is read.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from models.learned import LearnedRule
from models.learned_night import LearnedNight
from models.night_sky_model import NightSkyModel
from models.prior_logistic import PriorLogistic

SCHEMA, PROTOCOL = "schema.json", 2
PLAIN: Mapping[str, type] = {
    f"{each.__module__}.{each.__name__}": each
    for each in (LearnedNight, LearnedRule, NightSkyModel, PriorLogistic)
}


class NotPlain(Exception):
    """A node is of another kind: skops reads the file."""


def read_plain(parts: zipfile.ZipFile) -> Any:
    """Return the model of an open file.

    Raises: NotPlain; for a damaged file whatever zipfile, json or numpy raise.
    """
    schema = json.loads(parts.read(SCHEMA))
    if schema.get("protocol") != PROTOCOL:
        raise NotPlain(f"protocol {schema.get('protocol')}")
    return _Reader(parts).value(schema)


class _Reader:
    def __init__(self, parts: zipfile.ZipFile) -> None:
        self._parts = parts
        self._made: dict[object, Any] = {}  # by id: what stands twice is one object

    def value(self, node: Mapping[str, Any]) -> Any:
        """Return what a node stands for. Raises: NotPlain."""
        key = node.get("__id__")
        if key is None or key not in self._made:
            self._made[key] = self._value(node)
        return self._made[key]

    def _value(self, node: Mapping[str, Any]) -> Any:
        kind = f"{node['__module__']}.{node['__class__']}"
        match node["__loader__"], kind:
            case "JsonNode", "builtins.str":
                return json.loads(node["content"])
            case "NdArrayNode", "numpy.ndarray" if node["type"] == "numpy":
                content = self._parts.read(node["file"])
                return np.load(io.BytesIO(content), allow_pickle=False)
            case "ListNode", "builtins.list":
                return [self.value(each) for each in node["content"]]
            case "TupleNode", "builtins.tuple":
                return tuple(self.value(each) for each in node["content"])
            case "DictNode", "builtins.dict":
                keys = node["key_types"]["content"]
                if any(each["__class__"] != "str" for each in keys):
                    raise NotPlain("a key that is no text")
                return {name: self.value(each) for name, each in node["content"].items()}
            case "ObjectNode", kind if kind in PLAIN:
                made: Any = object.__new__(PLAIN[kind])
                made.__setstate__(self.value(node["content"]))
                return made
        raise NotPlain(f"{node['__loader__']} of {kind}")
