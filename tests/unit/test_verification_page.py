"""Does the verification page show the scores in plain words, and none with too few cases?"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from forecast.domain import Name
from forecast.model_description import WORTH_KINDS, LeadScore, LeadWorth, ModelCard
from forecast.verification import (
    EVENTS_NEEDED,
    EventCounts,
    EventMark,
    Figure,
    PhenomenonRecord,
    ReliabilityBin,
    ScoreLine,
    Verification,
)
from products.bulletin import Bulletin
from products.channels import render
from products.charts.event_strip import event_strip, legend_sign
from products.charts.skill_by_lead import skill_by_lead
from products.pages.verification import (
    COLUMNS,
    how_often,
    last_month,
    multiplicity,
    record_text,
    skill_text,
    summary,
)
from products.wording import Words
from tests.e2e.sample_bulletin import sample_bulletin, sample_config

TODAY = date(2026, 11, 22)
ZH, EN = (Words(language, sample_config().zone) for language in ("zh", "en"))
NAMES = {"lingshan": Name("灵山晚霞", "Lingshan Sunset")}


def line(
    enough: bool = True, dimension: str = "phenomenon", name: str = "sunset_glow", **more: object
) -> ScoreLine:
    skills = {
        "climatology": Figure(0.25, 0.1, 0.4, 60),
        "persistence": Figure(0.5, -0.1, 0.7, 59),
        "rule": Figure(math.nan),
    }
    brier = Figure(0.15, 0.1, 0.2, 60)
    made = ScoreLine(
        dimension,
        name,
        "sunset_glow",
        60,
        60,
        21,
        brier,
        0.01,
        0.08,
        0.22,
        skills,
        0.8,
        15,
        6,
        5,
        34,
        enough,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def record(enough: bool = True, **more: object) -> PhenomenonRecord:
    month = EventCounts(date(2026, 10, 1), date(2026, 10, 31), 9, 2, 3, 17)
    marks = tuple(
        EventMark("lingshan", TODAY - timedelta(days=k), k % 4 < 2, k % 2 == 0)
        for k in range(1, 31)
    )
    bins = (
        (
            ReliabilityBin(0.1, 0.15, 30, 0.05, 0.2, 0.05, 0.4),
            ReliabilityBin(0.7, 0.3, 30, 0.5, 0.85, 0.41, 0.9),
        )
        if enough
        else ()
    )
    roc = ((0.0, 0.0), (0.2, 0.7), (1.0, 1.0)) if enough else ()
    band = ((0.05, 0.0, 0.1), (0.4, 0.3, 0.5), (0.9, 0.8, 1.0)) if enough else ()
    made = PhenomenonRecord(
        "sunset_glow",
        line(enough),
        month,
        marks,
        bins,
        roc,
        {"observer": 40, "analysis": 20},
        band,
        0.32 if enough else math.nan,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def verification(*records: PhenomenonRecord) -> Verification:
    lines = tuple(
        line(dimension=d, name=n)
        for d, n in (
            ("site", "lingshan"),
            ("lead", "3"),
            ("lead", "0"),
            ("season", "autumn"),
            ("source", "observer"),
        )
    )
    return Verification(date(2026, 9, 1), TODAY, 0.3, 30, 400, 60, 4, records, lines)


@pytest.fixture(scope="module")
def bulletin() -> Bulletin:
    return sample_bulletin()


def page_of(bulletin: Bulletin, language: str = "") -> str:
    made = {
        page.path: str(page.body)
        for page in render(bulletin, "web")
        if page.path.endswith("verification/index.html")
    }
    return made[f"{language}verification/index.html"]


def test_last_month_is_one_sentence() -> None:
    assert last_month(record(), ZH) == "上月（10月）预报出现12站次，其中实际出现9站次；漏报2站次。"
    assert (
        last_month(record(), EN)
        == "Last month (Oct): forecast on 12 site-days, observed on 9 of them; "
        "missed on 2 site-days."
    )


@pytest.mark.parametrize(("tally", "shown"), [
    ((0, 0, 0, 0), "没有可检验的预报"), ((0, 2, 0, 9), "没有预报出现；漏报2站次"),
    ((3, 0, 0, 9), "预报出现3站次，其中实际出现3站次；无漏报"),
])  # fmt: skip
def test_a_month_without_forecasts_or_misses_says_so(
    tally: tuple[int, int, int, int], shown: str
) -> None:
    assert shown in last_month(
        record(month=EventCounts(date(2026, 10, 1), date(2026, 10, 31), *tally)), ZH
    )


@pytest.mark.parametrize(("figure", "shown"), [
    (Figure(0.25, 0.1, 0.4, 60), "优于历史平均频率：误差减小25%（90%置信区间10%至40%）"),
    (Figure(-0.25, -0.4, -0.1, 60), "误差增大25%（90%置信区间10%至40%）"),
    (Figure(0.25, -0.1, 0.4, 60), "差异尚不明显"), (Figure(0.25, cases=7), "差异尚不明显（7站次"),
    (Figure(math.nan), ""),
])  # fmt: skip
def test_skill_is_described_as_its_interval_allows(figure: Figure, shown: str) -> None:
    assert shown in skill_text("climatology", figure, ZH)
    assert bool(skill_text("climatology", figure, EN)) == figure.known


def test_few_cases_give_their_number_and_no_score() -> None:
    content = record_text(record(enough=False), verification(), NAMES, ZH, TODAY)

    assert (content.enough, content.skills, content.diagram) == (False, (), None)
    assert "60站次" in content.sentences[0]
    assert "满30站次" in content.sentences[0]
    assert content.strip is not None  # forecasts and outcomes may be shown however few


def test_a_score_that_rests_on_analyses_alone_says_so() -> None:
    alone = record_text(record(sources={"analysis": 60}), verification(), NAMES, ZH, TODAY)
    mixed = record_text(record(), verification(), NAMES, ZH, TODAY)

    assert any("不同于实地观测" in sentence for sentence in alone.sentences)
    assert not any("不同于实地观测" in sentence for sentence in mixed.sentences)


def test_the_table_has_a_column_for_each_head_and_days_ahead_in_order() -> None:
    content = record_text(record(), verification(), NAMES, ZH, TODAY)

    assert [name for name, _ in content.rows] == [
        "提前0天",
        "提前3天",
        "灵山晚霞",
        "秋季",
        "观察员",
    ]
    assert all(len(cells) == len(COLUMNS) - 1 for _, cells in content.rows)


def test_the_diagram_shows_by_shape_what_lies_outside_the_band_of_chance() -> None:
    drawn = record_text(record(), verification(), NAMES, EN, TODAY).diagram

    tree = ElementTree.fromstring(str(drawn))
    circles = [e.get("class") for e in tree.iter("{http://www.w3.org/2000/svg}circle")]
    assert circles == ["c-dot", "c-dot-hollow"]
    assert "mean forecast 70% on 30 site-days, observed on 30%" in "".join(tree.itertext())


def test_the_roc_curve_is_drawn_with_its_area_and_count_where_there_is_one() -> None:
    drawn = record_text(record(), verification(), NAMES, ZH, TODAY).roc

    assert "AUC 0.80（60站次）" in "".join(ElementTree.fromstring(str(drawn)).itertext())
    assert record_text(record(enough=False), verification(), NAMES, ZH, TODAY).roc is None


def test_the_strip_shows_four_kinds_by_four_shapes_and_in_words() -> None:
    marks = tuple(
        EventMark("lingshan", TODAY - timedelta(days=k), content, observed)
        for k, (content, observed) in enumerate(
            [(True, True), (True, False), (False, True), (False, False)], 1
        )
    )

    drawn = str(
        event_strip(
            (*marks, EventMark("lingshan", TODAY - timedelta(days=40), True, True)),
            NAMES,
            EN,
            "Glow",
            "sunset_glow",
            TODAY,
        )
    )

    assert [
        drawn.count(f'class="{kind}"') for kind in ("c-hit", "c-false-alarm", "c-miss", "c-quiet")
    ] == [1, 1, 1, 1]
    assert "1 hits, 1 false alarms, 1 misses, 1 correct negatives" in drawn
    assert 'aria-hidden="true"' in legend_sign("hits")


@pytest.mark.parametrize("language", ["", "en/"])
def test_the_page_stands_in_each_language_and_every_page_links_to_it(
    bulletin: Bulletin, language: str
) -> None:
    content = replace(bulletin, verification=verification(record()))

    page = page_of(content, language)

    assert ("上月（10月）预报出现12站次，其中实际出现9站次" in page) is (language == "")
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg" class="c-chart"') == 4
    assert not re.search(r"style=|<style", page)
    others = [str(p.body) for p in render(content, "web") if p.path.endswith(".html")]
    assert all("verification/index.html" in each for each in others)


def test_without_a_verification_the_page_says_what_is_to_come(bulletin: Bulletin) -> None:
    assert EVENTS_NEEDED == 30
    for content in (bulletin, replace(bulletin, verification=replace(verification(), cases=0))):
        page = page_of(content)

        assert "暂无可检验的预报" in page
        assert "满30站次" in page
        assert "<svg xmlns" not in page
        assert summary(content, ZH).records == ()


SVG = "{http://www.w3.org/2000/svg}"


def leads(*skills: Figure, phenomenon: str = "sunset_glow") -> tuple[ScoreLine, ...]:
    """Return lines of 0, 1, 2 ... days ahead with these skills against climatology."""
    return tuple(
        line(
            dimension="lead",
            name=str(day),
            phenomenon=phenomenon,
            skills={**line().skills, "climatology": skill},
            right=Figure(0.9 - 0.05 * day, 0.5, 1.0, 60),
            persistence=Figure(-0.2, -0.3, -0.1, 60),
        )
        for day, skill in enumerate(skills)
    )


def test_skill_by_lead_shows_by_shape_which_leads_are_surely_better() -> None:
    shown = leads(Figure(0.4, 0.3, 0.5, 60), Figure(0.1, -0.1, 0.2, 60))

    drawn = skill_by_lead(shown, EN, "Glow", "sunset_glow")

    tree = ElementTree.fromstring(str(drawn))
    circles = [e.get("class") for e in tree.iter(f"{SVG}circle")]
    assert circles == ["c-dot", "c-dot-open"]
    heights = [float(e.get("cy") or 0) for e in tree.iter(f"{SVG}circle")]
    assert heights == sorted(heights)  # less skill lies lower
    text = "".join(tree.itertext())
    assert "0 days ahead 0.40 (0.30 to 0.50, n=60)" in text
    assert str(drawn).count("c-interval") == 6  # a bar and two ends at each lead
    assert str(drawn).count("c-persistence") == 4  # a cross at each lead


def test_leads_with_too_few_cases_are_not_drawn() -> None:
    few = tuple(replace(each, enough=False) for each in leads(Figure(0.4, 0.3, 0.5, 60)))

    assert skill_by_lead(few, ZH, "Glow", "sunset_glow") is None
    assert skill_by_lead((), ZH, "Glow", "sunset_glow") is None


def test_from_too_few_spells_of_weather_the_page_says_that_nothing_follows_for_the_leads(
    bulletin: Bulletin,
) -> None:
    """A month has six spells of five days; an interval takes eight."""
    month, year = (
        leads(*[Figure(0.4, *bounds, 60)] * 3) for bounds in ((math.nan, math.nan), (0.3, 0.5))
    )
    for lines, told in ((month, True), (year, False)):
        found = replace(verification(record()), lines=lines)
        text = record_text(found.records[0], found, NAMES, EN, TODAY)

        assert (text.by_lead is None) is told
        assert (EN("verification.by_lead_few") in text.skills) is told
        place = text.columns.index("climatology") - 1
        rows = [
            cells[place] for group, cells in text.rows if group == EN("verification.lead", days="2")
        ]
        assert rows == [EN("time.none") if told else "0.40 [0.30, 0.50]"]
    alone = replace(
        verification(),
        lines=tuple(replace(each, phenomenon="starry_sky", right=Figure(0.9)) for each in month),
    )
    assert how_often(replace(bulletin, verification=alone, models_in_force=()), EN) == ""


def test_a_skill_far_below_zero_stays_inside_the_chart() -> None:
    drawn = skill_by_lead(leads(Figure(-3.0, -5.0, -2.0, 60)), ZH, "Glow", "sunset_glow")

    [dot] = ElementTree.fromstring(str(drawn)).iter(f"{SVG}circle")
    assert 30 <= float(dot.get("cy") or 0) <= 200


@pytest.mark.parametrize("kind", WORTH_KINDS)
def test_the_page_says_which_lead_scales_are_measured_and_which_borrowed(
    bulletin: Bulletin, kind: str
) -> None:
    card = ModelCard("sunset_glow", "rule", worth=LeadWorth(4.6, kind, "an archive"))
    content = replace(bulletin, models_in_force=(card,))

    for language, word in (("", "4.6天后减半"), ("en/", "halves after 4.6 days")):
        assert word in page_of(content, language)
        assert word in page_of(replace(content, verification=verification(record())), language)
    borrowed = "借用相近要素" in page_of(content)
    assert borrowed is (kind == "borrowed")


def test_the_forecasters_changes_have_a_column_only_where_there_are_any() -> None:
    changed = {**line().skills, "machine": Figure(0.2, 0.1, 0.3, 12)}
    found = verification(record())
    with_changes = replace(
        found, lines=(line(dimension="lead", name="0", skills=changed), *found.lines)
    )

    plain = record_text(record(), found, NAMES, EN, TODAY)
    more = record_text(record(line=line(skills=changed)), with_changes, NAMES, EN, TODAY)

    assert plain.columns == COLUMNS
    assert more.columns == (*COLUMNS[:7], "machine", *COLUMNS[7:])
    assert [cells[6] for _, cells in more.rows][:2] == ["0.20 [0.10, 0.30]", EN("time.none")]
    assert any("that a forecaster changed" in sentence for sentence in more.skills)


def test_the_page_says_in_sum_what_the_forecasters_changes_are_worth(bulletin: Bulletin) -> None:
    found = verification(record())
    skills = {**line().skills, "machine": Figure(0.2, 0.1, 0.3, 12)}
    every = replace(line(name="", skills=skills), phenomenon="")

    plain = page_of(replace(bulletin, verification=found))
    more = page_of(replace(bulletin, verification=replace(found, lines=(every, *found.lines))))

    said = "预报员订正过的12份预报已有实况：订正后误差减小20%（90%置信区间10%至30%）。"
    assert said not in plain
    assert said in more


def test_the_page_says_how_many_comparisons_differ_by_chance() -> None:
    text = multiplicity(verification(record()), EN)

    # five groups, each better than climatology beyond its interval; a tenth of five, rounded up
    assert text.startswith("5 groups are compared with climatology on this page: 5 are better")
    assert "about 1 would" in text


@pytest.mark.parametrize(
    ("chance", "shown"), [(0.32, "就现有样本看概率可靠"), (0.01, "概率不够可靠")]
)
def test_reliability_is_tested_in_words(chance: float, shown: str) -> None:
    content = record_text(record(chance=chance), verification(), NAMES, ZH, TODAY)

    assert any(shown in sentence for sentence in content.skills)


def test_the_index_says_how_often_it_was_right_from_its_own_cases(bulletin: Bulletin) -> None:
    lines = leads(*[Figure(0.4, 0.3, 0.5, 60)] * 7, phenomenon="starry_sky")
    content = replace(bulletin, verification=replace(verification(), lines=lines))

    assert how_often(content, ZH) == (
        "星空预报（有或无）报对的比例：当晚90%、提前三天75%、提前一周60%"
        "（若始终报多见的一种为65%；据已检验的180份预报）。"
    )
    page = next(str(p.body) for p in render(content, "web") if p.path == "index.html")
    assert how_often(content, ZH) in page


def test_before_it_has_cases_the_index_says_where_the_figures_are_from(bulletin: Bulletin) -> None:
    scores = tuple(
        LeadScore(day, 870, 335, right, 0.62, Figure(0.4, 0.3, 0.5, 870))
        for day, right in ((0, 0.82), (3, 0.77), (7, 0.66))
    )
    card = ModelCard("starry_sky", "clear-nights", "night", by_lead=scores)

    told = how_often(replace(bulletin, models_in_force=(card,)), EN)

    assert "tonight 82%, three days ahead 77%, a week ahead 66%" in told
    assert "Not yet verified here" in told
    assert "2610 real forecasts elsewhere" in told
    assert how_often(replace(bulletin, models_in_force=()), EN) == ""


@pytest.mark.parametrize(("lacking", "told"), [(False, "82%"), (True, "74%")])
def test_the_index_tells_the_record_of_the_variant_that_answers(
    bulletin: Bulletin, lacking: bool, told: str
) -> None:
    """Without an ensemble there is no rain probability, and the record is that without one."""

    def scores(right: float) -> tuple[LeadScore, ...]:
        return (LeadScore(0, 870, 335, right, 0.62, Figure(0.4, 0.3, 0.5, 870)),)

    card = ModelCard(
        "starry_sky", "clear-nights", "night", by_lead=scores(0.82), by_lead_bare=scores(0.74)
    )
    missing = ("feature:night_rain_probability",) if lacking else ()
    sections = tuple(
        replace(section, days=tuple(
            replace(day, entries=tuple(
                replace(entry, forecast=replace(entry.forecast, missing=missing))
                for entry in day.entries
            ))
            for day in section.days
        ))
        for section in bulletin.sections
    )  # fmt: skip

    said = how_often(replace(bulletin, sections=sections, models_in_force=(card,)), EN)

    assert f"tonight {told}" in said


def test_of_many_sites_those_with_the_most_events_have_a_row_and_the_page_says_so() -> None:
    sites = [f"site{n:03}" for n in range(300)]
    names = {site: Name(site, site) for site in sites}
    lines = tuple(line(dimension="site", name=s, events=n) for n, s in enumerate(sites))
    marks = tuple(EventMark(site, TODAY - timedelta(days=1), True, True) for site in sites)
    found = replace(verification(record()), lines=lines)

    text = record_text(record(marks=marks), found, names, EN, TODAY)

    assert [name for name, _ in text.rows] == sites[-10:]
    assert text.strip is not None
    assert [site for site in sites if f"{site}: " in text.strip] == sites[-10:]
    assert text.sites.startswith("Of 300 sites, the 10 with the most events")
    assert record_text(record(), verification(), NAMES, EN, TODAY).sites == ""


def test_a_site_that_the_settings_no_longer_have_is_named_by_its_id() -> None:
    gone = verification(record())
    gone = replace(gone, lines=(line(dimension="site", name="closed_hill"),))

    assert [name for name, _ in record_text(record(), gone, NAMES, EN, TODAY).rows] == [
        "closed_hill"
    ]
