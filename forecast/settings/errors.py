"""What is wrong in a settings file: every fault at once, each with its line, in our words.

pydantic finds the faults; its types of error are translated here, and nothing else in the project
reads them. An unknown key is held against the known keys of its section, so that a slip of the pen
is answered with the key that was meant.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, TypeAlias, get_args

import yaml
from pydantic import BaseModel, ValidationError

from forecast.errors import ConfigError

Location: TypeAlias = tuple[int | str, ...]

SIMILAR = 0.7  # ratio of difflib from which a known key is taken for the one that was meant
SECRET = ("archive",)  # sections whose values are never repeated
SHOWN = 60  # [character] of a wrong value

# Types of error of pydantic 2 -> our words, filled from the error's context.
WORDS = {
    "missing": "is missing and has no default",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected at most {le}",
    "finite_number": "expected a finite number",
    "multiple_of": "expected a multiple of {multiple_of}",
    "literal_error": "expected {expected}",
    "too_short": "expected at least {min_length} entries",
    "too_long": "expected at most {max_length} entries",
    "string_too_short": "expected at least {min_length} characters",
    "string_too_long": "expected at most {max_length} characters",
    "string_pattern_mismatch": "not written as such a name is: it must match {pattern}",
}
# By the beginning of the type: a wrong kind of value.
KINDS = (
    ("float", "expected a number"),
    ("int", "expected a whole number"),
    ("bool", "expected true or false"),
    ("string", "expected text; put it in quotes"),
    ("time", 'expected a time of day in quotes, such as "06:40"'),
    ("date", 'expected a day in quotes, such as "2026-01-31"'),
    ("path", "expected a path"),
    ("tuple", "expected a list"),
    ("list", "expected a list"),
    ("dict", "expected a table (key: value)"),
    ("model", "expected a table (key: value)"),
)
# (key, type of error) -> what such a value often is.
HINTS = {
    ("latitude", "less_than_equal"): " (are latitude and longitude swapped?)",
    ("elevation_m", "less_than_equal"): " (is it in feet?)",
}


# Settings that are gone, with their section -> what replaced them.
FORMER = {
    ("issuer", "forecaster"): (
        "is gone: a name in the settings stood on issues that nobody had seen. Now each issue "
        "carries the name of the account that signed it: set `issue: {review: optional}` or "
        "`required`, then `skyscape users add`"
    )
}

# What the reader of YAML found (beginning of its message) -> what is expected.
YAML_WORDS = (
    ("found character '\\t'", "a tab: indent with spaces"),
    (
        "mapping values are not allowed",
        "a `:` that opens no table here: put a text with `:` in quotes, or mend the indentation",
    ),
    (
        "expected <block end>",
        "this ends no entry: indent entries of one table alike, and close quotes",
    ),
    ("could not find expected ':'", "a key without `:`: write `key: value`"),
    ("found unexpected end of stream", "a quote or a bracket is opened here and never closed"),
    ("expected ',' or ']'", "expected `,` or `]`: is a list not closed?"),
    ("expected ',' or '}'", "expected `,` or `}`: is a table not closed?"),
    ("expected a single document", "a second document begins (`---`): give one"),
    ("could not determine a constructor", "a tag (`!...`) is not allowed: write plain values"),
    ("found unhashable key", "a list or a table is no key: expected `key: value`"),
    ("while scanning an alias", "`*` begins an alias: put the text in quotes"),
    ("while scanning an anchor", "`&` begins an anchor: put the text in quotes"),
    ("found undefined tag handle", "`!` begins a tag: put the text in quotes"),
    ("found character", "a text cannot begin with this character: put it in quotes"),
    ("expected chomping or indentation", "`|` or `>` begins a text on the next line: use quotes"),
    ("found unknown escape character", "an unknown escape after `\\`: use single quotes"),
    ("special characters are not allowed", "a control character, which is not allowed: delete it"),
)
# Kinds of value as YAML gives them -> our words.
VALUE_KINDS = {dict: "a table", list: "a list", str: "a text", bool: "true or false",
               int: "a number", float: "a number"}  # fmt: skip


def kind_of(value: Any) -> str:
    """Return what kind of value the whole of a settings file is, in our words."""
    return "nothing: it is empty" if value is None else VALUE_KINDS.get(type(value), "one value")


def yaml_fault(error: yaml.YAMLError) -> str:
    """Return what an error of the reader of YAML means, with its line and column where known."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "")
    context = str(getattr(error, "context", None) or "")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    known = (
        words
        for beginning, words in YAML_WORDS
        if problem.startswith(beginning) or context.startswith(beginning)
    )
    return where + next(known, problem or "expected lines such as `key: value`")


@dataclass(frozen=True, slots=True)
class SettingFault:
    """One thing to mend: where it stands, what is wrong, its line (0: not known), and the known key
    that was probably meant ("": none).
    """

    location: Location
    place: str
    message: str
    line: int = 0
    meant: str = ""

    def __str__(self) -> str:
        line = f"line {self.line}: " if self.line else ""
        return f"{line}{self.place}: {self.message}" if self.place else f"{line}{self.message}"


class SettingsError(ConfigError):
    """A settings file has faults; all of them are in `faults`."""

    def __init__(self, where: str, faults: Sequence[SettingFault]) -> None:
        self.where, self.faults = where, tuple(faults)
        lines = [str(fault) for fault in self.faults]
        super().__init__(
            f"{where}: {lines[0]}"
            if len(lines) == 1
            else "\n  ".join([f"{where}: {len(lines)} settings must be mended:", *lines])
        )

    def with_lines(self, text: str, loader: type[yaml.SafeLoader]) -> SettingsError:
        """Return this error with the line of each fault in the YAML `text`."""
        root = loader(text).get_single_node()
        return SettingsError(
            self.where, [replace(fault, line=_line(root, fault.location)) for fault in self.faults]
        )


def faults_of(
    error: ValidationError, values: Mapping[str, Any], root: type[BaseModel]
) -> list[SettingFault]:
    """Return the faults that pydantic found in `values`, in the order of the settings.

    A missing key whose misspelling stands beside it is one fault, not two.
    """
    found: list[SettingFault] = []
    for each in error.errors(include_url=False):
        location = each["loc"]
        place = _place(location, values)
        if each["type"] == "too_short" and any(
            fault.location[: len(location)] == location for fault in found
        ):
            continue  # its entries are there, and wrong
        if each["type"] == "extra_forbidden":
            found.append(_unknown_key(location, place, root))
        elif each["type"] == "value_error":
            text = each["msg"].removeprefix("Value error, ")
            found += [
                SettingFault(location, place, line + _shown(each["input"], location))
                for line in text.splitlines()
            ]
        else:
            message = _message(each["type"], each.get("ctx", {}), each["msg"])
            message += HINTS.get((str(location[-1]), each["type"]), "") if location else ""
            if each["type"] != "missing":
                message += _shown(each["input"], location)
            found.append(SettingFault(location, place, message))
    meant = {(*fault.location[:-1], fault.meant) for fault in found if fault.meant}
    return [fault for fault in found if fault.meant or fault.location not in meant]


def cross_faults(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong between the entries of settings, validated or not.

    Ids and names of sites given twice, stations of sites that are not known.
    """
    sites, models = _tables(values, "sites"), _tables(values, "models")
    stations = _tables(values.get("observations"), "stations")
    source = values.get("source")
    leading = source.get("model", "gfs") if isinstance(source, Mapping) else "gfs"
    faults = []
    for what, ids in (
        ("sites", [each.get("id") for each in sites]),
        ("models", [leading, *(each.get("id") for each in models)]),
        ("observations.stations", [each.get("id") for each in stations]),
    ):
        counts = Counter(id for id in ids if isinstance(id, str))
        faults += [f"{what}: the id {id!r} is given twice" for id, n in counts.items() if n > 1]
    known = {str(each.get("id")) for each in stations}
    faults += [
        f"sites.{site.get('id')}.stations: {station} is no station of observations.stations; "
        "name it there first"
        for site in sites
        if isinstance(site.get("stations"), list | tuple)
        for station in site["stations"]
        if str(station) not in known
    ]
    return faults + _same_names(sites)


def _same_names(sites: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names by which two sites go: nobody could tell which is meant."""
    owners: dict[str, dict[str, str]] = {}
    for site in sites:
        labels = [site.get("id")]
        for key in ("name", "brand"):
            if isinstance(names := site.get(key), Mapping):
                labels += [names.get("zh"), names.get("en")]
        for label in labels:
            if isinstance(label, str) and label.strip():
                folded = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
                owners.setdefault(folded, {})[str(site.get("id"))] = label.strip()
    return [
        f"sites: {' and '.join(found)} both go by the name {next(iter(found.values()))!r}: "
        "readers and outcome tables could not tell them apart"
        for found in owners.values()
        if len(found) > 1
    ]


def _tables(section: Any, key: str) -> list[Mapping[str, Any]]:
    """Return the tables of the list at `key`, leaving out what is none."""
    found = section.get(key) if isinstance(section, Mapping) else None
    return (
        [each for each in found or () if isinstance(each, Mapping)]
        if isinstance(found, list | tuple)
        else []
    )


def _message(kind: str, context: Mapping[str, Any], fallback: str) -> str:
    """Return what an error of pydantic's type `kind` means."""
    if kind in WORDS:
        return WORDS[kind].format_map(context)
    return next(
        (words for beginning, words in KINDS if kind.startswith(beginning)),
        fallback[:1].lower() + fallback[1:],
    )


def _unknown_key(location: Location, place: str, root: type[BaseModel]) -> SettingFault:
    """Return the fault of a key that its section does not know."""
    known, key = known_keys(root, location[:-1]), str(location[-1])
    if gone := FORMER.get((str(location[-2]) if len(location) > 1 else "", key)):
        return SettingFault(location, place, gone)
    meant = nearest(key, known)
    words = (
        f"unknown setting; did you mean {meant}?"
        if meant
        else f"unknown setting; known here are {', '.join(known)}"
    )
    return SettingFault(location, place, words, meant=meant)


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the word of `known` that was probably meant, "" where none is near."""
    close = get_close_matches(word.lower(), known, n=1, cutoff=SIMILAR)
    return close[0] if close else ""


def known_keys(root: type[BaseModel], location: Location) -> list[str]:
    """Return the keys that the section at `location` knows."""
    section = root
    for part in location:
        if isinstance(part, str) and part in section.model_fields:
            inner = _section_in(section.model_fields[part].annotation)
            if inner is None:
                return []
            section = inner
    return list(section.model_fields)


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section that an annotation such as `tuple[SiteSettings, ...]` holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    parts = (_section_in(part) for part in get_args(annotation))
    return next((part for part in parts if part is not None), None)


def _shown(value: Any, location: Location) -> str:
    """Return the wrong value for the message; nothing where it may be secret or is a table."""
    hidden = bool(location) and (location[0] in SECRET or location[-1] == "url")
    return "" if hidden or isinstance(value, dict | BaseModel) else f"; found {value!r:.{SHOWN}}"


def _place(location: Location, values: Any) -> str:
    """Return where in the settings something stands; a site, a model or a station by its id."""
    parts, there = [str(part) for part in location], values
    for place, part in enumerate(location):
        try:
            there = there[part]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(part, int) and isinstance(there, dict) and isinstance(there.get("id"), str):
            parts[place] = there["id"][:40]
    return ".".join(parts)


def _line(node: yaml.Node | None, location: Location) -> int:
    """Return the line of what stands at `location`, or of the nearest table round it; 0: none."""
    line = 0
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next((each for each in node.value if each[0].value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def repaired(values: Mapping[str, Any], faults: Sequence[SettingFault]) -> dict[str, Any]:
    """Return a copy of `values` without what is wrong, a misspelled key under the name that was
    meant: good enough for `skyscape check` to look further, never to run with. A site whose name is
    wrong has its id as its name, so that its other settings are still checked.
    """
    copy = _copied(dict(values))
    gone: set[Location] = set()
    for fault in sorted(faults, key=lambda each: _order(each.location), reverse=True):
        if _named_by_its_id(copy, fault.location):
            continue
        for location in (fault.location, fault.location[:-1]):  # what is missing takes its table
            if any(location[: len(done)] == done for done in gone):
                break
            if location and (removed := _removed(copy, location)) is not None:
                above, value = removed
                if fault.meant and isinstance(above, dict):
                    above.setdefault(fault.meant, value)
                gone.add(location)
                break
    return copy


def _named_by_its_id(values: Any, location: Location) -> bool:
    """Give the site of a fault in its name its id as its name; return whether there is one."""
    if len(location) < 3 or location[0] != "sites" or location[2] != "name":
        return False
    try:
        site = values["sites"][location[1]]
        site["name"] = {"zh": str(site["id"]), "en": str(site["id"])}
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _order(location: Location) -> list[tuple[int, str]]:
    """Return by what locations are sorted: as they stand in a file, list entries by number."""
    return [(part, "") if isinstance(part, int) else (0, part) for part in location]


def _removed(values: Any, location: Location) -> tuple[Any, Any] | None:
    """Remove what stands at `location`; return its table and its value (None: not there)."""
    try:
        for part in location[:-1]:
            values = values[part]
        return values, values.pop(location[-1])
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def _copied(value: Any) -> Any:
    """Return a deep copy of plain data."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value
