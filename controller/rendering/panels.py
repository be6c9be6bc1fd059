"""Turns a face into a printer's panels, and a black panel back into dots.

A panel has 1,016 lines of 648 dots: line 0 at the left edge of the face, first dot at the bottom,
most significant bit first; a 1,012 x 638 face lies at (2, 5). So a face is turned by a quarter and
not mirrored; the printer maker's own client lays the same dots. This module does not compress
panels or talk to a printer. All work on dots is done in C: by Pillow, `bytes.translate` and whole
integers.
"""

from dataclasses import dataclass, field

from PIL import Image, ImageChops

from config.products import PrintProfile
from controller.rendering.faces import FACE_HEIGHT_DOTS, FACE_WIDTH_DOTS

LINES = 1016
DOTS_A_LINE = 648
FACE_AT = (2, 5)

#: One bit a dot, for black and overlay.
BLACK_LEVELS = 2
BLACK_PANEL_BYTES = LINES * DOTS_A_LINE // 8

#: Seven bits a dot, for yellow, magenta and cyan.
COLOUR_LEVELS = 128
COLOUR_PANEL_BYTES = LINES * DOTS_A_LINE * 7 // 8

#: Each ribbon takes away one of the three lights.
_BAND_OF_RIBBON = {"Y": 2, "M": 1, "C": 0}

#: From light (0 to 255) to ink (127 to 0).
_INK_OF_LIGHT = bytes((255 - light) // 2 for light in range(256))


@dataclass(frozen=True, slots=True)
class InkPanel:
    """One ribbon panel of one face, uncompressed."""

    letter: str
    levels: int
    data: bytes = field(repr=False)


def panels_of(face: Image.Image, profile: PrintProfile) -> tuple[InkPanel, ...]:
    """Return the panels of a face in the order of the ribbon.

    The face must have been drawn in the same profile: mode "1" for outline, "RGB" for colour.
    """
    if profile is PrintProfile.OUTLINE:
        return (InkPanel("K", BLACK_LEVELS, k_panel(face)),)
    assert face.mode == "RGB", face.mode
    text = _pure_black(face)
    coloured = face.copy()
    coloured.paste((255, 255, 255), (0, 0), ImageChops.invert(text))
    inked = [
        InkPanel(letter, COLOUR_LEVELS, _colour_panel(coloured.getchannel(band)))
        for letter, band in _BAND_OF_RIBBON.items()
    ]
    black = InkPanel("K", BLACK_LEVELS, k_panel(text))
    overlay = InkPanel("O", BLACK_LEVELS, b"\xff" * BLACK_PANEL_BYTES)
    return (*inked, black, overlay)


def k_panel(face: Image.Image) -> bytes:
    """Return the black panel of a face of mode "1"."""
    assert face.mode == "1", face.mode
    return _on_its_side(face, paper=1).tobytes("raw", "1;I")


def dots(data: bytes) -> Image.Image:
    """Return the face that a black panel prints: what a camera over the printer would see."""
    if len(data) != BLACK_PANEL_BYTES:
        raise ValueError(f"a black panel has {BLACK_PANEL_BYTES} bytes, not {len(data)}")
    on_its_side = Image.frombytes("1", (DOTS_A_LINE, LINES), data, "raw", "1;I")
    left, top = FACE_AT
    return on_its_side.transpose(Image.Transpose.ROTATE_90).crop(
        (left, top, left + FACE_WIDTH_DOTS, top + FACE_HEIGHT_DOTS)
    )


def _on_its_side(face: Image.Image, paper: int) -> Image.Image:
    """Lay a face on the panel's area with lines of the panel as rows."""
    assert face.size == (FACE_WIDTH_DOTS, FACE_HEIGHT_DOTS), face.size
    area = Image.new(face.mode, (LINES, DOTS_A_LINE), paper)
    area.paste(face, FACE_AT)
    return area.transpose(Image.Transpose.ROTATE_270)


def _pure_black(face: Image.Image) -> Image.Image:
    """Return mode "1" with a black dot where all three lights are out."""
    red, green, blue = face.split()
    brightest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return brightest.point([0] + [255] * 255, "1")


def _colour_panel(light: Image.Image) -> bytes:
    ink = _on_its_side(light, paper=255).tobytes().translate(_INK_OF_LIGHT)
    return packed_in_seven_bits(ink)


def packed_in_seven_bits(values: bytes) -> bytes:
    """Pack values 0 to 127, a multiple of eight of them, most significant bit first.

    Eight values make seven bytes: byte k has the last 7-k bits of value k, then the first k+1 bits
    of value k+1. Taking every eighth value at once, each of the seven needs a few operations on the
    whole panel instead of half a million small ones.
    """
    assert len(values) % 8 == 0, len(values)
    out = bytearray(len(values) * 7 // 8)
    for byte in range(7):
        upper = bytes(value << (byte + 1) & 0xFF for value in range(256))
        lower = bytes(value >> (6 - byte) & 0xFF for value in range(256))
        left = int.from_bytes(values[byte::8].translate(upper), "big")
        right = int.from_bytes(values[byte + 1 :: 8].translate(lower), "big")
        out[byte::7] = (left | right).to_bytes(len(values) // 8, "big")
    return bytes(out)
