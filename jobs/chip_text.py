"""The 256-byte text block of the chip (GA/T 490 as quoted in the field), from an application.

UTF-16LE, each field padded with blanks. It does not check that a value fits the chip, which
`package_checks` did, and never says what a differing field holds.
"""

from collections.abc import Mapping

from jobs.application import LONG_TERM, Application

SIZE_BYTES = 256
RESERVED = "reserved"
#: Identifier and width in UTF-16 code units, in the order of the block.
LAYOUT: tuple[tuple[str, int], ...] = (
    ("xm", 15),
    ("xbdm", 1),
    ("mzdm", 2),
    ("csrq", 8),
    ("dzmc", 35),
    ("gmsfhm", 18),
    ("qfjgmc", 15),
    ("yxqqsrq", 8),
    ("yxqjzrq", 8),
    (RESERVED, 18),
)


def chip_text(application: Application) -> bytes:
    """Return the block that the chip of this application's card must hold."""
    until = application.valid_until
    return encode(
        {
            "xm": application.name,
            "xbdm": application.sex_code,
            "mzdm": application.nation_code,
            "csrq": f"{application.birth_date:%Y%m%d}",
            "dzmc": application.address,
            "gmsfhm": application.citizen_number,
            "qfjgmc": application.issuer,
            "yxqqsrq": f"{application.valid_from:%Y%m%d}",
            "yxqjzrq": f"{until:%Y%m%d}" if until else LONG_TERM,
        }
    )


def encode(fields: Mapping[str, str]) -> bytes:
    """Return the block of these texts; a missing one is blank, a too wide one is our mistake."""
    block = bytearray()
    for identifier, width in LAYOUT:
        text = fields.get(identifier, "").encode("utf-16-le")
        assert len(text) <= 2 * width, f"{identifier} is wider than the chip's field"
        block += text + b" \0" * (width - len(text) // 2)
    return bytes(block)


def decode(block: bytes) -> dict[str, str]:
    """Return what a block read from any card says, identifier to text without the padding.

    Never fails on the content: units that are no text come back as U+FFFD.
    """
    return {
        identifier: part.decode("utf-16-le", errors="replace").rstrip(" ")
        for identifier, part in _parts(block).items()
    }


def compare(expected: bytes, read: bytes) -> tuple[str, ...]:
    """Return the identifiers of the fields that differ in any byte, padding included."""
    ours, theirs = _parts(expected), _parts(read)
    differing = tuple(identifier for identifier in ours if ours[identifier] != theirs[identifier])
    return differing if len(read) == len(expected) else (*differing, "length")


def _parts(block: bytes) -> dict[str, bytes]:
    parts, offset = {}, 0
    for identifier, width in LAYOUT:
        parts[identifier] = block[offset : offset + 2 * width]
        offset += 2 * width
    return parts
