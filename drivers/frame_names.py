"""What a frame on a wire is called, as far as its first bytes tell: for people who read captures.

Nothing is checked or decoded here; bytes that no machine of this kind would send have no name.
"""

import re

from drivers.ccid import ACK, NAK, SYNC, MessageType
from drivers.modbus_frames import (
    READ_DISCRETE,
    READ_HOLDING,
    READ_IDENTIFICATION,
    READ_INPUT,
    REFUSED,
    WRITE_REGISTER,
    WRITE_REGISTERS,
)
from drivers.sdt import MEANINGS, PREAMBLE, Request, Status

_PRINTER_COMMAND = re.compile(rb"\x1b([A-Z][a-z]+)")
_FUNCTIONS = {
    READ_DISCRETE: "read inputs",
    READ_HOLDING: "read holding registers",
    READ_INPUT: "read input registers",
    WRITE_REGISTER: "write register",
    WRITE_REGISTERS: "write registers",
    READ_IDENTIFICATION: "read identification",
}
_SDT_HEADER_BYTES = 7


def frame_name(kind: str, data: bytes, *, sent: bool) -> str:
    """Return the name of the frame that some bytes of a machine of this kind begin with, or ""."""
    match kind:
        case "printer":
            return _of_printer(data) if sent else ""
        case "laminator" | "transport":
            return _of_modbus(data)
        case "encoder":
            return _of_ccid(data)
        case "reader":
            return _of_sdt(data, sent=sent)
        case _:
            return ""


def _of_printer(data: bytes) -> str:
    found = _PRINTER_COMMAND.match(data)
    return found[1].decode() if found else ""


def _of_modbus(data: bytes) -> str:
    if len(data) < 3:
        return ""
    unit, function = data[0], data[1]
    if function & REFUSED:
        return f"unit {unit}: exception {data[2]}"
    return f"unit {unit}: {_FUNCTIONS[function]}" if function in _FUNCTIONS else ""


def _of_ccid(data: bytes) -> str:
    if data[:2] == bytes((SYNC, NAK)):
        return "nak"
    if len(data) < 3 or data[:2] != bytes((SYNC, ACK)) or data[2] not in set(MessageType):
        return ""
    return MessageType(data[2]).name.lower().replace("_", " ")


def _of_sdt(data: bytes, *, sent: bool) -> str:
    if not data.startswith(PREAMBLE):
        return ""
    body = data[_SDT_HEADER_BYTES:]
    if sent:
        return next(
            (one.name.lower().replace("_", " ") for one in Request if body.startswith(one.value)),
            "",
        )
    if len(body) < 3 or body[2] not in set(Status):
        return ""
    return MEANINGS[Status(body[2])]
