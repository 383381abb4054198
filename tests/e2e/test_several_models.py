"""One issue out of several models: the same real air by GFS's own table and by a poorer one, and a
model that is not there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecast.quantities import published_probability
from tests.e2e.conftest import PROJECT, skyscape

TATRA = PROJECT / "tests" / "settings" / "tatra.yaml"
PROFILES = (
    "air_temperature",
    "relative_humidity",
    "geopotential_height",
    "eastward_wind",
    "northward_wind",
)
LEVELS = [1000, 925, 850, 700, 600, 500, 400, 300]
# fmt: off
POORER = {
    "id": "poorer", "name": {"zh": "少层模式", "en": "Poorer"}, "layout": "folder", "centre": 7,
    "delay_hours": 0,
    "run_hours": [0, 6, 12, 18],
    "attribution": {"zh": "少层模式资料", "en": "Data of the poorer model"},
    "steps": [{"first": 0, "last": 12, "every": 6}],
    "parameters": {
        **{name: {"levels_hpa": list(LEVELS)} for name in PROFILES},
        "surface_air_pressure": {}, "air_temperature_at_2m": {}, "relative_humidity_at_2m": {},
        "precipitation_amount": {},
        "low_type_cloud_area_fraction_mean": {}, "medium_type_cloud_area_fraction_mean": {},
        "high_type_cloud_area_fraction_mean": {},
    },
}
# fmt: on


@pytest.fixture(scope="module")
def issued(
    gfs_tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any], str]:
    folder = tmp_path_factory.mktemp("several")
    values = yaml.safe_load(TATRA.read_text(encoding="utf-8"))
    values["source"] |= {
        "folder": str(gfs_tree),
        "order": ["folder"],
        "cycles": str(folder / "cycles"),
    }
    values["archive"] = {"url": f"sqlite:///{folder / 'archive.db'}"}
    (folder / "empty").mkdir()
    absent = POORER | {
        "id": "absent",
        "folder": str(folder / "empty"),
        "name": {"zh": "缺席模式", "en": "Absent"},
    }
    short = POORER | {
        "id": "short",
        "folder": str(gfs_tree),
        "parameters": {"air_temperature_at_2m": {}},
        "attribution": {"zh": "缺层模式资料", "en": "Data of the model without levels"},
    }
    values["models"] = [POORER | {"folder": str(gfs_tree)}, absent, short]
    config = folder / "settings.yaml"
    config.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    shown = (
        "--config",
        config,
        "--out",
        folder / "site",
        "--json",
        "--cycle",
        "2020080412",
        "--now",
        "2020-08-04T16:00Z",
    )
    done = skyscape("once", *shown, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    release = folder / "site" / "current"
    return (
        release,
        json.loads((release / "api" / "v1" / "forecasts.json").read_text(encoding="utf-8")),
        done.stdout,
    )


def test_the_answer_is_the_models_mean_and_a_model_that_is_not_there_delays_nothing(
    issued: tuple[Path, dict[str, Any], str],
) -> None:
    _, data, report = issued

    of_two_models = [f for f in data["forecasts"] if len(f["voices"]) == 2]
    assert len(of_two_models) >= 10
    for forecast in of_two_models:
        assert [run["model"] for run in forecast["voices"]] == ["gfs", "poorer"]
        assert [run["weight"] for run in forecast["voices"]] == [0.5, 0.5]
        mean = sum(run["probability"] for run in forecast["voices"]) / 2
        assert forecast["probability"] == pytest.approx(published_probability(mean), abs=1e-5)
    assert any(
        abs(f["voices"][0]["probability"] - f["voices"][1]["probability"]) > 0.02
        for f in of_two_models
    )
    assert json.loads(report)["unheard"] == ["absent", "short"]


def test_readers_see_how_far_the_models_agree_and_whose_data_they_are(
    issued: tuple[Path, dict[str, Any], str],
) -> None:
    release, data, _ = issued

    page = (release / "sites" / "kasprowy" / "index.html").read_text(encoding="utf-8")
    english = (release / "en" / "sites" / "kasprowy" / "index.html").read_text(encoding="utf-8")

    assert "2个模式" in page
    assert "少层模式" in page
    assert "2 models" in english
    assert "少层模式资料" in page
    assert "Data of the poorer model" in english
    assert "Data of the poorer model" in data["sources"]
    assert "缺席模式" not in page
    assert "缺层模式资料" not in page
    assert "Data of the model without levels" not in data["sources"]
