"""Makes the 1,024 bytes of a chip's photo file from the portrait.

By default a 102 x 126 JPEG 2000 codestream padded with zeros; or what an external command makes,
which is where the country's licensed codec plugs in. This module does not write the chip.
"""

import asyncio
import io
import os
import signal
import struct
import subprocess

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
        process = _started(encoder.command, jpeg)
    except OSError as error:
        raise NoChipPhoto("the photo encoder could not be started") from error
    try:
        async with asyncio.timeout(encoder.timeout_s):
            made = await _made_by(process)
            await _exit_of(process)
    except TimeoutError as error:
        raise NoChipPhoto("the photo encoder took too long") from error
    finally:
        _end(process)
    if process.returncode != 0:
        raise NoChipPhoto(f"the photo encoder ended with status {process.returncode}")
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


def _started(command: tuple[str, ...], jpeg: bytes) -> "subprocess.Popen[bytes]":
    """Start the command on the portrait. Nothing is awaited, so nothing is left half started."""
    portrait = os.memfd_create("portrait")  # a person's face is not written to a disk
    try:
        with os.fdopen(os.dup(portrait), "wb") as file:
            file.write(jpeg)
        os.lseek(portrait, 0, os.SEEK_SET)
        return subprocess.Popen(
            command,
            stdin=portrait,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        os.close(portrait)


async def _made_by(process: "subprocess.Popen[bytes]") -> bytes:
    """Return what the command writes, up to its end; refuse it as soon as it is too much."""
    assert process.stdout is not None
    made = bytearray()
    while True:
        await _readable(process.stdout.fileno())
        part = os.read(process.stdout.fileno(), FILE_BYTES + 1)
        if not part:
            return bytes(made)
        made += part
        if len(made) > FILE_BYTES:
            raise NoChipPhoto(f"the photo encoder made more than {FILE_BYTES} bytes")


async def _exit_of(process: "subprocess.Popen[bytes]") -> None:
    descriptor = os.pidfd_open(process.pid)
    try:
        await _readable(descriptor)
    finally:
        os.close(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Leave no process behind: neither the command nor what it started in its session.

    The command is collected last, so that its number still names its own group and no other.
    """
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
