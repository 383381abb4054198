"""From bytes to an Atmosphere: which run, which messages, what they say.

`sources` finds and fetches, `grib` decodes; they share one noun, `Needs`.
"""

from __future__ import annotations

from dataclasses import dataclass

from forecast.quantities import Field


@dataclass(frozen=True, slots=True)
class Needs:
    """What is wanted of a cycle: which fields of the catalogue, at which steps [h], over which
    region [degree].

    The region is closed. west and east may be given within -180..360; west > east crosses the
    antimeridian. It may be wider
    than a file's own cut: what exists is taken.
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
                f"needs: a region runs from south to north within -90..90, not {self.south:g}..{self.north:g}"
            )
        if not (-180 <= self.west <= 360 and -180 <= self.east <= 360 and self.west != self.east):
            raise ValueError(
                f"needs: west and east lie within -180..360 and differ, not {self.west:g}..{self.east:g}"
            )
