"""Judge one application as it was sent: every reason against it at once. Pure.

It compares a record with itself, the calendar, the chip and the print font. What it takes a memory
to know (the same number or acceptance number before) is the intake's business, and so is what
becomes of the record.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from jobs.age import OF_AGE_YEARS, age_on, valid_until, years_for
from jobs.application import (
    EXPRESS,
    FIRST_GENERATION,
    LONG_TERM,
    ORDINARY,
    SECOND_GENERATION,
    Application,
    application_of,
    moment,
)
from jobs.chip_text import LAYOUT
from jobs.citizen_number import NumberFault, faults, parse, real_date
from jobs.fees import check_fee
from jobs.nations import NATIONS
from jobs.photo_checks import PhotoRules, check_photo
from jobs.reasons import (
    ADDRESS,
    BIRTH_DATE,
    ISSUER,
    NAME,
    NATION,
    NO_GLYPH,
    NOT_ENCODABLE,
    NUMBER,
    NUMBER_DISAGREES,
    OTHER,
    SEX,
    VALIDITY,
    Reason,
)
from jobs.regions import INVENTED, JILIN, province_known

_WIDTHS = dict(LAYOUT)
_SPACES = frozenset(" \u3000")
_POINTS_SHOWN = 5
_FIRST_CARDS = date(1984, 1, 1)  # the first cards were issued that year
_START_AHEAD = timedelta(days=366)
_FIRST_GENERATION_YEARS = (10, 20, None)
_NUMBER_TEXTS = {
    NumberFault.FORM: ("is not 18 characters of a citizen number", "公民身份号码格式错误"),
    NumberFault.CHECK_DIGIT: ("has a wrong check digit", "公民身份号码校验位错误"),
    NumberFault.DATE: ("holds a day that does not exist", "公民身份号码中日期不存在"),
}
#: 1x first issue is published; 2x renewal and 3x replacement are hearsay, so taken whole.
_REASON_CODES = frozenset(str(code) for code in (*range(11, 16), *range(20, 40)))


@dataclass(frozen=True, slots=True)
class CheckRules:
    """What a record is held against."""

    intake_date: date
    package_date: date
    has_glyph: Callable[[str], bool]  # of one character, in the print font
    first_generation_cut_off: date | None = None
    county_codes: frozenset[str] = frozenset((*JILIN, *INVENTED))
    reason_codes: frozenset[str] = _REASON_CODES
    delivery_codes: frozenset[str] = frozenset(("10", "40"))
    photo: PhotoRules = field(default_factory=PhotoRules)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The application, unless a reason refuses it, and every reason."""

    application: Application | None
    reasons: tuple[Reason, ...]

    @property
    def held(self) -> bool:
        """Tell whether the application is sound but cannot be made yet."""
        return self.application is not None and any(reason.hold for reason in self.reasons)


def judge(fields: Mapping[str, str], rules: CheckRules) -> Judgement:
    """Check a record's fields and type them when nothing refuses."""
    reasons = check(fields, rules)
    refused = any(reason.refuses for reason in reasons)
    return Judgement(None if refused else application_of(fields), reasons)


def check(fields: Mapping[str, str], rules: CheckRules) -> tuple[Reason, ...]:
    """Return every reason against a record's fields (identifier to text), in reading order."""
    texts = defaultdict(str, fields)
    first = texts["zjlbdm"] == FIRST_GENERATION
    return (
        *_check_administration(texts, rules),
        *_check_number(texts, first=first),
        *_check_text(("xm", NAME, "姓名"), texts["xm"], rules, first=first),
        *_check_person(texts, rules),
        *_check_text(("dzmc", ADDRESS, "住址"), texts["dzmc"], rules, first=first),
        *_check_text(("qfjgmc", ISSUER, "签发机关"), texts["qfjgmc"], rules, first=first),
        *_check_validity(texts, rules, first=first),
        *check_photo(texts["sdxp"], rules.photo),
        *check_fee(texts),
    )


def _check_administration(texts: Mapping[str, str], rules: CheckRules) -> Iterator[Reason]:
    """Yield reasons that lie in the sender's handling and not in the person."""
    product = texts["zjlbdm"]
    if product not in {FIRST_GENERATION, SECOND_GENERATION}:
        yield Reason(OTHER, "zjlbdm", "product is neither 1 nor 2", "证件类别代码无效")
    cut_off = rules.first_generation_cut_off
    latest = max(rules.package_date, rules.intake_date)
    if product == FIRST_GENERATION and cut_off and latest >= cut_off:
        yield Reason(OTHER, "zjlbdm", f"first generation ended on {cut_off}", "已停止制发一代证")
    number = texts["slh"]
    if not re.fullmatch("[0-9]{22}", number) or real_date(number[9:17]) is None:
        yield Reason(OTHER, "slh", "acceptance number is malformed", "受理号格式错误")
    county = texts["ssxqdm"]
    if not re.fullmatch("[0-9]{6}", county):
        yield Reason(OTHER, "ssxqdm", "region code is not 6 digits", "省市县区代码格式错误")
    elif county not in rules.county_codes:
        yield _warning("ssxqdm", "region code is not known", "省市县区代码未知")
    if texts["cxcsbs"] not in {"0", "1"}:
        yield Reason(OTHER, "cxcsbs", "resend flag is neither 0 nor 1", "重新传输标识无效")
    yield from _check_acceptance_time(texts["slsj"], rules)
    if texts["zzlxdm"] not in {ORDINARY, EXPRESS}:
        yield _warning("zzlxdm", "production type is not known, taken as ordinary", "制证类型未知")
    if texts["slyydm"] not in rules.reason_codes:
        yield _warning("slyydm", "reason of application is not known", "申领原因未知")
    if texts["lzfsdm"] not in rules.delivery_codes:
        yield _warning("lzfsdm", "way of delivery is not known", "领证方式未知")


def _check_acceptance_time(text: str, rules: CheckRules) -> Iterator[Reason]:
    try:
        accepted_at = moment(text)
    except ValueError:
        yield Reason(OTHER, "slsj", "acceptance time is not a moment", "受理时间格式错误")
        return
    if accepted_at.date() > rules.intake_date:
        yield _warning("slsj", "acceptance time lies in the future", "受理时间晚于接收日期")


def _check_number(texts: Mapping[str, str], *, first: bool) -> Iterator[Reason]:
    """Yield what is wrong with the citizen number, by itself and beside birth date and sex."""
    text = texts["gmsfhm"]
    if len(text) == 15 and not first:
        found: tuple[NumberFault, ...] = (NumberFault.FORM,)
    else:
        found = faults(text)
    for fault in found:
        yield Reason(NUMBER, "gmsfhm", f"number {_NUMBER_TEXTS[fault][0]}", _NUMBER_TEXTS[fault][1])
    if found:
        return
    number = parse(text)
    # Fifteen digits leave the century open, so only what they say is compared.
    said = f"{number.birth_date:%Y%m%d}"[-6 if len(text) == 15 else -8 :]
    if real_date(texts["csrq"]) and not texts["csrq"].endswith(said):
        yield Reason(
            NUMBER_DISAGREES,
            "gmsfhm",
            "number and birth date disagree",
            "公民身份号码与出生日期不符",
        )
    if texts["xbdm"] in {"1", "2"} and (texts["xbdm"] == "1") != number.male:
        yield Reason(
            NUMBER_DISAGREES, "gmsfhm", "number and sex disagree", "公民身份号码与性别不符"
        )
    if not province_known(text):
        yield _warning("gmsfhm", "region of the number is not known", "公民身份号码地区未知")


def _check_person(texts: Mapping[str, str], rules: CheckRules) -> Iterator[Reason]:
    if texts["xbdm"] not in {"0", "1", "2", "9"}:
        yield Reason(SEX, "xbdm", "sex code is not known", "性别代码无效")
    birth_date = real_date(texts["csrq"])
    if birth_date is None:
        yield Reason(BIRTH_DATE, "csrq", "birth date is not a day", "出生日期格式错误")
    elif birth_date > rules.intake_date:
        yield Reason(BIRTH_DATE, "csrq", "birth date lies in the future", "出生日期晚于接收日期")
    if texts["mzdm"] not in NATIONS:
        yield Reason(NATION, "mzdm", "nation code is not known", "民族代码无效")
    if len(texts["xm"]) == 1:
        yield _warning("xm", "name has one character", "姓名仅一个字")


def _check_text(
    field_of: tuple[str, str, str], text: str, rules: CheckRules, *, first: bool
) -> Iterator[Reason]:
    """Yield what keeps a text off the chip (second generation) or the print (both)."""
    identifier, code, word = field_of
    if not text:
        yield Reason(code, identifier, f"{identifier} is missing", f"缺少{word}")
        return
    units, width = len(text.encode("utf-16-le")) // 2, _WIDTHS[identifier]
    if units > width:
        yield Reason(
            code,
            identifier,
            f"{identifier} has {units} UTF-16 units, more than {width}",
            f"{word}超过{width}个字符",
        )
    bad = sorted({character for character in text if not _encodable(character, first=first)})
    if bad:
        points = _code_points(bad)
        yield Reason(
            NOT_ENCODABLE,
            identifier,
            f"{identifier} holds characters that may not be used: {points}",
            f"{word}含不可编码字符{points}",
        )
    unseen = sorted(set(text) - set(bad) - _SPACES)
    missing = [character for character in unseen if not rules.has_glyph(character)]
    if missing:
        points = _code_points(missing)
        yield Reason(
            NO_GLYPH,
            identifier,
            f"{identifier} holds characters that the print font lacks: {points}",
            f"{word}含字库缺字{points}",
            hold=True,
        )


def _encodable(character: str, *, first: bool) -> bool:
    """Tell whether a card may carry a character; a chip-less card may use private ones."""
    point = ord(character)
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return False
    if point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF:
        return False
    return first or (point <= 0xFFFF and not 0xE000 <= point <= 0xF8FF)


def _code_points(characters: list[str]) -> str:
    shown = [f"U+{ord(character):04X}" for character in characters[:_POINTS_SHOWN]]
    return " ".join(shown) + (" ..." if len(characters) > _POINTS_SHOWN else "")


def _check_validity(
    texts: Mapping[str, str], rules: CheckRules, *, first: bool
) -> Iterator[Reason]:
    """Yield what is wrong with the validity: its days, its length for the age, its end."""
    start, until_text = real_date(texts["yxqqsrq"]), texts["yxqjzrq"]
    until = None if until_text == LONG_TERM else real_date(until_text)
    if start is None:
        yield Reason(
            VALIDITY, "yxqqsrq", "start of validity is not a day", "有效期起始日期格式错误"
        )
    elif not _FIRST_CARDS <= start <= rules.intake_date + _START_AHEAD:
        yield Reason(
            VALIDITY, "yxqqsrq", "start of validity is out of range", "有效期起始日期不合理"
        )
        start = None
    if until is None and until_text != LONG_TERM:
        yield Reason(VALIDITY, "yxqjzrq", "end of validity is not a day", "有效期截止日期格式错误")
        return
    if until and until < rules.intake_date:
        yield Reason(VALIDITY, "yxqjzrq", "validity has ended already", "有效期已过")
    birth_date = real_date(texts["csrq"])
    if start is None or birth_date is None:
        return
    age = age_on(start, birth_date)
    if first and age < OF_AGE_YEARS:
        yield Reason(VALIDITY, "csrq", "no first-generation card under 16", "未满16周岁不发一代证")
    allowed = _FIRST_GENERATION_YEARS if first else (years_for(age),)
    if until not in [valid_until(start, years) for years in allowed]:
        yield Reason(VALIDITY, "yxqjzrq", "validity does not fit the age", "有效期限与年龄不符")


def _warning(identifier: str, text: str, description: str) -> Reason:
    return Reason(OTHER, identifier, text, description, warning=True)
