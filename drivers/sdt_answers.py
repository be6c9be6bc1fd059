"""Which answer belongs to which SDT request, what it calls for, and the blocks in it. Pure.

Bytes of frames are the business of `drivers/sdt.py`, asking and repeating that of
`drivers/reader.py`. Nothing raised here says what a card says.
"""

from typing import Final

from drivers.errors import CommandRefused, HardwareFault, NoCard, ReadFailed
from drivers.sdt import RATES, Answer, Request, Status, meaning

TEXT_BYTES: Final = 256
PHOTO_BYTES: Final = 1024
FINGERPRINT_BYTES: Final = 512
ADDRESS_BYTES: Final = 70
_ADDRESSES_MAX: Final = 4
_FINGERPRINTS_MAX: Final = 2
#: Each block's length stands before the first block, in two bytes.
_BASE_BYTES: Final = 2 * 2 + TEXT_BYTES + PHOTO_BYTES

#: The good answer to each request: SW3, and how many bytes of data it may have.
_GOOD: Final[dict[Request, tuple[Status, tuple[int, ...]]]] = {
    Request.RESET: (Status.DONE, (0,)),
    Request.STATUS: (Status.DONE, (0,)),
    Request.SAM_ID: (Status.DONE, (16,)),
    Request.FIND: (Status.CARD_FOUND, (4,)),
    Request.SELECT: (Status.DONE, (8,)),
    Request.READ_BASE: (Status.DONE, (_BASE_BYTES,)),
    Request.READ_ADDRESSES: (
        Status.DONE,
        tuple(count * ADDRESS_BYTES for count in range(1, _ADDRESSES_MAX + 1)),
    ),
    Request.READ_MANAGEMENT: (Status.DONE, (28,)),
    Request.READ_WITH_FINGERPRINTS: (
        Status.DONE,
        tuple(_BASE_BYTES + 2 + n * FINGERPRINT_BYTES for n in range(_FINGERPRINTS_MAX + 1)),
    ),
    Request.RADIO_FRAME: (Status.DONE, (0,)),
    **dict.fromkeys(RATES.values(), (Status.DONE, (0,))),
}
_GOOD_WORDS: Final = frozenset((Status.DONE, Status.CARD_FOUND))

#: What is said of a card answers no question about the reader itself.
_OF_A_CARD: Final = frozenset(
    (
        Status.CARD_REJECTS_SAM,
        Status.SAM_REJECTS_CARD,
        Status.CHECK_FAILED,
        Status.FINGERPRINT_CHECK_FAILED,
        Status.CARD_TYPE,
        Status.READ_FAILED,
        Status.FIND_FAILED,
        Status.SELECT_FAILED,
        Status.NO_SUCH_ITEM,
    )
)
_OF_THE_READER: Final = frozenset(
    (Request.RESET, Request.STATUS, Request.SAM_ID, Request.RADIO_FRAME, *RATES.values())
)

_MODULE_FAULTS: Final = frozenset((Status.SELF_TEST_FAILED, Status.NOT_AUTHORISED))
_REFUSALS: Final = frozenset((Status.WRONG_COMMAND, Status.NOT_ALLOWED))
REQUEST_DAMAGED: Final = frozenset((Status.HOST_CHECKSUM, Status.HOST_LENGTH))
#: Older modules do not know the management number, or say that the card has none.
NO_MANAGEMENT: Final = _REFUSALS | {Status.NO_SUCH_ITEM, Status.NOT_RECOGNISED}


def may_answer(answer: Answer, request: Request) -> bool:
    """Tell by its words and its length whether an answer can be the one to this request."""
    if answer.sw3 in _GOOD_WORDS:
        sw3, sizes_bytes = _GOOD[request]
        return answer.sw3 == sw3 and len(answer.data) in sizes_bytes
    return not (request in _OF_THE_READER and answer.sw3 in _OF_A_CARD)


def data_of_reader(answer: Answer) -> bytes:
    """Return the data of an answer about the reader; what is wrong there is no card's fault."""
    if answer.sw3 in _GOOD_WORDS | _REFUSALS:
        return data_of(answer)
    raise HardwareFault(f"The reader reports: {meaning(answer.sw3)}.", code=code_of(answer))


def data_of(answer: Answer) -> bytes:
    """Return the data of a good answer; raises what the module's status word calls for."""
    if answer.sw3 in _GOOD_WORDS:
        return answer.data
    code, text = code_of(answer), meaning(answer.sw3)
    if answer.sw3 in _MODULE_FAULTS:
        raise HardwareFault(f"The reader reports: {text}.", code=code)
    if answer.sw3 in _REFUSALS:
        raise CommandRefused(f"The reader refused: {text}.", code=code)
    if answer.sw3 == Status.FIND_FAILED:
        raise NoCard
    raise ReadFailed(
        f"The reader could not read the card: {text}.",
        code=code,
        card_words=f"{answer.card_words:04X}",
    )


def code_of(answer: Answer) -> str:
    """Return SW3 as the documents write it."""
    return f"{answer.sw3:02X}"


def blocks(answer: Answer) -> tuple[bytes, bytes, bytes]:
    """Take text, photo and fingerprints out of an answer to a base reading; of the last, if any."""
    data = data_of(answer)
    sizes_bytes = [TEXT_BYTES, PHOTO_BYTES]
    if len(data) != _BASE_BYTES:
        sizes_bytes.append(len(data) - _BASE_BYTES - 2)
    announced = b"".join(size.to_bytes(2, "big") for size in sizes_bytes)
    if not data.startswith(announced):
        raise ReadFailed("The reader announces other lengths than a card has.")
    photo_at = len(announced) + TEXT_BYTES
    fingerprints_at = photo_at + PHOTO_BYTES
    return data[len(announced) : photo_at], data[photo_at:fingerprints_at], data[fingerprints_at:]


def parts(data: bytes, size_bytes: int) -> tuple[bytes, ...]:
    """Cut a block into its parts of one size."""
    return tuple(data[at : at + size_bytes] for at in range(0, len(data), size_bytes))
