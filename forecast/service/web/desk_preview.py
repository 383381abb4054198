"""The products of a draft as they would go out, at the sizes at which people see them."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from http import HTTPStatus

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from forecast.issue.preview import preview
from forecast.service.web.application import words
from forecast.service.web.context import account, context
from forecast.service.web.desk_material import Desk, cache, open_desk
from forecast.service.web.guards import needs
from products.pages.addresses import prefix_of

blueprint = Blueprint("preview", __name__, url_prefix="/preview")  # below that of the desk

# of the products' own pages, in a frame of the desk
POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
KEPT = 2  # previews, megabytes each
FIRST = ("index.html", "wechat/article.html", "email/bulletin.html", "sms.txt", "posters/day.png")
# product -> its page of a site
OF_SITES = {"display": "display/{}.html", "widget": "widget/{}.html", "poster": "posters/{}.png"}
# The sizes [pixel] at which a product is shown, as in desk.css; a message has none.
SCREEN, PAGE = (
    {"wide": (1920, 1080), "tall": (1080, 1920)},
    {"wide": (1366, 768), "tall": (390, 844)},
)


@blueprint.get("/")
@needs("see")
def listed() -> ResponseReturnValue:
    """Show a product in the language of the desk, in a frame for each size."""
    desk = open_desk()
    if desk is None:
        return redirect(url_for("desk.tonight"))
    pages = _pages(desk)
    first = [path for path in FIRST if path in pages]
    sites = {site.id: site.name for site in context().config.all_sites()}
    named = {
        path.format(site): (product, site) for product, path in OF_SITES.items() for site in sites
    }
    screens = {path: of for path, of in named.items() if path in pages}
    wanted = request.args.get("of", "")
    shown = wanted if wanted in (*first, *screens) else first[0]
    own = prefix_of(words().language) + shown
    whole = shown.endswith((".txt", ".png"))  # in one frame
    kind = "message" if whole else "screen" if shown in screens else "page"
    return render_template(
        "desk/preview.html",
        desk=desk,
        first=first,
        screens=screens,
        shown=shown,
        path=own if own in pages else shown,
        kind=kind,
        sizes={"screen": SCREEN, "page": PAGE}.get(kind, {}),
        sites=sites,
    )


@blueprint.get("/<path:path>")
@needs("see")
def page(path: str) -> ResponseReturnValue:
    """Return one page of a product as it would go out."""
    desk = open_desk()
    content = None if desk is None else _pages(desk).get(path)
    if content is None:
        abort(HTTPStatus.NOT_FOUND)
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    response = Response(content, mimetype=kind)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _pages(desk: Desk) -> Mapping[str, bytes]:
    person, draft = account(), desk.draft
    name = person.name if person else ""
    return cache("desk previews", KEPT).of(
        ("preview", draft.id, draft.version, name),
        lambda: preview(context().world(), draft, desk.prepared, name, desk.now),
    )
