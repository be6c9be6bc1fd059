"""T=0 from the host's side, transfer by transfer in hex (ISO/IEC 7816-3 clauses 10 and 12)."""

import pytest

from drivers import apdu
from drivers.apdu import Command
from drivers.atr import parse_atr
from drivers.errors import ChipMute
from drivers.scp03 import initialize_update
from drivers.t0 import TRANSFERS_MAX, T0Exchange, as_asked
from drivers.t1 import Done, Send
from tests.unit.drivers.encoder_peer import VECTORS

APPLICATION = bytes.fromhex("F052494432")


def asked(command: Command, *answers: str) -> list[str]:
    """Let a chip answer these; returns our transfers and, at the end, the whole answer."""
    exchange = T0Exchange(command)
    steps: list[Send | Done] = [exchange.begin()]
    steps += [exchange.take(bytes.fromhex(answer)) for answer in answers]
    return [
        (step.block if isinstance(step, Send) else step.answer).hex(" ").upper() for step in steps
    ]


def payload(name: str) -> str:
    """Return what the golden frame of this name carries."""
    return VECTORS[name][12:-1].hex(" ").upper()


def test_golden_transfers_of_a_command_whose_answer_is_fetched() -> None:
    select = Command("SELECT", bytes.fromhex("00A40400"), APPLICATION, 0)
    sent = asked(
        select,
        payload("transfer-select-application-t0-answer"),
        payload("transfer-get-response-t0-answer"),
    )
    assert sent == [
        payload("transfer-select-application-t0"),
        payload("transfer-get-response-t0"),
        payload("transfer-get-response-t0-answer"),
    ]
    master_file = Command("SELECT", bytes.fromhex("00A4000C"), bytes.fromhex("3F00"))
    assert asked(master_file, "9000") == [payload("transfer-select-t0"), "90 00"]


@pytest.mark.parametrize(
    ("command", "first", "answers", "then"),
    [
        # Nothing to send, nothing to come: the header has a fifth byte all the same.
        (apdu.activate(), "00 44 00 00 00", ["9000"], ["90 00"]),
        (apdu.activate(), "00 44 00 00 00", ["6982"], ["69 82"]),
        # Data to come.
        (apdu.read_binary(2, 3), "00 B0 00 02 03", ["B04F609000"], ["B0 4F 60 90 00"]),
        (apdu.read_binary(0, 256), "00 B0 00 00 00", ["6B00"], ["6B 00"]),
        (
            apdu.read_binary(0x1FE, 5),
            "00 B0 01 FE 05",
            ["6C02", "12349000"],
            ["00 B0 01 FE 02", "12 34 90 00"],
        ),
        # Data to send.
        (apdu.update_binary(1, b"\x61\x02"), "00 D6 00 01 02 61 02", ["9000"], ["90 00"]),
        (apdu.update_binary(1, b"\x61\x02"), "00 D6 00 01 02 61 02", ["6C02"], ["6C 02"]),
        # Both: what waits is fetched, in the length that the chip wants, to its end.
        (
            initialize_update(0x30, bytes(8)),
            "80 50 30 00 08" + " 00" * 8,
            ["611D", "6C02", "0A0B9000"],
            ["00 C0 00 00 1D", "00 C0 00 00 02", "0A 0B 90 00"],
        ),
        (
            initialize_update(0x30, bytes(8)),
            "80 50 30 00 08" + " 00" * 8,
            ["6102", "0A0B6101", "0C9000"],
            ["00 C0 00 00 02", "00 C0 00 00 01", "0A 0B 0C 90 00"],
        ),
        (
            initialize_update(0x30, bytes(8)),
            "80 50 30 00 08" + " 00" * 8,
            ["9000", "0A9000"],  # done, without a word of what waits
            ["00 C0 00 00 00", "0A 90 00"],
        ),
        (
            initialize_update(0x30, bytes(8)),
            "80 50 30 00 08" + " 00" * 8,
            ["6A88"],
            ["6A 88"],
        ),
    ],
)
def test_cases_of_commands(
    command: Command, first: str, answers: list[str], then: list[str]
) -> None:
    assert asked(command, *answers) == [first, *then]


@pytest.mark.parametrize("answer", ["6101", "6C01", ""])
def test_a_chip_that_never_comes_to_an_end_counts_as_mute(answer: str) -> None:
    with pytest.raises(ChipMute):
        asked(apdu.read_binary(0, 1), *[answer] * TRANSFERS_MAX)


def test_of_an_answer_without_le_only_what_was_asked_for_is_kept() -> None:
    answer = bytes.fromhex("01020304 9000")
    assert as_asked(apdu.read_binary(0, 3), answer) == bytes.fromhex("010203 9000")
    assert as_asked(apdu.read_binary(0, 8), answer) == answer
    assert as_asked(apdu.select_application(APPLICATION), answer) == answer
    assert as_asked(apdu.read_binary(0, 3), b"\x69\x82") == b"\x69\x82"


# What the answer to reset says of it


def with_check_byte(atr: str) -> bytes:
    whole = bytearray.fromhex(atr)
    check = 0
    for byte in whole[1:]:
        check ^= byte
    return bytes(whole) + bytes((check,))


@pytest.mark.parametrize(
    ("atr", "protocol", "wants_pps"),
    [
        (VECTORS["atr-t0-only"], 0, False),
        (VECTORS["atr-negotiable"], 1, True),
        (VECTORS["atr-t1-only"], 1, True),
        # T=0 and T=1 with a CRC, which no reader of ours is told to make.
        (with_check_byte("3B 80 80 41 01"), 0, False),
        # TA2 fixes one of them: nothing is left to agree on.
        (with_check_byte("3B 80 90 00 01"), 0, False),
        (with_check_byte("3B 80 90 01 01"), 1, False),
    ],
)
def test_t1_is_chosen_where_it_is_offered(atr: bytes, protocol: int, *, wants_pps: bool) -> None:
    answer = parse_atr(atr)
    assert (answer.protocol, answer.wants_pps) == (protocol, wants_pps)


def test_a_chip_of_neither_protocol_is_mute() -> None:
    answer = parse_atr(with_check_byte("3B 80 0E"))
    with pytest.raises(ChipMute, match=r"T=1.*T=0"):
        answer.protocol  # noqa: B018 - the question is what raises


def test_parameters_for_t0_follow_the_answer_to_reset() -> None:
    golden = VECTORS["set-parameters-t0"][12:-1]
    assert parse_atr(VECTORS["atr-t0-only"]).t0_parameters() == golden
    # TA1 95, TC1 02, TC2 20: a rate counts only where TA2 fixes it, since our PPS names none.
    assert parse_atr(bytes.fromhex("3B 50 95 02")).t0_parameters().hex() == "1100020a00"
    slow = parse_atr(bytes.fromhex("3B D0 95 02 50 00 20"))
    assert slow.t0_parameters().hex() == "9500022000"
