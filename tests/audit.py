"""Look for known holes in what the locks name: `make audit`, with pip-audit in its own environment.

Where the advisory service cannot be reached, that is said, and nothing fails. pip-audit counts what
it could not look up as sound, so what it skipped is counted here. Exit code 1 where there is a
hole.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import venv
from collections.abc import Sequence
from pathlib import Path

from pip._internal.models.index import PyPI

PROJECT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "tests/requirements.lock")
PIP_AUDIT = "pip-audit==2.10.1"
# One answer of the service that pip-audit asks, pip's own default index; a mirror that knows files
# only has none.
PROBE = f"{PyPI.pypi_url}/jinja2/3.1.6/json"
PATIENCE, LONGEST = 10, 120  # [s] for the probe; for all of it


def reachable(address: str = PROBE, patience: float = PATIENCE) -> str:
    """Return why the advisory service cannot be used; "" where it can."""
    try:
        with urllib.request.urlopen(address, timeout=patience) as answer:
            known = json.load(answer)
    except (OSError, ValueError) as error:
        return str(error) or type(error).__name__
    return "" if "vulnerabilities" in known else "its answers name no vulnerabilities"


def report(document: str) -> tuple[list[str], int, int]:
    """Return a line for each hole in a report of pip-audit, how many packages it looked up, and how
    many it could not.
    """
    packages = json.loads(document)["dependencies"]
    skipped = sum("skip_reason" in each for each in packages)
    holes = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for each in packages
        for hole in each.get("vulns", ())
    ]
    return holes, len(packages) - skipped, skipped


def main(patience: float = PATIENCE) -> int:
    if reason := reachable(patience=patience):
        print(f"audit SKIPPED: the advisory service cannot be reached: {reason}")
        return 0
    try:
        return _audited(LOCKS)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        print(f"audit SKIPPED: pip-audit could not be run: {error}")
        return 0


def _audited(locks: Sequence[str]) -> int:
    """Audit the locks, print what was found, and return the exit code."""
    code = 0
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PIP_AUDIT]
        subprocess.run(pip, check=True, timeout=LONGEST)
        for lock in locks:
            done = subprocess.run(
                [python, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off",
                 "--disable-pip", "--require-hashes", "--timeout", str(PATIENCE), "-r",
                 PROJECT / lock],
                check=False, capture_output=True, text=True, timeout=LONGEST,
            )  # fmt: skip
            if not done.stdout.strip():
                print(f"audit SKIPPED of {lock}: {done.stderr.strip()[-300:]}")
                continue
            holes, known, skipped = report(done.stdout)
            if not known:
                print(f"audit SKIPPED of {lock}: none of {skipped} packages could be looked up")
                continue
            print(f"{lock}: {known} packages looked up, {skipped} not, {len(holes)} holes")
            for line in holes:
                print(f"  {line}")
            code |= bool(holes)
    return code


if __name__ == "__main__":
    sys.exit(main())
