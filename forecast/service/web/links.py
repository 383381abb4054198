"""Links by which rangers report: signed, for a person or a site, ended by one click; `/desk/links`.

A link is an id of the archive, signed with the application's key: nobody can make one, and an old
key's links end with it.
"""

from __future__ import annotations

import ipaddress
import secrets
from http import HTTPStatus
from urllib.parse import urlsplit

import segno
from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup

from forecast.archive.reports import ReportLink, Reports
from forecast.learning.outcome_cells import Refused, free_text
from forecast.learning.truth_from_reports import REPORTER
from forecast.service.web.context import LISTENING, account, context
from forecast.service.web.guards import needs, note

blueprint = Blueprint("links", __name__)
LONGEST_TOKEN = 120  # [character]


def token_of(link: ReportLink) -> str:
    """Return the token that stands in a link's address."""
    return str(_signer().dumps(link.id))


def link_of(token: str) -> ReportLink | None:
    """Return the link of a token; None where it is forged, unknown or has been revoked."""
    if len(token) > LONGEST_TOKEN:
        return None
    try:
        found = Reports(context().archive).link(str(_signer().loads(token)))
    except BadSignature:
        return None
    return found if found is not None and found.revoked is None else None


def is_signed(token: str) -> bool:
    """Return whether a token was made here, revoked or not: asked before a large body is read."""
    try:
        _signer().loads(token[:LONGEST_TOKEN])
    except BadSignature:
        return False
    return True


def address_of(link: ReportLink) -> str:
    """Return the whole address of a link, as a phone opens it.

    It begins as the settings say, or as the server that listens; never as a request claims.
    """
    path = url_for("reports.page", token=token_of(link)).removeprefix(request.script_root)
    web = context().config.web
    host = f"[{web.host}]" if ":" in web.host else web.host
    listening = current_app.extensions.get(LISTENING) or f"http://{host}:{web.port}"
    return (web.base_url or str(listening)) + path


def is_for_phones(address: str) -> bool:
    """Return whether another machine can open an address: not one of this machine alone."""
    host = urlsplit(address).hostname or ""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")
    return not (found.is_loopback or found.is_unspecified)


@blueprint.get("/desk/links")
@needs("links")
def listed() -> ResponseReturnValue:
    """Show the links, those in use first."""
    return _list()


@blueprint.post("/desk/links")
@needs("links")
def make() -> ResponseReturnValue:
    """Make a link for a person, a site, or a person at a site."""
    config, person = context().config, account()
    assert person is not None
    names = {site.id: site.name.zh for site in config.all_sites()}
    site = request.form.get("site", "")
    holder = " ".join(request.form.get("holder", "").split())
    if site and site not in names:
        abort(HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        holder = free_text(holder, "holder", REPORTER) or names.get(site, "")
    except Refused:
        return _list("report.links.bad_holder"), HTTPStatus.UNPROCESSABLE_ENTITY
    if not holder:
        return _list("report.links.no_holder"), HTTPStatus.UNPROCESSABLE_ENTITY
    link = ReportLink(secrets.token_urlsafe(12), site, holder, context().clock(), person.id)
    Reports(context().archive).add_link(link)
    note("link made", f"{link.id} for {holder}")
    return redirect(url_for("reports.links.printed", id=link.id), HTTPStatus.SEE_OTHER)


@blueprint.post("/desk/links/<id>/revoke")
@needs("links")
def revoke(id: str) -> ResponseReturnValue:
    """End a link at once."""
    _found(id)
    Reports(context().archive).revoke(id, context().clock())
    note("link revoked", id)
    return redirect(url_for("reports.links.listed"), HTTPStatus.SEE_OTHER)


@blueprint.get("/desk/links/<id>")
@needs("links")
def printed(id: str) -> ResponseReturnValue:
    """Show a link with its QR code, to print or to send."""
    link = _found(id)
    if link.revoked is not None:
        abort(HTTPStatus.GONE)
    sites = {site.id: site for site in context().config.all_sites()}
    address = address_of(link)
    code = _code(address) if is_for_phones(address) else None
    return render_template(
        "desk/link.html", link=link, address=address, site=sites.get(link.site), code=code
    )


def _list(fault: str = "") -> str:
    links = Reports(context().archive).links()
    sites = {site.id: site for site in context().config.all_sites()}
    return render_template("desk/links.html", links=links, sites=sites, fault=fault)


def _found(id: str) -> ReportLink:
    link = Reports(context().archive).link(id[:32])
    if link is None:
        abort(HTTPStatus.NOT_FOUND)
    return link


def _code(address: str) -> Markup:
    """Return the QR code of an address as SVG without a size of its own."""
    code = segno.make(address, error="m", micro=False)
    drawn = code.svg_inline(omitsize=True, svgclass="qr", lineclass=None, border=4)
    return Markup(drawn)  # noqa: S704 - squares only: the address stands in it as dots


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or b"", salt="report link")
