"""Products as data: the route of a card, its print layout, chip profile and lamination.

A product is a TOML file that names its layout: one in `layouts/` beside it, else a shipped one.
This module does not say which product an application asks for, and does not draw anything.
"""

import re
from collections import Counter
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from config.loading import ConfigError, Problem, checked, read_toml

#: The size of a card, GA 448; nothing of a layout may lie outside.
CARD_WIDTH_MM = 85.6
CARD_HEIGHT_MM = 54.0

#: The laminator takes dwell and pressure in registers of 16 bits.
REGISTER_MAX = 65_535

AcrossMm = Annotated[float, Field(ge=0, le=CARD_WIDTH_MM)]
DownMm = Annotated[float, Field(ge=0, le=CARD_HEIGHT_MM)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
NAME = "[a-z][a-z0-9-]{0,39}"
Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Operation(StrEnum):
    """One step of a route."""

    PRINT = "print"
    LAMINATE = "laminate"
    ENCODE = "encode"
    READ_BACK = "read_back"
    INSPECT = "inspect"


class PrintProfile(StrEnum):
    """How faces become ink."""

    OUTLINE = "outline-300"  # black only: text and a dithered portrait
    COLOUR = "colour-300"  # yellow, magenta, cyan, black and overlay


class ChipProfile(StrEnum):
    """Which files a chip has and how they are written."""

    RID2 = "rid2"
    RID2_PLAIN = "rid2-plain"  # without secure messaging; never in production


class FieldValue(StrEnum):
    """What of a person's data a layout places."""

    NAME = "name"
    SEX = "sex"
    NATION = "nation"
    BIRTH_YEAR = "birth_year"
    BIRTH_MONTH = "birth_month"
    BIRTH_DAY = "birth_day"
    ADDRESS = "address"
    CITIZEN_NUMBER = "citizen_number"
    ISSUER = "issuer"
    VALIDITY = "validity"


class Caption(_Part):
    """Words that are the same on every card."""

    text: str = Field(min_length=1, max_length=40)
    x_mm: AcrossMm
    baseline_mm: DownMm
    size_pt: float = Field(gt=3, le=30)
    weight: int = Field(default=500, ge=100, le=900)
    tracking_mm: float = Field(default=0, ge=0, le=5)


class DataField(_Part):
    """Where one value goes; a value too wide is set in smaller type, never cut."""

    value: FieldValue
    x_mm: AcrossMm
    baseline_mm: DownMm
    width_mm: float = Field(gt=0, le=CARD_WIDTH_MM)
    size_pt: float = Field(gt=3, le=30)
    weight: int = Field(default=500, ge=100, le=900)
    tracking_mm: float = Field(default=0, ge=0, le=5)
    wrap_characters: int = Field(default=40, ge=1, le=40)
    lines: int = Field(default=1, ge=1, le=6)
    line_pitch_mm: float = Field(default=0, ge=0, le=10)

    @model_validator(mode="after")
    def _stays_on_the_card(self) -> Self:
        if self.x_mm + self.width_mm > CARD_WIDTH_MM:
            raise ValueError(f"{self.value} reaches over the right edge of the card")
        if self.baseline_mm + (self.lines - 1) * self.line_pitch_mm > CARD_HEIGHT_MM:
            raise ValueError(f"{self.value} reaches over the bottom edge of the card")
        if self.lines > 1 and self.line_pitch_mm == 0:
            raise ValueError(f"{self.value} has several lines and no line_pitch_mm")
        return self


class PhotoBox(_Part):
    """Where the portrait goes; `brightness` makes up for the darkening by lamination."""

    x_mm: AcrossMm
    y_mm: DownMm
    width_mm: float = Field(gt=5, le=CARD_WIDTH_MM)
    height_mm: float = Field(gt=5, le=CARD_HEIGHT_MM)
    brightness: float = Field(default=1.0, ge=0.5, le=2.0)

    @model_validator(mode="after")
    def _stays_on_the_card(self) -> Self:
        if self.x_mm + self.width_mm > CARD_WIDTH_MM or self.y_mm + self.height_mm > CARD_HEIGHT_MM:
            raise ValueError("the photo reaches over the edge of the card")
        return self


class FaceLayout(_Part):
    """One face of a card."""

    captions: tuple[Caption, ...] = ()
    fields: tuple[DataField, ...] = ()
    photo: PhotoBox | None = None


class Layout(_Part):
    """Both faces. `front` is the personal side with the portrait, `back` the issuer's side.

    (The national standard numbers them the other way: its front bears the emblem.)
    """

    name: Name
    caption_colour: Colour
    front: FaceLayout
    back: FaceLayout

    @model_validator(mode="after")
    def _places_everything_once(self) -> Self:
        placed = Counter(field.value for field in (*self.front.fields, *self.back.fields))
        wrong = [value.value for value in FieldValue if placed[value] != 1]
        if wrong:
            raise ValueError(f"each value must be placed exactly once, but not so: {wrong}")
        if (self.front.photo is None) == (self.back.photo is None):
            raise ValueError("exactly one face must have the photo")
        return self


class Lamination(_Part):
    """What the laminator is told."""

    dwell_ms: int = Field(ge=1, le=REGISTER_MAX)
    pressure_kpa: int = Field(ge=1, le=REGISTER_MAX)
    set_point_c: float = Field(ge=40, le=250)


class ExternalPhotoEncoder(_Part):
    """A command that makes the chip photo: JPEG on its input, 1,024 bytes on its output."""

    command: tuple[str, ...] = Field(min_length=1, max_length=20)
    timeout_s: float = Field(default=5, gt=0, le=60)


class Product(_Part):
    """One kind of card."""

    code: Literal["1", "2"]  # zjlbdm of the record: first or second generation
    name: Name
    title: str = Field(min_length=1, max_length=40)
    route: tuple[Operation, ...] = Field(min_length=1)
    print_profile: PrintProfile
    layout: Layout
    lamination: Lamination | None = None
    chip_profile: ChipProfile | None = None
    photo_encoder: ExternalPhotoEncoder | None = None

    @property
    def generation(self) -> int:
        """1 or 2."""
        return int(self.code)

    @model_validator(mode="after")
    def _route_makes_sense(self) -> Self:
        problems = _route_problems(self)
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _route_problems(product: Product) -> list[str]:
    route = product.route
    problems = [f"{step} comes twice" for step, count in Counter(route).items() if count > 1]
    if route[0] is not Operation.PRINT:
        problems.append("a route begins with print")
    if route[-1] not in {Operation.READ_BACK, Operation.INSPECT}:
        problems.append("a route ends with read_back or inspect: no card leaves unseen")
    if (Operation.LAMINATE in route) != (product.lamination is not None):
        problems.append("laminate and [lamination] go together")
    if (Operation.ENCODE in route) != (product.chip_profile is not None):
        problems.append("encode and chip_profile go together")
    if Operation.READ_BACK in route and Operation.ENCODE not in route[: route.index("read_back")]:
        problems.append("read_back comes after encode")
    if product.photo_encoder is not None and product.chip_profile is None:
        problems.append("photo_encoder needs a chip_profile")
    return problems


def load_product(path: Path) -> Product:
    """Read a product file and its layout; raises `ConfigError` with every mistake of both."""
    raw = read_toml(path)
    if isinstance(raw.get("layout"), str):
        raw["layout"] = _layout_named(raw["layout"], path)
    return checked(path, raw, Product)


def _layout_named(name: str, product: Path) -> dict[str, Any]:
    if re.fullmatch(NAME, name):
        for folder in (product.parent / "layouts", _shipped() / "layouts"):
            layout = folder / f"{name}.toml"
            if layout.is_file():
                return read_toml(layout)
    raise ConfigError(product, (Problem("layout", f"there is no layout {name}.toml"),))


@lru_cache(maxsize=16)
def shipped_product(name: str) -> Product:
    """Return a product that comes with the software; raises `KeyError` if there is none.

    What is shipped does not change while we run, and intake asks once for every application.
    """
    if name not in shipped_product_names():
        raise KeyError(name)
    return load_product(_shipped() / f"{name}.toml")


def shipped_product_names() -> tuple[str, ...]:
    """Return the names of the products that come with the software."""
    return tuple(sorted(path.stem for path in _shipped().glob("*.toml")))


def _shipped() -> Path:
    return Path(__file__).with_name("products")
