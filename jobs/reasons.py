"""Why an application is refused, held or looked at: a value that may be shown to anybody.

A reason names fields and codes, never a person's data; a code point is not a person's data.
"""

from dataclasses import dataclass

#: Error class codes (错误类别代码, GA 214.10). Its table is not published: ours until the
#: authority's is known.
NAME = "11"
SEX = "12"
NATION = "13"
BIRTH_DATE = "14"
ADDRESS = "15"
NUMBER = "21"
DUPLICATE_NUMBER = "22"
NUMBER_DISAGREES = "23"
PHOTO_MISSING = "31"
PHOTO_FORMAT = "32"
PHOTO_CONTENT = "33"
VALIDITY = "41"
ISSUER = "42"
NOT_ENCODABLE = "51"
NO_GLYPH = "52"
OTHER = "90"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason; refuses unless it only holds or only warns."""

    code: str
    field: str  # our short identifier of the field
    text: str  # English, for our own people
    description: str  # Chinese, at most 100 characters: 错误描述 of the reject message
    hold: bool = False
    warning: bool = False

    @property
    def refuses(self) -> bool:
        """Tell whether no card can be made from the record as it was sent."""
        return not (self.hold or self.warning)
