"""Make the fonts of templates/fonts: a part of Noto Sans CJK, in two weights.

    python tests/fonts/subset.py FOLDER UNIHAN

FOLDER holds NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc (Debian: fonts-noto-cjk); UNIHAN is
Unihan_OtherMappings.txt of the Unicode Character Database. The licence of the fonts stands beside
them: templates/fonts/OFL.txt.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

PROJECT = Path(__file__).parents[2]
FONTS = PROJECT / "templates" / "fonts"
WEIGHTS = {"Regular": "sans-regular.otf", "Bold": "sans-bold.otf"}
SIMPLIFIED = 2  # the place of the font with the forms of mainland China in the collection
# Latin letters with accents, Greek, punctuation, letter-like signs, arrows, mathematics, shapes and
# stars, punctuation and full-width forms of Chinese.
BLOCKS = ((0x20, 0x17F), (0x391, 0x3C9), (0x2010, 0x2044), (0x2070, 0x20CF), (0x2100, 0x214F),
          (0x2190, 0x21FF), (0x2200, 0x22FF), (0x2460, 0x2473), (0x25A0, 0x26FF),
          (0x3000, 0x303F), (0xFF01, 0xFF60), (0xFFE0, 0xFFE6))  # fmt: skip


def characters(unihan: Path) -> set[int]:
    """Return the code points of GB/T 2312, of the table of general standard characters of 2013
    (the rare ones of names are in it) and of the blocks above.
    """
    found = {
        ord(bytes((row, cell)).decode("gb2312"))
        for row in range(0xB0, 0xF8)
        for cell in range(0xA1, 0xFF)
        if (row, cell) < (0xD7, 0xFA) or row > 0xD7
    }
    for line in unihan.read_text(encoding="utf-8").splitlines():
        point, _, rest = line.partition("\t")
        if rest.startswith("kTGH\t2013:"):
            found.add(int(point.removeprefix("U+"), 16))
    for first, last in BLOCKS:
        found |= set(range(first, last + 1))
    return found


def main(folder: Path, unihan: Path) -> None:
    """Write the fonts. They keep no table of layout: a text is as wide as its characters."""
    wanted = characters(unihan)
    for weight, name in WEIGHTS.items():
        font = TTFont(folder / f"NotoSansCJK-{weight}.ttc", fontNumber=SIMPLIFIED, lazy=True)
        options = subset.Options()
        options.layout_features = []
        options.hinting = False
        options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
        options.name_languages = [0x409]
        options.drop_tables = ["BASE", "VORG", "vhea", "vmtx", "GPOS", "GSUB"]
        options.notdef_outline = True
        maker = subset.Subsetter(options)
        maker.populate(unicodes=wanted)
        maker.subset(font)
        subset.save_font(font, str(FONTS / name), options)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
