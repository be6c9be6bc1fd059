"""What software can tell of a photo (GA 461): it decodes, has the right size, is not blank.

Whether it shows the right person, properly dressed before a white wall, is a person's judgement.
"""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageStat

from jobs.reasons import PHOTO_CONTENT, PHOTO_FORMAT, PHOTO_MISSING, Reason

_FIELD = "sdxp"


@dataclass(frozen=True, slots=True)
class PhotoRules:
    """The photo that the card's layout and the standard expect."""

    width_px: int = 358
    height_px: int = 441
    density_dpi: int = 350
    bytes_min: int = 4_000  # 14 to 20 KB is usual; far less holds no face
    bytes_max: int = 80_000
    deviation_min: float = 8.0  # of 256 grey levels; a blank sheet has less


def check_photo(text: str, rules: PhotoRules) -> Iterator[Reason]:
    """Yield what is wrong with a photo, base64 of a JPEG."""
    if not text:
        yield Reason(PHOTO_MISSING, _FIELD, "photo is missing", "缺少照片")
        return
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        yield Reason(PHOTO_FORMAT, _FIELD, "photo is not base64", "照片编码错误")
        return
    if not rules.bytes_min <= len(data) <= rules.bytes_max:
        yield Reason(
            PHOTO_FORMAT,
            _FIELD,
            f"photo has {len(data)} bytes, not {rules.bytes_min} to {rules.bytes_max}",
            "照片文件大小不符",
        )
    if len(data) <= rules.bytes_max:
        yield from _check_image(data, rules)


def _check_image(data: bytes, rules: PhotoRules) -> Iterator[Reason]:
    try:
        with Image.open(BytesIO(data), formats=("JPEG",)) as image:
            yield from _check_opened(image, rules)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        yield Reason(PHOTO_FORMAT, _FIELD, "photo does not decode as JPEG", "照片无法解码")
    except Image.DecompressionBombWarning:
        # Raised instead of shown where warnings are errors; nothing has been decoded by then.
        yield Reason(PHOTO_FORMAT, _FIELD, "photo is far too large", "照片尺寸过大")


def _check_opened(image: Image.Image, rules: PhotoRules) -> Iterator[Reason]:
    if image.size != (rules.width_px, rules.height_px):
        # Not decoded: a wrong size may be a vast one.
        yield Reason(
            PHOTO_FORMAT,
            _FIELD,
            f"photo is {image.width} x {image.height}, not {rules.width_px} x {rules.height_px}",
            "照片尺寸不符",
        )
        return
    if image.mode != "RGB":
        yield Reason(PHOTO_FORMAT, _FIELD, f"photo is {image.mode}, not RGB", "照片不是24位彩色")
    density = image.info.get("dpi")
    if density and round(density[0]) != rules.density_dpi:
        yield Reason(
            PHOTO_FORMAT, _FIELD, "photo has another density", "照片分辨率不符", warning=True
        )
    image.load()
    if ImageStat.Stat(image.convert("L").reduce(4)).stddev[0] < rules.deviation_min:
        yield Reason(PHOTO_CONTENT, _FIELD, "photo is blank", "照片为空白")
