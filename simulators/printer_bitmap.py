"""Panels as a card printer receives them: their sizes, their compression undone, ink upon ink.

Knows nothing of commands, cards or time. A panel always leaves here packed as `Db` sends it:
1,016 lines of 648 dots from the left edge of the face, first dot at the bottom, most significant
bit first.
"""

import re
from typing import Final

LINES: Final = 1016
DOTS_PER_LINE: Final = 648
DOTS: Final = LINES * DOTS_PER_LINE
COLOUR_PANELS: Final = "ymc"
PANELS: Final = "ymcko"  # in the order in which a ribbon carries them

_BITS_PER_DOT: Final = {2: 1, 32: 5, 64: 6, 128: 7, 256: 8}
_BLACK_LINE_BYTES: Final = DOTS_PER_LINE // 8
_WHITE_LINE: Final = bytes(_BLACK_LINE_BYTES)
_BLACK_LINE: Final = b"\xff" * _BLACK_LINE_BYTES
_FAILED_BAND_LINES: Final = 40
_SINGLE_DOTS: Final = re.compile(rb"[\x00-\x7f]+")

#: The longest compressed panel: every dot of a colour as a repeated value of its own.
COMPRESSED_BYTES_MAX: Final = 2 * DOTS


class BadBitmap(ValueError):
    """The bytes are no panel of this kind."""


def plain_bytes(levels: int) -> int | None:
    """Return the length of an uncompressed panel, or None where no such levels exist."""
    bits = _BITS_PER_DOT.get(levels)
    return None if bits is None else DOTS * bits // 8


def plain_panel(panel: str, levels: int, data: bytes) -> bytes:
    """Check a panel that came uncompressed."""
    if len(data) != plain_bytes(levels) or (panel not in COLOUR_PANELS and levels != 2):
        raise BadBitmap
    return data


def expand_panel(panel: str, levels: int, data: bytes) -> bytes:
    """Undo the compression of `Dbc`. Whatever is not exactly one panel raises `BadBitmap`."""
    try:
        if panel not in COLOUR_PANELS:
            return _expand_black(levels, data)
        return _expand_colour(levels, data)
    except IndexError as error:
        raise BadBitmap from error


def with_failed_band(panel: bytes) -> bytes:
    """Leave lines blank, from the first with ink on it; a blank panel gets a streak instead."""
    line_bytes = len(panel) // LINES
    first = (len(panel) - len(panel.lstrip(b"\x00"))) // line_bytes
    if first >= LINES:
        return b"\xff" * line_bytes + panel[line_bytes:]
    start = first * line_bytes
    band = panel[start : start + _FAILED_BAND_LINES * line_bytes]
    return panel[:start] + bytes(len(band)) + panel[start + len(band) :]


def printed_over(below: bytes, above: bytes) -> bytes:
    """Ink on ink: what was printed twice shows both."""
    if len(below) != len(above):
        return above
    both = int.from_bytes(below) | int.from_bytes(above)
    return both.to_bytes(len(below))


def _expand_black(levels: int, data: bytes) -> bytes:
    if levels != 2:
        raise BadBitmap
    lines: list[bytes] = []
    at = 0
    for _ in range(LINES):
        count = data[at]
        at += 1
        if count == 0x00:
            lines.append(_WHITE_LINE)
        elif count == 0xFF:
            lines.append(_BLACK_LINE)
        elif count <= _BLACK_LINE_BYTES:
            lines.append(data[at : at + count].ljust(_BLACK_LINE_BYTES, b"\x00"))
            at += count
        else:
            raise BadBitmap
    if at != len(data):
        raise BadBitmap
    return b"".join(lines)


def _expand_colour(levels: int, data: bytes) -> bytes:
    if levels not in (32, 64, 128):
        raise BadBitmap  # bit 7 marks a run, so 256 levels do not fit
    lines: list[bytes] = []
    at = 0
    for _ in range(LINES):
        line, at = _expand_colour_line(data, at)
        lines.append(line)
    dots = b"".join(lines)
    if at != len(data) or dots.translate(None, bytes(range(levels))):
        raise BadBitmap
    return _pack(dots, _BITS_PER_DOT[levels])


def _expand_colour_line(data: bytes, at: int) -> tuple[bytes, int]:
    line = bytearray()
    while (left := DOTS_PER_LINE - len(line)) > 0:
        if singles := _SINGLE_DOTS.match(data, at, at + left):
            line += singles[0]
            at = singles.end()
            continue
        value, count = data[at] & 0x7F, data[at + 1]
        at += 2
        line += bytes((value,)) * count if count else bytes(left)
    if len(line) > DOTS_PER_LINE:
        raise BadBitmap
    return bytes(line), at


def _pack(dots: bytes, bits: int) -> bytes:
    """Pack dots of a byte each to `bits` each, on the whole face at once.

    Three rounds join neighbours: dots to pairs, pairs to fours, fours to eights. After them each
    group of eight bytes holds its dots in the last `bits` bytes.
    """
    spare = 8 - bits
    face = int.from_bytes(dots)
    for lane_bytes in (1, 2, 4):
        right_lanes = int.from_bytes(
            (bytes(lane_bytes) + b"\xff" * lane_bytes) * (len(dots) // lane_bytes // 2)
        )
        left_lanes = right_lanes << (8 * lane_bytes)
        face = (face & right_lanes) | (face & left_lanes) >> (spare * lane_bytes)
    packed = bytearray(face.to_bytes(len(dots)))
    for group_bytes in range(8, bits, -1):
        del packed[::group_bytes]
    return bytes(packed)
