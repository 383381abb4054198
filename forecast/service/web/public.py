"""The public pages and data: the files of the issue in force, of earlier ones, and what stations
measure now, under the addresses of the output folder.

/current/…   /archive/<issue>/…   /live.json   /releases.json

Only what a release names in its manifest is served, so nothing else of the machine can be reached.
Data may be read by pages of other servers.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path, PurePosixPath

from flask import (
    Blueprint,
    Response,
    abort,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask.typing import ResponseReturnValue

from forecast.service.web.application import words
from forecast.service.web.context import context
from forecast.service.web.guards import wants_json
from products import manifest, served
from products.api_v2 import CURRENT, EXPIRED, FOLDER, SITES_MAP, has_status
from products.packing import is_packed
from products.pages.addresses import language_of, plain_path, prefix_of
from products.pages.current_observations import FILE
from products.publish import RELEASES
from products.withdrawn import ARCHIVE
from products.wording import Words

blueprint = Blueprint("public", __name__)

COMPRESSED = ("text/", "application/", "image/svg+xml")  # types that are worth it
NOT_COMPRESSED = frozenset({"application/zip", "application/octet-stream"})
LEAST = 1000  # [byte] of a file that is compressed
FRESH = 60  # [s] for which a reader may keep a file without asking again
DATA = ("api", "feeds", "calendar")  # folders of data, below a language too
TYPES = {
    ".atom": "application/atom+xml",
    ".css": "text/css",
    ".geojson": "application/geo+json",
    ".html": "text/html",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".zip": "application/zip",
}
FEED = "application/feed+json"
# The pages have a policy of their own, which this does not loosen; an article has inline styles.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
)
WIDGET = "widget"  # a folder of pages that other sites may frame


@blueprint.get("/current/", defaults={"path": ""})
@blueprint.get("/current/<path:path>")
def current(path: str) -> ResponseReturnValue:
    """Return a file of the issue in force; of a folder its index."""
    return _file_of(context().config.output.folder / "current", path)


@blueprint.get("/archive/<issue>/", defaults={"path": ""})
@blueprint.get("/archive/<issue>/<path:path>")
def archived(issue: str, path: str) -> ResponseReturnValue:
    """Return a file of an earlier issue, as it was, or with what became of it; 410 of one that was
    packed. The list of issues is that of now: in a copy its links lead nowhere.
    """
    if not manifest.ISSUE_NAME.match(issue):
        abort(HTTPStatus.NOT_FOUND)
    folder = context().config.output.folder
    if is_packed(folder / "archive", issue):
        return _packed(folder, path)
    wanted = f"{path}index.html" if path.endswith("/") else path
    if plain_path(wanted) == ARCHIVE and (target := _list_in_force(folder, language_of(wanted))):
        return redirect(target)
    return _file_of(folder / "archive" / issue, path)


def _packed(folder: Path, path: str) -> ResponseReturnValue:
    """Say that an issue was packed, and where the archive page is; folder: that of all pages."""
    language = language_of(path)
    g.words = Words(language, context().config.zone)
    target = _list_in_force(folder, language)
    inner = PurePosixPath(plain_path(path)).parts
    if wants_json() or inner[:1] == (FOLDER.partition("/")[0],):
        text = f"{words()('archive.packed')} {words()('archive.packed_note')}"
        return make_response(jsonify(error=text, archive=target), HTTPStatus.GONE)
    return make_response(render_template("session/packed.html", target=target), HTTPStatus.GONE)


def _list_in_force(folder: Path, language: str) -> str:
    """Return the address of the archive page in force; "" where there is none."""
    page = f"{prefix_of(language)}{ARCHIVE}"
    there = (folder / "current" / page).is_file()
    return url_for("public.current", path=page) if there else ""


@blueprint.get(f"/{FILE}")
def live() -> ResponseReturnValue:
    """Return what stations measure now."""
    return _beside(FILE)


@blueprint.get(f"/{RELEASES}")
def releases() -> ResponseReturnValue:
    """Return which issues and pages there are."""
    return _beside(RELEASES)


@blueprint.after_request
def _open_to_others(response: Response) -> Response:
    """Say who may keep, frame and read a file; errors too, so that a program can read them."""
    _, *parts = PurePosixPath(request.path).parts
    inner = parts[1:] if parts[:1] == ["current"] else parts[2:]
    inner = [*PurePosixPath(plain_path("/".join(inner))).parts]
    if response.status_code < HTTPStatus.BAD_REQUEST:
        response.headers["Cache-Control"] = f"public, max-age={FRESH}"
    framed = "*" if inner[:1] == [WIDGET] else "'self'"
    response.headers["Content-Security-Policy"] = f"{POLICY}frame-ancestors {framed}"
    response.headers["X-Frame-Options"] = "SAMEORIGIN"  # where frame-ancestors is not known
    if not inner or inner[0] in DATA or inner[-1].endswith(".geojson"):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
        response.headers["Access-Control-Expose-Headers"] = "ETag"
        response.headers["Access-Control-Max-Age"] = "86400"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _file_of(link: Path, path: str) -> ResponseReturnValue:
    """Return a file of a release that its manifest names, with its hash as ETag."""
    release = link.resolve()  # once: a new issue may take its place while this one is read
    wanted = f"{path}index.html" if not path or path.endswith("/") else path
    digest = _files(release, _changed(release / manifest.NAME)).get(wanted)
    dated = wanted == SITES_MAP or (wanted.startswith(f"{FOLDER}/") and has_status(wanted))
    dated = dated and link.name == "current"
    if digest is None or not (release / wanted).is_file():
        return _served(release, wanted, dated)
    if dated:
        return _as_of_now(release, wanted, digest)
    return _sent(release / wanted, _type_of(wanted), digest[:32])


def _served(release: Path, path: str, dated: bool) -> ResponseReturnValue:
    """Return a page of a site without files, made from the issue's data.

    dated: it says so where the issue is past its time.
    """
    body = served.page(release, path, context().config)
    issue = manifest.issue_of(manifest.read(release))
    if body is None or issue is None:
        abort(HTTPStatus.NOT_FOUND)
    if dated and issue.expired(context().clock()):
        body = _expired(body)
    response = _made(body, _type_of(path), hashlib.sha256(body).hexdigest()[:32])
    # of the release, as a file of it would have: a mark on an archived page is newer than the issue
    response.last_modified = datetime.fromtimestamp((release / manifest.NAME).stat().st_mtime, UTC)
    return response.make_conditional(request)


def _expired(body: bytes) -> bytes:
    return body.replace(f'"status": "{CURRENT}"'.encode(), f'"status": "{EXPIRED}"'.encode(), 1)


def _as_of_now(release: Path, path: str, digest: str) -> ResponseReturnValue:
    """Return data of the issue in force, as expired where it is past its time."""
    issue = manifest.issue_of(manifest.read(release))
    if issue is None or not issue.expired(context().clock()):
        return _sent(release / path, _type_of(path), digest[:32])
    body = _expired((release / path).read_bytes())
    response = _made(body, _type_of(path), f"{digest[:32]}-{EXPIRED}")
    return response.make_conditional(request)


def _beside(name: str) -> ResponseReturnValue:
    path = context().config.output.folder / name
    if not path.is_file():
        abort(HTTPStatus.NOT_FOUND)
    return _sent(path, _type_of(name), True)


def _sent(path: Path, media: str, etag: str | bool) -> Response:
    """Return a file; compressed where the reader takes that, it is text, and it has a hash."""
    worth = isinstance(etag, str) and _is_worth(media, path.stat().st_size)
    if isinstance(etag, str) and worth and _takes_gzip():
        response = _as_gzip(_gzipped(path, etag), media, etag)
        response.make_conditional(request)
    else:
        response = send_file(path, mimetype=media, etag=etag, conditional=True, max_age=FRESH)
    if worth:
        response.vary.add("Accept-Encoding")
    return response


def _made(body: bytes, media: str, etag: str) -> Response:
    """Return what is no file; compressed as a file would be."""
    worth = _is_worth(media, len(body))
    if worth and _takes_gzip():
        response = _as_gzip(gzip.compress(body, 6, mtime=0), media, etag)
    else:
        response = Response(body, mimetype=media)
        response.set_etag(etag)
    if worth:
        response.vary.add("Accept-Encoding")
    return response


def _is_worth(media: str, size: int) -> bool:
    """Return whether content of this type and size [byte] is compressed for who takes that."""
    return size >= LEAST and media.startswith(COMPRESSED) and media not in NOT_COMPRESSED


def _takes_gzip() -> bool:
    return request.accept_encodings["gzip"] > 0 and "Range" not in request.headers


def _as_gzip(packed: bytes, media: str, etag: str) -> Response:
    """Return compressed content. etag: of what it is compressed from."""
    response = Response(packed, mimetype=media)
    response.headers["Content-Encoding"] = "gzip"
    response.set_etag(f"{etag}-gzip")
    return response


@functools.lru_cache(maxsize=256)
def _gzipped(path: Path, etag: str) -> bytes:
    """Return a file compressed. etag: of its content."""
    return gzip.compress(path.read_bytes(), 6, mtime=0)


def _type_of(path: str) -> str:
    plain = plain_path(path)
    media = TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")
    return FEED if plain.startswith("feeds/") and media == "application/json" else media


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=16)
def _files(release: Path, changed: int) -> Mapping[str, str]:
    """Return the files that a release names, with their hashes. changed: of its manifest."""
    return {path: entry["sha256"] for path, entry in manifest.files_of(release)[1].items()}
