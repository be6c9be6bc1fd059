"""Draws both faces of a card from printable strings and the portrait.

`front` is the personal side (name to citizen number, portrait), `back` the issuer's side (title,
issuer, validity); the national standard numbers the faces the other way round. This module does not
check applications, and it does not make panels for a printer.
"""

import io
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from PIL import Image

from config.products import (
    Caption,
    DataField,
    FaceLayout,
    FieldValue,
    Layout,
    PhotoBox,
    PrintProfile,
)
from controller.rendering.fonts import NoGlyph, PrintFont, Typeface
from jobs.application import Application
from jobs.nations import nation_name

FACE_WIDTH_DOTS = 1012
FACE_HEIGHT_DOTS = 638
DOTS_PER_MM = 300 / 25.4
DOTS_PER_POINT = 300 / 72

#: Type smaller than this cannot be read on a card.
SMALLEST_TYPE_PX = 18

#: In colour, pure black is printed by the black ribbon; a portrait's shadows must not be.
DARKEST_OF_PHOTO = 12

BLACK = 0
WHITE_DOT = 1

#: GB/T 2261.1.
_SEXES = {"0": "未知", "1": "男", "2": "女", "9": "未说明"}

_Ink = int | tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class FaceData:
    """What is printed for one person, as the words that stand on the card."""

    name: str = field(repr=False)
    sex: str = field(repr=False)
    nation: str = field(repr=False)
    birth_year: str = field(repr=False)
    birth_month: str = field(repr=False)
    birth_day: str = field(repr=False)
    address: str = field(repr=False)
    citizen_number: str = field(repr=False)
    issuer: str = field(repr=False)
    validity: str = field(repr=False)
    photo: bytes = field(repr=False)  # JPEG


@dataclass(frozen=True, slots=True)
class Faces:
    """Both faces, 1,012 x 638 dots; mode "1" in outline, "RGB" in colour with text pure black."""

    front: Image.Image
    back: Image.Image


class CannotRender(Exception):
    """A value cannot be printed as it is; names the field, never its content."""

    code = "rendering.cannot_render"

    def __init__(self, value: str, reason: str) -> None:
        self.value = value
        self.reason = reason
        super().__init__(f"{value}: {reason}")


def face_data(application: Application) -> FaceData:
    """Return an application in the words of the card; raises `CannotRender` for unknown codes."""
    sex, nation = _SEXES.get(application.sex_code), nation_name(application.nation_code)
    if sex is None:
        raise CannotRender("sex", "the code is not known")
    if nation is None:
        raise CannotRender("nation", "the code is not known")
    return FaceData(
        name=application.name,
        sex=sex,
        nation=nation,
        birth_year=str(application.birth_date.year),
        birth_month=str(application.birth_date.month),
        birth_day=str(application.birth_date.day),
        address=application.address,
        citizen_number=application.citizen_number,
        issuer=application.issuer,
        validity=printed_validity(application.valid_from, application.valid_until),
        photo=application.photo,
    )


def printed_validity(start: date, end: date | None) -> str:
    """Return `2005.09.01-2015.09.01` or, without an end, `2005.09.01-长期`."""
    until = "长期" if end is None else f"{end:%Y.%m.%d}"
    return f"{start:%Y.%m.%d}-{until}"


class FaceRenderer:
    """Draws the faces of one layout in one print profile; what never changes is drawn once."""

    def __init__(
        self, layout: Layout, font: PrintFont, profile: PrintProfile = PrintProfile.OUTLINE
    ) -> None:
        self._layout = layout
        self._font = font
        self._colour = profile is PrintProfile.COLOUR

    @cached_property
    def _empty_front(self) -> Image.Image:
        return self._captions(self._layout.front)

    @cached_property
    def _empty_back(self) -> Image.Image:
        return self._captions(self._layout.back)

    def render(self, data: FaceData) -> Faces:
        """Draw both faces; raises `CannotRender`."""
        return Faces(
            self._face(self._empty_front, self._layout.front, data),
            self._face(self._empty_back, self._layout.back, data),
        )

    def _captions(self, layout: FaceLayout) -> Image.Image:
        mode, paper = ("RGB", (255, 255, 255)) if self._colour else ("1", WHITE_DOT)
        face = Image.new(mode, (FACE_WIDTH_DOTS, FACE_HEIGHT_DOTS), paper)
        for caption in layout.captions:
            self._line(face, caption.text, _Place.of(caption), self._ink(caption=True))
        return face

    def _face(self, empty: Image.Image, layout: FaceLayout, data: FaceData) -> Image.Image:
        face = empty.copy()
        if layout.photo is not None:
            portrait = _portrait(data.photo, layout.photo, colour=self._colour)
            face.paste(portrait, (_dots(layout.photo.x_mm), _dots(layout.photo.y_mm)))
        words = _words(data)
        for placed in layout.fields:
            self._value(face, placed, words[placed.value])
        return face

    def _value(self, face: Image.Image, placed: DataField, text: str) -> None:
        lines = wrapped(text, placed.wrap_characters)
        if len(lines) > placed.lines:
            raise CannotRender(placed.value, f"does not fit into {placed.lines} lines")
        try:
            place = self._fitted(_Place.of(placed), lines, placed)
            for number, line in enumerate(lines):
                pitch = _dots(number * placed.line_pitch_mm)
                self._line(face, line, place.lowered(pitch), self._ink(caption=False))
        except NoGlyph as error:
            raise CannotRender(placed.value, str(error)) from error

    def _fitted(self, place: "_Place", lines: list[str], placed: DataField) -> "_Place":
        """Set the type smaller where the longest line is wider than its room."""
        room_px = placed.width_mm * DOTS_PER_MM
        widest_px = max(
            (self._font.width_px(place.face, line, place.tracking_px) for line in lines), default=0
        )
        if widest_px <= room_px:
            return place
        scale = room_px / widest_px
        size_px = int(place.face.size_px * scale)
        if size_px < SMALLEST_TYPE_PX:
            raise CannotRender(placed.value, "is too wide for its place")
        smaller = Typeface(size_px, place.face.weight)
        return _Place(place.x, place.baseline, smaller, place.tracking_px * scale)

    def _line(self, face: Image.Image, text: str, place: "_Place", ink: _Ink) -> None:
        pen = float(place.x)
        for character in text:
            glyph = self._font.glyph(place.face, character)
            if glyph.mask is not None:
                corner = (round(pen) + glyph.left, place.baseline + glyph.top)
                face.paste(ink, corner, glyph.mask)
            pen += glyph.advance_px + place.tracking_px

    def _ink(self, *, caption: bool) -> _Ink:
        if not self._colour:
            return BLACK
        if not caption:
            return (0, 0, 0)
        red, green, blue = bytes.fromhex(self._layout.caption_colour.removeprefix("#"))
        return (red, green, blue)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a line of type begins, in dots."""

    x: int
    baseline: int
    face: Typeface
    tracking_px: float

    @classmethod
    def of(cls, placed: Caption | DataField) -> "_Place":
        face = Typeface(round(placed.size_pt * DOTS_PER_POINT), placed.weight)
        tracking_px = placed.tracking_mm * DOTS_PER_MM
        return cls(_dots(placed.x_mm), _dots(placed.baseline_mm), face, tracking_px)

    def lowered(self, dots: int) -> "_Place":
        return _Place(self.x, self.baseline + dots, self.face, self.tracking_px)


def wrapped(text: str, characters: int) -> list[str]:
    """Break a text after every so many characters; Chinese addresses have no word spaces."""
    return [text[at : at + characters] for at in range(0, len(text), characters)]


def _portrait(jpeg: bytes, box: PhotoBox, *, colour: bool) -> Image.Image:
    """Decode, size and brighten the portrait; black on white dots unless in colour."""
    size = (_dots(box.width_mm), _dots(box.height_mm))
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as photo:
            if not colour:
                photo.draft("L", photo.size)  # decodes brightness alone, in less time
            sized = photo.convert("RGB" if colour else "L").resize(size, Image.Resampling.BICUBIC)
    except (OSError, Image.DecompressionBombError) as error:
        raise CannotRender("photo", "is no picture that can be decoded") from error
    darkest = DARKEST_OF_PHOTO if colour else 0
    curve = [max(darkest, min(255, round(level * box.brightness))) for level in range(256)]
    bright = sized.point(curve * len(sized.getbands()))
    return bright if colour else bright.convert("1", dither=Image.Dither.FLOYDSTEINBERG)


def _words(data: FaceData) -> dict[FieldValue, str]:
    return {
        FieldValue.NAME: data.name,
        FieldValue.SEX: data.sex,
        FieldValue.NATION: data.nation,
        FieldValue.BIRTH_YEAR: data.birth_year,
        FieldValue.BIRTH_MONTH: data.birth_month,
        FieldValue.BIRTH_DAY: data.birth_day,
        FieldValue.ADDRESS: data.address,
        FieldValue.CITIZEN_NUMBER: data.citizen_number,
        FieldValue.ISSUER: data.issuer,
        FieldValue.VALIDITY: data.validity,
    }


def _dots(millimetres: float) -> int:
    return round(millimetres * DOTS_PER_MM)
