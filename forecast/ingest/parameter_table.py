"""How a model speaks the catalogue: its table in the settings over the catalogue's own keys. A new
model is data, not code.
"""

from __future__ import annotations

from dataclasses import replace

from forecast.quantities import FIELDS, Field, Key
from forecast.settings import ModelSettings, ParameterSettings


def fields_of(model: ModelSettings) -> tuple[Field, ...]:
    """Return the catalogue's fields as `model` keeps them, in the catalogue's order: only those
    that its table names.
    """
    return tuple(
        _spoken(field, model.parameters[name], model.centre)
        for name, field in FIELDS.items()
        if name in model.parameters
    )


def _spoken(field: Field, said: ParameterSettings, centre: int | None) -> Field:
    """Return `field` with what the table of a model of `centre` says otherwise than the catalogue."""
    keys = field.keys
    if said.key:
        discipline, category, number, surface = (int(part) for part in said.key[:4])
        keys = (
            Key(discipline, category, number, surface, said.key[4] if len(said.key) > 4 else None),
        )
    param, _, levtype = said.index.partition(" ")
    return replace(
        field,
        keys=keys,
        grib1=(said.grib1,) if said.grib1 else field.grib1,
        index=(param, levtype),
        auxiliary=False,
        essential=False,
        own=bool(said.key or said.grib1),
        centre=centre,
        from_start=said.from_start,
        factor=field.factor if said.factor is None else said.factor,
        statistic=said.statistic or field.statistic,
        levels=tuple(round(100 * level) for level in said.levels_hpa) or field.levels,
    )
