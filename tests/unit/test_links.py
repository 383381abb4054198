"""Does every link of a published page lead to something that is there?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from forecast.review import Review
from tests.e2e.past_releases import one_site, publish


def dead_links(release: Path) -> list[str]:
    """The relative links of every page of the release in force whose file is missing."""
    return [
        f"{page.relative_to(release)} -> {link}"
        for page in sorted(release.rglob("*.html"))
        for link in re.findall(r'(?:href|src)="([^"#:]+)', page.read_text(encoding="utf-8"))
        if link != "data" and not (page.parent / unquote(link)).exists()
    ]


def test_an_issue_that_was_pruned_is_linked_nowhere(tmp_path: Path) -> None:
    first, second, third = publish(one_site(tmp_path))

    archive = (tmp_path / "current" / "archive" / "index.html").read_text(encoding="utf-8")
    data = json.loads((tmp_path / "current" / "api" / "v1" / "forecasts.json").read_bytes())

    assert not (tmp_path / "archive" / first.id).exists()
    assert first.id not in archive
    assert second.id in archive
    assert [issue["issue"] for issue in data["earlier"]] == [second.id]
    assert third.id == data["issue"]


def test_every_link_of_every_page_leads_to_a_file(tmp_path: Path) -> None:
    publish(one_site(tmp_path))

    # beside `current` as a web server shows it: ../archive/<issue> lies in the output folder
    release = tmp_path / "archive" / (tmp_path / "current").resolve().name
    pages = tmp_path / "served"
    release.rename(pages)

    assert dead_links(pages) == []


def test_what_old_pages_may_link_is_listed_beside_the_releases(tmp_path: Path) -> None:
    _, second, third = publish(one_site(tmp_path))

    listed = json.loads((tmp_path / "releases.json").read_text(encoding="utf-8"))

    assert listed["schema"] == "skyscape.releases/1"
    assert listed["issues"] == [second.id, third.id]
    assert "sites/lingshan/index.html" in listed["pages"]
    assert all((tmp_path / "current" / page).is_file() for page in listed["pages"])


@pytest.mark.parametrize("signed", [False, True])
def test_the_data_are_linked_only_where_there_are_data(tmp_path: Path, signed: bool) -> None:
    config = one_site(tmp_path)
    issuer = config.issuer.model_copy(update={"signature_required": ("api",)})
    review = Review(person="Wang") if signed else None

    publish(config.model_copy(update={"issuer": issuer}), 1, review)

    index = (tmp_path / "current" / "index.html").read_text(encoding="utf-8")
    assert ("developers/index.html" in index) is signed
    assert (tmp_path / "current" / "api" / "v1" / "forecasts.json").exists() is signed
