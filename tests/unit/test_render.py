"""Do the pages show the bulletin, safely, in each channel's own form?"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import jinja2
import jsonschema
import pytest
from markupsafe import Markup

from forecast.config import Config
from forecast.domain import Reason
from forecast.errors import ConfigError
from forecast.quantities import FEATURES
from forecast.review import Review
from forecast.settings import CHANNELS, NameSettings
from products.bulletin import Bulletin
from products.channels import posters, render, web
from products.channels.api import quantities
from products.charts import Drawn
from products.composition import Supplement, compose
from products.pages import templating
from products.pages.json_page import number
from products.pages.phrases import Phrases
from products.pages.renderer import PageRenderer
from products.pages.templating import TEMPLATES, environment
from products.wording import LANGUAGES
from tests.e2e.sample_bulletin import ATTRIBUTION, sample_bulletin, sample_config, sample_parts

FILES = (".png", ".zip")  # no text
HOSTILE = "<script>alert(1)</script>\"'{{ 7 * 7 }}&"


def rendered(config: Config, review: Review | None = None) -> dict[str, str]:
    bulletin = sample_bulletin(config, review)
    made = [p for channel in CHANNELS if channel != "posters" for p in render(bulletin, channel)]
    made = [page for page in made if not page.path.endswith(FILES)]
    return {
        page.path: page.body if isinstance(page.body, str) else page.body.decode() for page in made
    }


@pytest.fixture(scope="module")
def site() -> dict[str, str]:
    return rendered(sample_config())


@pytest.fixture(scope="module")
def bulletin() -> Bulletin:
    return sample_bulletin()


class Tags(HTMLParser):
    """Collects the tags of a page, their attributes and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def named(self, tag: str) -> Iterator[dict[str, str]]:
        return (attributes for name, attributes in self.tags if name == tag)


def test_a_release_has_every_page_of_the_layout(site: dict[str, str]) -> None:
    sites = [s.id for s in sample_config().sites]
    wanted = {"index.html", "archive/index.html", "wechat/article.html", "sms.txt"}
    wanted |= {f"sites/{s}/index.html" for s in sites} | {f"display/{s}.html" for s in sites}
    wanted |= {f"en/{path}" for path in wanted}
    wanted |= {
        "api/v1/forecasts.json",
        "api/v1/schema.json",
        "api/v1/status.json",
        "static/skyscape.css",
        "static/skyscape.js",
    }

    assert wanted - site.keys() == set()
    assert [path for path in site if path.startswith("/") or ".." in path] == []


def test_a_page_is_the_same_with_and_without_that_of_the_other_language(
    site: dict[str, str], bulletin: Bulletin
) -> None:
    for section in bulletin.sections:
        path = f"sites/{section.site.id}/index.html"
        alone = PageRenderer(bulletin, "en").page("web/site.html", path, section=section)
        assert alone.body == site[alone.path]


def test_nothing_drawn_for_a_page_is_kept(bulletin: Bulletin) -> None:
    drawn: Drawn = {}
    renderers = [PageRenderer(bulletin, language, drawn) for language in LANGUAGES]

    made = list(web.pages_of(bulletin.sections[0], renderers))

    assert len(made) == len(LANGUAGES)
    assert drawn == {}


def test_every_link_of_a_page_is_relative_and_leads_to_a_file_of_the_release(
    site: dict[str, str], bulletin: Bulletin
) -> None:
    dead = []
    pictures = {path for path, _ in posters.pictures(bulletin)}
    for path, page in site.items():
        if not path.endswith(".html"):
            continue
        for tag, attributes in Tags(page).tags:
            target = (
                attributes.get("href") or attributes.get("src")
                if tag in ("a", "link", "script", "img")
                else None
            )
            if not target or target.startswith(("#", "data:")):
                continue
            found = posixpath.normpath(
                posixpath.join(posixpath.dirname(path), target.partition("#")[0])
            )
            drawn = found in pictures  # they are not rendered here
            if not drawn and found not in site and not found.startswith("../archive/gfs-"):
                dead.append((path, target))

    assert dead == []


def test_the_archive_links_to_earlier_issues_beside_the_release(site: dict[str, str]) -> None:
    assert 'href="../../archive/gfs-2026112112/index.html"' in site["archive/index.html"]
    assert 'href="../../../archive/gfs-2026112112/en/index.html"' in site["en/archive/index.html"]


def test_every_page_of_a_demonstration_says_so_in_its_own_language(site: dict[str, str]) -> None:
    for path, page in site.items():
        if path.endswith((".html", ".txt")):
            assert ("DEMONSTRATION" if path.startswith("en/") else "演示数据") in page, path
    assert json.loads(site["api/v1/forecasts.json"])["status"] == "demonstration"


def test_without_an_issuing_body_every_page_is_an_internal_trial() -> None:
    for path, page in rendered(sample_config(demonstration=False)).items():
        if path.endswith((".html", ".txt")):
            assert ("INTERNAL TRIAL" if path.startswith("en/") else "内部试用") in page, path
            assert "演示数据" not in page, path


def test_an_official_bulletin_names_its_bodies_and_carries_no_mark() -> None:
    config = sample_config(demonstration=False)
    bodies = (NameSettings(zh="某气象台", en="An Observatory"),)
    issuer = config.issuer.model_copy(update={"bodies": bodies})

    made = rendered(config.model_copy(update={"issuer": issuer}))

    assert "某气象台" in made["index.html"]
    assert "某气象台" in made["wechat/article.html"]
    assert not any(
        "内部试用" in made[path] for path in ("index.html", "wechat/article.html", "sms.txt")
    )


def test_a_signed_text_message_names_its_bodies_and_its_forecaster() -> None:
    config = sample_config(demonstration=False)
    bodies = (NameSettings(zh="某气象台", en="An Observatory"),)
    issuer = config.issuer.model_copy(update={"bodies": bodies})

    made = rendered(config.model_copy(update={"issuer": issuer}), Review(person="王某"))

    assert "某气象台11月22日16时10分发布，第42期，签发：王某。" in made["sms.txt"]
    assert "An Observatory, issued 22 Nov, 16:10." in made["en/sms.txt"]
    # its letters would make of three parts seven
    assert "王某" not in made["en/sms.txt"]


def test_without_the_weather_of_the_days_no_channel_gives_the_all_clear() -> None:
    config = sample_config()
    issue, forecasts, features, almanacs = sample_parts(config)
    blind = compose(
        issue, forecasts, replace(features, weather={}), almanacs, config, Supplement(ATTRIBUTION)
    )

    made = {page.path: page.body for channel in CHANNELS for page in render(blind, channel)}

    # these are not of a day to come
    past = tuple(
        f"{en}{page}/"
        for en in ("", "en/")
        for page in ("archive", "verification", "models", "subscribe", "developers")
    )
    shown = {
        path: str(body)
        for path, body in made.items()
        if path.endswith((".html", ".txt")) and not path.startswith(past)
    }
    for path, page in shown.items():
        assert "未见" not in page, path
        assert not re.search("none expected|hazards expected|No thunder", page), path
        wanted = (
            ("not assessed", "Not assessed") if path.startswith("en/") else ("无法判断", "暂未判断")
        )
        assert any(words in page for words in wanted), path
    data = json.loads(str(made["api/v1/forecasts.json"]))
    assert (data["alerts"], data["alerts_complete"], data["covered_until"]) == ([], False, None)


def test_the_data_have_the_end_of_the_cover(site: dict[str, str]) -> None:
    data = json.loads(site["api/v1/forecasts.json"])

    assert data["alerts_complete"] is False
    # the sample's run says nothing of the 28th
    assert data["covered_until"] == "2026-11-27T16:00:00Z"
    assert [gap["days"] for gap in data["unjudged"]] == [["2026-11-28"]]


# Contradictions, whatever the feature: nothing, stated as "only" so much; rain or wet on a frozen
# day.
ABSURD = re.compile(r"只透过0%|仅0\s?cm|云多，0%|云量0%，人可能在云中|有雨水|只有0\s?小时|降水0\.0")


def test_no_reason_of_the_pages_contradicts_its_number(bulletin: Bulletin) -> None:
    phrases = Phrases(bulletin, "zh")
    shown = [
        reason
        for e in bulletin.entries
        for sign in (1, -1)
        for reason in phrases.reasons(e.forecast, sign)
    ]

    assert len(shown) > 100
    assert [reason for reason in shown if ABSURD.search(reason)] == []


def test_a_strong_reason_against_stands_in_the_headline_of_a_good_chance(
    bulletin: Bulletin, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = next(
        e
        for e in bulletin.entries
        if e.forecast.event.phenomenon == "starry_sky" and e.forecast.grade >= 3
    )
    values = {"moon_illumination": 0.94, "moon_altitude": 40.0}
    reasons = (Reason("sky_cover", 0.02, 1.5), Reason("zenith_sky_brightness", 18.9, -1.2))
    forecast = replace(entry.forecast, reasons=reasons)
    phrases = Phrases(bulletin, "zh")
    monkeypatch.setattr(phrases, "values", lambda _: values)

    shown = phrases.why(forecast)

    assert shown == "夜间云量少，约2%；不利因素：月光明亮（月面94%），只见亮星。"


def test_a_site_name_is_text_wherever_it_appears() -> None:
    config = sample_config()
    hostile = NameSettings(zh=HOSTILE, en=HOSTILE)
    first = config.sites[0].model_copy(
        update={"name": hostile, "safety": hostile, "place": hostile}
    )

    made = rendered(config.model_copy(update={"sites": (first, *config.sites[1:])}))

    for path, page in made.items():
        if path.endswith(".html"):
            assert "<script>alert" not in page, path
            assert not any(
                name.startswith("on") for _, attributes in Tags(page).tags for name in attributes
            ), path
            assert HOSTILE not in page, path
    assert json.loads(made["api/v1/forecasts.json"])["sites"][0]["name"]["zh"] == HOSTILE


def test_no_page_needs_more_than_the_content_policy_allows(site: dict[str, str]) -> None:
    for path, page in site.items():
        # an article and a mail have inline styles only, and no policy
        if not path.endswith(".html") or "wechat" in path or "email" in path:
            continue
        tags = Tags(page)
        assert any("default-src 'none'" in a.get("content", "") for a in tags.named("meta")), path
        assert all(a.get("src") for a in tags.named("script")), f"{path}: inline script"
        assert not list(tags.named("style")), f"{path}: inline style sheet"
        assert [
            a for _, a in tags.tags if "style" in a or any(name.startswith("on") for name in a)
        ] == [], path


def test_headings_are_in_order_and_ids_are_unique(site: dict[str, str]) -> None:
    for path, page in site.items():
        if not path.endswith(".html"):
            continue
        tags = Tags(page).tags
        levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
        ids = [a["id"] for _, a in tags if "id" in a]

        assert levels[0] == 1, path
        if "display/" not in path:
            assert levels.count(1) == 1, path
            assert all(after - before <= 1 for before, after in pairwise(levels)), (path, levels)
        assert len(ids) == len(set(ids)), (path, sorted({i for i in ids if ids.count(i) > 1}))


def test_a_page_names_its_language(site: dict[str, str]) -> None:
    for path, page in site.items():
        if path.endswith(".html"):
            assert next(Tags(page).named("html"))["lang"] == (
                "en" if path.startswith("en/") else "zh-CN"
            ), path


def test_a_page_prints_its_cycle_its_issue_time_its_end_and_what_was_missing(
    site: dict[str, str], bulletin: Bulletin
) -> None:
    index, beyond = site["index.html"], dict(bulletin.missing)["beyond_data"]
    wanted = (
        "第42期",
        "2026年11月22日16时10分",
        "GFS 11月22日08时起报",
        "2026年11月23日08时10分",
        "美国国家环境预报中心（NCEP）",
    )

    for shown in (*wanted, f"这段时间没有模式资料（{beyond}项预报）"):
        assert shown in index


def test_the_white_wall_stands_beside_every_sea_of_clouds(
    site: dict[str, str], bulletin: Bulletin
) -> None:
    page = site["sites/jinding/index.html"]
    known = [
        e for e in bulletin.entries if e.forecast.event.site.id == "jinding" and e.forecast.states
    ]

    assert page.count("白墙") >= 2 * len(known)


def test_safety_comes_before_any_chance(site: dict[str, str]) -> None:
    """That of the event's own day; the week's before the chances of the week."""
    for path, own, week in (
        ("index.html", "当日风险", "全区本周安全提示"),
        ("sites/lingshan/index.html", "当日风险", "本景点本周安全提示"),
        ("en/index.html", "Risks ", "All sites, this week"),
        ("wechat/article.html", "安全提示", "安全提示"),
    ):
        page = site[path]
        assert page.index(own) < page.index("%</"), path
        table = page.find('class="matrix"')
        assert page.index(week) < (table if table >= 0 else page.index("%</")), path


def test_a_text_message_is_short_and_plain(site: dict[str, str]) -> None:
    shown = site["sms.txt"]

    assert len([line for line in shown.splitlines() if line]) == 2
    assert len(shown) <= 240  # this one names two marks, four dangers and a day without data
    assert len(shown) - len("演示数据，非真实天气。内部试用。") <= 225
    assert not re.search(r"[<>&]\w", shown)


def test_the_data_obey_their_published_schema(site: dict[str, str]) -> None:
    schema, data = (json.loads(site[f"api/v1/{name}.json"]) for name in ("schema", "forecasts"))
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(data, schema, cls=jsonschema.Draft202012Validator)


def test_what_is_not_known_is_null_in_the_data(site: dict[str, str]) -> None:
    assert "NaN" not in site["api/v1/forecasts.json"]
    unknown = [
        f
        for f in json.loads(site["api/v1/forecasts.json"])["forecasts"]
        if "beyond_data" in f["missing"]
    ]

    assert unknown
    assert all(f["probability"] is None and f["grade"] == 0 for f in unknown)


def test_the_sea_of_clouds_states_add_to_one_in_the_data(site: dict[str, str]) -> None:
    cloud_states = [
        f["states"] for f in json.loads(site["api/v1/forecasts.json"])["forecasts"] if f["states"]
    ]

    assert cloud_states
    # six digits each
    assert all(sum(states.values()) == pytest.approx(1, abs=1e-5) for states in cloud_states)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, None), (float("nan"), None), (float("inf"), None), (0.12345678, 0.123457), (2.0, 2.0)],
)
def test_a_number_of_the_data_has_six_digits_or_is_null(
    value: float | None, shown: float | None
) -> None:
    assert number(value) == shown


def test_a_screen_learns_from_the_status_whether_its_page_is_old(site: dict[str, str]) -> None:
    status = json.loads(site["api/v1/status.json"])

    assert status["issue"] == "gfs-2026112200"
    assert status["expires_at"] == "2026-11-23T00:10:00Z"


def test_rendering_the_same_bulletin_twice_gives_the_same_pages(site: dict[str, str]) -> None:
    assert rendered(sample_config()) == site


def test_an_undefined_name_in_a_template_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ nothing.at_all }}").render()


def test_a_broken_template_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch, bulletin: Bulletin
) -> None:
    broken = jinja2.Environment(
        loader=jinja2.DictLoader({"sms/bulletin.txt": "{{ gone }}"}),
        undefined=jinja2.StrictUndefined,
    )
    monkeypatch.setattr(templating, "environment", lambda: broken)

    with pytest.raises(ConfigError, match="sms"):
        list(render(bulletin, "sms"))


def test_a_template_cannot_reach_behind_its_values() -> None:
    with pytest.raises(jinja2.exceptions.SecurityError):
        environment().from_string("{{ ''.__class__.__mro__ }}").render()


# -- the look

TOKEN = re.compile(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6});")


def themes() -> list[dict[str, str]]:
    """The colour tokens of the night and of paper."""
    sheet = (TEMPLATES / "static" / "skyscape.css").read_text(encoding="utf-8")
    night = sheet.partition("@media print")[0]
    paper = sheet.partition("@media print")[2].partition("/* -- ground */")[0]
    return [dict(TOKEN.findall(night)), dict(TOKEN.findall(night)) | dict(TOKEN.findall(paper))]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_on_every_step_of_the_scale_can_be_read() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5:1."""
    for tokens in themes():
        for grade in range(6):
            assert contrast(tokens[f"grade-{grade}"], tokens[f"grade-{grade}-text"]) >= 4.5, grade
        for ground in ("ground", "sheet", "raised"):
            for text in ("ink", "ink-soft", "accent"):
                assert contrast(tokens[ground], tokens[text]) >= 4.5, (ground, text)
        assert contrast(tokens["alert-ground"], tokens["alert"]) >= 4.5
        assert contrast(tokens["alert-ground"], tokens["ink"]) >= 4.5
        assert contrast(tokens["accent"], tokens["on-accent"]) >= 4.5


def test_the_scale_reads_in_greyscale() -> None:
    """Monotone in lightness, and neighbours apart by at least 7 of the 100 steps of L* (1 is just
    noticeable).
    """
    for tokens in themes():
        lightness = [116 * luminance(tokens[f"grade-{g}"]) ** (1 / 3) - 16 for g in range(1, 6)]
        steps = [after - before for before, after in pairwise(lightness)]

        assert all(step > 0 for step in steps) or all(step < 0 for step in steps)
        assert min(abs(step) for step in steps) >= 7


def test_every_block_of_a_style_sheet_is_closed() -> None:
    for path in (TEMPLATES / "static").glob("*.css"):
        depth = 0
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert depth == 0 or not text.startswith("/*"), (
                f"{path.name}:{line}: a section begins inside a block"
            )
            depth += text.count("{") - text.count("}")
        assert depth == 0, path.name


def test_the_style_sheet_fetches_nothing_from_elsewhere() -> None:
    for path in (TEMPLATES / "static").glob("*.*"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//\w+\.\w+/|@import", text), path.name


def test_the_spread_of_the_deck_stands_beside_it(site: dict[str, str]) -> None:
    page = " ".join(re.sub(r"<[^>]+>", " ", site["en/sites/jinding/index.html"]).split())

    # Made up: 60 m below and 140 m above the value given, over four runs.
    spreads = re.findall(r"Cloud top ([\d,]+)\s?m ([\d,]+)\s?m–([\d,]+)\s?m over 4 runs", page)
    found = [[int(text.replace(",", "")) for text in texts] for texts in spreads]
    assert found
    assert all(
        high - low == pytest.approx(200, abs=10) and low < now < high for now, low, high in found
    )


@pytest.mark.parametrize(
    ("feature", "key"),
    [
        ("gust", "gust_m_s"), ("snow_class", "snow_class"),
        ("cold_resource", "cold_resource_count"), ("snow_ratio", "snow_ratio"),
        ("snow_ratio_low", "snow_ratio_low_ratio"),
        ("chance_of_5_cm", "chance_of_5_cm_probability"), ("snow_fraction", "snow_fraction"),
        ("precipitation_kind", "precipitation_kind_class"),
        ("valley_area_filled", "valley_area_filled_fraction"),
    ],
)  # fmt: skip
def test_a_key_of_the_api_ends_in_its_unit_or_in_the_kind_of_its_number(
    feature: str, key: str
) -> None:
    assert quantities({feature: 1.0}) == {key: 1.0}


def test_what_is_called_a_fraction_or_a_probability_lies_between_none_and_all() -> None:
    for name, feature in FEATURES.items():
        (key,) = quantities({name: 0.0})
        # air may be supersaturated
        if key.endswith(("_fraction", "_probability")) and "humidity" not in name:
            assert (feature.low, feature.high) == (0, 1), key


@pytest.mark.parametrize("prefix", ["", "en/"])
def test_the_sky_of_the_first_two_days_is_drawn_even_where_there_will_be_nothing(
    site: dict[str, str], bulletin: Bulletin, prefix: str
) -> None:
    named = ("starry_sky", "sea_of_clouds", "sunset_glow", "sunrise_glow")
    poor = [
        (section.site.id, entry.forecast)
        for section in bulletin.sections for day in section.days[:2] for entry in day.others
        if entry.forecast.event.phenomenon in named and entry.forecast.known
        and entry.forecast.grade == 1 and entry.evidence_at
    ]  # fmt: skip

    assert poor
    for place, forecast in poor:
        drawing = "-".join(forecast.event.key).replace("_", "-")
        folded = re.findall(
            r"<details>.*?</details>", site[f"{prefix}sites/{place}/index.html"], re.DOTALL
        )
        assert sum(f'id="{drawing}-title"' in part for part in folded) == 1, drawing


def test_every_drawing_of_every_page_has_a_title_and_a_description_or_is_silent(
    site: dict[str, str],
) -> None:
    bodies = [body for page, body in site.items() if page.endswith(".html")]
    drawings = [
        head for body in bodies for head in re.findall(r"<svg[^>]*>(?:<title.{0,900})?", body)
    ]
    charts = [head for head in drawings if 'class="c-chart"' in head]

    assert charts
    scenes = [head for head in drawings if 'class="scene"' in head]
    assert scenes
    # beside the words of a screen a scene says nothing that they do not
    told = [head for head in scenes if 'aria-hidden="true"' not in head]
    assert told
    assert all('role="img" aria-label="' in head for head in told)
    silent = [head for head in drawings if head not in charts and head not in scenes]
    assert all('aria-hidden="true"' in head for head in silent)
    for head in charts:
        title, description = re.search(r'aria-labelledby="(\S+) (\S+)"', head).groups()  # type: ignore[union-attr]
        assert re.search(
            rf'<title id="{title}">[^<]+</title><desc id="{description}">[^<]+</desc>', head
        ), head[:200]


def test_joined_texts_are_escaped_unless_they_are_markup() -> None:
    made = environment().from_string("{{ 'n' ~ 5 ~ name }} {{ bold ~ name }} {{ name ~ name }}")

    shown = made.render(name="<i>", bold=Markup("<b>"))

    assert shown == "n5&lt;i&gt; <b>&lt;i&gt; &lt;i&gt;&lt;i&gt;"
