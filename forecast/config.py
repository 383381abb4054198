"""Settings: config.yaml -> a frozen, validated Config. The sole reader of YAML and of the
environment.

A wrong setting stops the start with one sentence that says where it is, what was found and what was
expected.
Secrets come from the environment only: `SKYSCAPE_ARCHIVE_URL` (a database address with its
password), `SKYSCAPE_PUSH_TOKENS`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, model_validator

from forecast import domain
from forecast.errors import ConfigError
from forecast.settings import (
    OPERATIONAL,
    ArchiveSettings,
    ForecastSettings,
    IssuerSettings,
    LearningSettings,
    ModelSettings,
    ObservationSettings,
    Operational,
    OutputSettings,
    PhenomenonSettings,
    ScheduleSettings,
    Section,
    ServiceSettings,
    SiteSettings,
    SourceSettings,
    StationSettings,
)

ENVIRONMENT = {"SKYSCAPE_ARCHIVE_URL": ("archive", "url")}
SENDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
PUSH_TOKENS = "SKYSCAPE_PUSH_TOKENS"  # sender:token,sender:token
SHORTEST_TOKEN = 16  # [character]
MAXIMUM_SIZE = 4_000_000  # [byte] of a settings file


class Config(Section):
    """The whole world of the service. `digest` tells two settings apart."""

    service: ServiceSettings
    issuer: IssuerSettings = IssuerSettings()
    source: Annotated[SourceSettings, OPERATIONAL]
    archive: Annotated[ArchiveSettings, OPERATIONAL] = ArchiveSettings()
    output: Annotated[OutputSettings, OPERATIONAL] = OutputSettings()
    forecast: ForecastSettings = ForecastSettings()
    schedule: Annotated[ScheduleSettings, OPERATIONAL] = ScheduleSettings()
    learning: Annotated[LearningSettings, OPERATIONAL] = LearningSettings()
    phenomena: PhenomenonSettings = PhenomenonSettings()
    models: Annotated[tuple[ModelSettings, ...], OPERATIONAL] = Field(default=(), max_length=12)
    observations: ObservationSettings = ObservationSettings()
    sites: tuple[SiteSettings, ...] = Field(min_length=1, max_length=5000)
    demonstration: bool = False

    @model_validator(mode="after")
    def _sensible(self) -> Config:
        ids = [site.id for site in self.sites]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"sites: the id {twice[0]!r} is given twice")
        for what, names in (
            ("models", [self.source.model, *(model.id for model in self.models)]),
            ("observations.stations", [station.id for station in self.observations.stations]),
        ):
            if twice := sorted({i for i in names if names.count(i) > 1}):
                raise ValueError(f"{what}: the id {twice[0]!r} is given twice")
        known = {station.id for station in self.observations.stations}
        for site in self.sites:
            if unknown := [station for station in site.stations if station not in known]:
                raise ValueError(
                    f"sites.{site.id}.stations: {unknown[0]} is no station of observations.stations; name it there first"
                )
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.service.timezone)

    def all_sites(self) -> tuple[domain.Site, ...]:
        return tuple(site.as_site() for site in self.sites)

    @property
    def site_stations(self) -> tuple[StationSettings, ...]:
        """The stations that stand for a site."""
        wanted = {id for site in self.sites for id in site.stations}
        return tuple(station for station in self.observations.stations if station.id in wanted)

    @property
    def digest(self) -> str:
        """Return a short hash of the settings that make a new issue: those not OPERATIONAL."""
        content = self.model_dump_json(include=_issue_settings(self))
        # the channels stand apart, in their own order: a channel that is added makes a new issue
        return hashlib.sha256((content + ",".join(self.output.channels)).encode()).hexdigest()[:12]

    def digest_with(self, more: Iterable[str]) -> str:
        """Tell apart what is said under these settings from `more` that it is made of."""
        parts = sorted(more)
        return (
            hashlib.sha256(",".join((self.digest, *parts)).encode()).hexdigest()[:12]
            if parts
            else self.digest
        )

    def shown(self) -> dict[str, Any]:
        """Return the settings for showing, secrets masked."""
        values = self.model_dump(mode="json")
        mirrors = [mirror for model in values["models"] for mirror in model["mirrors"]]
        for section in (
            values["archive"],
            values["source"]["filter"],
            values["source"]["bucket"],
            *mirrors,
        ):
            section["url"] = masked(section["url"])
        return values


def _issue_settings(section: Section) -> dict[str, Any]:
    """Return the settings of a section that are not OPERATIONAL, as `include` of a model dump."""
    return {
        name: _issue_settings(value) if isinstance(value, Section) else True
        for name, field in type(section).model_fields.items()
        if not any(isinstance(mark, Operational) for mark in field.metadata)
        for value in (getattr(section, name),)
    }


def masked(url: str) -> str:
    """Return `url` without the password it may carry, nor the query, which may carry a token."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    shown = f"{user.partition(':')[0]}:***@{host}" if ":" in user else parts.netloc
    return (
        urlunsplit((parts.scheme, shown, parts.path, "***" if parts.query else "", ""))
        if shown != parts.netloc or parts.query
        else url
    )


def push_tokens(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return who may push observations, each with its token; nobody where none is set. No part of
    Config, so that no page shows it.

    Raises: ConfigError, which never repeats a token.
    """
    told = (os.environ if environment is None else environment).get(PUSH_TOKENS, "")
    tokens: dict[str, str] = {}
    for place, part in enumerate((part.strip() for part in told.split(",") if part.strip()), 1):
        sender, token = (side.strip() for side in part.partition(":")[::2])
        if (
            not token
            or not SENDER.fullmatch(sender)
            or not token.isascii()
            or not token.isprintable()
            or " " in token
        ):
            raise ConfigError(
                f"{PUSH_TOKENS}: entry {place} is not sender:token (a sender is of letters, digits, '-' and '_')"
            )
        if len(token) < SHORTEST_TOKEN:
            raise ConfigError(
                f"{PUSH_TOKENS}: the token of {sender} has {len(token)} characters, at least {SHORTEST_TOKEN} are wanted: "
                "make one with `openssl rand -hex 24`"
            )
        if sender in tokens or token in tokens.values():
            raise ConfigError(
                f"{PUSH_TOKENS}: {sender} is named twice, or has another sender's token: each has one of its own"
            )
        tokens[sender] = token
    return tokens


def default_path() -> Path:
    """Return the settings file that came with the program: beside this module in a wheel, else at
    the project's top.
    """
    beside = Path(__file__).with_name("config.yaml")
    return beside if beside.exists() else Path(__file__).parents[1] / "config.yaml"


def read_config(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Read and validate the settings at `path` (default: the program's own).

    Raises: ConfigError, with the one thing to mend first.
    """
    path = default_path() if path is None else path
    try:
        if path.stat().st_size > MAXIMUM_SIZE:
            raise ConfigError(
                f"{path}: larger than {MAXIMUM_SIZE // 1_000_000} MB: this is no settings file"
            )
        values = _PlainLoader(path.read_text(encoding="utf-8")).get_single_data()
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such settings file; copy config.yaml of the program and give it with --config"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(
            f"{path}: nested deeper than any settings are; expected service:, source:, sites: ..."
        ) from error
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path}: expected a table of settings (service:, source:, sites: ...), found {type(values).__name__}"
        )
    return build_config(values, os.environ if environment is None else environment, str(path))


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them can stand for more than a machine holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None,
                None,
                f"the alias *{event.anchor} is not allowed: write it out",
                event.start_mark,
            )
        return super().compose_node(parent, index)


def _place(location: tuple[int | str, ...], values: dict[str, Any]) -> str:
    """Return where in the settings something stands; a site, a model or a station by its id."""
    parts, there = [str(part) for part in location], values
    for place, part in enumerate(location):
        try:
            there = there[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(part, int) and isinstance(there, dict) and isinstance(there.get("id"), str):
            parts[place] = there["id"][:40]
    return ".".join(parts) or "settings"


def build_config(
    values: dict[str, Any], environment: Mapping[str, str], where: str = "settings"
) -> Config:
    """Validate `values`, overlaid by the environment.

    Raises: ConfigError.
    """
    for variable, (section, key) in ENVIRONMENT.items():
        if environment.get(variable):
            if not isinstance(values.get(section, {}), dict):
                raise ConfigError(f"{where}: {section}: expected a table")
            values = {**values, section: {**values.get(section, {}), key: environment[variable]}}
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = _place(first["loc"], values)
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        secret = first["loc"] and first["loc"][0] == "archive"
        found = (
            "" if secret or isinstance(first["input"], dict) else f"; found {first['input']!r:.80}"
        )
        raise ConfigError(
            f"{where}: {place}: {first['msg'].removeprefix('Value error, ')}{found}{more}"
        ) from None
