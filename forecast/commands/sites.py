"""Commands for sites: `survey`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecast.commands import world as setup
from forecast.commands.options import ConfigFile
from forecast.commands.output import show


def survey(
    *,
    terrain: Annotated[
        Path,
        typer.Option(metavar="FILE", help="netCDF grid of elevation in m by latitude, longitude."),
    ],
    lights: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="netCDF grid of night-light radiance in nW/cm2/sr, such as VIIRS."
        ),
    ],
    site: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="One site of the settings. Without it, and without coordinates: every one.",
        ),
    ] = None,
    latitude: Annotated[
        float | None,
        typer.Option(help="Of a place that is not in the settings, in degrees, WGS-84."),
    ] = None,
    longitude: Annotated[float | None, typer.Option(help="Of that place, in degrees.")] = None,
    elevation: Annotated[
        float | None, typer.Option(help="Its true height above the sea, in m.")
    ] = None,
    config: ConfigFile = None,
) -> int:
    """Derive a site's horizon, valley and night sky from terrain and light grids."""
    from forecast.commands.survey import paragraphs

    place = (latitude, longitude, elevation)
    show(paragraphs(setup.settings(config), terrain, lights, site, place))
    return 0
