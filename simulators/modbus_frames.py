"""Finds Modbus RTU requests in a byte stream, as a slave must; knows lengths, not meanings.

Frames are told by length and CRC, never by silence, since a pseudo-terminal has none.
"""

#: No request is longer (address, function, four words, a byte count of at most 246, CRC).
_MAX_FRAME_BYTES = 256
#: A function that nobody knows has no known length; only short frames are tried for its CRC.
_MAX_UNKNOWN_FRAME_BYTES = 32
_LENGTHS = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 4, 8: 8, 11: 4, 12: 4, 17: 4, 22: 10}
_UNKNOWN = -1


class RequestDecoder:
    """Bytes in as they come, whole requests with a good CRC out, garbage counted."""

    def __init__(self) -> None:
        self.garbage_bytes = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes, return every request that they complete."""
        self._buffer += data
        frames = []
        while frame := self._next():
            frames.append(frame)
        return frames

    def reset(self) -> None:
        """Forget a half-received request."""
        self._buffer.clear()

    def _next(self) -> bytes:
        """Cut the next request off the buffer.

        A request that stands complete behind an incomplete beginning wins: what looked like a
        beginning was garbage, and the master waits. Inside a real request that is still coming in,
        another one with a good CRC would be a chance of one in millions.
        """
        buffer = self._buffer
        hopeless = 0  # leading bytes with which no request begins
        for start in range(len(buffer)):
            end = _frame_end(buffer, start)
            if end > 0:
                frame = bytes(buffer[start:end])
                self.garbage_bytes += start
                del buffer[:end]
                return frame
            if end < 0 and hopeless == start:
                hopeless += 1
        self.garbage_bytes += hopeless
        del buffer[:hopeless]
        return b""


def _frame_end(buffer: bytearray, start: int) -> int:
    """Return where the request at `start` ends, 0 if that is open, -1 if there is none."""
    have = len(buffer) - start
    length = _expected_length(buffer, start, have)
    if length == _UNKNOWN:
        return _unknown_frame_end(buffer, start, have)
    if length > _MAX_FRAME_BYTES:
        return -1
    if length == 0 or have < length:
        return 0
    end = start + length
    return end if crc16(buffer[start : end - 2]) == buffer[end - 2 : end] else -1


def _expected_length(buffer: bytearray, start: int, have: int) -> int:
    """Return a request's length, 0 while too little of it is there."""
    if have < 2:
        return 0
    function = buffer[start + 1]
    if function in _LENGTHS:
        return _LENGTHS[function]
    if function in {15, 16}:
        return 9 + buffer[start + 6] if have > 6 else 0
    if function == 23:
        return 13 + buffer[start + 10] if have > 10 else 0
    if function == 43 and have < 3:
        return 0
    if function == 43 and buffer[start + 2] == 0x0E:
        return 7
    return _UNKNOWN


def _unknown_frame_end(buffer: bytearray, start: int, have: int) -> int:
    function = buffer[start + 1]
    if function == 0 or function & 0x80:
        return -1
    check = 0xFFFF
    longest = min(have, _MAX_UNKNOWN_FRAME_BYTES)
    for offset in range(longest):
        check = check >> 8 ^ _CRC_TABLE[(check ^ buffer[start + offset]) & 0xFF]
        if check == 0 and offset >= 3:
            return start + offset + 1
    return 0 if have < _MAX_UNKNOWN_FRAME_BYTES else -1


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_CRC_TABLE = tuple(_crc_of_byte(value) for value in range(256))


def crc16(data: bytes | bytearray) -> bytes:
    """Return the two bytes of the CRC, low byte first."""
    check = 0xFFFF
    for value in data:
        check = check >> 8 ^ _CRC_TABLE[(check ^ value) & 0xFF]
    return check.to_bytes(2, "little")
