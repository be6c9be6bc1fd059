import asyncio
import os
import sys
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from PIL import Image, ImageChops, ImageStat

from config.products import ExternalPhotoEncoder
from controller.rendering.chip_photo import NoChipPhoto, chip_photo, external_chip_photo
from jobs.portrait import portrait, portraits


def jpeg_of(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


def comments(codestream: bytes) -> list[bytes]:
    """Return the comment segments of a JPEG 2000 main header (ISO/IEC 15444-1, annex A)."""
    at, found = 2, []
    while codestream[at : at + 2] != b"\xff\x90":
        length = int.from_bytes(codestream[at + 2 : at + 4], "big")
        if codestream[at : at + 2] == b"\xff\x64":
            found.append(codestream[at : at + 2 + length])
        at += 2 + length
    return found


def test_a_portrait_becomes_a_jpeg_2000_codestream_of_the_right_size() -> None:
    for jpeg in portraits(Random(8), 6):
        made = chip_photo(jpeg)
        assert len(made) == 1024
        assert made.startswith(b"\xff\x4f\xff\x51")  # SOC, SIZ
        used = made.rstrip(b"\0")
        assert used.endswith(b"\xff\xd9")  # EOC
        assert len(used) > 900, "room for the picture was given away"
        with Image.open(BytesIO(made), formats=("JPEG2000",)) as image:
            decoded = image.convert("RGB")
        assert decoded.size == (102, 126)
        with Image.open(BytesIO(jpeg)) as image:
            original = image.convert("RGB").resize((102, 126), Image.Resampling.BICUBIC)
        error = ImageStat.Stat(ImageChops.difference(original, decoded)).mean
        assert max(error) < 10


def test_the_same_portrait_gives_the_same_bytes_and_another_gives_others() -> None:
    first, second = portraits(Random(9), 2)
    assert chip_photo(first) == chip_photo(first)
    assert chip_photo(first) != chip_photo(second)


def test_the_codestream_does_not_name_the_encoders_version() -> None:
    assert comments(chip_photo(portrait(Random(10)))) == []


@pytest.mark.parametrize("kind", ["noise", "fine noise", "white", "grey mode", "stripes"])
def test_any_picture_fits(kind: str) -> None:
    size = (358, 441)
    random_bytes = Random(11).randbytes
    pictures = {
        "noise": Image.frombytes("RGB", size, random_bytes(358 * 441 * 3)),
        "fine noise": Image.frombytes("RGB", (102, 126), random_bytes(102 * 126 * 3)),
        "white": Image.new("RGB", size, "white"),
        "grey mode": Image.frombytes("L", size, random_bytes(358 * 441)),
        "stripes": Image.frombytes("L", size, (bytes(3) + b"\xff" * 3) * (358 * 441 // 6 + 1)),
    }
    made = chip_photo(jpeg_of(pictures[kind]))
    assert len(made) == 1024
    with Image.open(BytesIO(made), formats=("JPEG2000",)) as image:
        assert image.convert("RGB").size == (102, 126)


@pytest.mark.parametrize("jpeg", [b"", b"\xff\xd8", portrait(Random(12))[:2000]])
def test_what_is_no_whole_picture_is_refused(jpeg: bytes) -> None:
    with pytest.raises(NoChipPhoto, match="cannot be decoded"):
        chip_photo(jpeg)


def command(script: str, timeout_s: float = 20) -> ExternalPhotoEncoder:
    return ExternalPhotoEncoder(command=(sys.executable, "-c", script), timeout_s=timeout_s)


READ = "import sys; data = sys.stdin.buffer.read(); "


@pytest.mark.real_time
async def test_a_command_gets_the_portrait_and_its_answer_is_the_photo() -> None:
    script = READ + "sys.stdout.buffer.write(data[:4] + len(data).to_bytes(4, 'big') + bytes(1016))"
    jpeg = portrait(Random(13)) + bytes(500_000)  # more than a pipe holds
    made = await external_chip_photo(jpeg, command(script))
    assert made == jpeg[:4] + len(jpeg).to_bytes(4, "big") + bytes(1016)


@pytest.mark.real_time
async def test_a_command_need_not_read_the_portrait() -> None:
    script = "import os; os.close(0); os.write(1, bytes(1024))"
    assert await external_chip_photo(bytes(500_000), command(script)) == bytes(1024)


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("script", "says"),
    [
        (READ + "sys.stdout.buffer.write(bytes(1023))", "did not make 1024 bytes"),
        (READ, "did not make 1024 bytes"),
        (READ + "sys.stdout.buffer.write(bytes(1024)); sys.exit(3)", "status 3"),
        ("import os\nwhile True: os.write(1, bytes(65536))", "more than 1024 bytes"),
    ],
)
async def test_a_command_that_fails_is_told_why(script: str, says: str) -> None:
    with pytest.raises(NoChipPhoto, match=says):
        await external_chip_photo(b"jpeg", command(script))


@pytest.mark.real_time
async def test_a_command_that_does_not_exist_is_told() -> None:
    encoder = ExternalPhotoEncoder(command=("/no/such/encoder",))
    with pytest.raises(NoChipPhoto, match="could not be started"):
        await external_chip_photo(b"jpeg", encoder)


async def ended(pid_fd: int) -> None:
    """Wait for a process that is not our child."""
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pid_fd, gone.set)
    try:
        async with asyncio.timeout(10):
            await gone.wait()
    finally:
        loop.remove_reader(pid_fd)
        os.close(pid_fd)


#: Starts a child that would outlive it and writes the child's number into a pipe.
STARTS_A_CHILD = "sleep 1000 & echo $! > {pipe}"


@pytest.mark.real_time
@pytest.mark.parametrize("then", ["; wait", "; exit 0"])
@pytest.mark.parametrize("ends_by", ["time-out", "cancelled"])
async def test_a_command_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, then: str, ends_by: str
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)) as reader:
        shell = ("/bin/sh", "-c", STARTS_A_CHILD.format(pipe=pipe) + then)
        timeout_s = 0.7 if ends_by == "time-out" else 60
        encoder = ExternalPhotoEncoder(command=shell, timeout_s=timeout_s)
        async with asyncio.TaskGroup() as group:
            encoding = group.create_task(outcome_of(encoder))
            child = await child_number(reader.fileno())
            pid_fd = os.pidfd_open(child)
            if ends_by == "cancelled":
                encoding.cancel()
        await ended(pid_fd)
    if ends_by == "time-out":
        assert encoding.result() == "the photo encoder took too long"
    else:
        assert encoding.cancelled()


async def outcome_of(encoder: ExternalPhotoEncoder) -> str:
    with pytest.raises(NoChipPhoto) as caught:
        await external_chip_photo(b"jpeg", encoder)
    return str(caught.value)


async def child_number(descriptor: int) -> int:
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ready.set)
    try:
        async with asyncio.timeout(10):
            await ready.wait()
    finally:
        loop.remove_reader(descriptor)
    return int(os.read(descriptor, 20))
