"""Who enters the desk, how a session ends, and what a stranger may not do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from flask import Blueprint
from flask.typing import ResponseReturnValue

from forecast.archive import accounts as accounts_module
from forecast.archive.accounts import Accounts, Audit
from forecast.config import Config
from forecast.errors import Conflict
from forecast.review import ROLES
from forecast.service.web import guards
from forecast.service.web.application import COOKIE
from forecast.service.web.session import BY_ACCOUNT, BY_ADDRESS, LoginLimits
from forecast.service.web.session_key import key_file, session_key
from forecast.service.web.throttle import Limit, Throttle, network_of
from tests.web_world import PASSWORD, WebWorld, csrf_of, sign_in, token_of, web_world

probe = Blueprint("probe", __name__)


@probe.get("/desk/probe")
@guards.needs("see")
def look() -> ResponseReturnValue:
    return "seen"


@probe.post("/desk/probe")
@guards.needs("sign")
def change() -> ResponseReturnValue:
    return "changed"


@probe.get("/desk/defect")
@guards.needs("see")
def defect() -> ResponseReturnValue:
    raise ZeroDivisionError("the secret of a traceback")


@pytest.fixture(scope="module")
def made(config: Config, tmp_path_factory: pytest.TempPathFactory) -> WebWorld:
    ours = web_world(config, tmp_path_factory.mktemp("web"))
    ours.application.register_blueprint(probe)
    ours.add_people()
    return ours


@pytest.fixture
def ours(made: WebWorld) -> Iterator[WebWorld]:
    """The same accounts for every test, with fresh limits and the clock set back."""
    made.application.extensions["login limits"] = LoginLimits()
    made.application.extensions[guards.RATES] = Throttle(guards.REQUESTS)
    made.application.extensions[guards.FORGED] = Throttle(guards.NOTED)
    before = made.now
    yield made
    made.now = before


def session_of(client: object) -> str:
    return client.get_cookie(COOKIE).value  # type: ignore[attr-defined]


def test_a_page_leads_to_the_login_and_back(ours: WebWorld) -> None:
    client = ours.client()

    first = client.get("/desk/probe?day=1")
    assert (first.status_code, first.location) == (302, "/desk/login?next=/desk/probe?day%3D1")
    answer = sign_in(client, "wang", next="/desk/probe?day=1")

    assert (answer.status_code, answer.location) == (303, "/desk/probe?day=1")
    assert client.get("/desk/probe").text == "seen"


@pytest.mark.parametrize(
    "target",
    ["//evil.example/", "https://evil.example/", "/\\evil.example", "\t//evil.example", "desk", ""],
)
def test_the_login_leads_nowhere_else(ours: WebWorld, target: str) -> None:
    assert sign_in(ours.client(), "wang", next=target).location == "/desk/"


def test_a_session_begins_anew_at_the_login(ours: WebWorld) -> None:
    """A cookie that an attacker planted before knows nothing afterwards."""
    client = ours.client()
    client.get("/desk/login")
    planted, token = session_of(client), csrf_of(client)

    sign_in(client, "wang")

    assert csrf_of(client) != token
    attacker = ours.client()
    attacker.set_cookie(COOKIE, planted)
    assert attacker.get("/desk/probe").status_code == 302


@pytest.mark.parametrize("method", ["field", "header"])
def test_a_change_without_its_token_is_refused(ours: WebWorld, method: str) -> None:
    client, other = ours.client("wang"), ours.client("wang")

    for token in ("", "x", csrf_of(other), "\ud83d"):
        forged = token.encode("utf-8", "replace").decode()
        answer = (
            client.post("/desk/probe", data={"csrf": forged})
            if method == "field"
            else client.post("/desk/probe", headers={"X-CSRF-Token": forged})
        )
        assert answer.status_code == 400
    token = csrf_of(client)
    right = (
        client.post("/desk/probe", data={"csrf": token})
        if method == "field"
        else client.post("/desk/probe", headers={"X-CSRF-Token": token})
    )

    assert right.text == "changed"
    assert Audit(ours.world.archive).last(1)[0].what == "forged"


@pytest.mark.parametrize(
    ("account", "status"), [("wang", 200), ("li", 403), ("zhao", 403), ("admin", 200)]
)
def test_a_role_does_what_it_may_and_no_more(ours: WebWorld, account: str, status: int) -> None:
    client = ours.client(account)

    answer = client.post("/desk/probe", data={"csrf": csrf_of(client)})

    assert answer.status_code == status
    if status == 403:
        assert "您的角色没有此项权限" in answer.text
        last = Audit(ours.world.archive).last(1)[0]
        assert (last.what, last.person) == ("refused", account)


def test_a_role_in_the_cookie_means_nothing(ours: WebWorld) -> None:
    client = ours.client("li")
    with client.session_transaction() as session:
        session["role"] = "administrator"

    assert client.post("/desk/probe", data={"csrf": csrf_of(client)}).status_code == 403


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_cookie_that_was_tampered_with_is_no_session(ours: WebWorld, part: int) -> None:
    client = ours.client("wang")
    parts = session_of(client).rsplit(".", 2)
    parts[part] = parts[part][:3] + ("A" if parts[part][3] != "A" else "B") + parts[part][4:]

    client.set_cookie(COOKIE, ".".join(parts))

    assert client.get("/desk/probe").status_code == 302


def test_a_session_ends_after_twelve_hours(ours: WebWorld) -> None:
    client = ours.client("wang")

    ours.now += timedelta(hours=11, minutes=59)
    assert client.get("/desk/probe").status_code == 200
    ours.now += timedelta(minutes=1)
    assert client.get("/desk/probe").status_code == 302


def test_whoever_leaves_ends_the_session_also_for_a_copied_cookie(ours: WebWorld) -> None:
    client, thief = ours.client("wang"), ours.client()
    thief.set_cookie(COOKIE, session_of(client))
    assert thief.get("/desk/probe").status_code == 200

    assert client.post("/desk/logout", data={"csrf": csrf_of(client)}).status_code == 303

    assert client.get("/desk/probe").status_code == 302
    assert thief.get("/desk/probe").status_code == 302


@pytest.mark.parametrize("back", [0, 3600])
def test_a_new_password_or_a_disabled_account_ends_its_sessions(
    config: Config, tmp_path: Path, back: int
) -> None:
    """Also where the clock was set back meanwhile."""
    ours, accounts = web_world(config, tmp_path), None
    ours.application.register_blueprint(probe)
    ours.add_people("wang")
    accounts, client = Accounts(ours.world.archive), ours.client("wang")
    ours.now -= timedelta(seconds=back)

    accounts.set_password("wang", "another nine larches", ours.now)
    assert client.get("/desk/probe").status_code == 302
    assert sign_in(client, "wang").status_code == 401
    assert sign_in(client, "wang", "another nine larches").status_code == 303
    accounts.disable("wang", ours.now)

    assert client.get("/desk/probe").status_code == 302
    assert sign_in(client, "wang", "another nine larches").status_code == 401


def test_ten_thousand_logins_are_slowed_and_lock_nobody_out(ours: WebWorld) -> None:
    """From many addresses; the owner's own device still enters."""
    owner, stranger = ours.client("wang"), ours.client()
    owner.post("/desk/logout", data={"csrf": csrf_of(owner)})
    token, tried = csrf_of(stranger), 10_000
    before = len(Audit(ours.world.archive).last(20_000))

    statuses: dict[int, int] = {}
    for place in range(tried):
        content = {"csrf": token, "account": "wang", "password": f"guess {place}"}
        answer = stranger.post(
            "/desk/login",
            data=content,
            environ_overrides={"REMOTE_ADDR": f"10.{place % 7}.0.{place % 11}"},
        )
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    assert statuses[HTTPStatus.UNAUTHORIZED] <= 12
    assert statuses[HTTPStatus.TOO_MANY_REQUESTS] >= tried - 12
    assert len(Audit(ours.world.archive).last(20_000)) - before < 200
    assert sign_in(owner, "wang").status_code == 303


def test_a_neighbour_who_guesses_keeps_no_colleague_out_for_long(
    ours: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bureau shares an address: a right password waits seconds there, on a known device never."""
    known, moment = ours.client("li"), [0.0]
    known.post("/desk/logout", data={"csrf": csrf_of(known)})
    limits = ours.application.extensions["login limits"]
    limits.address = Throttle(BY_ADDRESS, lambda: moment[0])
    with monkeypatch.context() as patch:
        patch.setattr(Accounts, "verified", lambda *_: None)  # a password costs .1 s
        statuses = [
            sign_in(ours.client(), f"guess{place}", "a wrong password").status_code
            for place in range(80)
        ]

    assert (statuses.count(401), statuses.count(429)) == (60, 20)
    waits = sign_in(ours.client(), "wang")
    assert (waits.status_code, waits.headers["Retry-After"]) == (429, "3")
    assert sign_in(known, "li").status_code == 303
    moment[0] += BY_ADDRESS.seconds
    assert sign_in(ours.client(), "wang").status_code == 303


def test_right_passwords_count_against_nobody(ours: WebWorld) -> None:
    for _ in range(BY_ACCOUNT.tries + 2):
        assert sign_in(ours.client(), "wang").status_code == 303


def test_logins_never_take_all_threads(ours: WebWorld) -> None:
    """Whoever comes when four passwords are being tried is asked to wait, and costs nothing."""
    limits = ours.application.extensions["login limits"]
    for _ in range(4):
        limits.at_once.acquire()

    answer = sign_in(ours.client(), "wang")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
    for _ in range(4):
        limits.at_once.release()
    assert sign_in(ours.client(), "wang").status_code == 303


def test_a_defect_is_logged_and_shown_as_one_sentence(
    ours: WebWorld, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ours.client("wang").get("/desk/defect")

    assert answer.status_code == 500
    assert "系统出现故障" in answer.text
    assert "the secret of a traceback" not in answer.text
    assert "the secret of a traceback" in caplog.text


def test_an_unknown_name_gets_the_same_answer(ours: WebWorld) -> None:
    answers = [sign_in(ours.client(), name, "wrong words here") for name in ("wang", "nobody")]

    pages = [answer.text.replace(token_of(answer.text), "") for answer in answers]
    assert pages[0].replace("wang", "") == pages[1].replace("nobody", "")
    assert {answer.status_code for answer in answers} == {401}


def test_a_name_and_an_address_are_hostile(ours: WebWorld) -> None:
    answer = sign_in(ours.client(), '"><script>alert(1)</script>', next='/desk/"><script>')

    assert "<script" not in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_audit_never_holds_a_password(ours: WebWorld) -> None:
    sign_in(ours.client(), "wang", "the-wrong-secret")
    sign_in(ours.client(), "wang")

    kept = repr(Audit(ours.world.archive).last(1000))
    assert "the-wrong-secret" not in kept
    assert PASSWORD not in kept
    assert "login failed" in kept


def test_every_answer_carries_the_headers(ours: WebWorld) -> None:
    client = ours.client("wang")
    for path in ("/desk/login", "/desk/probe", "/nothing", "/static/session.css"):
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        cached = "max-age=3600" if path.startswith("/static") else "no-store"
        assert cached in answer.headers["Cache-Control"]


def test_behind_tls_and_a_path_the_cookies_know_it(config: Config, tmp_path: Path) -> None:
    ours = web_world(
        config, tmp_path, base_url="https://forecast.example/skyscape", trusted_proxies=1
    )
    ours.add_people("wang")
    client = ours.application.test_client(use_cookies=False)
    proxy = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/skyscape",
    }

    first = client.get("/desk/login", headers=proxy)
    content = {"csrf": token_of(first.text), "account": "wang", "password": PASSWORD}
    kept = first.headers["Set-Cookie"]
    cookie = kept.partition(";")[0]
    answer = client.post("/desk/login", data=content, headers={**proxy, "Cookie": cookie})

    assert 'action="/skyscape/desk/login"' in first.text
    assert "Secure; HttpOnly; Path=/skyscape; SameSite=Lax" in kept
    assert answer.location == "/skyscape/desk/"
    assert Audit(ours.world.archive).last(1)[0].address == "203.0.113.9"
    assert "Strict-Transport-Security" in first.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../config.yaml",
        "/static/..%2f..%2fconfig.yaml",
        "/static/%2e%2e/text/zh.yaml",
        "/static//etc/passwd",
        "/static/..\\text\\zh.yaml",
        "/static/\x00",
    ],
)
def test_no_path_leads_out_of_the_static_files(ours: WebWorld, path: str) -> None:
    assert ours.client().get(path).status_code in (308, 404)


def test_a_body_larger_than_its_view_takes_is_refused(ours: WebWorld) -> None:
    client = ours.client("wang")

    answer = client.post("/desk/probe", data={"csrf": csrf_of(client), "x": "A" * 300_000})

    assert answer.status_code == 413
    assert client.post("/desk/probe", data=b"A" * 300_000).status_code == 413


def test_an_account_is_named_and_guarded_soundly(ours: WebWorld) -> None:
    accounts = Accounts(ours.world.archive)

    for wrong in ("", "W", "machine", "a b", "x" * 50, "王一"):
        with pytest.raises(Conflict, match="an account is named by"):
            accounts.add(wrong, "王", ROLES[0], PASSWORD, ours.now)
    with pytest.raises(Conflict, match="no role"):
        accounts.add("sun", "孙", "root", PASSWORD, ours.now)
    with pytest.raises(Conflict, match="already"):
        accounts.add("wang", "王", ROLES[0], PASSWORD, ours.now)
    for weak in ("short", "aaaaaaaaaaaa", "sun-2026-sun"):
        with pytest.raises(Conflict):
            accounts.add("sun", "孙", ROLES[0], weak, ours.now)
    kept = (ours.world.config.archive.url.partition("///")[2], PASSWORD)
    assert kept[1].encode() not in Path(kept[0]).read_bytes()


def test_the_key_is_made_once_and_readable_by_its_owner_only(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SKYSCAPE_SECRET", raising=False)
    ours = config.model_copy(
        update={
            "archive": config.archive.model_copy(update={"url": f"sqlite:///{tmp_path}/v/a.db"})
        }
    )
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(session_key(ours))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(set(found)) == 1
    assert len(found) == 8
    assert key_file(ours) == tmp_path / "v" / "session.key"
    assert key_file(ours).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "v").iterdir()] == ["session.key"]


def test_the_audit_is_bounded_and_its_oldest_rows_go(
    ours: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_module, "KEPT", 10)
    monkeypatch.setattr(accounts_module, "CLEARED_EVERY", 5)
    audit = Audit(ours.world.archive)

    for number in range(40):
        audit.note("probe", f"p{number}\x1b[31m", "192.0.2.7", "x" * 9000, ours.now)

    # the logouts of other tests may not go yet
    rows = [row for row in audit.last(1000) if row.what != accounts_module.LOGOUT]
    assert 10 <= len(rows) < 15
    assert rows[0].person == "p39?[31m"  # nothing that a terminal would obey
    assert len(rows[0].detail) == 500


def test_no_number_of_rows_revives_a_session_that_was_left(
    ours: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_module, "KEPT", 10)
    monkeypatch.setattr(accounts_module, "CLEARED_EVERY", 5)
    audit = Audit(ours.world.archive)
    audit.note(accounts_module.LOGOUT, "wang", "192.0.2.7", "session x", ours.now)

    for _ in range(40):
        audit.note("probe", "", "192.0.2.9", "", ours.now + timedelta(hours=11))
    kept = audit.holds(accounts_module.LOGOUT, "session x", ours.now)
    for _ in range(40):
        audit.note("probe", "", "192.0.2.9", "", ours.now + timedelta(hours=13))
    after = audit.holds(accounts_module.LOGOUT, "session x", ours.now)

    assert (kept, after) == (True, False)
    assert timedelta(hours=12) == accounts_module.SESSION


def test_changes_without_a_token_fill_no_audit(ours: WebWorld) -> None:
    client = ours.client()
    where = {"REMOTE_ADDR": "198.51.100.23"}

    answers = [client.post("/desk/edit", environ_base=where).status_code for _ in range(20)]

    assert set(answers) == {400}
    rows = [row for row in Audit(ours.world.archive).last(1000) if row.address == "198.51.100.23"]
    assert [row.what for row in rows] == ["forged"]


# -- every route


def test_every_page_of_the_desk_asks_who_is_there(ours: WebWorld) -> None:
    """A route that somebody forgets to guard is found here."""
    open_to_all = {"session.login", "session.enter", "session.leave"}
    client, seen = ours.client(), 0
    for rule in ours.application.url_map.iter_rules():
        if not rule.rule.startswith("/desk") or rule.endpoint in open_to_all:
            continue
        view = ours.application.view_functions[rule.endpoint]
        assert getattr(view, "permission", ""), rule
        assert not getattr(view, "csrf_exempt", False), rule
        seen += 1
    assert seen > 10
    assert client.get("/desk/").status_code == 302


def test_only_what_carries_its_own_proof_takes_a_change_without_a_token(ours: WebWorld) -> None:
    views = ours.application.view_functions
    exempt = {name for name, view in views.items() if getattr(view, "csrf_exempt", False)}

    assert exempt == {"push.receive", "reports.send", "reports.visitor_send"}


def test_no_route_takes_a_body_without_bounds(ours: WebWorld) -> None:
    largest = {
        name: getattr(view, "largest_body", guards.LARGEST_BODY)
        for name, view in ours.application.view_functions.items()
    }

    assert max(largest.values()) <= 17_000_000  # two photos of 8 MB: one too large is said so
    assert {name for name, size in largest.items() if size > guards.LARGEST_BODY} == {
        "reports.send",
        "reports.visitor_send",
    }


def test_whoever_asks_without_pause_is_told_to_wait(ours: WebWorld) -> None:
    ours.application.extensions[guards.RATES] = Throttle(Limit(5, 60.0))
    client, other = ours.client(), {"REMOTE_ADDR": "192.0.2.7"}

    statuses = [client.get("/desk/login").status_code for _ in range(6)]

    assert statuses == [200] * 5 + [429]
    assert client.get("/desk/login", environ_overrides=other).status_code == 200


def test_a_throttle_forgets_the_longest_unused_and_holds_the_limit() -> None:
    now = [0.0]
    throttle = Throttle(Limit(2, 10.0), lambda: now[0])

    assert [throttle.take("a") for _ in range(3)] == [0.0, 0.0, 10.0]
    now[0] = 10.0
    assert [throttle.take("a"), throttle.take("a")] == [0.0, 10.0]
    for number in range(20_000):
        throttle.take(str(number))
    assert len(throttle._left) == 10_000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),  # a household has a /64: RFC 6177
        ("nonsense", "nonsense"),
    ],
)
def test_one_sender_is_counted_as_one(address: str, network: str) -> None:
    assert network_of(address) == network
