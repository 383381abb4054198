"""Deprecated names and options: they work for one more version and print the new ones.

Before, every command took the same eight options, whether they meant something or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NAMES = {
    "backfill": "reforecast",
    "config": "settings",
    "diagnose": "truth",
    "push": "serve",
    "receive": "serve",
    "try-mountain": "transfer-test",
}
# option -> whether a value follows it
OPTIONS = {
    "--config": True,
    "--source": True,
    "--cycle": True,
    "--now": True,
    "--out": True,
    "--json": False,
    "--verbose": False,
    "-v": False,
}
REFUSED = {"run": ("--cycle", "--now")}  # where leaving an option out would change what is done


def translate(
    arguments: Sequence[str], options: Mapping[str, frozenset[str]]
) -> tuple[list[str], list[str]]:
    """Return the arguments in today's words, and what to say about those that were not.

    options: command -> the options it has.
    """
    place = next((n for n, word in enumerate(arguments) if not word.startswith("-")), None)
    if place is None:
        return list(arguments), []
    name, notes = arguments[place], []
    if name in NAMES and name not in options:
        notes.append(
            f"`{name}` is now called `{NAMES[name]}`; the old name goes with the next version"
        )
        name = NAMES[name]
    known = options.get(name)
    kept = [*arguments[:place], name]
    if known is None:
        return [*kept, *arguments[place + 1 :]], notes
    rest = iter(arguments[place + 1 :])
    for word in rest:
        option, mark, _ = word.partition("=")
        if word == "--":
            kept += [word, *rest]
        elif option in OPTIONS and option not in known and option not in REFUSED.get(name, ()):
            if OPTIONS[option] and not mark:
                next(rest, None)
            notes.append(f"`{option}` means nothing for `{name}` and is ignored")
        else:
            kept.append(word)
    return kept, notes
