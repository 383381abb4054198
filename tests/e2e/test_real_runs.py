"""The main job on real GFS files: one run from three providers, and an old coarse run that
allows only a part of the forecast.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecast.__main__ import main
from forecast.sample.bucket import LoopbackBucket
from tests.e2e.conftest import PROJECT

TATRA = PROJECT / "tests" / "settings" / "tatra.yaml"
EVENING = ("--cycle", "2020080412", "--now", "2020-08-04T16:00Z")

# Simple packing as the region filter chooses it moved no probability by more than 7e-6 on this run.
PACKING = 1e-4


def settings(folder: Path, tree: Path, **changes: Any) -> Path:
    """Write the Tatra settings with the folder and addresses of a test."""
    values = yaml.safe_load(TATRA.read_text(encoding="utf-8"))
    values["source"] |= {"folder": str(tree), "cycles": str(folder / "cycles")} | changes
    values["archive"] = {"url": f"sqlite:///{folder / 'archive.db'}"}
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return path


def carried(
    folder: Path, config: Path, source: str, *arguments: str
) -> tuple[Path, dict[str, Any]]:
    """Run the line once; return the release in force and its data."""
    command = ["once", "--config", config, "--source", source, "--out", folder / "site"]
    assert main([str(each) for each in (*command, "--json", *arguments)]) == 0
    release = folder / "site" / "current"
    return release, json.loads(
        (release / "api" / "v1" / "forecasts.json").read_text(encoding="utf-8")
    )


@pytest.fixture(scope="module")
def by_folder(
    gfs_tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("folder")
    return carried(folder, settings(folder, gfs_tree), "folder", *EVENING)


def numbers_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    return data["forecasts"]


def test_the_evening_and_the_next_dawn_are_forecast_in_all_formats(
    by_folder: tuple[Path, dict[str, Any]],
) -> None:
    release, data = by_folder

    shown = {(f["site"], f["phenomenon"], f["day"]): f for f in data["forecasts"]}
    assert shown["kasprowy", "sunset_glow", "2020-08-04"]["probability"] is not None
    assert shown["kasprowy", "sea_of_clouds", "2020-08-05"]["probability"] is not None
    assert shown["sniezka", "sea_of_clouds", "2020-08-05"]["probability"] is not None
    expected = (
        "index.html",
        "en/index.html",
        "sites/kasprowy/index.html",
        "display/kasprowy.html",
        "wechat/article.html",
        "sms.txt",
        "api/v1/forecasts.json",
        "api/v1/schema.json",
        "archive/index.html",
    )
    assert [name for name in expected if not (release / name).is_file()] == []


def test_the_sun_sets_over_kasprowy_when_the_almanac_says(
    by_folder: tuple[Path, dict[str, Any]],
) -> None:
    _, data = by_folder

    evening = next(
        f
        for f in data["forecasts"]
        if (f["site"], f["phenomenon"], f["day"]) == ("kasprowy", "sunset_glow", "2020-08-04")
    )

    # ../shared/data/README.md: sunset at Kasprowy Wierch is at 18:13 UTC, and the window runs from
    # the sun at +3 to -6 degrees.
    assert evening["window_start"] < "2020-08-04T18:13" < evening["window_end"]


def test_the_page_says_that_the_light_path_of_sniezka_leaves_the_data(
    by_folder: tuple[Path, dict[str, Any]],
) -> None:
    release, data = by_folder

    evening = next(
        f
        for f in data["forecasts"]
        if (f["site"], f["phenomenon"], f["day"]) == ("sniezka", "sunset_glow", "2020-08-04")
    )
    page = re.sub(
        r"<[^>]+>", "", (release / "sites" / "sniezka" / "index.html").read_text(encoding="utf-8")
    )

    assert "light_path" in evening["missing"]
    assert evening["probability"] is None
    assert re.search(r"光路.{0,12}%.{0,12}资料范围之外", page), (
        "how much of the path is unknown stands on the page"
    )


def test_the_bucket_gives_the_same_numbers_as_the_folder(
    by_folder: tuple[Path, dict[str, Any]], gfs_tree: Path, tmp_path: Path
) -> None:
    with LoopbackBucket(gfs_tree) as bucket:
        config = settings(
            tmp_path, gfs_tree, bucket={"url": bucket.url, "requests_per_minute": 6000}
        )

        _, data = carried(tmp_path, config, "bucket", *EVENING)

    assert numbers_of(data) == numbers_of(by_folder[1])


def test_the_region_filter_gives_the_same_grades(
    by_folder: tuple[Path, dict[str, Any]], gfs_tree: Path, tmp_path: Path
) -> None:
    with LoopbackBucket(gfs_tree) as bucket:
        config = settings(
            tmp_path, gfs_tree, filter={"url": bucket.filter_url, "requests_per_minute": 6000}
        )

        _, data = carried(tmp_path, config, "filter", *EVENING)

    for ours, theirs in zip(numbers_of(data), numbers_of(by_folder[1]), strict=True):
        assert (ours["site"], ours["phenomenon"], ours["day"], ours["grade"]) == (
            theirs["site"], theirs["phenomenon"], theirs["day"], theirs["grade"])  # fmt: skip
        assert ours["missing"] == theirs["missing"]
        if theirs["probability"] is not None:
            assert math.isclose(ours["probability"], theirs["probability"], abs_tol=PACKING), ours[
                "phenomenon"
            ]


def test_of_one_coarse_old_step_what_is_known_is_shown_and_the_rest_is_named(
    shared: Path, tmp_path: Path
) -> None:
    values = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))
    one_step = [{"first": 72, "last": 72, "every": 1}]
    values["source"] |= {
        "folder": str(shared / "gfs_2p5_global"),
        "cycles": str(tmp_path / "cycles"),
        "steps": one_step,
    }
    values["archive"] = {"url": f"sqlite:///{tmp_path / 'archive.db'}"}
    config = tmp_path / "settings.yaml"
    config.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")

    release, data = carried(
        tmp_path, config, "folder", "--cycle", "2011100800", "--now", "2011-10-08T06:00Z"
    )

    shown = {(f["site"], f["phenomenon"], f["day"]): f for f in data["forecasts"]}
    # The one field is valid at 2011-10-11 00 UTC, 08:00 in Beijing: the dawn of that day, and
    # nothing else, can be spoken of.
    dawn = shown["jinding", "sea_of_clouds", "2011-10-11"]
    assert dawn["probability"] is not None
    assert "cloud_from_humidity" in dawn["missing"]
    assert {day for (_, _, day), f in shown.items() if f["probability"] is not None} <= {
        "2011-10-10",
        "2011-10-11",
    }
    beyond = [f for (_, _, day), f in shown.items() if day in ("2011-10-08", "2011-10-13")]
    assert all(f["probability"] is None and "beyond_data" in f["missing"] for f in beyond)
    assert "缺" in (release / "index.html").read_text(encoding="utf-8")
