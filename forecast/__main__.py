"""The entry: `skyscape ...`, the same as `python -m forecast ...`. Turns errors into exit codes.

Exit codes: 0 done, 1 a defect, 2 usage, 3 settings, 4 no usable cycle, 5 archive, 6 published only
in part, 7 a file given cannot be read, 8 the issue in force has expired or the service does not
work, 9 no issue is in force. What a command does stands in forecast/commands.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from forecast.commands import application, output
from forecast.errors import SkyscapeError, command_message
from forecast.files import limit_modes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    limit_modes()
    _start_log()
    try:
        return application.run(words)
    except SkyscapeError as error:
        if "--json" in words:
            output.show_json({
                "error": type(error).__name__, "detail": command_message(error),
                "exit_code": error.exit_code,
            })  # fmt: skip
        output.warn(f"skyscape: {command_message(error)}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _start_log() -> None:
    """Log to standard error, libraries only what matters. Times carry their zone; once settings are
    read (commands/world.py), it is that of the service.
    """
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S%z",
        stream=sys.stderr,
        force=True,
    )
    for library in ("alembic", "apscheduler", "urllib3", "matplotlib"):
        logging.getLogger(library).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
