"""Model runs: find, fetch and decode them into an Atmosphere.

`sources` finds and fetches, `grib` decodes; both take the same `Needs`.
"""

from __future__ import annotations

from dataclasses import dataclass

from forecast.quantities import Field


@dataclass(frozen=True, slots=True)
class Needs:
    """What is wanted of a cycle: fields of the catalogue, steps [h], region [degree].

    The region is closed. west and east lie within -180..360; west > east crosses the antimeridian.
    The region may be larger than that of a file: what exists is read.
    """

    fields: tuple[Field, ...]
    steps: tuple[int, ...]
    north: float
    south: float
    west: float
    east: float

    def __post_init__(self) -> None:
        if not -90 <= self.south < self.north <= 90:
            raise ValueError(
                f"needs: a region runs from south to north within -90..90, not "
                f"{self.south:g}..{self.north:g}"
            )
        if not (-180 <= self.west <= 360 and -180 <= self.east <= 360 and self.west != self.east):
            raise ValueError(
                f"needs: west and east lie within -180..360 and differ, not "
                f"{self.west:g}..{self.east:g}"
            )
