"""What a card printer must do with bitmaps: exact sizes, any byte inside them, compression.

The bitmaps are forgotten again (Wcb;a) and never printed here.
"""

from typing import Final

from drivers.conformance.bench import Bench, Run, shown
from drivers.conformance.check import Failed
from drivers.conformance.printer_dialogue import ask, ok
from drivers.printing import FACE_BYTES, LINES

#: Motions answer when they are over.
MOTION_S: Final = 60.0
WRONG_VALUE: Final = "ERROR PARAMETRES"


def black_line_face(panel: str) -> bytes:
    """Return the download of a face with one line of ink: little ribbon, yet a whole panel."""
    return _compressed(panel, b"\xff" + bytes(LINES - 1))


def _compressed(panel: str, data: bytes, levels: int = 2) -> bytes:
    return b"\x1bDbc;%s;%d;%d;%s\r" % (panel.encode(), levels, len(data), data)


def _plain(panel: str, levels: int, data: bytes) -> bytes:
    return b"\x1bDb;%s;%d;%s\r" % (panel.encode(), levels, data)


async def forget_bitmaps(bench: Bench) -> None:
    """Drop what was downloaded."""
    await ok(bench, "Wcb;a")


def _takes(request: bytes, wanted: str = "OK") -> Run:
    """Return the run of a download, after which the dialogue is in step."""

    async def run(bench: Bench) -> str:
        serial = await ask(bench, "Rsn")
        heard = await bench.ask(request, MOTION_S)
        await bench.fall_silent()
        await forget_bitmaps(bench)
        if heard != wanted.encode() + b"\0":
            raise Failed(shown(heard))
        if await ask(bench, "Rsn") != serial:
            raise Failed("out of step afterwards")
        return f"{wanted} for {len(request)} bytes"

    return run


def _face(pattern: bytes, bits: int = 1) -> bytes:
    size = FACE_BYTES * bits
    return (pattern * (size // len(pattern) + 1))[:size]


def _clears(panel: str, wanted: str) -> Run:
    async def run(bench: Bench) -> str:
        text = await ask(bench, f"Wcb;{panel}")
        if text != wanted:
            raise Failed(text)
        return text

    return run


_HALF_LINES: Final = b"".join(b"\x28" + bytes(range(40)) for _ in range(LINES))
_SECTION: Final = "devices 4.2, 4.6"
BITMAP_ROWS: Final[list[tuple[str, str, str, Run]]] = [
    ("a black face of 82,296 bytes (Db)", _SECTION, "OK", _takes(_plain("k", 2, _face(b"\xff")))),
    ("an overlay face of 82,296 bytes", _SECTION, "OK", _takes(_plain("o", 2, _face(b"\x0f")))),
    ("a face all of CR", _SECTION, "OK, nothing inside is a command",
     _takes(_plain("k", 2, _face(b"\r")))),
    ("a face all of NUL", _SECTION, "OK", _takes(_plain("k", 2, _face(b"\0")))),
    ("a face full of questions", _SECTION, "OK, nothing inside is a command",
     _takes(_plain("k", 2, _face(b"\x1bRsn\r")))),
    ("colour of 32 levels, 411,480 bytes", _SECTION, "OK",
     _takes(_plain("y", 32, _face(bytes(range(256)), 5)))),
    ("colour of 64 levels, 493,776 bytes", _SECTION, "OK",
     _takes(_plain("m", 64, _face(bytes(range(256)), 6)))),
    ("colour of 128 levels, 576,072 bytes", _SECTION, "OK",
     _takes(_plain("c", 128, _face(bytes(range(256)), 7)))),
    ("colour of 256 levels, 658,368 bytes", _SECTION, "OK",
     _takes(_plain("y", 256, _face(bytes(range(256)), 8)))),
    ("a white face, compressed (Dbc)", _SECTION, "OK", _takes(_compressed("k", bytes(LINES)))),
    ("a black face, compressed", _SECTION, "OK", _takes(_compressed("k", b"\xff" * LINES))),
    ("half lines, compressed", _SECTION, "OK", _takes(_compressed("k", _HALF_LINES))),
    ("an overlay, compressed", _SECTION, "OK", _takes(_compressed("o", b"\xff" * LINES))),
    ("a panel that is not", _SECTION, WRONG_VALUE,
     _takes(_compressed("q", b"\0"), WRONG_VALUE)),
    ("levels that are not", _SECTION, WRONG_VALUE,
     _takes(_compressed("k", b"\0", levels=3), WRONG_VALUE)),
    ("forgetting one panel (Wcb;k)", _SECTION, "OK", _clears("k", "OK")),
    ("forgetting all panels (Wcb;a)", _SECTION, "OK", _clears("a", "OK")),
    ("forgetting a panel that is not", _SECTION, WRONG_VALUE, _clears("q", WRONG_VALUE)),
]  # fmt: skip
