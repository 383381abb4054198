"""Does the thread that receives pushed records say so when it ends?"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from forecast.commands import issue


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (OSError("address already in use"), "push: stopped by an error"),
        (None, "push: stopped; no more records are received"),
    ],
)
def test_a_server_of_pushed_records_that_ends_is_logged(
    end: Exception | None, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    def serve() -> None:
        if end is not None:
            raise end

    issue._serve(SimpleNamespace(serve=serve))  # type: ignore[arg-type]

    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert words in record.message
