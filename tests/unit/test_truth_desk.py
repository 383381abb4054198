"""Does the desk show which stations can verify each site, why, and what to write?"""

from __future__ import annotations

import html
from dataclasses import replace

import pytest
import yaml
from flask.testing import FlaskClient

from forecast.config import Config
from forecast.domain import Name, Station
from forecast.observations.cmadaas_memory import CmadaasMemory, KnownStation
from forecast.service.web.application import create_application
from forecast.settings import StationSettings
from tests.web_world import KEY, WebWorld, sign_in, web_world

PATH = "/desk/stations"
COVER = ("cloud_area_fraction", "low_cloud_area_fraction")


@pytest.fixture(scope="module")
def ours(config: Config, tmp_path_factory: pytest.TempPathFactory) -> WebWorld:
    folder = tmp_path_factory.mktemp("desk")
    door = config.cmadaas.model_copy(update={"state": folder / "state"})
    lingshan = next(each for each in config.sites if each.id == "lingshan")
    config = config.model_copy(update={"cmadaas": door, "sites": (lingshan,)})
    made = web_world(config, folder)
    made.add_people("wang")
    return made


@pytest.fixture(scope="module")
def wang(ours: WebWorld) -> FlaskClient:
    return ours.client("wang")


def know(ours: WebWorld, *stations: tuple[str, str, float, float, tuple[str, ...]]) -> None:
    """Let the service have named these stations and no others: id, name, how far north of the site
    [degree], height [m], elements.
    """
    site = ours.world.config.all_sites()[0]
    memory = CmadaasMemory(ours.world.config.cmadaas.state)
    memory.stations = {
        id: KnownStation(
            Station(id, Name(name, name), site.latitude + north, site.longitude, height),
            set(elements),
        )
        for id, name, north, height, elements in stations
    }
    memory.write()


def page(client: FlaskClient, language: str = "zh") -> str:
    answer = client.get(f"{PATH}?lang={language}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_each_phenomenon_has_its_stations_with_distance_height_and_reason(
    ours: WebWorld, wang: FlaskClient
) -> None:
    know(
        ours,
        ("A1201", "灵山", 0.01, 2290.0, ("relative_humidity", "rime_observed", *COVER)),
        ("A1202", "<b>谷", 0.1, 1400.0, ("relative_humidity",)),
        ("54505", "远", 0.9, 2290.0, COVER),
    )

    zh, en = page(wang), page(wang, "en")

    for text in (
        "A1201 灵山</td><td>1.1公里</td><td>低13米</td><td>观测总云量</td><td>未收录",
        "<td>观测总云量、低云量；只能判断没有，不能证实出现</td>",
        "观测雾凇；与景点高差不超过150米",
        "观测相对湿度；比景点低300米以上，作为山谷站与山顶站对照",
        'rowspan="2">云海</th>',
    ):
        assert text in zh
    assert "54505" not in zh
    assert "<b>谷" not in zh
    assert "A1202 &lt;b&gt;谷" in zh
    assert "1.1 km</td><td>13 m lower</td><td>reports total cloud</td>" in en


def test_the_lines_for_the_settings_are_settings_and_disappear_once_written(
    ours: WebWorld, wang: FlaskClient
) -> None:
    know(ours, ("54505", '灵山"甲: #', 0.01, 2290.0, COVER))
    written = html.unescape(page(wang).split("<code>")[1].split("</code>")[0])

    lines = yaml.safe_load(written)
    [station] = lines["observations"]["stations"]
    listed = StationSettings.model_validate(station)
    assert (listed.id, listed.name.zh, listed.elevation_m) == ("54505", '灵山"甲: #', 2290)
    assert lines["sites"] == [{"id": "lingshan", "stations": ["54505"]}]

    config = ours.world.config
    observations = config.observations.model_copy(update={"stations": (listed,)})
    site = config.sites[0].model_copy(update={"stations": ("54505",)})
    changed = config.model_copy(update={"observations": observations, "sites": (site,)})
    application = create_application(replace(ours.context, config=changed), KEY)
    client = application.test_client()
    assert sign_in(client, "wang").status_code == 303
    assert "<code>" not in page(client)
    assert "已用于本景点" in page(client)
    assert "设置中都已写好" in page(client)


def test_what_no_station_can_verify_is_named(ours: WebWorld, wang: FlaskClient) -> None:
    know(ours)
    assert "还没有已知的台站" in page(wang)
    know(ours, ("A1201", "灵山", 0.01, 2290.0, ("cloud_area_fraction",)))

    assert "没有合适台站：晚霞、云海、朝霞、雾凇。" in page(wang)


def test_only_people_of_the_desk_see_the_stations(ours: WebWorld) -> None:
    assert ours.client().get(PATH).status_code == 302
