"""One approved application: the data and photo of one person, as typed values.

Made only from a record that `package_checks` found sound, and kept only sealed (`vault`). It does
not check anything, and its repr shows nobody's data.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

LONG_TERM = "长期"
ORDINARY = "1"
EXPRESS = "2"
FIRST_GENERATION = "1"
SECOND_GENERATION = "2"
#: China has one time zone, and the exchange record names none.
CHINA_TIME = timezone(timedelta(hours=8), "UTC+8")

#: Our short identifier of each text in the exchange record to its attribute here.
_TEXTS: Mapping[str, str] = {
    "ssxqdm": "county_code",
    "slh": "acceptance_number",
    "gmsfhm": "citizen_number",
    "xm": "name",
    "xbdm": "sex_code",
    "mzdm": "nation_code",
    "ssxqmc": "county_text",
    "dzmc": "address",
    "qfjgmc": "issuer",
    "slyydm": "reason_code",
    "zzlxdm": "kind_code",
    "lzfsdm": "delivery_code",
    "sjr_xm": "recipient_name",
    "sjr_lxdh": "recipient_phone",
    "sjr_yzbm": "recipient_postcode",
    "sjr_txdz": "recipient_address",
    "slr_xm": "accepted_by",
    "qfrq": "issue_day",
    "qfjg_gajgjgdm": "issuer_unit_code",
    "qfr_xm": "issued_by",
    "cxcsbs": "resend_code",
    "xj_gajgmc": "county_office",
    "xj_gajgjgdm": "county_office_code",
    "pcs_gajgmc": "police_station",
    "pcs_gajgjgdm": "police_station_code",
    "xxtqsj": "extracted_at",
    "zjlbdm": "product_code",
    "sflx": "fee_type",
    "sfje": "fee_yuan",
}
#: Those that become something else than text.
_TYPED = ("csrq", "yxqqsrq", "yxqjzrq", "sdxp", "slsj")
#: Every element that a record may have.
IDENTIFIERS = frozenset((*_TEXTS, *_TYPED))


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Application:
    """The fields of the make-card record (制证信息), with our short identifiers beside them."""

    acceptance_number: str  # slh, 22 digits
    citizen_number: str  # gmsfhm, 18 characters, or 15 digits for a first-generation card
    name: str  # xm
    sex_code: str  # xbdm: 0 unknown, 1 male, 2 female, 9 not stated
    birth_date: date  # csrq
    nation_code: str  # mzdm
    address: str  # dzmc
    issuer: str  # qfjgmc
    valid_from: date  # yxqqsrq
    valid_until: date | None  # yxqjzrq; None is long-term (长期)
    county_code: str  # ssxqdm
    county_text: str  # ssxqmc: province, city and county in words
    reason_code: str  # slyydm
    kind_code: str  # zzlxdm: 1 ordinary (普证), 2 express (快证)
    delivery_code: str  # lzfsdm
    product_code: str  # zjlbdm, ours: 1 first, 2 second generation
    resend_code: str  # cxcsbs: 0 first, 1 sent again
    accepted_at: datetime  # slsj
    photo: bytes  # sdxp, the JPEG as it came
    recipient_name: str  # sjr_xm
    recipient_phone: str  # sjr_lxdh
    recipient_postcode: str  # sjr_yzbm
    recipient_address: str  # sjr_txdz
    accepted_by: str  # slr_xm
    issue_day: str  # qfrq
    issuer_unit_code: str  # qfjg_gajgjgdm
    issued_by: str  # qfr_xm
    county_office: str  # xj_gajgmc
    county_office_code: str  # xj_gajgjgdm
    police_station: str  # pcs_gajgmc
    police_station_code: str  # pcs_gajgjgdm
    extracted_at: str  # xxtqsj
    fee_type: str  # sflx
    fee_yuan: str  # sfje, such as 20.00; as it came, since `fees` reads it

    def __repr__(self) -> str:
        return f"Application(county_code={self.county_code!r}, product_code={self.product_code!r})"

    @property
    def express(self) -> bool:
        """Tell whether the card is to be made before the ordinary ones (快证)."""
        return self.kind_code == EXPRESS

    @property
    def resend(self) -> bool:
        """Tell whether the record comes a second time under its acceptance number."""
        return self.resend_code == "1"


def application_of(fields: Mapping[str, str]) -> Application:
    """Type a sound record's fields, identifier to text; a missing optional one is empty.

    A record that `package_checks` refuses is our own mistake here and raises `ValueError`.
    """
    until = fields["yxqjzrq"]
    return Application(
        birth_date=_day(fields["csrq"]),
        valid_from=_day(fields["yxqqsrq"]),
        valid_until=None if until == LONG_TERM else _day(until),
        accepted_at=moment(fields["slsj"]),
        photo=b64decode(fields["sdxp"]),
        **{attribute: fields.get(identifier, "") for identifier, attribute in _TEXTS.items()},
    )


def fields_of(application: Application) -> dict[str, str]:
    """Return the record that the application came from, identifier to text."""
    until = application.valid_until
    return {name: getattr(application, attribute) for name, attribute in _TEXTS.items()} | {
        "csrq": f"{application.birth_date:%Y%m%d}",
        "yxqqsrq": f"{application.valid_from:%Y%m%d}",
        "yxqjzrq": f"{until:%Y%m%d}" if until else LONG_TERM,
        "slsj": f"{application.accepted_at:%Y%m%d%H%M%S}",
        "sdxp": b64encode(application.photo).decode(),
    }


def to_bytes(application: Application) -> bytes:
    """Return the compact bytes that are sealed."""
    return json.dumps(
        fields_of(application), ensure_ascii=False, separators=(",", ":"), sort_keys=True
    ).encode()


def from_bytes(data: bytes) -> Application:
    """Return the application that `to_bytes` wrote."""
    return application_of(json.loads(data))


def moment(digits: str) -> datetime:
    """Return the moment that YYYYMMDDhhmmss names in China; raise `ValueError` for any other."""
    if len(digits) != 14 or not (digits.isascii() and digits.isdigit()):
        raise ValueError("not 14 digits")
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=CHINA_TIME)


def _day(digits: str) -> date:
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
