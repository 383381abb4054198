"""The command that takes in station reports: `observe`."""

from __future__ import annotations

from forecast.commands import world as setup
from forecast.commands.options import AsJson, ConfigFile, Now
from forecast.commands.output import show, show_json
from forecast.errors import ConfigError, SourceError


def observe(*, config: ConfigFile = None, now: Now = None, json: AsJson = False) -> int:
    """Read what stations dropped and ask CMADaaS, once; `run` does it every few minutes.

    The exit code is 4 where nothing could be had of CMADaaS.
    """
    settings = setup.settings(config)
    observations = settings.observations
    if not (observations.stations or observations.keep_all or observations.cmadaas):
        raise ConfigError(
            "observations.stations: no station is named, so nothing would be kept; "
            "name one, say keep_all: true, or write observations.cmadaas"
        )
    taken = setup.open_intake(settings).observe(now or setup.clock())
    code = SourceError.exit_code if taken.failed else 0
    if not json:
        show(taken.summary)
        return code
    show_json({
        "files": taken.files, "records": taken.records, "refused": taken.refused,
        "of_other_stations": taken.unknown_stations, "flagged": dict(taken.flagged),
        "waiting": taken.waiting, "deleted": taken.deleted, "from_cmadaas": taken.fed,
        "notes": list(taken.notes), "failed": taken.failed,
    })  # fmt: skip
    return code
