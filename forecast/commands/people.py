"""Commands for the people at the desk: `serve`, `users`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecast.commands import world as setup
from forecast.commands.options import AsJson, ConfigFile, LogForm
from forecast.commands.output import read_secret, show, show_json, show_table

if TYPE_CHECKING:
    from forecast.archive.accounts import Accounts
    from forecast.review import Account

LOGGED = 1000  # rows shown at most
Role = Literal["forecaster", "editor", "ranger_manager", "administrator"]  # review.ROLES


def serve(
    *,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="On demonstration data, with a draft and an account made for it."
        ),
    ] = False,
    config: ConfigFile = None,
    log: LogForm = None,
) -> int:
    """Serve the desk, the pages for reports and the push of observations; `run` does it, too."""
    if demo:
        from forecast.commands.demonstration_desk import serve_demonstration

        return serve_demonstration(setup.settings(config, log=log), setup.clock())
    from forecast.service.signals import Signals

    signals = Signals()  # before anything that takes time
    from forecast.commands.service_checks import refuse_faults
    from forecast.issue.lifecycle import Lifecycle
    from forecast.service.running import Parts, Service
    from forecast.service.web.service import build_server

    lifecycle = Lifecycle()

    def build() -> Parts:
        settings = setup.settings(config, log=log)
        refuse_faults(settings, setup.clock())
        world = setup.build_world(settings, None, service=True)
        return Parts(
            server=lambda: build_server(world, lifecycle, setup.clock), close=world.archive.close
        )

    return Service(build, setup.clock, signals).run()


def users(
    action: Annotated[
        Literal["list", "add", "password", "disable", "enable", "log"],
        typer.Argument(
            help="add: a new account; password: another password; disable: nobody enters by it any "
            "more, its sessions end; log: who entered, failed and was refused."
        ),
    ] = "list",
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="By which a person enters, e.g. wang.")
    ] = "",
    *,
    name: Annotated[
        str, typer.Option("--name", help="Of the person, as readers see it under a signature.")
    ] = "",
    role: Annotated[Role | None, typer.Option("--role", help="What the account may do.")] = None,
    generate: Annotated[
        bool, typer.Option("--generate", help="Make a password and print it once.")
    ] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> int:
    """List who may enter the desk; add an account, change its password, disable it; what happened.

    A password is asked for on the terminal or read from standard input, never given as an argument.
    """
    from forecast.archive.accounts import Accounts

    _refuse_needless(action, account, name, role, generate)
    accounts, now = Accounts(setup.open_archive(setup.settings(config))), setup.clock()
    if action == "list":
        _list(accounts, json)
        return 0
    if action == "log":
        _log(accounts, account, json)
        return 0
    if action in ("disable", "enable"):
        changed = accounts.disable(account, now, action == "disable")
        _note(accounts, f"account {action}d", changed, now)
        show(f"{account}: {action}d; its sessions have ended")
        return 0
    password = _password(account, generate)
    if action == "add":
        assert role is not None
        changed = accounts.add(account, name, role, password, now)
    else:
        changed = accounts.set_password(account, password, now)
    _note(accounts, "account added" if action == "add" else "password changed", changed, now)
    show(f"{account}: {changed.name}, {changed.role}")
    if generate:
        show(f"password: {password}", "it is shown only now")
    return 0


def _refuse_needless(action: str, account: str, name: str, role: str | None, make: bool) -> None:
    """Refuse what is missing or means nothing for an action. Raises: typer.BadParameter."""
    if action == "list":
        if account:
            raise typer.BadParameter("users list takes no account; it lists all")
    elif not account and action != "log":
        raise typer.BadParameter(f"users {action} needs ACCOUNT; `skyscape users` lists them")
    if action == "add" and (not name or role is None):
        raise typer.BadParameter("users add needs --name and --role")
    if action != "add" and (name or role):
        raise typer.BadParameter(f"--name and --role mean nothing for users {action}")
    if make and action not in ("add", "password"):
        raise typer.BadParameter(f"--generate means nothing for users {action}")


def _password(account: str, generate: bool) -> str:
    from forecast.archive import passwords
    from forecast.errors import Conflict

    if generate:
        return passwords.generated()
    password = read_secret(f"password for {account}: ")
    if wrong := passwords.fault(password, account):
        raise Conflict(wrong)
    return password


def _list(accounts: Accounts, as_json: bool) -> None:
    found = accounts.all()
    if as_json:
        show_json([
            {"account": each.id, "name": each.name, "role": each.role, "disabled": each.disabled}
            for each in found
        ])  # fmt: skip
        return
    if not found:
        show("no accounts: `skyscape users add wang --name 'Wang Yi' --role forecaster` makes one")
    rows = [(e.id, e.name, e.role, "disabled" if e.disabled else "") for e in found]
    show_table(("account", "name", "role", ""), rows)


def _log(accounts: Accounts, account: str, as_json: bool) -> None:
    from forecast.archive.accounts import Audit

    found = [each for each in Audit(accounts.archive).last(LOGGED)
             if account in ("", each.person)]  # fmt: skip
    rows = [(f"{e.at:%Y-%m-%d %H:%M:%SZ}", e.what, e.person, e.address, e.detail) for e in found]
    if as_json:
        names = ("at", "what", "person", "address", "detail")
        show_json([dict(zip(names, row)) for row in rows])
        return
    show_table(("at", "what", "account", "from", ""), rows)


def _note(accounts: Accounts, what: str, changed: Account, now: datetime) -> None:
    from forecast.archive.accounts import Audit

    Audit(accounts.archive).note(what, changed.id, "command line", changed.role, now)
