"""What is asked of CMADaaS for each field of a model: element, level type and level.

A parameter table names it as `element levelType level`: `TEM 100` (the levels in hPa are those of
the field), `TEM 103 2` (2 m above the ground), `TCC 1` (level 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forecast.quantities import FIELDS, Field
from forecast.settings.sources import ParameterSettings


@dataclass(frozen=True, slots=True)
class ServiceField:
    """A field on one level as the service calls it. pressure [Pa]: None on a single level.

    factor, offset: a value of the service times factor plus offset is in the field's unit.
    """

    field: Field
    element: str
    level_type: str
    level: str
    pressure: int | None
    factor: float
    offset: float
    from_start: bool


def fields_asked(parameters: Mapping[str, ParameterSettings]) -> tuple[ServiceField, ...]:
    """Return what a table asks for, in the catalogue's order; profiles from the ground up."""
    found: list[ServiceField] = []
    for name, field in FIELDS.items():
        table = parameters.get(name)
        if table is None or not table.cmadaas:
            continue
        element, level_type, *rest = table.cmadaas.split()
        factor = field.factor if table.factor is None else table.factor
        own = tuple(round(100 * level) for level in table.levels_hpa) or field.levels
        for pressure in own if field.levels else (None,):
            level = f"{pressure / 100:g}" if pressure is not None else (rest[0] if rest else "0")
            found.append(
                ServiceField(
                    field, element, level_type, level, pressure, factor, table.offset,
                    table.from_start,
                )
            )  # fmt: skip
    return tuple(found)
