"""Photos of reports are hostile until they are drawn again."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from forecast.service.web import photo_worker, photos
from forecast.service.web.photos import PhotoRefused, keep_photo, path_of
from forecast.worker import WorkerEnded

ORIENTATION, MAKE, GPS = 0x0112, 0x010F, 0x8825


def picture(width: int = 60, height: int = 40, form: str = "JPEG", **more: object) -> bytes:
    """Return a picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", (width, height), "blue")
    image.paste("red", (0, 0, width // 2, height))
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def drawn(photo: bytes) -> bytes:
    return photo_worker.drawn_again(Image, ImageOps, photo)


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def png(width: int, height: int, data: bytes) -> bytes:
    """Return a PNG file of 8-bit grey with these compressed data, whatever they hold."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", data)]
    content = b"\x89PNG\r\n\x1a\n"
    for name, part in (*parts, (b"IEND", b"")):
        check = zlib.crc32(name + part)
        content += struct.pack(">I", len(part)) + name + part + struct.pack(">I", check)
    return content


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photo_becomes_a_jpeg_of_at_most_1600_pixels(form: str) -> None:
    image = opened(drawn(picture(3200, 1200, form)))

    assert (image.format, image.size) == ("JPEG", (1600, 600))
    red, blue = image.getpixel((100, 300)), image.getpixel((1500, 300))
    assert (red[0] > 200, blue[2] > 200) == (True, True)


def test_nothing_stays_but_the_pixels_and_they_stand_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = 6, "Maker of the phone"  # to be turned by 90 degrees clockwise
    exif.get_ifd(GPS).update({1: "N", 2: (39.0, 56.0, 1.0)})
    photo = picture(60, 40, exif=exif, comment=b"at the hut", icc_profile=b"profile of 100 bytes")

    content = drawn(photo)
    image = opened(content)

    assert image.size == (40, 60)
    assert image.getpixel((20, 5))[0] > 200  # what was left is above
    assert dict(image.getexif()) == {}
    assert {"comment", "icc_profile", "exif"} & set(image.info) == set()
    for secret in (b"Maker of", b"at the hut", b"profile of", b"Exif"):
        assert secret in photo or secret == b"Exif"
        assert secret not in content


def test_what_is_transparent_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(out, "PNG")

    assert min(opened(drawn(out.getvalue())).getpixel((20, 20))) > 250


@pytest.mark.parametrize("tail", ["zip", "html", "php"])
def test_a_file_that_is_a_picture_and_something_else_is_a_picture_only(tail: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("evil.txt", "harm")
    payload = {
        "zip": packed.getvalue(),
        "html": b"<script>alert(1)</script>",
        "php": b"<?php system($_GET['c']); ?>",
    }[tail]
    polyglot = picture(comment=payload[:60]) + payload

    content = drawn(polyglot)

    assert payload[:20] not in content
    assert content.endswith(b"\xff\xd9")
    assert not zipfile.is_zipfile(io.BytesIO(content))


@pytest.mark.parametrize(
    "photo",
    [
        b"",
        b"\xff\xd8\xff",
        picture(form="GIF"),
        picture(form="TIFF"),
        picture(form="BMP"),
        picture(form="PPM"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"/>',
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        picture(400, 400)[:900],
        picture(8, 400),
    ],
)  # fmt: skip
def test_what_is_no_photo_is_refused(photo: bytes) -> None:
    with pytest.raises(Exception):  # noqa: B017 - whatever a decoder raises; main answers it
        drawn(photo)


@pytest.mark.parametrize(
    ("width", "height"), [(50_000, 50_000), (2**31 - 1, 1_000), (7_000, 6_000)]
)
def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked(
    width: int, height: int
) -> None:
    packed = zlib.compress(bytes(10_000_000), 9)

    with pytest.raises((photo_worker._TooManyPixels, Image.DecompressionBombError)):
        drawn(png(width, height, packed))


def test_a_photo_is_kept_by_its_digest_once(tmp_path: Path) -> None:
    first = keep_photo(io.BytesIO(picture()), tmp_path)
    again = keep_photo(io.BytesIO(picture()), tmp_path)

    assert first == again
    assert path_of(first, tmp_path).read_bytes() == drawn(picture())
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_the_process_that_decodes_says_what_is_wrong(tmp_path: Path) -> None:
    for photo, reason in ((png(50_000, 50_000, b""), "pixels"), (b"no picture", "picture")):
        with pytest.raises(PhotoRefused, match=reason):
            keep_photo(io.BytesIO(photo), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_photo_of_more_than_8_mb_is_not_even_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "Worker", None)

    with pytest.raises(PhotoRefused, match="size"):
        keep_photo(io.BytesIO(bytes(photos.LARGEST + 1)), tmp_path)


def test_a_decoder_that_dies_costs_the_photo_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying:
        closed = False

        def __init__(self, program: Path) -> None: ...

        def send(self, items: list[bytes]) -> None:
            raise WorkerEnded("it took too long")

        def close(self) -> None:
            Dying.closed = True

    monkeypatch.setattr(photos, "Worker", Dying)

    with pytest.raises(PhotoRefused, match="picture"):
        keep_photo(io.BytesIO(picture()), tmp_path)
    assert Dying.closed


def test_a_photo_does_not_wait_long_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "PATIENCE", 0)

    with photos._one_at_a_time, pytest.raises(PhotoRefused, match="full"):
        keep_photo(io.BytesIO(picture()), tmp_path)
    assert keep_photo(io.BytesIO(picture()), tmp_path)


def test_all_photos_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_photo(io.BytesIO(picture()), tmp_path)
    monkeypatch.setattr(photos, "MOST_KEPT", 100)

    with pytest.raises(PhotoRefused, match="full"):
        keep_photo(io.BytesIO(picture(90, 60)), tmp_path)


@pytest.mark.parametrize("name", ["..", "../../archive.db", "a" * 63, "A" * 64, "a" * 64 + "\n"])
def test_only_a_digest_names_a_photo(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="digest"):
        path_of(name, tmp_path)


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_a_heic_photo_is_named_and_costs_no_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brand: bytes
) -> None:
    """The page then says how a phone takes JPEG instead."""
    monkeypatch.setattr(photos, "Worker", None)

    with pytest.raises(PhotoRefused, match="heic"):
        keep_photo(io.BytesIO(b"\0\0\0\x18ftyp" + brand + bytes(3000)), tmp_path)
