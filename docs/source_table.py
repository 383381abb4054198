"""Which source gives which field of the catalogue, which is derived of it and which it lacks:
written from the settings and the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from forecast.config import Config
from forecast.ingest.derived_fields import CLOUD, Rule, derivable
from forecast.quantities import DEFAULT_FIELDS, FIELDS, Field
from forecast.science.interpolation import LAYERS
from forecast.settings import ModelSettings

NATIVE, DERIVED, LEVELS, MOMENTS, ABSENT = "native", "derived", "of levels", "at moments", "-"
OFF = "off"
# fmt: off
LEGEND = (
    f"How each field is had: `{NATIVE}` from the model's own files; `{DERIVED}` from its other fields, by the rules below; `{LEVELS}`: by",
    f"the overlap of its cloud by level, where a site asks; `{MOMENTS}`: its mean is not wanted, the field at each moment is had; `of` a",
    f"model that is laid over the leading one; `{ABSENT}`: not at all, and then named to the reader where a phenomenon would have read it.",
    f"`({OFF})`: the model's table stands in the settings with `enabled: false`; it is neither fetched nor heard until that is changed.",
)
# fmt: on
MEAN = "_mean"
COVERS = tuple(f"{layer}_type_cloud_area_fraction" for layer in LAYERS)


@dataclass(frozen=True, slots=True)
class Source:
    """A model as the table sees it: what its files give, and by which rules the rest is had."""

    id: str
    given: frozenset[str]
    means: frozenset[str]
    rules: Mapping[str, Rule]
    added: Mapping[str, str]  # what others lay over it, and their ids
    enabled: bool = True

    @property
    def head(self) -> str:
        return self.id if self.enabled else f"{self.id} ({OFF})"

    def tells(self, name: str) -> str:
        """Return how a field is had of this model."""
        if name in self.given:
            return f"{NATIVE} (mean)" if name in self.means else NATIVE
        if name in self.rules:
            return DERIVED
        if name in COVERS and CLOUD in {*self.given, *self.rules}:
            return LEVELS
        if name.endswith(MEAN) and self.tells(name.removesuffix(MEAN)) != ABSENT:
            return MOMENTS
        return f"of {self.added[name]}" if name in self.added else ABSENT


def sources_of(config: Config) -> tuple[Source, ...]:
    """Return the leading model and those of the settings, enabled or not, that give a forecast of
    their own.
    """
    added: dict[str, str] = {}
    for model in config.models:
        for name in model.parameters if model.adds else ():
            said = model.id if model.enabled else f"{model.id} ({OFF})"
            added[name] = f"{added[name]}, {said}" if name in added else said
    leading = Source(
        config.source.model,
        frozenset(field.name for field in DEFAULT_FIELDS),
        frozenset(),
        {},
        added,
    )
    return leading, *(_source(model) for model in config.models if not model.adds)


def _source(model: ModelSettings) -> Source:
    means = {
        name
        for name, said in model.parameters.items()
        if said.statistic == "mean" and FIELDS[name].statistic != "mean"
    }
    return Source(
        model.id,
        frozenset(model.parameters),
        frozenset(means),
        derivable(model.parameters),
        {},
        model.enabled,
    )


def page(config: Config) -> Iterator[str]:
    """Write the table, the rules it speaks of, and whose data they are."""
    sources = sources_of(config)
    added = sources[0].added
    yield from (
        "# Sources",
        "",
        "Written from `config.yaml` and the code by `make docs`; do not edit.",
        "",
    )
    yield from (*LEGEND, "")
    yield from _table(
        [field for field in FIELDS.values() if not field.auxiliary or field.name in added], sources
    )
    yield from ("", "Read only to derive others from them:", "")
    yield from _table(
        [field for field in FIELDS.values() if field.auxiliary and field.name not in added], sources
    )
    yield from _rules(sources)
    yield from _owners(config)


def _table(fields: Iterable[Field], sources: Collection[Source]) -> Iterator[str]:
    yield f"| field | unit | {' | '.join(source.head for source in sources)} |"
    yield f"|---|---|{'---|' * len(sources)}"
    for field in fields:
        yield f"| `{field.name}` | {field.unit} | {' | '.join(source.tells(field.name) for source in sources)} |"


def _rules(sources: Collection[Source]) -> Iterator[str]:
    yield from ("", "## Rules", "", "| field | derived of | how | used for |", "|---|---|---|---|")
    used: dict[tuple[str, tuple[str, ...]], tuple[Rule, list[str]]] = {}
    for source in sources:
        for rule in source.rules.values():
            used.setdefault((rule.makes, rule.of), (rule, []))[1].append(source.head)
    for rule, ids in used.values():
        yield f"| `{rule.makes}` | {', '.join(f'`{name}`' for name in rule.of)} | {rule.told} | {', '.join(ids)} |"


def _owners(config: Config) -> Iterator[str]:
    yield from (
        "",
        "## Whose data",
        "",
        "| model | members | steps [h] | found by | name and licence, as pages print them |",
    )
    yield "|---|---|---|---|---|"
    first = config.source
    yield f"| {first.model} | 1 | {_span(first.all_steps)} | {', '.join(first.order)} | {first.attribution.en} |"
    for model in config.models:
        head = model.id if model.enabled else f"{model.id} ({OFF})"
        yield f"| {head} | {len(model.members) or 1} | {_span(model.all_steps)} | {model.layout} | {model.attribution.en} |"


def _span(steps: Collection[int]) -> str:
    return f"{min(steps)} to {max(steps)}, {len(steps)} of them"
