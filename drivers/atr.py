"""What a chip says of itself when it is reset (ISO/IEC 7816-3 clause 8), pure.

Only what a host needs to speak T=1 or T=0 with it; historical bytes are not interpreted.
"""

from dataclasses import dataclass
from typing import Final

from drivers.errors import ChipMute
from drivers.xor_checksum import xor_of

_DEFAULT_IFSC: Final = 32
_DEFAULT_WAITING: Final = 0x4D  # BWI 4, CWI 13
_DEFAULT_RATES: Final = 0x11
_DEFAULT_WAITING_INTEGER: Final = 10  # of T=0
#: A, B, C and D of one interface group; four groups are more than any chip has.
_GROUPS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class AnswerToReset:
    """The transmission facts of one chip; `protocols` are those that it may be spoken to in."""

    protocols: tuple[int, ...]
    negotiable: bool
    rates: int = _DEFAULT_RATES
    guard_time: int = 0
    information_field_bytes: int = _DEFAULT_IFSC
    waiting: int = _DEFAULT_WAITING
    checks_by_crc: bool = False
    waiting_integer: int = _DEFAULT_WAITING_INTEGER

    @property
    def protocol(self) -> int:
        """The protocol that we choose: T=1 with an LRC, else T=0; raises `ChipMute` without."""
        if 1 in self.protocols and not self.checks_by_crc:
            return 1
        if 0 in self.protocols:
            return 0
        raise ChipMute("The chip speaks neither T=1 with an LRC nor T=0.")

    @property
    def wants_pps(self) -> bool:
        """True when the chip must agree to the protocol: T=0, where it comes first, is spoken."""
        return self.negotiable and (self.protocol, self.protocols[0]) != (0, 0)

    def t0_parameters(self) -> bytes:
        """Return the five bytes of SetParameters for T=0 (CCID specification 6.1.7)."""
        return bytes((self.rates, 0, self.guard_time, self.waiting_integer, 0))

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
    # TA2 fixes one protocol, and the rates of TA1. Without it no rates hold but the default: our
    # PPS names a protocol only.
    fixed = groups.get("A2")
    return AnswerToReset(
        protocols=tuple(protocols) or (0,) if fixed is None else (fixed & 0x0F,),
        negotiable=fixed is None,
        rates=_DEFAULT_RATES if fixed is None else groups.get("A1", _DEFAULT_RATES),
        guard_time=groups.get("C1", 0),
        information_field_bytes=groups.get(f"A{of_t1}", _DEFAULT_IFSC),
        waiting=groups.get(f"B{of_t1}", _DEFAULT_WAITING),
        checks_by_crc=bool(groups.get(f"C{of_t1}", 0) & 1),
        waiting_integer=groups.get("C2", _DEFAULT_WAITING_INTEGER),
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
