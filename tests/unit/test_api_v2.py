"""Does version 2 of the data keep its description, and do its examples run?"""

from __future__ import annotations

import html
import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from math import nan
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from forecast.domain import Change
from forecast.quantities import FEATURES, FREEZING
from forecast.review import Review
from products import api_v2, safety
from products.bulletin import Bulletin
from products.channels import api
from products.composition import Supplement, compose
from products.marking import of_corrected, of_withdrawn
from products.pages.renderer import PageRenderer
from products.pages.templating import TEMPLATES
from products.units import UNITS
from products.wording import Words
from tests.e2e.sample_bulletin import ATTRIBUTION, earlier_issues
from tests.unit.test_feeds import BASE, WRONG, bulletin, config, parts

SPECIFICATION = json.loads((TEMPLATES / "api" / "openapi.json").read_text(encoding="utf-8"))
SCHEMAS = {
    "api/v2/forecasts.json": "Forecasts",
    "api/v2/today.json": "Today",
    "api/v2/sites/lingshan.json": "SiteForecasts",
    "api/v2/sites/jinding.json": "SiteForecasts",
    "api/v2/texts.json": "Texts",
    "sites.geojson": "Map",
}


def check(content: Any, schema: str) -> None:
    wanted = {"$ref": f"#/components/schemas/{schema}", "components": SPECIFICATION["components"]}
    jsonschema.Draft202012Validator(wanted).validate(content)


def documents(made: Bulletin) -> dict[str, Any]:
    return {page.path: json.loads(str(page.body)) for page in api.render(made)}


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    return documents(bulletin(config()))


def test_the_description_is_openapi_and_describes_every_file(data: dict[str, Any]) -> None:
    validate(SPECIFICATION)

    described = set(SPECIFICATION["paths"])
    for path in data:
        if path.startswith("api/v2/") and not path.endswith("openapi.json"):
            assert {f"/{path}", re.sub(r"sites/\w+", "sites/{site}", f"/{path}")} & described, path
    assert data["api/v2/openapi.json"] == SPECIFICATION


@pytest.mark.parametrize(("path", "schema"), SCHEMAS.items())
def test_every_file_keeps_its_schema(data: dict[str, Any], path: str, schema: str) -> None:
    check(data[path], schema)
    check({**data[path], "new": 1}, schema)  # unknown fields are allowed


def test_every_site_has_a_small_file_with_its_own_forecasts(data: dict[str, Any]) -> None:
    everything = data["api/v2/forecasts.json"]["forecasts"]

    for site in ("lingshan", "jinding"):
        own = data[f"api/v2/sites/{site}.json"]
        assert own["forecasts"] == [f for f in everything if f["site"] == site]
        assert [each["id"] for each in own["sites"]] == [site]
        assert own["almanac"][0]["sunset"].startswith("2026-11-22T")


def test_probabilities_stand_in_hundredths_as_pages_show_them(data: dict[str, Any]) -> None:
    for forecast in data["api/v2/forecasts.json"]["forecasts"]:
        p, text = forecast["probability"], forecast["probability_text"]
        shown = {None: "—", 0.0: "<1%", 1.0: ">99%"}.get(p) or f"{round(100 * p)}%"
        assert text == shown
        assert forecast["machine_probability"] == p
    assert [api_v2.rounded(p) for p in (0.004, 0.996, 0.337, nan)] == [0.0, 1.0, 0.34, None]


def test_a_quantity_is_in_the_readers_unit_which_its_key_names() -> None:
    given = {"temperature_minimum": FREEZING - 12.4, "new_snow": 0.093, "gust": 19.64,
             "precipitation": 1.44, "obstacle_distance": 540_000.0, "sky_cover": 0.123,
             "chance_of_5_cm": 0.35, "snow_class": 3.0, "deck_top": nan}  # fmt: skip

    assert api_v2.quantities(given) == {
        "temperature_minimum_degC": -12.0, "new_snow_cm": 9.3, "gust_m_s": 19.6,
        "precipitation_mm": 1.4, "obstacle_distance_km": 540.0, "sky_cover_percent": 12.0,
        "chance_of_5_cm_percent": 35.0, "snow_class": 3.0, "deck_top_m": None,
    }  # fmt: skip
    assert api_v2.ENDINGS.keys() >= {Words("zh", config().zone)(f"feature.{name}.unit")
                                     for name in FEATURES}  # fmt: skip
    assert api_v2.ENDINGS.keys() <= UNITS.keys()
    keys = [api_v2.key_of(name) for name in FEATURES]
    assert len(set(keys)) == len(keys)


def test_a_hazard_has_a_level_and_a_value(data: dict[str, Any]) -> None:
    found = {each["hazard"]: each for each in data["api/v2/forecasts.json"]["hazards"]}

    gale = found["gale"]
    assert (gale["level"], gale["quantity"], gale["value"]) == ("danger", "gust_m_s", 19.6)
    levels = {name: words["level"] for name, words in api_v2.texts()["hazards"].items()}
    assert {name for name, level in levels.items() if level == "caution"} == {"wind"}
    assert levels.keys() == safety.HAZARDS.keys()


def test_every_id_of_the_data_has_words_in_both_languages(data: dict[str, Any]) -> None:
    texts = data["api/v2/texts.json"]

    for forecast in data["api/v2/forecasts.json"]["forecasts"]:
        assert forecast["phenomenon"] in texts["phenomena"]
        assert forecast["clothing"] in texts["clothing"]
        assert str(forecast["grade"]) in texts["grades"]
        assert forecast["states"].keys() <= texts["states"].keys()
        assert {each["hazard"] for each in forecast["hazards"]} <= texts["hazards"].keys()
        assert forecast["quantities"].keys() <= texts["quantities"].keys()
        for language in ("zh", "en"):
            assert bool(forecast["sentence"][language]) is (forecast["probability"] is not None)
    enum = SPECIFICATION["components"]["schemas"]["Status"]["enum"]
    assert set(texts["statuses"]) == set(enum)
    assert all(words["zh"] and words["en"] for words in texts["statuses"].values())


def test_todays_file_has_the_best_of_the_next_days_or_says_why_there_is_none(
    data: dict[str, Any],
) -> None:
    made = bulletin(config())
    best = [e.forecast.event.key for e in made.best]
    none = documents(replace(made, best=()))["api/v2/today.json"]

    today = data["api/v2/today.json"]
    assert [(f["site"], f["phenomenon"], f["day"]) for f in today["forecasts"]] == best
    assert all(f["recommended"] for f in today["forecasts"])
    assert today["nothing_recommended"] is None
    assert (none["forecasts"], none["nothing_recommended"]) == ([], "danger")
    check(none, "Today")


def test_the_map_has_each_site_with_the_next_of_each_phenomenon(data: dict[str, Any]) -> None:
    found = data["sites.geojson"]
    lingshan = found["features"][0]

    assert (found["type"], found["status"]) == ("FeatureCollection", "current")
    assert lingshan["geometry"]["coordinates"] == [115.454, 40.017, 2303]
    properties = lingshan["properties"]
    assert properties["url"] == f"{BASE}/sites/lingshan/index.html"
    of_sites = [data[each["properties"]["data"]]["sites"][0]["id"] for each in found["features"]]
    assert of_sites == [each["id"] for each in found["features"]]
    kinds = [each["phenomenon"] for each in properties["next"]]
    assert len(kinds) == len(set(kinds)) == 5
    assert properties["next"][0]["day"] == "2026-11-22"


def test_what_a_forecaster_changed_and_signed_stands_in_the_data() -> None:
    settings = config()
    issue, forecasts, features, almanacs = parts(("lingshan", "jinding"))
    change = Change(forecasts[0].probability, "wang", ("probability",))
    first = replace(forecasts[0], probability=0.8, grade=5, change=change)
    review = Review(person="王一", corrects=41, reason="云顶有误")
    made = compose(issue, [first, *forecasts[1:]], features, almanacs, settings,
                   Supplement(ATTRIBUTION, earlier_issues()), review)  # fmt: skip

    data = documents(made)["api/v2/forecasts.json"]

    check(data, "Forecasts")
    found = data["forecasts"][0]
    assert (found["probability"], found["machine_probability"]) == (0.8, 0.46)
    assert found["changed_by_forecaster"] == ["probability"]
    assert (data["signed_by"], data["reviewed"], data["corrects"]) == ("王一", True, 41)
    assert data["correction_reason"] == "云顶有误"


def test_a_withdrawn_issue_has_no_forecast_on_any_file(data: dict[str, Any]) -> None:
    issue = bulletin(config()).issue
    found = {p.path: json.loads(str(p.body)) for p in api.withdrawn(issue, WRONG, config())}

    assert data.keys() - found.keys() <= {"api/v1/live.schema.json"}
    for path, schema in SCHEMAS.items():
        check(found[path], schema)
        if "status" in found[path]:
            assert found[path]["status"] == "withdrawn"
            assert found[path]["withdrawn"]["reason"] == WRONG.reason
            assert found[path].get("forecasts", []) == []
            assert '"probability"' not in json.dumps(found[path].get("features", []))


@pytest.mark.parametrize(("path", "schema"), SCHEMAS.items())
def test_an_archived_file_says_what_became_of_its_issue(
    data: dict[str, Any], path: str, schema: str
) -> None:
    words, page = Words("zh", config().zone), json.dumps(data[path]).encode()
    later = of_corrected(earlier_issues()[0], "云顶有误")

    for mark, status in ((later, "superseded"), (of_withdrawn(WRONG), "withdrawn")):
        found = api.mark(path, page, mark, words)
        assert found is not None
        if schema == "Texts":
            assert found == page
        else:
            assert json.loads(found)["status"] == status
            check(json.loads(found), schema)


def test_version_1_says_that_it_is_deprecated(data: dict[str, Any]) -> None:
    assert data["api/v1/schema.json"]["deprecated"] is True
    assert SPECIFICATION["paths"]["/api/v1/forecasts.json"]["get"]["deprecated"] is True


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Bulletin]]:
    """The data on a server, as of an issue that has not expired, and its bulletin."""
    folder = tmp_path_factory.mktemp("served")
    handler = partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    made = bulletin(config(address))
    for page in api.render(made):
        path = folder / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        body = re.sub(r'("expires_at": )"[^"]+"', r'\1"2999-01-01T00:00:00Z"', str(page.body))
        path.write_text(body, encoding="utf-8")
    yield address, made
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep no log."""


COMMANDS = {
    "curl": ["sh", "-e", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}
WANTED = {"curl": '"schema": "skyscape.forecasts/2"', "python": "sunset_glow", "javascript": "%"}


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_examples_of_the_developers_page_run(
    served: tuple[str, Bulletin], kind: str, language: str
) -> None:
    program = {"javascript": "node", "python": sys.executable}.get(kind, kind)
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not there")
    address, made = served
    page = PageRenderer(made, language).page(
        "web/developers.html", "developers/index.html", files=[], texts=api_v2.texts()
    )
    code = html.unescape(
        re.findall(rf'data-example="{kind}"[^>]*><code>(.*?)</code>', str(page.body), re.DOTALL)[0]
    )

    assert address in code
    done = subprocess.run([*COMMANDS[kind], code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert WANTED[kind] in done.stdout


def test_times_are_those_that_readers_see_to_the_minute() -> None:
    made = bulletin(config())
    words = Words("zh", made.zone)
    shown = {
        (each["site"], each["phenomenon"], each["day"]): each
        for each in documents(made)["api/v2/forecasts.json"]["forecasts"]
    }
    seconds = 0
    for entry in made.entries:
        event, best = entry.forecast.event, entry.forecast.best
        each = shown[event.site.id, event.phenomenon, event.day.isoformat()]
        pairs = [("window_start", event.window.start), ("window_end", event.window.end)]
        pairs += [("best_start", best.start), ("best_end", best.end)] if best else []
        for key, moment in pairs:
            seconds += bool(moment.second)
            assert each[key].endswith(":00Z")
            given = datetime.fromisoformat(each[key].replace("Z", "+00:00"))
            assert f"{words.local(given):%H:%M}" == words.clock(moment), key
    assert seconds
