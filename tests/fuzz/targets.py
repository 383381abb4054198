"""Every parser of foreign bytes, with what must hold whatever comes.

A target takes bytes. It returns where they were read or refused as documented; whatever else it
raises is a finding: an exception that is not in the parser's docstring, or a result that is half.
"""

from __future__ import annotations

import io
import math
import random
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image, ImageOps

from forecast.config import build_config, parse_settings, read_config
from forecast.domain import Cycle, Name, Station
from forecast.errors import ConfigError, ModelMismatch, SourceCorrupt
from forecast.ingest.ecmwf import parse_index
from forecast.ingest.grib import packing
from forecast.ingest.grib.headers import scan
from forecast.ingest.inventory import parse_inventory, select
from forecast.learning.truth_from_reports import parse as parse_outcomes
from forecast.observations.formats import PARSERS, ParseContext, Parsed, detect_form, parse_file
from forecast.quantities import ELEMENTS, FIELDS
from forecast.service.web import photo_worker
from forecast.service.web.bounded_socket import parse_head
from models.learned import LearnedModel, LearnedRule
from models.learned_night import LearnedNight
from models.model_card import read_card
from models.model_file import check_answers, unpack
from models.night_sky_model import NightSkyModel

PROJECT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")
CYCLE = Cycle(datetime(2026, 1, 10, 0, tzinfo=UTC))
RECEIVED = datetime(2026, 11, 22, 12, 40, tzinfo=UTC)
STATIONS = {
    id: Station(id, Name("", ""), 40.0, 115.5, 1200.0)
    for id in ("M1", "54511", "58237", "54511099999")
}
CONTEXT = ParseContext(STATIONS, received=RECEIVED)
KINDS_OF_MODEL = (LearnedRule, LearnedModel, LearnedNight, NightSkyModel)
MODEL = next(PROJECT.glob("models/shipped/starry_sky/*/model.skops"))


def observations(form: str) -> Callable[[bytes], None]:
    """Return the target of one format of station reports: it never raises."""

    def target(data: bytes) -> None:
        detect_form(data)
        _sound(PARSERS[form](data, f"some.{form}", CONTEXT))

    return target


def any_file(data: bytes) -> None:
    """A dropped file: its format is detected, gzip is unpacked."""
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write(data)
        file.flush()
        _sound(parse_file(Path(file.name), CONTEXT))


def _sound(parsed: Parsed) -> None:
    """Check that what counts as observed is whole: a known element, a finite value, a time."""
    assert len(parsed.faults) <= CONTEXT.limits.faults
    for fault in parsed.faults:
        assert fault.reason.isprintable()
    for observation in parsed.observations:
        assert observation.time.tzinfo is not None
        assert observation.station
        assert observation.values.keys() <= ELEMENTS.keys()
        assert all(math.isfinite(value) for value in observation.values.values())


def inventory(data: bytes) -> None:
    with suppress(SourceCorrupt):
        entries = parse_inventory(data, CYCLE, "some.idx")
        assert len(entries) == len(data.splitlines())
        assert all(each.offset >= 0 for each in entries)
        assert all(each.end is None or each.end > each.offset for each in entries)
        chosen = select(entries, tuple(FIELDS.values()), 6)
        assert all(each.entry in entries for each in chosen.wanted)


def index(data: bytes) -> None:
    with suppress(SourceCorrupt):
        entries = parse_index(data, CYCLE, "20260110000000-6h-oper-fc.index")
        assert all(each.end is not None and each.end > each.offset >= 0 for each in entries)


def grib(data: bytes) -> None:
    """Headers, grid and packing, up to where the decoder of another process takes over."""
    with suppress(SourceCorrupt):
        for message in scan(data, "some.grib2"):
            assert message.offset + message.length <= len(data), "a message that is cut off"
            assert message.start <= message.end or math.isnan(message.start)
            grid = packing.grid_of(message, data)
            assert grid.points > 0
            packing.check(message, data, grid.points)
            packing.has_missing(message, data)
            packing.quantum(message, data)


def settings(data: bytes) -> None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    with suppress(ConfigError):
        config = build_config(parse_settings(text, Path("some.yaml")), {}, "some.yaml", PROJECT)
        assert config.sites
        assert config.digest
        assert all(site.horizon and math.isfinite(site.latitude) for site in config.all_sites())


def outcomes(data: bytes) -> None:
    sites = _sites()
    table = parse_outcomes(
        data, "some.csv", sites, date(2026, 11, 30), (), ZoneInfo("Asia/Shanghai")
    )
    known = {site.id: site for site in sites}
    for each in table.outcomes:
        assert each.phenomenon in known[each.site].phenomena
        assert math.isnan(each.degree) or 0 <= each.degree <= 1
        assert each.day <= date(2026, 11, 30)


@cache
def _sites():  # type: ignore[no-untyped-def]
    return read_config(environment={}).all_sites()


def model(data: bytes) -> None:
    with suppress(ModelMismatch):
        found = unpack(data)
        card = read_card(MODEL.with_name("card.json").read_text(encoding="utf-8"))
        check_answers(found, card)
        assert isinstance(found, KINDS_OF_MODEL)


def card(data: bytes) -> None:
    with suppress(ModelMismatch):
        found = read_card(data.decode("utf-8", "replace"))
        assert found.phenomenon


def photo(data: bytes) -> None:
    """As in the process that decodes photos; Pillow raises what it likes, and that is refused."""
    Image.MAX_IMAGE_PIXELS = max(photo_worker.MOST.values())
    try:
        drawn = photo_worker.drawn_again(Image, ImageOps, data)
    except Exception:
        return
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.format == "JPEG"
        assert max(image.size) <= photo_worker.EDGE
        assert not image.getexif()


def head(data: bytes) -> None:
    found = parse_head(data)
    if found is not None:
        assert found.length is None or found.length >= 0
        assert "\n" not in found.method + "".join(found.headers)
        assert not (found.length is None) ^ (found.headers.get("transfer-encoding") is not None)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    **{form: observations(form) for form in PARSERS if form != "bufr"},
    "file": any_file,
    "inventory": inventory,
    "index": index,
    "grib": grib,
    "settings": settings,
    "outcomes": outcomes,
    "model": model,
    "card": card,
    "photo": photo,
    "head": head,
}
# Decoded by another process, so many times slower: tried by `make fuzz` only.
SLOW: Mapping[str, Callable[[bytes], None]] = {"bufr": observations("bufr")}


def seeds(name: str) -> list[bytes]:
    """Return the inputs that a target starts from: its corpus, and what the program ships."""
    found = [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
    shipped = {"model": MODEL, "card": MODEL.with_name("card.json")}
    if name in shipped:
        found.append(shipped[name].read_bytes())
    if name == "settings":
        found.append(_few_settings())
    return found


def _few_settings() -> bytes:
    """Return the program's settings with one site and no further model: quick to read."""
    text = (PROJECT / "config.yaml").read_text(encoding="utf-8")
    start, _, rest = text.partition("\nmodels:\n")
    rest = "\n# Station reports" + rest.partition("\n# Station reports")[2]
    return (start + rest.partition("\n  - id: zhaojiawa")[0] + "\n").encode()


def chosen(name: str, seed: int) -> random.Random:
    """Return the chance of one try; the same for the same name and seed."""
    return random.Random(f"{name} {seed}")
