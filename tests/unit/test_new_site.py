"""Is a new site written as its person meant it, and the rest of the settings left as it was?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.commands import new_site
from forecast.commands.coordinate_checks import to_gcj02
from forecast.commands.new_site import NewSite
from forecast.config import Config, read_config
from forecast.errors import ConfigError
from forecast.geo import local_distance
from tests.unit.test_settings_errors import SOUND, written

PROJECT = Path(__file__).parents[2]
NEW = NewSite(
    "tanzhesi", ("潭柘寺", "Tanzhe: a temple"), 39.9047, 116.0278, 300, ["sunset_glow"],
    valley=100, brightness=18.4,
)  # fmt: skip


def copy_of_settings(folder: Path) -> Path:
    path = folder / "settings.yaml"
    path.write_bytes((PROJECT / "config.yaml").read_bytes())
    return path


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(40.017, 115.454), (39.9, 116.4), (23.1, 113.3), (43.8, 87.6)]
)
def test_the_shift_of_a_web_map_is_turned_round_to_less_than_a_metre(
    latitude: float, longitude: float
) -> None:
    """Shifted forwards by the published form (held against Tiananmen in test_place_checks)."""
    found = new_site.wgs84(*to_gcj02(latitude, longitude))

    assert float(local_distance(*found, latitude, longitude)) < 0.2  # rounded to 1e-6 degree


def test_everything_but_the_new_site_stays_as_it_was_comments_too(tmp_path: Path) -> None:
    path = copy_of_settings(tmp_path)
    before = path.read_text(encoding="utf-8")

    after, config = new_site.with_site(before, new_site.paragraph(NEW), path)

    added = "".join(f"{line}\n" for line in new_site.paragraph(NEW))
    assert after == before + added
    assert config.sites[:-1] == read_config(path, {}).sites
    site = config.sites[-1]
    assert (site.id, site.name.zh, site.name.en) == ("tanzhesi", "潭柘寺", "Tanzhe: a temple")
    assert (site.latitude, site.longitude, site.elevation_m) == (39.9047, 116.0278, 300)
    assert (site.valley_elevation_m, site.night_sky_brightness) == (100, 18.4)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_a_site_is_added_before_the_section_that_follows_in_the_file_s_own_hand(
    tmp_path: Path, indent: str, end: str
) -> None:
    path = written(tmp_path, {"sites": SOUND["sites"], **SOUND})
    head, _, rest = path.read_text(encoding="utf-8").partition("sites:\n")
    block, _, others = rest.partition("service:\n")
    listed = "".join(f"{indent}{line}\n" for line in block.splitlines())
    text = f"{head}sites:  # ours\n{listed}# what follows\nservice:\n{others}".replace("\n", end)

    after, config = new_site.with_site(text, new_site.paragraph(NEW), path)

    assert [site.id for site in config.sites] == ["here", "tanzhesi"]
    assert f"{indent}- id: tanzhesi{end}" in after
    lines = after.splitlines()
    assert [line for line in lines if line in text.splitlines()] == text.splitlines()
    assert lines.index("# what follows") > lines.index(f"{indent}- id: tanzhesi")


def test_sites_on_one_line_are_left_alone(tmp_path: Path) -> None:
    text = json.dumps(SOUND)

    with pytest.raises(ConfigError, match="paste the paragraph by hand"):
        new_site.with_site(text, new_site.paragraph(NEW), tmp_path / "settings.yaml")


def test_maps_give_what_a_person_need_not_know() -> None:
    latitude, longitude = np.arange(38.0, 42.0, 1 / 60), np.arange(114.0, 118.0, 1 / 60)
    shape, axes = (len(latitude), len(longitude)), {"latitude": latitude, "longitude": longitude}
    terrain = xr.DataArray(np.full(shape, 120.0), axes, ("latitude", "longitude"))

    lines = new_site.paragraph(NEW, terrain, terrain * 0)

    assert "    valley_elevation_m: 120" in lines
    assert "    night_sky_brightness: 22.0" in lines
    assert len([line for line in lines if line.startswith("    horizon_degrees: [-0.")]) == 1
    with pytest.raises(ConfigError, match="--terrain and --lights"):
        new_site.paragraph(NewSite("x", ("x", "x"), 40, 116, 300, ["rime"]), terrain)


@pytest.mark.parametrize(
    ("latitude", "longitude", "words"),
    [
        (40.1, 115.454, "9.2 km north of lingshan"),
        (40.017, 115.6, "12.4 km east of lingshan"),
        (39.75, 115.5, "9.1 km south-west of baihuashan"),
    ],
)
def test_where_a_site_lies_is_said_in_words(
    config: Config, latitude: float, longitude: float, words: str
) -> None:
    """By hand: 111.195 km a degree of latitude, times cos 40 degrees = 0.766 of longitude."""
    site = config.sites[0].model_copy(
        update={"id": "new", "latitude": latitude, "longitude": longitude}
    )
    sites = [each.as_site() for each in (*config.sites, site)]

    assert new_site.position(sites, "new") == words


def test_settings_that_cannot_be_written_say_who_may(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="as root where install"):
        new_site.write(tmp_path / "gone" / "settings.yaml", "")
