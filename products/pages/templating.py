"""Pages and the one jinja2 environment that renders them.

Templates escape what they print, know no default for a missing name, and see no name that begins
with an underscore: a site's name is a setting, not markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from forecast.errors import ConfigError
from products.pages.plain_templates import PlainCodeGenerator, PlainMacro, escaped, joined

TEMPLATES = Path(__file__).parents[2] / "templates"
# Of templates/static, what pages and screens use; the rest is the web application's.
# fmt: off
STATIC = ("display.css", "display.js", "find.js", "live.js", "mark.svg",
          "site.webmanifest", "skyscape.css", "skyscape.js", "subscribe.js", "widget.css",
          "widget.js")
# fmt: on


WORKER = "service-worker.js"  # at the root of a release: it serves what lies below it


@dataclass(frozen=True, slots=True)
class Page:
    """One file of a release: its path and its content."""

    path: str
    body: str | bytes

    @property
    def content(self) -> bytes:
        """Its bytes: text as UTF-8."""
        return self.body.encode() if isinstance(self.body, str) else self.body


class PublicEnvironment(jinja2.Environment):
    """Gives templates no name that begins with an underscore.

    Why not jinja2's sandbox: it guards against foreign templates, for a quarter of a page's time;
    these templates are our own.
    """

    code_generator_class = PlainCodeGenerator
    # for the code of templates
    macro, escaped, joined = PlainMacro, staticmethod(escaped), staticmethod(joined)

    def attribute(self, obj: Any, attribute: str) -> Any:
        """Return an attribute, an item where there is none; its name was looked at before."""
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise _hidden(attribute)
        return self.attribute(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) and argument.startswith("_"):
            raise _hidden(argument)
        return super().getitem(obj, argument)


def _hidden(name: str) -> jinja2.exceptions.SecurityError:
    return jinja2.exceptions.SecurityError(f"{name!r} is not for templates")


@cache
def environment() -> jinja2.Environment:
    """Return the one environment: it escapes HTML and refuses undefined and hidden names.

    Templates are read once.
    """
    return PublicEnvironment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is None or not name.endswith(".txt"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


def render_template(name: str, values: dict[str, Any]) -> str:
    """Return a rendered template.

    Raises: ConfigError where the template has a fault.
    """
    try:
        return environment().get_template(name).render(values)
    except jinja2.TemplateError as error:
        raise ConfigError(
            f"template {name}: {error.message}; correct it in the folder templates/"
        ) from error


@cache
def icon(name: str) -> Markup:
    """Return an icon of templates/icons as inline SVG.

    It is hidden from screen readers: the words stand beside it.
    """
    path = TEMPLATES / "icons" / f"{name}.svg"
    if not path.is_file():
        return Markup()
    return Markup(  # noqa: S704
        path.read_text(encoding="utf-8")
        .strip()
        .replace("<svg ", '<svg class="icon" aria-hidden="true" focusable="false" ', 1)
    )


def static_pages() -> Iterator[Page]:
    """Yield the style sheets, scripts and pictures that pages and screens use."""
    for name in STATIC:
        yield Page(f"static/{name}", (TEMPLATES / "static" / name).read_bytes())
    yield Page(WORKER, (TEMPLATES / "static" / WORKER).read_bytes())
