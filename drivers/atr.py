"""What a chip says of itself when it is reset (ISO/IEC 7816-3 clause 8), pure.

Only what a host needs to speak T=1 with it; historical bytes are not interpreted.
"""

from dataclasses import dataclass
from typing import Final

from drivers.errors import ChipMute
from drivers.xor_checksum import xor_of

_DEFAULT_IFSC: Final = 32
_DEFAULT_WAITING: Final = 0x4D  # BWI 4, CWI 13
_DEFAULT_RATES: Final = 0x11
#: A, B, C and D of one interface group; four groups are more than any chip has.
_GROUPS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class AnswerToReset:
    """The transmission facts of one chip."""

    protocols: tuple[int, ...]
    negotiable: bool
    rates: int = _DEFAULT_RATES
    guard_time: int = 0
    information_field_bytes: int = _DEFAULT_IFSC
    waiting: int = _DEFAULT_WAITING
    checks_by_crc: bool = False

    def t1_parameters(self) -> bytes:
        """Return the seven bytes of SetParameters for T=1 (CCID specification 6.1.7)."""
        checksum = 0x10 | self.checks_by_crc
        return bytes(
            (
                self.rates,
                checksum,
                self.guard_time,
                self.waiting,
                0,
                self.information_field_bytes,
                0,
            )
        )


def parse_atr(atr: bytes) -> AnswerToReset:
    """Read an ATR; raises `ChipMute` when it is cut off or its check byte is wrong."""
    if len(atr) < 2 or atr[0] not in (0x3B, 0x3F):
        raise ChipMute("The chip's answer to reset does not begin as one.")
    groups, protocols, end = _interface_bytes(atr)
    end += atr[1] & 0x0F
    has_check_byte = any(protocol != 0 for protocol in protocols)
    if len(atr) < end + has_check_byte:
        raise ChipMute("The chip's answer to reset is cut off.")
    if has_check_byte and xor_of(atr[1 : end + 1]) != 0:
        raise ChipMute("The check byte of the chip's answer to reset is wrong.")
    of_t1 = _first_group_of_t1(groups, protocols)
    return AnswerToReset(
        protocols=tuple(protocols) or (0,),
        negotiable="A2" not in groups,
        rates=groups.get("A1", _DEFAULT_RATES),
        guard_time=groups.get("C1", 0),
        information_field_bytes=groups.get(f"A{of_t1}", _DEFAULT_IFSC),
        waiting=groups.get(f"B{of_t1}", _DEFAULT_WAITING),
        checks_by_crc=bool(groups.get(f"C{of_t1}", 0) & 1),
    )


def _interface_bytes(atr: bytes) -> tuple[dict[str, int], list[int], int]:
    """Return the interface bytes by name (A1, B1, ...), the protocols and where they end."""
    groups: dict[str, int] = {}
    protocols: list[int] = []
    position, follows = 2, atr[1] >> 4
    for number in range(1, _GROUPS_MAX):
        for bit, letter in enumerate("ABCD"):
            if follows >> bit & 1:
                if position >= len(atr):
                    raise ChipMute("The chip's answer to reset is cut off.")
                groups[f"{letter}{number}"] = atr[position]
                position += 1
        last = groups.get(f"D{number}")
        if last is None:
            return groups, protocols, position
        protocols.append(last & 0x0F)
        follows = last >> 4
    raise ChipMute("The chip's answer to reset does not end.")


def _first_group_of_t1(groups: dict[str, int], protocols: list[int]) -> int:
    """Return the number of the group that belongs to T=1: the first after group 2 that names it."""
    for number in range(3, len(protocols) + 2):
        if groups[f"D{number - 1}"] & 0x0F == 1:
            return number
    return 0
