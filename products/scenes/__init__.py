"""Scenes: a small picture of one event, drawn from its own numbers and from nothing else.

`scene` gives an SVG for pages, screens, posters and cards. What stands in it: the sky by the sun's
altitude, sun and moon where they are, stars to the magnitude that an eye reaches, the Milky Way,
clouds by their cover with the colours that the light path computed, a sea of clouds so far below
the site as its top is, fresh snow, lying snow and rime by their depth and hours, over the site's
own skyline. A poor chance has a plain scene. The scales of the drawing are in `view`.
"""

from __future__ import annotations

from products.scenes.compose import DrawnScene, painted, scene, scene_of
from products.scenes.view import FOCUS

__all__ = ["FOCUS", "DrawnScene", "painted", "scene", "scene_of"]
