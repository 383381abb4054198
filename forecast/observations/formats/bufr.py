"""BUFR: surface reports (SYNOP on land) in WMO's binary table-driven code.

ecCodes runs in a process of its own (forecast/observations/formats/bufr_worker.py), which damaged
messages may end: such a message is rejected and the next one goes to a new process.

Source: WMO-No. 306 (2019), vol. I.2, table B, code tables 0 08 002, 0 20 003 and 0 20 011;
templates 3 07 005, 3 07 079 and 3 07 080.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from forecast.domain import Name, Station
from forecast.observations.formats.collector import (
    Collector,
    ParseContext,
    Parsed,
    checked_time,
    quoted,
)
from forecast.worker import GOOD, Worker, WorkerEnded

FORM = "bufr"
FILE_SECONDS = 300  # [s] that one file may take
MAXIMUM_CRASHES = 8  # decoding processes that one file may end
LONGEST = 1 << 22  # [byte] of one message
BATCH = 64  # messages

BELOW = (10, 11)  # vertical significance: base below the station, top above it or below it too
HOUR = -1.0  # [h] a period that ends at the observation
TRACE, PATCHY = -0.01, -0.02  # snow depth [m]: less than half a centimetre; not continuous
# amounts that are not oktas: scattered, broken, few
COVER = {10: None, 11: 0.4375, 12: 0.75, 13: 0.1875, 14: None, 15: None}

# Descriptor -> element and factor, where nothing else has to be known.
# fmt: off
PLAIN = {
    10004: ("air_pressure", 1.0), 10051: ("air_pressure_at_mean_sea_level", 1.0),
    11001: ("wind_from_direction", 1.0),
    11011: ("wind_from_direction", 1.0), 11002: ("wind_speed", 1.0), 11012: ("wind_speed", 1.0),
    12004: ("air_temperature", 1.0),
    12101: ("air_temperature", 1.0), 12006: ("dew_point_temperature", 1.0),
    12103: ("dew_point_temperature", 1.0),
    13003: ("relative_humidity", 0.01), 20001: ("visibility_in_air", 1.0),
}
# fmt: on

Pairs = Sequence[tuple[int, float | None]]


def parse(data: bytes, name: str, context: ParseContext | None = None) -> Parsed:
    """Return the reports of `data`; the `line` of a fault is the message's number."""
    collector = Collector(name, FORM, (context or ParseContext()).limits)
    until = time.monotonic() + FILE_SECONDS
    decoder = _Decoder()
    try:
        for batch in _batches(_messages(data, collector)):
            if collector.full:
                break
            if time.monotonic() > until or decoder.crashes >= MAXIMUM_CRASHES:
                collector.fault(
                    batch[0][0],
                    "the file takes too long or has ended too many decoders: "
                    "the rest of it is not read",
                )
                break
            for (number, _), answer in zip(
                batch, decoder.decode([message for _, message in batch])
            ):
                if isinstance(answer, str):
                    collector.fault(number, f"the message cannot be decoded: {answer}")
                    continue
                for report in answer:
                    _add_report(report, number, collector)
    finally:
        decoder.close()
    return collector.parsed()


def _batches(messages: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    """Yield messages by the batch: fewer turns between two processes."""
    batch, size = list[tuple[int, bytes]](), 0
    for number, message in messages:
        batch.append((number, message))
        size += len(message)
        if len(batch) >= BATCH or size >= LONGEST:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _messages(data: bytes, collector: Collector) -> Iterator[tuple[int, bytes]]:
    """Yield the messages of a file, numbered, without the text between them."""
    at, number = data.find(b"BUFR"), 0
    while at >= 0:
        number += 1
        length = int.from_bytes(data[at + 4 : at + 7], "big")
        end = at + length
        if not 24 <= length <= LONGEST or data[end - 4 : end] != b"7777":
            collector.fault(
                number,
                f"the message at byte {at} is cut or damaged: "
                f"no 7777 at the end of its {length} bytes",
            )
            end = at + 4
        else:
            yield number, data[at:end]
        at = data.find(b"BUFR", end)


@dataclass(slots=True)
class _SubsetReport:
    """One subset as it is read, descriptor by descriptor."""

    # station, time and place: the first of each counts
    head: dict[int, float] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    period: float | None = None  # [h]
    significance: float | None = None
    amounts: int = 0
    amount: float | None = None
    base: float | None = None  # of the lowest cloud, as the class that Nh's report names
    bases: list[float] = field(default_factory=list)  # of layers
    # (amount, top) of layers below the station
    below: list[tuple[float, float | None]] = field(default_factory=list)
    dry: bool = False  # some longer period, ending now, had no precipitation

    def take(self, descriptor: int, value: float | None) -> None:
        """Read one more value."""
        if descriptor == 4024:
            self.period = value
        elif descriptor == 8002:
            self.significance, self.amount = value, None
        elif descriptor == 20011:
            self.amounts += 1
            self._amount(value)
        elif value is None:
            return
        elif descriptor < 8000:
            self.head.setdefault(descriptor, value)
        elif descriptor in PLAIN:
            element, factor = PLAIN[descriptor]
            self.values.setdefault(element, value * factor)
        elif descriptor in (13011, 13019, 13020, 13021, 13022, 13023):
            self._precipitation(descriptor, value)
        elif descriptor in (20013, 20014):
            self._layer(descriptor, value)
        else:
            self._other(descriptor, value)

    def _amount(self, value: float | None) -> None:
        fraction = (
            None
            if value is None
            else (min(value / 8, 1.0) if value <= 9 else COVER.get(int(value)))
        )
        self.amount = fraction
        if self.significance in BELOW:
            if fraction is not None:
                self.below.append((fraction, None))
        elif self.amounts == 1 and fraction is not None:
            self.values.setdefault("low_cloud_area_fraction", fraction)

    def _layer(self, descriptor: int, value: float) -> None:
        if self.significance in BELOW:
            if descriptor == 20014 and self.below and self.amount is not None:
                self.below[-1] = (self.amount, value)
        elif descriptor == 20013 and self.amounts == 1:
            self.base = value
        elif descriptor == 20013:
            self.bases.append(value)

    def _precipitation(self, descriptor: int, value: float) -> None:
        hourly = descriptor == 13019 or (descriptor == 13011 and self.period == HOUR)
        if hourly:
            # -0.1: a trace
            self.values.setdefault(
                "precipitation_amount", max(value, 0.0) if value >= -0.1001 else value
            )
        elif value == 0 and (
            descriptor != 13011 or (self.period is not None and self.period <= HOUR)
        ):
            self.dry = True

    def _other(self, descriptor: int, value: float) -> None:
        # above: an automatic station that saw nothing, or could not
        if descriptor == 20003 and value < 200:
            self.values.setdefault("present_weather", value)
        elif descriptor == 20010:
            # 113: sky obscured
            self.values.setdefault(
                "cloud_area_fraction", min(value, 100.0) / 100 if value <= 113 else value / 100
            )
        elif descriptor == 13013 and value > PATCHY + 0.001:
            self.values.setdefault("snow_depth", 0.0 if value < 0 else value)
        elif descriptor == 14031 and self.period == HOUR:
            self.values.setdefault("sunshine_duration", value * 60)
        elif descriptor == 11041:
            self.values["wind_speed_of_gust"] = max(
                value, self.values.get("wind_speed_of_gust", value)
            )

    def finished(self) -> dict[str, float]:
        """Return the values, with those that depend on several descriptors."""
        values = self.values
        if self.dry:
            values.setdefault("precipitation_amount", 0.0)
        if values.get("cloud_area_fraction") == 0:
            values.setdefault("low_cloud_area_fraction", 0.0)
        if self.bases or self.base is not None:
            values["cloud_base_height"] = min(self.bases) if self.bases else float(self.base or 0.0)
        if self.below:
            amount, top = max(self.below, key=lambda layer: (layer[0], layer[1] or 0.0))
            values["cloud_below_area_fraction"] = amount
            if top is not None:
                values["cloud_below_top_altitude"] = top
        return values


def _add_report(pairs: Pairs, number: int, collector: Collector) -> None:
    """Add one report, or a fault, to what was collected."""
    report = _SubsetReport()
    for descriptor, value in pairs:
        report.take(descriptor, value)
    head, values = report.head, report.finished()
    try:
        block, station = int(head[1001]), int(head[1002])
        year, month, day, hour = (int(head[part]) for part in (4001, 4002, 4003, 4004))
        moment = checked_time(datetime(year, month, day, hour, int(head.get(4005, 0)), tzinfo=UTC))
    except KeyError as error:
        collector.fault(
            number,
            f"a report without descriptor {error.args[0]:06d} "
            "(station's number and time): not read",
            once=str(error),
        )
        return
    except (ValueError, OverflowError):
        collector.fault(number, "a report with an impossible time")
        return
    if not (0 <= block <= 99 and 0 <= station <= 999):
        collector.fault(number, "a report with an impossible station number")
        return
    code = f"{block:02d}{station:03d}"
    latitude, longitude = head.get(5001, head.get(5002)), head.get(6001, head.get(6002))
    elevation = head.get(7030, head.get(7001))
    if latitude is not None and longitude is not None and elevation is not None:
        collector.add_station(Station(code, Name("", ""), latitude, longitude, elevation))
    collector.add(code, moment, values, number)


class _Decoder:
    """One decoding process at a time, started when needed. crashes: how many have ended."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self.crashes = 0

    def decode(self, messages: Sequence[bytes]) -> list[list[Pairs] | str]:
        """Return for each message its reports, or the reason why it has none.

        When a batch ends the process, its messages are tried again one by one.
        """
        try:
            return self._decode(messages)
        except WorkerEnded as ended:
            self.close()
            self.crashes += 1
            if len(messages) == 1:
                return [str(ended)]
        found: list[list[Pairs] | str] = []
        for message in messages:
            found += (
                self.decode([message])
                if self.crashes < MAXIMUM_CRASHES
                else ["not tried: too many decoders have ended"]
            )
        return found

    def _decode(self, messages: Sequence[bytes]) -> list[list[Pairs] | str]:
        """Decode a batch in the running process. Raises: WorkerEnded."""
        worker = self._worker = self._worker or Worker(Path(__file__).with_name("bufr_worker.py"))
        worker.send(messages)
        found: list[list[Pairs] | str] = []
        for _ in messages:
            status, content = worker.receive()
            found.append(
                json.loads(content)
                if status == GOOD
                else quoted(content.decode(errors="replace"), 160)[1:-1]
            )
        return found

    def close(self) -> None:
        """End the process, if there is one."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
