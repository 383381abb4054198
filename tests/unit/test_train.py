"""Does a week's learning train on what there is, promote only what is better, and leave alone what
fails?

The cases come of a simulated world whose truth is known (tests/science/simulated.py), handed in
where the archive's would be; what is proven of training and of the promotion itself stands in
test_training.py and test_registry.py.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast.__main__ import main
from forecast.archive.hindcasts import Hindcasts
from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.commands import score
from forecast.config import Config
from forecast.domain import PHENOMENA, Outcome
from forecast.errors import ModelMismatch
from forecast.learning import model_folder, train, verify
from forecast.learning.model_cards import model_cards
from forecast.learning.train import cases_of, learn, missing_cases, models_in_force
from forecast.quantities import features_of
from forecast.verification import RunForecast
from models import promotion, registry
from models.model_card import Card, read_card
from models.prediction import SHARES, Models, open_models, read_shares
from models.promotion import PromotionDecision
from models.registry import Served
from models.rule_model import VERSION, PhysicsRule
from models.training_set import TrainingSet
from products.pages.models import card_text
from products.wording import Words
from tests.science import simulated

NOW = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)
SHIPPED = registry.in_force(Path("no folder of models"))["starry_sky"].name
STARS = ("starry_sky",)


@pytest.fixture
def settings(config: Config, tmp_path: Path) -> Config:
    return config.model_copy(
        update={"learning": config.learning.model_copy(update={"folder": tmp_path / "models"})}
    )


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(f"sqlite:///{tmp_path / 'archive.db'}")


def cases(count: int = 240) -> TrainingSet:
    """Nights of a simulated world, each an event of its own."""
    data = simulated.world(9, sites=2).data
    data = data.take(np.arange(min(count, len(data))))
    unknown = tuple(name for name in features_of("starry_sky") if name not in data.names)
    columns = np.full((len(data), len(unknown)), np.nan)  # as rows archived before these were
    return replace(
        data,
        names=data.names + unknown,
        features=np.concatenate([data.features, columns], axis=1),
        event=np.arange(len(data)),
    )


def use_cases(monkeypatch: pytest.MonkeyPatch, by_phenomenon: dict[str, TrainingSet]) -> None:
    """Put cases in the archive's place; of other phenomena there are none."""
    nothing = cases(0)

    def found(_config: Config, _archive: Archive, phenomenon: str, _usual: Any) -> Any:
        return by_phenomenon.get(phenomenon, replace(nothing, phenomenon=phenomenon)), 0

    monkeypatch.setattr(train, "cases_of", found)


def decision_is(monkeypatch: pytest.MonkeyPatch, **result: Any) -> None:
    monkeypatch.setattr(
        promotion, "consider", lambda *_: PromotionDecision(champion=SHIPPED, **result)
    )


def test_with_an_empty_archive_nothing_is_trained_and_the_message_has_the_number_needed(
    settings: Config, archive: Archive
) -> None:
    results = learn(settings, archive, NOW)

    assert [outcome.phenomenon for outcome in results] == list(PHENOMENA)
    assert {outcome.verdict for outcome in results} == {"too_few"}
    assert "it takes 30 events with an outcome, 5 with and 5 without it" in results[0].message
    assert not list(settings.learning.folder.glob("*/*/model.skops"))


def test_events_of_one_kind_only_are_too_few() -> None:
    data = cases()

    assert missing_cases(data) == ""
    assert "0 without" in missing_cases(data.take(data.observed))


def test_a_challenger_that_is_better_serves_and_one_that_is_not_is_only_kept(
    settings: Config, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cases(monkeypatch, {"starry_sky": cases()})
    decision_is(
        monkeypatch, promote=False, why="not_better", gain=0.001, low=-0.01, blocks=17, cases=240
    )
    first = learn(settings, archive, NOW, STARS)[0]
    assert first.verdict == "not_better"
    assert models_in_force(settings).names["starry_sky"] == SHIPPED

    use_cases(monkeypatch, {"starry_sky": cases(250)})
    decision_is(monkeypatch, promote=True, why="better", gain=0.02, low=0.01, blocks=17, cases=250)
    second = learn(settings, archive, NOW + timedelta(days=7), STARS)[0]

    assert second.verdict == "promoted"
    assert models_in_force(settings).names["starry_sky"].endswith(second.model)
    assert f"Brier score 0.0200 better than {SHIPPED} on 250 cases of 17 weeks" in second.message
    assert {card.id for card in model_folder.kept(settings.learning.folder, "starry_sky")} == {
        first.model,
        second.model,
    }


def test_a_dry_run_keeps_nothing(
    settings: Config, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cases(monkeypatch, {"starry_sky": cases()})

    outcome = learn(settings, archive, NOW, STARS, dry_run=True)[0]

    assert outcome.folds  # it was trained and scored
    assert not settings.learning.folder.exists()


def test_the_same_cases_are_not_trained_on_twice(
    settings: Config, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cases(monkeypatch, {"starry_sky": cases()})
    first = learn(settings, archive, NOW, STARS)[0]

    again = learn(settings, archive, NOW + timedelta(days=7), STARS)[0]

    assert (again.verdict, again.model) == ("nothing_new", first.model)


def test_one_phenomenon_that_fails_stops_no_other(
    settings: Config, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = cases()
    use_cases(monkeypatch, {"starry_sky": replace(data, names=("no_such", *data.names[1:]))})

    results = {outcome.phenomenon: outcome for outcome in learn(settings, archive, NOW)}

    assert results["starry_sky"].verdict == "failed"
    assert {outcome.verdict for name, outcome in results.items() if name != "starry_sky"} == {
        "too_few"
    }


def test_promotion_by_hand_is_refused_unless_it_was_found_better_or_forced(
    settings: Config, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cases(monkeypatch, {"starry_sky": cases()})
    decision_is(
        monkeypatch, promote=False, why="not_better", gain=-0.001, low=-0.01, blocks=17, cases=240
    )
    kept = learn(settings, archive, NOW, STARS)[0].model

    with pytest.raises(ModelMismatch, match=rf"was not found better than {SHIPPED}.*--force"):
        model_folder.promote(settings, "starry_sky", kept)
    with pytest.raises(ModelMismatch, match="not a model's id"):
        model_folder.promote(settings, "starry_sky", "../../elsewhere", force=True)

    assert model_folder.promote(settings, "starry_sky", kept, force=True).endswith(kept)
    assert model_folder.rollback(settings, "starry_sky") == SHIPPED


def test_a_champion_worse_than_the_rule_gives_way_to_it(
    settings: Config, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cases(monkeypatch, {"starry_sky": cases()})
    decision_is(
        monkeypatch, promote=False, why="not_better", gain=-0.001, low=-0.01, blocks=17, cases=240
    )
    first = learn(settings, archive, NOW, STARS)[0].model
    model_folder.promote(settings, "starry_sky", first, force=True)
    found = PromotionDecision(True, "better", 0.02, 0.01, 9, 60, f"prior-{first}")
    monkeypatch.setattr(promotion, "consider_rule", lambda *_: found)
    use_cases(monkeypatch, {"starry_sky": cases(250)})

    outcome = learn(settings, archive, NOW + timedelta(days=7), STARS)[0]

    assert outcome.verdict == "rule_again"
    assert "The untrained rule: Brier score 0.0200 better" in outcome.message
    assert models_in_force(settings).names["starry_sky"] == VERSION
    assert model_folder.rollback(settings, "starry_sky").endswith(first)


def test_the_models_in_force_are_loaded_only_when_their_folder_changed(
    settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = list[Path]()
    monkeypatch.setattr(train, "open_models", lambda folder: opened.append(folder) or object())
    folder = settings.learning.folder
    (folder / "starry_sky").mkdir(parents=True)

    first, second = models_in_force(settings), models_in_force(settings)
    (folder / "checked.json").write_text("{}")  # what a check found, not what serves
    third = models_in_force(settings)
    (folder / "starry_sky" / "in_force.json").write_text('["rule"]')
    fourth = models_in_force(settings)

    assert first is second is third
    assert fourth is not third
    assert opened == [folder, folder]


def test_a_comparison_has_its_certainty_in_words() -> None:
    decision = PromotionDecision(True, "better", 0.02, 0.01, 9, 60, "rule-1")
    text = train.describe_comparison(decision)

    assert promotion.LOWER == 0.01
    assert "at least +0.0100 with 99 % certainty" in text


def test_the_shipped_model_is_retired_from_the_command_line_s_functions(settings: Config) -> None:
    assert model_folder.rollback(settings, "starry_sky") == VERSION
    shipped = registry.in_order(registry.SHIPPED, "starry_sky")[0]

    assert model_folder.promote(settings, "starry_sky", shipped, force=True).endswith(shipped)
    assert model_folder.promote(settings, "starry_sky", VERSION, force=True) == VERSION


def test_a_damaged_model_does_not_serve_and_the_log_says_why(
    settings: Config,
    archive: Archive,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_cases(monkeypatch, {"starry_sky": cases()})
    kept = learn(settings, archive, NOW, STARS)[0].model
    model_folder.promote(settings, "starry_sky", kept, force=True)
    path = settings.learning.folder / "starry_sky" / kept / "model.skops"
    path.write_bytes(path.read_bytes()[:-10])

    with caplog.at_level(logging.WARNING):
        models = models_in_force(settings)

    assert models.names["starry_sky"] == SHIPPED
    assert any(kept in reason for reason in models.refused)
    assert f"a model is refused, {SHIPPED} serves" in caplog.text
    card = next(card for card in model_cards(models) if card.phenomenon == "starry_sky")
    assert card.name == SHIPPED
    assert len(card.refused) == 1


def test_a_card_that_cannot_be_shown_stops_no_bulletin(tmp_path: Path) -> None:
    models = open_models(tmp_path)
    served = models.served["starry_sky"]
    assert served.card is not None
    odd: Any = replace(
        served, card=replace(served.card, scores={"cases": "many"}, made="yesterday")
    )

    shown = model_cards(Models(models.by_phenomenon, models.names, {}, {"starry_sky": odd}))

    assert (shown[0].name, shown[0].trained) == (served.name, False)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"starry_sky": {"gfs": -1}}', '{"no_such": {"gfs": 1}}', '{"starry_sky": 3}'],
)
def test_with_impossible_shares_all_models_count_alike(tmp_path: Path, text: str) -> None:
    (tmp_path / SHARES).write_text(text)

    assert read_shares(tmp_path) == {}
    assert open_models(tmp_path).shares == {}


def test_shares_are_kept_for_the_blend(
    settings: Config, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = {"starry_sky": {"gfs": 0.9, "ifs": 1.1}}
    monkeypatch.setattr(verify, "shares", lambda *_: result)

    train.renew_shares(settings, archive, NOW)

    assert models_in_force(settings).shares == result


def test_a_run_that_contributed_to_an_issue_is_not_trained_on_again_as_a_hindcast(
    settings: Config, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    day, window = date(2026, 11, 20), datetime(2026, 11, 20, 12, tzinfo=UTC)
    issued, old = (
        RunForecast(
            "",
            run + timedelta(hours=4),
            "gfs",
            run,
            "lingshan",
            "starry_sky",
            day,
            window,
            {"humidity_at_site": value},
        )
        for run, value in (
            (datetime(2026, 11, 20, tzinfo=UTC), 0.4),
            (datetime(2026, 11, 19, tzinfo=UTC), 0.9),
        )
    )
    again = replace(issued, values={"humidity_at_site": 0.5})  # the same run, worked out once more
    monkeypatch.setattr(PastForecasts, "run_forecasts", lambda *_: [issued])
    monkeypatch.setattr(Hindcasts, "run_forecasts", lambda *_: [again, old])
    Outcomes(archive).keep([Outcome("starry_sky", "lingshan", day, 1.0, "observer")], NOW)

    data, afterwards = cases_of(settings, archive, "starry_sky", lambda _: math.nan)

    assert afterwards == 1
    assert data.columns(["humidity_at_site"])[:, 0].tolist() == [0.4, 0.9]
    assert data.weight.sum() == pytest.approx(1.0)  # one event, one observer's word


def test_the_commands_say_what_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "promote", "sea_of_clouds"]) == 2
    assert main(["transfer-test", "labels.csv", "forecasts.json"]) == 2
    assert main(["transfer-test", "labels.csv", "forecasts.json", "--mountain", "*:40,115"]) == 2

    printed = capsys.readouterr().err
    assert "models promote needs PHENOMENON ID" in printed
    assert "--mountain NAME:LAT,LON,HEIGHT,VALLEY" in printed


def example_card() -> Card:
    """The card of the fit for a sea of clouds that was shipped once."""
    path = Path(__file__).parents[2] / "docs" / "example_model_card.json"
    return read_card(path.read_text(encoding="utf-8"))


def test_the_transfer_test_runs_from_the_command_line(
    shared: Path, config: Config, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = [str(shared / "cloud_sea" / name) for name in ("labels.csv", "forecast_days.json.gz")]

    assert main(["transfer-test", *files, "--mountain", "wunvshan:41.320,125.408,804,300"]) == 0

    printed = capsys.readouterr().out
    assert "n=67" in printed  # 68 labels, one without a forecast
    assert "rule" in printed
    assert "Brier" in printed


def test_the_page_says_what_was_left_out_and_how_sure_the_gain_is(tmp_path: Path) -> None:
    model = PhysicsRule("sea_of_clouds").ready()
    served = Served(model, "example", example_card())
    models = replace(open_models(tmp_path), served={"sea_of_clouds": served})
    (card,) = model_cards(models)
    zone = ZoneInfo("Asia/Shanghai")

    zh, en = (card_text(card, {}, False, Words(language, zone)) for language in ("zh", "en"))

    assert zh.left_out == "mountain"
    assert Words("zh", zone)("model_card.folds.mountain") == "用未参加训练的山检验"
    assert zh.notes == (("zh", card.note_zh),)  # no paragraph in English
    assert en.notes[0] == ("en", card.note)
    assert {row[0] for row in zh.rows} >= {"五女山", "黄丫口"}
    assert "four-state score on 86 cases was 0.258" in en.sentences[-2]
    assert "of 70% and more are unproven" in en.sentences[-1]
    assert "wunvshan" not in " ".join(zh.sentences)


@pytest.mark.parametrize(
    ("gain", "sentence"),
    [
        ((0.010, 0.016), "+0.010 to +0.016 (90% confidence interval): significant."),
        (
            (-0.004, 0.002),
            "\N{MINUS SIGN}0.004 to +0.002 (90% confidence interval): not significant.",
        ),
        ((-0.004, -0.001), "(90% confidence interval): significantly worse."),
    ],
)
def test_the_page_says_how_sure_a_gain_is(
    gain: tuple[float, float], sentence: str, tmp_path: Path
) -> None:
    (card,) = (c for c in model_cards(open_models(tmp_path)) if c.phenomenon == "starry_sky")
    assert card.whole is not None
    other = replace(card, whole=replace(card.whole, gain=gain, brier_of_base=0.1))

    en = card_text(other, {}, False, Words("en", ZoneInfo("Asia/Shanghai")))

    assert any(sentence in each for each in en.sentences)
    assert any("no worse than the model" in each for each in en.sentences)


def test_mornings_outside_the_days_fitted_on_raise_no_warning() -> None:
    card = example_card()

    assert score.fitted_among([("wunvshan", date(2027, 5, 1))], card) == []
    (warning,) = score.fitted_among([("wunvshan", date(2026, 5, 1))], card)
    assert warning.startswith("WARNING wunvshan")
    assert "they are among those it was fitted on" in warning
    assert score.fitted_among([("mountain", date(2026, 5, 1))], card)[0].startswith(
        "note: mountain: 1 of these mornings"
    )
    assert score.fitted_among([("wunvshan", date(2026, 5, 1))], None) == []


def test_training_results_are_kept_as_data_too(
    settings: Config, archive: Archive, tmp_path: Path
) -> None:
    learn(settings, archive, NOW)

    kept = json.loads((settings.learning.folder / model_folder.RESULTS_FILE).read_text())

    assert kept["at"] == NOW.isoformat()
    assert len(kept["said"]) == len(PHENOMENA)
    assert "last training" in "\n".join(model_folder.listing(settings))


def test_the_help_of_the_transfer_test_names_the_columns_of_the_labels() -> None:
    labels = get_type_hints(score.transfer_test, include_extras=True)["labels"]

    assert "date, status" in labels.__metadata__[0].help
