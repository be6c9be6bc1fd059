"""What lies where on the floors of a plant, as plain data: for comparing with a centre's books.

Only digests of what is printed and written, never the data itself; judging is the reader's.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from simulators.floor import PhysicalCard, Place
from simulators.plant import Plant

MAKER_BYTES = 8
MANAGEMENT_FILE = 5


def inventory(plant: Plant) -> dict[str, list[dict[str, Any]]]:
    """Return every card of every line, by its number."""
    return {
        name: [_told(place, card) for place, card in line.floor.everything()]
        for name, line in plant.lines.items()
    }


def _told(place: Place, card: PhysicalCard) -> dict[str, Any]:
    chip = card.chip
    serial = bytes(chip.files[MANAGEMENT_FILE][MAKER_BYTES:])
    return {
        "number": card.number,
        "place": str(place),
        "chip_serial": chip.serial.hex(),
        "card_serial": serial.hex() if any(serial) else "",
        "life_cycle": chip.life_cycle.name.lower(),
        "chip_health": chip.health.value,
        "misprinted": card.misprinted,
        "damaged": card.damaged,
        "laminations": list(card.laminations),
        "files": {str(number): file_digest(content) for number, content in chip.files.items()},
        "front": face_digest(card.front),
        "back": face_digest(card.back),
    }


def file_digest(content: bytes | bytearray) -> str:
    """Return the digest of one chip file."""
    return hashlib.sha256(content).hexdigest()


def face_digest(panels: Mapping[str, bytes]) -> str:
    """Return the digest of one face's ink; nothing for a face without any."""
    if not panels:
        return ""
    whole = hashlib.sha256()
    for letter in sorted(panels):
        whole.update(f"{letter}{len(panels[letter])}\n".encode())
        whole.update(panels[letter])
    return whole.hexdigest()
