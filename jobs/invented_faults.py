"""The faults that an invented record may have on purpose, so that checks have something to find.

Each breaks one thing of a sound record; what the checks make of it is theirs to say.
"""

from base64 import b64decode, b64encode
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import assert_never

from jobs.citizen_number import check_digit, real_date, to_eighteen
from jobs.portrait import empty_portrait, resized


class FaultKind(StrEnum):
    """What is wrong with a record."""

    CHECK_DIGIT = "check_digit"
    FIFTEEN_DIGITS = "fifteen_digits"  # sound on a first-generation card
    SEX = "sex"
    BIRTH_DATE = "birth_date"
    NAME_TOO_LONG = "name_too_long"
    NAME_NOT_ENCODABLE = "name_not_encodable"  # only unprintable on a first-generation card
    NAME_WITHOUT_GLYPH = "name_without_glyph"
    NATION = "nation"
    ADDRESS_TOO_LONG = "address_too_long"
    VALIDITY = "validity"
    PHOTO_MISSING = "photo_missing"
    PHOTO_CUT_OFF = "photo_cut_off"
    PHOTO_WRONG_SIZE = "photo_wrong_size"
    PHOTO_BLANK = "photo_blank"


def spoil(fields: dict[str, str], kind: FaultKind, random: Random) -> None:
    """Give a sound record one fault."""
    match kind:
        case FaultKind.CHECK_DIGIT | FaultKind.FIFTEEN_DIGITS | FaultKind.BIRTH_DATE:
            fields["gmsfhm"] = _spoilt_number(fields, kind)
        case FaultKind.SEX:
            fields["xbdm"] = "2" if fields["xbdm"] == "1" else "1"
        case FaultKind.NAME_TOO_LONG:
            fields["xm"] = "测试" * 8
        case FaultKind.NAME_NOT_ENCODABLE:
            fields["xm"] += "\ue000"  # a private character, as first-generation offices drew them
        case FaultKind.NAME_WITHOUT_GLYPH:
            fields["xm"] += "\ua015"  # a Yi syllable
        case FaultKind.NATION:
            fields["mzdm"] = "57"
        case FaultKind.ADDRESS_TOO_LONG:
            fields["dzmc"] += "虚构小区" * 9
        case FaultKind.VALIDITY:
            start = real_date(fields["yxqqsrq"])
            assert start
            fields["yxqjzrq"] = f"{start + timedelta(days=400):%Y%m%d}"
        case (
            FaultKind.PHOTO_MISSING
            | FaultKind.PHOTO_CUT_OFF
            | FaultKind.PHOTO_WRONG_SIZE
            | FaultKind.PHOTO_BLANK
        ):
            photo = _spoilt_photo(b64decode(fields["sdxp"]), kind, random)
            fields["sdxp"] = b64encode(photo).decode()
        case _:
            assert_never(kind)


def _spoilt_number(fields: dict[str, str], kind: FaultKind) -> str:
    number = fields["gmsfhm"]
    if kind is FaultKind.FIFTEEN_DIGITS:
        return number[:6] + number[8:17] if len(number) == 18 else number
    if kind is FaultKind.CHECK_DIGIT:
        sound = number if len(number) == 18 else to_eighteen(number)
        return sound[:-1] + ("1" if sound[-1] != "1" else "2")
    birth_date = real_date(fields["csrq"])
    assert birth_date
    other = birth_date + timedelta(days=1)
    first_17 = f"{number[:6]}{other:%Y%m%d}{number[-4:-1] if len(number) == 18 else number[-3:]}"
    return first_17 + check_digit(first_17)


def _spoilt_photo(photo: bytes, kind: FaultKind, random: Random) -> bytes:
    match kind:
        case FaultKind.PHOTO_CUT_OFF:
            return photo[: len(photo) // 2]
        case FaultKind.PHOTO_WRONG_SIZE:
            return resized(photo, 300, 400)
        case FaultKind.PHOTO_BLANK:
            return empty_portrait(random)
        case _:
            return b""
