"""Drawn portraits for invented people: a face-like cartoon with the measures of GA 461.

Nobody's likeness. 358 x 441 pixels at 350 dpi, JPEG quality 70, about as big as a real photo;
the same seed draws the same bytes.
"""

from io import BytesIO
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

WIDTH_PX, HEIGHT_PX, DENSITY_DPI = 358, 441, 350
QUALITY = 70
#: Crown 7 to 21 px from the top edge, eyes at least 207 px from the bottom, face 207 px wide.
_CROWN_PX, _EYES_PX, _CHIN_PX, _FACE_PX = 14, 196, 350, 207
_MIDDLE_PX = WIDTH_PX // 2
_SKINS = ("#f2cfae", "#e8bd96", "#dcae86", "#f6d9bd")
_HAIRS = ("#1c1a1a", "#2b2320", "#3a3431", "#8b8885")
_CLOTHES = ("#2f4a6d", "#6d2f3c", "#3e5f45", "#4c4460", "#7a5a2e", "#30343a")


def portrait(random: Random) -> bytes:
    """Draw one portrait."""
    image = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), "#fbfbfb")
    draw = ImageDraw.Draw(image)
    skin, hair = random.choice(_SKINS), random.choice(_HAIRS)
    long_hair = random.random() < 0.5
    _draw_body(draw, skin, hair, random.choice(_CLOTHES), long_hair=long_hair)
    _draw_head(draw, skin, hair, random)
    _draw_features(draw, hair, random)
    return _encoded(_textured(image.filter(ImageFilter.SMOOTH), random))


def portraits(random: Random, count: int) -> list[bytes]:
    """Draw a pool of different portraits, for packages of more people than that."""
    return [portrait(random) for _ in range(count)]


def empty_portrait(random: Random) -> bytes:
    """Return a photo of the right size with nobody in it."""
    return _encoded(_textured(Image.new("RGB", (WIDTH_PX, HEIGHT_PX), "#fbfbfb"), random))


def resized(photo: bytes, width_px: int, height_px: int) -> bytes:
    """Return a photo in another size."""
    with Image.open(BytesIO(photo)) as image:
        return _encoded(image.resize((width_px, height_px)))


def _around(x: int, y: int, half_width: int, half_height: int) -> tuple[int, int, int, int]:
    return (x - half_width, y - half_height, x + half_width, y + half_height)


def _draw_body(
    draw: ImageDraw.ImageDraw, skin: str, hair: str, clothes: str, *, long_hair: bool
) -> None:
    if long_hair:
        draw.rounded_rectangle((62, 110, WIDTH_PX - 62, 400), 70, fill=hair)
    draw.ellipse(_around(_MIDDLE_PX, 470, 172, 104), fill=clothes)
    draw.rectangle((_MIDDLE_PX - 42, 300, _MIDDLE_PX + 42, 388), fill=skin)
    draw.polygon([(_MIDDLE_PX - 52, 372), (_MIDDLE_PX, 432), (_MIDDLE_PX + 52, 372)], fill=skin)


def _draw_head(draw: ImageDraw.ImageDraw, skin: str, hair: str, random: Random) -> None:
    half = _FACE_PX // 2
    fringe = random.randint(95, 130)
    draw.ellipse((_MIDDLE_PX - half - 4, _CROWN_PX, _MIDDLE_PX + half + 4, 270), fill=hair)
    for side in (-1, 1):
        draw.ellipse(_around(_MIDDLE_PX + side * half, 205, 14, 28), fill=skin)
    draw.ellipse((_MIDDLE_PX - half, 50, _MIDDLE_PX + half, _CHIN_PX), fill=skin)
    draw.chord(
        (_MIDDLE_PX - half - 2, _CROWN_PX + 6, _MIDDLE_PX + half + 2, 2 * fringe - 20),
        180 + random.randint(-12, 4),
        360 + random.randint(-4, 12),
        fill=hair,
    )


def _draw_features(draw: ImageDraw.ImageDraw, hair: str, random: Random) -> None:
    spread, glasses = random.randint(42, 50), random.random() < 0.25
    for side in (-1, 1):
        eye = _MIDDLE_PX + side * spread
        draw.ellipse(_around(eye, _EYES_PX, 19, random.randint(8, 11)), fill="#fdfdfd")
        draw.ellipse(_around(eye, _EYES_PX, 8, 8), fill="#201810")
        draw.arc(_around(eye, _EYES_PX - 12, 25, 14), 200, 340, fill=hair, width=6)
        if glasses:
            draw.ellipse(_around(eye, _EYES_PX, 36, 27), outline="#202428", width=4)
    if glasses:
        draw.line((_MIDDLE_PX - 8, _EYES_PX, _MIDDLE_PX + 8, _EYES_PX), fill="#202428", width=4)
    nose = random.randint(244, 256)
    draw.arc(_around(_MIDDLE_PX, nose, random.randint(14, 22), 12), 10, 170, "#a8795a", width=4)
    mouth = random.randint(288, 298)
    draw.chord(_around(_MIDDLE_PX, mouth, random.randint(28, 40), 10), 0, 180, fill="#b0564f")


def _textured(image: Image.Image, random: Random) -> Image.Image:
    """Add grain like that of a camera, without which a drawing is a third of a photo's size."""
    size = (WIDTH_PX // 2, HEIGHT_PX // 2 + 1)
    grain = Image.frombytes("L", size, random.randbytes(size[0] * size[1]))
    grain = grain.point([level // 18 for level in range(256)]).resize(image.size)
    return ImageChops.subtract(image, Image.merge("RGB", (grain,) * 3))


def _encoded(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY, dpi=(DENSITY_DPI, DENSITY_DPI))
    return file.getvalue()
