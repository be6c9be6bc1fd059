"""The reader's driver against raw bytes: all that a card holds, and verbs of the module itself.

What every reading shares (damage, silence, selecting) is `test_reader_driver.py`.
"""

from functools import reduce
from operator import xor

import pytest

from drivers.errors import (
    CommandRefused,
    DriverError,
    Garbled,
    HardwareFault,
    NoCard,
    ReadFailed,
    UnexpectedReply,
)
from drivers.reader import ReadBack
from tests.unit.drivers.reader_peer import (
    ADDRESSES,
    ANSWERS,
    FINGERPRINTS,
    PHOTO,
    VECTORS,
    Mischief,
    bench,
    framed,
    golden_base_frame,
    golden_text,
    instead,
)

WHOLE = "read-base-and-fingerprints"


def answering(name: str, *answers: bytes) -> Mischief:
    """Answer a request with these bytes in turn, the last for ever."""
    return lambda asked, count, answer: [
        answers[min(count, len(answers) - 1)] if asked == name else answer
    ]


async def test_everything_is_read_in_one_visit() -> None:
    async with bench() as (reader, peer):
        card = await reader.read_whole_card()
        assert peer.requests == [
            "status", "find", "select", WHOLE, "read-addresses", "read-management",
        ]  # fmt: skip
    assert (card.base.text, card.base.photo) == (golden_text(), PHOTO)
    assert card.base.chip_serial == bytes(range(0x11, 0x19))
    assert card.base.card_serial == bytes(range(0x21, 0x31))
    assert (card.fingerprints, card.addresses) == (FINGERPRINTS, ADDRESSES)
    for secret in ("text", "photo", "fingerprints", "addresses"):
        assert secret not in repr(card)


@pytest.mark.parametrize(("length", "count"), [("050A", 0), ("070A", 1), ("090A", 2)])
async def test_no_fingerprint_one_or_two_are_read(length: str, count: int) -> None:
    announced = f"{length} 000090 0100 0400 {count * 512:04X}"
    answer = framed(announced, golden_text(), PHOTO, *FINGERPRINTS[:count])
    assert len(answer) == (1297, 1809, 2321)[count]
    async with bench(answering(WHOLE, answer)) as (reader, _peer):
        assert (await reader.read_whole_card()).fingerprints == FINGERPRINTS[:count]


@pytest.mark.parametrize("count", range(5))
async def test_up_to_four_addresses_are_read_and_none_is_an_answer(count: int) -> None:
    addresses = [bytes((0x41 + number, 0)) * 35 for number in range(count)]
    answer = framed(f"{4 + 70 * count:04X} 000090", *addresses) if count else VECTORS["error-91"]
    async with bench(answering("read-addresses", answer)) as (reader, _peer):
        assert (await reader.read_whole_card()).addresses == tuple(addresses)


async def test_a_module_that_knows_no_fingerprints_gives_the_rest() -> None:
    async with bench(instead(WHOLE, "error-21")) as (reader, peer):
        card = await reader.read_whole_card()
        assert peer.requests[3:5] == [WHOLE, "read-base"]
    assert card.fingerprints is None
    assert (card.base.text, card.addresses) == (golden_text(), ADDRESSES)


@pytest.mark.parametrize(
    "lengths", ["0100 0400 0200", "0100 0400 0000", "00FF 0400 0400", "0100 0401 0400"]
)
async def test_other_lengths_inside_than_came_are_refused(lengths: str) -> None:
    answer = framed(f"090A 000090 {lengths}", golden_text(), PHOTO, *FINGERPRINTS)
    async with bench(answering(WHOLE, answer)) as (reader, _peer):
        with pytest.raises(ReadFailed, match="other lengths") as caught:
            await reader.read_whole_card()
    assert caught.value.facts == {}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("read-addresses", framed("0049 000090", b"\0" * 69)),
        ("read-addresses", framed("0004 000090")),
        ("read-addresses", framed("0162 000090", b"\0" * 350)),
        (WHOLE, golden_base_frame()),
        (WHOLE, framed("0B0A 000090 0100 0400 0600", golden_text(), PHOTO, b"\0" * 1536)),
    ],
)
async def test_an_answer_of_a_length_that_no_such_answer_has_is_none(
    name: str, answer: bytes
) -> None:
    async with bench(lambda asked, _count, good: [answer] * 4 if asked == name else [good]) as (
        reader,
        _peer,
    ):
        with pytest.raises(UnexpectedReply):
            await reader.read_whole_card()


@pytest.mark.parametrize("name", [WHOLE, "read-addresses", "reset", "set-rf-88"])
async def test_damage_silence_and_late_answers_are_got_over(name: str) -> None:
    def trouble(asked: str, count: int, answer: bytes) -> list[bytes]:
        if asked != name:
            return [answer]
        damaged = answer[:-1] + bytes((answer[-1] ^ 8,))
        return [[], [damaged], [VECTORS["found"], answer]][min(count, 2)]

    async with bench(trouble) as (reader, peer):
        await reader.reset()
        await reader.limit_radio_frames(88)
        card = await reader.read_whole_card()
        assert peer.requests.count(name) == 3
    assert (card.fingerprints, card.addresses) == (FINGERPRINTS, ADDRESSES)


async def test_single_bytes_make_a_whole_card() -> None:
    async with bench(lambda _name, _count, answer: [bytes((byte,)) for byte in answer]) as (
        reader,
        _peer,
    ):
        assert (await reader.read_whole_card()).fingerprints == FINGERPRINTS


#: What each code calls for beside a request about a card. A refused step has lost its place.
OF_A_CARD: dict[str, type[DriverError]] = {
    **dict.fromkeys(("10", "11"), Garbled),
    **dict.fromkeys(("60", "66"), HardwareFault),
    **dict.fromkeys(("21", "23", "24", "31", "32", "33", "37"), ReadFailed),
    **dict.fromkeys(("3F", "40", "41", "47", "81", "91"), ReadFailed),
    "80": NoCard,
}
#: And beside one about the reader, where what is said of a card is another request's answer.
OF_THE_READER: dict[str, type[DriverError]] = {
    **dict.fromkeys(("10", "11"), Garbled),
    **dict.fromkeys(("21", "23"), CommandRefused),
    **dict.fromkeys(("24", "3F", "47", "60", "66"), HardwareFault),
    **dict.fromkeys(("31", "32", "33", "37", "40", "41", "80", "81", "91"), UnexpectedReply),
}


#: Where a code is an answer, or refuses what no lost answer can have put out of order.
ANSWERS_TOO = {("read-addresses", "91"), (WHOLE, "21")}
REFUSED = {("find", "21"), ("find", "23")}
OF_A_CARD_EACH = [
    (name, code, CommandRefused if (name, code) in REFUSED else raised)
    for name in ("find", "select", "read-base", WHOLE, "read-addresses")
    for code, raised in OF_A_CARD.items()
    if (name, code) not in ANSWERS_TOO
]


@pytest.mark.parametrize(("name", "code", "raised"), OF_A_CARD_EACH)
async def test_each_code_has_its_consequence_for_a_card(
    name: str, code: str, raised: type[DriverError]
) -> None:
    async with bench(instead(name, f"error-{code}")) as (reader, _peer):
        with pytest.raises(DriverError) as caught:
            await (reader.read_card() if name == "read-base" else reader.read_whole_card())
    assert type(caught.value) is raised
    assert code == "80" or caught.value.facts["code"] == code


@pytest.mark.parametrize("code", OF_THE_READER)
@pytest.mark.parametrize("name", ["reset", "set-rf-88"])
async def test_each_code_has_its_consequence_for_the_reader(name: str, code: str) -> None:
    answer = VECTORS[f"error-{code}"]
    async with bench(lambda asked, _count, good: [answer] * 4 if asked == name else [good]) as (
        reader,
        _peer,
    ):
        with pytest.raises(DriverError) as caught:
            await (reader.reset() if name == "reset" else reader.limit_radio_frames(88))
    assert type(caught.value) is OF_THE_READER[code]


def test_every_code_of_the_document_has_a_consequence() -> None:
    codes = {name[-2:] for name in VECTORS if name.startswith("error-") and len(name) == 8}
    assert set(OF_A_CARD) == set(OF_THE_READER) == codes


async def test_reset_and_the_radio_limit_are_one_request_each() -> None:
    async with bench() as (reader, peer):
        await reader.reset()
        await reader.limit_radio_frames(88)
        assert peer.requests == ["reset", "set-rf-88"]


@pytest.mark.parametrize("size_bytes", [0, 23, 256])
async def test_a_radio_limit_that_no_reader_takes_is_not_asked_for(size_bytes: int) -> None:
    async with bench() as (reader, peer):
        with pytest.raises(CommandRefused, match=f"cannot end at {size_bytes} bytes"):
            await reader.limit_radio_frames(size_bytes)
        assert peer.requests == []


async def test_no_error_says_what_a_card_says() -> None:
    """Neither an answer that is wrong inside nor one that never comes whole."""
    body = ANSWERS[WHOLE][5:-1]
    lying = body[:5] + b"\x02\x00" + body[7:]
    wrong = bytes.fromhex("AAAAAA9669") + lying + bytes((reduce(xor, lying),))
    for answer in (wrong, ANSWERS[WHOLE][:-2], ANSWERS[WHOLE][:-1] + b"\x77"):
        async with bench(answering(WHOLE, answer)) as (reader, _peer):
            with pytest.raises(DriverError) as caught:
                await reader.read_whole_card()
        said = f"{caught.value!r} {caught.value} {caught.value.facts}"
        assert "张" not in said
        assert "示例" not in said
        assert "11010519491231002X" not in said


@pytest.mark.parametrize(
    ("mark", "is_citizens"), [("2000", True), ("4900", False), ("4A00", False), ("0000", False)]
)
def test_cards_of_other_types_are_told_by_their_mark(mark: str, is_citizens: bool) -> None:
    text = golden_text()[:248] + bytes.fromhex(mark) + golden_text()[250:]
    assert ReadBack(text, PHOTO, None, None).is_a_citizens is is_citizens
