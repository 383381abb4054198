"""Write the made-up inputs of tests/fuzz/corpus; none is anybody's data. Run once: the corpus is
kept in the repository, with what was found later.
"""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.gribs import COLUMNS, ROWS, message

CORPUS = Path(__file__).with_name("corpus")
FIELD = np.linspace(250, 280, ROWS * COLUMNS).reshape(ROWS, COLUMNS)
HOLES = np.where(FIELD > 270, np.nan, FIELD)

TEXTS: dict[str, dict[str, str]] = {
    "csv": {
        "english": "station,time,air_temperature,relative_humidity,wind_speed\n"
        "M1,2026-11-22T08:00:00+08:00,-3.2,71,4.6\nM1,2026-11-22 09:00,-2.9,NA,999999\n",
        "semicolons": "station;time;visibility_in_air\nM1;2026/11/22 08:00;12000\n",
    },
    "push": {
        "records": '[{"station": "M1", "time": "2026-11-22T12:00:00Z", "air_temperature": -3.2},\n'
        ' {"station": "M1", "time": "2026-11-22T12:10:00Z", "relative_humidity": 71}]',
        "one": '{"station": "M1", "time": "2026-11-22T12:00:00Z", "wind_speed": 4}',
    },
    "synop": {
        "one": "AAXX 22121\n54511 41/60 53204 10012 21034 39876 40123 57010 333 4/005 444 5/15/=",
        "two": "ZCZC\nSNCI01 BABJ 221200\nAAXX 22121\n54511 NIL=\n58237 11450 82501 11032 21056=\n",
    },
    "metar": {
        "one": "METAR ZBAA 221200Z 32005MPS 290V350 9999 FEW040 SCT100 M03/M15 Q1028 NOSIG=\n",
        "json": '[{"icaoId": "ZBAA", "rawOb": "ZBAA 221230Z 00000MPS 0800 FG VV002 M01/M01"}]',
    },
    "micaps1": {
        "one": "diamond 1 made-up 20020402 01\n20 02 04 02 1\n"
        "54511 116.47 39.80 31 5 30 4 10132 9999 9999 9999 9999 9999 9999 9999 12.1 9999 9999 10.0"
        " 3.2 9999 9999 9999 9999 1 2\n"
    },
    "micaps3": {
        "one": "diamond 3 20261122 visibility_in_air(m)\n2026 11 22 20 0 2 1.0 5.0 1 0 0 1 2\n"
        "54511 116.47 39.80 31 1200\nA1201 115.45 40.02 2290 9999\n"
    },
    "isd": {
        "fixed": "0134545110999992026112212004+39930+116280FM-12+005599999V0203201N00461220001N"
        "0120001N1-00325-01505102811\n",
        "csv": 'STATION,DATE,SOURCE,REPORT_TYPE,TMP,DEW,WND\n"54511099999","2026-11-22T12:00:00",'
        '"4","FM-12","-0032,1","-0150,1","320,1,N,0046,1"\n',
    },
    "afile": {
        "one": "58237 3256N 11854E 000238 0 2021 11\nTB\n0118 0117 0116 0115.\n0118 0119 0120 0121="
        "\nUB=\n"
    },
    "inventory": {
        "gfs": "1:0:d=2026011000:TMP:850 mb:6 hour fcst:\n2:400:d=2026011000:RH:850 mb:6 hour fcst:"
        "\n3:800:d=2026011000:APCP:surface:0-6 hour acc fcst:\n"
        "4.1:1200:d=2026011000:UGRD:850 mb:6 hour fcst:\n"
        "4.2:1200:d=2026011000:VGRD:850 mb:6 hour fcst:\n",
        "gefs": "1:0:d=2026011000:TMP:500 mb:6 hour fcst:ENS=+1\n"
        "2:90:d=2026011000:AOTK:entire atmosphere:6 hour fcst:aerosol=Total Aerosol:\n",
    },
    "index": {
        "oper": '{"domain": "g", "date": "20260110", "time": "0000", "expver": "0001"'
        ', "type": "fc", "stream": "oper", "step": "6", "levtype": "pl", "levelist": "850", "param"'
        ': "t", "_offset": 0, "_length": 609}\n'
        '{"domain": "g", "date": "20260110", "time": "0000", "type": "fc", "stream": "oper", "step"'
        ': "6", "levtype": "sfc", "param": "2t", "_offset": 609, "_length": 500}\n'
    },
    "outcomes": {
        "chinese": "站点,现象,日期,程度\n灵山,晚霞,2026-11-20,部分\n"
        "灵山,星空,2026-11-21 02:30,full\n",
        "english": "site,phenomenon,day,degree,state,amount_cm,source,reporter\n"
        "jinding,sea_of_clouds,2026-11-20,,sea,,camera,cam1\n"
        "jiangshuihe,snowfall,2026-11-19,,,4.5,observer,wang\n",
    },
    "head": {
        "get": "GET /current/index.html?lang=en HTTP/1.1\r\nHost: weather.example\r\n"
        "X-Forwarded-For: 198.51.100.7\r\nAccept: text/html\r\n\r\n",
        "push": "POST /api/v1/observations HTTP/1.1\r\nHost: weather.example\r\nAuthorization: "
        "Bearer sixteen-or-more-letters\r\nContent-Type: application/json\r\nContent-Length: 120"
        "\r\n\r\n",
        "chunks": "POST /report/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    },
}


def main() -> None:
    for name, texts in TEXTS.items():
        for label, text in texts.items():
            _write(name, label, text.encode())
    for label, packing in (("simple", "grid_simple"), ("complex", "grid_complex"),
                           ("differences", "grid_complex_spatial_differencing"),
                           ("jpeg", "grid_jpeg"), ("ccsds", "grid_ccsds")):  # fmt: skip
        _write("grib", label, message(FIELD, packing=packing))
    _write("grib", "missing", message(HOLES))
    _write("grib", "sum", message(FIELD, (0, 1, 8), 1, 0, start=0))
    _write("grib", "two", message(FIELD) + message(FIELD, (0, 1, 1)))
    _write("file", "gzip", gzip.compress(TEXTS["csv"]["english"].encode(), mtime=0))
    _write("file", "table", TEXTS["csv"]["english"].encode("gb18030"))
    picture = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    for kind in ("JPEG", "PNG", "WEBP"):
        out = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6
        picture.save(out, kind, exif=exif)
        _write("photo", kind.lower(), out.getvalue())
    _write("bufr", "synop", _bufr())


def _bufr() -> bytes:
    """Return a land station's report, made by ecCodes from its own sample."""
    import eccodes

    handle = eccodes.codes_bufr_new_from_samples("BUFR4")
    try:
        eccodes.codes_set(handle, "masterTablesVersionNumber", 28)
        for key, value in (("typicalYear", 2026), ("typicalMonth", 11), ("typicalDay", 22),
                           ("typicalHour", 12), ("typicalMinute", 0)):  # fmt: skip
            eccodes.codes_set(handle, key, value)
        eccodes.codes_set(handle, "unexpandedDescriptors", 307080)
        for key, value in (("blockNumber", 54), ("stationNumber", 511), ("year", 2026),
                           ("month", 11), ("day", 22), ("hour", 12), ("minute", 0),
                           ("airTemperature", 270.1)):  # fmt: skip
            eccodes.codes_set(handle, key, value)
        eccodes.codes_set(handle, "pack", 1)
        return bytes(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)


def _write(name: str, label: str, content: bytes) -> None:
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    (CORPUS / name / label).write_bytes(content)


if __name__ == "__main__":
    main()
