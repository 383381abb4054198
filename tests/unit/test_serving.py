"""Does the thread of the web application say so when it ends?"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from forecast.service.web import service


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
