"""The sample run is GRIB2 like GFS's: the same sections, inventory, spans and duplicates."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import eccodes
import numpy as np
import pytest

from forecast.quantities import FIELDS
from forecast.sample.encoding import BITS, Encoder, messages, step_text, write_cycle
from forecast.sample.region import Region
from forecast.sample.scene import Weather

RUN = datetime(2026, 11, 22, 6, tzinfo=UTC)
REGION = Region(46.4, 33.5, 107.2, 124.3)
STEPS = (0, 3, 6, 9, 12, 42)
IDENTITY = (
    "discipline", "parameterCategory", "parameterNumber", "typeOfFirstFixedSurface",
    "scaledValueOfFirstFixedSurface",
    "productDefinitionTemplateNumber",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with a few steps of the sample run."""
    folder = tmp_path_factory.mktemp("bucket")
    write_cycle(folder, RUN, STEPS, REGION)
    return folder / "gfs.20261122" / "06" / "atmos"


def pieces(path: Path) -> list[tuple[list[str], bytes]]:
    """Return each message with its inventory: number, offset, date, variable, level, step."""
    lines = [
        line.split(":") for line in path.with_name(f"{path.name}.idx").read_text().splitlines()
    ]
    content = path.read_bytes()
    offsets = [int(line[1]) for line in lines] + [len(content)]
    return [
        (line, content[first:last])
        for line, (first, last) in zip(lines, pairwise(offsets), strict=True)
    ]


def decoded(message: bytes, *keys: str) -> list[int]:
    handle = eccodes.codes_new_from_message(message)
    values = [eccodes.codes_get(handle, key, int) for key in keys]
    eccodes.codes_release(handle)
    return values


def values_of(message: bytes) -> np.ndarray:
    handle = eccodes.codes_new_from_message(message)
    values = eccodes.codes_get_array(handle, "values")
    eccodes.codes_release(handle)
    return values


@pytest.mark.parametrize("step", STEPS)
def test_every_message_decodes_to_what_went_in(folder: Path, step: int) -> None:
    expected = list(messages(Weather(RUN, REGION), step))

    got = pieces(folder / f"gfs.t06z.pgrb2.0p25.f{step:03d}")

    assert len(got) == len(expected)
    for (line, message), wanted in zip(got, expected, strict=True):
        values = values_of(message)
        assert line[3:6] == [wanted.variable, wanted.level, step_text(wanted, step)]
        # Half a packing step at most; a power of two may double it. A float32 reference value adds
        # 6e-8 of its size. Near 9999: 0.11.
        tolerance = np.ptp(wanted.values) / 2**BITS + 1.2e-7 * np.abs(wanted.values).max()
        tolerance += 0.11 * (np.abs(wanted.values.ravel() - 9999) < 0.12)
        assert decoded(message, "numberOfMissing") == [0]
        assert (np.abs(values - wanted.values.ravel()) <= tolerance).all(), line


@pytest.mark.parametrize("step", STEPS)
def test_the_inventory_finds_every_message_whole(folder: Path, step: int) -> None:
    got = pieces(folder / f"gfs.t06z.pgrb2.0p25.f{step:03d}")

    for number, (line, message) in enumerate(got, 1):
        assert line[0] == str(number)
        assert line[2] == "d=2026112206"
        assert line[6:] == [""]
        assert message[:4] == b"GRIB"
        assert message[-4:] == b"7777"
        assert int.from_bytes(message[8:16], "big") == len(message)
        assert decoded(message, "dataDate", "dataTime", "Ni", "Nj", "scanningMode") == [
            20261122,
            600,
            71,
            53,
            0,
        ]


@pytest.mark.parametrize("step", [0, 9])
def test_a_message_is_the_same_whatever_was_encoded_before_it(folder: Path, step: int) -> None:
    """The encoder sets only the keys that change: none may be left over from another message."""
    wanted = list(messages(Weather(RUN, REGION), step))
    got = pieces(folder / f"gfs.t06z.pgrb2.0p25.f{step:03d}")

    for (line, message), each in list(zip(got, wanted, strict=True))[::7]:
        with Encoder(RUN, REGION) as fresh:
            assert fresh.encode(each, step) == message, line


def test_packed_percentages_stay_within_the_catalogues_limits(folder: Path) -> None:
    for step in STEPS:
        for line, message in pieces(folder / f"gfs.t06z.pgrb2.0p25.f{step:03d}"):
            if line[3] in ("TCDC", "LCDC", "MCDC", "HCDC", "CSNOW", "CRAIN"):
                values = values_of(message)
                assert values.min() >= 0, line
                assert values.max() <= (1 if line[3][0] == "C" else 100), line


@pytest.mark.parametrize("step", [0, 3, 6, 42])
def test_every_field_of_the_catalogue_is_there_under_its_inventory_name_and_its_keys(
    folder: Path, step: int
) -> None:
    read = pieces(folder / f"gfs.t06z.pgrb2.0p25.f{step:03d}")
    got = {
        (line[3], line[4], line[5].endswith(("ave fcst", "acc fcst"))): message
        for line, message in read
    }

    for field in FIELDS.values():
        spans = field.statistic != "point"
        if field.auxiliary or (spans and step == 0):  # auxiliary: of other models only
            continue
        for level in field.levels or (0,):
            message = got[
                field.inventory[0][0], field.inventory[1].format(hPa=f"{level // 100}"), spans
            ]
            key = field.keys[0]
            found = decoded(message, *IDENTITY)
            value = level or int(key.value or 0)
            assert found == [
                key.discipline,
                key.category,
                key.number,
                key.surface,
                value,
                8 if spans else 0,
            ], field.name


def test_precipitation_since_the_interval_and_since_the_run_agree(folder: Path) -> None:
    amounts: dict[str, np.ndarray] = {}
    for step in (3, 6, 9, 12, 42):
        rows = [
            (line[5], values_of(message))
            for line, message in pieces(folder / f"gfs.t06z.pgrb2.0p25.f{step:03d}")
            if line[3] == "APCP"
        ]
        assert len(rows) == 2
        amounts |= {f"{number} {text}": values for number, (text, values) in enumerate(rows)}

    assert list(amounts) == [
        "0 0-3 hour acc fcst", "1 0-3 hour acc fcst", "0 0-6 hour acc fcst", "1 0-6 hour acc fcst",
        "0 6-9 hour acc fcst",
        "1 0-9 hour acc fcst", "0 6-12 hour acc fcst", "1 0-12 hour acc fcst",
        "0 36-42 hour acc fcst", "1 0-42 hour acc fcst",
    ]  # fmt: skip
    np.testing.assert_array_equal(amounts["0 0-6 hour acc fcst"], amounts["1 0-6 hour acc fcst"])
    # Two packed sums of up to 9 kg m-2: a step of packing each.
    np.testing.assert_allclose(
        amounts["0 0-6 hour acc fcst"] + amounts["0 6-12 hour acc fcst"],
        amounts["1 0-12 hour acc fcst"],
        atol=3 * 9 / 2**BITS,
    )
    assert amounts["0 36-42 hour acc fcst"].max() > 1


def test_steps_are_spelled_as_in_gfs() -> None:
    weather = Weather(RUN, REGION)

    spelled = {
        step: {step_text(message, step) for message in messages(weather, step)}
        for step in (0, 21, 24, 48)
    }

    # Real inventories: `anl`; `21 hour fcst`, `18-21 hour ave fcst`, `0-21 hour acc fcst`;
    # multiples of 24 as days.
    assert spelled == {
        0: {"anl"},
        21: {"21 hour fcst", "18-21 hour ave fcst", "18-21 hour acc fcst", "0-21 hour acc fcst"},
        24: {"24 hour fcst", "18-24 hour ave fcst", "18-24 hour acc fcst", "0-1 day acc fcst"},
        48: {"48 hour fcst", "42-48 hour ave fcst", "42-48 hour acc fcst", "0-2 day acc fcst"},
    }


@pytest.mark.parametrize(
    ("step", "real"), [(0, "gfs.t00z.pgrb2.0p25.f000.idx"), (9, "gfs.t00z.pgrb2.0p25.f007.idx")]
)
def test_the_inventory_is_a_part_of_a_real_one(
    shared: Path, folder: Path, step: int, real: str
) -> None:
    lines = [
        line.split(":")[3:6] for line in (shared / "inventories" / real).read_text().splitlines()
    ]
    later = {
        "anl": "anl",
        "7 hour fcst": "9 hour fcst",
        "6-7 hour ave fcst": "6-9 hour ave fcst",
        "6-7 hour acc fcst": "6-9 hour acc fcst",
        "0-7 hour acc fcst": "0-9 hour acc fcst",
    }
    known = {(variable, level, later.get(text)) for variable, level, text in lines}

    ours = {tuple(line[3:6]) for line, _ in pieces(folder / f"gfs.t06z.pgrb2.0p25.f{step:03d}")}

    assert ours <= known
    assert len(ours) > 150


def test_the_sections_are_those_of_a_real_message(shared: Path, folder: Path) -> None:
    real = (shared / "pieces" / "gfs_0p25_20201026T00_f024_hgt500_complex.grib2").read_bytes()
    ours = next(
        m
        for line, m in pieces(folder / "gfs.t06z.pgrb2.0p25.f042")
        if line[3:5] == ["HGT", "500 mb"]
    )
    keys = (
        *IDENTITY, "centre", "subCentre", "tablesVersion", "localTablesVersion",
        "significanceOfReferenceTime", "typeOfProcessedData",
        "section1Length", "section3Length", "section4Length", "section5Length",
        "gridDefinitionTemplateNumber", "shapeOfTheEarth",
        "scaleFactorOfRadiusOfSphericalEarth", "scaledValueOfRadiusOfSphericalEarth",
        "resolutionAndComponentFlags", "scanningMode",
        "iDirectionIncrement", "jDirectionIncrement", "typeOfGeneratingProcess",
        "generatingProcessIdentifier",
        "indicatorOfUnitForForecastTime", "typeOfSecondFixedSurface",
        "scaleFactorOfSecondFixedSurface", "scaledValueOfSecondFixedSurface",
        "dataRepresentationTemplateNumber", "orderOfSpatialDifferencing",
        "groupSplittingMethodUsed", "missingValueManagementUsed",
        "bitMapIndicator",
    )  # fmt: skip

    assert dict(zip(keys, decoded(ours, *keys), strict=True)) == dict(
        zip(keys, decoded(real, *keys), strict=True)
    )


def test_the_same_run_gives_the_same_bytes_and_leaves_nothing_beside_them(
    folder: Path, tmp_path: Path
) -> None:
    write_cycle(tmp_path, RUN, (0, 6), REGION)
    write_cycle(tmp_path, RUN, (0, 6), REGION)

    again = sorted((tmp_path / "gfs.20261122" / "06" / "atmos").iterdir())
    assert [path.name for path in again] == [
        f"gfs.t06z.pgrb2.0p25.f{step}{end}" for step in ("000", "006") for end in ("", ".idx")
    ]
    for path in again:
        assert path.read_bytes() == (folder / path.name).read_bytes()
