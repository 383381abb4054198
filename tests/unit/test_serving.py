"""Does the thread of the web application say so when it ends, and does a reload get its port?"""

from __future__ import annotations

import http.client
import socket
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from forecast.config import Config
from forecast.service.running import Parts, Service
from forecast.service.web import service
from forecast.service.web.server import WebServer


@pytest.mark.parametrize(
    ("end", "words"),
    [(OSError("address already in use"), "web: stopped by an error"), (None, "web: stopped;")],
)
def test_a_server_that_ends_is_logged(
    end: Exception | None, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    def serve() -> None:
        if end is not None:
            raise end

    thread = service.serve_beside(SimpleNamespace(serve=serve, closed=False))  # type: ignore[arg-type]
    thread.join(60)

    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert words in record.message
    assert "no more records are received" in record.message


def test_a_reload_listens_on_the_same_port_again(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    web = config.web.model_copy(update={"host": "127.0.0.1", "port": port})
    application = Flask(__name__)
    application.add_url_rule("/", "root", lambda: "here")
    application.extensions["skyscape"] = SimpleNamespace(config=config)
    signals: Any = SimpleNamespace(stop="")

    def answer() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/")
        status = connection.getresponse().status
        connection.close()
        return status

    ours = Service(
        lambda: Parts(None, lambda: WebServer(application, web)), lambda: datetime.now(UTC), signals
    )
    ours._start(ours._parts)
    before = answer()
    with caplog.at_level("INFO"):
        ours._reload()
    after = answer()
    ours._end_parts()

    assert (before, after) == (200, 200)
    assert "reload: the new settings are in force" in caplog.text
    assert "keeps its old address" not in caplog.text
