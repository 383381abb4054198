"""Section headers read by us, held against ecCodes and against the inventories that NCEP published
with the files.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from forecast.domain import Cycle
from forecast.ingest.grib.headers import Message, inspect
from forecast.ingest.grib.reader import Finder
from tests.gribs import eccodes, eccodes_fields, needs

SURFACES = {
    1: "surface",
    4: "0C isotherm",
    6: "max wind",
    7: "tropopause",
    101: "mean sea level",
    214: "low cloud layer",
    224: "middle cloud layer",
    234: "high cloud layer",
}
STATISTICS = {"mean": "ave", "sum": "acc", "maximum": "max", "minimum": "min"}


def step_text(message: Message) -> str:
    """Spell a step as NCEP's inventories do."""
    if message.statistic == "point":
        return f"{message.end:g} hour fcst" if message.end else "anl"
    return f"{message.start:g}-{message.end:g} hour {STATISTICS[message.statistic]} fcst"


def real_files(shared: Path) -> list[Path]:
    return sorted(
        [
            *(shared / "odd").iterdir(),
            *(shared / "pieces").iterdir(),
            *(shared / "gfs_2p5_global").iterdir(),
            *(shared / "gfs_tree/gfs.20200804/12/atmos").glob("*.f0[01][26]"),
        ]
    )


def test_every_header_of_the_real_files_is_read_as_by_ecCodes(shared: Path) -> None:
    compared = 0
    for path in real_files(shared):
        if path.name == "era5-levels-corrupted.grib":
            continue  # ecCodes refuses it too: see tests/faults

        ours = inspect(path)
        handles = eccodes_fields(path)

        assert len(ours) == len(handles), path.name
        for message, handle in zip(ours, handles, strict=True):
            where = f"{message.where} ({message.parameter})"
            values = {
                key: eccodes.codes_get(handle, key) for key in ("edition", "centre", "Ni", "Nj")
            }
            assert message.edition == values["edition"], where
            date, clock = (
                eccodes.codes_get(handle, "dataDate"),
                eccodes.codes_get(handle, "dataTime"),
            )
            reference = message.run and (int(f"{message.run:%Y%m%d}"), int(f"{message.run:%H%M}"))
            assert reference == (None if path.name == "t_year_missing.grib" else (date, clock)), (
                where
            )
            if message.edition == 2:
                keys = ("discipline", "parameterCategory", "parameterNumber")
                assert message.parameter == tuple(eccodes.codes_get(handle, key) for key in keys), (
                    where
                )
                assert message.packing == eccodes.codes_get(
                    handle, "dataRepresentationTemplateNumber"
                ), where
                if message.template in (1, 11):
                    assert message.member == eccodes.codes_get(handle, "perturbationNumber"), where
                if message.template == 48:
                    assert message.aerosol is not None
                    assert message.aerosol.kind == eccodes.codes_get(handle, "aerosolType"), where
                    # both centres write nanometres
                    shortest = eccodes.codes_get(handle, "scaledValueOfFirstWavelength")
                    assert message.aerosol.shortest in (
                        pytest.approx(shortest * 1e-9),
                        0,
                    ) or np.isnan(message.aerosol.shortest), where
                if message.statistic != "other":
                    assert message.surface == eccodes.codes_get(
                        handle, "typeOfFirstFixedSurface", int
                    ), where
            else:
                assert message.parameter[2] == eccodes.codes_get(
                    handle, "indicatorOfParameter", int
                ), where
            if message.statistic != "other":
                eccodes.codes_set(handle, "stepUnits", "m")
                assert (message.start * 60, message.end * 60) == pytest.approx(
                    [
                        float(str(eccodes.codes_get(handle, key)).rstrip("m"))
                        for key in ("startStep", "endStep")
                    ]
                ), where
            if message.surface == 100:
                eccodes.codes_set(handle, "pressureUnits", "Pa") if message.edition == 2 else None
                pressure = eccodes.codes_get(handle, "level", float) * (
                    1 if message.edition == 2 else 100
                )
                assert message.value == pytest.approx(pressure), where
            eccodes.codes_release(handle)
            compared += 1
    assert compared > 1500


def test_every_message_matches_the_published_inventory(gfs_tree: Path) -> None:
    for path in sorted(gfs_tree.rglob("*.f???")):
        inventory = [
            line.split(":") for line in path.with_name(path.name + ".idx").read_text().splitlines()
        ]

        messages = inspect(path)

        assert [message.offset for message in messages] == [int(line[1]) for line in inventory], (
            path.name
        )
        assert {f"d={message.run:%Y%m%d%H}" for message in messages} == {
            line[2] for line in inventory
        }, path.name
        for message, line in zip(messages, inventory, strict=True):
            assert step_text(message) == line[5], (message.where, line)
            if message.surface == 100 and not message.layer:
                assert f"{message.value / 100:g} mb" == line[4], (message.where, line)
            elif message.surface == 103 and not message.layer:
                assert f"{message.value:g} m above ground" == line[4], (message.where, line)
            elif message.surface in SURFACES:
                assert SURFACES[message.surface] == line[4], (message.where, line)


def test_the_catalogue_finds_the_same_fields_by_numbers_as_by_their_names_in_the_inventory(
    gfs_tree: Path,
) -> None:
    for path in sorted(gfs_tree.rglob("*.f???")):
        run = datetime.strptime(
            path.parts[-4].removeprefix("gfs.") + path.parts[-3], "%Y%m%d%H"
        ).replace(tzinfo=UTC)
        wanted = needs()
        named = set()
        for line in path.with_name(path.name + ".idx").read_text().splitlines():
            _, offset, _, variable, level, step, *_ = line.split(":")
            for field in wanted.fields:
                spelled = [
                    field.inventory[1].replace("{hPa}", f"{pressure / 100:g}")
                    for pressure in field.levels
                ] or [field.inventory[1]]
                statistic = next(
                    (name for name, word in STATISTICS.items() if f" {word} " in step), "point"
                )
                if (
                    variable in field.inventory[0]
                    and level in spelled
                    and statistic == field.statistic
                ):
                    named.add((field.name, level, step, int(offset)))

        found = {
            (piece.field.name, piece.order.message.offset)
            for piece in Finder(Cycle(run), wanted).find(path)
        }

        # A field given twice with the same bytes is found once, where it stands first.
        first = {}
        for name, level, step, offset in sorted(named, key=lambda row: row[-1]):
            first.setdefault((name, level, step), offset)
        assert found == {(name, offset) for (name, _, _), offset in first.items()}, path.name
        assert len(found) >= 150


def test_two_winds_in_one_message_are_two_fields(shared: Path) -> None:
    [path] = (shared / "gfs_2p5_global").iterdir()

    messages = inspect(path)

    shared_messages = [message for message in messages if not message.alone]
    assert {message.parameter for message in shared_messages} == {(0, 2, 2), (0, 2, 3)}
    # as the reference data's own description counts
    assert len(messages) - len(shared_messages) // 2 == 308
