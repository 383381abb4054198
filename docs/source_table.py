"""The table of sources: which model gives, derives or lacks each field of the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from forecast.config import Config
from forecast.ingest.cloud_by_level import CLOUD
from forecast.ingest.derived_fields import DerivationRule, derivable
from forecast.quantities import DEFAULT_FIELDS, FIELDS, Field
from forecast.science.interpolation import LAYERS
from forecast.settings.sources import ModelSettings

NATIVE, DERIVED, LEVELS, MOMENTS, ABSENT = "native", "derived", "of levels", "at moments", "-"
OFF = "off"
# fmt: off
LEGEND = (
    f"Where each field comes from: `{NATIVE}` from the model's own files; `{DERIVED}` from its",
    f"other fields, by the rules below; `{LEVELS}`: overlap of its cloud by level at a site;",
    f"`{MOMENTS}`: the field at each moment replaces its mean; `of` a model whose fields are added",
    f"to those of the leading one; `{ABSENT}`: not available, and named as missing where a",
    f"phenomenon reads it. `({OFF})`: the model has `enabled: false` in the settings: it is not",
    "fetched.",
)
# fmt: on
MEAN = "_mean"
COVERS = tuple(f"{layer}_type_cloud_area_fraction" for layer in LAYERS)


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A model of the table: the fields of its files, and the rules for derived fields."""

    id: str
    given: frozenset[str]
    means: frozenset[str]
    rules: Mapping[str, DerivationRule]
    added: Mapping[str, str]  # field -> ids of the models that add it
    enabled: bool = True

    @property
    def head(self) -> str:
        return self.id if self.enabled else f"{self.id} ({OFF})"

    def origin(self, name: str) -> str:
        """Return where a field of this model comes from."""
        if name in self.given:
            return f"{NATIVE} (mean)" if name in self.means else NATIVE
        if name in self.rules:
            return DERIVED
        if name in COVERS and CLOUD in {*self.given, *self.rules}:
            return LEVELS
        if name.endswith(MEAN) and self.origin(name.removesuffix(MEAN)) != ABSENT:
            return MOMENTS
        return f"of {self.added[name]}" if name in self.added else ABSENT


def sources_of(config: Config) -> tuple[SourceColumn, ...]:
    """Return the leading model and the other models of the settings, enabled or not.

    Models that only add fields to the leading one are left out.
    """
    added: dict[str, str] = {}
    for model in config.models:
        for name in model.parameters if model.adds else ():
            label = model.id if model.enabled else f"{model.id} ({OFF})"
            added[name] = f"{added[name]}, {label}" if name in added else label
    leading = SourceColumn(
        config.source.model,
        frozenset(field.name for field in DEFAULT_FIELDS),
        frozenset(),
        {},
        added,
    )
    return leading, *(_source(model) for model in config.models if not model.adds)


def _source(model: ModelSettings) -> SourceColumn:
    means = {
        name
        for name, parameter in model.parameters.items()
        if parameter.statistic == "mean" and FIELDS[name].statistic != "mean"
    }
    return SourceColumn(
        model.id,
        frozenset(model.parameters),
        frozenset(means),
        derivable(model.parameters),
        {},
        model.enabled,
    )


def page(config: Config) -> Iterator[str]:
    """Yield the table of fields, the rules of derived fields, and the owners of the data."""
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
    yield from ("", "Read only to derive other fields:", "")
    yield from _table(
        [field for field in FIELDS.values() if field.auxiliary and field.name not in added], sources
    )
    yield from _rules(sources)
    yield from _owners(config)


def _table(fields: Iterable[Field], sources: Collection[SourceColumn]) -> Iterator[str]:
    yield f"| field | unit | {' | '.join(source.head for source in sources)} |"
    yield f"|---|---|{'---|' * len(sources)}"
    for field in fields:
        origins = " | ".join(source.origin(field.name) for source in sources)
        yield f"| `{field.name}` | {field.unit} | {origins} |"


def _rules(sources: Collection[SourceColumn]) -> Iterator[str]:
    yield from (
        "",
        "## Rules",
        "",
        "| field | derived from | how | used for |",
        "|---|---|---|---|",
    )
    used: dict[tuple[str, tuple[str, ...]], tuple[DerivationRule, list[str]]] = {}
    for source in sources:
        for rule in source.rules.values():
            used.setdefault((rule.makes, rule.of), (rule, []))[1].append(source.head)
    for rule, ids in used.values():
        inputs = ", ".join(f"`{name}`" for name in rule.of)
        yield f"| `{rule.makes}` | {inputs} | {rule.description} | {', '.join(ids)} |"


def _owners(config: Config) -> Iterator[str]:
    yield from (
        "",
        "## Whose data",
        "",
        "| model | members | steps [h] | found by | name and licence, as pages print them |",
    )
    yield "|---|---|---|---|---|"
    first = config.source
    steps, order = _span(first.all_steps), ", ".join(first.order)
    yield f"| {first.model} | 1 | {steps} | {order} | {first.attribution.en} |"
    for model in config.models:
        head = model.id if model.enabled else f"{model.id} ({OFF})"
        members, steps = len(model.members) or 1, _span(model.all_steps)
        yield f"| {head} | {members} | {steps} | {model.layout} | {model.attribution.en} |"


def _span(steps: Collection[int]) -> str:
    return f"{min(steps)} to {max(steps)}, {len(steps)} of them"
