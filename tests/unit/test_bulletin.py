"""Does a bulletin hold the right entries, in the right order?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from math import nan
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast.domain import DayWeather, Features, Forecast
from forecast.quantities import FEATURES
from forecast.science.almanac import almanacs
from forecast.settings import NameSettings
from products.bulletin import Bulletin
from products.channels import render as rendered
from products.channels.wechat import render
from products.composition import Supplement, compose
from products.pages.phrases import Phrases
from products.pages.renderer import PageRenderer
from products.safety import CLOSING, HAZARDS, assess_hazards, clothing, feature_of, hazards
from products.sections import Entry, Gap, Section, SiteDay
from products.short_message import message
from tests.e2e.sample_bulletin import (
    ATTRIBUTION,
    earlier_issues,
    sample_bulletin,
    sample_config,
    sample_parts,
)


@pytest.fixture(scope="module")
def bulletin() -> Bulletin:
    return sample_bulletin()


def entry(bulletin: Bulletin, site: str, phenomenon: str, day: int) -> Entry:
    return next(
        e
        for e in bulletin.entries
        if e.forecast.event.key == (site, phenomenon, date(2026, 11, day).isoformat())
    )


def entry_of(bulletin: Bulletin, forecast: Forecast) -> Entry:
    return next(e for e in bulletin.entries if e.forecast.event.key == forecast.event.key)


def composed(
    change: dict[tuple[str, str, str], float], weather: DayWeather | None = None
) -> Bulletin:
    """Compose the sample with other probabilities for some events, and one weather every day."""
    config = sample_config()
    issue, forecasts, features, almanacs = sample_parts(config)

    def changed(forecast: Forecast) -> Forecast:
        p = change.get(forecast.event.key, 0.05)
        return replace(
            forecast, probability=p, grade=1 + sum(p >= begin for begin in config.forecast.grades)
        )

    if weather is not None:
        features = replace(features, weather=dict.fromkeys(features.weather, weather))
    return compose(
        issue, [changed(f) for f in forecasts], features, almanacs, config, Supplement(ATTRIBUTION)
    )


def test_every_forecast_has_one_entry(bulletin: Bulletin) -> None:
    _, forecasts, _, _ = sample_parts(sample_config())

    assert sorted(e.forecast.event.key for e in bulletin.entries) == sorted(
        f.event.key for f in forecasts
    )


def test_a_site_speaks_of_its_phenomena_in_its_own_order(bulletin: Bulletin) -> None:
    section = bulletin.sections[0]

    shown = [e.forecast.event.phenomenon for e in section.days[1].entries]

    assert shown == list(section.site.phenomena)
    assert section.days[1].headline is section.days[1].entries[0]


def test_the_best_entries_are_the_likeliest_of_the_next_three_days_each_of_another_kind() -> None:
    # A perfect day lies beyond the three; of the three, the same phenomenon is good at two sites.
    made = composed(
        {
            ("baihuashan", "starry_sky", "2026-11-26"): 0.99,
            ("jinding", "sea_of_clouds", "2026-11-23"): 0.82,
            ("lingshan", "sea_of_clouds", "2026-11-23"): 0.75,
            ("jinding", "sunrise", "2026-11-23"): 0.71,
            ("zhaojiawa", "sunrise_glow", "2026-11-24"): 0.70,
        },
        whole(),
    )

    shown = [(e.forecast.event.site.id, e.forecast.event.phenomenon) for e in made.best]

    assert shown == [
        ("jinding", "sea_of_clouds"),
        ("zhaojiawa", "sunrise_glow"),
        ("jinding", "sunrise"),
    ]


def test_beside_one_that_is_worth_going_for_no_poor_one_is_the_best() -> None:
    good = ("jinding", "sea_of_clouds", "2026-11-23")
    poor = ("zhaojiawa", "sunrise_glow", "2026-11-24")
    nil = ("jinding", "sunrise", "2026-11-23")

    made = composed({good: 0.97, poor: 0.12, nil: 0.004}, whole())
    assert [e.forecast.event.phenomenon for e in made.best] == ["sea_of_clouds"]

    low = composed({good: 0.2, poor: 0.12, nil: 0.004}, whole())
    first, second, *_ = [e.forecast.event.phenomenon for e in low.best]
    assert (first, second) == ("sea_of_clouds", "sunrise_glow")
    # less than a percent is not the best of anything that is likelier
    assert min(e.forecast.probability for e in low.best) >= 0.01


@pytest.mark.parametrize(
    ("weather", "closing"),
    [
        ({"snow_water": 12.0, "precipitation": 12.0}, {"heavy_snow", "ice"}),
        ({"freezing_rain": 0.3, "precipitation": 0.3}, {"freezing_rain", "ice"}),
        ({"gust": 21.0}, {"gale"}),
        ({"convective_energy": 1800.0}, {"thunder"}),
        ({"precipitation": 1.0}, {"ice"}),
        ({"visibility": 120.0}, {"fog"}),
        ({"wind_chill": 240.0}, {"extreme_cold"}),
    ],
)
def test_a_day_on_which_roads_close_or_lives_are_in_danger_is_never_the_best(
    weather: dict[str, float], closing: set[str]
) -> None:
    # given the issue's case: snowfall is certain on a day of heavy snow
    certain = {("jinding", "snowfall", "2026-11-23"): 0.995}
    made = composed(certain, whole(**weather))

    assert {hazard.id for e in made.entries for hazard in e.hazards} == closing
    assert closing <= CLOSING.keys()
    assert made.best == ()
    assert made.best_withheld
    assert all(section.best is None for section in made.sections)
    assert not any(e.better for e in made.entries)


def test_an_alert_says_where_sites_do_not_share_its_days(bulletin: Bulletin) -> None:
    for alert in bulletin.outlook.alerts:
        there = {
            (section.site.id, day.day)
            for section in bulletin.sections
            for day in section.days
            if alert.hazard in {hazard.id for hazard in day.hazards}
        }
        assert alert.uniform is (len(there) == len(alert.sites) * len(alert.days))

    made = composed({}, whole(gust=21.0))
    [gale] = made.outlook.alerts
    zh, en = Phrases(made, "zh"), Phrases(made, "en")
    mixed = replace(gale, uniform=False)
    one = replace(mixed, sites=gale.sites[:1])
    assert (zh.where(gale), en.where(gale)) == ("各景点", "all sites")
    assert (zh.where(mixed), en.where(mixed)) == ("部分景点", "some sites")
    assert (zh.where(one), en.where(one)) == ("灵山（日期不一）", "Lingshan, on some of these days")


def test_a_likelier_day_that_is_dangerous_is_named_as_such() -> None:
    made = composed(
        {
            ("lingshan", "sunset_glow", "2026-11-23"): 0.05,
            ("lingshan", "sunset_glow", "2026-11-24"): 0.88,
        },
        whole(gust=21.0),
    )

    poor = entry(made, "lingshan", "sunset_glow", 23)
    assert poor.better is None
    assert poor.dangerous_better is not None
    assert poor.dangerous_better.event.day == date(2026, 11, 24)
    shown = {page.path: str(page.body) for page in rendered(made, "web")}
    for path, sentence in (
        ("sites/lingshan/index.html", "11月24日（周二）概率为88%，但有危险天气，不建议出行"),
        (
            "en/sites/lingshan/index.html",
            "Tue 24 Nov has 88%, but dangerous weather; travel is not recommended",
        ),
    ):
        assert sentence in shown[path]


def test_a_windy_day_may_be_recommended_with_its_hazard_beside_it() -> None:
    # the blue warning of wind warns visitors and closes no road
    made = composed({("jinding", "sea_of_clouds", "2026-11-23"): 0.9}, whole(gust=15.0))

    assert made.best[0].forecast.event.site.id == "jinding"
    assert [hazard.id for hazard in made.best[0].hazards] == ["wind"]
    assert not made.best_withheld


def test_of_the_next_days_only_those_without_a_closing_hazard_are_the_best(
    bulletin: Bulletin,
) -> None:
    # the sample: fog on the 23rd at two sites, a gale and snow on the 24th, ice on the 25th
    assert bulletin.best
    for chosen in bulletin.best:
        assert not {hazard.id for hazard in chosen.hazards} & CLOSING.keys()
    for chosen in bulletin.entries:
        if chosen.better is not None:
            better = entry_of(bulletin, chosen.better)
            assert not {hazard.id for hazard in better.hazards} & CLOSING.keys()


def test_a_hazard_that_is_not_assessed_is_named_beside_the_best() -> None:
    made = composed(
        {("jinding", "sea_of_clouds", "2026-11-23"): 0.9}, replace(whole(), covered=0.5)
    )

    assert made.best
    assert set(made.best[0].not_assessed) == HAZARDS.keys()


def test_snowmaking_is_never_the_best_of_the_nights() -> None:
    made = composed({("jiangshuihe", "snowmaking", "2026-11-23"): 0.99})

    assert "snowmaking" not in {e.forecast.event.phenomenon for e in made.best}


def test_beside_a_low_chance_stands_the_next_better_day(bulletin: Bulletin) -> None:
    poor = entry(bulletin, "lingshan", "sunset_glow", 23)  # 8 %, then 22, 35 and 74 %

    assert poor.poor
    assert poor.better is not None
    # the first with a grade of at least 3, but for the 25th: its roads are icy
    assert poor.better.event.day == date(2026, 11, 26)


def test_a_good_chance_needs_no_better_day(bulletin: Bulletin) -> None:
    assert entry(bulletin, "lingshan", "sunset_glow", 26).better is None


def test_what_is_missing_is_counted_over_all_forecasts(bulletin: Bulletin) -> None:
    counted = dict(bulletin.missing)

    assert counted["beyond_data"] == sum(not e.forecast.known for e in bulletin.entries)
    assert bulletin.known == len(bulletin.entries) - counted["beyond_data"]
    assert [count for _, count in bulletin.missing] == sorted(counted.values(), reverse=True)


def test_evidence_is_that_of_the_event_itself(bulletin: Bulletin) -> None:
    config = sample_config()
    _, _, features, _ = sample_parts(config)
    blocked = entry(bulletin, "lingshan", "sunset_glow", 23)

    row = [event.key for event in features.events].index(blocked.forecast.event.key)

    assert blocked.evidence is not None
    assert int(blocked.evidence.variables["row"].values) == row


def test_a_forecast_without_evidence_or_features_is_still_shown() -> None:
    config = sample_config()
    issue, forecasts, features, almanacs = sample_parts(config)
    bare = Features((), features.table.isel(event=slice(0, 0)), ())

    made = compose(issue, forecasts, bare, almanacs, config, Supplement(ATTRIBUTION))

    assert len(made.entries) == len(forecasts)
    assert all(e.evidence is None for e in made.entries)


def test_values_that_are_not_known_are_not_shown(bulletin: Bulletin) -> None:
    assert all(np.isfinite(list(e.values.values())).all() for e in bulletin.entries)


def test_the_archive_lists_published_issues_but_this_one_the_latest_first() -> None:
    config = sample_config()
    issue, forecasts, features, almanacs = sample_parts(config)
    unpublished = replace(issue, id="gfs-2026112112", published=False)

    made = compose(
        issue,
        forecasts,
        features,
        almanacs,
        config,
        Supplement(ATTRIBUTION, [*reversed(earlier_issues()), unpublished, issue]),
    )

    assert [i.number for i in made.earlier] == [41, 40, 39]


@pytest.mark.parametrize(
    ("demonstration", "bodies", "status", "marks"),
    [
        (True, (), "demonstration", ("demonstration", "trial")),
        (False, (), "trial", ("trial",)),
        (False, ("门头沟区气象局",), "official", ()),
    ],
)
def test_who_issues_decides_what_it_is_called(
    demonstration: bool, bodies: tuple[str, ...], status: str, marks: tuple[str, ...]
) -> None:
    config = sample_config(demonstration)
    issuer = config.issuer.model_copy(
        update={"bodies": tuple(NameSettings(zh=name, en=name) for name in bodies)}
    )

    made = sample_bulletin(config.model_copy(update={"issuer": issuer}))

    assert (made.status, made.marks) == (status, marks)


def test_a_bulletin_is_valid_from_its_issue_to_the_end_of_its_last_known_window(
    bulletin: Bulletin,
) -> None:
    assert bulletin.valid_from == bulletin.issue.issued
    assert bulletin.valid_to == max(
        e.forecast.event.window.end for e in bulletin.entries if e.forecast.known
    )
    assert bulletin.expires_at == bulletin.issue.valid_until


@pytest.mark.parametrize(
    ("values", "wet", "found"),
    [
        ({}, False, []),
        ({"gust": 13.8, "wind_speed_at_site": 10.7}, False, []),
        ({"gust": 13.9}, False, ["wind"]),  # CMA, blue warning of gales: gusts of force 7
        ({"gust": 12.0, "wind_speed_at_site": 10.8}, False, ["wind"]),  # or a mean wind of force 6
        ({"gust": 17.2}, False, ["gale"]),  # GB/T 28591: force 8
        ({"visibility": 500.0}, False, []),
        ({"visibility": 499.0}, False, ["fog"]),  # GB/T 27964: dense fog
        ({"temperature_minimum": 272.0}, False, []),
        ({"temperature_minimum": 272.0}, True, ["ice"]),
        ({"temperature_minimum": 274.0}, True, []),
        ({"snow_water": 4.9}, False, []),
        ({"snow_water": 4.94}, False, []),  # shown as 4.9 mm
        ({"snow_water": 4.96}, False, ["heavy_snow"]),  # shown as 5.0 mm
        ({"gust": 17.14}, False, ["wind"]),  # shown as 17.1 m/s, force 7
        ({"gust": 17.16}, False, ["gale"]),  # shown as 17.2 m/s, force 8
        ({"gust": 13.84}, False, []),
        ({"gust": 13.86}, False, ["wind"]),
        ({"gust": 12.0, "wind_speed_at_site": 10.76}, False, ["wind"]),
        ({"wind_chill": 245.6}, False, ["extreme_cold"]),  # -27.55 degC, shown as -28
        ({"wind_chill": 245.7}, False, []),
        ({"snow_water": 5.0}, False, ["heavy_snow"]),  # GB/T 28592: heavy snow from 5.0 mm a day
        ({"freezing_rain": 0.09}, True, []),
        ({"freezing_rain": 0.1}, True, ["freezing_rain"]),  # the least that is measured
        # -28 degC: frostbite within half an hour (ECCC)
        ({"wind_chill": 245.15}, False, ["extreme_cold"]),
        ({"convective_energy": 600.0}, False, []),
        ({"convective_energy": 600.0, "precipitation": 0.4}, False, ["thunder"]),
        ({"convective_energy": 1600.0}, False, ["thunder"]),
        ({"gust": nan}, False, []),
    ],
)
def test_a_danger_begins_at_its_published_threshold(
    values: dict[str, float], wet: bool, found: list[str]
) -> None:
    assert [hazard.id for hazard in hazards(values, wet)] == found


def test_ice_is_named_for_a_frost_within_a_day_of_rain(bulletin: Bulletin) -> None:
    assert "ice" in {hazard.id for hazard in entry(bulletin, "lingshan", "starry_sky", 24).hazards}


def test_the_safety_box_shows_the_strongest_value_most_important_hazard_first(
    bulletin: Bulletin,
) -> None:
    shown = {alert.hazard: alert for alert in bulletin.outlook.alerts}

    assert [alert.hazard for alert in bulletin.outlook.alerts] == [
        "gale",
        "heavy_snow",
        "ice",
        "fog",
    ]
    assert shown["gale"].days == (date(2026, 11, 24),)
    assert shown["gale"].value == pytest.approx(19.6)
    assert shown["fog"].value == pytest.approx(180.0)
    # it freezes, and something fell that day or the day before
    assert shown["ice"].days == (date(2026, 11, 24), date(2026, 11, 25))


def test_a_site_page_speaks_of_its_own_dangers(bulletin: Bulletin) -> None:
    village = next(section for section in bulletin.sections if section.site.id == "jiangshuihe")

    assert "fog" not in {alert.hazard for alert in village.outlook.alerts}
    assert all(alert.sites == (village.site,) for alert in village.outlook.alerts)


@pytest.mark.parametrize(
    ("celsius", "worn"),
    [
        (26, "light"),
        (24, "light"),
        (18, "thin"),
        (9, "jacket"),
        (0, "warm"),
        (-0.1, "down"),
        (-10.4, "down"),  # shown as -10
        (-10.6, "heavy"),  # shown as -11
        (-15, "heavy"),
        (-30, "extreme"),
    ],
)
def test_clothing_follows_the_felt_temperature(celsius: float, worn: str) -> None:
    assert clothing({"wind_chill": celsius + 273.15}) == worn


def test_clothing_is_not_guessed_without_a_temperature() -> None:
    assert clothing({}) == "unknown"


def test_every_hazard_is_shown_by_a_feature_of_the_catalogue(bulletin: Bulletin) -> None:
    assert {feature_of(name) for name in HAZARDS} <= FEATURES.keys()


def whole(**other: float) -> DayWeather:
    calm = {
        "gust": 5.0, "wind_speed_at_site": 3.0, "wind_chill": 270.0, "temperature_minimum": 272.0,
        "precipitation": 0.0, "snow_water": 0.0,
        "convective_energy": 0.0, "visibility": 2e4, "freezing_rain": 0.0,
    }  # fmt: skip
    return DayWeather(calm | other, 1.0)


def test_only_a_wholly_known_day_is_without_danger() -> None:
    assert assess_hazards(whole(), whole()) == ((), ())
    assert assess_hazards(None, whole()) == ((), tuple(HAZARDS))
    assert assess_hazards(replace(whole(), covered=0.98), whole()) == ((), tuple(HAZARDS))


@pytest.mark.parametrize(
    ("lacking", "open_"),
    [("convective_energy", {"thunder"}), ("gust", {"gale", "wind"}), ("visibility", {"fog"}),
     ("wind_chill", {"extreme_cold"}),
     ("snow_water", {"heavy_snow"}), ("temperature_minimum", {"ice"}),
     ("precipitation", {"ice", "thunder", "freezing_rain"}),
     ("freezing_rain", {"freezing_rain"})],
)  # fmt: skip
def test_a_danger_whose_feature_is_not_known_is_neither_there_nor_excluded(
    lacking: str, open_: set[str]
) -> None:
    found, not_assessed = assess_hazards(whole(**{lacking: nan}), whole())

    assert found == ()
    assert set(not_assessed) == open_


def test_a_hazard_in_part_of_a_day_is_found_though_the_rest_is_not_known() -> None:
    found, not_assessed = assess_hazards(replace(whole(gust=21.0), covered=0.3), None)

    assert [hazard.id for hazard in found] == ["gale"]
    assert set(not_assessed) == HAZARDS.keys() - {"gale", "wind"}


def test_ice_is_excluded_only_where_the_day_before_is_known_or_it_does_not_freeze() -> None:
    assert assess_hazards(whole(), None)[1] == ("ice",)
    assert assess_hazards(whole(rain_before=0.0), None)[1] == ()
    assert assess_hazards(whole(temperature_minimum=275.0), None)[1] == ()
    assert [hazard.id for hazard in assess_hazards(whole(), whole(precipitation=2.0))[0]] == ["ice"]


def test_danger_does_not_depend_on_what_a_site_is_known_for() -> None:
    config = sample_config()
    issue, forecasts, features, almanacs = sample_parts(config)
    stars = [f for f in forecasts if f.event.phenomenon == "starry_sky"]

    made = compose(issue, stars, features, almanacs, config, Supplement(ATTRIBUTION))

    assert (
        made.outlook
        == compose(issue, forecasts, features, almanacs, config, Supplement(ATTRIBUTION)).outlook
    )


def test_without_the_weather_of_the_days_nothing_is_clear() -> None:
    config = sample_config()
    issue, forecasts, features, almanacs = sample_parts(config)

    made = compose(
        issue, forecasts, replace(features, weather={}), almanacs, config, Supplement(ATTRIBUTION)
    )

    assert (made.outlook.alerts, made.outlook.clear, made.covered_until) == ((), (), None)
    assert made.outlook.gaps == (Gap(tuple(HAZARDS), made.days),)


def test_what_is_covered_ends_with_the_last_day_on_which_every_hazard_is_assessed(
    bulletin: Bulletin,
) -> None:
    assert bulletin.outlook.clear == bulletin.days[:6]
    # the end of the 27th in Beijing
    assert bulletin.covered_until == datetime(2026, 11, 27, 16, tzinfo=UTC)


def test_of_better_days_that_are_all_poor_the_likeliest_is_named() -> None:
    made = composed(
        {
            ("lingshan", "sunset_glow", f"2026-11-{day}"): p
            for day, p in ((23, 0.05), (24, 0.14), (25, 0.22), (26, 0.12))
        },
        whole(),
    )

    better = entry(made, "lingshan", "sunset_glow", 23).better

    assert better is not None
    assert better.event.day == date(2026, 11, 25)
    # 8 points more are not clearly more
    assert entry(made, "lingshan", "sunset_glow", 24).better is None


def test_a_site_of_stars_alone_says_in_a_white_night_that_it_does_not_get_dark() -> None:
    # Helsinki at midsummer: the sun stays above -18 degrees (USNO: no astronomical twilight's end)
    config = sample_config()
    helsinki = replace(
        config.all_sites()[0], latitude=60.17, longitude=24.94, phenomena=("starry_sky",),
        headline="starry_sky",
    )  # fmt: skip
    days = [date(2026, 6, 20), date(2026, 6, 21), date(2026, 6, 22)]
    made = almanacs([helsinki], days, ZoneInfo("Europe/Helsinki"))
    white = Section(helsinki, tuple(SiteDay(day, (), None, made[helsinki.id, day]) for day in days))
    bulletin = replace(sample_bulletin(), sections=(white,), days=tuple(days), best=())

    assert white.no_darkness
    assert bulletin.best_reason == "no_darkness"
    for language, phrase in (("zh", "天文黑暗"), ("en", "astronomically dark")):
        pages = PageRenderer(bulletin, language)
        assert phrase in pages.page("web/index.html", "index.html", how_often="").body
        assert phrase in message(pages)
        site = pages.page("web/site.html", "sites/lingshan/index.html", section=white).body
        assert phrase in site
    assert all("天文黑暗" in page.body or page.path.startswith("en/") for page in render(bulletin))
