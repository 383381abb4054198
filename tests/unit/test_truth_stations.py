"""Which stations are proposed as truth for a site?"""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.__main__ import main
from forecast.config import Config
from forecast.domain import Name, Station
from forecast.learning.truth_stations import VALLEY, lines, near_stations, truth_stations
from forecast.observations.cmadaas_memory import CmadaasMemory, KnownStation

EVERYTHING = {"cloud_area_fraction", "relative_humidity", "visibility_in_air", "present_weather"}


def station(id: str, north: float, height: float) -> Station:
    return Station(id, Name(id, id), 40.068 + north, 116.025, height)


def test_distance_and_height_decide_for_what_a_station_can_serve(config: Config) -> None:
    [site] = (each for each in config.all_sites() if each.id == "jinding")
    places = {
        each.id: each
        for each in (
            station("TOP", 0.01, 1200),
            station("VALLEY", 0.05, 300),
            station("HALF", 0.05, 1100),
            station("FAR", 0.4, 1291),
        )
    }

    found = {
        each.station.id: each
        for each in near_stations(site, places, dict.fromkeys(places, EVERYTHING), frozenset())
    }

    assert set(found) == {"TOP", "VALLEY"}
    assert [(use.text, use.elements) for use in found["TOP"].uses] == [
        ("sea_of_clouds (summit)", ("relative_humidity", "visibility_in_air"))
    ]
    assert [use.role for use in found["VALLEY"].uses] == [VALLEY]
    assert round(found["TOP"].distance) == 1112
    assert found["VALLEY"].higher == 300 - 1291


def test_a_valley_without_a_summit_proposes_nothing(config: Config) -> None:
    [site] = (each for each in config.all_sites() if each.id == "jinding")
    places = {"VALLEY": station("VALLEY", 0.05, 300)}

    assert near_stations(site, places, {"VALLEY": EVERYTHING}, frozenset()) == ()


def test_stations_that_the_service_named_are_proposed_with_what_to_write(
    config: Config, tmp_path: Path
) -> None:
    memory = CmadaasMemory(tmp_path)
    memory.stations["A1203"] = KnownStation(station("A1203", 0.0, 1285), set(EVERYTHING))
    memory.write()
    door = config.cmadaas.model_copy(update={"state": tmp_path})
    config = config.model_copy(update={"cmadaas": door})

    found, text = truth_stations(config), "\n".join(lines(config))

    assert [each.station.id for each in found["jinding"]] == ["A1203"]
    assert "jinding: A1203 A1203, 0.0 km, -6 m: sea_of_clouds (summit) (not listed)" in text
    place = "latitude: 40.0680, longitude: 116.0250, elevation_m: 1285"
    assert f'- {{id: "A1203", name: {{zh: "A1203", en: "A1203"}}, {place}}}' in text
    assert 'sites, jinding: stations: ["A1203"]' in text
    assert "zhaojiawa: no known station can serve it (within 30 km)" in text


def test_the_command_lists_the_proposals(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sites", "stations"]) == 0

    assert "lingshan: no known station can serve it" in capsys.readouterr().out
