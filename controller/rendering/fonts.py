"""The print fonts: Noto Sans for Chinese and Korean, glyph by glyph, each drawn once.

A glyph is a mask of whole dots, because black is printed without shades. This module does not
break lines or place text. The fonts come with a Python package, never from the host.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

#: Glyphs kept; about 1.5 kB each, and a county's cards use a few hundred.
GLYPHS_KEPT = 4000

#: Share of a dot that must be covered for it to be printed, of 255; thin strokes must survive.
COVERED = 104


class Script(StrEnum):
    """Which writing a font is for; the value is the font's file."""

    CHINESE = "notosanssc/NotoSansSC[wght].ttf"
    KOREAN = "notosanskr/NotoSansKR[wght].ttf"


@dataclass(frozen=True, slots=True)
class Typeface:
    """One size and weight."""

    size_px: int
    weight: int


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character's dots, placed from the pen's position on the baseline."""

    mask: Image.Image | None  # None where there is nothing to print, as for a space
    left: int
    top: int
    advance_px: float


class NoGlyph(Exception):
    """The print font cannot draw a character."""

    code = "rendering.no_glyph"

    def __init__(self, character: str) -> None:
        self.code_point = f"U+{ord(character):04X}"
        super().__init__(f"the print font has no glyph for {self.code_point}")


class PrintFont:
    """One font file with its glyphs in all the sizes and weights that were asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._code_points = _code_points(path)
        self._faces: dict[Typeface, ImageFont.FreeTypeFont] = {}
        self._glyphs: dict[tuple[Typeface, str], Glyph] = {}

    @classmethod
    def shipped(cls, script: Script = Script.CHINESE) -> "PrintFont":
        """Return the font that comes with the Python dependencies."""
        root = Path(str(files("justmytype_intl_cjk")))
        return cls(root / "fonts" / "ofl" / script.value)

    @property
    def glyphs_kept(self) -> int:
        """How many glyphs are kept drawn."""
        return len(self._glyphs)

    def has_glyph(self, character: str) -> bool:
        """Say whether a character can be printed."""
        return ord(character) in self._code_points

    def glyph(self, face: Typeface, character: str) -> Glyph:
        """Return a character's dots; raises `NoGlyph`."""
        found = self._glyphs.get((face, character))
        if found is None:
            if not self.has_glyph(character):
                raise NoGlyph(character)
            if len(self._glyphs) >= GLYPHS_KEPT:
                self._glyphs.clear()
            found = self._draw(self._face(face), character)
            self._glyphs[face, character] = found
        return found

    def width_px(self, face: Typeface, text: str, tracking_px: float = 0) -> float:
        """Return how far the pen moves over `text`, without the tracking after the last."""
        if not text:
            return 0
        advances = sum(self.glyph(face, character).advance_px for character in text)
        return advances + tracking_px * (len(text) - 1)

    def _face(self, face: Typeface) -> ImageFont.FreeTypeFont:
        if face not in self._faces:
            font = ImageFont.truetype(self.path, face.size_px, layout_engine=ImageFont.Layout.BASIC)
            # A variable font begins at its thinnest weight.
            font.set_variation_by_axes([face.weight])
            self._faces[face] = font
        return self._faces[face]

    @staticmethod
    def _draw(font: ImageFont.FreeTypeFont, character: str) -> Glyph:
        left, top, right, bottom = (int(edge) for edge in font.getbbox(character, anchor="ls"))
        advance_px = font.getlength(character)
        if right <= left or bottom <= top:
            return Glyph(None, 0, 0, advance_px)
        shades = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(shades).text((-left, -top), character, fill=255, font=font, anchor="ls")
        dots = shades.point([0] * COVERED + [255] * (256 - COVERED), "1")
        return Glyph(dots, left, top, advance_px)


def _code_points(path: Path) -> frozenset[int]:
    """Read which characters a TrueType font maps to a glyph, from its `cmap` in format 12."""
    with path.open("rb") as file:
        (tables,) = struct.unpack(">4xH6x", file.read(12))
        directory = file.read(16 * tables)
        places = {
            directory[at : at + 4]: struct.unpack_from(">II", directory, at + 8)
            for at in range(0, len(directory), 16)
        }
        offset, length = places[b"cmap"]
        file.seek(offset)
        cmap = file.read(length)
    (subtables,) = struct.unpack_from(">2xH", cmap)
    for number in range(subtables):
        (start,) = struct.unpack_from(">4xI", cmap, 4 + 8 * number)
        subtable_format, groups = struct.unpack_from(">H10xI", cmap, start)
        if subtable_format == 12:
            found: set[int] = set()
            for first, last, _glyph in struct.iter_unpack(
                ">III", cmap[start + 16 : start + 16 + 12 * groups]
            ):
                found.update(range(first, last + 1))
            return frozenset(found)
    raise ValueError(f"{path.name} has no character map in format 12")
