"""Does the audit of the locks say what it could not look up, and fail only for a hole?"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests import audit


def test_what_pip_audit_skipped_is_counted_and_never_sound() -> None:
    """The shape of `pip-audit --format json`, 2.10."""
    document = json.dumps({
        "dependencies": [
            {"name": "jinja2", "version": "3.1.6", "vulns": []},
            {"name": "flask", "skip_reason": "Dependency not found on PyPI"},
            {"name": "pillow", "version": "1.0",
             "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0", "3.0"], "aliases": []}]},
        ],
        "fixes": [],
    })  # fmt: skip

    holes, known, skipped = audit.report(document)

    assert holes == ["pillow 1.0: PYSEC-1, mended in 2.0, 3.0"]
    assert (known, skipped) == (2, 1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"info": {}, "vulnerabilities": []}', ""),
        (b'{"info": {}}', "its answers name no vulnerabilities"),
        (b"<html>a portal</html>", "Expecting value"),
    ],
)
def test_a_mirror_that_knows_no_advisories_is_no_advisory_service(body: bytes, reason: str) -> None:
    class Mirror(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = audit.reachable(f"http://127.0.0.1:{server.server_port}/pip/json")
        server.shutdown()

    assert found.startswith(reason)
    assert bool(found) == bool(reason)


def test_without_a_network_the_audit_is_said_to_be_skipped_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "reachable", lambda **_: "no route to host")

    assert audit.main() == 0
    assert capsys.readouterr().out.startswith("audit SKIPPED: ")
