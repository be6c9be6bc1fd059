"""Makes the 1,024 bytes of a chip's photo file from the portrait.

By default a 102 x 126 JPEG 2000 codestream padded with zeros; or what an external command makes,
which is where the country's licensed codec plugs in. This module does not write the chip.
"""

import asyncio
import io
import os
import signal
import struct

from PIL import Image

from config.products import ExternalPhotoEncoder

FILE_BYTES = 1024
SIZE = (102, 126)

#: Compression ratios tried in turn. The first fits most portraits, the last fits anything: it asks
#: for 300 bytes, and the headers are 101.
RATES = (36.9, 37.6, 38.5, 40.0, 44.0, 52.0, 70.0, 128.0)

_START_OF_TILE = b"\xff\x90"
_COMMENT = b"\xff\x64"


class NoChipPhoto(Exception):
    """The chip photo could not be made; says why and never contains the picture."""

    code = "rendering.no_chip_photo"


def chip_photo(jpeg: bytes) -> bytes:
    """Return the photo file of a chip; the same portrait gives the same bytes. About 4 ms."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as photo:
            small = photo.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    except (OSError, Image.DecompressionBombError) as error:
        raise NoChipPhoto("the portrait cannot be decoded") from error
    for rate in RATES:
        codestream = _without_comments(_encoded(small, rate))
        if len(codestream) <= FILE_BYTES:
            return codestream.ljust(FILE_BYTES, b"\0")
    raise NoChipPhoto("the portrait does not fit at any rate")


async def external_chip_photo(jpeg: bytes, encoder: ExternalPhotoEncoder) -> bytes:
    """Let a command make the photo file; ends the command and all it started when time is up."""
    try:
        process = await asyncio.create_subprocess_exec(
            *encoder.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise NoChipPhoto("the photo encoder could not be started") from error
    try:
        async with asyncio.timeout(encoder.timeout_s):
            made = await _exchange(process, jpeg)
            status = await process.wait()
    except TimeoutError as error:
        raise NoChipPhoto("the photo encoder took too long") from error
    finally:
        await _end(process)
    if status != 0:
        raise NoChipPhoto(f"the photo encoder ended with status {status}")
    if len(made) != FILE_BYTES:
        raise NoChipPhoto(f"the photo encoder did not make {FILE_BYTES} bytes")
    return made


def _encoded(small: Image.Image, rate: float) -> bytes:
    file = io.BytesIO()
    small.save(
        file,
        "JPEG2000",
        no_jp2=True,
        irreversible=True,
        num_resolutions=4,
        quality_mode="rates",
        quality_layers=[rate],
    )
    return file.getvalue()


def _without_comments(codestream: bytes) -> bytes:
    """Drop comment segments of the main header: they name the encoder's version, in 39 bytes."""
    kept = [codestream[:2]]
    at = 2
    while codestream[at : at + 2] != _START_OF_TILE:
        (length,) = struct.unpack_from(">H", codestream, at + 2)
        if codestream[at : at + 2] != _COMMENT:
            kept.append(codestream[at : at + 2 + length])
        at += 2 + length
    return b"".join((*kept, codestream[at:]))


async def _exchange(process: asyncio.subprocess.Process, jpeg: bytes) -> bytes:
    """Feed the command and read at most one byte more than it should make."""
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.TaskGroup() as group:
        group.create_task(_feed(process.stdin, jpeg))
        made = b""
        while len(made) <= FILE_BYTES:
            part = await process.stdout.read(FILE_BYTES + 1 - len(made))
            if not part:
                break
            made += part
    if len(made) > FILE_BYTES:
        raise NoChipPhoto(f"the photo encoder made more than {FILE_BYTES} bytes")
    return made


async def _feed(stdin: asyncio.StreamWriter, jpeg: bytes) -> None:
    """Write the portrait; a command that does not read it all is judged by what it makes."""
    try:
        stdin.write(jpeg)
        await stdin.drain()
        stdin.close()
        await stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave no process behind, the command's own children included."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
