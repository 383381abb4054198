"""The forecast service, from model runs and station reports to issued forecasts."""

# Old syntax up to the check, so that an old Python can read it and say what is wrong.
import os
import sys

VERSION = "0.1.0"  # as in pyproject.toml (tested)

if sys.version_info < (3, 11):  # noqa: UP036
    found = "%d.%d" % sys.version_info[:2]  # noqa: UP031
    sys.exit("skyscape needs Python 3.11 or newer; this is Python " + found + ".")

# Its matrices are small: a second thread of the algebra library mostly waits, at full load. Read by
# that library at its start, hence before it is there.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
