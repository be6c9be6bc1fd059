"""Photos that are none, are the wrong ones or would be dear to decode."""

from base64 import b64encode
from io import BytesIO
from random import Random

import pytest
from PIL import Image

from jobs.photo_checks import PhotoRules, check_photo
from jobs.portrait import empty_portrait, portrait, resized

PHOTO = portrait(Random(5))


def told(photo: bytes) -> list[str]:
    found = check_photo(b64encode(photo).decode(), PhotoRules())
    return [one.code + (" warning" if one.warning else "") for one in found]


def test_a_drawn_portrait_is_a_photo() -> None:
    assert told(PHOTO) == []
    assert 14_000 <= len(PHOTO) <= 20_000
    assert portrait(Random(5)) == PHOTO != portrait(Random(6))


def jpeg(image: Image.Image, dpi: int = 350, quality: int = 70) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", dpi=(dpi, dpi), quality=quality)
    return file.getvalue()


def decoded() -> Image.Image:
    return Image.open(BytesIO(PHOTO))


def png() -> bytes:
    file = BytesIO()
    decoded().resize((358, 441)).quantize(64).save(file, "PNG")
    return file.getvalue()


def vast() -> bytes:
    """Return a photo whose header claims 60,000 x 60,000 pixels."""
    place = PHOTO.index(b"\xff\xc0") + 5
    return PHOTO[:place] + (60_000).to_bytes(2) * 2 + PHOTO[place + 4 :]


def large() -> bytes:
    """Return a photo whose header claims 10,000 x 10,000 pixels, which Pillow warns of."""
    place = PHOTO.index(b"\xff\xc0") + 5
    return PHOTO[:place] + (10_000).to_bytes(2) * 2 + PHOTO[place + 4 :]


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        (PHOTO[: len(PHOTO) // 2], ["32"]),
        (PHOTO[:100], ["32", "32"]),
        (b"\xff\xd8" + b"x" * 10_000, ["32"]),
        (png(), ["32"]),
        (jpeg(decoded().convert("L")), ["32"]),
        (jpeg(decoded().convert("CMYK")), ["32"]),
        (resized(PHOTO, 441, 358), ["32"]),
        (jpeg(decoded(), dpi=300), ["32 warning"]),
        (jpeg(decoded(), quality=100) * 2, ["32"]),
        (empty_portrait(Random(1)), ["33"]),
        (vast(), ["32"]),
        (large(), ["32"]),
    ],
)
def test_each_fault_of_a_photo_gives_its_reason(photo: bytes, expected: list[str]) -> None:
    assert told(photo) == expected


def test_any_bytes_for_a_photo_are_judged() -> None:
    random = Random(9)
    for _ in range(300):
        photo = bytearray(PHOTO)
        for _ in range(random.randint(1, 30)):
            photo[random.randrange(700)] = random.randrange(256)
        assert set(told(bytes(photo))) <= {"32", "32 warning", "33"}
