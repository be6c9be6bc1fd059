"""The XOR of all bytes: LRC of CCID frames and T=1 blocks, check byte of SDT frames.

Not for Modbus or the printer, which check otherwise.
"""


def xor_of(data: bytes) -> int:
    """Return the XOR of all bytes; folded as one number, so that long frames cost microseconds."""
    value = int.from_bytes(data, "little")
    # Half the smallest power of two that holds all bytes; each fold halves what is left to fold.
    shift_bits = 4 << max(len(data) - 1, 0).bit_length()
    while shift_bits >= 8:
        value ^= value >> shift_bits
        shift_bits >>= 1
    return value & 0xFF
