"""The parameter table of a model: its keys in the settings replace those of the catalogue.

A new model is data, not code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from forecast.quantities import DEFAULT_FIELDS, FIELDS, Field, Key
from forecast.settings.sources import ModelSettings, ParameterSettings


def fields_of(model: ModelSettings) -> tuple[Field, ...]:
    """Return the fields that the table of `model` names, in the catalogue's order."""
    return tuple(
        _with_settings(field, model.parameters[name], model.centre)
        for name, field in FIELDS.items()
        if name in model.parameters
    )


def leading_fields(parameters: Mapping[str, ParameterSettings]) -> tuple[Field, ...]:
    """Return the fields of the leading model: those of the catalogue, and those from which a run
    of CMADaaS derives what it lacks.
    """
    more = tuple(field for name, field in FIELDS.items() if field.auxiliary and name in parameters)
    return (*DEFAULT_FIELDS, *more)


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
        own=bool(settings.key or settings.grib1 or settings.cmadaas or settings.micaps),
        centre=centre,
        from_start=settings.from_start,
        factor=field.factor if settings.factor is None else settings.factor,
        statistic=settings.statistic or field.statistic,
        levels=tuple(round(100 * level) for level in settings.levels_hpa) or field.levels,
    )
