"""The letters of a report, cut out of the font that comes with the program.

So a page shows Chinese on a machine without a Chinese font, and no file has the whole font's ten
megabytes in it.
"""

import base64
from io import BytesIO

from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]  # it has no types
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # it has no types
from fontTools.varLib.instancer import instantiateVariableFont  # type: ignore[import-untyped]  # it has no types

from controller.rendering.fonts import PrintFont

REGULAR, BOLD = 400, 700


def cut_font(characters: set[str], weights: tuple[int, int] | int = REGULAR) -> bytes:
    """Return a font of these characters in one weight, or in all from one to another.

    What the font lacks is left out: a browser looks for it elsewhere.
    """
    options = Options()
    options.layout_features = []
    options.notdef_outline = True
    # Widths by weight; the outlines tell them too, and these tables take longest to read.
    options.drop_tables = [*options.drop_tables, "HVAR", "VVAR"]
    made = BytesIO()
    with PrintFont.shipped().path.open("rb") as file, TTFont(file, lazy=True) as font:
        # The file has no names of its glyphs; they would be worked out, all 65,000 of them.
        font.setGlyphOrder([".notdef", *(f"{n}" for n in range(1, font["maxp"].numGlyphs))])
        subsetter = Subsetter(options)
        subsetter.populate(text="".join(sorted(characters)))
        subsetter.subset(font)
        # The font's own weight is its thinnest.
        instantiateVariableFont(font, {"wght": weights}, inplace=True)
        font.save(made)
    return made.getvalue()


def font_face(name: str, first: int, characters: set[str]) -> str:
    """Return a style rule that holds a font of these characters, all from the code point `first`.

    Chromium draws boxes for letters that a font of the page comes late for; with a range, and named
    before other fonts, it does not come late.
    """
    content = base64.b64encode(cut_font(characters, (REGULAR, BOLD))).decode()
    return (
        f'@font-face {{ font-family: "{name}"; font-weight: {REGULAR} {BOLD};'
        f" unicode-range: U+{first:X}-FFFF; src: url(data:font/ttf;base64,{content}); }}"
    )
