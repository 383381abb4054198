"""An article as the platform takes it, read from its page in the release, and the limits.

Source: developers.weixin.qq.com, draft/add, media/uploadimg, material/add_material. For the content
the page names "2 kb" beside "fewer than 20,000 characters and 1 MB"; the latter is what editors
send. For the digest it names 128; 120 is what is enforced since 2026-07.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from products.delivery import Delivery, digest_of
from products.pages.templating import TEMPLATES

TITLE, AUTHOR, DIGEST = 32, 16, 120  # [character] at most
CHARACTERS = 20_000  # [character] an article has fewer
CONTENT = 1_000_000  # [byte] an article has fewer
SOURCE = 1024  # [byte] of the address under it, at most
IMAGE = 1_000_000  # [byte] a picture in it has fewer
COVER = 10_000_000  # [byte] of the cover, at most

PAGE, COVER_PAGE = "wechat/article.html", "wechat/cover.png"
PLAIN_COVER = TEMPLATES / "wechat" / "cover.png"  # ridges at dusk: no words, numbers or promise
KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
PICTURE = re.compile(r"<img\b[^>]*>")
ADDRESS = re.compile(r'\bsrc="([^"]*)"')
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Article:
    """One article. content: HTML; images: the pictures in it by the address that it gives them."""

    title: str
    digest: str
    content: str
    cover: bytes
    author: str = ""
    source: str = ""
    images: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """A short hash by which a change is noticed."""
        words = (self.title, self.digest, self.content, self.author, self.source)
        return digest_of(*words, self.cover, *self.images.values())

    def faults(self) -> Iterator[str]:
        """Yield a sentence for each limit that is not kept."""
        for name, found, most in (
            ("title", self.title, TITLE),
            ("author", self.author, AUTHOR),
            ("digest", self.digest, DIGEST),
        ):
            if len(found) > most:
                yield f"the {name} has {len(found)} characters, at most {most} are taken"
        for name, found in (("title", self.title), ("content", self.content)):
            if not found.strip():
                yield f"there is no {name}"
        yield from content_faults(self.content)
        if (length := len(self.source.encode())) > SOURCE:
            yield f"output.base_url makes an address of {length} bytes, at most {SOURCE} are taken"
        for address, body in self.images.items():
            yield from _picture_faults(address, body, IMAGE - 1)
        yield from _picture_faults("the cover", self.cover, COVER)


def content_faults(content: str) -> Iterator[str]:
    """Yield a sentence for each limit that the text of an article does not keep."""
    if len(content) >= CHARACTERS:
        yield f"the article has {len(content)} characters, fewer than {CHARACTERS} are taken"
    if (length := len(content.encode())) >= CONTENT:
        yield f"the article has {length} bytes, fewer than {CONTENT} are taken"


def kind_of(body: bytes) -> str:
    """Return the media type of a picture by its first bytes; "" where it is neither PNG nor JPEG.

    A name decides nothing: a WebP called .jpg is refused by the platform.
    """
    return next((kind for start, kind in KINDS.items() if body.startswith(start)), "")


def _picture_faults(name: str, body: bytes, most: int) -> Iterator[str]:
    if not kind_of(body):
        yield f"{name} is neither PNG nor JPEG"
    if len(body) > most:
        yield f"{name} has {len(body)} bytes, at most {most} are taken"


def article_of(delivery: Delivery) -> Article:
    """Return the article of the issue, as its page has it.

    A picture that the release lacks is left out; where it lacks the cover a plain one serves.
    """
    page = delivery.pages[PAGE].decode()
    head = _Head(page)
    images: dict[str, bytes] = {}

    def checked(picture: re.Match[str]) -> str:
        address = ADDRESS.search(picture[0])
        name = unescape(address[1]) if address else ""
        body = delivery.page(posixpath.normpath(posixpath.join(posixpath.dirname(PAGE), name)))
        if address is None or body is None:
            return ""
        images[address[1]] = body
        return picture[0]

    settings, base = delivery.config.delivery.wechat, delivery.config.output.base_url
    return Article(
        head.title,
        head.digest,
        PICTURE.sub(checked, body_of(page)),
        delivery.page(COVER_PAGE) or PLAIN_COVER.read_bytes(),
        settings.author if settings else "",
        f"{base}/index.html" if base else "",
        images,
    )


def body_of(page: str) -> str:
    """Return what of a page is the article: its sections. Title and digest are fields of their
    own, and the platform shows them.
    """
    begin, end = page.find("<section"), page.rfind("</section>")
    body = COMMENT.sub("", page[begin:end] + "</section>") if begin >= 0 <= end else ""
    return "\n".join(line for line in map(str.strip, body.splitlines()) if line)


def with_addresses(content: str, addresses: Mapping[str, str]) -> str:
    """Return an article whose pictures have the addresses that the platform gave them."""

    def placed(found: re.Match[str]) -> str:
        return ADDRESS.sub(lambda each: f'src="{addresses.get(each[1], each[1])}"', found[0])

    return PICTURE.sub(placed, content)


class _Head(HTMLParser):
    """The title of a page and its description."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.title = self.digest = ""
        self._in_title = False
        self.feed(page.partition("</head>")[0])
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._in_title = tag == "title"
        if tag == "meta" and values.get("name") == "description":
            self.digest = values.get("content") or ""

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False
