"""Take the pictures of README.md from the demonstration: `make pictures`.

`python -m tests.e2e.take_pictures SITE FOLDER`: SITE holds `current` of the demonstration; a page
of 1280x900, a screen of 1920x1080, a poster, and the desk of 1366x768 (`serve --demo`, which makes
a demonstration of its own below the working directory) are written into FOLDER, made small.
"""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

WIDE = 960  # [px] of a picture in README.md
COLOURS = 200
DESK = (1366, 768)  # [px]


def small(source: Path, target: Path, wide: int = WIDE) -> None:
    """Write a picture of so many pixels and few colours."""
    with Image.open(source) as image:
        size = (wide, round(image.height * wide / image.width))
        whole = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        # without dithering a soft sky has bands
        few = whole.quantize(palette=whole.quantize(COLOURS), dither=Image.Dither.FLOYDSTEINBERG)
        few.save(target, "PNG", optimize=True)


def take_desk(browser: Any, target: Path) -> None:
    """Take a picture of the desk with the draft that waits there."""
    command = [sys.executable, "-u", "-m", "forecast", "serve", "--demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as serving:
        said, found = "", None
        for line in serving.stdout or ():
            said += line
            if found := re.search(r"the desk: +(\S+)\naccount: +(\S+)\npassword: +(\S+) ", said):
                break
        if found is None:
            raise SystemExit(f"the desk did not start:\n{said}")
        address, account, password = found.groups()
        page = browser.new_page(viewport={"width": DESK[0], "height": DESK[1]})
        page.goto(address)
        page.fill("[name=account]", account)
        page.fill("[name=password]", password)
        page.keyboard.press("Enter")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=target)
        page.close()
        serving.terminate()


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
        take_desk(browser, folder / "desk.png")
        browser.close()
    server.shutdown()
    small(folder / "desk.png", folder / "desk.png")
    for name, *_, wide, _ in views:
        small(folder / f"{name}.png", folder / f"{name}.png", min(WIDE, wide))
    small(site / "current" / "posters" / "jinding.png", folder / "poster.png", 480)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
