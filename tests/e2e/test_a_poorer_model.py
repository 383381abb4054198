"""The same real atmosphere twice: with all fields of GFS, and with those of a poorer model.

The rest is derived or named as missing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from forecast import phenomena
from forecast.config import Config, read_config
from forecast.domain import Atmosphere, Cycle, Features
from forecast.ingest import Needs
from forecast.ingest.cloud_by_level import CLOUD, TOTAL
from forecast.ingest.derived_fields import complete
from forecast.ingest.grib.reader import read_atmosphere
from forecast.ingest.parameter_table import fields_of
from forecast.quantities import DEFAULT_FIELDS, FIELDS
from forecast.science import almanac
from forecast.science.thermodynamics import maximum_random_overlap
from tests.e2e.conftest import PROJECT

NOW = datetime(2020, 8, 4, 16, tzinfo=UTC)


def as_fields_of_the_ifs(atmosphere: Atmosphere, config: Config) -> Atmosphere:
    """Return of `atmosphere` only the fields and levels in the settings' table of the IFS; its
    total cover is its levels' overlap.
    """
    fields = fields_of(next(model for model in config.models if model.id == "ifs"))
    underground = (
        atmosphere["level"].values[:, None, None]
        > atmosphere["surface_air_pressure"].values[:, None]
    )
    cover = maximum_random_overlap(
        np.moveaxis(np.where(underground, 0, atmosphere[CLOUD].values), 1, -1)
    )
    atmosphere = atmosphere.assign(
        {TOTAL: (("time", "latitude", "longitude"), cover.astype(np.float32))}
    )
    given = [field for field in fields if field.name in atmosphere]
    poorer = atmosphere[[*(field.name for field in given), "precipitation_amount_start"]]
    levels = [
        level
        for level in atmosphere["level"].values
        if any(level in field.levels for field in given)
    ]
    poorer = poorer.sel(level=levels)
    whole = {
        field.name: poorer[field.name].where(poorer["level"].isin(field.levels))
        for field in given
        if field.levels
    }
    return poorer.assign(whole).assign_attrs(absent=[])


@pytest.fixture(scope="module")
def two_models(gfs_tree: Path, config: Config) -> tuple[Features, Features, Atmosphere]:
    """Return the features of GFS, those of the same air with the IFS's fields, and that air."""
    tatra = read_config(PROJECT / "tests" / "settings" / "tatra.yaml")
    files = sorted((gfs_tree / "gfs.20200804" / "12" / "atmos").glob("*.f0[01][026]"))
    needs = Needs(
        (*DEFAULT_FIELDS, FIELDS["dew_point_temperature_at_2m"]), (0, 6, 12), 90, -90, -180, 180
    )
    rich = read_atmosphere(files, Cycle(datetime(2020, 8, 4, 12, tzinfo=UTC)), needs)
    poor = complete(as_fields_of_the_ifs(rich, config))
    sites, days = tatra.all_sites(), almanac.local_days(NOW, tatra.zone, 2)
    events = phenomena.events(
        sites, days, almanac.almanacs(sites, days, tatra.zone), tatra.phenomena, NOW
    )
    features = [
        phenomena.derive(events, atmosphere, tatra.phenomena) for atmosphere in (rich, poor)
    ]
    assert [failed for _, failed in features] == [(), ()]
    return features[0][0], features[1][0], poor


def test_what_the_ifs_lacks_is_derived_where_physics_allows(
    two_models: tuple[Features, Features, Atmosphere],
) -> None:
    _, _, poor = two_models

    assert set(poor.attrs["derived"]) == {
        "relative_humidity_at_2m",
        "surface_altitude",
        "freezing_level_altitude",
        CLOUD,
    }
    assert {"wind_speed_of_gust", "visibility_in_air", "cloud_liquid_water_mixing_ratio"} <= set(
        poor.attrs["absent"]
    )


def test_where_it_cannot_be_the_reader_is_informed(
    two_models: tuple[Features, Features, Atmosphere],
) -> None:
    rich, poor, _ = two_models

    texts = [
        row
        for row, value in enumerate(rich.table["temperature_at_site"].values)
        if np.isfinite(value)
    ]
    assert len(texts) >= 10
    for row in texts:
        assert {
            "field:wind_speed_of_gust",
            "field:visibility_in_air",
            "cloud_from_humidity",
        } <= set(poor.missing[row])
        assert not {"cloud_from_humidity", "field:wind_speed_of_gust"} & set(rich.missing[row])
        assert "field:surface_altitude" not in poor.missing[row]


@pytest.mark.parametrize(
    ("feature", "mean", "worst"),
    # measured over 14 events: mean 0.41 K, worst 0.99; 0.042 and 0.114; 0.063 and 0.166; 0.037 and
    # 0.135; 0.007 and 0.033
    [
        ("temperature_at_site", 0.8, 1.5),
        ("humidity_at_site", 0.07, 0.15),
        ("low_cloud", 0.10, 0.22),
        ("medium_cloud", 0.08, 0.18),
        ("high_cloud", 0.02, 0.05),
        # the same field; by moonlight the best hours of one of two nights are half an hour others
        ("water_vapour_column", 0.1, 0.2),
        ("rain_before", 1e-3, 1e-3),
    ],
)
def test_ten_levels_and_derived_cloud_say_nearly_the_same_of_the_same_air(
    two_models: tuple[Features, Features, Atmosphere], feature: str, mean: float, worst: float
) -> None:
    rich, poor, _ = two_models

    miss = np.abs(poor.table[feature].values - rich.table[feature].values)

    known = np.isfinite(rich.table[feature].values)
    # where its levels leave the viewer in or above a deck open, the poorer one says nothing of him
    known &= ~(poor.table["unplaced_deck"].values > 0)
    assert known.sum() >= np.isfinite(rich.table[feature].values).sum() - 1 > 0
    assert np.isfinite(miss[known]).all()
    assert miss[known].mean() < mean
    assert miss[known].max() < worst
