"""The forecast service, from model runs and station reports to issued forecasts."""

# Old syntax up to the check, so that an old Python can read it and say what is wrong.
import sys

VERSION = "0.1.0"  # as in pyproject.toml (tested)

if sys.version_info < (3, 11):  # noqa: UP036
    found = "%d.%d" % sys.version_info[:2]  # noqa: UP031
    sys.exit("skyscape needs Python 3.11 or newer; this is Python " + found + ".")
