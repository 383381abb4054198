"""Which settings make a new issue: all but those declared OPERATIONAL in forecast/settings.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forecast.config import Config, read_config

SETTINGS = Path(__file__).parents[1] / "settings" / "tatra.yaml"


@pytest.fixture(scope="module")
def config() -> Config:
    return read_config(SETTINGS, {})


def changed(config: Config, section: str, **values: Any) -> str:
    part = getattr(config, section).model_copy(update=values)
    return config.model_copy(update={section: part}).digest


def test_the_digest_of_a_settings_file_is_the_one_of_its_published_issues(config: Config) -> None:
    # Changes when a setting is added: say so in CHANGELOG, each service then makes one new issue.
    assert config.digest == "60fdf24860f3"


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("source", {"keep_cycles": 9}),
        ("archive", {"url": "sqlite:///elsewhere.db"}),
        ("output", {"folder": Path("elsewhere"), "keep_issues": 9}),
        ("schedule", {"check_minutes": 33}),
        ("learning", {"folder": Path("elsewhere")}),
        ("observations", {"folder": Path("elsewhere"), "check_minutes": 33, "keep_all": True}),
        ("observations", {"delete_after_days": 9.0}),
    ],
)
def test_folders_addresses_and_hours_of_work_make_no_new_issue(
    config: Config, section: str, values: dict[str, Any]
) -> None:
    assert changed(config, section, **values) == config.digest


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("service", {"timezone": "UTC"}),
        ("issuer", {"signature_required": ("sms",)}),
        ("forecast", {"days": 3}),
        ("phenomena", {"stars_minimum_hours": 3}),
        ("observations", {"old_minutes": 33}),
        ("observations", {"ion_classes": (1.0, 2.0)}),
        ("output", {"channels": ("sms",)}),
    ],
)
def test_what_a_page_shows_makes_a_new_issue(
    config: Config, section: str, values: dict[str, Any]
) -> None:
    assert changed(config, section, **values) != config.digest


def test_a_demonstration_and_another_site_make_a_new_issue(config: Config) -> None:
    moved = config.sites[0].model_copy(update={"elevation_m": 3000.0})
    others = [{"demonstration": True}, {"sites": (moved, *config.sites[1:])}]
    found = {config.model_copy(update=each).digest for each in others} | {config.digest}
    assert len(found) == 3
