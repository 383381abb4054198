"""The data of an issue in one file: from it the pages of a site are made when they are asked for.

    head.json        the bulletin without its sites
    sites/<site>     the section of a site, how its forecasts did, the evidence of its charts

The file is a zip archive of a release, written once. It holds what was composed, so the pages of an
earlier issue need neither the archive nor the settings of its time.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.domain import Forecast, Site
from forecast.errors import PublishError
from forecast.settings import Channel
from forecast.verification import EventMark, Verification
from products.bulletin import Bulletin, Others
from products.pages.screen import likeliest
from products.plain_data import ArraysWriter, Coder, dataset_of
from products.sections import Entry, Outlook, Section, SiteDay, may_be_charted

if TYPE_CHECKING:
    import xarray as xr

SCHEMA = "skyscape.issue-data/2"
HEAD, FOLDER = "head.json", "sites/"
LEVEL = 6  # of the compression: a tenth less than at 1, for a thousandth of a second a site
# of the bulletin: what stands with each site, and what no page of a site shows
WITH_SITES = frozenset({"sections", "best", "others", "verification", "before"})
UNUSED = frozenset({"models_in_force", "outlook"})
OF_ENTRY = frozenset({"better", "dangerous_better", "evidence_at", "values"})
MARKS = tuple[EventMark, ...]


def write_issue_data(
    path: Path, bulletin: Bulletin, before: str, linked: Sequence[Channel]
) -> None:
    """Write the data of the sites that have no files.

    before: the issue that readers had before. linked: the channels that web pages link.

    Raises: OSError.
    """
    writer = _Writer(bulletin)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as target:
        # a fixed time: the same issue gives the same bytes
        for name, content in chain(
            writer.sites(bulletin.served_sections), [writer.head(before, linked)]
        ):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content, compresslevel=LEVEL)


class _Writer:
    def __init__(self, bulletin: Bulletin) -> None:
        self.bulletin, self.coder = bulletin, Coder()
        found = bulletin.verification
        self.marks: dict[tuple[str, str], list[EventMark]] = {}
        for record in found.records if found else ():
            for mark in record.marks:
                self.marks.setdefault((mark.site, record.phenomenon), []).append(mark)

    def head(self, before: str, linked: Sequence[Channel]) -> tuple[str, bytes]:
        """Return the bulletin without its sites; of the scores only what pages of sites show."""
        bulletin, coder = self.bulletin, self.coder
        found = bulletin.verification
        if found is not None:
            records = tuple(replace(each, marks=()) for each in found.records)
            found = replace(found, records=records, lines=())
        outlook = replace(bulletin.outlook, alerts=())
        content = {
            "schema": SCHEMA,
            "before": before,
            "linked": list(linked),
            "bulletin": coder.fields(bulletin, WITH_SITES | UNUSED),
            "outlook": coder.plain(Outlook, outlook),
            "verification": coder.plain(Verification | None, found),
            "sites": list(bulletin.site_ids),
            # screens name these sites, whether or not they have files
            "likeliest": [list(each) for each in map(self._section, likeliest(bulletin))],
        }
        arrays = ArraysWriter()  # the evidence of other sites is never drawn
        return HEAD, _packed(content, arrays)

    def sites(self, sections: Iterable[Section]) -> Iterable[tuple[str, bytes]]:
        for section in sections:
            arrays = ArraysWriter()
            plain, site = self._section(section, arrays)
            marks = tuple(self.marks.get((section.site.id, section.site.headline), ()))
            content = {
                "site": site, "section": plain, "marks": self.coder.plain(MARKS, marks)
            }  # fmt: skip
            yield FOLDER + section.site.id, _packed(content, arrays)

    def _section(
        self, section: Section, arrays: ArraysWriter | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return a section and its site as plain data."""
        coder = self.coder
        forecasts = [entry.forecast for day in section.days for entry in day.entries]
        places = {id(forecast): place for place, forecast in enumerate(forecasts)}

        def entry_of(entry: Entry, near: bool) -> dict[str, Any]:
            plain, shown = coder.fields(entry, OF_ENTRY), entry.forecast.quantities
            # the forecast has those that readers see
            plain["values"] = {k: v for k, v in entry.values.items() if k not in shown}
            for name in ("better", "dangerous_better"):
                other: Forecast | None = getattr(entry, name)
                plain[name] = None if other is None else places[id(other)]
            drawn = near and arrays is not None and may_be_charted(entry, section)
            plain["evidence"] = arrays.add(entry.evidence_at, "event") if drawn and arrays else None
            return plain

        days = [
            {
                "entries": [entry_of(entry, True) for entry in day.entries],
                "headline": next((n for n, e in enumerate(day.entries) if e is day.headline), None),
                **coder.fields(day, frozenset({"entries", "headline"})),
            }
            for day in section.days
        ]
        hours = arrays.add(section.hours_at, "site") if arrays else None
        content = {"days": days, "hours": hours, **coder.fields(
            section, frozenset({"site", "days", "hours_at"}))}  # fmt: skip
        return content, coder.fields(section.site, frozenset())


def _packed(content: dict[str, Any], arrays: ArraysWriter) -> bytes:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return struct.pack("<q", len(body)) + body + arrays.block


def _unpacked(body: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack_from("<q", body)
    return json.loads(body[8 : 8 + length]), body[8 + length :]


class IssueData:
    """The data of one issue, read from its file.

    Raises: PublishError where the file is absent, damaged or of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._coder = path, Coder()
        with _faults(path):
            self._file = zipfile.ZipFile(path)
            content, _ = _unpacked(self._file.read(HEAD))
            if content["schema"] != SCHEMA:
                raise ValueError(f"schema {content['schema']}; expected {SCHEMA}")
            self.before = str(content["before"])
            self.linked: tuple[Channel, ...] = tuple(content["linked"])
            self.sites = frozenset(
                name.removeprefix(FOLDER) for name in self._file.namelist() if name != HEAD
            )
            shown = [self._section(plain, site, b"") for plain, site in content["likeliest"]]
            self._head = Bulletin(
                **self._coder.read_fields(Bulletin, content["bulletin"]),
                outlook=self._coder.noun(Outlook, content["outlook"]),
                verification=self._coder.noun(Verification | None, content["verification"]),
                sections=(), best=(), others=Others(tuple(content["sites"]), tuple(shown)),
            )  # fmt: skip

    def bulletin(self, site: str) -> Bulletin:
        """Return the bulletin with one site alone. Raises: KeyError where it is not here."""
        if site not in self.sites:
            raise KeyError(site)
        with _faults(self.path):
            content, block = _unpacked(self._file.read(FOLDER + site))
            section = self._section(content["section"], content["site"], block)
            found = self._head.verification
            if found is not None:
                marks = self._coder.noun(MARKS, content["marks"])
                headline = section.site.headline
                records = tuple(
                    replace(each, marks=marks if each.phenomenon == headline else ())
                    for each in found.records
                )
                found = replace(found, records=records)
            return replace(self._head, sections=(section,), verification=found)

    def _section(self, plain: dict[str, Any], site: dict[str, Any], block: bytes) -> Section:
        coder = self._coder
        place = Site(**coder.read_fields(Site, site))
        coder.sites[place.id] = place
        left_out = {*OF_ENTRY, "evidence"}
        bare = [
            [Entry(values={}, **coder.read_fields(
                Entry, {k: v for k, v in each.items() if k not in left_out}))
             for each in day["entries"]]
            for day in plain["days"]
        ]  # fmt: skip
        forecasts = [entry.forecast for of_day in bare for entry in of_day]

        def whole(entry: Entry, each: dict[str, Any]) -> Entry:
            better, dangerous = (
                None if each[name] is None else forecasts[each[name]]
                for name in ("better", "dangerous_better")
            )
            evidence = each["evidence"]
            at = None if evidence is None else (_had(dataset_of(evidence, block)), None)
            return replace(
                entry,
                values={**each["values"], **entry.forecast.quantities},
                better=better,
                dangerous_better=dangerous,
                evidence_at=at,
            )

        days = []
        for of_day, day in zip(bare, plain["days"], strict=True):
            entries = tuple(map(whole, of_day, day["entries"]))
            rest = {k: v for k, v in day.items() if k not in ("entries", "headline")}
            headline = None if day["headline"] is None else entries[day["headline"]]
            days.append(SiteDay(entries=entries, headline=headline,
                                **coder.read_fields(SiteDay, rest)))  # fmt: skip
        rest = {k: v for k, v in plain.items() if k not in ("days", "hours")}
        hours = None if plain["hours"] is None else (_had(dataset_of(plain["hours"], block)), None)
        return Section(
            site=place, days=tuple(days), hours_at=hours, **coder.read_fields(Section, rest)
        )


def _had(data: xr.Dataset) -> Callable[[], xr.Dataset]:
    return lambda: data


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Turn what a damaged file raises into a PublishError that names it."""
    try:
        yield
    except (
        OSError, ValueError, KeyError, TypeError, IndexError, struct.error, zipfile.BadZipFile,
        zlib.error,
    ) as error:  # fmt: skip
        raise PublishError(
            f"{path}: the data of the issue cannot be read: {error}; publish it again"
        ) from error


@lru_cache(maxsize=4)
def issue_data(path: Path, changed: int) -> IssueData:
    """Return the data of an issue, kept open. changed: of the file. Raises: PublishError."""
    return IssueData(path)
