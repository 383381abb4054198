"""The desk's list of the stations that can serve as truth, for each site; `/desk/stations`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from forecast.domain import Site
from forecast.learning.truth_from_stations import BELOW, NEAR, SAME_HEIGHT
from forecast.learning.truth_stations import (
    NEEDS,
    SEA,
    TruthStation,
    TruthUse,
    sites_line,
    truth_stations,
)
from forecast.plain_text import visible
from forecast.service.web.application import words
from forecast.service.web.context import context
from forecast.service.web.guards import needs
from products.wording import Words

blueprint = Blueprint("truth_desk", __name__, url_prefix="/desk/stations")

GLOWS = ("sunset_glow", "sunrise_glow")


@dataclass(frozen=True, slots=True)
class StationRow:
    """A station that can serve a phenomenon, in words. state: named, listed or new."""

    name: str
    distance: str
    higher: str
    why: str
    state: str


@dataclass(frozen=True, slots=True)
class SiteRows:
    """A site's phenomena with the stations of each, nearest first.

    without: the phenomena that no known station can serve, in words. lines: what is still to be
    written into the settings; "" where all is there.
    """

    site: Site
    phenomena: tuple[tuple[str, tuple[StationRow, ...]], ...]
    without: str
    lines: str


@blueprint.get("")
@needs("see")
def proposed() -> ResponseReturnValue:
    """Show for each site and phenomenon which stations can serve as truth, and what to write."""
    here, say = context(), words()
    found = truth_stations(here.config)
    return render_template(
        "desk/truth.html",
        sites=[_rows_of(site, found[site.id], say) for site in here.config.all_sites()],
        known=any(found.values()),
        limits={"km": f"{NEAR / 1000:.0f}", "same": f"{SAME_HEIGHT:.0f}", "below": f"{BELOW:.0f}"},
    )


def _rows_of(site: Site, stations: Sequence[TruthStation], say: Words) -> SiteRows:
    by_phenomenon = {
        phenomenon: tuple(
            _row(each, use, say)
            for each in stations
            for use in each.uses
            if use.phenomenon == phenomenon
        )
        for phenomenon in site.phenomena
        if phenomenon == SEA or phenomenon in NEEDS
    }
    return SiteRows(
        site,
        tuple(
            (say(f"phenomenon.{name}.name"), rows) for name, rows in by_phenomenon.items() if rows
        ),
        say.listed(
            [say(f"phenomenon.{name}.name") for name, rows in by_phenomenon.items() if not rows]
        ),
        _lines(site, stations),
    )


def _row(each: TruthStation, use: TruthUse, say: Words) -> StationRow:
    label = visible(each.station.name.zh)
    return StationRow(
        f"{each.station.id} {label}" if label and label != each.station.id else each.station.id,
        say("truth.km", value=f"{each.distance / 1000:.1f}"),
        say(f"truth.{'above' if each.higher >= 0 else 'below'}", value=f"{abs(each.higher):.0f}"),
        _why(use, say),
        "named" if each.named else "listed" if each.listed else "new",
    )


def _why(use: TruthUse, say: Words) -> str:
    """Return why a station can serve: what it reports, and how high it stands."""
    names = say.listed([say(f"truth.element.{name}") for name in use.elements])
    reports = say("truth.reports", elements=names) if names else say("truth.unknown")
    if use.phenomenon in GLOWS:  # no station reports colour
        return say("truth.both", reports=reports, height=say("truth.excludes"))
    height = use.role or ("same_height" if use.same_height else "")
    if not height:
        return reports
    limits = {"same": f"{SAME_HEIGHT:.0f}", "below": f"{BELOW:.0f}"}
    return say("truth.both", reports=reports, height=say(f"truth.height.{height}", **limits))


def _lines(site: Site, stations: Sequence[TruthStation]) -> str:
    """Return what the settings lack, as it is written there."""
    found = [f"    {each.line}" for each in stations if not each.listed]
    lines = ["observations:", "  stations:", *found] if found else []
    if not all(each.named for each in stations):
        lines += ["sites:", f"  - id: {site.id}", f"    {sites_line(stations)}"]
    return "\n".join(lines)
