"""A new site: its paragraph for config.yaml from coordinates and maps, checked before it is kept.

The settings file is written only when asked for. Its text stays as it is, comments included: the
paragraph is put behind the last site.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from forecast.commands import site_checks
from forecast.commands.coordinate_checks import from_gcj02, to_gcj02
from forecast.commands.finding import CheckFinding
from forecast.commands.survey import as_yaml_lines, read_grid, survey
from forecast.config import Config, base_folder, build_config, parse_settings
from forecast.domain import Site
from forecast.errors import ConfigError
from forecast.files import write_whole
from forecast.geo import distance_between
from products.charts.site_map import MapPlace, site_map
from products.charts.svg import Reader
from products.pages.templating import TEMPLATES
from products.wording import Words

GCJ_STEPS = 4  # of the fixed point that turns the shift round: each gains three digits
COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
SITES = re.compile(r"sites:\s*(#.*)?")
ITEM = re.compile(r"( *)- ")


@dataclass(frozen=True, slots=True)
class NewSite:
    """What a person says of a new site. Coordinates [degree] of WGS-84, heights [m].

    valley, brightness: without maps. names, places: in Chinese and English; places may be empty.
    """

    id: str
    names: tuple[str, str]
    latitude: float
    longitude: float
    elevation: float
    phenomena: Sequence[str]
    places: tuple[str, str] = ("", "")
    valley: float | None = None
    brightness: float | None = None


def wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """Return the WGS-84 coordinates [degree] of what a Chinese web map (GCJ-02) shows there.

    The shift is turned round by a fixed point, to less than 0.1 m; the shift itself is known within
    about 1 m, in mainland China.
    """
    found = from_gcj02(latitude, longitude)
    for _ in range(GCJ_STEPS):
        shown = to_gcj02(*found)
        found = found[0] + latitude - shown[0], found[1] + longitude - shown[1]
    return round(found[0], 6), round(found[1], 6)


def paragraph(
    site: NewSite, terrain: xr.DataArray | None = None, lights: xr.DataArray | None = None
) -> list[str]:
    """Return the lines of a site for `sites:`; what the maps say stands in them where both are
    given.

    Raises: ConfigError where a map is too small, or neither maps nor numbers are given.
    """
    lines = [
        f"  - id: {site.id}",
        f"    name: {_both(site.names)}",
        *([f"    place: {_both(site.places)}"] if all(site.places) else []),
        f"    latitude: {round(site.latitude, 5)}",
        f"    longitude: {round(site.longitude, 5)}",
        f"    elevation_m: {site.elevation:g}",
    ]
    if terrain is not None and lights is not None:
        found = survey(site.latitude, site.longitude, site.elevation, terrain, lights)
        lines += as_yaml_lines(found)
    elif site.valley is None or site.brightness is None:
        raise ConfigError(
            "sites add: give --terrain and --lights to survey the site, or --valley (height of the "
            "valley below it, m) and --night-sky (18 near a city, 21.5 in dark mountains)"
        )
    else:
        lines += [
            f"    valley_elevation_m: {site.valley:g}",
            f"    night_sky_brightness: {site.brightness:g}",
        ]
    return [*lines, f"    phenomena: [{', '.join(site.phenomena)}]"]


def _both(names: tuple[str, str]) -> str:
    """Return a name in both languages as YAML; a text of JSON is one of YAML, too."""
    chinese, english = (json.dumps(name, ensure_ascii=False) for name in names)
    return f"{{zh: {chinese}, en: {english}}}"


def with_site(text: str, lines: Sequence[str], path: Path) -> tuple[str, Config]:
    """Return the text of a settings file with a site behind its last one, and these settings.

    Everything else of the text stays, and this is checked. Raises: ConfigError, SettingsError.
    """
    before = parse_settings(text, path)
    rows = text.splitlines(keepends=True)
    at, indent = _end_of_sites(rows, path)
    newline = "\r\n" if rows[0].endswith("\r\n") else "\n"
    block = [f"{' ' * indent}{line[2:]}{newline}" for line in lines]
    if not rows[at - 1].endswith("\n"):
        rows[at - 1] += newline
    after = "".join([*rows[:at], *block, *rows[at:]])
    values = parse_settings(after, path)
    kept = {**values, "sites": values["sites"][:-1]} if values.get("sites") else values
    if kept != before:
        raise ConfigError(
            f"{path}: the site cannot be put behind the last one without changing others; paste "
            "the paragraph into `sites:` by hand"
        )
    # no environment: the file itself is checked, whatever overrides it at a start
    return after, build_config(values, {}, str(path), base_folder(path))


def _end_of_sites(rows: Sequence[str], path: Path) -> tuple[int, int]:
    """Return behind which line the sites end, and by how many spaces each is indented.

    Raises: ConfigError where `sites:` is no list with one entry a line.
    """
    first = next((n for n, row in enumerate(rows) if SITES.fullmatch(row.rstrip())), None)
    items = [] if first is None else [ITEM.match(row) for row in rows[first + 1 :]]
    found = next((each for each in items if each), None)
    if first is None or found is None:
        raise ConfigError(
            f"{path}: expected `sites:` on a line of its own and below it each site as `- id: ...`;"
            " paste the paragraph by hand"
        )
    indent, end = len(found.group(1)), first + 1
    for number, row in enumerate(rows[first + 1 :], first + 1):
        plain = row.strip()
        if not plain or plain.startswith("#"):
            continue
        deep = len(row) - len(row.lstrip(" "))
        if deep < indent or (deep == indent and not plain.startswith("- ")):
            break
        end = number + 1
    return end, indent


def checks(config: Config, id: str, terrain: xr.DataArray | None) -> list[CheckFinding]:
    """Return what `skyscape check` finds about the new site, and where it lies among the others."""
    where = f"sites.{id}"
    found = [
        each
        for each in (*site_checks.findings(config, terrain), *site_checks.surveys(config))
        if each.subject == where
    ]
    return [*found, CheckFinding("note", where, position(config.all_sites(), id))]


def position(sites: Sequence[Site], id: str) -> str:
    """Return how far and in which direction a site lies from its nearest neighbour, in words."""
    own = next(site for site in sites if site.id == id)
    others = [site for site in sites if site.id != id]
    if not others:
        return "the first site"
    near = min(others, key=lambda each: distance_between(own, each))
    east = (own.longitude - near.longitude + 180) % 360 - 180
    angle = np.degrees(
        np.arctan2(east * np.cos(np.radians(own.latitude)), own.latitude - near.latitude)
    )
    kilometres = distance_between(own, near) / 1000
    towards = COMPASS[round(float(angle) / 45) % 8]
    return f"{kilometres:.1f} km {towards} of {near.id}"


def map_page(config: Config, language: str = "zh") -> str:
    """Return a page with the schematic map of all sites, to be opened from the disk."""
    words = Words(language, config.zone)
    places = [MapPlace(site, None) for site in config.all_sites()]
    drawn = site_map(places, Reader(words, language, config.zone, "map")) or ""
    style = (TEMPLATES / "static" / "skyscape.css").read_text(encoding="utf-8")
    title = html.escape(getattr(config.service.title, language))
    return (
        f'<!doctype html>\n<html lang="{language}"><meta charset="utf-8"><title>{title}</title>\n'
        f'<style>{style}</style>\n<body><main style="max-width:60rem">{drawn}</main></body></html>'
        "\n"
    )


def write(path: Path, text: str) -> None:
    """Write a settings file whole, with the mode that it had. Raises: ConfigError."""
    try:
        mode = path.stat().st_mode & 0o7777
        write_whole(path, text)
        path.chmod(mode)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror or error}); run this as the owner of the "
            "file, as root where install.sh made it"
        ) from error


def maps(
    terrain: Path | None, lights: Path | None
) -> tuple[xr.DataArray | None, xr.DataArray | None]:
    """Return the grids of the files that are given. Raises: FileUnreadable."""
    return (
        None if terrain is None else read_grid(terrain),
        None if lights is None else read_grid(lights),
    )
