"""The whole web application for the settings: its context, its endpoint and its server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from forecast.config import Config, push_tokens
from forecast.errors import ConfigError
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.world import World
from forecast.learning import train
from forecast.observations.formats import ParseContext
from forecast.observations.intake import Intake
from forecast.service.web.application import create_application
from forecast.service.web.context import WebContext
from forecast.service.web.push import ObservationEndpoint
from forecast.service.web.server import WebServer

log = logging.getLogger(__name__)


def build_server(world: World, lifecycle: Lifecycle, clock: Callable[[], datetime]) -> WebServer:
    """Return the server of the web application. Raises: ConfigError."""
    endpoint = push_endpoint(world, clock)
    context = WebContext(world.config, world.archive, lifecycle, _with_models(world), clock)
    application = create_application(context, endpoint=endpoint)
    return WebServer(application, world.config.web, endpoint)


def serve_beside(server: WebServer) -> threading.Thread:
    """Serve in a thread of its own, which ends with the process."""
    thread = threading.Thread(target=_serve, args=(server,), name="web", daemon=True)
    thread.start()
    return thread


def push_endpoint(world: World, clock: Callable[[], datetime]) -> ObservationEndpoint | None:
    """Return what receives pushed records; None where the settings ask for none.

    Raises: ConfigError where no station could use it.
    """
    config = world.config
    if config.observations.push is None:
        return None
    if not config.observations.stations:
        raise ConfigError(
            "observations: push and stations are both needed before records can be pushed; "
            "see config.yaml"
        )
    return ObservationEndpoint(
        config.observations.push, push_tokens(), _parsing(config), _intake(world).receive, clock
    )


def _parsing(config: Config) -> ParseContext:
    stations = {station.id: station.as_station() for station in config.observations.stations}
    return ParseContext(stations, config.zone)


def _intake(world: World) -> Intake:
    return world.intake or Intake(world.config.observations, world.archive, world.config.zone)


def _with_models(world: World) -> Callable[[], World]:
    """Return a function that gives the world with the models in force."""
    return lambda: replace(world, models=train.models_in_force(world.config))


def _serve(server: WebServer) -> None:
    """Serve until the process ends; where the server stops without being told to, say so."""
    try:
        server.serve()
    except Exception:  # a thread must not end in silence
        if not server.closed:
            log.exception(
                "web: stopped by an error; the desk is closed, no more records are received"
            )
    else:
        if not server.closed:
            log.error("web: stopped; the desk is closed, no more records are received")
