"""Has the shipped classifier of clear nights learnt its own event, and does it serve no page?"""

from __future__ import annotations

import gzip
import shutil
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from docs.night_cloud import NightCases, read
from docs.train_night_sky import TRUTHS, outcome_of, trained
from forecast.domain import PHENOMENA
from forecast.errors import ModelMismatch
from forecast.learning.model_folder import kept
from forecast.learning.transfer_by_lead import transfer_by_lead
from forecast.learning.transfer_test import mountain
from models import registry
from models.lead_table import LeadRow
from models.night_sky_model import NightSkyModel
from models.registry import SHIPPED, in_force, of_clear_nights
from tests.unit.test_night_sky_model import CLEAR, OVERCAST, chance

NOWHERE = Path("no folder of models")
# Nights from here on are not shown to the classifier that the last test trains.
LATER = np.datetime64("2025-03-01")
# Brier skill to reach on them, by days ahead: measured .57, .52, .41, .23 (n = 362 each)
BARS = {0: 0.49, 1: 0.44, 3: 0.33, 5: 0.16}


def test_no_page_is_served_by_it() -> None:
    head, served = of_clear_nights(), in_force(NOWHERE)
    assert head.card is not None

    assert [p for p in PHENOMENA if len(registry.in_order(SHIPPED, p)) > 1] == []
    assert set(served) == set(PHENOMENA)
    assert registry.CLEAR_NIGHT not in PHENOMENA
    assert head.name not in {one.name for one in served.values()}
    assert head.card.id not in {card.id for p in PHENOMENA for card in kept(SHIPPED, p)}
    with pytest.raises(ModelMismatch):
        registry.promote(NOWHERE, "starry_sky", head.card.id)
    assert not NOWHERE.exists()


def test_each_card_says_which_truth_it_has_learnt() -> None:
    served, head = in_force(NOWHERE)["starry_sky"].card, of_clear_nights().card
    assert served is not None
    assert head is not None

    assert TRUTHS["starry"].what in served.note
    assert TRUTHS["clear"].what in head.note
    assert "mean cover of at most 30 % (few clouds)" in served.note
    assert "at most 20 %" in head.note
    assert "20%" in head.note_zh
    assert "No page is served by it" in head.note
    # the same forecasts; the clear night is the rarer event
    assert (head.cases, head.span) == (served.cases, served.span)
    assert head.events < 0.6 * served.events
    assert [one["day"] for one in head.scores["by_lead"]] == list(range(13))
    assert head.left_out == "month"


def test_a_broken_sky_has_two_clear_hours_and_is_often_no_clear_night() -> None:
    half = CLEAR | {
        "evening_sky_cover": 0.55,
        "night_sky_cover": 0.55,
        "morning_sky_cover": 0.55,
        "night_clear_share": 0.3,
        "sky_cover_before": 0.55,
        "night_dew_point_depression": 4.6,
    }
    starry, clear = in_force(NOWHERE)["starry_sky"].model, of_clear_nights().model

    def both(night: dict[str, float]) -> tuple[float, float]:
        """Return the chance of each event, where the usual frequency is that of New York."""
        usual = "climatological_frequency"
        return chance(starry, night, **{usual: 0.68}), chance(clear, night, **{usual: 0.38})

    assert both(half)[0] > 0.85
    assert both(half)[1] < 0.6
    assert min(both(CLEAR)) > 0.8
    assert max(both(OVERCAST)) < 0.2


def test_shipped_files_without_it_are_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match="restore the shipped files"):
        of_clear_nights(tmp_path)

    shutil.copytree(SHIPPED / registry.CLEAR_NIGHT, tmp_path / registry.CLEAR_NIGHT)
    [file] = tmp_path.rglob("model.skops")
    file.write_bytes(b"another file")
    with pytest.raises(ModelMismatch, match="not the one its card describes"):
        of_clear_nights(tmp_path)


@cache
def cases(shared: Path) -> NightCases:
    return read(shared)


@pytest.mark.shared
def test_the_shipped_file_is_the_one_that_its_event_gives(shared: Path) -> None:
    """A clear night by hand: the mean of the analysed cover of 21-04 local is at most 20 %."""
    found, head = cases(shared), of_clear_nights()
    assert head.card is not None
    cover: dict[str, list[float]] = {}
    with gzip.open(shared / "night_cloud" / "analyses.csv.gz", "rt", encoding="utf-8") as stream:
        names = next(stream).rstrip().split(",")
        for line in stream:
            row = dict(zip(names, line.rstrip("\n").split(","), strict=True))
            at = np.datetime64(row["valid_local"][:13])
            evening = at - np.timedelta64(21, "h")
            if (evening - evening.astype("datetime64[D]")) <= np.timedelta64(7, "h"):
                night = str(evening.astype("datetime64[D]"))
                cover.setdefault(night, []).append(float(row["cloud_pct"] or "nan"))
    by_hand = np.array([np.mean(cover[str(day)]) <= 20 + 1e-4 for day in found.day])

    same = trained(found, outcome_of(found, "clear"))

    assert (by_hand == found.clear.astype(bool)).all()
    assert (head.card.cases, head.card.events) == (len(found), int(found.clear.sum()))
    assert isinstance(head.model, NightSkyModel)
    for ours, again in zip(head.model.logistics_, same.logistics_, strict=True):
        assert ours.coef_ == pytest.approx(again.coef_, abs=1e-4)


def later_files(shared: Path, folder: Path) -> tuple[Path, Path]:
    """Write the outcomes and forecasts of night_cloud from LATER on."""
    for name in ("analyses", "forecasts"):
        packed = shared / "night_cloud" / f"{name}.csv.gz"
        with gzip.open(packed, "rt", encoding="utf-8") as stream:
            head, *lines = stream.readlines()
        later = [line for line in lines if line[:10] >= str(LATER)]
        (folder / f"{name}.csv").write_text("".join([head, *later]), encoding="utf-8")
    return folder / "analyses.csv", folder / "forecasts.csv"


@pytest.mark.shared
def test_on_nights_not_seen_it_is_as_sure_as_it_is_right(shared: Path, tmp_path: Path) -> None:
    """Trained on the nights before LATER; the transfer test then scores a year after them."""
    before = cases(shared).take(cases(shared).day < LATER - np.timedelta64(3, "D"))
    served = in_force(NOWHERE)["starry_sky"].model
    models = {"clear": trained(before, before.clear), "starry": served}
    place = mountain("new york", 40.71, -73.99, 7.0, 0.0)

    result = transfer_by_lead(
        *later_files(shared, tmp_path), "starry_sky", place, models, ZoneInfo("America/New_York"),
        event="clear",
    )  # fmt: skip

    def rows(name: str) -> dict[int, LeadRow]:
        return {row.day: row for row in result.rows if row.name == f"{name}, own frequency"}

    own, other = rows("clear"), rows("starry")
    assert all(own[day].cases > 300 for day in BARS)
    assert {day: own[day].skill.value for day, bar in BARS.items()
            if own[day].skill.value < bar} == {}  # fmt: skip
    # the classifier of starry nights is too sure of clear ones, though it has seen these nights
    for day in (0, 1, 3):
        assert own[day].skill.low > 0
        assert own[day].brier.value < other[day].brier.value - 0.02
