"""Does `skyscape inspect` show what is in a GRIB file, and name each doubtful unit and window?"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from forecast.__main__ import main
from forecast.commands import output
from forecast.commands.grib_groups import ranges
from forecast.commands.inspect import GribContents, inspect_file
from forecast.errors import SourceCorrupt
from forecast.quantities import FIELDS
from forecast.settings.sources import ParameterSettings
from tests.gribs import file_of, message
from tests.unit.test_ensemble1 import edition1


def table(contents: GribContents) -> dict[str, ParameterSettings]:
    """Return the suggested table as the settings read it."""
    values = yaml.safe_load("\n".join(contents.yaml_lines()))["parameters"]
    return {name: ParameterSettings.model_validate(value) for name, value in values.items()}


def doubts(contents: GribContents) -> dict[str, str]:
    return {name: " ".join(each) for name, each in contents.document()["doubts"].items()}


@pytest.fixture(scope="module")
def gfs(shared: Path) -> GribContents:
    """A whole file of 588 messages, 150 quantities."""
    return inspect_file(
        shared / "gfs_tree" / "gfs.20200804" / "12" / "atmos" / "gfs.t12z.pgrb2.0p25.f012"
    )


def test_all_messages_of_a_gfs_file_are_listed_by_quantity(gfs: GribContents) -> None:
    assert sum(len(group.messages) for group in gfs.groups) == 588
    summary = "\n".join(gfs.summary())
    assert "588 of edition 2" in summary
    assert "7 NCEP" in summary
    assert "49 x 33 points, 0.25 x 0.25 degrees, 48 to 56 N, 13 to 25 E" in summary
    assert gfs.known_as == "gfs"
    # cfgrib on the whole file drops these: other levels than temperature
    names = {(group.sample.short_name, group.first.surface) for group in gfs.groups}
    assert {("r", 100), ("w", 100), ("clwmr", 100), ("t", 100)} <= names


def test_a_gfs_file_gives_the_catalogues_fields_without_settings_of_its_own(
    gfs: GribContents,
) -> None:
    suggested = table(gfs)

    assert len(suggested) >= 30
    assert suggested["air_temperature"].levels_hpa[:3] == (1000, 975, 950)
    assert not suggested["air_temperature"].key
    assert suggested["air_temperature_at_2m"] == ParameterSettings()
    assert set(doubts(gfs)) <= {"precipitation_amount", "cloud_area_fraction"}
    assert "0-12, 6-12 h: several end together" in doubts(gfs)["precipitation_amount"]


def test_names_of_fields_are_never_cut_on_a_screen_of_100_columns(
    gfs: GribContents, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(output, "on_terminal", lambda: True)

    output.show_table(gfs.COLUMNS, gfs.short_rows(), widths=gfs.widths())

    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 100
    assert all(match.field.name in printed for match in gfs.matches if match is not None)
    assert re.search(r"\d+-1000 hPa \(\d+\)", printed)


def test_values_are_those_of_the_file(gfs: GribContents) -> None:
    (group,) = [g for g in gfs.groups if g.sample.short_name == "2t"]

    assert group.sample.low == pytest.approx(279.4, abs=0.1)
    assert group.sample.high == pytest.approx(292.7, abs=0.1)


def test_a_fraction_under_a_per_cent_key_is_seen(shared: Path) -> None:
    contents = inspect_file(shared / "failing" / "08_aifs_lcc_as_fraction.grib2")

    assert (
        "a fraction, not per cent? then factor: 1"
        in doubts(contents)["low_type_cloud_area_fraction"]
    )
    assert contents.known_as == "aifs"
    assert table(contents)["low_type_cloud_area_fraction"].key == (0, 6, 3, 1)


def test_windows_that_a_models_table_would_override_are_seen(shared: Path) -> None:
    contents = inspect_file(shared / "failing" / "07_aifs_tp_6h_windows.grib2")

    (line,) = doubts(contents).values()
    assert "windows 0-6, 6-12 h" in line
    assert "from_start: true, which contradicts them; the windows are used" in line
    assert not table(contents)["precipitation_amount"].from_start


def test_a_temperature_in_degrees_celsius_is_seen(shared: Path) -> None:
    contents = inspect_file(shared / "odd" / "step_60m.grib")

    assert "degrees Celsius?" in doubts(contents)["air_temperature_at_2m"]
    assert contents.rows()[0][3] == "0-72/1"


def test_edition_1_becomes_its_own_key_with_the_factor_to_our_unit(shared: Path) -> None:
    contents = inspect_file(shared / "odd" / "tp_on_different_grid_resolutions.grib")

    suggested = table(contents)["precipitation_amount"]
    assert suggested.grib1 == (128228, 1)
    assert suggested.factor == 1000
    assert len(contents.grids) == 2


def test_two_fields_in_one_message_are_both_looked_at(shared: Path) -> None:
    (path,) = (shared / "gfs_2p5_global").glob("*.grib2")

    contents = inspect_file(path)

    assert {"eastward_wind", "northward_wind"} <= set(table(contents))
    (group,) = [g for g in contents.groups if g.sample.short_name == "v" and g.first.surface == 100]
    assert -120 < group.sample.low < 0 < group.sample.high < 120


@pytest.mark.parametrize("name", ["era5-levels-corrupted.grib", "none.grib"])
def test_a_damaged_file_and_a_missing_one_are_refused_in_one_line(
    name: str, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SourceCorrupt, match=name):
        inspect_file(shared / "odd" / name)

    assert main(["inspect", str(shared / "odd" / name)]) == 7
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"skyscape: {shared / 'odd' / name}")  # the path as it was typed


def test_a_file_of_another_kind_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no GRIB at all")

    assert main(["inspect", str(path), "--json"]) == 7
    printed = capsys.readouterr()
    assert json.loads(printed.out)["exit_code"] == 7
    assert printed.err.startswith(f"skyscape: {path}")


def test_a_file_without_any_field_of_ours_says_so(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(shared / "odd" / "40bytes.grib")]) == 0
    assert "nothing for config.yaml" in capsys.readouterr().out


def test_the_contents_are_json_for_a_program(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared / "pieces" / "ifs_0p25_20260716T12_f000-024_tp.grib2"

    assert main(["inspect", "--json", str(path)]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["known_as"] == "ifs"
    assert document["parameters"]["precipitation_amount"]["key"] == [0, 1, 193, 1]
    assert document["parameters"]["precipitation_amount"]["factor"] == 1000
    assert set(document["parameters"]) <= set(FIELDS)


# -- an ensemble is shown as what it is


TEMPERATURE = {"indicatorOfParameter": 130, "level": 850}  # ECMWF's table 128


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ({"type": "fc"}, "Temperature"),
        ({"type": "em"}, "ensemble mean: Temperature"),
        ({"type": "es"}, "ensemble spread: Temperature"),
        ({"type": "cm"}, "cluster mean: Temperature"),
        ({"type": "ep"}, "probability: Temperature"),
        ({"type": "cf"}, "member 0: Temperature"),
        ({"type": "pf", "number": 7}, "member 7: Temperature"),
    ],
)
def test_an_ensemble_of_edition_1_is_shown_as_what_it_is(
    tmp_path: Path, keys: dict[str, object], shown: str
) -> None:
    contents = inspect_file(file_of(tmp_path, edition1(**keys, **TEMPERATURE)))

    [row] = contents.rows()
    assert row[1].startswith(shown)
    # a mean or a spread is no forecast, and no table for it is suggested
    assert bool(contents.document()["parameters"]) == (keys["type"] in ("fc", "cf", "pf"))


@pytest.mark.parametrize(
    ("derived", "shown"),
    [(0, "ensemble mean: "), (4, "ensemble spread: "), (9, "ensemble maximum: ")],
)
def test_an_ensemble_mean_of_edition_2_stands_apart_from_the_forecast(
    tmp_path: Path, derived: int, shown: str
) -> None:
    mean = message(
        280.0, productDefinitionTemplateNumber=2, derivedForecast=derived
    )  # code table 4.7
    members = [
        message(281.0, productDefinitionTemplateNumber=1, perturbationNumber=n) for n in (1, 2)
    ]

    contents = inspect_file(file_of(tmp_path, message(282.0), mean, *members))

    starts = [row[1].partition("Temperature")[0] for row in contents.rows()]
    assert starts == ["", shown, "members 1, 2: "]
    assert [found is not None for found in contents.matches] == [True, False, True]


def test_even_steps_are_written_short() -> None:
    assert ranges([0, 3, 6, 9]) == "0-9/3"
    assert ranges([850, 500, 700]) == "500, 700, 850"
