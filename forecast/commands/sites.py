"""Commands for sites: `sites`, `survey`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from forecast.commands import world as setup
from forecast.commands.options import ConfigFile
from forecast.commands.output import show, show_table, warn
from forecast.errors import ConfigError

if TYPE_CHECKING:
    from forecast.commands.new_site import NewSite
    from forecast.config import Config

Terrain: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="As of `survey`; with --lights.")
]
Lights: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="As of `survey`; with --terrain.")
]
Valley: TypeAlias = Annotated[
    float | None, typer.Option(help="Height of the valley below, in m, without maps.")
]
NightSky: TypeAlias = Annotated[
    float | None, typer.Option(help="Brightness at night, mag/arcsec2, without maps.")
]
MapFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--map", metavar="FILE", help="Write a page with the map of all sites."),
]


def sites(
    action: Annotated[
        Literal["list", "add", "stations"],
        typer.Argument(help="add: a new site's paragraph; stations: which can serve as truth."),
    ] = "list",
    id: Annotated[
        str, typer.Argument(metavar="ID", help="Of the new site: small letters, digits, _.")
    ] = "",
    *,
    zh: Annotated[str, typer.Option("--zh", help="Its name in Chinese.")] = "",
    en: Annotated[str, typer.Option("--en", help="Its name in English.")] = "",
    latitude: Annotated[float | None, typer.Option(help="In degrees, WGS-84.")] = None,
    longitude: Annotated[float | None, typer.Option(help="In degrees, WGS-84.")] = None,
    gcj02: Annotated[
        bool, typer.Option("--gcj02", help="The coordinates are of a Chinese web map (GCJ-02).")
    ] = False,
    elevation: Annotated[
        float | None, typer.Option(help="Its true height above the sea, in m.")
    ] = None,
    phenomena: Annotated[
        str, typer.Option(help="What is forecast, the headline first, with commas between.")
    ] = "sunset_glow,sunrise_glow,sea_of_clouds,starry_sky",
    terrain: Terrain = None,
    lights: Lights = None,
    valley: Valley = None,
    night_sky: NightSky = None,
    picture: MapFile = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put the site into the settings file of --config.")
    ] = False,
    config: ConfigFile = None,
) -> int:
    """List the sites, or the stations that can serve each as truth; or make, check and show a new
    site, and add it to the settings with --write.

    Exit code 3 where something about the new site must be mended; nothing is written then.
    """
    from forecast.commands.new_site import NewSite, wgs84

    settings = setup.settings(config)
    if action != "add":
        return _show_sites(settings) if action == "list" else _show_stations(settings)
    if not (id and zh and en) or latitude is None or longitude is None or elevation is None:
        raise typer.BadParameter(
            "sites add needs ID, --zh, --en, --latitude, --longitude and --elevation"
        )
    if gcj02:
        latitude, longitude = wgs84(latitude, longitude)
    chosen = [each.strip() for each in phenomena.split(",") if each.strip()]
    site = NewSite(
        id, (zh, en), latitude, longitude, elevation, chosen, valley=valley, brightness=night_sky
    )
    return _add(site, settings, (terrain, lights), picture, config, write)


def _show_sites(settings: Config) -> int:
    rows = [
        (s.id, s.name.zh, f"{s.latitude:g} N {s.longitude:g} E", f"{s.elevation_m:g} m")
        for s in settings.sites
    ]
    show_table(("site", "name", "place", "height"), rows)
    return 0


def _show_stations(settings: Config) -> int:
    from forecast.learning import truth_stations

    show(*truth_stations.lines(settings))
    return 0


def _add(
    site: NewSite,
    settings: Config,
    grids: tuple[Path | None, Path | None],
    picture: Path | None,
    file: Path | None,
    write: bool,
) -> int:
    """Show a new site and what was found about it; keep it where asked for, and nothing is wrong.

    Raises: typer.BadParameter, ConfigError, FileUnreadable.
    """
    from forecast.commands import new_site
    from forecast.config import default_path, read_text
    from forecast.files import write_whole

    if write and file is None:
        raise typer.BadParameter("--write needs --config FILE: the program's own stay as they are")
    if any(each.id == site.id for each in settings.sites):
        raise ConfigError(f"sites add: there is a site {site.id} already: choose another id")
    terrain, lights = new_site.maps(*grids)
    lines = new_site.paragraph(site, terrain, lights)
    path = file or default_path()
    text, config = new_site.with_site(read_text(path), lines, path)
    found = new_site.checks(config, site.id, terrain)
    show(*lines)
    for each in found:
        warn(f"{each.grade}: {each.subject}: {each.detail}")
    if picture is not None:
        write_whole(picture, new_site.map_page(config))
        warn(f"map: {picture.absolute()}")
    if any(each.grade == "fault" for each in found):
        warn("nothing was written: mend the faults first")
        return ConfigError.exit_code
    if write:
        new_site.write(path, text)
        warn(f"{path}: {site.id} added; `skyscape check`, then reload the service")
    return 0


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
