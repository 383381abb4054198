"""Make a folder from which the program is installed without a network: `make wheelhouse`.

    dist/wheelhouse/
      *.whl                 the program and everything it needs, for this Python and this machine
      requirements.txt      each of them with its version and its hash
      install.sh            installs them, see docs/handbook.en.md
      systemd/ nginx.conf Containerfile secrets.env, the handbooks and what they name

What is downloaded is checked against the hashes of requirements.lock. A package of which there is
only source is built here, so that the closed machine needs no compiler.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
DEPLOY = Path(__file__).parent
BESIDE = ("install.sh", "nginx.conf", "Containerfile", "secrets.env", "systemd")
# the handbooks and what they send their readers to
MANUALS = ("handbook.en.md", "handbook.zh.md", "alerts.md", "observations.md", "cmadaas.zh.md")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def main(arguments: list[str] | None = None) -> None:
    """Write the wheelhouse. Raises: CalledProcessError where pip fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument(
        "folder", type=Path, help="where the wheelhouse is written, e.g. dist/wheelhouse"
    )
    folder = parser.parse_args(arguments).folder
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    lock = PROJECT / "requirements.lock"
    subprocess.run(  # noqa: S603
        [*PIP, "wheel", "--require-hashes", "--no-deps", "-r", lock, "-w", part], check=True
    )
    subprocess.run(  # noqa: S603
        [*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", part, PROJECT], check=True
    )
    (part / "requirements.txt").write_text("".join(requirements(part)), encoding="utf-8")
    for name in (*BESIDE, *MANUALS):
        source = (DEPLOY.parent if name in MANUALS else DEPLOY) / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, part / name)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def requirements(folder: Path) -> list[str]:
    """Return a line for each wheel in a folder: name, version and hash, as pip checks them."""
    lines = []
    for wheel in sorted(folder.glob("*.whl")):
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name.replace('_', '-')}=={version} --hash=sha256:{digest}\n")
    return lines


if __name__ == "__main__":
    main()
