"""Pictures: text measured and set in the fonts of templates/fonts, drawn as SVG, then as PNG.

fonts      the fonts, how wide a text is
setting    lines of text that fit a width
palette    the colours of templates/static/skyscape.css
picture    Picture: an SVG in the making, its texts as <text>
png        png(svg) -> bytes, without a browser and without fonts of the machine
qr         the QR code of an address

The other modules lay out the pictures of the channel `posters`: captions (their words), pieces,
stack, scene (behind them), poster, day, card, withdrawal; and still, the picture of a screen.
"""
