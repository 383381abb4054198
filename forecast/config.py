"""Settings: config.yaml -> a frozen, validated Config. The sole reader of YAML and of the
environment.

Wrong settings stop the start, all named at once: where each is, what was found and what was
expected. Relative paths start at the folder of the settings file.
Secrets come from the environment only: `SKYSCAPE_ARCHIVE_URL` (a database address with its
password), `SKYSCAPE_PUSH_TOKENS`, `SKYSCAPE_SECRET` (signs sessions of the desk).
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
from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, field_validator

from forecast import domain
from forecast.errors import ConfigError
from forecast.settings import (
    OPERATIONAL,
    ArchiveSettings,
    ForecastSettings,
    IssuerSettings,
    IssueSettings,
    ObservationSettings,
    Operational,
    OutputSettings,
    PhenomenonSettings,
    ScheduleSettings,
    ServiceSettings,
    SettingsSection,
    SiteSettings,
    StationSettings,
    WebSettings,
)
from forecast.settings.alerts import OperatorAlertSettings
from forecast.settings.cmadaas import CmadaasSettings
from forecast.settings.delivery import DeliverySettings
from forecast.settings.delivery import secrets as secrets_of
from forecast.settings.errors import (
    SettingFault,
    SettingsError,
    cross_faults,
    faults_of,
    kind_of,
    yaml_fault,
)
from forecast.settings.keeping import BackupSettings, KeepSettings
from forecast.settings.learning import LearningSettings, ReportSettings
from forecast.settings.sources import ModelSettings, SourceSettings
from forecast.settings.yaml_text import PlainLoader, values_of

ENVIRONMENT = {"SKYSCAPE_ARCHIVE_URL": ("archive", "url")}
SENDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
PUSH_TOKENS = "SKYSCAPE_PUSH_TOKENS"  # sender:token,sender:token
SHORTEST_TOKEN = 16  # [character]
SECRET = "SKYSCAPE_SECRET"  # noqa: S105 - the name of a variable
SHORTEST_SECRET = 32  # [character]
CMADAAS_USER, CMADAAS_PASSWORD = "SKYSCAPE_CMADAAS_USER", "SKYSCAPE_CMADAAS_PASSWORD"
MAXIMUM_SIZE = 40_000_000  # [byte] of a settings file


class Config(SettingsSection):
    """All settings of the service. `digest` differs where settings differ."""

    service: ServiceSettings
    issuer: IssuerSettings = IssuerSettings()
    source: Annotated[SourceSettings, OPERATIONAL]
    archive: Annotated[ArchiveSettings, OPERATIONAL] = ArchiveSettings()
    output: Annotated[OutputSettings, OPERATIONAL] = OutputSettings()
    keep: Annotated[KeepSettings, OPERATIONAL] = KeepSettings()
    backup: Annotated[BackupSettings, OPERATIONAL] = BackupSettings()
    forecast: ForecastSettings = ForecastSettings()
    schedule: Annotated[ScheduleSettings, OPERATIONAL] = ScheduleSettings()
    issue: IssueSettings = IssueSettings()
    reports: Annotated[ReportSettings, OPERATIONAL] = ReportSettings()
    learning: Annotated[LearningSettings, OPERATIONAL] = LearningSettings()
    phenomena: PhenomenonSettings = PhenomenonSettings()
    models: Annotated[tuple[ModelSettings, ...], OPERATIONAL] = Field(default=(), max_length=12)
    cmadaas: Annotated[CmadaasSettings, OPERATIONAL] = CmadaasSettings()
    observations: ObservationSettings = ObservationSettings()
    delivery: Annotated[DeliverySettings, OPERATIONAL] = DeliverySettings()
    alerts: Annotated[OperatorAlertSettings, OPERATIONAL] = OperatorAlertSettings()
    sites: tuple[SiteSettings, ...] = Field(min_length=1, max_length=20000)
    demonstration: bool = False
    _file: Path | None = PrivateAttr(default=None)

    @property
    def file(self) -> Path | None:
        """The settings file that was read; None where there was none."""
        return self._file

    @field_validator("alerts")
    @classmethod
    def _reachable(
        cls, value: OperatorAlertSettings, info: ValidationInfo
    ) -> OperatorAlertSettings:
        if faults := value.faults(info.data.get("delivery", DeliverySettings())):
            raise ValueError("; ".join(faults))
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.service.timezone)

    @property
    def web(self) -> WebSettings:
        """How the web application is served, also where the settings do not ask for it."""
        return self.service.web or WebSettings()

    @property
    def private_folder(self) -> Path:
        """Where secrets are kept: beside an SQLite archive, else beside the models; never where
        pages are served.
        """
        parts = urlsplit(self.archive.url)
        if parts.scheme.startswith("sqlite") and parts.path.strip("/"):
            return Path(parts.path[1:]).absolute().parent
        return self.learning.folder.absolute().parent

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
        return hashlib.sha256(
            (content + ",".join(self.output.channels) + self.output.base_url).encode()
        ).hexdigest()[:12]

    def digest_with(self, more: Iterable[str]) -> str:
        """Return a digest of these settings and of `more` from which a product is made."""
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
        webhook = values["delivery"]["webhook"] or {"targets": []}
        for section in (
            values["archive"],
            values["source"]["filter"],
            values["source"]["bucket"],
            values["cmadaas"],
            *mirrors,
            *webhook["targets"],
        ):
            section["url"] = masked(section["url"])
        for part in (values["alerts"]["first"], values["alerts"]["escalated"]):
            part["webhook"] = [masked(each) for each in part["webhook"]]
        return values


def _issue_settings(section: SettingsSection) -> dict[str, Any]:
    """Return the settings of a section that are not OPERATIONAL, as `include` of a model dump."""
    return {
        name: _issue_settings(value) if isinstance(value, SettingsSection) else True
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
    given = (os.environ if environment is None else environment).get(PUSH_TOKENS, "")
    tokens: dict[str, str] = {}
    for place, part in enumerate((part.strip() for part in given.split(",") if part.strip()), 1):
        sender, token = (side.strip() for side in part.partition(":")[::2])
        if (
            not token
            or not SENDER.fullmatch(sender)
            or not token.isascii()
            or not token.isprintable()
            or " " in token
        ):
            raise ConfigError(
                f"{PUSH_TOKENS}: entry {place} is not sender:token (a sender is of letters, "
                "digits, '-' and '_')"
            )
        if len(token) < SHORTEST_TOKEN:
            raise ConfigError(
                f"{PUSH_TOKENS}: the token of {sender} has {len(token)} characters, at least "
                f"{SHORTEST_TOKEN} are wanted: "
                "make one with `openssl rand -hex 24`"
            )
        if sender in tokens or token in tokens.values():
            raise ConfigError(
                f"{PUSH_TOKENS}: {sender} is named twice, or has another sender's token: each has "
                "one of its own"
            )
        tokens[sender] = token
    return tokens


def delivery_secrets(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the secrets of what is sent (forecast/settings/delivery.py) by variable."""
    return secrets_of(os.environ if environment is None else environment)


def cmadaas_account(environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return user and password of CMADaaS; "" each where they are not given.

    Raises: ConfigError where one is given without the other; it repeats neither.
    """
    given = os.environ if environment is None else environment
    user, password = given.get(CMADAAS_USER, "").strip(), given.get(CMADAAS_PASSWORD, "").strip()
    if bool(user) != bool(password):
        lacking = CMADAAS_PASSWORD if user else CMADAAS_USER
        raise ConfigError(f"{lacking}: is not set: an account of CMADaaS is a user and a password")
    return user, password


def session_secret(environment: Mapping[str, str] | None = None) -> str:
    """Return the key that signs sessions; "" where none is given.

    Raises: ConfigError, which never repeats it.
    """
    given = (os.environ if environment is None else environment).get(SECRET, "")
    if given and len(given) < SHORTEST_SECRET:
        raise ConfigError(
            f"{SECRET}: has {len(given)} characters, at least {SHORTEST_SECRET} are wanted: make "
            "one with `openssl rand -hex 32`"
        )
    return given


def archive_address() -> str:
    """Return the address of the archive that the environment gives; "" where it gives none."""
    return os.environ.get("SKYSCAPE_ARCHIVE_URL", "")


def default_path() -> Path:
    """Return the settings file that came with the program: beside this module in a wheel, else at
    the project's top.
    """
    beside = Path(__file__).with_name("config.yaml")
    return beside if beside.exists() else Path(__file__).parents[1] / "config.yaml"


def base_folder(path: Path | None = None) -> Path:
    """Return the folder at which the relative paths of the settings at `path` start.

    That is the folder of the settings file. Only the file inside an installed package has no
    sensible folder of its own: its paths start at the working directory.
    """
    found = default_path() if path is None else path
    installed = found.resolve().parent == Path(__file__).resolve().parent
    return Path.cwd() if installed else found.absolute().parent


def read_config(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Read and validate the settings at `path` (default: the program's own); paths are absolute.

    Raises: ConfigError; SettingsError, with every fault and its line.
    """
    path = default_path() if path is None else path
    text = read_text(path)
    values = parse_settings(text, path)
    try:
        given = os.environ if environment is None else environment
        config = build_config(values, given, str(path), base_folder(path))
        config._file = path.absolute()
        return config
    except SettingsError as error:
        raise error.with_lines(text, PlainLoader) from None


def read_text(path: Path) -> str:
    """Read a settings file. Raises: ConfigError."""
    try:
        if path.stat().st_size > MAXIMUM_SIZE:
            raise ConfigError(
                f"{path}: larger than {MAXIMUM_SIZE // 1_000_000} MB: this is no settings file"
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such settings file; copy the program's config.yaml and give it with "
            "--config"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def parse_settings(text: str, path: Path) -> dict[str, Any]:
    """Return the values of a settings file, not validated yet. Raises: ConfigError."""
    try:
        values = values_of(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {yaml_fault(error)}") from error
    except RecursionError as error:
        raise ConfigError(
            f"{path}: nested deeper than any settings are; expected service:, source:, sites: ..."
        ) from error
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path}: expected a table of settings (service:, source:, sites: ...), "
            f"found {kind_of(values)}"
        )
    return values


def build_config(
    values: dict[str, Any],
    environment: Mapping[str, str],
    where: str = "settings",
    base: Path | None = None,
    between: bool = True,
) -> Config:
    """Validate `values`, overlaid by the environment; relative paths start at `base`, where given.

    between: check what lies between entries too (forecast/settings/errors.py).

    Raises: SettingsError, with every fault.
    """
    for variable, (section, key) in ENVIRONMENT.items():
        if environment.get(variable):
            if not isinstance(values.get(section, {}), dict):
                raise ConfigError(f"{where}: {section}: expected a table")
            values = {**values, section: {**values.get(section, {}), key: environment[variable]}}
    faults: list[SettingFault] = []
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        faults = faults_of(error, values, Config)
    if between:
        faults += [SettingFault((), "", text) for text in cross_faults(values)]
    if faults:
        raise SettingsError(where, faults)
    return config if base is None else with_paths_from(config, base)


def with_paths_from(config: Config, base: Path) -> Config:
    """Return `config` with every relative path made absolute, starting at `base`."""

    def moved(section: SettingsSection, *names: str) -> Any:
        paths = {name: getattr(section, name) for name in names}
        return section.model_copy(
            update={
                name: Path(os.path.normpath(base / path))
                for name, path in paths.items()
                if path is not None
            }
        )

    base = base.absolute()
    archive = config.archive.model_copy(update={"url": _sqlite_from(config.archive.url, base)})
    return config.model_copy(
        update={
            "source": moved(config.source, "folder", "cycles"),
            "archive": archive,
            "output": moved(config.output, "folder"),
            "backup": moved(config.backup, "folder"),
            "learning": moved(config.learning, "folder"),
            "observations": moved(config.observations, "folder"),
            "cmadaas": moved(config.cmadaas, "state"),
            "models": tuple(moved(model, "folder") for model in config.models),
        }
    )


def _sqlite_from(url: str, base: Path) -> str:
    """Return the address of a SQLite file with its path made absolute; any other as it is."""
    scheme, mark, rest = url.partition(":///")
    path, query, more = rest.partition("?")
    if not mark or not scheme.startswith("sqlite") or path.startswith((":memory:", "file:")):
        return url
    return f"{scheme}:///{os.path.normpath(base / path)}{query}{more}" if path else url
