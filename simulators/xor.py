"""The check byte of three protocols here: every byte joined by exclusive or."""


def xor_of(data: bytes | bytearray) -> int:
    """Return the exclusive or of all bytes, folding the whole as one number (no loop a byte)."""
    number = int.from_bytes(data, "big")
    width = len(data)
    while width > 1:
        width = (width + 1) // 2
        number = (number >> (8 * width)) ^ (number & ((1 << (8 * width)) - 1))
    return number
