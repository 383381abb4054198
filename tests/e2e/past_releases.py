"""A published site of three issues of which two are kept: what links to the first one must go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from forecast.config import Config
from forecast.domain import Cycle, Issue
from forecast.review import Review
from products.composition import Supplement, compose
from products.publish import Publisher
from tests.e2e.sample_bulletin import ATTRIBUTION, sample_config, sample_parts


def one_site(folder: Path) -> Config:
    """Return the settings of the sample with one site, of whose issues two are kept."""
    config = sample_config()
    output = config.output.model_copy(update={"folder": folder, "keep_issues": 2})
    return config.model_copy(update={"sites": config.sites[:1], "output": output})


def issues() -> list[Issue]:
    """Return three issues, the oldest first."""
    issue = sample_parts(sample_config())[0]
    return [
        replace(
            issue,
            id=f"gfs-{run:%Y%m%d%H}",
            number=40 + number,
            issued=issue.issued - timedelta(hours=12 * (2 - number)),
            cycle=Cycle(run),
        )
        for number in range(3)
        for run in (issue.cycle.run - timedelta(hours=12 * (2 - number)),)
    ]


def publish(config: Config, count: int = 3, review: Review | None = None) -> list[Issue]:
    """Publish the first `count` issues, each with all before it as its earlier ones."""
    made: list[Issue] = []
    _, forecasts, features, almanacs = sample_parts(config)
    for issue in issues()[:count]:
        bulletin = compose(issue, forecasts, features, almanacs, config,
                           Supplement(ATTRIBUTION, made), review)  # fmt: skip
        Publisher(config).publish(bulletin)
        made = [*made, issue]
    return made
