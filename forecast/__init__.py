"""Numbers: from a model run to features, and when."""

# Old syntax up to the check, so that an old Python can read it and say what is wrong.
import sys

VERSION = "0.1.0"  # as in pyproject.toml (tested)

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "skyscape needs Python 3.11 or newer; this is Python %d.%d." % sys.version_info[:2]  # noqa: UP031
    )
