"""The parameter table of a model: its keys in the settings replace those of the catalogue.

A new model is data, not code.
"""

from __future__ import annotations

from dataclasses import replace

from forecast.quantities import FIELDS, Field, Key
from forecast.settings.sources import ModelSettings, ParameterSettings


def fields_of(model: ModelSettings) -> tuple[Field, ...]:
    """Return the fields that the table of `model` names, in the catalogue's order."""
    return tuple(
        _with_settings(field, model.parameters[name], model.centre)
        for name, field in FIELDS.items()
        if name in model.parameters
    )


def _with_settings(field: Field, settings: ParameterSettings, centre: int | None) -> Field:
    """Return `field` with the entries of the table of a model of `centre`."""
    keys = field.keys
    if settings.key:
        discipline, category, number, surface = (int(part) for part in settings.key[:4])
        keys = (
            Key(
                discipline,
                category,
                number,
                surface,
                settings.key[4] if len(settings.key) > 4 else None,
            ),
        )
    param, _, levtype = settings.index.partition(" ")
    return replace(
        field,
        keys=keys,
        grib1=(settings.grib1,) if settings.grib1 else field.grib1,
        index=(param, levtype),
        auxiliary=False,
        essential=False,
        own=bool(settings.key or settings.grib1),
        centre=centre,
        from_start=settings.from_start,
        factor=field.factor if settings.factor is None else settings.factor,
        statistic=settings.statistic or field.statistic,
        levels=tuple(round(100 * level) for level in settings.levels_hpa) or field.levels,
    )
