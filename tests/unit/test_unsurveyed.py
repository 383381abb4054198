"""Is what was not surveyed told as not surveyed, and the horizon of a height that of the sea?"""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.commands import check
from forecast.config import Config, build_config
from forecast.geo import horizon_dip
from forecast.science.almanac import almanacs, sun_position
from products.channels.api import _site
from products.wording import Words
from tests.unit.test_check import NOW
from tests.unit.test_settings_errors import SITE, SOUND, written

SUMMIT = SITE | {"elevation_m": 2303}
SURVEYED = SUMMIT | {"horizon_degrees": [0.5] * 72, "view_sector": [200, 340]}
DAY = date(2026, 11, 21)


def config_of(site: dict[str, Any]) -> Config:
    return build_config(SOUND | {"sites": [site]}, {})


@pytest.mark.parametrize(("height", "minutes"), [
    # Bowditch 2019, table 13, and the Nautical Almanac's "Dip": 3.2 m 3.1', 100 m 17.6'
    (3.0, 3.05), (100.0, 17.6), (2303.0, 84.46), (0.0, 0.0), (-150.0, 0.0),
])  # fmt: skip
def test_the_dip_is_that_of_the_nautical_almanac(height: float, minutes: float) -> None:
    assert horizon_dip(height) * 60 == pytest.approx(minutes, abs=0.05)


def test_a_summit_that_was_not_surveyed_has_the_sea_horizon_of_its_height() -> None:
    """The upper limb rises where the sea horizon lies: 2.08 sqrt(h) nautical miles away (Bowditch),
    so that the sun's centre is then 50' and as many minutes of arc below the horizontal. A
    tenth of a degree is the stated error of refraction near the horizon.
    """
    config = config_of(SUMMIT)
    [site] = config.all_sites()
    found = almanacs([site], [DAY], config.zone)[site.id, DAY]

    assert not site.horizon_surveyed
    for moment in (found.terrain_sunrise, found.terrain_sunset):
        assert moment is not None
        when = np.datetime64(moment.replace(tzinfo=None), "ns")
        altitude = float(sun_position(when, site.latitude, site.longitude)[0])
        assert altitude == pytest.approx(-(50 + 2.08 * math.sqrt(2303)) / 60, abs=0.1)
    assert found.sunrise is not None
    assert found.terrain_sunrise is not None
    assert 9 <= (found.sunrise - found.terrain_sunrise).total_seconds() / 60 <= 11


def test_a_surveyed_horizon_and_view_are_used_as_they_are() -> None:
    [site] = config_of(SURVEYED).all_sites()

    assert (site.horizon_surveyed, site.view_surveyed) == (True, True)
    assert (site.horizon[0], site.view_sector) == (0.5, (200, 340))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_view_that_was_not_surveyed_is_not_called_open(language: str) -> None:
    config = config_of(SUMMIT)
    words = Words(language, config.zone)  # type: ignore[arg-type]
    [unknown] = config.all_sites()
    [opened] = config_of(SUMMIT | {"view_sector": [0, 360]}).all_sites()

    assert words.sector(unknown) == words("where.unsurveyed") != words.sector(opened)
    assert words("almanac.sea_sunrise") != words("almanac.terrain_sunrise")


def test_readers_of_the_data_see_what_was_not_surveyed() -> None:
    [site] = config_of(SUMMIT).all_sites()

    shown = _site(site)

    assert (shown["view_from_deg"], shown["view_to_deg"]) == (None, None)
    assert shown["horizon_surveyed"] is False
    schema = json.loads(Path("templates/api/schema.json").read_text(encoding="utf-8"))
    assert "horizon_surveyed" in schema["properties"]["sites"]["items"]["properties"]


def test_check_names_what_was_not_surveyed(tmp_path: Path) -> None:
    unknown = check.findings(written(tmp_path, SOUND | {"sites": [SUMMIT]}), NOW, offline=True)
    known = check.findings(written(tmp_path, SOUND | {"sites": [SURVEYED]}), NOW, offline=True)

    text = " ".join(each.detail for each in unknown if each.subject == "sites.here")
    assert "horizon_degrees was not surveyed" in text
    assert "view_sector was not surveyed" in text
    assert not any("not surveyed" in each.detail for each in known)
