"""Take the pictures of README.md from the demonstration: `make pictures`.

`python -m tests.e2e.take_pictures SITE FOLDER`: SITE holds `current` of the demonstration; a page
of 1280x900, a screen of 1920x1080, and a poster are written into FOLDER, made small.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import sys
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

WIDE = 960  # [px] of a picture in README.md
COLOURS = 200


def small(source: Path, target: Path, wide: int = WIDE) -> None:
    """Write a picture of so many pixels and few colours."""
    with Image.open(source) as image:
        size = (wide, round(image.height * wide / image.width))
        image.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(COLOURS).save(
            target, "PNG", optimize=True
        )


def main(site: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/current"
    views = (
        ("page", "index.html", 1280, 900),
        ("phone", "sites/jinding/index.html", 390, 844),
        ("screen", "display/jinding.html", 1920, 1080),
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, path, wide, high in views:
            page = browser.new_page(viewport={"width": wide, "height": high}, color_scheme="dark")
            page.goto(f"{base}/{path}")
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{name}.png")
            page.close()
        browser.close()
    server.shutdown()
    for name, *_, wide, _ in views:
        small(folder / f"{name}.png", folder / f"{name}.png", min(WIDE, wide))
    small(site / "current" / "posters" / "jinding.png", folder / "poster.png", 480)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
