"""The colours of an article at night, as WeChat changes them, and how well text reads on them.

Source: wechatjs/mp-darkmode 1.2.1, src/modules/sdk.js: _adjustTextBrightness and
_adjustBackgroundBrightness, for opaque colours. Compared with that program in Chromium on
2026-11-30; the values are in tests/unit/test_wechat_article.py.
"""

from __future__ import annotations

from colorsys import hls_to_rgb, rgb_to_hls

Colour = tuple[float, float, float]

GROUND, INK = (25.0, 25.0, 25.0), (163.0, 163.0, 163.0)  # #191919 and #a3a3a3
WHITE_LIKE, BRIGHTEST_GROUND, LEAST_OFFSET, BRIGHT_GROUND = 250, 190, 65, 100
LIGHT, DARK = 0.40, 0.22  # lightness


def colour(text: str) -> Colour:
    """Return the colour of #rrggbb."""
    value = text.strip().removeprefix("#")
    return (float(int(value[:2], 16)), float(int(value[2:4], 16)), float(int(value[4:6], 16)))


def brightness(of: Colour) -> float:
    return (of[0] * 299 + of[1] * 587 + of[2] * 114) / 1000


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of WCAG 2.2."""

    def luminance(of: Colour) -> float:
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in
                  (each / 255 for each in of)]  # fmt: skip
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def text_at_night(text: Colour, ground: Colour) -> Colour:
    """Return the colour of text on a ground that is changed already."""
    below, own = brightness(ground), brightness(text)
    offset, most = abs(below - own), brightness(INK) - brightness(GROUND)
    if own >= WHITE_LIKE:
        return text
    if offset > most and below <= brightness(GROUND) + 2:
        return _brightened(most + below, text)
    if offset >= LEAST_OFFSET:
        return text
    lightness = rgb_to_hls(*(v / 255 for v in text))[1]
    if below >= BRIGHT_GROUND:
        if lightness > 0.9 - LIGHT:
            return text_at_night(_with_lightness(text, 0.9 - lightness), ground)
        return _brightened(min(most, below - LEAST_OFFSET), text)
    if lightness <= LIGHT:
        return text_at_night(_with_lightness(text, 0.9 - lightness), ground)
    return _brightened(min(most, below + LEAST_OFFSET), text)


def ground_at_night(ground: Colour) -> Colour:
    """Return the colour of a ground behind text."""
    _, lightness, saturation = rgb_to_hls(*(v / 255 for v in ground))
    if (saturation == 0 and lightness > LIGHT) or brightness(ground) > WHITE_LIKE:
        grey = 255 * min(1.0, 1 + GROUND[0] / 255 - lightness)
        return (grey, grey, grey)
    if brightness(ground) > BRIGHTEST_GROUND:
        return _brightened(BRIGHTEST_GROUND, ground)
    return _with_lightness(ground, DARK) if lightness < DARK else ground


def _with_lightness(of: Colour, lightness: float) -> Colour:
    hue, _, saturation = rgb_to_hls(*(v / 255 for v in of))
    red, green, blue = hls_to_rgb(hue, lightness, saturation)
    return (255 * red, 255 * green, 255 * blue)


def _brightened(target: float, of: Colour) -> Colour:
    ratio = target / brightness(of)
    red, green, blue = (min(255.0, v * ratio) for v in of)
    if green == 0 or 255 in (red, blue):
        green = (target * 1000 - red * 299 - blue * 114) / 587
    elif red == 0:
        red = (target * 1000 - green * 587 - blue * 114) / 299
    elif blue == 0 or green == 255:
        blue = (target * 1000 - red * 299 - green * 587) / 114
    return (red, green, blue)
